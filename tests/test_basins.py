"""Basins of attraction: the start decides where descent ends."""

from __future__ import annotations

import pytest
import torch

from handbook.basins import basins_of_attraction, descend, nearest_minimum
from handbook.descent import gradient_descent
from handbook.seeding import make_generator
from handbook.surfaces import DOUBLE_WELL, HIMMELBLAU, SADDLE, UNEVEN_WELLS, surface_grid

float64 = torch.float64


def test_descend_is_the_last_point_of_the_path(device):
    start = torch.randn(3, 4, 2, generator=make_generator(0)).to(device)
    for n_steps in (0, 1, 50):
        path = gradient_descent(HIMMELBLAU, start, learning_rate=0.005, n_steps=n_steps)
        end = descend(HIMMELBLAU, start, learning_rate=0.005, n_steps=n_steps)
        torch.testing.assert_close(end, path.points[-1], equal_nan=True)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, float64])
def test_descend_keeps_dtype_and_leaves_the_start_alone(dtype):
    start = torch.ones(2, dtype=dtype)
    end = descend(SADDLE, start, learning_rate=0.1, n_steps=3)
    assert end.dtype == dtype
    assert start.tolist() == [1.0, 1.0]
    assert descend(SADDLE, start, learning_rate=0.1, n_steps=0) is not start


def test_a_diverged_walk_goes_on_and_ends_in_no_basin():
    start = torch.tensor([[50.0, 50.0], [3.0, 2.0]], dtype=float64)
    minima = HIMMELBLAU.minima()
    found = basins_of_attraction(HIMMELBLAU, start, minima, learning_rate=0.01, n_steps=100)
    assert found.tolist() == [-1, int((minima - start[1]).norm(dim=1).argmin())]


def test_the_hill_divides_the_line_of_starts():
    starts = torch.linspace(-3, 2, 501, dtype=float64).unsqueeze(-1)
    found = basins_of_attraction(
        UNEVEN_WELLS, starts, UNEVEN_WELLS.minima(), learning_rate=0.02, n_steps=3000
    )
    x = starts.squeeze(-1)
    assert (found[x < -1e-9] == 0).all()
    assert (found[x > 1e-9] == 1).all()

    top = torch.zeros(1, dtype=float64)
    end = descend(UNEVEN_WELLS, top, learning_rate=0.02, n_steps=3000)
    assert nearest_minimum(end, UNEVEN_WELLS.minima(), radius=0.01) == -1


def test_each_minimum_lies_in_its_own_basin_and_saddles_in_none():
    minima = HIMMELBLAU.minima()
    settings = {"learning_rate": 0.005, "n_steps": 200}
    found = basins_of_attraction(HIMMELBLAU, minima, minima, **settings)
    assert found.tolist() == [0, 1, 2, 3]
    on_the_ridge = torch.tensor([[0.7, 0.0]], dtype=float64)
    found = basins_of_attraction(DOUBLE_WELL, on_the_ridge, DOUBLE_WELL.minima(), **settings)
    assert found.tolist() == [-1]


def test_nearly_every_start_ends_in_a_minimum_and_every_minimum_is_reached():
    starts = surface_grid(HIMMELBLAU.domain, n_points=31, dtype=float64)
    found = basins_of_attraction(
        HIMMELBLAU, starts, HIMMELBLAU.minima(), learning_rate=0.005, n_steps=1000
    )
    assert found.shape == (31, 31)
    counts = (found + 1).flatten().bincount(minlength=5)
    assert counts[0] == 0
    assert (counts[1:] > 100).all()


def test_a_large_rate_changes_the_basins():
    starts = torch.linspace(-3.5, 2.5, 601, dtype=float64).unsqueeze(-1)
    minima = UNEVEN_WELLS.minima()
    small = basins_of_attraction(UNEVEN_WELLS, starts, minima, learning_rate=0.02, n_steps=3000)
    large = basins_of_attraction(UNEVEN_WELLS, starts, minima, learning_rate=0.3, n_steps=3000)
    assert ((small != large) & (large >= 0)).any()


def test_nearest_minimum_takes_the_nearest_within_the_radius(device):
    minima = torch.tensor([[0.0, 0.0], [1.0, 0.0]], device=device)
    points = torch.tensor([[0.4, 0.0], [0.6, 0.0], [5.0, 0.0], [torch.nan, 0.0]], device=device)
    assert nearest_minimum(points, minima, radius=0.45).tolist() == [0, 1, -1, -1]
    assert nearest_minimum(points[0], minima, radius=0.45).shape == ()
    assert nearest_minimum(points[:0], minima, radius=0.45).shape == (0,)


def test_nearest_minimum_in_half_precision_does_not_overflow():
    minima = torch.tensor([[300.0, 0.0], [0.0, 0.0]], dtype=torch.float16)
    points = torch.tensor([[300.0, 1.0]], dtype=torch.float16)
    assert nearest_minimum(points, minima, radius=2.0).tolist() == [0]


def test_bad_arguments_are_refused():
    points, minima = torch.zeros(3, 2), torch.zeros(1, 2)
    with pytest.raises(ValueError, match=r"minima must have shape \(K, D\) = \(K, 2\)"):
        nearest_minimum(points, torch.zeros(2), radius=1.0)
    with pytest.raises(ValueError, match=r"minima must have shape \(K, D\) = \(K, 2\)"):
        nearest_minimum(points, torch.zeros(0, 2), radius=1.0)
    with pytest.raises(ValueError, match=r"points must have shape \(\.\.\., D\)"):
        nearest_minimum(torch.tensor(1.0), minima, radius=1.0)
    with pytest.raises(ValueError, match="radius must be above 0"):
        nearest_minimum(points, minima, radius=0.0)
    with pytest.raises(TypeError, match="minima must have points's dtype"):
        nearest_minimum(points, minima.double(), radius=1.0)
    with pytest.raises(TypeError, match="n_steps must be"):
        descend(SADDLE, torch.zeros(2), learning_rate=0.1, n_steps=1.5)
    with pytest.raises(ValueError, match="n_steps must be at least 0"):
        descend(SADDLE, torch.zeros(2), learning_rate=0.1, n_steps=-1)
    with pytest.raises(ValueError, match="learning_rate must be above 0"):
        descend(SADDLE, torch.zeros(2), learning_rate=0.0, n_steps=1)
    with pytest.raises(ValueError, match="start must be finite"):
        descend(SADDLE, torch.tensor([torch.nan, 0.0]), learning_rate=0.1, n_steps=1)
