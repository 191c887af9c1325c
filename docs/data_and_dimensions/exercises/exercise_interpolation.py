"""Exercises: interpolation and extrapolation.

Write the functions, then run this file: ``python exercise_interpolation.py``.
"""

import torch

from handbook.exercises import expect, run_checks


def right_slope(hidden_weight, hidden_bias, output_weight):
    """Compute the slope of a relu network far to the right.

    The network is c + sum over h of v_h * relu(w_h * x + b_h). Use no autograd and no x.

    Arguments: hidden_weight w, hidden_bias b and output_weight v, each of shape (H,).
    Returns: a tensor of shape ().
    """
    # solution: begin
    # For large x the sign of w x + b is the sign of w: these units are on.
    on = hidden_weight > 0
    return (output_weight * hidden_weight)[on].sum()
    # solution: end


def distance_to_data(train, points):
    """Compute the distance from each point to the nearest training point, along one axis.

    Arguments: train of shape (N,) and points of shape (M,). Returns: a tensor of shape (M,).
    """
    # solution: begin
    differences = (points[:, None] - train[None, :]).abs()  # (M, N)
    return differences.amin(dim=1)
    # solution: end


def forward_splits(n_samples, n_splits, test_size):
    """List splits by time: each trains on all rows before its test block.

    The test blocks have test_size rows each, follow each other without a gap, and the last one
    ends with the last row.

    Arguments: three integers, with n_splits * test_size < n_samples.
    Returns: a list of pairs (n_train, n_seen): train on the rows [0, n_train), test on the rows
    [n_train, n_seen). The earliest comes first.
    """
    # solution: begin
    first = n_samples - n_splits * test_size
    starts = [first + k * test_size for k in range(n_splits)]
    return [(start, start + test_size) for start in starts]
    # solution: end


MISTAKES = {
    "right_slope": {
        "You added all units. To the right, those with a negative weight are off.": (
            lambda w, b, v: (v * w).sum()
        ),
        "You took the units that are on at x = 0, not at large x.": (
            lambda w, b, v: (v * w)[b > 0].sum()
        ),
        "You took the units that are on at the far left.": lambda w, b, v: (v * w)[w < 0].sum(),
        "You forgot the hidden weights: a unit's slope is v times w.": (
            lambda w, b, v: v[w > 0].sum()
        ),
    },
    "distance_to_data": {
        "You took the minimum along the wrong dimension: one number for each training point.": (
            lambda train, points: (points[:, None] - train[None, :]).abs().amin(dim=0)
        ),
        "You forgot the absolute value: a distance is not negative.": (
            lambda train, points: (points[:, None] - train[None, :]).amin(dim=1)
        ),
        "You took the farthest training point.": (
            lambda train, points: (points[:, None] - train[None, :]).abs().amax(dim=1)
        ),
    },
    "forward_splits": {
        "Your blocks start at the beginning: the first one has nothing to train on.": (
            lambda n, k, size: [(i * size, (i + 1) * size) for i in range(k)]
        ),
        "The latest split comes first.": (
            lambda n, k, size: [(n - (i + 1) * size, n - i * size) for i in range(k)]
        ),
        "Each of your tests runs to the end of the data, not for one block.": (
            lambda n, k, size: [(n - (k - i) * size, n) for i in range(k)]
        ),
    },
}


def test_right_slope():
    w = torch.tensor([1.0, -2.0, 0.5])
    b = torch.tensor([-2.0, 4.0, 1.0])
    v = torch.tensor([3.0, 1.0, -2.0])
    expect(right_slope, w, b, v, equals=torch.tensor(2.0), mistakes=MISTAKES["right_slope"])


def test_distance_to_data():
    train = torch.tensor([0.0, 1.0, 5.0])
    points = torch.tensor([0.25, 3.5, 5.0, -2.0])
    wanted = torch.tensor([0.25, 1.5, 0.0, 2.0])
    expect(distance_to_data, train, points, equals=wanted, mistakes=MISTAKES["distance_to_data"])


def test_forward_splits():
    wanted = [(70, 80), (80, 90), (90, 100)]
    expect(forward_splits, 100, 3, 10, equals=wanted, mistakes=MISTAKES["forward_splits"])


if __name__ == "__main__":
    run_checks(globals())
