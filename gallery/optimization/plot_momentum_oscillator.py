r"""
Why does momentum overshoot?
============================

Momentum keeps a share of the last step. That makes the path a body with inertia: it rolls through
the minimum and swings back, as a weight on a spring does in oil. How much momentum is too much?
"""

import math

import matplotlib.pyplot as plt
import torch

from handbook.device import get_device
from handbook.optimizers import SGD, contraction_factor, optimizer_paths
from handbook.plots import BLUE, GREEN, GREY, STYLE, VERMILLION

plt.style.use(STYLE)
device = get_device()

# %%
# The equation of a damped spring
# -------------------------------
#
# Take the parabola :math:`f(x) = \frac12 x^2`, whose slope is x. One step of momentum,
# :math:`x_{t+1} = x_t - \gamma x_t + \mu (x_t - x_{t-1})`, can be sorted into differences:
#
# .. math::
#    \underbrace{(x_{t+1} - 2 x_t + x_{t-1})}_{\text{acceleration}}
#    + (1 - \mu) \underbrace{(x_t - x_{t-1})}_{\text{velocity}}
#    + \gamma \, x_t = 0.
#
# That is a spring of stiffness :math:`\gamma` in oil of friction :math:`1 - \mu`. The boundary
# between creeping and swinging is :math:`\mu = (1 - \sqrt\gamma)^2`.

rate = 0.01
critical = (1 - math.sqrt(rate)) ** 2
start = torch.tensor([1.0], dtype=torch.float32, device=device)
walks = {}
for told, momentum in (("none", 0.0), ("critical", critical), ("too much", 0.98)):
    path = optimizer_paths(
        lambda x: x, start, SGD, rates=[rate], n_steps=150, momentum=momentum
    ).flatten()
    walks[told] = path
    factor = contraction_factor(1.0, lr=rate, momentum=momentum)
    lowest = min(path.min().item(), 0.0)
    print(f"momentum {momentum:.2f}: factor {factor:.2f} per step, overshoots to {lowest:.2f}")

assert walks["critical"].min() > -0.01
assert walks["too much"].min() < -0.7

# %%
# The factor by which the distance shrinks per step, in the long run, is the largest eigenvalue of
# the step. Up to the critical momentum more is better. Beyond it, the eigenvalues are complex, and
# their size is :math:`\sqrt\mu`: the path swings, and each bit of momentum makes it swing longer.

momenta = torch.linspace(0.0, 1.0, 201, dtype=torch.float64).tolist()
factors = [contraction_factor(1.0, lr=rate, momentum=momentum) for momentum in momenta]
best = momenta[factors.index(min(factors))]
print(f"the best momentum is {best:.2f}, the critical one is {critical:.2f}")
assert abs(best - critical) < 0.01

fig, (top, bottom) = plt.subplots(2, 1, figsize=(6.0, 7.4))
styles = {
    "none": (BLUE, "-", "μ = 0"),
    "critical": (GREEN, "-.", "μ = 0.81, critical"),
    "too much": (VERMILLION, "--", "μ = 0.98"),
}
for told, path in walks.items():
    color, linestyle, label = styles[told]
    top.plot(path.cpu(), color=color, linestyle=linestyle, label=label)
top.axhline(0, color=GREY, linewidth=1)
top.set_title("Without momentum the path creeps,\nwith too much it swings like a spring")
top.set_xlabel("step")
top.set_ylabel("distance x (dimensionless)")
top.legend(loc="upper right", bbox_to_anchor=(1.0, 0.98))

bottom.plot(momenta, factors, color=BLUE, label="measured from the eigenvalues")
bottom.plot(momenta, torch.tensor(momenta).sqrt(), color=GREY, linestyle=":", label="√μ")
bottom.plot([critical], [math.sqrt(critical)], "o", color=GREEN)
bottom.annotate("critical", (critical, math.sqrt(critical)), (0.55, 0.89), color=GREEN)
bottom.set_ylim(0.78, 1.01)
bottom.set_title("The distance shrinks fastest at the\nboundary between creeping and swinging")
bottom.set_xlabel("momentum μ (dimensionless)")
bottom.set_ylabel("factor per step")
bottom.legend(loc="lower left")

# %%
# Change this and see
# -------------------
#
# - Set ``rate = 0.04``: the spring is stiffer, and the critical momentum falls to 0.64. Take the
#   assertions about the overshoot out first.
# - Set the momentum of the third walk to 1.0: no friction is left, and the path swings for ever.
# - Drop the walk without momentum, and the assertions, and give ``nesterov=True`` to
#   ``optimizer_paths``: the swings die out sooner, because looking ahead adds friction.

plt.show()
