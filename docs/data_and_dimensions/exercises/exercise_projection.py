"""Exercises: dimension reduction.

Write the functions, then run this file: ``python exercise_projection.py``.
"""

import torch

from handbook.exercises import expect, run_checks


def best_projector(points, k):
    """Compute the matrix that moves centred points to the best subspace of k dimensions.

    It is the sum of v v^T over the k eigenvectors v of the covariance with the largest eigenvalues.
    Unlike the eigenvectors, it has no sign to choose. Use torch.linalg.eigh.

    Arguments: points of shape (N, D), not centred yet, and k from 1 to D.
    Returns: a symmetric tensor of shape (D, D).
    """
    # solution: begin
    centered = points - points.mean(dim=0)
    _, vectors = torch.linalg.eigh(centered.T @ centered / len(points))
    leading = vectors[:, -k:]  # eigh sorts upwards, and its eigenvectors are columns
    return leading @ leading.T
    # solution: end


def components_needed(variances, share):
    """Find the smallest number of components that keep at least this share of the variance.

    Arguments: variances of shape (D,), falling, not all zero, and share, above 0 and at most 1.
    Returns: an int from 1 to D.
    """
    # solution: begin
    kept = variances.cumsum(dim=0) / variances.sum()
    return int((kept < share).sum()) + 1
    # solution: end


def rebuild_unseen(train_points, test_points, k):
    """Reduce test points to k numbers, and rebuild them, with what the training points say.

    Arguments: train_points of shape (N, D), test_points of shape (M, D), and k from 1 to D.
    Returns: the rebuilt test points, a tensor of shape (M, D).
    """
    # solution: begin
    mean = train_points.mean(dim=0)
    directions = torch.linalg.svd(train_points - mean, full_matrices=False).Vh[:k]
    codes = (test_points - mean) @ directions.T
    return codes @ directions + mean
    # solution: end


def _projector_uncentred(points, k):
    vectors = torch.linalg.eigh(points.T @ points / len(points)).eigenvectors
    return vectors[:, -k:] @ vectors[:, -k:].T


def _eigenvectors(points):
    centered = points - points.mean(dim=0)
    return torch.linalg.eigh(centered.T @ centered / len(points)).eigenvectors


def _projector_of_smallest(points, k):
    vectors = _eigenvectors(points)
    return vectors[:, :k] @ vectors[:, :k].T


def _projector_of_rows(points, k):
    vectors = _eigenvectors(points)
    return vectors[-k:].T @ vectors[-k:]


def _one_too_few(variances, share):
    kept = variances.cumsum(dim=0) / variances.sum()
    return int((kept < share).sum())


def _one_too_many(variances, share):
    kept = variances.cumsum(dim=0) / variances.sum()
    return min(int((kept <= share).sum()) + 1, len(variances))


def _without_total(variances, share):
    return int((variances.cumsum(dim=0) < share).sum()) + 1


def _rebuild(fitted_on, mean, points, k):
    directions = torch.linalg.svd(fitted_on - fitted_on.mean(dim=0), full_matrices=False).Vh[:k]
    return (points - mean) @ directions.T @ directions + mean


def _rebuild_with_own_mean(train_points, test_points, k):
    return _rebuild(train_points, test_points.mean(dim=0), test_points, k)


def _rebuild_fitted_on_test(train_points, test_points, k):
    return _rebuild(test_points, test_points.mean(dim=0), test_points, k)


def _rebuild_without_mean(train_points, test_points, k):
    mean = train_points.mean(dim=0)
    return _rebuild(train_points, mean, test_points, k) - mean


MISTAKES = {
    "best_projector": {
        "You did not subtract the mean: the first direction points at it.": _projector_uncentred,
        "You took the smallest eigenvalues: eigh sorts upwards.": _projector_of_smallest,
        "You took rows: the eigenvectors are the columns.": _projector_of_rows,
    },
    "components_needed": {
        "You counted the components that are not enough; one more is needed.": _one_too_few,
        "A number of components that keeps exactly the share is enough.": _one_too_many,
        "You compared variances with a share: divide by their sum.": _without_total,
    },
    "rebuild_unseen": {
        "You centred the test points by their own mean; the mean belongs to the training.": (
            _rebuild_with_own_mean
        ),
        "You took the directions from the test points: they must come from the training.": (
            _rebuild_fitted_on_test
        ),
        "You forgot to add the mean again.": _rebuild_without_mean,
    },
}


def test_best_projector():
    points = torch.tensor([[12.0, 1.0, 5.0], [10.0, 0.0, 5.0], [8.0, -1.0, 5.0]])
    wanted = torch.tensor([[0.8, 0.4, 0.0], [0.4, 0.2, 0.0], [0.0, 0.0, 0.0]])
    expect(best_projector, points, 1, equals=wanted, mistakes=MISTAKES["best_projector"])


def test_components_needed():
    variances = torch.tensor([4.0, 2.0, 1.0, 1.0])
    mistakes = MISTAKES["components_needed"]
    expect(components_needed, variances, 0.8, equals=3, mistakes=mistakes)
    expect(components_needed, variances, 0.75, equals=2, mistakes=mistakes)
    expect(components_needed, variances, 1.0, equals=4, mistakes=mistakes)


def test_rebuild_unseen():
    train_points = torch.tensor([[0.0, 1.0], [2.0, 1.0], [4.0, 1.0]])
    test_points = torch.tensor([[5.0, 3.0], [5.0, 9.0]])
    wanted = torch.tensor([[5.0, 1.0], [5.0, 1.0]])
    expect(
        rebuild_unseen,
        train_points,
        test_points,
        1,
        equals=wanted,
        mistakes=MISTAKES["rebuild_unseen"],
    )


if __name__ == "__main__":
    run_checks(globals())
