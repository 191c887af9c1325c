"""Exercises: optimizers.

Write the functions, then run this file: ``python exercise_optimizers.py``.
"""

import math

import torch

from handbook.exercises import expect, run_checks


def nesterov_step(weight, gradient, buffer, rate, momentum):
    """Make one step of SGD with Nesterov's momentum.

    Arguments: weight, gradient and buffer, tensors of one shape; rate and momentum, numbers.
    Returns: the new weight and the new buffer, as one tensor of shape (2, ...): use torch.stack.
    The arguments stay as they are.
    """
    # solution: begin
    buffer = momentum * buffer + gradient
    # The gradient is taken as if the momentum were applied once more.
    return torch.stack([weight - rate * (gradient + momentum * buffer), buffer])
    # solution: end


def adam_path(slope, start, rate, n_steps):
    """Minimise a function of one number with Adam, with betas 0.9 and 0.999 and epsilon 1e-8.

    Arguments: slope, a function that returns the derivative at a number; start and rate, numbers;
    n_steps, how many steps. Returns: a tensor of n_steps + 1 numbers, the start first.
    """
    # solution: begin
    x, m, v, path = start, 0.0, 0.0, [start]
    for t in range(1, n_steps + 1):  # from 1: the correction divides by 1 - beta^t
        g = slope(x)
        m = 0.9 * m + 0.1 * g
        v = 0.999 * v + 0.001 * g**2
        x -= rate * (m / (1 - 0.9**t)) / (math.sqrt(v / (1 - 0.999**t)) + 1e-8)
        path.append(x)
    return torch.tensor(path)
    # solution: end


def _plain_momentum(weight, gradient, buffer, rate, momentum):
    buffer = momentum * buffer + gradient
    return torch.stack([weight - rate * buffer, buffer])


def _step_kept_as_buffer(weight, gradient, buffer, rate, momentum):
    step = gradient + momentum * (momentum * buffer + gradient)
    return torch.stack([weight - rate * step, step])


def _averaged(weight, gradient, buffer, rate, momentum):
    buffer = momentum * buffer + (1 - momentum) * gradient
    return torch.stack([weight - rate * (gradient + momentum * buffer), buffer])


def _adam(slope, start, rate, n_steps, correct=(True, True), root=math.sqrt, inside=False):
    x, m, v, path = start, 0.0, 0.0, [start]
    for t in range(1, n_steps + 1):
        g = slope(x)
        m = 0.9 * m + 0.1 * g
        v = 0.999 * v + 0.001 * g**2
        first = m / (1 - 0.9**t) if correct[0] else m
        second = v / (1 - 0.999**t) if correct[1] else v
        x -= rate * first / (root(second) + 1e-8)
        path.append(x)
    return torch.tensor(path)


MISTAKES = {
    "nesterov_step": {
        "You stepped along the buffer: that is momentum without looking ahead.": _plain_momentum,
        "You kept the step as the buffer; the buffer is without the look ahead.": (
            _step_kept_as_buffer
        ),
        "You weighted the new gradient by 1 - momentum: PyTorch's dampening is 0.": _averaged,
    },
    "adam_path": {
        "You did not correct for the start at zero.": lambda *args: _adam(
            *args, correct=(False, False)
        ),
        "You corrected the second mean only.": lambda *args: _adam(*args, correct=(False, True)),
        "You corrected the first mean only.": lambda *args: _adam(*args, correct=(True, False)),
        "You forgot the root of the second mean.": lambda *args: _adam(*args, root=lambda v: v),
    },
}


def test_nesterov_step():
    weight, gradient = torch.tensor([1.0, 2.0]), torch.tensor([1.0, -4.0])
    buffer = torch.tensor([2.0, 6.0])
    # The new buffer is (1 + 1, 3 - 4); the step is 0.25 times (1 + 1, -4 - 0.5).
    wanted = torch.tensor([[0.5, 3.125], [2.0, -1.0]])
    expect(
        nesterov_step, weight, gradient, buffer, 0.25, 0.5,
        equals=wanted, mistakes=MISTAKES["nesterov_step"],
    )  # fmt: skip


def test_adam_path():
    def slope(x):
        return 4.0 * (x - 3.0)

    wanted = torch.tensor([0.0, 0.5, 0.9959, 1.4825])
    path = _adam(slope, 0.0, 0.5, 3)
    torch.testing.assert_close(path, wanted, rtol=0, atol=2e-3)
    expect(adam_path, slope, 0.0, 0.5, 3, equals=path, mistakes=MISTAKES["adam_path"])


if __name__ == "__main__":
    run_checks(globals())
