r"""
How are gradients spread while a network trains?
================================================

The length of a gradient is one number for a layer. A histogram shows all of its entries: where they
lie on the powers of ten, how wide they are spread, how many are exactly zero. Two networks of eight
layers learn to read digits. Look at the gradients of each layer before the first step, and later.
"""

# %%
# Two networks
# ------------
# One has logistic units and PyTorch's own start, the other relus and Kaiming's. All else is the
# same: data, batches, rate, number of steps.

from itertools import pairwise

import matplotlib.pyplot as plt
import torch
from torch import nn

from handbook.datasets import load_digits
from handbook.device import get_device
from handbook.gradient_flow import gradient_histograms, gradient_norms
from handbook.initialization import kaiming_normal_, uniform_
from handbook.losses import cross_entropy
from handbook.plots import BLUE, STYLE, VERMILLION
from handbook.seeding import make_generator

plt.style.use(STYLE)
device = get_device()
depth, width, batch_size, rate = 8, 32, 64, 0.05
moments = (0, 60, 300)
digits = load_digits()
inputs = digits.inputs.flatten(1)
inputs = ((inputs - inputs.mean()) / inputs.std()).to(device)
targets = digits.targets.to(device)
exponents = torch.linspace(-12, 0, 49)  # four bins for each power of ten


def make_network(activation, seed, kaiming):
    """Return eight hidden layers and one for the ten classes."""
    generator = make_generator(seed)
    parts = []
    for n_in, n_out in pairwise([64, *[width] * depth, 10]):
        layer = nn.Linear(n_in, n_out)
        for parameter in layer.parameters():  # PyTorch's own start, from a generator
            uniform_(parameter, -(n_in**-0.5), n_in**-0.5, generator=generator)
        if kaiming and n_out == width:
            kaiming_normal_(layer.weight, nonlinearity="relu", generator=generator)
            nn.init.zeros_(layer.bias)
        parts += [layer, activation()]
    return nn.Sequential(*parts[:-1]).to(device)


def watch(network):
    """Train; return the histograms of the weights at the chosen moments, and the losses."""
    generator = make_generator(0)
    optimizer = torch.optim.SGD(network.parameters(), lr=rate, momentum=0.9)
    seen, losses = {}, []
    for step in range(max(moments) + 1):
        rows = torch.randint(len(inputs), (batch_size,), generator=generator).to(device)
        loss = cross_entropy(network(inputs[rows]), targets[rows])
        optimizer.zero_grad()
        loss.backward()
        losses.append(loss.item())
        if step in moments:
            found = gradient_histograms(network, exponents)
            lengths = gradient_norms(network)
            names = [name for name in found if name.endswith("weight")]
            seen[step] = ([found[name] for name in names], [lengths[name] for name in names])
        optimizer.step()
    return seen, losses


networks = {
    "logistic": (make_network(nn.Sigmoid, 0, kaiming=False), VERMILLION),
    "relu, Kaiming": (make_network(nn.ReLU, 0, kaiming=True), BLUE),
}
watched = {name: watch(network) for name, (network, _) in networks.items()}

# %%
# Layer by layer
# --------------
# Each row is a layer, the one next to the input at the bottom. Each hill is the histogram of the
# logarithms of its weights' gradients.

fig, axs = plt.subplots(
    len(moments), 2, figsize=(6.4, 8.6), sharex=True, sharey=True, squeeze=False
)
middles = (exponents[1:] + exponents[:-1]) / 2
for column, (name, (_, color)) in enumerate(networks.items()):
    seen, losses = watched[name]
    for row, step in enumerate(moments):
        ax = axs[row, column]
        histograms, lengths = seen[step]
        for layer, histogram in reversed(list(enumerate(histograms, start=1))):
            hill = layer + 7 * histogram.shares
            ax.fill_between(middles, layer, hill, color=color, alpha=0.5, lw=0)
            ax.plot(middles, hill, color=color, linestyle="-", linewidth=1)
        ax.set_title(f"{name}, step {step}\nloss {losses[step]:.2g}")
        ax.set_yticks(range(1, depth + 2))
        spread = torch.tensor(lengths).log10()
        largest = (spread.max() - spread.min()).item()
        told = "less than 2" if largest < 2 else "more than 3"
        zero = max(histogram.zero for histogram in histograms)
        zeros = "some" if zero > 0 else "no"
        print(f"{name:13} step {step:3}: layers {told} powers of ten apart, {zeros} entries are 0")
        assert (zero > 0.2) == (name != "logistic")
        assert (largest < 2) == (name != "logistic")
for ax in axs[-1]:
    ax.set_xticks(range(-12, 1, 3), [f"$10^{{{power}}}$" for power in range(-12, 1, 3)])
    ax.set_xlabel("size of gradient entry")
for ax in axs[:, 0]:
    ax.set_ylabel("layer")
fig.suptitle(
    "Logistic: each layer gets less than the one above.\n"
    "Relu, Kaiming: all layers get alike, and learn",
    x=0.02,
    ha="left",
)
assert watched["logistic"][1][-1] > 2.2
assert watched["relu, Kaiming"][1][-1] < 0.5

# %%
# With logistic units the hills stand on a slope, nearly a power of ten from one layer to the next.
# Three hundred steps do not change it: the loss stays where chance is. With relus all hills stand
# above one another. They are wider and lower: some units are on for many digits and some for few,
# and entries of units that are off for the whole batch are exactly 0 and in no hill. As the loss
# falls, they move to the left *together*. Small gradients alone are no bad sign. Layers that lie
# many powers of ten apart are.
#
# Change this and see
# -------------------
#
# - Replace ``nn.Sigmoid`` by ``nn.Tanh``, and remove the assertions: at the start all its hills are
#   too far left, and above one another: the signal fades forward as the gradient does backward. It
#   learns, but later than the relus.
# - Set ``kaiming=True`` for the logistic network as well: the slope of the hills is less steep, and
#   the loss still does not move.
# - Set ``depth = 2``, and remove the assertions: the logistic network learns too. With two layers
#   nothing can vanish.

plt.show()
