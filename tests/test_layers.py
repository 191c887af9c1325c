"""Layers: the same constructor, printed form, weights and start as PyTorch's."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from handbook import layers
from handbook.layers import (
    AdaptiveAvgPool2d,
    AdaptiveMaxPool2d,
    AvgPool1d,
    AvgPool2d,
    BatchNorm1d,
    BatchNorm2d,
    Conv1d,
    Conv2d,
    ConvTranspose2d,
    Dropout,
    Dropout1d,
    Dropout2d,
    Fold,
    GroupNorm,
    InstanceNorm1d,
    InstanceNorm2d,
    LayerNorm,
    Linear,
    MaxPool1d,
    MaxPool2d,
    MaxUnpool2d,
    Unfold,
)
from handbook.normalization import batch_norm, group_norm, instance_norm, layer_norm
from handbook.regularization import dropout, dropout1d, dropout2d
from handbook.seeding import make_generator

PAIRS = [(Conv1d, nn.Conv1d, 1), (Conv2d, nn.Conv2d, 2)]
OPTIONS: list[dict[str, Any]] = [
    {},
    {"kernel_size": 2, "stride": 2, "padding": 1},
    {"dilation": 2, "padding": 2, "groups": 2, "bias": False},
    {"padding": "same", "kernel_size": 4},
    {"padding": "valid", "padding_mode": "circular"},
    {"padding": 2, "padding_mode": "reflect", "stride": 2},
    {"padding": "same", "padding_mode": "replicate", "dilation": 2},
    {"padding": "same", "padding_mode": "circular", "kernel_size": 2},
]


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=make_generator(seed), dtype=torch.float64)


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@pytest.mark.parametrize(("ours", "theirs", "dims"), PAIRS)
@pytest.mark.parametrize("options", OPTIONS)
def test_the_layer_equals_pytorch_s_forward_and_backward(
    ours: Any, theirs: Any, dims: int, options: dict[str, Any], device: torch.device
) -> None:
    options = {"kernel_size": 3, **options}
    mine = ours(4, 6, **options, dtype=torch.float64, device=device, generator=make_generator(0))
    twin = theirs(4, 6, **options, dtype=torch.float64, device=device)
    twin.load_state_dict(mine.state_dict())
    for shape in ((2, 4, 7, 9), (4, 7, 9)):
        x = draw(*shape[: len(shape) - 2 + dims]).to(device)
        sides = []
        for layer in (mine, twin):
            leaf = x.clone().requires_grad_()
            output = layer(leaf)
            upstream = draw(*output.shape, seed=1).to(device)
            sides.append(
                (output, *torch.autograd.grad(output, (leaf, *layer.parameters()), upstream))
            )
        for a, b in zip(*sides, strict=True):
            torch.testing.assert_close(a, b)


@pytest.mark.parametrize(("ours", "theirs", "dims"), PAIRS)
def test_an_asymmetric_setting_reaches_the_right_dimension(
    ours: Any, theirs: Any, dims: int
) -> None:
    options: dict[str, Any] = {
        "kernel_size": (3, 2)[:dims],
        "stride": (1, 2)[:dims],
        "padding": (2, 1)[:dims],
        "dilation": (2, 1)[:dims],
        "padding_mode": "circular",
    }
    x = torch.arange(2.0 * 7 * 9).reshape(1, 2, 7, 9)[(..., slice(None))[2 - dims :]]
    x = x if dims == 2 else x.reshape(1, 2, -1)
    mine, twin = ours(2, 3, **options), theirs(2, 3, **options)
    mine.load_state_dict(twin.state_dict())
    torch.testing.assert_close(mine(x), twin(x))


@pytest.mark.parametrize(("ours", "theirs", "dims"), PAIRS)
def test_weights_go_across_both_ways(ours: Any, theirs: Any, dims: int) -> None:
    for bias, groups in itertools.product((True, False), (1, 2)):
        mine = ours(4, 6, 3, bias=bias, groups=groups)
        twin = theirs(4, 6, 3, bias=bias, groups=groups)
        shapes = [
            {name: value.shape for name, value in layer.state_dict().items()}
            for layer in (mine, twin)
        ]
        assert shapes[0] == shapes[1]
        twin.load_state_dict(mine.state_dict())
        mine.load_state_dict(twin.state_dict())


@pytest.mark.parametrize(("ours", "theirs", "dims"), PAIRS)
def test_the_same_seed_gives_pytorch_s_own_start(ours: Any, theirs: Any, dims: int) -> None:
    for groups in (1, 2):
        with torch.random.fork_rng():
            torch.manual_seed(3)
            twin = theirs(4, 6, 5, groups=groups)
            torch.manual_seed(3)
            default = ours(4, 6, 5, groups=groups)
        own = ours(4, 6, 5, groups=groups, generator=make_generator(3))
        for a, b, c in zip(twin.parameters(), default.parameters(), own.parameters(), strict=True):
            assert torch.equal(a, b)
            assert torch.equal(a, c)


def test_a_generator_leaves_the_global_one_alone() -> None:
    before = torch.get_rng_state()
    Conv2d(3, 4, 3, generator=make_generator(0)).reset_parameters(generator=make_generator(1))
    assert torch.equal(before, torch.get_rng_state())


def test_the_start_fills_the_interval_that_the_fan_in_sets() -> None:
    layer = Conv2d(8, 64, 5, generator=make_generator(0))
    bound = (8 * 5 * 5) ** -0.5
    for parameter in layer.parameters():
        assert parameter.abs().max() <= bound
    assert layer.weight.abs().max() > 0.99 * bound
    assert abs(layer.weight.std().item() - bound / 3**0.5) < 0.02 * bound


@pytest.mark.parametrize(("ours", "theirs", "dims"), PAIRS)
@pytest.mark.parametrize("options", OPTIONS)
def test_it_prints_like_pytorch_s(
    ours: Any, theirs: Any, dims: int, options: dict[str, Any]
) -> None:
    options = {"kernel_size": 3, **options}
    assert repr(ours(4, 6, **options)) == repr(theirs(4, 6, **options))


def test_the_example_of_five_channels_and_ten_kernels() -> None:
    layer = Conv2d(5, 10, kernel_size=3, generator=make_generator(0))
    assert layer(torch.zeros(1, 5, 100, 100)).shape == (1, 10, 98, 98)
    assert layer.weight.shape == (10, 5, 3, 3)
    assert sum(p.numel() for p in layer.parameters()) == 10 * 5 * 3 * 3 + 10


def test_device_and_dtype_are_followed(device: torch.device) -> None:
    layer = Conv2d(2, 3, 3, device=device, dtype=torch.bfloat16, generator=make_generator(0))
    assert layer.weight.dtype == torch.bfloat16
    assert layer.weight.device.type == device.type
    assert Conv2d(2, 3, 3, device="meta", generator=make_generator(0)).weight.is_meta


def test_no_input_channels_is_a_layer_without_weights() -> None:
    layer = Conv2d(0, 2, 3)
    assert layer.weight.shape == (2, 0, 3, 3)


@pytest.mark.parametrize("layer", [Conv1d, Conv2d])
@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"in_channels": -1}, ValueError, "in_channels must be at least 0, got -1"),
        ({"in_channels": 2.0}, TypeError, "in_channels must be an int, got 2.0"),
        ({"out_channels": 0}, ValueError, "out_channels must be at least 1, got 0"),
        ({"kernel_size": 0}, ValueError, "kernel_size must be at least 1, got 0"),
        ({"kernel_size": (3, 3, 3)}, ValueError, "kernel_size must be an int or a tuple of"),
        ({"kernel_size": "3"}, TypeError, "kernel_size must be an int, got '3'"),
        ({"stride": 0}, ValueError, "stride must be at least 1, got 0"),
        ({"padding": -1}, ValueError, "padding must be at least 0, got -1"),
        ({"padding": "full"}, ValueError, "padding must be one of 'valid', 'same', got 'full'"),
        ({"padding": "same", "stride": 2}, ValueError, "stride must be 1 with padding 'same'"),
        ({"dilation": 0}, ValueError, "dilation must be at least 1, got 0"),
        ({"groups": 0}, ValueError, "groups must be at least 1, got 0"),
        ({"groups": 3}, ValueError, "in_channels must be divisible by groups = 3, got 4"),
        ({"groups": 4}, ValueError, "out_channels must be divisible by groups = 4, got 6"),
        ({"padding_mode": "mirror"}, ValueError, "padding_mode must be one of 'zeros', 'reflect'"),
        ({"dtype": torch.int64}, TypeError, "dtype must be a floating-point or complex one, got"),
        ({"generator": 0}, TypeError, "generator must be a torch.Generator, got 0"),
    ],
)
def test_the_constructor_refuses(
    layer: Any, changes: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        layer(**{"in_channels": 4, "out_channels": 6, "kernel_size": 3, **changes})


def test_a_call_with_the_wrong_input_says_so_with_any_padding_mode() -> None:
    for padding_mode in ("zeros", "reflect"):
        layer = Conv2d(4, 6, 3, padding=1, padding_mode=padding_mode)
        with pytest.raises(ValueError, match=r"input must have shape \(N, C, H, W\) or \(C, H, W"):
            layer(torch.zeros(5, 5))
        with pytest.raises(TypeError, match="input must be a tensor, got a list"):
            layer([1.0])
    with pytest.raises(ValueError, match="pad must add at most 3 cells at each end of dimension"):
        Conv2d(1, 1, 3, padding=4, padding_mode="reflect")(torch.zeros(1, 1, 4, 4))


# More about these layers stands in test_regularization.py, beside their functions.
def test_a_dropout_layer_is_one_call_of_its_function() -> None:
    for layer, function, shape in (
        (Dropout, dropout, (7, 5)),
        (Dropout1d, dropout1d, (4, 6, 5)),
        (Dropout2d, dropout2d, (4, 6, 3, 5)),
    ):
        x = draw(*shape).float()
        drawn = layer(0.3, generator=make_generator(3))(x)
        assert torch.equal(drawn, function(x, 0.3, generator=make_generator(3)))


# More about these layers stands in test_normalization.py, beside their functions.
def test_a_normalisation_layer_is_one_call_of_its_function() -> None:
    signal, image = draw(5, 4, 6).float(), draw(5, 4, 3, 2).float()
    for layer, x, output in (
        (BatchNorm1d(4), signal, batch_norm(signal, None, None, training=True)),
        (BatchNorm2d(4), image, batch_norm(image, None, None, training=True)),
        (InstanceNorm1d(4), signal, instance_norm(signal)),
        (InstanceNorm2d(4), image, instance_norm(image)),
        (LayerNorm((4, 6)), signal, layer_norm(signal, (4, 6))),
        (GroupNorm(2, 4), image, group_norm(image, 2)),
    ):
        torch.testing.assert_close(layer(x), output)


def test_every_layer_is_a_module() -> None:
    for name in layers.__all__:
        assert issubclass(getattr(layers, name), nn.Module)


# ---- transposed convolution, windows, pooling --------------------------------------------------

WINDOW_LAYERS: list[tuple[Any, Any, tuple[Any, ...], dict[str, Any], tuple[int, ...]]] = [
    (Unfold, nn.Unfold, (3,), {"padding": 1, "stride": 2}, (2, 3, 7, 6)),
    (Unfold, nn.Unfold, ((2, 3), 2, 1, 2), {}, (3, 7, 6)),
    (Fold, nn.Fold, (5, 2), {}, (2, 12, 16)),
    (Fold, nn.Fold, ((4, 5), 3, 1, 1, 2), {}, (18, 6)),
    (MaxPool1d, nn.MaxPool1d, (3, 2, 1), {}, (2, 3, 9)),
    (MaxPool1d, nn.MaxPool1d, (2, None, 0, 2, False, True), {}, (3, 9)),
    (MaxPool2d, nn.MaxPool2d, (2,), {}, (2, 3, 7, 6)),
    (MaxPool2d, nn.MaxPool2d, (3, 2, 1, 2, False, True), {}, (2, 3, 9, 8)),
    (AvgPool1d, nn.AvgPool1d, (3, 2, 1, True, False), {}, (2, 3, 8)),
    (AvgPool2d, nn.AvgPool2d, (3, 2, 1, True, False), {}, (2, 3, 8, 7)),
    (AvgPool2d, nn.AvgPool2d, ((2, 3),), {"divisor_override": 5}, (3, 8, 7)),
    (AdaptiveAvgPool2d, nn.AdaptiveAvgPool2d, ((None, 3),), {}, (2, 3, 8, 7)),
    (AdaptiveMaxPool2d, nn.AdaptiveMaxPool2d, (3,), {}, (2, 3, 8, 7)),
]


@pytest.mark.parametrize(("ours", "theirs", "args", "options", "shape"), WINDOW_LAYERS)
def test_a_layer_without_weights_equals_pytorch_s_and_prints_like_it(
    ours: Any, theirs: Any, args: tuple[Any, ...], options: dict[str, Any], shape: tuple[int, ...]
) -> None:
    mine, twin = ours(*args, **options), theirs(*args, **options)
    assert repr(mine) == repr(twin)
    assert mine.state_dict() == twin.state_dict()
    x = draw(*shape)
    torch.testing.assert_close(mine(x), twin(x))


def test_pooling_layers_give_places_that_unpooling_takes() -> None:
    x = draw(2, 3, 7, 6)
    for pool, theirs in (
        (MaxPool2d(2, return_indices=True), nn.MaxPool2d(2, return_indices=True)),
        (AdaptiveMaxPool2d(3, True), nn.AdaptiveMaxPool2d(3, True)),
    ):
        for mine, other in zip(pool(x), theirs(x), strict=True):
            assert torch.equal(mine, other)
    maxima, places = MaxPool2d(2, return_indices=True)(x)
    assert repr(MaxUnpool2d(2)) == repr(nn.MaxUnpool2d(2))
    assert torch.equal(
        MaxUnpool2d(2)(maxima, places, x.shape),
        nn.MaxUnpool2d(2)(maxima, places, x.shape),
    )
    signal = MaxPool1d(2, return_indices=True)(x[0])
    assert torch.equal(signal[1], nn.MaxPool1d(2, return_indices=True)(x[0])[1])


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"stride": 2, "padding": 1, "output_padding": 1},
        {"stride": (2, 3), "groups": 2, "bias": False, "dilation": 2},
    ],
)
def test_conv_transpose2d_equals_pytorch_s_and_exchanges_weights(options: dict[str, Any]) -> None:
    mine = ConvTranspose2d(4, 6, 3, **options, dtype=torch.float64, generator=make_generator(0))
    twin = nn.ConvTranspose2d(4, 6, 3, **options, dtype=torch.float64)
    twin.load_state_dict(mine.state_dict())
    mine.load_state_dict(twin.state_dict())
    assert repr(mine) == repr(twin)
    for shape in ((2, 4, 5, 4), (4, 5, 4)):
        torch.testing.assert_close(mine(draw(*shape)), twin(draw(*shape)))
    x = draw(2, 4, 5, 4)
    size = tuple(n + s - 1 for n, s in zip(twin(x, None).shape[-2:], mine.stride, strict=True))
    if not any(mine.output_padding):
        torch.testing.assert_close(mine(x, size), twin(x, size))
        torch.testing.assert_close(mine(x, (2, 6, *size)), twin(x, size))


def test_conv_transpose2d_starts_in_pytorch_s_bounds() -> None:
    layer = ConvTranspose2d(8, 4, 3, groups=2, generator=make_generator(0))
    bound = 1 / (2 * 3 * 3) ** 0.5
    assert 0.9 * bound < layer.weight.abs().max() <= bound
    assert layer.bias.abs().max() <= bound
    twin = nn.ConvTranspose2d(64, 4, 3, groups=2)
    assert 0.9 * bound < twin.weight.abs().max() <= bound
    again = ConvTranspose2d(8, 4, 3, groups=2, generator=make_generator(0))
    assert torch.equal(layer.weight, again.weight)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: ConvTranspose2d(0, 1, 2), ValueError, "in_channels must be at least 1, got 0"),
        (
            lambda: ConvTranspose2d(3, 4, 2, groups=2),
            ValueError,
            "in_channels must be divisible by groups = 2, got 3",
        ),
        (
            lambda: ConvTranspose2d(1, 1, 2, padding_mode="reflect"),
            ValueError,
            "padding_mode must be one of 'zeros', got 'reflect'",
        ),
        (
            lambda: ConvTranspose2d(1, 1, 2, dtype=torch.int64),
            TypeError,
            r"dtype must be a floating-point or complex one, got torch\.int64",
        ),
        (
            lambda: ConvTranspose2d(1, 1, 2, generator=0),
            TypeError,
            r"generator must be a torch\.Generator, got 0",
        ),
        (
            lambda: ConvTranspose2d(1, 1, 3, 2)(torch.zeros(1, 1, 4, 4), (9, 11)),
            ValueError,
            "output_size must lie between 9 and 10 in dimension -1, got 11",
        ),
        (
            lambda: ConvTranspose2d(1, 1, 3, 2)(torch.zeros(1, 1, 4, 4), (9,)),
            ValueError,
            r"output_size must be \(height, width\) or a shape of 4 numbers, got \(9,\)",
        ),
        (lambda: AvgPool1d(0), ValueError, "kernel_size must be at least 1, got 0"),
        (lambda: MaxUnpool2d(2.0), TypeError, r"kernel_size must be an int, got 2\.0"),
        (lambda: MaxPool2d(2, padding=2)(torch.zeros(1, 4, 4)), ValueError, "padding must be at"),
        (lambda: Unfold(5)(torch.zeros(1, 4, 4)), ValueError, "kernel_size must span at most"),
        (lambda: Fold(4, 2)(torch.zeros(1, 4, 8)), ValueError, "input must have 3 × 3 = 9 columns"),
    ],
)
def test_the_newer_layers_refuse_with_a_reason(
    call: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        call()


# ---- linear -------------------------------------------------------------------------------------


@pytest.mark.parametrize("bias", [True, False])
def test_linear_equals_pytorch_s_forward_and_backward(bias: bool, device: torch.device) -> None:
    mine = Linear(3, 2, bias, device=device, dtype=torch.float64, generator=make_generator(0))
    twin = nn.Linear(3, 2, bias, device=device, dtype=torch.float64)
    twin.load_state_dict(mine.state_dict())
    for shape in ((5, 3), (3,), (2, 4, 3), (0, 3)):
        sides = []
        for layer in (mine, twin):
            leaf = draw(*shape).to(device).requires_grad_()
            output = layer(leaf)
            upstream = draw(*output.shape, seed=1).to(device)
            sides.append(
                (output, *torch.autograd.grad(output, (leaf, *layer.parameters()), upstream))
            )
        for a, b in zip(*sides, strict=True):
            torch.testing.assert_close(a, b)


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
@pytest.mark.parametrize("sizes", [(3, 2), (1, 1), (0, 2), (3, 0), (100, 50)])
def test_linear_starts_and_prints_like_pytorch_s(sizes: tuple[int, int]) -> None:
    for bias in (True, False):
        with torch.random.fork_rng():
            torch.manual_seed(3)
            twin = nn.Linear(*sizes, bias=bias)
            torch.manual_seed(3)
            default = Linear(*sizes, bias=bias)
        own = Linear(*sizes, bias=bias, generator=make_generator(3))
        assert repr(own) == repr(twin)
        for a, b, c in zip(twin.parameters(), default.parameters(), own.parameters(), strict=True):
            assert torch.equal(a, b)
            assert torch.equal(a, c)


def test_linear_follows_device_and_dtype(device: torch.device) -> None:
    layer = Linear(2, 3, device=device, dtype=torch.bfloat16, generator=make_generator(0))
    assert layer.weight.dtype == torch.bfloat16
    assert layer(torch.ones(4, 2, device=device, dtype=torch.bfloat16)).shape == (4, 3)
    assert Linear(2, 3, device="meta", generator=make_generator(0)).weight.is_meta


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"in_features": -1}, ValueError, "in_features must be at least 0, got -1"),
        ({"in_features": 2.0}, TypeError, "in_features must be an int, got 2.0"),
        ({"out_features": -1}, ValueError, "out_features must be at least 0, got -1"),
        ({"dtype": torch.int64}, TypeError, "dtype must be a floating-point or complex one, got"),
        ({"generator": 0}, TypeError, "generator must be a torch.Generator, got 0"),
    ],
)
def test_linear_refuses(changes: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Linear(**{"in_features": 4, "out_features": 6, **changes})


def test_linear_says_what_is_wrong_with_its_input() -> None:
    with pytest.raises(ValueError, match="input must have 3 numbers in its last dimension"):
        Linear(3, 2)(torch.zeros(4, 5))
