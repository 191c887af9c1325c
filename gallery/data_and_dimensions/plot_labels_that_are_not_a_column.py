"""
What if the labels are not a column?
====================================

Read the last column of a table as a vector, subtract it from the predictions, and each prediction
is compared with every label. The model then learns one number: the mean.
"""

# %%
# Predictions have the shape (N, 1). Labels of the shape (N, 1) give N differences. Labels of the
# shape (N,) give N × N of them, without an error: broadcasting lines a column up with a row.

from importlib.resources import files

import matplotlib.pyplot as plt
import torch

from handbook.device import get_device
from handbook.plots import BLUE, STYLE, TRUTH, VERMILLION
from handbook.tables import read_csv

plt.style.use(STYLE)
device = get_device()

# %%
# The file is real: 569 samples of breast tissue with 30 measurements each, and in the last column
# whether the tumour was benign (1) or malignant (0). Its first line is a remark, not a header.

path = str(files("sklearn.datasets.data") / "breast_cancer.csv")
table = read_csv(path, skip_lines=1)
inputs, column = table.inputs.double().to(device), table.targets.double().to(device)
inputs = (inputs - inputs.mean(dim=0)) / inputs.std(dim=0)
print("inputs", tuple(inputs.shape), "labels", tuple(column.shape))

labels = {"column": column, "vector": column[:, 0]}
predictions = {}
for name, target in labels.items():
    w = torch.zeros(inputs.shape[1], 1, dtype=torch.float64, device=device)
    b = torch.zeros(1, dtype=torch.float64, device=device)
    w.requires_grad_()
    b.requires_grad_()
    for _ in range(300):
        difference = inputs @ w + b - target  # (N, 1) or, by mistake, (N, N)
        loss = (difference**2).mean()
        gradients = torch.autograd.grad(loss, (w, b))
        with torch.no_grad():
            for parameter, gradient in zip((w, b), gradients, strict=True):
                parameter -= 0.03 * gradient
    predictions[name] = (inputs @ w + b).detach()[:, 0].cpu()
    right = ((predictions[name] > 0.5) == (column[:, 0].cpu() > 0.5)).double().mean()
    print(f"{name}: differences {tuple(difference.shape)}, loss {loss:.3f}, right {right:.0%}")

mean = column.mean().item()
spread = predictions["vector"].std().item()
print(f"mean of the labels {mean:.3f}, spread of the predictions from the vector {spread:.3f}")
assert spread < 1e-3

# %%
# The loss falls in both cases, and neither run raises an error.

fig, axes = plt.subplots(2, 1, figsize=(6.4, 5.6), sharex=True)
benign = column[:, 0].cpu() > 0.5
titles = {
    "column": "Labels (N, 1): the two classes part",
    "vector": "Labels (N,): every prediction is the mean of the labels",
}
edges = torch.linspace(-0.8, 1.8, 53).tolist()
for ax, (name, values) in zip(axes, predictions.items(), strict=True):
    counts, _, bars = ax.hist(
        [values[benign], values[~benign]],
        bins=edges,
        stacked=True,
        color=[BLUE, VERMILLION],
        edgecolor="white",
        linewidth=0.4,
        label=["benign (label 1)", "malignant (label 0)"],
    )
    for bar in bars[1]:
        bar.set_hatch("//")
    ax.axvline(mean, color=TRUTH, linestyle=":", label="mean of the labels")
    ax.set_ylabel("samples (count)")
    ax.set_title(titles[name])
axes[0].legend(loc="upper left")
axes[1].set_xlabel("prediction (dimensionless)")

# %%
# The N × N comparison asks each prediction to be close to all labels at once, and the number that
# is closest to all of them is their mean. Whatever the features say is averaged away. The loss
# settles at the variance of the labels, which may look like a hard problem rather than a mistake.
#
# Change this and see
# -------------------
# - Print ``loss`` every 50 steps: the wrong one falls too, and then stands at the variance of the
#   labels.
# - Replace the loss by ``torch.nn.functional.mse_loss(inputs @ w + b, target)``: PyTorch warns of
#   the shapes, and goes on.
# - Take ``skip_lines=1`` away: the remark in the first line is reported with line and column.

plt.show()
