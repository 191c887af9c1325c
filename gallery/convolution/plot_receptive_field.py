r"""
How far does a deep unit see?
=============================

A unit of the first layer sees one window. A unit of the tenth sees a window of windows. Counting
says how many pixels *can* reach it. The gradient says how strongly each of them *does*: the middle
far more than the rim, because far more paths lead from there.
"""

# %%
# Counted and measured
# --------------------
# Networks of 3 × 3 convolutions with eight channels and random weights, as they are before
# training. For the unit in the middle, the squared gradient of every column is averaged over many
# networks. The line is the theory: the number of paths from each column.

import itertools

import matplotlib.pyplot as plt
import torch

from handbook.convolution import conv2d
from handbook.datasets import load_photograph
from handbook.device import get_device
from handbook.plots import BLUE, GREY, STYLE, VERMILLION, plot_image
from handbook.receptive_field import (
    Window,
    gradient_map,
    path_counts,
    profile_std,
    receptive_field,
    seen_range,
)
from handbook.seeding import make_generator

plt.style.use(STYLE)
device = get_device()

SIZE, CHANNELS, N_NETWORKS = 43, 8, 40


def random_network(n_layers, activation, generator):
    """Return a chain of 3 × 3 convolutions with random weights that keep the size of numbers."""
    widths = [1] + [CHANNELS] * n_layers
    kernels = [
        (torch.randn(n_out, n_in, 3, 3, generator=generator) * (2 / (9 * n_in)) ** 0.5).to(device)
        for n_in, n_out in itertools.pairwise(widths)
    ]

    def network(x):
        for kernel in kernels:
            x = activation(conv2d(x, kernel, padding=1))
        return x

    return network


generator = make_generator(0)
patch = load_photograph("china")[:, 100 : 100 + SIZE, 200 : 200 + SIZE].mean(0)
patch = ((patch - patch.mean()) / patch.std()).reshape(1, 1, SIZE, SIZE).to(device)
depths = (1, 2, 4, 8, 16)
maps = {}
print("layers  field  counted σ  measured σ  pixels with 90 % of it")
for n_layers in depths:
    total = torch.zeros(SIZE, SIZE, device=device)
    for _ in range(N_NETWORKS):
        network = random_network(n_layers, torch.relu, generator)
        seen = gradient_map(network, patch, generator=generator)
        if seen.any():  # a unit may be silent
            total += seen / seen.sum()  # every network has the same say
    maps[n_layers] = (total / total.sum()).cpu()
    windows = [Window(3, padding=1)] * n_layers
    field = receptive_field(windows)[-1]
    profile = maps[n_layers].sum(0)
    first, last = seen_range(profile)
    assert last - first + 1 == field.size == 2 * n_layers + 1
    counted, measured = profile_std(path_counts(windows)), profile_std(profile)
    assert abs(measured / counted - 1) < 0.2
    ordered = maps[n_layers].flatten().sort(descending=True).values.cumsum(0)
    share = (int((ordered < 0.9).sum()) + 1) / field.size**2
    print(f"{n_layers:6}  {field.size:5}  {counted:9.1f}  {measured:10.1f}  {share:22.0%}")

# %%
# The measured range is exactly the counted one. Inside it the weights are far from equal.

fig, axs = plt.subplots(2, 1, figsize=(6.0, 6.2), sharex=True)
columns = torch.arange(SIZE) - SIZE // 2
for ax, n_layers in zip(axs, (4, 16), strict=True):
    field = receptive_field([Window(3, padding=1)] * n_layers)[-1]
    counts = path_counts([Window(3)] * n_layers)
    reach = field.size // 2
    ax.bar(columns, maps[n_layers].sum(0), color=BLUE, width=0.8, label="measured")
    ax.plot(range(-reach, reach + 1), counts / counts.sum(), color=VERMILLION, linestyle="--",
            marker="o", markersize=3, label="paths counted")  # fmt: skip
    ax.axvspan(-reach - 0.5, reach + 0.5, color=GREY, alpha=0.12, linewidth=0)
    ax.set(title=f"{n_layers} layers: field of {field.size} pixels (grey)",
           ylabel="share of the gradient²")  # fmt: skip
    ax.legend(loc="upper left")
axs[1].set_xlabel("column, from the middle (pixels)")
fig.suptitle("The middle counts far more than the rim", x=0.02, ha="left")

# %%
# The field grows with the depth, its weight with the root
# ---------------------------------------------------------
# Each layer adds two pixels to the field. The spread of the weight grows like that of a random
# walk: :math:`\sigma = \sqrt{L (k^2 - 1) / 12}`. Doubling the depth doubles the field and makes the
# part that matters 1.4 times as wide. Only strides and dilation widen it faster.

fig, ax = plt.subplots(figsize=(6.0, 4.4))
deep = range(1, 17)
fields = [receptive_field([Window(3)] * n)[-1].size for n in deep]
widths = [4 * profile_std(path_counts([Window(3)] * n)) for n in deep]
measured = [4 * profile_std(maps[n].sum(0)) for n in depths]
ax.plot(deep, fields, color=GREY, linestyle="-", marker="^", markersize=4)
ax.plot(deep, widths, color=VERMILLION, linestyle="--")
ax.plot(depths, measured, "o", color=BLUE)
ax.annotate("field: 2L + 1", (11, fields[10]), xytext=(-100, 4), textcoords="offset points",
            color=GREY)  # fmt: skip
ax.annotate("4σ: counted (line), measured (dots)", (16, widths[-1]), xytext=(-225, -54),
            textcoords="offset points", color=VERMILLION)  # fmt: skip
ax.set(title="Twice the depth: twice the field,\n1.4 times the part that matters",
       xlabel="layers L", ylabel="width (pixels)", ylim=(0, 35))  # fmt: skip
assert fields[-1] == 33
assert widths[-1] < 0.5 * fields[-1]

# %%
# As an image
# -----------
# The map for sixteen layers, as bright as the gradient is strong. All of the picture but its rim
# belongs to the field, and most of it is black.

fig, ax = plt.subplots(figsize=(4.4, 4.6))
root = maps[16].sqrt()
plot_image(root / root.max(), ax=ax)
ax.set_title("A field of 33 × 33 pixels;\nthe middle has the say")

# %%
# Change this and see
# -------------------
# - Put ``torch.tanh`` in the place of ``torch.relu``: the bell stays. What counts is the paths.
# - Compare ``receptive_field([Window(3)] * 4)`` with four layers of which the second has
#   ``stride=2``: 9 pixels become 13, since the two layers after it take steps of 2.
# - Draw ``path_counts([Window(3, dilation=2)] * 4)``: every second column has no path at all. Nets
#   with one dilation throughout see a grid of pixels.

plt.show()
