"""What reading costs: each canonical function beside PyTorch's, forward and forward + backward.

Run by ``nox -s bench``. Groups pair the two; the ratio of the medians is the figure to read.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from handbook import activations, convolution, linear_models, pooling
from handbook.seeding import make_generator

N_VALUES = 1_000_000
PAIRS = {
    "relu": (activations.relu, F.relu),
    "leaky_relu": (activations.leaky_relu, F.leaky_relu),
    "elu": (activations.elu, F.elu),
    "gelu": (activations.gelu, F.gelu),
    "silu": (activations.silu, F.silu),
    "sigmoid": (activations.sigmoid, torch.sigmoid),
    "tanh": (activations.tanh, torch.tanh),
    "softplus": (activations.softplus, F.softplus),
    "softsign": (activations.softsign, F.softsign),
    "hardtanh": (activations.hardtanh, F.hardtanh),
    "softmax": (lambda x: activations.softmax(x, dim=-1), lambda x: F.softmax(x, dim=-1)),
    "log_softmax": (
        lambda x: activations.log_softmax(x, dim=-1),
        lambda x: F.log_softmax(x, dim=-1),
    ),
}  # fmt: skip

POOLS = {
    "max_pool2d 2×2": (lambda x: pooling.max_pool2d(x, 2), lambda x: F.max_pool2d(x, 2)),
    "adaptive_max_pool2d to 8×8": (
        lambda x: pooling.adaptive_max_pool2d(x, 8),
        lambda x: F.adaptive_max_pool2d(x, 8),
    ),
    "adaptive_max_pool2d to 7×7": (
        lambda x: pooling.adaptive_max_pool2d(x, 7),
        lambda x: F.adaptive_max_pool2d(x, 7),
    ),
    "adaptive_avg_pool2d to 8×8": (
        lambda x: pooling.adaptive_avg_pool2d(x, 8),
        lambda x: F.adaptive_avg_pool2d(x, 8),
    ),
    "adaptive_avg_pool2d to 7×7": (
        lambda x: pooling.adaptive_avg_pool2d(x, 7),
        lambda x: F.adaptive_avg_pool2d(x, 7),
    ),
}

both = pytest.mark.parametrize("whose", [0, 1], ids=["handbook", "pytorch"])
directions = pytest.mark.parametrize("backward", [False, True], ids=["forward", "both_ways"])


def step(function: Callable[..., Tensor], arguments: list[Tensor], backward: bool) -> None:
    if not backward:
        with torch.no_grad():
            function(*arguments)
        return
    output = function(*arguments)
    torch.autograd.grad(output, arguments, torch.ones_like(output))


@directions
@both
@pytest.mark.parametrize("name", PAIRS)
def test_activation(benchmark: Callable, name: str, whose: int, backward: bool) -> None:
    benchmark.group = f"{name}, {'both ways' if backward else 'forward'}"
    x = torch.randn(1000, N_VALUES // 1000, generator=make_generator(0)).requires_grad_()
    benchmark(step, PAIRS[name][whose], [x], backward)


@directions
@both
def test_conv2d(benchmark: Callable, whose: int, backward: bool) -> None:
    """The size that the project's targets are set for: 32 images of 64 channels, 32 × 32."""
    benchmark.group = f"conv2d 32×64×32×32, 3×3, 64 out, {'both ways' if backward else 'forward'}"
    generator = make_generator(0)
    shapes = ((32, 64, 32, 32), (64, 64, 3, 3), (64,))
    arguments = [torch.randn(shape, generator=generator).requires_grad_() for shape in shapes]
    function = (convolution.conv2d, F.conv2d)[whose]
    benchmark.pedantic(
        step,
        ([lambda *a: function(*a, padding=1)][0], arguments, backward),
        rounds=7,
        warmup_rounds=1,
    )


@directions
@both
@pytest.mark.parametrize("name", POOLS)
def test_pooling(benchmark: Callable, name: str, whose: int, backward: bool) -> None:
    """Windows that fit (2, 8) and windows that overlap by a row (7)."""
    benchmark.group = f"{name}, 32×64×32×32, {'both ways' if backward else 'forward'}"
    x = torch.randn(32, 64, 32, 32, generator=make_generator(0)).requires_grad_()
    benchmark.pedantic(step, (POOLS[name][whose], [x], backward), rounds=15, warmup_rounds=1)


@directions
@both
def test_linear(benchmark: Callable, whose: int, backward: bool) -> None:
    benchmark.group = f"linear 1000×784 to 256, {'both ways' if backward else 'forward'}"
    generator = make_generator(0)
    shapes = ((1000, 784), (256, 784), (256,))
    arguments = [torch.randn(shape, generator=generator).requires_grad_() for shape in shapes]
    function = (linear_models.linear, F.linear)[whose]
    benchmark(step, function, arguments, backward)
