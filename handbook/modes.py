r"""What a model is doing now: training or evaluating, learning or frozen. Two things, not one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch
from torch import nn

from handbook.checks import describe

__all__ = ["evaluation_mode", "freeze", "unfreeze"]


@contextlib.contextmanager
def evaluation_mode(model: nn.Module) -> Iterator[nn.Module]:
    """Evaluate a model: no dropout, remembered statistics, no gradients; then all as before.

    Parameters
    ----------
    model : torch.nn.Module
        The model. Within the block, it and all its modules are in evaluation mode.

    Yields
    ------
    torch.nn.Module
        The model itself.

    Raises
    ------
    TypeError
        If ``model`` is not a module.

    Notes
    -----
    Afterwards each module is in the mode in which it was, also if the block raises.
    ``model.eval()`` with ``model.train()`` after it would put *all* modules into training mode,
    also a batch normalisation that you keep in evaluation mode on purpose.

    The block runs under :class:`torch.inference_mode`: what is computed in it cannot take part in a
    later backward pass.

    Examples
    --------
    >>> model = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5))
    >>> with evaluation_mode(model):
    ...     model.training, model(torch.ones(1, 2)).requires_grad
    (False, False)
    >>> model.training
    True
    """
    modes = [(module, module.training) for module in _require_module(model).modules()]
    model.eval()
    try:
        with torch.inference_mode():
            yield model
    finally:
        for module, was_training in modes:
            module.training = was_training


def freeze(model: nn.Module) -> nn.Module:
    """Let no parameter of a model learn.

    Parameters
    ----------
    model : torch.nn.Module
        A model, or a part of one.

    Returns
    -------
    torch.nn.Module
        The model itself.

    Raises
    ------
    TypeError
        If ``model`` is not a module.

    Notes
    -----
    The gradients that are there are removed. An optimizer skips a parameter without a gradient;
    one that is kept would move it on: by momentum, or by weight decay.

    Buffers are no parameters: in training mode, a frozen batch normalisation still updates its
    running statistics. Call ``eval()`` on it too.

    Examples
    --------
    >>> model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    >>> _ = freeze(model[0])
    >>> [parameter.requires_grad for parameter in model.parameters()]
    [False, False, True, True]
    """
    for parameter in _require_module(model).parameters():
        parameter.requires_grad_(False)
        parameter.grad = None
    return model


def unfreeze(model: nn.Module) -> nn.Module:
    """Let every parameter of a model learn again.

    Parameters
    ----------
    model : torch.nn.Module
        A model, or a part of one.

    Returns
    -------
    torch.nn.Module
        The model itself.

    Raises
    ------
    TypeError
        If ``model`` is not a module.
    RuntimeError
        If a parameter holds integers, which cannot learn.

    Examples
    --------
    >>> model = unfreeze(freeze(nn.Linear(2, 3)))
    >>> model.weight.requires_grad
    True
    """
    for parameter in _require_module(model).parameters():
        parameter.requires_grad_(True)
    return model


def _require_module(model: object) -> nn.Module:
    if not isinstance(model, nn.Module):
        raise TypeError(f"model must be a torch.nn.Module, got {describe(model)}")
    return model
