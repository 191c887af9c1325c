r"""
When does a gradient vanish, and when does it explode?
======================================================

Each step back multiplies the gradient by the transposed matrix of the state, again and again by
the same one. What remains after many steps is governed by its spectral radius, the largest absolute
value of its eigenvalues. Below 1 the gradient vanishes. Above 1 it may explode, and only the slopes
of tanh can stop it.
"""

# %%
# Random matrices are scaled to five spectral radii. Without input and from the state 0, the network
# stays at 0, where the slope of tanh is 1: there it is linear, and the gradient k steps back is
# :math:`(W^\top)^k u`. With inputs, each slope below 1 takes something away.

import matplotlib.pyplot as plt
import torch

from handbook.plots import BLUE, GREEN, GREY, OCHRE, PURPLE, STYLE, VERMILLION
from handbook.recurrence import gradient_reach, rnn_cell
from handbook.seeding import make_generator

plt.style.use(STYLE)

N_STEPS, N_SAMPLES, N_HIDDEN = 50, 16, 64
RADII = (0.7, 0.9, 1.0, 1.1, 1.3)
COLORS = (BLUE, GREEN, OCHRE, PURPLE, VERMILLION)


def matrix_of_radius(radius, seed):
    """Return a random matrix with this spectral radius."""
    matrix = torch.randn(N_HIDDEN, N_HIDDEN, generator=make_generator(seed), dtype=torch.float64)
    return matrix * radius / torch.linalg.eigvals(matrix).abs().max()


def reach(w_hh, scale):
    """Return the relative norm of the gradient by steps back, for inputs of this scale."""
    generator = make_generator(100)
    shape = (N_STEPS, N_SAMPLES, N_HIDDEN)
    x = scale * torch.randn(shape, generator=generator, dtype=torch.float64)
    u = torch.randn(N_SAMPLES, N_HIDDEN, generator=generator, dtype=torch.float64)
    identity = torch.eye(N_HIDDEN, dtype=torch.float64)
    norms = gradient_reach(lambda x, h: rnn_cell(x, h, identity, w_hh), x, torch.zeros_like(u), u)
    return (norms / norms[-1]).square().mean(1).sqrt().flip(0)


steps_back = torch.arange(N_STEPS + 1)
fig, axs = plt.subplots(2, 1, figsize=(6.0, 7.4), sharex=True, sharey=True)
last = {}
for radius, color in zip(RADII, COLORS, strict=True):
    matrices = [matrix_of_radius(radius, seed) for seed in range(3)]
    for ax, scale in zip(axs, (0.0, 1.0), strict=True):
        runs = torch.stack([reach(matrix, scale) for matrix in matrices])
        ax.plot(steps_back, runs.median(0).values, color=color, linestyle="-")
        ax.fill_between(
            steps_back, runs.min(0).values, runs.max(0).values, color=color, alpha=0.2, linewidth=0
        )
        end = runs.median(0).values[-1].item()
        ax.text(51, end, f"{radius:g}", color=color, va="center", fontsize=11)
        last[radius, scale] = runs[:, -1]
    axs[0].plot(steps_back, radius ** steps_back.double(), color=GREY, linestyle=":", linewidth=1.2)
    # The bound: no step can stretch by more than the largest singular value.
    for matrix in matrices:
        largest = torch.linalg.matrix_norm(matrix, ord=2)
        assert (reach(matrix, 1.0) <= largest ** steps_back.double() * (1 + 1e-9)).all()
for ax in axs:
    ax.set_yscale("log")
    ax.set_xlim(0, 56)
    ax.set_ylabel("gradient left (fraction, log scale)")
axs[0].set_title(
    "At the state 0, tanh is linear: the gradient\ngoes like the radius to the power k (dotted)"
)
axs[1].set_title("Random inputs push tanh where it is flat:\neven a radius of 1.3 explodes no more")
axs[1].set_xlabel("k, steps back in time (steps)")

assert last[0.9, 0.0].max() < 0.01
assert last[1.1, 0.0].min() > 10
assert last[1.3, 1.0].max() < 1
print("radius 0.9, no input: less than 1 % comes back 50 steps")
print("radius 1.1, no input: more than 10 times as much comes back")
print("radius 1.3, inputs of size 1: less comes back than was sent")

# %%
# The radius says what happens in the long run. One step can stretch more: by up to the largest
# singular value, which for these matrices is about twice the radius. Only when that is below 1, the
# gradient must vanish, whatever the inputs are; the script has checked that bound.
#
# Change this and see
# -------------------
#
# - Replace 1.0 by 0.1 in ``zip(axs, (0.0, 1.0))``: small inputs leave tanh nearly linear, and a
#   radius of 1.3 explodes again. (Take out what is asserted and printed about ``last``.)
# - Symmetrise the matrix before it is scaled, ``matrix = matrix + matrix.T``: its largest singular
#   value *is* its radius now, and the dotted lines become bounds.
# - Add ``nonlinearity="relu"`` in ``rnn_cell``: the slope is 0 or 1, and at the state 0 it is 0, so
#   that nothing at all comes back in the upper picture. (Take the assertions out.)

plt.show()
