"""What the README, CI and the sessions promise each other."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
TOP = {
    "docs", "gallery", "handbook", "tests", "conf.py", "noxfile.py", "pyproject.toml",
    "constraints.txt", "README.md", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md",
    ".ci", ".gitignore", ".gitattributes", ".pre-commit-config.yaml",
}  # fmt: skip


def tracked_files() -> list[str]:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("not a git checkout: there is no list of files to hold against the layout")
    return done.stdout.splitlines()


def nox_list() -> str:
    command = [sys.executable, "-m", "nox", "--list"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout


def test_the_layout_holds_nothing_else() -> None:
    assert {name.split("/")[0] for name in tracked_files()} <= TOP


def test_ci_runs_the_two_commands_of_the_readme() -> None:
    commands = re.findall(r"^python3 -m venv .* -s (\w+)$", README, re.MULTILINE)
    assert commands == ["docs", "tests"]
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    # The build first: it must not lean on what only the tests install.
    assert re.search(r"^for session in (.+); do$", ci, re.MULTILINE)[1].split() == commands
    pattern = re.search(r'grep -m 1 -E "([^"]+)" README\.md', ci)[1]
    for session in commands:
        one = pattern.replace("$session", session).replace("\\$", "$")
        assert re.search(one, README, re.MULTILINE)[0].endswith(f"-s {session}")


def test_every_session_says_its_promise_in_one_line() -> None:
    sessions = re.findall(r"^[*-] (\w+)(?: -> (.+))?$", nox_list(), re.MULTILINE)
    assert {"docs", "serve", "tests", "doctest", "standalone", "lint", "linkcheck", "bench"} <= {
        name for name, _ in sessions
    }
    for name, promise in sessions:
        assert promise.endswith("."), name
        assert len(f"* {name} -> {promise}") <= 100, "one line of a terminal"


def test_every_session_that_the_readme_names_exists() -> None:
    existing = set(re.findall(r"^[*-] (\w+)", nox_list(), re.MULTILINE))
    named = set(re.findall(r"nox -s (\w+)", README))
    assert named <= existing


def test_every_package_of_a_group_is_pinned() -> None:
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    lines = [line for line in pins.splitlines() if line and not line.startswith("#")]
    assert [line for line in lines if not re.fullmatch(r"[\w.-]+==[\w.]+", line)] == []
    pinned = {name.lower() for name in re.findall(r"^([\w.-]+)==", pins, re.MULTILINE)}
    pinned |= {name.replace("_", "-") for name in pinned}
    wanted = {
        requirement.lower()
        for group in PYPROJECT["dependency-groups"].values()
        for requirement in group
        if isinstance(requirement, str)
    }
    assert wanted - pinned == set()


def test_no_file_names_a_registry_host() -> None:
    # Put together here, so that this file does not name them either.
    hosts = [".".join(parts) for parts in (("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("debian", "org"))]  # noqa: E501  # fmt: skip
    for name in tracked_files():
        path = ROOT / name
        if path.is_file() and path.suffix not in {".woff2", ".inv", ".webp"}:
            text = path.read_text(encoding="utf-8")
            assert not [host for host in hosts if host in text], name
