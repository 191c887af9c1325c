r"""Pooling: one number for each window of an image, the largest or the mean.

Images are :math:`(N, C, H, W)`, signals :math:`(N, C, L)`; the batch dimension may be missing.
Every channel is pooled by itself, and there is nothing to learn. A maximum is found in two steps:
*where* it is, which has no gradient, and *what* stands there, which is a plain look-up.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from handbook.checks import (
    describe,
    require_integer,
    require_integers,
    require_shape,
    require_tensor,
)

__all__ = [
    "pooled_size",
    "max_pool2d",
    "max_pool1d",
    "avg_pool2d",
    "avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_max_pool2d",
    "max_unpool2d",
    "max_pool2d_backward",
]


def pooled_size(
    input_size: int,
    kernel_size: int,
    stride: int | None = None,
    padding: int = 0,
    dilation: int = 1,
    ceil_mode: bool = False,
) -> int:
    r"""Return how many windows pooling has along one dimension of its input.

    .. math:: n_{\text{out}} = \left\lfloor \frac{n + 2p - d(k - 1) - 1}{s} \right\rfloor + 1

    as for a convolution. With ``ceil_mode`` the quotient is rounded up instead: one more window,
    which hangs over the end. It is dropped again if it would start in the padding at the end.

    Parameters
    ----------
    input_size : int
        Cells along this dimension, :math:`n`.
    kernel_size : int
        Cells in a window, :math:`k`.
    stride : int, optional
        Cells between one window and the next, :math:`s`; without it, ``kernel_size``.
    padding : int, optional
        Cells added at *each* end, :math:`p`; at most half of ``kernel_size``.
    dilation : int, optional
        Distance between neighbouring cells of a window, :math:`d`.
    ceil_mode : bool, optional
        Whether to round up.

    Returns
    -------
    int
        The number of windows, at least 1.

    Raises
    ------
    TypeError
        If a number is not an ``int``, or ``ceil_mode`` not a ``bool``.
    ValueError
        If a number is too small, ``padding`` is more than half of ``kernel_size``, or there is no
        room for a window.

    Examples
    --------
    >>> pooled_size(8, 2), pooled_size(7, 2), pooled_size(7, 2, ceil_mode=True)
    (4, 3, 4)

    A window that would see nothing but padding is left out:

    >>> pooled_size(3, 2, padding=1), pooled_size(3, 2, padding=1, ceil_mode=True)
    (2, 2)
    """
    require_integer("input_size", input_size, minimum=1)
    require_integer("kernel_size", kernel_size, minimum=1)
    stride = kernel_size if stride is None else require_integer("stride", stride, minimum=1)
    require_integer("padding", padding, minimum=0)
    require_integer("dilation", dilation, minimum=1)
    _require_pool_flag("ceil_mode", ceil_mode)
    if padding > kernel_size // 2:
        raise ValueError(
            f"padding must be at most half of kernel_size {kernel_size}, got {padding}; "
            f"more would make windows of nothing but padding"
        )
    span = dilation * (kernel_size - 1) + 1
    overshoot = stride - 1 if ceil_mode else 0
    size = (input_size + 2 * padding - span + overshoot) // stride + 1
    if ceil_mode and (size - 1) * stride >= input_size + padding:
        size -= 1
    if size < 1:
        raise ValueError(
            f"kernel_size must span at most the padded input's {input_size} + 2 × {padding} = "
            f"{input_size + 2 * padding} cells, got a span of {dilation} × ({kernel_size} - 1) + 1 "
            f"= {span}; use a smaller kernel or less dilation"
        )
    return size


def max_pool2d(
    input: Tensor,
    kernel_size: int | tuple[int, ...],
    stride: int | tuple[int, ...] | None = None,
    padding: int | tuple[int, ...] = 0,
    dilation: int | tuple[int, ...] = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    r"""Keep the largest number of every window.

    .. math:: y_{n,c,r,q} = \max_{i,j} \; x_{n,\,c,\; s_H r + d_H i - p_H,\; s_W q + d_W j - p_W}

    over the cells of the window that lie inside the image.

    Parameters
    ----------
    input : Tensor
        The images :math:`x`.
    kernel_size : int or tuple of int
        Size of the window: one number, or (height, width).
    stride : int or tuple of int, optional
        Step from one window to the next; without it, ``kernel_size``: windows side by side.
    padding : int or tuple of int, optional
        How far the first window reaches over the rim, at most half of ``kernel_size``. The cells
        out there count as minus infinity: they never win.
    dilation : int or tuple of int, optional
        Distance between neighbouring cells of a window.
    ceil_mode : bool, optional
        Whether a last window may hang over the end, where the floor would leave cells out.
    return_indices : bool, optional
        Whether to return where each maximum is, too.

    Returns
    -------
    output : Tensor
        The maxima :math:`y`.
    indices : Tensor
        With ``return_indices``: the place :math:`\text{row} \cdot W + \text{column}` of each
        maximum in its channel, int64.

    Shapes
    ------
    input : ``(N, C, H, W)`` or ``(C, H, W)``
    output : ``(N, C, H_out, W_out)`` or ``(C, H_out, W_out)``; see :func:`pooled_size`
    indices : as output

    Raises
    ------
    TypeError
        If ``input`` is not a tensor of real numbers, a number is not an ``int``, or a flag not
        a ``bool``.
    ValueError
        If ``input`` has another shape or an empty dimension (the batch may be empty), a number is
        too small, ``padding`` is more than half of ``kernel_size``, a window does not fit, or
        lies outside the image with every cell.

    Notes
    -----
    Of equal numbers the first counts, row by row. A NaN beats every number; of several, the last
    counts. The gradient goes to the chosen cell alone: where windows overlap, one cell can win
    several times and gets the sum.

    Differences from PyTorch: the output is contiguous also for a ``channels_last`` input; a dilated
    window whose cells all miss the image is refused, where PyTorch 2.13 returns minus infinity and
    an index outside.

    References
    ----------
    Ranzato, Huang, Boureau and LeCun, "Unsupervised learning of invariant feature hierarchies with
    applications to object recognition", 2007, https://doi.org/10.1109/CVPR.2007.383157

    Examples
    --------
    >>> image = torch.tensor([[[1.0, 5.0, 2.0, 2.0], [3.0, 4.0, 2.0, 0.0]]])
    >>> max_pool2d(image, 2, return_indices=True)
    (tensor([[[5., 2.]]]), tensor([[[1, 2]]]))

    The three 2s of the second window are a tie, and the first one gets all of the gradient:

    >>> image.requires_grad_()
    tensor([[[1., 5., 2., 2.],
             [3., 4., 2., 0.]]], requires_grad=True)
    >>> max_pool2d(image, 2).sum().backward()
    >>> image.grad
    tensor([[[0., 1., 1., 0.],
             [0., 0., 0., 0.]]])
    """
    _check_pool_input(input, ("H", "W"))
    _require_pool_flag("return_indices", return_indices)
    kernel, steps, margins = _pool_arguments(2, kernel_size, stride, padding)
    gaps = require_integers("dilation", dilation, 2, minimum=1)
    rows, columns = (
        _pool_cells(
            input.shape[i - 2], kernel[i], steps[i], margins[i], gaps[i], ceil_mode, input.device
        )
        for i in range(2)
    )
    indices = _pool_argmax(input.detach(), rows, columns)
    output = input.flatten(-2).gather(-1, indices.flatten(-2)).reshape(indices.shape)
    return (output, indices) if return_indices else output


def max_pool1d(
    input: Tensor,
    kernel_size: int | tuple[int, ...],
    stride: int | tuple[int, ...] | None = None,
    padding: int | tuple[int, ...] = 0,
    dilation: int | tuple[int, ...] = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    r"""Keep the largest number of every window of a signal.

    .. math:: y_{n,c,q} = \max_{j} \; x_{n,\,c,\; sq + dj - p}

    :func:`max_pool2d` on images of height one.

    Parameters
    ----------
    input : Tensor
        The signals :math:`x`.
    kernel_size, stride, padding, dilation, ceil_mode, return_indices
        As for :func:`max_pool2d`, for one dimension.

    Returns
    -------
    output : Tensor
        The maxima :math:`y`.
    indices : Tensor
        With ``return_indices``: the place of each maximum in its signal, int64.

    Shapes
    ------
    input : ``(N, C, L)`` or ``(C, L)``
    output : ``(N, C, L_out)`` or ``(C, L_out)``
    indices : as output

    Raises
    ------
    TypeError
        As :func:`max_pool2d` does.
    ValueError
        Likewise.

    Notes
    -----
    Like :func:`torch.nn.functional.max_pool1d`, which refuses integers; this takes them, as
    :func:`max_pool2d` does.

    Examples
    --------
    >>> max_pool1d(torch.tensor([[1.0, 3.0, 2.0, 5.0, 4.0]]), 3, stride=1)
    tensor([[3., 5., 5.]])
    """
    _check_pool_input(input, ("L",))
    kernel, steps, margins = _pool_arguments(1, kernel_size, stride, padding)
    (gap,) = require_integers("dilation", dilation, 1, minimum=1)
    found = max_pool2d(
        input.unsqueeze(-2),
        (1, *kernel),
        (1, *steps),
        (0, *margins),
        (1, gap),
        ceil_mode,
        return_indices,
    )
    return tuple(part.squeeze(-2) for part in found) if return_indices else found.squeeze(-2)


def avg_pool2d(
    input: Tensor,
    kernel_size: int | tuple[int, ...],
    stride: int | tuple[int, ...] | None = None,
    padding: int | tuple[int, ...] = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    r"""Take the mean of every window.

    .. math:: y_{n,c,r,q} = \frac{1}{m} \sum_{i,j} x_{n,\,c,\; s_H r + i - p_H,\; s_W q + j - p_W}

    Cells outside the image add 0. Whether they count in :math:`m` is what the last two arguments
    decide.

    Parameters
    ----------
    input : Tensor
        The images :math:`x`.
    kernel_size, stride, padding, ceil_mode
        As for :func:`max_pool2d`.
    count_include_pad : bool, optional
        Whether :math:`m` counts the padding: then windows at the rim come out darker. Cells beyond
        the padding, which ``ceil_mode`` can reach, never count.
    divisor_override : int, optional
        A number to take for :math:`m` everywhere; not 0.

    Returns
    -------
    Tensor
        The means :math:`y`.

    Shapes
    ------
    input : ``(N, C, H, W)`` or ``(C, H, W)``
    return : ``(N, C, H_out, W_out)`` or ``(C, H_out, W_out)``; see :func:`pooled_size`

    Raises
    ------
    TypeError
        If ``input`` holds neither floating-point numbers nor int64, a number is not an ``int``, or
        a flag not a ``bool``.
    ValueError
        As :func:`max_pool2d` does, or if ``divisor_override`` is 0.

    Notes
    -----
    The gradient of a mean is spread evenly: each cell of a window gets :math:`1/m` of it.
    float16 and bfloat16 are added up in float32 and rounded once; int64 is divided towards zero, as
    in PyTorch. Difference from PyTorch: the output is contiguous also for a ``channels_last``
    input.

    Examples
    --------
    >>> image = torch.tensor([[[1.0, 5.0, 2.0, 2.0], [3.0, 3.0, 2.0, 0.0]]])
    >>> avg_pool2d(image, 2)
    tensor([[[3.0000, 1.5000]]])

    A white image with one ring of padding: grey in the corners, unless the ring does not count.

    >>> white = torch.ones(1, 4, 4)
    >>> avg_pool2d(white, 3, stride=3, padding=1)
    tensor([[[0.4444, 0.4444],
             [0.4444, 0.4444]]])
    >>> avg_pool2d(white, 3, stride=3, padding=1, count_include_pad=False)
    tensor([[[1., 1.],
             [1., 1.]]])
    """
    _check_pool_input(input, ("H", "W"))
    _require_pool_floats(input, (torch.int64,))
    _require_pool_flag("count_include_pad", count_include_pad)
    kernel, steps, margins = _pool_arguments(2, kernel_size, stride, padding)
    if divisor_override is not None and require_integer("divisor_override", divisor_override) == 0:
        raise ValueError("divisor_override must not be 0, got 0; leave it out for the mean")
    total = input.float() if input.dtype in _POOL_NARROW else input
    counts = []
    for dim in (-1, -2):  # first along the rows, then the rows themselves
        n, k, s, p = input.shape[dim], kernel[dim], steps[dim], margins[dim]
        size = pooled_size(n, k, s, p, 1, ceil_mode)
        first = torch.arange(size, device=input.device) * s - p
        counted = (first + k).clamp(max=n + p) - first  # the last may hang over the padding
        if not count_include_pad:
            counted = (first + k).clamp(max=n) - first.clamp(min=0)
        counts.append(counted)
        total = _pool_sum(total, dim, k, s, p, size)
    divisor: Tensor | int = counts[1].unsqueeze(-1) * counts[0]
    if divisor_override is not None:
        divisor = divisor_override
    if input.dtype == torch.int64:
        return torch.div(total, divisor, rounding_mode="trunc")
    return (total / divisor).to(input.dtype)


def avg_pool1d(
    input: Tensor,
    kernel_size: int | tuple[int, ...],
    stride: int | tuple[int, ...] | None = None,
    padding: int | tuple[int, ...] = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    r"""Take the mean of every window of a signal.

    .. math:: y_{n,c,q} = \frac{1}{m} \sum_{j} x_{n,\,c,\; sq + j - p}

    :func:`avg_pool2d` on images of height one.

    Parameters
    ----------
    input : Tensor
        The signals :math:`x`.
    kernel_size, stride, padding, ceil_mode, count_include_pad
        As for :func:`avg_pool2d`, for one dimension.

    Returns
    -------
    Tensor
        The means :math:`y`.

    Shapes
    ------
    input : ``(N, C, L)`` or ``(C, L)``
    return : ``(N, C, L_out)`` or ``(C, L_out)``

    Raises
    ------
    TypeError
        As :func:`avg_pool2d` does.
    ValueError
        Likewise.

    Examples
    --------
    >>> avg_pool1d(torch.tensor([[1.0, 3.0, 2.0, 6.0]]), 2)
    tensor([[2., 4.]])
    """
    _check_pool_input(input, ("L",))
    kernel, steps, margins = _pool_arguments(1, kernel_size, stride, padding)
    image = input.unsqueeze(-2)
    return avg_pool2d(
        image, (1, *kernel), (1, *steps), (0, *margins), ceil_mode, count_include_pad
    ).squeeze(-2)


def adaptive_avg_pool2d(input: Tensor, output_size: int | tuple[int | None, ...] | None) -> Tensor:
    r"""Take means over as many windows as you want to have, whatever the input's size.

    Window :math:`r` of :math:`m` covers the rows

    .. math:: \lfloor r H / m \rfloor \;\le\; \text{row} \;<\; \lceil (r + 1) H / m \rceil

    and columns likewise: windows side by side where :math:`m` divides :math:`H`, else they
    overlap by a row and their sizes can differ by one.

    Parameters
    ----------
    input : Tensor
        The images.
    output_size : int or tuple of int or None
        Windows along height and width: one number for both, or a tuple; ``None`` keeps the input's
        size. 1 gives the mean of each channel.

    Returns
    -------
    Tensor
        The means.

    Shapes
    ------
    input : ``(N, C, H, W)`` or ``(C, H, W)``
    return : ``(N, C, *output_size)`` or ``(C, *output_size)``

    Raises
    ------
    TypeError
        If ``input`` is not a tensor of floating-point numbers, or a size neither an ``int`` nor
        ``None``.
    ValueError
        If ``input`` has another shape, or a height or width of 0, or a size is negative.

    Notes
    -----
    Differences from PyTorch: the output is contiguous also for a ``channels_last`` input. For
    ``output_size=1`` PyTorch takes the plain mean and lets any number of dimensions, complex
    numbers and empty images (NaN) through; here the same checks hold for every size.

    Examples
    --------
    >>> image = torch.tensor([[[1.0, 2.0, 3.0, 4.0, 5.0]]])
    >>> adaptive_avg_pool2d(image, 1)  # the mean of each channel
    tensor([[[3.]]])
    >>> adaptive_avg_pool2d(image, (1, 2))  # 1, 2, 3 and 3, 4, 5: the middle counts twice
    tensor([[[2., 4.]]])
    """
    _check_pool_input(input, ("H", "W"), may_lack_channels=True)
    _require_pool_floats(input, ())
    means = input.float() if input.dtype in _POOL_NARROW else input
    for dim, size in zip((-2, -1), _pool_adaptive_sizes(input, output_size), strict=True):
        n = input.shape[dim]
        if size and n % size == 0:  # equal windows, side by side: a view has them as rows
            means = means.unflatten(dim, (size, n // size)).mean(dim)
            continue
        # Cell by cell: whole rows are added in one go, and windows may share one.
        cells = means.unbind(dim)
        windows = [
            sum(cells[first + 1 : end], cells[first]) / (end - first)
            for first, end in _pool_adaptive_windows(n, size)
        ]
        means = torch.stack(windows, dim) if windows else means.narrow(dim, 0, 0)
    return means.to(input.dtype).contiguous()


def adaptive_max_pool2d(
    input: Tensor,
    output_size: int | tuple[int | None, ...] | None,
    return_indices: bool = False,
) -> Any:
    r"""Keep the largest number of as many windows as you want to have.

    The windows are those of :func:`adaptive_avg_pool2d`.

    .. math:: y_{n,c,r,q} = \max \{\, x_{n,c,i,j} :
              \lfloor r H / m_H \rfloor \le i < \lceil (r + 1) H / m_H \rceil,\;
              \lfloor q W / m_W \rfloor \le j < \lceil (q + 1) W / m_W \rceil \,\}

    Parameters
    ----------
    input : Tensor
        The images.
    output_size : int or tuple of int or None
        Windows along height and width, :math:`m_H` and :math:`m_W`: one number for both, or a
        tuple; ``None`` keeps the input's size.
    return_indices : bool, optional
        Whether to return where each maximum is, too, as in :func:`max_pool2d`.

    Returns
    -------
    output : Tensor
        The maxima.
    indices : Tensor
        With ``return_indices``: the place of each maximum in its channel, int64.

    Shapes
    ------
    input : ``(N, C, H, W)`` or ``(C, H, W)``
    output : ``(N, C, *output_size)`` or ``(C, *output_size)``
    indices : as output

    Raises
    ------
    TypeError
        If ``input`` is not a tensor of floating-point numbers, a size neither an ``int`` nor
        ``None``, or ``return_indices`` not a ``bool``.
    ValueError
        If ``input`` has another shape or an empty dimension (the first may be empty), or a size is
        negative.

    Notes
    -----
    Ties, NaN and gradients as in :func:`max_pool2d`.

    Examples
    --------
    >>> image = torch.tensor([[[1.0, 2.0, 9.0, 4.0, 5.0]]])
    >>> adaptive_max_pool2d(image, (1, 2))  # the middle is in both windows
    tensor([[[9., 9.]]])
    """
    lacks_channels = require_tensor("input", input).dim() == 3
    _check_pool_input(input, ("H", "W"), may_lack_channels=lacks_channels)
    _require_pool_floats(input, ())
    _require_pool_flag("return_indices", return_indices)
    rows, columns = (
        _pool_adaptive_cells(n, size, input.device)
        for n, size in zip(input.shape[-2:], _pool_adaptive_sizes(input, output_size), strict=True)
    )
    indices = _pool_argmax(input.detach(), rows, columns)
    output = input.flatten(-2).gather(-1, indices.flatten(-2)).reshape(indices.shape)
    return (output, indices) if return_indices else output


def max_unpool2d(
    input: Tensor,
    indices: Tensor,
    kernel_size: int | tuple[int, ...],
    stride: int | tuple[int, ...] | None = None,
    padding: int | tuple[int, ...] = 0,
    output_size: tuple[int, ...] | list[int] | torch.Size | None = None,
) -> Tensor:
    r"""Put maxima back where they were, with zeros around them.

    .. math:: y_{n,c,\,\text{indices}_{n,c,r,q}} = x_{n,c,r,q}

    Parameters
    ----------
    input : Tensor
        Numbers, most often the output of :func:`max_pool2d`.
    indices : Tensor
        The places that :func:`max_pool2d` gave with ``return_indices``, int64.
    kernel_size, stride, padding
        As they were given to :func:`max_pool2d`; they tell the size to go back to.
    output_size : tuple of int, optional
        That size, where the floor left it open: height and width, or the whole shape. Without
        it, :math:`(n - 1) s - 2 p + k` in each direction.

    Returns
    -------
    Tensor
        The enlarged image.

    Shapes
    ------
    input : ``(N, C, H, W)`` or ``(C, H, W)``
    indices : as input
    return : ``(N, C, H_out, W_out)`` or ``(C, H_out, W_out)``

    Raises
    ------
    TypeError
        If ``input`` is not a tensor of floating-point numbers, ``indices`` not one of int64, or a
        number is not an ``int``.
    ValueError
        If a shape does not fit, an index lies outside the output, or ``output_size`` is not within
        one stride of the size without it.

    Notes
    -----
    It undoes the places, not the numbers: what was not a maximum comes back as 0. Where two
    windows shared a maximum its place is written twice, with the same number.

    Examples
    --------
    >>> image = torch.tensor([[[1.0, 5.0, 2.0, 0.0], [3.0, 4.0, 7.0, 6.0]]])
    >>> maxima, places = max_pool2d(image, 2, return_indices=True)
    >>> max_unpool2d(maxima, places, 2)
    tensor([[[0., 5., 0., 0.],
             [0., 0., 7., 0.]]])
    """
    _check_pool_input(input, ("H", "W"))
    _require_pool_floats(input, ())
    require_tensor("indices", indices)
    if indices.dtype != torch.int64:
        raise TypeError(f"indices must be int64, got {describe(indices)}; use indices.long()")
    require_shape("indices", indices, tuple(input.shape))
    kernel = require_integers("kernel_size", kernel_size, 2, minimum=1)
    steps = kernel if _pool_no_stride(stride) else require_integers("stride", stride, 2, minimum=1)
    margins = require_integers("padding", padding, 2, minimum=0)
    sizes = [
        (n - 1) * s - 2 * p + k
        for n, s, p, k in zip(input.shape[-2:], steps, margins, kernel, strict=True)
    ]
    if output_size is not None:
        if len(output_size) not in (2, input.dim()):
            raise ValueError(
                f"output_size must be (height, width) or a shape of {input.dim()} numbers, "
                f"got {tuple(output_size)}"
            )
        wanted = require_integers("output_size", tuple(output_size)[-2:], 2, minimum=1)
        for i, (size, usual) in enumerate(zip(wanted, sizes, strict=True)):
            if not usual - steps[i] < size < usual + steps[i]:
                raise ValueError(
                    f"output_size must lie between {usual - steps[i] + 1} and "
                    f"{usual + steps[i] - 1} in dimension {i - 2}, got {size}"
                )
        sizes = list(wanted)
    n_cells = sizes[0] * sizes[1]
    if indices.numel() and not (int(indices.min()) >= 0 and int(indices.max()) < n_cells):
        raise ValueError(
            f"indices must be from 0 to {n_cells - 1} for an output of {tuple(sizes)}, "
            f"got {int(indices.min())} to {int(indices.max())}; set output_size to the size "
            f"that was pooled"
        )
    places, numbers = indices.flatten(-2), input.flatten(-2)
    empty = input.new_zeros(*input.shape[:-2], n_cells)
    restored = empty.scatter(-1, places, numbers)
    return restored.reshape(*input.shape[:-2], *sizes)


def max_pool2d_backward(
    grad_output: Tensor, indices: Tensor, input_size: tuple[int, ...] | torch.Size
) -> Tensor:
    r"""Return the gradient of :func:`max_pool2d` by hand: send each number to the winner.

    .. math:: \frac{\partial \text{loss}}{\partial x_{n,c,a}} =
              \sum_{r,q \,:\, \text{indices}_{n,c,r,q} = a} G_{n,c,r,q}

    Parameters
    ----------
    grad_output : Tensor
        The gradient :math:`G` of a scalar with respect to the maxima.
    indices : Tensor
        Where the maxima were, from :func:`max_pool2d` with ``return_indices``.
    input_size : tuple of int
        Shape of the pooled image.

    Returns
    -------
    Tensor
        The gradient with respect to the input: zeros but for the winners.

    Shapes
    ------
    grad_output : ``(N, C, H_out, W_out)`` or ``(C, H_out, W_out)``
    indices : as grad_output
    return : ``input_size``

    Raises
    ------
    TypeError
        If ``grad_output`` or ``indices`` is not a tensor, or ``indices`` not one of int64.
    ValueError
        If the shapes do not fit.

    Examples
    --------
    Overlapping windows that share a maximum add up their gradients:

    >>> image = torch.tensor([[[1.0, 9.0, 2.0]]])
    >>> maxima, places = max_pool2d(image, (1, 2), stride=1, return_indices=True)
    >>> max_pool2d_backward(torch.tensor([[[10.0, 1.0]]]), places, image.shape)
    tensor([[[ 0., 11.,  0.]]])
    """
    require_tensor("indices", indices)
    if indices.dtype != torch.int64:
        raise TypeError(f"indices must be int64, got {describe(indices)}; use indices.long()")
    require_shape("grad_output", grad_output, tuple(indices.shape))
    shape = tuple(input_size)
    if len(shape) != indices.dim() or shape[:-2] != tuple(indices.shape[:-2]):
        raise ValueError(
            f"input_size must be the pooled image's shape, {tuple(indices.shape[:-2])} and its "
            f"height and width, got {shape}"
        )
    grad = grad_output.new_zeros(shape).flatten(-2)
    return grad.scatter_add(-1, indices.flatten(-2), grad_output.flatten(-2)).reshape(shape)


# ---- windows -----------------------------------------------------------------------------------

_POOL_NARROW = (torch.float16, torch.bfloat16)
# Up to this many copies of each cell, windows side by side are faster than comparing whole rows.
_POOL_COPIES = 2


def _pool_cells(
    n: int, k: int, s: int, p: int, d: int, ceil_mode: bool, device: torch.device
) -> Tensor:
    """Return the cells of every window along one dimension, (windows, k).

    A cell outside the image is replaced by the window's nearest cell inside: that changes no
    maximum, and needs no number to pad with.
    """
    first = torch.arange(pooled_size(n, k, s, p, d, ceil_mode), device=device) * s - p
    nearest = first + (-first).clamp(min=0).add(d - 1).div(d, rounding_mode="floor") * d
    last = first + d * (k - 1)
    furthest = last - (last - n + 1).clamp(min=0).add(d - 1).div(d, rounding_mode="floor") * d
    if bool((nearest > furthest).any()):
        raise ValueError(
            f"dilation must leave every window a cell inside the input's {n}, got {d} with "
            f"kernel_size {k} and padding {p}; use less padding or dilation"
        )
    cells = first.unsqueeze(1) + d * torch.arange(k, device=device)
    return cells.clamp(nearest.unsqueeze(1), furthest.unsqueeze(1))


def _pool_adaptive_sizes(input: Tensor, output_size: Any) -> tuple[int, ...]:
    sizes = (None, None) if output_size is None else output_size
    if isinstance(sizes, (tuple, list)):
        if len(sizes) != 2:
            raise ValueError(f"output_size must be an int or a tuple of 2, got {tuple(sizes)}")
        sizes = tuple(input.shape[i - 2] if size is None else size for i, size in enumerate(sizes))
    return require_integers("output_size", sizes, 2, minimum=0)


def _pool_adaptive_windows(n: int, size: int) -> list[tuple[int, int]]:
    """Return the first cell of every window, and the one behind its last."""
    return [(r * n // size, -((r + 1) * n // -size)) for r in range(size)]


def _pool_adaptive_cells(n: int, size: int, device: torch.device) -> Tensor:
    """Return the cells of every window, (windows, longest); a shorter one repeats its last."""
    windows = _pool_adaptive_windows(n, size)
    longest = max((end - first for first, end in windows), default=0)
    cells = [[min(first + i, end - 1) for i in range(longest)] for first, end in windows]
    return torch.tensor(cells, dtype=torch.int64, device=device).reshape(size, longest)


def _pool_argmax(input: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Return row · W + column of the largest number of every window."""
    if 0 in (*input.shape[:-2], len(rows), len(columns)):
        return input.new_zeros(*input.shape[:-2], len(rows), len(columns), dtype=torch.int64)
    width = input.shape[-1]
    if rows.numel() * columns.numel() <= _POOL_COPIES * input.shape[-2] * width:
        return _pool_argmax_of_copies(input, rows, columns)
    # The best of each column's stretch first, then the best of these. Whole rows are compared in
    # one go that way. int32 is enough for places in one channel, and halves the memory to move.
    small = torch.int32 if input.shape[-2] * width < 2**31 else torch.int64
    row_starts = (rows.to(small) * width).unsqueeze(-1)  # (windows, k, 1)
    best, start = _pool_take(input, -2, rows[:, 0]), row_starts[:, 0]
    for i in range(1, rows.shape[1]):
        number = _pool_take(input, -2, rows[:, i])
        better = number > best
        if number.is_floating_point():
            better |= number != number  # a NaN
        best = torch.maximum(best, number)  # NaN, if either is
        start = torch.where(better, row_starts[:, i], start)
    stretches, places = best, start + torch.arange(width, dtype=small, device=input.device)
    places = places.expand(stretches.shape)
    best, place = (_pool_take(x, -1, columns[:, 0]) for x in (stretches, places))
    for j in range(1, columns.shape[1]):
        number, its_place = (_pool_take(x, -1, columns[:, j]) for x in (stretches, places))
        # Of equal numbers the one in the upper row counts, and of several NaN the lowest.
        better = (number > best) | ((number == best) & (its_place < place))
        if number.is_floating_point():
            better |= (number != number) & ((best == best) | (its_place > place))
        best, place = torch.maximum(best, number), torch.where(better, its_place, place)
    return place.to(torch.int64)


def _pool_argmax_of_copies(input: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Do the same with the cells of each window laid side by side, where they hardly overlap."""
    stretches = _pool_take(input, -2, rows.flatten()).unflatten(-2, rows.shape)
    groups = [columns]  # all windows at once, as a view
    if _pool_slice(columns.flatten()) is None:  # or one after the other, each of them a view
        groups = [window.unique().unsqueeze(0) for window in columns]
    found = []
    for group in groups:
        windows = _pool_take(stretches, -1, group.flatten()).unflatten(-1, group.shape)
        windows = windows.transpose(-3, -2).flatten(-2)  # (..., H_out, W_out, cells)
        best, winner = windows.max(-1)  # of equal numbers the first, and of several NaN the first
        if input.is_floating_point() and _pool_may_be_true(best.isnan()):
            last_nan = windows.shape[-1] - 1 - windows.isnan().flip(-1).max(-1).indices
            winner = torch.where(best.isnan(), last_nan, winner)
        places = rows[:, None, :, None] * input.shape[-1] + group[:, None, :]
        places = places.flatten(-2).expand(windows.shape)
        found.append(places.gather(-1, winner.unsqueeze(-1)).squeeze(-1))
    return torch.cat(found, -1)


def _pool_may_be_true(flags: Tensor) -> bool:
    """Whether any flag is true, or nobody can say: inside vmap a tensor has no one value."""
    try:
        return bool(flags.any())
    except RuntimeError:
        return True


def _pool_take(input: Tensor, dim: int, cells: Tensor) -> Tensor:
    """Select evenly spaced cells as a view, others as a copy."""
    window = _pool_slice(cells)
    if window is None:
        return input.index_select(dim, cells)
    return input[..., window] if dim == -1 else input[..., window, :]


def _pool_slice(cells: Tensor) -> slice | None:
    """Return evenly spaced cells as a slice."""
    first, last, count = int(cells[0]), int(cells[-1]), len(cells)
    step = max(1, (last - first) // (count - 1)) if count > 1 else 1
    evenly = torch.equal(cells, torch.arange(count, device=cells.device) * step + first)
    return slice(first, last + 1, step) if evenly else None


def _pool_sum(input: Tensor, dim: int, k: int, s: int, p: int, size: int) -> Tensor:
    """Add up windows along one dimension; cells outside the input are zeros."""
    n, padded = input.shape[dim], input
    after = max(0, (size - 1) * s + k - n - p)  # how far the last window hangs over
    if p or after:
        rim = list(input.shape)
        rim[dim] = p
        before_zeros = input.new_zeros(rim)
        rim[dim] = after
        padded = torch.cat([before_zeros, input, input.new_zeros(rim)], dim)
    windows = [slice(j, j + (size - 1) * s + 1, s) for j in range(k)]
    cells = [padded[..., w] if dim == -1 else padded[..., w, :] for w in windows]
    total = cells[0]
    for cell in cells[1:]:
        total = total + cell
    return total


# ---- checks ------------------------------------------------------------------------------------


def _check_pool_input(
    input: Tensor, letters: tuple[str, ...], may_lack_channels: bool = False
) -> None:
    require_tensor("input", input)
    shape = ", ".join(("C", *letters))
    if input.dim() not in (len(letters) + 1, len(letters) + 2):
        remedy = "; use input.unsqueeze(0)" if input.dim() == len(letters) else ""
        raise ValueError(
            f"input must have shape (N, {shape}) or ({shape}), got {describe(input)}{remedy}"
        )
    if input.dtype == torch.bool or input.is_complex():
        raise TypeError(
            f"input must hold real numbers to compare or average, got {describe(input)}; "
            f"use input.float()"
        )
    needed = input.shape[-len(letters) :] if may_lack_channels else input.shape[-1 - len(letters) :]
    if 0 in needed:
        names = letters if may_lack_channels else ("C", *letters)
        raise ValueError(
            f"input must have at least 1 in each of {', '.join(names)}, got {describe(input)}"
        )


def _require_pool_floats(input: Tensor, others: tuple[torch.dtype, ...]) -> None:
    if not (input.is_floating_point() or input.dtype in others):
        also = "".join(f" or {str(dtype).removeprefix('torch.')}" for dtype in others)
        raise TypeError(
            f"input must have a floating-point dtype{also}, got {describe(input)}; "
            f"use input.float()"
        )


def _pool_no_stride(stride: Any) -> bool:
    """Whether the stride is left to the kernel: None, or an empty tuple as PyTorch has it."""
    return stride is None or (isinstance(stride, (tuple, list)) and not stride)


def _pool_arguments(
    dims: int, kernel_size: Any, stride: Any, padding: Any
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    kernel = require_integers("kernel_size", kernel_size, dims, minimum=1)
    steps = (
        kernel if _pool_no_stride(stride) else require_integers("stride", stride, dims, minimum=1)
    )
    margins = require_integers("padding", padding, dims, minimum=0)
    for i in range(dims):
        if margins[i] > kernel[i] // 2:
            raise ValueError(
                f"padding must be at most half of kernel_size {kernel}, got {margins}; "
                f"more would make windows of nothing but padding"
            )
    return kernel, steps, margins


def _require_pool_flag(name: str, value: object) -> None:
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be True or False, got {describe(value)}")
