"""Render what napoleon would misread in docstrings: the sections "Shapes" and "References".

napoleon would take the shape ``(N, C)`` for a list of classes to link to, and reStructuredText an
author's initial, "X. Glorot", for the tenth entry of a numbered list.
"""

from __future__ import annotations

import re
from typing import Any

from sphinx.application import Sphinx

TITLE, UNDERLINE = "Shapes", "------"
ENTRY = re.compile(r"^(?P<name>[\w.*, \[\]]+?) : (?P<shape>.+)$")
INITIAL = re.compile(r"^(?=[A-Z]\. )")
# A parenthesis with at most one level inside, such as (N, (H - k) + 1, W).
PARENTHESIS = re.compile(r"\((?:[^()]|\([^()]*\))*\)")


def as_list(lines: list[str]) -> list[str]:
    """Return the docstring with each entry of its Shapes section as an item of a list."""
    done: list[str] = []
    inside = False
    for position, line in enumerate(lines):
        following = lines[position + 1] if position + 1 < len(lines) else ""
        if line.strip() == TITLE and following.strip() == UNDERLINE:
            inside = True
        elif inside and line and following and set(following.strip()) == {"-"}:
            inside = False
        entry = ENTRY.match(line) if inside else None
        if entry:
            names = ", ".join(f"``{name.strip()}``" for name in entry["name"].split(","))
            done.append(f"* {names}: {marked(entry['shape'])}")
        elif inside and line.startswith("    "):
            done.append(f"  {marked(line.strip())}")
        else:
            done.append(line)
    return done


def marked(text: str) -> str:
    """Return a text with its shapes in literal quotes; what is quoted already stays."""
    parts = text.split("``")
    parts[::2] = [PARENTHESIS.sub(lambda match: f"``{match[0]}``", part) for part in parts[::2]]
    return "``".join(parts).replace("````", "")


def rewrite(
    app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]
) -> None:
    """Rewrite a docstring in place."""
    lines[:] = [INITIAL.sub(r"\\", line) for line in as_list(lines)]


def setup(app: Sphinx) -> dict[str, Any]:
    """Run before napoleon, which then finds a section of plain text."""
    app.connect("autodoc-process-docstring", rewrite, priority=300)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
