r"""
Why do enlarged images get checkerboards?
=========================================

A transposed convolution lets every number paint a window, and adds the windows up. Where the
kernel's size is no multiple of the stride, some pixels lie in more windows than their neighbours.
They come out brighter in a regular pattern, whatever the image shows.
"""

# %%
# Count the windows
# -----------------
# Fold columns of ones: each pixel of the result says how many windows it lies in. With a kernel of
# 3 and a stride of 2 these are 1, 2 or 4. With a kernel of 4 every pixel (away from the rim) lies
# in 4.

import matplotlib.pyplot as plt
import torch

from handbook.convolution import conv2d
from handbook.datasets import load_photograph
from handbook.device import get_device
from handbook.images import to_grey
from handbook.plots import BLUE, GREEN, STYLE, VERMILLION, plot_image, plot_matrix
from handbook.seeding import make_generator
from handbook.unfolding import conv_transpose2d, fold

plt.style.use(STYLE)
device = get_device()

fig, axs = plt.subplots(1, 2, figsize=(6.0, 3.5))
for ax, kernel_size, size in ((axs[0], 3, 9), (axs[1], 4, 10)):
    ones = torch.ones(kernel_size**2, 16, device=device)
    windows = fold(ones, size, kernel_size, stride=2)[0]
    inner = windows[3:-3, 3:-3]
    print(f"kernel {kernel_size}, stride 2: windows over an inner pixel", end=" ")
    print(sorted({int(number) for number in inner.flatten().tolist()}))
    plot_matrix(windows, limits=(0, 5), ax=ax)
    even = "even" if inner.min() == inner.max() else "uneven"
    ax.set(title=f"kernel {kernel_size}: {even}", xlabel="", ylabel="", xticks=[], yticks=[])
fig.suptitle("Windows over each pixel at stride 2", x=0.02, ha="left")

# %%
# On a photograph
# ---------------
# A part of the photograph is made half as large, and enlarged again in three ways: by a transposed
# convolution with 3 × 3 equal weights, with 4 × 4 equal weights, and with the 4 × 4 weights of
# linear interpolation. Each is scaled to keep the mean brightness.

grey = to_grey(load_photograph("china"))[:, 60:140, 120:220].to(device)
small = conv2d(grey, torch.full((1, 1, 2, 2), 0.25, device=device), stride=2)
tent = torch.tensor([0.25, 0.75, 0.75, 0.25], device=device)
kernels = {
    "3 × 3, equal": (torch.full((3, 3), 4 / 9, device=device), 1, 1),
    "4 × 4, equal": (torch.full((4, 4), 1 / 4, device=device), 1, 0),
    "4 × 4, linear": (torch.outer(tent, tent), 1, 0),
}


def checkerboard(image):
    """Return how far the four kinds of pixels (odd, even) differ in their mean, in percent."""
    inside = image[..., 4:-4, 4:-4]
    means = torch.stack([inside[..., i::2, j::2].mean() for i in (0, 1) for j in (0, 1)])
    return 100 * (means.max() - means.min()) / means.mean().abs()


fig, axs = plt.subplots(2, 2, figsize=(6.0, 5.6))
plot_image(grey, ax=axs[0, 0])
axs[0, 0].set_title(f"original ({checkerboard(grey):.0f} %)")
found = {}
for ax, (name, (kernel, padding, more)) in zip(axs.flat[1:], kernels.items(), strict=True):
    enlarged = conv_transpose2d(
        small, kernel[None, None], stride=2, padding=padding, output_padding=more
    )
    assert enlarged.shape == grey.shape
    found[name] = checkerboard(enlarged).item()
    print(f"{name:14} odd and even pixels differ by {found[name]:.0f} %")
    plot_image(enlarged, ax=ax)
    ax.set_title(f"{name} ({found[name]:.0f} %)")
fig.suptitle("A kernel of 3 at stride 2 paints a grid", x=0.02, ha="left")
assert found["3 × 3, equal"] > 100
assert found["4 × 4, linear"] < 2

# %%
# With random weights
# -------------------
# A kernel that the stride divides *can* be even, and linear weights are. Before training the
# weights are random, and then both sizes have a grid. An image enlarged first and convolved after
# has none: every pixel is made by the same weights. Measured on a white image, twenty sets of
# weights each.

generator = make_generator(0)
white = torch.ones(1, 1, 16, 16, device=device)
ways = {
    "kernel 3,\nstride 2": lambda w: conv_transpose2d(white, w[..., :3, :3], stride=2),
    "kernel 4,\nstride 2": lambda w: conv_transpose2d(white, w, stride=2),
    "enlarge,\nthen convolve": lambda w: conv2d(
        white.repeat_interleave(2, -1).repeat_interleave(2, -2), w[..., :3, :3]
    ),
}
spreads = {}
for name, way in ways.items():
    drawn = []
    for _ in range(20):
        weight = torch.rand(1, 1, 4, 4, generator=generator).to(device)
        drawn.append(checkerboard(way(weight)).item())
    spreads[name] = drawn
    print(f"{name.replace(chr(10), ' '):22} {min(drawn):.0f} to {max(drawn):.0f} %")
assert max(spreads["enlarge,\nthen convolve"]) < 1e-3
assert min(spreads["kernel 3,\nstride 2"]) > max(spreads["enlarge,\nthen convolve"])

fig, ax = plt.subplots(figsize=(6.0, 4.2))
for i, (drawn, color, marker) in enumerate(
    zip(spreads.values(), (VERMILLION, BLUE, GREEN), ("s", "o", "^"), strict=True)
):
    offsets = torch.linspace(-0.15, 0.15, len(drawn))
    ax.plot(i + offsets, drawn, marker, color=color, markersize=5, linestyle="none")
ax.set_xticks(range(3), list(spreads))
ax.set(title="Enlarging before convolving leaves no grid",
       xlabel="", ylabel="odd and even pixels differ (%)", xlim=(-0.5, 2.5))  # fmt: skip

# %%
# Change this and see
# -------------------
# - Take a stride of 3 and a kernel of 3 in ``fold``, with an output of 12: no windows overlap, all
#   counts are 1. Blocks may still show, where neighbouring windows meet.
# - Use a kernel of 5 with stride 2: pixels lie in 4, 6 or 9 windows; the contrast of the grid is
#   smaller than with 3.
# - Draw the weights with ``torch.randn``: their sums can be near 0, and the grid is as strong as
#   the image or stronger.

plt.show()
