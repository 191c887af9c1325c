"""Pooling: sizes, maxima and means against PyTorch, ties, NaN, gradients, every message."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from handbook import pooling
from handbook.pooling import (
    adaptive_avg_pool2d,
    adaptive_max_pool2d,
    avg_pool1d,
    avg_pool2d,
    max_pool1d,
    max_pool2d,
    max_pool2d_backward,
    max_unpool2d,
    pooled_size,
)
from handbook.seeding import make_generator

NAN, INF = torch.nan, torch.inf
FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def draw(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(shape, generator=make_generator(seed), dtype=torch.float64).to(dtype)


def same(ours: Any, theirs: Any, *args: Any, x: Tensor, **kwargs: Any) -> None:
    """Compare values, indices if there are any, and the gradient for one cotangent."""
    sides = []
    for function in (ours, theirs):
        leaf = x.clone().requires_grad_()
        found = function(leaf, *args, **kwargs)
        parts = found if isinstance(found, tuple) else (found,)
        upstream = draw(*parts[0].shape, seed=1, dtype=x.dtype).to(x.device)
        (grad,) = torch.autograd.grad(parts[0], leaf, upstream)
        sides.append((*parts, grad))
    for mine, other in zip(*sides, strict=True):
        torch.testing.assert_close(mine, other, equal_nan=True)


# ---- sizes -------------------------------------------------------------------------------------


def test_pooled_size_is_pytorch_s_for_every_small_setting() -> None:
    for n, k, s, p, d, up in itertools.product(
        range(1, 9), (1, 2, 3, 4), (1, 2, 3, 5), (0, 1, 2), (1, 2), (False, True)
    ):
        try:
            wanted = F.max_pool2d(torch.zeros(1, 1, n), (1, k), (1, s), (0, p), (1, d), up).shape[2]
        except RuntimeError:
            with pytest.raises(ValueError, match=r"must be at most half|must span at most"):
                pooled_size(n, k, s, p, d, up)
        else:
            assert pooled_size(n, k, s, p, d, up) == wanted


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"input_size": 0}, ValueError, "input_size must be at least 1, got 0"),
        ({"kernel_size": 2.0}, TypeError, r"kernel_size must be an int, got 2\.0"),
        ({"stride": 0}, ValueError, "stride must be at least 1, got 0"),
        ({"padding": -1}, ValueError, "padding must be at least 0, got -1"),
        ({"padding": 2}, ValueError, "padding must be at most half of kernel_size 2, got 2; more"),
        ({"dilation": 0}, ValueError, "dilation must be at least 1, got 0"),
        ({"ceil_mode": 1}, TypeError, "ceil_mode must be True or False, got 1"),
        (
            {"kernel_size": 9},
            ValueError,
            (
                r"kernel_size must span at most the padded input's 8 \+ 2 × 0 = 8 cells, "
                r"got a span of 1 × \(9 - 1\) \+ 1 = 9; use a smaller kernel"
            ),
        ),
    ],
)
def test_pooled_size_refuses(
    arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        pooled_size(**{"input_size": 8, "kernel_size": 2, **arguments})


# ---- maxima ------------------------------------------------------------------------------------


@st.composite
def windows(draw_from: st.DrawFn) -> dict[str, Any]:
    kernel = draw_from(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    return {
        "kernel_size": kernel,
        "stride": draw_from(st.none() | st.tuples(st.integers(1, 5), st.integers(1, 5))),
        "padding": tuple(draw_from(st.integers(0, k // 2)) for k in kernel),
        "ceil_mode": draw_from(st.booleans()),
    }


def misses_the_image(options: dict[str, Any], dilation: int, sizes: tuple[int, ...]) -> bool:
    """Whether the first window has no cell inside along one dimension."""
    for i, n in enumerate(sizes):
        k, p = (
            value if isinstance(value, int) else value[i]
            for value in (options["kernel_size"], options["padding"])
        )
        if not any(0 <= dilation * j - p < n for j in range(k)):
            return True
    return False


@given(
    windows(),
    st.integers(1, 2),
    st.sampled_from([(2, 3, 7, 9), (3, 6, 5), (0, 2, 7, 8), (1, 1, 8, 4)]),
    st.sampled_from(["numbers", "ties", "specials"]),
)
@settings(max_examples=250, deadline=None)
def test_max_pool2d_equals_pytorch_in_values_places_and_gradients(
    options: dict[str, Any], dilation: int, shape: tuple[int, ...], kind: str
) -> None:
    x = draw(*shape)
    if kind == "ties":
        x = x.round()
    elif kind == "specials":
        marks = torch.tensor([NAN, INF, -INF, -INF, 0.0, -0.0], dtype=torch.float64)
        x = marks[torch.randint(6, shape, generator=make_generator(3))]
    options = {**options, "dilation": dilation, "return_indices": True}
    try:
        F.max_pool2d(x, **options)
    except RuntimeError:
        with pytest.raises(ValueError, match="must"):
            max_pool2d(x, **options)
        return
    if misses_the_image(options, dilation, shape[-2:]):
        with pytest.raises(ValueError, match="every window a cell inside"):
            max_pool2d(x, **options)  # PyTorch answers with an index outside the image
        return
    same(max_pool2d, F.max_pool2d, x=x, **options)


def test_a_window_of_minus_infinity_has_its_place_inside() -> None:
    x = torch.full((1, 1, 3, 3), -INF)
    maxima, places = max_pool2d(x, 2, stride=2, padding=1, return_indices=True)
    assert maxima.eq(-INF).all()
    assert places.tolist() == [[[[0, 1], [3, 4]]]]


def test_of_equal_numbers_the_first_counts_and_of_nans_the_last() -> None:
    x = torch.tensor([[[7.0, 7.0, NAN, 0.0], [7.0, 7.0, 9.0, NAN]]])
    maxima, places = max_pool2d(x, 2, return_indices=True)
    assert maxima[0, 0, 0] == 7
    assert maxima[0, 0, 1].isnan()
    assert places.tolist() == [[[0, 7]]]


@pytest.mark.parametrize(
    "dtype", [*FLOATS, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64]
)
def test_max_pool2d_takes_every_real_dtype(dtype: torch.dtype) -> None:
    x = (50 * draw(2, 3, 6, 6)).abs().to(dtype)
    ours = max_pool2d(x, 3, 2, 1, return_indices=True)
    for mine, other in zip(ours, F.max_pool2d(x, 3, 2, 1, return_indices=True), strict=True):
        assert torch.equal(mine, other)
        assert mine.dtype == other.dtype


def test_integers_at_the_bottom_of_their_range_win_against_the_padding() -> None:
    x = torch.full((1, 2, 2), torch.iinfo(torch.int64).min)
    assert torch.equal(max_pool2d(x, 2, padding=1), x)


@pytest.mark.parametrize("layout", ["channels_last", "strided", "expanded"])
def test_max_pool2d_takes_every_layout_and_leaves_its_input(layout: str) -> None:
    x = draw(2, 3, 6, 8)
    if layout == "channels_last":
        x = x.to(memory_format=torch.channels_last)
    elif layout == "strided":
        x = draw(3, 2, 8, 12).transpose(0, 1)[..., ::2]
    else:
        x = draw(1, 3, 6, 1).expand(2, 3, 6, 8)
    before = x.clone()
    output = max_pool2d(x, 3, 2, 1)
    assert torch.equal(output, F.max_pool2d(x.contiguous(), 3, 2, 1))
    assert output.is_contiguous()
    assert torch.equal(x, before)


@given(windows(), st.integers(1, 2), st.sampled_from([(2, 3, 9), (4, 7), (0, 2, 5)]))
@settings(max_examples=60, deadline=None)
def test_one_dimension_equals_pytorch(
    options: dict[str, Any], dilation: int, shape: tuple[int, ...]
) -> None:
    one = {name: value[1] if isinstance(value, tuple) else value for name, value in options.items()}
    x = draw(*shape)
    for ours, theirs, extra in (
        (max_pool1d, F.max_pool1d, {"dilation": dilation, "return_indices": True}),
        (avg_pool1d, F.avg_pool1d, {"count_include_pad": False}),
    ):
        try:
            theirs(x, **one, **extra)
        except RuntimeError:
            with pytest.raises(ValueError, match="must"):
                ours(x, **one, **extra)
            continue
        if "dilation" in extra and misses_the_image(one, dilation, shape[-1:]):
            continue
        same(ours, theirs, x=x, **one, **extra)


def test_overlapping_windows_add_their_gradients_up_at_a_shared_winner() -> None:
    x = torch.tensor([[[0.0, 0.0, 0.0], [0.0, 5.0, 0.0], [0.0, 0.0, 0.0]]], requires_grad=True)
    max_pool2d(x, 2, stride=1).sum().backward()
    assert x.grad[0, 1, 1] == 4
    assert x.grad.sum() == 4


def test_the_backward_by_hand_equals_autograd() -> None:
    for options in ({"kernel_size": 2}, {"kernel_size": 3, "stride": 1, "padding": 1}):
        x = draw(2, 3, 7, 6).round().requires_grad_()
        maxima, places = max_pool2d(x, **options, return_indices=True)
        upstream = draw(*maxima.shape, seed=1)
        (automatic,) = torch.autograd.grad(maxima, x, upstream)
        assert torch.equal(max_pool2d_backward(upstream, places, x.shape), automatic)


def test_neither_form_calls_pytorch_s_own(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in dir(F) if "pool" in name]:
        monkeypatch.setattr(F, name, None)
    for name in [name for name in dir(torch) if "pool" in name]:
        monkeypatch.setattr(torch, name, None)
    x = draw(1, 1, 5, 5)
    places = max_pool2d(x, 2, return_indices=True)[1]
    max_unpool2d(avg_pool2d(x, 2), places, 2, output_size=(5, 5))
    adaptive_max_pool2d(adaptive_avg_pool2d(x, 3), 2)


# ---- means -------------------------------------------------------------------------------------


@given(
    windows(),
    st.booleans(),
    st.sampled_from([None, 1, 3, -2]),
    st.sampled_from([(2, 3, 7, 9), (3, 6, 5), (0, 2, 7, 8)]),
)
@settings(max_examples=200, deadline=None)
def test_avg_pool2d_equals_pytorch(
    options: dict[str, Any], include: bool, divisor: int | None, shape: tuple[int, ...]
) -> None:
    options = {**options, "count_include_pad": include, "divisor_override": divisor}
    x = draw(*shape)
    try:
        F.avg_pool2d(x, **options)
    except RuntimeError:
        with pytest.raises(ValueError, match="must"):
            avg_pool2d(x, **options)
        return
    same(avg_pool2d, F.avg_pool2d, x=x, **options)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_means_err_by_a_rounding_or_two(dtype: torch.dtype, offset: float) -> None:
    x = (draw(2, 3, 9, 9) + offset).to(dtype)
    for output, exact in (
        (avg_pool2d(x, 3), F.avg_pool2d(x.double(), 3)),
        (adaptive_avg_pool2d(x, 4), F.adaptive_avg_pool2d(x.double(), 4)),
        (adaptive_avg_pool2d(x, 3), F.adaptive_avg_pool2d(x.double(), 3)),
    ):
        assert output.dtype == dtype
        torch.testing.assert_close(
            output.double(), exact, rtol=4 * torch.finfo(dtype).eps, atol=1e-7
        )


def test_int64_is_divided_towards_zero_as_in_pytorch() -> None:
    x = torch.arange(-8, 8).reshape(1, 4, 4)
    for options in ({}, {"padding": 1}, {"divisor_override": 3}):
        assert torch.equal(avg_pool2d(x, 2, **options), F.avg_pool2d(x, 2, **options))


def test_an_infinity_stays_in_its_windows() -> None:
    x = torch.ones(1, 4, 5)
    x[0, 1, 1] = INF
    for ours, theirs in (
        (avg_pool2d(x, 2), F.avg_pool2d(x, 2)),
        (adaptive_avg_pool2d(x, (3, 2)), F.adaptive_avg_pool2d(x, (3, 2))),
    ):
        torch.testing.assert_close(ours, theirs)


SIZES = [0, 1, 2, 3, 7, 11, None, (1, 4), (None, 2), [3, None], (0, 2)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("shape", [(2, 3, 7, 10), (3, 6, 4), (0, 2, 5, 5), (1, 1, 1, 1)])
def test_adaptive_pooling_equals_pytorch(size: Any, shape: tuple[int, ...]) -> None:
    x = draw(*shape).round()
    theirs = (None, None) if size is None else size
    if 0 in (size, *(size if isinstance(size, tuple) else ())):  # PyTorch has no gradient here
        for ours, pytorch_s in (
            (adaptive_avg_pool2d, F.adaptive_avg_pool2d),
            (adaptive_max_pool2d, F.adaptive_max_pool2d),
        ):
            assert ours(x, size).shape == pytorch_s(x, theirs).shape
        return
    same(adaptive_avg_pool2d, lambda t, _: F.adaptive_avg_pool2d(t, theirs), size, x=x)
    same(
        lambda t, s: adaptive_max_pool2d(t, s, return_indices=True),
        lambda t, _: F.adaptive_max_pool2d(t, theirs, return_indices=True),
        size,
        x=x,
    )


def test_adaptive_means_need_no_channels_as_in_pytorch() -> None:
    for shape in ((1, 0, 4, 4), (0, 4, 4), (0, 0, 4, 4)):
        x = torch.zeros(shape)
        assert adaptive_avg_pool2d(x, 3).shape == F.adaptive_avg_pool2d(x, 3).shape
    assert adaptive_max_pool2d(torch.zeros(0, 4, 4), 3).shape == (0, 3, 3)


def test_nan_in_adaptive_maxima_is_pytorch_s() -> None:
    x = torch.tensor([[[NAN, 1.0, NAN, 0.0, 2.0], [2.0, NAN, -INF, -INF, -INF]]])
    ours = adaptive_max_pool2d(x, (1, 3), return_indices=True)
    theirs = F.adaptive_max_pool2d(x, (1, 3), return_indices=True)
    torch.testing.assert_close(ours[0], theirs[0], equal_nan=True)
    assert torch.equal(ours[1], theirs[1])


@pytest.mark.parametrize("values", ["distinct", "ties", "nan", "int"])
def test_windows_laid_out_and_rows_compared_find_the_same(
    monkeypatch: pytest.MonkeyPatch, values: str
) -> None:
    x = draw(2, 3, 11, 9)
    if values != "distinct":
        x = x.round()
    if values == "nan":
        x[draw(*x.shape, seed=1) > 0.5] = NAN
    if values == "int":
        x = x.to(torch.int32)
    cases = [
        lambda x: max_pool2d(x, 3, return_indices=True),
        lambda x: max_pool2d(x, 3, 2, 1, ceil_mode=True, return_indices=True),
        lambda x: max_pool2d(x, (2, 3), 1, (1, 0), (1, 2), return_indices=True),
    ]
    if values != "int":
        cases.append(lambda x: adaptive_max_pool2d(x, (4, 2), return_indices=True))
    for pool in cases:
        found = []
        for copies in (0, 100):
            monkeypatch.setattr(pooling, "_POOL_COPIES", copies)
            found.append(pool(x))
        torch.testing.assert_close(*(maxima for maxima, _ in found), equal_nan=True)
        assert torch.equal(*(places for _, places in found))


def test_vmap_works_over_images_also_where_there_is_a_nan() -> None:
    x = draw(4, 2, 3, 7, 10).round()
    x[1, 0, 0, 2, 2:4] = NAN
    for pool in (
        lambda x: max_pool2d(x, 2, return_indices=True),
        lambda x: adaptive_max_pool2d(x, (3, 4), return_indices=True),
        lambda x: (adaptive_avg_pool2d(x, (3, 4)), adaptive_avg_pool2d(x, (1, 5))),
    ):
        each = [torch.stack(parts) for parts in zip(*map(pool, x), strict=True)]
        torch.testing.assert_close(list(torch.vmap(pool)(x)), each, equal_nan=True)


# ---- unpooling ---------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(2, 3, 8, 6), (3, 7, 9), (0, 2, 4, 4)])
@pytest.mark.parametrize("options", [{}, {"stride": 3}, {"padding": 1}, {"kernel_size": (2, 3)}])
def test_unpooling_equals_pytorch(shape: tuple[int, ...], options: dict[str, Any]) -> None:
    options = {"kernel_size": 2, **options}
    x = draw(*shape)
    maxima, places = max_pool2d(x, **options, return_indices=True)
    assert torch.equal(
        max_unpool2d(maxima, places, **options, output_size=x.shape),
        max_unpool2d(maxima, places, **options, output_size=x.shape[-2:]),
    )
    size = tuple(x.shape[-2:])
    same(max_unpool2d, F.max_unpool2d, places, x=maxima, output_size=size, **options)


def test_unpooling_restores_the_maxima_and_nothing_else() -> None:
    x = draw(1, 2, 6, 6).abs()
    maxima, places = max_pool2d(x, 2, return_indices=True)
    restored = max_unpool2d(maxima, places, 2)
    assert torch.equal(max_pool2d(restored, 2), maxima)
    assert (restored != 0).sum() == maxima.numel()
    assert torch.equal(restored[restored != 0], x[restored != 0])


# ---- gradients and transforms ------------------------------------------------------------------


@pytest.mark.parametrize(
    "function",
    [
        lambda x: max_pool2d(x, 3, 2, 1),
        lambda x: max_pool1d(x[0], 2),
        lambda x: avg_pool2d(x, 3, 2, 1, ceil_mode=True, count_include_pad=False),
        lambda x: avg_pool1d(x[0], 2),
        lambda x: adaptive_avg_pool2d(x, (2, 3)),
        lambda x: adaptive_max_pool2d(x, (2, 3)),
        lambda x: max_unpool2d(x, torch.arange(40).reshape(1, 2, 4, 5) % 20 * 4, 2),
    ],
)
def test_gradients_pass_gradcheck_twice(function: Any) -> None:
    x = draw(1, 2, 4, 5).requires_grad_()
    assert torch.autograd.gradcheck(function, x)
    assert torch.autograd.gradgradcheck(function, x)


# ---- messages ----------------------------------------------------------------------------------

IMAGE = torch.zeros(1, 2, 4, 4)
PLACES = torch.zeros(1, 2, 4, 4, dtype=torch.int64)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: max_pool2d([1.0], 2), TypeError, "input must be a tensor, got a list"),
        (lambda: adaptive_max_pool2d([1.0], 2), TypeError, "input must be a tensor, got a list"),
        (
            lambda: max_pool2d(torch.zeros(4, 4), 2),
            ValueError,
            r"input must have shape \(N, C, H, W\) or \(C, H, W\), got .*; use input.unsqueeze",
        ),
        (
            lambda: max_pool1d(torch.zeros(4), 2),
            ValueError,
            r"input must have shape \(N, C, L\) or \(C, L\), got a float32 tensor of shape \(4,\)",
        ),
        (
            lambda: max_pool2d(torch.zeros(1, 0, 4, 4), 2),
            ValueError,
            r"input must have at least 1 in each of C, H, W, got .* \(1, 0, 4, 4\)",
        ),
        (
            lambda: adaptive_avg_pool2d(torch.zeros(1, 2, 0, 4), 2),
            ValueError,
            r"input must have at least 1 in each of H, W, got",
        ),
        (
            lambda: adaptive_max_pool2d(torch.zeros(1, 0, 4, 4), 2),
            ValueError,
            r"input must have at least 1 in each of C, H, W, got",
        ),
        (lambda: max_pool2d(IMAGE.bool(), 2), TypeError, "input must hold real numbers to compare"),
        (lambda: max_pool2d(IMAGE.cfloat(), 2), TypeError, "input must hold real numbers"),
        (
            lambda: avg_pool2d(IMAGE.int(), 2),
            TypeError,
            r"input must have a floating-point dtype or int64, got an int32 .*; use input.float",
        ),
        (
            lambda: adaptive_avg_pool2d(IMAGE.long(), 2),
            TypeError,
            "input must have a floating-point dtype, got an int64",
        ),
        (lambda: max_pool2d(IMAGE, 0), ValueError, "kernel_size must be at least 1, got 0"),
        (lambda: max_pool2d(IMAGE, 2.5), TypeError, r"kernel_size must be an int, got 2\.5"),
        (lambda: avg_pool2d(IMAGE, (1, 2, 3)), ValueError, "kernel_size must be an int or a tuple"),
        (lambda: max_pool2d(IMAGE, 2, 0), ValueError, "stride must be at least 1, got 0"),
        (
            lambda: max_pool2d(IMAGE, 2, padding=-1),
            ValueError,
            "padding must be at least 0, got -1",
        ),
        (
            lambda: avg_pool2d(IMAGE, (2, 4), padding=2),
            ValueError,
            r"padding must be at most half of kernel_size \(2, 4\), got \(2, 2\); more would",
        ),
        (
            lambda: max_pool2d(IMAGE, 2, dilation=0),
            ValueError,
            "dilation must be at least 1, got 0",
        ),
        (
            lambda: max_pool2d(IMAGE[..., :2, :2], 2, padding=1, dilation=3),
            ValueError,
            (
                "dilation must leave every window a cell inside the input's 2, got 3 "
                "with kernel_size 2 and padding 1; use less padding or dilation"
            ),
        ),
        (lambda: max_pool2d(IMAGE, 5), ValueError, "kernel_size must span at most the padded"),
        (lambda: max_pool2d(IMAGE, 2, ceil_mode=1), TypeError, "ceil_mode must be True or False"),
        (
            lambda: max_pool2d(IMAGE, 2, return_indices=1),
            TypeError,
            "return_indices must be True or False, got 1",
        ),
        (
            lambda: avg_pool2d(IMAGE, 2, count_include_pad="no"),
            TypeError,
            "count_include_pad must be True or False, got 'no'",
        ),
        (
            lambda: avg_pool2d(IMAGE, 2, divisor_override=0),
            ValueError,
            "divisor_override must not be 0, got 0; leave it out for the mean",
        ),
        (
            lambda: adaptive_avg_pool2d(IMAGE, (1, 2, 3)),
            ValueError,
            r"output_size must be an int or a tuple of 2, got \(1, 2, 3\)",
        ),
        (
            lambda: adaptive_max_pool2d(IMAGE, -1),
            ValueError,
            "output_size must be at least 0, got -1",
        ),
        (
            lambda: max_unpool2d(IMAGE, PLACES.int(), 2),
            TypeError,
            r"indices must be int64, got an int32 .*; use indices.long\(\)",
        ),
        (
            lambda: max_unpool2d(IMAGE, PLACES[..., :1], 2),
            ValueError,
            r"indices must have shape \(1, 2, 4, 4\), got",
        ),
        (
            lambda: max_unpool2d(IMAGE, PLACES + 64, 2),
            ValueError,
            r"indices must be from 0 to 63 for an output of \(8, 8\), got 64 to 64; set output",
        ),
        (lambda: max_unpool2d(IMAGE, PLACES - 1, 2), ValueError, "indices must be from 0 to 63"),
        (
            lambda: max_unpool2d(IMAGE, PLACES, 2, output_size=(8, 10)),
            ValueError,
            "output_size must lie between 7 and 9 in dimension -1, got 10",
        ),
        (
            lambda: max_unpool2d(IMAGE, PLACES, 2, output_size=(8, 8, 8)),
            ValueError,
            r"output_size must be \(height, width\) or a shape of 4 numbers, got \(8, 8, 8\)",
        ),
        (
            lambda: max_pool2d_backward(IMAGE, PLACES.int(), (1, 2, 8, 8)),
            TypeError,
            "indices must be int64",
        ),
        (
            lambda: max_pool2d_backward(IMAGE[0], PLACES, (1, 2, 8, 8)),
            ValueError,
            r"grad_output must have shape \(1, 2, 4, 4\), got",
        ),
        (
            lambda: max_pool2d_backward(IMAGE, PLACES, (8, 8)),
            ValueError,
            r"input_size must be the pooled image's shape, \(1, 2\) and its height and width, got",
        ),
    ],
)
def test_bad_input_is_refused_with_a_reason(
    call: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        call()


def test_all_names_are_documented_with_shapes_or_numbers() -> None:
    for name in pooling.__all__:
        text = getattr(pooling, name).__doc__
        assert ">>>" in text, name
        assert "Raises\n" in text, name
