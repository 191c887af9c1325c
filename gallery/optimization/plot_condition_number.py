r"""
How many steps does an ill-conditioned valley cost?
===================================================

The condition number κ of a valley is its largest curvature over its smallest. Theory says that
plain descent needs a number of steps in proportion to κ, and momentum to the root of it. Is that
what you get, and where do the adaptive optimisers stand?
"""

import math

import matplotlib.pyplot as plt
import torch

from handbook.device import get_device
from handbook.optimizers import (
    SGD,
    Adagrad,
    Adam,
    optimal_momentum,
    optimizer_paths,
    settling_steps,
)
from handbook.plots import BLUE, GREEN, GREY, PURPLE, STYLE, VERMILLION

plt.style.use(STYLE)
device = torch.device("cpu") if get_device().type == "mps" else get_device()  # for float64

# %%
# Each valley has the curvatures 1 and κ and is turned by 30°, so that no coordinate is a direction
# of the curvature. Descent and momentum get their best rate by formula, Adagrad and Adam by a sweep
# over 11 rates. What counts is when the height is below a ten-thousandth of the start, for good.

angle = math.radians(30)
rows = [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]
rotation = torch.tensor(rows, dtype=torch.float64, device=device)
start = rotation @ torch.tensor([2.0, 0.5], dtype=torch.float64, device=device)


def steps_needed(condition, optimizer, rates, n_steps, **options):
    """Return the fewest steps that any of the rates needs."""
    curvatures = torch.tensor([1.0, condition], dtype=torch.float64, device=device)
    hessian = rotation @ curvatures.diag() @ rotation.T
    paths = optimizer_paths(
        lambda points: points @ hessian, start, optimizer, rates=rates, n_steps=n_steps, **options
    )
    heights = (paths @ hessian * paths).sum(-1) / 2
    return settling_steps(heights, level=1e-4 * heights[0, 0].item()).min().item()


conditions = [4.0, 16.0, 64.0, 256.0]
sweep = [10 ** (k / 4) for k in range(-5, 6)]
steps = {"descent": [], "momentum": [], "Adagrad": [], "Adam": []}
for condition in conditions:
    rate, momentum = optimal_momentum(1.0, condition)
    best_rate = 2 / (1 + condition)
    steps["descent"].append(steps_needed(condition, SGD, [best_rate], 2000))
    steps["momentum"].append(steps_needed(condition, SGD, [rate], 200, momentum=momentum))
    steps["Adagrad"].append(steps_needed(condition, Adagrad, sweep, 800))
    steps["Adam"].append(steps_needed(condition, Adam, sweep, 200))
    told = ", ".join(f"{name} {numbers[-1]:.0f}" for name, numbers in steps.items())
    assert max(numbers[-1] for numbers in steps.values()) < math.inf
    print(f"condition {condition:3.0f}: {told}")

# %%
# On logarithmic axes a power is a straight line, and its exponent the slope. Momentum's comes out a
# little above one half: with the best momentum both eigenvalues of a step are equal, and the
# distance shrinks like :math:`t \rho^t`, not like :math:`\rho^t`. The factor t costs a logarithm.

growth = math.log(conditions[-1] / conditions[1])
for name, wanted in (("descent", 1.0), ("momentum", 0.5)):
    slope = math.log(steps[name][-1] / steps[name][1]) / growth
    print(f"{name}: steps grow like the condition number to the power {slope:.1f}")
    assert abs(slope - wanted) < 0.12

fig, ax = plt.subplots(figsize=(6.0, 5.0))
styles = {
    "descent": (BLUE, "-", "o"),
    "momentum": (VERMILLION, "--", "s"),
    "Adagrad": (GREEN, "-.", "^"),
    "Adam": (PURPLE, ":", "D"),
}
for name, (color, linestyle, marker) in styles.items():
    ax.plot(conditions, steps[name], color=color, linestyle=linestyle, marker=marker, label=name)
reference = torch.tensor(conditions)
ax.plot(reference, 2.0 * reference, color=GREY, linewidth=1)
ax.plot(reference, 3.4 * reference.sqrt(), color=GREY, linewidth=1)
ax.annotate("∝ κ", (100, 120), color=GREY)
ax.annotate("∝ √κ", (120, 24), color=GREY)
ax.set_xscale("log", base=4)
ax.set_yscale("log")
ax.set_xticks(conditions, [f"{condition:.0f}" for condition in conditions])
ax.minorticks_off()
ax.set_title("Descent needs steps in proportion to κ,\ntuned momentum to its square root")
ax.set_xlabel("condition number κ (logarithmic)")
ax.set_ylabel("steps to a ten-thousandth (logarithmic)")
ax.legend(loc="upper left")

# %%
# Adam, swept, comes close to the tuned momentum in steep valleys and wastes steps in round ones,
# where its momentum of 0.9 swings. Adagrad's rates per coordinate do not help in a turned valley.
#
# Change this and see
# -------------------
#
# - Set the angle to 0: Adagrad needs less than ten steps for every condition number.
# - Give the entry "momentum" the rates ``[rate / 100 for rate in sweep]`` and ``momentum=0.9`` in
#   place of the formula, and take the last assertion out: its line is flat, as Adam's is. For most
#   of these valleys 0.9 is too much.
# - Lower the level to 1e-8 and double the numbers of steps: all need about twice as many, and the
#   slopes stay.

plt.show()
