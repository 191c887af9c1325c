r"""Attention: averages of values, with weights that the data choose.

The functions take any number of leading dimensions, one token per row and one feature per column.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from handbook.activations import softmax
from handbook.checks import (
    describe,
    require_floating,
    require_number,
    require_same_placement,
)

__all__ = ["attention_weights", "scaled_dot_product_attention"]

_ATTENTION_HALVES = (torch.float16, torch.bfloat16)


def attention_weights(
    query: Tensor,
    key: Tensor,
    attn_mask: Tensor | None = None,
    *,
    is_causal: bool = False,
    scale: float | None = None,
) -> Tensor:
    r"""Return how much each query looks at each key: a row of shares that sum to one.

    .. math:: A = \mathrm{softmax}\left(s\,Q K^\top + M\right), \qquad s = 1 / \sqrt{E}

    Parameters
    ----------
    query : Tensor
        :math:`Q`: what each of L tokens looks for.
    key : Tensor
        :math:`K`: what each of S tokens can be found by.
    attn_mask : Tensor or None, optional
        Booleans: true where a query may look at a key. Or numbers :math:`M`, added to the scores:
        0 where it may, −∞ where it may not.
    is_causal : bool, default False
        Whether token i may look at tokens 0 to i only.
    scale : float or None, optional
        :math:`s`, dimensionless; :math:`1 / \sqrt{E}` with ``None``.

    Returns
    -------
    Tensor
        Shares from 0 to 1, in the dtype of ``query``. Each row sums to one, or, where nothing may
        be looked at, is all zeros.

    Shapes
    ------
    query : ``(*, L, E)``
    key : ``(*, S, E)``
    attn_mask : broadcasts to ``(*, L, S)``
    return : ``(*, L, S)``

    Raises
    ------
    TypeError
        If an argument has the wrong type, or the dtypes differ.
    ValueError
        If the shapes do not fit, the devices differ, or there is a mask as well as ``is_causal``.

    Notes
    -----
    The sum of E products of independent numbers with variance 1 has variance E. Dividing by its
    root keeps the scores of long vectors from pushing the softmax to 0 and 1, where it has no
    gradient.

    References
    ----------
    A. Vaswani et al., "Attention is all you need", NIPS 2017, https://arxiv.org/abs/1706.03762

    Examples
    --------
    A query that equals one of three keys looks at it most:

    >>> key = torch.tensor([[4.0, 0.0], [0.0, 4.0], [-4.0, 0.0]])
    >>> attention_weights(key[:1], key)[0, 0].item() > 0.999
    True

    Under a causal mask the first token can see only itself:

    >>> attention_weights(torch.zeros(3, 2), key, is_causal=True)
    tensor([[1.0000, 0.0000, 0.0000],
            [0.5000, 0.5000, 0.0000],
            [0.3333, 0.3333, 0.3333]])
    """
    q, k = _attention_tokens("query", query), _attention_tokens("key", key)
    require_same_placement("key", k, "query", q)
    if k.shape[-1] != q.shape[-1]:
        raise ValueError(
            f"key must have query's last dimension E = {q.shape[-1]}, got {describe(key)}"
        )
    if not isinstance(is_causal, bool):
        raise TypeError(f"is_causal must be True or False, got {describe(is_causal)}")
    _require_common_batch("key", k, "query", q)
    if scale is None:
        factor = 1 / math.sqrt(q.shape[-1]) if q.shape[-1] else 1.0
    else:
        factor = require_number("scale", scale)
    if q.dtype in _ATTENTION_HALVES:
        q, k = q.float(), k.float()
    scores = (q * factor) @ k.transpose(-2, -1)  # (*, L, S)
    if attn_mask is not None:
        if is_causal:
            raise ValueError("attn_mask must be None with is_causal=True; put both into the mask")
        scores = _masked_scores(scores, attn_mask, query)
    elif is_causal:
        size = scores.shape[-2:]
        visible = torch.ones(size, dtype=torch.bool, device=scores.device).tril()
        scores = scores.masked_fill(~visible, -math.inf)
    if scores.shape[-1] == 0:
        return scores.to(query.dtype)  # no keys: rows without entries
    # A row of -inf would be 0/0. It gets any scores, and no weight.
    blind = (scores == -math.inf).all(dim=-1, keepdim=True)
    weights = softmax(scores.masked_fill(blind, 0), dim=-1).masked_fill(blind, 0)
    return weights.to(query.dtype)


def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    *,
    is_causal: bool = False,
    scale: float | None = None,
) -> Tensor:
    r"""Return for each query an average of the values, weighted by how well their keys fit.

    .. math:: Y = \mathrm{softmax}\left(\frac{Q K^\top}{\sqrt{E}} + M\right) V

    Parameters
    ----------
    query, key, attn_mask, is_causal, scale
        As in :func:`attention_weights`.
    value : Tensor
        :math:`V`: what each of the S tokens says.

    Returns
    -------
    Tensor
        One row per query, in its dtype. Where a query may look at nothing, zeros.

    Shapes
    ------
    query : ``(*, L, E)``
    key : ``(*, S, E)``
    value : ``(*, S, E_v)``
    attn_mask : broadcasts to ``(*, L, S)``
    return : ``(*, L, E_v)``

    Raises
    ------
    TypeError
        If an argument has the wrong type, or the dtypes differ.
    ValueError
        If the shapes do not fit, the devices differ, or there is a mask as well as ``is_causal``.

    Notes
    -----
    Differences from PyTorch: there is no dropout and no grouping of queries, and ``is_causal`` must
    be named. The matrix of L times S shares is formed; PyTorch's fused kernels avoid it
    where they can.

    References
    ----------
    A. Vaswani et al., "Attention is all you need", NIPS 2017, https://arxiv.org/abs/1706.03762

    Examples
    --------
    With equal scores it is the plain mean of the values:

    >>> value = torch.tensor([[1.0], [2.0], [6.0]])
    >>> scaled_dot_product_attention(torch.zeros(1, 4), torch.ones(3, 4), value)
    tensor([[3.]])

    A mask takes tokens out of the mean:

    >>> visible = torch.tensor([True, True, False])
    >>> scaled_dot_product_attention(torch.zeros(1, 4), torch.ones(3, 4), value, visible)
    tensor([[1.5000]])

    Scores of a million are no danger:

    >>> q = torch.full((1, 4), 1000.0)
    >>> scaled_dot_product_attention(q, torch.stack([q[0], -q[0]]), value[:2])
    tensor([[1.]])
    """
    v = _attention_tokens("value", value)
    q, k = _attention_tokens("query", query), _attention_tokens("key", key)
    require_same_placement("value", v, "query", q)
    if v.shape[-2] != k.shape[-2]:
        raise ValueError(
            f"value must have a row for each of key's S = {k.shape[-2]}, got {describe(value)}"
        )
    _require_common_batch("value", v, "query", q)
    if q.dtype in _ATTENTION_HALVES:
        q, k, v = q.float(), k.float(), v.float()
        if attn_mask is not None and isinstance(attn_mask, Tensor):
            attn_mask = attn_mask.float() if attn_mask.dtype == query.dtype else attn_mask
    weights = attention_weights(q, k, attn_mask, is_causal=is_causal, scale=scale)
    return (weights @ v).to(query.dtype)


def _attention_tokens(name: str, value: object) -> Tensor:
    tensor = require_floating(name, value)
    if tensor.dim() < 2:
        raise ValueError(
            f"{name} must have at least 2 dimensions, tokens and features, got {describe(tensor)}"
        )
    return tensor


def _require_common_batch(name: str, value: Tensor, other_name: str, other: Tensor) -> None:
    try:
        torch.broadcast_shapes(value.shape[:-2], other.shape[:-2])
    except RuntimeError:
        raise ValueError(
            f"{name} must have leading dimensions that broadcast with {other_name}'s "
            f"{tuple(other.shape[:-2])}, got {describe(value)}"
        ) from None


def _masked_scores(scores: Tensor, mask: object, query: Tensor) -> Tensor:
    if not isinstance(mask, Tensor):
        raise TypeError(f"attn_mask must be a tensor or None, got {describe(mask)}")
    if mask.dtype not in (torch.bool, torch.float32, query.dtype):
        wanted = str(query.dtype).removeprefix("torch.")
        raise TypeError(
            f"attn_mask must hold booleans, or numbers of dtype {wanted}, got {describe(mask)}; "
            "use attn_mask.bool()"
        )
    if mask.device != scores.device:
        raise ValueError(
            f"attn_mask must be on query's device {scores.device}, got {describe(mask)}; "
            "use attn_mask.to(query.device)"
        )
    try:
        fits = torch.broadcast_shapes(mask.shape, scores.shape) == scores.shape
    except RuntimeError:
        fits = False
    if not fits:
        raise ValueError(
            f"attn_mask must broadcast to the scores' shape (*, L, S) = {tuple(scores.shape)}, "
            f"got {describe(mask)}"
        )
    if mask.dtype == torch.bool:
        return scores.masked_fill(~mask, -math.inf)
    return scores + mask.to(scores.dtype)
