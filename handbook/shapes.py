r"""The shape tape: what goes into every layer of a model, what comes out, and why it has that size.

:func:`tape` runs a copy of a model once and writes down each call of each layer, with the
arithmetic that gives its output's size and its number of parameters. A line of arithmetic is shown
only if its result is what the layer really put out, so a layer of your own that happens to be
called ``Conv2d`` is never explained by a formula that it does not follow.
"""

from __future__ import annotations

import copy
import inspect
import math
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from handbook.checks import describe

__all__ = ["tape", "Tape", "LayerShapes", "shapes_text"]

_SIDES = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}


@dataclass(frozen=True)
class LayerShapes:
    """One call of one layer, as :func:`tape` saw it.

    A tensor's shape is a tuple of ``int``; several tensors are a list of shapes, named ones a
    ``dict``. What holds no tensor is left out of ``input`` and is ``None`` in ``output``.

    Parameters
    ----------
    name : str
        Where the layer is in the model, such as ``"head.0"``; empty for the model itself.
    kind : str
        The name of its class.
    input : tuple, list or dict
        What went in.
    output : tuple, list, dict or None
        What came out.
    parameters : int
        Numbers that it learns and that no row above has counted.
    arithmetic : tuple of str
        The lines that explain both.
    depth : int
        How many modules it lies inside of.
    call : int
        1 at its first call, 2 at its second.
    is_container : bool
        Whether it only calls other modules, which have rows of their own.

    Examples
    --------
    >>> row = tape(nn.Linear(3, 2), torch.zeros(5, 3)).rows[0]
    >>> row.kind, row.input, row.output, row.parameters
    ('Linear', (5, 3), (5, 2), 8)
    >>> row.arithmetic
    ('3 features → 2', '2·(3 + 1) = 8 parameters')
    """

    name: str
    kind: str
    input: Any
    output: Any
    parameters: int
    arithmetic: tuple[str, ...]
    depth: int
    call: int
    is_container: bool

    @property
    def label(self) -> str:
        """The name, with the number of the call from the second one on."""
        name = self.name or "(model)"
        return name if self.call == 1 else f"{name} (call {self.call})"


@dataclass(frozen=True)
class Tape:
    """What :func:`tape` has written down: as rows, as text, as a table for a page.

    ``str()`` gives the text: a line for each layer, and its arithmetic below it.

    Parameters
    ----------
    rows : tuple of LayerShapes
        Every call of every module in the order in which the calls began, containers included.
    n_parameters : int
        Parameters of the whole model, each counted once.
    unused : tuple of tuple
        Name, class and number of parameters of each layer that has some and was never called.

    Examples
    --------
    >>> found = tape(nn.Sequential(nn.Flatten(), nn.Linear(6, 4)), torch.zeros(1, 2, 3))
    >>> [row.name for row in found.rows], [row.name for row in found.layers]
    (['', '0', '1'], ['0', '1'])
    >>> found["1"].output
    (1, 4)
    >>> print(found)
    0  Flatten  (1, 2, 3) → (1, 6)
        2·3 = 6
    1  Linear   (1, 6) → (1, 4)     28 parameters
        6 features → 4
        4·(6 + 1) = 28 parameters
    Sequential: (1, 2, 3) → (1, 4), 28 parameters
    """

    rows: tuple[LayerShapes, ...]
    n_parameters: int
    unused: tuple[tuple[str, str, int], ...] = ()

    @property
    def layers(self) -> tuple[LayerShapes, ...]:
        """The rows without those of containers."""
        return tuple(row for row in self.rows if not row.is_container)

    def __getitem__(self, name: str) -> LayerShapes:
        """Return the first call of the layer of this name."""
        for row in self.rows:
            if row.name == name:
                return row
        known = ", ".join(repr(row.name) for row in self.rows if row.call == 1)
        raise KeyError(f"no layer named {name!r} was called; there are {known}")

    def totals(self) -> str:
        """Say in one line what the model makes of its input, and what it did not use.

        Returns
        -------
        str
            The line.

        Examples
        --------
        >>> tape(nn.Linear(3, 2), torch.zeros(5, 3)).totals()
        'Linear: (5, 3) → (5, 2), 8 parameters'
        """
        first = self.rows[0]
        text = f"{first.kind}: {shapes_text(first.input)} → {shapes_text(first.output)}, "
        text += _count_text(self.n_parameters)
        for name, kind, number in self.unused:
            text += f"; never called: {name} {kind}, {_count_text(number)}"
        return text

    def __str__(self) -> str:
        heads = [
            (
                row.label,
                row.kind,
                f"{shapes_text(row.input)} → {shapes_text(row.output)}",
                _count_text(row.parameters) if row.parameters else "",
            )
            for row in self.layers
        ]
        widths = [max((len(head[i]) for head in heads), default=0) for i in range(3)]
        lines = []
        for row, head in zip(self.layers, heads, strict=True):
            cells = [cell.ljust(width) for cell, width in zip(head[:3], widths, strict=True)]
            lines.append("  ".join([*cells, head[3]]).rstrip())
            lines += [f"    {line}" for line in row.arithmetic]
        return "\n".join([*lines, self.totals()])

    def markdown(self) -> str:
        """Write the layers as a table in Markdown.

        Returns
        -------
        str
            The table, with a last row for the whole model.

        Examples
        --------
        >>> print(tape(nn.Linear(3, 2), torch.zeros(5, 3)).markdown())
        | layer | input | output | parameters | arithmetic |
        |---|---|---|--:|---|
        | (model) Linear | (5, 3) | (5, 2) | 8 | 3 features → 2; 2·(3 + 1) = 8 parameters |
        | **Linear** | (5, 3) | (5, 2) | 8 | |
        """
        lines = ["| layer | input | output | parameters | arithmetic |", "|---|---|---|--:|---|"]
        for row in self.layers:
            cells = (
                f"{row.label} {row.kind}",
                shapes_text(row.input),
                shapes_text(row.output),
                f"{row.parameters:,}",
                "; ".join(row.arithmetic),
            )
            lines.append("| " + " | ".join(_cell_text(cell) for cell in cells) + " |")
        for name, kind, number in self.unused:
            lines.append(f"| {_cell_text(f'{name} {kind}')} | never called | | {number:,} | |")
        first = self.rows[0]
        ends = (shapes_text(first.input), shapes_text(first.output))
        lines.append(
            f"| **{_cell_text(first.kind)}** | {_cell_text(ends[0])} | {_cell_text(ends[1])} "
            f"| {self.n_parameters:,} | |"
        )
        return "\n".join(lines)


def tape(model: nn.Module, *inputs: Any, **named: Any) -> Tape:
    """Run a model once and write down the shapes of every layer, with their arithmetic.

    Parameters
    ----------
    model : torch.nn.Module
        Any model: of PyTorch's layers, of ours, of your own.
    *inputs
        What you would call it with: ``tape(model, input)`` runs ``model(input)``. A model of
        several inputs gets each as an argument of its own.
    **named
        Inputs by name.

    Returns
    -------
    Tape
        Its ``rows`` are the data, ``str()`` of it the text, :meth:`Tape.markdown` a table.

    Raises
    ------
    TypeError
        If ``model`` is not a module or cannot be copied, a shape is given in place of a tensor, or
        the inputs are not those that the model's ``forward`` takes.
    ValueError
        If the shapes inside the model do not fit. The message names the layer, what it got and
        the size that it should have.

    Notes
    -----
    The model stays as it is: a deep copy of it runs, on copies of the inputs, and the state of the
    random generators is put back. So running statistics, hooks, modes, lazy layers and whatever
    else the model remembers do not change, at the price of the memory of a second model. With a
    model and an input on the device ``"meta"`` there is no price: sizes are all that exists there.
    Hooks of your own run, because some, like those of pruning, are part of the model. For a model
    from :func:`torch.compile` the model that it was made from runs.

    The copy runs in the mode of the model, except that layers with running statistics use them:
    batch normalisation refuses to be trained on a batch of one, which is no matter of shapes.

    A layer that is called several times has a row for each call. Its parameters are counted in the
    first, as are those that several layers share. Children that a layer reads without calling
    them, as attention does with its output projection, are counted with that layer.

    Examples
    --------
    Where does 16·5·5 come from?

    >>> lenet = nn.Sequential(
    ...     nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
    ...     nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(400, 10),
    ... )
    >>> found = tape(lenet, torch.zeros(1, 1, 28, 28))
    >>> found["0"].arithmetic
    ('⌊(28 + 2·2 − 5)/1⌋ + 1 = 28', '6·(1·5·5 + 1) = 156 parameters')
    >>> found["5"].output, found["6"].arithmetic
    ((1, 16, 5, 5), ('16·5·5 = 400',))

    The degenerate case, a model without layers inside:

    >>> print(tape(nn.Identity(), torch.zeros(3)))
    (model)  Identity  (3,) → (3,)
        same shape
    Identity: (3,) → (3,), no parameters

    A head that does not fit is named, with the size that would:

    >>> lenet[7] = nn.Linear(256, 10)
    >>> tape(lenet, torch.zeros(1, 1, 28, 28))
    Traceback (most recent call last):
        ...
    ValueError: layer '7' Linear(in_features=256) got 400 features; 16·5·5 = 400: use Linear(400, …)
    """
    given: object = model
    if not isinstance(given, nn.Module):
        hint = f"; use {given.__name__}(…)" if isinstance(given, type) else ""
        raise TypeError(f"model must be a torch.nn.Module, got {describe(given)}{hint}")
    model = getattr(model, "_orig_mod", model)  # a compiled model's layers are those of its source
    inputs, named = _checked_inputs(model, inputs, named)
    with _generators_put_back(model, [*inputs, *named.values()]):
        running = _independent_copy(model)
        recorder = _Recorder(running)
        handles = recorder.attach()
        try:
            running(
                *(_copied_input(value) for value in inputs),
                **{key: _copied_input(value) for key, value in named.items()},
            )
        except Exception as error:
            recorder.explain_failure(error)
            raise
        finally:
            for handle in handles:
                handle.remove()
    return recorder.result()


# ---- running a copy ----------------------------------------------------------------------------


def _checked_inputs(
    model: nn.Module, inputs: tuple[Any, ...], named: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    no_tensor = next(_tensors_in([*inputs, *named.values()]), None) is None
    for value in inputs if no_tensor else ():
        is_size = isinstance(value, (tuple, list)) and len(value) > 0
        if is_size and all(isinstance(size, int) for size in value):
            sizes = ", ".join(map(str, value))
            raise TypeError(
                f"input must be what the model takes, got the shape {tuple(value)}; "
                f"use torch.zeros({sizes})"
            )
    signature = inspect.signature(model.forward)
    try:
        signature.bind(*inputs, **named)
    except TypeError as error:
        if not inputs and "input" in named:  # tape(model, input=x) of a forward(self, x)
            rest = {key: value for key, value in named.items() if key != "input"}
            return _checked_inputs(model, (named["input"],), rest)
        given = [str(shapes_text(_shapes_of(value)) or describe(value)) for value in inputs]
        given += [f"{key}={shapes_text(_shapes_of(value))}" for key, value in named.items()]
        unpack = ""
        if len(inputs) == 1 and isinstance(inputs[0], (tuple, list)):
            unpack = "; give each input as an argument of its own: tape(model, *inputs)"
        raise TypeError(
            f"the inputs must be those of {type(model).__name__}.forward{signature}, "
            f"got ({', '.join(given)}): {error}{unpack}"
        ) from error
    return inputs, named


def _independent_copy(model: nn.Module) -> nn.Module:
    """Copy the model with everything that it remembers, so that running it changes nothing."""
    memo: dict[int, Any] = {}
    for module in model.modules():
        for value in [*vars(module).values(), *module._buffers.values()]:
            if isinstance(value, nn.UninitializedBuffer):  # deepcopy refuses these two
                make: Any = nn.UninitializedBuffer  # declared without its arguments
                memo[id(value)] = make(device=value.device, dtype=value.dtype)
            elif isinstance(value, Tensor) and not value.is_leaf:
                memo[id(value)] = value.detach().clone()
            elif isinstance(value, torch.Generator):
                memo[id(value)] = value.clone_state()
    try:
        running = copy.deepcopy(model, memo)
    except Exception as error:
        raise TypeError(
            f"model must be one that copy.deepcopy can copy, so that running it changes nothing; "
            f"copying {type(model).__name__} failed: {error}"
        ) from error
    for module in running.modules():
        if getattr(module, "running_mean", None) is not None:
            module.training = False
    return running


def _copied_input(value: Any) -> Any:
    """Copy the tensors of an input, however nested: a layer may work in place."""
    if isinstance(value, Tensor):
        return value.detach().clone().requires_grad_(value.requires_grad)
    if isinstance(value, tuple) and hasattr(value, "_fields"):  # named, a packed sequence too
        return type(value)(*(_copied_input(entry) for entry in value))
    if isinstance(value, (tuple, list)):
        return type(value)(_copied_input(entry) for entry in value)
    if isinstance(value, dict):
        return {key: _copied_input(entry) for key, entry in value.items()}
    return value


def _tensors_in(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, (tuple, list)):
        for entry in value:
            yield from _tensors_in(entry)
    elif isinstance(value, dict):
        yield from _tensors_in(list(value.values()))


@contextmanager
def _generators_put_back(model: nn.Module, inputs: Sequence[Any]) -> Iterator[None]:
    """Put back the state of every global generator that a layer may draw from."""
    tensors = [*model.parameters(), *model.buffers(), *_tensors_in(list(inputs))]
    devices = {tensor.device for tensor in tensors} - {torch.device("cpu"), torch.device("meta")}
    restore: list[Callable[[], Any]] = []

    def remember(get: Callable[..., Any], put: Callable[..., Any], *where: Any) -> None:
        state = get(*where)
        restore.append(lambda: put(state, *where))

    remember(torch.get_rng_state, torch.set_rng_state)
    remember(random.getstate, random.setstate)
    try:
        import numpy
    except ModuleNotFoundError:  # then no layer draws from it
        pass
    else:
        remember(numpy.random.get_state, numpy.random.set_state)
    for device in devices:
        backend = torch.get_device_module(device)
        where = () if device.type == "mps" else (device,)
        remember(backend.get_rng_state, backend.set_rng_state, *where)
    try:
        yield
    finally:
        for put_back in restore:
            put_back()


@dataclass
class _Call:
    """A call that has begun; its output is not known before it ends."""

    name: str
    module: nn.Module
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    input: Any
    depth: int
    number: int
    calls_others: bool = False
    row: LayerShapes | None = None


class _Recorder:
    """The hooks that write the rows, and what they remember between two calls."""

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self.names = {
            module: name
            for name, module in model.named_modules()
            if "parametrizations" not in name.split(".")
        }
        self.calls: list[_Call] = []
        self.open: list[_Call] = []
        self.counted: dict[int, str] = {}  # parameter -> the layer whose row counts it
        self.last: LayerShapes | None = None  # the layer that ended last

    def attach(self) -> list[Any]:
        handles = []
        for module in self.names:
            handles.append(module.register_forward_pre_hook(self.begin, with_kwargs=True))
            handles.append(module.register_forward_hook(self.end, with_kwargs=True))
        return handles

    def begin(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        for outer in self.open:
            outer.calls_others = True
        number = 1 + sum(call.module is module for call in self.calls)
        shapes = [_shapes_of(value) for value in args]
        shapes = [shape for shape in shapes if shape is not None]
        by_name = {key: _shapes_of(value) for key, value in kwargs.items()}
        by_name = {key: shape for key, shape in by_name.items() if shape is not None}
        if by_name:
            shapes.append(by_name)
        entered = shapes[0] if len(shapes) == 1 else shapes
        call = _Call(self.names[module], module, args, kwargs, entered, len(self.open), number)
        self.calls.append(call)
        self.open.append(call)

    def end(
        self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any
    ) -> None:
        while self.open[-1].module is not module:
            self.open.pop()  # it failed, and the layer that called it went on without it
        call = self.open.pop()
        # The calls keep the parameters' owner: a layer that reads its children without calling
        # them, as attention does, is a layer; one that calls them is a container.
        is_container = call.calls_others
        own = _own_parameters(module, with_children=not is_container)
        new = [p for p in own if id(p) not in self.counted]
        lines: list[str] = []
        left = _shapes_of(output)
        if not is_container:
            lines += self._between(call)
            lines += _shape_lines(module, call.args, call.input, left)
        lines += self._parameter_lines(call, own, new)
        for parameter in new:
            self.counted[id(parameter)] = call.name
        call.row = LayerShapes(
            call.name,
            type(module).__name__,
            call.input,
            left,
            sum(p.numel() for p in new),
            tuple(lines),
            call.depth,
            call.number,
            is_container,
        )
        call.args, call.kwargs = (), {}  # let the memory go
        if not is_container:
            self.last = call.row

    def _between(self, call: _Call) -> list[str]:
        """Explain a reshaping that the model did by itself, before it called this layer."""
        before: Any = self.last.output if self.last else None
        entered: Any = call.input
        if not (_is_shape(before) and _is_shape(entered)) or len(entered) != 2:
            return []
        if len(before) <= 2 or math.prod(before) != math.prod(entered) or not entered[1]:
            return []
        if before[0] == entered[0]:
            return [f"{_product_text(before[1:])} = {entered[1]} features"]
        products = f"{_product_text(before)} = {_product_text(entered)}"
        return [f"{products}: {before[0]} samples have become {entered[0]}"]

    def _parameter_lines(self, call: _Call, own: list[Tensor], new: list[Tensor]) -> list[str]:
        if not own:
            return []
        if not new:
            owners = sorted({self.counted[id(p)] for p in own})
            if owners == [call.name]:
                return ["its parameters are counted at its first call"]
            shown = ", ".join(repr(name) for name in owners)
            return [f"its parameters are shared with {shown} and counted there"]
        total = sum(p.numel() for p in own)
        text = _parameter_text(call.module, total)
        if text is None:
            text = " + ".join(_product_text(p.shape) if p.dim() else "1" for p in own)
        line = _count_text(total) if text == str(total) else f"{text} = {_count_text(total)}"
        n_shared = total - sum(p.numel() for p in new)
        if n_shared:
            line += f", of which {n_shared} are shared and counted above"
        return [line]

    def result(self) -> Tape:
        rows = tuple(call.row for call in self.calls if call.row is not None)
        unused = []
        for module, name in self.names.items():
            left = [p for p in _own_parameters(module) if id(p) not in self.counted]
            if left:
                number = sum(p.numel() for p in left)
                self.counted.update((id(p), name) for p in left)
                unused.append((name, type(module).__name__, number))
        total = sum(p.numel() for p in _own_parameters(self.model, with_children=True))
        return Tape(rows, total, tuple(unused))

    def explain_failure(self, error: Exception) -> None:
        """Raise a readable error if the shapes are at fault; else say in which layer it was."""
        if not self.open:
            return
        call = self.open[-1]
        place = f"layer {call.name!r} " if call.name else ""
        problem = _misfit(call, self.last)
        if problem is not None:
            raise ValueError(place + problem) from error
        kind = type(call.module).__name__
        got = shapes_text(call.input)
        if type(error) not in (RuntimeError, ValueError):
            error.add_note(f"in {place}{kind}, which got {got}")
            return
        text = f"{place}{kind} got {got} and failed"
        if call.calls_others and self.last is not None:
            out = self.last.output
            text += f" after layer {self.last.label!r} {self.last.kind} → {shapes_text(out)}"
            if _is_shape(out) and len(out) > 2:
                numbers = math.prod(out[1:])
                text += f", which is {_product_text(out[1:])} = {numbers} numbers for each sample"
        raise ValueError(f"{text}: {error}") from error


def _own_parameters(module: nn.Module, *, with_children: bool = False) -> list[Tensor]:
    """Return the parameters of a module, those behind parametrizations too, each once."""
    found = list(module.parameters(recurse=with_children))
    if not with_children and "parametrizations" in module._modules:
        found += list(module._modules["parametrizations"].parameters())  # type: ignore[union-attr]
    return [p for p in found if not nn.parameter.is_lazy(p)]


# ---- shapes and numbers as text ----------------------------------------------------------------


def _shapes_of(value: Any) -> Any:
    """Return the shapes inside a value: a tuple for a tensor, a list or a dict for several."""
    if isinstance(value, Tensor):
        return tuple(value.shape)
    if isinstance(value, (tuple, list)):
        found = [_shapes_of(entry) for entry in value]
        return [shape for shape in found if shape is not None] or None
    if isinstance(value, dict):
        named = {str(key): _shapes_of(entry) for key, entry in value.items()}
        return {key: shape for key, shape in named.items() if shape is not None} or None
    return None


def _is_shape(shape: Any) -> bool:
    return isinstance(shape, tuple)


def shapes_text(shape: Any) -> str:
    """Write the shapes of a row, one or several, in one line.

    Parameters
    ----------
    shape : tuple, list, dict or None
        As in ``LayerShapes.input``.

    Returns
    -------
    str
        The line.

    Examples
    --------
    >>> shapes_text((5, 3))
    '(5, 3)'
    >>> shapes_text([(5, 3), {"mask": (5,)}]), shapes_text(None)
    ('[(5, 3), mask: (5,)]', 'no tensor')
    """
    if isinstance(shape, list):
        return f"[{', '.join(shapes_text(entry) for entry in shape)}]"
    if isinstance(shape, dict):
        return ", ".join(f"{key}: {shapes_text(entry)}" for key, entry in shape.items())
    return "no tensor" if shape is None else str(shape)


def _count_text(number: int) -> str:
    if number == 0:
        return "no parameters"
    return "1 parameter" if number == 1 else f"{number} parameters"


def _cell_text(text: str) -> str:
    for character in ("\\", "|", "*", "_"):
        text = text.replace(character, f"\\{character}")
    return text


def _product_text(sizes: Sequence[int]) -> str:
    return "·".join(str(size) for size in sizes) if len(sizes) else "1"


def _is_kind(module: nn.Module, *names: str) -> bool:
    """Say whether the module, or a class that it is made from, has one of these names.

    By name, because our layers and PyTorch's have no common ancestor.
    """
    return any(cls.__name__ in names for cls in type(module).__mro__)


def _per_side(value: Any, count: int) -> tuple[Any, ...]:
    if isinstance(value, (tuple, list)):
        return tuple(value) if len(value) == count else tuple(value) * count
    return (value,) * count


# ---- the arithmetic of shapes ------------------------------------------------------------------

_NAMED_DIMS = ("1d", "2d", "3d")
_SAME_SHAPE = (
    "Identity", "ReLU", "ReLU6", "LeakyReLU", "RReLU", "PReLU", "ELU", "CELU", "SELU", "GELU",
    "SiLU", "Mish", "Sigmoid", "LogSigmoid", "Hardsigmoid", "Hardswish", "Hardtanh", "Hardshrink",
    "Softshrink", "Tanh", "Tanhshrink", "Softplus", "Softsign", "Threshold", "Softmax", "Softmin",
    "Softmax2d", "LogSoftmax", "ChannelShuffle", "Dropout", "Dropout1d", "Dropout2d", "Dropout3d",
    "AlphaDropout", "FeatureAlphaDropout", "_BatchNorm", "_InstanceNorm", "SyncBatchNorm",
    "BatchNorm1d", "BatchNorm2d", "InstanceNorm1d", "InstanceNorm2d", "LayerNorm", "GroupNorm",
    "RMSNorm", "LocalResponseNorm", "CrossMapLRN2d",
)  # fmt: skip


def _shape_lines(module: nn.Module, args: tuple[Any, ...], entered: Any, left: Any) -> list[str]:
    """Explain the output's shape, or say nothing: no line whose result is not what came out."""
    try:
        lines = _explained_shape(module, args, entered, left)
    except (AttributeError, TypeError, ValueError, IndexError, ZeroDivisionError):
        lines = []  # a layer of the same name that works in another way
    if not lines and _is_shape(left):
        if left == entered:
            return ["same shape"]
        is_merged = _is_shape(entered) and left and len(left) < len(entered)
        if is_merged and (left[0], math.prod(left)) == (entered[0], math.prod(entered)):
            return [f"{_product_text(entered[1:])} = {_product_text(left[1:])}"]
    return lines


def _explained_shape(
    module: nn.Module, args: tuple[Any, ...], entered: Any, left: Any
) -> list[str]:
    x = entered
    while isinstance(x, list) and not _is_kind(module, "Bilinear"):
        x = x[0]
    if isinstance(x, dict):
        x = next(iter(x.values()))
    if _is_kind(module, *_SAME_SHAPE):
        return ["same shape"] if left == x else []
    for names, explain in _EXPLANATIONS:
        if _is_kind(module, *names):
            return explain(module, x, left)
    return []


def _sides(
    x: tuple[int, ...], y: tuple[int, ...], count: int, formula: Callable[[int, int, int], Any]
) -> list[str]:
    """Explain the last ``count`` sizes. ``formula(i, n, m)`` gives a text and its value."""
    found = [formula(i, n, m) for i, (n, m) in enumerate(zip(x[-count:], y[-count:], strict=True))]
    if [value for _, value in found] != list(y[-count:]):
        return []
    texts = [text for text, _ in found]
    if len(set(texts)) == 1:
        return texts[:1]
    return [f"{side}: {text}" for side, text in zip(_SIDES[count], texts, strict=True)]


def _dims_of(module: nn.Module) -> int:
    for cls in type(module).__mro__:
        if cls.__name__[-2:] in _NAMED_DIMS:
            return int(cls.__name__[-2])
    raise AttributeError("no dimensions in the name")


def _span_text(kernel: int, dilation: int) -> str:
    return f"{kernel}" if dilation == 1 else f"{dilation}·({kernel} − 1) − 1"


def _convolution_shape(module: Any, x: Any, y: Any) -> list[str]:
    dims = _dims_of(module)
    kernel, stride, dilation = (
        _per_side(value, dims) for value in (module.kernel_size, module.stride, module.dilation)
    )
    padding = module.padding
    if padding == "same":
        return _sides(x, y, dims, lambda i, n, m: (f"padding 'same' keeps {n}", n))
    around = (0,) * dims if padding == "valid" else _per_side(padding, dims)

    def formula(i: int, n: int, m: int) -> tuple[str, int]:
        k, s, d, p = kernel[i], stride[i], dilation[i], around[i]
        size = (n + 2 * p - d * (k - 1) - 1) // s + 1
        return f"⌊({n} + 2·{p} − {_span_text(k, d)})/{s}⌋ + 1 = {size}", size

    return _sides(x, y, dims, formula)


def _transposed_shape(module: Any, x: Any, y: Any) -> list[str]:
    dims = _dims_of(module)
    kernel, stride, padding, dilation = (
        _per_side(value, dims)
        for value in (module.kernel_size, module.stride, module.padding, module.dilation)
    )

    def formula(i: int, n: int, m: int) -> tuple[str, int]:
        k, s, p, d = kernel[i], stride[i], padding[i], dilation[i]
        least = (n - 1) * s - 2 * p + d * (k - 1) + 1
        extra = m - least  # output_padding, or what the call's output_size made of it
        if not 0 <= extra < max(s, d):
            return "", -1
        span = f"{k}" if d == 1 else f"{d}·({k} − 1) + 1"
        more = f" + {extra}" if extra else ""
        return f"({n} − 1)·{s} − 2·{p} + {span}{more} = {m}", m

    return _sides(x, y, dims, formula)


def _pooling_shape(module: Any, x: Any, y: Any) -> list[str]:
    dims = _dims_of(module)
    y = y[0] if isinstance(y, list) else y  # return_indices
    kernel = _per_side(module.kernel_size, dims)
    step = module.stride
    stride = kernel if step is None or step == () else _per_side(step, dims)
    padding = _per_side(getattr(module, "padding", 0), dims)
    dilation = _per_side(getattr(module, "dilation", 1), dims)

    def formula(i: int, n: int, m: int) -> tuple[str, int]:
        k, s, p, d = kernel[i], stride[i], padding[i], dilation[i]
        inside = f"({n} + 2·{p} − {_span_text(k, d)})/{s}"
        room = n + 2 * p - d * (k - 1) - 1
        if not getattr(module, "ceil_mode", False):
            return f"⌊{inside}⌋ + 1 = {room // s + 1}", room // s + 1
        size = -(-room // s) + 1
        if (size - 1) * s >= n + p:
            size -= 1
            return f"⌈{inside}⌉ + 1 − 1 = {size}, as the last window would begin outside", size
        return f"⌈{inside}⌉ + 1 = {size}", size

    return _sides(x, y, dims, formula)


def _unpooling_shape(module: Any, x: Any, y: Any) -> list[str]:
    dims = _dims_of(module)
    kernel, padding = _per_side(module.kernel_size, dims), _per_side(module.padding, dims)
    stride = _per_side(module.stride, dims)

    def formula(i: int, n: int, m: int) -> tuple[str, int]:
        size = (n - 1) * stride[i] - 2 * padding[i] + kernel[i]
        return f"({n} − 1)·{stride[i]} − 2·{padding[i]} + {kernel[i]} = {size}", size

    return _sides(x, y, dims, formula)


def _adaptive_shape(module: Any, x: Any, y: Any) -> list[str]:
    dims = _dims_of(module)
    y = y[0] if isinstance(y, list) else y
    wanted = _per_side(module.output_size, dims)

    def formula(i: int, n: int, m: int) -> tuple[str, int]:
        if wanted[i] is None:
            return f"{n} stays {n}", n
        return f"{n} → {wanted[i]}, the size asked for", wanted[i]

    return _sides(x, y, dims, formula)


def _upsampled_shape(module: Any, x: Any, y: Any) -> list[str]:
    dims = len(x) - 2
    sizes = _per_side(module.size, dims)
    factors = _per_side(module.scale_factor, dims)

    def formula(i: int, n: int, m: int) -> tuple[str, int]:
        if sizes[i] is not None:
            return f"{n} → {sizes[i]}, the size asked for", sizes[i]
        size = math.floor(n * factors[i])
        return f"⌊{n}·{factors[i]:g}⌋ = {size}", size

    return _sides(x, y, dims, formula)


def _padded_shape(module: Any, x: Any, y: Any) -> list[str]:
    dims = _dims_of(module)
    margins = _per_side(module.padding, 2 * dims)

    def formula(i: int, n: int, m: int) -> tuple[str, int]:
        before, after = margins[2 * (dims - 1 - i) :][:2]  # pad starts at the last dimension
        return f"{n} + {before} + {after} = {n + before + after}", n + before + after

    return _sides(x, y, dims, formula)


def _flattened_shape(module: Any, x: Any, y: Any) -> list[str]:
    dims = max(len(x), 1)
    first, last = module.start_dim % dims, module.end_dim % dims
    merged = x[first : last + 1]
    if not x or (*x[:first], math.prod(merged), *x[last + 1 :]) != y:
        return []
    return ["same shape"] if x == y else [f"{_product_text(merged)} = {math.prod(merged)}"]


def _unflattened_shape(module: Any, x: Any, y: Any) -> list[str]:
    if not isinstance(module.dim, int):
        return []
    dim = module.dim % len(x)
    made = y[dim : dim + len(y) - len(x) + 1]
    if math.prod(made) != x[dim]:
        return []
    return [f"{x[dim]} = {_product_text(made)}"]


def _linear_shape(module: Any, x: Any, y: Any) -> list[str]:
    if x[-1] != module.in_features or y != (*x[:-1], module.out_features):
        return []
    return [f"{module.in_features} features → {module.out_features}"]


def _bilinear_shape(module: Any, x: Any, y: Any) -> list[str]:
    features = (module.in1_features, module.in2_features)
    if tuple(shape[-1] for shape in x) != features or y[-1] != module.out_features:
        return []
    return [f"{features[0]} and {features[1]} features → {y[-1]}"]


def _embedding_shape(module: Any, x: Any, y: Any) -> list[str]:
    if y != (*x, module.embedding_dim):
        return []
    return [f"each number becomes {module.embedding_dim} numbers"]


def _embedding_bag_shape(module: Any, x: Any, y: Any) -> list[str]:
    if y[-1] != module.embedding_dim:
        return []
    return [f"each bag becomes {module.embedding_dim} numbers"]


def _recurrent_shape(module: Any, x: Any, y: Any) -> list[str]:
    directions = 2 if module.bidirectional else 1
    width = module.proj_size or module.hidden_size
    output, state = y
    hidden = state[0] if isinstance(state, list) else state
    lines = []
    if not isinstance(output, list) and output[-1] == directions * width:
        lines.append(f"output: {directions}·{width} = {output[-1]} features")
    if hidden[0] == directions * module.num_layers:
        lines.append(f"state: {directions}·{module.num_layers} = {hidden[0]} layers and directions")
    return lines


def _cell_shape(module: Any, x: Any, y: Any) -> list[str]:
    last = y[0] if isinstance(y, list) else y
    if x[-1] != module.input_size or last[-1] != module.hidden_size:
        return []
    return [f"{module.input_size} features → {module.hidden_size}"]


def _attention_shape(module: Any, x: Any, y: Any) -> list[str]:
    if module.num_heads * module.head_dim != module.embed_dim:
        return []
    lines = [f"{module.num_heads} heads·{module.head_dim} = {module.embed_dim} features"]
    return lines if (y[0] if isinstance(y, list) else y) == x else []


def _shuffled_shape(module: Any, x: Any, y: Any) -> list[str]:
    factor = getattr(module, "upscale_factor", None)
    if factor is not None:
        if y[-3:] != (x[-3] // factor**2, x[-2] * factor, x[-1] * factor):
            return []
        lines = [f"channels: {x[-3]}/({factor}·{factor}) = {y[-3]}"]
        return lines + _sides(x, y, 2, lambda i, n, m: (f"{n}·{factor} = {m}", m))
    factor = module.downscale_factor
    if y[-3:] != (x[-3] * factor**2, x[-2] // factor, x[-1] // factor):
        return []
    lines = [f"channels: {x[-3]}·{factor}·{factor} = {y[-3]}"]
    return lines + _sides(x, y, 2, lambda i, n, m: (f"{n}/{factor} = {m}", m))


def _halved_shape(module: Any, x: Any, y: Any) -> list[str]:
    size = x[module.dim]
    return [f"{size}/2 = {y[module.dim]}"] if size == 2 * y[module.dim] else []


def _unfolded_shape(module: Any, x: Any, y: Any) -> list[str]:
    kernel, stride, padding, dilation = (
        _per_side(value, 2)
        for value in (module.kernel_size, module.stride, module.padding, module.dilation)
    )
    places = [
        (n + 2 * padding[i] - dilation[i] * (kernel[i] - 1) - 1) // stride[i] + 1
        for i, n in enumerate(x[-2:])
    ]
    rows = (x[-3], *kernel)
    if y[-2:] != (math.prod(rows), math.prod(places)):
        return []
    return [
        f"numbers of a window: {_product_text(rows)} = {y[-2]}",
        f"windows: {_product_text(places)} = {y[-1]}",
    ]


def _with_dims(*names: str) -> tuple[str, ...]:
    return tuple(f"{name}{dims}" for name in names for dims in _NAMED_DIMS)


_EXPLANATIONS: list[tuple[tuple[str, ...], Callable[[Any, Any, Any], list[str]]]] = [
    (_with_dims("ConvTranspose"), _transposed_shape),
    (_with_dims("Conv"), _convolution_shape),
    (_with_dims("AdaptiveMaxPool", "AdaptiveAvgPool"), _adaptive_shape),
    (_with_dims("MaxUnpool"), _unpooling_shape),
    (_with_dims("MaxPool", "AvgPool", "LPPool"), _pooling_shape),
    (
        _with_dims("ZeroPad", "ConstantPad", "ReflectionPad", "ReplicationPad", "CircularPad"),
        _padded_shape,
    ),
    (("Upsample",), _upsampled_shape),
    (("PixelShuffle", "PixelUnshuffle"), _shuffled_shape),
    (("Flatten",), _flattened_shape),
    (("Unflatten",), _unflattened_shape),
    (("Unfold",), _unfolded_shape),
    (("GLU",), _halved_shape),
    (("Linear",), _linear_shape),
    (("Bilinear",), _bilinear_shape),
    (("Embedding",), _embedding_shape),
    (("EmbeddingBag",), _embedding_bag_shape),
    (("RNN", "LSTM", "GRU"), _recurrent_shape),
    (("RNNCell", "LSTMCell", "GRUCell"), _cell_shape),
    (("MultiheadAttention",), _attention_shape),
]


# ---- the arithmetic of parameters --------------------------------------------------------------


def _parameter_text(module: Any, total: int) -> str | None:
    """Return the arithmetic that gives ``total``, or ``None`` where no formula does."""
    try:
        found = _parameter_formula(module)
    except (AttributeError, TypeError, ValueError, IndexError):
        return None
    if found is None or found[1] != total:
        return None
    return found[0]


def _has_bias(module: Any) -> bool:
    bias = module.__dict__.get("bias", module._parameters.get("bias"))
    if "parametrizations" in module._modules and "bias" in module._modules["parametrizations"]:
        return True
    return bias is not None and bias is not False


def _weights_text(n_out: int, factors: Sequence[int | str], numbers: int, bias: bool) -> Any:
    inside = "·".join(str(factor) for factor in factors)
    if bias:
        return f"{n_out}·({inside} + 1)", n_out * (numbers + 1)
    return f"{n_out}·{inside}", n_out * numbers


def _parameter_formula(module: Any) -> tuple[str, int] | None:
    bias = _has_bias(module)
    if _is_kind(module, *_with_dims("Conv", "ConvTranspose")):
        kernel = _per_side(module.kernel_size, _dims_of(module))
        groups = module.groups
        channels = module.in_channels if groups == 1 else f"{module.in_channels}/{groups}"
        numbers = module.in_channels // groups * math.prod(kernel)
        text, value = _weights_text(module.out_channels, (channels, *kernel), numbers, bias)
        return text, value
    if _is_kind(module, "Linear"):
        n = module.in_features
        text, value = _weights_text(module.out_features, (n,), n, bias)
        return text, value
    if _is_kind(module, "Bilinear"):
        first, second = module.in1_features, module.in2_features
        text, value = _weights_text(module.out_features, (first, second), first * second, bias)
        return text, value
    if _is_kind(module, "Embedding", "EmbeddingBag"):
        n, width = module.num_embeddings, module.embedding_dim
        return f"{n}·{width}", n * width
    if _is_kind(module, "RNN", "LSTM", "GRU", "RNNCell", "LSTMCell", "GRUCell"):
        return _recurrent_parameters(module)
    if _is_kind(module, "MultiheadAttention"):
        return _attention_parameters(module)
    per_number = _normalized_numbers(module)
    if per_number is not None:
        n_tensors = sum(p is not None for p in module._parameters.values())
        size = math.prod(per_number)
        text = _product_text(per_number)
        return (f"{n_tensors}·{text}", n_tensors * size) if n_tensors > 1 else (text, size)
    return None


def _normalized_numbers(module: Any) -> tuple[int, ...] | None:
    for attribute in ("num_features", "num_channels", "normalized_shape"):
        if attribute in module.__dict__:
            value = module.__dict__[attribute]
            return tuple(value) if isinstance(value, (tuple, list)) else (value,)
    return None


def _recurrent_parameters(module: Any) -> tuple[str, int]:
    gates = next(
        n
        for n, name in ((4, "LSTM"), (3, "GRU"), (1, "RNN"))
        if _is_kind(module, name, f"{name}Cell")
    )
    hidden = module.hidden_size
    projected = getattr(module, "proj_size", 0)
    width = projected or hidden
    directions = 2 if getattr(module, "bidirectional", False) else 1
    biases = 2 if module.bias else 0
    n_layers = getattr(module, "num_layers", 1)

    def one(entering: int) -> tuple[str, int]:
        inside = f"{entering} + {width}" + (f" + {biases}" if biases else "")
        text = f"{hidden}·({inside})" if gates == 1 else f"{gates}·{hidden}·({inside})"
        value = gates * hidden * (entering + width + biases)
        if projected:
            return f"{text} + {projected}·{hidden}", value + projected * hidden
        return text, value

    def several(count: int, text: str) -> str:
        inside = f"({text})" if projected and count > 1 else text
        return inside if count == 1 else f"{count}·{inside}"

    first_text, first = one(module.input_size)
    text, value = several(directions, first_text), directions * first
    if n_layers > 1:
        later_text, later = one(directions * width)
        count = (n_layers - 1) * directions
        text, value = f"{text} + {several(count, later_text)}", value + count * later
    return text, value


def _attention_parameters(module: Any) -> tuple[str, int]:
    width = module.embed_dim
    bias = module._parameters.get("in_proj_bias") is not None
    if module._qkv_same_embed_dim:
        inside = f"({width} + 1)" if bias else f"{width}"
        text, value = f"3·{width}·{inside}", 3 * width * (width + bias)
        text, value = f"{text} + {width}·{inside}", value + width * (width + bias)
    else:
        sizes = (width, module.kdim, module.vdim, width)
        inside = " + ".join(str(size) for size in sizes) + (" + 4" if bias else "")
        text, value = f"{width}·({inside})", width * (sum(sizes) + 4 * bias)
    if module._parameters.get("bias_k") is not None:
        text, value = f"{text} + 2·{width}", value + 2 * width
    return text, value


# ---- what does not fit -------------------------------------------------------------------------


def _misfit(call: _Call, last: LayerShapes | None) -> str | None:
    """Say what is wrong with what a layer got, or ``None`` where its shapes are not at fault."""
    shape = call.input
    while isinstance(shape, list) and shape:
        shape = shape[0]
    if isinstance(shape, dict):
        shape = next(iter(shape.values()))
    if not _is_shape(shape):
        return None
    try:
        return _misfit_of(call.module, shape, last)
    except (AttributeError, TypeError, ValueError, IndexError):
        return None


def _misfit_of(module: Any, shape: tuple[int, ...], last: LayerShapes | None) -> str | None:
    kind = type(module).__name__.removeprefix("Parametrized")
    if _is_kind(module, *_with_dims("Conv", "ConvTranspose")):
        return _misfit_of_convolution(module, kind, shape)
    if _is_kind(module, "Linear"):
        wanted, got = module.in_features, shape[-1] if shape else 1
        return _wrong_size(kind, "in_features", wanted, got, "features", _origin(shape, last))
    if _is_kind(module, "RNN", "LSTM", "GRU", "RNNCell", "LSTMCell", "GRUCell"):
        return _wrong_size(kind, "input_size", module.input_size, shape[-1], "features", "")
    if _is_kind(module, "MultiheadAttention"):
        return _wrong_size(kind, "embed_dim", module.embed_dim, shape[-1], "features", "")
    if _is_kind(module, *_with_dims("MaxPool", "AvgPool", "LPPool")):
        return _misfit_of_window(module, kind, shape, "kernel_size")
    normalized = module.__dict__.get("normalized_shape")
    if normalized is not None:
        if shape[-len(normalized) :] == tuple(normalized):
            return None
        fitting = shape[-len(normalized) :]
        return (
            f"{kind}(normalized_shape={tuple(normalized)}) got {shape}: the last sizes must be "
            f"{tuple(normalized)}: use {kind}({fitting}, …)"
        )
    for attribute in ("num_features", "num_channels"):
        if attribute in module.__dict__:
            # Instance normalisation also takes a single sample, without the batch in front.
            single = "InstanceNorm" in kind and len(shape) == _dims_of(module) + 1
            got = shape[0] if single else shape[1]
            wanted = module.__dict__[attribute]
            rest = f"{module.num_groups}, " if attribute == "num_channels" else ""
            return _wrong_size(kind, attribute, wanted, got, "channels", "", before=rest)
    return None


def _wrong_size(
    kind: str, attribute: str, wanted: int, got: int, unit: str, origin: str, *, before: str = ""
) -> str | None:
    if wanted == got:
        return None
    return (
        f"{kind}({attribute}={wanted}) got {got} {unit}{'; ' + origin if origin else ''}: "
        f"use {kind}({before}{got}, …)"
    )


def _origin(shape: tuple[int, ...], last: LayerShapes | None) -> str:
    """Say which product the last size is, if the layer before tells."""
    if last is None or not shape:
        return ""
    if last.kind == "Flatten" and last.output == shape and "=" in last.arithmetic[0]:
        return last.arithmetic[0]
    before = last.output
    if _is_shape(before) and len(before) > 2 and math.prod(before[1:]) == shape[-1]:
        return f"{_product_text(before[1:])} = {shape[-1]}"
    return ""


def _misfit_of_convolution(module: Any, kind: str, shape: tuple[int, ...]) -> str | None:
    dims = _dims_of(module)
    if len(shape) not in (dims + 1, dims + 2):
        letters = ", ".join(("D", "H", "W")[3 - dims :] if dims > 1 else ("L",))
        return f"{kind}(in_channels={module.in_channels}) takes (N, C, {letters}), got {shape}"
    got = shape[-dims - 1]
    wrong = _wrong_size(kind, "in_channels", module.in_channels, got, "channels", "")
    if wrong is not None or "Transpose" in kind:
        return wrong
    return _misfit_of_window(module, kind, shape, "kernel_size")


def _misfit_of_window(module: Any, kind: str, shape: tuple[int, ...], name: str) -> str | None:
    dims = _dims_of(module)
    if isinstance(getattr(module, "padding", 0), str) and module.padding == "same":
        return None
    padding = getattr(module, "padding", 0)
    around = (0,) * dims if isinstance(padding, str) else _per_side(padding, dims)
    kernel = _per_side(module.kernel_size, dims)
    dilation = _per_side(getattr(module, "dilation", 1), dims)
    for side, n, k, p, d in zip(_SIDES[dims], shape[-dims:], kernel, around, dilation, strict=True):
        span = d * (k - 1) + 1
        if span > n + 2 * p:
            spread = f"{d}·({k} − 1) + 1 = {span}" if d > 1 else f"{span}"
            return (
                f"{kind}({name}={module.kernel_size}) spans {spread} cells, and the {side} "
                f"that it got has {n} + 2·{p} = {n + 2 * p}: use a kernel of at most "
                f"{(n + 2 * p - 1) // d + 1}, or more padding"
            )
    return None
