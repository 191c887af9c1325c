"""
A deep network that draws a straight line
=========================================

Five linear layers, one on top of the other, 16 units wide. What can they do that one layer cannot?
And what changes when a relu stands between them?
"""

# %%
# Two half circles that reach into each other: no line tells them apart without mistakes.

import itertools

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F

from handbook.activations import relu
from handbook.datasets import sample_moons
from handbook.device import get_device
from handbook.layers import Linear
from handbook.linear_models import boundary_segment, collapse_linear_stack, linear
from handbook.plots import PURPLE, STYLE, plot_decision_regions
from handbook.seeding import make_generator

plt.style.use(STYLE)
device = get_device()

moons = sample_moons(300, noise_std=0.15, generator=make_generator(0))
inputs, labels = moons.inputs.to(device), moons.targets.to(device)


def keep(x):
    """No activation: what a layer puts out is what the next one takes in."""
    return x


def forward(layers, activation, x):
    """Return one logit for each sample."""
    for layer in layers[:-1]:
        x = activation(layer(x))
    return layers[-1](x)[:, 0]


def train(widths, activation, learning_rate, n_steps):
    """Train a stack of linear layers with an activation in between, on all samples at once."""
    generator = make_generator(0)
    layers = [
        Linear(n_in, n_out, device=device, generator=generator)
        for n_in, n_out in itertools.pairwise(widths)
    ]
    parameters = [parameter for layer in layers for parameter in layer.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=learning_rate)
    for _ in range(n_steps):
        optimizer.zero_grad()
        logits = forward(layers, activation, inputs)
        F.binary_cross_entropy_with_logits(logits, labels.float()).backward()
        optimizer.step()
    return layers


deep = (2, 16, 16, 16, 16, 1)
networks = {
    "one linear layer": (train((2, 1), keep, 0.2, 300), keep),
    "five linear layers": (train(deep, keep, 0.02, 200), keep),
    "five layers with relu": (train(deep, relu, 0.02, 200), relu),
}

# %%
# For each: the share of right answers, and how far it is from the one linear layer that the product
# of its matrices makes.

wrong, lines = {}, {}
for name, (layers, activation) in networks.items():
    with torch.no_grad():
        logits = forward(layers, activation, inputs)
        weight, bias = collapse_linear_stack([(layer.weight, layer.bias) for layer in layers])
        gap = (linear(inputs, weight, bias)[:, 0] - logits).abs().max() / logits.abs().max()
    wrong[name] = ((logits > 0) != (labels == 1)).sum().item()
    lines[name] = (weight[0], bias)
    n_numbers = sum(layer.weight.numel() + layer.bias.numel() for layer in layers)
    verdict = "is the collapsed layer" if gap < 1e-4 else "is another function"
    right = 1 - wrong[name] / len(labels)
    print(f"{name:22} {n_numbers:4} parameters, {right:.1f} of the samples right, {verdict}")
    assert (gap < 1e-4) == (activation is keep)

one, five = (lines[name][0] for name in ("one linear layer", "five linear layers"))
angle = torch.acos((one @ five / (one.norm() * five.norm())).clamp(max=1)).rad2deg().item()
print(f"angle between the first two lines: {'less' if angle < 2 else 'more'} than 2 degrees")
assert angle < 2
assert wrong["five linear layers"] >= 25
assert wrong["five layers with relu"] <= 3

# %%
# A thousand parameters, and the same straight line as with three.

fig, axes = plt.subplots(2, 1, figsize=(6.4, 8.6), sharex=True)
limits = ((-1.7, 2.7), (-1.2, 1.7))
titles = (
    ("five linear layers", "Five linear layers draw one straight line"),
    ("five layers with relu", "With relu in between, the line bends"),
)
for ax, (name, title) in zip(axes, titles, strict=True):
    layers, activation = networks[name]
    plot_decision_regions(
        lambda x, layers=layers, activation=activation: forward(layers, activation, x) > 0,
        inputs,
        labels,
        names=moons.target_names,
        limits=limits,
        ax=ax,
    )
    ends = boundary_segment(*lines["one linear layer"], limits).detach().cpu()
    ax.plot(*ends.T, color=PURPLE, linestyle="--", linewidth=2.5, label="one linear layer")
    ax.set_title(title)
    ax.set_ylabel("second feature (dimensionless)")
axes[0].legend(loc="lower left")
axes[1].set_xlabel("first feature (dimensionless)")

# %%
# Change this and see
# -------------------
# - Set ``deep = (2, 64, 64, 1)``: above the same line again, below another bend.
# - Give the moons ``noise_std=0.1``: the straight line makes nearly as many mistakes as before. It
#   is not the noise that it fails at.
# - Let ``keep`` return ``3 * x``: still one straight line, but no longer that of the product of the
#   matrices alone, and the assertion says so.

plt.show()
