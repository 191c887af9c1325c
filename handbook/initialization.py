r"""Where weights start: fans, gains, and draws that keep a signal's size from layer to layer.

Each function fills the tensor that it is given, in place and without recording a gradient, and
returns it. The draws are standard ones, uniform on [0, 1) or normal, that are scaled here; from
the same generator they are those of ``torch.nn.init``, up to rounding.
"""

from __future__ import annotations

import math
import warnings

import torch
from torch import Tensor

from handbook.checks import (
    describe,
    require_choice,
    require_floating,
    require_generator,
    require_number,
    require_tensor,
)

__all__ = [
    "calculate_gain",
    "fan_in_and_fan_out",
    "uniform_",
    "normal_",
    "trunc_normal_",
    "constant_",
    "ones_",
    "zeros_",
    "xavier_uniform_",
    "xavier_normal_",
    "kaiming_uniform_",
    "kaiming_normal_",
    "orthogonal_",
]

_GAINS = {
    "linear": 1.0,
    "conv1d": 1.0,
    "conv2d": 1.0,
    "conv3d": 1.0,
    "conv_transpose1d": 1.0,
    "conv_transpose2d": 1.0,
    "conv_transpose3d": 1.0,
    "sigmoid": 1.0,
    "tanh": 5.0 / 3.0,
    "relu": math.sqrt(2.0),
    "selu": 0.75,
}
_DEFAULT_SLOPE = 0.01  # of leaky_relu in PyTorch


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    r"""Return the factor by which weights must be larger because an activation shrinks the signal.

    .. math:: g_{\text{relu}} = \sqrt 2, \qquad
              g_{\text{leaky}} = \sqrt{\frac{2}{1 + s^2}}, \qquad
              g_{\tanh} = \tfrac53, \qquad g_{\text{selu}} = \tfrac34, \qquad
              g_{\text{others}} = 1

    Parameters
    ----------
    nonlinearity : str
        ``"linear"``, a convolution such as ``"conv2d"``, ``"sigmoid"``, ``"tanh"``, ``"relu"``,
        ``"leaky_relu"`` or ``"selu"``.
    param : float, optional
        The slope :math:`s` of ``"leaky_relu"`` for negative numbers, 0.01 by default. The others
        have no parameter, and do not look at it.

    Returns
    -------
    float
        The gain, dimensionless.

    Raises
    ------
    TypeError
        If the slope is not a number.
    ValueError
        If the activation is unknown, or the slope is NaN.

    Notes
    -----
    Only two of the numbers follow from a formula: those of relu and leaky relu keep
    :math:`\mathbb E[x^2]` exactly, for a symmetric :math:`x`. The 5/3 of tanh and the 3/4 of selu
    are conventions. The 1 of the sigmoid keeps nothing: its slope is ¼ at most.

    References
    ----------
    K. He, X. Zhang, S. Ren, J. Sun, "Delving deep into rectifiers", ICCV 2015,
    https://doi.org/10.1109/ICCV.2015.123.

    Examples
    --------
    >>> calculate_gain("relu")
    1.414...

    A slope of 1 is a straight line, and needs no gain:

    >>> calculate_gain("leaky_relu", 1)
    1.0
    """
    name = require_choice("nonlinearity", nonlinearity, (*_GAINS, "leaky_relu"))
    if name != "leaky_relu":
        return _GAINS[name]
    slope = _DEFAULT_SLOPE if param is None else require_number("param", param)
    return math.sqrt(2.0 / (1.0 + slope * slope))


def fan_in_and_fan_out(tensor: Tensor) -> tuple[int, int]:
    r"""Count the inputs of one output of a layer, and the outputs that one input goes to.

    .. math:: n_{\text{in}} = C_{\text{in}} \, k, \qquad n_{\text{out}} = C_{\text{out}} \, k

    with :math:`k` places in the kernel, which is 1 for a linear layer.

    Parameters
    ----------
    tensor : Tensor
        The weight of a linear layer or a convolution.

    Returns
    -------
    tuple of int
        Fan-in and fan-out.

    Shapes
    ------
    tensor : ``(C_out, C_in, *kernel)``

    Raises
    ------
    TypeError
        If ``tensor`` is not a tensor.
    ValueError
        If it has fewer than 2 dimensions.

    Notes
    -----
    The fans are read off the shape. For a convolution with groups the second size is that of a
    group, so the fan-in is right and the fan-out too large; with a stride, or at a border, an input
    goes to fewer places than :math:`k`. PyTorch counts alike.

    Examples
    --------
    >>> fan_in_and_fan_out(torch.empty(10, 784))
    (784, 10)
    >>> fan_in_and_fan_out(torch.empty(16, 3, 5, 5))  # 3 * 25 and 16 * 25
    (75, 400)
    """
    weight = require_tensor("tensor", tensor)
    if weight.dim() < 2:
        raise ValueError(
            f"tensor must have at least 2 dimensions to have fans, got {describe(weight)}; "
            "use constant_ or uniform_ for a bias"
        )
    n_places = math.prod(weight.shape[2:])
    return weight.shape[1] * n_places, weight.shape[0] * n_places


def _fill_with_draws(
    tensor: Tensor, distribution: str, generator: torch.Generator | None
) -> Tensor:
    """Fill with standard draws, "uniform" on [0, 1) or "normal", made where the generator lives."""
    if generator is not None:
        require_generator("generator", generator)
    elsewhere = generator is not None and generator.device != tensor.device
    if elsewhere and tensor.device.type == "meta":
        return tensor
    draws = torch.empty_like(tensor, device=generator.device) if elsewhere and generator else tensor
    if distribution == "normal":
        draws.normal_(generator=generator)
    else:
        draws.uniform_(generator=generator)
    return tensor.copy_(draws) if elsewhere else tensor


def _fill_uniform_between(
    tensor: Tensor, a: float, b: float, generator: torch.Generator | None
) -> Tensor:
    with torch.no_grad():
        return _fill_with_draws(tensor, "uniform", generator).mul_(b - a).add_(a)


def _fill_normal(
    tensor: Tensor, mean: float, std: float, generator: torch.Generator | None
) -> Tensor:
    with torch.no_grad():
        return _fill_with_draws(tensor, "normal", generator).mul_(std).add_(mean)


def uniform_(
    tensor: Tensor, a: float = 0.0, b: float = 1.0, *, generator: torch.Generator | None = None
) -> Tensor:
    r"""Fill with draws that are equally likely anywhere between two bounds.

    .. math:: w = a + (b - a)\,u, \quad u \sim U(0, 1), \qquad
              \mathbb E[w] = \frac{a + b}{2}, \qquad \operatorname{Var}[w] = \frac{(b - a)^2}{12}

    Parameters
    ----------
    tensor : Tensor
        What to fill, in place.
    a, b : float, default 0 and 1
        The bounds.
    generator : torch.Generator, optional
        Where the draws come from; without it, PyTorch's global generator.

    Returns
    -------
    Tensor
        ``tensor`` itself.

    Shapes
    ------
    tensor : ``(*)``
    return : ``(*)``

    Raises
    ------
    TypeError
        If ``tensor`` is not a floating-point tensor, or another argument has the wrong type.
    ValueError
        If ``b`` is smaller than ``a``, or the bounds are not finite.

    Notes
    -----
    Differences from PyTorch: the generator is keyword-only, and may live on another device than the
    tensor, so that a seed gives the same weights everywhere.

    Examples
    --------
    >>> w = uniform_(torch.empty(1000), -1, 1, generator=torch.Generator().manual_seed(0))
    >>> w.min().item() >= -1, w.max().item() <= 1, round(12 * w.var().item())  # 12 var = 2²
    (True, True, 4)
    """
    require_floating("tensor", tensor)
    low, high = _bounds(a, b)
    if math.isinf(high - low):
        raise ValueError(f"a and b must be finite, and so must b - a, got {a!r} and {b!r}")
    return _fill_uniform_between(tensor, low, high, generator)


def _bounds(a: object, b: object) -> tuple[float, float]:
    low, high = require_number("a", a), require_number("b", b)
    if high < low:
        raise ValueError(f"b must be at least a = {low}, got {high}")
    return low, high


def normal_(
    tensor: Tensor,
    mean: float = 0.0,
    std: float = 1.0,
    *,
    generator: torch.Generator | None = None,
) -> Tensor:
    r"""Fill with draws from a normal distribution.

    .. math:: w = \mu + \sigma z, \qquad z \sim N(0, 1)

    Parameters
    ----------
    tensor : Tensor
        What to fill, in place.
    mean, std : float, default 0 and 1
        Mean :math:`\mu` and standard deviation :math:`\sigma` (not the variance).
    generator : torch.Generator, optional
        Where the draws come from; without it, PyTorch's global generator.

    Returns
    -------
    Tensor
        ``tensor`` itself.

    Shapes
    ------
    tensor : ``(*)``
    return : ``(*)``

    Raises
    ------
    TypeError
        If ``tensor`` is not a floating-point tensor, or another argument has the wrong type.
    ValueError
        If ``std`` is negative.

    Notes
    -----
    Differences from PyTorch: as for :func:`uniform_`; and complex tensors are refused.

    Examples
    --------
    A spread of zero leaves only the mean:

    >>> normal_(torch.empty(2), 3.0, 0.0)
    tensor([3., 3.])
    """
    require_floating("tensor", tensor)
    center = require_number("mean", mean)
    return _fill_normal(tensor, center, require_number("std", std, minimum=0.0), generator)


def trunc_normal_(
    tensor: Tensor,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    *,
    generator: torch.Generator | None = None,
) -> Tensor:
    r"""Fill with draws from a normal distribution, kept inside two bounds.

    .. math:: p(w) \propto e^{-(w - \mu)^2 / 2\sigma^2} \quad \text{for } a \le w \le b

    Parameters
    ----------
    tensor : Tensor
        What to fill, in place.
    mean, std : float, default 0 and 1
        Of the normal distribution before the cut. The draws' own mean and standard deviation differ
        from them.
    a, b : float, optional
        The bounds: numbers, not multiples of ``std``.
    generator : torch.Generator, optional
        Where the draws come from; without it, PyTorch's global generator.

    Returns
    -------
    Tensor
        ``tensor`` itself.

    Shapes
    ------
    tensor : ``(*)``
    return : ``(*)``

    Raises
    ------
    TypeError
        If ``tensor`` is not a floating-point tensor, or another argument has the wrong type.
    ValueError
        If ``std`` is not positive, or ``b`` is smaller than ``a``.

    Notes
    -----
    While the bounds hold more than 0.3 of the probability, what falls outside is drawn again, with
    the draws of PyTorch's current version. Otherwise a simpler distribution is drawn from and
    thinned out by rejection: a uniform one for a narrow interval, an exponential one for a long
    interval that begins in a tail. So no interval is slow or wrong, and there is no warning.

    References
    ----------
    C. P. Robert, "Simulation of truncated normal variables", Statistics and Computing 5, 1995,
    https://doi.org/10.1007/BF00143942.

    Examples
    --------
    >>> generator = torch.Generator().manual_seed(0)
    >>> w = trunc_normal_(torch.empty(10_000), generator=generator)
    >>> w.abs().max().item() <= 2, round(w.std().item(), 1)
    (True, 0.9)

    With a small ``std`` the default bounds cut nothing: they lie at 100 standard deviations.

    >>> w = trunc_normal_(torch.empty(10_000), std=0.02, generator=generator)
    >>> w.abs().max().item() > 0.06
    True
    """
    require_floating("tensor", tensor)
    center, spread = require_number("mean", mean), require_number("std", std, above=0.0)
    low, high = _bounds(a, b)
    alpha, beta = (low - center) / spread, (high - center) / spread
    inside = (math.erf(beta / math.sqrt(2.0)) - math.erf(alpha / math.sqrt(2.0))) / 2.0
    with torch.no_grad():
        if inside > 0.3:
            limits = tensor.new_tensor([low, high])  # rounded as the draws are
            result = _fill_normal(torch.empty_like(tensor), center, spread, generator)
            while True:
                outside = (result < limits[0]) | (result > limits[1])
                if not bool(outside.any()):
                    return tensor.copy_(result)
                again = _fill_normal(torch.empty_like(tensor), center, spread, generator)
                result = torch.where(outside, again, result)
        draws = _tail_draws(tensor, alpha, beta, generator)
        return tensor.copy_((draws * spread + center).clamp(low, high))


def _tail_draws(
    tensor: Tensor, alpha: float, beta: float, generator: torch.Generator | None
) -> Tensor:
    """Draw standard normal numbers between two bounds that hold little of the probability."""
    if beta <= 0:  # the other tail
        return -_tail_draws(tensor, -beta, -alpha, generator)
    wide = torch.float32 if tensor.element_size() < 4 else tensor.dtype
    result = torch.empty(tensor.shape, dtype=wide, device=tensor.device).flatten()
    waiting = torch.arange(result.numel(), device=tensor.device)
    rate = (alpha + math.sqrt(alpha * alpha + 4.0)) / 2.0
    long_tail = alpha > 0 and (beta - alpha) * rate > 1.0
    peak = max(alpha, 0.0)
    while len(waiting):
        u, v = _fill_with_draws(result.new_empty(2, len(waiting)), "uniform", generator)
        if long_tail:  # an exponential that begins at the bound
            beyond = -torch.log1p(-u) / rate
            log_share = -((beyond + (alpha - rate)) ** 2) / 2.0
        else:  # (z² - peak²) / 2, with the difference taken before the squares
            beyond = u * (beta - alpha)
            log_share = -(beyond + (alpha - peak)) * (beyond + (alpha + peak)) / 2.0
        accepted = (torch.log(v) <= log_share) & (beyond <= beta - alpha)
        result[waiting[accepted]] = alpha + beyond[accepted]
        waiting = waiting[~accepted]
    return result.reshape(tensor.shape)


def constant_(tensor: Tensor, val: float) -> Tensor:
    r"""Fill with one number.

    .. math:: w = c

    Parameters
    ----------
    tensor : Tensor
        What to fill, in place; of any dtype.
    val : float
        The number :math:`c`.

    Returns
    -------
    Tensor
        ``tensor`` itself.

    Shapes
    ------
    tensor : ``(*)``
    return : ``(*)``

    Raises
    ------
    TypeError
        If ``tensor`` is not a tensor, or ``val`` is not a number.

    Notes
    -----
    For biases. Weights that start equal stay equal: all units of a layer compute the same, get the
    same gradient, and go on as one unit.

    Examples
    --------
    >>> constant_(torch.empty(3), -0.2)
    tensor([-0.2000, -0.2000, -0.2000])
    """
    require_tensor("tensor", tensor)
    if not isinstance(val, (bool, int, float, complex)):
        raise TypeError(f"val must be a number, got {describe(val)}")
    with torch.no_grad():
        return tensor.fill_(val)


def ones_(tensor: Tensor) -> Tensor:
    r"""Fill with ones, as the weights of a normalisation start.

    .. math:: w = 1

    Parameters
    ----------
    tensor : Tensor
        What to fill, in place; of any dtype.

    Returns
    -------
    Tensor
        ``tensor`` itself.

    Shapes
    ------
    tensor : ``(*)``
    return : ``(*)``

    Raises
    ------
    TypeError
        If ``tensor`` is not a tensor.

    Examples
    --------
    >>> ones_(torch.empty(2))
    tensor([1., 1.])
    """
    return constant_(tensor, 1)


def zeros_(tensor: Tensor) -> Tensor:
    r"""Fill with zeros, as biases start.

    .. math:: w = 0

    Parameters
    ----------
    tensor : Tensor
        What to fill, in place; of any dtype.

    Returns
    -------
    Tensor
        ``tensor`` itself.

    Shapes
    ------
    tensor : ``(*)``
    return : ``(*)``

    Raises
    ------
    TypeError
        If ``tensor`` is not a tensor.

    Examples
    --------
    >>> zeros_(torch.empty(2))
    tensor([0., 0.])
    """
    return constant_(tensor, 0)


def _xavier_std(tensor: Tensor, gain: float) -> float:
    require_floating("tensor", tensor)
    factor = require_number("gain", gain, minimum=0.0)
    fans = sum(fan_in_and_fan_out(tensor))
    return factor * math.sqrt(2.0 / fans) if fans else 0.0  # without fans there are no weights


def xavier_uniform_(
    tensor: Tensor, gain: float = 1.0, *, generator: torch.Generator | None = None
) -> Tensor:
    r"""Fill uniformly, so that the mean of the two fans keeps the signal's size.

    .. math:: w \sim U(-b, b), \qquad
              b = g \sqrt{\frac{6}{n_{\text{in}} + n_{\text{out}}}}, \qquad
              \operatorname{Var}[w] = \frac{2 g^2}{n_{\text{in}} + n_{\text{out}}}

    Parameters
    ----------
    tensor : Tensor
        The weight to fill, in place.
    gain : float, default 1
        The factor :math:`g`, at least 0; see :func:`calculate_gain`.
    generator : torch.Generator, optional
        Where the draws come from; without it, PyTorch's global generator.

    Returns
    -------
    Tensor
        ``tensor`` itself.

    Shapes
    ------
    tensor : ``(C_out, C_in, *kernel)``
    return : ``(C_out, C_in, *kernel)``

    Raises
    ------
    TypeError
        If ``tensor`` is not a floating-point tensor, or another argument has the wrong type.
    ValueError
        If it has fewer than 2 dimensions, or ``gain`` is negative.

    Notes
    -----
    Differences from PyTorch: as for :func:`uniform_`; and a tensor of shape ``(0, 0)`` is left as
    it is, where PyTorch divides by zero.

    References
    ----------
    X. Glorot, Y. Bengio, "Understanding the difficulty of training deep feedforward neural
    networks", AISTATS 2010.

    Examples
    --------
    >>> w = xavier_uniform_(torch.empty(100, 200), generator=torch.Generator().manual_seed(0))
    >>> w.abs().max().item() <= (6 / 300) ** 0.5
    True
    """
    bound = math.sqrt(3.0) * _xavier_std(tensor, gain)  # U(-b, b) has the variance b² / 3
    return _fill_uniform_between(tensor, -bound, bound, generator)


def xavier_normal_(
    tensor: Tensor, gain: float = 1.0, *, generator: torch.Generator | None = None
) -> Tensor:
    r"""Fill from a normal distribution, so that the mean of the two fans keeps the signal's size.

    .. math:: w \sim N(0, \sigma^2), \qquad
              \sigma = g \sqrt{\frac{2}{n_{\text{in}} + n_{\text{out}}}}

    Parameters
    ----------
    tensor : Tensor
        The weight to fill, in place.
    gain : float, default 1
        The factor :math:`g`, at least 0; see :func:`calculate_gain`.
    generator : torch.Generator, optional
        Where the draws come from; without it, PyTorch's global generator.

    Returns
    -------
    Tensor
        ``tensor`` itself.

    Shapes
    ------
    tensor : ``(C_out, C_in, *kernel)``
    return : ``(C_out, C_in, *kernel)``

    Raises
    ------
    TypeError
        If ``tensor`` is not a floating-point tensor, or another argument has the wrong type.
    ValueError
        If it has fewer than 2 dimensions, or ``gain`` is negative.

    Notes
    -----
    Differences from PyTorch: as for :func:`xavier_uniform_`.

    References
    ----------
    X. Glorot, Y. Bengio, "Understanding the difficulty of training deep feedforward neural
    networks", AISTATS 2010.

    Examples
    --------
    >>> w = xavier_normal_(torch.empty(100, 300), generator=torch.Generator().manual_seed(0))
    >>> round(200 * w.var().item(), 2)
    1.0
    """
    return _fill_normal(tensor, 0.0, _xavier_std(tensor, gain), generator)


def _kaiming_std(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float | None:
    """Return the standard deviation, or None where there is nothing to fill."""
    weight = require_floating("tensor", tensor)
    wanted = mode.lower() if isinstance(mode, str) else mode
    require_choice("mode", wanted, ("fan_in", "fan_out"))
    gain = calculate_gain(nonlinearity, a)
    if weight.numel() == 0:
        warnings.warn("tensor has no elements, so there is nothing to initialise", stacklevel=3)
        return None
    fan_in, fan_out = fan_in_and_fan_out(weight)
    return gain / math.sqrt(fan_in if wanted == "fan_in" else fan_out)


def kaiming_uniform_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    *,
    generator: torch.Generator | None = None,
) -> Tensor:
    r"""Fill uniformly, so that one fan keeps the signal's size behind a relu.

    .. math:: w \sim U(-b, b), \qquad b = g \sqrt{\frac{3}{n}}, \qquad
              \operatorname{Var}[w] = \frac{g^2}{n}

    Parameters
    ----------
    tensor : Tensor
        The weight to fill, in place.
    a : float, default 0
        The slope of the leaky relu for negative numbers; 0 is a relu. Other activations do not look
        at it.
    mode : {"fan_in", "fan_out"}
        Which fan is :math:`n`: the first keeps the signal on its way forward, the second the
        gradient on its way back.
    nonlinearity : str, default "leaky_relu"
        Whose gain :math:`g` to take: see :func:`calculate_gain`.
    generator : torch.Generator, optional
        Where the draws come from; without it, PyTorch's global generator.

    Returns
    -------
    Tensor
        ``tensor`` itself.

    Shapes
    ------
    tensor : ``(C_out, C_in, *kernel)``
    return : ``(C_out, C_in, *kernel)``

    Raises
    ------
    TypeError
        If ``tensor`` is not a floating-point tensor, or another argument has the wrong type.
    ValueError
        If it has fewer than 2 dimensions, or ``mode`` or ``nonlinearity`` is unknown.

    Warns
    -----
    UserWarning
        If the tensor has no elements; it is left as it is, as in PyTorch.

    Notes
    -----
    ``nn.Linear`` and the convolutions of PyTorch call it with :math:`a = \sqrt 5`. That is a way to
    write the bound :math:`1/\sqrt n`, and has nothing to do with a leaky relu: the variance is
    :math:`1/(3n)`, a sixth of what a relu needs. Differences from PyTorch: as for :func:`uniform_`.

    References
    ----------
    K. He, X. Zhang, S. Ren, J. Sun, "Delving deep into rectifiers", ICCV 2015,
    https://doi.org/10.1109/ICCV.2015.123.

    Examples
    --------
    >>> generator = torch.Generator().manual_seed(0)
    >>> w = kaiming_uniform_(torch.empty(100, 600), generator=generator)
    >>> w.abs().max().item() <= 0.1, round(600 * w.var().item(), 2)
    (True, 2.0)
    """
    std = _kaiming_std(tensor, a, mode, nonlinearity)
    if std is None:
        return tensor
    bound = math.sqrt(3.0) * std
    return _fill_uniform_between(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    *,
    generator: torch.Generator | None = None,
) -> Tensor:
    r"""Fill from a normal distribution, so that one fan keeps the signal's size behind a relu.

    .. math:: w \sim N(0, \sigma^2), \qquad \sigma = \frac{g}{\sqrt n}

    Parameters
    ----------
    tensor : Tensor
        The weight to fill, in place.
    a : float, default 0
        The slope of the leaky relu for negative numbers; 0 is a relu. Other activations do not look
        at it.
    mode : {"fan_in", "fan_out"}
        Which fan is :math:`n`: the first keeps the signal on its way forward, the second the
        gradient on its way back.
    nonlinearity : str, default "leaky_relu"
        Whose gain :math:`g` to take: see :func:`calculate_gain`.
    generator : torch.Generator, optional
        Where the draws come from; without it, PyTorch's global generator.

    Returns
    -------
    Tensor
        ``tensor`` itself.

    Shapes
    ------
    tensor : ``(C_out, C_in, *kernel)``
    return : ``(C_out, C_in, *kernel)``

    Raises
    ------
    TypeError
        If ``tensor`` is not a floating-point tensor, or another argument has the wrong type.
    ValueError
        If it has fewer than 2 dimensions, or ``mode`` or ``nonlinearity`` is unknown.

    Warns
    -----
    UserWarning
        If the tensor has no elements; it is left as it is, as in PyTorch.

    Notes
    -----
    Differences from PyTorch: as for :func:`uniform_`.

    References
    ----------
    K. He, X. Zhang, S. Ren, J. Sun, "Delving deep into rectifiers", ICCV 2015,
    https://doi.org/10.1109/ICCV.2015.123.

    Examples
    --------
    >>> generator = torch.Generator().manual_seed(0)
    >>> w = kaiming_normal_(torch.empty(400, 100), mode="fan_out", generator=generator)
    >>> round(400 * w.var().item(), 1)
    2.0
    """
    std = _kaiming_std(tensor, a, mode, nonlinearity)
    return tensor if std is None else _fill_normal(tensor, 0.0, std, generator)


def orthogonal_(
    tensor: Tensor, gain: float = 1, *, generator: torch.Generator | None = None
) -> Tensor:
    r"""Fill with a matrix that keeps lengths, drawn uniformly among all such matrices.

    .. math:: W W^\top = g^2 I \ \text{ if } m \le n, \qquad W^\top W = g^2 I \ \text{ if } m \ge n,
              \qquad W \text{ of shape } (m, n)

    Parameters
    ----------
    tensor : Tensor
        The weight to fill, in place. Dimensions after the second are flattened into columns.
    gain : float, default 1
        The factor :math:`g`: all singular values are its absolute value.
    generator : torch.Generator, optional
        Where the draws come from; without it, PyTorch's global generator.

    Returns
    -------
    Tensor
        ``tensor`` itself.

    Shapes
    ------
    tensor : ``(m, *)``
    return : ``(m, *)``

    Raises
    ------
    TypeError
        If ``tensor`` is not a floating-point tensor, or another argument has the wrong type.
    ValueError
        If it has fewer than 2 dimensions.

    Notes
    -----
    The columns of a normal matrix, made orthogonal one after the other. A column that has nearly
    gone after the first subtraction keeps rounding errors; the second takes them away. The matrix
    is that of a QR decomposition whose R has a positive diagonal, and there is only one: so the
    same generator gives PyTorch's numbers, up to rounding. Differences from PyTorch: half precision
    is taken too, and an empty tensor is left as it is by both.

    References
    ----------
    A. M. Saxe, J. L. McClelland, S. Ganguli, "Exact solutions to the nonlinear dynamics of learning
    in deep linear neural networks", ICLR 2014, arXiv:1312.6120. F. Mezzadri, "How to generate
    random matrices from the classical compact groups", Notices of the AMS 54, 2007.

    Examples
    --------
    >>> generator = torch.Generator().manual_seed(0)
    >>> w = orthogonal_(torch.empty(3, 5), generator=generator)  # three rows of length 1
    >>> torch.allclose(w @ w.T, torch.eye(3), atol=1e-6)
    True
    """
    weight = require_floating("tensor", tensor)
    factor = require_number("gain", gain)
    if weight.dim() < 2:
        raise ValueError(f"tensor must have at least 2 dimensions, got {describe(weight)}")
    if weight.numel() == 0 or weight.device.type == "meta":
        return tensor
    rows = weight.shape[0]
    columns = weight.numel() // rows
    wide = torch.float32 if weight.element_size() < 4 else weight.dtype
    with torch.no_grad():
        drawn = torch.empty(rows, columns, dtype=wide, device=weight.device)
        _fill_with_draws(drawn, "normal", generator)
        tall = drawn.t() if rows < columns else drawn
        q = torch.zeros_like(tall, memory_format=torch.contiguous_format)
        for i in range(tall.shape[1]):
            column = tall[:, i]
            for _ in range(2):
                column = column - q[:, :i] @ (q[:, :i].t() @ column)
            q[:, i] = column / column.square().sum().sqrt()
        square = q.t() if rows < columns else q
        return tensor.copy_((factor * square).reshape(weight.shape))
