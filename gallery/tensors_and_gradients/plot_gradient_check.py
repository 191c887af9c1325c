"""
Which step checks a gradient best?
==================================

You have derived a gradient by hand. To check it, push each weight a little to both sides and divide
the change of the loss by the distance. How little is a little? Too large a step sees the curve and
not the slope. Too small a step sees the rounding of the loss. The best lies between, and it depends
on the number format.
"""

import math

import matplotlib.pyplot as plt
import torch

from handbook.backprop import (
    TwoLayerParameters,
    cross_entropy_backward,
    cross_entropy_forward,
    finite_differences,
    two_layer_backward,
    two_layer_forward,
)
from handbook.device import get_device
from handbook.plots import BLUE, STYLE, TRUTH, VERMILLION
from handbook.seeding import make_generator

plt.style.use(STYLE)
device = get_device()

# %%
# A network small enough to check
# -------------------------------
#
# Four inputs, five tanh units, three classes, eight samples. We look at the weight of the hidden
# layer, a matrix of shape (5, 4). All numbers are drawn in float32 and can therefore be written
# exactly in float64 too, so both formats work on the same network. The reference is the gradient by
# hand in float64.

generator = make_generator(0)
shapes = [(5, 4), (5,), (3, 5), (3,)]
parameters = TwoLayerParameters(
    *(torch.randn(shape, generator=generator).to(device) for shape in shapes)
)
x = torch.randn(8, 4, generator=generator).to(device)
target = torch.randint(3, (8,), generator=generator).to(device)


def loss_of(weight):
    """Compute the loss with another weight in the hidden layer, in the dtype of that weight."""
    others = (parameter.to(weight.dtype) for parameter in parameters[1:])
    network = TwoLayerParameters(weight, *others)
    return cross_entropy_forward(two_layer_forward(x.to(weight.dtype), network).output, target)


exact = TwoLayerParameters(*(parameter.double() for parameter in parameters))
values = two_layer_forward(x.double(), exact)
upstream = cross_entropy_backward(values.output, target)
by_hand = two_layer_backward(upstream, values, exact).parameters.hidden_weight

checked = finite_differences(loss_of, exact.hidden_weight)
agree = torch.allclose(checked, by_hand, rtol=0, atol=1e-9)
print(f"loss {loss_of(exact.hidden_weight).item():.4f}, gradient of shape {tuple(by_hand.shape)}")
print(f"finite differences in float64 agree with the gradient by hand to 1e-9: {agree}")
assert agree

# %%
# What theory predicts
# --------------------
#
# Taylor's formula leaves out :math:`\frac{h^2}{6} f'''`: the *truncation error*, which grows with
# the slope +2 on logarithmic axes. The loss itself is rounded by about half a unit in its last
# place, :math:`\frac{\varepsilon}{2} |f|`, and the quotient divides by *h*: the *rounding error*,
# with the slope −1. Its size is a matter of luck, so the formula gives no more than its order of
# magnitude. The third derivatives come from autograd, one weight at a time.

third = torch.zeros_like(by_hand)
for row in range(5):
    for column in range(4):
        shift = torch.zeros((), dtype=torch.float64, device=device, requires_grad=True)
        direction = torch.zeros_like(by_hand)
        direction[row, column] = 1.0
        derivative = loss_of(exact.hidden_weight + shift * direction)
        for _ in range(3):
            (derivative,) = torch.autograd.grad(derivative, shift, create_graph=True)
        third[row, column] = derivative.detach()
third_size = third.square().mean().sqrt().item()
loss_size = loss_of(exact.hidden_weight).abs().item()

# %%
# What is measured
# ----------------
#
# The error of a step is the root mean square over the 20 weights. The title holds only if the
# measured slopes on both sides are those of the theory, so the script asserts them.

exponents = {
    torch.float32: torch.arange(-6, 0.1, 0.25),
    torch.float64: torch.arange(-11, 0.1, 0.25),
}
steps, errors = {}, {}
for dtype in exponents:
    steps[dtype] = (10.0 ** exponents[dtype].double()).tolist()
    weight = parameters.hidden_weight.to(dtype)
    errors[dtype] = [
        (finite_differences(loss_of, weight, step=step) - by_hand).square().mean().sqrt().item()
        for step in steps[dtype]
    ]


def slope_between(dtype, low, high):
    """Fit a line to the logarithms of the errors whose steps lie between two steps."""
    inside = [(h, e) for h, e in zip(steps[dtype], errors[dtype], strict=True) if low <= h <= high]
    log_steps, log_errors = torch.tensor(inside, dtype=torch.float64).log().T
    centered = log_steps - log_steps.mean()
    return ((centered * log_errors).sum() / centered.square().sum()).item()


for dtype in exponents:
    eps = torch.finfo(dtype).eps
    best = (1.5 * eps * loss_size / third_size) ** (1 / 3)
    measured = steps[dtype][errors[dtype].index(min(errors[dtype]))]
    left = slope_between(dtype, 0, best / 10)
    right = slope_between(dtype, 2 * best, 0.11)  # beyond, higher powers of h join in
    name = str(dtype).removeprefix("torch.")
    print(f"{name}: slopes about {left:.0f} and {right:.0f};", end=" ")
    print(f"smallest error of the order 1e{math.log10(min(errors[dtype])):.0f}")
    assert abs(left + 1) < 0.25
    assert abs(right - 2) < 0.25
    assert best / 6 < measured < 6 * best
    assert best / 4 < eps ** (1 / 3) < 4 * best

# %%
# Each format draws a V. The default step of ``finite_differences``, :math:`\varepsilon^{1/3}` for
# weights up to 1, hits the bottom of both without knowing the function. It gets at best about two
# thirds of the digits of the format, which is why gradients are checked in float64.

fig, ax = plt.subplots(figsize=(6.4, 5.4))
looks = {
    torch.float32: (VERMILLION, "o", "none", "left"),
    torch.float64: (BLUE, "s", "full", "right"),
}
for dtype, (color, marker, filled, side) in looks.items():
    eps = torch.finfo(dtype).eps
    name = str(dtype).removeprefix("torch.")
    rounding = [eps * loss_size / (2 * step) for step in steps[dtype]]
    ax.plot(
        steps[dtype],
        errors[dtype],
        marker,
        color=color,
        markersize=7 if filled == "none" else 4,
        fillstyle=filled,
        label=f"{name}, measured",
    )
    ax.plot(steps[dtype], rounding, color=color, linestyle=":", label=f"{name}, rounding")
    ax.axvline(eps ** (1 / 3), color=color, linestyle="--", linewidth=1.2)
    ax.annotate(
        rf"$\varepsilon^{{1/3}}$ = {eps ** (1 / 3):.0e}",
        (eps ** (1 / 3), 3e-12),
        xytext=(5 if side == "left" else -5, 0),
        textcoords="offset points",
        ha=side,
        color=color,
    )
truncation = [third_size / 6 * step**2 for step in steps[torch.float64]]
ax.plot(steps[torch.float64], truncation, color=TRUTH, linestyle="-.", label="truncation, both")
ax.set_xscale("log")
ax.set_yscale("log")
ax.set_ylim(1e-12, 3)
ax.set_xlabel("step h (dimensionless, logarithmic)")
ax.set_ylabel("error of the gradient\n(dimensionless, logarithmic)")
ax.set_title(
    "The error falls with h² until rounding takes over:\nthe best step is near the cube root of ε"
)
ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.17), ncols=2)

# %%
# Change this and see
# -------------------
#
# - Comment out the assertions, and add 10 to the loss in ``loss_of``. No gradient changes, but
#   the rounding error follows the size of the loss: the left branch of each V moves up several
#   times, and its bottom moves right. A check wants a small loss, so leave constant terms out
#   of it.
# - Print ``finite_differences(loss_of, parameters.hidden_weight, step=1e-8)``: float32 cannot tell
#   the weights from their neighbours at that distance, and the function refuses.
# - Comment out the assertions, and make one entry wrong by ``by_hand[0, 0] *= -1`` after the line
#   that computes ``by_hand``. Both curves now end on a floor that no step gets under. That is what
#   a wrong gradient looks like: an error that does not follow the step.

plt.show()
