"""Interpolation and extrapolation: the curve, splits, the hull, and what networks do outside."""

from __future__ import annotations

import math
import re

import pytest
import torch
from torch import Tensor

from handbook import interpolation
from handbook.datasets import train_test_split
from handbook.interpolation import (
    CurveNetwork,
    Line,
    asymptote,
    fit_network,
    inside_hull,
    inside_range,
    log_curve,
    sample_curve,
    slope_beyond,
    split_ordered,
)
from handbook.seeding import make_generator

KINDS = ("relu", "tanh")


def fitted(kind: str, seed: int = 0, **options: object) -> CurveNetwork:
    x, y = sample_curve(generator=make_generator(0))
    return fit_network(x, y, activation=kind, generator=make_generator(seed), **options)


def small(kind: str, w: list[float], b: list[float], v: list[float], c: float) -> CurveNetwork:
    weights = (torch.tensor(values, dtype=torch.float64) for values in (w, b, v))
    return CurveNetwork(kind, *weights, output_bias=torch.tensor(c, dtype=torch.float64))


# ---- the curve ---------------------------------------------------------------------------------


@pytest.mark.parametrize("x", [1e-6, 0.1, 0.75, 1.0, 9.0, 99.0, 1e6])
def test_the_curve_is_its_formula(x: float) -> None:
    wanted = math.log(x) / x + 0.65 * abs(math.log(x + x * x - math.log10(x + 1)))
    got = log_curve(torch.tensor(x, dtype=torch.float64)).item()
    assert got == pytest.approx(wanted, rel=1e-9)


def test_the_curve_at_9_has_a_decimal_logarithm_of_1() -> None:
    wanted = math.log(9) / 9 + 0.65 * math.log(89)
    assert log_curve(torch.tensor(9.0, dtype=torch.float64)).item() == pytest.approx(wanted)


def test_the_curve_keeps_shape_dtype_and_gradient() -> None:
    assert log_curve(torch.ones(2, 3)).shape == (2, 3)
    assert log_curve(torch.ones(())).dtype == torch.float32
    assert log_curve(torch.ones(0)).shape == (0,)
    x = torch.tensor([0.3, 2.0, 40.0], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(log_curve, x)


def test_the_kink_of_the_curve_is_near_0_72() -> None:
    x = torch.tensor([0.70, 0.71, 0.73, 0.74], dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(log_curve(x).sum(), x)
    jumps = slope.diff().abs()
    assert jumps[1] > 10 * max(jumps[0], jumps[2])


def test_the_curve_is_finite_for_the_smallest_normal_number() -> None:
    assert bool(torch.isfinite(log_curve(torch.tensor(1e-30))))


@pytest.mark.parametrize(("bad", "shown"), [(0.0, "0.0"), (-1.0, "-1.0")])
def test_the_curve_refuses_what_has_no_logarithm(bad: float, shown: str) -> None:
    message = f"x must be positive, where its logarithm exists, got {shown} at index (1,)"
    with pytest.raises(ValueError, match=re.escape(message)):
        log_curve(torch.tensor([1.0, bad]))


def test_the_curve_refuses_nan_and_integers() -> None:
    with pytest.raises(ValueError, match="x must hold finite numbers, got nan"):
        log_curve(torch.tensor(float("nan")))
    with pytest.raises(TypeError, match="x must"):
        log_curve(torch.tensor([1, 2]))


def test_samples_are_the_curve_plus_uniform_noise() -> None:
    x, y = sample_curve(10_000, noise_width=0.05, generator=make_generator(0))
    noise = y - log_curve(x)
    assert noise.min() >= 0
    assert noise.max() <= 0.05
    assert noise.mean().item() == pytest.approx(0.025, abs=1e-3)
    assert noise.std().item() == pytest.approx(0.05 / math.sqrt(12), rel=0.02)


def test_samples_are_evenly_spaced_and_repeatable() -> None:
    x, y = sample_curve(generator=make_generator(3))
    again = sample_curve(generator=make_generator(3))
    assert torch.equal(y, again[1])
    assert (x.shape, x[0].item(), x[-1].item()) == ((100,), 0.5, 10.0)
    assert x.diff().std() < 1e-12
    exact = sample_curve(noise_width=0, generator=make_generator(3))
    assert torch.equal(exact[1], log_curve(exact[0]))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_samples": 1}, "n_samples must be at least 2"),
        ({"start": 0.0}, "start must be"),
        ({"stop": 0.5}, "stop must be"),
        ({"noise_width": -0.1}, "noise_width must be at least 0"),
    ],
)
def test_samples_refuse_what_lies_outside(options: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        sample_curve(**options, generator=make_generator(0))
    with pytest.raises(TypeError, match="generator must be"):
        sample_curve(generator=None)


# ---- splits ------------------------------------------------------------------------------------


def test_an_ordered_split_holds_back_the_last_rows() -> None:
    x = torch.arange(100.0)
    split = split_ordered(x, -x, test_share=0.2)
    assert torch.equal(split.train_inputs, x[:80])
    assert torch.equal(split.train_targets, -x[:80])
    assert torch.equal(split.test_inputs, x[80:])
    assert torch.equal(split.test_targets, -x[80:])


def test_an_ordered_split_is_as_large_as_a_random_one() -> None:
    x = torch.arange(11.0)
    for share in (0.1, 0.25, 0.5, 0.9):
        drawn = train_test_split(x, x, test_share=share, generator=make_generator(0))
        kept = split_ordered(x, x, test_share=share)
        assert [part.shape for part in drawn] == [part.shape for part in kept]


def test_an_ordered_split_refuses_parts_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match="inputs and targets must have as many rows"):
        split_ordered(torch.zeros(3), torch.zeros(4))
    with pytest.raises(ValueError, match="test_share must leave at least 1 sample"):
        split_ordered(torch.zeros(3), torch.zeros(3), test_share=0.1)
    with pytest.raises(ValueError, match="test_share must"):
        split_ordered(torch.zeros(3), torch.zeros(3), test_share=1.0)
    with pytest.raises(TypeError, match="targets must be a tensor, got a list"):
        split_ordered(torch.zeros(3), [1, 2, 3])


# ---- inside ------------------------------------------------------------------------------------


def test_the_range_holds_its_ends() -> None:
    train = torch.tensor([[0.0, 5.0], [1.0, 6.0]])
    points = torch.tensor([[0.0, 6.0], [0.5, 5.5], [1.1, 5.5], [0.5, 4.9]])
    assert inside_range(train, points).tolist() == [True, True, False, False]


def test_the_share_in_the_range_is_its_closed_form() -> None:
    n, d = 50, 20
    generator = make_generator(0)
    shares = [
        inside_range(
            torch.rand(n, d, generator=generator), torch.rand(200, d, generator=generator)
        ).double()
        for _ in range(100)
    ]
    assert torch.cat(shares).mean().item() == pytest.approx(((n - 1) / (n + 1)) ** d, abs=0.02)


@pytest.mark.parametrize("d", [1, 2, 3, 5])
def test_the_hull_agrees_with_linear_programming(d: int) -> None:
    optimize = pytest.importorskip("scipy.optimize")
    generator = make_generator(d)
    train = torch.randn(30, d, generator=generator, dtype=torch.float64) + 100
    points = torch.randn(40, d, generator=generator, dtype=torch.float64) + 100
    equalities = torch.cat([train.T, torch.ones(1, 30)]).numpy()
    wanted = [
        optimize.linprog([0.0] * 30, A_eq=equalities, b_eq=[*point.tolist(), 1.0]).status == 0
        for point in points
    ]
    assert inside_hull(train, points).tolist() == wanted
    assert 0 < sum(wanted) < 40 or d == 5


def test_corners_and_averages_are_inside_and_what_lies_beyond_is_not() -> None:
    train = torch.randn(20, 4, generator=make_generator(0), dtype=torch.float64)
    weights = torch.softmax(torch.randn(10, 20, generator=make_generator(1)).double(), dim=1)
    assert bool(inside_hull(train, train).all())
    assert bool(inside_hull(train, weights @ train).all())
    assert not bool(inside_hull(train, 10 * torch.eye(4, dtype=torch.float64)).any())


def test_in_one_dimension_hull_and_range_are_the_same() -> None:
    train = torch.tensor([2.0, 3.0, 7.0])
    points = torch.tensor([1.9, 2.0, 5.0, 7.0, 7.1])
    assert torch.equal(inside_hull(train, points), inside_range(train, points))


def test_the_hull_of_one_point_is_that_point() -> None:
    assert inside_hull(torch.tensor([2.0]), torch.tensor([2.0, 2.5])).tolist() == [True, False]
    assert inside_hull(torch.zeros(3, 2), torch.zeros(0, 2)).shape == (0,)


@pytest.mark.parametrize("inside", [inside_range, inside_hull])
def test_inside_refuses_what_does_not_fit(inside: object) -> None:
    with pytest.raises(ValueError, match=re.escape("points must have shape (M, 2)")):
        inside(torch.zeros(3, 2), torch.zeros(3))
    with pytest.raises(ValueError, match=re.escape("train must have shape (N,) or (N, D)")):
        inside(torch.zeros(3, 2, 1), torch.zeros(3))
    with pytest.raises(ValueError, match="train must hold at least 1 number"):
        inside(torch.zeros(0, 2), torch.zeros(3, 2))
    with pytest.raises(ValueError, match="points must hold finite numbers"):
        inside(torch.zeros(3), torch.tensor([math.inf]))
    with pytest.raises(TypeError, match="points must have train's dtype float32, got float64"):
        inside(torch.zeros(3), torch.zeros(3).double())


@pytest.mark.parametrize("d", [2, 6, 8, 16])
def test_the_hull_agrees_with_non_negative_least_squares(d: int) -> None:
    optimize = pytest.importorskip("scipy.optimize")
    train, points = torch.randn(300, d, generator=make_generator(d)).double().split([200, 100])
    columns = torch.cat([train.T, torch.ones(1, 200)]).numpy()
    wanted = [
        optimize.nnls(columns, [*point.tolist(), 1.0], maxiter=5000)[1] < 1e-8 for point in points
    ]
    assert inside_hull(train, points).tolist() == wanted


def test_the_hull_is_the_same_in_other_units_and_places() -> None:
    train, points = torch.rand(150, 3, generator=make_generator(0)).double().split([100, 50])
    inside = inside_hull(train, points)
    assert 0 < inside.sum() < 50
    for scale, shift in ((1e-6, 0.0), (1e6, 0.0), (1.0, 1e6)):
        assert torch.equal(inside_hull(train * scale + shift, points * scale + shift), inside)


def test_the_hull_of_repeated_and_flat_points() -> None:
    line = torch.stack([torch.arange(5.0), torch.arange(5.0)], dim=1).repeat(2, 1)
    points = torch.tensor([[2.5, 2.5], [2.5, 2.6], [4.0, 4.0], [4.1, 4.1]])
    assert inside_hull(line, points).tolist() == [True, False, True, False]


def test_the_hull_refuses_a_tolerance_of_zero() -> None:
    with pytest.raises(ValueError, match="tolerance must be"):
        inside_hull(torch.zeros(3), torch.zeros(3), tolerance=0.0)


# ---- the network -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_the_network_is_the_one_of_torch_nn(kind: str) -> None:
    network = fitted(kind, n_steps=20)
    layers = torch.nn.Sequential(
        torch.nn.Linear(1, 32), {"relu": torch.nn.ReLU(), "tanh": torch.nn.Tanh()}[kind],
        torch.nn.Linear(32, 1),
    ).double()  # fmt: skip
    with torch.no_grad():
        layers[0].weight.copy_(network.hidden_weight[:, None])
        layers[0].bias.copy_(network.hidden_bias)
        layers[2].weight.copy_(network.output_weight[None])
        layers[2].bias.copy_(network.output_bias[None])
        x = torch.linspace(-20, 20, 7, dtype=torch.float64)
        torch.testing.assert_close(network(x), layers(x[:, None])[:, 0])


@pytest.mark.parametrize("kind", KINDS)
def test_the_gradient_by_hand_is_autograds(kind: str) -> None:
    generator = make_generator(0)
    x, y = torch.randn(2, 9, dtype=torch.float64, generator=generator)
    parameters = torch.randn(13, dtype=torch.float64, generator=generator, requires_grad=True)
    w, b, v, c = parameters.split([4, 4, 4, 1])
    before = x[:, None] * w + b
    output = {"relu": torch.relu, "tanh": torch.tanh}[kind](before) @ v + c
    (wanted,) = torch.autograd.grad((output - y).square().mean(), parameters)
    got = interpolation._curve_gradient(kind, x, y, parameters.detach())
    torch.testing.assert_close(got, wanted)


def test_the_small_adam_is_the_one_of_torch_optim() -> None:
    start = torch.tensor([3.0, -2.0], dtype=torch.float64)
    parameter = start.clone().requires_grad_()
    optimizer = torch.optim.Adam([parameter], lr=0.1)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / 50)
    for _ in range(50):
        optimizer.zero_grad()
        (parameter**4).sum().backward()
        optimizer.step()
        schedule.step()
    got = interpolation._adam(lambda at: 4 * at**3, start, 50, 0.1)
    torch.testing.assert_close(got, parameter.detach())


@pytest.mark.parametrize("kind", KINDS)
def test_a_fit_comes_down_to_the_noise_and_repeats(kind: str, device: torch.device) -> None:
    x, y = sample_curve(generator=make_generator(0))
    x, y = x.to(device), y.to(device)
    network = fit_network(x, y, activation=kind, generator=make_generator(1))
    assert (network(x) - y).square().mean().sqrt() < 0.03
    assert network.hidden_weight.device.type == device.type
    again = fit_network(x, y, activation=kind, generator=make_generator(1))
    torch.testing.assert_close(network(x), again(x))


@pytest.mark.parametrize("kind", KINDS)
def test_standardized_training_does_not_see_units(kind: str) -> None:
    x, y = sample_curve(generator=make_generator(0))
    one = fit_network(x, y, activation=kind, n_steps=100, generator=make_generator(1))
    other = fit_network(
        1000 * x + 5000, 7 * y - 3, activation=kind, n_steps=100, generator=make_generator(1)
    )
    torch.testing.assert_close(other(1000 * x + 5000), 7 * one(x) - 3, rtol=1e-5, atol=1e-5)


def test_a_network_keeps_shape_and_dtype_and_tells_its_centers() -> None:
    network = small("relu", [2.0, -1.0], [4.0, 3.0], [1.0, 1.0], 0.5)
    assert network(torch.zeros(2, 3)).shape == (2, 3)
    assert network(torch.zeros(2)).dtype == torch.float32
    assert network.centers.tolist() == [-2.0, 3.0]


def test_a_constant_target_is_learned() -> None:
    x = torch.linspace(0, 1, 10)
    network = fit_network(x, torch.full((10,), 3.0), generator=make_generator(0))
    torch.testing.assert_close(network(x), torch.full((10,), 3.0), rtol=0, atol=0.01)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hidden_size": 0}, "hidden_size must be at least 1"),
        ({"activation": "gelu"}, "activation must be one of 'relu', 'tanh', got 'gelu'"),
        ({"n_steps": -1}, "n_steps must be at least 0"),
        ({"learning_rate": 0.0}, "learning_rate must be"),
    ],
)
def test_a_fit_refuses_options_outside_their_range(
    options: dict[str, object], message: str
) -> None:
    x = torch.linspace(0, 1, 5)
    with pytest.raises(ValueError, match=message):
        fit_network(x, x, **options, generator=make_generator(0))


def test_a_fit_refuses_data_that_make_no_curve() -> None:
    generator = make_generator(0)
    for x in (torch.zeros(5), torch.zeros(1), torch.zeros(0)):
        with pytest.raises(ValueError, match="x must hold at least 2 different points"):
            fit_network(x, x, generator=generator)
    x = torch.linspace(0, 1, 5)
    with pytest.raises(ValueError, match=re.escape("y must have shape (5,)")):
        fit_network(x, x[:, None], generator=generator)
    with pytest.raises(ValueError, match=re.escape("x must have shape (N,)")):
        fit_network(x[:, None], x, generator=generator)
    with pytest.raises(ValueError, match="y must hold finite numbers"):
        fit_network(x, x / 0, generator=generator)
    with pytest.raises(TypeError, match="generator must be"):
        fit_network(x, x, generator=1)


def test_a_network_refuses_weights_that_do_not_fit() -> None:
    weights = torch.ones(2), torch.ones(2), torch.ones(2)
    with pytest.raises(ValueError, match="activation must be one of"):
        CurveNetwork("sine", *weights, output_bias=torch.tensor(0.0))
    with pytest.raises(ValueError, match=re.escape("hidden_bias must have shape (2,)")):
        CurveNetwork("relu", torch.ones(2), torch.ones(3), torch.ones(2), torch.tensor(0.0))
    with pytest.raises(ValueError, match=re.escape("output_bias must have shape ()")):
        CurveNetwork("relu", *weights, output_bias=torch.zeros(1))


# ---- outside -----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("side", ["left", "right"])
def test_a_relu_network_is_a_straight_line_beyond_its_last_kink(seed: int, side: str) -> None:
    network = fitted("relu", seed)
    sign = 1.0 if side == "right" else -1.0
    last = (sign * network.centers).max() * sign
    x = (
        last + sign * torch.tensor([1e-6, 1.0, 10.0, 1e3, 1e4], dtype=torch.float64)
    ).requires_grad_()
    output = network(x)
    line = asymptote(network, side)
    torch.testing.assert_close(output, line.slope * x + line.intercept, rtol=1e-9, atol=1e-9)
    # The slope is one number, to the last bit: the same units are on.
    (slope,) = torch.autograd.grad(output.sum(), x)
    assert slope.unique().numel() == 1
    step = sign * 16.0
    first = slope_beyond(network, x.detach(), step=step)
    second = slope_beyond(network, x.detach() + step, step=step)
    torch.testing.assert_close(
        second - first, torch.zeros(5, dtype=torch.float64), rtol=0, atol=1e-10
    )


def test_the_second_difference_of_a_relu_network_is_exactly_zero_outside() -> None:
    # Weights and points are multiples of powers of two: nothing is rounded.
    network = small("relu", [1.0, -2.0, 0.5], [2.0, 4.0, -1.0], [0.75, 1.5, -3.0], 0.25)
    for far in (3.0, 64.0, -3.0, -64.0):
        x = torch.tensor([far - 1, far, far + 1], dtype=torch.float64)
        before, here, after = network(x).tolist()
        assert after - 2 * here + before == 0.0
    across = network(torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64))
    assert across.diff().diff().item() != 0.0


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("side", ["left", "right"])
def test_a_tanh_network_goes_flat(seed: int, side: str) -> None:
    network = fitted("tanh", seed)
    sign = 1.0 if side == "right" else -1.0
    far = sign * torch.tensor([20.0, 200.0, 2e3, 2e4], dtype=torch.float64)
    slopes = slope_beyond(network, far, step=sign).abs()
    assert bool((slopes.diff() <= 0).all())
    assert slopes[-1] < 1e-9
    line = asymptote(network, side)
    assert line.slope == 0.0
    assert network(far)[-1].item() == pytest.approx(line.intercept, abs=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_a_unit_without_weight_is_a_constant_on_both_sides(kind: str) -> None:
    network = small(kind, [0.0, 1.0], [0.5, 0.0], [2.0, 1.0], 1.0)
    for side, x in (("left", -50.0), ("right", 50.0)):
        line = asymptote(network, side)
        assert isinstance(line, Line)
        value = network(torch.tensor(x, dtype=torch.float64)).item()
        assert value == pytest.approx(line.slope * x + line.intercept, rel=1e-12)


def test_asymptote_refuses_other_sides_and_other_things() -> None:
    with pytest.raises(ValueError, match="side must be one of 'left', 'right', got 'up'"):
        asymptote(fitted("relu", n_steps=0), "up")
    with pytest.raises(TypeError, match="network must be a CurveNetwork"):
        asymptote(torch.nn.Linear(1, 1))


def test_a_slope_is_measured_to_either_side() -> None:
    def square(x: Tensor) -> Tensor:
        return x * x

    x = torch.tensor([[1.0, 2.0]])
    assert slope_beyond(square, x, step=2.0).tolist() == [[4.0, 6.0]]
    assert slope_beyond(square, x, step=-2.0).tolist() == [[0.0, 2.0]]
    for step in (0.0, math.inf, math.nan):
        with pytest.raises(ValueError, match="step must be"):
            slope_beyond(square, x, step=step)
    with pytest.raises(TypeError, match="x must"):
        slope_beyond(square, torch.tensor([1]))


@pytest.mark.parametrize("kind", KINDS)
def test_between_is_easier_than_beyond_for_this_curve(kind: str) -> None:
    between, beyond = [], []
    for seed in range(4):
        generator = make_generator(seed)
        x, y = sample_curve(generator=generator)
        drawn = train_test_split(x, y, test_share=0.2, generator=generator)
        for split, errors in ((drawn, between), (split_ordered(x, y, test_share=0.2), beyond)):
            network = fit_network(
                split.train_inputs, split.train_targets, activation=kind, generator=generator
            )
            residual = network(split.test_inputs) - split.test_targets
            errors.append(residual.square().mean().sqrt().item())
    assert sum(beyond) > 1.5 * sum(between)
