"""
How do the regression losses differ?
====================================

Four losses compare a number with a number. They agree that an error of 0 costs nothing. What a
large error costs, and how hard it pulls, is where they part.
"""

import matplotlib.pyplot as plt
import torch

from handbook.device import get_device
from handbook.losses import huber_loss, l1_loss, mse_loss, smooth_l1_loss
from handbook.plots import BLUE, GREEN, PURPLE, STYLE, VERMILLION

plt.style.use(STYLE)
device = get_device()

# %%
# Each loss as a function of the error, and its slope by autograd. The threshold of the two last is
# 0.5, so that they can be told apart: at 1 they are the same function.

error = torch.linspace(-2, 2, 401, device=device)
styles = {
    "mse_loss": (lambda y, t: mse_loss(y, t, reduction="none"), BLUE, "-"),
    "l1_loss": (lambda y, t: l1_loss(y, t, reduction="none"), VERMILLION, "--"),
    "smooth_l1_loss, beta=0.5": (
        lambda y, t: smooth_l1_loss(y, t, reduction="none", beta=0.5), GREEN, "-.",
    ),
    "huber_loss, delta=0.5": (
        lambda y, t: huber_loss(y, t, reduction="none", delta=0.5), PURPLE, ":",
    ),
}  # fmt: skip
values, slopes = {}, {}
for name, (loss, _, _) in styles.items():
    y = error.clone().requires_grad_()
    values[name] = loss(y, torch.zeros_like(y))
    (slopes[name],) = torch.autograd.grad(values[name].sum(), y)
    at_two = f"{values[name][-1].item():.3f}, slope {slopes[name][-1].item():.1f}"
    print(f"{name:>24}: an error of 2 costs {at_two}")

assert slopes["mse_loss"].abs().max() == 4
for name in list(styles)[1:]:
    assert slopes[name].abs().max() <= 1

fig, (top, bottom) = plt.subplots(2, 1, figsize=(6.0, 8.0), sharex=True)
for name, (_, color, linestyle) in styles.items():
    x = error.cpu()
    top.plot(x, values[name].detach().cpu(), color=color, linestyle=linestyle, label=name)
    bottom.plot(x, slopes[name].cpu(), color=color, linestyle=linestyle)
top.set_ylim(-0.1, 3)
top.set_title("Only the squared error grows faster\nthan the error itself")
top.set_ylabel("loss of one element")
top.legend(loc="upper center")
bottom.set_ylim(-2.2, 2.2)
bottom.set_title("Only its slope has no bound: the others pull\nno harder at 2 than at 0.5")
bottom.set_xlabel("error, prediction less target (in its own units)")
bottom.set_ylabel("slope of the loss")

# %%
# Change this and see
# -------------------
#
# - Set both thresholds to 1: the two last curves become one.
# - Set ``beta=0``: the smooth loss is the absolute error, corner and all.
# - Halve the squared error: its slope is then the error itself, the Huber loss follows it up to its
#   threshold, and the first assertion fails.

plt.show()
