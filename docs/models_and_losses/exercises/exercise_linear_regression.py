"""Exercises: linear regression.

Write the functions, then run this file: ``python exercise_linear_regression.py``.
"""

import torch

from handbook.exercises import expect, run_checks


def fit_line(x, y):
    """Return slope and intercept of the least-squares line through points, in closed form.

    Use sums or means only: no loop, no solver. Subtract the means first.

    Arguments: x and y, floating-point tensors of shape (N,) with N >= 2; x is not constant.
    Returns: a tensor of shape (2,): slope, intercept.
    """
    # solution: begin
    centered = x - x.mean()
    # The line goes through the mean point; what is left is one column, and one projection.
    slope = (centered * (y - y.mean())).sum() / (centered**2).sum()
    return torch.stack([slope, y.mean() - slope * x.mean()])
    # solution: end


def gradient_of_mean_loss(inputs, targets, weight, bias):
    """Return the gradient of the mean of half the squared errors, without autograd.

    Arguments: inputs of shape (N, D), targets of shape (N, 1), weight of shape (D, 1), bias of
    shape (1,). Returns: a tensor of shape (D + 1,): first the gradient of the weights, then of the
    bias.
    """
    # solution: begin
    residual = inputs @ weight + bias - targets  # (N, 1)
    of_weight = inputs.T @ residual / len(inputs)  # (D, N) (N, 1)
    return torch.cat([of_weight[:, 0], residual.mean(dim=0)])
    # solution: end


def ridge(design, targets, penalty):
    """Return the coefficients w with the smallest ||design w - targets||^2 + penalty ||w||^2.

    The penalty is positive, so that there is one answer even if columns depend on each other.

    Arguments: design of shape (N, D), targets of shape (N,), penalty a positive number. Returns: a
    tensor of shape (D,).
    """
    # solution: begin
    # sqrt(penalty) * w is the error of D more samples: row i is sqrt(penalty) at place i, target 0.
    n_columns = design.shape[1]
    rows = penalty**0.5 * torch.eye(n_columns, dtype=design.dtype)
    longer = torch.cat([design, rows])
    wanted = torch.cat([targets, torch.zeros(n_columns, dtype=design.dtype)])
    return torch.linalg.lstsq(longer, wanted[:, None]).solution[:, 0]
    # solution: end


def _line_through_the_origin(x, y):
    slope = (x * y).sum() / (x * x).sum()
    return torch.stack([slope, y.mean() - slope * x.mean()])


def _of_x_on_y(x, y):
    slope = ((y - y.mean()) ** 2).sum() / ((x - x.mean()) * (y - y.mean())).sum()
    return torch.stack([slope, y.mean() - slope * x.mean()])


def _intercept_without_slope(x, y):
    centered = x - x.mean()
    slope = (centered * (y - y.mean())).sum() / (centered**2).sum()
    return torch.stack([slope, y.mean()])


def _summed(inputs, targets, weight, bias):
    residual = inputs @ weight + bias - targets
    return torch.cat([(inputs.T @ residual)[:, 0], residual.sum(dim=0)])


def _of_the_squared_error(inputs, targets, weight, bias):
    return 2 * _summed(inputs, targets, weight, bias) / len(inputs)


def _uphill(inputs, targets, weight, bias):
    return -_summed(inputs, targets, weight, bias) / len(inputs)


def _broadcast(inputs, targets, weight, bias):
    residual = inputs @ weight + bias - targets.flatten()  # (N, 1) - (N,) = (N, N)
    of_weight = (inputs.T @ residual).mean(dim=1) / len(inputs)
    return torch.cat([of_weight, residual.mean().reshape(1)])


def _penalty_as_a_root(design, targets, penalty):
    return ridge_by_equations(design, targets, penalty**0.5)


def _penalty_squared(design, targets, penalty):
    return ridge_by_equations(design, targets, penalty**2)


def _without_penalty(design, targets, penalty):
    return torch.linalg.pinv(design) @ targets


def _penalty_everywhere(design, targets, penalty):
    return torch.linalg.solve(design.T @ design + penalty, design.T @ targets)


def ridge_by_equations(design, targets, penalty):
    n_columns = design.shape[1]
    square = design.T @ design + penalty * torch.eye(n_columns, dtype=design.dtype)
    return torch.linalg.solve(square, design.T @ targets)


MISTAKES = {
    "fit_line": {
        "You forced the line through the origin: subtract the means first.": (
            _line_through_the_origin
        ),
        "You fitted x as a function of y: the errors that count are those in y.": _of_x_on_y,
        "The line goes through the mean point: subtract slope times the mean of x.": (
            _intercept_without_slope
        ),
    },
    "gradient_of_mean_loss": {
        "You took the sum over the samples; the loss is their mean.": _summed,
        "You forgot the one half in the loss: it cancels the 2 of the square.": (
            _of_the_squared_error
        ),
        "The sign is wrong: this points downhill.": _uphill,
        "(N, 1) minus (N,) is (N, N): keep the targets a column.": _broadcast,
    },
    "ridge": {
        "You added the root of the penalty to the squares.": _penalty_as_a_root,
        "The extra rows hold the square root of the penalty: you put in the penalty itself.": (
            _penalty_squared
        ),
        "There is no penalty in your answer.": _without_penalty,
        "You added the penalty to every entry; it belongs on the diagonal.": _penalty_everywhere,
    },
}


def test_fit_line():
    x = torch.tensor([1.0, 2.0, 4.0, 5.0])
    y = torch.tensor([2.0, 1.0, 4.0, 7.0])
    wanted = torch.tensor([1.3, -0.4])
    expect(fit_line, x, y, equals=wanted, mistakes=MISTAKES["fit_line"])


def test_gradient_of_mean_loss():
    inputs = torch.tensor([[1.0, 2.0], [3.0, -1.0], [0.0, 1.0], [2.0, 2.0]])
    targets = torch.tensor([[1.0], [0.0], [2.0], [-1.0]])
    weight, bias = torch.tensor([[0.5], [-1.0]]), torch.tensor([0.25])
    wanted = torch.tensor([1.625, -2.375, -0.5])
    expect(
        gradient_of_mean_loss,
        inputs,
        targets,
        weight,
        bias,
        equals=wanted,
        mistakes=MISTAKES["gradient_of_mean_loss"],
    )


def test_ridge():
    design = torch.tensor([[1.0, 1.0], [2.0, 2.0], [0.0, 0.0]])  # the columns are equal
    targets = torch.tensor([3.0, 1.0, 1.0])
    # Equal columns share: w1 = w2 = 5 / (10 + 0.5).
    wanted = torch.tensor([0.47619048, 0.47619048])
    expect(ridge, design, targets, 0.5, equals=wanted, mistakes=MISTAKES["ridge"])


def test_ridge_with_independent_columns():
    design = torch.tensor([[1.0, 0.0], [0.0, 2.0]])
    wanted = torch.tensor([1.0, 1.0])  # 3 / (1 + 2) and 2 * 3 / (4 + 2)
    expect(ridge, design, torch.tensor([3.0, 3.0]), 2.0, equals=wanted, mistakes=MISTAKES["ridge"])


if __name__ == "__main__":
    run_checks(globals())
