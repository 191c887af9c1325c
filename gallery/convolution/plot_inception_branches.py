r"""
What does an Inception block look like inside?
==============================================

Four branches look at the same image, each in its own way, and their answers are joined along the
channels. The drawing below is not drawn by hand: it walks through the module, so it shows what is
there.
"""

import matplotlib.pyplot as plt
import torch
from torch import nn

from handbook.blocks import Inception
from handbook.device import get_device
from handbook.layers import Conv2d
from handbook.plots import BLUE, GREEN, GREY, PURPLE, STYLE, VERMILLION
from handbook.seeding import make_generator
from handbook.shapes import tape

plt.style.use(STYLE)
device = get_device()
block = Inception.classic(88, device=device, generator=make_generator(0))
images = torch.zeros(1, 88, 8, 8, device=device)

# %%
# Walk through the module
# -----------------------
#
# The shape tape runs a model and writes down what goes into each layer and what comes out. Group
# its rows by branch. A relu does not change a shape, so it goes into the box of its convolution.

SHORT = {"Conv2d": "conv", "MaxPool2d": "max pool", "AvgPool2d": "mean pool"}
found = tape(block, images)
columns = {name: [] for name in block.branches}
for row in found.layers:
    branch = row.name.split(".")[1]
    module = block.get_submodule(row.name)
    if row.kind == "ReLU":
        columns[branch][-1][0] += " + relu"
        continue
    size = module.kernel_size if isinstance(module.kernel_size, int) else module.kernel_size[0]
    columns[branch].append([f"{size} × {size} {SHORT[row.kind]}", row.output])

for name, steps in columns.items():
    print(f"{name}: " + ", then ".join(f"{text} → {shape[1]} channels" for text, shape in steps))
widths = [steps[-1][1][1] for steps in columns.values()]
print(" + ".join(map(str, widths)), "=", block(images).shape[1])
assert sum(widths) == block(images).shape[1] == 88

# %%
# The widths add up, and nothing else about the branches needs to agree but height and width.

COLORS = [BLUE, VERMILLION, GREEN, PURPLE]
n_rows = max(len(steps) for steps in columns.values())
fig, ax = plt.subplots(figsize=(6.6, 6.8))


def box(x, y, width, text, color):
    """Draw a box with text around a place, and return the place."""
    ax.add_patch(
        plt.Rectangle(
            (x - width / 2, y - 0.33), width, 0.66, facecolor="none", edgecolor=color, linewidth=2
        )
    )
    ax.text(x, y, text, ha="center", va="center", fontsize=12, linespacing=1.15)


def arrow(start, end, color):
    """Draw an arrow from one place to the next."""
    ax.annotate("", end, start, arrowprops={"arrowstyle": "->", "color": color, "linewidth": 1.5})


middle = (len(columns) - 1) / 2
box(middle, 0, 2.0, f"input\n{images.shape[1]} channels", GREY)
top = n_rows + 1
for x, ((_, steps), color) in enumerate(zip(columns.items(), COLORS, strict=True)):
    arrow((middle + (x - middle) * 0.5, 0.33), (x, 0.67), color)
    for y, (text, shape) in enumerate(steps, start=1):
        box(x, y, 0.92, f"{text.replace(' + ', chr(10) + '+ ')}\n→ {shape[1]}", color)
        if y > 1:
            arrow((x, y - 0.67), (x, y - 0.33), color)
    arrow((x, len(steps) + 0.33), (middle + (x - middle) * 0.7, top - 0.33), color)
total = " + ".join(map(str, widths))
box(middle, top, 2.6, f"cat along the channels\n{total} = {sum(widths)}", GREY)
ax.set_xlim(-0.55, len(columns) - 0.45)
ax.set_ylim(-0.5, top + 0.5)
ax.set_axis_off()
ax.set_title("Four branches of one input: their channels add up,\nand height and width stay 8 × 8")

# %%
# What the 1 × 1 convolutions are for
# -----------------------------------
#
# They stand in front of the large kernels and leave 16 of the 88 channels. Without them, each large
# kernel would reach through all 88. Count the weights of both.


def n_parameters(module):
    """Return how many numbers a module learns."""
    return sum(parameter.numel() for parameter in module.parameters())


direct = {
    "conv5": Conv2d(88, 24, 5, padding=2),
    "conv3": nn.Sequential(Conv2d(88, 24, 3, padding=1), nn.ReLU(), Conv2d(24, 24, 3, padding=1)),
}
counts = {name: (n_parameters(block.branches[name]), n_parameters(direct[name])) for name in direct}
for name, (reduced, full) in counts.items():
    print(f"{name}: {reduced:,} parameters instead of {full:,}, {full / reduced:.1f} times fewer")
assert counts["conv5"][1] > 4 * counts["conv5"][0]

fig, ax = plt.subplots(figsize=(6.0, 3.6))
for y, (reduced, full) in enumerate(counts.values()):
    for offset, number, color, hatch in ((-0.19, full, GREY, "//"), (0.19, reduced, BLUE, "")):
        ax.barh(y + offset, number, height=0.34, color=color, hatch=hatch, edgecolor="white")
        ax.text(number, y + offset, f" {number:,}", va="center", fontsize=11)
ax.set_yticks(range(2), ["5 × 5", "3 × 3, twice"])
ax.set_xlim(0, 66_000)
ax.set_xticks([0, 20_000, 40_000, 60_000], ["0", "20,000", "40,000", "60,000"])
ax.grid(axis="y", visible=False)
ax.invert_yaxis()
ax.set_xlabel("parameters (count): without (hatched) and with 1 × 1")
ax.set_title("A 1 × 1 convolution in front saves\nfour fifths of a 5 × 5 branch")

# %%
# Change this and see
# -------------------
#
# - Walk through a block of your own, such as ``Inception({"conv3": Conv2d(88, 8, 3, padding=1),
#   "pool": nn.AvgPool2d(3, 1, padding=1)})``: the drawing follows, with 8 + 88 = 96 channels. Take
#   the assertion about 88 out, and what comes after the first figure.
# - Leave ``padding=1`` out in it: the block refuses, and names the branch and both sizes.
# - Set ``reduced=88`` in the classic block: now nothing is saved, and the last assertion fails. The
#   branches even cost more than the direct ones: a 1 × 1 convolution itself has 88 · 89 parameters.

plt.show()
