r"""Models: small ones for images, and a deep one that predicts numbers."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor, nn

from handbook.checks import (
    describe,
    require_floating,
    require_generator,
    require_integer,
    require_integers,
    require_number,
    require_same_placement,
    require_shape,
    require_tensor,
)
from handbook.convolution import output_size
from handbook.layers import BatchNorm1d, Conv2d, Linear, MaxPool2d

__all__ = ["DeepRegressor", "FullyConnected", "LeNet", "count_parameters"]


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
                MaxPool2d(2),
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


class DeepRegressor(nn.Module):
    r"""Many equal hidden layers, one after the other, that predict several real numbers.

    .. math:: h_0 = \mathrm{BN}(x), \qquad
              h_l = f\bigl(\mathrm{BN}(h_{l-1} W_l^\top + b_l)\bigr), \quad l = 1, \dots, L, \qquad
              \hat y = h_L V^\top + c

    Parameters
    ----------
    n_inputs : int, default 4
        Numbers that describe a sample, D, at least 1.
    n_hidden_layers : int, default 20
        Hidden layers, L, at least 0. Without any the model is linear.
    hidden_size : int, default 130
        Units in each hidden layer, H, at least 1.
    n_outputs : int, default 3
        Numbers to predict, K, at least 1.
    batch_norm : bool, default True
        Whether the inputs and each hidden layer's sums are normalised over the batch (BN). Without
        it, BN is the identity.
    activation : callable, optional
        The function :math:`f`, applied to each element.
    weight_std : float or None, default 0.1
        Weights start from a normal distribution with this standard deviation, dimensionless. With
        ``None`` they keep the start of :class:`handbook.layers.Linear`.
    initial_bias : float or None, default 0.0
        What all biases start at, dimensionless. With ``None`` they keep the layer's own start.
    momentum : float, default 0.1
        The share of the newest batch in the running statistics of the normalisation.
    device : torch.device or str, optional
        Where the parameters live.
    dtype : torch.dtype, optional
        The parameters' dtype.
    generator : torch.Generator, optional
        A CPU generator for the initial weights; without it, PyTorch's global generator.

    Attributes
    ----------
    hidden : torch.nn.ModuleList
        The L linear layers, :class:`handbook.layers.Linear`.
    norms : torch.nn.ModuleList
        The L normalisations that follow them, :class:`handbook.layers.BatchNorm1d`; empty without
        ``batch_norm``.
    input_norm : torch.nn.Module
        The normalisation of the inputs; the identity without ``batch_norm``.
    output : handbook.layers.Linear
        The last layer.

    Shapes
    ------
    input : ``(N, D)``
    return : ``(N, K)``

    Raises
    ------
    TypeError
        If an argument has the wrong type; on the call, if the input is not a floating-point tensor
        of the parameters' dtype.
    ValueError
        If a number lies outside its range; on the call, if the input has another shape or another
        device than the parameters, or is a batch of one in training with ``batch_norm``.

    Notes
    -----
    Batch normalisation subtracts the mean of the batch from each sum, and the bias :math:`b_l` with
    it: with ``batch_norm``, what the biases of the hidden layers start at changes no output in
    training.

    References
    ----------
    S. Ioffe, C. Szegedy, "Batch normalization: Accelerating deep network training by reducing
    internal covariate shift", ICML 2015, https://arxiv.org/abs/1502.03167

    Examples
    --------
    >>> model = DeepRegressor(generator=torch.Generator().manual_seed(0))
    >>> model(torch.zeros(8, 4)).shape
    torch.Size([8, 3])
    >>> len(model.hidden), sum(parameter.numel() for parameter in model.parameters())
    (20, 329821)

    Without a hidden layer and without normalisation it is a straight line:

    >>> line = DeepRegressor(1, 0, n_outputs=1, batch_norm=False, weight_std=0.0, initial_bias=2.0)
    >>> line(torch.tensor([[-1.0], [5.0]])).tolist()
    [[2.0], [2.0]]

    A batch of one has no spread to normalise by:

    >>> model(torch.zeros(1, 4))
    Traceback (most recent call last):
        ...
    ValueError: input must hold more than 1 sample in training with batch_norm, got a float32 tensor
    of shape (1, 4); use a larger batch, or model.eval()
    """

    def __init__(
        self,
        n_inputs: int = 4,
        n_hidden_layers: int = 20,
        hidden_size: int = 130,
        n_outputs: int = 3,
        *,
        batch_norm: bool = True,
        activation: Callable[[Tensor], Tensor] = torch.tanh,
        weight_std: float | None = 0.1,
        initial_bias: float | None = 0.0,
        momentum: float = 0.1,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.n_inputs = require_integer("n_inputs", n_inputs, minimum=1)
        require_integer("n_hidden_layers", n_hidden_layers, minimum=0)
        require_integer("hidden_size", hidden_size, minimum=1)
        require_integer("n_outputs", n_outputs, minimum=1)
        if not isinstance(batch_norm, bool):
            raise TypeError(f"batch_norm must be True or False, got {describe(batch_norm)}")
        if not callable(activation):
            raise TypeError(
                f"activation must be a function of a tensor, got {describe(activation)}; "
                "use, for example, torch.tanh"
            )
        if weight_std is not None:
            require_number("weight_std", weight_std, minimum=0.0)
        if initial_bias is not None:
            require_number("initial_bias", initial_bias)
        require_number("momentum", momentum, minimum=0.0, maximum=1.0)
        if generator is not None:
            require_generator("generator", generator)
        self.batch_norm = batch_norm
        self.activation = activation

        sizes = [n_inputs, *[hidden_size] * n_hidden_layers]
        self.hidden = nn.ModuleList(
            Linear(n_in, n_out, device=device, dtype=dtype, generator=generator)
            for n_in, n_out in itertools.pairwise(sizes)
        )
        self.output = Linear(sizes[-1], n_outputs, device=device, dtype=dtype, generator=generator)
        self.input_norm: nn.Module = nn.Identity()
        self.norms = nn.ModuleList()
        if batch_norm:
            self.input_norm, *norms = (
                BatchNorm1d(size, momentum=momentum, device=device, dtype=dtype) for size in sizes
            )
            self.norms.extend(norms)
        with torch.no_grad():
            for layer in (*self.hidden, self.output):
                if weight_std is not None:
                    # Drawn on the CPU, so that a generator gives one start on every device.
                    drawn = torch.empty(layer.weight.shape, dtype=layer.weight.dtype)
                    layer.weight.copy_(drawn.normal_(0.0, weight_std, generator=generator))
                if initial_bias is not None:
                    layer.bias.fill_(initial_bias)

    def hidden_outputs(self, input: Tensor) -> list[Tensor]:
        """Return what each hidden layer passes on: L tensors of shape ``(N, H)``.

        Parameters
        ----------
        input : Tensor
            The samples.

        Returns
        -------
        list of Tensor
            After the activation, from the first hidden layer to the last.

        Shapes
        ------
        input : ``(N, D)``

        Examples
        --------
        >>> model = DeepRegressor(2, 3, 5, generator=torch.Generator().manual_seed(0))
        >>> [tuple(h.shape) for h in model.hidden_outputs(torch.zeros(4, 2))]
        [(4, 5), (4, 5), (4, 5)]
        """
        return list(self._walk(input))[1:]

    def forward(self, input: Tensor) -> Tensor:
        """Predict ``(N, K)`` numbers from ``(N, D)``."""
        *_, last = self._walk(input)
        predicted: Tensor = self.output(last)
        return predicted

    def _walk(self, input: Tensor) -> Iterator[Tensor]:
        """Yield what goes into the first layer, and then what each hidden layer passes on."""
        x = self.input_norm(self._checked(input))
        yield x
        for i, layer in enumerate(self.hidden):
            x = layer(x)
            if self.batch_norm:
                x = self.norms[i](x)
            x = self.activation(x)
            yield x

    def _checked(self, input: object) -> Tensor:
        x = require_floating("input", input)
        require_shape("input", x, ("N", self.n_inputs))
        require_same_placement("input", x, "output.weight", self.output.weight)
        if self.batch_norm and self.training and len(x) == 1:
            raise ValueError(
                "input must hold more than 1 sample in training with batch_norm, "
                f"got {describe(x)}; use a larger batch, or model.eval()"
            )
        return x
