r"""
What do padded steps do to the last state?
==========================================

Sequences of different lengths are padded to one length, so that they fit into one tensor. The
network does not know where a sequence ends: it goes on through the zeros, and its state goes on
with it. After a few padded steps the last state is much the same for every sequence, because it
has settled where zeros lead.
"""

# %%
# Sixteen sequences of ten random steps are padded with more and more zeros. What counts is how far
# the last states of different sequences are from each other, compared with the states right after
# step 10: whatever reads the last state can tell the sequences apart only by that.

import matplotlib.pyplot as plt
import torch

from handbook.plots import BLUE, GREEN, PURPLE, STYLE, VERMILLION
from handbook.recurrent_layers import GRU, LSTM, RNN
from handbook.seeding import make_generator

plt.style.use(STYLE)

N_STEPS, N_SEQUENCES, N_INPUTS, N_HIDDEN = 10, 16, 4, 32
N_PADDED = range(0, 41, 2)
N_SEEDS = 5


def spread(states):
    """Return how far the states (N, H) are from their mean, as one number."""
    return (states - states.mean(0)).norm().item()


def last_states(layer_class, seed):
    """Return the relative spread of the last states, read blindly and read with lengths."""
    generator = make_generator(seed)
    layer = layer_class(N_INPUTS, N_HIDDEN, generator=generator)
    x = torch.randn(N_STEPS, N_SEQUENCES, N_INPUTS, generator=generator)
    lengths = torch.full((N_SEQUENCES,), N_STEPS)
    blind, told = [], []
    with torch.no_grad():
        right = spread(layer(x)[0][-1])
        for n_padded in N_PADDED:
            padded = torch.cat([x, torch.zeros(n_padded, N_SEQUENCES, N_INPUTS)])
            blind.append(spread(layer(padded)[0][-1]) / right)
            last = layer(padded, lengths=lengths)[1]
            h_n = last[0] if layer_class is LSTM else last  # (layers, N, H)
            told.append(spread(h_n[-1]) / right)
    return blind, told


# %%
# Each line is the median of five networks with PyTorch's initial weights; the band goes from the
# smallest to the largest.

fig, ax = plt.subplots(figsize=(6.0, 4.4))
for layer_class, color, line in ((RNN, BLUE, "-"), (GRU, GREEN, "-."), (LSTM, PURPLE, ":")):
    results = torch.tensor([last_states(layer_class, seed) for seed in range(N_SEEDS)])
    blind, told = results[:, 0], results[:, 1]
    assert torch.allclose(told, torch.ones_like(told), atol=1e-5)
    assert (blind[:, -1] < 1e-3).all()
    assert (blind[:, list(N_PADDED).index(20)] < 0.01).all()
    name = layer_class.__name__
    ax.plot(N_PADDED, blind.median(0).values, color=color, linestyle=line, label=f"{name}, blind")
    ax.fill_between(
        N_PADDED, blind.min(0).values, blind.max(0).values, color=color, alpha=0.2, linewidth=0
    )
print("after 20 padded steps: less than 1 % of the spread is left, in all 15 networks")
print("with lengths:          all of it")
ax.plot(N_PADDED, told[0], color=VERMILLION, linestyle="--", label="any of them, with lengths")
ax.set_yscale("log")
ax.set(
    xlabel="padded steps after the end (steps)",
    ylabel="spread of the last states\n(fraction, log scale)",
    title="A state that runs on through padding\nforgets its sequence",
)
ax.legend(loc="lower left")

# %%
# With the lengths, or with a packed sequence, each state stops at the end of its own sequence, so
# that nothing is lost. PyTorch's layers take packed sequences only; the handbook's take both.
#
# Change this and see
# -------------------
#
# - Pad in front instead, ``torch.cat([zeros, x])``: the blind state keeps its spread, because the
#   sequence comes last. (Drop ``lengths`` and the assertions: the first steps are zeros.)
# - Multiply ``layer.weight_hh_l0.data`` of the simple network by 3: in most of the five networks
#   the states now stay apart, because they no longer settle. (Take the assertions out.)

plt.show()
