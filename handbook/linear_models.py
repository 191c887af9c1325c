r"""Linear models: a weighted sum and a bias, fitted to data, stacked, and used to draw a line.

Three parts. The linear layer and its training, step by step. Least squares in closed form, by two
roads that differ in how much rounding they survive. And geometry: what a stack of linear layers
amounts to, how far a point lies from a decision boundary, which line a relu network is made of
where.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from handbook.activations import relu
from handbook.checks import (
    describe,
    require_finite,
    require_floating,
    require_generator,
    require_integer,
    require_number,
    require_same_placement,
    require_shape,
    require_tensor,
)

__all__ = [
    "linear",
    "LinearParameters",
    "start_parameters",
    "predict",
    "half_squared_error",
    "sgd_step",
    "train_epoch",
    "add_ones",
    "normal_equations",
    "least_squares",
    "minimum_norm",
    "ExpectedLosses",
    "expected_losses",
    "collapse_linear_stack",
    "local_linear_map",
    "signed_distance",
    "margin",
    "boundary_segment",
]


# ---- the linear layer --------------------------------------------------------------------------


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    r"""Apply a linear layer to the last dimension.

    .. math:: y = x W^\top + b, \qquad y_o = \sum_{i} w_{oi} \, x_i + b_o

    Parameters
    ----------
    input : Tensor
        The numbers :math:`x`: one sample, or any number of leading dimensions.
    weight : Tensor
        The matrix :math:`W`, one row per output; or a vector, for one output without a dimension.
    bias : Tensor, optional
        The vector :math:`b`, or anything else that broadcasts to the shape of the output.

    Returns
    -------
    Tensor
        The outputs :math:`y`.

    Shapes
    ------
    input : ``(*, D_in)``
    weight : ``(D_out, D_in)`` or ``(D_in,)``
    bias : ``(D_out,)`` or ``()``
    return : ``(*, D_out)`` or ``(*)``

    Raises
    ------
    TypeError
        If an argument is not a tensor of numbers, or the dtypes differ (outside of autocast).
    ValueError
        If the shapes do not fit, or the devices differ.

    Notes
    -----
    One sample of shape ``(D_in,)`` gives ``(D_out,)``. Without inputs, ``D_in = 0``, the sum is
    empty and the output is the bias.

    Differences from PyTorch: beside a weight vector, PyTorch takes a bias for some numbers of
    dimensions of ``input`` only, here for all; and in half precision the product is rounded before
    the bias is added.

    Examples
    --------
    >>> weight = torch.tensor([[1.0, 0.0, 2.0], [0.0, -1.0, 1.0]])
    >>> bias = torch.tensor([0.5, 0.0])
    >>> linear(torch.tensor([1.0, 2.0, 3.0]), weight, bias)
    tensor([7.5000, 1.0000])
    >>> linear(torch.zeros(4, 5, 3), weight, bias).shape
    torch.Size([4, 5, 2])
    >>> linear(torch.zeros(4, 2), weight)
    Traceback (most recent call last):
        ...
    ValueError: input must have 3 numbers in its last dimension, as many as weight, got a float32...
    """
    x = _numbers("input", input)
    w = _numbers("weight", weight)
    if w.dim() not in (1, 2):
        raise ValueError(f"weight must have shape (D_out, D_in) or (D_in,), got {describe(w)}")
    if x.dim() == 0 or x.shape[-1] != w.shape[-1]:
        raise ValueError(
            f"input must have {w.shape[-1]} numbers in its last dimension, as many as weight, "
            f"got {describe(x)}"
        )
    _agree("weight", w, x)
    y = x @ (w.mT if w.dim() == 2 else w)  # (*, D_in) (D_in, D_out)
    if bias is None:
        return y
    b = _numbers("bias", bias)
    _agree("bias", b, x)
    fits = b.dim() <= y.dim() and all(
        size in (1, wanted)
        for size, wanted in zip(reversed(b.shape), reversed(y.shape), strict=False)
    )
    if not fits:
        wanted = f"({w.shape[0]},)" if w.dim() == 2 else "()"
        raise ValueError(f"bias must have shape {wanted}, got {describe(b)}")
    y += b  # in place: the product is ours, and a second copy of it would cost time
    return y


def _numbers(name: str, value: object) -> Tensor:
    tensor = require_tensor(name, value)
    if tensor.dtype == torch.bool:
        raise TypeError(f"{name} must hold numbers, got {describe(tensor)}; use {name}.float()")
    return tensor


def _agree(name: str, value: Tensor, x: Tensor) -> None:
    """Refuse another dtype or device than the input's; autocast casts on its own."""
    if value.device != x.device or not torch.is_autocast_enabled(x.device.type):
        require_same_placement(name, value, "input", x)


# ---- linear regression, trained step by step ---------------------------------------------------


class LinearParameters(NamedTuple):
    """Weights and bias of a linear regression, as columns: ``inputs @ weight + bias``.

    Attributes
    ----------
    weight : Tensor
        One row per feature, one column per target.
    bias : Tensor
        One number per target.

    Shapes
    ------
    weight : ``(D, K)``
    bias : ``(K,)``

    Examples
    --------
    >>> parameters = LinearParameters(torch.tensor([[2.0], [-3.4]]), torch.tensor([4.2]))
    >>> predict(torch.tensor([[1.0, 1.0]]), parameters)
    tensor([[2.8000]])
    """

    weight: Tensor
    bias: Tensor


def start_parameters(
    n_features: int,
    *,
    std: float = 0.01,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str | None = None,
    generator: torch.Generator,
) -> LinearParameters:
    r"""Draw the parameters that training starts from.

    .. math:: w_d \sim N(0, \sigma^2), \qquad b = 0

    Parameters
    ----------
    n_features : int
        :math:`D`, at least 1.
    std : float, optional
        :math:`\sigma`, the standard deviation of the weights, at least 0.
    dtype : torch.dtype, optional
        A floating-point dtype.
    device : torch.device or str, optional
        Where the parameters live; PyTorch's default device without it.
    generator : torch.Generator
        A CPU generator; the draws are made in float64 and rounded once.

    Returns
    -------
    LinearParameters
        Leaf tensors that require a gradient.

    Shapes
    ------
    weight : ``(D, 1)``
    bias : ``(1,)``

    Raises
    ------
    TypeError
        If ``n_features`` is not an ``int``, ``std`` not a number, ``dtype`` not a floating-point
        dtype, or ``generator`` not a :class:`torch.Generator`.
    ValueError
        If ``n_features`` is below 1, or ``std`` is negative or not finite.

    Notes
    -----
    For a single linear layer all weights may start at zero: the loss is convex, and every start
    leads to the same place. With hidden layers that is no longer so.

    Examples
    --------
    >>> start = start_parameters(2, generator=torch.Generator().manual_seed(0))
    >>> start.weight.shape, start.bias, start.weight.requires_grad
    (torch.Size([2, 1]), tensor([0.], requires_grad=True), True)
    """
    require_integer("n_features", n_features, minimum=1)
    std = require_number("std", std, minimum=0.0, below=math.inf)
    if not isinstance(dtype, torch.dtype) or not dtype.is_floating_point:
        raise TypeError(f"dtype must be a floating-point dtype, got {describe(dtype)}")
    require_generator("generator", generator)
    draws = torch.randn(n_features, 1, generator=generator, dtype=torch.float64, device="cpu")
    place = torch.get_default_device() if device is None else torch.device(device)
    weight = (std * draws).to(device=place, dtype=dtype)
    bias = torch.zeros(1, device=place, dtype=dtype)
    return LinearParameters(weight.requires_grad_(), bias.requires_grad_())


def predict(inputs: Tensor, parameters: LinearParameters) -> Tensor:
    r"""Predict the target of each sample.

    .. math:: \hat Y = X w + b

    Parameters
    ----------
    inputs : Tensor
        :math:`X`, one sample per row.
    parameters : LinearParameters
        :math:`w` and :math:`b`.

    Returns
    -------
    Tensor
        The predictions, one row per sample.

    Shapes
    ------
    inputs : ``(N, D)``
    return : ``(N, K)``

    Raises
    ------
    TypeError
        If an argument is not a floating-point tensor, or the dtypes differ.
    ValueError
        If the shapes do not fit, or the devices differ.

    Notes
    -----
    The weight stands on its side here: ``weight.mT`` is what :func:`linear` and
    :class:`torch.nn.Linear` take.

    Examples
    --------
    >>> parameters = LinearParameters(torch.tensor([[2.0], [1.0]]), torch.tensor([0.5]))
    >>> predict(torch.tensor([[1.0, 0.0], [0.0, 1.0]]), parameters)
    tensor([[2.5000],
            [1.5000]])
    """
    weight = require_shape("weight", require_floating("weight", parameters.weight), ("D", "K"))
    require_shape("inputs", require_floating("inputs", inputs), ("N", weight.shape[0]))
    require_shape("bias", parameters.bias, (weight.shape[1],))
    return linear(inputs, weight.mT, parameters.bias)


def half_squared_error(predictions: Tensor, targets: Tensor) -> Tensor:
    r"""Return half the squared error of each number.

    .. math:: \ell = \tfrac12 (\hat y - y)^2, \qquad
              \frac{\partial \ell}{\partial \hat y} = \hat y - y

    Parameters
    ----------
    predictions, targets : Tensor
        Two tensors of one shape.

    Returns
    -------
    Tensor
        The losses; their mean is half the mean squared error.

    Shapes
    ------
    predictions : ``(*)``
    targets : ``(*)``
    return : ``(*)``

    Raises
    ------
    TypeError
        If an argument is not a floating-point tensor.
    ValueError
        If the shapes differ: they would broadcast, ``(N, 1)`` with ``(N,)`` to ``(N, N)``.

    Examples
    --------
    >>> half_squared_error(torch.tensor([3.0, 1.0]), torch.tensor([1.0, 1.0]))
    tensor([2., 0.])
    >>> half_squared_error(torch.zeros(8, 1), torch.zeros(8))
    Traceback (most recent call last):
        ...
    ValueError: targets must have the shape (8, 1) of predictions, got a float32 tensor of shape ...
    """
    require_floating("predictions", predictions)
    require_floating("targets", targets)
    if predictions.shape != targets.shape:
        raise ValueError(
            f"targets must have the shape {tuple(predictions.shape)} of predictions, "
            f"got {describe(targets)}; use targets.reshape(predictions.shape)"
        )
    return (predictions - targets) ** 2 / 2


def sgd_step(parameters: Iterable[Tensor], *, learning_rate: float) -> None:
    r"""Move each parameter against its gradient, in place, and forget the gradient.

    .. math:: \theta \leftarrow \theta - \eta \, \frac{\partial L}{\partial \theta}

    Parameters
    ----------
    parameters : iterable of Tensor
        Leaf tensors whose ``grad`` a backward pass has filled.
    learning_rate : float
        :math:`\eta`, at least 0.

    Raises
    ------
    TypeError
        If ``learning_rate`` is not a number, or a parameter is not a floating-point tensor.
    ValueError
        If ``learning_rate`` is negative or not finite, there is no parameter, or one has no
        gradient. Then none is moved.

    Notes
    -----
    :class:`torch.optim.SGD` passes over a parameter without a gradient in silence. Here that is an
    error, because the usual cause is a loss that does not depend on it.

    Examples
    --------
    >>> w = torch.tensor(1.0, requires_grad=True)
    >>> ((3 * w - 6) ** 2).backward()
    >>> sgd_step([w], learning_rate=0.01)
    >>> round(w.item(), 2), w.grad
    (1.18, None)
    >>> sgd_step([w], learning_rate=0.01)
    Traceback (most recent call last):
        ...
    ValueError: parameters[0] must have a gradient, got None; call backward() on a loss made from it
    """
    rate = require_number("learning_rate", learning_rate, minimum=0.0, below=math.inf)
    moves: list[tuple[Tensor, Tensor]] = []
    for i, parameter in enumerate(parameters):
        gradient = require_floating(f"parameters[{i}]", parameter).grad
        if gradient is None:
            raise ValueError(
                f"parameters[{i}] must have a gradient, got None; call backward() on a loss made "
                "from it"
            )
        moves.append((parameter, gradient))
    if not moves:
        raise ValueError("parameters must be at least one, got none")
    with torch.no_grad():  # the step itself is no part of the model
        for parameter, gradient in moves:
            parameter -= rate * gradient
            parameter.grad = None  # or the next backward() would add to it


def train_epoch(
    parameters: LinearParameters,
    batches: Iterable[tuple[Tensor, ...]],
    *,
    learning_rate: float,
) -> float:
    """Go once through the batches, with one step for each.

    Parameters
    ----------
    parameters : LinearParameters
        Leaf tensors that require a gradient; they are changed in place.
    batches : iterable of tuple of Tensor
        Pairs of inputs and targets, such as :func:`handbook.batches.mini_batches` deals.
    learning_rate : float
        At least 0.

    Returns
    -------
    float
        The mean of the losses that the samples had when it was their turn: half the squared error.

    Shapes
    ------
    inputs of a batch : ``(B, D)``
    targets of a batch : ``(B, K)``

    Raises
    ------
    TypeError
        If a batch or ``learning_rate`` is of the wrong type.
    ValueError
        If the shapes do not fit, there is no batch or an empty one, or ``learning_rate`` is
        negative.

    Notes
    -----
    The loss of a batch is the mean over its samples, so the step divides by the number of samples
    that are there.

    Examples
    --------
    >>> x = torch.tensor([[0.0], [1.0], [2.0], [3.0]])
    >>> y = 2 * x + 1
    >>> parameters = start_parameters(1, generator=torch.Generator().manual_seed(0))
    >>> for epoch in range(200):
    ...     loss = train_epoch(parameters, [(x[:2], y[:2]), (x[2:], y[2:])], learning_rate=0.1)
    >>> round(parameters.weight.item(), 3), round(parameters.bias.item(), 3)
    (2.0, 1.0)
    """
    total, n_samples = 0.0, 0
    for x, y in batches:
        if len(x) == 0:
            raise ValueError("batches must hold at least 1 sample each, got an empty batch")
        losses = half_squared_error(predict(x, parameters), y)  # (B, K)
        losses.sum(dim=1).mean().backward()
        sgd_step(parameters, learning_rate=learning_rate)
        total += losses.detach().sum().item()
        n_samples += len(x)
    if n_samples == 0:
        raise ValueError("batches must be at least one, got none; an iterator serves one epoch")
    return total / n_samples


# ---- least squares in closed form --------------------------------------------------------------


def add_ones(inputs: Tensor) -> Tensor:
    r"""Append a column of ones, so that the bias becomes one more weight.

    .. math:: X w + b = \begin{pmatrix} X & 1 \end{pmatrix} \begin{pmatrix} w \\ b \end{pmatrix}

    Parameters
    ----------
    inputs : Tensor
        :math:`X`, one sample per row.

    Returns
    -------
    Tensor
        The design matrix.

    Shapes
    ------
    inputs : ``(N, D)``
    return : ``(N, D + 1)``

    Raises
    ------
    TypeError
        If ``inputs`` is not a floating-point tensor.
    ValueError
        If its shape is another.

    Examples
    --------
    >>> add_ones(torch.tensor([[2.0, 3.0], [4.0, 5.0]]))
    tensor([[2., 3., 1.],
            [4., 5., 1.]])
    """
    x = require_shape("inputs", require_floating("inputs", inputs), ("N", "D"))
    return torch.cat([x, x.new_ones(len(x), 1)], dim=1)


def _system(design: object, targets: object) -> tuple[Tensor, Tensor]:
    """Return matrix and right-hand sides as columns, checked, in at least single precision."""
    a = require_shape("design", require_floating("design", design), ("N", "D"))
    y = require_shape(
        "targets", require_floating("targets", targets), (a.shape[0],), (a.shape[0], "K")
    )
    require_same_placement("targets", y, "design", a)
    require_finite("design", a)
    require_finite("targets", y)
    if a.dtype in (torch.float16, torch.bfloat16):
        a, y = a.float(), y.float()
    return a, y if y.dim() == 2 else y[:, None]


def _require_enough_rows(a: Tensor) -> None:
    if a.shape[0] < a.shape[1]:
        raise ValueError(
            f"design must have at least as many rows as columns, got {describe(a)}; "
            "many solutions fit exactly: use minimum_norm"
        )


def _dependent(column: int, advice: str) -> ValueError:
    return ValueError(
        f"design must have independent columns, got column {column} equal to a combination of "
        f"those before it, up to rounding; {advice}"
    )


def _substitute_back(rows: list[Tensor]) -> Tensor:
    r"""Solve a triangular system from its last row up.

    Row :math:`k` holds :math:`r_{kk}, \dots, r_{kD}` and then the right-hand sides.
    """
    solved: list[Tensor] = []  # each (K,), the first unknown first
    for row in reversed(rows):
        known = len(solved)
        right = row[1 + known :]
        if known:
            right = right - row[1 : 1 + known] @ torch.stack(solved)  # (known,) (known, K)
        solved.insert(0, right / row[0])
    return torch.stack(solved)


def _answer(solution: Tensor, design: Tensor, targets: Tensor) -> Tensor:
    solution = solution if targets.dim() == 2 else solution[:, 0]
    return solution.to(design.dtype)


def normal_equations(design: Tensor, targets: Tensor) -> Tensor:
    r"""Solve the least-squares problem by its normal equations: short, and the first to break.

    .. math:: A^\top A \, w = A^\top y

    Parameters
    ----------
    design : Tensor
        :math:`A`, one sample per row. For a model with a bias, the result of :func:`add_ones`.
    targets : Tensor
        :math:`y`, one number per sample, or one row.

    Returns
    -------
    Tensor
        The coefficients :math:`w`.

    Shapes
    ------
    design : ``(N, D)`` with ``N >= D``
    targets : ``(N,)`` or ``(N, K)``
    return : ``(D,)`` or ``(D, K)``

    Raises
    ------
    TypeError
        If an argument is not a floating-point tensor, or the dtypes differ.
    ValueError
        If the shapes do not fit, the devices differ, a number is not finite, there are fewer rows
        than columns, or a column is a combination of those before it as far as
        :math:`A^\top A` can tell.

    Notes
    -----
    The singular values of :math:`A^\top A` are the squares of those of :math:`A`, so its condition
    number is :math:`\kappa^2`. With :math:`\kappa = 10^4`, float32 has no digit left, and
    :func:`least_squares` still has three. The price of that one is twice the work.

    The matrix is symmetric and positive definite, so elimination needs no exchange of rows.

    Examples
    --------
    >>> x = torch.tensor([[0.0], [1.0], [2.0]])
    >>> normal_equations(add_ones(x), torch.tensor([1.0, 3.0, 5.0]))
    tensor([2., 1.])

    Two columns that differ by one part in ten thousand are one and the same to it:

    >>> design = torch.tensor([[1.0, 1.0], [1e-4, 0.0], [0.0, 1e-4]])
    >>> normal_equations(design, design.sum(dim=1))
    Traceback (most recent call last):
        ...
    ValueError: design must have independent columns, got column 1 equal to a combination of ...
    >>> least_squares(design, design.sum(dim=1))
    tensor([1.0000, 1.0000])
    """
    a, y = _system(design, targets)
    _require_enough_rows(a)
    n_columns = a.shape[1]
    if n_columns == 0:
        return _answer(a.new_zeros(0, y.shape[1]), design, targets)
    rest = a.mT @ torch.cat([a, y], dim=1)  # (D, D + K): the equations, right-hand sides last
    # What rounding leaves of a column that depends on others grows like the square root of N.
    rounding = 4 * math.sqrt(a.shape[0]) * torch.finfo(a.dtype).eps
    smallest = rounding * rest.diagonal().detach()
    rows: list[Tensor] = []
    for k in range(n_columns):
        if not bool(rest[0, 0] > smallest[k]):
            raise _dependent(k, "their square is: least_squares looks at the columns themselves")
        rows.append(rest[0])
        # Take the multiple of this equation from the others that removes its unknown.
        rest = rest[1:, 1:] - torch.outer(rest[1:, 0] / rest[0, 0], rest[0, 1:])
    return _answer(_substitute_back(rows), design, targets)


def least_squares(design: Tensor, targets: Tensor) -> Tensor:
    r"""Find the coefficients with the smallest sum of squared errors, by reflections.

    .. math:: w = \arg\min_w \lVert A w - y \rVert^2, \qquad
              A^\top (A w - y) = 0

    Parameters
    ----------
    design : Tensor
        :math:`A`, one sample per row. For a model with a bias, the result of :func:`add_ones`.
    targets : Tensor
        :math:`y`, one number per sample, or one row.

    Returns
    -------
    Tensor
        The coefficients :math:`w`.

    Shapes
    ------
    design : ``(N, D)`` with ``N >= D``
    targets : ``(N,)`` or ``(N, K)``
    return : ``(D,)`` or ``(D, K)``

    Raises
    ------
    TypeError
        If an argument is not a floating-point tensor, or the dtypes differ.
    ValueError
        If the shapes do not fit, the devices differ, a number is not finite, there are fewer rows
        than columns, or a column is a combination of those before it.

    Notes
    -----
    Householder's method. A reflection keeps lengths, so it keeps the sum of squares; each one turns
    a column of what is left onto its first axis. After :math:`D` of them the first :math:`D` rows
    are a triangular system, and the remaining rows hold the error that nobody can remove. Because
    :math:`A^\top A` is never formed, the condition number is not squared.

    Each column is first divided by its length, so that units do not matter. A column of which only
    rounding is left beside the columns before it depends on them.

    References
    ----------
    A. S. Householder, "Unitary triangularization of a nonsymmetric matrix", Journal of the ACM
    5 (1958), https://doi.org/10.1145/320941.320947

    Examples
    --------
    >>> x = torch.tensor([[0.0], [1.0], [2.0]])
    >>> least_squares(add_ones(x), torch.tensor([1.0, 3.0, 8.0]))
    tensor([3.5000, 0.5000])

    The third column is the sum of the first two: the error says so, the shortest solution is
    another question.

    >>> design = torch.tensor([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0], [1.0, 1.0, 2.0]])
    >>> least_squares(design, torch.tensor([1.0, 2.0, 3.0]))
    Traceback (most recent call last):
        ...
    ValueError: design must have independent columns, got column ... equal to a combination of ...
    >>> minimum_norm(design, torch.tensor([1.0, 2.0, 3.0])).round(decimals=3).abs()
    tensor([0., 1., 1.])
    """
    a, y = _system(design, targets)
    _require_enough_rows(a)
    n_columns = a.shape[1]
    if n_columns == 0:
        return _answer(a.new_zeros(0, y.shape[1]), design, targets)
    advice = "drop it, or use minimum_norm"
    lengths = torch.linalg.vector_norm(a, dim=0)
    if not bool((lengths > 0).all()):
        raise _dependent(int((lengths == 0).nonzero()[0]), advice)
    smallest = 4 * math.sqrt(a.shape[0]) * torch.finfo(a.dtype).eps  # of a column of length 1
    rest = torch.cat([a / lengths, y], dim=1)  # (N, D + K)
    rows: list[Tensor] = []
    for k in range(n_columns):
        column = rest[:, 0]  # what is left of column k beside the columns before it
        length = torch.linalg.vector_norm(column)
        if not bool(length > smallest):
            raise _dependent(k, advice)
        # Reflect along v, away from the first axis: the sign keeps v from being a small difference.
        shift = torch.cat([torch.copysign(length, column[0])[None], torch.zeros_like(column[1:])])
        v = column + shift
        rest = rest - torch.outer(v, (2 / (v @ v)) * (v @ rest))
        rows.append(rest[0])
        rest = rest[1:, 1:]
    solution = _substitute_back(rows)
    return _answer(solution / lengths[:, None], design, targets)


def minimum_norm(design: Tensor, targets: Tensor, *, rtol: float | None = None) -> Tensor:
    r"""Find the shortest of all coefficients with the smallest sum of squared errors.

    .. math:: w = \sum_{s_i > \tau s_1} v_i \, \frac{u_i^\top y}{s_i},
              \qquad A = \sum_i s_i \, u_i v_i^\top

    Parameters
    ----------
    design : Tensor
        :math:`A`, one sample per row; its columns may depend on each other, and be more than its
        rows.
    targets : Tensor
        :math:`y`, one number per sample, or one row.
    rtol : float, optional
        :math:`\tau`: directions with a smaller share of the largest singular value count as absent.
        Without it, the larger dimension times the rounding unit.

    Returns
    -------
    Tensor
        The coefficients :math:`w`; those of :func:`least_squares` where there is only one answer.

    Shapes
    ------
    design : ``(N, D)``
    targets : ``(N,)`` or ``(N, K)``
    return : ``(D,)`` or ``(D, K)``

    Raises
    ------
    TypeError
        If an argument is not a floating-point tensor, the dtypes differ, or ``rtol`` is not a
        number.
    ValueError
        If the shapes do not fit, the devices differ, a number is not finite, or ``rtol`` lies
        outside [0, 1).

    Notes
    -----
    Two equal columns share their weight: of all pairs with one sum, the one with equal halves is
    the shortest. The prediction is unique where the coefficients are not. The answer depends on the
    units of the columns, because "shortest" does.

    Gradients go through the singular vectors: they are not defined where two singular values agree,
    and that includes two that are zero.

    Examples
    --------
    >>> design = torch.tensor([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]])
    >>> torch.allclose(minimum_norm(design, torch.tensor([2.0, 4.0, 6.0])), torch.ones(2))
    True
    """
    a, y = _system(design, targets)
    if rtol is None:
        rtol = max(a.shape) * torch.finfo(a.dtype).eps
    rtol = require_number("rtol", rtol, minimum=0.0, below=1.0)
    if min(a.shape) == 0:
        return _answer(a.new_zeros(a.shape[1], y.shape[1]), design, targets)
    left, singular_values, right = torch.linalg.svd(a, full_matrices=False)
    present = singular_values > rtol * singular_values[0]
    inverses = torch.where(present, 1 / singular_values.masked_fill(~present, 1), 0)
    return _answer(right.mT @ (inverses[:, None] * (left.mT @ y)), design, targets)


class ExpectedLosses(NamedTuple):
    """Mean half squared errors that a least-squares fit has on average.

    Attributes
    ----------
    training : float
        On the samples that it was fitted to.
    fresh : float
        On new targets for the same inputs.
    floor : float
        Of the truth itself, on any samples.

    Examples
    --------
    >>> losses = expected_losses(noise_std=2.0, n_samples=10, n_parameters=5)
    >>> losses.training, losses.floor, losses.fresh
    (1.0, 2.0, 3.0)
    """

    training: float
    fresh: float
    floor: float


def expected_losses(noise_std: float, n_samples: int, n_parameters: int) -> ExpectedLosses:
    r"""Return what loss a least-squares fit has on average, from the noise and two counts.

    .. math:: L_{\text{training}} = \frac{\sigma^2}{2} \cdot \frac{n - p}{n}, \qquad
              L_{\text{fresh}} = \frac{\sigma^2}{2} \cdot \frac{n + p}{n}, \qquad
              L_{\text{floor}} = \frac{\sigma^2}{2}

    Parameters
    ----------
    noise_std : float
        :math:`\sigma`, the standard deviation of the noise, in the unit of the targets.
    n_samples : int
        :math:`n`, at least 1.
    n_parameters : int
        :math:`p`, the number of columns of the design matrix, from 0 to :math:`n`.

    Returns
    -------
    ExpectedLosses
        Three means of half the squared error.

    Raises
    ------
    TypeError
        If an argument is of the wrong type.
    ValueError
        If ``noise_std`` is negative or not finite, or a count out of range.

    Notes
    -----
    The truth is linear, the noise has mean zero, one variance, and is uncorrelated; it need not be
    normal. The fit projects the noise onto the :math:`p` dimensions of the column space. What lies
    in there, :math:`p / n` of its square, disappears from the training error and turns up as an
    error of the prediction.

    Examples
    --------
    >>> losses = expected_losses(noise_std=0.01, n_samples=1000, n_parameters=3)
    >>> f"{losses.training:.3e} {losses.floor:.3e} {losses.fresh:.3e}"
    '4.985e-05 5.000e-05 5.015e-05'

    With as many parameters as samples, the fit goes through every point:

    >>> expected_losses(noise_std=1.0, n_samples=3, n_parameters=3).training
    0.0
    """
    sigma = require_number("noise_std", noise_std, minimum=0.0, below=math.inf)
    n = require_integer("n_samples", n_samples, minimum=1)
    p = require_integer("n_parameters", n_parameters, minimum=0, maximum=n)
    floor = sigma**2 / 2
    return ExpectedLosses(training=floor * (n - p) / n, fresh=floor * (n + p) / n, floor=floor)


# ---- stacks of linear layers -------------------------------------------------------------------


def _checked_stack(layers: Sequence[tuple[Tensor, Tensor | None]]) -> list[tuple[Tensor, Tensor]]:
    """Return weights and biases that fit each other; a missing bias becomes zeros."""
    if len(layers) == 0:
        raise ValueError("layers must be at least one pair of weight and bias, got none")
    checked: list[tuple[Tensor, Tensor]] = []
    for i, layer in enumerate(layers):
        if not isinstance(layer, (tuple, list)) or len(layer) != 2:
            raise TypeError(f"layers[{i}] must be a pair (weight, bias), got {describe(layer)}")
        name, weight = f"layers[{i}][0]", require_floating(f"layers[{i}][0]", layer[0])
        n_in: str | int = checked[-1][0].shape[0] if checked else "D_in"
        require_shape(name, weight, ("D_out", n_in))
        bias = weight.new_zeros(weight.shape[0]) if layer[1] is None else layer[1]
        require_shape(f"layers[{i}][1]", bias, (weight.shape[0],))
        require_same_placement(f"layers[{i}][1]", bias, name, weight)
        if checked:
            require_same_placement(name, weight, "layers[0][0]", checked[0][0])
        checked.append((weight, bias))
    return checked


def collapse_linear_stack(layers: Sequence[tuple[Tensor, Tensor | None]]) -> tuple[Tensor, Tensor]:
    r"""Turn a stack of linear layers into the one linear layer that it is.

    .. math:: W = W_L \cdots W_2 W_1, \qquad
              b = b_L + W_L \bigl( b_{L-1} + W_{L-1} ( \cdots + W_2 \, b_1 ) \bigr)

    Parameters
    ----------
    layers : sequence of tuple
        Weight and bias of each layer, the first one first; a bias may be ``None``.

    Returns
    -------
    tuple of Tensor
        Weight and bias of one layer with the same outputs.

    Shapes
    ------
    weight of layer l : ``(D_l, D_{l-1})``
    bias of layer l : ``(D_l,)``
    return : ``(D_L, D_0)`` and ``(D_L,)``

    Raises
    ------
    TypeError
        If a layer is not a pair of floating-point tensors of one dtype.
    ValueError
        If there is no layer, the shapes do not fit, or the devices differ.

    Notes
    -----
    The rank of the product is at most the smallest width in the stack. That is the one thing that
    a linear stack can do and a free matrix does not: it limits the rank.

    Examples
    --------
    >>> first = (torch.tensor([[1.0, 2.0], [0.0, 1.0], [1.0, 0.0]]), torch.tensor([1.0, 0.0, 0.0]))
    >>> second = (torch.tensor([[1.0, 1.0, -1.0]]), None)
    >>> weight, bias = collapse_linear_stack([first, second])
    >>> weight, bias
    (tensor([[0., 3.]]), tensor([1.]))
    """
    (weight, bias), *others = _checked_stack(layers)
    for w, b in others:
        weight, bias = w @ weight, w @ bias + b  # w (weight x + bias) + b
    return weight, bias


def local_linear_map(
    point: Tensor, layers: Sequence[tuple[Tensor, Tensor | None]]
) -> tuple[Tensor, Tensor]:
    r"""Return the linear layer that a relu network is at one point, and around it.

    .. math:: W = W_L M_{L-1} W_{L-1} \cdots M_1 W_1, \qquad
              (M_l)_{hh} = \begin{cases} 1 & \text{unit } h \text{ of layer } l \text{ is on} \\
              0 & \text{else} \end{cases}

    Parameters
    ----------
    point : Tensor
        One input.
    layers : sequence of tuple
        Weight and bias of each layer, the first one first; between two of them stands a relu.

    Returns
    -------
    tuple of Tensor
        Weight and bias: the network is ``weight @ x + bias`` for every ``x`` at which the same
        units are on.

    Shapes
    ------
    point : ``(D_0,)``
    weight of layer l : ``(D_l, D_{l-1})``
    bias of layer l : ``(D_l,)``
    return : ``(D_L, D_0)`` and ``(D_L,)``

    Raises
    ------
    TypeError
        If a layer is not a pair of floating-point tensors, or the dtypes differ.
    ValueError
        If there is no layer, the shapes do not fit, or the devices differ.

    Notes
    -----
    A unit whose input is exactly 0 counts as off, as in the relu's gradient. So the weight is the
    gradient that autograd finds.

    Examples
    --------
    The sum of two relus is the absolute value. Its slope is 1 on one side and −1 on the other:

    >>> layers = [(torch.tensor([[1.0], [-1.0]]), None), (torch.tensor([[1.0, 1.0]]), None)]
    >>> [local_linear_map(torch.tensor([x]), layers)[0].item() for x in (3.0, -2.0)]
    [1.0, -1.0]
    """
    stack = _checked_stack(layers)
    x = require_shape("point", require_floating("point", point), (stack[0][0].shape[1],))
    require_same_placement("point", x, "layers[0][0]", stack[0][0])
    switched: list[tuple[Tensor, Tensor | None]] = []
    for w, b in stack[:-1]:
        before = w @ x + b
        on = before > 0
        switched.append((w * on[:, None], b * on))  # M W and M b: the rows of units that are off
        x = relu(before)
    return collapse_linear_stack([*switched, stack[-1]])


# ---- the line that a classifier draws ----------------------------------------------------------


def _plane(weight: object, bias: object, n_features: int | str = "D") -> tuple[Tensor, Tensor]:
    """Return the vector and the number of one linear score, checked."""
    w = require_shape("weight", require_floating("weight", weight), (n_features,))
    if isinstance(bias, (int, float)) and not isinstance(bias, bool):
        bias = w.new_tensor(float(bias))
    b = require_shape("bias", require_floating("bias", bias), (), (1,)).reshape(())
    require_same_placement("bias", b, "weight", w)
    require_finite("weight", w)
    if not bool((w != 0).any()):
        raise ValueError("weight must not be all zeros: then every point has the same score")
    return w, b


def signed_distance(points: Tensor, weight: Tensor, bias: Tensor | float) -> Tensor:
    r"""Return how far each point lies from a linear decision boundary, and on which side.

    .. math:: d(x) = \frac{w \cdot x + b}{\lVert w \rVert}

    Parameters
    ----------
    points : Tensor
        The points, in the last dimension.
    weight : Tensor
        :math:`w`, which stands at right angles to the boundary; not all zeros.
    bias : Tensor or float
        :math:`b`.

    Returns
    -------
    Tensor
        Distances in the unit of the points: positive on the side that ``weight`` points to.

    Shapes
    ------
    points : ``(*, D)``
    weight : ``(D,)``
    bias : ``()`` or ``(1,)``
    return : ``(*)``

    Raises
    ------
    TypeError
        If ``points`` or ``weight`` is not a floating-point tensor, or the dtypes differ.
    ValueError
        If the shapes do not fit, the devices differ, or ``weight`` is zero or not finite.

    Notes
    -----
    Multiply ``weight`` and ``bias`` by one positive number, and the boundary stays, and so does
    every distance. The score :math:`w \cdot x + b` grows with it: how sure a classifier *says* it
    is, is not how far the point is from the line.

    Examples
    --------
    >>> points = torch.tensor([[3.0, 4.0], [0.0, 0.0]])
    >>> signed_distance(points, torch.tensor([3.0, 4.0]), -5.0)
    tensor([ 4., -1.])
    >>> signed_distance(points, torch.tensor([300.0, 400.0]), -500.0)
    tensor([ 4., -1.])
    """
    x = require_floating("points", points)
    w, b = _plane(weight, bias)
    if x.dim() == 0 or x.shape[-1] != len(w):
        raise ValueError(
            f"points must have {len(w)} numbers in their last dimension, got {describe(x)}"
        )
    require_same_placement("points", x, "weight", w)
    largest = w.abs().amax()  # divided out, so that no square overflows or vanishes
    w, b = w / largest, b / largest
    distances: Tensor = linear(x, w, b) / torch.linalg.vector_norm(w)
    return distances


def margin(points: Tensor, labels: Tensor, weight: Tensor, bias: Tensor | float) -> float:
    r"""Return the distance of the sample that is closest to being misclassified.

    .. math:: \min_n \; t_n \, \frac{w \cdot x_n + b}{\lVert w \rVert}, \qquad
              t_n = \begin{cases} +1 & \text{class } 1 \\ -1 & \text{class } 0 \end{cases}

    Parameters
    ----------
    points : Tensor
        The samples.
    labels : Tensor
        Their classes, 0 or 1, in any dtype; class 1 belongs where the score is positive.
    weight : Tensor
        :math:`w`, not all zeros.
    bias : Tensor or float
        :math:`b`.

    Returns
    -------
    float
        Positive if the line separates the classes; else minus the depth of the worst mistake.

    Shapes
    ------
    points : ``(N, D)``
    labels : ``(N,)``
    weight : ``(D,)``
    bias : ``()`` or ``(1,)``

    Raises
    ------
    TypeError
        If ``points``, ``labels`` or ``weight`` is not a tensor of the right kind.
    ValueError
        If the shapes do not fit, there is no sample, a label is neither 0 nor 1, or ``weight`` is
        zero.

    Examples
    --------
    >>> points = torch.tensor([[0.0, 0.0], [2.0, 0.0], [4.0, 1.0]])
    >>> margin(points, torch.tensor([0, 1, 1]), torch.tensor([1.0, 0.0]), -0.5)
    0.5
    >>> margin(points, torch.tensor([0, 1, 1]), torch.tensor([1.0, 0.0]), -3.0)
    -1.0
    """
    require_shape("points", require_floating("points", points), ("N", "D"))
    require_shape("labels", labels, (points.shape[0],))
    if len(points) == 0:
        raise ValueError("points must hold at least 1 sample, got none")
    if not bool(((labels == 0) | (labels == 1)).all()):
        raise ValueError("labels must be 0 or 1, got others; compare with the class that is meant")
    distances = signed_distance(points, weight, bias)
    sides = torch.where(labels == 1, 1.0, -1.0).to(distances)
    return float((sides * distances).amin().item())


def boundary_segment(
    weight: Tensor,
    bias: Tensor | float,
    limits: tuple[tuple[float, float], tuple[float, float]],
) -> Tensor:
    r"""Return the two ends of the line :math:`w_1 x_1 + w_2 x_2 + b = 0` inside a rectangle.

    Parameters
    ----------
    weight : Tensor
        :math:`w`, not all zeros.
    bias : Tensor or float
        :math:`b`.
    limits : tuple of tuple of float
        ``((left, right), (bottom, top))``.

    Returns
    -------
    Tensor
        The ends, one per row, or no row where the line misses the rectangle. They are ordered so
        that the positive side lies to the right of whoever walks from the first to the second.

    Shapes
    ------
    weight : ``(2,)``
    bias : ``()`` or ``(1,)``
    return : ``(2, 2)`` or ``(0, 2)``

    Raises
    ------
    TypeError
        If ``weight`` is not a floating-point tensor.
    ValueError
        If its shape is another, it is zero or not finite, or the limits do not rise.

    Notes
    -----
    No division by :math:`w_2`: the line may be vertical.

    Examples
    --------
    >>> boundary_segment(torch.tensor([1.0, 0.0]), -0.25, ((0.0, 1.0), (0.0, 1.0)))
    tensor([[0.2500, 0.0000],
            [0.2500, 1.0000]])
    >>> boundary_segment(torch.tensor([1.0, 1.0]), -3.0, ((0.0, 1.0), (0.0, 1.0))).shape
    torch.Size([0, 2])
    """
    w, b = _plane(weight, bias, 2)
    try:
        (left, right), (bottom, top) = ((float(low), float(high)) for low, high in limits)
    except (TypeError, ValueError):
        raise ValueError(
            f"limits must be ((left, right), (bottom, top)), got {describe(limits)}"
        ) from None
    if not all(math.isfinite(low) and low < high for low, high in ((left, right), (bottom, top))):
        raise ValueError(f"limits must go from the smaller to the larger number, got {limits}")
    normal, offset = w.detach().double(), b.detach().double()
    scale = torch.linalg.vector_norm(normal)
    normal, offset = normal / scale, offset / scale
    foot = -offset * normal  # the point of the line that is closest to the origin
    along = torch.stack([-normal[1], normal[0]])  # the positive side is on its right ...
    first, last = -math.inf, math.inf
    for axis, (low, high) in enumerate(((left, right), (bottom, top))):
        start, slope = foot[axis].item(), along[axis].item()
        if slope == 0:
            if not low <= start <= high:
                return w.new_zeros(0, 2)
            continue
        crossings = sorted(((low - start) / slope, (high - start) / slope))
        first, last = max(first, crossings[0]), min(last, crossings[1])
    if first > last:
        return w.new_zeros(0, 2)
    ends: Tensor = torch.stack([foot + first * along, foot + last * along])
    return ends.to(w.dtype)
