r"""Numbers in 16 bits: what they can hold, how they round, and how a loss is scaled to fit them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from handbook.checks import (
    describe,
    require_floating,
    require_integer,
    require_number,
    require_tensor,
)

__all__ = ["FloatFormat", "float_format", "round_to", "unscale", "next_scale"]

_FORMATS = {  # exponent bits and fraction bits; one more is the sign
    torch.float16: (5, 10),
    torch.bfloat16: (8, 7),
    torch.float32: (8, 23),
    torch.float64: (11, 52),
}


class FloatFormat(NamedTuple):
    r"""What a floating-point format can hold.

    Attributes
    ----------
    exponent_bits, fraction_bits : int
        How the bits are spent; one more is the sign.
    epsilon : float
        The distance from 1 to the next number, :math:`2^{-f}` for :math:`f` fraction bits.
    largest : float
        The largest finite number.
    smallest_normal : float
        Below it, numbers lose digits.
    smallest : float
        The smallest positive number. Half of it, and all below, rounds to 0.

    Examples
    --------
    >>> FloatFormat(5, 10, 2**-10, 65504.0, 2**-14, 2**-24) == float_format(torch.float16)
    True
    """

    exponent_bits: int
    fraction_bits: int
    epsilon: float
    largest: float
    smallest_normal: float
    smallest: float


def float_format(dtype: torch.dtype) -> FloatFormat:
    r"""Return what a floating-point dtype can hold, derived from its bits.

    With :math:`e` exponent bits, :math:`f` fraction bits and the largest exponent
    :math:`E = 2^{e-1} - 1`:

    .. math:: \text{largest} = (2 - 2^{-f}) \, 2^E, \qquad
              \text{smallest normal} = 2^{1 - E}, \qquad
              \text{smallest} = 2^{1 - E - f}

    Parameters
    ----------
    dtype : torch.dtype
        float16, bfloat16, float32 or float64.

    Returns
    -------
    FloatFormat
        As :class:`torch.finfo` has it.

    Raises
    ------
    TypeError
        If ``dtype`` is none of these.

    References
    ----------
    IEEE Standard for Floating-Point Arithmetic, IEEE 754-2019,
    https://doi.org/10.1109/IEEESTD.2019.8766229

    Examples
    --------
    float16 has the finer steps, bfloat16 the wider range:

    >>> for dtype in (torch.float16, torch.bfloat16):
    ...     found = float_format(dtype)
    ...     print(f"{found.epsilon:.1e} {found.largest:.1e} {found.smallest:.1e}")
    9.8e-04 6.6e+04 6.0e-08
    7.8e-03 3.4e+38 9.2e-41
    """
    if dtype not in _FORMATS:
        raise TypeError(
            "dtype must be one of float16, bfloat16, float32, float64, got "
            f"{str(dtype).removeprefix('torch.')}"
        )
    exponent_bits, fraction_bits = _FORMATS[dtype]
    largest_exponent = 2 ** (exponent_bits - 1) - 1
    epsilon = 2.0**-fraction_bits
    return FloatFormat(
        exponent_bits,
        fraction_bits,
        epsilon,
        (2 - epsilon) * 2.0**largest_exponent,
        2.0 ** (1 - largest_exponent),
        2.0 ** (1 - largest_exponent - fraction_bits),
    )


def round_to(input: Tensor, dtype: torch.dtype) -> Tensor:
    r"""Round numbers as a conversion to a shorter format would, and keep their dtype.

    The numbers of a format that lie between :math:`2^k` and :math:`2^{k+1}` are
    :math:`2^{k - f}` apart, and never closer than the smallest positive one:

    .. math:: \mathrm{round}(x) = q \cdot \mathrm{rint}(x / q), \qquad
              q = \max\bigl(2^{\lfloor \log_2 |x| \rfloor - f}, \; \text{smallest}\bigr)

    Parameters
    ----------
    input : Tensor
        Numbers in a format at least as fine as ``dtype``.
    dtype : torch.dtype
        float16 or bfloat16, or a longer one.

    Returns
    -------
    Tensor
        For a float32 input equal to ``input.to(dtype).to(input.dtype)``.

    Shapes
    ------
    input : ``(*)``
    return : ``(*)``

    Raises
    ------
    TypeError
        If ``input`` is not a floating-point tensor, or ``dtype`` no floating-point format.

    Notes
    -----
    A tie goes to the even neighbour. What lies beyond the largest number by half a step or more
    becomes infinite. NaN, infinities and the sign of zero stay.

    From float64 to float16, PyTorch rounds twice, to float32 first, which may move a number that
    lies just beside a tie. This function rounds once.

    Rounding has slope 0 almost everywhere; the gradient here passes through unchanged, as it does
    through a conversion.

    Examples
    --------
    >>> x = torch.tensor([1.0, 1.0004, 2049.0, 65519.0, 65520.0, 1e-8])
    >>> round_to(x, torch.float16)
    tensor([1.0000e+00, 1.0000e+00, 2.0480e+03, 6.5504e+04,        inf, 0.0000e+00])
    >>> round_to(x, torch.bfloat16)
    tensor([1.0000e+00, 1.0000e+00, 2.0480e+03, 6.5536e+04, 6.5536e+04, 1.0012e-08])
    """
    x = require_floating("input", input)
    wanted = float_format(dtype)
    # In float64, where neither the quotient nor the step of a shorter format under- or overflows.
    wide = x.detach().double()
    if wanted.fraction_bits >= _FORMATS[torch.float64][1]:
        return x.clone()
    exponent = torch.frexp(wide).exponent - 1
    # Below the smallest normal number the steps get no finer.
    exponent = exponent.clamp(min=2 - 2 ** (wanted.exponent_bits - 1))
    step = torch.ldexp(torch.ones_like(wide), exponent - wanted.fraction_bits)
    rounded = torch.round(wide / step) * step  # torch.round sends ties to the even neighbour
    rounded = torch.where(rounded.abs() > wanted.largest, rounded * torch.inf, rounded)
    rounded = torch.where(torch.isfinite(wide), rounded, wide)
    rounded = torch.copysign(rounded, wide).to(x.dtype)
    return rounded if not x.requires_grad else _StraightThrough.apply(x, rounded)


class _StraightThrough(torch.autograd.Function):
    """The second tensor's values with the gradient of the first."""

    @staticmethod
    def forward(ctx: object, x: Tensor, rounded: Tensor) -> Tensor:
        return rounded.clone()

    @staticmethod
    def backward(ctx: object, *gradients: Tensor) -> tuple[Tensor, None]:
        return gradients[0], None


def unscale(gradients: Sequence[Tensor], scale: float) -> tuple[list[Tensor], bool]:
    r"""Divide gradients by the factor that the loss was multiplied by, and look for overflow.

    .. math:: g = \frac{1}{s} \, \nabla (s L)

    Parameters
    ----------
    gradients : sequence of Tensor
        The gradients of the scaled loss.
    scale : float
        The factor :math:`s`, above 0.

    Returns
    -------
    list of Tensor
        The gradients of the loss itself, in float32 where they came in 16 bits: in float16 they
        might round to 0 again.
    bool
        Whether one of them is infinite or NaN. The step must then be left out.

    Shapes
    ------
    each gradient : ``(*)``
    each returned : ``(*)``

    Raises
    ------
    TypeError
        If ``gradients`` is a single tensor or no sequence, a gradient is not a floating-point
        tensor, or ``scale`` not a number.
    ValueError
        If ``scale`` is not above 0.

    Examples
    --------
    >>> unscale([torch.tensor([1024.0])], 2.0**10)
    ([tensor([1.])], False)
    >>> unscale([torch.tensor([float("inf")], dtype=torch.float16)], 2.0**16)[1]
    True
    """
    scale = require_number("scale", scale, above=0.0)
    given: object = gradients
    if isinstance(given, Tensor) or not isinstance(given, Iterable):
        raise TypeError(
            f"gradients must be a sequence of tensors, got {describe(gradients)}; "
            "use [gradient] for a single one"
        )
    unscaled = []
    for i, gradient in enumerate(gradients):
        wide = require_floating(f"gradients[{i}]", require_tensor(f"gradients[{i}]", gradient))
        wide = wide.float() if wide.dtype in (torch.float16, torch.bfloat16) else wide
        unscaled.append(wide / scale)
    return unscaled, any(not bool(torch.isfinite(gradient).all()) for gradient in unscaled)


def next_scale(
    scale: float,
    n_good_steps: int,
    found_inf: bool,
    *,
    growth_factor: float = 2.0,
    backoff_factor: float = 0.5,
    growth_interval: int = 2000,
) -> tuple[float, int]:
    """Choose the factor for the next step: half after an overflow, double after long peace.

    Parameters
    ----------
    scale : float
        The factor of this step, above 0.
    n_good_steps : int
        How many steps without overflow lie behind, since the factor has last changed.
    found_inf : bool
        Whether this step overflowed.
    growth_factor, backoff_factor : float, optional
        What the factor is multiplied by.
    growth_interval : int, optional
        After how many good steps it grows.

    Returns
    -------
    float
        The next factor.
    int
        The next count of good steps.

    Raises
    ------
    TypeError
        If an argument is of the wrong type.
    ValueError
        If ``scale`` is not above 0, ``growth_factor`` not above 1, ``backoff_factor`` not between
        0 and 1, ``n_good_steps`` negative, or ``growth_interval`` below 1.

    Notes
    -----
    The rule of :class:`torch.amp.GradScaler`, which starts at 65536.

    References
    ----------
    P. Micikevicius et al., "Mixed precision training", ICLR 2018,
    https://arxiv.org/abs/1710.03740

    Examples
    --------
    >>> next_scale(65536.0, 7, True)
    (32768.0, 0)
    >>> next_scale(65536.0, 7, False), next_scale(65536.0, 1999, False)
    ((65536.0, 8), (131072.0, 0))
    """
    scale = require_number("scale", scale, above=0.0)
    require_integer("n_good_steps", n_good_steps, minimum=0)
    if not isinstance(found_inf, bool):
        raise TypeError(f"found_inf must be a bool, got {describe(found_inf)}")
    growth_factor = require_number("growth_factor", growth_factor, above=1.0)
    backoff_factor = require_number("backoff_factor", backoff_factor, above=0.0, below=1.0)
    require_integer("growth_interval", growth_interval, minimum=1)
    if found_inf:
        return scale * backoff_factor, 0
    if n_good_steps + 1 < growth_interval:
        return scale, n_good_steps + 1
    grown = scale * growth_factor
    # A factor that is infinite in float32 would never come down again.
    return (grown if grown <= float_format(torch.float32).largest else scale), 0
