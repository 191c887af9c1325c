"""
How many dimensions do the data have?
=====================================

Sixty-four pixels need not mean sixty-four dimensions. The distances to the two nearest neighbours
tell in how many directions the data really spread.
"""

# %%
# Close to a point, the number of others within distance :math:`r` grows like :math:`r^d` where
# :math:`d` is the dimension of the surface that the data lie on. So the ratio of the distances to
# the second and the first neighbour tells :math:`d`, whatever the number of coordinates.

import matplotlib.pyplot as plt
import torch

from handbook.datasets import load_digits, sample_manifold
from handbook.device import get_device
from handbook.dimensionality import intrinsic_dimension
from handbook.plots import BLUE, OCHRE, STYLE, TRUTH, VERMILLION
from handbook.seeding import make_generator

plt.style.use(STYLE)
device = get_device()

# %%
# First the estimate must prove itself where the answer is known: 1000 points on surfaces of
# dimension 1 to 10, each turned at random in 100 coordinates. A cube is flat and has edges, a torus
# is curved and has none.

n_points, n_ambient = 1000, 100
known = (1, 2, 3, 5, 7, 10)
estimates = {
    shape: torch.tensor(
        [
            [
                intrinsic_dimension(
                    sample_manifold(
                        n_points, d, n_ambient, shape=shape, generator=make_generator(seed)
                    ).to(device)
                )
                for seed in range(3)
            ]
            for d in known
        ]
    )
    for shape in ("cube", "torus")
}
for shape, values in estimates.items():
    print(
        f"{shape:>5}:",
        ", ".join(f"{d} -> {v.mean():.1f}" for d, v in zip(known, values, strict=True)),
    )
    off = (values / torch.tensor(known)[:, None] - 1).abs().amax(dim=1)
    print(f"       largest error up to d = 5: {off[:4].max():.0%}, at d = 10: {off[-1]:.0%}")

# %%
# Then real data. To see that the estimate is not low for any 64 columns, each pixel is also
# shuffled over the images on its own: every pixel keeps its values, and their relations are gone.

images = load_digits().inputs
generator = make_generator(0)
shuffled = torch.stack(
    [pixel[torch.randperm(len(pixel), generator=generator)] for pixel in images.T], dim=1
)
of_digits = intrinsic_dimension(images.to(device))
of_shuffled = intrinsic_dimension(shuffled.to(device))
print(f"digits: {of_digits:.1f}, with shuffled pixels: {of_shuffled:.1f}, of {images.shape[1]}")

fig, ax = plt.subplots(figsize=(6.4, 5.2))
ax.plot([0, 12], [0, 12], color=TRUTH, linestyle=":", label="truth")
looks = {"torus": (VERMILLION, "--", "s"), "cube": (BLUE, "-", "o")}
for shape, (color, linestyle, marker) in looks.items():
    values = estimates[shape]
    mean = values.mean(dim=1)
    ax.errorbar(
        known,
        mean,
        yerr=torch.stack([mean - values.amin(dim=1), values.amax(dim=1) - mean]),
        color=color,
        linestyle=linestyle,
        marker=marker,
        capsize=3,
        label=f"{shape} in {n_ambient} coordinates",
    )
ax.axhline(of_digits, color=OCHRE, linestyle="-.")
ax.text(0.2, of_digits + 0.2, f"digits in {images.shape[1]} pixels: {of_digits:.1f}", color=OCHRE)
ax.set_xlim(0, 11)
ax.set_ylim(0, 14)
ax.set_xlabel("dimension of the surface (count)")
ax.set_ylabel("estimate (dimensionless)")
ax.set_title(f"Digits spread in about {of_digits:.0f} directions,\nnot in {images.shape[1]}")
ax.legend(loc="lower right")

# %%
# In few dimensions the estimate is close to the truth for every seed; the bars run from the
# smallest to the largest. In ten, 1000 points are too few: a neighbourhood of two points
# reaches the edge of the cube, which lowers the estimate, and around the bend of the torus, which
# raises it. The estimator suffers from the curse itself. Read the number for digits with that error
# in mind: their dimension is nearer to ten than to 64.
#
# Change this and see
# -------------------
# - Set ``n_points`` to 250: the cube's curve leaves the truth earlier.
# - Set ``n_ambient`` to 1000: nothing changes but the run time.
# - Pass ``noise_std=0.01`` to ``sample_manifold``: the estimate for a curve jumps far above 1,
#   because at the distance of the nearest neighbours noise fills all 100 coordinates.
# - Pass ``k=20`` for the digits: at a coarser scale they look flatter still, about 7.

plt.show()
