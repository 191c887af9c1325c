"""Convergence of descent on a quadratic: the threshold, the speed, and what "steepest" means."""

from __future__ import annotations

import math

import pytest
import torch

from handbook.convergence import (
    condition_number,
    contraction_factors,
    fastest_rate,
    steepest_direction,
    steps_to_shrink,
)
from handbook.descent import gradient_descent, largest_stable_rate, quadratic_path
from handbook.seeding import make_generator
from handbook.surfaces import HIMMELBLAU, RAVINE, quadratic_surface

float64 = torch.float64
NORMS = {
    "euclidean": lambda d: d.norm(dim=-1),
    "max": lambda d: d.abs().amax(-1),
    "sum": lambda d: d.abs().sum(-1),
}
each_norm = pytest.mark.parametrize("norm", NORMS)


def random_minimum(size: int, seed: int = 0) -> torch.Tensor:
    root = torch.randn(size, size, generator=make_generator(seed), dtype=float64)
    return root @ root.T + 0.1 * torch.eye(size, dtype=float64)


# ---- which way is steepest ----------------------------------------------------------------------


@each_norm
def test_the_steepest_direction_has_length_one_in_its_norm(norm, device):
    gradient = torch.randn(7, 3, 4, generator=make_generator(0)).to(device)
    direction = steepest_direction(gradient, norm=norm)
    assert direction.shape == gradient.shape
    torch.testing.assert_close(NORMS[norm](direction), torch.ones(7, 3, device=device))


@each_norm
def test_no_other_direction_of_length_one_falls_faster(norm):
    gradient = torch.randn(5, generator=make_generator(0), dtype=float64)
    others = torch.randn(20_000, 5, generator=make_generator(1), dtype=float64)
    others = others / NORMS[norm](others).unsqueeze(-1)
    best = gradient @ steepest_direction(gradient, norm=norm)
    assert (others @ gradient >= best - 1e-12).all()


@each_norm
def test_the_slope_along_it_is_minus_the_dual_norm(norm):
    gradient = torch.tensor([3.0, -4.0, 0.0], dtype=float64)
    dual = {"euclidean": 5.0, "max": 7.0, "sum": 4.0}[norm]
    assert math.isclose(gradient @ steepest_direction(gradient, norm=norm), -dual)


@each_norm
def test_a_gradient_of_zero_has_no_steepest_direction(norm):
    assert not steepest_direction(torch.zeros(2, 3), norm=norm).any()


def test_a_tie_in_the_sum_norm_goes_to_the_first():
    assert steepest_direction(torch.tensor([-2.0, 2.0]), norm="sum").tolist() == [1.0, 0.0]


@each_norm
@pytest.mark.parametrize("scale", [1e-44, 1e-30, 1.0, 1e30, 3e38])
def test_extreme_gradients_keep_their_direction(norm, scale):
    direction = steepest_direction(torch.tensor([0.0, -scale, 0.0]), norm=norm)
    assert direction.tolist() == [0.0, 1.0, 0.0]


@each_norm
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, float64])
def test_dtype_is_kept_and_an_empty_batch_stays_empty(norm, dtype):
    assert steepest_direction(torch.ones(2, dtype=dtype), norm=norm).dtype == dtype
    assert steepest_direction(torch.ones(0, 2, dtype=dtype), norm=norm).shape == (0, 2)


def test_the_euclidean_direction_crosses_level_lines_at_a_right_angle():
    point = torch.tensor([1.0, 2.0], dtype=float64)
    slope = HIMMELBLAU.gradient(point)
    along = torch.stack([-slope[1], slope[0]])
    assert abs(float(along @ steepest_direction(slope))) < 1e-12 * float(along.norm())


def test_a_bad_gradient_or_norm_is_refused():
    with pytest.raises(TypeError, match="gradient must"):
        steepest_direction(torch.tensor([1, 2]))
    with pytest.raises(ValueError, match=r"gradient must have shape \(\.\.\., D\)"):
        steepest_direction(torch.tensor(1.0))
    with pytest.raises(ValueError, match=r"gradient must have shape \(\.\.\., D\)"):
        steepest_direction(torch.zeros(3, 0))
    with pytest.raises(ValueError, match="gradient must hold finite numbers"):
        steepest_direction(torch.tensor([1.0, torch.nan]))
    with pytest.raises(ValueError, match="norm must be one of"):
        steepest_direction(torch.ones(2), norm="manhattan")


# ---- the threshold ------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_descent_converges_exactly_below_two_over_the_largest_curvature(seed):
    matrix = random_minimum(5, seed)
    limit = largest_stable_rate(matrix)

    def function(points: torch.Tensor) -> torch.Tensor:
        return ((points @ matrix) * points).sum(-1) / 2

    start = torch.randn(5, generator=make_generator(seed), dtype=float64)
    for share, converges in ((0.5, True), (0.99, True), (1.01, False), (1.5, False)):
        factors = contraction_factors(matrix, learning_rate=share * limit).abs()
        assert bool((factors < 1).all()) is converges
        path = gradient_descent(function, start, learning_rate=share * limit, n_steps=4000)
        # The steepest direction alone: far below the limit the flattest has hardly moved.
        steepest = torch.linalg.eigh(matrix).eigenvectors[:, -1]
        end, begin = abs(path.points[-1] @ steepest), abs(path.points[0] @ steepest)
        assert (end < begin) if converges else not (end < 1e10 * begin)
        if converges:
            assert path.values[-1] < path.values[0]


def test_at_the_limit_itself_the_path_jumps_to_and_fro_for_ever():
    start = torch.tensor([0.0, 1.0])
    path = gradient_descent(RAVINE, start, learning_rate=2 / 50, n_steps=1000)
    assert path.points[-1, 1].abs() == pytest.approx(1.0, rel=1e-3)


def test_factors_predict_every_step():
    matrix = random_minimum(4)
    eigenvectors = torch.linalg.eigh(matrix).eigenvectors
    start = torch.randn(4, generator=make_generator(1), dtype=float64)
    path = quadratic_path(matrix, start, learning_rate=0.05, n_steps=9) @ eigenvectors
    factors = contraction_factors(matrix, learning_rate=0.05)
    torch.testing.assert_close(path[1:], path[:-1] * factors)


def test_factors_exist_at_saddles_and_maxima_too(device):
    saddle = torch.tensor([2.0, -1.0], device=device).diag()
    factors = contraction_factors(saddle, learning_rate=0.5)
    torch.testing.assert_close(factors, torch.tensor([1.5, 0.0], device=device))


# ---- the speed ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kappa", [1.0, 2.0, 50.0, 1e4])
def test_no_rate_is_faster_than_the_fastest(kappa):
    matrix = torch.tensor([1.0, kappa], dtype=float64).diag()
    best = fastest_rate(matrix)
    factor = contraction_factors(matrix, learning_rate=best).abs().max().item()
    assert math.isclose(factor, (kappa - 1) / (kappa + 1), abs_tol=1e-12)
    for share in (0.9, 0.99, 1.01, 1.1):
        other = contraction_factors(matrix, learning_rate=share * best).abs().max()
        assert other > factor


def test_condition_number_equals_that_of_linalg():
    matrix = random_minimum(6)
    assert math.isclose(condition_number(matrix), torch.linalg.cond(matrix).item(), rel_tol=1e-9)


def test_condition_number_does_not_depend_on_units_of_the_loss():
    matrix = random_minimum(3)
    assert math.isclose(condition_number(1000 * matrix), condition_number(matrix), rel_tol=1e-9)


@pytest.mark.parametrize("kappa", [3.0, 30.0, 300.0])
def test_steps_to_shrink_equals_the_steps_that_a_walk_needs(kappa):
    surface = quadratic_surface((1.0, kappa))
    matrix = surface.hessian(torch.zeros(2, dtype=float64))
    for rate in (fastest_rate(matrix), 0.5 / kappa):
        wanted = steps_to_shrink(matrix, factor=1e4, learning_rate=rate)
        # On both eigenvectors alike the path shrinks by its slowest factor in every coordinate.
        start = torch.ones(2, dtype=float64)
        path = gradient_descent(surface, start, learning_rate=rate, n_steps=int(wanted) + 2)
        close = path.points.abs().amax(-1) <= 1e-4 * (1 + 1e-9)
        assert int(close.to(torch.uint8).argmax()) == math.ceil(wanted - 1e-9)


def test_steps_grow_in_proportion_to_the_condition_number():
    steps = []
    for kappa in (100.0, 1000.0):
        matrix = torch.tensor([1.0, kappa], dtype=float64).diag()
        rate = fastest_rate(matrix)
        steps.append(steps_to_shrink(matrix, factor=10.0, learning_rate=rate))
    assert steps[1] / steps[0] == pytest.approx(10, rel=0.01)


def test_steps_to_shrink_at_the_edges():
    matrix = torch.eye(2, dtype=float64)
    assert steps_to_shrink(matrix, factor=1.0, learning_rate=0.1) == 0.0
    assert steps_to_shrink(matrix, factor=1e300, learning_rate=1.0) == 1.0
    assert steps_to_shrink(matrix, factor=2.0, learning_rate=2.0) == math.inf
    assert steps_to_shrink(matrix, factor=2.0, learning_rate=5.0) == math.inf
    # 1 - 1e-20 is 1 in float64: the logarithm must not be taken of it.
    tiny = steps_to_shrink(matrix, factor=math.e, learning_rate=1e-20)
    assert math.isclose(tiny, 1e20, rel_tol=1e-12)


@pytest.mark.parametrize("scale", [1e-300, 1e300])
def test_fastest_rate_of_extreme_curvatures_is_finite(scale):
    matrix = torch.tensor([scale, 3 * scale], dtype=float64).diag()
    assert fastest_rate(matrix) * scale == pytest.approx(0.5)
    assert condition_number(matrix) == pytest.approx(3)


@pytest.mark.parametrize("curvatures", [(1.0, -1.0), (1.0, 0.0), (-1.0, -2.0), (0.0, 0.0)])
def test_what_is_no_minimum_is_refused(curvatures):
    matrix = torch.tensor(curvatures).diag()
    message = "hessian must belong to a minimum, all its eigenvalues above 0"
    with pytest.raises(ValueError, match=message):
        condition_number(matrix)
    with pytest.raises(ValueError, match=message):
        fastest_rate(matrix)
    with pytest.raises(ValueError, match=message):
        steps_to_shrink(matrix, factor=2.0, learning_rate=0.1)


def test_bad_numbers_are_refused():
    matrix = torch.eye(2)
    with pytest.raises(ValueError, match="learning_rate must be above 0"):
        contraction_factors(matrix, learning_rate=0.0)
    with pytest.raises(ValueError, match="learning_rate must be above 0"):
        steps_to_shrink(matrix, factor=2.0, learning_rate=-1.0)
    with pytest.raises(ValueError, match="factor must be at least 1"):
        steps_to_shrink(matrix, factor=0.5, learning_rate=0.1)
    with pytest.raises(TypeError, match="learning_rate must"):
        contraction_factors(matrix, learning_rate="0.1")
    with pytest.raises(TypeError, match="hessian must"):
        condition_number([[1.0]])
