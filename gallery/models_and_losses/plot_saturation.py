"""
What does saturation cost?
==========================

Far from zero a sigmoid is flat. It is said to be *saturated* there: a change of its input hardly
changes its output, so hardly any gradient comes back. How far out does that begin, and how much
longer does a neuron learn that starts there?
"""

import matplotlib.pyplot as plt
import torch

from handbook.activations import CURVES, sigmoid
from handbook.device import get_device
from handbook.plots import BLUE, GREEN, GREY, STYLE, VERMILLION

plt.style.use(STYLE)
device = get_device()

# %%
# Where the slope is gone
# -----------------------
#
# Notes on activations often say that the sigmoid works on [−4, 4] and tanh on [−2, 2]. Measure the
# slope at these ends, as a share of the largest slope that each function has.

for name, end in (("sigmoid", 4.0), ("tanh", 2.0)):
    curve = CURVES[name]
    value = curve.value(torch.tensor(end, device=device)).item()
    slope = curve.slope(torch.tensor(end, device=device)).item()
    largest = curve.slope(torch.tensor(0.0, device=device)).item()
    share = f"{slope / largest:.1%} of the largest"
    print(f"{name}({end:.0f}) = {value:.3f}, slope {slope:.4f}: {share}")
    assert round(slope / largest, 4) == 0.0707

# %%
# Both ends are the same place, because :math:`\tanh x = 2\sigma(2x) - 1`: a slope of 7 % is left.
# The ends are a convention. Nothing happens at them, and the slope is never zero; beyond them it
# falls by the factor e with each unit of x for the sigmoid, and by e² for tanh.
#
# A neuron that starts in the flat part
# -------------------------------------
#
# Take the smallest thing that can learn: one sigmoid neuron with a bias b and no input. It shall
# give 0.9, so the loss is :math:`\frac12 (\sigma(b) - 0.9)^2`. Start at nine places, from 0 down
# to −8, and count the steps of gradient descent until the output is above 0.8.

start = torch.arange(0.0, -9.0, -1.0, device=device)
bias = start.clone().requires_grad_()
n_steps = torch.zeros_like(start, dtype=torch.int64)
while True:
    output = sigmoid(bias)
    waiting = output < 0.8
    if not waiting.any():
        break
    n_steps += waiting
    loss = ((output - 0.9) ** 2 / 2).sum()  # nine neurons that do not know of each other
    (gradient,) = torch.autograd.grad(loss, bias)
    with torch.no_grad():
        bias -= gradient  # a learning rate of 1

for b, n in zip(start.tolist(), n_steps.tolist(), strict=True):
    print(f"start at {b:2.0f}: about {float(f'{n:.2g}'):4.0f} steps")

# %%
# Deep in the flat part the gradient is about :math:`-0.9\,\sigma'(b) \approx -0.9\,e^{b}`. Steps
# that small add up like :math:`db/dt = 0.9\,e^{b}`, which takes the time :math:`e^{-b_0} / 0.9` to
# leave the start :math:`b_0`.

predicted = torch.exp(-start) / 0.9
last_ratio = (n_steps[-1] / n_steps[-2]).item()
print(f"one unit deeper costs {last_ratio:.1f} times as many steps")
assert abs(last_ratio - torch.e) < 0.1

fig, (top, bottom) = plt.subplots(2, 1, figsize=(6.4, 7.8))
x = torch.linspace(-8, 8, 801, device=device)
styles = {"sigmoid": (BLUE, "-"), "tanh": (VERMILLION, "--"), "softplus": (GREEN, "-.")}
for name, (color, linestyle) in styles.items():
    share = CURVES[name].slope(x) / CURVES[name].slope(x).max()
    top.plot(x.cpu(), share.cpu(), color=color, linestyle=linestyle, label=name)
ends = torch.tensor([-4.0, -2.0, 2.0, 4.0])
top.plot(ends, torch.full((4,), 0.0707), "o", color=GREY, label="±2 and ±4")
top.set_title("tanh at ±2 and the sigmoid at ±4 keep\nthe same 7 % of their largest slope")
top.set_xlabel("input x (dimensionless)")
top.set_ylabel("slope / largest slope")
top.legend(loc="center left")

bottom.plot(start.cpu(), n_steps.cpu(), "o", color=BLUE, label="measured")
bottom.plot(start.cpu(), predicted.cpu(), color=GREY, linestyle="--", label="$e^{-b_0} / 0.9$")
bottom.set_yscale("log")
bottom.set_title("Deep in the flat part, each unit more\nmakes learning e times as long")
bottom.set_xlabel("start of the bias (dimensionless)")
bottom.set_ylabel("steps (logarithmic)")
bottom.legend(loc="upper right")

# %%
# Change this and see
# -------------------
#
# - Take the assertion on ``last_ratio`` out, and replace ``sigmoid`` in the loop by ``tanh``, which
#   you import beside it. Each unit now costs a factor of e², so let the start end at −5.
# - Take that assertion out, and replace the gradient by ``output.detach() - 0.9``, which is that of
#   the cross-entropy: the slope of the sigmoid has cancelled. Each unit deeper then costs one step
#   more, and no start takes 20.
# - Add ``"relu": (GREY, ":")`` to ``styles``: its slope is 1 on one side and 0 on the other, so it
#   never saturates where it is on, and gives no gradient at all where it is off.

plt.show()
