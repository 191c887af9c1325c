"""Small models: their layers, their sizes, and what they refuse."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from handbook.layers import MaxPool2d
from handbook.models import DeepRegressor, FullyConnected, LeNet, count_parameters
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
        elif isinstance(module, MaxPool2d):
            layer = nn.MaxPool2d(2)
        elif isinstance(module, (nn.ReLU, nn.Flatten)):
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


# ---- the deep regressor ---------------------------------------------------------------------


def regressor(*sizes: int, seed: int = 0, **options: object) -> DeepRegressor:
    return DeepRegressor(*sizes, generator=make_generator(seed), **options)  # type: ignore[arg-type]


def samples(n: int = 16, d: int = 4, **options: object) -> Tensor:
    return torch.randn(n, d, generator=make_generator(1)).to(**options)  # type: ignore[call-overload]


def pytorch_chain(model: DeepRegressor, activation: type[nn.Module] = nn.Tanh) -> nn.Sequential:
    """Write the same network with PyTorch's layers and the same weights."""
    dtype = model.output.weight.dtype
    modules: list[nn.Module] = []

    def add_norm(ours: nn.Module) -> None:
        if model.batch_norm:
            modules.append(nn.BatchNorm1d(ours.num_features, dtype=dtype))
            modules[-1].load_state_dict(ours.state_dict())

    add_norm(model.input_norm)
    for i, layer in enumerate(model.hidden):
        modules.append(nn.Linear(layer.in_features, layer.out_features, dtype=dtype))
        modules[-1].load_state_dict(layer.state_dict())
        add_norm(model.norms[i] if model.batch_norm else layer)
        modules.append(activation())
    modules.append(nn.Linear(model.output.in_features, model.output.out_features, dtype=dtype))
    modules[-1].load_state_dict(model.output.state_dict())
    return nn.Sequential(*modules)


# ---- shapes and parameters ---------------------------------------------------------------------


def test_deep_regressor_has_the_sizes_of_its_defaults() -> None:
    model = regressor()
    assert len(model.hidden) == len(model.norms) == 20
    assert [tuple(layer.weight.shape) for layer in model.hidden] == [(130, 4)] + [(130, 130)] * 19
    assert model(samples()).shape == (16, 3)


@pytest.mark.parametrize("batch_norm", [True, False])
@pytest.mark.parametrize("sizes", [(4, 20, 130, 3), (1, 1, 1, 1), (2, 0, 5, 7), (3, 4, 6, 2)])
def test_every_layer_is_registered(sizes: tuple[int, int, int, int], batch_norm: bool) -> None:
    d, depth, width, k = sizes
    model = regressor(*sizes, batch_norm=batch_norm)
    last = width if depth else d
    linear = (d * width + width + (depth - 1) * (width * width + width)) if depth else 0
    linear += last * k + k
    norms = 2 * (d + depth * width) if batch_norm else 0
    assert sum(parameter.numel() for parameter in model.parameters()) == linear + norms
    assert all(parameter.requires_grad for parameter in model.parameters())
    assert next(iter(model.double().state_dict().values())).dtype == torch.float64
    assert model(samples(d=d, dtype=torch.float64)).shape == (16, k)


@pytest.mark.parametrize("batch_norm", [True, False])
@pytest.mark.parametrize("training", [True, False])
def test_it_equals_a_chain_of_pytorchs_layers(batch_norm: bool, training: bool) -> None:
    model = regressor(4, 5, 13, 3, batch_norm=batch_norm, dtype=torch.float64).train(training)
    twin = pytorch_chain(model).train(training)
    x = samples(dtype=torch.float64).requires_grad_()
    ours, theirs = model(x), twin(x)
    torch.testing.assert_close(ours, theirs)
    weights = torch.randn(16, 3, generator=make_generator(2), dtype=torch.float64)
    mine = torch.autograd.grad(ours, [x, model.hidden[0].weight, model.output.bias], weights)
    first, last = (
        next(m for m in modules if isinstance(m, nn.Linear))
        for modules in (list(twin), list(twin)[::-1])
    )
    other = torch.autograd.grad(theirs, [x, first.weight, last.bias], weights)
    for a, b in zip(mine, other, strict=True):
        torch.testing.assert_close(a, b)


def test_its_gradient_is_that_of_finite_differences() -> None:
    model = regressor(2, 3, 4, 2, dtype=torch.float64, initial_bias=-0.2)
    x = samples(5, 2, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(model, (x,))


def test_the_activation_is_a_choice() -> None:
    model = regressor(4, 3, 8, 2, activation=torch.relu)
    torch.testing.assert_close(
        model.eval()(samples()), pytorch_chain(model, nn.ReLU).eval()(samples())
    )
    assert all((h >= 0).all() for h in model.hidden_outputs(samples()))


def test_hidden_outputs_are_what_each_layer_passes_on() -> None:
    model = regressor(4, 3, 8, 2).eval()
    passed_on = model.hidden_outputs(samples())
    assert [tuple(h.shape) for h in passed_on] == [(16, 8)] * 3
    torch.testing.assert_close(model.output(passed_on[-1]), model(samples()))
    assert regressor(4, 0).hidden_outputs(samples()) == []


def test_without_hidden_layers_one_call_is_one_batch_in_the_statistics() -> None:
    model = regressor(4, 0)
    model(samples())
    assert model.input_norm.num_batches_tracked.item() == 1


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_it_takes_every_floating_point_dtype(dtype: torch.dtype) -> None:
    model = regressor(4, 2, 8, 3, dtype=dtype)
    assert model(samples(dtype=dtype)).dtype == dtype


def test_an_empty_batch_gives_no_predictions() -> None:
    for batch_norm in (True, False):
        model = regressor(4, 2, 8, 3, batch_norm=batch_norm).eval()
        assert model(torch.empty(0, 4)).shape == (0, 3)


def test_a_batch_of_one_is_predicted_in_evaluation() -> None:
    model = regressor(4, 2, 8, 3)
    assert model.eval()(samples(1)).shape == (1, 3)
    assert regressor(4, 2, 8, 3, batch_norm=False)(samples(1)).shape == (1, 3)


def test_it_can_be_copied_and_pickled() -> None:
    model = regressor(4, 2, 8, 3).eval()
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert torch.equal(twin(samples()), model(samples()))


# ---- the start ---------------------------------------------------------------------------------


def test_weights_and_biases_start_as_asked() -> None:
    model = regressor(weight_std=0.3, initial_bias=-0.2)
    drawn = torch.cat([layer.weight.flatten() for layer in model.hidden])
    assert abs(drawn.std().item() - 0.3) < 0.003
    assert abs(drawn.mean().item()) < 0.003
    assert all((layer.bias == -0.2).all() for layer in (*model.hidden, model.output))


def test_the_layers_own_start_can_be_kept() -> None:
    model = regressor(4, 2, 100, 3, weight_std=None, initial_bias=None)
    assert 0.09 < model.hidden[1].weight.abs().max().item() <= 0.1
    assert model.hidden[1].bias.abs().max().item() <= 0.1
    assert model.hidden[1].bias.unique().numel() > 1


def test_one_seed_gives_one_start_and_leaves_the_global_generator_alone() -> None:
    before = torch.random.get_rng_state()
    first, second, other = regressor(seed=3), regressor(seed=3), regressor(seed=4)
    assert torch.equal(torch.random.get_rng_state(), before)
    for a, b in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(a, b)
    assert not torch.equal(first.hidden[0].weight, other.hidden[0].weight)


def test_batch_norm_takes_the_bias_of_hidden_layers_away() -> None:
    options = {"n_hidden_layers": 6, "hidden_size": 20, "dtype": torch.float64}
    x = samples(dtype=torch.float64)

    def outputs_for(batch_norm: bool, bias: float) -> Tensor:
        model = regressor(**options, batch_norm=batch_norm, initial_bias=bias)  # type: ignore[arg-type]
        nn.init.zeros_(model.output.bias)
        return model(x)

    torch.testing.assert_close(outputs_for(True, -0.2), outputs_for(True, 0.0))
    assert (outputs_for(False, -0.2) - outputs_for(False, 0.0)).abs().max() > 0.01
    model = regressor(**options, initial_bias=-0.2)  # type: ignore[arg-type]
    model(x).square().sum().backward()
    largest = max(layer.weight.grad.abs().max() for layer in model.hidden)
    assert all(layer.bias.grad.abs().max() < 1e-12 * largest for layer in model.hidden)


def test_batch_norm_takes_the_scale_of_the_weights_away() -> None:
    x = samples(64, dtype=torch.float64)

    def spread(batch_norm: bool, weight_std: float) -> float:
        model = regressor(batch_norm=batch_norm, weight_std=weight_std, dtype=torch.float64)
        return model.hidden_outputs(x)[-1].std(dim=0).mean().item()

    assert spread(False, 0.02) < 1e-9
    assert abs(spread(True, 0.02) / spread(True, 0.4) - 1) < 0.01


# ---- refusals ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"n_inputs": 0}, ValueError, "n_inputs must be at least 1, got 0"),
        ({"n_inputs": 4.0}, TypeError, "n_inputs must be an int, got 4.0"),
        ({"n_hidden_layers": -1}, ValueError, "n_hidden_layers must be at least 0, got -1"),
        ({"hidden_size": 0}, ValueError, "hidden_size must be at least 1, got 0"),
        ({"n_outputs": 0}, ValueError, "n_outputs must be at least 1, got 0"),
        ({"batch_norm": 1}, TypeError, "batch_norm must be True or False, got 1"),
        ({"activation": "tanh"}, TypeError, "activation must be a function .* got 'tanh'; use"),
        ({"weight_std": -0.1}, ValueError, "weight_std must be at least 0.0, got -0.1"),
        ({"initial_bias": "0"}, TypeError, "initial_bias must be a real number, got '0'"),
        ({"momentum": 1.5}, ValueError, "momentum must be at most 1.0, got 1.5"),
        ({"dtype": torch.int64}, TypeError, "dtype must be a floating-point or complex one"),
        ({"generator": 0}, TypeError, "generator must be a torch.Generator, got 0"),
    ],
)
def test_bad_options_are_refused(
    options: dict[str, object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        DeepRegressor(**options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("entered", "error", "message"),
    [
        ([[0.0] * 4], TypeError, "input must be a tensor, got a list"),
        (torch.zeros(2, 4, dtype=torch.int64), TypeError, "input must have a floating-point dtype"),
        (torch.zeros(4), ValueError, r"input must have shape \(N, 4\), got .* shape \(4,\)"),
        (torch.zeros(2, 3), ValueError, r"input must have shape \(N, 4\), got .* shape \(2, 3\)"),
        (torch.zeros(2, 4).double(), TypeError, "input must have output.weight's dtype float32"),
        (torch.zeros(2, 4, device="meta"), ValueError, "input must be on output.weight's device"),
        (torch.zeros(1, 4), ValueError, "more than 1 sample in training with batch_norm, got"),
    ],
)
def test_bad_input_is_refused(entered: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        regressor(4, 2, 8, 3)(entered)
