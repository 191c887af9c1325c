"""The stepper goes where its reader sends it, and nowhere else."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from .conftest import OpenContext, pages_with, url

PAGES = pages_with("data-stepper")


class Stepper:
    def __init__(self, page: Page) -> None:
        self.page = page
        self.root: Locator = page.locator("[data-stepper]").first
        data = json.loads(self.root.get_attribute("data-stepper") or "")
        self.count, self.poster = len(data["frames"]), data["poster"]
        self.slider = self.root.get_by_role("slider")
        self.status = self.root.locator(".stepper-status")

    def button(self, name: str) -> Locator:
        return self.root.get_by_role("button", name=name, exact=True)

    def shows(self, number: int) -> None:
        expect(self.root).to_have_attribute("data-frame", str(number))
        expect(self.status).to_contain_text(f"Frame {number} of {self.count}")
        expect(self.slider).to_have_value(str(number))
        picture = self.root.locator("img.stepper-picture")
        expect(picture).to_be_visible()
        assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
        assert picture.get_attribute("alt")


@pytest.fixture(params=["light", "dark"])
def stepper(request: pytest.FixtureRequest, open_context: OpenContext) -> Iterator[Stepper]:
    assert PAGES, "no page has a stepper"
    context = open_context("desktop", request.param)
    page = context.new_page()
    page.goto(url(PAGES[0]))
    yield Stepper(page)
    context.close()


def test_nothing_moves_and_no_frame_is_fetched_before_the_reader_asks(
    open_context: OpenContext,
) -> None:
    page = open_context().new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(url(PAGES[0]))
    Stepper(page).root.scroll_into_view_if_needed()
    page.wait_for_timeout(700)
    assert not [address for address in asked if "_f0" in address]
    assert Stepper(page).root.get_attribute("data-frame") is None


def test_buttons_step_and_stop_at_both_ends(stepper: Stepper) -> None:
    stepper.button("First frame").click()
    stepper.shows(1)
    # Announced as disabled and still in the tab order; a click must do no harm.
    stepper.button("Previous frame").click(force=True)
    stepper.shows(1)
    stepper.button("Next frame").click()
    stepper.shows(2)
    stepper.button("Last frame").click()
    stepper.shows(stepper.count)
    expect(stepper.button("Next frame")).to_have_attribute("aria-disabled", "true")


def test_keys_step(stepper: Stepper) -> None:
    stepper.button("First frame").focus()
    stepper.page.keyboard.press("Enter")
    stepper.shows(1)
    stepper.page.keyboard.press("ArrowRight")
    stepper.shows(2)
    stepper.page.keyboard.press("End")
    stepper.shows(stepper.count)
    stepper.page.keyboard.press("ArrowLeft")
    stepper.shows(stepper.count - 1)
    stepper.slider.focus()
    stepper.page.keyboard.press("Home")
    stepper.shows(1)
    stepper.page.keyboard.press("ArrowRight")
    stepper.shows(2)


def test_every_control_is_reached_with_the_tab_key(stepper: Stepper) -> None:
    stepper.button("First frame").focus()
    reached = []
    for _ in range(6):
        reached.append(stepper.page.evaluate("document.activeElement.ariaLabel"))
        stepper.page.keyboard.press("Tab")
    assert reached == ["First frame", "Previous frame", "Play", "Next frame", "Last frame", "Frame"]


def test_play_goes_on_until_pause(stepper: Stepper) -> None:
    stepper.button("First frame").click()
    stepper.button("Play").click()
    expect(stepper.root).to_have_attribute("data-frame", "2", timeout=5000)
    stepper.button("Pause").click()
    expect(stepper.button("Play")).to_be_visible()
    stopped = stepper.root.get_attribute("data-frame")
    stepper.page.wait_for_timeout(1500)
    assert stepper.root.get_attribute("data-frame") == stopped


def test_play_is_silent_and_steps_are_told(stepper: Stepper) -> None:
    stepper.button("First frame").click()
    expect(stepper.status).to_have_attribute("aria-live", "polite")
    stepper.button("Play").click()
    expect(stepper.status).to_have_attribute("aria-live", "off")
    stepper.button("Pause").click()
    expect(stepper.status).to_have_attribute("aria-live", "polite")


def test_a_reader_who_wants_less_motion_gets_one_frame_for_one_click(
    open_context: OpenContext,
) -> None:
    page = open_context("phone", "light", reduced_motion="reduce").new_page()
    page.goto(url(PAGES[0]))
    stepper = Stepper(page)
    expect(stepper.root.get_by_text("asks for less motion")).to_be_visible()
    stepper.button("First frame").click()
    stepper.button("Play").click()
    stepper.shows(2)
    page.wait_for_timeout(1500)
    stepper.shows(2)


def test_the_picture_follows_the_theme(stepper: Stepper) -> None:
    stepper.button("First frame").click()
    stepper.shows(1)
    picture = stepper.root.locator("img.stepper-picture")
    for theme, ending in (("dark", "_dark.webp"), ("light", ".webp")):
        stepper.page.evaluate("theme => { document.body.dataset.theme = theme }", theme)
        expect(picture).to_have_js_property("naturalWidth", picture.evaluate("i => i.naturalWidth"))
        stepper.page.wait_for_function(
            "([i, dark]) => i.src.endsWith('_dark.webp') === dark",
            arg=[picture.element_handle(), theme == "dark"],
        )
        assert (picture.get_attribute("src") or "").endswith(ending)


def test_without_javascript_the_poster_stands_alone(open_context: OpenContext) -> None:
    page = open_context("desktop", "light", java_script_enabled=False).new_page()
    page.goto(url(PAGES[0]))
    root = page.locator("[data-stepper]").first
    expect(root.locator("img.only-light")).to_be_visible()
    expect(root.locator(".stepper-controls")).to_be_hidden()


def test_paper_shows_the_poster(stepper: Stepper) -> None:
    stepper.button("First frame").click()
    stepper.shows(1)
    stepper.page.emulate_media(media="print")
    expect(stepper.root.locator("img.only-light")).to_be_visible()
    expect(stepper.root.locator("img.stepper-picture")).to_be_hidden()
    expect(stepper.root.locator(".stepper-controls")).to_be_hidden()
