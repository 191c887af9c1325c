r"""
What does a shortcut do to the loss surface?
============================================

A loss surface has as many dimensions as the network has parameters. What can be drawn is a plane
through it. Drawn like that, a deep plain network shows a hollow in a rough plateau, and one with
shortcuts a bowl. Is it the shortcut that makes the bowl, or the small branches that a good start
gives it?
"""

import math

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from torch import nn

from handbook.blocks import Residual
from handbook.datasets import load_digits
from handbook.device import get_device
from handbook.landscape import (
    filter_normalized_direction,
    grid_minima,
    loss_slice,
    plane_curvatures,
)
from handbook.layers import Linear
from handbook.plots import BLUE, GREEN, SEQUENTIAL, STYLE, TRUTH, VERMILLION
from handbook.seeding import make_generator

plt.style.use(STYLE)
device = torch.device("cpu") if get_device().type == "mps" else get_device()  # for float64
N_BLOCKS, N_SEEDS, N_SAMPLES = 8, 3, 200
digits = load_digits()
images, targets = (digits.inputs / 16).double().to(device), digits.targets.to(device)

# %%
# Three networks of 18 layers
# ---------------------------
#
# Each has eight blocks of two linear layers with 32 units, and a batch normalisation behind every
# layer but the last. The plain network has a relu behind each block. The other two add the block
# to its input. One starts with branches at full size, the other with branches of zero: the scale
# of their last batch normalisation starts at 0, as :class:`handbook.blocks.Residual` has it for
# images. All of it is in float64: the plain network amplifies a difference in the last digit of
# float32 until it is seen in the table below.


def normalized_layer(n_inputs, n_outputs, generator):
    """Return a linear layer with Kaiming's weights, and a batch normalisation."""
    layer = Linear(n_inputs, n_outputs, bias=False)
    with torch.no_grad():
        layer.weight.normal_(0, math.sqrt(2 / n_inputs), generator=generator)
    return layer, nn.BatchNorm1d(n_outputs)


def make_network(kind, seed):
    """Return a classifier of digits."""
    generator = make_generator(seed)
    layers = [*normalized_layer(64, 32, generator), nn.ReLU()]
    for _ in range(N_BLOCKS):
        branch = nn.Sequential(
            *normalized_layer(32, 32, generator), nn.ReLU(), *normalized_layer(32, 32, generator)
        )
        if kind == "shortcuts, zero start":
            nn.init.zeros_(branch[-1].weight)
        layers += [branch, nn.ReLU()] if kind == "plain" else [Residual(branch)]
    network = nn.Sequential(*layers, Linear(32, 10, generator=generator))
    return network.double().to(device)


def train(model, seed):
    """Train for eight epochs; return the loss on the whole training set."""
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3, foreach=True)
    generator = make_generator(100 + seed)
    for _ in range(8):
        order = torch.randperm(len(targets), generator=generator).to(device)
        for batch in order.split(200):
            optimizer.zero_grad()
            F.cross_entropy(model(images[batch]), targets[batch]).backward()
            optimizer.step()


# %%
# A plane through each
# --------------------
#
# Every seed has a network and a pair of directions of its own. They are filter-normalised (Li et
# al. 2018): 1 on an axis means that each unit's weights have moved by their own length. Scales and
# shifts stay.
#
# Batch normalisation has two sets of statistics. The running ones belong to the weights in the
# middle of the plane and to no others: a step away, the numbers have other means and variances, and
# with stale ones the loss explodes. So the networks stay in training mode here, and each point of
# the plane takes the statistics of the 200 images at *its* weights. That is the function that the
# training descends on.

spacing, middle = 0.1, 7
steps = spacing * (torch.arange(2 * middle + 1).double() - middle)


def loss(model):
    """Return the loss on a fixed set of images."""
    return F.cross_entropy(model(images[:N_SAMPLES]), targets[:N_SAMPLES])


def plane(model, seed):
    """Return the losses on a plane around the network."""
    generator = make_generator(200 + seed)
    across = [filter_normalized_direction(model, generator=generator) for _ in range(2)]
    return loss_slice(model, loss, *across, x=steps, y=steps)


KINDS = {
    "plain": (VERMILLION, "s", "--"),
    "shortcuts, full size": (GREEN, "^", ":"),
    "shortcuts, zero start": (BLUE, "o", "-"),
}
planes = {}
for kind in KINDS:
    for seed in range(N_SEEDS):
        model = make_network(kind, seed)
        train(model, seed)
        planes[kind, seed] = plane(model, seed)

# %%
# Three maps of the first seed, with a line for every 0.1 of the loss, and cuts through all nine
# planes. Who guesses each of ten digits with the same probability has the loss
# :math:`\ln 10 \approx 2.3`. The plain network sits in a narrow hollow, and around it lies a rough
# plateau a little above that: a few steps away, nothing of what it computes is left.

lowest = {key: grid_minima(losses).nonzero() + 1 for key, losses in planes.items()}
fig, axs = plt.subplots(2, 2, figsize=(5.8, 6.4))
levels = torch.arange(0, 4.1, 0.5)
for ax, kind in zip(axs.flat, KINDS, strict=False):
    filled = ax.contourf(steps, steps, planes[kind, 0].T, levels, cmap=SEQUENTIAL, extend="max")
    ax.contour(
        steps, steps, planes[kind, 0].T, torch.arange(0, 4.1, 0.1), colors="white", linewidths=0.5
    )
    dips = steps[lowest[kind, 0]]
    ax.plot(*dips.T, "o", color="white", markeredgecolor="black", markersize=7)
    ax.grid(False)
    ax.set_title(kind, color=KINDS[kind][0])
fig.colorbar(
    filled, ax=axs, label="loss", ticks=[0, 1, 2, 3, 4], location="bottom", aspect=40, shrink=0.8
)
for kind, (color, _, linestyle) in KINDS.items():
    for seed in range(N_SEEDS):
        cut = planes[kind, seed][:, middle]
        axs[1, 1].plot(steps, cut, color=color, linestyle=linestyle, linewidth=1.5)
axs[1, 1].axhline(math.log(10), color=TRUTH, linewidth=1)
axs[1, 1].text(0, 2.36, "guessing", color=TRUTH, ha="center", fontsize=10)
axs[1, 1].set_ylim(bottom=0)
axs[1, 1].set_ylabel("loss")
axs[1, 1].set_title("along the first direction")
for ax in axs.flat:
    ax.set_box_aspect(1)
    ax.set_xticks([-0.5, 0, 0.5])
for ax in axs.flat[:3]:
    ax.set_yticks([-0.5, 0, 0.5])
for ax in axs[1]:
    ax.set_xlabel("first direction")
for ax in axs[:, 0]:
    ax.set_ylabel("second direction")
fig.suptitle("Plain: a narrow hollow in a plateau with dips\n(circles); with shortcuts: a bowl")

# %%
# Numbers for the shape
# ---------------------
#
# A picture persuades too easily, so count. *Dips* are places on the grid that are lower than all
# of their eight neighbours. The plane *bends down* where the smaller of its two curvatures is
# negative; the share of such places is taken near the network, up to 0.3, since far out every loss
# levels off. The *rise* is that of the loss at the distance 0.5, the mean of four places.

near = slice(middle - 4, middle + 3)  # the curvatures have no rim: their middle is at 6
measured = {}
for key, losses in planes.items():
    dips = len(lowest[key])
    bends_down = plane_curvatures(losses, spacing)[near, near, 0] < 0
    ends = [(-5, 0), (5, 0), (0, -5), (0, 5)]
    away = torch.stack([losses[middle + i, middle + j] for i, j in ends])
    rise = away.mean() - losses[middle, middle]
    measured[key] = (dips, bends_down.double().mean().item(), rise.item())
print(f"{'':24}{'loss':>12}{'dips':>10}{'bends down':>14}{'rise':>14}")
for kind in KINDS:
    ends = [planes[kind, seed][middle, middle].item() for seed in range(N_SEEDS)]
    dips, shares, rises = zip(*(measured[kind, seed] for seed in range(N_SEEDS)), strict=True)
    print(
        f"{kind:24}{min(ends):>6.1f}–{max(ends):<5.1f}{min(dips):>7}–{max(dips):<2}"
        f"{min(shares):>10.0%}–{max(shares):<5.0%}{min(rises):>6.1f}–{max(rises):.1f}"
    )
plain, full, zero = ([measured[kind, seed] for seed in range(N_SEEDS)] for kind in KINDS)
assert sum(dips for dips, *_ in plain) > 2 * N_SEEDS
assert all(share > 0.2 for _, share, _ in plain)
assert all(dips <= 2 and share < 0.15 for dips, share, _ in full + zero)
assert min(rise for *_, rise in full) > 3 * max(rise for *_, rise in zero)

fig, ax = plt.subplots(figsize=(6.0, 4.6))
for kind, (color, marker, _) in KINDS.items():
    _, shares, rises = zip(*(measured[kind, seed] for seed in range(N_SEEDS)), strict=True)
    ax.plot(rises, shares, marker, color=color, markersize=9, label=kind)
ax.set_xlim(left=0)
ax.set_ylim(-0.03, 1)
ax.set_xlabel("rise of the loss at the distance 0.5")
ax.set_ylabel("where the plane bends down (share of places)")
ax.legend(loc="upper left")
ax.set_title("With shortcuts hardly a place bends down;\nonly small branches make the bowl flat")

# %%
# What it says, and what it does not
# ----------------------------------
#
# The shortcuts take the plateau away, and its dips. They do *not* make the surface flat: with
# branches at full size the loss rises at least as steeply as in the plain network. Flat is only the
# network with the zero start. Its branches are still small after the training, and their scale does
# not move in the plane, so a step of the same relative length changes much less of what the network
# computes. A picture of that network alone would credit the shortcut with both.
#
# The plain network also stands higher, for it has learned less in the same number of steps, and
# where it is trained better its surface is less bent: see the first experiment below. And all of it
# is about planes. Where a plane bends down, the loss is not convex, for certain. Where it bends up,
# the loss may bend down along any direction that is not drawn.
#
# Change this and see
# -------------------
#
# - Train with ``lr=1e-2``: the plain network learns more and ends at a fifth of its loss. Nearly
#   all its dips are gone from the plane, few places bend down near the middle, and assertions fail.
#   Much of the difference between the maps is thus one between a network that has learned and one
#   that has not.
# - Put ``model.eval()`` behind ``train(model, seed)``: stale statistics. The loss of the plain
#   networks now rises several times as far as guessing costs, and they seem to lie in deep wells.
#   (Take the assertions out.)
# - Set ``N_BLOCKS = 2``: the plain network has a bowl, too. (Take the assertions out.)

plt.show()
