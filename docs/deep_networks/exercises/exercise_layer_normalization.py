"""Exercises: layer and group normalisation.

Write the functions, then run this file: ``python exercise_layer_normalization.py``.
"""

import torch

from handbook.exercises import expect, run_checks


def normalize_groups(x, n_groups, eps):
    """Normalise each group of neighbouring channels of each sample, without weight and bias.

    Use the biased variance. Arguments: x of shape (N, C, L), n_groups that divides C, and eps.
    Returns: a tensor of shape (N, C, L).
    """
    # solution: begin
    n, c, length = x.shape
    grouped = x.reshape(n, n_groups, c // n_groups, length)
    distances = grouped - grouped.mean((2, 3), keepdim=True)
    variance = (distances * distances).mean((2, 3), keepdim=True)
    return (distances / (variance + eps).sqrt()).reshape(n, c, length)
    # solution: end


def normalize_words(x, eps):
    """Normalise the features of each word of each sentence, without weight and bias.

    Use the biased variance. Arguments: x of shape (N, F, T), with F features and T words, and eps.
    Returns: a tensor of shape (N, F, T).
    """
    # solution: begin
    distances = x - x.mean(1, keepdim=True)
    variance = (distances * distances).mean(1, keepdim=True)
    return distances / (variance + eps).sqrt()
    # solution: end


def _over(x, dims, eps, correction=0):
    variance = x.var(dims, keepdim=True, correction=correction)
    return (x - x.mean(dims, keepdim=True)) / (variance + eps).sqrt()


def _groups(x, n_groups, eps, dims, correction=0):
    n, c, length = x.shape
    grouped = x.reshape(n, n_groups, c // n_groups, length)
    return _over(grouped, dims, eps, correction).reshape(n, c, length)


def _channels_apart(x, n_groups, eps):
    n, c, length = x.shape
    grouped = x.reshape(n, c // n_groups, n_groups, length)
    return _over(grouped, (1, 3), eps).reshape(n, c, length)


MISTAKES = {
    "normalize_groups": {
        "You normalised the whole sample: that is one group.": lambda x, n, eps: _over(
            x, (1, 2), eps
        ),
        "You normalised each channel by itself.": lambda x, n, eps: _over(x, (2,), eps),
        "You averaged over the samples too.": lambda x, n, eps: _groups(x, n, eps, (0, 2, 3)),
        "You used the unbiased variance.": lambda x, n, eps: _groups(x, n, eps, (2, 3), 1),
        "You put channels together that are not neighbours.": _channels_apart,
    },
    "normalize_words": {
        "You averaged over the words; the features are in dimension 1.": lambda x, eps: _over(
            x, (2,), eps
        ),
        "You averaged over features and words: each word is normalised by itself.": (
            lambda x, eps: _over(x, (1, 2), eps)
        ),
        "You used the unbiased variance.": lambda x, eps: _over(x, (1,), eps, 1),
        "You divided by the variance, not by its root.": lambda x, eps: (
            (x - x.mean(1, keepdim=True)) / (x.var(1, keepdim=True, correction=0) + eps)
        ),
    },
}

X = torch.tensor(
    [
        [[1.0, 3.0], [2.0, 6.0], [0.0, 1.0], [5.0, 10.0]],
        [[4.0, 0.0], [1.0, 1.0], [-3.0, 2.0], [7.0, 7.5]],
    ]
)


def test_normalize_groups():
    wanted = torch.nn.functional.group_norm(X, 2, eps=1e-3)
    expect(normalize_groups, X, 2, 1e-3, equals=wanted, mistakes=MISTAKES["normalize_groups"])


def test_normalize_words():
    wanted = torch.nn.functional.layer_norm(X.transpose(1, 2), (4,), eps=1e-3).transpose(1, 2)
    expect(normalize_words, X, 1e-3, equals=wanted, mistakes=MISTAKES["normalize_words"])


if __name__ == "__main__":
    run_checks(globals())
