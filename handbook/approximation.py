r"""Networks whose weights are written down, not learned: what one hidden layer can be, and depth.

Two logistic units make a bump, many make a staircase (:func:`staircase_network`); relu units join
points by straight lines (:func:`polygon_network`). Both come with a bound on their error. A
polynomial activation cannot do it (:func:`polynomial_floor`), and :func:`count_pieces` compares
what width buys with what depth buys (:func:`sawtooth_layers`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from handbook.activations import CURVES
from handbook.checks import (
    describe,
    require_choice,
    require_finite,
    require_floating,
    require_integer,
    require_number,
    require_same_placement,
    require_shape,
)

__all__ = [
    "ShallowNetwork",
    "step_network",
    "bump_network",
    "staircase_network",
    "staircase_bound",
    "polygon_network",
    "polygon_bound",
    "polynomial_floor",
    "sawtooth_layers",
    "breakpoints",
    "count_pieces",
]

# Half a cell away from its edge, a logistic step is within exp(-10) = 5e-5 of its end.
_STEEPNESS_TIMES_CELL = 20.0

# Slopes that differ by less than this share of the steepest one are the same up to rounding, and
# so are points that are closer than this share of the interval.
_SAME_SLOPE, _SAME_POINT = 1e-9, 1e-13


# ---- a network with one input, one hidden layer and one output ----------------------------------


@dataclass(frozen=True, eq=False)
class ShallowNetwork:
    r"""A network from numbers to numbers with one hidden layer, given by its weights.

    .. math:: g(x) = c + \sum_{h=1}^{H} v_h \, a(w_h x + b_h)

    Parameters
    ----------
    activation : str
        The name of :math:`a` in :data:`handbook.activations.CURVES`.
    weight : Tensor
        :math:`w`.
    bias : Tensor
        :math:`b`.
    out_weight : Tensor
        :math:`v`.
    out_bias : Tensor
        :math:`c`.

    Shapes
    ------
    weight : ``(H,)``
    bias : ``(H,)``
    out_weight : ``(H,)``
    out_bias : ``()``

    Raises
    ------
    TypeError
        If a weight is not a floating-point tensor, or the dtypes differ.
    ValueError
        If the activation is unknown, a shape does not fit, there is no unit, a number is not
        finite, or the devices differ.

    Notes
    -----
    The sum of two such networks is one of them, with the units of both: ``network + other``.

    Examples
    --------
    Two relus make the absolute value:

    >>> one = torch.tensor([1.0, -1.0])
    >>> network = ShallowNetwork("relu", one, torch.zeros(2), one.abs(), torch.tensor(0.0))
    >>> network(torch.tensor([-3.0, 0.0, 2.0]))
    tensor([3., 0., 2.])
    >>> network.n_units, (network + network).n_units
    (2, 4)
    """

    activation: str
    weight: Tensor
    bias: Tensor
    out_weight: Tensor
    out_bias: Tensor

    def __post_init__(self) -> None:
        require_choice("activation", self.activation, tuple(CURVES))
        weight = require_shape("weight", require_floating("weight", self.weight), ("H",))
        if len(weight) == 0:
            raise ValueError("weight must hold at least one unit, got none")
        for name, wanted in (("bias", (len(weight),)), ("out_weight", (len(weight),))):
            require_shape(name, require_floating(name, getattr(self, name)), wanted)
        require_shape("out_bias", require_floating("out_bias", self.out_bias), ())
        for name in ("weight", "bias", "out_weight", "out_bias"):
            require_same_placement(name, getattr(self, name), "weight", weight)
            require_finite(name, getattr(self, name))

    @property
    def n_units(self) -> int:
        """The width :math:`H` of the hidden layer."""
        return len(self.weight)

    def __call__(self, x: Tensor) -> Tensor:
        """Return :math:`g(x)` for every number of a tensor, which keeps its shape."""
        require_same_placement("x", require_floating("x", x), "weight", self.weight)
        hidden = CURVES[self.activation].value(x[..., None] * self.weight + self.bias)  # (*, H)
        return hidden @ self.out_weight + self.out_bias

    def __add__(self, other: ShallowNetwork) -> ShallowNetwork:
        """Return the network with the units of both; its output is the sum of theirs."""
        if not isinstance(other, ShallowNetwork):
            return NotImplemented
        if other.activation != self.activation:
            raise ValueError(
                f"other must have the activation {self.activation!r}, got {other.activation!r}"
            )
        require_same_placement("other.weight", other.weight, "weight", self.weight)
        return ShallowNetwork(
            self.activation,
            torch.cat([self.weight, other.weight]),
            torch.cat([self.bias, other.bias]),
            torch.cat([self.out_weight, other.out_weight]),
            self.out_bias + other.out_bias,
        )

    def layers(self) -> list[tuple[Tensor, Tensor]]:
        """Return weight and bias of both linear layers, in the shapes of ``nn.Linear``."""
        return [(self.weight[:, None], self.bias), (self.out_weight[None, :], self.out_bias[None])]

    def state_dict(self) -> dict[str, Tensor]:
        """Return what ``nn.Sequential(nn.Linear(1, H), activation, nn.Linear(H, 1))`` loads."""
        (weight, bias), (out_weight, out_bias) = self.layers()
        return {
            "0.weight": weight,
            "0.bias": bias,
            "2.weight": out_weight,
            "2.bias": out_bias,
        }


# ---- from steps to stairs -----------------------------------------------------------------------


def _require_knots(value: object, minimum: int) -> Tensor:
    """Return the knots if they are finite numbers, enough of them, each above the one before."""
    knots = require_shape("knots", require_floating("knots", value), ("K",))
    require_finite("knots", knots)
    if len(knots) < minimum:
        raise ValueError(f"knots must hold at least {minimum} numbers, got {len(knots)}")
    fall = (knots.diff() <= 0).nonzero()
    if len(fall):
        i = int(fall[0])
        raise ValueError(
            f"knots must rise, got {knots[i].item()} and then {knots[i + 1].item()} at index "
            f"{i + 1}; use knots.unique()"
        )
    return knots


def _require_values(value: object, knots: Tensor, length: int) -> Tensor:
    values = require_shape("values", require_floating("values", value), (length,))
    require_same_placement("values", values, "knots", knots)
    return require_finite("values", values)


def step_network(
    edge: float, height: float = 1.0, *, steepness: float, dtype: torch.dtype = torch.float64
) -> ShallowNetwork:
    r"""Return one logistic unit that steps from 0 up to a height.

    .. math:: g(x) = A \, \sigma\bigl( k (x - e) \bigr)

    Parameters
    ----------
    edge : float
        :math:`e`, where the step is half done.
    height : float, optional
        :math:`A`; negative for a step down.
    steepness : float
        :math:`k`, above 0, in units of 1/x.
    dtype : torch.dtype, optional
        The floating-point dtype of the weights.

    Returns
    -------
    ShallowNetwork
        One unit, with weight :math:`k` and bias :math:`-k e`.

    Raises
    ------
    TypeError
        If an argument is not a number, or ``dtype`` is not a floating-point one.
    ValueError
        If a number is not finite, or ``steepness`` is not positive.

    Examples
    --------
    >>> step = step_network(2.0, 3.0, steepness=10.0)
    >>> step(torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64))
    tensor([0.0001, 1.5000, 2.9999], dtype=torch.float64)
    """
    edge = require_number("edge", edge, above=-math.inf, below=math.inf)
    height = require_number("height", height, above=-math.inf, below=math.inf)
    steepness = require_number("steepness", steepness, above=0.0, below=math.inf)
    if not isinstance(dtype, torch.dtype) or not dtype.is_floating_point:
        raise TypeError(f"dtype must be a floating-point dtype, got {describe(dtype)}")
    numbers = torch.tensor([steepness, -steepness * edge, height, 0.0], dtype=dtype)
    return ShallowNetwork("sigmoid", numbers[:1], numbers[1:2], numbers[2:3], numbers[3])


def bump_network(
    left: float,
    right: float,
    height: float = 1.0,
    *,
    steepness: float,
    dtype: torch.dtype = torch.float64,
) -> ShallowNetwork:
    r"""Return two logistic units that make a bump: one step up, one step down.

    .. math:: g(x) = A \, \bigl( \sigma(k (x - l)) - \sigma(k (x - r)) \bigr)

    Parameters
    ----------
    left, right : float
        The edges :math:`l < r`.
    height : float, optional
        :math:`A`.
    steepness : float
        :math:`k`, above 0, in units of 1/x.
    dtype : torch.dtype, optional
        The floating-point dtype of the weights.

    Returns
    -------
    ShallowNetwork
        Two units.

    Raises
    ------
    TypeError
        If an argument is not a number, or ``dtype`` is not a floating-point one.
    ValueError
        If the edges do not rise, a number is not finite, or ``steepness`` is not positive.

    Notes
    -----
    In the middle the bump reaches :math:`A \tanh(k (r - l) / 4)`: a bump needs units that are steep
    *for its width*.

    Examples
    --------
    >>> bump = bump_network(1.0, 3.0, steepness=20.0)
    >>> bump(torch.tensor([0.0, 1.0, 2.0, 3.0, 4.0], dtype=torch.float64)).round(decimals=4)
    tensor([0.0000, 0.5000, 1.0000, 0.5000, 0.0000], dtype=torch.float64)
    """
    left = require_number("left", left, above=-math.inf, below=math.inf)
    right = require_number("right", right, above=left, below=math.inf)
    up = step_network(left, height, steepness=steepness, dtype=dtype)
    return up + step_network(right, -height, steepness=steepness, dtype=dtype)


def staircase_network(
    knots: Tensor, values: Tensor, *, steepness: float | None = None
) -> ShallowNetwork:
    r"""Return logistic units that draw a staircase: one value in each cell between two knots.

    .. math:: g(x) = y_1 + \sum_{i=2}^{K} (y_i - y_{i-1}) \, \sigma\bigl( k (x - t_{i-1}) \bigr)

    Parameters
    ----------
    knots : Tensor
        The ends :math:`t_0 < \dots < t_K` of the cells.
    values : Tensor
        The heights :math:`y_1, \dots, y_K`. To draw a function, take it in the middle of each cell.
    steepness : float, optional
        :math:`k`, above 0, in units of 1/x. By default 20 divided by the shortest cell.

    Returns
    -------
    ShallowNetwork
        :math:`K - 1` units, one for each inner knot. It does not end at the outer knots: the first
        and the last stair go on.

    Shapes
    ------
    knots : ``(K + 1,)``
    values : ``(K,)``

    Raises
    ------
    TypeError
        If an argument is not a floating-point tensor, or the dtypes differ.
    ValueError
        If there are fewer than two cells, the knots do not rise, the shapes do not fit, a number is
        not finite, or ``steepness`` is not positive.

    Notes
    -----
    The same staircase is a sum of :math:`K` bumps, with two units each. Where two bumps meet, one
    steps down where the other steps up, so that half of the units can be saved.

    Examples
    --------
    >>> knots = torch.tensor([0.0, 1.0, 2.0, 3.0])
    >>> stairs = staircase_network(knots, torch.tensor([5.0, 2.0, 4.0]))
    >>> stairs.n_units, stairs(torch.tensor([0.5, 1.5, 2.5])).round(decimals=3)
    (2, tensor([5., 2., 4.]))
    """
    t = _require_knots(knots, 3)
    y = _require_values(values, t, len(t) - 1)
    if steepness is None:
        steepness = _STEEPNESS_TIMES_CELL / t.diff().min().item()
    k = require_number("steepness", steepness, above=0.0, below=math.inf)
    weight = torch.full_like(t[1:-1], k)
    return ShallowNetwork("sigmoid", weight, -weight * t[1:-1], y.diff(), y[0])


def staircase_bound(knots: Tensor, lipschitz: float, *, steepness: float | None = None) -> Tensor:
    r"""Return the most by which a staircase misses a function, between its outer knots.

    .. math:: |f(x) - g(x)| \le L\,h \left( \frac12 + \frac{2 q}{1 - q^2} \right), \qquad
              q = e^{-k\,h_{\min} / 2}

    Parameters
    ----------
    knots : Tensor
        The ends of the cells, as for :func:`staircase_network`.
    lipschitz : float
        :math:`L`: the steepest slope of a line between two points of the function.
    steepness : float, optional
        :math:`k`, as for :func:`staircase_network`.

    Returns
    -------
    Tensor
        The bound, in the unit of the function. :math:`h` is the longest cell, :math:`h_{\min}` the
        shortest.

    Shapes
    ------
    knots : ``(K + 1,)``
    return : ``()``

    Raises
    ------
    TypeError
        If ``knots`` is not a floating-point tensor, or a number is not one.
    ValueError
        If there are fewer than two cells, the knots do not rise, or a number is out of its range.

    Notes
    -----
    It holds for values taken in the middle of the cells. The ½ is the stairs', the rest what the
    smooth ends of all other steps add.

    Examples
    --------
    >>> staircase_bound(torch.linspace(0, 1, 11), lipschitz=1.0)
    tensor(0.0500)
    """
    cells = _require_knots(knots, 3).diff()
    lipschitz = require_number("lipschitz", lipschitz, minimum=0.0, below=math.inf)
    if steepness is None:
        steepness = _STEEPNESS_TIMES_CELL / cells.min().item()
    k = require_number("steepness", steepness, above=0.0, below=math.inf)
    q = torch.exp(-k * cells.min() / 2)
    return lipschitz * cells.max() * (0.5 + 2 * q / (1 - q.square()))


# ---- straight lines from point to point ----------------------------------------------------------


def polygon_network(knots: Tensor, values: Tensor) -> ShallowNetwork:
    r"""Return relu units that join points by straight lines.

    .. math:: g(x) = y_0 + \sum_{i=1}^{K} (s_i - s_{i-1}) \max(x - t_{i-1}, 0), \qquad
              s_i = \frac{y_i - y_{i-1}}{t_i - t_{i-1}}, \quad s_0 = 0

    Parameters
    ----------
    knots : Tensor
        The places :math:`t_0 < \dots < t_K`.
    values : Tensor
        The heights :math:`y_0, \dots, y_K` there.

    Returns
    -------
    ShallowNetwork
        :math:`K` units, one for each knot but the last. Left of the first knot it is constant;
        right of the last knot the last line goes on.

    Shapes
    ------
    knots : ``(K + 1,)``
    values : ``(K + 1,)``

    Raises
    ------
    TypeError
        If an argument is not a floating-point tensor, or the dtypes differ.
    ValueError
        If there are fewer than two knots, they do not rise, the shapes do not fit, a number is not
        finite, or the devices differ.

    Notes
    -----
    This is *the* polygon through the points, not an approximation of it: any function that is
    straight between finitely many knots is a relu network with one hidden layer.

    Examples
    --------
    >>> knots = torch.tensor([0.0, 1.0, 3.0])
    >>> polygon = polygon_network(knots, torch.tensor([1.0, 3.0, 2.0]))
    >>> polygon(torch.tensor([-1.0, 0.0, 0.5, 1.0, 2.0, 3.0, 5.0]))
    tensor([1.0000, 1.0000, 2.0000, 3.0000, 2.5000, 2.0000, 1.0000])
    >>> polygon.out_weight  # the first slope, then the change of slope at the knot
    tensor([ 2.0000, -2.5000])

    >>> polygon_network(torch.tensor([0.0, 2.0, 1.0]), torch.zeros(3))
    Traceback (most recent call last):
        ...
    ValueError: knots must rise, got 2.0 and then 1.0 at index 2; use knots.unique()
    """
    t = _require_knots(knots, 2)
    y = _require_values(values, t, len(t))
    slopes = y.diff() / t.diff()
    changes = torch.cat([slopes[:1], slopes.diff()])
    return ShallowNetwork("relu", torch.ones_like(changes), -t[:-1], changes, y[0])


def polygon_bound(knots: Tensor, curvature: float) -> Tensor:
    r"""Return the most by which the polygon through a function's points misses it between them.

    .. math:: |f(x) - g(x)| \le \frac{M}{8} h^2

    Parameters
    ----------
    knots : Tensor
        The places of the points, as for :func:`polygon_network`.
    curvature : float
        :math:`M`: the largest :math:`|f''|` between the outer knots.

    Returns
    -------
    Tensor
        The bound, in the unit of the function. :math:`h` is the longest distance of two knots.

    Shapes
    ------
    knots : ``(K + 1,)``
    return : ``()``

    Raises
    ------
    TypeError
        If ``knots`` is not a floating-point tensor, or ``curvature`` is not a number.
    ValueError
        If there are fewer than two knots, they do not rise, or ``curvature`` is negative.

    Notes
    -----
    A parabola reaches it in the middle between any two knots.

    Examples
    --------
    >>> polygon_bound(torch.linspace(0, 1, 11), curvature=2.0)
    tensor(0.0025)
    """
    cells = _require_knots(knots, 2).diff()
    return require_number("curvature", curvature, minimum=0.0, below=math.inf) * (
        cells.max().square() / 8
    )


# ---- what cannot be done ------------------------------------------------------------------------


def polynomial_floor(x: Tensor, target: Tensor, degree: int) -> Tensor:
    r"""Return the error that no polynomial goes below: nor a network with such an activation.

    .. math:: \min_{p_0, \dots, p_m} \sqrt{ \frac1N \sum_{n=1}^{N}
              \Bigl( y_n - \sum_{j=0}^{m} p_j x_n^j \Bigr)^2 }

    Parameters
    ----------
    x : Tensor
        Where the function is known.
    target : Tensor
        Its values :math:`y` there.
    degree : int
        The degree :math:`m` of the activation, at least 0.

    Returns
    -------
    Tensor
        The least root of the mean squared error, in the unit of the target. The largest error of
        any such polynomial is at least as large.

    Shapes
    ------
    x : ``(N,)``
    target : ``(N,)``
    return : ``()``

    Raises
    ------
    TypeError
        If ``x`` or ``target`` is not a floating-point tensor, the dtypes differ, or ``degree`` is
        not an ``int``.
    ValueError
        If the shapes do not fit, a number is not finite, ``degree`` is negative, or ``x`` has not
        more different numbers than ``degree``.

    Notes
    -----
    One hidden layer with a polynomial activation of degree :math:`m` is a polynomial of degree
    :math:`m` at most, whatever its width, so this number bounds them all. It is computed by an
    orthogonal basis of the polynomials on these points, from Chebyshev's.

    Examples
    --------
    A parabola has no rest for degree 2, and one for degree 1:

    >>> x = torch.linspace(-1, 1, 5, dtype=torch.float64)
    >>> rests = [polynomial_floor(x, x.square(), degree).item() for degree in (1, 2)]
    >>> round(rests[0], 4), rests[1] < 1e-12
    (0.4183, True)
    """
    points = require_shape("x", require_floating("x", x), ("N",))
    y = require_shape("target", require_floating("target", target), (len(points),))
    require_same_placement("target", y, "x", points)
    require_finite("x", points)
    require_finite("target", y)
    degree = require_integer("degree", degree, minimum=0)
    n_different = len(points.unique())
    if n_different <= degree:
        raise ValueError(
            f"x must hold more than degree = {degree} different numbers, got {n_different}"
        )
    low, high = points.min(), points.max()
    # Chebyshev's polynomials live on [-1, 1]; there none grows, and no two are nearly parallel.
    scaled = (2 * points - low - high) / (high - low) if n_different > 1 else 0 * points
    columns = [torch.ones_like(scaled), scaled][: degree + 1]
    while len(columns) <= degree:
        columns.append(2 * scaled * columns[-1] - columns[-2])
    basis: Tensor = torch.linalg.qr(torch.stack(columns, dim=1)).Q  # (N, degree + 1)
    return (y - basis @ (basis.t() @ y)).square().mean().sqrt()


# ---- depth --------------------------------------------------------------------------------------


def sawtooth_layers(
    n_folds: int, *, dtype: torch.dtype = torch.float64
) -> list[tuple[Tensor, Tensor]]:
    r"""Return the layers of a relu network that folds the interval [0, 1] again and again.

    .. math:: g = \underbrace{\tau \circ \dots \circ \tau}_{k}, \qquad
              \tau(x) = 2 \max(x, 0) - 4 \max\bigl(x - \tfrac12, 0\bigr)

    Parameters
    ----------
    n_folds : int
        :math:`k`, at least 1.
    dtype : torch.dtype, optional
        The floating-point dtype of the weights.

    Returns
    -------
    list of tuple
        Weight and bias of :math:`k` hidden layers with two units each, and of the output.

    Shapes
    ------
    weight of layer l : ``(D_l, D_{l-1})``
    bias of layer l : ``(D_l,)``

    Raises
    ------
    TypeError
        If ``n_folds`` is not an ``int``, or ``dtype`` is not a floating-point one.
    ValueError
        If ``n_folds`` is below 1.

    Notes
    -----
    On [0, 1] it has :math:`2^k` straight pieces and goes from 0 to 1 and back
    :math:`2^{k-1}` times.

    References
    ----------
    M. Telgarsky, "Benefits of depth in neural networks", COLT 2016,
    doi:10.48550/arXiv.1602.04485.

    Examples
    --------
    >>> [tuple(weight.shape) for weight, _ in sawtooth_layers(3)]
    [(2, 1), (2, 2), (2, 2), (1, 2)]
    >>> [count_pieces(sawtooth_layers(n_folds), 0.0, 1.0) for n_folds in (1, 2, 3, 10)]
    [2, 4, 8, 1024]
    """
    n_folds = require_integer("n_folds", n_folds, minimum=1)
    if not isinstance(dtype, torch.dtype) or not dtype.is_floating_point:
        raise TypeError(f"dtype must be a floating-point dtype, got {describe(dtype)}")
    spread = torch.ones(2, 1, dtype=dtype)
    knots = torch.tensor([0.0, -0.5], dtype=dtype)
    fold = torch.tensor([[2.0, -4.0]], dtype=dtype)
    # Between two folds, the output of one and the input of the next are one linear map: (2, 2).
    inner = [(spread @ fold, knots) for _ in range(n_folds - 1)]
    return [(spread, knots), *inner, (fold, torch.zeros(1, dtype=dtype))]


def _require_relu_layers(layers: object) -> list[tuple[Tensor, Tensor]]:
    """Return the layers in float64 on the CPU, after a check that each fits the next."""
    if isinstance(layers, Tensor) or not isinstance(layers, Sequence):
        raise TypeError(f"layers must be a list of pairs (weight, bias), got {describe(layers)}")
    if not layers:
        raise ValueError("layers must hold at least one layer, got none")
    n_in, stack = 1, []
    for i, pair in enumerate(layers):
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise TypeError(f"layers[{i}] must be a pair (weight, bias), got {describe(pair)}")
        name = f"layers[{i}]"
        weight = require_floating(f"{name}[0]", pair[0])
        require_shape(f"{name}[0]", weight, ("D", n_in))
        bias = require_floating(f"{name}[1]", pair[1])
        require_shape(f"{name}[1]", bias, (len(weight),))
        require_finite(f"{name}[0]", weight)
        require_finite(f"{name}[1]", bias)
        stack.append((weight.detach().double().cpu(), bias.detach().double().cpu()))
        n_in = len(weight)
    return stack


def breakpoints(layers: Sequence[tuple[Tensor, Tensor]], low: float, high: float) -> Tensor:
    r"""Return the places where a relu network with one input changes its slope.

    .. math:: \{\, x : l < x < r,\; g'(x-) \ne g'(x+) \,\}

    Parameters
    ----------
    layers : list of tuple
        Weight and bias of each layer, the first one first; between two of them stands a relu.
    low, high : float
        The ends :math:`l < r` of the interval.

    Returns
    -------
    Tensor
        The places inside the interval in rising order, float64 on the CPU.

    Shapes
    ------
    weight of layer l : ``(D_l, D_{l-1})`` with :math:`D_0 = 1`
    bias of layer l : ``(D_l,)``
    return : ``(P,)``

    Raises
    ------
    TypeError
        If a layer is not a pair of floating-point tensors, or an end is not a number.
    ValueError
        If there is no layer, the shapes do not fit, a number is not finite, or the interval is
        empty.

    Notes
    -----
    No grid is laid over the interval. A network that is straight between known places stays so in
    the next layer, except where one of its units crosses zero: these places are computed and
    added. A place at which the output's slope does not change after all is left out. Two slopes
    count as equal if they differ by less than 1e-9 of the steepest one.

    Examples
    --------
    >>> tent = sawtooth_layers(1)
    >>> breakpoints(tent, -1.0, 2.0)
    tensor([0.0000, 0.5000], dtype=torch.float64)
    >>> breakpoints(sawtooth_layers(2), 0.0, 1.0)
    tensor([0.2500, 0.5000, 0.7500], dtype=torch.float64)
    """
    stack = _require_relu_layers(layers)
    low = require_number("low", low, above=-math.inf, below=math.inf)
    high = require_number("high", high, above=low, below=math.inf)
    points = torch.tensor([low, high], dtype=torch.float64)
    values = points[:, None]  # (P, D): each unit at each place; straight in between
    for i, (weight, bias) in enumerate(stack):
        values = values @ weight.t() + bias
        if i < len(stack) - 1:
            points, values = _add_zeros(points, values)
            values = values.clamp(min=0)
    slopes = values.diff(dim=0) / points.diff()[:, None]  # (P - 1, D)
    changed = slopes.diff(dim=0).abs() > _SAME_SLOPE * slopes.abs().max()
    return points[1:-1][changed.any(dim=1)]


def _add_zeros(points: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
    """Add the places where a unit crosses zero between two places, with the values of all units."""
    before, after = values[:-1], values[1:]
    cell, unit = (before.sign() * after.sign() < 0).nonzero(as_tuple=True)
    share = before[cell, unit] / (before[cell, unit] - after[cell, unit])
    crossing = points[cell] + share * points.diff()[cell]
    there = before[cell] + share[:, None] * (after - before)[cell]
    there[torch.arange(len(cell)), unit] = 0.0  # what rounding would make it only nearly
    points, order = torch.cat([points, crossing]).sort()
    values = torch.cat([values, there])[order]
    closest = _SAME_POINT * points.abs().max()
    keep = torch.ones_like(points, dtype=torch.bool)
    keep[1:-1] = (points.diff()[:-1] > closest) & (points[-1] - points[1:-1] > closest)
    return points[keep], values[keep]


def count_pieces(layers: Sequence[tuple[Tensor, Tensor]], low: float, high: float) -> int:
    r"""Count the straight pieces of a relu network with one input.

    .. math:: 1 + \bigl| \{\, x : l < x < r,\; g'(x-) \ne g'(x+) \,\} \bigr|

    Parameters
    ----------
    layers : list of tuple
        Weight and bias of each layer, as for :func:`breakpoints`.
    low, high : float
        The ends :math:`l < r` of the interval.

    Returns
    -------
    int
        The number of pieces, at least 1.

    Shapes
    ------
    weight of layer l : ``(D_l, D_{l-1})`` with :math:`D_0 = 1`
    bias of layer l : ``(D_l,)``

    Raises
    ------
    TypeError
        If a layer is not a pair of floating-point tensors, or an end is not a number.
    ValueError
        If there is no layer, the shapes do not fit, a number is not finite, or the interval is
        empty.

    Notes
    -----
    One hidden layer of :math:`n` units has at most :math:`n + 1` pieces. For :math:`L` hidden
    layers of :math:`n` units each, the product :math:`(n + 1)^L` is an upper bound: between two
    breaks of the layers before, each unit crosses zero at most once.

    Examples
    --------
    Three units, four pieces:

    >>> polygon = polygon_network(torch.tensor([0.0, 1.0, 2.0, 3.0]), torch.tensor([0.0, 1, 0, 1]))
    >>> count_pieces(polygon.layers(), -1.0, 4.0)
    4
    """
    return len(breakpoints(layers, low, high)) + 1
