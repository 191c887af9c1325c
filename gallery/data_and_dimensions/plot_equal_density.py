"""
How many samples does equal density need?
=========================================

Ten points on a line leave gaps of a tenth. To leave the same gaps in a square you need a hundred
points, in a cube a thousand. How far do the samples that we have go?
"""

# %%
# A grid with :math:`m` points along each of :math:`d` axes has :math:`m^d` points. Read the other
# way round, :math:`N` samples are as good as a grid with :math:`N^{1/d}` points per axis.

import matplotlib.pyplot as plt

from handbook.datasets import load_digits
from handbook.dimensionality import samples_for_density
from handbook.plots import BLUE, STYLE, TRUTH, VERMILLION

plt.style.use(STYLE)

# %%
# Real data to compare with: small images of handwritten digits, one feature per pixel. Counting
# needs exact integers and no tensor, so nothing here runs on a device.

digits = load_digits()
n_samples, n_features = digits.inputs.shape
print(f"{n_samples} images with {n_features} pixels each")
for n_dimensions in (1, 2, 3, 6, n_features):
    n_needed = samples_for_density(10, n_dimensions)
    print(f"{n_dimensions:>2} dimensions: {float(n_needed):.0e} samples for 10 per axis")

# %%
# How far do these images go? Find the largest :math:`d` with a full grid, and the size of the grid
# that they could fill in all dimensions.

reachable = max(d for d in range(1, 20) if samples_for_density(10, d) <= n_samples)
per_axis = n_samples ** (1 / n_features)
print(f"10 per axis: reached in {reachable} dimensions")
print(f"in all {n_features} dimensions: {per_axis:.2f} points per axis")

dimensions = range(1, 11)
fig, (ax_needed, ax_axis) = plt.subplots(2, 1, figsize=(6.4, 6.4), sharex=True)
ax_needed.semilogy(
    dimensions, [samples_for_density(10, d) for d in dimensions], color=BLUE, marker="o"
)
ax_needed.text(6.2, 2e5, "10 per axis", color=BLUE, va="top")
ax_needed.axhline(n_samples, color=TRUTH, linestyle="--")
ax_needed.text(10, n_samples / 2, f"{n_samples} digit images", color=TRUTH, ha="right", va="top")
ax_needed.set_ylabel("samples (count, log scale)")
ax_needed.set_title(f"Ten points per axis: {n_samples} samples\nreach {reachable} dimensions")
ax_axis.semilogy(
    dimensions,
    [n_samples ** (1 / d) for d in dimensions],
    color=VERMILLION,
    marker="s",
    linestyle="--",
)
ax_axis.axhline(1, color=TRUTH, linestyle=":")
ax_axis.text(1, 1.15, "one point per axis: no grid at all", color=TRUTH)
ax_axis.set_xlabel("dimensions d (count)")
ax_axis.set_ylabel(f"points per axis\n{n_samples}$^{{1/d}}$ (log scale)")
ax_axis.set_title(f"In ten dimensions they make a grid\nof {n_samples ** (1 / 10):.0f} per axis")

# %%
# Is learning hopeless then? No: a nearest-neighbour classifier gets nearly all of these digits
# right with 64 pixels. Equal density on a grid is what you need if *anything* may happen
# between two points. The other scripts of this part show why it does not.
#
# Change this and see
# -------------------
# - Ask for 2 points per axis instead of 10: the digits then reach 10 dimensions, still not 64.
# - Set ``n_samples`` to a million, more than five hundred times as much data: it buys three
#   dimensions more.
# - Replace the axis "dimensions" by "hyper-parameters": ten values for each of six, and a
#   grid search trains a million models.

plt.show()
