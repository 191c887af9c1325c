r"""Linear classifiers: one layer, its gradients by hand, and the descent that trains it.

Logistic regression has one logit for each sample, softmax regression one for each class. Both have
the same gradient: what goes out less what should have, times what came in. :func:`fit_temperature`
mends the probabilities of any classifier afterwards.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from handbook.activations import sigmoid, softmax
from handbook.checks import (
    describe,
    require_finite,
    require_floating,
    require_integer,
    require_number,
    require_same_placement,
    require_shape,
    require_tensor,
)

__all__ = [
    "LinearClassifier",
    "logistic_gradients",
    "softmax_gradients",
    "fit_logistic_regression",
    "fit_softmax_regression",
    "fit_temperature",
    "Standardization",
    "fit_standardization",
]

# Temperatures between these are found. Beyond them, probabilities in float64 are 0, 1 or equal.
_LEAST_TEMPERATURE, _LARGEST_TEMPERATURE = 1e-4, 1e6
_N_HALVINGS = 100  # of the interval, far below the spacing of float64


class LinearClassifier(NamedTuple):
    """A weight and a bias: logits that are linear in the inputs.

    Attributes
    ----------
    weight : Tensor
        One number for each feature, or one row of them for each class.
    bias : Tensor
        One number, or one for each class.

    Shapes
    ------
    weight : ``(D,)`` or ``(C, D)``
    bias : ``()`` or ``(C,)``

    Examples
    --------
    >>> model = LinearClassifier(torch.tensor([2.0, -1.0]), torch.tensor(0.5))
    >>> model.logits(torch.tensor([[1.0, 1.0], [0.0, 3.0]])).tolist()
    [1.5, -2.5]
    """

    weight: Tensor
    bias: Tensor

    def logits(self, inputs: Tensor) -> Tensor:
        """Return the logits of samples.

        Parameters
        ----------
        inputs : Tensor
            Features, in the dtype of the weight.

        Returns
        -------
        Tensor
            One logit for each sample, or one for each sample and class.

        Shapes
        ------
        inputs : ``(N, D)``
        return : ``(N,)`` or ``(N, C)``

        Raises
        ------
        TypeError
            If ``inputs`` is not a tensor of the weight's dtype.
        ValueError
            If its shape is another, or it lies on another device.

        Examples
        --------
        >>> LinearClassifier(torch.ones(3, 2), torch.zeros(3)).logits(torch.ones(4, 2)).shape
        torch.Size([4, 3])
        """
        require_shape("inputs", inputs, ("N", self.weight.shape[-1]))
        require_same_placement("inputs", inputs, "weight", self.weight)
        # (N, D) @ (D,) = (N,), or (N, D) @ (D, C) = (N, C)
        return inputs @ self.weight.movedim(0, -1) + self.bias


def _classifier_inputs(inputs: object) -> Tensor:
    x = require_floating("inputs", inputs)
    require_finite("inputs", x)
    if x.dim() != 2 or len(x) == 0:
        raise ValueError(f"inputs must have shape (N, D) with N >= 1, got {describe(x)}")
    return x


def _yes_or_no_targets(targets: object, inputs: Tensor) -> Tensor:
    """Return the targets of two classes as floating-point numbers from 0 to 1."""
    y = require_tensor("targets", targets)
    if y.is_complex() or y.shape != inputs.shape[:1]:
        raise ValueError(
            f"targets must have shape (N,) = ({len(inputs)},), got {describe(y)}; "
            "use targets.flatten()"
        )
    y = y.to(inputs)
    if not bool(((y >= 0) & (y <= 1)).all()):
        raise ValueError(
            f"targets must lie from 0 to 1, got values from {y.min().item():.4g} to "
            f"{y.max().item():.4g}"
        )
    return y


def _one_hot_targets(targets: object, inputs: Tensor, n_classes: int) -> Tensor:
    """Return the targets of several classes, one-hot, in the dtype of the inputs."""
    y = require_tensor("targets", targets)
    if y.is_floating_point() or y.is_complex():
        raise TypeError(
            f"targets must hold classes as whole numbers, got {describe(y)}; use targets.long()"
        )
    if y.shape != inputs.shape[:1]:
        raise ValueError(
            f"targets must have shape (N,) = ({len(inputs)},), got {describe(y)}; "
            "use targets.flatten()"
        )
    y = y.to(inputs.device).long()
    if int(y.min()) < 0 or int(y.max()) >= n_classes:
        outside = int(y.min()) if int(y.min()) < 0 else int(y.max())
        raise ValueError(f"targets must hold classes from 0 to {n_classes - 1}, got {outside}")
    return (y[:, None] == torch.arange(n_classes, device=y.device)).to(inputs.dtype)


def _logistic_descent_direction(
    x: Tensor, y: Tensor, weight: Tensor, bias: Tensor, pos_weight: float
) -> tuple[Tensor, Tensor]:
    p = sigmoid(x @ weight + bias)  # (N, D) @ (D,) = (N,)
    # p - y; a pos_weight q multiplies the part of the loss that holds y: p (1 - y) - q y (1 - p).
    error = (p - y if pos_weight == 1 else p * (1 - y) - pos_weight * y * (1 - p)) / len(x)
    return error @ x, error.sum()  # (N,) @ (N, D) = (D,)


def logistic_gradients(
    inputs: Tensor, targets: Tensor, weight: Tensor, bias: Tensor, *, pos_weight: float = 1.0
) -> tuple[Tensor, Tensor]:
    r"""Compute the gradients of the mean binary cross-entropy of a linear layer, by hand.

    .. math:: \frac{\partial L}{\partial w} = \frac{1}{N} X^\top e, \qquad
              \frac{\partial L}{\partial b} = \frac{1}{N} \sum_n e_n, \qquad
              e = p - y, \quad p = \sigma(X w + b)

    With ``pos_weight`` :math:`q`, :math:`e = p\,(1 - y) - q\,y\,(1 - p)`.

    Parameters
    ----------
    inputs : Tensor
        :math:`X`, finite floating-point features.
    targets : Tensor
        :math:`y`, the probability that the answer is yes: 0 or 1, of any real dtype, or between.
    weight, bias : Tensor
        :math:`w` and :math:`b`, in the dtype of ``inputs``.
    pos_weight : float, default: 1.0
        :math:`q`, above 0: how many times a sample with :math:`y = 1` counts.

    Returns
    -------
    tuple of Tensor
        The gradients with respect to ``weight`` and ``bias``.

    Shapes
    ------
    inputs : ``(N, D)``
    targets : ``(N,)``
    weight : ``(D,)``
    bias : ``()``
    return : ``(D,)`` and ``()``

    Raises
    ------
    TypeError
        If an argument is not a tensor of a fitting dtype, or ``pos_weight`` not a number.
    ValueError
        If a shape is another, there is no sample, a number is not finite, a target lies outside
        [0, 1], or ``pos_weight`` is not above 0.

    Examples
    --------
    One sample, undecided: the gradient is half the input, with the sign of the error.

    >>> x, y = torch.tensor([[2.0, -4.0]]), torch.tensor([1.0])
    >>> logistic_gradients(x, y, torch.zeros(2), torch.tensor(0.0))
    (tensor([-1.,  2.]), tensor(-0.5000))
    """
    x = _classifier_inputs(inputs)
    y = _yes_or_no_targets(targets, x)
    _check_classifier_parameters(x, weight, bias, (x.shape[1],), ())
    q = require_number("pos_weight", pos_weight, above=0.0, below=float("inf"))
    return _logistic_descent_direction(x, y, weight, bias, q)


def _check_classifier_parameters(
    x: Tensor,
    weight: Tensor,
    bias: Tensor,
    weight_shape: tuple[int, ...],
    bias_shape: tuple[int, ...],
) -> None:
    for name, tensor, shape in (("weight", weight, weight_shape), ("bias", bias, bias_shape)):
        require_shape(name, tensor, shape)
        require_same_placement(name, tensor, "inputs", x)


def _softmax_descent_direction(
    x: Tensor, one_hot: Tensor, weight: Tensor, bias: Tensor
) -> tuple[Tensor, Tensor]:
    error = (softmax(x @ weight.T + bias, dim=1) - one_hot) / len(x)  # (N, C)
    return error.T @ x, error.sum(dim=0)  # (C, N) @ (N, D) = (C, D)


def softmax_gradients(
    inputs: Tensor, targets: Tensor, weight: Tensor, bias: Tensor
) -> tuple[Tensor, Tensor]:
    r"""Compute the gradients of the mean cross-entropy of a linear layer, by hand.

    .. math:: \frac{\partial L}{\partial W} = \frac{1}{N} (P - Y)^\top X, \qquad
              \frac{\partial L}{\partial b} = \frac{1}{N} \sum_n (P - Y)_n, \qquad
              P = \mathrm{softmax}(X W^\top + b)

    with :math:`Y_{nk} = 1` where sample :math:`n` is of class :math:`k`, and 0 elsewhere.

    Parameters
    ----------
    inputs : Tensor
        :math:`X`, finite floating-point features.
    targets : Tensor
        Classes, whole numbers from 0.
    weight, bias : Tensor
        :math:`W` and :math:`b`, in the dtype of ``inputs``.

    Returns
    -------
    tuple of Tensor
        The gradients with respect to ``weight`` and ``bias``.

    Shapes
    ------
    inputs : ``(N, D)``
    targets : ``(N,)``
    weight : ``(C, D)``
    bias : ``(C,)``
    return : ``(C, D)`` and ``(C,)``

    Raises
    ------
    TypeError
        If an argument is not a tensor of a fitting dtype.
    ValueError
        If a shape is another, there is no sample, a number is not finite, or a class has no row.

    Examples
    --------
    >>> x, y = torch.tensor([[2.0, -4.0]]), torch.tensor([1])
    >>> softmax_gradients(x, y, torch.zeros(2, 2), torch.zeros(2))[0]
    tensor([[ 1., -2.],
            [-1.,  2.]])
    """
    x = _classifier_inputs(inputs)
    require_shape("weight", weight, ("C", x.shape[1]))
    one_hot = _one_hot_targets(targets, x, len(weight))
    _check_classifier_parameters(x, weight, bias, (len(weight), x.shape[1]), (len(weight),))
    return _softmax_descent_direction(x, one_hot, weight, bias)


def _descent_settings(
    learning_rate: object, n_steps: object, weight_decay: object
) -> tuple[float, int, float]:
    return (
        require_number("learning_rate", learning_rate, above=0.0, below=float("inf")),
        require_integer("n_steps", n_steps, minimum=0),
        require_number("weight_decay", weight_decay, minimum=0.0, below=float("inf")),
    )


def fit_logistic_regression(
    inputs: Tensor,
    targets: Tensor,
    *,
    learning_rate: float = 1.0,
    n_steps: int = 500,
    weight_decay: float = 0.0,
    pos_weight: float = 1.0,
    start: LinearClassifier | None = None,
) -> LinearClassifier:
    r"""Train one logit for each sample by descent on the mean binary cross-entropy.

    .. math:: w \leftarrow w - \eta \left( \frac{\partial L}{\partial w} + \lambda w \right),
              \qquad b \leftarrow b - \eta \frac{\partial L}{\partial b}

    Parameters
    ----------
    inputs : Tensor
        Finite floating-point features. Standardise them first: see :func:`fit_standardization`.
    targets : Tensor
        0 or 1, of any real dtype, or a probability.
    learning_rate : float, default: 1.0
        :math:`\eta`, above 0.
    n_steps : int, default: 500
        Steps, each over all samples; at least 0.
    weight_decay : float, default: 0.0
        :math:`\lambda`, at least 0: the loss gets :math:`\frac{\lambda}{2} |w|^2` in addition.
    pos_weight : float, default: 1.0
        How many times a sample with target 1 counts; see :func:`logistic_gradients`.
    start : LinearClassifier, optional
        Where to begin; zeros without it.

    Returns
    -------
    LinearClassifier
        The parameters after the last step, on the device and in the dtype of ``inputs``.

    Shapes
    ------
    inputs : ``(N, D)``
    targets : ``(N,)``
    weight : ``(D,)``
    bias : ``()``

    Raises
    ------
    TypeError
        If a tensor has an unfitting dtype or a setting is not a number.
    ValueError
        If a shape is another, there is no sample, or a number lies outside its range.

    Notes
    -----
    The loss is convex: there are no local minima, and zeros are as good a start as any. Where a
    line separates the classes there is no minimum either, and without ``weight_decay`` the weights
    grow for ever.

    References
    ----------
    D. R. Cox, "The regression analysis of binary sequences", Journal of the Royal Statistical
    Society B 20 (1958), doi:10.1111/j.2517-6161.1958.tb00292.x.

    Examples
    --------
    >>> x = torch.tensor([[-2.0], [-1.0], [1.0], [2.0]])
    >>> y = torch.tensor([0, 1, 0, 1])
    >>> model = fit_logistic_regression(x, y)
    >>> torch.sigmoid(model.logits(x))
    tensor([0.3017, 0.3966, 0.6034, 0.6983])
    """
    x = _classifier_inputs(inputs)
    y = _yes_or_no_targets(targets, x)
    rate, n_steps, decay = _descent_settings(learning_rate, n_steps, weight_decay)
    q = require_number("pos_weight", pos_weight, above=0.0, below=float("inf"))
    if start is None:
        start = LinearClassifier(x.new_zeros(x.shape[1]), x.new_zeros(()))
    _check_classifier_parameters(x, start.weight, start.bias, (x.shape[1],), ())
    weight, bias = start.weight.detach(), start.bias.detach()
    for _ in range(n_steps):
        weight_slope, bias_slope = _logistic_descent_direction(x, y, weight, bias, q)
        weight = weight - rate * (weight_slope + decay * weight)
        bias = bias - rate * bias_slope
    return LinearClassifier(weight, bias)


def fit_softmax_regression(
    inputs: Tensor,
    targets: Tensor,
    n_classes: int,
    *,
    learning_rate: float = 1.0,
    n_steps: int = 500,
    weight_decay: float = 0.0,
    start: LinearClassifier | None = None,
) -> LinearClassifier:
    r"""Train one logit for each class by descent on the mean cross-entropy.

    .. math:: W \leftarrow W - \eta \left( \frac{\partial L}{\partial W} + \lambda W \right),
              \qquad b \leftarrow b - \eta \frac{\partial L}{\partial b}

    Parameters
    ----------
    inputs : Tensor
        Finite floating-point features.
    targets : Tensor
        Classes, whole numbers from 0 to ``n_classes`` − 1.
    n_classes : int
        :math:`C`, at least 2. A class without a sample is allowed.
    learning_rate, n_steps, weight_decay, start
        As in :func:`fit_logistic_regression`.

    Returns
    -------
    LinearClassifier
        The parameters after the last step, on the device and in the dtype of ``inputs``.

    Shapes
    ------
    inputs : ``(N, D)``
    targets : ``(N,)``
    weight : ``(C, D)``
    bias : ``(C,)``

    Raises
    ------
    TypeError
        If a tensor has an unfitting dtype or a setting is not a number.
    ValueError
        If a shape is another, there is no sample, or a number lies outside its range.

    Notes
    -----
    Adding one vector to all rows of the weight changes no probability. Of these equal solutions
    descent from zeros keeps the one whose rows sum to zero, since every gradient does.

    Examples
    --------
    >>> x = torch.tensor([[-1.0], [0.0], [1.0]])
    >>> model = fit_softmax_regression(x, torch.tensor([0, 1, 2]), 3)
    >>> model.logits(x).argmax(dim=1).tolist()
    [0, 1, 2]
    """
    x = _classifier_inputs(inputs)
    require_integer("n_classes", n_classes, minimum=2)
    one_hot = _one_hot_targets(targets, x, n_classes)
    rate, n_steps, decay = _descent_settings(learning_rate, n_steps, weight_decay)
    if start is None:
        start = LinearClassifier(x.new_zeros(n_classes, x.shape[1]), x.new_zeros(n_classes))
    _check_classifier_parameters(x, start.weight, start.bias, (n_classes, x.shape[1]), (n_classes,))
    weight, bias = start.weight.detach(), start.bias.detach()
    for _ in range(n_steps):
        weight_slope, bias_slope = _softmax_descent_direction(x, one_hot, weight, bias)
        weight = weight - rate * (weight_slope + decay * weight)
        bias = bias - rate * bias_slope
    return LinearClassifier(weight, bias)


def fit_temperature(logits: Tensor, targets: Tensor) -> float:
    r"""Find the temperature at which the logits of held-out samples are most likely right.

    .. math:: T = \arg\min_{T > 0} \; -\frac{1}{N} \sum_n
              \log \mathrm{softmax}(z_n / T)_{y_n}

    Parameters
    ----------
    logits : Tensor
        Finite logits of samples that the classifier has not been trained on.
    targets : Tensor
        Their classes, whole numbers from 0.

    Returns
    -------
    float
        :math:`T`, dimensionless: above 1 for a classifier that is too sure, below 1 for one that
        is not sure enough.

    Shapes
    ------
    logits : ``(N, C)`` with C ≥ 2
    targets : ``(N,)``

    Raises
    ------
    TypeError
        If ``logits`` is not a floating-point tensor or ``targets`` not one of whole numbers.
    ValueError
        If a shape is another, there is no sample, a number is not finite, a class has no column, or
        there is no best temperature: the largest logit is right for every sample (any lower
        temperature is better), or the logits say less than guessing (any higher one is).

    Notes
    -----
    In :math:`\beta = 1/T` the loss is convex: its slope, the mean of
    :math:`\sum_k p_k z_k - z_y`, rises with :math:`\beta`. The place where it crosses zero is found
    by halving an interval, in float64 on the CPU.

    Dividing a row by a positive number keeps its order: no prediction changes.

    References
    ----------
    C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, "On calibration of modern neural networks", ICML
    2017, arXiv:1706.04599.

    Examples
    --------
    Right three times of four, with odds of 3 to 1, whatever the classifier claims:

    >>> logits = torch.tensor([[5.0, 0.0]] * 4)
    >>> temperature = fit_temperature(logits, torch.tensor([0, 0, 0, 1]))
    >>> torch.softmax(logits[0] / temperature, dim=0)
    tensor([0.7500, 0.2500])
    """
    z = require_finite("logits", require_floating("logits", logits)).detach().cpu().double()
    if z.dim() != 2 or len(z) == 0 or z.shape[1] < 2:
        raise ValueError(
            f"logits must have shape (N, C) with N >= 1 and C >= 2, got {describe(logits)}"
        )
    one_hot = _one_hot_targets(targets, z, z.shape[1])
    z = z - z.amax(dim=1, keepdim=True)  # no probability changes, and nothing overflows
    right = (z * one_hot).sum(dim=1)

    def slope(inverse: float) -> float:
        """Return the derivative of the loss with respect to 1 / T."""
        p = softmax(inverse * z, dim=1)
        return float(((p * z).sum(dim=1) - right).mean())

    if slope(1 / _LARGEST_TEMPERATURE) >= 0:
        raise ValueError(
            "logits must say more than guessing to have a best temperature: a higher one is always "
            "better here"
        )
    if slope(1 / _LEAST_TEMPERATURE) <= 0:
        raise ValueError(
            "targets must differ from the largest logit somewhere, got every sample right: a lower "
            "temperature is always better; use more samples"
        )
    low, high = 1 / _LARGEST_TEMPERATURE, 1 / _LEAST_TEMPERATURE
    for _ in range(_N_HALVINGS):
        middle = (low * high) ** 0.5  # halves the interval on a logarithmic scale
        low, high = (middle, high) if slope(middle) < 0 else (low, middle)
    return 1 / high


class Standardization(NamedTuple):
    """The mean and the spread of each feature of a training set, to be taken out of any set.

    Attributes
    ----------
    mean : Tensor
        The mean of each feature, in its unit.
    std : Tensor
        Its standard deviation, in its unit; 1 for a feature that does not vary.

    Shapes
    ------
    mean, std : ``(D,)``

    Examples
    --------
    >>> scale = Standardization(torch.tensor([10.0]), torch.tensor([2.0]))
    >>> scale.apply(torch.tensor([[14.0], [9.0]])).tolist()
    [[2.0], [-0.5]]
    """

    mean: Tensor
    std: Tensor

    def apply(self, inputs: Tensor) -> Tensor:
        """Subtract the mean and divide by the standard deviation, feature by feature.

        Parameters
        ----------
        inputs : Tensor
            Samples with the same features, in their units.

        Returns
        -------
        Tensor
            Dimensionless numbers.

        Shapes
        ------
        inputs : ``(N, D)``
        return : ``(N, D)``

        Raises
        ------
        TypeError
            If ``inputs`` is not a tensor of the mean's dtype.
        ValueError
            If its shape is another, or it lies on another device.

        Examples
        --------
        >>> scale = Standardization(torch.zeros(2), torch.tensor([1.0, 10.0]))
        >>> scale.apply(torch.tensor([[3.0, 30.0]])).tolist()
        [[3.0, 3.0]]
        """
        require_shape("inputs", inputs, ("N", len(self.mean)))
        require_same_placement("inputs", inputs, "mean", self.mean)
        return (inputs - self.mean) / self.std


def fit_standardization(inputs: Tensor) -> Standardization:
    r"""Measure the mean and the standard deviation of each feature.

    .. math:: \mu_d = \frac{1}{N} \sum_n x_{nd}, \qquad
              \sigma_d = \sqrt{\frac{1}{N} \sum_n (x_{nd} - \mu_d)^2}

    Parameters
    ----------
    inputs : Tensor
        Finite floating-point features of the *training* part.

    Returns
    -------
    Standardization
        Apply it to the training part and, with the same numbers, to every other part.

    Shapes
    ------
    inputs : ``(N, D)`` with N ≥ 1

    Raises
    ------
    TypeError
        If ``inputs`` is not a floating-point tensor.
    ValueError
        If its shape is another, it holds no sample, or a number is not finite.

    Notes
    -----
    The test part has no say: its mean would not be known on the day of the prediction. A feature
    that does not vary in training gets σ = 1, so that nothing is divided by 0. The sums are taken
    in float64.

    Examples
    --------
    >>> train = torch.tensor([[1.0, 500.0], [3.0, 500.0]])
    >>> scale = fit_standardization(train)
    >>> scale.apply(train).tolist()
    [[-1.0, 0.0], [1.0, 0.0]]
    """
    x = _classifier_inputs(inputs)
    wide = x.detach().cpu().double()
    mean = wide.mean(dim=0)
    varies = wide.amax(dim=0) > wide.amin(dim=0)  # rounding gives a constant a spread of its own
    std = torch.where(varies, wide.var(dim=0, correction=0).sqrt(), 1.0)
    mean = torch.where(varies, mean, wide[0])
    return Standardization(mean.to(x), std.to(x))
