"""Exercises: vanishing gradients.

Write the functions, then run this file: ``python exercise_vanishing_gradients.py``.
"""

import torch

from handbook.exercises import expect, run_checks


def gradient_of_first_weight(weights, x, target):
    """Compute the gradient of a chain of sigmoid neurons by hand, for its first weight.

    a_0 = x and a_l = sigmoid(w_l * a_(l-1)); the loss is (a_L - target)^2 / 2. Go forward, keep
    what you need, and go back.

    Arguments: weights, a list of numbers; x and target, numbers. Returns: a 0-dimensional tensor.
    """
    # solution: begin
    values = [torch.tensor(x)]
    for weight in weights:
        values.append(torch.sigmoid(weight * values[-1]))
    delta = values[-1] - target
    for weight, a in zip(reversed(weights[1:]), reversed(values[2:]), strict=True):
        delta = delta * a * (1 - a) * weight  # the slope of this layer, then its weight
    return delta * values[1] * (1 - values[1]) * values[0]
    # solution: end


def residual_stack(weights, x):
    """Send x through layers with a way around each: a <- a + relu(a @ w.T).

    Arguments: weights, a list of tensors of shape (D, D); x of shape (N, D). Returns: (N, D).
    """
    # solution: begin
    a = x
    for weight in weights:
        a = a + torch.relu(a @ weight.T)
    return a
    # solution: end


def _chain(weights, x, target, slope, last_weight=False, square=False, from_input=True):
    values = [torch.tensor(x)]
    for weight in weights:
        values.append(torch.sigmoid(weight * values[-1]))
    delta = (values[-1] - target) * (2 if square else 1)
    for weight, a in zip(reversed(weights[1:]), reversed(values[2:]), strict=True):
        delta = delta * slope(a) * (1 if last_weight else weight)
    delta = delta * slope(values[1])
    return delta * values[0] if from_input else delta


def _slope(a):
    return a * (1 - a)


def _without_slopes(weights, x, target):
    return _chain(weights, x, target, torch.ones_like)


def _slope_of_the_output(weights, x, target):
    return _chain(weights, x, target, lambda a: torch.sigmoid(a) * (1 - torch.sigmoid(a)))


def _without_weights(weights, x, target):
    return _chain(weights, x, target, _slope, last_weight=True)


def _twice(weights, x, target):
    return _chain(weights, x, target, _slope, square=True)


def _without_input(weights, x, target):
    return _chain(weights, x, target, _slope, from_input=False)


def _stack(step):
    def run(weights, x):
        a = x
        for weight in weights:
            a = step(a, weight, x)
        return a

    return run


MISTAKES = {
    "gradient_of_first_weight": {
        "You left the slopes out.": _without_slopes,
        "You left the later weights out: the gradient goes through them too.": _without_weights,
        "You put the output into the sigmoid again: its slope is a * (1 - a).": (
            _slope_of_the_output
        ),
        "The half in the loss cancels the 2 of the square.": _twice,
        "You forgot the factor x: the sum is w * x.": _without_input,
    },
    "residual_stack": {
        "There is no way around your layers.": _stack(lambda a, w, x: torch.relu(a @ w.T)),
        "You added the first input everywhere; each layer adds its own.": _stack(
            lambda a, w, x: x + torch.relu(a @ w.T)
        ),
        "You took the relu of the sum: the way around must be free.": _stack(
            lambda a, w, x: torch.relu(a + a @ w.T)
        ),
        "You multiplied by w, not by its transpose.": _stack(lambda a, w, x: a + torch.relu(a @ w)),
    },
}


def test_gradient_of_first_weight():
    weights, x, target = [0.5, -2.0, 1.5], 1.5, 1.0
    leaf = torch.tensor(weights[0], requires_grad=True)
    a = torch.sigmoid(leaf * x)
    for weight in weights[1:]:
        a = torch.sigmoid(weight * a)
    ((a - target) ** 2 / 2).backward()
    mistakes = MISTAKES["gradient_of_first_weight"]
    expect(gradient_of_first_weight, weights, x, target, equals=leaf.grad, mistakes=mistakes)


def test_residual_stack():
    generator = torch.Generator().manual_seed(0)
    weights = [torch.randn(3, 3, generator=generator) for _ in range(3)]
    x = torch.randn(4, 3, generator=generator)
    wanted = x
    for weight in weights:
        wanted = wanted + torch.relu(wanted @ weight.T)
    expect(residual_stack, weights, x, equals=wanted, mistakes=MISTAKES["residual_stack"])


if __name__ == "__main__":
    run_checks(globals())
