"""
How does one number learn that y = 2x?
======================================

Three samples, one parameter, one hundred epochs, one sample at a time. Nothing is hidden here: you
can check the first step on paper. And if one line is left out, the one that sets the gradient to
zero, the parameter passes the answer again and again and never stays.
"""

import math

import matplotlib.pyplot as plt
import torch

from handbook.device import get_device
from handbook.first_training import (
    accumulation_matrix,
    error_factor,
    train_one_sample_at_a_time,
)
from handbook.plots import GREY, STYLE, TRAINING, VERMILLION

plt.style.use(STYLE)
device = get_device()

# %%
# One hundred epochs
# ------------------
#
# The samples are (1, 2), (2, 4) and (3, 6), the model is w · x, and w starts at 1. The learning
# rate is 0.01.

inputs = torch.tensor([1.0, 2.0, 3.0], device=device)
targets = torch.tensor([2.0, 4.0, 6.0], device=device)
start = torch.tensor(1.0, device=device)


def model(w, x):
    """Give the line through the origin with slope w."""
    return w * x


history = train_one_sample_at_a_time(
    model, start, inputs, targets, learning_rate=0.01, n_epochs=100
)
print("step  sample    loss   gradient  w after it")
for step in range(4):
    loss, gradient = history.losses[step].item(), history.gradients[step].item()
    after = history.parameters[step + 1].item()
    sample = f"({inputs[step % 3].item():.0f}, {targets[step % 3].item():.0f})"
    print(f"{step + 1:4}  {sample}  {loss:7.4f}  {gradient:8.4f}    {after:.6f}")

w = history.parameters[-1].item()
print(f"after 100 epochs: w = {w:.7f}, prediction for 4 = {4 * w:.7f}")
assert (f"{w:.7f}", f"{4 * w:.7f}") == ("1.9999996", "7.9999986")

# %%
# Each sample multiplies the error of w by :math:`1 - 2 \eta x^2`, so an epoch multiplies it by a
# number that we know before we start.

factor = error_factor(inputs, learning_rate=0.01).item()
errors = (history.parameters[::3] - 2).abs()
measured = (errors[10] / errors[9]).item()
print(f"error after an epoch / before it: {factor:.4f} expected, {measured:.4f} measured")
assert abs(factor - measured) < 1e-4

# %%
# The line that was left out
# --------------------------
#
# ``backward()`` adds the new gradient to what stands in ``grad``. Without the zeroing, each step
# is made with the sum of all gradients so far.

forgetful = train_one_sample_at_a_time(
    model, start, inputs, targets, learning_rate=0.01, n_epochs=100, zero_gradients=False
)
epochs_w = forgetful.parameters[::3]
low, high = epochs_w.min().item(), epochs_w.max().item()
print(f"without zeroing, w after an epoch lies between {low:.2f} and {high:.2f}")
assert low < 1.01
assert high > 2.99

# %%
# Error and accumulated gradient together are multiplied by a matrix in each epoch. Its determinant
# is 1, whatever the rate, so the two cannot both die away. Here its eigenvalues lie on the unit
# circle: a swing without friction, whose period we can compute.

epoch_matrix = accumulation_matrix(inputs.cpu().double(), learning_rate=0.01)
eigenvalue = torch.linalg.eigvals(epoch_matrix)[0]
period = 2 * math.pi / eigenvalue.angle().abs().item()
print(f"determinant {torch.linalg.det(epoch_matrix).item():.3f}")
print(f"absolute eigenvalue {eigenvalue.abs().item():.3f}, period {period:.1f} epochs")

fig, (top, bottom) = plt.subplots(2, 1, figsize=(6.4, 8.0), sharex=True)
epochs = torch.arange(101)
runs = {
    "gradient set to zero": (history, TRAINING, "-"),
    "zeroing forgotten": (forgetful, VERMILLION, "--"),
}
for label, (run, color, linestyle) in runs.items():
    style = {"color": color, "linestyle": linestyle, "linewidth": 1.6, "label": label}
    top.plot(epochs, run.parameters[::3].cpu(), **style)
    epoch_loss = run.losses.reshape(100, 3).mean(dim=1)
    bottom.plot(epochs[1:], epoch_loss.cpu().clamp(min=1e-13), **style)
top.axhline(2, color=GREY, linewidth=1.2, linestyle=":")
top.set_ylim(0.8, 3.9)
top.set_title("With zeroing, w goes to 2 and stays;\nwithout, it swings about 2 for ever")
top.set_ylabel("w after the epoch (dimensionless)")
top.legend(loc="upper right")
bottom.set_yscale("log")
bottom.set_title("The loss of the forgetful run jumps\nup and down and has no trend")
bottom.set_xlabel("epoch")
bottom.set_ylabel("mean loss of the epoch (logarithmic)")
bottom.legend(loc="lower left")

# %%
# The first loss falls along a straight line, the same factor in each epoch, until float32 ends it:
# the step has become smaller than half the distance from w to the next number.
#
# Change this and see
# -------------------
#
# - Let ``start``, ``inputs`` and ``targets`` be of dtype ``torch.float64`` and take the
#   first assertion out: the straight line goes on below 1e-13, where the drawing cuts it off.
# - Set the rate of the forgetful run to 0.001: the swing becomes slower and stays as wide. A
#   smaller rate does not help.
# - Replace every 0.01 by 0.25 and take the assertions out. The factor of an epoch is now 1.75: w
#   runs away although the gradients are set to zero.

plt.show()
