"""
When it says 90 %, is it right 90 % of the time?
================================================

A softmax puts out numbers that sum to one. Whether they deserve the name of probabilities is a
question to the data: collect the digits that a model claims to know with 90 %, and count.
"""

import matplotlib.pyplot as plt
import torch

from handbook.activations import softmax
from handbook.classifiers import fit_softmax_regression, fit_temperature
from handbook.datasets import load_digits
from handbook.device import get_device
from handbook.losses import cross_entropy
from handbook.metrics import accuracy, expected_calibration_error, reliability
from handbook.plots import BLUE, GREEN, GREY, STYLE, TRUTH, VERMILLION
from handbook.seeding import make_generator

plt.style.use(STYLE)
device = get_device()

# %%
# One model, three times of stopping
# ----------------------------------
#
# Softmax regression on 200 digits, stopped after 30, 300 and 3000 steps. Of the other images, 500
# serve to find a temperature, and the rest to judge. Five seeds draw five different divisions.

digits = load_digits()
stages = (30, 300, 3000)
n_seeds, n_train, n_tune = 5, 200, 500
table = {stage: [] for stage in stages}
claims = {(stage, mended): [] for stage in stages for mended in (False, True)}
truths = []
for seed in range(n_seeds):
    order = torch.randperm(len(digits.targets), generator=make_generator(seed))
    pixels = (digits.inputs[order] / 16).to(device)
    targets = digits.targets[order].to(device)
    tune, test = slice(n_train, n_train + n_tune), slice(n_train + n_tune, None)
    truths.append(targets[test].cpu())
    model, done = None, 0
    for stage in stages:
        model = fit_softmax_regression(
            pixels[:n_train], targets[:n_train], 10,
            learning_rate=2.0, n_steps=stage - done, start=model,
        )  # fmt: skip
        done = stage
        temperature = fit_temperature(model.logits(pixels[tune]), targets[tune])
        logits = model.logits(pixels[test])
        mended = logits / temperature
        claims[stage, False].append(softmax(logits, dim=1).cpu())
        claims[stage, True].append(softmax(mended, dim=1).cpu())
        table[stage].append(
            [
                accuracy(logits, targets[test]),
                softmax(logits, dim=1).amax(dim=1).mean().item(),
                temperature,
                expected_calibration_error(softmax(logits, dim=1), targets[test]),
                expected_calibration_error(softmax(mended, dim=1), targets[test]),
                cross_entropy(logits, targets[test]).item(),
                cross_entropy(mended, targets[test]).item(),
            ]
        )

for stage in stages:
    right, sure, temperature, error, mended_error, _, _ = torch.tensor(table[stage]).mean(dim=0)
    print(
        f"{stage:>4} steps: right {right:.0%}, claims {sure:.0%}; temperature {temperature:.1f}, "
        f"calibration error {error:.2f} -> {mended_error:.2f}"
    )

early, late = torch.tensor(table[stages[0]]), torch.tensor(table[stages[-1]])
assert bool((early[:, 2] < 0.8).all())  # too timid, for every seed
assert bool((late[:, 2] > 1.1).all())  # too bold, for every seed
for rows in (early, late):
    assert bool((rows[:, 6] < rows[:, 5]).all())  # the temperature lowers the loss

# %%
# The share that is right hardly changes after the first steps. What keeps changing is how sure the
# model is: too timid at first, too bold at the end. Dividing all logits by one number mends both,
# and changes no answer.

colors = {30: (BLUE, "o"), 300: (GREEN, "^"), 3000: (VERMILLION, "s")}
fig, axes = plt.subplots(2, 1, figsize=(6.4, 9.6), sharex=True)
for ax, mended in zip(axes, (False, True), strict=True):
    ax.plot([0, 1], [0, 1], color=TRUTH, linestyle=":", label="as often as claimed")
    for stage, (color, marker) in colors.items():
        result = reliability(torch.cat(claims[stage, mended]), torch.cat(truths))
        enough = result.counts >= 50
        ax.plot(
            result.confidence[enough], result.frequency[enough],
            color=color, marker=marker, linestyle="-", label=f"{stage} steps",
        )  # fmt: skip
    ax.set_ylabel("share that is right (dimensionless)")
    ax.set_ylim(0.2, 1.02)
    ax.set_xlim(0.2, 1.02)
axes[0].set_title("Stopped early it claims too little, late too much")
axes[1].set_title("One temperature brings all three to the diagonal")
axes[1].set_xlabel("claimed probability of the answer (dimensionless)")
axes[0].legend(loc="lower right")
axes[0].text(0.25, 0.93, "too timid", color=GREY)
axes[1].legend(loc="lower right")

# %%
# Each point stands for at least 50 images of the five divisions together.
#
# Change this and see
# -------------------
#
# - Find the temperature on the training images, ``[:n_train]``: after 3000 steps it fails with the
#   message that every sample is right, which is why held-out images are needed.
# - Set ``n_train=1000``: with more images there is less to be too sure about, the temperature after
#   3000 steps comes close to 1, and the assertions on it fail.
# - Print ``reliability(...).counts``: most claims lie in the last bin. The left part of the diagram
#   rests on few images.

plt.show()
