"""Exercises: tensors.

Write the functions, then run this file: ``python exercise_tensors.py``.
"""

import torch

from handbook.exercises import expect, expect_raises, run_checks


def sum_to_shape(gradient, shape):
    """Sum a gradient over all dimensions that broadcasting has added or stretched.

    Arguments: gradient, a tensor; shape, the tuple of int that was broadcast to gradient's shape.
    Returns: a tensor of that shape. Each element is the sum of the gradients of all its copies.
    """
    # solution: begin
    n_added = gradient.dim() - len(shape)
    stretched = [
        n_added + d for d, size in enumerate(shape) if size == 1 != gradient.shape[n_added + d]
    ]
    if stretched:
        gradient = gradient.sum(dim=stretched, keepdim=True)
    if n_added:
        gradient = gradient.sum(dim=list(range(n_added)))
    return gradient
    # solution: end


def strict_mean_squared_error(predictions, targets):
    """Compute the mean of (prediction - target)^2 over N samples.

    Arguments: predictions and targets, floating-point tensors, each of shape (N,) or (N, 1).
    Returns: a tensor of shape (). Raises ValueError if a shape is another one, or if the two
    tensors hold different numbers of samples.
    """
    # solution: begin
    rows = []
    for tensor in (predictions, targets):
        row = tensor.squeeze(1) if tensor.dim() == 2 else tensor
        if row.dim() != 1:
            raise ValueError(f"the shape must be (N,) or (N, 1), got {tuple(tensor.shape)}")
        rows.append(row)
    if rows[0].shape != rows[1].shape:
        raise ValueError(f"there are {len(rows[0])} predictions and {len(rows[1])} targets")
    return ((rows[0] - rows[1]) ** 2).mean()
    # solution: end


def _averaged(gradient, shape):
    n_copies = gradient.numel() / max(torch.Size(shape).numel(), 1)
    return gradient.sum_to_size(shape) / n_copies


def _only_in_front(gradient, shape):
    return gradient.sum(dim=list(range(gradient.dim() - len(shape))))


def _without_its_ones(gradient, shape):
    return gradient.sum_to_size(shape).squeeze()


def _first_copy(gradient, shape):
    for _ in range(gradient.dim() - len(shape)):
        gradient = gradient[0]
    return gradient[tuple(slice(size) for size in shape)]


def _bare_squeeze(predictions, targets):
    predictions, targets = predictions.squeeze(), targets.squeeze()
    if predictions.shape != targets.shape or predictions.dim() != 1:
        raise ValueError("the shapes differ")
    return ((predictions - targets) ** 2).mean()


def _flattened(predictions, targets):
    predictions, targets = predictions.reshape(-1), targets.reshape(-1)
    if len(predictions) != len(targets):
        raise ValueError("the numbers of elements differ")
    return ((predictions - targets) ** 2).mean()


MISTAKES = {
    "sum_to_shape": {
        "You took the mean. Each copy passes on its gradient in full, so they add up.": _averaged,
        "You kept one of the copies and dropped the gradients of the others.": _first_copy,
        "You summed what was put in front, and left the stretched sizes of 1.": _only_in_front,
        "You lost the dimensions of size 1: the shape must be the one asked for.": (
            _without_its_ones
        ),
    },
    "strict_mean_squared_error": {
        "You let a column and a row broadcast to (N, N).": lambda predictions, targets: (
            (predictions - targets) ** 2
        ).mean(),
        "You used a bare squeeze(): for one sample it takes the batch away too.": _bare_squeeze,
        "You flattened everything: a shape of (2, 3) is not six samples.": _flattened,
    },
}


def test_sum_to_a_stretched_column():
    gradient = torch.tensor([[1.0, 2.0, 3.0], [10.0, 20.0, 30.0]])
    wanted = torch.tensor([[6.0], [60.0]])
    expect(sum_to_shape, gradient, (2, 1), equals=wanted, mistakes=MISTAKES["sum_to_shape"])


def test_sum_to_an_added_dimension():
    gradient = torch.tensor([[1.0, 2.0, 3.0], [10.0, 20.0, 30.0]])
    wanted = torch.tensor([11.0, 22.0, 33.0])
    expect(sum_to_shape, gradient, (3,), equals=wanted, mistakes=MISTAKES["sum_to_shape"])


def test_sum_to_both_at_once():
    gradient = torch.ones(5, 2, 3)
    wanted = torch.tensor([[15.0], [15.0]])
    expect(sum_to_shape, gradient, (2, 1), equals=wanted, mistakes=MISTAKES["sum_to_shape"])


def test_sum_to_a_number():
    gradient = torch.tensor([[1.0, 2.0], [10.0, 20.0]])
    expect(sum_to_shape, gradient, (), equals=torch.tensor(33.0))


def test_nothing_to_sum():
    gradient = torch.tensor([[1.0, 2.0]])
    expect(sum_to_shape, gradient, (1, 2), equals=gradient)


def test_a_column_and_a_row():
    predictions, targets = torch.tensor([[1.0], [2.0], [4.0]]), torch.tensor([1.0, 2.0, 1.0])
    wrong = MISTAKES["strict_mean_squared_error"]
    wanted = torch.tensor(3.0)
    expect(strict_mean_squared_error, predictions, targets, equals=wanted, mistakes=wrong)


def test_one_sample():
    predictions, targets = torch.tensor([[3.0]]), torch.tensor([1.0])
    wrong = MISTAKES["strict_mean_squared_error"]
    wanted = torch.tensor(4.0)
    expect(strict_mean_squared_error, predictions, targets, equals=wanted, mistakes=wrong)


def test_other_shapes_are_refused():
    wrong = MISTAKES["strict_mean_squared_error"]
    for predictions, targets in (
        (torch.zeros(2, 3), torch.zeros(6)),
        (torch.zeros(4), torch.zeros(1)),
        (torch.zeros(()), torch.zeros(())),
    ):
        expect_raises(
            strict_mean_squared_error, predictions, targets, error=ValueError, mistakes=wrong
        )


if __name__ == "__main__":
    run_checks(globals())
