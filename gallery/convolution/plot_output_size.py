r"""
How do padding, stride and dilation change the size?
====================================================

The output has one number for each place where the kernel fits. Padding makes room for more places,
a stride leaves places out, and dilation makes the kernel itself span more. One formula counts them:

.. math:: n_{\text{out}} = \left\lfloor \frac{n + 2p - d(k - 1) - 1}{s} \right\rfloor + 1

Its floor is not a detail. Where the last step does not come out even, the last rows and columns
of the input are never looked at.
"""

# %%
# How often is each pixel looked at?
# ----------------------------------
# Let every weight of the kernel be 1 and add up the output. The gradient of that sum with respect
# to a pixel is then the number of windows that the pixel lies in. A 0 is a pixel that the layer
# cannot see.

import itertools

import matplotlib.pyplot as plt
import torch

from handbook.convolution import conv2d, conv2d_backward, output_size
from handbook.device import get_device
from handbook.plots import BLUE, GREEN, STYLE, VERMILLION, plot_matrix
from handbook.seeding import make_generator

plt.style.use(STYLE)
device = get_device()

image, kernel = torch.ones(1, 1, 8, 8, device=device), torch.ones(1, 1, 3, 3, device=device)
settings = [
    {"stride": 1},
    {"padding": 1},
    {"stride": 2},
    {"stride": 2, "padding": 1},
    {"dilation": 2},
    {"stride": 3, "dilation": 2},
]

fig, axs = plt.subplots(3, 2, figsize=(6.0, 9.0))
print("setting                        size  pixels never seen")
for ax, setting in zip(axs.flat, settings, strict=True):
    output = conv2d(image, kernel, **setting)
    windows, _, _ = conv2d_backward(torch.ones_like(output), image, kernel, **setting)
    unseen = int((windows == 0).sum())
    assert windows.sum() == output.sum()
    name = ", ".join(f"{key} {value}" for key, value in setting.items())
    print(f"{name:24} 8 -> {output.shape[-1]} {unseen:18}")
    plot_matrix(windows[0, 0], limits=(0, 9), ax=ax)
    ax.set(title=f"{name}\n8 → {output.shape[-1]}, {unseen} unseen", xlabel="", ylabel="")
    ax.set(xticks=[], yticks=[])
fig.suptitle(
    "Windows over each pixel: without padding the rim\nis seen less, with a stride some never",
    x=0.02,
    ha="left",
)

# %%
# Padding by 1 gives the pixels at the rim more windows, though not as many as the middle has. With
# stride 2, eight columns are one too many: the last column and the last row go unseen. One cell of
# padding on each side only moves the loss: the cell that drops out is now one of the padding's.

# %%
# The size, over many inputs
# --------------------------
# Plotted against the input's size, each stride is a staircase. On a flat step, inputs of different
# sizes give the same output: the pixels that the larger one has more are the ones that get lost.

sizes = range(3, 31)
fig, ax = plt.subplots(figsize=(6.0, 4.4))
for stride, color, marker in ((1, BLUE, "o"), (2, VERMILLION, "s"), (3, GREEN, "^")):
    outputs = [output_size(n, kernel_size=3, stride=stride) for n in sizes]
    ax.step(sizes, outputs, where="post", color=color, linestyle="-")
    ax.plot(sizes, outputs, marker, color=color, markersize=4)
    ax.annotate(f"stride {stride}", (30, outputs[-1]), xytext=(6, -4), textcoords="offset points",
                color=color)  # fmt: skip
ax.set(
    title="A stride of s divides the size by about s,\nin steps that s input sizes share",
    xlabel="input size n (pixels)",
    ylabel="output size (places)",
    xlim=(2, 35),
)

# %%
# Does the formula hold?
# ----------------------
# For every combination below, the formula's answer is compared with the shape of a real output.
# Where the formula has no answer, because the kernel spans more than the padded input, the
# convolution has none either.

checked = refused = 0
generator = make_generator(0)
for n, k, s, p, d in itertools.product(
    (1, 4, 7, 10, 11), (1, 2, 3, 5), (1, 2, 3), (0, 1, 2), (1, 2)
):
    x = torch.randn(1, 1, n, n + 1, generator=generator).to(device)
    w = torch.randn(1, 1, k, k, generator=generator).to(device)
    try:
        wanted = (output_size(n, k, s, p, d), output_size(n + 1, k, s, p, d))
    except ValueError:
        try:
            conv2d(x, w, None, s, p, d)
        except ValueError:
            refused += 1
            continue
        raise AssertionError("the formula refuses what the convolution computes") from None
    assert conv2d(x, w, None, s, p, d).shape[-2:] == wanted
    checked += 1
print(f"{checked} shapes as the formula says, {refused} refused by both")

# %%
# Change this and see
# -------------------
# - Make the image 9 × 9: with stride 2 nothing is lost, because 9 - 3 is even.
# - Use a 2 × 2 kernel with ``"stride": 3``: one column in three lies between the windows and is
#   never seen, wherever the image ends.
# - Use a 4 × 4 kernel and look for a padding that keeps the size: there is none, since both sides
#   get the same and 8 + 2p - 3 is odd. ``padding="same"`` adds one more on the right and below.
# - Set ``"padding": 2`` with ``"dilation": 2``: the size stays 8, as with padding 1 undilated.

plt.show()
