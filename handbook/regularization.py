r"""Regularisation: dropout, the L2 penalty and weight decay.

:func:`dropout` and its channelwise forms multiply by a random mask of zeros and :math:`1/(1-p)`.
The draws are those of PyTorch: the same generator, or the same global seed, gives the same mask.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from handbook.checks import (
    describe,
    require_floating,
    require_generator,
    require_number,
    require_tensor,
)

__all__ = ["dropout", "dropout1d", "dropout2d", "l2_penalty", "decay_groups"]


def _require_probability(p: object) -> float:
    return require_number("p", p, minimum=0.0, maximum=1.0)


def _drop(
    x: Tensor,
    shape: torch.Size | None,
    p: float,
    training: bool,
    inplace: bool,
    generator: torch.Generator | None,
) -> Tensor:
    """Multiply by a mask of the given shape, or of the input's own shape and memory layout."""
    if generator is not None:
        require_generator("generator", generator)
    if not training or p == 0 or x.numel() == 0:
        return x
    if p == 1:  # 1 / (1 - p) would be infinite
        return x.mul_(0) if inplace else x * torch.zeros((), dtype=x.dtype, device=x.device)
    require_floating("input", x)
    place = x.device if generator is None else generator.device
    if shape is None:
        mask = torch.empty_like(x, device=place, requires_grad=False)
    else:
        mask = torch.empty(shape, dtype=x.dtype, device=place)
    mask = mask.bernoulli_(1 - p, generator=generator).div_(1 - p).to(x.device)
    return x.mul_(mask) if inplace else x * mask


def dropout(
    input: Tensor,
    p: float = 0.5,
    training: bool = True,
    inplace: bool = False,
    *,
    generator: torch.Generator | None = None,
) -> Tensor:
    r"""Set each element to zero with probability :math:`p`, and scale up those that stay.

    .. math:: y_i = \frac{m_i}{1 - p}\,x_i, \quad m_i \sim \mathrm{Bernoulli}(1 - p), \qquad
              \mathbb E[y_i] = x_i, \quad \operatorname{Var}[y_i] = \frac{p}{1 - p}\,x_i^2

    Parameters
    ----------
    input : Tensor
        Any floating-point numbers.
    p : float, default 0.5
        The probability of a zero, from 0 to 1.
    training : bool, default True
        Whether to drop anything. If not, the input itself is returned.
    inplace : bool, default False
        Whether to overwrite the input.
    generator : torch.Generator, optional
        Where the mask comes from; without it, PyTorch's global generator.

    Returns
    -------
    Tensor
        The thinned numbers, in the input's dtype.

    Shapes
    ------
    input : ``(*)``
    return : ``(*)``

    Raises
    ------
    TypeError
        If ``input`` is not a tensor, or would have to be scaled and holds no floating-point
        numbers, or another argument has the wrong type.
    ValueError
        If ``p`` is not from 0 to 1.

    Notes
    -----
    ``training`` is ``True`` unless you say otherwise. Inside a module, pass
    ``training=self.training``. As in PyTorch the mask multiplies, so a dropped NaN or infinity is
    NaN and not 0; with ``p=1`` nothing is left but zeros (and those NaN). Differences from PyTorch:
    the keyword ``generator``, which may live on another device than the input.

    References
    ----------
    N. Srivastava, G. Hinton, A. Krizhevsky, I. Sutskever, R. Salakhutdinov, "Dropout: a simple way
    to prevent neural networks from overfitting", JMLR 15, 2014.

    Examples
    --------
    >>> generator = torch.Generator().manual_seed(0)
    >>> dropout(torch.ones(8), 0.5, generator=generator)  # 0, or 1 / (1 - 0.5)
    tensor([0., 0., 2., 0., 0., 0., 2., 2.])

    In evaluation it is the identity:

    >>> x = torch.ones(3)
    >>> dropout(x, training=False) is x
    True
    """
    x, share = require_tensor("input", input), _require_probability(p)
    return _drop(x, None, share, training, inplace, generator)


def dropout1d(
    input: Tensor,
    p: float = 0.5,
    training: bool = True,
    inplace: bool = False,
    *,
    generator: torch.Generator | None = None,
) -> Tensor:
    r"""Set whole channels of signals to zero with probability :math:`p`, and scale up the others.

    .. math:: y_{nct} = \frac{m_{nc}}{1 - p}\,x_{nct}, \qquad m_{nc} \sim \mathrm{Bernoulli}(1 - p)

    Parameters
    ----------
    input : Tensor
        Signals, or a single one.
    p : float, default 0.5
        The probability of a zero, from 0 to 1.
    training : bool, default True
        Whether to drop anything.
    inplace : bool, default False
        Whether to overwrite the input.
    generator : torch.Generator, optional
        Where the mask comes from; without it, PyTorch's global generator.

    Returns
    -------
    Tensor
        The thinned signals.

    Shapes
    ------
    input : ``(N, C, T)`` or ``(C, T)``
    return : ``(N, C, T)`` or ``(C, T)``

    Raises
    ------
    TypeError
        As :func:`dropout` does.
    ValueError
        If ``p`` is not from 0 to 1, or the input has other than 2 or 3 dimensions.

    Notes
    -----
    Neighbours of a signal say nearly the same. Where one of them is dropped, the other tells the
    network what was there; a whole channel cannot be guessed like that.

    References
    ----------
    J. Tompson, R. Goroshin, A. Jain, Y. LeCun, C. Bregler, "Efficient object localization using
    convolutional networks", CVPR 2015, https://doi.org/10.1109/CVPR.2015.7298664.

    Examples
    --------
    >>> dropout1d(torch.ones(3, 4), generator=torch.Generator().manual_seed(0))
    tensor([[0., 0., 0., 0.],
            [0., 0., 0., 0.],
            [2., 2., 2., 2.]])
    """
    x, share = require_tensor("input", input), _require_probability(p)
    if x.dim() not in (2, 3):
        raise ValueError(f"input must have shape (N, C, T) or (C, T), got {describe(x)}")
    return _drop(x, torch.Size((*x.shape[:-1], 1)), share, training, inplace, generator)


def dropout2d(
    input: Tensor,
    p: float = 0.5,
    training: bool = True,
    inplace: bool = False,
    *,
    generator: torch.Generator | None = None,
) -> Tensor:
    r"""Set whole channels of images to zero with probability :math:`p`, and scale up the others.

    .. math:: y_{nchw} = \frac{m_{nc}}{1 - p}\,x_{nchw}, \qquad
              m_{nc} \sim \mathrm{Bernoulli}(1 - p)

    Parameters
    ----------
    input : Tensor
        Images.
    p : float, default 0.5
        The probability of a zero, from 0 to 1.
    training : bool, default True
        Whether to drop anything.
    inplace : bool, default False
        Whether to overwrite the input.
    generator : torch.Generator, optional
        Where the mask comes from; without it, PyTorch's global generator.

    Returns
    -------
    Tensor
        The thinned images.

    Shapes
    ------
    input : ``(N, C, H, W)``
    return : ``(N, C, H, W)``

    Raises
    ------
    TypeError
        As :func:`dropout` does.
    ValueError
        If ``p`` is not from 0 to 1, or the input has other than 3 or 4 dimensions.

    Warns
    -----
    UserWarning
        If the input has 3 dimensions. It is read as ``(N, C, T)``, not as one image: so does
        PyTorch.

    Notes
    -----
    Differences from PyTorch: 2 and 5 dimensions are refused, which PyTorch takes with a warning.

    References
    ----------
    J. Tompson, R. Goroshin, A. Jain, Y. LeCun, C. Bregler, "Efficient object localization using
    convolutional networks", CVPR 2015, https://doi.org/10.1109/CVPR.2015.7298664.

    Examples
    --------
    Each channel of each image is there as a whole, or not at all:

    >>> y = dropout2d(torch.ones(2, 3, 4, 4), generator=torch.Generator().manual_seed(0))
    >>> y.amin((2, 3)).equal(y.amax((2, 3))), y[:, :, 0, 0]
    (True, tensor([[0., 0., 2.],
            [0., 0., 0.]]))
    """
    x, share = require_tensor("input", input), _require_probability(p)
    if x.dim() == 3:
        warnings.warn(
            "input has 3 dimensions and is read as (N, C, T); use input[None] for one image "
            "(C, H, W), and dropout1d for signals",
            stacklevel=2,
        )
    elif x.dim() != 4:
        raise ValueError(f"input must have shape (N, C, H, W), got {describe(x)}")
    shape = torch.Size((*x.shape[:2], *(1,) * (x.dim() - 2)))
    return _drop(x, shape, share, training, inplace, generator)


def l2_penalty(parameters: Tensor | Iterable[Tensor], weight: float) -> Tensor:
    r"""Return half the weighted sum of squares of parameters, to be added to a loss.

    .. math:: \frac{\lambda}{2} \sum_i \theta_i^2, \qquad
              \frac{\partial}{\partial \theta_i} = \lambda\,\theta_i

    Parameters
    ----------
    parameters : Tensor or iterable of Tensor
        What to hold small.
    weight : float
        The strength :math:`\lambda`, at least 0. With the half, it is the number that an optimiser
        calls ``weight_decay``.

    Returns
    -------
    Tensor
        The penalty; of no parameters it is 0.

    Shapes
    ------
    parameters : ``(*)`` each
    return : ``()``

    Raises
    ------
    TypeError
        If a parameter is not a floating-point tensor, or ``weight`` is not a number.
    ValueError
        If ``weight`` is negative.

    Notes
    -----
    Half precision is squared and summed in float32: its largest number, 65504, is only the square
    of 256.

    References
    ----------
    A. Krogh, J. A. Hertz, "A simple weight decay can improve generalization", NeurIPS 1991.

    Examples
    --------
    >>> theta = torch.tensor([3.0, -4.0], requires_grad=True)
    >>> penalty = l2_penalty(theta, 0.1)
    >>> penalty.backward()
    >>> penalty.item(), theta.grad
    (1.25, tensor([ 0.3000, -0.4000]))
    """
    strength = require_number("weight", weight, minimum=0.0)
    tensors = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    total: Tensor | None = None
    for i, parameter in enumerate(tensors):
        x = require_floating(f"parameters[{i}]", parameter)
        x = x.float() if x.element_size() < 4 else x
        square = (x * x).sum()
        total = square if total is None else total + square.to(total.device)
    return torch.zeros(()) if total is None else 0.5 * strength * total


def decay_groups(module: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    r"""Split the parameters of a model into those that decay and those that do not.

    .. math:: \theta_{t+1} = (1 - \gamma \lambda)\,\theta_t - \gamma\,g_t \ \text{(matrices)}, \quad
              \theta_{t+1} = \theta_t - \gamma\,g_t \ \text{(vectors)}

    Parameters
    ----------
    module : torch.nn.Module
        The model.
    weight_decay : float
        The decay :math:`\lambda` of the first group, at least 0.

    Returns
    -------
    list of dict
        Two groups for an optimiser: matrices and kernels with ``weight_decay``; biases, weights of
        normalisations and other parameters of fewer than two dimensions with 0.

    Raises
    ------
    TypeError
        If ``module`` is not a module, or ``weight_decay`` is not a number.
    ValueError
        If ``weight_decay`` is negative.

    Notes
    -----
    Frozen parameters are left out. A parameter that two layers share is in its group once.

    References
    ----------
    I. Goodfellow, Y. Bengio, A. Courville, *Deep Learning*, section 7.1, MIT Press, 2016.

    Examples
    --------
    >>> model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
    >>> groups = decay_groups(model, 0.01)
    >>> [(len(group["params"]), group["weight_decay"]) for group in groups]
    [(2, 0.01), (4, 0.0)]
    >>> optimizer = torch.optim.AdamW(groups, lr=1e-3)
    """
    if not isinstance(module, nn.Module):
        raise TypeError(f"module must be a torch.nn.Module, got {describe(module)}")
    decay = require_number("weight_decay", weight_decay, minimum=0.0)
    learned = [parameter for parameter in module.parameters() if parameter.requires_grad]
    return [
        {"params": [p for p in learned if p.dim() >= 2], "weight_decay": decay},
        {"params": [p for p in learned if p.dim() < 2], "weight_decay": 0.0},
    ]
