"""Gradients through depth: autograd, bounds that hold, and what the chapter says of them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from handbook.activations import CURVES
from handbook.gradient_flow import (
    LARGEST_SLOPES,
    GradientHistogram,
    gradient_bound,
    gradient_histograms,
    gradient_norms,
    layer_gradients,
    layer_sums,
    slope_bound,
)
from handbook.seeding import make_generator


def draw_stack(
    scale: float, *widths: int, seed: int = 0, dtype: torch.dtype = torch.float64
) -> list[Tensor]:
    generator = make_generator(seed)
    return [
        (scale / math.sqrt(n_in) * torch.randn(n_out, n_in, generator=generator)).to(dtype)
        for n_in, n_out in itertools.pairwise(widths)
    ]


def draw(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(*shape, generator=make_generator(seed), dtype=torch.float64)


@pytest.mark.parametrize("activation", CURVES)
@pytest.mark.parametrize("shape", [(7, 5), (5,), (2, 3, 5), (0, 5)], ids=str)
def test_the_way_back_by_hand_is_autograds(activation: str, shape: tuple[int, ...]) -> None:
    weights = draw_stack(1.5, 5, 8, 3, 6)
    x = draw(*shape).requires_grad_()
    sums = layer_sums(weights, x, activation)
    output = CURVES[activation].value(sums[-1])
    upstream = draw(*output.shape, seed=2)
    deltas = layer_gradients(weights, [z.detach() for z in sums], upstream, activation)
    inner = torch.autograd.grad(output, [x, *sums[1:]], upstream)
    assert len(deltas) == 4
    torch.testing.assert_close(deltas[0], inner[0])
    assert torch.equal(deltas[-1], upstream)
    for i in (1, 2):  # the gradient at a sum is delta times slope
        by_hand = deltas[i + 1] * CURVES[activation].slope(sums[i].detach())
        torch.testing.assert_close(by_hand, inner[i])


@pytest.mark.parametrize("activation", CURVES)
def test_the_largest_slope_is_reached_and_never_passed(activation: str) -> None:
    x = torch.linspace(-20, 20, 400_001, dtype=torch.float64)
    steepest = CURVES[activation].slope(x).abs().max().item()
    assert steepest <= LARGEST_SLOPES[activation] + 1e-12
    assert steepest > LARGEST_SLOPES[activation] - 1e-6
    assert slope_bound(activation, 3) == pytest.approx(LARGEST_SLOPES[activation] ** 3)


def test_every_curve_has_a_largest_slope() -> None:
    assert list(LARGEST_SLOPES) == list(CURVES)


@pytest.mark.parametrize("activation", CURVES)
@pytest.mark.parametrize("scale", [0.3, 1.0, 4.0])
def test_no_gradient_passes_the_bound(activation: str, scale: float) -> None:
    weights = draw_stack(scale, 6, 9, 9, 9, 4)
    bounds = gradient_bound(weights, activation)
    sums = layer_sums(weights, draw(20, 6), activation)
    deltas = layer_gradients(weights, sums, draw(20, 4, seed=3), activation)
    for delta, bound in zip(deltas, bounds, strict=True):
        ratios = delta.norm(dim=1) / deltas[-1].norm(dim=1)
        assert (ratios <= bound * (1 + 1e-9)).all()
    assert bounds[-1] == 1


def test_the_bound_is_reached_along_singular_vectors() -> None:
    weights = [torch.diag(torch.tensor([3.0, 1.0], dtype=torch.float64))] * 4
    x = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    sums = layer_sums(weights, x, "relu")
    deltas = layer_gradients(weights, sums, x, "relu")
    assert [delta.norm().item() for delta in deltas] == [81.0, 27.0, 9.0, 3.0, 1.0]
    torch.testing.assert_close(gradient_bound(weights, "relu"), draw(5) * 0 + torch.tensor(
        [81.0, 27.0, 9.0, 3.0, 1.0], dtype=torch.float64))  # fmt: skip


def test_the_bound_of_the_slopes_is_passed_when_weights_are_large() -> None:
    depth = 30
    weights = draw_stack(math.sqrt(2.0), *([64] * (depth + 1)))
    sums = layer_sums(weights, draw(50, 64), "sigmoid")
    deltas = layer_gradients(weights, sums, draw(50, 64, seed=3), "sigmoid")
    ratio = (deltas[0].norm() / deltas[-1].norm()).item()
    assert ratio > 100 * slope_bound("sigmoid", depth)
    assert ratio < gradient_bound(weights, "sigmoid")[0]


def test_the_sigmoid_vanishes_tanh_less_and_relu_keeps_at_kaimings_start() -> None:
    depth, kept = 30, {}
    for activation in ("sigmoid", "tanh", "relu"):
        scale = math.sqrt(2.0) if activation == "relu" else 1.0
        weights = draw_stack(scale, *([64] * (depth + 1)))
        sums = layer_sums(weights, draw(50, 64), activation)
        deltas = layer_gradients(weights, sums, draw(50, 64, seed=3), activation)
        kept[activation] = (deltas[0].norm() / deltas[-1].norm()).item()
    assert kept["sigmoid"] < 1e-15 < 1e-3 < kept["tanh"] < 1
    assert 0.1 < kept["relu"] < 10


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_other_dtypes_are_kept(dtype: torch.dtype) -> None:
    weights = draw_stack(1.0, 4, 4, dtype=dtype)
    sums = layer_sums(weights, torch.ones(2, 4, dtype=dtype), "tanh")
    deltas = layer_gradients(weights, sums, torch.ones(2, 4, dtype=dtype), "tanh")
    assert {tensor.dtype for tensor in (*sums, *deltas)} == {dtype}
    assert gradient_bound(weights, "tanh").isfinite().all()


def test_norms_are_read_from_any_module() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1, bias=False))
    assert gradient_norms(model) == {}
    model[0].bias.requires_grad_(False)
    (1e-25 * model(torch.ones(2, 3)).sum()).backward()
    norms = gradient_norms(model)
    assert list(norms) == ["0.weight", "2.weight"]
    assert 0 < norms["0.weight"] < 1e-23  # its squares are below every float32 number
    exact = model[2].weight.grad.double().norm().item()
    assert norms["2.weight"] == pytest.approx(exact)
    model.zero_grad(set_to_none=False)
    assert gradient_norms(model) == {"0.weight": 0.0, "2.weight": 0.0}


def with_gradients(*numbers: list[float], dtype: torch.dtype = torch.float32) -> nn.ParameterList:
    parameters = [nn.Parameter(torch.zeros(len(row), dtype=dtype)) for row in numbers]
    for parameter, row in zip(parameters, numbers, strict=True):
        parameter.grad = torch.tensor(row, dtype=dtype)
    return nn.ParameterList(parameters)


def test_a_histogram_counts_by_hand() -> None:
    model = with_gradients([1e-3, -0.5e-2, 0.99, 1.0, 0.0, 1e-9, 20.0, -0.2], [0.0, 0.0])
    first, second = gradient_histograms(model, torch.tensor([-4.0, -2.0, 0.0, 1.0])).values()
    assert isinstance(first, GradientHistogram)
    assert first.shares.tolist() == [2 / 8, 2 / 8, 1 / 8]  # an edge belongs to the bin above it
    assert (first.zero, first.below, first.above) == (1 / 8, 1 / 8, 1 / 8)
    assert second.shares.tolist() == [0.0, 0.0, 0.0]
    assert (second.zero, second.below, second.above) == (1.0, 0.0, 0.0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("n_bins", [1, 7, 100])
def test_the_shares_of_a_histogram_make_one(n_bins: int, dtype: torch.dtype) -> None:
    model = nn.Sequential(nn.Linear(5, 7), nn.ReLU(), nn.Linear(7, 1)).to(dtype)
    model(draw(20, 5).to(dtype)).square().sum().backward()
    edges = torch.linspace(-2, 1, n_bins + 1)
    found = gradient_histograms(model, edges)
    assert list(found) == list(gradient_norms(model))
    for name, histogram in found.items():
        gradient = model.get_parameter(name).grad
        assert gradient is not None
        whole = histogram.shares.sum().item() + histogram.zero + histogram.below + histogram.above
        assert whole == pytest.approx(1.0)
        low, high = (10.0 ** edges[i].item() for i in (0, -1))
        sizes = gradient.double().abs()
        inside = ((sizes >= low) & (sizes < high)).double().mean().item()
        assert histogram.shares.sum().item() == pytest.approx(inside)
        assert histogram.zero == pytest.approx((gradient == 0).double().mean().item())


def test_a_histogram_is_that_of_the_logarithms() -> None:
    gradient = torch.randn(1000, generator=make_generator(0)).tolist()
    edges = torch.linspace(-3, 1, 21, dtype=torch.float64)
    (found,) = gradient_histograms(with_gradients(gradient), edges).values()
    logarithms = torch.tensor(gradient).double().abs().log10()
    counted, _ = torch.histogram(logarithms, edges)
    torch.testing.assert_close(found.shares, counted / 1000)


def test_a_larger_loss_moves_the_histogram_and_keeps_its_form() -> None:
    gradient = draw(500).tolist()
    edges = torch.arange(-6.0, 5.0)
    (one,) = gradient_histograms(with_gradients(gradient), edges).values()
    (hundred,) = gradient_histograms(with_gradients([100 * g for g in gradient]), edges).values()
    torch.testing.assert_close(hundred.shares[2:], one.shares[:-2])


def test_what_has_no_gradient_has_no_histogram() -> None:
    model = nn.Linear(2, 1)
    edges = torch.tensor([-1.0, 1.0])
    assert gradient_histograms(model, edges) == {}
    model.bias.requires_grad_(False)
    model(torch.ones(1, 2)).sum().backward()
    assert list(gradient_histograms(model, edges)) == ["weight"]
    assert gradient_histograms(with_gradients([]), edges) == {}
    (subnormal,) = gradient_histograms(
        with_gradients([1e-45]), torch.tensor([-46.0, -44.0])
    ).values()
    assert subnormal.shares.tolist() == [1.0]


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_a_gradient_that_is_not_finite_is_named(number: float) -> None:
    model = nn.ModuleDict({"layer": nn.Linear(1, 1)})
    model["layer"].weight.grad = torch.tensor([[number]])
    with pytest.raises(ValueError, match=f"finite gradients, got a {number} in that of layer.weig"):
        gradient_histograms(model, torch.tensor([-1.0, 1.0]))


W = torch.ones(2, 3)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: layer_sums(W, W, "tanh"), TypeError, "weights must be a list of tensors, got a"),
        (lambda: layer_sums([], W, "tanh"), ValueError, "weights must hold at least one layer"),
        (
            lambda: layer_sums([W.long()], W, "tanh"),
            TypeError,
            r"weights\[0\] must have a floating",
        ),
        (
            lambda: layer_sums([W[0]], W, "tanh"),
            ValueError,
            r"weights\[0\] must have shape \(n_out",
        ),
        (
            lambda: layer_sums([W, W], W, "tanh"),
            ValueError,
            r"weights\[1\] must take the 2 outputs",
        ),
        (
            lambda: layer_sums([W, W.double()], W, "tanh"),
            TypeError,
            r"weights\[1\] must have weigh",
        ),
        (lambda: layer_sums([W], W.T, "tanh"), ValueError, "input must have 3 numbers in its last"),
        (lambda: layer_sums([W], W.sum(), "tanh"), ValueError, "input must have 3 numbers"),
        (lambda: layer_sums([W], W.double(), "tanh"), TypeError, r"input must have weights\[0\]'s"),
        (lambda: layer_sums([W], W, "softmax"), ValueError, "activation must be one of 'relu'"),
        (lambda: layer_gradients([W], [], W, "tanh"), ValueError, "sums must hold one tensor for"),
        (
            lambda: layer_gradients([W], [W], W.T, "tanh"),
            ValueError,
            "gradient must have the shape",
        ),
        (lambda: gradient_bound([W], "maxout"), ValueError, "activation must be one of 'relu'"),
        (lambda: slope_bound("tanh", -1), ValueError, "depth must be at least 0, got -1"),
        (lambda: slope_bound("tanh", 1.5), TypeError, "depth must be an int, got 1.5"),
        (lambda: slope_bound("sin", 1), ValueError, "activation must be one of 'relu'"),
        (lambda: gradient_norms(W), TypeError, "module must be a torch.nn.Module, got a float32"),
        (lambda: gradient_histograms(W, W[0]), TypeError, "module must be a torch.nn.Module, got"),
        (
            lambda: gradient_histograms(nn.Linear(1, 1), [0.0, 1.0]),
            TypeError,
            "exponents must be a tensor, got a list",
        ),
        (
            lambda: gradient_histograms(nn.Linear(1, 1), torch.arange(3)),
            TypeError,
            "exponents must have a floating-point dtype",
        ),
        (
            lambda: gradient_histograms(nn.Linear(1, 1), W),
            ValueError,
            r"exponents must have shape \(B \+ 1,\), got a float32 tensor of shape \(2, 3\)",
        ),
        (
            lambda: gradient_histograms(nn.Linear(1, 1), W[0]),
            ValueError,
            r"exponents must hold at least 2 numbers that rise, got \[1\.0, 1\.0, 1\.0\]",
        ),
        (
            lambda: gradient_histograms(nn.Linear(1, 1), W[0, :1]),
            ValueError,
            "exponents must hold at least 2 numbers that rise",
        ),
        (
            lambda: gradient_histograms(nn.Linear(1, 1), torch.tensor([0.0, math.inf])),
            ValueError,
            "exponents must hold finite numbers, got inf",
        ),
    ],
)
def test_bad_arguments_are_refused(
    call: Callable[[], object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        call()
