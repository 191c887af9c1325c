"""
Do random starts end equally well?
==================================

Forty networks of each width learn the same bent line from forty random starts. Two hidden units are
enough to draw it, so a loss of zero is possible at every width here. The narrow networks often end
far above it, the wide ones hardly ever: among many units some start where they are needed.
"""

import matplotlib.pyplot as plt
import torch

from handbook.basins import descend
from handbook.device import get_device
from handbook.plots import BLUE, GREY, STYLE, VERMILLION
from handbook.seeding import make_generator

plt.style.use(STYLE)
device = get_device()

# %%
# The line rises from 0 and falls again from 1 on. It is itself a network with two hidden relu
# units, and there is no noise. Each student has H units and 3H parameters, and all forty walk at
# once.

inputs = torch.linspace(-3, 3, 32, device=device)
targets = torch.relu(2 * inputs) - torch.relu(4 * inputs - 4)


def loss(points):
    """Return the mean squared error of S networks, (S,), from their parameters, (S, 3 H)."""
    weight, bias, output = points.unflatten(-1, (3, -1)).unbind(-2)  # each (S, H)
    hidden = torch.relu(inputs.unsqueeze(-1) * weight.unsqueeze(-2) + bias.unsqueeze(-2))
    prediction = (hidden @ output.unsqueeze(-1)).squeeze(-1)  # (S, N)
    return (prediction - targets).square().mean(-1)


widths = [2, 3, 4, 6, 10, 20]
n_seeds, n_steps, learning_rate = 40, 1500, 0.02
finals = {}
for width in widths:
    starts = torch.randn(n_seeds, 3, width, generator=make_generator(width))
    starts[:, 2] /= width**0.5  # outputs of the same size at every width
    ends = descend(loss, starts.flatten(1).to(device), learning_rate=learning_rate, n_steps=n_steps)
    finals[width] = loss(ends).cpu()

# %%
# Every mark is one start. Look at the groups: with few units the final losses cluster at a few
# heights, and each height is a kind of place where descent stops or crawls. At many of them a unit
# is 0 for every input: its gradient is 0 too, and it never comes back.

threshold = 0.05
fig, ax = plt.subplots(figsize=(6.4, 5.0))
for i, width in enumerate(widths):
    found = finals[width].clamp(min=1e-6)
    spread = 0.5 * (torch.rand(n_seeds, generator=make_generator(0)) - 0.5)
    bad = found > threshold
    for chosen, color, marker in ((bad, VERMILLION, "s"), (~bad, BLUE, "o")):
        ax.plot(i + spread[chosen], found[chosen], marker, color=color, markersize=4, alpha=0.7)
ax.axhline(threshold, color=GREY, linewidth=1, linestyle="--")
ax.set_yscale("log")
ax.set_xticks(range(len(widths)), [str(width) for width in widths])
ax.set_xlabel("hidden units")
ax.set_ylabel("mean squared error at the end\n(log scale)")
ax.set_title("Narrow networks often end high,\nwide ones hardly ever")

# %%
# The share of starts that end above 0.05. The bars are 95 % intervals for a share of forty, by
# Wilson's formula.

shares, low, high = [], [], []
z = 1.96
for width in widths:
    share = (finals[width] > threshold).double().mean().item()
    middle = (share + z**2 / (2 * n_seeds)) / (1 + z**2 / n_seeds)
    half = z / (1 + z**2 / n_seeds)
    half *= (share * (1 - share) / n_seeds + z**2 / (4 * n_seeds**2)) ** 0.5
    shares.append(share)
    low.append(max(0.0, share - (middle - half)))
    high.append(max(0.0, middle + half - share))
    print(f"{width:2d} hidden units: about {round(20 * share) * 5} % end above {threshold}")
fig, ax = plt.subplots()
ax.errorbar(range(len(widths)), shares, yerr=[low, high], fmt="o", color=VERMILLION, capsize=4)
ax.set_ylim(-0.02, 1)
ax.set_xticks(range(len(widths)), [str(width) for width in widths])
ax.set_xlabel("hidden units")
ax.set_ylabel("share of starts that end\nabove 0.05 (dimensionless)")
ax.set_title("The risk of a bad end falls with the width")
assert shares[0] > 0.5
assert shares[-1] < 0.1

# %%
# It is no proof that the high places are minima: after a finite number of steps a plateau or the
# neighbourhood of a saddle looks the same. What you can say is where training *ends* after so many
# steps. Nor does it say that wider is better on new data: that is another question.
#
# Change this and see
# -------------------
#
# - Set ``n_steps = 5000``: the good ends become better, and most of the bad ends stay where they
#   were.
# - Set ``targets = torch.sin(3 * inputs)``: two units cannot draw it, for the first widths the
#   lowest possible loss is not zero any more, and the assertions fail.
# - Set ``n_seeds = 10``: the bars become twice as long. Ten starts are few for a share.

plt.show()
