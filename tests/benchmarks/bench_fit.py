"""What fit adds to a step: the bare loop by hand, fit, fit that watches, and pytorch-ignite.

Run by ``nox -s bench``. All four train 10-128-128-1 with Adam in batches of 16, for two epochs of
63 steps, and average the loss. The ratio of the medians to the bare loop is the figure to read.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from handbook.batches import MiniBatches
from handbook.training import fit

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # ignite's, of its own imports
    from ignite.engine import Engine
    from ignite.metrics import Average

INPUTS = torch.linspace(0, 1, 10_000).reshape(1000, 10)
TARGETS = torch.sigmoid(INPUTS).mean(dim=1, keepdim=True)
BATCHES = list(MiniBatches(INPUTS, TARGETS, batch_size=16))
N_EPOCHS = 2
LOSS = nn.MSELoss()


def make() -> tuple[nn.Module, torch.optim.Optimizer]:
    model = nn.Sequential(
        nn.Linear(10, 128), nn.Sigmoid(), nn.Linear(128, 128), nn.Sigmoid(), nn.Linear(128, 1)
    )
    return model, torch.optim.Adam(model.parameters(), lr=1e-3)


def bare(model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    for _ in range(N_EPOCHS):
        for x, y in BATCHES:
            optimizer.zero_grad()
            LOSS(model(x), y).backward()
            optimizer.step()


def with_fit(model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    fit(model, LOSS, optimizer, BATCHES, epochs=N_EPOCHS)


def with_fit_and_callback(model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    class Count:
        n_steps = 0

        def on_step(self, state: object) -> None:
            self.n_steps += 1

        def __call__(self, state: object) -> None:
            pass

    fit(model, LOSS, optimizer, BATCHES, epochs=N_EPOCHS, callbacks=[Count()])


def with_ignite(model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    def step(engine: Engine, batch: tuple[Tensor, Tensor]) -> float:
        model.train()
        x, y = batch
        optimizer.zero_grad()
        loss = LOSS(model(x), y)
        loss.backward()
        optimizer.step()
        return loss.item()

    trainer = Engine(step)
    Average().attach(trainer, "loss")
    trainer.run(BATCHES, max_epochs=N_EPOCHS)


@pytest.mark.parametrize("way", [bare, with_fit, with_fit_and_callback, with_ignite])
def test_epochs(benchmark: Callable, way: Callable) -> None:
    benchmark.group = "two epochs of 63 steps, 10-128-128-1"
    benchmark.pedantic(way, setup=lambda: (make(), {}), rounds=40, warmup_rounds=2)
