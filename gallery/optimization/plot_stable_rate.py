"""
How large may the learning rate be?
===================================

On a quadratic there is an exact answer: below two over the largest curvature descent converges from
every start, and beyond it descent diverges from almost every start. A second number, the ratio of
the largest to the smallest curvature, tells how many steps the best rate needs.
"""

import math

import matplotlib.pyplot as plt
import torch

from handbook.convergence import (
    condition_number,
    contraction_factors,
    fastest_rate,
    steps_to_shrink,
)
from handbook.descent import gradient_descent, largest_stable_rate
from handbook.device import get_device
from handbook.plots import BLUE, GREEN, GREY, PURPLE, STYLE, TRUTH, VERMILLION
from handbook.surfaces import quadratic_surface

plt.style.use(STYLE)
device = get_device()

# %%
# Two directions, with curvatures 1 and 10. The start is at distance 1 along both. After 50 steps
# with each rate, how far away is each coordinate? The marks are walked, the lines are the formula
# :math:`|1 - \eta \lambda|^{50}`.

function = quadratic_surface((1.0, 10.0))
curvature = function.hessian(torch.zeros(2, dtype=torch.float64))
limit, best = largest_stable_rate(curvature), fastest_rate(curvature)
start = torch.ones(2, dtype=torch.float64)
n_steps = 50
walked = [0.02 * k for k in range(1, 13) if k not in (5, 10)]
print("rate   flat direction   steep direction   converges")
ends = []
for rate in walked:
    path = gradient_descent(function, start, learning_rate=rate, n_steps=n_steps)
    end = path.points[-1].abs()
    ends.append(end)
    converges = bool((contraction_factors(curvature, learning_rate=rate).abs() < 1).all())
    print(f"{rate:.2f}   {end[0]:14.0e}   {end[1]:15.0e}   {'yes' if converges else 'no'}")
    assert converges == (rate < limit) == bool((end < 1).all())

# %%
# The flat direction gains from every increase of the rate. The steep one gains first, is solved at
# once at rate 1/10, then jumps over the minimum further and further, and at 2/10 it never arrives.
# The best rate lies where both are equally bad.

rates = torch.linspace(0.002, 0.24, 400, dtype=torch.float64)
factors = torch.stack([contraction_factors(curvature, learning_rate=r.item()) for r in rates])
left = factors.abs() ** n_steps
marks = torch.stack(ends)
fig, ax = plt.subplots(figsize=(6.4, 4.8))
ax.axvspan(limit, 0.245, color=GREY, alpha=0.15, linewidth=0)
ax.axhline(1, color=GREY, linewidth=1)
looks = [(BLUE, "-", "o", "flat: curvature 1"), (VERMILLION, "--", "s", "steep: curvature 10")]
for i, (color, linestyle, marker, label) in enumerate(looks):
    ax.plot(rates, left[:, i], color=color, linestyle=linestyle)
    ax.plot(walked, marks[:, i], marker, color=color, label=label, markersize=5)
ax.axvline(limit, color=TRUTH, linewidth=1.5)
ax.annotate(
    "2 / 10", (limit, 1e-18), xytext=(5, 0), ha="left", textcoords="offset points", color=TRUTH
)
ax.axvline(best, color=TRUTH, linewidth=1.5, linestyle=":")
ax.annotate(
    "best", (best, 1e-24), xytext=(-5, 0), ha="right", textcoords="offset points", color=TRUTH
)
ax.set_yscale("log")
ax.set_ylim(1e-26, 1e10)
ax.set_xlim(0, 0.245)
ax.set_xlabel("learning rate (dimensionless)")
ax.set_ylabel(f"distance left after {n_steps} steps\n(dimensionless, log scale)")
ax.legend(loc="upper center", bbox_to_anchor=(0.45, -0.17), ncols=2)
ax.set_title(
    "Beyond 2 / 10, two over the largest curvature,\nthe distance grows and no longer shrinks"
)

# %%
# Four rates as loss curves
# -------------------------
# On paper the limit is sharp. In a loss curve you see the rate to either side of it.

fig, ax = plt.subplots(figsize=(6.4, 4.4))
shares = {
    "0.1 of the limit": 0.1,
    "the best rate": best / limit,
    "0.99 of the limit": 0.99,
    "1.05 of the limit": 1.05,
}
for (name, share), color, linestyle in zip(
    shares.items(), (BLUE, GREEN, PURPLE, VERMILLION), ("-", "-.", ":", "--"), strict=True
):
    path = gradient_descent(function, start, learning_rate=share * limit, n_steps=60)
    ax.plot(path.values, color=color, linestyle=linestyle, label=name)
ax.set_yscale("log")
ax.set_ylim(1e-7, 1e6)
ax.set_xlabel("step")
ax.set_ylabel("loss (dimensionless, log scale)")
ax.legend(title="learning rate", ncols=2, loc="upper center", bbox_to_anchor=(0.45, -0.17))
ax.set_title("Five per cent beyond the limit,\nthe loss explodes")

# %%
# What a ravine costs
# -------------------
# With the best rate both directions shrink by :math:`(\kappa - 1) / (\kappa + 1)` per step, where κ
# is the condition number, the steepest curvature over the flattest. For large κ the number of steps
# is in proportion to κ.

ratios = [2, 5, 10, 30, 100, 300, 1000]
factor = 1000.0
predicted, counted = [], []
for ratio in ratios:
    valley = quadratic_surface((1.0, float(ratio)))
    matrix = valley.hessian(torch.zeros(2, dtype=torch.float64))
    assert math.isclose(condition_number(matrix), ratio)
    rate = fastest_rate(matrix)
    wanted = steps_to_shrink(matrix, factor=factor, learning_rate=rate)
    path = gradient_descent(valley, start, learning_rate=rate, n_steps=math.ceil(wanted) + 1)
    arrived = path.points.abs().amax(-1) <= 1 / factor
    predicted.append(wanted)
    counted.append(int(arrived.to(torch.uint8).argmax()))
    print(f"condition number {ratio:5d}: predicted {wanted:7.1f} steps, walked {counted[-1]}")
    assert counted[-1] == math.ceil(wanted)
fig, ax = plt.subplots()
ax.plot(ratios, predicted, color=BLUE, label="predicted")
ax.plot(ratios, counted, "s", color=VERMILLION, label="walked")
ax.set_xscale("log")
ax.set_yscale("log")
ax.set_xlabel("condition number (dimensionless, log scale)")
ax.set_ylabel("steps to come 1000 times\ncloser (log scale)")
ax.legend()
ax.set_title("A ravine ten times as long\nneeds ten times as many steps, at its best rate")

# %%
# Change this and see
# -------------------
#
# - Set ``start = torch.tensor([1.0, 0.0], dtype=torch.float64)``: nothing diverges, because nothing
#   of the start lies along the steep direction, and the first assertion fails. Put ``1e-300`` in
#   place of ``0.0``: the steep direction grows from there too, and given enough steps it explodes.
# - Set ``factor = 1e6``: every number of steps doubles, because it follows the logarithm.
# - In the second figure use ``share * limit / 2`` as the rate: none explodes, and the largest of
#   the four rates is now the fastest.

plt.show()
