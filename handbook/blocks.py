r"""Blocks: modules that join what several paths make of one input.

:class:`Residual` adds a branch to a shortcut, :class:`Inception` joins branches along the channels.
Both check what comes out of the paths, since a sum broadcasts without a word.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from handbook.checks import (
    describe,
    require_generator,
    require_integer,
    require_integers,
    require_number,
    require_tensor,
)
from handbook.layers import BatchNorm2d, Conv2d, MaxPool2d

__all__ = ["Residual", "Inception"]


class Residual(nn.Module):
    r"""Add what a branch computes to the input, instead of replacing the input by it.

    .. math:: y = S(x) + \alpha \, B(x), \qquad S(x) = x \text{ unless a shortcut is given}

    Parameters
    ----------
    branch : torch.nn.Module
        :math:`B`, any module that returns one tensor.
    shortcut : torch.nn.Module, optional
        :math:`S`, for a branch that changes the shape: most often a convolution with a 1 × 1 kernel
        and the branch's stride. Without it the input itself is passed on.
    scale : float, optional
        :math:`\alpha`, a finite constant, dimensionless.

    Attributes
    ----------
    branch : torch.nn.Module
        The branch.
    shortcut : torch.nn.Module
        The shortcut; :class:`torch.nn.Identity` where none was given.
    scale : float
        The constant.

    Shapes
    ------
    input : any that both paths take
    return : that of both paths, ``(N, C, H, W)`` for images

    Raises
    ------
    TypeError
        If ``branch`` or ``shortcut`` is not a module, or ``scale`` not a number; on the call, if
        ``input`` or what a path returns is not a tensor.
    ValueError
        If ``scale`` is not finite; on the call, if the shapes of branch and shortcut differ, or
        the branch has changed its input in place.

    Notes
    -----
    Nothing comes after the sum: where the branch returns zero, the block is the identity. In the
    network of 2015 a relu follows the sum, which cuts off what is negative on the shortcut; a year
    later its authors moved it into the branch.

    The gradient with respect to the input is that of the shortcut plus that of the branch. Whatever
    the branch does, the first part arrives.

    References
    ----------
    He, Zhang, Ren and Sun, "Deep residual learning for image recognition", CVPR, 2016,
    https://doi.org/10.1109/CVPR.2016.90; "Identity mappings in deep residual networks", ECCV, 2016,
    https://doi.org/10.1007/978-3-319-46493-0_38

    Examples
    --------
    >>> x = torch.tensor([[1.0, -2.0]])
    >>> double = nn.Linear(2, 2, bias=False)
    >>> _ = double.weight.data.copy_(2 * torch.eye(2))
    >>> Residual(double)(x).tolist()
    [[3.0, -6.0]]

    A branch of zeros leaves every input as it is, negative numbers too:

    >>> _ = double.weight.data.zero_()
    >>> Residual(double)(x).tolist()
    [[1.0, -2.0]]

    A sum would broadcast one channel over all; the block refuses, and says what would fit:

    >>> Residual(nn.Conv2d(8, 1, 3, padding=1))(torch.zeros(5, 8, 6, 6))
    Traceback (most recent call last):
        ...
    ValueError: branch and shortcut must return the same shape, got (5, 1, 6, 6) from the branch
    Conv2d and (5, 8, 6, 6) from the shortcut Identity; use shortcut=Conv2d(8, 1, kernel_size=1)
    """

    def __init__(
        self, branch: nn.Module, shortcut: nn.Module | None = None, *, scale: float = 1.0
    ) -> None:
        super().__init__()
        infinity = float("inf")
        self.scale = require_number("scale", scale, above=-infinity, below=infinity)
        self.branch = _require_path("branch", branch)
        self.shortcut = nn.Identity() if shortcut is None else _require_path("shortcut", shortcut)

    @classmethod
    def convolutional(
        cls,
        in_channels: int,
        out_channels: int | None = None,
        kernel_size: int = 3,
        stride: int = 1,
        *,
        normalize: bool = True,
        zero_init: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        generator: torch.Generator | None = None,
    ) -> Residual:
        """Return a block for images: convolution, batch norm, relu, convolution, batch norm.

        Parameters
        ----------
        in_channels : int
            Channels of the input, at least 1.
        out_channels : int, optional
            Channels of the output; as many as the input's without it.
        kernel_size : int, optional
            An odd number, so that the padding keeps the size.
        stride : int, optional
            Step of the first convolution.
        normalize : bool, optional
            Whether a batch normalisation follows each convolution. Its shift takes the place of the
            convolution's bias.
        zero_init : bool, optional
            Whether the last layer of the branch starts at zero, so that the block starts as its
            shortcut.
        device : torch.device or str, optional
            Where the parameters live.
        dtype : torch.dtype, optional
            The parameters' dtype.
        generator : torch.Generator, optional
            Where the initial weights come from; without it, PyTorch's global generator.

        Returns
        -------
        Residual
            With a 1 × 1 convolution as shortcut where the shape changes, else with the identity.

        Shapes
        ------
        input : ``(N, in_channels, H, W)``
        return : ``(N, out_channels, ceil(H / stride), ceil(W / stride))``

        Raises
        ------
        TypeError
            If a number is not an ``int``, or ``generator`` not a :class:`torch.Generator`.
        ValueError
            If a number is below 1, or ``kernel_size`` even.

        Examples
        --------
        >>> block = Residual.convolutional(4)
        >>> x = torch.arange(2.0 * 4 * 8 * 8).reshape(2, 4, 8, 8)
        >>> torch.equal(block(x), x)
        True

        Twice the channels at half the size, with a shortcut that learns:

        >>> block = Residual.convolutional(4, 8, stride=2)
        >>> block(x).shape, block.shortcut.weight.shape
        (torch.Size([2, 8, 4, 4]), torch.Size([8, 4, 1, 1]))
        """
        require_integer("in_channels", in_channels, minimum=1)
        if out_channels is None:
            out_channels = in_channels
        require_integer("out_channels", out_channels, minimum=1)
        require_integer("kernel_size", kernel_size, minimum=1)
        require_integer("stride", stride, minimum=1)
        if kernel_size % 2 == 0:
            raise ValueError(
                f"kernel_size must be odd, so that the padding keeps the size, got {kernel_size}"
            )
        if generator is not None:
            require_generator("generator", generator)

        def convolution(channels: int, size: int, step: int, bias: bool) -> Conv2d:
            return Conv2d(
                channels,
                out_channels,
                size,
                step,
                padding=size // 2,
                bias=bias,
                device=device,
                dtype=dtype,
                generator=generator,
            )

        def normalization() -> nn.Module:
            return BatchNorm2d(out_channels, device=device, dtype=dtype)

        first = convolution(in_channels, kernel_size, stride, not normalize)
        second = convolution(out_channels, kernel_size, 1, not normalize)
        layers: list[nn.Module] = [first, nn.ReLU(), second]
        if normalize:
            layers = [first, normalization(), nn.ReLU(), second, normalization()]
        if zero_init:
            for parameter in layers[-1].parameters():
                nn.init.zeros_(parameter)
        shortcut = None
        if stride != 1 or in_channels != out_channels:
            shortcut = convolution(in_channels, 1, stride, True)
        return cls(nn.Sequential(*layers), shortcut)

    def forward(self, input: Tensor) -> Tensor:
        """Return the sum of both paths."""
        require_tensor("input", input)
        version = None if input.is_inference() else input._version
        change = _path_output("branch", self.branch, input)
        if version is not None and input._version != version:
            raise ValueError(
                "branch must leave its input as it is, since the shortcut needs it, but "
                f"{type(self.branch).__name__} has changed it in place; "
                "use nn.ReLU(inplace=False), and x = x + 1 instead of x += 1"
            )
        kept = _path_output("shortcut", self.shortcut, input)
        if change.shape != kept.shape:
            raise ValueError(
                f"branch and shortcut must return the same shape, got {tuple(change.shape)} from "
                f"the branch {type(self.branch).__name__} and {tuple(kept.shape)} from the "
                f"shortcut {type(self.shortcut).__name__}{_shortcut_remedy(input, change)}"
            )
        return kept + change if self.scale == 1 else kept + self.scale * change

    def extra_repr(self) -> str:
        """Return the scale where it is not 1."""
        return "" if self.scale == 1 else f"scale={self.scale}"


def _require_path(name: str, value: object) -> nn.Module:
    if not isinstance(value, nn.Module):
        is_class = isinstance(value, type)
        came = f"the class {value.__name__}" if is_class else describe(value)  # type: ignore[attr-defined]
        remedy = f"; use {value.__name__}(...)" if is_class else ""  # type: ignore[attr-defined]
        raise TypeError(f"{name} must be a torch.nn.Module, got {came}{remedy}")
    return value


def _path_output(name: str, path: nn.Module, input: Tensor) -> Tensor:
    output = path(input)
    if not isinstance(output, Tensor):
        several = isinstance(output, (tuple, list, dict))
        came = f"a {type(output).__name__} of {len(output)}" if several else describe(output)
        raise TypeError(f"{name} must return a tensor, got {came} from {type(path).__name__}")
    return output


def _shortcut_remedy(input: Tensor, wanted: Tensor) -> str:
    """Name the 1 × 1 convolution that would bring the input to the wanted shape, if one does."""
    if input.dim() != wanted.dim() or input.dim() not in (3, 4):
        return ""
    if input.shape[:-3] != wanted.shape[:-3]:
        return ""
    (*_, channels, height, width), (*_, new_channels, rows, columns) = input.shape, wanted.shape
    if not rows or not columns:
        return ""
    stride = max(-(-height // rows), 1)
    # A 1 × 1 kernel with stride s visits ceil(n / s) of n places.
    if -(-height // stride) != rows or -(-width // stride) != columns:
        return "; pad the branch so that it keeps the size"
    step = f", stride={stride}" if stride > 1 else ""
    return f"; use shortcut=Conv2d({channels}, {new_channels}, kernel_size=1{step})"


class Inception(nn.Module):
    r"""Look at one input in several ways, and join the answers along the channels.

    .. math:: y = \operatorname{cat}(B_1(x), \dots, B_m(x)), \qquad
              C_{\text{out}} = C_1 + \dots + C_m

    Parameters
    ----------
    branches : mapping of str to torch.nn.Module, or sequence of torch.nn.Module
        :math:`B_1, \dots, B_m`, at least one. They may return different numbers of channels, and
        must agree in all else. Those of a sequence are named ``"0"``, ``"1"``, ...

    Attributes
    ----------
    branches : torch.nn.ModuleDict
        The branches by name, in the order in which they are joined.

    Shapes
    ------
    input : ``(N, C, H, W)`` or ``(C, H, W)``
    return : ``(N, C_1 + ... + C_m, H_out, W_out)``, or without ``N``

    Raises
    ------
    TypeError
        If ``branches`` is neither, a name is not a string, or what it names is not a module; on
        the call, if ``input`` or what a branch returns is not a tensor.
    ValueError
        If there is no branch, or a name is empty, contains a dot, or is an attribute of
        :class:`torch.nn.ModuleDict`; on the call, if ``input`` or what a branch returns is not an
        image or a batch of images, or a branch differs from the others in anything but its
        channels.

    References
    ----------
    Szegedy et al., "Going deeper with convolutions", CVPR, 2015,
    https://doi.org/10.1109/CVPR.2015.7298594

    Examples
    --------
    >>> x = torch.ones(1, 2, 4, 4)
    >>> block = Inception({"kept": nn.Identity(), "average": nn.AvgPool2d(3, 1, padding=1)})
    >>> block(x).shape
    torch.Size([1, 4, 4, 4])

    Without padding a branch comes out smaller, and the block says which:

    >>> Inception({"narrow": nn.Conv2d(2, 3, 1), "wide": nn.Conv2d(2, 5, 3)})(x)
    Traceback (most recent call last):
        ...
    ValueError: branch 'wide' must return the height and width of branch 'narrow', 4 × 4, got 2 × 2:
    shapes (1, 5, 2, 2) and (1, 3, 4, 4); pad it so that it keeps the size
    """

    def __init__(self, branches: Mapping[str, nn.Module] | Sequence[nn.Module]) -> None:
        super().__init__()
        named: Any = branches
        if isinstance(named, (list, tuple, nn.ModuleList, nn.Sequential)):
            named = {str(i): branch for i, branch in enumerate(named)}
        if not isinstance(named, (Mapping, nn.ModuleDict)):
            raise TypeError(
                f"branches must be a mapping or a sequence of modules, got {describe(branches)}"
            )
        if not named:
            raise ValueError("branches must hold at least one module, got none")
        for name, branch in named.items():
            _check_branch_name(name)
            _require_path(f"branches[{name!r}]", branch)
        self.branches = nn.ModuleDict(dict(named.items()))

    @classmethod
    def classic(
        cls,
        in_channels: int,
        widths: tuple[int, int, int, int] = (16, 24, 24, 24),
        *,
        reduced: int = 16,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        generator: torch.Generator | None = None,
    ) -> Inception:
        """Return the block with four branches: 1 × 1, 5 × 5, two times 3 × 3, and a pooling.

        Parameters
        ----------
        in_channels : int
            Channels of the input, at least 1.
        widths : tuple of int, optional
            Channels that the four branches return, in this order. They add up to 88.
        reduced : int, optional
            Channels that the 1 × 1 convolutions in front of the larger kernels leave.
        device : torch.device or str, optional
            Where the parameters live.
        dtype : torch.dtype, optional
            The parameters' dtype.
        generator : torch.Generator, optional
            Where the initial weights come from; without it, PyTorch's global generator.

        Returns
        -------
        Inception
            With the branches ``"conv1"``, ``"conv5"``, ``"conv3"`` and ``"pool"``, each of which
            ends with a relu.

        Shapes
        ------
        input : ``(N, in_channels, H, W)``
        return : ``(N, sum(widths), H, W)``

        Raises
        ------
        TypeError
            If a number is not an ``int``, or ``generator`` not a :class:`torch.Generator`.
        ValueError
            If a number is below 1, or ``widths`` does not hold four.

        Notes
        -----
        Szegedy et al. (2015) have one 3 × 3 convolution where two stand here, one behind the other.

        Examples
        --------
        >>> block = Inception.classic(10)
        >>> list(block.branches), block(torch.zeros(2, 10, 8, 8)).shape
        (['conv1', 'conv5', 'conv3', 'pool'], torch.Size([2, 88, 8, 8]))
        """
        require_integer("in_channels", in_channels, minimum=1)
        if not isinstance(widths, tuple):
            raise TypeError(f"widths must be a tuple of 4 numbers, got {describe(widths)}")
        narrow, wide, double, pooled = require_integers("widths", widths, 4, minimum=1)
        require_integer("reduced", reduced, minimum=1)
        if generator is not None:
            require_generator("generator", generator)

        def convolutions(*steps: tuple[int, int], first: int = in_channels) -> list[nn.Module]:
            layers: list[nn.Module] = []
            for channels, size in steps:
                layer = Conv2d(
                    first,
                    channels,
                    size,
                    padding=size // 2,
                    device=device,
                    dtype=dtype,
                    generator=generator,
                )
                layers += [layer, nn.ReLU()]
                first = channels
            return layers

        return cls(
            {
                "conv1": nn.Sequential(*convolutions((narrow, 1))),
                "conv5": nn.Sequential(*convolutions((reduced, 1), (wide, 5))),
                "conv3": nn.Sequential(*convolutions((reduced, 1), (double, 3), (double, 3))),
                "pool": nn.Sequential(
                    MaxPool2d(3, stride=1, padding=1), *convolutions((pooled, 1))
                ),
            }
        )

    def branch_outputs(self, input: Tensor) -> dict[str, Tensor]:
        """Return what each branch makes of the input, before they are joined.

        Parameters
        ----------
        input : Tensor
            A batch of images, or one.

        Returns
        -------
        dict of str to Tensor
            By the name of the branch.

        Shapes
        ------
        input : ``(N, C, H, W)`` or ``(C, H, W)``
        return : ``(N, C_i, H_out, W_out)`` each, or without ``N``

        Raises
        ------
        TypeError
            If ``input`` or what a branch returns is not a tensor.
        ValueError
            If ``input`` or what a branch returns is not an image or a batch of images, or a branch
            differs from the first in anything but its channels.

        Examples
        --------
        >>> outputs = Inception.classic(10).branch_outputs(torch.zeros(2, 10, 8, 8))
        >>> [output.shape[1] for output in outputs.values()]
        [16, 24, 24, 24]
        """
        require_tensor("input", input)
        if input.dim() not in (3, 4):
            raise ValueError(
                f"input must have shape (N, C, H, W) or (C, H, W), got {describe(input)}"
            )
        outputs: dict[str, Tensor] = {}
        for name, branch in self.branches.items():
            output = _path_output(f"branch {name!r}", branch, input)
            if output.dim() != input.dim():
                raise ValueError(
                    f"branch {name!r} must return images of {input.dim()} dimensions like the "
                    f"input, got {describe(output)}"
                )
            outputs[name] = output
        _check_joinable(outputs, input.shape[-2:])
        return outputs

    def forward(self, input: Tensor) -> Tensor:
        """Return the branches' answers, one behind the other along the channels."""
        return torch.cat(list(self.branch_outputs(input).values()), dim=-3)


def _check_branch_name(name: object) -> None:
    if not isinstance(name, str):
        raise TypeError(f"the names of branches must be strings, got {describe(name)}")
    if not name or "." in name or hasattr(nn.ModuleDict(), name):
        raise ValueError(
            "the names of branches must not be empty, contain a dot, or be attributes of "
            f"nn.ModuleDict, got {name!r}"
        )


def _check_joinable(outputs: Mapping[str, Tensor], size: torch.Size) -> None:
    """Refuse a branch that differs from the others in anything but its channels."""
    # Compare with a branch that keeps the size of the input, so that the odd one is named.
    keeping = (name for name, output in outputs.items() if output.shape[-2:] == size)
    first = next(keeping, next(iter(outputs)))
    for name, output in outputs.items():
        wanted, came = outputs[first].shape, output.shape
        shapes = f"shapes {tuple(came)} and {tuple(wanted)}"
        if came[:-3] != wanted[:-3]:
            raise ValueError(
                f"branch {name!r} must return as many images as branch {first!r}, {wanted[0]}, "
                f"got {came[0]}: {shapes}"
            )
        if came[-2:] != wanted[-2:]:
            (height, width), (rows, columns) = wanted[-2:], came[-2:]
            raise ValueError(
                f"branch {name!r} must return the height and width of branch {first!r}, "
                f"{height} × {width}, got {rows} × {columns}: {shapes}; "
                "pad it so that it keeps the size"
            )
