"""
Is it harder to predict the next or the missing point?
======================================================

A hundred points of one curve. Hold back twenty of them at random, and a small network fills the
holes almost to the noise. Hold back the last twenty, and the same network misses by several times
as much, by an amount that depends on its seed.
"""

# %%
# The curve is measured at evenly spaced points with a little uniform noise. Both tasks train on 80
# points and are tested on 20; only *which* 20 differs.

import matplotlib.pyplot as plt
import torch

from handbook.datasets import train_test_split
from handbook.device import get_device
from handbook.interpolation import (
    fit_network,
    inside_range,
    log_curve,
    sample_curve,
    split_ordered,
)
from handbook.plots import BLUE, STYLE, TRUTH, VERMILLION
from handbook.seeding import make_generator

plt.style.use(STYLE)
device = get_device()

# %%
# Each seed draws its own noise, its own random split and its own starting weights.

n_seeds, n_samples, test_share, noise_width = 8, 100, 0.2, 0.05
tasks = ("interpolation", "extrapolation")
errors = {(task, kind): torch.zeros(n_seeds) for task in tasks for kind in ("relu", "tanh")}
grid = torch.linspace(0.5, 10, 400, dtype=torch.float64)
curves = {pair: torch.zeros(n_seeds, len(grid), dtype=torch.float64) for pair in errors}
inside, examples = {}, {}
for seed in range(n_seeds):
    generator = make_generator(seed)
    x, y = sample_curve(n_samples, noise_width=noise_width, generator=generator)
    splits = {
        "interpolation": train_test_split(x, y, test_share=test_share, generator=generator),
        "extrapolation": split_ordered(x, y, test_share=test_share),
    }
    for task, split in splits.items():
        inside[task, seed] = inside_range(split.train_inputs, split.test_inputs).sum().item()
        examples.setdefault(task, split)
        train_x, train_y = split.train_inputs.to(device), split.train_targets.to(device)
        for kind in ("relu", "tanh"):
            network = fit_network(train_x, train_y, activation=kind, generator=generator)
            residual = network(split.test_inputs.to(device)).cpu() - split.test_targets
            errors[task, kind][seed] = residual.square().mean().sqrt()
            curves[task, kind][seed] = network(grid.to(device)).cpu()

# %%
# The error is the root of the mean squared error on the 20 points. Even the true curve would not
# get below the noise: uniform numbers of width w have the standard deviation w / √12.

noise = noise_width / 12**0.5
print(f"noise: {noise:.3f}")
for (task, kind), values in errors.items():
    print(f"{task}, {kind}: {values.mean():.3f} ± {values.std():.3f} over {n_seeds} seeds")
for task in tasks:
    counts = [inside[task, seed] for seed in range(n_seeds)]
    print(f"{task}: {min(counts)} to {max(counts)} of 20 test points inside the training range")
for kind in ("relu", "tanh"):
    assert errors["interpolation", kind].mean() < 2 * noise
    assert errors["extrapolation", kind].mean() > 2 * errors["interpolation", kind].mean()

fig, axes = plt.subplots(2, 1, figsize=(6.4, 7.6))
for ax, task in zip(axes, tasks, strict=True):
    ax.plot(grid, log_curve(grid) + noise_width / 2, color=TRUTH, linewidth=1.5, label="truth")
    for kind, color, linestyle in (("relu", BLUE, "--"), ("tanh", VERMILLION, "-.")):
        mean, spread = curves[task, kind].mean(dim=0), curves[task, kind].std(dim=0)
        ax.plot(grid, mean, color=color, linestyle=linestyle, label=f"{kind}, mean and spread")
        ax.fill_between(grid, mean - spread, mean + spread, color=color, alpha=0.25, linewidth=0)
    split = examples[task]
    ax.plot(split.train_inputs, split.train_targets, ".", color=TRUTH, label="trained on")
    ax.plot(
        split.test_inputs, split.test_targets, "o", markerfacecolor="none", color=TRUTH,
        label="held back",
    )  # fmt: skip
    ax.set_ylabel("y (dimensionless)")
    ax.set_xlim(5.5, 10.1)
    ax.set_ylim(2.4, 3.6)
axes[0].set_title("Between known points, seeds agree with the truth")
axes[1].set_title("Beyond the last point, they fan out")
axes[1].axvline(examples["extrapolation"].train_inputs[-1], color=TRUTH, linewidth=1, linestyle=":")
axes[1].set_xlabel("x (dimensionless)")
axes[1].legend(loc="upper left")

# %%
# The picture shows the right half of the curve. Points of the first seed are drawn; the bands are
# one standard deviation over all seeds. A random split seldom puts an outermost point into the
# test part; the ordered split puts all its test points outside.
#
# Here the curve goes on smoothly and the step outside is short, which is kind to extrapolation.
#
# Change this and see
# -------------------
# - Pass ``x.flip(0), y.flip(0)`` to ``split_ordered``: now the sharp bend on the left lies outside,
#   nothing in the data announces it, and the extrapolation error is about ten times as large.
# - Take the assertions out, and pass ``stop=40.0`` to ``sample_curve``: the points are so far apart
#   that few of them see the bend. The interpolation error becomes as large as the extrapolation
#   error, so *between* is no guarantee.
# - Take them out, and set ``noise_width`` to 0: the interpolation error falls, the extrapolation
#   error hardly does. Noise was never what made it hard.

plt.show()
