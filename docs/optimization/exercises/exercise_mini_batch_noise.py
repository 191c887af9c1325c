"""Exercises: the noise of mini-batches. Its size, and the batch that you need.

Write the two functions, then run ``python exercise_mini_batch_noise.py`` or
``pytest exercise_mini_batch_noise.py`` to see what is right.
"""

import math

import torch

from handbook.exercises import expect, run_checks


def noise_of_batch(gradients, batch_size):
    """Return by how far the gradient of a batch misses that of all samples, as a root mean square.

    gradients : (N, D), one row per sample. The batch holds batch_size different samples.
    return : a Python float.
    """
    # solution: begin
    n_samples = len(gradients)
    if batch_size == n_samples:
        return 0.0
    offsets = gradients - gradients.mean(0)
    of_one = offsets.square().sum(1).mean()  # the mean squared distance of one sample
    left = (n_samples - batch_size) / (n_samples - 1)
    return math.sqrt(of_one.item() / batch_size * left)
    # solution: end


def scaled_rate(learning_rate, batch_size, new_batch_size, limit):
    """Return the learning rate for a new batch size by the linear scaling rule.

    The rule must not lead beyond half of limit, which is 2 / λmax. return : a float.
    """
    # solution: begin
    return min(learning_rate * new_batch_size / batch_size, limit / 2)
    # solution: end


def _noise(gradients, batch_size, *, root=True, left=True, per_coordinate=False, power=1.0):
    n_samples = len(gradients)
    squares = (gradients - gradients.mean(0)).square()
    of_one = (squares.mean() if per_coordinate else squares.sum(1).mean()).item()
    share = (n_samples - batch_size) / (n_samples - 1) if left else 1.0
    variance = of_one / batch_size**power * share
    return math.sqrt(variance) if root else variance


MISTAKES = {
    "noise_of_batch": {
        "You forgot that the samples are all different: the factor (N − B) / (N − 1) takes the "
        "noise to zero when the batch holds all of them.": lambda gradients, batch_size: _noise(
            gradients, batch_size, left=False
        ),
        "You returned the variance: take its root.": lambda gradients, batch_size: _noise(
            gradients, batch_size, root=False
        ),
        "You averaged over the coordinates: the squared distance is their sum.": (
            lambda gradients, batch_size: _noise(gradients, batch_size, per_coordinate=True)
        ),
        "You divided the distance by B: the variance is divided by B, the distance by its root.": (
            lambda gradients, batch_size: _noise(gradients, batch_size, power=2.0)
        ),
    },
    "scaled_rate": {
        "You scaled with the root of the batch size: that keeps the noise of one step, not that of "
        "an epoch.": lambda learning_rate, batch_size, new_batch_size, limit: min(
            learning_rate * math.sqrt(new_batch_size / batch_size), limit / 2
        ),
        "You divided where you should multiply: a larger batch allows a larger rate.": (
            lambda learning_rate, batch_size, new_batch_size, limit: min(
                learning_rate * batch_size / new_batch_size, limit / 2
            )
        ),
        "You went beyond half of the limit: curvature bounds the rate, whatever the batch size.": (
            lambda learning_rate, batch_size, new_batch_size, limit: (
                learning_rate * new_batch_size / batch_size
            )
        ),
    },
}


def test_noise_of_batch():
    generator = torch.Generator().manual_seed(0)
    gradients = torch.randn(12, 3, generator=generator, dtype=torch.float64) + 5
    offsets = gradients - gradients.mean(0)
    for size in (1, 4, 9, 12):
        variance = offsets.square().sum().item() / 12 / size * (12 - size) / 11
        expect(
            noise_of_batch,
            gradients,
            size,
            equals=math.sqrt(variance),
            mistakes=MISTAKES["noise_of_batch"],
        )
    expect(noise_of_batch, gradients[:1], 1, equals=0.0, mistakes=None)


def test_scaled_rate():
    cases = [((0.1, 32, 128, 10.0), 0.4), ((0.1, 32, 8, 10.0), 0.025), ((0.1, 32, 3200, 4.0), 2.0)]
    for arguments, answer in cases:
        expect(scaled_rate, *arguments, equals=answer, mistakes=MISTAKES["scaled_rate"])


if __name__ == "__main__":
    run_checks(globals())
