"""
Which gradients does float16 lose?
==================================

Sixteen bits are half the memory and, on a GPU, several times the speed. But float16 has only five
bits for the exponent: what is below 3e-8 becomes zero. How many of a network's gradients is that?
What does multiplying the loss by a factor save, and how large may the factor be?
"""

import matplotlib.pyplot as plt
import torch
from torch import nn

from handbook.device import get_device
from handbook.mixed_precision import float_format, round_to
from handbook.plots import BLUE, GREEN, GREY, STYLE, VERMILLION
from handbook.seeding import make_generator

plt.style.use(STYLE)
device = get_device()

# %%
# The gradients of a network
# --------------------------
#
# A network of eight tanh layers, whose loss is a mean over a batch of 256 and 16 outputs. The mean
# divides by 4096, and the chain rule multiplies what is left by one small slope after the other.

generator = make_generator(0)
layers = []
for _ in range(8):
    layer = nn.Linear(64, 64)
    with torch.no_grad():
        layer.weight.copy_(torch.randn(64, 64, generator=generator) * 0.05)
        layer.bias.zero_()
    layers += [layer, nn.Tanh()]
model = nn.Sequential(*layers).to(device)
x = torch.randn(256, 64, generator=generator).to(device)
y = 0.01 * torch.randn(256, 64, generator=generator).to(device)
loss = nn.functional.mse_loss(model(x)[:, :16], y[:, :16])
gradients = torch.autograd.grad(loss, [layer.weight for layer in layers[::2]])
gradient = torch.cat([one.flatten() for one in gradients]).cpu()
gradient = gradient[gradient != 0]

# %%
# What is lost, by the factor
# ---------------------------
#
# Multiply by a factor, round to 16 bits, and count what has become zero or infinite.


def share_lost(dtype, factor):
    """Return the share of the gradients that become zero or infinite."""
    rounded = round_to(gradient * factor, dtype)
    return ((rounded == 0) | rounded.isinf()).float().mean().item()


exponents = list(range(0, 52, 2))
lost = {
    dtype: [share_lost(dtype, 2.0**exponent) for exponent in exponents]
    for dtype in (torch.float16, torch.bfloat16)
}
smallest = float_format(torch.float16).smallest
share = round(lost[torch.float16][0], 1)
print(f"float16 without a factor loses about {share:.0%} of the gradients")
good = [e for e, share in zip(exponents, lost[torch.float16], strict=True) if share < 0.001]
print(f"factors from 2^{good[0]} to 2^{good[-1]} lose less than one in a thousand")
print("bfloat16 loses none, with any of these factors:", max(lost[torch.bfloat16]) == 0)
assert lost[torch.float16][0] > 0.2
assert good
assert lost[torch.float16][-1] > 0.2
assert max(lost[torch.bfloat16]) == 0

fig, (top, bottom) = plt.subplots(2, 1, figsize=(6.4, 7.8))
logarithms = gradient.abs().log2()
bins = [-38 + i for i in range(20)]
top.hist(logarithms.tolist(), bins=bins, color=BLUE)
top.axvline(torch.tensor(smallest / 2).log2().item(), color=VERMILLION, linestyle="--")
top.text(-26, top.get_ylim()[1] * 0.9, "becomes 0", color=VERMILLION, ha="right")
top.set_title("Many gradients of a deep network\nare too small for float16")
top.set_xlabel("log₂ of the size of a gradient")
top.set_ylabel("number of gradients")

percent = {dtype: [100 * share for share in shares] for dtype, shares in lost.items()}
bottom.plot(exponents, percent[torch.float16], "o-", color=VERMILLION, label="float16")
bottom.plot(exponents, percent[torch.bfloat16], "s--", color=GREEN, label="bfloat16")
bottom.axvline(16, color=GREY, linestyle=":", label="PyTorch's first factor, 2¹⁶")
bottom.set_title("Scaling the loss saves the gradients,\nuntil the large ones overflow")
bottom.set_xlabel("log₂ of the factor")
bottom.set_ylabel("gradients lost (%)")
bottom.legend(loc="upper center")

# %%
# bfloat16 has the exponent of float32 and pays with digits: it needs no factor, and keeps three
# significant bits less.
#
# Change this and see
# -------------------
#
# Where the finding goes away, the ``assert`` lines above say so: take them out first.
#
# - Make the weights three times as large (``0.15``): gradients no longer shrink on their way down,
#   and float16 loses hardly any.
# - Replace the mean by ``reduction="sum"``: the gradients are 4096 times as large, which is a
#   factor of 2¹² that you get for nothing.
# - Let ``exponents`` go on to 160: in the end bfloat16 overflows too.

plt.show()
