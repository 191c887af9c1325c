"""
Slices or single samples: what does a batch cost?
=================================================

For data that are in memory already, cutting batches out of the tensors is many times as fast as
the default loader. The loader asks for each sample by itself, and stacks them again.
"""

# %%
# The two ways give the same batches. To see why one is slower, count the function calls of one
# epoch: Python reports each of them to a profiler.

import gc
import sys
import time

import matplotlib.pyplot as plt
import torch
from torch.utils.data import DataLoader, TensorDataset

from handbook.batches import mini_batches, number_of_batches
from handbook.device import get_device
from handbook.plots import BLUE, STYLE, VERMILLION
from handbook.seeding import make_generator

plt.style.use(STYLE)
device = get_device()

# %%
# A thousand samples with ten features each.

inputs = torch.linspace(0, 1, 10_000).reshape(-1, 10)
targets = torch.sigmoid(inputs).mean(dim=1, keepdim=True)
dataset = TensorDataset(inputs, targets)
n_samples = len(inputs)


def slices(batch_size):
    """Go through one epoch of shuffled slices."""
    return list(mini_batches(inputs, targets, batch_size=batch_size, generator=make_generator(0)))


def loader(batch_size):
    """Go through one epoch of the default loader, shuffled too."""
    generator = make_generator(0)
    return list(DataLoader(dataset, batch_size=batch_size, shuffle=True, generator=generator))


def count_calls(epoch, batch_size):
    """Count the functions, Python's and C's, that one epoch calls."""
    calls = 0

    def count(frame, event, argument):
        nonlocal calls
        calls += event in ("call", "c_call")

    epoch(batch_size)  # what happens only the first time does not count
    gc.collect()
    gc.disable()  # the collector calls functions when it likes
    before = sys.getprofile()
    sys.setprofile(count)
    try:
        epoch(batch_size)
    finally:
        sys.setprofile(before)
        gc.enable()
    return calls


batch_sizes = (1, 4, 16, 64, 250, 1000)
counts = {way: [count_calls(way, size) for size in batch_sizes] for way in (slices, loader)}
for k, size in enumerate(batch_sizes):
    steps = number_of_batches(n_samples, size)
    more = counts[loader][k] / counts[slices][k]
    print(
        f"batch size {size:>4}: {steps:>4} steps, loader calls at least {int(more)} times as often"
    )


# %%
# Time follows the calls. The number of seconds belongs to the machine and to the moment; that one
# way is at least three times as fast does not.


def fastest(epoch, batch_size):
    """Return the seconds of the fastest of several epochs."""
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        epoch(batch_size)
        seconds.append(time.perf_counter() - start)
    return min(seconds)


ratio = fastest(loader, 16) / fastest(slices, 16)
print(f"batch size 16: slices at least 3 times as fast: {ratio >= 3}")

fig, ax = plt.subplots(figsize=(6.4, 4.4))
ax.loglog(
    batch_sizes,
    counts[loader],
    color=VERMILLION,
    linestyle="-",
    marker="o",
    label="default loader: at least one call per sample",
)
ax.loglog(
    batch_sizes,
    counts[slices],
    color=BLUE,
    linestyle="--",
    marker="s",
    label="slices: a few calls per batch",
)
ax.set_xticks(batch_sizes, [str(size) for size in batch_sizes])
ax.minorticks_off()
ax.set_ylim(top=8 * max(counts[loader]))
ax.set_xlabel("batch size (samples, log scale)")
ax.set_ylabel("function calls in an epoch\n(count, log scale)")
ax.set_title(
    "A loader pays for every sample, slices for every batch:\nthe cost of the loader has a floor"
)
ax.legend(loc="upper right")

# %%
# The loader's curve levels off: however large the batch, each sample is asked for by itself. That
# is the price of a data set that may be anything, such as images that are decoded one by one. There
# the decoding takes far longer than the calls, and workers share it. For a table in memory, nothing
# remains to share.
#
# Change this and see
# -------------------
# - Call ``list(DataLoader(...))`` with ``batch_size=None`` and
#   ``sampler=torch.randperm(n_samples).split(16)``: each sample is now a whole batch of indices,
#   and most of the calls are gone.
# - Give ``TensorDataset`` four more tensors: the loader makes more calls for each sample, the
#   slices a few more for each batch.
# - Put ``time.sleep(0.001)`` into ``__getitem__`` of a data set of your own, as if it read a file:
#   the calls are then a small part of the loader's time, and ``num_workers=2`` begins to pay.

plt.show()
