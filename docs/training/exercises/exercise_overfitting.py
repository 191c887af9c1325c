"""Exercises: underfitting and overfitting.

Write the functions, then run this file: ``python exercise_overfitting.py``.
"""

import torch

from handbook.exercises import expect, run_checks


def stop_early(losses, patience):
    """Find where early stopping ends a training, and which epoch it keeps.

    An epoch is better if its validation loss is below that of every epoch before. Training ends
    when `patience` epochs in a row were not better, or with the last loss of the list.

    Arguments: losses, a list of floats, one for each epoch; patience, an int of at least 1.
    Returns: a tuple (last, best) of two epochs, counted from 1.
    """
    # solution: begin
    best, lowest = 0, float("inf")
    for epoch, loss in enumerate(losses, start=1):
        if loss < lowest:
            best, lowest = epoch, loss
        if epoch - best >= patience:
            return epoch, best
    return len(losses), best
    # solution: end


def bias_and_variance(predictions, truth):
    """Take the error of a learning method apart, over many training sets.

    Arguments: predictions of shape (S, N), from S training sets at N points; truth of shape (N,),
    without noise. Returns: a tensor of shape (2,): the squared bias and the variance, each averaged
    over the points. The variance divides by S.
    """
    # solution: begin
    mean = predictions.mean(dim=0)  # (N,): what the method predicts on average
    bias = ((mean - truth) ** 2).mean()
    variance = ((predictions - mean) ** 2).mean()
    return torch.stack([bias, variance])
    # solution: end


def _lowest_of_all(losses, patience):
    return len(losses), min(range(len(losses)), key=lambda i: losses[i]) + 1


def _against_the_epoch_before(losses, patience):
    waited = 0
    for i, loss in enumerate(losses):
        waited = 0 if i == 0 or loss < losses[i - 1] else waited + 1
        if waited >= patience:
            return i + 1, min(range(i + 1), key=lambda k: losses[k]) + 1
    return _lowest_of_all(losses, patience)


def _keeps_the_last(losses, patience):
    last, _ = _right(losses, patience)
    return last, last


def _from_zero(losses, patience):
    last, best = _right(losses, patience)
    return last - 1, best - 1


def _right(losses, patience):
    best, lowest = 0, float("inf")
    for epoch, loss in enumerate(losses, start=1):
        if loss < lowest:
            best, lowest = epoch, loss
        if epoch - best >= patience:
            return epoch, best
    return len(losses), best


MISTAKES = {
    "stop_early": {
        "You never stopped: nobody knows the later losses yet.": _lowest_of_all,
        "You compared with the epoch before, not with the best.": _against_the_epoch_before,
        "You kept the last epoch, not the best.": _keeps_the_last,
        "You counted epochs from 0.": _from_zero,
    },
    "bias_and_variance": {
        "Your bias is the mean squared error: it holds the variance as well.": (
            lambda p, t: torch.stack([((p - t) ** 2).mean(), p.var(dim=0, correction=0).mean()])
        ),
        "You averaged over the points before squaring: misses of both signs cancel.": (
            lambda p, t: torch.stack(
                [(p.mean(dim=0) - t).mean() ** 2, p.var(dim=0, correction=0).mean()]
            )
        ),
        "Your variance is over the points, not over the training sets.": (
            lambda p, t: torch.stack(
                [((p.mean(dim=0) - t) ** 2).mean(), p.var(dim=1, correction=0).mean()]
            )
        ),
        "You divided the variance by S - 1.": (
            lambda p, t: torch.stack([((p.mean(dim=0) - t) ** 2).mean(), p.var(dim=0).mean()])
        ),
    },
}


def test_stop_early():
    mistakes = MISTAKES["stop_early"]
    losses = [0.9, 0.5, 0.7, 0.6, 0.65, 0.7, 0.4]
    expect(stop_early, losses, 2, equals=(4, 2), mistakes=mistakes)
    expect(stop_early, [0.9, 0.5, 0.6, 0.4], 3, equals=(4, 4), mistakes=mistakes)
    expect(stop_early, [0.5, 0.5, 0.5], 2, equals=(3, 1), mistakes=mistakes)


def test_bias_and_variance():
    predictions = torch.tensor([[1.0, 2.0, 0.0], [3.0, 2.0, 2.0]])
    truth = torch.tensor([0.0, 3.0, 1.0])
    wanted = torch.tensor([(4.0 + 1.0 + 0.0) / 3, (1.0 + 0.0 + 1.0) / 3])
    mistakes = MISTAKES["bias_and_variance"]
    expect(bias_and_variance, predictions, truth, equals=wanted, mistakes=mistakes)


if __name__ == "__main__":
    run_checks(globals())
