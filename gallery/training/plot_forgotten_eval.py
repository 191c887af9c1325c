"""
What does a forgotten eval() cost?
==================================

A model with batch normalisation and dropout computes something else in training mode than in
evaluation mode. Forget to switch, and nothing fails: the predictions are only worse, and depend on
which samples happen to be predicted together. By how much?
"""

import matplotlib.pyplot as plt
import torch
from torch import nn

from handbook.device import get_device
from handbook.modes import evaluation_mode
from handbook.plots import BLUE, GREY, STYLE, VERMILLION
from handbook.seeding import make_generator
from handbook.training import fit

plt.style.use(STYLE)
device = get_device()

# %%
# Four clusters in the plane, a class each, and a small network that learns them.

centers = torch.tensor([[2.0, 0.0], [0.0, 2.0], [-2.0, 0.0], [0.0, -2.0]])


def clusters(n_samples, generator):
    """Draw points around the centers, with their labels."""
    labels = torch.randint(4, (n_samples,), generator=generator)
    x = centers[labels] + 0.7 * torch.randn(n_samples, 2, generator=generator)
    return x.to(device), labels.to(device)


generator = make_generator(0)
train, test = clusters(512, generator), clusters(960, generator)
torch.random.default_generator.set_state(generator.get_state())  # the layers draw from this one
model = nn.Sequential(
    nn.Linear(2, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.5), nn.Linear(32, 4)
).to(device)
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
batches = list(zip(train[0].split(32), train[1].split(32), strict=True))
history = fit(model, nn.CrossEntropyLoss(), optimizer, batches, epochs=15)

# %%
# Predict the same 960 test samples in batches of different sizes, sorted by class, as they come
# from a folder for each class. In evaluation mode the size cannot matter: each sample is
# normalised by what was remembered from training.

sizes = [2, 4, 8, 16, 32, 64, 160, 480, 960]
order = test[1].argsort(stable=True)
x, labels = test[0][order], test[1][order]


def accuracy(size):
    """Predict in batches of so many samples; return the share that is right."""
    predicted = torch.cat([model(part).argmax(dim=1) for part in x.split(size)])
    return (predicted == labels).float().mean().item()


with evaluation_mode(model):
    right = [accuracy(size) for size in sizes]
remembered = {name: value.clone() for name, value in model.state_dict().items()}
forgotten = []
model.train()
with torch.no_grad():
    for size in sizes:
        passes = []
        for _ in range(5):  # dropout draws anew each time
            passes.append(accuracy(size))
            model.load_state_dict(remembered)  # predicting has changed the running statistics
        forgotten.append(sum(passes) / len(passes))

print(f"with eval(): {right[0]:.0%} for batches of any size")
print("without, below 65 % for batches of 2:", forgotten[0] < 0.65)
print("without, all test samples in one batch: still worse:", forgotten[-1] < right[0])
assert max(right) - min(right) < 0.002
assert right[0] > 0.9
assert forgotten[0] < 0.65
assert forgotten[-1] < right[0]

# %%
# A small batch of one class has statistics of its own: subtracting its mean takes away just what
# tells the class. In a large batch the statistics are near those of training, and what is left is
# the noise of the dropout.

fig, ax = plt.subplots(figsize=(6.4, 4.6))
ax.plot(sizes, right, "o-", color=BLUE, label="with eval()")
ax.plot(sizes, forgotten, "s--", color=VERMILLION, label="eval() forgotten")
ax.axhline(0.25, color=GREY, linestyle=":", label="guessing")
ax.set_xscale("log", base=2)
ax.set_ylim(0, 1.05)
ax.set_title("Without eval(), the accuracy depends\non how many samples you predict at once")
ax.set_xlabel("samples in a batch (logarithmic)")
ax.set_ylabel("share of test samples that are right")
ax.legend(loc="lower right")

# %%
# Change this and see
# -------------------
#
# Where the finding goes away, the ``assert`` lines above say so: take them out first.
#
# - Delete ``order``, and predict ``test`` as it was drawn, with the classes mixed: batches of 2 are
#   still bad, but from 32 on only the dropout is left to do harm.
# - Take the dropout out of the model: the two curves then meet at the right end.
# - Add 1 to ``sizes``: batch normalisation in training mode refuses a batch of one sample, which
#   has no spread. That is the only time that it says anything.

plt.show()
