"""One table of pairs: what the handbook writes from scratch equals what PyTorch ships.

Each row names our function, PyTorch's, and a generator of cases. Every case is compared forward
and backward, in float32 and in float64. The page "Proven equal" is made from the same table: the
build runs this file with ``--json`` and prints the measured errors.
"""

from __future__ import annotations

import importlib
import inspect
import itertools
import json
import pkgutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import handbook
from handbook.device import get_device
from handbook.seeding import make_generator

DTYPES = (torch.float32, torch.float64)
# Sums are taken in another order than PyTorch's, so the last digits may differ: the allowed error
# is this many units of rounding, relative to the largest number of PyTorch's answer.
ROUNDING_UNITS = 64 if get_device().type == "cpu" else 512  # a GPU splits its sums
# On a GPU, convolutions and recurrent layers may round what they multiply to 10 bits (TF32).
torch.backends.cudnn.allow_tf32 = False
HOSTILE = (0.0, -0.0, 1e-8, -1e-8, 1e-3, -1e-3, 1.0, -1.0, 3.0, -3.0, 20.0, -20.0, 88.0, -88.0)
EXTREME = (100.0, -100.0, 1e4, -1e4, 1e30, -1e30)


@dataclass(frozen=True)
class Case:
    """Arguments of one comparison, made in float64; tensors are cast to the dtype under test."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]


Cases = Callable[[], Iterator[Case]]


@dataclass(frozen=True)
class Pair:
    """Our form, PyTorch's, and the cases that both must answer alike."""

    ours: str
    theirs: str
    cases: Cases
    kind: str = "function"
    theirs_options: tuple[tuple[str, Any], ...] = ()  # what makes PyTorch's the sound variant
    constants: tuple[int, ...] = ()  # positions of tensors that no gradient is asked for


def elementwise(*settings: dict[str, Any]) -> Cases:
    """Shapes from a scalar to four dimensions, empty and strided ones, and hostile values."""

    def cases() -> Iterator[Case]:
        generator = make_generator(0)
        shapes = [(), (1,), (7,), (0,), (3, 0), (5, 4), (2, 3, 4), (2, 3, 4, 5)]
        for kwargs in settings or ({},):
            for shape in shapes:
                values = 3 * torch.randn(shape, generator=generator, dtype=torch.float64)
                yield Case((values,), kwargs)
            strided = torch.randn(6, 8, generator=generator, dtype=torch.float64)
            yield Case((strided.t()[::2, 1:],), kwargs)
            yield Case((torch.tensor(HOSTILE + EXTREME, dtype=torch.float64),), kwargs)

    return cases


def along_a_dimension() -> Iterator[Case]:
    """Every dimension of several shapes, huge logits, and logits of minus infinity."""
    generator = make_generator(1)
    for shape in [(1,), (5,), (3, 5), (4, 1), (2, 3, 4), (0, 3)]:
        for dim in range(-len(shape), len(shape)):
            for scale in (1.0, 100.0, 1e4):
                values = torch.randn(shape, generator=generator, dtype=torch.float64)
                yield Case((scale * values,), {"dim": dim})
    masked = torch.tensor([[0.0, -torch.inf, 1.0], [-torch.inf, 2.0, -torch.inf]])
    yield Case((masked.double(),), {"dim": 1})


def point_sets() -> Iterator[Case]:
    """Two sets of points near the origin and far from it, empty ones, and one feature."""
    generator = make_generator(6)
    for n, m, d in ((1, 1, 1), (5, 4, 3), (40, 30, 8), (3, 7, 300), (0, 4, 2), (4, 0, 2)):
        for offset in (0.0, 1e4):
            first, second = (
                torch.randn(rows, d, generator=generator, dtype=torch.float64) + offset
                for rows in (n, m)
            )
            yield Case((first, second), {})


def linear_layers() -> Iterator[Case]:
    """Batches of one sample and of many, none, one feature, and numbers far from zero."""
    generator = make_generator(7)
    for n, n_in, n_out in ((1, 1, 1), (8, 3, 2), (0, 3, 2), (5, 1, 4), (64, 40, 30)):
        for scale in (1.0, 1e4):
            shapes = ((n, n_in), (n_out, n_in), (n_out,))
            drawn = (torch.randn(s, generator=generator, dtype=torch.float64) for s in shapes)
            yield Case(tuple(scale * values for values in drawn), {})


def linear_maps() -> Iterator[Case]:
    """Any leading dimensions, one sample, no bias, a vector of weights, empties and strides."""
    generator = make_generator(9)

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    for leading in ((), (1,), (7,), (0,), (3, 4), (2, 0, 4), (2, 3, 4, 5)):
        for n_in, n_out in ((3, 2), (1, 1), (0, 3), (5, 0), (40, 30)):
            yield Case((draw(*leading, n_in), draw(n_out, n_in), draw(n_out)), {})
            yield Case((draw(*leading, n_in), draw(n_out, n_in)), {})
        yield Case((draw(*leading, 3), draw(3)), {})
        yield Case((1e4 * draw(*leading, 3), 1e4 * draw(2, 3)), {"bias": None})
    yield Case((draw(6, 8).t()[::2, 1:], draw(5, 4).t()[:, :5]), {})
    yield Case((draw(4, 5, 3).transpose(0, 1), draw(2, 6)[:, ::2], draw(4)[::2]), {})
    yield Case((draw(5, 3), draw(2, 3), draw(1)), {})
    yield Case((draw(5, 3), draw(2, 3), draw(())), {})
    yield Case((draw(3), draw(3), draw(())), {})
    yield Case((draw(4, 5, 3), draw(2, 3), draw(5, 2)), {})


def linear_modules() -> Iterator[Case]:
    """Constructor arguments of the layer; the input comes last."""
    generator = make_generator(10)
    for shape, n_out, bias in itertools.product(
        ((5, 3), (3,), (2, 4, 3), (0, 3), (1, 1)), (4, 1, 7), (True, False)
    ):
        entering = torch.randn(shape, generator=generator, dtype=torch.float64)
        yield Case((shape[-1], n_out, entering), {"bias": bias})


def attended_tokens() -> Iterator[Case]:
    """Leading dimensions, empties, causal masks, scales, and masks that hide whole rows."""
    generator = make_generator(40)

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    for leading in ((), (2,), (2, 3), (0,), (1, 1)):
        for n_queries, n_keys, n_features in ((3, 5, 4), (1, 1, 1), (6, 6, 8), (0, 4, 2)):
            qkv = (
                draw(*leading, n_queries, n_features),
                draw(*leading, n_keys, n_features),
                draw(*leading, n_keys, 3),
            )
            mask = draw(n_queries, n_keys)
            yield Case(qkv, {})
            yield Case(qkv, {"is_causal": True})
            yield Case(qkv, {"scale": 0.3})
            yield Case(qkv, {"attn_mask": (mask > 0).to(get_device())})
    yield Case((draw(6, 8).t()[::2], draw(5, 12)[:, ::2], draw(4, 5).t()), {})
    yield Case((30 * draw(3, 4), 30 * draw(5, 4), draw(5, 2)), {})


def predictions() -> Iterator[Case]:
    """Predictions and targets of one shape, summed and averaged."""
    generator = make_generator(8)
    for shape in ((1, 1), (8, 1), (5, 3), (64, 10)):
        for reduction, offset in itertools.product(("mean", "sum"), (0.0, 1e4)):
            pair = (torch.randn(shape, generator=generator, dtype=torch.float64) for _ in "yt")
            yield Case(tuple(values + offset for values in pair), {"reduction": reduction})


def normalizations(kind: str) -> Cases:
    """Batches, signals, images and volumes near and off zero, every option, one and no sample."""

    def cases() -> Iterator[Case]:
        generator = make_generator(9)

        def draw(*shape: int) -> Tensor:
            return torch.randn(*shape, generator=generator, dtype=torch.float64)

        # Two numbers normalise to ±1, and their gradient is what is left of two that cancel: no
        # mean here is taken over fewer than four, so that the comparison is of more than rounding.
        shapes = [(6, 4), (9, 4), (3, 4, 7), (1, 4, 5), (2, 4, 5, 3), (2, 4, 2, 3, 4), (0, 4, 5)]
        for shape, scaled, eps in itertools.product(shapes, (False, True), (1e-5, 0.1)):
            x = 2 * draw(*shape) + 3
            weight, bias = (draw(4), draw(4)) if scaled else (None, None)
            if kind == "batch":
                yield Case((x, None, None, weight, bias), {"training": True, "eps": eps})
                running = (draw(4), draw(4).abs() + 0.5)
                yield Case((x, *running, weight, bias), {"eps": eps})
            elif kind == "instance" and len(shape) > 2 and len(x):  # PyTorch's fails for no sample
                yield Case((x, None, None, weight, bias), {"eps": eps})
                running = (draw(4), draw(4).abs() + 0.5)
                yield Case((x, *running, weight, bias), {"use_input_stats": False, "eps": eps})
            elif kind == "group":
                for num_groups in (1, 2, 4) if len(shape) > 2 else (1,):
                    yield Case((x, num_groups, weight, bias), {"eps": eps})
            elif kind in ("layer", "rms"):
                for n_last in range(1 if shape[-1] > 3 else 2, len(shape)):
                    sizes = shape[-n_last:]
                    scales = [draw(*sizes) for _ in range(2 if kind == "layer" else 1)]
                    yield Case((x, sizes, *(scales if scaled else ())), {"eps": eps})
        image = (draw(2, 4, 6, 5) - 1).to(memory_format=torch.channels_last)
        strided = draw(8, 4, 10, 5)[::2, :, 1::2]
        second = {"batch": (None, None), "layer": ((5,),), "rms": ((5,),), "group": (2,)}
        options = {"training": True} if kind == "batch" else {}
        for x in (image, strided):
            yield Case((x, *second.get(kind, ())), options)

    return cases


def normalization_layers(*sizes: Any, shapes: tuple[tuple[int, ...], ...]) -> Cases:
    """Constructor arguments of the layers; the input comes last."""

    def cases() -> Iterator[Case]:
        generator = make_generator(10)
        for shape, eps, bias in itertools.product(shapes, (1e-5, 0.01, 1.0), (True, False)):
            x = torch.randn(*shape, generator=generator, dtype=torch.float64)
            yield Case((*sizes, 3 * x - 1), {"eps": eps, "bias": bias})

    return cases


def error_cases(*settings: dict[str, Any], weighted: bool = False) -> Cases:
    """Predictions and targets of many shapes, empty and strided; ties, huge errors, inf and nan."""

    def cases() -> Iterator[Case]:
        generator = make_generator(9)

        def draw(*shape: int) -> Tensor:
            return torch.randn(shape, generator=generator, dtype=torch.float64)

        for kwargs, reduction in itertools.product(settings, ("none", "mean", "sum")):
            options = {**kwargs, "reduction": reduction}
            for shape in [(), (1,), (7,), (0,), (3, 0), (5, 1), (2, 3, 4), (2, 3, 4, 5)]:
                yield Case((3 * draw(*shape), draw(*shape)), options)
            yield Case((draw(6, 8).t()[::2, 1:], draw(4, 5)), options)
            hostile = torch.tensor([*HOSTILE, *EXTREME[:4], 0.3, -0.3, 5.0, -5.0]).double()
            yield Case((hostile, torch.zeros_like(hostile)), options)
            yield Case((1e4 + draw(20), 1e4 + draw(20)), options)
            yield Case((torch.tensor([1e30, -1e30, 1.0]).double(), draw(3)), options)
            for value in (torch.inf, -torch.inf, torch.nan):
                yield Case((torch.tensor([value, 1.0]).double(), draw(2)), options)
            if weighted:
                for shape in [(), (7,), (0,), (2, 3, 4)]:
                    weight = draw(*shape).abs()
                    yield Case((draw(*shape), draw(*shape)), {**options, "weight": weight})

    return cases


def class_indices() -> Iterator[Case]:
    """Scores of one sample, of batches and of images, with weights and samples to ignore."""
    generator = make_generator(10)
    shapes = [(3,), (1,), (1, 1), (8, 5), (0, 4), (4, 2, 3), (2, 3, 0), (2, 4, 3, 2)]
    for shape in [*shapes, (2, 3, 1, 2, 2)]:
        n_classes = shape[1] if len(shape) > 1 else shape[0]
        outer = (shape[0], *shape[2:]) if len(shape) > 1 else ()
        for reduction, scale in itertools.product(("none", "mean", "sum"), (1.0, 100.0, 1e4)):
            scores = -scale * torch.rand(shape, generator=generator, dtype=torch.float64)
            target = torch.randint(n_classes, outer, generator=generator)
            weight = torch.rand(n_classes, generator=generator, dtype=torch.float64)
            options: dict[str, Any] = {"target": target, "reduction": reduction}
            yield Case((scores,), options)
            yield Case((scores,), {**options, "weight": weight})
            yield Case((scores,), {**options, "weight": weight, "ignore_index": 0})
            ignored = torch.where(torch.rand(outer, generator=generator) < 0.5, -100, target)
            yield Case((scores,), {**options, "target": ignored})
            yield Case((scores,), {**options, "target": torch.full(outer, -100)})
    strided = torch.randn(5, 8, generator=generator, dtype=torch.float64).t()
    yield Case((strided,), {"target": torch.randint(5, (8,), generator=generator)})


def class_targets() -> Iterator[Case]:
    """As for log-probabilities, and label smoothing, class probabilities, logits of infinity."""
    for case in class_indices():
        yield case
        if case.args[0].dim() in (1, 2):
            yield Case(case.args, {**case.kwargs, "label_smoothing": 0.1})
            yield Case(case.args, {**case.kwargs, "label_smoothing": 1.0})
    generator = make_generator(11)
    for shape in [(3,), (1, 1), (8, 5), (0, 4), (4, 0), (4, 2, 3), (2, 4, 3, 2)]:
        n_classes = shape[1] if len(shape) > 1 else shape[0]
        for reduction, scale in itertools.product(("none", "mean", "sum"), (1.0, 100.0, 1e4)):
            scores, truth = (
                torch.randn(shape, generator=generator, dtype=torch.float64) for _ in "zq"
            )
            weight = torch.rand(n_classes, generator=generator, dtype=torch.float64)
            truth = truth.softmax(1 if len(shape) > 1 else 0)
            for smoothing, kwargs in itertools.product((0.0, 0.1), ({}, {"weight": weight})):
                options = {"reduction": reduction, "label_smoothing": smoothing, **kwargs}
                yield Case((scale * scores, truth), options)
    masked = torch.tensor([[0.0, -torch.inf, 1.0], [-torch.inf, 2.0, 0.0]]).double()
    for value in (masked, -masked, torch.full_like(masked, torch.nan)):
        yield Case((value,), {"target": torch.tensor([0, 0]), "reduction": "none"})


def class_numbers() -> Iterator[Case]:
    """Class numbers of every shape, with the number of classes given and left to be found."""
    generator = make_generator(12)
    for shape in [(), (1,), (7,), (2, 3), (2, 3, 4)]:
        classes = torch.randint(5, shape, generator=generator)
        for kwargs in ({}, {"num_classes": -1}, {"num_classes": 5}, {"num_classes": 9}):
            yield Case((classes,), kwargs)
    for shape in [(0,), (2, 0, 3)]:
        yield Case((torch.zeros(shape, dtype=torch.int64),), {"num_classes": 3})


def yes_or_no(*, logits: bool) -> Cases:
    """Probabilities or logits against soft and hard targets, weighted, from certain to wrong."""

    def cases() -> Iterator[Case]:
        generator = make_generator(13)

        def draw(*shape: int) -> Tensor:
            return torch.rand(shape, generator=generator, dtype=torch.float64)

        for reduction in ("none", "mean", "sum"):
            for shape in [(), (1,), (7,), (0,), (3, 0), (8, 1), (5, 3), (2, 3, 4)]:
                guess, truth = draw(*shape), draw(*shape)
                if logits:
                    guess = 20 * guess - 10
                yield Case((guess, truth), {"reduction": reduction})
                yield Case((guess, truth.round()), {"reduction": reduction})
                for size in {shape, shape[-1:], ()}:
                    options = {"reduction": reduction, "weight": draw(*size)}
                    yield Case((guess, truth), options)
                    if logits:
                        options["pos_weight"] = 3 * draw(*size)
                        yield Case((guess, truth), options)
        # At 0 and 1 PyTorch's slope has a constant of float32 in it: tests/test_losses.py has them.
        edges = [0.5, 1e-10, 1e-7, 1e-3, 1 - 1e-5]
        if logits:
            edges = [*HOSTILE, *EXTREME]
        for truth in (0.0, 1.0, 0.25):
            # The slope with respect to the target is infinite at 0 and 1: compare that of input.
            target = torch.full((len(edges),), truth)
            yield Case((torch.tensor(edges).double(),), {"target": target, "reduction": "none"})
        if logits:
            bad = torch.tensor([torch.inf, torch.nan]).double()
            for truth in (0.0, 1.0, 0.5):
                target = torch.full((2,), truth)
                yield Case((bad,), {"target": target, "reduction": "none"})

    return cases


def two_distributions() -> Iterator[Case]:
    """Rows of probabilities and of their logarithms, with zeros, unbatched and empty."""
    generator = make_generator(14)
    for shape in [(), (1,), (5,), (8, 3), (0, 3), (2, 3, 4)]:
        for reduction in ("none", "mean", "sum", "batchmean"):
            model, truth = (
                5 * torch.randn(shape, generator=generator, dtype=torch.float64) for _ in "pq"
            )
            dim = len(shape) - 1
            log_p, log_q = model.log_softmax(dim), truth.log_softmax(dim)
            yield Case((log_p, log_q.exp()), {"reduction": reduction})
            yield Case((log_p, log_q), {"reduction": reduction, "log_target": True})
    certain = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.5, 0.5]]).double()
    for kwargs in ({"reduction": "none"}, {"reduction": "batchmean"}):
        yield Case((torch.zeros(2, 3).log_softmax(1).double(), certain), kwargs)
        yield Case((certain.log(), certain), kwargs)
        yield Case((certain.log(), certain.log()), {**kwargs, "log_target": True})


def pairs_of_vectors() -> Iterator[Case]:
    """Every dimension of several shapes, broadcast ones, zeros, short and long vectors."""
    generator = make_generator(15)
    shapes = [((5,), (5,)), ((4, 3), (4, 3)), ((4, 3), (3,)), ((1, 3), (4, 3)), ((2, 3, 4), (3, 1))]
    for first, second in [*shapes, ((0, 3), (0, 3)), ((2, 0), (2, 0)), ((), ())]:
        n_dims = max(len(first), 1)
        # Where one vector meets many, the slopes of tiny vectors are huge and nearly cancel.
        scales = (1.0, 1e5, 1e-5) if first == second != () else (1.0, 1e5)
        for dim, scale in itertools.product(range(-n_dims, n_dims), scales):
            pair = (
                torch.randn(shape, generator=generator, dtype=torch.float64)
                for shape in (first, second)
            )
            yield Case(tuple(scale * vectors for vectors in pair), {"dim": dim})
    ones, other = torch.ones(2, 3), torch.tensor([[1.0, 2.0, 3.0], [0.0, -1.0, 0.5]])
    for length in (0.0, 1e-10, 1e-7):
        for eps in (1e-8, 1e-3):
            yield Case((length * ones.double(), other.double()), {"eps": eps})


def thinnings(*shapes: tuple[int, ...]) -> Cases:
    """Probabilities with both ends, training and evaluation; both sides draw from one seed."""

    def cases() -> Iterator[Case]:
        generator = make_generator(13)
        for shape, p, training in itertools.product(
            (*shapes, (*shapes[-1][:-1], 8)), (0.0, 0.2, 0.5, 0.9, 1.0), (True, False)
        ):
            x = torch.randn(shape, generator=generator, dtype=torch.float64)
            yield Case((x,), {"p": p, "training": training})
        last = torch.randn(3, 4, 5, 6, generator=generator, dtype=torch.float64).transpose(1, 2)
        if len(shapes[-1]) == 4:
            yield Case((last,), {"p": 0.3})
            yield Case((last.contiguous(memory_format=torch.channels_last),), {"p": 0.3})

    return cases


def dropout_layers(*shapes: tuple[int, ...]) -> Cases:
    """Constructor arguments of the layers; the input comes last."""

    def cases() -> Iterator[Case]:
        generator = make_generator(14)
        for shape, p in itertools.product(
            shapes, (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.9, 1.0)
        ):
            yield Case((torch.randn(shape, generator=generator, dtype=torch.float64),), {"p": p})

    return cases


def convolutions(n_dims: int) -> Cases:
    """Batched and single images over strides, paddings, dilations, groups and kernels."""

    def cases() -> Iterator[Case]:
        generator = make_generator(2)

        def draw(*shape: int) -> Tensor:
            return torch.randn(*shape, generator=generator, dtype=torch.float64)

        for stride, padding, dilation, groups, kernel_size in itertools.product(
            (1, 2), (0, 1, 2), (1, 2), (1, 2), (1, 2, 3)
        ):
            image = draw(2, 4, *range(7, 7 + n_dims))
            weight = draw(6, 4 // groups, *([kernel_size] * n_dims))
            options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
            yield Case((image, weight, draw(6)), options)
        for padding in ("same", "valid"):
            for dilation in (1, 2):
                options = {"padding": padding, "dilation": dilation}
                yield Case(
                    (draw(2, 3, *([8] * n_dims)), draw(4, 3, *range(2, 2 + n_dims))), options
                )
        yield Case((draw(3, *([6] * n_dims)), draw(4, 3, *([3] * n_dims)), draw(4)), {})
        yield Case((draw(0, 3, *([6] * n_dims)), draw(4, 3, *([3] * n_dims)), draw(4)), {})
        if n_dims == 2:
            mixed = {"stride": (2, 1), "padding": (0, 2), "dilation": (1, 3)}
            yield Case((draw(1, 2, 9, 11), draw(3, 2, 2, 3), draw(3)), mixed)
            last = draw(2, 3, 6, 5).to(memory_format=torch.channels_last)
            yield Case((last, draw(4, 3, 3, 3)), {"padding": 1})

    return cases


def convolution_layers(n_dims: int) -> Cases:
    """Constructor arguments of the layers; the input comes last."""

    def cases() -> Iterator[Case]:
        generator = make_generator(3)
        for stride, padding, groups, bias in itertools.product(
            (1, 2), (0, 1), (1, 2), (True, False)
        ):
            image = torch.randn(2, 4, *([8] * n_dims), generator=generator, dtype=torch.float64)
            options = {"stride": stride, "padding": padding, "groups": groups, "bias": bias}
            yield Case((4, 6, 3, image), options)

    return cases


def transposed_convolutions(*, as_layer: bool = False) -> Cases:
    """Batched and single images over strides, paddings, dilations, groups and kernels."""

    def cases() -> Iterator[Case]:
        generator = make_generator(20)

        def draw(*shape: int) -> Tensor:
            return torch.randn(*shape, generator=generator, dtype=torch.float64)

        for stride, padding, dilation, groups, kernel_size in itertools.product(
            (1, 2, 3), (0, 1), (1, 2), (1, 2), (2, 3)
        ):
            options = {
                "stride": stride, "padding": padding, "dilation": dilation, "groups": groups,
                "output_padding": max(stride, dilation) - 1,
            }  # fmt: skip
            if as_layer:
                yield Case((4, 6, kernel_size, draw(2, 4, 5, 4)), options)
            else:
                weight = draw(4, 6 // groups, kernel_size, kernel_size)
                yield Case((draw(2, 4, 5, 4), weight, draw(6)), options)
        if not as_layer:
            yield Case((draw(3, 6, 5), draw(3, 4, 3, 2), draw(4)), {"stride": (2, 1)})
            yield Case((draw(0, 3, 6, 5), draw(3, 4, 3, 2), draw(4)), {})
            last = draw(2, 3, 6, 5).to(memory_format=torch.channels_last)
            yield Case((last, draw(3, 4, 3, 3)), {"padding": (2, 0)})

    return cases


def pooled(shapes: list[tuple[int, ...]], settings: list[dict[str, Any]]) -> Cases:
    """Images with and without ties, far from zero, strided, over all settings."""

    def cases() -> Iterator[Case]:
        generator = make_generator(21)
        for kwargs, shape in itertools.product(settings, shapes):
            values = torch.randn(shape, generator=generator, dtype=torch.float64)
            yield Case((values,), kwargs)
            yield Case((values.round() + 1e4,), kwargs)
            wide = torch.randn((*shape[:-1], 2 * shape[-1]), generator=generator).double()
            yield Case((wide[..., ::2],), kwargs)

    return cases


def layer_arguments(cases: Cases, *names: str) -> Cases:
    """Turn the cases of a function into a layer's: arguments by position, then the input."""

    def turned() -> Iterator[Case]:
        for case in cases():
            first = tuple(case.kwargs[name] for name in names)
            rest = {key: value for key, value in case.kwargs.items() if key not in names}
            yield Case((*first, *case.args), rest)

    return turned


IMAGES_TO_POOL = [(2, 3, 7, 8), (3, 6, 5), (0, 2, 6, 6)]
POOLING_WINDOWS: list[dict[str, Any]] = [
    {"kernel_size": 2},
    {"kernel_size": 3, "stride": 2, "padding": 1},
    {"kernel_size": (3, 2), "stride": (1, 2), "padding": (1, 0), "ceil_mode": True},
    {"kernel_size": 2, "stride": 3, "ceil_mode": True},
]
DILATED: list[dict[str, Any]] = [{"kernel_size": 2, "dilation": 2}]
DILATED += [{"kernel_size": 3, "stride": 1, "padding": 1, "dilation": (1, 2)}]
COUNTED: list[dict[str, Any]] = [
    {"kernel_size": 3, "padding": 1, "ceil_mode": True, "count_include_pad": False},
    {"kernel_size": 2, "divisor_override": 3},
]
max_pools = pooled(IMAGES_TO_POOL, [*POOLING_WINDOWS, *DILATED])
avg_pools = pooled(IMAGES_TO_POOL, [*POOLING_WINDOWS, *COUNTED])
adaptive_pools = pooled(
    IMAGES_TO_POOL, [{"output_size": n} for n in (1, 2, 3, 5, 9, (None, 2), (4, 1))]
)
SIGNALS_TO_POOL = [(2, 3, 9), (4, 8), (0, 2, 6)]
ONE = {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True}
max_pools_1d = pooled(SIGNALS_TO_POOL, [{"kernel_size": 2}, ONE, {"kernel_size": 2, "dilation": 3}])
avg_pools_1d = pooled(
    SIGNALS_TO_POOL, [{"kernel_size": 2}, ONE, {**ONE, "count_include_pad": False}]
)
unfolds = pooled(
    IMAGES_TO_POOL,
    [{"kernel_size": 2}, {"kernel_size": (3, 2), "dilation": 2, "padding": 1, "stride": (1, 2)}],
)
folds = pooled(
    [(2, 12, 12), (12, 12), (0, 12, 12)],
    [
        {"output_size": (4, 5), "kernel_size": 2},
        {"output_size": (7, 7), "kernel_size": (3, 2), "padding": 1, "stride": 2, "dilation": 2},
    ],
)


def recurrent_cells(n_gates: int, n_states: int = 1) -> Cases:
    """One step: batches of one and of many, none, empty dimensions, no biases, large numbers."""

    def cases() -> Iterator[Case]:
        generator = make_generator(20)

        def draw(*shape: int) -> Tensor:
            return torch.randn(*shape, generator=generator, dtype=torch.float64)

        for n, c, h in ((1, 1, 1), (5, 3, 4), (0, 3, 4), (4, 0, 3), (2, 3, 0), (16, 12, 10)):
            for bias, scale in itertools.product((True, False), (1.0, 100.0)):
                rows = n_gates * h
                state = tuple(draw(n, h) for _ in range(n_states))
                weights = [draw(rows, c), draw(rows, h)]
                weights += [draw(rows), draw(rows)] if bias else []
                hx = state if n_states > 1 else state[0]
                yield Case((scale * draw(n, c), hx, *weights), {})

    return cases


def recurrent_layers_of(*settings: dict[str, Any]) -> Cases:
    """Layers, directions, biases and both places of the batch; the input comes last."""

    def cases() -> Iterator[Case]:
        generator = make_generator(21)
        for setting, n_layers, bidirectional, bias, first in itertools.product(
            settings or ({},), (1, 2), (False, True), (True, False), (True, False)
        ):
            options = {
                **setting, "num_layers": n_layers, "bidirectional": bidirectional, "bias": bias,
                "batch_first": first,
            }  # fmt: skip
            for shape in ((5, 2, 3), (2, 5, 3), (4, 3)):
                yield Case(
                    (3, 4, torch.randn(shape, generator=generator, dtype=torch.float64)), options
                )

    return cases


def recurrent_cell_layers(*settings: dict[str, Any]) -> Cases:
    """Cells with and without biases, for batches and for one sample; the input comes last."""

    def cases() -> Iterator[Case]:
        generator = make_generator(22)
        for setting, bias, shape in itertools.product(
            settings or ({},), (True, False), ((5, 3), (1, 3), (0, 3), (3,), (40, 3))
        ):
            entering = torch.randn(shape, generator=generator, dtype=torch.float64)
            yield Case((3, 4, entering), {**setting, "bias": bias})

    return cases


TABLE = [
    Pair("activations.relu", "F.relu", elementwise()),
    Pair("activations.leaky_relu", "F.leaky_relu", elementwise({}, {"negative_slope": 0.2})),
    Pair("activations.elu", "F.elu", elementwise({}, {"alpha": 0.5})),
    Pair("activations.gelu", "F.gelu", elementwise({}, {"approximate": "tanh"})),
    Pair("activations.silu", "F.silu", elementwise()),
    Pair("activations.sigmoid", "torch.sigmoid", elementwise()),
    Pair("activations.tanh", "torch.tanh", elementwise()),
    Pair(
        "activations.softplus", "F.softplus",
        elementwise({}, {"beta": 2.0}, {"beta": 0.5, "threshold": 5.0}),
    ),
    Pair("activations.softsign", "F.softsign", elementwise()),
    Pair("activations.hardtanh", "F.hardtanh", elementwise({}, {"min_val": -2.0, "max_val": 0.5})),
    Pair("activations.softmax", "F.softmax", along_a_dimension),
    Pair("activations.log_softmax", "F.log_softmax", along_a_dimension),
    Pair(
        "attention.scaled_dot_product_attention", "F.scaled_dot_product_attention", attended_tokens
    ),
    Pair("backprop.linear_forward", "F.linear", linear_layers),
    Pair("backprop.squared_error_forward", "F.mse_loss", predictions),
    Pair(
        "dimensionality.pairwise_distances", "torch.cdist", point_sets,
        theirs_options=(("compute_mode", "donot_use_mm_for_euclid_dist"),),
    ),
    Pair("losses.mse_loss", "F.mse_loss", error_cases({}, weighted=True)),
    Pair("losses.l1_loss", "F.l1_loss", error_cases({}, weighted=True)),
    Pair(
        "losses.smooth_l1_loss", "F.smooth_l1_loss",
        error_cases({}, {"beta": 0.0}, {"beta": 0.3}, {"beta": 5.0}),
    ),
    Pair("losses.huber_loss", "F.huber_loss", error_cases({}, {"delta": 0.3}, {"delta": 5.0})),
    Pair("losses.nll_loss", "F.nll_loss", class_indices),
    Pair("losses.cross_entropy", "F.cross_entropy", class_targets),
    Pair("losses.one_hot", "F.one_hot", class_numbers),
    Pair("losses.binary_cross_entropy", "F.binary_cross_entropy", yes_or_no(logits=False)),
    Pair(
        "losses.binary_cross_entropy_with_logits", "F.binary_cross_entropy_with_logits",
        yes_or_no(logits=True),
    ),
    Pair("losses.kl_div", "F.kl_div", two_distributions),
    Pair("losses.cosine_similarity", "F.cosine_similarity", pairs_of_vectors),
    Pair("convolution.conv1d", "F.conv1d", convolutions(1)),
    Pair("convolution.conv2d", "F.conv2d", convolutions(2)),
    Pair("linear_models.linear", "F.linear", linear_maps),
    Pair("layers.Conv1d", "nn.Conv1d", convolution_layers(1), kind="layer"),
    Pair("layers.Conv2d", "nn.Conv2d", convolution_layers(2), kind="layer"),
    Pair("layers.Linear", "nn.Linear", linear_modules, kind="layer"),
    Pair("normalization.batch_norm", "F.batch_norm", normalizations("batch"), constants=(1, 2)),
    Pair("normalization.layer_norm", "F.layer_norm", normalizations("layer")),
    Pair("normalization.group_norm", "F.group_norm", normalizations("group")),
    Pair(
        "normalization.instance_norm", "F.instance_norm", normalizations("instance"),
        constants=(1, 2),
    ),
    Pair("normalization.rms_norm", "F.rms_norm", normalizations("rms")),
    Pair(
        "layers.BatchNorm1d", "nn.BatchNorm1d",
        normalization_layers(4, shapes=((5, 4), (2, 4, 3))), kind="layer",
    ),
    Pair(
        "layers.BatchNorm2d", "nn.BatchNorm2d",
        normalization_layers(4, shapes=((5, 4, 3, 2), (1, 4, 2, 2))), kind="layer",
    ),
    Pair(
        "layers.InstanceNorm1d", "nn.InstanceNorm1d",
        normalization_layers(4, shapes=((5, 4, 3), (4, 6))), kind="layer",
    ),
    Pair(
        "layers.InstanceNorm2d", "nn.InstanceNorm2d",
        normalization_layers(4, shapes=((5, 4, 3, 2), (4, 6, 5))), kind="layer",
    ),
    Pair(
        "layers.LayerNorm", "nn.LayerNorm",
        normalization_layers((4, 3), shapes=((5, 4, 3), (4, 3), (2, 2, 4, 3))), kind="layer",
    ),
    Pair(
        "layers.GroupNorm", "nn.GroupNorm",
        normalization_layers(2, 4, shapes=((2, 4, 3), (1, 4, 2, 3))), kind="layer",
    ),
    Pair("recurrence.rnn_cell", "torch.rnn_tanh_cell", recurrent_cells(1)),
    Pair("recurrence.lstm_cell", "torch.lstm_cell", recurrent_cells(4, n_states=2)),
    Pair("recurrence.gru_cell", "torch.gru_cell", recurrent_cells(3)),
    Pair(
        "recurrent_layers.RNN", "nn.RNN",
        recurrent_layers_of({}, {"nonlinearity": "relu"}), kind="layer",
    ),
    Pair("recurrent_layers.LSTM", "nn.LSTM", recurrent_layers_of(), kind="layer"),
    Pair("recurrent_layers.GRU", "nn.GRU", recurrent_layers_of(), kind="layer"),
    Pair(
        "recurrent_layers.RNNCell", "nn.RNNCell",
        recurrent_cell_layers({}, {"nonlinearity": "relu"}), kind="layer",
    ),
    Pair("recurrent_layers.LSTMCell", "nn.LSTMCell", recurrent_cell_layers(), kind="layer"),
    Pair("recurrent_layers.GRUCell", "nn.GRUCell", recurrent_cell_layers(), kind="layer"),
    Pair("unfolding.conv_transpose2d", "F.conv_transpose2d", transposed_convolutions()),
    Pair("unfolding.unfold", "F.unfold", unfolds),
    Pair("unfolding.fold", "F.fold", folds),
    Pair(
        "layers.ConvTranspose2d", "nn.ConvTranspose2d", transposed_convolutions(as_layer=True),
        kind="layer",
    ),
    Pair("layers.Unfold", "nn.Unfold", layer_arguments(unfolds, "kernel_size"), kind="layer"),
    Pair(
        "layers.Fold", "nn.Fold", layer_arguments(folds, "output_size", "kernel_size"),
        kind="layer",
    ),
    Pair("pooling.max_pool2d", "F.max_pool2d", max_pools),
    Pair("pooling.max_pool1d", "F.max_pool1d", max_pools_1d),
    Pair("pooling.avg_pool2d", "F.avg_pool2d", avg_pools),
    Pair("pooling.avg_pool1d", "F.avg_pool1d", avg_pools_1d),
    Pair("pooling.adaptive_avg_pool2d", "F.adaptive_avg_pool2d", adaptive_pools),
    Pair("pooling.adaptive_max_pool2d", "F.adaptive_max_pool2d", adaptive_pools),
    Pair("layers.MaxPool1d", "nn.MaxPool1d", layer_arguments(max_pools_1d, "kernel_size"), "layer"),
    Pair("layers.MaxPool2d", "nn.MaxPool2d", layer_arguments(max_pools, "kernel_size"), "layer"),
    Pair("layers.AvgPool1d", "nn.AvgPool1d", layer_arguments(avg_pools_1d, "kernel_size"), "layer"),
    Pair("layers.AvgPool2d", "nn.AvgPool2d", layer_arguments(avg_pools, "kernel_size"), "layer"),
    Pair(
        "layers.AdaptiveAvgPool2d", "nn.AdaptiveAvgPool2d",
        layer_arguments(adaptive_pools, "output_size"), "layer",
    ),
    Pair(
        "layers.AdaptiveMaxPool2d", "nn.AdaptiveMaxPool2d",
        layer_arguments(adaptive_pools, "output_size"), "layer",
    ),
    Pair("regularization.dropout", "F.dropout", thinnings((), (1,), (0, 3), (5, 4), (2, 3, 4, 5))),
    Pair("regularization.dropout1d", "F.dropout1d", thinnings((4, 6), (2, 4, 6), (0, 4, 6))),
    Pair("regularization.dropout2d", "F.dropout2d", thinnings((2, 4, 3, 5), (0, 4, 3, 5))),
    Pair("layers.Dropout", "nn.Dropout", dropout_layers((5, 4), (7,)), kind="layer"),
    Pair("layers.Dropout1d", "nn.Dropout1d", dropout_layers((4, 6), (2, 4, 6)), kind="layer"),
    Pair("layers.Dropout2d", "nn.Dropout2d", dropout_layers((2, 4, 3, 5)), kind="layer"),
]  # fmt: skip


def find(name: str) -> Any:
    """Return what a short name of the table stands for."""
    space, attribute = name.split(".")
    theirs = {"F": F, "nn": nn, "torch": torch}
    home = theirs[space] if space in theirs else importlib.import_module(f"handbook.{space}")
    return getattr(home, attribute)


def run_function(
    function: Callable[..., Tensor],
    case: Case,
    dtype: torch.dtype,
    constants: tuple[int, ...] = (),
) -> list[Tensor]:
    """Return the output, and the gradient of each tensor argument for one fixed cotangent."""
    torch.manual_seed(0)  # what draws without a generator draws alike
    device = get_device()
    args = [placed(value, device, dtype) for value in case.args]
    tensors = [
        value
        for i, argument in enumerate(args)
        for value in tensors_in(argument)
        if i not in constants and value.is_floating_point()
    ]
    for value in tensors:
        value.requires_grad_()
    kwargs = {name: placed(value, device, dtype) for name, value in case.kwargs.items()}
    output = joined(function(*args, **kwargs))
    return [output.detach(), *(gradients(output, tensors) if tensors else [])]


def placed(value: Any, device: torch.device, dtype: torch.dtype) -> Any:
    """Return a tensor of numbers in the dtype under test, one of indices as it is."""
    if isinstance(value, tuple) and tensors_in(value):
        return tuple(placed(part, device, dtype) for part in value)  # the two states of an LSTM
    if not isinstance(value, Tensor):
        return value
    value = value.detach().to(device)
    return value.to(dtype) if value.is_floating_point() else value


def tensors_in(value: Any) -> list[Tensor]:
    """Return the tensors of a nested tuple, in order."""
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, tuple):
        return [tensor for part in value for tensor in tensors_in(part)]
    return []


def joined(output: Any) -> Tensor:
    """Return the output; where there are several, as one vector."""
    if isinstance(output, Tensor):
        return output
    return torch.cat([tensor.flatten() for tensor in tensors_in(output)])


def run_layer(
    layer: type[nn.Module], case: Case, dtype: torch.dtype, constants: tuple[int, ...] = ()
) -> list[Tensor]:
    """Build the layer, load the same weights by their names, and compare as a function."""
    torch.manual_seed(0)  # what draws without a generator draws alike
    *sizes, image = case.args
    module = layer(*sizes, **case.kwargs).to(dtype).to(get_device())
    generator = make_generator(4)
    shared = {
        name: torch.randn(value.shape, generator=generator, dtype=torch.float64)
        for name, value in sorted(module.state_dict().items())
    }
    module.load_state_dict(shared)
    entering = image.to(device=get_device(), dtype=dtype).requires_grad_()
    output = joined(module(entering))
    named = sorted(module.named_parameters())
    return [output.detach(), *gradients(output, [entering, *(value for _, value in named)])]


def gradients(output: Tensor, tensors: list[Tensor]) -> list[Tensor]:
    """Return the gradient of each tensor for a cotangent that both forms share."""
    cotangent = torch.randn(output.shape, generator=make_generator(5), dtype=torch.float64)
    return list(torch.autograd.grad(output, tensors, cotangent.to(output)))


def cases_here(pair: Pair) -> Iterator[Case]:
    """Leave out what this PyTorch, on this device, has not, or answers unlike its own CPU form."""
    on_cpu = get_device().type == "cpu"
    known = inspect.signature(find(pair.theirs)).parameters if pair.kind == "layer" else {}
    for case in pair.cases():
        if known and "kwargs" not in known and not set(case.kwargs) <= set(known):
            continue  # an option that came later, as the bias of batch norm
        if not on_cpu and "p" in case.kwargs and 0 < case.kwargs["p"] < 1:
            continue  # dropout: two kernels draw two masks
        target = case.kwargs.get("target")
        if not on_cpu and isinstance(target, Tensor) and target.shape in ((), (1,)):
            continue  # the mean over one ignored sample: nan on a CPU, 0 on a GPU
        yield case


def compare(pair: Pair, case: Case, dtype: torch.dtype) -> tuple[float, float]:
    """Return the largest error forward and backward, relative to PyTorch's largest number."""
    run = run_layer if pair.kind == "layer" else run_function
    ours = run(find(pair.ours), case, dtype, pair.constants)
    options = {**case.kwargs, **dict(pair.theirs_options)}
    theirs = run(find(pair.theirs), Case(case.args, options), dtype, pair.constants)
    assert len(ours) == len(theirs)
    errors = []
    for mine, other in zip(ours, theirs, strict=True):
        assert mine.shape == other.shape, f"shape {mine.shape}, PyTorch's is {other.shape}"
        assert mine.dtype == other.dtype, f"dtype {mine.dtype}, PyTorch's is {other.dtype}"
        assert torch.equal(mine.isnan(), other.isnan()), (
            "NaN where PyTorch has none, or the reverse"
        )
        finite = other.isfinite()
        assert torch.equal(mine[~finite].nan_to_num(0), other[~finite].nan_to_num(0))
        scale = max(1.0, other[finite].abs().max().item()) if finite.any() else 1.0
        error = (mine - other)[finite].abs().max().item() if finite.any() else 0.0
        errors.append(error / scale)
    return errors[0], max(errors[1:], default=0.0)


def measure(pair: Pair) -> dict[str, Any]:
    """Return one row of the page: how many cases, and the largest errors in each dtype."""
    row: dict[str, Any] = {"ours": pair.ours, "theirs": pair.theirs, "kind": pair.kind}
    for dtype in DTYPES:
        errors = [compare(pair, case, dtype) for case in cases_here(pair)]
        name = str(dtype).removeprefix("torch.")
        row["cases"] = len(errors)
        row[f"forward_{name}"] = max(forward for forward, _ in errors)
        row[f"backward_{name}"] = max(backward for _, backward in errors)
    return row


# PyTorch warns that 'same' with an even kernel copies its input; ours pads one side more, too.
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
# PyTorch warns that the mean over all elements is not the divergence; the chapter says so too.
@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides the total loss")
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("pair", TABLE, ids=lambda pair: pair.ours)
def test_equals_pytorch_forward_and_backward(pair: Pair, dtype: torch.dtype) -> None:
    allowed = ROUNDING_UNITS * torch.finfo(dtype).eps
    n_cases = 0
    for case in cases_here(pair):
        forward, backward = compare(pair, case, dtype)
        shapes = [tuple(arg.shape) if isinstance(arg, Tensor) else arg for arg in case.args]
        assert forward <= allowed, f"forward differs by {forward} for {shapes} {case.kwargs}"
        assert backward <= allowed, f"backward differs by {backward} for {shapes} {case.kwargs}"
        n_cases += 1
    if n_cases == 0:
        pytest.skip("this PyTorch has not yet the options that the cases set")
    assert n_cases >= (10 if get_device().type == "cpu" else 2)


def test_the_comparison_sees_a_wrong_function() -> None:
    wrong = Pair("activations.relu", "F.silu", elementwise())
    forward, backward = compare(wrong, Case((torch.tensor([-1.0]).double(),), {}), torch.float64)
    assert forward > 0.1
    assert backward > 0.01


def test_every_function_named_like_pytorchs_is_in_the_table() -> None:
    named = set()
    for module in pkgutil.iter_modules(handbook.__path__):
        spaces = (F, nn, torch) if module.name == "activations" else (F, nn)
        for name in importlib.import_module(f"handbook.{module.name}").__all__:
            if any(hasattr(space, name) for space in spaces):
                named.add(f"{module.name}.{name}")
    # These move numbers and compute none, and two take places as well: tested bit by bit elsewhere.
    movers = {"convolution.pad", "pooling.max_unpool2d", "layers.MaxUnpool2d"}
    assert len(named) >= 20
    assert named - movers <= {pair.ours for pair in TABLE}


def test_the_build_finds_every_pair_without_running_this_file() -> None:
    import equivalence  # not at the top: the build runs this file, without its extensions

    assert list(equivalence.pair_digests()) == [pair.ours for pair in TABLE]


if __name__ == "__main__":
    assert sys.argv[1] == "--json", "usage: test_equivalence.py --json FILE [NAME ...]"
    wanted = sys.argv[3:] or [pair.ours for pair in TABLE]
    with open(sys.argv[2], "w", encoding="utf-8") as file:
        json.dump([measure(pair) for pair in TABLE if pair.ours in wanted], file, indent=1)
