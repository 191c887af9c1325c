r"""Interpolation and extrapolation: a curve, ways to hold points back, and networks that fit it.

Between known points a smooth function has little room. Beyond the last one, the data say nothing,
and the *form* of the model decides: :func:`asymptote` reads off a network's weights where it goes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from handbook.checks import (
    describe,
    require_choice,
    require_finite,
    require_floating,
    require_generator,
    require_integer,
    require_number,
    require_same_placement,
    require_shape,
    require_tensor,
)
from handbook.datasets import Split

__all__ = [
    "log_curve",
    "sample_curve",
    "split_ordered",
    "inside_range",
    "inside_hull",
    "CurveNetwork",
    "fit_network",
    "Line",
    "asymptote",
    "slope_beyond",
]

_ACTIVATIONS = ("relu", "tanh")

# Adam's usual constants (Kingma and Ba 2015): how long it remembers slopes and their squares.
_ADAM_MEMORY, _ADAM_SQUARE_MEMORY, _ADAM_SMALLEST = 0.9, 0.999, 1e-8


# ---- the curve and its points ------------------------------------------------------------------


def log_curve(x: Tensor) -> Tensor:
    r"""Compute a curve that falls, bends sharply, and then rises ever more slowly.

    .. math::

        f(x) = \frac{\ln x}{x} + 0.65\,\bigl|\ln\bigl(x + x^2 - \lg(x + 1)\bigr)\bigr|

    Here :math:`\ln` is the natural logarithm and :math:`\lg` the one to base 10.

    Parameters
    ----------
    x : Tensor
        Positive numbers, dimensionless.

    Returns
    -------
    Tensor
        The curve without noise, dimensionless.

    Shapes
    ------
    x : ``(*)``
    return : ``(*)``

    Raises
    ------
    TypeError
        If ``x`` is not a floating-point tensor.
    ValueError
        If a number is not positive, or not finite.

    Notes
    -----
    The argument of the second logarithm is positive wherever :math:`x` is, since
    :math:`\lg(x + 1) < x`. It passes 1 near :math:`x = 0.72`, where the absolute value makes a
    kink. It is formed from ``log1p``, so that nothing cancels for small :math:`x`.

    Examples
    --------
    At 1 the first term is 0, and the second is 0.65 ln(2 − lg 2):

    >>> round(log_curve(torch.tensor(1.0)).item(), 4)
    0.3444

    >>> log_curve(torch.tensor([1.0, 0.0]))
    Traceback (most recent call last):
        ...
    ValueError: x must be positive, where its logarithm exists, got 0.0 at index (1,)
    """
    require_finite("x", require_floating("x", x))
    positive = x > 0
    if not bool(positive.all()):
        index = tuple((~positive).nonzero()[0].tolist())
        raise ValueError(
            f"x must be positive, where its logarithm exists, got {x[index].item()} at index "
            f"{index}"
        )
    inner = x + x.square() - torch.log1p(x) / math.log(10)
    return torch.log(x) / x + 0.65 * torch.log(inner).abs()


def sample_curve(
    n_samples: int = 100,
    *,
    start: float = 0.5,
    stop: float = 10.0,
    noise_width: float = 0.05,
    generator: torch.Generator,
) -> tuple[Tensor, Tensor]:
    r"""Measure the curve at evenly spaced points, each with a little noise.

    .. math:: y_n = f(x_n) + \varepsilon u_n, \qquad u_n \sim \mathcal{U}(0, 1)

    Parameters
    ----------
    n_samples : int, optional
        :math:`N`, at least 2.
    start, stop : float, optional
        The first and the last :math:`x`, with :math:`0 <` ``start`` :math:`<` ``stop``.
    noise_width : float, optional
        :math:`\varepsilon`, not negative. The noise has mean :math:`\varepsilon / 2` and standard
        deviation :math:`\varepsilon / \sqrt{12}`.
    generator : torch.Generator
        A CPU generator.

    Returns
    -------
    tuple of Tensor
        The points in rising order, and what was measured there: float64, on the CPU.

    Shapes
    ------
    x : ``(N,)``
    y : ``(N,)``

    Raises
    ------
    TypeError
        If an argument is of the wrong type.
    ValueError
        If an argument lies outside its range.

    Examples
    --------
    >>> x, y = sample_curve(5, generator=torch.Generator().manual_seed(0))
    >>> x.tolist()
    [0.5, 2.875, 5.25, 7.625, 10.0]
    >>> noise = y - log_curve(x)
    >>> bool((noise >= 0).all() and (noise <= 0.05).all())
    True
    """
    require_integer("n_samples", n_samples, minimum=2)
    start = require_number("start", start, above=0.0)
    stop = require_number("stop", stop, above=start)
    noise_width = require_number("noise_width", noise_width, minimum=0.0)
    require_generator("generator", generator)
    x = torch.linspace(start, stop, n_samples, dtype=torch.float64)
    noise = torch.rand(n_samples, dtype=torch.float64, generator=generator)
    return x, log_curve(x) + noise_width * noise


# ---- inside or outside -------------------------------------------------------------------------


def split_ordered(inputs: Tensor, targets: Tensor, *, test_share: float = 0.25) -> Split:
    """Hold back the last rows: learn from what came first, be tested on what comes after.

    The random counterpart is :func:`handbook.datasets.train_test_split`.

    Parameters
    ----------
    inputs : Tensor
        Features, one sample per row, in the order that matters: of time, or of size.
    targets : Tensor
        What to predict, one row for each sample.
    test_share : float, optional
        Share of the rows in the test part, above 0 and below 1. The number is rounded to the
        nearest whole one.

    Returns
    -------
    handbook.datasets.Split
        Views of the first and of the last rows.

    Shapes
    ------
    inputs : ``(N, *)``
    targets : ``(N, *)``

    Raises
    ------
    TypeError
        If ``inputs`` or ``targets`` is not a tensor, or ``test_share`` is not a number.
    ValueError
        If the numbers of rows differ, ``test_share`` lies outside (0, 1), or one part would be
        empty.

    Examples
    --------
    >>> time = torch.arange(5.0)
    >>> split = split_ordered(time, 2 * time, test_share=0.4)
    >>> split.train_inputs.tolist(), split.test_inputs.tolist()
    ([0.0, 1.0, 2.0], [3.0, 4.0])
    """
    require_tensor("inputs", inputs)
    require_tensor("targets", targets)
    if inputs.dim() == 0 or targets.dim() == 0 or inputs.shape[0] != targets.shape[0]:
        raise ValueError(
            "inputs and targets must have as many rows as each other, "
            f"got {describe(inputs)} and {describe(targets)}"
        )
    test_share = require_number("test_share", test_share, above=0.0, below=1.0)
    n_samples = inputs.shape[0]
    n_train = n_samples - round(test_share * n_samples)
    if not 0 < n_train < n_samples:
        raise ValueError(
            f"test_share must leave at least 1 sample in both parts, got {test_share} of "
            f"{n_samples} samples"
        )
    return Split(inputs[:n_train], targets[:n_train], inputs[n_train:], targets[n_train:])


def _training_and_points(train: object, points: object) -> tuple[Tensor, Tensor]:
    """Return both as matrices with one sample per row, after a check."""
    known = require_finite("train", require_floating("train", train))
    asked = require_finite("points", require_floating("points", points))
    require_shape("train", known, ("N",), ("N", "D"))
    wanted: tuple[str | int, ...] = ("M",) if known.dim() == 1 else ("M", known.shape[1])
    require_shape("points", asked, wanted)
    require_same_placement("points", asked, "train", known)
    if known.numel() == 0:
        raise ValueError(f"train must hold at least 1 number, got {describe(known)}")
    if known.dim() == 1:
        return known[:, None], asked[:, None]
    return known, asked


def inside_range(train: Tensor, points: Tensor) -> Tensor:
    r"""Tell which points lie between the smallest and the largest training value of each feature.

    .. math:: \min_n t_{nd} \le p_{md} \le \max_n t_{nd} \quad \text{for every } d

    Parameters
    ----------
    train : Tensor
        Training inputs.
    points : Tensor
        Points to ask about.

    Returns
    -------
    Tensor
        ``bool``: whether the point lies in the box that the training inputs span.

    Shapes
    ------
    train : ``(N, D)`` or ``(N,)``
    points : ``(M, D)`` or ``(M,)``
    return : ``(M,)``

    Raises
    ------
    TypeError
        If an argument is not a floating-point tensor, or the dtypes differ.
    ValueError
        If the shapes do not fit, ``train`` is empty, a number is not finite, or the devices differ.

    Notes
    -----
    The box holds the convex hull, so a point outside the box is outside the hull too. For
    independent features and :math:`N` independent points, a new point is in the box with
    probability :math:`\bigl(\tfrac{N-1}{N+1}\bigr)^D`.

    Examples
    --------
    >>> inside_range(torch.tensor([1.0, 4.0, 2.0]), torch.tensor([0.9, 1.0, 3.0, 4.1])).tolist()
    [False, True, True, False]

    In the box of three corners, and yet outside their triangle:

    >>> corners = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    >>> point = torch.tensor([[0.9, 0.9]])
    >>> inside_range(corners, point).item(), inside_hull(corners, point).item()
    (True, False)
    """
    known, asked = _training_and_points(train, points)
    return ((asked >= known.amin(dim=0)) & (asked <= known.amax(dim=0))).all(dim=1)


def inside_hull(train: Tensor, points: Tensor, *, tolerance: float = 1e-6) -> Tensor:
    r"""Tell which points are weighted averages of the training inputs: inside their convex hull.

    .. math::

        p = \sum_{n=1}^{N} \lambda_n t_n, \qquad \lambda_n \ge 0, \qquad \sum_n \lambda_n = 1

    Parameters
    ----------
    train : Tensor
        Training inputs.
    points : Tensor
        Points to ask about.
    tolerance : float, optional
        A point closer to the hull than about this share of the training inputs' largest distance
        from their mean counts as inside. Above 0.

    Returns
    -------
    Tensor
        ``bool``: whether the point lies inside the hull, or closer to it than the tolerance.

    Shapes
    ------
    train : ``(N, D)`` or ``(N,)``
    points : ``(M, D)`` or ``(M,)``
    return : ``(M,)``

    Raises
    ------
    TypeError
        If an argument is of the wrong type, or the dtypes differ.
    ValueError
        If the shapes do not fit, ``train`` is empty, a number is not finite, or the devices differ.

    Notes
    -----
    For each point, the weights that come closest are found by least squares with
    :math:`\lambda_n \ge 0`, and the sum of the weights as one more equation. Training inputs join
    one by one, the most useful first, and leave when their weight would turn negative. When no
    further one helps, the rest that is left over is at right angles to a plane that separates the
    point from the hull, or it is zero.

    References
    ----------
    C. L. Lawson, R. J. Hanson, "Solving Least Squares Problems", SIAM 1995, chapter 23,
    https://doi.org/10.1137/1.9781611971217

    Examples
    --------
    >>> corners = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    >>> inside_hull(corners, torch.tensor([[0.3, 0.3], [0.0, 1.0], [0.6, 0.6]])).tolist()
    [True, True, False]
    """
    known, asked = _training_and_points(train, points)
    tolerance = require_number("tolerance", tolerance, above=0.0)
    device = asked.device
    # Relative to the mean and the radius, so that neither an offset nor a unit costs digits.
    known, asked = known.detach().cpu().double(), asked.detach().cpu().double()
    center = known.mean(dim=0)
    known, asked = known - center, asked - center
    radius = torch.linalg.vector_norm(known, dim=1).max().item() or 1.0
    known, asked = known / radius, asked / radius
    found = [_is_average(known, point, tolerance) for point in asked]
    return torch.tensor(found, dtype=torch.bool, device=device)


def _is_average(known: Tensor, point: Tensor, tolerance: float) -> bool:
    """Tell whether an average makes the point; known : (N, D) lies in the unit ball."""
    if torch.linalg.vector_norm(point) > 1 + tolerance:
        return False
    # One column for each training input; the last row makes the weights sum to one.
    columns = torch.cat([known.T, torch.ones(1, len(known)).to(known)])  # (D + 1, N)
    target = torch.cat([point, torch.ones(1).to(point)])
    weights = torch.zeros(len(known)).to(known)
    used: list[int] = []
    while True:
        residual = target - columns @ weights
        if torch.linalg.vector_norm(residual) <= tolerance:
            return True
        gain = columns.T @ residual
        # residual · target > 0 and residual · column <= 0 for all: no sum of columns is the target.
        if gain.max() <= 1e-12:
            return False
        gain[used] = -math.inf
        used.append(int(gain.argmax()))
        while True:
            best = torch.linalg.lstsq(columns[:, used], target[:, None]).solution[:, 0]
            before = weights[used]
            if bool((best > 0).all()):
                break
            # Go toward the best weights until the first would turn negative; that one leaves.
            share = torch.where(best <= 0, before / (before - best), math.inf)
            leaves = int(share.argmin())
            if leaves == len(used) - 1 and before[leaves] == 0:
                return False  # what joins last gains nothing beyond rounding
            weights[used] = before + share[leaves] * (best - before)
            weights[used.pop(leaves)] = 0.0
        weights[used] = best


# ---- a small network ---------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class CurveNetwork:
    r"""A network with one input, one hidden layer and one output.

    .. math:: f(x) = c + \sum_{h=1}^{H} v_h \, a(w_h x + b_h)

    Parameters
    ----------
    activation : str
        :math:`a`: ``"relu"`` or ``"tanh"``.
    hidden_weight : Tensor
        :math:`w`, the weight of each hidden unit.
    hidden_bias : Tensor
        :math:`b`, its bias.
    output_weight : Tensor
        :math:`v`, what the output makes of it.
    output_bias : Tensor
        :math:`c`.

    Shapes
    ------
    hidden_weight : ``(H,)``
    hidden_bias : ``(H,)``
    output_weight : ``(H,)``
    output_bias : ``()``

    Examples
    --------
    The absolute value, from two units:

    >>> network = CurveNetwork(
    ...     "relu",
    ...     hidden_weight=torch.tensor([1.0, -1.0]),
    ...     hidden_bias=torch.zeros(2),
    ...     output_weight=torch.ones(2),
    ...     output_bias=torch.tensor(0.0),
    ... )
    >>> network(torch.tensor([-3.0, 0.0, 2.0])).tolist()
    [3.0, 0.0, 2.0]
    """

    activation: str
    hidden_weight: Tensor
    hidden_bias: Tensor
    output_weight: Tensor
    output_bias: Tensor

    def __post_init__(self) -> None:
        require_choice("activation", self.activation, _ACTIVATIONS)
        weight = require_shape("hidden_weight", self.hidden_weight, ("H",))
        require_floating("hidden_weight", weight)
        for name in ("hidden_bias", "output_weight"):
            require_shape(name, getattr(self, name), (len(weight),))
            require_same_placement(name, getattr(self, name), "hidden_weight", weight)
        require_shape("output_bias", self.output_bias, ())
        require_same_placement("output_bias", self.output_bias, "hidden_weight", weight)

    def __call__(self, x: Tensor) -> Tensor:
        """Return the network's output for numbers of any shape, in their dtype."""
        require_floating("x", x)
        before = x.to(self.hidden_weight)[..., None] * self.hidden_weight + self.hidden_bias
        output = _activated(self.activation, before)[0] @ self.output_weight + self.output_bias
        return output.to(x.dtype)

    @property
    def centers(self) -> Tensor:
        r"""Where each unit bends, :math:`-b_h / w_h`: the kink of a relu, the middle of a tanh."""
        return -self.hidden_bias / self.hidden_weight


def _activated(activation: str, before: Tensor) -> tuple[Tensor, Tensor]:
    """Return the activation's value and slope."""
    if activation == "relu":
        on = before > 0
        return before * on, on.to(before)
    value = torch.tanh(before)
    return value, 1 - value.square()


def _curve_gradient(activation: str, x: Tensor, y: Tensor, parameters: Tensor) -> Tensor:
    """Return the gradient of the mean squared error; parameters : (3H + 1,) are w, b, v, c."""
    n_hidden = len(parameters) // 3
    w, b, v, c = parameters.split([n_hidden, n_hidden, n_hidden, 1])
    value, slope = _activated(activation, torch.addcmul(b, x[:, None], w))  # (N, H) each
    residual = (value @ v + c - y) * (2 / len(x))  # (N,)
    before = torch.outer(residual, v) * slope  # (N, H): the loss by w x + b
    return torch.cat([x @ before, before.sum(dim=0), residual @ value, residual.sum()[None]])


def fit_network(
    x: Tensor,
    y: Tensor,
    *,
    hidden_size: int = 32,
    activation: str = "tanh",
    n_steps: int = 1500,
    learning_rate: float = 0.03,
    standardize: bool = True,
    generator: torch.Generator,
) -> CurveNetwork:
    r"""Fit a small network to points of a curve, by least squares with Adam on all of them.

    Parameters
    ----------
    x : Tensor
        Where the curve was measured.
    y : Tensor
        What was measured.
    hidden_size : int, optional
        :math:`H`, how many hidden units, at least 1.
    activation : str, optional
        ``"relu"`` or ``"tanh"``.
    n_steps : int, optional
        How many steps; 0 leaves the network as it was drawn.
    learning_rate : float, optional
        The size of the first step, above 0; it falls along a line to 0.
    standardize : bool, optional
        Whether to train on :math:`(x - \bar x) / s_x` and :math:`(y - \bar y) / s_y`. The returned
        network takes and gives the original units either way: the scales go into its weights.
    generator : torch.Generator
        A CPU generator, for the weights at the start.

    Returns
    -------
    CurveNetwork
        Fitted, in float64, on the device of ``x``.

    Shapes
    ------
    x : ``(N,)``
    y : ``(N,)``

    Raises
    ------
    TypeError
        If an argument is of the wrong type, or the dtypes differ.
    ValueError
        If the shapes or the devices differ, there are fewer than 2 points, all points have one
        ``x``, or a number is not finite or lies outside its range.

    Notes
    -----
    At the start the hidden units bend at points spread evenly at random over
    :math:`[-\sqrt 3, \sqrt 3]`, which is the range of standardised evenly spaced points. Weights
    are drawn from a normal distribution, with variance 1 / H for the output. The gradient is
    written by hand.

    References
    ----------
    D. P. Kingma, J. Ba, "Adam: A method for stochastic optimization", ICLR 2015,
    https://arxiv.org/abs/1412.6980

    Examples
    --------
    >>> x = torch.linspace(-1, 1, 20)
    >>> network = fit_network(x, x.square(), generator=torch.Generator().manual_seed(0))
    >>> bool((network(x) - x.square()).abs().max() < 0.01)
    True
    """
    require_finite("x", require_floating("x", require_shape("x", x, ("N",))))
    require_finite("y", require_floating("y", require_shape("y", y, (len(x),))))
    require_same_placement("y", y, "x", x)
    require_integer("hidden_size", hidden_size, minimum=1)
    require_choice("activation", activation, _ACTIVATIONS)
    require_integer("n_steps", n_steps, minimum=0)
    learning_rate = require_number("learning_rate", learning_rate, above=0.0)
    require_generator("generator", generator)
    if len(x) < 2 or bool((x == x[0]).all()):
        raise ValueError(f"x must hold at least 2 different points, got {describe(x)}")
    x, y = x.detach().double(), y.detach().double()
    x_mean, y_mean, x_scale, y_scale = 0.0, 0.0, 1.0, 1.0
    if standardize:
        x_mean, x_scale = x.mean().item(), x.std(correction=0).item()
        y_mean = y.mean().item()
        y_scale = y.std(correction=0).item() or 1.0  # a constant has no scale of its own
    x, y = (x - x_mean) / x_scale, (y - y_mean) / y_scale

    draw = torch.randn(2, hidden_size, dtype=torch.float64, generator=generator)
    bend = torch.rand(hidden_size, dtype=torch.float64, generator=generator)
    w, v = draw[0], draw[1] / math.sqrt(hidden_size)
    b = -w * (2 * bend - 1) * math.sqrt(3)
    parameters = torch.cat([w, b, v, torch.zeros(1, dtype=torch.float64)]).to(x.device)
    parameters = _adam(
        lambda at: _curve_gradient(activation, x, y, at), parameters, n_steps, learning_rate
    )

    w, b, v, c = parameters.split([hidden_size] * 3 + [1])
    return CurveNetwork(
        activation,
        hidden_weight=w / x_scale,
        hidden_bias=b - w * (x_mean / x_scale),
        output_weight=v * y_scale,
        output_bias=c[0] * y_scale + y_mean,
    )


def _adam(
    gradient_at: Callable[[Tensor], Tensor], start: Tensor, n_steps: int, learning_rate: float
) -> Tensor:
    """Follow the gradient with Adam; the rate falls along a line to 0."""
    position, mean, square = start.clone(), torch.zeros_like(start), torch.zeros_like(start)
    for step in range(n_steps):
        gradient = gradient_at(position)
        mean.lerp_(gradient, 1 - _ADAM_MEMORY)
        square.lerp_(gradient.square(), 1 - _ADAM_SQUARE_MEMORY)
        # Both averages start at 0; the division takes that out again.
        unbiased = mean / (1 - _ADAM_MEMORY ** (step + 1))
        spread = (square / (1 - _ADAM_SQUARE_MEMORY ** (step + 1))).sqrt_()
        rate = learning_rate * (1 - step / n_steps)
        position -= rate * unbiased / (spread + _ADAM_SMALLEST)
    return position


# ---- what it does outside ----------------------------------------------------------------------


class Line(NamedTuple):
    """A straight line.

    Attributes
    ----------
    slope : float
        How much it rises for each unit of ``x``.
    intercept : float
        Its value at 0.

    Examples
    --------
    >>> line = Line(slope=2.0, intercept=1.0)
    >>> line.slope * 3.0 + line.intercept
    7.0
    """

    slope: float
    intercept: float


def asymptote(network: CurveNetwork, side: str = "right") -> Line:
    r"""Read off the weights the line that a network follows far outside its data.

    .. math::

        \text{relu, right:}\quad
        x \sum_{w_h > 0} v_h w_h + c + \sum_{w_h > 0} v_h b_h,
        \qquad
        \text{tanh, right:}\quad
        c + \sum_h v_h \, \mathrm{sign}(w_h)

    To the left, the sum runs over :math:`w_h < 0`, and the sign turns round.

    Parameters
    ----------
    network : CurveNetwork
        The network.
    side : str, optional
        ``"right"`` for :math:`x \to \infty` or ``"left"`` for :math:`x \to -\infty`.

    Returns
    -------
    Line
        For relu, the network *is* this line beyond the last of its kinks. For tanh the line is
        flat, and the network comes close to it exponentially fast.

    Raises
    ------
    TypeError
        If ``network`` is not a :class:`CurveNetwork`.
    ValueError
        If ``side`` is neither ``"left"`` nor ``"right"``.

    Notes
    -----
    A unit with :math:`w_h = 0` puts out the constant :math:`v_h \, a(b_h)` on both sides.

    Examples
    --------
    >>> weights = torch.tensor([1.0, -1.0]), torch.zeros(2), torch.tensor([1.0, 3.0])
    >>> relu = CurveNetwork("relu", *weights, output_bias=torch.tensor(5.0))
    >>> asymptote(relu, "left"), asymptote(relu, "right")
    (Line(slope=-3.0, intercept=5.0), Line(slope=1.0, intercept=5.0))
    >>> tanh = CurveNetwork("tanh", *weights, output_bias=torch.tensor(5.0))
    >>> asymptote(tanh, "left"), asymptote(tanh, "right")
    (Line(slope=0.0, intercept=7.0), Line(slope=0.0, intercept=3.0))
    """
    if not isinstance(network, CurveNetwork):
        raise TypeError(f"network must be a CurveNetwork, got {describe(network)}")
    require_choice("side", side, ("left", "right"))
    direction = network.hidden_weight.sign() * (1 if side == "right" else -1)
    w, b, v = network.hidden_weight, network.hidden_bias, network.output_weight
    if network.activation == "relu":
        still = torch.relu(b)
        level = torch.where(direction == 0, still, torch.where(direction > 0, b, 0.0))
        slope = (v * torch.where(direction > 0, w, 0.0)).sum().item()
    else:
        level = torch.where(direction == 0, torch.tanh(b), direction)
        slope = 0.0
    return Line(slope, (network.output_bias + (v * level).sum()).item())


def slope_beyond(function: Callable[[Tensor], Tensor], x: Tensor, *, step: float = 1.0) -> Tensor:
    r"""Measure how a function goes on from some points.

    .. math:: \frac{f(x + s) - f(x)}{s}

    Parameters
    ----------
    function : callable
        Takes and returns a tensor of any shape.
    x : Tensor
        Where to start.
    step : float, optional
        :math:`s`; negative to look to the left. Not 0.

    Returns
    -------
    Tensor
        The mean slope over the step.

    Shapes
    ------
    x : ``(*)``
    return : ``(*)``

    Raises
    ------
    TypeError
        If ``x`` is not a floating-point tensor, or ``step`` is not a number.
    ValueError
        If ``step`` is 0 or not finite.

    Examples
    --------
    A straight line has one slope everywhere. A parabola has not:

    >>> slope_beyond(lambda x: 3 * x + 1, torch.tensor([0.0, 8.0])).tolist()
    [3.0, 3.0]
    >>> slope_beyond(torch.square, torch.tensor([0.0, 8.0])).tolist()
    [1.0, 17.0]
    """
    require_floating("x", x)
    step = require_number("step", step)
    if step == 0 or not math.isfinite(step):
        raise ValueError(f"step must be finite and not 0, got {step}")
    return (function(x + step) - function(x)) / step
