"""Search works from the reader's disk."""

from __future__ import annotations

import re
from collections.abc import Callable

import concepts
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


ASK = """queries => queries.map(query => {
  const found = Search._performSearch(...Search._parseQuery(query));
  return [query, found.map(([page]) => page)];
})"""


@pytest.fixture
def ask(page: Page) -> Callable[[list[str]], dict[str, list[str]]]:
    """Give many words to the search of the site, and get the pages that each one finds."""
    page.goto(url("search.html") + "?q=gallery")
    expect(page.locator("#search-results li a").first).to_be_visible()
    return lambda queries: dict(page.evaluate(ASK, queries))


@pytest.mark.parametrize("language", ["english", "chinese"])
def test_every_term_is_found_by_its_name(
    language: str, ask: Callable[[list[str]], dict[str, list[str]]]
) -> None:
    table = concepts.load()
    names = [getattr(term, language) for term in concepts.glossary_terms(table)]
    found = ask(names)
    assert [name for name in names if "glossary" not in found[name]] == []


@pytest.mark.parametrize("language", ["english", "chinese"])
def test_the_name_of_a_concept_finds_its_chapter(
    language: str, ask: Callable[[list[str]], dict[str, list[str]]]
) -> None:
    wanted = {getattr(row, language): row.chapter for row in concepts.load().values()}
    found = ask(list(wanted))
    assert {name for name, chapter in wanted.items() if chapter not in found[name]} == set()


def test_a_pitfall_is_found_by_its_symptom(
    page: Page, ask: Callable[[list[str]], dict[str, list[str]]]
) -> None:
    table = page.context.new_page()
    table.goto(url("pitfalls.html"))
    # As a reader would type it: the words, without the formulas.
    table.evaluate("document.querySelectorAll('.katex').forEach((formula) => formula.remove())")
    symptoms = table.locator(".pitfall-parts > dt:first-of-type + dd").all_inner_texts()
    assert len(symptoms) >= 10
    found = ask(symptoms)
    assert [symptom for symptom in symptoms if "pitfalls" not in found[symptom]] == []
