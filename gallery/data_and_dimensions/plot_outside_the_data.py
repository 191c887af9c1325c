"""
Where does a network go outside its data?
=========================================

A relu network goes straight on, a tanh network goes flat. Neither has learned that from the data:
the line can be read off the weights.
"""

# %%
# Both kinds fit the same hundred points. Beyond its last kink, a relu network has no bend left: the
# units that are on stay on, and their slopes add up to one constant. Every tanh unit ends at +1 or
# -1, so the sum ends at a constant too, of height and not of slope.

import matplotlib.pyplot as plt
import torch

from handbook.device import get_device
from handbook.interpolation import asymptote, fit_network, log_curve, sample_curve, slope_beyond
from handbook.plots import BLUE, OCHRE, STYLE, TRUTH, VERMILLION
from handbook.seeding import make_generator

plt.style.use(STYLE)
device = get_device()

# %%
# The seeds differ in the starting weights alone; the data are the same for all.

x, y = sample_curve(generator=make_generator(0))
networks = {
    kind: [
        fit_network(x.to(device), y.to(device), activation=kind, generator=make_generator(seed))
        for seed in range(5)
    ]
    for kind in ("relu", "tanh")
}

# %%
# Predicted from the weights against measured far outside. For relu the prediction is the slope
# beyond the last kink; for tanh it is the level.

for seed, network in enumerate(networks["relu"]):
    predicted = asymptote(network).slope
    last = network.centers.max()
    near, far = slope_beyond(network, torch.stack([last + 1, last + 1000])).tolist()
    print(f"relu, seed {seed}: slope {predicted:+.3f} predicted; {near:+.3f}, {far:+.3f} measured")
    assert abs(near - predicted) < 1e-6
    assert abs(far - predicted) < 1e-6
for seed, network in enumerate(networks["tanh"]):
    level = asymptote(network).intercept
    start = torch.tensor([1e4], dtype=torch.float64, device=device)
    measured, slope = network(start).item(), slope_beyond(network, start).item()
    print(f"tanh, seed {seed}: level {level:+.2f} predicted; {measured:+.2f} measured")
    assert abs(measured - level) < 1e-6
    assert abs(slope) < 1e-9

grid = torch.linspace(-40, 200, 1201, dtype=torch.float64)
positive = grid[grid >= 0.3]
fig, axes = plt.subplots(2, 1, figsize=(6.4, 7.6), sharex=True)
looks = {
    "relu": (BLUE, "A relu network goes straight on"),
    "tanh": (VERMILLION, "A tanh network goes flat"),
}
for ax, (kind, (color, title)) in zip(axes, looks.items(), strict=True):
    ax.axvspan(x[0].item(), x[-1].item(), color=OCHRE, alpha=0.25, linewidth=0)
    for network in networks[kind]:
        ax.plot(grid, network(grid.to(device)).cpu(), color=color, linewidth=1.5, linestyle="-")
        for side, reach in (("left", grid[grid < -15]), ("right", grid[grid > 60])):
            line = asymptote(network, side)
            ends = line.slope * reach + line.intercept
            ax.plot(reach, ends, color=TRUTH, linewidth=2.5, linestyle=":")
    ax.plot(positive, log_curve(positive) + 0.025, color=TRUTH, linestyle="--", linewidth=2)
    ax.set_ylim(-20, 30)
    ax.set_title(title)
    ax.set_ylabel("y (dimensionless)")
axes[1].plot([], [], color=TRUTH, linestyle="--", label="truth, for positive x")
axes[1].plot([], [], color=VERMILLION, linestyle="-", label="network, five seeds")
axes[1].plot([], [], color=TRUTH, linestyle=":", linewidth=2.5, label="read off the weights")
axes[1].legend(loc="lower right")
axes[1].set_xlabel("x (dimensionless); the band holds the data")

# %%
# Inside the band all ten networks are hard to tell apart. Outside, the same data have led to
# different lines. The truth keeps rising like a logarithm, which neither form can do for ever, and
# to the left of 0 there is no truth at all. The networks answer anyway, without any sign of doubt.
#
# Change this and see
# -------------------
# - Pass ``n_steps=0`` to ``fit_network``: untrained networks end in straight and flat lines as
#   well. The form does it, not the training.
# - Pass ``hidden_size=256``: more units, the same kind of ending. One of the many tanh units has so
#   small a weight that it is not quite flat at 10,000: measure at ``1e6`` then.
# - Give the networks ``x.log()`` for ``x``, and draw over the logarithm: a straight line in ln x is
#   nearly what this curve does, and most of the relu networks stay close to it much longer.

plt.show()
