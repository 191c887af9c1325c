r"""
Does the optimiser or its rate decide?
======================================

Comparisons of optimisers are often made at one learning rate. Here four optimisers train the same
small network on the same handwritten digits, each at several rates, and each rate from several
random starts. Look at the valleys of the curves before you look at their order.
"""

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F

from handbook.datasets import load_digits, train_test_split
from handbook.device import get_device
from handbook.optimizers import SGD, Adam, RMSprop
from handbook.plots import BLUE, GREEN, PURPLE, STYLE, VERMILLION
from handbook.seeding import make_generator

plt.style.use(STYLE)
device = get_device()

digits = load_digits()
split = train_test_split(digits.inputs / 16, digits.targets, generator=make_generator(0))
train_inputs, train_targets = split.train_inputs.to(device), split.train_targets.to(device)
test_inputs, test_targets = split.test_inputs.to(device), split.test_targets.to(device)

# %%
# The network has one hidden layer of 32 relus. A run is four epochs of batches of 64, about 90
# steps: little, so that speed matters. A seed fixes the first weights and the order of the samples,
# for all optimisers alike.


def test_loss(optimizer, rate, seed, **options):
    """Train once and return the loss on the test set."""
    generator = make_generator(seed)
    w1 = 0.15 * torch.randn(64, 32, generator=generator)
    w2 = 0.2 * torch.randn(32, 10, generator=generator)
    weights = [w.to(device).requires_grad_() for w in (w1, torch.zeros(32), w2, torch.zeros(10))]

    def logits(inputs):
        return torch.relu(inputs @ weights[0] + weights[1]) @ weights[2] + weights[3]

    stepper = optimizer(weights, lr=rate, **options)
    for _ in range(4):
        order = torch.randperm(len(train_targets), generator=generator).to(device)
        for batch in order.split(64):
            stepper.zero_grad()
            F.cross_entropy(logits(train_inputs[batch]), train_targets[batch]).backward()
            stepper.step()
    with torch.no_grad():
        return F.cross_entropy(logits(test_inputs), test_targets).item()


entries = {
    "SGD": (SGD, {}, [0.03, 0.1, 0.3, 1.0, 3.0], BLUE, "-", "o"),
    "momentum 0.9": (SGD, {"momentum": 0.9}, [0.01, 0.03, 0.1, 0.3, 1.0], VERMILLION, "--", "s"),
    "RMSprop": (RMSprop, {}, [0.001, 0.003, 0.01, 0.03, 0.1], GREEN, "-.", "^"),
    "Adam": (Adam, {}, [0.001, 0.003, 0.01, 0.03, 0.1], PURPLE, ":", "D"),
}
losses = {
    name: torch.tensor(
        [[test_loss(optimizer, rate, seed, **options) for seed in range(3)] for rate in rates]
    )
    for name, (optimizer, options, rates, *_) in entries.items()
}
best_losses, best_rates = {}, {}
for name, (_, _, rates, *_) in entries.items():
    medians = losses[name].median(dim=1).values
    best = int(medians.argmin())
    best_losses[name], best_rates[name] = medians[best].item(), rates[best]
    usable = [rate for rate, loss in zip(rates, medians.tolist(), strict=True) if loss < 0.5]
    print(f"{name:12} ends below 0.5 with the rates", *usable)

# %%
# The best rates differ by a factor of ten and more. Momentum 0.9 makes steps ten times as long, so
# its rate is about a tenth of that of plain descent. Adam's and RMSprop's rates are lengths of
# steps, in units of the weights: they have nothing to do with the size of the gradient.

at_own_best = max(best_losses.values()) / min(best_losses.values())
at_one_rate = max(
    losses[name][entries[name][2].index(0.1)].median().item() for name in entries
) / min(losses[name][entries[name][2].index(0.1)].median().item() for name in entries)
print("each at its own best rate, the worst loss is less than 3 times the best")
print("all at the rate 0.1, it is more than 3 times")
assert at_own_best < 3 < at_one_rate
assert best_rates["momentum 0.9"] < best_rates["SGD"]
assert best_rates["Adam"] < best_rates["momentum 0.9"]

fig, ax = plt.subplots(figsize=(6.0, 5.0))
for name, (_, _, rates, color, linestyle, marker) in entries.items():
    medians = losses[name].median(dim=1).values
    low, high = losses[name].min(dim=1).values, losses[name].max(dim=1).values
    ax.fill_between(rates, low, high, color=color, alpha=0.2, linewidth=0)
    ax.plot(rates, medians, color=color, linestyle=linestyle, marker=marker, label=name)
ax.set_xscale("log")
ax.set_yscale("log")
ax.set_yticks([0.1, 0.2, 0.5, 1, 2], ["0.1", "0.2", "0.5", "1", "2"])
ax.minorticks_off()
ax.set_ylim(0.09, 9)
ax.set_title(
    "The rate decides more than the optimiser:\nthe valleys lie apart, their floors are close"
)
ax.set_xlabel("learning rate (logarithmic)")
ax.set_ylabel("loss on the test set (logarithmic)")
ax.legend(loc="upper left", ncols=2)

# %%
# The lines are medians of three seeds, the bands reach from the best to the worst. Where bands
# overlap, three seeds cannot say who is better.
#
# Change this and see
# -------------------
#
# - Train on ten times the loss, ``(10 * F.cross_entropy(...)).backward()``: the curves of SGD and
#   momentum move to the left by the factor ten, those of Adam and RMSprop stay.
# - Give all four the rates of Adam, and take the last assertions out: SGD looks hopeless. Whoever
#   chooses the grid of rates chooses the winner.

plt.show()
