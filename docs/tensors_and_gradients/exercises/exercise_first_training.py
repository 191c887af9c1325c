"""Exercises: the first training.

Write the functions, then run this file: ``python exercise_first_training.py``.
"""

import torch

from handbook.exercises import expect, run_checks


def train_parabola(inputs, targets, learning_rate, n_epochs):
    """Fit y = w1 x^2 + w2 x + b, one sample at a time, starting with w1 = w2 = b = 1.

    For each sample in its order: compute the loss (prediction - target)^2, let backward() find
    the gradients, make a step, set the gradients to zero.

    Arguments: inputs and targets, tensors of shape (N,) and of one dtype; learning_rate, a float;
    n_epochs, an int. Returns: a tensor of shape (3,) and of that dtype that holds w1, w2 and b
    and needs no gradient.
    """
    # solution: begin
    w = torch.ones(3, dtype=inputs.dtype, requires_grad=True)
    for _ in range(n_epochs):
        for x, y in zip(inputs, targets, strict=True):
            prediction = w[0] * x**2 + w[1] * x + w[2]
            loss = (prediction - y) ** 2
            loss.backward()
            with torch.no_grad():
                w -= learning_rate * w.grad
            w.grad = None
    return w.detach()
    # solution: end


def gradient_in_parts(w, inputs, targets, batch_size):
    """Find the gradient of the mean loss over all N samples without having them all at once.

    The loss of one sample is (w x - y)^2. Take the samples in batches of batch_size, the last of
    which may be shorter, call backward() once for each batch, and let the gradients accumulate.

    Arguments: w, a tensor of shape () to start from, which must stay as it is; inputs and targets,
    tensors of shape (N,); batch_size, an int. Returns: a tensor of shape ().
    """
    # solution: begin
    w = w.detach().clone().requires_grad_()
    for x, y in zip(inputs.split(batch_size), targets.split(batch_size), strict=True):
        # Each batch gives its part of the one sum; the mean divides by all N, not by its own size.
        loss = ((w * x - y) ** 2).sum() / len(inputs)
        loss.backward()
    return w.grad
    # solution: end


def best_rate(x):
    """Find the learning rate with which one step on one sample makes w right.

    The model is w x, the target w* x, and the loss (w x - w* x)^2. You need neither w nor w*.

    Arguments: x, a float other than 0. Returns: a float.
    """
    # solution: begin
    return 1 / (2 * x**2)  # where the factor of the error, 1 - 2 rate x^2, is zero
    # solution: end


def _parabola(inputs, targets, learning_rate, n_epochs, *, zero=True, half=False, order=None):
    w = torch.ones(3, dtype=inputs.dtype, requires_grad=True)
    for _ in range(n_epochs):
        for x, y in zip(inputs, targets, strict=True):
            features = torch.stack([x**2, x, torch.ones_like(x)])
            if order is not None:
                features = features[order]
            loss = (features @ w - y) ** 2
            (loss / 2 if half else loss).backward()
            with torch.no_grad():
                w -= learning_rate * w.grad
            if zero:
                w.grad = None
    return w.detach()


def _forgetful(inputs, targets, learning_rate, n_epochs):
    return _parabola(inputs, targets, learning_rate, n_epochs, zero=False)


def _half(inputs, targets, learning_rate, n_epochs):
    return _parabola(inputs, targets, learning_rate, n_epochs, half=True)


def _reversed(inputs, targets, learning_rate, n_epochs):
    return _parabola(inputs, targets, learning_rate, n_epochs, order=[2, 1, 0])


def _once(inputs, targets, learning_rate, n_epochs):
    return _parabola(inputs, targets, learning_rate, 1)


def _at_once(inputs, targets, learning_rate, n_epochs):
    w = torch.ones(3, dtype=inputs.dtype, requires_grad=True)
    for _ in range(n_epochs):
        loss = ((w[0] * inputs**2 + w[1] * inputs + w[2] - targets) ** 2).mean()
        loss.backward()
        with torch.no_grad():
            w -= learning_rate * w.grad
        w.grad = None
    return w.detach()


def _parts(w, inputs, targets, batch_size, loss_of_batch, *, zero=False):
    w = w.detach().clone().requires_grad_()
    for x, y in zip(inputs.split(batch_size), targets.split(batch_size), strict=True):
        if zero:
            w.grad = None
        loss_of_batch((w * x - y) ** 2).backward()
    return w.grad


def _sum_of_means(w, inputs, targets, batch_size):
    return _parts(w, inputs, targets, batch_size, torch.mean)


def _mean_of_means(w, inputs, targets, batch_size):
    n_batches = len(inputs.split(batch_size))
    return _parts(w, inputs, targets, batch_size, lambda losses: losses.mean() / n_batches)


def _sum_of_all(w, inputs, targets, batch_size):
    return _parts(w, inputs, targets, batch_size, torch.sum)


def _last_batch(w, inputs, targets, batch_size):
    n = len(inputs)
    return _parts(w, inputs, targets, batch_size, lambda losses: losses.sum() / n, zero=True)


MISTAKES = {
    "train_parabola": {
        "You did not set the gradients to zero: each step used the sum of all so far.": _forgetful,
        "You halved the loss, or left out the 2 of its derivative.": _half,
        "You returned b, w2, w1: the first is the factor of x^2.": _reversed,
        "You went through the samples only once.": _once,
        "You made one step with all samples. Make one with each sample.": _at_once,
    },
    "gradient_in_parts": {
        "You added up the means of the batches.": _sum_of_means,
        "You took the mean of the batches' means: the short batch counts too much.": _mean_of_means,
        "You added up all gradients and did not divide by N.": _sum_of_all,
        "You set the gradient to zero between the batches: only the last is left.": _last_batch,
    },
    "best_rate": {
        "You forgot the 2 that the square brings down: the error only changes its sign.": (
            lambda x: 1 / x**2
        ),
        "The gradient holds x twice: once from the square, once from the model.": lambda x: (
            1 / (2 * x)
        ),
    },
}


def test_train_parabola_for_one_epoch():
    inputs, targets = torch.tensor([1.0, 2.0]), torch.tensor([2.0, 4.0])
    # (1, 2): prediction 3, gradient 2 (1, 1, 1); then w = 0.8, and (2, 4): prediction 5.6,
    # gradient 3.2 (4, 2, 1).
    wanted = torch.tensor([-0.48, 0.16, 0.48])
    expect(train_parabola, inputs, targets, 0.1, 1, equals=wanted)


def test_train_parabola_for_many_epochs():
    inputs, targets = torch.tensor([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0]], dtype=torch.float64)
    wanted = torch.tensor([0.24038193, 0.92667620, 0.99135441], dtype=torch.float64)
    wrong = MISTAKES["train_parabola"]
    expect(train_parabola, inputs, targets, 0.01, 100, equals=wanted, mistakes=wrong, rtol=1e-6)


def test_gradient_in_parts():
    inputs = torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0])
    targets = torch.tensor([2.0, 4.0, 6.0, 8.0, 20.0])
    # 2 x (x - y): -2, -8, -18, -32, -150; their mean is -42.
    wanted = torch.tensor(-42.0)
    wrong = MISTAKES["gradient_in_parts"]
    w = torch.tensor(1.0)
    expect(gradient_in_parts, w, inputs, targets, 2, equals=wanted, mistakes=wrong)
    # With w = 2 only the last sample has an error: 2 x 5 x (10 - 20), divided by 5.
    wanted = torch.tensor(-20.0)
    expect(gradient_in_parts, 2 * w, inputs, targets, 3, equals=wanted, mistakes=wrong)


def test_best_rate():
    for x, rate in ((3.0, 1 / 18), (-2.0, 1 / 8), (0.5, 2.0)):
        expect(best_rate, x, equals=rate, mistakes=MISTAKES["best_rate"])


if __name__ == "__main__":
    run_checks(globals())
