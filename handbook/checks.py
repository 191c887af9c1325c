r"""Guards at the public boundary, with one form of message.

Every message reads "*name* must *what was wanted*, got *what came*; *remedy*". A guard is called
once, where a reader's value enters the package; what lies behind it may trust its input.
"""

from __future__ import annotations

import importlib
import numbers
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

__all__ = [
    "describe",
    "require_tensor",
    "require_floating",
    "require_finite",
    "require_shape",
    "require_integer",
    "require_integers",
    "require_number",
    "require_choice",
    "require_same_placement",
    "require_generator",
    "optional_package",
]


def describe(value: object) -> str:
    """Say in a few words what a value is, for the "got …" part of a message.

    Parameters
    ----------
    value : object
        Anything a caller may have passed.

    Returns
    -------
    str
        For a tensor its dtype, shape and, off the CPU, its device; else the value and its type.

    Examples
    --------
    >>> describe(torch.zeros(2, 3))
    'a float32 tensor of shape (2, 3)'
    >>> describe(-1), describe(None), describe([1.0])
    ('-1', 'None', 'a list')
    """
    if isinstance(value, Tensor):
        dtype = str(value.dtype).removeprefix("torch.")
        place = "" if value.device.type == "cpu" else f" on {value.device}"
        return f"{_with_article(dtype)} tensor of shape {tuple(value.shape)}{place}"
    if value is None or isinstance(value, (bool, int, float, complex, str, torch.dtype, tuple)):
        return repr(value)
    return _with_article(type(value).__name__)


def _with_article(noun: str) -> str:
    return f"{'an' if noun[0].lower() in 'aeiou' else 'a'} {noun}"


def require_tensor(name: str, value: object) -> Tensor:
    """Return ``value`` if it is a tensor.

    Parameters
    ----------
    name : str
        The argument's name, for the message.
    value : object
        What the caller passed.

    Returns
    -------
    Tensor
        ``value`` itself.

    Raises
    ------
    TypeError
        If ``value`` is not a tensor.

    Examples
    --------
    >>> require_tensor("input", [1.0, 2.0])
    Traceback (most recent call last):
        ...
    TypeError: input must be a tensor, got a list; use torch.tensor(input)
    """
    if not isinstance(value, Tensor):
        raise TypeError(f"{name} must be a tensor, got {describe(value)}; use torch.tensor({name})")
    return value


def require_floating(name: str, value: object) -> Tensor:
    """Return ``value`` if it is a tensor of real floating-point numbers.

    Parameters
    ----------
    name : str
        The argument's name, for the message.
    value : object
        What the caller passed.

    Returns
    -------
    Tensor
        ``value`` itself.

    Raises
    ------
    TypeError
        If ``value`` is not a tensor, or its dtype is not a floating-point one.

    Examples
    --------
    >>> require_floating("x", torch.tensor([1, 2]))
    Traceback (most recent call last):
        ...
    TypeError: x must have a floating-point dtype, got an int64 tensor of shape (2,); use x.float()
    """
    tensor = require_tensor(name, value)
    if not tensor.is_floating_point():
        raise TypeError(
            f"{name} must have a floating-point dtype, got {describe(tensor)}; use {name}.float()"
        )
    return tensor


def require_finite(name: str, value: object) -> Tensor:
    """Return ``value`` if it is a tensor without NaN and infinity.

    Parameters
    ----------
    name : str
        The argument's name, for the message.
    value : object
        What the caller passed.

    Returns
    -------
    Tensor
        ``value`` itself.

    Raises
    ------
    TypeError
        If ``value`` is not a tensor.
    ValueError
        If one of its elements is NaN or infinite.

    Examples
    --------
    >>> require_finite("points", torch.tensor([[0.0, 1.0], [float("nan"), 2.0]]))
    Traceback (most recent call last):
        ...
    ValueError: points must hold finite numbers, got nan at index (1, 0)
    """
    tensor = require_tensor(name, value)
    finite = torch.isfinite(tensor)
    if not bool(finite.all()):
        index = tuple((~finite).nonzero()[0].tolist())
        raise ValueError(
            f"{name} must hold finite numbers, got {tensor[index].item()} at index {index}"
        )
    return tensor


def require_shape(name: str, value: object, *shapes: tuple[str | int, ...]) -> Tensor:
    """Return ``value`` if it is a tensor of one of the wanted shapes.

    Parameters
    ----------
    name : str
        The argument's name, for the message.
    value : object
        What the caller passed.
    *shapes : tuple of str or int
        Each wanted shape: a size where it is fixed, a letter where any size will do.

    Returns
    -------
    Tensor
        ``value`` itself.

    Raises
    ------
    TypeError
        If ``value`` is not a tensor.
    ValueError
        If its shape fits none of ``shapes``.

    Examples
    --------
    >>> require_shape("points", torch.zeros(5, 3), ("N", 3)).shape
    torch.Size([5, 3])
    >>> require_shape("points", torch.zeros(5), ("N", 2), ("B", "N", 2))
    Traceback (most recent call last):
        ...
    ValueError: points must have shape (N, 2) or (B, N, 2), got a float32 tensor of shape (5,)
    """
    tensor = require_tensor(name, value)
    for shape in shapes:
        if len(shape) == tensor.dim() and all(
            isinstance(wanted, str) or wanted == size
            for wanted, size in zip(shape, tensor.shape, strict=True)
        ):
            return tensor
    wanted = " or ".join(_shape_text(shape) for shape in shapes)
    raise ValueError(f"{name} must have shape {wanted}, got {describe(tensor)}")


def _shape_text(shape: tuple[str | int, ...]) -> str:
    inside = ", ".join(str(size) for size in shape)
    return f"({inside},)" if len(shape) == 1 else f"({inside})"


def require_integer(
    name: str, value: object, *, minimum: int | None = None, maximum: int | None = None
) -> int:
    """Return ``value`` if it is a whole number inside the bounds.

    A ``bool`` is refused: it is an ``int`` to Python and a mistake to a reader.

    Parameters
    ----------
    name : str
        The argument's name, for the message.
    value : object
        What the caller passed.
    minimum, maximum : int, optional
        The bounds, both inclusive.

    Returns
    -------
    int
        ``value`` itself.

    Raises
    ------
    TypeError
        If ``value`` is not an ``int``.
    ValueError
        If it lies outside the bounds.

    Examples
    --------
    >>> require_integer("n_samples", 0, minimum=1)
    Traceback (most recent call last):
        ...
    ValueError: n_samples must be at least 1, got 0
    >>> require_integer("n_samples", 2.0)
    Traceback (most recent call last):
        ...
    TypeError: n_samples must be an int, got 2.0
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be an int, got {describe(value)}")
    _require_bounds(name, value, minimum, maximum)
    return value


def require_integers(
    name: str, value: object, count: int, *, minimum: int | None = None
) -> tuple[int, ...]:
    """Return one whole number for each of ``count`` dimensions.

    Parameters
    ----------
    name : str
        The argument's name, for the message.
    value : object
        One whole number for all dimensions, or a tuple with one for each. NumPy's integers count.
    count : int
        How many there must be.
    minimum : int, optional
        The smallest that each may be.

    Returns
    -------
    tuple of int
        ``count`` numbers.

    Raises
    ------
    TypeError
        If an entry is not an ``int``.
    ValueError
        If there are too few or too many, or one is below ``minimum``.

    Examples
    --------
    >>> require_integers("stride", 2, 2), require_integers("stride", (1, 2), 2)
    ((2, 2), (1, 2))
    >>> require_integers("stride", (1, 0), 2, minimum=1)
    Traceback (most recent call last):
        ...
    ValueError: stride[1] must be at least 1, got 0
    >>> require_integers("stride", (1, 2, 3), 2)
    Traceback (most recent call last):
        ...
    ValueError: stride must be an int or a tuple of 2, got (1, 2, 3)
    """
    if not isinstance(value, (tuple, list)):
        return (require_integer(name, _as_python_integer(value), minimum=minimum),) * count
    if len(value) not in (1, count):
        raise ValueError(
            f"{name} must be an int or a tuple of {count}, got {describe(tuple(value))}"
        )
    entries = tuple(value) * (count // len(value))
    return tuple(
        require_integer(f"{name}[{i}]", _as_python_integer(entry), minimum=minimum)
        for i, entry in enumerate(entries)
    )


def _as_python_integer(value: Any) -> object:
    is_integer_of_numpy = not isinstance(value, int) and isinstance(value, numbers.Integral)
    return int(value) if is_integer_of_numpy else value


def require_number(
    name: str,
    value: object,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    above: float | None = None,
    below: float | None = None,
) -> float:
    """Return ``value`` as a ``float`` if it is a real number inside the bounds.

    Parameters
    ----------
    name : str
        The argument's name, for the message.
    value : object
        What the caller passed.
    minimum, maximum : float, optional
        Inclusive bounds.
    above, below : float, optional
        Exclusive bounds.

    Returns
    -------
    float
        The number.

    Raises
    ------
    TypeError
        If ``value`` is not an ``int`` or a ``float``.
    ValueError
        If it is NaN, or lies outside the bounds.

    Examples
    --------
    >>> require_number("learning_rate", 1)
    1.0
    >>> require_number("learning_rate", 0.0, above=0.0)
    Traceback (most recent call last):
        ...
    ValueError: learning_rate must be above 0.0, got 0.0
    >>> require_number("learning_rate", float("nan"))
    Traceback (most recent call last):
        ...
    ValueError: learning_rate must be a number, got nan
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name} must be a real number, got {describe(value)}")
    if value != value:
        raise ValueError(f"{name} must be a number, got nan")
    _require_bounds(name, value, minimum, maximum)
    if above is not None and not value > above:
        raise ValueError(f"{name} must be above {above}, got {value!r}")
    if below is not None and not value < below:
        raise ValueError(f"{name} must be below {below}, got {value!r}")
    return float(value)


def _require_bounds(name: str, value: float, minimum: float | None, maximum: float | None) -> None:
    if minimum is not None and value < minimum:
        raise ValueError(f"{name} must be at least {minimum}, got {value!r}")
    if maximum is not None and value > maximum:
        raise ValueError(f"{name} must be at most {maximum}, got {value!r}")


def require_choice(name: str, value: object, choices: tuple[str, ...]) -> str:
    """Return ``value`` if it is one of the words on offer.

    Parameters
    ----------
    name : str
        The argument's name, for the message.
    value : object
        What the caller passed.
    choices : tuple of str
        The words on offer.

    Returns
    -------
    str
        ``value`` itself.

    Raises
    ------
    ValueError
        If ``value`` is none of them.

    Examples
    --------
    >>> require_choice("reduction", "avg", ("none", "mean", "sum"))
    Traceback (most recent call last):
        ...
    ValueError: reduction must be one of 'none', 'mean', 'sum', got 'avg'
    """
    if not isinstance(value, str) or value not in choices:
        offered = ", ".join(repr(choice) for choice in choices)
        raise ValueError(f"{name} must be one of {offered}, got {describe(value)}")
    return value


def require_same_placement(name: str, value: Tensor, other_name: str, other: Tensor) -> None:
    """Refuse two tensors that differ in dtype or device.

    Parameters
    ----------
    name, other_name : str
        The arguments' names, for the message.
    value, other : Tensor
        The tensors; ``other`` is the one to agree with.

    Raises
    ------
    TypeError
        If the dtypes differ.
    ValueError
        If the devices differ.

    Examples
    --------
    >>> require_same_placement("weight", torch.ones(1).double(), "input", torch.ones(1))
    Traceback (most recent call last):
        ...
    TypeError: weight must have input's dtype float32, got float64; use weight.to(input.dtype)
    """
    if value.dtype != other.dtype:
        wanted, came = (str(tensor.dtype).removeprefix("torch.") for tensor in (other, value))
        raise TypeError(
            f"{name} must have {other_name}'s dtype {wanted}, got {came}; "
            f"use {name}.to({other_name}.dtype)"
        )
    if value.device != other.device:
        raise ValueError(
            f"{name} must be on {other_name}'s device {other.device}, got {value.device}; "
            f"use {name}.to({other_name}.device)"
        )


def require_generator(name: str, value: object) -> torch.Generator:
    """Return ``value`` if it is a random generator.

    Parameters
    ----------
    name : str
        The argument's name, for the message.
    value : object
        What the caller passed.

    Returns
    -------
    torch.Generator
        ``value`` itself.

    Raises
    ------
    TypeError
        If ``value`` is not a :class:`torch.Generator`.

    Examples
    --------
    >>> require_generator("generator", 0)
    Traceback (most recent call last):
        ...
    TypeError: generator must be a torch.Generator, got 0; use ...make_generator(0)
    """
    if not isinstance(value, torch.Generator):
        seed = value if isinstance(value, int) else 0
        raise TypeError(
            f"{name} must be a torch.Generator, got {describe(value)}; "
            f"use handbook.seeding.make_generator({seed})"
        )
    return value


def optional_package(module: str, *, distribution: str, purpose: str) -> ModuleType:
    """Import a package that only some readers have.

    Parameters
    ----------
    module : str
        The name to import, such as ``"sklearn.datasets"``.
    distribution : str
        The name to install, such as ``"scikit-learn"``.
    purpose : str
        What needs it, for the message.

    Returns
    -------
    types.ModuleType
        The imported module.

    Raises
    ------
    ImportError
        If it is not installed; the message says what needs it and how to install it.

    Examples
    --------
    >>> optional_package("math", distribution="python", purpose="arithmetic").sqrt(4.0)
    2.0
    >>> optional_package("no_such", distribution="no-such", purpose="digits")
    Traceback (most recent call last):
        ...
    ImportError: digits needs the package no-such, which is not installed; use: pip install no-such
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is not None and not f"{module}.".startswith(f"{error.name}."):
            raise  # The package is there, and something that it needs is not.
        raise ImportError(
            f"{purpose} needs the package {distribution}, which is not installed; "
            f"use: pip install {distribution}"
        ) from error
