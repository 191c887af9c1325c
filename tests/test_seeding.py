"""Random numbers: the same for the same seed, and never from the global generator."""

from __future__ import annotations

import pytest
import torch

from handbook.seeding import make_generator


def test_the_same_seed_gives_the_same_numbers() -> None:
    first, second = (torch.rand(5, generator=make_generator(3)) for _ in range(2))
    assert torch.equal(first, second)


def test_another_seed_gives_other_numbers() -> None:
    first, second = (torch.rand(5, generator=make_generator(seed)) for seed in (3, 4))
    assert not torch.equal(first, second)


def test_the_global_generator_stays_where_it_was() -> None:
    before = torch.get_rng_state()
    torch.rand(5, generator=make_generator(0))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("seed", [0, 2**63 - 1])
def test_the_whole_range_of_seeds_is_accepted(seed: int) -> None:
    assert make_generator(seed).initial_seed() == seed


@pytest.mark.parametrize(
    ("seed", "error", "message"),
    [
        (-1, ValueError, "seed must be at least 0, got -1"),
        (2**63, ValueError, "seed must be at most 9223372036854775807, got 9223372036854775808"),
        (0.5, TypeError, r"seed must be an int, got 0\.5"),
        (None, TypeError, "seed must be an int, got None"),
    ],
)
def test_bad_seeds_are_refused(seed: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make_generator(seed)
