"""Exercises: gradient descent. Which rates converge, and how many steps a valley costs.

Write the two functions, then run ``python exercise_gradient_descent.py`` or
``pytest exercise_gradient_descent.py`` to see what is right.
"""

import torch

from handbook.exercises import expect, run_checks


def converges(curvatures, learning_rate):
    """Say whether gradient descent on a quadratic converges from every start.

    curvatures : (D,), the eigenvalues of the Hessian, all above 0. learning_rate : a float above 0.
    return : True or False, a Python bool.
    """
    # solution: begin
    factors = 1 - learning_rate * curvatures
    return bool((factors.abs() < 1).all())
    # solution: end


def descend_quadratic(curvatures, start, learning_rate, n_steps):
    """Return where gradient descent on ½ Σ λᵢ xᵢ² stands after n_steps, without a loop.

    curvatures : (D,). start : (D,). return : (D,).
    """
    # solution: begin
    return (1 - learning_rate * curvatures) ** n_steps * start
    # solution: end


MISTAKES = {
    "converges": {
        "You compared the rate with 1 / λmax: up to there no step jumps over the minimum, but "
        "jumping over it is allowed, up to 2 / λmax.": lambda curvatures, learning_rate: bool(
            learning_rate < 1 / curvatures.max()
        ),
        "You used the smallest curvature: the steepest direction sets the limit.": (
            lambda curvatures, learning_rate: bool(learning_rate < 2 / curvatures.min())
        ),
        "You forgot the absolute value: a factor below −1 grows as well.": (
            lambda curvatures, learning_rate: bool((1 - learning_rate * curvatures < 1).all())
        ),
    },
    "descend_quadratic": {
        "You multiplied the factor by the number of steps: it acts once per step, so raise it to "
        "the power.": lambda curvatures, start, learning_rate, n_steps: (
            start * (1 - learning_rate * curvatures * n_steps)
        ),
        "You let the distance shrink by e^(−ηλ) per step: that is the limit of tiny rates, and "
        "it never jumps over the minimum.": lambda curvatures, start, learning_rate, n_steps: (
            start * torch.exp(-learning_rate * curvatures * n_steps)
        ),
        "You stepped along the gradient: the step goes against it.": (
            lambda curvatures, start, learning_rate, n_steps: (
                (1 + learning_rate * curvatures) ** n_steps * start
            )
        ),
    },
}


def test_converges():
    curvatures = torch.tensor([1.0, 10.0])
    for rate, answer in ((0.05, True), (0.15, True), (3.0, False), (0.21, False), (1.0, False)):
        mistakes = MISTAKES["converges"]
        expect(converges, curvatures, rate, equals=answer, mistakes=mistakes)
    expect(converges, torch.tensor([4.0]), 0.5, equals=False, mistakes=MISTAKES["converges"])


def test_descend_quadratic():
    curvatures, start = torch.tensor([1.0, 10.0]), torch.tensor([3.0, 1.0])
    for rate, n_steps in ((0.1, 0), (0.1, 1), (0.05, 7), (0.15, 4), (0.25, 3)):
        wanted = start.clone()
        for _ in range(n_steps):
            wanted = wanted - rate * curvatures * wanted
        expect(
            descend_quadratic,
            curvatures,
            start,
            rate,
            n_steps,
            equals=wanted,
            rtol=1e-4,
            atol=1e-6,
            mistakes=MISTAKES["descend_quadratic"],
        )


if __name__ == "__main__":
    run_checks(globals())
