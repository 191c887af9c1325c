"""
Can a network learn labels that mean nothing?
=============================================

Two hundred handwritten digits, once with their true labels and once with the labels dealt out at
random. The same network gets every training label right in both cases. Only one of the two has
learned to read.
"""

# %%
# Real digits from scikit-learn. Dealing out the labels keeps how many there are of each.

import matplotlib.pyplot as plt
import torch
from torch import nn

from handbook.batches import MiniBatches
from handbook.datasets import load_digits
from handbook.device import get_device
from handbook.plots import GREY, STYLE, TRAINING, VALIDATION
from handbook.seeding import make_generator
from handbook.training import fit

plt.style.use(STYLE)
device = get_device()

n_seeds, n_train, epochs = 2, 200, 100
digits = load_digits()
images, labels = digits.inputs / 16, digits.targets


def accuracy(output, target):
    """Return the share of right answers."""
    return (output.argmax(dim=1) == target).float().mean()


def make_network(generator):
    """Return a network whose weights are drawn from the generator."""
    model = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))
    with torch.no_grad():
        for layer in model:
            if isinstance(layer, nn.Linear):
                bound = layer.in_features**-0.5
                layer.weight.uniform_(-bound, bound, generator=generator)
                layer.bias.uniform_(-bound, bound, generator=generator)
    return model.to(device)


# %%
# The test samples keep their true labels.

histories = {"true labels": [], "random labels": []}
for kind, runs in histories.items():
    for seed in range(n_seeds):
        generator = make_generator(seed)
        order = torch.randperm(len(labels), generator=generator)
        train, test = order[:n_train], order[n_train:]
        learned = labels[train]
        if kind == "random labels":
            learned = learned[torch.randperm(n_train, generator=generator)]
        model = make_network(generator)
        batches = MiniBatches(images[train], learned, batch_size=50, generator=generator)
        runs.append(
            fit(
                model, nn.CrossEntropyLoss(), torch.optim.Adam(model.parameters(), lr=0.005),
                batches, epochs=epochs, metrics={"accuracy": accuracy},
                validation=[(images[test], labels[test])],
            )
        )  # fmt: skip

for kind, runs in histories.items():
    by_heart = min(run.metrics["accuracy"][-1] for run in runs)
    new = [run.validation_metrics["accuracy"][-1] for run in runs]
    print(f"{kind}: training accuracy above 0.98 in every run: {by_heart > 0.98}")
    print(f"{kind}: test accuracy between 0.9 and 1: {[0.9 < value < 1 for value in new]}")
    assert by_heart > 0.98
    assert min(new) > 0.9 if kind == "true labels" else max(new) < 0.2

fig, axes = plt.subplots(2, 1, sharex=True, sharey=True, figsize=(6.4, 7.0))
for ax, runs in zip(axes, histories.values(), strict=True):
    for k, run in enumerate(runs):
        ax.plot(
            run.epochs,
            run.metrics["accuracy"],
            color=TRAINING,
            linestyle="-",
            label="training" if k == 0 else None,
        )
        ax.plot(
            run.epochs, run.validation_metrics["accuracy"], color=VALIDATION, linestyle="--",
            label="test" if k == 0 else None,
        )  # fmt: skip
    ax.axhline(0.1, color=GREY, linestyle=":", label="guessing")
    ax.set_ylabel("accuracy (share)")
    ax.set_ylim(0, 1.05)
axes[0].set_title("True labels: a rule is found, fast")
axes[1].set_title("Random labels: learned by heart, slowly, for nothing")
axes[1].set_xlabel("epoch")
axes[0].legend(loc="center right")

# %%
# So the training accuracy says that the network is large enough, and nothing else. What tells the
# two apart before the test does is the time: a rule takes a few epochs, a list of exceptions many.
#
# Change this and see
# -------------------
# - Give a tenth of the samples a random label instead of all: the network learns these by heart
#   too, and the test accuracy stays far above that of guessing.
# - Set the hidden layer from 128 to 4 units: too few to learn the random labels by heart.
# - Set ``n_train`` to 1000: learning by heart takes more epochs than there are here.

plt.show()
