"""
Where does an activation let the gradient through?
==================================================

An activation function bends what a linear layer has computed. In the backward pass the gradient is
multiplied by its slope. So two things matter about each: where it bends, and where it goes flat.
Below are ten of them with their slopes.
"""

import matplotlib.pyplot as plt
import torch

from handbook.activations import CURVES
from handbook.device import get_device
from handbook.plots import BLUE, STYLE, VERMILLION

plt.style.use(STYLE)
device = get_device()

# %%
# Ten functions and their slopes
# ------------------------------
#
# Each entry of the table ``CURVES`` holds a function and its slope, derived by hand. All act on
# every element of a tensor by itself, so one tensor of points serves for all. First the numbers:
# the value and the slope at −3, at 0 and at 3.

points = torch.tensor([-3.0, 0.0, 3.0], device=device)
print(f"{'':<12}{'value at -3, 0, 3':^24}      slope at -3, 0, 3")
for name, curve in CURVES.items():
    numbers = torch.cat([curve.value(points), curve.slope(points)]).tolist()
    print(f"{name:<12}" + "".join(f"{number + 0.0:8.3f}" for number in numbers))

# %%
# Flat on one side, on both, on none
# ----------------------------------
#
# We call a curve flat on a side if its slope there is below a hundredth of the largest slope that
# it has anywhere, once we are 30 units out.

x = torch.linspace(-30, 30, 6001, device=device)
flat_sides = {}
for name, curve in CURVES.items():
    share = curve.slope(x).abs() / curve.slope(x).abs().max()
    flat_sides[name] = (share[0].item() < 0.0099, share[-1].item() < 0.0099)
    sides = [side for side, flat in zip(("left", "right"), flat_sides[name], strict=True) if flat]
    print(f"{name:<12} flat on: {' and '.join(sides) or 'no side'}")

# %%
# The picture shows the same. Where the dashed line lies on zero, whatever stands before the
# activation gets no gradient and does not learn.

on_both = sum(left and right for left, right in flat_sides.values())
on_left = sum(left and not right for left, right in flat_sides.values())
on_none = sum(not left and not right for left, right in flat_sides.values())

fig, axes = plt.subplots(5, 2, figsize=(6.4, 10.5), sharex=True)
near = torch.linspace(-4, 4, 801, device=device)
for ax, (name, curve) in zip(axes.flat, CURVES.items(), strict=True):
    ax.plot(near.cpu(), curve.value(near).cpu(), color=BLUE, linestyle="-", label="value")
    ax.plot(near.cpu(), curve.slope(near).cpu(), color=VERMILLION, linestyle="--", label="slope")
    ax.set_title(name)
    ax.set_ylim(-1.3, 2.3)
axes[0, 0].legend(loc="upper left")
fig.supxlabel("input x (dimensionless)")
fig.supylabel("value and slope (dimensionless)")
fig.suptitle(
    f"{on_both} of {len(CURVES)} activations go flat on both sides,\n"
    f"{on_left} on the left only, {on_none} on neither side"
)

# %%
# Change this and see
# -------------------
#
# - Replace 30 by 3 in the second block: only relu, tanh and hardtanh still count as flat. At
#   −3, elu and softplus keep about one twentieth of their largest slope.
# - Draw ``near`` from −0.1 to 0.1: each curve becomes a straight line, but for relu and leaky relu,
#   which have their kink there. The differences are in the bends.
# - Set the limits of ``near`` to −40 and 40 and ``ax.set_yscale("symlog", linthresh=1e-3)``: the
#   softsign leaves its limits more slowly than tanh does, and leaky relu never goes flat.

plt.show()
