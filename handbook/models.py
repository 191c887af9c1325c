r"""Small models for images: one of full connections, one of convolutions."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from handbook.checks import (
    describe,
    require_generator,
    require_integer,
    require_integers,
    require_tensor,
)
from handbook.convolution import output_size
from handbook.layers import Conv2d, Linear

__all__ = ["FullyConnected", "LeNet", "count_parameters"]


def count_parameters(model: nn.Module) -> int:
    """Return how many numbers a model learns; shared ones count once, frozen ones do not.

    Parameters
    ----------
    model : torch.nn.Module
        The model.

    Returns
    -------
    int
        Their number.

    Raises
    ------
    TypeError
        If ``model`` is not a module.

    Examples
    --------
    >>> count_parameters(nn.Linear(64, 10)), 10 * (64 + 1)
    (650, 650)
    """
    given: object = model
    if not isinstance(given, nn.Module):
        raise TypeError(f"model must be a torch.nn.Module, got {describe(given)}")
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


def _model_sizes(name: str, value: object, minimum_length: int) -> tuple[int, ...]:
    if isinstance(value, (str, Tensor)) or not isinstance(value, Sequence):
        raise TypeError(f"{name} must be a sequence of whole numbers, got {describe(value)}")
    if len(value) < minimum_length:
        raise ValueError(f"{name} must hold at least {minimum_length} numbers, got {len(value)}")
    return tuple(require_integer(f"{name}[{i}]", size, minimum=1) for i, size in enumerate(value))


def _linear_stack(
    sizes: Sequence[int],
    device: torch.device | str | None,
    dtype: torch.dtype | None,
    generator: torch.Generator | None,
) -> list[nn.Module]:
    """Return linear layers with a relu between each two of them."""
    layers: list[nn.Module] = []
    for n_inputs, n_outputs in itertools.pairwise(sizes):
        if layers:
            layers.append(nn.ReLU())
        layers.append(Linear(n_inputs, n_outputs, True, device, dtype, generator=generator))
    return layers


class FullyConnected(nn.Module):
    r"""Flatten each sample to a vector, and send it through linear layers with relus between them.

    .. math:: x^{(0)} = \operatorname{vec}(x), \qquad
              x^{(i+1)} = \operatorname{relu}(W_i x^{(i)} + b_i),
              \qquad \text{the last one without relu}

    Parameters
    ----------
    sizes : sequence of int
        Numbers of a sample, units of each hidden layer, outputs: at least two numbers, each at
        least 1.
    device : torch.device or str, optional
        Where the parameters live.
    dtype : torch.dtype, optional
        The parameters' dtype.
    generator : torch.Generator, optional
        Where the initial weights come from; without it, PyTorch's global generator.

    Attributes
    ----------
    layers : torch.nn.Sequential
        The flattening and the layers.

    Shapes
    ------
    input : ``(N, *)`` with ``sizes[0]`` numbers in each sample
    return : ``(N, sizes[-1])``

    Raises
    ------
    TypeError
        If ``sizes`` is not a sequence of ``int``, or ``generator`` not a generator; on the call, if
        ``input`` is not a tensor.
    ValueError
        If there are fewer than two sizes, or one is below 1; on the call, if the samples do not
        hold ``sizes[0]`` numbers.

    Examples
    --------
    >>> model = FullyConnected([64, 32, 10])
    >>> model(torch.zeros(5, 1, 8, 8)).shape, count_parameters(model)
    (torch.Size([5, 10]), 2410)

    It reads the pixels of a sample in one row, so images of another size do not fit:

    >>> model(torch.zeros(5, 1, 28, 28))
    Traceback (most recent call last):
        ...
    ValueError: input must hold 64 numbers in each sample, got 1 × 28 × 28 = 784; use
    FullyConnected([784, ...])
    """

    def __init__(
        self,
        sizes: Sequence[int],
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.sizes = _model_sizes("sizes", sizes, 2)
        if generator is not None:
            require_generator("generator", generator)
        layers = _linear_stack(self.sizes, device, dtype, generator)
        self.layers = nn.Sequential(nn.Flatten(), *layers)

    def forward(self, input: Tensor) -> Tensor:
        """Return the outputs of the last layer, which are logits for a classifier."""
        require_tensor("input", input)
        shape = input.shape[1:]
        if input.dim() < 2 or math.prod(shape) != self.sizes[0]:
            numbers = " × ".join(map(str, shape)) or "no dimension of samples"
            came = f"{numbers} = {math.prod(shape)}" if len(shape) > 1 else numbers
            remedy = f"; use FullyConnected([{math.prod(shape)}, ...])" if shape else ""
            raise ValueError(
                f"input must hold {self.sizes[0]} numbers in each sample, got {came}{remedy}"
            )
        output: Tensor = self.layers(input)
        return output


class LeNet(nn.Module):
    r"""Two convolutions, each with a relu and a pooling by 2, and a fully connected head.

    Parameters
    ----------
    image_size : int or tuple of int
        Height and width of the images; one number for square ones.
    in_channels : int, optional
        Channels of the images.
    channels : sequence of int, optional
        Kernels of each convolution; two in the network of 1998.
    hidden : sequence of int, optional
        Units of the hidden layers of the head; it may be empty.
    n_classes : int, optional
        Numbers that come out.
    kernel_size : int, optional
        Side of the kernels.
    padding : int, optional
        Zeros around the input of each convolution.
    device : torch.device or str, optional
        Where the parameters live.
    dtype : torch.dtype, optional
        The parameters' dtype.
    generator : torch.Generator, optional
        Where the initial weights come from; without it, PyTorch's global generator.

    Attributes
    ----------
    features : torch.nn.Sequential
        Convolutions, relus and poolings.
    head : torch.nn.Sequential
        The flattening and the linear layers.

    Shapes
    ------
    input : ``(N, in_channels, H, W)``
    return : ``(N, n_classes)``

    Raises
    ------
    TypeError
        If a number is not an ``int``, or ``generator`` not a generator; on the call, if ``input``
        is not a tensor.
    ValueError
        If a number is too small, or the images are too small for the layers; on the call, if
        ``input`` does not have the shape that the model was made for.

    Notes
    -----
    The network of 1998 has means in place of maxima, sigmoid functions in place of relus, and not
    all channels of its second convolution see all of the first. The sizes are its sizes.

    References
    ----------
    LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to document recognition",
    Proceedings of the IEEE, 1998, https://doi.org/10.1109/5.726791

    Examples
    --------
    On images of 32 × 32 pixels 16·5·5 numbers reach the head:

    >>> model = LeNet(32)
    >>> images = torch.zeros(2, 1, 32, 32)
    >>> model.features(images).shape, model.head[1], model(images).shape
    (torch.Size([2, 16, 5, 5]), Linear(in_features=400, out_features=120, bias=True),
    torch.Size([2, 10]))

    A smaller one for the digits of 8 × 8 pixels:

    >>> model = LeNet(8, kernel_size=3, padding=1, hidden=())
    >>> model(torch.zeros(2, 1, 8, 8)).shape, count_parameters(model)
    (torch.Size([2, 10]), 1590)

    Images that would shrink to nothing are refused when the model is made:

    >>> LeNet(8)
    Traceback (most recent call last):
        ...
    ValueError: image_size must be larger: convolution 2 gets 2 × 2 places, which a kernel of
    5 × 5 with padding 0 does not fit in; use a smaller kernel_size or more padding
    """

    def __init__(
        self,
        image_size: int | tuple[int, int],
        in_channels: int = 1,
        channels: Sequence[int] = (6, 16),
        hidden: Sequence[int] = (120, 84),
        n_classes: int = 10,
        kernel_size: int = 5,
        padding: int = 0,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        height, width = require_integers("image_size", image_size, 2, minimum=1)
        require_integer("in_channels", in_channels, minimum=1)
        channels = _model_sizes("channels", channels, 1)
        hidden = _model_sizes("hidden", hidden, 0)
        require_integer("n_classes", n_classes, minimum=1)
        require_integer("kernel_size", kernel_size, minimum=1)
        require_integer("padding", padding, minimum=0)
        if generator is not None:
            require_generator("generator", generator)
        self.input_shape = (in_channels, height, width)
        layers: list[nn.Module] = []
        for i, (n_inputs, n_outputs) in enumerate(
            zip((in_channels, *channels[:-1]), channels, strict=True), start=1
        ):
            if min(height, width) + 2 * padding < kernel_size:
                raise ValueError(
                    f"image_size must be larger: convolution {i} gets {height} × {width} places, "
                    f"which a kernel of {kernel_size} × {kernel_size} with padding {padding} does "
                    "not fit in; use a smaller kernel_size or more padding"
                )
            height, width = (
                output_size(side, kernel_size, padding=padding) for side in (height, width)
            )
            if min(height, width) < 2:
                raise ValueError(
                    f"image_size must be larger: pooling {i} gets {height} × {width} places and "
                    "needs 2 × 2; use a smaller kernel_size or more padding"
                )
            height, width = height // 2, width // 2
            layers += [
                Conv2d(
                    n_inputs,
                    n_outputs,
                    kernel_size,
                    padding=padding,
                    device=device,
                    dtype=dtype,
                    generator=generator,
                ),
                nn.ReLU(),
                nn.MaxPool2d(2),
            ]
        self.features = nn.Sequential(*layers)
        n_features = channels[-1] * height * width
        stack = _linear_stack((n_features, *hidden, n_classes), device, dtype, generator)
        self.head = nn.Sequential(nn.Flatten(), *stack)

    def forward(self, input: Tensor) -> Tensor:
        """Return the logits of the classes."""
        require_tensor("input", input)
        if input.dim() != 4 or tuple(input.shape[1:]) != self.input_shape:
            channels, height, width = self.input_shape
            remedy = ""
            if channels == 1 and tuple(input.shape[1:]) == (height, width):
                remedy = "; use input.unsqueeze(1)"
            raise ValueError(
                f"input must have shape (N, {channels}, {height}, {width}), "
                f"got {describe(input)}{remedy}"
            )
        output: Tensor = self.head(self.features(input))
        return output
