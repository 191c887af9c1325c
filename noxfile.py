"""Everything the handbook promises, one session per promise: ``nox -l`` lists them.

``nox -s docs`` builds the site, ``nox -s tests`` passes the tests, plain ``nox`` runs what CI runs.
All heavy sessions share one environment under ``.nox/``, made again when a pin changes.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import sys
from pathlib import Path
from typing import Any

import nox

nox.needs_version = ">=2025.2.9"
nox.options.sessions = ["lint", "tests", "doctest", "docs", "standalone", "site"]

ROOT = Path(__file__).parent
SITE = ROOT / "_build" / "html"
PYPROJECT = nox.project.load_toml(ROOT / "pyproject.toml")
TORCH = next(
    line
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    if line.startswith("torch==")
)
TORCH_BUILD = os.environ.get("HANDBOOK_TORCH", "").strip().lower()
# One thread: two runs then print the same digits, and two processes do not fight over two cores.
# Agg: no window opens.
SINGLE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "MPLBACKEND": "Agg"}

# For tests that wait for a browser or an interpreter of their own.
IN_PARALLEL = ("-n", str(min(os.cpu_count() or 1, 4)))
# A file stays in one process: a block of a page leans on those above it, a test on its fixtures.
BY_FILE = (*IN_PARALLEL, "--dist=loadfile")


def environment_name() -> str:
    """Name the shared environment after what is installed in it: another pin, another folder."""
    parts = [
        (ROOT / "constraints.txt").read_bytes(),
        repr(sorted(PYPROJECT["dependency-groups"].items())).encode(),
        f"{TORCH_BUILD} {sys.version_info[:3]} {platform.machine()}".encode(),
    ]
    return f"handbook-{hashlib.sha256(b'|'.join(parts)).hexdigest()[:10]}"


# nox makes one environment a session; PyTorch fills over a gigabyte, so ours share one.
HOME = ROOT / ".nox" / environment_name()
SCRIPTS = HOME / ("Scripts" if os.name == "nt" else "bin")
PYTHON = SCRIPTS / ("python.exe" if os.name == "nt" else "python")
shared = nox.session(venv_backend="none")


def python(session: nox.Session, *arguments: str, **options: Any) -> Any:
    """Run Python in the shared environment, alone: nothing of the reader's own packages."""
    environment = {"VIRTUAL_ENV": str(HOME), "PYTHONPATH": "", "PYTHONNOUSERSITE": "1"}
    options["env"] = environment | options.get("env", {})
    return session.run(str(PYTHON), *arguments, external=True, **options)


def pip_install(session: nox.Session, *arguments: str) -> None:
    """Install with pip, so that a reader's own pip settings apply, in the pinned versions."""
    # What a source distribution is built with is pinned too; old and new pip ask in two places.
    pins = dict.fromkeys(("PIP_CONSTRAINT", "PIP_BUILD_CONSTRAINT"), str(ROOT / "constraints.txt"))
    python(session, "-m", "pip", "install", "--quiet", *arguments, env=pins)


def install(session: nox.Session, group: str) -> None:
    """Bring the shared environment to hold a dependency group, PyTorch first."""
    for old in HOME.parent.glob("handbook-*"):
        if old != HOME:
            session.log(f"the pins have changed: removing {old.name}")
            shutil.rmtree(old, ignore_errors=True)
    stamp = HOME / f".installed-{group}"
    if stamp.exists():
        return
    has_torch = HOME / ".installed-torch"
    if not has_torch.exists():  # new, or left half made
        session.run(sys.executable, "-m", "venv", "--clear", str(HOME), external=True)
        install_torch(session)
        has_torch.touch()
    pip_install(session, *nox.project.dependency_groups(PYPROJECT, group))
    pip_install(session, "--no-deps", "--editable", ".")
    stamp.touch()


def install_torch(session: nox.Session) -> None:
    """Install the build of PyTorch that fits: HANDBOOK_TORCH=pip|cpu|cu130|… decides, or we do."""
    build = TORCH_BUILD or ("cpu" if wants_cpu_build(session) else "pip")
    if build != "pip":
        # uv knows PyTorch's own indexes by the name of the build: cpu, cu126, cu130, xpu, ...
        pip_install(session, "uv")
        chosen = ("--python", str(PYTHON), f"--torch-backend={build}", TORCH)
        try:
            python(session, "-m", "uv", "pip", "install", *chosen)
        except nox.command.CommandFailed:
            if TORCH_BUILD:  # the reader's own choice: no other build will do
                session.error(f"HANDBOOK_TORCH={TORCH_BUILD} could not be installed; see above")
            session.warn("PyTorch's CPU index did not answer: taking what pip finds")
        else:
            return
    pip_install(session, TORCH)


def wants_cpu_build(session: nox.Session) -> bool:
    """Tell whether plain pip would fetch gigabytes of CUDA that this machine cannot use."""
    if platform.system() != "Linux":
        return False  # elsewhere pip's own choice is already the small one
    has_nvidia_driver = Path("/proc/driver/nvidia/version").exists() or shutil.which("nvidia-smi")
    if has_nvidia_driver:
        return False
    settings = python(session, "-m", "pip", "config", "list", silent=True, log=False)
    own_index = ("index-url", "find-links", "no-index")  # extra-index-url among them
    return not any(name in str(settings) for name in own_index)


@shared
def tests(session: nox.Session) -> None:
    """Every function equals its closed form and PyTorch, and refuses bad input clearly."""
    install(session, "tests")
    python(session, "-m", "pytest", *BY_FILE, *session.posargs, env=SINGLE_THREAD)


@shared
def doctest(session: nox.Session) -> None:
    """Every example in a docstring and every Python block on a page prints what it says."""
    install(session, "tests")
    where = session.posargs or ["handbook", "docs"]
    python(session, "-m", "pytest", *BY_FILE, "--doctest-modules", *where, env=SINGLE_THREAD)


@shared
def docs(session: nox.Session) -> None:
    """The site builds without a warning, with every figure executed; prints where to open it."""
    install(session, "docs")
    build_site(session, "html", SITE, "-W", "--keep-going", *session.posargs)
    session.log(f"open {(SITE / 'index.html').as_uri()}")


@shared
def epub(session: nox.Session) -> None:
    """The whole book as one file for e-book readers, checked by epubcheck where Java is."""
    install(session, "epub")
    target = ROOT / "_build" / "epub"
    build_site(session, "epub", target, "-W", "--keep-going", *session.posargs)
    book = next(target.glob("*.epub"))
    if shutil.which("java"):
        python(session, "-m", "epubcheck", str(book))
    else:
        session.warn("no Java: the book was NOT checked by epubcheck")
    session.log(f"the book is {book}")


@shared
def one(session: nox.Session) -> None:
    """One concept or one script alone, for quick work: nox -s one -- saddle_points."""
    if len(session.posargs) != 1:
        session.error("name one concept or one script, as in: nox -s one -- saddle_points")
    install(session, "docs")
    target = ROOT / "_build" / "one" / session.posargs[0]
    build_site(session, "html", target, env={"HANDBOOK_ONLY": session.posargs[0]})
    session.log(f"open {(target / 'index.html').as_uri()}")


@shared
def serve(session: nox.Session) -> None:
    """The site at a local address, built again at every change."""
    install(session, "serve")
    watched = [f"--watch={folder}" for folder in ("gallery", "handbook", "conf.py")]
    ignored = ["--ignore=*/auto_gallery/*", "--ignore=*/_build/*"]
    python(
        session, "-m", "sphinx_autobuild", *watched, *ignored, "-c", ".", "-n", "docs", str(SITE),
        *session.posargs,
    )  # fmt: skip


@shared
def standalone(session: nox.Session) -> None:
    """Every script downloaded from the site runs alone and prints what its page shows."""
    install(session, "tests")
    ensure_site(session)
    script = "tests/site/test_standalone_outputs.py"
    python(session, "-m", "pytest", *IN_PARALLEL, script, *session.posargs)


@shared
def site(session: nox.Session) -> None:
    """Every page works in a browser: offline, on a phone, in the dark, by keyboard."""
    install(session, "site")
    ensure_site(session)
    others = ["--ignore=tests/site/test_standalone_outputs.py"]
    python(session, "-m", "pytest", *IN_PARALLEL, "tests/site", *others, *session.posargs)


@shared
def lint(session: nox.Session) -> None:
    """The code is tidy, typed, spelt right, and no module imports a higher floor."""
    install(session, "lint")
    python(session, "-m", "ruff", "check", ".")
    python(session, "-m", "ruff", "format", "--check", ".")
    python(session, "-m", "mypy")
    session.run(str(SCRIPTS / "lint-imports"), "--no-cache", external=True)
    python(session, "-m", "codespell_lib")
    prose = [
        *sorted(ROOT.glob("*.md")),
        *sorted(path for path in ROOT.glob("docs/**/*.md") if "auto_gallery" not in path.parts),
        *sorted(ROOT.glob("gallery/**/*.py")),
        *sorted(ROOT.glob("handbook/*.py")),
    ]
    python(session, "-m", "sphinxlint", "--enable=all", "--disable=line-too-long", *map(str, prose))


@shared
def exercises(session: nox.Session) -> None:
    """Exercises to work on: nox -s exercises -- list, or -- get NAME [FOLDER]."""
    install(session, "docs")
    python(session, "docs/_ext/exercises.py", *(session.posargs or ["list"]))


@shared
def linkcheck(session: nox.Session) -> None:
    """Every link to the outside answers; skipped, and said so, without a network."""
    install(session, "docs")
    probe = "import socket; socket.create_connection(('docs.pytorch.org', 443), 10)"
    if python(session, "-c", probe, success_codes=[0, 1], silent=True, log=False):
        session.skip("no network: the links to other sites were NOT checked")
    build_site(session, "linkcheck", ROOT / "_build" / "linkcheck", *session.posargs)


@shared
def bench(session: nox.Session) -> None:
    """What reading costs: our functions beside PyTorch's; -- build times the site itself."""
    install(session, "bench")
    if session.posargs[:1] == ["build"]:
        script = "tests/benchmarks/bench_build.py"
        python(session, script, *session.posargs[1:], env=SINGLE_THREAD)
    else:
        script = "tests/benchmarks/bench_functions.py"
        results = ("--json", "tests/benchmarks/results/cpu.json")
        # Without settings of threads: the script makes a process for each number of them.
        python(session, script, *(session.posargs or results))


@shared
def inventories(session: nox.Session) -> None:
    """Make the link tables in docs/_inv again from the installed packages."""
    install(session, "docs")
    python(session, "docs/_ext/inventories.py", *session.posargs)


def build_site(
    session: nox.Session,
    builder: str,
    target: Path,
    *options: str,
    env: dict[str, str] | None = None,
) -> None:
    """Run sphinx-build with the settings that every build of the site shares."""
    doctrees = ROOT / "_build" / "doctrees" / target.name
    python(
        session, "-m", "sphinx", "-n", "-c", ".", "-b", builder, "-d", str(doctrees),
        *options, "docs", str(target),
        env=SINGLE_THREAD | (env or {}),
    )  # fmt: skip


def ensure_site(session: nox.Session) -> None:
    """Build the site; takes seconds where nothing has changed."""
    build_site(session, "html", SITE, "-W", "--keep-going", "-q")
