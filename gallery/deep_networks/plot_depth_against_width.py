r"""
What does depth buy that width does not?
========================================

Units of one layer add pieces to a curve, layers multiply them. Twelve layers of two units can draw
4096 straight pieces, where one layer of 24 units can draw 25. That is what *can* be. How many
pieces does a network with random weights have?
"""

# %%
# Folding
# -------
# Two relu units fold the interval [0, 1] in two: up to 1 in the middle, and down again. Put such
# layers one after the other, and each doubles the number of pieces. Step through it.

import math
from itertools import pairwise

import matplotlib.pyplot as plt
import torch
from matplotlib.animation import FuncAnimation

from handbook.activations import relu
from handbook.approximation import breakpoints, count_pieces, sawtooth_layers
from handbook.initialization import normal_, uniform_
from handbook.plots import BLUE, GREEN, GREY, OCHRE, PURPLE, STYLE, VERMILLION
from handbook.seeding import make_generator

plt.style.use(STYLE)
n_frames = 6
x = torch.linspace(0, 1, 2**10 + 1, dtype=torch.float64)

fig, ax = plt.subplots(figsize=(6.2, 4.2))


def draw_folds(frame):
    """Draw the network of ``frame + 1`` folds, and its breaks."""
    layers = sawtooth_layers(frame + 1)
    y = x[:, None]
    for weight, bias in layers[:-1]:
        y = relu(y @ weight.t() + bias)
    y = y @ layers[-1][0].t() + layers[-1][1]
    breaks = breakpoints(layers, 0.0, 1.0)
    n_pieces = count_pieces(layers, 0.0, 1.0)
    assert n_pieces == 2 ** (frame + 1)
    ax.clear()
    ax.plot(x, y, color=BLUE)
    ax.plot(breaks, torch.zeros_like(breaks) - 0.08, color=GREY, linestyle="", marker="|")
    units = 2 * (frame + 1)
    told = f"{frame + 1} layer{'s' if frame else ''}, {units} units: {n_pieces} pieces"
    ax.set_title(f"Every layer of two units folds once more:\n{told}")
    ax.set_xlabel("x (dimensionless)")
    ax.set_ylabel("network (dimensionless)")
    ax.set_ylim(-0.15, 1.05)


animation = FuncAnimation(fig, draw_folds, frames=n_frames, interval=1500)
animation.poster_frame = 3

# %%
# The marks below the curve are its breaks. They are computed from the weights, not read off a grid.
#
# Possible, and usual
# -------------------
# With one hidden layer, each unit breaks the curve at one place: n units, at most n + 1 pieces. The
# folding network has 2 to the power n / 2. And now networks with *random* weights, of Kaiming's
# size, with random biases: twenty of each kind, with the same number of units in 1, 2, 4 or 8
# layers.


def random_layers(depth, width, generator):
    """Draw a network with Kaiming's weights and biases from U(-1, 1) / √fan-in."""
    sizes = [1, *[width] * depth, 1]
    layers = []
    for n_in, n_out in pairwise(sizes):
        weight, bias = torch.empty(n_out, n_in), torch.empty(n_out)
        normal_(weight, std=math.sqrt(2 / n_in), generator=generator)
        uniform_(bias, -(n_in**-0.5), n_in**-0.5, generator=generator)
        layers.append((weight, bias))
    return layers


totals = (8, 16, 32, 64, 128)
kinds = {1: (GREEN, "-.", "^"), 2: (PURPLE, ":", "D"), 4: (VERMILLION, "--", "s")}
kinds[8] = (OCHRE, (0, (5, 1, 1, 1)), "v")
_, count_ax = plt.subplots(figsize=(6.2, 5.2))
folding = [2**k for k in range(1, 13)]
assert folding[-1] == count_pieces(sawtooth_layers(12), 0.0, 1.0)
count_ax.plot(range(2, 25, 2), folding, color=BLUE, marker="o", label="folding by hand")
count_ax.plot(totals, [n + 1 for n in totals], color=GREY, linewidth=5, alpha=0.5, label="n + 1")
for depth, (color, linestyle, marker) in kinds.items():
    counts = []
    for total in totals:
        if total // depth < 2:
            continue
        networks = [random_layers(depth, total // depth, make_generator(i)) for i in range(20)]
        counts.append(torch.tensor([float(count_pieces(n, -10.0, 10.0)) for n in networks]))
    found = torch.stack(counts)
    several = "layers" if depth > 1 else "layer"
    count_ax.plot(
        totals[-len(found) :],
        found.median(dim=1).values,
        color=color,
        linestyle=linestyle,
        marker=marker,
        label=f"random, {depth} {several}",
    )
    print(
        f"{depth} {several} with {totals[-1]} units: {found[-1].min():.0f} to "
        f"{found[-1].max():.0f} pieces, the median is {found[-1].median():.0f}"
    )
    assert found[-1].median() < 2 * totals[-1]
count_ax.set_xscale("log", base=2)
count_ax.set_yscale("log", base=2)
count_ax.set_title("Depth can multiply pieces; random networks\nhave hardly more than units")
count_ax.set_xlabel("hidden units n (logarithmic)")
count_ax.set_ylabel("straight pieces (logarithmic)")
count_ax.legend(loc="upper right")

# %%
# A random layer does not fold: few of its units cross zero on the short way that the layer before
# has left them. Layers that are very narrow often let nothing through at all: then one piece is
# left. The exponential number needs weights that were chosen for it.
#
# Change this and see
# -------------------
#
# - Multiply each ``weight`` by 4 in ``random_layers``: the curves become steep, and the pieces stay
#   about as many. What counts is where units cross zero, not how fast.
# - Multiply each ``bias`` by 0: two pieces are left, with the break at 0. A relu network without
#   biases is straight on both sides.
# - Set ``make_generator(i + 100)``: other draws, the same medians within a few pieces.

plt.show()
