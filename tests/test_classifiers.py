"""Linear classifiers: gradients against autograd, fits against scikit-learn, every message."""

from __future__ import annotations

import itertools
import math

import pytest
import sklearn.linear_model
import torch
import torch.nn.functional as F

from handbook.classifiers import (
    LinearClassifier,
    Standardization,
    fit_logistic_regression,
    fit_softmax_regression,
    fit_standardization,
    fit_temperature,
    logistic_gradients,
    softmax_gradients,
)
from handbook.datasets import load_iris
from handbook.seeding import make_generator

NAN, INF = math.nan, math.inf


def overlapping(n_classes: int, dtype: torch.dtype = torch.float64) -> tuple:
    """Samples that no line separates."""
    generator = make_generator(n_classes)
    targets = torch.randint(n_classes, (200,), generator=generator)
    inputs = torch.randn(200, 3, dtype=torch.float64, generator=generator)
    inputs[:, 0] += targets
    return inputs.to(dtype), targets


# --- Gradients ---------------------------------------------------------------------------------


@pytest.mark.parametrize("pos_weight", [1.0, 0.2, 7.0])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("scale", [1.0, 1e3])
def test_logistic_gradients_equal_autograd(
    pos_weight: float, dtype: torch.dtype, scale: float, device: torch.device
) -> None:
    x, y = (part.to(device) for part in overlapping(2, dtype))
    generator = make_generator(5)
    weight = (scale * torch.randn(3, dtype=torch.float64, generator=generator)).to(device, dtype)
    bias = torch.tensor(0.3, dtype=dtype, device=device)
    ours = logistic_gradients(x, y, weight, bias, pos_weight=pos_weight)
    weight.requires_grad_()
    bias.requires_grad_()
    loss = F.binary_cross_entropy_with_logits(
        x @ weight + bias, y.to(dtype), pos_weight=torch.tensor(pos_weight, device=device)
    )
    for mine, other in zip(ours, torch.autograd.grad(loss, (weight, bias)), strict=True):
        torch.testing.assert_close(mine.detach(), other)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("scale", [1.0, 1e3])
def test_softmax_gradients_equal_autograd(
    dtype: torch.dtype, scale: float, device: torch.device
) -> None:
    x, y = (part.to(device) for part in overlapping(4, dtype))
    generator = make_generator(6)
    weight = (scale * torch.randn(4, 3, dtype=torch.float64, generator=generator)).to(device, dtype)
    bias = torch.ones(4, dtype=dtype, device=device)
    ours = softmax_gradients(x, y, weight, bias)
    weight.requires_grad_()
    bias.requires_grad_()
    loss = F.cross_entropy(x @ weight.T + bias, y)
    for mine, other in zip(ours, torch.autograd.grad(loss, (weight, bias)), strict=True):
        torch.testing.assert_close(mine.detach(), other)


def test_two_classes_of_softmax_are_logistic_regression() -> None:
    x, y = overlapping(2)
    weight, bias = torch.tensor([1.0, -2.0, 0.5]).double(), torch.tensor(0.3).double()
    one, _ = logistic_gradients(x, y, weight, bias)
    both, _ = softmax_gradients(
        x, y, torch.stack([0 * weight, weight]), torch.stack([0 * bias, bias])
    )
    torch.testing.assert_close(both, torch.stack([-one, one]))


def test_targets_may_be_probabilities_booleans_or_whole_numbers() -> None:
    x, y = overlapping(2)
    zero = (torch.zeros(3).double(), torch.zeros(()).double())
    wanted = logistic_gradients(x, y.double(), *zero)
    for dtype in (torch.bool, torch.uint8, torch.int32, torch.float32):
        assert torch.equal(logistic_gradients(x, y.to(dtype), *zero)[0], wanted[0])
    half = logistic_gradients(x, torch.full((200,), 0.5), *zero)
    assert half[0].abs().max() == 0


# --- Fits --------------------------------------------------------------------------------------


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_logistic_regression_finds_the_minimum_of_scikit_learn(decay: float) -> None:
    x, y = overlapping(2)
    model = fit_logistic_regression(x, y, n_steps=3000, weight_decay=decay)
    inverse = INF if decay == 0 else 1 / (decay * len(x))
    theirs = sklearn.linear_model.LogisticRegression(C=inverse, tol=1e-10, max_iter=10_000)
    theirs.fit(x.numpy(), y.numpy())
    assert model.weight.tolist() == pytest.approx(theirs.coef_[0].tolist(), abs=1e-5)
    assert model.bias.item() == pytest.approx(theirs.intercept_[0], abs=1e-5)


@pytest.mark.parametrize("decay", [0.01, 0.1])
def test_softmax_regression_finds_the_minimum_of_scikit_learn(decay: float) -> None:
    x, y = overlapping(3)
    model = fit_softmax_regression(x, y, 3, n_steps=5000, weight_decay=decay)
    theirs = sklearn.linear_model.LogisticRegression(
        C=1 / (decay * len(x)), tol=1e-10, max_iter=10_000
    )
    theirs.fit(x.numpy(), y.numpy())
    torch.testing.assert_close(model.weight, torch.tensor(theirs.coef_), rtol=0, atol=1e-5)
    torch.testing.assert_close(
        torch.softmax(model.logits(x), 1),
        torch.tensor(theirs.predict_proba(x.numpy())),
        rtol=0,
        atol=1e-5,
    )


def test_the_rows_of_a_softmax_fit_sum_to_zero() -> None:
    x, y = overlapping(4)
    model = fit_softmax_regression(x, y, 4, n_steps=50)
    assert model.weight.sum(dim=0).abs().max() < 1e-12
    assert model.bias.sum().abs() < 1e-12


def test_a_fit_that_goes_on_is_the_long_fit() -> None:
    x, y = overlapping(2)
    first = fit_logistic_regression(x, y, n_steps=10)
    assert torch.equal(
        fit_logistic_regression(x, y, n_steps=15, start=first).weight,
        fit_logistic_regression(x, y, n_steps=25).weight,
    )
    assert fit_logistic_regression(x, y, n_steps=0).weight.abs().max() == 0
    first = fit_softmax_regression(x, y, 2, n_steps=10)
    assert torch.equal(
        fit_softmax_regression(x, y, 2, n_steps=15, start=first).weight,
        fit_softmax_regression(x, y, 2, n_steps=25).weight,
    )


def test_a_step_is_one_of_sgd_with_weight_decay() -> None:
    x, y = overlapping(2, torch.float32)
    layer = torch.nn.Linear(3, 1)
    torch.nn.init.zeros_(layer.weight)
    torch.nn.init.zeros_(layer.bias)
    optimizer = torch.optim.SGD(
        [{"params": layer.weight, "weight_decay": 0.3}, {"params": layer.bias}], lr=0.5
    )
    for _ in range(7):
        optimizer.zero_grad()
        F.binary_cross_entropy_with_logits(layer(x)[:, 0], y.float()).backward()
        optimizer.step()
    model = fit_logistic_regression(x, y, learning_rate=0.5, n_steps=7, weight_decay=0.3)
    torch.testing.assert_close(model.weight, layer.weight[0].detach())
    torch.testing.assert_close(model.bias, layer.bias[0].detach())


def test_weights_of_separable_data_grow_without_bound_and_decay_stops_them() -> None:
    x, y = torch.tensor([[-1.0], [1.0]]).double(), torch.tensor([0, 1])
    norms = [fit_logistic_regression(x, y, n_steps=n).weight.item() for n in (10, 100, 1000, 10000)]
    # d|w|/dt = 1/(1 + e^w) makes w grow like log t: equal steps for equal factors of time.
    growth = [b - a for a, b in itertools.pairwise(norms)]
    assert growth[-1] == pytest.approx(math.log(10), rel=0.01)
    bounded = [
        fit_logistic_regression(x, y, n_steps=n, weight_decay=0.01).weight.item()
        for n in (5000, 10000)
    ]
    assert bounded[0] == pytest.approx(bounded[1], rel=1e-6)


def test_a_positive_weight_moves_the_answer_to_yes() -> None:
    ones = torch.ones(4, 1).double()
    y = torch.tensor([1, 0, 0, 0])
    for pos_weight, wanted in ((1.0, 1 / 4), (3.0, 1 / 2)):
        model = fit_logistic_regression(ones, y, pos_weight=pos_weight)
        assert torch.sigmoid(model.logits(ones))[0].item() == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64], ids=str)
def test_a_fit_keeps_dtype_and_device(dtype: torch.dtype, device: torch.device) -> None:
    x, y = (part.to(device) for part in overlapping(3, dtype))
    for model in (
        fit_logistic_regression(x, y > 0, n_steps=2),
        fit_softmax_regression(x, y, 3, n_steps=2),
    ):
        assert isinstance(model, LinearClassifier)
        assert model.weight.dtype == model.bias.dtype == dtype
        assert model.weight.device == x.device
        assert len(model.logits(x)) == 200


# --- Temperature -------------------------------------------------------------------------------


@pytest.mark.parametrize("factor", [0.25, 1.0, 8.0, 1e3])
def test_the_temperature_undoes_a_factor_on_the_logits(factor: float) -> None:
    generator = make_generator(0)
    logits = torch.randn(20_000, 5, dtype=torch.float64, generator=generator)
    p = torch.softmax(logits, dim=1)
    targets = torch.multinomial(p, 1, generator=generator)[:, 0]
    base = fit_temperature(logits, targets)
    assert base == pytest.approx(1, abs=0.05)
    assert fit_temperature(factor * logits, targets) == pytest.approx(factor * base, rel=1e-6)


def test_no_other_temperature_has_a_smaller_loss() -> None:
    x, y = overlapping(3)
    logits = 5 * fit_softmax_regression(x, y, 3, n_steps=100).logits(x)
    best = fit_temperature(logits, y)
    loss = F.cross_entropy(logits / best, y)
    for factor in (0.9, 0.999, 1.001, 1.1):
        assert F.cross_entropy(logits / (factor * best), y) > loss


def test_a_shift_of_a_row_leaves_the_temperature() -> None:
    x, y = overlapping(3)
    logits = fit_softmax_regression(x, y, 3, n_steps=20).logits(x)
    assert fit_temperature(logits + 1e4, y) == pytest.approx(fit_temperature(logits, y), rel=1e-6)


def test_where_there_is_no_best_temperature_it_says_so() -> None:
    logits = torch.eye(3)
    with pytest.raises(ValueError, match="got every sample right: a lower temperature"):
        fit_temperature(logits, torch.arange(3))
    with pytest.raises(ValueError, match="logits must say more than guessing"):
        fit_temperature(logits, torch.tensor([1, 2, 0]))
    with pytest.raises(ValueError, match="logits must say more than guessing"):
        fit_temperature(torch.zeros(4, 2), torch.tensor([0, 1, 0, 1]))


@pytest.mark.parametrize(
    ("logits", "targets", "error", "message"),
    [
        ([[1.0]], torch.arange(1), TypeError, "logits must be a tensor"),
        (torch.zeros(1, 2).long(), torch.arange(1), TypeError, "logits must have a floating"),
        (torch.zeros(3), torch.arange(3), ValueError, r"logits must have shape \(N, C\)"),
        (torch.zeros(0, 3), torch.arange(0), ValueError, r"logits must have shape \(N, C\) with N"),
        (torch.zeros(3, 1), torch.arange(3), ValueError, r"and C >= 2, got"),
        (torch.tensor([[INF, 0.0]]), torch.arange(1), ValueError, "logits must hold finite"),
        (torch.zeros(1, 2), torch.zeros(1), TypeError, r"targets must hold .* targets.long\(\)"),
        (torch.zeros(1, 2), torch.tensor([2]), ValueError, "classes from 0 to 1, got 2"),
        (torch.zeros(1, 2), torch.tensor([-1]), ValueError, "classes from 0 to 1, got -1"),
        (torch.zeros(1, 2), torch.tensor([[1]]), ValueError, r"shape \(N,\) = \(1,\)"),
    ],
)
def test_bad_input_of_a_temperature_is_refused(
    logits: object, targets: object, error: type, message: str
) -> None:
    with pytest.raises(error, match=message):
        fit_temperature(logits, targets)


# --- Standardisation ---------------------------------------------------------------------------


def test_standardised_training_features_have_mean_0_and_variance_1() -> None:
    inputs = load_iris().inputs
    scale = fit_standardization(inputs)
    assert isinstance(scale, Standardization)
    z = scale.apply(inputs)
    torch.testing.assert_close(z.mean(dim=0), torch.zeros(4), rtol=0, atol=1e-6)
    torch.testing.assert_close(z.var(dim=0, correction=0), torch.ones(4))
    assert torch.equal(scale.apply(inputs[:1]), z[:1])  # one sample is scaled by the same numbers


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64], ids=str)
def test_a_constant_feature_becomes_zero(dtype: torch.dtype) -> None:
    inputs = torch.full((7, 2), 0.1, dtype=dtype)
    scale = fit_standardization(inputs)
    assert scale.std.tolist() == [1.0, 1.0]
    assert scale.apply(inputs).abs().max() == 0
    assert scale.mean.dtype == dtype


def test_a_large_offset_costs_no_spread() -> None:
    inputs = 1e6 + torch.tensor([[0.0], [1.0], [2.0]])
    assert fit_standardization(inputs).std.item() == pytest.approx(math.sqrt(2 / 3))


# --- Messages ----------------------------------------------------------------------------------

X, Y = torch.zeros(4, 2), torch.tensor([0, 1, 0, 1])
ZERO = (torch.zeros(2), torch.zeros(()))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: fit_standardization([[1.0]]), TypeError, "inputs must be a tensor, got a list"),
        (lambda: fit_standardization(Y), TypeError, "inputs must have a floating-point dtype"),
        (lambda: fit_standardization(X[0]), ValueError, r"inputs must have shape \(N, D\) with N"),
        (lambda: fit_standardization(X[:0]), ValueError, r"inputs must have shape \(N, D\) with N"),
        (lambda: fit_standardization(X / 0), ValueError, "inputs must hold finite numbers"),
        (
            lambda: fit_standardization(X).apply(X[:, :1]),
            ValueError,
            r"inputs must have .*\(N, 2\)",
        ),
        (lambda: fit_standardization(X).apply(X.double()), TypeError, "inputs must have mean's"),
        (lambda: LinearClassifier(*ZERO).logits(X[:, :1]), ValueError, "inputs must have shape"),
        (
            lambda: LinearClassifier(*ZERO).logits(X.double()),
            TypeError,
            "inputs must have weight's",
        ),
        (
            lambda: logistic_gradients(X, Y[:, None], *ZERO),
            ValueError,
            r"\(4,\), .* use targets.fl",
        ),
        (lambda: logistic_gradients(X, [0], *ZERO), TypeError, "targets must be a tensor"),
        (lambda: logistic_gradients(X, 2 * Y, *ZERO), ValueError, "lie from 0 to 1, .* 0 to 2"),
        (lambda: logistic_gradients(X, Y * NAN, *ZERO), ValueError, "lie from 0 to 1"),
        (lambda: logistic_gradients(X, Y, ZERO[0][:1], ZERO[1]), ValueError, "weight must have sh"),
        (
            lambda: logistic_gradients(X, Y, ZERO[0], ZERO[0]),
            ValueError,
            r"bias must have shape \(",
        ),
        (
            lambda: logistic_gradients(X, Y, ZERO[0].double(), ZERO[1]),
            TypeError,
            "weight must have",
        ),
        (
            lambda: logistic_gradients(X, Y, *ZERO, pos_weight=0.0),
            ValueError,
            "pos_weight must be above 0.0, got 0.0",
        ),
        (lambda: softmax_gradients(X, Y, *ZERO), ValueError, r"weight must have shape \(C, 2\)"),
        (
            lambda: softmax_gradients(X, Y, torch.zeros(2, 2), torch.zeros(3)),
            ValueError,
            r"bias must have shape \(2,\)",
        ),
        (
            lambda: softmax_gradients(X, Y, torch.zeros(1, 2), torch.zeros(1)),
            ValueError,
            "targets must hold classes from 0 to 0, got 1",
        ),
        (lambda: fit_logistic_regression(X, Y, learning_rate=0), ValueError, "learning_rate must"),
        (lambda: fit_logistic_regression(X, Y, n_steps=-1), ValueError, "n_steps must be at least"),
        (lambda: fit_logistic_regression(X, Y, n_steps=1.0), TypeError, "n_steps must be an int"),
        (
            lambda: fit_logistic_regression(X, Y, weight_decay=-1),
            ValueError,
            "weight_decay must be",
        ),
        (lambda: fit_logistic_regression(X, Y, pos_weight="2"), TypeError, "pos_weight must be a"),
        (
            lambda: fit_logistic_regression(
                X, Y, start=LinearClassifier(torch.zeros(3), torch.zeros(()))
            ),
            ValueError,
            r"weight must have shape \(2,\)",
        ),
        (
            lambda: fit_softmax_regression(X, Y, 1),
            ValueError,
            "n_classes must be at least 2, got 1",
        ),
        (lambda: fit_softmax_regression(X, Y.float(), 2), TypeError, "targets must hold classes"),
        (
            lambda: fit_softmax_regression(X, Y[:3], 2),
            ValueError,
            r"targets must have shape \(N,\)",
        ),
        (lambda: fit_softmax_regression(X, Y - 1, 2), ValueError, "from 0 to 1, got -1"),
    ],
)
def test_bad_input_is_refused(call: object, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        call()
