"""Exercises: the curse of dimensionality.

Write the functions, then run this file: ``python exercise_dimensionality.py``.
"""

import math

import torch

from handbook.exercises import expect, run_checks


def log_ball_share(n_dimensions):
    """Return the natural logarithm of the share of a cube that its inscribed ball fills.

    It must work for any number of dimensions from 1 to 10,000. Use only the module ``math``.

    Arguments: n_dimensions, an int, at least 1. Returns: a float, 0 for one dimension.
    """
    # solution: begin
    # V_d = V_(d-2) * 2 pi / d, and the cube of edge 2 has 2^2 times the volume two dimensions on.
    start = math.log(math.pi / 4) if n_dimensions % 2 == 0 else 0.0
    first = 4 if n_dimensions % 2 == 0 else 3
    return start + sum(math.log(math.pi / (2 * d)) for d in range(first, n_dimensions + 1, 2))
    # solution: end


def standardize(train_inputs, test_inputs):
    """Shift and scale every feature to mean 0 and standard deviation 1 on the training part.

    The test part gets the same shift and scale. A feature that is constant in the training part
    is shifted only. Take the standard deviation with N in the denominator, not N - 1.

    Arguments: train_inputs of shape (N, D), test_inputs of shape (M, D).
    Returns: a tuple of two tensors of the same shapes.
    """
    # solution: begin
    mean = train_inputs.mean(dim=0)
    std = train_inputs.std(dim=0, correction=0)
    scale = torch.where(std > 0, std, torch.ones_like(std))
    return (train_inputs - mean) / scale, (test_inputs - mean) / scale
    # solution: end


def wide_but_easy(n_samples, n_features, generator):
    """Draw points whose distances keep their contrast however many features there are.

    Every feature must vary, and so must the points. The nearest of the other points shall be less
    than half as far from the first point as the farthest, also with a thousand features.

    Arguments: two ints and a CPU generator. Returns: a tensor of shape (n_samples, n_features).
    """
    # solution: begin
    # One hidden quantity, and each feature another multiple of it: a line in a large space.
    hidden = torch.rand(n_samples, 1, generator=generator)
    weights = 0.5 + torch.rand(1, n_features, generator=generator)
    return hidden * weights
    # solution: end


def _share_first(n_dimensions):
    half = n_dimensions / 2
    return math.log(math.pi**half / math.gamma(half + 1) / 2**n_dimensions)


def _log_volume(n_dimensions):
    half = n_dimensions / 2
    return half * math.log(math.pi) - math.lgamma(half + 1)


def _by_own_statistics(train_inputs, test_inputs):
    return tuple(
        (part - part.mean(dim=0)) / part.std(dim=0, correction=0)
        for part in (train_inputs, test_inputs)
    )


def _one_scale_for_all(train_inputs, test_inputs):
    mean, std = train_inputs.mean(), train_inputs.std(correction=0)
    return (train_inputs - mean) / std, (test_inputs - mean) / std


def _constant_divided(train_inputs, test_inputs):
    mean, std = train_inputs.mean(dim=0), train_inputs.std(dim=0, correction=0)
    return (train_inputs - mean) / std, (test_inputs - mean) / std


MISTAKES = {
    "log_ball_share": {
        "You took the logarithm last: gamma or the power overflowed before it.": _share_first,
        "You forgot the cube: its edge is 2, so its volume is 2 to the power d.": _log_volume,
    },
    "standardize": {
        "You scaled the test part by its own statistics: the same wine then gets other numbers "
        "in another company.": _by_own_statistics,
        "You took one mean over all features: pass dim=0.": _one_scale_for_all,
        "You divided a constant feature by its standard deviation of 0.": _constant_divided,
    },
}


def test_log_ball_share():
    for n_dimensions, share in ((1, 1.0), (2, math.pi / 4), (3, math.pi / 6)):
        expect(
            log_ball_share,
            n_dimensions,
            equals=math.log(share),
            mistakes=MISTAKES["log_ball_share"],
        )
    for n_dimensions in (1000, 10_000):
        half = n_dimensions / 2
        equals = half * math.log(math.pi / 4) - math.lgamma(half + 1)
        expect(log_ball_share, n_dimensions, equals=equals, mistakes=MISTAKES["log_ball_share"])


def test_standardize():
    train = torch.tensor([[0.0, 100.0], [2.0, 300.0]])
    test = torch.tensor([[4.0, 200.0], [1.0, 500.0]])
    equals = (
        torch.tensor([[-1.0, -1.0], [1.0, 1.0]]),
        torch.tensor([[3.0, 0.0], [0.0, 3.0]]),
    )
    expect(standardize, train, test, equals=equals, mistakes=MISTAKES["standardize"])


def test_standardize_leaves_a_constant_feature_finite():
    train = torch.tensor([[7.0, -1.0], [7.0, 1.0]])
    test = torch.tensor([[8.0, 0.0]])
    equals = (torch.tensor([[0.0, -1.0], [0.0, 1.0]]), torch.tensor([[1.0, 0.0]]))
    expect(standardize, train, test, equals=equals, mistakes=MISTAKES["standardize"])


def _verdict_on(points):
    """What is right or wrong about the points, in words."""
    if not isinstance(points, torch.Tensor):
        return points
    if points.shape != (101, 1000):
        return f"shape {tuple(points.shape)}"
    if (points.std(dim=0) == 0).any():
        return "a feature is constant"
    distances = (points[1:] - points[0]).norm(dim=1)
    if distances.amin() == 0:
        return "a point has a copy"
    contrast = distances.amin() < 0.5 * distances.amax()
    return "contrast is kept" if contrast else "near and far are alike"


def test_wide_but_easy():
    for seed in range(3):

        def verdict(draw=wide_but_easy, seed=seed):
            return _verdict_on(draw(101, 1000, torch.Generator().manual_seed(seed)))

        expect(
            verdict,
            equals="contrast is kept",
            mistakes={
                "Independent features are exactly the case that loses contrast: let the features "
                "share a hidden quantity.": "near and far are alike",
                "You repeated one feature or left it constant.": "a feature is constant",
            },
        )


if __name__ == "__main__":
    run_checks(globals())
