"""Schedules: PyTorch's rates step by step, their ends, and how they are applied."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch.optim import SGD, lr_scheduler

from handbook.optimizers import Adam
from handbook.schedules import (
    apply_factor,
    cosine_annealing,
    cosine_restarts,
    exponential_decay,
    linear_warmup,
    step_decay,
    warmup_cosine,
)

RATES = (0.3, 1e-4)


def optimizer_with_two_groups() -> SGD:
    first, second = (torch.zeros(1, requires_grad=True) for _ in range(2))
    return SGD([{"params": [first]}, {"params": [second], "lr": RATES[1]}], lr=RATES[0])


def sequential(optimizer: Any, n_warmup: int, n_steps: int, start: float) -> Any:
    # PyTorch's SequentialLR warns about its own call of step(epoch).
    rising = lr_scheduler.LinearLR(optimizer, start_factor=start, total_iters=n_warmup)
    falling = lr_scheduler.CosineAnnealingLR(optimizer, n_steps - n_warmup)
    return lr_scheduler.SequentialLR(optimizer, [rising, falling], [n_warmup])


PAIRS: list[tuple[str, Callable[[int], float], Callable[[Any], Any], int]] = [
    *(
        (
            f"step {size} {gamma}",
            partial(step_decay, step_size=size, gamma=gamma),
            partial(lr_scheduler.StepLR, step_size=size, gamma=gamma),
            100,
        )
        for size in (1, 7, 200)
        for gamma in (0.1, 0.5, 1.0)
    ),
    *(
        (
            f"exponential {gamma}",
            partial(exponential_decay, gamma=gamma),
            partial(lr_scheduler.ExponentialLR, gamma=gamma),
            100,
        )
        for gamma in (0.5, 0.97, 1.0)
    ),
    *(
        (
            f"cosine {n}",
            partial(cosine_annealing, n_steps=n),
            partial(lr_scheduler.CosineAnnealingLR, T_max=n),
            2 * n + 5,
        )
        for n in (3, 10, 100)
    ),
    *(
        (
            f"restarts {first} {growth}",
            partial(cosine_restarts, first_cycle=first, growth=growth),
            partial(lr_scheduler.CosineAnnealingWarmRestarts, T_0=first, T_mult=growth),
            120,
        )
        for first in (1, 7)
        for growth in (1, 2, 3)
    ),
    *(
        (
            f"warm-up {n} {start}",
            partial(linear_warmup, n_steps=n, start=start),
            partial(lr_scheduler.LinearLR, start_factor=start, total_iters=n),
            30,
        )
        for n in (1, 5, 20)
        for start in (1 / 3, 0.01, 1.0)
    ),
    *(
        (
            f"warm-up and cosine {n_warmup} {start}",
            partial(warmup_cosine, n_warmup=n_warmup, n_steps=60, start=start),
            partial(sequential, n_warmup=n_warmup, n_steps=60, start=start),
            61,
        )
        for n_warmup in (1, 10)
        for start in (0.1, 0.5)
    ),
]


@pytest.mark.filterwarnings("ignore::UserWarning:torch.optim.lr_scheduler")
@pytest.mark.parametrize(
    ("schedule", "theirs", "n_steps"), [row[1:] for row in PAIRS], ids=[row[0] for row in PAIRS]
)
def test_equals_pytorch_step_by_step(
    schedule: Callable[[int], float], theirs: Callable[[Any], Any], n_steps: int
) -> None:
    optimizer, by_lambda, by_hand = (optimizer_with_two_groups() for _ in range(3))
    scheduler = theirs(optimizer)
    wrapped = lr_scheduler.LambdaLR(by_lambda, schedule)
    for step in range(n_steps):
        wanted = [group["lr"] for group in optimizer.param_groups]
        assert apply_factor(by_hand, schedule(step)) == pytest.approx(wanted, rel=1e-9, abs=1e-15)
        rates = [group["lr"] for group in by_lambda.param_groups]
        assert rates == pytest.approx(wanted, rel=1e-9, abs=1e-15)
        for stepper in (optimizer, by_lambda, scheduler, wrapped):
            stepper.step()


@pytest.mark.parametrize("minimum", [0.0, 0.01, 1.0])
def test_the_minimum_is_pytorchs_eta_min_as_a_share(minimum: float) -> None:
    for ours, theirs in (
        (
            partial(cosine_annealing, n_steps=10),
            lambda optimizer: lr_scheduler.CosineAnnealingLR(optimizer, 10, 0.3 * minimum),
        ),
        (
            partial(cosine_restarts, first_cycle=10),
            lambda optimizer: lr_scheduler.CosineAnnealingWarmRestarts(
                optimizer, 10, eta_min=0.3 * minimum
            ),
        ),
    ):
        optimizer = SGD([torch.zeros(1, requires_grad=True)], lr=0.3)
        scheduler = theirs(optimizer)
        for step in range(11):
            wanted = optimizer.param_groups[0]["lr"]
            assert 0.3 * ours(step, minimum=minimum) == pytest.approx(wanted, rel=1e-9, abs=1e-15)
            optimizer.step()
            scheduler.step()


def test_the_ends_are_what_they_are_said_to_be() -> None:
    assert [cosine_annealing(t, n_steps=8) for t in (0, 4, 8)] == pytest.approx([1.0, 0.5, 0.0])
    assert cosine_annealing(8, n_steps=8, minimum=0.25) == pytest.approx(0.25)
    assert linear_warmup(0, n_steps=0) == 1.0
    assert [warmup_cosine(t, n_warmup=4, n_steps=12) for t in (0, 2, 4, 8, 12)] == pytest.approx(
        [0.0, 0.5, 1.0, 0.5, 0.0]
    )
    assert warmup_cosine(10_000, n_warmup=4, n_steps=12, minimum=0.1) == pytest.approx(0.1)
    assert warmup_cosine(0, n_warmup=0, n_steps=5) == 1.0
    assert exponential_decay(100, gamma=0.0) == 0.0
    assert step_decay(10**9, step_size=1) == 0.0
    assert cosine_restarts(10**9, first_cycle=10) == 1.0


def test_a_cosine_rises_again_after_its_end_and_the_one_with_warm_up_does_not() -> None:
    assert cosine_annealing(20, n_steps=10) == pytest.approx(1.0)
    assert warmup_cosine(20, n_warmup=0, n_steps=10) == pytest.approx(0.0)


def test_fractions_of_a_step_are_taken() -> None:
    assert linear_warmup(0.5, n_steps=1, start=0.0) == 0.5
    assert cosine_restarts(2.5, first_cycle=1) == pytest.approx(0.5)
    assert step_decay(1.5, step_size=1, gamma=0.5) == 0.5


def test_apply_factor_keeps_the_full_rate() -> None:
    optimizer = optimizer_with_two_groups()
    assert apply_factor(optimizer, 0.0) == [0.0, 0.0]
    assert apply_factor(optimizer, 1.0) == list(RATES)
    assert optimizer.param_groups[0]["initial_lr"] == RATES[0]


def test_apply_factor_changes_a_rate_that_is_a_tensor_in_place() -> None:
    rate = torch.tensor(0.5)
    optimizer = Adam([torch.zeros(1, requires_grad=True)], lr=rate)
    for factor in (0.5, 0.25):
        assert apply_factor(optimizer, factor) == [0.5 * factor]
        assert rate.item() == 0.5 * factor


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: step_decay(-1, step_size=1), ValueError, "step must be at least 0.0, got -1"),
        (lambda: step_decay("0", step_size=1), TypeError, "step must be a real number, got '0'"),
        (lambda: step_decay(0, step_size=0), ValueError, "step_size must be at least 1, got 0"),
        (lambda: step_decay(0, step_size=1.5), TypeError, "step_size must be an int, got 1.5"),
        (lambda: step_decay(0, step_size=1, gamma=-1), ValueError, "gamma must be at least 0.0"),
        (lambda: exponential_decay(0, gamma=math.nan), ValueError, "gamma must be a number"),
        (lambda: cosine_annealing(0, n_steps=0), ValueError, "n_steps must be above 0.0, got 0"),
        (lambda: cosine_annealing(0, n_steps=1, minimum=2), ValueError, "minimum must be at most"),
        (lambda: cosine_restarts(0, first_cycle=0), ValueError, "first_cycle must be at least 1"),
        (lambda: cosine_restarts(0, first_cycle=1, growth=0), ValueError, "growth must be at lea"),
        (lambda: linear_warmup(0, n_steps=-1), ValueError, "n_steps must be at least 0, got -1"),
        (lambda: linear_warmup(0, n_steps=1, start=-1), ValueError, "start must be at least 0.0"),
        (lambda: warmup_cosine(0, n_warmup=5, n_steps=5), ValueError, "above n_warmup = 5, got 5"),
        (lambda: warmup_cosine(0, n_warmup=-1, n_steps=5), ValueError, "n_warmup must be at"),
        (lambda: apply_factor(None, 1.0), TypeError, "optimizer must be a torch.optim.Optimizer"),
        (lambda: apply_factor(optimizer_with_two_groups(), -1), ValueError, "factor must be at le"),
    ],
)
def test_refuses_bad_input(call: Any, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        call()
