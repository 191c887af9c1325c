"""Exercises: classification with softmax.

Write the functions, then run this file: ``python exercise_softmax_classification.py``.
"""

import torch

from handbook.exercises import expect, run_checks


def balanced_accuracy(counts):
    """Compute the mean recall of the classes that occur.

    Arguments: counts, a confusion matrix of shape (C, C), whole numbers; its rows are the right
    classes. Returns: a float.
    """
    # solution: begin
    occurs = counts.sum(dim=1) > 0
    recall = counts.diagonal()[occurs] / counts.sum(dim=1)[occurs]
    return recall.mean().item()
    # solution: end


def top_k_accuracy(logits, targets, k):
    """Compute the share of the samples whose class is among the k largest logits.

    Arguments: logits of shape (N, C), targets of shape (N,), and k. Returns: a float.
    """
    # solution: begin
    places = logits.topk(k, dim=1).indices  # (N, k)
    return (places == targets[:, None]).any(dim=1).float().mean().item()
    # solution: end


def standardize_both(train_inputs, test_inputs):
    """Standardise both parts with the mean and the standard deviation of the training part.

    Divide the sum of squares by N, not by N - 1.

    Arguments: tensors of shape (N_train, D) and (N_test, D). Returns: two tensors like them.
    """
    # solution: begin
    mean, std = train_inputs.mean(dim=0), train_inputs.std(dim=0, correction=0)
    return (train_inputs - mean) / std, (test_inputs - mean) / std
    # solution: end


def _each_by_itself(train, test):
    def scaled(x):
        return (x - x.mean(dim=0)) / x.std(dim=0, correction=0)

    return scaled(train), scaled(test)


def _both_together(train, test):
    x = torch.cat([train, test])
    mean, std = x.mean(dim=0), x.std(dim=0, correction=0)
    return (train - mean) / std, (test - mean) / std


def _over_all_features(train, test):
    mean, std = train.mean(), train.std(correction=0)
    return (train - mean) / std, (test - mean) / std


MISTAKES = {
    "balanced_accuracy": {
        "This is the plain accuracy: common classes count more.": lambda counts: (
            counts.diagonal().sum() / counts.sum()
        ).item(),
        "A class that never occurs gives 0/0: leave it out.": lambda counts: (
            (counts.diagonal() / counts.sum(dim=1)).mean().item()
        ),
        "You took the precision: the right classes are the rows.": lambda counts: (
            (counts.diagonal() / counts.sum(dim=0))[counts.sum(dim=0) > 0].mean().item()
        ),
    },
    "top_k_accuracy": {
        "You looked at the largest logit alone.": lambda logits, targets, k: (
            (logits.argmax(dim=1) == targets).float().mean().item()
        ),
        "You compared with the k-th largest alone.": lambda logits, targets, k: (
            (logits.topk(k, dim=1).indices[:, -1] == targets).float().mean().item()
        ),
        "You averaged over the k places too: one hit in k counts as a whole one.": (
            lambda logits, targets, k: (
                (logits.topk(k, dim=1).indices == targets[:, None]).float().mean().item()
            )
        ),
    },
    "standardize_both": {
        "You used the test part's own mean: a single sample would become 0.": _each_by_itself,
        "You measured both parts together: the test part must have no say.": _both_together,
        "You took one mean for all features. Each has its own unit.": _over_all_features,
    },
}


def test_balanced_accuracy():
    counts = torch.tensor([[90, 0, 0], [5, 5, 0], [0, 0, 0]])
    expect(balanced_accuracy, counts, equals=0.75, mistakes=MISTAKES["balanced_accuracy"])


def test_top_k_accuracy():
    logits = torch.tensor([[3.0, 2.0, 1.0], [0.0, 5.0, 1.0], [1.0, 2.0, 0.0], [9.0, 1.0, 4.0]])
    targets = torch.tensor([1, 1, 2, 0])
    expect(top_k_accuracy, logits, targets, 2, equals=0.75, mistakes=MISTAKES["top_k_accuracy"])


def test_standardize_both():
    train = torch.tensor([[1.0, 100.0], [3.0, 300.0]])
    test = torch.tensor([[2.0, 400.0], [4.0, 200.0]])
    wanted = (torch.tensor([[-1.0, -1.0], [1.0, 1.0]]), torch.tensor([[0.0, 2.0], [2.0, 0.0]]))
    expect(standardize_both, train, test, equals=wanted, mistakes=MISTAKES["standardize_both"])


if __name__ == "__main__":
    run_checks(globals())
