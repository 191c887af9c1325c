"""
What does a crash leave of a checkpoint?
========================================

A process may be killed at any moment, also while it writes its checkpoint. What is then on the
disk? Let a writer die after any number of bytes, once with a plain write over the old file, and
once with the steps of an atomic write, and look what can be read.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from torch import nn

from handbook.checkpoints import read_checkpoint, save_checkpoint
from handbook.plots import BLUE, GREY, STYLE, VERMILLION
from handbook.seeding import make_generator

plt.style.use(STYLE)

# %%
# Two checkpoints of one training: the old one, after epoch 1, and the new one, after epoch 2.

folder = Path(tempfile.mkdtemp())
model = nn.Linear(40, 40)
with torch.no_grad():
    model.weight.copy_(torch.randn(40, 40, generator=make_generator(0)))
content = {}
for epoch in (1, 2):
    save_checkpoint(folder / "made.pt", model, epoch=epoch)
    content[epoch] = (folder / "made.pt").read_bytes()


# %%
# Each writer does its steps one after the other and dies after ``n_bytes`` of the new content. The
# atomic one writes to a second file, and only when that is complete does it change the name.


def die_while_overwriting(path, n_bytes):
    """Write over the old file, and stop in the middle."""
    with open(path, "wb") as file:  # the old content is gone here
        file.write(content[2][:n_bytes])


def die_while_replacing(path, n_bytes):
    """Write beside the old file, and stop in the middle."""
    temporary = path.with_suffix(".tmp")
    temporary.write_bytes(content[2][:n_bytes])
    if n_bytes == len(content[2]):
        temporary.replace(path)


def epoch_on_disk(die, n_bytes):
    """Return the epoch of the checkpoint that a crash leaves, 0 for none."""
    path = folder / "last.pt"
    path.write_bytes(content[1])
    die(path, n_bytes)
    try:
        return read_checkpoint(path).epoch
    except ValueError:
        return 0  # no checkpoint any more


shares = [i / 40 for i in range(41)]
found = {
    die: [epoch_on_disk(die, int(share * len(content[2]))) for share in shares]
    for die in (die_while_overwriting, die_while_replacing)
}
lost = sum(epoch == 0 for epoch in found[die_while_overwriting])
print(f"plain write: nothing can be read after {lost} of {len(shares)} crashes")
print(f"atomic write: nothing can be read after {found[die_while_replacing].count(0)}")
assert lost == len(shares) - 1
assert found[die_while_replacing] == [1] * 40 + [2]

# %%
# The plain write loses the old file before it has the new one: for as long as it writes, there is
# no checkpoint at all. The atomic one always leaves a whole file. (A real writer has one more duty,
# which no simulated crash shows: to wait with ``fsync`` until the bytes are on the disk before it
# changes the name.)

fig, ax = plt.subplots(figsize=(6.4, 4.6))
percent = [100 * share for share in shares]
ax.plot(percent, found[die_while_overwriting], "x", color=VERMILLION, label="plain write")
ax.plot(percent, found[die_while_replacing], "o", color=BLUE, label="atomic write", markersize=5)
ax.axhline(0, color=GREY, linewidth=1, zorder=0)
ax.set_yticks([0, 1, 2], ["none", "old", "new"])
ax.set_ylim(-0.4, 2.6)
ax.set_title("A crash in a plain write leaves nothing,\nin an atomic one the old checkpoint")
ax.set_xlabel("share of the new file written at the crash (%)")
ax.set_ylabel("checkpoint that can be read")
ax.legend(loc="upper left")

# %%
# Change this and see
# -------------------
#
# Where the finding goes away, the ``assert`` lines above say so: take them out first.
#
# - Let ``die_while_overwriting`` open the file with mode ``"r+b"``, which keeps the old bytes that
#   are not yet overwritten. The file then has the right length, and the old end behind the new
#   beginning. Its checksums tell; ``torch.load`` alone does not look at them.
# - Let ``die_while_replacing`` change the name first and write afterwards: it is no better than the
#   plain write.

plt.show()
