"""Exercises: checkpoints.

Write the functions, then run this file: ``python exercise_checkpoints.py``.
"""

import math

import torch
from torch import nn

from handbook.exercises import expect, run_checks


def best_epoch(validation_losses):
    """Return the first epoch, counted from 1, with the lowest validation loss.

    NaN is never the lowest. If there is no number at all, return 0.

    Arguments: validation_losses, a list of floats. Returns: an int.
    """
    # solution: begin
    best, lowest = 0, math.inf
    for epoch, loss in enumerate(validation_losses, start=1):
        # Every comparison with NaN is false. The first number counts even if it is infinite.
        if loss < lowest or (best == 0 and loss == loss):
            best, lowest = epoch, loss
    return best
    # solution: end


def snapshot(model):
    """Return the model's parameters and buffers by name, so that training does not change them.

    Arguments: model, a torch.nn.Module. Returns: a dict of name to tensor.
    """
    # solution: begin
    return {name: value.clone() for name, value in model.state_dict().items()}
    # solution: end


def _weight_after_training(take):
    """Take a snapshot, let the weight change from 1 to 5, and look at the snapshot."""

    def weight_in_your_snapshot():
        model = nn.Linear(1, 1, bias=False)
        with torch.no_grad():
            model.weight.fill_(1.0)
            kept = take(model)
            model.weight.fill_(5.0)
        return None if kept is None else kept["weight"].detach()

    return weight_in_your_snapshot


def _running_mean_in(take):
    """Take a snapshot of a batch normalisation, and look for its running mean."""

    def running_mean_in_your_snapshot():
        kept = take(nn.BatchNorm1d(2))
        return None if kept is None else kept.get("running_mean", torch.full((2,), math.nan))

    return running_mean_in_your_snapshot


def _last_of_the_ties(losses):
    numbers = [loss for loss in losses if loss == loss]
    return len(losses) - losses[::-1].index(min(numbers)) if numbers else 0


def _counted_from_zero(losses):
    numbers = [loss for loss in losses if loss == loss]
    return losses.index(min(numbers)) if numbers else 0


def _nan_wins(losses):
    return losses.index(min(losses)) + 1 if losses else 0


SAME_MEMORY = {
    "You kept the same memory: state_dict(), a dict() of it and detach() copy no numbers.": (
        lambda model: dict(model.state_dict())
    ),
}
NO_BUFFERS = {
    "You kept the parameters and left out the buffers, such as running means.": lambda model: {
        name: value.detach().clone() for name, value in model.named_parameters()
    },
}
MISTAKES = {
    "best_epoch": {
        "At a tie you took the last epoch. Take the first.": _last_of_the_ties,
        "You counted from 0. The first epoch is 1.": _counted_from_zero,
        "min() with NaN in the list depends on the order: every comparison is false.": _nan_wins,
    },
    "snapshot": {**SAME_MEMORY, **NO_BUFFERS},
}


def test_best_epoch():
    mistakes = MISTAKES["best_epoch"]
    expect(best_epoch, [0.9, 0.4, 0.6, 0.4], equals=2, mistakes=mistakes)


def test_best_epoch_with_nan():
    mistakes = MISTAKES["best_epoch"]
    expect(best_epoch, [math.nan, 0.7, math.nan, 0.5], equals=4, mistakes=mistakes)


def test_best_epoch_without_numbers():
    expect(best_epoch, [math.nan], equals=0)
    expect(best_epoch, [], equals=0)
    expect(best_epoch, [math.inf], equals=1)


def test_snapshot():
    mistakes = {told: _weight_after_training(wrong) for told, wrong in SAME_MEMORY.items()}
    expect(_weight_after_training(snapshot), equals=torch.tensor([[1.0]]), mistakes=mistakes)


def test_snapshot_of_buffers():
    mistakes = {told: _running_mean_in(wrong) for told, wrong in NO_BUFFERS.items()}
    expect(_running_mean_in(snapshot), equals=torch.zeros(2), mistakes=mistakes)


if __name__ == "__main__":
    run_checks(globals())
