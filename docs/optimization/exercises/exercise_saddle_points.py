"""Exercises: saddle points. Tell the kinds of critical points apart, and find the way down.

Write the two functions, then run ``python exercise_saddle_points.py`` or
``pytest exercise_saddle_points.py`` to see what is right.
"""

import torch

from handbook.exercises import expect, run_checks

EIGHTH_TURN = torch.tensor([[1.0, -1.0], [1.0, 1.0]]) / 2**0.5


def kind_of_critical_point(hessian):
    """Return "minimum", "maximum", "saddle" or "degenerate".

    hessian : (D, D), symmetric, the second derivatives at a point where the gradient is zero.
    An eigenvalue of size at most 1e-6 counts as zero. Degenerate means: some eigenvalue is zero
    and the others do not have both signs.
    """
    # solution: begin
    eigenvalues = torch.linalg.eigvalsh(hessian)
    down = bool((eigenvalues < -1e-6).any())
    up = bool((eigenvalues > 1e-6).any())
    flat = bool((eigenvalues.abs() <= 1e-6).any())
    if up and down:
        return "saddle"
    if flat:
        return "degenerate"
    return "minimum" if up else "maximum"
    # solution: end


def way_down(hessian):
    """Return the direction in which the function falls fastest from its critical point.

    hessian : (D, D), symmetric. return : (D,), of length 1, its largest component (in size)
    positive; or zeros, if no eigenvalue is negative.
    """
    # solution: begin
    eigenvalues, eigenvectors = torch.linalg.eigh(hessian)  # ascending, one vector per column
    if eigenvalues[0] >= 0:
        return torch.zeros_like(eigenvalues)
    direction = eigenvectors[:, 0]
    largest = direction[direction.abs().argmax()]
    return direction * largest.sign()
    # solution: end


def _kind_by_signs(numbers):
    if (numbers > 0).any() and (numbers < 0).any():
        return "saddle"
    if (numbers == 0).any():
        return "degenerate"
    return "minimum" if (numbers > 0).all() else "maximum"


def _kind_by_determinant(hessian):
    determinant = torch.linalg.det(hessian)
    if abs(determinant) < 1e-6:
        return "degenerate"
    if determinant < 0:
        return "saddle"
    return "minimum" if hessian[0, 0] > 0 else "maximum"


def _column(hessian, index, *, by_row=False, checked=True):
    eigenvalues, eigenvectors = torch.linalg.eigh(hessian)
    if checked and eigenvalues[0] >= 0:
        return torch.zeros_like(eigenvalues)
    direction = eigenvectors[index] if by_row else eigenvectors[:, index]
    return direction * direction[direction.abs().argmax()].sign()


MISTAKES = {
    "kind_of_critical_point": {
        "You looked at the diagonal: it holds the curvatures along the axes, and a way down may "
        "lie between them. Take the eigenvalues.": lambda hessian: _kind_by_signs(
            hessian.diagonal()
        ),
        "You used the determinant, the product of the eigenvalues: in three dimensions two "
        "negative ones make it positive again. Look at each sign.": _kind_by_determinant,
        "You counted rounding as curvature: an eigenvalue of size at most 1e-6 is zero here.": (
            lambda hessian: _kind_by_signs(torch.linalg.eigvalsh(hessian))
        ),
    },
    "way_down": {
        "You took the eigenvector of the largest eigenvalue, the steepest way up: eigh sorts in "
        "ascending order.": lambda hessian: _column(hessian, -1),
        "You took a row: eigh keeps the eigenvectors in columns.": (
            lambda hessian: _column(hessian, 0, by_row=True)
        ),
        "You did not check the sign of the eigenvalue: at a minimum there is no way down.": (
            lambda hessian: _column(hessian, 0, checked=False)
        ),
    },
}


def test_kind_of_critical_point():
    cases = [
        (torch.tensor([[2.0, 0.0], [0.0, 3.0]]), "minimum"),
        (torch.tensor([[-2.0, 0.0], [0.0, -3.0]]), "maximum"),
        (torch.tensor([[1.0, 3.0], [3.0, 1.0]]), "saddle"),
        (torch.tensor([[2.0, 0.0], [0.0, 0.0]]), "degenerate"),
        (torch.tensor([[1.0, 1.0 + 5e-7], [1.0 + 5e-7, 1.0]]), "degenerate"),  # -5e-7 and 2
        (torch.tensor([1.0, 0.0, -1.0]).diag(), "saddle"),
        (torch.tensor([1.0, -1.0, -1.0]).diag(), "saddle"),
        (torch.zeros(3, 3), "degenerate"),
        (torch.tensor([[-5.0]]), "maximum"),
    ]
    for hessian, kind in cases:
        mistakes = MISTAKES["kind_of_critical_point"]
        expect(kind_of_critical_point, hessian, equals=kind, mistakes=mistakes)


def test_way_down():
    turned = EIGHTH_TURN @ torch.tensor([4.0, -2.0]).diag() @ EIGHTH_TURN.T
    three = torch.tensor([[0.0, 0.0, 2.0], [0.0, 1.0, 0.0], [2.0, 0.0, 3.0]])  # -1, 1 and 4
    cases = [
        (torch.tensor([1.0, -1.0]).diag(), torch.tensor([0.0, 1.0])),
        (torch.tensor([-1.0, -3.0, 2.0]).diag(), torch.tensor([0.0, 1.0, 0.0])),
        (three, torch.tensor([2.0, 0.0, -1.0]) / 5**0.5),
        (torch.tensor([2.0, 3.0]).diag(), torch.zeros(2)),
    ]
    for hessian, direction in cases:
        expect(way_down, hessian, equals=direction, atol=1e-6, mistakes=MISTAKES["way_down"])
    # Both components are equally large here, so only the line itself is asked for.
    along = way_down(turned)
    expect(lambda: along @ turned @ along, equals=torch.tensor(-2.0), rtol=1e-5, atol=1e-5)


if __name__ == "__main__":
    run_checks(globals())
