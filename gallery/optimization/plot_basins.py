"""
Where does descent end?
=======================

Where its start decides. A function with several minima divides the plane into basins of attraction:
all starts in one basin end in the same minimum, whether it is the best or not. Descent never looks
over the hill.
"""

import matplotlib.pyplot as plt
import torch
from matplotlib.colors import ListedColormap

from handbook.basins import basins_of_attraction
from handbook.descent import gradient_descent
from handbook.device import get_device
from handbook.plots import BLUE, GREEN, OCHRE, PURPLE, STYLE, TRUTH, VERMILLION, plot_contours
from handbook.surfaces import HIMMELBLAU, UNEVEN_WELLS, surface_grid

plt.style.use(STYLE)
device = get_device()

# %%
# One variable first. The function has a good minimum at −2 and a worse one at 1. The hill at 0
# between them is the border: five starts to its left, five to its right.

function = UNEVEN_WELLS
starts = torch.tensor([[-2.9], [-1.2], [-0.6], [-0.3], [-0.1], [0.1], [0.3], [0.6], [1.3], [1.8]])
path = gradient_descent(function, starts.double(), learning_rate=0.05, n_steps=300)
x = torch.linspace(-3.0, 2.0, 201, dtype=torch.float64)
fig, ax = plt.subplots(figsize=(6.4, 4.4))
ax.plot(x, function(x.unsqueeze(-1)), color=TRUTH, linewidth=1.5)
ends = path.points[-1].squeeze(-1)
for i, end in enumerate(ends.tolist()):
    color, marker = (BLUE, "o") if end < 0 else (VERMILLION, "s")
    ax.plot(path.points[:, i], path.values[:, i], color=color, linestyle="-", alpha=0.5)
    ax.plot(
        starts[i], function(starts[i]), marker, color=color, markerfacecolor="none", markersize=8
    )
ax.plot(-2, function(torch.tensor([-2.0])), "o", color=BLUE, markersize=10)
ax.plot(1, function(torch.tensor([1.0])), "s", color=VERMILLION, markersize=10)
ax.annotate("left of the hill:\nto the better one", (-1.35, 0.8), color=BLUE, ha="center")
ax.annotate("right of it:\nto the worse one", (0.55, 1.0), color=VERMILLION, ha="center")
ax.set_ylim(-3.2, 3)
ax.set_xlabel("x (dimensionless)")
ax.set_ylabel("f(x) (dimensionless)")
ax.set_title("Every start rolls into the minimum on its own side,\nand stays there")
print("ends:", [round(end, 3) + 0.0 for end in ends.tolist()])
assert torch.allclose(ends, torch.tensor([-2.0] * 5 + [1.0] * 5, dtype=torch.float64), atol=1e-3)

# %%
# Four minima in the plane
# ------------------------
# Himmelblau's function has four minima of equal height. Each point of the map is a start, coloured
# by the minimum where descent from there arrives. The borders run over the ridges, through the
# saddles.


def basin_map(rate, n_steps, n_points=141):
    """Return a grid of starts, and the number of the minimum that each arrives at."""
    grid = surface_grid(HIMMELBLAU.domain, n_points=n_points, dtype=torch.float64)
    found = basins_of_attraction(
        HIMMELBLAU, grid, minima, learning_rate=rate, n_steps=n_steps, radius=0.1
    )
    return grid, found


minima = HIMMELBLAU.minima()
small_rate, large_rate = 0.002, 0.0145
colors = [BLUE, VERMILLION, GREEN, PURPLE]
markers = ["o", "s", "^", "D"]
maps = {}
for rate, n_steps in ((small_rate, 250), (large_rate, 150)):
    grid, found = basin_map(rate, n_steps)
    maps[rate] = found
    fig, ax = plt.subplots(figsize=(5.6, 5.5))
    cmap = ListedColormap(["#BBBBBB", *colors])
    ax.pcolormesh(
        grid[..., 0],
        grid[..., 1],
        found,
        cmap=cmap,
        vmin=-1.5,
        vmax=3.5,
        alpha=0.45,
        rasterized=True,
    )
    plot_contours(
        grid, HIMMELBLAU(grid), levels=[2, 10, 30, 60, 100, 150, 220, 350], labels=False, ax=ax
    )
    for place, color, marker in zip(minima, colors, markers, strict=True):
        ax.plot(*place, marker, color=color, markeredgecolor="white", markersize=11, zorder=5)
    saddles = torch.tensor(HIMMELBLAU.critical_points)[
        [point.kind == "saddle" for point in HIMMELBLAU.classified()]
    ]
    ax.plot(*saddles.T, "X", color=OCHRE, markeredgecolor="white", markersize=10, zorder=5)
    if rate == small_rate:
        begin = torch.tensor([[-0.6, -0.2], [0.3, -0.4], [-0.9, -1.9], [0.4, 0.4]]).double()
        walks = gradient_descent(HIMMELBLAU, begin, learning_rate=rate, n_steps=250)
        for i in range(len(begin)):
            ax.plot(*walks.points[:, i].T, color=TRUTH, linestyle="-", linewidth=1.5, zorder=4)
            ax.plot(*begin[i], "o", color=TRUTH, markersize=5, zorder=6)
        ax.set_title("Four basins, divided by ridges that run\nthrough the saddles (crosses)")
    else:
        ax.set_title(
            "With a rate near the limit corners change hands:\na step jumps over the ridge"
        )
    ax.set_aspect("equal")

# %%
# The second map uses a rate close to the limit :math:`2 / \lambda_{\max}` of the steepest minimum.
# The basins are no longer those of the surface: where the ground is steep, the first steps are so
# long that they land anywhere.

for rate, found in maps.items():
    shares = (found + 1).flatten().bincount(minlength=5) / found.numel()
    print(f"rate {rate:.4f}: shares of the four basins", [round(s, 1) for s in shares[1:].tolist()])
changed = (maps[small_rate] != maps[large_rate]) & (maps[large_rate] >= 0)
print(f"starts that change their minimum with the large rate: {changed.double().mean():.0%}")
assert (maps[small_rate] >= 0).double().mean() > 0.99
assert changed.double().mean() > 0.03

# %%
# Change this and see
# -------------------
#
# - In the first figure set ``learning_rate=0.3``: the start at −2.9 ends on the right. A large step
#   can leave a basin, and the assertion fails.
# - Set ``large_rate = 0.005``: the borders are nearly those of the first map, and the last
#   assertion fails. Set 0.016: the steepest minimum is unstable, and nobody arrives there.
# - Add a start at ``[0.0]`` to the first figure, and take the assertion on the ends out: it
#   stands on the top of the hill, and stays.

plt.show()
