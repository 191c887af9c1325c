r"""
Batch norm keeps the numbers of each layer in range
===================================================

Ten linear layers with tanh between them, started with weights that are a little too small. What
arrives at each activation, with batch normalisation before it and without? And can the network
learn?
"""

# %%
# What arrives at each activation
# -------------------------------
# The handwritten digits go in. For each layer, the band holds the middle 90 % of the numbers that
# its tanh gets: at the start, and after 70 steps of training.

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from torch import nn

from handbook.datasets import load_digits
from handbook.device import get_device
from handbook.layers import BatchNorm1d
from handbook.plots import BLUE, STYLE, VERMILLION
from handbook.seeding import make_generator

plt.style.use(STYLE)
device = get_device()

digits = load_digits()
inputs = digits.inputs.reshape(len(digits.inputs), -1).to(device)
inputs = (inputs - inputs.mean()) / inputs.std()
targets = digits.targets.to(device)
depth, width, n_steps, seeds = 10, 24, 70, (0, 1, 2)


def make_network(normalize, seed):
    """Build the network; every weight is drawn from N(0, 0.1²), every bias is 0."""
    generator = make_generator(seed)
    modules = []
    for i in range(depth):
        linear = nn.Linear(inputs.shape[1] if i == 0 else width, width, bias=not normalize)
        modules += [linear, BatchNorm1d(width) if normalize else nn.Identity(), nn.Tanh()]
    modules.append(nn.Linear(width, 10))
    for module in modules:
        if isinstance(module, nn.Linear):
            draws = torch.randn(module.weight.shape, generator=generator)
            module.weight.data = 0.1 * draws
            if module.bias is not None:
                module.bias.data.zero_()
    return nn.Sequential(*modules).to(device)


def entering(network):
    """Return the 5 %, 50 % and 95 % quantiles of what each tanh gets."""
    found, x = [], inputs[:256]
    levels = torch.tensor([0.05, 0.5, 0.95], device=device)
    with torch.no_grad():
        for module in network:
            if isinstance(module, nn.Tanh):
                found.append(torch.quantile(x.flatten(), levels))
            x = module(x)
    return torch.stack(found).cpu()


def train(network, seed):
    """Take ``n_steps`` steps of gradient descent with batches of 128; return the last losses."""
    generator, losses = make_generator(100 + seed), []
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    for _ in range(n_steps):
        rows = torch.randint(len(inputs), (128,), generator=generator).to(device)
        loss = F.cross_entropy(network(inputs[rows]), targets[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return sum(losses[-10:]) / 10


fig, axs = plt.subplots(2, 1, figsize=(6.2, 7.4), sharex=True)
layers = range(1, depth + 1)
finals = {}
for ax, normalize in zip(axs, (False, True), strict=True):
    finals[normalize] = []
    for seed in seeds:
        network = make_network(normalize, seed)
        start = entering(network)
        finals[normalize].append(train(network, seed))
        if seed == seeds[0]:
            for band, color, hatch, label in (
                (start, BLUE, None, "at the start"),
                (entering(network), VERMILLION, "///", f"after {n_steps} steps"),
            ):
                ax.fill_between(
                    layers, band[:, 0], band[:, 2], color=color, alpha=0.35, hatch=hatch, lw=0
                )
                ax.plot(layers, band[:, 0], color=color, linestyle="-" if hatch is None else "--")
                ax.plot(
                    layers, band[:, 2], color=color, linestyle="-" if hatch is None else "--",
                    label=label,
                )  # fmt: skip
            if normalize:
                assert ((band[:, 2] - band[:, 0]) > 1).all()
            else:
                assert start[-1, 2] - start[-1, 0] < 0.1 * (start[0, 2] - start[0, 0])
    ax.set_ylabel("input of tanh (middle 90 %)")
    ax.margins(y=0.3)
    ax.legend(loc="upper right")
axs[0].set_title("Without: each layer shrinks the numbers")
axs[1].set_title("With batch normalisation: every tanh gets\nnumbers of spread about 1")
axs[1].set_xlabel("layer")
assert max(finals[True]) < 1 < 2.2 < min(finals[False])
print("without batch norm, the loss of every seed stays above 2.2")
print("with batch norm, the loss of every seed falls below 1")

# %%
# A loss of log 10 = 2.3 is that of guessing: without normalisation nothing was learned. That is no
# proof that normalisation is the only cure. A start with larger weights is another, as the first
# experiment below shows.
#
# Change this and see
# -------------------
#
# - Replace the factor 0.1 by ``width**-0.5``, which is 0.204: the bands above no longer collapse,
#   and the network without batch normalisation learns too.
# - Replace the factor by 1.0: without normalisation every tanh is driven far out, where it is flat;
#   with it the bands at the start are the same as before, because a scale of the weights divides
#   out.
# - Give ``BatchNorm1d`` the argument ``affine=False``: at the start nothing changes, since the
#   weight begins at 1 and the bias at 0.

plt.show()
