r"""
In training, a sample's output depends on its batch
===================================================

Batch normalisation measures mean and variance on the batch. Put the same sample into many random
batches and it comes out differently each time. How large is this noise, and how does it depend on
the size of the batch?
"""

# %%
# The same digit in a thousand batches
# ------------------------------------
# A random linear layer turns the 64 pixels of each digit into 32 features. Ten digits are followed:
# each is put into random batches of the other digits, and the standard deviation of its normalised
# features is taken over the batches.

import matplotlib.pyplot as plt
import torch

from handbook.datasets import load_digits
from handbook.device import get_device
from handbook.normalization import batch_norm
from handbook.plots import BLUE, GREY, STYLE
from handbook.seeding import make_generator

plt.style.use(STYLE)
device = get_device()

generator = make_generator(0)
digits = load_digits().inputs
projection = torch.randn(64, 32, generator=generator) / 64**0.5
features = (digits / digits.std() @ projection).to(device)
followed, sizes, n_batches = range(10), [2, 4, 8, 16, 32, 64, 128, 256], 200

noise = torch.empty(len(followed), len(sizes))
for j, size in enumerate(sizes):
    others = torch.randint(10, len(features), (n_batches, size - 1), generator=generator)
    for i in followed:
        rows = torch.cat([torch.full((n_batches, 1), i), others], dim=1)
        batches = features[rows.to(device)]  # (batches, N, features)
        # Batches side by side are channels of their own: one call normalises all of them.
        side_by_side = batches.permute(1, 0, 2).reshape(size, -1)
        outputs = batch_norm(side_by_side, None, None, training=True)[0].reshape(n_batches, -1)
        noise[i, j] = outputs.std(0).mean().cpu()

middle = noise.mean(0)
for size, value in zip(sizes, middle.tolist(), strict=True):
    print(f"batch of {size:3}: noise {value:.2f}")
large = slice(sizes.index(8), None)
logs = torch.tensor(sizes[large]).log(), middle[large].log()
slope = ((logs[0] - logs[0].mean()) * (logs[1] - logs[1].mean())).sum()
slope = (slope / ((logs[0] - logs[0].mean()) ** 2).sum()).item()
print(f"from 8 on, the noise falls like N to the power of {slope:.1f}")
assert -0.65 < slope < -0.45

fig, ax = plt.subplots()
for row in noise:
    ax.plot(sizes, row, color=BLUE, linestyle="-", lw=1, alpha=0.6)
ax.plot([], [], color=BLUE, linestyle="-", lw=1, label="ten digits")
reference = middle[-1] * (256 / torch.tensor(sizes)) ** 0.5
ax.plot(sizes, reference, color=GREY, linestyle="--", label=r"$1 / \sqrt{N}$")
ax.set_xscale("log", base=2)
ax.set_yscale("log")
ax.set_xticks(sizes, sizes)
ax.set_yticks([0.05, 0.1, 0.2, 0.5, 1], ["0.05", "0.1", "0.2", "0.5", "1"])
ax.minorticks_off()
ax.set_xlabel("batch size N (logarithmic)")
ax.set_ylabel("noise of a feature (logarithmic)")
ax.legend(loc="lower left")
ax.set_title("Four times the batch, half the noise")

# %%
# A batch of two is a case of its own: whatever the two numbers are, they become −1 and 1. The
# sample keeps one bit, on which side of the other it was.

pair = batch_norm(features[:2], None, None, training=True, eps=1e-12).abs()
assert torch.allclose(pair, torch.ones_like(pair), atol=1e-3)
print(f"in a batch of two every number becomes {pair.min():.1f} in size")

# %%
# Change this and see
# -------------------
#
# - Replace ``batch_norm(side_by_side, None, None, training=True)`` by
#   ``torch.nn.functional.layer_norm(batches, (32,))[:, 0]``, without the index and the reshape
#   after it: the noise is exactly 0, and its logarithm cannot be drawn.
# - Replace ``projection`` by ``torch.eye(64)[:, 20:52]``, the pixels themselves: many are nearly
#   always black, and the noise is no longer as regular.
# - Raise ``n_batches`` to 1000: the curves get smoother and stay where they are.

plt.show()
