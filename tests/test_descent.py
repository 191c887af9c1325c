"""Gradient descent: its closed form, where it is stable, and how long a saddle holds it."""

from __future__ import annotations

import math

import pytest
import torch

from handbook.descent import (
    Path,
    escape_steps,
    gradient_descent,
    largest_stable_rate,
    measured_escape_steps,
    noise_variance,
    noisy_escape_steps,
    quadratic_path,
)
from handbook.seeding import make_generator
from handbook.surfaces import (
    BOWL,
    DOUBLE_WELL,
    HIMMELBLAU,
    RAVINE,
    SADDLE,
    bowl,
    double_well,
    himmelblau,
    quadratic_surface,
    saddle,
)

float64 = torch.float64
DOWN = torch.tensor([0.0, 1.0])  # the eigenvector of the saddles along which they curve down


# ---- the walk -----------------------------------------------------------------------------------


def test_path_has_every_point_with_its_value(device):
    start = torch.randn(5, 3, 2, generator=make_generator(0)).to(device)
    path = gradient_descent(himmelblau, start, learning_rate=0.001, n_steps=7)
    assert isinstance(path, Path)
    assert path.points.shape == (8, 5, 3, 2)
    assert path.values.shape == (8, 5, 3)
    assert path.points.device == start.device
    torch.testing.assert_close(path.points[0], start)
    torch.testing.assert_close(path.values, himmelblau(path.points))
    step = path.points[1:] - path.points[:-1]
    torch.testing.assert_close(step, -0.001 * HIMMELBLAU.gradient(path.points[:-1]))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, float64])
def test_dtype_is_kept_with_and_without_noise(dtype):
    for noise_std in (0.0, 0.1):
        path = gradient_descent(
            saddle,
            torch.ones(2, dtype=dtype),
            learning_rate=0.1,
            n_steps=2,
            noise_std=noise_std,
            generator=make_generator(0),
        )
        assert path.points.dtype == path.values.dtype == dtype


@pytest.mark.parametrize("surface", [BOWL, RAVINE, SADDLE], ids=lambda surface: surface.name)
def test_path_on_a_quadratic_equals_its_closed_form(surface):
    start = torch.randn(10, 2, generator=make_generator(0), dtype=float64)
    path = gradient_descent(surface, start, learning_rate=0.03, n_steps=200)
    matrix = surface.hessian(torch.zeros(2, dtype=float64))
    wanted = quadratic_path(matrix, start, learning_rate=0.03, n_steps=200)
    torch.testing.assert_close(path.points, wanted, rtol=1e-12, atol=1e-14)


def test_closed_form_holds_for_a_rotated_quadratic_in_many_dimensions():
    generator = make_generator(0)
    matrix = torch.randn(6, 6, generator=generator, dtype=float64)
    matrix = (matrix + matrix.T) / 2
    start = torch.randn(6, generator=generator, dtype=float64)

    def function(points):
        return (points @ matrix * points).sum(-1) / 2

    path = gradient_descent(function, start, learning_rate=0.1, n_steps=50)
    wanted = quadratic_path(matrix, start, learning_rate=0.1, n_steps=50)
    torch.testing.assert_close(path.points, wanted, rtol=1e-11, atol=1e-12)
    power = torch.linalg.matrix_power(torch.eye(6, dtype=float64) - 0.1 * matrix, 50)
    torch.testing.assert_close(wanted[-1], power @ start, rtol=1e-11, atol=1e-12)


def test_steps_equal_those_of_torch_sgd():
    start = torch.tensor([-1.2, 1.0], dtype=float64)
    path = gradient_descent(himmelblau, start, learning_rate=0.01, n_steps=100)
    parameter = torch.nn.Parameter(start.clone())
    optimizer = torch.optim.SGD([parameter], lr=0.01)
    for _ in range(100):
        optimizer.zero_grad()
        himmelblau(parameter).backward()
        optimizer.step()
    torch.testing.assert_close(path.points[-1], parameter.detach(), rtol=1e-13, atol=0)


def test_a_batch_walks_as_its_members_do_alone():
    start = torch.randn(6, 2, generator=make_generator(0), dtype=float64)
    together = gradient_descent(double_well, start, learning_rate=0.1, n_steps=30)
    for i in range(6):
        alone = gradient_descent(double_well, start[i], learning_rate=0.1, n_steps=30)
        torch.testing.assert_close(together.points[:, i], alone.points)


def test_no_steps_give_the_start_alone_and_no_starts_an_empty_path():
    path = gradient_descent(saddle, torch.ones(2), learning_rate=0.1, n_steps=0)
    assert path.points.tolist() == [[1.0, 1.0]]
    assert path.values.tolist() == [0.0]
    path = gradient_descent(saddle, torch.zeros(0, 2), learning_rate=0.1, n_steps=3)
    assert path.points.shape == (4, 0, 2)


def test_start_is_neither_changed_nor_kept_and_no_graph_is_left():
    start = torch.ones(2, requires_grad=True)
    path = gradient_descent(saddle, start, learning_rate=0.1, n_steps=3)
    assert not path.points.requires_grad
    assert not path.values.requires_grad
    assert start.grad is None
    assert start.tolist() == [1.0, 1.0]
    with torch.no_grad():
        start.fill_(9.0)
    assert path.points[0].tolist() == [1.0, 1.0]


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_descent_works_where_the_caller_has_switched_gradients_off(mode):
    with mode():
        path = gradient_descent(bowl, torch.ones(2), learning_rate=0.1, n_steps=1)
    torch.testing.assert_close(path.points[-1], torch.tensor([0.9, 0.7]))


def test_descent_walks_on_any_differentiable_function():
    path = gradient_descent(
        lambda p: (p.exp() - 2 * p).sum(-1), torch.zeros(3), learning_rate=0.3, n_steps=100
    )
    torch.testing.assert_close(path.points[-1], torch.full((3,), math.log(2)))


# ---- stability ----------------------------------------------------------------------------------


@pytest.mark.parametrize("surface", [BOWL, RAVINE], ids=lambda surface: surface.name)
def test_rates_just_below_two_over_the_largest_curvature_converge_and_just_above_diverge(surface):
    limit = largest_stable_rate(surface.hessian(torch.zeros(2)))
    start = torch.ones(2, dtype=float64)
    below = gradient_descent(surface, start, learning_rate=0.99 * limit, n_steps=2000)
    above = gradient_descent(surface, start, learning_rate=1.01 * limit, n_steps=2000)
    assert below.points[-1].norm() < 1e-8
    assert above.points[-1].norm() > 1e8


def test_at_the_limit_the_steepest_direction_jumps_back_and_forth():
    path = gradient_descent(bowl, torch.tensor([0.0, 1.0]), learning_rate=2 / 3, n_steps=4)
    torch.testing.assert_close(path.points[:, 1], torch.tensor([1.0, -1.0, 1.0, -1.0, 1.0]))


def test_largest_stable_rate_of_known_matrices():
    assert largest_stable_rate(torch.tensor([[1.0, 0.0], [0.0, 50.0]])) == pytest.approx(0.04)
    assert largest_stable_rate(torch.tensor([[1.0, 3.0], [3.0, 1.0]])) == pytest.approx(0.5)
    assert largest_stable_rate(-torch.eye(2)) == math.inf
    assert largest_stable_rate(torch.zeros(2, 2)) == math.inf


def test_a_diverging_path_ends_in_inf_or_nan_and_says_so():
    start = torch.tensor([[1.0, 1.0], [0.0, 0.0]])
    path = gradient_descent(bowl, start, learning_rate=5.0, n_steps=100)
    assert path.diverged.tolist() == [True, False]
    assert path.points[-1, 1].tolist() == [0.0, 0.0]


# ---- leaving a saddle ---------------------------------------------------------------------------


def test_a_start_on_the_ridge_stays_there_for_ever():
    start = torch.tensor([[1.0, 0.0], [-0.5, 0.0]])
    path = gradient_descent(double_well, start, learning_rate=0.1, n_steps=1000)
    assert (path.points[..., 1] == 0).all()
    assert path.points[-1].norm() < 1e-6
    assert measured_escape_steps(path.points, direction=DOWN, radius=0.1).tolist() == [math.inf] * 2


@pytest.mark.parametrize("distance", [1e-2, 1e-8, 1e-16, 1e-30])
@pytest.mark.parametrize("rate", [0.01, 0.1, 0.5])
def test_a_start_beside_the_ridge_escapes_at_the_predicted_step(distance, rate):
    start = torch.tensor([1.0, distance])
    predicted = escape_steps(-1.0, distance=distance, radius=1.0, learning_rate=rate)
    path = gradient_descent(saddle, start, learning_rate=rate, n_steps=math.ceil(predicted) + 5)
    measured = measured_escape_steps(path.points, direction=DOWN, radius=1.0).item()
    # float32 rounds 1 + rate, and the error grows with the number of steps
    assert abs(measured - math.ceil(predicted)) <= 1


def test_prediction_holds_near_a_saddle_that_is_no_quadratic():
    start = torch.tensor([0.3, 2e-9], dtype=float64)
    predicted = escape_steps(-1.0, distance=2e-9, radius=0.05, learning_rate=0.1)
    path = gradient_descent(double_well, start, learning_rate=0.1, n_steps=300)
    measured = measured_escape_steps(path.points, direction=DOWN.double(), radius=0.05).item()
    assert measured == math.ceil(predicted)


def test_prediction_holds_at_a_tilted_saddle_of_himmelblau():
    center = torch.tensor(HIMMELBLAU.critical_points[1], dtype=float64)
    values, vectors = torch.linalg.eigh(HIMMELBLAU.hessian(center))
    start = center + 1e-9 * vectors[:, 0]
    options = {"radius": 1e-3, "learning_rate": 0.001}
    predicted = escape_steps(values[0].item(), distance=1e-9, **options)
    path = gradient_descent(himmelblau, start, learning_rate=0.001, n_steps=1500)
    measured = measured_escape_steps(
        path.points, direction=vectors[:, 0], radius=1e-3, center=center
    )
    assert abs(measured.item() - predicted) < 2


def test_no_random_start_ends_at_the_strict_saddle():
    start = torch.rand(2000, 2, generator=make_generator(0)) * 3 - 1.5
    path = gradient_descent(double_well, start, learning_rate=0.1, n_steps=400)
    wells = torch.tensor([[0.0, 1.0], [0.0, -1.0]])
    nearest = torch.cdist(path.points[-1], wells).amin(-1)
    assert nearest.max() < 1e-3


def test_escape_steps_of_simple_cases():
    assert escape_steps(-1.0, distance=1.0, radius=8.0, learning_rate=1.0) == pytest.approx(3.0)
    assert escape_steps(-1.0, distance=0.0, radius=1.0, learning_rate=1.0) == math.inf
    assert escape_steps(-1.0, distance=2.0, radius=1.0, learning_rate=1.0) == 0.0
    assert escape_steps(-1, distance=1, radius=1, learning_rate=1) == 0.0
    steps = escape_steps(-1.0, distance=1e-300, radius=1e300, learning_rate=1.0)
    assert steps == pytest.approx(600 * math.log2(10))
    tiny = escape_steps(-1e-20, distance=1.0, radius=math.e, learning_rate=1.0)
    assert tiny == pytest.approx(1e20)


def test_noise_variance_equals_the_sum_of_its_geometric_series():
    for curvature in (-2.0, -0.1, 0.0, 0.5, 1.0, 1.9, 2.0, 3.0):
        factor = 1 - curvature
        wanted = 0.25 * sum(factor ** (2 * k) for k in range(9))
        got = noise_variance(curvature, n_steps=9, noise_std=0.5, learning_rate=1.0)
        assert got == pytest.approx(wanted), curvature


def test_noise_variance_of_extreme_cases():
    still = {"noise_std": 0.0, "learning_rate": 1.0}
    assert noise_variance(-1.0, n_steps=10_000, **still) == 0.0
    loud = {"noise_std": 1.0, "learning_rate": 1.0}
    assert noise_variance(-1.0, n_steps=0, **loud) == 0.0
    assert noise_variance(-1.0, n_steps=10_000, **loud) == math.inf
    assert noise_variance(1.0, n_steps=5, **loud) == 1.0
    nearly_flat = noise_variance(-1e-14, n_steps=100, **loud)
    assert nearly_flat == pytest.approx(100.0)


@pytest.mark.parametrize("curvature", [-1.0, 1.0])
def test_measured_variance_of_noisy_paths_equals_the_prediction(curvature):
    n, steps = 20_000, 25
    surface = quadratic_surface((curvature,))
    path = gradient_descent(
        surface,
        torch.zeros(n, 1, dtype=float64),
        learning_rate=0.1,
        n_steps=steps,
        noise_std=0.3,
        generator=make_generator(0),
    )
    wanted = noise_variance(curvature, n_steps=steps, noise_std=0.3, learning_rate=0.1)
    # the variance of n normal numbers is known to sqrt(2 / n) of itself
    assert path.points[-1].var().item() == pytest.approx(wanted, rel=4 * math.sqrt(2 / n))


@pytest.mark.parametrize("noise_std", [1e-1, 1e-3, 1e-6])
@pytest.mark.parametrize("fraction", [0.1, 0.5, 0.9])
def test_noisy_paths_leave_the_saddle_at_the_predicted_step(noise_std, fraction):
    options = {"noise_std": noise_std, "learning_rate": 0.1}
    predicted = noisy_escape_steps(-1.0, radius=0.5, fraction=fraction, **options)
    path = gradient_descent(
        saddle,
        torch.zeros(2000, 2),
        n_steps=math.ceil(3 * predicted),
        generator=make_generator(0),
        **options,
    )
    measured = measured_escape_steps(path.points, direction=DOWN, radius=0.5)
    assert measured.quantile(fraction).item() == pytest.approx(predicted, abs=2)


def test_noisy_prediction_solves_its_own_equation():
    options = {"noise_std": 0.02, "learning_rate": 0.05}
    steps = noisy_escape_steps(-3.0, radius=0.4, **options)
    variance = noise_variance(-3.0, n_steps=steps, **options)
    outside = math.erfc(0.4 / math.sqrt(2 * variance))
    assert outside == pytest.approx(0.5)


def test_noisy_prediction_of_extreme_cases():
    options = {"radius": 1.0, "learning_rate": 0.1}
    assert noisy_escape_steps(-1.0, noise_std=0.0, **options) == math.inf
    weak = noisy_escape_steps(-1.0, noise_std=1e-300, **options)
    weaker = noisy_escape_steps(-1.0, noise_std=1e-301, **options)
    assert weaker - weak == pytest.approx(math.log(10) / math.log(1.1))
    late = noisy_escape_steps(-1.0, noise_std=1e-3, fraction=1 - 1e-16, **options)
    assert late > noisy_escape_steps(-1.0, noise_std=1e-3, **options)


def test_noise_repeats_with_the_seed_and_leaves_the_global_generator_alone():
    before = torch.random.get_rng_state()
    options = {"learning_rate": 0.1, "n_steps": 5, "noise_std": 1.0}
    first = gradient_descent(saddle, torch.zeros(2), generator=make_generator(1), **options)
    again = gradient_descent(saddle, torch.zeros(2), generator=make_generator(1), **options)
    other = gradient_descent(saddle, torch.zeros(2), generator=make_generator(2), **options)
    assert torch.equal(first.points, again.points)
    assert not torch.equal(first.points, other.points)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_a_generator_without_noise_is_not_used():
    generator = make_generator(0)
    before = generator.get_state()
    gradient_descent(saddle, torch.ones(2), learning_rate=0.1, n_steps=3, generator=generator)
    assert torch.equal(generator.get_state(), before)


def test_measured_escape_is_the_first_step_outside_on_either_side():
    along = torch.tensor([[0.0, 0.0, 3.0], [1.0, -2.5, 3.0], [3.0, 0.0, 3.0]])
    points = torch.stack([torch.zeros_like(along), along], -1)
    steps = measured_escape_steps(points, direction=5 * DOWN, radius=2.0)
    assert steps.tolist() == [2.0, 1.0, 0.0]
    center = torch.tensor([0.0, 3.0])
    steps = measured_escape_steps(points, direction=DOWN, radius=2.0, center=center)
    assert steps.tolist() == [0.0, 0.0, math.inf]


def test_closed_form_stays_at_zero_on_the_ridge_where_the_growth_overflows():
    matrix = torch.tensor([[1.0, 0.0], [0.0, -1.0]])
    path = quadratic_path(matrix, torch.tensor([1.0, 0.0]), learning_rate=1.0, n_steps=300)
    assert path[-1].tolist() == [0.0, 0.0]


# ---- bad input ----------------------------------------------------------------------------------

GOOD = {"learning_rate": 0.1, "n_steps": 3}


@pytest.mark.parametrize(
    ("start", "error", "message"),
    [
        ([0.0, 0.0], TypeError, "start must be a tensor, got a list"),
        (torch.tensor([0, 0]), TypeError, r"start must have a floating-point dtype.*start\.float"),
        (torch.tensor(1.0), ValueError, r"start must have shape .*; use start\.reshape\(1\)"),
        (torch.zeros(3, 0), ValueError, r"with D at least 1, got a float32 tensor of shape \(3, 0"),
        (torch.tensor([0.0, math.nan]), ValueError, "start must be finite"),
        (torch.tensor([0.0, math.inf]), ValueError, "start must be finite"),
        (torch.zeros(3), ValueError, r"points must have shape \(\.\.\., 2\)"),
    ],
)
def test_bad_starts_are_refused(start, error, message):
    with pytest.raises(error, match=message):
        gradient_descent(saddle, start, **GOOD)


@pytest.mark.parametrize(
    ("option", "error", "message"),
    [
        ({"learning_rate": 0.0}, ValueError, r"learning_rate must be above 0\.0, got 0\.0"),
        ({"learning_rate": -0.1}, ValueError, r"learning_rate must be above 0\.0, got -0\.1"),
        ({"learning_rate": math.nan}, ValueError, "learning_rate must be a number, got nan"),
        ({"learning_rate": math.inf}, ValueError, "learning_rate must be below inf, got inf"),
        ({"learning_rate": "fast"}, TypeError, "learning_rate must be a real number, got 'fast'"),
        ({"n_steps": -1}, ValueError, "n_steps must be at least 0, got -1"),
        ({"n_steps": 2.0}, TypeError, r"n_steps must be an int, got 2\.0"),
        ({"n_steps": True}, TypeError, "n_steps must be an int, got True"),
        ({"noise_std": -1.0}, ValueError, r"noise_std must be at least 0\.0, got -1\.0"),
        ({"noise_std": 0.1}, TypeError, r"generator must be a torch\.Generator, got None"),
        ({"generator": 0}, TypeError, r"generator must be a torch\.Generator, got 0"),
    ],
)
def test_bad_settings_are_refused(option, error, message):
    with pytest.raises(error, match=message):
        gradient_descent(saddle, torch.zeros(2), **{**GOOD, **option})


def test_functions_that_do_not_return_one_value_per_point_are_refused():
    start = torch.zeros(4, 2)
    with pytest.raises(ValueError, match=r"function must return one value per point, .* = \(4,\)"):
        gradient_descent(lambda points: points.sum(), start, **GOOD)
    with pytest.raises(ValueError, match="reduce over the last dimension and no other"):
        gradient_descent(lambda points: points**2, start, **GOOD)
    with pytest.raises(TypeError, match=r"function must return a tensor .* got 0\.0"):
        gradient_descent(lambda points: 0.0, start, **GOOD)
    with pytest.raises(TypeError, match="function must be callable, got 'saddle'"):
        gradient_descent("saddle", start, **GOOD)


@pytest.mark.parametrize(
    ("matrix", "start", "option", "error", "message"),
    [
        (torch.ones(2, 3), torch.zeros(2), {}, ValueError, "hessian must have shape"),
        (torch.tensor([[0.0, 1.0], [2.0, 0.0]]), torch.zeros(2), {}, ValueError, "symmetric"),
        (torch.eye(2), torch.zeros(3), {}, ValueError, r"start must have shape \(\.\.\., 2\)"),
        (torch.eye(2), torch.tensor(0.0), {}, ValueError, r"start must have shape \(\.\.\., 2\)"),
        (torch.eye(2), torch.zeros(2).double(), {}, TypeError, "start must have hessian's dtype"),
        (torch.eye(2), torch.tensor([0, 0]), {}, TypeError, "start must have a floating-point"),
        (torch.eye(2), torch.zeros(2), {"learning_rate": 0.0}, ValueError, "learning_rate must be"),
        (torch.eye(2), torch.zeros(2), {"n_steps": -1}, ValueError, "n_steps must be at least 0"),
    ],
)
def test_closed_form_refuses_bad_arguments(matrix, start, option, error, message):
    with pytest.raises(error, match=message):
        quadratic_path(matrix, start, **{**GOOD, **option})


def test_stable_rate_refuses_a_matrix_that_is_not_symmetric():
    with pytest.raises(ValueError, match="hessian must be symmetric"):
        largest_stable_rate(torch.tensor([[1.0, 2.0], [0.0, 1.0]]))


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"curvature": 0.0}, r"curvature must be below 0\.0, got 0\.0"),
        ({"curvature": 1.0}, r"curvature must be below 0\.0, got 1\.0"),
        ({"curvature": -math.inf}, "curvature must be above -inf, got -inf"),
        ({"radius": 0.0}, r"radius must be above 0\.0, got 0\.0"),
        ({"learning_rate": -1.0}, r"learning_rate must be above 0\.0, got -1\.0"),
    ],
)
def test_predictions_refuse_numbers_out_of_range(option, message):
    good = {"curvature": -1.0, "radius": 1.0, "learning_rate": 0.1, **option}
    curvature = good.pop("curvature")
    with pytest.raises(ValueError, match=message):
        escape_steps(curvature, distance=0.1, **good)
    with pytest.raises(ValueError, match=message):
        noisy_escape_steps(curvature, noise_std=0.1, **good)


def test_predictions_refuse_their_own_bad_arguments():
    good = {"radius": 1.0, "learning_rate": 0.1}
    with pytest.raises(ValueError, match=r"distance must be at least 0\.0, got -1"):
        escape_steps(-1.0, distance=-1, **good)
    with pytest.raises(TypeError, match="distance must be a real number, got a float32 tensor"):
        escape_steps(-1.0, distance=torch.tensor(1.0), **good)
    with pytest.raises(ValueError, match=r"noise_std must be at least 0\.0, got -1"):
        noisy_escape_steps(-1.0, noise_std=-1, **good)
    for fraction, limit in ((0.0, r"above 0\.0"), (1.0, r"below 1\.0")):
        with pytest.raises(ValueError, match=f"fraction must be {limit}"):
            noisy_escape_steps(-1.0, noise_std=0.1, fraction=fraction, **good)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"curvature": math.nan}, "curvature must be a number, got nan"),
        ({"curvature": math.inf}, "curvature must be below inf, got inf"),
        ({"n_steps": -1}, "n_steps must be at least 0, got -1"),
        ({"noise_std": -1.0}, r"noise_std must be at least 0\.0, got -1\.0"),
        ({"learning_rate": 0.0}, r"learning_rate must be above 0\.0, got 0\.0"),
    ],
)
def test_noise_variance_refuses_numbers_out_of_range(option, message):
    good = {"curvature": -1.0, "n_steps": 1, "noise_std": 1.0, "learning_rate": 0.1, **option}
    with pytest.raises(ValueError, match=message):
        noise_variance(good.pop("curvature"), **good)


@pytest.mark.parametrize(
    ("points", "option", "error", "message"),
    [
        (torch.zeros(2), {}, ValueError, r"points must have shape \(T \+ 1, \.\.\., D\)"),
        (torch.zeros(0, 2), {}, ValueError, r"points must have shape \(T \+ 1, \.\.\., D\)"),
        (torch.zeros(3, 2).long(), {}, TypeError, "points must have a floating-point dtype"),
        (torch.zeros(3, 4), {}, ValueError, r"direction must have shape \(D,\) = \(4,\)"),
        (torch.zeros(3, 2), {"direction": torch.zeros(2)}, ValueError, "a length above 0"),
        (torch.zeros(3, 2), {"radius": 0.0}, ValueError, r"radius must be above 0\.0"),
        (torch.zeros(3, 2), {"center": torch.zeros(3)}, ValueError, "center must have shape"),
    ],
)
def test_measurement_refuses_bad_arguments(points, option, error, message):
    with pytest.raises(error, match=message):
        measured_escape_steps(points, **{"direction": DOWN, "radius": 1.0, **option})


def test_double_well_saddle_has_the_curvatures_that_the_tests_use():
    assert DOUBLE_WELL.hessian(torch.zeros(2)).tolist() == [[1.0, 0.0], [0.0, -1.0]]
