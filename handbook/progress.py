r"""A progress bar for :func:`handbook.training.fit`, drawn by the package *rich*."""

from __future__ import annotations

import time
from typing import Any

from handbook.checks import describe, optional_package, require_number
from handbook.training import TrainingState

__all__ = ["ProgressBar"]

_LONGEST_NUMBER = 4  # significant digits of a loss on the bar


class ProgressBar:
    r"""A callback that shows how far a training is, its losses and the time that is left.

    The bar counts steps, or epochs if the batches do not tell how many there are.

    Parameters
    ----------
    console : object, optional
        Where to draw. Without it: the standard error output, so that what a program prints can
        still be written to a file. A console that is neither a terminal nor a notebook is left
        alone: nothing is drawn into log files.
    interval_s : float, optional
        The shortest time between two drawings, in seconds, at least 0.
    transient : bool, optional
        Whether the bar vanishes when the training ends.

    Raises
    ------
    ImportError
        If rich is not installed; the message says how to install it.
    TypeError
        If ``console`` is no console of rich, or an option is of the wrong type.
    ValueError
        If ``interval_s`` is negative or not finite.

    Notes
    -----
    Drawing costs milliseconds, a small step less than one: the bar therefore looks at a clock at
    each step and draws ten times a second at most. No thread is started.

    The bar is taken down however the training ends, also by Ctrl-C or an error.

    Examples
    --------
    This text is no terminal, so nothing is drawn. Only the training is done:

    >>> import torch
    >>> from handbook.training import fit
    >>> model = torch.nn.Linear(1, 1)
    >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    >>> x = torch.ones(4, 1)
    >>> bar = ProgressBar()
    >>> len(fit(model, torch.nn.MSELoss(), optimizer, [(x, x)], epochs=3, callbacks=[bar]))
    3
    """

    def __init__(
        self, *, console: Any = None, interval_s: float = 0.1, transient: bool = False
    ) -> None:
        optional_package("rich", distribution="rich", purpose="ProgressBar")
        rich_console = optional_package("rich.console", distribution="rich", purpose="ProgressBar")
        if console is None:
            console = rich_console.Console(stderr=True)
        if not isinstance(console, rich_console.Console):
            raise TypeError(f"console must be a rich.console.Console, got {describe(console)}")
        self._interval_s = require_number("interval_s", interval_s, minimum=0.0, below=float("inf"))
        if not isinstance(transient, bool):
            raise TypeError(f"transient must be a bool, got {describe(transient)}")
        self._console = console
        self._transient = transient
        self._bar: Any = None
        self._task: Any = None
        self._counts_steps = False
        self._next_drawing_s = 0.0

    def on_start(self, state: TrainingState) -> None:
        """Put up the bar, if there is a terminal or a notebook."""
        if not (self._console.is_terminal or self._console.is_jupyter):
            return
        columns = optional_package("rich.progress", distribution="rich", purpose="ProgressBar")
        self._counts_steps = state.n_batches is not None
        total = state.epochs
        if state.n_batches is not None:
            total = state.step + (state.epochs - state.epoch) * state.n_batches
        self._bar = columns.Progress(
            columns.TextColumn("{task.description}"),
            columns.BarColumn(bar_width=None),
            columns.TextColumn("{task.percentage:>3.0f}%"),
            columns.TextColumn("{task.fields[losses]}"),
            columns.TimeRemainingColumn(),
            console=self._console,
            transient=self._transient,
            auto_refresh=False,
            expand=True,
        )
        self._task = self._bar.add_task(
            _bar_title(state, 1),
            total=total,
            completed=state.step if self._counts_steps else state.epoch,
            losses=_bar_losses(state),
        )
        self._bar.start()
        self._next_drawing_s = 0.0

    def on_step(self, state: TrainingState) -> None:
        """Draw, unless the last drawing was just now."""
        if self._bar is None:
            return
        now = time.monotonic()
        if now >= self._next_drawing_s:
            self._draw(state, state.epoch - 1)
            self._next_drawing_s = now + self._interval_s

    def __call__(self, state: TrainingState) -> None:
        """Draw the losses of the epoch that has ended."""
        if self._bar is not None:
            now = time.monotonic()
            if now >= self._next_drawing_s or state.epoch == state.epochs:
                self._draw(state, state.epoch)
                self._next_drawing_s = now + self._interval_s

    def on_end(self, state: TrainingState) -> None:
        """Take the bar down, with the last numbers on it."""
        if self._bar is not None:
            self._draw(state, len(state.history))
            self._bar.stop()
            self._bar = None

    def _draw(self, state: TrainingState, n_finished: int) -> None:
        self._bar.update(
            self._task,
            description=_bar_title(state, 0),
            completed=state.step if self._counts_steps else n_finished,
            losses=_bar_losses(state),
            refresh=True,
        )


def _bar_title(state: TrainingState, ahead: int) -> str:
    return f"epoch {min(state.epoch + ahead, state.epochs)}/{state.epochs}"


def _bar_losses(state: TrainingState) -> str:
    """Write the losses of the last finished epoch."""
    history = state.history
    parts = [f"loss {history.losses[-1]:.{_LONGEST_NUMBER}g}"] if history.losses else []
    if history.validation_losses:
        parts.append(f"validation {history.validation_losses[-1]:.{_LONGEST_NUMBER}g}")
    return ", ".join(parts)
