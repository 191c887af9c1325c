"""
What does the loss against the epoch tell?
==========================================

Three networks learn from samples in the order of their rows, three from shuffled ones. Shuffled,
the training loss and the validation loss agree, and both come down to the noise. In order, training
looks three times as good as validation.
"""

# %%
# The samples are those of the basic framework: windows of ten points on a line from 0 to 1, and the
# mean of their sigmoids, with uniform noise of width 0.05. For validation there are new samples,
# with noise of their own.

import matplotlib.pyplot as plt
import torch
from torch import nn

from handbook.batches import MiniBatches
from handbook.device import get_device
from handbook.plots import STYLE, TRAINING, TRUTH, VALIDATION
from handbook.seeding import make_generator
from handbook.training import fit

plt.style.use(STYLE)
device = get_device()

n_seeds, epochs, batch_size, noise_width = 3, 15, 16, 0.05


def draw_samples(n_samples, generator):
    """Return windows of a line, and targets with noise."""
    inputs = torch.linspace(0, 1, 10 * n_samples).reshape(-1, 10)
    clean = torch.sigmoid(inputs).mean(dim=1, keepdim=True)
    return inputs, clean + noise_width * torch.rand(n_samples, 1, generator=generator)


def make_network(generator):
    """Return a network whose weights are drawn from the generator."""
    model = nn.Sequential(
        nn.Linear(10, 128), nn.Sigmoid(), nn.Linear(128, 128), nn.Sigmoid(), nn.Linear(128, 1)
    )
    with torch.no_grad():
        for layer in model:
            if isinstance(layer, nn.Linear):
                bound = layer.in_features**-0.5
                layer.weight.uniform_(-bound, bound, generator=generator)
                layer.bias.uniform_(-bound, bound, generator=generator)
    return model.to(device)


# %%
# One call of ``fit`` for each network. The history holds both curves.

histories = {"in order": [], "shuffled": []}
for order, runs in histories.items():
    for seed in range(n_seeds):
        generator = make_generator(seed)
        model = make_network(generator)
        train, validation = draw_samples(1000, generator), draw_samples(500, generator)
        batches = MiniBatches(
            *train, batch_size=batch_size, generator=generator if order == "shuffled" else None
        )
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
        runs.append(
            fit(model, nn.MSELoss(), optimizer, batches, epochs=epochs, validation=[validation])
        )

# %%
# The two losses of the last epoch, as multiples of the noise.

floor = noise_width**2 / 12
for order, runs in histories.items():
    train = sum(run.losses[-1] for run in runs) / n_seeds / floor
    new = sum(run.validation_losses[-1] for run in runs) / n_seeds / floor
    print(f"{order}, epoch {epochs}: training {train:.0f}, validation {new:.0f} times the noise")
    if order == "in order":
        assert new > 2 * train > 4
    else:
        assert max(new, train) < 2

fig, axes = plt.subplots(2, 1, sharex=True, sharey=True, figsize=(6.4, 7.0))
for ax, runs in zip(axes, histories.values(), strict=True):
    for k, run in enumerate(runs):
        ax.plot(
            run.epochs,
            run.losses,
            color=TRAINING,
            linestyle="-",
            label="training" if k == 0 else None,
        )
        ax.plot(
            run.epochs, run.validation_losses, color=VALIDATION, linestyle="--",
            label="validation" if k == 0 else None,
        )  # fmt: skip
    ax.axhline(floor, color=TRUTH, linestyle=":", label="the noise alone")
    ax.set_yscale("log")
    ax.set_ylabel("mean squared error (log scale)")
axes[0].set_title("In the order of the rows, training flatters")
axes[1].set_title("Shuffled, both go down to the noise")
axes[1].set_xlabel("epoch")
axes[0].legend(loc="upper right")

# %%
# The training loss of an epoch is measured on each batch *before* the step made with it, while the
# weights change. In the order of the rows the batch before was nearly the same one, and the network
# has just been pulled to it: such a loss flatters. Validation is measured afterwards, on all.
#
# Change this and see
# -------------------
# - Double ``batch_size``: half as many steps in an epoch, and the shuffled curves come down later.
# - Set the rate ``lr`` to 1e-4: even the shuffled curves are far above the noise when the epochs
#   are over.
# - Set ``noise_width`` to 0.2: the floor rises by the factor 16, and the unshuffled networks look
#   better beside it: less than five times the noise.

plt.show()
