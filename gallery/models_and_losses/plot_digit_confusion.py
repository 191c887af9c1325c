"""
Which digits does a linear model mix up?
========================================

Sixty-four pixels, ten classes, one linear layer. It reads about nineteen of twenty digits. The
mistakes are not spread evenly, and the pictures of its weights tell why.
"""

import matplotlib.pyplot as plt
import torch

from handbook.classifiers import fit_softmax_regression
from handbook.datasets import load_digits, train_test_split
from handbook.device import get_device
from handbook.metrics import accuracy, confusion_matrix, precision_recall_f1
from handbook.plots import DIVERGING, STYLE, plot_matrix
from handbook.seeding import make_generator

plt.style.use(STYLE)
device = get_device()

# %%
# Five splits
# -----------
#
# Each model is judged on the 449 images that it has not seen, and the five tables of its mistakes
# are added up.

digits = load_digits()
counts = torch.zeros(10, 10, dtype=torch.int64)
shares, truths, guesses = [], [], []
for seed in range(5):
    split = train_test_split(digits.inputs / 16, digits.targets, generator=make_generator(seed))
    model = fit_softmax_regression(
        split.train_inputs.to(device), split.train_targets.to(device), 10, learning_rate=2.0
    )
    predicted = model.logits(split.test_inputs.to(device)).argmax(dim=1)  # the classes are dim 1
    shares.append(accuracy(predicted, split.test_targets))
    counts += confusion_matrix(predicted, split.test_targets, 10)
    truths.append(split.test_targets)
    guesses.append(predicted.cpu())

shares = torch.tensor(shares)
print(f"right: {shares.mean():.0%}, from {shares.min():.0%} to {shares.max():.0%}")
assert shares.min() > 0.93

# %%
# Precision and recall
# --------------------
#
# One number for ten classes hides the weak ones.

scores = precision_recall_f1(torch.cat(guesses), torch.cat(truths), 10)
weakest = int(scores.f1.argmin())
strongest = int(scores.f1.argmax())
print(f"best read: {strongest}, F1 {scores.f1[strongest]:.2f}")
print(f"worst read: {weakest}, F1 {scores.f1[weakest]:.2f}")
assert scores.f1[strongest] - scores.f1[weakest] > 0.04

fig, ax = plt.subplots(figsize=(6.4, 6.0))
off_diagonal = counts.float().masked_fill(torch.eye(10, dtype=torch.bool), float("nan"))
plot_matrix(off_diagonal, ax=ax)
ax.set_title("Mistakes of five splits: an 8 takes part in\nmore than a quarter of them")
ax.set_xlabel("digit that was read")
ax.set_ylabel("digit that was written")
fig.colorbar(ax.images[0], ax=ax, label="images (count)", shrink=0.8)

mistakes = off_diagonal.nan_to_num(0)
involved = mistakes.sum(dim=0) + mistakes.sum(dim=1)  # read as it, or written and not read
print(f"most mistakes involve: {int(involved.argmax())}")
assert involved.argmax() == 8
assert involved[8] > mistakes.sum() / 4

# %%
# What the weights look at
# ------------------------
#
# Each class has 64 weights: a picture of where ink speaks for it and where against.

fig, axes = plt.subplots(2, 5, figsize=(6.4, 3.2))
fig.suptitle("Ten pictures of weights: purple speaks for the digit", x=0.01, ha="left")
weights = model.weight.reshape(10, 8, 8).cpu().numpy()
limit = abs(weights).max()
for k, ax in enumerate(axes.flat):
    ax.imshow(weights[k], cmap=DIVERGING, vmin=-limit, vmax=limit)
    ax.set_title(str(k))
    ax.axis("off")

# %%
# An 8 has ink where other digits have it too, and little that is its own. A linear model can only
# add up ink; it cannot ask for "a loop above *and* a loop below".
#
# Change this and see
# -------------------
#
# - Write ``argmax(dim=0)``: one number for each class comes out instead of one for each image, and
#   the next function refuses it, because the lengths differ.
# - Leave out ``/ 16``: the steps are 256 times too long, the loss jumps about, and the share that
#   is right falls a little, below what the first assertion asks. What is left of the training is
#   luck.
# - Take the assertions out, and set ``n_steps=20``: most digits are read already. The first steps
#   learn the mean pictures.

plt.show()
