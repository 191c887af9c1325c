"""
What does the temperature of a softmax do?
==========================================

Divide the logits by a number T before the softmax, and T decides how much the largest one wins by.
A low temperature turns the softmax into a choice of the maximum, a high one into an even draw. On
the way down, a softmax that is written as its formula stands breaks.
"""

import matplotlib.pyplot as plt
import torch

from handbook.activations import softmax
from handbook.device import get_device
from handbook.plots import GREY, STYLE

plt.style.use(STYLE)
device = get_device()

# %%
# From certain to indifferent
# ---------------------------
#
# Four logits, one per class. Row by row we divide them by another temperature, so ``scaled`` has
# the shape (temperatures, classes), and the probabilities sum to one along its last dimension.

logits = torch.tensor([2.0, 1.0, 0.0, -1.0], device=device)
temperatures = torch.logspace(-1.5, 2, 141, device=device)
scaled = logits / temperatures[:, None]
probabilities = softmax(scaled, dim=-1)

for temperature in (0.1, 1.0, 10.0):
    row = softmax(logits / temperature, dim=-1)
    print(f"T = {temperature:4.1f}: " + "  ".join(f"{p:.3f}" for p in row.tolist()))

sums = probabilities.sum(dim=-1)
print(f"every row sums to 1: {torch.allclose(sums, torch.ones_like(sums))}")
assert (probabilities.argmax(dim=-1) == 0).all()

# %%
# Where the formula breaks
# ------------------------
#
# The formula :math:`e^{z_k} / \sum_j e^{z_j}` takes the exponential of a logit as it comes. In
# float32 that overflows above 88.7, which is the first logit at a temperature below 2/88.7.

for temperature in (0.03, 0.02):
    exponentials = torch.exp(logits / temperature)
    naive = (exponentials / exponentials.sum()).tolist()
    stable = softmax(logits / temperature, dim=-1).tolist()
    print(f"T = {temperature}: naive {naive[0]:.3f}, stable {stable[0]:.3f}")

# %%
# The order of the classes never changes: dividing by a positive number keeps it.

fig, ax = plt.subplots(figsize=(6.4, 4.6))
markers = ["o", "s", "^", "D"]
for k, marker in enumerate(markers):
    label = f"logit {logits[k].item():.0f}"
    ax.plot(temperatures.cpu(), probabilities[:, k].cpu(), marker=marker, markevery=20, label=label)
ax.axhline(0.25, color=GREY, linewidth=1.2, linestyle=":")
ax.text(0.035, 0.265, "even: 1/4 each", color=GREY)
ax.set_xscale("log")
ax.set_title("A cold softmax picks the largest logit,\na hot one treats all alike")
ax.set_xlabel("temperature T (dimensionless, logarithmic)")
ax.set_ylabel("probability (dimensionless)")
ax.legend(loc="center right")

# %%
# Change this and see
# -------------------
#
# - Add 1000 to all logits: the figure stays the same, because a shift cancels. The naive formula
#   gives nan at both temperatures.
# - Make the first two logits equal. Then even a cold softmax cannot choose: both get one half.
# - Replace ``dim=-1`` by ``dim=0`` in the first block: the probabilities now sum to one down the
#   temperatures, the check prints False, and the assertion after it fails. No function can
#   know which dimension holds your classes.

plt.show()
