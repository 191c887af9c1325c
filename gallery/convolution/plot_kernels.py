r"""
What does a kernel see?
=======================

Nine numbers decide what a 3 × 3 kernel answers to. A kernel whose weights sum to 1 gives back the
brightness, smoothed or sharpened. A kernel whose weights sum to 0 says nothing where the image is
even, and speaks up where it changes. Here six known kernels look at one photograph; a convolutional
network finds kernels of its own.
"""

# %%
# The photograph has three channels, red, green and blue. Each kernel gets a grey one, the weighted
# mean of the three that matches how bright they look to an eye. That mean is itself a convolution:
# one 1 × 1 kernel across three channels.

import matplotlib.pyplot as plt
import torch

from handbook.convolution import conv2d
from handbook.datasets import load_photograph
from handbook.device import get_device
from handbook.plots import DIVERGING, STYLE, plot_image, plot_matrix

plt.style.use(STYLE)
device = get_device()

photograph = load_photograph("china")[:, 20:190, 90:320].to(device)
brightness = torch.tensor([0.299, 0.587, 0.114], device=device).reshape(1, 3, 1, 1)
grey = conv2d(photograph, brightness)  # (1, H, W)

print(f"photograph {tuple(photograph.shape)} -> grey {tuple(grey.shape)}")

# %%
# Weights that sum to 1
# ---------------------
# The identity keeps each pixel. The blur takes the mean of nine. The sharpened image is the pixel
# plus its difference from its four neighbours. On an even area all three give the area's own
# brightness, because the weights sum to 1, and so the mean of the whole picture hardly moves. The
# sharpened image has numbers below 0 and above 1; the drawing cuts them off.

smoothing = {
    "identity": torch.tensor([[0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]),
    "blur": torch.full((3, 3), 1 / 9),
    "sharpen": torch.tensor([[0.0, -1.0, 0.0], [-1.0, 5.0, -1.0], [0.0, -1.0, 0.0]]),
}

fig, axs = plt.subplots(3, 2, figsize=(6.0, 7.8), width_ratios=(1, 2.1))
print("kernel     sum  mean of the image  mean step to the next pixel")
for (kernel_axes, image_axes), (name, kernel) in zip(axs, smoothing.items(), strict=True):
    seen = conv2d(grey, kernel.to(device)[None, None])
    step = (seen[..., 1:] - seen[..., :-1]).abs().mean()
    print(f"{name:9} {kernel.sum():4.1f} {seen.mean():18.2f} {step:28.3f}")
    assert abs(seen.mean() - grey.mean()) < 0.01
    plot_matrix(kernel, decimals=2 if name == "blur" else 0, cmap=DIVERGING, ax=kernel_axes)
    kernel_axes.set(title=name, xlabel="", ylabel="", xticks=[], yticks=[])
    plot_image(seen, ax=image_axes)
fig.suptitle("Weights that sum to 1 keep the brightness", x=0.02, ha="left")

# %%
# Weights that sum to 0
# ---------------------
# The two Sobel kernels subtract one side from the other: the first answers to edges that stand
# upright, the second to edges that lie flat. The Laplacian compares a pixel with its four
# neighbours and answers to edges of every direction. Mid-grey means 0 below; brighter is positive,
# darker is negative. The sky, which is even, comes out grey in all three.

differences = {
    "Sobel x": torch.tensor([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]]),
    "Sobel y": torch.tensor([[-1.0, -2.0, -1.0], [0.0, 0.0, 0.0], [1.0, 2.0, 1.0]]),
    "Laplacian": torch.tensor([[0.0, 1.0, 0.0], [1.0, -4.0, 1.0], [0.0, 1.0, 0.0]]),
}

fig, axs = plt.subplots(3, 2, figsize=(6.0, 7.8), width_ratios=(1, 2.1))
print("kernel     sum  mean answer: sky  roof")
for (kernel_axes, image_axes), (name, kernel) in zip(axs, differences.items(), strict=True):
    seen = conv2d(grey, kernel.to(device)[None, None])
    sky, roof = seen[0, :40, :60].abs().mean(), seen[0, 70:110, 60:160].abs().mean()
    print(f"{name:9} {kernel.sum():4.1f} {sky:17.3f} {roof:5.2f}")
    assert 20 * sky < roof
    plot_matrix(kernel, cmap=DIVERGING, ax=kernel_axes)
    kernel_axes.set(title=name, xlabel="", ylabel="", xticks=[], yticks=[])
    plot_image(seen, limits=(-1.5, 1.5), ax=image_axes)
fig.suptitle("Weights that sum to 0 are silent on the sky\nand answer to edges", x=0.02, ha="left")

# %%
# One call, many kernels
# ----------------------
# A layer applies all its kernels in one call. Six kernels for one channel are a weight of shape
# (6, 1, 3, 3), and the output has six channels: one answer of each kernel at every place.

bank = torch.stack([*smoothing.values(), *differences.values()]).unsqueeze(1).to(device)
answers = conv2d(grey, bank)
print(f"weight {tuple(bank.shape)}: {tuple(grey.shape)} -> {tuple(answers.shape)}")
alone = conv2d(grey, differences["Laplacian"].to(device)[None, None])
assert torch.allclose(answers[5:], alone, atol=1e-5)

# %%
# Change this and see
# -------------------
# - Add 1 to the middle weight of the Laplacian: the sum is 1 then, the photograph comes back, and
#   with the signs turned round (+5 in the middle, -1 around) it is the sharpening kernel.
# - Apply the blur ten times in a row: detail goes, and the image loses two rows and two columns
#   each time. Add ``padding=1``: the size stays, and a dark frame grows inwards from the zeros.
# - Compute ``(sobel_x**2 + sobel_y**2).sqrt()`` from the two answers: edges of every direction, as
#   bright as they are steep.
# - Feed ``photograph`` instead of ``grey``: the message says that the kernel wants one channel and
#   got three.

plt.show()
