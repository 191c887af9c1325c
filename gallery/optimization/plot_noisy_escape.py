"""
How fast does noise escape?
===========================

A start exactly on a saddle never leaves by plain gradient descent. With noise in the gradient, as
mini-batches bring it, it does. How soon can be predicted from three numbers: the curvature, the
learning rate and the noise. Weaker noise delays the escape, but only by its logarithm.
"""

import matplotlib.pyplot as plt
import torch

from handbook.descent import gradient_descent, measured_escape_steps, noisy_escape_steps
from handbook.device import get_device
from handbook.plots import BLUE, STYLE, TRUTH, VERMILLION
from handbook.seeding import make_generator
from handbook.surfaces import SADDLE

plt.style.use(STYLE)
device = get_device()

# %%
# Every step multiplies the distance from the ridge by :math:`1 + \eta |\lambda|`, with the learning
# rate η and the curvature λ, and adds fresh noise. The variance that builds up is a geometric
# series, so the step at which half of the paths lie outside a given radius has a closed form:
# :func:`handbook.descent.noisy_escape_steps`. Here 300 paths start on the saddle for each noise
# level.

learning_rate, curvature, radius, n_paths = 0.1, -1.0, 1.0, 300
noise_levels = [10.0**-k for k in range(8)]
tenths = [0.1, 0.5, 0.9]
down = torch.tensor([0.0, 1.0], device=device)
measured, predicted = [], []
print("noise    predicted  measured median  (10 % to 90 % of the paths)")
for seed, noise_std in enumerate(noise_levels):
    options = {"noise_std": noise_std, "learning_rate": learning_rate}
    wanted = [
        noisy_escape_steps(curvature, radius=radius, fraction=fraction, **options)
        for fraction in tenths
    ]
    path = gradient_descent(
        SADDLE,
        torch.zeros(n_paths, 2, device=device),
        n_steps=int(1.5 * wanted[-1]) + 20,
        generator=make_generator(seed),
        **options,
    )
    steps = measured_escape_steps(path.points, direction=down, radius=radius).cpu()
    came = steps.quantile(torch.tensor(tenths)).tolist()
    measured.append(came)
    predicted.append(wanted)
    print(f"{noise_std:7.0e}  {wanted[1]:9.0f}  {came[1]:15.0f}  ({came[0]:.0f} to {came[2]:.0f})")

# %%
# The line is the prediction; nothing in it was fitted. The band and the bars hold the middle 80 %
# of the paths, predicted and measured.

low, middle, high = torch.tensor(measured).T
expected_low, expected, expected_high = torch.tensor(predicted).T
fig, ax = plt.subplots(figsize=(6.4, 4.6))
ax.fill_between(noise_levels, expected_low, expected_high, color=BLUE, alpha=0.2, linewidth=0)
ax.plot(noise_levels, expected, color=BLUE, linestyle="-", label="predicted: median, 10–90 %")
ax.errorbar(
    noise_levels,
    middle,
    yerr=torch.stack([middle - low, high - middle]).numpy(),
    fmt="o",
    color=VERMILLION,
    capsize=4,
    label=f"measured, {n_paths} paths: the same",
)
ax.set_xscale("log")
ax.set_ylim(bottom=0)
ax.set_xlabel("standard deviation of the gradient noise\n(dimensionless, log scale)")
ax.set_ylabel("steps until outside")
ax.legend()
ax.set_title("Ten times less noise delays the escape\nby the same number of steps each time")

# %%
# The slope of the line is the price of a factor of ten in the noise:
# :math:`\ln 10 / \ln(1 + \eta |\lambda|)` steps. It holds all the way down.

price = (expected[-1] - expected[-2]).item()
print(f"steps per factor of ten: {price:.1f}")
assert torch.allclose(middle[2:], expected[2:], rtol=0.05)

# %%
# One path, seen closely
# ----------------------
# On a logarithmic scale the distance from the ridge first rises irregularly, while the newest noise
# still counts, and then along a straight line: the growth by a constant factor has taken over, and
# which way the path will leave is decided.

noise_std = 1e-4
path = gradient_descent(
    SADDLE,
    torch.zeros(5, 2, device=device),
    learning_rate=learning_rate,
    n_steps=120,
    noise_std=noise_std,
    generator=make_generator(0),
)
fig, ax = plt.subplots()
distance = path.points[1:, :, 1].abs().cpu()
steps = range(1, len(distance) + 1)
for i in range(distance.shape[1]):
    ax.plot(steps, distance[:, i], linewidth=1.5)
growth = (1 - learning_rate * curvature) ** torch.arange(1, len(distance) + 1)
ax.plot(steps, 1e-6 * growth, color=TRUTH, linestyle="--", linewidth=1)
ax.annotate("growth by 1.1\nper step", (78, 4e-4), ha="left", va="top", color=TRUTH)
ax.set_yscale("log")
ax.set_xlabel("step")
ax.set_ylabel("distance from the ridge\n(dimensionless, log scale)")
ax.set_title("First the noise decides the side,\nthen the saddle does the rest")

# %%
# Change this and see
# -------------------
#
# - Set ``learning_rate = 0.01``: every escape takes about ten times as many steps. One step adds a
#   tenth of the noise, but that is only a logarithm; the slower growth is what costs.
# - Start at ``[0.0, 1e-4]`` and no longer on the saddle: noise weaker than the start's own distance
#   makes no difference any more, and the line turns flat on the left. The assertion, which expects
#   a straight line, fails.
# - Replace ``SADDLE`` by ``BOWL`` in the last figure: the distance levels off, because where the
#   function curves up, each step takes away what earlier noise has added.

plt.show()
