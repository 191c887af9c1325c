"""
Why does descent stall on the ridge?
====================================

Along the ridge of a saddle every step of gradient descent leads straight to the saddle point, where
the gradient vanishes. A start beside the ridge gets there too, or almost: its small distance from
the ridge grows by a constant factor per step, and a factor takes a while to turn 10⁻¹² into 1. The
loss curve shows a plateau, and its length follows the logarithm of the distance.
"""

import math

import matplotlib.pyplot as plt
import torch

from handbook.descent import escape_steps, gradient_descent, measured_escape_steps
from handbook.device import get_device
from handbook.plots import BLUE, GREEN, PURPLE, STYLE, VERMILLION, plot_contours, plot_path
from handbook.seeding import make_generator
from handbook.surfaces import DOUBLE_WELL, surface_grid

plt.style.use(STYLE)
device = get_device()

# %%
# The surface has a saddle at the origin between two minima. The ridge is the line y = 0. Four
# starts have the same x and different distances from the ridge, one of them exactly zero.

learning_rate, n_steps, radius = 0.1, 400, 0.1
distances = [1e-2, 1e-6, 1e-12, 0.0]
start = torch.tensor([[1.2, distance] for distance in distances], device=device)
path = gradient_descent(DOUBLE_WELL, start, learning_rate=learning_rate, n_steps=n_steps)

# %%
# Near the saddle the curvature along y is −1, so the distance grows by the factor 1 + rate per
# step. That predicts the step at which a path leaves the saddle, here by 0.1.

down = torch.tensor([0.0, 1.0], device=device)
measured = measured_escape_steps(path.points, direction=down, radius=radius)
print("distance  predicted  measured")
for distance, steps in zip(distances, measured.tolist(), strict=True):
    predicted = escape_steps(-1.0, distance=distance, radius=radius, learning_rate=learning_rate)
    shown = f"{math.ceil(predicted)}" if math.isfinite(predicted) else "never"
    came = f"{steps:.0f}" if math.isfinite(steps) else "never"
    print(f"{distance:8.0e}  {shown:>9}  {came:>8}")
    assert steps == (predicted if math.isinf(predicted) else math.ceil(predicted))

# %%
# From above, the three starts closest to the ridge cannot be told apart until they have passed the
# saddle. In the loss they can: each factor of a million in the distance buys the same stretch of
# plateau.

fig, (overview, curve) = plt.subplots(2, 1, figsize=(6.4, 8.0))
grid = surface_grid(DOUBLE_WELL.domain, n_points=101, device=device)
levels = [0.02, 0.1, 0.2, 0.25, 0.4, 0.7, 1.1]
plot_contours(grid, DOUBLE_WELL(grid), levels=levels, ax=overview)
names = ["$10^{-2}$", "$10^{-6}$", "$10^{-12}$", "0: stays for ever"]
colors, linestyles = [BLUE, GREEN, PURPLE, VERMILLION], ["-", "-.", ":", "--"]
for i, (name, color, linestyle) in enumerate(zip(names, colors, linestyles, strict=True)):
    plot_path(path.points[:, i], color=color, linestyle=linestyle, ax=overview)
    curve.plot(path.values[:, i].cpu(), color=color, linestyle=linestyle, label=name)
overview.set_title("Starts beside the ridge pass the saddle,\nthe start on the ridge stops there")
curve.axhline(0.25, color="0.5", linewidth=1)
curve.annotate(
    "height of the saddle", (n_steps, 0.25), xytext=(0, 4), ha="right", textcoords="offset points"
)
curve.set_ylim(-0.05, 0.6)
curve.set_xlabel("step")
curve.set_ylabel("loss (dimensionless)")
curve.legend(title="distance from the ridge", loc="upper right")
curve.set_title("The plateau grows with the logarithm\nof the distance from the ridge")

# %%
# How likely is the ridge?
# ------------------------
# The starts that end at the saddle fill a line, and a line has no area. A start drawn at random
# misses it. A start chosen by hand may not: a zero is the most common number to write down.

n_starts = 10_000
start = (3 * torch.rand(n_starts, 2, generator=make_generator(0)) - 1.5).to(device)
ends = gradient_descent(DOUBLE_WELL, start, learning_rate=learning_rate, n_steps=n_steps)
upper = (ends.points[-1] - torch.tensor([0.0, 1.0], device=device)).norm(dim=-1) < 0.01
lower = (ends.points[-1] + torch.tensor([0.0, 1.0], device=device)).norm(dim=-1) < 0.01
elsewhere = n_starts - int(upper.sum()) - int(lower.sum())
print(f"of {n_starts} random starts, {elsewhere} did not reach a minimum")
assert elsewhere == 0

# %%
# Change this and see
# -------------------
#
# - Set ``learning_rate = 0.01``: every plateau becomes about ten times as long, because the growth
#   per step is 1.01 and no longer 1.1. Raise ``n_steps`` to see its end.
# - Replace the distance ``1e-12`` by ``1e-50`` and set ``n_steps = 1300``: the assertion fails,
#   because float32 has no such number. It is rounded to zero, and that start is on the ridge. With
#   ``dtype=torch.float64`` in ``start`` and in ``down`` the path escapes, as predicted.
# - Turn the surface by 30 degrees: with ``c, s = 0.75**0.5, 0.5`` and
#   ``turn = torch.tensor([[c, -s], [s, c]])``, walk on
#   ``lambda points: DOUBLE_WELL(points @ turn)`` from ``torch.tensor([1.2, 0.0]) @ turn.T``.
#   Rounding puts this start a hair beside the turned ridge, and the path escapes.

plt.show()
