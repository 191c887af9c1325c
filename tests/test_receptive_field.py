"""Receptive fields: the recursion against measured gradients, the bell curve, every message."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from handbook import layers, receptive_field
from handbook.receptive_field import (
    ReceptiveField,
    Window,
    gradient_map,
    path_counts,
    profile_std,
    seen_range,
    windows_of,
)
from handbook.receptive_field import receptive_field as field_of
from handbook.seeding import make_generator


def measured(module: nn.Module, size: int, unit: int, channels: int = 1) -> tuple[int, int]:
    """Return the first and last column that a unit's gradient reaches."""
    generator = make_generator(0)
    images = torch.randn(4, channels, size, size, generator=generator, dtype=torch.float64)
    seen = gradient_map(module.double(), images, (unit, unit), generator=generator)
    return seen_range(seen.sum(0))


def test_the_recursion_by_hand() -> None:
    fields = field_of([Window(7, 2, 3), Window(3, 2, 1), Window(3, 1, 2, dilation=2)])
    assert fields == [
        ReceptiveField(1, 1, 0),
        ReceptiveField(7, 2, -3),
        ReceptiveField(11, 4, -5),
        ReceptiveField(27, 4, -13),
    ]
    assert field_of([]) == [ReceptiveField(1, 1, 0)]
    assert field_of([3, (3,), (2, 2)])[-1] == ReceptiveField(6, 2, 0)


def test_two_threes_see_what_a_five_sees_and_three_what_a_seven_sees() -> None:
    assert field_of([3, 3])[-1] == field_of([5])[-1]
    assert field_of([3, 3, 3])[-1] == field_of([7])[-1]


@pytest.mark.parametrize("conv", [nn.Conv2d, layers.Conv2d])
def test_the_theory_is_what_the_gradient_measures(conv: Any) -> None:
    """For every unit inside: from first + q · jump on, size cells; at the rim no cell beyond."""
    size = 24
    for s, p, d, k in itertools.product((1, 2), (0, 1), (1, 2), (2, 3)):
        torch.manual_seed(0)
        module = nn.Sequential(
            conv(1, 4, k, s, p, d), nn.Tanh(), nn.AvgPool2d(2, 2), conv(4, 4, 3, padding=p)
        )
        field = field_of(windows_of(module))[-1]
        n_inside, n_units = 0, module(torch.zeros(1, 1, size, size)).shape[-1]
        for unit in range(n_units):
            first = field.first + unit * field.jump
            last = first + field.size - 1
            seen = measured(module, size, unit)
            if first >= 0 and last < size:
                assert seen == (first, last)
                n_inside += 1
            assert seen[0] >= max(first, 0)
            assert seen[1] <= min(last, size - 1)
        assert n_inside >= 1


def test_windows_are_read_in_order_and_along_one_dimension() -> None:
    chain = nn.Sequential(
        nn.Conv2d(1, 2, (3, 5), stride=(1, 2), padding=(0, 2), dilation=(2, 1)),
        nn.Sequential(nn.BatchNorm2d(2), nn.ReLU(), nn.Dropout2d()),
        nn.MaxPool2d(2),
        nn.Conv2d(2, 2, 3, padding="same", dilation=2),
        nn.Conv2d(2, 2, 3, padding="valid"),
        layers.AvgPool2d(3, 1, padding=1),
    )
    assert windows_of(chain) == [
        Window(5, 2, 2, 1), Window(2, 2), Window(3, 1, 2, 2), Window(3), Window(3, 1, 1),
    ]  # fmt: skip
    assert windows_of(chain, dim=-2)[0] == Window(3, 1, 0, 2)
    assert windows_of(nn.Conv1d(1, 1, 3)) == [Window(3)]


def test_paths_are_counted_by_brute_force() -> None:
    windows = [Window(3, 2), Window(2, 1, 0, 3), Window(4, 3)]
    counts = path_counts(windows)
    brute = torch.zeros(field_of(windows)[-1].size, dtype=torch.float64)
    for i, j, m in itertools.product(range(3), range(2), range(4)):
        brute[i + 2 * 3 * j + 2 * m] += 1
    assert torch.equal(counts, brute)


def test_the_mean_square_of_a_linear_network_follows_the_path_counts() -> None:
    """Over 400 random networks the profile is the count of paths, within the noise."""
    n_layers, size, total = 4, 15, torch.zeros(15, dtype=torch.float64)
    generator = make_generator(0)
    image = torch.zeros(1, 1, size, size, dtype=torch.float64)
    for _ in range(400):
        kernels = torch.randn(n_layers, 1, 1, 3, 3, generator=generator, dtype=torch.float64)

        def network(x: Tensor, kernels: Tensor = kernels) -> Tensor:
            for kernel in kernels:
                x = nn.functional.conv2d(x, kernel, padding=1)
            return x

        total += gradient_map(network, image, generator=generator).sum(0)
    profile, theory = total[3:12], path_counts([3] * n_layers)
    assert seen_range(total) == (3, 11)
    assert torch.allclose(profile / profile.sum(), theory / theory.sum(), atol=0.03)


def test_the_width_grows_with_the_root_of_the_depth() -> None:
    for n_layers, k in itertools.product((1, 4, 16), (2, 3, 5)):
        width = profile_std(path_counts([k] * n_layers))
        assert math.isclose(width, math.sqrt(n_layers * (k * k - 1) / 12), rel_tol=1e-9)
        assert field_of([k] * n_layers)[-1].size == n_layers * (k - 1) + 1


def test_the_measurement_leaves_parameters_and_mode_alone() -> None:
    module = nn.Conv2d(1, 2, 3)
    with torch.no_grad():
        seen = gradient_map(module, torch.zeros(2, 1, 5, 5), generator=make_generator(0))
    assert seen.shape == (5, 5)
    assert not seen.requires_grad
    assert module.weight.grad is None


IMAGES = torch.zeros(1, 1, 5, 5)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: windows_of(3), TypeError, "module must be a torch.nn.Module, got 3"),
        (lambda: windows_of(nn.ReLU(), 1), ValueError, r"dim must be -1 \(width\) or -2"),
        (
            lambda: windows_of(nn.Sequential(nn.Linear(2, 2))),
            ValueError,
            (
                "module must be a chain of layers with a kernel or of elementwise ones, got a "
                "Linear; use gradient_map"
            ),
        ),
        (lambda: windows_of(nn.AdaptiveAvgPool2d(1)), ValueError, "got a AdaptiveAvgPool2d"),
        (lambda: windows_of(nn.ConvTranspose2d(1, 1, 2)), ValueError, "got a ConvTranspose2d"),
        (lambda: field_of(3), TypeError, r"windows must be one Window for each layer, got 3"),
        (lambda: field_of(Window(3)), TypeError, r"windows must be .*, got .*use \[window\]"),
        (
            lambda: field_of(["3"]),
            TypeError,
            r"windows\[0\] must be a Window\(kernel_size, stride, padding, dilation\), got '3'",
        ),
        (
            lambda: field_of([Window(3), Window(0)]),
            ValueError,
            r"windows\[1\].kernel_size must be at least 1, got 0",
        ),
        (lambda: path_counts([Window(3, 1, -1)]), ValueError, r"windows\[0\].padding must be at"),
        (
            lambda: gradient_map(nn.Identity(), IMAGES.int(), generator=make_generator(0)),
            TypeError,
            "inputs must have a floating-point dtype",
        ),
        (
            lambda: gradient_map(nn.Identity(), IMAGES[0], generator=make_generator(0)),
            ValueError,
            r"inputs must have shape \(N, C, H, W\), got",
        ),
        (
            lambda: gradient_map(nn.Flatten(), IMAGES, generator=make_generator(0)),
            ValueError,
            r"module must return images of shape \(N, C, H, W\), got a float32 .* \(1, 25\)",
        ),
        (
            lambda: gradient_map(nn.Identity(), IMAGES, (5, 0), generator=make_generator(0)),
            ValueError,
            r"position must lie in the output of 5 × 5, got \(5, 0\)",
        ),
        (
            lambda: gradient_map(nn.Identity(), IMAGES, generator=0),
            TypeError,
            "generator must be a torch.Generator, got 0",
        ),
        (lambda: seen_range(torch.zeros(3)), ValueError, "profile must have a number that is not"),
        (lambda: seen_range(torch.zeros(3, 3)), ValueError, r"profile must have shape \(n,\), got"),
        (lambda: profile_std(torch.zeros(3)), ValueError, "profile must have a number that is not"),
        (
            lambda: profile_std(torch.tensor([1.0, -1.0])),
            ValueError,
            "profile must hold finite numbers from 0 on, got",
        ),
    ],
)
def test_bad_input_is_refused_with_a_reason(
    call: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        call()


def test_all_names_are_documented() -> None:
    for name in receptive_field.__all__:
        assert ">>>" in getattr(receptive_field, name).__doc__, name
