"""
Which way does the cross-entropy push?
======================================

The gradient of the cross-entropy with respect to the logits is *prediction less truth*. Draw it as
arrows, and compare it with that of the squared error of the same probabilities, where a model is
wrong and sure of it.
"""

import matplotlib.pyplot as plt
import torch

from handbook.activations import softmax
from handbook.device import get_device
from handbook.losses import cross_entropy, mse_loss, one_hot
from handbook.plots import BLUE, GREY, STYLE, TRUTH, VERMILLION, plot_contours

plt.style.use(STYLE)
device = get_device()

# %%
# The surface
# -----------
#
# Three classes, the first is true. Only differences of logits count, so hold the third at 0 and
# vary the two others.

axis = torch.linspace(-4, 4, 81, device=device)
z1, z2 = torch.meshgrid(axis, axis, indexing="xy")
logits = torch.stack([z1, z2, torch.zeros_like(z1)], dim=2).flatten(0, 1)  # (K, 3)
target = torch.zeros(len(logits), dtype=torch.int64, device=device)
surface = cross_entropy(logits, target, reduction="none").reshape(z1.shape)

coarse = torch.linspace(-3.5, 3.5, 8, device=device)
a, b = torch.meshgrid(coarse, coarse, indexing="xy")
points = torch.stack([a, b, torch.zeros_like(a)], dim=2).flatten(0, 1).requires_grad_()
zeros = torch.zeros(len(points), dtype=torch.int64, device=device)
(slopes,) = torch.autograd.grad(cross_entropy(points, zeros, reduction="sum"), points)
by_hand = softmax(points.detach(), dim=1) - one_hot(zeros, 3)
torch.testing.assert_close(slopes, by_hand)
print("gradient equals p - y:", bool((slopes - by_hand).abs().max() < 1e-6))
print("each gradient sums to zero:", bool((slopes.sum(1).abs() < 1e-6).all()))

# %%
# Wrong and sure
# --------------
#
# Two classes, and the margin m by which the true logit exceeds the other. The cross-entropy is
# :math:`\log(1 + e^{-m})`, its slope :math:`p - 1`. The squared error of the two probabilities has
# the factor :math:`p (1 - p)` in its slope, which is nearly 0 on both sides.

margin = torch.linspace(-10, 10, 401, device=device)
slope = {}
for name in ("cross-entropy", "squared error"):
    m = margin.clone().requires_grad_()
    pair = torch.stack([m, torch.zeros_like(m)], dim=1)  # (K, 2)
    truth = torch.zeros(len(m), dtype=torch.int64, device=device)
    if name == "cross-entropy":
        loss = cross_entropy(pair, truth, reduction="sum")
    else:
        loss = mse_loss(softmax(pair, dim=1), one_hot(truth, 2).float(), reduction="sum")
    (slope[name],) = torch.autograd.grad(loss, m)

for name, values in slope.items():
    print(f"{name}: slope {values[0]:.4f} at a margin of -10, {values[100]:.3f} at -5")
assert slope["cross-entropy"][0] < -0.999
assert slope["squared error"][0].abs() < 1e-3

fig, (top, bottom) = plt.subplots(2, 1, figsize=(6.0, 9.0))
plot_contours(torch.stack([z1, z2], dim=2).cpu(), surface.cpu(), levels=8, ax=top)
step = -slopes.detach().cpu()
top.quiver(a.cpu().flatten(), b.cpu().flatten(), step[:, 0], step[:, 1], color=TRUTH, width=0.006)
top.set_title("Every arrow raises the true logit and lowers\nthe others: each by what it is wrong")
top.set_xlabel("logit of the true class (third logit: 0)")
top.set_ylabel("logit of a wrong class")

bottom.plot(margin.cpu(), slope["cross-entropy"].cpu(), color=BLUE, label="cross-entropy")
bottom.plot(
    margin.cpu(), slope["squared error"].cpu(), color=VERMILLION, linestyle="--",
    label="squared error of p",
)  # fmt: skip
bottom.axvline(0, color=GREY, linewidth=1)
bottom.set_title(
    "Wrong and sure: the cross-entropy pulls\nwith slope −1, the squared error lets go"
)
bottom.set_xlabel("margin of the true logit (dimensionless)")
bottom.set_ylabel("slope of the loss")
bottom.legend(loc="lower right")

# %%
# Change this and see
# -------------------
#
# - Add ``label_smoothing=0.1`` to the cross-entropy of the surface: it gets a lowest point, at a
#   finite margin, since a smoothed target is never certain.
# - Make the second class the true one, ``torch.ones`` for ``target`` and for ``zeros``: the map is
#   mirrored at its diagonal, and the gradient is p − y all the same.
# - Divide the pair by 10, a temperature: both slopes are spread ten times as wide and are a tenth
#   as high, so the assertions about their size fail.

plt.show()
