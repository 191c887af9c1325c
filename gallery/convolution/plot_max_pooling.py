r"""
Where does the gradient of a maximum go?
========================================

To the cell that won, and to no other. Max pooling keeps the largest number of every window. On the
way back the gradient of that number goes to the place where it came from, and the other cells of
the window get 0: had they been a little larger, nothing would have changed.
"""

# %%
# The numbers are the ink in a scanned 3, from 0 to 16. Windows of 2 × 2 lie side by side. For the
# way back, output number 1 to 16 gets the gradient 1 to 16, so that you can see which is which.

import matplotlib.pyplot as plt
import torch

from handbook.datasets import load_digits
from handbook.device import get_device
from handbook.plots import STYLE, plot_matrix, plot_window
from handbook.pooling import avg_pool2d, max_pool2d, max_pool2d_backward

plt.style.use(STYLE)
device = get_device()

image = load_digits().inputs[3].reshape(1, 8, 8).to(device)
maxima, places = max_pool2d(image, 2, return_indices=True)
upstream = torch.arange(1.0, 17.0, device=device).reshape(1, 4, 4)
grad = max_pool2d_backward(upstream, places, image.shape)

fig = plt.figure(figsize=(6.0, 8.6))
axs = fig.subplot_mosaic([["image", "image"], ["maxima", "upstream"], ["grad", "grad"]],
                         height_ratios=(2.1, 1, 2.1))  # fmt: skip
plot_matrix(image[0], cmap="Greys", limits=(0, 16), ax=axs["image"])
plot_matrix(maxima[0], cmap="Greys", limits=(0, 16), ax=axs["maxima"])
plot_matrix(upstream[0], cmap="Blues", limits=(0, 24), ax=axs["upstream"])
plot_matrix(grad[0], cmap="Blues", limits=(0, 24), ax=axs["grad"])
for place in places.flatten().tolist():
    row, column = divmod(place, 8)
    for name in ("image", "grad"):
        plot_window(axs[name], (row, row), (column, column))
axs["image"].set(title="image, each window's winner outlined", xlabel="", ylabel="")
axs["maxima"].set(title="output", xlabel="", ylabel="")
axs["upstream"].set(title="its gradient", xlabel="", ylabel="")
axs["grad"].set(title="the image's gradient", xlabel="", ylabel="")
for ax in axs.values():
    ax.set(xticks=[], yticks=[])
fig.suptitle("The whole gradient of a window goes to its winner", x=0.02, ha="left")

n_receivers = int((grad != 0).sum())
print(f"{n_receivers} of {grad.numel()} pixels get a gradient; the sum is kept: "
      f"{upstream.sum():.0f} and {grad.sum():.0f}")  # fmt: skip
assert n_receivers == 16
assert grad.sum() == upstream.sum()

# %%
# Autograd does the same. A window of equal numbers is a tie: here the window without any ink in
# the top right corner. The first cell, row by row, counts as the winner.

tracked = image.clone().requires_grad_()
max_pool2d(tracked, 2).backward(upstream)
assert torch.equal(tracked.grad, grad)
print("window without ink:", image[0, :2, 6:].int().tolist(), "->",
      grad[0, :2, 6:].int().tolist())  # fmt: skip
assert not image[0, :2, 6:].any()

# %%
# Windows that overlap
# --------------------
# With a window of 3 × 3 and a stride of 1, one large number can win nine times. It gets the sum of
# all nine gradients, and fewer cells get any.

ones = torch.ones(1, 6, 6, device=device)
_, places = max_pool2d(image, 3, stride=1, return_indices=True)
overlapping = max_pool2d_backward(ones, places, image.shape)
print(f"36 windows: {int((overlapping > 0).sum())} pixels win, one of them "
      f"{int(overlapping.max())} times")  # fmt: skip
assert 1 < overlapping.max() <= 9
assert overlapping.sum() == 36

# %%
# The mean treats all alike
# -------------------------
# Average pooling spreads the gradient of each output over its window in equal parts.

tracked = image.clone().requires_grad_()
avg_pool2d(tracked, 2).backward(upstream)
print("first window, mean:", tracked.grad[0, :2, :2].tolist())
assert torch.equal(tracked.grad[0, :2, :2], torch.full((2, 2), 0.25, device=device))

# %%
# Change this and see
# -------------------
# - Pool ``-image``: the winners are now where there is least ink.
# - Add 0.5 to one cell that did not win, where it still does not win: output and gradient stay as
#   they are. Add 20: it becomes the winner, and takes the whole gradient over.
# - Pool windows of 3 × 3 with ``stride=2``: nine windows, so that ``upstream`` needs nine numbers,
#   and the last row and column are never looked at. With ``ceil_mode=True`` there are sixteen.

plt.show()
