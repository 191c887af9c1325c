"""What fit adds to a step: beside the bare loop by hand, and beside pytorch-ignite.

All train 10-128-128-1 with Adam in batches of 16, for two epochs of 63 steps, and average the
loss. ``bench_functions.py`` times them.
"""

from __future__ import annotations

import warnings

import torch
from measuring import Call
from torch import Tensor, nn

from handbook.batches import MiniBatches
from handbook.training import fit

try:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # ignite's, of its own imports
        from ignite.engine import Engine
        from ignite.metrics import Average
except ImportError:  # a bare machine has PyTorch alone
    Engine = None

SIZE = "10-128-128-1 with Adam"
N_EPOCHS = 2
LOSS = nn.MSELoss()

Batches = list[tuple[Tensor, ...]]


class Count:
    """A callback that looks at every step."""

    n_steps = 0

    def on_step(self, state: object) -> None:
        self.n_steps += 1

    def __call__(self, state: object) -> None:
        pass


def make(device: torch.device) -> tuple[nn.Module, torch.optim.Optimizer, Batches]:
    torch.manual_seed(0)
    inputs = torch.linspace(0, 1, 10_000, device=device).reshape(1000, 10)
    targets = torch.sigmoid(inputs).mean(dim=1, keepdim=True)
    model = nn.Sequential(
        nn.Linear(10, 128), nn.Sigmoid(), nn.Linear(128, 128), nn.Sigmoid(), nn.Linear(128, 1)
    ).to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    return model, optimizer, list(MiniBatches(inputs, targets, batch_size=16))


def bare(device: torch.device) -> Call:
    model, optimizer, batches = make(device)

    def run() -> list[float]:
        history = []
        for _ in range(N_EPOCHS):
            total, n_samples = torch.zeros((), device=device), 0
            for x, y in batches:
                optimizer.zero_grad()
                loss = LOSS(model(x), y)
                loss.backward()
                optimizer.step()
                total += loss.detach() * len(x)
                n_samples += len(x)
            history.append(total.item() / n_samples)
        return history

    return run


def with_fit(device: torch.device, callbacks: tuple[Count, ...] = ()) -> Call:
    model, optimizer, batches = make(device)
    return lambda: fit(model, LOSS, optimizer, batches, epochs=N_EPOCHS, callbacks=callbacks)


def plain(device: torch.device) -> tuple[Call, Call]:
    """Return fit and the bare loop."""
    return with_fit(device), bare(device)


def watched(device: torch.device) -> tuple[Call, Call]:
    """Return fit with a callback, and the bare loop."""
    return with_fit(device, (Count(),)), bare(device)


def with_ignite(device: torch.device) -> Call:
    model, optimizer, batches = make(device)

    def step(engine: Engine, batch: tuple[Tensor, Tensor]) -> float:
        model.train()
        x, y = batch
        optimizer.zero_grad()
        loss = LOSS(model(x), y)
        loss.backward()
        optimizer.step()
        return loss.item()

    def run() -> None:
        trainer = Engine(step)
        Average().attach(trainer, "loss")
        trainer.run(batches, max_epochs=N_EPOCHS)

    return run


def beside_ignite(device: torch.device) -> tuple[Call, Call]:
    """Return fit, and the same work done by pytorch-ignite."""
    return with_fit(device), with_ignite(device)
