"""
Do near and far still differ?
=============================

With many independent features, all points are about equally far from you. With many features that
depend on a few hidden quantities, they are not.
"""

# %%
# The squared distance between two points is a sum over features. If the features are independent
# and alike, the sum grows like :math:`d` and its spread only like :math:`\sqrt d`: relative to
# their mean, distances concentrate.

import matplotlib.pyplot as plt
import torch

from handbook.datasets import load_digits, sample_manifold
from handbook.device import get_device
from handbook.dimensionality import distance_ratio, pairwise_distances
from handbook.plots import BLUE, GREEN, OCHRE, PURPLE, STYLE, VERMILLION
from handbook.seeding import make_generator

plt.style.use(STYLE)
device = get_device()

# %%
# First, distances from one query to 1000 points, all with independent coordinates, uniform in
# [0, 1]. Each histogram is in units of its own mean.

histograms = {}
for n_features in (2, 20, 200, 2000):
    points = torch.rand(1001, n_features, generator=make_generator(0)).to(device)
    distances = pairwise_distances(points[:1], points[1:]).flatten()
    relative = (distances / distances.mean()).cpu()
    density, edges = torch.histogram(relative, bins=125, range=(0.0, 2.5), density=True)
    histograms[n_features] = ((edges[1:] + edges[:-1]) / 2, density)
    print(f"d = {n_features:>4}: std of distance / mean of distance = {relative.std():.2f}")
# %%
# Second, the ratio of the nearest to the farthest of 200 points, with 5 seeds. Independent
# features against points in a flat square, two hidden quantities, that is turned at random in
# all :math:`D` coordinates. No coordinate there is constant; still nothing changes with
# :math:`D`, because a rotation keeps distances.

n_points = 200
columns = (2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
ratios = {"independent": [], "hidden": []}
for n_features in columns:
    per_seed = {"independent": [], "hidden": []}
    for seed in range(5):
        sets = {
            "independent": torch.rand(n_points + 20, n_features, generator=make_generator(seed)),
            "hidden": sample_manifold(
                n_points + 20, 2, n_features, shape="cube", generator=make_generator(seed)
            ),
        }
        for name, points in sets.items():
            points = points.to(device)
            per_seed[name].append(distance_ratio(points[:20], points[20:]).median().cpu())
    for name, values in per_seed.items():
        ratios[name].append(torch.stack(values))

# %%
# Third, real data: the 64 pixels of handwritten digits, with as many points and queries.

digits = load_digits().inputs
real = []
for seed in range(5):
    rows = torch.randperm(len(digits), generator=make_generator(seed))[: n_points + 20]
    points = digits[rows].to(device)
    real.append(distance_ratio(points[:20], points[20:]).median().cpu())
real = torch.stack(real)

fig, (ax_histogram, ax_ratio) = plt.subplots(2, 1, figsize=(6.4, 7.6))
lines = zip((BLUE, VERMILLION, GREEN, PURPLE), ("-", "--", "-.", ":"), strict=True)
for (n_features, (centres, density)), (color, linestyle) in zip(
    histograms.items(), lines, strict=True
):
    ax_histogram.plot(centres, density, color=color, linestyle=linestyle, label=f"d = {n_features}")
ax_histogram.set_xlabel("distance / mean distance (dimensionless)")
ax_histogram.set_ylabel("density (dimensionless)")
ax_histogram.set_title("Independent features: all points become equally far")
ax_histogram.legend()

looks = {
    "independent": ("independent features", BLUE, "-", "o"),
    "hidden": ("two hidden quantities", GREEN, "--", "s"),
}
for name, (label, color, linestyle, marker) in looks.items():
    values = torch.stack(ratios[name])  # (columns, seeds)
    ax_ratio.semilogx(
        columns, values.mean(dim=1), color=color, linestyle=linestyle, marker=marker, label=label
    )
    ax_ratio.fill_between(columns, values.amin(dim=1), values.amax(dim=1), color=color, alpha=0.2)
    print(f"{label}: {values[0].mean():.2f} at d = 2, {values[-1].mean():.2f} at d = 1024")
spread = [[real.mean() - real.amin()], [real.amax() - real.mean()]]
ax_ratio.errorbar(
    [64], [real.mean()], yerr=spread, fmt="D", color=OCHRE, capsize=4, label="digits, 64 pixels"
)
at_64 = ratios["independent"][columns.index(64)]
print(f"digits: {real.mean():.2f}, independent features at d = 64: {at_64.mean():.2f}")
assert real.amax() < at_64.amin()
ax_ratio.set_ylim(0, 1)
ax_ratio.set_xlabel("features D (count, log scale)")
ax_ratio.set_ylabel("nearest / farthest (dimensionless)")
ax_ratio.set_title("Hidden quantities, not features, decide the contrast")
ax_ratio.legend(loc="upper left")

# %%
# The lines are means of 5 seeds and the bands run from the smallest to the largest. The digits lie
# well below independent features of the same number: their pixels are far from independent.
#
# Change this and see
# -------------------
# - Pass ``noise_std=0.1`` to ``sample_manifold``: noise fills every coordinate, and the green line
#   now climbs after the blue one. Low intrinsic dimension helps only while noise is small.
# - Use ``torch.randn`` in place of ``torch.rand``: another distribution, the same limit.
# - Set ``n_points`` to 2000: the ratio comes down a little everywhere, because the nearest of more
#   points is nearer, and still climbs to 1.

plt.show()
