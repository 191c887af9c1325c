"""Exercises: the training loop.

Write the functions, then run this file: ``python exercise_training_loop.py``.
"""

import torch

from handbook.exercises import expect, run_checks


def train_one_epoch(weight, batches, rate):
    """Train the model weight * x for one epoch, one step of gradient descent per batch.

    The loss of a batch is its mean squared error. Find the gradient by autograd or by hand.

    Arguments: weight, a tensor of shape (); batches, a list of tuples (x, y) of tensors of shape
    (B,), where B differs; rate, a float. Returns: a tensor of shape (2,): the weight after the
    epoch, and the mean loss over all samples, each measured before the step of its batch.
    """
    # solution: begin
    total, count = torch.zeros(()), 0
    for x, y in batches:
        error = weight * x - y
        total = total + (error**2).mean() * len(x)  # a mean times its samples is a sum
        count += len(x)
        gradient = (2 * error * x).mean()
        weight = weight - rate * gradient
    return torch.stack([weight, total / count])
    # solution: end


def _epoch(weight, batches, rate, *, keep=False, by_batch=False, after=False):
    losses, sizes, gradient = [], [], torch.zeros(())
    for x, y in batches:
        before = ((weight * x - y) ** 2).mean()
        gradient = (2 * (weight * x - y) * x).mean() + (gradient if keep else 0)
        weight = weight - rate * gradient
        losses.append(((weight * x - y) ** 2).mean() if after else before)
        sizes.append(1 if by_batch else len(x))
    shares = torch.tensor(sizes) / sum(sizes)
    return torch.stack([weight, (torch.stack(losses) * shares).sum()])


def epochs_for_steps(n_steps, n_samples, batch_size):
    """Find how many epochs are needed to make at least so many steps.

    Arguments: three ints of at least 1; the short last batch of an epoch makes a step too.
    Returns: an int.
    """
    # solution: begin
    steps_per_epoch = -(-n_samples // batch_size)  # rounded up
    return -(-n_steps // steps_per_epoch)
    # solution: end


MISTAKES = {
    "train_one_epoch": {
        "You averaged the batches: the samples of a short batch count more than the others.": (
            lambda w, b, r: _epoch(w, b, r, by_batch=True)
        ),
        "You kept the old gradient: each step is made with the sum of all gradients so far.": (
            lambda w, b, r: _epoch(w, b, r, keep=True)
        ),
        "You measured each batch after its step.": lambda w, b, r: _epoch(w, b, r, after=True),
        "You returned the loss of the last batch.": (
            lambda w, b, r: torch.stack([_epoch(w, b, r)[0], _epoch(w, b[-1:], r)[1]])
        ),
    },
    "epochs_for_steps": {
        "You rounded the steps of an epoch down: the short batch makes a step too.": (
            lambda s, n, b: -(-s // (n // b))
        ),
        "You rounded the epochs down: that is too few steps.": lambda s, n, b: s // -(-n // b),
        "You counted samples as steps.": lambda s, n, b: -(-s // n),
    },
}


def test_train_one_epoch():
    batches = [
        (torch.tensor([1.0, 2.0]), torch.tensor([2.0, 4.0])),
        (torch.tensor([1.0, 3.0]), torch.tensor([3.0, 5.0])),
        (torch.tensor([2.0]), torch.tensor([6.0])),
    ]
    weight, losses = 1.0, []
    for x, y in batches:
        losses += [(weight * a - b) ** 2 for a, b in zip(x.tolist(), y.tolist(), strict=True)]
        slope = sum(2 * (weight * a - b) * a for a, b in zip(x.tolist(), y.tolist(), strict=True))
        weight -= 0.1 * slope / len(x)
    wanted = torch.tensor([weight, sum(losses) / 5])
    expect(
        train_one_epoch, torch.tensor(1.0), batches, 0.1, equals=wanted,
        mistakes=MISTAKES["train_one_epoch"],
    )  # fmt: skip


def test_epochs_for_steps():
    mistakes = MISTAKES["epochs_for_steps"]
    expect(epochs_for_steps, 6300, 1000, 16, equals=100, mistakes=mistakes)
    expect(epochs_for_steps, 6301, 1000, 16, equals=101, mistakes=mistakes)
    expect(epochs_for_steps, 130, 100, 32, equals=33, mistakes=mistakes)


if __name__ == "__main__":
    run_checks(globals())
