"""
Which samples are in which batch?
=================================

An epoch deals all samples into batches like a pack of cards: each is dealt once, and the last batch
takes what is left. Drawing every batch by itself would not do the same.
"""

# %%
# The order is shuffled anew for every epoch. A batch that is drawn without looking at the others,
# with replacement, knows nothing of what came before: some samples come twice, others not at all.

import matplotlib.pyplot as plt
import torch

from handbook.batches import mini_batches, number_of_batches
from handbook.device import get_device
from handbook.plots import BLUE, SEQUENTIAL, STYLE, TRUTH, VERMILLION
from handbook.seeding import make_generator

plt.style.use(STYLE)
device = get_device()

# %%
# The rows are numbers, so that a batch says which samples are in it.

n_samples, batch_size, n_epochs = 23, 5, 4
rows = torch.arange(n_samples, device=device)
generator = make_generator(0)

batch_of = torch.zeros(n_epochs, n_samples, dtype=torch.int64)
for epoch in range(n_epochs):
    batches = mini_batches(rows, batch_size=batch_size, generator=generator)
    for number, (batch,) in enumerate(batches, start=1):
        batch_of[epoch, batch.cpu()] = number
    seen = batch_of[epoch].bincount()[1:].tolist()
    print(f"epoch {epoch + 1}: samples in each batch {seen}, together {sum(seen)}")

n_steps = number_of_batches(n_samples, batch_size)
print(f"steps in an epoch: {n_steps}, and {n_samples} / {batch_size} = {n_samples / batch_size}")
assert bool((batch_of > 0).all())  # every sample, every epoch

# %%
# The same number of draws with replacement, for comparison. A sample is missed by all n draws of
# an epoch with probability (1 − 1/n)ⁿ, which is close to 1/e.

drawn = torch.randint(n_samples, (n_epochs, n_samples), generator=generator)
visits = torch.stack([row.bincount(minlength=n_samples) for row in drawn])
missed = (visits == 0).float().mean().item()
expected = (1 - 1 / n_samples) ** n_samples
print(f"with replacement, missed per epoch: {missed:.0%}, expected {expected:.0%}")

fig, (top, bottom) = plt.subplots(
    2, 1, figsize=(6.8, 6.0), sharex=True, gridspec_kw={"height_ratios": [3, 2]}
)
top.imshow(batch_of, cmap=SEQUENTIAL, aspect="auto", vmin=1, vmax=n_steps)
for (epoch, sample), number in zip(
    torch.cartesian_prod(torch.arange(n_epochs), torch.arange(n_samples)).tolist(),
    batch_of.flatten().tolist(),
    strict=True,
):
    last = number == n_steps
    label = top.text(
        sample,
        epoch,
        str(number),
        ha="center",
        va="center",
        fontsize=11,
        fontweight="bold" if last else "normal",
        color="black" if number > n_steps / 2 else "white",
    )
    label.set_gid("keep-color")
top.set_yticks(range(n_epochs), [str(epoch + 1) for epoch in range(n_epochs)])
top.set_ylabel("epoch")
top.grid(visible=False)
top.set_title(
    f"Each epoch deals every sample into one of {n_steps} batches;\n"
    f"batch {n_steps}, in bold, takes the {seen[-1]} that are left"
)

bottom.bar(
    range(n_samples),
    visits.sum(dim=0),
    color=VERMILLION,
    label="drawn with replacement",
    hatch="//",
    edgecolor="white",
)
bottom.axhline(n_epochs, color=BLUE, label="dealt: each sample once per epoch")
bottom.set_ylim(0, visits.sum(dim=0).max().item() + 3)
bottom.set_xlabel("sample (row of the table)")
bottom.set_ylabel(f"visits in\n{n_epochs} epochs (count)")
bottom.legend(loc="upper left", ncols=2, fontsize=10)
for axes in (top, bottom):
    axes.tick_params(color=TRUTH)

# %%
# Above, every row of the picture holds every sample once, and no two rows are alike. Below, what
# independent draws do in the same number of steps: some samples are seen many times as often as
# others. With more epochs the shares even out; in any one epoch about a third is still missed.
#
# Change this and see
# -------------------
# - Set ``batch_size = 23``: one batch. Then nothing is left to shuffle, except the order inside it.
# - Pass ``drop_last=True`` to ``mini_batches`` and remove the ``assert``: three samples are in no
#   batch, other ones in each epoch. They are shown as batch 0.
# - Leave out ``generator=generator``: all epochs are alike, and samples that are neighbours in the
#   file always meet in the same batch.

plt.show()
