r"""Recurrent networks from scratch: one cell, used again at every step of a sequence.

A cell takes one step. ``rnn_forward``, ``lstm_forward`` and ``gru_forward`` unroll it over whole
sequences, through several layers and in both directions. Their weights come in the order and with
the shapes of ``torch.nn.RNN(...).all_weights``, so that a network of PyTorch's can be run as it is.

The squashing functions are PyTorch's own, which :mod:`handbook.activations` writes from scratch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar, cast

import torch
from torch import Tensor

from handbook.checks import (
    describe,
    require_choice,
    require_floating,
    require_generator,
    require_integer,
    require_number,
    require_same_placement,
    require_shape,
    require_tensor,
)

__all__ = [
    "rnn_cell",
    "lstm_cell",
    "gru_cell",
    "rnn_forward",
    "lstm_forward",
    "gru_forward",
    "running_steps",
    "RNNGradients",
    "rnn_backward",
    "gradient_reach",
]

_NONLINEARITIES = ("tanh", "relu")
_State = tuple[Tensor, ...]  # (h,), or (h, c)
_Step = Callable[[Tensor, _State], _State]
_StateT = TypeVar("_StateT", Tensor, tuple[Tensor, ...])


# ---- one step ----------------------------------------------------------------------------------


def _rnn_step(entering: Tensor, h: Tensor, w_hh: Tensor, nonlinearity: str) -> Tensor:
    """Take one step of the simple network; ``entering`` is the input's share, biases included."""
    sums = torch.addmm(entering, h, w_hh.T)
    return torch.tanh(sums) if nonlinearity == "tanh" else torch.relu(sums)


def _lstm_step(entering: Tensor, h: Tensor, c: Tensor, w_hh: Tensor) -> tuple[Tensor, Tensor]:
    """Take one step of the LSTM: one product serves the four gates."""
    sums = torch.addmm(entering, h, w_hh.T)
    i, f, g, o = sums.chunk(4, dim=1)  # input gate, forget gate, candidate, output gate
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


def _gru_step(entering: Tensor, h: Tensor, w_hh: Tensor, b_hh: Tensor | None) -> Tensor:
    """Take one step of the GRU; the state's share keeps its bias, because r multiplies both."""
    remembered = h @ w_hh.T if b_hh is None else torch.addmm(b_hh, h, w_hh.T)
    n_hidden = h.shape[1]
    gates = torch.sigmoid(entering[:, : 2 * n_hidden] + remembered[:, : 2 * n_hidden])
    r, z = gates.chunk(2, dim=1)  # reset gate, update gate
    n = torch.tanh(entering[:, 2 * n_hidden :] + r * remembered[:, 2 * n_hidden :])
    return n + z * (h - n)  # (1 - z) n + z h


def _input_share(input: Tensor, w_ih: Tensor, *biases: Tensor | None) -> Tensor:
    """Return what the inputs add to the sums: for all steps at once, by one matrix product."""
    given = [bias for bias in biases if bias is not None]
    flat = input.flatten(0, -2)
    if given:
        share = torch.addmm(sum(given[1:], given[0]), flat, w_ih.T)
    else:
        share = flat @ w_ih.T
    return share.reshape(*input.shape[:-1], w_ih.shape[0])


def rnn_cell(
    input: Tensor,
    hx: Tensor | None,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
    nonlinearity: str = "tanh",
) -> Tensor:
    r"""Take one step of the simple recurrent network.

    .. math:: h' = \tanh(W_{ih}\, x + b_{ih} + W_{hh}\, h + b_{hh})

    Parameters
    ----------
    input : Tensor
        The input of this step.
    hx : Tensor or None
        The hidden state before the step; None stands for zeros.
    w_ih, w_hh : Tensor
        The weights of the input and of the state.
    b_ih, b_hh : Tensor, optional
        The biases. One would be enough; PyTorch keeps two.
    nonlinearity : str, default: "tanh"
        ``"tanh"`` or ``"relu"``.

    Returns
    -------
    Tensor
        The hidden state after the step.

    Shapes
    ------
    input : ``(N, C)`` or ``(C,)``
    hx : ``(N, H)`` or ``(H,)``
    w_ih : ``(H, C)``
    w_hh : ``(H, H)``
    b_ih, b_hh : ``(H,)``
    return : ``(N, H)`` or ``(H,)``

    Raises
    ------
    TypeError
        If an argument is not a tensor of floating-point numbers, or dtypes differ.
    ValueError
        If shapes or devices do not fit, only one bias is given, or ``nonlinearity`` is unknown.

    Notes
    -----
    It takes the arguments of ``torch.rnn_tanh_cell`` and ``torch.rnn_relu_cell``, and the state may
    be None.

    References
    ----------
    J. L. Elman, "Finding structure in time", Cognitive Science 14(2), 1990,
    doi:10.1207/s15516709cog1402_1.

    Examples
    --------
    A cell that adds up its inputs, as long as they are small (tanh x ≈ x):

    >>> one = torch.ones(1, 1)
    >>> h = torch.zeros(1)
    >>> for x in (0.01, 0.02, 0.03):
    ...     h = rnn_cell(torch.tensor([x]), h, one, one)
    >>> round(h.item(), 3)
    0.06

    A state of a wrong size is refused:

    >>> rnn_cell(torch.zeros(2, 1), torch.zeros(1, 1), one, one)
    Traceback (most recent call last):
        ...
    ValueError: hx must have shape (2, 1), got a float32 tensor of shape (1, 1)
    """
    require_choice("nonlinearity", nonlinearity, _NONLINEARITIES)
    x, (h,) = _cell_arguments(input, ("hx",), (hx,), w_ih, w_hh, b_ih, b_hh, n_gates=1)
    h = _rnn_step(_input_share(x, w_ih, b_ih, b_hh), h, w_hh, nonlinearity)
    return h if input.dim() == 2 else h[0]


def lstm_cell(
    input: Tensor,
    hx: tuple[Tensor, Tensor] | None,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    r"""Take one step of the long short-term memory.

    .. math::
        \begin{pmatrix} i \\ f \\ g \\ o \end{pmatrix} =
        \begin{pmatrix} \sigma \\ \sigma \\ \tanh \\ \sigma \end{pmatrix}
        (W_{ih}\, x + b_{ih} + W_{hh}\, h + b_{hh}), \qquad
        c' = f \odot c + i \odot g, \qquad h' = o \odot \tanh c'

    Parameters
    ----------
    input : Tensor
        The input of this step.
    hx : tuple of Tensor or None
        The hidden state and the cell state before the step; None stands for zeros.
    w_ih, w_hh : Tensor
        The weights of the input and of the state, for the four gates one below the other.
    b_ih, b_hh : Tensor, optional
        The biases.

    Returns
    -------
    h, c : Tensor
        The two states after the step.

    Shapes
    ------
    input : ``(N, C)`` or ``(C,)``
    hx : two of ``(N, H)`` or ``(H,)``
    w_ih : ``(4 · H, C)``
    w_hh : ``(4 · H, H)``
    b_ih, b_hh : ``(4 · H,)``
    return : two of ``(N, H)`` or ``(H,)``

    Raises
    ------
    TypeError
        If an argument is not a tensor of floating-point numbers, ``hx`` is not a pair of them, or
        dtypes differ.
    ValueError
        If shapes or devices do not fit, or only one bias is given.

    Notes
    -----
    The cell state is multiplied by the forget gate and added to, nothing else: with f near 1, a
    gradient comes back through it almost as it went in.

    *Differences from PyTorch.* ``torch.lstm_cell`` wants a batch and a state; here both may be
    left out, as in :class:`torch.nn.LSTMCell`.

    References
    ----------
    S. Hochreiter, J. Schmidhuber, "Long short-term memory", Neural Computation 9(8), 1997,
    doi:10.1162/neco.1997.9.8.1735. The forget gate: F. A. Gers, J. Schmidhuber, F. Cummins,
    "Learning to forget", Neural Computation 12(10), 2000, doi:10.1162/089976600300015015.

    Examples
    --------
    All weights zero and a large bias of the forget gate: the cell state stays what it is.

    >>> w_ih, w_hh = torch.zeros(4, 1), torch.zeros(4, 1)
    >>> b_ih, b_hh = torch.tensor([-100.0, 100.0, 0.0, 0.0]), torch.zeros(4)
    >>> state = torch.zeros(1), torch.tensor([0.75])
    >>> h, c = lstm_cell(torch.ones(1), state, w_ih, w_hh, b_ih, b_hh)
    >>> c.item(), round(h.item(), 4)
    (0.75, 0.3176)
    """
    x, (h, c) = _cell_arguments(
        input, ("hx[0]", "hx[1]"), _pair("hx", hx), w_ih, w_hh, b_ih, b_hh, n_gates=4
    )
    h, c = _lstm_step(_input_share(x, w_ih, b_ih, b_hh), h, c, w_hh)
    return (h, c) if input.dim() == 2 else (h[0], c[0])


def gru_cell(
    input: Tensor,
    hx: Tensor | None,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> Tensor:
    r"""Take one step of the gated recurrent unit.

    .. math::
        r &= \sigma(W_{ir}\, x + b_{ir} + W_{hr}\, h + b_{hr}) \\
        z &= \sigma(W_{iz}\, x + b_{iz} + W_{hz}\, h + b_{hz}) \\
        n &= \tanh(W_{in}\, x + b_{in} + r \odot (W_{hn}\, h + b_{hn})) \\
        h' &= (1 - z) \odot n + z \odot h

    Parameters
    ----------
    input : Tensor
        The input of this step.
    hx : Tensor or None
        The hidden state before the step; None stands for zeros.
    w_ih, w_hh : Tensor
        The weights of the input and of the state: those of r, of z, of n, one below the other.
    b_ih, b_hh : Tensor, optional
        The biases.

    Returns
    -------
    Tensor
        The hidden state after the step.

    Shapes
    ------
    input : ``(N, C)`` or ``(C,)``
    hx : ``(N, H)`` or ``(H,)``
    w_ih : ``(3 · H, C)``
    w_hh : ``(3 · H, H)``
    b_ih, b_hh : ``(3 · H,)``
    return : ``(N, H)`` or ``(H,)``

    Raises
    ------
    TypeError
        If an argument is not a tensor of floating-point numbers, or dtypes differ.
    ValueError
        If shapes or devices do not fit, or only one bias is given.

    Notes
    -----
    As in PyTorch, the reset gate multiplies the state *after* its matrix, and z keeps the old
    state. The paper multiplies before the matrix; weights of the one are no weights of the other.
    Only here do two biases differ from one: r multiplies :math:`b_{hn}` but not :math:`b_{in}`.

    References
    ----------
    K. Cho et al., "Learning phrase representations using RNN encoder–decoder for statistical
    machine translation", EMNLP 2014, doi:10.3115/v1/D14-1179.

    Examples
    --------
    A large bias of the update gate keeps the state, whatever comes in:

    >>> w = torch.zeros(3, 1)
    >>> keep = torch.tensor([0.0, 100.0, 0.0])
    >>> gru_cell(torch.ones(1), torch.tensor([0.75]), w, w, keep, torch.zeros(3)).item()
    0.75
    """
    x, (h,) = _cell_arguments(input, ("hx",), (hx,), w_ih, w_hh, b_ih, b_hh, n_gates=3)
    h = _gru_step(_input_share(x, w_ih, b_ih), h, w_hh, b_hh)
    return h if input.dim() == 2 else h[0]


# ---- guards ------------------------------------------------------------------------------------


def _pair(name: str, value: object) -> tuple[Tensor | None, Tensor | None]:
    """Return the two states of an LSTM, or twice None."""
    if value is None:
        return None, None
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise TypeError(
            f"{name} must be a pair (h, c) of tensors, got {describe(value)}; use ({name}, c)"
        )
    return value[0], value[1]


def _require_gate_weights(
    names: tuple[str, ...],
    w_ih: object,
    w_hh: object,
    b_ih: object,
    b_hh: object,
    input: Tensor,
    n_inputs: int,
    n_gates: int,
) -> int:
    """Check the weights of one cell against its input; return the size of its state."""
    matrix = require_floating(names[1], w_hh)
    n_hidden = matrix.shape[-1] if matrix.dim() == 2 else 0
    rows = n_gates * n_hidden
    require_shape(names[1], matrix, (rows, n_hidden) if matrix.dim() == 2 else ("G", "H"))
    require_shape(names[0], require_floating(names[0], w_ih), (rows, n_inputs))
    if (b_ih is None) != (b_hh is None):
        missing = names[2] if b_ih is None else names[3]
        raise ValueError(f"{missing} must be given where the other bias is, got None")
    given = [(names[0], w_ih), (names[1], w_hh)]
    if b_ih is not None:
        for name, bias in ((names[2], b_ih), (names[3], b_hh)):
            require_shape(name, require_floating(name, bias), (rows,))
            given.append((name, bias))
    for name, value in given:
        require_same_placement("input", input, name, cast(Tensor, value))
    return n_hidden


def _cell_arguments(
    input: object,
    state_names: tuple[str, ...],
    states: tuple[object, ...],
    w_ih: object,
    w_hh: object,
    b_ih: object,
    b_hh: object,
    *,
    n_gates: int,
) -> tuple[Tensor, _State]:
    """Return the input and the states of one step as batches, after a check of everything."""
    x = require_shape("input", require_floating("input", input), ("N", "C"), ("C",))
    names = ("w_ih", "w_hh", "b_ih", "b_hh")
    n_hidden = _require_gate_weights(names, w_ih, w_hh, b_ih, b_hh, x, x.shape[-1], n_gates)
    shape = (*x.shape[:-1], n_hidden)
    found = []
    for name, state in zip(state_names, states, strict=True):
        if state is None:
            h = x.new_zeros(shape)
        else:
            h = require_shape(name, require_floating(name, state), shape)
            require_same_placement(name, h, "input", x)
        found.append(h)
    if x.dim() == 1:
        return x[None], tuple(h[None] for h in found)
    return x, tuple(found)


# ---- whole sequences ---------------------------------------------------------------------------


def running_steps(lengths: Tensor, n_steps: int) -> Tensor:
    """Tell which steps of padded sequences are real, and which are padding.

    Parameters
    ----------
    lengths : Tensor
        How many steps each sequence has, as whole numbers from 1 to ``n_steps``.
    n_steps : int
        The length to which all are padded.

    Returns
    -------
    Tensor
        True where a step is real.

    Shapes
    ------
    lengths : ``(N,)``
    return : ``(T, N)``

    Raises
    ------
    TypeError
        If ``lengths`` is not a tensor of whole numbers, or ``n_steps`` is not an int.
    ValueError
        If ``lengths`` has another shape, or a length lies outside 1 … ``n_steps``.

    Examples
    --------
    >>> running_steps(torch.tensor([1, 3]), 3).int()
    tensor([[1, 1],
            [0, 1],
            [0, 1]], dtype=torch.int32)
    """
    require_integer("n_steps", n_steps, minimum=1)
    counts = require_shape("lengths", require_tensor("lengths", lengths), ("N",))
    if counts.is_floating_point() or counts.is_complex() or counts.dtype == torch.bool:
        raise TypeError(f"lengths must hold whole numbers, got {describe(counts)}")
    outside = (counts < 1) | (counts > n_steps)
    if bool(outside.any()):
        index = int(outside.nonzero()[0, 0])
        raise ValueError(
            f"lengths must lie between 1 and the number of steps {n_steps}, "
            f"got {int(counts[index])} at index {index}"
        )
    steps = torch.arange(n_steps, device=counts.device)
    return steps[:, None] < counts


@dataclass(frozen=True)
class _Recurrence:
    """What tells the three networks apart."""

    name: str
    n_gates: int
    n_states: int
    nonlinearity: str = "tanh"

    def entering(self, input: Tensor, weights: Sequence[Tensor]) -> Tensor:
        """Return the input's share of all steps, with every bias that can be added beforehand."""
        w_ih, _, *biases = weights
        return _input_share(input, w_ih, *(biases[:1] if self.name == "gru" else biases))

    def step(self, weights: Sequence[Tensor]) -> _Step:
        """Return the function that takes one step with these weights."""
        w_hh = weights[1]
        b_hh = weights[3] if len(weights) == 4 else None
        if self.name == "lstm":
            return lambda entering, state: _lstm_step(entering, state[0], state[1], w_hh)
        if self.name == "gru":
            return lambda entering, state: (_gru_step(entering, state[0], w_hh, b_hh),)
        return lambda entering, state: (_rnn_step(entering, state[0], w_hh, self.nonlinearity),)


def _unrolled(
    step: _Step, entering: Tensor, state: _State, running: Tensor | None, backwards: bool
) -> tuple[Tensor, _State]:
    """Run one layer in one direction: the state of every step, and the last states."""
    # unbind, not indexing: its backward pass writes the gradient of all steps once, not T times.
    steps = list(zip(entering.unbind(0), _masks(running, len(entering)), strict=True))
    hidden = []
    for entering_now, is_running in reversed(steps) if backwards else steps:
        after = step(entering_now, state)
        if is_running is not None:  # a sequence that has ended, or not begun, keeps its state
            pairs = zip(after, state, strict=True)
            after = tuple(torch.where(is_running, new, old) for new, old in pairs)
        state = after
        hidden.append(state[0])
    if backwards:
        hidden.reverse()
    output = torch.stack(hidden)
    if running is not None:
        output = torch.where(running[..., None], output, 0)
    return output, state


def _masks(running: Tensor | None, n_steps: int) -> Sequence[Tensor | None]:
    return [None] * n_steps if running is None else running[..., None].unbind(0)


def _dropped(output: Tensor, dropout: float, generator: torch.Generator | None) -> Tensor:
    """Set a share of the numbers to zero and scale up the rest, so that the mean stays."""
    if dropout == 0:
        return output
    if dropout == 1:
        return torch.zeros_like(output)
    device = output.device if generator is None else generator.device
    draws = torch.rand(output.shape, generator=generator, device=device)
    return torch.where((draws >= dropout).to(output.device), output / (1 - dropout), 0)


def _all_layers(
    kind: _Recurrence,
    input: Tensor,
    weights: Sequence[Sequence[Tensor]],
    states: tuple[Tensor | None, ...],
    state_names: tuple[str, ...],
    *,
    batch_first: bool,
    bidirectional: bool,
    dropout: float,
    training: bool,
    lengths: Tensor | None,
    generator: torch.Generator | None,
) -> tuple[Tensor, _State]:
    """Run every layer in every direction, after a check of everything."""
    for name, flag in (
        ("batch_first", batch_first),
        ("bidirectional", bidirectional),
        ("training", training),
    ):
        if not isinstance(flag, bool):
            raise TypeError(f"{name} must be True or False, got {describe(flag)}")
    p = require_number("dropout", dropout, minimum=0.0, maximum=1.0)
    if generator is not None:
        require_generator("generator", generator)
    order = ("N", "T", "C") if batch_first else ("T", "N", "C")
    x = require_shape("input", require_floating("input", input), order, ("T", "C"))
    is_batch = x.dim() == 3
    if not is_batch:
        x = x[:, None]
    elif batch_first:
        x = x.transpose(0, 1)
    n_steps, batch_size = x.shape[:2]
    if n_steps == 0:
        raise ValueError(f"input must have at least one step, got {describe(input)}")
    n_directions = 2 if bidirectional else 1
    n_hidden = _require_layers(kind, x, weights, n_directions)
    n_rows = len(weights)
    shape = (n_rows, batch_size, n_hidden) if is_batch else (n_rows, n_hidden)
    initial = []
    for name, state in zip(state_names, states, strict=True):
        if state is None:
            initial.append(x.new_zeros(n_rows, batch_size, n_hidden))
        else:
            require_shape(name, require_floating(name, state), shape)
            require_same_placement(name, state, "input", x)
            initial.append(state.reshape(n_rows, batch_size, n_hidden))
    running = None
    if lengths is not None:
        running = running_steps(lengths, n_steps).to(x.device)
        if not is_batch:
            raise ValueError(f"lengths must come with a batch, got input {describe(input)}")
        if running.shape[1] != batch_size:
            raise ValueError(
                f"lengths must have shape (N,) = ({batch_size},), got {describe(lengths)}"
            )
        # Whatever the padding holds, even NaN, must not touch the gradient of a weight.
        x = torch.where(running[..., None], x, 0)
    last: list[_State] = []
    for layer in range(n_rows // n_directions):
        if layer > 0 and training:
            x = _dropped(x, p, generator)
        outputs = []
        for direction in range(n_directions):
            row = layer * n_directions + direction
            output, state_after = _unrolled(
                kind.step(weights[row]),
                kind.entering(x, weights[row]),
                tuple(state[row] for state in initial),
                running,
                backwards=direction == 1,
            )
            outputs.append(output)
            last.append(state_after)
        x = torch.cat(outputs, dim=-1) if bidirectional else outputs[0]
    final = tuple(torch.stack(states_of_rows) for states_of_rows in zip(*last, strict=True))
    if not is_batch:
        return x[:, 0], tuple(state[:, 0] for state in final)
    return x.transpose(0, 1) if batch_first else x, final


def _require_layers(kind: _Recurrence, input: Tensor, weights: object, n_directions: int) -> int:
    """Check the weights of all layers and directions; return the size of the state."""
    if not isinstance(weights, (list, tuple)) or not all(
        isinstance(row, (list, tuple)) and len(row) in (2, 4) for row in weights
    ):
        raise TypeError(
            "weights must hold one list (w_ih, w_hh) or (w_ih, w_hh, b_ih, b_hh) for each layer "
            f"and direction, got {describe(weights)}; use layer.all_weights"
        )
    if not weights or len(weights) % n_directions:
        raise ValueError(
            "weights must hold a list for each layer and direction, "
            f"got {len(weights)} for {n_directions} directions"
        )
    n_hidden = 0
    for row, tensors in enumerate(weights):
        names = tuple(f"weights[{row}][{i}]" for i in range(4))
        n_inputs = input.shape[-1] if row < n_directions else n_directions * n_hidden
        biases = tensors[2:] or (None, None)
        found = _require_gate_weights(
            names, tensors[0], tensors[1], biases[0], biases[1], input, n_inputs, kind.n_gates
        )
        if row > 0 and found != n_hidden:
            raise ValueError(
                f"weights must have one hidden size in all layers, got {n_hidden} and {found}"
            )
        n_hidden = found
    return n_hidden


def rnn_forward(
    input: Tensor,
    weights: Sequence[Sequence[Tensor]],
    hx: Tensor | None = None,
    *,
    nonlinearity: str = "tanh",
    batch_first: bool = False,
    bidirectional: bool = False,
    dropout: float = 0.0,
    training: bool = False,
    lengths: Tensor | None = None,
    generator: torch.Generator | None = None,
) -> tuple[Tensor, Tensor]:
    r"""Run the simple recurrent network over whole sequences.

    .. math:: h_t = \tanh(W_{ih}\, x_t + b_{ih} + W_{hh}\, h_{t-1} + b_{hh}),
              \qquad t = 1, \dots, T

    The same four arrays serve every step. A second layer takes the states of the first as its
    input. The second direction runs from the last step to the first, with weights of its own, and
    its states stand beside those of the first.

    Parameters
    ----------
    input : Tensor
        The sequences.
    weights : sequence of sequence of Tensor
        For each layer, and in each layer for each direction: ``w_ih, w_hh, b_ih, b_hh``, or only
        the first two. This is what ``torch.nn.RNN(...).all_weights`` holds.
    hx : Tensor, optional
        The states before the first step; zeros without it.
    nonlinearity : str, default: "tanh"
        ``"tanh"`` or ``"relu"``.
    batch_first : bool, default: False
        Whether the batch is the first dimension of input and output. Never of the states.
    bidirectional : bool, default: False
        Whether there is a second direction.
    dropout : float, default: 0.0
        The share of each layer's output that is set to zero on its way to the next layer.
    training : bool, default: False
        Whether to drop anything.
    lengths : Tensor, optional
        The true lengths of padded sequences. Steps beyond them have output 0 and change nothing.
    generator : torch.Generator, optional
        Where dropout draws from; without it, PyTorch's global generator.

    Returns
    -------
    output : Tensor
        The state of the last layer after every step.
    h_n : Tensor
        The state of every layer and direction after its own last step.

    Shapes
    ------
    input : ``(T, N, C)``, with ``batch_first`` ``(N, T, C)``, or one sequence ``(T, C)``
    weights[i] : ``(H, C)``, above the first layer ``(H, D · H)``; ``(H, H)``, ``(H,)``, ``(H,)``
    hx, h_n : ``(L · D, N, H)`` or ``(L · D, H)``, with L layers and D directions
    lengths : ``(N,)``
    output : ``(T, N, D · H)``, with ``batch_first`` ``(N, T, D · H)``, or ``(T, D · H)``

    Raises
    ------
    TypeError
        If an argument has the wrong type, or dtypes differ.
    ValueError
        If there is no step, or shapes, devices or lengths do not fit.

    Notes
    -----
    The input's share of all steps is one matrix product; only the state's share must wait for the
    step before.

    References
    ----------
    J. L. Elman, "Finding structure in time", Cognitive Science 14(2), 1990,
    doi:10.1207/s15516709cog1402_1. Both directions: M. Schuster, K. K. Paliwal, "Bidirectional
    recurrent neural networks", IEEE Transactions on Signal Processing 45(11), 1997,
    doi:10.1109/78.650093.

    Examples
    --------
    >>> network = torch.nn.RNN(3, 4, num_layers=2, bidirectional=True)
    >>> x = torch.randn(5, 2, 3, generator=torch.Generator().manual_seed(0))
    >>> output, h_n = rnn_forward(x, network.all_weights, bidirectional=True)
    >>> output.shape, h_n.shape
    (torch.Size([5, 2, 8]), torch.Size([4, 2, 4]))
    >>> torch.allclose(output, network(x)[0], atol=1e-6)
    True

    With lengths, a short sequence ends with its own last step:

    >>> output, h_n = rnn_forward(x, network.all_weights[:1], lengths=torch.tensor([5, 2]))
    >>> torch.equal(h_n[0, 1], output[1, 1]), output[2:, 1].any().item()
    (True, False)
    """
    require_choice("nonlinearity", nonlinearity, _NONLINEARITIES)
    output, (h_n,) = _all_layers(
        _Recurrence("rnn", 1, 1, nonlinearity),
        input,
        weights,
        (hx,),
        ("hx",),
        batch_first=batch_first,
        bidirectional=bidirectional,
        dropout=dropout,
        training=training,
        lengths=lengths,
        generator=generator,
    )
    return output, h_n


def lstm_forward(
    input: Tensor,
    weights: Sequence[Sequence[Tensor]],
    hx: tuple[Tensor, Tensor] | None = None,
    *,
    batch_first: bool = False,
    bidirectional: bool = False,
    dropout: float = 0.0,
    training: bool = False,
    lengths: Tensor | None = None,
    generator: torch.Generator | None = None,
) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    r"""Run the long short-term memory over whole sequences: :func:`lstm_cell` at every step.

    .. math:: c_t = f_t \odot c_{t-1} + i_t \odot g_t, \qquad h_t = o_t \odot \tanh c_t,
              \qquad t = 1, \dots, T

    Parameters
    ----------
    input : Tensor
        The sequences.
    weights : sequence of sequence of Tensor
        As in ``torch.nn.LSTM(...).all_weights``.
    hx : tuple of Tensor, optional
        The hidden and the cell states before the first step; zeros without it.
    batch_first, bidirectional, dropout, training, lengths, generator
        As for :func:`rnn_forward`.

    Returns
    -------
    output : Tensor
        The hidden state of the last layer after every step.
    h_n, c_n : tuple of Tensor
        Both states of every layer and direction after its own last step.

    Shapes
    ------
    input : ``(T, N, C)``, with ``batch_first`` ``(N, T, C)``, or one sequence ``(T, C)``
    weights[i] : ``(4 · H, C)`` or ``(4 · H, D · H)``; ``(4 · H, H)``, ``(4 · H,)``, ``(4 · H,)``
    hx, return 1 : two of ``(L · D, N, H)`` or ``(L · D, H)``
    return 0 : ``(T, N, D · H)``, with ``batch_first`` ``(N, T, D · H)``, or ``(T, D · H)``

    Raises
    ------
    TypeError
        If an argument has the wrong type, ``hx`` is not a pair, or dtypes differ.
    ValueError
        If there is no step, or shapes, devices or lengths do not fit.

    Notes
    -----
    *Differences from PyTorch.* There are no projections (``proj_size``).

    References
    ----------
    S. Hochreiter, J. Schmidhuber, "Long short-term memory", Neural Computation 9(8), 1997,
    doi:10.1162/neco.1997.9.8.1735.

    Examples
    --------
    >>> network = torch.nn.LSTM(3, 4)
    >>> x = torch.randn(5, 2, 3, generator=torch.Generator().manual_seed(0))
    >>> output, (h_n, c_n) = lstm_forward(x, network.all_weights)
    >>> output.shape, h_n.shape, c_n.shape
    (torch.Size([5, 2, 4]), torch.Size([1, 2, 4]), torch.Size([1, 2, 4]))
    >>> torch.allclose(c_n, network(x)[1][1], atol=1e-6)
    True
    """
    output, (h_n, c_n) = _all_layers(
        _Recurrence("lstm", 4, 2),
        input,
        weights,
        _pair("hx", hx),
        ("hx[0]", "hx[1]"),
        batch_first=batch_first,
        bidirectional=bidirectional,
        dropout=dropout,
        training=training,
        lengths=lengths,
        generator=generator,
    )
    return output, (h_n, c_n)


def gru_forward(
    input: Tensor,
    weights: Sequence[Sequence[Tensor]],
    hx: Tensor | None = None,
    *,
    batch_first: bool = False,
    bidirectional: bool = False,
    dropout: float = 0.0,
    training: bool = False,
    lengths: Tensor | None = None,
    generator: torch.Generator | None = None,
) -> tuple[Tensor, Tensor]:
    r"""Run the gated recurrent unit over whole sequences: :func:`gru_cell` at every step.

    .. math:: h_t = (1 - z_t) \odot n_t + z_t \odot h_{t-1}, \qquad t = 1, \dots, T

    Parameters
    ----------
    input : Tensor
        The sequences.
    weights : sequence of sequence of Tensor
        As in ``torch.nn.GRU(...).all_weights``.
    hx : Tensor, optional
        The states before the first step; zeros without it.
    batch_first, bidirectional, dropout, training, lengths, generator
        As for :func:`rnn_forward`.

    Returns
    -------
    output : Tensor
        The state of the last layer after every step.
    h_n : Tensor
        The state of every layer and direction after its own last step.

    Shapes
    ------
    input : ``(T, N, C)``, with ``batch_first`` ``(N, T, C)``, or one sequence ``(T, C)``
    weights[i] : ``(3 · H, C)`` or ``(3 · H, D · H)``; ``(3 · H, H)``, ``(3 · H,)``, ``(3 · H,)``
    hx, h_n : ``(L · D, N, H)`` or ``(L · D, H)``
    output : ``(T, N, D · H)``, with ``batch_first`` ``(N, T, D · H)``, or ``(T, D · H)``

    Raises
    ------
    TypeError
        If an argument has the wrong type, or dtypes differ.
    ValueError
        If there is no step, or shapes, devices or lengths do not fit.

    References
    ----------
    K. Cho et al., "Learning phrase representations using RNN encoder–decoder for statistical
    machine translation", EMNLP 2014, doi:10.3115/v1/D14-1179.

    Examples
    --------
    >>> network = torch.nn.GRU(3, 4, batch_first=True)
    >>> x = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(0))
    >>> output, h_n = gru_forward(x, network.all_weights, batch_first=True)
    >>> output.shape, h_n.shape
    (torch.Size([2, 5, 4]), torch.Size([1, 2, 4]))
    >>> torch.allclose(output, network(x)[0], atol=1e-6)
    True
    """
    output, (h_n,) = _all_layers(
        _Recurrence("gru", 3, 1),
        input,
        weights,
        (hx,),
        ("hx",),
        batch_first=batch_first,
        bidirectional=bidirectional,
        dropout=dropout,
        training=training,
        lengths=lengths,
        generator=generator,
    )
    return output, h_n


# ---- back through time -------------------------------------------------------------------------


class RNNGradients(NamedTuple):
    """The gradient of a loss with respect to everything that enters a simple recurrent network.

    Examples
    --------
    >>> RNNGradients._fields
    ('input', 'hx', 'w_ih', 'w_hh', 'b_ih', 'b_hh', 'states')
    """

    input: Tensor
    """With respect to the input of every step; (T, N, C)."""
    hx: Tensor
    """With respect to the state before the first step; (N, H)."""
    w_ih: Tensor
    """With respect to the input's weights, a sum over steps and samples; (H, C)."""
    w_hh: Tensor
    """With respect to the state's weights; (H, H)."""
    b_ih: Tensor
    """With respect to the input's bias; (H,)."""
    b_hh: Tensor
    """With respect to the state's bias, the same numbers; (H,)."""
    states: Tensor
    """With respect to every state, from its own loss and all later ones; (T, N, H)."""


def rnn_backward(
    grad_output: Tensor,
    input: Tensor,
    hx: Tensor,
    output: Tensor,
    w_ih: Tensor,
    w_hh: Tensor,
    *,
    nonlinearity: str = "tanh",
    truncate_every: int | None = None,
) -> RNNGradients:
    r"""Carry a gradient back through time, by hand: one layer, one direction.

    .. math::
        G_t &= \frac{\partial L}{\partial h_t} + W_{hh}^\top \delta_{t+1}, \qquad
        \delta_t = G_t \odot (1 - h_t^2) \\
        \frac{\partial L}{\partial W_{hh}} &= \sum_{t=1}^{T} \delta_t\, h_{t-1}^\top, \qquad
        \frac{\partial L}{\partial W_{ih}} = \sum_{t=1}^{T} \delta_t\, x_t^\top, \qquad
        \frac{\partial L}{\partial b} = \sum_{t=1}^{T} \delta_t

    with :math:`\delta_{T+1} = 0` and, for relu, a 1 where :math:`h_t > 0` in place of
    :math:`1 - h_t^2`.

    Parameters
    ----------
    grad_output : Tensor
        What the loss itself says about the state after each step.
    input : Tensor
        The inputs of all steps.
    hx : Tensor
        The state before the first step.
    output : Tensor
        The states that the forward pass has found.
    w_ih, w_hh : Tensor
        The weights.
    nonlinearity : str, default: "tanh"
        ``"tanh"`` or ``"relu"``.
    truncate_every : int, optional
        Cut the sequence into pieces of so many steps. No gradient crosses from one piece to the one
        before it, as if the state had been detached there. Without it, nothing is cut.

    Returns
    -------
    RNNGradients
        One gradient for each argument of the forward pass, and for every state.

    Shapes
    ------
    grad_output : ``(T, N, H)``
    input : ``(T, N, C)``
    hx : ``(N, H)``
    output : ``(T, N, H)``
    w_ih : ``(H, C)``
    w_hh : ``(H, H)``

    Raises
    ------
    TypeError
        If an argument is not a tensor of floating-point numbers, or dtypes differ.
    ValueError
        If shapes or devices do not fit, ``nonlinearity`` is unknown, or ``truncate_every`` is
        below 1.

    Notes
    -----
    Both slopes are functions of the output, so that the sums inside need not be kept.

    References
    ----------
    P. J. Werbos, "Backpropagation through time: what it does and how to do it", Proceedings of the
    IEEE 78(10), 1990, doi:10.1109/5.58337. Cut off: R. J. Williams, J. Peng, "An efficient
    gradient-based algorithm for on-line training of recurrent network trajectories", Neural
    Computation 2(4), 1990, doi:10.1162/neco.1990.2.4.490.

    Examples
    --------
    Two steps with the weights ½ and no input: the state halves, and so does what comes back. A cut
    after every step keeps it from coming back at all.

    >>> w = torch.full((1, 1), 0.5)
    >>> x, hx = torch.zeros(2, 1, 1), torch.ones(1, 1)
    >>> output, _ = rnn_forward(x, [[w, w]], hx[None], nonlinearity="relu")
    >>> upstream = torch.tensor([[[0.0]], [[1.0]]])  # the loss is the last state
    >>> whole = rnn_backward(upstream, x, hx, output, w, w, nonlinearity="relu")
    >>> whole.hx.item(), whole.states.flatten().tolist(), whole.w_hh.item()
    (0.25, [0.5, 1.0], 1.0)
    >>> cut = rnn_backward(
    ...     upstream, x, hx, output, w, w, nonlinearity="relu", truncate_every=1
    ... )
    >>> cut.hx.item(), cut.states.flatten().tolist(), cut.w_hh.item()
    (0.0, [0.0, 1.0], 0.5)
    """
    require_choice("nonlinearity", nonlinearity, _NONLINEARITIES)
    if truncate_every is not None:
        require_integer("truncate_every", truncate_every, minimum=1)
    x = require_shape("input", require_floating("input", input), ("T", "N", "C"))
    n_steps, batch_size, n_inputs = x.shape
    names = ("w_ih", "w_hh", "b_ih", "b_hh")
    n_hidden = _require_gate_weights(names, w_ih, w_hh, None, None, x, n_inputs, 1)
    for name, value, shape in (
        ("grad_output", grad_output, (n_steps, batch_size, n_hidden)),
        ("hx", hx, (batch_size, n_hidden)),
        ("output", output, (n_steps, batch_size, n_hidden)),
    ):
        require_shape(name, require_floating(name, value), shape)
        require_same_placement(name, value, "input", x)
    before = torch.cat([hx[None], output])[:n_steps]  # the state that each step started from
    slopes = 1 - output * output if nonlinearity == "tanh" else (output > 0).to(output.dtype)
    coming_back = torch.zeros_like(hx)
    states, deltas = [], []
    for t in reversed(range(n_steps)):
        gradient = grad_output[t] + coming_back
        delta = gradient * slopes[t]
        states.append(gradient)
        deltas.append(delta)
        is_cut = truncate_every is not None and t % truncate_every == 0
        coming_back = torch.zeros_like(hx) if is_cut else delta @ w_hh
    states.reverse()
    deltas.reverse()
    if n_steps == 0:
        return RNNGradients(
            torch.zeros_like(x), torch.zeros_like(hx), torch.zeros_like(w_ih),
            torch.zeros_like(w_hh), w_hh.new_zeros(n_hidden), w_hh.new_zeros(n_hidden),
            torch.zeros_like(output),
        )  # fmt: skip
    delta = torch.stack(deltas)
    rows = delta.flatten(0, 1).T  # (H, T · N): the sum over steps is a matrix product
    return RNNGradients(
        input=delta @ w_ih,
        hx=coming_back,
        w_ih=rows @ x.flatten(0, 1),
        w_hh=rows @ before.flatten(0, 1),
        b_ih=rows.sum(1),
        b_hh=rows.sum(1),
        states=torch.stack(states),
    )


def gradient_reach(
    step: Callable[[Tensor, _StateT], _StateT],
    input: Tensor,
    state: _StateT,
    cotangent: Tensor,
) -> Tensor:
    r"""Measure how much of a gradient at the end comes back to the state of each earlier step.

    .. math:: r_t = \left| \Bigl( \frac{\partial h_T}{\partial s_t} \Bigr)^{\!\top} u \right|,
              \qquad t = 0, \dots, T

    The state :math:`s` is h, for an LSTM h and c together. With u drawn from a standard normal
    distribution, the mean of :math:`r_t^2` is the squared Frobenius norm of the Jacobian.

    Parameters
    ----------
    step : callable
        Takes the input of one step and a state, and returns the next state.
    input : Tensor
        The inputs of all steps.
    state : Tensor or tuple of Tensor
        The state before the first step. Of a tuple, h is the first.
    cotangent : Tensor
        The gradient u at the last h, one for each sample.

    Returns
    -------
    Tensor
        The norms, before the first step and after each.

    Shapes
    ------
    input : ``(T, N, C)``
    state : ``(N, H)`` each
    cotangent : ``(N, H)``
    return : ``(T + 1, N)``

    Raises
    ------
    TypeError
        If ``input``, ``state`` or ``cotangent`` is not made of floating-point tensors.
    ValueError
        If ``input`` has not three dimensions, or ``cotangent`` is not of the shape of h.

    References
    ----------
    R. Pascanu, T. Mikolov, Y. Bengio, "On the difficulty of training recurrent neural networks",
    ICML 2013, arXiv:1211.5063.

    Examples
    --------
    A linear network that halves its state, so each step back halves the gradient:

    >>> gradient_reach(
    ...     lambda x, h: 0.5 * h + x, torch.zeros(3, 1, 2), torch.ones(1, 2), torch.ones(1, 2)
    ... ).squeeze(1) / 2**0.5
    tensor([0.1250, 0.2500, 0.5000, 1.0000])
    """
    x = require_shape("input", require_floating("input", input), ("T", "N", "C"))
    parts: _State = state if isinstance(state, tuple) else (state,)
    for i, part in enumerate(parts):
        require_floating(f"state[{i}]" if isinstance(state, tuple) else "state", part)
    require_shape("cotangent", require_floating("cotangent", cotangent), tuple(parts[0].shape))
    with torch.enable_grad():
        now = tuple(part.detach().requires_grad_() for part in parts)
        visited = [now]
        for x_now in x.detach():
            after = step(x_now, now if isinstance(state, tuple) else now[0])
            # h was made from c. Copies are independent: what comes back to one is its own share.
            now = tuple(part.clone() for part in (after if isinstance(after, tuple) else (after,)))
            visited.append(now)
        flat = [part for parts_then in visited for part in parts_then]
        found = torch.autograd.grad(now[0], flat, cotangent, allow_unused=True)
    squares = [
        torch.zeros_like(part) if gradient is None else gradient.square()
        for part, gradient in zip(flat, found, strict=True)
    ]
    n_parts = len(parts)
    norms = [
        torch.cat(squares[i : i + n_parts], dim=-1).sum(-1).sqrt()
        for i in range(0, len(squares), n_parts)
    ]
    return torch.stack(norms)
