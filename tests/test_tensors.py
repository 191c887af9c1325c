"""Tensors: shapes, strides, numbers and graphs against PyTorch's own."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from handbook.tensors import (
    broadcast_shapes,
    contiguous_strides,
    flat_index,
    graph_size,
    one_number,
)

shapes = st.lists(st.integers(0, 4), max_size=4).map(tuple)
likely_to_fit = st.lists(st.sampled_from([1, 1, 2, 3, 0]), max_size=4).map(tuple)


@settings(deadline=None)
@given(shapes)
def test_strides_are_those_of_a_new_tensor(shape: tuple[int, ...]) -> None:
    assert contiguous_strides(shape) == torch.empty(shape).stride()


@settings(deadline=None)
@given(shapes)
def test_an_element_lies_where_its_flat_index_says(shape: tuple[int, ...]) -> None:
    tensor = torch.arange(math.prod(shape)).reshape(shape)
    for index in itertools.product(*map(range, shape)):
        assert tensor[index].item() == flat_index(index, contiguous_strides(shape))


def test_a_transpose_and_an_expanded_tensor_are_read_through_their_own_strides() -> None:
    memory = torch.arange(6)
    for view in (memory.reshape(2, 3).T, memory[:3].expand(4, 3), memory.reshape(3, 2)[:, ::2]):
        for i in range(view.shape[0]):
            for j in range(view.shape[1]):
                assert memory[flat_index((i, j), view.stride())] == view[i, j]


@settings(deadline=None)
@given(st.lists(likely_to_fit, max_size=4))
def test_shapes_broadcast_as_in_pytorch(all_shapes: list[tuple[int, ...]]) -> None:
    try:
        wanted = torch.broadcast_shapes(*all_shapes)
    except RuntimeError:
        with pytest.raises(ValueError, match="shapes must agree or be 1 in each dimension, got"):
            broadcast_shapes(*all_shapes)
        return
    assert broadcast_shapes(*all_shapes) == wanted
    summed = sum((torch.zeros(shape) for shape in all_shapes), torch.zeros(()))
    assert summed.shape == wanted


@settings(deadline=None)
@given(likely_to_fit, likely_to_fit)
def test_the_order_of_the_shapes_does_not_matter(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    try:
        forth: object = broadcast_shapes(a, b)
    except ValueError:
        forth = None
    try:
        back: object = broadcast_shapes(b, a)
    except ValueError:
        back = None
    assert forth == back


@pytest.mark.parametrize(
    ("given_shapes", "wanted"),
    [
        ((), ()),
        (((),), ()),
        ((3, (2, 1)), (2, 3)),
        (([2, 1], torch.Size([3])), (2, 3)),
        (((0,), (1,)), (0,)),
        (((8, 1), (8,)), (8, 8)),
        (((5, 1, 1), (4, 1), (3,)), (5, 4, 3)),
    ],
)
def test_these_shapes_fit(given_shapes: tuple[tuple[int, ...], ...], wanted: object) -> None:
    came = broadcast_shapes(*given_shapes)
    assert type(came) is torch.Size
    assert came == wanted == torch.broadcast_shapes(*given_shapes)


@pytest.mark.parametrize(
    ("given_shapes", "error", "message"),
    [
        (((2,), (3,)), ValueError, r"got 2 and 3 at dimension -1 of \(2,\) and \(3,\)"),
        (((2, 3), (4, 5, 3)), ValueError, r"got 2 and 5 at dimension -2 of \(2, 3\) and \(4, 5"),
        (((1,), (2,), (0,)), ValueError, r"got 2 and 0 at dimension -1 of \(2,\) and \(0,\)"),
        (((2,), (-1,)), ValueError, r"shapes\[1\]\[0\] must be at least 0, got -1"),
        ((2.5,), TypeError, r"shapes\[0\] must be a tuple of int, got 2.5"),
        ((("a",),), TypeError, r"shapes\[0\]\[0\] must be"),
        ((None,), TypeError, r"shapes\[0\] must be a tuple of int, got None"),
    ],
)
def test_these_shapes_are_refused(
    given_shapes: tuple[object, ...], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        broadcast_shapes(*given_shapes)  # type: ignore[arg-type]


def test_strides_and_indices_of_the_wrong_kind_are_refused() -> None:
    with pytest.raises(TypeError, match="shape must be a tuple of int, got 3"):
        contiguous_strides(3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"shape\[1\] must be at least 0, got -2"):
        contiguous_strides((1, -2))
    with pytest.raises(ValueError, match=r"index must have one entry per stride, 2, got \(1,\)"):
        flat_index((1,), (3, 1))
    with pytest.raises(ValueError, match=r"index\[0\] must be at least 0, got -1"):
        flat_index((-1,), (1,))


@pytest.mark.parametrize(
    "value", [3, 2.5, 0.1, True, 1 + 2j, math.inf, -0.0], ids=lambda value: repr(value)
)
@pytest.mark.parametrize("shape", [(), (1,), (1, 1), (1, 1, 1, 1)], ids=str)
def test_any_tensor_with_one_element_gives_its_number(
    value: complex, shape: tuple[int, ...], device: torch.device
) -> None:
    tensor = torch.full(shape, value, device=device)
    assert repr(one_number(tensor)) == repr(tensor.item())
    assert type(one_number(tensor)) is type(value)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64, torch.uint8])
def test_the_number_is_the_one_that_the_dtype_holds(dtype: torch.dtype) -> None:
    tensor = torch.tensor([3.14159]).to(dtype)
    assert one_number(tensor) == tensor.item()
    assert math.isnan(one_number(torch.tensor(math.nan)))  # type: ignore[arg-type]


def test_a_number_has_no_graph() -> None:
    assert one_number(2 * torch.tensor([1.0], requires_grad=True)) == 2.0


@pytest.mark.parametrize("shape", [(2,), (0,), (1, 0), (1, 2)], ids=str)
def test_no_element_or_several_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="input must have exactly one element, got a float32 tens"):
        one_number(torch.zeros(shape))
    with pytest.raises(TypeError, match="input must be a tensor, got a list"):
        one_number([1.0])  # type: ignore[arg-type]


def test_a_graph_is_counted_once_per_operation_even_where_paths_meet() -> None:
    w = torch.tensor(3.0, requires_grad=True)
    doubled = 2 * w
    assert graph_size(torch.tensor(1.0)) == 0
    assert graph_size(w) == 0
    assert graph_size(doubled) == 2
    assert graph_size(doubled * doubled) == 3  # two edges lead to one node
    assert graph_size((doubled * doubled).detach()) == 0
    with torch.no_grad():
        assert graph_size(2 * w) == 0
    with pytest.raises(TypeError, match="input must be a tensor, got 3"):
        graph_size(3)  # type: ignore[arg-type]


def test_a_deep_graph_does_not_exhaust_the_stack() -> None:
    x = torch.tensor(1.0, requires_grad=True)
    for _ in range(20_000):
        x = x + 1
    assert graph_size(x) == 20_001


def test_a_graph_with_very_many_paths_is_counted_at_once() -> None:
    x = torch.tensor(1.0, requires_grad=True)
    for _ in range(60):
        x = x + x  # 2**60 paths lead back
    assert graph_size(x) == 61
