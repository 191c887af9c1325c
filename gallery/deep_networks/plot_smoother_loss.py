r"""
With batch norm, the loss goes on as its gradient says
======================================================

A gradient promises: a small step of length :math:`s` against it lowers the loss by
:math:`s\,\lVert g \rVert`. How long may the step be before the promise is broken? And which
learning rates follow from that? The same network on the handwritten digits, with and without batch
normalisation, started well in both cases, with five seeds.
"""

# %%
# The promise of the gradient
# ---------------------------
# After ten steps of training, go along the gradient of one batch and compare the loss with the
# promise: 1 is a promise kept, 0 is a loss no lower than before, and below 0 it has risen.

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from torch import nn

from handbook.datasets import load_digits
from handbook.device import get_device
from handbook.layers import BatchNorm1d
from handbook.plots import BLUE, STYLE, VERMILLION
from handbook.seeding import make_generator

plt.style.use(STYLE)
device = get_device()

digits = load_digits()
inputs = ((digits.inputs - digits.inputs.mean()) / digits.inputs.std()).to(device)
targets = digits.targets.to(device)
depth, width, seeds = 5, 48, range(5)


def make_network(normalize, seed):
    """Build the network with relu, and weights drawn from N(0, 2/m) for m inputs of a unit."""
    generator = make_generator(seed)
    modules = []
    for i in range(depth):
        n_in = inputs.shape[1] if i == 0 else width
        modules.append(nn.Linear(n_in, width, bias=not normalize))
        modules += [BatchNorm1d(width), nn.ReLU()] if normalize else [nn.ReLU()]
    modules.append(nn.Linear(width, 10))
    for linear in modules:
        if isinstance(linear, nn.Linear):
            draws = torch.randn(linear.weight.shape, generator=generator)
            linear.weight.data = draws * (2 / linear.in_features) ** 0.5
            if linear.bias is not None:
                linear.bias.data.zero_()
    return nn.Sequential(*modules).to(device)


def batch_loss(network, rows):
    """Return the loss of one batch, in training mode."""
    return F.cross_entropy(network(inputs[rows]), targets[rows])


def descend(network, rate, n_steps, generator):
    """Take steps with batches of 128; stop if the loss is no number."""
    parameters = list(network.parameters())
    for _ in range(n_steps):
        rows = torch.randint(len(inputs), (128,), generator=generator).to(device)
        loss = batch_loss(network, rows)
        if not loss.isfinite():
            break
        gradients = torch.autograd.grad(loss, parameters)
        with torch.no_grad():
            for parameter, gradient in zip(parameters, gradients, strict=True):
                parameter -= rate * gradient
    return rows


lengths = torch.logspace(-2, 1, 10)


def kept_promise(normalize, seed):
    """Return the decrease of the loss over the promised one, for each length of the step."""
    network = make_network(normalize, seed)
    rows = descend(network, 0.1, 10, make_generator(100 + seed))
    parameters = list(network.parameters())
    loss = batch_loss(network, rows)
    gradients = torch.autograd.grad(loss, parameters)
    norm = sum((g * g).sum() for g in gradients).sqrt().item()
    start = [p.detach().clone() for p in parameters]
    ratios = []
    with torch.no_grad():
        for length in lengths.tolist():
            for parameter, origin, gradient in zip(parameters, start, gradients, strict=True):
                parameter.copy_(origin - length / norm * gradient)
            fall = loss.item() - batch_loss(network, rows).item()
            ratios.append(fall / (length * norm))
    return ratios


fig, top = plt.subplots()
sides = {False: (VERMILLION, "--", "without batch norm"), True: (BLUE, "-", "with batch norm")}
half_kept = {}
for normalize, (color, linestyle, label) in sides.items():
    ratios = torch.tensor([kept_promise(normalize, seed) for seed in seeds])
    half_kept[normalize] = lengths[(ratios > 0.5).sum(1) - 1]
    for i, row in enumerate(ratios):
        name = label if i == 0 else None
        top.plot(lengths, row, color=color, linestyle=linestyle, lw=1.4, label=name)
longer = half_kept[True].median() / half_kept[False].median()
print(f"half of the promise is kept {longer:.0f} times as far with batch norm (median of 5 seeds)")
assert longer > 2
top.set_xscale("log")
top.set_ylim(-2, 1.1)
top.set_xlabel("length of the step (logarithmic)")
top.set_ylabel("fall of the loss / promised fall")
top.set_title("With batch norm the promise of the gradient\nholds for longer steps")
top.legend(loc="lower left")

# %%
# The rates that train
# --------------------
# Thirty steps at each learning rate. The loss is that of all digits at the end, by the statistics
# of the whole set; ten means that the training ran away.

rates = [0.03, 0.1, 0.3, 1.0, 3.0]
worst = 10.0
ends = {}
fig, bottom = plt.subplots()
for normalize, (color, linestyle, label) in sides.items():
    ends[normalize] = torch.empty(len(rates), 3)
    for i, rate in enumerate(rates):
        for seed in range(3):
            network = make_network(normalize, seed)
            descend(network, rate, 30, make_generator(200 + seed))
            with torch.no_grad():
                loss = F.cross_entropy(network(inputs), targets).nan_to_num(worst).clamp(max=worst)
            ends[normalize][i, seed] = loss
    middle = ends[normalize].median(1).values
    low, high = ends[normalize].amin(1), ends[normalize].amax(1)
    bottom.errorbar(
        rates, middle, (middle - low, high - middle), color=color, linestyle=linestyle,
        marker="o" if normalize else "s", capsize=4, label=label,
    )  # fmt: skip
bottom.set_xscale("log")
bottom.set_yscale("log")
bottom.set_xlabel("learning rate (logarithmic)")
bottom.set_ylabel("loss after 30 steps (logarithmic)")
bottom.set_title(
    "With batch norm, rates still train at which the\nplain network runs away (3 seeds)"
)
bottom.legend(loc="lower left")
fast = rates.index(1.0)
assert ends[True][fast].max() < 0.3
assert ends[False][fast].min() > 1
print("at rate 1: every seed trains with batch norm, none without")

# %%
# Change this and see
# -------------------
#
# - Replace the rate 0.1 in ``kept_promise`` by 0.01: the networks are nearer to their start, and
#   the two bundles of curves still lie apart.
# - Put 10.0 behind 3.0 in ``rates``: there the network with batch normalisation does not train
#   either.
# - Put ``BatchNorm1d(width)`` behind ``nn.ReLU()`` instead of before it: the rate 1 still trains.

plt.show()
