r"""Normalisation: subtract a mean, divide by a standard deviation, then scale and shift again.

Batch, layer, group and instance normalisation differ in one thing only: which numbers share a mean.
For an input of shape (N, C, H, W) the mean is taken over N, H, W; over C, H, W; over a group of
channels with H, W; or over H, W alone.

All of them compute the variance in two passes, from the distances to the mean. The formula
:math:`E[x^2] - E[x]^2` needs one pass, and subtracts two numbers that are nearly equal wherever the
mean is large: see :func:`batch_norm`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from handbook.checks import describe, require_floating, require_integer, require_number

__all__ = [
    "batch_norm",
    "batch_norm_backward",
    "layer_norm",
    "group_norm",
    "instance_norm",
    "rms_norm",
]

_HALVES = (torch.float16, torch.bfloat16)


def _single(x: Tensor) -> Tensor:
    """Half precision is computed in float32 and rounded once, at the end."""
    return x.float() if x.dtype in _HALVES else x


def _centered(x: Tensor, dims: tuple[int, ...]) -> tuple[Tensor, Tensor, Tensor]:
    """Return the mean, the distances to it, and the mean of their squares (the biased variance)."""
    mean = x.mean(dims, keepdim=True)
    distances = x - mean
    # A mean of 1e4 is rounded to the nearest 0.001 in float32. What is left shows in the distances.
    rest = distances.mean(dims, keepdim=True)
    distances = distances - rest
    return mean + rest, distances, (distances * distances).mean(dims, keepdim=True)


def _scaled(y: Tensor, weight: Tensor | None, bias: Tensor | None, shape: Sequence[int]) -> Tensor:
    """Multiply by the weight and add the bias, both seen in a shape that broadcasts."""
    if weight is not None:
        y = y * _single(weight).reshape(shape)
    if bias is not None:
        y = y + _single(bias).reshape(shape)
    return y


def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    r"""Normalise each channel over the batch and over space.

    .. math:: \hat x = \frac{x - \mu_c}{\sqrt{\sigma_c^2 + \varepsilon}}, \qquad
              y = \gamma_c\,\hat x + \beta_c

    In training, :math:`\mu_c` and :math:`\sigma_c^2` are the mean and the biased variance of the
    :math:`m` numbers of channel :math:`c` in this batch, and the running statistics are moved a
    step towards them, in place, with the *unbiased* variance:

    .. math:: \bar\mu \leftarrow (1 - \alpha)\,\bar\mu + \alpha\,\mu, \qquad
              \bar\sigma^2 \leftarrow (1 - \alpha)\,\bar\sigma^2 +
              \alpha\,\frac{m}{m - 1}\,\sigma^2

    In evaluation, the running statistics take the place of those of the batch.

    Parameters
    ----------
    input : Tensor
        Any floating-point numbers, channels in dimension 1.
    running_mean, running_var : Tensor or None
        What was remembered; changed in place if ``training``. Both or neither.
    weight, bias : Tensor, optional
        The factor :math:`\gamma` and the summand :math:`\beta` of each channel.
    training : bool, default False
        Whether the statistics are those of this batch.
    momentum : float, default 0.1
        The share :math:`\alpha` of the new value, dimensionless. (In an optimiser, momentum is the
        share of the old one.)
    eps : float, default 1e-5
        What keeps a constant channel from a division by zero, in squared units of the input.

    Returns
    -------
    Tensor
        The normalised numbers, in the input's dtype.

    Shapes
    ------
    input : ``(N, C, *)``
    running_mean, running_var, weight, bias : ``(C,)``
    return : ``(N, C, *)``

    Raises
    ------
    TypeError
        If a tensor is not a floating-point one, or its dtype does not go with the input's.
    ValueError
        If the input has fewer than two dimensions, a vector does not have C numbers, only one of
        the running statistics is given, neither is given in evaluation, ``eps`` is not positive in
        training, or in training a channel has a single number: its distance to its own mean is
        always 0, whatever the input says.

    Notes
    -----
    Computed in float32 for half precision. The variance is taken from the distances to the mean:
    with :math:`E[x^2] - E[x]^2` at a mean of 1e4, both terms are near 1e8, where float32 numbers
    are 8 apart, so a variance of 1 is lost, and the difference may even be negative.

    Differences from PyTorch: a batch without numbers leaves the running statistics alone, whichever
    of its sizes is 0; half-precision inputs take parameters in their own dtype and in float32, in
    any combination; an infinite number makes the running mean of its channel NaN, where PyTorch
    makes it infinite.

    References
    ----------
    S. Ioffe, C. Szegedy, "Batch normalization: Accelerating deep network training by reducing
    internal covariate shift", ICML 2015, arXiv:1502.03167.

    Examples
    --------
    Two samples of one channel: the mean is 3, the biased variance 1, the unbiased one 2.

    >>> mean, var = torch.zeros(1), torch.ones(1)
    >>> x = torch.tensor([[2.0], [4.0]])
    >>> batch_norm(x, mean, var, training=True, momentum=0.5)
    tensor([[-1.0000], [ 1.0000]])
    >>> mean, var
    (tensor([1.5000]), tensor([1.5000]))

    In evaluation the same sample gets another value, and one sample is enough:

    >>> batch_norm(x[1:], mean, var).item()
    2.0412

    A mean of 1e4 costs nothing:

    >>> batch_norm(x + 1e4, None, None, training=True)
    tensor([[-1.0000], [ 1.0000]])

    >>> batch_norm(x[:1], mean, var, training=True)
    Traceback (most recent call last):
        ...
    ValueError: input must hold more than one number for each channel in training, got a float32
    tensor of shape (1, 1): a number alone is its own mean, and comes out as the bias whatever it
    is; use a larger batch, or training=False
    """
    x, shape = _checked_batch(input, running_mean, running_var, weight, bias, training, eps)
    dims = (0, *range(2, x.dim()))
    if training:
        _refuse_single_numbers(input, x.numel() // max(x.shape[1], 1))
        mean, distances, var = _centered(x, dims)
        if running_mean is not None and running_var is not None and x.numel():
            count = x.numel() // x.shape[1]
            _remember(running_mean, mean, momentum)
            _remember(running_var, var * (count / (count - 1)), momentum)
    else:
        distances, var = _remembered(x, running_mean, running_var, shape, "training")
    normalized = distances * torch.rsqrt(var + eps)
    return _scaled(normalized, weight, bias, shape).to(input.dtype)


def _remembered(
    x: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    shape: tuple[int, ...],
    switch: str,
) -> tuple[Tensor, Tensor]:
    """Return the distances to the running mean, and the running variance."""
    if running_mean is None or running_var is None:
        raise ValueError(
            f"running_mean and running_var must be given without {switch}; use {switch}=True "
            f"for the statistics of the input"
        )
    return x - _single(running_mean).reshape(shape), _single(running_var).reshape(shape)


def _remember(running: Tensor, new: Tensor, momentum: float) -> None:
    with torch.no_grad():
        running.mul_(1 - momentum).add_(momentum * new.detach().reshape(-1).to(running.dtype))


def batch_norm_backward(
    grad_output: Tensor,
    input: Tensor,
    weight: Tensor | None = None,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    training: bool = True,
    eps: float = 1e-5,
) -> tuple[Tensor, Tensor, Tensor]:
    r"""Return the gradients of :func:`batch_norm`, derived by hand.

    With :math:`g = \partial L / \partial y` and all sums over the :math:`m` numbers of a channel:

    .. math::
        \frac{\partial L}{\partial \beta} = \sum_i g_i, \qquad
        \frac{\partial L}{\partial \gamma} = \sum_i g_i\,\hat x_i, \qquad
        \frac{\partial L}{\partial x_i} = \frac{\gamma}{\sqrt{\sigma^2 + \varepsilon}}
        \Bigl( g_i - \frac{1}{m} \sum_j g_j - \hat x_i\,\frac{1}{m} \sum_j g_j\,\hat x_j \Bigr)

    In evaluation the statistics are constants, and the two means drop out of the bracket.

    Parameters
    ----------
    grad_output : Tensor
        The gradient of the loss with respect to the output.
    input : Tensor
        What went in.
    weight : Tensor, optional
        The factor :math:`\gamma`; 1 without it.
    running_mean, running_var : Tensor, optional
        Needed in evaluation; unused in training.
    training : bool, default True
        Whether the statistics were those of this batch.
    eps : float, default 1e-5
        As it was in the forward pass.

    Returns
    -------
    tuple of Tensor
        The gradients with respect to input, weight and bias.

    Shapes
    ------
    grad_output, input : ``(N, C, *)``
    weight, running_mean, running_var : ``(C,)``
    return : ``(N, C, *)``, ``(C,)``, ``(C,)``

    Raises
    ------
    TypeError, ValueError
        As :func:`batch_norm` does, and if ``grad_output`` has another shape than the input.

    Examples
    --------
    The gradient of each channel has no mean and no part along the normalised input:

    >>> x = torch.tensor([[0.0], [1.0], [5.0]])
    >>> grad, _, grad_bias = batch_norm_backward(torch.tensor([[1.0], [0.0], [0.0]]), x)
    >>> abs(grad.sum().item()) < 1e-6, grad_bias
    (True, tensor([1.]))

    A gradient that is the same for all samples moves only the bias:

    >>> batch_norm_backward(torch.ones(3, 1), x)[0].abs().max().item() < 1e-6
    True
    """
    x, shape = _checked_batch(input, running_mean, running_var, weight, None, training, eps)
    g = _single(require_floating("grad_output", grad_output))
    if g.shape != x.shape:
        raise ValueError(
            f"grad_output must have the input's shape {tuple(x.shape)}, got {describe(grad_output)}"
        )
    dims = (0, *range(2, x.dim()))
    if training:
        _refuse_single_numbers(input, x.numel() // max(x.shape[1], 1))
        _, distances, var = _centered(x, dims)
    else:
        distances, var = _remembered(x, running_mean, running_var, shape, "training")
    scale = torch.rsqrt(var + eps)
    normalized = distances * scale
    grad_bias, grad_weight = g.sum(dims), (g * normalized).sum(dims)
    if training:
        # Moving one input moves the mean and the variance that all are measured by. Both effects
        # are sums over the channel, the same that are the gradients of bias and weight.
        count = max(x.numel() // max(x.shape[1], 1), 1)
        g = g - grad_bias.reshape(shape) / count - normalized * grad_weight.reshape(shape) / count
    grad_input = _scaled(g * scale, weight, None, shape)
    return tuple(grad.to(input.dtype) for grad in (grad_input, grad_weight, grad_bias))  # type: ignore[return-value]


def layer_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    r"""Normalise each sample over its last dimensions, by itself.

    .. math:: y = \gamma\,\frac{x - \mu}{\sqrt{\sigma^2 + \varepsilon}} + \beta

    with the mean and the biased variance over the dimensions ``normalized_shape``. Nothing depends
    on the other samples, so there are no running statistics, and training and evaluation agree.

    Parameters
    ----------
    input : Tensor
        Any floating-point numbers.
    normalized_shape : tuple of int
        The last sizes of the input: those over which the mean is taken.
    weight, bias : Tensor, optional
        A factor and a summand for each *number* of a sample, not for each channel.
    eps : float, default 1e-5
        What keeps a constant sample from a division by zero.

    Returns
    -------
    Tensor
        The normalised numbers, in the input's dtype.

    Shapes
    ------
    input : ``(*, normalized_shape)``
    weight, bias : ``normalized_shape``
    return : ``(*, normalized_shape)``

    Raises
    ------
    TypeError
        If a tensor is not a floating-point one, its dtype does not go with the input's, or
        ``normalized_shape`` is no tuple of ``int``.
    ValueError
        If the last sizes of the input, or the weight's or bias's, are not ``normalized_shape``.

    References
    ----------
    J. L. Ba, J. R. Kiros, G. E. Hinton, "Layer normalization", 2016, arXiv:1607.06450.

    Examples
    --------
    >>> layer_norm(torch.tensor([[2.0, 4.0], [20.0, 40.0]]), (2,))
    tensor([[-1.0000,  1.0000],
            [-1.0000,  1.0000]])

    A sample of one number alone is its own mean:

    >>> layer_norm(torch.tensor([[7.0]]), (1,))
    tensor([[0.]])
    """
    x = _single(require_floating("input", input))
    sizes = _checked_sizes(input, normalized_shape)
    for name, value in (("weight", weight), ("bias", bias)):
        _check_parameter(name, value, input, sizes, "normalized_shape")
    require_number("eps", eps)
    _, distances, var = _centered(x, tuple(range(x.dim() - len(sizes), x.dim())))
    return _scaled(distances * torch.rsqrt(var + eps), weight, bias, sizes).to(input.dtype)


def rms_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    eps: float | None = None,
) -> Tensor:
    r"""Divide each sample by its root mean square: a layer normalisation that leaves the mean in.

    .. math:: y = \gamma\,\frac{x}{\sqrt{\tfrac1d \sum_i x_i^2 + \varepsilon}}

    Parameters
    ----------
    input : Tensor
        Any floating-point numbers.
    normalized_shape : tuple of int
        The last sizes of the input, of :math:`d` numbers.
    weight : Tensor, optional
        A factor for each number of a sample.
    eps : float, optional
        What keeps a sample of zeros from a division by zero; without it, the rounding unit of the
        dtype that is computed in (float32 for half precision).

    Returns
    -------
    Tensor
        The numbers, in the input's dtype.

    Shapes
    ------
    input : ``(*, normalized_shape)``
    weight : ``normalized_shape``
    return : ``(*, normalized_shape)``

    Raises
    ------
    TypeError, ValueError
        As :func:`layer_norm` does.

    References
    ----------
    B. Zhang, R. Sennrich, "Root mean square layer normalization", NeurIPS 2019, arXiv:1910.07467.

    Examples
    --------
    >>> rms_norm(torch.tensor([3.0, 4.0]), (2,)).tolist()  # divided by sqrt(12.5)
    [0.8485..., 1.1313...]
    """
    x = _single(require_floating("input", input))
    sizes = _checked_sizes(input, normalized_shape)
    _check_parameter("weight", weight, input, sizes, "normalized_shape")
    eps = torch.finfo(x.dtype).eps if eps is None else require_number("eps", eps)
    dims = tuple(range(x.dim() - len(sizes), x.dim()))
    scale = torch.rsqrt((x * x).mean(dims, keepdim=True) + eps)
    return _scaled(x * scale, weight, None, sizes).to(input.dtype)


def group_norm(
    input: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    r"""Normalise each group of channels of each sample over its channels and over space.

    One group is a layer normalisation of a whole image; a group for each channel is an instance
    normalisation. Weight and bias belong to channels in both cases.

    Parameters
    ----------
    input : Tensor
        Any floating-point numbers, channels in dimension 1.
    num_groups : int
        How many groups the channels are divided into, neighbours together.
    weight, bias : Tensor, optional
        A factor and a summand for each channel.
    eps : float, default 1e-5
        What keeps a constant group from a division by zero.

    Returns
    -------
    Tensor
        The normalised numbers, in the input's dtype.

    Shapes
    ------
    input : ``(N, C, *)``
    weight, bias : ``(C,)``
    return : ``(N, C, *)``

    Raises
    ------
    TypeError
        If a tensor is not a floating-point one, its dtype does not go with the input's, or
        ``num_groups`` is not an ``int``.
    ValueError
        If the input has fewer than two dimensions, ``num_groups`` does not divide C, a vector does
        not have C numbers, or the batch is a single sample with one number in each group.

    References
    ----------
    Y. Wu, K. He, "Group normalization", ECCV 2018, arXiv:1803.08494.

    Examples
    --------
    >>> x = torch.tensor([[2.0, 4.0, 20.0, 40.0]])  # one sample, four channels, no space
    >>> group_norm(x, 2)
    tensor([[-1.0000,  1.0000, -1.0000,  1.0000]])
    >>> group_norm(x, 3)
    Traceback (most recent call last):
        ...
    ValueError: num_groups must divide the 4 channels of input, got 3
    """
    x = _single(require_floating("input", input))
    _require_channels(input)
    channels = x.shape[1]
    require_integer("num_groups", num_groups, minimum=1)
    if channels % num_groups:
        raise ValueError(
            f"num_groups must divide the {channels} channels of input, got {num_groups}"
        )
    for name, value in (("weight", weight), ("bias", bias)):
        _check_parameter(name, value, input, (channels,), "(C,)")
    require_number("eps", eps)
    per_group = channels // num_groups * math.prod(x.shape[2:])
    if len(x) * per_group == 1:
        raise ValueError(
            f"input must hold more than one number for each group, got {describe(input)} with "
            f"num_groups = {num_groups}: a number alone is its own mean; use fewer groups"
        )
    grouped = x.reshape(len(x), num_groups, channels // num_groups, *x.shape[2:])
    _, distances, var = _centered(grouped, tuple(range(2, grouped.dim())))
    normalized = (distances * torch.rsqrt(var + eps)).reshape(x.shape)
    shape = (1, channels, *(1,) * (x.dim() - 2))
    return _scaled(normalized, weight, bias, shape).to(input.dtype)


def instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    r"""Normalise each channel of each sample over space.

    Parameters
    ----------
    input : Tensor
        Any floating-point numbers, channels in dimension 1.
    running_mean, running_var : Tensor, optional
        What was remembered. Changed in place if ``use_input_stats``: each moves a step towards the
        average, over the samples, of the mean and of the unbiased variance.
    weight, bias : Tensor, optional
        A factor and a summand for each channel.
    use_input_stats : bool, default True
        Whether the statistics are those of the input; else the running ones.
    momentum : float, default 0.1
        The share of the new value, as in :func:`batch_norm`.
    eps : float, default 1e-5
        What keeps a constant channel from a division by zero.

    Returns
    -------
    Tensor
        The normalised numbers, in the input's dtype.

    Shapes
    ------
    input : ``(N, C, *)``
    running_mean, running_var, weight, bias : ``(C,)``
    return : ``(N, C, *)``

    Raises
    ------
    TypeError
        If a tensor is not a floating-point one, or its dtype does not go with the input's.
    ValueError
        If the input has fewer than two dimensions, a vector does not have C numbers, only one of
        the running statistics is given, neither is given without ``use_input_stats``, or with it a
        channel has a single number in space.

    References
    ----------
    D. Ulyanov, A. Vedaldi, V. Lempitsky, "Instance normalization: The missing ingredient for fast
    stylization", 2016, arXiv:1607.08022.

    Examples
    --------
    Contrast and brightness of each image go:

    >>> x = torch.tensor([[[1.0, 2.0, 3.0]], [[100.0, 300.0, 500.0]]])  # (N, C, L) = (2, 1, 3)
    >>> instance_norm(x)[:, 0]
    tensor([[-1.2247,  0.0000,  1.2247],
            [-1.2247,  0.0000,  1.2247]])
    """
    x, shape = _checked_batch(
        input, running_mean, running_var, weight, bias, use_input_stats, eps, instance=True
    )
    if use_input_stats:
        count = math.prod(x.shape[2:])
        if count == 1:
            raise ValueError(
                f"input must hold more than one number in space for each channel, got "
                f"{describe(input)}: a number alone is its own mean"
            )
        mean, distances, var = _centered(x, tuple(range(2, x.dim())))
        if running_mean is not None and running_var is not None and x.numel():
            _remember(running_mean, mean.mean(0), momentum)
            _remember(running_var, var.mean(0) * (count / (count - 1)), momentum)
    else:
        distances, var = _remembered(x, running_mean, running_var, shape, "use_input_stats")
    return _scaled(distances * torch.rsqrt(var + eps), weight, bias, shape).to(input.dtype)


# ---- guards ------------------------------------------------------------------------------------


def _require_channels(input: Tensor) -> None:
    if input.dim() < 2:
        raise ValueError(f"input must have shape (N, C, *), got {describe(input)}")


def _checked_batch(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None,
    bias: Tensor | None,
    training: bool,
    eps: float,
    *,
    instance: bool = False,
) -> tuple[Tensor, tuple[int, ...]]:
    """Return the input to compute with, and the shape in which a vector of C meets it."""
    x = _single(require_floating("input", input))
    _require_channels(input)
    channels = x.shape[1]
    if (running_mean is None) != (running_var is None):
        raise ValueError(
            "running_mean and running_var must come together, got only one of them; "
            "give both or neither"
        )
    vectors = {
        "running_mean": running_mean, "running_var": running_var, "weight": weight, "bias": bias,
    }  # fmt: skip
    for name, value in vectors.items():
        _check_parameter(name, value, input, (channels,), "(C,)")
    require_number("eps", eps)
    if training and not instance and not eps > 0:
        raise ValueError(f"eps must be above 0 in training, got {eps}")
    return x, (1, channels, *(1,) * (x.dim() - 2))


def _check_parameter(
    name: str, value: Tensor | None, input: Tensor, shape: tuple[int, ...], letters: str
) -> None:
    if value is None:
        return
    require_floating(name, value)
    if tuple(value.shape) != shape:
        raise ValueError(f"{name} must have shape {letters} = {shape}, got {describe(value)}")
    goes_with = (input.dtype, torch.float32) if input.dtype in _HALVES else (input.dtype,)
    if value.dtype not in goes_with:
        wanted = str(input.dtype).removeprefix("torch.")
        raise TypeError(
            f"{name} must have input's dtype {wanted}, got {describe(value)}; "
            f"use {name}.to(input.dtype)"
        )
    if value.device != input.device:
        raise ValueError(
            f"{name} must be on input's device {input.device}, got {value.device}; "
            f"use {name}.to(input.device)"
        )


def _refuse_single_numbers(input: Tensor, count: int) -> None:
    if count == 1:
        raise ValueError(
            f"input must hold more than one number for each channel in training, got "
            f"{describe(input)}: a number alone is its own mean, and comes out as the bias "
            f"whatever it is; use a larger batch, or training=False"
        )


def _checked_sizes(input: Tensor, normalized_shape: Sequence[int]) -> tuple[int, ...]:
    if not isinstance(normalized_shape, (tuple, list)):
        hint = f"; use ({normalized_shape},)" if isinstance(normalized_shape, int) else ""
        raise TypeError(
            f"normalized_shape must be a tuple of ints, got {describe(normalized_shape)}{hint}"
        )
    sizes = tuple(
        require_integer(f"normalized_shape[{i}]", size, minimum=0)
        for i, size in enumerate(normalized_shape)
    )
    if not sizes:
        raise ValueError("normalized_shape must name at least one size, got ()")
    if tuple(input.shape[-len(sizes) :]) != sizes:
        raise ValueError(
            f"input must end with the sizes normalized_shape = {sizes}, got {describe(input)}"
        )
    return sizes
