r"""Layers: functions of the lower floors that keep their parameters, as modules of PyTorch.

Each takes the arguments of the layer of the same name in :mod:`torch.nn` and has the same
``state_dict``, so that weights go across in both directions.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from handbook.checks import (
    describe,
    require_choice,
    require_floating,
    require_generator,
    require_integer,
    require_integers,
    require_number,
)
from handbook.convolution import conv1d, conv2d, pad
from handbook.linear_models import linear
from handbook.normalization import batch_norm, group_norm, instance_norm, layer_norm
from handbook.pooling import (
    adaptive_avg_pool2d,
    adaptive_max_pool2d,
    avg_pool1d,
    avg_pool2d,
    max_pool1d,
    max_pool2d,
    max_unpool2d,
)
from handbook.regularization import dropout, dropout1d, dropout2d
from handbook.unfolding import conv_transpose2d, fold, transposed_output_size, unfold

__all__ = [
    "Linear",
    "Conv1d",
    "Conv2d",
    "BatchNorm1d",
    "BatchNorm2d",
    "InstanceNorm1d",
    "InstanceNorm2d",
    "LayerNorm",
    "GroupNorm",
    "ConvTranspose2d",
    "Unfold",
    "Fold",
    "MaxPool1d",
    "MaxPool2d",
    "AvgPool1d",
    "AvgPool2d",
    "AdaptiveAvgPool2d",
    "AdaptiveMaxPool2d",
    "MaxUnpool2d",
    "Dropout",
    "Dropout1d",
    "Dropout2d",
]


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


class ConvTranspose2d(nn.Module):
    r"""Transposed convolution with learned kernels: :func:`handbook.unfolding.conv_transpose2d`.

    Parameters
    ----------
    in_channels : int
        Channels of the input.
    out_channels : int
        Channels of the output.
    kernel_size : int or tuple of int
        Size of what each number paints: one number, or (height, width).
    stride, padding, output_padding, groups, dilation
        As for :func:`handbook.unfolding.conv_transpose2d`.
    bias : bool, optional
        Whether each output channel has a number of its own added.
    padding_mode : str, optional
        ``"zeros"`` only, as in PyTorch.
    device : torch.device or str, optional
        Where the parameters live.
    dtype : torch.dtype, optional
        The parameters' dtype.
    generator : torch.Generator, optional
        Where the initial weights come from; without it, PyTorch's global generator.

    Attributes
    ----------
    weight : Tensor
        The kernels, input channels first.
    bias : Tensor or None
        The numbers added.

    Shapes
    ------
    input : ``(N, in_channels, H, W)`` or ``(in_channels, H, W)``
    return : ``(N, out_channels, H_out, W_out)`` or ``(out_channels, H_out, W_out)``
    weight : ``(in_channels, out_channels / groups, kernel height, kernel width)``
    bias : ``(out_channels,)``

    Raises
    ------
    TypeError
        If an argument has the wrong type; on the call, as
        :func:`handbook.unfolding.conv_transpose2d` does.
    ValueError
        If a number is too small, ``groups`` does not divide both numbers of channels, or
        ``padding_mode`` is another; on the call, as :func:`handbook.unfolding.conv_transpose2d`
        does, or if ``output_size`` cannot be reached.

    Notes
    -----
    Weights and biases start uniform in :math:`\pm 1 / \sqrt{m}` with
    :math:`m = \text{out\_channels} / \text{groups} \cdot k_H k_W`, as in
    :class:`torch.nn.ConvTranspose2d`.

    Examples
    --------
    >>> layer = ConvTranspose2d(8, 3, kernel_size=4, stride=2, padding=1)
    >>> layer(torch.zeros(1, 8, 16, 16)).shape, layer.weight.shape
    (torch.Size([1, 3, 32, 32]), torch.Size([8, 3, 4, 4]))

    A convolution with stride 2 makes 4 rows of 7 as well as of 8. Say which:

    >>> layer = ConvTranspose2d(1, 1, kernel_size=3, stride=2, padding=1)
    >>> image = torch.zeros(1, 1, 4, 4)
    >>> layer(image).shape[-1], layer(image, output_size=(8, 8)).shape[-1]
    (7, 8)
    """

    weight: nn.Parameter
    bias: nn.Parameter | None

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, ...],
        stride: int | tuple[int, ...] = 1,
        padding: int | tuple[int, ...] = 0,
        output_padding: int | tuple[int, ...] = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: int | tuple[int, ...] = 1,
        padding_mode: str = "zeros",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.in_channels = require_integer("in_channels", in_channels, minimum=1)
        self.out_channels = require_integer("out_channels", out_channels, minimum=1)
        self.groups = require_integer("groups", groups, minimum=1)
        for name, channels in (("in_channels", in_channels), ("out_channels", out_channels)):
            if channels % groups:
                raise ValueError(f"{name} must be divisible by groups = {groups}, got {channels}")
        self.kernel_size = require_integers("kernel_size", kernel_size, 2, minimum=1)
        self.stride = require_integers("stride", stride, 2, minimum=1)
        self.padding = require_integers("padding", padding, 2, minimum=0)
        self.output_padding = require_integers("output_padding", output_padding, 2, minimum=0)
        self.dilation = require_integers("dilation", dilation, 2, minimum=1)
        self.padding_mode = require_choice("padding_mode", padding_mode, ("zeros",))
        if dtype is not None and not (dtype.is_floating_point or dtype.is_complex):
            raise TypeError(f"dtype must be a floating-point or complex one, got {dtype}")
        shape = (in_channels, out_channels // groups, *self.kernel_size)
        self.weight = nn.Parameter(torch.empty(shape, device=device, dtype=dtype))
        if bias:
            self.bias = nn.Parameter(torch.empty(out_channels, device=device, dtype=dtype))
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
        bound = 1 / math.sqrt(self.weight[0].numel())
        with torch.no_grad():
            for parameter in (self.weight, self.bias):
                if parameter is not None:
                    _fill_uniform(parameter, bound, generator)

    def forward(self, input: Tensor, output_size: Any = None) -> Tensor:
        """Enlarge images ``(N, in_channels, H, W)`` or one image ``(in_channels, H, W)``."""
        more = self.output_padding
        if output_size is not None and isinstance(input, Tensor) and input.dim() in (3, 4):
            more = self._more_for(input, tuple(output_size))
        return conv_transpose2d(
            input, self.weight, self.bias, self.stride, self.padding, more, self.groups,
            self.dilation,
        )  # fmt: skip

    def _more_for(self, input: Tensor, output_size: tuple[int, ...]) -> tuple[int, ...]:
        """Return the output_padding that reaches a size."""
        if len(output_size) not in (2, input.dim()):
            raise ValueError(
                f"output_size must be (height, width) or a shape of {input.dim()} numbers, "
                f"got {output_size}"
            )
        more = []
        for i in range(2):
            n, wanted = input.shape[i - 2], output_size[i - 2]
            least = transposed_output_size(
                n, self.kernel_size[i], self.stride[i], self.padding[i], 0, self.dilation[i]
            )
            most = least + self.stride[i] - 1
            if not least <= wanted <= most:
                raise ValueError(
                    f"output_size must lie between {least} and {most} in dimension {i - 2}, "
                    f"got {wanted}"
                )
            more.append(wanted - least)
        return tuple(more)

    def extra_repr(self) -> str:
        """Return the arguments that differ from their defaults, as PyTorch prints them."""
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}"
        text += f", stride={self.stride}"
        for name, usual in (("padding", 0), ("dilation", 1), ("output_padding", 0)):
            if getattr(self, name) != (usual,) * 2:
                text += f", {name}={getattr(self, name)}"
        if self.groups != 1:
            text += f", groups={self.groups}"
        return text if self.bias is not None else f"{text}, bias=False"


class _Windows(nn.Module):
    """A layer without parameters: it keeps its arguments and prints them as PyTorch does."""

    _printed: tuple[str, ...]

    def extra_repr(self) -> str:
        """Return the arguments, as PyTorch prints them."""
        return ", ".join(f"{name}={getattr(self, name)}" for name in self._printed)


class Unfold(_Windows):
    """Take every window out of an image, as a column: :func:`handbook.unfolding.unfold`.

    Parameters
    ----------
    kernel_size, dilation, padding, stride
        As for :func:`handbook.unfolding.unfold`.

    Shapes
    ------
    input : ``(N, C, H, W)`` or ``(C, H, W)``
    return : ``(N, C · k_H · k_W, L)`` or ``(C · k_H · k_W, L)``

    Raises
    ------
    TypeError
        On the call, as :func:`handbook.unfolding.unfold` does.
    ValueError
        Likewise.

    Examples
    --------
    >>> Unfold(3, padding=1)(torch.zeros(2, 4, 5, 6)).shape
    torch.Size([2, 36, 30])
    """

    _printed = ("kernel_size", "dilation", "padding", "stride")

    def __init__(
        self,
        kernel_size: int | tuple[int, ...],
        dilation: int | tuple[int, ...] = 1,
        padding: int | tuple[int, ...] = 0,
        stride: int | tuple[int, ...] = 1,
    ) -> None:
        super().__init__()
        self.kernel_size, self.dilation = kernel_size, dilation
        self.padding, self.stride = padding, stride

    def forward(self, input: Tensor) -> Tensor:
        """Take the windows out."""
        return unfold(input, self.kernel_size, self.dilation, self.padding, self.stride)


class Fold(_Windows):
    """Put windows back into an image and add them up: :func:`handbook.unfolding.fold`.

    Parameters
    ----------
    output_size, kernel_size, dilation, padding, stride
        As for :func:`handbook.unfolding.fold`.

    Shapes
    ------
    input : ``(N, C · k_H · k_W, L)`` or ``(C · k_H · k_W, L)``
    return : ``(N, C, *output_size)`` or ``(C, *output_size)``

    Raises
    ------
    TypeError
        On the call, as :func:`handbook.unfolding.fold` does.
    ValueError
        Likewise.

    Examples
    --------
    >>> Fold((5, 6), 3, padding=1)(torch.zeros(2, 36, 30)).shape
    torch.Size([2, 4, 5, 6])
    """

    _printed = ("output_size", "kernel_size", "dilation", "padding", "stride")

    def __init__(
        self,
        output_size: int | tuple[int, ...],
        kernel_size: int | tuple[int, ...],
        dilation: int | tuple[int, ...] = 1,
        padding: int | tuple[int, ...] = 0,
        stride: int | tuple[int, ...] = 1,
    ) -> None:
        super().__init__()
        self.output_size, self.kernel_size = output_size, kernel_size
        self.dilation, self.padding, self.stride = dilation, padding, stride

    def forward(self, input: Tensor) -> Tensor:
        """Add the windows up."""
        return fold(
            input, self.output_size, self.kernel_size, self.dilation, self.padding, self.stride
        )


class _MaxPool(_Windows):
    """What MaxPool1d and MaxPool2d share."""

    _printed = ("kernel_size", "stride", "padding", "dilation", "ceil_mode")

    def __init__(
        self,
        kernel_size: int | tuple[int, ...],
        stride: int | tuple[int, ...] | None = None,
        padding: int | tuple[int, ...] = 0,
        dilation: int | tuple[int, ...] = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.kernel_size, self.padding, self.dilation = kernel_size, padding, dilation
        self.stride = kernel_size if stride is None else stride
        self.return_indices, self.ceil_mode = return_indices, ceil_mode


class MaxPool1d(_MaxPool):
    """Keep the largest number of every window: :func:`handbook.pooling.max_pool1d`.

    Parameters
    ----------
    kernel_size, stride, padding, dilation, return_indices, ceil_mode
        As for :func:`handbook.pooling.max_pool1d`. Mind the order of the last two: it is that of
        :class:`torch.nn.MaxPool1d`, and differs from the function's.

    Shapes
    ------
    input : ``(N, C, L)`` or ``(C, L)``
    return : ``(N, C, L_out)`` or ``(C, L_out)``; twice, with ``return_indices``

    Raises
    ------
    TypeError
        On the call, as :func:`handbook.pooling.max_pool1d` does.
    ValueError
        Likewise.

    Examples
    --------
    >>> MaxPool1d(2)(torch.tensor([[1.0, 3.0, 2.0, 0.0]]))
    tensor([[3., 2.]])
    """

    def forward(self, input: Tensor) -> Any:
        """Pool signals."""
        return max_pool1d(
            input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode,
            self.return_indices,
        )  # fmt: skip


class MaxPool2d(_MaxPool):
    """Keep the largest number of every window: :func:`handbook.pooling.max_pool2d`.

    Parameters
    ----------
    kernel_size, stride, padding, dilation, return_indices, ceil_mode
        As for :func:`handbook.pooling.max_pool2d`. Mind the order of the last two: it is that of
        :class:`torch.nn.MaxPool2d`, and differs from the function's.

    Shapes
    ------
    input : ``(N, C, H, W)`` or ``(C, H, W)``
    return : ``(N, C, H_out, W_out)`` or ``(C, H_out, W_out)``; twice, with ``return_indices``

    Raises
    ------
    TypeError
        On the call, as :func:`handbook.pooling.max_pool2d` does.
    ValueError
        Likewise.

    Examples
    --------
    >>> layer = MaxPool2d(2)
    >>> layer
    MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)
    >>> layer(torch.zeros(1, 16, 10, 10)).shape
    torch.Size([1, 16, 5, 5])
    """

    def forward(self, input: Tensor) -> Any:
        """Pool images."""
        return max_pool2d(
            input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode,
            self.return_indices,
        )  # fmt: skip


class AvgPool1d(_Windows):
    """Take the mean of every window: :func:`handbook.pooling.avg_pool1d`.

    Parameters
    ----------
    kernel_size, stride, padding, ceil_mode, count_include_pad
        As for :func:`handbook.pooling.avg_pool1d`.

    Shapes
    ------
    input : ``(N, C, L)`` or ``(C, L)``
    return : ``(N, C, L_out)`` or ``(C, L_out)``

    Raises
    ------
    TypeError
        If a size is not an ``int``; on the call, as :func:`handbook.pooling.avg_pool1d` does.
    ValueError
        If a size is too small; on the call, as :func:`handbook.pooling.avg_pool1d` does.

    Examples
    --------
    >>> AvgPool1d(2)(torch.tensor([[1.0, 3.0, 2.0, 0.0]]))
    tensor([[2., 1.]])
    """

    _printed = ("kernel_size", "stride", "padding")

    def __init__(
        self,
        kernel_size: int | tuple[int, ...],
        stride: int | tuple[int, ...] | None = None,
        padding: int | tuple[int, ...] = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__()
        self.kernel_size = require_integers("kernel_size", kernel_size, 1, minimum=1)
        step = self.kernel_size if stride is None else stride
        self.stride = require_integers("stride", step, 1, minimum=1)
        self.padding = require_integers("padding", padding, 1, minimum=0)
        self.ceil_mode, self.count_include_pad = ceil_mode, count_include_pad

    def forward(self, input: Tensor) -> Tensor:
        """Pool signals."""
        return avg_pool1d(
            input, self.kernel_size, self.stride, self.padding, self.ceil_mode,
            self.count_include_pad,
        )  # fmt: skip


class AvgPool2d(_Windows):
    """Take the mean of every window: :func:`handbook.pooling.avg_pool2d`.

    Parameters
    ----------
    kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
        As for :func:`handbook.pooling.avg_pool2d`.

    Shapes
    ------
    input : ``(N, C, H, W)`` or ``(C, H, W)``
    return : ``(N, C, H_out, W_out)`` or ``(C, H_out, W_out)``

    Raises
    ------
    TypeError
        On the call, as :func:`handbook.pooling.avg_pool2d` does.
    ValueError
        Likewise.

    Examples
    --------
    >>> AvgPool2d(2)(torch.tensor([[[1.0, 3.0], [2.0, 0.0]]]))
    tensor([[[1.5000]]])
    """

    _printed = ("kernel_size", "stride", "padding")

    def __init__(
        self,
        kernel_size: int | tuple[int, ...],
        stride: int | tuple[int, ...] | None = None,
        padding: int | tuple[int, ...] = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__()
        self.kernel_size, self.padding = kernel_size, padding
        self.stride = kernel_size if stride is None else stride
        self.ceil_mode, self.count_include_pad = ceil_mode, count_include_pad
        self.divisor_override = divisor_override

    def forward(self, input: Tensor) -> Tensor:
        """Pool images."""
        return avg_pool2d(
            input, self.kernel_size, self.stride, self.padding, self.ceil_mode,
            self.count_include_pad, self.divisor_override,
        )  # fmt: skip


class AdaptiveAvgPool2d(_Windows):
    """Take means over a fixed number of windows: :func:`handbook.pooling.adaptive_avg_pool2d`.

    Parameters
    ----------
    output_size : int or tuple of int or None
        As for :func:`handbook.pooling.adaptive_avg_pool2d`.

    Shapes
    ------
    input : ``(N, C, H, W)`` or ``(C, H, W)``
    return : ``(N, C, *output_size)`` or ``(C, *output_size)``

    Raises
    ------
    TypeError
        On the call, as :func:`handbook.pooling.adaptive_avg_pool2d` does.
    ValueError
        Likewise.

    Examples
    --------
    One number for each channel, whatever the size of the image:

    >>> [AdaptiveAvgPool2d(1)(torch.zeros(2, 5, n, n)).shape[1:] for n in (7, 10)]
    [torch.Size([5, 1, 1]), torch.Size([5, 1, 1])]
    """

    _printed = ("output_size",)

    def __init__(self, output_size: int | tuple[int | None, ...] | None) -> None:
        super().__init__()
        self.output_size = output_size

    def forward(self, input: Tensor) -> Tensor:
        """Pool images."""
        return adaptive_avg_pool2d(input, self.output_size)


class AdaptiveMaxPool2d(_Windows):
    """Keep the maxima of a fixed number of windows: :func:`handbook.pooling.adaptive_max_pool2d`.

    Parameters
    ----------
    output_size, return_indices
        As for :func:`handbook.pooling.adaptive_max_pool2d`.

    Shapes
    ------
    input : ``(N, C, H, W)`` or ``(C, H, W)``
    return : ``(N, C, *output_size)`` or ``(C, *output_size)``; twice, with ``return_indices``

    Raises
    ------
    TypeError
        On the call, as :func:`handbook.pooling.adaptive_max_pool2d` does.
    ValueError
        Likewise.

    Examples
    --------
    >>> AdaptiveMaxPool2d(1)(torch.tensor([[[1.0, 3.0], [2.0, 0.0]]]))
    tensor([[[3.]]])
    """

    _printed = ("output_size",)

    def __init__(
        self, output_size: int | tuple[int | None, ...] | None, return_indices: bool = False
    ) -> None:
        super().__init__()
        self.output_size, self.return_indices = output_size, return_indices

    def forward(self, input: Tensor) -> Any:
        """Pool images."""
        return adaptive_max_pool2d(input, self.output_size, self.return_indices)


class MaxUnpool2d(_Windows):
    """Put maxima back where they were: :func:`handbook.pooling.max_unpool2d`.

    Parameters
    ----------
    kernel_size, stride, padding
        As they were given to the pooling.

    Shapes
    ------
    input : ``(N, C, H, W)`` or ``(C, H, W)``
    indices : as input
    return : ``(N, C, H_out, W_out)`` or ``(C, H_out, W_out)``

    Raises
    ------
    TypeError
        If a size is not an ``int``; on the call, as :func:`handbook.pooling.max_unpool2d` does.
    ValueError
        If a size is too small; on the call, as :func:`handbook.pooling.max_unpool2d` does.

    Examples
    --------
    >>> maxima, places = MaxPool2d(2, return_indices=True)(torch.tensor([[[1.0, 3.0], [2.0, 0.0]]]))
    >>> MaxUnpool2d(2)(maxima, places)
    tensor([[[0., 3.],
             [0., 0.]]])
    """

    _printed = ("kernel_size", "stride", "padding")

    def __init__(
        self,
        kernel_size: int | tuple[int, ...],
        stride: int | tuple[int, ...] | None = None,
        padding: int | tuple[int, ...] = 0,
    ) -> None:
        super().__init__()
        self.kernel_size = require_integers("kernel_size", kernel_size, 2, minimum=1)
        step = self.kernel_size if stride is None else stride
        self.stride = require_integers("stride", step, 2, minimum=1)
        self.padding = require_integers("padding", padding, 2, minimum=0)

    def forward(self, input: Tensor, indices: Tensor, output_size: Any = None) -> Tensor:
        """Put the maxima ``input`` back to the places ``indices``."""
        return max_unpool2d(
            input, indices, self.kernel_size, self.stride, self.padding, output_size
        )


# ---- normalisation -----------------------------------------------------------------------------


class _ChannelNorm(nn.Module):
    """What the batch and instance layers share: a weight and running statistics per channel."""

    _version = 2  # of the state_dict, as PyTorch counts: 2 has num_batches_tracked
    _with_batch: tuple[int, ...]  # numbers of dimensions that an input may have
    weight: nn.Parameter | None
    bias: nn.Parameter | None
    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.num_features = require_integer("num_features", num_features, minimum=0)
        self.eps = require_number("eps", eps)
        self.momentum = None if momentum is None else require_number("momentum", momentum)
        self.affine = affine
        self.track_running_stats = track_running_stats
        sizes = (num_features,)
        _register_scale(self, sizes, affine, affine and bias, device, dtype)
        for name in ("running_mean", "running_var"):
            empty = torch.empty(sizes, device=device, dtype=dtype) if track_running_stats else None
            self.register_buffer(name, empty)
        count = torch.tensor(0, device=device) if track_running_stats else None
        self.register_buffer("num_batches_tracked", count)
        self.reset_parameters()

    def reset_running_stats(self) -> None:
        """Forget what was remembered: mean 0, variance 1, no batches."""
        if self.running_mean is not None and self.running_var is not None:
            self.running_mean.zero_()
            self.running_var.fill_(1)
        if self.num_batches_tracked is not None:
            self.num_batches_tracked.zero_()

    def reset_parameters(self) -> None:
        """Set weights to 1 and biases to 0, and forget the running statistics."""
        self.reset_running_stats()
        _reset_scale(self.weight, self.bias)

    def _check_input(self, input: Tensor, letters: str) -> None:
        x = require_floating("input", input)
        if x.dim() not in self._with_batch:
            raise ValueError(f"input must have shape {letters}, got {describe(x)}")

    def extra_repr(self) -> str:
        """Return the arguments, as PyTorch prints them."""
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, "
            f"affine={self.affine}, bias={self.bias is not None}, "
            f"track_running_stats={self.track_running_stats}"
        )


def _register_scale(
    module: nn.Module,
    sizes: tuple[int, ...],
    weight: bool,
    bias: bool,
    device: torch.device | str | None,
    dtype: torch.dtype | None,
) -> None:
    for name, wanted in (("weight", weight), ("bias", bias)):
        empty = nn.Parameter(torch.empty(sizes, device=device, dtype=dtype)) if wanted else None
        module.register_parameter(name, empty)


def _reset_scale(weight: Tensor | None, bias: Tensor | None) -> None:
    with torch.no_grad():
        if weight is not None:
            weight.fill_(1)
        if bias is not None:
            bias.zero_()


class _BatchNormalization(_ChannelNorm):
    """What BatchNorm1d and BatchNorm2d share."""

    _letters: str

    def forward(self, input: Tensor) -> Tensor:
        """Normalise each channel over the batch, or with the running statistics in evaluation."""
        self._check_input(input, self._letters)
        share = 0.0 if self.momentum is None else self.momentum
        if self.training and self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
            if self.momentum is None:  # the average over all batches so far
                share = 1 / float(self.num_batches_tracked)
        from_batch = self.training or self.running_mean is None
        keep = not self.training or self.track_running_stats
        return batch_norm(
            input,
            self.running_mean if keep else None,
            self.running_var if keep else None,
            self.weight,
            self.bias,
            from_batch,
            share,
            self.eps,
        )


class BatchNorm1d(_BatchNormalization):
    r"""Batch normalisation of features or signals: :func:`handbook.normalization.batch_norm`.

    Parameters
    ----------
    num_features : int
        Number of features or channels, C.
    eps : float, default 1e-5
        Added to the variance.
    momentum : float or None, default 0.1
        The share of the new value in the running statistics; with ``None`` they are the average of
        all batches so far, each with the same weight.
    affine : bool, default True
        Whether each channel has a weight, and a bias unless ``bias`` is false.
    track_running_stats : bool, default True
        Whether to remember statistics; without them evaluation uses those of its own batch.
    device : torch.device or str, optional
        Where parameters and statistics live.
    dtype : torch.dtype, optional
        Their dtype.
    bias : bool, default True
        Whether there is a bias.

    Attributes
    ----------
    weight : Tensor or None
        The factor of each channel.
    bias : Tensor or None
        The summand of each channel.
    running_mean : Tensor or None
        The mean that evaluation uses.
    running_var : Tensor or None
        The variance that evaluation uses.
    num_batches_tracked : Tensor or None
        How many batches have been seen in training.

    Shapes
    ------
    input : ``(N, C)`` or ``(N, C, L)``
    return : like the input

    Raises
    ------
    TypeError
        If an argument has the wrong type; on the call, as ``batch_norm`` does.
    ValueError
        On the call: if the input has another number of dimensions, or as ``batch_norm`` does.

    Examples
    --------
    >>> layer = BatchNorm1d(1)
    >>> x = torch.tensor([[2.0], [4.0]])
    >>> layer(x).tolist(), layer.running_mean.item(), layer.running_var.item()
    ([[-1.0000], [1.0000]], 0.3000, 1.1000)
    >>> layer.eval()(x).tolist()  # as if the mean were 0.3 and the variance 1.1
    [[1.6209], [3.5278]]
    """

    _with_batch = (2, 3)
    _letters = "(N, C) or (N, C, L)"


class BatchNorm2d(_BatchNormalization):
    r"""Batch normalisation of images: :func:`handbook.normalization.batch_norm`.

    Parameters
    ----------
    num_features : int
        Number of channels, C.
    eps, momentum, affine, track_running_stats, device, dtype, bias
        As for :class:`BatchNorm1d`.

    Shapes
    ------
    input : ``(N, C, H, W)``
    return : ``(N, C, H, W)``

    Raises
    ------
    TypeError
        If an argument has the wrong type; on the call, as ``batch_norm`` does.
    ValueError
        On the call: if the input has another number of dimensions, or as ``batch_norm`` does.

    Examples
    --------
    One image is a batch, too: its channel has H·W numbers.

    >>> layer = BatchNorm2d(1)
    >>> layer(torch.tensor([[[[1.0, 3.0], [1.0, 3.0]]]])).flatten().tolist()
    [-1.0000, 1.0000, -1.0000, 1.0000]
    >>> layer
    BatchNorm2d(1, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True)
    """

    _with_batch = (4,)
    _letters = "(N, C, H, W)"


class _InstanceNormalization(_ChannelNorm):
    """What InstanceNorm1d and InstanceNorm2d share."""

    _letters: str

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        bias: bool = True,
    ) -> None:
        require_number("momentum", momentum)
        super().__init__(
            num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias
        )

    def forward(self, input: Tensor) -> Tensor:
        """Normalise each channel of each sample over space."""
        self._check_input(input, self._letters)
        is_single = input.dim() == self._with_batch[0]
        batch = input[None] if is_single else input
        if batch.shape[1] != self.num_features:
            raise ValueError(
                f"input must have num_features = {self.num_features} channels, got "
                f"{describe(input)}; use {type(self).__name__}({batch.shape[1]})"
            )
        momentum = self.momentum if self.momentum is not None else 0.0
        output = instance_norm(
            batch,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training or not self.track_running_stats,
            momentum,
            self.eps,
        )
        return output[0] if is_single else output


class InstanceNorm1d(_InstanceNormalization):
    r"""Instance normalisation of signals: :func:`handbook.normalization.instance_norm`.

    Parameters
    ----------
    num_features : int
        Number of channels, C.
    eps : float, default 1e-5
        Added to the variance.
    momentum : float, default 0.1
        The share of the new value in the running statistics, if there are some.
    affine : bool, default False
        Whether each channel has a weight, and a bias unless ``bias`` is false.
    track_running_stats : bool, default False
        Whether to remember statistics for evaluation.
    device, dtype, bias
        As for :class:`BatchNorm1d`.

    Shapes
    ------
    input : ``(N, C, L)`` or ``(C, L)``
    return : like the input

    Raises
    ------
    TypeError
        If an argument has the wrong type; on the call, as ``instance_norm`` does.
    ValueError
        On the call: if the shape is another, or as ``instance_norm`` does.

    Notes
    -----
    Difference from PyTorch: the number of channels is checked even where no parameter depends on
    it; PyTorch warns.

    Examples
    --------
    >>> InstanceNorm1d(1)(torch.tensor([[[1.0, 3.0]], [[10.0, 30.0]]])).flatten().tolist()
    [-1.0000, 1.0000, -1.0000, 1.0000]
    """

    _with_batch = (2, 3)
    _letters = "(N, C, L) or (C, L)"


class InstanceNorm2d(_InstanceNormalization):
    r"""Instance normalisation of images: :func:`handbook.normalization.instance_norm`.

    Parameters
    ----------
    num_features : int
        Number of channels, C.
    eps, momentum, affine, track_running_stats, device, dtype, bias
        As for :class:`InstanceNorm1d`.

    Shapes
    ------
    input : ``(N, C, H, W)`` or ``(C, H, W)``
    return : like the input

    Raises
    ------
    TypeError
        If an argument has the wrong type; on the call, as ``instance_norm`` does.
    ValueError
        On the call: if the shape is another, or as ``instance_norm`` does.

    Examples
    --------
    >>> InstanceNorm2d(3)(torch.zeros(2, 3, 4, 4)).shape
    torch.Size([2, 3, 4, 4])
    """

    _with_batch = (3, 4)
    _letters = "(N, C, H, W) or (C, H, W)"


class LayerNorm(nn.Module):
    r"""Layer normalisation: :func:`handbook.normalization.layer_norm`.

    Parameters
    ----------
    normalized_shape : int or tuple of int
        The last sizes of the input; an ``int`` for the last one alone.
    eps : float, default 1e-5
        Added to the variance.
    elementwise_affine : bool, default True
        Whether each number of a sample has a weight, and a bias unless ``bias`` is false.
    bias : bool, default True
        Whether there is a bias.
    device : torch.device or str, optional
        Where the parameters live.
    dtype : torch.dtype, optional
        Their dtype.

    Attributes
    ----------
    weight : Tensor or None
        The factor of each number.
    bias : Tensor or None
        The summand of each number.

    Shapes
    ------
    input : ``(*, normalized_shape)``
    return : like the input
    weight, bias : ``normalized_shape``

    Raises
    ------
    TypeError
        If an argument has the wrong type; on the call, as ``layer_norm`` does.
    ValueError
        If a size is negative or there is none; on the call, as ``layer_norm`` does.

    Examples
    --------
    >>> LayerNorm(2)(torch.tensor([[2.0, 4.0], [20.0, 40.0]])).tolist()
    [[-1.0000, 1.0000], [-1.0000, 1.0000]]
    >>> LayerNorm((3, 4), bias=False)
    LayerNorm((3, 4), eps=1e-05, elementwise_affine=True, bias=False)
    """

    weight: nn.Parameter | None
    bias: nn.Parameter | None

    def __init__(
        self,
        normalized_shape: int | tuple[int, ...] | list[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        sizes = normalized_shape if isinstance(normalized_shape, (tuple, list)) else None
        if sizes is None:
            self.normalized_shape = require_integers(
                "normalized_shape", normalized_shape, 1, minimum=0
            )
        elif len(sizes) == 0:
            raise ValueError("normalized_shape must name at least one size, got ()")
        else:
            self.normalized_shape = require_integers(
                "normalized_shape", sizes, len(sizes), minimum=0
            )
        self.eps = require_number("eps", eps)
        self.elementwise_affine = elementwise_affine
        with_bias = elementwise_affine and bias
        _register_scale(self, self.normalized_shape, elementwise_affine, with_bias, device, dtype)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set weights to 1 and biases to 0."""
        _reset_scale(self.weight, self.bias)

    def forward(self, input: Tensor) -> Tensor:
        """Normalise each sample over its last dimensions."""
        return layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """Return the arguments, as PyTorch prints them."""
        return (
            f"{self.normalized_shape}, eps={self.eps}, "
            f"elementwise_affine={self.elementwise_affine}, bias={self.bias is not None}"
        )


class GroupNorm(nn.Module):
    r"""Group normalisation: :func:`handbook.normalization.group_norm`.

    Parameters
    ----------
    num_groups : int
        How many groups the channels are divided into.
    num_channels : int
        Number of channels, C.
    eps : float, default 1e-5
        Added to the variance.
    affine : bool, default True
        Whether each channel has a weight, and a bias unless ``bias`` is false.
    device : torch.device or str, optional
        Where the parameters live.
    dtype : torch.dtype, optional
        Their dtype.
    bias : bool, default True
        Whether there is a bias.

    Attributes
    ----------
    weight : Tensor or None
        The factor of each channel.
    bias : Tensor or None
        The summand of each channel.

    Shapes
    ------
    input : ``(N, C, *)``
    return : ``(N, C, *)``

    Raises
    ------
    TypeError
        If an argument has the wrong type; on the call, as ``group_norm`` does.
    ValueError
        If ``num_groups`` does not divide ``num_channels``; on the call, as ``group_norm`` does.

    Examples
    --------
    >>> GroupNorm(2, 4)(torch.tensor([[2.0, 4.0, 20.0, 40.0]])).tolist()
    [[-1.0000, 1.0000, -1.0000, 1.0000]]
    >>> GroupNorm(3, 4)
    Traceback (most recent call last):
        ...
    ValueError: num_channels must be divisible by num_groups = 3, got 4
    """

    weight: nn.Parameter | None
    bias: nn.Parameter | None

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.num_groups = require_integer("num_groups", num_groups, minimum=1)
        self.num_channels = require_integer("num_channels", num_channels, minimum=0)
        if num_channels % num_groups:
            raise ValueError(
                f"num_channels must be divisible by num_groups = {num_groups}, got {num_channels}"
            )
        self.eps = require_number("eps", eps)
        self.affine = affine
        _register_scale(self, (num_channels,), affine, affine and bias, device, dtype)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set weights to 1 and biases to 0."""
        _reset_scale(self.weight, self.bias)

    def forward(self, input: Tensor) -> Tensor:
        """Normalise each group of channels of each sample."""
        require_floating("input", input)
        if input.dim() >= 2 and input.shape[1] != self.num_channels:
            raise ValueError(
                f"input must have num_channels = {self.num_channels} channels, got "
                f"{describe(input)}; use GroupNorm({self.num_groups}, {input.shape[1]})"
            )
        return group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """Return the arguments, as PyTorch prints them."""
        return (
            f"{self.num_groups}, {self.num_channels}, eps={self.eps}, "
            f"affine={self.affine}, bias={self.bias is not None}"
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


# ---- dropout -----------------------------------------------------------------------------------


class _Dropout(nn.Module):
    """What the dropout layers share: a probability, and the mode that decides whether it counts."""

    def __init__(
        self, p: float = 0.5, inplace: bool = False, *, generator: torch.Generator | None = None
    ) -> None:
        super().__init__()
        self.p = require_number("p", p, minimum=0.0, maximum=1.0)
        self.inplace = inplace
        self.generator = None if generator is None else require_generator("generator", generator)

    def extra_repr(self) -> str:
        """Return the arguments, as PyTorch prints them."""
        return f"p={self.p}, inplace={self.inplace}"


class Dropout(_Dropout):
    r"""Drop elements in training mode: :func:`handbook.regularization.dropout`.

    Parameters
    ----------
    p : float, default 0.5
        The probability of a zero, from 0 to 1.
    inplace : bool, default False
        Whether to overwrite the input.
    generator : torch.Generator, optional
        Where the masks come from, for all calls; without it, PyTorch's global generator.

    Shapes
    ------
    input : ``(*)``
    return : ``(*)``

    Raises
    ------
    TypeError
        If an argument has the wrong type; on the call, as ``dropout`` does.
    ValueError
        If ``p`` is not from 0 to 1; on the call, as ``dropout`` does.

    Notes
    -----
    The layer has no parameters. What it does depends on ``training``, which ``train()`` and
    ``eval()`` set.

    Examples
    --------
    >>> layer = Dropout(0.5, generator=torch.Generator().manual_seed(0))
    >>> layer(torch.ones(5)), layer.eval()(torch.ones(5))
    (tensor([0., 0., 2., 0., 0.]), tensor([1., 1., 1., 1., 1.]))
    """

    def forward(self, input: Tensor) -> Tensor:
        """Drop elements, or in evaluation mode none."""
        return dropout(input, self.p, self.training, self.inplace, generator=self.generator)


class Dropout1d(_Dropout):
    r"""Drop channels of signals in training mode: :func:`handbook.regularization.dropout1d`.

    Parameters
    ----------
    p : float, default 0.5
        The probability of a zero, from 0 to 1.
    inplace : bool, default False
        Whether to overwrite the input.
    generator : torch.Generator, optional
        Where the masks come from, for all calls; without it, PyTorch's global generator.

    Shapes
    ------
    input : ``(N, C, T)`` or ``(C, T)``
    return : ``(N, C, T)`` or ``(C, T)``

    Raises
    ------
    TypeError
        If an argument has the wrong type; on the call, as ``dropout1d`` does.
    ValueError
        If ``p`` is not from 0 to 1; on the call, as ``dropout1d`` does.

    Notes
    -----
    The layer has no parameters. What it does depends on ``training``, which ``train()`` and
    ``eval()`` set.

    Examples
    --------
    >>> layer = Dropout1d(0.5, generator=torch.Generator().manual_seed(0))
    >>> layer(torch.ones(3, 2))  # one signal of three channels
    tensor([[0., 0.],
            [0., 0.],
            [2., 2.]])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Drop channels of signals, or in evaluation mode none."""
        return dropout1d(input, self.p, self.training, self.inplace, generator=self.generator)


class Dropout2d(_Dropout):
    r"""Drop channels of images in training mode: :func:`handbook.regularization.dropout2d`.

    Parameters
    ----------
    p : float, default 0.5
        The probability of a zero, from 0 to 1.
    inplace : bool, default False
        Whether to overwrite the input.
    generator : torch.Generator, optional
        Where the masks come from, for all calls; without it, PyTorch's global generator.

    Shapes
    ------
    input : ``(N, C, H, W)``
    return : ``(N, C, H, W)``

    Raises
    ------
    TypeError
        If an argument has the wrong type; on the call, as ``dropout2d`` does.
    ValueError
        If ``p`` is not from 0 to 1; on the call, as ``dropout2d`` does.

    Notes
    -----
    The layer has no parameters. What it does depends on ``training``, which ``train()`` and
    ``eval()`` set.

    Examples
    --------
    >>> layer = Dropout2d(0.5, generator=torch.Generator().manual_seed(0))
    >>> layer(torch.ones(1, 3, 8, 8)).mean((2, 3))
    tensor([[0., 0., 2.]])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Drop channels of images, or in evaluation mode none."""
        return dropout2d(input, self.p, self.training, self.inplace, generator=self.generator)
