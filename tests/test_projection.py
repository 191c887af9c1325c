"""Projection: closed forms, PyTorch's and scikit-learn's PCA, finite differences, hostile input."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.decomposition import PCA
from torch import Tensor

from handbook.datasets import load_digits
from handbook.projection import (
    LinearAutoencoder,
    PrincipalComponents,
    autoencoder_gradients,
    center,
    principal_components,
    project,
    random_projection,
    reconstruct,
    reconstruction_error,
    subspace_angles,
    train_linear_autoencoder,
)
from handbook.seeding import make_generator

FLOATING = [torch.float16, torch.bfloat16, torch.float32, torch.float64]
NAN, INF = math.nan, math.inf


def cloud(n: int, d: int, *, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    """Points whose variance differs from direction to direction, away from the origin."""
    generator = make_generator(seed)
    points = torch.randn(n, d, generator=generator, dtype=torch.float64)
    mix = torch.randn(d, d, generator=generator, dtype=torch.float64)
    return (points * torch.arange(d, 0, -1) @ mix + 3).to(dtype)


def measured_error(points: Tensor, found: PrincipalComponents) -> Tensor:
    codes = project(points, found.components, mean=found.mean)
    rebuilt = reconstruct(codes, found.components, mean=found.mean)
    return (points - rebuilt).square().sum(dim=1).mean()


# --- Centre, project, reconstruct --------------------------------------------------------------


def test_centred_points_have_mean_zero_even_far_from_the_origin(device: torch.device) -> None:
    for offset in (0.0, 1e4, -1e6):
        points = (cloud(1001, 5, dtype=torch.float32) / 100 + offset).to(device)
        centered, mean = center(points)
        assert centered.mean(dim=0).abs().max() < 1e-6
        torch.testing.assert_close(centered + mean, points)
        assert centered.device == points.device


def test_centring_leaves_its_input_alone() -> None:
    points = cloud(5, 3)
    before = points.clone()
    centered, _ = center(points)
    centered += 1
    assert torch.equal(points, before)


def test_projection_is_a_linear_layer(device: torch.device) -> None:
    points, matrix = cloud(7, 4).to(device), cloud(3, 4, seed=1).to(device)
    mean = points.mean(dim=0)
    torch.testing.assert_close(project(points, matrix), torch.nn.functional.linear(points, matrix))
    wanted = torch.nn.functional.linear(points, matrix, -matrix @ mean)
    torch.testing.assert_close(project(points, matrix, mean=mean), wanted)
    codes = project(points, matrix)
    wanted = torch.nn.functional.linear(codes, matrix.T, mean)
    torch.testing.assert_close(reconstruct(codes, matrix, mean=mean), wanted)


def test_gradients_of_projection_and_error_equal_finite_differences() -> None:
    points, matrix = cloud(5, 4).requires_grad_(), cloud(2, 4, seed=1).requires_grad_()
    assert torch.autograd.gradcheck(project, (points, matrix))
    codes = cloud(5, 2, seed=2).requires_grad_()
    assert torch.autograd.gradcheck(reconstruct, (codes, matrix))
    assert torch.autograd.gradcheck(lambda x: reconstruction_error(x, matrix.detach()), points)


def test_no_points_make_no_codes() -> None:
    assert project(torch.zeros(0, 4), torch.zeros(3, 4)).shape == (0, 3)
    assert reconstruct(torch.zeros(0, 3), torch.zeros(3, 4)).shape == (0, 4)


def test_the_error_depends_on_the_subspace_and_not_on_the_rows_that_span_it() -> None:
    points, matrix = cloud(20, 5), cloud(2, 5, seed=1)
    error = reconstruction_error(points, matrix)
    mixed = torch.tensor([[1.0, 2.0], [3.0, -1.0]], dtype=torch.float64) @ matrix
    torch.testing.assert_close(reconstruction_error(points, 1e-6 * mixed), error)
    # The pseudo-inverse gives the best reconstruction that the codes allow.
    rebuilt = project(points, matrix) @ torch.linalg.pinv(matrix).T
    torch.testing.assert_close((points - rebuilt).square().sum(dim=1).mean(), error)


def test_as_many_directions_as_features_lose_nothing() -> None:
    assert reconstruction_error(cloud(20, 5), cloud(5, 5, seed=1)) < 1e-20


# --- Principal components ----------------------------------------------------------------------


def test_principal_components_follow_the_closed_form_for_two_features() -> None:
    # Covariance [[2, 1], [1, 2]]: eigenvalues 3 and 1, directions (1, 1) and (1, -1).
    points = torch.tensor([[2.0, 1.0], [0.0, math.sqrt(3)], [-2.0, -1.0], [0.0, -math.sqrt(3)]])
    found = principal_components(points, 2)
    torch.testing.assert_close(found.variances, torch.tensor([3.0, 1.0]))
    half = math.sqrt(0.5)
    torch.testing.assert_close(found.components, torch.tensor([[half, half], [half, -half]]))
    assert found.explained_ratio.tolist() == pytest.approx([0.75, 0.25])


@pytest.mark.parametrize("shape", [(30, 6), (6, 30), (6, 6), (2, 50), (50, 2)], ids=str)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_components_equal_those_of_scikit_learn(
    shape: tuple[int, int], dtype: torch.dtype, device: torch.device
) -> None:
    points = cloud(*shape, dtype=dtype)
    k = min(shape) - 1
    found = principal_components(points.to(device), k, correction=1)
    assert {tensor.dtype for tensor in found} == {dtype}
    theirs = PCA(k, svd_solver="full").fit(points.numpy())
    components = torch.from_numpy(theirs.components_).to(dtype)
    cosines = (found.components.cpu() * components).sum(dim=1).abs()
    torch.testing.assert_close(cosines, torch.ones(k, dtype=dtype))
    tolerance = {"rtol": 1e-3, "atol": 1e-3} if dtype == torch.float32 else {}
    for ours, reference in (
        (found.variances, theirs.explained_variance_),
        (found.explained_ratio, theirs.explained_variance_ratio_),
        (found.mean, theirs.mean_),
    ):
        wanted = torch.from_numpy(reference).to(dtype)
        torch.testing.assert_close(ours.cpu(), wanted, **tolerance)


def test_components_equal_those_of_pca_lowrank() -> None:
    points = cloud(40, 8)
    found = principal_components(points, 8)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        _, s, v = torch.pca_lowrank(points, q=8)
    torch.testing.assert_close(found.variances, s.square() / len(points))
    torch.testing.assert_close((found.components * v.T).sum(dim=1).abs(), torch.ones(8).double())


def test_components_are_eigenvectors_of_the_covariance() -> None:
    points = cloud(40, 8)
    found = principal_components(points, 8, correction=1)
    covariance = torch.cov(points.T)
    torch.testing.assert_close(
        found.components @ covariance, found.variances[:, None] * found.components
    )
    torch.testing.assert_close(found.components @ found.components.T, torch.eye(8).double())
    torch.testing.assert_close(found.spectrum.sum(), points.var(dim=0).sum())


@pytest.mark.parametrize("shape", [(30, 6), (6, 30), (7, 7)], ids=str)
@pytest.mark.parametrize("k", [1, 3, 6])
def test_the_error_is_the_sum_of_the_discarded_eigenvalues(shape: tuple[int, int], k: int) -> None:
    points = cloud(*shape)
    found = principal_components(points, k)
    scale = found.spectrum.sum().item()
    for error in (
        measured_error(points, found),
        reconstruction_error(points, found.components, mean=found.mean),
        found.spectrum[k:].sum(),
    ):
        torch.testing.assert_close(error, found.discarded_variance, rtol=1e-10, atol=1e-14 * scale)


def test_the_error_of_digits_is_the_sum_of_the_discarded_eigenvalues() -> None:
    images = load_digits().inputs
    for dtype, rtol in ((torch.float32, 1e-4), (torch.float64, 1e-12)):
        points = images.to(dtype)
        for k in (2, 3, 20):
            found = principal_components(points, k)
            wanted = found.discarded_variance
            torch.testing.assert_close(measured_error(points, found), wanted, rtol=rtol, atol=0)


def test_division_by_one_less_makes_the_variances_too_large_for_the_error() -> None:
    points = cloud(10, 4)
    biased, unbiased = (principal_components(points, 2, correction=c) for c in (0, 1))
    torch.testing.assert_close(unbiased.spectrum, biased.spectrum * 10 / 9)
    error = measured_error(points, biased)
    torch.testing.assert_close(error * 10 / 9, unbiased.discarded_variance)


@given(st.integers(0, 10_000), st.integers(1, 5))
def test_no_matrix_loses_less_than_the_principal_components(seed: int, k: int) -> None:
    points = cloud(12, 6, seed=seed)
    found = principal_components(points, k)
    matrix = random_projection(k, 6, generator=make_generator(seed), dtype=torch.float64)
    other = reconstruction_error(points, matrix, mean=found.mean)
    assert other >= found.discarded_variance - 1e-9
    nearby = found.components + 0.1 * matrix
    assert reconstruction_error(points, nearby, mean=found.mean) >= found.discarded_variance - 1e-9


def test_no_other_point_than_the_mean_loses_less() -> None:
    points = cloud(30, 5)
    found = principal_components(points, 2)
    moved = found.mean + torch.randn(5, generator=make_generator(1), dtype=torch.float64)
    error = reconstruction_error(points, found.components, mean=moved)
    assert error > found.discarded_variance


def test_an_offset_changes_the_mean_alone(device: torch.device) -> None:
    points = cloud(200, 5, dtype=torch.float32)
    near, far = (principal_components((points + c).to(device), 3) for c in (0.0, 1e4))
    torch.testing.assert_close(near.variances, far.variances, rtol=1e-3, atol=0)
    assert subspace_angles(near.components, far.components).max() < 1e-3
    torch.testing.assert_close(near.mean + 1e4, far.mean)


def test_the_sign_of_a_component_does_not_depend_on_the_sign_of_the_data() -> None:
    points = cloud(30, 6)
    found = principal_components(points, 5)
    mirrored = principal_components(-points, 5)
    torch.testing.assert_close(found.components, mirrored.components)
    largest = found.components.abs().argmax(dim=1, keepdim=True)
    assert (found.components.gather(1, largest) > 0).all()


def test_a_tie_for_the_largest_entry_is_settled_by_the_first() -> None:
    line = torch.linspace(-1, 1, 9)[:, None]
    for slope in (-1.0, -1.0 + 1e-6, -1.0 - 1e-6):
        points = torch.cat([line, slope * line], dim=1)
        assert principal_components(points, 1).components[0, 0] > 0


def test_constant_features_and_equal_points_have_no_variance() -> None:
    points = cloud(20, 4)
    points[:, 1] = 7.0
    found = principal_components(points, 3)
    assert found.components[:, 1].abs().max() < 1e-12
    assert found.spectrum[3] < 1e-24
    equal = principal_components(torch.full((4, 3), 2.5), 2)
    assert equal.spectrum.tolist() == [0.0, 0.0, 0.0]
    assert equal.explained_ratio.tolist() == [0.0, 0.0]
    assert equal.mean.tolist() == [2.5, 2.5, 2.5]
    torch.testing.assert_close(equal.components @ equal.components.T, torch.eye(2))


def test_one_point_and_one_feature_are_enough() -> None:
    alone = principal_components(torch.tensor([[1.0, 2.0, 3.0]]), 1)
    assert alone.mean.tolist() == [1.0, 2.0, 3.0]
    assert alone.discarded_variance == 0
    column = principal_components(torch.tensor([[1.0], [3.0]]), 1)
    assert column.components.tolist() == [[1.0]]
    assert column.variances.item() == pytest.approx(1.0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_half_precision_is_rounded_at_the_end(dtype: torch.dtype) -> None:
    points = cloud(50, 5).to(dtype)
    found = principal_components(points, 2)
    assert {tensor.dtype for tensor in found} == {dtype}
    wanted = principal_components(points.float(), 2)
    for ours, reference in zip(found, wanted, strict=True):
        assert torch.equal(ours, reference.to(dtype))


def test_a_covariance_has_a_gradient() -> None:
    points = cloud(8, 3).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: principal_components(x, 2).variances, points)


# --- Random projections ------------------------------------------------------------------------


def test_random_projections_keep_squared_lengths_on_average() -> None:
    x = torch.ones(1, 50, dtype=torch.float64)
    for k in (1, 5, 200):
        lengths = torch.stack(
            [
                project(
                    x,
                    random_projection(k, 50, generator=make_generator(seed), dtype=torch.float64),
                )
                .square()
                .sum()
                for seed in range(400)
            ]
        )
        standard_error = 50 * math.sqrt(2 / k / 400)
        assert abs(lengths.mean().item() - 50) < 4 * standard_error


def test_random_subspaces_lose_the_expected_share() -> None:
    points, k = cloud(30, 8), 3
    centered, _ = center(points)
    total = centered.square().sum(dim=1).mean()
    generator = make_generator(0)
    errors = torch.stack(
        [
            reconstruction_error(
                centered, random_projection(k, 8, generator=generator, dtype=torch.float64)
            )
            for _ in range(500)
        ]
    )
    standard_error = errors.std() / math.sqrt(500)
    assert (errors.mean() - (1 - k / 8) * total).abs() < 4 * standard_error


def test_random_projections_are_repeatable_in_every_dtype() -> None:
    for dtype in FLOATING:
        first, second = (
            random_projection(2, 3, generator=make_generator(5), dtype=dtype) for _ in range(2)
        )
        assert first.dtype == dtype
        assert torch.equal(first, second)


# --- Angles ------------------------------------------------------------------------------------


@pytest.mark.parametrize("angle", [0.0, 1e-12, 1e-6, 0.3, math.pi / 4, 1.5, math.pi / 2])
def test_angles_between_lines_are_exact(angle: float) -> None:
    first = torch.tensor([[1.0, 0.0, 0.0]], dtype=torch.float64)
    second = torch.tensor([[math.cos(angle), 0.0, math.sin(angle)]], dtype=torch.float64)
    assert subspace_angles(first, -3 * second).item() == pytest.approx(angle, rel=1e-9, abs=1e-15)


def test_angles_equal_those_between_planes_known_beforehand(device: torch.device) -> None:
    wanted = torch.tensor([1.2, 0.4, 1e-5], dtype=torch.float64)
    basis = torch.linalg.qr(cloud(6, 6)).Q
    first = basis[:3]
    second = wanted.cos()[:, None] * basis[:3] + wanted.sin()[:, None] * basis[3:]
    mix = cloud(3, 3, seed=2)
    result = subspace_angles((mix @ first).to(device), second.to(device))
    torch.testing.assert_close(result.cpu(), wanted, rtol=1e-6, atol=1e-12)
    torch.testing.assert_close(subspace_angles(second, first), wanted, rtol=1e-6, atol=1e-12)


def test_a_subspace_inside_another_has_angle_zero() -> None:
    large = cloud(4, 7)
    inside = cloud(2, 4, seed=1) @ large
    assert subspace_angles(large, inside).max() < 1e-12
    assert subspace_angles(inside, large).shape == (2,)
    assert subspace_angles(torch.eye(3), cloud(3, 3, dtype=torch.float32)).max() < 1e-6


# --- The linear autoencoder --------------------------------------------------------------------


def test_gradients_of_the_autoencoder_equal_autograd() -> None:
    centered, _ = center(cloud(30, 6))
    encoder = cloud(2, 6, seed=1).requires_grad_()
    decoder = cloud(6, 2, seed=2).requires_grad_()
    residual = centered @ encoder.T @ decoder.T - centered
    wanted = residual.square().sum(dim=1).mean()
    gradients = torch.autograd.grad(wanted, (encoder, decoder))
    with torch.no_grad():
        error, *ours = autoencoder_gradients(centered.T @ centered / 30, encoder, decoder)
    torch.testing.assert_close(error, wanted.detach())
    torch.testing.assert_close(tuple(ours), gradients)


def test_the_solution_of_pca_and_every_mixture_of_it_has_no_gradient() -> None:
    centered, _ = center(cloud(30, 6))
    covariance = centered.T @ centered / 30
    found = principal_components(centered, 2)
    mixing = torch.tensor([[2.0, 1.0], [-1.0, 3.0]], dtype=torch.float64)
    encoder = torch.linalg.inv(mixing) @ found.components
    decoder = found.components.T @ mixing
    error, *gradients = autoencoder_gradients(covariance, encoder, decoder)
    torch.testing.assert_close(error, found.discarded_variance)
    assert max(g.abs().max().item() for g in gradients) < 1e-9 * found.spectrum[0].item()


def scaled_cloud() -> Tensor:
    points = cloud(40, 6)
    return points / principal_components(points, 1).variances[0].sqrt()


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("k", [1, 2, 6])
def test_the_autoencoder_finds_the_subspace_of_pca(k: int, seed: int, device: torch.device) -> None:
    points = scaled_cloud().to(device)
    trained = train_linear_autoencoder(
        points, k, learning_rate=0.1, n_steps=8000, generator=make_generator(seed)
    )
    assert isinstance(trained, LinearAutoencoder)
    found = principal_components(points, k)
    assert trained.errors.min() >= found.discarded_variance - 1e-12
    assert trained.errors[-1] - found.discarded_variance < 1e-3
    assert subspace_angles(trained.decoder.T, found.components).max() < 0.05
    codes = project(points, trained.encoder, mean=trained.mean)
    rebuilt = reconstruct(codes, trained.decoder.T, mean=trained.mean)
    error = (points - rebuilt).square().sum(dim=1).mean()
    torch.testing.assert_close(error, trained.errors[-1])


def test_training_keeps_a_record_and_repeats_itself() -> None:
    points = scaled_cloud().float()
    first, second = (
        train_linear_autoencoder(
            points, 2, learning_rate=0.1, n_steps=20, generator=make_generator(3)
        )
        for _ in range(2)
    )
    assert first.errors.shape == (21,)
    assert first.decoders.shape == (21, 6, 2)
    assert torch.equal(first.decoders[-1], first.decoder)
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    assert {tensor.dtype for tensor in first} == {torch.float32}


def test_no_step_leaves_the_start() -> None:
    trained = train_linear_autoencoder(
        scaled_cloud(), 2, learning_rate=0.1, n_steps=0, generator=make_generator(3)
    )
    assert len(trained.errors) == len(trained.decoders) == 1


def test_a_rate_too_large_makes_the_error_explode() -> None:
    trained = train_linear_autoencoder(
        scaled_cloud(), 2, learning_rate=3.0, n_steps=60, generator=make_generator(0)
    )
    assert not torch.isfinite(trained.errors[-1])


# --- Messages ----------------------------------------------------------------------------------


def train(points: object, k: object = 1, **changes: object) -> object:
    given = {"learning_rate": 0.1, "n_steps": 1, "generator": make_generator(0), **changes}
    return train_linear_autoencoder(points, k, **given)  # type: ignore[arg-type]


ROWS = torch.zeros(3, 2)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: center([[1.0]]), TypeError, r"points must be a tensor, got a list"),
        (lambda: center(torch.zeros(2, 2).long()), TypeError, r"use points\.float\(\)"),
        (lambda: center(torch.zeros(3)), ValueError, r"points must have shape \(N, D\), got"),
        (lambda: center(torch.zeros(0, 3)), ValueError, r"at least one row and one column"),
        (lambda: center(torch.zeros(3, 0)), ValueError, r"at least one row and one column"),
        (lambda: center(torch.tensor([[1.0, NAN]])), ValueError, r"got nan at index \(0, 1\)"),
        (lambda: project(ROWS, torch.zeros(3, 3)), ValueError, r"matrix must have shape \(K, 2\)"),
        (lambda: project(torch.zeros(3), ROWS), ValueError, r"points must have shape \(N, D\)"),
        (lambda: project(ROWS, ROWS.double()), TypeError, r"matrix must have points's dtype"),
        (
            lambda: project(ROWS, ROWS, mean=torch.zeros(3)),
            ValueError,
            r"mean must have shape \(2,\)",
        ),
        (
            lambda: project(ROWS, ROWS, mean=torch.zeros(2).double()),
            TypeError,
            r"mean must have points's dtype",
        ),
        (lambda: reconstruct(ROWS, ROWS), ValueError, r"matrix must have shape \(2, D\)"),
        (
            lambda: reconstruct(ROWS, ROWS[:2], mean=torch.zeros(2).double()),
            TypeError,
            r"mean must have codes's dtype",
        ),
        (
            lambda: reconstruction_error(ROWS, torch.tensor([[1.0, 1.0], [2.0, 2.0]])),
            ValueError,
            r"matrix must have linearly independent rows, got 2 rows of rank 1",
        ),
        (
            lambda: reconstruction_error(ROWS, torch.zeros(1, 2)),
            ValueError,
            r"linearly independent rows, got 1 rows of rank 0",
        ),
        (
            lambda: reconstruction_error(ROWS, torch.rand(3, 2, generator=make_generator(0))),
            ValueError,
            r"linearly independent rows, got 3 rows of rank 2",
        ),
        (lambda: reconstruction_error(ROWS, torch.full((1, 2), INF)), ValueError, r"matrix must"),
        (lambda: principal_components(ROWS, 0), ValueError, r"n_components must be at least 1"),
        (lambda: principal_components(ROWS, 3), ValueError, r"at most min\(N, D\) = min\(3, 2\)"),
        (lambda: principal_components(ROWS, 0.9), TypeError, r"n_components must be an int"),
        (lambda: principal_components(ROWS, True), TypeError, r"n_components must be an int"),
        (lambda: principal_components(ROWS, 1, correction=3), ValueError, r"correction must be"),
        (lambda: principal_components(ROWS, 1, correction=-1), ValueError, r"correction must be"),
        (lambda: random_projection(0, 3, generator=make_generator(0)), ValueError, r"n_components"),
        (lambda: random_projection(1, 0, generator=make_generator(0)), ValueError, r"n_features"),
        (lambda: random_projection(1, 1, generator=0), TypeError, r"generator must be"),
        (
            lambda: random_projection(1, 1, generator=make_generator(0), dtype=torch.int64),
            TypeError,
            r"dtype must be a floating-point dtype, got torch\.int64",
        ),
        (lambda: subspace_angles(torch.eye(2), torch.eye(3)), ValueError, r"second must have"),
        (lambda: subspace_angles(torch.eye(2), torch.eye(2).double()), TypeError, r"first's dtype"),
        (lambda: subspace_angles(torch.ones(2, 2), torch.eye(2)), ValueError, r"first must have"),
        (
            lambda: autoencoder_gradients(torch.eye(3), ROWS.T, ROWS.T),
            ValueError,
            r"decoder must have shape \(3, 2\)",
        ),
        (
            lambda: autoencoder_gradients(torch.eye(2), ROWS.T, ROWS),
            ValueError,
            r"covariance must have shape \(3, 3\)",
        ),
        (lambda: train(ROWS, 3), ValueError, r"at most min\(N, D\)"),
        (lambda: train(ROWS, learning_rate=0.0), ValueError, r"learning_rate must be above 0"),
        (lambda: train(ROWS, n_steps=-1), ValueError, r"n_steps must be at least 0"),
        (lambda: train(ROWS, generator=None), TypeError, r"generator must be"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(
    call: Callable[[], object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        call()
