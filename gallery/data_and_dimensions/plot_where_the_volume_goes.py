"""
Where does the volume go?
=========================

In two dimensions most of a square lies inside its inscribed disk, and little of it close to its
edge. In twenty dimensions it is the other way round.
"""

# %%
# Three questions about a cube in :math:`d` dimensions, each with a closed form. What share of it
# does its inscribed ball fill? How long is the edge of a smaller cube that holds 1 % of it? What
# share is left outside a copy of the cube that is 5 % smaller?

import matplotlib.pyplot as plt
import torch

from handbook.dimensionality import ball_share, estimate_ball_share, shell_share, subcube_edge
from handbook.plots import BLUE, GREEN, STYLE, VERMILLION
from handbook.seeding import make_generator

plt.style.use(STYLE)
dimensions = list(range(1, 21))

# %%
# The formula for the ball is checked by throwing points into the cube and counting, with several
# seeds. The counting is done in float64 on the CPU.

n_samples = 20_000
counted = torch.tensor(
    [
        [estimate_ball_share(d, n_samples, generator=make_generator(seed)) for d in dimensions]
        for seed in range(5)
    ]
)
for d in (1, 2, 3, 10, 20):
    mean = counted[:, d - 1].mean().item()
    print(f"d = {d:>2}: ball share {ball_share(d):.2g}, counted {mean:.2g}")
for d in (2, 20):
    print(f"d = {d:>2}: edge of 1 % {subcube_edge(0.01, d):.2f}, shell {shell_share(0.05, d):.2f}")

# %%
# Soon after ten dimensions counting fails: none of the points thrown falls into the ball, and the
# estimate is 0. The points below are the means where every seed has hit the ball, the bars run from
# the smallest to the largest seed. Throwing points to find a small region is itself cursed.

fig, (ax_ball, ax_edge) = plt.subplots(2, 1, figsize=(6.4, 6.8), sharex=True)
shares = [ball_share(d) for d in dimensions]
ax_ball.semilogy(dimensions, shares, color=BLUE, label="closed form")
mean, low, high = counted.mean(dim=0), counted.amin(dim=0), counted.amax(dim=0)
hit = low > 0
where = torch.tensor(dimensions)[hit]
ax_ball.errorbar(
    where,
    mean[hit],
    yerr=torch.stack([mean - low, high - mean])[:, hit],
    fmt="o",
    color=VERMILLION,
    capsize=3,
    label=f"counted, {n_samples} points, 5 seeds",
)
ax_ball.set_ylabel("share of the cube\n(dimensionless, log scale)")
ax_ball.set_title("The inscribed ball loses the cube")
ax_ball.legend()

edges = [subcube_edge(0.01, d) for d in dimensions]
shells = [shell_share(0.05, d) for d in dimensions]
ax_edge.plot(dimensions, edges, color=BLUE, marker="o", label="edge of a cube that holds 1 %")
ax_edge.plot(
    dimensions,
    shells,
    color=GREEN,
    marker="s",
    linestyle="--",
    label="share in the outer 5 %",
)
ax_edge.set_xlabel("dimensions d (count)")
ax_edge.set_ylabel("fraction (dimensionless)")
ax_edge.set_ylim(0, 1)
ax_edge.set_xticks([1, 5, 10, 15, 20])
ax_edge.set_title("Small shares reach far, and most is near the surface")
ax_edge.legend(loc="upper left")

# %%
# For a method that averages over a neighbourhood, the second figure is the bad news: in twenty
# dimensions the cube that holds 1 % of evenly spread data is 0.79 of each axis long. It is not a
# neighbourhood any more.

assert round(subcube_edge(0.01, 20), 2) == 0.79

# %%
# Change this and see
# -------------------
# - Set ``n_samples`` to 2,000: the counted points end about two dimensions earlier. A tenth of
#   the points loses a factor of ten in share, whatever the dimension.
# - Replace 0.01 by 0.0001 in the line that computes ``edges``: the curve starts lower and still
#   ends at 0.63.
# - Import ``log_ball_volume`` too, and plot ``log_ball_volume(d, radius=0.5)`` up to d = 1000,
#   where the share itself is 0 in a float.

plt.show()
