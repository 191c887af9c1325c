r"""
What do channels and groups do?
===============================

Without groups, every output channel is computed from every input channel. With ``groups=g`` the
channels are cut into g parts that do not see each other: g smaller convolutions side by side, with
one g-th of the weights and of the work.
"""

# %%
# Which input reaches which output?
# ---------------------------------
# Eight channels go in and eight come out. A cell below is coloured if the gradient of that output
# channel with respect to that input channel is not zero: measured, not drawn from the formula.

import matplotlib.pyplot as plt
import torch

from handbook.convolution import conv2d
from handbook.device import get_device
from handbook.plots import STYLE, plot_matrix
from handbook.seeding import make_generator

plt.style.use(STYLE)
device = get_device()

generator = make_generator(0)
image = torch.randn(1, 8, 12, 12, generator=generator).to(device)

fig, axs = plt.subplots(2, 2, figsize=(6.0, 6.8))
print("groups  weight          weights  multiplications at one place")
for ax, groups in zip(axs.flat, (1, 2, 4, 8), strict=True):
    weight = torch.randn(8, 8 // groups, 3, 3, generator=generator).to(device)
    tracked = image.clone().requires_grad_()
    output = conv2d(tracked, weight, groups=groups)
    reached = torch.stack(
        [
            torch.autograd.grad(output[0, o].sum(), tracked, retain_graph=True)[0][0]
            .abs()
            .amax(dim=(1, 2))
            for o in range(8)
        ]
    )
    connected = (reached > 0).float()
    assert connected.sum() == 64 / groups
    print(f"{groups:6}  {tuple(weight.shape)!s:14} {weight.numel():8} {weight.numel():29}")
    plot_matrix(connected, cmap="Blues", limits=(0.0, 2.0), ax=ax)
    ax.set(title=f"groups {groups}: {weight.numel()} weights")
    ax.set(xlabel="input channel", ylabel="output channel")
fig.suptitle("Each output channel sees only its own group", x=0.02, ha="left")

# %%
# The same as separate convolutions
# ---------------------------------
# A grouped convolution equals one convolution for each part, joined along the channel dimension.

weight = torch.randn(8, 4, 3, 3, generator=generator).to(device)
together = conv2d(image, weight, groups=2)
parts = [conv2d(image[:, :4], weight[:4]), conv2d(image[:, 4:], weight[4:])]
apart = torch.cat(parts, dim=1)
print(f"largest difference: {(together - apart).abs().max():.6f}")
assert torch.allclose(together, apart, atol=1e-5)

# %%
# A common economy
# ----------------
# With as many groups as channels, each channel has one kernel of its own (*depthwise*), and the
# channels never meet. A 1 × 1 convolution after it (*pointwise*) mixes them. The pair has far fewer
# weights than one full convolution, and cannot express all that the full one can: on each
# input channel, all its kernels are multiples of a single one.

for channels in (8, 64, 256):
    full = channels * channels * 3 * 3
    separable = channels * 1 * 3 * 3 + channels * channels
    print(f"{channels:4} channels: full {full:7}, depthwise and pointwise {separable:6}, "
          f"ratio {full / separable:.1f}")  # fmt: skip

depthwise = torch.randn(8, 1, 3, 3, generator=generator).to(device)
pointwise = torch.randn(8, 8, 1, 1, generator=generator).to(device)
in_two_steps = conv2d(conv2d(image, depthwise, groups=8), pointwise)
as_one_kernel = pointwise * depthwise.reshape(1, 8, 3, 3)  # (8, 8, 3, 3)
assert torch.allclose(in_two_steps, conv2d(image, as_one_kernel), atol=1e-4)
print("the pair equals one full convolution with a kernel of shape", tuple(as_one_kernel.shape))

# %%
# Change this and see
# -------------------
# - Set ``groups`` to 3: the message says that 3 does not divide the 8 kernels.
# - Convolve with 16 kernels of shape (1, 3, 3) and ``groups=8``: each input channel then has two
#   output channels.
# - Apply a convolution with ``groups=2`` twice: what is separate stays separate. Put the channels
#   between the two in another order, ``[:, [0, 4, 1, 5, 2, 6, 3, 7]]``, and they mix.

plt.show()
