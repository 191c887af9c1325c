"""Light and dark: the reader's choice, and only the pictures that it needs."""

from __future__ import annotations

from playwright.sync_api import expect

from .conftest import OpenContext, pages_with, url

PAGES = pages_with("only-dark")


def test_the_site_has_pictures_in_two_themes() -> None:
    assert PAGES


def test_the_toggle_changes_the_pictures_and_the_choice_outlives_the_page(
    open_context: OpenContext,
) -> None:
    context = open_context("desktop", "light")
    page = context.new_page()
    page.goto(url(PAGES[0]))
    light = page.locator("img.only-light").first
    dark = page.locator("img.only-dark").first
    expect(light).to_be_visible()
    toggle = page.locator("button.theme-toggle:visible")
    for _ in range(3):  # auto, then one after the other
        if page.evaluate("document.body.dataset.theme") == "dark":
            break
        toggle.click()
    expect(dark).to_be_visible()
    expect(light).to_be_hidden()
    dark.evaluate("image => image.decode()")
    page.reload()
    expect(page.locator("img.only-dark").first).to_be_visible()
    context.close()


def test_paper_shows_the_light_pictures(open_context: OpenContext) -> None:
    context = open_context("desktop", "dark")
    page = context.new_page()
    page.goto(url(PAGES[0]))
    page.emulate_media(media="print", color_scheme="dark")
    expect(page.locator("img.only-light").first).to_be_visible()
    expect(page.locator("img.only-dark").first).to_be_hidden()
    context.close()
