"""Search works from the reader's disk."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from .conftest import OpenContext, pages, url


def test_a_word_typed_on_a_page_finds_pages_and_a_click_leads_there(page: Page) -> None:
    page.goto(url("index.html"))
    field = page.locator("input.sidebar-search")
    field.fill("gallery")
    field.press("Enter")
    page.wait_for_url(re.compile(r"search\.html\?"))
    results = page.locator("#search-results li a")
    expect(results.first).to_be_visible()
    results.first.click()
    page.wait_for_url(re.compile(r"\.html(#|$|\?)"))
    assert "search.html" not in page.url
    expect(page.locator("h1")).to_have_count(1)
    assert page.context.refused == []


def test_the_search_page_has_its_own_field_on_a_phone(open_context: OpenContext) -> None:
    page = open_context("phone").new_page()
    page.goto(url("search.html"))
    field = page.get_by_role("searchbox")
    expect(field).to_be_visible()
    field.fill("gallery")
    page.get_by_role("button", name="Search").click()
    expect(page.locator("#search-results li a").first).to_be_visible()


def test_a_word_that_is_nowhere_is_answered_in_words(page: Page) -> None:
    page.goto(url("search.html") + "?q=xyzzyplugh")
    expect(page.locator("#search-results")).to_contain_text("did not match any documents")


def test_the_site_has_a_search_page() -> None:
    if "search.html" not in pages():
        pytest.fail("search.html is missing")
