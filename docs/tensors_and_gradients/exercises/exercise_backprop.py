"""Exercises: backward passes by hand.

Write the functions, then run this file: ``python exercise_backprop.py``. Use plain tensor
operations and no autograd.
"""

import torch

from handbook.exercises import expect, run_checks


def scale_shift_backward(gradient, input, scale):
    """Carry a gradient back through y = input * scale + shift, where scale and shift are rows.

    The same scale and shift, of shape (D,), were used for every sample of the batch.

    Arguments: gradient and input of shape (N, D), scale of shape (D,). Returns: a tuple of three
    tensors, the gradients with respect to input, scale and shift, each of the shape of what it
    belongs to.
    """
    # solution: begin
    # Element (n, d) of y uses scale[d] and shift[d], and so does every other n: the paths add up.
    return gradient * scale, (gradient * input).sum(0), gradient.sum(0)
    # solution: end


def quadratic_form_gradients(x, matrix):
    """Differentiate the number x^T A x with respect to the vector x and to the matrix A.

    Arguments: x of shape (D,), matrix of shape (D, D), not necessarily symmetric. Returns: a tuple
    of two tensors of shapes (D,) and (D, D).
    """
    # solution: begin
    # x stands on both sides of A: the product rule has two terms.
    return matrix @ x + matrix.T @ x, torch.outer(x, x)
    # solution: end


def binary_cross_entropy_backward(logits, target):
    """Differentiate the mean of -t log s(z) - (1 - t) log(1 - s(z)), where s is the sigmoid.

    The result must be finite for any finite logit.

    Arguments: logits z and target t, both floating-point tensors of shape (N,), the target between
    0 and 1. Returns: the gradient with respect to the logits, of shape (N,).
    """
    # solution: begin
    # -t/s + (1 - t)/(1 - s), times the slope s (1 - s): the fractions cancel.
    return (torch.sigmoid(logits) - target) / logits.numel()
    # solution: end


def _scale_shift_averaged(gradient, input, scale):
    return gradient * scale, (gradient * input).mean(0), gradient.mean(0)


def _scale_shift_not_summed(gradient, input, scale):
    return gradient * scale, gradient * input, gradient


def _scale_shift_crossed(gradient, input, scale):
    return gradient * scale, (gradient * scale).sum(0), gradient.sum(0)


def _bce_in_steps(logits, target):
    s = torch.sigmoid(logits)
    return (-target / s + (1 - target) / (1 - s)) * s * (1 - s) / logits.numel()


MISTAKES = {
    "scale_shift_backward": {
        "You averaged over the batch. The mean belongs to the loss, which has divided "
        "already.": _scale_shift_averaged,
        "You did not sum over the batch: the gradient of scale must have the shape of "
        "scale.": _scale_shift_not_summed,
        "The slope of scale * input in scale is the input, not the scale.": _scale_shift_crossed,
    },
    "quadratic_form_gradients": {
        "2 A x is right for a symmetric matrix only.": lambda x, matrix: (
            2 * matrix @ x,
            torch.outer(x, x),
        ),
        "You differentiated one of the two x and kept the other: half of the product "
        "rule.": lambda x, matrix: (matrix @ x, torch.outer(x, x)),
        "The gradient of a matrix is a matrix, here an outer product; you took the inner "
        "one.": lambda x, matrix: (matrix @ x + matrix.T @ x, torch.dot(x, x)),
    },
    "binary_cross_entropy_backward": {
        "You differentiated step by step, and divided 0 by 0 where the sigmoid is rounded to 0 or "
        "1. Cancel on paper first.": _bce_in_steps,
        "You forgot that the loss is a mean: divide by N.": lambda logits, target: (
            torch.sigmoid(logits) - target
        ),
        "You swapped the signs: descent with this gradient climbs.": lambda logits, target: (
            (target - torch.sigmoid(logits)) / logits.numel()
        ),
        "You multiplied by the slope of the sigmoid as well; it has cancelled.": lambda z, t: (
            (torch.sigmoid(z) - t) * torch.sigmoid(z) * (1 - torch.sigmoid(z)) / z.numel()
        ),
    },
}


def test_scale_shift_backward():
    gradient = torch.tensor([[1.0, 2.0], [0.0, -1.0], [3.0, 1.0]])
    batch = torch.tensor([[1.0, 0.0], [5.0, 2.0], [-1.0, 4.0]])
    scale = torch.tensor([2.0, -1.0])
    wanted = (
        torch.tensor([[2.0, -2.0], [0.0, 1.0], [6.0, -1.0]]),
        torch.tensor([-2.0, 2.0]),
        torch.tensor([4.0, 2.0]),
    )
    mistakes = MISTAKES["scale_shift_backward"]
    expect(scale_shift_backward, gradient, batch, scale, equals=wanted, mistakes=mistakes)


def test_scale_shift_backward_of_one_sample():
    one, scale = torch.tensor([[2.0, 3.0]]), torch.tensor([4.0, 5.0])
    wanted = (torch.tensor([[8.0, 15.0]]), torch.tensor([4.0, 9.0]), torch.tensor([2.0, 3.0]))
    expect(scale_shift_backward, one, one.clone(), scale, equals=wanted)


def test_quadratic_form_gradients():
    x = torch.tensor([1.0, -2.0])
    matrix = torch.tensor([[1.0, 4.0], [0.0, 3.0]])
    wanted = (torch.tensor([-6.0, -8.0]), torch.tensor([[1.0, -2.0], [-2.0, 4.0]]))
    mistakes = MISTAKES["quadratic_form_gradients"]
    expect(quadratic_form_gradients, x, matrix, equals=wanted, mistakes=mistakes)


def test_binary_cross_entropy_backward():
    logits = torch.tensor([0.0, 0.0, 2.0, 200.0, -200.0])
    target = torch.tensor([1.0, 0.5, 0.0, 0.0, 1.0])
    wanted = torch.tensor([-0.1, 0.0, 0.17615942, 0.2, -0.2])
    mistakes = MISTAKES["binary_cross_entropy_backward"]
    expect(binary_cross_entropy_backward, logits, target, equals=wanted, mistakes=mistakes)


if __name__ == "__main__":
    run_checks(globals())
