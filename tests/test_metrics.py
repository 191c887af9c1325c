"""Metrics: closed forms, scikit-learn's own, degenerate sets, every message."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable

import numpy as np
import pytest
import sklearn.calibration
import sklearn.metrics
import torch
from hypothesis import given
from hypothesis import strategies as st

from handbook.metrics import (
    ClassScores,
    Reliability,
    accuracy,
    brier_score,
    confusion_matrix,
    expected_calibration_error,
    mean_absolute_error,
    precision_recall_f1,
    r2_score,
    reliability,
    root_mean_squared_error,
)
from handbook.seeding import make_generator

NAN, INF = math.nan, math.inf
FLOATING = [torch.float16, torch.bfloat16, torch.float32, torch.float64]
INTEGERS = [torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64]

labels = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=60)


def ints(*numbers: int) -> torch.Tensor:
    return torch.tensor(numbers, dtype=torch.int64)


def random_claims(seed: int, n_samples: int = 500, n_classes: int = 4) -> tuple:
    generator = make_generator(seed)
    logits = 3 * torch.randn(n_samples, n_classes, dtype=torch.float64, generator=generator)
    target = torch.randint(n_classes, (n_samples,), generator=generator)
    return torch.softmax(logits, dim=1), target


# --- Accuracy ----------------------------------------------------------------------------------


def test_accuracy_is_the_number_of_hits_over_the_number_of_samples() -> None:
    assert accuracy(ints(0, 1, 2), ints(0, 1, 1)) == 2 / 3


@pytest.mark.parametrize("dtype", FLOATING, ids=str)
def test_scores_of_every_dtype_are_compared_by_their_largest(
    dtype: torch.dtype, device: torch.device
) -> None:
    scores = torch.tensor([[2.0, -1.0, 0.0], [0.5, 0.75, -INF]], dtype=dtype, device=device)
    scores.requires_grad_()
    assert accuracy(scores, torch.tensor([0, 1], device=device)) == 1.0


def test_logits_and_their_probabilities_have_one_accuracy() -> None:
    generator = make_generator(0)
    logits = torch.randn(200, 5, generator=generator)
    target = torch.randint(5, (200,), generator=generator)
    wanted = sklearn.metrics.accuracy_score(target, logits.argmax(dim=1))
    for scores in (logits, torch.softmax(logits, 1), torch.log_softmax(logits / 7, 1)):
        assert accuracy(scores, target) == wanted


def test_the_first_of_equal_scores_is_predicted() -> None:
    scores = torch.zeros(3, 70)
    scores[1, 40:] = 1.0
    assert accuracy(scores, ints(0, 40, 1)) == 2 / 3


def test_one_score_is_compared_with_the_threshold_and_equal_is_not_above() -> None:
    logits = torch.tensor([-1.0, 0.0, 1e-9])
    assert accuracy(logits, ints(0, 0, 1), threshold=0) == 1.0
    assert accuracy(torch.sigmoid(2 * logits), ints(0, 0, 1), threshold=0.5) == 2 / 3


@pytest.mark.parametrize("dtype", [torch.bool, *INTEGERS], ids=str)
def test_classes_of_every_whole_dtype_are_compared(dtype: torch.dtype) -> None:
    assert accuracy(ints(0, 1, 1).to(dtype), ints(0, 1, 0)) == 2 / 3
    assert accuracy(ints(0, 1, 1), ints(0, 1, 0).to(dtype)) == 2 / 3


def test_many_samples_are_counted_exactly() -> None:
    n_samples = 2**24 + 3  # float32 would count no further than 2**24
    predicted = torch.ones(n_samples, dtype=torch.uint8)
    target = predicted.clone()
    target[0] = 0
    assert accuracy(predicted, target) == (n_samples - 1) / n_samples


@pytest.mark.parametrize(
    ("input", "target", "options", "error", "message"),
    [
        ([1], ints(1), {}, TypeError, "input must be a tensor, got a list"),
        (ints(1), [1], {}, TypeError, "target must be a tensor, got a list"),
        (ints(1), torch.ones(1), {}, TypeError, r"target must hold classes .* use target.long\(\)"),
        (ints(1), ints(1)[:, None], {}, ValueError, r"target must have shape \(N,\), .*flatten"),
        (ints(1), ints(-1), {}, ValueError, "target must hold classes from 0, got -1"),
        (ints(1)[:, None], ints(1), {}, ValueError, r"input must have shape \(N,\)"),
        (torch.ones(1).cfloat(), ints(1), {}, TypeError, "input must hold classes as whole"),
        (ints(1, 1), ints(1), {}, ValueError, r"target must have shape \(N,\) = \(2,\) to fit"),
        (ints(), ints(), {}, ValueError, "input must hold at least 1 sample"),
        (torch.ones(0, 3), ints(), {}, ValueError, "input must hold at least 1 sample"),
        (torch.ones(0), ints(), {"threshold": 0}, ValueError, "at least 1 sample"),
        (torch.ones(2, 1), ints(0, 1), {}, ValueError, r"at least 2 columns .*squeeze\(1\)"),
        (torch.ones(2, 2), ints(1), {}, ValueError, r"target must have shape \(N,\) = \(2,\)"),
        (torch.ones(1, 2), ints(2), {}, ValueError, "target must hold classes from 0 to 1, got 2"),
        (torch.tensor([[NAN, 1.0]]), ints(1), {}, ValueError, "input must not hold nan"),
        (torch.tensor([NAN]), ints(1), {"threshold": 0}, ValueError, "input must not hold nan"),
        (torch.ones(1), ints(1), {}, ValueError, "threshold must be given for one score"),
        (torch.ones(1), ints(1), {"threshold": "0"}, TypeError, "threshold must be a real number"),
        (torch.ones(1, 2), ints(1), {"threshold": 0}, TypeError, "threshold must be absent for sc"),
        (ints(1), ints(1), {"threshold": 0}, TypeError, "threshold must be absent for classes"),
        (torch.ones(1, 2, 3), ints(1), {}, ValueError, r"input must have shape \(N, C\) or \(N,\)"),
    ],
)
def test_bad_input_of_accuracy_is_refused(
    input: object, target: object, options: dict, error: type, message: str
) -> None:
    with pytest.raises(error, match=message):
        accuracy(input, target, **options)


# --- Confusion, precision, recall --------------------------------------------------------------


@given(labels)
def test_confusion_precision_recall_and_f1_equal_those_of_scikit_learn(pairs: list) -> None:
    predicted, target = torch.tensor(pairs).T
    counts = confusion_matrix(predicted, target, 5)
    wanted = sklearn.metrics.confusion_matrix(target, predicted, labels=range(5))
    assert counts.dtype == torch.int64
    assert counts.tolist() == wanted.tolist()
    ours = precision_recall_f1(predicted, target, 5, zero_division=0.0)
    theirs = sklearn.metrics.precision_recall_fscore_support(
        target, predicted, labels=range(5), zero_division=0.0
    )
    for mine, other in zip(ours, theirs, strict=True):
        assert mine.tolist() == pytest.approx(other.tolist(), rel=1e-15)


def test_rows_are_the_truth_and_columns_the_predictions() -> None:
    assert confusion_matrix(ints(1), ints(0)).tolist() == [[0, 1], [0, 0]]


def test_the_number_of_classes_is_taken_from_both_or_given() -> None:
    assert confusion_matrix(ints(2), ints(0)).shape == (3, 3)
    assert confusion_matrix(ints(0), ints(2)).shape == (3, 3)
    assert confusion_matrix(ints(0), ints(0), 4).shape == (4, 4)
    assert confusion_matrix(ints(), ints(), 2).tolist() == [[0, 0], [0, 0]]
    assert confusion_matrix(torch.tensor([True]), torch.tensor([True])).tolist() == [[0, 0], [0, 1]]


def test_what_has_no_value_is_nan_unless_told_otherwise() -> None:
    scores = precision_recall_f1(ints(0, 0), ints(0, 1), 3)
    assert isinstance(scores, ClassScores)
    torch.testing.assert_close(
        torch.stack(scores[:3]),
        torch.tensor([[0.5, NAN, NAN], [1.0, 0.0, NAN], [2 / 3, 0.0, NAN]], dtype=torch.float64),
        equal_nan=True,
    )
    assert scores.support.tolist() == [1, 1, 0]
    assert precision_recall_f1(ints(), ints(), 1, zero_division=1).f1.tolist() == [1.0]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((torch.ones(1), ints(1)), TypeError, "predicted must hold classes .* predicted.argmax"),
        ((ints(1), torch.ones(1)), TypeError, "target must hold classes"),
        ((ints(1), ints(1, 1)), ValueError, r"target must have shape \(N,\) = \(1,\) to fit pre"),
        ((ints(), ints()), ValueError, "n_classes must be given where there is no sample"),
        ((ints(1), ints(0), 1), ValueError, "predicted must hold classes from 0 to 0, got 1"),
        ((ints(0), ints(1), 1), ValueError, "target must hold classes from 0 to 0, got 1"),
        ((ints(0), ints(1), 0), ValueError, "n_classes must be at least 1, got 0"),
        ((ints(0), ints(1), 2.0), TypeError, "n_classes must be an int, got 2.0"),
    ],
)
def test_bad_input_of_a_confusion_matrix_is_refused(
    arguments: tuple, error: type, message: str
) -> None:
    with pytest.raises(error, match=message):
        confusion_matrix(*arguments)
    with pytest.raises(error, match=message):
        precision_recall_f1(*arguments)


def test_a_zero_division_that_is_no_number_is_refused() -> None:
    with pytest.raises(TypeError, match="zero_division must be a real number, got 'warn'"):
        precision_recall_f1(ints(0), ints(0), zero_division="warn")


# --- Probabilities -----------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("n_bins", [1, 3, 10, 15])
def test_bins_equal_those_of_scikit_learn(seed: int, n_bins: int) -> None:
    p = torch.rand(300, dtype=torch.float64, generator=make_generator(seed))
    p[:2] = torch.tensor([0.0, 1.0])  # the ends; the inner ones NumPy rounds otherwise
    target = torch.randint(2, (300,), generator=make_generator(seed + 100))
    result = reliability(p, target, n_bins=n_bins)
    frequency, confidence = sklearn.calibration.calibration_curve(target, p, n_bins=n_bins)
    filled = result.counts > 0
    assert isinstance(result, Reliability)
    assert result.frequency[filled].tolist() == pytest.approx(frequency.tolist(), rel=1e-12)
    assert result.confidence[filled].tolist() == pytest.approx(confidence.tolist(), rel=1e-12)
    assert result.counts.sum() == 300


def test_with_several_classes_the_claim_is_that_of_the_largest() -> None:
    p, target = random_claims(0)
    several = reliability(p, target)
    hits = (p.argmax(dim=1) == target).long()
    single = reliability(p.amax(dim=1), hits)
    for one, other in zip(several, single, strict=True):
        torch.testing.assert_close(one, other, equal_nan=True)
    assert expected_calibration_error(p, target) == expected_calibration_error(p.amax(1), hits)


@pytest.mark.parametrize("dtype", FLOATING, ids=str)
def test_a_tenth_lies_in_the_first_of_ten_bins_in_every_dtype(dtype: torch.dtype) -> None:
    p = torch.tensor([0.0, 0.1, 0.2, 1.0], dtype=dtype)
    assert reliability(p, ints(0, 0, 0, 1)).counts.tolist() == [2, 1, 0, 0, 0, 0, 0, 0, 0, 1]
    tenths = torch.tensor([k / 10 for k in range(1, 11)], dtype=dtype)
    assert reliability(tenths, torch.ones(10).long()).counts.tolist() == [1] * 10


def test_an_empty_bin_is_nan_and_weighs_nothing() -> None:
    result = reliability(torch.tensor([0.25, 0.25]), ints(0, 1), n_bins=4)
    assert result.edges.tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert result.counts.tolist() == [2, 0, 0, 0]
    assert result.confidence.isnan().tolist() == [False, True, True, True]
    assert result.frequency.isnan().tolist() == [False, True, True, True]
    assert expected_calibration_error(torch.tensor([0.25, 0.25]), ints(0, 1), n_bins=4) == 0.25


def test_the_calibration_error_is_the_weighted_gap() -> None:
    p, target = random_claims(1)
    confidence, predicted = p.max(dim=1)
    hits = (predicted == target).double()
    gap = 0.0
    for m in range(10):
        inside = (confidence > m / 10) & (confidence <= (m + 1) / 10)
        gap += abs(float((hits[inside] - confidence[inside]).sum())) / len(target)
    assert expected_calibration_error(p, target) == pytest.approx(gap, rel=1e-12)


def test_true_probabilities_are_calibrated_and_sharpened_ones_are_not() -> None:
    generator = make_generator(0)
    logit = 2 * torch.randn(20_000, generator=generator)
    p = torch.sigmoid(logit)
    target = (torch.rand(20_000, generator=generator) < p).long()
    assert expected_calibration_error(p, target) < 0.02
    assert expected_calibration_error(torch.sigmoid(3 * logit), target) > 0.1
    assert brier_score(p, target) < brier_score(torch.sigmoid(3 * logit), target)


@pytest.mark.parametrize("seed", range(3))
def test_the_brier_score_equals_that_of_scikit_learn(seed: int) -> None:
    p, target = random_claims(seed)
    wanted = sklearn.metrics.brier_score_loss(target, p.numpy(), scale_by_half=False)
    assert brier_score(p, target) == pytest.approx(wanted, rel=1e-12)
    binary = (target > 1).long()
    p1 = p[:, 2:].sum(dim=1).clamp(max=1)
    wanted = sklearn.metrics.brier_score_loss(binary, p1.numpy())
    assert brier_score(p1, binary) == pytest.approx(wanted, rel=1e-12)
    both = torch.stack([1 - p1, p1], dim=1)
    assert brier_score(both, binary) == pytest.approx(2 * wanted, rel=1e-12)


@pytest.mark.parametrize("function", [reliability, expected_calibration_error, brier_score])
@pytest.mark.parametrize("dtype", FLOATING, ids=str)
def test_probabilities_of_every_dtype_device_and_layout_are_taken(
    function: Callable, dtype: torch.dtype, device: torch.device
) -> None:
    p, target = random_claims(2)
    p = p.to(device, dtype).requires_grad_()
    rows = p.detach().T.contiguous().T  # another memory layout
    first, second = function(p, target.to(device)), function(rows, target.to(device))
    if isinstance(first, float):
        assert first == second
    else:
        assert not any(part.requires_grad for part in first)


@pytest.mark.parametrize("function", [reliability, expected_calibration_error, brier_score])
@pytest.mark.parametrize(
    ("probabilities", "target", "error", "message"),
    [
        ([0.5], ints(1), TypeError, "probabilities must be a tensor"),
        (ints(1), ints(1), TypeError, "probabilities must have a floating-point dtype"),
        (torch.ones(1), torch.ones(1), TypeError, "target must hold classes as whole numbers"),
        (torch.ones(1, 1), ints(1), ValueError, r"shape \(N,\), or \(N, C\) with C >= 2"),
        (torch.ones(1, 1, 2), ints(1), ValueError, r"shape \(N,\), or \(N, C\) with C >= 2"),
        (torch.ones(2), ints(1), ValueError, r"target must have shape \(N,\) = \(2,\)"),
        (torch.ones(0), ints(), ValueError, "probabilities must hold at least 1 sample"),
        (torch.ones(0, 2), ints(), ValueError, "probabilities must hold at least 1 sample"),
        (torch.tensor([-2.0, 3.5]), ints(0, 1), ValueError, "-2 to 3.5; use torch.sigmoid on log"),
        (torch.tensor([[-2.0, 3.0]]), ints(1), ValueError, "-2 to 3; use torch.softmax on logits"),
        (torch.tensor([NAN]), ints(1), ValueError, "must lie from 0 to 1, got values from nan"),
        (torch.tensor([[0.5, 0.9]]), ints(1), ValueError, "must sum to 1 .* off by 0.4"),
        (torch.ones(1), ints(2), ValueError, "target must hold classes from 0 to 1, got 2"),
        (torch.tensor([[0.5, 0.5]]), ints(2), ValueError, "target must hold classes from 0 to 1"),
    ],
)
def test_what_is_no_probability_is_refused(
    function: Callable, probabilities: object, target: object, error: type, message: str
) -> None:
    with pytest.raises(error, match=message):
        function(probabilities, target)


def test_a_bad_number_of_bins_is_refused() -> None:
    with pytest.raises(ValueError, match="n_bins must be at least 1, got 0"):
        reliability(torch.ones(1), ints(1), n_bins=0)
    with pytest.raises(TypeError, match=r"n_bins must be an int, got 2\.5"):
        expected_calibration_error(torch.ones(1), ints(1), n_bins=2.5)


# --- Regression --------------------------------------------------------------------------------

REGRESSION = pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (mean_absolute_error, sklearn.metrics.mean_absolute_error),
        (root_mean_squared_error, sklearn.metrics.root_mean_squared_error),
        (r2_score, sklearn.metrics.r2_score),
    ],
    ids=["mae", "rmse", "r2"],
)


@REGRESSION
@pytest.mark.parametrize("offset", [0.0, 1e4, 1e8])
def test_regression_metrics_equal_those_of_scikit_learn(
    ours: Callable, theirs: Callable, offset: float
) -> None:
    generator = make_generator(0)
    target = offset + torch.randn(100, dtype=torch.float64, generator=generator)
    predicted = target + 0.3 * torch.randn(100, dtype=torch.float64, generator=generator)
    assert ours(predicted, target) == pytest.approx(theirs(target, predicted), rel=1e-9)
    assert ours(predicted[:, None], target[:, None]) == ours(predicted, target)


@REGRESSION
@pytest.mark.parametrize("dtype", [*FLOATING, *INTEGERS], ids=str)
def test_real_numbers_of_every_dtype_and_device_are_taken(
    ours: Callable, theirs: Callable, dtype: torch.dtype, device: torch.device
) -> None:
    predicted = torch.tensor([1, 2, 5], dtype=dtype, device=device)
    target = torch.tensor([1, 4, 4], dtype=dtype, device=device)
    wanted = theirs(np.array([1.0, 4.0, 4.0]), np.array([1.0, 2.0, 5.0]))
    result = ours(predicted, target)
    assert isinstance(result, float)
    assert result == pytest.approx(wanted, rel=1e-12)


def test_small_unsigned_numbers_do_not_wrap_around() -> None:
    assert mean_absolute_error(torch.tensor([0]).byte(), torch.tensor([200]).byte()) == 200.0


def test_the_errors_have_the_unit_of_the_truth() -> None:
    generator = make_generator(1)
    metres, target = torch.randn(2, 50, dtype=torch.float64, generator=generator)
    for function in (mean_absolute_error, root_mean_squared_error):
        in_millimetres = function(1000 * metres, 1000 * target)
        assert in_millimetres == pytest.approx(1000 * function(metres, target))
    assert r2_score(1000 * metres, 1000 * target) == pytest.approx(r2_score(metres, target))


def test_huge_and_tiny_errors_survive_the_square() -> None:
    for size in (1e300, 1e-300):
        error = torch.tensor([size, 0.0, 0.0, 0.0], dtype=torch.float64)
        rmse = root_mean_squared_error(error, torch.zeros(4))
        assert rmse == pytest.approx(size / 2, rel=1e-12)
        assert r2_score(error / 2, error) == pytest.approx(1 - 0.25 / 0.75, rel=1e-12)


def test_infinity_and_nan_are_not_hidden() -> None:
    for function in (mean_absolute_error, root_mean_squared_error):
        assert function(torch.tensor([INF, 0.0]), torch.zeros(2)) == INF
        assert math.isnan(function(torch.tensor([NAN, 0.0]), torch.zeros(2)))
    assert math.isnan(r2_score(torch.tensor([NAN, 0.0]), torch.tensor([0.0, 1.0])))


def test_a_truth_that_does_not_vary_has_no_share_to_explain() -> None:
    constant = torch.full((7,), 0.1, dtype=torch.float64)
    assert math.isnan(r2_score(constant, constant))
    assert r2_score(constant + 1, constant) == -INF
    assert r2_score(torch.tensor([3.0]), torch.tensor([2.0])) == -INF
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert math.isnan(r2_score(torch.tensor([2.0]), torch.tensor([2.0])))


@REGRESSION
@pytest.mark.parametrize(
    ("input", "target", "error", "message"),
    [
        ([1.0], torch.ones(1), TypeError, "input must be a tensor, got a list"),
        (torch.ones(1), None, TypeError, "target must be a tensor, got None"),
        (torch.ones(1).cfloat(), torch.ones(1), TypeError, "input must hold real numbers"),
        (torch.ones(1), torch.ones(1).bool(), TypeError, "target must hold real numbers"),
        (torch.ones(3, 1), torch.ones(3), ValueError, r"target must have input's shape \(3, 1\)"),
        (torch.ones(0), torch.ones(0), ValueError, "input must hold at least 1 sample"),
    ],
)
def test_bad_input_of_regression_metrics_is_refused(
    ours: Callable, theirs: Callable, input: object, target: object, error: type, message: str
) -> None:
    with pytest.raises(error, match=message):
        ours(input, target)


@pytest.mark.parametrize("shape", [(), (2, 3), (2, 1, 1)], ids=str)
def test_r2_of_other_shapes_is_refused(shape: tuple) -> None:
    with pytest.raises(ValueError, match=r"target must have shape \(N,\) or \(N, 1\)"):
        r2_score(torch.ones(shape), torch.ones(shape))
