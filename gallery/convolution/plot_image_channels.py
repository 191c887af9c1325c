r"""
What is an image to a network?
==============================

A block of numbers with three dimensions: channel, row, column. A colour image is three grey ones,
which say how much red, green and blue there is at every pixel. A fourth channel can say how opaque
the pixel is.
"""

# %%
# Three channels
# --------------
# The photograph has its channels first, as PyTorch wants them. Each one alone is a grey image:
# bright where there is much of that colour. The petals are red, so they are bright in the red
# channel and nearly black in the blue one.

import matplotlib.pyplot as plt
import torch

from handbook.datasets import load_photograph
from handbook.device import get_device
from handbook.images import channel_statistics, composite, from_pixels, to_grey, to_pixels
from handbook.plots import STYLE, plot_image

plt.style.use(STYLE)
device = get_device()

flower = load_photograph("flower")[:, 40:400, 120:520].to(device)
print("(channel, row, column):", tuple(flower.shape))
petal = flower[:, 150:220, 180:240].mean(dim=(1, 2))
print("a petal's red, green, blue:", [round(number, 1) for number in petal.tolist()])
assert petal[0] > 2 * petal[2]

fig, axs = plt.subplots(2, 2, figsize=(6.0, 6.2))
plot_image(flower, ax=axs[0, 0])
axs[0, 0].set_title("all three")
for ax, name, channel in zip(axs.flat[1:], ("red", "green", "blue"), flower, strict=True):
    plot_image(channel, ax=ax)
    ax.set_title(f"{name}, mean {channel.mean():.2f}")
fig.suptitle("A colour image is three grey ones", x=0.02, ha="left")

# %%
# Permute moves, reshape scrambles
# --------------------------------
# A file holds (row, column, channel): red, green and blue of the first pixel, then those of the
# second. To bring the channels to the front, their *dimension* has to move. ``permute`` does that.
# ``reshape`` only cuts the same row of numbers at other places: the first third of the picture,
# all colours mixed, becomes the "red channel". The shape is right, and no error follows.

pixels = to_pixels(flower)  # (row, column, channel), as in a file
height, width, n_channels = pixels.shape
right = pixels.permute(2, 0, 1).float() / 255
wrong = pixels.reshape(n_channels, height, width).float() / 255
assert right.shape == wrong.shape
assert torch.equal(right, from_pixels(pixels))
print("same shape:", tuple(right.shape), "and", tuple(wrong.shape))
same_share = (right == wrong).float().mean()
print(f"numbers that stand in the same place: {same_share:.0%}")
assert same_share < 0.1

fig, axs = plt.subplots(1, 2, figsize=(6.0, 3.3))
plot_image(right, ax=axs[0])
axs[0].set_title("permute(2, 0, 1)")
plot_image(wrong, ax=axs[1])
axs[1].set_title("reshape(3, H, W)")
fig.suptitle("Reshape gives the right shape and the wrong picture", x=0.02, ha="left")

# %%
# One channel, and four
# ---------------------
# Grey is a weighted mean of the three, since green looks brighter to an eye than blue. A fourth
# channel, opacity, is no colour: before a network sees the image, it is laid on a background.

grey = to_grey(flower)
rows = torch.linspace(-1, 1, flower.shape[1], device=device).reshape(-1, 1)
columns = torch.linspace(-1, 1, flower.shape[2], device=device)
opacity = (2.5 - 2.5 * (rows**2 + columns**2).sqrt()).clamp(0, 1)  # opaque inside a circle
with_opacity = torch.cat([flower, opacity.unsqueeze(0)])
print("grey:", tuple(grey.shape), "with opacity:", tuple(with_opacity.shape))

fig, axs = plt.subplots(1, 3, figsize=(6.0, 2.6))
for ax, picture, title in (
    (axs[0], grey, "grey: 1 channel"),
    (axs[1], composite(with_opacity, 1.0), "4, on white"),
    (axs[2], composite(with_opacity, 0.0), "4, on black"),
):
    plot_image(picture, ax=ax)
    ax.set_title(title)
fig.suptitle("One channel is grey; a fourth says how opaque", x=0.02, ha="left")

# %%
# Each channel has a mean and a spread of its own. Networks learn faster from numbers around 0, so
# these are subtracted and divided out, with the statistics of the training set.

mean, std = channel_statistics(flower)
for name, m, s in zip(("red", "green", "blue"), mean, std, strict=True):
    print(f"{name:5}  mean {m:.2f}  standard deviation {s:.2f}")

# %%
# Change this and see
# -------------------
# - Draw ``flower.flip(0)``: red and blue change places, and the flower turns blue. That is what
#   OpenCV's order (blue, green, red) looks like in a program that expects the other.
# - Draw ``flower.transpose(1, 2)``: rows and columns change places, and the picture lies on its
#   side, mirrored.
# - Take ``load_photograph("china")``: its sky is bright in all three channels.

plt.show()
