"""Exercises: cross-entropy.

Write the functions, then run this file: ``python exercise_cross_entropy.py``.
"""

import torch

from handbook.exercises import expect, run_checks


def stable_cross_entropy(logits, target):
    """Compute the cross-entropy of each sample, right for logits of any finite size.

    Use elementary operations: no softmax and no loss that PyTorch brings.

    Arguments: logits of shape (N, C), and target, class indices of shape (N,). Returns: a tensor of
    shape (N,).
    """
    # solution: begin
    # -log p_t = log sum_k e^(z_k) - z_t; the largest logit cancels, and exp cannot overflow.
    shifted = logits - logits.amax(dim=1, keepdim=True)
    true = shifted.gather(1, target[:, None]).squeeze(1)
    return torch.exp(shifted).sum(dim=1).log() - true
    # solution: end


def smoothed_targets(target, n_classes, smoothing):
    """Make the class probabilities that label smoothing stands for.

    Arguments: target, class indices of shape (N,); n_classes, the number C; smoothing, the share
    from 0 to 1 that is spread over all classes. Returns: a float32 tensor of shape (N, C).
    """
    # solution: begin
    even = torch.full((len(target), n_classes), smoothing / n_classes)
    # The true class keeps its even share as well: each row sums to one.
    return even.scatter(1, target[:, None], 1 - smoothing + smoothing / n_classes)
    # solution: end


def _naive(logits, target):
    p = torch.exp(logits) / torch.exp(logits).sum(dim=1, keepdim=True)
    return -p.gather(1, target[:, None]).squeeze(1).log()


def _log_of_softmax(logits, target):
    return -torch.softmax(logits, dim=1).gather(1, target[:, None]).squeeze(1).log()


def _softmax_twice(logits, target):
    p = torch.softmax(logits, dim=1)
    return p.exp().sum(dim=1).log() - p.gather(1, target[:, None]).squeeze(1)


def _largest_forgotten(logits, target):
    shifted = logits - logits.amax(dim=1, keepdim=True)
    return shifted.exp().sum(dim=1).log() - logits.gather(1, target[:, None]).squeeze(1)


def _others_only(target, n_classes, smoothing):
    even = torch.full((len(target), n_classes), smoothing / (n_classes - 1))
    return even.scatter(1, target[:, None], 1 - smoothing)


def _too_little(target, n_classes, smoothing):
    even = torch.full((len(target), n_classes), smoothing / n_classes)
    return even.scatter(1, target[:, None], 1 - smoothing)


def _too_much(target, n_classes, smoothing):
    even = torch.full((len(target), n_classes), smoothing / n_classes)
    return even.scatter(1, target[:, None], 1.0)


MISTAKES = {
    "stable_cross_entropy": {
        "You took the exponential of a large logit, and it overflowed.": _naive,
        "You took the logarithm of a softmax: a small probability has rounded to 0.": (
            _log_of_softmax
        ),
        "You took a softmax first, and then the loss of its probabilities.": _softmax_twice,
        "You subtracted the maximum in the sum, but not from the true logit.": _largest_forgotten,
    },
    "smoothed_targets": {
        "You spread the share over the other classes only; the true one gets a part too.": (
            _others_only
        ),
        "The true class lost its even share: the rows sum to less than one.": _too_little,
        "You left the true class at 1: the rows sum to more than one.": _too_much,
    },
}


def test_stable_cross_entropy():
    logits = torch.tensor([[0.2, 0.1, -0.1], [1000.0, 0.0, -1000.0], [0.0, 1000.0, 0.0]])
    target = torch.tensor([0, 0, 2])
    wanted = torch.tensor([0.97291887, 0.0, 1000.0])
    mistakes = MISTAKES["stable_cross_entropy"]
    expect(stable_cross_entropy, logits, target, equals=wanted, mistakes=mistakes)


def test_smoothed_targets():
    wanted = torch.tensor([[0.05, 0.05, 0.85, 0.05], [0.85, 0.05, 0.05, 0.05]])
    mistakes = MISTAKES["smoothed_targets"]
    expect(smoothed_targets, torch.tensor([2, 0]), 4, 0.2, equals=wanted, mistakes=mistakes)


if __name__ == "__main__":
    run_checks(globals())
