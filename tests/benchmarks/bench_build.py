"""What the site's own build costs, beside the least that it could cost, and against the aims.

    nox -s bench -- build            goes on where it was broken off
    nox -s bench -- build --fresh    begins again

It works on copies of the tree under ``_build/bench``, so nothing of yours is touched, and takes
about a quarter of an hour on two cores. Each step is written down when it is done. The builds are
timed without nox's own start. The floor is what the scripts compute when all run in one process,
divided by the cores, plus what Sphinx takes for as many plain pages with as many words.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import hashlib
import html
import io
import json
import math
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
BENCH = ROOT / "_build" / "bench"
TREES = ("docs", "gallery", "handbook", "tests")
FILES = ("conf.py", "LICENSE", "CHANGELOG.md", "constraints.txt")
IGNORED = shutil.ignore_patterns("auto_gallery", "__pycache__", "site")

PAGE = "convolution/pooling.md"  # the page that gets a line more
SCRIPT = "convolution/plot_max_pooling.py"  # the script that gets a line more
FUNCTION = ("pooling", "max_pool2d")  # the function that gets a statement more
SMALL = "mini_batch"  # a site of one concept: the second point of the line of growth
GROWTH = (1, 2, 10)
IMPORT_ROUNDS = 7

CLEAN_LIMIT_S, CLEAN_RATIO = 300, 1.25
BEYOND_LIMIT_S = 0.30  # CPU for each script, beyond its own
NOTHING_LIMIT_S, PAGE_LIMIT_S, SCRIPT_LIMIT_S = 5, 6, 6
IMPORT_LIMIT = 1.02

Record = dict[str, Any]


# -- building -----------------------------------------------------------------------------------


@dataclass
class Tree:
    """A copy of everything that a build reads."""

    root: Path

    @property
    def site(self) -> Path:
        return self.root / "_build" / "html"

    @property
    def gallery(self) -> Path:
        return self.root / "docs" / "auto_gallery"

    def make(self) -> None:
        shutil.rmtree(self.root, ignore_errors=True)
        for name in TREES:
            shutil.copytree(ROOT / name, self.root / name, ignore=IGNORED)
        for name in FILES:
            shutil.copy(ROOT / name, self.root / name)

    def build(self, **settings: str) -> Record:
        """Build the site and return what it took, which scripts ran and which pages changed."""
        before = self._times()
        # What HANDBOOK_ONLY leaves out is missed by references, and that is a warning.
        strict = [] if "HANDBOOK_ONLY" in settings else ["-W"]
        command = [
            sys.executable, "-m", "sphinx", "-q", "-n", *strict, "--keep-going", "-c", ".",
            "-d", "_build/doctrees/html", "docs", "_build/html",
        ]  # fmt: skip
        environment = os.environ | settings | {"PYTHONPATH": str(self.root)}
        record = timed(command, cwd=self.root, env=environment)
        after = self._times()
        changed = [path for path, moment in after.items() if before.get(path) != moment]
        record["scripts"] = sorted(path.stem for path in changed if path.suffix == ".fingerprint"
                                   and path.stem.startswith("plot_"))  # fmt: skip
        record["pages"] = sorted(
            path.relative_to(self.site).as_posix() for path in changed if path.suffix == ".html"
        )
        return record

    def _times(self) -> dict[Path, int]:
        written = [*self.gallery.rglob("*.fingerprint"), *self.site.rglob("*.html")]
        return {path: path.stat().st_mtime_ns for path in written}

    def costs(self) -> dict[str, float]:
        """Return the seconds that each script took in its last build, drawing included."""
        return {
            path.name.removesuffix(".cost.json"): json.loads(path.read_text())["time"]
            for path in self.gallery.glob("*/*.cost.json")
        }

    def append(self, name: str, text: str) -> None:
        """Add to the end of a file as it stands in the repository."""
        original = (ROOT / name).read_text(encoding="utf-8")
        (self.root / name).write_text(original + text, encoding="utf-8")


def timed(command: list[str], **options: Any) -> Record:
    """Run a command; return its wall time, and the CPU time of it and of all its children."""
    start = time.perf_counter()
    process = subprocess.Popen(command, **options)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall_s = time.perf_counter() - start
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed; what is done is kept, mend it and go on")
    return {"wall_s": wall_s, "cpu_s": usage.ru_utime + usage.ru_stime}


def site_bytes(site: Path) -> dict[str, str]:
    return {
        path.relative_to(site).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(site.rglob("*"))
        if path.is_file()
    }


# -- the steps ----------------------------------------------------------------------------------


@dataclass
class Bench:
    """The copies, and what has been measured so far."""

    tree: Tree
    other: Tree
    small: Tree
    done: dict[str, Record]

    def scripts(self) -> Record:
        """Run every script in one process, without a page or a picture."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "times.json"
            command = [sys.executable, __file__, "--run-scripts", str(path)]
            subprocess.run(command, check=True, env=os.environ | {"PYTHONPATH": str(ROOT)})
            return json.loads(path.read_text(encoding="utf-8"))

    def clean(self) -> Record:
        """Build everything from nothing."""
        self.tree.make()
        record = self.tree.build()
        return record | {"hashes": site_bytes(self.tree.site), "costs": self.tree.costs()}

    def plain(self) -> Record:
        """Let Sphinx build as many plain pages, with as many words, in the same theme."""
        pages = [
            path for path in sorted(self.tree.site.rglob("*.html")) if "_static" not in path.parts
        ]
        with tempfile.TemporaryDirectory() as folder:
            docs = Path(folder) / "docs"
            docs.mkdir()
            names = [f"page_{number}" for number in range(len(pages))]
            for name, page in zip(names, pages, strict=True):
                (docs / f"{name}.md").write_text(plain_page(page), encoding="utf-8")
            index = "# Index\n\n```{toctree}\n" + "\n".join(names) + "\n```\n"
            (docs / "index.md").write_text(index, encoding="utf-8")
            (docs / "conf.py").write_text(
                "extensions = ['myst_parser']\nhtml_theme = 'furo'\nhtml_copy_source = False\n"
            )
            command = [sys.executable, "-m", "sphinx", "-q", "docs", "html"]
            return timed(command, cwd=folder) | {"n_pages": len(pages)}

    def nothing(self) -> Record:
        """Build again with nothing changed; the best of three, as a reader's second try."""
        records = [self.tree.build() for _ in range(3)]
        best = min(records, key=lambda record: record["wall_s"])
        return best | {
            "scripts": sorted({name for record in records for name in record["scripts"]})
        }

    def page(self) -> Record:
        """Build after a line was added to one page."""
        self.tree.append(f"docs/{PAGE}", "\nA changed line.\n")
        return self.tree.build()

    def script(self) -> Record:
        """Build after a line was added to one script."""
        self.tree.append(f"gallery/{SCRIPT}", "\n# A changed line.\n")
        record = self.tree.build()
        return record | {"own_s": self.tree.costs()[Path(SCRIPT).stem]}

    def function(self) -> Record:
        """Build after a statement was added to one function of the package."""
        module, name = FUNCTION
        path = self.tree.root / "handbook" / f"{module}.py"
        before = self.digests()
        original = (ROOT / "handbook" / f"{module}.py").read_text(encoding="utf-8")
        path.write_text(with_a_statement_more(original, name), encoding="utf-8")
        after = self.digests()
        record = self.tree.build()
        costs = self.tree.costs()
        users = sorted(script for script in after if after[script] != before[script])
        return record | {"users": users, "own_s": sum(costs[script] for script in users)}

    def digests(self) -> dict[str, str]:
        """Return what decides whether each script runs again."""
        sys.path[:0] = [str(ROOT / "docs" / "_ext")]
        import standalone

        scripts = sorted((self.tree.root / "gallery").glob("*/plot_*.py"))
        return {path.stem: standalone.fingerprint(path, self.tree.root) for path in scripts}

    def one_core(self) -> Record:
        """Build everything again in another folder, one script at a time, and compare each byte."""
        self.other.make()
        record = self.other.build(HANDBOOK_JOBS="1")
        mine, theirs = self.done["clean"]["hashes"], site_bytes(self.other.site)
        differ = [name for name in sorted({*mine, *theirs}) if mine.get(name) != theirs.get(name)]
        return record | {"differ": differ, "n_files": len(mine)}

    def small_site(self) -> Record:
        """Build a site of one concept, then again: what a build costs before its first page."""
        self.small.make()
        clean = self.small.build(HANDBOOK_ONLY=SMALL)
        again = self.small.build(HANDBOOK_ONLY=SMALL)
        return {
            "clean_s": clean["wall_s"], "nothing_s": again["wall_s"],
            "n_scripts": len(clean["scripts"]), "own_s": sum(self.small.costs().values()),
        }  # fmt: skip

    def imports(self) -> Record:
        """Time fresh interpreters that import, in turns."""
        taken: dict[str, list[float]] = {}
        for attempt in range(IMPORT_ROUNDS + 1):
            for statement in ("import torch", "import handbook", "import torch, handbook"):
                start = time.perf_counter()
                subprocess.run(
                    [sys.executable, "-c", statement], check=True,
                    env=os.environ | {"PYTHONPATH": str(ROOT)},
                )  # fmt: skip
                if attempt:  # the first fills the disk's cache
                    taken.setdefault(statement, []).append(time.perf_counter() - start)
        return {statement: statistics.median(times) for statement, times in taken.items()}


def plain_page(page: Path) -> str:
    """Return the words of a built page as plain paragraphs."""
    text = page.read_text(encoding="utf-8")
    body = re.search(r"<article.*</article>", text, re.DOTALL)
    words = re.findall(
        r"[A-Za-z]+", html.unescape(re.sub(r"<[^>]*>", " ", body[0] if body else ""))
    )
    paragraphs = [" ".join(words[start : start + 60]) for start in range(0, len(words), 60)]
    return f"# {page.stem.replace('_', ' ')}\n\n" + "\n\n".join(paragraphs) + "\n"


def with_a_statement_more(source: str, name: str) -> str:
    """Return a module in which a function does nothing, once, before it begins."""
    function = next(
        node for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef) and node.name == name
    )  # fmt: skip
    lines = source.splitlines(keepends=True)
    lines.insert(function.body[1].lineno - 1, "    pass\n")  # body[0] is the docstring
    return "".join(lines)


def run_scripts(target: Path) -> None:
    """Run every script in this process, with PyTorch and matplotlib there before the clock starts.

    The files and the drawing of pictures are not among it: nothing is shown.
    """
    sys.path[:0] = [str(ROOT), str(ROOT / "docs" / "_ext")]
    import gallery_cache
    import matplotlib as mpl

    mpl.use("agg")
    import matplotlib.pyplot as plt

    import handbook.plots

    del handbook
    plt.show = lambda *_, **__: None
    times = {}
    cpu_s = -sum(os.times()[:4])
    for path in sorted((ROOT / "gallery").glob("*/plot_*.py")):
        code = compile(path.read_text(encoding="utf-8"), str(path), "exec")
        gallery_cache.reset({}, path.name)
        mpl.rcdefaults()
        mpl.use("agg")
        names = {"__name__": "__main__", "__file__": str(path)}
        with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
            start = time.perf_counter()
            with contextlib.redirect_stdout(io.StringIO()):
                exec(code, names)
            times[path.stem] = time.perf_counter() - start
            plt.close("all")
        print(f"{path.stem:44s} {times[path.stem]:6.2f} s", file=sys.stderr, flush=True)
    cpu_s += sum(os.times()[:4])
    record = {"wall_s": sum(times.values()), "cpu_s": cpu_s, "times": times}
    target.write_text(json.dumps(record), encoding="utf-8")


STEPS = (
    "scripts", "clean", "plain", "nothing", "page", "script", "function", "small_site", "imports",
    "one_core",
)  # fmt: skip
CHANGING = ("nothing", "page", "script", "function")  # these lean on a tree that is up to date


# -- the table ----------------------------------------------------------------------------------


def table(done: dict[str, Record]) -> Iterator[str]:
    """Yield the lines: what was measured, what was aimed at, and whether it is met."""
    cores = os.cpu_count() or 1
    scripts, clean, plain = done["scripts"], done["clean"], done["plain"]
    n_scripts = len(scripts["times"])
    floor_s = scripts["wall_s"] / cores + plain["wall_s"]
    beyond_s = (clean["cpu_s"] - scripts["cpu_s"]) / n_scripts

    def line(what: str, value: str, aim: str = "", met: bool | None = None) -> str:
        verdict = "" if met is None else "met" if met else "NOT MET"
        return f"{what:46s} {value:>12s}   {aim:34s} {verdict}".rstrip()

    yield f"{n_scripts} scripts, {plain['n_pages']} pages, {cores} cores"
    yield line("scripts, all in one process", f"{scripts['wall_s']:.1f} s")
    yield line("as many plain pages", f"{plain['wall_s']:.1f} s")
    yield line("the floor: scripts / cores + plain pages", f"{floor_s:.1f} s")
    yield ""
    ratio = clean["wall_s"] / floor_s
    yield line(
        "clean build", f"{clean['wall_s']:.1f} s", f"under {CLEAN_LIMIT_S} s",
        clean["wall_s"] < CLEAN_LIMIT_S,
    )  # fmt: skip
    yield line(
        "clean build / floor", f"{ratio:.2f}", f"at most {CLEAN_RATIO}", ratio <= CLEAN_RATIO
    )
    yield line(
        "CPU beyond the scripts, for each", f"{beyond_s:.2f} s", f"at most {BEYOND_LIMIT_S:.2f} s",
        beyond_s <= BEYOND_LIMIT_S,
    )  # fmt: skip
    without = beyond_s - plain["cpu_s"] / n_scripts
    yield line("    of it beyond the plain pages", f"{without:.2f} s")
    nothing = done["nothing"]
    met = nothing["wall_s"] <= NOTHING_LIMIT_S and not nothing["scripts"]
    yield line(
        f"nothing changed ({len(nothing['scripts'])} scripts ran)", f"{nothing['wall_s']:.1f} s",
        f"at most {NOTHING_LIMIT_S} s, no script", met,
    )  # fmt: skip
    page = done["page"]
    yield line(
        f"one page changed ({len(page['pages'])} pages written)", f"{page['wall_s']:.1f} s",
        f"at most {PAGE_LIMIT_S} s", page["wall_s"] <= PAGE_LIMIT_S,
    )  # fmt: skip
    script = done["script"]
    limit = script["own_s"] + SCRIPT_LIMIT_S
    yield line(
        f"one script changed ({', '.join(script['scripts'])})", f"{script['wall_s']:.1f} s",
        f"at most {script['own_s']:.1f} s of its own + {SCRIPT_LIMIT_S} s",
        script["wall_s"] <= limit and script["scripts"] == [Path(SCRIPT).stem],
    )  # fmt: skip
    function = done["function"]
    yield line(
        f"{'.'.join(FUNCTION)} changed", f"{function['wall_s']:.1f} s",
        f"only the {len(function['users'])} scripts that use it",
        function["scripts"] == function["users"],
    )  # fmt: skip
    yield f"    ran ({function['own_s']:.1f} s of their own): {', '.join(function['scripts'])}"
    yield f"    pages written: {', '.join(function['pages'])}"
    one = done["one_core"]
    yield line(
        f"one process: {one['n_files']} files, {len(one['differ'])} differ",
        f"{one['wall_s']:.1f} s",
        "the same bytes", not one["differ"],
    )  # fmt: skip
    yield from (f"    {name}" for name in one["differ"][:20])
    imports = done["imports"]
    for statement in ("import handbook", "import torch, handbook"):
        share = imports[statement] / imports["import torch"]
        yield line(
            statement, f"{imports[statement]:.3f} s",
            f"{share:.2f} × import torch, at most {IMPORT_LIMIT}", share <= IMPORT_LIMIT,
        )  # fmt: skip
    yield ""
    yield from growth(done, cores, line)


def growth(done: dict[str, Record], cores: int, line: Callable[..., str]) -> Iterator[str]:
    """Yield what a larger gallery would cost: a straight line through two sites, so computed."""
    small, n = done["small_site"], len(done["scripts"]["times"])
    steps = n - small["n_scripts"]
    clean_slope = (done["clean"]["wall_s"] - small["clean_s"]) / steps
    nothing_slope = max(0.0, (done["nothing"]["wall_s"] - small["nothing_s"]) / steps)
    yield (
        f"growth, computed: the line through the sites of {small['n_scripts']} and of {n} scripts"
    )
    for times in GROWTH:
        more = (times - 1) * n
        clean_s = done["clean"]["wall_s"] + more * clean_slope
        nothing_s = done["nothing"]["wall_s"] + more * nothing_slope
        yield line(
            f"    {times} × the scripts ({times * n})", f"{clean_s:.0f} s",
            f"nothing changed: {nothing_s:.1f} s",
        )  # fmt: skip
    costs = sorted(done["clean"]["costs"].items(), key=lambda item: -item[1])
    total = sum(seconds for _, seconds in costs)
    yield ""
    yield "the longest scripts of the clean build, drawing included:"
    for name, seconds in costs[:5]:
        yield f"    {name:42s} {seconds:6.1f} s {seconds / total:6.1%}"
    lower = max(costs[0][1], total / cores) if costs else math.nan
    yield f"    all of them, on {cores} cores: at least {lower:.1f} s"


# -- going on where it was broken off -----------------------------------------------------------


def digest_of_the_tree() -> str:
    """Hash everything that is copied: with another tree, what was measured is of no use."""
    total = hashlib.sha256()
    for name in (*TREES, *FILES):
        root = ROOT / name
        for path in sorted(root.rglob("*")) if root.is_dir() else [root]:
            ignored = {"auto_gallery", "__pycache__", "benchmarks"} & set(path.parts)
            if path.is_file() and not ignored:
                total.update(path.relative_to(ROOT).as_posix().encode() + path.read_bytes())
    return total.hexdigest()


def main() -> None:
    """Take the steps that are not done, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--fresh", action="store_true", help="begin again")
    parser.add_argument("--run-scripts", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run_scripts:
        run_scripts(Path(options.run_scripts))
        return
    state_file = BENCH / "state.json"
    state: dict[str, Any] = {"digest": digest_of_the_tree(), "begun": "", "done": {}}
    if state_file.exists() and not options.fresh:
        stored = json.loads(state_file.read_text(encoding="utf-8"))
        if stored["digest"] == state["digest"]:
            state = stored
    BENCH.mkdir(parents=True, exist_ok=True)
    bench = Bench(*(Tree(BENCH / name) for name in ("tree", "other", "small")), state["done"])

    def save() -> None:
        scratch = state_file.with_suffix(".new")
        scratch.write_text(json.dumps(state), encoding="utf-8")
        os.replace(scratch, state_file)

    for step in STEPS:
        if step in state["done"]:
            continue
        if state["begun"] == step and step in CHANGING:
            bench.tree.build()  # it was broken off in the middle: bring the tree up to date
            if step == "page":
                bench.tree.append(f"docs/{PAGE}", "")
                bench.tree.build()
            elif step == "script":
                bench.tree.append(f"gallery/{SCRIPT}", "")
                bench.tree.build()
            elif step == "function":
                bench.tree.append(f"handbook/{FUNCTION[0]}.py", "")
                bench.tree.build()
        state["begun"] = step
        save()
        start = time.perf_counter()
        print(f"{getattr(Bench, step).__doc__.partition(chr(10))[0]}", flush=True)
        state["done"][step] = getattr(bench, step)()
        print(f"    {time.perf_counter() - start:.1f} s", flush=True)
        save()
    print("\n".join(["", *table(state["done"])]))


if __name__ == "__main__":
    main()
