"""The choice of device: one variable, honoured everywhere, refused clearly."""

from __future__ import annotations

import pytest
import torch

from handbook.device import get_device


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
