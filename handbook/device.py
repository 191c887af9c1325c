r"""Where the handbook computes: one setting, ``HANDBOOK_DEVICE``, for scripts and doctests."""

from __future__ import annotations

import os

import torch

from handbook.checks import describe

__all__ = ["get_device"]


def get_device(name: str | None = None) -> torch.device:
    """Return the device to compute on.

    Parameters
    ----------
    name : str, optional
        ``"auto"`` (CUDA if there is one, then Apple's MPS, then the CPU) or a device's name, such
        as ``"cpu"`` or ``"cuda:1"``. Without it, the environment variable ``HANDBOOK_DEVICE``
        decides, and without that, ``"auto"``.

    Returns
    -------
    torch.device
        A device that exists on this machine.

    Raises
    ------
    TypeError
        If ``name`` is not a string.
    ValueError
        If PyTorch does not know the name, or this machine has no such device.

    Examples
    --------
    >>> get_device("cpu")
    device(type='cpu')
    >>> get_device("gpu")
    Traceback (most recent call last):
        ...
    ValueError: device must be 'auto' or a device that this machine has (cpu...), got 'gpu'; ...
    """
    source = "device"
    if name is None:
        source = "HANDBOOK_DEVICE"
        name = os.environ.get("HANDBOOK_DEVICE", "").strip() or "auto"
    if not isinstance(name, str):
        raise TypeError(f"{source} must be a string such as 'auto' or 'cpu', got {describe(name)}")
    available = _available_devices()
    if name == "auto":
        return torch.device(available[0])
    try:
        device = torch.device(name)
    except RuntimeError:
        device = None
    if device is None or device.type not in available or not _has_index(device):
        raise ValueError(
            f"{source} must be 'auto' or a device that this machine has "
            f"({', '.join(reversed(available))}), got {name!r}; 'auto' takes {available[0]} here"
        )
    return device


def _available_devices() -> list[str]:
    """Device types on this machine, the fastest first."""
    available = ["cpu"]
    if torch.backends.mps.is_available():
        available.insert(0, "mps")
    if torch.cuda.is_available():
        available.insert(0, "cuda")
    return available


def _has_index(device: torch.device) -> bool:
    count = torch.cuda.device_count() if device.type == "cuda" else 1
    return device.index is None or device.index < count
