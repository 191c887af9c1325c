r"""
Does the gradient reach the first block?
========================================

Through a plain network the gradient goes back as a product, one factor for each block. Through a
residual network it goes back as a sum, and one of the terms is the gradient itself. Measure both,
block by block, in networks of 30 blocks that nobody has trained yet.
"""

import math

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from torch import nn

from handbook.blocks import Residual
from handbook.datasets import load_digits
from handbook.device import get_device
from handbook.layers import Linear
from handbook.plots import BLUE, GREEN, PURPLE, STYLE, TRUTH, VERMILLION
from handbook.seeding import make_generator

plt.style.use(STYLE)
device = get_device()
N_BLOCKS = 30
N_SEEDS = 5
digits = load_digits()
images, targets = (digits.inputs[:200] / 16).to(device), digits.targets[:200].to(device)

# %%
# One branch, three ways to use it
# --------------------------------
#
# Each branch is a linear layer, a relu, and another linear layer, of 64 units. Their weights are
# drawn so that the branch returns numbers as large as those that it gets: variance 2/64 in front
# of the relu, which drops half, and 1/64 behind it. In the plain network branch follows branch.


def drawn_branch(generator):
    """Return a branch whose output has the mean square of its input."""
    first, second = Linear(64, 64, bias=False), Linear(64, 64, bias=False)
    with torch.no_grad():
        first.weight.normal_(0, math.sqrt(2 / 64), generator=generator)
        second.weight.normal_(0, math.sqrt(1 / 64), generator=generator)
    return nn.Sequential(first, nn.ReLU(), second).to(device)


def zero_branch(generator):
    """Return the same branch, with zeros in its last layer."""
    branch = drawn_branch(generator)
    nn.init.zeros_(branch[2].weight)
    return branch


def pytorch_branch(generator):
    """Return a branch whose weights are drawn as PyTorch draws them."""
    first = Linear(64, 64, bias=False, generator=generator)
    second = Linear(64, 64, bias=False, generator=generator)
    return nn.Sequential(first, nn.ReLU(), second).to(device)


KINDS = {
    "plain, PyTorch's start": (pytorch_branch, VERMILLION, "--"),
    "plain, size kept": (drawn_branch, PURPLE, ":"),
    "residual, as drawn": (lambda g: Residual(drawn_branch(g)), GREEN, "-."),
    "residual, scaled": (
        lambda g: Residual(drawn_branch(g), scale=1 / math.sqrt(N_BLOCKS)),
        TRUTH,
        (0, (5, 1, 1, 1)),
    ),
    "residual, zero start": (lambda g: Residual(zero_branch(g)), BLUE, "-"),
}


def through(make_block, seed):
    """Return root mean squares after each block, and norms of the gradient there."""
    generator = make_generator(seed)
    blocks = [make_block(generator) for _ in range(N_BLOCKS)]
    head = Linear(64, 10, generator=generator).to(device)
    values = [images.clone().requires_grad_()]
    for block in blocks:
        values.append(block(values[-1]))
    loss = F.cross_entropy(head(values[-1]), targets)
    gradients = torch.autograd.grad(loss, values)
    sizes = torch.stack([value.detach().square().mean().sqrt() for value in values])
    # In float64: the squares are smaller than what float32 can hold.
    norms = torch.stack([gradient.double().norm() for gradient in gradients])
    return sizes.cpu(), norms.cpu()


sizes, norms = {}, {}
for kind, (make_block, *_) in KINDS.items():
    measured = [through(make_block, seed) for seed in range(N_SEEDS)]
    sizes[kind] = torch.stack([size for size, _ in measured])  # (seeds, blocks + 1)
    norms[kind] = torch.stack([norm for _, norm in measured])

# %%
# On the way back
# ---------------
#
# PyTorch's start draws weights of variance :math:`1/(3 \cdot 64)`: each block takes the factor
# :math:`\sqrt{1/18}` from the numbers, and from the gradient. With the zero start each residual
# block hands the gradient on, bit by bit.

shares = norms["plain, PyTorch's start"][:, 0] / norms["plain, PyTorch's start"][:, -1]
print("PyTorch's start: share of the gradient at the first block, as a power of ten:")
rule = -N_BLOCKS / 2 * math.log10(18)
print(f"    about {round(shares.log10().mean().item()):d}, the rule says {rule:.0f}")
assert (shares < 1e-15).all()
same = norms["residual, zero start"]
print("zero start: the same at every block:", torch.allclose(same, same[:, -1:], rtol=1e-4))
assert torch.allclose(same, same[:, -1:], rtol=1e-4)

blocks = torch.arange(N_BLOCKS + 1)


def draw(ax, values, kinds):
    """Draw the geometric mean over the seeds, with a band from the smallest to the largest."""
    for kind in kinds:
        _, color, linestyle = KINDS[kind]
        middle = values[kind].log().mean(dim=0).exp()
        ax.plot(blocks, middle, color=color, linestyle=linestyle, label=kind)
        low, high = values[kind].min(dim=0).values, values[kind].max(dim=0).values
        ax.fill_between(blocks, low, high, color=color, alpha=0.2, linewidth=0)
    ax.set_yscale("log")
    ax.set_xlabel("block (count from the input)")


fig, ax = plt.subplots(figsize=(6.0, 4.8))
draw(ax, norms, ["residual, zero start", "plain, size kept", "plain, PyTorch's start"])
ax.set_ylabel("norm of the gradient (logarithmic)")
ax.set_title("With PyTorch's own start a product vanishes;\na sum keeps its first term")
ax.legend(loc="lower right")

# %%
# On the way forward
# ------------------
#
# A sum can grow. If branch and input are independent, their variances add up: each block doubles
# the mean square, and after 30 blocks it has grown by :math:`2^{30} \approx 10^9`. Scale the
# branches by :math:`1/\sqrt{30}`, and the growth is :math:`(1 + 1/30)^{30} < e`. Start them at
# zero, and there is none.

growth = {kind: (sizes[kind][:, -1] / sizes[kind][:, 0]).square() for kind in KINDS}
doublings = growth["residual, as drawn"].log2().mean().item()
print(f"as drawn: about {doublings:.0f} doublings of the mean square in {N_BLOCKS} blocks")
scaled = growth["residual, scaled"].mean().item()
rule = (1 + 1 / N_BLOCKS) ** N_BLOCKS
print(f"scaled: grown by the factor {scaled:.1f}, the rule says {rule:.1f}")
assert abs(doublings - N_BLOCKS) < 3
assert 2 < scaled < 3.6
assert torch.allclose(growth["residual, zero start"], torch.ones(N_SEEDS), rtol=1e-5)

fig, ax = plt.subplots(figsize=(6.0, 4.8))
draw(ax, sizes, ["residual, as drawn", "residual, scaled", "residual, zero start"])
ax.set_ylabel("root mean square (logarithmic)")
ax.set_title("Residual branches add up their variances,\nunless they are scaled or start at zero")
ax.legend(loc="upper left")

# %%
# Nobody has learned anything yet. Where the gradient is of the order :math:`10^{-20}`, the first
# blocks will not begin to; where the numbers are of the order :math:`10^4`, the first step is a
# leap. Between these two, training can start.
#
# Change this and see
# -------------------
#
# - Set ``N_BLOCKS = 40``: the plain gradient falls by another six powers of ten, and the residual
#   one does not notice.
# - Put a relu behind the sum, ``nn.Sequential(Residual(zero_branch(g)), nn.ReLU())``: the assertion
#   about the same gradient at every block fails. Blank pixels are 0, and there the relu passes no
#   gradient on.
# - Draw the gradients of all five kinds: those of the unscaled residual network grow toward the
#   input as its numbers grow toward the output.

plt.show()
