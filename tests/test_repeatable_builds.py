"""Two builds of one commit are one site, byte for byte, and a build that was killed comes right.

Each builds one script with the real settings, in a copy of the tree of its own: a folder's name in
a page would differ. ``nox -s bench -- build`` compares the whole site the same way.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# Two of the quickest scripts, of one chapter.
ONLY = "mini_batch"
IGNORED = shutil.ignore_patterns("auto_gallery", "__pycache__", "_build", "*.html")


def copy_tree(folder: Path) -> Path:
    for name in ("docs", "gallery", "handbook"):
        shutil.copytree(ROOT / name, folder / name, ignore=IGNORED)
    for name in ("conf.py", "LICENSE", "CHANGELOG.md"):
        shutil.copy(ROOT / name, folder / name)
    return folder


def start(tree: Path, n_processes: int) -> subprocess.Popen[str]:
    environment = os.environ | {
        "HANDBOOK_ONLY": ONLY, "HANDBOOK_JOBS": str(n_processes), "PYTHONPATH": str(tree),
        "MPLBACKEND": "agg", "HANDBOOK_DEVICE": "cpu",
    }  # fmt: skip
    command = [sys.executable, "-m", "sphinx", "-q", "-n", "-c", ".", "-d", "_build/doctrees"]
    return subprocess.Popen(
        [*command, "docs", "_build/html"], cwd=tree, env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip


def build(tree: Path, n_processes: int) -> dict[str, bytes]:
    process = start(tree, n_processes)
    said, _ = process.communicate()
    assert process.returncode == 0, said
    return site(tree)


def site(tree: Path) -> dict[str, bytes]:
    pages = tree / "_build" / "html"
    return {
        path.relative_to(pages).as_posix(): path.read_bytes()
        for path in sorted(pages.rglob("*"))
        if path.is_file()
    }


def kill_when(tree: Path, n_processes: int, moment: Callable[[], bool]) -> None:
    """Kill a build and its workers, as a power cut would, as soon as something is so."""
    process = start(tree, n_processes)
    try:
        while not moment():
            assert process.poll() is None, f"it came to its end first: {process.communicate()[0]}"
            time.sleep(0.002)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def assert_same(one: dict[str, bytes], other: dict[str, bytes]) -> None:
    assert sorted(one) == sorted(other)
    assert [name for name in one if one[name] != other[name]] == []


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return build(copy_tree(tmp_path_factory.mktemp("first")), 1)


def test_one_process_and_two_build_the_same_bytes(first: dict[str, bytes], tmp_path: Path) -> None:
    assert len([name for name in first if "/plot_" in name and name.endswith(".html")]) >= 2
    assert any(name.endswith(".webp") for name in first)
    assert_same(first, build(copy_tree(tmp_path / "a_folder_with_another_name"), 2))


@pytest.mark.skipif(os.name == "nt", reason="process groups are killed in another way there")
def test_a_build_that_is_killed_twice_comes_out_the_same(
    first: dict[str, bytes], tmp_path: Path
) -> None:
    tree = copy_tree(tmp_path / "tree")
    gallery, pages = tree / "docs" / "auto_gallery", tree / "_build" / "html"

    kill_when(tree, 1, lambda: any(gallery.glob("*/*.fingerprint")))
    n_scripts = len([name for name in first if "/plot_" in name and name.endswith(".html")])
    assert 1 <= len(list(gallery.glob("*/*.fingerprint"))) < n_scripts, "the first had just ended"
    assert not pages.exists() or not any(pages.rglob("plot_*.html"))

    kill_when(tree, 1, lambda: any(pages.rglob("plot_*.html")))
    written = sorted(pages.rglob("*.html"))
    assert len(written) < len([name for name in first if name.endswith(".html")])
    # Wherever the kill fell, let it have been in the middle of a page.
    whole = written[0].read_bytes()
    written[0].write_bytes(whole[: len(whole) // 2])

    assert_same(first, build(tree, 1))
    assert not any((tree / "_build" / "doctrees").glob("unfinished-*"))
