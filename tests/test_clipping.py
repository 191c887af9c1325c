"""Clipping: PyTorch's numbers, its edge cases, and what happens to the direction."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from handbook.clipping import (
    clip_grad_norm_,
    clip_grad_value_,
    clip_grads_with_norm_,
    get_total_norm,
)
from handbook.seeding import make_generator

INFINITY = float("inf")
ORDERS = (1, 2, 2.5, 3.0, INFINITY, "inf")


def gradient_sets() -> list[list[Tensor]]:
    generator = make_generator(0)

    def draw(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    return [
        [draw()],
        [draw(3)],
        [draw(4, 5), draw(1), draw(2, 3, 4)],
        [1e-4 * draw(5), 1e4 * draw(5)],
        [torch.zeros(3, dtype=torch.float64)],
        [draw(6, 8).t()[::2, 1:]],
        [torch.tensor([1.0, math.nan]).double(), draw(2)],
        [torch.tensor([1.0, INFINITY]).double(), draw(2)],
        [torch.tensor([-INFINITY]).double(), torch.tensor([math.nan]).double()],
    ]


def parameters_with(gradients: list[Tensor | None], dtype: torch.dtype) -> list[Tensor]:
    found = []
    for gradient in gradients:
        shape = () if gradient is None else gradient.shape
        parameter = torch.zeros(shape, dtype=dtype, requires_grad=True)
        parameter.grad = None if gradient is None else gradient.to(dtype).clone()
        found.append(parameter)
    return found


def assert_same(mine: Tensor, other: Tensor) -> None:
    assert mine.shape == other.shape
    assert mine.dtype == other.dtype
    torch.testing.assert_close(mine, other, equal_nan=True)


@pytest.mark.parametrize(
    "dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16], ids=str
)
@pytest.mark.parametrize("order", ORDERS)
def test_norms_and_clipping_equal_pytorchs(order: Any, dtype: torch.dtype) -> None:
    for gradients, limit in itertools.product(gradient_sets(), (0.0, 0.1, 3.0, 1e6, INFINITY)):
        cast = [gradient.to(dtype) for gradient in gradients]
        assert_same(get_total_norm(cast, order), nn.utils.get_total_norm(cast, float(order)))
        mine, other = (parameters_with([*gradients, None], dtype) for _ in range(2))
        assert_same(
            clip_grad_norm_(mine, limit, order),
            nn.utils.clip_grad_norm_(other, limit, float(order)),
        )
        for first, second in zip(mine[:-1], other[:-1], strict=True):
            assert_same(first.grad, second.grad)
        assert mine[-1].grad is None


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_clipping_by_value_equals_pytorchs(dtype: torch.dtype) -> None:
    for gradients, limit in itertools.product(gradient_sets(), (0.0, 0.5, 100.0, INFINITY)):
        mine, other = (parameters_with([*gradients, None], dtype) for _ in range(2))
        assert clip_grad_value_(mine, limit) is None
        nn.utils.clip_grad_value_(other, limit)
        for first, second in zip(mine[:-1], other[:-1], strict=True):
            assert_same(first.grad, second.grad)


def test_complex_gradients_count_by_their_size() -> None:
    gradients = [torch.tensor([3 + 4j]), torch.tensor([12j])]
    assert get_total_norm(gradients).item() == 13.0
    assert_same(get_total_norm(gradients), nn.utils.get_total_norm(gradients))
    z = torch.zeros(1, dtype=torch.complex64, requires_grad=True)
    z.grad = torch.tensor([3 + 4j])
    clip_grad_norm_(z, 1.0)
    assert abs(z.grad.item()) == pytest.approx(1.0, abs=1e-5)
    with pytest.raises(TypeError, match="gradients must be real to be cut by value, got a complex"):
        clip_grad_value_(z, 1.0)


def test_dtypes_may_be_mixed() -> None:
    mixed = [torch.tensor([3.0]).half(), torch.tensor([4.0], dtype=torch.float64)]
    assert_same(get_total_norm(mixed), nn.utils.get_total_norm(mixed))


def test_nothing_to_clip_gives_a_norm_of_zero() -> None:
    w = torch.ones(2, requires_grad=True)
    assert clip_grad_norm_([w], 1.0).item() == 0.0
    assert clip_grad_norm_([], 1.0).item() == 0.0
    assert get_total_norm([]).item() == 0.0
    clip_grad_value_([w], 1.0)
    clip_grads_with_norm_([w], 1.0, torch.tensor(0.0))
    assert w.grad is None


def test_a_part_without_elements_counts_nothing_in_any_norm() -> None:
    for order in ORDERS:
        assert get_total_norm([torch.zeros(0, 3), torch.tensor([-2.0])], order).item() == 2.0


def test_zero_gradients_stay_zero() -> None:
    w = torch.ones(2, requires_grad=True)
    w.grad = torch.zeros(2)
    assert clip_grad_norm_(w, 1.0).item() == 0.0
    assert w.grad.tolist() == [0.0, 0.0]


def test_numbers_whose_squares_overflow_keep_their_norm_and_direction() -> None:
    w = torch.zeros(2, requires_grad=True)
    w.grad = torch.tensor([3e30, 4e30])
    assert clip_grad_norm_(w, 1.0).item() == pytest.approx(5e30)
    torch.testing.assert_close(w.grad, torch.tensor([0.6, 0.8]))
    w.grad = torch.tensor([3e30, 4e30])
    assert nn.utils.clip_grad_norm_(w, 1.0).item() == INFINITY
    assert w.grad.tolist() == [0.0, 0.0]
    assert get_total_norm([torch.tensor([3e-30, 4e-30])]).item() == pytest.approx(5e-30)


@pytest.mark.parametrize("bad", [math.nan, INFINITY])
def test_a_norm_that_is_not_finite_can_be_refused_and_changes_nothing(bad: float) -> None:
    w = torch.zeros(2, requires_grad=True)
    w.grad = torch.tensor([bad, 1.0])
    with pytest.raises(RuntimeError, match=r"total norm of order 2 must be finite, got (nan|inf);"):
        clip_grad_norm_(w, 1.0, error_if_nonfinite=True)
    with pytest.raises(RuntimeError, match="non-finite"):
        nn.utils.clip_grad_norm_(w, 1.0, error_if_nonfinite=True)
    assert w.grad[1].item() == 1.0
    with pytest.raises(RuntimeError, match="order inf must be finite"):
        get_total_norm([w.grad], INFINITY, error_if_nonfinite=True)


def test_given_a_norm_it_equals_pytorchs_two_steps() -> None:
    for norm in (0.5, 4.0, math.nan, INFINITY):
        mine, other = (parameters_with([torch.tensor([3.0, 4.0])], torch.float32) for _ in range(2))
        clip_grads_with_norm_(mine, 2.0, torch.tensor(norm))
        nn.utils.clip_grads_with_norm_(other, 2.0, torch.tensor(norm))
        assert_same(mine[0].grad, other[0].grad)


def test_one_tensor_and_a_generator_are_taken() -> None:
    net = nn.Linear(3, 2)
    net(torch.ones(1, 3)).sum().backward()
    assert clip_grad_norm_(net.parameters(), 0.1).item() > 0.1
    assert get_total_norm([p.grad for p in net.parameters()]).item() == pytest.approx(0.1, abs=1e-4)
    clip_grad_value_(net.parameters(), 1e-3)
    assert get_total_norm(net.weight.grad, "inf").item() == pytest.approx(1e-3)


def test_a_generator_that_is_used_up_is_reported() -> None:
    net = nn.Linear(3, 2)
    parameters = net.parameters()
    list(parameters)
    with pytest.warns(UserWarning, match="a generator that has been used up, so nothing is clipp"):
        clip_grad_norm_(parameters, 1.0)
    with pytest.warns(UserWarning, match="used up"):
        clip_grad_value_(parameters, 1.0)


def test_the_norm_keeps_the_direction_and_the_value_does_not() -> None:
    gradient = torch.tensor([10.0, 0.1])
    w = torch.zeros(2, requires_grad=True)
    w.grad = gradient.clone()
    clip_grad_norm_(w, 1.0)
    assert torch.cosine_similarity(w.grad, gradient, dim=0).item() == pytest.approx(1.0)
    w.grad = gradient.clone()
    clip_grad_value_(w, 0.1)
    assert torch.cosine_similarity(w.grad, gradient, dim=0).item() < 0.75
    assert w.grad[0] == w.grad[1]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda w: clip_grad_norm_(w, -1.0), ValueError, "max_norm must be at least 0.0, got -1.0"),
        (lambda w: clip_grad_norm_(w, math.nan), ValueError, "max_norm must be a number, got nan"),
        (lambda w: clip_grad_norm_(w, "1"), TypeError, "max_norm must be a real number, got '1'"),
        (lambda w: clip_grad_norm_(w, 1.0, 0), ValueError, "norm_type must be above 0.0, got 0"),
        (lambda w: clip_grad_norm_(w, 1.0, "two"), ValueError, "or 'inf', got 'two'"),
        (lambda w: clip_grad_norm_(3, 1.0), TypeError, "parameters must be a tensor or an iterabl"),
        (lambda w: clip_grad_norm_([("w", w)], 1.0), TypeError, "hold tensors only, got .*named_p"),
        (lambda w: get_total_norm([1.0]), TypeError, "tensors must hold tensors only, got 1.0"),
        (lambda w: clip_grad_value_(w, -1.0), ValueError, "clip_value must be at least 0.0, got"),
        (lambda w: clip_grads_with_norm_(w, 1.0, 2.0), TypeError, "total_norm must be a tensor"),
        (lambda w: get_total_norm(w.detach().to_sparse()), TypeError, "tensors must be dense"),
    ],
)
def test_refuses_bad_input(call: Any, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        call(torch.ones(2, requires_grad=True))


def test_refuses_sparse_gradients() -> None:
    table = nn.Embedding(4, 2, sparse=True)
    table(torch.tensor([1])).sum().backward()
    for clip in (clip_grad_norm_, clip_grad_value_):
        with pytest.raises(TypeError, match="gradients must be dense, got a sparse tensor"):
            clip(table.parameters(), 1.0)


def test_a_limit_may_be_a_tensor() -> None:
    w = torch.zeros(2, requires_grad=True)
    w.grad = torch.tensor([3.0, 4.0])
    clip_grad_norm_(w, torch.tensor(1.0))
    torch.testing.assert_close(w.grad, torch.tensor([0.6, 0.8]))
