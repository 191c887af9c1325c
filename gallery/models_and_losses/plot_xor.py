"""
Folding the plane: exclusive or
===============================

Opposite corners of a square belong together. No straight line separates the two pairs. Two hidden
units, with weights that fit on a slip of paper, move the corners to where one line does.
"""

# %%
# Four corners, with some noise about them.

import matplotlib.pyplot as plt
import torch

from handbook.activations import relu
from handbook.datasets import sample_xor
from handbook.device import get_device
from handbook.linear_models import boundary_segment, linear, margin
from handbook.plots import GREEN, OCHRE, STYLE, plot_decision_regions
from handbook.seeding import make_generator

plt.style.use(STYLE)
device = get_device()

xor = sample_xor(200, noise_std=0.08, generator=make_generator(0))
points, labels = xor.inputs.to(device), xor.targets.to(device)

# %%
# The first unit adds the two numbers. The second does the same, and is on only above 1. The output
# takes the second one away twice: 0 at (0, 0), 1 at the two corners with one number set, and
# 2 − 2 = 0 at (1, 1). The threshold is one half.

hidden_weight = torch.tensor([[1.0, 1.0], [1.0, 1.0]], device=device)  # (H, D)
hidden_bias = torch.tensor([0.0, -1.0], device=device)
weight = torch.tensor([[1.0, -2.0]], device=device)  # (1, H)
bias = torch.tensor([-0.5], device=device)


def hidden(x):
    """Return where the hidden layer moves the points."""
    return relu(linear(x, hidden_weight, hidden_bias))


def predict(x):
    """Return whether the network sees two different numbers."""
    return linear(hidden(x), weight, bias)[:, 0] > 0


corners = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], device=device)
for corner, moved in zip(corners.tolist(), hidden(corners).tolist(), strict=True):
    print(f"({corner[0]:.0f}, {corner[1]:.0f}) moves to ({moved[0]:.0f}, {moved[1]:.0f})")
wrong = (predict(points) != (labels == 1)).sum().item()
print(f"wrong: {wrong} of {len(points)}")
assert wrong == 0
assert margin(hidden(points), labels, weight[0], bias) > 0

# %%
# The two corners of class 1 move to the same place, (1, 0). That is the trick: the hidden layer may
# throw away the difference between them.

fig, (top, bottom) = plt.subplots(2, 1, figsize=(6.0, 9.6))
limits = ((-0.4, 1.4), (-0.4, 1.4))
plot_decision_regions(predict, points, labels, names=xor.target_names, limits=limits, ax=top)
looks = ((OCHRE, "--", "first unit turns on"), (GREEN, ":", "second unit turns on"))
for i, (color, linestyle, label) in enumerate(looks):
    ends = boundary_segment(hidden_weight[i], hidden_bias[i], limits).cpu()
    top.plot(*ends.T, color=color, linestyle=linestyle, linewidth=2.5, label=label)
top.set_ylim(-0.95, 1.4)
top.set_aspect("equal")
top.set_title("Inputs: two lines are needed")
top.set_xlabel("first input (dimensionless)")
top.set_ylabel("second input (dimensionless)")
top.legend(loc="lower left", ncols=2, fontsize=10)

plot_decision_regions(
    lambda h: linear(h, weight, bias)[:, 0] > 0,
    hidden(points),
    labels,
    limits=((-0.3, 2.6), (-0.3, 1.6)),
    n_grid=401,
    ax=bottom,
)
bottom.set_aspect("equal")
bottom.set_title("Hidden units: one line is enough")
bottom.set_xlabel("first hidden unit (dimensionless)")
bottom.set_ylabel("second hidden unit\n(dimensionless)")

# %%
# Along the direction (1, −1) both hidden units are blind: the network sees only the sum of the two
# numbers. Its boundary is therefore two parallel lines, where the sum is ½ and 3/2.
#
# Change this and see
# -------------------
# - Let ``hidden`` return ``linear(x, hidden_weight, hidden_bias)`` without the relu: (0, 0) moves
#   to (0, −1), below the line, so a quarter of the samples is wrong and the assertion says so.
# - Set ``hidden_weight`` to ``[[1.0, -1.0], [-1.0, 1.0]]``, ``hidden_bias`` to zeros and ``weight``
#   to ``[[1.0, 1.0]]``: the absolute difference of the two numbers is another solution.
# - Set ``noise_std=0.12``: the pieces stay where they are, and a few points come close to them.

plt.show()
