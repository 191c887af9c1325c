r"""
Which numbers share a mean?
===========================

Batch, layer, group and instance normalisation have one formula. They differ in the numbers that
the mean and the variance are taken over. This script asks the functions themselves: an output
depends on those inputs for which its gradient is not zero.
"""

# %%
# One output, and the inputs that it depends on
# ---------------------------------------------
# Four samples of six channels with five places each. For the output in sample 1, channel 2, at the
# place 3, autograd finds the gradient with respect to all 120 inputs.

import matplotlib.pyplot as plt
import torch
from matplotlib.colors import ListedColormap

from handbook.device import get_device
from handbook.normalization import batch_norm, group_norm, instance_norm, layer_norm
from handbook.plots import BLUE, STYLE, VERMILLION
from handbook.seeding import make_generator

plt.style.use(STYLE)
device = get_device()

n, c, length = 4, 6, 5
x = torch.randn(n, c, length, generator=make_generator(0)).to(device).requires_grad_()
norms = {
    "batch: its channel, in all samples": lambda x: batch_norm(x, None, None, training=True),
    "layer: all of its sample": lambda x: layer_norm(x, (c, length)),
    "group (3 groups): two channels of its sample": lambda x: group_norm(x, 3),
    "instance: its channel, in its sample": instance_norm,
}
counts = [n * length, c * length, 2 * length, length]

fig, axs = plt.subplots(4, 1, figsize=(6.2, 7.6))
colors = ListedColormap(["#E8E8E8", BLUE, VERMILLION])
for ax, (name, normalize), expected in zip(axs, norms.items(), counts, strict=True):
    (gradient,) = torch.autograd.grad(normalize(x)[1, 2, 3], x)
    used = (gradient != 0).cpu()
    print(f"{name:46} {int(used.sum()):3} of {x.numel()} inputs")
    assert used.sum() == expected
    picture = used.long()
    picture[1, 2, 3] = 2
    ax.imshow(picture.reshape(n, c * length), cmap=colors, vmin=0, vmax=2, aspect="auto")
    ax.set_title(name)
    ax.set_xticks(torch.arange(c) * length + 2, range(c))
    ax.set_yticks(range(n))
    ax.set_ylabel("sample")
    ax.tick_params(length=0)
    ax.grid(False)
    for edge in range(1, c):
        ax.axvline(edge * length - 0.5, color="white", linewidth=3)
    for edge in range(1, n):
        ax.axhline(edge - 0.5, color="white", linewidth=1)
axs[-1].set_xlabel("channel, five places each")
fig.suptitle("The inputs (blue) that share a mean with one output (red)", x=0.02, ha="left")

# %%
# What follows from that
# ----------------------
# Whatever multiplies all numbers that share a mean is divided out again. A sample made brighter or
# a channel made louder goes unnoticed by some and not by others.

y = x.detach()
brighter, louder = y.clone(), y.clone()
brighter[1] *= 3
louder[:, 2] *= 3
print("\nhow much sample 1, channel 2 changes   sample x 3   channel x 3")
for name, normalize in norms.items():
    before = normalize(y)[1, 2]
    changes = [(normalize(z)[1, 2] - before).abs().max().item() for z in (brighter, louder)]
    words = ["a lot" if change > 0.1 else "not at all" for change in changes]
    assert all(change > 0.1 or change < 1e-3 for change in changes)
    print(f"{name.split(':')[0]:38} {words[0]:12} {words[1]}")

# %%
# Change this and see
# -------------------
#
# - Replace ``group_norm(x, 3)`` by ``group_norm(x, 1)`` or ``group_norm(x, 6)``, with 30 or 5 in
#   ``counts``: the pictures of the layer and of the instance come out.
# - Replace ``layer_norm(x, (c, length))`` by ``layer_norm(x, (length,))``: over the last dimension
#   alone it is the instance normalisation. In a transformer the last dimension holds the features.
# - Give ``batch_norm`` a ``torch.zeros(c, device=device)``, a ``torch.ones(c, device=device)`` and
#   ``training=False``: each output depends on one input, its own.

plt.show()
