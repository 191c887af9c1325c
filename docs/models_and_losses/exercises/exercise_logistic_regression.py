"""Exercises: logistic regression.

Write the functions, then run this file: ``python exercise_logistic_regression.py``.
"""

from functools import partial

import torch

from handbook.exercises import expect, run_checks


def stable_binary_loss(logits, targets):
    """Compute the mean binary cross-entropy of logits, right for logits of any size.

    The gradient that autograd finds must be right as well, also for a logit of 0.

    Use torch.exp, torch.log1p and arithmetic, not a loss or a softplus that PyTorch brings.

    Arguments: logits and targets, floating-point tensors of shape (N,). Returns: a tensor of
    shape ().
    """
    # solution: begin
    # One mask for both parts, so that their slopes at 0 belong together.
    positive = logits.masked_fill(logits < 0, 0)
    negative = logits.masked_fill(logits >= 0, 0)
    losses = positive - targets * logits + torch.log1p(torch.exp(negative - positive))
    return losses.mean()
    # solution: end


def descent_step(inputs, targets, weight, bias, learning_rate):
    """Make one step of descent on the mean binary cross-entropy, without autograd.

    Arguments: inputs (N, D), targets (N,) of 0.0 and 1.0, weight (D,), bias () and a rate.
    Returns: the new weight and the new bias.
    """
    # solution: begin
    error = (torch.sigmoid(inputs @ weight + bias) - targets) / len(targets)
    return weight - learning_rate * inputs.T @ error, bias - learning_rate * error.sum()
    # solution: end


def cheapest_threshold(cost_of_a_miss, cost_of_a_false_alarm):
    """Find the probability from which on saying yes costs less, on average, than saying no.

    Arguments: two numbers above 0. Returns: a float.
    """
    # solution: begin
    return cost_of_a_false_alarm / (cost_of_a_false_alarm + cost_of_a_miss)
    # solution: end


def _naive_loss(logits, targets):
    p = torch.sigmoid(logits)
    return -(targets * p.log() + (1 - targets) * (1 - p).log()).mean()


def _overflowing_loss(logits, targets):
    return (torch.log1p(torch.exp(logits)) - targets * logits).mean()


def _loss_of_yes_alone(logits, targets):
    positive = logits.clamp(min=0)
    return (positive - logits + torch.log1p(torch.exp(-logits.abs()))).mean()


def _summed_loss(logits, targets):
    return len(logits) * torch.nn.functional.binary_cross_entropy_with_logits(logits, targets)


def _step(sign=1.0, slope=False, mean=True):
    def step(inputs, targets, weight, bias, learning_rate):
        p = torch.sigmoid(inputs @ weight + bias)
        error = (p - targets) * (p * (1 - p) if slope else 1.0)
        error = error / (len(targets) if mean else 1)
        return (
            weight - sign * learning_rate * inputs.T @ error,
            bias - sign * learning_rate * error.sum(),
        )

    return step


def _gradient_of(loss, logits, targets):
    logits = logits.detach().requires_grad_()
    return torch.autograd.grad(loss(logits, targets), logits)[0]


def _slopes_that_do_not_belong_together(logits, targets):
    small = torch.log1p(torch.exp(-logits.abs()))
    return (logits.clamp(min=0) - targets * logits + small).mean()


WRONG_SLOPES = {
    "The value is right, but at 0 the parts that you add take slopes that do not belong together: "
    "clamp takes 1 there, abs takes 0.": _slopes_that_do_not_belong_together,
}

MISTAKES = {
    "stable_binary_loss": {
        "You took the sigmoid first: it rounds to 0 or 1, and the logarithm is -inf.": _naive_loss,
        "You took the exponential of a large logit, and it overflowed.": _overflowing_loss,
        "You forgot the targets: this is the loss if every answer is yes.": _loss_of_yes_alone,
        "You summed over the samples. The mean is wanted.": _summed_loss,
        **WRONG_SLOPES,
    },
    "descent_step": {
        "You walked uphill: a step goes against the gradient.": _step(sign=-1.0),
        "You multiplied by the slope of the sigmoid. It cancels in this loss.": _step(slope=True),
        "You summed over the samples. The mean is wanted.": _step(mean=False),
    },
    "cheapest_threshold": {
        "You exchanged the two costs.": lambda miss, alarm: miss / (miss + alarm),
        "You took the ratio of the costs: those are odds, not a probability.": lambda miss, alarm: (
            alarm / miss
        ),
    },
}


def test_stable_binary_loss():
    logits = torch.tensor([1000.0, -1000.0, 1.3, 0.0])
    targets = torch.tensor([1.0, 0.0, 1.0, 0.0])
    wanted = torch.tensor((0.24100845 + 0.69314718) / 4)
    expect(
        stable_binary_loss, logits, targets, equals=wanted, mistakes=MISTAKES["stable_binary_loss"]
    )


def test_stable_binary_loss_far_on_the_wrong_side():
    logits, targets = torch.tensor([1000.0, -1000.0]), torch.tensor([0.0, 1.0])
    expect(stable_binary_loss, logits, targets, equals=torch.tensor(1000.0))


def test_gradient_of_stable_binary_loss():
    def gradient_of_stable_binary_loss(logits, targets):
        return _gradient_of(stable_binary_loss, logits, targets)

    logits = torch.tensor([1000.0, -1000.0, 0.0, 0.0])
    targets = torch.tensor([0.0, 1.0, 1.0, 0.0])
    wanted = torch.tensor([0.25, -0.25, -0.125, 0.125])
    mistakes = {told: partial(_gradient_of, wrong) for told, wrong in WRONG_SLOPES.items()}
    expect(gradient_of_stable_binary_loss, logits, targets, equals=wanted, mistakes=mistakes)


def test_descent_step():
    inputs = torch.tensor([[1.0, 0.0], [2.0, -1.0]])
    targets = torch.tensor([1.0, 0.0])
    weight, bias = torch.tensor([0.5, 0.0]), torch.tensor(-0.5)
    wanted = (torch.tensor([0.12754067, 0.31122967]), torch.tensor(-0.56122967))
    expect(
        descent_step, inputs, targets, weight, bias, 1.0,
        equals=wanted, mistakes=MISTAKES["descent_step"],
    )  # fmt: skip


def test_cheapest_threshold():
    expect(cheapest_threshold, 3.0, 1.0, equals=0.25, mistakes=MISTAKES["cheapest_threshold"])
    expect(cheapest_threshold, 1.0, 4.0, equals=0.8, mistakes=MISTAKES["cheapest_threshold"])


if __name__ == "__main__":
    run_checks(globals())
