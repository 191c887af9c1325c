"""Exercises: decision boundaries.

Write the functions, then run this file: ``python exercise_decision_boundaries.py``.
"""

import torch

from handbook.exercises import expect, run_checks


def mirror_image(points, weight, bias):
    """Return the mirror image of each point on the other side of the line w · x + b = 0.

    Arguments: points of shape (N, D), weight of shape (D,) and not all zeros, bias a number.
    Returns: a tensor of shape (N, D).
    """
    # solution: begin
    # The score over |w|^2 is the way to the line in units of w. The image is twice as far.
    steps = (points @ weight + bias) / (weight @ weight)  # (N,)
    return points - 2 * steps[:, None] * weight
    # solution: end


def merge_into_linear(weight, bias, mean, std):
    """Return weight and bias of one linear layer that takes the features as they were measured.

    The given layer was trained on standardised features, (x - mean) / std.

    Arguments: weight of shape (D_out, D), bias of shape (D_out,), mean and std of shape (D,).
    Returns: a tensor of shape (D_out, D + 1): the new weight, and the new bias as a last column.
    """
    # solution: begin
    # Two linear maps, one after the other: W ((x - m) / s) + b = (W / s) x + (b - (W / s) m).
    merged = weight / std  # divides column i by std[i]
    return torch.cat([merged, (bias - merged @ mean)[:, None]], dim=1)
    # solution: end


def count_regions(points, hidden_weight, hidden_bias):
    """Count the pieces of a relu layer that the points lie in: sets of units that are on.

    Arguments: points of shape (N, D), hidden_weight of shape (H, D), hidden_bias of shape (H,).
    Returns: an int, the number of different sets.
    """
    # solution: begin
    on = points @ hidden_weight.T + hidden_bias > 0  # (N, H)
    return len(torch.unique(on, dim=0))
    # solution: end


def _to_the_line(points, weight, bias):
    return points - ((points @ weight + bias) / (weight @ weight))[:, None] * weight


def _length_not_squared(points, weight, bias):
    return points - 2 * ((points @ weight + bias) / weight.norm())[:, None] * weight


def _without_bias(points, weight, bias):
    return points - 2 * ((points @ weight) / (weight @ weight))[:, None] * weight


def _about_the_origin(points, weight, bias):
    return -points


def _bias_left_alone(weight, bias, mean, std):
    return torch.cat([weight / std, bias[:, None]], dim=1)


def _times_std(weight, bias, mean, std):
    return torch.cat([weight * std, (bias - (weight * std) @ mean)[:, None]], dim=1)


def _mean_not_scaled(weight, bias, mean, std):
    return torch.cat([weight / std, (bias - weight @ mean)[:, None]], dim=1)


def _plus_mean(weight, bias, mean, std):
    return torch.cat([weight / std, (bias + (weight / std) @ mean)[:, None]], dim=1)


def _number_on(points, hidden_weight, hidden_bias):
    on = points @ hidden_weight.T + hidden_bias > 0
    return len(torch.unique(on.sum(dim=1)))


def _all_that_could_be(points, hidden_weight, hidden_bias):
    return 2 ** len(hidden_weight)


def _without_hidden_bias(points, hidden_weight, hidden_bias):
    return len(torch.unique(points @ hidden_weight.T > 0, dim=0))


MISTAKES = {
    "mirror_image": {
        "That is the foot on the line: the image is twice as far.": _to_the_line,
        "The step along w is the distance over |w|, so the score over |w| squared.": (
            _length_not_squared
        ),
        "You left out the bias: the line does not go through the origin.": _without_bias,
        "You mirrored at the origin, not at the line.": _about_the_origin,
    },
    "merge_into_linear": {
        "The bias has to take up the mean.": _bias_left_alone,
        "Divide the weights by std: a feature with a large spread gets a small weight.": _times_std,
        "The mean meets the weights that are already divided by std.": _mean_not_scaled,
        "The mean is subtracted from x, so it lowers the bias.": _plus_mean,
    },
    "count_regions": {
        "It matters which units are on, not how many.": _number_on,
        "Not every set of units occurs: three lines cut the plane into at most seven.": (
            _all_that_could_be
        ),
        "You left out the bias: the lines do not all go through the origin.": _without_hidden_bias,
    },
}


def test_mirror_image():
    points = torch.tensor([[3.0, 0.0], [0.0, 1.0], [1.0, 2.0]])
    weight, bias = torch.tensor([2.0, 0.0]), -4.0  # the line x1 = 2
    wanted = torch.tensor([[1.0, 0.0], [4.0, 1.0], [3.0, 2.0]])
    expect(mirror_image, points, weight, bias, equals=wanted, mistakes=MISTAKES["mirror_image"])


def test_merge_into_linear():
    weight, bias = torch.tensor([[1.0, -2.0], [0.5, 4.0]]), torch.tensor([1.0, 0.0])
    mean, std = torch.tensor([10.0, -1.0]), torch.tensor([2.0, 0.5])
    wanted = torch.tensor([[0.5, -4.0, -8.0], [0.25, 8.0, 5.5]])
    expect(
        merge_into_linear,
        weight,
        bias,
        mean,
        std,
        equals=wanted,
        mistakes=MISTAKES["merge_into_linear"],
    )


def test_count_regions():
    # The three lines x1 = 0, x2 = 0 and x1 + x2 = 1, and points in all seven pieces.
    hidden_weight = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    hidden_bias = torch.tensor([0.0, 0.0, -1.0])
    points = torch.cartesian_prod(torch.linspace(-3, 3, 14), torch.linspace(-3, 3, 14))
    expect(
        count_regions,
        points,
        hidden_weight,
        hidden_bias,
        equals=7,
        mistakes=MISTAKES["count_regions"],
    )


if __name__ == "__main__":
    run_checks(globals())
