"""
How noisy is the gradient of a mini-batch?
==========================================

A mini-batch's gradient is the gradient of all samples plus an error that is zero on average. The
size of the error falls with the square root of the batch size: to halve it, pay four times as much.
And if the samples of a batch are all different, it falls to zero when the batch holds all of them.
"""

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F

from handbook.datasets import load_digits
from handbook.device import get_device
from handbook.plots import BLUE, GREEN, STYLE, VERMILLION
from handbook.seeding import make_generator
from handbook.stochastic import gradient_noise_std, per_sample_gradients

plt.style.use(STYLE)
device = get_device()

# %%
# A network with 8 hidden units on 400 handwritten digits, with its random start. Every sample has a
# gradient of its own, 610 numbers long.

digits = load_digits()
inputs, targets = digits.inputs[:400] / 16, digits.targets[:400]
sizes = [64 * 8, 8, 8 * 10, 10]


def loss(w, x, y):
    """Return the mean cross-entropy of a small tanh network on a batch."""
    weight_in, bias_in, weight_out, bias_out = w.split(sizes)
    hidden = torch.tanh(x @ weight_in.unflatten(0, (64, 8)) + bias_in)
    return F.cross_entropy(hidden @ weight_out.unflatten(0, (8, 10)) + bias_out, y)


w = 0.3 * torch.randn(sum(sizes), generator=make_generator(0))
gradients = per_sample_gradients(loss, w, inputs, targets).double()
whole = gradients.mean(0)
n_samples = len(gradients)

# %%
# Measure: draw batches, and look how far each misses. Five groups of 40 batches show the spread of
# the measurement itself. The lines are formulas, with nothing fitted:
# :func:`handbook.stochastic.gradient_noise_std`.

batch_sizes = [1, 2, 4, 8, 16, 32, 64, 128, 200, 300, 360, 400]
n_groups, n_batches = 5, 40
measured = {True: [], False: []}
generator = make_generator(1)
for size in batch_sizes:
    orders = torch.rand(n_groups * n_batches, n_samples, generator=generator).argsort(1)[:, :size]
    again = torch.randint(n_samples, (n_groups * n_batches, size), generator=generator)
    for replacement, rows in ((False, orders), (True, again)):
        # How often each sample is in each batch, as a matrix: its product is every batch's mean.
        counts = torch.zeros(len(rows), n_samples, dtype=torch.float64)
        counts.scatter_add_(1, rows, torch.ones_like(rows, dtype=torch.float64))
        misses = (counts @ gradients / size - whole).square().sum(1)
        measured[replacement].append(misses.unflatten(0, (n_groups, n_batches)).mean(1).sqrt())

fig, ax = plt.subplots(figsize=(6.4, 4.8))
looks = {
    True: (VERMILLION, "--", "s", "a sample may come twice"),
    False: (BLUE, "-", "o", "all samples different"),
}
fine = list(range(1, n_samples))
for replacement, (color, linestyle, marker, label) in looks.items():
    line = [gradient_noise_std(gradients, size, replacement=replacement) for size in fine]
    ax.plot(fine, line, color=color, linestyle=linestyle)
    found = torch.stack(measured[replacement])  # (batch sizes, groups)
    middle = found.mean(1)
    spread = torch.stack([middle - found.amin(1), found.amax(1) - middle])
    shown = middle > 1e-9
    ax.errorbar(
        torch.tensor(batch_sizes)[shown],
        middle[shown],
        yerr=spread[:, shown].numpy(),
        fmt=marker,
        color=color,
        capsize=3,
        label=label,
    )
ax.axhline(whole.norm().item(), color=GREEN, linestyle=":", label="length of the whole gradient")
ax.set_xscale("log")
ax.set_yscale("log")
ax.set_xlabel("samples in a batch (log scale)")
ax.set_ylabel("how far its gradient misses\n(dimensionless, log scale)")
ax.legend(loc="lower left")
ax.set_title("Four times the batch, half the noise,\nuntil the batch is a good part of the data")

# %%
# The slope on the logarithmic scale is −½. At a single sample the noise is longer than the gradient
# itself: one step hardly knows where to go, and only many of them together do.

one, sixteen = (gradient_noise_std(gradients, size) for size in (1, 16))
print(f"noise of one sample over noise of sixteen: {one / sixteen:.2f}")
print(f"noise of one sample over the gradient: {one / whole.norm().item():.1f}")
for replacement in (False, True):
    for size, found in zip(batch_sizes, measured[replacement], strict=True):
        wanted = gradient_noise_std(gradients, size, replacement=replacement)
        assert abs(found.square().mean().sqrt().item() - wanted) <= 0.12 * wanted + 1e-9

# %%
# Change this and see
# -------------------
#
# - Take ``digits.inputs[:1600]`` and ``digits.targets[:1600]``: both lines start at about the same
#   height, and the bend of the blue one moves to the right by a factor of four.
# - Set ``n_batches = 4``: the bars grow, the lines stay where they are.
# - Replace ``0.3 * torch.randn(...)`` by ``torch.zeros(sum(sizes))``: the noise stays of the order
#   of one, although the network now says the same about every digit.

plt.show()
