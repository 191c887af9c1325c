r"""
Which branch does the network use?
==================================

An Inception block offers several sizes of kernels and leaves the choice to the training. Train a
small network with one on handwritten digits. Then silence its branches, one at a time, and count
how many digits it still reads.
"""

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from torch import nn

from handbook.blocks import Inception
from handbook.datasets import load_digits, train_test_split
from handbook.device import get_device
from handbook.layers import Conv2d, Linear
from handbook.metrics import accuracy
from handbook.plots import BLUE, GREY, STYLE
from handbook.seeding import make_generator

plt.style.use(STYLE)
device = get_device()
N_SEEDS = 3
digits = load_digits()
images = digits.inputs.reshape(-1, 1, 8, 8) / 16

# %%
# Two networks that differ in one block
# -------------------------------------
#
# The block takes 8 channels and returns 22: 4 from the 1 × 1 branch, and 6 from each other one. In
# the second network a single 3 × 3 convolution with 22 kernels stands in its place.


def inception_block(generator):
    """Return four branches, 22 channels together."""
    return Inception.classic(8, (4, 6, 6, 6), reduced=4, generator=generator)


def one_size(generator):
    """Return 22 kernels of one size."""
    return nn.Sequential(Conv2d(8, 22, 3, padding=1, generator=generator), nn.ReLU())


def train(make_block, seed):
    """Train on one half of the digits; return the network and the other half."""
    generator = make_generator(seed)
    split = train_test_split(images, digits.targets, test_share=0.5, generator=generator)
    inputs, targets = split.train_inputs.to(device), split.train_targets.to(device)
    model = nn.Sequential(
        Conv2d(1, 8, 3, padding=1, generator=generator),
        nn.ReLU(),
        make_block(generator),
        nn.MaxPool2d(2),
        nn.Flatten(),
        Linear(22 * 4 * 4, 10, generator=generator),
    ).to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(6):
        order = torch.randperm(len(targets), generator=generator).to(device)
        for batch in order.split(150):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs[batch]), targets[batch]).backward()
            optimizer.step()
    return model, split.test_inputs.to(device), split.test_targets.to(device)


def share_read(model, inputs, targets):
    """Return the share of images that the network reads right."""
    with torch.no_grad():
        return accuracy(model(inputs), targets)


def silence(branch):
    """Make a branch return zeros, until the handle is removed."""
    return branch.register_forward_hook(lambda module, args, output: torch.zeros_like(output))


names = ["conv1", "conv5", "conv3", "pool"]
whole, single = torch.zeros(N_SEEDS), torch.zeros(N_SEEDS)
without = torch.zeros(len(names), N_SEEDS)
for seed in range(N_SEEDS):
    model, inputs, targets = train(inception_block, seed)
    whole[seed] = share_read(model, inputs, targets)
    for i, name in enumerate(names):
        handle = silence(model[2].branches[name])
        without[i, seed] = share_read(model, inputs, targets)
        handle.remove()
    single[seed] = share_read(*train(one_size, seed))

# %%
# What the training chose
# -----------------------
#
# One of the two branches with large kernels is missed most, which one, the seed decides. Taken
# together they are missed more than the other two. And the whole block is no better than the
# single layer: in 8 × 8 pixels there are hardly several sizes of things to see. A block can offer a
# choice; the data decide whether it is worth something.

loss = (whole - without).mean(dim=1)
most = names[int(loss.argmax())]
print("missed most, in the mean of the seeds: a branch with large kernels:", most in names[1:3])
print("better than one size of kernel:", bool(whole.mean() > single.mean() + 0.01))
assert most in names[1:3]
assert loss[1:3].sum() > loss[0] + loss[3]
assert abs(whole.mean() - single.mean()) < 0.04

fig, ax = plt.subplots(figsize=(6.0, 4.4))
labels = ["22 kernels of 3 × 3", "all four branches", "without 1 × 1", "without 5 × 5"]
labels += ["without 3 × 3 twice", "without the pooling"]
for y, values in enumerate([single, whole, *without]):
    color, marker = (GREY, "s") if y == 0 else (BLUE, "o")
    ax.plot(values, [y] * N_SEEDS, marker, color=color, alpha=0.6)
    ax.plot([values.mean()] * 2, [y - 0.3, y + 0.3], color=color, linestyle="-")
ax.set_yticks(range(6), labels)
ax.invert_yaxis()
ax.set_xlim(right=1.0)
ax.set_xlabel("digits read right (share of those not seen)")
ax.set_title("A large kernel is missed most, and all four\nbranches are no better than one layer")

# %%
# Points are seeds, lines their means. Silencing a branch of a trained network is not the same as
# training without it: the rest has learned to rely on it.
#
# Change this and see
# -------------------
#
# - Leave the pooling branch out from the start: build ``Inception`` from the other three of
#   ``Inception.classic(...).branches``, with 16 channels and ``Linear(16 * 4 * 4, 10)``, and take
#   the loop over the silenced branches out. It reads about as many digits as before.
# - Train for 20 epochs: both networks read more than 95 % with every seed, and neither leads.
# - Silence the two branches with large kernels at once: more than a tenth of the digits is lost.

plt.show()
