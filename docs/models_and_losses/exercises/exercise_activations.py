"""Exercises: activations.

Write the functions, then run this file: ``python exercise_activations.py``.
"""

import math
from functools import partial

import torch

from handbook.exercises import expect, run_checks


def stable_softplus(x):
    """Compute log(1 + e^x) without a threshold, for any finite number.

    The value must be right for large numbers, where e^x overflows, and so must the gradient that
    autograd finds. Use torch.exp and torch.log1p, not a softplus that PyTorch brings.

    Arguments: x, a floating-point tensor of any shape. Returns: a tensor of the same shape.
    """
    # solution: begin
    # log(1 + e^x) = max(x, 0) + log(1 + e^-|x|): no exponent is positive. The two parts take |x|
    # and max(x, 0) from one mask, so that their slopes at 0 belong together.
    positive = x.masked_fill(x < 0, 0)
    negative = x.masked_fill(x >= 0, 0)
    return positive + torch.log1p(torch.exp(negative - positive))
    # solution: end


def silu_slope(x):
    """Compute the slope of silu(x) = x * sigmoid(x), derived by hand, without autograd.

    Arguments: x, a floating-point tensor of any shape. Returns: a tensor of the same shape.
    """
    # solution: begin
    s = torch.sigmoid(x)
    return s + x * s * (1 - s)
    # solution: end


def masked_softmax(scores, allowed):
    """Turn the allowed scores of each row into probabilities; the others get exactly 0.

    Arguments: scores of shape (N, C), and allowed, a bool tensor of shape (N, C) that is True in at
    least one place of each row. Returns: a tensor of shape (N, C) whose rows sum to one.
    """
    # solution: begin
    # e^-inf = 0: what is not allowed drops out of the sum before it is taken.
    masked = scores.masked_fill(~allowed, -math.inf)
    shifted = masked - masked.amax(dim=1, keepdim=True)
    exponentials = torch.exp(shifted)
    return exponentials / exponentials.sum(dim=1, keepdim=True)
    # solution: end


def _slope(function, x):
    x = x.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(function(x).sum(), x)
    return gradient


def _masked_after(scores, allowed):
    return torch.softmax(scores, dim=1) * allowed


def _masked_by_zero(scores, allowed):
    return torch.softmax(scores * allowed, dim=1)


def _masked_along_the_batch(scores, allowed):
    return torch.softmax(scores.masked_fill(~allowed, -math.inf), dim=0)


def _masked_without_shift(scores, allowed):
    exponentials = torch.exp(scores) * allowed
    return exponentials / exponentials.sum(dim=1, keepdim=True)


WRONG_SLOPES = {
    "The value is right, but where() or clamp() still differentiates an exponential that has "
    "overflowed: 0 times infinity.": lambda x: torch.where(x > 20, x, torch.log1p(torch.exp(x))),
    "At 0 the parts that you add take slopes that do not belong together: clamp takes 1 there, abs "
    "takes 0.": lambda x: x.clamp(min=0) + torch.log1p(torch.exp(-x.abs())),
}

MISTAKES = {
    "stable_softplus": {
        "You took the exponential of a large number, and it overflowed.": lambda x: torch.log1p(
            torch.exp(x)
        ),
        "You dropped the small part: this is relu.": lambda x: torch.clamp(x, min=0),
        "You took max(x, 0) and forgot to add log(1 + e^-|x|) of the absolute value.": lambda x: (
            torch.clamp(x, min=0) + torch.log1p(torch.exp(x))
        ),
        **WRONG_SLOPES,
    },
    "silu_slope": {
        "You forgot that x is a factor too: the product rule has two terms.": lambda x: (
            x * torch.sigmoid(x) * (1 - torch.sigmoid(x))
        ),
        "You took only the first term of the product rule.": torch.sigmoid,
    },
    "masked_softmax": {
        "You masked after the softmax: the rows no longer sum to one.": _masked_after,
        "You set the scores to 0, but e^0 = 1: they still take part.": _masked_by_zero,
        "You summed along the batch. Each row is one sample.": _masked_along_the_batch,
        "You did not subtract the maximum, and the exponential overflowed.": _masked_without_shift,
    },
}


def test_stable_softplus():
    x = torch.tensor([-1000.0, -3.0, 0.0, 3.0, 1000.0])
    wanted = torch.tensor([0.0, 0.04858735, math.log(2), 3.04858735, 1000.0])
    expect(stable_softplus, x, equals=wanted, mistakes=MISTAKES["stable_softplus"])


def test_slope_of_stable_softplus():
    def slope_of_stable_softplus(x):
        return _slope(stable_softplus, x)

    x = torch.tensor([-1000.0, 0.0, 3.0, 1000.0])
    wanted = torch.tensor([0.0, 0.5, 0.95257413, 1.0])
    mistakes = {told: partial(_slope, wrong) for told, wrong in WRONG_SLOPES.items()}
    expect(slope_of_stable_softplus, x, equals=wanted, mistakes=mistakes)


def test_silu_slope():
    x = torch.tensor([-2.0, 0.0, 1.0, 50.0])
    wanted = torch.tensor([-0.09078425, 0.5, 0.92767051, 1.0])
    expect(silu_slope, x, equals=wanted, mistakes=MISTAKES["silu_slope"])


def test_masked_softmax():
    scores = torch.tensor([[0.0, 0.0, 5.0], [200.0, 199.0, -3.0]])
    allowed = torch.tensor([[True, True, False], [True, True, True]])
    wanted = torch.tensor([[0.5, 0.5, 0.0], [0.73105858, 0.26894142, 0.0]])
    expect(masked_softmax, scores, allowed, equals=wanted, mistakes=MISTAKES["masked_softmax"])


if __name__ == "__main__":
    run_checks(globals())
