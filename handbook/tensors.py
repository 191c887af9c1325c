r"""What a tensor is besides its numbers: shape, strides, and the graph behind it.

A tensor is a row of numbers in memory and a description of how to read it. The functions here are
that description, written out: :func:`contiguous_strides` and :func:`flat_index` say where an
element lies, :func:`broadcast_shapes` says what becomes of two shapes that meet, :func:`one_number`
takes the number out, and :func:`graph_size` counts what autograd has hung behind a tensor.
"""

from __future__ import annotations

import math
from typing import Any, cast

import torch
from torch import Tensor

from handbook.checks import describe, require_integer, require_tensor

__all__ = [
    "contiguous_strides",
    "flat_index",
    "broadcast_shapes",
    "one_number",
    "graph_size",
]


def _sizes_of(name: str, value: object, *, minimum: int | None = 0) -> tuple[int, ...]:
    """Return a tuple of whole numbers."""
    if not isinstance(value, (tuple, list)):
        raise TypeError(f"{name} must be a tuple of int, got {describe(value)}")
    return tuple(
        require_integer(f"{name}[{i}]", size, minimum=minimum) for i, size in enumerate(value)
    )


def contiguous_strides(shape: tuple[int, ...]) -> tuple[int, ...]:
    r"""Return how many elements one step along each dimension skips, rows laid end to end.

    .. math:: \mathrm{stride}_d = \prod_{k > d} \max(n_k, 1)

    Parameters
    ----------
    shape : tuple of int
        The sizes :math:`n_0, n_1, \dots`, none negative.

    Returns
    -------
    tuple of int
        One stride per dimension, counted in elements, as :meth:`torch.Tensor.stride` does.

    Raises
    ------
    TypeError
        If ``shape`` is not a tuple of ``int``.
    ValueError
        If a size is negative.

    Notes
    -----
    A size of 0 counts as 1: there is no element to find, and PyTorch lays such a tensor out so.

    Examples
    --------
    One step down skips a whole row of three; one step to the right, one element:

    >>> contiguous_strides((2, 3))
    (3, 1)
    >>> torch.zeros(2, 3).stride()
    (3, 1)
    >>> contiguous_strides(())
    ()
    """
    sizes = _sizes_of("shape", shape)
    return tuple(math.prod(max(size, 1) for size in sizes[d + 1 :]) for d in range(len(sizes)))


def flat_index(index: tuple[int, ...], stride: tuple[int, ...]) -> int:
    r"""Return where in memory an element lies, counted from the first.

    .. math:: \mathrm{flat}(i_0, \dots, i_{D-1}) = \sum_{d} i_d \, \mathrm{stride}_d

    Parameters
    ----------
    index : tuple of int
        One position per dimension, none negative.
    stride : tuple of int
        One stride per dimension, none negative.

    Returns
    -------
    int
        The number of elements before it.

    Raises
    ------
    TypeError
        If an argument is not a tuple of ``int``.
    ValueError
        If the two differ in length, or an entry is negative.

    Notes
    -----
    A transposed tensor is the same memory with its strides swapped, and a dimension that was
    stretched by broadcasting has stride 0: all its positions lead to one element.

    Examples
    --------
    >>> flat_index((1, 2), (3, 1))
    5
    >>> flat_index((2, 1), (1, 3))  # the same element, seen through the transpose
    5
    >>> flat_index((1, 2), (0, 1)), flat_index((7, 2), (0, 1))  # rows that are one row
    (2, 2)
    """
    positions = _sizes_of("index", index)
    steps = _sizes_of("stride", stride)
    if len(positions) != len(steps):
        raise ValueError(
            f"index must have one entry per stride, {len(steps)}, got {describe(positions)}"
        )
    return sum(i * step for i, step in zip(positions, steps, strict=True))


def broadcast_shapes(*shapes: int | tuple[int, ...]) -> torch.Size:
    r"""Return the shape that tensors of these shapes have in common.

    Write the shapes one below the other, their last dimensions aligned, and fill up with ones on
    the left. Then, in each column,

    .. math:: n = \begin{cases}
              n_\mathrm{a} & n_\mathrm{a} = n_\mathrm{b} \text{ or } n_\mathrm{b} = 1 \\
              n_\mathrm{b} & n_\mathrm{a} = 1 \\
              \text{error} & \text{else.} \end{cases}

    Parameters
    ----------
    *shapes : tuple of int
        Any number of shapes; an ``int`` stands for a shape of one dimension.

    Returns
    -------
    torch.Size
        The shape of the result of an elementwise operation on such tensors.

    Raises
    ------
    TypeError
        If a shape is neither a tuple of ``int`` nor an ``int``.
    ValueError
        If a size is negative, or two sizes in a column differ and neither is 1.

    Notes
    -----
    Size 0 follows the same rule: it fits 0 and 1, and makes the result empty.

    Difference from PyTorch: :func:`torch.broadcast_shapes` raises ``RuntimeError`` where the sizes
    do not fit.

    Examples
    --------
    >>> broadcast_shapes((4, 3), (3,))
    torch.Size([4, 3])

    The trap: a column and a row make a matrix.

    >>> broadcast_shapes((8, 1), (8,))
    torch.Size([8, 8])
    >>> broadcast_shapes((8, 2), (8,))
    Traceback (most recent call last):
        ...
    ValueError: shapes must agree or be 1 in each dimension, got 2 and 8 at dimension -1 of (8, 2)
    and (8,)
    """
    all_sizes = [
        _sizes_of(f"shapes[{i}]", (shape,) if isinstance(shape, int) else shape)
        for i, shape in enumerate(shapes)
    ]
    n_dims = max(map(len, all_sizes), default=0)
    common: list[int] = []
    for d in range(-1, -n_dims - 1, -1):
        size = 1
        seen: tuple[int, ...] = ()
        for sizes in all_sizes:
            came = sizes[d] if len(sizes) >= -d else 1
            if came == 1 or came == size:
                continue
            if size != 1:
                raise ValueError(
                    f"shapes must agree or be 1 in each dimension, got {size} and {came} "
                    f"at dimension {d} of {seen} and {sizes}"
                )
            size, seen = came, sizes
        common.insert(0, size)
    return torch.Size(common)


def one_number(input: Tensor) -> bool | int | float | complex:
    r"""Return the only element of a tensor as a number of Python, as ``input.item()`` does.

    Parameters
    ----------
    input : Tensor
        A tensor with exactly one element, in any number of dimensions.

    Returns
    -------
    bool, int, float or complex
        The number, without dtype, device or graph.

    Shapes
    ------
    input : ``()``, ``(1,)``, ``(1, 1)``, …

    Raises
    ------
    TypeError
        If ``input`` is not a tensor.
    ValueError
        If it has no element, or more than one.

    Notes
    -----
    A floating-point number comes back as a ``float`` of 64 bits, which holds every float32 number
    exactly; printed, it shows what float32 had rounded away. On an accelerator the call waits until
    the number is there.

    Difference from PyTorch: :meth:`torch.Tensor.item` raises ``RuntimeError``.

    Examples
    --------
    >>> one_number(torch.tensor(3)), one_number(torch.tensor([[[2.5]]]))
    (3, 2.5)
    >>> one_number(torch.tensor(True))
    True
    >>> one_number(torch.tensor([1.0, 2.0]))
    Traceback (most recent call last):
        ...
    ValueError: input must have exactly one element, got a float32 tensor of shape (2,); use
    input.tolist()
    """
    tensor = require_tensor("input", input)
    if tensor.numel() != 1:
        raise ValueError(
            f"input must have exactly one element, got {describe(tensor)}; use input.tolist()"
        )
    number: Any = tensor.detach().tolist()
    while isinstance(number, list):  # one pair of brackets per dimension
        (number,) = number
    return cast("bool | int | float | complex", number)


def graph_size(input: Tensor) -> int:
    """Count the operations that autograd would go back through from a tensor.

    Parameters
    ----------
    input : Tensor
        Any tensor.

    Returns
    -------
    int
        The number of nodes of the graph behind it: one for each recorded operation, and one for
        each parameter that gradients are collected for. A tensor without a graph has 0.

    Raises
    ------
    TypeError
        If ``input`` is not a tensor.

    Notes
    -----
    The nodes are found with a stack, not by recursion, so that a graph may be deep.

    Examples
    --------
    >>> w = torch.tensor(1.0, requires_grad=True)
    >>> graph_size(w), graph_size(w.detach())
    (0, 0)
    >>> graph_size(2 * w)  # the product, and the place where the gradient of w is collected
    2
    >>> total = torch.tensor(0.0)
    >>> for _ in range(1000):
    ...     total = total + 2 * w
    >>> graph_size(total)
    2001
    """
    start = require_tensor("input", input).grad_fn
    waiting: list[Any] = [start] if start is not None else []
    seen = set(waiting)
    while waiting:
        for node, _ in waiting.pop().next_functions:
            if node is not None and node not in seen:
                seen.add(node)
                waiting.append(node)
    return len(seen)
