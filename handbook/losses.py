r"""Losses: one number that says how wrong a model is, and that training makes small.

The first four compare real numbers, the next two choose among classes, then come two for yes or
no, and at last two measures of how far apart distributions and directions are.

Each function takes the arguments of its namesake in ``torch.nn.functional``, in the same order,
without the deprecated ``size_average`` and ``reduce``. Half precision is computed in float32 and
rounded once, at the end: a mean may fit float16 although one of its terms does not.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from handbook.activations import log_softmax
from handbook.checks import (
    describe,
    require_choice,
    require_floating,
    require_integer,
    require_number,
    require_same_placement,
    require_tensor,
)

__all__ = [
    "mse_loss",
    "l1_loss",
    "smooth_l1_loss",
    "huber_loss",
    "nll_loss",
    "cross_entropy",
    "one_hot",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "kl_div",
    "cosine_similarity",
]

_REDUCTIONS = ("none", "mean", "sum")


def _at_least_float32(x: Tensor) -> Tensor:
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


def _reduced(losses: Tensor, reduction: str, answer: torch.dtype) -> Tensor:
    if reduction == "mean":
        losses = losses.mean()  # the mean of nothing is 0 / 0, which is nan
    elif reduction == "sum":
        losses = losses.sum()
    return losses.to(answer)


# ---- real numbers ------------------------------------------------------------------------------


def mse_loss(
    input: Tensor, target: Tensor, reduction: str = "mean", weight: Tensor | None = None
) -> Tensor:
    r"""Average the squared error of predictions.

    .. math:: \ell_i = (y_i - t_i)^2, \qquad L = \frac{1}{n} \sum_{i=1}^{n} \ell_i, \qquad
              \frac{\partial L}{\partial y_i} = \frac{2}{n} \, (y_i - t_i)

    With weights, the mean is :math:`\sum_i w_i \ell_i / \sum_i w_i`.

    Parameters
    ----------
    input : Tensor
        The predictions :math:`y`.
    target : Tensor
        What they should be, :math:`t`, in the same units.
    reduction : {"none", "mean", "sum"}
        Return the loss of each element, their mean over all elements, or their sum.
    weight : Tensor, optional
        One number :math:`w_i` for each element.

    Returns
    -------
    Tensor
        The loss, in the squared units of ``input``.

    Shapes
    ------
    input : ``(*)``
    target : ``(*)``
    weight : ``(*)``
    return : ``()``, or ``(*)`` where nothing is reduced

    Raises
    ------
    TypeError
        If an argument is not a tensor, or neither ``input`` nor ``target`` holds floating-point
        numbers.
    ValueError
        If the shapes or devices differ, or ``reduction`` is none of the three words.

    Notes
    -----
    There is no ½ in front, so the gradient has a factor 2. The mean of an empty batch is NaN.

    Difference from PyTorch: shapes that differ are refused. PyTorch warns and broadcasts: a column
    of N predictions against a row of N targets becomes a table of N² errors.

    References
    ----------
    A.-M. Legendre, "Nouvelles méthodes pour la détermination des orbites des comètes", Paris, 1805.

    Examples
    --------
    >>> y, t = torch.tensor([1.0, 2.0, 4.0]), torch.tensor([1.0, 4.0, 3.0])
    >>> mse_loss(y, t, reduction="none").tolist()
    [0.0, 4.0, 1.0]
    >>> mse_loss(y, t).item(), mse_loss(y, t, weight=torch.tensor([1.0, 0.0, 1.0])).item()
    (1.6666..., 0.5)

    A column against a row would be averaged over nine errors, not three:

    >>> mse_loss(y[:, None], t)
    Traceback (most recent call last):
        ...
    ValueError: target must have input's shape (3, 1), got a float32 tensor of shape (3,); ...
    """
    require_choice("reduction", reduction, _REDUCTIONS)
    y, t = _predictions_and_targets(input, target)
    answer = _floating_answer(y, t)
    error = _difference(y, t)
    return _weighted(error * error, weight, reduction, answer, divide_by_weights=True)


def l1_loss(
    input: Tensor, target: Tensor, reduction: str = "mean", weight: Tensor | None = None
) -> Tensor:
    r"""Average the absolute error of predictions.

    .. math:: \ell_i = |y_i - t_i|, \qquad L = \frac{1}{n} \sum_{i=1}^{n} \ell_i, \qquad
              \frac{\partial L}{\partial y_i} = \frac{1}{n} \, \mathrm{sign}(y_i - t_i)

    With weights, the mean is :math:`\sum_i w_i \ell_i / \sum_i w_i`.

    Parameters
    ----------
    input : Tensor
        The predictions :math:`y`; integers and complex numbers too.
    target : Tensor
        What they should be, :math:`t`, in the same units.
    reduction : {"none", "mean", "sum"}
        Return the loss of each element, their mean over all elements, or their sum.
    weight : Tensor, optional
        One number :math:`w_i` for each element.

    Returns
    -------
    Tensor
        The loss, in the units of ``input``.

    Shapes
    ------
    input : ``(*)``
    target : ``(*)``
    weight : ``(*)``
    return : ``()``, or ``(*)`` where nothing is reduced

    Raises
    ------
    TypeError
        If an argument is not a tensor, both hold booleans, or a mean is asked of integers.
    ValueError
        If the shapes or devices differ, or ``reduction`` is none of the three words.

    Notes
    -----
    Where prediction and target are equal there is no derivative. Like PyTorch, this one takes 0.

    Differences from PyTorch: shapes that differ are refused (:func:`mse_loss` says why), and
    unsigned integers do not wrap around below zero.

    Examples
    --------
    >>> y, t = torch.tensor([1.0, 2.0, 4.0]), torch.tensor([1.0, 4.0, 3.0])
    >>> l1_loss(y, t, reduction="none").tolist(), l1_loss(y, t).item()
    ([0.0, 2.0, 1.0], 1.0)
    >>> y.requires_grad_()
    tensor([1., 2., 4.], requires_grad=True)
    >>> l1_loss(y, t, reduction="sum").backward()
    >>> y.grad.tolist()
    [0.0, -1.0, 1.0]
    """
    require_choice("reduction", reduction, _REDUCTIONS)
    y, t = _predictions_and_targets(input, target)
    answer = torch.promote_types(y.dtype, t.dtype)
    if answer == torch.bool:
        raise TypeError(f"input must hold numbers, got {describe(y)}; use input.float()")
    if not (answer.is_floating_point or answer.is_complex):
        if reduction == "mean" and weight is None:
            raise TypeError(
                f"input must have a floating-point dtype for reduction='mean', got {describe(y)}; "
                "use input.float()"
            )
        losses = torch.maximum(y, t) - torch.minimum(y, t)  # unsigned numbers have no minus
    else:
        losses = _difference(y, t).abs()
    answer = answer.to_real()
    return _weighted(losses, weight, reduction, answer, divide_by_weights=True)


def smooth_l1_loss(
    input: Tensor, target: Tensor, reduction: str = "mean", beta: float = 1.0
) -> Tensor:
    r"""Average an error that is squared near zero and absolute far from it, with slope at most 1.

    .. math:: \ell_i = \begin{cases} \frac{1}{2\beta} (y_i - t_i)^2 & |y_i - t_i| < \beta \\
              |y_i - t_i| - \frac{\beta}{2} & \text{else} \end{cases}
              \qquad \frac{\partial \ell_i}{\partial y_i} =
              \mathrm{clip}\Bigl(\frac{y_i - t_i}{\beta}, -1, 1\Bigr)

    It is :func:`huber_loss` divided by its threshold.

    Parameters
    ----------
    input : Tensor
        The predictions :math:`y`.
    target : Tensor
        What they should be, :math:`t`, in the same units.
    reduction : {"none", "mean", "sum"}
        Return the loss of each element, their mean over all elements, or their sum.
    beta : float, optional
        The error :math:`\beta` at which the parabola becomes a line, at least 0, in the units of
        ``input``. At 0 this is :func:`l1_loss`.

    Returns
    -------
    Tensor
        The loss, in the units of ``input``.

    Shapes
    ------
    input : ``(*)``
    target : ``(*)``
    return : ``()``, or ``(*)`` where nothing is reduced

    Raises
    ------
    TypeError
        If an argument is not a tensor, neither ``input`` nor ``target`` holds floating-point
        numbers, or ``beta`` is not a number.
    ValueError
        If the shapes or devices differ, ``reduction`` is none of the three words, or ``beta`` is
        negative.

    Notes
    -----
    Difference from PyTorch: shapes that differ are refused (:func:`mse_loss` says why).

    References
    ----------
    R. Girshick, "Fast R-CNN", ICCV 2015, doi:10.1109/ICCV.2015.169.

    Examples
    --------
    >>> y, t = torch.tensor([0.0, 0.5, 3.0]), torch.zeros(3)
    >>> smooth_l1_loss(y, t, reduction="none").tolist()
    [0.0, 0.125, 2.5]
    >>> smooth_l1_loss(y, t, reduction="none", beta=0.0).tolist()
    [0.0, 0.5, 3.0]
    """
    require_choice("reduction", reduction, _REDUCTIONS)
    limit = require_number("beta", beta, minimum=0.0)
    y, t = _predictions_and_targets(input, target)
    answer = _floating_answer(y, t)
    losses = _huber_terms(_difference(y, t), limit, scale=limit)
    return _reduced(losses, reduction, answer)


def huber_loss(
    input: Tensor,
    target: Tensor,
    reduction: str = "mean",
    delta: float = 1.0,
    weight: Tensor | None = None,
) -> Tensor:
    r"""Average an error that is squared near zero and a straight line far from it.

    .. math:: \ell_i = \begin{cases} \frac12 (y_i - t_i)^2 & |y_i - t_i| < \delta \\
              \delta \, \bigl(|y_i - t_i| - \frac{\delta}{2}\bigr) & \text{else} \end{cases}
              \qquad \frac{\partial \ell_i}{\partial y_i} =
              \mathrm{clip}(y_i - t_i, -\delta, \delta)

    Parameters
    ----------
    input : Tensor
        The predictions :math:`y`.
    target : Tensor
        What they should be, :math:`t`, in the same units.
    reduction : {"none", "mean", "sum"}
        Return the loss of each element, their mean over all elements, or their sum.
    delta : float, optional
        The error :math:`\delta` from which on the gradient grows no more, above 0, in the units of
        ``input``.
    weight : Tensor, optional
        One factor for the loss of each element.

    Returns
    -------
    Tensor
        The loss, in the squared units of ``input``.

    Shapes
    ------
    input : ``(*)``
    target : ``(*)``
    weight : ``(*)``
    return : ``()``, or ``(*)`` where nothing is reduced

    Raises
    ------
    TypeError
        If an argument is not a tensor, ``input`` does not hold floating-point numbers, or
        ``delta`` is not a number.
    ValueError
        If the shapes or devices differ, ``reduction`` is none of the three words, or ``delta`` is
        not positive.

    Notes
    -----
    With :math:`c = \mathrm{clip}(e, -\delta, \delta)` of the error e, both cases are
    :math:`c\,(e - \frac{c}{2})`. There is no branch, so no overflow in a branch that is not taken.

    As in PyTorch, and other than in :func:`mse_loss`, a weighted mean is divided by the number of
    elements, not by the sum of the weights.

    Difference from PyTorch: shapes that differ are refused (:func:`mse_loss` says why).

    References
    ----------
    P. J. Huber, "Robust estimation of a location parameter", Annals of Mathematical Statistics 35
    (1964), doi:10.1214/aoms/1177703732.

    Examples
    --------
    >>> y = torch.tensor([0.0, 0.5, 3.0, 1e30], requires_grad=True)
    >>> losses = huber_loss(y, torch.zeros(4), reduction="none")
    >>> losses.tolist()
    [0.0, 0.125, 2.5, 1.0...e+30]
    >>> losses.sum().backward()
    >>> y.grad.tolist()
    [0.0, 0.5, 1.0, 1.0]
    """
    require_choice("reduction", reduction, _REDUCTIONS)
    limit = require_number("delta", delta, above=0.0)
    y, t = _predictions_and_targets(input, target)
    answer = require_floating("input", y).dtype  # PyTorch answers in this one, whatever target's
    if t.is_complex():
        raise TypeError(f"target must hold real numbers, got {describe(t)}")
    losses = _huber_terms(_difference(y, t), limit, scale=1.0)
    return _weighted(losses, weight, reduction, answer, divide_by_weights=False)


def _difference(y: Tensor, t: Tensor) -> Tensor:
    common = torch.promote_types(y.dtype, t.dtype)  # a boolean has no minus
    return _at_least_float32(y.to(common)) - _at_least_float32(t.to(common))


def _huber_terms(error: Tensor, limit: float, *, scale: float) -> Tensor:
    if limit == 0:
        return error.abs()
    clipped = error.clamp(-limit, limit)
    return clipped / scale * (error - clipped / 2)


def _predictions_and_targets(input: object, target: object) -> tuple[Tensor, Tensor]:
    y, t = require_tensor("input", input), require_tensor("target", target)
    _require_shape_of_input("target", t, y)
    return y, t


def _require_shape_of_input(name: str, value: Tensor, input: Tensor) -> None:
    wanted = tuple(input.shape)
    if value.shape != input.shape:
        raise ValueError(
            f"{name} must have input's shape {wanted}, got {describe(value)}"
            + _shape_remedy(name, tuple(value.shape), wanted)
        )
    if value.device != input.device:
        raise ValueError(
            f"{name} must be on input's device {input.device}, got {value.device}; "
            f"use {name}.to(input.device)"
        )


def _shape_remedy(name: str, came: tuple[int, ...], wanted: tuple[int, ...]) -> str:
    """Return "; use …" where one step makes one shape into the other."""
    for dim in range(len(came)):
        if came[dim] == 1 and came[:dim] + came[dim + 1 :] == wanted:
            return f"; use {name}.squeeze({dim})"
    for dim in range(len(wanted)):
        if wanted[dim] == 1 and wanted[:dim] + wanted[dim + 1 :] == came:
            return f"; use {name}.unsqueeze({dim})"
    if len(came) <= len(wanted) and all(
        size in (1, other) for size, other in zip(came[::-1], wanted[::-1], strict=False)
    ):
        return f"; if each row shall meet the same {name}, use {name}.expand_as(input)"
    return ""


def _floating_answer(y: Tensor, t: Tensor) -> torch.dtype:
    """Return the dtype that both promote to, in which the loss is answered."""
    answer = torch.promote_types(y.dtype, t.dtype)
    if not answer.is_floating_point:
        require_floating("input", y)
        require_floating("target", t)
    return answer


def _weighted(
    losses: Tensor,
    weight: object,
    reduction: str,
    answer: torch.dtype,
    *,
    divide_by_weights: bool,
) -> Tensor:
    if weight is None:
        return _reduced(losses, reduction, answer)
    w = require_tensor("weight", weight)
    _require_shape_of_input("weight", w, losses)
    answer = torch.promote_types(answer, w.dtype)
    w = _at_least_float32(w)
    if reduction == "mean" and divide_by_weights:
        return ((losses * w).sum() / w.sum()).to(answer)
    return _reduced(losses * w, reduction, answer)


# ---- classes -----------------------------------------------------------------------------------


def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> Tensor:
    r"""Average the negative log-likelihood: minus the log-probability of the true class.

    .. math:: \ell_n = -w_{t_n} \, \ell p_{n t_n}, \qquad
              L = \frac{\sum_n \ell_n}{\sum_n w_{t_n}}

    over the samples whose target is not ``ignore_index``; :math:`\ell p` are log-probabilities.

    Parameters
    ----------
    input : Tensor
        Log-probabilities, as :func:`handbook.activations.log_softmax` returns them.
    target : Tensor
        The index of the true class of each sample, int64 or uint8.
    weight : Tensor, optional
        One factor :math:`w_c` for each class, in the dtype of ``input``.
    ignore_index : int, optional
        A target of this value takes no part: neither in the sum nor in the divisor.
    reduction : {"none", "mean", "sum"}
        Return the loss of each sample, their weighted mean, or their sum.

    Returns
    -------
    Tensor
        The loss, in nats.

    Shapes
    ------
    input : ``(C,)``, ``(N, C)`` or ``(N, C, d1, …)``
    target : ``()``, ``(N,)`` or ``(N, d1, …)``
    weight : ``(C,)``
    return : ``()``, or the shape of ``target`` where nothing is reduced

    Raises
    ------
    TypeError
        If ``input`` is not a floating-point tensor, ``target`` does not hold int64 or uint8,
        ``weight`` has another dtype than ``input``, or ``ignore_index`` is not an ``int``.
    ValueError
        If the shapes do not fit, the devices differ, a class lies outside 0 … C − 1, or
        ``reduction`` is none of the three words.

    Notes
    -----
    It takes no logarithm: fed with probabilities, it returns minus a probability. The mean is NaN
    where no sample takes part.

    Differences from PyTorch: uint8 targets are taken with extra dimensions too, and a class out of
    range is a ``ValueError`` on every device.

    Examples
    --------
    >>> from handbook.activations import log_softmax
    >>> log_p = log_softmax(torch.tensor([[0.0, 0.0], [0.0, 100.0]]), dim=1)
    >>> nll_loss(log_p, torch.tensor([0, 0]), reduction="none").tolist()
    [0.6931..., 100.0]
    >>> nll_loss(log_p, torch.tensor([0, -100])).item()
    0.6931...
    >>> nll_loss(log_p, torch.tensor([0, 2]))
    Traceback (most recent call last):
        ...
    ValueError: target must hold classes from 0 to 1 or ignore_index = -100, got 2 at index (1,)
    """
    require_choice("reduction", reduction, _REDUCTIONS)
    log_p = _class_scores(input)
    classes, takes_part = _class_targets(target, log_p, ignore_index)
    w = _class_weights(weight, log_p, same_dtype=True)
    losses, weights = _picked_losses(_at_least_float32(log_p), classes, takes_part, w)
    return _class_mean(losses, weights, reduction, log_p.dtype)


def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    r"""Average the cross-entropy between true classes and the softmax of logits.

    .. math:: \ell_n = -\sum_{c=1}^{C} w_c \, q_{nc} \log p_{nc}, \qquad
              p_n = \mathrm{softmax}(z_n), \qquad
              \frac{\partial \ell_n}{\partial z_{nc}} = p_{nc} - q_{nc}
              \quad \text{for } w = 1

    A class index t stands for :math:`q_c = 1` at :math:`c = t`, else 0, and then this is
    :func:`nll_loss` of :func:`handbook.activations.log_softmax`. Label smoothing replaces q by
    :math:`(1 - \varepsilon)\,q + \varepsilon / C`.

    Parameters
    ----------
    input : Tensor
        Logits :math:`z`: any real numbers, not probabilities.
    target : Tensor
        The index of the true class of each sample, int64 or uint8; or, in the shape of ``input``,
        a probability :math:`q_{nc}` of each class.
    weight : Tensor, optional
        One factor :math:`w_c` for each class.
    ignore_index : int, optional
        A target of this value takes no part. For class probabilities it has no meaning.
    reduction : {"none", "mean", "sum"}
        Return the loss of each sample, their mean, or their sum. For class indices the mean is
        divided by the sum of the weights of the true classes; for probabilities by the number of
        samples.
    label_smoothing : float, optional
        The share :math:`\varepsilon` of the target, from 0 to 1, that is spread over all classes.

    Returns
    -------
    Tensor
        The loss, in nats.

    Shapes
    ------
    input : ``(C,)``, ``(N, C)`` or ``(N, C, d1, …)``
    target : ``()``, ``(N,)`` or ``(N, d1, …)``; or the shape of ``input``
    weight : ``(C,)``
    return : ``()``, or ``()``, ``(N,)`` or ``(N, d1, …)`` where nothing is reduced

    Raises
    ------
    TypeError
        If ``input`` is not a floating-point tensor, ``target`` holds neither int64 or uint8 nor, in
        input's shape, floating-point numbers, ``weight`` has another dtype than ``input``, or a
        number is not a number.
    ValueError
        If the shapes do not fit, the devices differ, a class lies outside 0 … C − 1,
        ``label_smoothing`` outside 0 … 1, ``ignore_index`` meets class probabilities, or
        ``reduction`` is none of the three words.

    Notes
    -----
    The log-softmax is taken in one step, so that no probability is rounded to 0 before its
    logarithm. Where no sample takes part, the mean is NaN. A logit of −∞ whose probability
    should be 0 gives 0 · ∞ = NaN with class probabilities, as in PyTorch.

    Differences from PyTorch: as in :func:`nll_loss`.

    References
    ----------
    I. J. Good, "Rational decisions", Journal of the Royal Statistical Society B 14 (1952),
    doi:10.1111/j.2517-6161.1952.tb00104.x.
    C. Szegedy et al., "Rethinking the Inception architecture for computer vision", CVPR 2016,
    doi:10.1109/CVPR.2016.308.

    Examples
    --------
    >>> z = torch.tensor([0.2, 0.1, -0.1])
    >>> cross_entropy(z, torch.tensor(0)).item()
    0.9729...

    A class index is a distribution with all its weight on one class:

    >>> cross_entropy(z, torch.tensor([1.0, 0.0, 0.0])).item()
    0.9729...

    Logits of 100 and 0 overflow the naive softmax; here the loss and its gradient are exact:

    >>> z = torch.tensor([[100.0, 0.0]], requires_grad=True)
    >>> loss = cross_entropy(z, torch.tensor([1]))
    >>> loss.backward()
    >>> loss.item(), z.grad.tolist()
    (100.0, [[1.0, -1.0]])
    """
    require_choice("reduction", reduction, _REDUCTIONS)
    smoothing = require_number("label_smoothing", label_smoothing, minimum=0.0, maximum=1.0)
    z = _class_scores(input)
    dim = 0 if z.dim() == 1 else 1
    n_classes = z.shape[dim]
    log_p = log_softmax(_at_least_float32(z), dim)
    if require_tensor("target", target).shape == z.shape:
        q = _class_probabilities(target, z, ignore_index)
        w = _class_weights(weight, z, same_dtype=False)
        answer = torch.promote_types(z.dtype, q.dtype)
        if w is not None:
            answer = torch.promote_types(answer, w.dtype)
        q = _at_least_float32(q)
        if smoothing > 0:
            q = (1 - smoothing) * q + smoothing / max(n_classes, 1)
        losses = -_times_class_weights(log_p * q, w, dim).sum(dim)
        if reduction == "mean" and n_classes == 0:
            losses = losses * torch.nan
        return _reduced(losses, reduction, answer)
    classes, takes_part = _class_targets(target, z, ignore_index, or_probabilities=True)
    w = _class_weights(weight, z, same_dtype=True)
    losses, weights = _picked_losses(log_p, classes, takes_part, w)
    if smoothing > 0:
        # q = (1 - e) (one-hot) + e / C: the same share of the loss of every class
        spread = -_times_class_weights(log_p, w, dim).sum(dim)
        spread = torch.where(takes_part, spread, 0)
        losses = (1 - smoothing) * losses + smoothing / max(n_classes, 1) * spread
    return _class_mean(losses, weights, reduction, z.dtype)


def _class_scores(input: object) -> Tensor:
    scores = require_floating("input", input)
    if scores.dim() == 0:
        raise ValueError(
            f"input must have shape (C,), (N, C) or (N, C, d1, …), got {describe(scores)}"
        )
    return scores


def _class_targets(
    target: object, scores: Tensor, ignore_index: object, *, or_probabilities: bool = False
) -> tuple[Tensor, Tensor]:
    """Return the class of each sample as int64, 0 where it is ignored, and which take part."""
    t = require_tensor("target", target)
    ignored = require_integer("ignore_index", ignore_index)
    if t.dtype not in (torch.int64, torch.uint8):
        wanted = "class indices of dtype int64"
        if or_probabilities:
            wanted += f", or class probabilities of input's shape {tuple(scores.shape)}"
        remedy = "" if t.is_complex() else "; for indices use target.long()"
        raise TypeError(f"target must hold {wanted}, got {describe(t)}{remedy}")
    wanted_shape = tuple(scores.shape[:1] + scores.shape[2:]) if scores.dim() > 1 else ()
    if scores.dim() == 1 and t.shape == (1,):  # PyTorch takes it for the one target
        t = t.squeeze(0)
    if tuple(t.shape) != wanted_shape:
        letters = ["N", *(f"d{i}" for i in range(1, scores.dim() - 1))] if scores.dim() > 1 else []
        named = f"({', '.join(letters)}{',' if len(letters) == 1 else ''})"
        equals = f" = {wanted_shape}" if letters else ""
        raise ValueError(
            f"target must have shape {named}{equals}, got {describe(t)}"
            + _shape_remedy("target", tuple(t.shape), wanted_shape)
        )
    if t.device != scores.device:
        raise ValueError(
            f"target must be on input's device {scores.device}, got {t.device}; "
            "use target.to(input.device)"
        )
    t = t.long()
    takes_part = t != ignored
    classes = torch.where(takes_part, t, 0)
    n_classes = scores.shape[0 if scores.dim() == 1 else 1]
    outside = takes_part & ((classes < 0) | (classes >= n_classes))
    if bool(outside.any()):
        index = tuple(outside.nonzero()[0].tolist())
        place = f" at index {index}" if index else ""
        raise ValueError(
            f"target must hold classes from 0 to {n_classes - 1} or ignore_index = {ignored}, "
            f"got {t[index].item()}{place}"
        )
    return classes, takes_part


def _class_probabilities(target: Tensor, scores: Tensor, ignore_index: object) -> Tensor:
    if not target.is_floating_point():
        dim = 0 if scores.dim() == 1 else 1
        raise TypeError(
            "target of input's shape must hold class probabilities in a floating-point dtype, "
            f"got {describe(target)}; use target.to(input.dtype), or target.argmax({dim}) for "
            "class indices"
        )
    if require_integer("ignore_index", ignore_index) >= 0:
        raise ValueError(
            f"ignore_index must be left out for class probabilities, got {ignore_index}; "
            "use class indices"
        )
    if target.device != scores.device:
        raise ValueError(
            f"target must be on input's device {scores.device}, got {target.device}; "
            "use target.to(input.device)"
        )
    return target


def _class_weights(weight: object, scores: Tensor, *, same_dtype: bool) -> Tensor | None:
    if weight is None:
        return None
    w = require_tensor("weight", weight)
    n_classes = scores.shape[0 if scores.dim() == 1 else 1]
    if w.shape != (n_classes,):
        raise ValueError(
            f"weight must have one number for each class, shape ({n_classes},), got {describe(w)}"
        )
    require_same_placement("weight", w, "input", scores if same_dtype else scores.to(w.dtype))
    return w


def _times_class_weights(terms: Tensor, weight: Tensor | None, dim: int) -> Tensor:
    if weight is None:
        return terms
    ones = [1] * terms.dim()
    ones[dim] = -1
    return terms * weight.reshape(ones)  # (C,) beside (N, C, d1, …)


def _picked_losses(
    log_p: Tensor, classes: Tensor, takes_part: Tensor, weight: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Return minus the weighted log-probability of each true class, and each sample's weight."""
    dim = 0 if log_p.dim() == 1 else 1
    if log_p.shape[dim] == 0:  # no class to pick: every sample is ignored
        picked, weights = log_p.sum(dim), torch.zeros_like(takes_part, dtype=log_p.dtype)
    else:
        picked = log_p.gather(dim, classes.unsqueeze(dim)).squeeze(dim)
        weights = torch.ones_like(picked) if weight is None else weight.to(log_p.dtype)[classes]
    weights = torch.where(takes_part, weights, 0)
    # An ignored sample may hold NaN: choose 0 there, since NaN times 0 is NaN.
    return torch.where(takes_part, -weights * picked, 0), weights


def _class_mean(losses: Tensor, weights: Tensor, reduction: str, answer: torch.dtype) -> Tensor:
    if reduction == "mean":
        return (losses.sum() / weights.sum()).to(answer)
    return _reduced(losses, reduction, answer)


def one_hot(input: Tensor, num_classes: int = -1) -> Tensor:
    r"""Turn class indices into rows with a single 1.

    .. math:: q_{nc} = \begin{cases} 1 & c = t_n \\ 0 & \text{else} \end{cases}

    Parameters
    ----------
    input : Tensor
        Class indices :math:`t`, int64.
    num_classes : int, optional
        The number of classes C. −1 stands for the largest index plus one, which differs from
        batch to batch: give the number.

    Returns
    -------
    Tensor
        Zeros and ones, int64.

    Shapes
    ------
    input : ``(*)``
    return : ``(*, C)``

    Raises
    ------
    TypeError
        If ``input`` does not hold int64, or ``num_classes`` is not an ``int``.
    ValueError
        If an index is negative or not below ``num_classes``, or the number of classes cannot be
        told from an empty tensor.

    Notes
    -----
    A loss on class probabilities wants floating-point numbers: ``one_hot(t, C).float()``.

    Examples
    --------
    >>> one_hot(torch.tensor([0, 2]), 4)
    tensor([[1, 0, 0, 0],
            [0, 0, 1, 0]])
    >>> one_hot(torch.tensor([0, 2])).shape
    torch.Size([2, 3])
    """
    t = require_tensor("input", input)
    if t.dtype != torch.int64:
        raise TypeError(f"input must have dtype int64, got {describe(t)}; use input.long()")
    n_classes = require_integer("num_classes", num_classes, minimum=-1)
    if t.numel() == 0 and n_classes < 1:
        raise ValueError(
            f"num_classes must be given for an empty input, got {num_classes}; "
            "nothing tells the number of classes"
        )
    if t.numel() > 0:
        low, high = int(t.min()), int(t.max())
        if low < 0:
            raise ValueError(f"input must hold classes of at least 0, got {low}")
        n_classes = high + 1 if n_classes == -1 else n_classes
        if high >= n_classes:
            raise ValueError(f"input must hold classes below num_classes = {n_classes}, got {high}")
    return (t.unsqueeze(-1) == torch.arange(n_classes, device=t.device)).long()


# ---- yes or no ---------------------------------------------------------------------------------


class _BinaryCrossEntropy(torch.autograd.Function):
    """The loss of each probability, with PyTorch's slope where the logarithm is cut off.

    Autograd would find slope 0 there, so that the worst predictions of all did not learn.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(p: Tensor, t: Tensor) -> Tensor:
        # The product 0 * log 0 shall be 0, so no logarithm may be infinite.
        yes = p.log().clamp(min=-100)
        no = torch.log1p(-p).clamp(min=-100)
        return (t - 1) * no - t * yes

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        ctx.save_for_backward(*inputs)
        ctx.save_for_forward(*inputs)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor]:
        p_slope, t_slope = _bce_slopes(*ctx.saved_tensors)
        return gradients[0] * p_slope, gradients[0] * t_slope

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> Tensor:
        slopes = _bce_slopes(*ctx.saved_tensors)
        pairs = zip(tangents, slopes, strict=True)
        total = torch.zeros_like(slopes[0])
        for tangent, slope in pairs:
            total = total if tangent is None else total + tangent * slope
        return total


def _bce_slopes(p: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    return (p - t) / (p * (1 - p)).clamp(min=1e-12), torch.log1p(-p) - p.log()


def binary_cross_entropy(
    input: Tensor, target: Tensor, weight: Tensor | None = None, reduction: str = "mean"
) -> Tensor:
    r"""Average the cross-entropy between probabilities of *yes* and the truth.

    .. math:: \ell_i = -w_i \, \bigl(t_i \log p_i + (1 - t_i) \log(1 - p_i)\bigr), \qquad
              \frac{\partial \ell_i}{\partial p_i} = w_i \, \frac{p_i - t_i}{p_i (1 - p_i)}

    Parameters
    ----------
    input : Tensor
        Probabilities :math:`p` from 0 to 1, as :func:`handbook.activations.sigmoid` returns them.
    target : Tensor
        The truth :math:`t`: 1 for yes, 0 for no, or a probability between, in input's dtype.
    weight : Tensor, optional
        Factors :math:`w`, of a shape that broadcasts to that of ``target``.
    reduction : {"none", "mean", "sum"}
        Return the loss of each element, their mean over all elements, or their sum. The mean is
        divided by the number of elements, not by the sum of the weights.

    Returns
    -------
    Tensor
        The loss, in nats.

    Shapes
    ------
    input : ``(*)``
    target : ``(*)``
    weight : broadcast to ``(*)``
    return : ``()``, or ``(*)`` where nothing is reduced

    Raises
    ------
    TypeError
        If an argument is not a floating-point tensor, or the dtypes of input and target differ.
    ValueError
        If the shapes or devices differ, ``weight`` does not fit, ``reduction`` is none of the three
        words, or a number lies outside 0 … 1 or is NaN.

    Notes
    -----
    Like PyTorch, the logarithms are cut off at −100, so the loss is never above 100, and the
    denominator of the slope at :math:`10^{-12}`. A sigmoid that has rounded to 0 or 1 can learn no
    more all the same: its own slope is 0. :func:`binary_cross_entropy_with_logits` has neither
    limit.

    Difference from PyTorch: half precision is computed in float32, where the slope at 0 and 1 does
    not overflow to NaN.

    Examples
    --------
    >>> p = torch.tensor([0.5, 1.0, 0.0])
    >>> binary_cross_entropy(p, torch.tensor([1.0, 1.0, 1.0]), reduction="none")
    tensor([  0.6931,  -0.0000, 100.0000])
    >>> binary_cross_entropy(torch.tensor([2.0]), torch.tensor([1.0]))
    Traceback (most recent call last):
        ...
    ValueError: input must hold probabilities from 0 to 1, got 2.0 at index (0,); for logits use ...
    """
    require_choice("reduction", reduction, _REDUCTIONS)
    p, t = require_floating("input", input), require_floating("target", target)
    _require_shape_of_input("target", t, p)
    require_same_placement("target", t, "input", p)
    _require_probabilities("input", p, "; for logits use binary_cross_entropy_with_logits")
    _require_probabilities("target", t, "")
    losses: Tensor = _BinaryCrossEntropy.apply(_at_least_float32(p), _at_least_float32(t))
    losses = _times_broadcast_weight("weight", weight, losses)
    return _reduced(losses, reduction, p.dtype)


def _require_probabilities(name: str, value: Tensor, remedy: str) -> None:
    outside = ~((value >= 0) & (value <= 1))  # true of NaN
    if bool(outside.any()):
        index = tuple(outside.nonzero()[0].tolist())
        place = f" at index {index}" if index else ""
        raise ValueError(
            f"{name} must hold probabilities from 0 to 1, got {value[index].item()}{place}{remedy}"
        )


def _broadcast_weight(name: str, weight: object, losses: Tensor) -> Tensor:
    """Return a weight that broadcasts to the losses, and does not enlarge them."""
    w = require_tensor(name, weight)
    if w.is_complex():
        raise TypeError(f"{name} must hold real numbers, got {describe(w)}")
    shape = tuple(losses.shape)
    if w.dim() > len(shape) or any(
        size not in (1, wanted) for size, wanted in zip(w.shape[::-1], shape[::-1], strict=False)
    ):
        raise ValueError(f"{name} must broadcast to target's shape {shape}, got {describe(w)}")
    if w.device != losses.device and w.dim() > 0:
        raise ValueError(
            f"{name} must be on input's device {losses.device}, got {w.device}; "
            f"use {name}.to(input.device)"
        )
    return w.to(losses.dtype)


def _times_broadcast_weight(name: str, weight: object, losses: Tensor) -> Tensor:
    return losses if weight is None else losses * _broadcast_weight(name, weight, losses)


def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    r"""Average the binary cross-entropy of logits, without forming the probabilities.

    .. math:: \ell_i = w_i \, \bigl(v \, t_i \log(1 + e^{-z_i})
              + (1 - t_i) \log(1 + e^{z_i})\bigr), \qquad
              \frac{\partial \ell_i}{\partial z_i} = w_i \, (\sigma(z_i) - t_i)
              \quad \text{for } v = 1

    Parameters
    ----------
    input : Tensor
        Logits :math:`z`: any real numbers. The probability of yes is :math:`\sigma(z)`.
    target : Tensor
        The truth :math:`t`: 1 for yes, 0 for no, or a probability between.
    weight : Tensor, optional
        Factors :math:`w`, of a shape that broadcasts to that of ``target``.
    reduction : {"none", "mean", "sum"}
        Return the loss of each element, their mean over all elements, or their sum. The mean is
        divided by the number of elements, not by the sum of the weights.
    pos_weight : Tensor, optional
        The factor :math:`v` of the part of *yes*, of a shape that broadcasts to that of
        ``target``. Above 1, a missed yes costs more than a false one.

    Returns
    -------
    Tensor
        The loss, in nats.

    Shapes
    ------
    input : ``(*)``
    target : ``(*)``
    weight, pos_weight : broadcast to ``(*)``
    return : ``()``, or ``(*)`` where nothing is reduced

    Raises
    ------
    TypeError
        If an argument is not a floating-point tensor.
    ValueError
        If the shapes or devices differ, a weight does not fit, or ``reduction`` is none of the
        three words.

    Notes
    -----
    With :math:`z^+ = \max(z, 0)` and :math:`z^- = \min(z, 0)`,
    :math:`\log(1 + e^{z}) = z^+ + \log(1 + e^{z^- - z^+})`: no exponent is positive, and no two
    large numbers are subtracted.

    Difference from PyTorch: its :math:`(1 - t)\,z + \log(1 + e^{-z})` is NaN at
    :math:`z = -\infty` for every target, and loses the digits of a small loss where z is very
    negative. Here that loss is ∞ for :math:`t > 0`, and accurate.

    Examples
    --------
    >>> z = torch.tensor([0.0, 200.0, -200.0, -20.0], requires_grad=True)
    >>> t = torch.tensor([1.0, 0.0, 1.0, 0.0])
    >>> losses = binary_cross_entropy_with_logits(z, t, reduction="none")
    >>> [f"{loss:.4g}" for loss in losses.tolist()]
    ['0.6931', '200', '200', '2.061e-09']
    >>> losses.sum().backward()
    >>> [f"{slope:.4g}" for slope in z.grad.tolist()]
    ['-0.5', '1', '-1', '2.061e-09']
    """
    require_choice("reduction", reduction, _REDUCTIONS)
    z, t = require_floating("input", input), require_floating("target", target)
    _require_shape_of_input("target", t, z)
    answer = torch.promote_types(z.dtype, t.dtype)
    z, t = _at_least_float32(z), _at_least_float32(t)
    # Two masks that share no element, so that the slopes at 0 add up to the right one.
    positive, negative = z.masked_fill(z < 0, 0), z.masked_fill(z >= 0, 0)
    yes, no = t, 1 - t
    if pos_weight is not None:
        yes = _broadcast_weight("pos_weight", pos_weight, t) * t
    losses = no * positive - yes * negative
    losses = losses + (yes + no) * torch.log1p(torch.exp(negative - positive))
    losses = _times_broadcast_weight("weight", weight, losses)
    return _reduced(losses, reduction, answer)


# ---- distributions and directions --------------------------------------------------------------


def kl_div(
    input: Tensor, target: Tensor, reduction: str = "mean", log_target: bool = False
) -> Tensor:
    r"""Average the terms of the Kullback–Leibler divergence of a model from the truth.

    .. math:: \ell_i = q_i \, (\log q_i - \log p_i), \qquad
              \mathrm{KL}(q \,\|\, p) = \sum_c q_c \, (\log q_c - \log p_c) \ge 0

    Parameters
    ----------
    input : Tensor
        Log-probabilities :math:`\log p` of the model.
    target : Tensor
        Probabilities :math:`q` of the truth; their logarithms if ``log_target``.
    reduction : {"none", "mean", "sum", "batchmean"}
        Return each term, the mean over all elements, their sum, or their sum divided by the size
        of the first dimension. Of rows that are distributions, only ``"batchmean"`` is the mean
        divergence; ``"mean"`` is C times too small.
    log_target : bool, optional
        Whether ``target`` holds :math:`\log q`.

    Returns
    -------
    Tensor
        The divergence, in nats.

    Shapes
    ------
    input : ``(*)``
    target : ``(*)``
    return : ``()``, or ``(*)`` where nothing is reduced

    Raises
    ------
    TypeError
        If an argument is not a floating-point tensor, or ``log_target`` is not a ``bool``.
    ValueError
        If the shapes or devices differ, or ``reduction`` is none of the four words.

    Notes
    -----
    The arguments stand the other way round than in the formula: the model first. Its logarithm is
    wanted, the truth's is not. The term of :math:`q_i = 0` is 0, unless :math:`\log p_i` is −∞:
    0 · ∞ is NaN, as in PyTorch.

    Differences from PyTorch: shapes that differ are refused, and ``"mean"`` gives no warning.

    References
    ----------
    S. Kullback, R. A. Leibler, "On information and sufficiency", Annals of Mathematical Statistics
    22 (1951), doi:10.1214/aoms/1177729694.

    Examples
    --------
    >>> q = torch.tensor([[0.5, 0.5, 0.0], [0.25, 0.25, 0.5]])
    >>> p = torch.tensor([[0.25, 0.25, 0.5], [0.25, 0.25, 0.5]])
    >>> kl_div(p.log(), q, reduction="none").sum(dim=1).tolist()  # log 2, and 0
    [0.6931..., 0.0]
    >>> kl_div(p.log(), q, reduction="batchmean").item(), kl_div(p.log(), q).item()
    (0.3465..., 0.1155...)
    """
    require_choice("reduction", reduction, ("none", "mean", "sum", "batchmean"))
    if not isinstance(log_target, bool):
        raise TypeError(f"log_target must be a bool, got {describe(log_target)}")
    log_p, q = require_floating("input", input), require_floating("target", target)
    _require_shape_of_input("target", q, log_p)
    answer = torch.promote_types(log_p.dtype, q.dtype)
    log_p, q = _at_least_float32(log_p), _at_least_float32(q)
    if log_target:
        terms = torch.exp(q) * (q - log_p)
    else:
        terms = torch.xlogy(q, q) - q * log_p  # xlogy takes 0 log 0 for its limit, 0
    if reduction == "batchmean":
        n_samples = log_p.shape[0] if log_p.dim() > 0 else 1
        return (terms.sum() / n_samples).to(answer)
    return _reduced(terms, reduction, answer)


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    r"""Return the cosine of the angle between vectors.

    .. math:: \cos(a, b) = \frac{a \cdot b}{\max(\|a\|, \varepsilon) \, \max(\|b\|, \varepsilon)}

    Parameters
    ----------
    x1, x2 : Tensor
        The vectors; their shapes are broadcast.
    dim : int, optional
        The dimension along which a vector lies, counted in the common shape.
    eps : float, optional
        The least length :math:`\varepsilon` to divide by, at least 0. A vector of zeros has the
        cosine 0 with every other.

    Returns
    -------
    Tensor
        Numbers from −1 to 1, up to rounding; dimensionless.

    Shapes
    ------
    x1 : broadcast to ``(*, D, *)`` with D numbers along ``dim``
    x2 : broadcast to ``(*, D, *)``
    return : ``(*, *)``

    Raises
    ------
    TypeError
        If an argument is not a tensor, neither holds floating-point numbers, ``dim`` is not an
        ``int`` or ``eps`` not a number.
    ValueError
        If the shapes do not broadcast, the devices differ, the common shape has no dimension
        ``dim``, or ``eps`` is negative.

    Notes
    -----
    Each vector is divided by its length before the product is taken, and by its largest number
    before it is squared, so nothing overflows. Below ``eps`` the gradient is that of
    :math:`a / \|a\|`, scaled, as in PyTorch; at zero the gradient of the length is taken as 0.

    Difference from PyTorch: its length overflows where a square does, and the cosine is then 0.

    Examples
    --------
    >>> a = torch.tensor([[3.0, 4.0], [0.0, 0.0], [1e30, 1e30]])
    >>> b = torch.tensor([[4.0, 3.0], [1.0, 1.0], [1e30, 1e30]])
    >>> cosine_similarity(a, b)
    tensor([0.9600, 0.0000, 1.0000])
    """
    a, b = require_tensor("x1", x1), require_tensor("x2", x2)
    least = require_number("eps", eps, minimum=0.0)
    answer = torch.promote_types(a.dtype, b.dtype)
    if not answer.is_floating_point:
        require_floating("x1", a)
        require_floating("x2", b)
    try:
        common = torch.broadcast_shapes(a.shape, b.shape)
    except RuntimeError:
        raise ValueError(
            f"x2 must broadcast with x1, got {describe(b)} beside {describe(a)}"
        ) from None
    if a.device != b.device:
        raise ValueError(f"x2 must be on x1's device {a.device}, got {b.device}; use x2.to(...)")
    n_dims = max(len(common), 1)
    along = require_integer("dim", dim, minimum=-n_dims, maximum=n_dims - 1)
    product = torch.ones((), dtype=answer, device=a.device)
    product = _at_least_float32(product)
    for vectors in (a, b):
        product = product * _with_length_one(
            _at_least_float32(vectors.to(answer)).expand(common), along, least
        )
    return product.sum(along).to(answer)


def _with_length_one(vectors: Tensor, dim: int, least: float) -> Tensor:
    if vectors.numel() == 0:
        return vectors
    largest = vectors.detach().abs().amax(dim, keepdim=True)  # cancels, so it is a constant
    largest = torch.where(largest == 0, 1, largest)
    squares = (vectors / largest).square().sum(dim, keepdim=True)
    is_zero = squares == 0
    # The square root has no slope at 0, and 0 times infinity is NaN: it sees a 1 there.
    length = torch.where(is_zero, 0, largest * torch.where(is_zero, 1, squares).sqrt())
    missing = (least - length.detach()).clamp(min=0)
    return vectors / (length + missing)
