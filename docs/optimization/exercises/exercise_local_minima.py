"""Exercises: local minima. Which basin a start lies in, and networks that compute the same.

Write the two functions, then run ``python exercise_local_minima.py`` or
``pytest exercise_local_minima.py`` to see what is right.
"""

import torch

from handbook.exercises import expect, run_checks


def basin_of(slope, start, minima, learning_rate, n_steps):
    """Return which minimum gradient descent in one variable is closest to at its end.

    slope : a function that takes and returns a float, the derivative. start : a float.
    minima : a list of floats. return : the index into minima, an int.
    """
    # solution: begin
    x = start
    for _ in range(n_steps):
        x = x - learning_rate * slope(x)
    distances = [abs(x - place) for place in minima]
    return distances.index(min(distances))
    # solution: end


def swap_units(weight_in, bias_in, weight_out, i, j):
    """Swap the hidden units i and j, so that the network computes the same as before.

    weight_in : (H, I), bias_in : (H,), weight_out : (O, H). return : the three new tensors.
    The arguments must stay as they are.
    """
    # solution: begin
    order = list(range(len(bias_in)))
    order[i], order[j] = order[j], order[i]
    return weight_in[order], bias_in[order], weight_out[:, order]
    # solution: end


def _nearest(x, minima):
    distances = [abs(x - place) for place in minima]
    return distances.index(min(distances))


def _walk(slope, x, learning_rate, n_steps):
    for _ in range(n_steps):
        x = x - learning_rate * slope(x)
    return x


def _swapped(weight_in, bias_in, weight_out, i, j, *, bias=True, out=True, rows=False):
    order = list(range(len(bias_in)))
    order[i], order[j] = order[j], order[i]
    if rows:
        last = weight_out[[j, i, *range(2, len(weight_out))]] if len(weight_out) > 1 else weight_out
    else:
        last = weight_out[:, order] if out else weight_out
    return weight_in[order], bias_in[order] if bias else bias_in, last


MISTAKES = {
    "basin_of": {
        "You took the minimum closest to the start: the hill decides, not the distance.": (
            lambda slope, start, minima, learning_rate, n_steps: _nearest(start, minima)
        ),
        "You walked uphill: the step goes against the slope.": (
            lambda slope, start, minima, learning_rate, n_steps: _nearest(
                _walk(slope, start, -learning_rate, min(n_steps, 8)), minima
            )
        ),
    },
    "swap_units": {
        "You left the bias where it was: it belongs to its unit.": (
            lambda *arguments: _swapped(*arguments, bias=False)
        ),
        "You left the outgoing weights: column j of weight_out belongs to unit j.": (
            lambda *arguments: _swapped(*arguments, out=False)
        ),
        "You swapped rows of weight_out: its rows are outputs, its columns are hidden units.": (
            lambda *arguments: _swapped(*arguments, rows=True)
        ),
    },
}


def test_basin_of():
    def slope(x):  # minima at -2 and 1, a hill at 0
        return x * (x - 1) * (x + 2)

    for start, answer in ((-2.9, 0), (-1.0, 0), (-0.3, 0), (0.05, 1), (0.4, 1), (1.9, 1)):
        expect(
            basin_of,
            slope,
            start,
            [-2.0, 1.0],
            0.05,
            400,
            equals=answer,
            mistakes=MISTAKES["basin_of"],
        )


def test_swap_units():
    generator = torch.Generator().manual_seed(0)
    weight_in, bias_in, weight_out = (
        torch.randn(shape, generator=generator) for shape in ((3, 2), (3,), (2, 3))
    )
    for i, j, order in ((0, 1, [1, 0, 2]), (1, 2, [0, 2, 1]), (0, 0, [0, 1, 2])):
        expect(
            swap_units,
            weight_in,
            bias_in,
            weight_out,
            i,
            j,
            equals=(weight_in[order], bias_in[order], weight_out[:, order]),
            mistakes=MISTAKES["swap_units"],
        )


if __name__ == "__main__":
    run_checks(globals())
