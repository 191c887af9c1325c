"""
How fast does a sigmoid reach its limit?
========================================

Many curves have the shape of an S. Stretch them so that all run from −1 to 1 and all pass the
origin with slope 1, and near the origin you can hardly tell them apart. They differ in their tails:
some close the gap to their limit exponentially, and some like a power of x.
"""

import matplotlib.pyplot as plt
import torch

from handbook.activations import SIGMOID_FAMILY
from handbook.device import get_device
from handbook.plots import STYLE

plt.style.use(STYLE)
device = get_device()

# %%
# One scale for all
# -----------------
#
# The logistic function runs from 0 to 1 with slope 1/4. Stretched to run from −1 to 1 with slope
# 1, it becomes :math:`2\sigma(2x) - 1`. That is the hyperbolic tangent: two of the six curves are
# one.

x = torch.linspace(-4, 4, 801, device=device)
values = {name: curve.value(x) for name, curve in SIGMOID_FAMILY.items()}
apart = (values["logistic"] - values["tanh"]).abs().max().item()
print(f"logistic and tanh differ by less than 1e-6: {apart < 1e-6}")

at_zero = torch.zeros(1, device=device)
for name, curve in SIGMOID_FAMILY.items():
    print(f"{name:<10} slope at 0: {curve.slope(at_zero).item():.3f}")

# %%
# The tails
# ---------
#
# How far out must the input be before the value is within one percent of its limit? The table
# ``SIGMOID_FAMILY`` gives the gap :math:`1 - s(x)` as a formula of its own. To subtract the value
# from 1 would not do: beyond 9.1, float32 rounds tanh to 1.

far = torch.linspace(0.01, 120, 120_000, device=device)
reach = {}
for name, curve in SIGMOID_FAMILY.items():
    reach[name] = far[curve.gap(far) <= 0.01][0].item()
    print(f"{name:<10} within 1 % of its limit from x = {reach[name]:5.1f}")
assert reach["softsign"] > 30 * reach["tanh"]

# %%
# In the lower picture both axes are logarithmic. A power of x is a straight line there; an
# exponential bends down ever more steeply.

fig, (top, bottom) = plt.subplots(2, 1, figsize=(6.4, 9.0))
distance = torch.logspace(-1, 3, 400, device=device)
for i, (name, curve) in enumerate(SIGMOID_FAMILY.items()):
    width = 4.5 if name == "tanh" else 2.0  # wide, so that the logistic curve lies visibly on it
    style = {"color": f"C{i}", "linewidth": width}
    style["linestyle"] = plt.rcParams["axes.prop_cycle"].by_key()["linestyle"][i]
    label = f"{name}  ${curve.formula}$"
    top.plot(x.cpu(), values[name].cpu(), label=label, **style)
    gap_label = f"{name}  ${curve.gap_formula}$"
    bottom.plot(distance.cpu(), curve.gap(distance).cpu(), label=gap_label, **style)
top.set_title("Six sigmoids with one slope at the origin:\nthe logistic function lies on tanh")
top.set_xlabel("input x (dimensionless)")
top.set_ylabel("value s(x) (dimensionless)")
top.legend(loc="upper left")
top.set_ylim(-1.1, 3.6)
top.set_yticks([-1, 0, 1])
bottom.set_xscale("log")
bottom.set_yscale("log")
bottom.set_ylim(1e-9, 2)
bottom.set_title("Three close the gap at least exponentially,\nthree only like a power of x")
bottom.set_xlabel("input x (dimensionless, logarithmic)")
bottom.set_ylabel("gap 1 − s(x) (dimensionless, logarithmic)")
bottom.legend(title="for large x, the gap of", loc="lower left")

# %%
# Change this and see
# -------------------
#
# - Replace ``curve.gap(far)`` by ``1 - curve.value(far)`` and 0.01 by ``1e-8``: tanh is now said to
#   arrive before 9.1, where float32 rounds it to 1. With ``curve.gap(far)`` it is 9.6. The slow
#   curves do not come that close anywhere on the grid, and the script ends at the first of them.
# - Draw ``curve.slope(distance)`` in the lower picture: the slopes of the power laws fall by one
#   power of x more than their gaps, and that of tanh no faster than its gap.
# - Replace 0.01 by 0.1. The order of the six stays, their distances shrink, and the assertion
#   about a factor of 30 fails.

plt.show()
