"""Tell on each reference page which scripts show a function and which chapter explains it."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import concepts
import standalone
from sphinx.application import Sphinx

GALLERY = Path(__file__).parents[2] / "gallery"


@functools.cache
def scripts_by_name() -> dict[str, list[str]]:
    """Map each name of ``handbook`` to the scripts that import it."""
    found: dict[str, list[str]] = {}
    for script in sorted(GALLERY.glob("*/plot_*.py")):
        key = script.relative_to(GALLERY).with_suffix("").as_posix()
        for name, _ in standalone.direct_names(script):
            found.setdefault(name, []).append(key)
    return found


def chapters_of(name: str) -> list[concepts.Concept]:
    """Return the concepts that list a name among their symbols."""
    return [concept for concept in concepts.load().values() if name in concept.symbols]


def add_links(
    app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]
) -> None:
    """Append the links to a docstring, before napoleon turns it into reStructuredText."""
    rows = {concept.chapter: concept for concept in chapters_of(name)}
    scripts = scripts_by_name().get(name, [])
    if not rows and not scripts:
        return
    lines += [""]
    app.env.note_dependency(str(concepts.TABLE))
    if rows:
        links = ", ".join(f":doc:`/{chapter}`" for chapter in rows)
        lines += [f":Explained in: {links}"]
    if scripts:
        links = " · ".join(concepts.script_reference(script) for script in scripts)
        lines += [f":Shown in: {links}"]
    lines += [""]


def setup(app: Sphinx) -> dict[str, Any]:
    """Run after napoleon, which would take the field list for a part of its last section."""
    app.connect("autodoc-process-docstring", add_links, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
