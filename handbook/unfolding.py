r"""Windows as columns: unfold takes them out, fold adds them up, and so enlarges images.

A convolution is one matrix product with the windows of its input,
:math:`\operatorname{conv}(x) = W \operatorname{unfold}(x)`. Read backwards, the transposed
convolution is :math:`\operatorname{fold}(W^\top y)`: each number becomes a window, and windows
that overlap are added up.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from handbook.checks import (
    describe,
    require_integer,
    require_integers,
    require_same_placement,
    require_shape,
    require_tensor,
)
from handbook.convolution import conv2d, output_size, pad

__all__ = [
    "unfold",
    "fold",
    "transposed_output_size",
    "conv_transpose2d",
    "conv2d_matrix",
    "conv2d_chunked",
]


def unfold(
    input: Tensor,
    kernel_size: int | tuple[int, ...],
    dilation: int | tuple[int, ...] = 1,
    padding: int | tuple[int, ...] = 0,
    stride: int | tuple[int, ...] = 1,
) -> Tensor:
    r"""Write every window of an image as a column.

    .. math:: u_{n,\; (c \, k_H + i) \, k_W + j,\; r \, W_{\text{out}} + q} =
              x^{\text{pad}}_{n,\,c,\; s_H r + d_H i,\; s_W q + d_W j}

    Parameters
    ----------
    input : Tensor
        The images :math:`x`.
    kernel_size : int or tuple of int
        Size of the windows: one number, or (height, width).
    dilation, padding, stride : int or tuple of int, optional
        As for :func:`handbook.convolution.conv2d`. Mind their order: it is PyTorch's, and differs
        from that of a convolution.

    Returns
    -------
    Tensor
        The windows :math:`u`: one column for each place, channel after channel from top to
        bottom.

    Shapes
    ------
    input : ``(N, C, H, W)`` or ``(C, H, W)``
    return : ``(N, C · k_H · k_W, L)`` or ``(C · k_H · k_W, L)``, with L places

    Raises
    ------
    TypeError
        If ``input`` is not a tensor, or a number not an ``int``.
    ValueError
        If ``input`` has another shape or an empty dimension (the batch may be empty), a number is
        too small, or the window does not fit.

    Notes
    -----
    The result is :math:`k_H k_W` times as large as the input where the stride is 1: numbers in
    overlapping windows are copied. Like :func:`torch.nn.functional.unfold`, which refuses
    integers; this only moves numbers, and takes them.

    References
    ----------
    Chellapilla, Puri and Simard, "High performance convolutional neural networks for document
    processing", 2006, https://inria.hal.science/inria-00112631

    Examples
    --------
    >>> image = torch.arange(9).reshape(1, 3, 3)
    >>> unfold(image, 2)  # four windows of four pixels
    tensor([[0, 1, 3, 4],
            [1, 2, 4, 5],
            [3, 4, 6, 7],
            [4, 5, 7, 8]])

    A convolution is a product with these columns:

    >>> kernel = torch.tensor([[1, 0, 0, -1]])
    >>> kernel @ unfold(image, 2)
    tensor([[-4, -4, -4, -4]])
    """
    _check_fold_input(input, 4, "(N, C, H, W) or (C, H, W)")
    kernel, gaps, margins, steps = _fold_arguments(kernel_size, dilation, padding, stride)
    n_rows, n_columns = _fold_places(input.shape[-2:], kernel, gaps, margins, steps)
    windows = _take_windows(input, kernel, (n_rows, n_columns), gaps, margins, steps)
    return windows.flatten(-2).flatten(-4, -2)  # (…, C · k_H · k_W, L)


def _take_windows(
    images: Tensor,
    kernel: tuple[int, ...],
    places: tuple[int, ...],
    gaps: tuple[int, ...],
    margins: tuple[int, ...],
    steps: tuple[int, ...],
) -> Tensor:
    """Copy the windows out of images (…, C, H, W): (…, C, k_H, k_W, rows, columns)."""
    if any(margins):
        images = pad(images, (margins[1], margins[1], margins[0], margins[0]))
    cells = [
        images[..., _fold_cells(i, places[0], steps[0], gaps[0]), :][
            ..., _fold_cells(j, places[1], steps[1], gaps[1])
        ]
        for i in range(kernel[0])
        for j in range(kernel[1])
    ]
    stacked = torch.stack(cells, dim=-3)
    return stacked.reshape(*images.shape[:-2], *kernel, *places)


def fold(
    input: Tensor,
    output_size: int | tuple[int, ...],
    kernel_size: int | tuple[int, ...],
    dilation: int | tuple[int, ...] = 1,
    padding: int | tuple[int, ...] = 0,
    stride: int | tuple[int, ...] = 1,
) -> Tensor:
    r"""Put windows back into an image, and add up where they overlap.

    .. math:: x^{\text{pad}}_{n,\,c,\,a,\,b} =
              \sum_{s_H r + d_H i = a} \; \sum_{s_W q + d_W j = b}
              u_{n,\; (c \, k_H + i) \, k_W + j,\; r \, W_{\text{out}} + q}

    The transpose of :func:`unfold`. It is not its inverse: a pixel that lies in four windows comes
    back four times as large.

    Parameters
    ----------
    input : Tensor
        The windows :math:`u` as columns.
    output_size : int or tuple of int
        Height and width of the image, without the padding.
    kernel_size, dilation, padding, stride : int or tuple of int
        As for :func:`unfold`. What lands in the padding is dropped.

    Returns
    -------
    Tensor
        The image :math:`x`.

    Shapes
    ------
    input : ``(N, C · k_H · k_W, L)`` or ``(C · k_H · k_W, L)``
    return : ``(N, C, *output_size)`` or ``(C, *output_size)``

    Raises
    ------
    TypeError
        If ``input`` is not a tensor, or a number not an ``int``.
    ValueError
        If ``input`` has another shape, the sizes do not give as many windows as it has columns,
        or a number is too small.

    Examples
    --------
    How many 2 × 2 windows does each pixel of a 3 × 3 image lie in?

    >>> fold(torch.ones(4, 4), output_size=3, kernel_size=2)
    tensor([[[1., 2., 1.],
             [2., 4., 2.],
             [1., 2., 1.]]])
    """
    _check_fold_input(input, 3, "(N, C · k_H · k_W, L) or (C · k_H · k_W, L)")
    sizes = require_integers("output_size", output_size, 2, minimum=1)
    kernel, gaps, margins, steps = _fold_arguments(kernel_size, dilation, padding, stride)
    n_rows, n_columns = _fold_places(sizes, kernel, gaps, margins, steps)
    n_cells, n_places = input.shape[-2:]
    if n_cells % (kernel[0] * kernel[1]):
        raise ValueError(
            f"input must have a multiple of {kernel[0]} × {kernel[1]} = {kernel[0] * kernel[1]} "
            f"rows, got {n_cells}: {describe(input)}"
        )
    if n_places != n_rows * n_columns:
        raise ValueError(
            f"input must have {n_rows} × {n_columns} = {n_rows * n_columns} columns for an image "
            f"of {sizes}, got {n_places}: {describe(input)}"
        )
    windows = input.unflatten(-1, (n_rows, n_columns)).unflatten(-3, (-1, *kernel))
    folded: Tensor = _AddWindows.apply(windows, sizes, gaps, margins, steps)
    return folded


def _add_windows(
    windows: Tensor,
    sizes: tuple[int, ...],
    gaps: tuple[int, ...],
    margins: tuple[int, ...],
    steps: tuple[int, ...],
) -> Tensor:
    """Lay windows (…, C, k_H, k_W, rows, columns) into an image of zeros and add them up."""
    *outer, kernel_height, kernel_width, n_rows, n_columns = windows.shape
    images = windows.new_zeros(*outer, sizes[0] + 2 * margins[0], sizes[1] + 2 * margins[1])
    for i in range(kernel_height):
        rows = images[..., _fold_cells(i, n_rows, steps[0], gaps[0]), :]
        for j in range(kernel_width):
            cells = rows[..., _fold_cells(j, n_columns, steps[1], gaps[1])]
            cells.add_(windows[..., i, j, :, :])
    inside = images.narrow(-2, margins[0], sizes[0]).narrow(-1, margins[1], sizes[1])
    return inside.contiguous()


class _AddWindows(torch.autograd.Function):
    """Adding windows up, with the gradient by hand: it takes the windows out again.

    Autograd would copy the whole image once for every weight of the kernel.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(windows: Tensor, *geometry: tuple[int, ...]) -> Tensor:
        return _add_windows(windows, *geometry)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        windows, *ctx.geometry = inputs
        ctx.kernel, ctx.places = windows.shape[-4:-2], windows.shape[-2:]

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        _, gaps, margins, steps = ctx.geometry
        taken = _take_windows(grads[0], ctx.kernel, ctx.places, gaps, margins, steps)
        return taken, None, None, None, None

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> Tensor:
        added: Tensor = _AddWindows.apply(tangents[0], *ctx.geometry)  # it is linear
        return added


def transposed_output_size(
    input_size: int,
    kernel_size: int,
    stride: int = 1,
    padding: int = 0,
    output_padding: int = 0,
    dilation: int = 1,
) -> int:
    r"""Return the size that a transposed convolution makes along one dimension.

    .. math:: n_{\text{out}} = (n - 1) \, s - 2 p + d (k - 1) + o + 1

    The formula of :func:`handbook.convolution.output_size` solved for its input. The floor there
    lets up to :math:`s` sizes share one output; ``output_padding`` says which of them is
    meant.

    Parameters
    ----------
    input_size : int
        Cells along this dimension, :math:`n`.
    kernel_size, stride, padding, dilation : int
        Those of the convolution to be transposed: :math:`k, s, p, d`.
    output_padding : int, optional
        Cells more at the far end, :math:`o`; less than ``stride`` or less than ``dilation``.

    Returns
    -------
    int
        The output's size, at least 1.

    Raises
    ------
    TypeError
        If an argument is not an ``int``.
    ValueError
        If a number is too small, ``output_padding`` too large, or nothing is left of the output.

    Examples
    --------
    >>> transposed_output_size(4, 3, stride=2, padding=1)
    7
    >>> output_size(7, 3, 2, 1), output_size(8, 3, 2, 1)  # both have 4 places, so 8 is as good
    (4, 4)
    >>> transposed_output_size(4, 3, stride=2, padding=1, output_padding=1)
    8
    """
    for name, value, minimum in (
        ("input_size", input_size, 1),
        ("kernel_size", kernel_size, 1),
        ("stride", stride, 1),
        ("padding", padding, 0),
        ("output_padding", output_padding, 0),
        ("dilation", dilation, 1),
    ):
        require_integer(name, value, minimum=minimum)
    if output_padding >= max(stride, dilation):
        raise ValueError(
            f"output_padding must be less than stride {stride} or less than dilation {dilation}, "
            f"got {output_padding}"
        )
    size = (input_size - 1) * stride - 2 * padding + dilation * (kernel_size - 1)
    size += output_padding + 1
    if size < 1:
        raise ValueError(
            f"padding must leave at least 1 cell of the output, got {padding} with a size of "
            f"({input_size} - 1) × {stride} - 2 × {padding} + {dilation} × ({kernel_size} - 1) + "
            f"{output_padding} + 1 = {size}"
        )
    return size


def conv_transpose2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | tuple[int, ...] = 1,
    padding: int | tuple[int, ...] = 0,
    output_padding: int | tuple[int, ...] = 0,
    groups: int = 1,
    dilation: int | tuple[int, ...] = 1,
) -> Tensor:
    r"""Spread every number of an image through a kernel over a window: the convolution transposed.

    .. math::

        y_{n,\,o,\; s_H r + d_H i - p_H,\; s_W q + d_W j - p_W} \mathrel{+}=
        \sum_{c} w_{c,o,i,j} \; x_{n,c,r,q}

    for every place :math:`(r, q)` and every weight :math:`(i, j)`, and :math:`b_o` on top. If
    :math:`M` is the matrix of a convolution, this is :math:`M^\top`, so that
    :math:`\langle M x, y \rangle = \langle x, M^\top y \rangle` for all :math:`x` and :math:`y`.

    Parameters
    ----------
    input : Tensor
        The images :math:`x`.
    weight : Tensor
        The kernels :math:`w`, input channels **first**: the weight of the convolution that it
        transposes.
    bias : Tensor, optional
        One number :math:`b_o` for each output channel.
    stride : int or tuple of int, optional
        Distance between the windows of neighbouring numbers: about the factor of enlargement.
    padding : int or tuple of int, optional
        Cells cut **off** at each side: what the convolution had added.
    output_padding : int or tuple of int, optional
        Cells more at the bottom and at the right, see :func:`transposed_output_size`.
    groups : int, optional
        Number of equal parts that the channels are cut into.
    dilation : int or tuple of int, optional
        Distance between neighbouring weights of the kernel. Mind the order: it comes last.

    Returns
    -------
    Tensor
        The output :math:`y`, contiguous, of the input's dtype.

    Shapes
    ------
    input : ``(N, C_in, H, W)`` or ``(C_in, H, W)``
    weight : ``(C_in, C_out / groups, k_H, k_W)``
    bias : ``(C_out,)``
    return : ``(N, C_out, H_out, W_out)`` or ``(C_out, H_out, W_out)``

    Raises
    ------
    TypeError
        If a tensor is none, holds ``bool``, or differs from ``weight`` in dtype; if a number is not
        an ``int``.
    ValueError
        If a shape does not fit, ``groups`` does not divide the channels, a number is too small or
        ``output_padding`` too large, nothing is left of the output, or tensors lie on several
        devices.

    Notes
    -----
    It is no inverse of the convolution ("deconvolution" is a misnomer): it gives back the shape,
    not the numbers. float16 and bfloat16 are added up in float32 and rounded once.

    Differences from PyTorch: the output is contiguous also for a ``channels_last`` input; integers
    of every width are taken and wrap around, where PyTorch takes int64 only.

    References
    ----------
    Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", 2016,
    `arXiv:1603.07285 <https://arxiv.org/abs/1603.07285>`_, chapter 4.

    Examples
    --------
    Each pixel paints its kernel. With stride 2, two kernels of width 3 overlap in one column:

    >>> image = torch.tensor([[[[1.0, 10.0]]]])
    >>> conv_transpose2d(image, torch.tensor([[[[1.0, 2.0, 3.0]]]]), stride=2)
    tensor([[[[ 1.,  2., 13., 20., 30.]]]])

    A stride equal to the kernel's size leaves no overlap, and a kernel of ones repeats pixels:

    >>> conv_transpose2d(image, torch.ones(1, 1, 2, 2), stride=2)
    tensor([[[[ 1.,  1., 10., 10.],
              [ 1.,  1., 10., 10.]]]])
    """
    steps, margins, more, gaps = _check_transposed(
        input, weight, bias, stride, padding, output_padding, groups, dilation
    )
    if input.dtype in _FOLD_WIDER:  # add up in more bits, round once
        wider = _FOLD_WIDER[input.dtype]
        wide_bias = None if bias is None else bias.to(wider)
        return conv_transpose2d(
            input.to(wider), weight.to(wider), wide_bias, steps, margins, more, groups, gaps
        ).to(input.dtype)
    batch, (height, width) = input.shape[:-3], input.shape[-2:]
    n_in, n_out, *kernel = weight.shape
    rows, columns = (
        transposed_output_size(
            input.shape[i - 2], kernel[i], steps[i], margins[i], more[i], gaps[i]
        )
        for i in range(2)
    )
    # W^T x: what each number paints, window by window; then add the windows up.
    filters = weight.reshape(groups, n_in // groups, n_out * kernel[0] * kernel[1])
    numbers = input.reshape(*batch, groups, n_in // groups, height * width)
    windows = (filters.transpose(1, 2) @ numbers).flatten(-3, -2)
    windows = windows.unflatten(-1, (height, width)).unflatten(-3, (groups * n_out, *kernel))
    output: Tensor = _AddWindows.apply(windows, (rows, columns), gaps, margins, steps)
    return output if bias is None else output + bias.reshape(-1, 1, 1)


def conv2d_matrix(
    weight: Tensor,
    input_size: tuple[int, ...],
    stride: int | tuple[int, ...] = 1,
    padding: int | tuple[int, ...] = 0,
    dilation: int | tuple[int, ...] = 1,
) -> Tensor:
    r"""Return the matrix :math:`M` with which a convolution multiplies a flattened image.

    .. math:: \operatorname{vec} \operatorname{conv}(x) = M \operatorname{vec}(x), \qquad
              \operatorname{vec} \operatorname{conv}^\top(y) = M^\top \operatorname{vec}(y)

    Column :math:`i` is the convolution's answer to the image that is 1 at pixel :math:`i` and 0
    elsewhere. For small images only: it has as many entries as input times output.

    Parameters
    ----------
    weight : Tensor
        The kernels.
    input_size : tuple of int
        Height and width of the image.
    stride, padding, dilation : int or tuple of int, optional
        As for :func:`handbook.convolution.conv2d`.

    Returns
    -------
    Tensor
        The matrix :math:`M`.

    Shapes
    ------
    weight : ``(C_out, C_in, k_H, k_W)``
    return : ``(C_out · H_out · W_out, C_in · H · W)``

    Raises
    ------
    TypeError
        As :func:`handbook.convolution.conv2d` does.
    ValueError
        If ``weight`` does not have four dimensions, or as :func:`handbook.convolution.conv2d`
        does.

    Examples
    --------
    >>> matrix = conv2d_matrix(torch.tensor([[[[1.0, 2.0]]]]), (2, 3))
    >>> matrix
    tensor([[1., 2., 0., 0., 0., 0.],
            [0., 1., 2., 0., 0., 0.],
            [0., 0., 0., 1., 2., 0.],
            [0., 0., 0., 0., 1., 2.]])
    """
    require_shape("weight", weight, ("C_out", "C_in", "k_H", "k_W"))
    height, width = require_integers("input_size", input_size, 2, minimum=1)
    n_pixels = weight.shape[1] * height * width
    units = torch.eye(n_pixels, dtype=weight.dtype, device=weight.device)
    answers = conv2d(
        units.reshape(n_pixels, weight.shape[1], height, width),
        weight,
        None,
        stride,
        padding,
        dilation,
    )
    return answers.flatten(1).T


def conv2d_chunked(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | tuple[int, ...] = 1,
    padding: int | tuple[int, ...] | str = 0,
    dilation: int | tuple[int, ...] = 1,
    groups: int = 1,
    *,
    chunk_size: int = 1,
) -> Tensor:
    r"""Convolve a few images at a time, so that less memory is needed at once.

    :func:`handbook.convolution.conv2d` keeps :math:`k_W` copies of its whole input while it
    works. Here it keeps as many of ``chunk_size`` images only; the output is the same:

    .. math:: y_n = \operatorname{conv}(x_n) \quad \text{for each image } n \text{ by itself}

    Parameters
    ----------
    input, weight, bias, stride, padding, dilation, groups
        As for :func:`handbook.convolution.conv2d`.
    chunk_size : int, optional
        Images at a time.

    Returns
    -------
    Tensor
        The output, as from :func:`handbook.convolution.conv2d`.

    Shapes
    ------
    input : ``(N, C_in, H, W)`` or ``(C_in, H, W)``
    weight : ``(C_out, C_in / groups, k_H, k_W)``
    bias : ``(C_out,)``
    return : ``(N, C_out, H_out, W_out)`` or ``(C_out, H_out, W_out)``

    Raises
    ------
    TypeError
        As :func:`handbook.convolution.conv2d` does, or if ``chunk_size`` is not an ``int``.
    ValueError
        Likewise, or if ``chunk_size`` is below 1.

    Notes
    -----
    It helps where no gradient is wanted. With gradients, autograd keeps the copies of every chunk
    for the backward pass, and nothing is saved.

    Examples
    --------
    >>> images, kernels = torch.ones(5, 1, 4, 4), torch.ones(2, 1, 3, 3)
    >>> torch.equal(conv2d_chunked(images, kernels, chunk_size=2), conv2d(images, kernels))
    True
    """
    require_integer("chunk_size", chunk_size, minimum=1)
    options = (weight, bias, stride, padding, dilation, groups)
    if not isinstance(input, Tensor) or input.dim() != 4 or len(input) <= chunk_size:
        return conv2d(input, *options)  # one image, one chunk, or something to complain about
    return torch.cat([conv2d(chunk, *options) for chunk in input.split(chunk_size)])


# ---- checks ------------------------------------------------------------------------------------

_FOLD_WIDER = {
    torch.float16: torch.float32,
    torch.bfloat16: torch.float32,
    torch.complex32: torch.complex64,
}


def _fold_cells(position: int, count: int, step: int, gap: int) -> slice:
    """Select what weight number ``position`` sees from all of its places."""
    first = position * gap
    return slice(first, first + (count - 1) * step + 1, step)


def _fold_places(
    sizes: tuple[int, ...],
    kernel: tuple[int, ...],
    gaps: tuple[int, ...],
    margins: tuple[int, ...],
    steps: tuple[int, ...],
) -> tuple[int, int]:
    rows, columns = (
        output_size(n, k, s, p, d)
        for n, k, s, p, d in zip(sizes, kernel, steps, margins, gaps, strict=True)
    )
    return rows, columns


def _check_fold_input(input: Tensor, dims: int, wanted: str) -> None:
    require_tensor("input", input)
    if input.dim() not in (dims - 1, dims):
        raise ValueError(f"input must have shape {wanted}, got {describe(input)}")
    inner = input.shape[1:] if input.dim() == dims else input.shape
    if 0 in inner:
        raise ValueError(f"input must have at least 1 in each of {wanted}, got {describe(input)}")


def _fold_arguments(
    kernel_size: int | tuple[int, ...],
    dilation: int | tuple[int, ...],
    padding: int | tuple[int, ...],
    stride: int | tuple[int, ...],
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    return (
        require_integers("kernel_size", kernel_size, 2, minimum=1),
        require_integers("dilation", dilation, 2, minimum=1),
        require_integers("padding", padding, 2, minimum=0),
        require_integers("stride", stride, 2, minimum=1),
    )


def _check_transposed(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: int | tuple[int, ...],
    padding: int | tuple[int, ...],
    output_padding: int | tuple[int, ...],
    groups: int,
    dilation: int | tuple[int, ...],
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """Check every argument; return stride, padding, output_padding and dilation."""
    _check_fold_input(input, 4, "(N, C_in, H, W) or (C_in, H, W)")
    if input.dtype == torch.bool:
        raise TypeError(
            f"input must hold numbers that can be added and multiplied, got {describe(input)}; "
            f"use input.float()"
        )
    require_shape("weight", weight, ("C_in", "C_out / groups", "k_H", "k_W"))
    require_same_placement("input", input, "weight", weight)
    if 0 in weight.shape:
        raise ValueError(f"weight must hold at least one weight, got {describe(weight)}")
    require_integer("groups", groups, minimum=1)
    if weight.shape[0] % groups:
        raise ValueError(
            f"groups must divide the number of input channels weight.shape[0] = "
            f"{weight.shape[0]}, got {groups}"
        )
    if input.shape[-3] != weight.shape[0]:
        remedy = ""
        if weight.shape[1] == input.shape[-3]:
            remedy = "; use weight.transpose(0, 1): here the input channels come first"
        raise ValueError(
            f"input must have weight.shape[0] = {weight.shape[0]} channels, got "
            f"{input.shape[-3]}: {describe(input)}{remedy}"
        )
    if bias is not None:
        require_shape("bias", bias, (weight.shape[1] * groups,))
        require_same_placement("bias", bias, "weight", weight)
    return (
        require_integers("stride", stride, 2, minimum=1),
        require_integers("padding", padding, 2, minimum=0),
        require_integers("output_padding", output_padding, 2, minimum=0),
        require_integers("dilation", dilation, 2, minimum=1),
    )
