"""
Twenty hidden layers: what does batch norm buy?
===============================================

A network with 4 inputs, 20 hidden layers of 130 tanh units and 3 outputs is trained on measurements
of 442 patients, with and without batch normalisation, from weights of three sizes. Does the
normalisation make the network better, or does it make the network easier to start?
"""

import matplotlib.pyplot as plt
import torch

from handbook.datasets import load_diabetes, train_test_split
from handbook.device import get_device
from handbook.models import DeepRegressor
from handbook.plots import BLUE, GREY, STYLE, VERMILLION
from handbook.seeding import make_generator

plt.style.use(STYLE)
device = get_device()

# %%
# Four measurements in, three numbers out
# ---------------------------------------
#
# In go the body mass index (kg/m²), total cholesterol (mg/dl), high-density cholesterol (mg/dl) and
# the logarithm of the triglycerides (in mg/dl). Out come the low-density cholesterol (mg/dl), the
# ratio of total to high-density cholesterol, and the score of the disease one year later. A
# laboratory computes the first two from three of the inputs, so they can be learned nearly without
# error. The third is what happened to a person: no input tells all of it.

diabetes = load_diabetes()
column = diabetes.feature_names.index
inputs = diabetes.inputs[:, [column(name) for name in ("bmi", "s1", "s3", "s5")]]
lipids = diabetes.inputs[:, [column(name) for name in ("s2", "s4")]]
targets = torch.cat([lipids, diabetes.targets], dim=1)
TARGET_NAMES = ("low-density", "ratio", "score")
print("inputs:", tuple(inputs.shape), " targets:", tuple(targets.shape))


def standardized_parts(seed):
    """Split at random; give every column mean 0 and spread 1 on the training part."""
    split = train_test_split(inputs, targets, generator=make_generator(seed))
    x_mean, x_std = split.train_inputs.mean(dim=0), split.train_inputs.std(dim=0)
    y_mean, y_std = split.train_targets.mean(dim=0), split.train_targets.std(dim=0)
    parts = (
        (split.train_inputs - x_mean) / x_std,
        (split.train_targets - y_mean) / y_std,
        (split.test_inputs - x_mean) / x_std,
        (split.test_targets - y_mean) / y_std,
    )
    return [part.to(device) for part in parts]


def explained(predicted, truth):
    """Return the explained share of each target's variance: 1 is perfect, 0 is its mean."""
    return 1 - (predicted - truth).square().mean(dim=0) / truth.var(dim=0, correction=0)


# %%
# Eighteen short trainings
# ------------------------
#
# Three sizes of the starting weights, with and without batch norm, three splits each: 25 steps of
# Adam on batches of 32. The biases start at −0.2.

WEIGHT_STDS = (0.02, 0.1, 0.4)
SEEDS = (0, 1, 2)
N_STEPS, BATCH_SIZE = 25, 32


def trained(parts, with_norm, weight_std, seed):
    """Return the explained share of each target on the test part after a short training."""
    x, y, test_x, test_y = parts
    generator = make_generator(seed)
    model = DeepRegressor(
        batch_norm=with_norm, weight_std=weight_std, initial_bias=-0.2, generator=generator
    ).to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    for _ in range(N_STEPS):
        batch = torch.randperm(len(x), generator=generator)[:BATCH_SIZE].to(device)
        loss = (model(x[batch]) - y[batch]).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        return explained(model(test_x), test_y)


parts_of = {seed: standardized_parts(seed) for seed in SEEDS}
scores = {  # one row per split, one column per target
    (with_norm, std): torch.stack(
        [trained(parts_of[seed], with_norm, std, seed) for seed in SEEDS]
    ).cpu()
    for with_norm in (True, False)
    for std in WEIGHT_STDS
}

# %%
# What a straight line reaches
# ----------------------------
#
# The yardstick is linear regression, solved by least squares.

line_scores = []
for seed in SEEDS:
    x, y, test_x, test_y = (part.cpu().double() for part in parts_of[seed])
    weights = torch.linalg.lstsq(x, y).solution  # standardised columns need no bias
    line_scores.append(explained(test_x @ weights, test_y))
line = torch.stack(line_scores)

line_mean = line.mean(dim=0).tolist()
print("straight line:", *(f"{n} {s:.2f}" for n, s in zip(TARGET_NAMES, line_mean, strict=True)))
for (with_norm, std), score in scores.items():
    name = "batch norm" if with_norm else "plain     "
    learns = "learns" if score.mean() > 0.3 else "does not learn"
    print(f"{name} from weights of spread {std:4.2f}: {learns}")

FLOOR = -0.6  # what lies below is drawn here, pointing down
plain = {std: scores[False, std].mean(dim=1) for std in WEIGHT_STDS}
normed = {std: scores[True, std].mean(dim=1) for std in WEIGHT_STDS}
assert (plain[0.02] < 0.1).all()
assert (plain[0.4] < 0).all()
assert (plain[0.1] > 0.5).all()
assert (normed[0.02] > 0.3).all()
assert (normed[0.1] > 0.3).all()
assert plain[0.1].mean() > normed[0.1].mean() - 0.1  # from the right start, no worse
assert plain[0.1].mean() < line.mean()
assert (normed[0.4] < 0).all()

# %%
# From weights of spread 0.1 the plain network does as well as the normalised one. From smaller
# weights it learns nothing. Batch norm forgives the small start: it divides by the spread of each
# sum, and the size of the weights with it. From large weights both start far off, and come back
# slowly: a step of 0.001 is a small share of a weight of 0.4. So this is what batch norm buys here:
# a network that is easier to start, not one that ends better. After so few steps no network has
# passed the straight line.

fig, ax = plt.subplots(figsize=(6.4, 4.6))
positions = torch.arange(len(WEIGHT_STDS), dtype=torch.float64)
looks = ((True, "batch norm", BLUE, "o", -0.08), (False, "plain", VERMILLION, "^", 0.08))
for with_norm, label, color, marker, shift in looks:
    means = torch.stack([scores[with_norm, std].mean(dim=1) for std in WEIGHT_STDS])  # (stds, R)
    shown = means.clamp(min=FLOOR)
    x = (positions + shift)[:, None].expand_as(means)
    inside = means > FLOOR
    ax.plot(x[inside], shown[inside], marker, color=color, label=label, markersize=8)
    ax.plot(x[~inside], shown[~inside], "v", color=color, markersize=8)
ax.annotate("lower still", (1.8, FLOOR), ha="right", va="center", fontsize=11)
ax.axhline(line.mean().item(), color=GREY, linestyle="--", label="straight line")
ax.set_xticks(positions, [f"{std}" for std in WEIGHT_STDS])
ax.set_title("The plain network needs the right start;\nbatch norm forgives weights that are small")
ax.set_xlabel("spread of the starting weights (dimensionless)")
ax.set_ylabel("explained share of the test variance")
ax.set_ylim(FLOOR - 0.08, 1.25)
ax.legend(loc="upper center", ncols=3, columnspacing=1.0, handletextpad=0.4)

# %%
# Change this and see
# -------------------
#
# - Give ``DeepRegressor`` the argument ``n_hidden_layers=2``, and remove the asserts: now the plain
#   network begins to learn from weights of 0.02, too. It is the depth that made the start matter.
# - Set ``lr=4e-3`` and ``N_STEPS = 30``, without the asserts, and look at 0.4: with batch norm it
#   learns now, because four times the step on four times the weights is the same share of them.
# - Replace 0.02 by 0.05, without the asserts: that is still too small, and the plain network learns
#   hardly anything.

plt.show()
