r"""
How large is each layer, and what does it learn?
================================================

A small network for images of 32 × 32 pixels, after LeNet-5 (LeCun et al., 1998): two convolutions,
each followed by a pooling, then three linear layers. What does each make of its input, and where
are the parameters? The tape runs the model once and knows.
"""

# %%
# The shapes, with their arithmetic
# ---------------------------------

import math
from collections import OrderedDict

import matplotlib.pyplot as plt
import torch
from matplotlib.patches import Rectangle
from torch import nn

from handbook.plots import BLUE, GREY, STYLE, VERMILLION
from handbook.shapes import tape

plt.style.use(STYLE)

lenet = nn.Sequential(
    OrderedDict(
        conv1=nn.Conv2d(1, 6, 5),
        pool1=nn.MaxPool2d(2),
        conv2=nn.Conv2d(6, 16, 5),
        pool2=nn.MaxPool2d(2),
        flatten=nn.Flatten(),
        fc1=nn.Linear(400, 120),
        fc2=nn.Linear(120, 84),
        fc3=nn.Linear(84, 10),
    )
)
found = tape(lenet, torch.zeros(1, 1, 32, 32))
print(found)
assert found["flatten"].arithmetic == ("16·5·5 = 400",)

# %%
# Drawn to scale
# --------------
# One number of a feature map is one unit of area. A map of 28 × 28 is a square of side 28, and the
# channels stand behind each other. A vector of n numbers is a square of n units.

fig, (maps, vectors) = plt.subplots(2, 1, figsize=(6.4, 5.2), height_ratios=(3, 2))


def draw_stack(ax, x, channels, side, color):
    """Draw ``channels`` squares behind each other, the first in front, and return the width."""
    for i in reversed(range(channels)):
        corner = (x + 1.2 * i, 1.2 * i)
        ax.add_patch(Rectangle(corner, side, side, facecolor=color, edgecolor="white", lw=0.7))
    return side + 1.2 * (channels - 1)


def write_below(ax, center, name, sizes):
    """Write the layer's name and the sizes of its output below it."""
    text = name + "\n" + "×".join(map(str, sizes))
    ax.text(center, -3, text, ha="center", va="top", fontsize=11)


x = 0.0
images = [("input", found.rows[0].input)]
images += [(row.name, row.output) for row in found.layers if len(row.output) == 4]
for name, (_, channels, side, _) in images:
    color = {"c": BLUE, "p": GREY, "i": GREY}[name[0]]
    width = draw_stack(maps, x, channels, side, color)
    write_below(maps, x + width / 2, name, (channels, side, side))
    x += width + 10
maps.set_xlim(-2, x - 8)
maps.set_ylim(-14, 38)
maps.set_title(
    "A 5 × 5 kernel takes 4 from the side of a map,\na pooling halves it: 32, 28, 14, 10, 5"
)

x = 10.0
for row in found.layers:
    if len(row.output) == 2:
        side = math.sqrt(row.output[1])
        draw_stack(vectors, x, 1, side, GREY if row.name == "flatten" else VERMILLION)
        write_below(vectors, x + side / 2, row.name, row.output[1:])
        x += side + 18
vectors.set_xlim(maps.get_xlim())
vectors.set_ylim(-14, 22)
vectors.set_title("Then 16·5·5 = 400 numbers in a row, and linear layers")
for ax in (maps, vectors):
    ax.set_aspect("equal")
    ax.axis("off")

# %%
# Numbers held, numbers learned
# -----------------------------
# A convolution uses its few weights at every place. A linear layer has a weight for each pair of
# numbers.

fig, ax = plt.subplots(figsize=(6.0, 4.2))
learning = [row for row in found.layers if row.parameters]
positions = torch.arange(len(learning))
outputs = [math.prod(row.output) for row in learning]
parameters = [row.parameters for row in learning]
for shift, values, color, hatch, label in (
    (-0.2, outputs, BLUE, "", "numbers in its output"),
    (0.2, parameters, VERMILLION, "//", "parameters"),
):
    ax.bar(positions + shift, values, 0.38, color=color, hatch=hatch, label=label)
    side = "right" if shift < 0 else "left"  # neighbours of one height would overlap if centred
    for position, value in zip(positions.tolist(), values, strict=True):
        place = (position + 0.2 * shift, 1.08 * value)
        ax.text(*place, f"{value:,}", ha=side, va="bottom", fontsize=10.5)
ax.set_xticks(positions, [row.name for row in learning])
ax.set_yscale("log")
ax.set_ylim(5, 3e6)
ax.set_xlabel("layer")
ax.set_ylabel("how many (logarithmic)")
ax.legend(loc="upper right")
ax.set_title(
    "The first convolution puts out the most numbers,\nthe first linear layer learns the most"
)

share = found["fc1"].parameters / found.n_parameters
print(f"fc1 has {share:.0%} of the {found.n_parameters} parameters")
assert share > 0.75
assert max(outputs) == outputs[0]

# %%
# Change this and see
# -------------------
#
# - Give ``conv1`` the argument ``padding=2`` and run: the error names ``fc1`` and the size that its
#   input now has, 16·6·6 = 576.
# - Replace ``pool2`` by ``nn.AdaptiveAvgPool2d(1)`` and ``fc1`` by ``nn.Linear(16, 120)``: nine
#   tenths of ``fc1`` are gone, and images of any size go in.
# - Put ``nn.Conv2d(16, 120, 5)`` in place of ``flatten`` and ``fc1``, and the flattening after it,
#   as LeNet-5 did: the same 48120 parameters.

plt.show()
