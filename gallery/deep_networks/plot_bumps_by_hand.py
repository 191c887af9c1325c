r"""
How do a few units draw any curve?
==================================

One logistic unit draws a step. Two draw a bump, many a staircase, and relu units a polygon. All of
their weights can be written down, from the values of the curve alone: nothing is trained here.
"""

# %%
# A step, and a bump
# ------------------
# The unit :math:`\sigma(k (x - e))` goes from 0 to 1 at the edge :math:`e`. The larger its weight
# :math:`k`, the steeper the step. A second unit with a negative output weight takes it back.

import math

import matplotlib.pyplot as plt
import torch
from matplotlib.animation import FuncAnimation

from handbook.approximation import (
    bump_network,
    polygon_bound,
    polygon_network,
    staircase_bound,
    staircase_network,
)
from handbook.plots import BLUE, GREEN, STYLE, TRUTH, VERMILLION

plt.style.use(STYLE)
x = torch.linspace(0, 1, 1001, dtype=torch.float64)

fig, ax = plt.subplots()
for steepness, color, linestyle in ((10, GREEN, ":"), (30, VERMILLION, "--"), (200, BLUE, "-")):
    bump = bump_network(0.3, 0.7, steepness=steepness)
    ax.plot(x, bump(x), color=color, linestyle=linestyle, label=f"k = {steepness}")
    highest = bump(torch.tensor(0.5, dtype=torch.float64)).item()
    print(f"k = {steepness:3}: in the middle the bump is {highest:.2f} high")
    assert abs(highest - math.tanh(steepness * 0.4 / 4)) < 1e-9
ax.set_title("Two logistic units make a bump:\nthe larger the weights, the squarer")
ax.set_xlabel("x (dimensionless)")
ax.set_ylabel("network (dimensionless)")
ax.legend(loc="upper left")

# %%
# More and more units
# -------------------
# Bumps side by side, each as high as the curve in the middle of its cell, make a staircase. The
# relu network below it joins points of the curve by straight lines: each unit changes the slope at
# its own knot. Step through networks of 2 to 32 units.


def curve(x):
    """Return the curve to be drawn: a slow wave with a faster one on top."""
    return torch.sin(2 * math.pi * x) + 0.5 * torch.sin(6 * math.pi * x)


slope = 2 * math.pi * torch.cos(2 * math.pi * x) + 3 * math.pi * torch.cos(6 * math.pi * x)
bend = (2 * math.pi) ** 2 * torch.sin(2 * math.pi * x)
bend += 0.5 * (6 * math.pi) ** 2 * torch.sin(6 * math.pi * x)
lipschitz, curvature = slope.abs().max().item(), bend.abs().max().item()
# What the grid cannot see between its points: the third derivative times half their distance.
curvature += (2 * math.pi) ** 3 * (1 + 0.5 * 3**3) * 0.0005
widths = [2, 4, 8, 16, 32]
drawn = []
for width in widths:
    cells = torch.linspace(0, 1, width + 2, dtype=torch.float64)  # one cell more than steps
    knots = torch.linspace(0, 1, width + 1, dtype=torch.float64)
    stairs = staircase_network(cells, curve((cells[1:] + cells[:-1]) / 2))
    polygon = polygon_network(knots, curve(knots))
    assert stairs.n_units == polygon.n_units == width
    misses = [(network(x) - curve(x)).abs().max().item() for network in (stairs, polygon)]
    bounds = staircase_bound(cells, lipschitz).item(), polygon_bound(knots, curvature).item()
    assert all(miss <= bound for miss, bound in zip(misses, bounds, strict=True))
    drawn.append((knots, stairs, polygon, *misses))
    print(
        f"{width:2} units: stairs miss by {misses[0]:.3f} (bound {bounds[0]:.2f}), "
        f"the polygon by {misses[1]:.3f} (bound {bounds[1]:.2f})"
    )

fig, axs = plt.subplots(2, 1, figsize=(6.2, 6.6), sharex=True)


def draw_width(frame):
    """Draw both networks of one width."""
    knots, stairs, polygon, stairs_miss, polygon_miss = drawn[frame]
    for ax in axs:
        ax.clear()
        ax.plot(x, curve(x), color=TRUTH, linestyle=":", label="curve")
        ax.set_ylabel("y (dimensionless)")
        ax.set_ylim(-1.5, 1.9)
    axs[0].plot(x, stairs(x), color=VERMILLION, linestyle="-", label="stairs")
    axs[1].plot(x, polygon(x), color=BLUE, linestyle="-", label="polygon")
    if len(knots) < 20:
        axs[1].plot(knots, curve(knots), color=BLUE, linestyle="", marker="o", markersize=5)
    axs[0].set_title(f"{stairs.n_units} logistic units: off by {stairs_miss:.2f} at most")
    axs[1].set_title(f"{polygon.n_units} relu units: off by {polygon_miss:.2f} at most")
    axs[1].set_xlabel("x (dimensionless)")
    for ax in axs:
        ax.legend(loc="upper right", ncols=2)
    fig.suptitle(
        "With more units, stairs and polygons come nearer\nto the curve, polygons faster",
        x=0.02,
        ha="left",
    )


animation = FuncAnimation(fig, draw_width, frames=len(widths), interval=1500)
animation.poster_frame = 3

# %%
# With 2 units all three knots fall where the curve is zero, so the polygon is flat. A bound is a
# promise about the worst curve; from 16 units on, both are close to theirs.
#
# Change this and see
# -------------------
#
# - Add ``steepness=20.0`` to ``staircase_network(...)``, and to ``staircase_bound``: with many
#   cells the steps run into each other, and the stairs become a smooth curve. The bound is now very
#   cautious.
# - Let ``curve`` return ``(x - 0.5).abs().sqrt()`` and remove the assertion on the bounds: at the
#   cusp no bound on the slope holds, and both kinds of network become slow.
# - Let ``curve`` return ``(x - 0.5).abs()``: with an even number of units the polygon is exact.

plt.show()
