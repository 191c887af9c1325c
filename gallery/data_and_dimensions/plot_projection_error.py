"""
How much is lost with K components?
===================================

Exactly the variance along the directions that were left out. The measured reconstruction error of
digits lies on that sum, and random directions of the same number lose far more.
"""

# %%
# The error is the squared distance between an image and its reconstruction, summed over pixels and
# averaged over images. Divided by the total variance it is a share: 1 says that the reconstruction
# is no better than the mean image, 0 that it is perfect.

import matplotlib.pyplot as plt
import torch

from handbook.datasets import load_digits
from handbook.device import get_device
from handbook.plots import BLUE, STYLE, TRUTH, VERMILLION
from handbook.projection import (
    principal_components,
    project,
    random_projection,
    reconstruct,
    reconstruction_error,
)
from handbook.seeding import make_generator

plt.style.use(STYLE)
device = get_device()

# %%
# The line is computed from the eigenvalues alone. The markers are measured: project, reconstruct,
# subtract, square. A random subspace keeps the share K/D of every squared length on average, so its
# expected error is a straight line; the bars show one standard deviation over seeds.

images = load_digits().inputs.double().to(device)  # (N, D) = (1797, 64)
n_features = images.shape[1]
whole = principal_components(images, n_features)
total = whole.spectrum.sum()
kept = torch.cat([whole.spectrum.new_zeros(1), whole.spectrum.cumsum(0)])
discarded = ((total - kept) / total).cpu()  # entry K: the share left out with K components

counts = (1, 2, 3, 5, 8, 12, 16, 24, 32, 48, 63)
n_seeds = 10
measured = torch.zeros(len(counts), dtype=images.dtype)
chance = torch.zeros(len(counts), n_seeds, dtype=images.dtype)
for row, k in enumerate(counts):
    directions = whole.components[:k]
    codes = project(images, directions, mean=whole.mean)  # (N, K)
    rebuilt = reconstruct(codes, directions, mean=whole.mean)  # (N, D)
    measured[row] = ((images - rebuilt).square().sum(dim=1).mean() / total).cpu()
    for seed in range(n_seeds):
        matrix = random_projection(
            k, n_features, generator=make_generator(seed), dtype=images.dtype
        ).to(device)
        chance[row, seed] = (reconstruction_error(images, matrix, mean=whole.mean) / total).cpu()

off = (measured - discarded[list(counts)]).abs().max()
assert off < 1e-12
for row, k in enumerate(counts):
    print(f"K = {k:>2}: components {measured[row]:.3f}, random {chance[row].mean():.3f}")

fig, ax = plt.subplots(figsize=(6.4, 4.8))
ax.plot(range(n_features + 1), discarded, color=TRUTH, label="sum of discarded eigenvalues")
ax.plot(
    counts, measured, color=BLUE, linestyle="", marker="o", label="measured, principal components"
)
ax.errorbar(
    counts,
    chance.mean(dim=1),
    yerr=chance.std(dim=1),
    color=VERMILLION,
    linestyle="",
    marker="s",
    capsize=3,
    label="measured, random directions",
)
ax.plot([0, n_features], [1, 0], color=VERMILLION, linestyle=":", label="expected, 1 − K/D")
ax.set_ylim(0, 1.04)
ax.set_xlabel("components K (count)")
ax.set_ylabel("error / total variance (dimensionless)")
ax.set_title("The error of the best projection is the sum\nof the discarded eigenvalues")
ax.legend()

# %%
# Markers and line agree to rounding. And no random matrix comes below the line: no matrix at all
# can, which is what the chapter proves.
#
# What the shares look like
# -------------------------
# One image, rebuilt from more and more numbers. The first picture is what zero numbers give: the
# mean of all digits.

shown = 3  # a handwritten 3
steps = (0, 2, 5, 10, 20, 64)
fig, axes = plt.subplots(2, 3, figsize=(6.4, 4.8))
for ax, k in zip(axes.flat, steps, strict=True):
    directions = whole.components[:k]
    codes = project(images[shown : shown + 1], directions, mean=whole.mean)
    rebuilt = reconstruct(codes, directions, mean=whole.mean)
    ax.imshow(rebuilt.reshape(8, 8).cpu().numpy(), cmap="gray_r", vmin=0, vmax=16)
    left = ((images[shown] - rebuilt[0]).square().sum() / total).item()
    ax.set_title(f"K = {k}: {left:.2f}", loc="center")
    ax.set_xticks([])
    ax.set_yticks([])
fig.suptitle("Twenty numbers out of 64 bring the 3 back")
fig.supxlabel("above each: its squared error / total variance (dimensionless)", fontsize=11)

# %%
# Change this and see
# -------------------
# - Set ``shown`` to 0 … 9: each of the first ten images shows that digit, and each needs another
#   number of components.
# - Replace ``whole.mean`` by zeros in the first figure, raise the limit of the axis to 3.3, and
#   leave out the assertion: the subspace goes through the origin and misses the mean image, which
#   is far from it.
# - Replace ``images`` by Gaussian noise of the same shape: the line becomes nearly straight. Where
#   all directions are alike, the best ones are hardly better than random ones.

plt.show()
