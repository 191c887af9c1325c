r"""The first training: one model, a handful of samples, and every step written out.

:func:`train_one_sample_at_a_time` is the loop that every training has inside. It can be told to
forget to set the gradients to zero; :func:`error_factor` and :func:`accumulation_matrix` say
beforehand what either run of the model :math:`\hat y = w x` will do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from handbook.checks import (
    describe,
    require_floating,
    require_integer,
    require_number,
    require_same_placement,
    require_shape,
    require_tensor,
)

__all__ = [
    "TrainingHistory",
    "train_one_sample_at_a_time",
    "error_factor",
    "accumulation_matrix",
]


class TrainingHistory(NamedTuple):
    """What a training did, step by step.

    Parameters
    ----------
    parameters : Tensor
        The parameters before the first step and after each.
    losses : Tensor
        The loss that each step saw, before it changed the parameters.
    gradients : Tensor
        What stood in ``parameters.grad`` when the step was made.

    Examples
    --------
    >>> history = TrainingHistory(torch.tensor([1.0, 1.5]), torch.ones(1), torch.tensor([-50.0]))
    >>> history.parameters[-1].item(), len(history.losses)
    (1.5, 1)
    """

    parameters: Tensor
    losses: Tensor
    gradients: Tensor


def train_one_sample_at_a_time(
    model: Callable[[Tensor, Tensor], Tensor],
    parameters: Tensor,
    inputs: Tensor,
    targets: Tensor,
    *,
    learning_rate: float,
    n_epochs: int,
    zero_gradients: bool = True,
) -> TrainingHistory:
    r"""Fit a model by one step of gradient descent per sample, in the order of the samples.

    .. math:: w \leftarrow w - \eta \,
              \frac{\partial}{\partial w} \bigl( f_w(x_i) - y_i \bigr)^2,
              \qquad i = 1, \dots, N, \text{ epoch after epoch}

    Parameters
    ----------
    model : callable
        ``model(parameters, x)`` returns the prediction for one input, in the shape of one target.
    parameters : Tensor
        Where to start. The tensor itself stays as it is.
    inputs : Tensor
        One sample per row.
    targets : Tensor
        What the model shall give, one number per sample.
    learning_rate : float
        The rate :math:`\eta`, positive.
    n_epochs : int
        How many times to go through the samples.
    zero_gradients : bool, optional
        Whether to set the gradients to zero after each step. False shows what happens to those who
        forget it.

    Returns
    -------
    TrainingHistory
        Parameters, losses and gradients of all steps.

    Shapes
    ------
    parameters : ``(*)``
    inputs : ``(N, ...)``
    targets : ``(N,)``
    return.parameters : ``(n_epochs · N + 1, *)``
    return.losses : ``(n_epochs · N,)``
    return.gradients : ``(n_epochs · N, *)``

    Raises
    ------
    TypeError
        If a tensor is none, or not of a floating-point dtype, or the dtypes differ.
    ValueError
        If the shapes do not fit, the model's prediction has not the shape of one target, a number
        is out of bounds, or the tensors are not on one device.

    Notes
    -----
    Nothing is drawn at random and nothing is shuffled: the same call gives the same history.

    The step is made under :class:`torch.no_grad`, so that the update is no part of the graph.
    ``zero_`` keeps the tensor ``grad`` and overwrites its numbers. An optimiser's
    ``zero_grad()`` sets ``grad`` to ``None`` instead, which saves the memory.

    Examples
    --------
    >>> inputs, targets = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([2.0, 4.0, 6.0])
    >>> history = train_one_sample_at_a_time(
    ...     lambda w, x: w * x, torch.tensor(1.0), inputs, targets, learning_rate=0.01, n_epochs=100
    ... )
    >>> f"{history.parameters[-1].item():.7f}"
    '1.9999996'

    The first step by hand: the loss is (1 · 1 − 2)² = 1, its slope 2 · (1 · 1 − 2) · 1 = −2.

    >>> history.losses[0].item(), history.gradients[0].item(), history.parameters[1].item()
    (1.0, -2.0, 1.0199999809265137)

    With an accumulated gradient it never settles:

    >>> history = train_one_sample_at_a_time(
    ...     lambda w, x: w * x, torch.tensor(1.0), inputs, targets, learning_rate=0.01,
    ...     n_epochs=100, zero_gradients=False,
    ... )
    >>> [round(w, 1) for w in history.parameters[-7::3].tolist()]
    [3.0, 2.7, 1.9]
    """
    start = require_floating("parameters", parameters)
    require_floating("inputs", inputs)
    require_shape("targets", require_floating("targets", targets), ("N",))
    for name, tensor in (("inputs", inputs), ("targets", targets)):
        require_same_placement(name, tensor, "parameters", start)
    if inputs.dim() == 0 or len(inputs) != len(targets):
        raise ValueError(
            f"inputs must have one row per target, {len(targets)}, got {describe(inputs)}"
        )
    rate = require_number("learning_rate", learning_rate, above=0)
    n_epochs = require_integer("n_epochs", n_epochs, minimum=0)

    weights = start.detach().clone().requires_grad_()
    path, losses, gradients = [weights.detach().clone()], [], []
    for _ in range(n_epochs):
        for x, y in zip(inputs, targets, strict=True):
            prediction = require_tensor("prediction", model(weights, x))
            if prediction.shape != y.shape:  # a loss would broadcast, and hide it
                raise ValueError(
                    f"model must return a prediction of the target's shape {tuple(y.shape)}, "
                    f"got {describe(prediction)}"
                )
            loss = (prediction - y) ** 2
            if loss.requires_grad:
                loss.backward()  # adds to weights.grad
            if weights.grad is None:
                raise ValueError("model must use its parameters, got a loss without their gradient")
            with torch.no_grad():  # the step is no part of the model
                weights -= rate * weights.grad
            # Copies without a graph: what a list keeps, it keeps alive.
            losses.append(loss.detach())
            gradients.append(weights.grad.clone())
            path.append(weights.detach().clone())
            if zero_gradients:
                weights.grad.zero_()
    if not losses:
        none = start.detach().new_zeros(0, *start.shape)
        return TrainingHistory(torch.stack(path), start.detach().new_zeros(0), none)
    return TrainingHistory(torch.stack(path), torch.stack(losses), torch.stack(gradients))


def error_factor(inputs: Tensor, *, learning_rate: float) -> Tensor:
    r"""Return what one epoch multiplies the error of ``w`` by, for :math:`y = w^* x`.

    The gradient of :math:`(w x - w^* x)^2` is :math:`2 x^2 (w - w^*)`, so each sample multiplies
    the error :math:`w - w^*` by a number, and an epoch by their product:

    .. math:: \frac{w_\text{after} - w^*}{w_\text{before} - w^*}
              = \prod_{i=1}^{N} \bigl( 1 - 2 \eta x_i^2 \bigr)

    Parameters
    ----------
    inputs : Tensor
        The samples.
    learning_rate : float
        The rate :math:`\eta`, positive.

    Returns
    -------
    Tensor
        The factor. Training converges if its absolute value is below 1.

    Shapes
    ------
    inputs : ``(N,)``
    return : ``()``

    Raises
    ------
    TypeError
        If ``inputs`` is not a floating-point tensor.
    ValueError
        If ``inputs`` has not one dimension, or the rate is not positive.

    Examples
    --------
    >>> x = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)
    >>> error_factor(x, learning_rate=0.01).item()
    0.739312
    >>> error_factor(x, learning_rate=0.125).item()  # the sample 2 alone jumps to the answer
    -0.0
    >>> error_factor(x, learning_rate=0.25).item()  # too large a rate: the error grows
    1.75
    """
    x = require_shape("inputs", require_floating("inputs", inputs), ("N",))
    rate = require_number("learning_rate", learning_rate, above=0)
    return (1 - 2 * rate * x**2).prod()


def accumulation_matrix(inputs: Tensor, *, learning_rate: float) -> Tensor:
    r"""Return what one epoch does to error and gradient if the gradients are never set to zero.

    With :math:`e = w - w^*` and :math:`g` the number that stands in ``w.grad``, the sample
    :math:`x` adds its gradient and then makes a step with the sum:

    .. math:: \begin{pmatrix} e \\ g \end{pmatrix} \leftarrow
              \begin{pmatrix} 1 - 2 \eta x^2 & -\eta \\ 2 x^2 & 1 \end{pmatrix}
              \begin{pmatrix} e \\ g \end{pmatrix}

    Parameters
    ----------
    inputs : Tensor
        The samples, in the order of training.
    learning_rate : float
        The rate :math:`\eta`, positive.

    Returns
    -------
    Tensor
        The product of the matrices of all samples, the first at the right.

    Shapes
    ------
    inputs : ``(N,)``
    return : ``(2, 2)``

    Raises
    ------
    TypeError
        If ``inputs`` is not a floating-point tensor.
    ValueError
        If ``inputs`` has not one dimension, or the rate is not positive.

    Notes
    -----
    Each matrix has determinant :math:`(1 - 2 \eta x^2) + 2 \eta x^2 = 1`, whatever the rate, and so
    has their product. The two eigenvalues multiply to 1: they cannot both be inside the unit
    circle, so that no rate makes error and gradient die away.

    Examples
    --------
    >>> x = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)
    >>> epoch = accumulation_matrix(x, learning_rate=0.01)
    >>> torch.linalg.det(epoch).item()
    1.000000
    >>> torch.linalg.eigvals(epoch).abs().tolist()
    [1.000000, 1.000000]
    """
    x = require_shape("inputs", require_floating("inputs", inputs), ("N",))
    rate = require_number("learning_rate", learning_rate, above=0)
    epoch = torch.eye(2, dtype=x.dtype, device=x.device)
    for square in x**2:
        one = torch.ones_like(square)
        first = torch.stack([one - 2 * rate * square, -rate * one])
        second = torch.stack([2 * square, one])
        epoch = torch.stack([first, second]) @ epoch
    return epoch
