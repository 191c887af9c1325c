"""
A tiny learning rate, a million times
=====================================

A set of notes trains a network of 20 hidden layers at a learning rate of 0.000001, for 1 000 000
epochs. Is a rate that small better, and are that many epochs needed? Measure the first 20 epochs at
four rates, and see what they say about the rest.
"""

import matplotlib.pyplot as plt
import torch

from handbook.datasets import load_diabetes, train_test_split
from handbook.device import get_device
from handbook.models import DeepRegressor
from handbook.plots import STYLE
from handbook.seeding import make_generator

plt.style.use(STYLE)
device = get_device()

# %%
# The same network, four rates
# ----------------------------
#
# The network, its batch norm, its bad bias of −0.2 and its single batch of all patients are those
# of the notes. The optimiser is Adam. The task: three blood values of a patient from four others.

diabetes = load_diabetes()
column = diabetes.feature_names.index
inputs = diabetes.inputs[:, [column(name) for name in ("bmi", "s1", "s3", "s5")]]
lipids = diabetes.inputs[:, [column(name) for name in ("s2", "s4")]]
targets = torch.cat([lipids, diabetes.targets], dim=1)
split = train_test_split(inputs, targets, generator=make_generator(0))
x = split.train_inputs.to(device)  # the network normalises its own inputs
y_mean, y_std = split.train_targets.mean(dim=0), split.train_targets.std(dim=0)
y = ((split.train_targets - y_mean) / y_std).to(device)

RATES = (1e-6, 1e-5, 1e-4, 1e-3)
N_EPOCHS = 20

losses = {}
for rate in RATES:
    model = DeepRegressor(initial_bias=-0.2, momentum=0.5, generator=make_generator(0)).to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=rate, fused=True)
    history = []
    for _ in range(N_EPOCHS + 1):
        loss = (model(x) - y).square().mean()
        history.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    losses[rate] = torch.tensor(history)
    print(f"rate {rate:.0e}: loss {history[0]:.2f} at first, {history[-1]:.1f} after {N_EPOCHS}")

# %%
# What counts is rate times epochs
# --------------------------------
#
# As long as the rate is small, Adam walks the same path at every rate, and the rate only says how
# far one step goes. Twenty epochs at one rate should then reach the loss of two epochs at ten
# times the rate:

for small, large in ((1e-6, 1e-5), (1e-5, 1e-4)):
    slow, fast = losses[small][20].item(), losses[large][2].item()
    print(f"20 epochs at {small:.0e}: {slow:.1f};  2 epochs at {large:.0e}: {fast:.1f}")
    assert abs(slow - fast) / fast < 0.15

# %%
# So the first epochs at 0.0001 tell where the notes' run will be later. Take the epoch at which
# that run halves its loss, and multiply by the quotient of the rates:

START = losses[1e-4][0].item()


def first_below(history, wanted):
    """Return the first epoch whose loss is below what is wanted."""
    return int((history < wanted).nonzero()[0])


halved = first_below(losses[1e-4], START / 2)
quotient = round(1e-4 / 1e-6)
estimate = halved * quotient
print(f"loss halved: after {halved} epochs at 1e-04, so after about {estimate} at 1e-06")
assert 200 <= estimate <= 1000
share = estimate / 1_000_000
print(f"that is {share:.2%} of the million")
assert losses[1e-6][-1] > 0.8 * START  # no direct look: 20 epochs at this rate go nowhere
assert losses[1e-3][-1] < 0.2 * START

# %%
# At 1e-3 the steps are no longer small, and its curve lies apart: there the law is a rule of thumb.
# Where it holds, a million epochs at 1e-6 go as far as ten thousand at 1e-4. The halving takes a
# few hundred epochs, not a million. The small rate has bought nothing but waiting. What the rest of
# the million does is learn the patients by heart: at 1e-3 the loss is near zero before a hundred
# epochs, on data whose third target cannot be known from the inputs.

fig, (top, bottom) = plt.subplots(2, 1, figsize=(6.4, 7.8))
epochs = torch.arange(N_EPOCHS + 1)
for rate, history in losses.items():
    top.plot(epochs, history, label=f"{rate:.0e}")
    bottom.plot((epochs * rate)[1:], history[1:], label=f"{rate:.0e}")
top.set_yscale("log")
top.set_title("In 20 epochs, a rate of 1e-6 goes nowhere")
top.set_xlabel("epoch")
top.set_xticks(range(0, N_EPOCHS + 1, 5))
top.set_ylabel("training loss (logarithmic)")
top.legend(title="rate", loc="lower left", ncols=2)
bottom.set_xscale("log")
bottom.set_yscale("log")
bottom.set_title("Against rate × epochs, the small rates\nlie on one curve")
bottom.set_xlabel("rate × epochs (dimensionless, logarithmic)")
bottom.set_ylabel("training loss (logarithmic)")
bottom.legend(title="rate", loc="lower left", ncols=2)

# %%
# Change this and see
# -------------------
#
# - Replace ``torch.optim.Adam`` by ``torch.optim.SGD``, and remove the asserts and the block about
#   halving: a step is now the rate times the gradient, so the loss at 1e-6 does not move in its
#   second digit.
# - Set ``N_EPOCHS = 100``: at 1e-3 the training loss falls toward zero, patients learned by heart.

plt.show()
