"""
Shift a picture, shuffle its pixels
===================================

A fully connected network does not know which pixels are neighbours; a convolutional network is
built on it. Shift the digits by one pixel without training again, and shuffle their pixels with
training again. What does each change cost?
"""

import matplotlib.pyplot as plt
import torch
from torch import nn

from handbook.datasets import load_digits, train_test_split
from handbook.device import get_device
from handbook.layers import Conv2d, Linear
from handbook.plots import BLUE, STYLE, VERMILLION
from handbook.seeding import make_generator
from handbook.symmetry import equivariance_error

plt.style.use(STYLE)
device = get_device()

# %%
# Two families, as many parameters
# --------------------------------
#
# Both take an image of 8 × 8 pixels and give ten logits. The convolutional network has two layers
# of 16 kernels, and then takes the largest answer of each kernel over all places. The fully
# connected one has a hidden layer whose size gives it nearly as many parameters.


class LargestAnswer(nn.Module):
    """Take the maximum of each channel over all places: (N, C, H, W) to (N, C)."""

    def forward(self, x):
        """Return the maximum over rows and columns."""
        return x.amax(dim=(-2, -1))


def fully_connected(generator):
    """Build the network that sees 64 numbers."""
    return nn.Sequential(
        nn.Flatten(), Linear(64, 35, generator=generator), nn.ReLU(),
        Linear(35, 10, generator=generator),
    )  # fmt: skip


def convolutional(generator):
    """Build the network that sees a picture."""
    return nn.Sequential(
        Conv2d(1, 16, 3, padding=1, generator=generator), nn.ReLU(),
        Conv2d(16, 16, 3, padding=1, generator=generator), nn.ReLU(),
        LargestAnswer(), Linear(16, 10, generator=generator),
    )  # fmt: skip


FAMILIES = {"fully connected": fully_connected, "convolutional": convolutional}
for name, build in FAMILIES.items():
    count = sum(p.numel() for p in build(make_generator(0)).parameters())
    print(f"{name}: {count} parameters")

# %%
# What they do before training
# ----------------------------
#
# Shift a picture by one pixel to the right. The digits are drawn into the middle of a larger frame
# first, so that nothing falls over the edge. The convolution's feature maps shift along; their
# largest answers stay.

digits = load_digits()
images = (digits.inputs / 16).reshape(-1, 1, 8, 8)
framed = nn.functional.pad(images[:20], (4, 4, 4, 4)).to(device)


def shifted(x):
    """Move each picture one pixel to the right; what leaves comes in on the left."""
    return x.roll(1, dims=-1)


network = convolutional(make_generator(0)).to(device)
maps_move = equivariance_error(network[0], framed, shifted, shifted)
logits_stay = equivariance_error(network, framed, shifted)
dense = fully_connected(make_generator(0)).to(device)
dense_stays = equivariance_error(dense, framed[:, :, 4:12, 4:12], shifted)
print(f"feature maps move along: {maps_move < 1e-5};  logits stay: {logits_stay < 1e-5}")
print(f"logits of the fully connected network stay: {dense_stays < 1e-5}")
assert maps_move < 1e-5
assert logits_stay < 1e-5
assert dense_stays > 0.05

# %%
# Train, and test on digits that moved
# ------------------------------------
#
# The fully connected network is also trained on digits whose 64 pixels are shuffled, all by one
# permutation, and tested on digits shuffled alike.

N_STEPS, BATCH_SIZE = 100, 32
SEEDS = (0, 1, 2)
shuffle = torch.randperm(64, generator=make_generator(9))


def shuffled(x):
    """Put the pixels of each picture into one and the same random order."""
    return x.flatten(1)[:, shuffle].reshape(x.shape)


def accuracy(model, x, y):
    """Return the share of right answers."""
    with torch.no_grad():
        return (model(x.to(device)).argmax(dim=1) == y.to(device)).float().mean().item()


def trained(build, split, seed):
    """Return a network after a short training."""
    generator = make_generator(seed)
    model = build(generator).to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    x, y = split.train_inputs.to(device), split.train_targets.to(device)
    for _ in range(N_STEPS):
        batch = torch.randint(len(x), (BATCH_SIZE,), generator=generator).to(device)
        loss = nn.functional.cross_entropy(model(x[batch]), y[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model


before = {name: torch.empty(len(SEEDS)) for name in FAMILIES}
after_shift = {name: torch.empty(len(SEEDS)) for name in FAMILIES}
after_shuffle = torch.empty(len(SEEDS))
for i, seed in enumerate(SEEDS):
    split = train_test_split(images, digits.targets, generator=make_generator(seed))
    truth = split.test_targets
    for name, build in FAMILIES.items():
        model = trained(build, split, seed)
        before[name][i] = accuracy(model, split.test_inputs, truth)
        after_shift[name][i] = accuracy(model, shifted(split.test_inputs), truth)
    mixed = split._replace(
        train_inputs=shuffled(split.train_inputs), test_inputs=shuffled(split.test_inputs)
    )
    again = trained(fully_connected, mixed, seed)
    after_shuffle[i] = accuracy(again, mixed.test_inputs, truth)

shift_cost = {name: before[name] - after_shift[name] for name in FAMILIES}
shuffle_cost = before["fully connected"] - after_shuffle
print("fully connected, shuffled and trained again: loses", end=" ")
print("less than 4 points" if shuffle_cost.abs().max() < 0.04 else "more")
for name, cost in shift_cost.items():
    print(
        f"{name}, shifted: loses {'more than 25' if cost.min() > 0.25 else 'less than 15'} points"
    )
assert (shuffle_cost.abs() < 0.04).all()  # one order of the pixels is as good as another
assert (shift_cost["fully connected"] > 0.25).all()
assert (shift_cost["convolutional"] < 0.15).all()

# %%
# To the fully connected network a shifted digit is a new pattern: other inputs are bright. To the
# convolution it is the same pattern at another place, up to what the edge of the image cuts off.

fig, ax = plt.subplots(figsize=(6.4, 4.6))
LABELS = ("as they are", "shifted by\none pixel", "shuffled,\ntrained again")
looks = (("fully connected", VERMILLION, "^", -0.1), ("convolutional", BLUE, "o", 0.1))
for name, color, marker, offset in looks:
    groups = [before[name], after_shift[name]]
    if name == "fully connected":
        groups.append(after_shuffle)
    for place, score in enumerate(groups):
        label = name if place == 0 else None
        x = torch.full((len(SEEDS),), place + offset)
        ax.plot(x, 100 * score, marker, color=color, label=label, markersize=8)
ax.set_xticks(range(len(LABELS)), LABELS)
ax.set_xlim(-0.5, 2.5)
ax.set_ylim(0, 105)
ax.set_title("One pixel to the right breaks the full\nconnection; shuffling does not")
ax.set_xlabel("test digits")
ax.set_ylabel("accuracy (%)")
ax.legend(loc="lower left")

# %%
# Change this and see
# -------------------
#
# - Put ``nn.Flatten()`` in the place of ``LargestAnswer()``, with ``Linear(16 * 64, 10)`` behind
#   it. Remove the asserts, and ``logits_stay``, whose pictures are too large for this head. It now
#   knows places, and a shift costs nearly as much as without convolutions.
# - Train ``convolutional`` on ``mixed``, too. On images this small it loses little: two layers of
#   3 × 3 kernels see a window of 5 × 5 of the 8 × 8 pixels, in whatever order.
# - Shift down instead of right, ``dims=-2``, and remove the asserts: now both families lose about
#   40 points. The digits are as high as their images: what goes out below comes in on top, and that
#   is no shift any more.

plt.show()
