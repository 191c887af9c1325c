"""Time the site's own build: clean, unchanged, one script, one page; against the scripts' own time.

Run by ``nox -s bench -- build``. It works on a copy of the tree, so nothing of yours is touched.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
COPIED = ("docs", "gallery", "handbook", "tests", "conf.py", "LICENSE", "CHANGELOG.md")
N_IMPORTS = 5


def build(tree: Path) -> float:
    """Build the site in a tree and return the seconds that it took."""
    command = [sys.executable, "-m", "sphinx", "-n", "-W", "--keep-going", "-q", "-c", ".", "docs"]
    environment = {**os.environ, "PYTHONPATH": str(tree)}
    start = time.perf_counter()
    subprocess.run([*command, "_build/html"], cwd=tree, env=environment, check=True)
    return time.perf_counter() - start


def import_time_s(statement: str) -> float:
    """Return the median wall time of a fresh interpreter that runs one statement."""
    times = []
    for _ in range(N_IMPORTS):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", statement], cwd=ROOT, check=True)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder)
        for name in COPIED:
            source = ROOT / name
            ignore = shutil.ignore_patterns("auto_gallery", "__pycache__")
            if source.is_dir():
                shutil.copytree(source, tree / name, ignore=ignore)
            else:
                shutil.copy(source, tree / name)
        rows = {"clean build": build(tree), "nothing changed": build(tree)}

        script = max((tree / "gallery").glob("*/plot_*.py"), key=lambda path: path.stat().st_size)
        script.write_text(script.read_text(encoding="utf-8") + "\n# A changed line.\n", "utf-8")
        rows[f"one script changed ({script.stem})"] = build(tree)

        page = next(iter(sorted((tree / "docs" / "convolution").glob("*.md"))))
        page.write_text(page.read_text(encoding="utf-8") + "\nA changed line.\n", "utf-8")
        rows["one page changed"] = build(tree)

        costs = {
            path.name: json.loads(path.read_text())["time"]
            for path in (tree / "docs" / "auto_gallery").glob("*/*.cost.json")
        }
        own_s = sum(costs.values())
        cores = os.cpu_count() or 1
        per_core = own_s / cores
        print(
            f"{len(costs)} scripts, {own_s:.1f} s of their own, {per_core:.1f} s on {cores} cores"
        )
        for name, seconds in sorted(costs.items(), key=lambda item: -item[1])[:5]:
            print(f"    {name.removesuffix('.cost.json'):44s} {seconds:6.1f} s")
        for name, seconds in rows.items():
            print(f"{name:48s} {seconds:6.1f} s  {seconds / per_core:5.2f} × scripts / cores")

        pages = sorted((tree / "_build" / "html" / "auto_gallery").glob("*/plot_*.html"))
        sizes = [len(gzip.compress(page.read_bytes())) / 1000 for page in pages]
        print(f"a gallery page's HTML, gzipped: median {statistics.median(sizes):.0f} kB")
    for statement in ("import torch", "import torch, handbook", "import handbook"):
        print(f"{statement:48s} {import_time_s(statement):6.2f} s")


if __name__ == "__main__":
    main()
