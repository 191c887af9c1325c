"""
Which learning rate, and how many epochs?
=========================================

The same network, the same digits, rates from 1e-4 to 1. A larger rate gets to the same accuracy in
fewer epochs, up to a point. Too large a rate fails with any number of them.
"""

# %%
# One hidden layer of 32 units. The validation accuracy is kept after each epoch, so that one run of
# 40 epochs tells about all shorter ones.

import matplotlib.pyplot as plt
import torch
from torch import nn

from handbook.batches import MiniBatches
from handbook.datasets import load_digits
from handbook.device import get_device
from handbook.plots import GREY, STYLE
from handbook.seeding import make_generator
from handbook.training import fit

plt.style.use(STYLE)
device = get_device()

rates, budgets, n_seeds = (1e-4, 1e-3, 4e-3, 1e-2, 3e-2, 1e-1, 1.0), (2, 10, 40), 2
digits = load_digits()
images, labels = digits.inputs / 16, digits.targets
order = torch.randperm(len(labels), generator=make_generator(0))
train, validation = order[:300], order[300:600]


def accuracy(output, target):
    """Return the share of right answers."""
    return (output.argmax(dim=1) == target).float().mean()


def make_network(generator):
    """Return a network whose weights are drawn from the generator."""
    model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    with torch.no_grad():
        for layer in (model[0], model[2]):
            bound = layer.in_features**-0.5
            layer.weight.uniform_(-bound, bound, generator=generator)
            layer.bias.uniform_(-bound, bound, generator=generator)
    return model.to(device)


curves = torch.zeros(len(rates), n_seeds, budgets[-1])
for i, rate in enumerate(rates):
    for seed in range(n_seeds):
        generator = make_generator(seed)
        model = make_network(generator)
        history = fit(
            model, nn.CrossEntropyLoss(), torch.optim.Adam(model.parameters(), lr=rate),
            MiniBatches(images[train], labels[train], batch_size=50, generator=generator),
            epochs=budgets[-1], validation=[(images[validation], labels[validation])],
            metrics={"accuracy": accuracy},
        )  # fmt: skip
        curves[i, seed] = torch.tensor(history.validation_metrics["accuracy"])

# %%
# How many rates reach an accuracy of 0.85, by the mean over the seeds, within each budget?

means = curves.mean(dim=1)  # (rates, epochs)
for n in budgets:
    print(f"rates that reach 0.85 in {n} epochs: {int((means[:, n - 1] > 0.85).sum())}")
print("rate 1e-4 after 40 epochs below 0.6:", bool(means[0, -1] < 0.6))
print("rate 1 after 40 epochs below 0.6:", bool(means[-1, -1] < 0.6))
assert means[0, -1] < 0.6
assert means[-1, -1] < 0.6
assert (means[1:-1, -1] > 0.85).all()
assert (means[:, 1] < 0.85).all()

fig, ax = plt.subplots(figsize=(6.4, 4.8))
for n, marker, linestyle in zip(budgets, ("^", "s", "o"), (":", "--", "-"), strict=True):
    values = curves[:, :, n - 1]
    (line,) = ax.plot(
        rates, values.mean(dim=1), marker=marker, linestyle=linestyle, label=f"{n} epochs"
    )
    ax.fill_between(
        rates,
        values.amin(dim=1),
        values.amax(dim=1),
        color=line.get_color(),
        alpha=0.2,
        linewidth=0,
    )
ax.axhline(0.1, color=GREY, linewidth=1, linestyle="-.")
ax.annotate("guessing", (1.0, 0.1), xytext=(0, -14), textcoords="offset points", ha="right")
ax.set_xscale("log")
ax.set_ylim(0, 1.05)
ax.set_xlabel("learning rate of Adam (log scale)")
ax.set_ylabel("validation accuracy (share)")
ax.set_title("More epochs widen the range of good rates")
ax.legend(loc="lower center", bbox_to_anchor=(0.66, 0.12))

# %%
# Bands reach from the worse seed to the better. A small rate is not better, it is slower: given the
# epochs it arrives at the same place. A large rate is not faster without end: past a point the
# steps throw the weights to where the units are dead.
#
# Change this and see
# -------------------
# - Set ``batch_size`` to 300: one step for each epoch instead of six. The curve of 40 epochs, now
#   40 steps, then lies close to that of 10 epochs of six. (Take the last assertions out.)
# - Use ``torch.optim.SGD`` instead of Adam: rates of 0.004 and less do not reach 0.85 in 40 epochs.

plt.show()
