"""Exercises: model families.

Write the functions, then run this file: ``python exercise_model_families.py``.
"""

import math

import torch

from handbook.exercises import expect, run_checks


def attend(query, key, value):
    """Compute softmax(Q K^T / sqrt(E)) V, without torch's own attention.

    Arguments: query of shape (*, L, E), key of shape (*, S, E), value of shape (*, S, E_v), all of
    one floating-point dtype. Returns: a tensor of shape (*, L, E_v).
    """
    # solution: begin
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    return torch.softmax(scores, dim=-1) @ value  # each row of shares sums to one over the keys
    # solution: end


def visible_tokens(lengths, size):
    """Make a mask that is true for the tokens of each sentence and false for its padding.

    Arguments: lengths, whole numbers of shape (N,), and size, the length S of the padded sentences.
    Returns: a bool tensor of shape (N, 1, S), which broadcasts over the queries.
    """
    # solution: begin
    places = torch.arange(size, device=lengths.device)
    return (places < lengths[:, None])[:, None, :]
    # solution: end


def _scores(query, key):
    return query @ key.transpose(-2, -1)


MISTAKES = {
    "attend": {
        "You did not divide the scores by the root of the number of features.": lambda q, k, v: (
            torch.softmax(_scores(q, k), dim=-1) @ v
        ),
        "You divided by the number of features, not by its root.": lambda q, k, v: (
            torch.softmax(_scores(q, k) / q.shape[-1], dim=-1) @ v
        ),
        "You took the softmax over the queries: a row of shares no longer sums to one.": (
            lambda q, k, v: torch.softmax(_scores(q, k) / math.sqrt(q.shape[-1]), dim=-2) @ v
        ),
    },
    "visible_tokens": {
        "The mask says the opposite: true must mean that a token may be looked at.": (
            lambda lengths, size: (torch.arange(size) >= lengths[:, None])[:, None, :]
        ),
        "One token too many: places count from 0.": (
            lambda lengths, size: (torch.arange(size) <= lengths[:, None])[:, None, :]
        ),
        "A dimension for the queries is missing: (N, S) meets (N, L, S) at the wrong end.": (
            lambda lengths, size: torch.arange(size) < lengths[:, None]
        ),
    },
}


def test_attend():
    query = torch.tensor([[[2.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]]])
    key = torch.tensor([[[1.0, 5.0, 0.0, 0.0], [0.0, 0.0, 7.0, 0.0], [0.0, 1.0, 0.0, 2.0]]])
    value = torch.tensor([[[1.0], [2.0], [6.0]]])
    # Scores of 1, 0, 0 after the division by 2; then all equal.
    first = (math.e * 1 + 2 + 6) / (math.e + 2)
    wanted = torch.tensor([[[first], [3.0]]])
    expect(attend, query, key, value, equals=wanted, mistakes=MISTAKES["attend"])


def test_visible_tokens():
    wanted = torch.tensor([[[True, True, False]], [[True, True, True]], [[False, False, False]]])
    lengths = torch.tensor([2, 3, 0])
    expect(visible_tokens, lengths, 3, equals=wanted, mistakes=MISTAKES["visible_tokens"])


if __name__ == "__main__":
    run_checks(globals())
