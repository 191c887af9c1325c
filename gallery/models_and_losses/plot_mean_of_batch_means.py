"""
Is the mean of the batch means the mean?
========================================

A loss is reported for each batch, as a mean. At the end of the epoch you average these numbers. If
the last batch is short, its few samples count more than all others, and the result depends on the
order of the data.
"""

import matplotlib.pyplot as plt
import torch

from handbook.datasets import load_wine
from handbook.device import get_device
from handbook.losses import mse_loss
from handbook.plots import BLUE, STYLE, TRUTH, VERMILLION
from handbook.seeding import make_generator

plt.style.use(STYLE)
device = get_device()

# %%
# A model whose loss is known
# ---------------------------
#
# Predict the alcohol of a wine from its twelve other measurements, by least squares. Nothing is
# trained from here on. The model has one mean squared error on the 178 wines, and every way to
# evaluate it should find that number.

wine = load_wine()
inputs = wine.inputs.double()
alcohol, others = inputs[:, :1], inputs[:, 1:]
others = (others - others.mean(0)) / others.std(0)
others = torch.cat([others, torch.ones(len(others), 1, dtype=torch.float64)], dim=1)
weights = torch.linalg.lstsq(others, alcohol).solution  # (13, 1)
prediction, target = (others @ weights).to(device), alcohol.to(device)  # (178, 1)
whole = mse_loss(prediction, target).item()
print(f"on all {len(target)} wines: {whole:.3f} (% by volume) squared")

# %%
# Batches of 59 wines
# -------------------
#
# 178 = 3 · 59 + 1. The fourth batch is a single wine, with a quarter of the say. Evaluate the same
# model in 200 orders, and average in two ways: plainly, and weighted by the size of the batch.

BATCH_SIZE = 59
plain, weighted = [], []
for seed in range(200):
    order = torch.randperm(len(target), generator=make_generator(seed)).to(device)
    batches = order.split(BATCH_SIZE)
    sizes = torch.tensor([len(batch) for batch in batches], dtype=torch.float64)
    means = torch.tensor(
        [mse_loss(prediction[batch], target[batch]) for batch in batches], dtype=torch.float64
    )
    plain.append(means.mean().item())
    weighted.append(((sizes * means).sum() / sizes.sum()).item())

plain, weighted = torch.tensor(plain), torch.tensor(weighted)
print(f"mean of means:  from {plain.min():.3f} to {plain.max():.3f}")
print(f"weighted means: from {weighted.min():.3f} to {weighted.max():.3f}")
assert (weighted - whole).abs().max() < 1e-6
assert plain.max() > 2 * whole
assert plain.min() < 0.8 * whole

# %%
# The plain mean is not biased: over all orders it averages to the right number. But one order is
# what you look at, and its last wine decides. An epoch that looks worse than the one before may
# have drawn an odd wine last.

print(f"average of the 200 plain means: {plain.mean():.2f}")
assert abs(plain.mean().item() - whole) < 0.1 * whole

fig, ax = plt.subplots()
ax.plot(plain.sort().values, "o", markersize=4, color=VERMILLION, label="mean of the batch means")
ax.plot(weighted, color=BLUE, linestyle="-", label="weighted by batch size")
ax.axhline(whole, color=TRUTH, linestyle=":", label="all 178 wines at once")
ax.set_title("The same model in 200 orders: a last batch\nof one wine can double its loss")
ax.set_xlabel("order of the data, sorted by result")
ax.set_ylabel("mean squared error (% by volume)²")
ax.set_ylim(0, None)
ax.legend(loc="upper left")

# %%
# Change this and see
# -------------------
#
# - Set ``BATCH_SIZE = 89``: two full batches. Both means agree, and the assertions that they differ
#   fail.
# - Set ``BATCH_SIZE = 60``: the last batch has 58 wines, and the plain mean is right to a few
#   per cent, so the same assertions fail.
# - Drop the last batch where it is short, as ``drop_last=True`` of a data loader does: the mean of
#   means is then that of 177 wines, another set in each order.

plt.show()
