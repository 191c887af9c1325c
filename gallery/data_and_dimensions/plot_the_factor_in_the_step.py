"""
Dividing by the batch size: once, twice, or wrongly?
====================================================

The sum of the losses of a batch has to be divided by the number of samples that are in it. Divide a
mean again, or a short batch by the full size, and the step is wrong by a factor.
"""

# %%
# Everything below fits the same straight line to the same batches in the same order. Only the
# number by which the sum of the losses is divided differs.

import matplotlib.pyplot as plt
import torch

from handbook.batches import mini_batches, number_of_batches
from handbook.datasets import synthetic_linear_data
from handbook.device import get_device
from handbook.plots import BLUE, GREEN, STYLE, VERMILLION
from handbook.seeding import make_generator

plt.style.use(STYLE)
device = get_device()

# %%
# A thousand samples of y = 2 x₁ − 3.4 x₂ + 4.2 with noise of standard deviation 0.01, in batches of
# 16: the last batch of each epoch holds 8.

weights, bias = torch.tensor([2.0, -3.4], device=device), 4.2
inputs, targets = synthetic_linear_data(weights, bias, 1000, generator=make_generator(0))
batch_size, n_epochs, learning_rate = 16, 3, 0.03
n_steps = number_of_batches(len(inputs), batch_size)

divisors = {
    "samples in the batch": lambda n: n,
    "batch size": lambda n: batch_size,
    "both": lambda n: n * batch_size,
}
errors, lengths = {}, {}
for name, divisor in divisors.items():
    generator = make_generator(1)
    w, b = torch.zeros(2, 1, device=device), torch.zeros(1, device=device)
    errors[name], lengths[name] = [], []
    for _ in range(n_epochs):
        for x, y in mini_batches(inputs, targets, batch_size=batch_size, generator=generator):
            residual = x @ w + b - y  # (B, 1); the loss of a sample is half its square
            n = len(x)
            w -= learning_rate * x.T @ residual / divisor(n)
            b -= learning_rate * residual.sum() / divisor(n)
            error = torch.cat([w[:, 0] - weights, b - bias]).norm()
            errors[name].append(error.item())
            lengths[name].append(n / divisor(n))

for name in divisors:
    factors = sorted({round(length, 4) for length in lengths[name]})
    print(f"divided by {name}: factors {factors}, error after training {errors[name][-1]:.1g}")

# %%
# The full batches do not tell the first two apart. The last batch does, and the third is slower by
# the batch size.

looks = {
    "samples in the batch": (BLUE, "-", "o", "samples in the batch: right"),
    "batch size": (GREEN, "--", "s", "batch size: wrong in the last batch"),
    "both": (VERMILLION, ":", "D", "both (a mean, divided again): wrong in all"),
}
fig, (top, bottom) = plt.subplots(2, 1, figsize=(6.4, 6.4), sharex=True)
steps = range(1, n_epochs * n_steps + 1)
for name, (color, linestyle, marker, label) in looks.items():
    style = {"color": color, "linestyle": linestyle, "marker": marker, "markevery": n_steps // 3}
    top.plot(steps, errors[name], label=label, **style)
    style["markevery"] = range(n_steps - 1, n_epochs * n_steps, n_steps)
    bottom.plot(steps, lengths[name], **style)
top.set_yscale("log")
top.set_ylabel("distance to the true numbers\n(dimensionless, log scale)")
top.set_title("A mean divided again learns at a sixteenth of the rate;\nthe short last batch hides")
top.legend(loc="lower left")
bottom.set_yscale("log", base=2)
bottom.set_yticks([1 / 16, 1 / 2, 1], ["1/16", "1/2", "1"])
bottom.set_xlabel("step")
bottom.set_ylabel("step, as a share of the right one\n(dimensionless, log scale)")
assert lengths["batch size"][n_steps - 1] == 0.5
assert min(lengths["both"]) == max(lengths["both"]) == 1 / batch_size

# %%
# Half a step once per epoch does little harm here, which is why it is found so late. It is not what
# a mean over the batch gives: there the last step is as long as the others on average, and noisier.
# The mean divided twice is the costly one: nothing looks wrong, learning is merely slow. A higher
# rate seems to cure it, until someone changes the batch size.
#
# Change this and see
# -------------------
# Take the two assertions out first: they hold for batches of 16 and a last one of 8.
#
# - Set ``batch_size = 100``: all batches are full, and two of the three curves are one.
# - Set ``batch_size = 300``: the last batch holds 100, and the middle line makes a third of a step
#   there. The mean divided again hardly moves in its few short steps.
# - Multiply ``learning_rate`` by 16 for "both" only: it becomes the first curve exactly, until you
#   change the batch size.

plt.show()
