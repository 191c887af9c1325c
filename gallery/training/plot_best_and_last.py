"""
Which model do you keep, the best or the last?
==============================================

A training passes many models, one after each epoch, and only the last one is left in memory. On
the training data it is the best. On data that it has not seen, it need not be. How much is lost by
keeping the last one? And what becomes of a ``state_dict`` that you hold without copying it?
"""

import matplotlib.pyplot as plt
import torch
from torch import nn

from handbook.checkpoints import copy_of_state, is_best
from handbook.device import get_device
from handbook.modes import evaluation_mode
from handbook.plots import GREY, STYLE, TRAINING, VALIDATION
from handbook.seeding import make_generator
from handbook.training import fit

plt.style.use(STYLE)
device = get_device()

# %%
# Few points, much noise
# ----------------------
#
# Twenty noisy points of a sine for training, as many for choosing the best model, and a thousand
# that take no part in either. A network with 50 hidden units has room to learn the noise.


def points(n_samples, generator):
    """Draw noisy points of a sine."""
    x = torch.rand(n_samples, 1, generator=generator) * 2 - 1
    y = torch.sin(4 * x) + 0.4 * torch.randn(n_samples, 1, generator=generator)
    return x.to(device), y.to(device)


def network(generator):
    """Make a network whose hidden units bend at many places."""
    model = nn.Sequential(nn.Linear(1, 50), nn.Tanh(), nn.Linear(50, 1))
    with torch.no_grad():
        for layer in (model[0], model[2]):
            layer.weight.copy_(torch.randn(layer.weight.shape, generator=generator))
            layer.bias.copy_(3 * torch.randn(layer.bias.shape, generator=generator))
        model[0].weight *= 8
        model[2].weight /= 7
    return model.to(device)


# %%
# After each epoch, the callback keeps two things if the validation loss is the best so far: a copy
# of the model, and the ``state_dict`` itself.


class KeepBest:
    """A callback that keeps the best model, rightly and wrongly."""

    def __call__(self, state):
        """Look at the epoch that has just ended."""
        if is_best(state.history.validation_losses):
            self.epoch = state.epoch
            self.copied = copy_of_state(state.model)
            self.held = state.model.state_dict()


def loss_with(model, state, data):
    """Measure the model with the parameters of a state."""
    model.load_state_dict(state)
    with evaluation_mode(model):
        return nn.functional.mse_loss(model(data[0]), data[1]).item()


seeds = range(5)
losses = {"best": [], "last": [], "held": []}
for seed in seeds:
    generator = make_generator(seed)
    train, validation, test = (points(n, generator) for n in (20, 20, 1000))
    model = network(generator)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    keep = KeepBest()
    history = fit(
        model,
        nn.MSELoss(),
        optimizer,
        [train],
        epochs=400,
        validation=[validation],
        callbacks=[keep],
    )
    last = copy_of_state(model)
    for name, state in (("held", keep.held), ("best", keep.copied), ("last", last)):
        losses[name].append(loss_with(model, state, test))
    if seed == 0:
        curves, best_epoch = history, keep.epoch

# %%
# What is held without a copy is the memory of the model. It has gone on learning: to the last bit,
# it is the last model.

assert losses["held"] == losses["last"]
worse = sum(last > best for best, last in zip(losses["best"], losses["last"], strict=True))
print(f"the last model is worse than the best on new data in {worse} of {len(seeds)} runs")
print("the state_dict that was held is the last one:", losses["held"] == losses["last"])
assert worse >= 4
assert sum(losses["last"]) > 1.1 * sum(losses["best"])

fig, (top, bottom) = plt.subplots(2, 1, figsize=(6.4, 7.8))
epochs = curves.epochs
top.plot(epochs, curves.losses, color=TRAINING, label="training")
top.plot(epochs, curves.validation_losses, color=VALIDATION, linestyle="--", label="validation")
top.plot(best_epoch, curves.validation_losses[best_epoch - 1], "o", color=VALIDATION, label="best")
top.plot(epochs[-1], curves.validation_losses[-1], "s", color=VALIDATION, label="last")
top.set_yscale("log")
top.set_title("Training goes on getting better,\nvalidation does not")
top.set_xlabel("epoch")
top.set_ylabel("mean squared error (logarithmic)")
top.legend(ncols=2)

for best, last in zip(losses["best"], losses["last"], strict=True):
    bottom.plot([0, 1], [best, last], color=GREY, linestyle="-", zorder=1)
for x, name, marker in ((0, "best", "o"), (1, "last", "s")):
    bottom.plot([x] * len(seeds), losses[name], marker, color=VALIDATION, linestyle="none")
bottom.axhline(0.16, color=GREY, linestyle=":", label="noise alone, 0.4²")
bottom.set_xlim(-0.4, 1.4)
bottom.set_ylim(0)
bottom.set_xticks([0, 1], ["best on validation", "last"])
bottom.set_title("On new data the last model is worse\nthan the best, in run after run")
bottom.set_ylabel("mean squared error on new data")
bottom.legend(loc="lower right")

# %%
# Change this and see
# -------------------
#
# Where the finding goes away, the ``assert`` lines above say so: take them out first.
#
# - Take 300 training points instead of 20: there is no room left to learn the noise. The last model
#   is then even a little better than the best, which twenty validation points chose by luck.
# - Set the noise in ``points`` to 0: nothing is there to be learned by mistake, and both models
#   come close to the sine.
# - Replace ``copy_of_state(state.model)`` by ``dict(state.model.state_dict())``: a new dictionary,
#   but not new tensors. The best becomes the last again.

plt.show()
