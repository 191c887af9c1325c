r"""Symmetry: what a model does when its input is moved, turned or put into another order."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from handbook.checks import describe, require_floating, require_tensor

__all__ = ["equivariance_error"]


def equivariance_error(
    model: Callable[[Tensor], Tensor],
    input: Tensor,
    move_input: Callable[[Tensor], Tensor],
    move_output: Callable[[Tensor], Tensor] | None = None,
) -> float:
    r"""Measure how far a model is from moving its output along with its input.

    .. math:: \frac{\lVert f(T x) - T' f(x) \rVert}{\lVert f(x) \rVert}

    Parameters
    ----------
    model : callable
        :math:`f`: a function of one tensor.
    input : Tensor
        :math:`x`: what to try it on.
    move_input : callable
        :math:`T`: a shift, a permutation, any change of the input.
    move_output : callable or None, optional
        :math:`T'`: what should then happen to the output. With ``None`` it should stay: the model
        is tested for *invariance*.

    Returns
    -------
    float
        0 for a model that is equivariant, dimensionless; NaN if the output is all zeros.

    Shapes
    ------
    input : ``(*)``

    Raises
    ------
    TypeError
        If ``input`` is not a floating-point tensor, one of the functions cannot be called, or one
        of them returns no tensor.
    ValueError
        If the two sides have different shapes.

    Notes
    -----
    No gradient is recorded. A number above 0 disproves equivariance; a 0 shows it for this input
    only.

    Examples
    --------
    An elementwise function moves with its input; a weighted sum does not:

    >>> x = torch.tensor([1.0, 2.0, 4.0])
    >>> def shift(x):
    ...     return x.roll(1, dims=-1)
    >>> equivariance_error(torch.relu, x, shift, shift)
    0.0
    >>> equivariance_error(lambda x: x * torch.arange(3), x, shift, shift) > 0.5
    True

    A sum is invariant:

    >>> equivariance_error(torch.sum, x, shift)
    0.0
    """
    require_floating("input", input)
    for name, function in (("model", model), ("move_input", move_input)):
        if not callable(function):
            raise TypeError(f"{name} must be a function, got {describe(function)}")
    if move_output is not None and not callable(move_output):
        raise TypeError(f"move_output must be a function or None, got {describe(move_output)}")
    with torch.no_grad():
        output = require_tensor("model(input)", model(input))
        moved = require_tensor("model(move_input(input))", model(move_input(input)))
        wanted = output
        if move_output is not None:
            wanted = require_tensor("move_output(model(input))", move_output(output))
        if moved.shape != wanted.shape:
            raise ValueError(
                f"move_output(model(input)) must have the shape {tuple(moved.shape)} of "
                f"model(move_input(input)), got {describe(wanted)}"
            )
        distance = (moved.double() - wanted.double()).square().sum().sqrt()
        return (distance / output.double().square().sum().sqrt()).item()
