"""
How small can the loss get?
===========================

The truth itself has a loss: that of the noise. A fit gets below it on the samples that it was made
for, and stays above it on others. By how much?
"""

# %%
# Least squares finds the coefficients with the smallest loss of all. So its training loss is the
# lowest that any training of this model can reach. Ten features and a bias are p = 11 parameters;
# the truth is y = 4.2 whatever the features say, with noise of standard deviation 0.01.

import matplotlib.pyplot as plt
import torch

from handbook.device import get_device
from handbook.linear_models import add_ones, expected_losses, least_squares
from handbook.plots import STYLE, TRAINING, TRUTH, VALIDATION
from handbook.seeding import make_generator

plt.style.use(STYLE)
device = get_device()

n_features, noise_std, n_draws = 10, 0.01, 200
n_parameters = n_features + 1
sizes = [12, 15, 20, 30, 50, 100, 300, 1000]

# %%
# For each number of samples, 200 draws of the noise on one set of inputs. Fresh targets for the
# same inputs tell how good the fit is beyond the samples that it has seen.

generator = make_generator(0)
training, fresh = [], []
for n_samples in sizes:
    inputs = torch.randn(n_samples, n_features, generator=generator, dtype=torch.float64)
    design = add_ones(inputs).to(device)
    noise = torch.randn(2, n_samples, n_draws, generator=generator, dtype=torch.float64)
    seen, unseen = 4.2 + noise_std * noise.to(device)  # (N, draws) each
    fitted = design @ least_squares(design, seen)
    training.append(((seen - fitted) ** 2).mean(dim=0).cpu() / 2)
    fresh.append(((unseen - fitted) ** 2).mean(dim=0).cpu() / 2)

print(" samples  training     fresh   (noise alone: 5.0e-05)")
for n_samples, below, above in zip(sizes, training, fresh, strict=True):
    wanted = expected_losses(noise_std, n_samples, n_parameters)
    print(f"{n_samples:8} {below.mean():9.1e} {above.mean():9.1e}")
    assert abs(below.mean() / wanted.training - 1) < 0.15
    assert abs(above.mean() / wanted.fresh - 1) < 0.15
    assert below.mean() < wanted.floor < above.mean()

fig, ax = plt.subplots(figsize=(6.4, 5.4))
for losses, color, marker, label in (
    (training, TRAINING, "o", "on the samples of the fit"),
    (fresh, VALIDATION, "s", "on fresh targets"),
):
    low, middle, high = torch.stack(losses).quantile(torch.tensor([0.1, 0.5, 0.9]).double(), dim=1)
    errors = torch.stack([middle - low, high - middle])
    ax.errorbar(sizes, middle, errors, color=color, marker=marker, linestyle="none", label=label)
n = torch.arange(12, 1001)
theory = [expected_losses(noise_std, int(k), n_parameters) for k in n]
ax.plot(n, [t.training for t in theory], color=TRAINING, label="σ²/2 · (n − p)/n")
ax.plot(n, [t.fresh for t in theory], color=VALIDATION, linestyle="--", label="σ²/2 · (n + p)/n")
ax.axhline(noise_std**2 / 2, color=TRUTH, linestyle=":", label="noise alone: σ²/2")
ax.set_xscale("log")
ax.set_ylim(0, 1.5e-4)
ax.ticklabel_format(axis="y", scilimits=(-5, -5), useMathText=True)
ax.set_title("What a fit gains on its own samples,\nit loses on others")
ax.set_xlabel("samples n (log scale)")
ax.set_ylabel("half the mean squared error (dimensionless)")
ax.legend(loc="upper right")

# %%
# Bars hold the middle 80 % of the draws. With 12 samples for 11 parameters the training loss is
# almost zero, and the fit almost worthless. With 1000 samples and three parameters, as in
# :ref:`sphx_glr_auto_gallery_models_and_losses_plot_three_roads.py`, the gap is three in a
# thousand, far below the scatter of a single draw.
#
# Change this and see
# -------------------
# - Set ``noise_std = 0.02``: every loss becomes four times as large, and most leave the frame.
# - Set ``n_features = 2``: the lines close up, since only the ratio p / n counts.
# - Replace the normal noise by ``noise.sign()``, which is never far from its standard deviation:
#   the means stay where they are, and the bars become shorter.

plt.show()
