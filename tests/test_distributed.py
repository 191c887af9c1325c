"""Several processes: the arithmetic of shares, and two real processes against one."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from handbook.distributed import (
    ProcessGroup,
    SharedMean,
    SharedModel,
    average_gradients,
    combine_gradients,
    process_group,
    share_of_batch,
)
from handbook.seeding import make_generator

ROOT = Path(__file__).parents[1]
ALONE = ProcessGroup(0, 1, torch.device("cpu"))
LAUNCH_LIMIT_S = 240

# Run by two processes, and by one. 27 samples in batches of 8: shares of 4 and 4, and of 1 and 2.
TRAINING = '''
import sys, torch
from torch import nn
from handbook.batches import mini_batches
from handbook.checkpoints import BestAndLast, copy_of_state
from handbook.distributed import SharedMean, SharedModel, average_gradients, process_group
from handbook.seeding import make_generator
from handbook.training import EarlyStopping, fit

torch.set_default_dtype(torch.float64)

def data(n_samples):
    x = torch.randn(n_samples, 3, generator=make_generator(0))
    return x, x.sum(dim=1, keepdim=True).sin()

def network(seed):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 1))

def training(group, n_samples, batch_size, folder=None, epochs=4):
    x, y = data(n_samples)
    model = SharedModel(network(group.rank), group)  # the first process's start counts
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    order = make_generator(3)
    loss = SharedMean(nn.MSELoss(), group)
    error = SharedMean(lambda output, target: (output - target).abs().mean(), group)
    keep = [BestAndLast(folder, generators={"order": order})] if folder else []
    history = keep[0].resume(model, optimizer) if keep else None
    history = fit(
        model, loss, optimizer,
        lambda: mini_batches(x, y, batch_size=batch_size, generator=order),
        epochs=epochs, validation=[(x[:7], y[:7])], metrics={"error": error},
        callbacks=[EarlyStopping(patience=50), *keep], history=history,
    )
    return {**copy_of_state(model), "history": history.state_dict()}

def by_hand(group, n_samples, batch_size):
    """The same loop with our own averaging, and plain shares."""
    from handbook.distributed import share_of_batch
    x, y = data(n_samples)
    model = network(0)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for x, y in mini_batches(x, y, batch_size=batch_size, generator=make_generator(3)):
        share = share_of_batch(len(x), group.rank, group.size)
        optimizer.zero_grad()
        if len(x[share]):
            nn.functional.mse_loss(model(x[share]), y[share]).backward()
        average_gradients(model, len(x[share]))
        optimizer.step()
    return copy_of_state(model)

def main(folder):
    with process_group("gloo") as group:
        results = {
            "even": training(group, 24, 8),
            "short last batch": training(group, 26, 8),
            "unequal shares": training(group, 27, 9),
            "an empty share": training(group, 9, 8),
            "batches of one": training(group, 3, 1),
            "by hand": by_hand(group, 9, 4),
        }
        training(group, 26, 8, folder + "/run", epochs=2)
        results["resumed"] = training(group, 26, 8, folder + "/run")
        torch.save(results, f"{folder}/{group.rank}of{group.size}.pt")

if __name__ == "__main__":
    main(sys.argv[1])
'''
CASES = [
    "even", "short last batch", "unequal shares", "an empty share", "batches of one", "by hand",
    "resumed",
]  # fmt: skip


def environment() -> dict[str, str]:
    kept = {name: text for name, text in os.environ.items() if "PROXY" not in name.upper()}
    return {
        **kept, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "HANDBOOK_DEVICE": "cpu",
        "GLOO_SOCKET_IFNAME": "lo", "MPLBACKEND": "Agg",
    }  # fmt: skip


def launch(script: Path, *arguments: str, n_processes: int = 2) -> str:
    """Run a script as a reader does, on loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        sys.executable, "-W", "ignore", "-m", "torch.distributed.run", "--nnodes", "1",
        "--nproc-per-node", str(n_processes), "--master-addr", "127.0.0.1",
        "--master-port", str(port), str(script), *arguments,
    ]  # fmt: skip
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=LAUNCH_LIMIT_S, env=environment(),
        cwd=script.parent, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("several")
    script = folder / "train.py"
    script.write_text(TRAINING, encoding="utf-8")
    for place in ("two", "one"):
        (folder / place).mkdir()
    launch(script, str(folder / "two"))
    subprocess.run(
        [sys.executable, script, folder / "one"], env=environment(), check=True,
        timeout=LAUNCH_LIMIT_S,
    )  # fmt: skip
    paths = {"first": "two/0of2.pt", "second": "two/1of2.pt", "alone": "one/0of1.pt"}
    return {name: torch.load(folder / path, weights_only=True) for name, path in paths.items()}


@pytest.mark.parametrize("case", CASES)
def test_two_processes_end_where_one_does(results: dict[str, Any], case: str) -> None:
    wanted = results["alone"][case]
    for process in ("first", "second"):
        found = results[process][case]
        assert list(found) == list(wanted)
        for name in wanted:
            if name != "history":
                torch.testing.assert_close(found[name], wanted[name], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("case", [case for case in CASES if case != "by hand"])
def test_every_process_has_the_history_of_one(results: dict[str, Any], case: str) -> None:
    wanted, found = (results[name][case]["history"] for name in ("alone", "first"))
    assert results["second"][case]["history"] == found
    for name in ("epochs", "steps"):
        assert found[name] == wanted[name]
    for name in ("losses", "validation_losses"):
        assert found[name] == pytest.approx(wanted[name], rel=1e-10)
    assert found["metrics"]["error"] == pytest.approx(wanted["metrics"]["error"], rel=1e-10)


def test_both_processes_have_the_same_bits(results: dict[str, Any]) -> None:
    for case in CASES:
        for name, value in results["first"][case].items():
            if name != "history":
                assert torch.equal(value, results["second"][case][name])


def test_a_resumed_run_is_the_run(results: dict[str, Any]) -> None:
    for name, value in results["first"]["resumed"].items():
        if name != "history":
            assert torch.equal(value, results["first"]["short last batch"][name])


def test_the_script_of_the_gallery_prints_the_same_in_two_processes(tmp_path: Path) -> None:
    script = ROOT / "gallery" / "training" / "plot_shares_of_a_batch.py"
    alone = subprocess.run(
        [sys.executable, script], env=environment(), check=True, capture_output=True, text=True,
        timeout=LAUNCH_LIMIT_S,
    ).stdout  # fmt: skip
    assert launch(script) == alone.replace("1 process", "2 processes")


# ---- shares ------------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.integers(0, 300), st.integers(1, 40))
def test_shares_cover_a_batch_once_and_are_even(n_samples: int, n_processes: int) -> None:
    rows = range(n_samples)
    shares = [rows[share_of_batch(n_samples, rank, n_processes)] for rank in range(n_processes)]
    assert [row for share in shares for row in share] == list(rows)
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((-1, 0, 1), ValueError, "n_samples must be at least 0, got -1"),
        ((4, 2, 2), ValueError, "rank must be at most 1, got 2"),
        ((4, -1, 2), ValueError, "rank must be at least 0, got -1"),
        ((4, 0, 0), ValueError, "n_processes must be at least 1, got 0"),
        ((4.0, 0, 1), TypeError, r"n_samples must be an int, got 4.0"),
    ],
)
def test_bad_shares_are_refused(
    arguments: tuple[Any, ...], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        share_of_batch(*arguments)


def gradient_of(model: nn.Module, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    (found,) = torch.autograd.grad(
        nn.functional.cross_entropy(model(x), y), list(model.parameters())[:1]
    )
    return found


@pytest.mark.parametrize("sizes", [(4, 4), (7, 1), (8,), (1, 2, 5), (0, 8), (3, 0, 5)])
def test_combined_gradients_equal_that_of_the_full_batch(
    sizes: tuple[int, ...], device: torch.device
) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 3)).to(device, torch.float64)
    generator = make_generator(0)
    x = torch.randn(8, 3, generator=generator, dtype=torch.float64).to(device)
    y = torch.randint(3, (8,), generator=generator).to(device)
    shares = zip(x.split(list(sizes)), y.split(list(sizes)), strict=True)
    gradients = [gradient_of(model, *share) for share in shares]
    torch.testing.assert_close(combine_gradients(gradients, sizes), gradient_of(model, x, y))


def test_the_plain_average_is_wrong_for_unequal_shares() -> None:
    gradients = [torch.tensor([1.0]), torch.tensor([5.0])]
    assert combine_gradients(gradients, [3, 1]).item() == 2
    assert torch.stack(gradients).mean().item() == 3
    assert combine_gradients(gradients, [2, 2]).item() == 3


@pytest.mark.parametrize(
    ("gradients", "sizes", "error", "message"),
    [
        ([], [], ValueError, "sizes must add up to at least one sample, got none"),
        ([torch.ones(1)], [0], ValueError, "sizes must add up to at least one sample"),
        ([torch.ones(1)], [1, 1], ValueError, "sizes must be one for each gradient, 1, got 2"),
        ([torch.ones(1)], [-1], ValueError, r"sizes\[0\] must be at least 0, got -1"),
        ([1.0], [1], TypeError, r"gradients\[0\] must be a tensor, got 1.0"),
        (
            [torch.ones(1), torch.ones(2)],
            [1, 1],
            ValueError,
            r"of gradients\[0\], \(1,\), got",
        ),
    ],
)
def test_bad_gradients_are_refused(
    gradients: Any, sizes: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        combine_gradients(gradients, sizes)


# ---- a group of one ----------------------------------------------------------------------------


def test_without_torchrun_a_process_is_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RANK", raising=False)
    monkeypatch.setenv("HANDBOOK_DEVICE", "cpu")
    with process_group() as group:
        assert group == ALONE
        assert group.is_first
        assert not torch.distributed.is_initialized()


def test_a_bad_backend_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANDBOOK_DEVICE", "cpu")
    with (
        pytest.raises(ValueError, match="backend must be one of 'gloo', 'nccl', got 'mpi'"),
        process_group("mpi"),
    ):
        pass
    with (
        pytest.raises(ValueError, match="backend must be 'gloo' on the CPU, got 'nccl'"),
        process_group("nccl"),
    ):
        pass


def test_a_group_is_joined_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "1")
    monkeypatch.setenv("HANDBOOK_DEVICE", "cpu")
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    with pytest.raises(RuntimeError, match="must join one group only"), process_group():
        pass


def test_alone_the_model_and_the_loss_are_what_they_were() -> None:
    inner = nn.Linear(3, 1)
    model, loss = SharedModel(inner, ALONE), SharedMean(nn.MSELoss(), ALONE)
    x, y = torch.ones(4, 3), torch.zeros(4, 1)
    assert torch.equal(model(x), inner(x))
    assert torch.equal(loss(model(x), y), nn.MSELoss()(inner(x), y))
    assert model.whole_batch_model is inner
    before = [torch.ones_like(parameter) for parameter in inner.parameters()]
    for parameter, gradient in zip(inner.parameters(), before, strict=True):
        parameter.grad = gradient.clone()
    average_gradients(inner, 4)
    assert all(torch.equal(p.grad, g) for p, g in zip(inner.parameters(), before, strict=True))


def test_a_model_that_learns_nothing_needs_no_exchange() -> None:
    group = ProcessGroup(1, 2, torch.device("cpu"))
    model = SharedModel(nn.ReLU(), group)
    assert model(torch.arange(5.0)[:, None]).flatten().tolist() == [2, 3, 4]


def test_a_frozen_model_needs_no_exchange() -> None:
    model = SharedModel(nn.Linear(1, 1).requires_grad_(False), ProcessGroup(0, 2, ALONE.device))
    assert len(model(torch.zeros(5, 1))) == 2


REFUSED: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: SharedModel(3, ALONE), TypeError, r"model must be a torch.nn.Module, got 3"),  # type: ignore[arg-type]
    (lambda: SharedModel(nn.ReLU(), 2), TypeError, "group must be a ProcessGroup, got 2"),  # type: ignore[arg-type]
    (lambda: SharedMean(3, ALONE), TypeError, "measure must be callable, got 3"),  # type: ignore[arg-type]
    (
        lambda: SharedMean(nn.MSELoss(reduction="sum"), ALONE),
        TypeError,
        "measure must be a mean over its samples, got one with reduction='sum'",
    ),
    (lambda: average_gradients(3, 1), TypeError, r"model must be a torch.nn.Module, got 3"),  # type: ignore[arg-type]
    (
        lambda: average_gradients(nn.ReLU(), -1),
        ValueError,
        "n_samples must be at least 0, got -1",
    ),
    (
        lambda: SharedModel(nn.Bilinear(1, 1, 1), ALONE)(torch.ones(2, 1), torch.ones(3, 1)),
        ValueError,
        r"inputs must have equal numbers of rows, got \[2, 3\]",
    ),
    (
        lambda: SharedMean(nn.MSELoss(), ProcessGroup(0, 2, ALONE.device))(
            torch.ones(4, 1), torch.ones(4, 1)
        ),
        ValueError,
        "output must have the 2 rows of this process's share of 4, got 4; the model must be a Shar",
    ),
]


@pytest.mark.parametrize(("call", "error", "message"), REFUSED)
def test_bad_arguments_are_refused(
    call: Callable[[], Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        call()
