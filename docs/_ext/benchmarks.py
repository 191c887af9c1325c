"""The page "What reading costs", made from the files of measurements in tests/benchmarks/results.

``nox -s bench`` measures and writes such a file; a build only reads them, so that two builds of one
commit are the same site. Each file is one device: ``cpu.json`` is held against the aims, the others
(a GPU) stand beside it. The figure of each is drawn again when its file changes.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import figures
from docutils import nodes
from equivalence import table_row
from sphinx import addnodes
from sphinx.util.docutils import SphinxDirective

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.util.typing import ExtensionMetadata

DRAWING_CODE = ("figures.py", "recolour.py")
ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "tests" / "benchmarks" / "results"
IMAGES = Path("auto_gallery") / "images"
WAYS = {"forward": "forward", "both ways": "both ways", "step": "one step", "run": "one run"}
# The matrix of im2col for 32 images of 64 × 32 × 32 under a kernel of 3 × 3, in float32.
IM2COL_BYTES = 32 * (64 * 3 * 3) * (32 * 32) * 4

# Families whose rows are in the tables, not in the figure.
BESIDE_THE_POINT = ("small inputs", "fast forms")

Results = dict[str, Any]
Row = dict[str, Any]


@dataclass(frozen=True)
class Aim:
    """What was aimed at: the largest of some measured numbers stays below a limit."""

    what: str
    limit: float
    measured: Callable[[Results], list[tuple[float, str]]]  # each number, and where it was found


@dataclass(frozen=True)
class Verdict:
    """What came out: the largest number, where, and whether the aim is met."""

    aim: Aim
    worst: float
    where: str

    @property
    def met(self) -> bool:
        """Tell whether the largest number is within the limit."""
        return self.worst <= self.aim.limit


def ratios(
    *, families: tuple[str, ...] = (), functions: tuple[str, ...] = (), way: str = ""
) -> Callable[[Results], list[tuple[float, str]]]:
    """Collect time ratios of whole families or of single functions, all sizes, ways and threads."""

    def measured(results: Results) -> list[tuple[float, str]]:
        return [
            (row["ours_s"] / row["theirs_s"], where(row))
            for row in results["rows"]
            if (row["family"] in families or row["ours"] in functions)
            and row["family"] != "small inputs"
            and way in ("", row["direction"])
        ]

    return measured


def where(row: Row) -> str:
    """Say which row a number comes from."""
    threads = "one thread" if row["threads"] == 1 else f"{row['threads']} threads"
    return f"{short(row['ours'])}, {WAYS[row['direction']]}, {threads}"


def short(name: str) -> str:
    """Return a function's name without its module."""
    return name.rpartition(".")[2]


def import_ratios(results: Results) -> list[tuple[float, str]]:
    """Compare fresh interpreters that import the package, alone and after PyTorch."""
    taken = results["import_s"]
    return [
        (taken[name] / taken["import torch"], name)
        for name in ("import handbook", "import torch, handbook")
        if name in taken
    ]


def memory_shares(function: str, of: str, way: str = "") -> Callable[[Results], list[Any]]:
    """Compare the memory of a function with the im2col matrix, or with another function's."""

    def measured(results: Results) -> list[tuple[float, str]]:
        found = []
        for row in results["rows"]:
            peak = row["ours_peak_bytes"]
            if row["ours"] == function and peak is not None and way in ("", row["direction"]):
                other: float = IM2COL_BYTES
                if of != "im2col":
                    other = next(
                        base["ours_peak_bytes"]
                        for base in results["rows"]
                        if base["ours"] == of and base["direction"] == row["direction"]
                    )
                found.append((peak / other, f"{short(function)}, {WAYS[row['direction']]}"))
        return found

    return measured


AIMS = (
    Aim("linear", 1.05, ratios(families=("linear",))),
    Aim(
        "activations, softmax, cross-entropy, losses", 2.0,
        ratios(families=("activations", "softmax", "cross-entropy", "losses")),
    ),
    Aim("batch norm, layer norm", 2.5, ratios(families=("normalization",))),
    Aim("max pooling", 3.0, ratios(families=("max pooling",))),
    Aim(
        "conv2d, both ways", 2.5,
        ratios(functions=("handbook.convolution.conv2d",), way="both ways"),
    ),
    Aim("RNN, LSTM, GRU", 1.5, ratios(families=("recurrent",))),
    Aim(
        "a step of Adam or SGD", 1.5,
        ratios(functions=("handbook.optimizers.Adam", "handbook.optimizers.SGD")),
    ),
    Aim("fit, beside the bare loop", 1.03, ratios(families=("fit",))),
    Aim("import handbook, beside import torch", 1.02, import_ratios),
    Aim(
        "memory of conv2d, beside im2col's matrix", 1.0,
        memory_shares("handbook.convolution.conv2d", "im2col"),
    ),
    Aim(
        "memory of conv2d_chunked, beside conv2d, forward", 1.0,
        memory_shares(
            "handbook.unfolding.conv2d_chunked", "handbook.convolution.conv2d", "forward"
        ),
    ),
)  # fmt: skip
# The aim of each family's time, for the heads of the tables.
FAMILY_LIMITS = {
    "linear": 1.05, "activations": 2.0, "softmax": 2.0, "cross-entropy": 2.0, "losses": 2.0,
    "normalization": 2.5, "max pooling": 3.0, "conv2d": 2.5, "recurrent": 1.5, "optimizers": 1.5,
    "fit": 1.03,
}  # fmt: skip


def results_files() -> list[Path]:
    """Return the files of measurements, the CPU's first."""
    return sorted(RESULTS.glob("*.json"), key=lambda path: (path.stem != "cpu", path.stem))


def load(path: Path) -> Results:
    """Return what a file holds."""
    results: Results = json.loads(path.read_text(encoding="utf-8"))
    return results


def verdicts(results: Results) -> Iterator[Verdict]:
    """Hold the measurements against each aim; one that nothing was measured for is an error."""
    for aim in AIMS:
        measured = aim.measured(results)
        if not measured:
            raise ValueError(
                f"{RESULTS.name} must have a row for the aim {aim.what!r}, got none; "
                "run nox -s bench"
            )
        yield Verdict(aim, *max(measured))


def summary(found: list[Verdict]) -> str:
    """Say plainly how many aims are met, and which are not."""
    missed = [verdict.aim.what for verdict in found if not verdict.met]
    said = f"{len(found) - len(missed)} of {len(found)} aims are met."
    return said + (f" Not met: {'; '.join(missed)}." if missed else "")


# -- what is printed ----------------------------------------------------------------------------


def number(value: float) -> str:
    """Return three digits: no measurement here is finer."""
    return str(int(float(f"{value:.3g}"))) if value >= 999.5 else f"{value:#.3g}".rstrip(".")


def megabytes(value: int | None) -> str:
    """Return a peak in MB; below a tenth, the count of pages is all noise."""
    if value is None:
        return "–"
    return "< 0.1" if value < 1e5 else f"{value / 1e6:.1f}"


def ratio_text(row: Row, side: str = "ours") -> str:
    """Return ours over theirs, or the compiled form over theirs, with two decimals."""
    return f"{row[f'{side}_s'] / row['theirs_s']:.2f}"


def compiled_rows(results: Results) -> list[dict[int, Row]]:
    """Return each function and direction that was timed compiled: its rows by threads."""
    grouped: dict[tuple[str, ...], dict[int, Row]] = {}
    for row in results["rows"]:
        if row.get("compiled_s") is not None:
            name = (row["ours"], row["size"], row["direction"])
            grouped.setdefault(name, {})[row["threads"]] = row
    return list(grouped.values())


def compiled_summary(results: Results) -> str:
    """Say how many ratios the compiler brings within their aim, and how many it does not."""
    above = within = faster = 0
    rows = [row for by_threads in compiled_rows(results) for row in by_threads.values()]
    for row in rows:
        limit = FAMILY_LIMITS.get(row["family"])
        faster += row["compiled_s"] < row["theirs_s"]
        if limit is not None and row["ours_s"] > limit * row["theirs_s"]:
            above += 1
            within += row["compiled_s"] <= limit * row["theirs_s"]
    return (
        f"Of {len(rows)} ratios, {above} are above their aim as they stand; compiled, {within} of "
        f"these are within it. {faster} of all are then faster than PyTorch’s own function."
    )


def said_where(results: Results) -> str:
    """Say when, on what and with what a file was measured."""
    date = datetime.date.fromisoformat(results["date"])
    device = "the CPU" if results["device"] == "CPU" else f"one {results['device']}"
    cuda = f" with CUDA {results['cuda']}" if results.get("cuda") else ""
    return (
        f"Measured on {date.day} {date:%B} {date.year} on {device} of a machine with "
        f"{results['cores']} cores ({results['cpu']}, {results['system']}), "
        f"PyTorch {results['torch']}{cuda}, Python {results['python']}; it took "
        f"{results['duration_s']} s."
    )


class _Benchmark(SphinxDirective):
    """What the directives share: the file, named without its ending."""

    required_arguments = 1

    def results(self) -> Results:
        path = RESULTS / f"{self.arguments[0]}.json"
        self.env.note_dependency(str(path))
        return load(path)

    def table(self, title: str, head: list[str], rows: list[list[nodes.Node]]) -> nodes.table:
        table = nodes.table("", nodes.title("", title), classes=["benchmark"])
        group = nodes.tgroup(cols=len(head))
        group += [nodes.colspec(colwidth=1) for _ in head]
        group += nodes.thead("", table_row([nodes.Text(text) for text in head]))
        group += nodes.tbody("", *(table_row(row) for row in rows))
        table += group
        return table

    def function(self, row: Row) -> nodes.Node:
        """Return the name of a row's function, linked, and the size that it was timed at."""
        size = nodes.inline("", row["size"], classes=["benchmark-size"])
        return nodes.inline("", "", self.link(row["ours"]), nodes.Text(" "), size)

    def link(self, name: str) -> nodes.Node:
        label = nodes.literal("", short(name), classes=["xref", "py"])
        return addnodes.pending_xref(
            "", label, refdomain="py", reftype="obj", reftarget=name,
            refdoc=self.env.docname, refexplicit=True, refwarn=True,
        )  # fmt: skip


class BenchmarkSetting(_Benchmark):
    """``{benchmark-setting} cpu``: when and on which machine."""

    def run(self) -> list[nodes.Node]:
        return [nodes.paragraph("", said_where(self.results()))]


class BenchmarkAims(_Benchmark):
    """``{benchmark-aims} cpu``: which aims are met, and which are not."""

    def run(self) -> list[nodes.Node]:
        found = list(verdicts(self.results()))
        rows = [
            [
                nodes.Text(verdict.aim.what),
                nodes.Text(f"{verdict.aim.limit:g}"),
                nodes.Text(f"{verdict.worst:.2f}"),
                nodes.Text(verdict.where),
                nodes.Text("yes") if verdict.met else nodes.strong("", "no"),
            ]
            for verdict in found
        ]
        head = ["What", "At most", "Worst ratio", "Where it is worst", "Met"]
        return [
            nodes.paragraph("", summary(found)),
            self.table("Ratios to PyTorch: the aims", head, rows),
        ]


class BenchmarkTables(_Benchmark):
    """``{benchmark-tables} cpu``: one table for each family of functions."""

    def run(self) -> list[nodes.Node]:
        results = self.results()
        grouped: dict[str, dict[tuple[str, ...], dict[int, Row]]] = {}
        for row in results["rows"]:
            name = (row["ours"], row["size"], row["direction"])
            grouped.setdefault(row["family"], {}).setdefault(name, {})[row["threads"]] = row
        threads = sorted({row["threads"] for row in results["rows"]})
        return [
            node
            for family, rows in grouped.items()
            for node in self.family(family, list(rows.values()), threads)
        ]

    def family(
        self, family: str, rows: list[dict[int, Row]], threads: list[int]
    ) -> list[nodes.Node]:
        head = ["Function", "Way", "Ours, ms", "PyTorch, ms", "Ratio"]
        for count in threads[1:]:
            head += [f"{text}, {count} threads" for text in ("Ours, ms", "PyTorch, ms", "Ratio")]
        head += ["Our peak, MB", "PyTorch’s peak, MB"]
        lines = []
        for by_threads in rows:
            row = by_threads[threads[0]]
            line = [self.function(row), nodes.Text(WAYS[row["direction"]])]
            for count in threads:
                line += [
                    nodes.Text(number(1e3 * by_threads[count]["ours_s"])),
                    nodes.Text(number(1e3 * by_threads[count]["theirs_s"])),
                    nodes.Text(ratio_text(by_threads[count])),
                ]
            line += [
                nodes.Text(megabytes(row[f"{side}_peak_bytes"])) for side in ("ours", "theirs")
            ]
            lines.append(line)
        title = family[0].upper() + family[1:]
        if self.arguments[0] == "cpu" and family in FAMILY_LIMITS:
            title += f" (aim: at most {FAMILY_LIMITS[family]:g} times PyTorch’s time)"
        return [self.table(title, head, lines)]


class BenchmarkCompiled(_Benchmark):
    """``{benchmark-compiled} cpu``: our functions as they are, and through ``torch.compile``."""

    def run(self) -> list[nodes.Node]:
        results = self.results()
        head = ["Function", "Way"]
        threads = sorted({row["threads"] for row in results["rows"]})
        for count in threads:
            setting = f", {count} threads" if count > 1 else ""
            head += [f"Ours{setting}", f"Compiled{setting}"]
        lines = []
        for by_threads in compiled_rows(results):
            row = by_threads[threads[0]]
            line = [self.function(row), nodes.Text(WAYS[row["direction"]])]
            for count in threads:
                taken = by_threads[count]
                line += [nodes.Text(ratio_text(taken)), nodes.Text(ratio_text(taken, "compiled"))]
            lines.append(line)
        return [
            nodes.paragraph("", compiled_summary(results)),
            self.table("Ratios to PyTorch, as it stands and compiled", head, lines),
        ]


class BenchmarkImports(_Benchmark):
    """``{benchmark-imports} cpu``: what a fresh interpreter takes."""

    def run(self) -> list[nodes.Node]:
        taken = self.results()["import_s"]
        rows = [
            [
                nodes.literal("", name) if name.startswith("import") else nodes.Text(name),
                nodes.Text(number(value)),
                nodes.Text(f"{value / taken['import torch']:.2f}"),
            ]
            for name, value in taken.items()
        ]
        head = ["Statement", "Seconds", "Beside import torch"]
        return [self.table("A fresh interpreter", head, rows)]


class BenchmarkOthers(BenchmarkTables):
    """``{benchmark-others}``: the same of every other device that was measured."""

    required_arguments = 0

    def run(self) -> list[nodes.Node]:
        found: list[nodes.Node] = []
        for path in results_files():
            if path.stem == "cpu":
                continue
            self.arguments = [path.stem]
            results = self.results()
            found.append(nodes.rubric("", results["device"]))
            found.append(nodes.paragraph("", said_where(results)))
            figure = f"```{{themed-figure}} /{figure_path(path.stem).as_posix()}\n```"
            found += self.parse_text_to_nodes(figure)
            found += super().run()
        return found or [nodes.paragraph("", "No other device has been measured yet.")]


# -- the figure ---------------------------------------------------------------------------------


def figure_path(stem: str) -> Path:
    """Return where the figure of a file lies, from the root of the documentation."""
    return IMAGES / f"what_reading_costs_{stem}.webp"


def dots(results: Results) -> list[tuple[str, float, float | None]]:
    """Return the label and the ratio of each function on one thread: forward, and both ways."""
    found: dict[tuple[str, str], dict[str, float]] = {}
    for row in results["rows"]:
        if row["threads"] == 1 and row["family"] not in BESIDE_THE_POINT:
            name = (short(row["ours"]), row["size"])
            found.setdefault(name, {})[row["direction"]] = row["ours_s"] / row["theirs_s"]
    names = [name for name, _ in found]
    dotted = []
    for (name, size), by_way in found.items():
        setting = size.rpartition(", ")[2] if names.count(name) > 1 and ", " in size else ""
        label = f"{name}, {setting}" if setting else name
        first = next(iter(by_way.values()))
        dotted.append((label, by_way.get("both ways", first), first if len(by_way) > 1 else None))
    return dotted


def draw(results: Results) -> Any:
    """Return the figure: a row for each function, the slowest beside PyTorch at the top."""
    import matplotlib.pyplot as plt

    from handbook.plots import BLUE, STYLE, VERMILLION

    rows = sorted(dots(results), key=lambda row: row[1])
    within = sum(both <= 2 for _, both, _ in rows)
    device = "" if results["device"] == "CPU" else f" on one {results['device']}"
    with plt.style.context(STYLE):
        figure, ax = plt.subplots(figsize=(6.0, 1.3 + 0.24 * len(rows)))
        places = range(len(rows))
        ax.axvline(1, color="#404040", linewidth=1.2)
        ax.axvline(2, color="#404040", linewidth=1.2, linestyle="--")
        ax.scatter(
            [row[1] for row in rows], places, color=BLUE, s=34, zorder=3,
            label="both ways (or one step)",
        )  # fmt: skip
        forward = [(row[2], place) for place, row in enumerate(rows) if row[2] is not None]
        ax.scatter(
            [ratio for ratio, _ in forward], [place for _, place in forward],
            marker="x", color=VERMILLION, s=30, linewidths=1.6, zorder=2, label="forward alone",
        )  # fmt: skip
        ax.set_xscale("log", base=2)
        ax.xaxis.set_major_formatter(
            lambda value, _: f"{value:g}" if value >= 1 else f"1/{1 / value:g}"
        )
        ax.set_yticks(list(places), [row[0] for row in rows], fontsize=11)
        ax.set_ylim(-0.8, len(rows) - 0.2)
        ax.grid(axis="y", visible=False)
        ax.set_xlabel("our time / PyTorch’s time\n(dimensionless, log scale)")
        setting = device or ", on one thread"
        ax.set_title(f"{within} of {len(rows)} take at most twice\nPyTorch’s time{setting}")
        ax.legend(loc="lower right")
    return figure


def draw_stale(app: Sphinx) -> None:
    """Draw the figure of each file again when the file or the drawing has changed."""
    if os.environ.get("HANDBOOK_ONLY"):  # the page is left out
        return
    drawing = [
        Path(__file__),
        Path(figures.__file__),
        Path(figures.__file__).with_name("recolour.py"),
    ]
    for path in results_files():
        target = Path(app.srcdir) / figure_path(path.stem)
        parts = [file.read_bytes() for file in (path, *drawing)]
        wanted = hashlib.sha256(b"\0".join(parts)).hexdigest()
        stamp = target.with_suffix(".fingerprint")
        if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
            continue
        import matplotlib as mpl

        mpl.use("agg")
        import matplotlib.pyplot as plt

        figure = draw(load(path))
        figures.save_figure(figure, target, str(path.name))
        plt.close(figure)
        stamp.write_text(wanted, encoding="utf-8")  # last: a build that broke off left none


def setup(app: Sphinx) -> ExtensionMetadata:
    """Draw before any page is read."""
    app.connect("builder-inited", draw_stale, priority=660)
    for name, directive in (
        ("setting", BenchmarkSetting),
        ("aims", BenchmarkAims),
        ("tables", BenchmarkTables),
        ("compiled", BenchmarkCompiled),
        ("imports", BenchmarkImports),
        ("others", BenchmarkOthers),
    ):
        app.add_directive(f"benchmark-{name}", directive)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
