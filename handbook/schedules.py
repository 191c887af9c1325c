r"""Learning-rate schedules as pure functions of the step.

Each takes the step, counted from 0, and returns a *factor*: the share of the full learning rate
that is in force during that step. So a schedule knows nothing of optimisers, can be drawn before
anything is trained, and has no state that could get lost. :func:`apply_factor` or
``torch.optim.lr_scheduler.LambdaLR`` puts it to work.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from handbook.checks import describe, require_integer, require_number

__all__ = [
    "step_decay",
    "exponential_decay",
    "cosine_annealing",
    "cosine_restarts",
    "linear_warmup",
    "warmup_cosine",
    "apply_factor",
]


def _require_step(step: object) -> float:
    """Return the number of steps so far as a float, after a check."""
    return require_number("step", step, minimum=0.0, below=math.inf)


def step_decay(step: float, *, step_size: int, gamma: float = 0.1) -> float:
    r"""Multiply the rate by ``gamma`` after every ``step_size`` steps.

    .. math:: f(t) = \gamma^{\lfloor t / s \rfloor}

    Parameters
    ----------
    step : float
        t, the number of steps before this one, at least 0.
    step_size : int
        s, at least 1.
    gamma : float, default: 0.1
        :math:`\gamma`, at least 0.

    Returns
    -------
    float
        The share of the full rate.

    Raises
    ------
    TypeError
        If an argument is not a number of the wanted kind.
    ValueError
        If an argument is out of its bounds.

    Notes
    -----
    As :class:`torch.optim.lr_scheduler.StepLR`.

    Examples
    --------
    >>> [step_decay(t, step_size=2, gamma=0.5) for t in range(5)]
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """
    step = _require_step(step)
    require_integer("step_size", step_size, minimum=1)
    gamma = require_number("gamma", gamma, minimum=0.0, below=math.inf)
    return float(gamma ** math.floor(step / step_size))


def exponential_decay(step: float, *, gamma: float) -> float:
    r"""Multiply the rate by ``gamma`` after every step.

    .. math:: f(t) = \gamma^t

    Parameters
    ----------
    step : float
        t, the number of steps before this one, at least 0.
    gamma : float
        :math:`\gamma`, at least 0.

    Returns
    -------
    float
        The share of the full rate.

    Raises
    ------
    TypeError
        If an argument is not a number.
    ValueError
        If an argument is out of its bounds.

    Notes
    -----
    As ``torch.optim.lr_scheduler.ExponentialLR``. To fall to the share s in n steps, take
    ``gamma = s ** (1 / n)``.

    Examples
    --------
    >>> [exponential_decay(t, gamma=0.5) for t in range(4)]
    [1.0, 0.5, 0.25, 0.125]
    >>> round(exponential_decay(1000, gamma=0.01 ** (1 / 1000)), 4)
    0.01
    """
    step = _require_step(step)
    gamma = require_number("gamma", gamma, minimum=0.0, below=math.inf)
    return float(gamma**step)


def cosine_annealing(step: float, *, n_steps: float, minimum: float = 0.0) -> float:
    r"""Lower the rate along half a cosine: slowly first, then fast, then slowly again.

    .. math:: f(t) = m + \frac{1 - m}{2} \Bigl( 1 + \cos \frac{\pi t}{T} \Bigr)

    Parameters
    ----------
    step : float
        t, the number of steps before this one, at least 0.
    n_steps : float
        T, after how many steps the minimum is reached, above 0.
    minimum : float, default: 0.0
        m, the lowest share, from 0 to 1.

    Returns
    -------
    float
        The share of the full rate.

    Raises
    ------
    TypeError
        If an argument is not a number.
    ValueError
        If an argument is out of its bounds.

    Notes
    -----
    As :class:`torch.optim.lr_scheduler.CosineAnnealingLR` with ``T_max = n_steps`` and ``eta_min``
    the minimum times the full rate. Like PyTorch's, it *rises* again after ``n_steps``: count your
    steps, or use :func:`warmup_cosine`, which stays at the minimum.

    References
    ----------
    I. Loshchilov, F. Hutter, "SGDR: Stochastic gradient descent with warm restarts", ICLR (2017),
    arXiv:1608.03983.

    Examples
    --------
    >>> [round(cosine_annealing(t, n_steps=4), 3) for t in range(7)]
    [1.0, 0.854, 0.5, 0.146, 0.0, 0.146, 0.5]
    """
    step = _require_step(step)
    n_steps = require_number("n_steps", n_steps, above=0.0, below=math.inf)
    minimum = require_number("minimum", minimum, minimum=0.0, maximum=1.0)
    return minimum + (1 - minimum) * (1 + math.cos(math.pi * step / n_steps)) / 2


def cosine_restarts(
    step: float, *, first_cycle: int, growth: int = 1, minimum: float = 0.0
) -> float:
    r"""Lower the rate along half a cosine, jump back to the full rate, and begin again.

    Cycle number k, counted from 0, has :math:`T_k = T_0 \, g^k` steps.

    Parameters
    ----------
    step : float
        The number of steps before this one, at least 0.
    first_cycle : int
        :math:`T_0`, the length of the first cycle, at least 1.
    growth : int, default: 1
        g, by which factor each cycle is longer than the one before, at least 1.
    minimum : float, default: 0.0
        The lowest share, from 0 to 1.

    Returns
    -------
    float
        The share of the full rate.

    Raises
    ------
    TypeError
        If an argument is not a number of the wanted kind.
    ValueError
        If an argument is out of its bounds.

    Notes
    -----
    As ``torch.optim.lr_scheduler.CosineAnnealingWarmRestarts``.

    References
    ----------
    I. Loshchilov, F. Hutter, "SGDR: Stochastic gradient descent with warm restarts", ICLR (2017),
    arXiv:1608.03983.

    Examples
    --------
    Cycles of 2, 4 and 8 steps:

    >>> [round(cosine_restarts(t, first_cycle=2, growth=2), 2) for t in range(8)]
    [1.0, 0.5, 1.0, 0.85, 0.5, 0.15, 1.0, 0.96]
    """
    step = _require_step(step)
    require_integer("first_cycle", first_cycle, minimum=1)
    require_integer("growth", growth, minimum=1)
    length = first_cycle
    if growth == 1:
        step %= length
    while step >= length:
        step -= length
        length *= growth
    return cosine_annealing(step, n_steps=length, minimum=minimum)


def linear_warmup(step: float, *, n_steps: int, start: float = 1 / 3) -> float:
    r"""Raise the rate in a straight line from ``start`` to the full rate, then leave it there.

    .. math:: f(t) = s + (1 - s) \, \min\Bigl(1, \frac tT\Bigr)

    Parameters
    ----------
    step : float
        t, the number of steps before this one, at least 0.
    n_steps : int
        T, the first step with the full rate, at least 0; 0 means no warm-up.
    start : float, optional
        s, the share of the first step, from 0 to 1.

    Returns
    -------
    float
        The share of the full rate.

    Raises
    ------
    TypeError
        If an argument is not a number of the wanted kind.
    ValueError
        If an argument is out of its bounds.

    Notes
    -----
    As ``torch.optim.lr_scheduler.LinearLR`` with ``start_factor = start`` and
    ``total_iters = n_steps``. With ``start=0`` the first step does not move anything.

    References
    ----------
    P. Goyal et al., "Accurate, large minibatch SGD: training ImageNet in 1 hour" (2017),
    arXiv:1706.02677.

    Examples
    --------
    >>> [linear_warmup(t, n_steps=4, start=0.0) for t in range(6)]
    [0.0, 0.25, 0.5, 0.75, 1.0, 1.0]
    """
    step = _require_step(step)
    require_integer("n_steps", n_steps, minimum=0)
    start = require_number("start", start, minimum=0.0, maximum=1.0)
    if step >= n_steps:
        return 1.0
    return start + (1 - start) * step / n_steps


def warmup_cosine(
    step: float, *, n_warmup: int, n_steps: int, start: float = 0.0, minimum: float = 0.0
) -> float:
    r"""Raise the rate in a straight line, lower it along half a cosine, and stay at the minimum.

    Parameters
    ----------
    step : float
        The number of steps before this one, at least 0.
    n_warmup : int
        The first step with the full rate, at least 0.
    n_steps : int
        The number of all steps, above ``n_warmup``: from there on the minimum is in force.
    start : float, default: 0.0
        The share of the first step, from 0 to 1.
    minimum : float, default: 0.0
        The share at the end, from 0 to 1.

    Returns
    -------
    float
        The share of the full rate.

    Raises
    ------
    TypeError
        If an argument is not a number of the wanted kind.
    ValueError
        If an argument is out of its bounds, or ``n_steps`` is not above ``n_warmup``.

    Notes
    -----
    Up to ``n_steps`` it is ``torch.optim.lr_scheduler.SequentialLR`` of ``LinearLR`` and
    ``CosineAnnealingLR`` with the milestone ``n_warmup``.

    Examples
    --------
    >>> [round(warmup_cosine(t, n_warmup=2, n_steps=6), 3) for t in range(8)]
    [0.0, 0.5, 1.0, 0.854, 0.5, 0.146, 0.0, 0.0]
    """
    step = _require_step(step)
    require_integer("n_warmup", n_warmup, minimum=0)
    require_integer("n_steps", n_steps)
    if n_steps <= n_warmup:
        raise ValueError(f"n_steps must be above n_warmup = {n_warmup}, got {n_steps}")
    rising = linear_warmup(step, n_steps=n_warmup, start=start)
    after = min(max(step - n_warmup, 0), n_steps - n_warmup)
    falling = cosine_annealing(after, n_steps=n_steps - n_warmup, minimum=minimum)
    return rising if step < n_warmup else falling


def apply_factor(optimizer: Optimizer, factor: float) -> list[float]:
    """Set the rate of every parameter group to its full rate times ``factor``.

    The full rate is what stood in the group at the first call; it is kept there as
    ``"initial_lr"``, where PyTorch's schedulers keep theirs.

    Parameters
    ----------
    optimizer : torch.optim.Optimizer
        PyTorch's or the handbook's.
    factor : float
        The share of the full rate, at least 0; usually a schedule at this step.

    Returns
    -------
    list of float
        The rates that are now in force, one for each group.

    Raises
    ------
    TypeError
        If ``optimizer`` is no optimiser or ``factor`` not a number.
    ValueError
        If ``factor`` is negative or NaN.

    Notes
    -----
    Call it *before* the step that it is meant for. A rate that is a tensor is changed in place.

    Examples
    --------
    >>> from handbook.optimizers import SGD
    >>> w, b = (torch.zeros(1, requires_grad=True) for _ in range(2))
    >>> optimizer = SGD([{"params": [w]}, {"params": [b], "lr": 0.5}], lr=1.0)
    >>> for step in range(3):
    ...     print(apply_factor(optimizer, step_decay(step, step_size=1, gamma=0.5)))
    [1.0, 0.5]
    [0.5, 0.25]
    [0.25, 0.125]
    """
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"optimizer must be a torch.optim.Optimizer, got {describe(optimizer)}")
    factor = require_number("factor", factor, minimum=0.0, below=math.inf)
    rates = []
    for group in optimizer.param_groups:
        full: Any = group.get("initial_lr")
        if full is None:
            full = group["lr"]
            full = group["initial_lr"] = full.clone() if torch.is_tensor(full) else full
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(full * factor)
        else:
            group["lr"] = float(full) * factor
        rates.append(float(group["lr"]))
    return rates
