r"""
Does a convolution read digits better?
======================================

A fully connected network takes an image as one long vector: it does not know which pixels are
neighbours. A convolutional one looks at neighbourhoods, with the same weights everywhere. Let both
learn handwritten digits with equally many parameters, first digits in the middle, then digits
anywhere on a larger sheet.
"""

import os

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F

from handbook.datasets import load_digits, train_test_split
from handbook.device import get_device
from handbook.metrics import accuracy
from handbook.mnist import load_mnist
from handbook.models import FullyConnected, LeNet, count_parameters
from handbook.plots import BLUE, STYLE, VERMILLION
from handbook.seeding import make_generator

plt.style.use(STYLE)
device = get_device()

# %%
# Real digits
# -----------
#
# The bundled digits have 8 × 8 pixels. If you have the files of MNIST, let the environment variable
# ``HANDBOOK_MNIST`` name their folder before you run this: then its first 2000 images are used.
# They have twelve times as many pixels, and take a smaller rate, more epochs, and minutes.

folder = os.environ.get("HANDBOOK_MNIST")
if folder:
    mnist = load_mnist(folder)
    images, targets = mnist.train_inputs[:2000], mnist.train_targets[:2000]
    learning_rate, n_epochs = 5e-3, 20
else:
    digits = load_digits()
    images, targets = digits.inputs.reshape(-1, 1, 8, 8) / 16, digits.targets
    learning_rate, n_epochs = 2e-2, 10


def put_anywhere(images, generator):
    """Put each image at a random place of an empty sheet, half as large again."""
    size = images.shape[-1]
    sheet = size * 3 // 2
    places = torch.randint(sheet - size + 1, (len(images), 2), generator=generator)
    sheets = torch.zeros(len(images), 1, sheet, sheet)
    for image, empty, (row, column) in zip(images, sheets, places.tolist(), strict=True):
        empty[:, row : row + size, column : column + size] = image
    return sheets


# %%
# Two networks with equally many parameters
# -----------------------------------------
#
# The convolutional one has two convolutions of 6 and 16 kernels, each with a relu and a pooling,
# and a linear layer. The fully connected one has a hidden layer, as wide as the parameters of the
# other allow: :math:`h` units on :math:`D` pixels have :math:`h(D + 1) + 10(h + 1)` of them.


def convolutional(size, generator):
    """Return a small LeNet."""
    return LeNet(size, kernel_size=3, padding=1, hidden=(), generator=generator)


def fully_connected(size, generator):
    """Return a network with one hidden layer and as many parameters."""
    wanted = count_parameters(convolutional(size, None))
    hidden = round((wanted - 10) / (size * size + 11))
    return FullyConnected([size * size, hidden, 10], generator=generator)


def share_read(make, is_anywhere, seed):
    """Train on one half of the digits; return the share of the others that is read right."""
    generator = make_generator(seed)
    pictures = put_anywhere(images, generator) if is_anywhere else images
    split = train_test_split(pictures, targets, test_share=0.5, generator=generator)
    model = make(pictures.shape[-1], generator).to(device)
    inputs, labels = split.train_inputs.to(device), split.train_targets.to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate)
    for _ in range(n_epochs):
        order = torch.randperm(len(labels), generator=generator).to(device)
        for batch in order.split(100):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs[batch]), labels[batch]).backward()
            optimizer.step()
    with torch.no_grad():
        return accuracy(model(split.test_inputs.to(device)), split.test_targets.to(device))


shares = {
    (kind, is_anywhere): torch.tensor([share_read(make, is_anywhere, seed) for seed in range(3)])
    for kind, make in (("conv", convolutional), ("full", fully_connected))
    for is_anywhere in (False, True)
}
for is_anywhere in (False, True):
    size = images.shape[-1] * (3 if is_anywhere else 2) // 2
    counts = [count_parameters(make(size, None)) for make in (convolutional, fully_connected)]
    place = "anywhere" if is_anywhere else "in the middle"
    print(f"{place}: {counts[0]} parameters with convolutions, {counts[1]} without")
    assert abs(counts[0] / counts[1] - 1) < 0.05

# %%
# What came out
# -------------
#
# In the middle, every pixel has its fixed meaning, and a vector is nearly good enough. Anywhere,
# the fully connected network must learn each digit anew for each place. The convolutions carry
# what they have learned from one place to all others.

gaps = {place: shares["conv", place].mean() - shares["full", place].mean() for place in (0, 1)}
print("in the middle, the convolutions read at least as many:", bool(gaps[0] > -0.01))
print("anywhere, they lead for every seed:", bool((shares["conv", 1] > shares["full", 1]).all()))
if not folder:
    assert -0.01 < gaps[0] < 0.05
    assert shares["conv", True].min() > shares["full", True].max() + 0.02

fig, ax = plt.subplots(figsize=(6.0, 4.6))
for kind, label, color, marker, shift in (
    ("conv", "two convolutions", BLUE, "o", -0.1),
    ("full", "fully connected", VERMILLION, "s", 0.1),
):
    for place in (0, 1):
        values = shares[kind, place]
        ax.plot([place + shift] * 3, values, marker, color=color, alpha=0.6, markersize=8)
        ends = [place + shift - 0.07, place + shift + 0.07]
        ax.plot(ends, [values.mean()] * 2, color=color, linestyle="-", linewidth=3)
    ax.plot([], [], marker, color=color, label=label)
ax.set_xlim(-0.5, 1.5)
ax.set_xticks([0, 1], ["in the middle", "anywhere on the sheet"])
ax.grid(axis="x", visible=False)
ax.set_ylabel("digits read right (share of those not seen)")
ax.set_title("With as many parameters, convolutions lead\nwhere the place of the digit varies")
ax.legend(loc="lower left")

# %%
# Points are seeds, lines their means. A seed decides about the first weights, the halves and the
# places.
#
# Change this and see
# -------------------
#
# - Shuffle the pixels, the same way in all images. Behind the loading, put
#   ``order = torch.randperm(images[0].numel(), generator=make_generator(0))`` and
#   ``images = images.flatten(1)[:, order].reshape(images.shape)``. In the middle, the fully
#   connected network does as well as before. The convolutional one falls behind it: its
#   neighbourhoods mean nothing any more.
# - Set ``n_epochs = 30``: both get better, and the gap for digits anywhere stays.

plt.show()
