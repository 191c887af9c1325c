"""
Three roads to one line
=======================

Linear regression by hand, with PyTorch's parts, and in closed form. Do they arrive at the same
numbers, and what is the loss when they do?
"""

# %%
# A thousand samples of y = 2 x₁ − 3.4 x₂ + 4.2, with noise of standard deviation 0.01. Three epochs
# in batches of 10, with the learning rate 0.03.

import matplotlib.pyplot as plt
import torch
from torch import nn

from handbook.batches import mini_batches
from handbook.datasets import synthetic_linear_data
from handbook.device import get_device
from handbook.linear_models import (
    add_ones,
    half_squared_error,
    least_squares,
    predict,
    start_parameters,
    train_epoch,
)
from handbook.plots import BLUE, STYLE, TRUTH, VERMILLION
from handbook.seeding import make_generator

plt.style.use(STYLE)
device = get_device()

weights, bias, noise_std = torch.tensor([2.0, -3.4], device=device), 4.2, 0.01
inputs, targets = synthetic_linear_data(
    weights, bias, 1000, noise_std=noise_std, generator=make_generator(2)
)
truth = torch.tensor([2.0, -3.4, 4.2], device=device)
batch_size, n_epochs, learning_rate = 10, 3, 0.03


def epoch_of_batches(generator):
    """Deal all samples into batches, in an order that the generator draws."""
    return mini_batches(inputs, targets, batch_size=batch_size, generator=generator)


# %%
# First road: parameters, model, loss and step written out. The loop looks at the whole loss after
# each epoch, and notes the parameters after each step for the figure.

parameters = start_parameters(2, device=device, generator=make_generator(0))
generator = make_generator(5)
by_hand, losses_by_hand = [], []
for _ in range(n_epochs):
    for batch in epoch_of_batches(generator):
        train_epoch(parameters, [batch], learning_rate=learning_rate)
        by_hand.append(torch.cat([parameters.weight[:, 0], parameters.bias]).detach())
    with torch.no_grad():
        losses_by_hand.append(half_squared_error(predict(inputs, parameters), targets).mean())

# %%
# Second road: a layer, a loss and an optimiser from PyTorch, with the same batches.

model = nn.Linear(2, 1, device=device)
start = start_parameters(2, device=device, generator=make_generator(0))
with torch.no_grad():
    model.weight.copy_(start.weight.mT)
    model.bias.zero_()
loss_function = nn.MSELoss()
optimizer = torch.optim.SGD(model.parameters(), lr=learning_rate)
generator = make_generator(5)
concise, losses_concise = [], []
for _ in range(n_epochs):
    for x, y in epoch_of_batches(generator):
        optimizer.zero_grad()
        loss_function(model(x), y).backward()
        optimizer.step()
        concise.append(torch.cat([model.weight[0], model.bias]).detach())
    with torch.no_grad():
        losses_concise.append(loss_function(model(inputs), targets))

# %%
# Third road: no steps at all.

solution = least_squares(add_ones(inputs), targets)[:, 0]

print("epoch  by hand  concise")
for i, (ours, theirs) in enumerate(zip(losses_by_hand, losses_concise, strict=True)):
    print(f"{i + 1:5} {ours.item():8.1e} {theirs.item():8.1e}")
roads = {"by hand": by_hand[-1], "concise": concise[-1], "closed form": solution}
for name, found in roads.items():
    print(f"{name:12} w = ({found[0]:.2f}, {found[1]:.2f}), b = {found[2]:.2f}")
    assert (found - truth).abs().max() < 2e-3
    assert (found - solution).abs().max() < 2e-3

# %%
# All agree to better than two thousandths. The loss by hand ends near 5e-5 and that of the concise
# road near 1e-4. That is no difference in quality: ``MSELoss`` has no factor ½. Without it, every
# gradient is twice as long, so the second road runs at twice the speed.

residual = inputs @ solution[:2, None] + solution[2] - targets
smallest = (residual**2).mean() / 2
assert abs(losses_by_hand[-1] / smallest - 1) < 0.05
assert abs(losses_concise[-1] / (2 * smallest) - 1) < 0.05

fig, (top, bottom) = plt.subplots(2, 1, figsize=(6.4, 7.6), sharex=True)
steps = range(1, len(by_hand) + 1)
looks = {"by hand": (by_hand, BLUE, "-"), "concise": (concise, VERMILLION, "--")}
for name, (path, color, linestyle) in looks.items():
    found = torch.stack(path)  # (T, 3)
    misses = (add_ones(inputs) @ found.T - targets) ** 2 / 2  # (N, T)
    distance = (found - solution).norm(dim=1)
    top.plot(steps, misses.mean(dim=0).cpu(), color=color, linestyle=linestyle, label=name)
    bottom.plot(steps, distance.cpu(), color=color, linestyle=linestyle, label=name)
top.axhline(noise_std**2 / 2, color=TRUTH, linestyle=":", label="noise: σ²/2 = 5e-5")
top.set_yscale("log")
top.set_title("The loss falls to the noise and no further")
top.set_ylabel("half the mean squared error\n(dimensionless, log scale)")
top.legend(loc="upper right")
bottom.set_yscale("log")
bottom.set_title("Both end close to the closed form, and tremble there")
bottom.set_ylabel("distance to the closed form\n(dimensionless, log scale)")
bottom.set_xlabel("step; an epoch has 100")

# %%
# The distance does not go to zero either: each batch pulls toward its own ten samples.
#
# Change this and see
# -------------------
# - Set ``noise_std = 0``: nothing is left to stop at. The loss falls on, and the assertions that
#   compare it with the smallest loss fail.
# - Give the concise road ``lr=learning_rate / 2``: both lines become one.
# - Set ``batch_size = 1000`` and ``n_epochs = 300``: the same 300 steps with the whole gradient do
#   not tremble, and the concise road ends far closer to the closed form.

plt.show()
