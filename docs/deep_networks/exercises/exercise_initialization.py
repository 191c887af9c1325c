"""Exercises: initialisation.

Write the functions, then run this file: ``python exercise_initialization.py``.
"""

import math

import torch

from handbook.exercises import expect, run_checks


def kaiming_bound(shape, slope):
    """Compute the bound b of the uniform distribution that Kaiming's rule draws from.

    The rule keeps the mean square on the way forward, behind a leaky relu with this slope for
    negative numbers: Var[w] = 2 / ((1 + slope^2) * fan_in), and U(-b, b) has the variance b^2 / 3.

    Arguments: shape, the weight's sizes (out_channels, in_channels, *kernel); slope, a number.
    Returns: a float.
    """
    # solution: begin
    fan_in = math.prod(shape[1:])
    return math.sqrt(3 * 2 / ((1 + slope**2) * fan_in))
    # solution: end


def gain_of(function):
    """Compute the gain of any activation function: 1 / sqrt(E[f(z)^2]) for z from N(0, 1).

    Take the mean as a sum over a fine grid from -8 to 8, with the normal density as weight.

    Arguments: function, which takes a tensor and returns one of the same shape. Returns: a float.
    """
    # solution: begin
    z = torch.linspace(-8, 8, 16001, dtype=torch.float64)
    weight = torch.exp(-(z**2) / 2)
    mean_square = (weight * function(z) ** 2).sum() / weight.sum()
    return 1 / mean_square.sqrt().item()
    # solution: end


def scaled_to_unit(weights, x):
    """Scale each weight so that its layer's sums have mean square 1 on the data x.

    The layers are z = a @ w.T with a relu after each; scale the first weight, compute what comes
    out of its relu, go on to the second. No weight that you are given may be changed in place.

    Arguments: weights, a list of tensors of shape (n_out, n_in); x of shape (N, n_in).
    Returns: the list of scaled weights.
    """
    # solution: begin
    scaled, a = [], x
    for weight in weights:
        z = a @ weight.T
        size = z.square().mean().sqrt()
        scaled.append(weight / size)
        a = (z / size).clamp(min=0)
    return scaled
    # solution: end


def _sizes(weights, x):
    found, a = [], x
    for weight in weights:
        z = a @ weight.T
        found.append(z.square().mean())
        a = z.clamp(min=0)
    return torch.stack(found)


def _scaled_by(power, x_only=False, centered=False):
    def scale(weights, x):
        scaled, a = [], x
        for weight in weights:
            z = a @ weight.T
            size = (z - z.mean()).square().mean() if centered else z.square().mean()
            scaled.append(weight / size**power)
            a = x if x_only else (z / size**0.5).clamp(min=0)
        return scaled

    return scale


def _scaled_with_old_outputs(weights, x):
    scaled, a = [], x
    for weight in weights:
        z = a @ weight.T
        scaled.append(weight / z.square().mean().sqrt())
        a = z.clamp(min=0)
    return scaled


def _grid_mean(f, root=True, weighted=True):
    z = torch.linspace(-8, 8, 16001, dtype=torch.float64)
    weight = torch.exp(-(z**2) / 2) if weighted else torch.ones_like(z)
    mean = ((weight * f(z) ** 2).sum() / weight.sum()).item()
    return 1 / math.sqrt(mean) if root else 1 / mean


def _grid_spread(f):
    z = torch.linspace(-8, 8, 16001, dtype=torch.float64)
    weight = torch.exp(-(z**2) / 2)
    weight, y = weight / weight.sum(), f(z)
    return 1 / ((weight * y**2).sum() - (weight * y).sum() ** 2).sqrt().item()


MISTAKES = {
    "kaiming_bound": {
        "You returned the standard deviation; the bound is sqrt(3) times as large.": (
            lambda shape, slope: math.sqrt(2 / ((1 + slope**2) * math.prod(shape[1:])))
        ),
        "You forgot the places of the kernel: each is an input too.": lambda shape, slope: (
            math.sqrt(6 / ((1 + slope**2) * shape[1]))
        ),
        "You took the fan-out, which keeps the gradient on its way back.": lambda shape, slope: (
            math.sqrt(6 / ((1 + slope**2) * shape[0] * math.prod(shape[2:])))
        ),
        "You left the slope out.": lambda shape, slope: math.sqrt(6 / math.prod(shape[1:])),
    },
    "gain_of": {
        "You forgot the square root.": lambda f: _grid_mean(f, root=False),
        "You gave all numbers the same weight; most z are near 0.": lambda f: _grid_mean(
            f, weighted=False
        ),
        "You took the variance. The next layer multiplies the mean square.": _grid_spread,
    },
    "scaled_to_unit": {
        "You divided by the mean square, not by its root.": _scaled_by(1.0),
        "You gave every layer the data itself.": _scaled_by(0.5, x_only=True),
        "You went on with the outputs of the old weights.": _scaled_with_old_outputs,
        "You divided by the spread about the mean. Take the mean square.": _scaled_by(
            0.5, centered=True
        ),
    },
}


def test_kaiming_bound():
    wanted = math.sqrt(6 / (1.04 * 27))
    expect(kaiming_bound, (16, 3, 3, 3), 0.2, equals=wanted, mistakes=MISTAKES["kaiming_bound"])


def test_gain_of_relu():
    expect(gain_of, torch.relu, equals=math.sqrt(2), mistakes=MISTAKES["gain_of"], rtol=1e-4)


def test_gain_of_tanh():
    expect(gain_of, torch.tanh, equals=1.5925374, rtol=1e-4)


def test_scaled_to_unit():
    generator = torch.Generator().manual_seed(0)
    x = 3 * torch.randn(20, 5, generator=generator) + 1
    shapes = ((8, 5), (6, 8), (4, 6))
    weights = [0.2 * torch.randn(shape, generator=generator) for shape in shapes]
    wanted, a = [], x
    for weight in weights:
        size = (a @ weight.T).square().mean().sqrt()
        wanted.append(weight / size)
        a = (a @ wanted[-1].T).clamp(min=0)
    expect(scaled_to_unit, weights, x, equals=wanted, mistakes=MISTAKES["scaled_to_unit"])


if __name__ == "__main__":
    run_checks(globals())
