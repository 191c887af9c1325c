"""Linear models: closed forms, PyTorch's own, least squares, and the geometry of boundaries."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from handbook.batches import mini_batches
from handbook.datasets import load_diabetes, sample_xor, synthetic_linear_data
from handbook.linear_models import (
    ExpectedLosses,
    LinearParameters,
    add_ones,
    boundary_segment,
    collapse_linear_stack,
    expected_losses,
    half_squared_error,
    least_squares,
    linear,
    local_linear_map,
    margin,
    minimum_norm,
    normal_equations,
    predict,
    sgd_step,
    signed_distance,
    start_parameters,
    train_epoch,
)
from handbook.seeding import make_generator

FLOATING = [torch.float16, torch.bfloat16, torch.float32, torch.float64]
SOLVERS = pytest.mark.parametrize("solve", [normal_equations, least_squares, minimum_norm])
EXACT_SOLVERS = pytest.mark.parametrize("solve", [normal_equations, least_squares])


def draw(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(shape, generator=make_generator(seed), dtype=torch.float64).to(dtype)


# ---- the linear layer ---------------------------------------------------------------------------


def test_linear_is_a_weighted_sum_and_a_bias() -> None:
    weight = torch.tensor([[1.0, 0.0, 2.0], [0.0, -1.0, 1.0]])
    output = linear(torch.tensor([1.0, 2.0, 3.0]), weight, torch.tensor([0.5, 0.0]))
    assert output.tolist() == [7.5, 1.0]


@pytest.mark.parametrize("dtype", FLOATING)
def test_linear_equals_pytorch_s_in_every_dtype(dtype: torch.dtype, device: torch.device) -> None:
    arguments = [draw(*s, dtype=dtype, seed=i) for i, s in enumerate(((4, 5, 8), (3, 8), (3,)))]
    sides = []
    for function in (linear, F.linear):
        leaves = [argument.to(device).requires_grad_() for argument in arguments]
        output = function(*leaves)
        upstream = draw(*output.shape, seed=9).to(output)
        sides.append((output, *torch.autograd.grad(output, leaves, upstream)))
    tolerance = 8 * torch.finfo(dtype).eps
    for mine, other in zip(*sides, strict=True):
        assert mine.dtype == dtype
        torch.testing.assert_close(mine, other, rtol=tolerance, atol=8 * tolerance)


def test_linear_takes_whole_and_complex_numbers_like_pytorch_s() -> None:
    x, w, b = torch.arange(6).reshape(2, 3), torch.arange(12).reshape(4, 3), torch.arange(4)
    assert torch.equal(linear(x, w, b), F.linear(x, w, b))
    assert torch.equal(linear(x.cfloat(), w.cfloat() * 1j), F.linear(x.cfloat(), w.cfloat() * 1j))


def test_linear_hides_no_nan_and_no_infinity() -> None:
    x = torch.tensor([[math.nan, 0.0], [math.inf, 0.0], [1.0, 2.0]])
    weight, bias = torch.tensor([[1.0, 1.0], [-1.0, 0.0]]), torch.tensor([0.0, 1.0])
    torch.testing.assert_close(linear(x, weight, bias), F.linear(x, weight, bias), equal_nan=True)


def test_linear_has_the_right_derivatives_of_first_and_second_order() -> None:
    arguments = tuple(draw(*s, seed=1).requires_grad_() for s in ((2, 3, 4), (5, 4), (5,)))
    assert torch.autograd.gradcheck(linear, arguments)
    assert torch.autograd.gradgradcheck(linear, arguments)


def test_linear_leaves_its_arguments_as_they_were() -> None:
    arguments = [draw(4, 3), draw(2, 3), draw(2)]
    before = [argument.clone() for argument in arguments]
    linear(*arguments)
    assert all(map(torch.equal, arguments, before))


def test_linear_works_under_vmap_and_autocast() -> None:
    x, weights, biases = draw(6, 3).float(), draw(4, 2, 3).float(), draw(4, 2).float()
    together = torch.vmap(linear, in_dims=(None, 0, 0))(x, weights, biases)
    for k in range(4):
        torch.testing.assert_close(together[k], F.linear(x, weights[k], biases[k]))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        hidden = linear(x, weights[0], biases[0])
        assert hidden.dtype == torch.bfloat16
        assert linear(hidden, weights[0, :, :2], biases[0]).dtype == torch.bfloat16


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"input": [1.0]}, TypeError, "input must be a tensor, got a list"),
        ({"input": torch.zeros(2, 3).bool()}, TypeError, "input must hold numbers, got a bool"),
        ({"input": torch.tensor(1.0)}, ValueError, "input must have 3 numbers in its last dim"),
        ({"input": torch.zeros(3, 2)}, ValueError, "input must have 3 numbers in its last dim"),
        ({"weight": torch.zeros(2, 2, 3)}, ValueError, r"weight must have shape \(D_out, D_in\)"),
        ({"weight": torch.tensor(1.0)}, ValueError, r"weight must have shape \(D_out, D_in\)"),
        ({"weight": torch.zeros(2, 3).double()}, TypeError, "weight must have input's dtype"),
        ({"bias": torch.zeros(2).double()}, TypeError, "bias must have input's dtype float32"),
        ({"bias": 1.0}, TypeError, "bias must be a tensor, got 1.0"),
        ({"bias": torch.zeros(3)}, ValueError, r"bias must have shape \(2,\), got a float32"),
        ({"bias": torch.zeros(5, 4, 2)}, ValueError, r"bias must have shape \(2,\), got"),
        ({"weight": torch.zeros(3)}, ValueError, r"bias must have shape \(\), got a float32"),
    ],
)
def test_linear_refuses(changes: dict[str, Any], error: type[Exception], message: str) -> None:
    good = {"input": torch.zeros(4, 3), "weight": torch.zeros(2, 3), "bias": torch.zeros(2)}
    with pytest.raises(error, match=message):
        linear(**{**good, **changes})


# ---- linear regression, step by step ------------------------------------------------------------


def synthetic(n_samples: int = 1000, noise_std: float = 0.01, seed: int = 0) -> Any:
    weights = torch.tensor([2.0, -3.4])
    return synthetic_linear_data(
        weights, 4.2, n_samples, noise_std=noise_std, generator=make_generator(seed)
    )


def test_the_start_is_small_normal_weights_and_no_bias(device: torch.device) -> None:
    start = start_parameters(5000, std=0.01, device=device, generator=make_generator(0))
    assert isinstance(start, LinearParameters)
    assert start.weight.shape == (5000, 1)
    assert abs(start.weight.std().item() - 0.01) < 5e-4
    assert start.bias.tolist() == [0.0]
    assert all(parameter.is_leaf and parameter.requires_grad for parameter in start)
    assert start.weight.device.type == device.type
    half = start_parameters(3, dtype=torch.float16, generator=make_generator(0))
    assert half.weight.dtype == half.bias.dtype == torch.float16


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"n_features": 0}, ValueError, "n_features must be at least 1, got 0"),
        ({"n_features": 2.0}, TypeError, "n_features must be an int"),
        ({"std": -1.0}, ValueError, "std must be at least 0.0, got -1.0"),
        ({"std": math.inf}, ValueError, "std must be below inf, got inf"),
        ({"dtype": torch.int64}, TypeError, "dtype must be a floating-point dtype, got"),
        ({"generator": 1}, TypeError, "generator must be a torch.Generator, got 1"),
    ],
)
def test_start_parameters_refuse(
    changes: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        start_parameters(**{"n_features": 2, "generator": make_generator(0), **changes})


def test_predict_is_linear_with_the_weight_on_its_side() -> None:
    x, parameters = draw(7, 3), LinearParameters(draw(3, 2, seed=1), draw(2, seed=2))
    torch.testing.assert_close(predict(x, parameters), x @ parameters.weight + parameters.bias)
    assert predict(x[:0], parameters).shape == (0, 2)


def test_predict_refuses_shapes_that_do_not_fit() -> None:
    parameters = LinearParameters(torch.zeros(3, 1), torch.zeros(1))
    with pytest.raises(ValueError, match=r"inputs must have shape \(N, 3\), got a float32"):
        predict(torch.zeros(5, 2), parameters)
    with pytest.raises(ValueError, match=r"inputs must have shape \(N, 3\)"):
        predict(torch.zeros(3), parameters)
    with pytest.raises(ValueError, match=r"weight must have shape \(D, K\)"):
        predict(torch.zeros(5, 3), LinearParameters(torch.zeros(3), torch.zeros(1)))
    with pytest.raises(ValueError, match=r"bias must have shape \(1,\)"):
        predict(torch.zeros(5, 3), LinearParameters(torch.zeros(3, 1), torch.zeros(5)))
    with pytest.raises(TypeError, match="inputs must have a floating-point dtype"):
        predict(torch.zeros(5, 3).long(), parameters)


def test_half_squared_error_is_half_of_pytorch_s_and_its_slope_the_residual() -> None:
    y, t = draw(5, 2).requires_grad_(), draw(5, 2, seed=1)
    losses = half_squared_error(y, t)
    torch.testing.assert_close(losses.mean(), F.mse_loss(y, t) / 2)
    (gradient,) = torch.autograd.grad(losses.sum(), y)
    torch.testing.assert_close(gradient, (y - t).detach())
    assert torch.autograd.gradcheck(lambda y: half_squared_error(y, t), y)


def test_half_squared_error_refuses_what_would_broadcast() -> None:
    with pytest.raises(ValueError, match=r"targets must have the shape \(8, 1\) of predictions"):
        half_squared_error(torch.zeros(8, 1), torch.zeros(8))
    with pytest.raises(TypeError, match="targets must have a floating-point dtype"):
        half_squared_error(torch.zeros(8), torch.zeros(8).long())
    with pytest.raises(TypeError, match="predictions must be a tensor"):
        half_squared_error([0.0], torch.zeros(1))  # type: ignore[arg-type]


def test_a_step_equals_pytorch_s_sgd() -> None:
    mine, theirs = draw(4).requires_grad_(), draw(4).requires_grad_()
    optimizer = torch.optim.SGD([theirs], lr=0.1)
    for _ in range(5):
        for parameter in (mine, theirs):
            (parameter**2).sum().backward()
        sgd_step([mine], learning_rate=0.1)
        optimizer.step()
        optimizer.zero_grad()
    torch.testing.assert_close(mine, theirs)
    assert mine.grad is None
    assert mine.is_leaf


def test_a_step_refuses_parameters_that_no_loss_depends_on() -> None:
    used, unused = torch.ones(1, requires_grad=True), torch.ones(1, requires_grad=True)
    used.sum().backward()
    with pytest.raises(ValueError, match=r"parameters\[1\] must have a gradient, got None"):
        sgd_step([used, unused], learning_rate=0.1)
    assert used.item() == 1.0  # none was moved
    with pytest.raises(ValueError, match="parameters must be at least one, got none"):
        sgd_step([], learning_rate=0.1)
    with pytest.raises(ValueError, match=r"learning_rate must be at least 0.0, got -0.1"):
        sgd_step([used], learning_rate=-0.1)
    with pytest.raises(ValueError, match="learning_rate must be below inf"):
        sgd_step([used], learning_rate=math.inf)
    with pytest.raises(TypeError, match=r"parameters\[0\] must be a tensor"):
        sgd_step([1.0], learning_rate=0.1)  # type: ignore[list-item]


def test_three_epochs_reach_the_noise_floor_and_the_truth() -> None:
    for seed in range(5):
        inputs, targets = synthetic(seed=seed)
        parameters = start_parameters(2, generator=make_generator(100 + seed))
        shuffling = make_generator(200 + seed)
        losses = []
        for _ in range(3):
            batches = mini_batches(inputs, targets, batch_size=10, generator=shuffling)
            train_epoch(parameters, batches, learning_rate=0.03)
            with torch.no_grad():
                losses.append(half_squared_error(predict(inputs, parameters), targets).mean())
        assert 0.01 < losses[0] < 0.08
        assert 5e-5 < losses[1] < 4e-4
        assert 4.3e-5 < losses[2] < 5.8e-5
        assert (parameters.weight[:, 0] - torch.tensor([2.0, -3.4])).abs().max() < 2e-3
        assert (parameters.bias - 4.2).abs() < 2e-3


def test_an_epoch_equals_pytorch_s_loop_with_half_the_squared_error() -> None:
    inputs, targets = synthetic(n_samples=25)
    parameters = start_parameters(2, generator=make_generator(1))
    model = nn.Linear(2, 1)
    model.load_state_dict({"weight": parameters.weight.mT, "bias": parameters.bias})
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    batches = list(mini_batches(inputs, targets, batch_size=10, generator=make_generator(2)))
    total = 0.0
    for x, y in batches:  # 10, 10 and 5 samples
        optimizer.zero_grad()
        loss = F.mse_loss(model(x), y) / 2
        loss.backward()
        optimizer.step()
        total += len(x) * loss.item()
    mean = train_epoch(parameters, batches, learning_rate=0.1)
    torch.testing.assert_close(parameters.weight.mT, model.weight)
    torch.testing.assert_close(parameters.bias, model.bias)
    assert mean == pytest.approx(total / 25, rel=1e-5)


def test_an_epoch_without_samples_is_refused() -> None:
    parameters = start_parameters(2, generator=make_generator(1))
    used_up = mini_batches(torch.zeros(4, 2), torch.zeros(4, 1), batch_size=2)
    list(used_up)
    with pytest.raises(ValueError, match="batches must be at least one, got none; an iterator"):
        train_epoch(parameters, used_up, learning_rate=0.1)
    with pytest.raises(ValueError, match="batches must hold at least 1 sample each"):
        train_epoch(parameters, [(torch.zeros(0, 2), torch.zeros(0, 1))], learning_rate=0.1)


# ---- least squares ------------------------------------------------------------------------------


def test_add_ones_makes_the_bias_one_more_weight() -> None:
    x, weight, bias = draw(6, 3), draw(3, 1, seed=1), draw(1, seed=2)
    together = add_ones(x) @ torch.cat([weight, bias[:, None]])
    torch.testing.assert_close(together, x @ weight + bias)
    assert add_ones(x[:0]).shape == (0, 4)
    with pytest.raises(ValueError, match=r"inputs must have shape \(N, D\)"):
        add_ones(torch.zeros(3))
    with pytest.raises(TypeError, match="inputs must have a floating-point dtype"):
        add_ones(torch.zeros(3, 2).long())


@SOLVERS
def test_a_line_through_three_points_in_closed_form(solve: Any) -> None:
    # Through (0, 1), (1, 3), (2, 8): slope 7/2, intercept 1/2.
    design = add_ones(torch.tensor([[0.0], [1.0], [2.0]], dtype=torch.float64))
    solution = solve(design, torch.tensor([1.0, 3.0, 8.0], dtype=torch.float64))
    torch.testing.assert_close(solution, torch.tensor([3.5, 0.5], dtype=torch.float64))


@SOLVERS
@pytest.mark.parametrize("shape", [(1, 1), (5, 1), (5, 5), (30, 8), (200, 20)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_solver_equals_lapack_s(
    solve: Any, shape: tuple[int, int], dtype: torch.dtype, device: torch.device
) -> None:
    design = draw(*shape, dtype=dtype).to(device)
    for targets in (draw(shape[0], 3, seed=1, dtype=dtype), draw(shape[0], seed=2, dtype=dtype)):
        columns = targets if targets.dim() == 2 else targets[:, None]
        wanted = torch.linalg.lstsq(design.cpu().double(), columns.double()).solution
        found = solve(design, targets.to(device))
        assert found.dtype == dtype
        assert found.shape == (shape[1], *targets.shape[1:])
        rounding = torch.finfo(dtype).eps * torch.linalg.cond(design.cpu().double()) ** 2
        error = (found.cpu().double().reshape(wanted.shape) - wanted).norm() / wanted.norm()
        assert error <= 20 * rounding


@SOLVERS
def test_the_gradient_of_a_solution_is_right(solve: Any) -> None:
    arguments = (draw(6, 3).requires_grad_(), draw(6, 2, seed=1).requires_grad_())
    assert torch.autograd.gradcheck(solve, arguments)


@SOLVERS
def test_the_residual_stands_at_right_angles_to_every_column(solve: Any) -> None:
    diabetes = load_diabetes()
    design, targets = add_ones(diabetes.inputs.double()), diabetes.targets.double()
    residual = targets - design @ solve(design, targets)
    cosines = (design.mT @ residual).flatten() / (design.norm(dim=0) * residual.norm())
    assert cosines.abs().max() < 1e-9
    assert abs(residual.mean().item()) < 1e-6  # the column of ones is one of them
    # Pythagoras: the fitted values and the residual share the square of the targets.
    fitted = targets - residual
    assert (fitted**2).sum() + (residual**2).sum() == pytest.approx((targets**2).sum().item())


@SOLVERS
@given(seed=st.integers(0, 10_000), step=st.floats(-1.0, 1.0))
def test_no_other_coefficients_have_a_smaller_error(solve: Any, seed: int, step: float) -> None:
    design, targets = draw(12, 3, seed=seed), draw(12, seed=seed + 1)
    solution = solve(design, targets)
    smallest = (design @ solution - targets).norm()
    other = solution + step * draw(3, seed=seed + 2)
    assert (design @ other - targets).norm() >= smallest - 1e-12


@SOLVERS
def test_half_precision_is_solved_in_single_precision_and_rounded_once(solve: Any) -> None:
    design, targets = draw(40, 3).half(), draw(40, seed=1).half()
    found = solve(design, targets)
    assert found.dtype == torch.float16
    wanted = torch.linalg.lstsq(design.double(), targets.double()[:, None]).solution[:, 0]
    torch.testing.assert_close(found.double(), wanted, rtol=2e-3, atol=1e-3)


@SOLVERS
def test_an_empty_design_has_no_coefficients(solve: Any) -> None:
    assert solve(torch.zeros(4, 0), torch.zeros(4)).shape == (0,)
    assert solve(torch.zeros(0, 0), torch.zeros(0, 2)).shape == (0, 2)
    assert minimum_norm(torch.zeros(0, 3), torch.zeros(0)).tolist() == [0.0, 0.0, 0.0]


@EXACT_SOLVERS
def test_units_of_the_columns_do_not_matter(solve: Any) -> None:
    design, targets = draw(50, 3, dtype=torch.float32), draw(50, seed=1, dtype=torch.float32)
    units = torch.tensor([1e-6, 1.0, 1e6])
    plain, scaled = solve(design, targets), solve(design * units, targets)
    torch.testing.assert_close(scaled * units, plain, rtol=1e-4, atol=1e-5)


@EXACT_SOLVERS
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("n_samples", [3, 10, 1000])
def test_dependent_columns_are_seen_and_named(
    solve: Any, dtype: torch.dtype, n_samples: int
) -> None:
    for seed in range(5):
        first, second = draw(n_samples, 2, seed=seed, dtype=dtype).T
        for third in (first + second, first, 1e5 * second, torch.zeros_like(first)):
            design = torch.stack([first, second, third], dim=1)
            with pytest.raises(
                ValueError, match=r"design must have independent columns, got column [12] equal"
            ):
                solve(design, draw(n_samples, seed=9, dtype=dtype))


def test_the_column_of_zeros_is_the_one_that_is_named() -> None:
    design = draw(5, 3)
    design[:, 1] = 0
    with pytest.raises(ValueError, match="got column 1 equal to a combination of those before it"):
        least_squares(design, draw(5, seed=1))


def test_normal_equations_square_the_condition_number() -> None:
    for epsilon in (1e-1, 1e-2, 1e-3):
        design = torch.tensor([[1.0, 1.0], [epsilon, 0.0], [0.0, epsilon]], dtype=torch.float64)
        kappa = torch.linalg.cond(design).item()
        assert torch.linalg.cond(design.mT @ design).item() == pytest.approx(kappa**2, rel=1e-6)


def test_where_the_normal_equations_break_reflections_still_have_digits() -> None:
    epsilon = 1e-4  # 1 + epsilon² rounds to 1 in float32
    design = torch.tensor([[1.0, 1.0], [epsilon, 0.0], [0.0, epsilon]])
    targets = design @ torch.tensor([1.0, -1.0])
    with pytest.raises(ValueError, match=r"column 1 .* least_squares looks at the columns thems"):
        normal_equations(design, targets)
    torch.testing.assert_close(
        least_squares(design, targets), torch.tensor([1.0, -1.0]), rtol=5e-3, atol=0
    )


def test_minimum_norm_is_the_shortest_of_all_exact_solutions() -> None:
    design, targets = draw(3, 7), draw(3, seed=1)
    solution = minimum_norm(design, targets)
    torch.testing.assert_close(design @ solution, targets)
    torch.testing.assert_close(solution, torch.linalg.pinv(design) @ targets)
    free = torch.eye(7).double() - torch.linalg.pinv(design) @ design  # moves that change nothing
    for seed in range(5):
        other = solution + free @ draw(7, seed=seed + 2)
        torch.testing.assert_close(design @ other, targets)
        assert other.norm() > solution.norm()


def test_equal_columns_share_their_weight() -> None:
    column = draw(20, 1)
    solution = minimum_norm(column.repeat(1, 4), 8 * column[:, 0])
    torch.testing.assert_close(solution, torch.full((4,), 2.0).double())


def test_a_larger_tolerance_drops_weak_directions() -> None:
    design = torch.diag(torch.tensor([1.0, 1e-3])).double()
    targets = torch.ones(2).double()
    assert minimum_norm(design, targets).tolist() == pytest.approx([1.0, 1000.0])
    assert minimum_norm(design, targets, rtol=0.01).tolist() == [1.0, 0.0]
    assert minimum_norm(torch.zeros(2, 2), torch.ones(2)).tolist() == [0.0, 0.0]


@SOLVERS
@pytest.mark.parametrize(
    ("design", "targets", "error", "message"),
    [
        ([[1.0]], torch.zeros(1), TypeError, "design must be a tensor, got a list"),
        (torch.zeros(3, 2).long(), torch.zeros(3), TypeError, "design must have a floating-point"),
        (torch.zeros(3), torch.zeros(3), ValueError, r"design must have shape \(N, D\)"),
        (torch.zeros(3, 2), torch.zeros(4), ValueError, r"targets must have shape \(3,\) or \(3,"),
        (torch.zeros(3, 2), torch.zeros(3).long(), TypeError, "targets must have a floating-poi"),
        (torch.zeros(3, 2), torch.zeros(3).double(), TypeError, "targets must have design's dtype"),
        (torch.full((3, 2), math.nan), torch.zeros(3), ValueError, "design must hold finite numb"),
        (torch.zeros(3, 2), torch.full((3,), math.inf), ValueError, "targets must hold finite nu"),
    ],
)
def test_solvers_refuse(
    solve: Any, design: Any, targets: Tensor, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        solve(design, targets)


@EXACT_SOLVERS
def test_fewer_rows_than_columns_have_many_answers(solve: Any) -> None:
    with pytest.raises(ValueError, match=r"at least as many rows as columns, .*use minimum_norm"):
        solve(torch.zeros(2, 3), torch.zeros(2))


def test_a_bad_tolerance_is_refused() -> None:
    with pytest.raises(ValueError, match=r"rtol must be below 1.0, got 1.0"):
        minimum_norm(draw(3, 2), draw(3), rtol=1.0)
    with pytest.raises(TypeError, match="rtol must be a real number, got 'small'"):
        minimum_norm(draw(3, 2), draw(3), rtol="small")  # type: ignore[arg-type]


@pytest.mark.parametrize(("n", "d"), [(5, 1), (10, 3), (40, 9)])
def test_the_expected_losses_are_the_mean_over_many_draws(n: int, d: int) -> None:
    design = add_ones(draw(n, d))
    expected = expected_losses(0.5, n, d + 1)
    assert isinstance(expected, ExpectedLosses)
    noise, fresh = 0.5 * draw(n, 4000, seed=1), 0.5 * draw(n, 4000, seed=2)
    fitted = design @ least_squares(design, noise)  # the truth is 0: only noise is fitted
    assert ((noise - fitted) ** 2).mean().item() / 2 == pytest.approx(expected.training, rel=0.03)
    assert ((fresh - fitted) ** 2).mean().item() / 2 == pytest.approx(expected.fresh, rel=0.03)
    assert (noise**2).mean().item() / 2 == pytest.approx(expected.floor, rel=0.03)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((-1.0, 5, 1), ValueError, "noise_std must be at least 0.0"),
        ((1.0, 0, 0), ValueError, "n_samples must be at least 1, got 0"),
        ((1.0, 5, 6), ValueError, "n_parameters must be at most 5, got 6"),
        ((1.0, 5, -1), ValueError, "n_parameters must be at least 0, got -1"),
        ((1.0, 5.0, 1), TypeError, "n_samples must be an int, got 5.0"),
        (("1", 5, 1), TypeError, "noise_std must be a real number, got '1'"),
    ],
)
def test_expected_losses_refuse(
    arguments: tuple[Any, ...], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        expected_losses(*arguments)


# ---- stacks -------------------------------------------------------------------------------------


def stack(*widths: int, seed: int = 0) -> list[tuple[Tensor, Tensor | None]]:
    return [
        (draw(n_out, n_in, seed=seed + 2 * i), draw(n_out, seed=seed + 2 * i + 1))
        for i, (n_in, n_out) in enumerate(itertools.pairwise(widths))
    ]


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
@pytest.mark.parametrize("widths", [(3, 2), (2, 5, 1), (4, 3, 2, 3), (2, 8, 8, 8, 8, 1), (3, 0, 2)])
def test_a_stack_of_linear_layers_is_the_one_that_it_collapses_to(widths: tuple[int, ...]) -> None:
    layers = stack(*widths)
    network = nn.Sequential(*(nn.Linear(i, o) for i, o in itertools.pairwise(widths)))
    network.double()
    for module, (weight, bias) in zip(network, layers, strict=True):
        module.load_state_dict({"weight": weight, "bias": bias})
    weight, bias = collapse_linear_stack(layers)
    assert weight.shape == (widths[-1], widths[0])
    x = draw(10, widths[0], seed=99)
    torch.testing.assert_close(linear(x, weight, bias), network(x))
    assert torch.linalg.matrix_rank(weight) <= min(widths)


def test_a_relu_in_between_keeps_a_stack_from_collapsing() -> None:
    layers = stack(2, 4, 1)
    weight, bias = collapse_linear_stack(layers)
    x = draw(50, 2, seed=99)
    hidden = linear(x, *layers[0]).clamp(min=0)
    assert (linear(hidden, *layers[1]) - linear(x, weight, bias)).abs().max() > 0.1


def test_a_missing_bias_is_zero_and_gradients_pass() -> None:
    first, second = draw(3, 2).requires_grad_(), draw(1, 3, seed=1).requires_grad_()
    weight, bias = collapse_linear_stack([(first, None), (second, None)])
    assert bias.tolist() == [0.0]
    (gradient,) = torch.autograd.grad(weight.sum(), second)
    torch.testing.assert_close(gradient[0], first.detach().sum(dim=1))


def test_the_local_map_of_a_relu_network_is_its_gradient_and_its_value() -> None:
    layers = stack(2, 6, 5, 3)

    def network(x: Tensor) -> Tensor:
        for weight, bias in layers[:-1]:
            x = F.relu(F.linear(x, weight, bias))
        return F.linear(x, *layers[-1])

    for seed in range(10):
        point = draw(2, seed=seed)
        weight, bias = local_linear_map(point, layers)
        torch.testing.assert_close(weight @ point + bias, network(point))
        jacobian = torch.autograd.functional.jacobian(network, point)
        torch.testing.assert_close(weight, jacobian)
        near = point + 1e-6 * draw(2, seed=seed + 1)
        torch.testing.assert_close(weight @ near + bias, network(near))


def test_a_unit_at_its_kink_counts_as_off() -> None:
    layers: list[tuple[Tensor, Tensor | None]] = [(torch.eye(1), None), (torch.eye(1), None)]
    weight, bias = local_linear_map(torch.zeros(1), layers)
    assert (weight.item(), bias.item()) == (0.0, 0.0)


@pytest.mark.parametrize(
    "function",
    [collapse_linear_stack, lambda layers: local_linear_map(torch.zeros(2), layers)],
    ids=["collapse", "local"],
)
@pytest.mark.parametrize(
    ("layers", "error", "message"),
    [
        ([], ValueError, "layers must be at least one pair of weight and bias, got none"),
        ([torch.eye(2)], TypeError, r"layers\[0\] must be a pair \(weight, bias\), got a float32"),
        ([(torch.eye(2),)], TypeError, r"layers\[0\] must be a pair"),
        ([(torch.eye(2).long(), None)], TypeError, r"layers\[0\]\[0\] must have a floating-point"),
        ([(torch.zeros(2), None)], ValueError, r"layers\[0\]\[0\] must have shape \(D_out, D_in\)"),
        (
            [(torch.eye(2), None), (torch.eye(3), None)],
            ValueError,
            r"layers\[1\]\[0\] must have shape \(D_out, 2\), got a float32 tensor of shape \(3, 3",
        ),
        ([(torch.eye(2), torch.zeros(3))], ValueError, r"layers\[0\]\[1\] must have shape \(2,\)"),
        (
            [(torch.eye(2), torch.zeros(2).double())],
            TypeError,
            r"layers\[0\]\[1\] must have layers\[0\]\[0\]'s dtype float32",
        ),
        (
            [(torch.eye(2), None), (torch.eye(2).double(), None)],
            TypeError,
            r"layers\[1\]\[0\] must have layers\[0\]\[0\]'s dtype float32",
        ),
    ],
)
def test_a_stack_that_does_not_fit_is_refused(
    function: Any, layers: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        function(layers)


def test_a_point_that_does_not_fit_the_network_is_refused() -> None:
    layers: list[tuple[Tensor, Tensor | None]] = [(torch.eye(2), None)]
    with pytest.raises(ValueError, match=r"point must have shape \(2,\), got a float32 tensor of"):
        local_linear_map(torch.zeros(1, 2), layers)
    with pytest.raises(TypeError, match=r"point must have layers\[0\]\[0\]'s dtype float32"):
        local_linear_map(torch.zeros(2).double(), layers)


# ---- boundaries ---------------------------------------------------------------------------------


def test_distance_is_the_score_over_the_length_of_the_weight() -> None:
    points = torch.tensor([[[3.0, 4.0], [0.0, 0.0]]])
    distances = signed_distance(points, torch.tensor([3.0, 4.0]), torch.tensor([-5.0]))
    assert distances.tolist() == [[4.0, -1.0]]


def test_distance_is_that_to_the_nearest_point_of_the_line() -> None:
    weight, bias = draw(2), draw(1, seed=1)
    (first, last) = boundary_segment(weight, bias, ((-50.0, 50.0), (-50.0, 50.0)))
    steps = torch.linspace(0, 1, 200_001).double()[:, None]
    line = first + steps * (last - first)
    for point in draw(5, 2, seed=2):
        nearest = (line - point).norm(dim=1).min()
        found = signed_distance(point, weight, bias)
        torch.testing.assert_close(found.abs(), nearest, rtol=1e-6, atol=1e-6)


@given(scale=st.floats(1e-30, 1e30))
def test_the_scale_of_the_weights_changes_no_distance(scale: float) -> None:
    weight, points = torch.tensor([3.0, 4.0]), torch.tensor([[3.0, 4.0], [1.0, -2.0]])
    plain = signed_distance(points, weight, 2.0)
    torch.testing.assert_close(signed_distance(points, scale * weight, scale * 2.0), plain)


def test_distance_has_the_right_gradient() -> None:
    arguments = (draw(4, 3).requires_grad_(), draw(3, seed=1).requires_grad_(), draw(1, seed=2))
    assert torch.autograd.gradcheck(signed_distance, arguments)


def test_no_line_separates_the_corners_of_a_square_by_their_diagonals() -> None:
    corners = sample_xor(4, noise_std=0.0, generator=make_generator(0))
    for seed in range(200):
        weight, bias = draw(2, seed=seed).float(), draw(1, seed=seed + 1000).float()
        assert margin(corners.inputs, corners.targets, weight, bias) <= 0


def test_margin_takes_the_worst_sample_and_any_dtype_of_labels() -> None:
    points = torch.tensor([[0.0, 0.0], [2.0, 0.0], [4.0, 1.0]])
    weight = torch.tensor([2.0, 0.0])
    for labels in (torch.tensor([0, 1, 1]), torch.tensor([0.0, 1.0, 1.0]), torch.arange(3) > 0):
        assert margin(points, labels, weight, -1.0) == 0.5
        assert margin(points, labels, -weight, 1.0) == -3.5


@pytest.mark.parametrize(
    ("weight", "bias", "wanted"),
    [
        ([1.0, 0.0], -0.25, [[0.25, 0.0], [0.25, 1.0]]),  # vertical
        ([0.0, 1.0], -0.25, [[1.0, 0.25], [0.0, 0.25]]),  # horizontal
        ([1.0, -1.0], 0.0, [[0.0, 0.0], [1.0, 1.0]]),  # through two corners
        ([1.0, 1.0], -0.5, [[0.5, 0.0], [0.0, 0.5]]),
    ],
)
def test_a_segment_ends_on_the_edges_of_the_rectangle(
    weight: list[float], bias: float, wanted: list[list[float]]
) -> None:
    ends = boundary_segment(torch.tensor(weight), bias, ((0.0, 1.0), (0.0, 1.0)))
    torch.testing.assert_close(ends, torch.tensor(wanted))


def test_a_segment_lies_on_the_line_with_the_positive_side_on_its_right() -> None:
    box = ((-2.0, 3.0), (-1.0, 4.0))
    found = 0
    for seed in range(50):
        weight, bias = draw(2, seed=seed), draw(1, seed=seed + 100)
        ends = boundary_segment(weight, bias, box)
        corners = torch.cartesian_prod(*(torch.tensor(side).double() for side in box))
        signs = (corners @ weight + bias).sign()
        assert len(ends) == (2 if signs.min() < signs.max() else 0)
        if len(ends):
            found += 1
            torch.testing.assert_close(ends @ weight + bias, torch.zeros(2).double())
            walk = ends[1] - ends[0]
            right = ends.mean(dim=0) + torch.stack([walk[1], -walk[0]])
            assert right @ weight + bias > 0
    assert found > 20


@pytest.mark.parametrize("weight", [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
def test_a_line_outside_the_rectangle_has_no_segment(weight: list[float]) -> None:
    ends = boundary_segment(torch.tensor(weight), -3.0, ((0.0, 1.0), (0.0, 1.0)))
    assert ends.shape == (0, 2)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: signed_distance([1.0], torch.ones(1), 0.0), TypeError, "points must be a tensor"),
        (
            lambda: signed_distance(torch.zeros(4, 3), torch.ones(2), 0.0),
            ValueError,
            "points must have 2 numbers in their last dimension, got a float32 tensor of shape",
        ),
        (
            lambda: signed_distance(torch.zeros(4, 2), torch.ones(1, 2), 0.0),
            ValueError,
            r"weight must have shape \(D,\), got a float32 tensor of shape \(1, 2\)",
        ),
        (
            lambda: signed_distance(torch.zeros(4, 2), torch.zeros(2), 0.0),
            ValueError,
            "weight must not be all zeros",
        ),
        (
            lambda: signed_distance(torch.zeros(4, 2), torch.full((2,), math.nan), 0.0),
            ValueError,
            "weight must hold finite numbers",
        ),
        (
            lambda: signed_distance(torch.zeros(4, 2), torch.ones(2), torch.zeros(2)),
            ValueError,
            r"bias must have shape \(\) or \(1,\)",
        ),
        (
            lambda: signed_distance(torch.zeros(4, 2).double(), torch.ones(2), 0.0),
            TypeError,
            "points must have weight's dtype float32, got float64",
        ),
        (
            lambda: signed_distance(torch.zeros(4, 2), torch.ones(2), "0"),
            TypeError,
            "bias must be a tensor, got '0'",
        ),
        (
            lambda: margin(torch.zeros(0, 2), torch.zeros(0), torch.ones(2), 0.0),
            ValueError,
            "points must hold at least 1 sample, got none",
        ),
        (
            lambda: margin(torch.zeros(3, 2), torch.zeros(2), torch.ones(2), 0.0),
            ValueError,
            r"labels must have shape \(3,\)",
        ),
        (
            lambda: margin(torch.zeros(3, 2), torch.tensor([1, -1, 1]), torch.ones(2), 0.0),
            ValueError,
            "labels must be 0 or 1, got others",
        ),
        (
            lambda: boundary_segment(torch.ones(3), 0.0, ((0, 1), (0, 1))),
            ValueError,
            r"weight must have shape \(2,\)",
        ),
        (
            lambda: boundary_segment(torch.ones(2), 0.0, (0, 1)),
            ValueError,
            r"limits must be \(\(left, right\), \(bottom, top\)\), got \(0, 1\)",
        ),
        (
            lambda: boundary_segment(torch.ones(2), 0.0, ((1, 0), (0, 1))),
            ValueError,
            "limits must go from the smaller to the larger number",
        ),
    ],
)
def test_geometry_refuses(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
