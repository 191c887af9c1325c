r"""Layers: functions of the lower floors that keep their parameters, as modules of PyTorch.

Each takes the arguments of the layer of the same name in :mod:`torch.nn` and has the same
``state_dict``, so that weights go across in both directions.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from handbook.checks import (
    require_choice,
    require_generator,
    require_integer,
    require_integers,
)
from handbook.convolution import conv1d, conv2d, pad
from handbook.linear_models import linear

__all__ = ["Conv1d", "Conv2d", "Linear"]


class _Convolution(nn.Module):
    """What Conv1d and Conv2d share: arguments, parameters, initialisation and padding."""

    _dims: int  # 1 for signals, 2 for images
    weight: nn.Parameter
    bias: nn.Parameter | None

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, ...],
        stride: int | tuple[int, ...] = 1,
        padding: int | tuple[int, ...] | str = 0,
        dilation: int | tuple[int, ...] = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.in_channels = require_integer("in_channels", in_channels, minimum=0)
        self.out_channels = require_integer("out_channels", out_channels, minimum=1)
        self.groups = require_integer("groups", groups, minimum=1)
        for name, channels in (("in_channels", in_channels), ("out_channels", out_channels)):
            if channels % groups:
                raise ValueError(f"{name} must be divisible by groups = {groups}, got {channels}")
        self.kernel_size = require_integers("kernel_size", kernel_size, self._dims, minimum=1)
        self.stride = require_integers("stride", stride, self._dims, minimum=1)
        self.dilation = require_integers("dilation", dilation, self._dims, minimum=1)
        self.padding: str | tuple[int, ...]
        if isinstance(padding, str):
            self.padding = require_choice("padding", padding, ("valid", "same"))
            if padding == "same" and any(step != 1 for step in self.stride):
                raise ValueError(f"stride must be 1 with padding 'same', got {self.stride}")
        else:
            self.padding = require_integers("padding", padding, self._dims, minimum=0)
        self.padding_mode = require_choice(
            "padding_mode", padding_mode, ("zeros", "reflect", "replicate", "circular")
        )
        if dtype is not None and not (dtype.is_floating_point or dtype.is_complex):
            raise TypeError(f"dtype must be a floating-point or complex one, got {dtype}")
        shape = (out_channels, in_channels // groups, *self.kernel_size)
        self.weight = nn.Parameter(torch.empty(shape, device=device, dtype=dtype))
        if bias:
            self.bias = nn.Parameter(torch.empty(out_channels, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters(generator=generator)

    def reset_parameters(self, *, generator: torch.Generator | None = None) -> None:
        r"""Draw new weights and biases from :math:`U(-1/\sqrt{m}, 1/\sqrt{m})`.

        With :math:`m` weights in a kernel. PyTorch calls this Kaiming's rule with
        :math:`a = \sqrt 5`.

        Parameters
        ----------
        generator : torch.Generator, optional
            Where the numbers come from; without it, PyTorch's global generator.
        """
        if generator is not None:
            require_generator("generator", generator)
        if self.in_channels == 0:
            return  # no weights, hence no m
        bound = 1 / math.sqrt(self.weight[0].numel())
        with torch.no_grad():
            for parameter in (self.weight, self.bias):
                if parameter is not None:
                    _fill_uniform(parameter, bound, generator)

    def _padded(self, input: Tensor) -> tuple[Tensor, str | tuple[int, ...]]:
        """Pad with what ``padding_mode`` says; return what is left to pad with zeros."""
        is_input = isinstance(input, Tensor) and input.dim() in (self._dims + 1, self._dims + 2)
        if self.padding_mode == "zeros" or self.padding == "valid" or not is_input:
            return input, self.padding  # the convolution says what is wrong with other input
        margins: list[int] = []
        for i in reversed(range(self._dims)):  # pad starts at the last dimension
            if isinstance(self.padding, str):
                total = self.dilation[i] * (self.kernel_size[i] - 1)
                margins += [total // 2, total - total // 2]
            else:
                margins += [self.padding[i], self.padding[i]]
        return pad(input, tuple(margins), self.padding_mode), (0,) * self._dims

    def extra_repr(self) -> str:
        """Return the arguments that differ from their defaults, as PyTorch prints them."""
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}"
        text += f", stride={self.stride}"
        if self.padding != (0,) * self._dims:
            text += f", padding={self.padding}"
        if self.dilation != (1,) * self._dims:
            text += f", dilation={self.dilation}"
        if self.groups != 1:
            text += f", groups={self.groups}"
        if self.bias is None:
            text += ", bias=False"
        if self.padding_mode != "zeros":
            text += f", padding_mode={self.padding_mode}"
        return text


def _fill_uniform(parameter: Tensor, bound: float, generator: torch.Generator | None) -> None:
    """Fill with U(-bound, bound), drawn where the generator lives."""
    if generator is None or generator.device == parameter.device:
        parameter.uniform_(-bound, bound, generator=generator)
    elif parameter.device.type != "meta":
        draws = torch.empty_like(parameter, device=generator.device)
        parameter.copy_(draws.uniform_(-bound, bound, generator=generator))


class Conv1d(_Convolution):
    r"""Convolution of signals with learned kernels: :func:`handbook.convolution.conv1d`.

    Parameters
    ----------
    in_channels : int
        Channels of the input.
    out_channels : int
        Number of kernels, which is the number of channels of the output.
    kernel_size : int or tuple of int
        Length of each kernel.
    stride, padding, dilation, groups
        As for :func:`handbook.convolution.conv1d`.
    bias : bool, optional
        Whether each output channel has a number of its own added.
    padding_mode : str, optional
        What to pad with: ``"zeros"``, or ``"reflect"``, ``"replicate"`` or ``"circular"`` as
        explained in :func:`handbook.convolution.pad`.
    device : torch.device or str, optional
        Where the parameters live.
    dtype : torch.dtype, optional
        The parameters' dtype.
    generator : torch.Generator, optional
        Where the initial weights come from; without it, PyTorch's global generator.

    Attributes
    ----------
    weight : Tensor
        The kernels.
    bias : Tensor or None
        The numbers added.

    Shapes
    ------
    input : ``(N, in_channels, L)`` or ``(in_channels, L)``
    return : ``(N, out_channels, L_out)`` or ``(out_channels, L_out)``
    weight : ``(out_channels, in_channels / groups, kernel_size)``
    bias : ``(out_channels,)``

    Raises
    ------
    TypeError
        If an argument has the wrong type; on the call, as :func:`handbook.convolution.conv1d` does.
    ValueError
        If a number is too small, ``groups`` does not divide both numbers of channels, a word is
        unknown, or ``"same"`` meets a stride; on the call, as
        :func:`handbook.convolution.conv1d` does.

    Examples
    --------
    >>> layer = Conv1d(3, 8, kernel_size=5, stride=2, padding=2)
    >>> layer(torch.zeros(4, 3, 100)).shape
    torch.Size([4, 8, 50])

    Weights go across to PyTorch's layer and back:

    >>> twin = nn.Conv1d(3, 8, kernel_size=5, stride=2, padding=2)
    >>> twin.load_state_dict(layer.state_dict()), layer.load_state_dict(twin.state_dict())
    (<All keys matched successfully>, <All keys matched successfully>)
    """

    _dims = 1

    def forward(self, input: Tensor) -> Tensor:
        """Convolve signals ``(N, in_channels, L)`` or one signal ``(in_channels, L)``."""
        padded, padding = self._padded(input)
        return conv1d(
            padded, self.weight, self.bias, self.stride, padding, self.dilation, self.groups
        )


class Conv2d(_Convolution):
    r"""Convolution of images with learned kernels: :func:`handbook.convolution.conv2d`.

    Parameters
    ----------
    in_channels : int
        Channels of the input: 1 for grey, 3 for red, green and blue.
    out_channels : int
        Number of kernels, which is the number of channels of the output.
    kernel_size : int or tuple of int
        Size of each kernel: one number, or (height, width).
    stride, padding, dilation, groups
        As for :func:`handbook.convolution.conv2d`.
    bias : bool, optional
        Whether each output channel has a number of its own added.
    padding_mode : str, optional
        What to pad with: ``"zeros"``, or ``"reflect"``, ``"replicate"`` or ``"circular"`` as
        explained in :func:`handbook.convolution.pad`.
    device : torch.device or str, optional
        Where the parameters live.
    dtype : torch.dtype, optional
        The parameters' dtype.
    generator : torch.Generator, optional
        Where the initial weights come from; without it, PyTorch's global generator.

    Attributes
    ----------
    weight : Tensor
        The kernels.
    bias : Tensor or None
        The numbers added.

    Shapes
    ------
    input : ``(N, in_channels, H, W)`` or ``(in_channels, H, W)``
    return : ``(N, out_channels, H_out, W_out)`` or ``(out_channels, H_out, W_out)``
    weight : ``(out_channels, in_channels / groups, kernel height, kernel width)``
    bias : ``(out_channels,)``

    Raises
    ------
    TypeError
        If an argument has the wrong type; on the call, as :func:`handbook.convolution.conv2d` does.
    ValueError
        If a number is too small, ``groups`` does not divide both numbers of channels, a word is
        unknown, or ``"same"`` meets a stride; on the call, as
        :func:`handbook.convolution.conv2d` does.

    Notes
    -----
    Weights and biases start uniform in :math:`\pm 1 / \sqrt{m}` with
    :math:`m = \text{in\_channels} / \text{groups} \cdot k_H k_W` weights in a kernel, as in
    :class:`torch.nn.Conv2d`.

    Examples
    --------
    >>> layer = Conv2d(5, 10, kernel_size=3)
    >>> layer(torch.zeros(1, 5, 100, 100)).shape, layer.weight.shape
    (torch.Size([1, 10, 98, 98]), torch.Size([10, 5, 3, 3]))
    >>> layer
    Conv2d(5, 10, kernel_size=(3, 3), stride=(1, 1))

    A generator makes the start repeatable, and leaves PyTorch's own one alone:

    >>> first, second = (
    ...     Conv2d(1, 4, 3, generator=torch.Generator().manual_seed(0)) for _ in range(2)
    ... )
    >>> torch.equal(first.weight, second.weight)
    True
    """

    _dims = 2

    def forward(self, input: Tensor) -> Tensor:
        """Convolve images ``(N, in_channels, H, W)`` or one image ``(in_channels, H, W)``."""
        padded, padding = self._padded(input)
        return conv2d(
            padded, self.weight, self.bias, self.stride, padding, self.dilation, self.groups
        )


class Linear(nn.Module):
    r"""A weighted sum of the inputs for each output: :func:`handbook.linear_models.linear`.

    Parameters
    ----------
    in_features : int
        Numbers in the last dimension of the input, at least 0.
    out_features : int
        Numbers in the last dimension of the output, at least 0.
    bias : bool, optional
        Whether each output has a number of its own added.
    device : torch.device or str, optional
        Where the parameters live.
    dtype : torch.dtype, optional
        The parameters' dtype.
    generator : torch.Generator, optional
        Where the initial weights come from; without it, PyTorch's global generator.

    Attributes
    ----------
    weight : Tensor
        One row per output.
    bias : Tensor or None
        The numbers added.

    Shapes
    ------
    input : ``(*, in_features)``
    return : ``(*, out_features)``
    weight : ``(out_features, in_features)``
    bias : ``(out_features,)``

    Raises
    ------
    TypeError
        If an argument has the wrong type; on the call, as :func:`handbook.linear_models.linear`
        does.
    ValueError
        If a number is negative; on the call, as :func:`handbook.linear_models.linear` does.

    Notes
    -----
    Weights and biases start uniform in :math:`\pm 1 / \sqrt{m}` with :math:`m` inputs, as in
    :class:`torch.nn.Linear`. Without inputs the biases start at 0.

    Examples
    --------
    >>> layer = Linear(3, 2)
    >>> layer, layer(torch.zeros(4, 5, 3)).shape
    (Linear(in_features=3, out_features=2, bias=True), torch.Size([4, 5, 2]))

    Weights go across to PyTorch's layer and back:

    >>> twin = nn.Linear(3, 2)
    >>> twin.load_state_dict(layer.state_dict()), layer.load_state_dict(twin.state_dict())
    (<All keys matched successfully>, <All keys matched successfully>)
    """

    weight: nn.Parameter
    bias: nn.Parameter | None

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.in_features = require_integer("in_features", in_features, minimum=0)
        self.out_features = require_integer("out_features", out_features, minimum=0)
        if dtype is not None and not (dtype.is_floating_point or dtype.is_complex):
            raise TypeError(f"dtype must be a floating-point or complex one, got {dtype}")
        shape = (out_features, in_features)
        self.weight = nn.Parameter(torch.empty(shape, device=device, dtype=dtype))
        if bias:
            self.bias = nn.Parameter(torch.empty(out_features, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters(generator=generator)

    def reset_parameters(self, *, generator: torch.Generator | None = None) -> None:
        r"""Draw new weights and biases from :math:`U(-1/\sqrt{m}, 1/\sqrt{m})`.

        Parameters
        ----------
        generator : torch.Generator, optional
            Where the numbers come from; without it, PyTorch's global generator.
        """
        if generator is not None:
            require_generator("generator", generator)
        bound = 1 / math.sqrt(self.in_features) if self.in_features else 0.0
        with torch.no_grad():
            for parameter in (self.weight, self.bias):
                if parameter is not None and parameter.numel():
                    _fill_uniform(parameter, bound, generator)

    def forward(self, input: Tensor) -> Tensor:
        """Map ``(*, in_features)`` to ``(*, out_features)``."""
        return linear(input, self.weight, self.bias)

    def extra_repr(self) -> str:
        """Return the arguments, as PyTorch prints them."""
        has_bias = self.bias is not None
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={has_bias}"
