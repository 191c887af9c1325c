r"""Gradient descent, where it goes, and how long it takes to leave a saddle.

:func:`gradient_descent` walks and keeps every step. On a quadratic its path is known in closed
form (:func:`quadratic_path`), and near any critical point a function is almost a quadratic: that
predicts which rates are stable (:func:`largest_stable_rate`) and how long a saddle holds the path
(:func:`escape_steps`, :func:`noisy_escape_steps`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist
from typing import NamedTuple

import torch
from torch import Tensor

from handbook.checks import (
    describe,
    require_floating,
    require_generator,
    require_integer,
    require_number,
    require_same_placement,
)
from handbook.surfaces import classify_critical_point, value_and_gradient

__all__ = [
    "Path",
    "gradient_descent",
    "quadratic_path",
    "largest_stable_rate",
    "escape_steps",
    "noise_variance",
    "noisy_escape_steps",
    "measured_escape_steps",
]


_LARGEST_EXPONENT = 709.0  # exp overflows float64 just above


class Path(NamedTuple):
    """Every point that a descent visited, and the function's value there.

    Parameters
    ----------
    points : Tensor
        The points, the start first; shape (T + 1, ..., D) after T steps.
    values : Tensor
        The function's values; shape (T + 1, ...).

    Examples
    --------
    >>> path = gradient_descent(
    ...     lambda x: (x * x).sum(-1), torch.ones(2), learning_rate=0.25, n_steps=2
    ... )
    >>> path.points.tolist()
    [[1.0, 1.0], [0.5, 0.5], [0.25, 0.25]]
    >>> path.values.tolist(), path.diverged.item()
    ([2.0, 0.5, 0.125], False)
    """

    points: Tensor
    values: Tensor

    @property
    def diverged(self) -> Tensor:
        """True for each path whose last point is infinite or NaN; shape (...)."""
        return ~self.points[-1].isfinite().all(-1)


def gradient_descent(
    function: Callable[[Tensor], Tensor],
    start: Tensor,
    *,
    learning_rate: float,
    n_steps: int,
    noise_std: float = 0.0,
    generator: torch.Generator | None = None,
) -> Path:
    r"""Walk downhill with a constant learning rate, from one start or from many at once.

    .. math:: x_{t+1} = x_t - \eta \, \bigl( \nabla f(x_t) + \sigma \, \xi_t \bigr),
              \qquad \xi_t \sim \mathcal N(0, I)

    With ``noise_std`` 0 it is plain gradient descent. The noise is added to the *gradient*, as
    the choice of a mini-batch does, so that one step moves by noise of std
    :math:`\eta \sigma` in each coordinate.

    Parameters
    ----------
    function : callable
        Takes points of shape (..., D), returns one value per point, shape (...). The value at one
        point must not depend on the other points of the batch.
    start : Tensor
        Where to start; it is not changed.
    learning_rate : float
        :math:`\eta`, above 0.
    n_steps : int
        T, the number of steps; 0 gives a path of the start alone.
    noise_std : float, default: 0.0
        :math:`\sigma`, the standard deviation of the noise on each component of the gradient.
    generator : torch.Generator, optional
        Where the noise comes from; needed if ``noise_std`` is above 0.

    Returns
    -------
    Path
        ``points`` and ``values`` of all T + 1 places, without a graph.

    Shapes
    ------
    start : (..., D)
    return : (T + 1, ..., D) and (T + 1, ...)

    Raises
    ------
    TypeError
        If an argument is of the wrong kind, or there is noise and no generator.
    ValueError
        If ``start`` has no coordinates or is not finite, ``learning_rate`` is not above 0,
        ``n_steps`` or ``noise_std`` is negative, or ``function`` does not return one value per
        point.

    Notes
    -----
    A path that diverges is a result, not an error: its points go to inf and then to nan, as the
    arithmetic does. See :attr:`Path.diverged`.

    Examples
    --------
    Each step on f(x) = ½ x² with rate ½ halves the distance:

    >>> path = gradient_descent(
    ...     lambda points: points.square().sum(-1) / 2,
    ...     torch.tensor([8.0]),
    ...     learning_rate=0.5,
    ...     n_steps=3,
    ... )
    >>> path.points.squeeze(-1), path.values
    (tensor([8., 4., 2., 1.]), tensor([32.0000,  8.0000,  2.0000,  0.5000]))

    A rate beyond 2 makes every step overshoot by more than the last, and the path explodes:

    >>> path = gradient_descent(
    ...     lambda points: points.square().sum(-1) / 2,
    ...     torch.tensor([8.0]),
    ...     learning_rate=3.0,
    ...     n_steps=200,
    ... )
    >>> path.points[:4].squeeze(-1), path.diverged
    (tensor([  8., -16.,  32., -64.]), tensor(True))
    """
    require_floating("start", start)
    if start.dim() == 0 or start.shape[-1] == 0:
        raise ValueError(
            f"start must have shape (..., D) with D at least 1, got {describe(start)}"
            + ("; use start.reshape(1)" if start.dim() == 0 else "")
        )
    if not start.isfinite().all():
        raise ValueError("start must be finite, got a tensor with inf or nan")
    learning_rate = require_number("learning_rate", learning_rate, above=0.0, below=math.inf)
    require_integer("n_steps", n_steps, minimum=0)
    noise_std = require_number("noise_std", noise_std, minimum=0.0, below=math.inf)
    if noise_std > 0 or generator is not None:
        generator = require_generator("generator", generator)

    point = start.detach()
    points, values = [], []
    for step in range(n_steps + 1):
        value, slope = value_and_gradient(function, point)
        # A copy: the caller may change the start later, and the path must not change with it.
        points.append(point.clone())
        values.append(value)
        if step == n_steps:
            break
        if noise_std > 0 and generator is not None:
            # Drawn where the generator lives, then moved: the CPU and the GPU turn the same seed
            # into different numbers.
            noise = torch.randn(
                point.shape, generator=generator, dtype=point.dtype, device=generator.device
            )
            slope = slope + noise_std * noise.to(point.device)
        point = point - learning_rate * slope
    return Path(torch.stack(points), torch.stack(values))


def quadratic_path(hessian: Tensor, start: Tensor, *, learning_rate: float, n_steps: int) -> Tensor:
    r"""Return the path of plain gradient descent on :math:`\frac12 x^\top H x`, in closed form.

    .. math:: x_t = (I - \eta H)^t \, x_0 = \sum_i (1 - \eta \lambda_i)^t \, (v_i^\top x_0) \, v_i

    Along each eigenvector :math:`v_i` the distance is multiplied by :math:`1 - \eta \lambda_i`
    per step: it shrinks for :math:`0 < \lambda_i < 2/\eta` and grows for every negative
    :math:`\lambda_i`.

    Parameters
    ----------
    hessian : Tensor
        H, symmetric.
    start : Tensor
        :math:`x_0`, of H's dtype and on its device.
    learning_rate : float
        :math:`\eta`, above 0.
    n_steps : int
        T, the number of steps.

    Returns
    -------
    Tensor
        :math:`x_0` to :math:`x_T`.

    Shapes
    ------
    hessian : (D, D)
    start : (..., D)
    return : (T + 1, ..., D)

    Raises
    ------
    TypeError
        If ``hessian`` or ``start`` is not a floating-point tensor, or their dtypes differ.
    ValueError
        If ``hessian`` is not one finite symmetric matrix, ``start`` does not have D coordinates,
        ``learning_rate`` is not above 0 or ``n_steps`` is negative.

    Examples
    --------
    At a saddle with rate 1, the way along x ends at once and the way along y doubles:

    >>> H = torch.tensor([[1.0, 0.0], [0.0, -1.0]])
    >>> quadratic_path(H, torch.tensor([4.0, 1.0]), learning_rate=1.0, n_steps=3).T
    tensor([[4., 0., 0., 0.],
            [1., 2., 4., 8.]])
    """
    quadratic = classify_critical_point(hessian)
    eigenvalues, eigenvectors = quadratic.eigenvalues, quadratic.eigenvectors
    require_floating("start", start)
    if start.dim() == 0 or start.shape[-1] != len(eigenvalues):
        raise ValueError(
            f"start must have shape (..., {len(eigenvalues)}) to fit hessian, got {describe(start)}"
        )
    require_same_placement("start", start, "hessian", hessian)
    learning_rate = require_number("learning_rate", learning_rate, above=0.0, below=math.inf)
    require_integer("n_steps", n_steps, minimum=0)
    eigenvectors = eigenvectors.to(start.dtype)
    factors = (1 - learning_rate * eigenvalues).to(start.dtype)
    steps = torch.arange(n_steps + 1, device=start.device)
    steps = steps.reshape(-1, *[1] * start.dim())  # (T + 1, 1, ..., 1)
    along = start @ eigenvectors  # coordinates along the eigenvectors, (..., D)
    # On the ridge, 0 · inf is nan where descent itself stays at 0.
    grown = torch.where(along == 0, along, factors**steps * along)
    return grown @ eigenvectors.mT


def largest_stable_rate(hessian: Tensor) -> float:
    r"""Return the learning rate beyond which gradient descent diverges from a minimum.

    .. math:: \eta_{\max} = \frac{2}{\lambda_{\max}}

    Beyond it, :math:`|1 - \eta \lambda_{\max}| > 1`: the distance along the steepest direction
    grows with every step. At it, the path jumps back and forth for ever.

    Parameters
    ----------
    hessian : Tensor
        The second derivatives of the function.

    Returns
    -------
    float
        The rate, or inf if no direction curves up.

    Shapes
    ------
    hessian : (D, D)

    Raises
    ------
    TypeError
        If ``hessian`` is not a floating-point tensor.
    ValueError
        If it is not one finite symmetric matrix.

    Notes
    -----
    A rate below it makes every direction that curves up converge. Directions that curve down grow
    at any rate: on a saddle no rate is stable in all directions.

    Examples
    --------
    >>> largest_stable_rate(torch.tensor([[1.0, 0.0], [0.0, 50.0]]))
    0.04
    """
    steepest = float(classify_critical_point(hessian).eigenvalues[-1])
    return 2 / steepest if steepest > 0 else math.inf


def _escape_arguments(curvature: float, learning_rate: float) -> tuple[float, float]:
    """Return curvature and learning rate as floats, after a check."""
    curvature = require_number("curvature", curvature, below=0.0, above=-math.inf)
    learning_rate = require_number("learning_rate", learning_rate, above=0.0, below=math.inf)
    return curvature, learning_rate


def escape_steps(
    curvature: float, *, distance: float, radius: float, learning_rate: float
) -> float:
    r"""Predict how many steps plain gradient descent needs to leave a strict saddle.

    .. math:: t = \frac{\ln (r / \varepsilon)}{\ln (1 + \eta |\lambda|)}

    The distance :math:`\varepsilon` along the eigenvector that curves down grows by the factor
    :math:`1 + \eta |\lambda|` per step, until it is r.

    Parameters
    ----------
    curvature : float
        :math:`\lambda`, the negative eigenvalue of the Hessian.
    distance : float
        :math:`\varepsilon`, how far from the saddle the start is along the eigenvector.
    radius : float
        r, how far is outside.
    learning_rate : float
        :math:`\eta`, above 0.

    Returns
    -------
    float
        Steps, not rounded: the first whole step outside is the next whole number. 0 if the start
        is outside, inf if ``distance`` is 0.

    Raises
    ------
    TypeError
        If an argument is not a number.
    ValueError
        If ``curvature`` is not below 0, ``radius`` or ``learning_rate`` not above 0, or
        ``distance`` negative.

    Notes
    -----
    Exact where the function is a quadratic; elsewhere a prediction for small ``radius``.

    Examples
    --------
    With curvature −1 and rate 1 the distance doubles with every step, 1 → 1024 in 10 steps:

    >>> escape_steps(-1.0, distance=1.0, radius=1024.0, learning_rate=1.0)
    10.0

    A start ten orders of magnitude closer costs only some 35 steps more; a start on the ridge
    itself never leaves:

    >>> round(escape_steps(-1.0, distance=1e-10, radius=1.0, learning_rate=1.0), 1)
    33.2
    >>> escape_steps(-1.0, distance=0.0, radius=1.0, learning_rate=1.0)
    inf
    """
    curvature, learning_rate = _escape_arguments(curvature, learning_rate)
    distance = require_number("distance", distance, minimum=0.0, below=math.inf)
    radius = require_number("radius", radius, above=0.0, below=math.inf)
    if distance == 0:
        return math.inf
    # The difference of logarithms: radius / distance may overflow.
    to_grow = math.log(radius) - math.log(distance)
    return max(0.0, to_grow / math.log1p(-learning_rate * curvature))


def noise_variance(
    curvature: float, *, n_steps: float, noise_std: float, learning_rate: float
) -> float:
    r"""Return the variance that gradient noise has built up along one eigenvector after t steps.

    .. math:: v_t = (\eta \sigma)^2 \sum_{k=0}^{t-1} a^{2k}
                  = (\eta \sigma)^2 \, \frac{a^{2t} - 1}{a^2 - 1}, \qquad a = 1 - \eta \lambda

    Each step multiplies what is there by :math:`a` and adds fresh noise of variance
    :math:`(\eta \sigma)^2`. Where the function curves up it levels off; where it curves down it
    grows without end.

    Parameters
    ----------
    curvature : float
        :math:`\lambda`, the eigenvalue of the Hessian, of either sign.
    n_steps : float
        t, the number of steps since the start at the critical point.
    noise_std : float
        :math:`\sigma`, the std of the noise on each component of the gradient.
    learning_rate : float
        :math:`\eta`, above 0.

    Returns
    -------
    float
        The variance, in squared units of the coordinate.

    Raises
    ------
    TypeError
        If an argument is not a number.
    ValueError
        If ``curvature`` is not finite, ``n_steps`` or ``noise_std`` is negative, or
        ``learning_rate`` is not above 0.

    Examples
    --------
    Growth by the factor 2 per step, a = 2: 1 + 4 + 16

    >>> noise_variance(-1.0, n_steps=3, noise_std=1.0, learning_rate=1.0)
    21.0

    On flat ground variances add up, as in a random walk:

    >>> noise_variance(0.0, n_steps=3, noise_std=1.0, learning_rate=1.0)
    3.0
    """
    curvature = require_number("curvature", curvature, above=-math.inf, below=math.inf)
    n_steps = require_number("n_steps", n_steps, minimum=0, below=math.inf)
    noise_std = require_number("noise_std", noise_std, minimum=0.0, below=math.inf)
    learning_rate = require_number("learning_rate", learning_rate, above=0.0, below=math.inf)
    factor = abs(1 - learning_rate * curvature)
    per_step = (learning_rate * noise_std) * (learning_rate * noise_std)
    if per_step == 0.0 or n_steps == 0.0:
        return 0.0
    if factor == 1.0:
        return per_step * n_steps
    if factor == 0.0:
        return per_step * min(n_steps, 1.0)
    exponent = 2 * n_steps * math.log(factor)
    if exponent > _LARGEST_EXPONENT:
        return math.inf
    return per_step * math.expm1(exponent) / ((factor - 1) * (factor + 1))


def noisy_escape_steps(
    curvature: float,
    *,
    noise_std: float,
    radius: float,
    learning_rate: float,
    fraction: float = 0.5,
) -> float:
    r"""Predict after how many noisy steps a given fraction of the paths has left a strict saddle.

    .. math:: t = \frac{\ln \bigl( 1 + (a^2 - 1) \, r^2 / (z \eta \sigma)^2 \bigr)}{2 \ln a},
              \qquad a = 1 + \eta |\lambda|, \quad P(|\mathcal N(0, 1)| > z) = \text{fraction}

    All paths start on the saddle itself. After t steps the distance along the eigenvector that
    curves down is normal with the variance of :func:`noise_variance`; t solves
    :math:`z \sqrt{v_t} = r`. For the median, z = 0.6745.

    Parameters
    ----------
    curvature : float
        :math:`\lambda`, the negative eigenvalue of the Hessian.
    noise_std : float
        :math:`\sigma`, the std of the noise on each component of the gradient.
    radius : float
        r, how far is outside.
    learning_rate : float
        :math:`\eta`, above 0.
    fraction : float, default: 0.5
        Which fraction of the paths must be outside, between 0 and 1.

    Returns
    -------
    float
        Steps, not rounded; inf without noise.

    Raises
    ------
    TypeError
        If an argument is not a number.
    ValueError
        If ``curvature`` is not below 0, ``radius`` or ``learning_rate`` not above 0, ``noise_std``
        negative, or ``fraction`` not between 0 and 1.

    Notes
    -----
    It counts who *is* outside at step t. A path may cross the radius and come back, so the first
    crossing is a little earlier; the difference is small once :math:`\eta \sigma` is well below r.
    A tenth of the noise costs only :math:`\ln 10 / \ln a` steps more.

    Examples
    --------
    >>> settings = dict(radius=1.0, learning_rate=0.1)
    >>> round(noisy_escape_steps(-1.0, noise_std=0.01, **settings), 1)
    68.4
    >>> round(noisy_escape_steps(-1.0, noise_std=0.001, **settings), 1)
    92.5
    """
    curvature, learning_rate = _escape_arguments(curvature, learning_rate)
    noise_std = require_number("noise_std", noise_std, minimum=0.0, below=math.inf)
    radius = require_number("radius", radius, above=0.0, below=math.inf)
    fraction = require_number("fraction", fraction, above=0.0, below=1.0)
    if noise_std == 0:
        return math.inf
    z = -NormalDist().inv_cdf(fraction / 2)
    growth = -learning_rate * curvature  # a - 1
    # In logarithms, because the square of r / (η σ) overflows for very weak noise.
    log_ratio = math.log(radius) - math.log(z) - math.log(learning_rate) - math.log(noise_std)
    log_wanted = math.log(growth) + math.log(2 + growth) + 2 * log_ratio
    log_growth = log_wanted if log_wanted > 40 else math.log1p(math.exp(log_wanted))  # 1 is lost
    return log_growth / (2 * math.log1p(growth))


def measured_escape_steps(
    points: Tensor, *, direction: Tensor, radius: float, center: Tensor | None = None
) -> Tensor:
    r"""Return the first step at which each path is farther out than a radius along a direction.

    .. math:: \min \{ t : |u^\top (x_t - c)| > r \}

    Parameters
    ----------
    points : Tensor
        The points of a :class:`Path`.
    direction : Tensor
        u, such as the eigenvector that curves down; its length does not matter.
    radius : float
        r, above 0.
    center : Tensor, optional
        c, the critical point; the origin without it.

    Returns
    -------
    Tensor
        Steps as floating-point numbers, inf for a path that never got out.

    Shapes
    ------
    points : (T + 1, ..., D)
    direction : (D,)
    center : (D,)
    return : (...)

    Raises
    ------
    TypeError
        If an argument is of the wrong kind.
    ValueError
        If the shapes do not fit, ``direction`` has length 0 or ``radius`` is not above 0.

    Examples
    --------
    >>> points = torch.tensor([[[0.0, 1.0], [0.0, 0.0]], [[0.0, 2.0], [0.0, 0.0]]])
    >>> measured_escape_steps(points, direction=torch.tensor([0.0, 1.0]), radius=1.5)
    tensor([1., inf])
    """
    require_floating("points", points)
    require_floating("direction", direction)
    radius = require_number("radius", radius, above=0.0, below=math.inf)
    if points.dim() < 2 or points.shape[0] == 0:
        raise ValueError(f"points must have shape (T + 1, ..., D), got {describe(points)}")
    size = points.shape[-1]
    if tuple(direction.shape) != (size,):
        raise ValueError(
            f"direction must have shape (D,) = ({size},) to fit points, got {describe(direction)}"
        )
    length = direction.norm()
    if not (length > 0 and length.isfinite()):
        raise ValueError("direction must have a length above 0 and finite, got one that has not")
    if center is not None:
        require_floating("center", center)
        if tuple(center.shape) != (size,):
            raise ValueError(
                f"center must have shape (D,) = ({size},) to fit points, got {describe(center)}"
            )
        points = points - center
    outside: Tensor = (points @ (direction / length)).abs() > radius
    # argmax of 0 and 1 is the first 1, and 0 where there is none.
    first: Tensor = outside.to(torch.uint8).argmax(0).to(points.dtype)
    return first.masked_fill(~outside.any(0), torch.inf)
