"""What the benchmark measures, and what the page "What reading costs" says about it."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bench_build
import bench_functions
import benchmarks
import measuring
import pytest
import torch

ROOT = Path(__file__).parents[1]
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def results() -> dict[str, Any]:
    return benchmarks.load(benchmarks.RESULTS / "cpu.json")


# -- the file that the page is made from --------------------------------------------------------


def test_every_function_that_an_aim_names_has_a_row(results: dict[str, Any]) -> None:
    measured = {row["ours"].rpartition(".")[2] for row in results["rows"]}
    assert measured >= {
        "linear", "relu", "leaky_relu", "elu", "gelu", "silu", "sigmoid", "tanh", "softplus",
        "softsign", "hardtanh", "softmax", "log_softmax", "cross_entropy", "nll_loss", "mse_loss",
        "l1_loss", "smooth_l1_loss", "huber_loss", "binary_cross_entropy",
        "binary_cross_entropy_with_logits", "kl_div", "cosine_similarity", "batch_norm",
        "layer_norm", "max_pool2d", "conv2d", "conv2d_chunked", "RNN", "LSTM", "GRU", "Adam",
        "SGD", "fit",
    }  # fmt: skip
    assert results["import_s"].keys() >= {"import torch", "import handbook"}
    assert all(row["theirs_s"] > 0 and row["rounds"] >= 5 for row in results["rows"])


def test_every_aim_is_judged_and_the_page_says_which_are_not_met(results: dict[str, Any]) -> None:
    found = list(benchmarks.verdicts(results))
    said = benchmarks.summary(found)
    assert len(found) == len(benchmarks.AIMS)
    for verdict in found:
        assert (verdict.aim.what in said) == (not verdict.met)
    page = (ROOT / "docs" / "what_reading_costs.md").read_text(encoding="utf-8")
    for directive in ("setting", "aims", "compiled", "tables", "imports"):
        assert f"```{{benchmark-{directive}}} cpu" in page
    assert "benchmark-others" in page


def test_each_function_that_is_proven_equal_is_timed() -> None:
    table = (ROOT / "tests" / "test_equivalence.py").read_text(encoding="utf-8")
    import equivalence

    named = {name for name in equivalence.pair_digests() if not name.startswith("layers.")}
    assert len(named) > 40, table[:80]
    timed = {pair.ours.removeprefix("handbook.") for pair in bench_functions.pairs()}
    # By hand, for reading; the same code in other clothes.
    others = {
        "backprop.linear_forward", "backprop.squared_error_forward", "regularization.dropout1d",
        "recurrent_layers.RNNCell", "recurrent_layers.LSTMCell", "recurrent_layers.GRUCell",
    }  # fmt: skip
    assert named - timed == others


# -- the verdicts -------------------------------------------------------------------------------


@pytest.mark.parametrize("direction", ["forward", "both ways"])
def test_one_slow_number_misses_the_aim(results: dict[str, Any], direction: str) -> None:
    changed = copy.deepcopy(results)
    row = next(
        row for row in changed["rows"]
        if row["ours"].endswith(".gelu") and row["direction"] == direction
    )  # fmt: skip
    row["ours_s"] = 1e6 * row["theirs_s"]
    verdict = next(
        found for found in benchmarks.verdicts(changed) if found.aim.what.startswith("activations")
    )
    assert not verdict.met
    assert verdict.worst == pytest.approx(1e6)
    assert verdict.where.startswith(f"gelu, {direction}")
    assert verdict.aim.what in benchmarks.summary([verdict])


def test_an_aim_without_a_row_is_an_error(results: dict[str, Any]) -> None:
    without = results | {"rows": [row for row in results["rows"] if row["family"] != "recurrent"]}
    with pytest.raises(ValueError, match="must have a row for the aim 'RNN, LSTM, GRU', got none"):
        list(benchmarks.verdicts(without))


def row_of(ours: float, compiled: float | None, family: str = "losses") -> dict[str, Any]:
    name = f"handbook.losses.f{ours}_{compiled}"
    return {
        "ours": name, "size": "", "direction": "forward", "threads": 1, "family": family,
        "ours_s": ours, "theirs_s": 1.0, "compiled_s": compiled,
    }  # fmt: skip


def test_it_is_counted_what_a_compiler_brings_within_an_aim() -> None:
    rows = [
        row_of(1.9, 1.5), row_of(3.0, 2.0), row_of(4.0, 2.1), row_of(5.0, 0.9), row_of(6.0, None),
        row_of(7.0, 0.5, "without an aim"),
    ]  # fmt: skip
    said = benchmarks.compiled_summary({"rows": rows})
    assert said.startswith("Of 5 ratios, 3 are above their aim as they stand; compiled, 2 of these")
    assert "2 of all are then faster" in said
    assert [list(found) for found in benchmarks.compiled_rows({"rows": rows})] == [[1]] * 5


def test_what_an_aim_names_is_timed_compiled_too(results: dict[str, Any]) -> None:
    compiled = {row["family"] for row in results["rows"] if row.get("compiled_s")}
    assert compiled == set(bench_functions.COMPILED)
    for row in results["rows"]:
        assert (row.get("compiled_s") is not None) == (row["family"] in compiled)


@pytest.mark.parametrize("name", ["softplus", "gelu", "softmax"])
def test_a_function_can_be_followed_to_its_end_by_the_compiler(name: str) -> None:
    from handbook import activations

    function, x = getattr(activations, name), torch.linspace(-30, 30, 7)
    options = {"dim": 0} if name == "softmax" else {}
    followed = torch.compile(function, fullgraph=True, backend="eager")
    assert torch.equal(followed(x, **options), function(x, **options))


def test_what_depends_on_a_number_cannot_be_followed_to_its_end() -> None:
    from handbook.losses import cross_entropy

    followed = torch.compile(cross_entropy, fullgraph=True, backend="eager")
    with pytest.raises(Exception, match=r"(?i)data.dependent|graph break|item"):
        followed(torch.zeros(2, 3), torch.tensor([0, 2]))


def test_memory_is_held_against_the_im2col_matrix_and_the_whole_batch(
    results: dict[str, Any],
) -> None:
    changed = copy.deepcopy(results)
    for row in changed["rows"]:
        if row["ours"] == "handbook.convolution.conv2d":
            row["ours_peak_bytes"] = 2 * 32 * 64 * 9 * 1024 * 4
        if row["ours"] == "handbook.unfolding.conv2d_chunked":
            row["ours_peak_bytes"] = 32 * 64 * 9 * 1024 * 4
    shares = {
        found.aim.what: found.worst
        for found in benchmarks.verdicts(changed)
        if found.aim.what.startswith("memory")
    }
    assert list(shares.values()) == [2, 0.5]


def test_the_figure_has_a_dot_for_each_function(results: dict[str, Any]) -> None:
    import matplotlib.pyplot as plt

    figure = benchmarks.draw(results)
    ax = figure.axes[0]
    rows = benchmarks.dots(results)
    assert len(ax.collections[0].get_offsets()) == len(rows) > 50
    assert [text.get_text() for text in ax.get_yticklabels()] == [
        row[0] for row in sorted(rows, key=lambda row: row[1])
    ]
    assert len({row[0] for row in rows}) == len(rows), "two rows of the figure have one name"
    within = sum(row[1] <= 2 for row in rows)
    assert f"{within} of {len(rows)} take" in ax.get_title(loc="left")
    plt.close(figure)


@pytest.mark.parametrize(
    ("value", "text"),
    [(12.345, "12.3"), (0.012345, "0.0123"), (123.45, "123"), (1234.5, "1230"), (9.999, "10.0")],
)
def test_a_time_has_three_digits(value: float, text: str) -> None:
    assert benchmarks.number(value) == text


@pytest.mark.parametrize(("value", "text"), [(None, "–"), (4096, "< 0.1"), (8_388_608, "8.4")])
def test_a_peak_is_in_megabytes(value: int | None, text: str) -> None:
    assert benchmarks.megabytes(value) == text


# -- measuring ----------------------------------------------------------------------------------


class Clock:
    """A clock that only our calls move."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.order: list[str] = []

    def takes(self, name: str, *seconds: float) -> Callable[[], None]:
        def call() -> None:
            self.now_s += seconds[self.order.count(name) % len(seconds)]
            self.order.append(name)

        return call


def test_two_calls_are_timed_in_turns_and_the_medians_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(measuring.time, "perf_counter", lambda: clock.now_s)
    # One call in four of ours is disturbed; a mean would see it.
    timing = measuring.interleaved(
        clock.takes("ours", 4e-3, 4e-3, 4e-3, 1.0), clock.takes("theirs", 2e-3), CPU, 20.0
    )
    assert timing.ours_s == pytest.approx(4e-3)
    assert timing.theirs_s == pytest.approx(2e-3)
    measured = clock.order[2 * (measuring.WARM_UP + 1) :]
    assert measured[:4] in (
        ["ours", "theirs", "theirs", "ours"], ["theirs", "ours", "ours", "theirs"],
    )  # fmt: skip
    assert measured.count("ours") == measured.count("theirs") == timing.rounds >= 5


def test_a_third_call_is_timed_in_turns_with_the_two(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(measuring.time, "perf_counter", lambda: clock.now_s)
    timing = measuring.interleaved(
        clock.takes("ours", 4e-3), clock.takes("theirs", 2e-3), CPU, 20.0,
        clock.takes("compiled", 3e-3),
    )  # fmt: skip
    assert timing.compiled_s == pytest.approx(3e-3)
    assert timing.compiled_quartiles_s == pytest.approx((3e-3, 3e-3))
    measured = clock.order[3 * (measuring.WARM_UP + 1) :][:6]
    assert measured[:3] == measured[:2:-1]
    assert measured[1] == "theirs"
    assert set(measured) == {"ours", "theirs", "compiled"}


def test_a_compiled_form_that_computes_something_else_is_not_timed() -> None:
    ours = (torch.tensor([1e-6, 2e-6]), torch.tensor(3.0))
    bench_functions.require_equal((ours[0] * (1 + 1e-5), ours[1]), ours, "f")
    with pytest.raises(SystemExit, match=r"f must be the same compiled, got numbers up to 2e-08"):
        bench_functions.require_equal((ours[0] * 1.01, ours[1]), ours, "f")
    with pytest.raises(SystemExit, match="got numbers up to nan apart"):
        bench_functions.require_equal(torch.tensor(float("nan")), ours[1], "f")


def test_quick_calls_are_timed_several_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(measuring.time, "perf_counter", lambda: clock.now_s)
    timing = measuring.interleaved(clock.takes("a", 1e-5), clock.takes("b", 1e-3), CPU, 0.1)
    assert timing.ours_s == pytest.approx(1e-5)
    assert clock.order.count("a") > 40 * clock.order.count("b")


@pytest.mark.skipif(not measuring.RESET_PEAK.exists(), reason="only Linux counts such a peak")
def test_the_peak_is_what_one_call_needs_beyond_what_was_there() -> None:
    code = (
        "import measuring, torch;"
        "kept = torch.ones(8_000_000);"
        "call = lambda: (torch.ones(4_000_000) + torch.ones(4_000_000)).sum();"
        "print(measuring.peak_bytes(call, torch.device('cpu')),"
        " measuring.peak_bytes(lambda: kept.sum(), torch.device('cpu')))"
    )
    environment = os.environ | measuring.MEMORY_SETTINGS
    environment |= {"PYTHONPATH": str(Path(measuring.__file__).parent)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    three_vectors, nothing = (int(text) for text in done.stdout.split())
    assert three_vectors == pytest.approx(3 * 16e6, abs=2e6)
    assert nothing < 2e6


def test_the_script_measures_a_pair_and_writes_the_file(tmp_path: Path) -> None:
    target = tmp_path / "folder" / "results.json"
    command = [sys.executable, bench_functions.__file__, "--only", "leaky_relu", "--json"]
    command += [str(target), "--threads", "1", "--budget", "0.01", "--no-compile"]
    done = subprocess.run(
        command, env=os.environ | {"HANDBOOK_DEVICE": "cpu"}, capture_output=True, text=True,
        check=True, cwd=tmp_path,
    )  # fmt: skip
    written = json.loads(target.read_text(encoding="utf-8"))
    assert [row["direction"] for row in written["rows"]] == 2 * ["forward", "both ways"]
    assert {"device", "cpu", "cores", "system", "python", "torch", "date"} <= written.keys()
    assert all(row["compiled_s"] is None for row in written["rows"])
    assert "activations.leaky_relu, forward" in done.stdout


# -- the build's own benchmark ------------------------------------------------------------------


def test_a_function_gets_a_statement_more_behind_its_docstring() -> None:
    source = 'def f(x):\n    """D."""\n    return x\n\n\ndef g(x):\n    """E."""\n    return x\n'
    changed = bench_build.with_a_statement_more(source, "g")
    assert changed.endswith('    """E."""\n    pass\n    return x\n')
    assert changed.count("pass") == 1


def test_what_the_build_benchmark_changes_exists() -> None:
    module, function = bench_build.FUNCTION
    assert (ROOT / "docs" / bench_build.PAGE).exists()
    assert (ROOT / "gallery" / bench_build.SCRIPT).exists()
    assert f"def {function}(" in (ROOT / "handbook" / f"{module}.py").read_text(encoding="utf-8")
