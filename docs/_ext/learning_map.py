"""The learning path, drawn: every chapter in reading order, with a line from each to what needs it.

Made from docs/concepts.toml. The chapters are a list of links, which a phone, a keyboard and a
screen reader follow like any other; the lines are a picture beside the list, in which one row of
the list is one unit high.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import concepts
from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

ROW = 4.0  # rem, the height of a row of the list; handbook.css takes it from the style of the map
WIDTH = 5.5  # rem, the width of the picture
DOT = 0.32  # rem, the radius of a chapter's dot


class Chapter(NamedTuple):
    """A chapter of the path: its page, its part, its concepts, and the chapters that it needs."""

    page: str
    part: str
    concepts: tuple[concepts.Concept, ...]
    needs: tuple[str, ...]


def chapters(table: dict[str, concepts.Concept]) -> list[Chapter]:
    """Return the chapters in reading order: part by part, in the order of the table."""
    pages = {
        row.chapter: row.part
        for part in concepts.PARTS
        for row in table.values()
        if row.part == part
    }
    path = []
    for page, part in pages.items():
        rows = tuple(row for row in table.values() if row.chapter == page)
        needs = {table[key].chapter: None for row in rows for key in row.requires}
        path.append(Chapter(page, part, rows, tuple(need for need in needs if need != page)))
    return path


def direct_needs(path: list[Chapter]) -> dict[str, tuple[str, ...]]:
    """Leave out what a chapter needs only because something that it needs does."""
    every: dict[str, set[str]] = {}

    def reached(page: str) -> set[str]:
        if page not in every:
            every[page] = set()  # a circle ends here
            needs = by_page[page].needs
            every[page] = set(needs).union(*(reached(need) for need in needs))
        return every[page]

    by_page = {chapter.page: chapter for chapter in path}
    return {
        chapter.page: tuple(
            need
            for need in chapter.needs
            if not any(need in reached(other) for other in chapter.needs if other != need)
        )
        for chapter in path
    }


def draw(path: list[Chapter]) -> str:
    """Return the picture as SVG, with rules that light the lines of a chapter pointed at."""
    rows: dict[str, int] = {}
    lines, dots, rules = [], [], []
    row = 0
    part = ""
    for chapter in path:
        row += chapter.part != part  # the title of a part takes a row
        part = chapter.part
        rows[chapter.page] = row
        row += 1
    x = WIDTH - 2 * DOT
    direct = direct_needs(path)
    for number, chapter in enumerate(path):
        y = (rows[chapter.page] + 0.5) * ROW
        for need in direct[chapter.page]:
            start = (rows[need] + 0.5) * ROW
            reach = x - min(x - 0.3, 0.9 + 0.28 * abs(y - start) / ROW)
            names = f"to-{number} from-{path.index(_of(path, need))}"
            curve = f"M{x} {start}C{reach:.2f} {start} {reach:.2f} {y} {x} {y}"
            lines.append(f'<path class="{names}" d="{curve}"/>')
        dots.append(f'<circle cx="{x}" cy="{y}" r="{DOT}"/>')
        lit = f".learning-map:has(li.chapter-{number} :is(a:hover,a:focus-visible))"
        rules += [f"{lit} .{way}-{number}{{stroke:var(--map-{way})}}" for way in ("to", "from")]
    height = row * ROW
    return (
        f'<svg class="learning-lines" aria-hidden="true" viewBox="0 0 {WIDTH} {height}" '
        f'style="width:{WIDTH}rem;height:{height}rem">'
        f"<style>{''.join(rules)}</style>{''.join(lines)}{''.join(dots)}</svg>"
    )


def _of(path: list[Chapter], page: str) -> Chapter:
    return next(chapter for chapter in path if chapter.page == page)


class LearningMap(SphinxDirective):
    """The drawn path, above the list of chapters that it belongs to."""

    def run(self) -> list[nodes.Node]:
        """Return the picture and the list; builders without HTML keep the list."""
        self.env.note_dependency(str(concepts.TABLE))
        path = chapters(concepts.load())
        box = nodes.container(classes=["learning-map"])
        box += nodes.raw("", draw(path), format="html")
        items = nodes.bullet_list(classes=["learning-path"])
        part = ""
        for number, chapter in enumerate(path):
            if chapter.part != part:
                part = chapter.part
                english, chinese = concepts.PARTS[part]
                title = nodes.paragraph()
                title += [nodes.strong("", english), nodes.Text(" "), concepts.Chinese("", chinese)]
                items += nodes.list_item("", title, classes=["learning-part"])
            line = nodes.paragraph("", "", self.link(chapter.page, None))
            names = nodes.inline(classes=["learning-names"])
            for position, row in enumerate(chapter.concepts):
                names += [nodes.Text(" · ")] if position else []
                names += concepts.Chinese("", row.chinese)
            line += [nodes.Text(" "), names]
            needs = nodes.inline(classes=["visually-hidden"])
            for position, need in enumerate(chapter.needs):
                needs += nodes.Text(", " if position else ". Builds on ")
                needs += nodes.Text(_of(path, need).concepts[0].english)
            line += needs
            items += nodes.list_item("", line, classes=[f"chapter-{number}"])
        box += items
        return [box]

    def link(self, page: str, text: str | None) -> nodes.Node:
        """Return a pending link to a chapter, under the chapter's own title without ``text``."""
        return addnodes.pending_xref(
            "", nodes.inline("", text or page), refdomain="std", reftype="doc",
            reftarget=f"/{page}", refdoc=self.env.docname, refexplicit=text is not None,
            refwarn=True,
        )  # fmt: skip


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("learning-map", LearningMap)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
