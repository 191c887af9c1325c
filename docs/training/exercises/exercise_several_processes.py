"""Exercises: several processes.

Write the functions, then run this file: ``python exercise_several_processes.py``.
"""

import torch

from handbook.exercises import expect, run_checks


def shares(n_samples, n_processes):
    """Return how many samples of a batch each process gets.

    They add up to n_samples and differ by one at most; the larger shares come first.

    Arguments: n_samples, an int from 0; n_processes, an int from 1. Returns: a list of ints.
    """
    # solution: begin
    each, rest = divmod(n_samples, n_processes)
    return [each + 1] * rest + [each] * (n_processes - rest)
    # solution: end


def loss_factors(sizes):
    """Return the factor of each process's mean loss.

    With them, the plain average of the processes' gradients is the gradient of the mean loss over
    all samples.

    Arguments: sizes, a list of ints, how many samples each process has; at least one is not 0.
    Returns: a tensor of shape (P,), float64.
    """
    # solution: begin
    sizes = torch.tensor(sizes, dtype=torch.float64)
    return len(sizes) * sizes / sizes.sum()
    # solution: end


def _all_to_the_last(n_samples, n_processes):
    each = n_samples // n_processes
    return [each] * (n_processes - 1) + [n_samples - each * (n_processes - 1)]


def _dropped(n_samples, n_processes):
    return [n_samples // n_processes] * n_processes


def _rounded_up(n_samples, n_processes):
    each = -(-n_samples // n_processes)
    return [max(0, min(each, n_samples - rank * each)) for rank in range(n_processes)]


def _without_the_number_of_processes(sizes):
    sizes = torch.tensor(sizes, dtype=torch.float64)
    return sizes / sizes.sum()


def _all_alike(sizes):
    return torch.ones(len(sizes), dtype=torch.float64)


def _by_the_largest(sizes):
    sizes = torch.tensor(sizes, dtype=torch.float64)
    return sizes / sizes.max()


MISTAKES = {
    "shares": {
        "You gave the whole rest to the last process.": _all_to_the_last,
        "You dropped the rest: some samples are never learned from.": _dropped,
        "You rounded up and let the last process take what is left.": _rounded_up,
    },
    "loss_factors": {
        "The average divides by the number of processes once more: multiply by it.": (
            _without_the_number_of_processes
        ),
        "You gave every process the same vote, whatever its samples.": _all_alike,
        "Divide by the number of all samples, not by the largest share.": _by_the_largest,
    },
}


def test_shares():
    mistakes = MISTAKES["shares"]
    expect(shares, 10, 4, equals=[3, 3, 2, 2], mistakes=mistakes)


def test_shares_of_less_than_one_each():
    expect(shares, 2, 4, equals=[1, 1, 0, 0])
    expect(shares, 0, 2, equals=[0, 0])


def test_loss_factors():
    wanted = torch.tensor([2.0, 1.0, 0.0], dtype=torch.float64)
    expect(loss_factors, [4, 2, 0], equals=wanted, mistakes=MISTAKES["loss_factors"])


if __name__ == "__main__":
    run_checks(globals())
