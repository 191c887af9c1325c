r"""
Why should the learning rate fall?
==================================

With a constant rate, descent on noisy gradients stops getting better: it jumps about the minimum
at a height that depends on the rate. A small rate gets lower and takes long. A rate that falls does
both. How high is that floor, and how do the schedules compare?
"""

from functools import partial

import matplotlib.pyplot as plt
import torch

from handbook.descent import gradient_descent, noise_variance
from handbook.device import get_device
from handbook.optimizers import SGD
from handbook.plots import BLUE, GREEN, GREY, STYLE, VERMILLION
from handbook.schedules import apply_factor, cosine_annealing, step_decay
from handbook.seeding import make_generator

plt.style.use(STYLE)
device = get_device()

# %%
# The floor
# ---------
#
# Take the parabola :math:`f(x) = \frac12 x^2` and add noise of variance 1 to every gradient, as
# mini-batches do. Each step shrinks what is there by :math:`1 - \gamma` and adds
# :math:`\gamma^2` to the variance. The two balance where the variance is
# :math:`\gamma / (2 - \gamma)`: nearly proportional to the rate.

N_WALKS = 2000
rates = [0.4, 0.2, 0.1, 0.05, 0.025]
floors, predicted = [], []
for i, rate in enumerate(rates):
    n_steps = round(6 / rate)
    path = gradient_descent(
        lambda points: points.square().sum(-1) / 2,
        torch.zeros(N_WALKS, 1, device=device),
        learning_rate=rate, n_steps=n_steps, noise_std=1.0, generator=make_generator(i),
    )  # fmt: skip
    floors.append(path.values[-n_steps // 2 :].mean().item())
    predicted.append(noise_variance(1.0, n_steps=10**6, noise_std=1.0, learning_rate=rate) / 2)
    print(f"rate {rate:5}: mean height {floors[-1]:.3f}, predicted {predicted[-1]:.3f}")
    assert abs(floors[-1] / predicted[-1] - 1) < 0.05

# %%
# Falling rates
# -------------
#
# Now 2000 walks start at 10 and have 200 steps. The rate 0.4 arrives after a dozen steps and stays
# at its floor, the rate 0.02 is still on its way at the end. The cosine starts at 0.4 and goes to
# 0, and the steps divide 0.4 by 4 three times.

N_STEPS = 200
entries = {
    "constant 0.4": (0.4, lambda step: 1.0, BLUE, "-"),
    "constant 0.02": (0.02, lambda step: 1.0, GREY, ":"),
    "step decay": (0.4, partial(step_decay, step_size=50, gamma=0.25), VERMILLION, "--"),
    "cosine": (0.4, partial(cosine_annealing, n_steps=N_STEPS), GREEN, "-."),
}
heights = {}
for name, (rate, schedule, *_) in entries.items():
    generator = make_generator(9)
    x = torch.full((N_WALKS,), 10.0, device=device, requires_grad=True)
    optimizer = SGD([x], lr=rate)
    heights[name] = []
    for step in range(N_STEPS):
        heights[name].append(x.detach().square().mean().item() / 2)
        apply_factor(optimizer, schedule(step))
        x.grad = x.detach() + torch.randn(N_WALKS, generator=generator).to(device)
        optimizer.step()
    heights[name].append(x.detach().square().mean().item() / 2)
    print(f"{name:13}: mean height {heights[name][-1]:.2g} after {N_STEPS} steps")

assert heights["cosine"][-1] < heights["constant 0.4"][-1] / 5
assert heights["step decay"][-1] < heights["constant 0.4"][-1] / 5
assert heights["constant 0.02"][-1] > heights["cosine"][-1]

fig, (top, bottom) = plt.subplots(2, 1, figsize=(6.0, 7.4))
top.plot(rates, floors, "o", color=BLUE, label="measured")
top.plot(rates, predicted, color=GREY, linestyle="--", label="γ / (2 (2 − γ))")
top.set_xscale("log")
top.set_yscale("log")
top.set_xticks(rates, [f"{rate:g}" for rate in rates])
top.set_yticks([0.01, 0.02, 0.05, 0.1], ["0.01", "0.02", "0.05", "0.1"])
top.minorticks_off()
top.set_title("Half the rate, half the floor")
top.set_xlabel("learning rate γ (logarithmic)")
top.set_ylabel("mean height (logarithmic)")
top.legend(loc="upper left")
for name, (_, _, color, linestyle) in entries.items():
    bottom.plot(heights[name], color=color, linestyle=linestyle, label=name)
bottom.set_yscale("log")
bottom.set_title(
    "A rate that falls arrives as fast as the\nlarge one and ends lower than the small one"
)
bottom.set_xlabel("step")
bottom.set_ylabel("mean height (logarithmic)")
bottom.legend(loc="upper right")

# %%
# Change this and see
# -------------------
#
# - Set ``noise_std=0.0``: there is no floor, and the assertion fails. Without noise, a rate that
#   falls only loses time.
# - Let the step decay divide by 2, ``gamma=0.5``: its last rate is 0.05, and it ends at the floor
#   of that rate, near 0.013.
# - Give the constant rate 0.02 two thousand steps instead of 200: it reaches its floor too, near
#   0.005.

plt.show()
