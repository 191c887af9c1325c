r"""
Three cures for a gradient that vanishes
========================================

Ten layers with PyTorch's start do not learn to read digits. Larger first weights, batch
normalisation and residual connections are three ways out; the relu alone is not. Which of them
brings the gradient back, and does the network then learn?
"""

# %%
# Five networks
# -------------
# Each has ten layers of 32 units, and a last one for the ten classes. In a *residual* network
# each layer computes a correction: its output is added to its input, so that the gradient has a way
# back around every layer.

from itertools import pairwise

import matplotlib.pyplot as plt
import torch
from torch import nn

from handbook.activations import relu, sigmoid
from handbook.datasets import load_digits
from handbook.device import get_device
from handbook.gradient_flow import gradient_norms
from handbook.initialization import kaiming_normal_, uniform_
from handbook.layers import BatchNorm1d
from handbook.losses import cross_entropy
from handbook.plots import BLUE, GREEN, GREY, PURPLE, STYLE, VERMILLION
from handbook.seeding import make_generator

plt.style.use(STYLE)
device = get_device()
depth, width, n_steps, seeds = 10, 32, 60, (0, 1, 2)
digits = load_digits()
inputs = digits.inputs.flatten(1)
inputs = ((inputs - inputs.mean()) / inputs.std()).to(device)
targets = digits.targets.to(device)


class Deep(nn.Module):
    """Ten layers with an activation, and what a cure adds to them."""

    def __init__(self, activation, seed, kaiming=False, norm=False, residual=False):
        super().__init__()
        generator = make_generator(seed)
        self.activation, self.residual = activation, residual
        sizes = [64] + [width] * depth
        pairs = pairwise(sizes)
        self.layers = nn.ModuleList(nn.Linear(*pair) for pair in pairs)
        self.last = nn.Linear(width, 10)
        for layer in (*self.layers, self.last):  # PyTorch's own start, from a generator
            bound = layer.in_features**-0.5
            for parameter in layer.parameters():
                uniform_(parameter, -bound, bound, generator=generator)
            if kaiming and layer is not self.last:
                kaiming_normal_(layer.weight, nonlinearity="relu", generator=generator)
        norms = (BatchNorm1d(width) if norm else nn.Identity() for _ in self.layers)
        self.norms = nn.ModuleList(norms)

    def forward(self, x):
        """Return the logits."""
        for i, (layer, norm) in enumerate(zip(self.layers, self.norms, strict=True)):
            y = self.activation(norm(layer(x)))
            x = x + y if self.residual and i > 0 else y
        return self.last(x)


networks = {
    "sigmoid": (sigmoid, {}, GREY, (0, (1, 1))),
    "relu": (relu, {}, VERMILLION, "--"),
    "relu, Kaiming": (relu, {"kaiming": True}, GREEN, "-."),
    "relu, batch norm": (relu, {"norm": True}, BLUE, "-"),
    "relu, residual": (relu, {"residual": True}, PURPLE, (0, (6, 1, 1, 1, 1, 1))),
}


def train(network, seed):
    """Train with batches of 64; return the gradient norms at the start, and the losses."""
    generator, losses, norms = make_generator(100 + seed), [], []
    optimizer = torch.optim.SGD(network.parameters(), lr=0.03, momentum=0.9, foreach=True)
    for step in range(n_steps):
        rows = torch.randint(len(inputs), (64,), generator=generator).to(device)
        loss = cross_entropy(network(inputs[rows]), targets[rows])
        optimizer.zero_grad()
        loss.backward()
        if step == 0:
            found = gradient_norms(network)
            norms = [found[f"layers.{i}.weight"] for i in range(depth)]
        optimizer.step()
        losses.append(loss.item())
    return norms, losses


at_start, curves, first_over_last, ends = {}, {}, {}, {}
for name, (activation, cure, *_) in networks.items():
    runs = [train(Deep(activation, seed, **cure).to(device), seed) for seed in seeds]
    norms, losses = (torch.tensor(values) for values in zip(*runs, strict=True))
    at_start[name] = norms.median(0).values
    curves[name] = losses.unfold(1, 5, 1).mean(2).median(0).values
    first_over_last[name] = norms[:, 0] / norms[:, -1]
    ends[name] = losses[:, -10:].mean(1)

# %%
# At the start
# ------------

_, start_ax = plt.subplots(figsize=(6.2, 4.6))
for name, (*_, color, linestyle) in networks.items():
    start_ax.plot(range(1, depth + 1), at_start[name], color=color, linestyle=linestyle, label=name)
start_ax.set_yscale("log")
start_ax.set_title("Three cures bring the gradient back\nto the first layers")
start_ax.set_xlabel("layer (1 is next to the input)")
start_ax.set_ylabel("length of gradient (logarithmic)")
start_ax.legend(loc="lower right")
for name, ratio in first_over_last.items():
    cured = name not in ("sigmoid", "relu")
    print(f"{name:17}: first layer / last layer is {'above 0.5' if cured else 'below 0.02'}")
    assert (ratio > 0.5).all() if cured else (ratio < 0.02).all()

# %%
# In training
# -----------
# All networks get the same batches and the same rate.

_, loss_ax = plt.subplots(figsize=(6.2, 4.6))
for name, (*_, color, linestyle) in networks.items():
    loss_ax.plot(range(5, n_steps + 1), curves[name], color=color, linestyle=linestyle, label=name)
loss_ax.axhline(torch.log(torch.tensor(10.0)).item(), color=GREY, linewidth=0.8)
loss_ax.set_title("The networks whose gradient arrives\nare the ones that learn")
loss_ax.set_xlabel("step")
loss_ax.set_ylabel("cross-entropy (nats), mean of 5 steps")
loss_ax.legend(loc="lower left")
for name, end in ends.items():
    cured = name not in ("sigmoid", "relu")
    print(f"{name:17}: after {n_steps} steps every loss is {'below 1.6' if cured else 'above 2.2'}")
    assert (end < 1.6).all() if cured else (end > 2.2).all()

# %%
# Change this and see
# -------------------
#
# - Set ``depth = 2``: the relu without a cure learns as well, and the assertions say so.
# - Replace ``nonlinearity="relu"`` by ``nonlinearity="linear"``: each layer halves the mean square,
#   and the cure is only half of one.

plt.show()
