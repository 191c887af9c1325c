"""Normalisation: closed forms, PyTorch's answers, gradients by hand, and means far from zero."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd import gradcheck, gradgradcheck

from handbook import layers
from handbook.normalization import (
    batch_norm,
    batch_norm_backward,
    group_norm,
    instance_norm,
    layer_norm,
    rms_norm,
)
from handbook.seeding import make_generator

F64 = torch.float64
BATCH_SHAPES = [(5, 3), (2, 3), (4, 3, 6), (1, 3, 2), (2, 3, 4, 5), (2, 3, 2, 2, 2)]


def draw(*shape: int, seed: int = 0, dtype: torch.dtype = F64) -> Tensor:
    return torch.randn(shape, generator=make_generator(seed), dtype=F64).to(dtype)


def statistics(dtype: torch.dtype = F64) -> tuple[Tensor, Tensor]:
    return draw(3, seed=7, dtype=dtype), draw(3, seed=8, dtype=dtype).abs() + 0.5


# ---- closed forms and the taught properties ----------------------------------------------------


def test_the_output_has_mean_zero_and_biased_variance_one_in_each_channel() -> None:
    y = batch_norm(5 * draw(8, 3, 4, 4) + 2, None, None, training=True, eps=1e-12)
    torch.testing.assert_close(y.mean((0, 2, 3)), torch.zeros(3, dtype=F64))
    torch.testing.assert_close(y.var((0, 2, 3), correction=0), torch.ones(3, dtype=F64))


def test_the_running_variance_is_unbiased_and_momentum_weighs_the_new_value() -> None:
    mean, var = torch.zeros(3, dtype=F64), torch.ones(3, dtype=F64)
    x = draw(6, 3)
    batch_norm(x, mean, var, training=True, momentum=0.25)
    torch.testing.assert_close(mean, 0.25 * x.mean(0))
    torch.testing.assert_close(var, 0.75 + 0.25 * x.var(0, correction=1))


def test_evaluation_uses_and_keeps_the_running_statistics() -> None:
    mean, var = statistics()
    before = mean.clone(), var.clone()
    x = draw(1, 3)
    torch.testing.assert_close(batch_norm(x, mean, var), (x - mean) / (var + 1e-5).sqrt())
    assert torch.equal(mean, before[0])
    assert torch.equal(var, before[1])


def test_a_constant_channel_comes_out_as_the_bias() -> None:
    bias = torch.tensor([1.0, 2.0, 3.0])
    y = batch_norm(torch.full((4, 3), 1e4), None, None, bias=bias, training=True)
    assert torch.equal(y, bias.expand(4, 3))


def test_the_scale_and_shift_of_the_input_do_not_matter_to_what_shares_them() -> None:
    x, eps = draw(4, 6, 5), 1e-12
    for function in (
        lambda x: batch_norm(x, None, None, training=True, eps=eps),
        lambda x: layer_norm(x, (6, 5), eps=eps),
        lambda x: group_norm(x, 3, eps=eps),
        lambda x: instance_norm(x, eps=eps),
    ):
        torch.testing.assert_close(function(100 * x - 7), function(x))
        assert not torch.allclose(function(-x), function(x))
    torch.testing.assert_close(rms_norm(100 * x, (5,), eps=eps), rms_norm(x, (5,), eps=eps))
    assert not torch.allclose(rms_norm(x - 7, (5,)), rms_norm(x, (5,)))
    # A scale of each sample: layer, group and instance normalisation remove it, batch does not.
    per_sample = torch.tensor([1.0, 2.0, 5.0, 0.5], dtype=F64)[:, None, None]
    torch.testing.assert_close(
        layer_norm(per_sample * x, (6, 5), eps=eps), layer_norm(x, (6, 5), eps=eps)
    )
    batch = batch_norm(per_sample * x, None, None, training=True)
    assert not torch.allclose(batch, batch_norm(x, None, None, training=True), atol=0.1)
    # A scale of each channel: batch and instance normalisation remove it, layer does not.
    per_channel = torch.arange(1.0, 7, dtype=F64)[:, None]
    torch.testing.assert_close(
        batch_norm(per_channel * x, None, None, training=True, eps=eps),
        batch_norm(x, None, None, training=True, eps=eps),
    )
    assert not torch.allclose(layer_norm(per_channel * x, (6, 5)), layer_norm(x, (6, 5)), atol=0.1)


def test_one_group_is_a_layer_and_a_group_for_each_channel_an_instance_normalisation() -> None:
    x = draw(3, 6, 4, 5)
    torch.testing.assert_close(group_norm(x, 1), layer_norm(x, (6, 4, 5)))
    torch.testing.assert_close(group_norm(x, 6), instance_norm(x))


def test_one_sample_decides_about_another_only_in_batch_norm() -> None:
    x = draw(3, 4, 5)
    changed = x.clone()
    changed[1] += 1 + draw(4, 5, seed=1)
    for function in (lambda x: layer_norm(x, (4, 5)), lambda x: group_norm(x, 2), instance_norm):
        assert torch.equal(function(x)[0], function(changed)[0])
    first, second = (batch_norm(v, None, None, training=True)[0] for v in (x, changed))
    assert not torch.allclose(first, second, atol=0.01)


# ---- PyTorch -----------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float32, F64, torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("shape", BATCH_SHAPES)
@pytest.mark.parametrize("training", [True, False])
def test_batch_norm_equals_pytorch_with_its_running_statistics(
    shape: tuple[int, ...], training: bool, dtype: torch.dtype, device: torch.device
) -> None:
    half = dtype in (torch.float16, torch.bfloat16)
    kept = torch.float32 if half else dtype
    sides = []
    for function in (batch_norm, F.batch_norm):
        x = (2 * draw(*shape) + 1).to(device=device, dtype=dtype).requires_grad_()
        weight = draw(3, seed=1, dtype=kept).to(device).requires_grad_()
        bias = draw(3, seed=2, dtype=kept).to(device).requires_grad_()
        mean, var = (s.to(device) for s in statistics(kept))
        y = function(x, mean, var, weight, bias, training, 0.3, 1e-3)
        upstream = draw(*shape, seed=3).to(y)
        sides.append((y, mean, var, *torch.autograd.grad(y, (x, weight, bias), upstream)))
    for i, (ours, theirs) in enumerate(zip(*sides, strict=True)):
        assert ours.dtype == theirs.dtype, i
        tolerance = {"rtol": 2e-2, "atol": 2e-2} if half else {}
        torch.testing.assert_close(ours, theirs, **tolerance)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_rounded_once(dtype: torch.dtype) -> None:
    x = (3 * draw(64, 4, 5) + 100).to(dtype)
    for function in (
        lambda x: batch_norm(x, None, None, training=True),
        lambda x: layer_norm(x, (5,)),
        lambda x: group_norm(x, 2),
        instance_norm,
        lambda x: rms_norm(x, (5,), eps=1e-5),
    ):
        exact = function(x.double())
        assert function(x).dtype == dtype
        error = (function(x).double() - exact).abs() / exact.abs().clamp(min=0.1)
        assert error.max() <= 0.51 * torch.finfo(dtype).eps


def test_half_precision_takes_parameters_in_either_dtype() -> None:
    x = draw(4, 3, dtype=torch.float16)
    ones = torch.ones(3)
    for weight, bias in itertools.product((None, ones, ones.half()), repeat=2):
        assert batch_norm(x, None, None, weight, bias, training=True).dtype == torch.float16


def test_running_statistics_of_instance_norm_are_averages_over_the_samples() -> None:
    sides = []
    for function in (instance_norm, F.instance_norm):
        mean, var = statistics()
        function(draw(4, 3, 5), mean, var, momentum=0.3)
        sides.append((mean, var))
    torch.testing.assert_close(sides[0], sides[1])


def test_an_empty_batch_is_empty_and_changes_nothing() -> None:
    mean, var = statistics()
    before = mean.clone()
    for shape in ((0, 3), (0, 3, 4), (2, 3, 0)):
        assert batch_norm(draw(*shape), mean, var, training=True).shape == shape
    assert instance_norm(draw(0, 3, 4), mean, var).shape == (0, 3, 4)
    assert torch.equal(mean, before)
    assert var.isfinite().all()
    assert batch_norm(draw(2, 0, 4), None, None, training=True).shape == (2, 0, 4)
    assert layer_norm(draw(2, 0), (0,)).shape == (2, 0)
    assert group_norm(draw(0, 4, 3), 2).shape == (0, 4, 3)


# ---- gradients ---------------------------------------------------------------------------------

FUNCTIONS: list[tuple[str, Callable[..., Tensor], tuple[int, ...], tuple[int, ...]]] = [
    ("train", lambda x, w, b: batch_norm(x, None, None, w, b, True), (4, 3, 2), (3,)),
    ("eval", lambda x, w, b: batch_norm(x, *statistics(), w, b), (4, 3, 2), (3,)),
    ("layer", lambda x, w, b: layer_norm(x, (3, 2), w, b), (2, 3, 2), (3, 2)),
    ("group", lambda x, w, b: group_norm(x, 2, w, b), (2, 4, 3), (4,)),
    ("instance", lambda x, w, b: instance_norm(x, weight=w, bias=b), (2, 3, 4), (3,)),
    ("rms", lambda x, w, b: rms_norm(x, (4,), w) + b, (3, 4), (4,)),
]


@pytest.mark.parametrize(("name", "function", "shape", "sizes"), FUNCTIONS)
def test_gradients_of_first_and_second_order(
    name: str, function: Any, shape: tuple[int, ...], sizes: tuple[int, ...]
) -> None:
    leaves = (draw(*shape), draw(*sizes, seed=1), draw(*sizes, seed=2))
    leaves = tuple(leaf.requires_grad_() for leaf in leaves)
    assert gradcheck(function, leaves)
    assert gradgradcheck(function, leaves)


@pytest.mark.parametrize("shape", BATCH_SHAPES)
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("scaled", [True, False])
def test_the_backward_by_hand_equals_autograd(
    shape: tuple[int, ...], training: bool, scaled: bool
) -> None:
    x, bias = draw(*shape).requires_grad_(), torch.zeros(3, dtype=F64, requires_grad=True)
    weight = draw(3, seed=1) if scaled else torch.ones(3, dtype=F64)
    weight.requires_grad_()
    stats = statistics()
    y = F.batch_norm(x, *(s.clone() for s in stats), weight, bias, training)
    g = draw(*shape, seed=2)
    wanted = torch.autograd.grad(y, (x, weight, bias), g)
    given = (x.detach(), weight.detach() if scaled else None)
    found = batch_norm_backward(g, *given, *stats, training)
    for a, b in zip(found, wanted, strict=True):
        torch.testing.assert_close(a, b)


def test_the_gradient_of_a_channel_has_no_mean_and_no_part_along_the_output() -> None:
    x = draw(8, 3, 4)
    grad, _, _ = batch_norm_backward(draw(8, 3, 4, seed=1), x, eps=1e-12)
    normalized = batch_norm(x, None, None, training=True, eps=1e-12)
    for product in (grad, grad * normalized):
        torch.testing.assert_close(product.sum((0, 2)), torch.zeros(3, dtype=F64))


def test_a_backward_of_half_precision_keeps_its_dtype_and_an_empty_one_its_shape() -> None:
    x = draw(4, 3, dtype=torch.bfloat16)
    assert {g.dtype for g in batch_norm_backward(x, x)} == {torch.bfloat16}
    assert batch_norm_backward(draw(0, 3), draw(0, 3))[0].shape == (0, 3)


# ---- far from zero -----------------------------------------------------------------------------


def naive_batch_norm(x: Tensor) -> Tensor:
    """The one-pass variance that the chapter warns of."""
    mean = x.mean(0)
    return (x - mean) / ((x * x).mean(0) - mean * mean + 1e-5).sqrt()


def test_a_mean_of_1e4_costs_no_digits_and_ruins_the_naive_variance() -> None:
    x = (draw(256, 3) + 1e4).float()
    exact = naive_batch_norm(x.double())
    ours = batch_norm(x, None, None, training=True)
    torch.testing.assert_close(ours.double(), exact, rtol=1e-5, atol=1e-5)
    naive = naive_batch_norm(x)
    assert naive.isnan().any() or (naive - exact).abs().max() > 0.1


@pytest.mark.parametrize(
    ("function", "naive_dims"),
    [
        (lambda x: layer_norm(x, (64,)), (2,)),
        (lambda x: group_norm(x, 2), None),
        (instance_norm, (2,)),
    ],
)
def test_the_others_do_not_lose_digits_either(function: Any, naive_dims: Any) -> None:
    x = (draw(4, 6, 64) + 1e4).float()
    torch.testing.assert_close(function(x).double(), function(x.double()), rtol=1e-5, atol=1e-5)


def test_running_statistics_far_from_zero_are_right() -> None:
    mean, var = torch.zeros(3), torch.ones(3)
    x = (draw(256, 3) + 1e4).float()
    batch_norm(x, mean, var, training=True, momentum=1.0)
    torch.testing.assert_close(mean.double(), x.double().mean(0))
    torch.testing.assert_close(var.double(), x.double().var(0))


def test_an_infinite_number_makes_the_running_mean_nan_as_the_docstring_says() -> None:
    x = draw(4, 2)
    x[0, 0] = torch.inf
    running = torch.zeros(2, dtype=F64), torch.ones(2, dtype=F64)
    batch_norm(x, *running, training=True)
    assert running[0].isnan().tolist() == [True, False]


def test_nan_and_infinity_stay_in_their_channel() -> None:
    x = draw(4, 3)
    x[0, 1], x[0, 2] = torch.nan, torch.inf
    ours = batch_norm(x, None, None, training=True)
    theirs = F.batch_norm(x, None, None, training=True)
    assert torch.equal(ours.isnan(), theirs.isnan())
    torch.testing.assert_close(ours[:, 0], theirs[:, 0])


# ---- messages ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: batch_norm(draw(1, 3), None, None, training=True), ValueError,
            r"input must hold more than one number for each channel in training, got a float64 tens"
        ),
        (
            lambda: batch_norm_backward(draw(1, 3), draw(1, 3)), ValueError,
            "use a larger batch, or training=False",
        ),
        (lambda: batch_norm(draw(3), None, None, training=True), ValueError, r"shape \(N, C, \*\)"),
        (
            lambda: batch_norm(draw(2, 3), None, None), ValueError,
            "running_mean and running_var must be given without training; use training=True",
        ),
        (
            lambda: batch_norm_backward(draw(2, 3), draw(2, 3), training=False), ValueError,
            "running_mean and running_var must be given without training",
        ),
        (
            lambda: batch_norm(draw(2, 3), draw(3), None, training=True), ValueError,
            "running_mean and running_var must come together, got only one of them",
        ),
        (
            lambda: batch_norm(draw(2, 4), *statistics()), ValueError,
            r"running_mean must have shape \(C,\) = \(4,\), got a float64 tensor of shape \(3,\)",
        ),
        (
            lambda: batch_norm(draw(2, 3), None, None, draw(4), training=True), ValueError,
            r"weight must have shape \(C,\) = \(3,\), got a float64 tensor of shape \(4,\)",
        ),
        (
            lambda: batch_norm(draw(2, 3), None, None, bias=draw(3).float(), training=True),
            TypeError, r"bias must have input's dtype float64, got a float32 .* bias.to\(input",
        ),
        (
            lambda: batch_norm(draw(2, 3), None, None, training=True, eps=0.0), ValueError,
            "eps must be above 0 in training, got 0.0",
        ),
        (
            lambda: batch_norm(torch.ones(2, 3, dtype=torch.long), None, None, training=True),
            TypeError, "input must have a floating-point dtype, got an int64 tensor",
        ),
        (
            lambda: batch_norm([1.0], None, None, training=True), TypeError,
            "input must be a tensor, got a list",
        ),
        (
            lambda: batch_norm_backward(draw(3, 2), draw(2, 3)), ValueError,
            r"grad_output must have the input's shape \(2, 3\), got a float64 tensor",
        ),
        (
            lambda: layer_norm(draw(2, 3), 3), TypeError,
            r"normalized_shape must be a tuple of ints, got 3; use \(3,\)",
        ),
        (
            lambda: layer_norm(draw(2, 3), ("a",)), TypeError,
            r"normalized_shape\[0\] must be an int, got 'a'",
        ),
        (
            lambda: layer_norm(draw(2, 3), ()), ValueError,
            r"normalized_shape must name at least one size, got \(\)",
        ),
        (
            lambda: layer_norm(draw(2, 3), (4,)), ValueError,
            r"input must end with the sizes normalized_shape = \(4,\), got a float64",
        ),
        (
            lambda: layer_norm(draw(2, 3), (3,), draw(1)), ValueError,
            r"weight must have shape normalized_shape = \(3,\), got",
        ),
        (lambda: rms_norm(draw(2, 3), (2,)), ValueError, "input must end with the sizes"),
        (
            lambda: group_norm(draw(2, 4), 3), ValueError,
            "num_groups must divide the 4 channels of input, got 3",
        ),
        (lambda: group_norm(draw(2, 4), 0), ValueError, "num_groups must be at least 1, got 0"),
        (lambda: group_norm(draw(4), 2), ValueError, r"input must have shape \(N, C, \*\), got"),
        (
            lambda: group_norm(draw(1, 4), 4), ValueError,
            "input must hold more than one number for each group, got .* with num_groups = 4",
        ),
        (
            lambda: instance_norm(draw(2, 3, 1)), ValueError,
            "input must hold more than one number in space for each channel",
        ),
        (lambda: instance_norm(draw(2, 3)), ValueError, "more than one number in space"),
        (
            lambda: instance_norm(draw(2, 3, 4), use_input_stats=False), ValueError,
            "running_mean and running_var must be given without use_input_stats",
        ),
    ],
)  # fmt: skip
def test_bad_input_is_refused(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


# ---- layers ------------------------------------------------------------------------------------

LAYERS: list[tuple[str, tuple[Any, ...], list[dict[str, Any]], tuple[int, ...]]] = [
    (
        "BatchNorm1d", (3,),
        [{}, {"momentum": None}, {"affine": False}, {"track_running_stats": False},
         {"eps": 0.1, "momentum": 0.7}, {"bias": False}],
        (5, 3),
    ),
    (
        "BatchNorm2d", (3,),
        [{}, {"momentum": None}, {"affine": False}, {"track_running_stats": False}],
        (5, 3, 4, 2),
    ),
    (
        "InstanceNorm1d", (3,),
        [{}, {"affine": True}, {"affine": True, "track_running_stats": True, "momentum": 0.4}],
        (5, 3, 4),
    ),
    (
        "InstanceNorm2d", (3,),
        [{}, {"affine": True, "bias": False}, {"track_running_stats": True}], (5, 3, 4, 2),
    ),
    (
        "LayerNorm", ((3, 4),),
        [{}, {"elementwise_affine": False}, {"bias": False}, {"eps": 0.1}], (5, 3, 4),
    ),
    ("LayerNorm", (4,), [{}], (5, 3, 4)),
    ("GroupNorm", (2, 4), [{}, {"affine": False}, {"eps": 0.1}, {"bias": False}], (5, 4, 3)),
]  # fmt: skip
EVERY = [(n, s, o, shape) for n, s, options, shape in LAYERS for o in options]


def twins(name: str, sizes: tuple[Any, ...], options: dict[str, Any]) -> list[nn.Module]:
    return [getattr(space, name)(*sizes, **options, dtype=F64) for space in (layers, nn)]


@pytest.mark.parametrize(("name", "sizes", "options", "shape"), EVERY)
def test_a_layer_follows_pytorch_s_through_training_and_evaluation(
    name: str, sizes: tuple[Any, ...], options: dict[str, Any], shape: tuple[int, ...]
) -> None:
    pair = twins(name, sizes, options)
    for step in range(3):
        x = draw(*shape, seed=step) * (step + 1) + step
        outputs = [layer(x) for layer in pair]
        torch.testing.assert_close(*outputs)
        for mine, theirs in zip(*(layer.state_dict().values() for layer in pair), strict=True):
            torch.testing.assert_close(mine, theirs)
    x = draw(*shape, seed=9)
    torch.testing.assert_close(*(layer.eval()(x) for layer in pair))
    assert repr(pair[0]) == repr(pair[1])


@pytest.mark.parametrize(("name", "sizes", "options", "shape"), EVERY)
def test_the_state_goes_across_both_ways(
    name: str, sizes: tuple[Any, ...], options: dict[str, Any], shape: tuple[int, ...]
) -> None:
    for giver, taker in (twins(name, sizes, options), twins(name, sizes, options)[::-1]):
        giver(draw(*shape) + 3)
        with torch.no_grad():
            for parameter in giver.parameters():
                parameter.add_(draw(*parameter.shape, seed=1))
        state = copy.deepcopy(giver.state_dict())
        assert taker.load_state_dict(state).missing_keys == []
        assert list(taker.state_dict()) == list(state)
        assert taker.state_dict()._metadata == state._metadata
        torch.testing.assert_close(giver.eval()(draw(*shape)), taker.eval()(draw(*shape)))


def test_instance_layers_take_a_single_sample() -> None:
    x = draw(3, 5)
    torch.testing.assert_close(layers.InstanceNorm1d(3)(x), nn.InstanceNorm1d(3)(x))


def test_without_momentum_the_running_mean_is_the_average_of_all_batches() -> None:
    layer = layers.BatchNorm1d(2, momentum=None, dtype=F64)
    batches = [draw(4, 2, seed=seed) for seed in range(5)]
    for batch in batches:
        layer(batch)
    torch.testing.assert_close(layer.running_mean, torch.stack(batches).mean((0, 1)))
    assert layer.num_batches_tracked == 5
    layer.reset_running_stats()
    assert (layer.running_mean.sum(), layer.running_var.sum(), layer.num_batches_tracked) == (
        0, 2, 0,
    )  # fmt: skip


def test_device_and_dtype_are_followed(device: torch.device) -> None:
    layer = layers.BatchNorm2d(3, device=device, dtype=torch.bfloat16)
    assert {v.dtype for v in layer.state_dict().values()} == {torch.bfloat16, torch.int64}
    assert layer.running_mean.device.type == device.type
    assert layers.LayerNorm(3, device="meta").weight.is_meta


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: layers.BatchNorm1d(-1), ValueError, "num_features must be at least 0, got -1"),
        (lambda: layers.BatchNorm1d(2.0), TypeError, "num_features must be an int, got 2.0"),
        (lambda: layers.BatchNorm1d(2, eps="a"), TypeError, "eps must be a real number, got 'a'"),
        (
            lambda: layers.BatchNorm1d(3)(torch.zeros(2, 3, 4, 5)), ValueError,
            r"input must have shape \(N, C\) or \(N, C, L\), got a float32 tensor",
        ),
        (
            lambda: layers.BatchNorm2d(3)(torch.zeros(2, 3)), ValueError,
            r"input must have shape \(N, C, H, W\), got",
        ),
        (
            lambda: layers.BatchNorm1d(3)(torch.zeros(2, 4)), ValueError,
            r"running_mean must have shape \(C,\) = \(4,\)",
        ),
        (
            lambda: layers.BatchNorm1d(3)(torch.zeros(1, 3)), ValueError,
            "more than one number for each channel in training",
        ),
        (
            lambda: layers.InstanceNorm1d(3)(torch.zeros(2, 4, 5)), ValueError,
            r"input must have num_features = 3 channels, got .*; use InstanceNorm1d\(4\)",
        ),
        (
            lambda: layers.InstanceNorm1d(3, momentum=None), TypeError,
            "momentum must be a real number, got None",
        ),
        (
            lambda: layers.InstanceNorm2d(3)(torch.zeros(3, 4)), ValueError,
            r"input must have shape \(N, C, H, W\) or \(C, H, W\), got",
        ),
        (lambda: layers.LayerNorm(()), ValueError, "normalized_shape must name at least one size"),
        (lambda: layers.LayerNorm(-1), ValueError, "normalized_shape must be at least 0, got -1"),
        (
            lambda: layers.LayerNorm((2, "a")), TypeError,
            r"normalized_shape\[1\] must be an int, got 'a'",
        ),
        (
            lambda: layers.GroupNorm(3, 4), ValueError,
            "num_channels must be divisible by num_groups = 3, got 4",
        ),
        (
            lambda: layers.GroupNorm(2, 4)(torch.zeros(2, 6)), ValueError,
            r"input must have num_channels = 4 channels, got .*; use GroupNorm\(2, 6\)",
        ),
        (lambda: layers.GroupNorm(2, 4)([1.0]), TypeError, "input must be a tensor, got a list"),
    ],
)  # fmt: skip
def test_a_layer_refuses(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
