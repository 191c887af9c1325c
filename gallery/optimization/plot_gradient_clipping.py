r"""
What does clipping save you from?
=================================

From one step. Where the loss has a cliff, the gradient at its foot is a hundred times as large as
anywhere else, and a single step throws away all progress. Here is such a cliff, made by nothing
but one recurrent neuron with two weights.
"""

import matplotlib.pyplot as plt
import torch

from handbook.clipping import clip_grad_norm_
from handbook.device import get_device
from handbook.optimizers import SGD
from handbook.plots import BLUE, STYLE, VERMILLION

plt.style.use(STYLE)
device = torch.device("cpu") if get_device().type == "mps" else get_device()  # for float64

# %%
# The neuron feeds its output back to itself, :math:`x_{t+1} = w\,\sigma(x_t) + b`, and after 50
# turns :math:`\sigma(x_{50})` shall be 0.7. The error as a function of w and b is flat almost
# everywhere, since the neuron ends either low or high. Between the two regions stands a wall.


def error(weights):
    """Return the squared error after 50 turns, for weights of shape (..., 2)."""
    w, b = weights[..., 0], weights[..., 1]
    x = torch.full_like(w, 0.5)
    for _ in range(50):
        x = w * torch.sigmoid(x) + b
    return (torch.sigmoid(x) - 0.7) ** 2


def walk(max_norm, n_steps=40):
    """Return all points and the norm of the gradient at each."""
    weights = torch.tensor([4.9, -2.6], dtype=torch.float64, device=device, requires_grad=True)
    optimizer = SGD([weights], lr=0.3)
    points, norms = [weights.detach().cpu().clone()], []
    for _ in range(n_steps):
        optimizer.zero_grad()
        error(weights).backward()
        norms.append(clip_grad_norm_(weights, max_norm).item())  # the norm before clipping
        optimizer.step()
        points.append(weights.detach().cpu().clone())
    return torch.stack(points), norms


free_points, free_norms = walk(float("inf"))
clipped_points, clipped_norms = walk(1.0)

# %%
# Both walks are the same as long as no gradient is longer than 1. Then the first one meets the
# wall.

jumps = (free_points[1:] - free_points[:-1]).norm(dim=1)
leap = int(jumps.argmax())
usual = torch.tensor(free_norms[:leap]).median().item()
print(f"step {leap}: the gradient is {max(free_norms):.0f} long, before it was about {usual:.1f}")
print(f"the step that follows is {jumps[leap].item():.0f} long")
print(f"error at the end: without clipping {error(free_points[-1]).item():.2f}", end=", ")
print(f"with clipping {error(clipped_points[-1]).item():.2f}")
assert torch.allclose(free_points[: leap + 1], clipped_points[: leap + 1], atol=0.5)
assert max(free_norms) > 50
assert jumps[leap] > 10
assert (clipped_points[1:] - clipped_points[:-1]).norm(dim=1).max() < 0.3001
assert error(clipped_points[-1]) < 0.06 < error(free_points[-1])

fig, (top, bottom) = plt.subplots(2, 1, figsize=(6.0, 7.6), height_ratios=(1.5, 1))
w, b = torch.meshgrid(torch.linspace(3.6, 5.4, 181), torch.linspace(-3.0, -1.4, 161), indexing="xy")
height = error(torch.stack([w, b], dim=-1).double())
picture = top.pcolormesh(w, b, height, shading="gouraud", cmap="Greys", vmin=0.0, vmax=0.8)
fig.colorbar(picture, ax=top, label="error")
ends = free_points[leap : leap + 2]
top.plot(*clipped_points.T, color=BLUE, marker="o", markersize=4, label="clipped to norm 1")
top.plot(*free_points[: leap + 1].T, color=VERMILLION, linestyle="--", label="not clipped")
direction = (ends[1] - ends[0]) / jumps[leap]
arrow = {"arrowstyle": "->", "color": VERMILLION, "linewidth": 2}
top.annotate("", ends[0] + 0.75 * direction, ends[0], arrowprops=arrow)
top.annotate(f"{jumps[leap].item():.0f} away", ends[0] + 0.8 * direction, color=VERMILLION)
top.set(xlim=(3.6, 5.4), ylim=(-3.0, -1.4))
top.grid(False)
top.set_title("At the foot of a wall one step throws the\nweights far away; clipped, it goes on")
top.set_xlabel("weight w (dimensionless)")
top.set_ylabel("bias b (dimensionless)")
top.legend(loc="lower left")
bottom.plot(clipped_norms, color=BLUE, label="clipped: norm before clipping")
bottom.plot(free_norms, color=VERMILLION, linestyle="--", label="not clipped")
bottom.axhline(1.0, color="#7F7F7F", linewidth=1)
bottom.set_yscale("log")
bottom.set_ylim(0.05, 3e4)
bottom.set_title("Only a few of the gradients are clipped")
bottom.set_xlabel("step")
bottom.set_ylabel("norm of the gradient (log.)")
bottom.legend(loc="upper right")

# %%
# A clipped step has the direction of the gradient and at most the length of the rate times the
# limit. It does not find the way around the wall; it stays close enough to try again.
#
# Change this and see
# -------------------
#
# - Let it run for 200 steps: the clipped walk comes below 0.01. Without clipping it stays where it
#   was thrown, on flat ground.
# - Leave the assertions out, and lower the rate to 0.003 instead of clipping: the wall does no
#   harm, and after 40 steps hardly anything has moved.
# - Leave the assertions out, and set the limit to 0.01: every gradient is clipped, and the walk
#   takes steps of one length, wherever it is.

plt.show()
