"""Exercises: a deep regression network.

Write the functions, then run this file: ``python exercise_deep_regression.py``.
"""

import math
from itertools import pairwise

import torch
from torch import nn

from handbook.exercises import expect, run_checks


def build_chain(sizes):
    """Build linear layers of the given sizes, with a tanh between each two, as one module.

    Arguments: sizes, a list of at least two positive ints: inputs, hidden layers, outputs.
    Returns: a module that maps (N, sizes[0]) to (N, sizes[-1]), with every layer registered.
    """
    # solution: begin
    layers = []
    for n_in, n_out in pairwise(sizes):
        layers += [nn.Linear(n_in, n_out), nn.Tanh()]
    return nn.Sequential(*layers[:-1])  # the last tanh would keep every output inside ±1
    # solution: end


def weight_std_for(n_inputs):
    """Find the spread of weights for which a linear unit keeps the mean square of its inputs.

    Arguments: n_inputs, how many numbers a unit adds up. The weights are independent, with mean 0.
    Returns: their standard deviation, a float.
    """
    # solution: begin
    # The variance of a sum of n products is n * std² times the mean square of what came in.
    return 1 / math.sqrt(n_inputs)
    # solution: end


class _ListOfLayers(nn.Module):
    def __init__(self, sizes):
        super().__init__()
        pairs = pairwise(sizes)
        self.layers = [nn.Linear(n_in, n_out) for n_in, n_out in pairs]

    def forward(self, x):
        for layer in self.layers[:-1]:
            x = torch.tanh(layer(x))
        return self.layers[-1](x)


def _tanh_at_the_end(sizes):
    layers = []
    for n_in, n_out in pairwise(sizes):
        layers += [nn.Linear(n_in, n_out), nn.Tanh()]
    return nn.Sequential(*layers)


def _without_tanh(sizes):
    pairs = pairwise(sizes)
    return nn.Sequential(*(nn.Linear(n_in, n_out) for n_in, n_out in pairs))


def _one_layer_repeated(sizes):
    middle = [nn.Linear(sizes[1], sizes[1]), nn.Tanh()] * (len(sizes) - 3)
    first, last = nn.Linear(sizes[0], sizes[1]), nn.Linear(sizes[-2], sizes[-1])
    return nn.Sequential(first, nn.Tanh(), *middle, last)


MISTAKES = {
    "build_chain": {
        "The layers are in a plain list: the module has no parameters.": _ListOfLayers,
        "A tanh behind the last layer keeps every prediction between −1 and 1.": _tanh_at_the_end,
        "Without a tanh between them, the layers are one linear map.": _without_tanh,
        "You repeated one layer: all places hold the same weights.": _one_layer_repeated,
    },
    "weight_std_for": {
        "That is the variance: take its square root.": lambda n_inputs: 1 / n_inputs,
        "This grows with the number of inputs: each sum would be larger still.": math.sqrt,
        "A fixed spread is right for one number of inputs only.": lambda n_inputs: 0.1,
    },
}


def test_build_chain():
    def parameters_and_answers(build):
        """Fill the parameters with 1, 2, 3, ... hundredths; return how many, and two outputs."""
        model = build([2, 3, 3, 3, 2])
        parameters = list(model.parameters())
        with torch.no_grad():
            for i, parameter in enumerate(parameters):
                size = parameter.numel()
                filled = torch.arange(1.0, size + 1).reshape(parameter.shape)
                parameter.copy_(filled * (0.1 if i < len(parameters) - 1 else 10.0))
            answers = model(torch.tensor([[1.0, -1.0]])) if parameters else torch.zeros(1, 2)
        return sum(parameter.numel() for parameter in parameters), answers

    def answer():
        return parameters_and_answers(build_chain)

    wanted = (41, torch.tensor([[10.40632534, 20.94171143]]))
    mistakes = {
        told: (lambda wrong=wrong: parameters_and_answers(wrong))
        for told, wrong in MISTAKES["build_chain"].items()
    }
    expect(answer, equals=wanted, mistakes=mistakes)


def test_weight_std_for():
    expect(weight_std_for, 130, equals=0.08770580193070292, mistakes=MISTAKES["weight_std_for"])
    expect(weight_std_for, 4, equals=0.5, mistakes=MISTAKES["weight_std_for"])


if __name__ == "__main__":
    run_checks(globals())
