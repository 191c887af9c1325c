"""
Two columns that are nearly one
===============================

The closed form can be written in one line, as the normal equations. How many digits does that line
cost, compared with a method that never multiplies the columns with each other?
"""

# %%
# The second column is the first plus a little of something else. The less of it, the larger the
# condition number κ of the two. The targets are made without noise, so that the right answer,
# (1, −1), is known and every deviation is rounding. All numbers have about 16 digits (float64).

import matplotlib.pyplot as plt
import torch

from handbook.datasets import load_diabetes
from handbook.device import get_device
from handbook.linear_models import add_ones, least_squares, normal_equations
from handbook.plots import BLUE, STYLE, TRUTH, VERMILLION
from handbook.seeding import make_generator

plt.style.use(STYLE)
device = get_device()

truth = torch.tensor([1.0, -1.0], dtype=torch.float64, device=device)
closeness = 10.0 ** -torch.arange(0.5, 10.5, 0.5, dtype=torch.float64)
methods = {"normal equations": normal_equations, "reflections": least_squares}
points = {name: [] for name in methods}
for seed in range(10):
    generator = make_generator(seed)
    first, other = torch.randn(2, 50, generator=generator, dtype=torch.float64).to(device)
    for share in closeness.tolist():
        design = torch.stack([first, first + share * other], dim=1)  # (N, 2)
        kappa = torch.linalg.cond(design).item()
        for name, solve in methods.items():
            try:
                error = (solve(design, design @ truth) - truth).norm() / truth.norm()
            except ValueError:  # the columns are one, as far as the method can tell
                assert name == "normal equations"
                assert kappa > 1e6
            else:
                points[name].append((kappa, max(error.item(), 1e-16)))

for name in methods:
    worst = max(error for kappa, error in points[name] if kappa < 1e7)
    size = "above one in a thousand" if worst > 1e-3 else "below one in a billion"
    print(f"{name}: the largest error for κ below 1e7 is {size}")
assert max(error for kappa, error in points["normal equations"] if 1e6 < kappa < 1e7) > 1e-3
assert max(error for kappa, error in points["reflections"] if kappa < 1e7) < 1e-9

# %%
# The digits lost are those of κ² for the normal equations, and those of κ for reflections.

fig, ax = plt.subplots(figsize=(6.4, 5.4))
looks = {"normal equations": (VERMILLION, "s"), "reflections": (BLUE, "o")}
for name, (color, marker) in looks.items():
    kappas, errors = zip(*points[name], strict=True)
    style = {"color": color, "marker": marker, "linestyle": "none", "markersize": 4}
    ax.plot(kappas, errors, label=name, **style)
unit = torch.finfo(torch.float64).eps
ends = torch.tensor([5.0, 5e7]).double()
ax.plot(ends, unit * ends**2, color=TRUTH, linestyle="--", label="κ² × rounding unit")
ends = torch.tensor([5.0, 5e10]).double()
ax.plot(ends, unit * ends, color=TRUTH, linestyle=":", label="κ × rounding unit")
ax.set_xscale("log")
ax.set_yscale("log")
ax.set_ylim(5e-17, 10)
ax.set_title("Normal equations lose twice as many digits,\nand give up halfway")
ax.set_xlabel("condition number κ (dimensionless, log scale)")
ax.set_ylabel("relative error (dimensionless, log scale)")
ax.legend(loc="lower right")

# %%
# It happens with real data
# -------------------------
#
# In the diabetes data, one blood value was not measured but computed: s2 = s1 − s3 − exp(s5) / 5.
# The logarithm in s5 hides that. Add a column with exp(s5), and four columns depend on each other,
# up to the rounding in the table and four patients. Nothing fails in float64. The predictions stay,
# and the coefficients run away.

diabetes = load_diabetes()
inputs, targets = diabetes.inputs.double().to(device), diabetes.targets.double().to(device)
wider = torch.cat([inputs, inputs[:, 8:9].exp()], dim=1)
fits = {"as measured": add_ones(inputs), "with exp(s5)": add_ones(wider)}
print("\ncoefficient of      s1      s2      s3   share of the variance explained")
for name, design in fits.items():
    w = least_squares(design, targets)
    left = targets - design @ w
    explained = 1 - left.var() / targets.var()
    print(f"{name:12} " + "".join(f"{w[k].item():8.1f}" for k in (4, 5, 6)) + f"   {explained:.2f}")

# %%
# A coefficient of −1 became −19, and its neighbour moved up by as much. Only their combination is
# determined by the data. Do not read the meaning of a feature off such numbers.
#
# Change this and see
# -------------------
# - Divide ``other`` by 10: the points move along the lines, not off them. Only κ counts.
# - Let ``closeness`` go down to 13 digits, with 13.5 in place of 10.5: reflections keep losing one
#   digit for each, and the normal equations give up where they did.
# - Drop s2 with ``wider = wider[:, [0, 1, 2, 3, 4, 6, 7, 8, 9, 10]]``: s1 and s3, which now stands
#   in the column of s2, come back below 1 in size, and as much of the variance is explained.

plt.show()
