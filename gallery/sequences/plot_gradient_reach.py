r"""
How far back does the gradient reach?
=====================================

What a network can learn about step t from a loss at step T depends on how much of the gradient
comes back that far. Here it is measured for the three networks: as PyTorch starts them, and with
one change of their start. As they come, all three lose it within some twenty steps. Gates do not
help by being there: they help when they stand open.
"""

# %%
# The function ``gradient_reach`` sends a random gradient u from the last state back and measures
# its norm at the state of each step. For the LSTM the state is h and c together.

import matplotlib.pyplot as plt
import torch

from handbook.plots import BLUE, GREEN, GREY, PURPLE, STYLE
from handbook.recurrence import gradient_reach
from handbook.recurrent_layers import GRUCell, LSTMCell, RNNCell
from handbook.seeding import make_generator

plt.style.use(STYLE)

N_STEPS, N_SAMPLES, N_INPUTS, N_HIDDEN = 100, 8, 8, 32
N_SEEDS = 5
OPEN = 3.0  # a gate's bias at which it lets through sigmoid(3) = 95 %


def relative_reach(cell_class, changed, seed):
    """Return the norm of the gradient T - t steps back, relative to that at the last state."""
    generator = make_generator(seed)
    cell = cell_class(N_INPUTS, N_HIDDEN, generator=generator)
    if changed:
        with torch.no_grad():
            if cell_class is RNNCell:
                noise = torch.randn(N_HIDDEN, N_HIDDEN, generator=generator)
                cell.weight_hh.copy_(torch.linalg.qr(noise)[0])
            else:  # rows H to 2H: the forget gate of an LSTM, the update gate of a GRU
                cell.bias_ih[N_HIDDEN : 2 * N_HIDDEN] = OPEN
    x = torch.randn(N_STEPS, N_SAMPLES, N_INPUTS, generator=generator)
    u = torch.randn(N_SAMPLES, N_HIDDEN, generator=generator)
    zeros = torch.zeros(N_SAMPLES, N_HIDDEN)
    state = (zeros, zeros) if cell_class is LSTMCell else zeros
    reach = gradient_reach(cell, x, state, u)  # (T + 1, N)
    return (reach / reach[-1]).square().mean(1).sqrt().flip(0)  # now by steps back


# %%
# Five networks of each kind, with random inputs; the line is the median, the band goes from the
# smallest to the largest.

CASES = {
    "RNN": (RNNCell, BLUE, "orthogonal matrix"),
    "LSTM": (LSTMCell, PURPLE, "forget bias 3"),
    "GRU": (GRUCell, GREEN, "update bias 3"),
}
steps_back = range(N_STEPS + 1)
fig, axs = plt.subplots(2, 1, figsize=(6.0, 7.0), sharex=True, sharey=True)
at_fifty = {}
for name, (cell_class, color, change) in CASES.items():
    for ax, changed in zip(axs, (False, True), strict=True):
        runs = torch.stack([relative_reach(cell_class, changed, seed) for seed in range(N_SEEDS)])
        runs = runs.clamp(min=1e-12)  # below, nothing is drawn
        label = f"{name}, {change}" if changed else name
        line = {"RNN": "-", "LSTM": ":", "GRU": "-."}[name]
        ax.plot(steps_back, runs.median(0).values, color=color, linestyle=line, label=label)
        low, high = runs.min(0).values, runs.max(0).values
        ax.fill_between(steps_back, low, high, color=color, alpha=0.2, linewidth=0)
        at_fifty[name, changed] = runs[:, 50]
for ax in axs:
    ax.axhline(1e-7, color=GREY, linestyle=(0, (8, 3)), linewidth=1.2)
    ax.set_yscale("log")
    ax.set_ylim(1e-12, 3)
    ax.set_ylabel("gradient left (fraction, log scale)")
    ax.legend(loc="lower left" if ax is axs[1] else "upper right")
axs[0].text(99, 1.6e-7, "float32 rounds it away", ha="right", fontsize=11)
axs[0].set_title("As PyTorch starts them, all three forget:\nthe gradient is gone in 30 steps")
axs[1].set_title("A gate that starts open hands it on;\nan orthogonal matrix delays the end")
axs[1].set_xlabel("steps back in time (steps)")

for name in CASES:
    assert at_fifty[name, False].max() < 1e-8
    assert at_fifty[name, True].min() > 1000 * at_fifty[name, False].max()
assert min(at_fifty[name, True].min() for name in ("LSTM", "GRU")) > 0.01
assert at_fifty["RNN", True].max() < 0.001
print("50 steps back, as they come:      less than 1e-8 of the gradient, in all 15 networks")
print("50 steps back, gates open:        more than 1 %, in all 10 networks with gates")
print("50 steps back, orthogonal matrix: less than 0.1 %, in all 5 networks")

# %%
# An orthogonal matrix alone would keep the norm for ever, but every step also multiplies by the
# slopes of tanh, which are below 1. The open gates multiply by 0.95 a step. That is a memory of
# about twenty steps, which fades slowly.
#
# Change this and see
# -------------------
#
# - Set ``OPEN = 1.0``, the usual advice for an LSTM: 50 steps back, a few hundred-thousandths of
#   the gradient are left. That is a million times more than without it, and much less than with 3.
#   (Take the assertions out.)
# - Set ``OPEN = 6.0``: the gates let through 99.8 %. The gradient is about as large 100 steps back
#   as it was at the end. Such a network remembers what it should forget. (Take the assertions out.)
# - Divide the inputs ``x`` by 100: the states are smaller, the slopes of tanh nearer to 1, and 100
#   steps back the orthogonal network has ten thousand times as much left. (Take the assertions
#   out.)

plt.show()
