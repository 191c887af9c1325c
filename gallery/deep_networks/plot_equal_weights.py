r"""
Equal weights stay equal
========================

If all weights of a network start at the same number, does training pull them apart? Sixteen hidden
units read handwritten digits: from zeros, from one equal number, from copies of one unit, and from
random numbers.
"""

# %%
# Four starts
# -----------
# Two layers with a tanh between them: 64 pixels, 16 hidden units, 10 classes. In the third network
# one unit is drawn at random, and the other fifteen are copies of it. All biases start at 0.

import matplotlib.pyplot as plt
import torch

from handbook.activations import tanh
from handbook.datasets import load_digits
from handbook.device import get_device
from handbook.initialization import constant_, xavier_normal_, zeros_
from handbook.losses import cross_entropy
from handbook.plots import BLUE, GREEN, GREY, STYLE, VERMILLION
from handbook.seeding import make_generator

plt.style.use(STYLE)
device = get_device()
digits = load_digits()
inputs = (digits.inputs[:600].flatten(1) / digits.inputs.max()).to(device)
targets = digits.targets[:600].to(device)
n_steps = 300


def start(fill):
    """Return the two weights and the two biases of a network."""
    weights = [fill(torch.empty(shape, device=device)) for shape in ((16, 64), (10, 16))]
    return [*weights, *(zeros_(torch.empty(len(weight), device=device)) for weight in weights)]


def train(parameters):
    """Take steps of plain gradient descent on all 600 digits; return the losses."""
    losses = []
    for _ in range(n_steps):
        w1, w2, b1, b2 = (parameter.requires_grad_() for parameter in parameters)
        loss = cross_entropy(tanh(inputs @ w1.T + b1) @ w2.T + b2, targets)
        gradients = torch.autograd.grad(loss, (w1, w2, b1, b2))
        steps = zip(parameters, gradients, strict=True)
        parameters[:] = [(value - 0.5 * gradient).detach() for value, gradient in steps]
        losses.append(loss.item())
    return losses


def random_numbers(weight):
    """Draw by Xavier's rule."""
    return xavier_normal_(weight, generator=generator)


def equal_numbers(weight):
    """Set every weight to 0.1."""
    return constant_(weight, 0.1)


def copied_units(weight):
    """Draw the weights of one hidden unit, and give them to all sixteen."""
    drawn = xavier_normal_(torch.empty_like(weight), generator=generator)
    return weight.copy_(drawn[:1] if weight.shape[1] == 64 else drawn[:, :1])


runs = {}
for name, fill in (
    ("zeros", zeros_), ("all 0.1", equal_numbers), ("copies", copied_units),
    ("random", random_numbers),
):  # fmt: skip
    generator = make_generator(0)
    parameters = start(fill)
    losses = train(parameters)
    runs[name] = losses, parameters[0]
    print(f"{name:7}: the loss ends near {losses[-1]:.1f}")

# %%
# From zeros only the last bias learns, and what it can hold is the shares of the classes: a loss
# of log 10 = 2.3. From equal numbers it is hardly better, for one more reason: the gradients of the
# ten logits sum to zero, and equal weights pass on just that sum. The copies learn, and each learns
# the same. They are one unit.

assert torch.equal(runs["zeros"][1], torch.zeros(16, 64, device=device))
for name in ("zeros", "all 0.1"):
    assert 2.29 < runs[name][0][-1] < 2.31
spread = {name: weight.std(dim=0, correction=0).max().item() for name, (_, weight) in runs.items()}
assert spread["copies"] < 1e-3 < 0.1 < spread["random"]
assert runs["copies"][0][-1] > 1.2 > 5 * runs["random"][0][-1]
print("the rows of weights that began as copies still agree, apart from rounding")

fig, ax = plt.subplots(figsize=(6.2, 4.4))
styles = {"zeros": (GREY, "-"), "all 0.1": (VERMILLION, "--"), "copies": (GREEN, "-.")}
for name, (color, linestyle) in {**styles, "random": (BLUE, "-")}.items():
    ax.plot(runs[name][0], color=color, linestyle=linestyle, label=name)
ax.set_ylim(0, 3.3)
ax.set_title("Sixteen units that start equal are worth one")
ax.set_xlabel("steps of gradient descent")
ax.set_ylabel("cross-entropy (nats)")
ax.legend(loc="upper right", ncols=2)

# %%
# What the units look for
# -----------------------
# The weights of the first eight units as images, after training.

limit = runs["random"][1].abs().max().item()
fig, axs = plt.subplots(2, 1, figsize=(6.2, 3.6))
for ax, name in zip(axs, ("copies", "random"), strict=True):
    tiles = runs[name][1][:8].cpu().reshape(8, 8, 8)
    row = torch.full((8, 8 * 9 - 1), torch.nan)
    for i, tile in enumerate(tiles):
        row[:, 9 * i : 9 * i + 8] = tile
    ax.imshow(row, cmap="PuOr", vmin=-limit, vmax=limit)
    ax.set_axis_off()
axs[0].set_title("From copies: one pattern, eight times")
axs[1].set_title("From random numbers: each its own")

# %%
# Change this and see
# -------------------
#
# - Give one copy a weight of its own: ``parameters[0][0, 0] += 0.1`` after ``start``. It goes its
#   own way, and the other fifteen stay together.
# - Copy only the first layer: let ``copied_units`` return ``drawn`` for the second. The units now
#   get different gradients, and part in the first step.
# - Replace ``0.1`` in ``equal_numbers`` by ``-0.3``: another number, and the same end.

plt.show()
