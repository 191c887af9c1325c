"""Exercises: schedules.

Write the functions, then run this file: ``python exercise_schedules.py``.
"""

import torch

from handbook.exercises import expect, run_checks


def trapezoid(step, n_steps, n_warmup, n_decay):
    """Return the share of the full rate: up in a line, along at 1, down in a line to 0.

    At step 0 it is 0, from step n_warmup on it is 1, from step n_steps - n_decay on it falls, and
    from step n_steps on it is 0.

    Arguments: step, a number; n_steps, n_warmup and n_decay, whole numbers with
    n_warmup + n_decay <= n_steps. Returns: a number.
    """
    # solution: begin
    rising = step / n_warmup
    falling = (n_steps - step) / n_decay
    return max(0.0, min(rising, 1.0, falling))
    # solution: end


def clip_each_sample(gradients, max_norm):
    """Shorten the gradient of each sample to at most max_norm, and return the mean over the batch.

    Arguments: gradients of shape (N, P), one row for each sample; max_norm, a number above 0.
    Returns: a tensor of shape (P,). A row of zeros stays what it is.
    """
    # solution: begin
    norms = gradients.norm(dim=1, keepdim=True)  # (N, 1)
    factors = torch.where(norms > max_norm, max_norm / norms, torch.ones_like(norms))
    return (gradients * factors).mean(dim=0)
    # solution: end


def _clip_the_mean(gradients, max_norm):
    mean = gradients.mean(dim=0)
    return mean * min(1.0, max_norm / mean.norm().item())


def _normalize_all(gradients, max_norm):
    norms = gradients.norm(dim=1, keepdim=True).clamp(min=1e-12)
    return (gradients / norms * max_norm).mean(dim=0)


def _one_norm(gradients, max_norm):
    return (gradients * min(1.0, max_norm / gradients.norm().item())).mean(dim=0)


def _by_value(gradients, max_norm):
    return gradients.clamp(-max_norm, max_norm).mean(dim=0)


MISTAKES = {
    "trapezoid": {
        "You forgot the fall at the end.": lambda step, n_steps, n_warmup, n_decay: min(
            1.0, step / n_warmup
        ),
        "After the last step your rate is negative: keep it at 0.": (
            lambda step, n_steps, n_warmup, n_decay: min(
                step / n_warmup, 1.0, (n_steps - step) / n_decay
            )
        ),
        "You measured the fall from its beginning: it runs from 1 to 0, not from 0 to 1.": (
            lambda step, n_steps, n_warmup, n_decay: max(
                0.0, min(step / n_warmup, 1.0, (step - n_steps + n_decay) / n_decay)
            )
        ),
    },
    "clip_each_sample": {
        "You clipped the mean: one sample can still rule the batch.": _clip_the_mean,
        "You made short gradients longer: only those above the limit change.": _normalize_all,
        "You used one norm for the whole batch; each row has its own.": _one_norm,
        "You cut number by number, which turns the directions.": _by_value,
    },
}


def test_trapezoid():
    def trapezoid_of_many_steps(steps):
        return torch.tensor([float(trapezoid(step, 10, 2, 4)) for step in steps])

    mistakes = {
        told: lambda steps, wrong=wrong: torch.tensor([float(wrong(s, 10, 2, 4)) for s in steps])
        for told, wrong in MISTAKES["trapezoid"].items()
    }
    wanted = torch.tensor([0.0, 0.5, 1.0, 1.0, 1.0, 0.5, 0.25, 0.0, 0.0])
    expect(trapezoid_of_many_steps, [0, 1, 2, 5, 6, 8, 9, 10, 12], equals=wanted, mistakes=mistakes)


def test_clip_each_sample():
    gradients = torch.tensor([[3.0, 4.0], [0.3, -0.4], [0.0, 0.0], [-60.0, 80.0]])
    wanted = torch.tensor([0.6 + 0.3 + 0.0 - 0.6, 0.8 - 0.4 + 0.0 + 0.8]) / 4
    expect(clip_each_sample, gradients, 1.0, equals=wanted, mistakes=MISTAKES["clip_each_sample"])


if __name__ == "__main__":
    run_checks(globals())
