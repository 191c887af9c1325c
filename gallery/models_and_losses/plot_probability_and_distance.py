"""
The line, and how sure a classifier is
======================================

A linear classifier for three growers of wine cuts the plane along straight lines. How far a wine
lies from a line is one thing. The probability that the classifier gives is another.
"""

# %%
# Two of the thirteen measurements, brought to mean 0 and standard deviation 1, and a linear layer
# with three outputs, one logit for each grower.

import itertools

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F

from handbook.activations import sigmoid, softmax
from handbook.datasets import load_wine
from handbook.device import get_device
from handbook.layers import Linear
from handbook.linear_models import boundary_segment, signed_distance
from handbook.plots import BLUE, GREEN, OCHRE, PURPLE, STYLE, VERMILLION, plot_decision_regions
from handbook.seeding import make_generator

plt.style.use(STYLE)
device = get_device()

wine = load_wine()
columns = [wine.feature_names.index(name) for name in ("flavanoids", "color_intensity")]
raw = wine.inputs[:, columns]
inputs = ((raw - raw.mean(dim=0)) / raw.std(dim=0)).to(device)  # (178, 2)
labels = wine.targets.to(device)

layer = Linear(2, 3, device=device, generator=make_generator(0))
optimizer = torch.optim.Adam(layer.parameters(), lr=0.1)
for _ in range(300):
    optimizer.zero_grad()
    F.cross_entropy(layer(inputs), labels).backward()
    optimizer.step()
weight, bias = layer.weight.detach(), layer.bias.detach()

# %%
# The class is the largest logit, and the softmax keeps the order, so the largest probability says
# the same. Two classes are equally likely where their logits agree: on a straight line.

logits = layer(inputs).detach()
assert torch.equal(logits.argmax(dim=1), softmax(logits, dim=1).argmax(dim=1))
right = (logits.argmax(dim=1) == labels).float().mean().item()
print(f"right: {right:.1f} of the wines that it was trained on")

fig, ax = plt.subplots(figsize=(6.4, 5.6))
limits = ((-2.0, 3.4), (-2.8, 3.8))
plot_decision_regions(
    lambda x: layer(x).argmax(dim=1),
    inputs,
    labels,
    names=[f"grower {k}" for k in range(3)],
    limits=limits,
    ax=ax,
)
looks = ((OCHRE, "--"), (PURPLE, "-."), (GREEN, ":"))
pairs = list(itertools.combinations(range(3), 2))
for (j, k), (color, linestyle) in zip(pairs, looks, strict=True):
    ends = boundary_segment(weight[j] - weight[k], bias[j] - bias[k], limits).cpu()
    ax.plot(*ends.T, color=color, linestyle=linestyle, label=f"logits of {j} and {k} agree")
ax.set_title("Three classes, three straight lines:\nthe largest logit wins on each side")
ax.set_xlabel("flavanoids (standard deviations from the mean)")
ax.set_ylabel("colour intensity (standard deviations)")
ax.legend(loc="lower right", ncols=2, fontsize=9)

# %%
# Now one line alone, that between growers 0 and 1. The difference of their logits is
# :math:`\lVert w \rVert` times the distance from the line, so among these two the probability of
# grower 0 is :math:`\sigma(\lVert w \rVert \, d)`. Multiply weights and bias by 3: the line stays
# where it is, every wine keeps its class and its distance, and the classifier says that it is
# nearly certain.

w, b = weight[0] - weight[1], bias[0] - bias[1]
two = labels < 2
distance = signed_distance(inputs[two], w, b)
fig, ax = plt.subplots(figsize=(6.4, 4.8))
d = torch.linspace(-3, 3, 301, device=device)
for scale, color, linestyle in ((1, BLUE, "-"), (3, VERMILLION, "--"), (1 / 3, GREEN, "-.")):
    torch.testing.assert_close(signed_distance(inputs[two], scale * w, scale * b), distance)
    probability = sigmoid((scale * inputs[two]) @ w + scale * b)
    torch.testing.assert_close(probability, sigmoid(scale * w.norm() * distance))
    label = {1: "as trained", 3: "weights times 3", 1 / 3: "weights divided by 3"}[scale]
    curve = sigmoid(scale * w.norm() * d)
    ax.plot(d.cpu(), curve.cpu(), color=color, linestyle=linestyle, label=label)
for k, color, marker, height in ((0, BLUE, "o", 1.05), (1, VERMILLION, "s", -0.05)):
    mine = distance[labels[two] == k].cpu()
    style = {"color": color, "marker": marker, "linestyle": "none", "markersize": 4}
    ax.plot(mine, torch.full_like(mine, height), label=f"wines of grower {k}", **style)
ax.set_title("The same line, three degrees of certainty")
ax.set_xlabel("distance from the line (standard deviations)")
ax.set_ylabel("probability of grower 0")
ax.legend(loc="center left")

# %%
# Change this and see
# -------------------
# - Train for 30 steps instead of 300: the lines are nearly where they will end, and the classifier
#   is less sure of everything.
# - Take other features, such as ``"alcohol"`` and ``"proline"``: other lines, straight again.
# - Add 10 to all three biases: nothing changes, since only differences of logits count.

plt.show()
