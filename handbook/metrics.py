r"""Numbers that say how good predictions are, for people to read.

A loss is what training makes small; it needs a slope. A metric is what you report, and needs none:
the functions here cut every graph, count in whole numbers, compute in float64 on the CPU, and
return Python floats, or tensors on the CPU. They refuse an empty set, because a mean of nothing is
not 0.

The first argument holds the predictions, the second the truth.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from handbook.checks import (
    describe,
    require_floating,
    require_integer,
    require_number,
    require_tensor,
)

__all__ = [
    "accuracy",
    "confusion_matrix",
    "ClassScores",
    "precision_recall_f1",
    "Reliability",
    "reliability",
    "expected_calibration_error",
    "brier_score",
    "mean_absolute_error",
    "root_mean_squared_error",
    "r2_score",
]

_PROBABILITY_SUM_SLACK = (
    0.02  # bfloat16 keeps 8 bits: the sum of ten rounded probabilities may be 1 % off
)


def _label_vector(name: str, value: object) -> Tensor:
    """Return a vector of class labels as int64 on the CPU."""
    labels = require_tensor(name, value)
    if labels.is_floating_point() or labels.is_complex():
        remedy = f"{name}.long()" if name == "target" else f"{name}.argmax(dim=1) for scores (N, C)"
        raise TypeError(
            f"{name} must hold classes as whole numbers, got {describe(labels)}; use {remedy}"
        )
    if labels.dim() != 1:
        raise ValueError(
            f"{name} must have shape (N,), got {describe(labels)}; {_flatten_remedy(name)}"
        )
    labels = labels.detach().cpu().long()
    if len(labels) and int(labels.min()) < 0:
        raise ValueError(f"{name} must hold classes from 0, got {int(labels.min())}")
    return labels


def _flatten_remedy(name: str) -> str:
    return f"use {name}.flatten() if each sample has one number"


def _refuse_no_sample(name: str, values: Tensor) -> None:
    if values.numel() == 0:
        raise ValueError(f"{name} must hold at least 1 sample, got {describe(values)}")


def _refuse_other_length(name: str, values: Tensor, labels: Tensor) -> None:
    if len(values) != len(labels):
        raise ValueError(
            f"target must have shape (N,) = ({len(values)},) to fit {name}, got {describe(labels)}"
        )


def _refuse_nan_score(name: str, values: Tensor) -> None:
    if bool(values.isnan().any()):
        raise ValueError(f"{name} must not hold nan: it is no prediction")


def accuracy(input: Tensor, target: Tensor, *, threshold: float | None = None) -> float:
    r"""Return the share of the samples whose predicted class is the right one.

    .. math:: \mathrm{accuracy} = \frac{1}{N} \sum_{n=1}^{N} [\hat y_n = y_n]

    Parameters
    ----------
    input : Tensor
        One of three things. *Scores*, floating-point, one row for each sample and one column for
        each class, logits or probabilities alike: the class with the largest score is predicted,
        the first of them where several are equal. *Classes*, whole numbers or booleans. *One score
        for each sample*, floating-point, of two classes: 1 is predicted where it is above
        ``threshold``.
    target : Tensor
        The right classes, whole numbers from 0.
    threshold : float, optional
        Only for one score for each sample, and needed there: 0 for logits, 0.5 for probabilities.

    Returns
    -------
    float
        From 0 to 1, dimensionless: the number of hits over the number of samples.

    Shapes
    ------
    input : ``(N, C)`` or ``(N,)``
    target : ``(N,)``

    Raises
    ------
    TypeError
        If an argument is not a tensor, ``target`` is not of whole numbers, or ``threshold`` is
        given for anything but one score for each sample.
    ValueError
        If the shapes are not those, there is no sample, a score is NaN, a class lies below 0 or
        beyond the columns, or ``threshold`` is missing.

    Notes
    -----
    A monotonic function keeps the order of the scores: softmax, logarithm or a temperature change
    nothing about the accuracy.

    ``(N, 1)`` is refused: the largest of one score is always the first, and every prediction would
    be class 0.

    Examples
    --------
    >>> logits = torch.tensor([[2.0, -1.0], [0.5, 0.6], [0.0, 3.0]])
    >>> accuracy(logits, torch.tensor([0, 0, 1])) == 2 / 3
    True
    >>> accuracy(torch.tensor([0, 1, 1]), torch.tensor([0, 0, 1])) == 2 / 3
    True

    One logit for each sample, and one probability:

    >>> accuracy(torch.tensor([-2.0, 0.1]), torch.tensor([0, 1]), threshold=0)
    1.0
    >>> accuracy(torch.tensor([0.1, 0.4]), torch.tensor([0, 1]), threshold=0.5)
    0.5
    """
    scores = require_tensor("input", input).detach()
    labels = _label_vector("target", target)
    if scores.is_floating_point() and scores.dim() == 2:
        if threshold is not None:
            raise TypeError("threshold must be absent for scores (N, C): the largest score decides")
        predicted = _first_largest(scores, labels)
    elif scores.is_floating_point():
        if scores.dim() != 1:
            raise ValueError(f"input must have shape (N, C) or (N,), got {describe(scores)}")
        if threshold is None:
            raise ValueError(
                "threshold must be given for one score for each sample: 0 for logits, 0.5 for "
                "probabilities, got None"
            )
        threshold = require_number("threshold", threshold)
        _refuse_nan_score("input", scores)
        predicted = (scores > threshold).long().cpu()
    else:
        if threshold is not None:
            raise TypeError(f"threshold must be absent for classes, got {describe(threshold)}")
        predicted = _label_vector("input", scores)
    _refuse_other_length("input", predicted, labels)
    _refuse_no_sample("input", predicted)
    return int((predicted == labels).sum()) / len(labels)


def _first_largest(scores: Tensor, labels: Tensor) -> Tensor:
    """Return the column of the largest score of each row, after a check of the classes."""
    _n_samples, n_classes = scores.shape
    if n_classes < 2:
        raise ValueError(
            f"input must have at least 2 columns of scores, got {describe(scores)}; "
            "use input.squeeze(1) with a threshold for one score each"
        )
    _refuse_other_length("input", scores, labels)
    _refuse_no_sample("input", scores)
    if int(labels.max()) >= n_classes:
        raise ValueError(
            f"target must hold classes from 0 to {n_classes - 1}, got {int(labels.max())}"
        )
    _refuse_nan_score("input", scores)
    # The first of equal scores: argmax promises no order among them.
    is_largest = scores == scores.amax(dim=1, keepdim=True)
    return (is_largest.cumsum(dim=1) == 0).sum(dim=1).cpu()


def confusion_matrix(predicted: Tensor, target: Tensor, n_classes: int | None = None) -> Tensor:
    r"""Count for each pair of classes how often the one was predicted for the other.

    .. math:: M_{ij} = \#\{\, n : y_n = i,\ \hat y_n = j \,\}

    Parameters
    ----------
    predicted : Tensor
        Predicted classes, whole numbers from 0.
    target : Tensor
        The right classes, whole numbers from 0.
    n_classes : int, optional
        :math:`C`, at least 1. Without it, one more than the largest class that occurs.

    Returns
    -------
    Tensor
        Counts, int64, on the CPU: one row for each *right* class, one column for each *predicted*
        class. The diagonal holds the hits.

    Shapes
    ------
    predicted : ``(N,)``
    target : ``(N,)``
    return : ``(C, C)``

    Raises
    ------
    TypeError
        If an argument is not a tensor of whole numbers, or ``n_classes`` not an ``int``.
    ValueError
        If the shapes are not those, a class lies outside 0 to ``n_classes`` − 1, or there is
        neither a sample nor ``n_classes``.

    Notes
    -----
    No sample is a matrix of zeros: counts of nothing exist, shares of nothing do not.

    Examples
    --------
    >>> predicted = torch.tensor([0, 0, 1, 2, 1])
    >>> confusion_matrix(predicted, torch.tensor([0, 1, 1, 2, 1]))
    tensor([[1, 0, 0],
            [1, 2, 0],
            [0, 0, 1]])
    """
    guesses = _label_vector("predicted", predicted)
    labels = _label_vector("target", target)
    _refuse_other_length("predicted", guesses, labels)
    if n_classes is None:
        if len(labels) == 0:
            raise ValueError("n_classes must be given where there is no sample, got None")
        n_classes = 1 + max(int(guesses.max()), int(labels.max()))
    require_integer("n_classes", n_classes, minimum=1)
    for name, classes in (("predicted", guesses), ("target", labels)):
        if len(classes) and int(classes.max()) >= n_classes:
            raise ValueError(
                f"{name} must hold classes from 0 to {n_classes - 1}, got {int(classes.max())}"
            )
    # One number for each pair: counting pairs is counting numbers.
    pairs = labels * n_classes + guesses
    return torch.bincount(pairs, minlength=n_classes**2).reshape(n_classes, n_classes)


class ClassScores(NamedTuple):
    """Precision, recall and F1 of each class, from :func:`precision_recall_f1`.

    Attributes
    ----------
    precision : Tensor
        Of what was predicted to be the class, the share that is; float64.
    recall : Tensor
        Of what is the class, the share that was found; float64.
    f1 : Tensor
        The harmonic mean of the two; float64.
    support : Tensor
        How many samples of the class there are; int64.

    Shapes
    ------
    precision, recall, f1, support : ``(C,)``

    Examples
    --------
    >>> scores = precision_recall_f1(torch.tensor([1, 1]), torch.tensor([0, 1]))
    >>> scores.precision.tolist(), scores.recall.tolist(), scores.support.tolist()
    ([nan, 0.5], [0.0, 1.0], [1, 1])
    """

    precision: Tensor
    recall: Tensor
    f1: Tensor
    support: Tensor


def precision_recall_f1(
    predicted: Tensor,
    target: Tensor,
    n_classes: int | None = None,
    *,
    zero_division: float = math.nan,
) -> ClassScores:
    r"""Judge each class by itself: how many of its predictions are right, how many it finds.

    .. math:: P = \frac{TP}{TP + FP}, \qquad R = \frac{TP}{TP + FN}, \qquad
              F_1 = \frac{2 P R}{P + R} = \frac{2\,TP}{2\,TP + FP + FN}

    with the hits :math:`TP`, the false alarms :math:`FP` and the misses :math:`FN` of the class.

    Parameters
    ----------
    predicted : Tensor
        Predicted classes, whole numbers from 0.
    target : Tensor
        The right classes, whole numbers from 0.
    n_classes : int, optional
        As in :func:`confusion_matrix`.
    zero_division : float, default: nan
        What to return for 0/0: the precision of a class that was never predicted, the recall of
        one that never occurs, the F1 of one that does neither.

    Returns
    -------
    ClassScores
        One number for each class, dimensionless.

    Shapes
    ------
    predicted : ``(N,)``
    target : ``(N,)``
    precision, recall, f1, support : ``(C,)``

    Raises
    ------
    TypeError, ValueError
        As :func:`confusion_matrix`; also if ``zero_division`` is not a number.

    Notes
    -----
    0/0 has no value, and NaN says so. scikit-learn puts 0 there and warns; pass
    ``zero_division=0.0`` for its numbers.

    Examples
    --------
    Nine of ten samples are of class 0, and a model that always says 0 is right for nine:

    >>> target = torch.tensor([0] * 9 + [1])
    >>> always = torch.zeros(10, dtype=torch.int64)
    >>> accuracy(always, target)
    0.9
    >>> precision_recall_f1(always, target).recall.tolist()
    [1.0, 0.0]
    """
    if not isinstance(zero_division, float) or not math.isnan(zero_division):
        zero_division = require_number("zero_division", zero_division)
    counts = confusion_matrix(predicted, target, n_classes)
    hits = counts.diagonal().double()
    n_predicted, support = counts.sum(dim=0), counts.sum(dim=1)

    def share(of: Tensor, whole: Tensor) -> Tensor:
        return torch.where(whole > 0, of / whole, zero_division)

    return ClassScores(
        precision=share(hits, n_predicted),
        recall=share(hits, support),
        f1=share(2 * hits, n_predicted + support),  # TP + FP were predicted, TP + FN are there
        support=support,
    )


class Reliability(NamedTuple):
    """What a model claimed and what came true, by bins of the claim; from :func:`reliability`.

    Attributes
    ----------
    edges : Tensor
        The ends of the bins, from 0 to 1; float64.
    confidence : Tensor
        The mean probability claimed in each bin, NaN in an empty one; float64.
    frequency : Tensor
        The share of the samples in each bin for which the claim came true, NaN in an empty one;
        float64.
    counts : Tensor
        How many samples fell into each bin; int64.

    Shapes
    ------
    edges : ``(M + 1,)``
    confidence, frequency, counts : ``(M,)``

    Examples
    --------
    >>> result = reliability(torch.tensor([0.2, 0.9]), torch.tensor([0, 1]), n_bins=2)
    >>> result.edges.tolist(), result.counts.tolist()
    ([0.0, 0.5, 1.0], [1, 1])
    """

    edges: Tensor
    confidence: Tensor
    frequency: Tensor
    counts: Tensor


def _claims_and_outcomes(probabilities: object, target: object) -> tuple[Tensor, Tensor]:
    """Return each sample's claimed probability and whether it came true."""
    p, labels = _probability_table(probabilities, target)
    if p.dim() == 1:
        return p, labels == 1
    predicted = _first_largest(p, labels)
    return p.gather(1, predicted[:, None])[:, 0], predicted == labels


def _probability_table(probabilities: object, target: object) -> tuple[Tensor, Tensor]:
    """Return probabilities, (N,) or (N, C), and classes, checked, on the CPU."""
    p = require_floating("probabilities", probabilities).detach().cpu()
    labels = _label_vector("target", target)
    if p.dim() not in (1, 2) or (p.dim() == 2 and p.shape[1] < 2):
        raise ValueError(
            "probabilities must have shape (N,), or (N, C) with C >= 2, "
            f"got {describe(p)}; {_flatten_remedy('probabilities')}"
        )
    _refuse_other_length("probabilities", p, labels)
    _refuse_no_sample("probabilities", p)
    if not bool(((p >= 0) & (p <= 1)).all()):
        function = "torch.sigmoid" if p.dim() == 1 else "torch.softmax"
        raise ValueError(
            "probabilities must lie from 0 to 1, got values from "
            f"{p.min().item():.4g} to {p.max().item():.4g}; use {function} on logits"
        )
    n_classes = 2 if p.dim() == 1 else p.shape[1]
    if int(labels.max()) >= n_classes:
        raise ValueError(
            f"target must hold classes from 0 to {n_classes - 1}, got {int(labels.max())}"
        )
    if p.dim() == 2:
        gap = (p.double().sum(dim=1) - 1).abs().max().item()
        if gap > _PROBABILITY_SUM_SLACK:
            raise ValueError(
                f"probabilities must sum to 1 in each row, got a sum that is off by {gap:.4g}"
            )
    return p, labels


def reliability(probabilities: Tensor, target: Tensor, *, n_bins: int = 10) -> Reliability:
    r"""Compare claimed probabilities with how often they came true, in bins of equal width.

    .. math:: \mathrm{conf}_m = \frac{1}{|B_m|} \sum_{n \in B_m} p_n, \qquad
              \mathrm{freq}_m = \frac{1}{|B_m|} \sum_{n \in B_m} t_n, \qquad
              B_m = \left\{ n : \tfrac{m - 1}{M} < p_n \le \tfrac{m}{M} \right\}

    Parameters
    ----------
    probabilities : Tensor
        For two classes, :math:`p_n` is the probability of class 1 and :math:`t_n` says whether the
        sample is of class 1. With one column for each class, :math:`p_n` is the largest of the row
        and :math:`t_n` says whether its class is the right one.
    target : Tensor
        The right classes, whole numbers from 0.
    n_bins : int, default: 10
        :math:`M`, at least 1.

    Returns
    -------
    Reliability
        The bins. A calibrated model has ``frequency`` close to ``confidence`` in each, up to the
        noise of ``counts`` samples.

    Shapes
    ------
    probabilities : ``(N,)`` or ``(N, C)``
    target : ``(N,)``

    Raises
    ------
    TypeError
        If ``probabilities`` is not a floating-point tensor, ``target`` not one of whole numbers, or
        ``n_bins`` not an ``int``.
    ValueError
        If the shapes are not those, there is no sample, a number is no probability, a row does not
        sum to 1, a class has no column, or ``n_bins`` is below 1.

    Notes
    -----
    A bin contains its upper end and not its lower one; the first contains 0 too. The ends are
    rounded to the dtype of ``probabilities`` first, so that 0.1 lies in the first of ten bins in
    every dtype.

    References
    ----------
    M. H. DeGroot, S. E. Fienberg, "The comparison and evaluation of forecasters", The Statistician
    32 (1983), doi:10.2307/2987588.

    Examples
    --------
    Ten days with "70 % rain", and it rained on seven:

    >>> claims = torch.full((10,), 0.7)
    >>> rain = torch.tensor([1] * 7 + [0] * 3)
    >>> result = reliability(claims, rain, n_bins=2)
    >>> result.confidence, result.frequency
    (tensor([   nan, 0.7000], dtype=torch.float64), tensor([   nan, 0.7000], dtype=torch.float64))
    """
    p, came_true = _claims_and_outcomes(probabilities, target)
    require_integer("n_bins", n_bins, minimum=1)
    edges = torch.arange(n_bins + 1, dtype=torch.float64) / n_bins  # each rounded once
    bins = torch.bucketize(p.double(), edges[1:-1].to(p.dtype).double())  # upper ends belong
    counts = torch.bincount(bins, minlength=n_bins)

    def mean_by_bin(values: Tensor) -> Tensor:
        total = torch.bincount(bins, weights=values.double(), minlength=n_bins)
        return torch.where(counts > 0, total / counts, math.nan)

    return Reliability(edges, mean_by_bin(p), mean_by_bin(came_true), counts)


def expected_calibration_error(probabilities: Tensor, target: Tensor, *, n_bins: int = 10) -> float:
    r"""Return how far claims and frequencies lie apart, on average over the samples.

    .. math:: \mathrm{ECE} = \sum_{m=1}^{M} \frac{|B_m|}{N}
              \left| \mathrm{freq}_m - \mathrm{conf}_m \right|

    Parameters
    ----------
    probabilities, target, n_bins
        As in :func:`reliability`.

    Returns
    -------
    float
        From 0 to 1, dimensionless.

    Shapes
    ------
    probabilities : ``(N,)`` or ``(N, C)``
    target : ``(N,)``

    Raises
    ------
    TypeError, ValueError
        As :func:`reliability`.

    Notes
    -----
    The number depends on the bins, and with few samples it is above 0 even for a model that is
    calibrated: frequencies are noisy. Compare models on the same samples with the same bins.

    References
    ----------
    M. P. Naeini, G. F. Cooper, M. Hauskrecht, "Obtaining well calibrated probabilities using
    Bayesian binning", AAAI 2015, doi:10.1609/aaai.v29i1.9602.

    Examples
    --------
    Always sure, and right three times of four:

    >>> sure = torch.tensor([[1.0, 0.0]] * 4)
    >>> expected_calibration_error(sure, torch.tensor([0, 0, 0, 1]))
    0.25
    """
    result = reliability(probabilities, target, n_bins=n_bins)
    gaps = (result.frequency - result.confidence).abs()
    shares = result.counts.double() / result.counts.sum()
    return float(torch.where(result.counts > 0, shares * gaps, 0.0).sum())


def brier_score(probabilities: Tensor, target: Tensor) -> float:
    r"""Return the mean squared distance of the probabilities from what happened.

    .. math:: B = \frac{1}{N} \sum_n (p_n - y_n)^2
              \qquad \text{or} \qquad
              B = \frac{1}{N} \sum_n \sum_{k=1}^{C} (p_{nk} - [y_n = k])^2

    Parameters
    ----------
    probabilities : Tensor
        Probabilities of class 1, or of each class.
    target : Tensor
        The right classes, whole numbers from 0.

    Returns
    -------
    float
        Dimensionless: from 0 to 1 for the first form, from 0 to 2 for the second. Lower is better.

    Shapes
    ------
    probabilities : ``(N,)`` or ``(N, C)``
    target : ``(N,)``

    Raises
    ------
    TypeError, ValueError
        As :func:`reliability`.

    Notes
    -----
    Its expected value is smallest where the probabilities are the true ones, so it can be gained by
    nothing but telling the truth: it is a *proper* score, and the calibration error is not.

    Two columns give twice the number of one: both classes count.

    References
    ----------
    G. W. Brier, "Verification of forecasts expressed in terms of probability", Monthly Weather
    Review 78 (1950), doi:10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2.

    Examples
    --------
    >>> brier_score(torch.tensor([0.5, 1.0]), torch.tensor([1, 1]))
    0.125
    >>> brier_score(torch.tensor([[0.5, 0.5], [0.0, 1.0]]), torch.tensor([1, 1]))
    0.25
    """
    p, labels = _probability_table(probabilities, target)
    if p.dim() == 1:
        return float(((p.double() - labels) ** 2).mean())
    happened = torch.zeros(p.shape, dtype=torch.float64)
    happened[torch.arange(len(labels)), labels] = 1.0
    return float(((p.double() - happened) ** 2).sum(dim=1).mean())


def _errors_and_truth(input: object, target: object) -> tuple[Tensor, Tensor]:
    """Return prediction less truth, and the truth, in float64 on the CPU."""
    predicted, truth = require_tensor("input", input), require_tensor("target", target)
    for name, values in (("input", predicted), ("target", truth)):
        if values.is_complex() or values.dtype == torch.bool:
            raise TypeError(f"{name} must hold real numbers, got {describe(values)}")
    if predicted.shape != truth.shape:
        raise ValueError(
            f"target must have input's shape {tuple(predicted.shape)}, got {describe(truth)}: "
            "broadcasting would compare every sample with every other; "
            "use target.reshape(input.shape)"
        )
    _refuse_no_sample("input", predicted)
    truth = truth.detach().cpu().double()
    return predicted.detach().cpu().double() - truth, truth


def mean_absolute_error(input: Tensor, target: Tensor) -> float:
    r"""Return the mean distance between prediction and truth, in the unit of the truth.

    .. math:: \mathrm{MAE} = \frac{1}{N} \sum_n |\hat y_n - y_n|

    Parameters
    ----------
    input : Tensor
        Predictions, real numbers.
    target : Tensor
        The truth, in the same unit.

    Returns
    -------
    float
        In the unit of ``target``: degrees for degrees, euros for euros.

    Shapes
    ------
    input : ``(*)``
    target : ``(*)``, the same

    Raises
    ------
    TypeError
        If an argument is not a tensor of real numbers.
    ValueError
        If the shapes differ, or there is no sample.

    Examples
    --------
    >>> predicted_celsius = torch.tensor([20.0, 15.0, 11.0])
    >>> mean_absolute_error(predicted_celsius, torch.tensor([21.0, 15.0, 16.0]))
    2.0
    """
    error, _ = _errors_and_truth(input, target)
    return float(error.abs().mean())


def root_mean_squared_error(input: Tensor, target: Tensor) -> float:
    r"""Return the root of the mean squared error, in the unit of the truth.

    .. math:: \mathrm{RMSE} = \sqrt{\frac{1}{N} \sum_n (\hat y_n - y_n)^2}

    Parameters
    ----------
    input : Tensor
        Predictions, real numbers.
    target : Tensor
        The truth, in the same unit.

    Returns
    -------
    float
        In the unit of ``target``. The mean squared error is in its square: K² for K.

    Shapes
    ------
    input : ``(*)``
    target : ``(*)``, the same

    Raises
    ------
    TypeError
        If an argument is not a tensor of real numbers.
    ValueError
        If the shapes differ, or there is no sample.

    Notes
    -----
    Never below the mean absolute error, and equal to it where all errors have one size. The errors
    are divided by the largest before they are squared, so that no square overflows.

    Examples
    --------
    >>> predicted_celsius = torch.tensor([20.0, 15.0, 11.0, 15.0])
    >>> root_mean_squared_error(predicted_celsius, torch.tensor([21.0, 15.0, 16.0, 15.0]))
    2.549...
    >>> far = torch.tensor([1e300], dtype=torch.float64)
    >>> root_mean_squared_error(far, torch.zeros(1))
    1e+300
    """
    error, _ = _errors_and_truth(input, target)
    largest = error.abs().max()
    if largest == 0 or not torch.isfinite(largest):
        return float(largest)
    return float(largest * (error / largest).square().mean().sqrt())


def r2_score(input: Tensor, target: Tensor) -> float:
    r"""Return the share of the variance of the truth that the predictions explain.

    .. math:: R^2 = 1 - \frac{\sum_n (\hat y_n - y_n)^2}{\sum_n (y_n - \bar y)^2}

    Parameters
    ----------
    input : Tensor
        Predictions, real numbers.
    target : Tensor
        The truth, in the same unit.

    Returns
    -------
    float
        Dimensionless. 1 for perfect predictions, 0 for those that are no better than the mean of
        ``target``, negative for worse ones.

    Shapes
    ------
    input : ``(N,)`` or ``(N, 1)``
    target : the same

    Raises
    ------
    TypeError
        If an argument is not a tensor of real numbers.
    ValueError
        If the shapes are not those, or there is no sample.

    Notes
    -----
    Where the truth does not vary there is nothing to explain, and the formula divides by 0: NaN for
    perfect predictions, −∞ for others. scikit-learn puts 1 and 0 in their places.

    Examples
    --------
    >>> target = torch.tensor([1.0, 2.0, 3.0])
    >>> r2_score(target, target), r2_score(torch.full((3,), 2.0), target)
    (1.0, 0.0)
    >>> r2_score(torch.tensor([3.0, 2.0, 1.0]), target)
    -3.0
    """
    error, truth = _errors_and_truth(input, target)
    if truth.dim() not in (1, 2) or (truth.dim() == 2 and truth.shape[1] != 1):
        raise ValueError(f"target must have shape (N,) or (N, 1), got {describe(truth)}")
    # A constant's mean may be rounded away from it; the first value is subtracted exactly.
    shifted = truth - truth.flatten()[0]
    deviation = shifted - shifted.mean()
    scale = torch.maximum(error.abs().max(), deviation.abs().max())  # no square overflows
    return float(1 - (error / scale).square().sum() / (deviation / scale).square().sum())
