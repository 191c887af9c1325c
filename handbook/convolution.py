r"""Convolution in one and two dimensions, from its definition by loops to a form fit for training.

Images are tensors of shape :math:`(N, C, H, W)`: image, channel, row, column; row 0 is the top one.
Signals are :math:`(N, C, L)`. The batch dimension may be missing. As in PyTorch and in the field,
"convolution" means cross-correlation: the kernel slides over the input without being flipped.
"""

from __future__ import annotations

import torch
from torch import Tensor

from handbook.checks import (
    describe,
    require_choice,
    require_floating,
    require_integer,
    require_integers,
    require_same_placement,
    require_shape,
    require_tensor,
)

__all__ = [
    "output_size",
    "pad",
    "conv2d_loops",
    "conv2d",
    "conv1d",
    "conv1d_matrix",
    "conv2d_backward",
]


def output_size(
    input_size: int, kernel_size: int, stride: int = 1, padding: int = 0, dilation: int = 1
) -> int:
    r"""Return how many places a kernel has along one dimension of its input.

    .. math:: n_{\text{out}} = \left\lfloor \frac{n + 2p - d(k - 1) - 1}{s} \right\rfloor + 1

    The kernel spans :math:`d(k - 1) + 1` cells of the :math:`n + 2p` there are. It starts at the
    first cell and moves by :math:`s` while it still fits; cells that the last step would overshoot
    are left out, silently: that is the floor.

    Parameters
    ----------
    input_size : int
        Cells along this dimension, :math:`n`: the height, the width or the length.
    kernel_size : int
        Weights along this dimension, :math:`k`.
    stride : int, optional
        Cells between one place of the kernel and the next, :math:`s`.
    padding : int, optional
        Cells added at *each* end, :math:`p`.
    dilation : int, optional
        Cells between one weight of the kernel and the next, :math:`d`; 1 leaves no gap.

    Returns
    -------
    int
        The output's size along this dimension, at least 1.

    Raises
    ------
    TypeError
        If an argument is not an ``int``.
    ValueError
        If an argument is below 1 (``padding``: below 0), or the kernel spans more cells than the
        padded input has.

    Notes
    -----
    Pooling follows the same formula.

    Examples
    --------
    A 3-wide kernel on 100 cells, then with one cell of padding, then in steps of two:

    >>> output_size(100, 3), output_size(100, 3, padding=1), output_size(100, 3, 2, 1)
    (98, 100, 50)

    An even kernel never keeps the size with the same padding on both sides:

    >>> [output_size(100, 4, padding=p) for p in (1, 2)]
    [99, 101]

    >>> output_size(4, 3, dilation=2)
    Traceback (most recent call last):
        ...
    ValueError: kernel_size must span at most the padded input's 4 + 2 × 0 = 4 cells,
    got a span of 2 × (3 - 1) + 1 = 5; use a smaller kernel, less dilation or more padding
    """
    for name, value, minimum in (
        ("input_size", input_size, 1),
        ("kernel_size", kernel_size, 1),
        ("stride", stride, 1),
        ("padding", padding, 0),
        ("dilation", dilation, 1),
    ):
        require_integer(name, value, minimum=minimum)
    padded = input_size + 2 * padding
    span = dilation * (kernel_size - 1) + 1
    if span > padded:
        raise ValueError(
            f"kernel_size must span at most the padded input's {input_size} + 2 × {padding} = "
            f"{padded} cells, got a span of {dilation} × ({kernel_size} - 1) + 1 = {span}; "
            f"use a smaller kernel, less dilation or more padding"
        )
    return (padded - span) // stride + 1


def pad(
    input: Tensor, pad: tuple[int, ...], mode: str = "constant", value: float | None = None
) -> Tensor:
    r"""Add cells around the last dimensions of a tensor.

    Parameters
    ----------
    input : Tensor
        Any tensor; most often images :math:`(N, C, H, W)`.
    pad : tuple of int
        Cells to add, in pairs, **from the last dimension backwards**: ``(left, right)``, or
        ``(left, right, top, bottom)``. A negative number takes cells away.
    mode : str, optional
        What fills the new cells: ``"constant"`` the number ``value``; ``"reflect"`` the input
        mirrored at its first and last cell (which are not repeated); ``"replicate"`` the nearest
        cell; ``"circular"`` the opposite end.
    value : float, optional
        For ``"constant"``: the number to fill with, 0 if left out.

    Returns
    -------
    Tensor
        A new tensor of the input's dtype.

    Shapes
    ------
    input : ``(..., H, W)``
    return : ``(..., top + H + bottom, left + W + right)``

    Raises
    ------
    TypeError
        If ``input`` is not a tensor, or ``pad`` is not a tuple of ``int``.
    ValueError
        If ``mode`` is unknown; ``pad`` has an odd number of entries or more than two per
        dimension; a size would become negative; for modes other than ``"constant"``, if ``value``
        is given, if ``pad`` does not leave one or two dimensions (channels, and the batch)
        untouched, or if there are too few cells to copy.

    Notes
    -----
    Like :func:`torch.nn.functional.pad`, whose ``"reflect"`` and ``"replicate"`` refuse tensors of
    ``bool``; these take them.

    Examples
    --------
    >>> row = torch.tensor([[1, 2, 3]])
    >>> pad(row, (1, 2)).tolist()
    [[0, 1, 2, 3, 0, 0]]
    >>> for mode in ("reflect", "replicate", "circular"):
    ...     print(f"{mode:9}", pad(row, (2, 2), mode).tolist())
    reflect   [[3, 2, 1, 2, 3, 2, 1]]
    replicate [[1, 1, 1, 2, 3, 3, 3]]
    circular  [[2, 3, 1, 2, 3, 1, 2]]

    The last dimension comes first: one column on the left, two rows on top.

    >>> pad(torch.ones(1, 1), (1, 0, 2, 0))
    tensor([[0., 0.],
            [0., 0.],
            [0., 1.]])
    """
    margins = _check_pad(input, pad, mode, value)
    padded = input
    for dim, before, after in margins:
        size = padded.shape[dim]
        first, last = max(-before, 0), size - max(-after, 0)  # what negative counts leave
        if before == after == 0:
            continue
        if mode == "constant":
            number = 0 if value is None else value
            head, tail = (
                padded.new_full((*padded.shape[:dim], n, *padded.shape[dim + 1 :]), number)
                for n in (max(before, 0), max(after, 0))
            )
            padded = torch.cat([head, padded.narrow(dim, first, last - first), tail], dim)
        else:
            index = torch.arange(-before, size + after, device=input.device)
            if mode == "reflect":
                index = size - 1 - (size - 1 - index.abs()).abs()
            elif mode == "replicate":
                index = index.clamp(0, size - 1)
            else:
                index = first + (index - first).remainder(last - first)
            padded = padded.index_select(dim, index)
    return input.clone() if padded is input else padded


def _check_pad(
    input: Tensor, pad: tuple[int, ...], mode: str, value: float | None
) -> list[tuple[int, int, int]]:
    """Check the arguments of pad; return (dimension, cells before, cells after) for each pair."""
    require_tensor("input", input)
    require_choice("mode", mode, ("constant", "reflect", "replicate", "circular"))
    if not isinstance(pad, (tuple, list)):
        raise TypeError(f"pad must be a tuple of int, got {describe(pad)}; use (left, right)")
    counts = require_integers("pad", pad, len(pad)) if pad else ()
    n_pairs = len(counts) // 2
    if len(counts) % 2:
        raise ValueError(f"pad must have two entries per dimension, got {len(counts)} entries")
    if n_pairs > input.dim():
        raise ValueError(
            f"pad must have at most 2 × {input.dim()} entries for an input of {input.dim()} "
            f"dimensions, got {len(counts)}"
        )
    if mode != "constant":
        if value is not None:
            raise ValueError(f"value must be left out with mode {mode!r}, got {describe(value)}")
        if n_pairs not in (1, 2, 3) or input.dim() not in (n_pairs + 1, n_pairs + 2):
            raise ValueError(
                f"pad must leave one or two of input's {input.dim()} dimensions untouched with "
                f"mode {mode!r}, got {len(counts)} entries; use two entries for each of the others"
            )
    margins = []
    for i in range(n_pairs):
        dim, before, after = input.dim() - 1 - i, counts[2 * i], counts[2 * i + 1]
        size = input.shape[dim]
        least = 0 if mode in ("constant", "circular") else 1  # cells to start from and to end with
        if size < least:
            raise ValueError(
                f"input must have cells to copy from with mode {mode!r}, got {describe(input)}"
            )
        most = {"reflect": size - 1, "circular": size}.get(mode)
        if most is not None and max(before, after) > most:
            raise ValueError(
                f"pad must add at most {most} cells at each end of dimension {dim}, where input "
                f"has {size}, with mode {mode!r}, got {(before, after)}"
            )
        if size + min(before, 0) + min(after, 0) < least:
            raise ValueError(
                f"pad must leave at least {least} of input's {size} cells in dimension {dim}, "
                f"got {(before, after)}"
            )
        margins.append((dim, before, after))
    return margins


def conv2d_loops(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | tuple[int, ...] = 1,
    padding: int | tuple[int, ...] | str = 0,
    dilation: int | tuple[int, ...] = 1,
    groups: int = 1,
) -> Tensor:
    r"""Convolve images, written as the definition: one output number at a time.

    .. math::

        y_{n,o,r,q} = b_o + \sum_{c=0}^{C_g - 1} \sum_{i=0}^{k_H - 1} \sum_{j=0}^{k_W - 1}
        w_{o,c,i,j} \; x^{\text{pad}}_{n,\; g(o) C_g + c,\; s_H r + d_H i,\; s_W q + d_W j}

    with :math:`C_g = C_{\text{in}} / \text{groups}` channels in each group and
    :math:`g(o) = \lfloor o \cdot \text{groups} / C_{\text{out}} \rfloor` the group that output
    channel :math:`o` belongs to. For reading and for checking: Python's loops make it thousands
    of times slower than :func:`conv2d`, which gives the same numbers.

    Parameters
    ----------
    input, weight, bias, stride, padding, dilation, groups
        As for :func:`conv2d`.

    Returns
    -------
    Tensor
        The output :math:`y`, as from :func:`conv2d`.

    Shapes
    ------
    input : ``(N, C_in, H, W)`` or ``(C_in, H, W)``
    weight : ``(C_out, C_in / groups, k_H, k_W)``
    bias : ``(C_out,)``
    return : ``(N, C_out, H_out, W_out)`` or ``(C_out, H_out, W_out)``

    Raises
    ------
    TypeError
        As :func:`conv2d` does.
    ValueError
        Likewise.

    Examples
    --------
    The difference between each pixel and its right-hand neighbour:

    >>> image = torch.tensor([[[0.0, 0.0, 9.0], [0.0, 9.0, 9.0]]])
    >>> conv2d_loops(image, torch.tensor([[[[-1.0, 1.0]]]]))
    tensor([[[0., 9.],
             [9., 0.]]])
    """
    stride, margins, dilation = _check_convolution(
        2, input, weight, bias, stride, padding, dilation, groups
    )
    (top, bottom), (left, right) = margins
    images = pad(input if input.dim() == 4 else input.unsqueeze(0), (left, right, top, bottom))
    n_images, _, padded_height, padded_width = images.shape
    n_filters, n_channels, kernel_height, kernel_width = weight.shape
    height = output_size(padded_height, kernel_height, stride[0], dilation=dilation[0])
    width = output_size(padded_width, kernel_width, stride[1], dilation=dilation[1])
    output = input.new_zeros(n_images, n_filters, height, width)
    for n in range(n_images):
        for o in range(n_filters):
            first = o * groups // n_filters * n_channels  # the group's first input channel
            for r in range(height):
                for q in range(width):
                    total = input.new_zeros(()) if bias is None else bias[o]
                    for c in range(n_channels):
                        for i in range(kernel_height):
                            for j in range(kernel_width):
                                row = stride[0] * r + dilation[0] * i
                                column = stride[1] * q + dilation[1] * j
                                pixel = images[n, first + c, row, column]
                                total = total + weight[o, c, i, j] * pixel
                    output[n, o, r, q] = total
    return output if input.dim() == 4 else output.squeeze(0)


def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | tuple[int, ...] = 1,
    padding: int | tuple[int, ...] | str = 0,
    dilation: int | tuple[int, ...] = 1,
    groups: int = 1,
) -> Tensor:
    r"""Slide a bank of small kernels over images; each place gives one number per kernel.

    Output channel :math:`o` adds up, over the input channels of its group, the cross-correlation
    of the channel with its own :math:`k_H \times k_W` slice of the kernel
    (:func:`conv2d_loops` has the full formula):

    .. math::

        y_{n,o} = b_o + \sum_{c} w_{o,c} \star x_{n,c}

    Parameters
    ----------
    input : Tensor
        The images :math:`x`.
    weight : Tensor
        One kernel :math:`w_o` for each output channel.
    bias : Tensor, optional
        One number :math:`b_o` for each output channel.
    stride : int or tuple of int, optional
        Step of the kernel: one number, or one for rows and one for columns.
    padding : int or tuple of int or str, optional
        Zeros added on *each* side: one number, or one for rows (top and bottom) and one for columns
        (left and right). ``"valid"`` adds none; ``"same"`` as many as keep the size (stride 1
        only; where their number is odd, the extra one goes to the bottom or to the right).
    dilation : int or tuple of int, optional
        Distance between neighbouring weights of the kernel, in pixels.
    groups : int, optional
        Number of equal parts that the channels are cut into; each part of the output sees only its
        own part of the input.

    Returns
    -------
    Tensor
        The output :math:`y`, contiguous, of the input's dtype.

    Shapes
    ------
    input : ``(N, C_in, H, W)`` or ``(C_in, H, W)``
    weight : ``(C_out, C_in / groups, k_H, k_W)``
    bias : ``(C_out,)``
    return : ``(N, C_out, H_out, W_out)`` or ``(C_out, H_out, W_out)``; see :func:`output_size`

    Raises
    ------
    TypeError
        If a tensor is none, has a dtype that convolution is not defined for, or differs from
        ``weight`` in dtype; if a number is not an ``int``.
    ValueError
        If a shape does not fit (the message shows the arithmetic), ``groups`` does not divide the
        channels, a kernel does not fit into the padded input, ``"same"`` meets a stride, a
        number is too small, or tensors lie on several devices.

    Notes
    -----
    Neighbouring pixels under one kernel row are laid side by side (:math:`k_W` copies of the
    input, where the textbook's ``im2col`` takes :math:`k_H k_W`), and each kernel row becomes one
    matrix product for the whole batch. The rows are then added up.

    float16 and bfloat16 are added up in float32 and rounded once. Integers work on the CPU only, as
    in PyTorch, and wrap around.

    Differences from PyTorch: the output is contiguous also for a ``channels_last`` input; with zero
    input channels the output has :math:`C_{\text{out}}` channels that hold the bias (the empty
    sum), where PyTorch 2.13 returns a tensor without channels.

    References
    ----------
    Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", 2016,
    `arXiv:1603.07285 <https://arxiv.org/abs/1603.07285>`_.

    Examples
    --------
    A vertical edge, seen by a kernel that subtracts the left neighbour from the right one:

    >>> image = torch.tensor([[[[0.0, 0.0, 1.0, 1.0]]]])  # (N, C, H, W) = (1, 1, 1, 4)
    >>> kernel = torch.tensor([[[[-1.0, 0.0, 1.0]]]])
    >>> conv2d(image, kernel)
    tensor([[[[1., 1.]]]])
    >>> conv2d(image, kernel, padding="same")  # the zeros outside look like an edge
    tensor([[[[ 0.,  1.,  1., -1.]]]])

    Five channels in, ten kernels, ten channels out:

    >>> conv2d(torch.zeros(1, 5, 100, 100), torch.zeros(10, 5, 3, 3)).shape
    torch.Size([1, 10, 98, 98])

    A kernel that does not fit is refused, with the arithmetic:

    >>> conv2d(torch.zeros(1, 5, 2, 100), torch.zeros(10, 5, 3, 3))
    Traceback (most recent call last):
        ...
    ValueError: weight must span at most the padded input's height 0 + 2 + 0 = 2,
    got a span of 1 × (3 - 1) + 1 = 3; use a smaller kernel, less dilation or more padding
    """
    stride, margins, dilation = _check_convolution(
        2, input, weight, bias, stride, padding, dilation, groups
    )
    if input.dim() == 3:  # one image is a batch of one
        batch = conv2d(input.unsqueeze(0), weight, bias, stride, padding, dilation, groups)
        return batch.squeeze(0)
    if input.dtype in _CONV_WIDER:  # add up in more bits, round once
        wider = _CONV_WIDER[input.dtype]
        wide_bias = None if bias is None else bias.to(wider)
        output = conv2d(
            input.to(wider), weight.to(wider), wide_bias, stride, padding, dilation, groups
        )
        return output.to(input.dtype)

    (top, bottom), (left, right) = margins
    images = pad(input, (left, right, top, bottom)) if any(sum(margins, ())) else input
    n_images, _, padded_height, padded_width = images.shape
    n_filters, n_channels, kernel_height, kernel_width = weight.shape
    height = output_size(padded_height, kernel_height, stride[0], dilation=dilation[0])
    width = output_size(padded_width, kernel_width, stride[1], dilation=dilation[1])

    # Beside every pixel, the others under its kernel row: (groups, C_g · k_W, H, N, W_out). With
    # the batch between rows and columns, one matrix product serves all images, and a run of rows
    # is a view.
    rows = images.permute(1, 2, 0, 3)
    neighbours = torch.stack(
        [rows[..., _strided(j * dilation[1], width, stride[1])] for j in range(kernel_width)], dim=1
    ).reshape(groups, n_channels * kernel_width, padded_height, n_images, width)
    filters = weight.reshape(groups, n_filters // groups, n_channels, kernel_height, kernel_width)

    output = input.new_zeros(1) if bias is None else bias.reshape(groups, -1, 1)
    for i in range(kernel_height):
        kernel_row = filters[:, :, :, i].flatten(2)  # (groups, C_out / groups, C_g · k_W)
        seen = neighbours[:, :, _strided(i * dilation[0], height, stride[0])].flatten(2)
        if i == 0:
            output = torch.baddbmm(output, kernel_row, seen)  # output + kernel_row @ seen
        else:  # in place: no gradient needs the sum so far
            output.baddbmm_(kernel_row, seen)
    return output.reshape(n_filters, height, n_images, width).permute(2, 0, 1, 3).contiguous()


def conv1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | tuple[int, ...] = 1,
    padding: int | tuple[int, ...] | str = 0,
    dilation: int | tuple[int, ...] = 1,
    groups: int = 1,
) -> Tensor:
    r"""Slide a bank of small kernels along signals: :func:`conv2d` on images of height one.

    .. math::

        y_{n,o,q} = b_o + \sum_{c} \sum_{j=0}^{k - 1} w_{o,c,j} \; x^{\text{pad}}_{n,c,sq + dj}

    Parameters
    ----------
    input : Tensor
        The signals :math:`x`.
    weight : Tensor
        One kernel :math:`w_o` for each output channel.
    bias : Tensor, optional
        One number :math:`b_o` for each output channel.
    stride, dilation, groups
        As for :func:`conv2d`, for one dimension.
    padding : int or tuple of int or str, optional
        Zeros added at *each* end, or ``"valid"`` or ``"same"``, as for :func:`conv2d`.

    Returns
    -------
    Tensor
        The output :math:`y`.

    Shapes
    ------
    input : ``(N, C_in, L)`` or ``(C_in, L)``
    weight : ``(C_out, C_in / groups, k)``
    bias : ``(C_out,)``
    return : ``(N, C_out, L_out)`` or ``(C_out, L_out)``

    Raises
    ------
    TypeError
        As :func:`conv2d` does.
    ValueError
        Likewise.

    Examples
    --------
    The kernel is not flipped:

    >>> signal = torch.tensor([[[0.0, 0.0, 1.0, 0.0, 0.0]]])  # (N, C, L) = (1, 1, 5)
    >>> conv1d(signal, torch.tensor([[[1.0, 2.0, 3.0]]]))
    tensor([[[3., 2., 1.]]])
    """
    stride, _, dilation = _check_convolution(
        1, input, weight, bias, stride, padding, dilation, groups
    )
    if not isinstance(padding, str):
        padding = (0, *require_integers("padding", padding, 1, minimum=0))
    output = conv2d(
        input.unsqueeze(-2),
        weight.unsqueeze(-2),
        bias,
        (1, *stride),
        padding,
        (1, *dilation),
        groups,
    )
    return output.squeeze(-2)


def conv1d_matrix(
    kernel: Tensor, input_size: int, stride: int = 1, padding: int = 0, dilation: int = 1
) -> Tensor:
    r"""Return the matrix that convolves a signal of one channel.

    .. math:: y = M x, \qquad M_{q,\; sq + dj - p} = w_j

    Every row holds the same weights, :math:`s` columns further right than the row above; what falls
    outside meets the padding's zeros and is left out. With stride 1 all entries on a diagonal are
    equal: a Toeplitz matrix.

    Parameters
    ----------
    kernel : Tensor
        The weights :math:`w`.
    input_size : int
        Length of the signal.
    stride, padding, dilation : int, optional
        As for :func:`output_size`.

    Returns
    -------
    Tensor
        The matrix :math:`M`. Its transpose carries gradients back from the output to the input.

    Shapes
    ------
    kernel : ``(k,)``
    return : ``(output size, input size)``

    Raises
    ------
    TypeError
        If ``kernel`` is not a tensor, or another argument not an ``int``.
    ValueError
        If ``kernel`` does not have shape (k,), or as :func:`output_size` does.

    Examples
    --------
    >>> conv1d_matrix(torch.tensor([1, 2, 3]), 4, padding=1)
    tensor([[2, 3, 0, 0],
            [1, 2, 3, 0],
            [0, 1, 2, 3],
            [0, 0, 1, 2]])
    """
    require_shape("kernel", kernel, ("k",))
    n_rows = output_size(input_size, kernel.shape[0], stride, padding, dilation)
    rows = torch.arange(n_rows, device=kernel.device).unsqueeze(1)
    weights = torch.arange(kernel.shape[0], device=kernel.device)
    columns = stride * rows + dilation * weights
    matrix = kernel.new_zeros(n_rows, input_size + 2 * padding)
    matrix[rows, columns] = kernel.expand(n_rows, -1)
    return matrix[:, padding : padding + input_size]


def conv2d_backward(
    grad_output: Tensor,
    input: Tensor,
    weight: Tensor,
    stride: int | tuple[int, ...] = 1,
    padding: int | tuple[int, ...] | str = 0,
    dilation: int | tuple[int, ...] = 1,
    groups: int = 1,
) -> tuple[Tensor, Tensor, Tensor]:
    r"""Return the gradients of :func:`conv2d` by hand, from the gradient of its output.

    Write :math:`G = \partial \text{loss} / \partial y`. Every product
    :math:`w_{o,c,i,j} \, x_{n,c,sr+di,sq+dj}` in the sum adds to both factors' gradients:

    .. math::

        \frac{\partial \text{loss}}{\partial w_{o,c,i,j}} &= \sum_{n,r,q} G_{n,o,r,q} \;
        x^{\text{pad}}_{n,c,sr+di,sq+dj} \\
        \frac{\partial \text{loss}}{\partial x^{\text{pad}}_{n,c,sr+di,sq+dj}}
        &\mathrel{+}= w_{o,c,i,j} \; G_{n,o,r,q} \\
        \frac{\partial \text{loss}}{\partial b_o} &= \sum_{n,r,q} G_{n,o,r,q}

    The second line spreads each number of :math:`G` through the kernel over the window that it came
    from: the *transposed convolution*.

    Parameters
    ----------
    grad_output : Tensor
        The gradient :math:`G` of a scalar with respect to the output.
    input, weight, stride, padding, dilation, groups
        As they were given to :func:`conv2d`.

    Returns
    -------
    grad_input : Tensor
        Gradient with respect to ``input``.
    grad_weight : Tensor
        Gradient with respect to ``weight``.
    grad_bias : Tensor
        Gradient with respect to ``bias``, whether there was one or not.

    Shapes
    ------
    grad_output : ``(N, C_out, H_out, W_out)`` or ``(C_out, H_out, W_out)``
    grad_input : as input
    grad_weight : as weight
    grad_bias : ``(C_out,)``

    Raises
    ------
    TypeError
        If ``input`` or ``grad_output`` is not a tensor of floating-point numbers, or the dtypes
        differ.
    ValueError
        If ``grad_output`` does not have the output's shape, or as :func:`conv2d` does.

    Examples
    --------
    >>> image, kernel = torch.tensor([[[[1.0, 2.0, 3.0]]]]), torch.tensor([[[[4.0, 5.0]]]])
    >>> grads = conv2d_backward(torch.tensor([[[[1.0, 10.0]]]]), image, kernel)
    >>> [grad.flatten().tolist() for grad in grads]
    [[4.0, 45.0, 50.0], [21.0, 32.0], [11.0]]
    """
    require_floating("input", input)
    stride, margins, dilation = _check_convolution(
        2, input, weight, None, stride, padding, dilation, groups
    )
    require_floating("grad_output", grad_output)
    require_same_placement("grad_output", grad_output, "input", input)
    (top, bottom), (left, right) = margins
    images = pad(input if input.dim() == 4 else input.unsqueeze(0), (left, right, top, bottom))
    n_images, _, padded_height, padded_width = images.shape
    n_filters, n_channels, kernel_height, kernel_width = weight.shape
    height = output_size(padded_height, kernel_height, stride[0], dilation=dilation[0])
    width = output_size(padded_width, kernel_width, stride[1], dilation=dilation[1])
    batch = (n_images,) if input.dim() == 4 else ()
    require_shape("grad_output", grad_output, (*batch, n_filters, height, width))

    # Split the channels into groups, and count an output's places in one dimension l.
    grad = grad_output.reshape(n_images, groups, n_filters // groups, height * width)
    filters = weight.reshape(groups, n_filters // groups, n_channels, kernel_height, kernel_width)
    grad_images = torch.zeros_like(images)
    grad_filters = torch.zeros_like(filters)
    for i in range(kernel_height):
        for j in range(kernel_width):
            window = (  # what weight (i, j) sees from all its places
                ...,
                _strided(i * dilation[0], height, stride[0]),
                _strided(j * dilation[1], width, stride[1]),
            )
            seen = images[window].reshape(n_images, groups, n_channels, height * width)
            grad_filters[..., i, j] = torch.einsum("ngol,ngcl->goc", grad, seen)
            spread = torch.einsum("goc,ngol->ngcl", filters[..., i, j], grad)
            grad_images[window] += spread.reshape(n_images, groups * n_channels, height, width)
    grad_input = grad_images[..., top : padded_height - bottom, left : padded_width - right]
    grad_bias = grad.sum(dim=(0, 3)).flatten()
    return grad_input.reshape(input.shape), grad_filters.reshape(weight.shape), grad_bias


def _strided(first: int, count: int, step: int) -> slice:
    """Select ``count`` positions from ``first`` on, ``step`` apart."""
    return slice(first, first + (count - 1) * step + 1, step)


# What PyTorch convolves on a CPU; it refuses bool, float8 and the wide unsigned integers too.
_CONV_DTYPES = (
    *(torch.float16, torch.bfloat16, torch.float32, torch.float64),
    *(torch.complex32, torch.complex64, torch.complex128),
    *(torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64),
)
_CONV_WIDER = {
    torch.float16: torch.float32,
    torch.bfloat16: torch.float32,
    torch.complex32: torch.complex64,
}


def _check_convolution(
    dims: int,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: int | tuple[int, ...],
    padding: int | tuple[int, ...] | str,
    dilation: int | tuple[int, ...],
    groups: int,
) -> tuple[tuple[int, ...], tuple[tuple[int, int], ...], tuple[int, ...]]:
    """Check every argument; return stride, cells to pad (before, after) and dilation."""
    axes = ("height", "width") if dims == 2 else ("length",)
    letters = ("H", "W") if dims == 2 else ("L",)
    _check_conv_input(input, letters)
    require_shape(
        "weight", weight, ("C_out", "C_in / groups", *(f"k_{letter}" for letter in letters))
    )
    require_same_placement("input", input, "weight", weight)
    if 0 in (weight.shape[0], *weight.shape[2:]):
        raise ValueError(
            f"weight must hold at least one kernel of at least one weight in each direction, "
            f"got {describe(weight)}"
        )
    _check_conv_channels(input, weight, groups, dims)
    if bias is not None:
        require_shape("bias", bias, (weight.shape[0],))
        require_same_placement("bias", bias, "weight", weight)

    stride = require_integers("stride", stride, dims, minimum=1)
    dilation = require_integers("dilation", dilation, dims, minimum=1)
    spans = [step * (size - 1) + 1 for step, size in zip(dilation, weight.shape[2:], strict=True)]
    margins = _conv_margins(padding, stride, spans)
    for i in range(dims):
        size, (before, after), step = input.shape[i - dims], margins[i], dilation[i]
        if size == 0:
            raise ValueError(f"input must have a {axes[i]} of at least 1, got {describe(input)}")
        if spans[i] > before + size + after:
            raise ValueError(
                f"weight must span at most the padded input's {axes[i]} "
                f"{before} + {size} + {after} = {before + size + after}, got a span of "
                f"{step} × ({weight.shape[2 + i]} - 1) + 1 = {spans[i]}; "
                f"use a smaller kernel, less dilation or more padding"
            )
    return stride, margins, dilation


def _check_conv_input(input: Tensor, letters: tuple[str, ...]) -> None:
    require_tensor("input", input)
    wanted = f"({', '.join(('N', 'C', *letters))}) or ({', '.join(('C', *letters))})"
    if input.dim() not in (len(letters) + 1, len(letters) + 2):
        lacking = len(letters) + 1 - input.dim()
        remedy = "; use input.unsqueeze(0) for a single channel" if lacking == 1 else ""
        raise ValueError(f"input must have shape {wanted}, got {describe(input)}{remedy}")
    if input.dtype not in _CONV_DTYPES:
        raise TypeError(
            f"input must hold numbers that can be added and multiplied, got {describe(input)}; "
            f"use input.float()"
        )
    exact = input.is_floating_point() or input.is_complex() or input.device.type == "cpu"
    if not exact:
        raise TypeError(
            f"input must have a floating-point dtype on {input.device.type}, "
            f"got {describe(input)}; use input.float()"
        )


def _check_conv_channels(input: Tensor, weight: Tensor, groups: int, dims: int) -> None:
    require_integer("groups", groups, minimum=1)
    if weight.shape[0] % groups:
        raise ValueError(
            f"groups must divide the number of kernels weight.shape[0] = {weight.shape[0]}, "
            f"got {groups}"
        )
    channels, wanted = input.shape[-1 - dims], weight.shape[1] * groups
    if channels == wanted:
        return
    remedy = ""
    if input.shape[-1] == wanted:
        order = (0, 3, 1, 2)[: dims + 2] if dims == 2 else (0, 2, 1)
        order = order if input.dim() == dims + 2 else tuple(i - 1 for i in order if i)
        remedy = f"; use input.permute{order} if the channels are last"
    elif input.dim() == dims + 1 and wanted == 1:
        remedy = "; use input.unsqueeze(1) if this is a batch without its channel dimension"
    raise ValueError(
        f"input must have weight.shape[1] × groups = {weight.shape[1]} × {groups} = {wanted} "
        f"channels in dimension {input.dim() - 1 - dims}, got {channels}: {describe(input)}{remedy}"
    )


def _conv_margins(
    padding: int | tuple[int, ...] | str, stride: tuple[int, ...], spans: list[int]
) -> tuple[tuple[int, int], ...]:
    """Cells to add before and after, for each dimension."""
    if not isinstance(padding, str):
        return tuple((p, p) for p in require_integers("padding", padding, len(spans), minimum=0))
    require_choice("padding", padding, ("valid", "same"))
    if padding == "valid":
        return ((0, 0),) * len(spans)
    if any(step != 1 for step in stride):
        raise ValueError(
            f"stride must be 1 with padding 'same', got {stride}; "
            f"use padding=(kernel_size - 1) // 2 for an odd kernel"
        )
    # A span of m cells takes m - 1 away. Where that is odd, the extra zero goes to the far end.
    return tuple(((span - 1) // 2, span // 2) for span in spans)
