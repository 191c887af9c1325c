"""Small models: their layers, their sizes, and what they refuse."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from handbook.models import FullyConnected, LeNet, count_parameters
from handbook.seeding import make_generator
from handbook.shapes import tape


def draw(*shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(shape, generator=make_generator(0), dtype=dtype)


def twin_of(model: nn.Module) -> nn.Sequential:
    """Build the same model of PyTorch's layers, with the same weights."""
    layers: list[nn.Module] = []
    for module in model.modules():
        if hasattr(module, "in_features"):
            layer: nn.Module = nn.Linear(module.in_features, module.out_features)
        elif hasattr(module, "in_channels"):
            layer = nn.Conv2d(
                module.in_channels,
                module.out_channels,
                module.kernel_size,
                padding=module.padding,
            )
        elif isinstance(module, (nn.ReLU, nn.MaxPool2d, nn.Flatten)):
            layer = module
        else:
            continue
        if hasattr(module, "weight"):
            layer = layer.double()
            layer.load_state_dict(module.state_dict())
        layers.append(layer)
    return nn.Sequential(*layers)


@pytest.mark.parametrize(
    ("model", "shape"),
    [
        (FullyConnected([6, 4], dtype=torch.float64), (3, 6)),
        (FullyConnected([12, 5, 4, 3], dtype=torch.float64), (2, 3, 2, 2)),
        (LeNet(8, kernel_size=3, padding=1, dtype=torch.float64), (2, 1, 8, 8)),
        (LeNet((12, 16), 3, (2,), (), 4, 3, dtype=torch.float64), (2, 3, 12, 16)),
        (LeNet(32, dtype=torch.float64), (1, 1, 32, 32)),
    ],
)
def test_it_equals_pytorch_s_layers_forward_and_backward(
    model: nn.Module, shape: tuple[int, ...]
) -> None:
    twin = twin_of(model)
    x = draw(*shape).requires_grad_()
    torch.testing.assert_close(model(x), twin(x))
    mine = torch.autograd.grad(model(x).square().sum(), (x, *model.parameters()))
    theirs = torch.autograd.grad(twin(x).square().sum(), (x, *twin.parameters()))
    for a, b in zip(mine, theirs, strict=True):
        torch.testing.assert_close(a, b)


def test_gradcheck_passes() -> None:
    x = draw(2, 1, 4, 4).requires_grad_()
    for model in (
        LeNet(4, channels=(2,), hidden=(3,), kernel_size=3, padding=1, n_classes=2).double(),
        FullyConnected([16, 3, 2]).double(),
    ):
        assert torch.autograd.gradcheck(model, x)


@pytest.mark.parametrize(("size", "side"), [(32, 5), (28, 4), ((32, 44), (5, 8))])
def test_the_head_gets_what_the_features_leave(size: Any, side: Any) -> None:
    model = LeNet(size)
    height, width = (side, side) if isinstance(side, int) else side
    sizes = (size, size) if isinstance(size, int) else size
    found = tape(model, torch.zeros(1, 1, *sizes))
    assert found["features"].output == (1, 16, height, width)
    assert found["head.0"].output == (1, 16 * height * width)
    assert found["head"].output == (1, 10)


def test_the_parameters_of_the_classic_sizes() -> None:
    by_hand = 6 * (25 + 1) + 16 * (6 * 25 + 1)
    by_hand += 120 * (400 + 1) + 84 * (120 + 1) + 10 * (84 + 1)
    assert count_parameters(LeNet(32)) == by_hand == 61706
    assert count_parameters(FullyConnected([64, 32, 10])) == 32 * 65 + 10 * 33


def test_frozen_and_shared_parameters_are_counted_right() -> None:
    layer = nn.Linear(3, 3)
    assert count_parameters(nn.Sequential(layer, layer)) == 12
    layer.weight.requires_grad_(False)
    assert count_parameters(layer) == 3
    assert count_parameters(nn.ReLU()) == 0
    with pytest.raises(TypeError, match=r"model must be a torch\.nn\.Module, got 3"):
        count_parameters(3)  # type: ignore[arg-type]


def test_an_empty_batch_goes_through() -> None:
    assert FullyConnected([4, 3])(torch.zeros(0, 2, 2)).shape == (0, 3)
    assert LeNet(8, kernel_size=3, padding=1)(torch.zeros(0, 1, 8, 8)).shape == (0, 10)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_dtype_and_device_reach_every_parameter(dtype: torch.dtype, device: torch.device) -> None:
    for model in (
        FullyConnected([64, 5, 3], device, dtype),
        LeNet(8, kernel_size=3, padding=1, device=device, dtype=dtype),
    ):
        parameters = list(model.parameters())
        assert all(p.dtype == dtype and p.device.type == device.type for p in parameters)
        output = model(torch.zeros(2, 1, 8, 8, device=device, dtype=dtype))
        assert output.dtype == dtype


@pytest.mark.parametrize(
    "make",
    [
        lambda g: FullyConnected([4, 3], generator=g),
        lambda g: LeNet(8, kernel_size=3, padding=1, generator=g),
    ],
)
def test_the_generator_decides_and_the_global_one_is_left_alone(make: Any) -> None:
    before = torch.get_rng_state()
    first, second, third = (make(make_generator(seed)).state_dict() for seed in (0, 0, 1))
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not any(torch.equal(first[name], third[name]) for name in first)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([3],), ValueError, "sizes must hold at least 2 numbers, got 1"),
        (([],), ValueError, "sizes must hold at least 2 numbers, got 0"),
        ((3,), TypeError, "sizes must be a sequence of whole numbers, got 3"),
        (("ab",), TypeError, "sizes must be a sequence of whole numbers, got 'ab'"),
        (([3, 0],), ValueError, r"sizes\[1\] must be at least 1, got 0"),
        (([3, 2.0],), TypeError, r"sizes\[1\] must be"),
    ],
)
def test_a_fully_connected_model_refuses(
    arguments: tuple[Any, ...], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        FullyConnected(*arguments)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((2, 5), r"input must hold 4 numbers in each sample, got 5; use FullyConnected\(\[5, \.\."),
        ((2, 1, 3, 3), r"got 1 × 3 × 3 = 9; use FullyConnected\(\[9, \.\.\.\]\)"),
        ((4,), "input must hold 4 numbers in each sample, got no dimension of samples$"),
    ],
)
def test_samples_of_another_size_are_refused(shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        FullyConnected([4, 3])(torch.zeros(shape))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"image_size": 0}, ValueError, "image_size must be at least 1"),
        ({"image_size": 32.0}, TypeError, "image_size must be"),
        ({"image_size": (32, 32, 32)}, ValueError, "image_size must"),
        ({"image_size": 32, "in_channels": 0}, ValueError, "in_channels must be at least 1"),
        ({"image_size": 32, "channels": ()}, ValueError, "channels must hold at least 1 numbers"),
        ({"image_size": 32, "channels": 6}, TypeError, "channels must be a sequence"),
        ({"image_size": 32, "hidden": (0,)}, ValueError, r"hidden\[0\] must be at least 1, got 0"),
        ({"image_size": 32, "n_classes": 0}, ValueError, "n_classes must be at least 1"),
        ({"image_size": 32, "kernel_size": 0}, ValueError, "kernel_size must be at least 1"),
        ({"image_size": 32, "padding": -1}, ValueError, "padding must be at least 0"),
        ({"image_size": 32, "generator": 0}, TypeError, "generator must be"),
        ({"image_size": 4}, ValueError, "image_size must be larger: convolution 1 gets 4 × 4 pla"),
        ({"image_size": (32, 5)}, ValueError, "larger: pooling 1 gets 28 × 1 places and needs 2 ×"),
        ({"image_size": 12}, ValueError, "convolution 2 gets 4 × 4 places, which a kernel of 5"),
    ],
)
def test_a_lenet_refuses(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        LeNet(**arguments)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        (
            (2, 1, 28, 28),
            r"input must have shape \(N, 1, 8, 8\), got a float32 tensor of shape \(2",
        ),
        ((2, 3, 8, 8), r"\(N, 1, 8, 8\)"),
        ((2, 8, 8), r"got a float32 tensor of shape \(2, 8, 8\); use input\.unsqueeze\(1\)$"),
    ],
)
def test_images_of_another_shape_are_refused(shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LeNet(8, kernel_size=3, padding=1)(torch.zeros(shape))


def test_the_models_need_tensors() -> None:
    for model in (FullyConnected([4, 3]), LeNet(32)):
        with pytest.raises(TypeError, match="input must be a tensor"):
            model([1.0])
