"""What an epoch of batches costs: slices beside loaders, on a table of 1000 × 10 in memory.

Run by ``nox -s bench``. The groups pair the ways; the ratio of the medians is the figure to read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from handbook.batches import loader_batches, mini_batches
from handbook.seeding import make_generator

INPUTS = torch.linspace(0, 1, 10_000).reshape(1000, 10)
TARGETS = torch.sigmoid(INPUTS).mean(dim=1, keepdim=True)
DATASET = TensorDataset(INPUTS, TARGETS)


def slices(batch_size: int, generator: torch.Generator | None) -> Iterable:
    return mini_batches(INPUTS, TARGETS, batch_size=batch_size, generator=generator)


def loader_by_hand(batch_size: int, generator: torch.Generator | None) -> Iterable:
    return loader_batches(DATASET, batch_size=batch_size, generator=generator)


def default_loader(batch_size: int, generator: torch.Generator | None) -> Iterable:
    shuffle = generator is not None
    return DataLoader(DATASET, batch_size=batch_size, shuffle=shuffle, generator=generator)


@pytest.mark.parametrize("shuffle", [False, True], ids=["in_order", "shuffled"])
@pytest.mark.parametrize("batch_size", [16, 250])
@pytest.mark.parametrize("way", [slices, loader_by_hand, default_loader])
def test_epoch(benchmark: Callable, way: Callable, batch_size: int, shuffle: bool) -> None:
    benchmark.group = f"epoch, batch size {batch_size}, {'shuffled' if shuffle else 'in order'}"

    def epoch() -> None:
        for _ in way(batch_size, make_generator(0) if shuffle else None):
            pass

    benchmark(epoch)
