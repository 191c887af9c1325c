"""Sixteen bits: formats from their bits, rounding like a conversion, scaling like PyTorch's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from handbook.mixed_precision import FloatFormat, float_format, next_scale, round_to, unscale
from handbook.seeding import make_generator

HALF = [torch.float16, torch.bfloat16]
FLOATING = [*HALF, torch.float32, torch.float64]
INF, NAN = float("inf"), float("nan")


@pytest.mark.parametrize("dtype", FLOATING)
def test_a_format_is_what_its_bits_say(dtype: torch.dtype) -> None:
    found, wanted = float_format(dtype), torch.finfo(dtype)
    assert isinstance(found, FloatFormat)
    assert 1 + found.exponent_bits + found.fraction_bits == wanted.bits
    assert found.epsilon == wanted.eps
    assert found.largest == wanted.max
    assert found.smallest_normal == wanted.smallest_normal
    if dtype != torch.float64:
        smallest = torch.tensor(found.smallest, dtype=torch.float64).to(dtype)
        assert smallest > 0
        assert (smallest.double() / 2).to(dtype) == 0


def test_other_dtypes_are_refused() -> None:
    with pytest.raises(TypeError, match=r"dtype must be one of float16, .* got int8"):
        float_format(torch.int8)
    with pytest.raises(TypeError, match=r"dtype must be one of .* got complex64"):
        round_to(torch.ones(1), torch.complex64)
    with pytest.raises(TypeError, match="input must have a floating-point dtype"):
        round_to(torch.ones(1, dtype=torch.int64), torch.float16)


HOSTILE = [0.0, -0.0, INF, -INF, NAN, 1.0, 65503.9, 65519.999, 65520.0, -65520.0, 1e30, 3.4e38]
HOSTILE += [3.39e38, 2.0**-24, 2.0**-25, 2.0**-25 * 1.001, 2.0**-14, 2.0**-14 * 0.9999, 1e-40]
HOSTILE += [2049.0, 2051.0, 257.0, 259.0, 1e-45, 9.2e-41, 4.6e-41]


@pytest.mark.parametrize("dtype", [*HALF, torch.float32, torch.float64])
@pytest.mark.parametrize("source", [torch.float32, torch.float64])
def test_rounding_is_that_of_a_conversion(
    dtype: torch.dtype, source: torch.dtype, device: torch.device
) -> None:
    draws = torch.randn(4000, generator=make_generator(0), dtype=torch.float64)
    sizes = torch.linspace(-140, 120, 4000, dtype=torch.float64)
    x = torch.cat([torch.tensor(HOSTILE, dtype=torch.float64), draws * 2**sizes, draws])
    x = x.to(device, source)
    if source == torch.float64 and dtype in HALF:
        x = x.float().double()  # PyTorch rounds to float32 first: let that change nothing
    wanted = x.to(dtype).to(source)
    found = round_to(x, dtype)
    assert torch.equal(found.nan_to_num(7.0), wanted.nan_to_num(7.0))
    assert torch.equal(found.signbit() | x.isnan(), wanted.signbit() | x.isnan())


def test_one_rounding_is_better_than_two() -> None:
    """Just above a tie: PyTorch's way over float32 falls back onto the tie."""
    x = torch.tensor(1 + 2.0**-11 + 2.0**-40, dtype=torch.float64)
    assert round_to(x, torch.float16).item() == float(np.float16(x.item())) == 1 + 2.0**-10
    assert x.half().item() == 1


@settings(deadline=None)
@given(st.floats(width=32))
def test_any_number_rounds_like_a_conversion(number: float) -> None:
    x = torch.tensor(number)
    for dtype in HALF:
        torch.testing.assert_close(
            round_to(x, dtype), x.to(dtype).float(), rtol=0, atol=0, equal_nan=True
        )


def test_any_layout_and_no_numbers_at_all() -> None:
    x = torch.randn(4, 6, generator=make_generator(0)).T[::2]
    assert torch.equal(round_to(x, torch.float16), x.half().float())
    assert round_to(torch.empty(0, 3), torch.float16).shape == (0, 3)
    assert round_to(torch.tensor(1.1), torch.float16).shape == ()


@pytest.mark.parametrize("dtype", HALF)
def test_the_gradient_passes_as_through_a_conversion(dtype: torch.dtype) -> None:
    x = torch.tensor([0.1, 1e-9, 7.3], requires_grad=True)
    (ours,) = torch.autograd.grad((round_to(x, dtype) * torch.arange(3.0)).sum(), x)
    assert ours.tolist() == [0, 1, 2]


# ---- scaling -------------------------------------------------------------------------------------


@settings(deadline=None)
@given(
    st.lists(st.booleans(), max_size=60), st.integers(1, 5), st.sampled_from([2.0, 65536.0, 1e38])
)
def test_the_scale_goes_where_pytorchs_goes(
    overflows: list[bool], interval: int, start: float
) -> None:
    scale, count = torch.tensor(start).item(), 0
    theirs = torch.tensor([start])
    tracker = torch.zeros(1, dtype=torch.int32)
    for overflow in overflows:
        scale, count = next_scale(scale, count, overflow, growth_interval=interval)
        torch._amp_update_scale_(
            theirs, tracker, torch.tensor([float(overflow)]), 2.0, 0.5, interval
        )
        assert theirs.item() == pytest.approx(scale)
        assert tracker.item() == count


@pytest.mark.parametrize("dtype", FLOATING)
def test_unscaling_divides(dtype: torch.dtype) -> None:
    gradients = [torch.tensor([2.0, -4.0], dtype=dtype), torch.zeros(0, dtype=dtype)]
    (first, second), found = unscale(gradients, 2.0**10)
    assert first.tolist() == [2.0**-9, -(2.0**-8)]
    assert second.shape == (0,)
    assert not found
    assert first.dtype == (torch.float32 if dtype in HALF else dtype)


def test_a_small_gradient_survives_unscaling() -> None:
    """In float16 it would round to 0 again."""
    (found,), _ = unscale([torch.tensor([2.0**-10], dtype=torch.float16)], 2.0**20)
    assert found.item() == 2.0**-30
    assert found.half().item() == 0


@pytest.mark.parametrize("bad", [INF, -INF, NAN])
def test_overflow_is_found(bad: float) -> None:
    assert unscale([torch.ones(3), torch.tensor([0.0, bad])], 2.0)[1]
    assert not unscale([], 2.0)[1]


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((0, 0, True), {}, ValueError, "scale must be above 0"),
        ((1, -1, True), {}, ValueError, "n_good_steps must be at least 0, got -1"),
        ((1, 0, 1), {}, TypeError, "found_inf must be a bool, got 1"),
        ((1, 0, True), {"growth_factor": 1}, ValueError, "growth_factor must be above 1"),
        ((1, 0, True), {"backoff_factor": 1}, ValueError, "backoff_factor must be below 1"),
        ((1, 0, True), {"growth_interval": 0}, ValueError, "growth_interval must be at least 1"),
    ],
)
def test_a_bad_rule_is_refused(
    arguments: Any, options: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        next_scale(*arguments, **options)


def test_bad_gradients_are_refused() -> None:
    with pytest.raises(TypeError, match=r"gradients\[0\] must be a tensor, got None"):
        unscale([None], 1.0)  # type: ignore[list-item]
    for gradients in (torch.ones(3), None):
        with pytest.raises(
            TypeError, match=r"gradients must be a sequence of tensors, got .*use \["
        ):
            unscale(gradients, 1.0)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="scale must be above 0"):
        unscale([], 0)
