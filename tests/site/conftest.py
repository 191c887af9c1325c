"""The built site in a headless Chromium that is cut off from the network.

``HANDBOOK_SITE`` says where the site is (default ``_build/html``), ``HANDBOOK_CHROMIUM`` which
browser to use; otherwise one is looked for on the PATH and where playwright installs its own.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page, Route

ROOT = Path(__file__).resolve().parents[2]
SITE = Path(os.environ.get("HANDBOOK_SITE", ROOT / "_build" / "html")).resolve()

NAMES = (
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
)
NO_BROWSER = (
    "the tests of the site need Chromium, and none was found; install it with "
    "`python -m playwright install chromium` or your system's package manager "
    "(`apt install chromium`), or set HANDBOOK_CHROMIUM to its path"
)
NO_SITE = f"there is no built site in {SITE}; build it with `nox -s docs` or set HANDBOOK_SITE"

VIEWPORTS = {
    "phone": {"width": 390, "height": 844},
    "desktop": {"width": 1280, "height": 900},
}


def pages() -> list[str]:
    """Every page of the site, as a path from its root."""
    found = sorted(SITE.rglob("*.html"))
    names = [path.relative_to(SITE).as_posix() for path in found]
    return [name for name in names if not name.startswith(("_static/", "_downloads/"))]


def pages_with(text: str) -> list[str]:
    """The pages whose HTML holds `text`."""
    return [name for name in pages() if text in (SITE / name).read_text(encoding="utf-8")]


def url(name: str) -> str:
    return (SITE / name).as_uri()


@pytest.fixture(scope="session", autouse=True)
def site() -> Path:
    if not (SITE / "index.html").is_file():
        pytest.fail(NO_SITE, pytrace=False)
    return SITE


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    from playwright.sync_api import Error, sync_playwright  # the downloads are tested without it

    given = os.environ.get("HANDBOOK_CHROMIUM")
    found = given or next((path for path in map(shutil.which, NAMES) if path), None)
    with sync_playwright() as playwright:
        try:
            chromium = playwright.chromium.launch(
                executable_path=found, args=["--no-sandbox", "--disable-gpu"]
            )
        except Error as error:
            pytest.fail(f"{NO_BROWSER}\n\n{error.message.splitlines()[0]}", pytrace=False)
        yield chromium
        chromium.close()


_WEIGHTS: dict[str, tuple[float, int]] = {}


@pytest.fixture(scope="session")
def weights() -> dict[str, tuple[float, int]]:
    """Gzipped kilobytes and requests of each visit; the heaviest are told at the end."""
    return _WEIGHTS


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if not _WEIGHTS:
        return
    terminalreporter.section("heaviest pages: kB gzipped, requests with pictures")
    heaviest = sorted(_WEIGHTS.items(), key=lambda item: -item[1][0])
    for name, (kilobytes, requests) in heaviest[:8]:
        terminalreporter.line(f"{kilobytes:7.0f} {requests:4}  {name}")


OpenContext = Callable[..., "BrowserContext"]


@pytest.fixture(scope="session")
def open_context(browser: Browser) -> Iterator[OpenContext]:
    """Open a context without a network; its ``refused`` lists what a page asked for outside."""
    contexts: list[BrowserContext] = []

    def opened(viewport: str = "desktop", theme: str = "light", **options: Any) -> BrowserContext:
        context = browser.new_context(viewport=VIEWPORTS[viewport], color_scheme=theme, **options)
        refused: list[str] = []

        def refuse(route: Route) -> None:
            refused.append(route.request.url)
            route.abort()

        context.route(lambda address: not address.startswith(("file:", "data:", "blob:")), refuse)
        context.refused = refused
        contexts.append(context)
        return context

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def page(open_context: OpenContext) -> Iterator[Page]:
    """A desktop page in the light theme."""
    context = open_context()
    yield context.new_page()
    context.close()
