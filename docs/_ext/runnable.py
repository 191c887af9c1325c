"""Find every Python block on every page that nothing runs, and fail the build with file and line.

Blocks on pages are run by Sybil, examples in docstrings by doctest, gallery scripts by the build.
A block that looks like Python and belongs to none of these would be a claim without evidence.
"""

from __future__ import annotations

import ast
import doctest
import re
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sybil import Document
from sybil.evaluators.doctest import NUMBER
from sybil.parsers.myst import PythonCodeBlockParser

logger = logging.getLogger(__name__)

PYTHON = {"python", "py", "python3", "pycon", "pycon3", "py3", "ipython", "ipython3", "default"}
OPTIONS = NUMBER | doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def parser() -> PythonCodeBlockParser:
    """Return what collects the blocks of a page; the doctest session and this check share it."""
    return PythonCodeBlockParser(doctest_optionflags=OPTIONS)


def collected_in_order(page: Path) -> list[str]:
    """Return the blocks of a page that Sybil runs, in the order in which it runs them."""
    document = Document(page.read_text(encoding="utf-8"), str(page))
    regions = sorted(parser().codeblock_parser(document), key=lambda region: region.start)
    return [str(region.parsed) for region in regions]


def collected(page: Path) -> set[str]:
    """Return the blocks of a page that Sybil runs, with white space squeezed."""
    return {squeezed(text) for text in collected_in_order(page)}


def looks_like_python(text: str, language: str) -> bool:
    """Tell whether a reader would take a block for Python."""
    if language in PYTHON:
        return True
    if re.search(r"^\s*>>> ", text, re.MULTILINE):
        return True
    if language != "none":
        return False
    try:
        body = ast.parse(text).body
    except SyntaxError:
        return False
    telling = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef, ast.Assign)
    return any(isinstance(statement, telling) for statement in body)


def not_run(doctree: nodes.document, source: Path) -> list[tuple[nodes.Node, str]]:
    """Return the Python blocks of a page that nothing runs, with the reason."""
    is_page = source.suffix == ".md"
    bodies = collected(source) if is_page else set()
    found = []
    for node in doctree.findall(nodes.literal_block):
        text, language = node.astext(), str(node.get("language", "none"))
        if node.get("handbook_canonical") or not looks_like_python(text, language):
            continue
        if is_page and squeezed(text) in bodies:
            continue
        in_docstring = _is_in_docstring(node)
        if in_docstring and text.lstrip().startswith(">>>"):
            continue
        form = ">>> lines in an Examples section" if in_docstring else "a ```python fence"
        found.append((node, f"nothing runs this Python block; write it as {form}"))
    if not is_page:
        return found
    return found + [
        (node, "nothing runs this example; write it as a ```python fence")
        for node in doctree.findall(nodes.doctest_block)
        if not _is_in_docstring(node) and squeezed(node.astext()) not in bodies
    ]


def _is_in_docstring(node: nodes.Node) -> bool:
    parent = node.parent
    while parent is not None:
        if type(parent).__name__ == "desc_content":
            return True
        parent = parent.parent
    return False


def squeezed(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def check(app: Sphinx, doctree: nodes.document) -> None:
    """Warn about each block; under ``-W`` the build fails."""
    docname = app.env.docname
    if docname.startswith("auto_gallery/"):
        return  # sphinx-gallery ran every block of it
    for node, reason in not_run(doctree, Path(app.env.doc2path(docname))):
        logger.warning("%s", reason, location=node, type="handbook", subtype="runnable")


def setup(app: Sphinx) -> dict[str, Any]:
    """Check each page as it is read."""
    app.connect("doctree-read", check, priority=100)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
