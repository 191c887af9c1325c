"""Losses: closed forms, PyTorch, finite differences, hostile numbers, and every refusal."""

from __future__ import annotations

import inspect
import itertools
import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from handbook import backprop, losses
from handbook.activations import log_softmax, sigmoid, softmax
from handbook.losses import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cosine_similarity,
    cross_entropy,
    huber_loss,
    kl_div,
    l1_loss,
    mse_loss,
    nll_loss,
    one_hot,
    smooth_l1_loss,
)

# Checking forward mode makes PyTorch compile its decompositions with what it deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated")
INF, NAN = math.inf, math.nan
FLOATING = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
HALF = (torch.float16, torch.bfloat16)
REGRESSION = (mse_loss, l1_loss, smooth_l1_loss, huber_loss)
ELEMENTWISE = (*REGRESSION, binary_cross_entropy, binary_cross_entropy_with_logits, kl_div)

regression = pytest.mark.parametrize("ours", REGRESSION, ids=lambda f: f.__name__)
elementwise = pytest.mark.parametrize("ours", ELEMENTWISE, ids=lambda f: f.__name__)
reductions = pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
floating = pytest.mark.parametrize("dtype", FLOATING, ids=str)


def theirs_of(ours: Callable[..., Tensor]) -> Callable[..., Tensor]:
    theirs: Callable[..., Tensor] = getattr(F, ours.__name__)
    return theirs


def gradient(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    x = x.detach().clone().requires_grad_()
    (slope,) = torch.autograd.grad(function(x).sum(), x)
    return slope


def probabilities(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    return 0.05 + 0.9 * torch.rand(shape, generator=generator, dtype=torch.float64)


# --- The same signature ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", [name for name in losses.__all__ if name not in ("one_hot", "cosine_similarity")]
)
def test_the_arguments_are_pytorchs_without_the_deprecated_ones(name: str) -> None:
    theirs = inspect.signature(getattr(F, name)).parameters
    wanted = {
        key: value.default for key, value in theirs.items() if key not in ("size_average", "reduce")
    }
    ours = inspect.signature(getattr(losses, name)).parameters
    # mse_loss and its kin keep the order; whoever passes by position passes the same things.
    assert {key: value.default for key, value in ours.items()} == wanted
    assert list(ours) == list(wanted)


def test_the_deprecated_arguments_are_not_accepted() -> None:
    for function in ELEMENTWISE:
        for name in ("size_average", "reduce"):
            with pytest.raises(TypeError, match=f"unexpected keyword argument '{name}'"):
                function(torch.ones(1), torch.ones(1), **{name: True})  # type: ignore[arg-type]


# --- Closed forms ------------------------------------------------------------------------------


def test_regression_losses_of_errors_zero_half_and_three() -> None:
    y, t = torch.tensor([1.0, 1.5, -2.0]), torch.ones(3)
    assert mse_loss(y, t, reduction="none").tolist() == [0, 0.25, 9]
    assert l1_loss(y, t, reduction="none").tolist() == [0, 0.5, 3]
    assert huber_loss(y, t, reduction="none", delta=2.0).tolist() == [0, 0.125, 4]
    assert smooth_l1_loss(y, t, reduction="none", beta=2.0).tolist() == [0, 0.0625, 2]
    assert mse_loss(y, t, reduction="sum").item() == 9.25
    assert mse_loss(y, t).item() == pytest.approx(9.25 / 3)


def test_the_cross_entropy_of_the_notes() -> None:
    z, t = torch.tensor([0.2, 0.1, -0.1], dtype=torch.float64), torch.tensor(0)
    wanted = math.log(math.exp(0.2) + math.exp(0.1) + math.exp(-0.1)) - 0.2
    assert cross_entropy(z, t).item() == pytest.approx(wanted, abs=1e-15)
    assert cross_entropy(z, t).item() == pytest.approx(0.9729, abs=5e-5)


def test_the_binary_cross_entropy_of_a_logit_is_that_of_two_classes() -> None:
    z = torch.tensor(1.3, dtype=torch.float64)
    one = torch.ones((), dtype=torch.float64)
    wanted = math.log1p(math.exp(-1.3))
    assert binary_cross_entropy_with_logits(z, one).item() == pytest.approx(wanted, abs=1e-15)
    assert binary_cross_entropy(sigmoid(z), one).item() == pytest.approx(wanted, abs=1e-15)
    pair = torch.stack([torch.zeros_like(z), z])
    assert cross_entropy(pair, torch.tensor(1)).item() == pytest.approx(wanted, abs=1e-15)
    assert wanted == pytest.approx(0.2410, abs=5e-5)


def test_equal_logits_cost_the_logarithm_of_the_number_of_classes() -> None:
    for n_classes in (1, 2, 10, 1000):
        loss = cross_entropy(torch.full((3, n_classes), 7.0), torch.zeros(3, dtype=torch.int64))
        assert loss.item() == pytest.approx(math.log(n_classes), rel=1e-6, abs=1e-6)


def test_softmax_twice_has_a_floor() -> None:
    perfect = torch.full((1, 10), -1e4)
    perfect[0, 3] = 1e4
    assert cross_entropy(perfect, torch.tensor([3])).item() == 0
    twice = cross_entropy(softmax(perfect, dim=1), torch.tensor([3])).item()
    assert twice == pytest.approx(math.log(1 + 9 / math.e), abs=1e-6)


def test_the_divergence_of_a_coin() -> None:
    p, q = torch.tensor([[0.25, 0.75]]).double(), torch.tensor([[0.5, 0.5]]).double()
    wanted = 0.5 * math.log(0.5 / 0.25) + 0.5 * math.log(0.5 / 0.75)
    assert kl_div(p.log(), q, reduction="batchmean").item() == pytest.approx(wanted)
    assert kl_div(p.log(), q).item() == pytest.approx(wanted / 2)
    assert kl_div(q.log(), q, reduction="sum").item() == 0


def test_cosines_of_known_angles() -> None:
    a = torch.tensor([[1.0, 0.0]] * 4)
    b = torch.tensor([[2.0, 0.0], [0.0, 3.0], [-1.0, 0.0], [1.0, 1.0]])
    wanted = torch.tensor([1.0, 0.0, -1.0, math.sqrt(0.5)])
    torch.testing.assert_close(cosine_similarity(a, b), wanted)


# --- PyTorch, in every dtype -------------------------------------------------------------------


@elementwise
@reductions
@floating
def test_every_dtype_agrees_with_pytorch(
    ours: Callable[..., Tensor], reduction: str, dtype: torch.dtype, generator: torch.Generator
) -> None:
    theirs = theirs_of(ours)
    y, t = (probabilities((5, 4), generator).to(dtype) for _ in "yt")
    result = ours(y, t, reduction=reduction)
    assert result.dtype == dtype
    close = {"rtol": 0, "atol": 8 * torch.finfo(dtype).eps * 20} if dtype in HALF else {}
    with pytest.warns() if (ours, reduction) == (kl_div, "mean") else _no_context():
        torch.testing.assert_close(result, theirs(y, t, reduction=reduction), **close)
        torch.testing.assert_close(
            gradient(lambda y: ours(y, t, reduction=reduction), y),
            gradient(lambda y: theirs(y, t, reduction=reduction), y),
            **close,
        )


def _no_context() -> Any:
    return torch.enable_grad()


@floating
@reductions
def test_class_losses_agree_with_pytorch_in_every_dtype(
    dtype: torch.dtype, reduction: str, generator: torch.Generator
) -> None:
    z = torch.randn(6, 5, 2, generator=generator).to(dtype)
    t = torch.randint(5, (6, 2), generator=generator)
    w = torch.rand(5, generator=generator).to(dtype)
    close = {"rtol": 0, "atol": 40 * torch.finfo(dtype).eps} if dtype in HALF else {}
    for ours, options in itertools.product((nll_loss, cross_entropy), ({}, {"weight": w})):
        theirs = theirs_of(ours)
        result = ours(z, t, reduction=reduction, **options)
        assert result.dtype == dtype
        torch.testing.assert_close(result, theirs(z, t, reduction=reduction, **options), **close)
        torch.testing.assert_close(
            gradient(lambda z: ours(z, t, reduction=reduction, **options), z),  # noqa: B023
            gradient(lambda z: theirs(z, t, reduction=reduction, **options), z),  # noqa: B023
            **close,
        )


@regression
@pytest.mark.parametrize("first", [*FLOATING, torch.int64, torch.bool], ids=str)
@pytest.mark.parametrize("second", [*FLOATING, torch.int64, torch.bool], ids=str)
def test_two_dtypes_are_answered_as_in_pytorch(
    ours: Callable[..., Tensor], first: torch.dtype, second: torch.dtype
) -> None:
    y, t = torch.tensor([1, 0, 1]).to(first), torch.tensor([1, 1, 0]).to(second)
    for reduction in ("none", "mean", "sum"):
        try:
            wanted = theirs_of(ours)(y, t, reduction=reduction)
        except (RuntimeError, NotImplementedError):
            if torch.bool in (first, second) and first != second:
                continue  # the minus of booleans; ours counts them as 0 and 1
            with pytest.raises(TypeError, match="must h"):
                ours(y, t, reduction=reduction)
        else:
            torch.testing.assert_close(ours(y, t, reduction=reduction), wanted)


def test_absolute_errors_of_unsigned_and_complex_numbers() -> None:
    y, t = torch.tensor([1, 200], dtype=torch.uint8), torch.tensor([2, 100], dtype=torch.uint8)
    assert l1_loss(y, t, reduction="none").tolist() == [1, 100]  # PyTorch: 255
    y, t = torch.tensor([3 + 4j, 0j]), torch.zeros(2, dtype=torch.complex64)
    assert l1_loss(y, t, reduction="none").tolist() == [5.0, 0.0]
    torch.testing.assert_close(
        gradient(lambda y: l1_loss(y, t), y), gradient(lambda y: F.l1_loss(y, t), y)
    )


@pytest.mark.parametrize("dtype", HALF, ids=str)
def test_a_mean_fits_half_precision_although_a_term_does_not(dtype: torch.dtype) -> None:
    y = torch.tensor([300.0, 0.0, 0.0, 0.0], dtype=dtype)
    assert mse_loss(y, torch.zeros_like(y)).item() == pytest.approx(22500, rel=0.01)
    many = torch.ones(5000, dtype=dtype)
    assert mse_loss(many, torch.zeros_like(many)).item() == 1
    z = torch.zeros(5000, 2, dtype=dtype)
    loss = cross_entropy(z, torch.zeros(5000, dtype=torch.int64))
    assert loss.item() == pytest.approx(math.log(2), rel=0.01)


@pytest.mark.parametrize("dtype", HALF, ids=str)
def test_extreme_half_precision_stays_finite(dtype: torch.dtype) -> None:
    z = torch.tensor([[6e4, -6e4], [-6e4, 6e4]], dtype=dtype)
    t = torch.tensor([1, 1])
    assert gradient(lambda z: cross_entropy(z, t, reduction="sum"), z).tolist() == [[1, -1], [0, 0]]
    yes = torch.ones(2, 2, dtype=dtype)
    slope = gradient(lambda z: binary_cross_entropy_with_logits(z, yes, reduction="sum"), z)
    assert slope.tolist() == [[0, -1], [-1, 0]]
    p = torch.tensor([0.0, 1.0], dtype=dtype)
    assert gradient(lambda p: binary_cross_entropy(p, p.detach()), p).tolist() == [0, 0]
    assert cosine_similarity(z, z).tolist() == [1, 1]


@pytest.mark.parametrize("n", [0, 1, 3])
@pytest.mark.parametrize("ours", REGRESSION, ids=lambda f: f.__name__)
def test_huge_tied_and_missing_errors_have_pytorchs_slopes(
    ours: Callable[..., Tensor], n: int
) -> None:
    y = torch.tensor([0.0, 1.0, -1.0, 1e30, -1e30, INF, -INF, NAN, 0.5])[n:]
    t = torch.zeros_like(y)
    torch.testing.assert_close(
        gradient(lambda y: ours(y, t, reduction="sum"), y),
        gradient(lambda y: theirs_of(ours)(y, t, reduction="sum"), y),
        equal_nan=True,
    )


@regression
def test_the_mean_of_nothing_is_nan(ours: Callable[..., Tensor]) -> None:
    empty = torch.zeros(0, 3)
    assert math.isnan(ours(empty, empty).item())
    assert ours(empty, empty, reduction="sum").item() == 0
    assert ours(empty, empty, reduction="none").shape == (0, 3)


def test_weighted_means_divide_as_pytorch_does() -> None:
    y, t = torch.tensor([1.0, 2.0, 4.0]), torch.tensor([1.0, 4.0, 3.0])
    w = torch.tensor([1.0, 0.5, 2.0])
    for ours in (mse_loss, l1_loss, huber_loss):
        for weight in (w, w.double(), torch.tensor([1, 2, 3])):
            for reduction in ("none", "mean", "sum"):
                result = ours(y, t, reduction=reduction, weight=weight)
                wanted = theirs_of(ours)(y, t, reduction=reduction, weight=weight)
                torch.testing.assert_close(result, wanted)
    assert mse_loss(y, t, weight=w).item() == pytest.approx(4 / 3.5)
    assert huber_loss(y, t, weight=w).item() == pytest.approx((0.75 + 1) / 3)
    slope = gradient(lambda w: mse_loss(y, t, weight=w), w)
    torch.testing.assert_close(slope, gradient(lambda w: F.mse_loss(y, t, weight=w), w))


# --- Classes -----------------------------------------------------------------------------------


def test_ignored_samples_take_part_in_nothing(generator: torch.Generator) -> None:
    z = torch.randn(4, 3, generator=generator)
    t = torch.tensor([0, -100, 2, -100])
    torch.testing.assert_close(cross_entropy(z, t), cross_entropy(z[::2], t[::2]))
    z[1] = NAN
    assert cross_entropy(z, t).isfinite()
    slope = gradient(lambda z: nll_loss(z, t), z)
    torch.testing.assert_close(slope, gradient(lambda z: F.nll_loss(z, t), z))
    assert slope[1].tolist() == [0, 0, 0]


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_a_batch_of_ignored_samples_has_no_mean_and_no_gradient(smoothing: float) -> None:
    z, t = torch.zeros(2, 3), torch.full((2,), -100)
    assert math.isnan(cross_entropy(z, t, label_smoothing=smoothing).item())
    assert cross_entropy(z, t, reduction="sum", label_smoothing=smoothing).item() == 0
    slope = gradient(lambda z: cross_entropy(z, t, label_smoothing=smoothing), z)
    wanted = gradient(lambda z: F.cross_entropy(z, t, label_smoothing=smoothing), z)
    torch.testing.assert_close(slope, wanted, equal_nan=True)


def test_weights_of_zero_give_pytorchs_nan() -> None:
    z, t = torch.randn(4, 3, generator=torch.Generator().manual_seed(0)), torch.arange(4) % 3
    weight = torch.zeros(3)
    for pair in ((nll_loss, F.nll_loss), (cross_entropy, F.cross_entropy)):
        slopes = [gradient(lambda z, f=f: f(z, t, weight=weight), z) for f in pair]
        torch.testing.assert_close(*slopes, equal_nan=True)


def test_bytes_name_classes_and_one_target_may_stand_in_a_row() -> None:
    z = torch.tensor([[1.0, 2.0, 4.0], [0.0, 1.0, 0.0]])
    t = torch.tensor([2, 0])
    torch.testing.assert_close(cross_entropy(z, t.byte()), cross_entropy(z, t))
    assert cross_entropy(z[0], torch.tensor([2]), reduction="none").shape == ()
    images = z.T.reshape(1, 3, 2)
    torch.testing.assert_close(cross_entropy(images, t[None].byte()), cross_entropy(z, t))


def test_class_probabilities_of_any_dtype_promote_as_in_pytorch() -> None:
    z = torch.tensor([[1.0, 2.0, 4.0], [0.0, 1.0, 0.0]])
    q = torch.tensor([[0.25, 0.75, 0.0], [0.0, 0.0, 1.0]])
    for first, second in itertools.product(FLOATING, FLOATING):
        ours, theirs = (f(z.to(first), q.to(second)) for f in (cross_entropy, F.cross_entropy))
        tolerance = 0.02 if {first, second} & set(HALF) else 1e-6
        torch.testing.assert_close(ours, theirs, rtol=tolerance, atol=0)
    w = torch.tensor([1, 2, 3])
    torch.testing.assert_close(cross_entropy(z, q, weight=w), F.cross_entropy(z, q, weight=w))
    torch.testing.assert_close(
        gradient(lambda q: cross_entropy(z, q), q), gradient(lambda q: F.cross_entropy(z, q), q)
    )


def test_one_hot_rows_as_probabilities_give_the_loss_of_indices(generator: torch.Generator) -> None:
    z = torch.randn(8, 5, generator=generator, dtype=torch.float64)
    t = torch.randint(5, (8,), generator=generator)
    for smoothing in (0.0, 0.2):
        torch.testing.assert_close(
            cross_entropy(z, one_hot(t, 5).double(), label_smoothing=smoothing),
            cross_entropy(z, t, label_smoothing=smoothing),
        )


@given(st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=8), st.floats(-1e3, 1e3))
def test_cross_entropy_is_not_negative_and_ignores_a_shift(
    numbers: list[float], shift: float
) -> None:
    z, t = torch.tensor(numbers, dtype=torch.float64), torch.tensor(0)
    loss = cross_entropy(z, t)
    assert loss >= 0
    torch.testing.assert_close(cross_entropy(z + shift, t), loss, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(nll_loss(log_softmax(z, 0), t), loss)


def test_the_gradient_is_prediction_less_truth(generator: torch.Generator) -> None:
    z = torch.randn(6, 4, generator=generator, dtype=torch.float64)
    t = torch.randint(4, (6,), generator=generator)
    wanted = (softmax(z, dim=1) - one_hot(t, 4)) / 6
    torch.testing.assert_close(gradient(lambda z: cross_entropy(z, t), z), wanted)
    torch.testing.assert_close(backprop.cross_entropy_backward(z, t), wanted)


def test_logits_of_every_size_have_finite_losses_and_gradients() -> None:
    for scale in (1e2, 1e4, 1e30):
        z = scale * torch.tensor([[1.0, 0.0, -1.0], [-1.0, 1.0, 0.0]])
        for target in (torch.tensor([2, 0]), torch.tensor([[0.0, 0.5, 0.5], [1.0, 0.0, 0.0]])):
            for smoothing in (0.0, 0.1):
                loss = cross_entropy(z, target, label_smoothing=smoothing)
                assert loss.isfinite()
                slope = gradient(
                    lambda z, t=target, e=smoothing: cross_entropy(z, t, label_smoothing=e), z
                )
                assert slope.isfinite().all()


# --- Yes or no ---------------------------------------------------------------------------------


def test_certain_probabilities_are_cut_off_as_in_pytorch() -> None:
    p = torch.tensor([0.0, 1.0, 0.0, 1.0, 1e-30, 0.5])
    t = torch.tensor([0.0, 1.0, 1.0, 0.0, 1.0, 0.5])
    result = binary_cross_entropy(p, t, reduction="none")
    torch.testing.assert_close(result, F.binary_cross_entropy(p, t, reduction="none"))
    assert result.max() == 100
    for p_like in (p, p.double()):
        t_like = t.to(p_like)
        torch.testing.assert_close(
            gradient(lambda p, t=t_like: binary_cross_entropy(p, t), p_like),
            gradient(lambda p, t=t_like: F.binary_cross_entropy(p, t), p_like),
            rtol=1e-6,
            atol=0,
        )
    torch.testing.assert_close(
        gradient(lambda t: binary_cross_entropy(p, t), t),
        gradient(lambda t: F.binary_cross_entropy(p, t), t),
    )


def test_weights_of_probabilities_are_broadcast(generator: torch.Generator) -> None:
    p, t = (probabilities((4, 3), generator).float() for _ in "pt")
    for weight in (torch.rand(3), torch.rand(4, 1), torch.tensor(2.0), torch.tensor([1, 2, 3])):
        for ours in (binary_cross_entropy, binary_cross_entropy_with_logits):
            result = ours(p, t, weight=weight)
            torch.testing.assert_close(result, theirs_of(ours)(p, t, weight=weight.float()))
        result = binary_cross_entropy_with_logits(p, t, pos_weight=weight)
        wanted = F.binary_cross_entropy_with_logits(p, t, pos_weight=weight)
        torch.testing.assert_close(result, wanted)


def test_a_small_loss_of_a_logit_keeps_its_digits() -> None:
    z = torch.tensor([-10.0, -30.0, -80.0, 10.0, 30.0, 80.0], requires_grad=True)
    t = torch.tensor([0.0, 0.0, 0.0, 1.0, 1.0, 1.0])
    loss = binary_cross_entropy_with_logits(z, t, reduction="none")
    wanted = torch.log1p(torch.exp(-z.detach().abs().double())).float()
    torch.testing.assert_close(loss.detach(), wanted, rtol=1e-6, atol=0)


def test_infinite_logits() -> None:
    z, t = torch.tensor([INF, -INF, INF]), torch.tensor([0.0, 1.0, 1.0])
    result = binary_cross_entropy_with_logits(z, t, reduction="none").tolist()
    assert result[:2] == [INF, INF]  # PyTorch: inf, nan
    assert math.isnan(result[2])  # 0 times infinity, as in PyTorch
    slope = gradient(lambda z: binary_cross_entropy_with_logits(z, t, reduction="sum"), z)
    assert slope.tolist() == [1, -1, 0]


@given(st.floats(-50, 50), st.floats(0, 1))
def test_a_logit_and_its_probability_cost_the_same(logit: float, truth: float) -> None:
    z, t = torch.tensor(logit, dtype=torch.float64), torch.tensor(truth, dtype=torch.float64)
    ours = binary_cross_entropy_with_logits(z, t)
    if abs(logit) < 30:
        torch.testing.assert_close(ours, binary_cross_entropy(sigmoid(z), t), rtol=1e-3, atol=1e-9)
    torch.testing.assert_close(
        gradient(lambda z: binary_cross_entropy_with_logits(z, t), z), sigmoid(z) - t
    )


# --- Distributions and directions --------------------------------------------------------------


@given(st.lists(st.floats(-20, 20), min_size=2, max_size=6), st.integers(0, 1000))
def test_a_divergence_is_cross_entropy_less_entropy_and_not_negative(
    numbers: list[float], seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    z = torch.tensor([numbers], dtype=torch.float64)
    q = softmax(torch.randn(1, len(numbers), generator=generator, dtype=torch.float64), dim=1)
    divergence = kl_div(log_softmax(z, dim=1), q, reduction="batchmean")
    assert divergence >= -1e-15
    entropy = -(q * q.log()).sum()
    torch.testing.assert_close(cross_entropy(z, q) - entropy, divergence, atol=1e-12, rtol=1e-9)
    torch.testing.assert_close(
        kl_div(log_softmax(z, dim=1), q.log(), reduction="batchmean", log_target=True), divergence
    )


def test_zero_probabilities_have_pytorchs_terms_and_slopes() -> None:
    log_p = torch.tensor([0.0, -1.0, -INF, -INF, -0.5])
    q = torch.tensor([0.0, 0.0, 0.0, 0.5, 1.0])
    torch.testing.assert_close(
        kl_div(log_p, q, reduction="none"), F.kl_div(log_p, q, reduction="none"), equal_nan=True
    )
    for options in ({}, {"log_target": True}):
        ours = gradient(lambda x, o=options: kl_div(x, q, reduction="sum", **o), log_p)
        theirs = gradient(lambda x, o=options: F.kl_div(x, q, reduction="sum", **o), log_p)
        torch.testing.assert_close(ours, theirs)
    torch.testing.assert_close(
        gradient(lambda q: kl_div(log_p, q, reduction="sum"), q),
        gradient(lambda q: F.kl_div(log_p, q, reduction="sum"), q),
        equal_nan=True,
    )


def test_lengths_out_of_range_of_their_squares() -> None:
    for scale in (1e-3, 1.0, 1e30):
        a = scale * torch.tensor([[3.0, 4.0]])
        torch.testing.assert_close(cosine_similarity(a, a), torch.ones(1))
        slope = gradient(lambda a: cosine_similarity(a, torch.tensor([[4.0, 3.0]])), a)
        torch.testing.assert_close(scale * slope, torch.tensor([[0.0448, -0.0336]]))
    tiny = torch.tensor([[1e-30, 0.0]])
    assert cosine_similarity(tiny, tiny, eps=0.0).tolist() == [1]
    assert math.isnan(cosine_similarity(0 * tiny, tiny, eps=0.0).item())


def test_zeros_have_the_cosine_zero_and_pytorchs_slope() -> None:
    zero, b = torch.zeros(2, 3), torch.tensor([[1.0, 2.0, 2.0], [0.0, 0.0, 0.0]])
    assert cosine_similarity(zero, b).tolist() == [0, 0]
    torch.testing.assert_close(
        gradient(lambda a: cosine_similarity(a, b), zero),
        gradient(lambda a: F.cosine_similarity(a, b), zero),
    )
    with_nan = torch.tensor([[INF, 1.0], [NAN, 1.0]])
    assert cosine_similarity(with_nan, torch.ones(2, 2)).isnan().all()


def test_cosines_of_two_dtypes_are_answered_in_the_wider() -> None:
    a, b = torch.tensor([[1.0, 2.0]]), torch.tensor([[2, 1]])
    assert cosine_similarity(a.half(), a).dtype == torch.float32
    assert cosine_similarity(a, a.double()).dtype == torch.float64
    torch.testing.assert_close(cosine_similarity(a, b), F.cosine_similarity(a, b))
    assert cosine_similarity(torch.tensor(2.0), torch.tensor(-3.0), dim=0).item() == -1


# --- Derivatives -------------------------------------------------------------------------------


@elementwise
def test_gradients_equal_finite_differences_to_the_second_order(
    ours: Callable[..., Tensor], generator: torch.Generator
) -> None:
    y, t = (probabilities((4, 3), generator).requires_grad_() for _ in "yt")

    def loss(y: Tensor, t: Tensor) -> Tensor:
        return ours(y, t, reduction="none")

    assert torch.autograd.gradcheck(loss, (y, t), check_forward_ad=True)
    assert torch.autograd.gradgradcheck(loss, (y, t))


def test_gradients_of_the_other_losses_equal_finite_differences(generator: torch.Generator) -> None:
    z = torch.randn(4, 3, generator=generator, dtype=torch.float64, requires_grad=True)
    other = torch.randn(4, 3, generator=generator, dtype=torch.float64, requires_grad=True)
    t, w = torch.tensor([0, 2, -100, 1]), torch.tensor([1.0, 2.0, 0.5]).double()
    for smoothing in (0.0, 0.1):
        assert torch.autograd.gradcheck(
            lambda z, e=smoothing: cross_entropy(z, t, w, label_smoothing=e), z
        )
        assert torch.autograd.gradgradcheck(
            lambda z, e=smoothing: cross_entropy(z, t, w, label_smoothing=e), z
        )
    assert torch.autograd.gradcheck(lambda z, q: cross_entropy(z, q, w), (z, other))
    assert torch.autograd.gradcheck(lambda z: nll_loss(z, t, w), z)
    assert torch.autograd.gradcheck(cosine_similarity, (z, other))
    assert torch.autograd.gradgradcheck(cosine_similarity, (z, other))
    inside = torch.linspace(-0.9, 0.9, 7, dtype=torch.float64, requires_grad=True)
    zeros = torch.zeros(7, dtype=torch.float64)
    for ours in (huber_loss, smooth_l1_loss, mse_loss):
        assert torch.autograd.gradgradcheck(lambda y, f=ours: f(y, zeros), inside)


def test_huber_is_a_parabola_at_zero_to_the_second_order() -> None:
    zero = torch.zeros((), requires_grad=True)
    (slope,) = torch.autograd.grad(huber_loss(zero, torch.zeros(())), zero, create_graph=True)
    (curvature,) = torch.autograd.grad(slope, zero)
    assert curvature.item() == 1


def test_function_transforms_pass_through(generator: torch.Generator) -> None:
    p, t = (probabilities((5,), generator) for _ in "pt")
    slope = torch.func.grad(lambda p: binary_cross_entropy(p, t, reduction="sum"))(p)
    torch.testing.assert_close(slope, (p - t) / (p * (1 - p)))
    for ours in (*REGRESSION, binary_cross_entropy_with_logits):
        single = torch.func.vmap(torch.func.grad(ours))(p, t)
        torch.testing.assert_close(single, torch.func.vmap(torch.func.grad(theirs_of(ours)))(p, t))


# --- What the chapters claim -------------------------------------------------------------------


@given(st.floats(-1e3, 1e3), st.floats(0.01, 10))
def test_huber_is_smooth_l1_times_its_threshold(error: float, delta: float) -> None:
    y, t = torch.tensor(error, dtype=torch.float64), torch.zeros((), dtype=torch.float64)
    torch.testing.assert_close(
        huber_loss(y, t, delta=delta), delta * smooth_l1_loss(y, t, beta=delta)
    )


def test_huber_lies_between_its_neighbours() -> None:
    y, t = torch.linspace(-3, 3, 101, dtype=torch.float64), torch.zeros(101, dtype=torch.float64)
    wide, narrow = (huber_loss(y, t, reduction="none", delta=d) for d in (1e6, 1e-6))
    torch.testing.assert_close(wide, mse_loss(y, t, reduction="none") / 2)
    torch.testing.assert_close(narrow / 1e-6, l1_loss(y, t, reduction="none"), atol=1e-6, rtol=0)


def test_the_best_constant_is_the_mean_or_the_median() -> None:
    data = torch.tensor([1.0, 2.0, 3.0, 4.0, 90.0])
    grid = torch.linspace(0, 100, 1001)[:, None]
    for ours, wanted in ((mse_loss, data.mean()), (l1_loss, data.median())):
        totals = ours(grid.expand(-1, 5), data.expand(1001, -1), reduction="none").sum(1)
        assert grid[totals.argmin()].item() == pytest.approx(wanted.item(), abs=0.05)


def test_squared_error_by_hand_is_the_same() -> None:
    y, t = torch.tensor([[1.0], [4.0]]), torch.tensor([[1.0], [2.0]])
    assert torch.equal(mse_loss(y, t), backprop.squared_error_forward(y, t))
    slope = gradient(lambda y: mse_loss(y, t), y)
    assert torch.equal(slope, backprop.squared_error_backward(y, t))


# --- What is refused ---------------------------------------------------------------------------


@regression
@pytest.mark.parametrize(
    ("shape", "other", "remedy"),
    [
        ((3, 1), (3,), r"; use target\.unsqueeze\(1\)"),
        ((3,), (3, 1), r"; use target\.squeeze\(1\)"),
        ((1, 3), (3,), r"; use target\.unsqueeze\(0\)"),
        ((3,), (1, 3), r"; use target\.squeeze\(0\)"),
        ((4, 3), (3,), r"if each row shall meet the same target, use target\.expand_as\(input\)"),
        ((4, 3), (4, 2), r"\(4, 2\)$"),
        ((1,), (), r"; use target\.unsqueeze\(0\)"),
    ],
)
def test_shapes_that_differ_are_refused_with_a_remedy(
    ours: Callable[..., Tensor], shape: tuple[int, ...], other: tuple[int, ...], remedy: str
) -> None:
    with pytest.raises(ValueError, match=r"target must have input's shape .*, got .*" + remedy):
        ours(torch.zeros(shape), torch.zeros(other))


@pytest.mark.parametrize("ours", [*ELEMENTWISE, nll_loss, cross_entropy], ids=lambda f: f.__name__)
def test_other_words_than_the_reductions_are_refused(ours: Callable[..., Tensor]) -> None:
    for word in ("average", None, "MEAN"):
        with pytest.raises(ValueError, match="reduction must be one of 'none', 'mean', 'sum'"):
            ours(torch.zeros(2, 2), torch.zeros(2, 2), reduction=word)


@pytest.mark.parametrize("ours", [*ELEMENTWISE, nll_loss, cross_entropy], ids=lambda f: f.__name__)
def test_lists_are_refused(ours: Callable[..., Tensor]) -> None:
    with pytest.raises(TypeError, match="input must be a tensor, got a list"):
        ours([1.0], torch.ones(1))
    with pytest.raises(TypeError, match="target must be a tensor, got a list"):
        ours(torch.ones(1), [1.0])


X, T, K = torch.zeros(4, 3), torch.zeros(4, dtype=torch.int64), torch.full((4, 3), 0.5)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: mse_loss(T, T), TypeError, "input must have a floating-point dtype, got an int64"),
        (lambda: mse_loss(X + 0j, X + 0j), TypeError, "input must have a floating-point dtype"),
        (lambda: mse_loss(X, X, weight=torch.ones(3)), ValueError, r"weight must have input's sh"),
        (lambda: mse_loss(X, X, weight=2.0), TypeError, "weight must be a tensor, got 2.0"),
        (lambda: l1_loss(T, T), TypeError, "floating-point dtype for reduction='mean', got an int"),
        (lambda: l1_loss(T > 0, T > 0), TypeError, "input must hold numbers, got a bool tensor"),
        (lambda: huber_loss(T, X[:, 0]), TypeError, "input must have a floating-point dtype"),
        (lambda: huber_loss(X, X + 0j), TypeError, "target must hold real numbers, got a complex"),
        (lambda: huber_loss(X, X, delta=0), ValueError, "delta must be above 0.0, got 0"),
        (lambda: huber_loss(X, X, delta="1"), TypeError, "delta must be a real number, got '1'"),
        (lambda: smooth_l1_loss(X, X, beta=-1), ValueError, "beta must be at least 0.0, got -1"),
        (lambda: smooth_l1_loss(X, X, beta=NAN), ValueError, "beta must be a number, got nan"),
        (lambda: smooth_l1_loss(T, T), TypeError, "input must have a floating-point dtype"),
        (lambda: nll_loss(X[0, 0], T[0]), ValueError, r"input must have shape \(C,\), \(N, C\) or"),
        (lambda: nll_loss(X.long(), T), TypeError, "input must have a floating-point dtype"),
        (
            lambda: nll_loss(X, T.int()),
            TypeError,
            r"indices of dtype int64, got an int32 .*; for indices use target.long\(\)",
        ),
        (lambda: nll_loss(X, T.float()), TypeError, "class indices of dtype int64, got a float32"),
        (
            lambda: nll_loss(X, T[:, None]),
            ValueError,
            r"shape \(N,\) = \(4,\), got an int64 .* \(4, 1\); use target.squeeze\(1\)",
        ),
        (lambda: nll_loss(X, T[:3]), ValueError, r"shape \(N,\) = \(4,\), got .* \(3,\)$"),
        (lambda: nll_loss(X[0], T), ValueError, r"target must have shape \(\), got .* \(4,\)"),
        (
            lambda: nll_loss(X[..., None], T),
            ValueError,
            r"\(N, d1\) = \(4, 1\), got .*; use target.unsqueeze\(1\)",
        ),
        (
            lambda: nll_loss(X, T + 3),
            ValueError,
            r"from 0 to 2 or ignore_index = -100, got 3 at index \(0,\)",
        ),
        (lambda: nll_loss(X, T - 1), ValueError, "classes from 0 to 2 or .*, got -1"),
        (lambda: nll_loss(X[0], T[0] + 3), ValueError, "ignore_index = -100, got 3$"),
        (
            lambda: nll_loss(X, T, weight=torch.ones(2)),
            ValueError,
            r"one number for each class, shape \(3,\), got .* \(2,\)",
        ),
        (
            lambda: nll_loss(X, T, weight=torch.ones(3).double()),
            TypeError,
            "weight must have input's dtype float32, got float64",
        ),
        (
            lambda: nll_loss(X, T, ignore_index=1.0),
            TypeError,
            "ignore_index must be an int, got 1.0",
        ),
        (
            lambda: cross_entropy(X, T.float()),
            TypeError,
            r"int64, or class probabilities of input's shape \(4, 3\), got a float32",
        ),
        (
            lambda: cross_entropy(X, X.long()),
            TypeError,
            r"got an int64 .*; use target.to\(input.dtype\), or target.argmax\(1\)",
        ),
        (
            lambda: cross_entropy(X, K, ignore_index=1),
            ValueError,
            "left out for class probabilities, got 1",
        ),
        (
            lambda: cross_entropy(X, T, label_smoothing=1.5),
            ValueError,
            "label_smoothing must be at most 1.0, got 1.5",
        ),
        (
            lambda: cross_entropy(X, T, label_smoothing=-0.1),
            ValueError,
            "label_smoothing must be at least 0.0",
        ),
        (lambda: cross_entropy(X, T[:, None]), ValueError, r"use target.squeeze\(1\)"),
        (
            lambda: one_hot(T.int()),
            TypeError,
            r"input must have dtype int64, got an int32 .*; use input.long\(\)",
        ),
        (lambda: one_hot(T - 1), ValueError, "input must hold classes of at least 0, got -1"),
        (
            lambda: one_hot(T + 3, 3),
            ValueError,
            "input must hold classes below num_classes = 3, got 3",
        ),
        (lambda: one_hot(T, 0), ValueError, "classes below num_classes = 0, got 0"),
        (lambda: one_hot(T, -2), ValueError, "num_classes must be at least -1, got -2"),
        (lambda: one_hot(T, 2.0), TypeError, "num_classes must be an int, got 2.0"),
        (
            lambda: one_hot(T[:0]),
            ValueError,
            "num_classes must be given for an empty input, got -1",
        ),
        (
            lambda: binary_cross_entropy(X - 1, K),
            ValueError,
            r"got -1.0 at index \(0, 0\); for logits use binary_cross_entropy_with_logits",
        ),
        (
            lambda: binary_cross_entropy(K * NAN, K),
            ValueError,
            "input must hold probabilities .* got nan",
        ),
        (
            lambda: binary_cross_entropy(K, K * 4),
            ValueError,
            "target must hold probabilities from 0 to 1, got 2.0",
        ),
        (
            lambda: binary_cross_entropy(K, K.double()),
            TypeError,
            "target must have input's dtype float32, got float64",
        ),
        (
            lambda: binary_cross_entropy(K[:, 0], T),
            TypeError,
            r"target must have a floating-point dtype, got an int64 .*use target.float\(\)",
        ),
        (lambda: binary_cross_entropy(K[:, :1], K[:, 0]), ValueError, r"use target.unsqueeze\(1\)"),
        (
            lambda: binary_cross_entropy(K, K, weight=torch.ones(4)),
            ValueError,
            r"weight must broadcast to target's shape \(4, 3\), got",
        ),
        (
            lambda: binary_cross_entropy(K, K, weight=torch.ones(2, 4, 3)),
            ValueError,
            "weight must broadcast to",
        ),
        (
            lambda: binary_cross_entropy(K, K, weight=2.0),
            TypeError,
            "weight must be a tensor, got 2.0",
        ),
        (
            lambda: binary_cross_entropy(K, K, weight=K + 0j),
            TypeError,
            "weight must hold real numbers",
        ),
        (
            lambda: binary_cross_entropy_with_logits(X, X.long()),
            TypeError,
            "target must have a floating-point dtype",
        ),
        (
            lambda: binary_cross_entropy_with_logits(X, X[0]),
            ValueError,
            "target must have input's shape",
        ),
        (
            lambda: binary_cross_entropy_with_logits(X, X, pos_weight=torch.ones(4)),
            ValueError,
            "pos_weight must broadcast to",
        ),
        (lambda: kl_div(X, X[0]), ValueError, r"target must have input's shape \(4, 3\)"),
        (lambda: kl_div(T, T), TypeError, "input must have a floating-point dtype"),
        (lambda: kl_div(X, X, log_target=1), TypeError, "log_target must be a bool, got 1"),
        (lambda: cosine_similarity([1.0], X), TypeError, "x1 must be a tensor, got a list"),
        (
            lambda: cosine_similarity(X, K[:, :2]),
            ValueError,
            r"x2 must broadcast with x1, got .*\(4, 2\) beside .*\(4, 3\)",
        ),
        (lambda: cosine_similarity(X[0], X[0]), ValueError, "dim must be at most 0, got 1"),
        (
            lambda: cosine_similarity(X, X, eps=-1.0),
            ValueError,
            "eps must be at least 0.0, got -1.0",
        ),
        (lambda: cosine_similarity(T, T, dim=0), TypeError, "x1 must have a floating-point dtype"),
    ],
)
def test_bad_input_is_named(
    call: Callable[[], Tensor], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("ours", ELEMENTWISE, ids=lambda f: f.__name__)
def test_targets_elsewhere_are_refused(ours: Callable[..., Tensor]) -> None:
    with pytest.raises(ValueError, match="target must be on input's device cpu, got meta; use"):
        ours(K, K.to("meta"))


def test_other_tensors_elsewhere_are_refused() -> None:
    meta = "meta"
    for call, name in (
        (lambda: nll_loss(X, T.to(meta)), "target"),
        (lambda: cross_entropy(X, K.to(meta)), "target"),
        (lambda: cross_entropy(X, T, weight=torch.ones(3, device=meta)), "weight"),
        (lambda: mse_loss(X, X, weight=X.to(meta)), "weight"),
        (lambda: binary_cross_entropy(K, K, weight=K.to(meta)), "weight"),
        (lambda: cosine_similarity(X, X.to(meta)), "x2"),
    ):
        with pytest.raises(ValueError, match=f"{name} must be on .*device cpu, got meta"):
            call()


def test_the_arguments_are_left_as_they_are() -> None:
    p, t = K.clone(), K.clone()
    for function in ELEMENTWISE:
        function(p, t)
    assert torch.equal(p, K)
    assert torch.equal(t, K)
