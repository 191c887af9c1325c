r"""
How gradients vanish and explode
================================

A network of thirty layers reads a digit. How large is the gradient that arrives at each layer: with
a sigmoid between the layers, with tanh, with relu? And how far does the well-known bound
:math:`0.25^n` go?
"""

# %%
# Three activations
# -----------------
# All layers have 64 units; the weights are PyTorch's own start for linear layers. One backward pass
# of the cross-entropy of 128 digits, and the length of the gradient that arrives at the output of
# each layer. Five draws each.

import math

import matplotlib.pyplot as plt
import torch

from handbook.activations import CURVES
from handbook.datasets import load_digits
from handbook.gradient_flow import gradient_bound, layer_gradients, layer_sums, slope_bound
from handbook.initialization import normal_
from handbook.losses import cross_entropy
from handbook.plots import BLUE, GREEN, GREY, STYLE, VERMILLION
from handbook.seeding import make_generator

plt.style.use(STYLE)
depth, width, seeds = 30, 64, range(5)
digits = load_digits()
inputs = digits.inputs[:128].flatten(1)
inputs = ((inputs - inputs.mean()) / inputs.std()).double()  # float64 holds 1e-30 and its square
targets = digits.targets[:128]


def draw_weights(scale, seed):
    """Draw the layers with standard deviation ``scale`` / √width."""
    generator = make_generator(seed)
    empty = (torch.empty(width, width, dtype=torch.float64) for _ in range(depth))
    return [normal_(w, std=scale / math.sqrt(width), generator=generator) for w in empty]


def arriving_gradients(activation, scale, seed):
    """Return the length of the gradient at each layer's output, the first layer's first."""
    curve, weights = CURVES[activation], draw_weights(scale, seed)
    sums = layer_sums(weights, inputs, activation)
    output = curve.value(sums[-1]).requires_grad_()
    loss = cross_entropy(output[:, :10], targets)
    (gradient,) = torch.autograd.grad(loss, output)
    return [d.norm().item() for d in layer_gradients(weights, sums, gradient, activation)[1:]]


default = 1 / math.sqrt(3)  # the spread of U(-1, 1): nn.Linear's start is U(-1, 1) / √width
layers = range(1, depth + 1)
fig, ax = plt.subplots(figsize=(6.2, 4.6))
styles = {"tanh": (BLUE, "-"), "relu": (GREEN, "-."), "sigmoid": (VERMILLION, "--")}
for activation, (color, linestyle) in styles.items():
    runs = torch.tensor([arriving_gradients(activation, default, seed) for seed in seeds])
    ax.fill_between(layers, runs.amin(0), runs.amax(0), color=color, alpha=0.25, lw=0)
    ax.plot(layers, runs.median(0).values, color=color, linestyle=linestyle, label=activation)
    factor = 1 / runs.log().diff(dim=1).mean().exp().item()
    print(f"{activation:7}: the gradient shrinks to about {factor:.2f} of its size in each layer")
    if activation == "sigmoid":
        last = runs[:, -1].median().item()
        bound = [last * slope_bound("sigmoid", depth - layer) for layer in layers]
        ax.plot(layers, bound, color=GREY, linestyle=":", label="0.25 per layer")
        assert factor < 0.25
ax.set_yscale("log")
ax.set_title("With PyTorch's start, thirty layers lose the\ngradient, fastest with sigmoids")
ax.set_xlabel("layer (1 is next to the input)")
ax.set_ylabel("length of gradient (logarithmic)")
ax.legend(loc="lower right")

# %%
# A gradient of :math:`10^{-25}` times a learning rate does not change a weight at all: in float32
# the sum is the old weight again.
#
# What the bound bounds
# ---------------------
# The slope of the sigmoid is at most ¼. So the product of n *slopes* is at most :math:`0.25^n`. On
# its way back the gradient is also multiplied by the weights, once per layer, and these can be
# larger than 1. Here are the same sigmoids with three sizes of weights.

fig, ax = plt.subplots(figsize=(6.2, 4.6))
sizes = {"16 / √n": (16.0, GREEN, "-."), "√2 / √n": (2**0.5, BLUE, "-")}
for name, (scale, color, linestyle) in {**sizes, "0.58 / √n": (default, VERMILLION, "--")}.items():
    weights = draw_weights(scale, 0)
    sums = layer_sums(weights, inputs, "sigmoid")
    start = torch.randn(len(inputs), width, generator=make_generator(9), dtype=torch.float64)
    deltas = layer_gradients(weights, sums, start, "sigmoid")
    lengths = torch.stack([delta.norm() / start.norm() for delta in deltas])
    ax.plot(range(depth + 1), lengths, color=color, linestyle=linestyle, label=f"weights {name}")
    proven = gradient_bound(weights, "sigmoid")
    assert (lengths <= proven).all()
    share = (lengths[0] ** (1 / depth)).item()
    print(f"weights {name:9}: each layer passes on about {share:.2f}")
    assert (share < 0.25) == (name == "0.58 / √n")
bound = [slope_bound("sigmoid", depth - layer) for layer in range(depth + 1)]
ax.plot(range(depth + 1), bound, color=GREY, linestyle=":", label="$0.25^n$")
ax.set_yscale("log")
ax.set_title("The bound $0.25^n$ is one of the slopes:\nlarger weights carry the gradient past it")
ax.set_xlabel("layer (0 is the input)")
ax.set_ylabel("length / length at the end")
ax.legend(loc="lower right")

# %%
# At 16 / √n most sigmoids sit at their flat ends, and the product of slopes is far below
# :math:`0.25^n`, as it must. The weights are so large that the gradient grows all the same.
#
# The other way: exploding
# ------------------------
# A relu has no flat end on the right, so nothing holds the gradient back.

fig, ax = plt.subplots(figsize=(6.2, 4.4))
sizes = {"3 / √n": (3.0, VERMILLION, "--"), "√2 / √n": (2**0.5, BLUE, "-")}
for name, (scale, color, linestyle) in {**sizes, "0.58 / √n": (default, GREEN, "-.")}.items():
    weights = draw_weights(scale, 0)
    sums = layer_sums(weights, inputs, "relu")
    start = torch.randn(len(inputs), width, generator=make_generator(9), dtype=torch.float64)
    deltas = layer_gradients(weights, sums, start, "relu")
    lengths = torch.stack([delta.norm() / start.norm() for delta in deltas])
    ax.plot(range(depth + 1), lengths, color=color, linestyle=linestyle, label=f"weights {name}")
    share = (lengths[0] ** (1 / depth)).item()
    print(f"relu, weights {name:9}: each layer multiplies by about {share:.1f}")
    assert abs(share / (scale / 2**0.5) - 1) < 0.1
ax.set_yscale("log")
ax.set_title("Behind relus one factor in all layers decides:\nvanish, stay or explode")
ax.set_xlabel("layer (0 is the input)")
ax.set_ylabel("length / length at the end")
ax.legend(loc="upper right")

# %%
# Change this and see
# -------------------
#
# - Add ``"silu": (GREY, "-")`` to ``styles``: it vanishes like the relu's curve, only faster, since
#   near zero its slope is ½ for every number.
# - Set ``depth = 5``: the curves have just begun to part. Shallow networks never met this problem.
# - Replace ``default`` by ``2**0.5`` in the first loop: the gradient of the relu and of tanh stays,
#   that of the sigmoid still vanishes, though slower than 0.25 per layer: the assertion says so.

plt.show()
