r"""Gradient clipping from scratch: by the norm of all gradients together, or number by number.

Call it between ``loss.backward()`` and ``optimizer.step()``. Functions whose name ends in an
underscore change ``grad`` in place.
"""

from __future__ import annotations

import math
import types
import warnings
from collections.abc import Iterable

import torch
from torch import Tensor

from handbook.checks import describe, require_number, require_tensor

__all__ = ["get_total_norm", "clip_grads_with_norm_", "clip_grad_norm_", "clip_grad_value_"]


def _clipping_tensors(name: str, tensors: object) -> list[Tensor]:
    """Return one tensor or an iterable of tensors as a list, after a check."""
    if isinstance(tensors, Tensor):
        return [tensors]
    if not isinstance(tensors, Iterable):
        raise TypeError(f"{name} must be a tensor or an iterable of them, got {describe(tensors)}")
    found = list(tensors)
    for tensor in found:
        if not isinstance(tensor, Tensor):
            raise TypeError(
                f"{name} must hold tensors only, got {describe(tensor)}; "
                "use model.parameters(), not model.named_parameters()"
            )
    return found


def _clipping_gradients(parameters: object) -> list[Tensor]:
    """Return the gradients of all parameters that have one."""
    found = _clipping_tensors("parameters", parameters)
    if isinstance(parameters, types.GeneratorType) and not found:
        warnings.warn(
            "parameters is a generator that has been used up, so nothing is clipped; "
            "use list(model.parameters())",
            UserWarning,
            stacklevel=3,
        )
    gradients = [parameter.grad for parameter in found if parameter.grad is not None]
    for gradient in gradients:
        _require_dense_gradient("gradients", gradient)
    return gradients


def _require_dense_gradient(name: str, tensor: Tensor) -> None:
    if tensor.layout != torch.strided:
        raise TypeError(f"{name} must be dense, got a sparse tensor; use to_dense()")


def _clipping_number(name: str, value: object) -> float:
    """Return a limit as a float: a number, or a tensor that holds one."""
    if isinstance(value, Tensor) and value.numel() == 1:
        value = value.item()
    return require_number(name, value, minimum=0.0)


def _order_of_norm(value: object) -> float:
    """Return p as a float; the word 'inf' means infinity."""
    if isinstance(value, str):
        if value != "inf":
            raise ValueError(f"norm_type must be a number above 0 or 'inf', got {value!r}")
        return math.inf
    return require_number("norm_type", value, above=0.0)


def _vector_norm(vector: Tensor, order: float) -> Tensor:
    """Return the p-norm of all numbers of one tensor, in its dtype; shape ()."""
    # float16 and bfloat16 would lose the sum: 300² alone is beyond float16.
    wide = torch.promote_types(vector.abs().dtype, torch.float32)
    sizes = vector.abs().to(wide).flatten()
    if len(sizes) == 0:
        return sizes.new_zeros((), dtype=vector.abs().dtype)
    largest = sizes.amax()
    if math.isinf(order):
        norm = largest
    else:
        # The squares of 1e30 overflow float32 and those of 1e-30 vanish: measure in units of the
        # largest. Infinity and NaN keep the unit 1 and go through.
        usable = largest.isfinite() & (largest > 0)
        unit = torch.where(usable, largest, torch.ones_like(largest))
        norm = unit * (sizes / unit).pow(order).sum().pow(1 / order)
    return norm.to(vector.abs().dtype)


@torch.no_grad()
def get_total_norm(
    tensors: Tensor | Iterable[Tensor],
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
) -> Tensor:
    r"""Return the norm of all tensors together, as if they were one vector.

    .. math:: |g|_p = \Bigl( \sum_i |g_i|^p \Bigr)^{1/p}, \qquad |g|_\infty = \max_i |g_i|

    Parameters
    ----------
    tensors : Tensor or iterable of Tensor
        Usually the gradients of a model.
    norm_type : float, default: 2.0
        The order p, above 0; ``float("inf")`` or ``"inf"`` for the largest absolute value.
    error_if_nonfinite : bool, default: False
        Whether to refuse a norm that is infinite or NaN.

    Returns
    -------
    Tensor
        The norm, on the device of the first tensor; 0 if there is none.

    Shapes
    ------
    return : ()

    Raises
    ------
    TypeError
        If ``tensors`` holds something that is not a dense tensor, or ``norm_type`` is not a number.
    ValueError
        If ``norm_type`` is not above 0.
    RuntimeError
        If the norm is not finite and ``error_if_nonfinite`` is true.

    Notes
    -----
    The norm of the norms of the parts is the norm of the whole, because
    :math:`(\sum_j (|g^{(j)}|_p)^p)^{1/p}` is the same sum in another order.

    *Differences from PyTorch.* ``foreach`` is absent. Numbers whose squares overflow have a finite
    norm here: PyTorch's is infinite for gradients of 1e30 in float32, and clipping then sets them
    to 0. Orders that are not positive, which are no norms, are refused. A tensor without elements
    has the largest absolute value 0.

    Examples
    --------
    >>> parts = [torch.tensor([3.0]), torch.tensor([[4.0, 0.0]])]
    >>> get_total_norm(parts), get_total_norm(parts, 1), get_total_norm(parts, "inf")
    (tensor(5.), tensor(7.), tensor(4.))
    >>> get_total_norm([])
    tensor(0.)
    >>> f"{get_total_norm([torch.tensor([3e30, 4e30])]).item():.1e}"
    '5.0e+30'
    """
    order = _order_of_norm(norm_type)
    parts = _clipping_tensors("tensors", tensors)
    if not parts:
        return torch.tensor(0.0)
    for part in parts:
        _require_dense_gradient("tensors", part)
    device = parts[0].device
    norms = torch.stack([_vector_norm(part, order).to(device) for part in parts])
    total = _vector_norm(norms, order)
    if error_if_nonfinite and not bool(total.isfinite()):
        raise RuntimeError(
            f"the total norm of order {order:g} must be finite, got {total.item()}; look for the "
            "cause (a logarithm of 0, a rate too large), or pass error_if_nonfinite=False"
        )
    return total


@torch.no_grad()
def clip_grads_with_norm_(
    parameters: Tensor | Iterable[Tensor], max_norm: float, total_norm: Tensor
) -> None:
    r"""Shorten the gradients by one common factor, given their norm.

    .. math:: g \leftarrow g \cdot \min\Bigl(1, \frac{c}{|g| + 10^{-6}}\Bigr)

    Parameters
    ----------
    parameters : Tensor or iterable of Tensor
        Tensors whose ``grad`` to shorten; those without one are passed over.
    max_norm : float
        The limit c, at least 0.
    total_norm : Tensor
        The norm, as from :func:`get_total_norm`.

    Shapes
    ------
    total_norm : ()

    Raises
    ------
    TypeError
        If ``parameters`` holds something that is not a tensor, or a gradient is sparse.
    ValueError
        If ``max_norm`` is negative or NaN.

    Examples
    --------
    >>> w = torch.zeros(2, requires_grad=True)
    >>> w.grad = torch.tensor([30.0, 40.0])
    >>> clip_grads_with_norm_([w], 1.0, torch.tensor(50.0))
    >>> w.grad
    tensor([0.6000, 0.8000])
    """
    limit = _clipping_number("max_norm", max_norm)
    _shorten(_clipping_gradients(parameters), limit, require_tensor("total_norm", total_norm))


def _shorten(gradients: list[Tensor], limit: float, total_norm: Tensor) -> None:
    """Multiply every gradient by the one factor that brings their norm below the limit."""
    # Always multiplied, also by 1: a comparison would make the CPU wait for the accelerator.
    factor = (limit / (total_norm + 1e-6)).clamp(max=1.0)
    for gradient in gradients:
        gradient.mul_(factor.to(gradient.device))


@torch.no_grad()
def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
) -> Tensor:
    r"""Shorten all gradients by one factor, so that their common norm is at most ``max_norm``.

    .. math:: g \leftarrow g \cdot \min\Bigl(1, \frac{c}{|g|_p + 10^{-6}}\Bigr)

    Parameters
    ----------
    parameters : Tensor or iterable of Tensor
        Tensors whose ``grad`` to shorten; those without one are passed over.
    max_norm : float
        The limit c, at least 0.
    norm_type : float, default: 2.0
        The order p, above 0; ``float("inf")`` or ``"inf"`` for the largest absolute value.
    error_if_nonfinite : bool, default: False
        Whether to refuse a norm that is infinite or NaN. The gradients then stay as they are.

    Returns
    -------
    Tensor
        The norm *before* clipping.

    Shapes
    ------
    return : ()

    Raises
    ------
    TypeError
        If ``parameters`` holds something that is not a tensor, a gradient is sparse, or a number
        is none.
    ValueError
        If ``max_norm`` is negative or NaN, or ``norm_type`` not above 0.
    RuntimeError
        If the norm is not finite and ``error_if_nonfinite`` is true.

    Warns
    -----
    UserWarning
        If ``parameters`` is a generator with nothing left in it.

    Notes
    -----
    The direction stays: all numbers get the same factor. One NaN makes every gradient NaN; one
    infinity makes itself NaN and all the others 0.

    *Differences from PyTorch.* Those of :func:`get_total_norm`; and a negative ``max_norm``, which
    would turn every step around, is refused.

    References
    ----------
    R. Pascanu, T. Mikolov, Y. Bengio, "On the difficulty of training recurrent neural networks",
    ICML (2013), arXiv:1211.5063.

    Examples
    --------
    >>> w, b = torch.zeros(1, requires_grad=True), torch.zeros(1, requires_grad=True)
    >>> w.grad, b.grad = torch.tensor([30.0]), torch.tensor([40.0])
    >>> clip_grad_norm_([w, b], max_norm=5.0)
    tensor(50.)
    >>> [round(p.grad.item(), 4) for p in (w, b)]
    [3.0, 4.0]

    A gradient within the limit stays as it is:

    >>> clip_grad_norm_([w, b], max_norm=6.0).item(), [round(p.grad.item(), 4) for p in (w, b)]
    (5.0, [3.0, 4.0])
    """
    limit = _clipping_number("max_norm", max_norm)
    gradients = _clipping_gradients(parameters)
    total = get_total_norm(gradients, norm_type, error_if_nonfinite)
    _shorten(gradients, limit, total)
    return total


@torch.no_grad()
def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float) -> None:
    r"""Cut each number of each gradient to at most ``clip_value`` in size, by itself.

    .. math:: g_i \leftarrow \min(\max(g_i, -c), c)

    Parameters
    ----------
    parameters : Tensor or iterable of Tensor
        Tensors whose ``grad`` to cut; those without one are passed over.
    clip_value : float
        The limit c, at least 0.

    Raises
    ------
    TypeError
        If ``parameters`` holds something that is not a tensor, or a gradient is sparse or complex.
    ValueError
        If ``clip_value`` is negative or NaN.

    Notes
    -----
    The direction changes wherever some numbers are cut and others are not. NaN stays NaN.

    *Differences from PyTorch.* ``foreach`` is absent. A negative ``clip_value``, which would set
    every number to one value, is refused.

    Examples
    --------
    >>> w = torch.zeros(3, requires_grad=True)
    >>> w.grad = torch.tensor([30.0, -0.5, -float("inf")])
    >>> clip_grad_value_(w, 1.0)
    >>> w.grad
    tensor([ 1.0000, -0.5000, -1.0000])
    """
    limit = _clipping_number("clip_value", clip_value)
    gradients = _clipping_gradients(parameters)
    for gradient in gradients:
        if gradient.is_complex():
            raise TypeError(
                f"gradients must be real to be cut by value, got {describe(gradient)}; "
                "use clip_grad_norm_"
            )
    for gradient in gradients:
        # Comparisons with NaN are false, so that NaN stays.
        gradient.masked_fill_(gradient > limit, limit).masked_fill_(gradient < -limit, -limit)
