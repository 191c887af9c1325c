"""
Is a smaller learning rate better?
==================================

A small network learns handwritten digits with eight learning rates, each from five random starts.
If smaller were better, the final loss would fall from right to left. It has the form of a U: a
small rate is not more exact, it is not there yet, and a large one does not settle.
"""

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F

from handbook.basins import descend
from handbook.datasets import load_digits, train_test_split
from handbook.descent import gradient_descent
from handbook.device import get_device
from handbook.plots import BLUE, GREEN, STYLE, VERMILLION
from handbook.seeding import make_generator

plt.style.use(STYLE)
device = get_device()

# %%
# The data: 300 digits to learn from and the other 1497 to be tested on. The network has 16 hidden
# tanh units. Its 1210 parameters lie in one vector, so that five networks are a matrix, and all
# five learn at once.

digits = load_digits()
split = train_test_split(
    digits.inputs / 16, digits.targets, test_share=1497 / 1797, generator=make_generator(0)
)
split = type(split)(*(part.to(device) for part in split))
hidden = 16
sizes = [64 * hidden, hidden, hidden * 10, 10]


def scores(points, inputs):
    """Return the scores of S networks, (S, N, 10), from their parameters, (S, D)."""
    weight_in, bias_in, weight_out, bias_out = points.split(sizes, dim=-1)
    between = torch.tanh(inputs @ weight_in.unflatten(-1, (64, hidden)) + bias_in.unsqueeze(-2))
    return between @ weight_out.unflatten(-1, (hidden, 10)) + bias_out.unsqueeze(-2)


def loss(points):
    """Return the mean cross-entropy of each network on the training digits, (S,)."""
    found = scores(points, split.train_inputs)
    targets = split.train_targets.expand(len(points), -1)
    return (
        F.cross_entropy(found.flatten(0, 1), targets.flatten(), reduction="none")
        .reshape(len(points), -1)
        .mean(-1)
    )


n_seeds = 5
starts = []
for seed in range(n_seeds):
    drawn = torch.randn(sum(sizes), generator=make_generator(seed))
    scale = [64**-0.5, 0.0, hidden**-0.5, 0.0]
    starts.append(
        drawn * torch.cat([torch.full((n,), s) for n, s in zip(sizes, scale, strict=True)])
    )
starts = torch.stack(starts).to(device)

# %%
# Two budgets: 20 steps, and ten times as many. All samples go into each step, so that nothing but
# the rate and the start differs.

rates = [10.0 ** (k / 2) for k in range(-5, 3)]
budgets = [20, 200]
losses = {budget: [] for budget in budgets}
accuracies = []
for rate in rates:
    points, done = starts, 0
    for budget in budgets:
        points = descend(loss, points, learning_rate=rate, n_steps=budget - done)
        done = budget
        losses[budget].append(loss(points).cpu())
    right = scores(points, split.test_inputs).argmax(-1) == split.test_targets
    accuracies.append(right.float().mean(-1).cpu())

fig, ax = plt.subplots(figsize=(6.4, 4.8))
looks = {20: (VERMILLION, "--", "s"), 200: (BLUE, "-", "o")}
for budget, (color, linestyle, marker) in looks.items():
    found = torch.stack(losses[budget])  # (rates, seeds)
    middle = found.median(-1).values
    ax.fill_between(rates, found.amin(-1), found.amax(-1), color=color, alpha=0.2, linewidth=0)
    ax.plot(rates, middle, color=color, linestyle=linestyle, marker=marker, label=f"{budget} steps")
ax.set_xscale("log")
ax.set_yscale("log")
ax.set_xlabel("learning rate (dimensionless, log scale)")
ax.set_ylabel("training loss at the end\n(nats, log scale)")
ax.legend(loc="lower left")
ax.set_title("Too small has not arrived, too large does not settle:\nin between lies the best rate")

# %%
# The bands hold all five seeds. The bottom of the U lies far above the smallest rate, for both
# budgets. What the smallest rates lack is steps: with ten times as many, the left arm moves by a
# factor of ten, and no further.

found = torch.stack(losses[200])
best = int(found.median(-1).values.argmin())
for name, i in (("smallest", 0), ("best", best), ("largest", len(rates) - 1)):
    low, high = found[i].min().item(), found[i].max().item()
    print(
        f"{name:8} rate {rates[i]:8.3f}: loss {low:.1g} to {high:.1g}, "
        f"median accuracy on new digits {accuracies[i].median().item():.0%}"
    )
assert 0.1 < rates[best] < 3
assert found[best].max() < found[0].min() / 10
assert found[best].max() < found[-1].min() / 10
assert accuracies[best].min() > accuracies[0].max()

# %%
# What each looks like on the way
# -------------------------------
# Learn to read these three curves: you will meet them more often than the U. Too small: smooth and
# slow. Too large: it jumps, stays high, or is lost.

fig, ax = plt.subplots(figsize=(6.4, 4.4))
for rate, color, linestyle, name in (
    (rates[0], VERMILLION, "--", "too small"),
    (rates[best], BLUE, "-", "good"),
    (rates[-1], GREEN, ":", "too large"),
):
    curves = gradient_descent(loss, starts[:3], learning_rate=rate, n_steps=100).values.cpu()
    for i in range(curves.shape[1]):
        ax.plot(
            curves[:, i],
            color=color,
            linestyle=linestyle,
            linewidth=1.3,
            label=f"{name}: {rate:.2g}" if i == 0 else None,
        )
ax.set_yscale("log")
ax.set_xlabel("step")
ax.set_ylabel("training loss (nats, log scale)")
ax.legend(
    title="learning rate, 3 seeds each", loc="upper center", bbox_to_anchor=(0.45, -0.17), ncols=2
)
ax.set_title("A slow smooth curve wants a larger rate,\na jumping one a smaller")

# %%
# Change this and see
# -------------------
#
# - Set ``budgets = [20, 1000]`` and look up ``1000`` in place of ``200`` below it: the left arm of
#   the U moves further to the left, and the right arm stays where it is. It takes some 10 seconds.
# - Leave the ``/ 16`` out: the best rate is a third of what it was, and its loss is higher. Inputs
#   sixteen times as large make the loss more curved in the first layer, and drive tanh into its
#   flat parts.
# - Replace ``torch.tanh`` by ``torch.relu``: the U stays, but its right arm ends on a roof near
#   ln 10. The units are dead there, and the network says the same of every image.

plt.show()
