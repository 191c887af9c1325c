r"""Receptive fields: which pixels a unit of a deep layer can see, and which ones it does see.

The theory counts along one dimension, from kernel, stride, padding and dilation of every layer. The
measurement asks any module for the gradient of one output with respect to every pixel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn

from handbook.checks import (
    describe,
    require_floating,
    require_generator,
    require_integer,
    require_integers,
    require_shape,
)

__all__ = [
    "Window",
    "ReceptiveField",
    "windows_of",
    "receptive_field",
    "path_counts",
    "gradient_map",
    "seen_range",
    "profile_std",
]


class Window(NamedTuple):
    """What one layer does along one dimension.

    Attributes
    ----------
    kernel_size, stride, padding, dilation : int
        As in :func:`handbook.convolution.output_size`; in cells.

    Examples
    --------
    >>> Window(3), Window(3, stride=2, padding=1)
    (Window(kernel_size=3, stride=1, padding=0, dilation=1), Window(kernel_size=3, stride=2, ...))
    """

    kernel_size: int
    stride: int = 1
    padding: int = 0
    dilation: int = 1


class ReceptiveField(NamedTuple):
    r"""The input cells that the units of one layer see, along one dimension.

    Unit :math:`q` sees the ``size`` cells from ``first + q * jump`` on.

    Attributes
    ----------
    size : int
        Cells from the first to the last one seen, :math:`r`.
    jump : int
        Cells of the input between the fields of neighbouring units, :math:`j`: the product of
        the strides.
    first : int
        Where unit 0's field begins, :math:`f`; negative inside the padding.

    Examples
    --------
    >>> field = receptive_field([Window(3, padding=1)])[-1]
    >>> field
    ReceptiveField(size=3, jump=1, first=-1)
    """

    size: int
    jump: int
    first: int


def windows_of(module: nn.Module, dim: int = -1) -> list[Window]:
    r"""Read the windows of a chain of layers, in the order in which they stand.

    .. math:: (k_l, s_l, p_l, d_l), \qquad l = 1, \dots, L

    Parameters
    ----------
    module : torch.nn.Module
        A convolution, a pooling, or a :class:`torch.nn.Sequential` of such layers. Layers that
        work on each pixel by itself, such as activations, are passed over.
    dim : int, optional
        -1 for the width, -2 for the height.

    Returns
    -------
    list of Window
        One for each layer with a kernel.

    Raises
    ------
    TypeError
        If ``module`` is not a module.
    ValueError
        If ``dim`` is neither, or a layer is no chain or has a window that depends on the
        input's size, such as adaptive pooling, a linear layer or a transposed convolution.

    Examples
    --------
    >>> windows_of(nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)))
    [Window(kernel_size=3, stride=1, padding=1, dilation=1), Window(kernel_size=2, stride=2, ...)]
    """
    if not isinstance(module, nn.Module):
        raise TypeError(f"module must be a torch.nn.Module, got {describe(module)}")
    if dim not in (-1, -2):
        raise ValueError(f"dim must be -1 (width) or -2 (height), got {describe(dim)}")
    if isinstance(module, nn.Sequential):
        return [window for layer in module for window in windows_of(layer, dim)]
    name, layer = type(module).__name__, cast(Any, module)
    if hasattr(layer, "kernel_size") and "Transpose" not in name and "Unpool" not in name:
        k, s, d = (
            _along(value, dim)
            for value in (layer.kernel_size, layer.stride, getattr(layer, "dilation", 1))
        )
        padding = layer.padding
        if padding == "same":
            padding = d * (k - 1) // 2
        return [Window(k, s, 0 if padding == "valid" else _along(padding, dim), d)]
    if name.startswith(_PIXEL_BY_PIXEL):
        return []
    raise ValueError(
        f"module must be a chain of layers with a kernel or of elementwise ones, got a {name}; "
        f"use gradient_map, which measures any module"
    )


def receptive_field(windows: Iterable[Window | tuple[int, ...] | int]) -> list[ReceptiveField]:
    r"""Return the receptive field of every layer, by recursion from the input.

    .. math::

        r_l = r_{l-1} + d_l (k_l - 1) \, j_{l-1}, \qquad
        j_l = j_{l-1} s_l, \qquad
        f_l = f_{l-1} - p_l \, j_{l-1}

    with :math:`r_0 = j_0 = 1` and :math:`f_0 = 0`. A kernel reaches :math:`d_l (k_l - 1)` units of
    the layer below further than one unit, and these are :math:`j_{l-1}` input cells apart.

    Parameters
    ----------
    windows : iterable of Window
        The layers along one dimension, from the input on; a plain number stands for the kernel
        size of a layer with stride 1.

    Returns
    -------
    list of ReceptiveField
        One for each layer, after the one of the input itself: ``[-1]`` is the output's.

    Raises
    ------
    TypeError
        If ``windows`` is a single :class:`Window` or no iterable, or one of them is neither a
        :class:`Window` nor a tuple of ``int``.
    ValueError
        If a number is too small.

    References
    ----------
    Araujo, Norris and Sim, "Computing receptive fields of convolutional neural networks", 2019,
    https://doi.org/10.23915/distill.00021

    Examples
    --------
    Two 3 × 3 convolutions see as far as one of 5 × 5; pooling between them makes the second one
    reach twice as far:

    >>> [field.size for field in receptive_field([Window(3), Window(3)])]
    [1, 3, 5]
    >>> [field.size for field in receptive_field([Window(3), Window(2, stride=2), Window(3)])]
    [1, 3, 4, 8]
    """
    fields = [ReceptiveField(size=1, jump=1, first=0)]
    for k, s, p, d in _checked_windows(windows):
        size, jump, first = fields[-1]
        fields.append(ReceptiveField(size + d * (k - 1) * jump, jump * s, first - p * jump))
    return fields


def path_counts(windows: Iterable[Window | tuple[int, ...] | int]) -> Tensor:
    r"""Count the ways from every cell of the receptive field up to the unit.

    .. math:: \#\{(i_1, \dots, i_L) : 0 \le i_l < k_l, \; \sum_l d_l \, j_{l-1} \, i_l = a \}

    for cell :math:`a` of the field. In a linear network whose weights are independent, with mean 0
    and one variance in each layer, the mean square of the gradient at a cell is
    proportional to this count. It is a repeated convolution of boxes, and so approaches a
    bell curve as layers are added.

    Parameters
    ----------
    windows : iterable of Window
        The layers along one dimension, as for :func:`receptive_field`.

    Returns
    -------
    Tensor
        The counts, float64, from the first cell of the field to the last.

    Shapes
    ------
    return : ``(size of the field,)``

    Raises
    ------
    TypeError
        As :func:`receptive_field` does.
    ValueError
        Likewise.

    References
    ----------
    Luo, Li, Urtasun and Zemel, "Understanding the effective receptive field in deep convolutional
    neural networks", 2016, `arXiv:1701.04128 <https://arxiv.org/abs/1701.04128>`_

    Examples
    --------
    >>> path_counts([Window(3), Window(3)]).tolist()  # one way to the rim, three to the middle
    [1.0, 2.0, 3.0, 2.0, 1.0]

    A dilated kernel after a kernel of one cell leaves holes:

    >>> path_counts([Window(3, dilation=2)]).tolist()
    [1.0, 0.0, 1.0, 0.0, 1.0]
    """
    counts = torch.ones(1, dtype=torch.float64)
    jump = 1
    for k, s, _, d in _checked_windows(windows):
        step = d * jump  # cells of the input between neighbouring weights
        wider = counts.new_zeros(len(counts) + step * (k - 1))
        for i in range(k):
            wider[i * step : i * step + len(counts)] += counts
        counts, jump = wider, jump * s
    return counts


def gradient_map(
    module: Callable[[Tensor], Tensor],
    inputs: Tensor,
    position: tuple[int, ...] | None = None,
    *,
    generator: torch.Generator,
) -> Tensor:
    r"""Measure how strongly one output unit depends on every pixel.

    .. math:: m_{a,b} = \frac{1}{N} \sum_{n} \sum_{c} \Bigl( \sum_o u_{n,o} \,
              \frac{\partial y_{n,o,r,q}}{\partial x_{n,c,a,b}} \Bigr)^2,
              \qquad u_{n,o} \sim N(0, 1)

    Parameters
    ----------
    module : callable
        Any module or function from images to images.
    inputs : Tensor
        Images to measure on: the gradient of a network with activations or pooling depends on
        them.
    position : tuple of int, optional
        Row and column :math:`(r, q)` of the unit; without it, the middle.
    generator : torch.Generator
        Where the weights :math:`u` of the output channels come from. With random signs, channels
        do not cancel for good.

    Returns
    -------
    Tensor
        The mean squares :math:`m`. 0 where no image's output depends on the pixel.

    Shapes
    ------
    inputs : ``(N, C, H, W)``
    return : ``(H, W)``

    Raises
    ------
    TypeError
        If ``inputs`` is not a tensor of floating-point numbers, or ``generator`` not a
        :class:`torch.Generator`.
    ValueError
        If ``inputs`` or the module's output does not have four dimensions, or ``position`` lies
        outside the output.

    Notes
    -----
    The parameters' gradients are left as they are. Layers that mix the images of a batch, such as
    batch normalisation in training mode, mix their gradients too: call ``module.eval()`` first.

    Examples
    --------
    >>> images = torch.zeros(1, 1, 5, 5)
    >>> blur = lambda x: x[..., :-1] + x[..., 1:]  # a pixel and its right-hand neighbour
    >>> generator = torch.Generator().manual_seed(0)
    >>> gradient_map(blur, images, (2, 1), generator=generator).bool().int()
    tensor([[0, 0, 0, 0, 0],
            [0, 0, 0, 0, 0],
            [0, 1, 1, 0, 0],
            [0, 0, 0, 0, 0],
            [0, 0, 0, 0, 0]], dtype=torch.int32)
    """
    require_floating("inputs", inputs)
    require_shape("inputs", inputs, ("N", "C", "H", "W"))
    require_generator("generator", generator)
    leaf = inputs.detach().requires_grad_()
    with torch.enable_grad():
        output = module(leaf)
        if not isinstance(output, Tensor) or output.dim() != 4:
            raise ValueError(
                f"module must return images of shape (N, C, H, W), got {describe(output)}"
            )
        height, width = output.shape[-2:]
        place = (height // 2, width // 2) if position is None else position
        row, column = require_integers("position", place, 2, minimum=0)
        if row >= height or column >= width:
            raise ValueError(
                f"position must lie in the output of {height} × {width}, got {(row, column)}"
            )
        unit = output[:, :, row, column]
        weights = torch.randn(unit.shape, generator=generator, device=generator.device)
        (grad,) = torch.autograd.grad(unit, leaf, weights.to(unit))
    return grad.square().sum(dim=1).mean(dim=0)


def seen_range(profile: Tensor) -> tuple[int, int]:
    """Return the first and the last cell that is not 0.

    Parameters
    ----------
    profile : Tensor
        Numbers along one dimension, such as ``gradient_map(...).sum(0)``.

    Returns
    -------
    tuple of int
        Both inclusive.

    Shapes
    ------
    profile : ``(n,)``

    Raises
    ------
    TypeError
        If ``profile`` is not a tensor.
    ValueError
        If it does not have one dimension, or all is 0.

    Examples
    --------
    >>> seen_range(torch.tensor([0.0, 0.0, 2.0, 0.0, 1.0, 0.0]))
    (2, 4)
    """
    require_shape("profile", profile, ("n",))
    cells = profile.nonzero().flatten()
    if len(cells) == 0:
        raise ValueError("profile must have a number that is not 0, got zeros only")
    return int(cells[0]), int(cells[-1])


def profile_std(profile: Tensor) -> float:
    r"""Return the width of a profile: the standard deviation of the cells, weighted by it.

    .. math:: \sigma = \sqrt{\frac{\sum_a m_a (a - \bar a)^2}{\sum_a m_a}}, \qquad
              \bar a = \frac{\sum_a m_a \, a}{\sum_a m_a}

    Parameters
    ----------
    profile : Tensor
        Weights :math:`m`, none negative, such as :func:`path_counts`.

    Returns
    -------
    float
        In cells.

    Shapes
    ------
    profile : ``(n,)``

    Raises
    ------
    TypeError
        If ``profile`` is not a tensor.
    ValueError
        If it does not have one dimension, a number is negative or not finite, or all is 0.

    Notes
    -----
    Variances of independent steps add up: :math:`L` layers with :math:`k` weights, stride 1 and
    no dilation have :math:`\sigma^2 = L (k^2 - 1) / 12`, while the field itself has
    :math:`L (k - 1) + 1` cells. So :math:`\sigma` grows with :math:`\sqrt L` only.

    Examples
    --------
    >>> round(profile_std(path_counts([Window(3)] * 6)), 6)  # √(6 · 8 / 12)
    2.0
    """
    require_shape("profile", profile, ("n",))
    weights = profile.double()
    if not bool(torch.isfinite(weights).all()) or bool((weights < 0).any()):
        raise ValueError(f"profile must hold finite numbers from 0 on, got {describe(profile)}")
    if not bool(weights.any()):
        raise ValueError("profile must have a number that is not 0, got zeros only")
    weights = weights / weights.sum()
    cells = torch.arange(len(weights), dtype=torch.float64, device=weights.device)
    mean = (weights * cells).sum()
    return float((weights * (cells - mean).square()).sum().sqrt())


# Layers that look at one pixel only, by the beginning of their name.
_PIXEL_BY_PIXEL = (
    *("ReLU", "LeakyReLU", "PReLU", "ELU", "GELU", "SiLU", "Mish", "Sigmoid", "Tanh", "Softplus"),
    *("Softsign", "Hardtanh", "Identity", "Dropout", "BatchNorm"),
)


def _along(value: int | tuple[int, ...], dim: int) -> int:
    return value[max(dim, -len(value))] if isinstance(value, tuple) else value


def _checked_windows(windows: Iterable[Window | tuple[int, ...] | int]) -> list[Window]:
    # One window is a tuple, too: taken for a list of layers, its four numbers would be kernels.
    if isinstance(windows, Window) or not isinstance(windows, Iterable):
        raise TypeError(
            f"windows must be one Window for each layer, got {describe(windows)}; "
            "use [window], with one layer too"
        )
    checked = []
    for i, given in enumerate(windows):
        numbers: Any = (given,) if isinstance(given, int) else given
        if not isinstance(numbers, tuple) or not 1 <= len(numbers) <= 4:
            raise TypeError(
                f"windows[{i}] must be a Window(kernel_size, stride, padding, dilation), "
                f"got {describe(given)}"
            )
        window = Window(*numbers)
        for name, value in window._asdict().items():
            minimum = 0 if name == "padding" else 1
            require_integer(f"windows[{i}].{name}", value, minimum=minimum)
        checked.append(window)
    return checked
