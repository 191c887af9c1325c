r"""Where the handbook computes, and how data get there: one setting, ``HANDBOOK_DEVICE``."""

from __future__ import annotations

import os
from typing import Any, cast

import torch
from torch import Tensor

from handbook.checks import describe

__all__ = ["get_device", "move_to"]


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


def move_to(value: Any, device: torch.device | str, *, non_blocking: bool = False) -> Any:
    """Move every tensor of a batch to a device.

    Parameters
    ----------
    value : object
        A tensor, or tensors in tuples, named tuples, lists and dictionaries, nested as you like.
        Strings, numbers and ``None`` among them stay what they are.
    device : torch.device or str
        Where to.
    non_blocking : bool, optional
        Do not wait for the copy. It makes a difference only from pinned memory to a GPU.

    Returns
    -------
    object
        The same structure. A tensor that is there already is returned as it is, not copied.

    Raises
    ------
    TypeError
        If something in ``value`` is none of these, or ``non_blocking`` is not a ``bool``.

    Notes
    -----
    ``value.to(device)`` makes a new tensor; the old one stays where it was. Only ``Module.to``
    moves in place.

    Examples
    --------
    >>> batch = {"image": torch.zeros(2, 3), "label": [torch.zeros(2), "cat"]}
    >>> moved = move_to(batch, "meta")
    >>> moved["image"].device, moved["label"][0].device, moved["label"][1]
    (device(type='meta'), device(type='meta'), 'cat')
    >>> batch["image"].device
    device(type='cpu')
    """
    if not isinstance(non_blocking, bool):
        raise TypeError(f"non_blocking must be a bool, got {describe(non_blocking)}")
    if isinstance(value, Tensor):
        return value.to(device, non_blocking=non_blocking)
    if value is None or isinstance(value, (str, bytes, bool, int, float, complex)):
        return value
    if isinstance(value, dict):
        return {
            key: move_to(part, device, non_blocking=non_blocking) for key, part in value.items()
        }
    if isinstance(value, (tuple, list)):
        parts = [move_to(part, device, non_blocking=non_blocking) for part in value]
        if hasattr(value, "_fields"):  # a named tuple takes its parts one by one
            return cast(Any, type(value))(*parts)
        return tuple(parts) if isinstance(value, tuple) else parts
    raise TypeError(
        f"value must be a tensor, or tensors in tuples, lists and dicts, got {describe(value)}"
    )
