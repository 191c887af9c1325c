"""Exercises: squared and absolute error.

Write the functions, then run this file: ``python exercise_squared_error.py``.
"""

import torch

from handbook.exercises import expect, run_checks


def mean_over_batches(batch_means, batch_sizes):
    """Compute the mean loss over all samples from the mean and the size of each batch.

    Arguments: batch_means, a floating-point tensor of shape (S,), and batch_sizes, an int64 tensor
    of shape (S,). Returns: a tensor of shape ().
    """
    # solution: begin
    return (batch_means * batch_sizes).sum() / batch_sizes.sum()
    # solution: end


def huber_slope(error, delta):
    """Compute the slope of the Huber loss with respect to the error, without autograd.

    Arguments: error, a floating-point tensor of any shape, and delta, a positive number. Returns: a
    tensor of the shape of error.
    """
    # solution: begin
    # Inside the slope is the error, outside delta with the error's sign: the error, clipped.
    return error.clamp(-delta, delta)
    # solution: end


MISTAKES = {
    "mean_over_batches": {
        "You averaged the means: the short last batch counts as much as a full one.": (
            lambda means, sizes: means.mean()
        ),
        "You divided by the number of batches, not of samples.": lambda means, sizes: (
            (means * sizes).sum() / len(means)
        ),
        "You forgot to divide: this is the sum over all samples.": lambda means, sizes: (
            means * sizes
        ).sum(),
    },
    "huber_slope": {
        "Outside, the slope is delta with the sign of the error; you left out delta.": (
            lambda error, delta: torch.where(error.abs() < delta, error, error.sign())
        ),
        "Outside, you forgot the sign of the error.": lambda error, delta: torch.where(
            error.abs() < delta, error, delta * torch.ones_like(error)
        ),
        "This is the slope of smooth L1, which is divided by the threshold.": (
            lambda error, delta: (error / delta).clamp(-1, 1)
        ),
        "This is the slope of the squared error everywhere.": lambda error, delta: error,
    },
}


def test_mean_over_batches():
    means, sizes = torch.tensor([1.0, 3.0, 10.0]), torch.tensor([4, 4, 1])
    wanted = torch.tensor(26.0 / 9)
    expect(mean_over_batches, means, sizes, equals=wanted, mistakes=MISTAKES["mean_over_batches"])


def test_huber_slope():
    error = torch.tensor([-5.0, -2.0, -0.5, 0.0, 1.0, 7.0])
    wanted = torch.tensor([-2.0, -2.0, -0.5, 0.0, 1.0, 2.0])
    expect(huber_slope, error, 2.0, equals=wanted, mistakes=MISTAKES["huber_slope"])


if __name__ == "__main__":
    run_checks(globals())
