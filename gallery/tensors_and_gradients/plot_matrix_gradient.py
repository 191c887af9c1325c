"""
What is the gradient of a weight matrix?
========================================

A linear layer has a matrix of weights, and the loss is one number. The derivative of the loss with
respect to the matrix is a matrix of the same shape. It is made of one outer product for each sample
of the batch: what came back, times what went in.
"""

import matplotlib.pyplot as plt
import torch

from handbook.backprop import (
    cross_entropy_backward,
    cross_entropy_forward,
    finite_differences,
    linear_backward,
    linear_forward,
)
from handbook.device import get_device
from handbook.plots import DIVERGING, STYLE, plot_matrix
from handbook.seeding import make_generator

plt.style.use(STYLE)
device = get_device()

# %%
# One layer, three samples
# ------------------------
#
# Four features go in, two logits come out, and the cross-entropy of the two classes follows.
# With N samples, D features and C classes the shapes are those printed below. The gradient of the
# logits is known: probability less truth, divided by N.

generator = make_generator(13)
x = torch.randint(-2, 3, (3, 4), generator=generator).double().to(device)
weight = torch.randint(-1, 2, (2, 4), generator=generator).double().to(device) / 2
bias = torch.zeros(2, dtype=torch.float64, device=device)
target = torch.tensor([0, 1, 0], device=device)

logits = linear_forward(x, weight, bias)
upstream = cross_entropy_backward(logits, target)
gradients = linear_backward(upstream, x, weight)
named = [("input X", x), ("weight W", weight), ("logits Y", logits), ("gradient G of Y", upstream)]
named += [("gradient of W", gradients.weight), ("gradient of X", gradients.input)]
named += [("gradient of b", gradients.bias)]
for name, tensor in named:
    print(f"{name:<16}{tuple(tensor.shape)}")

# %%
# Three ways to the same matrix
# -----------------------------
#
# The product :math:`G^\top X` sums over the samples. Written out, that is a sum of outer products.
# Autograd and finite differences give the same eight numbers.

products = torch.stack([torch.outer(g, sample) for g, sample in zip(upstream, x, strict=True)])
leaf = weight.clone().requires_grad_()
(by_autograd,) = torch.autograd.grad(
    cross_entropy_forward(linear_forward(x, leaf, bias), target), leaf
)
measured = finite_differences(
    lambda weight: cross_entropy_forward(linear_forward(x, weight, bias), target), weight
)
ways = {
    "sum of outer products": (products.sum(0), 1e-14),
    "autograd": (by_autograd, 1e-14),
    "finite differences": (measured, 1e-9),
}
for name, (matrix, tolerance) in ways.items():
    equal = torch.allclose(matrix, gradients.weight, rtol=0, atol=tolerance)
    print(f"{name:<22} equal to {tolerance:.0e}: {equal}")
    assert equal
ranks = [int(torch.linalg.matrix_rank(product)) for product in products]
print(f"ranks of the outer products: {ranks}")
assert ranks == [1, 1, 1]

# %%
# Row *o* of a panel belongs to class *o*, column *i* to feature *i*. In the panel of one sample,
# every row is that sample's input, scaled by the gradient of one logit. The row of the true class
# is scaled by a negative number: the step against the gradient moves that row of W towards the
# sample. With two classes, the two rows are each other's negative, because the gradient of a
# sample's logits sums to zero. Where a feature is 0, its column is 0: a weight that carried nothing
# had no part in the loss.

fig, axes = plt.subplots(3, 2, figsize=(6.4, 7.6))
span = max(products.abs().max().item(), gradients.weight.abs().max().item())
panels = [
    ("G = gradient of Y (3, 2)", upstream, 2, None, "class", "sample"),
    ("X = inputs (3, 4)", x, 0, None, "feature", "sample"),
]
for n in range(3):
    sample_name = f"sample {n}: $g_{n} x_{n}^\\top$ (2, 4)"
    panels.append((sample_name, products[n], 2, (-span, span), "feature", "class"))
panels.append(
    ("sum = gradient of W (2, 4)", gradients.weight, 2, (-span, span), "feature", "class")
)
for ax, (name, matrix, decimals, limits, across, down) in zip(axes.flat, panels, strict=True):
    plot_matrix(matrix, decimals=decimals, cmap=DIVERGING, limits=limits, ax=ax)
    ax.set_title(name, fontsize=12)
    ax.set_xlabel(across)
    ax.set_ylabel(down)
fig.suptitle("The gradient of a weight matrix is the sum\nof one outer product for each sample")

# %%
# Change this and see
# -------------------
#
# - Set ``target = torch.tensor([0, 0, 0], device=device)``: sample 1 changes sides, and both rows
#   of its product change their signs. A step now moves row 0 of W towards it, and row 1 away.
# - Multiply ``x[1]`` by 10: that sample's product outgrows the others. A sample with large features
#   rules the gradient, which is one reason to standardise them.
# - Use ``x.T @ upstream`` instead of ``linear_backward``: it has the shape (4, 2), which does not
#   fit W. With as many classes as features it would fit, and be wrong.

plt.show()
