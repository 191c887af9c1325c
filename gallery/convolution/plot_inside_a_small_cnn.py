r"""
What does a small convolutional network look at?
================================================

Train a network with two convolutions on handwritten digits, and open it: which digits does it mix
up, what do its kernels look like, and what does one digit look like after the first layer?
"""

import os

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F

from handbook.datasets import load_digits, train_test_split
from handbook.device import get_device
from handbook.metrics import accuracy, confusion_matrix
from handbook.mnist import load_mnist
from handbook.models import LeNet
from handbook.plots import DIVERGING, STYLE, plot_image, plot_matrix
from handbook.seeding import make_generator
from handbook.shapes import tape

plt.style.use(STYLE)
device = get_device()
generator = make_generator(0)

# %%
# The digits, and the shape of every layer
# ----------------------------------------
#
# If the environment variable ``HANDBOOK_MNIST`` names the folder of MNIST's files, its first 4000
# images take the place of the bundled digits.

folder = os.environ.get("HANDBOOK_MNIST")
if folder:
    mnist = load_mnist(folder)
    images, targets = mnist.train_inputs[:4000], mnist.train_targets[:4000]
else:
    digits = load_digits()
    images, targets = digits.inputs.reshape(-1, 1, 8, 8) / 16, digits.targets
split = train_test_split(images, targets, test_share=0.5, generator=generator)
inputs, labels = split.train_inputs.to(device), split.train_targets.to(device)
test_inputs, test_labels = split.test_inputs.to(device), split.test_targets.to(device)

size = images.shape[-1]
model = LeNet(size, kernel_size=3, padding=1, hidden=(), generator=generator).to(device)
print(tape(model, inputs[:1]))

# %%
# Train it
# --------

optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for _ in range(12):
    order = torch.randperm(len(labels), generator=generator).to(device)
    for batch in order.split(50):
        optimizer.zero_grad()
        F.cross_entropy(model(inputs[batch]), labels[batch]).backward()
        optimizer.step()
with torch.no_grad():
    logits = model(test_inputs)
predicted = logits.argmax(dim=1)
share = accuracy(predicted, test_labels)
print("reads more than nine of ten digits that it has not seen:", share > 0.9)
assert share > 0.9

# %%
# What it mixes up
# ----------------

counts = confusion_matrix(predicted, test_labels, 10).cpu()
mistakes = counts.float().masked_fill(torch.eye(10, dtype=torch.bool), float("nan"))
wrong = (predicted != test_labels).nonzero().flatten()
n_wrong = len(wrong)
assert int(mistakes.nansum()) == n_wrong
assert (mistakes == 0).sum() > 45  # of 90 ordered pairs

fig, ax = plt.subplots(figsize=(6.4, 6.0))
plot_matrix(mistakes, ax=ax)
ax.set_title("Most pairs of digits are never mixed up")
ax.set_xlabel("digit that was read")
ax.set_ylabel("digit that was written")
fig.colorbar(ax.images[0], ax=ax, label="images (count)", shrink=0.8)

# %%
# Look at the mistakes, those first that the network was surest of.

certainty = logits[wrong].softmax(dim=1).amax(dim=1)
shown = wrong[certainty.argsort(descending=True)][:10]
fig, axes = plt.subplots(2, 5, figsize=(6.4, 3.6))
for ax in axes.flat:
    ax.set_axis_off()
for ax, i in zip(axes.flat, shown.tolist(), strict=False):
    plot_image(test_inputs[i], ax=ax)
    ax.set_title(f"{int(test_labels[i])}, read {int(predicted[i])}", fontsize=11)
fig.suptitle("Ten digits that it misread: some are hard for you, too", x=0.01, ha="left")

# %%
# What the kernels look for
# -------------------------
#
# The six kernels of the first layer have nine weights each. Where a kernel has purple next to
# orange, it answers to an edge between ink and paper in that direction.

with torch.no_grad():
    weights = model.features[0].weight.detach().cpu()  # (6, 1, 3, 3)
    example = test_inputs[(test_labels == 3).nonzero()[0]]  # the first 3, with a batch of one
    maps = model.features[:2](example)[0].cpu()  # (6, size, size), behind the relu
limit = weights.abs().max().item()
fig, axes = plt.subplots(2, 6, figsize=(6.6, 3.0))
for k in range(6):
    axes[0, k].imshow(weights[k, 0], cmap=DIVERGING, vmin=-limit, vmax=limit)
    plot_image(maps[k], limits=(0.0, maps.max().item()), ax=axes[1, k])
    axes[0, k].set_axis_off()
    axes[0, k].set_title(f"kernel {k}", fontsize=11)
fig.suptitle("Six kernels make six different maps of one 3", x=0.01, ha="left")
signs = ((weights > 0).flatten(1).any(1) & (weights < 0).flatten(1).any(1)).sum()
print("kernels with weights of both signs:", "most" if signs >= 4 else "few")
assert signs >= 4

# %%
# No two maps are alike. Where a map is black, the answer was zero or below, and the
# relu cut it off.
#
# Change this and see
# -------------------
#
# - Show the second layer's maps, ``model.features[:5](example)``: sixteen of them, of half the size
#   on each side. They do not look like a digit any more.
# - Do not train, by ``range(0)``: the kernels look just as irregular, and about one digit of ten is
#   read right, so that the first assertion fails.
# - Show the mistakes it was least sure of, with ``descending=False``: the probabilities of their
#   two likeliest digits lie closer together.

plt.show()
