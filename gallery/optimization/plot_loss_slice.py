"""
What does a network's loss look like?
=====================================

A network with ten parameters has a loss over ten dimensions. Draw a plane through it. Around a
trained network it looks like a bowl, and that is misleading: the same network with its hidden units
renumbered lies somewhere else, has exactly the same loss, and between the two there is a hill.
"""

import copy
import itertools

import matplotlib.pyplot as plt
import torch
from torch import nn

from handbook.device import get_device
from handbook.landscape import (
    count_symmetric_copies,
    direction_between,
    filter_normalized_direction,
    flip_hidden_units,
    loss_slice,
    permute_hidden_units,
)
from handbook.plots import BLUE, SEQUENTIAL, STYLE, TRUTH, VERMILLION
from handbook.seeding import make_generator

plt.style.use(STYLE)
device = get_device()

# %%
# The task: 64 points of a bump with some noise. The network: 3 hidden tanh units. It is trained in
# float64 with full batches until the loss hardly moves.

n_hidden = 3
inputs = torch.linspace(-3, 3, 64, dtype=torch.float64).unsqueeze(1)
clean = torch.tanh(2 * inputs + 2) - torch.tanh(2 * inputs - 2)
targets = clean + 0.1 * torch.randn(64, 1, generator=make_generator(0), dtype=torch.float64)


def make_network(seed):
    """Return a network with random weights."""
    generator = make_generator(seed)
    network = nn.Sequential(nn.Linear(1, n_hidden), nn.Tanh(), nn.Linear(n_hidden, 1)).double()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    return network


def loss(network):
    """Return the mean squared error on all points."""
    return (network(inputs) - targets).square().mean()


network = make_network(1)
optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
for _ in range(3000):
    optimizer.zero_grad()
    value = loss(network)
    value.backward()
    optimizer.step()
trained = loss(network).item()
print(f"loss after training: {trained:.3f}")
assert trained < 0.02

# %%
# A plane around the minimum
# --------------------------
# Two random directions. Each is rescaled filter by filter to the length of the network's own
# weights (Li et al. 2018), so that 1 on an axis means "as far as the weights are long". The
# parameters move while the slice is computed, and are put back to the last bit.

across = [
    filter_normalized_direction(network, generator=make_generator(seed), biases=True)
    for seed in (0, 1)
]
steps = torch.linspace(-1, 1, 41).tolist()
before = copy.deepcopy(network.state_dict())
plane = loss_slice(network, loss, *across, x=steps, y=steps)
assert all(torch.equal(part, before[name]) for name, part in network.state_dict().items())
assert plane.min() >= 0.99 * plane[20, 20]

fig = plt.figure(figsize=(6.4, 5.4))
view = fig.add_subplot(projection="3d")
across_x, across_y = torch.meshgrid(torch.tensor(steps), torch.tensor(steps), indexing="ij")
view.plot_surface(across_x, across_y, plane.log10(), cmap=SEQUENTIAL, rcount=41, ccount=41)
view.set_xlabel("first direction")
view.set_ylabel("second direction")
view.set_zlabel("log₁₀ of the loss")
view.locator_params(nbins=5)
view.view_init(elev=35, azim=-60)
view.set_title("A plane through the trained network:\none minimum in sight, in the middle")

# %%
# It is not alone
# ---------------
# Renumber the hidden units, or change the sign of everything at one of them: tanh is odd, so the
# network computes the same. All copies have the same loss, and every one is another point.

parts = (network[0].weight, network[0].bias, network[2].weight)
parts = tuple(part.detach() for part in parts)
copies = []
for order in itertools.permutations(range(n_hidden)):
    for flips in itertools.product([False, True], repeat=n_hidden):
        units = [unit for unit, flip in enumerate(flips) if flip]
        copies.append(flip_hidden_units(*permute_hidden_units(*parts, order), units))


def as_network(layer):
    """Return the network with these three tensors in place of its own."""
    other = copy.deepcopy(network)
    with torch.no_grad():
        for parameter, part in zip(
            (other[0].weight, other[0].bias, other[2].weight), layer, strict=True
        ):
            parameter.copy_(part)
    return other


losses = torch.tensor([loss(as_network(layer)).item() for layer in copies])
different = {tuple(torch.cat([part.flatten() for part in layer]).tolist()) for layer in copies}
print(f"{len(different)} different networks, all with the same loss")
assert len(different) == count_symmetric_copies(n_hidden, odd=True) == 48
assert torch.allclose(losses, torch.full_like(losses, trained), rtol=1e-9)

# %%
# A plane through three of them: the trained network at (0, 0), one with its units renumbered at
# (1, 0), one with a sign changed at (0, 1).

here = dict(network.named_parameters())
renumbered = as_network(permute_hidden_units(*parts, [1, 2, 0]))
flipped = as_network(flip_hidden_units(*parts, [0]))
to_renumbered = direction_between(here, dict(renumbered.named_parameters()))
to_flipped = direction_between(here, dict(flipped.named_parameters()))
wide = torch.linspace(-0.4, 1.4, 46).tolist()
shared = loss_slice(network, loss, to_renumbered, to_flipped, x=wide, y=wide)

fig, ax = plt.subplots(figsize=(6.4, 5.6))
filled = ax.contourf(wide, wide, shared.log10().T, levels=16, cmap=SEQUENTIAL)
fig.colorbar(filled, ax=ax, label="log₁₀ of the loss")
for x, y in ((0, 0), (1, 0), (0, 1)):
    ax.plot(x, y, "*", color="white", markeredgecolor="black", markersize=17)
ax.set_aspect("equal")
ax.grid(False)
ax.set_xlabel("toward the renumbered copy")
ax.set_ylabel("toward the flipped copy")
ax.set_title("Three minima of equal loss (stars),\nand they are one and the same function")

# %%
# On the straight line between two of them the loss rises by far: the average of two good networks
# is no good network.

line = torch.linspace(0, 1, 41).tolist()
fig, ax = plt.subplots()
for direction, color, linestyle, name in (
    (to_renumbered, BLUE, "-", "to the renumbered copy"),
    (to_flipped, VERMILLION, "--", "to the flipped copy"),
):
    along = loss_slice(network, loss, direction, x=line)
    ax.plot(line, along, color=color, linestyle=linestyle, label=name)
    assert along.max() > 10 * trained
ax.axhline(trained, color=TRUTH, linestyle=":", label="loss of all copies")
ax.set_yscale("log")
ax.set_xlabel("share of the way (dimensionless)")
ax.set_ylabel("mean squared error (log scale)")
ax.legend(loc="upper center", bbox_to_anchor=(0.45, -0.2), ncols=2)
ax.set_title("Between two equally good networks\nthe loss rises and falls again")

# %%
# Change this and see
# -------------------
#
# - Draw other directions, with ``for seed in (2, 3)``: the picture changes, the minimum in the
#   middle stays.
# - Replace ``nn.Tanh()`` by ``nn.ReLU()``: renumbering still changes nothing, but a flipped unit
#   computes something else, and an assertion fails.
# - Set ``n_hidden = 4``, ``[1, 2, 3, 0]`` as the order of the renumbered copy, and 384 in the
#   assertion: the fourth unit multiplies the number of copies by eight, twice the number of units.

plt.show()
