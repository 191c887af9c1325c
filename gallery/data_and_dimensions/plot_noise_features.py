"""
What do noise features do to digits?
====================================

A nearest-neighbour classifier reads small handwritten digits almost without error. Append features
that say nothing, and the same method on the same images forgets how.
"""

# %%
# Every distance is a sum over all features. A feature of pure noise adds the same amount to near
# and far on average, plus a fluctuation. With enough of them the fluctuations drown the
# pixels' differences.

import matplotlib.pyplot as plt
import torch

from handbook.datasets import load_digits
from handbook.device import get_device
from handbook.dimensionality import append_noise_features, knn_predict
from handbook.plots import BLUE, GREEN, STYLE, TRUTH, VERMILLION
from handbook.seeding import make_generator

plt.style.use(STYLE)
device = get_device()

# %%
# The pixels are scaled together, so that their root-mean-square standard deviation is 1: each
# noise feature, of standard deviation 1, is as loud as an average pixel. Each seed draws its own
# 500 training images, 300 test images and noise.

digits = load_digits()
pixels = (digits.inputs / digits.inputs.var(dim=0).mean().sqrt()).to(device)
targets = digits.targets.to(device)

counts = (0, 16, 64, 128, 256, 512, 1024)
n_seeds, n_train, n_test, n_directions = 5, 500, 300, 10
accuracy = {name: torch.zeros(len(counts), n_seeds) for name in ("all", "leading", "pixels")}
for column in range(n_seeds):
    generator = make_generator(column)
    rows = torch.randperm(len(pixels), generator=generator)[: n_train + n_test].to(device)
    chosen, labels = pixels[rows], targets[rows]
    for row, n_noise in enumerate(counts):
        wide = append_noise_features(chosen, n_noise, generator=generator)
        # The directions along which the training images vary most, found without their labels.
        centred = wide[:n_train] - wide[:n_train].mean(dim=0)
        directions = torch.linalg.svd(centred.cpu(), full_matrices=False).Vh[:n_directions]
        views = {"all": wide, "leading": wide @ directions.T.to(device), "pixels": wide[:, :64]}
        for name, features in views.items():
            predicted = knn_predict(features[:n_train], labels[:n_train], features[n_train:])
            right = predicted == labels[n_train:]
            accuracy[name][row, column] = right.float().mean().cpu()

# %%
# The accuracies are means over seeds; the bars show one standard deviation over seeds.

for row, n_noise in enumerate(counts):
    shown = ", ".join(f"{name} {values[row].mean():.0%}" for name, values in accuracy.items())
    print(f"{n_noise:>4} noise features: {shown}")

looks = {
    "pixels": ("distance over the 64 pixels only", TRUTH, ":", "D"),
    "leading": (f"over the {n_directions} leading directions", GREEN, "--", "s"),
    "all": ("over all features", VERMILLION, "-", "o"),
}
fig, ax = plt.subplots(figsize=(6.4, 4.8))
for name, (label, color, linestyle, marker) in looks.items():
    ax.errorbar(
        counts,
        accuracy[name].mean(dim=1),
        yerr=accuracy[name].std(dim=1),
        color=color,
        linestyle=linestyle,
        marker=marker,
        capsize=3,
        label=label,
    )
ax.axhline(0.1, color=BLUE, linewidth=1, linestyle="-.")
ax.text(0, 0.12, "guessing", color=BLUE)
ax.set_xscale("symlog", linthresh=16)
ax.set_xticks([0, 16, 64, 256, 1024], ["0", "16", "64", "256", "1024"])
ax.set_xlim(-5, 1300)
ax.minorticks_off()
ax.set_ylim(0, 1.02)
ax.set_xlabel("noise features (count, log scale from 16)")
ax.set_ylabel("accuracy of the nearest\nneighbour (dimensionless)")
ax.set_title("Noise features drown the nearest neighbour,\nunless the distance leaves them out")
ax.legend(loc="lower left", bbox_to_anchor=(0, 0.14))

# %%
# Nothing was taken away from the images: the line at the top uses the same pixels. What is lost is
# the knowledge of *which* features matter. The directions of largest variance recover part of it
# without any label; they too fail in the end, because 500 images do not suffice to find ten
# directions among a thousand.
#
# Change this and see
# -------------------
# - Set ``n_train`` to 1400: the leading directions gain most, since they are estimated from more
#   images.
# - Pass ``std=0.25`` to ``append_noise_features``: quiet noise does much less harm, since a
#   sixteenth of the variance comes in with each feature. Scaling features *is* weighting them.
# - Pass ``k=10`` to ``knn_predict``: the vote averages some of the noise. The fall is slower, from
#   a lower start.

plt.show()
