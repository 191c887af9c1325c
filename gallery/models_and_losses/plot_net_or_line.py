"""
Does a deeper net see more in a tumour?
=======================================

Notes on logistic regression often go on to a net with layers of 8, 6, 4 and 1 units and a sigmoid
after each. Does it do better than the one layer that it grew from? Several splits of real data
answer, and the answer depends on what you measure.
"""

import itertools

import matplotlib.pyplot as plt
import torch

from handbook.activations import sigmoid
from handbook.classifiers import fit_logistic_regression, fit_standardization
from handbook.datasets import load_breast_cancer, train_test_split
from handbook.device import get_device
from handbook.losses import binary_cross_entropy_with_logits
from handbook.metrics import accuracy
from handbook.plots import BLUE, GREY, STYLE, VERMILLION
from handbook.seeding import make_generator

plt.style.use(STYLE)
device = get_device()

# %%
# Eight measurements
# ------------------
#
# Perimeter and area of a nucleus follow from its radius, more or less. The other eight means stay.

tumours = load_breast_cancer()
columns = [0, 1, 4, 5, 6, 7, 8, 9]
print(", ".join(tumours.feature_names[column].removeprefix("mean ") for column in columns))
inputs = tumours.inputs[:, columns]


def build_nets(n_nets, sizes, generator):
    """Draw the weights (n_nets, in, out) and biases (n_nets, 1, out) of several nets at once."""
    parameters = []
    for n_in, n_out in itertools.pairwise(sizes):
        limit = (6 / (n_in + n_out)) ** 0.5  # Xavier's: signals keep their size
        weight = limit * (2 * torch.rand(n_nets, n_in, n_out, generator=generator) - 1)
        parameters += [weight.to(device), torch.zeros(n_nets, 1, n_out, device=device)]
    return [parameter.requires_grad_() for parameter in parameters]


def nets_logits(parameters, x):
    """Return the logits of each net for its own samples, (n_nets, N, 8) -> (n_nets, N)."""
    w1, b1, w2, b2, w3, b3 = parameters
    hidden = sigmoid(x @ w1 + b1)  # 6 units
    hidden = sigmoid(hidden @ w2 + b2)  # 4 units
    return (hidden @ w3 + b3)[..., 0]  # 1 logit, and no sigmoid: the loss takes logits


# %%
# Ten splits
# ----------
#
# Each seed draws its own split. The ten nets are trained side by side, along the first dimension of
# one tensor; they know nothing of each other. They are judged twice: stopped early, after a tenth
# of the steps, and at the end.

n_seeds, n_steps = 10, 400
names = ("one layer", "net, stopped early", "net, to the end")
shares = torch.zeros(len(names), n_seeds)
losses = torch.zeros(len(names), n_seeds)
parts = []
for seed in range(n_seeds):
    split = train_test_split(inputs, tumours.targets, generator=make_generator(seed))
    scale = fit_standardization(split.train_inputs)
    parts.append(
        (
            scale.apply(split.train_inputs),
            split.train_targets.float(),
            scale.apply(split.test_inputs),
            split.test_targets,
        )
    )
train_inputs, train_targets, test_inputs, test_targets = (
    torch.stack(part).to(device) for part in zip(*parts, strict=True)
)


def judge(row, logits):
    """Write down accuracy and loss on the held-out tumours, split by split."""
    for seed in range(n_seeds):
        truth = test_targets[seed]
        shares[row, seed] = accuracy(logits[seed], truth, threshold=0)
        losses[row, seed] = binary_cross_entropy_with_logits(logits[seed], truth.float()).item()


lines = [fit_logistic_regression(train_inputs[i], train_targets[i]) for i in range(n_seeds)]
judge(0, torch.stack([line.logits(x) for line, x in zip(lines, test_inputs, strict=True)]))

nets = build_nets(n_seeds, (8, 6, 4, 1), make_generator(100))
optimizer = torch.optim.Adam(nets, lr=0.05)
for step in range(1, n_steps + 1):
    optimizer.zero_grad()
    loss = binary_cross_entropy_with_logits(nets_logits(nets, train_inputs), train_targets)
    (n_seeds * loss).backward()  # the mean over all nets is n_seeds times too small for each
    optimizer.step()
    if step in (n_steps // 10, n_steps):
        with torch.no_grad():
            judge(1 if step < n_steps else 2, nets_logits(nets, test_inputs))

for row, name in enumerate(names):
    print(
        f"{name:<19} right {shares[row].mean():.0%}, spread {shares[row].std():.0%}; "
        f"loss {losses[row].mean():.1f}"
    )
gap = shares[2] - shares[0]
assert gap.mean().abs() < gap.std()  # no winner in accuracy
assert (losses[2] > losses[0]).sum() >= 8  # but a loser in the loss

# %%
# In accuracy the three can hardly be told apart: they differ by less than the splits do. The loss
# tells more. Trained to the end, the net has become sure of everything, and it is sure of its
# mistakes as well.

fig, axes = plt.subplots(2, 1, figsize=(6.4, 7.4))
looks = ((BLUE, "o"), (GREY, "^"), (VERMILLION, "s"))
for ax, values in zip(axes, (shares, losses), strict=True):
    for seed in range(n_seeds):
        ax.plot(range(3), values[:, seed], color=GREY, linestyle="-", linewidth=0.7, zorder=1)
    for row, (color, marker) in enumerate(looks):
        ax.plot([row] * n_seeds, values[row], marker, color=color, linestyle="none", zorder=2)
        ax.plot([row - 0.2, row + 0.2], [values[row].mean()] * 2, color=color, linestyle="-")
    ax.set_xticks(range(3), [name.replace(", ", ",\n") for name in names])
    ax.set_xlim(-0.5, 2.5)
axes[0].set_title("Accuracy: no winner among one layer and a net")
axes[0].set_ylabel("share right of the held-out\ntumours (dimensionless)")
axes[1].set_title("Loss: the net trained to the end is too sure")
axes[1].set_ylabel("cross-entropy of the held-out\ntumours (nats, logarithmic)")
axes[1].set_yscale("log")
axes[1].minorticks_off()
axes[1].set_yticks([0.1, 0.2, 0.4], ["0.1", "0.2", "0.4"])

# %%
# A thin line joins the results of one split; a bar is the mean over the splits.
#
# Change this and see
# -------------------
#
# - Give the optimiser ``weight_decay=0.01``: the net can no longer become so sure, and its
#   loss at the end comes down to that of the others.
# - Use all thirty measurements: ``columns = list(range(30))``, and 30 in place of 8 in the call of
#   ``build_nets``. All three become better, and they are still close together in accuracy.
# - Use ``torch.optim.SGD(nets, lr=0.1)``, the step without Adam's scaling: after a tenth of the
#   steps the net still calls every tumour benign, since two sigmoids in a row pass on little
#   gradient. At the end it is still behind the one layer.

plt.show()
