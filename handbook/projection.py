r"""Linear dimension reduction: project points with a matrix, and find the best matrix.

Points are rows: ``points`` has shape (N, D), a projection matrix has shape (K, D), one direction
per row, and the codes have shape (N, K). Principal component analysis finds the K directions that
lose least; a linear autoencoder finds the same subspace by gradient descent.
"""

from __future__ import annotations

import math
from typing import NamedTuple

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
)

__all__ = [
    "center",
    "project",
    "reconstruct",
    "reconstruction_error",
    "PrincipalComponents",
    "principal_components",
    "random_projection",
    "subspace_angles",
    "autoencoder_gradients",
    "LinearAutoencoder",
    "train_linear_autoencoder",
]


def center(points: Tensor) -> tuple[Tensor, Tensor]:
    r"""Subtract from every point the mean of all points.

    .. math:: \tilde x_n = x_n - \mu, \qquad \mu = \frac1N \sum_{n=1}^{N} x_n

    Parameters
    ----------
    points : Tensor
        One sample per row, in any unit.

    Returns
    -------
    tuple of Tensor
        The centred points and the mean, in the unit and dtype of ``points``.

    Shapes
    ------
    points : (N, D)
    centered : (N, D)
    mean : (D,)

    Raises
    ------
    TypeError
        If ``points`` is not a floating-point tensor.
    ValueError
        If it does not have two dimensions, has no row or no column, or holds NaN or infinity.

    Notes
    -----
    Far from the origin the mean itself is rounded. The rounding is subtracted too, so that the
    centred points have mean zero to the last digits.

    Examples
    --------
    >>> centered, mean = center(torch.tensor([[1.0, 10.0], [3.0, 10.0]]))
    >>> centered.tolist(), mean.tolist()
    ([[-1.0, 0.0], [1.0, 0.0]], [2.0, 10.0])
    """
    x = _require_rows("points", points)
    mean = x.mean(dim=0)
    centered = x - mean
    rest = centered.mean(dim=0)  # what the rounding of the mean has left
    return centered - rest, mean + rest


def project(points: Tensor, matrix: Tensor, *, mean: Tensor | None = None) -> Tensor:
    r"""Map every point to K numbers with a K × D matrix.

    .. math:: z_n = W (x_n - \mu), \qquad Z = (X - \mu)\, W^\top

    Parameters
    ----------
    points : Tensor
        One sample per row.
    matrix : Tensor
        :math:`W`, one direction per row.
    mean : Tensor, optional
        :math:`\mu`, subtracted first; nothing is subtracted without it.

    Returns
    -------
    Tensor
        The codes.

    Shapes
    ------
    points : (N, D)
    matrix : (K, D)
    mean : (D,)
    return : (N, K)

    Raises
    ------
    TypeError
        If an argument is not a floating-point tensor, or the dtypes differ.
    ValueError
        If the shapes do not fit, or the devices differ.

    Examples
    --------
    Any matrix of shape (3, D) makes three numbers of D. This one takes the first three and drops
    the fourth:

    >>> points = torch.tensor([[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]])
    >>> project(points, torch.eye(3, 4))
    tensor([[1., 2., 3.],
            [5., 6., 7.]])
    """
    x = require_shape("points", require_floating("points", points), ("N", "D"))
    w = _require_directions("matrix", matrix, x.shape[1])
    require_same_placement("matrix", w, "points", x)
    return (x if mean is None else x - _fitting_mean(mean, "points", x)) @ w.T


def reconstruct(codes: Tensor, matrix: Tensor, *, mean: Tensor | None = None) -> Tensor:
    r"""Map codes back: add up the rows of the matrix, each times its number.

    .. math:: \hat x_n = W^\top z_n + \mu, \qquad \hat X = Z W + \mu

    Parameters
    ----------
    codes : Tensor
        What :func:`project` returned, one row per sample.
    matrix : Tensor
        :math:`W`, one direction per row.
    mean : Tensor, optional
        :math:`\mu`, added at the end; nothing is added without it.

    Returns
    -------
    Tensor
        Points.

    Shapes
    ------
    codes : (N, K)
    matrix : (K, D)
    mean : (D,)
    return : (N, D)

    Raises
    ------
    TypeError
        If an argument is not a floating-point tensor, or the dtypes differ.
    ValueError
        If the shapes do not fit, or the devices differ.

    Notes
    -----
    The result is the point of the subspace nearest to the original only if the rows of the matrix
    have length 1 and are orthogonal, as those of :func:`principal_components` are.

    Examples
    --------
    >>> points = torch.tensor([[1.0, 2.0, 3.0, 4.0]])
    >>> matrix = torch.eye(3, 4)
    >>> reconstruct(project(points, matrix), matrix)
    tensor([[1., 2., 3., 0.]])
    """
    z = require_shape("codes", require_floating("codes", codes), ("N", "K"))
    w = require_shape("matrix", require_floating("matrix", matrix), (z.shape[1], "D"))
    require_same_placement("matrix", w, "codes", z)
    points = z @ w
    return points if mean is None else points + _fitting_mean(mean, "codes", points)


def reconstruction_error(points: Tensor, matrix: Tensor, *, mean: Tensor | None = None) -> Tensor:
    r"""Return the mean squared distance of points from the subspace that a matrix spans.

    .. math::

        E = \frac1N \sum_{n=1}^{N} \bigl\| (I - P)(x_n - \mu) \bigr\|^2

    with :math:`P` the orthogonal projector onto the rows of the matrix. It is the error of the
    best reconstruction that the codes allow, whatever the lengths and angles of the rows.

    Parameters
    ----------
    points : Tensor
        One sample per row.
    matrix : Tensor
        One direction per row, linearly independent.
    mean : Tensor, optional
        :math:`\mu`, the point that the subspace goes through; the origin without it.

    Returns
    -------
    Tensor
        The error, in the squared unit of ``points``. It is summed over features and averaged over
        samples.

    Shapes
    ------
    points : (N, D)
    matrix : (K, D)
    mean : (D,)
    return : ()

    Raises
    ------
    TypeError
        If an argument is not a floating-point tensor, or the dtypes differ.
    ValueError
        If the shapes do not fit, the devices differ, a number is not finite, or the rows of the
        matrix are linearly dependent.

    Examples
    --------
    The length of a row does not matter:

    >>> points = torch.tensor([[3.0, 1.0], [-3.0, 2.0]])
    >>> reconstruction_error(points, torch.tensor([[1.0, 0.0]])).item()  # (1 + 4) / 2
    2.5
    >>> reconstruction_error(points, torch.tensor([[5.0, 0.0]])).item()
    2.5
    """
    x = _require_rows("points", points)
    w = _require_directions("matrix", matrix, x.shape[1])
    require_same_placement("matrix", w, "points", x)
    shifted = _widened_rows(x if mean is None else x - _fitting_mean(mean, "points", x))
    basis = _orthonormal_rows("matrix", w)
    residual = shifted - (shifted @ basis.T) @ basis
    return residual.square().sum(dim=1).mean().to(x.dtype)


class PrincipalComponents(NamedTuple):
    """The directions in which data vary most, with their variances.

    Parameters
    ----------
    mean : Tensor
        The mean of the points.
    components : Tensor
        One direction of length 1 per row, orthogonal to each other, by falling variance.
    variances : Tensor
        The variance of the points along each component, in their squared unit.
    spectrum : Tensor
        The variances along all D directions, the discarded ones included. Their sum is the total
        variance.

    Shapes
    ------
    mean : (D,)
    components : (K, D)
    variances : (K,)
    spectrum : (D,)

    Examples
    --------
    >>> points = torch.tensor([[3.0, 0.0], [-3.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    >>> found = principal_components(points, 1)
    >>> found.variances, found.discarded_variance, found.explained_ratio
    (tensor([4.5000]), tensor(0.5000), tensor([0.9000]))
    """

    mean: Tensor
    components: Tensor
    variances: Tensor
    spectrum: Tensor

    @property
    def discarded_variance(self) -> Tensor:
        """The sum of the variances along the directions left out.

        With ``correction=0`` it is the mean squared reconstruction error.
        """
        return self.spectrum[len(self.variances) :].sum()

    @property
    def explained_ratio(self) -> Tensor:
        """The share of the total variance that each component keeps; 0 where nothing varies."""
        total = self.spectrum.sum()
        return torch.where(total > 0, self.variances / total, torch.zeros_like(self.variances))


def principal_components(
    points: Tensor, n_components: int, *, correction: int = 0
) -> PrincipalComponents:
    r"""Find the K directions that lose least when points are projected on them.

    With :math:`X` the centred points, the directions are the eigenvectors of the covariance that
    belong to its K largest eigenvalues. The singular value decomposition finds them without
    forming the covariance:

    .. math::

        X = U\,\mathrm{diag}(s)\,V^\top, \qquad
        \frac1N X^\top X = V\,\mathrm{diag}(s^2 / N)\,V^\top

    The mean squared reconstruction error is the sum of the eigenvalues left out,
    :math:`E = \sum_{k > K} \lambda_k` with :math:`\lambda_k = s_k^2 / N`.

    Parameters
    ----------
    points : Tensor
        One sample per row. Features in different units should be scaled first.
    n_components : int
        :math:`K`, from 1 to the smaller of N and D.
    correction : int, optional
        The variances are sums divided by N − ``correction``. With 0 the discarded variances are
        the mean squared error; with 1 the variances are the unbiased ones of :func:`torch.var`.

    Returns
    -------
    PrincipalComponents
        Mean, directions, their variances, and the whole spectrum, in the dtype of ``points``.

    Shapes
    ------
    points : (N, D)
    mean : (D,)
    components : (K, D)
    variances : (K,)
    spectrum : (D,)

    Raises
    ------
    TypeError
        If ``points`` is not a floating-point tensor, or a count is not an ``int``.
    ValueError
        If ``points`` does not have two dimensions, is empty, or holds NaN or infinity; if
        ``n_components`` is outside its bounds; or if ``correction`` is not from 0 to N − 1.

    Notes
    -----
    The negative of a direction serves as well, and which of the two comes out of a decomposition
    depends on the library. Here the largest entry of each direction is positive, the first one of
    them where several are equally large. This rule settles the sign, and nothing else: directions
    of equal variance may still be turned among each other.

    Centred points span at most N − 1 directions. A component beyond those has variance zero up to
    rounding, and any direction orthogonal to the others.

    Half precision is computed in float32 and rounded at the end.

    References
    ----------
    K. Pearson, "On lines and planes of closest fit to systems of points in space", 1901,
    doi:10.1080/14786440109462720. C. Eckart, G. Young, "The approximation of one matrix by another
    of lower rank", 1936, doi:10.1007/BF02288367.

    Examples
    --------
    Points along a diagonal, far from the origin:

    >>> points = torch.tensor([[101.0, 101.0], [102.0, 102.0], [103.0, 103.0]])
    >>> found = principal_components(points, 1)
    >>> found.components
    tensor([[0.7071, 0.7071]])
    >>> found.variances, found.mean
    (tensor([1.3333]), tensor([102., 102.]))

    A feature that does not vary takes part in no component:

    >>> constant = torch.tensor([[1.0, 7.0], [3.0, 7.0]])
    >>> principal_components(constant, 1).components.abs().tolist()
    [[1.0, 0.0]]
    """
    x = _require_rows("points", points)
    n_points, n_features = x.shape
    _require_component_count(n_components, n_points, n_features)
    require_integer("correction", correction, minimum=0, maximum=n_points - 1)
    centered, mean = center(_widened_rows(x))
    _, singular_values, directions = torch.linalg.svd(centered, full_matrices=False)
    spectrum = singular_values.new_zeros(n_features)
    spectrum[: len(singular_values)] = singular_values.square() / (n_points - correction)
    components = _with_settled_sign(directions[:n_components])
    return PrincipalComponents(
        mean.to(x.dtype),
        components.to(x.dtype),
        spectrum[:n_components].to(x.dtype),
        spectrum.to(x.dtype),
    )


def random_projection(
    n_components: int,
    n_features: int,
    *,
    generator: torch.Generator,
    dtype: torch.dtype = torch.float32,
) -> Tensor:
    r"""Draw a matrix that has not seen any data.

    .. math:: W_{kd} \sim N(0, 1/K)

    Parameters
    ----------
    n_components : int
        :math:`K`, at least 1.
    n_features : int
        :math:`D`, at least 1.
    generator : torch.Generator
        A CPU generator.
    dtype : torch.dtype, optional
        The dtype of the matrix; float32 without it.

    Returns
    -------
    Tensor
        The matrix, on the CPU.

    Shapes
    ------
    return : (K, D)

    Raises
    ------
    TypeError
        If a count is not an ``int``, ``generator`` not a :class:`torch.Generator`, or ``dtype`` not
        a floating-point dtype.
    ValueError
        If a count is below 1.

    Notes
    -----
    With this variance a projection keeps squared lengths on average,
    :math:`\mathbb E\,\|Wx\|^2 = \|x\|^2`. The K directions are uniform, so for :math:`K \le D`
    the subspace keeps the share K/D of every squared length on average: the expected
    reconstruction error is :math:`(1 - K/D)` times the total variance, whatever the data.

    References
    ----------
    W. B. Johnson, J. Lindenstrauss, "Extensions of Lipschitz mappings into a Hilbert space",
    Contemporary Mathematics 26 (1984), doi:10.1090/conm/026/737400.

    Examples
    --------
    >>> random_projection(3, 64, generator=torch.Generator().manual_seed(0)).shape
    torch.Size([3, 64])
    """
    require_integer("n_components", n_components, minimum=1)
    require_integer("n_features", n_features, minimum=1)
    require_generator("generator", generator)
    if not (isinstance(dtype, torch.dtype) and dtype.is_floating_point):
        raise TypeError(f"dtype must be a floating-point dtype, got {describe(dtype)}")
    drawn = torch.randn(n_components, n_features, generator=generator, dtype=torch.float64)
    return (drawn / math.sqrt(n_components)).to(dtype)


def subspace_angles(first: Tensor, second: Tensor) -> Tensor:
    r"""Return the principal angles between the subspaces that the rows of two matrices span.

    With orthonormal bases :math:`Q_1, Q_2` as rows, the cosines of the angles are the singular
    values of :math:`Q_1 Q_2^\top`. All angles are zero if one subspace contains the other.

    Parameters
    ----------
    first, second : Tensor
        One direction per row, linearly independent.

    Returns
    -------
    Tensor
        Angles in radians from 0 to π/2, the largest first.

    Shapes
    ------
    first : (K, D)
    second : (L, D)
    return : (min(K, L),)

    Raises
    ------
    TypeError
        If an argument is not a floating-point tensor, or the dtypes differ.
    ValueError
        If the shapes do not fit, the devices differ, a number is not finite, or the rows of a
        matrix are linearly dependent.

    Notes
    -----
    The cosine is flat at zero: its rounding hides angles below 3e-4 in float32. Small angles come
    from their sines instead.

    References
    ----------
    Å. Björck, G. H. Golub, "Numerical methods for computing angles between linear subspaces",
    Mathematics of Computation 27 (1973), doi:10.1090/S0025-5718-1973-0348991-3.

    Examples
    --------
    The same plane, described by other rows, and a plane that shares one line with it:

    >>> plane = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    >>> mixed = torch.tensor([[2.0, 1.0], [1.0, 1.0]]) @ plane
    >>> subspace_angles(plane, mixed).rad2deg().tolist()
    [0.0, 0.0]
    >>> upright = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    >>> subspace_angles(plane, upright).rad2deg().tolist()
    [90.0, 0.0]
    """
    a = require_shape("first", require_floating("first", first), ("K", "D"))
    b = _require_directions("second", second, a.shape[1])
    require_same_placement("second", b, "first", a)
    bases = _orthonormal_rows("first", a), _orthonormal_rows("second", b)
    large, small = sorted(bases, key=len, reverse=True)
    cosines = torch.linalg.svdvals(small @ large.T)  # falling: the smallest angle first
    sines = torch.linalg.svdvals(small - (small @ large.T) @ large).flip(0)
    angles = torch.where(
        cosines.square() < 0.5,
        torch.acos(cosines.clamp(max=1)),
        torch.asin(sines.clamp(max=1)),
    )
    return angles.flip(0).to(a.dtype)


def autoencoder_gradients(
    covariance: Tensor, encoder: Tensor, decoder: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    r"""Return the error of a linear autoencoder and its gradients, derived by hand.

    With :math:`S = X^\top X / N` of centred points, encoder :math:`A`, decoder :math:`B` and
    :math:`M = BA - I`:

    .. math::

        E = \frac1N \sum_n \|B A x_n - x_n\|^2 = \mathrm{tr}(M S M^\top), \qquad
        \frac{\partial E}{\partial A} = 2 B^\top M S, \qquad
        \frac{\partial E}{\partial B} = 2 M S A^\top

    Parameters
    ----------
    covariance : Tensor
        :math:`S`, symmetric.
    encoder : Tensor
        :math:`A`.
    decoder : Tensor
        :math:`B`.

    Returns
    -------
    tuple of Tensor
        The error, and the gradients with respect to encoder and decoder.

    Shapes
    ------
    covariance : (D, D)
    encoder : (K, D)
    decoder : (D, K)
    error : ()
    encoder_gradient : (K, D)
    decoder_gradient : (D, K)

    Raises
    ------
    TypeError
        If an argument is not a floating-point tensor, or the dtypes differ.
    ValueError
        If the shapes do not fit, or the devices differ.

    Examples
    --------
    With all weights at zero the output is zero, the error is the total variance, and no gradient
    comes back: zero is a saddle point.

    >>> covariance = torch.diag(torch.tensor([4.0, 1.0]))
    >>> error, dA, dB = autoencoder_gradients(covariance, torch.zeros(1, 2), torch.zeros(2, 1))
    >>> error.item(), dA.abs().max().item(), dB.abs().max().item()
    (5.0, 0.0, 0.0)
    """
    a = require_shape("encoder", require_floating("encoder", encoder), ("K", "D"))
    n_codes, n_features = a.shape
    s = require_shape(
        "covariance", require_floating("covariance", covariance), (n_features, n_features)
    )
    b = require_shape("decoder", require_floating("decoder", decoder), (n_features, n_codes))
    require_same_placement("covariance", s, "encoder", a)
    require_same_placement("decoder", b, "encoder", a)
    m = b @ a - torch.eye(n_features, dtype=a.dtype, device=a.device)  # (D, D)
    ms = m @ s  # (D, D)
    return (ms * m).sum(), 2 * b.T @ ms, 2 * ms @ a.T


class LinearAutoencoder(NamedTuple):
    """A trained linear autoencoder, with what happened on the way.

    Parameters
    ----------
    mean : Tensor
        The mean of the points.
    encoder : Tensor
        From centred points to codes: ``project(points, encoder, mean=mean)``.
    decoder : Tensor
        From codes to centred points: ``reconstruct(codes, decoder.T, mean=mean)``.
    errors : Tensor
        The mean squared reconstruction error before each step and after the last.
    decoders : Tensor
        The decoder at the same moments.

    Shapes
    ------
    mean : (D,)
    encoder : (K, D)
    decoder : (D, K)
    errors : (T + 1,)
    decoders : (T + 1, D, K)

    Examples
    --------
    >>> points = torch.tensor([[1.0, 1.0], [-1.0, -1.0]])
    >>> generator = torch.Generator().manual_seed(0)
    >>> trained = train_linear_autoencoder(
    ...     points, 1, learning_rate=0.05, n_steps=200, generator=generator
    ... )
    >>> codes = project(points, trained.encoder, mean=trained.mean)
    >>> torch.allclose(reconstruct(codes, trained.decoder.T, mean=trained.mean), points, atol=1e-4)
    True
    """

    mean: Tensor
    encoder: Tensor
    decoder: Tensor
    errors: Tensor
    decoders: Tensor


def train_linear_autoencoder(
    points: Tensor,
    n_components: int,
    *,
    learning_rate: float,
    n_steps: int,
    generator: torch.Generator,
) -> LinearAutoencoder:
    r"""Fit encoder and decoder of a linear autoencoder by plain gradient descent.

    .. math::

        A \leftarrow A - \eta \frac{\partial E}{\partial A}, \qquad
        B \leftarrow B - \eta \frac{\partial E}{\partial B}

    with the gradients of :func:`autoencoder_gradients` over all points. Both matrices start from
    :math:`N(0, 1/D)`.

    Parameters
    ----------
    points : Tensor
        One sample per row.
    n_components : int
        :math:`K`, the size of the code, from 1 to the smaller of N and D.
    learning_rate : float
        :math:`\eta`, above 0, in units of one over the variance of the points. One tenth of the
        inverse of the largest variance is a good first try.
    n_steps : int
        :math:`T`, at least 0.
    generator : torch.Generator
        A CPU generator for the start.

    Returns
    -------
    LinearAutoencoder
        The weights, and errors and decoders over the steps.

    Shapes
    ------
    points : (N, D)
    mean : (D,)
    encoder : (K, D)
    decoder : (D, K)
    errors : (T + 1,)
    decoders : (T + 1, D, K)

    Raises
    ------
    TypeError
        If ``points`` is not a floating-point tensor, a count is not an ``int``, the rate is not a
        number, or ``generator`` is not a :class:`torch.Generator`.
    ValueError
        If ``points`` does not have two dimensions, is empty, or holds NaN or infinity; or if a
        number is outside its bounds.

    Notes
    -----
    The points enter only through their covariance, so that a step costs the same for any N. A rate
    that is too large makes the errors grow until they are infinite or NaN; nothing is raised.

    Half precision is computed in float32 and rounded at the end.

    References
    ----------
    P. Baldi, K. Hornik, "Neural networks and principal component analysis: learning from examples
    without local minima", Neural Networks 2 (1989), doi:10.1016/0893-6080(89)90014-2.

    Examples
    --------
    >>> points = torch.tensor([[3.0, 0.0], [-3.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    >>> generator = torch.Generator().manual_seed(0)
    >>> trained = train_linear_autoencoder(
    ...     points, 1, learning_rate=0.02, n_steps=300, generator=generator
    ... )
    >>> trained.errors[-1]  # what principal_components discards
    tensor(0.5000)
    """
    x = _require_rows("points", points)
    n_points, n_features = x.shape
    _require_component_count(n_components, n_points, n_features)
    rate = require_number("learning_rate", learning_rate, above=0.0)
    require_integer("n_steps", n_steps, minimum=0)
    require_generator("generator", generator)
    centered, mean = center(_widened_rows(x))
    covariance = centered.T @ centered / n_points
    start = torch.randn(2, n_components, n_features, generator=generator, dtype=torch.float64)
    encoder, decoder_rows = (start / math.sqrt(n_features)).to(centered)
    decoder = decoder_rows.T
    errors, decoders = [], [decoder]
    for _ in range(n_steps):
        error, encoder_gradient, decoder_gradient = autoencoder_gradients(
            covariance, encoder, decoder
        )
        encoder = encoder - rate * encoder_gradient
        decoder = decoder - rate * decoder_gradient
        errors.append(error)
        decoders.append(decoder)
    errors.append(autoencoder_gradients(covariance, encoder, decoder)[0])
    return LinearAutoencoder(
        mean.to(x.dtype),
        encoder.to(x.dtype),
        decoder.to(x.dtype),
        torch.stack(errors).to(x.dtype),
        torch.stack(decoders).to(x.dtype),
    )


def _require_rows(name: str, value: object) -> Tensor:
    rows = require_shape(name, require_floating(name, value), ("N", "D"))
    if rows.numel() == 0:
        raise ValueError(f"{name} must have at least one row and one column, got {describe(rows)}")
    return require_finite(name, rows)


def _require_directions(name: str, value: object, n_features: int) -> Tensor:
    return require_shape(name, require_floating(name, value), ("K", n_features))


def _require_component_count(n_components: object, n_points: int, n_features: int) -> None:
    count = require_integer("n_components", n_components, minimum=1)
    if count > min(n_points, n_features):
        raise ValueError(
            f"n_components must be at most min(N, D) = min({n_points}, {n_features}), got {count}"
        )


def _fitting_mean(mean: object, other_name: str, other: Tensor) -> Tensor:
    shift = require_shape("mean", require_floating("mean", mean), (other.shape[1],))
    require_same_placement("mean", shift, other_name, other)
    return shift


def _widened_rows(x: Tensor) -> Tensor:
    """Return half-precision numbers as float32: decompositions know no half precision."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


def _orthonormal_rows(name: str, matrix: Tensor) -> Tensor:
    """Return an orthonormal basis of the space that the rows span, one vector per row."""
    rows = _widened_rows(_require_rows(name, matrix))
    _, singular_values, directions = torch.linalg.svd(rows, full_matrices=False)
    smallest = singular_values[0] * max(rows.shape) * torch.finfo(rows.dtype).eps
    if len(rows) > rows.shape[1] or bool(singular_values[-1] <= smallest):
        rank = int((singular_values > smallest).sum())
        raise ValueError(
            f"{name} must have linearly independent rows, got {len(rows)} rows of rank {rank}"
        )
    basis: Tensor = directions
    return basis


def _with_settled_sign(directions: Tensor) -> Tensor:
    """Turn each row so that the first of its largest entries is positive."""
    sizes = directions.abs()
    # Entries that differ by rounding count as equal: else rounding would settle the sign.
    nearly = 1 - torch.finfo(directions.dtype).eps ** 0.5
    largest = (sizes >= nearly * sizes.amax(dim=1, keepdim=True)).int().argmax(dim=1)
    return directions * directions.gather(1, largest[:, None]).sign()
