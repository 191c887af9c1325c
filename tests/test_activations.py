"""Activations: closed forms, PyTorch's own, finite differences, hostile input."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from handbook import activations
from handbook.activations import (
    CURVES,
    SIGMOID_FAMILY,
    elu,
    gelu,
    hardtanh,
    leaky_relu,
    log_softmax,
    relu,
    sigmoid,
    silu,
    softmax,
    softplus,
    softsign,
    tanh,
)
from handbook.seeding import make_generator

INF, NAN = math.inf, math.nan

# Forward-mode differentiation warns about something inside PyTorch.
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated")

# Ours and PyTorch's, with other than default settings too.
ELEMENTWISE: dict[str, tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]] = {
    "relu": (relu, F.relu),
    "leaky_relu": (leaky_relu, F.leaky_relu),
    "leaky_relu(-0.5)": (lambda x: leaky_relu(x, -0.5), lambda x: F.leaky_relu(x, -0.5)),
    "elu": (elu, F.elu),
    "elu(2)": (lambda x: elu(x, 2), lambda x: F.elu(x, 2)),
    "sigmoid": (sigmoid, torch.sigmoid),
    "tanh": (tanh, torch.tanh),
    "softplus": (softplus, F.softplus),
    "softplus(2, 5)": (lambda x: softplus(x, 2, 5), lambda x: F.softplus(x, 2, 5)),
    "silu": (silu, F.silu),
    "gelu": (gelu, F.gelu),
    "gelu(tanh)": (
        lambda x: gelu(x, approximate="tanh"),
        lambda x: F.gelu(x, approximate="tanh"),
    ),
    "softsign": (softsign, F.softsign),
    "hardtanh": (hardtanh, F.hardtanh),
    "hardtanh(0, 6)": (lambda x: hardtanh(x, 0, 6), lambda x: F.hardtanh(x, 0, 6)),
}
PAIRS = pytest.mark.parametrize(("ours", "theirs"), ELEMENTWISE.values(), ids=ELEMENTWISE.keys())
ROWS = pytest.mark.parametrize(
    ("ours", "theirs"),
    [(softmax, F.softmax), (log_softmax, F.log_softmax)],
    ids=["softmax", "log_softmax"],
)
FLOATING = [torch.float16, torch.bfloat16, torch.float32, torch.float64]
# The corners, the kinks, the threshold of softplus, and beyond float32's largest exponent.
HOSTILE = [-1e4, -100.0, -89.0, -30.0, -6.0, -1.0, -0.0, 0.0, 0.5, 1.0, 2.5, 6.0, 10.0, 20.0]
HOSTILE += [20.1, 30.0, 89.0, 100.0, 1e4]
SMOOTH = ("elu", "sigmoid", "tanh", "softplus", "silu", "gelu", "gelu(tanh)", "softsign")

finite = st.floats(-1e6, 1e6, allow_subnormal=False)


def gradient(function: Callable[[Tensor], Tensor], x: Tensor, upstream: Tensor) -> Tensor:
    x = x.detach().requires_grad_()
    (result,) = torch.autograd.grad(function(x), x, upstream)
    return result


# --- Closed forms ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "x", "wanted"),
    [
        (relu, -1.5, 0.0),
        (relu, 1.5, 1.5),
        (leaky_relu, -2.0, -0.02),
        (elu, -1.0, 1 / math.e - 1),
        (sigmoid, 4.0, 0.9820137900379085),
        (sigmoid, -4.0, 0.01798620996209156),
        (tanh, 2.0, 0.9640275800758169),
        (softplus, -3.0, 0.04858735157374196),
        (softplus, 0.0, math.log(2)),
        (silu, 1.0, 0.7310585786300049),
        (gelu, 1.0, 0.8413447460685429),
        (gelu, -8.0, -4 * math.erfc(8 / math.sqrt(2))),
        (softsign, -3.0, -0.75),
        (hardtanh, -1.5, -1.0),
    ],
)
def test_values_follow_the_closed_form(
    function: Callable[[Tensor], Tensor], x: float, wanted: float
) -> None:
    result = function(torch.tensor(x, dtype=torch.float64)).item()
    assert result == pytest.approx(wanted, rel=1e-12, abs=0)


def test_softmax_and_log_softmax_follow_the_closed_form() -> None:
    logits = torch.tensor([0.2, 0.1, -0.1], dtype=torch.float64)
    exponentials = [math.exp(z) for z in (0.2, 0.1, -0.1)]
    wanted = [e / sum(exponentials) for e in exponentials]
    assert softmax(logits, 0).tolist() == pytest.approx(wanted, rel=1e-15)
    assert -log_softmax(logits, 0)[0].item() == pytest.approx(0.9729189131256584, rel=1e-12)


# --- Against PyTorch ---------------------------------------------------------------------------


@PAIRS
@pytest.mark.parametrize("dtype", FLOATING, ids=str)
def test_values_and_gradients_equal_those_of_pytorch(
    ours: Callable[[Tensor], Tensor],
    theirs: Callable[[Tensor], Tensor],
    dtype: torch.dtype,
    device: torch.device,
    generator: torch.Generator,
) -> None:
    random = 4 * torch.randn(200, generator=generator)
    x = torch.cat([torch.tensor(HOSTILE), random]).to(device, dtype)
    upstream = torch.randn(len(x), generator=generator).to(device, dtype)
    result = ours(x)
    assert result.dtype == dtype
    assert result.device == x.device
    torch.testing.assert_close(result, theirs(x))
    unit = torch.finfo(dtype).eps
    # On a GPU, PyTorch rounds 16-bit gradients at every step of the formula.
    loose = device.type == "cuda" and dtype.itemsize == 2
    torch.testing.assert_close(
        gradient(ours, x, upstream),
        gradient(theirs, x, upstream),
        **({"rtol": 4 * unit, "atol": unit} if loose else {}),
    )


@pytest.mark.parametrize("name", [name for name in ELEMENTWISE if name != "softsign"])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_half_precision_is_rounded_once(name: str, dtype: torch.dtype) -> None:
    ours, _ = ELEMENTWISE[name]
    x = torch.linspace(-5, 5, 1001).to(dtype)
    once = ours(x.double()).to(dtype)
    # A value halfway between two may go either way: half a unit in the last place, and a little.
    torch.testing.assert_close(ours(x), once, rtol=1.01 * torch.finfo(dtype).eps, atol=0)
    assert (ours(x) == once).float().mean() > 0.99


@PAIRS
def test_infinity_and_nan_come_out_as_in_pytorch(
    ours: Callable[[Tensor], Tensor], theirs: Callable[[Tensor], Tensor], device: torch.device
) -> None:
    # One number at a time: PyTorch's own gelu(inf) is NaN inside a long tensor and inf in a short.
    for number in (-INF, INF, NAN):
        x = torch.tensor([number], device=device)
        upstream = torch.ones_like(x)
        torch.testing.assert_close(ours(x), theirs(x), equal_nan=True)
        torch.testing.assert_close(
            gradient(ours, x, upstream), gradient(theirs, x, upstream), equal_nan=True
        )


@PAIRS
@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (1,), (2, 3, 4, 5)], ids=str)
def test_every_shape_is_kept(
    ours: Callable[[Tensor], Tensor],
    theirs: Callable[[Tensor], Tensor],
    shape: tuple[int, ...],
    generator: torch.Generator,
) -> None:
    x = torch.randn(shape, generator=generator)
    torch.testing.assert_close(ours(x), theirs(x))
    upstream = torch.ones(shape)
    torch.testing.assert_close(gradient(ours, x, upstream), gradient(theirs, x, upstream))


@PAIRS
def test_every_memory_layout_is_read_and_kept(
    ours: Callable[[Tensor], Tensor],
    theirs: Callable[[Tensor], Tensor],
    generator: torch.Generator,
) -> None:
    images = torch.randn(2, 3, 4, 5, generator=generator)
    layouts = {
        "transposed": images.transpose(1, 3),
        "every other": images[..., ::2],
        "expanded": images[:1].expand(4, -1, -1, -1),
        "channels last": images.to(memory_format=torch.channels_last),
    }
    for name, x in layouts.items():
        torch.testing.assert_close(ours(x), theirs(x), msg=name)
    x = layouts["channels last"]
    assert ours(x).is_contiguous(memory_format=torch.channels_last)


@PAIRS
def test_the_input_is_left_alone(
    ours: Callable[[Tensor], Tensor],
    theirs: Callable[[Tensor], Tensor],
    generator: torch.Generator,
) -> None:
    x = torch.randn(50, generator=generator)
    before = x.clone()
    result = ours(x)
    result += 1
    assert torch.equal(x, before)


@pytest.mark.parametrize("dtype", [torch.bool, torch.uint8, torch.int32, torch.int64], ids=str)
@pytest.mark.parametrize("name", ["sigmoid", "tanh", "softsign"])
def test_integers_become_the_default_dtype(name: str, dtype: torch.dtype) -> None:
    ours, theirs = ELEMENTWISE[name]
    x = torch.tensor([0, 1, 1]).to(dtype)
    reference = x if dtype != torch.bool else x.float()  # softsign of booleans is ours alone
    torch.testing.assert_close(ours(x), theirs(reference))
    torch.set_default_dtype(torch.float64)
    try:
        assert ours(x).dtype == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize("dtype", [torch.int8, torch.int32, torch.int64], ids=str)
@pytest.mark.parametrize("name", ["relu", "hardtanh"])
@pytest.mark.parametrize("shape", [(4,), ()], ids=str)
def test_integers_stay_integers_where_nothing_is_divided(
    name: str, dtype: torch.dtype, shape: tuple[int, ...]
) -> None:
    ours, theirs = ELEMENTWISE[name]
    x = torch.tensor([-3, 0, 1, 5], dtype=dtype)[: math.prod(shape)].reshape(shape)
    torch.testing.assert_close(ours(x), theirs(x))


def test_hardtanh_clips_bytes_to_ends_that_fit() -> None:
    x = torch.tensor([0, 3, 9], dtype=torch.uint8)
    torch.testing.assert_close(hardtanh(x, 0, 6), F.hardtanh(x, 0, 6))


def test_hardtanh_of_an_interval_without_length_is_constant() -> None:
    x = torch.tensor([-3.0, 1.0, 5.0])
    torch.testing.assert_close(hardtanh(x, 1, 1), F.hardtanh(x, 1, 1))


def test_softplus_allows_the_overflow_that_its_threshold_asks_for() -> None:
    x = torch.tensor([-5.0, 50.0, 100.0])
    torch.testing.assert_close(softplus(x, 1, 1000), F.softplus(x, 1, 1000))
    torch.testing.assert_close(softplus(x, -1), F.softplus(x, -1))
    torch.testing.assert_close(softplus(x, 0), F.softplus(x, 0))


@ROWS
@pytest.mark.parametrize("dtype", FLOATING, ids=str)
@pytest.mark.parametrize(
    ("shape", "dim"),
    [
        *[((), 0), ((), -1), ((0,), 0), ((3, 0), 1), ((0, 3), 1), ((0, 3), 0), ((1, 1), 0)],
        *[((4, 5), 0), ((4, 5), 1), ((4, 5), -2), ((2, 3, 4), 1), ((2, 3, 4, 2), -3)],
    ],
    ids=str,
)
def test_rows_equal_those_of_pytorch(
    ours: Callable[..., Tensor],
    theirs: Callable[..., Tensor],
    dtype: torch.dtype,
    shape: tuple[int, ...],
    dim: int,
    device: torch.device,
    generator: torch.Generator,
) -> None:
    x = (5 * torch.randn(shape, generator=generator)).to(device, dtype)
    upstream = torch.randn(shape, generator=generator).to(device, dtype)
    result = ours(x, dim)
    assert result.dtype == dtype
    # In half precision PyTorch rounds in between: the sum of log_softmax, the output before the
    # backward pass. Ours is rounded once.
    coarse = dtype in (torch.float16, torch.bfloat16)
    wanted = theirs(x.double(), dim).to(dtype) if coarse else theirs(x, dim)
    torch.testing.assert_close(result, wanted)
    torch.testing.assert_close(
        gradient(lambda x: ours(x, dim), x, upstream),
        gradient(lambda x: theirs(x, dim), x, upstream),
        **({"rtol": 0, "atol": 4 * torch.finfo(dtype).eps} if coarse else {}),
    )


@ROWS
@pytest.mark.parametrize(
    "row",
    [[1e4, 0.0, -1e4], [1e4, 1e4, 1e4], [1.0, -INF, 2.0], [-INF] * 3, [INF, 0.0, 1.0], [NAN, 0, 1]],
    ids=str,
)
def test_hostile_rows_come_out_as_in_pytorch(
    ours: Callable[..., Tensor],
    theirs: Callable[..., Tensor],
    row: list[float],
    device: torch.device,
) -> None:
    x, upstream = torch.tensor(row, device=device), torch.tensor([1.0, 2.0, 3.0], device=device)
    torch.testing.assert_close(ours(x, 0), theirs(x, 0), equal_nan=True)
    torch.testing.assert_close(
        gradient(lambda x: ours(x, 0), x, upstream),
        gradient(lambda x: theirs(x, 0), x, upstream),
        equal_nan=True,
        rtol=1e-5,
        atol=1e-5,
    )


@ROWS
def test_dtype_converts_before_anything_is_computed(
    ours: Callable[..., Tensor], theirs: Callable[..., Tensor]
) -> None:
    for x in (torch.tensor([1, 2, 3]), torch.tensor([7e4, 1.0]), torch.tensor([True, False])):
        for dtype in FLOATING:
            result = ours(x, 0, dtype=dtype)
            assert result.dtype == dtype
            torch.testing.assert_close(result, theirs(x, 0, dtype=dtype), equal_nan=True)


# --- Derivatives -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SMOOTH)
def test_gradients_equal_finite_differences_to_the_second_order(
    name: str, generator: torch.Generator
) -> None:
    function = ELEMENTWISE[name][0]
    x = 3 * torch.randn(20, dtype=torch.float64, generator=generator)
    x.requires_grad_()
    assert torch.autograd.gradcheck(
        function, x, check_forward_ad=True, check_batched_grad=True, check_batched_forward_grad=True
    )
    assert torch.autograd.gradgradcheck(function, x)


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "hardtanh", "hardtanh(0, 6)"])
def test_gradients_of_straight_lines_equal_finite_differences(
    name: str, generator: torch.Generator
) -> None:
    x = 3 * torch.randn(20, dtype=torch.float64, generator=generator)
    x.requires_grad_()
    assert torch.autograd.gradcheck(ELEMENTWISE[name][0], x, check_forward_ad=True)


@ROWS
def test_gradients_of_rows_equal_finite_differences_to_the_second_order(
    ours: Callable[..., Tensor], theirs: Callable[..., Tensor], generator: torch.Generator
) -> None:
    x = torch.randn(3, 4, dtype=torch.float64, generator=generator, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: ours(x, 1), x, check_forward_ad=True)
    assert torch.autograd.gradgradcheck(lambda x: ours(x, 1), x)


def test_function_transforms_pass_through() -> None:
    x = torch.linspace(-2, 2, 5, dtype=torch.float64)
    for ours, theirs in ((sigmoid, torch.sigmoid), (tanh, torch.tanh)):
        torch.testing.assert_close(torch.func.vmap(ours)(x), theirs(x))
        second = torch.func.hessian(lambda x, f=ours: f(x).sum())(x)
        torch.testing.assert_close(second, torch.func.hessian(lambda x, f=theirs: f(x).sum())(x))


@pytest.mark.parametrize(
    "curve", [*CURVES.values(), *SIGMOID_FAMILY.values()], ids=lambda c: c.name
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_slopes_derived_by_hand_equal_autograd(
    curve: activations.Curve, dtype: torch.dtype
) -> None:
    x = torch.cat([torch.linspace(-30, 30, 601), torch.tensor([-1.0, 0.0, 1.0])]).to(dtype)
    slope = curve.slope(x)
    assert slope.dtype == dtype
    assert slope.shape == x.shape
    torch.testing.assert_close(slope, gradient(curve.value, x, torch.ones_like(x)))


@pytest.mark.parametrize(
    ("function", "at", "wanted"),
    [
        (relu, 0.0, 0.0),
        (relu, -0.0, 0.0),
        (leaky_relu, 0.0, 0.01),
        (elu, 0.0, 1.0),
        (lambda x: elu(x, 2.0), 0.0, 2.0),
        (hardtanh, -1.0, 0.0),
        (hardtanh, 1.0, 0.0),
        (softsign, 0.0, 1.0),
        (tanh, 0.0, 1.0),
        (sigmoid, 0.0, 0.25),
    ],
)
def test_the_slope_at_a_kink_is_the_documented_one(
    function: Callable[[Tensor], Tensor], at: float, wanted: float
) -> None:
    slope = gradient(function, torch.tensor(at), torch.tensor(1.0)).item()
    assert slope == pytest.approx(wanted, abs=1e-9)


@pytest.mark.parametrize("name", ["relu", "hardtanh"])
def test_a_flat_part_blocks_even_an_infinite_gradient(name: str) -> None:
    ours, _ = ELEMENTWISE[name]
    blocked = gradient(ours, torch.tensor([-2.0, -2.0]), torch.tensor([INF, NAN]))
    assert blocked.tolist() == [0.0, 0.0]


@pytest.mark.parametrize("name", list(ELEMENTWISE))
def test_no_finite_number_makes_a_gradient_that_is_not_finite(name: str) -> None:
    x = torch.tensor([-1e9, -1e4, -700.0, -90.0, 90.0, 700.0, 1e4, 1e9])
    for dtype in (torch.float32, torch.float64):
        slopes = gradient(ELEMENTWISE[name][0], x.to(dtype), torch.ones(8, dtype=dtype))
        assert slopes.isfinite().all()


# --- Accuracy ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "low", "high", "n_ulp"),
    [
        (sigmoid, -87.0, 20.0, 2),
        (tanh, -10.0, 10.0, 2),
        (tanh, -1e-4, 1e-4, 2),
        (gelu, -12.0, 5.0, 4),
        (softplus, -87.0, 19.0, 2),
        (elu, -15.0, 1.0, 1),
    ],
)
def test_float32_is_accurate_to_a_few_units_in_the_last_place(
    function: Callable[[Tensor], Tensor], low: float, high: float, n_ulp: int
) -> None:
    x = torch.linspace(low, high, 20001)
    result, exact = function(x).double(), function(x.double())
    # In gelu the rounding of x / sqrt(2) is amplified by the steepness x^2 of the tail.
    amplified = 1 + (x.double() ** 2 if function is gelu else 0)
    error = (result - exact).abs() / (exact.abs() * torch.finfo(torch.float32).eps * amplified)
    assert error.nan_to_num(0).max() <= n_ulp


def test_log_softmax_keeps_what_the_logarithm_of_softmax_loses() -> None:
    logits = torch.tensor([0.0, 200.0])
    assert log_softmax(logits, 0).tolist() == [-200.0, 0.0]
    assert softmax(logits, 0).log().tolist() == [-INF, 0.0]


@pytest.mark.parametrize("curve", SIGMOID_FAMILY.values(), ids=lambda curve: curve.name)
def test_the_gap_is_what_is_missing_to_one(curve: activations.SigmoidCurve) -> None:
    x = torch.linspace(0.1, 3, 50, dtype=torch.float64)
    torch.testing.assert_close(curve.gap(x), 1 - curve.value(x))


@pytest.mark.parametrize("curve", SIGMOID_FAMILY.values(), ids=lambda curve: curve.name)
def test_gaps_and_slopes_keep_their_digits_far_out(curve: activations.SigmoidCurve) -> None:
    x = torch.tensor([2.0, 4.0, 7.0])
    for function in (curve.gap, curve.slope):
        torch.testing.assert_close(function(x), function(x.double()).float(), rtol=1e-4, atol=0)


def test_the_slope_of_the_sigmoid_is_not_rounded_to_zero() -> None:
    slope = CURVES["sigmoid"].slope(torch.tensor(30.0)).item()
    assert slope == pytest.approx(math.exp(-30), rel=1e-5)


def test_gaps_approach_their_asymptotes() -> None:
    asymptotes = {
        "erf": lambda x: 2 / (math.pi * x) * math.exp(-math.pi * x * x / 4),
        "tanh": lambda x: 2 * math.exp(-2 * x),
        "logistic": lambda x: 2 * math.exp(-2 * x),
        "algebraic": lambda x: 1 / (2 * x * x),
        "arctan": lambda x: 4 / (math.pi**2 * x),
        "softsign": lambda x: 1 / x,
    }
    assert asymptotes.keys() == SIGMOID_FAMILY.keys()
    for name, asymptote in asymptotes.items():
        x = 20.0 if name in ("erf", "tanh", "logistic") else 1e4
        gap = SIGMOID_FAMILY[name].gap(torch.tensor(x, dtype=torch.float64)).item()
        assert gap == pytest.approx(asymptote(x), rel=2e-3), name


def test_the_family_is_ordered_by_how_fast_it_approaches_one() -> None:
    gaps = [curve.gap(torch.tensor(5.0)).item() for curve in SIGMOID_FAMILY.values()]
    assert gaps == sorted(gaps)


# --- What the chapter claims -------------------------------------------------------------------


@given(st.lists(finite, min_size=2, max_size=20))
def test_all_but_silu_and_gelu_never_fall(numbers: list[float]) -> None:
    x = torch.tensor(numbers, dtype=torch.float64).sort().values
    for name in (
        "relu",
        "leaky_relu",
        "elu",
        "sigmoid",
        "tanh",
        "softplus",
        "softsign",
        "hardtanh",
    ):
        steps = CURVES[name].value(x).diff()
        assert (steps >= -1e-15 * x.abs().max()).all(), name


@given(st.lists(finite, min_size=1, max_size=20))
def test_bounded_activations_stay_inside_their_bounds(numbers: list[float]) -> None:
    x = torch.tensor(numbers)
    assert ((sigmoid(x) >= 0) & (sigmoid(x) <= 1)).all()
    for name in ("tanh", "softsign", "hardtanh"):
        assert (CURVES[name].value(x).abs() <= 1).all(), name
    for curve in SIGMOID_FAMILY.values():
        assert (curve.value(x).abs() <= 1).all(), curve.name


@given(finite)
def test_odd_functions_are_odd(number: float) -> None:
    x = torch.tensor(number)
    curves = [CURVES["tanh"], CURVES["softsign"], CURVES["hardtanh"]]
    curves += [curve for name, curve in SIGMOID_FAMILY.items() if name != "logistic"]
    for curve in curves:
        assert torch.equal(curve.value(-x), -curve.value(x)), curve.name


@given(finite)
def test_identities_hold(number: float) -> None:
    x = torch.tensor(number, dtype=torch.float64)
    close = torch.testing.assert_close
    close(sigmoid(-x), 1 - sigmoid(x))
    close(tanh(x), 2 * sigmoid(2 * x) - 1)
    close(softplus(x) - softplus(-x), x)
    close(CURVES["softplus"].slope(x), sigmoid(x))
    close(silu(x) - silu(-x), x)
    close(gelu(x) - gelu(-x), x)
    close(relu(x) - relu(-x), x)


@given(st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=20), st.floats(-1e3, 1e3))
def test_softmax_sums_to_one_and_ignores_a_shift(numbers: list[float], shift: float) -> None:
    z = torch.tensor(numbers, dtype=torch.float64)
    p = softmax(z, 0)
    torch.testing.assert_close(p.sum(), torch.tensor(1.0, dtype=torch.float64))
    torch.testing.assert_close(softmax(z + shift, 0), p)
    torch.testing.assert_close(log_softmax(z, 0).exp(), p)
    assert p.argmax() == z.argmax() or p.max() == p[z.argmax()]


def test_softmax_of_two_logits_is_a_sigmoid_of_their_difference() -> None:
    z = torch.tensor([0.3, 1.6], dtype=torch.float64)
    torch.testing.assert_close(softmax(z, 0)[1], sigmoid(z[1] - z[0]))


def test_every_member_of_the_family_runs_from_minus_one_to_one_with_slope_one() -> None:
    for curve in SIGMOID_FAMILY.values():
        ends = curve.value(torch.tensor([-1e30, 0.0, 1e30]))
        assert ends.tolist() == [-1.0, 0.0, 1.0], curve.name
        assert curve.slope(torch.tensor(0.0)).item() == pytest.approx(1), curve.name


def test_the_intervals_of_the_sigmoid_and_of_tanh_are_one_and_the_same() -> None:
    sigmoid_share = CURVES["sigmoid"].slope(torch.tensor(4.0)) / 0.25
    tanh_share = CURVES["tanh"].slope(torch.tensor(2.0))
    assert sigmoid_share.item() == pytest.approx(tanh_share.item(), rel=1e-6)
    assert sigmoid_share.item() == pytest.approx(0.0707, abs=5e-5)


# --- What is refused ---------------------------------------------------------------------------


@pytest.mark.parametrize("curve", CURVES.values(), ids=lambda curve: curve.name)
def test_what_is_not_a_real_tensor_is_refused(curve: activations.Curve) -> None:
    with pytest.raises(TypeError, match=r"input must be a tensor, got a list; use torch\.tensor"):
        curve.value([1.0])  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"input must .* got a complex64 tensor of shape \(2,\)"):
        curve.value(torch.ones(2, dtype=torch.complex64))


@pytest.mark.parametrize("function", [leaky_relu, elu, softplus, silu, gelu])
def test_integers_are_refused_where_pytorch_refuses_them(
    function: Callable[[Tensor], Tensor],
) -> None:
    with pytest.raises(TypeError, match=r"input must have a floating-point dtype, got an int64"):
        function(torch.tensor([1, 2]))


@pytest.mark.parametrize("function", [relu, hardtanh])
def test_booleans_are_refused_where_pytorch_refuses_them(
    function: Callable[[Tensor], Tensor],
) -> None:
    with pytest.raises(TypeError, match=r"input must hold real numbers, got a bool tensor"):
        function(torch.tensor([True]))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: leaky_relu(x, "a"), TypeError, "negative_slope must be a real number, got 'a'"),
        (lambda x: elu(x, None), TypeError, "alpha must be a real number, got None"),
        (lambda x: softplus(x, True), TypeError, "beta must be a real number, got True"),
        (lambda x: softplus(x, 1, "b"), TypeError, "threshold must be a real number, got 'b'"),
        (lambda x: hardtanh(x, 1, -1), ValueError, r"min_val must be at most max_val = -1, got 1"),
        (lambda x: hardtanh(x, NAN), ValueError, "min_val must be a number, got nan"),
        (lambda x: hardtanh(x, 0, "c"), TypeError, "max_val must be a real number, got 'c'"),
        (lambda x: hardtanh(x.byte()), ValueError, "min_val must fit into .* uint8 .*, got -1"),
        (lambda x: hardtanh(x.int(), 0, 1.5), ValueError, "max_val must fit into .*, got 1.5"),
        (lambda x: gelu(x, approximate="erf"), ValueError, "approximate must be one of 'none', 't"),
        (lambda x: softmax(x, 1), ValueError, "dim must be at most 0, got 1"),
        (lambda x: softmax(x, -2), ValueError, "dim must be at least -1, got -2"),
        (lambda x: softmax(x, None), TypeError, "dim must be an int, got None"),
        (lambda x: softmax(x, True), TypeError, "dim must be an int, got True"),
        (lambda x: log_softmax(x, 1.0), TypeError, "dim must be an int, got 1.0"),
        (lambda x: softmax([1.0], 0), TypeError, "input must be a tensor, got a list"),
        (lambda x: softmax(x.int(), 0), TypeError, "floating-point dtype, got an int32 tensor"),
        (lambda x: softmax(x, 0, dtype=torch.int64), TypeError, "dtype must be a floating-point"),
        (lambda x: log_softmax(x, 0, dtype="float"), TypeError, "dtype must be .* got 'float'"),
    ],
)
def test_a_bad_setting_is_named(
    call: Callable[[Tensor], Tensor], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        call(torch.zeros(3))


def test_inplace_is_not_accepted() -> None:
    for function in (relu, leaky_relu, elu, silu, hardtanh):
        with pytest.raises(TypeError, match="unexpected keyword argument 'inplace'"):
            function(torch.zeros(1), inplace=True)  # type: ignore[call-arg]


def test_dim_of_softmax_is_required() -> None:
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'dim'"):
        softmax(torch.zeros(3))  # type: ignore[call-arg]


def test_the_global_generator_is_not_touched() -> None:
    before = torch.get_rng_state()
    for curve in CURVES.values():
        curve.value(torch.randn(3, generator=make_generator(0)))
    assert torch.equal(torch.get_rng_state(), before)
