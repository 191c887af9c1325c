"""
Hidden units bend the line
==========================

Each hidden relu unit is off on one side of a line and on at the other. How do these lines become a
decision boundary, and how many does it take?
"""

# %%
# Networks with one hidden layer, for two half circles that reach into each other. Ten starts of
# each width are trained side by side: the first dimension of every parameter is the start.

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F

from handbook.activations import relu
from handbook.datasets import sample_moons
from handbook.device import get_device
from handbook.linear_models import boundary_segment, linear, local_linear_map
from handbook.plots import BLUE, GREEN, GREY, OCHRE, PURPLE, STYLE, plot_decision_regions
from handbook.seeding import make_generator

plt.style.use(STYLE)
device = get_device()

moons = sample_moons(300, noise_std=0.1, generator=make_generator(0))
inputs, labels = moons.inputs.to(device), moons.targets.to(device)
n_starts, n_steps = 10, 400


def logits_of(parameters, x):
    """Return the logits of every start, one row each."""
    hidden_weight, hidden_bias, weight, bias = parameters
    hidden = relu(x @ hidden_weight.mT + hidden_bias)  # (S, N, H)
    return (hidden @ weight.mT + bias)[..., 0]  # (S, N)


def train(n_hidden):
    """Return the parameters of ``n_starts`` trained networks."""
    generator = make_generator(n_hidden)
    shapes = ((n_hidden, 2), (1, n_hidden), (1, n_hidden), (1, 1))
    parameters = [
        (1.5 * torch.randn(n_starts, *shape, generator=generator)).to(device).requires_grad_()
        for shape in shapes
    ]
    optimizer = torch.optim.Adam(parameters, lr=0.05)
    target = labels.float().expand(n_starts, -1)
    for _ in range(n_steps):
        optimizer.zero_grad()
        logits = logits_of(parameters, inputs)
        loss = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
        loss.mean(dim=1).sum().backward()  # the starts do not know of each other
        optimizer.step()
    return [parameter.detach() for parameter in parameters]


widths = [1, 2, 3, 4, 8]
trained = {n_hidden: train(n_hidden) for n_hidden in widths}
wrong = {}
for n_hidden, parameters in trained.items():
    right = (logits_of(parameters, inputs) > 0) == (labels == 1)
    wrong[n_hidden] = (~right).sum(dim=1).cpu()
    n_good = (wrong[n_hidden] < 5).sum().item()
    said = "no start" if n_good == 0 else "some starts" if 2 * n_good <= n_starts else "most starts"
    print(f"{n_hidden} hidden units: {said} with fewer than 5 of 300 wrong")

# %%
# Two lines are not enough for this boundary, three are. Yet most starts with three units get stuck
# in a place where a step in any direction is worse. More units do not only bend more: they make a
# good start likely.

assert wrong[1].min() > 15
assert wrong[2].min() > 15
assert wrong[3].min() < 5
assert (wrong[8] < 5).sum() > (wrong[3] < 5).sum()

# %%
# The best network with three units. Where a unit is off, its row of the hidden weights plays no
# part. So the plane falls into pieces with another set of units each, and on each piece the network
# is one linear layer. The boundary is straight there, and bends where it crosses a unit's line.

best = wrong[3].argmin().item()
hidden_weight, hidden_bias, weight, bias = (p[best].cpu() for p in trained[3])
layers = [(hidden_weight, hidden_bias[0]), (weight, bias[0])]


def network(x):
    """Return the logits of the network that is drawn."""
    return linear(relu(linear(x, *layers[0])), *layers[1])[:, 0]


points = inputs.cpu()
for x in points[:20]:
    local_weight, local_bias = local_linear_map(x, layers)
    torch.testing.assert_close(local_weight @ x + local_bias, network(x[None]))

fig, (top, bottom) = plt.subplots(2, 1, figsize=(6.4, 9.0), height_ratios=[3, 2])
limits = ((-1.5, 2.5), (-1.2, 1.7))
plot_decision_regions(
    lambda x: network(x) > 0, points, labels.cpu(), names=moons.target_names, limits=limits, ax=top
)
looks = ((OCHRE, "--"), (PURPLE, "-."), (GREEN, ":"))
for i, (color, linestyle) in enumerate(looks):
    ends = boundary_segment(hidden_weight[i], hidden_bias[0, i], limits)
    style = {"color": color, "linestyle": linestyle, "linewidth": 2.5}
    top.plot(*ends.T, label=f"unit {i + 1} turns on", **style)
top.set_ylim(-2.3, 1.7)
top.set_title("Three units, three lines: the boundary\nbends where it crosses one of them")
top.set_xlabel("first feature (dimensionless)")
top.set_ylabel("second feature (dimensionless)")
top.legend(loc="lower left", ncols=2)

for place, n_hidden in enumerate(widths):
    counts, repeats = wrong[n_hidden].clamp(max=60).unique(return_counts=True)
    for count, repeat in zip(counts.tolist(), repeats.tolist(), strict=True):
        shifts = 0.08 * (torch.arange(repeat) - (repeat - 1) / 2)
        bottom.plot(place + shifts, [count] * repeat, "o", color=BLUE, markersize=5)
bottom.axhline(5, color=GREY, linestyle="--", linewidth=1.5)
bottom.set_xticks(range(len(widths)), [str(n) for n in widths])
bottom.set_ylim(-3, 63)
bottom.set_title("Three can be enough; with eight, most starts find it")
bottom.set_xlabel("hidden units")
bottom.set_ylabel("wrong, of 300 (cut at 60)")

# %%
# Change this and see
# -------------------
# - Set ``n_starts = 40``: more starts with three units find the way, and none with one or two.
# - Set ``best = wrong[3].argmax().item()``: the worst start. Its units leave nothing to bend with.
# - Set ``lr=0.2``: other starts succeed, and with three units it stays a matter of luck.

plt.show()
