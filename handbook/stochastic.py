r"""Descent with the gradient of a few samples: where it goes, and how noisy it is.

:func:`stochastic_descent` walks with batches of any size, from one sample to all of them, and
counts the gradients of single samples that it has paid for. The noise of a batch's gradient has a
closed form (:func:`gradient_noise_covariance`, :func:`gradient_noise_std`), and so has the height
above the minimum at which a constant learning rate keeps the loss (:func:`noise_floor`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
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
from handbook.surfaces import classify_critical_point

__all__ = [
    "StochasticPath",
    "stochastic_descent",
    "per_sample_gradients",
    "gradient_noise_covariance",
    "gradient_noise_std",
    "noise_floor",
    "run_cost",
    "fit_step_cost",
]

_SAMPLINGS = ("shuffled", "independent", "replacement")


class StochasticPath(NamedTuple):
    """Every point that a stochastic descent visited, and what it had paid until then.

    Parameters
    ----------
    points : Tensor
        The points, the start first; shape (T + 1, D) or (T + 1, R, D) after T steps.
    n_gradients : Tensor
        How many gradients of single samples each run had computed on arrival, as int64; shape
        (T + 1,).

    Examples
    --------
    >>> path = StochasticPath(torch.zeros(3, 2), torch.tensor([0, 8, 10]))
    >>> len(path.points) - 1, path.n_gradients[-1].item()
    (2, 10)
    """

    points: Tensor
    n_gradients: Tensor


def stochastic_descent(
    loss: Callable[..., Tensor],
    start: Tensor,
    *data: Tensor,
    batch_size: int,
    learning_rate: float,
    n_epochs: int,
    generator: torch.Generator,
    sampling: str = "shuffled",
) -> StochasticPath:
    r"""Walk downhill with the gradients of mini-batches, and keep every step.

    .. math:: w_{t+1} = w_t - \eta \, \nabla L_{S_t}(w_t), \qquad
              L_S(w) = \frac{1}{|S|} \sum_{n \in S} \ell_n(w)

    Parameters
    ----------
    loss : callable
        ``loss(w, *batch)`` returns the mean loss of a batch. For one run it takes w of shape (D,)
        and batches of shape (B, ...), and returns a scalar. For R runs at once it takes (R, D) and
        (R, B, ...), and returns one loss for each run, (R,).
    start : Tensor
        Where to start; it is not changed.
    *data : Tensor
        At least one; row n of each belongs to sample n.
    batch_size : int
        B, from 1 (single samples) to N (full batch).
    learning_rate : float
        :math:`\eta`, above 0.
    n_epochs : int
        How many times N gradients of single samples to spend, whatever the batch size.
    generator : torch.Generator
        A CPU generator for the choice of the samples; each run makes its own choices.
    sampling : str, default: "shuffled"
        ``"shuffled"``: each epoch deals out all samples, in a new order. ``"independent"``: each
        batch is a new choice of B different samples. ``"replacement"``: each sample of each batch
        is a new choice, so that one may come twice.

    Returns
    -------
    StochasticPath
        ``points`` and ``n_gradients``, without a graph.

    Shapes
    ------
    start : (D,) or (R, D)
    data : (N, ...)
    return : (T + 1, D) or (T + 1, R, D), and (T + 1,), with T = n_epochs · ⌈N / B⌉

    Raises
    ------
    TypeError
        If an argument is of the wrong kind.
    ValueError
        If ``start`` or ``data`` has another shape, the numbers of rows differ, ``batch_size`` is
        not from 1 to N, ``learning_rate`` is not above 0, ``n_epochs`` is negative, ``sampling`` is
        another word, or ``loss`` does not return one number per run.

    Notes
    -----
    In all three ways an epoch has :math:`\lceil N / B \rceil` batches, the last one with what is
    left, and costs N gradients: budgets are equal. A path that diverges goes to inf and nan.

    Examples
    --------
    The mean of 1, 2 and 3 minimises the mean squared distance to them. With all samples in each
    step, the path goes there in a line; with one at a time it never settles:

    >>> from handbook.seeding import make_generator
    >>> samples = torch.tensor([1.0, 2.0, 3.0])
    >>> def loss(w, batch):
    ...     return (w - batch).square().mean() / 2
    >>> settings = dict(learning_rate=0.5, n_epochs=3)
    >>> for size in (3, 1):
    ...     path = stochastic_descent(
    ...         loss,
    ...         torch.zeros(1),
    ...         samples,
    ...         batch_size=size,
    ...         generator=make_generator(0),
    ...         **settings,
    ...     )
    ...     print(len(path.points) - 1, "steps,", path.n_gradients[-1].item(), "gradients")
    3 steps, 9 gradients
    9 steps, 9 gradients
    """
    if not callable(loss):
        raise TypeError(f"loss must be callable, got {describe(loss)}")
    require_floating("start", start)
    if start.dim() not in (1, 2) or start.shape[-1] == 0:
        raise ValueError(f"start must have shape (D,), or (R, D) for R runs, got {describe(start)}")
    require_finite("start", start)
    n_samples = _require_samples(data)
    require_integer("batch_size", batch_size, minimum=1, maximum=n_samples)
    learning_rate = require_number("learning_rate", learning_rate, above=0.0, below=math.inf)
    require_integer("n_epochs", n_epochs, minimum=0)
    require_choice("sampling", sampling, _SAMPLINGS)
    if require_generator("generator", generator).device.type != "cpu":
        raise ValueError(
            f"generator must be on the CPU, got one on {generator.device}; "
            "use handbook.seeding.make_generator"
        )

    point = start.detach().clone()
    n_runs = start.shape[0] if start.dim() == 2 else 1
    points, spent = [point], [0]
    for _ in range(n_epochs):
        for rows in _draw_epoch(n_runs, n_samples, batch_size, sampling, generator):
            chosen = rows if start.dim() == 2 else rows[0]
            point = point - learning_rate * _stochastic_gradient(loss, point, data, chosen)
            points.append(point)
            spent.append(spent[-1] + rows.shape[1])
    return StochasticPath(torch.stack(points), torch.tensor(spent, device="cpu"))


def _require_samples(data: Sequence[Tensor]) -> int:
    """Return the number of samples, after a check that all tensors have as many rows."""
    if not data:
        raise ValueError("data must be at least one tensor of samples, got none")
    for k, tensor in enumerate(data):
        require_tensor(f"data[{k}]", tensor)
        if tensor.dim() == 0 or len(tensor) == 0:
            raise ValueError(f"data[{k}] must hold at least one sample, got {describe(tensor)}")
        if len(tensor) != len(data[0]):
            raise ValueError(
                f"data[{k}] must have as many rows as data[0], {len(data[0])}, "
                f"got {describe(tensor)}"
            )
    return len(data[0])


def _draw_epoch(
    n_runs: int, n_samples: int, batch_size: int, sampling: str, generator: torch.Generator
) -> Iterator[Tensor]:
    """Yield the row numbers of each batch of an epoch, (R, B)."""
    sizes = [len(part) for part in torch.arange(n_samples, device="cpu").split(batch_size)]
    if sampling == "shuffled":
        orders = _draw_numbers(n_runs, n_samples, generator).argsort(dim=1)
        yield from orders.split(batch_size, dim=1)
        return
    for size in sizes:
        if sampling == "independent":
            # The places of the largest random numbers: a choice without an order to sort.
            yield _draw_numbers(n_runs, n_samples, generator).topk(size, dim=1).indices
        else:
            yield torch.randint(n_samples, (n_runs, size), generator=generator, device="cpu")


def _draw_numbers(n_runs: int, n_samples: int, generator: torch.Generator) -> Tensor:
    """Return a random number for each sample of each run, (R, N)."""
    # Float64: two equal numbers, whose order would not be random, come once in 2⁵³ pairs.
    return torch.rand(n_runs, n_samples, generator=generator, dtype=torch.float64, device="cpu")


def _stochastic_gradient(
    loss: Callable[..., Tensor], point: Tensor, data: Sequence[Tensor], chosen: Tensor
) -> Tensor:
    with torch.inference_mode(False), torch.enable_grad():
        leaf = point.clone().requires_grad_()
        batch = [tensor.detach()[chosen.to(tensor.device)] for tensor in data]
        value = loss(leaf, *batch)
        wanted = tuple(leaf.shape[:-1])
        if not isinstance(value, Tensor):
            raise TypeError(f"loss must return a tensor, got {describe(value)}")
        if tuple(value.shape) != wanted:
            raise ValueError(
                f"loss must return one number per run, shape {wanted}, got {describe(value)}; "
                f"take the mean over the samples of the batch"
            )
        if not value.requires_grad:
            raise ValueError(
                "loss must compute its value from the parameters by differentiable operations, "
                "got a value without a gradient"
            )
        # The runs do not depend on each other: one backward pass of the sum serves them all.
        (slope,) = torch.autograd.grad(value.sum(), leaf)
    return slope


def per_sample_gradients(loss: Callable[..., Tensor], parameters: Tensor, *data: Tensor) -> Tensor:
    r"""Return the gradient of each sample's own loss.

    .. math:: g_n = \nabla \ell_n(w), \qquad \nabla L(w) = \frac1N \sum_{n=1}^{N} g_n

    Parameters
    ----------
    loss : callable
        ``loss(w, *batch)`` returns the mean loss of a batch, a scalar. Here each batch is one
        sample.
    parameters : Tensor
        w, where to take the gradients.
    *data : Tensor
        At least one; row n of each belongs to sample n.

    Returns
    -------
    Tensor
        One gradient per sample, without a graph.

    Shapes
    ------
    parameters : (D,)
    data : (N, ...)
    return : (N, D)

    Raises
    ------
    TypeError
        If an argument is of the wrong kind.
    ValueError
        If ``parameters`` is not one vector, there is no sample, or the numbers of rows differ.

    Notes
    -----
    :func:`torch.func.vmap` runs all samples at once; ``loss`` must not branch on values.

    Examples
    --------
    >>> samples = torch.tensor([1.0, 2.0, 3.0])
    >>> def loss(w, batch):
    ...     return (w - batch).square().mean() / 2
    >>> per_sample_gradients(loss, torch.zeros(1), samples)
    tensor([[-1.],
            [-2.],
            [-3.]])
    """
    if not callable(loss):
        raise TypeError(f"loss must be callable, got {describe(loss)}")
    require_floating("parameters", parameters)
    require_shape("parameters", parameters, ("D",))
    _require_samples(data)

    def of_one(w: Tensor, *sample: Tensor) -> Tensor:
        return loss(w, *(tensor.unsqueeze(0) for tensor in sample))

    batched = torch.func.vmap(torch.func.grad(of_one), in_dims=(None, *(0 for _ in data)))
    with torch.inference_mode(False):
        gradients: Tensor = batched(parameters.detach().clone(), *data)
    return gradients.detach()


def _noise_share(n_samples: int, batch_size: int, replacement: bool) -> float:
    """Return the variance of a batch mean as a share of the samples' variance."""
    if not isinstance(replacement, bool):
        raise TypeError(f"replacement must be a bool, got {describe(replacement)}")
    if replacement:
        require_integer("batch_size", batch_size, minimum=1)
        return 1 / batch_size
    require_integer("batch_size", batch_size, minimum=1, maximum=n_samples)
    if batch_size == n_samples:  # also for one sample, where the formula would be 0 / 0
        return 0.0
    return (n_samples - batch_size) / (n_samples - 1) / batch_size


def _require_gradients(gradients: object) -> Tensor:
    tensor = require_floating("gradients", gradients)
    if tensor.dim() != 2 or tensor.shape[0] == 0:
        raise ValueError(
            f"gradients must have shape (N, D), one row per sample, got {describe(tensor)}"
        )
    return tensor


def gradient_noise_covariance(
    gradients: Tensor, batch_size: int, *, replacement: bool = False
) -> Tensor:
    r"""Return the covariance of a mini-batch's gradient, around the gradient of all samples.

    .. math:: \operatorname{Cov}(g_S) = \frac{\Sigma}{B} \cdot \frac{N - B}{N - 1}, \qquad
              \Sigma = \frac1N \sum_{n=1}^{N} (g_n - \bar g)(g_n - \bar g)^\top

    With replacement the second factor is 1.

    Parameters
    ----------
    gradients : Tensor
        The gradient of each sample, as from :func:`per_sample_gradients`.
    batch_size : int
        B; without replacement at most N.
    replacement : bool, default: False
        Whether a sample may come twice in a batch.

    Returns
    -------
    Tensor
        The covariance, exact for these N samples.

    Shapes
    ------
    gradients : (N, D)
    return : (D, D)

    Raises
    ------
    TypeError
        If ``gradients`` is not a floating-point tensor, ``batch_size`` not an ``int`` or
        ``replacement`` not a ``bool``.
    ValueError
        If ``gradients`` is not one row per sample, or ``batch_size`` is not from 1 to N.

    Notes
    -----
    Σ divides by N, not by N − 1: the N samples are all there is, not a sample of more.

    References
    ----------
    W. G. Cochran, *Sampling Techniques*, 3rd edition, Wiley (1977), section 2.5 (there with a
    variance that divides by N − 1).

    Examples
    --------
    Two samples, and batches of one: the gradient is 1 or 3, its variance 1. A batch of both has
    no noise:

    >>> gradients = torch.tensor([[1.0], [3.0]])
    >>> gradient_noise_covariance(gradients, 1), gradient_noise_covariance(gradients, 2)
    (tensor([[1.]]), tensor([[0.]]))

    Drawn with replacement, two may be the same one twice:

    >>> gradient_noise_covariance(gradients, 2, replacement=True)
    tensor([[0.5000]])
    """
    gradients = _require_gradients(gradients)
    share = _noise_share(len(gradients), batch_size, replacement)
    offsets = gradients - gradients.mean(0)
    # Divided before the product: its terms would add up beyond what half precision holds.
    return share * (offsets / len(gradients)).mT @ offsets


def gradient_noise_std(gradients: Tensor, batch_size: int, *, replacement: bool = False) -> float:
    r"""Return by how far a mini-batch's gradient typically misses the gradient of all samples.

    .. math:: \sqrt{\mathbb E \|g_S - \bar g\|^2} = \sqrt{\operatorname{tr} \operatorname{Cov}(g_S)}
              \propto \frac{1}{\sqrt B}

    Parameters
    ----------
    gradients : Tensor
        The gradient of each sample.
    batch_size : int
        B; without replacement at most N.
    replacement : bool, default: False
        Whether a sample may come twice in a batch.

    Returns
    -------
    float
        The root of the mean squared distance, in the units of the gradient.

    Shapes
    ------
    gradients : (N, D)

    Raises
    ------
    TypeError, ValueError
        As :func:`gradient_noise_covariance`.

    Examples
    --------
    Four times the batch, half the noise:

    >>> gradients = torch.tensor([[1.0], [3.0]])
    >>> [gradient_noise_std(gradients, size, replacement=True) for size in (1, 4, 16)]
    [1.0, 0.5, 0.25]
    """
    gradients = _require_gradients(gradients)
    share = _noise_share(len(gradients), batch_size, replacement)
    # The trace alone: the matrix of a network's gradient would not fit in memory.
    wide = gradients.double() if gradients.device.type != "mps" else gradients.float()
    total = (wide - wide.mean(0)).square().sum() / len(wide)
    return math.sqrt(share * total.item())


def noise_floor(hessian: Tensor, covariance: Tensor, *, learning_rate: float) -> float:
    r"""Return how far above the minimum gradient noise keeps the loss, for ever.

    .. math:: \mathbb E[L] - L^* = \frac{\eta}{2} \sum_i
              \frac{v_i^\top \, C \, v_i}{2 - \eta \lambda_i}
              \approx \frac{\eta}{4} \operatorname{tr} C

    C is the covariance of the gradient's noise, with independent noise in each step, and
    :math:`\lambda_i, v_i` are the eigenvalues and eigenvectors of the Hessian.

    Parameters
    ----------
    hessian : Tensor
        The second derivatives at the minimum.
    covariance : Tensor
        C, as from :func:`gradient_noise_covariance` at the minimum.
    learning_rate : float
        :math:`\eta`, above 0.

    Returns
    -------
    float
        The mean excess loss after many steps; inf for a rate that does not converge.

    Shapes
    ------
    hessian : (D, D)
    covariance : (D, D)

    Raises
    ------
    TypeError
        If an argument is of the wrong kind.
    ValueError
        If ``hessian`` does not belong to a minimum, ``covariance`` has another shape, or
        ``learning_rate`` is not above 0.

    Notes
    -----
    Exact for a quadratic loss with the same noise everywhere. Where the noise grows with the
    distance from the minimum, as in linear regression, the floor is a little higher. Samples that
    are dealt out in shuffled epochs are not independent, and their floor is lower.

    Examples
    --------
    Half the rate, half the floor, nearly:

    >>> H, C = torch.tensor([[1.0]]), torch.tensor([[4.0]])
    >>> [round(noise_floor(H, C, learning_rate=rate), 3) for rate in (0.1, 0.05, 0.025)]
    [0.105, 0.051, 0.025]
    """
    point = classify_critical_point(hessian)
    if point.kind != "minimum":
        raise ValueError(
            f"hessian must belong to a minimum, all its eigenvalues above 0, "
            f"got {point.eigenvalues[0].item():.3g} as the smallest"
        )
    require_floating("covariance", covariance)
    size = len(point.eigenvalues)
    if tuple(covariance.shape) != (size, size):
        raise ValueError(
            f"covariance must have shape (D, D) = ({size}, {size}) to fit hessian, "
            f"got {describe(covariance)}"
        )
    require_same_placement("covariance", covariance, "hessian", hessian)
    require_finite("covariance", covariance)
    learning_rate = require_number("learning_rate", learning_rate, above=0.0, below=math.inf)
    # In float64 on the CPU, like the eigenvalues: 2 - η λ cancels near the limit.
    vectors = point.eigenvectors.cpu().double()
    along = ((vectors.mT @ covariance.cpu().double()) * vectors.mT).sum(-1)  # vᵢᵀ C vᵢ, (D,)
    margin = 2 - learning_rate * point.eigenvalues.cpu().double()
    if margin.min() <= 0:
        return math.inf
    return learning_rate / 2 * (along / margin).sum().item()


def run_cost(n_steps: float, n_gradients: float, *, overhead: float) -> float:
    r"""Return the price of a run in gradients of single samples, by a model with one constant.

    .. math:: \text{cost} = n_\text{gradients} + c \cdot n_\text{steps}

    Parameters
    ----------
    n_steps : float
        How many steps were made.
    n_gradients : float
        How many gradients of single samples went into them.
    overhead : float
        c, what a step costs beside its samples, in gradients of one sample each: calls, the
        update, and whatever else does not grow with the batch.

    Returns
    -------
    float
        The cost, in units of one sample's gradient.

    Raises
    ------
    TypeError
        If an argument is not a number.
    ValueError
        If an argument is negative or not finite.

    Examples
    --------
    The same thousand gradients, in one step or in a thousand:

    >>> run_cost(1, 1000, overhead=100), run_cost(1000, 1000, overhead=100)
    (1100.0, 101000.0)
    """
    n_steps = require_number("n_steps", n_steps, minimum=0.0, below=math.inf)
    n_gradients = require_number("n_gradients", n_gradients, minimum=0.0, below=math.inf)
    overhead = require_number("overhead", overhead, minimum=0.0, below=math.inf)
    return n_gradients + overhead * n_steps


def fit_step_cost(batch_sizes: Sequence[float], seconds: Sequence[float]) -> tuple[float, float]:
    r"""Split the measured time of steps into a constant and a share for each sample.

    .. math:: \text{seconds}(B) \approx a + b \, B

    Parameters
    ----------
    batch_sizes : sequence of float
        The sizes that were timed, at least two different ones.
    seconds : sequence of float
        How long one step took with each.

    Returns
    -------
    tuple of float
        a, seconds per step, and b, seconds per sample. Their ratio a / b is the overhead of
        :func:`run_cost`.

    Raises
    ------
    TypeError
        If an entry is not a number.
    ValueError
        If the lengths differ, an entry is not above 0 and finite, or all sizes are equal.

    Notes
    -----
    It minimises the *relative* errors, so that the small batches, whose steps are short, count as
    much as the large ones. Noise in the times can make a or b negative.

    Examples
    --------
    >>> [round(x, 6) for x in fit_step_cost([1, 10, 100], [0.0101, 0.011, 0.02])]
    [0.01, 0.0001]
    """
    sizes = [
        require_number(f"batch_sizes[{i}]", size, above=0.0, below=math.inf)
        for i, size in enumerate(batch_sizes)
    ]
    times = [
        require_number(f"seconds[{i}]", time, above=0.0, below=math.inf)
        for i, time in enumerate(seconds)
    ]
    if len(sizes) != len(times):
        raise ValueError(
            f"seconds must have one entry for each of the {len(sizes)} batch_sizes, "
            f"got {len(times)}"
        )
    if len(set(sizes)) < 2:
        raise ValueError(f"batch_sizes must hold at least two different sizes, got {sizes}")
    # a / t + b B / t = 1 for every measurement, by least squares: the normal equations.
    rows = [(1 / time, size / time) for size, time in zip(sizes, times, strict=True)]
    aa = math.fsum(u * u for u, _ in rows)
    ab = math.fsum(u * v for u, v in rows)
    bb = math.fsum(v * v for _, v in rows)
    a, b = math.fsum(u for u, _ in rows), math.fsum(v for _, v in rows)
    determinant = aa * bb - ab * ab
    return (bb * a - ab * b) / determinant, (aa * b - ab * a) / determinant
