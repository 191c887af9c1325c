"""What every test may ask for."""

from __future__ import annotations

import pytest
import torch

from handbook.seeding import make_generator

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
# What is compared with PyTorch's own must not be rounded to 10 bits, as a GPU may do (TF32).
torch.backends.cudnn.allow_tf32 = False


@pytest.fixture(params=DEVICES)
def device(request: pytest.FixtureRequest) -> torch.device:
    """Each device of this machine in turn."""
    return torch.device(request.param)


@pytest.fixture
def generator() -> torch.Generator:
    """A generator that starts at the same place in every test."""
    return make_generator(0)
