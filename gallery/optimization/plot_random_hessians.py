"""
How rare are minima in many dimensions?
=======================================

At a critical point in D dimensions the Hessian has D eigenvalues. For a minimum all of them must be
positive. If nothing favours up over down, that is a rare accident, and it becomes rarer with D
much faster than D tosses of a coin: saddles are what level ground in many dimensions looks like.
"""

import math

import matplotlib.pyplot as plt

from handbook.device import get_device
from handbook.plots import BLUE, GREY, STYLE, VERMILLION
from handbook.seeding import make_generator
from handbook.surfaces import critical_index, random_hessians

plt.style.use(STYLE)
device = get_device()

# %%
# The model: symmetric matrices with normal entries, none of their directions special. In one, two
# and three dimensions the probability that all eigenvalues are positive is known exactly. The
# result for two is short: it is the share of all directions that lie inside a right-angled cone,
# (2 − √2) / 4.

exact = {
    1: 1 / 2,
    2: (2 - math.sqrt(2)) / 4,
    3: (math.pi - 2 * math.sqrt(2)) / (4 * math.pi),
}
n_matrices = 200_000
sizes = [1, 2, 3, 4, 5]
shares = []
print("D   minima among 200 000   exact     D coins")
for size in sizes:
    matrices = random_hessians(n_matrices, size, generator=make_generator(size))
    count = int((critical_index(matrices.to(device)) == 0).sum())
    shares.append(count / n_matrices)
    known = f"{exact[size]:.4f}" if size in exact else "     -"
    print(f"{size}   {count:20d}   {known}   {0.5**size:.4f}")

# %%
# The eigenvalues of a random matrix repel each other and spread over a symmetric interval around
# zero. To have all of them on one side costs far more than D independent coins: for large D the
# logarithm of the probability falls like :math:`-\tfrac{\ln 3}{4} D^2` (Dean and Majumdar).

found = [(size, share) for size, share in zip(sizes, shares, strict=True) if share > 0]
fig, ax = plt.subplots(figsize=(6.4, 4.4))
ax.plot(sizes, [0.5**size for size in sizes], color=GREY, linestyle=":")
ax.annotate(
    "D independent coins",
    (3, 0.5**3),
    xytext=(12, 10),
    color=GREY,
    ha="left",
    textcoords="offset points",
)
ax.plot(
    *zip(*exact.items(), strict=True),
    "s",
    color=BLUE,
    markersize=11,
    markerfacecolor="none",
    label="exact",
)
ax.plot(*zip(*found, strict=True), "o--", color=VERMILLION, label="measured")
ax.set_yscale("log")
ax.set_xticks(sizes)
ax.set_xlabel("number of dimensions D")
ax.set_ylabel("share with all eigenvalues positive\n(dimensionless, log scale)")
ax.legend()
ax.set_title("Minima vanish among random critical points\nfaster than exponentially")

# %%
# What is there instead?
# ----------------------
# Saddles, and of one kind above all: about half of the directions lead down. The histogram counts
# the negative eigenvalues, the *index*, of random Hessians in 20 dimensions.

size = 20
matrices = random_hessians(5_000, size, generator=make_generator(0))
counts = critical_index(matrices.to(device)).bincount(minlength=size + 1).cpu()
shares = (counts / counts.sum()).tolist()
fig, ax = plt.subplots()
ax.bar(range(size + 1), shares, color=VERMILLION)
ax.annotate("minimum", (0, 0.0), xytext=(0, 0.08), ha="center", arrowprops={"arrowstyle": "->"})
ax.annotate(
    "maximum", (size, 0.0), xytext=(size, 0.08), ha="center", arrowprops={"arrowstyle": "->"}
)
ax.set_xlim(-2.5, size + 2.5)
ax.set_xlabel("index: negative eigenvalues of 20")
ax.set_ylabel("share of the matrices (dimensionless)")
ax.set_title("In 20 dimensions about half of the directions\nlead down, hardly ever all or none")
print(f"index from {int(counts.nonzero().min())} to {int(counts.nonzero().max())} of {size}")
assert counts[0] == 0

# %%
# This is a model, not a network. A trained network's Hessian is no random matrix: low down, most of
# its critical points have few ways further down (Dauphin et al. give evidence for small networks,
# and Bray and Dean show it for random functions). What carries over is the warning: a gradient of
# zero is poor evidence of a minimum.
#
# Change this and see
# -------------------
#
# - Lift all eigenvalues of the last figure by 2, as if the points were found low in a valley, with
#   ``matrices.diagonal(dim1=-2, dim2=-1).add_(2)``: the histogram moves to the left. Lift them by 9
#   and almost all points are minima, which the assertion does not expect.
# - Make the matrices diagonal, with ``matrices.diagonal(dim1=-2, dim2=-1).diag_embed()``: now the
#   eigenvalues are independent, and the share of minima falls on the line of the coins.
# - Set ``size = 100``: the histogram becomes narrower in proportion, still around a half.

plt.show()
