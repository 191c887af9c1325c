"""Mend the accessibility faults that the theme, Sphinx and sphinx-gallery write into every page.

The template ``page.html`` passes the finished body of each page through `mend`, so pages are mended
as they are written: also in incremental and parallel builds, and once each. `mend` looks at start
tags only, by a table of rules; a rule that the theme must trigger and did not fails the build,
because then the theme has changed under it. What depends on the reader's window (whether a block of
code scrolls) is left to ``_static/accessible.js``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.errors import ExtensionError
from sphinx.transforms.post_transforms import SphinxPostTransform

if TYPE_CHECKING:
    from collections.abc import Callable

    from sphinx.application import Sphinx
    from sphinx.util.typing import ExtensionMetadata

# A start tag as docutils, Jinja and KaTeX write it: attribute values quoted, `>` in them escaped
# or not.
_START_TAG = re.compile(
    r"<(?P<name>aside|div|footer|form|img|input|p|table|th|svg)\b"
    r"(?P<attributes>(?:[^<>\"']|\"[^\"]*\"|'[^']*')*)>"
)
_ATTRIBUTE = re.compile(r"([\w:-]+)(?:\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+)))?")

_BACK_TO_TOP = re.compile(r'<a href="#" class="back-to-top.*?</a>', re.DOTALL)

Attributes = dict[str, str | None]
Rule = tuple[str, str, "Callable[[Attributes], object]"]


def _parse(text: str) -> Attributes:
    return {
        m[1]: next((value for value in m.groups()[1:] if value is not None), None)
        for m in _ATTRIBUTE.finditer(text)
    }


def _serialise(name: str, attributes: Attributes, closed: bool) -> str:
    parts = [name]
    for key, value in attributes.items():
        parts.append(key if value is None else f'{key}="{value}"')
    return f"<{' '.join(parts)}{' /' if closed else ''}>"


def _default(**values: str) -> Callable[[Attributes], None]:
    """Set attributes that the tag does not have yet."""

    def rule(attributes: Attributes) -> None:
        for key, value in values.items():
            attributes.setdefault(key.replace("_", "-"), value)

    return rule


def _checkbox(attributes: Attributes) -> None:
    attributes.setdefault("aria-label", "done" if "checked" in attributes else "to do")


def _layout_table(attributes: Attributes) -> None:
    attributes.setdefault("role", "presentation")


# Tag, class that it must have, and what to do with it. A class of the theme that no page shows any
# more is an error; see REQUIRED.
RULES: tuple[Rule, ...] = (
    ("aside", "sidebar-drawer", _default(aria_label="Site")),
    ("aside", "toc-drawer", _default(aria_label="This page")),
    ("div", "sidebar-tree", _default(role="navigation", aria_label="Contents")),
    ("div", "toc-tree", _default(role="navigation", aria_label="On this page")),
    ("div", "related-pages", _default(role="navigation", aria_label="Previous and next page")),
    ("div", "content-icon-container", _default(role="region", aria_label="Page tools")),
    ("form", "sidebar-search-container", _default(aria_label="Site")),
    ("p", "caption", lambda a: _heading(a)),
    ("input", "task-list-item-checkbox", _checkbox),
    ("th", "head", lambda a: _table_head(a)),
    # docutils gives the entries of a bibliography a role that has been withdrawn.
    ("div", "citation", lambda a: a.update(role="listitem")),
    ("table", "indextable", _layout_table),
    # One empty list of tags for each section of the gallery, all with one id.
    ("div", "sphx-glr-tag-list", lambda a: a.pop("id", None)),
    # The card's link says the same words to those who do not see the card.
    ("div", "sphx-glr-thumbnail-title", _default(aria_hidden="true")),
)
REQUIRED = ("sidebar-drawer", "content-icon-container", "related-pages")


def _heading(attributes: Attributes) -> None:
    if attributes.get("role") == "heading":
        attributes.setdefault("aria-level", "2")


def _table_head(attributes: Attributes) -> None:
    classes = (attributes.get("class") or "").split()
    attributes.setdefault("scope", "row" if "stub" in classes else "col")


_BY_TAG: dict[str, list[Rule]] = {}
for _rule in RULES:
    _BY_TAG.setdefault(_rule[0], []).append(_rule)


def mend(body: str) -> str:
    """The body of a page, with names for its landmarks, levels for its headings and so on."""
    text = str(body)
    met: set[str] = set()

    def tag(match: re.Match[str]) -> str:
        raw = match["attributes"]
        name = match["name"]
        if name == "svg":
            # Pictures inside named controls.
            if "aria-" in raw or "role=" in raw:
                return match[0]
            return f'<svg{raw} aria-hidden="true">'
        closed = raw.rstrip().endswith("/")
        intro = ""
        if name == "div" and "sphx-glr-thumbcontainer" in raw:
            attributes = _parse(raw)
            tooltip = attributes.pop("tooltip", None)
            intro = f'<div class="sphx-glr-intro">{tooltip}</div>' if tooltip else ""
            return _serialise(name, attributes, closed) + intro
        rules = _BY_TAG.get(name)
        if rules is None or not any(rule[1] in raw for rule in rules):
            return match[0]
        attributes = _parse(raw.rstrip().removesuffix("/"))
        classes = (attributes.get("class") or "").split()
        before = dict(attributes)
        for _, wanted, change in rules:
            if wanted in classes:
                met.add(wanted)
                change(attributes)
        if attributes == before:
            return match[0]
        return _serialise(name, attributes, closed)

    # The way back to the top stands between the landmarks: give it one of its own.
    text = _BACK_TO_TOP.sub(r'<nav class="back-to-top-box" aria-label="Page">\g<0></nav>', text)
    mended = _START_TAG.sub(tag, text)
    missing = [name for name in REQUIRED if name not in met]
    if missing:
        raise ExtensionError(
            f"the theme's pages have no element of class {', '.join(missing)} any more; "
            "look at the theme's page.html and mend the table RULES in docs/_ext/accessible.py"
        )
    return mended


class OneIdEach(SphinxPostTransform):
    """The theme wraps tables and equations in a box and gives the box the same id."""

    formats = ("html",)
    default_priority = 510  # right after furo's wrapping

    def run(self, **_: Any) -> None:
        for box in self.document.findall(nodes.container):
            if {"table-wrapper", "math-wrapper"} & set(box["classes"]) and len(box):
                box["ids"] = []
                box["names"] = []


def _give_mend(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any
) -> None:
    # An e-book has pages of another theme, and takes no part in this.
    context["mend"] = mend if app.builder.name != "epub" else str


def setup(app: Sphinx) -> ExtensionMetadata:
    app.add_post_transform(OneIdEach)
    app.add_js_file("accessible.js", loading_method="defer")
    app.connect("html-page-context", _give_mend)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
