"""Unfold, fold and the transposed convolution: against PyTorch, and as transposes of each other."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from handbook import unfolding
from handbook.convolution import conv1d_matrix, conv2d, output_size
from handbook.seeding import make_generator
from handbook.unfolding import (
    conv2d_chunked,
    conv2d_matrix,
    conv_transpose2d,
    fold,
    transposed_output_size,
    unfold,
)

FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def draw(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(shape, generator=make_generator(seed), dtype=torch.float64).to(dtype)


def same(ours: Any, theirs: Any, tensors: tuple[Tensor, ...], **options: Any) -> None:
    """Compare the output, and the gradient of every tensor for one cotangent."""
    sides = []
    for function in (ours, theirs):
        leaves = [x.clone().requires_grad_() for x in tensors]
        output = function(*leaves, **options)
        upstream = draw(*output.shape, seed=1, dtype=output.dtype)
        sides.append((output, *torch.autograd.grad(output, leaves, upstream)))
    for mine, other in zip(*sides, strict=True):
        torch.testing.assert_close(mine, other)


pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))


@st.composite
def settings_of_windows(draw_from: st.DrawFn) -> dict[str, Any]:
    return {
        "kernel_size": draw_from(pairs),
        "dilation": draw_from(pairs),
        "padding": draw_from(st.tuples(st.integers(0, 2), st.integers(0, 3))),
        "stride": draw_from(pairs),
    }


# ---- unfold and fold ---------------------------------------------------------------------------


@given(settings_of_windows(), st.sampled_from([(2, 3, 7, 6), (2, 7, 8), (0, 2, 7, 7)]))
@settings(max_examples=120, deadline=None)
def test_unfold_and_fold_equal_pytorch_and_are_transposes(
    options: dict[str, Any], shape: tuple[int, ...]
) -> None:
    x = draw(*shape)
    try:
        columns = F.unfold(x, **options)
    except RuntimeError:
        with pytest.raises(ValueError, match="kernel_size must span at most"):
            unfold(x, **options)
        return
    assert torch.equal(unfold(x, **options), columns)
    same(unfold, F.unfold, (x,), **options)
    y = draw(*columns.shape, seed=2)
    sizes = tuple(shape[-2:])
    same(fold, F.fold, (y,), output_size=sizes, **options)
    left, right = (unfold(x, **options) * y).sum(), (x * fold(y, sizes, **options)).sum()
    torch.testing.assert_close(left, right)


def test_fold_after_unfold_counts_the_windows_of_each_pixel() -> None:
    x = draw(1, 2, 6, 5)
    counts = fold(unfold(torch.ones_like(x), 3, padding=1), (6, 5), 3, padding=1)
    assert counts[0, 0].min() == 4
    assert counts[0, 0].max() == 9
    torch.testing.assert_close(fold(unfold(x, 3, padding=1), (6, 5), 3, padding=1), counts * x)


def test_a_convolution_is_a_product_with_the_unfolded_image() -> None:
    x, w = draw(2, 3, 8, 7), draw(5, 3, 3, 2, seed=1)
    product = w.flatten(1) @ unfold(x, (3, 2), padding=1, stride=2)
    torch.testing.assert_close(product.unflatten(-1, (4, 4)), conv2d(x, w, padding=1, stride=2))


@pytest.mark.parametrize(
    "dtype", [*FLOATS, torch.complex64, torch.bool, torch.uint8, torch.int32, torch.int64]
)
def test_moving_numbers_takes_every_dtype(dtype: torch.dtype) -> None:
    x = (3 * draw(1, 2, 4, 4)).abs().to(dtype)
    columns = unfold(x, 2)
    assert columns.dtype == dtype
    assert torch.equal(columns.to(torch.complex128).real, F.unfold(x.to(torch.complex128), 2).real)
    folded = fold(columns, 4, 2)
    assert folded.dtype == dtype
    if dtype.is_floating_point:
        torch.testing.assert_close(folded, F.fold(columns, 4, 2))


# ---- transposed convolution --------------------------------------------------------------------


@st.composite
def transposed(draw_from: st.DrawFn) -> dict[str, Any]:
    groups = draw_from(st.sampled_from([1, 2]))
    kernel = draw_from(pairs)
    batch = draw_from(st.sampled_from([(), (0,), (1,), (3,)]))
    size = draw_from(st.tuples(st.integers(1, 5), st.integers(1, 5)))
    return {
        "x": draw(*batch, 4, *size),
        "w": draw(4, 3 if groups == 1 else 2, *kernel, seed=3),
        "bias": draw_from(st.booleans()),
        "options": {
            "stride": draw_from(pairs),
            "padding": draw_from(st.tuples(st.integers(0, 2), st.integers(0, 2))),
            "output_padding": draw_from(st.tuples(st.integers(0, 2), st.integers(0, 2))),
            "groups": groups,
            "dilation": draw_from(pairs),
        },
    }


@given(transposed())
@settings(max_examples=250, deadline=None)
def test_conv_transpose2d_equals_pytorch_forward_and_backward(case: dict[str, Any]) -> None:
    x, w, options = case["x"], case["w"], case["options"]
    bias = draw(w.shape[1] * options["groups"], seed=4) if case["bias"] else None
    tensors = (x, w) if bias is None else (x, w, bias)
    try:
        F.conv_transpose2d(*tensors, **options)
    except RuntimeError:
        with pytest.raises(ValueError, match=r"output_padding must be less|padding must leave"):
            conv_transpose2d(*tensors, **options)
        return
    if x.numel() == 0:  # PyTorch does not look at the sizes of an empty batch
        try:
            conv_transpose2d(*tensors, **options)
        except ValueError:
            return
    same(conv_transpose2d, F.conv_transpose2d, tensors, **options)


def test_it_is_the_transpose_of_the_convolution() -> None:
    """<conv(x), y> = <x, conv_transpose(y)> for all x and y: the definition of a transpose."""
    for s, p, d, groups, n in itertools.product((1, 2, 3), (0, 1), (1, 2), (1, 2), (7, 8, 9)):
        options: dict[str, Any] = {"stride": s, "padding": p, "dilation": d, "groups": groups}
        x, w = draw(2, 4, n, n + 1), draw(6, 4 // groups, 3, 2, seed=1)
        there = conv2d(x, w, **options)
        y = draw(*there.shape, seed=2)
        back = [
            transposed_output_size(there.shape[i - 2], w.shape[i - 2], s, p, 0, d) for i in range(2)
        ]
        more = (n - back[0], n + 1 - back[1])  # what the floor dropped
        again = conv_transpose2d(y, w, output_padding=more, **options)
        assert again.shape == x.shape
        torch.testing.assert_close((there * y).sum(), (x * again).sum())


def test_its_matrix_is_the_convolution_s_transposed() -> None:
    w = draw(2, 3, 3, 2)
    matrix = conv2d_matrix(w, (6, 5), stride=2, padding=1)
    x = draw(1, 3, 6, 5, seed=1)
    torch.testing.assert_close(matrix @ x.flatten(), conv2d(x, w, stride=2, padding=1).flatten())
    y = draw(1, 2, 3, 3, seed=2)
    back = conv_transpose2d(y, w, stride=2, padding=1, output_padding=(1, 1))
    torch.testing.assert_close(matrix.T @ y.flatten(), back.flatten())
    row = draw(1, 1, 1, 3, seed=3)
    assert torch.equal(conv2d_matrix(row, (1, 6)), conv1d_matrix(row.flatten(), 6))


def test_the_sizes_invert_those_of_a_convolution() -> None:
    for n, k, s, p, d in itertools.product(range(1, 7), (1, 2, 3, 4), (1, 2, 3), (0, 1), (1, 2)):
        for o in range(max(s, d)):
            try:
                size = transposed_output_size(n, k, s, p, o, d)
            except ValueError:
                assert (n - 1) * s - 2 * p + d * (k - 1) + o + 1 < 1
                continue
            assert size == F.conv_transpose2d(
                torch.zeros(1, 1, n, 1), torch.zeros(1, 1, k, 1),
                None, (s, 1), (p, 0), (o, 0), 1, (d, 1),
            ).shape[2]  # fmt: skip
            if o < s:
                assert output_size(size, k, s, p, d) == n


def test_it_gives_back_the_shape_and_not_the_numbers() -> None:
    x, w = draw(1, 1, 6, 6), draw(1, 1, 3, 3, seed=1)
    again = conv_transpose2d(conv2d(x, w), w)
    assert again.shape == x.shape
    assert not torch.allclose(again, x)


@pytest.mark.parametrize("dtype", [*FLOATS, torch.complex64, torch.int64])
def test_conv_transpose2d_takes_pytorch_s_dtypes(dtype: torch.dtype) -> None:
    x, w, b = (
        (4 * draw(*shape, seed=i)).to(dtype)
        for i, shape in enumerate(((2, 4, 5, 5), (4, 3, 3, 3), (3,)))
    )
    ours, theirs = (f(x, w, b, 2, 1) for f in (conv_transpose2d, F.conv_transpose2d))
    assert ours.dtype == dtype
    eps = torch.finfo(dtype).eps if dtype.is_floating_point else 1e-6
    torch.testing.assert_close(ours, theirs, rtol=8 * eps, atol=100 * eps)


def test_every_layout_gives_the_same_contiguous_output() -> None:
    x, w = draw(2, 4, 5, 6), draw(4, 2, 3, 3, seed=1)
    wanted = conv_transpose2d(x, w, stride=2)
    for other in (
        x.to(memory_format=torch.channels_last),
        x.transpose(2, 3).contiguous().transpose(2, 3),
        x.repeat_interleave(2, dim=3)[..., ::2],
    ):
        output = conv_transpose2d(other, w.transpose(2, 3).contiguous().transpose(2, 3), stride=2)
        torch.testing.assert_close(output, wanted)
        assert output.is_contiguous()


@pytest.mark.parametrize(
    "options", [{}, {"stride": 2, "padding": 1, "output_padding": 1, "groups": 2, "dilation": 2}]
)
def test_gradients_pass_gradcheck_twice(options: dict[str, Any]) -> None:
    x, w = draw(1, 2, 3, 3).requires_grad_(), draw(2, 1, 2, 2, seed=1).requires_grad_()
    function = lambda x, w: conv_transpose2d(x, w, **options)  # noqa: E731
    assert torch.autograd.gradcheck(function, (x, w))
    assert torch.autograd.gradgradcheck(function, (x, w))


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_vmap_works_over_images_and_windows() -> None:
    x, w = draw(3, 2, 4, 4), draw(2, 1, 2, 2, seed=1)
    torch.testing.assert_close(
        torch.vmap(lambda image: conv_transpose2d(image, w))(x), conv_transpose2d(x, w)
    )
    columns = unfold(x, 2)
    torch.testing.assert_close(torch.vmap(lambda u: fold(u, 4, 2))(columns), fold(columns, 4, 2))


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_forward_mode_differentiation_works() -> None:
    x, tangent, w = draw(1, 2, 3, 3), draw(1, 2, 3, 3, seed=5), draw(2, 1, 2, 2, seed=1)
    _, moved = torch.func.jvp(lambda x: conv_transpose2d(x, w, stride=2), (x,), (tangent,))
    torch.testing.assert_close(moved, conv_transpose2d(tangent, w, stride=2))


def test_none_calls_pytorch_s_own(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("conv2d", "conv_transpose2d", "unfold", "fold"):
        monkeypatch.setattr(F, name, None)
    for name in ("conv2d", "conv_transpose2d", "convolution"):
        monkeypatch.setattr(torch, name, None)
    conv_transpose2d(draw(1, 2, 3, 3), draw(2, 1, 2, 2))
    fold(unfold(draw(1, 1, 4, 4), 2), 4, 2)


# ---- chunks ------------------------------------------------------------------------------------


@pytest.mark.parametrize("chunk_size", [1, 2, 3, 7])
@pytest.mark.parametrize("shape", [(5, 2, 6, 6), (2, 6, 6), (0, 2, 6, 6)])
def test_chunks_change_nothing(chunk_size: int, shape: tuple[int, ...]) -> None:
    x, w, b = draw(*shape), draw(4, 1, 3, 3, seed=1), draw(4, seed=2)
    options: dict[str, Any] = {"stride": 2, "padding": 1, "groups": 2}
    ours = conv2d_chunked(x, w, b, **options, chunk_size=chunk_size)
    torch.testing.assert_close(ours, conv2d(x, w, b, **options))


# ---- messages ----------------------------------------------------------------------------------

IMAGE, KERNEL = torch.zeros(1, 2, 4, 4), torch.zeros(2, 3, 2, 2)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: unfold([1], 2), TypeError, "input must be a tensor, got a list"),
        (
            lambda: unfold(torch.zeros(4, 4), 2),
            ValueError,
            r"input must have shape \(N, C, H, W\) or \(C, H, W\), got a float32 tensor of shape",
        ),
        (lambda: unfold(torch.zeros(1, 0, 4, 4), 2), ValueError, "input must have at least 1 in"),
        (lambda: unfold(IMAGE, 0), ValueError, "kernel_size must be at least 1, got 0"),
        (lambda: unfold(IMAGE, 2, 0), ValueError, "dilation must be at least 1, got 0"),
        (lambda: unfold(IMAGE, 2, padding=-1), ValueError, "padding must be at least 0, got -1"),
        (lambda: unfold(IMAGE, 2, stride=0.5), TypeError, r"stride must be an int, got 0\.5"),
        (lambda: unfold(IMAGE, 5), ValueError, "kernel_size must span at most the padded input's"),
        (
            lambda: fold(torch.zeros(1, 4, 3, 3), 4, 2),
            ValueError,
            r"input must have shape \(N, C · k_H · k_W, L\) or \(C · k_H · k_W, L\), got",
        ),
        (
            lambda: fold(torch.zeros(1, 5, 9), 4, 2),
            ValueError,
            "input must have a multiple of 2 × 2 = 4 rows, got 5",
        ),
        (
            lambda: fold(torch.zeros(1, 4, 8), 4, 2),
            ValueError,
            r"input must have 3 × 3 = 9 columns for an image of \(4, 4\), got 8",
        ),
        (lambda: fold(torch.zeros(1, 4, 9), 0, 2), ValueError, "output_size must be at least 1"),
        (
            lambda: transposed_output_size(0, 3),
            ValueError,
            "input_size must be at least 1, got 0",
        ),
        (
            lambda: transposed_output_size(4, 3, output_padding=1),
            ValueError,
            "output_padding must be less than stride 1 or less than dilation 1, got 1",
        ),
        (
            lambda: transposed_output_size(1, 2, padding=1),
            ValueError,
            (
                r"padding must leave at least 1 cell of the output, got 1 with a size of "
                r"\(1 - 1\) × 1 - 2 × 1 \+ 1 × \(2 - 1\) \+ 0 \+ 1 = 0"
            ),
        ),
        (lambda: conv_transpose2d(1, KERNEL), TypeError, "input must be a tensor, got 1"),
        (
            lambda: conv_transpose2d(IMAGE.bool(), KERNEL.bool()),
            TypeError,
            "input must hold numbers that can be added and multiplied, got a bool",
        ),
        (
            lambda: conv_transpose2d(IMAGE, KERNEL.double()),
            TypeError,
            "input must have weight's dtype float64, got float32",
        ),
        (
            lambda: conv_transpose2d(IMAGE, KERNEL[0]),
            ValueError,
            r"weight must have shape \(C_in, C_out / groups, k_H, k_W\), got",
        ),
        (
            lambda: conv_transpose2d(IMAGE, KERNEL[..., :0]),
            ValueError,
            "weight must hold at least one weight, got",
        ),
        (
            lambda: conv_transpose2d(IMAGE, KERNEL.transpose(0, 1)),
            ValueError,
            r"input must have weight.shape\[0\] = 3 channels, got 2: .*; use weight.transpose",
        ),
        (
            lambda: conv_transpose2d(IMAGE, KERNEL, groups=3),
            ValueError,
            r"groups must divide the number of input channels weight.shape\[0\] = 2, got 3",
        ),
        (
            lambda: conv_transpose2d(IMAGE, KERNEL, torch.zeros(2)),
            ValueError,
            r"bias must have shape \(3,\), got",
        ),
        (
            lambda: conv_transpose2d(IMAGE, KERNEL, stride=2, output_padding=2),
            ValueError,
            "output_padding must be less than stride 2 or less than dilation 1, got 2",
        ),
        (
            lambda: conv_transpose2d(IMAGE, KERNEL, padding="same"),
            TypeError,
            "padding must be an int, got 'same'",
        ),
        (
            lambda: conv2d_matrix(KERNEL[0], (4, 4)),
            ValueError,
            r"weight must have shape \(C_out, C_in, k_H, k_W\), got",
        ),
        (lambda: conv2d_matrix(KERNEL, 0), ValueError, "input_size must be at least 1, got 0"),
        (
            lambda: conv2d_chunked(IMAGE, KERNEL.transpose(0, 1), chunk_size=0),
            ValueError,
            "chunk_size must be at least 1, got 0",
        ),
        (lambda: conv2d_chunked(None, KERNEL), TypeError, "input must be a tensor, got None"),
    ],
)
def test_bad_input_is_refused_with_a_reason(
    call: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        call()


def test_all_names_are_documented_with_shapes_or_numbers() -> None:
    for name in unfolding.__all__:
        text = getattr(unfolding, name).__doc__
        assert ">>>" in text, name
        assert "Raises\n" in text, name
