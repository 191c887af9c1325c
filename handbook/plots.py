r"""The look of every figure, and the drawings that several of them share.

The only module that imports matplotlib. ``plt.style.use(STYLE)`` at the top of a script gives it
the handbook's look. A drawing takes arrays or tensors and an optional ``ax``, and returns the
:class:`matplotlib.axes.Axes`; none of them calls ``show``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle
from matplotlib.path import Path as CurvePath
from mpl_toolkits.mplot3d import Axes3D
from torch import Tensor

from handbook.autodiff import Scalar, topological_order
from handbook.checks import (
    describe,
    require_finite,
    require_floating,
    require_integer,
    require_shape,
    require_tensor,
)

__all__ = [
    "STYLE",
    "BLUE",
    "VERMILLION",
    "GREEN",
    "PURPLE",
    "OCHRE",
    "GREY",
    "TRAINING",
    "VALIDATION",
    "TRUTH",
    "SEQUENTIAL",
    "DIVERGING",
    "plot_contours",
    "plot_path",
    "plot_surface",
    "plot_eigenvectors",
    "plot_matrix",
    "plot_window",
    "plot_image",
    "plot_graph",
    "plot_decision_regions",
]

# After Okabe and Ito's colour-blind-safe set; purple and ochre are darkened until each colour
# stands out at least 3:1 against white paper and against the dark theme alike.
BLUE = "#0072B2"
VERMILLION = "#D55E00"
GREEN = "#009E73"
PURPLE = "#B5609A"
OCHRE = "#A87A00"
GREY = "#7F7F7F"

TRAINING = BLUE
VALIDATION = VERMILLION
TRUTH = "#404040"  # grey tones turn light in the dark theme

SEQUENTIAL = "viridis"  # perceptually uniform, for quantities without a natural zero
DIVERGING = "PuOr"  # for signed quantities, centred on zero

STYLE: dict[str, Any] = {
    "figure.figsize": (6.0, 4.0),  # inches: 600 px wide, 360 px on a phone
    "figure.dpi": 100,
    "figure.constrained_layout.use": True,
    "font.size": 12,  # 10 px on a phone, the smallest that reads well
    "axes.titlesize": 13,
    "axes.titlelocation": "left",
    "axes.labelsize": 12,
    "xtick.labelsize": 11,
    "ytick.labelsize": 11,
    "legend.fontsize": 11,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#D9D9D9",
    "grid.linewidth": 0.8,
    "lines.linewidth": 2.0,
    "image.cmap": SEQUENTIAL,
    # A line style for every colour: who cannot tell two colours apart can tell two dashes apart.
    "axes.prop_cycle": cycler(color=[BLUE, VERMILLION, GREEN, PURPLE, OCHRE, GREY])
    + cycler(linestyle=["-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (8, 3))]),
}


# ---- surfaces and paths ------------------------------------------------------------------------


def _path_array(name: str, value: object, n_dimensions: tuple[int, ...], last: int | None) -> Any:
    """Return a tensor as a NumPy array on the CPU, after a check of its shape."""
    tensor = require_tensor(name, value).detach().cpu()
    if tensor.dim() not in n_dimensions or (last is not None and tensor.shape[-1] != last):
        sizes = " or ".join(str(n) for n in n_dimensions)
        tail = "" if last is None else f" and {last} in the last"
        raise ValueError(f"{name} must have {sizes} dimensions{tail}, got {describe(tensor)}")
    return tensor.double().numpy()


def _surface_arrays(points: object, values: object) -> tuple[Any, Any, Any]:
    """Return x, y and height of every point of a grid, after a check of the shapes."""
    grid = _path_array("points", points, (3,), 2)
    heights = _path_array("values", values, (2,), None)
    if heights.shape != grid.shape[:-1]:
        raise ValueError(
            f"values must have shape {grid.shape[:-1]} to fit points, got shape {heights.shape}"
        )
    return grid[..., 0], grid[..., 1], heights


def plot_contours(
    points: Tensor,
    values: Tensor,
    *,
    levels: int | Sequence[float] = 12,
    labels: bool = True,
    ax: Axes | None = None,
) -> Axes:
    """Draw a function of two variables as a map: lines of equal height, negative ones dashed.

    Parameters
    ----------
    points : Tensor
        A grid, as from :func:`handbook.surfaces.surface_grid`.
    values : Tensor
        The function's values there.
    levels : int or sequence of float, default: 12
        How many lines, or which heights.
    labels : bool, default: True
        Whether to write the heights on the lines.
    ax : matplotlib.axes.Axes, optional
        Where to draw; new axes without it.

    Returns
    -------
    matplotlib.axes.Axes
        Where it was drawn.

    Shapes
    ------
    points : (N, M, 2)
    values : (N, M)

    Raises
    ------
    TypeError
        If ``points`` or ``values`` is not a tensor.
    ValueError
        If their shapes are not those.

    Examples
    --------
    >>> import torch
    >>> from handbook.surfaces import SADDLE, surface_grid
    >>> grid = surface_grid(SADDLE.domain, n_points=21)
    >>> ax = plot_contours(grid, SADDLE(grid), levels=[-1.0, 0.0, 1.0])
    >>> ax.get_xlabel()
    'x (dimensionless)'
    """
    x, y, heights = _surface_arrays(points, values)
    if ax is None:
        _, ax = plt.subplots()
    lines = ax.contour(x, y, heights, levels=levels, colors=GREY, linewidths=1.0)
    if labels:
        ax.clabel(lines, fontsize=9)
    ax.set_xlabel("x (dimensionless)")
    ax.set_ylabel("y (dimensionless)")
    ax.grid(False)
    return ax


def plot_path(
    points: Tensor,
    *,
    color: str = BLUE,
    linestyle: Any = "-",
    label: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw one path, or many with one label: an open circle at the start, a full one at the end.

    A path that diverged is drawn up to its last finite point.

    Parameters
    ----------
    points : Tensor
        The points in order, as in :attr:`handbook.descent.Path.points`.
    color : str, optional
        The colour of line and circles.
    linestyle : optional
        Any of matplotlib's; solid without it.
    label : str, optional
        For the legend; many paths share it.
    ax : matplotlib.axes.Axes, optional
        Where to draw; new axes without it.

    Returns
    -------
    matplotlib.axes.Axes
        Where it was drawn.

    Shapes
    ------
    points : (T + 1, 2) or (T + 1, B, 2)

    Raises
    ------
    TypeError
        If ``points`` is not a tensor.
    ValueError
        If its shape is neither.

    Examples
    --------
    >>> import torch
    >>> ax = plot_path(torch.tensor([[1.0, 1.0], [0.5, 0.5]]), label="descent")
    >>> ax.lines[0].get_xydata().tolist()
    [[1.0, 1.0], [0.5, 0.5]]
    """
    steps = _path_array("points", points, (2, 3), 2)
    if ax is None:
        _, ax = plt.subplots()
    if steps.ndim == 2:
        steps = steps[:, None, :]
    for i in range(steps.shape[1]):
        finite = np.isfinite(steps[:, i]).all(-1)
        n_finite = len(finite) if finite.all() else int(finite.argmin())
        x, y = steps[:n_finite, i].T
        ax.plot(x, y, color=color, linestyle=linestyle, label=label if i == 0 else None, zorder=3)
        if n_finite:
            ax.plot(x[0], y[0], "o", color=color, markerfacecolor="none", markersize=8, zorder=4)
            ax.plot(x[-1], y[-1], "o", color=color, markersize=6, zorder=4)
    return ax


def plot_surface(
    points: Tensor,
    values: Tensor,
    *,
    path_points: Tensor | None = None,
    path_values: Tensor | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw a function of two variables in three dimensions, with a path on it if there is one.

    Parameters
    ----------
    points : Tensor
        A grid, as from :func:`handbook.surfaces.surface_grid`.
    values : Tensor
        The function's values there.
    path_points, path_values : Tensor, optional
        The points and values of one :class:`handbook.descent.Path`.
    ax : matplotlib.axes.Axes, optional
        Axes with ``projection="3d"``; new ones without it.

    Returns
    -------
    matplotlib.axes.Axes
        Where it was drawn.

    Shapes
    ------
    points : (N, M, 2)
    values : (N, M)
    path_points : (T + 1, 2)
    path_values : (T + 1,)

    Raises
    ------
    TypeError
        If an argument is not a tensor or ``ax`` is flat.
    ValueError
        If a shape does not fit, or only one half of the path is given.

    Examples
    --------
    >>> import torch
    >>> from handbook.surfaces import SADDLE, surface_grid
    >>> grid = surface_grid(SADDLE.domain, n_points=21)
    >>> ax = plot_surface(grid, SADDLE(grid))
    >>> ax.name, ax.get_zlabel()
    ('3d', 'f(x, y)')
    """
    x, y, heights = _surface_arrays(points, values)
    if (path_points is None) != (path_values is None):
        raise ValueError("path_points and path_values must come together, got only one of them")
    if ax is None:
        _, ax = plt.subplots(subplot_kw={"projection": "3d", "computed_zorder": False})
    if not isinstance(ax, Axes3D):
        raise TypeError('ax must have projection="3d", got flat axes')
    result: Axes = ax
    # The order of drawing is given by zorder: matplotlib's guess puts the path under the surface.
    ax.computed_zorder = False
    ax.plot_surface(
        x, y, heights, cmap=SEQUENTIAL, rcount=41, ccount=41, linewidth=0, alpha=0.85, zorder=1
    )
    if path_points is not None:
        steps = _path_array("path_points", path_points, (2,), 2)
        along = _path_array("path_values", path_values, (1,), None)
        if len(along) != len(steps):
            raise ValueError(
                f"path_values must have shape ({len(steps)},) to fit path_points, "
                f"got shape {along.shape}"
            )
        ax.plot(steps[:, 0], steps[:, 1], along, color=VERMILLION, zorder=2)
        ax.plot(*steps[-1:].T, along[-1:], "o", color=VERMILLION, zorder=3)
    ax.set_xlabel("x")
    ax.set_ylabel("y")
    ax.set_zlabel("f(x, y)")
    return result


def plot_eigenvectors(
    center: Tensor,
    eigenvalues: Tensor,
    eigenvectors: Tensor,
    *,
    length: float = 1.0,
    ax: Axes | None = None,
) -> Axes:
    """Draw the eigenvectors of a Hessian at a point, each with its curvature.

    Upward curvature is blue and solid, downward vermillion and dashed, none grey and dotted.

    Parameters
    ----------
    center : Tensor
        Where.
    eigenvalues : Tensor
        The curvatures.
    eigenvectors : Tensor
        The directions, one per column.
    length : float, default: 1.0
        How far each line reaches to either side, in the units of the axes.
    ax : matplotlib.axes.Axes, optional
        Where to draw; new axes without it.

    Returns
    -------
    matplotlib.axes.Axes
        Where it was drawn.

    Shapes
    ------
    center : (2,)
    eigenvalues : (2,)
    eigenvectors : (2, 2)

    Raises
    ------
    TypeError
        If an argument is not a tensor.
    ValueError
        If a shape is another.

    Examples
    --------
    >>> import torch
    >>> ax = plot_eigenvectors(torch.zeros(2), torch.tensor([-1.0, 1.0]), torch.eye(2))
    >>> [text.get_text() for text in ax.texts]
    ['−1', '+1']
    """
    middle = _path_array("center", center, (1,), 2)
    curvatures = _path_array("eigenvalues", eigenvalues, (1,), 2)
    directions = _path_array("eigenvectors", eigenvectors, (2,), 2)
    require_shape("eigenvectors", eigenvectors, (2, 2))
    if ax is None:
        _, ax = plt.subplots()
    for curvature, direction in zip(curvatures, directions.T, strict=True):
        if abs(curvature) < 1e-12:
            color, linestyle = GREY, ":"
        else:
            color, linestyle = (BLUE, "-") if curvature > 0 else (VERMILLION, "--")
        if direction[np.abs(direction).argmax()] < 0:  # the sign of an eigenvector is arbitrary
            direction = -direction
        ends = np.stack([middle - length * direction, middle + length * direction])
        ax.plot(*ends.T, color=color, linestyle=linestyle, linewidth=2.5, zorder=5)
        ax.annotate(
            f"{curvature:+.3g}".replace("-", "\N{MINUS SIGN}"),
            ends[1],
            textcoords="offset points",
            xytext=(5, 5),
            color=color,
            fontweight="bold",
            zorder=6,
        )
    return ax


# ---- matrices with numbers ---------------------------------------------------------------------


def plot_matrix(
    matrix: Tensor,
    *,
    decimals: int = 0,
    cmap: str = SEQUENTIAL,
    limits: tuple[float, float] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw a matrix as coloured cells with its numbers written in them.

    Row 0 is on top and column 0 on the left, as in print and in PyTorch's images.

    Parameters
    ----------
    matrix : Tensor
        The numbers; a cell that holds NaN stays empty.
    decimals : int, default: 0
        How many decimals to write.
    cmap : str, optional
        Colour map; ``DIVERGING`` for signed numbers.
    limits : tuple of float, optional
        Numbers at the two ends of the colour map. Without it: the smallest and the largest; with
        ``DIVERGING``, the largest absolute value on both sides of zero.
    ax : matplotlib.axes.Axes, optional
        Where to draw; new axes without it.

    Returns
    -------
    matplotlib.axes.Axes
        Where it was drawn.

    Shapes
    ------
    matrix : (rows, columns)

    Raises
    ------
    TypeError
        If ``matrix`` is not a tensor.
    ValueError
        If it does not have two dimensions.

    Examples
    --------
    >>> import torch
    >>> ax = plot_matrix(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    >>> [text.get_text() for text in ax.texts]
    ['1', '2', '3', '4']
    """
    numbers = _path_array("matrix", matrix, (2,), None)
    known = numbers[np.isfinite(numbers)]
    if limits is None:
        low, high = (known.min(), known.max()) if known.size else (0.0, 1.0)
        if cmap == DIVERGING:
            low, high = -max(-low, high, 0.0), max(-low, high, 0.0)
    else:
        low, high = limits
    if low == high:
        low, high = low - 1, high + 1  # one number only: the middle of the colour map
    if ax is None:
        _, ax = plt.subplots()
    picture = ax.imshow(numbers, cmap=cmap, vmin=low, vmax=high)
    for (row, column), number in np.ndenumerate(numbers):
        if np.isfinite(number):
            red, green, blue, _ = picture.cmap(picture.norm(number))
            is_dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.5
            text = f"{round(number, decimals) + 0.0:.{decimals}f}"  # + 0.0: no negative zero
            ax.text(
                column,
                row,
                text.replace("-", "\N{MINUS SIGN}"),
                ha="center",
                va="center",
                color="white" if is_dark else "black",
            )
    ax.set_xticks(range(numbers.shape[1]))
    ax.set_yticks(range(numbers.shape[0]))
    ax.tick_params(length=0)
    ax.set_xlabel("column")
    ax.set_ylabel("row")
    ax.grid(False)
    return ax


def plot_window(
    ax: Axes,
    rows: tuple[int, int],
    columns: tuple[int, int],
    *,
    color: str = VERMILLION,
    linestyle: str = "-",
) -> Rectangle:
    """Outline a block of cells in a matrix that :func:`plot_matrix` drew.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where the matrix is.
    rows, columns : tuple of int
        First and last row, first and last column of the block.
    color, linestyle : str, optional
        Look of the outline.

    Returns
    -------
    matplotlib.patches.Rectangle
        The outline, to move or to remove.

    Examples
    --------
    >>> import torch
    >>> ax = plot_matrix(torch.zeros(4, 4))
    >>> outline = plot_window(ax, rows=(0, 1), columns=(2, 3))
    >>> outline.get_width(), outline.get_height()
    (2, 2)
    """
    outline = Rectangle(
        (columns[0] - 0.5, rows[0] - 0.5),
        columns[1] - columns[0] + 1,
        rows[1] - rows[0] + 1,
        fill=False,
        edgecolor=color,
        linewidth=3.0,
        linestyle=linestyle,
        zorder=4,
        clip_on=False,
    )
    ax.add_patch(outline)
    return outline


def plot_image(
    image: Tensor, *, limits: tuple[float, float] = (0.0, 1.0), ax: Axes | None = None
) -> Axes:
    """Show an image, channels first, without axes; row 0 is on top.

    Parameters
    ----------
    image : Tensor
        One channel (drawn in grey) or three (red, green, blue).
    limits : tuple of float, optional
        Numbers drawn darkest and brightest; what lies outside is cut off.
    ax : matplotlib.axes.Axes, optional
        Where to draw; new axes without it.

    Returns
    -------
    matplotlib.axes.Axes
        Where it was drawn.

    Shapes
    ------
    image : (H, W), (1, H, W) or (3, H, W)

    Raises
    ------
    TypeError
        If ``image`` is not a tensor.
    ValueError
        If its shape is none of these, or the first of ``limits`` is not the smaller one.

    Examples
    --------
    >>> import torch
    >>> ax = plot_image(torch.zeros(1, 8, 8))
    >>> ax.images[0].get_array().shape
    (8, 8)
    """
    require_shape("image", image, ("H", "W"), (1, "H", "W"), (3, "H", "W"))
    low, high = limits
    if not low < high:
        raise ValueError(f"limits must go from the smaller to the larger number, got {limits}")
    pixels = image.detach().cpu().double().reshape(-1, *image.shape[-2:])
    pixels = ((pixels - low) / (high - low)).clamp(0, 1).permute(1, 2, 0)
    if ax is None:
        _, ax = plt.subplots()
    ax.imshow(pixels.squeeze(-1).numpy(), cmap="gray", vmin=0.0, vmax=1.0)
    ax.set_axis_off()
    return ax


# ---- computational graphs ----------------------------------------------------------------------

_NODE_WIDTH, _NODE_HEIGHT = 0.76, 0.66  # of the distance from one node to the next


def _graph_columns(nodes: Sequence[Scalar]) -> dict[Scalar, int]:
    """Return each node's column: right of its inputs, a given number just left of its first use."""
    column: dict[Scalar, int] = {}
    for node in nodes:
        column[node] = max((column[before] + 1 for before in node.inputs), default=0)
    for node in nodes:
        if not node.inputs:
            users = [column[after] for after in nodes if node in after.inputs]
            column[node] = min(users, default=1) - 1
    return column


def _graph_positions(nodes: Sequence[Scalar]) -> dict[Scalar, tuple[float, float]]:
    """Return where each node stands: in a column, its nodes one above the other, all centred."""
    column = _graph_columns(nodes)
    position: dict[Scalar, tuple[float, float]] = {}
    for x in sorted(set(column.values()), reverse=True):
        members = [node for node in nodes if column[node] == x]
        # Beside the results that use them, the first input above the second.
        wish = {}
        for i, node in enumerate(members):
            users = [
                position[after][1] - 0.1 * after.inputs.index(node)
                for after in nodes
                if node in after.inputs
            ]
            wish[node] = (-float(np.mean(users)) if users else 0.0, i)
        for i, node in enumerate(sorted(members, key=wish.__getitem__)):
            position[node] = (float(x), (len(members) - 1) / 2 - i)
    return position


def _graph_number(number: float) -> str:
    return f"{number + 0.0:.3g}".replace("-", "\N{MINUS SIGN}")


def plot_graph(
    output: Scalar,
    *,
    gradients: Mapping[Scalar, float] | None = None,
    active: Scalar | None = None,
    ax: Axes | None = None,
) -> Axes:
    r"""Draw the graph of a calculation: value and gradient in each node, the slope on each edge.

    The calculation runs from left to right, the gradients from right to left.

    Parameters
    ----------
    output : handbook.autodiff.Scalar
        The result, on the right.
    gradients : dict, optional
        The gradient to show for each node; a node that is not in it shows a dash. Without it, each
        node's own ``gradient``.
    active : handbook.autodiff.Scalar, optional
        A node to stress, together with the edges to its inputs.
    ax : matplotlib.axes.Axes, optional
        Where to draw; new axes without it.

    Returns
    -------
    matplotlib.axes.Axes
        Where it was drawn.

    Raises
    ------
    TypeError
        If ``output`` is not a :class:`handbook.autodiff.Scalar`.
    ValueError
        If ``active`` is not in the graph.

    Examples
    --------
    >>> from handbook.autodiff import Scalar
    >>> x = Scalar(3.0, name="x")
    >>> y = x * x
    >>> y.name = "y"
    >>> y.backward()
    >>> ax = plot_graph(y)
    >>> [text.get_text() for text in ax.texts if "value" in text.get_text()]
    ['x\nvalue 3\ngradient 6', 'y  (*)\nvalue 9\ngradient 1']
    """
    nodes = topological_order(output)
    if active is not None and active not in nodes:
        raise ValueError(f"active must be a node of the graph, got {active!r}")
    if ax is None:
        _, ax = plt.subplots()
    position = _graph_positions(nodes)
    xs, ys = zip(*position.values(), strict=True)
    is_wide = max(xs) - min(xs) > 3  # smaller text where more than four nodes stand side by side
    word, fontsize = ("grad", 9) if is_wide else ("gradient", 12)
    for node in nodes:
        x, y = position[node]
        stressed = node is active
        shown = node.gradient if gradients is None else gradients.get(node)
        gradient = "\N{EN DASH}" if shown is None else _graph_number(shown)
        operation = f"({node.operation})" if node.operation else ""
        head = f"{node.name}  {operation}".strip()
        box = FancyBboxPatch(
            (x - _NODE_WIDTH / 2, y - _NODE_HEIGHT / 2),
            _NODE_WIDTH,
            _NODE_HEIGHT,
            boxstyle="round,pad=0,rounding_size=0.08",
            facecolor="white",
            edgecolor=VERMILLION if stressed else GREY,
            linewidth=3.0 if stressed else 1.5,
            zorder=3,
        )
        ax.add_patch(box)
        ax.text(
            x,
            y,
            f"{head}\nvalue {_graph_number(node.data)}\n{word} {gradient}".lstrip("\n"),
            ha="center",
            va="center",
            fontsize=fontsize,
            zorder=4,
        )
    highest, lowest = max(ys) + 0.3, min(ys) - 0.3
    for node in nodes:
        for i, (before, slope) in enumerate(zip(node.inputs, node.slopes, strict=True)):
            y = _draw_edge(ax, position, node, i, before, slope, stressed=node is active)
            highest, lowest = max(highest, y), min(lowest, y)
    ax.set_xlim(min(xs) - 0.5, max(xs) + 0.5)
    ax.set_ylim(lowest - 0.2, highest + 0.2)
    ax.set_axis_off()
    return ax


def _draw_edge(
    ax: Axes,
    position: Mapping[Scalar, tuple[float, float]],
    node: Scalar,
    i: int,
    before: Scalar,
    slope: float,
    *,
    stressed: bool,
) -> float:
    """Draw the arrow from an input to a result with its slope; return the height of its middle."""
    (x0, y0), (x1, y1) = position[before], position[node]
    start = np.array([x0 + _NODE_WIDTH / 2, y0])
    end = np.array([x1 - _NODE_WIDTH / 2, y1])
    lift = 0.0
    if node.inputs.count(before) > 1:  # two arrows between the same nodes: one above, one below
        lift = 0.5 if node.inputs.index(before) == i else -0.5
    elif any(
        x0 < x < x1 and abs(y - y0 - (y1 - y0) * (x - x0) / (x1 - x0)) < _NODE_HEIGHT
        for x, y in position.values()
    ):  # over what stands in between
        start, end = np.array([x0, y0]), np.array([x1, y1])
        start[1] += _NODE_HEIGHT / 2
        end[1] += _NODE_HEIGHT / 2
        lift = 0.7
    control = (start + end) / 2 + np.array([0.0, lift])
    color = VERMILLION if stressed else BLUE
    ax.add_patch(
        FancyArrowPatch(
            path=CurvePath([start, control, end], [CurvePath.MOVETO] + 2 * [CurvePath.CURVE3]),
            arrowstyle="->",
            mutation_scale=14,
            edgecolor=color,
            facecolor="none",
            linewidth=2.6 if stressed else 1.5,
            zorder=2,
        )
    )
    x, y = (start + 2 * control + end) / 4  # the middle of the curve
    ax.text(
        x,
        y,
        _graph_number(slope),
        ha="center",
        va="center",
        color=color,
        fontweight="bold" if stressed else "normal",
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.0},
        zorder=5,
    )
    return float(y)


# ---- decision regions ----------------------------------------------------------------------------

_CLASS_COLORS = (BLUE, VERMILLION, GREEN, PURPLE, OCHRE, GREY)
_CLASS_MARKERS = ("o", "s", "^", "D", "P", "X", "v")  # seven, so that 42 pairs differ


def _class_indices(name: str, value: object, n_points: int) -> Any:
    """Return class numbers as a NumPy array, after a check."""
    remedy = f"; {name} must be class numbers: take argmax(dim=1) of logits, or z > 0 of one"
    tensor = require_tensor(name, value)
    if tensor.shape != (n_points,):
        raise ValueError(f"{name} must have shape ({n_points},), got {describe(tensor)}{remedy}")
    if tensor.is_floating_point() or tensor.is_complex():
        raise TypeError(f"{name} must hold whole numbers, got {describe(tensor)}{remedy}")
    indices = tensor.detach().cpu().long().numpy()
    if indices.size and indices.min() < 0:
        raise ValueError(f"{name} must be at least 0, got {indices.min()}")
    return indices


def _regions_box(points: Tensor, limits: Any) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the ends of both axes: as given, or around the points with a margin."""
    if limits is None:
        if len(points) == 0:
            raise ValueError("limits must be given where there are no points to fit them to")
        low, high = points.detach().double().aminmax(dim=0)
        margin = torch.where(high > low, 0.1 * (high - low), torch.ones_like(low))
        (left, bottom), (right, top) = (low - margin).tolist(), (high + margin).tolist()
        return (left, right), (bottom, top)
    try:
        (left, right), (bottom, top) = ((float(low), float(high)) for low, high in limits)
    except (TypeError, ValueError):
        raise ValueError(
            f"limits must be ((left, right), (bottom, top)), got {describe(limits)}"
        ) from None
    if not all(np.isfinite([low, high]).all() and low < high for low, high in limits):
        raise ValueError(f"limits must go from the smaller to the larger number, got {limits}")
    return (left, right), (bottom, top)


def plot_decision_regions(
    predict: Callable[[Tensor], Tensor],
    points: Tensor,
    labels: Tensor,
    *,
    names: Sequence[str] | None = None,
    limits: tuple[tuple[float, float], tuple[float, float]] | None = None,
    n_grid: int = 201,
    ax: Axes | None = None,
) -> Axes:
    """Draw which class a classifier gives to each place of the plane, and the samples on it.

    Each class has a colour and a marker. Its region is tinted, and a line runs where the class
    changes. A sample whose marker does not fit its region is classified wrongly.

    Parameters
    ----------
    predict : callable
        Takes points of shape ``(M, 2)`` and returns their class numbers, ``(M,)``, whole numbers
        from 0 or booleans. For a network with a logit for each class, that is
        ``lambda x: network(x).argmax(dim=1)``.
    points : Tensor
        The samples.
    labels : Tensor
        The true class of each sample, whole numbers from 0 or booleans.
    names : sequence of str, optional
        The name of each class, for a legend that you add with ``ax.legend()``. Without it: class 0,
        class 1 and so on.
    limits : tuple of tuple of float, optional
        ``((left, right), (bottom, top))``. Without it, a tenth more than the samples reach.
    n_grid : int, default: 201
        How many places along each axis are asked for their class, at least 2.
    ax : matplotlib.axes.Axes, optional
        Where to draw; new axes without it.

    Returns
    -------
    matplotlib.axes.Axes
        Where it was drawn.

    Shapes
    ------
    points : (N, 2)
    labels : (N,)

    Raises
    ------
    TypeError
        If ``points`` is not a floating-point tensor, or classes are not whole numbers.
    ValueError
        If a shape is another, a point is not finite, a class is negative, there are fewer ``names``
        than classes, ``limits`` are not two rising pairs, or ``n_grid`` is below 2.

    Notes
    -----
    ``predict`` is called once, without recording gradients, with the points of the grid in the
    dtype and on the device of ``points``. The boundary is as fine as the grid.

    Examples
    --------
    >>> points = torch.tensor([[0.0, 0.0], [1.0, 1.0], [2.0, 0.0]])
    >>> ax = plot_decision_regions(lambda x: x[:, 0] > 0.5, points, torch.tensor([0, 1, 1]))
    >>> [line.get_label() for line in ax.lines], [line.get_marker() for line in ax.lines]
    (['class 0', 'class 1'], ['o', 's'])
    >>> plot_decision_regions(lambda x: x, points, torch.tensor([0, 1, 1]))
    Traceback (most recent call last):
        ...
    ValueError: predict(points) must have shape (40401,), got a float32 tensor of shape ...
    """
    require_shape("points", require_finite("points", require_floating("points", points)), ("N", 2))
    classes = _class_indices("labels", labels, len(points))
    require_integer("n_grid", n_grid, minimum=2)
    box = _regions_box(points, limits)
    x, y = (np.linspace(low, high, n_grid) for low, high in box)
    grid = torch.tensor(np.stack(np.meshgrid(x, y), axis=-1)).reshape(-1, 2)  # rows run along x
    with torch.no_grad():
        predicted = predict(grid.to(points))
    regions = _class_indices("predict(points)", predicted, len(grid)).reshape(n_grid, n_grid)
    n_classes = 1 + max(classes.max(initial=0), regions.max())
    if names is not None and len(names) < n_classes:
        raise ValueError(f"names must hold {n_classes} names, one for each class, got {len(names)}")
    if ax is None:
        _, ax = plt.subplots()
    found = np.unique(regions).tolist()
    for k in found:
        inside = (regions == k).astype(float)
        color = _CLASS_COLORS[k % len(_CLASS_COLORS)]
        ax.contourf(x, y, inside, levels=[0.5, 1.5], colors=[color], alpha=0.18, zorder=0.5)
        if k != found[-1]:  # the last one's border has been drawn from the other side
            ax.contour(x, y, inside, levels=[0.5], colors=[TRUTH], linewidths=1.5, zorder=1.5)
    samples = points.detach().cpu().double().numpy()
    for k in range(n_classes):
        ax.plot(
            *samples[classes == k].T,
            linestyle="none",
            marker=_CLASS_MARKERS[k % len(_CLASS_MARKERS)],
            color=_CLASS_COLORS[k % len(_CLASS_COLORS)],
            markeredgecolor="white",
            markeredgewidth=0.6,
            markersize=6,
            label=f"class {k}" if names is None else names[k],
            zorder=2.5,
        )
    ax.set_xlim(box[0])
    ax.set_ylim(box[1])
    ax.grid(False)
    return ax
