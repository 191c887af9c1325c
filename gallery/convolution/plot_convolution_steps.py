r"""
Where does each output number come from?
========================================

From one window of the input. The kernel lies on the window, each weight is multiplied by the
number under it, and the products are added up: that sum is one output number. Then the kernel
moves on by the stride. Step through it below on real numbers: a part of a handwritten 3.
"""

# %%
# The numbers are the ink in a scanned digit, from 0 (paper) to 16 (black). One ring of zeros is
# padded around the 6 × 6 part, the kernel is Sobel's for upright edges, and it moves by two
# columns, or two rows. The left column of the kernel counts against, the right one for: the output
# is positive where ink begins, going right, and negative where it ends.

import matplotlib.pyplot as plt
import torch
from matplotlib.animation import FuncAnimation

from handbook.convolution import conv2d, output_size, pad
from handbook.datasets import load_digits
from handbook.device import get_device
from handbook.plots import BLUE, DIVERGING, STYLE, plot_matrix, plot_window

plt.style.use(STYLE)
device = get_device()

image = load_digits().inputs[3].reshape(8, 8)[:6, 1:7].to(device)
kernel = torch.tensor([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]], device=device)
stride, padding = 2, 1

output = conv2d(image[None, None], kernel[None, None], stride=stride, padding=padding)[0, 0]
padded = pad(image, (padding,) * 4)
size = output_size(image.shape[0], kernel.shape[0], stride, padding)
print(f"({image.shape[0]} + 2 · {padding} - {kernel.shape[0]}) // {stride} + 1 = {size}")
assert output.shape == (size, size)
print(output.int().tolist())

# %%
# Each frame adds one number to the output. Above the picture is its sum, without the three weights
# that are 0. The dashed line separates the image from the padding.

fig = plt.figure(figsize=(6.0, 5.0))
axs = fig.subplot_mosaic([["input", "kernel"], ["input", "output"]], width_ratios=(2.2, 1))
largest = float(output.abs().max())


def draw_step(step):
    """Draw the window that output number ``step`` comes from, and the output so far."""
    row, column = divmod(step, size)
    top, left = stride * row, stride * column
    window = padded[top : top + 3, left : left + 3]
    total = (window * kernel).sum()
    assert total == output[row, column]
    shown = output.clone()
    shown.flatten()[step + 1 :] = torch.nan  # not computed yet
    for ax in axs.values():
        ax.clear()
    plot_matrix(padded, cmap="Greys", limits=(0, 16), ax=axs["input"])
    plot_window(axs["input"], (1, 6), (1, 6), color=BLUE, linestyle="--")
    plot_window(axs["input"], (top, top + 2), (left, left + 2))
    plot_matrix(kernel, cmap=DIVERGING, ax=axs["kernel"])
    plot_matrix(shown, cmap=DIVERGING, limits=(-largest, largest), ax=axs["output"])
    plot_window(axs["output"], (row, row), (column, column))
    axs["input"].set_title(f"input {tuple(image.shape)}, padded with zeros")
    axs["kernel"].set(title="kernel", xlabel="", ylabel="", xticks=[], yticks=[])
    axs["output"].set(title="output", xlabel="", ylabel="")
    products = ""
    for weight, number in zip(kernel.flatten(), window.flatten(), strict=True):
        if weight != 0:
            factor = "" if abs(weight) == 1 else f"{abs(weight):.0f}·"
            products += f"{' + ' if weight > 0 else ' − '}{factor}{number:.0f}"
    products = products.removeprefix(" + ").replace(" − ", "−", int(products.startswith(" − ")))
    text = f"{products} = {total:.0f}".replace("-", "−")
    fig.suptitle(f"output row {row}, column {column}:\n{text}", x=0.02, ha="left")


animation = FuncAnimation(fig, draw_step, frames=size * size, interval=1500)
animation.poster_frame = 5

# %%
# The last padded row and column are never under the kernel: after the third window, a step of two
# would leave the input. That is the floor in the formula for the output's size. A pixel there adds
# to no output number, and no gradient reaches it:

tracked = image.clone().requires_grad_()
conv2d(tracked[None, None], kernel[None, None], stride=stride).sum().backward()
print("gradient without padding, last column:", tracked.grad[:, -1].tolist())
assert not tracked.grad[:, -1].any()

# %%
# Change this and see
# -------------------
# - Set ``stride = 1``: 36 frames, the output has the size of the input, and neighbouring windows
#   share six of their nine numbers.
# - Set ``padding = 0``: the output shrinks to 2 × 2, and the last column of the *image* is never
#   seen.
# - Flip the kernel, ``kernel = kernel.flip(0, 1)``: every output number changes its sign, because
#   this kernel is its own negative when turned by 180°. That is what a convolution in the sense of
#   signal processing would give.
# - Take another digit, ``load_digits().inputs[0]``: below the top of the 0, the output is plus,
#   minus and plus in each row. The ink begins, ends at the hole, and begins again.

plt.show()
