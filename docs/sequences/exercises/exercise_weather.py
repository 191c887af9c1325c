"""Exercises: forecasting a time series.

Write the functions, then run this file: ``python exercise_weather.py``.
"""

import torch

from handbook.exercises import expect, run_checks


def same_as_last_year(past, n_ahead, period=12):
    """Forecast that every value comes as it came one period before.

    Beyond one period ahead, the last known period is repeated again and again.

    Arguments: past of shape (N, L) with L >= period, and two ints.
    Returns: a tensor of shape (N, n_ahead).
    """
    # solution: begin
    last_period = past[:, past.shape[1] - period :]
    repeats = -(-n_ahead // period)  # rounded up
    return last_period.repeat(1, repeats)[:, :n_ahead]
    # solution: end


def honest_windows(series, n_past, n_ahead, boundary):
    """Cut a series into windows of training and of test, split in time.

    In training, all n_ahead steps to forecast lie before the boundary; in the test, all lie at it
    or after it. Take every window that fits. The past of the test may reach back before the
    boundary.

    Arguments: series of shape (T,), and three ints. Returns: two tensors of shape
    (N, n_past + n_ahead), training and test, in order of time.
    """
    # solution: begin
    windows = series.unfold(0, n_past + n_ahead, 1)
    first_forecast = torch.arange(len(windows)) + n_past
    training = windows[first_forecast + n_ahead <= boundary]
    test = windows[first_forecast >= boundary]
    return training, test
    # solution: end


def _last_value(past, n_ahead, period=12):
    return past[:, -1:].expand(-1, n_ahead)


def _first_period(past, n_ahead, period=12):
    return past[:, :period].repeat(1, -(-n_ahead // period))[:, :n_ahead]


def _one_month_late(past, n_ahead, period=12):
    lead = torch.arange(1, n_ahead + 1)
    return past[:, past.shape[1] - period + lead % period]


def _by_share(series, n_past, n_ahead, boundary):
    windows = series.unfold(0, n_past + n_ahead, 1)
    return windows[:boundary], windows[boundary:]


def _overlapping(series, n_past, n_ahead, boundary):
    windows = series.unfold(0, n_past + n_ahead, 1)
    first_forecast = torch.arange(len(windows)) + n_past
    return windows[first_forecast < boundary], windows[first_forecast >= boundary]


def _without_the_past(series, n_past, n_ahead, boundary):
    size = n_past + n_ahead
    return series[:boundary].unfold(0, size, 1), series[boundary:].unfold(0, size, 1)


MISTAKES = {
    "same_as_last_year": {
        "You repeated the last value: that is the same as last time.": _last_value,
        "You took the first period of the past. The last one is the latest.": _first_period,
        "You are one step late: one step ahead comes what came period - 1 steps before the last "
        "known value.": _one_month_late,
    },
    "honest_windows": {
        "You split the windows by their number. The boundary is a step of the series.": _by_share,
        "The last windows of training forecast steps behind the boundary: those are in the test "
        "too.": _overlapping,
        "The past of the test may reach back before the boundary. It is known when the forecast is "
        "made.": _without_the_past,
    },
}


def test_same_as_last_year():
    past = torch.tensor([[9.0, 8.0, 1.0, 2.0, 3.0], [0.0, 0.0, 4.0, 5.0, 6.0]])
    wanted = torch.tensor([[1.0, 2.0, 3.0, 1.0, 2.0], [4.0, 5.0, 6.0, 4.0, 5.0]])
    expect(same_as_last_year, past, 5, 3, equals=wanted, mistakes=MISTAKES["same_as_last_year"])


def test_honest_windows():
    series = torch.arange(10.0)
    training = torch.tensor([[0.0, 1.0, 2.0, 3.0], [1.0, 2.0, 3.0, 4.0], [2.0, 3.0, 4.0, 5.0]])
    test = torch.tensor([[4.0, 5.0, 6.0, 7.0], [5.0, 6.0, 7.0, 8.0], [6.0, 7.0, 8.0, 9.0]])
    expect(
        honest_windows,
        series,
        2,
        2,
        6,
        equals=(training, test),
        mistakes=MISTAKES["honest_windows"],
    )


if __name__ == "__main__":
    run_checks(globals())
