"""Every page, on a phone and on a desktop, in the light and in the dark."""

from __future__ import annotations

import gzip
import json
import re
import statistics
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urldefrag, urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, Request

from .conftest import SITE, OpenContext, pages, url

MOST_REQUESTS = 20  # pictures aside: they come one by one as the reader goes down the page
MOST_SHIFT = 0.05
# What a page fetches, gzipped. The search index is fetched by the search page alone.
# A chapter is weighed with all its figures, read to its end; a page of the gallery has one or two.
# The index of the gallery shows a card for every script, and fetches them as the reader goes down.
MOST_KILOBYTES = {
    "default": 480,
    "search.html": 2000,
    "genindex.html": 600,
    "auto_gallery/index.html": 1000,
}
MOST_KILOBYTES_OF_THE_MEDIAN_PAGE = 150
# Each page is visited once in each window and theme of these two; one of each kind in all four, and
# turned from one theme to the other.
WINDOWS = [("phone", "dark"), ("desktop", "light")]
ONE_OF_EACH_KIND = [
    "index.html",
    "models_and_losses/activations.html",
    "auto_gallery/index.html",
    "auto_gallery/models_and_losses/plot_saturation.html",
    "api/activations.html",
    "search.html",
    "genindex.html",
]

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")

WATCH_SHIFTS = """
window.handbookShift = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    if (!entry.hadRecentInput) window.handbookShift += entry.value;
  }
}).observe({ type: "layout-shift", buffered: true });
"""

# Pictures are fetched when they come near the window: go down the page once. A busy machine may
# skip a frame, and with it a picture: what has not begun by the end is asked for without waiting to
# be near. A picture that cannot be loaded still fails below, and is not waited for.
SCROLL_DOWN = """async () => {
  for (let y = 0; y < document.documentElement.scrollHeight; y += innerHeight) {
    scrollTo(0, y);
    await new Promise((done) => requestAnimationFrame(done));
  }
  const shown = [...document.images].filter((image) => image.checkVisibility());
  const late = new Promise((done) => setTimeout(done, 30000));
  const settled = shown.filter((image) => !image.complete).map((image) => {
    const ended = new Promise((done) => { image.onload = image.onerror = done; });
    image.loading = "eager";
    return image.complete ? null : ended;
  });
  await Promise.race([Promise.all(settled), late]);
  for (const fade of document.getAnimations()) {
    try { fade.finish(); } catch { fade.cancel(); }  // one without an end cannot be finished
  }
  scrollTo(0, 0);
}"""

# Without `preload`, which fetches style sheets a second time, in a way that file:// forbids.
RUN_AXE = """(options) =>
  axe.run(document, { resultTypes: ["violations"], preload: false, ...options })"""
ALL_RULES: dict[str, Any] = {}
ALL_BUT_COLOURS = {"rules": {"color-contrast": {"enabled": False}}}
COLOURS = {"runOnly": ["color-contrast"]}
# axe needs seconds for the colours of thousands of small texts. They have few: each pair of text
# and ground is judged once, below. What that cannot see (opacity, pictures below a text, text in a
# drawing) axe sees on one page of each kind.
LEAST_CONTRAST = 4.5  # WCAG 2.2, level AA, text of normal size

PAIRS_OF_COLOURS = """() => {
  const opaque = (colour) => !/^rgba\\(.*, 0(\\.\\d+)?\\)$/.test(colour);
  const found = {};
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.checkVisibility()) continue;
    if (element.closest("svg, script, style, noscript, .katex-mathml")) continue;
    let ground = element;
    while (ground && !opaque(getComputedStyle(ground).backgroundColor)) {
      ground = ground.parentElement;
    }
    const colours = [element, ground ?? document.documentElement].map(getComputedStyle);
    const pair = [colours[0].color, ground ? colours[1].backgroundColor : "rgb(255, 255, 255)"];
    found[pair.join(" on ")] ??= walker.currentNode.data.trim().slice(0, 40);
  }
  return found;
}"""

LOOK = """() => {
  const outside = (element) => !element.closest("script, style, code, pre, annotation, textarea");
  const texts = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    if (outside(node.parentElement) && /\\\\\\(|\\\\\\[|\\$\\$|\\\\begin\\{/.test(node.data)) {
      texts.push(node.data.trim().slice(0, 80));
    }
  }
  const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
  const shown = (image) => image.checkVisibility();
  const themed = [...document.querySelectorAll("img.only-light, img.only-dark")];
  return {
    // Of two pictures for two themes, only one is fetched: [its theme, shown, loaded].
    themed: themed.map((image) => [
      image.classList.contains("only-dark") ? "dark" : "light",
      shown(image),
      image.naturalWidth > 0,
    ]),
    overflow: document.documentElement.scrollWidth - innerWidth,
    shift: window.handbookShift,
    tex: texts,
    formulaErrors: document.querySelectorAll(".katex-error").length,
    images: [...document.images].filter((image) => image.checkVisibility()).map((image) => ({
      address: image.currentSrc || image.src,
      loaded: image.naturalWidth > 0,
      alt: image.getAttribute("alt"),
      named: image.closest(".sphx-glr-thumbcontainer") !== null,
    })),
    headings: [...document.querySelectorAll("h1, h2, h3, h4, h5, h6")]
      .filter((heading) => heading.checkVisibility())
      .map((heading) => [Number(heading.tagName[1]), heading.textContent.trim()]),
    repeated: [...new Set(ids.filter((id, index) => ids.indexOf(id) !== index))],
  };
}"""


@dataclass
class Visit:
    """What one look at a page found."""

    requests: list[str] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    seen: dict[str, Any] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)

    def note_violations(self, theme: str, report: dict[str, Any]) -> None:
        for violation in report["violations"]:
            for node in violation["nodes"]:
                what = f"{violation['id']} ({violation['impact']}, {theme})"
                self.violations.append(f"{what}: {node['html'][:200]}")

    @property
    def gzipped(self) -> int:
        """Bytes of what was fetched, each file gzipped (pictures gain nothing and stay)."""
        found = {_file(address) for address in self.fetched}
        return sum(_gzipped(path) for path in found if path.is_file())


def _file(address: str) -> Path:
    return Path(unquote(urlsplit(address).path))


@cache
def _gzipped(path: Path) -> int:
    content = path.read_bytes()
    return min(len(content), len(gzip.compress(content, mtime=0)))


def contrast(colour: str, ground: str) -> float:
    """Contrast of two colours ``rgb(r, g, b)`` or ``rgba(r, g, b, a)``, by the formula of WCAG."""
    red_green_blue = [[float(part) for part in re.findall(r"[\d.]+", c)] for c in (colour, ground)]
    (*front, alpha), back = ([*red_green_blue[0], 1.0][:4], red_green_blue[1][:3])
    mixed = [alpha * f + (1 - alpha) * b for f, b in zip(front, back, strict=True)]
    lighter, darker = sorted((luminance(mixed), luminance(back)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: list[float]) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in _unit(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _unit(colour: list[float]) -> list[float]:
    return [value / 255 for value in colour]


def judge(page: Page, visit: Visit, theme: str, options: dict[str, Any]) -> None:
    visit.note_violations(theme, page.evaluate(RUN_AXE, options))


def look(context: BrowserContext, name: str, theme: str, thorough: bool = False) -> Visit:
    """Visit a page and read it to its end; ``thorough``: axe sees every piece, in both themes."""
    visit = Visit()
    page: Page = context.new_page()

    def note(request: Request) -> None:
        if request.url.startswith("file:"):
            visit.requests.append(request.url)

    page.on("request", note)
    page.on("requestfailed", lambda request: visit.failed.append(request.url))
    page.on("pageerror", lambda error: visit.errors.append(str(error)))
    page.on(
        "console",
        lambda message: visit.errors.append(message.text) if message.type == "error" else None,
    )
    context.refused.clear()
    page.add_init_script(WATCH_SHIFTS)
    page.goto(url(name), wait_until="load")
    page.evaluate(SCROLL_DOWN)
    visit.seen = page.evaluate(LOOK)
    visit.fetched = list(visit.requests)
    page.evaluate(AXE)
    if thorough:
        judge(page, visit, theme, ALL_RULES)
        other = "light" if theme == "dark" else "dark"
        page.emulate_media(color_scheme=other)
        page.evaluate(SCROLL_DOWN)
        visit.seen["images"] += page.evaluate(LOOK)["images"]
        judge(page, visit, other, COLOURS)
    else:
        judge(page, visit, theme, ALL_BUT_COLOURS)
        for pair, text in pale(page).items():
            visit.violations.append(f"contrast ({theme}): {text!r} is {pair}")
    visit.refused = list(context.refused)
    page.close()
    return visit


@pytest.fixture(scope="module")
def contexts(open_context: OpenContext) -> dict[tuple[str, str], BrowserContext]:
    return {window: open_context(*window) for window in WINDOWS}


@pytest.mark.parametrize("window", ["phone", "desktop"])
@pytest.mark.parametrize("name", ONE_OF_EACH_KIND)
def test_one_page_of_each_kind_has_no_violation_at_all(
    name: str, window: str, open_context: OpenContext
) -> None:
    context = open_context(window, "light")
    visit = look(context, name, "light", thorough=True)
    context.close()
    assert not visit.violations, "\n".join(visit.violations)
    assert not [image["address"] for image in visit.seen["images"] if not image["loaded"]]


PALE = "article p { color: #999 !important; background: #fff !important }"
PALE_CODE = "pre span, .katex span { color: #777 !important } pre { background: #eee !important }"


def pale(page: Page) -> dict[str, str]:
    found = page.evaluate(PAIRS_OF_COLOURS)
    return {p: text for p, text in found.items() if contrast(*p.split(" on ")) < LEAST_CONTRAST}


def test_a_text_that_does_not_stand_out_is_seen(page: Page) -> None:
    page.goto(url("index.html"))
    assert not pale(page)
    page.add_style_tag(content=PALE)
    assert set(pale(page)) == {"rgb(153, 153, 153) on rgb(255, 255, 255)"}
    page.evaluate(AXE)
    for options in (ALL_RULES, COLOURS):
        found = page.evaluate(RUN_AXE, options)["violations"]
        assert "color-contrast" in {violation["id"] for violation in found}


def test_code_and_formulas_that_do_not_stand_out_are_seen(page: Page) -> None:
    page.goto(url(ONE_OF_EACH_KIND[1]))
    assert len(page.evaluate(PAIRS_OF_COLOURS)) > 3
    assert not pale(page)
    page.add_style_tag(content=PALE_CODE)
    grounds = {pair.partition(" on ")[2] for pair in pale(page)}
    assert "rgb(238, 238, 238)" in grounds  # code
    assert len(grounds) > 1  # formulas


@pytest.mark.parametrize(
    ("colour", "ground", "expected"),
    [
        ("rgb(0, 0, 0)", "rgb(255, 255, 255)", 21.0),
        ("rgb(255, 255, 255)", "rgb(255, 255, 255)", 1.0),
        ("rgb(118, 118, 118)", "rgb(255, 255, 255)", 4.54),
        ("rgba(0, 0, 0, 0.5)", "rgb(255, 255, 255)", 3.95),
    ],
)
def test_contrast_is_that_of_the_standard(colour: str, ground: str, expected: float) -> None:
    assert contrast(colour, ground) == pytest.approx(expected, abs=0.05)


@pytest.mark.parametrize("window", WINDOWS, ids="-".join)
@pytest.mark.parametrize("name", pages())
def test_a_page_is_whole(
    name: str,
    window: tuple[str, str],
    contexts: dict[tuple[str, str], BrowserContext],
    weights: dict[str, tuple[float, int]],
) -> None:
    visit = look(contexts[window], name, window[1])
    seen = visit.seen
    wrong: list[str] = []

    def check(holds: bool, message: str) -> None:
        if not holds:
            wrong.append(message)

    check(not visit.failed, f"requests failed: {visit.failed}")
    check(not visit.refused, f"asks the network for {visit.refused}")
    check(not visit.errors, f"errors in the console: {visit.errors}")
    check(seen["overflow"] <= 0, f"scrolls sideways by {seen['overflow']} px")
    check(not seen["tex"], f"shows unrendered TeX: {seen['tex']}")
    check(not seen["formulaErrors"], f"{seen['formulaErrors']} formulas could not be rendered")
    check(seen["shift"] <= MOST_SHIFT, f"shifts while loading by {seen['shift']:.3f}")
    check(not seen["repeated"], f"ids that occur twice: {seen['repeated']}")
    for image in seen["images"]:
        check(image["loaded"], f"image did not load: {image['address']}")
        # A card's picture is named by the card's link.
        if not image["named"]:
            check(bool(image["alt"]), f"image without alternative text: {image['address']}")
            check(
                not re.search(r"\.(png|webp|svg|jpe?g|gif)$|sphx_glr|_images/", image["alt"] or ""),
                f"alternative text is a file name: {image['alt']}",
            )
    for its_theme, shown, loaded in seen["themed"]:
        mine = its_theme == window[1]
        check(shown == mine, f"shows a picture for the {its_theme} theme: {shown}")
        check(loaded == mine, f"has fetched a picture for the {its_theme} theme: {loaded}")
    levels = [level for level, _ in seen["headings"]]
    check(levels[:1] == [1] and levels.count(1) == 1, f"headings: {seen['headings']}")
    for (level, _), (below, text) in zip(seen["headings"], seen["headings"][1:], strict=False):
        check(below <= level + 1, f"heading {text!r} skips a level: {level} to {below}")
    check(not visit.violations, "axe: " + "\n  ".join(visit.violations))

    kilobytes = visit.gzipped / 1024
    most = MOST_KILOBYTES.get(name, MOST_KILOBYTES["default"])
    weights[f"{name} on a {window[0]}"] = (kilobytes, len(set(visit.fetched)))
    check(kilobytes <= most, f"weighs {kilobytes:.0f} kB, more than {most}")
    count = len({address for address in visit.fetched if "/_images/" not in address})
    check(count <= MOST_REQUESTS, f"makes {count} requests, more than {MOST_REQUESTS}")
    assert not wrong, f"{name} on a {window[0]}:\n- " + "\n- ".join(wrong)


def test_the_median_page_is_light() -> None:
    """With its light pictures, style sheets and scripts; read from the files."""
    sizes = []
    for name in pages():
        page = SITE / name
        text = page.read_text(encoding="utf-8")
        addresses = re.findall(r'<(?:img|script)\b[^>]*?\ssrc="([^"#?]+)', text)
        # A link to the next page is not fetched; a style sheet is.
        sheets = re.findall(r'<link\b[^>]*\brel="stylesheet"[^>]*>', text)
        addresses += re.findall(r'href="([^"#?]+)', " ".join(sheets))
        needed = {page, *((page.parent / unquote(address)).resolve() for address in addresses)}
        light = {path for path in needed if path.is_file() and "_dark" not in path.name}
        sizes.append(sum(_gzipped(path) for path in light) / 1024)
    assert statistics.median(sizes) <= MOST_KILOBYTES_OF_THE_MEDIAN_PAGE


# -- links, read from the files ----------------------------------------------------------------


@cache
def anchors(path: Path) -> frozenset[str]:
    text = path.read_text(encoding="utf-8")
    return frozenset(re.findall(r"\s(?:id|name)=\"([^\"]+)\"", text))


@pytest.mark.parametrize("name", pages())
def test_every_link_inside_the_site_leads_somewhere(name: str) -> None:
    here = SITE / name
    text = here.read_text(encoding="utf-8")
    broken = []
    for address in set(re.findall(r"<a\b[^>]*\shref=\"([^\"]+)\"", text)):
        address = address.replace("&amp;", "&")
        if urlsplit(address).scheme or address.startswith("//"):
            continue
        target, fragment = urldefrag(address)
        target = unquote(target.partition("?")[0])
        path = (here.parent / target).resolve() if target else here
        if not path.is_file():
            broken.append(f"{address}: no such file")
        elif fragment and path.suffix == ".html" and unquote(fragment) not in anchors(path):
            broken.append(f"{address}: no such anchor")
    assert not broken, f"{name}:\n- " + "\n- ".join(sorted(broken))


@pytest.mark.parametrize("name", pages())
def test_every_frame_of_a_stepper_is_there(name: str) -> None:
    text = (SITE / name).read_text(encoding="utf-8")
    for packed in re.findall(r"data-stepper=\"([^\"]*)\"", text):
        frames = json.loads(packed.replace("&quot;", '"').replace("&amp;", "&"))["frames"]
        for frame in frames:
            for theme in ("light", "dark"):
                assert ((SITE / name).parent / frame[theme]).is_file(), frame[theme]
            assert frame["alt"]
