"""
What does a loss of the wrong shape teach?
==========================================

A model that ends in a linear layer gives predictions of shape (N, 1). Your targets have shape (N,).
Their difference has shape (N, N), the mean of its squares is one number, and training runs without
an error. What comes out of it is not a bad fit. It is a perfect answer to another question.
"""

import matplotlib.pyplot as plt
import torch

from handbook.device import get_device
from handbook.plots import GREEN, GREY, STYLE, TRUTH, VERMILLION
from handbook.seeding import make_generator
from handbook.tensors import broadcast_shapes

plt.style.use(STYLE)
device = get_device()

# %%
# A column minus a row
# --------------------
#
# Forty points near the line y = 2x + 1. The rule of broadcasting aligns the last dimensions: the
# column of predictions is repeated to the right, the row of targets downwards.

generator = make_generator(0)
n_samples = 40
x = 2 * torch.rand(n_samples, 1, generator=generator) - 1
noise = 0.2 * torch.randn(n_samples, generator=generator)
y = 2 * x[:, 0] + 1 + noise
x, y = x.to(device), y.to(device)

difference = x - y
print(f"predictions {tuple(x.shape)}, targets {tuple(y.shape)}")
print(f"difference {tuple(difference.shape)}, {difference.numel()} numbers instead of {n_samples}")
assert difference.shape == broadcast_shapes(x.shape, y.shape) == (n_samples, n_samples)

# %%
# Training with both shapes
# -------------------------
#
# The same model, the same start and the same 300 steps. Once the predictions keep their column,
# and once ``squeeze(1)`` takes the dimension of size 1 away.

fitted = {}
for name, shape in (("(N, 1) − (N,)", "column"), ("(N,) − (N,)", "row")):
    weight = torch.zeros(1, 1, device=device, requires_grad=True)
    bias = torch.zeros(1, device=device, requires_grad=True)
    for _ in range(300):
        prediction = x @ weight + bias  # (N, 1) @ (1, 1) + (1,) -> (N, 1)
        if shape == "row":
            prediction = prediction.squeeze(1)  # (N,)
        loss = ((prediction - y) ** 2).mean()
        gradients = torch.autograd.grad(loss, (weight, bias))
        with torch.no_grad():
            for parameter, gradient in zip((weight, bias), gradients, strict=True):
                parameter -= 0.1 * gradient
    fitted[shape] = (weight.item(), bias.item(), loss.item())
    slope, intercept, last = (round(number, 3) + 0.0 for number in fitted[shape])
    print(f"{name:<13}: slope {slope:.3f}, intercept {intercept:.3f}, loss {last:.3f}")

# %%
# What it has learnt instead
# --------------------------
#
# The wrong loss compares every prediction with *every* target:
#
# .. math:: \frac{1}{N^2} \sum_{i=1}^{N} \sum_{j=1}^{N} (\hat y_i - y_j)^2
#           = \frac{1}{N} \sum_{i=1}^{N} (\hat y_i - \bar y)^2
#           + \frac{1}{N} \sum_{j=1}^{N} (y_j - \bar y)^2.
#
# Each prediction is drawn to the mean of all targets, and the loss that is left is their variance.
# The upper picture holds the squares that go into this loss when the predictions are those of the
# true line.

mean, variance = y.mean().item(), y.var(correction=0).item()
print(f"mean of the targets {mean:.3f}, their variance {variance:.3f}")
assert abs(fitted["column"][0]) < 1e-3
assert abs(fitted["column"][1] - mean) < 1e-3
assert abs(fitted["column"][2] - variance) < 1e-3

fig, (top, bottom) = plt.subplots(2, 1, figsize=(6.4, 9.4), height_ratios=(1.15, 1))
order = x[:, 0].argsort()
squares = (2 * x[order] + 1 - y[order]) ** 2
image = top.imshow(squares.cpu(), interpolation="nearest")
top.plot(range(n_samples), range(n_samples), "--", color="white", gid="keep-color")
top.text(15, 22, "wanted", color="white", gid="keep-color", ha="right")
top.grid(visible=False)
top.set_title(
    f"A column minus a row compares all with all:\nonly {n_samples} of {difference.numel()} "
    "squares are wanted"
)
top.set_xlabel("target j (sorted by x)")
top.set_ylabel("prediction i (sorted by x)")
fig.colorbar(image, ax=top, label="squared difference (dimensionless)")

ends = torch.tensor([-1.0, 1.0])
bottom.plot(x.cpu(), y.cpu(), "o", color=GREY, markersize=4, label="data")
bottom.plot(ends, 2 * ends + 1, color=TRUTH, linestyle=":", label="truth 2x + 1")
lines = {"row": ("(N,) − (N,)", GREEN, "-"), "column": ("(N, 1) − (N,)", VERMILLION, "--")}
for shape, (label, color, linestyle) in lines.items():
    slope, intercept, _ = fitted[shape]
    bottom.plot(ends, slope * ends + intercept, color=color, linestyle=linestyle, label=label)
bottom.set_title("Trained on the wrong shape, the model\ngives the mean of the targets everywhere")
bottom.set_xticks([-1, -0.5, 0, 0.5, 1])
bottom.set_xlabel("input x (dimensionless)")
bottom.set_ylabel("target y (dimensionless)")
bottom.legend(loc="upper left")

# %%
# Change this and see
# -------------------
#
# - Compute the loss with ``torch.nn.functional.mse_loss(prediction, y)``: PyTorch warns that the
#   sizes differ, and computes the same wrong number.
# - Start the weight at 2 and the bias at 1, the truth: training with the column unlearns it.
# - Replace ``y`` in the loop by ``y[:-1]``: the column still trains, because a column of 40 and a
#   row of 39 make a matrix too. The row raises an error, which is what you want.

plt.show()
