"""Surfaces: every derivative three ways, and what the Hessian says about every critical point."""

from __future__ import annotations

import itertools
import math

import pytest
import torch

from handbook.seeding import make_generator
from handbook.surfaces import (
    BOWL,
    DOUBLE_WELL,
    HIMMELBLAU,
    MONKEY_SADDLE,
    RAVINE,
    ROSENBROCK,
    SADDLE,
    SURFACES,
    UNEVEN_WELLS,
    CriticalPoint,
    Surface,
    bowl,
    classify_critical_point,
    critical_index,
    double_well,
    find_critical_points,
    gradient,
    hessian,
    himmelblau,
    is_strict_saddle,
    monkey_saddle,
    quadratic,
    quadratic_surface,
    random_hessians,
    ravine,
    rosenbrock,
    saddle,
    surface_grid,
    uneven_wells,
    value_and_gradient,
)

each_surface = pytest.mark.parametrize("surface", SURFACES, ids=lambda surface: surface.name)
float64 = torch.float64


def random_points(surface: Surface, *shape: int, dtype: torch.dtype = float64) -> torch.Tensor:
    size = len(surface.domain)
    return 2 * torch.randn(*shape, size, generator=make_generator(0), dtype=dtype)


# ---- values and derivatives ---------------------------------------------------------------------


@each_surface
def test_gradient_by_hand_equals_autograd(surface, device):
    points = random_points(surface, 50).to(device)
    torch.testing.assert_close(surface.gradient(points), gradient(surface, points))


@each_surface
def test_hessian_by_hand_equals_autograd(surface, device):
    points = random_points(surface, 50).to(device)
    torch.testing.assert_close(surface.hessian(points), hessian(surface, points))


@each_surface
def test_gradient_by_hand_equals_central_differences(surface):
    points, h = random_points(surface, 20), 1e-5
    for i in range(points.shape[-1]):
        shift = torch.zeros(points.shape[-1], dtype=float64)
        shift[i] = h
        slope = (surface(points + shift) - surface(points - shift)) / (2 * h)
        torch.testing.assert_close(surface.gradient(points)[:, i], slope, rtol=1e-6, atol=1e-5)


@each_surface
def test_hessian_by_hand_equals_central_differences_of_the_gradient(surface):
    points, h = random_points(surface, 20), 1e-5
    for i in range(points.shape[-1]):
        shift = torch.zeros(points.shape[-1], dtype=float64)
        shift[i] = h
        column = (surface.gradient(points + shift) - surface.gradient(points - shift)) / (2 * h)
        torch.testing.assert_close(surface.hessian(points)[..., i], column, rtol=1e-6, atol=1e-5)


@each_surface
def test_function_passes_gradcheck_and_gradgradcheck(surface):
    points = random_points(surface, 4).requires_grad_()
    assert torch.autograd.gradcheck(surface, (points,))
    assert torch.autograd.gradgradcheck(surface, (points,))


@each_surface
@pytest.mark.parametrize("shape", [(), (0,), (1,), (3, 4)])
def test_any_batch_shape_goes_through(surface, shape):
    points = random_points(surface, *shape, dtype=torch.float32)
    size = points.shape[-1]
    assert surface(points).shape == shape
    assert surface.gradient(points).shape == (*shape, size)
    assert surface.hessian(points).shape == (*shape, size, size)
    assert gradient(surface, points).shape == (*shape, size)
    assert hessian(surface, points).shape == (*shape, size, size)


@each_surface
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, float64])
def test_dtype_is_kept(surface, dtype):
    points = random_points(surface, 3).to(dtype)
    for result in (surface(points), surface.gradient(points), surface.hessian(points)):
        assert result.dtype == dtype


@each_surface
def test_a_batch_gives_what_its_points_give_one_by_one(surface):
    points = random_points(surface, 5)
    torch.testing.assert_close(surface(points), torch.stack([surface(p) for p in points]))
    torch.testing.assert_close(
        hessian(surface, points), torch.stack([hessian(surface, p) for p in points])
    )


def test_values_at_known_points():
    at = torch.tensor
    assert BOWL(at([2.0, 2.0])) == 8.0
    assert RAVINE(at([2.0, 2.0])) == 102.0
    assert saddle(at([3.0, 1.0])) == 4.0
    assert double_well(at([2.0, 2.0])) == 2.0 + 9.0 / 4.0
    assert monkey_saddle(at([1.0, 2.0])) == -11.0
    assert rosenbrock(at([-1.0, 2.0])) == 104.0
    assert himmelblau(at([1.0, 1.0])) == 81.0 + 25.0
    assert uneven_wells(at([-2.0])).item() == pytest.approx(-8 / 3)


def test_saddle_equals_the_quadratic_of_its_curvatures():
    points = random_points(SADDLE, 9)
    torch.testing.assert_close(saddle(points), quadratic(points, (1.0, -1.0)))
    torch.testing.assert_close(saddle(points), SADDLE(points))


def test_monkey_saddle_looks_the_same_after_a_third_of_a_turn():
    angle = torch.tensor(2 * math.pi / 3, dtype=float64)
    turn = torch.stack([angle.cos(), -angle.sin(), angle.sin(), angle.cos()]).reshape(2, 2)
    points = random_points(MONKEY_SADDLE, 9)
    torch.testing.assert_close(monkey_saddle(points @ turn.T), monkey_saddle(points))


def test_double_well_is_the_saddle_plus_a_quarter_near_the_origin():
    points = 1e-3 * random_points(DOUBLE_WELL, 9)
    torch.testing.assert_close(double_well(points), saddle(points) + 0.25, rtol=0, atol=1e-9)


def test_quadratic_surface_works_in_one_and_in_five_dimensions():
    for curvatures in [(-2.0,), (1.0, -1.0, 2.0, -2.0, 3.0)]:
        surface = quadratic_surface(curvatures)
        points = torch.randn(7, len(curvatures), generator=make_generator(0), dtype=float64)
        torch.testing.assert_close(surface.gradient(points), gradient(surface, points))
        torch.testing.assert_close(surface.hessian(points), hessian(surface, points))


def test_hessians_of_a_quadratic_do_not_share_memory():
    matrices = SADDLE.hessian(torch.zeros(2, 2))
    matrices[0] = 7.0
    assert matrices[1].tolist() == [[1.0, 0.0], [0.0, -1.0]]


# ---- derivatives of any function ----------------------------------------------------------------


def test_value_and_gradient_leaves_no_graph_and_no_trace_on_its_input():
    points = torch.randn(3, 2, generator=make_generator(0), requires_grad=True)
    before = points.detach().clone()
    values, slope = value_and_gradient(saddle, points)
    curvature = hessian(saddle, points)
    assert not values.requires_grad
    assert not slope.requires_grad
    assert not curvature.requires_grad
    assert points.grad is None
    assert torch.equal(points, before)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_derivatives_work_where_the_caller_has_switched_gradients_off(mode):
    with mode():
        points = torch.ones(2, 2)
        assert gradient(saddle, points).tolist() == [[1.0, -1.0]] * 2
        assert hessian(saddle, points)[0].tolist() == [[1.0, 0.0], [0.0, -1.0]]


def test_parameters_inside_the_function_get_no_gradient():
    network = torch.nn.Linear(2, 1)
    slope = gradient(lambda points: network(points).squeeze(-1), torch.zeros(3, 2))
    assert torch.equal(slope, network.weight.detach().expand(3, 2))
    assert network.weight.grad is None


def test_a_coordinate_that_the_function_ignores_has_derivative_zero():
    points = torch.tensor([2.0, 5.0])
    assert gradient(lambda p: p[..., 0] ** 2, points).tolist() == [4.0, 0.0]
    assert hessian(lambda p: p[..., 0] ** 2, points).tolist() == [[2.0, 0.0], [0.0, 0.0]]


def test_a_linear_function_has_a_hessian_of_zeros():
    assert hessian(lambda p: p.sum(-1), torch.ones(3, 2)).tolist() == [[[0.0] * 2] * 2] * 3


def test_a_transposed_view_of_points_gives_the_same_derivatives():
    points = torch.randn(2, 6, generator=make_generator(0)).T
    assert torch.equal(gradient(saddle, points), gradient(saddle, points.contiguous()))


# ---- critical points ----------------------------------------------------------------------------


@each_surface
def test_gradient_is_zero_at_each_listed_critical_point(surface):
    points = torch.tensor(surface.critical_points, dtype=float64)
    assert surface.gradient(points).abs().max() < 1e-12


@each_surface
def test_search_from_a_grid_finds_the_listed_critical_points_and_no_other(surface):
    found = find_critical_points(surface, surface_grid(surface.domain, n_points=20))
    listed = torch.tensor(surface.critical_points, dtype=float64)
    torch.testing.assert_close(found, listed, rtol=0, atol=1e-9)


def kinds(surface: Surface) -> list[str]:
    points = torch.tensor(surface.critical_points, dtype=float64)
    return [classify_critical_point(matrix).kind for matrix in surface.hessian(points)]


def test_himmelblau_has_four_minima_four_saddles_and_one_maximum():
    found = kinds(HIMMELBLAU)
    assert sorted(found) == ["maximum"] + ["minimum"] * 4 + ["saddle"] * 4


def test_himmelblau_is_zero_at_its_four_minima():
    points = torch.tensor(HIMMELBLAU.critical_points, dtype=float64)
    minima = points[[kind == "minimum" for kind in kinds(HIMMELBLAU)]]
    torch.testing.assert_close(himmelblau(minima), torch.zeros(4, dtype=float64))


@pytest.mark.parametrize(
    ("surface", "wanted"),
    [
        (BOWL, ["minimum"]),
        (RAVINE, ["minimum"]),
        (SADDLE, ["saddle"]),
        (DOUBLE_WELL, ["minimum", "saddle", "minimum"]),
        (MONKEY_SADDLE, ["degenerate"]),
        (ROSENBROCK, ["minimum"]),
        (UNEVEN_WELLS, ["minimum", "maximum", "minimum"]),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_kind_of_every_critical_point(surface, wanted):
    assert kinds(surface) == wanted


@pytest.mark.parametrize(
    ("eigenvalues", "kind", "index", "strict"),
    [
        ((1.0, 2.0, 3.0), "minimum", 0, False),
        ((-1.0, -2.0, -3.0), "maximum", 3, True),
        ((-1.0, 2.0, 3.0), "saddle", 1, True),
        ((-1.0, 0.0, 3.0), "saddle", 1, True),
        ((0.0, 2.0, 3.0), "degenerate", 0, False),
        ((0.0, -2.0, -3.0), "degenerate", 2, True),
        ((0.0, 0.0, 0.0), "degenerate", 0, False),
    ],
)
@pytest.mark.parametrize("dtype", [torch.float32, float64])
def test_signs_of_the_eigenvalues_decide_whatever_the_rotation(
    eigenvalues, kind, index, strict, dtype
):
    matrix = torch.randn(3, 3, generator=make_generator(1), dtype=dtype)
    rotation, _ = torch.linalg.qr(matrix)
    rotated = rotation @ torch.tensor(eigenvalues, dtype=dtype).diag() @ rotation.T
    tolerance = 100 * torch.finfo(dtype).eps  # the rotation itself was rounded
    point = classify_critical_point(rotated, tolerance=tolerance)
    assert (point.kind, point.index) == (kind, index)
    assert is_strict_saddle(rotated, tolerance=tolerance).item() is strict
    wanted = torch.tensor(sorted(eigenvalues), dtype=dtype)
    torch.testing.assert_close(point.eigenvalues, wanted)
    torch.testing.assert_close(
        rotated @ point.eigenvectors, point.eigenvectors * point.eigenvalues, rtol=1e-5, atol=1e-5
    )


def test_a_positive_diagonal_is_no_minimum():
    point = classify_critical_point(torch.tensor([[1.0, 3.0], [3.0, 1.0]]))
    assert point.kind == "saddle"
    torch.testing.assert_close(point.eigenvalues, torch.tensor([-2.0, 4.0]))


def test_tolerance_decides_what_counts_as_zero():
    matrix = torch.tensor([[1.0, 0.0], [0.0, -1e-4]])
    assert classify_critical_point(matrix).kind == "saddle"
    assert classify_critical_point(matrix, tolerance=1e-3).kind == "degenerate"


def test_default_tolerance_forgives_only_rounding():
    eps = torch.finfo(torch.float32).eps
    assert classify_critical_point(torch.tensor([1.0, -eps]).diag()).kind == "degenerate"
    assert classify_critical_point(torch.tensor([1.0, -10 * eps]).diag()).kind == "saddle"


def test_half_precision_hessians_are_classified():
    matrix = torch.tensor([[1.0, 3.0], [3.0, 1.0]], dtype=torch.bfloat16)
    assert classify_critical_point(matrix).kind == "saddle"


def test_one_dimension_has_no_saddle():
    assert classify_critical_point(torch.tensor([[2.0]])).kind == "minimum"
    assert classify_critical_point(torch.tensor([[-2.0]])).kind == "maximum"


def test_index_and_strictness_work_on_a_batch_and_on_an_empty_one(device):
    matrices = torch.stack([torch.eye(2), -torch.eye(2), torch.zeros(2, 2)]).to(device)
    assert critical_index(matrices).tolist() == [0, 2, 0]
    assert is_strict_saddle(matrices).tolist() == [False, True, False]
    assert critical_index(torch.zeros(0, 2, 2)).shape == (0,)


def test_search_finds_a_saddle_and_a_maximum_as_readily_as_a_minimum():
    starts = torch.tensor([[0.1], [-1.9], [0.9]])
    found = find_critical_points(uneven_wells, starts)
    torch.testing.assert_close(found, torch.tensor([[-2.0], [0.0], [1.0]], dtype=float64))


def test_search_drops_the_starts_from_which_it_runs_away():
    # from beyond 1, Newton's step on sqrt(1 + x²) leads to -x³: the numbers overflow
    found = find_critical_points(
        lambda p: (1 + p.square()).sqrt().sum(-1), torch.tensor([[0.5], [2.0]])
    )
    torch.testing.assert_close(found, torch.zeros(1, 1, dtype=float64))


def test_search_does_not_take_a_slope_without_curvature_for_level_ground():
    found = find_critical_points(lambda p: p.sum(-1), torch.zeros(3, 2))
    assert found.shape == (0, 2)


def test_search_without_an_arrival_returns_no_point():
    found = find_critical_points(lambda p: p.exp().sum(-1), torch.zeros(3, 2))
    assert found.shape == (0, 2)
    assert find_critical_points(saddle, torch.zeros(0, 2)).shape == (0, 2)


# ---- grids and random Hessians ------------------------------------------------------------------


def test_grid_has_x_first_and_both_ends(device):
    points = surface_grid(((-1.0, 1.0), (0.0, 4.0)), n_points=5, dtype=float64, device=device)
    assert points.shape == (5, 5, 2)
    assert points.dtype == float64
    assert points.device.type == device.type
    assert points[0, 0].tolist() == [-1.0, 0.0]
    assert points[-1, 0].tolist() == [1.0, 0.0]
    assert points[0, -1].tolist() == [-1.0, 4.0]
    assert surface_grid(((0.0, 1.0),), n_points=2).tolist() == [[0.0], [1.0]]


def test_random_hessians_are_symmetric_with_variance_one_and_a_half(generator):
    matrices = random_hessians(20_000, 3, generator=generator, dtype=float64)
    assert torch.equal(matrices, matrices.mT)
    variance = matrices.var(0)
    wanted = torch.full((3, 3), 0.5, dtype=float64).fill_diagonal_(1.0)
    torch.testing.assert_close(variance, wanted, rtol=0.05, atol=0)


@pytest.mark.parametrize(
    ("size", "probability"),
    [
        (1, 1 / 2),
        (2, (2 - math.sqrt(2)) / 4),
        (3, (math.pi - 2 * math.sqrt(2)) / (4 * math.pi)),
    ],
)
def test_share_of_minima_among_random_hessians(size, probability, generator):
    n = 40_000
    share = (critical_index(random_hessians(n, size, generator=generator)) == 0).double().mean()
    standard_error = math.sqrt(probability * (1 - probability) / n)
    assert abs(share.item() - probability) < 4 * standard_error


def test_random_hessians_repeat_with_the_seed_and_leave_the_global_generator_alone():
    before = torch.random.get_rng_state()
    first = random_hessians(2, 4, generator=make_generator(3))
    assert torch.equal(first, random_hessians(2, 4, generator=make_generator(3)))
    assert torch.equal(torch.random.get_rng_state(), before)


# ---- bad input ----------------------------------------------------------------------------------


@each_surface
def test_points_of_another_width_are_refused(surface):
    size = len(surface.domain)
    wrong = torch.zeros(4, size + 1)
    message = rf"points must have shape \(\.\.\., {size}\), .*, got a float32 tensor of shape"
    for function in (surface, surface.gradient, surface.hessian):
        with pytest.raises(ValueError, match=message):
            function(wrong)
    with pytest.raises(ValueError, match=message):
        surface(torch.tensor(1.0))


@each_surface
def test_points_that_are_not_floating_point_are_refused(surface):
    with pytest.raises(TypeError, match=r"points must have a floating-point dtype, got an int64"):
        surface(torch.zeros(len(surface.domain), dtype=torch.int64))
    with pytest.raises(TypeError, match=r"points must be a tensor, got a list"):
        surface([0.0, 0.0])


@pytest.mark.parametrize(
    ("curvatures", "error", "message"),
    [
        (1.0, TypeError, r"curvatures must be a sequence of numbers such as \(1\.0, -1\.0\)"),
        (torch.ones(2), TypeError, "curvatures must be a sequence of numbers"),
        ("12", TypeError, "curvatures must be a sequence of numbers"),
        ((), ValueError, "curvatures must hold at least one number"),
        ((1.0, math.nan), ValueError, r"curvatures\[1\] must be a number, got nan"),
        ((1.0, math.inf), ValueError, r"curvatures\[1\] must be below inf, got inf"),
        ((1.0, "2"), TypeError, r"curvatures\[1\] must be a real number, got '2'"),
    ],
)
def test_bad_curvatures_are_refused(curvatures, error, message):
    with pytest.raises(error, match=message):
        quadratic(torch.zeros(2), curvatures)
    with pytest.raises(error, match=message):
        quadratic_surface(curvatures)


def test_quadratic_surface_refuses_a_flat_direction_and_an_empty_domain():
    with pytest.raises(ValueError, match=r"curvatures must not hold a zero, got \(1\.0, 0\.0\)"):
        quadratic_surface((1.0, 0.0))
    with pytest.raises(ValueError, match=r"half_width must be above 0\.0, got 0\.0"):
        quadratic_surface((1.0,), half_width=0.0)


@pytest.mark.parametrize(
    ("function", "points", "error", "message"),
    [
        (3, torch.zeros(2), TypeError, "function must be callable, got 3"),
        (saddle, [0.0, 0.0], TypeError, "points must be a tensor, got a list"),
        (saddle, torch.tensor([1, 2]), TypeError, "points must have a floating-point dtype"),
        (saddle, torch.tensor(1.0), ValueError, r"points must have shape .*use points\.reshape"),
        (saddle, torch.zeros(3, 0), ValueError, r"D at least 1, .* tensor of shape \(3, 0\)"),
        (lambda p: 1.0, torch.zeros(2), TypeError, r"function must return a tensor .* got 1\.0"),
        (lambda p: p, torch.zeros(3, 2), ValueError, r"one value per point, shape .* = \(3,\)"),
        (lambda p: p.sum(), torch.zeros(3, 2), ValueError, r"got a float32 tensor of shape \(\)"),
        (
            lambda p: p.detach().sum(-1),
            torch.zeros(3, 2),
            ValueError,
            r"by differentiable operations, got values without a gradient; remove \.item\(\)",
        ),
        (
            lambda p: torch.zeros(3, dtype=torch.int64),
            torch.zeros(3, 2),
            ValueError,
            "got values without a gradient",
        ),
    ],
)
def test_derivatives_refuse_bad_functions_and_points(function, points, error, message):
    for derivative in (value_and_gradient, gradient, hessian):
        with pytest.raises(error, match=message):
            derivative(function, points)


@pytest.mark.parametrize(
    ("matrix", "error", "message"),
    [
        ([[1.0]], TypeError, "hessian must be a tensor, got a list"),
        (torch.eye(2).long(), TypeError, r"floating-point dtype, .*use hessian\.float\(\)"),
        (torch.ones(2, 3), ValueError, r"hessian must have shape \(\.\.\., D, D\)"),
        (torch.ones(0, 0), ValueError, r"with D at least 1, got a float32 tensor of shape \(0, 0"),
        (torch.tensor([[1.0, 2.0], [0.0, 1.0]]), ValueError, "hessian must be symmetric"),
        (torch.full((2, 2), math.nan), ValueError, "hessian must be finite"),
        (torch.full((2, 2), math.inf), ValueError, "hessian must be finite"),
    ],
)
def test_bad_hessians_are_refused(matrix, error, message):
    for function in (classify_critical_point, critical_index, is_strict_saddle):
        with pytest.raises(error, match=message):
            function(matrix)


def test_classification_takes_one_matrix_at_a_time():
    with pytest.raises(ValueError, match=r"shape \(D, D\), .*use critical_index for a batch"):
        classify_critical_point(torch.zeros(3, 2, 2))
    with pytest.raises(ValueError, match=r"hessian must have shape \(D, D\)"):
        classify_critical_point(torch.zeros(2))


@pytest.mark.parametrize("function", [classify_critical_point, critical_index, is_strict_saddle])
def test_negative_tolerance_is_refused(function):
    with pytest.raises(ValueError, match=r"tolerance must be at least 0\.0, got -1"):
        function(torch.eye(2), tolerance=-1)


@pytest.mark.parametrize(
    ("domain", "n_points", "error", "message"),
    [
        ((), 5, ValueError, r"domain must be a sequence of pairs \(low, high\), got \(\)"),
        ((1.0, 2.0), 5, ValueError, r"domain\[0\] must be a pair \(low, high\), got 1\.0"),
        (((2.0, 1.0),), 5, ValueError, r"domain\[0\]\[1\] must be above 2\.0, got 1\.0"),
        ((("a", 1.0),), 5, TypeError, r"domain\[0\]\[0\] must be a real number, got 'a'"),
        (((0.0, 1.0),), 1, ValueError, "n_points must be at least 2, got 1"),
        (((0.0, 1.0),), 2.5, TypeError, r"n_points must be an int, got 2\.5"),
    ],
)
def test_bad_grids_are_refused(domain, n_points, error, message):
    with pytest.raises(error, match=message):
        surface_grid(domain, n_points=n_points)


@pytest.mark.parametrize(
    ("starts", "options", "error", "message"),
    [
        (torch.tensor(1.0), {}, ValueError, r"starts must have shape \(\.\.\., D\)"),
        (torch.zeros(3, 0), {}, ValueError, r"starts must have shape .* with D at least 1"),
        (torch.tensor([1]), {}, TypeError, "starts must have a floating-point dtype"),
        (torch.zeros(2), {"n_steps": 0}, ValueError, "n_steps must be at least 1, got 0"),
        (torch.zeros(2), {"tolerance": 0.0}, ValueError, r"tolerance must be above 0\.0"),
    ],
)
def test_bad_searches_are_refused(starts, options, error, message):
    with pytest.raises(error, match=message):
        find_critical_points(saddle, starts, **options)


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((-1, 2), {}, ValueError, "n_matrices must be at least 0, got -1"),
        ((1, 0), {}, ValueError, "size must be at least 1, got 0"),
        ((1, 2.0), {}, TypeError, r"size must be an int, got 2\.0"),
        ((1, 2), {"generator": None}, TypeError, "generator must be a torch.Generator, got None"),
        ((1, 2), {"dtype": torch.int64}, TypeError, "dtype must be a floating-point dtype"),
    ],
)
def test_bad_draws_are_refused(arguments, options, error, message):
    with pytest.raises(error, match=message):
        random_hessians(*arguments, **{"generator": make_generator(0), **options})


def test_names_of_the_surfaces_are_distinct():
    names = [surface.name for surface in SURFACES]
    assert all(a != b for a, b in itertools.combinations(names, 2))


def test_bowl_and_ravine_are_the_quadratics_of_their_formulas() -> None:
    point = torch.tensor([1.0, 2.0], dtype=float64)
    assert bowl(point) == (1 + 3 * 4) / 2
    assert ravine(point) == (1 + 50 * 4) / 2


def test_a_classification_is_a_critical_point_with_its_directions() -> None:
    point = classify_critical_point(torch.diag(torch.tensor([2.0, -3.0])))
    assert isinstance(point, CriticalPoint)
    assert (point.kind, point.index) == ("saddle", 1)
    assert point.eigenvalues.tolist() == [-3.0, 2.0]
    assert point.eigenvectors[:, 0].abs().tolist() == [0.0, 1.0]


# ---- what a surface knows about itself ----------------------------------------------------------

KINDS = {
    "bowl": ["minimum"],
    "ravine": ["minimum"],
    "saddle": ["saddle"],
    "double well": ["minimum", "saddle", "minimum"],
    "monkey saddle": ["degenerate"],
    "Rosenbrock": ["minimum"],
    "Himmelblau": [
        "minimum", "saddle", "minimum", "maximum", "saddle", "saddle", "minimum", "saddle",
        "minimum",
    ],
    "uneven wells": ["minimum", "maximum", "minimum"],
}  # fmt: skip


@each_surface
def test_a_surface_classifies_its_critical_points(surface):
    assert [point.kind for point in surface.classified()] == KINDS[surface.name]


@each_surface
def test_its_minima_are_lower_than_everything_close_to_them(surface):
    minima = surface.minima()
    assert minima.dtype == float64
    assert minima.shape == (KINDS[surface.name].count("minimum"), len(surface.domain))
    around = 1e-3 * torch.randn(100, 1, minima.shape[1], generator=make_generator(0), dtype=float64)
    assert (surface(minima + around) > surface(minima)).all()
