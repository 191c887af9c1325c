r"""The curse of dimensionality: what changes when data have many features, and what does not.

Closed forms for volumes, distances between points and how they concentrate, the nearest-neighbour
classifier that suffers from it, and an estimate of the intrinsic dimension that saves it.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from handbook.checks import (
    describe,
    require_finite,
    require_floating,
    require_generator,
    require_integer,
    require_number,
    require_same_placement,
    require_shape,
    require_tensor,
)

__all__ = [
    "samples_for_density",
    "log_ball_volume",
    "ball_volume",
    "ball_share",
    "estimate_ball_share",
    "subcube_edge",
    "shell_share",
    "pairwise_distances",
    "nearest_and_farthest",
    "distance_ratio",
    "gaussian_norm_moments",
    "angle_between",
    "knn_predict",
    "append_noise_features",
    "neighbor_distances",
    "intrinsic_dimension",
]

# Differences held at once by pairwise_distances: 1 MiB in float32, which fits a core's cache.
_DISTANCE_BLOCK_ELEMENTS = 2**18

# From here on the series for the spread of a Gaussian's norm is closer than d - mean**2, which
# loses a digit to cancellation each time d grows tenfold.
_NORM_SERIES_FROM = 300


def samples_for_density(points_per_axis: int, n_dimensions: int) -> int:
    r"""Count the points of a grid that keeps the same spacing along every axis.

    .. math::

        n = m^d

    Parameters
    ----------
    points_per_axis : int
        :math:`m`, the points along one axis, at least 1.
    n_dimensions : int
        :math:`d`, the number of axes, at least 1.

    Returns
    -------
    int
        The exact count; Python's integers do not overflow.

    Raises
    ------
    TypeError
        If an argument is not an ``int``.
    ValueError
        If an argument is below 1.

    Examples
    --------
    >>> [samples_for_density(10, d) for d in (1, 2, 3)]
    [10, 100, 1000]
    >>> samples_for_density(10, 64) == 10**64
    True
    >>> samples_for_density(1, 64)
    1
    """
    require_integer("points_per_axis", points_per_axis, minimum=1)
    require_integer("n_dimensions", n_dimensions, minimum=1)
    return int(points_per_axis**n_dimensions)


def log_ball_volume(n_dimensions: int, *, radius: float = 1.0) -> float:
    r"""Return the natural logarithm of the volume of a ball.

    .. math::

        \log V_d(r) = \frac d2 \log \pi - \log \Gamma\!\left(\frac d2 + 1\right) + d \log r

    Parameters
    ----------
    n_dimensions : int
        :math:`d`, at least 1.
    radius : float, optional
        :math:`r`, above 0, in the unit of the axes.

    Returns
    -------
    float
        The logarithm. It stays finite where the volume itself is too small or too large for a
        float.

    Raises
    ------
    TypeError
        If ``n_dimensions`` is not an ``int`` or ``radius`` is not a number.
    ValueError
        If ``n_dimensions`` is below 1, or ``radius`` is not above 0 and finite.

    Examples
    --------
    >>> round(log_ball_volume(2), 12) == round(math.log(math.pi), 12)
    True

    In 1000 dimensions the volume is about :math:`10^{-886}`, which no float holds:

    >>> round(log_ball_volume(1000) / math.log(10), 1)
    -885.5
    """
    require_integer("n_dimensions", n_dimensions, minimum=1)
    radius = require_number("radius", radius, above=0.0, below=math.inf)
    half = n_dimensions / 2
    return half * math.log(math.pi) - math.lgamma(half + 1) + n_dimensions * math.log(radius)


def ball_volume(n_dimensions: int, *, radius: float = 1.0) -> float:
    r"""Return the volume of a ball.

    .. math::

        V_d(r) = \frac{\pi^{d/2}}{\Gamma(d/2 + 1)}\, r^d

    Parameters
    ----------
    n_dimensions : int
        :math:`d`, at least 1.
    radius : float, optional
        :math:`r`, above 0, in the unit of the axes.

    Returns
    -------
    float
        The volume, in that unit to the power ``n_dimensions``. It is 0 where it is smaller, and
        ``inf`` where it is larger, than a float can hold: then use :func:`log_ball_volume`.

    Raises
    ------
    TypeError
        If ``n_dimensions`` is not an ``int`` or ``radius`` is not a number.
    ValueError
        If ``n_dimensions`` is below 1, or ``radius`` is not above 0 and finite.

    Examples
    --------
    A line, a disk, and the ball that we know:

    >>> [round(ball_volume(d), 4) for d in (1, 2, 3)]
    [2.0, 3.1416, 4.1888]

    The unit ball is largest in five dimensions, and then shrinks towards nothing:

    >>> max(range(1, 100), key=ball_volume)
    5
    >>> ball_volume(1000)
    0.0
    """
    logarithm = log_ball_volume(n_dimensions, radius=radius)
    try:
        return math.exp(logarithm)
    except OverflowError:
        return math.inf


def ball_share(n_dimensions: int) -> float:
    r"""Return the share of a cube that its inscribed ball fills.

    The cube of edge 1 has volume 1 in every dimension, so the share is the volume of the ball
    of radius one half:

    .. math::

        \frac{V_d(1)}{2^d} = V_d\!\left(\tfrac12\right)

    Parameters
    ----------
    n_dimensions : int
        :math:`d`, at least 1.

    Returns
    -------
    float
        The share, dimensionless, from 1 for a line down to 0. Its logarithm is
        ``log_ball_volume(n_dimensions, radius=0.5)``.

    Raises
    ------
    TypeError
        If ``n_dimensions`` is not an ``int``.
    ValueError
        If ``n_dimensions`` is below 1.

    Examples
    --------
    >>> [round(ball_share(d), 4) for d in (1, 2, 3, 10)]
    [1.0, 0.7854, 0.5236, 0.0025]
    """
    return min(1.0, ball_volume(n_dimensions, radius=0.5))  # rounding takes a line past 1


def estimate_ball_share(n_dimensions: int, n_samples: int, *, generator: torch.Generator) -> float:
    r"""Estimate :func:`ball_share` by throwing points into the cube.

    Parameters
    ----------
    n_dimensions : int
        :math:`d`, at least 1.
    n_samples : int
        How many points to throw, at least 1.
    generator : torch.Generator
        A CPU generator.

    Returns
    -------
    float
        The share of points within distance 1 of the centre of the cube :math:`[-1, 1]^d`.

    Raises
    ------
    TypeError
        If a count is not an ``int``, or ``generator`` is not a :class:`torch.Generator`.
    ValueError
        If a count is below 1.

    Notes
    -----
    The standard error is :math:`\sqrt{p(1-p)/n}` for a true share :math:`p`. Where
    :math:`p \ll 1/n` no point hits the ball and the estimate is 0, whatever :math:`p` is.

    Examples
    --------
    >>> generator = torch.Generator().manual_seed(0)
    >>> abs(estimate_ball_share(3, 10_000, generator=generator) - ball_share(3)) < 0.02
    True
    >>> estimate_ball_share(20, 10_000, generator=generator)
    0.0
    """
    require_integer("n_dimensions", n_dimensions, minimum=1)
    require_integer("n_samples", n_samples, minimum=1)
    require_generator("generator", generator)
    points = torch.rand(n_samples, n_dimensions, generator=generator, dtype=torch.float64) * 2 - 1
    return int((points.square().sum(dim=1) <= 1).sum()) / n_samples


def subcube_edge(share: float, n_dimensions: int) -> float:
    r"""Return the edge of a cube that holds a given share of the unit cube.

    .. math::

        \ell = r^{1/d}

    Parameters
    ----------
    share : float
        :math:`r`, the share of the volume, above 0 and at most 1.
    n_dimensions : int
        :math:`d`, at least 1.

    Returns
    -------
    float
        :math:`\ell`, as a fraction of the whole edge.

    Raises
    ------
    TypeError
        If ``share`` is not a number or ``n_dimensions`` is not an ``int``.
    ValueError
        If ``share`` lies outside :math:`(0, 1]`, or ``n_dimensions`` is below 1.

    Examples
    --------
    To catch one point in a hundred, a neighbourhood must reach over most of each axis:

    >>> [round(subcube_edge(0.01, d), 2) for d in (1, 2, 10, 100)]
    [0.01, 0.1, 0.63, 0.95]
    """
    share = require_number("share", share, above=0.0, maximum=1.0)
    require_integer("n_dimensions", n_dimensions, minimum=1)
    return float(share ** (1 / n_dimensions))


def shell_share(thickness: float, n_dimensions: int) -> float:
    r"""Return the share of a body's volume that lies close to its surface.

    For a ball of radius 1, the shell is what lies farther than :math:`1 - \varepsilon` from the
    centre. Scaling a body by :math:`1 - \varepsilon` scales its volume by
    :math:`(1 - \varepsilon)^d`, so the same holds for a cube, or any other body that is shrunk
    towards its centre:

    .. math::

        1 - (1 - \varepsilon)^d

    Parameters
    ----------
    thickness : float
        :math:`\varepsilon`, as a fraction of the radius, from 0 to 1.
    n_dimensions : int
        :math:`d`, at least 1.

    Returns
    -------
    float
        The share, dimensionless, exact to the last digits also where ``thickness`` is tiny.

    Raises
    ------
    TypeError
        If ``thickness`` is not a number or ``n_dimensions`` is not an ``int``.
    ValueError
        If ``thickness`` lies outside :math:`[0, 1]`, or ``n_dimensions`` is below 1.

    Examples
    --------
    >>> [round(shell_share(0.05, d), 2) for d in (1, 2, 20, 100)]
    [0.05, 0.1, 0.64, 0.99]

    The formula as it stands rounds ``1 - 1e-17`` to 1 and returns 0 here:

    >>> shell_share(1e-17, 3)
    3e-17
    """
    thickness = require_number("thickness", thickness, minimum=0.0, maximum=1.0)
    require_integer("n_dimensions", n_dimensions, minimum=1)
    if thickness == 1.0:
        return 1.0  # the logarithm below would be of zero
    return -math.expm1(n_dimensions * math.log1p(-thickness))


def pairwise_distances(x1: Tensor, x2: Tensor) -> Tensor:
    r"""Return the Euclidean distance from each point of one set to each point of another.

    .. math::

        D_{nm} = \Big(\sum_{i=1}^{d} (x_{1,ni} - x_{2,mi})^2\Big)^{1/2}

    Parameters
    ----------
    x1, x2 : Tensor
        Two sets of points of one dtype and device, one point per row.

    Returns
    -------
    Tensor
        The distances, in the unit of the coordinates.

    Shapes
    ------
    x1 : ``(N, D)``
    x2 : ``(M, D)``
    return : ``(N, M)``

    Raises
    ------
    TypeError
        If an argument is not a floating-point tensor, or the dtypes differ.
    ValueError
        If an argument is not a matrix, or the numbers of features or the devices differ.

    Notes
    -----
    The differences are taken before they are squared. The expanded form
    :math:`\lVert x_1\rVert^2 + \lVert x_2\rVert^2 - 2\,x_1^\top x_2` needs one matrix product
    and is faster, but subtracts large numbers that almost cancel: far from the origin its result
    is mostly rounding error. :func:`torch.cdist` uses it by default from 26 points on.

    The differences of all pairs would take ``N * M * D`` numbers. They are made in blocks of
    rows instead, of about a megabyte or of one row, so that memory grows with the ``N * M`` results
    and the inputs. Where a gradient is
    asked for, autograd keeps every block until the backward pass.

    The distance has a kink where two points coincide. The gradient there is 0, one of its
    subgradients, as in :func:`torch.cdist`; the plain square root would give NaN. NaN in a point
    gives NaN in its distances.

    float16 and bfloat16 are computed in float32 and rounded once. In float32, coordinates that
    differ by more than about 1e19 or less than about 1e-23 overflow or underflow when squared.

    Examples
    --------
    >>> points = torch.tensor([[0.0, 0.0], [3.0, 4.0]])
    >>> pairwise_distances(points, points)
    tensor([[0., 5.],
            [5., 0.]])

    Moving both points by the same offset changes nothing, as it should:

    >>> pairwise_distances(points + 1e4, points + 1e4)
    tensor([[0., 5.],
            [5., 0.]])
    """
    require_shape("x1", require_floating("x1", x1), ("N", "D"))
    require_shape("x2", require_floating("x2", x2), ("M", x1.shape[1]))
    require_same_placement("x2", x2, "x1", x1)
    if x1.dtype in (torch.float16, torch.bfloat16):
        return pairwise_distances(x1.float(), x2.float()).to(x1.dtype)
    n_rows = max(1, _DISTANCE_BLOCK_ELEMENTS // max(1, x2.numel()))
    return torch.cat([_distance_block(rows, x2) for rows in x1.split(n_rows)])


def _distance_block(rows: Tensor, x2: Tensor) -> Tensor:
    differences = rows.unsqueeze(1) - x2.unsqueeze(0)  # (n, 1, D) - (1, M, D) -> (n, M, D)
    return _root_without_kink(differences.square().sum(dim=-1))


def _root_without_kink(squared: Tensor) -> Tensor:
    """Take the square root, with gradient 0 instead of NaN where it is 0."""
    zero = squared == 0
    return squared.masked_fill(zero, 1.0).sqrt().masked_fill(zero, 0.0)


def _require_points(name: str, value: object, *, minimum_points: int = 1) -> Tensor:
    """Return a matrix of finite floats that has a feature and enough rows."""
    points = require_shape(name, require_floating(name, value), ("N", "D"))
    if points.shape[0] < minimum_points or points.shape[1] < 1:
        raise ValueError(
            f"{name} must hold at least {minimum_points} points with at least 1 feature, "
            f"got {describe(points)}"
        )
    return require_finite(name, points)


def _require_as_many_features(name: str, value: Tensor, other_name: str, other: Tensor) -> None:
    if value.shape[1] != other.shape[1]:
        raise ValueError(
            f"{name} must have as many features as {other_name}, {other.shape[1]}, "
            f"got {describe(value)}"
        )


def nearest_and_farthest(queries: Tensor, points: Tensor) -> tuple[Tensor, Tensor]:
    r"""Return the distance from each query to its nearest and to its farthest point.

    Parameters
    ----------
    queries : Tensor
        Where to measure from, one query per row.
    points : Tensor
        The points to measure to, one per row; a query that is one of them is its own nearest.

    Returns
    -------
    nearest, farthest : tuple of Tensor
        The two distances, in the unit of the coordinates.

    Shapes
    ------
    queries : ``(Q, D)``
    points : ``(N, D)``
    nearest, farthest : ``(Q,)``

    Raises
    ------
    TypeError
        If an argument is not a floating-point tensor, or the dtypes differ.
    ValueError
        If a set is empty, has no features or holds NaN or infinity, or the numbers of features or
        the devices differ.

    Examples
    --------
    >>> queries = torch.tensor([[0.0, 0.0]])
    >>> points = torch.tensor([[3.0, 4.0], [0.0, 1.0], [2.0, 0.0]])
    >>> nearest_and_farthest(queries, points)
    (tensor([1.]), tensor([5.]))
    """
    _require_points("queries", queries)
    _require_points("points", points)
    _require_as_many_features("points", points, "queries", queries)
    distances = pairwise_distances(queries, points)
    return distances.amin(dim=1), distances.amax(dim=1)


def distance_ratio(queries: Tensor, points: Tensor) -> Tensor:
    r"""Return how near the nearest point is, compared with the farthest.

    .. math::

        \rho = \frac{\min_n \lVert q - x_n\rVert}{\max_n \lVert q - x_n\rVert} \in [0, 1]

    At 1 all points are equally far away and "nearest" says nothing. The relative contrast
    :math:`(D_{\max} - D_{\min}) / D_{\min}` of the literature is :math:`1/\rho - 1`.

    Parameters
    ----------
    queries : Tensor
        Where to measure from, one query per row.
    points : Tensor
        The points to measure to, one per row.

    Returns
    -------
    Tensor
        The ratio, dimensionless; 1 where every point coincides with the query.

    Shapes
    ------
    queries : ``(Q, D)``
    points : ``(N, D)``
    return : ``(Q,)``

    Raises
    ------
    TypeError
        If an argument is not a floating-point tensor, or the dtypes differ.
    ValueError
        If a set is empty, has no features or holds NaN or infinity, or the numbers of features or
        the devices differ.

    Notes
    -----
    For a fixed number of points :math:`\rho \to 1` in probability as :math:`D` grows, if the
    squared distance, divided by its mean, has a variance that goes to 0 (Beyer et al., with their
    :math:`p = 2`). Features that are independent and identically distributed, with a finite
    fourth moment and not constant, meet the condition. Features that are functions of a few
    hidden quantities need not.

    References
    ----------
    Beyer, Goldstein, Ramakrishnan and Shaft, "When is 'nearest neighbor' meaningful?", 1999,
    https://doi.org/10.1007/3-540-49257-7_15

    Examples
    --------
    >>> distance_ratio(torch.zeros(1, 2), torch.tensor([[3.0, 4.0], [0.0, 1.0]]))
    tensor([0.2000])

    >>> generator = torch.Generator().manual_seed(0)
    >>> for n_features in (2, 2000):
    ...     points = torch.rand(101, n_features, generator=generator)
    ...     print(distance_ratio(points[:1], points[1:]).item() > 0.8)
    False
    True
    """
    nearest, farthest = nearest_and_farthest(queries, points)
    same = farthest == 0
    return torch.where(same, torch.ones_like(nearest), nearest / farthest.masked_fill(same, 1.0))


def gaussian_norm_moments(n_dimensions: int) -> tuple[float, float]:
    r"""Return the mean and the standard deviation of the length of a standard Gaussian vector.

    The length of :math:`x \sim N(0, I_d)` follows the chi distribution:

    .. math::

        \mathbb E \lVert x\rVert
        = \sqrt2\, \frac{\Gamma\!\left(\frac{d+1}{2}\right)}{\Gamma\!\left(\frac d2\right)}
        \approx \sqrt{d - \tfrac12}, \qquad
        \operatorname{Var}\lVert x\rVert = d - (\mathbb E \lVert x\rVert)^2 \to \tfrac12

    Parameters
    ----------
    n_dimensions : int
        :math:`d`, at least 1.

    Returns
    -------
    mean, std : tuple of float
        Both in units of one coordinate's standard deviation.

    Raises
    ------
    TypeError
        If ``n_dimensions`` is not an ``int``.
    ValueError
        If ``n_dimensions`` is below 1.

    Notes
    -----
    For large :math:`d` the two terms of the variance cancel. From 300 dimensions on it is summed
    as :math:`\frac12 - \frac1{8d} - \frac1{16d^2} + \frac5{128d^3}`.

    Examples
    --------
    The length grows; its spread does not:

    >>> for d in (1, 100, 10_000):
    ...     mean, std = gaussian_norm_moments(d)
    ...     print(round(mean, 3), round(std, 3))
    0.798 0.603
    9.975 0.706
    99.998 0.707
    """
    d = require_integer("n_dimensions", n_dimensions, minimum=1)
    if d < _NORM_SERIES_FROM:
        mean = math.sqrt(2) * math.exp(math.lgamma((d + 1) / 2) - math.lgamma(d / 2))
        return mean, math.sqrt(d - mean**2)
    variance = 1 / 2 - 1 / (8 * d) - 1 / (16 * d**2) + 5 / (128 * d**3)
    return math.sqrt(d - variance), math.sqrt(variance)


def angle_between(x1: Tensor, x2: Tensor) -> Tensor:
    r"""Return the angle between two vectors, or between the vectors of two batches.

    With :math:`u` and :math:`v` scaled to length 1,

    .. math::

        \theta = 2 \operatorname{atan2}(\lVert u - v\rVert, \lVert u + v\rVert)

    Parameters
    ----------
    x1, x2 : Tensor
        Vectors of one shape, dtype and device along the last dimension.

    Returns
    -------
    Tensor
        The angles in radians, from 0 to π.

    Shapes
    ------
    x1, x2 : ``(*, D)``
    return : ``(*)``

    Raises
    ------
    TypeError
        If an argument is not a floating-point tensor, or the dtypes differ.
    ValueError
        If the shapes or the devices differ, the vectors have no components, or one of them has
        length 0 or holds NaN or infinity.

    Notes
    -----
    :math:`\arccos(u^\top v)` is the textbook form. Near 0 and π it loses half of the digits,
    returns NaN where rounding takes the cosine past 1, and has an infinite gradient. Here the
    gradient at exactly 0 and π is 0, one of the subgradients.

    For two independent random directions :math:`\cos\theta` has mean 0 and variance exactly
    :math:`1/D`: in high dimension they are almost orthogonal.

    Examples
    --------
    >>> angle_between(torch.tensor([1.0, 0.0]), torch.tensor([0.0, 5.0])).rad2deg()
    tensor(90.)

    Two vectors 1e-4 apart: the arc cosine in float32 cannot see it.

    >>> x1, x2 = torch.tensor([1.0, 0.0]), torch.tensor([1.0, 1e-4])
    >>> angle_between(x1, x2)
    tensor(1.0000e-04)
    >>> torch.arccos((x1 / x1.norm()) @ (x2 / x2.norm()))
    tensor(0.)
    """
    require_floating("x1", x1)
    require_floating("x2", x2)
    if x1.shape != x2.shape or x1.dim() == 0 or x1.shape[-1] == 0:
        raise ValueError(
            "x1 and x2 must have one shape (*, D) with D at least 1, "
            f"got {describe(x1)} and {describe(x2)}"
        )
    require_same_placement("x2", x2, "x1", x1)
    u = _unit_vectors("x1", x1)
    v = _unit_vectors("x2", x2)
    apart = _root_without_kink((u - v).square().sum(dim=-1))
    together = _root_without_kink((u + v).square().sum(dim=-1))
    return 2 * torch.atan2(apart, together)


def _unit_vectors(name: str, x: Tensor) -> Tensor:
    require_finite(name, x)
    largest = x.detach().abs().amax(dim=-1, keepdim=True)
    if bool((largest == 0).any()):
        raise ValueError(f"{name} must hold vectors of length above 0, got one of length 0")
    x = x / largest  # so that squares neither overflow nor underflow; the direction stays
    return x / x.square().sum(dim=-1, keepdim=True).sqrt()


def knn_predict(
    train_inputs: Tensor, train_targets: Tensor, inputs: Tensor, *, k: int = 1
) -> Tensor:
    r"""Classify each input by a vote among its nearest training points.

    Parameters
    ----------
    train_inputs : Tensor
        Training points, one per row.
    train_targets : Tensor
        Their class labels, any integers.
    inputs : Tensor
        The points to classify, of the training points' dtype and device.
    k : int, optional
        How many neighbours vote, from 1 to ``N``.

    Returns
    -------
    Tensor
        The predicted labels, in the dtype of ``train_targets``.

    Shapes
    ------
    train_inputs : ``(N, D)``
    train_targets : ``(N,)``
    inputs : ``(M, D)``
    return : ``(M,)``

    Raises
    ------
    TypeError
        If ``train_inputs`` or ``inputs`` is not a floating-point tensor, their dtypes differ,
        ``train_targets`` does not hold integers, or ``k`` is not an ``int``.
    ValueError
        If a set is empty, has no features or holds NaN or infinity, a shape does not fit, the
        devices differ, or ``k`` lies outside 1 … ``N``.

    Notes
    -----
    Of equally distant points the one in the earlier row counts as nearer. Where classes get
    equally many votes, the smallest label wins. All neighbours vote with equal weight.

    References
    ----------
    Cover and Hart, "Nearest neighbor pattern classification", 1967,
    https://doi.org/10.1109/TIT.1967.1053964

    Examples
    --------
    >>> train_inputs = torch.tensor([[0.0], [1.0], [9.0], [10.0]])
    >>> train_targets = torch.tensor([0, 0, 1, 1])
    >>> knn_predict(train_inputs, train_targets, torch.tensor([[2.0], [8.0]]), k=3)
    tensor([0, 1])

    With ``k`` equal to ``N`` every input gets the most frequent label, here after a tie:

    >>> knn_predict(train_inputs, train_targets, torch.tensor([[8.0]]), k=4)
    tensor([0])
    """
    _require_points("train_inputs", train_inputs)
    _require_points("inputs", inputs)
    _require_as_many_features("inputs", inputs, "train_inputs", train_inputs)
    require_same_placement("inputs", inputs, "train_inputs", train_inputs)
    n_train = train_inputs.shape[0]
    targets = require_tensor("train_targets", train_targets)
    if targets.is_floating_point() or targets.is_complex() or targets.dtype == torch.bool:
        raise TypeError(
            f"train_targets must hold integer labels, got {describe(targets)}; "
            "use train_targets.long()"
        )
    if targets.shape != (n_train,):
        raise ValueError(
            f"train_targets must have shape (N,) = ({n_train},), got {describe(targets)}"
        )
    if targets.device != train_inputs.device:
        raise ValueError(
            f"train_targets must be on train_inputs's device {train_inputs.device}, "
            f"got {targets.device}; use train_targets.to(train_inputs.device)"
        )
    require_integer("k", k, minimum=1, maximum=n_train)
    distances = pairwise_distances(inputs.detach(), train_inputs.detach())
    nearest = distances.sort(dim=1, stable=True).indices[:, :k]  # (M, k)
    labels: Tensor
    labels, label_index = targets.unique(return_inverse=True)
    votes = torch.zeros(inputs.shape[0], len(labels), dtype=torch.int64, device=inputs.device)
    # (M, k) neighbours -> (M, C) counts
    votes.scatter_add_(1, label_index[nearest], torch.ones_like(nearest))
    # Of equal maxima argmax takes the first, and the labels are sorted.
    return labels[votes.argmax(dim=1)]


def append_noise_features(
    inputs: Tensor, n_features: int, *, std: float = 1.0, generator: torch.Generator
) -> Tensor:
    r"""Append features that say nothing: independent Gaussian noise in every row.

    Parameters
    ----------
    inputs : Tensor
        The informative features, one sample per row.
    n_features : int
        :math:`K`, how many to append; 0 is allowed and appends none.
    std : float, optional
        Standard deviation of the noise, in the unit of the features, at least 0.
    generator : torch.Generator
        A CPU generator; the draws are made in float32 and moved to the device and dtype of
        ``inputs``.

    Returns
    -------
    Tensor
        A new tensor: ``inputs`` with the noise to its right.

    Shapes
    ------
    inputs : ``(N, D)``
    return : ``(N, D + K)``

    Raises
    ------
    TypeError
        If ``inputs`` is not a floating-point tensor, ``n_features`` is not an ``int``, ``std`` is
        not a number, or ``generator`` is not a :class:`torch.Generator`.
    ValueError
        If ``inputs`` is not a matrix, ``n_features`` is negative, or ``std`` is negative or not
        finite.

    Examples
    --------
    >>> generator = torch.Generator().manual_seed(0)
    >>> append_noise_features(torch.ones(5, 2), 3, generator=generator).shape
    torch.Size([5, 5])
    >>> append_noise_features(torch.ones(2, 1), 2, std=0.0, generator=generator)
    tensor([[1., 0., 0.],
            [1., 0., 0.]])
    """
    require_shape("inputs", require_floating("inputs", inputs), ("N", "D"))
    require_integer("n_features", n_features, minimum=0)
    std = require_number("std", std, minimum=0.0, below=math.inf)
    require_generator("generator", generator)
    noise = std * torch.randn(inputs.shape[0], n_features, generator=generator, dtype=torch.float32)
    return torch.cat([inputs, noise.to(inputs)], dim=1)


def neighbor_distances(points: Tensor, k: int) -> Tensor:
    r"""Return the distance from each point to its ``k`` nearest other points.

    Parameters
    ----------
    points : Tensor
        One point per row.
    k : int
        How many neighbours, from 1 to ``N - 1``.

    Returns
    -------
    Tensor
        The distances in ascending order, in the unit of the coordinates. A point is not its own
        neighbour; a copy of it in another row is one, at distance 0.

    Shapes
    ------
    points : ``(N, D)``
    return : ``(N, k)``

    Raises
    ------
    TypeError
        If ``points`` is not a floating-point tensor or ``k`` is not an ``int``.
    ValueError
        If there are fewer than 2 points, no features, NaN or infinity, or ``k`` lies outside
        1 … ``N - 1``.

    Examples
    --------
    >>> neighbor_distances(torch.tensor([[0.0], [1.0], [3.0]]), 2)
    tensor([[1., 3.],
            [1., 2.],
            [2., 3.]])
    """
    _require_points("points", points, minimum_points=2)
    require_integer("k", k, minimum=1, maximum=points.shape[0] - 1)
    distances = pairwise_distances(points, points)
    itself = torch.eye(points.shape[0], dtype=torch.bool, device=points.device)
    return distances.masked_fill(itself, math.inf).topk(k, dim=1, largest=False).values


def intrinsic_dimension(points: Tensor, *, k: int = 2) -> float:
    r"""Estimate in how many directions a set of points really spreads.

    Near a point, the number of others within distance :math:`T` grows like :math:`T^d`, where
    :math:`d` is the dimension of the surface that they lie on, however many coordinates describe
    it. Then :math:`\log(T_k / T_j)` of neighbour distances :math:`T_1 < \dots < T_k` carry
    :math:`d`, and the maximum-likelihood estimate over :math:`N` points, corrected for its bias, is

    .. math::

        \hat d = \frac{N(k-1) - 1}{\sum_{n=1}^{N} \sum_{j=1}^{k-1} \log\big(T_k(n) / T_j(n)\big)}

    Parameters
    ----------
    points : Tensor
        Distinct points, one per row.
    k : int, optional
        How many neighbours to look at, from 2 to ``N - 1``. With 2, the estimate sees the finest
        scale and is the one called TwoNN; with more, it varies less and averages over a wider
        neighbourhood.

    Returns
    -------
    float
        :math:`\hat d`, dimensionless; not a whole number in general.

    Shapes
    ------
    points : ``(N, D)``

    Raises
    ------
    TypeError
        If ``points`` is not a floating-point tensor or ``k`` is not an ``int``.
    ValueError
        If there are fewer than 3 points, no features, NaN or infinity, two points coincide, every
        point has its neighbours at one distance, or ``k`` lies outside 2 … ``N - 1``.

    Notes
    -----
    The estimate holds where the surface is flat and the density even across a neighbourhood, which
    is small only if there are many points: the curse again. It comes out too low near an edge and
    too high where the surface bends or noise leaves it, by 10 to 25 % for :math:`d = 10` and 1000
    points. Rounding in float32 matters for points closer than about 1e-6 of their size: use
    float64 there.

    References
    ----------
    Levina and Bickel, "Maximum likelihood estimation of intrinsic dimension", 2004 (any ``k``).

    Facco, d'Errico, Rodriguez and Laio, "Estimating the intrinsic dimension of datasets by a
    minimal neighborhood information", 2017 (``k = 2``),
    https://doi.org/10.1038/s41598-017-11873-y

    Examples
    --------
    A curve stays one-dimensional in a hundred coordinates:

    >>> generator = torch.Generator().manual_seed(0)
    >>> along = torch.rand(1000, 1, generator=generator, dtype=torch.float64)
    >>> frequencies = torch.rand(1, 100, generator=generator, dtype=torch.float64)
    >>> round(intrinsic_dimension(torch.sin(along * frequencies)))
    1
    """
    _require_points("points", points, minimum_points=3)
    n_points = points.shape[0]
    require_integer("k", k, minimum=2, maximum=n_points - 1)
    distances = neighbor_distances(points.detach(), k)
    n_copies = int((distances[:, 0] == 0).sum())
    if n_copies:
        raise ValueError(
            f"points must be distinct, got {n_copies} of {n_points} with a copy in another row; "
            "use torch.unique(points, dim=0)"
        )
    distances = distances.cpu().double()
    logarithms = (distances[:, -1:] / distances[:, :-1]).log().sum().item()
    if logarithms == 0:
        raise ValueError(
            f"points must have neighbours at different distances, got {n_points} whose "
            f"{k} nearest are all equally far (a regular grid has no estimate)"
        )
    return float((n_points * (k - 1) - 1) / logarithms)
