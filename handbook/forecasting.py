r"""Forecasting a time series: windows that do not leak, honest baselines, rollouts and scores.

A series has the time in its first dimension; a batch of windows is ``(N, L, *)``, with the time in
the second. The step that is forecast h steps after the last known one has *lead time* h. Any
features may follow the time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from handbook.checks import (
    describe,
    require_floating,
    require_integer,
    require_number,
    require_same_placement,
    require_tensor,
)

__all__ = [
    "Windows",
    "forecast_windows",
    "climatology",
    "anomalies",
    "climatology_forecast",
    "persistence_forecast",
    "seasonal_naive_forecast",
    "lag_coefficient",
    "damped_persistence_forecast",
    "rollout",
    "error_by_lead",
    "skill_score",
]


class Windows(NamedTuple):
    """Pieces of one series, each cut into what is known and what is to be forecast.

    Attributes
    ----------
    past : Tensor
        The last ``n_past`` values before each forecast.
    future : Tensor
        The ``n_ahead`` values that follow.
    origin : Tensor
        Where in the series ``future`` begins, int64.

    Shapes
    ------
    past : ``(N, n_past, *)``
    future : ``(N, n_ahead, *)``
    origin : ``(N,)``

    Examples
    --------
    >>> windows = forecast_windows(torch.arange(6.0), 2, 1)
    >>> windows.past.shape, windows.future.shape, windows.origin
    (torch.Size([4, 2]), torch.Size([4, 1]), tensor([2, 3, 4, 5]))
    """

    past: Tensor
    future: Tensor
    origin: Tensor


def forecast_windows(
    series: Tensor, n_past: int, n_ahead: int, *, start: int = 0, end: int | None = None
) -> Windows:
    r"""Cut a series into every window whose future lies in ``[start, end)``.

    .. math:: \text{past}_n = (x_{o_n - L}, \dots, x_{o_n - 1}), \qquad
              \text{future}_n = (x_{o_n}, \dots, x_{o_n + H - 1})

    Parameters
    ----------
    series : Tensor
        The values, one step after the other, in any unit.
    n_past : int
        :math:`L`, how many values a forecast may look back on, at least 1.
    n_ahead : int
        :math:`H`, how many steps are to be forecast, at least 1.
    start : int, optional
        The first step that may be forecast, at least 0.
    end : int, optional
        The first step that may no longer be forecast; the series' end without it.

    Returns
    -------
    Windows
        Views of ``series``, in order of time; ``origin`` runs from ``max(start, n_past)`` to
        ``end - n_ahead``.

    Shapes
    ------
    series : ``(T, *)``
    past : ``(N, n_past, *)``
    future : ``(N, n_ahead, *)``

    Raises
    ------
    TypeError
        If ``series`` is not a tensor, or a number of steps is not an ``int``.
    ValueError
        If ``series`` has no dimension, a number of steps is too small, ``start`` and ``end`` do not
        lie in order inside the series, or no window fits.

    Notes
    -----
    Two calls with ``end`` of one equal to ``start`` of the other share no step to forecast: that is
    an honest split. The past of the second reaches back before its ``start``, as it does in use:
    when a forecast is made, the past is known.

    Examples
    --------
    >>> series = torch.arange(10.0)
    >>> windows = forecast_windows(series, 3, 2, start=0, end=6)
    >>> windows.past, windows.future
    (tensor([[0., 1., 2.],
            [1., 2., 3.]]), tensor([[3., 4.],
            [4., 5.]]))

    The steps to forecast of the next part begin where these end:

    >>> later = forecast_windows(series, 3, 2, start=6)
    >>> later.future.min().item(), later.past.min().item()
    (6.0, 3.0)
    """
    _require_series("series", series)
    require_integer("n_past", n_past, minimum=1)
    require_integer("n_ahead", n_ahead, minimum=1)
    n_steps = len(series)
    end = n_steps if end is None else require_integer("end", end, maximum=n_steps)
    require_integer("start", start, minimum=0)
    if start > end:
        raise ValueError(f"start must not lie after end, got start={start} and end={end}")
    first, last = max(start, n_past), end - n_ahead
    if last < first:
        raise ValueError(
            f"series must leave room for n_past={n_past} known steps and n_ahead={n_ahead} to "
            f"forecast between start={start} and end={end}, got {describe(series)}; "
            "use shorter windows"
        )
    shared = series[first - n_past : end].unfold(0, n_past + n_ahead, 1).movedim(-1, 1)
    origin = torch.arange(first, last + 1, device=series.device)
    return Windows(shared[:, :n_past], shared[:, n_past:], origin)


def climatology(series: Tensor, period: int = 12) -> Tensor:
    r"""Average all values of the same phase of the year.

    .. math:: c_m = \frac{1}{|\{t : t \bmod P = m\}|} \sum_{t \bmod P = m} x_t

    Parameters
    ----------
    series : Tensor
        The values, one step after the other; step 0 has phase 0. Pass the years of training only.
    period : int, optional
        :math:`P`, how many steps a year has.

    Returns
    -------
    Tensor
        The mean of each phase, in the unit and dtype of ``series``.

    Shapes
    ------
    series : ``(T, *)`` with ``T >= period``
    return : ``(period, *)``

    Raises
    ------
    TypeError
        If ``series`` is not a floating-point tensor or ``period`` not an ``int``.
    ValueError
        If ``period`` is below 1, or ``series`` is shorter than one period.

    Notes
    -----
    A year that is not complete counts in the phases that it has. float16 and bfloat16 are averaged
    in float32.

    Examples
    --------
    >>> climatology(torch.tensor([1.0, 10.0, 3.0, 20.0, 5.0]), period=2)
    tensor([ 3., 15.])
    """
    require_floating("series", series)
    _require_series("series", series)
    require_integer("period", period, minimum=1)
    if len(series) < period:
        raise ValueError(f"series must hold a period of {period} steps, got {describe(series)}")
    wide = _at_least_float32(series)
    means = [wide[phase::period].mean(dim=0) for phase in range(period)]
    return torch.stack(means).to(series.dtype)


def anomalies(series: Tensor, means: Tensor, *, start: int = 0) -> Tensor:
    r"""Subtract from every value what is normal for its phase: :math:`a_t = x_t - c_{t \bmod P}`.

    Parameters
    ----------
    series : Tensor
        The values.
    means : Tensor
        The normal values, as from :func:`climatology`.
    start : int, optional
        The step at which ``series`` begins, counted from phase 0, at least 0.

    Returns
    -------
    Tensor
        The differences.

    Shapes
    ------
    series : ``(T, *)``
    means : ``(period, *)``
    return : ``(T, *)``

    Raises
    ------
    TypeError
        If an argument is not a floating-point tensor, the dtypes differ, or ``start`` is not an
        ``int``.
    ValueError
        If ``means`` is empty, the features or the devices differ, or ``start`` is negative.

    Examples
    --------
    >>> anomalies(torch.tensor([1.0, 12.0, 3.0]), torch.tensor([2.0, 10.0]))
    tensor([-1.,  2.,  1.])
    """
    require_floating("series", series)
    _require_series("series", series)
    _require_means(means)
    require_same_placement("means", means, "series", series)
    require_integer("start", start, minimum=0)
    if means.shape[1:] != series.shape[1:]:
        raise ValueError(
            f"means must have the features of series, {tuple(series.shape[1:])}, "
            f"got {describe(means)}"
        )
    phase = (start + torch.arange(len(series), device=series.device)) % len(means)
    return series - means[phase]


def climatology_forecast(means: Tensor, origin: Tensor, n_ahead: int) -> Tensor:
    r"""Forecast what is normal for the time of the year.

    .. math:: \hat x_{o + h - 1} = c_{(o + h - 1) \bmod P}, \qquad h = 1, \dots, H

    Parameters
    ----------
    means : Tensor
        The normal values, as from :func:`climatology`.
    origin : Tensor
        The first step to forecast of each window, counted from phase 0; whole numbers.
    n_ahead : int
        :math:`H`, how many steps to forecast.

    Returns
    -------
    Tensor
        The forecasts.

    Shapes
    ------
    means : ``(period, *)``
    origin : ``(N,)``
    return : ``(N, n_ahead, *)``

    Raises
    ------
    TypeError
        If ``means`` is not a floating-point tensor, ``origin`` not one of whole numbers, or
        ``n_ahead`` not an ``int``.
    ValueError
        If ``means`` is empty, ``origin`` not a vector, or ``n_ahead`` below 1.

    Examples
    --------
    >>> climatology_forecast(torch.tensor([2.0, 10.0]), torch.tensor([0, 3]), 3)
    tensor([[ 2., 10.,  2.],
            [10.,  2., 10.]])
    """
    _require_means(means)
    require_tensor("origin", origin)
    if origin.dtype not in (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8):
        raise TypeError(f"origin must hold whole numbers, got {describe(origin)}")
    if origin.dim() != 1:
        raise ValueError(f"origin must have shape (N,), got {describe(origin)}")
    require_integer("n_ahead", n_ahead, minimum=1)
    steps = origin.long().to(means.device)[:, None] + torch.arange(n_ahead, device=means.device)
    return means[steps % len(means)]


def persistence_forecast(past: Tensor, n_ahead: int) -> Tensor:
    r"""Forecast "same as last time": :math:`\hat x_{t+h} = x_t` for every lead h.

    Parameters
    ----------
    past : Tensor
        Windows of known values.
    n_ahead : int
        :math:`H`, how many steps to forecast, at least 1.

    Returns
    -------
    Tensor
        The forecasts: a view of ``past`` that repeats its last step.

    Shapes
    ------
    past : ``(N, L, *)``
    return : ``(N, n_ahead, *)``

    Raises
    ------
    TypeError
        If ``past`` is not a tensor or ``n_ahead`` not an ``int``.
    ValueError
        If ``past`` has fewer than two dimensions or no step, or ``n_ahead`` is below 1.

    Examples
    --------
    >>> persistence_forecast(torch.tensor([[1.0, 2.0, 4.0]]), 3)
    tensor([[4., 4., 4.]])
    """
    _require_past(past, 1)
    require_integer("n_ahead", n_ahead, minimum=1)
    return past[:, -1:].expand(-1, n_ahead, *past.shape[2:])


def seasonal_naive_forecast(past: Tensor, n_ahead: int, period: int = 12) -> Tensor:
    r"""Forecast "same as last year": the last known value of the same phase.

    .. math:: \hat x_{t+h} = x_{t + h - kP}, \qquad k = \lceil h / P \rceil

    Parameters
    ----------
    past : Tensor
        Windows of known values, at least one period long.
    n_ahead : int
        :math:`H`, how many steps to forecast, at least 1.
    period : int, optional
        :math:`P`, how many steps a year has.

    Returns
    -------
    Tensor
        The forecasts.

    Shapes
    ------
    past : ``(N, L, *)`` with ``L >= period``
    return : ``(N, n_ahead, *)``

    Raises
    ------
    TypeError
        If ``past`` is not a tensor or a number of steps not an ``int``.
    ValueError
        If ``past`` has fewer than two dimensions or is shorter than a period, or a number of steps
        is below 1.

    Examples
    --------
    >>> seasonal_naive_forecast(torch.tensor([[9.0, 1.0, 2.0, 3.0]]), 4, period=3)
    tensor([[1., 2., 3., 1.]])
    """
    require_integer("period", period, minimum=1)
    _require_past(past, period)
    require_integer("n_ahead", n_ahead, minimum=1)
    lead = torch.arange(n_ahead, device=past.device)  # 0 for the first step to forecast
    return past[:, past.shape[1] - period + lead % period]


def lag_coefficient(series: Tensor, lag: int = 1) -> Tensor:
    r"""Return the factor that best turns a value into the one ``lag`` steps later.

    .. math:: r = \frac{\sum_t x_t \, x_{t + k}}{\sum_t x_t^2}

    It minimises :math:`\sum_t (x_{t+k} - r x_t)^2`. For anomalies it is close to their
    autocorrelation.

    Parameters
    ----------
    series : Tensor
        Values about zero, such as anomalies.
    lag : int, optional
        :math:`k`, at least 1.

    Returns
    -------
    Tensor
        The factor of each feature, dimensionless; NaN where all known values are zero.

    Shapes
    ------
    series : ``(T, *)`` with ``T > lag``
    return : ``(*)``

    Raises
    ------
    TypeError
        If ``series`` is not a floating-point tensor or ``lag`` not an ``int``.
    ValueError
        If ``lag`` is below 1 or ``series`` not longer than it.

    Examples
    --------
    >>> lag_coefficient(torch.tensor([8.0, 4.0, 2.0, 1.0])).item()
    0.5
    """
    require_floating("series", series)
    _require_series("series", series)
    require_integer("lag", lag, minimum=1)
    if len(series) <= lag:
        raise ValueError(f"series must be longer than lag={lag}, got {describe(series)}")
    wide = _at_least_float32(series)
    before, after = wide[:-lag], wide[lag:]
    # Divided by the largest first, so that no square overflows or vanishes.
    scale = before.abs().amax(dim=0)
    before, after = before / scale, after / scale
    return ((before * after).sum(dim=0) / (before * before).sum(dim=0)).to(series.dtype)


def damped_persistence_forecast(past: Tensor, n_ahead: int, damping: float) -> Tensor:
    r"""Forecast that an anomaly fades: :math:`\hat a_{t+h} = r^h a_t`.

    Parameters
    ----------
    past : Tensor
        Windows of known anomalies.
    n_ahead : int
        :math:`H`, how many steps to forecast, at least 1.
    damping : float
        :math:`r`, from 0 (nothing is left after a step) to 1 (persistence).

    Returns
    -------
    Tensor
        The forecasts.

    Shapes
    ------
    past : ``(N, L, *)``
    return : ``(N, n_ahead, *)``

    Raises
    ------
    TypeError
        If ``past`` is not a floating-point tensor, ``n_ahead`` not an ``int`` or ``damping`` not a
        number.
    ValueError
        If ``past`` has fewer than two dimensions or no step, ``n_ahead`` is below 1, or ``damping``
        lies outside [0, 1].

    Examples
    --------
    >>> damped_persistence_forecast(torch.tensor([[0.0, 8.0]]), 3, 0.5)
    tensor([[4., 2., 1.]])
    """
    require_floating("past", past)
    _require_past(past, 1)
    require_integer("n_ahead", n_ahead, minimum=1)
    damping = require_number("damping", damping, minimum=0.0, maximum=1.0)
    lead = torch.arange(1, n_ahead + 1, dtype=torch.float64)
    share = (damping**lead).to(past).reshape(-1, *(1,) * (past.dim() - 2))  # (H, 1, ...)
    return past[:, -1:] * share


def rollout(step: Callable[[Tensor], Tensor], past: Tensor, n_ahead: int) -> Tensor:
    r"""Forecast several steps with a function that knows one: feed it its own forecasts.

    .. math:: \hat x_{t+h} = f(x_{t+h-L}, \dots, x_t, \hat x_{t+1}, \dots, \hat x_{t+h-1})

    Parameters
    ----------
    step : callable
        :math:`f`: takes windows ``(N, L, *)`` and returns the next values ``(N, *)``.
    past : Tensor
        Windows of known values.
    n_ahead : int
        :math:`H`, how many steps to forecast, at least 1.

    Returns
    -------
    Tensor
        The forecasts. Gradients flow through all steps.

    Shapes
    ------
    past : ``(N, L, *)``
    return : ``(N, n_ahead, *)``

    Raises
    ------
    TypeError
        If ``past`` is not a tensor, ``n_ahead`` not an ``int``, or ``step`` not callable.
    ValueError
        If ``past`` has fewer than two dimensions or no step, ``n_ahead`` is below 1, or ``step``
        returns another shape than ``(N, *)``.

    Notes
    -----
    The window keeps its length: each forecast comes in at its end, and the oldest value leaves.

    Examples
    --------
    A step that continues the straight line through the last two values:

    >>> rollout(lambda x: 2 * x[:, -1] - x[:, -2], torch.tensor([[1.0, 2.0, 4.0]]), 3)
    tensor([[ 6.,  8., 10.]])
    """
    if not callable(step):
        raise TypeError(f"step must be callable, got {describe(step)}")
    _require_past(past, 1)
    require_integer("n_ahead", n_ahead, minimum=1)
    wanted = past[:, 0].shape
    forecasts: list[Tensor] = []
    window = past
    for _ in range(n_ahead):
        value = require_tensor("step(past)", step(window))
        if value.shape != wanted:
            raise ValueError(
                f"step(past) must have shape {tuple(wanted)}, one value after each window, "
                f"got {describe(value)}"
            )
        forecasts.append(value)
        window = torch.cat([window[:, 1:], value[:, None]], dim=1)
    return torch.stack(forecasts, dim=1)


def error_by_lead(forecast: Tensor, truth: Tensor) -> Tensor:
    r"""Return the root mean squared error of each lead time.

    .. math:: \text{RMSE}_h = \sqrt{\frac1N \sum_{n=1}^{N} (\hat x_{nh} - x_{nh})^2}

    Parameters
    ----------
    forecast, truth : Tensor
        What was forecast and what came.

    Returns
    -------
    Tensor
        One error for each lead time, in the unit of ``truth``. Features are averaged over.

    Shapes
    ------
    forecast, truth : ``(N, H, *)``
    return : ``(H,)``

    Raises
    ------
    TypeError
        If an argument is not a floating-point tensor, or the dtypes differ.
    ValueError
        If the shapes or devices differ, there are fewer than two dimensions, or no window.

    Notes
    -----
    Differences are divided by the largest before they are squared, so that none overflows;
    float16 and bfloat16 are averaged in float32.

    Examples
    --------
    >>> forecast = torch.tensor([[1.0, 2.0], [1.0, 2.0]])
    >>> error_by_lead(forecast, torch.tensor([[1.0, 5.0], [1.0, -1.0]]))
    tensor([0., 3.])
    """
    difference = _lead_differences("forecast", forecast, truth)
    scale = difference.detach().abs().amax(dim=1, keepdim=True)
    scale = scale.masked_fill(scale == 0, 1.0)
    mean = ((difference / scale) ** 2).mean(dim=1)
    return (mean.sqrt() * scale[:, 0]).to(truth.dtype)


def skill_score(forecast: Tensor, truth: Tensor, reference: Tensor) -> Tensor:
    r"""Return how much of a reference forecast's squared error is gone, for each lead time.

    .. math:: S_h = 1 - \frac{\text{MSE}_h(\text{forecast})}{\text{MSE}_h(\text{reference})}

    Parameters
    ----------
    forecast, truth, reference : Tensor
        What was forecast, what came, and what a simple rule forecast.

    Returns
    -------
    Tensor
        One score for each lead time, dimensionless: 1 is perfect, 0 no better than the reference,
        negative worse. Where both are perfect it is NaN, and −∞ where only the reference is.

    Shapes
    ------
    forecast, truth, reference : ``(N, H, *)``
    return : ``(H,)``

    Raises
    ------
    TypeError
        If an argument is not a floating-point tensor, or the dtypes differ.
    ValueError
        If the shapes or devices differ, there are fewer than two dimensions, or no window.

    References
    ----------
    Murphy, "Skill scores based on the mean square error and their relationships to the correlation
    coefficient", Monthly Weather Review 116 (1988),
    https://doi.org/10.1175/1520-0493(1988)116%3C2417:SSBOTM%3E2.0.CO;2

    Examples
    --------
    >>> truth = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> skill_score(truth + 1, truth, truth + 2)
    tensor([0.7500, 0.7500])
    >>> skill_score(truth + 2, truth, truth + 1)
    tensor([-3., -3.])
    """
    ours = _lead_differences("forecast", forecast, truth)
    theirs = _lead_differences("reference", reference, truth)
    scale = torch.maximum(ours.abs().amax(1, keepdim=True), theirs.abs().amax(1, keepdim=True))
    scale = scale.detach().masked_fill(scale == 0, 1.0)
    share = ((ours / scale) ** 2).mean(dim=1) / ((theirs / scale) ** 2).mean(dim=1)
    return (1 - share).to(truth.dtype)


# ---- guards ------------------------------------------------------------------------------------


def _lead_differences(name: str, forecast: Tensor, truth: Tensor) -> Tensor:
    """Return forecast minus truth as ``(H, everything else)``, after a check of both."""
    require_floating(name, forecast)
    require_floating("truth", truth)
    require_same_placement(name, forecast, "truth", truth)
    if forecast.shape != truth.shape:
        raise ValueError(
            f"{name} must have truth's shape {tuple(truth.shape)}, got {describe(forecast)}"
        )
    if truth.dim() < 2:
        raise ValueError(f"truth must have shape (N, H, *), got {describe(truth)}")
    if truth.numel() == 0:
        raise ValueError(f"truth must hold at least one forecast, got {describe(truth)}")
    difference = _at_least_float32(forecast) - _at_least_float32(truth)
    return difference.movedim(1, 0).flatten(1)


def _at_least_float32(values: Tensor) -> Tensor:
    return values.float() if values.dtype in (torch.float16, torch.bfloat16) else values


def _require_series(name: str, series: object) -> Tensor:
    tensor = require_tensor(name, series)
    if tensor.dim() == 0:
        raise ValueError(
            f"{name} must have the time in its first dimension, got {describe(tensor)}"
        )
    return tensor


def _require_means(means: object) -> None:
    tensor = require_floating("means", means)
    if tensor.dim() == 0 or len(tensor) == 0:
        raise ValueError(f"means must hold one value for each phase, got {describe(tensor)}")


def _require_past(past: object, n_steps: int) -> None:
    tensor = require_tensor("past", past)
    if tensor.dim() < 2 or tensor.shape[1] < n_steps:
        raise ValueError(
            f"past must have shape (N, L, *) with L >= {n_steps}, got {describe(tensor)}"
        )
