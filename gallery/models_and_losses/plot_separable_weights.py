"""
Can logistic regression be too certain?
=======================================

Where a line separates the two classes without a mistake, twice the weights have a smaller loss,
and ten times the weights a smaller one still. There is no minimum to arrive at. What does descent
do, and what does it cost?
"""

import matplotlib.pyplot as plt
import torch

from handbook.classifiers import fit_logistic_regression, fit_standardization
from handbook.datasets import load_breast_cancer, train_test_split
from handbook.device import get_device
from handbook.losses import binary_cross_entropy_with_logits
from handbook.metrics import accuracy
from handbook.plots import GREY, STYLE, TRAINING, VALIDATION
from handbook.seeding import make_generator

plt.style.use(STYLE)
device = get_device()

# %%
# Thirty measurements and 100 tumours
# -----------------------------------
#
# With more features than it needs, a linear model separates 100 tumours. Train in stages, each
# three times as long as all before, with and without weight decay.

tumours = load_breast_cancer()
split = train_test_split(
    tumours.inputs, tumours.targets, test_share=469 / 569, generator=make_generator(1)
)
scale = fit_standardization(split.train_inputs)
train_inputs = scale.apply(split.train_inputs).to(device)
test_inputs = scale.apply(split.test_inputs).to(device)
train_targets, test_targets = split.train_targets.to(device), split.test_targets.to(device)

stages = [1, 3, 10, 30, 100, 300, 1000, 3000]
decays = (0.0, 0.05)
results = {}
for decay in decays:
    model, done, rows = None, 0, []
    for stage in stages:
        model = fit_logistic_regression(
            train_inputs, train_targets, n_steps=stage - done, weight_decay=decay, start=model
        )
        done = stage
        train_logits, test_logits = model.logits(train_inputs), model.logits(test_inputs)
        rows.append(
            [
                model.weight.norm().item(),
                binary_cross_entropy_with_logits(train_logits, train_targets.float()).item(),
                binary_cross_entropy_with_logits(test_logits, test_targets.float()).item(),
                accuracy(train_logits, train_targets, threshold=0),
                accuracy(test_logits, test_targets, threshold=0),
            ]
        )
    results[decay] = torch.tensor(rows).T

for decay, (norm, train_loss, test_loss, *_) in results.items():
    print(f"weight decay {decay}")
    for row in (2, 4, 7):
        print(
            f"  {stages[row]:>5} steps: length {norm[row]:4.1f}, loss {train_loss[row]:.3f} "
            f"in training, {test_loss[row]:.2f} held out"
        )

norm, _, test_loss, train_share, _ = results[0.0]
assert train_share[-1] == 1.0  # separated
assert bool((norm[1:] > norm[:-1]).all())
assert test_loss[-1] > 1.5 * test_loss.min()
decayed_norm = results[decays[1]][0]
assert abs(decayed_norm[-1] - decayed_norm[-2]) < 0.01 * decayed_norm[-1]

# %%
# The length of the weight vector grows like the logarithm of the number of steps: never fast, and
# never done. Its *direction* settles, and the predictions with it. What keeps growing is the
# certainty, which nothing in the data supports.

fig, (top, bottom) = plt.subplots(2, 1, figsize=(6.4, 7.4), sharex=True)
for decay, linestyle, marker in zip(decays, ("-", "--"), ("o", "s"), strict=True):
    norm, train_loss, test_loss, _, _ = results[decay]
    told = f"weight decay {decay:g}"
    top.plot(stages, norm, color=GREY, linestyle=linestyle, marker=marker, label=told)
    bottom.plot(
        stages, train_loss, color=TRAINING, linestyle=linestyle, marker=marker,
        label=f"training, decay {decay:g}",
    )  # fmt: skip
    bottom.plot(
        stages, test_loss, color=VALIDATION, linestyle=linestyle, marker=marker,
        label=f"held out, decay {decay:g}",
    )  # fmt: skip
top.set_title("On separable data the weights grow for ever")
top.set_ylabel("length of the weight vector\n(dimensionless)")
top.legend(loc="upper left")
bottom.set_title("The training loss falls, the held-out loss rises")
bottom.set_xscale("log")
bottom.set_yscale("log")
bottom.set_xlabel("steps (logarithmic)")
bottom.set_ylabel("cross-entropy (nats, logarithmic)")
bottom.legend(loc="lower left")

# %%
# Change this and see
# -------------------
#
# - Set ``test_share=0.25``: 3000 steps do not separate 427 tumours, the held-out loss hardly rises,
#   and the first assertion fails. More data is another cure.
# - Set the second of ``decays`` to 0.5: the weights stay so short that the model is too timid,
#   and both losses end higher.
# - Print ``results[decay][4, -1]`` for both of ``decays``: the shares that are right differ by
#   a few per cent at most, where the losses differ several times.

plt.show()
