r"""
How fast does the error fall with the width?
============================================

Ten times the units make a staircase ten times as close, and a polygon a hundred times. That is what
the best weights can do. What does training find, with as many units and the same curve?
"""

# %%
# By hand
# -------
# The largest error of the two constructions, with the bounds :math:`L h / 2` and
# :math:`M h^2 / 8`. Here :math:`h` is the width of a cell, :math:`L` the largest slope of the curve
# and :math:`M` its largest second derivative.

import math

import matplotlib.pyplot as plt
import torch

from handbook.approximation import (
    polygon_bound,
    polygon_network,
    staircase_bound,
    staircase_network,
)
from handbook.device import get_device
from handbook.initialization import uniform_
from handbook.plots import BLUE, GREEN, STYLE, TRUTH, VERMILLION
from handbook.seeding import make_generator

plt.style.use(STYLE)
device = get_device()


def curve(x):
    """Return the curve to be drawn: a slow wave with a faster one on top."""
    return torch.sin(2 * math.pi * x) + 0.5 * torch.sin(6 * math.pi * x)


x = torch.linspace(0, 1, 10_001, dtype=torch.float64)
lipschitz = 5 * math.pi  # at x = 0
bend = (2 * math.pi) ** 2 * (torch.sin(2 * math.pi * x) + 4.5 * torch.sin(6 * math.pi * x))
curvature = bend.abs().max().item() * 1.001  # the grid may miss the top by a little

widths = [4, 8, 16, 32, 64, 128, 256]
stairs, polygons, stairs_bounds, polygon_bounds = [], [], [], []
for width in widths:
    cells = torch.linspace(0, 1, width + 2, dtype=torch.float64)
    knots = torch.linspace(0, 1, width + 1, dtype=torch.float64)
    staircase = staircase_network(cells, curve((cells[1:] + cells[:-1]) / 2))
    stairs.append((staircase(x) - curve(x)).abs().max().item())
    polygons.append((polygon_network(knots, curve(knots))(x) - curve(x)).abs().max().item())
    stairs_bounds.append(staircase_bound(cells, lipschitz).item())
    polygon_bounds.append(polygon_bound(knots, curvature).item())
for errors, bounds, power in ((stairs, stairs_bounds, 1), (polygons, polygon_bounds, 2)):
    assert all(error <= bound for error, bound in zip(errors, bounds, strict=True))
    found = math.log2(errors[-2] / errors[-1])
    print(f"twice the units, {2**found:.1f} times as close: the error falls like 1/H^{found:.1f}")
    assert abs(found - power) < 0.1

# %%
# By training
# -----------
# Networks of relus with 4 to 64 units are fitted to 129 points of the same curve, by Adam, with a
# rate that falls to zero. Five starts of each, trained side by side: each parameter has a column
# for each start.

n_starts, n_steps = 5, 1000
trained_widths = [4, 8, 16, 32, 64]
places = torch.linspace(0, 1, 129, device=device)
heights = curve(places)[:, None]


def outputs(x, parameters):
    """Return the outputs of all starts: (N,) and (H, S) to (N, S)."""
    w, b, v, c = parameters
    return (torch.relu((2 * x - 1)[:, None, None] * w + b) * v).sum(dim=1) + c


def train(width):
    """Return the parameters of all starts after training."""
    generator = make_generator(0)
    parameters = [torch.empty(width, n_starts) for _ in range(3)] + [torch.zeros(n_starts)]
    for parameter, bound in zip(parameters, (1.0, 1.0, width**-0.5, 0.0), strict=True):
        uniform_(parameter, -bound, bound, generator=generator)  # nn.Linear's own start
    parameters = [parameter.to(device).requires_grad_() for parameter in parameters]
    optimizer = torch.optim.Adam(parameters, lr=0.03, fused=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, n_steps)
    for _ in range(n_steps):
        loss = (outputs(places, parameters) - heights).square().mean(dim=0).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return [parameter.detach() for parameter in parameters]


fine = x[::10].float().to(device)
drawn = {width: outputs(fine, train(width)) for width in trained_widths}  # (N, S) each
misses = [(y - curve(fine)[:, None]).abs().amax(dim=0).cpu() for y in drawn.values()]
trained = torch.stack(misses)
for width, errors in zip(trained_widths, trained, strict=True):
    by_hand = polygons[widths.index(width)]
    told = "more than 3 times as far off as" if errors.min() > 3 * by_hand else "near"
    print(f"{width:2} units: the best of {n_starts} starts is {told} the polygon by hand")
assert (trained[2:].amin(dim=1) > 3 * torch.tensor(polygons[2:5])).all()

fig, ax = plt.subplots(figsize=(6.2, 5.2))
ax.plot(widths, stairs, color=VERMILLION, linestyle="", marker="s", label="stairs by hand")
ax.plot(widths, stairs_bounds, color=VERMILLION, linestyle="--", linewidth=1, label="$L h / 2$")
ax.plot(widths, polygons, color=BLUE, linestyle="", marker="o", label="polygon by hand")
ax.plot(widths, polygon_bounds, color=BLUE, linestyle="-", linewidth=1, label="$M h^2 / 8$")
middle = trained.median(dim=1).values
ax.fill_between(trained_widths, trained.amin(1), trained.amax(1), color=GREEN, alpha=0.25, lw=0)
ax.plot(trained_widths, middle, color=GREEN, linestyle="-.", marker="^", label="relus, trained")
ax.set_xscale("log", base=2)
ax.set_yscale("log")
ax.set_title("By hand, the error follows its law;\ntrained from random weights, it stays behind")
ax.set_xlabel("hidden units (logarithmic)")
ax.set_ylabel("largest error (logarithmic)")
ax.legend(loc="lower left")

# %%
# What the trained network misses
# -------------------------------
# The five networks with 32 units, on the curve that they were fitted to.

fig, ax = plt.subplots()
ax.plot(fine.cpu(), drawn[32].cpu(), color=GREEN, linestyle="-.", linewidth=1.5)
ax.plot(x, curve(x), color=TRUTH, linestyle=":", label="curve")
ax.plot([], [], color=GREEN, linestyle="-.", label="relus, trained")
ax.set_title(
    "Trained with 32 units, they follow the slow wave\nand stay stuck before parts of the fast one"
)
ax.set_xlabel("x (dimensionless)")
ax.set_ylabel("y (dimensionless)")
ax.legend()

# %%
# Change this and see
# -------------------
#
# - Set ``lr=0.01`` or ``lr=0.1``, or ``n_steps = 3000``: the trained networks do not catch up.
# - Take ``torch.sin(2 * math.pi * x)`` alone as the curve, ``lipschitz = 2 * math.pi`` and
#   ``curvature = (2 * math.pi) ** 2``, and remove the last assertion of the training: on a slow
#   wave, training does much better, and still not as well as the weights by hand.

plt.show()
