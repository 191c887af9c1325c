"""Typeset every formula at build time, so that a page shows it with no script and no network.

KaTeX runs inside QuickJS, a small JavaScript engine that arrives as a wheel. A formula that KaTeX
cannot read is a warning with file and line, and so a failed build.
"""

from __future__ import annotations

import functools
import json
import re
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.writers.html5 import HTML5Translator

logger = logging.getLogger(__name__)

KATEX = Path(__file__).parents[1] / "_vendor" / "katex" / "katex.min.js"
# Sphinx numbers a labelled formula itself; the starred form keeps KaTeX from doing it again.
NUMBERED = re.compile(r"\\(begin|end)\{(align|gather|alignat|equation)\}")
PAGE_CSS = "katex/katex.min.css"


@functools.cache
def _engine() -> Any:
    import quickjs

    context = quickjs.Context()
    context.eval(KATEX.read_text(encoding="utf-8"))
    context.eval(
        # JSON, because QuickJS hands over long strings in pieces that its wheel cannot read.
        "function render(tex, displayMode, macros, output) {"
        "  return JSON.stringify(katex.renderToString(tex, {displayMode: displayMode,"
        "    throwOnError: true, strict: 'ignore', output: output,"
        "    macros: JSON.parse(macros)}));"
        "}"
    )
    return context.get("render")


@functools.cache
def render(
    tex: str, *, display: bool = False, macros: str = "{}", output: str = "htmlAndMathml"
) -> str:
    """Return the HTML of one formula; raise ValueError with KaTeX's own words for bad TeX."""
    try:
        return str(json.loads(_engine()(tex, display, macros, output)))
    except Exception as error:  # QuickJS's exception type is not part of its interface
        words = str(error).strip().splitlines()[0]
        raise ValueError(words.removeprefix("KaTeX parse error: ")) from error


def display_form(tex: str, *, as_is: bool) -> str:
    """Prepare the TeX of a displayed formula: aligned where it has several lines."""
    starred = NUMBERED.sub(r"\\\1{\2*}", tex.strip())
    if as_is or r"\begin{" in starred or r"\\" not in starred:
        return starred
    return rf"\begin{{aligned}}{starred}\end{{aligned}}"


def _rendered(self: HTML5Translator, node: nodes.Element, tex: str, *, display: bool) -> str:
    macros = json.dumps(self.config.katex_macros, sort_keys=True)
    # A reader of e-books draws MathML itself, and knows nothing of KaTeX's style sheet.
    output = "mathml" if self.builder.name == "epub" else "htmlAndMathml"
    try:
        return render(tex, display=display, macros=macros, output=output)
    except ValueError as error:
        logger.warning("KaTeX cannot read this formula: %s\n%s", error, tex, location=node)
        return f'<code class="katex-error">{escape(tex)}</code>'


def visit_math(self: HTML5Translator, node: nodes.math) -> None:
    """Write a formula inside a line of text."""
    html = _rendered(self, node, node.astext(), display=False)
    self.body.append(f'<span class="math notranslate nohighlight">{html}</span>')
    raise nodes.SkipNode


def visit_math_block(self: HTML5Translator, node: nodes.math_block) -> None:
    """Write a displayed formula, with its number where it has a label."""
    tex = display_form(node.astext(), as_is=bool(node.get("no-wrap") or node.get("nowrap")))
    html = _rendered(self, node, tex, display=True)
    ids = node.get("ids", [])
    anchor = f' id="{escape(ids[0])}"' if ids else ""
    self.body.append(f'<div class="math math-display notranslate nohighlight"{anchor}>')
    self.body.append(f'<div class="math-scroll">{html}</div>')
    if node.get("number"):
        number = escape(str(node["number"]))
        link = f'<a class="headerlink" href="#{ids[0]}" title="Link to this equation">¶</a>'
        self.body.append(f'<span class="eqno">({number}){link if ids else ""}</span>')
    self.body.append("</div>\n")
    raise nodes.SkipNode


def add_styles(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any
) -> None:
    """Load KaTeX's style sheet, and so its fonts, only on pages with a formula."""
    if 'class="katex' in context.get("body", "") and app.builder.name != "epub":
        app.add_css_file(PAGE_CSS)
        context["formulas"] = True  # docs/_templates/page.html asks for the fonts early


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the renderer; conf.py selects it with ``html_math_renderer = "katex"``."""
    app.add_config_value("katex_macros", {}, "html", dict)
    app.add_html_math_renderer("katex", (visit_math, None), (visit_math_block, None))
    app.connect("html-page-context", add_styles)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
