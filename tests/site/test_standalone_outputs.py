"""What a reader downloads from a gallery page runs alone and prints what the page shows.

Needs the built site: ``nox -s docs``, or ``HANDBOOK_SITE`` set to its folder. Each script and each
notebook runs in an empty folder, in an interpreter that cannot import ``handbook``.
"""

from __future__ import annotations

import ast
import difflib
import functools
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

import nbformat
import pytest
from bs4 import BeautifulSoup

ROOT = Path(__file__).parents[2]
SITE = Path(os.environ.get("HANDBOOK_SITE") or ROOT / "_build" / "html")
SCRIPTS = sorted((ROOT / "gallery").glob("*/plot_*.py"))
IDS = [path.stem for path in SCRIPTS]
TIME_LIMIT_S = 300

# Both run in ``python -I``: no PYTHON* variables, no folder of the script on the path. The package
# may be installed beside this test, so it is taken away.
RUN_SCRIPT = """
import runpy, sys
sys.modules["handbook"] = None
sys.argv = [sys.argv[1]]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
RUN_NOTEBOOK = """
import json, sys
sys.modules["handbook"] = None
cells = json.load(open(sys.argv[1], encoding="utf-8"))["cells"]
namespace = sys.modules["__main__"].__dict__
for number, cell in enumerate(cells):
    if cell["cell_type"] == "code":
        code = compile("".join(cell["source"]), f"<cell {number}>", "exec", dont_inherit=True)
        exec(code, namespace)
"""


@functools.cache
def page_of(script: Path) -> tuple[Path, BeautifulSoup]:
    """Return a script's built page."""
    if not (SITE / "index.html").is_file():
        pytest.fail(f"there is no built site in {SITE}; run nox -s docs, or set HANDBOOK_SITE")
    path = SITE / "auto_gallery" / script.relative_to(ROOT / "gallery").with_suffix(".html")
    if not path.is_file():
        pytest.fail(f"the built site has no page {path}; build it again: nox -s docs")
    return path, BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


def download(script: Path, suffix: str) -> Path:
    """Return the file behind the one download link of a kind."""
    path, page = page_of(script)
    targets = [unquote(str(link["href"])) for link in page.select("a.download[href]")]
    found = [target for target in targets if target.endswith(suffix)]
    assert len(found) == 1, f"{path.name} must link to one {suffix} file, got {targets}"
    file = (path.parent / found[0]).resolve()
    assert file.parent.parent == (SITE / "_downloads").resolve()
    assert file.name == f"{script.stem}{suffix}"
    return file


def shown(script: Path) -> list[str]:
    """Return the blocks of output on a script's page."""
    return [block.get_text() for block in page_of(script)[1].select("div.sphx-glr-script-out pre")]


def printed(program: str, file: Path, folder: Path, **more: str) -> str:
    """Run a file in an empty folder and return what it prints."""
    assert not any(folder.iterdir())
    environment = {**os.environ, "MPLBACKEND": "Agg", **more}
    answer = subprocess.run(
        [sys.executable, "-I", "-X", "utf8", "-c", program, str(file)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=TIME_LIMIT_S,
        check=False,
    )
    assert answer.returncode == 0, f"{file.name} failed alone:\n{answer.stderr[-4000:]}"
    return answer.stdout


def compare(blocks: list[str], output: str) -> None:
    """Fail unless the page's blocks, one after the other, are what was printed.

    Blank lines and line ends where one block meets the next are the page's layout.
    """
    wanted = [block.strip("\n").rstrip() for block in blocks if block.strip()]
    pattern = r"[ \t]*\n+".join(map(re.escape, wanted))
    if re.fullmatch(rf"\n*{pattern}\s*", output):
        return
    page = "\n".join(wanted).splitlines()
    lines = difflib.unified_diff(page, output.splitlines(), "the page", "run alone", lineterm="")
    pytest.fail("the page and the download print different things:\n" + "\n".join(lines))


@pytest.mark.parametrize("script", SCRIPTS, ids=IDS)
def test_the_downloaded_script_prints_alone_what_the_page_shows(
    script: Path, tmp_path: Path
) -> None:
    # Two threads here and one below: neither may change a digit. Threads that wait without
    # spinning leave the cores to the tests that run beside this one.
    threads = {"OMP_NUM_THREADS": "2", "OMP_WAIT_POLICY": "PASSIVE"}
    compare(shown(script), printed(RUN_SCRIPT, download(script, ".py"), tmp_path, **threads))


@pytest.mark.parametrize("script", SCRIPTS, ids=IDS)
def test_the_downloaded_notebook_prints_alone_what_the_page_shows(
    script: Path, tmp_path: Path
) -> None:
    file = download(script, ".ipynb")
    compare(shown(script), printed(RUN_NOTEBOOK, file, tmp_path, OMP_NUM_THREADS="1"))


@pytest.mark.parametrize("script", SCRIPTS, ids=IDS)
def test_the_downloads_are_whole_and_name_no_handbook_import(script: Path) -> None:
    source = download(script, ".py").read_text(encoding="utf-8")
    notebook = json.loads(download(script, ".ipynb").read_text(encoding="utf-8"))
    nbformat.validate(nbformat.from_dict(notebook))
    cells = ["".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "code"]
    prose = ["".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "markdown"]
    assert cells
    assert prose
    assert not any(re.search(r":[a-z:]+:`", text) for text in prose)
    for text in (source, *cells):
        for node in ast.walk(ast.parse(text)):
            names = [alias.name for alias in getattr(node, "names", []) if hasattr(alias, "name")]
            names += [getattr(node, "module", None) or ""]
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                assert not any(name.split(".")[0] == "handbook" for name in names)


@pytest.mark.parametrize("script", SCRIPTS, ids=IDS)
def test_the_page_says_what_the_downloads_need(script: Path) -> None:
    _, page = page_of(script)
    footers = page.select("div.standalone-downloads")
    assert len(footers) == 1
    said = footers[0].get_text()
    assert "runs alone with: torch" in said
    assert re.search(r"pip install torch(==\S+)?", said)


def test_no_file_of_the_site_is_a_download_that_does_not_run_alone() -> None:
    page_of(SCRIPTS[0])
    files = [path for path in (SITE / "_downloads").rglob("*") if path.is_file()]
    assert not [path.name for path in files if path.suffix == ".zip"]
    for path in files:
        if path.name.startswith("plot_") and path.suffix == ".py":
            text = path.read_text(encoding="utf-8")
            assert not re.search(r"^\s*(from|import) handbook\b", text, re.MULTILINE), path.name


# -- the comparison itself ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("blocks", "output"),
    [
        ([], ""),
        (["a\n"], "a\n"),
        (["a\n", "b\n"], "a\nb\n"),
        (["a\n", "b\n"], "a\n\nb\n\n"),
        (["a\n\nb\n"], "a\n\nb\n"),
        (["  a\n    b\n"], "  a\n    b\n"),
    ],
)
def test_layout_between_blocks_is_no_difference(blocks: list[str], output: str) -> None:
    compare(blocks, output)


@pytest.mark.parametrize(
    ("blocks", "output"),
    [
        ([], "a\n"),
        (["a\n"], ""),
        (["a\n"], "a\nb\n"),
        (["a\n", "b\n"], "ab\n"),
        (["a\n", "b\n"], "b\na\n"),
        (["a\nb\n"], "a\n\nb\n"),
        (["a b\n"], "a  b\n"),
        (["a\n"], " a\n"),
        (["0.1234\n"], "0.1235\n"),
    ],
)
def test_any_other_difference_fails(blocks: list[str], output: str) -> None:
    with pytest.raises(pytest.fail.Exception, match="print different things"):
        compare(blocks, output)
