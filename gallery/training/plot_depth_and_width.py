"""
How deep and how wide should a network be?
==========================================

Networks from no hidden layer to four, 4 to 64 units wide, learn to read handwritten digits. Width
pays until it is enough. Depth does not pay here: narrow and deep is the worst of all.
"""

# %%
# Three hundred digits to learn from, and three hundred to choose with. Every network gets the same
# steps, the same rate and two starts.

import itertools

import matplotlib.pyplot as plt
import torch
from torch import nn

from handbook.batches import MiniBatches
from handbook.datasets import load_digits
from handbook.device import get_device
from handbook.plots import STYLE, plot_matrix
from handbook.seeding import make_generator
from handbook.training import evaluate, fit

plt.style.use(STYLE)
device = get_device()

depths, widths, n_seeds, epochs = (0, 1, 2, 4), (4, 16, 64), 2, 30
digits = load_digits()
images, labels = digits.inputs / 16, digits.targets
order = torch.randperm(len(labels), generator=make_generator(0))
train, validation = order[:300], order[300:600]


def accuracy(output, target):
    """Return the share of right answers."""
    return (output.argmax(dim=1) == target).float().mean()


def make_network(sizes, generator):
    """Return a network whose weights are drawn from the generator."""
    layers = []
    for n_in, n_out in itertools.pairwise(sizes):
        layer = nn.Linear(n_in, n_out)
        with torch.no_grad():
            layer.weight.uniform_(-(n_in**-0.5), n_in**-0.5, generator=generator)
            layer.bias.uniform_(-(n_in**-0.5), n_in**-0.5, generator=generator)
        layers += [layer, nn.ReLU()]
    return nn.Sequential(*layers[:-1]).to(device)


# %%
# A network without a hidden layer has no width: it is trained once for all columns.

loss = nn.CrossEntropyLoss()
scores = torch.zeros(2, len(depths), len(widths))  # training and validation accuracy
counts = {}
for i, depth in enumerate(depths):
    for j, width in enumerate(widths):
        if depth == 0 and j > 0:
            scores[:, i, j] = scores[:, i, 0]
            continue
        for seed in range(n_seeds):
            generator = make_generator(seed)
            model = make_network([64, *depth * [width], 10], generator)
            batches = MiniBatches(images[train], labels[train], batch_size=50, generator=generator)
            fit(model, loss, torch.optim.Adam(model.parameters(), lr=0.01), batches, epochs=epochs)
            for k, rows in enumerate((train, validation)):
                found = evaluate(
                    model, loss, [(images[rows], labels[rows])], metrics={"accuracy": accuracy}
                )
                scores[k, i, j] += found.metrics["accuracy"] / n_seeds
        counts[depth, width] = sum(parameter.numel() for parameter in model.parameters())

# %%
# Numbers of parameters, and what the grid shows.

print("parameters without a hidden layer:", counts[0, 4])
print("parameters of 1 × 64:", counts[1, 64], "and of 4 × 16:", counts[4, 16])
print("1 × 64 above 0.9:", bool(scores[1, 1, 2] > 0.9))
print("4 × 4 below 0.6:", bool(scores[1, 3, 0] < 0.6))
print("no hidden layer above 0.88:", bool(scores[1, 0, 0] > 0.88))
assert scores[1, 1, 2] > 0.9 > 0.6 > scores[1, 3, 0]
assert scores[1, 0, 0] > 0.88
assert (scores[1, 1:, 2] > scores[1, 1:, 0]).all()

fig, axes = plt.subplots(2, 1, figsize=(5.6, 8.4))
for ax, table in zip(axes, scores, strict=True):
    plot_matrix(100 * table, decimals=0, limits=(20, 100), ax=ax)
    ax.set_xticks(range(len(widths)), [str(width) for width in widths])
    ax.set_yticks(range(len(depths)), [str(depth) for depth in depths])
    ax.set_xlabel("units in each hidden layer")
    ax.set_ylabel("hidden layers")
axes[0].set_title("Training, %: 64 units hold all")
axes[1].set_title("Validation, %: depth buys nothing")

# %%
# The digits are nearly linearly separable, so a network without a hidden layer is hard to beat.
# Four units make a bottleneck: ten classes have to pass through four numbers, layer after layer.
# Nothing in this says that depth is bad; it says that depth has to be paid for, and that only
# validation tells whether it was worth it.
#
# Change this and see
# -------------------
# - Set ``depths`` to (0, 1, 2, 4, 8): of 16 units and of 64, eight layers do far worse than four,
#   on the training samples too.
# - Set ``train`` to ``order[:30]``: one layer of 64 units still holds all training samples, and its
#   validation accuracy falls far below 90 %.

plt.show()
