"""
Do two processes learn what one does?
=====================================

Several processes can share the work of one batch: each computes the gradient of its share, and the
gradients are averaged. When is that the gradient of the whole batch? This script trains by itself,
or in several processes. Start it as you like, and compare what it prints::

    python plot_shares_of_a_batch.py
    torchrun --nproc-per-node 2 plot_shares_of_a_batch.py
"""

import matplotlib.pyplot as plt
import torch
from torch import nn

from handbook.batches import mini_batches
from handbook.distributed import (
    SharedMean,
    SharedModel,
    combine_gradients,
    process_group,
    share_of_batch,
)
from handbook.plots import BLUE, STYLE, VERMILLION
from handbook.seeding import make_generator
from handbook.training import fit

plt.style.use(STYLE)

# %%
# The same fit, whatever the number of processes
# ----------------------------------------------
#
# Each process draws the same batches, because the generator starts at the same seed in each.
# ``SharedModel`` takes this process's rows of a batch, ``SharedMean`` takes the mean over all
# processes. The last of the batches has 3 samples: one share is then longer than the other.

x = torch.randn(35, 3, generator=make_generator(0), dtype=torch.float64)
y = x.sum(dim=1, keepdim=True).sin()


def network():
    """Make the same network in every process."""
    model = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1)).double()
    generator = make_generator(1)
    with torch.no_grad():
        for parameter in model.parameters():
            draws = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
            parameter.copy_(0.5 * draws)
    return model


with process_group("gloo") as group:
    model = SharedModel(network(), group)
    order = make_generator(2)
    history = fit(
        model,
        SharedMean(nn.MSELoss(), group),
        torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9),
        lambda: mini_batches(x, y, batch_size=8, generator=order),
        epochs=20,
        device="cpu",
    )
    if group.is_first:
        number = "1 process" if group.size == 1 else f"{group.size} processes"
        weights = [f"{weight:.6f}" for weight in model.whole_batch_model[2].weight[0, :3].tolist()]
        print(f"{number}: loss {history.losses[-1]:.6f}, first weights {', '.join(weights)}")

# %%
# What the average has to weigh
# -----------------------------
#
# Split one batch of 16 into two shares, in all ways. The plain average of the two mean
# gradients is that of the batch only for equal shares; weighted by samples, it always is.

whole_model = network()
inputs, targets = x[:16], y[:16]


def gradient(rows):
    """Return the gradient of the mean loss over some rows."""
    loss = nn.functional.mse_loss(whole_model(inputs[rows]), targets[rows])
    return torch.autograd.grad(loss, whole_model[0].weight)[0]


whole = gradient(slice(0, 16))
sizes = list(range(1, 16))
plain, weighted = [], []
for size in sizes:
    parts = [gradient(slice(0, size)), gradient(slice(size, 16))]
    average = torch.stack(parts).mean(dim=0)
    combined = combine_gradients(parts, [size, 16 - size])
    plain.append(((average - whole).norm() / whole.norm()).item())
    weighted.append(((combined - whole).norm() / whole.norm()).item())
if group.is_first:
    print(f"equal shares, plain average: error below 1e-12: {plain[7] < 1e-12}")
    print(f"any shares, weighted: errors below 1e-12: {max(weighted) < 1e-12}")
    print(f"shares of 1 and 15, plain average: error above 10 %: {plain[0] > 0.1}")
assert plain[7] < 1e-12
assert max(weighted) < 1e-12
assert plain[0] > 0.1
assert share_of_batch(3, 0, 2) == slice(0, 1)

fig, ax = plt.subplots(figsize=(6.4, 4.6))
ax.plot(sizes, [100 * e for e in plain], "s--", color=VERMILLION, label="plain average")
ax.plot(sizes, [100 * e for e in weighted], "o-", color=BLUE, label="weighted by samples")
ax.set_title("Averaged gradients equal that of the batch\nif each counts by its samples")
ax.set_xlabel("samples in the first share (of 16)")
ax.set_ylabel("error of the gradient (%)")
ax.legend(loc="upper center")

# %%
# Change this and see
# -------------------
#
# - Give ``make_generator`` the seed ``group.rank`` where ``order`` is made: the processes then cut
#   their shares out of different batches, and two processes print another loss than one.
# - Start it with ``--nproc-per-node 4``: of the last batch, with 3 samples, one process gets
#   nothing. The numbers stay.
# - Replace ``SharedMean(nn.MSELoss(), group)`` by ``nn.MSELoss()``: alone, nothing changes; two
#   processes stop, because the output has fewer rows than the target.

plt.show()
