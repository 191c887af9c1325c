"""
Why does the loss stop falling?
===============================

With a constant rate and noisy gradients, descent does not come to rest. Every step takes some of
the distance away and adds some noise, until both are equal. The height at which that happens is the
noise floor. It is in proportion to the rate, and in inverse proportion to the batch size: so a
batch ten times as large allows a rate ten times as large.
"""

import matplotlib.pyplot as plt
import torch

from handbook.datasets import load_wine
from handbook.descent import largest_stable_rate
from handbook.device import get_device
from handbook.plots import BLUE, GREEN, PURPLE, STYLE, TRUTH, VERMILLION
from handbook.seeding import make_generator
from handbook.stochastic import (
    gradient_noise_covariance,
    noise_floor,
    per_sample_gradients,
    stochastic_descent,
)

plt.style.use(STYLE)
device = get_device()

# %%
# A linear model with two weights: predict a wine's proline from its alcohol and its colour, in
# units of their spread. Of the 178 wines two are left out, so that batches of 4, 16 and 44 divide
# the rest. The normal equations give the lowest loss.

wine = load_wine()
columns = [wine.feature_names.index(name) for name in ("alcohol", "color_intensity", "proline")]
table = wine.inputs[:176, columns].double()
table = (table - table.mean(0)) / table.std(0)
inputs, targets = table[:, :2], table[:, 2]
n_samples = len(inputs)


def loss(w, x, y):
    """Return half the mean squared error, for one setting of the weights or for many."""
    return ((x @ w.unsqueeze(-1)).squeeze(-1) - y).square().mean(-1) / 2


best = torch.linalg.lstsq(inputs, targets.unsqueeze(1)).solution.squeeze(1)
lowest = loss(best, inputs, targets)
hessian = inputs.T @ inputs / n_samples
gradients = per_sample_gradients(loss, best, inputs, targets)
far = torch.tensor([-3.0, 3.0], dtype=torch.float64)


def settle(batch_size, learning_rate, n_epochs, *, start=best, sampling="independent"):
    """Return a path of 30 runs, and its excess loss after every step."""
    path = stochastic_descent(
        loss,
        start.expand(30, 2),
        inputs,
        targets,
        batch_size=batch_size,
        learning_rate=learning_rate,
        n_epochs=n_epochs,
        generator=make_generator(0),
        sampling=sampling,
    )
    return path, loss(path.points, inputs, targets) - lowest


# %%
# Floors
# ------
# Three rates, from far away. Each falls, and stops. The dotted lines are predicted from the
# Hessian and the noise of the gradients at the best weights, without any walk.

batch_size, n_epochs = 8, 28
rates = [0.2, 0.07, 0.025]
fig, ax = plt.subplots(figsize=(6.4, 4.8))
noise = gradient_noise_covariance(gradients, batch_size)
for rate, color, linestyle in zip(rates, (VERMILLION, BLUE, GREEN), ("--", "-", "-."), strict=True):
    _, excess = settle(batch_size, rate, n_epochs, start=far)
    floor = noise_floor(hessian, noise, learning_rate=rate)
    ax.plot(excess.mean(1), color=color, linestyle=linestyle, linewidth=1.5, label=f"{rate}")
    ax.axhline(floor, color=color, linestyle=":", linewidth=1.5)
    late = excess[-100:].mean().item()
    print(f"rate {rate:5.3f}: floor predicted {floor:.1e}, measured {late:.0e}")
    assert 0.8 * floor < late < 1.5 * floor
ax.set_yscale("log")
ax.set_xlabel("step (batches of 8)")
ax.set_ylabel("excess loss, mean of 30 runs\n(dimensionless, log scale)")
ax.legend(title="learning rate", loc="upper right", ncols=3)
ax.set_title("A larger rate falls faster\nand stops at a higher floor")

# %%
# The largest rate ends a little above its line: the formula takes the noise as it is at the best
# weights, and a step away from them it is stronger.
#
# The floor can be predicted
# --------------------------
# Now start at the best weights, where only noise can move you, and wait. Each mark has a batch size
# and a rate; the prediction is in proportion to the rate, and almost in inverse proportion to the
# batch size.

settings = [(4, 0.04), (4, 0.1), (16, 0.04), (16, 0.16), (44, 0.1), (44, 0.4)]
first_rates = {(4, 0.04), (16, 0.04), (44, 0.1)}  # one entry of the legend for each batch size
looks = {4: (VERMILLION, "s"), 16: (BLUE, "o"), 44: (GREEN, "^")}
fig, ax = plt.subplots(figsize=(6.4, 5.0))
for size, rate in settings:
    color, marker = looks[size]
    noise = gradient_noise_covariance(gradients, size)
    floor = noise_floor(hessian, noise, learning_rate=rate)
    for sampling in ("independent", "shuffled"):
        n_epochs = 8 if size == 4 else 20
        path, excess = settle(size, rate, n_epochs, sampling=sampling)
        at_epoch_ends = path.n_gradients % n_samples == 0
        late = excess[at_epoch_ends][n_epochs // 2 :].mean(0)  # one mean for each run
        middle = late.mean()
        spread = torch.stack([middle - late.quantile(0.1), late.quantile(0.9) - middle])
        alone = sampling == "independent"
        ax.errorbar(
            floor,
            middle,
            yerr=spread.clamp(min=0).unsqueeze(1).numpy(),
            fmt=marker,
            color=color,
            markerfacecolor=color if alone else "none",
            capsize=3,
            label=f"batches of {size}" if alone and (size, rate) in first_rates else None,
        )
        if alone:
            assert 0.7 * floor < middle < 1.5 * floor
        else:
            assert middle < 0.9 * floor
ends = [5e-4, 1e-2]
ax.plot(ends, ends, color=TRUTH, linestyle=":", label="as predicted")
ax.plot([], [], "o", color="0.5", markerfacecolor="none", label="hollow: shuffled epochs")
ax.set_xscale("log")
ax.set_yscale("log")
ax.set_xlabel("predicted floor (dimensionless, log scale)")
ax.set_ylabel("excess loss at the end\n(dimensionless, log scale)")
ax.legend(loc="upper center", bbox_to_anchor=(0.45, -0.17), ncols=2)
ax.set_title("Independent batches end on the predicted floor,\nshuffled epochs below it")

# %%
# The filled marks are batches drawn independently, as the formula supposes. The hollow ones are
# dealt out in shuffled epochs: what one batch pulls to the left the others of its epoch pull back
# to the right. At the end of an epoch much of the noise has cancelled. The bars hold the middle
# 80 % of 30 runs.
#
# Larger batches, larger rates
# ----------------------------
# That gives the linear scaling rule: multiply batch size and rate by the same factor, and the path
# keeps its noise and its speed per *epoch*, with fewer steps. It holds until the rate comes near
# the limit 2/λmax, which does not move.

limit = largest_stable_rate(hessian)
fig, ax = plt.subplots(figsize=(6.4, 5.0))
colors = (VERMILLION, BLUE, GREEN, PURPLE)
scaled = [(2, 0.03), (8, 0.12), (32, 0.48), (128, 1.92)]
for (size, rate), color, linestyle in zip(scaled, colors, ("--", "-", "-.", ":"), strict=True):
    path, excess = settle(size, rate, 8, start=far)
    epochs = path.n_gradients / n_samples
    middle = excess.median(1).values
    low, high = excess.quantile(torch.tensor([0.1, 0.9]).double(), dim=1)
    ax.fill_between(epochs, low, high, color=color, alpha=0.15, linewidth=0)
    ax.plot(epochs, middle, color=color, linestyle=linestyle, label=f"B = {size}, rate {rate}")
    side = "beyond" if rate > limit else "below"
    print(f"B = {size:3d}, rate {rate:.2f}: {side} the limit {limit:.1f}")
    assert (middle[-1] < 0.1) == (rate < limit)
ax.set_yscale("log")
ax.set_ylim(1e-3, 1e3)
ax.set_xlabel("epoch")
ax.set_ylabel("excess loss, 30 runs\n(dimensionless, log scale)")
ax.legend(loc="upper center", bbox_to_anchor=(0.45, -0.17), ncols=2)
ax.set_title("Batch and rate times four: the same curve\nper epoch, up to the limit 2/λmax")

# %%
# Change this and see
# -------------------
#
# - Set ``rates = [0.2, 0.1, 0.05]``: each floor is about half of the one above.
# - In the first figure set ``batch_size = 32`` and ``n_epochs = 140``: all floors fall to less than
#   a quarter.
# - In the last figure set all four rates to 0.03 and leave the assertion out: the larger the batch,
#   the slower the epoch. That is what a larger batch costs if you forget the rate.

plt.show()
