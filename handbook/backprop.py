r"""Forward and backward passes written by hand, on plain tensors.

Each forward function computes a value. Its partner, the backward function, takes the gradient of
the loss with respect to that value and returns the gradients with respect to what went in. Chained
from the last operation to the first, the backward functions are backpropagation. None of them uses
autograd; all of them agree with it, and with :func:`finite_differences`.

A gradient always has the shape of what it belongs to: :math:`\partial L / \partial W` has the
shape of :math:`W`. A batch has shape :math:`(N, D)`: sample, feature.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from handbook.activations import log_softmax, relu, sigmoid, softmax, tanh
from handbook.checks import (
    describe,
    require_choice,
    require_finite,
    require_floating,
    require_number,
    require_same_placement,
    require_shape,
    require_tensor,
)

__all__ = [
    "linear_forward",
    "LinearGradients",
    "linear_backward",
    "relu_backward",
    "sigmoid_backward",
    "tanh_backward",
    "squared_error_forward",
    "squared_error_backward",
    "cross_entropy_forward",
    "cross_entropy_backward",
    "TwoLayerParameters",
    "TwoLayerValues",
    "TwoLayerGradients",
    "two_layer_forward",
    "two_layer_backward",
    "finite_differences",
]

_LOSS_REDUCTIONS = ("mean", "sum")


# ---- the linear layer --------------------------------------------------------------------------


def linear_forward(input: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    r"""Apply a linear layer to each sample of a batch.

    .. math:: Y = X W^\top + b, \qquad y_{no} = \sum_{i} w_{oi} \, x_{ni} + b_o

    Parameters
    ----------
    input : Tensor
        The batch :math:`X`, one sample per row.
    weight : Tensor
        The matrix :math:`W`, one row per output, as :class:`torch.nn.Linear` holds it.
    bias : Tensor
        The vector :math:`b`, added to each row.

    Returns
    -------
    Tensor
        The outputs :math:`Y`, one sample per row.

    Shapes
    ------
    input : (N, D_in)
    weight : (D_out, D_in)
    bias : (D_out,)
    return : (N, D_out)

    Raises
    ------
    TypeError
        If an argument is not a floating-point tensor, or their dtypes differ.
    ValueError
        If the shapes do not fit, or the devices differ.

    Notes
    -----
    One sample is a batch of one: ``input[None]`` has shape (1, D_in). An empty batch, (0, D_in),
    gives an empty result, (0, D_out).

    Examples
    --------
    >>> weight = torch.tensor([[1.0, 0.0, 2.0], [0.0, -1.0, 1.0]])
    >>> bias = torch.tensor([0.5, 0.0])
    >>> linear_forward(torch.tensor([[1.0, 2.0, 3.0]]), weight, bias)
    tensor([[7.5000, 1.0000]])
    >>> linear_forward(torch.zeros(0, 3), weight, bias).shape
    torch.Size([0, 2])
    >>> linear_forward(torch.tensor([1.0, 2.0, 3.0]), weight, bias)
    Traceback (most recent call last):
        ...
    ValueError: input must have shape (N, D_in), got a float32 tensor of shape (3,)
    """
    x = require_shape("input", require_floating("input", input), ("N", "D_in"))
    w = _like_the_input("weight", weight, x, ("D_out", x.shape[1]))
    b = _like_the_input("bias", bias, x, (w.shape[0],))
    return x @ w.T + b


class LinearGradients(NamedTuple):
    r"""The gradients of a linear layer, each of the shape of what it belongs to.

    Parameters
    ----------
    input : Tensor
        :math:`\partial L / \partial X`, shape (N, D_in).
    weight : Tensor
        :math:`\partial L / \partial W`, shape (D_out, D_in).
    bias : Tensor
        :math:`\partial L / \partial b`, shape (D_out,).

    Examples
    --------
    >>> gradients = linear_backward(torch.ones(4, 2), torch.ones(4, 3), torch.ones(2, 3))
    >>> [tuple(gradient.shape) for gradient in gradients]
    [(4, 3), (2, 3), (2,)]
    """

    input: Tensor
    weight: Tensor
    bias: Tensor


def linear_backward(gradient: Tensor, input: Tensor, weight: Tensor) -> LinearGradients:
    r"""Carry a gradient back through :func:`linear_forward`.

    With :math:`G = \partial L / \partial Y`,

    .. math:: \frac{\partial L}{\partial X} = G W, \qquad
              \frac{\partial L}{\partial W} = G^\top X = \sum_{n=1}^{N} g_n x_n^\top, \qquad
              \frac{\partial L}{\partial b} = \sum_{n=1}^{N} g_n .

    Parameters
    ----------
    gradient : Tensor
        :math:`G`, the gradient of the loss with respect to the layer's output.
    input : Tensor
        The batch that went forward.
    weight : Tensor
        The weight that it met. The bias is not needed: it drops out of every derivative.

    Returns
    -------
    LinearGradients
        The gradients with respect to input, weight and bias.

    Shapes
    ------
    gradient : (N, D_out)
    input : (N, D_in)
    weight : (D_out, D_in)
    return : (N, D_in), (D_out, D_in) and (D_out,)

    Raises
    ------
    TypeError
        If an argument is not a floating-point tensor, or their dtypes differ.
    ValueError
        If the shapes do not fit, or the devices differ.

    Notes
    -----
    The batch is summed over, not averaged: a mean belongs to the loss, which has divided
    ``gradient`` by N already. The gradients of an empty batch are sums of nothing, so those of
    weight and bias are zero.

    Examples
    --------
    >>> x = torch.tensor([[1.0, 2.0, 3.0], [0.0, 1.0, 0.0]])
    >>> g = torch.tensor([[1.0, 0.0], [2.0, -1.0]])
    >>> linear_backward(g, x, torch.eye(2, 3)).weight
    tensor([[ 1.,  4.,  3.],
            [ 0., -1.,  0.]])
    >>> torch.outer(g[0], x[0]) + torch.outer(g[1], x[1])
    tensor([[ 1.,  4.,  3.],
            [ 0., -1.,  0.]])
    >>> linear_backward(g[:0], x[:0], torch.eye(2, 3)).bias
    tensor([0., 0.])
    """
    x = require_shape("input", require_floating("input", input), ("N", "D_in"))
    w = _like_the_input("weight", weight, x, ("D_out", x.shape[1]))
    g = _like_the_input("gradient", gradient, x, (x.shape[0], w.shape[0]))
    return LinearGradients(
        input=g @ w,  # (N, D_out) (D_out, D_in)
        weight=g.T @ x,  # (D_out, N) (N, D_in): the product sums over the batch
        bias=g.sum(0),  # every sample got the same bias
    )


# ---- activations -------------------------------------------------------------------------------


def relu_backward(gradient: Tensor, output: Tensor) -> Tensor:
    r"""Carry a gradient back through :func:`handbook.activations.relu`.

    .. math:: \frac{\partial L}{\partial x} =
              \begin{cases} g & y > 0 \\ 0 & y = 0 \end{cases}
              \qquad \text{with } y = \mathrm{relu}(x), \; g = \partial L / \partial y

    Parameters
    ----------
    gradient : Tensor
        The gradient of the loss with respect to the output.
    output : Tensor
        What the forward pass returned.

    Returns
    -------
    Tensor
        The gradient with respect to the input.

    Shapes
    ------
    gradient : (*)
    output : (*)
    return : (*)

    Raises
    ------
    TypeError
        If an argument is not a floating-point tensor, or their dtypes differ.
    ValueError
        If their shapes or devices differ.

    Notes
    -----
    Where the output is zero nothing passes, not even an infinite gradient, as in PyTorch.

    Examples
    --------
    >>> output = relu(torch.tensor([-2.0, 0.0, 3.0]))
    >>> relu_backward(torch.tensor([5.0, 5.0, 5.0]), output)
    tensor([0., 0., 5.])
    """
    g, y = _gradient_and_output(gradient, output)
    return g.masked_fill(y <= 0, 0)


def sigmoid_backward(gradient: Tensor, output: Tensor) -> Tensor:
    r"""Carry a gradient back through :func:`handbook.activations.sigmoid`.

    .. math:: \frac{\partial L}{\partial x} = g \, y \, (1 - y)
              \qquad \text{with } y = \sigma(x), \; g = \partial L / \partial y

    Parameters
    ----------
    gradient : Tensor
        The gradient of the loss with respect to the output.
    output : Tensor
        What the forward pass returned.

    Returns
    -------
    Tensor
        The gradient with respect to the input.

    Shapes
    ------
    gradient : (*)
    output : (*)
    return : (*)

    Raises
    ------
    TypeError
        If an argument is not a floating-point tensor, or their dtypes differ.
    ValueError
        If their shapes or devices differ.

    Notes
    -----
    The output is all that must be kept from the forward pass. The price is paid far to the right:
    in float32 the output is 1 from 17 on, and the slope that is read off it 0.

    Examples
    --------
    >>> output = sigmoid(torch.tensor([0.0, 20.0]))
    >>> sigmoid_backward(torch.tensor([8.0, 8.0]), output)
    tensor([2., 0.])
    """
    g, y = _gradient_and_output(gradient, output)
    return g * ((1 - y) * y)


def tanh_backward(gradient: Tensor, output: Tensor) -> Tensor:
    r"""Carry a gradient back through :func:`handbook.activations.tanh`.

    .. math:: \frac{\partial L}{\partial x} = g \, (1 - y^2)
              \qquad \text{with } y = \tanh x, \; g = \partial L / \partial y

    Parameters
    ----------
    gradient : Tensor
        The gradient of the loss with respect to the output.
    output : Tensor
        What the forward pass returned.

    Returns
    -------
    Tensor
        The gradient with respect to the input.

    Shapes
    ------
    gradient : (*)
    output : (*)
    return : (*)

    Raises
    ------
    TypeError
        If an argument is not a floating-point tensor, or their dtypes differ.
    ValueError
        If their shapes or devices differ.

    Examples
    --------
    >>> tanh_backward(torch.tensor([4.0, 4.0]), torch.tensor([0.0, 0.5]))
    tensor([4., 3.])
    """
    g, y = _gradient_and_output(gradient, output)
    return g * (1 - y * y)


# ---- losses ------------------------------------------------------------------------------------


def squared_error_forward(input: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    r"""Compute the squared error of predictions.

    .. math:: L = \frac{1}{ND} \sum_{n=1}^{N} \sum_{d=1}^{D} (y_{nd} - t_{nd})^2

    Parameters
    ----------
    input : Tensor
        The predictions :math:`y`.
    target : Tensor
        What they should be, :math:`t`.
    reduction : str, optional
        ``"mean"``, over all elements as in :func:`torch.nn.functional.mse_loss`, or ``"sum"``.

    Returns
    -------
    Tensor
        The loss.

    Shapes
    ------
    input : (*)
    target : (*)
    return : ()

    Raises
    ------
    TypeError
        If an argument is not a floating-point tensor, or their dtypes differ.
    ValueError
        If the shapes or devices differ, ``reduction`` is neither word, or a mean is asked of an
        empty batch.

    Examples
    --------
    >>> y, t = torch.tensor([[1.0], [4.0]]), torch.tensor([[1.0], [2.0]])
    >>> squared_error_forward(y, t).item(), squared_error_forward(y, t, reduction="sum").item()
    (2.0, 4.0)
    >>> squared_error_forward(y, t.squeeze(1))
    Traceback (most recent call last):
        ...
    ValueError: target must have shape (2, 1), got a float32 tensor of shape (2,)
    """
    y, t, n_terms = _squared_error_arguments(input, target, reduction)
    return ((y - t) ** 2).sum() / n_terms


def squared_error_backward(input: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    r"""Compute the gradient of :func:`squared_error_forward` with respect to the predictions.

    .. math:: \frac{\partial L}{\partial y_{nd}} = \frac{2}{ND} \, (y_{nd} - t_{nd})

    Parameters
    ----------
    input : Tensor
        The predictions :math:`y`.
    target : Tensor
        What they should be, :math:`t`.
    reduction : str, optional
        ``"mean"`` or ``"sum"``, the one that went forward. For the sum, the divisor is 1.

    Returns
    -------
    Tensor
        The gradient.

    Shapes
    ------
    input : (*)
    target : (*)
    return : (*)

    Raises
    ------
    TypeError
        If an argument is not a floating-point tensor, or their dtypes differ.
    ValueError
        If the shapes or devices differ, ``reduction`` is neither word, or a mean is asked of an
        empty batch.

    Examples
    --------
    >>> y, t = torch.tensor([[1.0], [4.0]]), torch.tensor([[1.0], [2.0]])
    >>> squared_error_backward(y, t).tolist()
    [[0.0], [2.0]]
    >>> squared_error_backward(y, t, reduction="sum").tolist()
    [[0.0], [4.0]]
    """
    y, t, n_terms = _squared_error_arguments(input, target, reduction)
    return 2 * (y - t) / n_terms


def cross_entropy_forward(input: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    r"""Compute the cross-entropy of logits, by the softmax of each row.

    .. math:: L = -\frac{1}{N} \sum_{n=1}^{N} \log p_{n t_n}, \qquad
              p_{nc} = \frac{e^{z_{nc}}}{\sum_k e^{z_{nk}}}

    Parameters
    ----------
    input : Tensor
        The logits :math:`z`, one sample per row.
    target : Tensor
        The class :math:`t_n` of each sample, as int64.
    reduction : str, optional
        ``"mean"``, over the samples as in :func:`torch.nn.functional.cross_entropy`, or ``"sum"``.

    Returns
    -------
    Tensor
        The loss.

    Shapes
    ------
    input : (N, C)
    target : (N,)
    return : ()

    Raises
    ------
    TypeError
        If ``input`` is not a floating-point tensor or ``target`` does not hold int64.
    ValueError
        If the shapes do not fit, the devices differ, a class lies outside 0 … C − 1,
        ``reduction`` is neither word, or a mean is asked of an empty batch.

    Examples
    --------
    >>> z = torch.tensor([[0.0, 0.0], [100.0, 0.0]])
    >>> cross_entropy_forward(z[:1], torch.tensor([0])).item()  # log 2
    0.6931...
    >>> cross_entropy_forward(z[1:], torch.tensor([1])).item()
    100.0
    >>> cross_entropy_forward(z, torch.tensor([0, 2]))
    Traceback (most recent call last):
        ...
    ValueError: target must hold classes from 0 to 1, got 2 at index 1
    """
    z, t, n_terms = _cross_entropy_arguments(input, target, reduction)
    return -log_softmax(z, dim=1).gather(1, t[:, None]).sum() / n_terms


def cross_entropy_backward(input: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    r"""Compute the gradient of :func:`cross_entropy_forward` with respect to the logits.

    .. math:: \frac{\partial L}{\partial z_{nc}} = \frac{1}{N} \, (p_{nc} - \delta_{c t_n}),
              \qquad p_n = \mathrm{softmax}(z_n)

    Parameters
    ----------
    input : Tensor
        The logits :math:`z`, one sample per row.
    target : Tensor
        The class :math:`t_n` of each sample, as int64.
    reduction : str, optional
        ``"mean"`` or ``"sum"``, the one that went forward. For the sum, the divisor is 1.

    Returns
    -------
    Tensor
        The gradient: what the model says less what is true. Each row sums to zero.

    Shapes
    ------
    input : (N, C)
    target : (N,)
    return : (N, C)

    Raises
    ------
    TypeError
        If ``input`` is not a floating-point tensor or ``target`` does not hold int64.
    ValueError
        If the shapes do not fit, the devices differ, a class lies outside 0 … C − 1,
        ``reduction`` is neither word, or a mean is asked of an empty batch.

    Examples
    --------
    >>> cross_entropy_backward(torch.zeros(1, 4), torch.tensor([2]))
    tensor([[ 0.2500,  0.2500, -0.7500,  0.2500]])
    >>> cross_entropy_backward(torch.tensor([[100.0, 0.0]]), torch.tensor([1]))
    tensor([[ 1., -1.]])
    """
    z, t, n_terms = _cross_entropy_arguments(input, target, reduction)
    p = softmax(z, dim=1)
    true = torch.zeros_like(p).scatter(1, t[:, None], 1)  # one 1 in each row
    return (p - true) / n_terms


# ---- a network ---------------------------------------------------------------------------------


class TwoLayerParameters(NamedTuple):
    r"""The parameters of a network with one hidden layer, or their gradients.

    Parameters
    ----------
    hidden_weight : Tensor
        :math:`W_1`, shape (H, D).
    hidden_bias : Tensor
        :math:`b_1`, shape (H,).
    output_weight : Tensor
        :math:`W_2`, shape (C, H).
    output_bias : Tensor
        :math:`b_2`, shape (C,).

    Examples
    --------
    One step of gradient descent:

    >>> parameters = TwoLayerParameters(*(torch.ones(s) for s in ((3, 2), (3,), (1, 3), (1,))))
    >>> values = two_layer_forward(torch.ones(5, 2), parameters, activation="relu")
    >>> g = squared_error_backward(values.output, torch.zeros(5, 1))
    >>> gradients = two_layer_backward(g, values, parameters, activation="relu")
    >>> pairs = zip(parameters, gradients.parameters, strict=True)
    >>> parameters = TwoLayerParameters(*(p - 0.01 * g for p, g in pairs))
    >>> parameters.output_bias
    tensor([0.8000])
    """

    hidden_weight: Tensor
    hidden_bias: Tensor
    output_weight: Tensor
    output_bias: Tensor


class TwoLayerValues(NamedTuple):
    r"""What a forward pass leaves behind: all that the backward pass needs.

    Parameters
    ----------
    input : Tensor
        :math:`X`, shape (N, D).
    hidden : Tensor
        :math:`A = f(X W_1^\top + b_1)`, after the activation, shape (N, H).
    output : Tensor
        :math:`Y = A W_2^\top + b_2`, shape (N, C).

    Examples
    --------
    >>> parameters = TwoLayerParameters(*(torch.ones(s) for s in ((3, 2), (3,), (1, 3), (1,))))
    >>> values = two_layer_forward(torch.ones(5, 2), parameters, activation="relu")
    >>> [tuple(value.shape) for value in values]
    [(5, 2), (5, 3), (5, 1)]
    """

    input: Tensor
    hidden: Tensor
    output: Tensor


class TwoLayerGradients(NamedTuple):
    r"""The gradients that a backward pass returns.

    Parameters
    ----------
    input : Tensor
        :math:`\partial L / \partial X`, shape (N, D).
    parameters : TwoLayerParameters
        The gradients of the four parameters, each of its parameter's shape.

    Examples
    --------
    >>> parameters = TwoLayerParameters(*(torch.ones(s) for s in ((3, 2), (3,), (1, 3), (1,))))
    >>> values = two_layer_forward(torch.ones(5, 2), parameters, activation="relu")
    >>> gradients = two_layer_backward(torch.ones(5, 1), values, parameters, activation="relu")
    >>> gradients.parameters.output_weight
    tensor([[15., 15., 15.]])
    """

    input: Tensor
    parameters: TwoLayerParameters


def two_layer_forward(
    input: Tensor, parameters: TwoLayerParameters, *, activation: str = "tanh"
) -> TwoLayerValues:
    r"""Run a batch through a network with one hidden layer.

    .. math:: A = f(X W_1^\top + b_1), \qquad Y = A W_2^\top + b_2

    Parameters
    ----------
    input : Tensor
        The batch :math:`X`.
    parameters : TwoLayerParameters
        Weights and biases.
    activation : str, optional
        The function :math:`f`: ``"tanh"``, ``"sigmoid"`` or ``"relu"``.

    Returns
    -------
    TwoLayerValues
        The output, and what the backward pass needs.

    Shapes
    ------
    input : (N, D)
    return : (N, D), (N, H) and (N, C)

    Raises
    ------
    TypeError
        If something is not a floating-point tensor, or the dtypes differ.
    ValueError
        If the shapes do not fit, the devices differ, or ``activation`` is none of the three.

    Notes
    -----
    The values hold the input itself and not a copy. Change none of them in place before the
    backward pass: it would read the changed numbers, and nothing would warn you.

    Examples
    --------
    >>> parameters = TwoLayerParameters(
    ...     torch.tensor([[1.0], [-1.0]]),
    ...     torch.zeros(2),
    ...     torch.ones(1, 2),
    ...     torch.zeros(1),
    ... )
    >>> x = torch.tensor([[-2.0], [3.0]])
    >>> two_layer_forward(x, parameters, activation="relu").output  # |x|
    tensor([[2.],
            [3.]])
    """
    activate, _ = _ACTIVATION_PAIRS[
        require_choice("activation", activation, tuple(_ACTIVATION_PAIRS))
    ]
    p = _two_layer_parameters(input, parameters)
    hidden = activate(linear_forward(input, p.hidden_weight, p.hidden_bias))
    return TwoLayerValues(input, hidden, linear_forward(hidden, p.output_weight, p.output_bias))


def two_layer_backward(
    gradient: Tensor,
    values: TwoLayerValues,
    parameters: TwoLayerParameters,
    *,
    activation: str = "tanh",
) -> TwoLayerGradients:
    r"""Carry a gradient back through :func:`two_layer_forward`, last operation first.

    Parameters
    ----------
    gradient : Tensor
        The gradient of the loss with respect to the output.
    values : TwoLayerValues
        What the forward pass returned.
    parameters : TwoLayerParameters
        The parameters that it used.
    activation : str, optional
        The activation that it used: ``"tanh"``, ``"sigmoid"`` or ``"relu"``.

    Returns
    -------
    TwoLayerGradients
        The gradients with respect to the input and to the four parameters.

    Shapes
    ------
    gradient : (N, C)
    return : (N, D), and the shapes of the parameters

    Raises
    ------
    TypeError
        If something is not a floating-point tensor, or the dtypes differ.
    ValueError
        If the shapes do not fit, the devices differ, or ``activation`` is none of the three.

    References
    ----------
    Rumelhart, Hinton and Williams (1986), "Learning representations by back-propagating errors",
    https://doi.org/10.1038/323533a0

    Examples
    --------
    Through \|x\| the gradient comes back with the sign of x:

    >>> parameters = TwoLayerParameters(
    ...     torch.tensor([[1.0], [-1.0]]),
    ...     torch.zeros(2),
    ...     torch.ones(1, 2),
    ...     torch.zeros(1),
    ... )
    >>> values = two_layer_forward(torch.tensor([[-2.0], [3.0]]), parameters, activation="relu")
    >>> gradients = two_layer_backward(torch.ones(2, 1), values, parameters, activation="relu")
    >>> gradients.input
    tensor([[-1.],
            [ 1.]])
    """
    _, activation_backward = _ACTIVATION_PAIRS[
        require_choice("activation", activation, tuple(_ACTIVATION_PAIRS))
    ]
    if not isinstance(values, TwoLayerValues):
        raise TypeError(f"values must be what two_layer_forward returned, got {describe(values)}")
    p = _two_layer_parameters(values.input, parameters)
    output = linear_backward(gradient, values.hidden, p.output_weight)
    before = activation_backward(output.input, values.hidden)
    hidden = linear_backward(before, values.input, p.hidden_weight)
    return TwoLayerGradients(
        hidden.input,
        TwoLayerParameters(hidden.weight, hidden.bias, output.weight, output.bias),
    )


# ---- the check ---------------------------------------------------------------------------------


def finite_differences(
    function: Callable[[Tensor], Tensor], tensor: Tensor, *, step: float | None = None
) -> Tensor:
    r"""Estimate the gradient of a function from its values alone, by central differences.

    .. math:: \frac{\partial f}{\partial x_i} \approx \frac{f(x + h e_i) - f(x - h e_i)}{2h}

    Parameters
    ----------
    function : callable
        Takes a tensor like ``tensor`` and returns a tensor with one element.
    tensor : Tensor
        The point at which to differentiate.
    step : float, optional
        The step :math:`h`, the same for all elements. Without it, each element gets
        :math:`\varepsilon^{1/3} \max(1, |x_i|)`, where :math:`\varepsilon` is the machine epsilon
        of the dtype: 6.1e-6 in float64 and 4.9e-3 in float32 for elements up to 1.

    Returns
    -------
    Tensor
        The estimate of :math:`\partial f / \partial x`, in the dtype of ``tensor``.

    Shapes
    ------
    tensor : (*)
    return : (*)

    Raises
    ------
    TypeError
        If ``function`` cannot be called, it or ``tensor`` gives no floating-point tensor, or
        ``step`` is not a number.
    ValueError
        If ``tensor`` holds NaN or infinity, ``function`` returns more than one element, or
        ``step`` is not positive and finite, or so small that adding it changes nothing.

    Notes
    -----
    Two errors pull the step in opposite directions. Taylor's formula leaves out
    :math:`\frac{h^2}{6} f'''`, which asks for a small step. Each value of :math:`f` is rounded by
    about :math:`\frac{\varepsilon}{2} |f|`, which becomes :math:`\varepsilon |f| / (2h)` in the
    quotient and asks for a large one. Their sum is least at
    :math:`h = (3 \varepsilon |f| / (2 |f'''|))^{1/3}`, and is then of the order
    :math:`\varepsilon^{2/3}`: about 10 digits in float64, but only 4 to 5 in float32. Check
    gradients in float64.

    The function is called twice for each element, on a fresh copy each time. It must give the
    same value for the same tensor: seed its random numbers inside. At a kink, such as that of relu
    at 0, the result is the mean of both slopes. For an empty tensor it is empty.

    References
    ----------
    Nocedal and Wright (2006), *Numerical Optimization*, section 8.1, the central-difference
    formula and its step, https://doi.org/10.1007/978-0-387-40065-5

    Examples
    --------
    >>> x = torch.tensor([[1.0, 2.0], [3.0, 4.0]], dtype=torch.float64)
    >>> finite_differences(lambda x: (x**3).sum(), x)  # 3 x^2
    tensor([[ 3.0000, 12.0000],
            [27.0000, 48.0000]], dtype=torch.float64)
    >>> finite_differences(relu, torch.tensor(0.0)).item()  # both slopes of the kink
    0.5
    >>> finite_differences(torch.exp, torch.tensor(1.0), step=1e-9)
    Traceback (most recent call last):
        ...
    ValueError: step must change every element, but 1 ± 1e-09 is 1 in float32; use a larger step
    """
    if not callable(function):
        raise TypeError(f"function must be callable, got {describe(function)}")
    x = require_finite("tensor", require_floating("tensor", tensor)).detach()
    if step is None:
        steps = torch.finfo(x.dtype).eps ** (1 / 3) * x.abs().clamp(min=1)
    else:
        h = require_number("step", step, above=0.0, maximum=torch.finfo(x.dtype).max)
        steps = torch.full_like(x, h)
    gradient = torch.zeros(x.shape, dtype=x.dtype, device=x.device)
    for index in itertools.product(*map(range, x.shape)):
        ahead, behind = x.clone(), x.clone()
        ahead[index] += steps[index]
        behind[index] -= steps[index]
        # x + h is rounded to a number that the dtype has. Divide by the distance really walked.
        distance = ahead[index] - behind[index]
        if distance == 0:
            dtype = str(x.dtype).removeprefix("torch.")
            raise ValueError(
                f"step must change every element, but {x[index].item():.6g} ± {step:.6g} is "
                f"{x[index].item():.6g} in {dtype}; use a larger step"
            )
        gradient[index] = (_one_number(function(ahead)) - _one_number(function(behind))) / distance
    return gradient


# ---- what several of them need -----------------------------------------------------------------


def _like_the_input(name: str, value: object, x: Tensor, shape: tuple[str | int, ...]) -> Tensor:
    """Return a tensor of the wanted shape in the dtype and on the device of the input."""
    tensor = require_floating(name, value)
    require_same_placement(name, tensor, "input", x)
    return require_shape(name, tensor, shape)


def _gradient_and_output(gradient: object, output: object) -> tuple[Tensor, Tensor]:
    y = require_floating("output", output)
    g = require_floating("gradient", gradient)
    require_same_placement("gradient", g, "output", y)
    return require_shape("gradient", g, tuple(y.shape)), y


def _require_terms(reduction: object, n_terms: int) -> int:
    """Return what the sum of the terms is divided by."""
    if require_choice("reduction", reduction, _LOSS_REDUCTIONS) == "sum":
        return 1
    if n_terms == 0:
        raise ValueError(
            "input must hold at least one number for a mean, got none; "
            'use reduction="sum" or skip the batch'
        )
    return n_terms


def _squared_error_arguments(
    input: object, target: object, reduction: object
) -> tuple[Tensor, Tensor, int]:
    y = require_floating("input", input)
    # A target of shape (N,) would be broadcast against (N, 1) to (N, N), without an error.
    t = _like_the_input("target", target, y, tuple(y.shape))
    return y, t, _require_terms(reduction, y.numel())


def _cross_entropy_arguments(
    input: object, target: object, reduction: object
) -> tuple[Tensor, Tensor, int]:
    z = require_shape("input", require_floating("input", input), ("N", "C"))
    t = require_tensor("target", target)
    if t.dtype != torch.int64:
        raise TypeError(f"target must hold int64 classes, got {describe(t)}; use target.long()")
    require_shape("target", t, (z.shape[0],))
    require_same_placement("target", t.to(z.dtype), "input", z)
    outside = (t < 0) | (t >= z.shape[1])
    if bool(outside.any()):
        first = int(outside.nonzero()[0, 0])
        raise ValueError(
            f"target must hold classes from 0 to {z.shape[1] - 1}, "
            f"got {int(t[first])} at index {first}"
        )
    return z, t, _require_terms(reduction, z.shape[0])


def _two_layer_parameters(input: object, parameters: object) -> TwoLayerParameters:
    """Check the shapes of all four against each other, so that a message names the right one."""
    if not isinstance(parameters, TwoLayerParameters):
        raise TypeError(f"parameters must be TwoLayerParameters, got {describe(parameters)}")
    x = require_shape("input", require_floating("input", input), ("N", "D"))
    p = parameters
    _like_the_input("hidden_weight", p.hidden_weight, x, ("H", x.shape[1]))
    hidden_size = p.hidden_weight.shape[0]
    _like_the_input("hidden_bias", p.hidden_bias, x, (hidden_size,))
    _like_the_input("output_weight", p.output_weight, x, ("C", hidden_size))
    _like_the_input("output_bias", p.output_bias, x, (p.output_weight.shape[0],))
    return p


def _one_number(value: object) -> Tensor:
    number = require_floating("function(tensor)", value).detach()
    if number.numel() != 1:
        raise ValueError(
            f"function(tensor) must have one element, got {describe(number)}; reduce it by .sum()"
        )
    return number.reshape(())


_ACTIVATION_PAIRS: dict[
    str, tuple[Callable[[Tensor], Tensor], Callable[[Tensor, Tensor], Tensor]]
] = {
    "tanh": (tanh, tanh_backward),
    "sigmoid": (sigmoid, sigmoid_backward),
    "relu": (relu, relu_backward),
}
