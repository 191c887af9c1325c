"""Light and dark: the reader's choice, and only the pictures that it needs."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from .conftest import OpenContext, pages_with, url

PAGES = pages_with("only-dark")


def pictures(page: Page) -> list[dict[str, object]]:
    return page.evaluate(
        """() => [...document.querySelectorAll("img.only-light, img.only-dark")].map((image) => ({
          dark: image.classList.contains("only-dark"),
          shown: image.checkVisibility(),
          loaded: image.naturalWidth > 0,
        }))"""
    )


def go_down(page: Page) -> None:
    for image in page.locator("img.only-light, img.only-dark").all():
        if image.is_visible():
            image.scroll_into_view_if_needed()
            # A picture that never loads must fail below, and not wait here for ever.
            image.evaluate(
                """image => Promise.race(
                    [image.decode(), new Promise((late) => setTimeout(late, 5000))]
                )"""
            )


def test_the_site_has_pictures_in_two_themes() -> None:
    assert PAGES


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_a_theme_shows_and_fetches_its_own_pictures_only(
    open_context: OpenContext, name: str, theme: str
) -> None:
    context = open_context("desktop", theme)
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(url(name))
    go_down(page)
    for picture in pictures(page):
        mine = picture["dark"] == (theme == "dark")
        assert picture["shown"] == picture["loaded"] == mine
    fetched = [address for address in asked if address.endswith(".webp")]
    assert fetched
    assert all(address.endswith("_dark.webp") == (theme == "dark") for address in fetched)
    context.close()


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
