r"""Recurrent layers: the functions of :mod:`handbook.recurrence` with their weights, as modules.

Each takes the arguments of the layer of the same name in :mod:`torch.nn` and has the same
``state_dict``, so that weights go across in both directions. Projections are left out: there is no
``proj_size``.
"""

from __future__ import annotations

import math
import warnings
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from handbook.checks import (
    describe,
    require_choice,
    require_generator,
    require_integer,
    require_number,
    require_shape,
)
from handbook.recurrence import (
    gru_cell,
    gru_forward,
    lstm_cell,
    lstm_forward,
    rnn_cell,
    rnn_forward,
    running_steps,
)

__all__ = ["RNN", "LSTM", "GRU", "RNNCell", "LSTMCell", "GRUCell"]


def _require_flag(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be True or False, got {describe(value)}")
    return value


def _draw_recurrent_weights(
    module: nn.Module, hidden_size: int, generator: torch.Generator | None
) -> None:
    """Fill every parameter with U(-1/√H, 1/√H), drawn where the generator lives."""
    if generator is not None:
        require_generator("generator", generator)
    bound = 1 / math.sqrt(hidden_size) if hidden_size > 0 else 0.0
    with torch.no_grad():
        for parameter in module.parameters():
            if generator is None or generator.device == parameter.device:
                parameter.uniform_(-bound, bound, generator=generator)
            elif parameter.device.type != "meta":
                draws = torch.empty_like(parameter, device=generator.device)
                parameter.copy_(draws.uniform_(-bound, bound, generator=generator))


class _RecurrentLayer(nn.Module):
    """What RNN, LSTM and GRU share: arguments, parameters, start, and packed sequences."""

    _n_gates: int
    _n_states: int

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int,
        bias: bool,
        batch_first: bool,
        dropout: float,
        bidirectional: bool,
        device: torch.device | str | None,
        dtype: torch.dtype | None,
        generator: torch.Generator | None,
    ) -> None:
        super().__init__()
        self.input_size = require_integer("input_size", input_size, minimum=1)
        self.hidden_size = require_integer("hidden_size", hidden_size, minimum=1)
        self.num_layers = require_integer("num_layers", num_layers, minimum=1)
        self.bias = _require_flag("bias", bias)
        self.batch_first = _require_flag("batch_first", batch_first)
        self.dropout = require_number("dropout", dropout, minimum=0.0, maximum=1.0)
        self.bidirectional = _require_flag("bidirectional", bidirectional)
        if dtype is not None and not dtype.is_floating_point:
            raise TypeError(f"dtype must be a floating-point one, got {dtype}")
        if self.dropout > 0 and num_layers == 1:
            warnings.warn(
                f"dropout acts between layers, so dropout = {dropout} does nothing with "
                "num_layers = 1",
                UserWarning,
                stacklevel=3,
            )
        rows = self._n_gates * hidden_size
        n_directions = 2 if bidirectional else 1
        self._rows_of_names: list[list[str]] = []
        for layer in range(num_layers):
            n_inputs = input_size if layer == 0 else n_directions * hidden_size
            for suffix in ("", "_reverse")[:n_directions]:
                shapes: dict[str, tuple[int, ...]] = {
                    f"weight_ih_l{layer}{suffix}": (rows, n_inputs),
                    f"weight_hh_l{layer}{suffix}": (rows, hidden_size),
                }
                if bias:
                    shapes[f"bias_ih_l{layer}{suffix}"] = (rows,)
                    shapes[f"bias_hh_l{layer}{suffix}"] = (rows,)
                for name, shape in shapes.items():
                    empty = torch.empty(shape, device=device, dtype=dtype)
                    self.register_parameter(name, nn.Parameter(empty))
                self._rows_of_names.append(list(shapes))
        self.reset_parameters(generator=generator)

    def reset_parameters(self, *, generator: torch.Generator | None = None) -> None:
        r"""Draw new weights and biases from :math:`U(-1/\sqrt{H}, 1/\sqrt{H})`.

        Parameters
        ----------
        generator : torch.Generator, optional
            Where the numbers come from; without it, PyTorch's global generator.
        """
        _draw_recurrent_weights(self, self.hidden_size, generator)

    @property
    def all_weights(self) -> list[list[nn.Parameter]]:
        """The weights of each layer and direction, as the functions take them."""
        return [[getattr(self, name) for name in names] for names in self._rows_of_names]

    def _run(
        self,
        input: Tensor | PackedSequence,
        states: tuple[Tensor, ...] | None,
        lengths: Tensor | None,
        generator: torch.Generator | None,
    ) -> tuple[Tensor | PackedSequence, tuple[Tensor, ...]]:
        """Run the layer on padded or on packed sequences."""
        if not isinstance(input, PackedSequence):
            return self._sequences(input, states, self.batch_first, lengths, generator)
        if lengths is not None:
            raise ValueError("lengths must be None with a PackedSequence, which knows its lengths")
        # Step t of a packed batch holds the sequences that are still running, the longest first.
        sizes = input.batch_sizes.to(input.data.device)
        batch_size = int(sizes[0])
        columns = torch.arange(batch_size, device=sizes.device)
        lengths = (columns < sizes[:, None]).sum(0)
        running = running_steps(lengths, len(sizes))
        require_shape("input.data", input.data, ("steps", self.input_size))
        padded = input.data.new_zeros(*running.shape, self.input_size)
        padded = padded.index_put(running.nonzero(as_tuple=True), input.data)
        if states is not None:
            shape = (len(self._rows_of_names), batch_size, self.hidden_size)
            for i, state in enumerate(states):
                require_shape("hx" if len(states) == 1 else f"hx[{i}]", state, shape)
            if input.sorted_indices is not None:
                states = tuple(state.index_select(1, input.sorted_indices) for state in states)
        output, last = self._sequences(padded, states, False, lengths, generator)
        if input.unsorted_indices is not None:
            last = tuple(state.index_select(1, input.unsorted_indices) for state in last)
        packed = PackedSequence(
            output[running], input.batch_sizes, input.sorted_indices, input.unsorted_indices
        )
        return packed, last

    def _sequences(
        self,
        input: Tensor,
        states: tuple[Tensor, ...] | None,
        batch_first: bool,
        lengths: Tensor | None,
        generator: torch.Generator | None,
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        raise NotImplementedError

    def _options(
        self, batch_first: bool, lengths: Tensor | None, generator: torch.Generator | None
    ) -> dict[str, Any]:
        return {
            "batch_first": batch_first,
            "bidirectional": self.bidirectional,
            "dropout": self.dropout,
            "training": self.training,
            "lengths": lengths,
            "generator": generator,
        }

    def extra_repr(self) -> str:
        """Return the arguments that differ from their defaults, as PyTorch prints them."""
        text = f"{self.input_size}, {self.hidden_size}"
        if self.num_layers != 1:
            text += f", num_layers={self.num_layers}"
        if not self.bias:
            text += ", bias=False"
        if self.batch_first:
            text += ", batch_first=True"
        if self.dropout != 0:
            text += f", dropout={self.dropout}"
        if self.bidirectional:
            text += ", bidirectional=True"
        return text


class RNN(_RecurrentLayer):
    r"""The simple recurrent network: :func:`handbook.recurrence.rnn_forward` with its weights.

    Parameters
    ----------
    input_size : int
        Numbers at each step of the input.
    hidden_size : int
        Numbers in the state.
    num_layers : int, default: 1
        Layers, each reading the states of the one below.
    nonlinearity : str, default: "tanh"
        ``"tanh"`` or ``"relu"``.
    bias : bool, default: True
        Whether there are biases.
    batch_first : bool, default: False
        Whether the batch is the first dimension of input and output. Never of the states.
    dropout : float, default: 0.0
        The share of each layer's output that is set to zero on its way to the next layer, in
        training only.
    bidirectional : bool, default: False
        Whether a second network reads backwards.
    device : torch.device or str, optional
        Where the parameters live.
    dtype : torch.dtype, optional
        The parameters' dtype.
    generator : torch.Generator, optional
        Where the initial weights come from; without it, PyTorch's global generator.

    Shapes
    ------
    input : ``(T, N, C)``, with ``batch_first`` ``(N, T, C)``, one sequence ``(T, C)``, or packed
    hx, h_n : ``(L · D, N, H)`` or ``(L · D, H)``, with L layers and D directions
    output : ``(T, N, D · H)``, with ``batch_first`` ``(N, T, D · H)``, ``(T, D · H)``, or packed

    Raises
    ------
    TypeError
        If an argument has the wrong type; on the call, as
        :func:`handbook.recurrence.rnn_forward` does.
    ValueError
        If a number is out of its range or a word is unknown; on the call, as
        :func:`handbook.recurrence.rnn_forward` does.

    Notes
    -----
    Weights start uniform in :math:`\pm 1 / \sqrt H`, drawn in PyTorch's order: with the same state
    of the global generator both layers start with the same numbers.

    *Differences from PyTorch.* Padded sequences may come with their ``lengths``, without packing.

    Examples
    --------
    >>> layer = RNN(3, 4, num_layers=2, batch_first=True)
    >>> output, h_n = layer(torch.zeros(8, 5, 3))
    >>> output.shape, h_n.shape
    (torch.Size([8, 5, 4]), torch.Size([2, 8, 4]))

    Weights go across to PyTorch's layer and back:

    >>> twin = nn.RNN(3, 4, num_layers=2, batch_first=True)
    >>> twin.load_state_dict(layer.state_dict()), layer.load_state_dict(twin.state_dict())
    (<All keys matched successfully>, <All keys matched successfully>)
    """

    _n_gates, _n_states = 1, 1

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__(
            input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional,
            device, dtype, generator,
        )  # fmt: skip
        self.nonlinearity = require_choice("nonlinearity", nonlinearity, ("tanh", "relu"))

    def forward(
        self,
        input: Tensor | PackedSequence,
        hx: Tensor | None = None,
        *,
        lengths: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> tuple[Tensor | PackedSequence, Tensor]:
        """Return the last layer's state after every step, and every layer's last state."""
        states = None if hx is None else (hx,)
        output, (h_n,) = self._run(input, states, lengths, generator)
        return output, h_n

    def _sequences(
        self,
        input: Tensor,
        states: tuple[Tensor, ...] | None,
        batch_first: bool,
        lengths: Tensor | None,
        generator: torch.Generator | None,
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        output, h_n = rnn_forward(
            input,
            self.all_weights,
            None if states is None else states[0],
            nonlinearity=self.nonlinearity,
            **self._options(batch_first, lengths, generator),
        )
        return output, (h_n,)


class LSTM(_RecurrentLayer):
    r"""The long short-term memory: :func:`handbook.recurrence.lstm_forward` with its weights.

    Parameters
    ----------
    input_size : int
        Numbers at each step of the input.
    hidden_size : int
        Numbers in the hidden state, and in the cell state.
    num_layers, bias, batch_first, dropout, bidirectional, device, dtype, generator
        As for :class:`RNN`.

    Shapes
    ------
    input : ``(T, N, C)``, with ``batch_first`` ``(N, T, C)``, one sequence ``(T, C)``, or packed
    hx, return 1 : two of ``(L · D, N, H)`` or ``(L · D, H)``
    output : ``(T, N, D · H)``, with ``batch_first`` ``(N, T, D · H)``, ``(T, D · H)``, or packed

    Raises
    ------
    TypeError
        If an argument has the wrong type; on the call, as
        :func:`handbook.recurrence.lstm_forward` does.
    ValueError
        If a number is out of its range; on the call, as
        :func:`handbook.recurrence.lstm_forward` does.

    Notes
    -----
    *Differences from PyTorch.* ``proj_size`` is absent, hence ``device`` and ``dtype`` are
    keyword-only; padded sequences may come with their ``lengths``.

    Examples
    --------
    >>> layer = LSTM(3, 4)
    >>> output, (h_n, c_n) = layer(torch.zeros(5, 8, 3))
    >>> output.shape, h_n.shape, c_n.shape
    (torch.Size([5, 8, 4]), torch.Size([1, 8, 4]), torch.Size([1, 8, 4]))
    >>> nn.LSTM(3, 4).load_state_dict(layer.state_dict())
    <All keys matched successfully>
    """

    _n_gates, _n_states = 4, 2

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        *,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__(
            input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional,
            device, dtype, generator,
        )  # fmt: skip

    def forward(
        self,
        input: Tensor | PackedSequence,
        hx: tuple[Tensor, Tensor] | None = None,
        *,
        lengths: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> tuple[Tensor | PackedSequence, tuple[Tensor, Tensor]]:
        """Return the last layer's hidden state after every step, and all last states (h, c)."""
        if hx is not None and (not isinstance(hx, (tuple, list)) or len(hx) != 2):
            raise TypeError(f"hx must be a pair (h, c) of tensors, got {describe(hx)}; use (hx, c)")
        states = None if hx is None else tuple(hx)
        output, (h_n, c_n) = self._run(input, states, lengths, generator)
        return output, (h_n, c_n)

    def _sequences(
        self,
        input: Tensor,
        states: tuple[Tensor, ...] | None,
        batch_first: bool,
        lengths: Tensor | None,
        generator: torch.Generator | None,
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        return lstm_forward(
            input,
            self.all_weights,
            cast("tuple[Tensor, Tensor] | None", states),
            **self._options(batch_first, lengths, generator),
        )


class GRU(_RecurrentLayer):
    r"""The gated recurrent unit: :func:`handbook.recurrence.gru_forward` with its weights.

    Parameters
    ----------
    input_size : int
        Numbers at each step of the input.
    hidden_size : int
        Numbers in the state.
    num_layers, bias, batch_first, dropout, bidirectional, device, dtype, generator
        As for :class:`RNN`.

    Shapes
    ------
    input : ``(T, N, C)``, with ``batch_first`` ``(N, T, C)``, one sequence ``(T, C)``, or packed
    hx, h_n : ``(L · D, N, H)`` or ``(L · D, H)``
    output : ``(T, N, D · H)``, with ``batch_first`` ``(N, T, D · H)``, ``(T, D · H)``, or packed

    Raises
    ------
    TypeError
        If an argument has the wrong type; on the call, as
        :func:`handbook.recurrence.gru_forward` does.
    ValueError
        If a number is out of its range; on the call, as
        :func:`handbook.recurrence.gru_forward` does.

    Notes
    -----
    *Differences from PyTorch.* ``device`` and ``dtype`` are keyword-only; padded sequences may come
    with their ``lengths``.

    Examples
    --------
    >>> layer = GRU(3, 4, bidirectional=True)
    >>> output, h_n = layer(torch.zeros(5, 8, 3))
    >>> output.shape, h_n.shape
    (torch.Size([5, 8, 8]), torch.Size([2, 8, 4]))
    >>> nn.GRU(3, 4, bidirectional=True).load_state_dict(layer.state_dict())
    <All keys matched successfully>
    """

    _n_gates, _n_states = 3, 1

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        *,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__(
            input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional,
            device, dtype, generator,
        )  # fmt: skip

    def forward(
        self,
        input: Tensor | PackedSequence,
        hx: Tensor | None = None,
        *,
        lengths: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> tuple[Tensor | PackedSequence, Tensor]:
        """Return the last layer's state after every step, and every layer's last state."""
        states = None if hx is None else (hx,)
        output, (h_n,) = self._run(input, states, lengths, generator)
        return output, h_n

    def _sequences(
        self,
        input: Tensor,
        states: tuple[Tensor, ...] | None,
        batch_first: bool,
        lengths: Tensor | None,
        generator: torch.Generator | None,
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        output, h_n = gru_forward(
            input,
            self.all_weights,
            None if states is None else states[0],
            **self._options(batch_first, lengths, generator),
        )
        return output, (h_n,)


class _RecurrentCell(nn.Module):
    """What the three cells share: arguments, parameters and start."""

    _n_gates: int
    weight_ih: nn.Parameter
    weight_hh: nn.Parameter
    bias_ih: nn.Parameter | None
    bias_hh: nn.Parameter | None

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool,
        device: torch.device | str | None,
        dtype: torch.dtype | None,
        generator: torch.Generator | None,
    ) -> None:
        super().__init__()
        self.input_size = require_integer("input_size", input_size, minimum=0)
        self.hidden_size = require_integer("hidden_size", hidden_size, minimum=0)
        self.bias = _require_flag("bias", bias)
        if dtype is not None and not dtype.is_floating_point:
            raise TypeError(f"dtype must be a floating-point one, got {dtype}")
        rows = self._n_gates * hidden_size

        def empty(*shape: int) -> nn.Parameter:
            return nn.Parameter(torch.empty(shape, device=device, dtype=dtype))

        self.weight_ih = empty(rows, input_size)
        self.weight_hh = empty(rows, hidden_size)
        if bias:
            self.bias_ih = empty(rows)
            self.bias_hh = empty(rows)
        else:
            self.register_parameter("bias_ih", None)
            self.register_parameter("bias_hh", None)
        self.reset_parameters(generator=generator)

    def reset_parameters(self, *, generator: torch.Generator | None = None) -> None:
        r"""Draw new weights and biases from :math:`U(-1/\sqrt{H}, 1/\sqrt{H})`.

        Parameters
        ----------
        generator : torch.Generator, optional
            Where the numbers come from; without it, PyTorch's global generator.
        """
        _draw_recurrent_weights(self, self.hidden_size, generator)

    def _weights(self) -> tuple[Tensor, Tensor, Tensor | None, Tensor | None]:
        return self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh

    def extra_repr(self) -> str:
        """Return the arguments that differ from their defaults, as PyTorch prints them."""
        text = f"{self.input_size}, {self.hidden_size}"
        if not self.bias:
            text += ", bias=False"
        return text


class RNNCell(_RecurrentCell):
    r"""One step of the simple recurrent network: :func:`handbook.recurrence.rnn_cell`.

    Parameters
    ----------
    input_size : int
        Numbers in the input.
    hidden_size : int
        Numbers in the state.
    bias : bool, default: True
        Whether there are biases.
    nonlinearity : str, default: "tanh"
        ``"tanh"`` or ``"relu"``.
    device : torch.device or str, optional
        Where the parameters live.
    dtype : torch.dtype, optional
        The parameters' dtype.
    generator : torch.Generator, optional
        Where the initial weights come from; without it, PyTorch's global generator.

    Shapes
    ------
    input : ``(N, C)`` or ``(C,)``
    hx, return : ``(N, H)`` or ``(H,)``

    Raises
    ------
    TypeError
        If an argument has the wrong type; on the call, as :func:`handbook.recurrence.rnn_cell`
        does.
    ValueError
        If a number is negative or a word is unknown; on the call, as
        :func:`handbook.recurrence.rnn_cell` does.

    Examples
    --------
    >>> cell = RNNCell(3, 4)
    >>> h = None
    >>> for x in torch.zeros(5, 2, 3):
    ...     h = cell(x, h)
    >>> h.shape
    torch.Size([2, 4])
    """

    _n_gates = 1

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, device, dtype, generator)
        self.nonlinearity = require_choice("nonlinearity", nonlinearity, ("tanh", "relu"))

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        """Return the state after one step; without a state before it, that one is zero."""
        return rnn_cell(input, hx, *self._weights(), self.nonlinearity)

    def extra_repr(self) -> str:
        """Return the arguments that differ from their defaults, as PyTorch prints them."""
        text = super().extra_repr()
        return text if self.nonlinearity == "tanh" else f"{text}, nonlinearity={self.nonlinearity}"


class LSTMCell(_RecurrentCell):
    r"""One step of the long short-term memory: :func:`handbook.recurrence.lstm_cell`.

    Parameters
    ----------
    input_size : int
        Numbers in the input.
    hidden_size : int
        Numbers in the hidden state, and in the cell state.
    bias, device, dtype, generator
        As for :class:`RNNCell`.

    Shapes
    ------
    input : ``(N, C)`` or ``(C,)``
    hx, return : two of ``(N, H)`` or ``(H,)``

    Raises
    ------
    TypeError
        If an argument has the wrong type; on the call, as :func:`handbook.recurrence.lstm_cell`
        does.
    ValueError
        If a number is negative; on the call, as :func:`handbook.recurrence.lstm_cell` does.

    Examples
    --------
    >>> h, c = LSTMCell(3, 4)(torch.zeros(2, 3))
    >>> h.shape, c.shape
    (torch.Size([2, 4]), torch.Size([2, 4]))
    """

    _n_gates = 4

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, device, dtype, generator)

    def forward(
        self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return both states after one step; without states before it, those are zero."""
        return lstm_cell(input, hx, *self._weights())


class GRUCell(_RecurrentCell):
    r"""One step of the gated recurrent unit: :func:`handbook.recurrence.gru_cell`.

    Parameters
    ----------
    input_size : int
        Numbers in the input.
    hidden_size : int
        Numbers in the state.
    bias, device, dtype, generator
        As for :class:`RNNCell`.

    Shapes
    ------
    input : ``(N, C)`` or ``(C,)``
    hx, return : ``(N, H)`` or ``(H,)``

    Raises
    ------
    TypeError
        If an argument has the wrong type; on the call, as :func:`handbook.recurrence.gru_cell`
        does.
    ValueError
        If a number is negative; on the call, as :func:`handbook.recurrence.gru_cell` does.

    Examples
    --------
    >>> GRUCell(3, 4)(torch.zeros(2, 3)).shape
    torch.Size([2, 4])
    """

    _n_gates = 3

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, device, dtype, generator)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        """Return the state after one step; without a state before it, that one is zero."""
        return gru_cell(input, hx, *self._weights())
