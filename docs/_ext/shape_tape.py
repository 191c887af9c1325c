"""Show the shapes of a model on a page: a table made by running the model when the page is built.

``{shape-tape} nn.Linear(3, 2)`` with the option ``:input: torch.zeros(5, 3)`` runs
``handbook.shapes.tape`` on the two expressions. Lines of Python in the body run before them, for a
model that needs a few names. ``torch``, ``nn``, ``F`` and ``layers`` (the handbook's) are there.

The table has three columns, so that it fits a phone: the layer, its shapes with the arithmetic
below them, and its number of parameters.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

if TYPE_CHECKING:
    from handbook.shapes import LayerShapes, Tape

logger = logging.getLogger(__name__)

PACKAGE = Path(__file__).parents[2] / "handbook"
HEADINGS = ("Layer", "Shapes and arithmetic", "Parameters")
WIDTHS = (26, 54, 20)


def measure(model: str, inputs: str, setup: str = "") -> Tape:
    """Run the tape on the expressions of a page; generators are as before."""
    import torch
    import torch.nn.functional as F
    from torch import nn

    from handbook import layers
    from handbook.shapes import tape

    names: dict[str, Any] = {"torch": torch, "nn": nn, "F": F, "layers": layers, "tape": tape}
    with torch.random.fork_rng(devices=[]):
        exec(compile(setup, "<shape-tape>", "exec"), names)
        found: Tape = eval(f"tape(({model}), {inputs})", names)
    return found


class ShapeTape(SphinxDirective):
    """``{shape-tape} model`` with ``:input:``, the arguments that the model is called with."""

    required_arguments = 1
    final_argument_whitespace = True
    has_content = True
    option_spec: ClassVar[dict[str, Any]] = {"input": directives.unchanged_required}

    def run(self) -> list[nodes.Node]:
        for module in ("shapes.py", "layers.py"):
            self.env.note_dependency(str(PACKAGE / module))
        if "input" not in self.options:
            return self._warn("needs :input:, such as torch.zeros(1, 3, 32, 32)")
        try:
            found = measure(self.arguments[0], self.options["input"], "\n".join(self.content))
        except Exception as error:
            return self._warn(f"{type(error).__name__}: {error}")
        return [self._table(found)]

    def _warn(self, message: str) -> list[nodes.Node]:
        logger.warning(
            "shape-tape %s: %s",
            self.arguments[0],
            message,
            location=self.get_location(),
            type="handbook",
            subtype="shape_tape",
        )
        return []

    def _table(self, found: Tape) -> nodes.table:
        table = nodes.table(classes=["shape-tape"])
        group = nodes.tgroup(cols=len(HEADINGS))
        table += group
        group += [nodes.colspec(colwidth=width) for width in WIDTHS]
        head, body = nodes.thead(), nodes.tbody()
        group += [head, body]
        head += _line([[nodes.paragraph("", text)] for text in HEADINGS])
        for row in found.layers:
            body += _line([_name(row), _shapes(row), [_number(row.parameters)]])
        for name, kind, number in found.unused:
            left = [nodes.paragraph("", "", nodes.literal(name, name)), nodes.paragraph("", kind)]
            body += _line([left, [nodes.paragraph("", "never called")], [_number(number)]])
        whole = [nodes.paragraph("", "", nodes.strong("", found.rows[0].kind))]
        total = nodes.paragraph("", "", nodes.strong("", f"{found.n_parameters:,}"))
        body += _line([whole, _shapes(found.rows[0], arithmetic=False), [total]])
        self.set_source_info(table)
        return table


def _name(row: LayerShapes) -> list[nodes.Node]:
    if not row.name:
        return [nodes.paragraph("", row.kind)]
    name = nodes.paragraph("", "", nodes.literal(row.name, row.name))
    if row.call > 1:
        name += nodes.Text(f" call {row.call}")
    return [name, nodes.paragraph("", row.kind)]


def _shapes(row: LayerShapes, *, arithmetic: bool = True) -> list[nodes.Node]:
    from handbook.shapes import shapes_text

    ends = f"{shapes_text(row.input)} → {shapes_text(row.output)}"
    lines = row.arithmetic if arithmetic and not row.is_container else ()
    return [
        nodes.paragraph("", ends),
        *(nodes.paragraph("", line, classes=["arithmetic"]) for line in lines),
    ]


def _number(number: int) -> nodes.paragraph:
    return nodes.paragraph("", f"{number:,}" if number else "–")


def _line(cells: list[list[nodes.Node]]) -> nodes.row:
    row = nodes.row()
    for cell in cells:
        row += nodes.entry("", *cell)
    row["translatable"] = False
    return row


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("shape-tape", ShapeTape)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
