r"""
What do warm-up and decay buy?
==============================

A room for larger rates. A network of five layers is trained by Adam on handwritten digits, with
four peak rates and three schedules, from several random starts. At a small rate the schedules
hardly matter, or do harm. At a large one they decide.
"""

import itertools
from functools import partial

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F

from handbook.datasets import load_digits, train_test_split
from handbook.device import get_device
from handbook.optimizers import Adam
from handbook.plots import BLUE, GREEN, STYLE, VERMILLION
from handbook.schedules import apply_factor, cosine_annealing, warmup_cosine
from handbook.seeding import make_generator

plt.style.use(STYLE)
device = get_device()

digits = load_digits()
split = train_test_split(digits.inputs / 16, digits.targets, generator=make_generator(0))
train_inputs, train_targets = split.train_inputs.to(device), split.train_targets.to(device)
test_inputs, test_targets = split.test_inputs.to(device), split.test_targets.to(device)

N_STEPS, SIZES = 120, (64, 32, 32, 32, 32, 10)


def train(rate, schedule, seed):
    """Return the losses of all steps, and the loss on the test set at the end."""
    generator = make_generator(seed)
    weights, biases = [], []
    for n_in, n_out in itertools.pairwise(SIZES):
        drawn = torch.randn(n_in, n_out, generator=generator) * (2 / n_in) ** 0.5
        weights.append(drawn.to(device).requires_grad_())
        biases.append(torch.zeros(n_out, device=device, requires_grad=True))

    def logits(x):
        for w, b in zip(weights[:-1], biases[:-1], strict=True):
            x = torch.relu(x @ w + b)
        return x @ weights[-1] + biases[-1]

    optimizer = Adam(weights + biases, lr=rate)
    losses = []
    for step in range(N_STEPS):
        batch = torch.randint(len(train_targets), (32,), generator=generator).to(device)
        apply_factor(optimizer, schedule(step))
        loss = F.cross_entropy(logits(train_inputs[batch]), train_targets[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    with torch.no_grad():
        return losses, F.cross_entropy(logits(test_inputs), test_targets).item()


# %%
# The cosine falls to zero at the last step. The third schedule rises in a straight line over the
# first 30 steps and falls like the second from there. What is drawn is the median of three seeds,
# and the range from the best to the worst.

rates = [0.003, 0.01, 0.03, 0.06]
entries = {
    "constant": (lambda step: 1.0, BLUE, "-", "o"),
    "cosine": (partial(cosine_annealing, n_steps=N_STEPS), VERMILLION, "--", "s"),
    "warm-up, cosine": (partial(warmup_cosine, n_warmup=30, n_steps=N_STEPS), GREEN, "-.", "^"),
}
runs = {
    name: [[train(rate, schedule, seed) for seed in range(3)] for rate in rates]
    for name, (schedule, *_) in entries.items()
}
ends = {
    name: torch.tensor([[end for _, end in row] for row in rows]) for name, rows in runs.items()
}
medians = {name: values.median(dim=1).values for name, values in ends.items()}
for i, rate in enumerate(rates):
    usable = [name for name, values in medians.items() if values[i].item() < 0.3]
    print(f"peak rate {rate:5}: median loss below 0.3 with:", *usable, sep=" ")

assert medians["warm-up, cosine"][-1] < medians["cosine"][-1] / 1.3
assert medians["cosine"][-1] < medians["constant"][-1]
assert medians["warm-up, cosine"][0] > medians["constant"][0]  # small rates: decay wastes steps

# %%
# What the warm-up protects is the start. Adam's first steps have the length of the rate in *every*
# weight, however small its gradient, and all of them work together. Compare the largest loss that
# the first 20 steps see, at the largest rate:

peaks = {
    name: torch.tensor([max(losses[:20]) for losses, _ in rows[-1]]).median().item()
    for name, rows in runs.items()
}
print("the largest early loss is higher without warm-up")
assert peaks["constant"] > peaks["warm-up, cosine"]

fig, ax = plt.subplots(figsize=(6.0, 4.8))
for name, (_, color, linestyle, marker) in entries.items():
    low, high = ends[name].min(dim=1).values, ends[name].max(dim=1).values
    ax.fill_between(rates, low, high, color=color, alpha=0.2, linewidth=0)
    ax.plot(rates, medians[name], color=color, linestyle=linestyle, marker=marker, label=name)
ax.set_xscale("log")
ax.set_yscale("log")
ax.set_xticks(rates, [f"{rate:g}" for rate in rates])
ax.set_yticks([0.1, 0.2, 0.5, 1, 2], ["0.1", "0.2", "0.5", "1", "2"])
ax.minorticks_off()
ax.set_title("Decay and warm-up widen the range of\nrates that work; at small rates they cost")
ax.set_xlabel("peak rate (logarithmic)")
ax.set_ylabel("loss on the test set (logarithmic)")
ax.legend(loc="upper left")

# %%
# Change this and see
# -------------------
#
# - Set ``n_warmup=1`` and take the assertions out: the third schedule is the second one, a step
#   later.
# - Replace Adam by ``SGD`` with ``momentum=0.9`` and the rates 0.03, 0.1, 0.2, 0.4, and take the
#   assertions out: here it is the decay that rescues the larger rates, and warm-up adds little.

plt.show()
