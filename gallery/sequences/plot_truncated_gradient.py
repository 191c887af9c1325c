r"""
What does cutting the sequence cost the gradient?
=================================================

Long sequences are cut into pieces, and the state is handed on without its graph: backpropagation
through time, truncated. Memory and time then depend on the piece, not on the sequence. The price
is a gradient that is wrong, always in the same way: it does not know that a state has consequences
beyond its own piece.
"""

# %%
# A network of three spectral radii, 60 steps, a random gradient at every state. The whole gradient
# of :math:`W_{hh}` is compared with the one that is cut after every k steps.

import matplotlib.pyplot as plt
import torch

from handbook.plots import BLUE, GREEN, STYLE, VERMILLION
from handbook.recurrence import rnn_backward, rnn_forward
from handbook.seeding import make_generator

plt.style.use(STYLE)

N_STEPS, N_SAMPLES, N_INPUTS, N_HIDDEN = 60, 32, 4, 24
PIECES = (1, 2, 3, 5, 10, 15, 20, 30, 60)
N_SEEDS = 5


def errors_of_pieces(radius, seed):
    """Return |cut - whole| / |whole| for each length of the pieces."""
    generator = make_generator(seed)
    w_hh = torch.randn(N_HIDDEN, N_HIDDEN, generator=generator)
    w_hh *= radius / torch.linalg.eigvals(w_hh).abs().max()
    w_ih = 0.3 * torch.randn(N_HIDDEN, N_INPUTS, generator=generator)
    x = torch.randn(N_STEPS, N_SAMPLES, N_INPUTS, generator=generator)
    h_0 = torch.zeros(N_SAMPLES, N_HIDDEN)
    output, _ = rnn_forward(x, [[w_ih, w_hh]])
    upstream = torch.randn(output.shape, generator=generator)
    whole = rnn_backward(upstream, x, h_0, output, w_ih, w_hh).w_hh
    errors = []
    for piece in PIECES:
        cut = rnn_backward(upstream, x, h_0, output, w_ih, w_hh, truncate_every=piece).w_hh
        errors.append(((cut - whole).norm() / whole.norm()).item())
    return errors


fig, ax = plt.subplots(figsize=(6.0, 4.4))
medians = {}
for radius, color, line in ((0.5, BLUE, "-"), (0.9, GREEN, "-."), (1.2, VERMILLION, "--")):
    runs = torch.tensor([errors_of_pieces(radius, seed) for seed in range(N_SEEDS)])
    medians[radius] = runs.median(0).values
    ax.plot(
        PIECES[:-1], medians[radius][:-1], color=color, linestyle=line, marker="o",
        label=f"spectral radius {radius:g}",
    )  # fmt: skip
    ax.fill_between(
        PIECES[:-1], runs.min(0).values[:-1], runs.max(0).values[:-1], color=color, alpha=0.2,
        linewidth=0,
    )  # fmt: skip
    assert (medians[radius][1:] < medians[radius][:-1]).all()
    assert runs[:, -1].max() == 0  # one piece: nothing is cut
ax.set_xscale("log")
ax.set_xticks(PIECES[:-1], [str(piece) for piece in PIECES[:-1]])
ax.minorticks_off()
ax.set_ylim(0, 1)
ax.set(
    xlabel="steps in a piece (steps, log scale)",
    ylabel="error of the gradient (fraction)",
    title="Short pieces give a wrong gradient, and the\nfurther it would reach, the more so",
)
ax.legend()

ten = PIECES.index(10)
assert medians[0.5][ten] < medians[0.9][ten] < medians[1.2][ten]
print("pieces of 1 step:   the gradient is wrong by more than 30 %, for every radius")
print("pieces of 10 steps: the error grows with the radius, from below 15 % to above 25 %")
assert min(m[0] for m in medians.values()) > 0.3
assert medians[0.5][ten] < 0.15
assert medians[1.2][ten] > 0.25

# %%
# Even where the gradient reaches only a few steps, the error falls slowly, like one over the root
# of the piece's length: it is made at the cuts, of which there are 60 / k, in random directions.
#
# Change this and see
# -------------------
#
# - Replace the random ``upstream`` by ``output - 1``, a loss that wants all states at 1. Its
#   gradients point much the same way at every step, and all errors become smaller. (Take the
#   assertions out.)
# - Ask about the end only, ``upstream[:-1] = 0``. Where the radius is 0.5, pieces of 10 steps are
#   now enough: the error is below a thousandth. (Take the assertions out.)

plt.show()
