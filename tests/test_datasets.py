"""Data sets: shapes, ranges and geometry as documented."""

from __future__ import annotations

import sys

import pytest
import torch

from handbook import datasets
from handbook.datasets import (
    GLYPHS,
    MonthlySeries,
    glyph,
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_el_nino,
    load_iris,
    load_photograph,
    load_wine,
    noisy_glyphs,
    sample_manifold,
    sample_moons,
    sample_xor,
    synthetic_linear_data,
    train_test_split,
)
from handbook.seeding import make_generator


def test_digits_are_1797_images_of_whole_numbers_from_0_to_16() -> None:
    digits = load_digits()
    assert digits.inputs.shape == (1797, 64)
    assert digits.inputs.dtype == torch.float32
    assert digits.targets.dtype == torch.int64
    assert torch.equal(digits.inputs, digits.inputs.round())
    assert digits.inputs.unique().tolist() == list(range(17))
    assert digits.targets.bincount().tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert digits.target_names == tuple("0123456789")
    assert len(digits.feature_names) == 64


def test_wine_has_178_samples_of_13_measurements_and_3_growers() -> None:
    wine = load_wine()
    assert wine.inputs.shape == (178, 13)
    assert wine.inputs.dtype == torch.float32
    assert wine.targets.bincount().tolist() == [59, 71, 48]
    assert len(wine.feature_names) == 13
    assert len(wine.target_names) == 3


def test_iris_has_fifty_flowers_of_each_species_measured_in_cm() -> None:
    iris = load_iris()
    assert iris.inputs.shape == (150, 4)
    assert iris.inputs.dtype == torch.float32
    assert iris.targets.dtype == torch.int64
    assert torch.equal(iris.targets, torch.arange(3).repeat_interleave(50))
    assert all(name.endswith("(cm)") for name in iris.feature_names)
    assert iris.target_names == ("setosa", "versicolor", "virginica")


def test_breast_cancer_has_569_tumours_and_the_harmless_ones_are_class_1() -> None:
    tumours = load_breast_cancer()
    assert tumours.inputs.shape == (569, 30)
    assert tumours.inputs.dtype == torch.float32
    assert tumours.targets.bincount().tolist() == [212, 357]
    assert tumours.target_names == ("malignant", "benign")
    for column, kind in ((0, "mean"), (20, "worst")):
        assert all(name.startswith(kind) for name in tumours.feature_names[column : column + 10])
    assert all(name.endswith("error") for name in tumours.feature_names[10:20])


def test_a_photograph_has_channels_first_and_values_from_0_to_1() -> None:
    for name in ("china", "flower"):
        photograph = load_photograph(name)
        assert photograph.shape == (3, 427, 640)
        assert photograph.dtype == torch.float32
        assert photograph.min() >= 0
        assert photograph.max() <= 1


def test_an_unknown_photograph_is_refused() -> None:
    with pytest.raises(ValueError, match="name must be one of 'china', 'flower', got 'cat'"):
        load_photograph("cat")


def test_a_missing_pillow_is_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    monkeypatch.delitem(sys.modules, "PIL.Image", raising=False)
    with pytest.raises(ImportError, match=r"load_photograph\('china'\) needs the package pillow"):
        load_photograph("china")


def test_bundled_sets_ignore_the_default_dtype_and_device() -> None:
    torch.set_default_dtype(torch.float64)
    torch.set_default_device("meta")
    try:
        wine = load_wine()
    finally:
        torch.set_default_dtype(torch.float32)
        torch.set_default_device(None)
    assert wine.inputs.dtype == torch.float32
    assert wine.inputs.device.type == "cpu"


@pytest.mark.parametrize("name", ["load_digits", "load_wine", "load_iris", "load_breast_cancer"])
def test_a_missing_scikit_learn_is_named_with_the_remedy(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)  # Python then finds no such package
    monkeypatch.delitem(sys.modules, "sklearn.datasets", raising=False)
    with pytest.raises(ImportError, match=rf"{name} needs the package scikit-learn, .* use: pip"):
        getattr(datasets, name)()


def test_a_split_puts_every_row_in_exactly_one_part() -> None:
    rows = torch.arange(10)
    split = train_test_split(rows[:, None], rows, test_share=0.3, generator=make_generator(0))
    assert len(split.test_targets) == 3
    assert sorted([*split.train_targets.tolist(), *split.test_targets.tolist()]) == rows.tolist()
    assert torch.equal(split.train_inputs[:, 0], split.train_targets)
    assert torch.equal(split.test_inputs[:, 0], split.test_targets)


def test_a_split_is_a_copy_on_the_device_of_the_whole(device: torch.device) -> None:
    inputs = torch.zeros(4, 2, device=device)
    split = train_test_split(inputs, torch.arange(4, device=device), generator=make_generator(0))
    split.train_inputs.fill_(1.0)
    assert split.test_inputs.device == inputs.device
    assert inputs.sum() == 0


def test_the_same_seed_gives_the_same_split_and_another_seed_another() -> None:
    rows = torch.arange(50)
    first, again, other = (
        train_test_split(rows, rows, generator=make_generator(seed)).test_targets
        for seed in (0, 0, 1)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize(
    ("inputs", "targets", "options", "error", "message"),
    [
        ([1.0], torch.arange(1), {}, TypeError, "inputs must be a tensor, got a list"),
        (torch.zeros(1, 1), [1], {}, TypeError, "targets must be a tensor, got a list"),
        (torch.zeros(3, 2), torch.arange(2), {}, ValueError, r"as many rows .* \(3, 2\) .* \(2,\)"),
        (torch.zeros(()), torch.zeros(()), {}, ValueError, "as many rows"),
        (torch.zeros(4, 1), torch.arange(4), {"test_share": 0.0}, ValueError, "above 0.0, got 0.0"),
        (torch.zeros(4, 1), torch.arange(4), {"test_share": 1.0}, ValueError, "below 1.0, got 1.0"),
        (torch.zeros(4, 1), torch.arange(4), {"test_share": "a"}, TypeError, "real number"),
        (torch.zeros(1, 1), torch.arange(1), {}, ValueError, "at least 1 sample in both parts"),
        (torch.zeros(0, 1), torch.arange(0), {}, ValueError, "at least 1 sample in both parts"),
        (torch.zeros(4, 1), torch.arange(4), {"generator": 0}, TypeError, "torch.Generator, got 0"),
    ],
)
def test_a_bad_split_is_refused(
    inputs: object, targets: object, options: dict, error: type, message: str
) -> None:
    options = {"generator": make_generator(0), **options}
    with pytest.raises(error, match=message):
        train_test_split(inputs, targets, **options)


def test_a_cube_in_many_coordinates_keeps_the_distances_of_its_own_dimension() -> None:
    generator = make_generator(3)
    points = sample_manifold(
        50, 2, 100, shape="cube", dtype=torch.float64, generator=make_generator(3)
    )
    own = torch.rand(50, 2, generator=generator, dtype=torch.float64)
    torch.testing.assert_close(torch.pdist(points), torch.pdist(own))


def test_every_point_of_a_torus_lies_on_circles_of_circumference_1() -> None:
    points = sample_manifold(200, 3, 20, dtype=torch.float64, generator=make_generator(0))
    radius = 3**0.5 / (2 * torch.pi)  # three circles at right angles
    torch.testing.assert_close(points.norm(dim=1), torch.full((200,), radius, dtype=torch.float64))
    assert torch.linalg.matrix_rank(points) == 6


def test_noise_fills_all_coordinates() -> None:
    clean, noisy = (
        sample_manifold(300, 1, 30, noise_std=std, generator=make_generator(0)) for std in (0, 0.1)
    )
    assert torch.linalg.matrix_rank(clean, rtol=1e-4) == 2
    assert torch.linalg.matrix_rank(noisy, rtol=1e-4) == 30
    assert (noisy - clean).std().item() == pytest.approx(0.1, rel=0.05)


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_a_manifold_comes_in_the_dtype_asked_for(dtype: torch.dtype) -> None:
    points = sample_manifold(1, 1, 2, dtype=dtype, generator=make_generator(0))
    assert points.shape == (1, 2)
    assert points.dtype == dtype


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((0, 1, 2), {}, ValueError, "n_samples must be at least 1, got 0"),
        ((1, 0, 2), {}, ValueError, "n_intrinsic must be at least 1, got 0"),
        ((1, 1.0, 2), {}, TypeError, "n_intrinsic must be an int, got 1.0"),
        ((1, 2, 3), {}, ValueError, "n_ambient must be at least 4 to hold a torus of dimension 2"),
        ((1, 2, 1), {"shape": "cube"}, ValueError, "at least 2 to hold a cube of dimension 2"),
        ((1, 1, 2.5), {}, TypeError, "n_ambient must be an int, got 2.5"),
        ((1, 1, 2), {"shape": "roll"}, ValueError, "shape must be one of 'cube', 'torus'"),
        ((1, 1, 2), {"noise_std": -1}, ValueError, "noise_std must be at least 0.0, got -1"),
        ((1, 1, 2), {"noise_std": float("inf")}, ValueError, "noise_std must be below inf"),
        ((1, 1, 2), {"dtype": torch.int64}, TypeError, "dtype must be a floating-point dtype"),
        ((1, 1, 2), {"dtype": "float32"}, TypeError, "dtype must be a floating-point dtype"),
        ((1, 1, 2), {"generator": None}, TypeError, "generator must be a torch.Generator"),
    ],
)
def test_a_bad_manifold_is_refused(
    arguments: tuple, options: dict, error: type, message: str
) -> None:
    options = {"generator": make_generator(0), **options}
    with pytest.raises(error, match=message):
        sample_manifold(*arguments, **options)


def test_linear_data_have_the_weights_the_bias_and_the_noise_asked_for() -> None:
    weights = torch.tensor([2.0, -3.4], dtype=torch.float64)
    inputs, targets = synthetic_linear_data(weights, 4.2, 10_000, generator=make_generator(0))
    assert inputs.shape == (10_000, 2)
    assert targets.shape == (10_000, 1)
    design = torch.cat([inputs, torch.ones(10_000, 1, dtype=torch.float64)], dim=1)
    solution = torch.linalg.lstsq(design, targets).solution[:, 0]
    wanted = torch.tensor([2.0, -3.4, 4.2], dtype=torch.float64)
    torch.testing.assert_close(solution, wanted, rtol=0, atol=5e-4)
    residual = targets[:, 0] - design @ wanted
    assert residual.std().item() == pytest.approx(0.01, rel=0.03)  # a standard deviation
    assert residual.var().item() == pytest.approx(1e-4, rel=0.06)  # its square
    assert inputs.std(dim=0).tolist() == pytest.approx([1.0, 1.0], rel=0.03)


def test_linear_data_without_noise_are_exact_and_noise_leaves_the_inputs() -> None:
    weights = torch.tensor([2.0, -3.4])
    clean, noisy = (
        synthetic_linear_data(weights, 4.2, 50, noise_std=std, generator=make_generator(0))
        for std in (0, 5.0)
    )
    assert torch.equal(clean[0], noisy[0])
    torch.testing.assert_close(clean[1], clean[0] @ weights[:, None] + 4.2)
    assert (noisy[1] - clean[1]).std() > 3


def test_linear_data_come_in_the_dtype_and_on_the_device_of_the_weights(
    device: torch.device,
) -> None:
    weights = torch.ones(1, dtype=torch.float16, device=device, requires_grad=True)
    for tensor in synthetic_linear_data(weights, 0, 1, generator=make_generator(0)):
        assert tensor.shape == (1, 1)
        assert tensor.dtype == torch.float16
        assert tensor.device == weights.device
        assert not tensor.requires_grad


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"weights": [2.0]}, TypeError, "weights must be a tensor, got a list"),
        ({"weights": torch.tensor([2, -3])}, TypeError, "weights must have a floating-point dtype"),
        ({"weights": torch.ones(2, 1)}, ValueError, r"weights must have shape \(D,\) with D >= 1"),
        ({"weights": torch.ones(())}, ValueError, r"weights must have shape \(D,\) with D >= 1"),
        ({"weights": torch.ones(0)}, ValueError, r"weights must have shape \(D,\) with D >= 1"),
        ({"weights": torch.tensor([float("nan")])}, ValueError, "weights must hold finite numbers"),
        ({"bias": torch.ones(1)}, TypeError, "bias must be a real number"),
        ({"bias": float("inf")}, ValueError, "bias must be below inf"),
        ({"n_samples": 0}, ValueError, "n_samples must be at least 1, got 0"),
        ({"noise_std": -0.1}, ValueError, "noise_std must be at least 0.0, got -0.1"),
        ({"noise_std": float("inf")}, ValueError, "noise_std must be below inf"),
        ({"generator": None}, TypeError, "generator must be a torch.Generator"),
    ],
)
def test_bad_linear_data_are_refused(changed: dict, error: type, message: str) -> None:
    arguments = {"weights": torch.ones(2), "bias": 1.0, "n_samples": 3, "noise_std": 0.01}
    arguments |= {"generator": make_generator(0)} | changed
    positional = [arguments.pop(name) for name in ("weights", "bias", "n_samples")]
    with pytest.raises(error, match=message):
        synthetic_linear_data(*positional, **arguments)


def test_diabetes_has_442_patients_as_measured_with_a_unit_for_each_column() -> None:
    diabetes = load_diabetes()
    assert isinstance(diabetes, datasets.RegressionData)
    assert diabetes.inputs.shape == (442, 10)
    assert diabetes.targets.shape == (442, 1)
    assert diabetes.inputs.dtype == diabetes.targets.dtype == torch.float32
    assert len(diabetes.feature_names) == len(diabetes.feature_units) == 10
    age, sex = diabetes.inputs[:, 0], diabetes.inputs[:, 1]
    assert (age.min(), age.max()) == (19, 79)
    assert sex.unique().tolist() == [1, 2]
    assert (diabetes.targets.min(), diabetes.targets.max()) == (25, 346)


def test_one_column_of_diabetes_was_computed_from_three_others() -> None:
    total, low, high, triglycerides = load_diabetes().inputs[:, [4, 5, 6, 8]].double().T
    gap = (total - high - triglycerides.exp() / 5 - low).abs()
    assert (gap < 0.01).sum() == 438
    assert gap.max() < 0.41


def test_missing_scikit_learn_is_named_by_the_loader(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    monkeypatch.delitem(sys.modules, "sklearn.datasets", raising=False)
    with pytest.raises(ImportError, match="load_diabetes needs the package scikit-learn"):
        load_diabetes()


def test_moons_without_noise_lie_on_their_half_circles() -> None:
    moons = sample_moons(101, noise_std=0.0, generator=make_generator(0))
    x, y = moons.inputs.double().T
    upper = moons.targets == 0
    assert upper.sum() == 51
    torch.testing.assert_close(x[upper] ** 2 + y[upper] ** 2, torch.ones(51).double())
    assert (y[upper] >= 0).all()
    torch.testing.assert_close(
        (x[~upper] - 1) ** 2 + (y[~upper] - 0.5) ** 2, torch.ones(50).double()
    )
    assert (y[~upper] <= 0.5).all()


def test_the_corners_of_xor_take_turns() -> None:
    xor = sample_xor(10, noise_std=0.0, generator=make_generator(0))
    a, b = xor.inputs.long().T
    assert torch.equal(a ^ b, xor.targets)
    assert xor.inputs.unique(dim=0).shape == (4, 2)
    # Both classes have the same mean: no linear score can tell them apart.
    eight = sample_xor(8, noise_std=0.0, generator=make_generator(0))
    for k in (0, 1):
        assert eight.inputs[eight.targets == k].mean(dim=0).tolist() == [0.5, 0.5]


@pytest.mark.parametrize("sample", [sample_moons, sample_xor])
def test_noise_has_the_asked_std_and_leaves_the_places_as_they_are(sample) -> None:
    still = sample(5000, noise_std=0.0, generator=make_generator(3))
    noisy = sample(5000, noise_std=0.2, generator=make_generator(3))
    assert torch.equal(still.targets, noisy.targets)
    assert noisy.inputs.dtype == torch.float32
    assert noisy.targets.dtype == torch.int64
    assert len(noisy.target_names) == 2
    assert abs((noisy.inputs - still.inputs).std().item() - 0.2) < 0.005


@pytest.mark.parametrize("sample", [sample_moons, sample_xor])
@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"n_samples": 0}, ValueError, "n_samples must be at least 1, got 0"),
        ({"n_samples": 2.0}, TypeError, "n_samples must be an int, got 2.0"),
        ({"noise_std": -0.1}, ValueError, "noise_std must be at least 0.0, got -0.1"),
        ({"noise_std": float("inf")}, ValueError, "noise_std must be below inf, got inf"),
        ({"generator": 0}, TypeError, "generator must be a torch.Generator, got 0"),
    ],
)
def test_points_in_the_plane_refuse_bad_arguments(sample, arguments, error, message) -> None:
    good = {"n_samples": 4, "generator": make_generator(0)}
    with pytest.raises(error, match=message):
        sample(**{**good, **arguments})


def test_glyphs_are_eight_different_letters_of_ink_and_paper() -> None:
    clean = torch.stack([glyph(letter) for letter in GLYPHS])
    assert clean.shape == (8, 5, 5)
    assert clean.dtype == torch.float32
    assert clean.unique().tolist() == [0.0, 1.0]
    differing = torch.cdist(clean.flatten(1), clean.flatten(1), p=0)
    assert differing[~torch.eye(8, dtype=torch.bool)].min() >= 4
    x = glyph("X")
    assert torch.equal(x, torch.maximum(torch.eye(5), torch.eye(5).flip(0)))


def test_an_unknown_glyph_is_refused() -> None:
    with pytest.raises(ValueError, match=r"letter must be one of 'X', 'O', .* got 'Q'"):
        glyph("Q")


def test_glyphs_without_noise_are_clean_and_with_certain_noise_inverted() -> None:
    for flip_probability in (0, 1):
        data = noisy_glyphs(
            40, letters="XT", flip_probability=flip_probability, generator=make_generator(0)
        )
        clean = torch.stack([glyph("X").flatten(), glyph("T").flatten()])[data.targets]
        assert torch.equal(data.inputs, 1 - clean if flip_probability else clean)
        assert data.target_names == ("X", "T")
        assert data.feature_names[5] == "row 1, column 0"
        assert len(data.feature_names) == 25


def test_glyphs_are_equally_likely_and_flipped_as_often_as_asked() -> None:
    data = noisy_glyphs(20_000, flip_probability=0.2, generator=make_generator(0))
    assert data.inputs.shape == (20_000, 25)
    assert data.inputs.dtype == torch.float32
    assert data.targets.dtype == torch.int64
    assert data.inputs.unique().tolist() == [0.0, 1.0]
    clean = torch.stack([glyph(letter).flatten() for letter in GLYPHS])[data.targets]
    flipped = (data.inputs != clean).float().mean(dim=0)
    torch.testing.assert_close(flipped, torch.full((25,), 0.2), rtol=0, atol=0.015)
    shares = data.targets.bincount() / 20_000
    torch.testing.assert_close(shares, torch.full((8,), 1 / 8), rtol=0, atol=0.012)


def test_more_noise_flips_the_same_pixels_and_more_and_leaves_the_letters() -> None:
    quiet, loud = (
        noisy_glyphs(50, flip_probability=q, generator=make_generator(3)) for q in (0.1, 0.3)
    )
    clean = noisy_glyphs(50, flip_probability=0, generator=make_generator(3))
    assert torch.equal(quiet.targets, loud.targets)
    assert bool(((quiet.inputs != clean.inputs) <= (loud.inputs != clean.inputs)).all())


def test_glyphs_ignore_the_default_dtype() -> None:
    torch.set_default_dtype(torch.float64)
    try:
        assert noisy_glyphs(3, generator=make_generator(0)).inputs.dtype == torch.float32
    finally:
        torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"n_samples": 0}, ValueError, "n_samples must be at least 1, got 0"),
        ({"n_samples": 2.0}, TypeError, "n_samples must be an int"),
        ({"letters": ["X"]}, TypeError, "letters must be a string such as 'XO', got a list"),
        ({"letters": ""}, ValueError, "letters must name at least 1 letter"),
        ({"letters": "XX"}, ValueError, "letters must name .* none twice, got 'XX'"),
        ({"letters": "Xx"}, ValueError, "each of letters must be one of 'X', .* got 'x'"),
        ({"flip_probability": -0.1}, ValueError, "flip_probability must be at least 0.0, got -0.1"),
        ({"flip_probability": 1.5}, ValueError, "flip_probability must be at most 1.0, got 1.5"),
        ({"flip_probability": "a"}, TypeError, "flip_probability must be a real number"),
        ({"generator": None}, TypeError, "generator must be a torch.Generator, got None"),
    ],
)
def test_bad_glyphs_are_refused(changed: dict, error: type, message: str) -> None:
    options = {"n_samples": 3, "generator": make_generator(0), **changed}
    with pytest.raises(error, match=message):
        noisy_glyphs(options.pop("n_samples"), **options)


def test_the_el_nino_record_has_every_month_of_61_years_once() -> None:
    series = load_el_nino()
    assert isinstance(series, MonthlySeries)
    assert series.temperature_celsius.shape == series.year.shape == series.month.shape == (732,)
    assert series.temperature_celsius.dtype == torch.float32
    assert series.month.reshape(61, 12).tolist() == [list(range(1, 13))] * 61
    assert series.year.reshape(61, 12)[:, 0].tolist() == list(range(1950, 2011))
    assert series.temperature_celsius[:3].tolist() == pytest.approx([23.11, 24.20, 25.37])
    assert 18 < series.temperature_celsius.min() < series.temperature_celsius.max() < 30


def test_the_time_of_a_month_is_its_middle() -> None:
    time = load_el_nino().time_years
    assert time[0].item() == pytest.approx(1950 + 1 / 24)
    torch.testing.assert_close(time.diff(), torch.full((731,), 1 / 12, dtype=torch.float64))


def test_a_missing_statsmodels_is_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "statsmodels", None)
    for module in ("statsmodels.datasets", "statsmodels.datasets.elnino"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    with pytest.raises(ImportError, match="load_el_nino needs the package statsmodels"):
        load_el_nino()
