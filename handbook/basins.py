r"""Where descent ends, as a function of where it starts.

A function with several minima divides the space of starts into basins of attraction, one for each
minimum. :func:`descend` walks from many starts at once and keeps only the ends;
:func:`basins_of_attraction` says which minimum each start belongs to.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from handbook.checks import (
    describe,
    require_floating,
    require_integer,
    require_number,
    require_same_placement,
)
from handbook.descent import gradient_descent
from handbook.surfaces import value_and_gradient

__all__ = ["descend", "nearest_minimum", "basins_of_attraction"]


def descend(
    function: Callable[[Tensor], Tensor], start: Tensor, *, learning_rate: float, n_steps: int
) -> Tensor:
    r"""Return where plain gradient descent stands after some steps, from one start or from many.

    .. math:: x_{t+1} = x_t - \eta \, \nabla f(x_t)

    It is the last point of :func:`handbook.descent.gradient_descent`, without the memory for the
    path.

    Parameters
    ----------
    function : callable
        Takes points of shape (..., D), returns one value per point, shape (...).
    start : Tensor
        Where to start; it is not changed.
    learning_rate : float
        :math:`\eta`, above 0.
    n_steps : int
        T, the number of steps.

    Returns
    -------
    Tensor
        :math:`x_T`, without a graph; inf or nan where the path diverged.

    Shapes
    ------
    start : (..., D)
    return : (..., D)

    Raises
    ------
    TypeError, ValueError
        As :func:`handbook.descent.gradient_descent`.

    Examples
    --------
    >>> from handbook.surfaces import uneven_wells
    >>> starts = torch.tensor([[-0.1], [0.1]])
    >>> descend(uneven_wells, starts, learning_rate=0.1, n_steps=200)
    tensor([[-2.],
            [ 1.]])
    """
    require_integer("n_steps", n_steps, minimum=0)
    # A path of no steps checks the other arguments.
    gradient_descent(function, start, learning_rate=learning_rate, n_steps=0)
    point = start.detach().clone()
    for _ in range(n_steps):
        point = point - learning_rate * value_and_gradient(function, point)[1]
    return point


def nearest_minimum(points: Tensor, minima: Tensor, *, radius: float) -> Tensor:
    r"""Say for each point which of the minima it has arrived at.

    .. math:: k = \arg\min_k \|x - m_k\| \quad \text{if that distance is at most } r,
              \qquad \text{else } -1

    Parameters
    ----------
    points : Tensor
        The points, such as the ends of :func:`descend`.
    minima : Tensor
        The places to tell apart.
    radius : float
        r, how close counts as arrived; above 0.

    Returns
    -------
    Tensor
        The row of the minimum, as int64; −1 for a point that is near none, or not finite.

    Shapes
    ------
    points : (..., D)
    minima : (K, D)
    return : (...)

    Raises
    ------
    TypeError
        If ``points`` or ``minima`` is not a floating-point tensor, or they differ in dtype.
    ValueError
        If the shapes do not fit, there is no minimum, or ``radius`` is not above 0.

    Examples
    --------
    >>> minima = torch.tensor([[-2.0], [1.0]])
    >>> ends = torch.tensor([[0.99], [-2.0], [0.0], [torch.inf]])
    >>> nearest_minimum(ends, minima, radius=0.1)
    tensor([ 1,  0, -1, -1])
    """
    require_floating("points", points)
    require_floating("minima", minima)
    if points.dim() == 0 or points.shape[-1] == 0:
        raise ValueError(
            f"points must have shape (..., D) with D at least 1, got {describe(points)}"
        )
    size = points.shape[-1]
    if minima.dim() != 2 or minima.shape[0] == 0 or minima.shape[1] != size:
        raise ValueError(
            f"minima must have shape (K, D) = (K, {size}) with K at least 1 to fit points, "
            f"got {describe(minima)}"
        )
    require_same_placement("minima", minima, "points", points)
    radius = require_number("radius", radius, above=0.0, below=torch.inf)
    wide = torch.promote_types(points.dtype, torch.float32)  # squares of float16 overflow early
    distance = (points.unsqueeze(-2).to(wide) - minima.to(wide)).norm(dim=-1)  # (..., K)
    distance = distance.nan_to_num(nan=torch.inf, posinf=torch.inf)
    smallest, which = distance.min(-1)
    arrived: Tensor = which.masked_fill(smallest > radius, -1)
    return arrived


def basins_of_attraction(
    function: Callable[[Tensor], Tensor],
    starts: Tensor,
    minima: Tensor,
    *,
    learning_rate: float,
    n_steps: int,
    radius: float = 0.01,
) -> Tensor:
    r"""Say for each start at which minimum plain gradient descent arrives.

    The starts that lead to one minimum are its basin of attraction. It belongs to the function and
    to the learning rate: a large rate can jump from one basin of the small rate into another.

    Parameters
    ----------
    function : callable
        Takes points of shape (..., D), returns one value per point, shape (...).
    starts : Tensor
        Where to start, such as a :func:`handbook.surfaces.surface_grid`.
    minima : Tensor
        The places to tell apart.
    learning_rate : float
        :math:`\eta`, above 0.
    n_steps : int
        Steps from each start.
    radius : float, default: 0.01
        How close counts as arrived.

    Returns
    -------
    Tensor
        The row of the minimum for each start, as int64; −1 where descent diverged, stopped at a
        saddle or has not arrived yet.

    Shapes
    ------
    starts : (..., D)
    minima : (K, D)
    return : (...)

    Raises
    ------
    TypeError, ValueError
        As :func:`descend` and :func:`nearest_minimum`.

    Examples
    --------
    On one variable the hill at 0 is the border. A start on its very top stays there:

    >>> from handbook.surfaces import UNEVEN_WELLS
    >>> starts = torch.tensor([[-3.0], [-0.5], [0.0], [0.5], [2.0]])
    >>> minima = torch.tensor([[-2.0], [1.0]])
    >>> basins_of_attraction(UNEVEN_WELLS, starts, minima, learning_rate=0.05, n_steps=300)
    tensor([ 0,  0, -1,  1,  1])
    """
    # Asked before the walk, so that a slip in minima does not cost the reader the time of it.
    nearest_minimum(starts, minima, radius=radius)
    ends = descend(function, starts, learning_rate=learning_rate, n_steps=n_steps)
    return nearest_minimum(ends, minima, radius=radius)
