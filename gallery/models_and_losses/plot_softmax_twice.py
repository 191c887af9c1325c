"""
What does a softmax too many cost?
==================================

``cross_entropy`` takes logits and has the softmax inside. If the model ends in a softmax too, it is
taken twice. Nothing fails: the shapes fit, the loss falls, the digits are recognised. But the loss
stops at a floor that no model can break, and the gradient is small all the way.
"""

import math

import matplotlib.pyplot as plt
import torch

from handbook.activations import softmax
from handbook.datasets import load_digits, train_test_split
from handbook.device import get_device
from handbook.losses import cross_entropy
from handbook.plots import BLUE, GREY, STYLE, VERMILLION
from handbook.seeding import make_generator

plt.style.use(STYLE)
device = get_device()

# %%
# Where the floor lies
# --------------------
#
# The first softmax gives probabilities, between 0 and 1. As logits, these are close together: at
# best 1 for the true class and 0 for the nine others. The second softmax makes
# :math:`p = e / (e + 9)` of that, and the loss is :math:`-\log p = \log(1 + 9/e)`.

floor = math.log(1 + 9 / math.e)
perfect = torch.eye(10, device=device)  # a model that is certain, and right
found = cross_entropy(perfect, torch.arange(10, device=device)).item()
print(f"floor: log(1 + 9/e) = {floor:.4f}, cross_entropy of perfect probabilities {found:.4f}")
assert abs(found - floor) < 1e-6

# %%
# Training on digits
# ------------------
#
# A linear classifier for the 8 by 8 digits, from five seeds: each has its own split and its own
# start. The five models of one kind are trained side by side, in one tensor of weights. Their
# losses are added, so that none sees the gradient of another.

digits = load_digits()
splits = [
    train_test_split(
        digits.inputs / 16, digits.targets, test_share=0.5, generator=make_generator(seed)
    )
    for seed in range(5)
]
train_inputs = torch.stack([split.train_inputs for split in splits]).to(device)  # (5, N, 64)
train_targets = torch.stack([split.train_targets for split in splits]).to(device)  # (5, N)
test_inputs = torch.stack([split.test_inputs for split in splits]).to(device)
test_targets = torch.stack([split.test_targets for split in splits]).to(device)
start = torch.stack([0.01 * torch.randn(64, 10, generator=make_generator(s)) for s in range(5)])

N_STEPS = 150
history, accuracy, gradient_norm = {}, {}, {}
for name in ("once", "twice"):
    weight = start.clone().to(device).requires_grad_()  # (5, 64, 10)
    bias = torch.zeros(5, 1, 10, device=device, requires_grad=True)
    optimizer = torch.optim.Adam([weight, bias], lr=0.1)
    history[name], gradient_norm[name] = [], []
    for _ in range(N_STEPS):
        logits = train_inputs @ weight + bias  # (5, N, 10)
        scores = logits if name == "once" else softmax(logits, dim=2)
        losses = cross_entropy(scores.flatten(0, 1), train_targets.flatten(), reduction="none")
        per_seed = losses.reshape(5, -1).mean(dim=1)  # (5,)
        optimizer.zero_grad()
        per_seed.sum().backward()
        optimizer.step()
        history[name].append(per_seed.detach().cpu())
        gradient_norm[name].append(weight.grad.norm(dim=(1, 2)).cpu())
    predicted = (test_inputs @ weight + bias).argmax(dim=2)
    accuracy[name] = (predicted == test_targets).float().mean(dim=1).detach().cpu()
    history[name] = torch.stack(history[name])  # (steps, 5)
    gradient_norm[name] = torch.stack(gradient_norm[name])

for name in ("once", "twice"):
    last, right = history[name][-1], accuracy[name]
    print(f"softmax {name:>5}: training loss {last.min():.2f} to {last.max():.2f}, ", end="")
    print(f"test accuracy {right.min():.0%} to {right.max():.0%}")

assert history["once"].min() < 0.1
assert history["twice"].min() > floor
assert history["twice"][-1].max() < floor + 0.1

# %%
# Who only looks at the accuracy sees little. Who compares the loss with that of another model sees
# a number that means nothing: 1.47 is a bad cross-entropy and a nearly perfect one behind a second
# softmax. And the gradient has to pass the first softmax, where it shrinks.

share = (gradient_norm["twice"][0] / gradient_norm["once"][0]).mean().item()
print(f"first gradient with two softmaxes: about {share:.1f} of the right one")
assert share < 0.2

fig, ax = plt.subplots(figsize=(6.0, 4.6))
steps = range(1, N_STEPS + 1)
for name, color, linestyle, text in (
    ("twice", VERMILLION, "--", "softmax twice"),
    ("once", BLUE, "-", "logits, as it should be"),
):
    ax.plot(steps, history[name].mean(1), color=color, linestyle=linestyle, label=text)
    low, high = history[name].min(1).values, history[name].max(1).values
    ax.fill_between(steps, low, high, color=color, alpha=0.25, linewidth=0)
ax.axhline(floor, color=GREY, linestyle=":", label="log(1 + 9/e) = 1.4612")
ax.set_xscale("log")
ax.set_ylim(0, 2.9)
ax.set_title("With a softmax too many, the loss on the digits\nnever gets below 1.4612")
ax.set_xlabel("step (logarithmic)")
ax.set_ylabel("training loss (nats)")
ax.legend(loc="upper right", title="mean and range of five seeds", alignment="left")

# %%
# Change this and see
# -------------------
#
# - Give the second softmax larger numbers, ``scores = 20 * softmax(logits, dim=2)``: the floor
#   drops to :math:`\log(1 + 9 e^{-20})`, which is nearly 0, and the assertions about it fail.
# - Take the logarithm, ``scores = softmax(logits, dim=2).log()``: the softmax of log-probabilities
#   gives the probabilities back, both curves fall together, and the assertions fail.
# - Replace both 10s in ``start`` and ``bias`` by 20, for ten classes that never occur: the floor
#   rises to log(1 + 19/e), about 2.08, and the last assertion about it fails.

plt.show()
