r"""
Why do more layers make a plain network worse?
==============================================

A deeper network can do whatever a shallower one can: let its further layers copy. So its error on
the *training* set should never be larger. Train both and it is. This is called degradation, and it
has nothing to do with overfitting. A residual connection takes it away.
"""

import math

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from torch import nn

from handbook.blocks import Residual
from handbook.datasets import load_digits
from handbook.device import get_device
from handbook.layers import Linear
from handbook.plots import BLUE, STYLE, VERMILLION
from handbook.seeding import make_generator

plt.style.use(STYLE)
device = get_device()

# %%
# The same branches, with and without a shortcut
# ----------------------------------------------
#
# A branch is two linear layers of 32 units with a relu between them. The plain network puts a relu
# after each branch and hands its output on. The residual network adds the branch to its input, and
# starts each branch at zero. All other weights are drawn so that a relu network keeps the size of
# its numbers, with variance :math:`2 / 32`: nothing vanishes at the start.


def kaiming_layer(n_inputs, n_outputs, generator):
    """Return a layer with Kaiming's weights and without a bias at the start."""
    layer = Linear(n_inputs, n_outputs, generator=generator)
    with torch.no_grad():
        layer.weight.normal_(0, math.sqrt(2 / n_inputs), generator=generator)
        layer.bias.zero_()
    return layer


def network(n_blocks, is_residual, seed):
    """Return a classifier of digits with a number of blocks."""
    generator = make_generator(seed)
    layers = [kaiming_layer(64, 32, generator), nn.ReLU()]
    for _ in range(n_blocks):
        branch = nn.Sequential(
            kaiming_layer(32, 32, generator), nn.ReLU(), kaiming_layer(32, 32, generator)
        )
        if is_residual:
            nn.init.zeros_(branch[2].weight)
            layers.append(Residual(branch))
        else:
            layers += [branch, nn.ReLU()]
    layers.append(kaiming_layer(32, 10, generator))
    return nn.Sequential(*layers).to(device)


# %%
# Six epochs with Adam, three seeds for each network. What counts is the loss on the set that they
# were trained on, measured when the training is over.

digits = load_digits()
images, targets = (digits.inputs / 16).to(device), digits.targets.to(device)


def training_loss(n_blocks, is_residual, seed):
    """Train a network and return its loss on the training set."""
    model = network(n_blocks, is_residual, seed)
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3, foreach=True)
    generator = make_generator(100 + seed)
    for _ in range(6):
        order = torch.randperm(len(targets), generator=generator).to(device)
        for batch in order.split(200):
            optimizer.zero_grad()
            F.cross_entropy(model(images[batch]), targets[batch]).backward()
            optimizer.step()
    with torch.no_grad():
        return F.cross_entropy(model(images), targets).item()


depths = [1, 4, 12]
losses = {
    is_residual: torch.tensor(
        [[training_loss(depth, is_residual, seed) for seed in range(3)] for depth in depths]
    )
    for is_residual in (False, True)
}
plain, residual = losses[False], losses[True]
print("plain:    12 blocks worse than 4, for every seed:", bool((plain[2] > plain[1].max()).all()))
print("residual: 12 blocks better than 4, for every seed:", bool((residual[2] < residual[1]).all()))
assert plain[2].min() > plain[1].max()
assert residual[2].max() < residual[1].min()
assert residual[2].max() < plain.min() / 2

fig, ax = plt.subplots(figsize=(6.0, 4.8))
for values, color, style, marker, label in (
    (plain, VERMILLION, "--", "s", "plain"),
    (residual, BLUE, "-", "o", "residual"),
):
    ax.plot(depths, values.mean(dim=1), color=color, linestyle=style, label=f"{label}, mean")
    ax.plot(depths, values, color=color, linestyle="", marker=marker, alpha=0.6)
ax.set_yscale("log")
ax.set_yticks([0.1, 0.2, 0.5, 1, 2], ["0.1", "0.2", "0.5", "1", "2"])
ax.minorticks_off()
ax.set_xticks(depths)
ax.set_title("Depth hurts a plain network on its own training\nset, and helps a residual one")
ax.set_xlabel("blocks (count)")
ax.set_ylabel("loss on the training set (logarithmic)")
ax.legend(loc="lower left")

# %%
# A deep plain network that is as good as the shallow one
# -------------------------------------------------------
#
# It exists. Behind a relu all numbers are at least 0, and a branch whose two weights are the unit
# matrix copies them. Put eleven such blocks behind the first one, and not a bit of the output
# changes. So the deep network can do it, and training does not find it.

shallow = network(1, False, seed=0)
copies = []
for _ in range(11):
    branch = nn.Sequential(Linear(32, 32), nn.ReLU(), Linear(32, 32))
    for layer in (branch[0], branch[2]):
        nn.init.eye_(layer.weight)
        nn.init.zeros_(layer.bias)
    copies += [branch, nn.ReLU()]
deep = nn.Sequential(*shallow[:4], *copies, shallow[4]).to(device)
with torch.no_grad():
    difference = (deep(images) - shallow(images)).abs().max().item()
print(f"12 blocks against 1, largest difference of the outputs: {difference:.0f}")
assert difference < 1e-5

# %%
# A residual block copies when its branch is *zero*, which is where small weights are anyway. That
# is the whole idea: make the harmless thing the easy one.
#
# Change this and see
# -------------------
#
# - Train for 30 epochs instead of 6: all losses fall, and twelve residual blocks end more than ten
#   times better than any plain network.
# - Leave out ``nn.init.zeros_``: now twelve residual blocks end worse than four, and the last two
#   assertions fail. Each block adds to the variance of its input, which the training has to undo.
# - Start the branches of the plain network at the unit matrix, by ``nn.init.eye_`` for the weights
#   of ``branch[0]`` and ``branch[2]``, and take the assertions about it out: depth helps there too.
#   The start matters, and a shortcut makes the good start the natural one.

plt.show()
