"""
How good is the best of many, really?
=====================================

Forty settings are tried, and the one with the best validation accuracy is chosen. The accuracy that
it was chosen by is too good: partly the setting was good, partly it was lucky. The more settings
and the fewer validation samples, the more luck.
"""

# %%
# Forty networks whose width, rate and number of epochs are drawn at random. What each answers for
# 1500 digits that it never saw is kept: right or wrong.

import matplotlib.pyplot as plt
import torch
from torch import nn

from handbook.batches import MiniBatches
from handbook.datasets import load_digits
from handbook.device import get_device
from handbook.plots import STYLE, TRAINING, TRUTH, VALIDATION
from handbook.seeding import make_generator
from handbook.training import fit, predict

plt.style.use(STYLE)
device = get_device()

n_settings, n_train, n_repeats, sizes = 40, 290, 500, (25, 50, 100, 200, 400)
digits = load_digits()
images, labels = digits.inputs / 16, digits.targets
order = torch.randperm(len(labels), generator=make_generator(0))
train, rest = order[:n_train], order[n_train:]

generator = make_generator(1)
right = torch.zeros(n_settings, len(rest))
for k in range(n_settings):
    draw = torch.rand(3, generator=generator).tolist()
    width, rate, epochs = 8 + int(56 * draw[0]), 10 ** (-2.5 + draw[1]), 8 + int(12 * draw[2])
    model = nn.Sequential(nn.Linear(64, width), nn.ReLU(), nn.Linear(width, 10))
    with torch.no_grad():
        for layer in (model[0], model[2]):
            bound = layer.in_features**-0.5
            layer.weight.uniform_(-bound, bound, generator=generator)
            layer.bias.uniform_(-bound, bound, generator=generator)
    batches = MiniBatches(images[train], labels[train], batch_size=58, generator=generator)
    optimizer = torch.optim.Adam(model.to(device).parameters(), lr=rate)
    fit(model, nn.CrossEntropyLoss(), optimizer, batches, epochs=epochs)
    right[k] = (predict(model, images[rest]).cpu().argmax(dim=1) == labels[rest]).float()

# %%
# Draw a validation set, choose the best setting on it, and look at all the *other* samples. Five
# hundred such draws for each size of the validation set.

seen, honest = torch.zeros(len(sizes)), torch.zeros(len(sizes))
for i, size in enumerate(sizes):
    for _ in range(n_repeats):
        rows = torch.randperm(len(rest), generator=generator)
        scores = right[:, rows[:size]].mean(dim=1)
        chosen = int(scores.argmax())
        seen[i] += scores[chosen] / n_repeats
        honest[i] += right[chosen, rows[size:]].mean() / n_repeats

optimism = seen - honest
print("the score that it was chosen by is too good at every size:", bool((optimism > 0).all()))
print(f"optimism at {sizes[0]} samples: above 0.03: {bool(optimism[0] > 0.03)}")
print(f"optimism at {sizes[-1]} samples: below 0.015: {bool(optimism[-1] < 0.015)}")
print("more samples, a better choice:", bool(honest[-1] > honest[0]))
assert (optimism > 0).all()
assert (optimism.diff() < 0).all()
assert optimism[0] > 0.03
assert optimism[-1] < 0.015
assert honest[-1] > honest[0]

fig, ax = plt.subplots(figsize=(6.4, 4.6))
ax.plot(
    sizes,
    seen,
    marker="s",
    color=VALIDATION,
    linestyle="--",
    label="on the samples it was chosen by",
)
ax.plot(sizes, honest, marker="o", color=TRAINING, label="on all other samples")
ax.axhline(right.mean(), color=TRUTH, linestyle=":", label="mean of all settings")
ax.set_xscale("log")
ax.set_xticks(sizes, [str(size) for size in sizes])
ax.minorticks_off()
ax.set_xlabel("validation samples (log scale)")
ax.set_ylabel("accuracy of the chosen setting (share)")
ax.set_title("The score that you chose by is too good")
ax.legend(loc="lower right", bbox_to_anchor=(1.0, 0.08))

# %%
# The choice itself is right: the chosen setting is better than the mean of all. Only its score must
# not be reported. Measure it again, on a test set.
#
# Change this and see
# -------------------
# - Set ``n_settings`` to 10: fewer to choose from, less optimism.
# - Replace ``int(scores.argmax())`` by 0, the first setting: chosen without looking, its two scores
#   agree.
# - Make all settings alike, with ``width, rate, epochs = 32, 0.01, 15``: the optimism stays, and
#   the choice gains much less over the mean.

plt.show()
