r"""Reverse-mode automatic differentiation of scalars, built from nothing.

Every number remembers which operation made it, from which inputs, and how fast it changes with each
of them. :func:`backward_steps` walks this graph from the output back to the inputs. Nothing here
calls PyTorch.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from handbook.checks import describe, require_number

__all__ = [
    "Scalar",
    "topological_order",
    "Contribution",
    "BackwardStep",
    "backward_steps",
    "zero_gradients",
    "path_products",
]


class Scalar:
    r"""A number that remembers how it was made.

    A result :math:`v = f(u_1, \dots, u_k)` keeps its inputs :math:`u_i` and the local slopes
    :math:`\partial v / \partial u_i` at the time of the calculation. That is all that the chain
    rule needs.

    Parameters
    ----------
    data : float
        The number.
    name : str, optional
        What a drawing calls it.

    Attributes
    ----------
    data : float
        The number.
    gradient : float
        What all calls of :meth:`backward` have added up since the start or since
        :func:`zero_gradients`.
    name : str
        What a drawing calls it; may be set at any time.
    operation : str
        What made it; empty for a number that you gave.
    inputs : tuple of Scalar
        What it was made from. The same input stands here twice if it was used twice.
    slopes : tuple of float
        The derivative with respect to each of ``inputs``.

    Raises
    ------
    TypeError
        If ``data`` is not an ``int`` or a ``float``, or ``name`` is not a ``str``.
    ValueError
        If ``data`` is NaN. The operations say themselves what else they refuse.

    Notes
    -----
    The operators are ``+``, ``-``, ``*``, ``/``, ``**`` and the sign, with plain numbers on either
    side. An overflow is ∞, as in PyTorch. A division by zero raises ``ZeroDivisionError`` and a
    logarithm or a power that is not a real number raises ``ValueError``, where PyTorch goes on with
    ∞ or NaN.

    The slopes belong to the numbers at the time of the calculation. Setting ``data`` afterwards, as
    a training step does with its parameters, does not change a graph that exists: calculate again.

    References
    ----------
    S. Linnainmaa, "Taylor expansion of the accumulated rounding error", BIT 16 (1976),
    doi:10.1007/BF01931367.

    Examples
    --------
    >>> w, x = Scalar(1.5), Scalar(2.0)
    >>> a = w * x
    >>> y = a + a**2
    >>> y
    Scalar(12.0, gradient=0.0)
    >>> y.backward()
    >>> w.gradient, x.gradient, a.gradient
    (14.0, 10.5, 7.0)

    One number used twice gets both its gradients:

    >>> x = Scalar(3.0)
    >>> (x * x).backward()
    >>> x.gradient
    6.0
    """

    __array_ufunc__ = None  # NumPy's numbers then leave the operation to this class
    __slots__ = ("__weakref__", "data", "gradient", "inputs", "name", "operation", "slopes")

    data: float
    gradient: float
    name: str
    operation: str
    inputs: tuple[Scalar, ...]
    slopes: tuple[float, ...]

    def __init__(self, data: float, name: str = "") -> None:
        if not isinstance(name, str):
            raise TypeError(f"name must be a str, got {describe(name)}")
        self.data = require_number("data", data)
        self.gradient = 0.0
        self.name = name
        self.operation = ""
        self.inputs = ()
        self.slopes = ()

    def __repr__(self) -> str:
        name = f", name={self.name!r}" if self.name else ""
        return f"Scalar({self.data!r}, gradient={self.gradient!r}{name})"

    def __add__(self, other: Scalar | float) -> Scalar:
        right = _operand(other)
        if right is None:
            return NotImplemented
        return _made(self.data + right.data, "+", (self, right), (1.0, 1.0))

    def __radd__(self, other: float) -> Scalar:
        left = _operand(other)
        return NotImplemented if left is None else left + self

    def __sub__(self, other: Scalar | float) -> Scalar:
        right = _operand(other)
        if right is None:
            return NotImplemented
        return _made(self.data - right.data, "-", (self, right), (1.0, -1.0))

    def __rsub__(self, other: float) -> Scalar:
        left = _operand(other)
        return NotImplemented if left is None else left - self

    def __mul__(self, other: Scalar | float) -> Scalar:
        right = _operand(other)
        if right is None:
            return NotImplemented
        return _made(self.data * right.data, "*", (self, right), (right.data, self.data))

    def __rmul__(self, other: float) -> Scalar:
        left = _operand(other)
        return NotImplemented if left is None else left * self

    def __truediv__(self, other: Scalar | float) -> Scalar:
        right = _operand(other)
        if right is None:
            return NotImplemented
        if right.data == 0:
            raise ZeroDivisionError(f"the divisor must not be zero, got {self.data!r} / 0")
        quotient = self.data / right.data
        return _made(quotient, "/", (self, right), (1.0 / right.data, -quotient / right.data))

    def __rtruediv__(self, other: float) -> Scalar:
        left = _operand(other)
        return NotImplemented if left is None else left / self

    def __neg__(self) -> Scalar:
        return _made(-self.data, "-", (self,), (-1.0,))

    def __pos__(self) -> Scalar:
        return self

    def __pow__(self, exponent: Scalar | float) -> Scalar:
        power = _operand(exponent)
        if power is None:
            return NotImplemented
        x, n = self.data, power.data
        value = _real_power(x, n)
        # n x^(n-1). A power of 0 is flat; at x = 0 and n < 1 the slope is infinite.
        if n == 0:
            slope = 0.0
        elif x == 0 and n < 1:
            slope = math.inf
        else:
            slope = n * _real_power(x, n - 1)
        if not isinstance(exponent, Scalar):
            return _made(value, f"**{exponent:g}", (self,), (slope,))
        if x < 0:
            raise ValueError(
                f"the base must not be negative where the exponent is a Scalar, got {x!r}; "
                "x**n has no slope in n there: use a plain number as the exponent"
            )
        # The slope in n is x^n log x, which goes to 0 with x.
        return _made(value, "**", (self, power), (slope, value * math.log(x) if x > 0 else 0.0))

    def __rpow__(self, base: float) -> Scalar:
        left = _operand(base)
        return NotImplemented if left is None else left**self

    def exp(self) -> Scalar:
        """Return :math:`e^x`; the slope is the value itself. It is ∞ above 709.78."""
        value = _real_exp(self.data)
        return _made(value, "exp", (self,), (value,))

    def log(self) -> Scalar:
        r"""Return the natural logarithm; the slope is :math:`1 / x`.

        Raises ``ValueError`` for zero and for a negative number.
        """
        if self.data <= 0:
            raise ValueError(f"log needs a positive number, got {self.data!r}")
        return _made(math.log(self.data), "log", (self,), (1.0 / self.data,))

    def tanh(self) -> Scalar:
        r"""Return the hyperbolic tangent; the slope is :math:`1 - \tanh^2 x`."""
        value = math.tanh(self.data)
        return _made(value, "tanh", (self,), (1.0 - value * value,))

    def relu(self) -> Scalar:
        r"""Return :math:`\max(x, 0)`; the slope is 1 for :math:`x > 0`, else 0, at 0 as well."""
        if self.data <= 0:
            return _made(0.0, "relu", (self,), (0.0,))
        return _made(self.data, "relu", (self,), (1.0,))

    def sigmoid(self) -> Scalar:
        r"""Return :math:`\sigma(x) = 1 / (1 + e^{-x})`; the slope is :math:`\sigma(1 - \sigma)`."""
        # e^-|x| cannot overflow.
        small = math.exp(-abs(self.data))
        value = 1.0 / (1.0 + small) if self.data >= 0 else small / (1.0 + small)
        return _made(value, "sigmoid", (self,), (value * (1.0 - value),))

    def backward(self, gradient: float = 1.0) -> None:
        r"""Add to every number's ``gradient`` the derivative of this one with respect to it.

        Parameters
        ----------
        gradient : float, optional
            The derivative of whatever comes after with respect to this number; 1 without it.

        Notes
        -----
        A second call adds the same again, to every number of the graph. PyTorch does so for the
        leaves; it frees its graph after the first call and keeps no gradient in between.
        """
        for step in backward_steps(self, gradient=gradient):
            step.node.gradient += step.gradient


def _made(
    data: float, operation: str, inputs: tuple[Scalar, ...], slopes: tuple[float, ...]
) -> Scalar:
    """Return the result of an operation. It may be NaN, as ∞ − ∞ is: only given numbers may not."""
    node = Scalar.__new__(Scalar)
    node.data = data
    node.gradient = 0.0
    node.name = ""
    node.operation = operation
    node.inputs = inputs
    node.slopes = slopes
    return node


def _operand(value: object) -> Scalar | None:
    """Return a number as a node of the graph; ``None`` lets Python raise its own TypeError."""
    if isinstance(value, Scalar):
        return value
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return Scalar(value)


def _require_scalar(name: str, value: object) -> Scalar:
    if not isinstance(value, Scalar):
        raise TypeError(f"{name} must be a Scalar, got {describe(value)}")
    return value


def _real_exp(x: float) -> float:
    try:
        return math.exp(x)
    except OverflowError:
        return math.inf


def _real_power(x: float, n: float) -> float:
    if x == 0 and n < 0:
        raise ZeroDivisionError(f"zero has no negative power, got 0 ** {n!r}")
    if x < 0 and math.isfinite(n) and n != int(n):
        raise ValueError(f"a negative base needs a whole exponent, got {x!r} ** {n!r}")
    try:
        return math.pow(x, n)
    except OverflowError:
        return -math.inf if x < 0 and n % 2 == 1 else math.inf


def topological_order(output: Scalar) -> list[Scalar]:
    r"""Return every node that ``output`` was made from, each after all its inputs.

    Parameters
    ----------
    output : Scalar
        The end of the graph.

    Returns
    -------
    list of Scalar
        Each node once; ``output`` is the last.

    Raises
    ------
    TypeError
        If ``output`` is not a :class:`Scalar`.

    Notes
    -----
    A depth-first search that notes a node when it leaves it. The nodes that wait are kept in a
    list: a function that calls itself stops at Python's limit of about 1000 calls, and graphs are
    deeper than that.

    References
    ----------
    R. E. Tarjan, "Edge-disjoint spanning trees and depth-first search", Acta Informatica 6 (1976),
    doi:10.1007/BF00268499.

    Examples
    --------
    >>> a = Scalar(3.0, name="a")
    >>> b = a**2
    >>> b.name = "b"
    >>> [node.name or node.operation for node in topological_order(a + b)]
    ['a', 'b', '+']
    """
    order: list[Scalar] = []
    seen: set[Scalar] = set()
    waiting = [(_require_scalar("output", output), False)]
    while waiting:
        node, inputs_done = waiting.pop()
        if inputs_done:
            order.append(node)
        elif node not in seen:
            seen.add(node)
            waiting.append((node, True))  # comes up again when all its inputs are in the order
            waiting.extend((before, False) for before in reversed(node.inputs))
    return order


class Contribution(NamedTuple):
    """What a node hands to one of its inputs in the backward pass.

    Parameters
    ----------
    input : Scalar
        Who gets it.
    slope : float
        The derivative of the node with respect to this input.
    amount : float
        The slope times the node's gradient.

    Examples
    --------
    >>> x = Scalar(3.0)
    >>> first = next(backward_steps(2 * x))
    >>> first.contributions[1].slope, first.contributions[1].amount
    (2.0, 2.0)
    """

    input: Scalar
    slope: float
    amount: float


class BackwardStep(NamedTuple):
    """One node's turn in the backward pass.

    Parameters
    ----------
    node : Scalar
        Whose turn it is.
    gradient : float
        What it has received in this pass.
    contributions : tuple of Contribution
        What it hands on to each of its inputs.

    Examples
    --------
    >>> x = Scalar(3.0)
    >>> last = list(backward_steps(x * x))[-1]
    >>> last.node is x, last.gradient, last.contributions
    (True, 6.0, ())
    """

    node: Scalar
    gradient: float
    contributions: tuple[Contribution, ...]


def backward_steps(
    output: Scalar, *, gradient: float = 1.0, order: Sequence[Scalar] | None = None
) -> Iterator[BackwardStep]:
    r"""Walk back from ``output``, one node at a time, and yield what each receives and hands on.

    .. math:: \frac{\partial L}{\partial u} = \sum_{v \text{ made from } u}
              \frac{\partial v}{\partial u} \, \frac{\partial L}{\partial v}

    Parameters
    ----------
    output : Scalar
        Where to start.
    gradient : float, optional
        The gradient of ``output`` itself; 1 without it.
    order : list of Scalar, optional
        Which node has its turn when: every node of the graph once. Without it, the reverse of
        :func:`topological_order`. Any order in which a node comes before one that was made from it
        gives **wrong** gradients; the argument is there to show that.

    Yields
    ------
    BackwardStep
        The node, its gradient in this pass, and its contributions.

    Raises
    ------
    TypeError
        If ``output`` is not a :class:`Scalar` or ``gradient`` not a number.
    ValueError
        If ``gradient`` is NaN, or ``order`` does not hold every node of the graph exactly once.

    Notes
    -----
    This changes no ``gradient`` attribute: :meth:`Scalar.backward` does. The sums are those of one
    pass, so that what an earlier pass has left cannot be handed on again.

    References
    ----------
    A. Griewank, A. Walther, "Evaluating Derivatives", 2nd edition, SIAM, 2008, chapter 3,
    doi:10.1137/1.9780898717761.

    Examples
    --------
    >>> a = Scalar(3.0, name="a")
    >>> y = a + a**2
    >>> for step in backward_steps(y):
    ...     print(step.node.name or step.node.operation, step.gradient)
    + 1.0
    **2 1.0
    a 7.0

    With the turn of ``a`` before that of the power, one contribution comes too late:

    >>> [step.gradient for step in backward_steps(y, order=[y, a, y.inputs[1]])]
    [1.0, 1.0, 1.0]
    """
    nodes = topological_order(output)
    start = require_number("gradient", gradient)
    if order is None:
        turns: Sequence[Scalar] = nodes[::-1]
    else:
        turns = list(order)
        if len(turns) != len(nodes) or set(turns) != set(nodes):
            raise ValueError(
                f"order must hold each of the {len(nodes)} nodes of the graph exactly once, "
                f"got {len(turns)} entries, {len(set(turns) & set(nodes))} of the nodes among them"
            )
    return _walk_back(output, start, turns)


def _walk_back(output: Scalar, start: float, turns: Sequence[Scalar]) -> Iterator[BackwardStep]:
    received = dict.fromkeys(turns, 0.0)
    received[output] = start
    for node in turns:
        gradient = received[node]
        contributions = tuple(
            Contribution(before, slope, slope * gradient)
            for before, slope in zip(node.inputs, node.slopes, strict=True)
        )
        for contribution in contributions:
            received[contribution.input] += contribution.amount
        yield BackwardStep(node, gradient, contributions)


def zero_gradients(scalars: Iterable[Scalar]) -> None:
    """Set the gradients back to 0, as before each step of a training loop.

    Parameters
    ----------
    scalars : list of Scalar
        The parameters, or every node of a graph.

    Raises
    ------
    TypeError
        If one of them is not a :class:`Scalar`, or they are not in a list or the like.

    Examples
    --------
    >>> x = Scalar(3.0)
    >>> for _ in range(2):
    ...     (x * x).backward()
    >>> x.gradient
    12.0
    >>> zero_gradients([x])
    >>> x.gradient
    0.0
    """
    if isinstance(scalars, Scalar):
        raise TypeError("scalars must be a list of Scalar, got a Scalar; use [scalars]")
    found: list[Any] = list(scalars)
    for i, scalar in enumerate(found):
        _require_scalar(f"scalars[{i}]", scalar)
    for scalar in found:
        scalar.gradient = 0.0


def path_products(output: Scalar, source: Scalar) -> Iterator[float]:
    r"""Yield for every path from ``source`` to ``output`` the product of the slopes along it.

    .. math:: \frac{\partial L}{\partial u} = \sum_{\text{paths } u \to L} \;
              \prod_{\text{edges } (p, q)} \frac{\partial q}{\partial p}

    Parameters
    ----------
    output : Scalar
        Where the paths end.
    source : Scalar
        Where they start.

    Yields
    ------
    float
        One product per path. The sum of all is the derivative.

    Raises
    ------
    TypeError
        If ``output`` or ``source`` is not a :class:`Scalar`.

    Notes
    -----
    This is the chain rule as it is said, and no way to compute: thirty additions of a number to
    itself make :math:`2^{30}` paths. The backward pass visits each edge once.

    Examples
    --------
    >>> a = Scalar(3.0)
    >>> y = a + a**2
    >>> list(path_products(y, a))
    [1.0, 6.0]
    """
    return _walk_paths(_require_scalar("output", output), _require_scalar("source", source))


def _walk_paths(output: Scalar, source: Scalar) -> Iterator[float]:
    waiting = [(output, 1.0)]
    while waiting:
        node, product = waiting.pop()
        if node is source:
            yield product
        # Reversed, so that the path through the first input comes up first.
        steps = zip(reversed(node.inputs), reversed(node.slopes), strict=True)
        waiting.extend((before, product * slope) for before, slope in steps)
