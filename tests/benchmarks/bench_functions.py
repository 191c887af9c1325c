"""What reading costs: each canonical function beside PyTorch's own, in time and in memory.

    python tests/benchmarks/bench_functions.py --json tests/benchmarks/results/cpu.json

``nox -s bench`` runs just that, and the page "What reading costs" is made from the file. It needs
PyTorch and nothing else. HANDBOOK_DEVICE=cuda measures on a GPU. Each pair is timed in turns (ours,
theirs, theirs, ours, …) in a process of its own for each number of threads; the memory is measured
in one more. Where PyTorch finds a compiler, many are timed a third way: ours through
``torch.compile``. ``--only relu`` measures the pairs with that in their name.
"""

# ruff: noqa: E402
from __future__ import annotations

import argparse
import datetime
import functools
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT), str(HERE)]  # a bare machine has the files and no installed handbook

import bench_batches
import bench_fit
import measuring
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from handbook import (
    activations,
    attention,
    clipping,
    convolution,
    dimensionality,
    layers,
    linear_models,
    losses,
    normalization,
    optimizers,
    pooling,
    recurrence,
    recurrent_layers,
    regularization,
    unfolding,
)
from handbook.device import get_device
from handbook.seeding import make_generator

BUDGET_S = 0.2  # for each pair, direction and number of threads
IMPORT_ROUNDS = 5
# The families whose functions are timed through torch.compile, too. The steps of a recurrent layer
# are products, which no compiler shortens; an optimiser's step and an epoch are not one function.
COMPILED = (
    "activations", "softmax", "cross-entropy", "losses", "conv2d", "normalization",
    "other normalizations", "max pooling",
)  # fmt: skip
# How far the compiled form may be from the other, as a share of the largest number.
ROUNDING = 1e-4
IMPORTS = {
    "import torch": "import torch",
    "import handbook": "import handbook",
    "import torch, handbook": "import torch, handbook",
    "all modules but plots": (
        "import importlib, pkgutil, handbook;"
        "[importlib.import_module('handbook.' + m.name) for m in pkgutil.iter_modules("
        "handbook.__path__) if m.name != 'plots']"
    ),
}

Calls = dict[str, tuple[measuring.Call, ...]]  # ours, theirs, and perhaps ours compiled


@dataclass(frozen=True)
class Pair:
    """Our form and PyTorch's, and what makes the calls to time, for each direction."""

    ours: str
    theirs: str
    family: str
    size: str
    calls: Callable[[torch.device], Calls]
    devices: tuple[str, ...] = ("cpu", "cuda", "mps")


# -- calls --------------------------------------------------------------------------------------


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=make_generator(seed))


def directions(*ways: Callable[[], Any], wanted: list[list[Tensor]]) -> Calls:
    """Return forward, without a graph, and forward + backward to the tensors wanted of each way."""

    def forward(function: Callable[[], Any]) -> measuring.Call:
        def call() -> Any:
            with torch.no_grad():
                return first_of(function())

        return call

    def both_ways(
        function: Callable[[], Any], cotangent: Tensor, inputs: list[Tensor]
    ) -> measuring.Call:
        return lambda: torch.autograd.grad(first_of(function()), inputs, cotangent)

    calls = {"forward": tuple(forward(way) for way in ways)}
    if wanted[0]:
        with torch.no_grad():
            output = first_of(ways[1]())
        cotangent = draw(*output.shape, seed=7).to(output)
        calls["both ways"] = tuple(
            both_ways(way, cotangent, inputs) for way, inputs in zip(ways, wanted, strict=True)
        )
    return calls


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function as torch.compile makes it, when it is called for the first time."""

    @functools.cache
    def made() -> Callable[..., Any]:
        torch.compiler.reset()  # what was compiled for other pairs counts against a limit
        return torch.compile(function, dynamic=False)

    return lambda *arguments, **options: made()(*arguments, **options)


@functools.cache
def can_compile(device: torch.device) -> bool:
    """Tell whether torch.compile finds what it needs here: on a CPU, a C++ compiler."""
    try:
        torch.compile(lambda x: x.exp() + 1)(torch.ones(8, device=device))
    except Exception as error:  # whatever is lacking, the rest can be measured
        print(f"torch.compile does not work here: {error}", file=sys.stderr)
        return False
    return True


def require_equal(compiled: Any, ours: Any, name: str) -> None:
    """Refuse to time a compiled form that computes something else."""
    pairs = zip(compiled, ours, strict=True) if isinstance(ours, tuple) else [(compiled, ours)]
    for other, one in pairs:
        scale = one.abs().max().item()
        distance = (other - one).abs().max().item()
        if not distance <= ROUNDING * scale:
            raise SystemExit(
                f"{name} must be the same compiled, got numbers up to {distance:.3g} apart, "
                f"the largest {scale:.3g}"
            )


def first_of(output: Any) -> Tensor:
    return output if isinstance(output, Tensor) else output[0]


def function_pair(
    ours: Callable[..., Any],
    theirs: str | tuple[str, Callable[..., Any]],
    family: str,
    size: str,
    *arguments: Any,
    constants: tuple[int, ...] = (),
    **options: Any,
) -> Pair:
    """Pair two functions of the same arguments: tensors, functions that make one, or options."""
    name, function = theirs if isinstance(theirs, tuple) else (theirs, find(theirs))

    def calls(device: torch.device) -> Calls:
        values = [argument() if callable(argument) else argument for argument in arguments]
        values = [on(value, device) for value in values]
        wanted = [
            value.requires_grad_()
            for i, value in enumerate(values)
            if isinstance(value, Tensor) and value.is_floating_point() and i not in constants
        ]
        ways = [ours, function]
        if family in COMPILED:
            ways.append(compiled(ours))
        return directions(
            *(lambda way=way: way(*values, **options) for way in ways),
            wanted=[wanted for _ in ways],
        )

    return Pair(f"{ours.__module__}.{ours.__name__}", name, family, size, calls)


def on(value: Any, device: torch.device) -> Any:
    if isinstance(value, tuple):
        return tuple(on(part, device) for part in value)
    return value.to(device) if isinstance(value, Tensor) else value


def find(name: str) -> Any:
    space, _, attribute = name.rpartition(".")
    return getattr({"torch": torch, "torch.nn.functional": F, "torch.nn": nn}[space], attribute)


def layer_pair(
    ours: type[nn.Module], family: str, size: str, shape: tuple[int, ...], *sizes: int
) -> Pair:
    """Pair two layers with the same weights."""
    theirs = getattr(nn, ours.__name__)

    def calls(device: torch.device) -> Calls:
        torch.manual_seed(0)
        other = theirs(*sizes).to(device)
        mine = ours(*sizes).to(device)
        mine.load_state_dict(other.state_dict())
        x = draw(*shape).to(device).requires_grad_()
        ways: list[Callable[..., Any]] = [mine, other]
        wanted = [[x, *module.parameters()] for module in (mine, other)]
        if family in COMPILED:
            ways.append(compiled(mine))
            wanted.append(wanted[0])
        return directions(*(lambda way=way: way(x) for way in ways), wanted=wanted)

    return Pair(
        f"{ours.__module__}.{ours.__name__}", f"torch.nn.{ours.__name__}", family, size, calls
    )


def optimizer_pair(name: str, **options: Any) -> Pair:
    """Pair two optimisers that step a network of 784-256-256-10 by the same gradients."""
    shapes = ((256, 784), (256,), (256, 256), (256,), (10, 256), (10,))

    def calls(device: torch.device) -> Calls:
        def step(home: Any) -> measuring.Call:
            weights = [draw(*shape).to(device).requires_grad_() for shape in shapes]
            for weight in weights:
                weight.grad = torch.ones_like(weight) / 100
            return getattr(home, name)(weights, lr=1e-3, **options).step

        return {"step": (step(optimizers), step(torch.optim))}

    said = ", ".join(f"{key}={value}" for key, value in options.items())
    size = "784-256-256-10" + (f", {said}" if said else "")
    return Pair(f"handbook.optimizers.{name}", f"torch.optim.{name}", "optimizers", size, calls)


def clipping_pair(name: str) -> Pair:
    """Pair two functions that shorten the gradients of a network of 784-256-256-10."""
    shapes = ((256, 784), (256,), (256, 256), (256,), (10, 256), (10,))

    def calls(device: torch.device) -> Calls:
        weights = [draw(*shape).to(device).requires_grad_() for shape in shapes]
        for weight in weights:
            weight.grad = torch.ones_like(weight)
        ours, theirs = getattr(clipping, name), getattr(nn.utils, name)
        return {"step": (lambda: ours(weights, 1.0), lambda: theirs(weights, 1.0))}

    size = "784-256-256-10"
    return Pair(f"handbook.clipping.{name}", f"torch.nn.utils.{name}", "optimizers", size, calls)


def one_call_pair(
    ours: str, theirs: str, family: str, size: str, make: Callable[[torch.device], Any],
    devices: tuple[str, ...] = ("cpu", "cuda", "mps"),
) -> Pair:  # fmt: skip
    """Pair two calls that are a whole in themselves, such as an epoch."""
    return Pair(ours, theirs, family, size, lambda device: {"run": make(device)}, devices)


# -- the pairs ----------------------------------------------------------------------------------


# What gives the same values faster, and is another function at a tie or at an end.
FAST_FORMS: dict[str, tuple[str, Callable[[Tensor], Tensor]]] = {
    "relu": ("x.clamp(min=0)", lambda x: x.clamp(min=0)),
    "leaky_relu": ("torch.maximum(x, 0.01 * x)", lambda x: torch.maximum(x, 0.01 * x)),
    "hardtanh": ("x.clamp(-1, 1)", lambda x: x.clamp(-1, 1)),
    "max_pool1d": (
        "x.unflatten(-1, (-1, 2)).amax(-1)", lambda x: x.unflatten(-1, (-1, 2)).amax(-1)
    ),
}  # fmt: skip


def classes(n_samples: int, n_classes: int) -> Tensor:
    return torch.randint(n_classes, (n_samples,), generator=make_generator(9))


def probabilities(*shape: int) -> Tensor:
    return torch.softmax(draw(*shape, seed=8), dim=-1)


def pairs() -> Iterator[Pair]:
    """Yield every pair; the page shows them in this order."""
    functional = "torch.nn.functional"

    million = "1000 × 1000"
    for name in ("relu", "leaky_relu", "elu", "gelu", "silu", "sigmoid", "tanh", "softplus",
                 "softsign", "hardtanh"):  # fmt: skip
        home = "torch" if name in ("sigmoid", "tanh") else functional
        yield function_pair(
            getattr(activations, name), f"{home}.{name}", "activations", million,
            lambda: draw(1000, 1000),
        )  # fmt: skip
    for name in ("relu", "leaky_relu", "hardtanh"):
        yield function_pair(
            getattr(activations, name), FAST_FORMS[name], "fast forms",
            f"{million}, beside {FAST_FORMS[name][0]}", lambda: draw(1000, 1000),
        )  # fmt: skip
    for name in ("softmax", "log_softmax"):
        yield function_pair(
            getattr(activations, name), f"{functional}.{name}", "softmax", f"{million}, over 1000",
            lambda: draw(1000, 1000), dim=-1,
        )  # fmt: skip

    for name in ("cross_entropy", "nll_loss"):
        yield function_pair(
            getattr(losses, name), f"{functional}.{name}", "cross-entropy", "1000 of 1000 classes",
            lambda: F.log_softmax(draw(1000, 1000), dim=-1), lambda: classes(1000, 1000),
        )  # fmt: skip
    for name in ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"):
        yield function_pair(
            getattr(losses, name), f"{functional}.{name}", "losses", million,
            lambda: draw(1000, 1000), lambda: draw(1000, 1000, seed=1), constants=(1,),
        )  # fmt: skip
    yield function_pair(
        losses.binary_cross_entropy, f"{functional}.binary_cross_entropy", "losses", million,
        lambda: torch.sigmoid(draw(1000, 1000)), lambda: (draw(1000, 1000, seed=1) > 0).float(),
        constants=(1,),
    )  # fmt: skip
    yield function_pair(
        losses.binary_cross_entropy_with_logits, f"{functional}.binary_cross_entropy_with_logits",
        "losses", million,
        lambda: draw(1000, 1000), lambda: (draw(1000, 1000, seed=1) > 0).float(), constants=(1,),
    )  # fmt: skip
    yield function_pair(
        losses.kl_div, f"{functional}.kl_div", "losses", f"{million}, batchmean",
        lambda: F.log_softmax(draw(1000, 1000), dim=-1), lambda: probabilities(1000, 1000),
        constants=(1,), reduction="batchmean",
    )  # fmt: skip
    yield function_pair(
        losses.cosine_similarity, f"{functional}.cosine_similarity", "losses", "4000 × 256",
        lambda: draw(4000, 256), lambda: draw(4000, 256, seed=1),
    )  # fmt: skip
    yield function_pair(
        losses.one_hot, f"{functional}.one_hot", "other functions", "10 000 of 100 classes",
        lambda: classes(10_000, 100), num_classes=100,
    )  # fmt: skip

    yield function_pair(
        linear_models.linear, f"{functional}.linear", "linear", "1000 × 784 to 256",
        lambda: draw(1000, 784), lambda: draw(256, 784, seed=1), lambda: draw(256, seed=2),
    )  # fmt: skip
    yield layer_pair(layers.Linear, "linear", "1000 × 784 to 256", (1000, 784), 784, 256)

    images = "32 × 64 × 32 × 32"
    bank = (
        lambda: draw(32, 64, 32, 32),
        lambda: draw(64, 64, 3, 3, seed=1),
        lambda: draw(64, seed=2),
    )
    for function in (convolution.conv2d, unfolding.conv2d_chunked):
        yield function_pair(
            function, (f"{functional}.conv2d", F.conv2d), "conv2d", f"{images}, 3 × 3, 64 out",
            *bank, padding=1,
        )  # fmt: skip
    yield function_pair(
        convolution.conv1d, f"{functional}.conv1d", "other convolutions",
        "32 × 64 × 1024, 3, 64 out",
        lambda: draw(32, 64, 1024), lambda: draw(64, 64, 3, seed=1), lambda: draw(64, seed=2),
        padding=1,
    )  # fmt: skip
    yield function_pair(
        unfolding.conv_transpose2d, f"{functional}.conv_transpose2d", "other convolutions",
        "32 × 64 × 16 × 16, 4 × 4, stride 2, 64 out",
        lambda: draw(32, 64, 16, 16), lambda: draw(64, 64, 4, 4, seed=1),
        lambda: draw(64, seed=2), stride=2, padding=1,
    )  # fmt: skip
    yield function_pair(
        unfolding.unfold, f"{functional}.unfold", "other convolutions",
        "32 × 16 × 32 × 32, 3 × 3", lambda: draw(32, 16, 32, 32), kernel_size=3, padding=1,
    )  # fmt: skip
    yield function_pair(
        unfolding.fold, f"{functional}.fold", "other convolutions", "32 × 16 × 32 × 32, 3 × 3",
        lambda: draw(32, 16 * 9, 1024), output_size=(32, 32), kernel_size=3, padding=1,
    )  # fmt: skip
    yield function_pair(
        convolution.pad, f"{functional}.pad", "other convolutions", f"{images}, 1 on each side",
        lambda: draw(32, 64, 32, 32), pad=(1, 1, 1, 1),
    )  # fmt: skip

    yield function_pair(
        normalization.batch_norm, f"{functional}.batch_norm", "normalization", images,
        lambda: draw(32, 64, 32, 32), lambda: torch.zeros(64), lambda: torch.ones(64),
        lambda: draw(64, seed=1), lambda: draw(64, seed=2), constants=(1, 2), training=True,
    )  # fmt: skip
    yield layer_pair(layers.BatchNorm2d, "normalization", images, (32, 64, 32, 32), 64)
    yield function_pair(
        normalization.layer_norm, f"{functional}.layer_norm", "normalization", "32 × 128 × 512",
        lambda: draw(32, 128, 512), (512,), lambda: draw(512, seed=1), lambda: draw(512, seed=2),
    )  # fmt: skip
    yield layer_pair(layers.LayerNorm, "normalization", "32 × 128 × 512", (32, 128, 512), 512)
    yield function_pair(
        normalization.rms_norm, f"{functional}.rms_norm", "other normalizations",
        "32 × 128 × 512", lambda: draw(32, 128, 512), (512,), lambda: draw(512, seed=1),
    )  # fmt: skip
    yield function_pair(
        normalization.group_norm, f"{functional}.group_norm", "other normalizations",
        f"{images}, 8 groups",
        lambda: draw(32, 64, 32, 32), 8, lambda: draw(64, seed=1), lambda: draw(64, seed=2),
    )  # fmt: skip
    yield function_pair(
        normalization.instance_norm, f"{functional}.instance_norm", "other normalizations",
        images, lambda: draw(32, 64, 32, 32), None, None,
        lambda: draw(64, seed=1), lambda: draw(64, seed=2),
    )  # fmt: skip

    for function, size, options in (
        (pooling.max_pool2d, f"{images}, 2 × 2", {"kernel_size": 2}),
        (pooling.max_pool2d, f"{images}, 3 × 3, stride 2",
         {"kernel_size": 3, "stride": 2, "padding": 1}),
    ):  # fmt: skip
        yield function_pair(
            function, f"{functional}.max_pool2d", "max pooling", size,
            lambda: draw(32, 64, 32, 32), **options,
        )  # fmt: skip
    yield function_pair(
        pooling.max_pool1d, f"{functional}.max_pool1d", "max pooling", "32 × 64 × 1024, 2",
        lambda: draw(32, 64, 1024), kernel_size=2,
    )  # fmt: skip
    expression, fast = FAST_FORMS["max_pool1d"]
    yield function_pair(
        pooling.max_pool1d, (expression, lambda x, kernel_size: fast(x)), "fast forms",
        f"32 × 64 × 1024, 2, beside {expression}", lambda: draw(32, 64, 1024), kernel_size=2,
    )  # fmt: skip
    yield function_pair(
        pooling.adaptive_max_pool2d, f"{functional}.adaptive_max_pool2d", "max pooling",
        f"{images} to 7 × 7", lambda: draw(32, 64, 32, 32), output_size=7,
    )  # fmt: skip
    yield function_pair(
        pooling.avg_pool2d, f"{functional}.avg_pool2d", "other pooling", f"{images}, 2 × 2",
        lambda: draw(32, 64, 32, 32), kernel_size=2,
    )  # fmt: skip
    yield function_pair(
        pooling.avg_pool1d, f"{functional}.avg_pool1d", "other pooling", "32 × 64 × 1024, 2",
        lambda: draw(32, 64, 1024), kernel_size=2,
    )  # fmt: skip
    yield function_pair(
        pooling.adaptive_avg_pool2d, f"{functional}.adaptive_avg_pool2d", "other pooling",
        f"{images} to 7 × 7", lambda: draw(32, 64, 32, 32), output_size=7,
    )  # fmt: skip
    pooled = F.max_pool2d(draw(32, 64, 32, 32), 2, return_indices=True)
    yield function_pair(
        pooling.max_unpool2d, f"{functional}.max_unpool2d", "other pooling",
        "32 × 64 × 16 × 16, 2 × 2", lambda: pooled[0].clone(), lambda: pooled[1], kernel_size=2,
    )  # fmt: skip

    steps = "64 steps, batch 32, hidden 256"
    for layer in (recurrent_layers.RNN, recurrent_layers.LSTM, recurrent_layers.GRU):
        yield layer_pair(layer, "recurrent", steps, (64, 32, 256), 256, 256)
    state = (lambda: draw(32, 256), lambda: draw(32, 256, seed=1))
    for name, n_gates in (("rnn", 1), ("lstm", 4), ("gru", 3)):
        ours = getattr(recurrence, f"{name}_cell")
        theirs = "rnn_tanh_cell" if name == "rnn" else f"{name}_cell"
        hidden = state if name != "lstm" else (
            lambda: draw(32, 256), lambda: (draw(32, 256, seed=1), draw(32, 256, seed=2)),
        )  # fmt: skip
        yield function_pair(
            ours, f"torch.{theirs}", "recurrent cells", "batch 32, hidden 256", *hidden,
            lambda n=n_gates: 0.05 * draw(n * 256, 256, seed=3),
            lambda n=n_gates: 0.05 * draw(n * 256, 256, seed=4),
            lambda n=n_gates: draw(n * 256, seed=5), lambda n=n_gates: draw(n * 256, seed=6),
        )  # fmt: skip

    tokens = [lambda seed=seed: draw(32, 8, 128, 64, seed=seed) for seed in range(3)]
    yield function_pair(
        attention.scaled_dot_product_attention, f"{functional}.scaled_dot_product_attention",
        "other functions", "32 × 8 heads, 128 tokens of 64", *tokens,
    )  # fmt: skip
    yield function_pair(
        dimensionality.pairwise_distances, "torch.cdist", "other functions",
        "1000 and 1000 points of 32", lambda: draw(1000, 32), lambda: draw(1000, 32, seed=1),
    )  # fmt: skip
    yield function_pair(
        regularization.dropout, f"{functional}.dropout", "other functions", million,
        lambda: draw(1000, 1000),
    )  # fmt: skip
    yield function_pair(
        regularization.dropout2d, f"{functional}.dropout2d", "other functions", images,
        lambda: draw(32, 64, 32, 32),
    )  # fmt: skip

    yield optimizer_pair("SGD")
    yield optimizer_pair("SGD", momentum=0.9)
    yield optimizer_pair("Adam")
    yield optimizer_pair("AdamW")
    yield optimizer_pair("RMSprop")
    yield optimizer_pair("Adagrad")
    yield clipping_pair("clip_grad_norm_")
    yield clipping_pair("clip_grad_value_")

    yield one_call_pair(
        "handbook.training.fit", "the bare loop", "fit", bench_fit.SIZE, bench_fit.plain
    )
    yield one_call_pair(
        "handbook.training.fit", "the bare loop", "fit with a callback",
        f"{bench_fit.SIZE}, with a callback", bench_fit.watched,
    )  # fmt: skip
    if bench_fit.Engine is not None:
        yield one_call_pair(
            "handbook.training.fit", "pytorch-ignite", "fit beside a training library",
            f"{bench_fit.SIZE}, beside ignite", bench_fit.beside_ignite, devices=("cpu",),
        )  # fmt: skip
    for batch_size, shuffle in ((16, False), (16, True), (250, True)):
        yield one_call_pair(
            "handbook.batches.mini_batches", "torch.utils.data.DataLoader", "batches",
            f"1000 × 10, by {batch_size} {'shuffled' if shuffle else 'in order'}",
            lambda _, b=batch_size, s=shuffle: bench_batches.epochs(b, s), devices=("cpu",),
        )  # fmt: skip

    # A batch of the size that a lesson trains on: what is left is Python, and the guards in it.
    small = "16 × 128"
    yield function_pair(
        activations.relu, f"{functional}.relu", "small inputs", small, lambda: draw(16, 128)
    )
    yield function_pair(
        linear_models.linear, f"{functional}.linear", "small inputs", f"{small} to 128",
        lambda: draw(16, 128), lambda: draw(128, 128, seed=1), lambda: draw(128, seed=2),
    )  # fmt: skip
    yield function_pair(
        losses.cross_entropy, f"{functional}.cross_entropy", "small inputs", "16 of 10 classes",
        lambda: draw(16, 10), lambda: classes(16, 10),
    )  # fmt: skip
    yield function_pair(
        normalization.batch_norm, f"{functional}.batch_norm", "small inputs", small,
        lambda: draw(16, 128), lambda: torch.zeros(128), lambda: torch.ones(128),
        lambda: draw(128, seed=1), lambda: draw(128, seed=2), constants=(1, 2), training=True,
    )  # fmt: skip
    yield function_pair(
        normalization.layer_norm, f"{functional}.layer_norm", "small inputs", small,
        lambda: draw(16, 128), (128,), lambda: draw(128, seed=1), lambda: draw(128, seed=2),
    )  # fmt: skip


# -- measuring ----------------------------------------------------------------------------------


def chosen(only: str, device: torch.device) -> list[Pair]:
    """Return the pairs that this device has and that are wanted; say so where none is."""
    found = [pair for pair in pairs() if device.type in pair.devices and only in pair.ours]
    if not found:
        raise SystemExit(f"--only must be part of a function's name, got {only!r}")
    return found


def measure(
    what: str, device: torch.device, only: str, budget_s: float, compiles: bool
) -> list[dict[str, Any]]:
    """Return one row for each pair and direction: its times, or the memory, or both."""
    rows = []
    for pair in chosen(only, device):
        for direction, (ours, theirs, *others) in pair.calls(device).items():
            row: dict[str, Any] = {
                "ours": pair.ours, "theirs": pair.theirs, "family": pair.family,
                "size": pair.size, "direction": direction,
            }  # fmt: skip
            if "time" in what:
                third = others[0] if others and compiles and can_compile(device) else None
                if third is not None:
                    require_equal(third(), ours(), f"{pair.ours}, {direction},")
                row |= asdict(measuring.interleaved(ours, theirs, device, budget_s, third))
            if "memory" in what:
                row["ours_peak_bytes"] = measuring.peak_bytes(ours, device)
                row["theirs_peak_bytes"] = measuring.peak_bytes(theirs, device)
            rows.append(row)
            print(".", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return rows


def worker(
    what: str, n_threads: int, only: str, budget_s: float, compiles: bool
) -> list[dict[str, Any]]:
    """Measure in a process of its own, so that threads and allocator are as they should be."""
    environment = os.environ | {
        "OMP_NUM_THREADS": str(n_threads), "MKL_NUM_THREADS": str(n_threads),
        "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    if what == "memory":
        environment |= measuring.MEMORY_SETTINGS
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.json"
        command = [sys.executable, __file__, "--worker", what, "--json", str(path)]
        command += ["--only", only, "--budget", str(budget_s)]
        command += ["--compile"] if compiles else ["--no-compile"]
        # What is compiled goes with the folder; no process that compiles runs beside the clock.
        environment |= {"TORCHINDUCTOR_CACHE_DIR": folder, "TORCHINDUCTOR_COMPILE_THREADS": "1"}
        subprocess.run(command, check=True, env=environment)
        return json.loads(path.read_text(encoding="utf-8"))


def import_times() -> dict[str, float]:
    """Return the median seconds of fresh interpreters that import, in turns."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    taken: dict[str, list[float]] = {name: [] for name in IMPORTS}
    for attempt in range(IMPORT_ROUNDS + 1):
        for name, statement in IMPORTS.items():
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", statement], check=True, env=environment)
            if attempt:  # the first fills the disk's cache
                taken[name].append(time.perf_counter() - start)
    return {name: statistics.median(times) for name, times in taken.items()}


def key(row: dict[str, Any]) -> tuple[str, ...]:
    return row["ours"], row["theirs"], row["size"], row["direction"]


def run(
    device: torch.device, only: str, budget_s: float, threads: list[int], compiles: bool
) -> dict[str, Any]:
    """Return everything that the page shows."""
    start = time.perf_counter()
    rows = []
    if device.type == "cpu":
        memory = {key(row): row for row in worker("memory", 1, only, budget_s, False)}
        for n_threads in threads:
            timed = worker("time", n_threads, only, budget_s, compiles)
            rows += [row | memory[key(row)] | {"threads": n_threads} for row in timed]
    else:
        measured = worker("time and memory", 1, only, budget_s, compiles)
        rows = [row | {"threads": 1} for row in measured]
    imports = {} if only else import_times()
    card = torch.cuda.get_device_name(device) if device.type == "cuda" else None
    return {
        "device": card or device.type.upper(),
        "cpu": measuring.cpu_model(),
        "cores": measuring.n_cores(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "torch": torch.__version__,
        "cuda": torch.version.cuda if device.type == "cuda" else None,
        "date": datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
        "duration_s": round(time.perf_counter() - start),
        "import_s": imports,
        "rows": rows,
    }  # fmt: skip


def rounded(value: Any) -> Any:
    """Keep four digits of every number: more would be noise."""
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, (list, tuple)):
        return [rounded(part) for part in value]
    if isinstance(value, dict):
        return {name: rounded(part) for name, part in value.items()}
    return value


def as_text(results: dict[str, Any]) -> str:
    """Return JSON with one row a line, so that a difference of two files can be read."""
    results = rounded(results)
    rows = ",\n".join("  " + json.dumps(row, ensure_ascii=False) for row in results["rows"])
    head = json.dumps(results | {"rows": []}, indent=1, ensure_ascii=False)
    return head.replace('"rows": []', f'"rows": [\n{rows}\n ]') + "\n"


def show(results: dict[str, Any]) -> None:
    """Print the table."""
    print(f"{results['device']}, {results['cpu']}, PyTorch {results['torch']}")
    for row in results["rows"]:
        ratio = row["ours_s"] / row["theirs_s"]
        name = f"{row['ours'].removeprefix('handbook.')}, {row['direction']}"
        memory = ""
        if row["ours_peak_bytes"] is not None:
            ours, theirs = (row[f"{side}_peak_bytes"] / 1e6 for side in ("ours", "theirs"))
            memory = f"  {ours:7.1f} / {theirs:7.1f} MB"
        third = ""
        if row["compiled_s"] is not None:
            third = f"  compiled {row['compiled_s'] / row['theirs_s']:.2f}"
        print(
            f"{name:58s} {row['threads']} thread{'s' if row['threads'] > 1 else ' '} "
            f"{1e3 * row['ours_s']:9.3f} ms {1e3 * row['theirs_s']:9.3f} ms {ratio:7.2f}"
            f"{memory}{third}"
        )
    for name, taken in results["import_s"].items():
        print(f"{name:58s} {taken:6.3f} s")
    print(f"measured in {results['duration_s']} s")


def main() -> None:
    """Measure, print, and write the file."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--json", help="where the results go")
    parser.add_argument("--only", default="", help="measure the pairs with this in their name")
    parser.add_argument("--budget", type=float, default=BUDGET_S, help="seconds for each timing")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="on the CPU")
    parser.add_argument(
        "--compile", action=argparse.BooleanOptionalAction, default=True,
        help="time torch.compile's form of our functions, too",
    )  # fmt: skip
    parser.add_argument("--worker", default="", help=argparse.SUPPRESS)
    options = parser.parse_args()
    device = get_device()
    if options.worker:
        # The same arithmetic on both sides: cuDNN would otherwise round convolutions to TF32.
        torch.backends.cudnn.allow_tf32 = False
        rows = measure(options.worker, device, options.only, options.budget, options.compile)
        Path(options.json).write_text(json.dumps(rows), encoding="utf-8")
        return
    results = run(device, options.only, options.budget, options.threads, options.compile)
    show(results)
    if options.json:
        Path(options.json).parent.mkdir(parents=True, exist_ok=True)
        Path(options.json).write_text(as_text(results), encoding="utf-8")


if __name__ == "__main__":
    main()
