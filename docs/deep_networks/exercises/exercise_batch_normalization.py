"""Exercises: batch normalisation.

Write the functions, then run this file: ``python exercise_batch_normalization.py``.
"""

import torch
from torch import nn

from handbook.exercises import expect, run_checks


def normalize_backward(grad_output, x, eps):
    """Compute the gradient of batch normalisation with respect to its input, without autograd.

    The forward pass is y = (x - mean) / sqrt(variance + eps), with the mean and the biased variance
    of each column; there is no weight and no bias.

    Arguments: grad_output and x, both of shape (N, C), and eps, a float. Returns: shape (N, C).
    """
    # solution: begin
    mean = x.mean(0)
    distances = x - mean
    scale = ((distances * distances).mean(0) + eps).rsqrt()
    normalized = distances * scale
    along = (grad_output * normalized).mean(0)
    return scale * (grad_output - grad_output.mean(0) - normalized * along)
    # solution: end


def fold(linear, norm):
    """Make one linear layer that does what a linear layer and a batch norm do in evaluation.

    Arguments: an nn.Linear with a bias and an nn.BatchNorm1d with weight and bias. Neither may
    change. Returns: an nn.Linear.
    """
    # solution: begin
    folded = nn.Linear(linear.in_features, linear.out_features)
    with torch.no_grad():
        scale = norm.weight / (norm.running_var + norm.eps).sqrt()
        folded.weight.copy_(linear.weight * scale[:, None])
        folded.bias.copy_((linear.bias - norm.running_mean) * scale + norm.bias)
    return folded
    # solution: end


def _statistics_as_constants(grad_output, x, eps):
    return grad_output / (x.var(0, correction=0) + eps).sqrt()


def _without_the_variance(grad_output, x, eps):
    scale = (x.var(0, correction=0) + eps).rsqrt()
    return scale * (grad_output - grad_output.mean(0))


def _with_the_unbiased_variance(grad_output, x, eps):
    scale = (x.var(0) + eps).rsqrt()
    normalized = (x - x.mean(0)) * scale
    along = (grad_output * normalized).mean(0)
    return scale * (grad_output - grad_output.mean(0) - normalized * along)


def _over_the_features(grad_output, x, eps):
    scale = (x.var(1, correction=0, keepdim=True) + eps).rsqrt()
    normalized = (x - x.mean(1, keepdim=True)) * scale
    along = (grad_output * normalized).mean(1, keepdim=True)
    return scale * (grad_output - grad_output.mean(1, keepdim=True) - normalized * along)


def _folded(linear, norm, weight, bias):
    folded = nn.Linear(linear.in_features, linear.out_features)
    with torch.no_grad():
        scale = norm.weight / (norm.running_var + norm.eps).sqrt()
        folded.weight.copy_(weight(scale))
        folded.bias.copy_(bias(scale))
    return folded


def _fold_without_mean(linear, norm):
    return _folded(
        linear,
        norm,
        lambda scale: linear.weight * scale[:, None],
        lambda scale: linear.bias * scale + norm.bias,
    )


def _fold_columns(linear, norm):
    return _folded(
        linear,
        norm,
        lambda scale: linear.weight * scale,
        lambda scale: (linear.bias - norm.running_mean) * scale + norm.bias,
    )


def _fold_without_root(linear, norm):
    scale = norm.weight / (norm.running_var + norm.eps)
    return _folded(
        linear,
        norm,
        lambda _: linear.weight * scale[:, None],
        lambda _: (linear.bias - norm.running_mean) * scale + norm.bias,
    )


MISTAKES = {
    "normalize_backward": {
        "You took mean and variance for constants: that is the gradient in evaluation.": (
            _statistics_as_constants
        ),
        "You forgot that each input also moves the variance.": _without_the_variance,
        "You used the unbiased variance: a batch is normalised with the biased one.": (
            _with_the_unbiased_variance
        ),
        "You took the means along each sample; they go down each column.": _over_the_features,
    },
    "fold": {
        "You forgot to subtract the running mean.": _fold_without_mean,
        "You scaled the columns of the weight: each output has a row.": _fold_columns,
        "You divided by the variance, not by its root.": _fold_without_root,
    },
}


def _layers():
    linear, norm = nn.Linear(2, 2), nn.BatchNorm1d(2).eval()
    with torch.no_grad():
        linear.weight.copy_(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
        linear.bias.copy_(torch.tensor([0.5, -0.5]))
        norm.weight.copy_(torch.tensor([2.0, 3.0]))
        norm.bias.copy_(torch.tensor([1.0, -1.0]))
        norm.running_mean.copy_(torch.tensor([1.0, 2.0]))
        norm.running_var.copy_(torch.tensor([4.0, 0.25]))
    return linear, norm


def test_normalize_backward():
    x = torch.tensor([[1.0, 0.0], [3.0, 0.0], [5.0, 3.0]])
    grad_output = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
    wanted = torch.tensor([[0.10206187, -0.35355347], [-0.20412414, 0.35355335], [0.10206223, 0.0]])
    options = {"atol": 1e-4, "mistakes": MISTAKES["normalize_backward"]}
    expect(normalize_backward, grad_output, x, 1e-5, equals=wanted, **options)
    leaf = x.clone().requires_grad_()
    y = torch.nn.functional.batch_norm(leaf, None, None, training=True, eps=2.0)
    (wanted,) = torch.autograd.grad(y, leaf, grad_output)
    expect(normalize_backward, grad_output, x, 2.0, equals=wanted, **options)


def test_fold():
    def folded_output(linear, norm):
        return fold(linear, norm)(torch.tensor([[1.0, 1.0], [-1.0, 2.0]])).detach()

    def mistaken(wrong):
        return lambda linear, norm: wrong(linear, norm)(
            torch.tensor([[1.0, 1.0], [-1.0, 2.0]])
        ).detach()

    linear, norm = _layers()
    wanted = norm(linear(torch.tensor([[1.0, 1.0], [-1.0, 2.0]]))).detach()
    mistakes = {told: mistaken(wrong) for told, wrong in MISTAKES["fold"].items()}
    expect(folded_output, *_layers(), equals=wanted, mistakes=mistakes)


if __name__ == "__main__":
    run_checks(globals())
