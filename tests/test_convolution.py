"""Convolution: the size formula, padding, the loops, the fast forms, the gradients by hand."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from handbook import convolution
from handbook.convolution import (
    conv1d,
    conv1d_matrix,
    conv2d,
    conv2d_backward,
    conv2d_loops,
    output_size,
    pad,
)
from handbook.seeding import make_generator

FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
INTEGERS = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)
COMPLEX = (torch.complex64, torch.complex128)


def draw(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(shape, generator=make_generator(seed), dtype=torch.float64).to(dtype)


@pytest.fixture(autouse=True)
def exact_reference() -> Iterator[None]:
    """Switch off TF32, to which PyTorch's convolution may round on a GPU, and its speed warning."""
    with torch.backends.cudnn.flags(allow_tf32=False), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Using padding='same' with even kernel")
        yield


# ---- output_size -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((100, 3), 98),
        ((100, 3, 1, 1), 100),
        ((7, 3, 2), 3),
        ((8, 3, 2), 3),  # the floor: the eighth cell is never seen
        ((1, 1), 1),
        ((5, 3, 1, 0, 2), 1),
        ((5, 3, 100), 1),
        ((1, 7, 1, 3), 1),
    ],
)
def test_output_size_of_cases_worked_out_by_hand(arguments: tuple[int, ...], expected: int) -> None:
    assert output_size(*arguments) == expected


def test_output_size_is_the_number_of_places_where_the_kernel_fits() -> None:
    for n, k, s, p, d in itertools.product(range(1, 9), range(1, 5), (1, 2, 3), (0, 1, 2), (1, 2)):
        places = [q for q in range(0, n + 2 * p, s) if q + d * (k - 1) < n + 2 * p]
        if places:
            assert output_size(n, k, s, p, d) == len(places)
        else:
            with pytest.raises(ValueError, match="kernel_size must span at most"):
                output_size(n, k, s, p, d)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"input_size": 0}, ValueError, "input_size must be at least 1, got 0"),
        ({"input_size": 2.0}, TypeError, "input_size must be an int, got 2.0"),
        ({"kernel_size": 0}, ValueError, "kernel_size must be at least 1, got 0"),
        ({"kernel_size": -3}, ValueError, "kernel_size must be at least 1, got -3"),
        ({"stride": 0}, ValueError, "stride must be at least 1, got 0"),
        ({"padding": -1}, ValueError, "padding must be at least 0, got -1"),
        ({"padding": "same"}, TypeError, "padding must be an int, got 'same'"),
        ({"dilation": 0}, ValueError, "dilation must be at least 1, got 0"),
        ({"stride": True}, TypeError, "stride must be an int, got True"),
        (
            {"kernel_size": 6, "padding": 1, "dilation": 2},
            ValueError,
            (
                r"kernel_size must span at most the padded input's 8 \+ 2 × 1 = 10 cells, "
                r"got a span of 2 × \(6 - 1\) \+ 1 = 11; use a smaller kernel"
            ),
        ),
    ],
)
def test_output_size_refuses(
    arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        output_size(**{"input_size": 8, "kernel_size": 3, **arguments})


# ---- pad ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["constant", "reflect", "replicate", "circular"])
@pytest.mark.parametrize(
    ("shape", "margins"),
    [
        ((2, 3, 4), (1, 2)),
        ((3, 4), (3, 0)),
        ((2, 3, 4), (-1, 2)),
        ((2, 3, 4), (2, -1)),
        ((2, 3, 4), (-1, -2)),
        ((2, 3, 4, 5), (1, 2, 3, 0)),
        ((3, 4, 5), (1, 2, -1, 1)),
        ((1, 2, 3, 4, 5), (1, 1, 2, 0, 0, 2)),
        ((0, 3, 4), (1, 1)),
    ],
)
def test_pad_equals_pytorch_forward_and_backward(
    mode: str, shape: tuple[int, ...], margins: tuple[int, ...], device: torch.device
) -> None:
    ours = draw(*shape).to(device).requires_grad_()
    theirs = ours.detach().clone().requires_grad_()
    output, wanted = pad(ours, margins, mode), F.pad(theirs, margins, mode)
    assert torch.equal(output, wanted)
    upstream = draw(*wanted.shape, seed=1).to(device)
    output.backward(upstream)
    wanted.backward(upstream)
    torch.testing.assert_close(ours.grad, theirs.grad)


def test_pad_fills_with_the_value_and_takes_every_dtype() -> None:
    assert pad(torch.ones(1, 1), (1, 0), value=-7.0).tolist() == [[-7.0, 1.0]]
    for dtype in (*FLOATS, *INTEGERS, *COMPLEX, torch.bool):
        row = torch.ones(1, 2, dtype=dtype)
        for mode in ("constant", "reflect", "replicate", "circular"):
            assert pad(row, (1, 1), mode).dtype == dtype


def test_pad_may_take_everything_away_where_pytorch_lets_it() -> None:
    for mode in ("constant", "circular"):
        assert pad(torch.ones(2, 3, 4), (-2, -2), mode).shape == (2, 3, 0)


def test_pad_returns_a_copy_when_there_is_nothing_to_add() -> None:
    x = torch.ones(1, 1)
    pad(x, (0, 0))[0, 0] = 5
    pad(x, ())[0, 0] = 5
    assert x.item() == 1


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([1.0], (1, 1)), TypeError, "input must be a tensor, got a list"),
        (
            (torch.ones(2, 3), 1),
            TypeError,
            r"pad must be a tuple of int, got 1; use \(left, right\)",
        ),
        ((torch.ones(2, 3), (1.0, 1)), TypeError, r"pad\[0\] must be an int, got 1.0"),
        ((torch.ones(2, 3), (1,)), ValueError, "pad must have two entries per dimension, got 1"),
        ((torch.ones(3), (1,) * 4), ValueError, "at most 2 × 1 entries for an input of 1 dim"),
        ((torch.ones(2, 3), (-2, -2)), ValueError, "pad must leave at least 0 of input's 3 cells"),
        ((torch.ones(2, 3), (-4, 4)), ValueError, "pad must leave at least 0 of input's 3 cells"),
        ((torch.ones(2, 3), (-3, 0), "reflect"), ValueError, "leave at least 1 of input's 3"),
        ((torch.ones(2, 3), (1, 1), "mirror"), ValueError, "mode must be one of 'constant', 'refl"),
        ((torch.ones(2, 3), (3, 0), "reflect"), ValueError, "pad must add at most 2 cells at each"),
        ((torch.ones(2, 3), (0, 4), "circular"), ValueError, "pad must add at most 3 cells"),
        ((torch.ones(2, 0), (0, 1), "replicate"), ValueError, "input must have cells to copy from"),
        (
            (torch.ones(2, 3), (1, 1), "reflect", 0.0),
            ValueError,
            "value must be left out with mode",
        ),
        ((torch.ones(3), (1, 1), "reflect"), ValueError, "pad must leave one or two of input's 1"),
        ((torch.ones(2, 3), (), "circular"), ValueError, "pad must leave one or two of input's 2"),
    ],
)
def test_pad_refuses(arguments: tuple[Any, ...], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        pad(*arguments)


# ---- conv2d and conv1d: values -----------------------------------------------------------------


def test_one_window_is_the_sum_of_products() -> None:
    image = torch.arange(9.0).reshape(1, 1, 3, 3)
    kernel = torch.arange(9.0, 18.0).reshape(1, 1, 3, 3)
    assert conv2d(image, kernel).item() == sum(i * (i + 9) for i in range(9))


def test_the_kernel_is_not_flipped() -> None:
    impulse = torch.zeros(1, 1, 5, 5)
    impulse[..., 2, 2] = 1
    kernel = torch.arange(9.0).reshape(1, 1, 3, 3)
    assert torch.equal(conv2d(impulse, kernel), kernel.flip(-2, -1))
    signal, weights = draw(9), draw(4, seed=1)
    correlated = conv1d(signal[None], weights[None, None])[0]
    assert np.allclose(correlated, np.correlate(signal.numpy(), weights.numpy(), "valid"))
    flipped = conv1d(signal[None], weights.flip(0)[None, None])[0]
    assert np.allclose(flipped, np.convolve(signal.numpy(), weights.numpy(), "valid"))


def test_five_channels_and_ten_kernels_give_ten_channels() -> None:
    output = conv2d(draw(1, 5, 100, 100), draw(10, 5, 3, 3))
    assert output.shape == (1, 10, 98, 98)


def test_height_comes_before_width() -> None:
    assert conv2d(torch.zeros(1, 1, 4, 9), torch.zeros(1, 1, 2, 3)).shape == (1, 1, 3, 7)
    options = {"stride": (2, 1), "padding": (0, 3), "dilation": (1, 2)}
    assert conv2d(torch.zeros(1, 1, 4, 9), torch.zeros(1, 1, 2, 3), **options).shape == (
        1,
        1,
        2,
        11,
    )


def test_a_shifted_image_gives_a_shifted_output() -> None:
    image, kernel = draw(1, 1, 8, 8), draw(1, 1, 3, 3, seed=1)
    moved = conv2d(image.roll(1, dims=-1), kernel)
    assert torch.equal(moved[..., 1:], conv2d(image, kernel)[..., :-1])


def test_groups_are_separate_convolutions_side_by_side() -> None:
    image, kernels, bias = draw(2, 6, 5, 7), draw(4, 3, 3, 3, seed=1), draw(4, seed=2)
    halves = [
        conv2d(image[:, 3 * g : 3 * g + 3], kernels[2 * g : 2 * g + 2], bias[2 * g : 2 * g + 2])
        for g in range(2)
    ]
    together = conv2d(image, kernels, bias, groups=2)
    torch.testing.assert_close(together, torch.cat(halves, dim=1))


LAYOUTS = ["contiguous", "channels_last", "strided", "expanded"]


@st.composite
def convolutions(draw_from: st.DrawFn) -> dict[str, Any]:
    """One configuration of a convolution in two dimensions that PyTorch accepts."""
    pick = lambda low, high: draw_from(st.integers(low, high))  # noqa: E731
    groups, batch = pick(1, 3), draw_from(st.sampled_from([None, 0, 1, 2, 3]))
    channels, filters = groups * pick(1, 3), groups * pick(1, 3)
    kernel = (pick(1, 4), pick(1, 4))
    dilation = (pick(1, 3), pick(1, 3))
    padding = draw_from(st.sampled_from(["valid", "same", None]))
    stride = (1, 1) if padding == "same" else (pick(1, 3), pick(1, 3))
    if padding is None:
        padding = (pick(0, 3), pick(0, 3))
    least = [
        1
        if padding == "same"
        else max(
            1, dilation[i] * (kernel[i] - 1) + 1 - (0 if padding == "valid" else 2 * padding[i])
        )
        for i in range(2)
    ]
    size = (least[0] + pick(0, 5), least[1] + pick(0, 5))
    return {
        "input": (*(() if batch is None else (batch,)), channels, *size),
        "weight": (filters, channels // groups, *kernel),
        "bias": draw_from(st.booleans()),
        "layout": draw_from(st.sampled_from(LAYOUTS)),
        "options": {
            "stride": stride, "padding": padding, "dilation": dilation, "groups": groups,
        },
    }  # fmt: skip


def laid_out(shape: tuple[int, ...], layout: str, dtype: torch.dtype) -> Tensor:
    if layout == "strided":
        return draw(*shape[:-1], 2 * shape[-1], dtype=dtype)[..., ::2]
    if layout == "expanded":
        return draw(*shape[:-1], 1, dtype=dtype).expand(shape)
    x = draw(*shape, dtype=dtype)
    if layout == "channels_last" and len(shape) == 4:
        return x.to(memory_format=torch.channels_last)
    return x


def compare(
    ours: Callable[..., Tensor], theirs: Callable[..., Tensor], case: dict[str, Any],
    dtype: torch.dtype, tolerance: float,
) -> None:  # fmt: skip
    """Forward and backward agree, relative to the largest number."""
    tensors = [laid_out(case["input"], case["layout"], dtype), draw(*case["weight"], seed=1)]
    tensors += [draw(case["weight"][0], seed=2)] if case["bias"] else []
    sides = []
    for function in (ours, theirs):
        leaves = [t.detach().to(dtype).requires_grad_() for t in tensors]
        output = function(*leaves, **case["options"])
        upstream = draw(*output.shape, seed=3, dtype=dtype)
        sides.append((output, *torch.autograd.grad(output, leaves, upstream)))
    for mine, wanted in zip(*sides, strict=True):
        assert mine.shape == wanted.shape
        assert mine.dtype == wanted.dtype
        scale = max(1.0, wanted.abs().max().item() if wanted.numel() else 1.0)
        torch.testing.assert_close(mine, wanted, rtol=0.0, atol=tolerance * scale)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(convolutions())
def test_conv2d_equals_pytorch_forward_and_backward(case: dict[str, Any]) -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Using padding='same' with even kernel")
        compare(conv2d, F.conv2d, case, torch.float64, 1e-12)
        compare(conv2d, F.conv2d, case, torch.float32, 1e-5)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(convolutions())
def test_conv1d_equals_pytorch_forward_and_backward(case: dict[str, Any]) -> None:
    options = {
        name: value[1:] if isinstance(value, tuple) else value
        for name, value in case["options"].items()
    }
    flat = {
        "input": (*case["input"][:-2], case["input"][-1]),
        "weight": (*case["weight"][:-2], case["weight"][-1]),
        "bias": case["bias"], "layout": case["layout"], "options": options,
    }  # fmt: skip
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Using padding='same' with even kernel")
        compare(conv1d, F.conv1d, flat, torch.float64, 1e-12)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(convolutions())
def test_the_loops_equal_the_fast_form(case: dict[str, Any]) -> None:
    x = laid_out(case["input"], case["layout"], torch.float64)[..., :8, :8]
    weight, bias = draw(*case["weight"], seed=1), draw(case["weight"][0], seed=2)
    if any(  # the slice above may have made the image too small
        case["options"]["dilation"][i] * (weight.shape[2 + i] - 1) >= x.shape[i - 2]
        for i in range(2)
    ):
        return
    both = [f(x, weight, bias, **case["options"]) for f in (conv2d_loops, conv2d)]
    torch.testing.assert_close(*both, rtol=1e-12, atol=1e-12)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(convolutions())
def test_the_backward_by_hand_equals_autograd(case: dict[str, Any]) -> None:
    x = laid_out(case["input"], case["layout"], torch.float64).detach().requires_grad_()
    weight = draw(*case["weight"], seed=1).requires_grad_()
    bias = draw(case["weight"][0], seed=2).requires_grad_()
    output = conv2d(x, weight, bias, **case["options"])
    upstream = draw(*output.shape, seed=3)
    by_hand = conv2d_backward(upstream, x.detach(), weight.detach(), **case["options"])
    automatic = torch.autograd.grad(output, (x, weight, bias), upstream)
    for mine, wanted in zip(by_hand, automatic, strict=True):
        torch.testing.assert_close(mine, wanted, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dtype", FLOATS)
def test_conv2d_errs_by_a_few_roundings_at_most_in_every_floating_dtype(
    dtype: torch.dtype, device: torch.device
) -> None:
    x, weight, bias = draw(2, 8, 9, 9), draw(4, 8, 5, 5, seed=1), draw(4, seed=2)
    x, weight, bias = (t.to(device, dtype) for t in (x, weight, bias))
    output = conv2d(x, weight, bias, padding=2)
    exact = F.conv2d(*(t.cpu().double() for t in (x, weight, bias)), padding=2)
    assert output.dtype == dtype
    error, eps = (output.cpu().double() - exact).abs(), torch.finfo(dtype).eps
    if dtype in (torch.float16, torch.bfloat16):  # added up in float32, rounded once
        assert (error <= 0.5 * eps * exact.abs() + 1e-5).all()
    else:
        assert error.max() <= 8 * eps * exact.abs().max()


@pytest.mark.parametrize("dtype", INTEGERS)
def test_integers_wrap_around_as_in_pytorch(dtype: torch.dtype) -> None:
    x = torch.arange(2 * 4 * 25).reshape(2, 4, 5, 5).to(dtype)
    weight = torch.arange(6 * 2 * 9).reshape(6, 2, 3, 3).to(dtype)
    bias = torch.arange(6).to(dtype)
    ours = conv2d(x, weight, bias, stride=2, padding=1, groups=2)
    assert torch.equal(ours, F.conv2d(x, weight, bias, stride=2, padding=1, groups=2))
    assert torch.equal(ours, conv2d_loops(x, weight, bias, stride=2, padding=1, groups=2))


@pytest.mark.filterwarnings("ignore:ComplexHalf support is experimental")
@pytest.mark.parametrize("dtype", [*COMPLEX, torch.complex32])
def test_complex_numbers_equal_pytorch_forward_and_backward(dtype: torch.dtype) -> None:
    wide = torch.complex64 if dtype == torch.complex32 else dtype
    x = torch.complex(draw(2, 2, 5, 5), draw(2, 2, 5, 5, seed=1)).to(wide)
    weight = torch.complex(draw(3, 2, 3, 3, seed=2), draw(3, 2, 3, 3, seed=3)).to(wide)
    if dtype == torch.complex32:
        output = conv2d(x.to(dtype), weight.to(dtype))
        assert output.dtype == dtype
        assert (output.to(wide) - F.conv2d(x, weight)).abs().max() < 0.05
        return
    sides = []
    for function in (conv2d, F.conv2d):
        leaves = [t.clone().requires_grad_() for t in (x, weight)]
        output = function(*leaves, padding=1)
        sides.append((output, *torch.autograd.grad(output.abs().square().sum(), leaves)))
    for mine, wanted in zip(*sides, strict=True):
        torch.testing.assert_close(mine, wanted, rtol=1e-4, atol=1e-3)


def test_every_layout_gives_the_same_contiguous_output(device: torch.device) -> None:
    x, weight = draw(2, 3, 6, 7).to(device), draw(4, 3, 3, 3, seed=1).to(device)
    wanted = conv2d(x, weight, padding=1)
    assert wanted.is_contiguous()
    for other in (
        x.to(memory_format=torch.channels_last),
        x.transpose(2, 3).contiguous().transpose(2, 3),
        torch.cat([x, x], dim=1)[:, 3:],
    ):
        output = conv2d(other, weight.to(memory_format=torch.channels_last), padding=1)
        assert output.is_contiguous()
        torch.testing.assert_close(output, wanted)


def test_the_arguments_are_left_as_they_were() -> None:
    x, weight, bias = draw(2, 3, 5, 5), draw(4, 3, 3, 3, seed=1), draw(4, seed=2)
    copies = [t.clone() for t in (x, weight, bias)]
    conv2d(x, weight, bias, padding=1)
    conv2d_loops(x[:1], weight, bias)
    conv2d_backward(draw(2, 4, 5, 5), x, weight, padding=1)
    assert all(torch.equal(a, b) for a, b in zip(copies, (x, weight, bias), strict=True))


def test_an_empty_batch_keeps_its_shape_and_its_gradients() -> None:
    weight = draw(4, 3, 3, 3).requires_grad_()
    output = conv2d(torch.zeros(0, 3, 5, 6, dtype=torch.float64), weight)
    assert output.shape == (0, 4, 3, 4)
    output.sum().backward()
    assert weight.grad is not None
    assert not weight.grad.any()


def test_no_input_channels_leave_the_bias() -> None:
    output = conv2d(torch.zeros(2, 0, 4, 4), torch.zeros(3, 0, 3, 3), torch.tensor([1.0, 2.0, 3.0]))
    assert output.shape == (2, 3, 2, 2)
    assert output[1, :, 0, 0].tolist() == [1.0, 2.0, 3.0]


def test_infinities_and_nans_stay_where_the_kernel_saw_them() -> None:
    image = torch.zeros(1, 1, 5, 5)
    image[..., 0, 0] = torch.nan
    image[..., 4, 4] = torch.inf
    output = conv2d(image, torch.ones(1, 1, 3, 3))
    assert torch.equal(output, F.conv2d(image, torch.ones(1, 1, 3, 3))) is False  # NaN != NaN
    assert torch.equal(output.isnan(), F.conv2d(image, torch.ones(1, 1, 3, 3)).isnan())
    assert output[0, 0, 1, 0] == 0
    assert output[0, 0, 2, 2] == torch.inf


def test_an_offset_of_ten_thousand_does_not_hurt() -> None:
    x, weight = draw(1, 1, 6, 6) + 1e4, torch.tensor([[[[-1.0, 0.0, 1.0]]]]).double()
    torch.testing.assert_close(conv2d(x, weight)[0, 0], x[0, 0, :, 2:] - x[0, 0, :, :-2])


def test_numpy_integers_and_tuples_of_one_are_welcome() -> None:
    x, weight = draw(1, 1, 6, 6), draw(1, 1, 3, 3, seed=1)
    wanted = F.conv2d(x, weight, stride=2, padding=1)
    for padding in (np.int64(1), (1,), [1, 1], (np.int64(1), 1)):
        torch.testing.assert_close(conv2d(x, weight, stride=[2], padding=padding), wanted)


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:There is a performance drop")
def test_vmap_works_over_images_and_over_kernels() -> None:
    x, weights = draw(5, 2, 3, 6, 6), draw(5, 4, 3, 3, 3, seed=1)
    mapped = torch.func.vmap(lambda images, weight: conv2d(images, weight, padding=1))(x, weights)
    wanted = [F.conv2d(*pair, padding=1) for pair in zip(x, weights, strict=True)]
    torch.testing.assert_close(mapped, torch.stack(wanted))


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_forward_mode_differentiation_works() -> None:
    x, direction, weight = draw(1, 2, 5, 5), draw(1, 2, 5, 5, seed=1), draw(3, 2, 3, 3, seed=2)
    _, tangent = torch.func.jvp(lambda image: conv2d(image, weight, padding=1), (x,), (direction,))
    torch.testing.assert_close(tangent, F.conv2d(direction, weight, padding=1))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"stride": 2, "padding": 1},
        {"dilation": 2, "padding": (2, 1)},
        {"groups": 2, "padding": "same"},
    ],
)
def test_gradients_pass_gradcheck_twice(options: dict[str, Any]) -> None:
    groups = options.get("groups", 1)
    leaves = [draw(2, 2, 5, 6), draw(2, 2 // groups, 2, 3, seed=1), draw(2, seed=2)]
    leaves = [leaf.requires_grad_() for leaf in leaves]
    assert torch.autograd.gradcheck(lambda *a: conv2d(*a, **options), leaves)
    assert torch.autograd.gradgradcheck(lambda *a: conv2d(*a, **options), leaves)


def test_conv1d_passes_gradcheck_twice() -> None:
    leaves = [draw(2, 2, 7), draw(3, 2, 3, seed=1), draw(3, seed=2)]
    leaves = [leaf.requires_grad_() for leaf in leaves]
    assert torch.autograd.gradcheck(lambda *a: conv1d(*a, stride=2, padding=1), leaves)
    assert torch.autograd.gradgradcheck(lambda *a: conv1d(*a, stride=2, padding=1), leaves)


def test_the_loops_carry_gradients_too() -> None:
    leaves = [draw(1, 2, 4, 4).requires_grad_(), draw(2, 2, 3, 3, seed=1).requires_grad_()]
    assert torch.autograd.gradcheck(conv2d_loops, leaves)


def test_pixels_that_the_floor_drops_get_no_gradient() -> None:
    x = draw(1, 1, 8, 8).requires_grad_()
    conv2d(x, draw(1, 1, 3, 3, seed=1), stride=2).sum().backward()
    assert x.grad is not None
    assert x.grad[..., -1].abs().max() == 0
    assert x.grad[..., :7, 6].abs().min() > 0


def test_neither_fast_form_calls_pytorch_s_own(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*args: object, **kwargs: object) -> None:
        raise AssertionError("the operation being taught was called")

    for name in ("conv1d", "conv2d", "unfold", "fold", "pad"):
        monkeypatch.setattr(F, name, forbidden)
    with torch.profiler.profile() as profile:
        conv2d(draw(1, 2, 5, 5).requires_grad_(), draw(1, 2, 3, 3), padding=1).sum().backward()
        conv1d(draw(1, 2, 5), draw(1, 2, 3), padding=1)
    operators = {event.key for event in profile.key_averages()}
    assert not [name for name in operators if "conv" in name or "im2col" in name]


# ---- conv2d and conv1d: errors -----------------------------------------------------------------

IMAGE, KERNEL = torch.zeros(2, 4, 5, 6), torch.zeros(2, 4, 3, 3)


@pytest.mark.parametrize("function", [conv2d, conv2d_loops])
@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"input": [1.0]}, TypeError, r"input must be a tensor, got a list; use torch.tensor\("),
        ({"weight": None}, TypeError, "weight must be a tensor, got None"),
        ({"bias": 1.0}, TypeError, "bias must be a tensor, got 1.0"),
        (
            {"input": torch.zeros(5, 6)},
            ValueError,
            (
                r"input must have shape \(N, C, H, W\) or \(C, H, W\), got a float32 tensor of "
                r"shape \(5, 6\); use input.unsqueeze\(0\) for a single channel"
            ),
        ),
        ({"input": torch.zeros(5)}, ValueError, r"input must have shape .* of shape \(5,\)$"),
        (
            {"input": torch.zeros(1, 1, 4, 5, 6)},
            ValueError,
            r"input must have shape \(N, C, H, W\)",
        ),
        (
            {"weight": torch.zeros(4, 3, 3)},
            ValueError,
            r"weight must have shape \(C_out, C_in / groups, k_H, k_W\), got a float32 tensor",
        ),
        (
            {"weight": torch.zeros(0, 4, 3, 3)},
            ValueError,
            "weight must hold at least one kernel of",
        ),
        ({"weight": torch.zeros(2, 4, 0, 3)}, ValueError, "at least one weight in each direction"),
        (
            {"weight": KERNEL.double()},
            TypeError,
            "input must have weight's dtype float64, got float32",
        ),
        (
            {"bias": torch.zeros(2).double()},
            TypeError,
            "bias must have weight's dtype float32, got",
        ),
        ({"bias": torch.zeros(3)}, ValueError, r"bias must have shape \(2,\), got .* shape \(3,\)"),
        ({"bias": torch.zeros(2, 1)}, ValueError, r"bias must have shape \(2,\), got"),
        ({"input": IMAGE.bool()}, TypeError, "input must hold numbers that can be added and multi"),
        (
            {"weight": torch.zeros(2, 3, 3, 3)},
            ValueError,
            (
                r"input must have weight.shape\[1\] × groups = 3 × 1 = 3 channels in dimension 1, "
                r"got 4: a float32 tensor of shape \(2, 4, 5, 6\)$"
            ),
        ),
        (
            {"input": torch.zeros(2, 5, 6, 4)},
            ValueError,
            r"got 5: .*; use input.permute\(0, 3, 1, 2\) if the channels are last",
        ),
        (
            {"input": torch.zeros(5, 6, 4)},
            ValueError,
            r"channels in dimension 0, got 5: .*; use input.permute\(2, 0, 1\) if the channels",
        ),
        (
            {"input": torch.zeros(7, 5, 6), "weight": torch.zeros(2, 1, 3, 3)},
            ValueError,
            r"use input.unsqueeze\(1\) if this is a batch without its channel dimension",
        ),
        ({"groups": 2}, ValueError, r"× groups = 4 × 2 = 8 channels in dimension 1, got 4"),
        (
            {"weight": torch.zeros(3, 2, 3, 3), "groups": 2},
            ValueError,
            r"groups must divide the number of kernels weight.shape\[0\] = 3, got 2",
        ),
        ({"groups": 0}, ValueError, "groups must be at least 1, got 0"),
        ({"groups": 1.0}, TypeError, "groups must be an int, got 1.0"),
        ({"stride": 0}, ValueError, "stride must be at least 1, got 0"),
        ({"stride": (1, 0)}, ValueError, r"stride\[1\] must be at least 1, got 0"),
        ({"stride": (1, 2, 3)}, ValueError, "stride must be an int or a tuple of 2, got"),
        ({"stride": None}, TypeError, "stride must be an int, got None"),
        ({"padding": -1}, ValueError, "padding must be at least 0, got -1"),
        ({"padding": 1.5}, TypeError, "padding must be an int, got 1.5"),
        ({"padding": True}, TypeError, "padding must be an int, got True"),
        ({"padding": "full"}, ValueError, "padding must be one of 'valid', 'same', got 'full'"),
        (
            {"padding": "same", "stride": 2},
            ValueError,
            r"stride must be 1 with padding 'same', got \(2, 2\); use padding=",
        ),
        ({"dilation": 0}, ValueError, "dilation must be at least 1, got 0"),
        (
            {"dilation": 3, "padding": (0, 1)},
            ValueError,
            (
                r"weight must span at most the padded input's height 0 \+ 5 \+ 0 = 5, "
                r"got a span of 3 × \(3 - 1\) \+ 1 = 7; use a smaller kernel, less dilation or mo"
            ),
        ),
        (
            {"weight": torch.zeros(2, 4, 3, 9), "padding": (0, 1)},
            ValueError,
            r"padded input's width 1 \+ 6 \+ 1 = 8, got a span of 1 × \(9 - 1\) \+ 1 = 9",
        ),
        (
            {"input": torch.zeros(2, 4, 0, 6), "padding": 3},
            ValueError,
            "input must have a height of at least 1, got a float32 tensor",
        ),
    ],
)
def test_conv2d_refuses_what_pytorch_refuses_and_says_why(
    function: Callable[..., Tensor],
    changes: dict[str, Any],
    error: type[Exception],
    message: str,
) -> None:
    arguments = {"input": IMAGE, "weight": KERNEL, **changes}
    with pytest.raises(error, match=message):
        function(**arguments)
    with pytest.raises((RuntimeError, TypeError, ValueError, NotImplementedError)):
        F.conv2d(**arguments)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        (
            {"input": torch.zeros(7)},
            ValueError,
            r"input must have shape \(N, C, L\) or \(C, L\), got .* \(7,\); use input.unsqueeze",
        ),
        (
            {"weight": torch.zeros(2, 3)},
            ValueError,
            r"weight must have shape \(C_out, C_in / groups, ",
        ),
        (
            {"input": torch.zeros(1, 7, 3)},
            ValueError,
            r"use input.permute\(0, 2, 1\) if the channels",
        ),
        (
            {"input": torch.zeros(7, 3)},
            ValueError,
            r"use input.permute\(1, 0\) if the channels are la",
        ),
        ({"padding": (1, 1)}, ValueError, r"padding must be an int or a tuple of 1, got \(1, 1\)"),
        ({"stride": (1, 1)}, ValueError, r"stride must be an int or a tuple of 1, got \(1, 1\)"),
        ({"padding": "same", "stride": 2}, ValueError, r"stride must be 1 with padding 'same'"),
        (
            {"dilation": 4},
            ValueError,
            r"padded input's length 0 \+ 7 \+ 0 = 7, got a span of 4 × \(3",
        ),
        ({"input": torch.zeros(1, 3, 0)}, ValueError, "input must have a length of at least 1"),
    ],
)
def test_conv1d_speaks_of_signals(
    changes: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        conv1d(**{"input": torch.zeros(1, 3, 7), "weight": torch.zeros(2, 3, 3), **changes})


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_refuses_integers_and_tensors_from_elsewhere() -> None:
    on_gpu = IMAGE.cuda()
    with pytest.raises(ValueError, match="input must be on weight's device"):
        conv2d(on_gpu, KERNEL)
    with pytest.raises(TypeError, match="input must have a floating-point dtype on cuda, got an"):
        conv2d(on_gpu.long(), KERNEL.cuda().long())


# ---- the matrix and the backward pass ----------------------------------------------------------


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("padding", [0, 1, 4])
@pytest.mark.parametrize("dilation", [1, 2])
def test_the_matrix_convolves_and_its_transpose_carries_the_gradient(
    stride: int, padding: int, dilation: int
) -> None:
    kernel, signal = draw(3), draw(8, seed=1).requires_grad_()
    matrix = conv1d_matrix(kernel, 8, stride, padding, dilation)
    output = conv1d(signal[None], kernel[None, None], None, stride, padding, dilation)[0]
    torch.testing.assert_close(matrix @ signal, output)
    upstream = draw(*output.shape, seed=2)
    (gradient,) = torch.autograd.grad(output, signal, upstream)
    torch.testing.assert_close(matrix.T @ upstream, gradient)


def test_every_diagonal_of_the_matrix_is_constant() -> None:
    matrix = conv1d_matrix(draw(4), 9, padding=2)
    assert torch.equal(matrix[1:, 1:], matrix[:-1, :-1])


def test_the_matrix_carries_gradients_to_the_kernel() -> None:
    assert torch.autograd.gradcheck(
        lambda kernel: conv1d_matrix(kernel, 6, 2, 1), draw(3).requires_grad_()
    )


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([1.0], 5), TypeError, "kernel must be a tensor, got a list"),
        ((torch.ones(1, 1, 3), 5), ValueError, r"kernel must have shape \(k,\), got"),
        ((torch.ones(3), 2), ValueError, "kernel_size must span at most the padded input's"),
        ((torch.ones(0), 2), ValueError, "kernel_size must be at least 1, got 0"),
        ((torch.ones(3), 5, 0), ValueError, "stride must be at least 1"),
    ],
)
def test_the_matrix_refuses(
    arguments: tuple[Any, ...], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        conv1d_matrix(*arguments)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"grad_output": [1.0]}, TypeError, "grad_output must be a tensor, got a list"),
        (
            {"grad_output": torch.zeros(2, 2, 5, 6)},
            ValueError,
            r"grad_output must have shape \(2, 2, 3, 4\), got a float32 tensor of shape \(2, 2, 5",
        ),
        (
            {"grad_output": torch.zeros(2, 2, 3, 4).double()},
            TypeError,
            "grad_output must have input's",
        ),
        (
            {"grad_output": torch.zeros(2, 2, 3, 4).long()},
            TypeError,
            "grad_output must have a float",
        ),
        (
            {"input": IMAGE.long()},
            TypeError,
            "input must have a floating-point dtype, got an int64",
        ),
        ({"weight": torch.zeros(2, 3, 3, 3)}, ValueError, "channels in dimension 1, got 4"),
    ],
)
def test_the_backward_by_hand_refuses(
    changes: dict[str, Any], error: type[Exception], message: str
) -> None:
    arguments = {"grad_output": torch.zeros(2, 2, 3, 4), "input": IMAGE, "weight": KERNEL}
    with pytest.raises(error, match=message):
        conv2d_backward(**{**arguments, **changes})


def test_the_backward_by_hand_equals_pytorch_s_own_helpers(device: torch.device) -> None:
    x, weight = draw(2, 4, 7, 8).to(device), draw(6, 2, 3, 3, seed=1).to(device)
    options = {"stride": 2, "padding": 1, "dilation": 1, "groups": 2}
    upstream = draw(2, 6, 4, 4, seed=2).to(device)
    grad_input, grad_weight, _ = conv2d_backward(upstream, x, weight, **options)
    wanted = torch.nn.grad.conv2d_input(x.shape, weight, upstream, **options)
    torch.testing.assert_close(grad_input, wanted)
    wanted = torch.nn.grad.conv2d_weight(x, weight.shape, upstream, **options)
    torch.testing.assert_close(grad_weight, wanted)


def test_all_names_are_documented_with_shapes_or_numbers() -> None:
    for name in convolution.__all__:
        assert "Examples\n" in (getattr(convolution, name).__doc__ or "") or name == "conv2d_loops"
