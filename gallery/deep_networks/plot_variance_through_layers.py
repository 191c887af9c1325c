r"""
What is left of a signal after 50 layers
========================================

Fifty layers with a relu between them, fresh from their draw, and nothing trained. How large are the
numbers that come out of each layer, with weights from :math:`N(0, 0.1^2)`, by Xavier's rule and by
Kaiming's? And is :math:`N(0, 0.1^2)` a small start or a large one?
"""

# %%
# Three rules and PyTorch's default
# ---------------------------------
# All layers have 128 units and biases of 0. Normal numbers go in. After each layer we take the mean
# of the squares over 64 samples and all units. Five draws each.

import math

import matplotlib.pyplot as plt
import torch

from handbook.activations import relu, tanh
from handbook.device import get_device
from handbook.initialization import kaiming_normal_, kaiming_uniform_, normal_, xavier_normal_
from handbook.plots import BLUE, GREEN, GREY, PURPLE, STYLE, VERMILLION
from handbook.seeding import make_generator

plt.style.use(STYLE)
device = get_device()
depth, seeds = 50, range(5)


def mean_squares(fill, activation, width, seed):
    """Return the mean square after each of ``depth`` layers."""
    generator = make_generator(seed)
    a = torch.randn(64, width, generator=generator).to(device)
    found = []
    for _ in range(depth):
        weight = fill(torch.empty(width, width, device=device), generator=generator)
        a = activation(a @ weight.T)
        found.append(a.cpu().double().square().mean().item())  # float32 has no 1e-46
    return found


def tenth(weight, generator):
    """Draw from N(0, 0.1²), whatever the width is."""
    return normal_(weight, std=0.1, generator=generator)


def default(weight, generator):
    """Draw as ``nn.Linear`` does: U(-1/√n, 1/√n)."""
    return kaiming_uniform_(weight, a=math.sqrt(5), generator=generator)


def xavier_with_gain(weight, generator):
    """Draw by Xavier's rule, made larger by 5/3."""
    return xavier_normal_(weight, gain=5 / 3, generator=generator)


def draw_bands(ax, rules, activation):
    """Draw each rule's five runs; return their mean squares as (rule, seed, layer)."""
    found = {}
    for name, (fill, width, color, linestyle) in rules.items():
        runs = torch.tensor([mean_squares(fill, activation, width, seed) for seed in seeds])
        layers = range(1, depth + 1)
        ax.fill_between(layers, runs.amin(0), runs.amax(0), color=color, alpha=0.25, lw=0)
        ax.plot(layers, runs.median(0).values, color=color, linestyle=linestyle, label=name)
        found[name] = runs
    ax.set_yscale("log")
    ax.set_xlabel("layer")
    ax.set_ylabel("mean square (logarithmic)")
    return found


rules = {
    "Kaiming": (kaiming_normal_, 128, BLUE, "-"),
    "N(0, 0.1²)": (tenth, 128, GREEN, "-."),
    "Xavier": (xavier_normal_, 128, VERMILLION, "--"),
    "nn.Linear": (default, 128, PURPLE, ":"),
}
fig, ax = plt.subplots(figsize=(6.2, 4.4))
by_rule = draw_bands(ax, rules, relu)
ax.set_title("Behind relus only Kaiming's rule keeps\nthe signal's size")
ax.legend(loc="lower left")

factors = {"Kaiming": 1.0, "N(0, 0.1²)": 0.64, "Xavier": 0.5, "nn.Linear": 1 / 6}
for name, runs in by_rule.items():
    factor = (runs.log().diff(dim=1).mean()).exp().item()
    print(f"{name:10}: each layer multiplies by about {factor:.1f}, predicted {factors[name]:.2f}")
    assert abs(factor / factors[name] - 1) < 0.15

# %%
# The prediction is :math:`n \sigma^2 / 2` for n inputs: a sum of n products, and a relu that drops
# half of the squares. With :math:`\sigma = 0.1` and 128 inputs it is 0.64.
#
# The bands widen. The rule keeps the *mean* square over all draws of weights; one draw has its own
# luck in each layer, and luck multiplies. With fewer units there is more of it.
#
# Small or large?
# ---------------
# The same :math:`N(0, 0.1^2)`, in three widths:

rules = {
    "500 units": (tenth, 500, PURPLE, ":"),
    "200 units": (tenth, 200, BLUE, "-"),
    "50 units": (tenth, 50, VERMILLION, "--"),
}
fig, ax = plt.subplots(figsize=(6.2, 4.4))
by_width = draw_bands(ax, rules, relu)
ax.set_title("N(0, 0.1²) is too large or too small:\nthe width decides")
ax.legend(loc="lower left")
assert by_width["500 units"][:, -1].min() > 1e12
assert by_width["50 units"][:, -1].max() < 1e-20
assert 1e-3 < by_width["200 units"][:, -1].min() < by_width["200 units"][:, -1].max() < 1e2
print("N(0, 0.1²): the signal is kept at 200 units, where 200 · 0.01 / 2 = 1")

# %%
# With tanh
# ---------
# The tanh cannot let a signal grow beyond 1, so weights that are too large do not blow it up: they
# push every unit to its flat ends instead. With Xavier's rule and a gain of 1, the tanh shrinks a
# little in each layer, and less the smaller the numbers are. A gain of 5/3 holds a level.

rules = {
    "N(0, 1)": (normal_, 128, PURPLE, ":"),
    "Xavier, gain 5/3": (xavier_with_gain, 128, BLUE, "-"),
    "Xavier, gain 1": (xavier_normal_, 128, VERMILLION, "--"),
    "nn.Linear": (default, 128, GREY, "-."),
}
fig, ax = plt.subplots(figsize=(6.2, 4.4))
by_gain = draw_bands(ax, rules, tanh)
ax.set_title("With tanh, Xavier's rule fades slowly; a gain\nof 5/3 holds, and N(0, 1) saturates")
ax.legend(loc="lower left")
last = {name: runs[:, -1].median().item() for name, runs in by_gain.items()}
assert last["N(0, 1)"] > 0.85
assert 0.2 < last["Xavier, gain 5/3"] < 0.6
assert 0.003 < last["Xavier, gain 1"] < 0.05
assert last["nn.Linear"] < 1e-20

# %%
# Change this and see
# -------------------
#
# - Set 128 to 1000 in the first ``rules``, for Kaiming alone: the band is much narrower, since the
#   luck of a layer is averaged over more units.
# - Give ``kaiming_normal_`` the argument ``mode="fan_out"`` through a function of your own: with
#   square weights nothing changes, since both fans are 128.
# - Replace ``relu`` by ``tanh`` in the second figure: the 500 units no longer blow up. They
#   saturate, and the assertion below the figure says that its finding is gone.

plt.show()
