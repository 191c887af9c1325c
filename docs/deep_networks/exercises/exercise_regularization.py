"""Exercises: dropout and weight decay.

Write the functions, then run this file: ``python exercise_regularization.py``.
"""

import torch

from handbook.exercises import expect, run_checks


def thinned(x, keep, p):
    """Apply inverted dropout with a mask that is given.

    Arguments: x of any shape; keep, a bool tensor of the same shape that is True where a number
    stays; p, the probability with which numbers were dropped, below 1. Returns: the thinned tensor.
    """
    # solution: begin
    return x * keep / (1 - p)
    # solution: end


def decayed_step(weight, gradient, lr, decay):
    """Take one step of plain gradient descent with decoupled weight decay.

    The weight shrinks by the share lr * decay, and moves against the gradient. Nothing is changed
    in place.

    Arguments: weight and gradient of the same shape; lr and decay, numbers. Returns: a new tensor.
    """
    # solution: begin
    return (1 - lr * decay) * weight - lr * gradient
    # solution: end


MISTAKES = {
    "thinned": {
        "You did not scale up: the sum is smaller than without dropout.": lambda x, keep, p: (
            x * keep
        ),
        "You divided by p, the probability of a zero.": lambda x, keep, p: x * keep / p,
        "You scaled down. What stays has to make up for what is gone.": lambda x, keep, p: (
            x * keep * (1 - p)
        ),
        "You kept what was to be dropped.": lambda x, keep, p: x * ~keep / (1 - p),
        "You divided by the share that this mask kept; the factor is 1 / (1 - p).": (
            lambda x, keep, p: x * keep / keep.float().mean()
        ),
    },
    "decayed_step": {
        "You forgot the learning rate in the decay.": lambda w, g, lr, decay: (
            (1 - decay) * w - lr * g
        ),
        "You let the gradient grow the weight: go against it.": lambda w, g, lr, decay: (
            (1 - lr * decay) * w + lr * g
        ),
        "You shrank the step as well: the decay is of the weight.": lambda w, g, lr, decay: (
            (1 - lr * decay) * (w - lr * g)
        ),
        "You took off a fixed amount. Decay takes a share.": lambda w, g, lr, decay: (
            w - lr * decay - lr * g
        ),
    },
}


def test_thinned():
    x = torch.tensor([[1.0, -2.0, 3.0], [4.0, 5.0, -6.0]])
    keep = torch.tensor([[True, False, True], [True, True, True]])
    wanted = torch.tensor([[1.25, 0.0, 3.75], [5.0, 6.25, -7.5]])
    expect(thinned, x, keep, 0.2, equals=wanted, mistakes=MISTAKES["thinned"])


def test_decayed_step():
    weight, gradient = torch.tensor([2.0, -1.0]), torch.tensor([1.0, 3.0])
    wanted = torch.tensor([0.95 * 2.0 - 0.1, -0.95 - 0.3])
    expect(
        decayed_step, weight, gradient, 0.1, 0.5, equals=wanted, mistakes=MISTAKES["decayed_step"]
    )


if __name__ == "__main__":
    run_checks(globals())
