"""
What does a whole training look like?
=====================================

Data, model, optimiser, loss; then batch, forward, loss, backward, step, six thousand times. The
example is one that many notes use. Its printed loss, 0.000 at three decimals, hides what went
wrong: half of the error that is left is not noise.
"""

# %%
# A thousand samples, each with ten neighbouring points of a line from 0 to 1. The target is the
# mean of their sigmoids, plus noise that is uniform between 0 and 0.05. The noise cannot be
# learned. Its mean, 0.025, can; its variance is 0.05² / 12, and no prediction has a smaller mean
# squared error.

import matplotlib.pyplot as plt
import torch
from torch import nn

from handbook.batches import MiniBatches
from handbook.device import get_device
from handbook.plots import GREY, STYLE, TRAINING, TRUTH
from handbook.seeding import make_generator
from handbook.training import fit, predict

plt.style.use(STYLE)
device = get_device()

batch_size, learning_rate, epochs, noise_width = 16, 1e-3, 100, 0.05
generator = make_generator(0)
inputs = torch.linspace(0, 1, 10_000).reshape(-1, 10)  # (N, D) = (1000, 10)
truth = torch.sigmoid(inputs).mean(dim=1, keepdim=True) + noise_width / 2  # (N, 1)
noise = noise_width * (torch.rand(1000, 1, generator=generator) - 0.5)
targets = truth + noise

# %%
# The four things to load. The weights are drawn from a generator of their own, by PyTorch's rule
# for linear layers.

model = nn.Sequential(
    nn.Linear(10, 128), nn.Sigmoid(), nn.Linear(128, 128), nn.Sigmoid(), nn.Linear(128, 1)
)
with torch.no_grad():
    for layer in model:
        if isinstance(layer, nn.Linear):
            bound = layer.in_features**-0.5
            layer.weight.uniform_(-bound, bound, generator=generator)
            layer.bias.uniform_(-bound, bound, generator=generator)
model.to(device)
batches = MiniBatches(inputs, targets, batch_size=batch_size)  # in order: never shuffled
optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate)
loss = nn.MSELoss()

history = fit(model, loss, optimizer, batches, epochs=epochs)

# %%
# The error on the points that it was trained on, taken apart. Noise and miss do not know of each
# other, so the mean squared error is nearly the sum of the two.

prediction = predict(model, inputs).cpu()
error = (prediction - targets).square().mean().item()
miss = (prediction - truth).square().mean().item()
floor = noise.square().mean().item()
print(f"{history.steps[-1]} steps in {len(history)} epochs")
print(f"printed with three decimals: {error:.3f}")
print(f"noise alone: {floor:.1e}; 0.05² / 12 = {noise_width**2 / 12:.1e}")
print(f"mean squared error: {error:.1e} = miss {miss:.1e} + noise, up to chance")
assert error > 1.5 * floor
assert abs(error - miss - floor) < 0.2 * error

fig, (above, below) = plt.subplots(2, 1, sharex=True, figsize=(6.4, 6.8))
row = torch.arange(1000)
above.plot(row, targets, ".", color=GREY, markersize=2, label="targets, with noise")
above.plot(row, truth, color=TRUTH, label="truth")
above.plot(row, prediction, color=TRAINING, linestyle="--", label="prediction")
above.set_ylabel("y (dimensionless)")
above.set_title("The prediction looks right", fontsize=13)
above.legend(loc="upper left", markerscale=4)
below.plot(row, (prediction - targets).abs(), ".", color=GREY, markersize=2, label="to the targets")
below.plot(row, (prediction - truth).abs(), color=TRAINING, label="to the truth")
below.axhline(floor**0.5, color=TRUTH, linestyle=":", label="standard deviation of the noise")
below.set_ylim(0, 0.12)
below.set_xlabel("row of the sample")
below.set_ylabel("absolute error (dimensionless)")
below.set_title("The first rows are off: the last steps saw the last rows")
below.legend(loc="upper left", markerscale=4)

# %%
# The lower line should lie near 0: noise is gone when you compare with the truth. It does not. The
# samples came in the order of their rows, so the last steps of each epoch saw large targets only,
# and the small ones were forgotten.
#
# Change this and see
# -------------------
# - Pass ``generator=make_generator(1)`` to ``MiniBatches``: the samples are shuffled, the error is
#   nearly that of the noise, and the assertion that it is 1.5 times as large fails.
# - Set ``noise_width`` to 0: what is left is all miss, about an eighth of what it was. The order
#   does most harm where the targets are noisy, because the last ones count most.
# - Set ``batch_size`` to 1000: one step for each epoch. A hundred steps are not enough, whatever
#   the order.

plt.show()
