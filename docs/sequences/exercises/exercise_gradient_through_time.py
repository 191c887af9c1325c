"""Exercises: the gradient through time.

Write the functions, then run this file: ``python exercise_gradient_through_time.py``.
"""

import math

import torch

from handbook.exercises import expect, run_checks


def lstm_step(sums, c):
    """Finish one step of an LSTM whose four sums have been computed.

    Arguments: sums of shape (N, 4 H), those of the input gate, the forget gate, the candidate and
    the output gate side by side; c of shape (N, H). Returns: the new h and the new c, side by side
    in one tensor of shape (N, 2 H).
    """
    # solution: begin
    i, f, g, o = sums.chunk(4, dim=1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    h = torch.sigmoid(o) * torch.tanh(c)
    return torch.cat([h, c], dim=1)
    # solution: end


def gate_bias(n_steps):
    """Return the bias at which a gate keeps half of the state over so many steps.

    The gate multiplies by sigmoid(bias) at every step, and nothing else does.

    Arguments: n_steps, an int. Returns: a float.
    """
    # solution: begin
    kept = 0.5 ** (1 / n_steps)  # in one step
    return math.log(kept / (1 - kept))
    # solution: end


def clipped(gradients, largest_norm):
    """Scale all gradients of a network down together, so that their common norm is not too large.

    Arguments: gradients, a list of tensors; largest_norm, a float. Returns: a list of tensors.
    Gradients whose norm is small enough stay as they are.
    """
    # solution: begin
    norm = sum(gradient.square().sum() for gradient in gradients).sqrt()
    factor = min(1.0, largest_norm / norm)
    return [factor * gradient for gradient in gradients]
    # solution: end


def _gates_in_another_order(sums, c):
    f, i, g, o = sums.chunk(4, dim=1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.cat([torch.sigmoid(o) * torch.tanh(c), c], dim=1)


def _no_tanh_of_c(sums, c):
    i, f, g, o = sums.chunk(4, dim=1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.cat([torch.sigmoid(o) * c, c], dim=1)


def _old_c(sums, c):
    i, f, g, o = sums.chunk(4, dim=1)
    new = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.cat([torch.sigmoid(o) * torch.tanh(c), new], dim=1)


def _each_by_itself(gradients, largest_norm):
    return [g * min(1.0, largest_norm / g.norm()) for g in gradients]


def _always_scaled(gradients, largest_norm):
    norm = sum(gradient.square().sum() for gradient in gradients).sqrt()
    return [g * largest_norm / norm for g in gradients]


MISTAKES = {
    "lstm_step": {
        "The input gate comes first, then the forget gate.": _gates_in_another_order,
        "The output gate multiplies tanh(c), not c.": _no_tanh_of_c,
        "h is made from the new c.": _old_c,
    },
    "gate_bias": {
        "That is what the gate lets through, not the bias: invert the sigmoid.": lambda n_steps: (
            0.5 ** (1 / n_steps)
        ),
        "You divided the half by the steps: the factors multiply.": lambda n_steps: math.log(
            (1 - 0.5 / n_steps) / (0.5 / n_steps)
        ),
    },
    "clipped": {
        "You clipped each tensor by itself, which turns the direction.": _each_by_itself,
        "You scaled small gradients up, too.": _always_scaled,
        "You cut single numbers off, which turns the direction.": lambda gradients, largest_norm: [
            g.clamp(-largest_norm, largest_norm) for g in gradients
        ],
    },
}


def test_lstm_step():
    sums = torch.tensor([[0.0, 1.0, -0.5, 2.0], [2.0, -1.0, 0.5, 0.0]])
    c = torch.tensor([[0.5], [-1.0]])
    cell = torch.nn.LSTMCell(4, 1, bias=False)
    cell.weight_ih.data, cell.weight_hh.data = torch.eye(4), torch.zeros(4, 1)
    wanted = torch.cat(cell(sums, (torch.zeros(2, 1), c)), dim=1).detach()
    expect(lstm_step, sums, c, equals=wanted, mistakes=MISTAKES["lstm_step"])


def test_gate_bias():
    for n_steps, wanted in ((2, 0.8813735870195432), (20, 3.3448747)):
        expect(gate_bias, n_steps, equals=wanted, rtol=1e-5, mistakes=MISTAKES["gate_bias"])


def test_clipped():
    large = [torch.tensor([3.0, 4.0]), torch.tensor([[12.0]])]
    wanted = [torch.tensor([3.0, 4.0]) / 13, torch.tensor([[12.0]]) / 13]
    expect(clipped, large, 1.0, equals=wanted, mistakes=MISTAKES["clipped"])
    small = [torch.tensor([0.25]), torch.tensor([0.5])]
    expect(clipped, small, 1.0, equals=small, mistakes=MISTAKES["clipped"])


if __name__ == "__main__":
    run_checks(globals())
