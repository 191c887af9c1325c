"""Checkpoints: whole files whatever happens, exact resumption, and nothing that runs code."""

from __future__ import annotations

import errno
import io
import math
import os
import pickle
import random
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from handbook import checkpoints
from handbook.batches import mini_batches
from handbook.checkpoints import (
    BestAndLast,
    Checkpoint,
    StateDifference,
    copy_of_state,
    is_best,
    load_checkpoint,
    read_checkpoint,
    save_checkpoint,
    state_difference,
    write_atomically,
)
from handbook.seeding import make_generator
from handbook.training import EarlyStopping, History, TrainingState, fit

ROOT = Path(__file__).parents[1]
N_KILLS = 6


# ---- writing ---------------------------------------------------------------------------------


def test_a_new_file_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for content in (b"old", b"", b"new" * 10_000):
        write_atomically(path, content)
        assert path.read_bytes() == content
        assert os.listdir(tmp_path) == ["file"]


def test_a_file_gets_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    write_atomically(tmp_path / "ours", b"")
    (tmp_path / "plain").write_bytes(b"")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(b"old")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    write_atomically(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_bytes() == b"new"


def test_a_name_without_a_folder_is_in_the_present_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_atomically("file", b"x")
    assert (tmp_path / "file").read_bytes() == b"x"


@pytest.mark.parametrize("call", ["fsync", "replace", "open"])
@pytest.mark.parametrize("old", [None, b"old"])
def test_a_full_disk_is_reported_and_the_old_file_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, old: bytes | None
) -> None:
    path = tmp_path / "file"
    if old is not None:
        path.write_bytes(old)

    def full(*args: object, **kwargs: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, call, full)
    kept = "no file was left" if old is None else "the old file is untouched"
    with pytest.raises(OSError, match=f"No space left on device; {kept}.*file") as caught:
        write_atomically(path, b"new")
    monkeypatch.undo()
    assert caught.value.errno == errno.ENOSPC
    assert os.listdir(tmp_path) == ([] if old is None else ["file"])
    if old is not None:
        assert path.read_bytes() == old


def test_a_write_that_the_system_cuts_short_leaves_the_old_file(tmp_path: Path) -> None:
    """A real limit on the size of files, in a process of its own."""
    program = (
        "import resource, sys\n"
        "from handbook.checkpoints import write_atomically\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "write_atomically(sys.argv[1], bytes(5000))\n"
    )
    path = tmp_path / "file"
    path.write_bytes(b"old")
    done = _run(program, str(path))
    assert done.returncode != 0
    assert "File too large; the old file is untouched" in done.stderr
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_an_interrupt_while_writing_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*args: object) -> None:
        raise KeyboardInterrupt

    (tmp_path / "file").write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(tmp_path / "file", b"new")
    assert os.listdir(tmp_path) == ["file"]


def test_file_and_folder_reach_the_disk_before_the_call_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The order of the four steps: bytes, fsync of the file, the name, fsync of the folder."""
    steps: list[str] = []
    fsync, replace = os.fsync, os.replace

    def watched_fsync(descriptor: int) -> None:
        is_folder = os.path.isdir(f"/proc/self/fd/{descriptor}")
        steps.append("folder" if is_folder else f"file of {os.fstat(descriptor).st_size}")
        fsync(descriptor)

    def watched_replace(old: str, new: str) -> None:
        steps.append("name")
        assert os.path.dirname(old) == os.path.dirname(new)
        replace(old, new)

    monkeypatch.setattr(os, "fsync", watched_fsync)
    monkeypatch.setattr(os, "replace", watched_replace)
    write_atomically(tmp_path / "file", b"12345")
    assert steps == ["file of 5", "name", "folder"]


@pytest.mark.parametrize(
    ("path", "data", "error", "message"),
    [
        (3, b"", TypeError, "path must be a str or a pathlib.Path, got 3"),
        (b"x", b"", TypeError, "path must be a str or a pathlib.Path, got a bytes"),
        ("", b"", TypeError, "path must be a str or a pathlib.Path, got ''"),
        ("x", "text", TypeError, "data must be bytes, got 'text'"),
        ("no/x", b"", FileNotFoundError, "path must lie in a folder that exists, got .*makedirs"),
        (".", b"", IsADirectoryError, "path must be a file, got the folder"),
    ],
)
def test_a_bad_path_or_content_is_refused(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    path: Any,
    data: Any,
    error: type[Exception],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=message):
        write_atomically(path, data)
    assert os.listdir(tmp_path) == []


def _run(program: str, *arguments: str, **kwargs: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True, text=True, timeout=120, env=_environment(), check=False, **kwargs,
    )  # fmt: skip


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


def test_a_kill_at_any_moment_leaves_a_whole_file(tmp_path: Path) -> None:
    """A process that writes without pause is killed, again and again, at random moments."""
    path = tmp_path / "last.pt"
    program = (
        "import sys, torch\n"
        "from handbook.checkpoints import save_checkpoint\n"
        "model = torch.nn.Linear(300, 300, bias=False)\n"
        "for epoch in range(1, 10**9):\n"
        "    torch.nn.init.constant_(model.weight, epoch)\n"
        "    save_checkpoint(sys.argv[1], model, epoch=epoch)\n"
        "    print(epoch, flush=True)\n"
    )
    moments = random.Random(0)
    n_half_written = 0
    for n_kills in range(20 * N_KILLS):
        if n_kills >= N_KILLS and n_half_written:
            break
        process = subprocess.Popen(
            [sys.executable, "-c", program, str(path)],
            stdout=subprocess.PIPE, text=True, env=_environment(),
        )  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == "1\n"
        time.sleep(moments.uniform(0, 0.1))
        process.send_signal(signal.SIGKILL)
        printed = process.stdout.read().split()
        process.wait()
        process.stdout.close()
        checkpoint = read_checkpoint(path)
        whole = [1, *(int(line) for line in printed)][-1]
        assert checkpoint.epoch in (whole, whole + 1)
        assert bool((checkpoint.model["weight"] == checkpoint.epoch).all())
        n_half_written += any(name.endswith(".tmp") for name in os.listdir(tmp_path))
    assert n_half_written > 0, "no kill hit a write: the test says nothing"


def test_a_plain_write_would_not_survive_the_same(tmp_path: Path) -> None:
    """The other side: what torch.save leaves when a write is cut short cannot be loaded."""
    path = tmp_path / "last.pt"
    save_checkpoint(path, nn.Linear(300, 300))
    whole = path.read_bytes()
    for size in (0, 1, 1000, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(ValueError, match=r"last.pt' is (empty|cut short|not a file)"):
            read_checkpoint(path)


# ---- state -----------------------------------------------------------------------------------


def test_a_copy_stays_and_a_reference_becomes_the_last(device: torch.device) -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)).to(device)
    reference, copied = model.state_dict(), copy_of_state(model)
    before = {name: value.clone() for name, value in reference.items()}
    model(torch.randn(5, 2, generator=make_generator(0)).to(device)).sum().backward()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 1
    for name, value in before.items():
        assert torch.equal(copied[name], value)
        assert not torch.equal(reference[name], value), name
    assert all(not value.requires_grad for value in copied.values())


def test_a_copy_keeps_tied_weights_tied() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    model[1].weight = model[0].weight
    copied = copy_of_state(model)
    assert copied["0.weight"].data_ptr() == copied["1.weight"].data_ptr()
    assert copied["0.weight"].data_ptr() != model[0].weight.data_ptr()


def test_wrapped_models_have_the_names_of_what_is_inside() -> None:
    inner = nn.Linear(2, 1)
    assert list(copy_of_state(nn.DataParallel(inner))) == ["weight", "bias"]
    compiled = torch.compile(inner, backend="eager")
    assert list(compiled.state_dict()) == ["_orig_mod.weight", "_orig_mod.bias"]
    assert list(copy_of_state(compiled)) == ["weight", "bias"]


@pytest.mark.parametrize("strict_names", [("weight",), ("weight", "bias", "more"), ()])
def test_the_difference_is_what_strict_loading_refuses(strict_names: tuple[str, ...]) -> None:
    model = nn.Linear(3, 2)
    state = {"weight": torch.zeros(2, 3), "bias": torch.zeros(2), "more": torch.zeros(1)}
    state = {name: state[name] for name in strict_names}
    difference = state_difference(model, state)
    assert difference
    with pytest.raises(RuntimeError) as caught:
        model.load_state_dict(state)
    for name in (*difference.missing, *difference.unexpected):
        assert f'"{name}"' in str(caught.value)


def test_a_wrong_shape_is_told() -> None:
    state = {"weight": torch.zeros(2, 4), "bias": torch.zeros(2)}
    difference = state_difference(nn.Linear(3, 2), state)
    assert difference == StateDifference((), (), {"weight": ((2, 3), (2, 4))})
    assert str(difference) == "weight has shape (2, 4), the model's has (2, 3)"


def test_equal_states_have_no_difference() -> None:
    model = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    difference = state_difference(model, model.state_dict())
    assert not difference
    assert str(difference) == "no difference"


def test_state_difference_refuses_what_is_no_state() -> None:
    with pytest.raises(TypeError, match="state must be a dict of tensors, got a list"):
        state_difference(nn.Linear(1, 1), [])  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"model must be a torch.nn.Module, got 3"):
        copy_of_state(3)  # type: ignore[arg-type]


# ---- save and load ---------------------------------------------------------------------------


OPTIMIZERS: dict[str, Callable[[nn.Module], torch.optim.Optimizer]] = {
    "sgd": lambda model: torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9),
    "adam": lambda model: torch.optim.Adam(model.parameters(), lr=0.01, amsgrad=True),
    "adamw": lambda model: torch.optim.AdamW(model.parameters(), lr=0.01),
    "rmsprop": lambda model: torch.optim.RMSprop(model.parameters(), lr=0.01, momentum=0.5),
    "adagrad": lambda model: torch.optim.Adagrad(model.parameters(), lr=0.1),
}
LR = torch.optim.lr_scheduler
SCHEDULES: dict[str, Callable[[torch.optim.Optimizer], Any]] = {
    "none": lambda optimizer: None,
    "step": lambda optimizer: LR.StepLR(optimizer, 2, 0.5),
    "cosine": lambda optimizer: LR.CosineAnnealingLR(optimizer, 10),
    "warm restarts": lambda optimizer: LR.CosineAnnealingWarmRestarts(optimizer, 3),
    "plateau": lambda optimizer: LR.ReduceLROnPlateau(optimizer, patience=1),
    "one cycle": lambda optimizer: LR.OneCycleLR(optimizer, 0.1, total_steps=50),
    "multi step": lambda optimizer: LR.MultiStepLR(optimizer, [2, 4]),
    "sequence": lambda optimizer: LR.SequentialLR(
        optimizer, [LR.ConstantLR(optimizer), LR.ExponentialLR(optimizer, 0.9)], [3]
    ),
}


class Training:
    """A training with everything that has a state: dropout, batch norm, momentum, shuffling."""

    def __init__(self, optimizer: str, schedule: str, device: torch.device) -> None:
        generator = make_generator(7)
        self.inputs = torch.randn(26, 3, generator=generator)
        self.targets = self.inputs.sum(dim=1, keepdim=True).sin()
        self.order = make_generator(1)
        self.seen: list[float] = []
        torch.manual_seed(5)
        self.model = nn.Sequential(
            nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Dropout(0.3), nn.Linear(8, 1)
        ).to(device)
        self.optimizer = OPTIMIZERS[optimizer](self.model)
        self.schedule = SCHEDULES[schedule](self.optimizer)
        self.patience = EarlyStopping(patience=1000)

    def batches(self) -> Any:
        for x, y in mini_batches(self.inputs, self.targets, batch_size=4, generator=self.order):
            self.seen += x[:, 0].tolist()
            yield x, y

    def run(self, folder: Path, epochs: int) -> History:
        keep = BestAndLast(
            folder, generators={"order": self.order}, also={"patience": self.patience}
        )
        history = keep.resume(self.model, self.optimizer, self.schedule)
        return fit(
            self.model,
            nn.MSELoss(),
            self.optimizer,
            self.batches,
            epochs=epochs,
            validation=[(self.inputs[:6], self.targets[:6])],
            callbacks=[self.patience, keep],
            schedule=self.schedule,
            history=history,
        )


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("optimizer", ["adam"])
def test_a_resumed_training_ends_with_the_same_bits(
    tmp_path: Path, device: torch.device, optimizer: str, schedule: str
) -> None:
    check_resumption(tmp_path, device, optimizer, schedule)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_is_resumed_with_the_same_bits(
    tmp_path: Path, device: torch.device, optimizer: str
) -> None:
    check_resumption(tmp_path, device, optimizer, "step")


def check_resumption(folder: Path, device: torch.device, optimizer: str, schedule: str) -> None:
    whole = Training(optimizer, schedule, device)
    wanted = whole.run(folder / "whole", 6)
    seen: list[float] = []
    for epochs in (2, 3, 6):  # interrupted twice
        part = Training(optimizer, schedule, device)
        if epochs > 2:
            torch.manual_seed(epochs)  # as another process has it
        history = part.run(folder / "parts", epochs)
        seen += part.seen
    assert history == wanted
    assert seen == whole.seen
    for name, value in whole.model.state_dict().items():
        assert torch.equal(part.model.state_dict()[name], value), name
    ours, theirs = whole.optimizer.state_dict(), part.optimizer.state_dict()
    assert ours["param_groups"] == theirs["param_groups"]
    for index, state in ours["state"].items():
        for name, value in state.items():
            assert torch.equal(
                torch.as_tensor(value), torch.as_tensor(theirs["state"][index][name])
            )
    for file in ("best.pt", "last.pt"):
        one, other = (read_checkpoint(folder / run / file) for run in ("whole", "parts"))
        assert one.epoch == other.epoch
        assert all(torch.equal(one.model[name], other.model[name]) for name in one.model)


@pytest.mark.parametrize("left_out", ["optimizer", "order", "random_state"])
def test_each_part_of_the_state_is_needed(tmp_path: Path, left_out: str) -> None:
    """The other side: leave one part out, and the resumed run is another one."""
    cpu = torch.device("cpu")
    whole = Training("adam", "none", cpu)
    whole.run(tmp_path / "whole", 4)
    first = Training("adam", "none", cpu)
    first.run(tmp_path / "parts", 2)
    second = Training("adam", "none", cpu)
    torch.manual_seed(99)
    checkpoint = load_checkpoint(
        tmp_path / "parts" / "last.pt",
        second.model,
        optimizer=None if left_out == "optimizer" else second.optimizer,
        generators=None if left_out == "order" else {"order": second.order},
        random_state=left_out != "random_state",
    )
    fit(
        second.model, nn.MSELoss(), second.optimizer, second.batches, epochs=4,
        validation=[(second.inputs[:6], second.targets[:6])],
        history=History.from_state_dict(checkpoint.history),
    )  # fmt: skip
    assert not torch.equal(whole.model[0].weight, second.model[0].weight)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_every_dtype_comes_back(tmp_path: Path, dtype: torch.dtype, device: torch.device) -> None:
    model = nn.Linear(3, 2).to(device, dtype)
    save_checkpoint(tmp_path / "m.pt", model)
    other = nn.Linear(3, 2).to(device, dtype)
    load_checkpoint(tmp_path / "m.pt", other)
    assert torch.equal(model.weight, other.weight)
    assert other.weight.device.type == device.type


def test_an_empty_model_and_empty_tensors_come_back(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "m.pt", nn.ReLU(), history={"x": torch.empty(0, 3)})
    checkpoint = load_checkpoint(tmp_path / "m.pt", nn.ReLU())
    assert checkpoint.model == {}
    assert checkpoint.history["x"].shape == (0, 3)


def test_loading_shares_no_memory(tmp_path: Path) -> None:
    model = nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    model(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    save_checkpoint(tmp_path / "m.pt", model, optimizer=optimizer)
    checkpoint = load_checkpoint(tmp_path / "m.pt", model, optimizer=optimizer)
    assert checkpoint.optimizer is not None
    before = checkpoint.optimizer["state"][0]["momentum_buffer"].clone()
    optimizer.step()
    assert torch.equal(checkpoint.optimizer["state"][0]["momentum_buffer"], before)
    assert not torch.equal(checkpoint.model["weight"], model.weight)


def test_the_global_generators_are_put_back_only_when_asked(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "m.pt", nn.ReLU())

    def draws() -> tuple[float, float, float]:
        return torch.rand(()).item(), random.random(), float(np.random.rand())  # noqa: NPY002

    wanted = draws()
    other = draws()
    load_checkpoint(tmp_path / "m.pt")
    assert draws() not in (wanted, other)
    load_checkpoint(tmp_path / "m.pt", random_state=True)
    assert draws() == wanted


def test_a_wrapped_model_is_loaded_by_a_bare_one(tmp_path: Path) -> None:
    inner, bare = nn.Linear(2, 1), nn.Linear(2, 1)
    save_checkpoint(tmp_path / "m.pt", nn.DataParallel(inner))
    load_checkpoint(tmp_path / "m.pt", bare)
    assert torch.equal(inner.weight, bare.weight)


@pytest.mark.parametrize(
    ("history", "place"),
    [
        ({"loss": [np.float64(0.5)]}, r"history\['loss'\]\[0\] .* got numpy.float64.*\.item\(\)"),
        ({"loss": {"a": {1, 2}}}, r"history\['loss'\]\['a'\] must be .* got builtins.set"),
        ({("a", print): 1}, r"a key of history\[1\] must be .* builtin"),
        (nn.Linear(1, 1), "history must be .* got torch.nn.modules.linear.Linear"),
        ((1, [History()]), r"history\[1\]\[0\] must be .* got handbook.training.History"),
    ],
)
def test_what_a_safe_loader_would_refuse_is_not_saved(
    tmp_path: Path, history: object, place: str
) -> None:
    with pytest.raises(TypeError, match=place):
        save_checkpoint(tmp_path / "m.pt", nn.ReLU(), history=history)
    assert os.listdir(tmp_path) == []


def test_everything_that_may_be_saved_comes_back(tmp_path: Path) -> None:
    history = {
        "n": None, "b": True, "i": 3, "f": math.inf, "c": 1j, "s": "é", "y": b"\x00",
        "t": (torch.ones(2), [torch.float16, torch.Size([2]), torch.device("cpu")]),
    }  # fmt: skip
    save_checkpoint(tmp_path / "m.pt", nn.ReLU(), history=history)
    found = read_checkpoint(tmp_path / "m.pt").history
    assert torch.equal(found["t"][0], torch.ones(2))
    del found["t"], history["t"]
    assert found == history


def _saved(tmp_path: Path) -> Path:
    model = nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    save_checkpoint(
        tmp_path / "m.pt", model, optimizer=optimizer, schedule=LR.StepLR(optimizer, 1),
        generators={"order": make_generator(0)},
    )  # fmt: skip
    return tmp_path / "m.pt"


class NoState:
    """An object without a state."""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (lambda m: {"optimizer": torch.optim.Adam(m.parameters())}, "optimizer SGD, got Adam"),
        (
            lambda m: {"optimizer": torch.optim.SGD([m.weight], lr=0.1)},
            r"groups of \[2\] parameters, got \[1\]",
        ),
        (
            lambda m: {"schedule": LR.ConstantLR(torch.optim.SGD(m.parameters(), lr=1.0))},
            "schedule StepLR, got ConstantLR",
        ),
        (
            lambda m: {"generators": {"data": make_generator(0)}},
            "no state of the generator 'data'; it holds 'order'",
        ),
        (
            lambda m: {"also": {"stop": EarlyStopping(patience=1)}},
            "no state of also 'stop'; it holds none",
        ),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_has_changed(
    tmp_path: Path, arguments: Callable[[nn.Module], dict[str, Any]], message: str
) -> None:
    path, model = _saved(tmp_path), nn.Linear(2, 1)
    before = copy_of_state(model)
    with pytest.raises(ValueError, match=f"m.pt' holds .*{message}"):
        load_checkpoint(path, model, **arguments(model))
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_a_model_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"m.pt' does not fit the model: missing 0.weight"):
        load_checkpoint(_saved(tmp_path), nn.Sequential(nn.Linear(2, 1)))


def test_a_part_that_was_not_saved_is_told(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "m.pt", nn.Linear(2, 1))
    model = nn.Linear(2, 1)
    with pytest.raises(ValueError, match="holds no optimizer; it was saved without one"):
        load_checkpoint(
            tmp_path / "m.pt", model, optimizer=torch.optim.SGD(model.parameters(), lr=0.1)
        )


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"model": 3}, TypeError, r"model must be a torch.nn.Module, got 3"),
        (
            {"optimizer": nn.ReLU()},
            TypeError,
            "optimizer must be one of torch.optim, got a ReLU",
        ),
        (
            {"schedule": 0.1},
            TypeError,
            r"schedule must be one of torch.optim.lr_scheduler, got 0.1",
        ),
        ({"epoch": -1}, ValueError, "epoch must be at least 0, got -1"),
        ({"generators": [1]}, TypeError, "generators must be a dict of name to torch.Generator"),
        ({"generators": {1: 2}}, TypeError, "generators must have names that are str, got 1"),
        (
            {"generators": {"a": 2}},
            TypeError,
            r"generators\['a'\] must be a torch.Generator, got 2",
        ),
        ({"also": [1]}, TypeError, "also must be a dict of name to object, got a list"),
        ({"also": {"a": NoState()}}, TypeError, r"also\['a'\] must have state_dict\(\)"),
    ],
)
def test_bad_arguments_are_refused(
    tmp_path: Path, arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    arguments = {"model": nn.ReLU(), **arguments}
    with pytest.raises(error, match=message):
        save_checkpoint(tmp_path / "m.pt", **arguments)
    assert os.listdir(tmp_path) == []


def test_random_state_must_be_a_bool(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="random_state must be a bool, got 1"):
        load_checkpoint(tmp_path / "m.pt", random_state=1)  # type: ignore[arg-type]


# ---- files that are no checkpoints --------------------------------------------------------------


class Bomb:
    """Unpickled, it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.path,))


@pytest.mark.parametrize("place", ["model", "history", "whole"])
def test_code_in_a_file_is_refused_and_not_run(tmp_path: Path, place: str) -> None:
    fired = tmp_path / "fired"
    save_checkpoint(tmp_path / "m.pt", nn.ReLU())
    content = torch.load(tmp_path / "m.pt", weights_only=True)
    content = Bomb(fired) if place == "whole" else {**content, place: Bomb(fired)}
    torch.save(content, tmp_path / "m.pt")
    with pytest.raises(ValueError, match=r"m.pt' asks for code \(.*\).* none of it was run"):
        load_checkpoint(tmp_path / "m.pt", nn.ReLU())
    assert not fired.exists()
    torch.load(tmp_path / "m.pt", weights_only=False)  # the bomb is a real one
    assert fired.exists()


def test_a_bare_pickle_is_refused_and_not_run(tmp_path: Path) -> None:
    fired = tmp_path / "fired"
    (tmp_path / "m.pt").write_bytes(pickle.dumps(Bomb(fired)))
    with pytest.raises(ValueError, match=r"m.pt' is a bare pickle.* could run any code"):
        read_checkpoint(tmp_path / "m.pt")
    torch.save(Bomb(fired), tmp_path / "m.pt", _use_new_zipfile_serialization=False)
    with pytest.raises(ValueError, match=r"m.pt' is a bare pickle"):
        read_checkpoint(tmp_path / "m.pt")
    assert not fired.exists()


def _zip(**content: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in content.items():
            archive.writestr(name, text)
    return buffer.getvalue()


def _torch(content: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty: its writing was never finished"),
        (b"epoch,loss\n1,0.5\n", r"is not a file of torch.save: it begins with b'epoch,lo'"),
        (
            b"PK\x03\x04",
            "is cut short: it begins like a file .* and has no end; 4 bytes",
        ),
        (_zip(readme="x"), "is a zip archive, but not of torch.save: it holds readme"),
        (_torch(nn.Linear(1, 1).state_dict()), r"holds a dict with 2 entries \('weight', 'bias'\)"),
        (_torch(torch.zeros(2)), r"holds a float32 tensor of shape \(2,\); load it by torch.load"),
        (_torch({"format": "torch-handbook checkpoint", "version": 99}), "in version 99 of the"),
        (
            _torch({"format": "torch-handbook checkpoint", "version": 1}),
            "incomplete.*no epoch",
        ),
    ],
)
def test_a_file_of_another_kind_is_told(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "other.pt").write_bytes(content)
    with pytest.raises(ValueError, match=f"other.pt' .*{message}"):
        read_checkpoint(tmp_path / "other.pt")


def test_one_wrong_bit_is_found_which_torch_load_does_not_see(tmp_path: Path) -> None:
    path = tmp_path / "m.pt"
    model = nn.Linear(500, 1)
    save_checkpoint(path, model)
    data = bytearray(path.read_bytes())
    place = data.index(model.weight.detach().numpy().tobytes()) + 1000
    data[place] ^= 0x40
    path.write_bytes(bytes(data))
    loaded = torch.load(path, weights_only=True)["model"]["weight"]
    assert not torch.equal(loaded, model.weight)
    with pytest.raises(ValueError, match=r"m.pt' is damaged: the checksum of .*data/\d+' in it is"):
        read_checkpoint(path)


def test_no_damage_goes_through_in_silence(tmp_path: Path) -> None:
    """Flip bytes all over a small file: it is refused, or what it holds is what was saved."""
    path = tmp_path / "m.pt"
    save_checkpoint(path, nn.Linear(4, 4), epoch=3, history={"loss": [0.5]})
    whole, wanted = path.read_bytes(), read_checkpoint(path)
    draws = random.Random(0)
    n_refused = 0
    for _ in range(150):
        data = bytearray(whole)
        data[draws.randrange(len(data))] ^= 1 << draws.randrange(8)
        path.write_bytes(bytes(data))
        try:
            found = read_checkpoint(path)
        except ValueError as error:
            assert "m.pt'" in str(error)  # noqa: PT017
            n_refused += 1
        else:
            assert (found.epoch, found.history) == (wanted.epoch, wanted.history)
            assert torch.equal(found.model["weight"], wanted.model["weight"])
    assert n_refused > 50


def test_a_missing_file_is_told_with_what_lies_beside(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no checkpoint .*no.pt'; files beside it: none"):
        read_checkpoint(tmp_path / "no.pt")
    with pytest.raises(FileNotFoundError, match="none, there is no such folder"):
        read_checkpoint(tmp_path / "nowhere" / "no.pt")
    (tmp_path / "last.pt").touch()
    with pytest.raises(FileNotFoundError, match=r"beside it: last.pt"):
        read_checkpoint(tmp_path / "no.pt")
    with pytest.raises(IsADirectoryError, match="must be a checkpoint file, got the folder"):
        read_checkpoint(tmp_path)


def test_a_checkpoint_names_its_fields() -> None:
    assert set(Checkpoint._fields) >= {"epoch", "model", "optimizer", "history", "generators"}


# ---- best and last -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "mode", "wanted"),
    [
        ([1.0], "min", True),
        ([2, 1], "min", True),
        ([1, 2], "min", False),
        ([1, 2], "max", True),
        ([1, 1], "min", False),
        ([1, 1], "max", False),
        ([math.nan], "min", False),
        ([math.nan, 1], "max", True),
        ([math.inf, 1], "min", True),
        ([-math.inf, 1], "max", True),
        ([1, -math.inf], "min", True),
    ],
)
def test_is_best(values: list[float], mode: str, wanted: bool) -> None:
    assert is_best(values, mode=mode) is wanted
    assert is_best(iter(values), mode=mode) is wanted


def test_is_best_refuses_nothing_and_other_words() -> None:
    with pytest.raises(ValueError, match="values must be at least one, got none"):
        is_best([])
    with pytest.raises(ValueError, match="mode must be one of 'min', 'max', got 'low'"):
        is_best([1.0], mode="low")


def state_after(history: History, model: nn.Module, epochs: int = 99) -> TrainingState:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    return TrainingState(model, optimizer, history, epochs, epoch=len(history))


def run_epochs(keep: BestAndLast, losses: list[float]) -> None:
    """Call the callback as a training would whose weight is the number of the epoch."""
    model = nn.Linear(1, 1, bias=False)
    history = History()
    keep.on_start(state_after(history, model))
    for epoch, loss in enumerate(losses, start=1):
        nn.init.constant_(model.weight, epoch)
        history.epochs.append(epoch)
        history.losses.append(0.0)
        history.validation_losses.append(loss)
        keep(state_after(history, model))


def test_best_and_last_are_those_epochs(tmp_path: Path) -> None:
    keep = BestAndLast(tmp_path / "run" / "1")
    run_epochs(keep, [0.5, 0.2, 0.3, 0.2, math.nan])
    assert read_checkpoint(keep.best).model["weight"].item() == 2
    assert read_checkpoint(keep.last).model["weight"].item() == 5
    assert sorted(os.listdir(keep.folder)) == ["best.pt", "last.pt"]


def test_the_best_may_be_the_largest(tmp_path: Path) -> None:
    keep = BestAndLast(tmp_path, mode="max")
    run_epochs(keep, [0.5, 0.9, 0.3])
    assert read_checkpoint(keep.best).epoch == 2


@pytest.mark.parametrize(("every", "wanted"), [(1, 5), (2, 4), (3, 3), (9, None)])
def test_last_may_be_written_more_rarely(tmp_path: Path, every: int, wanted: int | None) -> None:
    keep = BestAndLast(tmp_path, every=every)
    run_epochs(keep, [0.5, 0.9, 0.3, 0.4, 0.6])
    assert read_checkpoint(keep.best).epoch == 3
    if wanted is None:
        assert not os.path.exists(keep.last)
    else:
        assert read_checkpoint(keep.last).epoch == wanted


@pytest.mark.parametrize("stop", ["epochs", "reason"])
def test_last_is_written_at_the_end(tmp_path: Path, stop: str) -> None:
    keep = BestAndLast(tmp_path, every=100)
    state = state_after(History([1], [1], [0.0], [0.5]), nn.Linear(1, 1), epochs=1)
    if stop == "reason":
        state.epochs, state.stop_reason = 50, "enough"
    keep(state)
    assert read_checkpoint(keep.last).epoch == 1


@pytest.mark.parametrize("crash", range(1, 7))
def test_a_crash_between_two_files_never_loses_the_best(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, crash: int
) -> None:
    """Die after so many files, resume, and end as if nothing had happened."""
    writes = 0
    write = checkpoints.write_atomically

    def dying(path: str, data: bytes) -> None:
        nonlocal writes
        writes += 1
        if writes > crash:
            raise MemoryError
        write(path, data)

    whole = Training("sgd", "none", torch.device("cpu"))
    whole.run(tmp_path / "whole", 5)
    monkeypatch.setattr(checkpoints, "write_atomically", dying)
    with pytest.raises(MemoryError):
        Training("sgd", "none", torch.device("cpu")).run(tmp_path / "parts", 5)
    monkeypatch.undo()
    Training("sgd", "none", torch.device("cpu")).run(tmp_path / "parts", 5)
    for file in ("best.pt", "last.pt"):
        one, other = (read_checkpoint(tmp_path / run / file) for run in ("whole", "parts"))
        assert one.epoch == other.epoch
        assert torch.equal(one.model["0.weight"], other.model["0.weight"])


def test_a_full_disk_does_not_end_the_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The files stay as they were; with room again, the best that was missed is written."""
    write, room = checkpoints.write_atomically, True

    def full(path: str, data: bytes) -> None:
        if not room:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(path, data)

    monkeypatch.setattr(checkpoints, "write_atomically", full)
    keep = BestAndLast(tmp_path)
    model, history = nn.Linear(1, 1, bias=False), History()

    def epoch(number: int, loss: float) -> None:
        nn.init.constant_(model.weight, number)
        history.epochs.append(number)
        history.validation_losses.append(loss)
        keep(state_after(history, model))

    epoch(1, 0.5)
    room = False
    with pytest.warns(RuntimeWarning, match=r"no checkpoint after epoch 2: .*No space.* goes on"):
        epoch(2, 0.1)
    with pytest.warns(RuntimeWarning, match="no checkpoint after epoch 3"):
        epoch(3, 0.4)
    assert [read_checkpoint(path).epoch for path in (keep.best, keep.last)] == [1, 1]
    assert len(keep.failures) == 2
    room = True
    epoch(4, 0.3)
    assert [read_checkpoint(path).epoch for path in (keep.best, keep.last)] == [2, 4]
    assert read_checkpoint(keep.best).model["weight"].item() == 2


def test_a_training_on_a_full_disk_ends_like_any_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cpu = torch.device("cpu")
    whole = Training("adam", "step", cpu)
    wanted = whole.run(tmp_path / "whole", 3)

    def full(path: str, data: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(checkpoints, "write_atomically", full)
    other = Training("adam", "step", cpu)
    with pytest.warns(RuntimeWarning, match="No space left"):
        assert other.run(tmp_path / "full", 3) == wanted
    assert torch.equal(whole.model[0].weight, other.model[0].weight)


def test_what_a_killed_process_left_is_cleared_away(tmp_path: Path) -> None:
    for name in (".best.pt.0a.tmp", ".last.pt.0b.tmp", "notes.txt", ".other.tmp"):
        (tmp_path / name).write_bytes(b"half")
    BestAndLast(tmp_path).on_start(state_after(History(), nn.Linear(1, 1)))
    assert sorted(os.listdir(tmp_path)) == [".other.tmp", "notes.txt"]


def test_there_is_nothing_to_resume_at_first(tmp_path: Path) -> None:
    model = nn.Linear(1, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    assert BestAndLast(tmp_path / "new").resume(model, optimizer) is None


def test_a_training_without_validation_is_told(tmp_path: Path) -> None:
    history = History([1], [1], [0.5])
    with pytest.raises(ValueError, match=r"got 'validation_loss'; .* need fit"):
        BestAndLast(tmp_path)(state_after(history, nn.Linear(1, 1)))
    BestAndLast(tmp_path, monitor="loss")(state_after(history, nn.Linear(1, 1)))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"folder": 3}, TypeError, "path must be a str or a pathlib.Path, got 3"),
        ({"monitor": 3}, TypeError, "monitor must be the name of a series, got 3"),
        ({"mode": "low"}, ValueError, "mode must be one of 'min', 'max', got 'low'"),
        ({"every": 0}, ValueError, "every must be at least 1, got 0"),
        ({"every": 1.5}, TypeError, r"every must be an int, got 1.5"),
        ({"generators": make_generator(0)}, TypeError, "got a Generator; use {'data': generator}"),
    ],
)
def test_bad_settings_are_refused(
    tmp_path: Path, arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        BestAndLast(**{"folder": tmp_path, **arguments})


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError, match="folder must be a folder, got the file"):
        BestAndLast(tmp_path / "file")
