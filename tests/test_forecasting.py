"""Windows do not leak, the simple rules say what they promise, and scores have the right sign."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from handbook.datasets import load_el_nino
from handbook.forecasting import (
    Windows,
    anomalies,
    climatology,
    climatology_forecast,
    damped_persistence_forecast,
    error_by_lead,
    forecast_windows,
    lag_coefficient,
    persistence_forecast,
    rollout,
    seasonal_naive_forecast,
    skill_score,
)
from handbook.seeding import make_generator

FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def draws(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=make_generator(seed), dtype=torch.float64)


def test_each_window_is_a_stretch_of_the_series() -> None:
    series = torch.arange(9.0)
    windows = forecast_windows(series, 3, 2)
    assert isinstance(windows, Windows)
    for past, future, origin in zip(*windows, strict=True):
        assert torch.equal(torch.cat([past, future]), series[origin - 3 : origin + 2])
    assert windows.origin.tolist() == [3, 4, 5, 6, 7]


@pytest.mark.parametrize("boundary", [4, 6, 9])
def test_no_step_to_forecast_lies_in_two_parts(boundary: int) -> None:
    series = torch.arange(14)
    early = forecast_windows(series, 2, 2, end=boundary)
    late = forecast_windows(series, 2, 2, start=boundary)
    assert early.future.max() < boundary <= late.future.min()
    assert early.past.max() < boundary
    assert late.past.min() == boundary - 2


def test_windows_of_many_features_keep_them_last() -> None:
    windows = forecast_windows(draws(10, 2, 3), 4, 1)
    assert windows.past.shape == (6, 4, 2, 3)
    assert windows.future.shape == (6, 1, 2, 3)


def test_windows_are_views() -> None:
    series = torch.zeros(6)
    windows = forecast_windows(series, 2, 1)
    series[2] = 7.0
    assert windows.future[0, 0] == 7


def test_one_window_fits_exactly() -> None:
    windows = forecast_windows(torch.arange(5.0), 3, 2)
    assert windows.origin.tolist() == [3]


@pytest.mark.parametrize("dtype", FLOATS)
def test_climatology_and_anomalies_add_up_to_the_series(dtype: torch.dtype) -> None:
    series = draws(50, 2).to(dtype)
    means = climatology(series, 12)
    assert means.dtype == dtype
    assert means.shape == (12, 2)
    wanted = torch.stack([series[m::12].double().mean(dim=0) for m in range(12)]).to(dtype)
    torch.testing.assert_close(means, wanted)
    again = anomalies(series, means) + means[torch.arange(50) % 12]
    atol = 4 * torch.finfo(dtype).eps  # of numbers about 2
    torch.testing.assert_close(again, series, rtol=0, atol=atol)


def test_climatology_does_not_overflow_in_half_precision() -> None:
    assert climatology(torch.full((20,), 6e4, dtype=torch.float16), 2).tolist() == [6e4] * 2


def test_the_anomalies_of_full_years_have_mean_zero_in_every_month() -> None:
    series = draws(48)
    left = anomalies(series, climatology(series)).reshape(4, 12).mean(dim=0)
    torch.testing.assert_close(left, torch.zeros(12, dtype=torch.float64))


def test_anomalies_may_start_in_any_month() -> None:
    series, means = draws(30), draws(12, seed=1)
    torch.testing.assert_close(anomalies(series, means)[7:], anomalies(series[7:], means, start=7))


def test_the_climatology_is_forecast_by_the_origin() -> None:
    means = torch.arange(12.0)
    forecast = climatology_forecast(means, torch.tensor([0, 11, 25]), 3)
    assert forecast.tolist() == [[0, 1, 2], [11, 0, 1], [1, 2, 3]]


@pytest.mark.parametrize("features", [(), (3,), (2, 2)])
def test_the_simple_rules_by_their_definitions(features: tuple[int, ...]) -> None:
    past = draws(5, 14, *features)
    last = persistence_forecast(past, 30)
    naive = seasonal_naive_forecast(past, 30, period=12)
    damped = damped_persistence_forecast(past, 30, 0.8)
    assert last.shape == naive.shape == damped.shape == (5, 30, *features)
    for lead in range(30):
        assert torch.equal(last[:, lead], past[:, -1])
        assert torch.equal(naive[:, lead], past[:, 2 + lead % 12])
        torch.testing.assert_close(damped[:, lead], past[:, -1] * 0.8 ** (lead + 1))


def test_damping_of_one_is_persistence_and_of_zero_is_the_normal_year() -> None:
    past = draws(4, 3)
    assert torch.equal(damped_persistence_forecast(past, 5, 1.0), persistence_forecast(past, 5))
    assert not damped_persistence_forecast(past, 5, 0.0).any()


def test_the_rules_take_an_empty_batch() -> None:
    past = torch.zeros(0, 12)
    for forecast in (
        persistence_forecast(past, 3),
        seasonal_naive_forecast(past, 3),
        damped_persistence_forecast(past, 3, 0.5),
    ):
        assert forecast.shape == (0, 3)


def test_the_lag_coefficient_minimises_the_squared_error() -> None:
    series = draws(200)
    r = lag_coefficient(series, 2).requires_grad_()
    loss = ((series[2:] - r * series[:-2]) ** 2).sum()
    assert torch.autograd.grad(loss, r)[0].abs() < 1e-9


@pytest.mark.parametrize(("dtype", "size"), [(torch.float32, 1e30), (torch.float16, 6e4)])
def test_the_lag_coefficient_survives_large_numbers(dtype: torch.dtype, size: float) -> None:
    series = torch.tensor([size, size / 2, size / 4], dtype=dtype)
    assert lag_coefficient(series).item() == pytest.approx(0.5)


def test_the_lag_coefficient_of_zeros_is_not_a_number() -> None:
    assert lag_coefficient(torch.zeros(4)).isnan()


def test_a_rollout_feeds_each_forecast_back() -> None:
    seen = []

    def step(window: torch.Tensor) -> torch.Tensor:
        seen.append(window.tolist())
        return window.sum(dim=1)

    assert rollout(step, torch.tensor([[1.0, 2.0]]), 3).tolist() == [[3.0, 5.0, 8.0]]
    assert seen == [[[1.0, 2.0]], [[2.0, 3.0]], [[3.0, 5.0]]]


def test_gradients_flow_through_a_whole_rollout() -> None:
    past = draws(2, 3).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: rollout(lambda w: w.prod(dim=1), x, 3), (past,))


def test_one_step_errors_are_smaller_than_those_of_a_rollout() -> None:
    temperature = load_el_nino().temperature_celsius
    anomaly = anomalies(temperature, climatology(temperature[:360]))
    r = lag_coefficient(anomaly[:360]).item()
    windows = forecast_windows(anomaly, 12, 6, start=480)
    error = error_by_lead(rollout(lambda w: r * w[:, -1], windows.past, 6), windows.future)
    damped = error_by_lead(damped_persistence_forecast(windows.past, 6, r), windows.future)
    torch.testing.assert_close(error, damped)  # the same rule, said twice
    assert (error.diff() > 0).all()
    assert error[-1] > 2 * error[0]


def test_errors_are_those_of_the_definition() -> None:
    forecast, truth = draws(7, 4, 2), draws(7, 4, 2, seed=1)
    wanted = ((forecast - truth) ** 2).mean(dim=(0, 2)).sqrt()
    torch.testing.assert_close(error_by_lead(forecast, truth), wanted)


@pytest.mark.parametrize(("dtype", "size"), [(torch.float32, 1e30), (torch.float16, 3e4)])
def test_errors_do_not_overflow(dtype: torch.dtype, size: float) -> None:
    forecast = torch.full((3, 2), size, dtype=dtype)
    error = error_by_lead(forecast, torch.zeros_like(forecast))
    assert error.dtype == dtype
    assert error.tolist() == forecast[0].tolist()


def test_a_perfect_forecast_has_no_error_and_full_skill() -> None:
    truth = draws(5, 3)
    assert not error_by_lead(truth, truth).any()
    assert skill_score(truth, truth, truth + 1).tolist() == [1.0, 1.0, 1.0]


def test_skill_is_zero_for_the_reference_and_negative_below_it() -> None:
    truth = draws(5, 3)
    assert skill_score(truth + 1, truth, truth - 1).abs().max() < 1e-12
    assert (skill_score(truth + 2, truth, truth + 1) < 0).all()
    assert skill_score(truth + 1, truth, truth).tolist() == [-torch.inf] * 3
    assert skill_score(truth, truth, truth).isnan().all()


def test_skill_compares_mean_squares() -> None:
    forecast, truth, reference = (draws(6, 4, seed=seed) for seed in range(3))
    ours, theirs = (((x - truth) ** 2).mean(dim=0) for x in (forecast, reference))
    torch.testing.assert_close(skill_score(forecast, truth, reference), 1 - ours / theirs)


def test_errors_and_skill_are_differentiable() -> None:
    forecast, truth, reference = (draws(3, 2, seed=seed) for seed in range(3))
    forecast.requires_grad_()
    assert torch.autograd.gradcheck(lambda x: error_by_lead(x, truth), (forecast,))
    assert torch.autograd.gradcheck(lambda x: skill_score(x, truth, reference), (forecast,))


SERIES, PAST = torch.zeros(6), torch.zeros(2, 4)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: forecast_windows([1.0], 1, 1), TypeError, "series must be a tensor, got a list"),
        (lambda: forecast_windows(torch.tensor(1.0), 1, 1), ValueError, "time in its first dim"),
        (lambda: forecast_windows(SERIES, 0, 1), ValueError, "n_past must be at least 1, got 0"),
        (lambda: forecast_windows(SERIES, 1, 0), ValueError, "n_ahead must be at least 1, got 0"),
        (lambda: forecast_windows(SERIES, 1, 1, start=-1), ValueError, "start must be at least 0"),
        (lambda: forecast_windows(SERIES, 1, 1, end=7), ValueError, "end must be at most 6, got 7"),
        (lambda: forecast_windows(SERIES, 1, 1, start=4, end=3), ValueError, "start must not lie"),
        (lambda: forecast_windows(SERIES, 4, 3), ValueError, "series must leave room for n_past=4"),
        (lambda: forecast_windows(SERIES, 1, 2, end=2), ValueError, "use shorter windows"),
        (lambda: climatology(SERIES.long(), 2), TypeError, "series must have a floating-point"),
        (lambda: climatology(SERIES, 7), ValueError, "series must hold a period of 7 steps"),
        (lambda: climatology(SERIES, 0), ValueError, "period must be at least 1, got 0"),
        (lambda: anomalies(SERIES, torch.zeros(0)), ValueError, "means must hold one value for"),
        (lambda: anomalies(SERIES, torch.zeros(2, 2)), ValueError, "means must have the features"),
        (lambda: anomalies(SERIES, torch.zeros(2).double()), TypeError, "means must have series's"),
        (lambda: anomalies(SERIES, torch.zeros(2), start=-1), ValueError, "start must be at least"),
        (lambda: climatology_forecast(SERIES, SERIES, 1), TypeError, "origin must hold whole num"),
        (
            lambda: climatology_forecast(SERIES, torch.zeros(1, 1).long(), 1),
            ValueError,
            r"origin must have shape \(N,\)",
        ),
        (lambda: persistence_forecast(SERIES, 1), ValueError, r"past must have shape \(N, L, \*\)"),
        (lambda: persistence_forecast(PAST, 0), ValueError, "n_ahead must be at least 1, got 0"),
        (lambda: seasonal_naive_forecast(PAST, 1, 5), ValueError, "with L >= 5, got a float32"),
        (lambda: seasonal_naive_forecast(PAST, 1, 0), ValueError, "period must be at least 1"),
        (lambda: damped_persistence_forecast(PAST, 1, 1.5), ValueError, "damping must be at most"),
        (
            lambda: damped_persistence_forecast(PAST.long(), 1, 0.5),
            TypeError,
            "past must have a fl",
        ),
        (lambda: lag_coefficient(SERIES, 6), ValueError, "series must be longer than lag=6"),
        (lambda: lag_coefficient(SERIES, 0), ValueError, "lag must be at least 1, got 0"),
        (lambda: rollout(None, PAST, 1), TypeError, "step must be callable, got None"),
        (lambda: rollout(lambda x: x, PAST, 1), ValueError, r"step\(past\) must have shape \(2,\)"),
        (lambda: rollout(lambda x: 1.0, PAST, 1), TypeError, r"step\(past\) must be a tensor"),
        (lambda: error_by_lead(PAST, PAST[:1]), ValueError, "forecast must have truth's shape"),
        (lambda: error_by_lead(SERIES, SERIES), ValueError, r"truth must have shape \(N, H, \*\)"),
        (lambda: error_by_lead(PAST[:0], PAST[:0]), ValueError, "truth must hold at least one"),
        (lambda: error_by_lead(PAST.double(), PAST), TypeError, "forecast must have truth's dtype"),
        (lambda: skill_score(PAST, PAST, PAST[:1]), ValueError, "reference must have truth's"),
    ],
)
def test_what_does_not_fit_is_refused(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
