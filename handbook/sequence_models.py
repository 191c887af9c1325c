r"""Two small recurrent networks: one that forecasts a series, one that predicts characters.

Both are a :class:`~handbook.recurrent_layers.GRU` with a linear layer behind it. They are trained
by a loop of a few lines each, which says what is special about sequences.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor, nn

from handbook.checks import (
    describe,
    require_floating,
    require_generator,
    require_integer,
    require_number,
    require_shape,
)
from handbook.language import text_streams
from handbook.recurrent_layers import GRU

__all__ = [
    "SeriesForecaster",
    "train_forecaster",
    "CharacterModel",
    "train_character_model",
]

_LARGEST_GRADIENT_NORM = 1.0  # a long way back through time can end in a huge step


class SeriesForecaster(nn.Module):
    r"""A GRU that says how much a number will change in the next step, and feeds itself.

    .. math:: \hat x_{t+1} &= x_t + s \, (w^\top h_t + b) \\
              h_t &= \operatorname{GRU}
              \bigl((x_t / s, \; \sin\varphi_t, \; \cos\varphi_t), \; h_{t-1}\bigr)

    where :math:`\varphi_t = 2\pi t / P` is the time of the year. From the second step ahead, the
    forecast of the step before takes the place of :math:`x_t`. At the start :math:`w` and
    :math:`b` are zero: an untrained network forecasts "same as last time".

    Parameters
    ----------
    hidden_size : int
        :math:`H`, numbers in the state, at least 1.
    scale : float
        :math:`s`, the standard deviation of the series in training, above 0.
    period : int, optional
        :math:`P`, how many steps a year has.
    generator : torch.Generator
        A CPU generator for the weights.

    Shapes
    ------
    past : ``(N, L)``
    origin : ``(N,)``
    return : ``(N, n_ahead)``

    Raises
    ------
    TypeError
        If an argument has the wrong type.
    ValueError
        If a number is out of its range, or the shapes do not fit.

    Examples
    --------
    >>> generator = torch.Generator().manual_seed(0)
    >>> model = SeriesForecaster(8, 1.0, generator=generator)
    >>> model(torch.tensor([[1.0, 2.0, 4.0]]), torch.tensor([3]), 2).tolist()
    [[4.0, 4.0]]
    """

    def __init__(
        self, hidden_size: int, scale: float, period: int = 12, *, generator: torch.Generator
    ) -> None:
        super().__init__()
        require_integer("hidden_size", hidden_size, minimum=1)
        self.scale = require_number("scale", scale, above=0.0, below=float("inf"))
        self.period = require_integer("period", period, minimum=1)
        require_generator("generator", generator)
        self.recurrent = GRU(3, hidden_size, batch_first=True, generator=generator)
        self.change = nn.Linear(hidden_size, 1)
        nn.init.zeros_(self.change.weight)
        nn.init.zeros_(self.change.bias)

    def forward(self, past: Tensor, origin: Tensor, n_ahead: int) -> Tensor:
        """Return ``n_ahead`` forecasts for each window; ``origin`` is the first of them."""
        require_shape("past", require_floating("past", past), ("N", "L"))
        require_shape("origin", origin, (len(past),))
        require_integer("n_ahead", n_ahead, minimum=1)
        n_past = past.shape[1]
        if n_past == 0:
            raise ValueError(f"past must hold at least one step, got {describe(past)}")
        steps = torch.arange(-n_past, n_ahead, device=past.device)
        angle = (origin[:, None] + steps) * (2 * torch.pi / self.period)  # (N, L + n_ahead)
        calendar = torch.stack([angle.sin(), angle.cos()], dim=2).to(past.dtype)
        value = past / self.scale
        output, state = self.recurrent(
            torch.cat([value[..., None], calendar[:, :n_past]], dim=2)
        )  # (N, L, H)
        latest = value[:, -1]
        forecasts = []
        for ahead in range(n_ahead):
            latest = latest + self.change(output[:, -1])[:, 0]
            forecasts.append(latest)
            if ahead + 1 < n_ahead:
                now = calendar[:, n_past + ahead]  # the month that was just forecast
                known = torch.cat([latest[:, None], now], dim=1)[:, None]
                output, state = self.recurrent(known, state)
        return self.scale * torch.stack(forecasts, dim=1)


def train_forecaster(
    model: SeriesForecaster,
    training: tuple[Tensor, Tensor, Tensor],
    validation: tuple[Tensor, Tensor, Tensor],
    *,
    n_epochs: int = 14,
    learning_rate: float = 4e-3,
) -> list[tuple[float, float]]:
    """Train on the mean squared error of whole rollouts, and keep the best weights of validation.

    Parameters
    ----------
    model : SeriesForecaster
        The network; its weights are changed.
    training, validation : tuple of Tensor
        Past, future and origin, as :func:`handbook.forecasting.forecast_windows` returns them.
    n_epochs : int, optional
        How many steps of Adam, each on all windows, at least 1.
    learning_rate : float, optional
        The step size, above 0.

    Returns
    -------
    list of tuple
        After each epoch, the root mean squared errors of training and of validation, in the unit of
        the series. The first entry is that of the untrained network.

    Raises
    ------
    TypeError
        If a number has the wrong type.
    ValueError
        If a number is out of its range, or the shapes do not fit.

    Examples
    --------
    Every value is half the one before; the network starts from "same as last time":

    >>> from handbook.forecasting import forecast_windows
    >>> windows = forecast_windows(0.5 ** torch.arange(8.0), 2, 2)
    >>> model = SeriesForecaster(4, 1.0, generator=torch.Generator().manual_seed(0))
    >>> errors = train_forecaster(model, windows, windows, n_epochs=20)
    >>> errors[-1][0] < errors[0][0]
    True
    """
    require_integer("n_epochs", n_epochs, minimum=1)
    require_number("learning_rate", learning_rate, above=0.0)
    optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate)
    errors: list[tuple[float, float]] = []
    best = (float("inf"), copy.deepcopy(model.state_dict()))
    for epoch in range(n_epochs + 1):
        loss = _rollout_loss(model, training)
        with torch.no_grad():
            held_out = _rollout_loss(model, validation).item()
        errors.append((loss.item() ** 0.5, held_out**0.5))
        if held_out < best[0]:
            best = (held_out, copy.deepcopy(model.state_dict()))
        if epoch < n_epochs:
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), _LARGEST_GRADIENT_NORM)
            optimizer.step()
    model.load_state_dict(best[1])
    return errors


def _rollout_loss(model: SeriesForecaster, windows: tuple[Tensor, Tensor, Tensor]) -> Tensor:
    past, future, origin = windows
    return cast(Tensor, ((model(past, origin, future.shape[1]) - future) ** 2).mean())


class CharacterModel(nn.Module):
    """A GRU that reads a text and scores, after each character, what comes next.

    Parameters
    ----------
    n_symbols : int
        :math:`V`, the size of the vocabulary, at least 1.
    hidden_size : int
        :math:`H`, numbers in the state, at least 1.
    embedding_size : int, optional
        Numbers that describe a character on its way in, at least 1.
    generator : torch.Generator
        A CPU generator for the weights.

    Shapes
    ------
    symbols : ``(N, T)``
    state : ``(1, N, H)``
    return : logits ``(N, T, V)`` and the state ``(1, N, H)``

    Raises
    ------
    TypeError
        If an argument has the wrong type.
    ValueError
        If a number is below 1.

    Examples
    --------
    >>> model = CharacterModel(5, 8, generator=torch.Generator().manual_seed(0))
    >>> logits, state = model(torch.zeros(2, 7, dtype=torch.int64))
    >>> logits.shape, state.shape
    (torch.Size([2, 7, 5]), torch.Size([1, 2, 8]))

    The state carries on where the text stopped:

    >>> text = torch.tensor([[0, 1, 2, 3]])
    >>> whole, _ = model(text)
    >>> _, state = model(text[:, :2])
    >>> rest, _ = model(text[:, 2:], state)
    >>> torch.testing.assert_close(rest, whole[:, 2:])
    """

    def __init__(
        self,
        n_symbols: int,
        hidden_size: int,
        embedding_size: int = 32,
        *,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        require_integer("n_symbols", n_symbols, minimum=1)
        require_integer("hidden_size", hidden_size, minimum=1)
        require_integer("embedding_size", embedding_size, minimum=1)
        require_generator("generator", generator)
        self.embedding = nn.Embedding(n_symbols, embedding_size)
        self.recurrent = GRU(embedding_size, hidden_size, batch_first=True, generator=generator)
        self.scores = nn.Linear(hidden_size, n_symbols)
        bound = hidden_size**-0.5
        with torch.no_grad():
            self.embedding.weight.normal_(generator=generator)
            self.scores.weight.uniform_(-bound, bound, generator=generator)
            self.scores.bias.zero_()

    def states(self, symbols: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return the hidden units after each character, ``(N, T, H)``, and the last state."""
        output, last = self.recurrent(self.embedding(symbols), state)
        return output, last

    def forward(self, symbols: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return the scores of the next character after each one, and the last state."""
        output, last = self.states(symbols, state)
        return self.scores(output), last


def train_character_model(
    model: CharacterModel,
    indices: Tensor,
    *,
    n_epochs: int = 6,
    n_streams: int = 32,
    n_steps: int = 32,
    learning_rate: float = 0.012,
    after_epoch: Callable[[int, float], None] | None = None,
) -> list[float]:
    r"""Train on a text, read by several streams, with the state carried from piece to piece.

    The gradient goes back through one piece only (truncated backpropagation through time). Adam's
    learning rate rises over the first tenth of all steps and then falls to zero along a line.

    Parameters
    ----------
    model : CharacterModel
        The network; its weights are changed.
    indices : Tensor
        The text of training, encoded.
    n_epochs : int, optional
        How often the text is read, at least 1.
    n_streams, n_steps : int, optional
        How the text is cut, as in :func:`handbook.language.text_streams`.
    learning_rate : float, optional
        The largest step size, above 0.
    after_epoch : callable, optional
        Called with the epoch, from 1, and its mean loss.

    Returns
    -------
    list of float
        The mean cross-entropy of each epoch in nats per character, measured while training.

    Shapes
    ------
    indices : ``(T,)``

    Raises
    ------
    TypeError
        If an argument has the wrong type.
    ValueError
        If a number is out of its range, or the text is too short.

    Examples
    --------
    >>> text = torch.tensor([0, 1, 2]).repeat(200)
    >>> model = CharacterModel(3, 8, generator=torch.Generator().manual_seed(0))
    >>> losses = train_character_model(model, text, n_streams=4, n_steps=10, learning_rate=0.05)
    >>> losses[-1] < 0.1 < losses[0]
    True
    """
    require_integer("n_epochs", n_epochs, minimum=1)
    learning_rate = require_number("learning_rate", learning_rate, above=0.0)
    pieces = list(text_streams(indices, n_streams, n_steps))
    total = n_epochs * len(pieces)
    optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate)
    losses: list[float] = []
    done = 0
    for epoch in range(1, n_epochs + 1):
        state: Tensor | None = None
        sums, n_characters = 0.0, 0
        for inputs, targets in pieces:
            rate = min(10 * (done + 1) / total, (total - done) / (0.9 * total), 1.0)
            optimizer.param_groups[0]["lr"] = learning_rate * rate
            logits, state = model(inputs, state)
            state = state.detach()  # the numbers go on, the gradient stops here
            loss = nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten())
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), _LARGEST_GRADIENT_NORM)
            optimizer.step()
            sums, n_characters = (
                sums + loss.item() * targets.numel(),
                n_characters + targets.numel(),
            )
            done += 1
        losses.append(sums / n_characters)
        if after_epoch is not None:
            after_epoch(epoch, losses[-1])
    return losses
