"""Exercises: choosing hyper-parameters.

Write the functions, then run this file: ``python exercise_hyperparameters.py``.
"""

import itertools

import torch

from handbook.exercises import expect, run_checks


def count_parameters(sizes):
    """Count the weights and biases of a fully connected network.

    Arguments: sizes, a list of ints: the inputs, the units of each hidden layer, the outputs.
    Returns: an int.
    """
    # solution: begin
    # A layer has a weight for every pair of input and unit, and a bias for every unit.
    return sum(n_in * n_out + n_out for n_in, n_out in itertools.pairwise(sizes))
    # solution: end


def hidden_weights(knots, values):
    """Build a relu network with one hidden layer that passes through given points.

    The network is values[0] + sum over h of v_h * relu(x - knots[h]), with one unit for each knot
    but the last. Between two knots it is a straight line.

    Arguments: knots and values, both of shape (H + 1,); the knots rise.
    Returns: the output weights v of shape (H,).
    """
    # solution: begin
    slopes = values.diff() / knots.diff()  # (H,): of each piece
    # A unit changes the slope at its knot, and nowhere else.
    return torch.cat([slopes[:1], slopes.diff()])
    # solution: end


MISTAKES = {
    "count_parameters": {
        "You forgot the biases.": (lambda sizes: sum(a * b for a, b in itertools.pairwise(sizes))),
        "You gave the inputs biases too.": (
            lambda sizes: sizes[0] + sum(a * b + b for a, b in itertools.pairwise(sizes))
        ),
        "You counted one bias for each layer, not one for each unit.": (
            lambda sizes: sum(a * b + 1 for a, b in itertools.pairwise(sizes))
        ),
    },
    "hidden_weights": {
        "These are the slopes of the pieces. A unit's weight is the change of the slope.": (
            lambda x, y: y.diff() / x.diff()
        ),
        "You took the rises for slopes: divide by the distance of the knots.": (
            lambda x, y: torch.cat([y.diff()[:1], y.diff().diff()])
        ),
        "The first unit has the whole slope of the first piece, not 0.": (
            lambda x, y: torch.cat([torch.zeros(1), (y.diff() / x.diff()).diff()])
        ),
    },
}


def test_count_parameters():
    expect(count_parameters, [64, 32, 10], equals=2410, mistakes=MISTAKES["count_parameters"])
    expect(count_parameters, [3, 1], equals=4)


def test_hidden_weights():
    knots, values = torch.tensor([0.0, 1.0, 3.0, 4.0]), torch.tensor([0.0, 2.0, 3.0, 0.0])
    expect(
        hidden_weights, knots, values, equals=torch.tensor([2.0, -1.5, -3.5]),
        mistakes=MISTAKES["hidden_weights"],
    )  # fmt: skip


if __name__ == "__main__":
    run_checks(globals())
