"""
What does a saddle look like?
=============================

At a saddle point the ground is level, and yet it is neither the top nor the bottom. Along one
direction you stand at the lowest place, along another at the highest. The Hessian, the matrix of
second derivatives, tells which: its eigenvectors are those directions, and its eigenvalues are the
curvatures along them.
"""

import matplotlib.pyplot as plt
import torch

from handbook.descent import gradient_descent
from handbook.device import get_device
from handbook.plots import (
    BLUE,
    STYLE,
    VERMILLION,
    plot_contours,
    plot_eigenvectors,
    plot_surface,
)
from handbook.surfaces import (
    MONKEY_SADDLE,
    SADDLE,
    classify_critical_point,
    gradient,
    hessian,
    surface_grid,
)

plt.style.use(STYLE)
device = get_device()

# %%
# Take f(x, y) = (x² − y²) / 2. At the origin the gradient is zero. The Hessian has one positive
# and one negative eigenvalue, and that is what makes the point a saddle.

function, domain = SADDLE, SADDLE.domain
origin = torch.zeros(2, device=device)
slope = gradient(function, origin)
point = classify_critical_point(hessian(function, origin))
print("gradient   ", slope.abs().tolist())
print("eigenvalues", [round(value, 3) for value in point.eigenvalues.tolist()])
print("kind       ", point.kind)
assert point.kind == "saddle"
assert not slope.any()

# %%
# The path on the surface is gradient descent from a place beside the ridge: down to the saddle,
# slowly past it, and away. The map below is the same surface from above. Lines of equal height are
# dashed where the height is negative. Through the saddle itself run two level lines that cross:
# they part the ground that rises from the ground that falls.

start = torch.tensor([1.9, -0.02], device=device)
path = gradient_descent(function, start, learning_rate=0.1, n_steps=48)
grid = surface_grid(domain, n_points=81, device=device)
fig = plt.figure(figsize=(6.4, 8.2))
view = fig.add_subplot(2, 1, 1, projection="3d")
plot_surface(grid, function(grid), path_points=path.points, path_values=path.values, ax=view)
view.view_init(elev=25, azim=-55)
view.set_title("A saddle rises both ways along x\nand falls both ways along y")
overview = fig.add_subplot(2, 1, 2)
plot_contours(grid, function(grid), ax=overview)
plot_eigenvectors(origin, point.eigenvalues, point.eigenvectors, ax=overview)
overview.set_aspect("equal")
overview.set_title(
    "The Hessian's eigenvectors are those two ways,\nits eigenvalues their curvatures"
)

# %%
# When the Hessian is silent
# --------------------------
# The monkey saddle, f(x, y) = x³ − 3xy², has three ways down, one for each leg and one for the
# tail. At its centre *all* second derivatives are zero. The eigenvalues are then no help: the same
# Hessian of zeros belongs to x⁴ + y⁴, which has a minimum. Such a point is called degenerate, and
# one has to look at higher derivatives.

point = classify_critical_point(hessian(MONKEY_SADDLE, origin))
print("eigenvalues", [round(abs(value), 3) for value in point.eigenvalues.tolist()])
print("kind       ", point.kind)
assert point.kind == "degenerate"

angle = torch.linspace(0, 2 * torch.pi, 181, device=device)
circle = torch.stack([angle.cos(), angle.sin()], -1)

fig, ax = plt.subplots()
degrees = angle.rad2deg().cpu()
ax.axhline(0, color="0.5", linewidth=1)
ax.plot(degrees, SADDLE(circle).cpu(), color=BLUE, linestyle="-")
ax.plot(degrees, MONKEY_SADDLE(circle).cpu(), color=VERMILLION, linestyle="--")
ax.annotate("saddle", (180, 0.5), xytext=(180, 0.62), color=BLUE, ha="center", va="bottom")
ax.annotate("monkey saddle", (120, 1.0), xytext=(120, 1.04), color=VERMILLION, ha="center")
ax.set_xticks(range(0, 361, 60))
ax.set_ylim(-1.2, 1.25)
ax.set_xlabel("direction walked from the centre (degrees)")
ax.set_ylabel("height at distance 1 (dimensionless)")
ax.set_title("Once around: a saddle falls two ways,\na monkey saddle three")

# %%
# Change this and see
# -------------------
#
# - Set ``function = lambda points: points[..., 0] * points[..., 1]``: the same saddle, turned by 45
#   degrees. The eigenvalues stay −1 and 1, and the eigenvectors turn with the saddle, although the
#   Hessian's diagonal is now zero.
# - Set ``function = lambda points: points[..., 0] ** 2 / 2 - 2 * points[..., 1] ** 2``: the
#   crossing level lines close in on the x axis, the curvatures read +1 and −4, and the path leaves
#   earlier. Take fewer steps to keep it in the picture.
# - Classify the monkey saddle with ``points[..., 0] ** 2`` added to it: one eigenvalue becomes 2,
#   the other stays 0, and the point is still degenerate.

plt.show()
