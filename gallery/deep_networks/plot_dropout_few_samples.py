r"""
Dropout and weight decay with few samples
=========================================

A network with 128 hidden units learns from only 200 handwritten digits, a fifth of which carry a
wrong label. It soon knows them by heart, mistakes included. What do dropout and weight decay
change on digits that it has not seen?
"""

# %%
# Three networks, four splits
# ---------------------------
# The same start and the same steps of Adam for all. Every split draws other digits to learn from.

import matplotlib.pyplot as plt
import torch
from torch import nn

from handbook.datasets import load_digits
from handbook.device import get_device
from handbook.initialization import kaiming_normal_, zeros_
from handbook.layers import Dropout
from handbook.losses import cross_entropy
from handbook.optimizers import AdamW
from handbook.plots import STYLE, TRAINING, VALIDATION
from handbook.regularization import decay_groups
from handbook.seeding import make_generator

plt.style.use(STYLE)
device = get_device()
digits = load_digits()
all_inputs = (digits.inputs.flatten(1) / digits.inputs.max()).to(device)
all_targets = digits.targets.to(device)
n_steps, n_samples, splits = 120, 200, range(4)


def make_network(p, seed):
    """Build a network of two layers with dropout of the pixels' and of the hidden numbers."""
    generator = make_generator(seed)
    network = nn.Sequential(
        Dropout(p / 2, generator=generator), nn.Linear(64, 128), nn.ReLU(),
        Dropout(p, generator=generator), nn.Linear(128, 10),
    )  # fmt: skip
    for parameter in network.parameters():
        if parameter.dim() == 2:
            kaiming_normal_(parameter, generator=generator)
        else:
            zeros_(parameter)
    return network.to(device)


def train(p, decay, seed):
    """Train on 200 digits; return training and test loss, the accuracy, and the weights' length."""
    order = torch.randperm(len(all_inputs), generator=make_generator(100 + seed)).to(device)
    inputs, targets = all_inputs[order], all_targets[order]
    given = targets[:n_samples].clone()
    given[: n_samples // 5] = (given[: n_samples // 5] + 1) % 10  # a fifth is labelled wrongly
    network = make_network(p, seed)
    optimizer = AdamW(decay_groups(network, decay), lr=1e-2)
    for _ in range(n_steps):
        loss = cross_entropy(network(inputs[:n_samples]), given)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    network.eval()
    with torch.no_grad():
        logits = network(inputs)
        losses = [cross_entropy(logits[:n_samples], given).item()]
        losses.append(cross_entropy(logits[n_samples:], targets[n_samples:]).item())
        correct = (logits[n_samples:].argmax(1) == targets[n_samples:]).float().mean().item()
        size = sum(w.square().sum() for w in network.parameters()).sqrt().item()
    return [*losses, correct, size]


settings = {
    "neither": (0.0, 0.0), "dropout": (0.5, 0.0), "weight decay": (0.0, 3.0),
}  # fmt: skip
results = {
    name: torch.tensor([train(p, decay, seed) for seed in splits])
    for name, (p, decay) in settings.items()
}
for name, runs in results.items():
    print(f"{name:12}: the weights' length is about {5 * round(runs[:, 3].mean().item() / 5)}")

# %%
# What came out
# -------------
# Each mark is one split, and both cures lower the test loss in every one of them.

base = results["neither"]
for name in ("dropout", "weight decay"):
    runs = results[name]
    assert (runs[:, 0] > 3 * base[:, 0]).all()  # the training loss goes up
    assert (runs[:, 1] < 0.85 * base[:, 1]).all()  # the test loss goes down
    assert (runs[:, 2] > base[:, 2]).all()  # more of the new digits are read rightly
    print(f"{name:12}: a lower test loss and more right answers in every split")
assert results["weight decay"][:, 3].max() < 0.7 * base[:, 3].min()

fig, (top, bottom) = plt.subplots(2, 1, figsize=(6.2, 7.2), sharex=True)
places = range(len(results))
for i, runs in enumerate(results.values()):
    spot = torch.linspace(-0.1, 0.1, len(runs))
    top.plot(i - 0.15 + spot, runs[:, 0], "o", color=TRAINING, label=None if i else "training")
    top.plot(i + 0.15 + spot, runs[:, 1], "s", color=VALIDATION, label=None if i else "test")
    bottom.plot(i + spot, 100 * runs[:, 2], "D", color=VALIDATION)
top.set_ylabel("cross-entropy (nats)")
top.set_ylim(bottom=0)
top.set_title(
    "With a fifth of the labels wrong, both cures\nraise the training loss and lower the test loss"
)
top.legend(loc="upper right")
bottom.set_ylabel("test digits read rightly (%)")
bottom.set_title("And more of the new digits are read rightly")
bottom.set_xticks(places, list(results))
bottom.set_xlim(-0.5, 2.5)

# %%
# The three were not tuned, so this ranks nobody. And without wrong labels there was little to cure:
# see the first change.
#
# Change this and see
# -------------------
#
# - Take the line with the wrong labels out: the three come close to each other, and the assertions
#   say that the finding is gone. A regulariser helps against what a model learns and should not.
# - Take ``network.eval()`` out: the network with dropout is then tested with units missing. It
#   loses all of its gain, and reads fewer new digits than the network without it.
# - Give ``AdamW`` all parameters with ``network.parameters()`` and ``weight_decay=3.0``: the biases
#   decay as well. Here it makes little difference.

plt.show()
