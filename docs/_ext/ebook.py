"""The handbook as an e-book: XHTML that readers of EPUB 3 accept.

Sphinx and its extensions write HTML for browsers. A reader of e-books parses XHTML and knows no
scripts: tabs become titled parts one below the other, formulas are MathML, figures are those for
light paper, and what only the site's scripts use is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from boxes import builder_of
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.builders.epub3 import Epub3Builder
from sphinx.transforms.post_transforms import SphinxPostTransform

STATIC = Path(__file__).parents[1] / "_static"
MATH = re.compile(r"<math\b.*?</math>", re.DOTALL)
APPLY = "\N{FUNCTION APPLICATION}"
MATHML = "http://www.w3.org/1998/Math/MathML"
# Attributes that extensions write and that no version of HTML has, or has no more.
UNKNOWN = re.compile(r""" (?:tooltip="[^"]*"|id=["']sg-tag-list["']|role="doc-biblioentry")""")
LIST_IN_PARAGRAPH = re.compile(r"<p>(<ul\b.*?</ul>)\s*</p>", re.DOTALL)
NOT_CLOSED = re.compile(r"<(input|img|br|hr)\b((?:[^<>\"]|\"[^\"]*\")*?)\s*/?>")
LEAVES = ("mi", "mo", "mn", "mtext")
PARTS = {"mfrac": 2, "msub": 2, "msup": 2, "munder": 2, "mover": 2, "msubsup": 3, "munderover": 3}


class TabsInARow(SphinxPostTransform):
    """Put the parts of a tab set one below the other, each under its title."""

    default_priority = 190  # before sphinx-design makes radio buttons of them

    def run(self, **_: Any) -> None:
        if builder_of(self.env).name != "epub":
            return
        for tabs in list(self.document.findall(lambda n: _component(n) == "tab-set")):
            rows: list[nodes.Node] = []
            for item in tabs.children:
                if _component(item) != "tab-item":
                    rows.append(item)
                    continue
                label, content = item.children
                title = nodes.paragraph("", "", nodes.strong("", "", *label.children))
                title["ids"] = [*item["ids"], *label["ids"]]
                rows += [title, *content.children]
            tabs.replace_self(rows)


def _component(node: nodes.Node) -> str | None:
    return node.get("design_component") if isinstance(node, nodes.Element) else None


def tidy_math(math: str) -> str:
    """Put into rows what KaTeX writes where MathML allows one thing only.

    That is more than text in a letter, and the invisible sign behind the name of a function where
    the name is an index.
    """
    ElementTree.register_namespace("", MATHML)
    tree = ElementTree.fromstring(math)
    row = f"{{{MATHML}}}mrow"
    for element in list(tree.iter()):
        kind = element.tag.rpartition("}")[2]
        if kind in LEAVES and len(element):
            element.tag = row
            for name in ("lspace", "rspace"):  # of an operator, not of a row
                element.attrib.pop(name, None)
        if len(element) > PARTS.get(kind, len(element)):
            for child in list(element)[1:]:
                if child.text == APPLY:
                    before = element[list(element).index(child) - 1]
                    joined = ElementTree.Element(row)
                    element.insert(list(element).index(before), joined)
                    for part in (before, child):
                        element.remove(part)
                        joined.append(part)
    return ElementTree.tostring(tree, encoding="unicode")


def tidy(body: str) -> str:
    """Return the body of a page as well-formed XHTML."""
    body = UNKNOWN.sub("", body)
    # An old DOI has signs that an address must write in another way.
    body = re.sub(
        r'(?<=href="https://doi\.org/)[^"]*',
        lambda match: match[0].replace("&lt;", "%3C").replace("&gt;", "%3E"),
        body,
    )
    body = re.sub(r"<button\b.*?</button>", "", body)  # needs a script
    body = NOT_CLOSED.sub(r"<\1\2 />", body)
    body = LIST_IN_PARAGRAPH.sub(r"\1", body)
    body = re.sub(r"<svg (?!xmlns)", '<svg xmlns="http://www.w3.org/2000/svg" ', body)
    return MATH.sub(lambda match: tidy_math(match[0]), body)


def tidy_page(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any
) -> None:
    """Mend the body of a page of the e-book, and leave out its scripts."""
    if app.builder.name == "epub" and "body" in context:
        context["body"] = tidy(context["body"])
        context["script_files"] = []


class Ebook(Epub3Builder):
    """Sphinx's builder, with what EPUB 3 wants to know about each page."""

    def build_content(self) -> None:
        """Write the list of files, and say in it which pages hold formulas or drawings."""
        super().build_content()
        content = Path(self.outdir, "content.opf")
        text = content.read_text(encoding="utf-8")
        text = re.sub(
            r'<item id="[^"]+" href="([^"]+\.xhtml)" media-type="[^"]+"(?= />)', self._told, text
        )
        content.write_text(text, encoding="utf-8")

    def _told(self, item: re.Match[str]) -> str:
        page = Path(self.outdir, item[1]).read_text(encoding="utf-8")
        properties = [kind for tag, kind in (("<math", "mathml"), ("<svg", "svg")) if tag in page]
        return item[0] + (f' properties="{" ".join(properties)}"' if properties else "")


def left_out() -> Iterator[str]:
    """Name the files that only the site needs."""
    for path in sorted(STATIC.rglob("*")):
        if path.is_file() and (path.suffix == ".js" or "katex" in path.parts):
            yield f"_static/{path.relative_to(STATIC).as_posix()}"


def leave_out(app: Sphinx) -> None:
    """Keep the site's fonts and scripts out of the e-book."""
    if app.builder.name == "epub":
        app.config.epub_exclude_files += [*left_out(), ".buildinfo.bak"]


def setup(app: Sphinx) -> dict[str, Any]:
    """Replace Sphinx's builder for e-books."""
    app.add_builder(Ebook, override=True)
    app.add_post_transform(TabsInARow)
    app.connect("html-page-context", tidy_page, priority=950)  # after all have added theirs
    app.connect("builder-inited", leave_out)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
