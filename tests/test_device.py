"""The choice of device: one variable, honoured everywhere, refused clearly."""

from __future__ import annotations

from typing import NamedTuple

import pytest
import torch

from handbook.device import get_device, move_to


@pytest.fixture
def cpu_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.delenv("HANDBOOK_DEVICE", raising=False)


@pytest.fixture
def two_gpus(monkeypatch: pytest.MonkeyPatch, cpu_only: None) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)


@pytest.mark.usefixtures("cpu_only")
def test_auto_takes_the_cpu_where_there_is_nothing_else() -> None:
    assert get_device() == get_device("auto") == torch.device("cpu")


@pytest.mark.usefixtures("two_gpus")
def test_auto_takes_cuda_where_there_is_one() -> None:
    assert get_device() == torch.device("cuda")
    assert get_device("cuda:1") == torch.device("cuda:1")


@pytest.mark.usefixtures("cpu_only")
def test_auto_takes_mps_before_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert get_device() == torch.device("mps")


@pytest.mark.usefixtures("two_gpus")
def test_the_variable_decides_and_the_argument_overrides_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HANDBOOK_DEVICE", "cpu")
    assert get_device() == torch.device("cpu")
    assert get_device("cuda") == torch.device("cuda")


@pytest.mark.usefixtures("cpu_only")
@pytest.mark.parametrize("empty", ["", "  "])
def test_an_empty_variable_means_auto(monkeypatch: pytest.MonkeyPatch, empty: str) -> None:
    monkeypatch.setenv("HANDBOOK_DEVICE", empty)
    assert get_device() == torch.device("cpu")


@pytest.mark.usefixtures("cpu_only")
@pytest.mark.parametrize("name", ["cuda", "mps", "gpu", "cuda:x", "CPU", "meta"])
def test_a_device_that_is_not_here_is_refused(name: str) -> None:
    message = rf"device must be 'auto' or a device that this machine has \(cpu\), got '{name}'"
    with pytest.raises(ValueError, match=message):
        get_device(name)


@pytest.mark.usefixtures("two_gpus")
def test_an_index_beyond_the_last_gpu_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\(cpu, cuda\), got 'cuda:2'; 'auto' takes cuda here"):
        get_device("cuda:2")


@pytest.mark.usefixtures("cpu_only")
def test_a_bad_variable_is_named_as_the_culprit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANDBOOK_DEVICE", "gpu")
    with pytest.raises(ValueError, match="HANDBOOK_DEVICE must be 'auto' or a device"):
        get_device()


def test_a_number_is_not_a_device() -> None:
    with pytest.raises(TypeError, match="device must be a string such as 'auto' or 'cpu', got 0"):
        get_device(0)


class Pair(NamedTuple):
    left: torch.Tensor
    right: torch.Tensor


def test_move_to_moves_every_tensor_and_keeps_the_structure() -> None:
    x = torch.arange(3.0)
    batch = {"a": (x, [x, None, "word", 2]), "b": Pair(x, x + 1), "c": ()}
    moved = move_to(batch, "meta")
    assert moved["a"][0].device.type == moved["a"][1][0].device.type == "meta"
    assert moved["a"][1][1:] == [None, "word", 2]
    assert isinstance(moved["b"], Pair)
    assert moved["b"].right.device.type == "meta"
    assert moved["c"] == ()
    assert x.device.type == "cpu"


def test_move_to_copies_nothing_that_is_there_already() -> None:
    x = torch.arange(3.0)
    assert move_to((x,), "cpu", non_blocking=True)[0] is x


def test_move_to_reaches_each_device(device: torch.device) -> None:
    assert move_to([torch.zeros(2)], device)[0].device.type == device.type


def test_move_to_refuses_what_it_does_not_know() -> None:
    with pytest.raises(TypeError, match=r"value must be a tensor, .* got a set"):
        move_to([{1, 2}], "cpu")
    with pytest.raises(TypeError, match="non_blocking must be a bool, got 1"):
        move_to(torch.zeros(1), "cpu", non_blocking=1)  # type: ignore[arg-type]
