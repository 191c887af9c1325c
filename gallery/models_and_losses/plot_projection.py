"""
Least squares is a projection
=============================

Why is the best fit the one whose errors stand at right angles to the inputs? Two samples and one
weight are enough to see it: then all targets that the model can produce lie on a line.
"""

# %%
# The model is y = w x, without a bias. Two samples have the inputs x = (2, 1) and the targets
# y = (1, 2). Whatever w is, the two predictions are w times (2, 1).

import matplotlib.pyplot as plt
import torch

from handbook.device import get_device
from handbook.linear_models import least_squares
from handbook.plots import BLUE, STYLE, TRUTH, VERMILLION

plt.style.use(STYLE)
device = get_device()

design = torch.tensor([[2.0], [1.0]], device=device)  # (N, D) = (2, 1)
targets = torch.tensor([1.0, 2.0], device=device)
w = least_squares(design, targets)
fitted = design @ w
residual = targets - fitted
print(f"w = {w.item():.1f}, predictions ({fitted[0]:.1f}, {fitted[1]:.1f})")
print(f"residual ({residual[0]:.1f}, {residual[1]:.1f})")
assert abs((residual @ design[:, 0]).item()) < 1e-6

# %%
# The same numbers, drawn in two ways. Above, each sample is a point and the fit is a line. Below,
# each *sample* is an axis: all targets together are one point, and so are all predictions.

x, y, p = design[:, 0].cpu(), targets.cpu(), fitted.cpu()
fig, (top, bottom) = plt.subplots(2, 1, figsize=(6.0, 9.2))
ends = torch.tensor([0.0, 2.6])
top.plot(ends, ends * w.item(), color=BLUE, label="fit: y = 0.8 x")
for i in range(2):
    label = "errors" if i == 0 else None
    top.plot([x[i], x[i]], [p[i], y[i]], color=VERMILLION, linestyle="--", label=label)
top.plot(x, y, "o", color=TRUTH, markersize=8, label="samples")
top.set_title("The fit leaves the smallest sum of squared errors")
top.set_xlabel("input x (dimensionless)")
top.set_ylabel("target y (dimensionless)")
top.set_xlim(0, 2.6)
top.set_ylim(0, 2.4)
top.legend(loc="lower right")

reach = torch.tensor([-0.1, 1.25])
bottom.plot(reach * x[0], reach * x[1], color=BLUE, label="all predictions w · (2, 1)")
bottom.plot([p[0], y[0]], [p[1], y[1]], color=VERMILLION, linestyle="--", label="error")
for share in (0.2, 0.5, 1.1):
    other = share * x
    bottom.plot([other[0], y[0]], [other[1], y[1]], color=TRUTH, linestyle=":", linewidth=1.2)
# A small square marks the right angle.
along, away = x / x.norm(), (y - p) / (y - p).norm()
corner = torch.stack([p - 0.15 * along, p - 0.15 * (along - away), p + 0.15 * away])
bottom.plot(corner[:, 0], corner[:, 1], color=VERMILLION, linewidth=1.2, linestyle="-")
bottom.plot(*y, "o", color=TRUTH, markersize=8, label="targets (1, 2)")
bottom.plot(*p, "s", color=BLUE, markersize=8, label="fit (1.6, 0.8)")
bottom.set_aspect("equal")
bottom.set_xlim(-0.3, 2.7)
bottom.set_ylim(-1.1, 2.4)
bottom.set_title("The closest point of the line to the targets:\nthe error stands at right angles")
bottom.set_xlabel("first sample (dimensionless)")
bottom.set_ylabel("second sample (dimensionless)")
bottom.legend(loc="lower right")

# %%
# With N samples and D columns the line becomes a D-dimensional plane through the origin of an
# N-dimensional space, the column space. The rest stays: the fit is the shadow of the targets on it.
#
# Change this and see
# -------------------
# - Set ``targets`` to ``[2.0, 1.0]``: they lie on the line, and the error is zero.
# - Set ``targets`` to ``[-1.0, 2.0]``: they stand at right angles to the inputs, w is 0, and
#   nothing is explained.
# - Give ``design`` a second column of ones, and print ``residual`` where it is computed: two
#   columns span the whole plane, so every pair of targets is fitted exactly. The script ends
#   there, because it has one weight to print and to draw.

plt.show()
