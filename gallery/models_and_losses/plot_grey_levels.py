"""
Pixels from 0 to 255: what do they do to training?
==================================================

Ink can be written as 1, as 255, or as three numbers for red, green and blue. It is the same
picture. To gradient descent it is not the same problem.
"""

import matplotlib.pyplot as plt
import torch

from handbook.classifiers import fit_logistic_regression
from handbook.datasets import noisy_glyphs
from handbook.device import get_device
from handbook.losses import binary_cross_entropy_with_logits
from handbook.metrics import accuracy
from handbook.plots import BLUE, GREEN, STYLE, VERMILLION
from handbook.seeding import make_generator

plt.style.use(STYLE)
device = get_device()

# %%
# One set of letters in four forms
# --------------------------------
#
# In grey, ink is 255 and paper 0. In colour, each letter is drawn in an ink of its own: red, green
# and blue are each drawn from 128 to 255, on black paper. That makes 75 numbers for each picture.


def in_colour(images, seed):
    """Draw each letter with an ink of its own, (N, 25) -> (N, 3, 5, 5), whole numbers to 255."""
    inks = torch.randint(128, 256, (len(images), 3, 1, 1), generator=make_generator(seed))
    return inks * images.reshape(-1, 1, 5, 5)


train = noisy_glyphs(2000, flip_probability=0.1, generator=make_generator(0))
test = noisy_glyphs(2000, flip_probability=0.1, generator=make_generator(1))
colours = [in_colour(data.inputs, seed) for seed, data in enumerate((train, test))]
forms = {
    "ink 1": (train.inputs, test.inputs),
    "ink 255": (255 * train.inputs, 255 * test.inputs),
    "colour / 255": tuple(images.flatten(1) / 255 for images in colours),
}
is_x = (train.targets == 0).to(device)
truth = (test.targets == 0).to(device)

# %%
# The same rate for all
# ---------------------
#
# The gradient of a weight is the error times the pixel. With pixels 255 times as large the gradient
# is 255 times as large, and its effect on the logit goes through the pixel once more: the step is
# 255² = 65025 times too long.

stages = [1, 2, 5, 10, 20, 50, 100, 200, 400]
runs = {
    "ink 1, rate 0.5": ("ink 1", 0.5, BLUE, "-", "o"),
    "ink 255, rate 0.5": ("ink 255", 0.5, VERMILLION, "--", "s"),
    "colour / 255, rate 0.5": ("colour / 255", 0.5, GREEN, "-.", "^"),
}
curves = {}
for name, (form, rate, *_) in runs.items():
    train_inputs, test_inputs = (images.to(device) for images in forms[form])
    model, done, losses = None, 0, []
    for stage in stages:
        model = fit_logistic_regression(
            train_inputs, is_x, learning_rate=rate, n_steps=stage - done, start=model
        )
        done = stage
        logits = model.logits(test_inputs)
        losses.append(binary_cross_entropy_with_logits(logits, truth.float()).item())
    curves[name] = losses
    share = accuracy(logits, truth, threshold=0)
    told = f"{losses[-1]:.2f}" if losses[-1] < 1 else "above 1"
    print(f"{name:<23} right {share:.0%}, loss {told}")

assert curves["ink 1, rate 0.5"][-1] < 0.1
assert curves["colour / 255, rate 0.5"][-1] < 0.1
assert curves["ink 255, rate 0.5"][-1] > 5

# %%
# The neuron with large pixels may still be right: a sign needs no scale. But its logits are in the
# thousands, it is sure of every mistake, and its loss shows it. A rate that is smaller by 255² and
# a bias scaled along would make the same steps as before.
#
# Divide by 255
# -------------
#
# The remedy costs nothing: bring the pixels to the range from 0 to 1 before anything else. With the
# same numbers going in, the same numbers come out.

scaled = fit_logistic_regression(
    forms["ink 255"][0].to(device) / 255, is_x, learning_rate=0.5, n_steps=400
)
plain = fit_logistic_regression(forms["ink 1"][0].to(device), is_x, learning_rate=0.5, n_steps=400)
assert torch.equal(scaled.weight, plain.weight)
print("255 / 255 = 1: the same weights, to the last bit")

fig, ax = plt.subplots(figsize=(6.4, 4.4))
for name, (_, _, color, linestyle, marker) in runs.items():
    ax.plot(stages, curves[name], color=color, linestyle=linestyle, marker=marker, label=name)
ax.set_xscale("log")
ax.set_yscale("log")
ax.set_title("Pixels up to 255 make every step far too long")
ax.set_xlabel("steps (logarithmic)")
ax.set_ylabel("cross-entropy of held-out letters\n(nats, logarithmic)")
ax.legend(loc="center right", bbox_to_anchor=(1.0, 0.45))

# %%
# In colour, the neuron has three weights for each place. Since the colour of the ink says nothing
# about the letter, the three share the work.
#
# Change this and see
# -------------------
#
# - Change the rate of ``ink 255`` to ``0.5 / 255**2``: the curve starts on that of ``ink 1``. It
#   ends a little off, because the bias, whose input is 1, now takes steps that are too short. The
#   assertion that it fails does not hold any more.
# - Take away ``/ 255`` after ``flatten(1)``, and write ``.float()`` in its place: colour fails as
#   grey does, and so does the assertion about it.
# - Give ``ink 1`` the pixels −1 and 1, with ``2 * train.inputs - 1`` and the same for ``test``, and
#   take the last assertion out: now paper speaks too, and after 10 steps the loss is smaller.
#   Subtract 0.5 only, and it is larger: the pixels are short then, and so are the steps.

plt.show()
