"""Exercises: universal approximation. Write the weights of a network down.

Write the functions, then run this file: ``python exercise_universal_approximation.py``.
"""

import torch

from handbook.exercises import expect, run_checks


def hat_weights(left, peak, right, height):
    """Find the output weights of three relu units that draw a hat.

    The network is the sum over h of v_h * relu(x - t_h), with t = (left, peak, right). It must be 0
    up to left, height at peak, 0 at right and 0 from there on; straight in between.

    Arguments: four numbers with left < peak < right. Returns: v of shape (3,).
    """
    # solution: begin
    up = height / (peak - left)
    down = height / (right - peak)
    # Each weight is the change of slope: 0 to up, up to -down, -down to 0.
    return torch.tensor([up, -up - down, down])
    # solution: end


def n_pieces(weight, bias, out_weight):
    """Count the straight pieces of x -> sum over h of v_h * relu(w_h * x + b_h), for all real x.

    Every w_h is different from zero. Units may share a knot, and v_h may be 0.

    Arguments: three tensors of shape (H,). Returns: an int, at least 1.
    """
    # solution: begin
    changes = {}
    for w, b, v in zip(weight.tolist(), bias.tolist(), out_weight.tolist(), strict=True):
        knot = -b / w
        # From left to right the slope changes by v * |w|, whichever way the unit opens.
        changes[knot] = changes.get(knot, 0.0) + v * abs(w)
    return 1 + sum(change != 0 for change in changes.values())
    # solution: end


def _hat(combine):
    def weights(left, peak, right, height):
        return torch.tensor(combine(height / (peak - left), height / (right - peak)))

    return weights


def _pieces(change=lambda w, v: v * abs(w), one_more=1):
    def count(weight, bias, out_weight):
        changes = {}
        for w, b, v in zip(weight.tolist(), bias.tolist(), out_weight.tolist(), strict=True):
            changes[-b / w] = changes.get(-b / w, 0.0) + change(w, v)
        return one_more + sum(value != 0 for value in changes.values())

    return count


MISTAKES = {
    "hat_weights": {
        "You returned slopes. A weight is the change of slope at its knot.": _hat(
            lambda up, down: [up, -down, 0.0]
        ),
        "At the peak the slope does not change to 0: it changes to -down.": _hat(
            lambda up, down: [up, -up, 0.0]
        ),
        "Your hat goes on falling: the last unit must take the slope back to 0.": _hat(
            lambda up, down: [up, -up - down, 0.0]
        ),
        "You used the height for both slopes: divide by the distance of the knots.": (
            lambda left, peak, right, height: torch.tensor([height, -2 * height, height])
        ),
    },
    "n_pieces": {
        "You counted the units. Units that share a knot bend the curve once.": (
            lambda weight, bias, out_weight: 1 + len(weight)
        ),
        "You counted knots that do nothing: the changes of slope may add up to 0.": _pieces(
            change=lambda w, v: 1.0
        ),
        "The slope changes by v * |w|, also for a unit that opens to the left.": _pieces(
            change=lambda w, v: v * w
        ),
        "You counted the knots. There is one piece more than knots.": _pieces(one_more=0),
    },
}


def test_hat_weights():
    mistakes = MISTAKES["hat_weights"]
    wanted = torch.tensor([3.0, -4.5, 1.5])
    expect(hat_weights, 1.0, 2.0, 4.0, 3.0, equals=wanted, mistakes=mistakes)
    wanted = torch.tensor([-2.0, 4.0, -2.0])
    expect(hat_weights, -0.5, 0.0, 0.5, -1.0, equals=wanted, mistakes=mistakes)


def test_n_pieces():
    cases = [
        # One knot is shared by two units, one unit has no weight.
        ([1.0, 2.0, 1.0, 1.0], [-1.0, -2.0, -3.0, -4.0], [1.0, 1.0, 1.0, 0.0], 3),
        # relu(x) - relu(-x) is x: the two units at 0 cancel.
        ([1.0, -1.0, 1.0, 1.0], [0.0, 0.0, -2.0, -5.0], [1.0, -1.0, 1.0, 0.0], 2),
        # |x| has two pieces; its two units share a knot.
        ([1.0, -1.0], [0.0, 0.0], [1.0, 1.0], 2),
        ([1.0], [1.0], [0.0], 1),
    ]
    for weight, bias, out_weight, wanted in cases:
        arguments = [torch.tensor(numbers) for numbers in (weight, bias, out_weight)]
        expect(n_pieces, *arguments, equals=wanted, mistakes=MISTAKES["n_pieces"])


if __name__ == "__main__":
    run_checks(globals())
