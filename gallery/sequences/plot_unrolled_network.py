r"""
How does a recurrent network run, and how does it learn?
========================================================

It is one cell, used again at every step. Drawn out in time it is a deep network whose layers all
have the same weights. Step through it: first the state goes forward, then the gradient comes back.
Every number is computed by the handbook's own functions.
"""

# %%
# The smallest network there is: one number comes in at each step, and the state is one number. The
# three weights stay the same in all steps; the loss looks at the last state only.

import matplotlib.pyplot as plt
import torch
from matplotlib.animation import FuncAnimation
from matplotlib.patches import FancyBboxPatch

from handbook.plots import BLUE, GREEN, GREY, STYLE, VERMILLION
from handbook.recurrence import rnn_backward, rnn_forward

plt.style.use(STYLE)

inputs = torch.tensor([1.0, -0.5, 0.8])
w_ih, w_hh, b_ih, b_hh = (torch.tensor(number) for number in (0.9, 1.4, 0.1, 0.0))
target = 0.2
n_steps = len(inputs)

x = inputs.reshape(n_steps, 1, 1)  # (T, N, C)
h_0 = torch.zeros(1, 1)  # (N, H)
weights = [w_ih.reshape(1, 1), w_hh.reshape(1, 1), b_ih.reshape(1), b_hh.reshape(1)]
output, _ = rnn_forward(x, [weights], h_0[None])
states = [0.0, *output.flatten().tolist()]
loss = (states[-1] - target) ** 2 / 2
print("states:", ", ".join(f"{state:.3f}" for state in states), f"  loss {loss:.3f}")

# %%
# Going back, each step takes the gradient of its state times the slope of tanh, which is called
# delta here. Delta times :math:`w_{hh}` is the gradient of the state before. And delta times the
# state before is what this step adds to the gradient of :math:`w_{hh}`: the weight is used three
# times, so it gets three shares.

upstream = torch.zeros(n_steps, 1, 1)
upstream[-1] = states[-1] - target  # the loss looks at the last state only
gradients = rnn_backward(upstream, x, h_0, output, *weights[:2])
of_state = gradients.states.flatten().tolist()
deltas = [g * (1 - h**2) for g, h in zip(of_state, states[1:], strict=True)]
shares = [delta * before for delta, before in zip(deltas, states, strict=False)]
print("shares of the gradient of w_hh:", ", ".join(f"{share:.3f}" for share in shares))
print(f"their sum: {sum(shares):.3f}, and {gradients.w_hh.item():.3f} by rnn_backward")
assert abs(sum(shares) - gradients.w_hh.item()) < 1e-6

# %%
# In the animation, a state's box also holds the gradient that has come back to it.

BOX = 0.78
fig, ax = plt.subplots(figsize=(6.4, 5.2))


def number(value):
    """Write a number with a true minus sign."""
    return f"{float(value) + 0.0:.2f}".replace("-", "−")


def draw_box(x, y, text, color, active):
    """Draw one number; the one that is being computed has a thick frame."""
    width = 3.0 if active else 1.5
    ax.add_patch(
        FancyBboxPatch(
            (x - BOX / 2, y - 0.27), BOX, 0.54, boxstyle="round,pad=0,rounding_size=0.08",
            facecolor="white", edgecolor=color, linewidth=width, zorder=3,
        )
    )  # fmt: skip
    ax.text(x, y, text, ha="center", va="center", fontsize=11, zorder=4)


def draw_arrow(start, end, text, offset, color, active):
    """Draw one use of a weight."""
    style = {"arrowstyle": "->", "color": color, "lw": 3.0 if active else 1.5, "shrinkA": 0}
    ax.annotate("", end, start, arrowprops={**style, "shrinkB": 0}, zorder=2)
    x, y = (start[0] + end[0]) / 2 + offset[0], (start[1] + end[1]) / 2 + offset[1]
    ax.text(x, y, text, ha="center", va="center", fontsize=11, color=color)


def draw_frame(frame):
    """Draw the network when ``frame`` turns have been taken: T forward, the loss, T back."""
    ax.clear()
    n_forward = min(frame, n_steps)
    n_back = max(frame - n_steps - 1, 0)
    for t in range(n_steps + 1):
        known = t <= n_forward
        going_forward = 0 < frame <= n_steps and t == frame
        going_back = n_back > 0 and t == n_steps + 1 - n_back
        text = f"$h_{t}$ = {number(states[t])}" if known else f"$h_{t}$"
        if t == 0 and n_back == n_steps:
            text += f"\ngrad {number(gradients.hx)}"
        if t > 0 and frame > n_steps and t >= n_steps + 1 - max(n_back, 1):
            text += f"\ngrad {number(of_state[t - 1])}"
        color = VERMILLION if going_back else BLUE if known else GREY
        draw_box(t, 1.1, text, color, going_forward or going_back)
        if t == 0:
            continue
        draw_box(t, 0, f"$x_{t}$ = {number(inputs[t - 1])}", GREY, active=False)
        forward = BLUE if going_forward else GREY
        draw_arrow((t, 0.27), (t, 0.83), f"{w_ih:.1f}", (0.2, 0.02), forward, going_forward)
        left, right = (t - 1 + BOX / 2, 1.1), (t - BOX / 2, 1.1)
        draw_arrow(left, right, f"{w_hh:.1f}", (0, 0.18), forward, going_forward)
        if going_back:
            draw_arrow((t - BOX / 2, 0.98), (t - 1 + BOX / 2, 0.98), "", (0, 0), VERMILLION, True)
        if n_back and t >= n_steps + 1 - n_back:
            share = f"share of\nw$_{{hh}}$: {number(shares[t - 1])}"
            ax.text(t - 0.05, 1.66, share, ha="center", va="center", fontsize=11, color=VERMILLION)
    if frame > n_steps:
        ax.annotate(
            "", (n_steps + 0.32, 2.18), (n_steps + 0.32, 1.37), zorder=2,
            arrowprops={"arrowstyle": "->", "color": GREY, "lw": 1.5, "shrinkA": 0, "shrinkB": 0},
        )  # fmt: skip
        draw_box(n_steps, 2.45, f"loss {number(loss)}", GREEN, frame == n_steps + 1)
        ax.text(0.9, 2.45, f"loss = ½ ($h_3$ − {target})²", ha="center", va="center", fontsize=11)
    ax.set(xlim=(-0.5, n_steps + 0.5), ylim=(-0.4, 2.8))
    ax.set_axis_off()
    if frame == 0:
        title = (
            f"Before the first step the state is 0.\n"
            f"The weights {w_ih:.1f} and {w_hh:.1f} serve every step"
        )
    elif frame <= n_steps:
        t = frame
        title = (
            f"Forward, step {t}: tanh({w_ih:.1f} · {number(inputs[t - 1])} + {w_hh:.1f} · "
            f"{number(states[t - 1])} + {b_ih:.1f})\n"
            f"= {number(states[t])}, with the same weights as in every step"
        )
    elif frame == n_steps + 1:
        title = (
            f"The loss asks about the last state only.\nIts gradient there is "
            f"{number(states[-1])} − {target} = {number(of_state[-1])}"
        )
    else:
        t = n_steps + 1 - n_back
        back = deltas[t - 1] * w_hh.item()
        title = (
            f"Back through step {t}: delta = {number(of_state[t - 1])} · (1 − "
            f"{number(abs(states[t]))}²) = {number(deltas[t - 1])}\n{w_hh:.1f} · delta = "
            f"{number(back)} goes on to $h_{t - 1}$; w$_{{hh}}$ gets delta · $h_{t - 1}$"
        )
    ax.set_title(title)


animation = FuncAnimation(fig, draw_frame, frames=2 * n_steps + 2, interval=2500)
animation.poster_frame = 2 * n_steps + 1

# %%
# PyTorch's network with the same weights finds the same numbers.

network = torch.nn.RNN(1, 1)
for parameter, value in zip(network.parameters(), weights, strict=True):
    parameter.data = value.clone()
((network(x, h_0[None])[0][-1] - target) ** 2 / 2).sum().backward()
assert torch.allclose(network.weight_hh_l0.grad, gradients.w_hh)
assert torch.allclose(network.weight_ih_l0.grad, gradients.w_ih)
print(f"torch.nn.RNN: gradient of w_hh {network.weight_hh_l0.grad.item():.3f}")

# %%
# Change this and see
# -------------------
#
# - Set the second weight to 0: no arrow carries anything back, each state forgets the one before,
#   and two of the three shares of its gradient vanish. (The weight itself still has a gradient.)
# - Make the first input 3.0: its state comes out at 0.99, tanh is flat there, and the gradient that
#   arrives hardly gets through that step.
# - Add a loss at every step, ``upstream[:] = output - target`` before ``rnn_backward``: every state
#   now adds a gradient of its own to the one that comes back. (Take out the assertions of the last
#   block; the picture still says that the loss looks at the last state.)

plt.show()
