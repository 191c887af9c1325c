"""
How much of a digit fits into two numbers?
==========================================

Any 2 by 64 matrix turns an image of 64 pixels into two numbers. A random one mixes the ten digits
up. The one that keeps most variance parts many of them, and it has not seen a single label.
"""

# %%
# Both matrices are fitted or drawn without labels. The labels come in only afterwards: to colour
# the points, and to measure how well the nearest neighbour can tell the digits apart from the few
# numbers that are left.

import matplotlib.pyplot as plt
import torch

from handbook.datasets import load_digits, train_test_split
from handbook.device import get_device
from handbook.dimensionality import knn_predict
from handbook.plots import BLUE, GREEN, OCHRE, PURPLE, STYLE, TRUTH, VERMILLION
from handbook.projection import principal_components, project, random_projection
from handbook.seeding import make_generator

plt.style.use(STYLE)
device = get_device()

# %%
# Two numbers per image
# ---------------------
# Above, the two directions of largest variance; below, two random directions. Each point is drawn
# as the digit that it shows; a digit and the one five above it share a colour. To keep the drawing
# legible, every fourth image is shown.

digits = load_digits()
images = digits.inputs.to(device)  # (N, D) = (1797, 64)
targets = digits.targets
colors = [BLUE, VERMILLION, GREEN, PURPLE, OCHRE] * 2

found = principal_components(images, 3)
drawn = random_projection(2, images.shape[1], generator=make_generator(0))
views = {
    "The two directions of largest variance": found.components[:2],
    "Two random directions": drawn.to(device),
}
fig, axes = plt.subplots(2, 1, figsize=(6.4, 9.6))
for ax, (name, matrix) in zip(axes, views.items(), strict=True):
    codes = project(images, matrix, mean=found.mean).cpu()  # (N, 2)
    for digit in range(10):
        x, y = codes[targets == digit][::4].T
        ax.scatter(x, y, s=40, color=colors[digit], marker=f"${digit}$", linewidths=0.3)
    ax.set_xlabel("first number (grey levels)")
    ax.set_ylabel("second number (grey levels)")
    ax.set_title(name)
fig.suptitle("Variance parts many digits,\nchance mixes them")
print(f"variance kept by two components: {found.explained_ratio[:2].sum():.0%}")

# %%
# Three numbers per image
# -----------------------
# A third direction pulls apart what lay on top of each other.

fig = plt.figure(figsize=(6.4, 5.8))
view = fig.add_subplot(projection="3d")
codes = project(images, found.components, mean=found.mean).cpu()  # (N, 3)
for digit in range(10):
    x, y, z = codes[targets == digit][::4].T
    view.scatter(x, y, z, s=40, color=colors[digit], marker=f"${digit}$", linewidths=0.3)
view.view_init(elev=25, azim=-60)
view.set_box_aspect(None, zoom=0.85)  # room for the label on the right
view.set_xlabel("first (grey levels)")
view.set_ylabel("second (grey levels)", labelpad=8)
view.set_zlabel("third (grey levels)", labelpad=8)
view.set_title("With three numbers the digits part further")
print(f"variance kept by three components: {found.explained_ratio.sum():.0%}")

# %%
# How far apart are they?
# -----------------------
# The nearest neighbour in the codes says how well. Each seed makes its own split; the components
# come from the training part only, and the random matrix is drawn anew.

counts = (1, 2, 3, 5, 10, 20, 40)
n_seeds = 5
accuracy = {name: torch.zeros(len(counts), n_seeds) for name in ("components", "random", "pixels")}
for seed in range(n_seeds):
    generator = make_generator(seed)
    split = train_test_split(images, targets.to(device), generator=generator)
    fitted = principal_components(split.train_inputs, max(counts))
    predicted = knn_predict(split.train_inputs, split.train_targets, split.test_inputs)
    accuracy["pixels"][:, seed] = (predicted == split.test_targets).float().mean().cpu()
    for row, k in enumerate(counts):
        chance = random_projection(k, images.shape[1], generator=generator)
        for name, matrix in (("components", fitted.components[:k]), ("random", chance.to(device))):
            train_codes = project(split.train_inputs, matrix, mean=fitted.mean)
            test_codes = project(split.test_inputs, matrix, mean=fitted.mean)
            predicted = knn_predict(train_codes, split.train_targets, test_codes)
            accuracy[name][row, seed] = (predicted == split.test_targets).float().mean().cpu()

for row, k in enumerate(counts):
    shown = ", ".join(f"{name} {values[row].mean():.0%}" for name, values in accuracy.items())
    print(f"{k:>2} numbers: {shown}")
assert (accuracy["components"][1:3].mean(1) > 1.5 * accuracy["random"][1:3].mean(1)).all()

looks = {
    "components": ("directions of largest variance", BLUE, "-", "o"),
    "random": ("random directions", VERMILLION, "--", "s"),
    "pixels": ("all 64 pixels", TRUTH, ":", ""),
}
fig, ax = plt.subplots(figsize=(6.4, 4.6))
for name, (label, color, linestyle, marker) in looks.items():
    ax.errorbar(
        counts,
        accuracy[name].mean(dim=1),
        yerr=None if name == "pixels" else accuracy[name].std(dim=1),
        color=color,
        linestyle=linestyle,
        marker=marker,
        capsize=3,
        label=label,
    )
ax.set_xscale("log")
ax.set_xticks(counts, [str(k) for k in counts])
ax.minorticks_off()
ax.set_ylim(0, 1.04)
ax.set_xlabel("numbers per image (count, log scale)")
ax.set_ylabel("accuracy of the nearest\nneighbour (dimensionless)")
ax.set_title("A matrix that knows the data needs\nfewer numbers than a random one")
ax.legend(loc="lower right")

# %%
# The bars show one standard deviation over seeds. With two or three numbers the choice of the
# matrix decides nearly everything. With forty it hardly matters: many random directions keep the
# distances well enough, which is why a random matrix is a fair choice when one only wants *fewer*
# numbers, not *few*.
#
# Change this and see
# -------------------
# - Replace ``found.components[:2]`` by ``found.components[1:]``: another pair of directions shows
#   other digits apart. No flat view shows all ten.
# - Change the seed of ``drawn``: every random matrix gives another picture, and none is good.
# - Divide ``images`` by the standard deviation of each pixel (plus 0.1, since some never change):
#   pixels at the rim, which hardly ever carry ink, become as loud as those in the middle.

plt.show()
