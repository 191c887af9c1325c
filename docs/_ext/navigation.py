"""Make the tree of contents once, and mark on each page where the reader is.

Sphinx resolves the whole tree anew for every page, and the theme takes it apart anew with an HTML
parser, though from page to page only the links' way up and one mark differ. That took two fifths of
the time in which pages are written.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sphinx.environment.adapters.toctree import global_toctree_for_doc
from sphinx.util.osutil import relative_uri

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.builders.html import StandaloneHTMLBuilder
    from sphinx.util.typing import ExtensionMetadata

NOWHERE = "_"  # a page at the root that the tree does not hold: from there no entry is current
TAG = re.compile(r"<(/?)(ul|li|a|input)\b([^>]*)>")
HREF = re.compile(r'href="([^"]*)"')


@dataclass
class Entry:
    """A link of the tree: its place among the pieces, and those of the branches that hold it."""

    link: int
    uri: str
    lists: list[int]
    items: list[int]
    boxes: list[int]  # the checkboxes that fold the branches


@dataclass
class Tree:
    """The navigation as pieces of HTML, cut at each tag that differs from page to page."""

    pieces: list[str] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    in_folder: dict[str, list[str]] = field(default_factory=dict)

    def from_folder(self, uri: str) -> list[str]:
        """Return the pieces with their links as seen from the folder of a page."""
        folder = uri.rpartition("/")[0]
        if folder not in self.in_folder:
            seen = list(self.pieces)
            for entry in self.entries:
                here = f'href="{relative_uri(f"{folder}/{NOWHERE}" if folder else "", entry.uri)}"'
                seen[entry.link] = HREF.sub(lambda _, here=here: here, seen[entry.link])
            self.in_folder[folder] = seen
        return self.in_folder[folder]

    def at(self, uri: str) -> str:
        """Return the tree for the page at an address, with the branch that leads to it marked."""
        pieces = list(self.from_folder(uri))
        current = [entry for entry in self.entries if entry.uri == uri]
        for entry in current:
            pieces[entry.link] = '<a class="current reference internal" href="#">'
        for number in {number for entry in current for number in entry.lists}:
            pieces[number] = '<ul class="current">'
        for number in {number for entry in current for number in entry.items}:
            pieces[number] = re.sub(r"(toctree-l\d+)", r"\1 current", pieces[number])
        for number in {number for entry in current for number in entry.boxes}:
            pieces[number] = pieces[number].replace(" class=", ' checked="" class=', 1)
        if current:
            last = current[-1].items[-1]
            pieces[last] = re.sub(r'">$', ' current-page">', pieces[last])
        return "".join(pieces)


def parse(html: str) -> Tree:
    """Cut the navigation of a page that it does not hold into pieces."""
    tree = Tree()
    lists: list[int] = []
    items: list[int] = []
    boxes: list[list[int]] = []
    links: list[Entry] = []  # a branch's checkbox stands behind its own link
    end = 0
    for found in TAG.finditer(html):
        closing, tag, _ = found.groups()
        tree.pieces += [html[end : found.start()], found[0]]
        end = found.end()
        number = len(tree.pieces) - 1
        if closing:
            if tag == "ul":
                lists.pop()
            elif tag == "li":
                items.pop()
                boxes.pop()
                links.pop()
        elif tag == "ul":
            lists.append(number)
        elif tag == "li":
            items.append(number)
            boxes.append([])
            links.append(Entry(0, "", [], [], []))
        elif tag == "input":
            boxes[-1].append(number)
            links[-1].boxes.append(number)
        elif 'class="reference internal"' in found[0] and (href := HREF.search(found[0])):
            held = [box for branch in boxes for box in branch]
            links[-1] = Entry(number, href[1], list(lists), list(items), held)
            tree.entries.append(links[-1])
    tree.pieces.append(html[end:])
    return tree


def make(builder: StandaloneHTMLBuilder) -> Tree:
    """Let Sphinx and the theme make the navigation once."""
    from furo.navigation import get_navigation_tree

    contents = global_toctree_for_doc(
        builder.env, NOWHERE, builder,
        tags=builder.tags, collapse=False, includehidden=True, maxdepth=-1, titles_only=True,
    )  # fmt: skip
    return parse(get_navigation_tree(builder.render_partial(contents)["fragment"]))


def setup(app: Sphinx) -> ExtensionMetadata:
    """Hand the theme an empty tree, and put the marked one in its place."""
    made: list[Tree] = []

    def withhold(app: Sphinx, page: str, template: str, context: dict[str, Any], _: Any) -> None:
        if app.builder.name == "html" and "toctree" in context:
            context["toctree"] = lambda **_: ""

    def give(app: Sphinx, page: str, template: str, context: dict[str, Any], _: Any) -> None:
        if app.builder.name == "html" and "furo_navigation_tree" in context:
            if not made:
                made.append(make(app.builder))  # type: ignore[arg-type]
            context["furo_navigation_tree"] = made[0].at(app.builder.get_target_uri(page))

    app.connect("html-page-context", withhold, priority=400)
    app.connect("html-page-context", give, priority=600)  # the theme's own comes at 500
    return {"parallel_read_safe": True, "parallel_write_safe": True}
