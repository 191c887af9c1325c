"""
All samples, one sample, or a few in each step?
===============================================

The same data, the same start, the same number of sample gradients to spend: in full batches, in
mini-batches of 16, and one by one. The full batch takes few good steps, single samples many wild
ones. Which is cheapest depends on what you pay for: steps, gradients, or seconds.
"""

import time

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F

from handbook.datasets import load_digits, load_wine
from handbook.device import get_device
from handbook.plots import BLUE, GREEN, STYLE, TRUTH, VERMILLION, plot_contours, plot_path
from handbook.seeding import make_generator
from handbook.stochastic import fit_step_cost, run_cost, stochastic_descent
from handbook.surfaces import surface_grid

plt.style.use(STYLE)
device = get_device()

# %%
# Real data with two parameters, so that paths can be drawn: predict a wine's proline from its
# alcohol and its colour, all three in units of their own spread. The best weights are known from
# the normal equations.

wine = load_wine()
columns = [wine.feature_names.index(name) for name in ("alcohol", "color_intensity", "proline")]
table = wine.inputs[:, columns].double()
table = (table - table.mean(0)) / table.std(0)
inputs, targets = table[:, :2], table[:, 2]
n_samples = len(inputs)
best = torch.linalg.lstsq(inputs, targets.unsqueeze(1)).solution.squeeze(1)


def loss(w, x, y):
    """Return half the mean squared error, for one setting of the weights or for many."""
    return ((x @ w.unsqueeze(-1)).squeeze(-1) - y).square().mean(-1) / 2


lowest = loss(best, inputs, targets)

# %%
# One rate for all three, and ten epochs: 1780 sample gradients each. The map shows the first of
# twenty runs.

batch_sizes = [n_samples, 16, 1]
learning_rate, n_epochs, n_runs = 0.1, 10, 20
start = torch.tensor([-0.6, 0.9], dtype=torch.float64)
looks = {n_samples: (BLUE, "-"), 16: (GREEN, "-."), 1: (VERMILLION, "--")}
names = {n_samples: f"all {n_samples}", 16: "16", 1: "1"}
paths, excess = {}, {}
for size in batch_sizes:
    path = stochastic_descent(
        loss,
        start.expand(n_runs, 2),
        inputs,
        targets,
        batch_size=size,
        learning_rate=learning_rate,
        n_epochs=n_epochs,
        generator=make_generator(size),
    )
    paths[size] = path
    excess[size] = loss(path.points, inputs, targets) - lowest  # (T + 1, R)
    end = excess[size][-1]
    print(
        f"batches of {size:3d}: {len(path.points) - 1:4d} steps, {path.n_gradients[-1]} gradients, "
        f"excess loss {end.median().item():.0e} (10 to 90 %: {end.quantile(0.1).item():.0e} "
        f"to {end.quantile(0.9).item():.0e})"
    )
    assert path.n_gradients[-1] == n_epochs * n_samples

fig, ax = plt.subplots(figsize=(6.4, 5.6))
domain = ((-0.8, 1.25), (-0.65, 1.1))
grid = surface_grid(domain, n_points=61, dtype=torch.float64)
heights = loss(grid.flatten(0, 1), inputs, targets).unflatten(0, (61, 61)) - lowest
plot_contours(grid, heights, levels=[0.01, 0.05, 0.15, 0.3, 0.5, 0.8, 1.2], labels=False, ax=ax)
for size in reversed(batch_sizes):
    color, linestyle = looks[size]
    points = paths[size].points[:, 0]
    plot_path(points, color=color, linestyle=linestyle, label=names[size], ax=ax)
    ax.lines[-3].set_linewidth(0.8 if size == 1 else 2)
ax.plot(*best, "*", color=TRUTH, markersize=15, zorder=6, label="best weights")
ax.set_xlim(domain[0])
ax.set_ylim(domain[1])
ax.set_xlabel("weight of alcohol (dimensionless)")
ax.set_ylabel("weight of colour (dimensionless)")
ax.legend(title="samples in a step", loc="upper center", bbox_to_anchor=(0.45, -0.15), ncols=4)
ax.set_title("One budget, three paths: single samples arrive first\nand then never come to rest")

# %%
# Three ways to count
# -------------------
# Now a network: 16 hidden tanh units, 1000 handwritten digits, five random starts, each batch size
# with a learning rate that suits it.
#
# Against *steps*, the full batch is hard to beat: each of its steps is the best. Against *sample
# gradients*, which is arithmetic, it comes last. Against *time* something else counts: a step costs
# something beside its samples, for Python, for the calls, for the update. Here a step is taken to
# cost as much as 100 samples on top, whatever its size. It is a model with one constant, so that
# this page is the same whenever it is built; the order of magnitude is what one processor core
# gives for a network of this size. Set ``MEASURE = True`` to time your own machine instead.

digits = load_digits()
images, labels = digits.inputs[:1000].to(device) / 16, digits.targets[:1000].to(device)
hidden = 16
sizes = [64 * hidden, hidden, hidden * 10, 10]


def network_loss(w, x, y):
    """Return the mean cross-entropy of S networks, (S,), each with a batch of its own."""
    weight_in, bias_in, weight_out, bias_out = w.split(sizes, dim=-1)
    between = torch.tanh(x @ weight_in.unflatten(-1, (64, hidden)) + bias_in.unsqueeze(-2))
    scores = between @ weight_out.unflatten(-1, (hidden, 10)) + bias_out.unsqueeze(-2)
    losses = F.cross_entropy(scores.flatten(0, -2), y.flatten(), reduction="none")
    return losses.unflatten(0, y.shape).mean(-1)


n_seeds = 5
scale = torch.cat(
    [torch.full((n,), s) for n, s in zip(sizes, (64**-0.5, 0.0, 0.25, 0.0), strict=True)]
)
starts = (scale * torch.randn(n_seeds, sum(sizes), generator=make_generator(0))).to(device)

MEASURE = False
overhead = 100.0
if MEASURE:
    timed, seconds = [1, 4, 16, 64, 256], []
    for size in timed:
        data = images[: 4 * size], labels[: 4 * size]
        times = []
        for _ in range(20):
            before = time.perf_counter()
            stochastic_descent(
                network_loss,
                starts[0],
                *data,
                batch_size=size,
                learning_rate=0.1,
                n_epochs=1,
                generator=make_generator(0),
            )
            times.append((time.perf_counter() - before) / 4)
        seconds.append(min(times))
    per_step, per_sample = fit_step_cost(timed, seconds)
    overhead = per_step / per_sample
    print(f"a step takes {per_step:.1e} s, and {per_sample:.1e} s more for each sample")

# Each batch size runs until it fills every panel: (learning rate, epochs).
plans = {1000: (1.0, 37), 16: (0.3, 6), 1: (0.03, 2)}
looks = {1000: (BLUE, "-"), 16: (GREEN, "-."), 1: (VERMILLION, "--")}
names = {1000: "all 1000", 16: "16", 1: "1"}
steps_shown, gradients_shown, time_shown = 36, 2000, 40_000
fig, axes = plt.subplots(3, 1, figsize=(6.4, 9.8), sharey=True)
at_end = {}
for size, (rate, n_epochs) in plans.items():
    path = stochastic_descent(
        network_loss,
        starts,
        images,
        labels,
        batch_size=size,
        learning_rate=rate,
        n_epochs=n_epochs,
        generator=make_generator(1),
    )
    last = len(path.points) - 1
    fractions = torch.linspace(0, 1, 31, dtype=torch.float64) ** 1.5
    places = sorted({*range(0, min(last, steps_shown) + 1, 4), *(last * fractions).int().tolist()})
    losses = torch.stack(
        [
            network_loss(path.points[t], images.expand(n_seeds, -1, -1), labels.expand(n_seeds, -1))
            for t in places
        ]
    ).cpu()
    spent = path.n_gradients[places].tolist()
    price = [run_cost(t, n, overhead=overhead) for t, n in zip(places, spent, strict=True)]
    color, linestyle = looks[size]
    limits = (steps_shown, gradients_shown, time_shown)
    for kind, (ax, x, limit) in enumerate(zip(axes, (places, spent, price), limits, strict=True)):
        ax.fill_between(x, losses.amin(1), losses.amax(1), color=color, alpha=0.2, linewidth=0)
        ax.plot(x, losses.median(1).values, color=color, linestyle=linestyle, label=names[size])
        within = [i for i, value in enumerate(x) if value <= limit]
        at_end[kind, size] = losses[within[-1]]
kinds = [
    ("steps", steps_shown),
    ("gradients of single samples", gradients_shown),
    (f"modelled time (sample gradients,\na step costs {overhead:.0f} on top)", time_shown),
]
for ax, (label, limit) in zip(axes, kinds, strict=True):
    ax.set_xlim(0, limit)
    ax.locator_params(axis="x", nbins=5)
    ax.set_yscale("log")
    ax.set_ylim(0.03, 4)
    ax.set_xlabel(label)
    ax.set_ylabel("training loss\n(nats, log scale)")
axes[2].legend(title="samples in a step", ncols=3, loc="upper center", bbox_to_anchor=(0.45, -0.38))
axes[0].set_title("Per step, more samples are never worse")
axes[1].set_title("Per sample gradient, the full batch comes last")
axes[2].set_title("Per second, the mini-batch wins")

# %%
# The bands hold all five starts. At the right edge of each panel:

for kind, name in enumerate(("steps", "gradients", "time")):
    row = ", ".join(f"{names[size]}: {at_end[kind, size].median():.1g}" for size in plans)
    print(f"loss at equal {name:9}  {row}")
assert at_end[0, 1].min() > at_end[0, 16].max() > 0
assert at_end[1, 1000].min() > max(at_end[1, 16].max(), at_end[1, 1].max())
if not MEASURE:
    assert at_end[2, 16].max() < min(at_end[2, 1000].min(), at_end[2, 1].min())

# %%
# Change this and see
# -------------------
#
# - Set ``learning_rate = 0.01`` for the first figure: single samples now come much closer to the
#   best weights, and the full batch hardly leaves the start.
# - Set ``overhead = 0.0``, as if calls were free, and leave the last assertion out: the third panel
#   is the second, drawn further. Set 10000 and ``time_shown = 600_000``: the third panel looks like
#   the first, because now every step costs nearly the same. A graphics card is like that.
# - Set ``MEASURE = True``: the third panel counts in your machine's own overhead, and its seconds
#   are printed.

plt.show()
