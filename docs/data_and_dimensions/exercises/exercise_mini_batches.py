"""Exercises: mini-batches.

Write the functions, then run this file: ``python exercise_mini_batches.py``.
"""

import torch

from handbook.exercises import expect, run_checks


def mean_over_all(batch_means, batch_sizes):
    """Compute the mean loss over all samples from the mean losses of the batches.

    Arguments: batch_means, a float tensor of shape (S,) with one mean for each of S batches;
    batch_sizes, an int64 tensor of shape (S,) with how many samples each batch had.
    Returns: a tensor without dimensions.
    """
    # solution: begin
    # A mean times its number of samples is a sum, and sums add up.
    return (batch_means * batch_sizes).sum() / batch_sizes.sum()
    # solution: end


def even_batch_sizes(n_samples, batch_size):
    """Cut an epoch into as many batches as usual, but of sizes that differ by at most 1.

    Arguments: n_samples and batch_size, two ints of at least 1. Returns: a list of ints, the larger
    ones first; none exceeds batch_size, and there are as many as an ordinary epoch has batches.
    """
    # solution: begin
    n_batches = -(-n_samples // batch_size)  # rounded up
    small, n_larger = divmod(n_samples, n_batches)
    return n_larger * [small + 1] + (n_batches - n_larger) * [small]
    # solution: end


def shuffled_batches(inputs, targets, batch_size, order):
    """Cut samples into batches, in a given order.

    Arguments: inputs of shape (N, D); targets of shape (N, 1); batch_size, an int; order, an int64
    tensor of shape (N,) with every row number once. Returns: a list with a tuple (inputs, targets)
    for each batch; the last one may be short.
    """
    # solution: begin
    return [(inputs[rows], targets[rows]) for rows in order.split(batch_size)]
    # solution: end


def _targets_left_in_place(inputs, targets, batch_size, order):
    targets = targets.split(batch_size)
    return [(inputs[rows], y) for rows, y in zip(order.split(batch_size), targets, strict=True)]


def _short_batch_lost(inputs, targets, batch_size, order):
    last = len(order) - batch_size + 1
    starts = range(0, last, batch_size)
    chosen = [order[start : start + batch_size] for start in starts]
    return [(inputs[rows], targets[rows]) for rows in chosen]


def _not_shuffled(inputs, targets, batch_size, order):
    return list(zip(inputs.split(batch_size), targets.split(batch_size), strict=True))


def _full_and_rest(n_samples, batch_size):
    full, rest = divmod(n_samples, batch_size)
    return full * [batch_size] + ([rest] if rest else [])


def _too_few_batches(n_samples, batch_size):
    n_batches = max(n_samples // batch_size, 1)
    small, n_larger = divmod(n_samples, n_batches)
    return n_larger * [small + 1] + (n_batches - n_larger) * [small]


MISTAKES = {
    "mean_over_all": {
        "You took the mean of the means: the samples of a short batch count for too much.": (
            lambda batch_means, batch_sizes: batch_means.mean()
        ),
        "You divided by the number of batches. Divide by the number of samples.": (
            lambda batch_means, batch_sizes: (batch_means * batch_sizes).sum() / len(batch_sizes)
        ),
        "You added up the means.": lambda batch_means, batch_sizes: batch_means.sum(),
    },
    "even_batch_sizes": {
        "You filled the batches and left the rest to the last one.": _full_and_rest,
        "You rounded the number of batches down: some batch is too large.": _too_few_batches,
    },
    "shuffled_batches": {
        "You shuffled the inputs and not the targets: they no longer belong together.": (
            _targets_left_in_place
        ),
        "You lost the samples of the short last batch.": _short_batch_lost,
        "You did not use the order.": _not_shuffled,
    },
}


def test_mean_over_all():
    means, sizes = torch.tensor([1.0, 2.0, 8.0]), torch.tensor([4, 4, 1])
    wanted = torch.tensor(20.0 / 9.0)
    expect(mean_over_all, means, sizes, equals=wanted, mistakes=MISTAKES["mean_over_all"])


def test_even_batch_sizes():
    expect(even_batch_sizes, 13, 5, equals=[5, 4, 4], mistakes=MISTAKES["even_batch_sizes"])


def test_even_batch_sizes_of_a_thousand():
    wanted = 55 * [16] + 8 * [15]
    expect(even_batch_sizes, 1000, 16, equals=wanted, mistakes=MISTAKES["even_batch_sizes"])


def test_even_batch_sizes_when_all_fit_into_one():
    expect(even_batch_sizes, 3, 16, equals=[3])


def test_shuffled_batches():
    inputs = torch.arange(10.0).reshape(5, 2)
    targets = torch.arange(5.0).reshape(5, 1)
    order = torch.tensor([3, 0, 4, 1, 2])
    wanted = [
        (torch.tensor([[6.0, 7.0], [0.0, 1.0]]), torch.tensor([[3.0], [0.0]])),
        (torch.tensor([[8.0, 9.0], [2.0, 3.0]]), torch.tensor([[4.0], [1.0]])),
        (torch.tensor([[4.0, 5.0]]), torch.tensor([[2.0]])),
    ]
    expect(
        shuffled_batches,
        inputs,
        targets,
        2,
        order,
        equals=wanted,
        mistakes=MISTAKES["shuffled_batches"],
    )


if __name__ == "__main__":
    run_checks(globals())
