r"""Functions of one or two variables to walk on, and what the second derivatives say about them.

Every function takes ``points`` of shape (..., D), the coordinates last, and returns one value per
point, shape (...). A :class:`Surface` keeps a function together with its gradient and Hessian,
derived by hand, and with its critical points. :func:`gradient` and :func:`hessian` find the same
derivatives of any function by autograd.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from handbook.checks import (
    describe,
    require_floating,
    require_generator,
    require_integer,
    require_number,
)

__all__ = [
    "quadratic",
    "bowl",
    "ravine",
    "saddle",
    "double_well",
    "monkey_saddle",
    "rosenbrock",
    "himmelblau",
    "uneven_wells",
    "Surface",
    "quadratic_surface",
    "BOWL",
    "RAVINE",
    "SADDLE",
    "DOUBLE_WELL",
    "MONKEY_SADDLE",
    "ROSENBROCK",
    "HIMMELBLAU",
    "UNEVEN_WELLS",
    "SURFACES",
    "surface_grid",
    "value_and_gradient",
    "gradient",
    "hessian",
    "CriticalPoint",
    "classify_critical_point",
    "critical_index",
    "is_strict_saddle",
    "find_critical_points",
    "random_hessians",
]

_BOWL_CURVATURES = (1.0, 3.0)
_RAVINE_CURVATURES = (1.0, 50.0)
_SADDLE_CURVATURES = (1.0, -1.0)


def _surface_coordinates(points: Tensor, n_coordinates: int) -> tuple[Tensor, ...]:
    """Return the columns of ``points``, each (...), after a check of the last dimension."""
    require_floating("points", points)
    if points.dim() == 0 or points.shape[-1] != n_coordinates:
        raise ValueError(
            f"points must have shape (..., {n_coordinates}), the coordinates last, "
            f"got {describe(points)}"
        )
    return points.unbind(-1)


def _surface_matrix(rows: Sequence[Sequence[Tensor]]) -> Tensor:
    """Put entries of shape (...) together to matrices of shape (..., D, D)."""
    return torch.stack([torch.stack(list(row), -1) for row in rows], -2)


def _surface_curvatures(curvatures: object) -> tuple[float, ...]:
    """Return the curvatures as floats, after a check."""
    if isinstance(curvatures, (str, Tensor)) or not isinstance(curvatures, Sequence):
        raise TypeError(
            f"curvatures must be a sequence of numbers such as (1.0, -1.0), "
            f"got {describe(curvatures)}"
        )
    if not curvatures:
        raise ValueError("curvatures must hold at least one number, got an empty sequence")
    return tuple(
        require_number(f"curvatures[{i}]", value, above=-torch.inf, below=torch.inf)
        for i, value in enumerate(curvatures)
    )


def quadratic(points: Tensor, curvatures: Sequence[float]) -> Tensor:
    r"""Quadratic with a given curvature along each axis.

    .. math:: f(x) = \frac12 \sum_i \lambda_i x_i^2

    The factor ½ makes the numbers :math:`\lambda_i` the second derivatives themselves.

    Parameters
    ----------
    points : Tensor
        Where to evaluate, dimensionless.
    curvatures : sequence of float
        The second derivative along each axis: positive curves up, negative curves down.

    Returns
    -------
    Tensor
        The value at each point.

    Shapes
    ------
    points : (..., D)
    curvatures : (D,)
    return : (...)

    Raises
    ------
    TypeError
        If ``points`` is not a floating-point tensor or ``curvatures`` not a sequence of numbers.
    ValueError
        If the last dimension of ``points`` is not the number of curvatures, or a curvature is not
        finite.

    Examples
    --------
    >>> points = torch.tensor([[2.0, 0.0], [0.0, 2.0]])
    >>> quadratic(points, (1.0, 3.0))
    tensor([2., 6.])
    """
    curvatures = _surface_curvatures(curvatures)
    coordinates = _surface_coordinates(points, len(curvatures))
    terms = [value * x.square() for value, x in zip(curvatures, coordinates, strict=True)]
    return functools.reduce(torch.add, terms) / 2


def _quadratic_gradient(points: Tensor, curvatures: tuple[float, ...]) -> Tensor:
    coordinates = _surface_coordinates(points, len(curvatures))
    return torch.stack([v * x for v, x in zip(curvatures, coordinates, strict=True)], -1)


def _quadratic_hessian(points: Tensor, curvatures: tuple[float, ...]) -> Tensor:
    _surface_coordinates(points, len(curvatures))
    size = len(curvatures)
    diagonal = torch.tensor(curvatures, dtype=points.dtype, device=points.device).diag()
    return diagonal.expand(*points.shape[:-1], size, size).clone()


def bowl(points: Tensor) -> Tensor:
    r"""Round valley with one minimum: curvatures 1 and 3.

    .. math:: f(x, y) = \frac12 (x^2 + 3 y^2)

    Parameters
    ----------
    points : Tensor
        Where to evaluate, dimensionless.

    Returns
    -------
    Tensor
        The height at each point.

    Shapes
    ------
    points : (..., 2)
    return : (...)

    Examples
    --------
    >>> bowl(torch.tensor([2.0, 0.0]))
    tensor(2.)
    """
    return quadratic(points, _BOWL_CURVATURES)


def ravine(points: Tensor) -> Tensor:
    r"""Long, narrow valley with one minimum: curvatures 1 and 50.

    .. math:: f(x, y) = \frac12 (x^2 + 50 y^2)

    Parameters
    ----------
    points : Tensor
        Where to evaluate, dimensionless.

    Returns
    -------
    Tensor
        The height at each point.

    Shapes
    ------
    points : (..., 2)
    return : (...)

    Examples
    --------
    The same distance from the minimum is 50 times as high across the valley as along it:

    >>> ravine(torch.tensor([[2.0, 0.0], [0.0, 2.0]]))
    tensor([  2., 100.])
    """
    return quadratic(points, _RAVINE_CURVATURES)


def saddle(points: Tensor) -> Tensor:
    r"""Simplest saddle: a minimum along x, a maximum along y, with curvatures 1 and −1.

    .. math:: f(x, y) = \frac12 (x^2 - y^2)

    Parameters
    ----------
    points : Tensor
        Where to evaluate, dimensionless.

    Returns
    -------
    Tensor
        The height at each point.

    Shapes
    ------
    points : (..., 2)
    return : (...)

    Notes
    -----
    Many texts write x² − y². The factor ½ changes the height, not the shape, and makes the
    curvatures 1 and −1.

    Examples
    --------
    Higher on both sides along x, lower on both sides along y:

    >>> saddle(torch.tensor([[-2.0, 0.0], [0.0, 0.0], [2.0, 0.0]]))
    tensor([2., 0., 2.])
    >>> saddle(torch.tensor([[0.0, -2.0], [0.0, 0.0], [0.0, 2.0]]))
    tensor([-2.,  0., -2.])
    """
    x, y = _surface_coordinates(points, 2)
    return (x.square() - y.square()) / 2


def double_well(points: Tensor) -> Tensor:
    r"""Two minima at (0, ±1) with a saddle at the origin between them.

    .. math:: f(x, y) = \frac12 x^2 + \frac14 (y^2 - 1)^2

    Near the origin it is :func:`saddle` plus ¼: curvature 1 along x and −1 along y. Further out it
    turns up again, so that what leaves the saddle arrives somewhere.

    Parameters
    ----------
    points : Tensor
        Where to evaluate, dimensionless.

    Returns
    -------
    Tensor
        The height at each point.

    Shapes
    ------
    points : (..., 2)
    return : (...)

    Examples
    --------
    >>> double_well(torch.tensor([[0.0, -1.0], [0.0, 0.0], [0.0, 1.0]]))
    tensor([0.0000, 0.2500, 0.0000])
    """
    x, y = _surface_coordinates(points, 2)
    return x.square() / 2 + (y.square() - 1).square() / 4


def _double_well_gradient(points: Tensor) -> Tensor:
    x, y = _surface_coordinates(points, 2)
    return torch.stack([x, y * (y.square() - 1)], -1)


def _double_well_hessian(points: Tensor) -> Tensor:
    x, y = _surface_coordinates(points, 2)
    zero = torch.zeros_like(x)
    return _surface_matrix([[torch.ones_like(x), zero], [zero, 3 * y.square() - 1]])


def monkey_saddle(points: Tensor) -> Tensor:
    r"""Saddle for two legs and a tail: three ways down, three ways up, and no curvature at all.

    .. math:: f(x, y) = x^3 - 3 x y^2

    At the origin the gradient and all second derivatives are zero, so that the Hessian cannot tell
    what kind of critical point it is.

    Parameters
    ----------
    points : Tensor
        Where to evaluate, dimensionless.

    Returns
    -------
    Tensor
        The height at each point.

    Shapes
    ------
    points : (..., 2)
    return : (...)

    Examples
    --------
    >>> monkey_saddle(torch.tensor([[-1.0, 0.0], [0.0, 0.0], [1.0, 0.0]]))
    tensor([-1.,  0.,  1.])
    """
    x, y = _surface_coordinates(points, 2)
    return x**3 - 3 * x * y.square()


def _monkey_saddle_gradient(points: Tensor) -> Tensor:
    x, y = _surface_coordinates(points, 2)
    return torch.stack([3 * (x.square() - y.square()), -6 * x * y], -1)


def _monkey_saddle_hessian(points: Tensor) -> Tensor:
    x, y = _surface_coordinates(points, 2)
    return _surface_matrix([[6 * x, -6 * y], [-6 * y, -6 * x]])


def rosenbrock(points: Tensor) -> Tensor:
    r"""Curved valley whose floor hardly falls: easy to enter, slow to walk along.

    .. math:: f(x, y) = (1 - x)^2 + 100 (y - x^2)^2

    Parameters
    ----------
    points : Tensor
        Where to evaluate, dimensionless.

    Returns
    -------
    Tensor
        The height at each point.

    Shapes
    ------
    points : (..., 2)
    return : (...)

    References
    ----------
    H. H. Rosenbrock, "An automatic method for finding the greatest or least value of a function",
    The Computer Journal 3 (1960), https://doi.org/10.1093/comjnl/3.3.175

    Examples
    --------
    >>> rosenbrock(torch.tensor([[1.0, 1.0], [-1.0, 1.0]]))
    tensor([0., 4.])
    """
    x, y = _surface_coordinates(points, 2)
    return (1 - x).square() + 100 * (y - x.square()).square()


def _rosenbrock_gradient(points: Tensor) -> Tensor:
    x, y = _surface_coordinates(points, 2)
    above_floor = y - x.square()
    return torch.stack([2 * (x - 1) - 400 * x * above_floor, 200 * above_floor], -1)


def _rosenbrock_hessian(points: Tensor) -> Tensor:
    x, y = _surface_coordinates(points, 2)
    mixed = -400 * x
    return _surface_matrix(
        [
            [2 + 1200 * x.square() - 400 * y, mixed],
            [mixed, torch.full_like(x, 200.0)],
        ]
    )


def himmelblau(points: Tensor) -> Tensor:
    r"""Four minima of equal height, four saddles between them, one hill in the middle.

    .. math:: f(x, y) = (x^2 + y - 11)^2 + (x + y^2 - 7)^2

    Parameters
    ----------
    points : Tensor
        Where to evaluate, dimensionless.

    Returns
    -------
    Tensor
        The height at each point.

    Shapes
    ------
    points : (..., 2)
    return : (...)

    References
    ----------
    D. M. Himmelblau, *Applied Nonlinear Programming*, McGraw-Hill (1972).

    Examples
    --------
    >>> himmelblau(torch.tensor([[3.0, 2.0], [0.0, 0.0]]))
    tensor([  0., 170.])
    """
    x, y = _surface_coordinates(points, 2)
    return (x.square() + y - 11).square() + (x + y.square() - 7).square()


def _himmelblau_gradient(points: Tensor) -> Tensor:
    x, y = _surface_coordinates(points, 2)
    first, second = x.square() + y - 11, x + y.square() - 7
    return torch.stack([4 * x * first + 2 * second, 2 * first + 4 * y * second], -1)


def _himmelblau_hessian(points: Tensor) -> Tensor:
    x, y = _surface_coordinates(points, 2)
    mixed = 4 * (x + y)
    return _surface_matrix(
        [
            [12 * x.square() + 4 * y - 42, mixed],
            [mixed, 12 * y.square() + 4 * x - 26],
        ]
    )


def uneven_wells(points: Tensor) -> Tensor:
    r"""One variable, two minima: the better one at −2, a worse one at 1, a hill at 0 between them.

    .. math:: f(x) = \frac14 x^4 + \frac13 x^3 - x^2, \qquad f'(x) = x\,(x - 1)(x + 2)

    Parameters
    ----------
    points : Tensor
        Where to evaluate, dimensionless.

    Returns
    -------
    Tensor
        The height at each point.

    Shapes
    ------
    points : (..., 1)
    return : (...)

    Examples
    --------
    >>> uneven_wells(torch.tensor([[-2.0], [0.0], [1.0]]))
    tensor([-2.6667,  0.0000, -0.4167])
    """
    (x,) = _surface_coordinates(points, 1)
    return x**4 / 4 + x**3 / 3 - x.square()


def _uneven_wells_gradient(points: Tensor) -> Tensor:
    (x,) = _surface_coordinates(points, 1)
    return torch.stack([x * (x - 1) * (x + 2)], -1)


def _uneven_wells_hessian(points: Tensor) -> Tensor:
    (x,) = _surface_coordinates(points, 1)
    return _surface_matrix([[3 * x.square() + 2 * x - 2]])


@dataclass(frozen=True)
class Surface:
    """A function with all that is known about it; calling it calls the function.

    Parameters
    ----------
    name : str
        For titles and messages.
    function : callable
        Points of shape (..., D) to values of shape (...).
    gradient : callable
        The first derivatives by hand: (..., D) to (..., D).
    hessian : callable
        The second derivatives by hand: (..., D) to (..., D, D).
    critical_points : tuple of tuple of float
        Every point where the gradient is zero, in float64.
    domain : tuple of tuple of float
        The lowest and highest value of each coordinate that are worth drawing.

    Examples
    --------
    >>> point = torch.tensor([3.0, 1.0])
    >>> SADDLE(point)
    tensor(4.)
    >>> SADDLE.gradient(point)
    tensor([ 3., -1.])
    >>> SADDLE.hessian(point)
    tensor([[ 1.,  0.],
            [ 0., -1.]])
    """

    name: str
    function: Callable[[Tensor], Tensor]
    gradient: Callable[[Tensor], Tensor]
    hessian: Callable[[Tensor], Tensor]
    critical_points: tuple[tuple[float, ...], ...]
    domain: tuple[tuple[float, float], ...]

    def __call__(self, points: Tensor) -> Tensor:
        """Return the height at each point."""
        return self.function(points)

    def classified(self) -> tuple[CriticalPoint, ...]:
        """Return what the Hessian says about each critical point, in their order.

        Examples
        --------
        >>> [point.kind for point in DOUBLE_WELL.classified()]
        ['minimum', 'saddle', 'minimum']
        """
        places = torch.tensor(self.critical_points, dtype=torch.float64, device="cpu")
        return tuple(classify_critical_point(matrix) for matrix in self.hessian(places))

    def minima(self) -> Tensor:
        """Return the critical points that are minima, in float64 on the CPU; shape (K, D).

        Examples
        --------
        >>> UNEVEN_WELLS.minima()
        tensor([[-2.],
                [ 1.]], dtype=torch.float64)
        """
        places = torch.tensor(self.critical_points, dtype=torch.float64, device="cpu")
        return places[[point.kind == "minimum" for point in self.classified()]]


def quadratic_surface(
    curvatures: Sequence[float], *, name: str = "quadratic", half_width: float = 2.0
) -> Surface:
    """Build the :class:`Surface` of a :func:`quadratic`, in any number of variables.

    Parameters
    ----------
    curvatures : sequence of float
        The second derivative along each axis; none may be zero, or a whole line would be critical.
    name : str, default: "quadratic"
        For titles and messages.
    half_width : float, default: 2.0
        The domain is from minus this to this in each coordinate.

    Returns
    -------
    Surface
        Its only critical point is the origin.

    Raises
    ------
    TypeError
        If ``curvatures`` is not a sequence of numbers.
    ValueError
        If ``curvatures`` is empty or holds a zero or a number that is not finite, or
        ``half_width`` is not above 0.

    Examples
    --------
    >>> valley = quadratic_surface((1.0, 100.0))
    >>> valley(torch.tensor([1.0, 1.0]))
    tensor(50.5000)
    """
    values = _surface_curvatures(curvatures)
    if 0.0 in values:
        raise ValueError(
            f"curvatures must not hold a zero, got {values}; "
            f"with a zero every point of that axis is critical"
        )
    half_width = require_number("half_width", half_width, above=0.0, below=torch.inf)
    return Surface(
        name=name,
        function=functools.partial(quadratic, curvatures=values),
        gradient=functools.partial(_quadratic_gradient, curvatures=values),
        hessian=functools.partial(_quadratic_hessian, curvatures=values),
        critical_points=((0.0,) * len(values),),
        domain=((-half_width, half_width),) * len(values),
    )


BOWL = quadratic_surface(_BOWL_CURVATURES, name="bowl")
RAVINE = quadratic_surface(_RAVINE_CURVATURES, name="ravine")
SADDLE = quadratic_surface(_SADDLE_CURVATURES, name="saddle")
DOUBLE_WELL = Surface(
    name="double well",
    function=double_well,
    gradient=_double_well_gradient,
    hessian=_double_well_hessian,
    critical_points=((0.0, -1.0), (0.0, 0.0), (0.0, 1.0)),
    domain=((-1.5, 1.5), (-1.5, 1.5)),
)
MONKEY_SADDLE = Surface(
    name="monkey saddle",
    function=monkey_saddle,
    gradient=_monkey_saddle_gradient,
    hessian=_monkey_saddle_hessian,
    critical_points=((0.0, 0.0),),
    domain=((-1.0, 1.0), (-1.0, 1.0)),
)
ROSENBROCK = Surface(
    name="Rosenbrock",
    function=rosenbrock,
    gradient=_rosenbrock_gradient,
    hessian=_rosenbrock_hessian,
    critical_points=((1.0, 1.0),),
    domain=((-2.0, 2.0), (-1.0, 3.0)),
)
HIMMELBLAU = Surface(
    name="Himmelblau",
    function=himmelblau,
    gradient=_himmelblau_gradient,
    hessian=_himmelblau_hessian,
    # Two cubic equations in two unknowns have at most 3 · 3 = 9 isolated solutions (Bézout).
    # find_critical_points finds these nine from a grid of starts, and a test compares.
    critical_points=(
        (-3.779310253377747, -3.2831859912861696),
        (-3.0730257507643897, -0.08135304428796751),
        (-2.805118086952745, 3.131312518250573),
        (-0.2708445906673476, -0.9230385564799813),
        (-0.12796134673068005, -1.9537149802445766),
        (0.08667750455539634, 2.884254701174776),
        (3.0, 2.0),
        (3.385154183607021, 0.07385187983774928),
        (3.5844283403304917, -1.8481265269644036),
    ),
    domain=((-5.0, 5.0), (-5.0, 5.0)),
)
UNEVEN_WELLS = Surface(
    name="uneven wells",
    function=uneven_wells,
    gradient=_uneven_wells_gradient,
    hessian=_uneven_wells_hessian,
    critical_points=((-2.0,), (0.0,), (1.0,)),
    domain=((-3.0, 2.0),),
)

SURFACES = (
    BOWL,
    RAVINE,
    SADDLE,
    DOUBLE_WELL,
    MONKEY_SADDLE,
    ROSENBROCK,
    HIMMELBLAU,
    UNEVEN_WELLS,
)


def surface_grid(
    domain: Sequence[Sequence[float]],
    *,
    n_points: int = 101,
    dtype: torch.dtype | None = None,
    device: torch.device | str | None = None,
) -> Tensor:
    """Return evenly spaced points that cover a rectangle, ready for a function and a drawing.

    Parameters
    ----------
    domain : sequence of tuple
        The lowest and highest value of each coordinate, such as ``SADDLE.domain``.
    n_points : int, default: 101
        Points per coordinate; an odd number puts one in the middle.
    dtype : torch.dtype, optional
        A floating-point one; PyTorch's default without it.
    device : torch.device or str, optional
        Where to put the points; PyTorch's default without it.

    Returns
    -------
    Tensor
        The points; entry ``[i, j]`` of two variables has the i-th x and the j-th y.

    Shapes
    ------
    domain : (D, 2)
    return : (n_points, ..., n_points, D), with D sizes before the last

    Raises
    ------
    TypeError
        If a bound is not a number or ``n_points`` not an ``int``.
    ValueError
        If ``domain`` holds no pair, a low bound is not below its high bound, or ``n_points`` is
        less than 2.

    Examples
    --------
    >>> surface_grid(((-1.0, 1.0), (0.0, 2.0)), n_points=3)[:, 0]
    tensor([[-1.,  0.],
            [ 0.,  0.],
            [ 1.,  0.]])
    """
    require_integer("n_points", n_points, minimum=2)
    if not isinstance(domain, Sequence) or not domain:
        raise ValueError(f"domain must be a sequence of pairs (low, high), got {describe(domain)}")
    axes = []
    for i, pair in enumerate(domain):
        if not isinstance(pair, Sequence) or len(pair) != 2:
            raise ValueError(f"domain[{i}] must be a pair (low, high), got {describe(pair)}")
        low = require_number(f"domain[{i}][0]", pair[0], above=-torch.inf, below=torch.inf)
        high = require_number(f"domain[{i}][1]", pair[1], above=low, below=torch.inf)
        axes.append(torch.linspace(low, high, n_points, dtype=dtype, device=device))
    return torch.stack(torch.meshgrid(*axes, indexing="ij"), -1)


def value_and_gradient(
    function: Callable[[Tensor], Tensor], points: Tensor
) -> tuple[Tensor, Tensor]:
    r"""Return a function's value and its gradient at each point, by autograd.

    Parameters
    ----------
    function : callable
        Takes points of shape (..., D), returns one value per point, shape (...). The value at one
        point must not depend on the other points of the batch.
    points : Tensor
        Where to evaluate. It is not changed, and the results carry no graph.

    Returns
    -------
    tuple of Tensor
        The values and the gradients.

    Shapes
    ------
    points : (..., D)
    return : (...) and (..., D)

    Raises
    ------
    TypeError
        If ``function`` cannot be called or does not return a tensor, or ``points`` is not a
        floating-point tensor.
    ValueError
        If ``function`` does not return one value per point, or its values do not depend on the
        points through differentiable operations.

    Examples
    --------
    >>> value_and_gradient(saddle, torch.tensor([3.0, 1.0]))
    (tensor(4.), tensor([ 3., -1.]))
    """
    with torch.inference_mode(False), torch.enable_grad():
        leaf, values = _evaluate_surface(function, points)
        # The values do not depend on each other's points: one backward pass of their sum gives
        # the gradient of each.
        (slope,) = torch.autograd.grad(values.sum(), leaf, materialize_grads=True)
    return values.detach(), slope


def gradient(function: Callable[[Tensor], Tensor], points: Tensor) -> Tensor:
    r"""Return the first derivatives of any function at each point, by autograd.

    .. math:: (\nabla f)_i = \frac{\partial f}{\partial x_i}

    Parameters
    ----------
    function : callable
        As for :func:`value_and_gradient`.
    points : Tensor
        Where to evaluate.

    Returns
    -------
    Tensor
        The gradient at each point, without a graph.

    Shapes
    ------
    points : (..., D)
    return : (..., D)

    Raises
    ------
    TypeError, ValueError
        As :func:`value_and_gradient`.

    Examples
    --------
    >>> gradient(rosenbrock, torch.tensor([[0.0, 1.0], [-1.0, 2.0]]))
    tensor([[ -2., 200.],
            [396., 200.]])
    """
    return value_and_gradient(function, points)[1]


def hessian(function: Callable[[Tensor], Tensor], points: Tensor) -> Tensor:
    r"""Return the matrix of second derivatives of any function at each point, by autograd.

    .. math:: H_{ij} = \frac{\partial^2 f}{\partial x_i \, \partial x_j}

    Parameters
    ----------
    function : callable
        As for :func:`value_and_gradient`.
    points : Tensor
        Where to evaluate.

    Returns
    -------
    Tensor
        The Hessian at each point, without a graph. It costs D backward passes.

    Shapes
    ------
    points : (..., D)
    return : (..., D, D)

    Raises
    ------
    TypeError, ValueError
        As :func:`value_and_gradient`.

    Examples
    --------
    >>> hessian(monkey_saddle, torch.tensor([1.0, 2.0]))
    tensor([[  6., -12.],
            [-12.,  -6.]])

    A function without curvature has a Hessian of zeros:

    >>> hessian(lambda points: points.sum(-1), torch.tensor([1.0, 2.0]))
    tensor([[0., 0.],
            [0., 0.]])
    """
    with torch.inference_mode(False), torch.enable_grad():
        leaf, values = _evaluate_surface(function, points)
        (slope,) = torch.autograd.grad(
            values.sum(), leaf, create_graph=True, materialize_grads=True
        )
        if not slope.requires_grad:  # f is linear
            return leaf.new_zeros(*leaf.shape, leaf.shape[-1])
        rows = [
            torch.autograd.grad(entry.sum(), leaf, retain_graph=True, materialize_grads=True)[0]
            for entry in slope.unbind(-1)
        ]
    return torch.stack(rows, -2).detach()


def _evaluate_surface(
    function: Callable[[Tensor], Tensor], points: Tensor
) -> tuple[Tensor, Tensor]:
    """Return the points as a fresh leaf of the graph, and the checked values there."""
    if not callable(function):
        raise TypeError(f"function must be callable, got {describe(function)}")
    require_floating("points", points)
    if points.dim() == 0 or points.shape[-1] == 0:
        raise ValueError(
            f"points must have shape (..., D) with D at least 1, the coordinates last, "
            f"got {describe(points)}" + ("; use points.reshape(1)" if points.dim() == 0 else "")
        )
    leaf = points.detach().clone().requires_grad_()
    values = function(leaf)
    wanted = tuple(leaf.shape[:-1])
    if not isinstance(values, Tensor):
        raise TypeError(
            f"function must return a tensor of shape {wanted}, one value per point, "
            f"got {describe(values)}"
        )
    if tuple(values.shape) != wanted:
        raise ValueError(
            f"function must return one value per point, shape (...) = {wanted} "
            f"for points of shape {tuple(leaf.shape)}, got {describe(values)}; "
            f"reduce over the last dimension and no other"
        )
    if not values.requires_grad:
        raise ValueError(
            "function must compute its values from points by differentiable operations, "
            "got values without a gradient; remove .item(), .detach() and numpy from it"
        )
    return leaf, values


@dataclass(frozen=True, eq=False)
class CriticalPoint:
    """What the Hessian says about a point where the gradient is zero.

    Parameters
    ----------
    kind : str
        ``"minimum"``, ``"maximum"``, ``"saddle"`` or ``"degenerate"``.
    index : int
        How many eigenvalues are negative: the number of independent ways down.
    eigenvalues : Tensor
        The curvatures along the eigenvectors, the smallest first; shape (D,).
    eigenvectors : Tensor
        The directions, one per column, of length 1; shape (D, D).

    Examples
    --------
    >>> point = classify_critical_point(torch.tensor([[0.0, 1.0], [1.0, 0.0]]))
    >>> point.kind, point.index, point.eigenvalues
    ('saddle', 1, tensor([-1.,  1.]))
    """

    kind: str
    index: int
    eigenvalues: Tensor
    eigenvectors: Tensor


def classify_critical_point(hessian: Tensor, *, tolerance: float | None = None) -> CriticalPoint:
    r"""Say what kind of critical point a Hessian belongs to.

    By the signs of the eigenvalues :math:`\lambda_i`, which are the curvatures along the
    eigenvectors: all positive is a minimum, all negative a maximum, both signs a saddle. With a
    zero among them and the others of one sign, the second derivatives cannot decide: degenerate.

    Parameters
    ----------
    hessian : Tensor
        The second derivatives at a point where the gradient is zero.
    tolerance : float, optional
        An eigenvalue of at most this size counts as zero, in the units of the Hessian. Without
        it, the rounding error of the eigenvalues: D times the machine epsilon times the largest
        eigenvalue.

    Returns
    -------
    CriticalPoint
        ``kind``, ``index``, ``eigenvalues`` and ``eigenvectors``.

    Shapes
    ------
    hessian : (D, D)

    Raises
    ------
    TypeError
        If ``hessian`` is not a floating-point tensor.
    ValueError
        If it is not one square matrix, not finite or not symmetric, or ``tolerance`` is negative.

    Notes
    -----
    The gradient is not looked at: where it is not zero, the answer has no meaning.

    Examples
    --------
    >>> classify_critical_point(torch.tensor([[2.0, 0.0], [0.0, 3.0]])).kind
    'minimum'

    A positive diagonal is no minimum. Along the diagonal (1, −1) this one curves down:

    >>> point = classify_critical_point(torch.tensor([[1.0, 3.0], [3.0, 1.0]]))
    >>> point.kind, point.index, point.eigenvalues
    ('saddle', 1, tensor([-2.,  4.]))

    x² + y⁴, x² − y⁴ and x² + y³ share this Hessian at the origin, and only the first has a minimum:

    >>> classify_critical_point(torch.tensor([[2.0, 0.0], [0.0, 0.0]])).kind
    'degenerate'
    """
    if isinstance(hessian, Tensor) and hessian.dim() != 2:
        raise ValueError(
            f"hessian must have shape (D, D), got {describe(hessian)}; "
            f"use critical_index for a batch"
        )
    eigenvalues, eigenvectors = _symmetric_eigen(hessian)
    zero = _zero_curvature(eigenvalues, tolerance)
    negative = int((eigenvalues < -zero).sum())
    positive = int((eigenvalues > zero).sum())
    if negative and positive:
        kind = "saddle"
    elif negative + positive < len(eigenvalues):
        kind = "degenerate"
    else:
        kind = "minimum" if positive else "maximum"
    return CriticalPoint(kind, negative, eigenvalues, eigenvectors)


def critical_index(hessian: Tensor, *, tolerance: float | None = None) -> Tensor:
    r"""Count the negative eigenvalues of each Hessian: the independent ways down.

    A non-degenerate critical point in D dimensions is a minimum at index 0, a maximum at index D
    and a saddle between.

    Parameters
    ----------
    hessian : Tensor
        Symmetric matrices.
    tolerance : float, optional
        As for :func:`classify_critical_point`.

    Returns
    -------
    Tensor
        The index of each, as int64.

    Shapes
    ------
    hessian : (..., D, D)
    return : (...)

    Raises
    ------
    TypeError
        If ``hessian`` is not a floating-point tensor.
    ValueError
        If the matrices are not square, finite and symmetric, or ``tolerance`` is negative.

    Examples
    --------
    >>> points = torch.tensor([[3.0, 2.0], [0.0, 0.0]])
    >>> critical_index(HIMMELBLAU.hessian(points))
    tensor([0, 2])
    """
    eigenvalues, _ = _symmetric_eigen(hessian)
    return (eigenvalues < -_zero_curvature(eigenvalues, tolerance)).sum(-1)


def is_strict_saddle(hessian: Tensor, *, tolerance: float | None = None) -> Tensor:
    r"""Say for each Hessian whether gradient descent is pushed away from its critical point.

    .. math:: \lambda_{\min} < 0

    Parameters
    ----------
    hessian : Tensor
        Symmetric matrices, each at a critical point.
    tolerance : float, optional
        As for :func:`classify_critical_point`.

    Returns
    -------
    Tensor
        True where the smallest eigenvalue is negative.

    Shapes
    ------
    hessian : (..., D, D)
    return : (...)

    Raises
    ------
    TypeError, ValueError
        As :func:`critical_index`.

    Notes
    -----
    The definition of Lee et al. includes maxima: what matters is that at least one way leads
    down. A degenerate critical point without a negative eigenvalue, such as that of
    :func:`monkey_saddle`, is no strict saddle even where it is a saddle.

    References
    ----------
    J. D. Lee, M. Simchowitz, M. I. Jordan, B. Recht, "Gradient Descent Only Converges to
    Minimizers", COLT (2016), https://arxiv.org/abs/1602.04915

    Examples
    --------
    >>> origin = torch.zeros(2)
    >>> is_strict_saddle(SADDLE.hessian(origin)), is_strict_saddle(MONKEY_SADDLE.hessian(origin))
    (tensor(True), tensor(False))
    """
    return critical_index(hessian, tolerance=tolerance) > 0


def _symmetric_eigen(hessian: Tensor) -> tuple[Tensor, Tensor]:
    """Return eigenvalues (ascending) and eigenvectors of checked symmetric matrices."""
    require_floating("hessian", hessian)
    if hessian.dim() < 2 or hessian.shape[-1] != hessian.shape[-2] or hessian.shape[-1] == 0:
        raise ValueError(
            f"hessian must have shape (..., D, D) with D at least 1, got {describe(hessian)}"
        )
    # LAPACK on the CPU: not every device has it, and the digits stay the same on all of them.
    matrix = hessian.detach().cpu()
    matrix = matrix.to(torch.promote_types(matrix.dtype, torch.float32))  # none for half precision
    if not matrix.isfinite().all():
        raise ValueError("hessian must be finite, got a matrix with inf or nan")
    # Second derivatives from autograd or finite differences differ from their mirror by rounding.
    size = matrix.abs().amax(dim=(-2, -1), keepdim=True)
    allowed = torch.finfo(hessian.dtype).eps ** 0.5 * size
    if ((matrix - matrix.mT).abs() > allowed).any():
        raise ValueError(
            "hessian must be symmetric, got a matrix that differs from its transpose; "
            "second derivatives do not depend on their order: use (hessian + hessian.mT) / 2 "
            "if the difference is an error of rounding"
        )
    eigenvalues, eigenvectors = torch.linalg.eigh((matrix + matrix.mT) / 2)
    return eigenvalues.to(hessian.device), eigenvectors.to(hessian.device)


def _zero_curvature(eigenvalues: Tensor, tolerance: float | None) -> Tensor:
    """Return the size up to which an eigenvalue counts as zero, shape (..., 1)."""
    if tolerance is None:
        relative = eigenvalues.shape[-1] * torch.finfo(eigenvalues.dtype).eps
        return relative * eigenvalues.abs().amax(-1, keepdim=True)
    tolerance = require_number("tolerance", tolerance, minimum=0.0)
    return torch.full_like(eigenvalues[..., :1], tolerance)


def find_critical_points(
    function: Callable[[Tensor], Tensor],
    starts: Tensor,
    *,
    n_steps: int = 100,
    tolerance: float = 1e-6,
) -> Tensor:
    r"""Find points where the gradient is zero, by Newton's method from many starts.

    .. math:: x \leftarrow x - H(x)^{+} \, \nabla f(x)

    Newton's method solves :math:`\nabla f = 0` and does not care about the kind of the solution:
    it walks to a saddle or a maximum as readily as to a minimum.

    Parameters
    ----------
    function : callable
        As for :func:`value_and_gradient`.
    starts : Tensor
        Where to start, such as a :func:`surface_grid`. The search computes in float64 on the CPU.
    n_steps : int, default: 100
        Newton steps from each start.
    tolerance : float, default: 1e-6
        A search has arrived when its last step is at most this long and the gradient is at most
        this times 1 + the largest second derivative; arrivals at most ten times this apart are
        one point.

    Returns
    -------
    Tensor
        The points found, each once, in float64 on the CPU, sorted by their coordinates. Critical
        points that no start leads to are missing.

    Shapes
    ------
    starts : (..., D)
    return : (K, D)

    Raises
    ------
    TypeError
        If ``function`` or ``starts`` is of the wrong kind.
    ValueError
        If ``n_steps`` is less than 1, ``tolerance`` is not above 0, or ``function`` does not return
        one value per point.

    Notes
    -----
    :math:`H^{+}` is the pseudo-inverse: it makes no step along directions without curvature, so
    that a degenerate point is no error.

    Examples
    --------
    >>> find_critical_points(double_well, surface_grid(DOUBLE_WELL.domain, n_points=8))
    tensor([[ 0., -1.],
            [ 0.,  0.],
            [ 0.,  1.]], dtype=torch.float64)
    """
    require_floating("starts", starts)
    require_integer("n_steps", n_steps, minimum=1)
    tolerance = require_number("tolerance", tolerance, above=0.0, below=torch.inf)
    if starts.dim() == 0 or starts.shape[-1] == 0:
        raise ValueError(
            f"starts must have shape (..., D) with D at least 1, got {describe(starts)}"
        )
    points = starts.detach().reshape(-1, starts.shape[-1]).to("cpu", torch.float64)
    step = torch.full_like(points, torch.inf)
    for _ in range(n_steps):
        points = points[points.isfinite().all(-1)]
        curvature, slope = hessian(function, points), gradient(function, points)
        finite = curvature.isfinite().all(-1).all(-1) & slope.isfinite().all(-1)
        points, curvature, slope = points[finite], curvature[finite], slope[finite]
        inverse = torch.linalg.pinv(curvature, hermitian=True)
        step = (inverse @ slope.unsqueeze(-1)).squeeze(-1)
        points = points - step
    # Where there is no curvature there is no step: level ground must be level as well.
    level = gradient(function, points).norm(dim=-1)
    scale = 1 + hessian(function, points).abs().amax(dim=(-2, -1))
    arrived = points[(step.norm(dim=-1) <= tolerance) & (level <= tolerance * scale)]
    found: list[Tensor] = []
    for point in arrived:
        if all((point - other).norm() > 10 * tolerance for other in found):
            found.append(point)
    # Rounded for the order only: 1e-17 and 0 are the same coordinate. Adding 0 turns -0 into 0.
    found.sort(key=lambda point: [round(x, 4) + 0.0 for x in point.tolist()])
    return torch.stack(found) if found else points.new_empty(0, points.shape[-1])


def random_hessians(
    n_matrices: int,
    size: int,
    *,
    generator: torch.Generator,
    dtype: torch.dtype = torch.float32,
) -> Tensor:
    r"""Draw symmetric matrices with independent normal entries: Hessians of "any" function.

    .. math:: H = \tfrac12 (A + A^\top), \qquad A_{ij} \sim \mathcal N(0, 1)

    Their distribution does not change under rotation: no direction is special. It is the
    Gaussian orthogonal ensemble, with variance 1 on the diagonal and ½ beside it.

    Parameters
    ----------
    n_matrices : int
        How many.
    size : int
        D, the number of dimensions.
    generator : torch.Generator
        Where the randomness comes from.
    dtype : torch.dtype, optional
        A floating-point one.

    Returns
    -------
    Tensor
        The matrices, on the generator's device.

    Shapes
    ------
    return : (n_matrices, D, D), with D = size

    Raises
    ------
    TypeError
        If ``generator`` is not a generator, a count is not an ``int``, or ``dtype`` is not a
        floating-point dtype.
    ValueError
        If ``n_matrices`` is negative or ``size`` is less than 1.

    Examples
    --------
    >>> from handbook.seeding import make_generator
    >>> matrices = random_hessians(1000, 2, generator=make_generator(0))
    >>> minima = (critical_index(matrices) == 0).double().mean()
    >>> round(minima.item(), 1)  # (2 - sqrt(2)) / 4 = 0.146 in the limit
    0.1
    """
    require_integer("n_matrices", n_matrices, minimum=0)
    require_integer("size", size, minimum=1)
    require_generator("generator", generator)
    if not isinstance(dtype, torch.dtype) or not dtype.is_floating_point:
        raise TypeError(f"dtype must be a floating-point dtype, got {describe(dtype)}")
    entries = torch.randn(
        n_matrices, size, size, generator=generator, dtype=dtype, device=generator.device
    )
    return (entries + entries.mT) / 2
