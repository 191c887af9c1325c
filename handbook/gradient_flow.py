r"""How a gradient changes on its way back through a deep network, layer by layer.

A stack of layers :math:`a_l = f(W_l a_{l-1})` is enough to see it: :func:`layer_sums` goes forward,
:func:`layer_gradients` goes back by hand, and :func:`slope_bound` and :func:`gradient_bound` say
beforehand what can be left. :func:`gradient_norms` reads the gradients of any model, and
:func:`gradient_histograms` tells how their entries are spread over the powers of ten.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from handbook.activations import CURVES
from handbook.checks import (
    describe,
    require_choice,
    require_finite,
    require_floating,
    require_integer,
    require_same_placement,
    require_shape,
)

__all__ = [
    "LARGEST_SLOPES",
    "layer_sums",
    "layer_gradients",
    "slope_bound",
    "gradient_bound",
    "gradient_norms",
    "GradientHistogram",
    "gradient_histograms",
]

# The maximum of Φ(x) + x φ(x), at x = √2.
_GELU_SLOPE = 0.5 * (1 + math.erf(1.0)) + math.exp(-1.0) / math.sqrt(math.pi)
_SILU_SLOPE = 1.0998393201285284  # where x tanh(x / 2) = 2, at x = 2.39936

LARGEST_SLOPES = {
    "relu": 1.0,
    "leaky_relu": 1.0,
    "elu": 1.0,
    "softplus": 1.0,
    "silu": _SILU_SLOPE,
    "gelu": _GELU_SLOPE,
    "sigmoid": 0.25,
    "tanh": 1.0,
    "softsign": 1.0,
    "hardtanh": 1.0,
}
"""The largest slope that each curve of :data:`handbook.activations.CURVES` has anywhere."""


def _require_stack(weights: object) -> list[Tensor]:
    """Return the weights as a list, after a check that each layer fits the next."""
    if isinstance(weights, Tensor) or not isinstance(weights, Sequence):
        raise TypeError(f"weights must be a list of tensors, got {describe(weights)}")
    stack: list[Tensor] = []
    for i, weight in enumerate(weights):
        tensor = require_floating(f"weights[{i}]", weight)
        if tensor.dim() != 2:
            raise ValueError(f"weights[{i}] must have shape (n_out, n_in), got {describe(tensor)}")
        if stack:
            require_same_placement(f"weights[{i}]", tensor, "weights[0]", stack[0])
            if tensor.shape[1] != stack[-1].shape[0]:
                raise ValueError(
                    f"weights[{i}] must take the {stack[-1].shape[0]} outputs of the layer before, "
                    f"got {describe(tensor)}"
                )
        stack.append(tensor)
    if not stack:
        raise ValueError("weights must hold at least one layer, got none")
    return stack


def _require_curve(activation: object) -> str:
    return require_choice("activation", activation, tuple(CURVES))


def layer_sums(weights: Sequence[Tensor], input: Tensor, activation: str) -> list[Tensor]:
    r"""Go forward through a stack of layers, and return the sums that enter each activation.

    .. math:: z_l = W_l\,a_{l-1}, \qquad a_l = f(z_l), \qquad a_0 = x

    Parameters
    ----------
    weights : list of Tensor
        One matrix for each layer, from the input on.
    input : Tensor
        The samples :math:`x`.
    activation : str
        The name of a curve in :data:`handbook.activations.CURVES`, such as ``"sigmoid"``.

    Returns
    -------
    list of Tensor
        The sums :math:`z_1, \dots, z_L`.

    Shapes
    ------
    weights[l] : ``(n_out, n_in)``
    input : ``(*, n_in)``
    return[l] : ``(*, n_out)``

    Raises
    ------
    TypeError
        If something is not a floating-point tensor, or dtypes differ.
    ValueError
        If there is no layer, the sizes do not fit, or the activation is unknown.

    Examples
    --------
    >>> first, second = layer_sums([torch.tensor([[2.0]])] * 2, torch.tensor([[3.0]]), "relu")
    >>> first.item(), second.item()
    (6.0, 12.0)
    """
    stack = _require_stack(weights)
    a = require_floating("input", input)
    require_same_placement("input", a, "weights[0]", stack[0])
    if a.dim() == 0 or a.shape[-1] != stack[0].shape[1]:
        raise ValueError(
            f"input must have {stack[0].shape[1]} numbers in its last dimension, got {describe(a)}"
        )
    curve = CURVES[_require_curve(activation)]
    sums: list[Tensor] = []
    for weight in stack:
        sums.append(a @ weight.t())
        a = curve.value(sums[-1])
    return sums


def layer_gradients(
    weights: Sequence[Tensor], sums: Sequence[Tensor], gradient: Tensor, activation: str
) -> list[Tensor]:
    r"""Go back through the stack by hand, and return the gradient at each layer's output.

    .. math:: \delta_{l-1} = W_l^\top \bigl( \delta_l \odot f'(z_l) \bigr), \qquad
              \delta_l = \frac{\partial L}{\partial a_l}

    Parameters
    ----------
    weights : list of Tensor
        The matrices that were given to :func:`layer_sums`.
    sums : list of Tensor
        What :func:`layer_sums` returned.
    gradient : Tensor
        The gradient :math:`\delta_L` of the loss with respect to the last output.
    activation : str
        The name of the curve.

    Returns
    -------
    list of Tensor
        :math:`\delta_0, \dots, \delta_L`: one more than there are layers, the input's first.

    Shapes
    ------
    gradient : ``(*, n_out)`` of the last layer
    return[0] : ``(*, n_in)`` of the first layer
    return[l] : ``(*, n_out)`` of layer l

    Raises
    ------
    TypeError
        If something is not a floating-point tensor, or dtypes differ.
    ValueError
        If the numbers of weights and sums differ, the sizes do not fit, or the activation is
        unknown.

    Examples
    --------
    Each sigmoid takes away at least three quarters, here with weights of 1:

    >>> weights = [torch.ones(1, 1)] * 3
    >>> sums = layer_sums(weights, torch.zeros(1, 1), "sigmoid")
    >>> deltas = layer_gradients(weights, sums, torch.ones(1, 1), "sigmoid")
    >>> torch.cat(deltas).flatten()
    tensor([0.0134, 0.0534, 0.2273, 1.0000])
    """
    stack = _require_stack(weights)
    curve = CURVES[_require_curve(activation)]
    if len(sums) != len(stack):
        raise ValueError(f"sums must hold one tensor for each of {len(stack)}, got {len(sums)}")
    delta = require_floating("gradient", gradient)
    if delta.shape != sums[-1].shape:
        wanted = tuple(sums[-1].shape)
        raise ValueError(
            f"gradient must have the shape {wanted} of sums[-1], got {describe(delta)}"
        )
    deltas = [delta]
    for weight, z in zip(reversed(stack), reversed(sums), strict=True):
        deltas.append((deltas[-1] * curve.slope(z)) @ weight)
    return deltas[::-1]


def slope_bound(activation: str, depth: int) -> float:
    r"""Return the most that a product of slopes can be after a number of layers.

    .. math:: \prod_{l=1}^{L} \bigl| f'(z_l) \bigr| \le \bigl( \max_z |f'(z)| \bigr)^L

    Parameters
    ----------
    activation : str
        The name of the curve.
    depth : int
        The number of layers :math:`L`, at least 0.

    Returns
    -------
    float
        The bound, dimensionless: :math:`0.25^L` for the sigmoid.

    Raises
    ------
    TypeError
        If ``depth`` is not an ``int``.
    ValueError
        If ``depth`` is negative, or the activation is unknown.

    Notes
    -----
    It bounds the slopes alone. The gradient is multiplied by the weights too, so it can be larger:
    see :func:`gradient_bound`.

    Examples
    --------
    >>> slope_bound("sigmoid", 10)
    9.5...e-07
    >>> slope_bound("tanh", 10)
    1.0
    """
    largest = LARGEST_SLOPES[_require_curve(activation)]
    return largest ** require_integer("depth", depth, minimum=0)


def gradient_bound(weights: Sequence[Tensor], activation: str) -> Tensor:
    r"""Return the most by which the length of a gradient can be multiplied on its way back.

    .. math:: \frac{\lVert \delta_l \rVert}{\lVert \delta_L \rVert}
              \le \prod_{k=l+1}^{L} \lVert W_k \rVert_2 \cdot \max_z |f'(z)|

    Parameters
    ----------
    weights : list of Tensor
        One matrix for each layer, from the input on.
    activation : str
        The name of the curve.

    Returns
    -------
    Tensor
        The bounds for :math:`l = 0, \dots, L`; the last is 1.

    Shapes
    ------
    weights[l] : ``(n_out, n_in)``
    return : ``(L + 1,)``

    Raises
    ------
    TypeError
        If a weight is not a floating-point tensor, or dtypes differ.
    ValueError
        If there is no layer, the sizes do not fit, or the activation is unknown.

    Notes
    -----
    :math:`\lVert W \rVert_2` is the largest singular value. A bound below 1 per layer proves that a
    gradient vanishes. A bound above 1 proves nothing: it is reached only by a gradient that follows
    the first singular vectors through all layers.

    References
    ----------
    R. Pascanu, T. Mikolov, Y. Bengio, "On the difficulty of training recurrent neural networks",
    ICML 2013.

    Examples
    --------
    Weights of 4 take back what the slope of the sigmoid may cost at most:

    >>> gradient_bound([4 * torch.eye(2)] * 3, "sigmoid")
    tensor([1., 1., 1., 1.])
    """
    stack = _require_stack(weights)
    largest = LARGEST_SLOPES[_require_curve(activation)]
    wide = [weight.float() if weight.element_size() < 4 else weight for weight in stack]
    factors = [torch.linalg.matrix_norm(weight, ord=2) * largest for weight in wide]
    bounds = [torch.ones_like(factors[0])]
    for factor in reversed(factors):
        bounds.append(bounds[-1] * factor)
    return torch.stack(bounds[::-1])


def gradient_norms(module: nn.Module) -> dict[str, float]:
    r"""Return the length of each parameter's gradient, after a backward pass.

    .. math:: \lVert g \rVert = \sqrt{\textstyle \sum_i g_i^2}

    Parameters
    ----------
    module : torch.nn.Module
        A model whose loss has been sent back.

    Returns
    -------
    dict of str to float
        Parameter name to length, in the order of ``named_parameters``. Parameters without a
        gradient are left out; one whose gradient is exactly zero has 0.0.

    Raises
    ------
    TypeError
        If ``module`` is not a module.

    Examples
    --------
    >>> model = nn.Linear(2, 1)
    >>> gradient_norms(model)  # no backward pass yet
    {}
    >>> model(torch.tensor([[3.0, 4.0]])).sum().backward()
    >>> gradient_norms(model)
    {'weight': 5.0, 'bias': 1.0}
    """
    if not isinstance(module, nn.Module):
        raise TypeError(f"module must be a torch.nn.Module, got {describe(module)}")
    norms: dict[str, float] = {}
    for name, parameter in module.named_parameters():
        if parameter.grad is not None:
            gradient = parameter.grad.detach().cpu().double()  # float32 squares underflow at 1e-23
            norms[name] = gradient.square().sum().sqrt().item()
    return norms


class GradientHistogram(NamedTuple):
    """How the entries of one gradient are spread over the powers of ten.

    All numbers are shares of all entries; together they make 1.

    Parameters
    ----------
    shares : Tensor
        The share in each bin.
    zero : float
        The share of entries that are exactly 0, which have no logarithm.
    below : float
        The share of entries that are not 0 and smaller than the first edge.
    above : float
        The share of entries from the last edge on.

    Shapes
    ------
    shares : ``(B,)``

    Examples
    --------
    >>> found = GradientHistogram(torch.tensor([0.25, 0.5]), zero=0.25, below=0.0, above=0.0)
    >>> found.shares.sum().item() + found.zero + found.below + found.above
    1.0
    """

    shares: Tensor
    zero: float
    below: float
    above: float


def gradient_histograms(module: nn.Module, exponents: Tensor) -> dict[str, GradientHistogram]:
    r"""Return how the sizes of each parameter's gradients are spread, after a backward pass.

    .. math:: h_j = \frac{1}{n} \, \bigl| \{\, i : e_j \le \log_{10} |g_i| < e_{j+1} \,\} \bigr|

    Parameters
    ----------
    module : torch.nn.Module
        A model whose loss has been sent back.
    exponents : Tensor
        The edges :math:`e_0 < \dots < e_B` of the bins, as powers of ten.

    Returns
    -------
    dict of str to GradientHistogram
        Parameter name to histogram, in the order of ``named_parameters``. Parameters without a
        gradient, or without entries, are left out.

    Shapes
    ------
    exponents : ``(B + 1,)``

    Raises
    ------
    TypeError
        If ``module`` is not a module, or ``exponents`` not a floating-point tensor.
    ValueError
        If there are fewer than two edges, they do not rise, or a gradient is not finite.

    Notes
    -----
    A histogram of the gradients themselves is one thin bar at 0. Their logarithms show what counts:
    by how many powers of ten the layers differ. A length (:func:`gradient_norms`) says the same of
    a whole layer; the histogram also tells many small entries from few large ones, and a unit that
    is switched off from one that learns slowly.

    Examples
    --------
    >>> model = nn.Linear(4, 1, bias=False)
    >>> model(torch.tensor([[0.0, 0.002, -0.05, 7.0]])).sum().backward()
    >>> exponents = torch.tensor([-3.0, -2.0, -1.0])
    >>> found = gradient_histograms(model, exponents)["weight"]
    >>> found.shares, found.zero, found.below, found.above
    (tensor([0.2500, 0.2500], dtype=torch.float64), 0.25, 0.0, 0.25)
    """
    if not isinstance(module, nn.Module):
        raise TypeError(f"module must be a torch.nn.Module, got {describe(module)}")
    edges = require_shape("exponents", require_floating("exponents", exponents), ("B + 1",))
    require_finite("exponents", edges)
    if len(edges) < 2 or not bool((edges.diff() > 0).all()):
        raise ValueError(f"exponents must hold at least 2 numbers that rise, got {edges.tolist()}")
    edges = edges.detach().cpu().double()
    histograms: dict[str, GradientHistogram] = {}
    for name, parameter in module.named_parameters():
        if parameter.grad is None or parameter.grad.numel() == 0:
            continue
        sizes = parameter.grad.detach().cpu().double().abs().flatten()
        if not bool(sizes.isfinite().all()):
            raise ValueError(
                f"module must have finite gradients, got a {sizes[~sizes.isfinite()][0].item()} "
                f"in that of {name}"
            )
        some = sizes[sizes > 0]  # the others have no logarithm
        place = torch.bucketize(some.log10(), edges, right=True)
        shares = torch.bincount(place, minlength=len(edges) + 1).double() / len(sizes)
        zero = 1 - len(some) / len(sizes)
        below, above = shares[0].item(), shares[-1].item()
        histograms[name] = GradientHistogram(shares[1:-1], zero, below, above)
    return histograms
