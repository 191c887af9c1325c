"""The table of the page "Proven equal", measured at build time by tests/test_equivalence.py."""

from __future__ import annotations

import ast
import hashlib
import importlib.metadata
import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from docutils import nodes
from gallery_cache import device_name
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).parents[2]
TABLE = ROOT / "tests" / "test_equivalence.py"
COLUMNS = ("forward_float32", "backward_float32", "forward_float64", "backward_float64")
HEADINGS = (
    "Handbook", "PyTorch", "Cases",
    "Forward, float32", "Backward, float32", "Forward, float64", "Backward, float64",
)  # fmt: skip
SHORT = {"F.": "torch.nn.functional.", "nn.": "torch.nn."}


def results_file(srcdir: str | os.PathLike[str]) -> Path:
    """Return where the measurements are kept between builds."""
    return Path(srcdir) / "auto_gallery" / "equivalence.json"


def digest() -> str:
    """Hash what the measurements depend on: the table, the package, PyTorch, the device."""
    parts = [
        TABLE.read_text(encoding="utf-8"),
        importlib.metadata.version("torch"),
        device_name(),
        *(
            ast.dump(_without_docstrings(path.read_text(encoding="utf-8")))
            for path in sorted((ROOT / "handbook").glob("*.py"))
        ),
    ]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _without_docstrings(source: str) -> ast.Module:
    tree = ast.parse(source)
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    for node in ast.walk(tree):
        if isinstance(node, documented) and ast.get_docstring(node) is not None:
            del node.body[0]
    return tree


def measure(app: Sphinx) -> None:
    """Run the table where something that it depends on has changed."""
    if os.environ.get("HANDBOOK_ONLY"):  # the page is left out
        return
    path = results_file(app.srcdir)
    wanted = digest()
    stored = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    if stored.get("digest") == wanted:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_suffix(".rows")
    command = [sys.executable, str(TABLE), "--json", str(scratch)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise ExtensionError(f"tests/test_equivalence.py failed:\n{done.stderr}")
    rows = json.loads(scratch.read_text(encoding="utf-8"))
    scratch.unlink()
    scratch = path.with_suffix(".new")
    scratch.write_text(json.dumps({"digest": wanted, "rows": rows}, indent=1), encoding="utf-8")
    os.replace(scratch, path)


def error_text(error: float) -> str:
    """Round an error up to one digit, so that two machines print the same."""
    if error == 0:
        return "0"
    exponent = math.floor(math.log10(error))
    digit = math.ceil(error / 10**exponent)
    return f"≤ 1e{exponent + 1:+03d}" if digit >= 2 else f"≤ 1e{exponent:+03d}"


class EquivalenceTable(SphinxDirective):
    """The measurements, one row a pair."""

    def run(self) -> list[nodes.Node]:
        """Build the table from the measurements of this build."""
        path = results_file(self.env.srcdir)
        self.env.note_dependency(str(path))
        rows = json.loads(path.read_text(encoding="utf-8"))["rows"]
        table = nodes.table(classes=["equivalence"])
        group = nodes.tgroup(cols=len(HEADINGS))
        table += group
        group += [nodes.colspec(colwidth=1) for _ in HEADINGS]
        head, body = nodes.thead(), nodes.tbody()
        group += [head, body]
        head += table_row([nodes.Text(text) for text in HEADINGS])
        for row in rows:
            theirs = row["theirs"]
            for short, full in SHORT.items():
                theirs = full + theirs.removeprefix(short) if theirs.startswith(short) else theirs
            cells = [
                self._link(f"handbook.{row['ours']}"),
                self._link(theirs),
                nodes.Text(str(row["cases"])),
                *(nodes.Text(error_text(row[column])) for column in COLUMNS),
            ]
            body += table_row(cells)
        return [table]

    def _link(self, name: str) -> nodes.Node:
        label = nodes.literal("", name.rpartition(".")[2], classes=["xref", "py"])
        return addnodes.pending_xref(
            "", label, refdomain="py", reftype="obj", reftarget=name,
            refdoc=self.env.docname, refexplicit=True, refwarn=True,
        )  # fmt: skip


def table_row(cells: list[nodes.Node]) -> nodes.row:
    """Return a row of a table with one paragraph in each cell."""
    row = nodes.row()
    for cell in cells:
        row += nodes.entry("", nodes.paragraph("", "", cell))
    return row


def setup(app: Sphinx) -> dict[str, Any]:
    """Measure before any page is read."""
    app.connect("builder-inited", measure, priority=650)
    app.add_directive("equivalence-table", EquivalenceTable)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
