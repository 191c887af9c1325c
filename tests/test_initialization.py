"""Initialisation: PyTorch's draws, moments and bounds, orthogonality, refusals, symmetry."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from handbook import initialization
from handbook.initialization import (
    calculate_gain,
    constant_,
    fan_in_and_fan_out,
    kaiming_normal_,
    kaiming_uniform_,
    normal_,
    ones_,
    orthogonal_,
    trunc_normal_,
    uniform_,
    xavier_normal_,
    xavier_uniform_,
    zeros_,
)
from handbook.seeding import make_generator

FLOATING = [torch.float16, torch.bfloat16, torch.float32, torch.float64]
NONLINEARITIES = ["linear", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d"]
NONLINEARITIES += ["conv_transpose3d", "sigmoid", "tanh", "relu", "leaky_relu", "selu"]
DRAWN: list[tuple[Callable[..., Tensor], dict[str, Any]]] = [
    (uniform_, {}),
    (uniform_, {"a": -2.0, "b": 3.0}),
    (normal_, {}),
    (normal_, {"mean": 0.5, "std": 0.1}),
    (xavier_uniform_, {}),
    (xavier_uniform_, {"gain": 5 / 3}),
    (xavier_normal_, {"gain": 2.0}),
    (kaiming_uniform_, {}),
    (kaiming_uniform_, {"a": math.sqrt(5)}),
    (kaiming_uniform_, {"mode": "fan_out", "nonlinearity": "relu"}),
    (kaiming_normal_, {"a": 0.2}),
    (kaiming_normal_, {"mode": "FAN_OUT", "nonlinearity": "tanh"}),
    (trunc_normal_, {}),
    (trunc_normal_, {"mean": 0.1, "std": 0.5, "a": -0.5, "b": 2.0}),
    (orthogonal_, {}),
    (orthogonal_, {"gain": -1.5}),
]
NAMES = [f"{function.__name__}{options}" for function, options in DRAWN]
EVERY = pytest.mark.parametrize(("function", "options"), DRAWN, ids=NAMES)


def fill(function: Callable[..., Tensor], tensor: Tensor, seed: int = 0, **options: Any) -> Tensor:
    return function(tensor, **options, generator=make_generator(seed))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize(
    "shape", [(6, 4), (4, 6), (5, 5), (40, 30), (8, 3, 5), (6, 2, 3, 3)], ids=str
)
@EVERY
def test_the_same_generator_gives_pytorchs_numbers(
    function: Callable[..., Tensor],
    options: dict[str, Any],
    shape: tuple[int, ...],
    dtype: torch.dtype,
) -> None:
    ours = fill(function, torch.empty(shape, dtype=dtype), **options)
    theirs = fill(getattr(nn.init, function.__name__), torch.empty(shape, dtype=dtype), **options)
    tolerance = 1e-5 if dtype == torch.float32 else 1e-12
    torch.testing.assert_close(ours, theirs, rtol=tolerance, atol=tolerance)


@EVERY
def test_without_a_generator_the_global_one_gives_pytorchs_numbers(
    function: Callable[..., Tensor], options: dict[str, Any]
) -> None:
    torch.manual_seed(3)
    ours = function(torch.empty(9, 7), **options)
    torch.manual_seed(3)
    theirs = getattr(nn.init, function.__name__)(torch.empty(9, 7), **options)
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)


@EVERY
def test_a_strided_weight_is_filled_like_pytorchs(
    function: Callable[..., Tensor], options: dict[str, Any]
) -> None:
    ours, theirs = torch.zeros(8, 12), torch.zeros(8, 12)
    fill(function, ours.t()[::2, :], **options)
    if function is not orthogonal_:  # PyTorch's takes a view, which this one has not
        fill(getattr(nn.init, function.__name__), theirs.t()[::2, :], **options)
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)
    assert (ours.t()[1::2] == 0).all()  # what lies between is not touched
    assert (ours.t()[::2] != 0).all()


@EVERY
def test_a_parameter_is_filled_in_place_and_without_a_gradient(
    function: Callable[..., Tensor], options: dict[str, Any]
) -> None:
    weight = nn.Parameter(torch.zeros(5, 4))
    version = weight._version
    result = fill(function, weight, **options)
    assert result is weight
    assert weight._version > version
    assert weight.is_leaf
    assert weight.requires_grad
    assert weight.grad_fn is None
    assert weight.abs().sum() > 0


@pytest.mark.parametrize("dtype", FLOATING, ids=str)
@EVERY
def test_every_floating_dtype_is_kept(
    function: Callable[..., Tensor], options: dict[str, Any], dtype: torch.dtype
) -> None:
    weight = fill(function, torch.empty(20, 30, dtype=dtype), **options)
    reference = fill(function, torch.empty(20, 30, dtype=torch.float64), **options)
    assert weight.dtype == dtype
    assert weight.isfinite().all()
    assert abs(weight.double().std() - reference.std()) < 0.1 * reference.std()


def test_draws_do_not_touch_the_global_generator() -> None:
    before = torch.get_rng_state()
    for function, options in DRAWN:
        fill(function, torch.empty(4, 4), **options)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_tensor_without_storage_is_left_alone() -> None:
    for function, options in DRAWN:
        if function is not trunc_normal_:  # it must look at what it has drawn
            assert fill(function, torch.empty(4, 4, device="meta"), **options).shape == (4, 4)


# ---- moments and bounds -------------------------------------------------------------------------

SIZE = (300, 500)  # fan-in 500, fan-out 300


@pytest.mark.parametrize(
    ("function", "options", "mean", "variance", "bound"),
    [
        (uniform_, {"a": -2.0, "b": 4.0}, 1.0, 3.0, 4.0),
        (normal_, {"mean": 2.0, "std": 0.1}, 2.0, 0.01, None),
        (xavier_uniform_, {}, 0.0, 2 / 800, math.sqrt(6 / 800)),
        (xavier_uniform_, {"gain": 3.0}, 0.0, 9 * 2 / 800, 3 * math.sqrt(6 / 800)),
        (xavier_normal_, {}, 0.0, 2 / 800, None),
        (kaiming_uniform_, {}, 0.0, 2 / 500, math.sqrt(6 / 500)),
        (kaiming_uniform_, {"a": math.sqrt(5)}, 0.0, 1 / 1500, 1 / math.sqrt(500)),
        (kaiming_normal_, {"mode": "fan_out"}, 0.0, 2 / 300, None),
        (kaiming_normal_, {"nonlinearity": "linear"}, 0.0, 1 / 500, None),
        (orthogonal_, {"gain": 2.0}, 0.0, 4 / 500, 2.0),
    ],
)
def test_mean_variance_and_bound_are_those_of_the_formula(
    function: Callable[..., Tensor],
    options: dict[str, Any],
    mean: float,
    variance: float,
    bound: float | None,
) -> None:
    for seed in range(3):
        w = fill(function, torch.empty(SIZE, dtype=torch.float64), seed, **options)
        # Five standard errors of 150 000 draws: of the mean, and of the variance of a normal one.
        assert abs(w.mean().item() - mean) < 5 * math.sqrt(variance / w.numel())
        assert abs(w.var().item() / variance - 1) < 5 * math.sqrt(2 / w.numel())
        if bound is not None:
            assert w.abs().max().item() <= bound


@pytest.mark.parametrize(
    ("a", "b"),
    [(-2.0, 2.0), (-0.1, 0.1), (0.0, 0.5), (1.0, 1.2), (3.0, 40.0), (-math.inf, -2.5), (-9.0, -6.0),
     (2.5, math.inf), (0.4, math.inf), (30.0, 31.0), (-1.0, -0.9)],
)  # fmt: skip
def test_a_truncated_normal_has_the_distribution_of_the_formula(a: float, b: float) -> None:
    w = fill(trunc_normal_, torch.empty(20_000, dtype=torch.float64), mean=1.0, std=2.0,
             a=1 + 2 * a, b=1 + 2 * b)  # fmt: skip
    z = (w - 1) / 2
    assert z.min() >= a - 1e-9
    assert z.max() <= b + 1e-9
    lower, upper, z = (-b, -a, -z) if b <= 0 else (a, b, z)  # by symmetry, the upper tail
    bounds = torch.tensor([lower, upper], dtype=torch.float64)

    def survival(x: Tensor) -> Tensor:
        """P(Z > x) over P(Z > lower), without a difference of numbers close to 1."""
        return torch.exp(torch.special.log_ndtr(-x) - torch.special.log_ndtr(-bounds[0]))

    end = survival(bounds[1])
    expected = (1 - survival(z.sort().values)) / (1 - end)
    empirical = (torch.arange(20_000, dtype=torch.float64) + 0.5) / 20_000
    # Kolmogorov–Smirnov: 1.95 / sqrt(n) is passed once in a thousand; the seed is fixed.
    assert (expected - empirical).abs().max().item() < 1.95 / math.sqrt(20_000)


def test_a_truncated_normal_in_half_precision_stays_inside() -> None:
    for a, b in ((-0.3, 0.3), (3.0, 3.1), (-9.0, -4.0)):
        w = fill(trunc_normal_, torch.empty(1000, dtype=torch.float16), a=a, b=b)
        assert (w >= torch.tensor(a, dtype=torch.float16)).all()
        assert (w <= torch.tensor(b, dtype=torch.float16)).all()


def test_an_interval_without_width_is_one_number() -> None:
    assert (fill(trunc_normal_, torch.empty(5), a=1.0, b=1.0) == 1).all()
    assert (fill(uniform_, torch.empty(5), a=1.5, b=1.5) == 1.5).all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1), (20, 50), (50, 20), (64, 64), (6, 2, 5)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_an_orthogonal_weight_keeps_lengths(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    w = fill(orthogonal_, torch.empty(shape, dtype=dtype), gain=3.0).flatten(1)
    short = w @ w.T if len(w) <= w.shape[1] else w.T @ w
    tolerance = 100 * torch.finfo(dtype).eps
    torch.testing.assert_close(
        short, 9 * torch.eye(len(short), dtype=dtype), rtol=0, atol=tolerance
    )


def test_orthogonal_matrices_are_drawn_with_both_signs() -> None:
    entries = torch.stack([fill(orthogonal_, torch.empty(2, 2), seed) for seed in range(200)])
    assert 0.4 < (entries[:, 0, 0] > 0).float().mean() < 0.6
    determinants = entries[:, 0, 0] * entries[:, 1, 1] - entries[:, 0, 1] * entries[:, 1, 0]
    assert 0.4 < (determinants > 0).float().mean() < 0.6


# ---- gains and fans -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", NONLINEARITIES)
def test_gains_are_pytorchs(name: str) -> None:
    assert calculate_gain(name) == nn.init.calculate_gain(name)
    assert calculate_gain(name, 0.3) == nn.init.calculate_gain(name, 0.3)
    assert calculate_gain(name, 1) == nn.init.calculate_gain(name, 1)


@pytest.mark.parametrize("slope", [0.0, 0.01, 0.5, -1.0])
def test_the_gain_of_a_leaky_relu_keeps_the_mean_square(slope: float) -> None:
    x = torch.randn(400_000, generator=make_generator(1), dtype=torch.float64)
    kept = torch.where(x > 0, x, slope * x).square().mean().item()
    assert abs(calculate_gain("leaky_relu", slope) ** 2 * kept - 1) < 0.02


def test_fans_count_inputs_and_outputs() -> None:
    assert fan_in_and_fan_out(torch.empty(2, 5)) == (5, 2)
    assert fan_in_and_fan_out(torch.empty(4, 3, 7)) == (21, 28)
    assert fan_in_and_fan_out(torch.empty(16, 3, 5, 5)) == (75, 400)
    assert fan_in_and_fan_out(torch.empty(0, 3)) == (3, 0)


@pytest.mark.parametrize("shape", [(3, 2), (6, 4, 5), (8, 2, 3, 3), (0, 4), (4, 0)])
def test_fans_are_pytorchs(shape: tuple[int, ...]) -> None:
    weight = torch.empty(shape)
    assert fan_in_and_fan_out(weight) == nn.init._calculate_fan_in_and_fan_out(weight)


def test_constants_fill_any_dtype() -> None:
    assert constant_(torch.empty(2, dtype=torch.int64), 3).tolist() == [3, 3]
    assert ones_(nn.Parameter(torch.empty(2))).tolist() == [1.0, 1.0]
    assert zeros_(torch.empty(2, dtype=torch.bool)).tolist() == [False, False]
    assert constant_(torch.empty(0), 1.0).shape == (0,)


# ---- empty tensors and refusals -----------------------------------------------------------------


@pytest.mark.parametrize("shape", [(0, 4), (4, 0), (3, 0, 2)])
def test_an_empty_weight_is_left_as_it_is(shape: tuple[int, ...]) -> None:
    for function, options in DRAWN:
        if function in (kaiming_normal_, kaiming_uniform_):
            with pytest.warns(UserWarning, match="no elements"):
                assert fill(function, torch.empty(shape), **options).shape == shape
        else:
            assert fill(function, torch.empty(shape), **options).shape == shape


def test_a_weight_without_fans_is_left_as_it_is() -> None:
    assert fill(xavier_uniform_, torch.empty(0, 0)).shape == (0, 0)
    with pytest.warns(UserWarning, match="nothing to initialise"):
        fill(kaiming_uniform_, torch.empty(0))  # PyTorch warns before it counts dimensions, too


@pytest.mark.parametrize(
    "function", [xavier_uniform_, xavier_normal_, kaiming_uniform_, kaiming_normal_, orthogonal_]
)
@pytest.mark.parametrize("shape", [(), (3,)])
def test_a_bias_has_no_fans(function: Callable[..., Tensor], shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="tensor must have at least 2 dimensions"):
        function(torch.empty(shape))
    with pytest.raises(ValueError, match="dimensions"):
        getattr(nn.init, function.__name__)(torch.empty(shape))


@pytest.mark.parametrize("function", dict.fromkeys(function for function, _ in DRAWN))
def test_what_is_drawn_needs_a_floating_tensor_and_a_generator(
    function: Callable[..., Tensor],
) -> None:
    with pytest.raises(TypeError, match="tensor must have a floating-point dtype, got an int64"):
        function(torch.zeros(2, 2, dtype=torch.int64))
    with pytest.raises(TypeError, match="tensor must have a floating-point dtype, got a complex64"):
        function(torch.zeros(2, 2, dtype=torch.complex64))
    with pytest.raises(TypeError, match="tensor must be a tensor, got a list"):
        function([0.0])
    with pytest.raises(TypeError, match=r"generator must be a torch.Generator, got 0; use"):
        function(torch.zeros(2, 2), generator=0)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda w: uniform_(w, 2.0, 1.0), ValueError, r"b must be at least a = 2.0, got 1.0"),
        (lambda w: uniform_(w, -math.inf, 0.0), ValueError, "a and b must be finite"),
        (lambda w: uniform_(w, "0"), TypeError, "a must be a real number, got '0'"),
        (lambda w: normal_(w, 0.0, -1.0), ValueError, r"std must be at least 0.0, got -1.0"),
        (lambda w: normal_(w, math.nan), ValueError, "mean must be a number, got nan"),
        (lambda w: trunc_normal_(w, std=0.0), ValueError, r"std must be above 0.0, got 0.0"),
        (lambda w: trunc_normal_(w, a=1.0, b=0.0), ValueError, r"b must be at least a = 1.0"),
        (lambda w: xavier_uniform_(w, -1.0), ValueError, r"gain must be at least 0.0, got -1.0"),
        (lambda w: xavier_normal_(w, "relu"), TypeError, "gain must be a real number, got 'relu'"),
        (lambda w: kaiming_uniform_(w, mode="fan"), ValueError, "mode must be one of 'fan_in'"),
        (lambda w: kaiming_normal_(w, mode=1), ValueError, "mode must be one of 'fan_in'"),
        (lambda w: kaiming_normal_(w, nonlinearity="gelu"), ValueError, "nonlinearity must be one"),
        (lambda w: kaiming_normal_(w, a=True), TypeError, "param must be a real number, got True"),
        (lambda w: orthogonal_(w, None), TypeError, "gain must be a real number, got None"),
        (lambda w: constant_(w, "0"), TypeError, "val must be a number, got '0'"),
        (lambda w: constant_([0.0], 0), TypeError, "tensor must be a tensor, got a list"),
        (lambda w: fan_in_and_fan_out(3), TypeError, "tensor must be a tensor, got 3"),
        (lambda w: calculate_gain("softmax"), ValueError, "nonlinearity must be one of 'linear'"),
        (lambda w: calculate_gain("leaky_relu", "0"), TypeError, "param must be a real number"),
    ],
)
def test_bad_arguments_are_refused(
    call: Callable[[Tensor], object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        call(torch.zeros(3, 2))


# ---- what the chapter says ----------------------------------------------------------------------


def signal(
    std_of: Callable[[Tensor, torch.Generator], Tensor], name: str, depth: int
) -> list[float]:
    generator = make_generator(5)
    x, sizes = torch.randn(64, 200, generator=generator), []
    for _ in range(depth):
        x = x @ std_of(torch.empty(200, 200), generator).T
        x = x.relu() if name == "relu" else x
        sizes.append(x.square().mean().item())
    return sizes


def test_kaiming_keeps_the_mean_square_behind_a_relu_and_half_of_it_halves() -> None:
    kept = signal(lambda w, g: kaiming_normal_(w, generator=g), "relu", 20)
    halved = signal(lambda w, g: xavier_normal_(w, generator=g), "relu", 20)
    assert 0.2 < kept[-1] / kept[0] < 5
    assert 0.2 < halved[-1] / halved[0] * 2**19 < 5


def test_orthogonal_weights_keep_the_mean_square_exactly_without_an_activation() -> None:
    sizes = signal(lambda w, g: orthogonal_(w, generator=g), "linear", 20)
    assert max(sizes) / min(sizes) < 1 + 1e-4


@pytest.mark.parametrize("start", [0.0, 0.3])
def test_weights_that_start_equal_stay_equal(start: float) -> None:
    generator = make_generator(0)
    x, y = torch.randn(32, 5, generator=generator), torch.randn(32, 1, generator=generator)
    network = nn.Sequential(nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 1))
    for parameter in network.parameters():
        constant_(parameter, start)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    for _ in range(50):
        optimizer.zero_grad()
        (network(x) - y).square().mean().backward()
        optimizer.step()
    hidden = network[0].weight
    assert torch.allclose(hidden, hidden[:1].expand_as(hidden), atol=1e-6)
    moved = (hidden - start).abs().max().item()
    assert moved == 0 if start == 0 else moved > 0.01


def test_every_function_named_like_pytorchs_is_compared() -> None:
    shared = {name for name in initialization.__all__ if hasattr(nn.init, name)}
    compared = {function.__name__ for function, _ in DRAWN}
    assert shared - compared == {"calculate_gain", "constant_", "ones_", "zeros_"}


def test_arguments_are_pytorchs_in_name_order_and_default() -> None:
    import inspect

    for name in initialization.__all__:
        if not hasattr(nn.init, name):
            continue
        ours = inspect.signature(getattr(initialization, name)).parameters
        theirs = inspect.signature(getattr(nn.init, name)).parameters
        for mine, other in itertools.zip_longest(ours.values(), theirs.values()):
            assert (mine.name, mine.default) == (other.name, other.default)
