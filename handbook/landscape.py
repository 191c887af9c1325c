r"""The loss of a network as a function of its parameters: slices of it, and its symmetries.

A network of a thousand parameters has a loss surface over a thousand dimensions. What can be drawn
is a slice: two directions, and the loss at the points that they span (:func:`loss_slice`).
:func:`plane_curvatures` and :func:`grid_minima` put into numbers how such a slice bends. The other
functions change a network with one hidden layer into another one that computes the same,
which is why minima of networks never come alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn

from handbook.checks import (
    describe,
    require_floating,
    require_generator,
    require_integer,
    require_number,
    require_tensor,
)

__all__ = [
    "filter_normalized_direction",
    "direction_between",
    "loss_slice",
    "plane_curvatures",
    "grid_minima",
    "permute_hidden_units",
    "flip_hidden_units",
    "count_symmetric_copies",
]


def _landscape_parameters(model: object) -> dict[str, Tensor]:
    """Return the floating-point parameters of a module by name, each shared one once."""
    if not isinstance(model, nn.Module):
        raise TypeError(f"model must be a torch.nn.Module, got {describe(model)}")
    found: dict[str, Tensor] = {
        name: parameter
        for name, parameter in model.named_parameters()
        if parameter.is_floating_point()
    }
    if not found:
        raise ValueError("model must have floating-point parameters, got a module without any")
    return found


def filter_normalized_direction(
    model: nn.Module, *, generator: torch.Generator, biases: bool = False
) -> dict[str, Tensor]:
    r"""Draw a random direction in which every filter moves in proportion to its own length.

    .. math:: d_{j} \leftarrow \frac{d_{j}}{\|d_{j}\|} \, \|\theta_{j}\|,
              \qquad d_j \sim \mathcal N(0, I)

    :math:`\theta_j` is the j-th filter: row j of a linear layer's weight, output channel j of a
    convolution's. In plain random directions a network with large weights looks flatter than the
    same function with small ones; in these it does not.

    Parameters
    ----------
    model : torch.nn.Module
        The network; it is not changed.
    generator : torch.Generator
        Where the direction comes from.
    biases : bool, default: False
        Whether parameters of one dimension (biases, the scales of normalisation layers) move too,
        each as one filter. Without it their part of the direction is zero.

    Returns
    -------
    dict of str to Tensor
        One tensor for each parameter, of its shape, dtype and device.

    Raises
    ------
    TypeError
        If ``model`` is not a module, ``generator`` not a generator or ``biases`` not a ``bool``.
    ValueError
        If ``model`` has no floating-point parameters.

    References
    ----------
    H. Li, Z. Xu, G. Taylor, C. Studer, T. Goldstein, "Visualizing the Loss Landscape of Neural
    Nets", NeurIPS (2018), https://arxiv.org/abs/1712.09913

    Examples
    --------
    >>> from handbook.seeding import make_generator
    >>> layer = torch.nn.Linear(3, 2)
    >>> direction = filter_normalized_direction(layer, generator=make_generator(0))
    >>> torch.allclose(direction["weight"].norm(dim=1), layer.weight.detach().norm(dim=1))
    True
    >>> direction["bias"]
    tensor([0., 0.])
    """
    parameters = _landscape_parameters(model)
    require_generator("generator", generator)
    if not isinstance(biases, bool):
        raise TypeError(f"biases must be a bool, got {describe(biases)}")
    direction = {}
    for name, parameter in parameters.items():
        # Drawn for every parameter, so that ``biases`` does not change the rest of the direction.
        drawn = torch.randn(
            parameter.shape, generator=generator, dtype=torch.float32, device=generator.device
        ).to(parameter.device)
        values = parameter.detach().float()
        if parameter.dim() <= 1:
            drawn = _filter_rescaled(drawn.reshape(1, -1), values.reshape(1, -1)) * biases
        else:
            drawn = _filter_rescaled(drawn.flatten(1), values.flatten(1))
        direction[name] = drawn.reshape(parameter.shape).to(parameter.dtype)
    return direction


def _filter_rescaled(drawn: Tensor, filters: Tensor) -> Tensor:
    """Give each row of one matrix the length of the same row of the other."""
    length = drawn.norm(dim=1, keepdim=True)
    unit = drawn / length.masked_fill(length == 0, 1)
    rescaled: Tensor = unit * filters.norm(dim=1, keepdim=True)
    return rescaled


def direction_between(start: Mapping[str, Tensor], end: Mapping[str, Tensor]) -> dict[str, Tensor]:
    r"""Return the direction from one setting of a network's parameters to another.

    .. math:: d = \theta_{\text{end}} - \theta_{\text{start}}

    Along it, :func:`loss_slice` has the start at 0 and the end at 1.

    Parameters
    ----------
    start, end : mapping of str to Tensor
        Parameters by name, as from ``dict(model.named_parameters())`` or ``model.state_dict()``.

    Returns
    -------
    dict of str to Tensor
        One tensor for each floating-point entry of ``start``.

    Raises
    ------
    TypeError
        If an entry is not a tensor.
    ValueError
        If ``end`` lacks an entry, or has one of another shape.

    Examples
    --------
    >>> direction_between({"w": torch.tensor([1.0])}, {"w": torch.tensor([3.0])})
    {'w': tensor([2.])}
    """
    direction = {}
    for name, value in start.items():
        if not require_tensor(f"start[{name!r}]", value).is_floating_point():
            continue
        if name not in end:
            raise ValueError(f"end must have an entry {name!r} like start, got {sorted(end)}")
        other = require_floating(f"end[{name!r}]", end[name])
        if other.shape != value.shape:
            raise ValueError(
                f"end[{name!r}] must have shape {tuple(value.shape)} like start, "
                f"got {describe(other)}"
            )
        direction[name] = other.detach() - value.detach()
    return direction


def loss_slice(
    model: nn.Module,
    loss: Callable[[nn.Module], Tensor | float],
    x_direction: Mapping[str, Tensor],
    y_direction: Mapping[str, Tensor] | None = None,
    *,
    x: Sequence[float] | Tensor,
    y: Sequence[float] | Tensor | None = None,
) -> Tensor:
    r"""Return the loss of a network at the points of a line or a plane through its parameters.

    .. math:: L_{ij} = L(\theta + x_i \, d_x + y_j \, d_y)

    Parameters
    ----------
    model : torch.nn.Module
        The network, with its parameters at :math:`\theta`. While the slice is computed they move;
        afterwards parameters and buffers are what they were, to the last bit, and also if
        ``loss`` raises.
    loss : callable
        ``loss(model)`` returns one number. It is called without recording of gradients.
    x_direction, y_direction : mapping of str to Tensor
        A tensor for each parameter that moves, of its shape. Without ``y_direction`` the slice is
        a line.
    x, y : sequence of float or Tensor
        How far along each direction.

    Returns
    -------
    Tensor
        The losses, in float64 on the CPU.

    Shapes
    ------
    x : (N,)
    y : (M,)
    return : (N, M), or (N,) for a line

    Raises
    ------
    TypeError
        If ``model`` is not a module, ``loss`` cannot be called, or a direction is not made of
        tensors.
    ValueError
        If a direction names a parameter that ``model`` does not have or has another shape there,
        only one of ``y_direction`` and ``y`` is given, or ``loss`` does not return one number.

    Notes
    -----
    The mode (training or evaluation) is left as it is. In training mode batch normalisation takes
    its statistics from the batch, and dropout draws anew at each point: call ``model.eval()``
    first for a slice of the network that you would use.

    Examples
    --------
    A line with slope w, fitted to y = 2x, whose w is 2. Along w the loss is a parabola:

    >>> model = torch.nn.Linear(1, 1, bias=False)
    >>> _ = torch.nn.init.constant_(model.weight, 2.0)
    >>> samples = torch.tensor([[1.0], [2.0]])
    >>> def loss(model):
    ...     return (model(samples) - 2 * samples).square().mean()
    >>> loss_slice(model, loss, {"weight": torch.ones(1, 1)}, x=[-1.0, 0.0, 1.0])
    tensor([2.5000, 0.0000, 2.5000], dtype=torch.float64)
    >>> model.weight.item()
    2.0
    """
    parameters = _landscape_parameters(model)
    if not callable(loss):
        raise TypeError(f"loss must be callable, got {describe(loss)}")
    along_x = _slice_direction("x_direction", x_direction, parameters)
    x_steps = _slice_steps("x", x)
    if (y_direction is None) != (y is None):
        raise ValueError("y_direction and y must come together, got only one of them")
    along_y = (
        {} if y_direction is None else _slice_direction("y_direction", y_direction, parameters)
    )
    y_steps = [0.0] if y is None else _slice_steps("y", y)

    # Buffers too: in training mode a normalisation layer updates its statistics at every call.
    moved = {**dict(model.named_buffers()), **dict(model.named_parameters())}
    kept = {name: tensor.detach().clone() for name, tensor in moved.items()}
    stays = {
        name
        for name in parameters
        if not any(bool(part[name].any()) for part in (along_x, along_y) if name in part)
    }
    rows = []
    with torch.inference_mode(False), torch.no_grad():
        try:
            for x_step in x_steps:
                # From the original each time: sums of steps would drift.
                at_x = {name: kept[name] + x_step * part for name, part in along_x.items()}
                at_x = {**kept, **at_x}
                row = []
                for y_step in y_steps:
                    for name, tensor in moved.items():
                        if name in stays:
                            continue
                        value = at_x[name]
                        tensor.copy_(value + y_step * along_y[name] if name in along_y else value)
                    row.append(_slice_number(loss(model)))
                rows.append(row)
        finally:
            for name, tensor in moved.items():
                tensor.copy_(kept[name])
    losses = torch.tensor(rows, dtype=torch.float64, device="cpu").reshape(
        len(x_steps), len(y_steps)
    )
    return losses[:, 0] if y is None else losses


def plane_curvatures(losses: Tensor, spacing: float) -> Tensor:
    r"""Return the two curvatures of a slice at each inner point of its grid, the smaller first.

    The eigenvalues of the Hessian within the plane, from central differences of step h:

    .. math:: H_{xx} = \frac{L_{i+1,j} - 2 L_{ij} + L_{i-1,j}}{h^2}, \qquad
              H_{xy} = \frac{L_{i+1,j+1} - L_{i+1,j-1} - L_{i-1,j+1} + L_{i-1,j-1}}{4 h^2}

    and :math:`H_{yy}` like :math:`H_{xx}`.

    Parameters
    ----------
    losses : Tensor
        The slice, as :func:`loss_slice` returns it for a grid with equal steps.
    spacing : float
        h, the distance between neighbours along both directions.

    Returns
    -------
    Tensor
        The curvatures, in the dtype of ``losses``.

    Shapes
    ------
    losses : (N, M), each at least 3
    return : (N − 2, M − 2, 2)

    Raises
    ------
    TypeError
        If ``losses`` is not a floating-point tensor or ``spacing`` not a number.
    ValueError
        If ``losses`` does not have two dimensions of at least 3, or ``spacing`` is not above 0.

    Notes
    -----
    Where the smaller one is negative, the loss is not convex, whatever it does outside the plane.
    The converse is false. A curvature along a direction is a weighted mean of the curvatures along
    all eigenvectors of the whole Hessian, so one plane can curve up everywhere at a saddle.

    Bends that are narrower than h are not seen.

    References
    ----------
    H. Li, Z. Xu, G. Taylor, C. Studer, T. Goldstein, "Visualizing the Loss Landscape of Neural
    Nets", NeurIPS (2018), section 6, https://arxiv.org/abs/1712.09913

    Examples
    --------
    A saddle, :math:`x^2 - 3 y^2`, curves by 2 along x and by −6 along y:

    >>> steps = torch.tensor([-0.5, 0.0, 0.5])
    >>> plane_curvatures(steps[:, None] ** 2 - 3 * steps**2, 0.5)
    tensor([[[-6.,  2.]]])
    """
    grid = _slice_grid(losses)
    h = require_number("spacing", spacing, above=0, below=math.inf)
    middle = grid[1:-1, 1:-1]
    along_x = (grid[2:, 1:-1] - 2 * middle + grid[:-2, 1:-1]) / h**2
    along_y = (grid[1:-1, 2:] - 2 * middle + grid[1:-1, :-2]) / h**2
    mixed = (grid[2:, 2:] - grid[2:, :-2] - grid[:-2, 2:] + grid[:-2, :-2]) / (4 * h**2)
    # A symmetric 2 × 2 matrix has the eigenvalues mean ± radius.
    mean = (along_x + along_y) / 2
    radius = torch.hypot((along_x - along_y) / 2, mixed)
    return torch.stack([mean - radius, mean + radius], dim=-1)


def grid_minima(losses: Tensor) -> Tensor:
    """Tell which inner points of a slice lie lower than all of their eight neighbours.

    Parameters
    ----------
    losses : Tensor
        The slice, as :func:`loss_slice` returns it.

    Returns
    -------
    Tensor
        bool; count them with ``.sum()``.

    Shapes
    ------
    losses : (N, M), each at least 3
    return : (N − 2, M − 2)

    Raises
    ------
    TypeError
        If ``losses`` is not a floating-point tensor.
    ValueError
        If ``losses`` does not have two dimensions of at least 3.

    Notes
    -----
    A bowl has one. More than one prove that the loss is not convex in the plane, but they need not
    be minima of the loss: there may be a way down that leaves the plane.

    Examples
    --------
    >>> valley = torch.tensor([[9.0, 9, 9, 9], [9, 1, 2, 9], [9, 9, 9, 9]])
    >>> grid_minima(valley)
    tensor([[ True, False]])
    """
    grid = _slice_grid(losses)
    rows, columns = grid.shape
    middle = grid[1:-1, 1:-1]
    lowest = torch.ones_like(middle, dtype=torch.bool)
    for i in range(3):
        for j in range(3):
            if (i, j) != (1, 1):
                lowest &= middle < grid[i : rows - 2 + i, j : columns - 2 + j]
    return lowest


def _slice_grid(losses: object) -> Tensor:
    """Return the losses on a grid, after a check that it has inner points."""
    grid = require_floating("losses", losses)
    if grid.dim() != 2 or min(grid.shape) < 3:
        raise ValueError(f"losses must have shape (N, M), each at least 3, got {describe(grid)}")
    return grid


def _slice_direction(
    argument: str, direction: Mapping[str, Tensor], parameters: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Return the direction on the parameters' devices, after a check of names and shapes."""
    if not isinstance(direction, Mapping):
        raise TypeError(
            f"{argument} must map names of parameters to tensors, got {describe(direction)}"
        )
    checked = {}
    for name, value in direction.items():
        if name not in parameters:
            raise ValueError(
                f"{argument} must name parameters of model ({', '.join(parameters)}), got {name!r}"
            )
        require_floating(f"{argument}[{name!r}]", value)
        if value.shape != parameters[name].shape:
            raise ValueError(
                f"{argument}[{name!r}] must have shape {tuple(parameters[name].shape)} like the "
                f"parameter, got {describe(value)}"
            )
        checked[name] = value.detach().to(parameters[name])
    return checked


def _slice_steps(argument: str, steps: object) -> list[float]:
    """Return the steps along a direction as numbers."""
    if isinstance(steps, Tensor):
        if steps.dim() != 1:
            raise ValueError(f"{argument} must have shape (N,), got {describe(steps)}")
        steps = steps.tolist()
    if isinstance(steps, (str, bytes)) or not isinstance(steps, Sequence):
        raise TypeError(f"{argument} must be a sequence of numbers, got {describe(steps)}")
    return [
        require_number(f"{argument}[{i}]", step, above=-math.inf, below=math.inf)
        for i, step in enumerate(steps)
    ]


def _slice_number(value: object) -> float:
    """Return what the loss gave as a float."""
    if isinstance(value, Tensor):
        if value.numel() != 1 or value.is_complex():
            raise ValueError(f"loss must return one real number, got {describe(value)}")
        return float(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"loss must return a number or a tensor with one, got {describe(value)}")
    return float(value)


def _require_hidden_layer(weight_in: object, bias_in: object, weight_out: object) -> int:
    """Return the number of hidden units, after a check that the three tensors fit together."""
    first = require_floating("weight_in", weight_in)
    if first.dim() != 2:
        raise ValueError(f"weight_in must have shape (H, I), got {describe(first)}")
    size = first.shape[0]
    middle = require_floating("bias_in", bias_in)
    if tuple(middle.shape) != (size,):
        raise ValueError(
            f"bias_in must have shape (H,) = ({size},) to fit weight_in, got {describe(middle)}"
        )
    last = require_floating("weight_out", weight_out)
    if last.dim() != 2 or last.shape[1] != size:
        raise ValueError(
            f"weight_out must have shape (O, H) = (O, {size}) to fit weight_in, "
            f"got {describe(last)}"
        )
    return size


def _unit_numbers(argument: str, units: object) -> list[int]:
    """Return the numbers of hidden units as a list, after a check of their kind."""
    if isinstance(units, Tensor):
        if units.dim() != 1:
            raise ValueError(f"{argument} must have one dimension, got {describe(units)}")
        units = units.tolist()
    if isinstance(units, (str, bytes)) or not isinstance(units, Sequence):
        raise TypeError(f"{argument} must be a sequence of whole numbers, got {describe(units)}")
    return [require_integer(f"{argument}[{i}]", unit) for i, unit in enumerate(units)]


def permute_hidden_units(
    weight_in: Tensor, bias_in: Tensor, weight_out: Tensor, order: Sequence[int] | Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    r"""Renumber the hidden units of a layer; the network computes the same as before.

    .. math:: V \, f(W x + b) = (V P^\top) \, f(P W x + P b)

    P is the matrix that puts unit ``order[k]`` in place k. It holds for every elementwise
    activation f.

    Parameters
    ----------
    weight_in, bias_in : Tensor
        W and b of the layer before the activation.
    weight_out : Tensor
        V of the layer after it.
    order : sequence of int or Tensor
        Each number from 0 to H − 1 once.

    Returns
    -------
    tuple of Tensor
        The three tensors, renumbered.

    Shapes
    ------
    weight_in : (H, I)
    bias_in : (H,)
    weight_out : (O, H)
    order : (H,)

    Raises
    ------
    TypeError
        If a tensor is not a floating-point one, or ``order`` not made of whole numbers.
    ValueError
        If the shapes do not fit, or ``order`` is not a permutation.

    Examples
    --------
    >>> W, b, V = torch.tensor([[1.0], [2.0]]), torch.tensor([0.0, 1.0]), torch.tensor([[3.0, 4.0]])
    >>> permute_hidden_units(W, b, V, [1, 0])
    (tensor([[2.],
            [1.]]), tensor([1., 0.]), tensor([[4., 3.]]))
    """
    size = _require_hidden_layer(weight_in, bias_in, weight_out)
    places = _unit_numbers("order", order)
    if sorted(places) != list(range(size)):
        raise ValueError(f"order must hold each number from 0 to {size - 1} once, got {places}")
    index = torch.tensor(places, dtype=torch.int64, device=weight_in.device)
    return weight_in[index], bias_in[index], weight_out[:, index]


def flip_hidden_units(
    weight_in: Tensor, bias_in: Tensor, weight_out: Tensor, units: Sequence[int] | Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    r"""Change the sign of everything at some hidden units; with tanh the network stays the same.

    .. math:: v \tanh(w^\top x + b) = (-v) \tanh(-w^\top x - b)

    It holds for every odd activation, :math:`f(-z) = -f(z)`, and not for the others.

    Parameters
    ----------
    weight_in, bias_in : Tensor
        W and b of the layer before the activation.
    weight_out : Tensor
        V of the layer after it.
    units : sequence of int or Tensor
        Which units to flip.

    Returns
    -------
    tuple of Tensor
        The three tensors, with the rows and columns of these units negated.

    Shapes
    ------
    weight_in : (H, I)
    bias_in : (H,)
    weight_out : (O, H)

    Raises
    ------
    TypeError
        If a tensor is not a floating-point one, or ``units`` not made of whole numbers.
    ValueError
        If the shapes do not fit, or a unit is not from 0 to H − 1.

    Examples
    --------
    >>> W, b, V = torch.tensor([[1.0], [2.0]]), torch.tensor([0.5, 1.0]), torch.tensor([[3.0, 4.0]])
    >>> flip_hidden_units(W, b, V, [1])
    (tensor([[ 1.],
            [-2.]]), tensor([ 0.5000, -1.0000]), tensor([[ 3., -4.]]))
    """
    size = _require_hidden_layer(weight_in, bias_in, weight_out)
    sign = torch.ones(size, dtype=weight_in.dtype, device=weight_in.device)
    for i, unit in enumerate(_unit_numbers("units", units)):
        sign[require_integer(f"units[{i}]", unit, minimum=0, maximum=size - 1)] = -1
    return weight_in * sign.unsqueeze(1), bias_in * sign, weight_out * sign


def count_symmetric_copies(hidden_size: int, *, odd: bool = False) -> int:
    r"""Count the settings of one hidden layer that compute the same by its symmetries alone.

    .. math:: H! \quad \text{or, for an odd activation,} \quad H! \; 2^H

    Parameters
    ----------
    hidden_size : int
        H, the number of hidden units.
    odd : bool, default: False
        Whether the activation is odd, such as tanh.

    Returns
    -------
    int
        The number of copies of a minimum whose units all differ, and with ``odd`` also differ from
        each other's mirror image and from zero.

    Raises
    ------
    TypeError
        If ``hidden_size`` is not an ``int`` or ``odd`` not a ``bool``.
    ValueError
        If ``hidden_size`` is negative.

    References
    ----------
    R. Hecht-Nielsen, "On the algebraic structure of feedforward network weight spaces", in
    *Advanced Neural Computers* (1990), https://doi.org/10.1016/B978-0-444-88400-8.50019-4

    Examples
    --------
    >>> count_symmetric_copies(2, odd=True), count_symmetric_copies(10)
    (8, 3628800)
    """
    require_integer("hidden_size", hidden_size, minimum=0)
    if not isinstance(odd, bool):
        raise TypeError(f"odd must be a bool, got {describe(odd)}")
    return math.factorial(hidden_size) * (2**hidden_size if odd else 1)
