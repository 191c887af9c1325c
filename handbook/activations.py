r"""Activation functions: the non-linear step between two linear layers.

All but the last two act on each element by itself, so they take a tensor of any shape and return
one of the same shape. :func:`softmax` and :func:`log_softmax` look along one dimension.

Each function takes the arguments of its namesake in ``torch.nn.functional``, except ``inplace``:
overwriting a tensor that another operation has saved for its backward pass is an error in PyTorch,
and none of the functions here needs it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor

from handbook.checks import (
    describe,
    require_choice,
    require_floating,
    require_integer,
    require_number,
    require_tensor,
)

__all__ = [
    "relu",
    "leaky_relu",
    "elu",
    "sigmoid",
    "tanh",
    "softplus",
    "silu",
    "gelu",
    "softsign",
    "hardtanh",
    "softmax",
    "log_softmax",
    "Curve",
    "SigmoidCurve",
    "CURVES",
    "SIGMOID_FAMILY",
]

_HALF_PRECISION = (torch.float16, torch.bfloat16)


def _widened(x: Tensor) -> Tensor:
    """Half precision is computed in float32, so that a result is rounded once, at its end."""
    return x.float() if x.dtype in _HALF_PRECISION else x


def _real_input(input: object) -> Tensor:
    """Return the input, which may hold integers, in its own dtype."""
    x = require_tensor("input", input)
    if x.is_complex() or x.dtype == torch.bool:
        raise TypeError(f"input must hold real numbers, got {describe(x)}; use input.float()")
    return x


def _floating_input(input: object) -> Tensor:
    """Return the input; integers and booleans become the default floating-point dtype."""
    x = require_tensor("input", input)
    if not (x.is_floating_point() or x.is_complex()):
        x = x.to(torch.get_default_dtype())
    return require_floating("input", x)


class _WithSlope(torch.autograd.Function):
    """A function of each element whose slope is given as a function of its *output*.

    It replaces what autograd would do, where the chain rule through the single operations of a
    formula meets 0 · ∞ although the slope itself is finite.
    """

    generate_vmap_rule = True  # lets torch.func.vmap in

    @staticmethod
    def forward(
        value: Callable[[Tensor], Tensor], slope: Callable[[Tensor], Tensor], x: Tensor
    ) -> Tensor:
        return value(_widened(x)).to(x.dtype)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        ctx.slope = inputs[1]
        ctx.save_for_backward(output)
        ctx.save_for_forward(output)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, None, Tensor]:
        (y,) = ctx.saved_tensors
        return None, None, (gradients[0] * ctx.slope(_widened(y))).to(y.dtype)

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> Tensor:
        (y,) = ctx.saved_tensors
        return cast(Tensor, (tangents[2] * ctx.slope(_widened(y))).to(y.dtype))


def _with_slope(
    value: Callable[[Tensor], Tensor], slope: Callable[[Tensor], Tensor], x: Tensor
) -> Tensor:
    return cast(Tensor, _WithSlope.apply(value, slope, x))


def relu(input: Tensor) -> Tensor:
    r"""Keep what is positive and replace the rest by zero.

    .. math:: \mathrm{relu}(x) = \max(x, 0), \qquad
              \mathrm{relu}'(x) = \begin{cases} 1 & x > 0 \\ 0 & x \le 0 \end{cases}

    Parameters
    ----------
    input : Tensor
        Any real numbers, integers included.

    Returns
    -------
    Tensor
        The rectified numbers, in the input's dtype.

    Shapes
    ------
    input : ``(*)``
    return : ``(*)``

    Raises
    ------
    TypeError
        If ``input`` is not a tensor, or holds booleans or complex numbers.

    Notes
    -----
    At zero the function has no derivative. Like PyTorch, this one takes 0 there. A maximum with
    zero would compute the same values, but PyTorch shares the gradient of a tie: ½ to each side.

    References
    ----------
    X. Glorot, A. Bordes, Y. Bengio, "Deep sparse rectifier neural networks", AISTATS 2011.

    Examples
    --------
    >>> relu(torch.tensor([-2.0, 0.0, 3.0])).tolist()
    [0.0, 0.0, 3.0]

    NaN is not hidden:

    >>> relu(torch.tensor([float("nan"), float("-inf")])).tolist()
    [nan, 0.0]
    """
    x = _real_input(input)
    return torch.where(x <= 0, 0, x)  # NaN is not <= 0, and stays


def leaky_relu(input: Tensor, negative_slope: float = 0.01) -> Tensor:
    r"""Keep what is positive and scale down the rest, so that no slope is zero.

    .. math:: \mathrm{leaky\_relu}(x) = \begin{cases} x & x > 0 \\ s\,x & x \le 0 \end{cases}

    Parameters
    ----------
    input : Tensor
        Any floating-point numbers.
    negative_slope : float, default 0.01
        The slope :math:`s` for negative numbers, dimensionless.

    Returns
    -------
    Tensor
        The numbers, in the input's dtype.

    Shapes
    ------
    input : ``(*)``
    return : ``(*)``

    Raises
    ------
    TypeError
        If ``input`` is not a floating-point tensor, or ``negative_slope`` is not a number.

    Notes
    -----
    At zero the slope is ``negative_slope``, as in PyTorch.

    References
    ----------
    A. L. Maas, A. Y. Hannun, A. Y. Ng, "Rectifier nonlinearities improve neural network acoustic
    models", ICML Workshop on Deep Learning for Audio, Speech and Language Processing, 2013.

    Examples
    --------
    >>> leaky_relu(torch.tensor([-2.0, 0.0, 3.0]), 0.25).tolist()
    [-0.5, 0.0, 3.0]
    """
    x = require_floating("input", input)
    slope = require_number("negative_slope", negative_slope)
    return torch.where(x > 0, x, slope * x)


def elu(input: Tensor, alpha: float = 1.0) -> Tensor:
    r"""Keep what is positive and bend the rest towards :math:`-\alpha`.

    .. math:: \mathrm{elu}(x) = \begin{cases} x & x > 0 \\ \alpha\,(e^x - 1) & x \le 0
              \end{cases}, \qquad
              \mathrm{elu}'(x) = \begin{cases} 1 & x > 0 \\ \alpha\,e^x & x \le 0 \end{cases}

    Parameters
    ----------
    input : Tensor
        Any floating-point numbers.
    alpha : float, default 1.0
        The limit for very negative numbers is :math:`-\alpha`; dimensionless.

    Returns
    -------
    Tensor
        The numbers, in the input's dtype.

    Shapes
    ------
    input : ``(*)``
    return : ``(*)``

    Raises
    ------
    TypeError
        If ``input`` is not a floating-point tensor, or ``alpha`` is not a number.

    Notes
    -----
    :func:`torch.where` computes both branches and multiplies the gradient of the branch not taken
    by zero. Where that branch has overflowed, the product is 0 · ∞, which is NaN. Hence the
    exponential sees only the negative part.

    References
    ----------
    D.-A. Clevert, T. Unterthiner, S. Hochreiter, "Fast and accurate deep network learning by
    exponential linear units (ELUs)", ICLR 2016, arXiv:1511.07289.

    Examples
    --------
    >>> elu(torch.tensor([-1e4, -1.0, 0.0, 3.0])).tolist()
    [-1.0, -0.6321..., 0.0, 3.0]

    The gradient of a large number is 1, although its exponential overflows:

    >>> x = torch.tensor(1e4, requires_grad=True)
    >>> elu(x).backward()
    >>> x.grad.item()
    1.0
    """
    x = _widened(require_floating("input", input))
    scale = require_number("alpha", alpha)
    bent = scale * torch.expm1(x.clamp(max=0))  # expm1 keeps the digits that e^x - 1 loses near 0
    return torch.where(x <= 0, bent, x).to(input.dtype)


def sigmoid(input: Tensor) -> Tensor:
    r"""Squeeze each number into (0, 1): the logistic function.

    .. math:: \sigma(x) = \frac{1}{1 + e^{-x}}, \qquad \sigma'(x) = \sigma(x)\,(1 - \sigma(x))

    Parameters
    ----------
    input : Tensor
        Any real numbers; integers and booleans become the default floating-point dtype.

    Returns
    -------
    Tensor
        Numbers from 0 to 1. The limits are never reached by the function, but by rounding.

    Shapes
    ------
    input : ``(*)``
    return : ``(*)``

    Raises
    ------
    TypeError
        If ``input`` is not a tensor, or holds complex numbers.

    Notes
    -----
    The value needs no care: where :math:`e^{-x}` overflows to ∞, its reciprocal is 0, which is
    right. The gradient does. The chain rule through the reciprocal and the exponential would
    multiply that 0 by that ∞; so the slope is written by hand, from the output alone.

    Difference from PyTorch: complex numbers are refused.

    Examples
    --------
    >>> sigmoid(torch.tensor([-4.0, 0.0, 4.0]))
    tensor([0.0180, 0.5000, 0.9820])

    Very negative numbers keep their digits, and their gradients stay finite:

    >>> x = torch.tensor([-30.0, -1e4], requires_grad=True)
    >>> sigmoid(x).sum().backward()
    >>> print(f"{sigmoid(x)[0].item():.4e}", f"{x.grad[0].item():.4e}", x.grad[1].item())
    9.3576e-14 9.3576e-14 0.0
    """
    x = _floating_input(input)
    return _with_slope(lambda x: 1 / (1 + torch.exp(-x)), lambda y: y * (1 - y), x)


def tanh(input: Tensor) -> Tensor:
    r"""Squeeze each number into (−1, 1): the hyperbolic tangent.

    .. math:: \tanh(x) = \frac{e^x - e^{-x}}{e^x + e^{-x}} = 2\,\sigma(2x) - 1, \qquad
              \tanh'(x) = 1 - \tanh^2(x)

    Parameters
    ----------
    input : Tensor
        Any real numbers; integers and booleans become the default floating-point dtype.

    Returns
    -------
    Tensor
        Numbers from −1 to 1. The limits are never reached by the function, but by rounding.

    Shapes
    ------
    input : ``(*)``
    return : ``(*)``

    Raises
    ------
    TypeError
        If ``input`` is not a tensor, or holds complex numbers.

    Notes
    -----
    Neither formula above is fit for computing: the fraction overflows to ∞/∞, and :math:`2\sigma
    - 1` subtracts two numbers near 1 where the result is near 0. With :math:`t = e^{-2|x|} - 1`,
    which ``expm1`` computes to full precision and which lies in (−1, 0], the absolute value of the
    result is :math:`-t / (2 + t)`.

    Difference from PyTorch: complex numbers are refused.

    Examples
    --------
    >>> tanh(torch.tensor([-1e4, 0.0, 2.0])).tolist()
    [-1.0, 0.0, 0.9640...]

    Small numbers keep their digits, as tanh x ≈ x there:

    >>> tanh(torch.tensor(1e-12)).item() == torch.tensor(1e-12).item()
    True
    """
    return _with_slope(_tanh_value, lambda y: 1 - y * y, _floating_input(input))


def _tanh_value(x: Tensor) -> Tensor:
    t = torch.expm1(-2 * x.abs())
    return torch.copysign(t / (2 + t), x)


def softplus(input: Tensor, beta: float = 1, threshold: float = 20) -> Tensor:
    r"""Round off the corner of :func:`relu`.

    .. math:: \mathrm{softplus}(x) = \frac{1}{\beta} \log\left(1 + e^{\beta x}\right), \qquad
              \mathrm{softplus}'(x) = \sigma(\beta x)

    Parameters
    ----------
    input : Tensor
        Any floating-point numbers.
    beta : float, default 1
        How sharp the bend is, dimensionless; for :math:`\beta \to \infty` it is :func:`relu`.
    threshold : float, default 20
        Where :math:`\beta x` exceeds it, the function returns ``input`` itself.

    Returns
    -------
    Tensor
        Positive numbers, in the input's dtype.

    Shapes
    ------
    input : ``(*)``
    return : ``(*)``

    Raises
    ------
    TypeError
        If ``input`` is not a floating-point tensor, or ``beta`` or ``threshold`` is not a number.

    Notes
    -----
    The threshold keeps the exponential from overflowing. At the default, the line differs from the
    curve by :math:`\log(1 + e^{-20}) \approx 2 \cdot 10^{-9}`, which float32 cannot tell from 20.
    As in PyTorch, a threshold above 88 allows float32 to overflow to ∞.

    References
    ----------
    C. Dugas, Y. Bengio, F. Bélisle, C. Nadeau, R. Garcia, "Incorporating second-order functional
    knowledge for better option pricing", NIPS 2000.

    Examples
    --------
    It is small for negative numbers, and not zero:

    >>> softplus(torch.tensor([-3.0, 0.0, 1e4])).tolist()
    [0.0485..., 0.6931..., 10000.0]
    """
    x = _widened(require_floating("input", input))
    sharpness = require_number("beta", beta)
    scaled = sharpness * x
    linear = scaled > require_number("threshold", threshold)
    # The branch that is not taken must stay finite too, or its gradient is 0 * inf.
    curved = torch.log1p(torch.exp(scaled.masked_fill(linear, 0))) / sharpness
    return torch.where(linear, x, curved).to(input.dtype)


def silu(input: Tensor) -> Tensor:
    r"""Weight each number by its own sigmoid; also called *swish*.

    .. math:: \mathrm{silu}(x) = x\,\sigma(x), \qquad
              \mathrm{silu}'(x) = \sigma(x)\,\bigl(1 + x\,(1 - \sigma(x))\bigr)

    Parameters
    ----------
    input : Tensor
        Any floating-point numbers.

    Returns
    -------
    Tensor
        Numbers of at least −0.2785, in the input's dtype.

    Shapes
    ------
    input : ``(*)``
    return : ``(*)``

    Raises
    ------
    TypeError
        If ``input`` is not a floating-point tensor.

    Notes
    -----
    At −∞ the product is ∞ · 0, which is NaN, as in PyTorch. The limit is 0.

    Difference from PyTorch: complex numbers are refused.

    References
    ----------
    S. Elfwing, E. Uchibe, K. Doya, "Sigmoid-weighted linear units for neural network function
    approximation in reinforcement learning", Neural Networks 107 (2018),
    doi:10.1016/j.neunet.2017.12.012.

    Examples
    --------
    It is not monotone: it falls to its minimum near −1.28 and rises from there.

    >>> silu(torch.tensor([-1e4, -1.2785, 0.0, 3.0]))
    tensor([-0.0000, -0.2785,  0.0000,  2.8577])
    """
    x = _widened(require_floating("input", input))
    return (x * sigmoid(x)).to(input.dtype)


def gelu(input: Tensor, *, approximate: str = "none") -> Tensor:
    r"""Weight each number by the share of a normal distribution below it.

    .. math:: \mathrm{gelu}(x) = x\,\Phi(x), \qquad
              \mathrm{gelu}'(x) = \Phi(x) + x\,\varphi(x)

    with :math:`\varphi` and :math:`\Phi` the standard normal density and distribution function.

    Parameters
    ----------
    input : Tensor
        Any floating-point numbers.
    approximate : {"none", "tanh"}
        ``"tanh"`` replaces :math:`\Phi(x)` by
        :math:`\tfrac12 (1 + \tanh(\sqrt{2/\pi}\,(x + 0.044715\,x^3)))`.

    Returns
    -------
    Tensor
        Numbers of at least −0.1701, in the input's dtype.

    Shapes
    ------
    input : ``(*)``
    return : ``(*)``

    Raises
    ------
    TypeError
        If ``input`` is not a floating-point tensor.
    ValueError
        If ``approximate`` is neither ``"none"`` nor ``"tanh"``.

    Notes
    -----
    :math:`\Phi(x) = \tfrac12 (1 + \mathrm{erf}(x/\sqrt2)) = \tfrac12\,\mathrm{erfc}(-x/\sqrt2)`.
    The first form subtracts two nearly equal numbers where x is negative, and in float32 returns 0
    below about −5.5; the second keeps its digits. At −∞ the product is NaN, as in PyTorch.

    References
    ----------
    D. Hendrycks, K. Gimpel, "Gaussian error linear units (GELUs)", arXiv:1606.08415.

    Examples
    --------
    >>> x = torch.tensor([-1e4, -1.0, 0.0, 3.0])
    >>> gelu(x)
    tensor([-0.0000, -0.1587,  0.0000,  2.9960])
    >>> gelu(x, approximate="tanh")
    tensor([-0.0000, -0.1588,  0.0000,  2.9964])
    """
    x = _widened(require_floating("input", input))
    require_choice("approximate", approximate, ("none", "tanh"))
    if approximate == "tanh":
        u = math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)
        share = sigmoid(2 * u)  # (1 + tanh u) / 2
    else:
        share = 0.5 * torch.erfc(-x / math.sqrt(2))
    return (x * share).to(input.dtype)


def softsign(input: Tensor) -> Tensor:
    r"""Squeeze each number into (−1, 1) without an exponential.

    .. math:: \mathrm{softsign}(x) = \frac{x}{1 + |x|}, \qquad
              \mathrm{softsign}'(x) = \frac{1}{(1 + |x|)^2}

    Parameters
    ----------
    input : Tensor
        Any real numbers; integers and booleans become the default floating-point dtype.

    Returns
    -------
    Tensor
        Numbers from −1 to 1.

    Shapes
    ------
    input : ``(*)``
    return : ``(*)``

    Raises
    ------
    TypeError
        If ``input`` is not a tensor, or holds complex numbers.

    Notes
    -----
    At ±∞ the quotient is ∞/∞, which is NaN, as in PyTorch. The limits are ±1.

    Difference from PyTorch: complex numbers are refused, and booleans are not.

    References
    ----------
    X. Glorot, Y. Bengio, "Understanding the difficulty of training deep feedforward neural
    networks", AISTATS 2010.

    Examples
    --------
    >>> softsign(torch.tensor([-3.0, 0.0, 1.0])).tolist()
    [-0.75, 0.0, 0.5]
    """
    x = _floating_input(input)
    return x / (1 + x.abs())


def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    r"""Clip each number to an interval: three straight lines in place of :func:`tanh`.

    .. math:: \mathrm{hardtanh}(x) = \min(\max(x, a), b), \qquad
              \mathrm{hardtanh}'(x) = \begin{cases} 1 & a < x < b \\ 0 & \text{else} \end{cases}

    Parameters
    ----------
    input : Tensor
        Any real numbers, integers included.
    min_val, max_val : float, optional
        The ends :math:`a` and :math:`b` of the interval, in the units of ``input``.

    Returns
    -------
    Tensor
        Numbers from ``min_val`` to ``max_val``, in the input's dtype.

    Shapes
    ------
    input : ``(*)``
    return : ``(*)``

    Raises
    ------
    TypeError
        If ``input`` is not a tensor, or holds booleans or complex numbers, or an end is not a
        number.
    ValueError
        If ``min_val`` exceeds ``max_val``, or the input's integer dtype cannot hold an end.

    Notes
    -----
    At both ends the slope is 0, as in PyTorch; :func:`torch.clamp` takes 1 there.

    Difference from PyTorch: for an integer input an end such as 1.5 is refused, not truncated.

    Examples
    --------
    >>> hardtanh(torch.tensor([-3.0, 0.5, 2.0])).tolist()
    [-1.0, 0.5, 1.0]
    >>> hardtanh(torch.tensor([-3.0, 0.5, 8.0]), 0.0, 6.0).tolist()
    [0.0, 0.5, 6.0]
    """
    x = _real_input(input)
    low = _hardtanh_end("min_val", min_val, x)
    high = _hardtanh_end("max_val", max_val, x)
    if low > high:
        raise ValueError(f"min_val must be at most max_val = {max_val}, got {min_val}")
    return torch.where(x <= low, low, torch.where(x >= high, high, x))


def _hardtanh_end(name: str, value: object, x: Tensor) -> float:
    end = require_number(name, value)
    if x.is_floating_point():
        return end
    limits = torch.iinfo(x.dtype)
    if not (limits.min <= end <= limits.max and end == int(end)):
        raise ValueError(f"{name} must fit into the dtype of {describe(x)}, got {value!r}")
    return int(end)


def softmax(input: Tensor, dim: int, *, dtype: torch.dtype | None = None) -> Tensor:
    r"""Turn logits into probabilities along one dimension.

    .. math:: \mathrm{softmax}(z)_k = \frac{e^{z_k}}{\sum_j e^{z_j}}
              = \frac{e^{z_k - m}}{\sum_j e^{z_j - m}}, \qquad m = \max_j z_j

    Parameters
    ----------
    input : Tensor
        Logits: any floating-point numbers.
    dim : int
        The dimension of the classes, along which the probabilities sum to one.
    dtype : torch.dtype, optional
        Convert the input to this floating-point dtype first.

    Returns
    -------
    Tensor
        Probabilities.

    Shapes
    ------
    input : ``(*, C, *)`` with C classes at ``dim``
    return : ``(*, C, *)``

    Raises
    ------
    TypeError
        If ``input`` is not a tensor, if neither its dtype nor ``dtype`` is a floating-point one,
        or if ``dim`` is not an ``int``.
    ValueError
        If ``input`` has no dimension ``dim``.

    Notes
    -----
    The same shift of all logits cancels in the ratio. Shifting by the maximum makes the largest
    exponent 0, so that nothing overflows and the sum is at least 1. The shift is a constant to
    autograd, since what it adds to the gradient cancels as well.

    A logit of −∞ gets probability 0. A row of nothing but −∞ has no answer: NaN, as in PyTorch.

    Difference from PyTorch: ``dim`` is required; :func:`torch.nn.functional.softmax` guesses it
    from the number of dimensions, with a warning.

    References
    ----------
    J. S. Bridle, "Probabilistic interpretation of feedforward classification network outputs",
    Neurocomputing, 1990, doi:10.1007/978-3-642-76153-9_28.

    Examples
    --------
    >>> softmax(torch.tensor([0.0, 0.0]), dim=0).tolist()
    [0.5, 0.5]

    Logits of 100 overflow the exponential of float32; only their differences matter:

    >>> softmax(torch.tensor([100.0, 99.0]), dim=0)
    tensor([0.7311, 0.2689])
    """
    shifted, answer = _shifted_logits(input, dim, dtype)
    exponentials = torch.exp(shifted)
    return (exponentials / exponentials.sum(dim, keepdim=True)).to(answer)


def log_softmax(input: Tensor, dim: int, *, dtype: torch.dtype | None = None) -> Tensor:
    r"""Return the logarithms of the probabilities that :func:`softmax` gives.

    .. math:: \mathrm{log\_softmax}(z)_k = (z_k - m) - \log \sum_j e^{z_j - m},
              \qquad m = \max_j z_j

    Parameters
    ----------
    input : Tensor
        Logits: any floating-point numbers.
    dim : int
        The dimension of the classes.
    dtype : torch.dtype, optional
        Convert the input to this floating-point dtype first.

    Returns
    -------
    Tensor
        Log-probabilities, none above 0.

    Shapes
    ------
    input : ``(*, C, *)`` with C classes at ``dim``
    return : ``(*, C, *)``

    Raises
    ------
    TypeError
        If ``input`` is not a tensor, if neither its dtype nor ``dtype`` is a floating-point one,
        or if ``dim`` is not an ``int``.
    ValueError
        If ``input`` has no dimension ``dim``.

    Notes
    -----
    It is not computed as the logarithm of the softmax. A probability below the smallest float32
    number rounds to 0, and its logarithm is then −∞; here it never has to be formed.

    Difference from PyTorch: ``dim`` is required.

    References
    ----------
    P. Blanchard, D. J. Higham, N. J. Higham, "Accurately computing the log-sum-exp and softmax
    functions", IMA Journal of Numerical Analysis 41 (2021), doi:10.1093/imanum/draa038.

    Examples
    --------
    >>> log_softmax(torch.tensor([0.0, 200.0]), dim=0).tolist()
    [-200.0, 0.0]
    >>> softmax(torch.tensor([0.0, 200.0]), dim=0).log().tolist()
    [-inf, 0.0]
    """
    shifted, answer = _shifted_logits(input, dim, dtype)
    return (shifted - torch.exp(shifted).sum(dim, keepdim=True).log()).to(answer)


def _shifted_logits(
    input: object, dim: object, dtype: torch.dtype | None
) -> tuple[Tensor, torch.dtype]:
    """Return the logits less their maximum along ``dim``, and the dtype to answer in."""
    logits = require_tensor("input", input)
    if dtype is not None:
        if not (isinstance(dtype, torch.dtype) and dtype.is_floating_point):
            raise TypeError(f"dtype must be a floating-point dtype, got {describe(dtype)}")
        logits = logits.to(dtype)
    x = _widened(require_floating("input", logits))
    n_dims = max(x.dim(), 1)  # a tensor without dimensions counts as one class
    along = require_integer("dim", dim, minimum=-n_dims, maximum=n_dims - 1)
    if x.numel() == 0:  # nothing has no maximum
        return x, logits.dtype
    return x - x.detach().amax(along, keepdim=True), logits.dtype


@dataclass(frozen=True)
class Curve:
    r"""A function of one number together with its slope, derived by hand.

    Parameters
    ----------
    name : str
        What to call it.
    formula : str
        The function of :math:`x` in TeX, without dollar signs.
    value, slope : callable
        Each takes a floating-point tensor and returns one of the same shape.

    Examples
    --------
    >>> curve = CURVES["sigmoid"]
    >>> curve.value(torch.tensor(4.0)).item(), curve.slope(torch.tensor(4.0)).item()
    (0.9820..., 0.0176...)
    """

    name: str
    formula: str
    value: Callable[[Tensor], Tensor]
    slope: Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class SigmoidCurve(Curve):
    r"""An S-shaped curve from −1 to 1 that passes 0 with slope 1.

    Parameters
    ----------
    name, formula, value, slope
        As in :class:`Curve`.
    gap : callable
        What is missing to the limit, :math:`1 - s(x)`, for :math:`x > 0`. It is not computed as
        that difference, which float32 rounds to 0 as soon as the value is within 3e-8 of 1.
    gap_formula : str
        What the gap becomes for large :math:`x`, in TeX.

    Examples
    --------
    >>> curve = SIGMOID_FAMILY["tanh"]
    >>> x = torch.tensor(20.0)
    >>> (1 - curve.value(x)).item(), f"{curve.gap(x).item():.3e}"
    (0.0, '8.497e-18')
    """

    gap: Callable[[Tensor], Tensor]
    gap_formula: str


def _normal_density(x: Tensor) -> Tensor:
    return torch.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)


def _normal_share(x: Tensor) -> Tensor:
    return 0.5 * torch.erfc(-x / math.sqrt(2))


def _sigmoid_slope(x: Tensor) -> Tensor:
    return sigmoid(x) * sigmoid(-x)  # 1 - sigmoid(x), without the rounding to 0 for large x


def _tanh_slope(x: Tensor) -> Tensor:
    return 4 * _sigmoid_slope(2 * x)


CURVES: dict[str, Curve] = {
    curve.name: curve
    for curve in (
        Curve("relu", r"\max(x, 0)", relu, lambda x: torch.where(x <= 0, torch.zeros_like(x), 1)),
        Curve(
            "leaky_relu",
            r"\max(x, 0.01\,x)",
            leaky_relu,
            lambda x: torch.where(x > 0, torch.ones_like(x), 0.01),
        ),
        Curve("elu", r"x \;\mathrm{or}\; e^x - 1", elu, lambda x: torch.exp(x.clamp(max=0))),
        Curve("softplus", r"\log(1 + e^x)", softplus, sigmoid),
        Curve(
            "silu",
            r"x\,\sigma(x)",
            silu,
            lambda x: sigmoid(x) + x * _sigmoid_slope(x),
        ),
        Curve("gelu", r"x\,\Phi(x)", gelu, lambda x: _normal_share(x) + x * _normal_density(x)),
        Curve("sigmoid", r"1 / (1 + e^{-x})", sigmoid, _sigmoid_slope),
        Curve("tanh", r"\tanh x", tanh, _tanh_slope),
        Curve("softsign", r"x / (1 + |x|)", softsign, lambda x: (1 + x.abs()) ** -2),
        Curve(
            "hardtanh",
            r"\min(\max(x, -1), 1)",
            hardtanh,
            lambda x: ((x > -1) & (x < 1)).to(x.dtype),
        ),
    )
}
"""The ten elementwise activations with their default settings, by name.

:meta hide-value:
"""


def _hypotenuse(x: Tensor) -> Tensor:
    return torch.hypot(x, torch.ones_like(x))  # sqrt(1 + x^2), where x^2 may overflow


SIGMOID_FAMILY: dict[str, SigmoidCurve] = {
    curve.name: curve
    for curve in (
        SigmoidCurve(
            "erf",
            r"\mathrm{erf}(\frac{\sqrt{\pi}}{2} x)",
            lambda x: torch.erf(math.sqrt(math.pi) / 2 * x),
            lambda x: torch.exp(-math.pi / 4 * x * x),
            lambda x: torch.erfc(math.sqrt(math.pi) / 2 * x),
            r"\frac{2}{\pi x} e^{-\pi x^2 / 4}",
        ),
        SigmoidCurve(
            "tanh",
            r"\tanh x",
            tanh,
            _tanh_slope,
            lambda x: 2 * sigmoid(-2 * x),
            r"2 e^{-2x}",
        ),
        SigmoidCurve(
            "logistic",
            r"2\sigma(2x) - 1",
            lambda x: 2 * sigmoid(2 * x) - 1,
            lambda x: 4 * _sigmoid_slope(2 * x),
            lambda x: 2 * sigmoid(-2 * x),
            r"2 e^{-2x}",
        ),
        SigmoidCurve(
            "algebraic",
            r"x / \sqrt{1 + x^2}",
            lambda x: x / _hypotenuse(x),
            lambda x: _hypotenuse(x) ** -3,
            lambda x: 1 / (_hypotenuse(x) * (_hypotenuse(x) + x)),
            r"\frac{1}{2 x^2}",
        ),
        SigmoidCurve(
            "arctan",
            r"\frac{2}{\pi}\,\arctan(\frac{\pi}{2} x)",
            lambda x: 2 / math.pi * torch.atan(math.pi / 2 * x),
            lambda x: 1 / (1 + (math.pi / 2 * x) ** 2),
            lambda x: 2 / math.pi * torch.atan(2 / (math.pi * x)),
            r"\frac{4}{\pi^2 x}",
        ),
        SigmoidCurve(
            "softsign",
            r"x / (1 + |x|)",
            softsign,
            lambda x: (1 + x.abs()) ** -2,
            lambda x: 1 / (1 + x),
            r"\frac{1}{x}",
        ),
    )
}
"""Six sigmoid functions, each stretched to run from −1 to 1 with slope 1 at 0, by name.

The order is that of how fast they approach their limits, the fastest first. Stretched like this,
the logistic function *is* the hyperbolic tangent.

:meta hide-value:
"""
