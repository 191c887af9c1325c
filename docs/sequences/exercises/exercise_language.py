"""Exercises: a model of text.

Write the functions, then run this file: ``python exercise_language.py``.
"""

import torch

from handbook.exercises import expect, run_checks


def bigram_table(indices, n_symbols, alpha=1.0):
    """Return how probable each symbol is after each other one, with alpha added to every count.

    Arguments: indices of shape (T,), the text as whole numbers; an int; a float.
    Returns: a tensor of shape (n_symbols, n_symbols), float32. Row h is the history, and sums to 1.
    """
    # solution: begin
    counts = torch.full((n_symbols, n_symbols), alpha)
    for before, after in zip(indices[:-1].tolist(), indices[1:].tolist(), strict=True):
        counts[before, after] += 1
    return counts / counts.sum(dim=1, keepdim=True)
    # solution: end


def at_temperature(probabilities, temperature):
    """Bring probabilities to another temperature, as if their logits were divided by it.

    A probability of 0 stays 0.

    Arguments: probabilities of shape (V,), which sum to 1; a positive float.
    Returns: a tensor of shape (V,).
    """
    # solution: begin
    # log p is a logit of p; softmax takes care of powers that would be too small.
    return torch.softmax(probabilities.log() / temperature, dim=0)
    # solution: end


def _pairs(indices, n_symbols):
    counts = torch.zeros(n_symbols, n_symbols)
    for before, after in zip(indices[:-1].tolist(), indices[1:].tolist(), strict=True):
        counts[before, after] += 1
    return counts


def _columns(indices, n_symbols, alpha=1.0):
    counts = _pairs(indices, n_symbols) + alpha
    return counts / counts.sum(dim=0, keepdim=True)


def _backwards(indices, n_symbols, alpha=1.0):
    counts = _pairs(indices, n_symbols).T + alpha
    return counts / counts.sum(dim=1, keepdim=True)


def _joint(indices, n_symbols, alpha=1.0):
    counts = _pairs(indices, n_symbols) + alpha
    return counts / counts.sum()


def _added_later(indices, n_symbols, alpha=1.0):
    counts = _pairs(indices, n_symbols)
    return (counts + alpha) / counts.sum(dim=1, keepdim=True)


def _divided(probabilities, temperature):
    return torch.softmax(probabilities / temperature, dim=0)


def _without_sum(probabilities, temperature):
    return probabilities ** (1 / temperature)


def _multiplied(probabilities, temperature):
    return torch.softmax(probabilities.log() * temperature, dim=0)


MISTAKES = {
    "bigram_table": {
        "You divided by the sums of the columns. Each row is one history.": _columns,
        "Rows and columns are exchanged: the row is the symbol before.": _backwards,
        "You divided by the number of all pairs. Divide each row by its own sum.": _joint,
        "You divided by the counts without alpha: the rows sum to more than 1.": _added_later,
    },
    "at_temperature": {
        "You divided the probabilities. Their logarithms are the logits.": _divided,
        "The powers no longer sum to 1.": _without_sum,
        "You multiplied by the temperature: hot and cold are exchanged.": _multiplied,
    },
}


def test_bigram_table():
    indices = torch.tensor([0, 1, 1, 2, 0, 1])
    wanted = torch.tensor([[1 / 7, 5 / 7, 1 / 7], [1 / 7, 3 / 7, 3 / 7], [0.6, 0.2, 0.2]])
    expect(bigram_table, indices, 3, 0.5, equals=wanted, mistakes=MISTAKES["bigram_table"])


def test_at_temperature():
    probabilities = torch.tensor([0.5, 0.25, 0.25, 0.0])
    wanted = torch.tensor([2 / 3, 1 / 6, 1 / 6, 0.0])
    expect(at_temperature, probabilities, 0.5, equals=wanted, mistakes=MISTAKES["at_temperature"])


if __name__ == "__main__":
    run_checks(globals())
