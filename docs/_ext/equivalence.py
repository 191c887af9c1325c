"""The table of the page "Proven equal", measured at build time by tests/test_equivalence.py."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import math
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from docutils import nodes
from gallery_cache import device_name
from inliner import fingerprint
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
    return Path(srcdir) / "auto_gallery" / "proven_equal.json"


def digest() -> str:
    """Hash all that the measurements can depend on; quick, for builds in which nothing changed."""
    sources = [TABLE, *sorted((ROOT / "handbook").glob("*.py"))]
    parts = [path.read_text(encoding="utf-8") for path in sources]
    parts += [importlib.metadata.version("torch"), device_name()]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def pair_digests() -> dict[str, str]:
    """Hash, for each of our names in the table, what its own row depends on."""
    table = TABLE.read_text(encoding="utf-8")
    common = f"{table}\0{importlib.metadata.version('torch')}\0{device_name()}"
    digests = {}
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "script.py"
        for name in re.findall(r'Pair\(\s*"(\w+\.\w+)"', table):
            module, _, attribute = name.partition(".")
            script.write_text(f"from handbook.{module} import {attribute}\n", encoding="utf-8")
            parts = f"{common}\0{fingerprint(script, ROOT)}"
            digests[name] = hashlib.sha256(parts.encode()).hexdigest()
    return digests


def begin(app: Sphinx) -> None:
    """Start to measure the rows that have changed, beside the scripts of the gallery."""
    app.handbook_equivalence = None  # type: ignore[attr-defined]
    if os.environ.get("HANDBOOK_ONLY"):  # the page is left out
        return
    path = results_file(app.srcdir)
    stamp = path.with_suffix(".fingerprint")
    wanted = digest()
    if path.exists() and stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return
    kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    rows = {row["ours"]: row for row in kept}
    digests = pair_digests()
    stale = [name for name in digests if rows.get(name, {}).get("digest") != digests[name]]
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_suffix(".rows")
    process = None
    if stale:
        command = [sys.executable, str(TABLE), "--json", str(scratch), *stale]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment
        )
    begun = (process, scratch, wanted, digests, rows)
    app.handbook_equivalence = begun  # type: ignore[attr-defined]


def finish(app: Sphinx) -> None:
    """Wait for the rows that were measured, and keep them with those that still hold."""
    begun = app.handbook_equivalence  # type: ignore[attr-defined]
    if begun is None:
        return
    process, scratch, wanted, digests, rows = begun
    if process is not None:
        _, said = process.communicate()
        if process.returncode:
            raise ExtensionError(f"tests/test_equivalence.py failed:\n{said}")
        rows |= {row["ours"]: row for row in json.loads(scratch.read_text(encoding="utf-8"))}
        scratch.unlink()
    path = results_file(app.srcdir)
    ordered = [rows[name] | {"digest": digests[name]} for name in digests]
    _replace(path, json.dumps(ordered, indent=1))
    _replace(path.with_suffix(".fingerprint"), wanted)  # last: a build that broke off left none


def _replace(path: Path, text: str) -> None:
    """Write a file whole or not at all, and only when it differs: the page leans on its time."""
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return
    scratch = path.with_suffix(".new")
    scratch.write_text(text, encoding="utf-8")
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
        rows = json.loads(path.read_text(encoding="utf-8"))
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
    app.connect("builder-inited", begin, priority=390)  # before the gallery's own 400
    app.connect("builder-inited", finish, priority=650)
    app.add_directive("equivalence-table", EquivalenceTable)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
