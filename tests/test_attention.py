"""Attention: shares that sum to one, PyTorch's numbers, masks, symmetry and refusals."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from handbook.attention import attention_weights, scaled_dot_product_attention
from handbook.seeding import make_generator


def tokens(
    *shapes: tuple[int, ...], seed: int = 0, dtype: torch.dtype = torch.float64
) -> list[Tensor]:
    generator = make_generator(seed)
    return [torch.randn(s, generator=generator, dtype=torch.float64).to(dtype) for s in shapes]


def test_two_keys_share_by_the_logistic_function_of_their_difference() -> None:
    q, k = torch.tensor([[2.0]]), torch.tensor([[1.0], [0.5]])
    share = attention_weights(q, k)[0, 0].item()
    assert share == pytest.approx(1 / (1 + math.exp(-2 * (1.0 - 0.5))))


def test_rows_sum_to_one() -> None:
    q, k = tokens((3, 2, 5, 4), (3, 2, 7, 4))
    weights = attention_weights(q, k)
    assert weights.shape == (3, 2, 5, 7)
    torch.testing.assert_close(weights.sum(dim=-1), torch.ones(3, 2, 5, dtype=torch.float64))


def test_equal_scores_give_the_mean() -> None:
    (v,) = tokens((7, 3))
    q, k = torch.zeros(2, 4, dtype=torch.float64), torch.ones(7, 4, dtype=torch.float64)
    out = scaled_dot_product_attention(q, k, v)
    torch.testing.assert_close(out, v.mean(dim=0).expand(2, 3))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("causal", [True, False])
def test_it_equals_pytorch_in_every_dtype(dtype: torch.dtype, causal: bool) -> None:
    q, k, v = tokens((2, 3, 6, 8), (2, 3, 6, 8), (2, 3, 6, 8), dtype=dtype)
    ours = scaled_dot_product_attention(q, k, v, is_causal=causal)
    theirs = F.scaled_dot_product_attention(q, k, v, is_causal=causal)
    assert ours.dtype == dtype
    # PyTorch's kernels round half precision in between; both are near the answer of float64.
    exact = F.scaled_dot_product_attention(q.double(), k.double(), v.double(), is_causal=causal)
    allowed = 4 * torch.finfo(dtype).eps
    assert (ours - exact).abs().max() <= allowed
    assert (ours.double() - theirs.double()).abs().max() <= 2 * allowed
    assert attention_weights(q, k).dtype == dtype


@pytest.mark.parametrize("shape", [(5, 7), (7,), (), (5, 1), (1, 7), (2, 5, 7), (1, 1, 7)])
def test_boolean_masks_of_every_shape_equal_pytorch(shape: tuple[int, ...]) -> None:
    q, k, v = (x.requires_grad_() for x in tokens((2, 5, 4), (2, 7, 4), (2, 7, 3)))
    mask = torch.rand(shape, generator=make_generator(3)) > 0.4
    ours = scaled_dot_product_attention(q, k, v, mask)
    theirs = F.scaled_dot_product_attention(q, k, v, mask)
    torch.testing.assert_close(ours, theirs)
    for mine, other in zip(
        torch.autograd.grad(ours.square().sum(), (q, k, v)),
        torch.autograd.grad(theirs.square().sum(), (q, k, v)),
        strict=True,
    ):
        torch.testing.assert_close(mine, other)


@pytest.mark.parametrize("kind", ["bool", "float"])
def test_a_query_that_may_look_at_nothing_gets_zeros_and_no_gradient(kind: str) -> None:
    q, k, v = (x.requires_grad_() for x in tokens((3, 4), (5, 4), (5, 2)))
    mask = torch.ones(3, 5, dtype=torch.bool)
    mask[1] = False
    if kind == "float":
        mask = torch.zeros(3, 5, dtype=torch.float64).masked_fill(~mask, -math.inf)
    ours = scaled_dot_product_attention(q, k, v, mask)
    assert (ours[1] == 0).all()
    gradients = torch.autograd.grad(ours.sum(), (q, k, v))
    assert all(g.isfinite().all() for g in gradients)
    assert (gradients[0][1] == 0).all()
    torch.testing.assert_close(ours, F.scaled_dot_product_attention(q, k, v, mask))


def test_a_mask_of_numbers_is_learned() -> None:
    q, k, v, mask = (x.requires_grad_() for x in tokens((3, 4), (5, 4), (5, 2), (3, 5)))
    assert torch.autograd.gradcheck(scaled_dot_product_attention, (q, k, v, mask))


def test_half_precision_takes_a_mask_of_its_own_dtype_and_of_float32() -> None:
    q, k, v, mask = tokens((3, 4), (5, 4), (5, 2), (3, 5), dtype=torch.float16)
    own = scaled_dot_product_attention(q, k, v, mask)
    torch.testing.assert_close(own, scaled_dot_product_attention(q, k, v, mask.float()))
    torch.testing.assert_close(own, F.scaled_dot_product_attention(q, k, v, mask))


@pytest.mark.parametrize(
    "shapes",
    [
        ((0, 4), (5, 4), (5, 2)),
        ((3, 4), (0, 4), (0, 2)),
        ((3, 0), (5, 0), (5, 2)),
        ((3, 4), (5, 4), (5, 0)),
        ((0, 3, 4), (0, 5, 4), (0, 5, 2)),
        ((2, 1, 3, 4), (1, 6, 5, 4), (5, 2)),
    ],
)
def test_empty_and_broadcast_shapes_equal_pytorch(shapes: tuple[tuple[int, ...], ...]) -> None:
    q, k, v = tokens(*shapes)
    ours = scaled_dot_product_attention(q, k, v)
    torch.testing.assert_close(ours, F.scaled_dot_product_attention(q, k, v))


def test_huge_scores_and_nan_are_pytorchs() -> None:
    q, k, v = tokens((3, 4), (5, 4), (5, 2))
    for first in (1e6 * q, q * math.nan):
        torch.testing.assert_close(
            scaled_dot_product_attention(first, k, v),
            F.scaled_dot_product_attention(first, k, v),
            equal_nan=True,
        )


def test_attention_does_not_know_the_order_of_its_keys() -> None:
    q, k, v = tokens((3, 4), (5, 4), (5, 2))
    order = torch.tensor([4, 2, 0, 1, 3])
    whole = scaled_dot_product_attention(q, k, v)
    torch.testing.assert_close(scaled_dot_product_attention(q, k[order], v[order]), whole)
    torch.testing.assert_close(scaled_dot_product_attention(q[[2, 0, 1]], k, v), whole[[2, 0, 1]])


def test_under_a_causal_mask_no_later_token_matters() -> None:
    (x,) = tokens((6, 4))
    changed = x.clone()
    changed[4:] += 10
    before = scaled_dot_product_attention(x, x, x, is_causal=True)
    after = scaled_dot_product_attention(changed, changed, changed, is_causal=True)
    assert torch.equal(before[:4], after[:4])
    assert not torch.allclose(before[4:], after[4:])


def test_the_scale_keeps_the_spread_of_the_scores_for_long_vectors() -> None:
    largest = {}
    for scale in (None, 1.0):
        q, k = tokens((200, 256), (50, 256))
        largest[scale] = attention_weights(q, k, scale=scale).amax(dim=-1).mean().item()
    assert largest[None] < 0.3
    assert largest[1.0] > 0.9


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"query": [[1.0]]}, TypeError, "query must be a tensor, got a list"),
        ({"query": torch.ones(3, 4).long()}, TypeError, "query must have a floating-point dtype"),
        ({"query": torch.ones(4)}, ValueError, "query must have at least 2 dimensions"),
        ({"key": torch.ones(5, 3)}, ValueError, r"key must have query's last dimension E = 4, got"),
        ({"key": torch.ones(5, 4).double()}, TypeError, "key must have query's dtype float32"),
        ({"value": torch.ones(4, 2)}, ValueError, "value must have a row for each of key's S = 5"),
        ({"value": torch.ones(5, 2).double()}, TypeError, "value must have query's dtype float32"),
        (
            {"query": torch.ones(2, 3, 4), "key": torch.ones(3, 5, 4)},
            ValueError,
            r"key must have leading dimensions that broadcast with query's \(2,\)",
        ),
        (
            {"query": torch.ones(2, 3, 4), "value": torch.ones(3, 5, 2)},
            ValueError,
            r"value must have leading dimensions that broadcast with query's \(2,\)",
        ),
        ({"attn_mask": [True]}, TypeError, "attn_mask must be a tensor or None, got a list"),
        ({"attn_mask": torch.ones(3, 5).long()}, TypeError, "attn_mask must hold booleans, or"),
        ({"attn_mask": torch.ones(3, 4) > 0}, ValueError, r"\(\*, L, S\) = \(3, 5\), got a bool"),
        ({"attn_mask": torch.ones(2, 3, 5) > 0}, ValueError, "attn_mask must broadcast to the"),
        (
            {"attn_mask": torch.ones(3, 5, device="meta")},
            ValueError,
            "attn_mask must be on query's",
        ),
        (
            {"attn_mask": torch.ones(3, 5) > 0, "is_causal": True},
            ValueError,
            "attn_mask must be None with is_causal=True",
        ),
        ({"is_causal": 1}, TypeError, "is_causal must be True or False, got 1"),
        ({"scale": "1"}, TypeError, "scale must be a real number, got '1'"),
    ],
)
def test_bad_arguments_are_refused(
    change: dict[str, object], error: type[Exception], message: str
) -> None:
    arguments: dict[str, object] = {
        "query": torch.ones(3, 4), "key": torch.ones(5, 4), "value": torch.ones(5, 2),
    }  # fmt: skip
    with pytest.raises(error, match=message):
        scaled_dot_product_attention(**{**arguments, **change})  # type: ignore[arg-type]
