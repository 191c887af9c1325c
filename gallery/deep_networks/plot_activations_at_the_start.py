"""
What reaches the twentieth layer before training
================================================

Before its first step, a deep network already decides what can be learned: if all patients look
alike in its last layer, no output can tell them apart. How do the size of the starting weights, a
"bad" bias of −0.2 and batch normalisation change what arrives?
"""

import matplotlib.pyplot as plt
import torch

from handbook.datasets import load_diabetes
from handbook.device import get_device
from handbook.models import DeepRegressor
from handbook.plots import BLUE, GREEN, OCHRE, STYLE, VERMILLION
from handbook.seeding import make_generator

plt.style.use(STYLE)
device = get_device()

# %%
# Ask each layer how different the patients look
# ----------------------------------------------
#
# For each unit, take the standard deviation of its output over the patients, and average over the
# 130 units. Five networks for each start show the spread.

diabetes = load_diabetes()
column = diabetes.feature_names.index
inputs = diabetes.inputs[:, [column(name) for name in ("bmi", "s1", "s3", "s5")]]
x = ((inputs - inputs.mean(dim=0)) / inputs.std(dim=0)).to(device)

SEEDS = range(5)


def measured(statistic, **options):
    """Return one number per seed and layer, shape (5, 20)."""
    rows = []
    for seed in SEEDS:
        model = DeepRegressor(generator=make_generator(seed), **options).to(device)
        with torch.no_grad():
            rows.append(torch.stack([statistic(h) for h in model.hidden_outputs(x)]))
    return torch.stack(rows).cpu()


def patients_apart(h):
    """Average over units of the standard deviation over patients."""
    return h.std(dim=0).mean()


spreads = {
    std: measured(patients_apart, batch_norm=False, weight_std=std) for std in (0.02, 0.1, 0.4)
}
normed = measured(patients_apart, batch_norm=True, weight_std=0.02)

for std, spread in spreads.items():
    print(f"weights of spread {std:4.2f}: layer 20 has {spread[:, -1].mean().item():.0e}")
print(f"with batch norm, from 0.02: layer 20 has {normed[:, -1].mean().item():.1f}")
assert (spreads[0.02][:, -1] < 1e-10).all()
assert (spreads[0.1][:, -1] > 0.1).all()
assert (normed[:, -1] > 0.5).all()

# %%
# While the numbers are small, tanh is a line, and each layer multiplies the spread by about
# :math:`\sigma \sqrt{H}`, with :math:`\sigma` the spread of the weights and :math:`H = 130` units.
# For 0.02 that is 0.23, and twenty factors of it leave nothing.

factor = 0.02 * 130**0.5
shrunk = (spreads[0.02][:, -1] / spreads[0.02][:, 0]).mean().item() ** (1 / 19)
print(f"per layer: predicted {factor:.2f}, measured {shrunk:.2f}")
assert abs(shrunk / factor - 1) < 0.1

# %%
# How alike two patients become
# -----------------------------
#
# A bias that is the same for all patients adds the same vector to each of them. Compare what the
# patients share, the length of the mean vector, with what tells them apart.


def shared(h):
    """Squared length of the mean over patients, as a share of the mean squared length."""
    return h.mean(dim=0).square().sum() / h.square().sum(dim=1).mean()


options = {"weight_std": 0.1}
alike = {
    "plain, bias 0": measured(shared, batch_norm=False, initial_bias=0.0, **options),
    "plain, bias −0.2": measured(shared, batch_norm=False, initial_bias=-0.2, **options),
    "batch norm, bias −0.2": measured(shared, batch_norm=True, initial_bias=-0.2, **options),
}
for name, share in alike.items():
    print(f"{name:<22}: shared in layer 20: {share[:, -1].mean().item():.0%}")
assert (alike["plain, bias −0.2"][:, -1] > alike["plain, bias 0"][:, -1] + 0.5).all()
assert (alike["batch norm, bias −0.2"] < 0.05).all()

# %%
# The bias of −0.2 is bad indeed: only a few hundredths of what reaches the last layer tell one
# patient from another. Batch norm subtracts what they share, the bias included: from −0.2 or from
# 0, the outputs are the same.

first, second = (
    DeepRegressor(initial_bias=bias, generator=make_generator(0)).to(device).hidden_outputs(x)[-1]
    for bias in (0.0, -0.2)
)
print("batch norm forgets the bias:", torch.allclose(first, second, atol=1e-3))
assert torch.allclose(first, second, atol=1e-3)

layers = torch.arange(1, 21)
fig, (top, bottom) = plt.subplots(2, 1, figsize=(6.4, 8.2))


def band(ax, values, label, color, linestyle):
    """Draw the mean over seeds, with all seeds inside the shade."""
    low, high = values.amin(dim=0), values.amax(dim=0)
    ax.fill_between(layers, low, high, color=color, alpha=0.2, linewidth=0)
    ax.plot(layers, values.mean(dim=0), color=color, linestyle=linestyle, label=label)


for (std, spread), color, style in zip(
    spreads.items(), (VERMILLION, BLUE, OCHRE), ("--", "-", "-."), strict=True
):
    band(top, spread, f"plain, weights {std}", color, style)
band(top, normed, "batch norm, weights 0.02", GREEN, ":")
top.set_yscale("log")
top.set_title("Weights of 0.02 make all patients alike;\nbatch norm keeps them apart")
top.set_xlabel("hidden layer")
top.set_ylabel("spread over patients (logarithmic)")
top.set_xticks([1, 5, 10, 15, 20])
top.legend(loc="lower left")

for (name, share), color, style in zip(
    alike.items(), (BLUE, VERMILLION, GREEN), ("-", "--", ":"), strict=True
):
    band(bottom, share, name, color, style)
bottom.set_ylim(-0.05, 1.35)
bottom.set_yticks([0, 0.25, 0.5, 0.75, 1])
bottom.set_title("A bias of −0.2 makes all patients alike,\nunless batch norm subtracts it")
bottom.set_xlabel("hidden layer")
bottom.set_ylabel("share that all patients have")
bottom.set_xticks([1, 5, 10, 15, 20])
bottom.legend(loc="upper left")

# %%
# Change this and see
# -------------------
#
# - Set the bias to −2 instead of −0.2 (in the name and in the call): nearly all of what arrives is
#   shared.
# - Take ``activation=torch.relu`` in ``options``: even without a bias the patients grow alike,
#   because the outputs of a relu have a mean above zero.
# - Replace every 0.02 by 1 / 130**0.5, and remove the asserts: the factor per layer is 1,
#   and the spread dies out slowly, because tanh is flatter than a line.

plt.show()
