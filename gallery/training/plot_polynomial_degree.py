"""
Which degree should a polynomial have?
======================================

A polynomial of degree 1 misses a sine even where it was fitted. One of degree 14 goes through
fifteen points exactly, and misses the sine between them by far more. The best degree lies between.
"""

# %%
# For each seed 60 samples are drawn. A quarter of them, 15, is for fitting; the rest is for
# testing.

import math

import matplotlib.pyplot as plt
import torch

from handbook.datasets import train_test_split
from handbook.plots import BLUE, GREEN, STYLE, TRAINING, TRUTH, VALIDATION, VERMILLION
from handbook.seeding import make_generator

plt.style.use(STYLE)

n_seeds, n_samples, noise_std, degrees = 40, 60, 0.2, range(15)


def powers(x, degree):
    """Return x to the power 0, 1, ..., degree, one column each."""
    return x[:, None] ** torch.arange(degree + 1)  # (N, degree + 1)


def fit_polynomial(x, y, degree):
    """Return the coefficients with the least squared error."""
    return torch.linalg.lstsq(powers(x, degree), y[:, None], driver="gelsd").solution[:, 0]


train_errors = torch.zeros(n_seeds, len(degrees), dtype=torch.float64)
test_errors = torch.zeros_like(train_errors)
splits = []
for seed in range(n_seeds):
    generator = make_generator(seed)
    x = 2 * torch.rand(n_samples, dtype=torch.float64, generator=generator) - 1
    noise = noise_std * torch.randn(n_samples, dtype=torch.float64, generator=generator)
    split = train_test_split(
        x, torch.sin(math.pi * x) + noise, test_share=0.75, generator=generator
    )
    splits.append(split)
    for degree in degrees:
        found = fit_polynomial(split.train_inputs, split.train_targets, degree)
        for errors, x_of, y_of in (
            (train_errors, split.train_inputs, split.train_targets),
            (test_errors, split.test_inputs, split.test_targets),
        ):
            errors[seed, degree] = (powers(x_of, degree) @ found - y_of).square().mean()

# %%
# The training error can only fall: a polynomial of degree d is also one of degree d + 1. The test
# error is told by its median over the seeds, because some draws leave a gap in which a high degree
# goes to any height.

train, test = train_errors.median(dim=0).values, test_errors.median(dim=0).values
best = int(test.argmin())
print("training error never rises:", bool((train_errors.diff(dim=1) < 1e-6).all()))
print(f"best degree by the median test error: {best}")
print(f"degree 14 on new samples over the best: more than 100 times: {test[14] > 100 * test[best]}")
assert 3 <= best <= 5
assert test[1] > 3 * test[best]
assert test[14] > 100 * test[best]
assert train[14] < 1e-3

fig, (above, below) = plt.subplots(2, 1, figsize=(6.4, 7.8))
split = splits[0]
grid = torch.linspace(-1, 1, 400, dtype=torch.float64)
above.plot(grid, torch.sin(math.pi * grid), color=TRUTH, linewidth=1.5, label="truth")
above.plot(split.train_inputs, split.train_targets, "o", color=TRUTH, label="fitted")
for degree, color, linestyle in ((1, BLUE, "--"), (best, GREEN, "-."), (14, VERMILLION, ":")):
    found = fit_polynomial(split.train_inputs, split.train_targets, degree)
    above.plot(
        grid, powers(grid, degree) @ found, color=color, linestyle=linestyle,
        label=f"degree {degree}",
    )  # fmt: skip
above.set_ylim(-2, 3.4)
above.set_xlabel("x (dimensionless)")
above.set_ylabel("y (dimensionless)")
above.set_title("Too stiff, about right, through every point")
above.legend(loc="upper center", ncols=2)
for errors, color, linestyle, marker, name in (
    (train_errors, TRAINING, "-", "o", "training"),
    (test_errors, VALIDATION, "--", "s", "test"),
):
    low, middle, high = errors.quantile(torch.tensor([0.25, 0.5, 0.75], dtype=torch.float64), dim=0)
    below.plot(degrees, middle, color=color, linestyle=linestyle, marker=marker, label=name)
    below.fill_between(degrees, low, high, color=color, alpha=0.2, linewidth=0)
below.axhline(noise_std**2, color=TRUTH, linestyle=":", label="the noise alone")
below.set_yscale("log")
below.set_ylim(1e-4, 1e4)
below.set_xlabel("degree of the polynomial")
below.set_ylabel("mean squared error (log scale)")
below.set_title("Training falls and falls; the test turns round")
below.legend(loc="upper left")

# %%
# The bands hold the middle half of 40 draws.
#
# Change this and see
# -------------------
# - Set ``n_samples`` to 2000, so that 500 are fitted: the test error at degree 14 comes down to the
#   noise. A high degree is no fault; it needs data.
# - Set ``noise_std`` to 0: a high degree now finds the sine itself, and the best degree moves up.
# - Set ``noise_std`` to 1: the best degree moves down. With much noise a stiff model wins.

plt.show()
