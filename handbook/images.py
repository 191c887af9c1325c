r"""Images as tensors: from the numbers in a file to what a network takes, and back.

A file and matplotlib hold :math:`(H, W, C)` in whole numbers from 0 to 255. A network takes
:math:`(N, C, H, W)` in floating-point numbers, most often from 0 to 1 or with mean 0. Row 0 is
the top one, column 0 the left one.
"""

from __future__ import annotations

import torch
from torch import Tensor

from handbook.checks import (
    describe,
    require_floating,
    require_same_placement,
    require_shape,
    require_tensor,
)

__all__ = [
    "from_pixels",
    "to_pixels",
    "to_grey",
    "composite",
    "channel_statistics",
    "normalize_channels",
    "denormalize_channels",
]

# How bright red, green and blue look, after ITU-R Recommendation BT.601.
_LUMA = (0.299, 0.587, 0.114)


def from_pixels(pixels: Tensor) -> Tensor:
    r"""Turn the pixels of a file into an image for a network.

    .. math:: x_{c,r,q} = \text{pixels}_{r,q,c} \, / \, 255

    Parameters
    ----------
    pixels : Tensor
        Whole numbers from 0 to 255, channels last; without channels, a grey image.

    Returns
    -------
    Tensor
        The image, float32 from 0 to 1, channels first, contiguous.

    Shapes
    ------
    pixels : ``(H, W)``, ``(H, W, C)`` or ``(N, H, W, C)``, with C from 1 to 4
    return : ``(1, H, W)``, ``(C, H, W)`` or ``(N, C, H, W)``

    Raises
    ------
    TypeError
        If ``pixels`` is not a tensor of uint8.
    ValueError
        If it has another shape; the message says so if the channels seem to be first already.

    Examples
    --------
    >>> pixels = torch.tensor([[[255, 0, 0], [0, 0, 255]]], dtype=torch.uint8)  # red, blue
    >>> image = from_pixels(pixels)
    >>> image.shape  # (channel, row, column)
    torch.Size([3, 1, 2])
    >>> image[0]  # how much red
    tensor([[1., 0.]])
    """
    require_tensor("pixels", pixels)
    if pixels.dtype != torch.uint8:
        raise TypeError(
            f"pixels must be uint8, whole numbers from 0 to 255, got {describe(pixels)}"
        )
    require_shape("pixels", pixels, ("H", "W"), ("H", "W", "C"), ("N", "H", "W", "C"))
    if pixels.dim() == 2:
        pixels = pixels.unsqueeze(-1)
    if not 1 <= pixels.shape[-1] <= 4:
        remedy = ""
        if 1 <= pixels.shape[-3] <= 4:
            remedy = "; the channels seem to be first already: use pixels.float() / 255"
        raise ValueError(
            f"pixels must have 1 to 4 channels in their last dimension, got "
            f"{pixels.shape[-1]}: {describe(pixels)}{remedy}"
        )
    return pixels.movedim(-1, -3).contiguous().to(torch.float32) / 255


def to_pixels(images: Tensor) -> Tensor:
    r"""Turn an image of a network into pixels, to draw or to save.

    .. math:: \text{pixels}_{r,q,c} = \operatorname{round}(255 \cdot \min(1, \max(0, x_{c,r,q})))

    Parameters
    ----------
    images : Tensor
        Floating-point numbers, channels first. What lies outside 0 to 1 is cut off.

    Returns
    -------
    Tensor
        The pixels, uint8, channels last: the form that matplotlib's ``imshow`` takes.

    Shapes
    ------
    images : ``(C, H, W)`` or ``(N, C, H, W)``, with C from 1 to 4
    return : ``(H, W, C)`` or ``(N, H, W, C)``

    Raises
    ------
    TypeError
        If ``images`` is not a tensor of floating-point numbers.
    ValueError
        If it has another shape, or holds NaN.

    Notes
    -----
    It rounds. A mere ``(255 * x).to(torch.uint8)`` cuts off what is behind the point, and wraps
    around what lies outside.

    Examples
    --------
    >>> to_pixels(torch.tensor([[[0.0, 0.5, 1.0, 1.5]]])).flatten().tolist()
    [0, 128, 255, 255]

    It undoes :func:`from_pixels` exactly:

    >>> pixels = torch.arange(256, dtype=torch.uint8).reshape(16, 16, 1)
    >>> torch.equal(to_pixels(from_pixels(pixels)), pixels)
    True
    """
    _check_images("images", images, 1, 4)
    if bool(images.isnan().any()):
        raise ValueError("images must hold numbers, got NaN; no pixel stands for it")
    scaled = images.detach().to(torch.promote_types(images.dtype, torch.float32)).clamp(0, 1) * 255
    return scaled.round().to(torch.uint8).movedim(-3, -1).contiguous()


def to_grey(images: Tensor) -> Tensor:
    r"""Return the brightness of colour images, as it looks to an eye.

    .. math:: y = 0.299 \, R + 0.587 \, G + 0.114 \, B

    Parameters
    ----------
    images : Tensor
        Red, green and blue, in this order.

    Returns
    -------
    Tensor
        One channel. The weights sum to 1: a grey pixel keeps its number.

    Shapes
    ------
    images : ``(3, H, W)`` or ``(N, 3, H, W)``
    return : ``(1, H, W)`` or ``(N, 1, H, W)``

    Raises
    ------
    TypeError
        If ``images`` is not a tensor of floating-point numbers.
    ValueError
        If it does not have three channels.

    References
    ----------
    ITU-R, Recommendation BT.601, https://www.itu.int/rec/R-REC-BT.601

    Examples
    --------
    >>> to_grey(torch.eye(3).reshape(3, 1, 3))  # a red, a green and a blue pixel
    tensor([[[0.2990, 0.5870, 0.1140]]])
    """
    _check_images("images", images, 3, 3)
    weights = torch.tensor(_LUMA, dtype=images.dtype, device=images.device)
    return (images * weights.reshape(3, 1, 1)).sum(dim=-3, keepdim=True)


def composite(images: Tensor, background: float | Tensor = 1.0) -> Tensor:
    r"""Lay images with a fourth channel, their opacity, on a background.

    .. math:: y_c = \alpha \, x_c + (1 - \alpha) \, b_c

    Parameters
    ----------
    images : Tensor
        Red, green, blue and opacity :math:`\alpha`, all from 0 to 1.
    background : float or Tensor, optional
        The background :math:`b`: one number (1 is white), or an image of three channels.

    Returns
    -------
    Tensor
        Red, green and blue.

    Shapes
    ------
    images : ``(4, H, W)`` or ``(N, 4, H, W)``
    background : ``()``, or one that broadcasts to ``(3, H, W)``
    return : ``(3, H, W)`` or ``(N, 3, H, W)``

    Raises
    ------
    TypeError
        If ``images`` is not a tensor of floating-point numbers, or ``background`` differs in dtype.
    ValueError
        If ``images`` does not have four channels, or ``background`` does not broadcast to the
        other three.

    Examples
    --------
    A black pixel: opaque, half transparent and fully transparent, on white.

    >>> image = torch.zeros(4, 1, 3)
    >>> image[3] = torch.tensor([1.0, 0.5, 0.0])
    >>> composite(image)[0]
    tensor([[0.0000, 0.5000, 1.0000]])
    """
    _check_images("images", images, 4, 4)
    colour, opacity = images[..., :3, :, :], images[..., 3:, :, :]
    if isinstance(background, Tensor):
        require_same_placement("background", background, "images", images)
        try:
            fits = torch.broadcast_shapes(background.shape, colour.shape) == colour.shape
        except RuntimeError:
            fits = False
        if not fits:
            raise ValueError(
                f"background must broadcast to {tuple(colour.shape)}, got {describe(background)}"
            )
    return opacity * colour + (1 - opacity) * background


def channel_statistics(images: Tensor) -> tuple[Tensor, Tensor]:
    r"""Return mean and standard deviation of every channel, over all pixels of all images.

    .. math:: \mu_c = \frac{1}{NHW} \sum_{n,r,q} x_{n,c,r,q}, \qquad
              \sigma_c = \sqrt{\frac{1}{NHW} \sum_{n,r,q} (x_{n,c,r,q} - \mu_c)^2}

    Parameters
    ----------
    images : Tensor
        The *training* images.

    Returns
    -------
    mean : Tensor
        :math:`\mu`.
    std : Tensor
        :math:`\sigma`.

    Shapes
    ------
    images : ``(C, H, W)`` or ``(N, C, H, W)``
    mean : ``(C,)``
    std : ``(C,)``

    Raises
    ------
    TypeError
        If ``images`` is not a tensor of floating-point numbers.
    ValueError
        If it has another shape, or there is no pixel.

    Examples
    --------
    >>> mean, std = channel_statistics(torch.tensor([[[0.0, 1.0]], [[0.5, 0.5]]]))
    >>> mean.tolist(), std.tolist()
    ([0.5, 0.5], [0.5, 0.0])
    """
    _check_images("images", images, 0, None)
    dims = [dim for dim in range(images.dim()) if dim != images.dim() - 3]
    if 0 in [images.shape[dim] for dim in dims]:
        raise ValueError(f"images must have at least one pixel, got {describe(images)}")
    std, mean = torch.std_mean(images, dim=dims, correction=0)
    return mean, std


def normalize_channels(images: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    r"""Shift and scale every channel by numbers of its own.

    .. math:: y_{c,r,q} = \frac{x_{c,r,q} - \mu_c}{\sigma_c}

    Parameters
    ----------
    images : Tensor
        The images.
    mean, std : Tensor
        :math:`\mu` and :math:`\sigma` of the *training* images, from :func:`channel_statistics`,
        for training, validation and use alike.

    Returns
    -------
    Tensor
        The images with, over the training set, mean 0 and standard deviation 1 in every channel.

    Shapes
    ------
    images : ``(C, H, W)`` or ``(N, C, H, W)``
    mean, std : ``(C,)``
    return : as images

    Raises
    ------
    TypeError
        If one is not a tensor of floating-point numbers, or their dtypes differ.
    ValueError
        If a shape does not fit, or a standard deviation is not above 0.

    Examples
    --------
    >>> image = torch.tensor([[[0.0, 1.0]]])
    >>> normalize_channels(image, *channel_statistics(image))
    tensor([[[-1.,  1.]]])
    """
    mean, std = _check_statistics(images, mean, std)
    return (images - mean) / std


def denormalize_channels(images: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    r"""Undo :func:`normalize_channels`, to look at what a network was given.

    .. math:: x_{c,r,q} = \sigma_c \, y_{c,r,q} + \mu_c

    Parameters
    ----------
    images : Tensor
        Normalised images :math:`y`.
    mean, std : Tensor
        The numbers that they were normalised with.

    Returns
    -------
    Tensor
        The images as they were.

    Shapes
    ------
    images : ``(C, H, W)`` or ``(N, C, H, W)``
    mean, std : ``(C,)``
    return : as images

    Raises
    ------
    TypeError
        As :func:`normalize_channels` does.
    ValueError
        Likewise.

    Examples
    --------
    >>> mean, std = torch.tensor([0.5]), torch.tensor([0.25])
    >>> image = torch.tensor([[[0.0, 1.0]]])
    >>> denormalize_channels(normalize_channels(image, mean, std), mean, std)
    tensor([[[0., 1.]]])
    """
    mean, std = _check_statistics(images, mean, std)
    return images * std + mean


def _check_images(name: str, images: Tensor, least: int, most: int | None) -> None:
    require_floating(name, images)
    require_shape(name, images, ("C", "H", "W"), ("N", "C", "H", "W"))
    n_channels = images.shape[-3]
    if n_channels < least or (most is not None and n_channels > most):
        wanted = str(least) if least == most else f"{least} to {most}"
        remedy = ""
        if most is not None and least <= images.shape[-1] <= most:
            remedy = f"; use {name}.movedim(-1, -3) if the channels are last"
        raise ValueError(
            f"{name} must have {wanted} channels in dimension {images.dim() - 3}, got "
            f"{n_channels}: {describe(images)}{remedy}"
        )


def _check_statistics(images: Tensor, mean: Tensor, std: Tensor) -> tuple[Tensor, Tensor]:
    _check_images("images", images, 0, None)
    for name, value in (("mean", mean), ("std", std)):
        require_shape(name, value, (images.shape[-3],))
        require_same_placement(name, value, "images", images)
    if not bool((std > 0).all()):
        raise ValueError(
            f"std must be above 0 in every channel, got {std.tolist()}; "
            f"leave a constant channel out, or set its std to 1"
        )
    return mean.reshape(-1, 1, 1), std.reshape(-1, 1, 1)
