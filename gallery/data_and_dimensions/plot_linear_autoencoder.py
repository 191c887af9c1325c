"""
A linear autoencoder finds the subspace of PCA
==============================================

Squeeze 64 pixels through three numbers with two matrices, and train both by gradient descent. The
error comes down to the error of PCA and never below. The subspace is the same, the weights are not.
"""

# %%
# The encoder :math:`A` has shape (3, 64), the decoder :math:`B` (64, 3). Nobody tells them about
# eigenvalues; they only see the squared error of :math:`B A x` against :math:`x`.

import matplotlib.pyplot as plt
import torch

from handbook.datasets import load_digits
from handbook.device import get_device
from handbook.plots import BLUE, DIVERGING, GREEN, OCHRE, PURPLE, STYLE, TRUTH, VERMILLION
from handbook.projection import principal_components, subspace_angles, train_linear_autoencoder
from handbook.seeding import make_generator

plt.style.use(STYLE)
device = get_device()

# %%
# The images are divided by one number, so that the largest variance along any direction is 1 and
# the learning rate has a scale to refer to. Five seeds, five starts.

raw = load_digits().inputs.double().to(device)
images = raw / principal_components(raw, 1).variances[0].sqrt()  # (N, D) = (1797, 64)
best = principal_components(images, 3)
total = best.spectrum.sum()
floor = (best.discarded_variance / total).item()

n_seeds, n_steps = 5, 1000
moments = sorted({round(10 ** (i / 20)) for i in range(61)})  # 1 to 1000, even on a log scale
runs = [
    train_linear_autoencoder(
        images, 3, learning_rate=0.1, n_steps=n_steps, generator=make_generator(seed)
    )
    for seed in range(n_seeds)
]
angles = torch.tensor(
    [
        [subspace_angles(run.decoders[t].T, best.components)[0].rad2deg().item() for t in moments]
        for run in runs
    ]
)
for t in (1, 10, 100, 1000):
    gaps = torch.stack([run.errors[t] / total - floor for run in runs])
    widest = angles[:, moments.index(t)].max()
    print(f"step {t:>4}: at most {gaps.max():.5f} above PCA, angle at most {widest:.2f} degrees")
assert min(run.errors.min().item() for run in runs) / total.item() > floor
assert angles[:, -1].max() < 1

colors = [BLUE, VERMILLION, GREEN, PURPLE, OCHRE]
styles = ["-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1))]
fig, (above, below) = plt.subplots(2, 1, figsize=(6.4, 7.2), sharex=True)
for seed, run in enumerate(runs):
    look = {"color": colors[seed], "linestyle": styles[seed], "label": f"seed {seed}"}
    above.plot(moments, (run.errors[moments] / total).cpu(), **look)
    below.plot(moments, angles[seed], **look)
above.axhline(floor, color=TRUTH, linewidth=1)
above.text(1, floor - 0.02, "PCA with three components", color=TRUTH, va="top")
above.set_ylim(0.5, 1.1)
above.set_ylabel("error / total variance\n(dimensionless)")
above.set_title("The error comes down to that of PCA, ...")
above.legend()
below.set_xscale("log")
below.set_yscale("log")
below.set_xlabel("gradient steps (count, log scale)")
below.set_ylabel("largest angle to the subspace\nof PCA (degrees, log scale)")
below.set_title("... and the angle to its subspace goes to 0")

# %%
# From every start the error falls to the same floor. The angle follows later, in two stages. The
# first ends soon; it is governed by the gap between the third and the fourth eigenvalue. In the
# second the encoder unlearns directions in which the images hardly vary: they cost little, so
# little gradient comes from them.
#
# The same subspace, other weights
# --------------------------------
# Look at the three columns of the decoder as images. They are not the principal components: they
# are mixtures. If :math:`V` holds the components as rows, the trained decoder is
# :math:`B = V^\top C` and the encoder, wherever the images vary, :math:`A = C^{-1} V` with
# an invertible matrix :math:`C` of shape (3, 3) that the start decided. It can be read off as
# :math:`C = V B`.

trained = runs[0]
mixing = best.components @ trained.decoder  # C: (3, 3)
unmixed = trained.decoder @ torch.linalg.inv(mixing)  # (64, 3)
code_error = (mixing @ trained.encoder @ trained.decoder - mixing).abs().max().item()
print("C =")
for row in mixing.tolist():
    print("  ", "  ".join(f"{entry:5.1f}" for entry in row))
off = (unmixed.T - best.components).abs().max().item()
print(f"largest difference between B times the inverse of C and PCA: below {max(off, 0.01):.2f}")
assert off < 0.01
assert code_error < 0.01

rows = {
    "PCA": best.components,
    "decoder": trained.decoder.T,
    "unmixed": unmixed.T,
}
fig, axes = plt.subplots(3, 3, figsize=(6.0, 6.6))
for line, (name, directions) in zip(axes, rows.items(), strict=True):
    for number, (ax, direction) in enumerate(zip(line, directions, strict=True), start=1):
        size = direction.abs().max().item()
        ax.imshow(direction.reshape(8, 8).cpu().numpy(), cmap=DIVERGING, vmin=-size, vmax=size)
        ax.set_title(f"{name} {number}", loc="center")
        ax.set_xticks([])
        ax.set_yticks([])
fig.suptitle("The decoder's columns are mixtures of the\ncomponents; a 3 by 3 matrix unmixes them")

# %%
# Change this and see
# -------------------
# - Set the learning rate to 0.02: five times as many steps to the floor. After 1000 of them the
#   angle is still above one degree, and the assertion on it fails. At 1.0 the error explodes within
#   a few steps, and no subspace is left to measure.
# - Train with 1 in place of 3 components, here and in ``best``: a subspace of one dimension has one
#   direction, so the decoder *is* the first component, up to its length and sign.
# - Show ``runs[1].decoder.T`` in the second row: other mixtures, and the same third row.

plt.show()
