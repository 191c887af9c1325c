"""
What does each loss estimate?
=============================

Describe many numbers by one. Which one is best depends on what an error costs. The squared error
asks for the mean, the absolute error for the median, and the Huber loss for something between. It
matters as soon as a few of the numbers are wrong.
"""

import matplotlib.pyplot as plt
import torch

from handbook.datasets import load_wine
from handbook.device import get_device
from handbook.losses import huber_loss, l1_loss, mse_loss
from handbook.plots import BLUE, GREEN, STYLE, VERMILLION
from handbook.seeding import make_generator

plt.style.use(STYLE)
device = get_device()

# %%
# One constant for 178 wines
# --------------------------
#
# Proline is an amino acid; the wines hold from 278 to 1680 mg of it per litre. Try every constant c
# from 300 to 1700 as the prediction for all wines, and keep the one with the smallest loss.

wine = load_wine()
proline = wine.inputs[:, wine.feature_names.index("proline")].to(device)
DELTA = 200.0  # mg/l: from here on the Huber loss is a line
losses = {
    "squared": lambda c, t: mse_loss(c, t, reduction="none"),
    "Huber": lambda c, t: huber_loss(c, t, reduction="none", delta=DELTA),
    "absolute": lambda c, t: l1_loss(c, t, reduction="none"),
}
constants = torch.arange(300.0, 1701.0, device=device)  # (K,)


def best_constant(name, data):
    """Return the constant with the smallest loss, and the loss of every constant."""
    table = losses[name](constants[:, None].expand(-1, len(data)), data.expand(len(constants), -1))
    means = table.double().mean(dim=1)  # (K, N) -> (K,)
    return constants[means.argmin()].item(), means


curves = {}
for name in losses:
    best, curves[name] = best_constant(name, proline)
    print(f"{name:>8}: best constant {best:.0f} mg/l")

mean, median = proline.mean().item(), proline.median().item()
print(f"    mean: {mean:.1f} mg/l, median {median:.1f} mg/l")
assert abs(best_constant("squared", proline)[0] - mean) <= 0.5
assert abs(best_constant("absolute", proline)[0] - median) <= 1

# %%
# A slipped decimal point
# -----------------------
#
# Now k of the 178 numbers are typed ten times too large. Which wines, the draw decides: ten draws
# for each k.

counts = [0, 2, 4, 6, 8, 10, 12, 14, 16, 18]
answers = {name: [] for name in losses}
for count in counts:
    rows = {name: [] for name in losses}
    for seed in range(10):
        hit = torch.randperm(len(proline), generator=make_generator(seed))[:count].to(device)
        spoiled = proline.clone()
        spoiled[hit] *= 10
        for name in losses:
            rows[name].append(best_constant(name, spoiled)[0])
    for name in losses:
        answers[name].append(rows[name])

shares = 100 * torch.tensor(counts) / len(proline)
moved = {name: torch.tensor(answers[name]) for name in losses}  # (number of counts, draws)
for name in losses:
    shift = moved[name][5].mean() - moved[name][0].mean()
    print(f"{name:>8}: 10 wrong numbers move it by {shift:.0f} mg/l, the mean of ten draws")
assert moved["squared"][5].min() > moved["absolute"][5].max() + 200
assert (moved["Huber"].mean(1) - moved["Huber"][0].mean()).max() < 150

# %%
# A wrong number pulls the mean in proportion to how wrong it is. It pulls the median as any other
# number on that side does. This is the slope of the loss: the squared error's grows without end,
# the others' does not.

colors = {"squared": (BLUE, "-"), "Huber": (GREEN, "-."), "absolute": (VERMILLION, "--")}
fig, (top, bottom) = plt.subplots(2, 1, figsize=(6.0, 7.8))
for name, (color, linestyle) in colors.items():
    excess = curves[name] / curves[name].min()
    top.plot(constants.cpu(), excess.cpu(), color=color, linestyle=linestyle, label=name)
    at = curves[name].argmin()
    top.plot(constants[at].cpu(), 1, "o", color=color)
top.set_xlim(300, 1300)
top.set_ylim(0.9, 3)
top.set_title("The squared error is least at the mean,\nthe absolute error at the median")
top.set_xlabel("constant prediction (mg/l)")
top.set_ylabel("loss / smallest loss")
top.legend(loc="upper center")

for name, (color, linestyle) in colors.items():
    low, high = moved[name].min(1).values, moved[name].max(1).values
    bottom.fill_between(shares, low, high, color=color, alpha=0.2, linewidth=0)
    bottom.plot(shares, moved[name].mean(1), color=color, linestyle=linestyle, label=name)
bottom.set_title(
    "One number in twenty wrong moves the mean\nby almost half of its value, the median hardly"
)
bottom.set_xlabel("share of numbers ten times too large (%)")
bottom.set_ylabel("best constant (mg/l)")
bottom.legend(loc="upper left", title="mean and range of ten draws", alignment="left")

# %%
# Change this and see
# -------------------
#
# - Set ``DELTA = 1e6``: the Huber loss becomes half the squared error, its curve below joins that
#   of the mean, and the last assertion fails.
# - Set ``DELTA = 1.0``: it becomes the absolute error, but for a rounded tip.
# - Divide by 10 in place of multiplying, ``spoiled[hit] /= 10``: no number is wrong by more than
#   its own size, so the mean is moved little, and the assertions fail.

plt.show()
