"""
Minimum, maximum or saddle?
===========================

A gradient of zero tells you that the ground is level, not where you are. Himmelblau's function has
nine places with level ground. Newton's method finds them all, because it looks for a gradient of
zero and for nothing else, and the signs of the Hessian's eigenvalues then sort them.
"""

import matplotlib.pyplot as plt

from handbook.device import get_device
from handbook.plots import BLUE, GREEN, STYLE, VERMILLION, plot_contours
from handbook.surfaces import (
    HIMMELBLAU,
    classify_critical_point,
    find_critical_points,
    gradient,
    hessian,
    surface_grid,
)

plt.style.use(STYLE)
device = get_device()

# %%
# Both equations of "gradient = 0" are cubic here, so there are at most 3 · 3 = 9 separate solutions
# (Bézout's theorem). A grid of starts finds nine: none is missing.

function = HIMMELBLAU
starts = surface_grid(HIMMELBLAU.domain, n_points=20)
found = find_critical_points(function, starts)
print("     x       y  |gradient|   eigenvalues      kind")
kinds = []
for place in found:
    at = classify_critical_point(hessian(function, place))
    level = gradient(function, place).norm() < 1e-9
    low, high = at.eigenvalues.tolist()
    x, y = place.tolist()
    zero = "zero" if level else "not zero"
    print(f"{x:6.2f}  {y:6.2f}  {zero:>10}  {low:7.2f} {high:7.2f}  {at.kind}")
    kinds.append(at.kind)
assert len(found) == 9

# %%
# The saddles sit on the passes between neighbouring valleys: to walk from one minimum to the next
# along the lowest way, you cross one of them.

grid = surface_grid(HIMMELBLAU.domain, n_points=161, device=device)
levels = [2, 10, 30, 60, 100, 150, 220, 350, 500]
looks = {"minimum": (BLUE, "o"), "saddle": (VERMILLION, "X"), "maximum": (GREEN, "^")}
fig, ax = plt.subplots(figsize=(6.4, 5.8))
plot_contours(grid, function(grid), levels=levels, labels=False, ax=ax)
for kind, (color, marker) in looks.items():
    x, y = found[[k == kind for k in kinds]].T
    count = len(x)
    label = f"{count} {kind if count == 1 else kind.replace('um', 'a').replace('dle', 'dles')}"
    ax.plot(x, y, marker, color=color, markersize=10, label=label, zorder=3)
ax.set_aspect("equal")
ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=3)
ax.set_title("Level ground at nine places,\nand only four of them are minima")

# %%
# Change this and see
# -------------------
#
# The assertion guards the title; leave it out for these.
#
# - Start near the top of the hill, with ``starts = surface_grid(((-0.4, -0.1), (-1.0, -0.8)))``:
#   Newton's method walks to the maximum. A search for level ground is as happy there as at a
#   minimum.
# - Tilt the ground, with ``function = lambda points: HIMMELBLAU(points) + 60 * points[..., 0]``:
#   five places are left. Where two vanish, they have met first, and one of the two was a saddle.
#   Try 30 and 100 as well.
# - Set ``n_points=3`` in ``starts``: a critical point is missed. A search finds what its starts
#   lead to, and proves nothing about the rest.

plt.show()
