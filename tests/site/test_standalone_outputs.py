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
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import unquote

import nbformat
import pytest
from bs4 import BeautifulSoup

ROOT = Path(__file__).parents[2]
SITE = Path(os.environ.get("HANDBOOK_SITE") or ROOT / "_build" / "html")
SCRIPTS = sorted((ROOT / "gallery").glob("*/plot_*.py"))
IDS = [path.stem for path in SCRIPTS]
ONE_OF_EACH_PART = list({path.parent: path for path in SCRIPTS}.values())
TIME_LIMIT_S = 300

# A process that reads, line by line, what to run, in which folder, and where its output goes. It
# runs in ``python -I``: no PYTHON* variables, no folder of the script on the path. The package may
# be installed beside this test, so it is taken away. It imports what every script imports first (a
# test below holds that) and runs each file in a copy of itself: the imports take longer than most
# scripts.
RUNNER = """
import json, os, runpy, signal, sys, types
import torch, cycler, matplotlib.pyplot

sys.modules["handbook"] = None

def run_script(file):
    sys.argv = [file]
    runpy.run_path(file, run_name="__main__")

def run_notebook(file):
    with open(file, encoding="utf-8") as stream:
        cells = json.load(stream)["cells"]
    main = sys.modules["__main__"] = types.ModuleType("__main__")
    for number, cell in enumerate(cells):
        if cell["cell_type"] == "code":
            code = compile("".join(cell["source"]), f"<cell {number}>", "exec", dont_inherit=True)
            exec(code, main.__dict__)

for line in sys.stdin:
    file, folder, output, limit = json.loads(line)
    if child := os.fork():
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)
        continue
    signal.alarm(limit)
    streams = os.open(os.devnull, os.O_RDONLY), *(
        os.open(output + end, os.O_WRONLY | os.O_CREAT) for end in (".out", ".err")
    )
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(folder)
    (run_notebook if file.endswith(".ipynb") else run_script)(file)
    sys.exit()
"""
IMPORTED_FIRST = {"torch", "cycler", "matplotlib.pyplot"}


class Runner:
    """One such process, with its number of threads."""

    def __init__(self, threads: int) -> None:
        # Threads that wait without spinning leave the cores to the tests that run beside this one.
        settings = {"OMP_NUM_THREADS": str(threads), "OMP_WAIT_POLICY": "PASSIVE"}
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-X", "utf8", "-c", RUNNER],
            env={**os.environ, "MPLBACKEND": "Agg", **settings},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def printed(self, file: Path, folder: Path) -> str:
        """Run a file in an empty folder and return what it prints."""
        assert not any(folder.iterdir())
        output = folder.with_name(f"{folder.name}_output")
        assert self.process.stdin
        assert self.process.stdout
        request = [str(file), str(folder), str(output), TIME_LIMIT_S]
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        told, errors = (
            path.read_text(encoding="utf-8") if path.exists() else ""
            for path in (Path(f"{output}.out"), Path(f"{output}.err"))
        )
        assert answer == "0\n", f"{file.name} failed alone ({answer!r}):\n{errors[-4000:]}"
        return told

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()


@pytest.fixture(scope="module")
def alone() -> Iterator[Callable[[int], Runner]]:
    """Give the runner with a number of threads, started when it is first asked for."""
    if not hasattr(os, "fork"):
        pytest.skip("the downloads are run in copies of one process, which this system has not")
    runners: dict[int, Runner] = {}

    def runner(threads: int) -> Runner:
        if threads not in runners:
            runners[threads] = Runner(threads)
        return runners[threads]

    yield runner
    for started in runners.values():
        started.close()


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
    script: Path, tmp_path: Path, alone: Callable[[int], Runner]
) -> None:
    # Two threads here and one below: neither may change a digit.
    compare(shown(script), alone(2).printed(download(script, ".py"), tmp_path))


@pytest.mark.parametrize("script", SCRIPTS, ids=IDS)
def test_the_cells_of_the_notebook_are_the_code_of_the_script(script: Path) -> None:
    """So what one prints, the other prints; that a notebook runs is seen on one of each part."""
    code = ast.parse(download(script, ".py").read_text(encoding="utf-8"))
    assert ast.get_docstring(code)  # in the notebook, a cell of text
    notebook = json.loads(download(script, ".ipynb").read_text(encoding="utf-8"))
    cells = ["".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "code"]
    statements = [node for cell in cells for node in ast.parse(cell).body]
    assert [ast.dump(node) for node in statements] == [ast.dump(node) for node in code.body[1:]]


@pytest.mark.parametrize("script", ONE_OF_EACH_PART, ids=[path.stem for path in ONE_OF_EACH_PART])
def test_the_downloaded_notebook_prints_alone_what_the_page_shows(
    script: Path, tmp_path: Path, alone: Callable[[int], Runner]
) -> None:
    compare(shown(script), alone(1).printed(download(script, ".ipynb"), tmp_path))


@pytest.mark.parametrize("script", SCRIPTS, ids=IDS)
def test_the_download_imports_itself_what_its_runner_has_imported(script: Path) -> None:
    tree = ast.parse(download(script, ".py").read_text(encoding="utf-8"))
    named: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.Import):
            named.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            named.add(node.module or "")
    assert named >= IMPORTED_FIRST


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


# -- the runner and the comparison themselves ----------------------------------------------------


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("import handbook", "None in sys.modules"),
        ("print(os.getcwd())", "name 'os' is not defined"),
        ("raise SystemExit(3)", "failed alone"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "failed alone .'-9"),
    ],
)
@pytest.mark.parametrize("suffix", [".py", ".ipynb"])
def test_what_fails_alone_fails_here(
    code: str, message: str, suffix: str, tmp_path: Path, alone: Callable[[int], Runner]
) -> None:
    file, empty = tmp_path / f"script{suffix}", tmp_path / "empty"
    empty.mkdir()
    cells = json.dumps({"cells": [{"cell_type": "code", "source": [code]}]})
    file.write_text(cells if suffix == ".ipynb" else code, encoding="utf-8")
    with pytest.raises(AssertionError, match=message):
        alone(1).printed(file, empty)


def test_a_file_runs_in_its_folder_and_leaves_nothing_to_the_next(
    tmp_path: Path, alone: Callable[[int], Runner]
) -> None:
    file = tmp_path / "script.py"
    file.write_text(
        "import os, torch\n"
        "print(os.listdir(), hasattr(torch, 'mine'), __name__, torch.get_num_threads())\n"
        "torch.mine = open('mine', 'w')\n",
        encoding="utf-8",
    )
    for number, threads in enumerate((2, 2, 1)):
        folder = tmp_path / str(number)
        folder.mkdir()
        assert alone(threads).printed(file, folder) == f"[] False __main__ {threads}\n"


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
