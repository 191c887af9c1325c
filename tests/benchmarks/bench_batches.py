"""What an epoch of batches costs: slices beside a DataLoader, on a table of 1000 × 10 in memory.

``bench_functions.py`` times them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from measuring import Call
from torch.utils.data import DataLoader, TensorDataset

from handbook.batches import mini_batches
from handbook.seeding import make_generator


def epochs(batch_size: int, shuffle: bool) -> tuple[Call, Call]:
    """Return one epoch by slices and one by a DataLoader."""
    inputs = torch.linspace(0, 1, 10_000).reshape(1000, 10)
    targets = torch.sigmoid(inputs).mean(dim=1, keepdim=True)
    dataset = TensorDataset(inputs, targets)

    def through(batches: Callable[[torch.Generator | None], Iterable[object]]) -> Call:
        def run() -> None:
            for _ in batches(make_generator(0) if shuffle else None):
                pass

        return run

    return (
        through(lambda g: mini_batches(inputs, targets, batch_size=batch_size, generator=g)),
        through(lambda g: DataLoader(dataset, batch_size=batch_size, shuffle=shuffle, generator=g)),
    )
