"""The curse of dimensionality: closed forms, limits, and what intrinsic dimension changes."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from handbook import dimensionality
from handbook.datasets import load_digits, load_wine, sample_manifold, train_test_split
from handbook.dimensionality import (
    angle_between,
    append_noise_features,
    ball_share,
    ball_volume,
    distance_ratio,
    estimate_ball_share,
    gaussian_norm_moments,
    intrinsic_dimension,
    knn_predict,
    log_ball_volume,
    nearest_and_farthest,
    neighbor_distances,
    pairwise_distances,
    samples_for_density,
    shell_share,
    subcube_edge,
)
from handbook.seeding import make_generator

NAN, INF = float("nan"), float("inf")


def randn(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(*shape, generator=make_generator(seed), dtype=dtype)


def rand(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.rand(*shape, generator=make_generator(seed), dtype=dtype)


# Counting ---------------------------------------------------------------------------------------


def test_equal_density_needs_10_then_100_then_10_to_the_n_samples() -> None:
    assert [samples_for_density(10, d) for d in range(1, 6)] == [10, 100, 1000, 10_000, 100_000]


def test_sample_counts_are_exact_where_a_float_is_not() -> None:
    assert samples_for_density(3, 100) == 515377520732011331036461129765621272702107522001
    assert isinstance(samples_for_density(2, 1), int)


# Volumes ----------------------------------------------------------------------------------------


def test_small_balls_have_the_volumes_known_from_school() -> None:
    volumes = [2, math.pi, 4 * math.pi / 3, math.pi**2 / 2, 8 * math.pi**2 / 15]
    for d, volume in enumerate(volumes, start=1):
        assert ball_volume(d) == pytest.approx(volume, rel=1e-14)
        assert ball_volume(d, radius=2.5) == pytest.approx(volume * 2.5**d, rel=1e-14)


def test_volumes_obey_the_recursion_over_two_dimensions() -> None:
    for d in range(3, 200):
        expected = ball_volume(d - 2) * 2 * math.pi / d
        assert ball_volume(d) == pytest.approx(expected, rel=1e-12, abs=0)


def test_the_unit_ball_is_largest_in_five_dimensions_and_shrinks_ever_after() -> None:
    volumes = [ball_volume(d) for d in range(1, 300)]
    peak = volumes.index(max(volumes))
    assert peak + 1 == 5
    assert all(b < a for a, b in itertools.pairwise(volumes[peak:]))


def test_the_logarithm_works_where_the_volume_does_not() -> None:
    assert ball_volume(1000) == 0.0
    logarithm = sum(math.log(2 * math.pi / d) for d in range(2, 1001, 2))  # V_d = V_(d-2) 2 pi / d
    assert log_ball_volume(1000) == pytest.approx(logarithm, rel=1e-13)
    assert ball_volume(1000, radius=1e5) == INF
    assert math.isfinite(log_ball_volume(1000, radius=1e5))


def test_the_share_of_the_ball_in_its_cube_falls_in_every_step() -> None:
    shares = [ball_share(d) for d in range(1, 200)]
    assert shares[0] == pytest.approx(1.0, rel=1e-14)
    assert shares[1] == pytest.approx(math.pi / 4, rel=1e-14)
    assert shares[2] == pytest.approx(math.pi / 6, rel=1e-14)
    assert shares[19] == pytest.approx(math.pi**10 / math.factorial(10) / 2**20, rel=1e-13, abs=0)
    assert all(b < a for a, b in itertools.pairwise(shares))


@pytest.mark.parametrize("n_dimensions", range(1, 11))
def test_thrown_points_agree_with_the_closed_form(n_dimensions: int) -> None:
    n_samples = 40_000
    share = ball_share(n_dimensions)
    standard_error = math.sqrt(share * (1 - share) / n_samples)
    estimates = [
        estimate_ball_share(n_dimensions, n_samples, generator=make_generator(seed))
        for seed in range(3)
    ]
    assert all(abs(estimate - share) <= 4 * standard_error + 1e-12 for estimate in estimates)


def test_thrown_points_miss_the_ball_in_twenty_dimensions() -> None:
    assert estimate_ball_share(20, 10_000, generator=make_generator(0)) == 0.0
    assert ball_share(20) > 0


def test_a_subcube_with_the_edge_returned_has_the_share_asked_for() -> None:
    for d in (1, 2, 7, 100):
        for share in (1e-9, 0.01, 0.5, 1.0):
            assert subcube_edge(share, d) ** d == pytest.approx(share, rel=1e-12, abs=0)
    assert subcube_edge(0.01, 10_000) > 0.999
    assert subcube_edge(1, 3) == 1.0


def test_the_shell_takes_everything_as_dimensions_grow() -> None:
    assert shell_share(0.5, 2) == pytest.approx(0.75)
    shares = [shell_share(0.05, d) for d in range(1, 500)]
    assert all(b > a for a, b in itertools.pairwise(shares))
    assert shares[-1] > 1 - 1e-10
    assert [shell_share(0, 5), shell_share(1, 5), shell_share(1.0, 1)] == [0.0, 1.0, 1.0]


def test_a_thin_shell_is_not_rounded_away() -> None:
    assert 1 - (1 - 1e-17) ** 3 == 0.0
    assert shell_share(1e-17, 3) == pytest.approx(3e-17, rel=1e-12, abs=0)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: samples_for_density(0, 2), ValueError, "points_per_axis must be at least 1"),
        (lambda: samples_for_density(10, 0), ValueError, "n_dimensions must be at least 1, got 0"),
        (lambda: samples_for_density(10, -1), ValueError, "n_dimensions must be at least 1"),
        (lambda: samples_for_density(10.0, 1), TypeError, "points_per_axis must be an int"),
        (lambda: samples_for_density(10, True), TypeError, "n_dimensions must be an int, got True"),
        (lambda: log_ball_volume(0), ValueError, "n_dimensions must be at least 1, got 0"),
        (lambda: log_ball_volume(2.0), TypeError, "n_dimensions must be an int, got 2.0"),
        (lambda: ball_volume(0), ValueError, "n_dimensions must be at least 1, got 0"),
        (lambda: ball_volume(2, radius=0), ValueError, "radius must be above 0.0, got 0"),
        (lambda: ball_volume(2, radius=-1.0), ValueError, "radius must be above 0.0, got -1.0"),
        (lambda: ball_volume(2, radius=INF), ValueError, "radius must be below inf, got inf"),
        (lambda: ball_volume(2, radius=NAN), ValueError, "radius must be a number, got nan"),
        (lambda: ball_share(0), ValueError, "n_dimensions must be at least 1, got 0"),
        (lambda: ball_share("3"), TypeError, "n_dimensions must be an int, got '3'"),
        (lambda: subcube_edge(0, 2), ValueError, "share must be above 0.0, got 0"),
        (lambda: subcube_edge(1.5, 2), ValueError, "share must be at most 1.0, got 1.5"),
        (lambda: subcube_edge(NAN, 2), ValueError, "share must be a number, got nan"),
        (lambda: subcube_edge(0.5, 0), ValueError, "n_dimensions must be at least 1, got 0"),
        (lambda: subcube_edge(None, 1), TypeError, "share must be a real number, got None"),
        (lambda: shell_share(-0.1, 2), ValueError, "thickness must be at least 0.0, got -0.1"),
        (lambda: shell_share(1.1, 2), ValueError, "thickness must be at most 1.0, got 1.1"),
        (lambda: shell_share(0.1, 0), ValueError, "n_dimensions must be at least 1, got 0"),
        (lambda: gaussian_norm_moments(0), ValueError, "n_dimensions must be at least 1, got 0"),
        (lambda: gaussian_norm_moments(1.5), TypeError, "n_dimensions must be an int, got 1.5"),
        (
            lambda: estimate_ball_share(2, 0, generator=make_generator(0)),
            ValueError,
            "n_samples must be at least 1, got 0",
        ),
        (
            lambda: estimate_ball_share(0, 5, generator=make_generator(0)),
            ValueError,
            "n_dimensions must be at least 1, got 0",
        ),
        (lambda: estimate_ball_share(2, 5, generator=7), TypeError, r"make_generator\(7\)"),
    ],
)
def test_impossible_dimensions_and_shares_are_refused(
    call: Callable[[], object], error: type, message: str
) -> None:
    with pytest.raises(error, match=message):
        call()


# Distances --------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    ("n", "m", "d"), [(1, 1, 1), (4, 3, 2), (7, 30, 5), (30, 1, 3), (0, 3, 2), (3, 0, 2), (2, 3, 0)]
)
def test_distances_equal_torch_cdist_forward_and_backward(
    n: int, m: int, d: int, dtype: torch.dtype, device: torch.device
) -> None:
    x1 = randn(n, d, seed=1, dtype=dtype).to(device)
    x2 = randn(m, d, seed=2, dtype=dtype).to(device)
    weights = randn(n, m, seed=3, dtype=dtype).to(device)
    results = []
    for function in (
        pairwise_distances,
        lambda a, b: torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist"),
    ):
        a, b = x1.clone().requires_grad_(), x2.clone().requires_grad_()
        distances = function(a, b)
        (distances * weights).sum().backward()
        results.append((distances.detach(), a.grad, b.grad))
    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs)
        assert ours.device.type == device.type


def test_distances_have_the_right_first_and_second_derivatives() -> None:
    x1, x2 = randn(3, 4, seed=1).requires_grad_(), randn(2, 4, seed=2).requires_grad_()
    assert torch.autograd.gradcheck(pairwise_distances, (x1, x2))
    assert torch.autograd.gradgradcheck(pairwise_distances, (x1, x2))


def test_the_gradient_is_zero_where_two_points_coincide() -> None:
    points = torch.tensor([[1.0, 2.0], [1.0, 2.0], [4.0, 6.0]], requires_grad=True)
    distances = pairwise_distances(points, points)
    assert torch.equal(distances.diagonal(), torch.zeros(3))
    distances.sum().backward()
    assert torch.isfinite(points.grad).all()
    torch.testing.assert_close(points.grad[2], torch.tensor([2.4, 3.2]))


@pytest.mark.parametrize("offset", [0.0, 1e4, -1e6])
def test_a_common_offset_changes_no_distance(offset: float) -> None:
    points = torch.tensor([[0.0, 0.0], [3.0, 4.0], [6.0, 8.0]]) + offset
    expected = torch.tensor([[0.0, 5.0, 10.0], [5.0, 0.0, 5.0], [10.0, 5.0, 0.0]])
    assert torch.equal(pairwise_distances(points, points), expected)


def test_the_expanded_formula_is_wrong_at_an_offset_of_1e4() -> None:
    points = torch.tensor([[0.0, 0.0], [0.3, 0.4]]) + 1e4
    squares = points.square().sum(1)
    expanded = squares[:, None] + squares[None, :] - 2 * points @ points.T
    assert abs(expanded[0, 1].clamp(min=0).sqrt().item() - 0.5) > 0.4
    assert abs(pairwise_distances(points, points)[0, 1].item() - 0.5) < 1e-3  # of the rounded input


@pytest.mark.parametrize(("n", "m", "d"), [(300, 200, 40), (5, 3000, 500), (1, 2, 300_000)])
def test_no_block_of_differences_grows_with_the_number_of_pairs(n: int, m: int, d: int) -> None:
    largest = 0

    class Watch(TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            nonlocal largest
            result = func(*args, **(kwargs or {}))
            if isinstance(result, Tensor):
                largest = max(largest, result.untyped_storage().nbytes() // result.element_size())
            return result

    x1, x2 = randn(n, d, dtype=torch.float32), randn(m, d, seed=1, dtype=torch.float32)
    with Watch(), torch.no_grad():
        distances = pairwise_distances(x1, x2)
    block = max(dimensionality._DISTANCE_BLOCK_ELEMENTS, d)
    assert largest <= max(block, n * m, n * d, m * d)
    # In float64: over 300,000 features torch.cdist itself is off by 4e-5 in float32.
    expected = pairwise_distances(x1.double(), x2.double()).float()
    torch.testing.assert_close(distances, expected)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_squares_do_not_overflow(dtype: torch.dtype) -> None:
    x = torch.tensor([[0.0, 0.0], [300.0, 400.0]], dtype=dtype)
    distances = pairwise_distances(x, x)
    assert distances.dtype == dtype
    assert distances[0, 1] == 500


def test_distances_ignore_memory_layout() -> None:
    x1, x2 = randn(6, 4), randn(4, 5, seed=1).T
    torch.testing.assert_close(
        pairwise_distances(x1[::2], x2), pairwise_distances(x1[::2].clone(), x2.contiguous())
    )


def test_nan_stays_visible_in_distances() -> None:
    x = torch.tensor([[0.0], [NAN]])
    assert torch.isnan(pairwise_distances(x, x)).tolist() == [[False, True], [True, True]]


def test_nearest_and_farthest_are_the_ends_of_the_sorted_distances() -> None:
    queries, points = randn(5, 3), randn(20, 3, seed=1)
    in_order = pairwise_distances(queries, points).sort(dim=1).values
    nearest, farthest = nearest_and_farthest(queries, points)
    assert torch.equal(nearest, in_order[:, 0])
    assert torch.equal(farthest, in_order[:, -1])


def test_the_ratio_is_0_on_a_point_and_1_among_copies_of_the_query() -> None:
    points = torch.tensor([[0.0, 0.0], [3.0, 4.0]])
    assert distance_ratio(points[:1], points).tolist() == [0.0]
    assert distance_ratio(points[:1], points[:1].expand(5, 2)).tolist() == [1.0]
    assert distance_ratio(points[:1], points[1:]).tolist() == [1.0]


def test_near_and_far_meet_when_coordinates_are_independent() -> None:
    ratios = []
    for d in (1, 10, 100, 1000, 10_000):
        over_seeds = [
            distance_ratio(points[:1], points[1:]).item()
            for points in (rand(101, d, seed=seed) for seed in range(5))
        ]
        ratios.append(sum(over_seeds) / 5)
    assert all(b > a for a, b in itertools.pairwise(ratios))
    assert ratios[0] < 0.1
    assert ratios[-1] > 0.95


def test_near_and_far_do_not_meet_when_coordinates_depend_on_few() -> None:
    for d in (10, 1000):
        points = sample_manifold(101, 2, d, shape="cube", generator=make_generator(0))
        assert distance_ratio(points[:20], points[20:]).median() < 0.2


def test_the_length_of_a_gaussian_has_the_moments_of_the_chi_distribution() -> None:
    mean, std = gaussian_norm_moments(1)
    assert mean == pytest.approx(math.sqrt(2 / math.pi), rel=1e-14)
    assert std == pytest.approx(math.sqrt(1 - 2 / math.pi), rel=1e-14)
    mean, std = gaussian_norm_moments(2)
    assert mean == pytest.approx(math.sqrt(math.pi / 2), rel=1e-14)
    assert std == pytest.approx(math.sqrt(2 - math.pi / 2), rel=1e-14)


def test_the_series_takes_over_where_the_closed_form_still_agrees() -> None:
    # Values from 50-digit arithmetic, just below and from the change on.
    assert gaussian_norm_moments(299) == pytest.approx(
        (17.277164661998956, 0.7068106126640632), rel=1e-10
    )
    assert gaussian_norm_moments(300) == pytest.approx(
        (17.30608035806067, 0.7068116017346618), rel=1e-10
    )


def test_the_length_of_a_gaussian_grows_and_its_spread_does_not() -> None:
    for d in (10, 1000, 10**6, 10**15):
        mean, std = gaussian_norm_moments(d)
        assert mean == pytest.approx(math.sqrt(d - 0.5), rel=1 / d)
        assert std == pytest.approx(math.sqrt(0.5), abs=0.2 / d)


@pytest.mark.parametrize("d", [1, 10, 400])
def test_drawn_gaussians_agree_with_the_moments(d: int) -> None:
    lengths = randn(20_000, d).norm(dim=1)
    mean, std = gaussian_norm_moments(d)
    assert abs(lengths.mean().item() - mean) < 4 * std / math.sqrt(20_000)
    assert lengths.std().item() == pytest.approx(std, rel=0.03)


# Angles -----------------------------------------------------------------------------------------


def test_angles_known_from_school_come_out() -> None:
    x1 = torch.tensor([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [1.0, 1.0]], dtype=torch.float64)
    x2 = torch.tensor([[0.0, 3.0], [2.0, 0.0], [-1.0, 0.0], [1.0, 0.0]], dtype=torch.float64)
    expected = torch.tensor([90.0, 0.0, 180.0, 45.0], dtype=torch.float64)
    torch.testing.assert_close(angle_between(x1, x2).rad2deg(), expected)
    assert angle_between(x1[0], x2[0]).shape == ()


@pytest.mark.parametrize("size", [1e-30, 1.0, 1e30])
def test_an_angle_ignores_length_even_where_squares_overflow(size: float) -> None:
    x1, x2 = torch.tensor([3.0, 4.0]), torch.tensor([4.0, 3.0])
    angle = angle_between(x1 * size, x2)
    torch.testing.assert_close(angle, torch.arccos(torch.tensor(24 / 25)))


def test_a_tiny_angle_survives_where_the_arc_cosine_loses_it() -> None:
    x1, x2 = torch.tensor([1.0, 0.0]), torch.tensor([1.0, 1e-5])
    assert angle_between(x1, x2).item() == pytest.approx(1e-5, rel=1e-4)
    assert torch.arccos(x1 @ x2 / (x1.norm() * x2.norm())).item() == 0.0


def test_angles_have_the_right_derivative_and_none_at_the_kink() -> None:
    x1, x2 = randn(3, 4).requires_grad_(), randn(3, 4, seed=1).requires_grad_()
    assert torch.autograd.gradcheck(angle_between, (x1, x2))
    same = randn(4).requires_grad_()
    angle_between(same, same.detach()).backward()
    assert torch.isfinite(same.grad).all()


@pytest.mark.parametrize("d", [2, 10, 1000])
def test_the_cosine_of_random_directions_has_variance_one_over_d(d: int) -> None:
    cosines = angle_between(randn(4000, d), randn(4000, d, seed=1)).cos()
    assert abs(cosines.mean().item()) < 4 / math.sqrt(4000 * d)
    assert cosines.var().item() == pytest.approx(1 / d, rel=0.08)


@pytest.mark.parametrize(
    ("x1", "x2", "error", "message"),
    [
        (torch.ones(2), torch.ones(3), ValueError, r"one shape .* \(2,\) and .* \(3,\)"),
        (torch.ones(()), torch.ones(()), ValueError, "one shape"),
        (torch.ones(2, 0), torch.ones(2, 0), ValueError, "D at least 1"),
        (torch.ones(2), torch.ones(2).double(), TypeError, "x2 must have x1's dtype float32"),
        (torch.ones(2), torch.ones(2).long(), TypeError, "x2 must have a floating-point dtype"),
        (torch.ones(2), torch.zeros(2), ValueError, "x2 must hold vectors of length above 0"),
        (torch.tensor([NAN]), torch.ones(1), ValueError, "x1 must hold finite numbers, got nan"),
        (torch.ones(1), torch.tensor([INF]), ValueError, "x2 must hold finite numbers, got inf"),
    ],
)
def test_an_angle_without_meaning_is_refused(
    x1: Tensor, x2: Tensor, error: type, message: str
) -> None:
    with pytest.raises(error, match=message):
        angle_between(x1, x2)


# Nearest neighbours -----------------------------------------------------------------------------


@pytest.mark.parametrize("k", [1, 3, 5, 10])
@pytest.mark.parametrize("seed", [0, 1])
def test_neighbours_agree_with_scikit_learn_on_digits(k: int, seed: int) -> None:
    neighbors = pytest.importorskip("sklearn.neighbors")
    digits = load_digits()
    split = train_test_split(digits.inputs, digits.targets, generator=make_generator(seed))
    ours = knn_predict(split.train_inputs, split.train_targets, split.test_inputs, k=k)
    theirs = neighbors.KNeighborsClassifier(k, algorithm="brute")
    theirs.fit(split.train_inputs.numpy(), split.train_targets.numpy())
    # Pixels are whole numbers, so distances tie now and then, and scikit-learn leaves open which
    # of two tied neighbours counts.
    distances = pairwise_distances(split.test_inputs, split.train_inputs).sort(dim=1).values
    decided = distances[:, k - 1] < distances[:, k]
    assert decided.float().mean() > 0.9
    predicted = torch.from_numpy(theirs.predict(split.test_inputs.numpy()))
    assert torch.equal(ours[decided], predicted[decided])
    assert (ours == split.test_targets).float().mean() > 0.96


def test_one_neighbour_reproduces_its_own_training_labels(device: torch.device) -> None:
    inputs = randn(50, 3, dtype=torch.float32).to(device)
    targets = torch.arange(50, device=device) % 4
    assert torch.equal(knn_predict(inputs, targets, inputs), targets)


def test_equal_votes_go_to_the_smallest_label_and_equal_distances_to_the_earlier_row() -> None:
    train_inputs = torch.tensor([[1.0], [-1.0]])
    query = torch.zeros(1, 1)
    assert knn_predict(train_inputs, torch.tensor([9, -3]), query, k=2).tolist() == [-3]
    assert knn_predict(train_inputs, torch.tensor([9, -3]), query, k=1).tolist() == [9]
    assert knn_predict(train_inputs.flip(0), torch.tensor([-3, 9]), query, k=1).tolist() == [-3]


def test_labels_keep_their_dtype_and_need_no_order() -> None:
    targets = torch.tensor([100, -7], dtype=torch.int16)
    predicted = knn_predict(torch.tensor([[0.0], [5.0]]), targets, torch.tensor([[4.0], [1.0]]))
    assert predicted.dtype == torch.int16
    assert predicted.tolist() == [-7, 100]


def test_one_training_point_decides_everything() -> None:
    assert (
        knn_predict(torch.zeros(1, 2), torch.tensor([5]), randn(3, 2).float()).tolist() == [5] * 3
    )


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"k": 0}, ValueError, "k must be at least 1, got 0"),
        ({"k": 5}, ValueError, "k must be at most 4, got 5"),
        ({"k": 1.0}, TypeError, "k must be an int, got 1.0"),
        ({"train_inputs": [[0.0]]}, TypeError, "train_inputs must be a tensor, got a list"),
        ({"train_inputs": torch.zeros(0, 2)}, ValueError, "train_inputs must hold at least 1 poi"),
        ({"inputs": torch.zeros(0, 2)}, ValueError, "inputs must hold at least 1 points"),
        ({"train_inputs": torch.zeros(4, 0)}, ValueError, "with at least 1 feature"),
        ({"inputs": torch.zeros(2)}, ValueError, r"inputs must have shape \(N, D\), got"),
        ({"inputs": torch.zeros(2, 3)}, ValueError, "inputs must have as many features as train_i"),
        ({"inputs": torch.zeros(2, 2).double()}, TypeError, "inputs must have train_inputs's dty"),
        ({"inputs": torch.tensor([[NAN, 0]])}, ValueError, r"inputs must hold finite .* \(0, 0\)"),
        ({"train_inputs": torch.full((4, 2), INF)}, ValueError, "train_inputs must hold finite"),
        ({"train_inputs": torch.zeros(4, 2).long()}, TypeError, "use train_inputs.float()"),
        ({"train_targets": torch.zeros(4)}, TypeError, "train_targets must hold integer labels"),
        (
            {"train_targets": torch.zeros(4).bool()},
            TypeError,
            "must hold integer labels, got a boo",
        ),
        ({"train_targets": torch.arange(3)}, ValueError, r"shape \(N,\) = \(4,\), got an int64"),
        ({"train_targets": torch.zeros(4, 1).long()}, ValueError, r"shape \(N,\) = \(4,\)"),
        ({"train_targets": [0, 1, 0, 1]}, TypeError, "train_targets must be a tensor, got a list"),
    ],
)
def test_a_classifier_that_cannot_work_is_refused(change: dict, error: type, message: str) -> None:
    arguments = {
        "train_inputs": torch.zeros(4, 2),
        "train_targets": torch.arange(4),
        "inputs": torch.zeros(3, 2),
        "k": 1,
        **change,
    }
    with pytest.raises(error, match=message):
        knn_predict(**arguments)


def test_targets_on_another_device_are_refused() -> None:
    with pytest.raises(ValueError, match="train_targets must be on train_inputs's device cpu"):
        knn_predict(torch.zeros(4, 2), torch.arange(4, device="meta"), torch.zeros(1, 2))


def test_noise_features_stand_to_the_right_and_leave_the_rest_alone(device: torch.device) -> None:
    inputs = randn(2000, 3, dtype=torch.float32).to(device)
    wide = append_noise_features(inputs, 5, std=2.0, generator=make_generator(0))
    assert wide.shape == (2000, 8)
    assert wide.device.type == device.type
    assert torch.equal(wide[:, :3], inputs)
    assert wide[:, 3:].std().item() == pytest.approx(2.0, rel=0.03)
    assert torch.equal(append_noise_features(inputs, 0, generator=make_generator(0)), inputs)
    assert append_noise_features(torch.ones(1, 1), 1, generator=make_generator(0)).shape == (1, 2)
    double = append_noise_features(inputs.double(), 1, generator=make_generator(0))
    assert double.dtype == torch.float64


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((torch.zeros(3), 1), {}, ValueError, r"inputs must have shape \(N, D\)"),
        ((torch.zeros(3, 1).long(), 1), {}, TypeError, "inputs must have a floating-point dtype"),
        ((torch.zeros(3, 1), -1), {}, ValueError, "n_features must be at least 0, got -1"),
        ((torch.zeros(3, 1), 1.0), {}, TypeError, "n_features must be an int, got 1.0"),
        ((torch.zeros(3, 1), 1), {"std": -1.0}, ValueError, "std must be at least 0.0, got -1.0"),
        ((torch.zeros(3, 1), 1), {"std": INF}, ValueError, "std must be below inf, got inf"),
        ((torch.zeros(3, 1), 1), {"generator": 3}, TypeError, "generator must be a torch.Gener"),
    ],
)
def test_bad_noise_is_refused(arguments: tuple, options: dict, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        append_noise_features(*arguments, **{"generator": make_generator(0), **options})


def test_noise_features_lower_the_accuracy_on_digits_and_principal_directions_restore_it() -> None:
    digits = load_digits()
    inputs = digits.inputs / digits.inputs.var(dim=0).mean().sqrt()
    accuracy = {"clean": 0.0, "noisy": 0.0, "reduced": 0.0}
    for seed in range(3):
        generator = make_generator(seed)
        noisy = append_noise_features(inputs, 1024, generator=generator)
        order = torch.randperm(len(noisy), generator=generator)
        train, test = order[:500], order[500:800]
        _, _, directions = torch.linalg.svd(
            noisy[train] - noisy[train].mean(0), full_matrices=False
        )
        for name, features in (
            ("clean", inputs),
            ("noisy", noisy),
            ("reduced", noisy @ directions[:10].T),
        ):
            predicted = knn_predict(features[train], digits.targets[train], features[test])
            accuracy[name] += (predicted == digits.targets[test]).float().mean().item() / 3
    assert accuracy["clean"] > 0.93
    assert accuracy["noisy"] < accuracy["clean"] - 0.3
    assert accuracy["reduced"] > accuracy["noisy"] + 0.2


def test_one_column_in_large_units_decides_the_neighbours_of_wine() -> None:
    wine = load_wine()
    gains = []
    for seed in range(5):
        split = train_test_split(wine.inputs, wine.targets, generator=make_generator(seed))
        mean, std = split.train_inputs.mean(0), split.train_inputs.std(0)
        raw = knn_predict(split.train_inputs, split.train_targets, split.test_inputs, k=5)
        scaled = knn_predict(
            (split.train_inputs - mean) / std,
            split.train_targets,
            (split.test_inputs - mean) / std,
            k=5,
        )
        gains.append(
            ((scaled == split.test_targets).float() - (raw == split.test_targets).float()).mean()
        )
    assert min(gains) > 0.15


# Intrinsic dimension ----------------------------------------------------------------------------


def test_a_point_is_not_its_own_neighbour_but_its_copy_is() -> None:
    points = torch.tensor([[0.0], [0.0], [3.0]])
    assert neighbor_distances(points, 2).tolist() == [[0.0, 3.0], [0.0, 3.0], [3.0, 3.0]]


def test_neighbour_distances_agree_with_sorting_all_of_them() -> None:
    points = randn(20, 3)
    expected = torch.cdist(points, points).sort(dim=1).values[:, 1:6]
    torch.testing.assert_close(neighbor_distances(points, 5), expected)


@pytest.mark.parametrize("k", [2, 10])
@pytest.mark.parametrize("n_intrinsic", [1, 2, 3, 5])
@pytest.mark.parametrize("shape", ["cube", "torus"])
def test_the_dimension_of_a_surface_is_found_in_a_hundred_coordinates(
    shape: str, n_intrinsic: int, k: int
) -> None:
    for seed in range(2):
        points = sample_manifold(
            1000, n_intrinsic, 100, shape=shape, dtype=torch.float64, generator=make_generator(seed)
        )
        assert intrinsic_dimension(points, k=k) == pytest.approx(n_intrinsic, rel=0.15)


def test_the_estimate_is_the_closed_form_for_three_points_on_a_line() -> None:
    points = torch.tensor([[0.0], [1.0], [3.0]], dtype=torch.float64)
    logarithms = math.log(3 / 1) + math.log(2 / 1) + math.log(3 / 2)
    assert intrinsic_dimension(points) == pytest.approx((3 - 1) / logarithms)


def test_the_estimate_ignores_scale_offset_and_rotation(device: torch.device) -> None:
    points = sample_manifold(300, 2, 10, dtype=torch.float64, generator=make_generator(0))
    expected = intrinsic_dimension(points)
    rotation = torch.linalg.qr(randn(10, 10, seed=1)).Q
    moved = (1000 * points @ rotation + 5).to(device)
    assert intrinsic_dimension(moved) == pytest.approx(expected, rel=1e-6)


def test_digits_have_about_a_seventh_of_the_dimensions_of_their_pixels() -> None:
    inputs = load_digits().inputs
    assert 5 < intrinsic_dimension(inputs, k=20) < intrinsic_dimension(inputs) < 10
    shuffled = torch.stack(
        [
            column[torch.randperm(1797, generator=make_generator(i))]
            for i, column in enumerate(inputs.T)
        ],
        dim=1,
    )
    assert intrinsic_dimension(shuffled) > 2 * intrinsic_dimension(inputs)


@pytest.mark.parametrize(
    ("points", "k", "error", "message"),
    [
        (torch.zeros(2, 3), 2, ValueError, "points must hold at least 3 points"),
        (torch.zeros(5, 0), 2, ValueError, "with at least 1 feature"),
        (torch.rand(5), 2, ValueError, r"points must have shape \(N, D\)"),
        (torch.arange(6).reshape(3, 2), 2, TypeError, "points must have a floating-point dtype"),
        (torch.tensor([[0.0], [1.0], [NAN]]), 2, ValueError, r"got nan at index \(2, 0\)"),
        (torch.tensor([[0.0], [1.0], [1.0]]), 2, ValueError, "distinct, got 2 of 3 with a copy"),
        (torch.eye(4), 2, ValueError, "points must have neighbours at different distances, got 4"),
        (torch.tensor([[0.0], [1.0], [3.0]]), 3, ValueError, "k must be at most 2, got 3"),
        (torch.tensor([[0.0], [1.0], [3.0]]), 1, ValueError, "k must be at least 2, got 1"),
        (torch.tensor([[0.0], [1.0], [3.0]]), 2.0, TypeError, "k must be an int, got 2.0"),
    ],
)
def test_points_without_an_estimate_are_refused(
    points: Tensor, k: int, error: type, message: str
) -> None:
    with pytest.raises(error, match=message):
        intrinsic_dimension(points, k=k)


@pytest.mark.parametrize(
    ("points", "k", "message"),
    [
        (torch.zeros(1, 1), 1, "points must hold at least 2 points"),
        (torch.zeros(2, 1), 2, "k must be at most 1, got 2"),
        (torch.zeros(2, 1), 0, "k must be at least 1, got 0"),
    ],
)
def test_too_few_points_for_the_neighbours_asked_for_are_refused(
    points: Tensor, k: int, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        neighbor_distances(points, k)


@pytest.mark.parametrize("function", [nearest_and_farthest, distance_ratio])
@pytest.mark.parametrize(
    ("queries", "points", "error", "message"),
    [
        (torch.zeros(0, 2), torch.zeros(1, 2), ValueError, "queries must hold at least 1 points"),
        (torch.zeros(1, 2), torch.zeros(0, 2), ValueError, "points must hold at least 1 points"),
        (torch.zeros(1, 0), torch.zeros(1, 0), ValueError, "with at least 1 feature"),
        (torch.zeros(1, 2), torch.zeros(1, 3), ValueError, "as many features as queries, 2, got"),
        (torch.full((1, 2), NAN), torch.zeros(1, 2), ValueError, "queries must hold finite"),
        (torch.zeros(2), torch.zeros(1, 2), ValueError, r"queries must have shape \(N, D\)"),
        (torch.zeros(1, 2), torch.zeros(1, 2).double(), TypeError, "dtype float32, got float64"),
        (torch.zeros(1, 2), [[0.0, 0.0]], TypeError, "points must be a tensor, got a list"),
    ],
)
def test_sets_without_a_nearest_point_are_refused(
    function: Callable, queries: Tensor, points: Tensor, error: type, message: str
) -> None:
    with pytest.raises(error, match=message):
        function(queries, points)


@pytest.mark.parametrize(
    ("x1", "x2", "error", "message"),
    [
        (torch.zeros(2), torch.zeros(1, 2), ValueError, r"x1 must have shape \(N, D\), got"),
        (torch.zeros(1, 2), torch.zeros(1, 3), ValueError, r"x2 must have shape \(M, 2\), got"),
        (torch.zeros(1, 2).long(), torch.zeros(1, 2), TypeError, "use x1.float()"),
        (torch.zeros(1, 2), torch.zeros(1, 2).double(), TypeError, r"use x2.to\(x1.dtype\)"),
        (torch.zeros(1, 2), torch.zeros(1, 2, device="meta"), ValueError, "x2 must be on x1's dev"),
        (torch.zeros(1, 2), None, TypeError, "x2 must be a tensor, got None"),
    ],
)
def test_sets_without_distances_are_refused(
    x1: Tensor, x2: object, error: type, message: str
) -> None:
    with pytest.raises(error, match=message):
        pairwise_distances(x1, x2)
