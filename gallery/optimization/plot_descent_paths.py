"""
Which way does gradient descent go?
===================================

Downhill, as steeply as it can, at the place where it stands. It does not look further: not along
the valley, not to the minimum. Such a method is called greedy. On an elongated bowl the steepest
way and the way to the minimum are two different directions, and the path pays for it.
"""

import matplotlib.pyplot as plt
import torch

from handbook.convergence import steepest_direction
from handbook.descent import gradient_descent
from handbook.device import get_device
from handbook.plots import BLUE, GREEN, PURPLE, STYLE, TRUTH, plot_contours, plot_path, plot_surface
from handbook.surfaces import quadratic_surface, surface_grid

plt.style.use(STYLE)
device = get_device()

# %%
# The bowl is ten times as steep along y as along x. Two paths start at the same place: one with a
# small rate, one with a rate just below the largest that converges, 2/10. Look at the level lines.
# The small steps cross each at a right angle. The large ones jump over the floor of the valley and
# back.

curvatures = (1.0, 10.0)
function = quadratic_surface(curvatures)
start = torch.tensor([1.8, 0.9], device=device)
rates = [0.01, 0.18]
paths = [gradient_descent(function, start, learning_rate=rate, n_steps=300) for rate in rates]
domain = ((-2.0, 2.0), (-1.2, 1.2))
grid = surface_grid(domain, n_points=81, device=device)

fig = plt.figure(figsize=(6.4, 8.6))
view = fig.add_subplot(2, 1, 1, projection="3d")
plot_surface(
    grid, function(grid), path_points=paths[1].points, path_values=paths[1].values, ax=view
)
view.view_init(elev=38, azim=-62)
view.set_title(
    "Each step goes down the steepest way\nfrom where it stands, over the valley's floor"
)
overview = fig.add_subplot(2, 1, 2)
plot_contours(grid, function(grid), levels=[0.1, 0.5, 1.5, 3, 5, 7], labels=False, ax=overview)
for path, rate, color, linestyle in zip(paths, rates, (BLUE, PURPLE), ("-", "--"), strict=True):
    plot_path(path.points, color=color, linestyle=linestyle, label=f"rate {rate}", ax=overview)
straight = torch.stack([start, torch.zeros_like(start)]).cpu()
overview.plot(*straight.T, color=TRUTH, linestyle=":", label="straight to the minimum")
overview.set_aspect("equal")
overview.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2)
overview.set_title("Small steps cross the level lines\nat a right angle, large ones zigzag")

# %%
# How far the two directions are apart depends on the place. At the start, the steepest way is
# nearly straight down in y:

slope = function.gradient(start)
steepest = steepest_direction(slope)
to_minimum = -start / start.norm()
angle = torch.rad2deg(torch.arccos((steepest @ to_minimum).clamp(max=1))).item()
print(f"angle between the steepest way and the way to the minimum: {angle:.0f} degrees")
assert 45 < angle < 60

# %%
# Steepest for whom?
# ------------------
# "Steepest" compares directions of equal length, so it depends on what length means. The outlines
# hold all steps of length 1 in three norms: the circle (root of the sum of squares), the square
# (largest coordinate) and the diamond (sum of the coordinates). The tangent plane of the function
# falls to its lowest value on each outline at another place, where its level line touches.
#
# The circle gives minus the gradient. The square gives minus its signs, and the diamond moves the
# one coordinate with the largest slope. All three are descent, and only the first is "the"
# gradient's direction.

turns = torch.linspace(0, 2 * torch.pi, 241)
circle = torch.stack([turns.cos(), turns.sin()], -1)
outlines = {
    "euclidean": circle,
    "max": torch.tensor([[1.0, 1], [-1, 1], [-1, -1], [1, -1], [1, 1]]),
    "sum": torch.tensor([[1.0, 0], [0, 1], [-1, 0], [0, -1], [1, 0]]),
}
names = {
    "euclidean": "euclidean: −gradient",
    "max": "max: −signs",
    "sum": "sum: one coordinate",
}
looks = {"euclidean": (BLUE, "-"), "max": (PURPLE, "--"), "sum": (GREEN, "-.")}
slope = torch.tensor([0.5, 1.0])
fig, ax = plt.subplots(figsize=(6.0, 6.2))
for norm, outline in outlines.items():
    color, linestyle = looks[norm]
    ax.plot(*outline.T, color=color, linestyle=linestyle, linewidth=1.5)
    way = steepest_direction(slope, norm=norm)
    ax.annotate("", way, (0, 0), arrowprops={"arrowstyle": "-|>", "color": color, "linewidth": 2.5})
    ax.plot([], [], color=color, linestyle=linestyle, label=names[norm])
    # The level line of the tangent plane that touches the outline at the tip of the arrow.
    along = torch.tensor([slope[1], -slope[0]]) / slope.norm()
    ends = torch.stack([way - 0.5 * along, way + 0.5 * along])
    ax.plot(*ends.T, color=TRUTH, linestyle="-", linewidth=1)
    print(f"{norm:9}  falls by {-(slope @ way).item():.2f} per unit of length")
ax.set_xlim(-1.75, 1.75)
ax.set_ylim(-1.6, 1.25)
ax.set_aspect("equal")
ax.set_xlabel("change of x (dimensionless)")
ax.set_ylabel("change of y (dimensionless)")
ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=2)
ax.set_title("One gradient, three steepest ways:\nit depends on how a step is measured")

# %%
# Change this and see
# -------------------
#
# - Set ``curvatures = (1.0, 1.0)``: the level lines are circles. The angle is 0, both paths lie on
#   the straight line, and the assertion fails, as it should.
# - Set ``rates = [0.01, 0.21]`` and ``n_steps=30``: the second rate is beyond 2/10, and the zigzag
#   grows until it leaves the picture.
# - Set ``slope = torch.tensor([0.0, 1.0])`` for the last figure: circle and diamond agree, and on
#   the square a whole side is equally steep. ``steepest_direction`` then returns its middle.

plt.show()
