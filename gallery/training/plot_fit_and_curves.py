"""
When has a network learned enough?
==================================

A network with 4,400 parameters learns from twenty noisy points. First it finds the curve, then the
noise. The two losses part where the one turns into the other, and the epoch with the smallest
validation loss is the one to keep.
"""

# %%
# Twenty points of a sine, with Gaussian noise. The validation samples are many, so that the curve
# is the network's and not theirs.

import math

import matplotlib.pyplot as plt
import torch
from torch import nn

from handbook.device import get_device
from handbook.plots import STYLE, TRAINING, TRUTH, VALIDATION
from handbook.seeding import make_generator
from handbook.training import EarlyStopping, fit, predict

plt.style.use(STYLE)
device = get_device()

n_seeds, n_train, n_validation, noise_std, epochs, width = 4, 20, 200, 0.3, 600, 64


def draw_samples(n_samples, generator):
    """Return noisy samples of the sine."""
    x = 2 * torch.rand(n_samples, 1, generator=generator) - 1
    noise = noise_std * torch.randn(n_samples, 1, generator=generator)
    return x.to(device), (torch.sin(math.tau * x) + noise).to(device)


def make_network(generator):
    """Return a network whose weights are drawn from the generator."""
    model = nn.Sequential(
        nn.Linear(1, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh(), nn.Linear(width, 1)
    )
    with torch.no_grad():
        for layer in model:
            if isinstance(layer, nn.Linear):
                bound = layer.in_features**-0.5
                layer.weight.uniform_(-bound, bound, generator=generator)
                layer.bias.uniform_(-bound, bound, generator=generator)
    return model.to(device)


# %%
# ``EarlyStopping`` with the patience of all epochs never stops; it keeps the weights of the best
# one and gives them back at the end. A second callback draws the last curve before that happens.

grid = torch.linspace(-1, 1, 400)[:, None]
runs = []
for seed in range(n_seeds):
    generator = make_generator(seed)
    train, validation = draw_samples(n_train, generator), draw_samples(n_validation, generator)
    model = make_network(generator)
    stopping = EarlyStopping(patience=epochs, restore_best=True)
    last = []

    def draw_last(state, last=last):
        """Draw the curve of the last epoch, before the best weights are given back."""
        if state.epoch == state.epochs:
            last.append(predict(state.model, grid).cpu())

    history = fit(
        model, nn.MSELoss(), torch.optim.Adam(model.parameters(), lr=0.01), [train],
        epochs=epochs, validation=[validation], callbacks=[stopping, draw_last],
    )  # fmt: skip
    runs.append((history, train, predict(model, grid).cpu(), last[0]))

# %%
# In every run the last network fits its points better than the best one did, and new points worse.

for history, *_ in runs:
    best = history.best_epoch()
    assert history.losses[-1] < history.losses[best - 1]
    assert history.validation_losses[-1] > history.validation_losses[best - 1]
    assert 10 < best < epochs
ratios = [history.validation_losses[-1] / min(history.validation_losses) for history, *_ in runs]
print(f"validation loss at the end over that of the best epoch, mean of {n_seeds}: above 1.2:",
      sum(ratios) / n_seeds > 1.2)  # fmt: skip
print("training loss at the end below the noise:",
      all(history.losses[-1] < noise_std**2 / 2 for history, *_ in runs))  # fmt: skip

history, (x, y), best_curve, last_curve = runs[0]
best = history.best_epoch()
fig, (above, below) = plt.subplots(2, 1, figsize=(6.4, 7.8))
above.plot(grid, torch.sin(math.tau * grid), color=TRUTH, linewidth=1.5, label="truth")
above.plot(x.cpu(), y.cpu(), "o", color=TRAINING, label="trained on")
above.plot(grid, best_curve, color=VALIDATION, linestyle="--", label="best epoch")
above.plot(grid, last_curve, color=TRAINING, linestyle=":", label="last epoch")
above.set_ylim(-2.1, 3.6)
above.set_xlabel("x (dimensionless)")
above.set_ylabel("y (dimensionless)")
above.set_title("The best epoch follows the truth, the last one the points")
above.legend(loc="upper center", ncols=2)
for k, (run, *_) in enumerate(runs):
    style = {"linewidth": 2.0 if k == 0 else 0.8}
    below.plot(
        run.epochs, run.losses, color=TRAINING, linestyle="-",
        label="training" if k == 0 else None, **style,
    )  # fmt: skip
    below.plot(
        run.epochs, run.validation_losses, color=VALIDATION, linestyle="--",
        label="validation" if k == 0 else None, **style,
    )  # fmt: skip
for epoch, name, marker, shift in ((best, "best", "o", (-14, 10)), (epochs, "last", "s", (8, -4))):
    for values, color in ((history.losses, TRAINING), (history.validation_losses, VALIDATION)):
        below.plot(epoch, values[epoch - 1], marker, color=color, markersize=8)
    below.annotate(
        name, (epoch, history.validation_losses[epoch - 1]), xytext=shift,
        textcoords="offset points",
    )  # fmt: skip
below.axhline(noise_std**2, color=TRUTH, linestyle="-.", linewidth=1, label="the noise alone")
below.set_yscale("log")
below.set_xlim(-20, 1.13 * epochs)
below.set_ylim(1e-3, 3)
below.set_xlabel("epoch")
below.set_ylabel("mean squared error (log scale)")
below.set_title("Where the losses part, noise is being learned")
below.legend(loc="lower left")

# %%
# The thick curves belong to the fit above, the thin ones to three more draws of samples and
# weights. No prediction has an expected error below the noise on new samples. A training loss below
# that line is a sure sign of something learned by heart.
#
# Change this and see
# -------------------
# - Set ``n_train`` to 200: the same network in the same epochs. The two losses stay together near
#   the noise.
# - Set ``noise_std`` to 0.01: with hardly any noise to learn, the validation loss at the end is at
#   most about a fifth above its best.
# - Set ``width`` to 2: underfitting. The training losses stay several times as high as before.

plt.show()
