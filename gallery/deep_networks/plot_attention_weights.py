"""
Attention: an average whose weights depend on the data
======================================================

A convolution gives each neighbour a weight that was learned once. Attention computes the weights
anew for each input: every token asks a question, and the tokens whose keys fit are averaged. Who
looks at whom, what does a mask forbid, and what does attention know about order?
"""

import matplotlib.pyplot as plt
import torch

from handbook.attention import attention_weights, scaled_dot_product_attention
from handbook.device import get_device
from handbook.plots import SEQUENTIAL, STYLE
from handbook.seeding import make_generator
from handbook.symmetry import equivariance_error

plt.style.use(STYLE)
device = get_device()

# %%
# Who looks at whom
# -----------------
#
# Six tokens with 16 features each; tokens 1 and 4 are nearly equal. Query, key and value are the
# tokens themselves: this is *self-attention* without learned maps.

tokens = torch.randn(6, 16, generator=make_generator(0))
tokens[4] = tokens[1] + 0.1 * torch.randn(16, generator=make_generator(1))
tokens = tokens.to(device)

free = attention_weights(tokens, tokens)
causal = attention_weights(tokens, tokens, is_causal=True)
print("each row sums to one:", torch.allclose(free.sum(dim=1), torch.ones(6, device=device)))
top_two = set(free[1].topk(2).indices.tolist())
print("token 1 looks most at tokens", sorted(top_two))
assert top_two == {1, 4}
assert torch.equal(causal, causal.tril())  # nothing from later tokens

# %%
# The order of the tokens is not part of the sum
# ----------------------------------------------
#
# Reverse the tokens, and the outputs come out reversed: nothing else changes. Attention is
# *equivariant* to every permutation. So a network of attention alone cannot tell *dog bites man*
# from *man bites dog*; positions must be added to the tokens. A causal mask breaks the symmetry.


def flipped(x):
    """Reverse the order of the tokens."""
    return x.flip(0)


def self_attention(x):
    """Let every token look at every token."""
    return scaled_dot_product_attention(x, x, x)


def causal_attention(x):
    """Let every token look at itself and at earlier ones."""
    return scaled_dot_product_attention(x, x, x, is_causal=True)


free_error = equivariance_error(self_attention, tokens, flipped, flipped)
causal_error = equivariance_error(causal_attention, tokens, flipped, flipped)
print("free attention moves along:", free_error < 1e-5)
print("causal attention moves along:", causal_error < 1e-5)
assert free_error < 1e-5
assert causal_error > 0.1

# %%
# Why the scores are divided by √E
# --------------------------------
#
# For 256 features instead of 16, products of random tokens are four times as large. Without the
# division, the softmax puts nearly everything on one key.

queries, keys = torch.randn(2, 50, 256, generator=make_generator(2)).to(device)
largest = {
    name: attention_weights(queries, keys, scale=scale).amax(dim=1).mean().item()
    for name, scale in (("divided", None), ("not divided", 1.0))
}
for name, share in largest.items():
    print(f"{name}: the largest share is {'above 80 %' if share > 0.8 else 'below 30 %'}")
assert largest["divided"] < 0.3
assert largest["not divided"] > 0.8

fig, axes = plt.subplots(2, 1, figsize=(5.2, 8.6))
titles = (
    "Tokens 1 and 4 are alike,\nand look at each other",
    "Under a causal mask, no token\nlooks at a later one",
)
for ax, weights, title in zip(axes, (free, causal), titles, strict=True):
    image = ax.imshow(weights.cpu(), cmap=SEQUENTIAL, vmin=0, vmax=1)
    ax.set_title(title)
    ax.set_xlabel("key: token that is looked at")
    ax.set_ylabel("query: token that looks")
    ax.grid(False)
    fig.colorbar(image, ax=ax, label="share (dimensionless)")

# %%
# Change this and see
# -------------------
#
# - Make token 4 the negative of token 1, and remove the assert on them: now the two avoid each
#   other.
# - Pass ``scale=0.0`` to ``attention_weights``: every token looks at all others alike.
# - Give ``flipped`` another permutation, such as ``x.roll(2, dims=0)``: free attention still moves
#   along.

plt.show()
