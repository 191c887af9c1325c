"""Drawings: what is drawn is what was given, on the axes that were given."""

from __future__ import annotations

from collections.abc import Iterator

import matplotlib as mpl
import numpy as np
import pytest
import torch

mpl.use("agg")

import matplotlib.pyplot as plt  # after the choice of backend

from handbook.autodiff import Scalar
from handbook.descent import gradient_descent
from handbook.plots import (
    BLUE,
    DIVERGING,
    GREY,
    VERMILLION,
    plot_contours,
    plot_decision_regions,
    plot_eigenvectors,
    plot_graph,
    plot_image,
    plot_matrix,
    plot_path,
    plot_surface,
    plot_window,
)
from handbook.surfaces import (
    DOUBLE_WELL,
    SADDLE,
    bowl,
    classify_critical_point,
    hessian,
    saddle,
    surface_grid,
)


@pytest.fixture(autouse=True)
def close_figures() -> Iterator[None]:
    yield
    plt.close("all")


# ---- surfaces and paths -------------------------------------------------------------------------


def test_contours_lie_where_the_function_has_their_height():
    grid = surface_grid(SADDLE.domain, n_points=41)
    levels = [-1.0, 0.5, 1.0]
    ax = plot_contours(grid, saddle(grid), levels=levels)
    (lines,) = ax.collections
    assert lines.levels.tolist() == levels
    for level, path in zip(levels, lines.get_paths(), strict=True):
        heights = saddle(torch.tensor(path.vertices))
        np.testing.assert_allclose(heights, level, atol=0.01)


def test_contours_have_x_across_and_y_up():
    grid = surface_grid(((0.0, 1.0), (0.0, 3.0)), n_points=5)
    ax = plot_contours(grid, grid[..., 1], levels=[1.5], labels=False)
    ((path,),) = [collection.get_paths() for collection in ax.collections]
    np.testing.assert_allclose(path.vertices[:, 1], 1.5)
    assert "x" in ax.get_xlabel()
    assert "y" in ax.get_ylabel()


def test_path_is_drawn_point_by_point_with_its_ends_marked():
    path = gradient_descent(bowl, torch.tensor([1.0, 1.0]), learning_rate=0.1, n_steps=5)
    ax = plot_path(path.points, color=VERMILLION, label="path")
    line, start, end = ax.lines
    np.testing.assert_allclose(line.get_xydata(), path.points)
    np.testing.assert_allclose(start.get_xydata(), path.points[:1])
    np.testing.assert_allclose(end.get_xydata(), path.points[-1:])
    assert start.get_markerfacecolor() == "none"
    assert line.get_color() == VERMILLION
    assert line.get_label() == "path"


def test_many_paths_share_one_label():
    start = torch.tensor([[1.0, 1.0], [1.0, -1.0], [0.5, 0.5]])
    path = gradient_descent(DOUBLE_WELL, start, learning_rate=0.1, n_steps=4)
    ax = plot_path(path.points, label="paths")
    assert len(ax.lines) == 9
    assert ax.get_legend_handles_labels()[1] == ["paths"]


def test_a_diverged_path_is_drawn_up_to_its_last_finite_point():
    path = gradient_descent(bowl, torch.ones(2), learning_rate=10.0, n_steps=100)
    ax = plot_path(path.points)
    finite = int(path.points.isfinite().all(-1).sum())
    assert 0 < finite < 101
    assert len(ax.lines[0].get_xydata()) == finite
    assert np.isfinite(ax.lines[0].get_xydata()).all()


def test_surface_in_three_dimensions_carries_its_path():
    grid = surface_grid(SADDLE.domain, n_points=11)
    path = gradient_descent(saddle, torch.tensor([1.0, 0.1]), learning_rate=0.1, n_steps=6)
    ax = plot_surface(grid, saddle(grid), path_points=path.points, path_values=path.values)
    assert ax.name == "3d"
    assert len(ax.collections) == 1
    x, y, z = ax.lines[0].get_data_3d()
    np.testing.assert_allclose(np.stack([x, y], -1), path.points)
    np.testing.assert_allclose(z, path.values)


def test_eigenvectors_are_centred_have_the_asked_length_and_show_the_sign():
    center = torch.tensor([2.0, 1.0])
    point = classify_critical_point(torch.tensor([[1.0, 3.0], [3.0, 1.0]]))
    ax = plot_eigenvectors(center, point.eigenvalues, point.eigenvectors, length=0.5)
    down, up = ax.lines
    for line in (down, up):
        np.testing.assert_allclose(line.get_xydata().mean(0), center, atol=1e-6)
        assert np.linalg.norm(np.diff(line.get_xydata(), axis=0)) == pytest.approx(1.0)
    assert (down.get_color(), down.get_linestyle()) == (VERMILLION, "--")
    assert (up.get_color(), up.get_linestyle()) == (BLUE, "-")
    assert [text.get_text() for text in ax.texts] == ["−2", "+4"]


def test_eigenvectors_are_the_columns():
    angle = torch.tensor(0.5)
    directions = torch.stack([angle.cos(), -angle.sin(), angle.sin(), angle.cos()]).reshape(2, 2)
    ax = plot_eigenvectors(torch.zeros(2), torch.tensor([-1.0, 1.0]), directions)
    np.testing.assert_allclose(ax.lines[0].get_xydata()[1], directions[:, 0], atol=1e-6)


def test_a_direction_without_curvature_is_grey():
    ax = plot_eigenvectors(torch.zeros(2), torch.zeros(2), torch.eye(2))
    assert [line.get_color() for line in ax.lines] == [GREY, GREY]


def test_drawings_use_the_axes_they_are_given_and_take_tensors_from_a_graph():
    fig, ax = plt.subplots()
    grid = surface_grid(SADDLE.domain, n_points=5).requires_grad_()
    matrix = hessian(saddle, torch.zeros(2))
    point = classify_critical_point(matrix)
    assert plot_contours(grid, saddle(grid), ax=ax) is ax
    assert plot_path(grid[0], ax=ax) is ax
    assert plot_eigenvectors(grid[2, 2], point.eigenvalues, point.eigenvectors, ax=ax) is ax
    space = fig.add_subplot(projection="3d")
    assert plot_surface(grid, saddle(grid), ax=space) is space
    assert plt.get_fignums() == [fig.number]


def test_surface_drawings_refuse_wrong_shapes():
    grid = surface_grid(SADDLE.domain, n_points=5)
    for draw in (plot_contours, plot_surface):
        with pytest.raises(ValueError, match="points must have 3 dimensions and 2 in the last"):
            draw(torch.zeros(5, 2), torch.zeros(5))
        with pytest.raises(ValueError, match=r"values must have shape \(5, 5\) to fit points"):
            draw(grid, torch.zeros(4, 5))
        with pytest.raises(TypeError, match="values must be a tensor, got a list"):
            draw(grid, [1.0])
    with pytest.raises(ValueError, match="points must have 2 or 3 dimensions and 2 in the last"):
        plot_path(torch.zeros(4, 3))
    with pytest.raises(ValueError, match="path_points and path_values must come together"):
        plot_surface(grid, saddle(grid), path_points=torch.zeros(3, 2))
    with pytest.raises(ValueError, match=r"path_values must have shape \(3,\) to fit path_points"):
        plot_surface(grid, saddle(grid), path_points=torch.zeros(3, 2), path_values=torch.zeros(4))
    with pytest.raises(ValueError, match=r"eigenvectors must have shape \(2, 2\)"):
        plot_eigenvectors(torch.zeros(2), torch.zeros(2), torch.zeros(3, 2))
    with pytest.raises(TypeError, match='ax must have projection="3d", got flat axes'):
        plot_surface(grid, saddle(grid), ax=plt.subplots()[1])


def test_a_matrix_shows_its_numbers_where_they_are_and_leaves_nan_empty():
    ax = plot_matrix(torch.tensor([[1.0, -2.0, torch.nan], [-0.01, 0.25, 30.0]]))
    shown = {text.get_position(): text.get_text() for text in ax.texts}
    assert shown == {(0, 0): "1", (1, 0): "−2", (0, 1): "0", (1, 1): "0", (2, 1): "30"}
    assert ax.get_ylim() == (1.5, -0.5)  # row 0 on top


def test_signed_numbers_are_coloured_around_zero_and_given_limits_are_kept():
    matrix = torch.tensor([[1.0, -4.0]])
    assert plot_matrix(matrix, cmap=DIVERGING).images[0].get_clim() == (-4, 4)
    assert plot_matrix(matrix, limits=(0.0, 9.0)).images[0].get_clim() == (0, 9)
    assert plot_matrix(torch.full((2, 2), 0.111), decimals=2).texts[0].get_text() == "0.11"
    assert not plot_matrix(torch.full((2, 2), torch.nan)).texts


def test_numbers_on_dark_cells_are_white():
    ax = plot_matrix(torch.tensor([[0.0, 1.0]]), cmap="gray")
    assert [text.get_color() for text in ax.texts] == ["white", "black"]


def test_a_window_outlines_whole_cells():
    ax = plot_matrix(torch.zeros(4, 4))
    assert plot_window(ax, (1, 2), (0, 2)).get_bbox().bounds == (-0.5, 0.5, 3, 2)


def test_an_image_is_drawn_with_its_channels_last_and_cut_at_the_limits():
    grey = plot_image(torch.tensor([[-1.0, 0.5, 3.0]]), limits=(0.0, 2.0)).images[0].get_array()
    assert grey.tolist() == [[0.0, 0.25, 1.0]]
    colour = torch.rand(3, 4, 5, generator=torch.Generator().manual_seed(0))
    drawn = plot_image(colour).images[0].get_array()
    assert torch.allclose(torch.tensor(drawn), colour.permute(1, 2, 0).double())


def test_matrix_and_image_refuse_wrong_shapes():
    with pytest.raises(ValueError, match="matrix must have 2 dimensions, got a float32 tensor"):
        plot_matrix(torch.zeros(3))
    with pytest.raises(
        ValueError, match=r"image must have shape \(H, W\) or \(1, H, W\) or \(3, H, W"
    ):
        plot_image(torch.zeros(2, 4, 4))
    with pytest.raises(ValueError, match="limits must go from the smaller to the larger number"):
        plot_image(torch.zeros(4, 4), limits=(1.0, 1.0))


# ---- computational graphs -----------------------------------------------------------------------


def diamond() -> tuple[Scalar, Scalar, Scalar]:
    a = Scalar(3.0, name="a")
    b = a**2
    y = a + b
    b.name, y.name = "b", "y"
    y.backward()
    return a, b, y


def test_a_graph_shows_value_and_gradient_in_each_node_and_the_slope_on_each_edge():
    _, _, y = diamond()
    shown = [text.get_text() for text in plot_graph(y).texts]
    assert shown[:3] == [
        "a\nvalue 3\ngradient 7",
        "b  (**2)\nvalue 9\ngradient 1",
        "y  (+)\nvalue 12\ngradient 1",
    ]
    assert shown[3:] == ["6", "1", "1"]


def test_a_graph_runs_from_left_to_right_without_two_nodes_in_one_place():
    x = [Scalar(float(i), name=f"x{i}") for i in range(4)]
    ax = plot_graph((x[0] * x[1] - x[2] / x[1] + x[3]).tanh())
    nodes = [text for text in ax.texts if "value" in text.get_text()]
    places = [text.get_position() for text in nodes]
    assert len(set(places)) == len(places) == 9
    assert places[-1][0] == max(place[0] for place in places)
    (low, high), (left, right) = ax.get_ylim(), ax.get_xlim()
    assert all(left < px < right and low < py < high for px, py in places)


def test_a_graph_shows_the_gradients_it_is_given_and_stresses_one_node():
    a, b, y = diamond()
    ax = plot_graph(y, gradients={y: 1.0, a: -0.5}, active=b)
    assert [text.get_text().rpartition("\n")[2] for text in ax.texts[:3]] == [
        "gradient −0.5",
        "gradient –",
        "gradient 1",
    ]
    boxes = [patch for patch in ax.patches if hasattr(patch, "get_boxstyle")]
    assert [box.get_linewidth() for box in boxes] == [1.5, 3.0, 1.5]


def test_two_edges_between_the_same_nodes_do_not_lie_on_each_other():
    x = Scalar(3.0)
    ax = plot_graph(x * x)
    above, below = (text.get_position()[1] for text in ax.texts if text.get_text() == "3")
    assert above > below


def test_a_graph_of_one_number_is_one_node():
    assert len(plot_graph(Scalar(2.0, name="x")).texts) == 1


def test_a_graph_refuses_what_is_none():
    a, _, y = diamond()
    with pytest.raises(TypeError, match="output must be a Scalar, got 3"):
        plot_graph(3)
    with pytest.raises(ValueError, match=r"active must be a node of the graph, got Scalar\(1\.0"):
        plot_graph(y, active=Scalar(1.0))
    ax = plt.subplots()[1]
    assert plot_graph(a, ax=ax) is ax


# ---- decision regions ---------------------------------------------------------------------------

CORNERS = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])


def boundaries(ax):
    """The vertices of every line that is drawn between two regions."""
    lines = [drawn for drawn in ax.collections if not drawn.filled]
    return [path.vertices for drawn in lines for path in drawn.get_paths() if len(path.vertices)]


def test_the_boundary_is_drawn_where_the_class_changes():
    ax = plot_decision_regions(lambda p: p[:, 0] + p[:, 1] > 1.2, CORNERS, torch.zeros(4).long())
    (line,) = boundaries(ax)
    np.testing.assert_allclose(line.sum(axis=1), 1.2, atol=0.01)


def test_each_sample_is_drawn_with_the_marker_of_its_own_class():
    ax = plot_decision_regions(
        lambda p: torch.zeros(len(p)).long(), CORNERS, torch.tensor([0, 2, 1, 2]), names=list("abc")
    )
    drawn = {line.get_label(): line.get_xydata().tolist() for line in ax.lines}
    assert drawn == {"a": [[0, 0]], "b": [[0, 1]], "c": [[1, 0], [1, 1]]}
    assert len({line.get_marker() for line in ax.lines}) == 3
    assert len({line.get_color() for line in ax.lines}) == 3
    assert boundaries(ax) == []  # one class everywhere: nothing changes


def test_three_regions_meet_without_a_strip_of_the_class_between_their_numbers():
    ax = plot_decision_regions(
        lambda p: torch.where(p[:, 0] < 0.5, 0, 2), CORNERS, torch.zeros(4).long()
    )
    filled = [drawn for drawn in ax.collections if drawn.filled]
    assert len(filled) == 2  # regions of class 0 and class 2, none of class 1
    (line,) = boundaries(ax)
    np.testing.assert_allclose(line[:, 0], 0.5, atol=0.01)


def test_the_regions_reach_as_far_as_asked_or_a_tenth_beyond_the_samples():
    def predict(p):
        assert p.dtype == torch.float64
        assert not torch.is_grad_enabled()
        return p[:, 0] > 0

    points = CORNERS.double().requires_grad_()
    labels = torch.tensor([True, False, True, False])
    ax = plot_decision_regions(predict, points, labels)
    np.testing.assert_allclose(ax.get_xlim(), (-0.1, 1.1))
    ax = plot_decision_regions(predict, points[:1], labels[:1])  # no range: one to either side
    np.testing.assert_allclose(ax.get_ylim(), (-1.0, 1.0))
    ax = plot_decision_regions(predict, points[:0], labels[:0], limits=((-2, 2), (0, 5)))
    np.testing.assert_allclose(ax.get_ylim(), (0.0, 5.0))
    assert len(boundaries(ax)) == 1


def test_more_classes_than_colours_still_look_different():
    points = torch.stack([torch.arange(12.0), torch.zeros(12)], dim=1)
    ax = plot_decision_regions(
        lambda p: p[:, 0].round().clamp(0, 11).long(), points, torch.arange(12)
    )
    assert len({(line.get_color(), line.get_marker()) for line in ax.lines}) == 12


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"points": [[0.0, 1.0]]}, TypeError, "points must be a tensor, got a list"),
        ({"points": CORNERS.long()}, TypeError, "points must have a floating-point dtype"),
        ({"points": torch.zeros(4, 3)}, ValueError, r"points must have shape \(N, 2\)"),
        ({"points": CORNERS / 0}, ValueError, "points must hold finite numbers, got nan"),
        ({"labels": torch.zeros(4)}, TypeError, "labels must hold whole numbers, got a float32"),
        ({"labels": torch.zeros(3).long()}, ValueError, r"labels must have shape \(4,\)"),
        ({"labels": torch.tensor([0, -1, 0, 0])}, ValueError, "labels must be at least 0, got -1"),
        ({"names": ["only"]}, ValueError, "names must hold 2 names, one for each class, got 1"),
        ({"limits": (0, 1)}, ValueError, r"limits must be \(\(left, right\), \(bottom, top\)\)"),
        ({"limits": ((1, 0), (0, 1))}, ValueError, "limits must go from the smaller to the larger"),
        ({"n_grid": 1}, ValueError, "n_grid must be at least 2, got 1"),
        ({"predict": lambda p: p}, ValueError, r"predict\(points\) must have shape .*argmax"),
        ({"predict": lambda p: p[:, 0]}, TypeError, r"predict\(points\) must hold whole numbers"),
        (
            {"points": CORNERS[:0], "labels": torch.zeros(0).long()},
            ValueError,
            "limits must be given where there are no points",
        ),
    ],
)
def test_decision_regions_refuse_what_they_cannot_draw(change, error, message):
    good = {
        "predict": lambda p: p[:, 0] > 0.5,
        "points": CORNERS,
        "labels": torch.tensor([0, 1, 0, 1]),
    }
    with pytest.raises(error, match=message):
        plot_decision_regions(**{**good, **change})
