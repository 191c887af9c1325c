r"""
Does pooling make a network blind to shifts?
============================================

Only to some of them. A shift inside a window does nothing to its maximum. But windows stand still
while the image moves, and with a stride of 2 the numbers that come out of an image and of the same
image one pixel further on can be quite different. A small blur before the stride helps.
"""

# %%
# One pixel to the right
# ----------------------
# All 1797 handwritten digits are put on a larger sheet, enlarged to twice their size so that a
# pixel is a small step, and moved by 0 to 4 pixels. A representation that moves with the image is
# fine: after a shift by 2 (the stride) the pooled image has just moved by one cell. So each
# output is moved back by the fitting fraction of a cell first, and what is left over is the
# change that the pooling itself made.

import matplotlib.pyplot as plt
import torch

from handbook.convolution import conv2d
from handbook.datasets import load_digits
from handbook.device import get_device
from handbook.plots import BLUE, GREEN, PURPLE, STYLE, VERMILLION, plot_matrix
from handbook.pooling import avg_pool2d, max_pool2d
from handbook.unfolding import conv_transpose2d

plt.style.use(STYLE)
device = get_device()

digits = load_digits().inputs.reshape(-1, 1, 8, 8).to(device) / 16
tent = torch.tensor([0.25, 0.75, 0.75, 0.25], device=device)  # bilinear, twice the size
large = conv_transpose2d(digits, torch.outer(tent, tent)[None, None], stride=2, padding=1)
sheet = torch.zeros(len(large), 1, 32, 32, device=device)
sheet[:, :, 8:24, 8:24] = large

binomial = torch.tensor([1.0, 2.0, 1.0], device=device) / 4
blur = torch.outer(binomial, binomial)[None, None]
ways = {
    "every 2nd pixel": lambda x: x[..., ::2, ::2],
    "max, stride 2": lambda x: max_pool2d(x, 2),
    "mean, stride 2": lambda x: avg_pool2d(x, 2),
    "max, blur, stride 2": lambda x: conv2d(max_pool2d(x, 2, 1), blur, stride=2, padding=1),
}


def best_fit(moved, reference):
    """Return the part of ``moved`` that no shift by 0 to 1 cells explains."""
    inner = slice(2, -2)
    near = reference[..., inner]
    further = reference.roll(1, dims=-1)[..., inner]
    target = moved[..., inner]
    shares = torch.linspace(0, 1, 11, device=device)
    left = [(target - (1 - s) * near - s * further).flatten(1).norm(dim=1) for s in shares]
    return torch.stack(left).amin(dim=0) / near.flatten(1).norm(dim=1)


changes = {}
print("left over after a shift by one pixel, mean over 1797 digits")
for name, way in ways.items():
    reference = way(sheet)
    by_shift = [
        best_fit(way(sheet.roll(n, dims=-1)), reference.roll(n // 2, dims=-1)) for n in range(5)
    ]
    changes[name] = torch.stack(by_shift)
    print(f"{name:20} {changes[name][1].mean():.2f}")

assert (changes["max, stride 2"][2] < 1e-5).all()  # a shift by the stride moves one cell
assert changes["max, stride 2"][1].mean() > 1.5 * changes["max, blur, stride 2"][1].mean()
assert changes["every 2nd pixel"][1].mean() > changes["mean, stride 2"][1].mean()

# %%
# One row of one digit
# --------------------
# A row through a 3, pooled at five shifts; the numbers are ten times the ink. Odd shifts have other
# numbers than even ones, not just the same ones further right.

row = sheet[3:4, :, 14:16]
shifted = [max_pool2d(row.roll(n, dims=-1), 2)[0, 0, 0, 3:13] for n in range(5)]
fig, ax = plt.subplots(figsize=(6.0, 3.4))
plot_matrix(10 * torch.stack(shifted), cmap="Greys", limits=(0, 10), ax=ax)
ax.set(title="Odd shifts give other numbers than even ones", xlabel="cell of the pooled row",
       ylabel="shift (pixels)")  # fmt: skip
assert not torch.equal(shifted[0], shifted[1])
assert torch.equal(shifted[0][:-1], shifted[2][1:])

# %%
# All digits
# ----------
# Every way comes back to 0 at a shift by 2 and by 4, and changes in between. The pale bands hold
# the middle half of the digits.

fig, ax = plt.subplots(figsize=(6.0, 4.6))
styles = ((GREEN, "-.", "^"), (VERMILLION, "--", "s"), (BLUE, "-", "o"), (PURPLE, ":", "D"))
for (name, change), (color, line, marker) in zip(changes.items(), styles, strict=True):
    low, high = (change.quantile(q, dim=1).cpu() for q in (0.25, 0.75))
    ax.fill_between(range(5), low, high, color=color, alpha=0.15, linewidth=0)
    ax.plot(range(5), change.mean(dim=1).cpu(), color=color, linestyle=line, marker=marker,
            label=name)  # fmt: skip
ax.set(
    title="A shift by one pixel changes what is pooled;\na blur before the stride calms it",
    xlabel="shift (pixels)",
    ylabel="change that is no shift (share)",
    xticks=range(5),
)
ax.set_ylim(0, 1.45 * float(changes["every 2nd pixel"].quantile(0.75, dim=1).max()))
ax.legend(ncols=2, loc="upper left")

# %%
# Change this and see
# -------------------
# - Replace ``blur`` by one with five cells, from ``[1, 4, 6, 4, 1] / 16`` and with ``padding=2``:
#   the change shrinks further, and so does the detail.
# - Let the windows overlap, ``max_pool2d(x, 3, 2, 1)`` in place of ``max_pool2d(x, 2)``: its
#   change gets smaller, and the assertion that the blur is far better fails.
# - Make the blur do nothing, ``[0.0, 4.0, 0.0]``: the fourth way changes as much as the second, and
#   the assertion says so.

plt.show()
