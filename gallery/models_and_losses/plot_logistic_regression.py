"""
Does it happen as often as the model says?
==========================================

Logistic regression draws an S through answers that are only yes or no. Its height claims to be a
probability. Put tumours with similar measurements together, count how many of them are harmless,
and compare.
"""

import matplotlib.pyplot as plt
import torch

from handbook.activations import sigmoid
from handbook.classifiers import fit_logistic_regression, fit_standardization
from handbook.datasets import load_breast_cancer
from handbook.device import get_device
from handbook.losses import binary_cross_entropy_with_logits, cross_entropy
from handbook.metrics import accuracy
from handbook.plots import BLUE, GREY, STYLE, VERMILLION

plt.style.use(STYLE)
device = get_device()

# %%
# One measurement, yes or no
# --------------------------
#
# The measurement is the mean radius of the cell nuclei, and yes (1) means benign. One logit is
# trained for each tumour, :math:`z = w x + b`, and the probability of yes is :math:`\sigma(z)`.

tumours = load_breast_cancer()
radius = tumours.inputs[:, [0]].to(device)  # (N, 1)
benign = tumours.targets.to(device)
scale = fit_standardization(radius)
model = fit_logistic_regression(scale.apply(radius), benign, learning_rate=4.0)
logits = model.logits(scale.apply(radius))
share_right = accuracy(logits, benign, threshold=0)
boundary = (scale.mean - model.bias / model.weight * scale.std).item()
print(f"right for {share_right:.0%} of the tumours")
print(f"undecided at a radius of {boundary:.1f}")

# %%
# The S against what was counted
# ------------------------------
#
# Sort the tumours by radius and cut them into groups of about 40.

order = radius[:, 0].argsort()
groups = order.tensor_split(14)
group_radius = torch.stack([radius[rows].mean() for rows in groups]).cpu()
group_share = torch.stack([benign[rows].float().mean() for rows in groups]).cpu()
group_claim = torch.stack([sigmoid(logits[rows]).mean() for rows in groups]).cpu()
largest_gap = (group_share - group_claim).abs().max().item()
print(f"largest gap between claim and count: {largest_gap:.2f}")
assert largest_gap < 0.15

# %%
# How far may a group of 40 be off by chance? With probability p for each, the standard deviation
# of the share is :math:`\sqrt{p (1 - p) / 40}`, at most 0.08: the gaps are of that size.
#
# One logit or two
# ----------------
#
# The same model with two logits, 0 for malignant and z for benign: softmax and cross-entropy give
# the same loss, sample by sample.

two_logits = torch.stack([torch.zeros_like(logits), logits], dim=1)  # (N, 2)
one = binary_cross_entropy_with_logits(logits, benign.float(), reduction="none")
two = cross_entropy(two_logits, benign, reduction="none")
torch.testing.assert_close(one, two)
print(f"mean loss with one logit {one.mean().item():.3f}, with two {two.mean().item():.3f}")

fig, ax = plt.subplots(figsize=(6.4, 4.6))
x = torch.linspace(6, 28, 300, device=device)[:, None]
curve = sigmoid(model.logits(scale.apply(x)))
ax.plot(x[:, 0].cpu(), curve.cpu(), color=BLUE, label="σ(wx + b), the claim")
spread = (group_claim * (1 - group_claim) / 40).sqrt()
ax.errorbar(
    group_radius,
    group_share,
    yerr=spread,
    fmt="o",
    color=VERMILLION,
    capsize=3,
    label="share counted in a group",
)
ax.plot(radius[:, 0].cpu(), benign.cpu(), "|", color=GREY, markersize=9, label="one tumour")
ax.axvline(boundary, color=GREY, linestyle=":", linewidth=1.5)
ax.text(boundary + 0.4, 0.5, "p = ½ here", color=GREY)
ax.set_title("The S passes through the shares\nthat are counted in groups of 40")
ax.set_xlabel("mean radius of the nuclei (unit of the picture)")
ax.set_ylabel("probability of benign (dimensionless)")
ax.legend(loc="upper right", bbox_to_anchor=(1.0, 0.93))

# %%
# Change this and see
# -------------------
#
# - Take column 8, the symmetry, in place of column 0: the S becomes flat, because this measurement
#   says little, and the shares are flat with it. They scatter a bit more than the assertion allows.
# - Multiply ``logits`` by 3 before ``sigmoid`` in the groups: the same answers at ½, but the claims
#   are too bold, and the assertion on the largest gap fails.
# - Set ``n_steps=3`` in the fit: the S is not steep enough yet, the claims are too timid, and the
#   assertion fails again.

plt.show()
