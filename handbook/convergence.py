r"""How fast gradient descent converges near a minimum, and which way is steepest.

Near a minimum a function is almost a quadratic with the Hessian H. Along each eigenvector of H, one
step multiplies the distance by :math:`1 - \eta \lambda` (:func:`contraction_factors`). All else
follows: how many steps descent needs (:func:`steps_to_shrink`), the rate that needs the fewest
(:func:`fastest_rate`), and the number of the Hessian that sets the price
(:func:`condition_number`).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from handbook.checks import (
    describe,
    require_choice,
    require_finite,
    require_floating,
    require_number,
)
from handbook.surfaces import classify_critical_point

__all__ = [
    "steepest_direction",
    "condition_number",
    "contraction_factors",
    "fastest_rate",
    "steps_to_shrink",
]

_NORMS = ("euclidean", "max", "sum")


def steepest_direction(gradient: Tensor, *, norm: str = "euclidean") -> Tensor:
    r"""Return the direction of length 1 in which a function falls fastest, for a given length.

    .. math:: d = \arg\min_{\|d\| = 1} g^\top d, \qquad
              d_{\text{euclidean}} = -\frac{g}{\|g\|_2}, \quad
              d_{\text{max}} = -\operatorname{sign} g, \quad
              d_{\text{sum}} = -\operatorname{sign}(g_k)\, e_k,\; k = \arg\max_i |g_i|

    Parameters
    ----------
    gradient : Tensor
        g, the gradient, the coordinates last.
    norm : str, default: "euclidean"
        What length means: ``"euclidean"``, the root of the sum of squares; ``"max"``, the largest
        absolute coordinate; ``"sum"``, the sum of the absolute coordinates.

    Returns
    -------
    Tensor
        The direction; zeros where the gradient is zero, because there no direction is steepest.

    Shapes
    ------
    gradient : (..., D)
    return : (..., D)

    Raises
    ------
    TypeError
        If ``gradient`` is not a floating-point tensor or ``norm`` not a string.
    ValueError
        If ``gradient`` has no coordinates or is not finite, or ``norm`` is another word.

    Notes
    -----
    Where several coordinates are equally large, ``"sum"`` takes the first; any of them would do.

    References
    ----------
    S. Boyd, L. Vandenberghe, *Convex Optimization*, Cambridge University Press (2004), section 9.4,
    https://doi.org/10.1017/CBO9780511804441

    Examples
    --------
    One gradient, three answers:

    >>> g = torch.tensor([3.0, -4.0])
    >>> for norm in ("euclidean", "max", "sum"):
    ...     print(norm, steepest_direction(g, norm=norm).tolist())
    euclidean [-0.6000..., 0.8000...]
    max [-1.0, 1.0]
    sum [0.0, 1.0]

    The square of 1e30 overflows float32; the direction does not:

    >>> steepest_direction(torch.tensor([0.0, 1e30])) + 0.0
    tensor([ 0., -1.])
    """
    require_floating("gradient", gradient)
    if gradient.dim() == 0 or gradient.shape[-1] == 0:
        raise ValueError(
            f"gradient must have shape (..., D) with D at least 1, got {describe(gradient)}"
        )
    require_finite("gradient", gradient)
    require_choice("norm", norm, _NORMS)
    if norm == "max":
        return -gradient.sign()
    size, largest = gradient.abs().max(-1, keepdim=True)
    if norm == "sum":
        alone = torch.zeros_like(gradient).scatter(-1, largest, 1)
        return -gradient.sign() * alone
    # Divided by the largest first: the squares neither overflow nor vanish.
    scaled = gradient / size.masked_fill(size == 0, 1)
    length = scaled.square().sum(-1, keepdim=True).sqrt()
    return -scaled / length.masked_fill(size == 0, 1)


def _convex_eigenvalues(hessian: Tensor) -> Tensor:
    """Return the eigenvalues, ascending, of a Hessian that belongs to a minimum."""
    point = classify_critical_point(hessian)
    if point.kind != "minimum":
        smallest = point.eigenvalues[0].item()
        raise ValueError(
            f"hessian must belong to a minimum, all its eigenvalues above 0, "
            f"got {smallest:.3g} as the smallest"
        )
    return point.eigenvalues


def condition_number(hessian: Tensor) -> float:
    r"""Return how many times steeper the steepest direction of a minimum is than the flattest.

    .. math:: \kappa = \frac{\lambda_{\max}}{\lambda_{\min}}

    Parameters
    ----------
    hessian : Tensor
        The second derivatives at the minimum.

    Returns
    -------
    float
        At least 1. A round bowl has 1, a long ravine much more.

    Shapes
    ------
    hessian : (D, D)

    Raises
    ------
    TypeError
        If ``hessian`` is not a floating-point tensor.
    ValueError
        If it is not one finite symmetric matrix, or does not belong to a minimum.

    Examples
    --------
    >>> condition_number(torch.tensor([[1.0, 0.0], [0.0, 50.0]]))
    50.0

    Turning does not change it, stretching one axis does:

    >>> round(condition_number(torch.tensor([[2.0, 1.0], [1.0, 2.0]])), 4)
    3.0
    """
    eigenvalues = _convex_eigenvalues(hessian)
    return float(eigenvalues[-1]) / float(eigenvalues[0])


def contraction_factors(hessian: Tensor, *, learning_rate: float) -> Tensor:
    r"""Return by what one step of gradient descent multiplies the distance along each eigenvector.

    .. math:: a_i = 1 - \eta \lambda_i

    Between −1 and 1 the distance shrinks. Below 0 each step jumps to the other side. Beyond −1 or
    1 the distance grows.

    Parameters
    ----------
    hessian : Tensor
        The second derivatives at a critical point of any kind.
    learning_rate : float
        :math:`\eta`, above 0.

    Returns
    -------
    Tensor
        The factors, in the order of the eigenvalues, the smallest eigenvalue first.

    Shapes
    ------
    hessian : (D, D)
    return : (D,)

    Raises
    ------
    TypeError
        If ``hessian`` is not a floating-point tensor or ``learning_rate`` not a number.
    ValueError
        If ``hessian`` is not one finite symmetric matrix, or ``learning_rate`` is not above 0.

    Examples
    --------
    One direction crawls, one arrives at once, one is thrown out:

    >>> H = torch.tensor([0.01, 1.0, 3.0]).diag()
    >>> contraction_factors(H, learning_rate=1.0)
    tensor([ 0.9900,  0.0000, -2.0000])
    """
    eigenvalues = classify_critical_point(hessian).eigenvalues
    learning_rate = require_number("learning_rate", learning_rate, above=0.0, below=math.inf)
    return 1 - learning_rate * eigenvalues


def fastest_rate(hessian: Tensor) -> float:
    r"""Return the learning rate with which gradient descent converges in the fewest steps.

    .. math:: \eta^* = \frac{2}{\lambda_{\min} + \lambda_{\max}}, \qquad
              \max_i |1 - \eta^* \lambda_i| = \frac{\kappa - 1}{\kappa + 1}

    At this rate the flattest and the steepest direction shrink by the same factor, one from one
    side and one by jumping back and forth.

    Parameters
    ----------
    hessian : Tensor
        The second derivatives at the minimum.

    Returns
    -------
    float
        The rate, always below the limit :math:`2 / \lambda_{\max}`.

    Shapes
    ------
    hessian : (D, D)

    Raises
    ------
    TypeError
        If ``hessian`` is not a floating-point tensor.
    ValueError
        If it is not one finite symmetric matrix, or does not belong to a minimum.

    References
    ----------
    B. T. Polyak, "Some methods of speeding up the convergence of iteration methods", USSR
    Computational Mathematics and Mathematical Physics 4 (1964),
    https://doi.org/10.1016/0041-5553(64)90137-5

    Examples
    --------
    >>> H = torch.tensor([1.0, 4.0]).diag()
    >>> rate = fastest_rate(H)
    >>> rate, [round(a, 4) for a in contraction_factors(H, learning_rate=rate).tolist()]
    (0.4, [0.6, -0.6])
    """
    eigenvalues = _convex_eigenvalues(hessian)
    return 2 / (float(eigenvalues[0]) + float(eigenvalues[-1]))


def steps_to_shrink(hessian: Tensor, *, factor: float, learning_rate: float) -> float:
    r"""Predict how many steps gradient descent needs to come closer to a minimum by a factor.

    .. math:: t = \frac{\ln F}{-\ln a}, \qquad a = \max_i |1 - \eta \lambda_i|

    The direction with the largest factor decides; the others have shrunk by more.

    Parameters
    ----------
    hessian : Tensor
        The second derivatives at the minimum.
    factor : float
        F, by how much the distance must shrink, at least 1.
    learning_rate : float
        :math:`\eta`, above 0.

    Returns
    -------
    float
        Steps, not rounded; inf where descent does not converge.

    Shapes
    ------
    hessian : (D, D)

    Raises
    ------
    TypeError
        If an argument is of the wrong kind.
    ValueError
        If ``hessian`` does not belong to a minimum, ``factor`` is below 1 or ``learning_rate`` is
        not above 0.

    Examples
    --------
    In a ravine of condition number 50, with the best rate, a factor of 1000 takes about 25 · ln
    1000 steps. At the limit 2 / 50 it takes for ever:

    >>> H = torch.tensor([1.0, 50.0]).diag()
    >>> round(steps_to_shrink(H, factor=1000.0, learning_rate=fastest_rate(H)), 1)
    172.7
    >>> steps_to_shrink(H, factor=1000.0, learning_rate=0.05)
    inf
    """
    eigenvalues = _convex_eigenvalues(hessian).double()
    factor = require_number("factor", factor, minimum=1.0, below=math.inf)
    learning_rate = require_number("learning_rate", learning_rate, above=0.0, below=math.inf)
    if factor == 1:
        return 0.0
    slowest, fastest = learning_rate * float(eigenvalues[0]), learning_rate * float(eigenvalues[-1])
    # log1p where a tiny step would be lost in 1 - η λ.
    logs = [math.log1p(-slowest) if slowest < 1 else _log_of_overshoot(slowest)]
    logs.append(math.log1p(-fastest) if fastest < 1 else _log_of_overshoot(fastest))
    shrinking = max(logs)
    if shrinking >= 0:
        return math.inf
    return max(1.0, math.log(factor) / -shrinking)


def _log_of_overshoot(step: float) -> float:
    """Return ln |1 - step| for a step of at least 1."""
    return math.log(step - 1) if step > 1 else -math.inf
