r"""The training loop: batch, forward, loss, backward, step, written once and used everywhere.

:func:`fit` makes the same steps as the loop that you write by hand, to the last bit, and keeps a
:class:`History`. What else shall happen during a training is done by callbacks: functions that are
called after each epoch. :class:`EarlyStopping` is one.
"""

from __future__ import annotations

import contextlib
import copy
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from handbook.checks import (
    describe,
    require_choice,
    require_integer,
    require_number,
    require_tensor,
)
from handbook.device import get_device

__all__ = [
    "History",
    "TrainingState",
    "NonFiniteLossError",
    "fit",
    "Evaluation",
    "evaluate",
    "predict",
    "EarlyStopping",
]

# How many losses are kept on the device before they are read: reading makes a GPU wait.
_LOSSES_PER_READ = 512
# Losses that compare element by element: they would broadcast a target of another shape.
_ELEMENTWISE_LOSSES = (
    *("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"),
    *("MSELoss", "L1Loss", "SmoothL1Loss", "HuberLoss"),
)


# ---- what a training leaves behind -------------------------------------------------------------


@dataclass
class History:
    """What a training did, epoch by epoch, in plain numbers.

    Attributes
    ----------
    epochs : list of int
        The epochs that were finished, from 1.
    steps : list of int
        How many steps had been made when each epoch ended.
    losses : list of float
        For each epoch the mean loss over its samples. Each batch was measured before the step that
        was made with it, so the weights changed meanwhile.
    validation_losses : list of float
        The mean loss over the validation samples after each epoch; empty without validation.
    metrics, validation_metrics : dict of str to list of float
        The same for each metric.
    learning_rates : list of float
        The rate of the optimiser's first group when each epoch began.
    interrupted : bool
        Whether Ctrl-C ended the training.
    stop_reason : str
        Why a callback ended it; empty if none did.

    Examples
    --------
    >>> history = History(epochs=[1, 2], steps=[4, 8], losses=[0.5, 0.3], learning_rates=[0.1, 0.1])
    >>> len(history), history.series("loss"), history.best_epoch("loss")
    (2, [0.5, 0.3], 2)

    It can be saved with whatever saves lists and numbers, and is the same afterwards:

    >>> import json
    >>> text = json.dumps(history.state_dict())
    >>> History.from_state_dict(json.loads(text)) == history
    True
    """

    epochs: list[int] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    validation_losses: list[float] = field(default_factory=list)
    metrics: dict[str, list[float]] = field(default_factory=dict)
    validation_metrics: dict[str, list[float]] = field(default_factory=dict)
    learning_rates: list[float] = field(default_factory=list)
    interrupted: bool = False
    stop_reason: str = ""

    def __len__(self) -> int:
        """Return the number of finished epochs."""
        return len(self.epochs)

    def series(self, name: str) -> list[float]:
        """Return one number for each epoch, by name.

        Parameters
        ----------
        name : str
            ``"loss"``, ``"validation_loss"``, ``"learning_rate"``, the name of a metric, or
            ``"validation_"`` and the name of a metric.

        Returns
        -------
        list of float
            The list that the history holds.

        Raises
        ------
        ValueError
            If there is no such series; the message says which there are.

        Examples
        --------
        >>> History(losses=[0.5]).series("validation_loss")
        Traceback (most recent call last):
            ...
        ValueError: name must be one of 'loss', 'learning_rate', got 'validation_loss'; ...
        """
        found = {"loss": self.losses, "learning_rate": self.learning_rates}
        if self.validation_losses:
            found["validation_loss"] = self.validation_losses
        found.update(self.metrics)
        found.update(
            (f"validation_{key}", values) for key, values in self.validation_metrics.items()
        )
        if name not in found:
            offered = ", ".join(repr(key) for key in found)
            raise ValueError(
                f"name must be one of {offered}, got {describe(name)}; "
                "those of validation need fit(..., validation=...), metrics need metrics=..."
            )
        return found[name]

    def best_epoch(self, name: str = "validation_loss", *, mode: str = "min") -> int:
        """Return the first epoch at which a series has its best value.

        Parameters
        ----------
        name : str, optional
            As for :meth:`series`.
        mode : str, optional
            ``"min"`` if small is good, ``"max"`` if large is.

        Returns
        -------
        int
            The epoch, from 1. NaN is never the best.

        Raises
        ------
        ValueError
            If there is no such series, it holds no number, or ``mode`` is another word.

        Examples
        --------
        >>> history = History(epochs=[1, 2, 3], validation_losses=[0.4, 0.2, 0.3])
        >>> history.best_epoch()
        2
        """
        require_choice("mode", mode, ("min", "max"))
        sign = 1 if mode == "min" else -1
        values = self.series(name)
        pairs = zip(self.epochs, values, strict=True)
        known = [(sign * value, epoch) for epoch, value in pairs if value == value]
        if not known:
            raise ValueError(f"{name} must hold a number to have a best epoch, got {values}")
        return min(known)[1]

    def state_dict(self) -> dict[str, Any]:
        """Return the history as a dictionary of lists, numbers and words: a copy.

        Returns
        -------
        dict
            It can be saved by :func:`torch.save` and loaded with ``weights_only=True``, or as JSON.

        Examples
        --------
        >>> History(epochs=[1], losses=[0.5]).state_dict()["losses"]
        [0.5]
        """
        return copy.deepcopy(vars(self))

    @classmethod
    def from_state_dict(cls, state: Mapping[str, Any]) -> History:
        """Make a history of what :meth:`state_dict` returned.

        Parameters
        ----------
        state : mapping
            What was saved.

        Returns
        -------
        History
            A history that shares nothing with ``state``.

        Raises
        ------
        TypeError
            If ``state`` is not a mapping.
        ValueError
            If an entry is missing or unknown.

        Examples
        --------
        >>> History.from_state_dict({"losses": []})
        Traceback (most recent call last):
            ...
        ValueError: state must have the entries of a History, got missing 'epochs', ...
        """
        if not isinstance(state, Mapping):
            raise TypeError(f"state must be a mapping, got {describe(state)}")
        wanted = vars(cls())
        missing = [repr(key) for key in wanted if key not in state]
        unknown = [repr(key) for key in state if key not in wanted]
        if missing or unknown:
            parts = ["missing " + ", ".join(missing)] if missing else []
            parts += ["unknown " + ", ".join(unknown)] if unknown else []
            raise ValueError(
                f"state must have the entries of a History, got {' and '.join(parts)}; "
                "use History.state_dict()"
            )
        return cls(**copy.deepcopy(dict(state)))


class NonFiniteLossError(FloatingPointError):
    """A batch had a loss that is NaN or infinite.

    Parameters
    ----------
    message : str
        Where it happened, and what to try.
    history : History
        The epochs that were finished before.

    Examples
    --------
    >>> NonFiniteLossError("loss must be finite", History(losses=[0.5])).history.losses
    [0.5]
    """

    def __init__(self, message: str, history: History) -> None:
        super().__init__(message)
        self.history = history


@dataclass
class TrainingState:
    """Where a training stands: what every callback receives.

    Attributes
    ----------
    model : torch.nn.Module
        The model.
    optimizer : torch.optim.Optimizer
        The optimiser.
    history : History
        The finished epochs; after an epoch, this one too.
    epochs : int
        The epoch to stop after.
    epoch : int
        The epoch that runs, or has just ended, from 1; 0 before the first.
    step : int
        How many steps have been made, over all epochs.
    n_batches : int or None
        How many batches an epoch has, if the batches tell.
    batch_loss : Tensor or None
        The loss of the last step, without a graph, shape ``()``.
    schedule : object
        The schedule of the learning rate, or None.
    stop_reason : str
        Why to stop; empty as long as nobody asked to.

    Examples
    --------
    >>> model = nn.Linear(1, 1)
    >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    >>> state = TrainingState(model, optimizer, History(), epochs=10)
    >>> state.stop("enough")
    >>> state.stop_reason
    'enough'
    """

    model: nn.Module
    optimizer: torch.optim.Optimizer
    history: History
    epochs: int
    epoch: int = 0
    step: int = 0
    n_batches: int | None = None
    batch_loss: Tensor | None = None
    schedule: Any = None
    stop_reason: str = ""

    def stop(self, reason: str = "a callback asked to stop") -> None:
        """Ask to end the training, with this epoch or, from ``on_step``, with this step.

        Parameters
        ----------
        reason : str, optional
            What ``History.stop_reason`` will say.
        """
        self.stop_reason = reason or "a callback asked to stop"


# ---- the loop ----------------------------------------------------------------------------------


def fit(
    model: nn.Module,
    loss: Callable[[Any, Any], Tensor],
    optimizer: torch.optim.Optimizer,
    batches: Iterable[Any] | Callable[[], Iterable[Any]],
    *,
    epochs: int,
    validation: Iterable[Any] | Callable[[], Iterable[Any]] | None = None,
    metrics: Mapping[str, Callable[[Any, Any], Any]] | None = None,
    callbacks: Iterable[Callable[[TrainingState], object]] = (),
    clip_norm: float | None = None,
    schedule: Any = None,
    schedule_every: str = "epoch",
    device: torch.device | str | None = None,
    history: History | None = None,
    allow_nonfinite: bool = False,
) -> History:
    r"""Train a model: for every epoch, for every batch, one step.

    .. math:: \theta \leftarrow \operatorname{step}\Bigl(\theta, \;
              \nabla_\theta \, L\bigl(f_\theta(x_S), y_S\bigr)\Bigr)
              \quad \text{for every batch } S,
              \qquad
              \bar L = \frac{\sum_S |S| \, L_S}{\sum_S |S|}

    Parameters
    ----------
    model : torch.nn.Module
        It is trained in place.
    loss : callable
        ``loss(output, target)`` returns one number, the mean over the samples of the batch. A loss
        of PyTorch made with ``reduction="sum"`` is known to be a sum.
    optimizer : torch.optim.Optimizer
        Made with the parameters of ``model``. One that needs a closure, as ``LBFGS``, will not do.
    batches : iterable or callable
        The batches of an epoch: a :class:`~handbook.batches.MiniBatches`, a
        :class:`torch.utils.data.DataLoader`, a list; or a function without arguments that returns
        an iterable for the next epoch. Each batch is a tuple of tensors: the last one is the
        target, those before it are the model's inputs.
    epochs : int
        The number of the last epoch, at least 0.
    validation : iterable or callable, optional
        Batches of the same kind to measure on after each epoch; nothing is learned from them.
    metrics : mapping of str to callable, optional
        ``metric(output, target)`` returns one number, the mean over the samples of the batch. It is
        measured on the training batches as they pass, and on the validation batches.
    callbacks : iterable of callable, optional
        Each is called with the :class:`TrainingState` after each epoch. If it has a method
        ``on_start``, ``on_step`` or ``on_end``, that is called with the state before the first
        epoch, after each step, and after the last epoch, however the training ended.
    clip_norm : float, optional
        Scale the gradients down if their norm, over all parameters together, is above this number.
    schedule : object, optional
        A scheduler of :mod:`torch.optim.lr_scheduler`, made with ``optimizer``, or anything with a
        method ``step()``. ``ReduceLROnPlateau`` is given the validation loss, or the training loss
        if there is no validation.
    schedule_every : str, optional
        ``"epoch"`` or ``"step"``: when ``schedule.step()`` is called.
    device : torch.device or str, optional
        Where to train: the model is moved there, and each batch. Without it, batches are moved to
        where the model is.
    history : History, optional
        What an earlier call returned: the training goes on after its last epoch. The history itself
        stays as it is.
    allow_nonfinite : bool, optional
        Go on when a loss is NaN or infinite. Otherwise that ends the training with an error.

    Returns
    -------
    History
        The finished epochs. After Ctrl-C: those so far, with ``interrupted`` set.

    Shapes
    ------
    inputs : ``(B, *)``
    target : ``(B, *)``
    loss : ``()``

    Raises
    ------
    TypeError
        If an argument is of the wrong kind, a batch is not a tuple of tensors, or the optimiser
        needs a closure.
    ValueError
        If an epoch has no batch or a batch no sample, ``batches`` is an iterator that cannot serve
        more than one epoch, the optimiser holds none of the model's parameters, the loss is not one
        number or does not depend on the parameters, an elementwise loss would broadcast, a number
        is out of bounds, or ``history`` does not fit.
    NonFiniteLossError
        If a loss is NaN or infinite. Losses are read every 512 steps and at the end of each epoch,
        so the parameters may have been spoiled meanwhile.

    Notes
    -----
    The steps are those of the loop written by hand: ``zero_grad``, forward, loss, ``backward``,
    ``step``. On the CPU the parameters are equal to the last bit.

    A short last batch counts by its samples. A mean that is weighted otherwise, as that of a
    cross-entropy with class weights or ``ignore_index``, is averaged as if it were not.

    The model is in training mode during an epoch, in evaluation mode during validation, and each
    of its modules has its own mode again at the end.

    A stop that is asked for in ``on_step`` ends the epoch with that step: the epoch is measured
    over the steps made, validated and kept. Ctrl-C leaves the unfinished epoch out of the history;
    the parameters are those of the last step, which may have been cut short.

    To go on exactly as if nothing had happened, restore the model, the optimiser, the schedule, the
    generator that shuffles and the callbacks as well as the history.

    References
    ----------
    Robbins and Monro, "A stochastic approximation method", 1951,
    https://doi.org/10.1214/aoms/1177729586

    Examples
    --------
    A line through three points:

    >>> x, y = torch.tensor([[1.0], [2.0], [3.0]]), torch.tensor([[2.0], [4.0], [6.0]])
    >>> model = nn.Linear(1, 1, bias=False)
    >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    >>> history = fit(model, nn.MSELoss(), optimizer, [(x, y)], epochs=50)
    >>> model.weight.item(), history.epochs[-1], history.steps[-1]
    (2.000000, 50, 50)

    Batches of 2 and 1 samples. The mean counts samples, not batches:

    >>> still = torch.optim.SGD(model.parameters(), lr=0.0)
    >>> batches = [(x[:2], y[:2] + 3), (x[2:], y[2:])]
    >>> fit(model, nn.MSELoss(), still, batches, epochs=1).losses
    [6.00]

    An iterator is used up after one epoch:

    >>> fit(model, nn.MSELoss(), optimizer, iter(batches), epochs=2)
    Traceback (most recent call last):
        ...
    ValueError: batches must serve every epoch, got a list_iterator, which is used up after one; ...
    """
    _require_model(model)
    _require_callable("loss", loss)
    _require_optimizer(optimizer, model)
    require_integer("epochs", epochs, minimum=0)
    measures = _require_metrics(metrics)
    callbacks = _require_callbacks(callbacks)
    if clip_norm is not None:
        clip_norm = require_number("clip_norm", clip_norm, above=0.0)
    require_choice("schedule_every", schedule_every, ("epoch", "step"))
    if schedule is not None and not callable(getattr(schedule, "step", None)):
        raise TypeError(f"schedule must have a method step(), got {describe(schedule)}")
    if not isinstance(allow_nonfinite, bool):
        raise TypeError(f"allow_nonfinite must be a bool, got {describe(allow_nonfinite)}")
    history = _history_to_continue(history, validation is not None, measures)
    n_passes = epochs - len(history)
    _require_batches("batches", batches, n_passes)
    if validation is not None:
        _require_batches("validation", validation, n_passes)
    place = _move(model, loss, optimizer, device)

    state = TrainingState(
        model,
        optimizer,
        history,
        epochs,
        epoch=len(history),
        step=history.steps[-1] if history.steps else 0,
        n_batches=_count(batches),
        schedule=schedule,
    )
    on_step = [callback.on_step for callback in callbacks if hasattr(callback, "on_step")]
    step_schedule = schedule if schedule_every == "step" else None
    with contextlib.ExitStack() as at_the_end:
        at_the_end.callback(_restore_modes, _modes(model))
        try:
            for callback in callbacks:
                if hasattr(callback, "on_start"):
                    callback.on_start(state)
                if hasattr(callback, "on_end"):
                    at_the_end.callback(callback.on_end, state)
            while state.epoch < epochs and not state.stop_reason:
                state.epoch += 1
                model.train()
                rate = float(optimizer.param_groups[0]["lr"])
                means = _run_epoch(
                    state, loss, batches, measures, on_step, clip_norm, step_schedule, place,
                    allow_nonfinite,
                )  # fmt: skip
                checked = None
                if validation is not None:
                    checked = _measure(model, loss, validation, measures, place, "validation")
                _record(state, rate, measures, means, checked)
                if schedule is not None and schedule_every == "epoch":
                    if isinstance(schedule, torch.optim.lr_scheduler.ReduceLROnPlateau):
                        schedule.step(means[0] if checked is None else checked.loss)
                    else:
                        schedule.step()
                for callback in callbacks:
                    callback(state)
        except KeyboardInterrupt:
            history.interrupted = True
        history.stop_reason = state.stop_reason
    return history


def _run_epoch(
    state: TrainingState,
    loss: Callable[[Any, Any], Tensor],
    batches: Iterable[Any] | Callable[[], Iterable[Any]],
    measures: Mapping[str, Callable[[Any, Any], Any]],
    on_step: Sequence[Callable[[TrainingState], object]],
    clip_norm: float | None,
    schedule: Any,
    place: torch.device | None,
    allow_nonfinite: bool,
) -> list[float]:
    """Make one step per batch; return the mean loss and metrics over the samples."""
    model, optimizer = state.model, state.optimizer
    loss_is_sum = getattr(loss, "reduction", "mean") == "sum"
    means = [_Mean() for _ in range(1 + len(measures))]
    n_batches = 0
    for batch in _one_pass(batches):
        inputs, target, size = _take_apart(batch, place)
        optimizer.zero_grad()
        output = model(*inputs)
        if not n_batches:
            _require_no_broadcast(loss, output, target)
        value = loss(output, target)
        if not n_batches:
            _require_trainable_loss(value)
        value.backward()
        if clip_norm is not None:
            parameters = [p for group in optimizer.param_groups for p in group["params"]]
            nn.utils.clip_grad_norm_(parameters, clip_norm)
        optimizer.step()
        n_batches += 1
        state.step += 1

        batch_loss = value.detach()  # the number without its graph
        means[0].add(batch_loss, size, is_sum=loss_is_sum)
        if measures:
            _add_metrics(means[1:], measures, output, target, size)
        if schedule is not None:
            schedule.step()
        if means[0].first_nonfinite and not allow_nonfinite:
            break
        if on_step:
            state.batch_loss = batch_loss
            for callback in on_step:
                callback(state)
            if state.stop_reason:
                break
    if not n_batches:
        raise ValueError(
            f"batches must hold at least one batch, got none in epoch {state.epoch}; an iterator "
            "serves one epoch: pass MiniBatches(...), a DataLoader or lambda: mini_batches(...)"
        )
    state.batch_loss = batch_loss
    found = [mean.value() for mean in means]
    if means[0].first_nonfinite and not allow_nonfinite:
        raise NonFiniteLossError(
            f"loss must be finite, got {means[0].nonfinite} at batch {means[0].first_nonfinite} "
            f"of epoch {state.epoch}; use a smaller learning rate or clip_norm, or look for NaN in "
            "the batches; allow_nonfinite=True goes on",
            state.history,
        )
    return found


class _Mean:
    """The mean of a number over samples. It reads the device now and then, not at every step."""

    __slots__ = ("count", "first_nonfinite", "n_read", "nonfinite", "pending", "total")

    def __init__(self) -> None:
        self.pending: list[tuple[Tensor | float, int, bool]] = []
        self.total, self.count, self.n_read = 0.0, 0, 0
        self.first_nonfinite, self.nonfinite = 0, 0.0  # from 1; 0 says that there is none

    def add(self, number: Tensor | float, size: int, *, is_sum: bool = False) -> None:
        self.pending.append((number, size, is_sum))
        if len(self.pending) >= _LOSSES_PER_READ:
            self.read()

    def read(self) -> None:
        kept = [number for number, _, _ in self.pending if isinstance(number, Tensor)]
        read = iter(torch.stack(kept).tolist() if kept else [])  # one transfer for all
        for value, size, is_sum in self.pending:
            number = next(read) if isinstance(value, Tensor) else value
            self.n_read += 1
            if not (self.first_nonfinite or math.isfinite(number)):
                self.first_nonfinite, self.nonfinite = self.n_read, number
            # Python adds in float64: the mean of many float32 numbers loses nothing.
            self.total += number if is_sum else number * size
            self.count += size
        self.pending.clear()

    def value(self) -> float:
        self.read()
        return self.total / self.count


def _add_metrics(
    means: Sequence[_Mean],
    measures: Mapping[str, Callable[[Any, Any], Any]],
    output: Any,
    target: Tensor,
    size: int,
) -> None:
    """Measure one batch, without a graph."""
    with torch.no_grad():
        output = output.detach() if isinstance(output, Tensor) else output
        for mean, (name, measure) in zip(means, measures.items(), strict=True):
            mean.add(_one_number(f"metrics[{name!r}]", measure(output, target)), size)


def _one_number(name: str, value: object) -> Tensor | float:
    if isinstance(value, (bool, int, float)):
        return float(value)
    if not isinstance(value, Tensor) or value.numel() != 1:
        raise ValueError(f"{name} must return one number, got {describe(value)}; use .mean()")
    return value.detach().reshape(())


def _one_pass(batches: Iterable[Any] | Callable[[], Iterable[Any]]) -> Iterable[Any]:
    """Return what to go through in this epoch."""
    if isinstance(batches, Iterable):
        return batches
    epoch = batches()
    if not isinstance(epoch, Iterable):
        raise TypeError(f"batches() must return an iterable of batches, got {describe(epoch)}")
    return epoch


def _take_apart(batch: Any, place: torch.device | None) -> tuple[list[Tensor], Tensor, int]:
    """Return inputs, target and the number of samples, on the device."""
    if not isinstance(batch, (tuple, list)) or len(batch) < 2:
        is_pair = isinstance(batch, (tuple, list))
        came = f"a {type(batch).__name__} of {len(batch)}" if is_pair else describe(batch)
        raise TypeError(
            f"a batch must be a tuple (input, target), got {came}; "
            "use mini_batches(inputs, targets, ...)"
        )
    parts = []
    for part in batch:
        if not isinstance(part, Tensor):
            raise TypeError(f"a batch must be a tuple of tensors, got one with {describe(part)}")
        parts.append(part if place is None or part.device == place else part.to(place))
    target = parts.pop()
    size = target.shape[0] if target.dim() else 1
    if not size:
        raise ValueError(
            f"a batch must have at least one sample, got a target that is {describe(target)}; "
            "the mean of nothing is NaN"
        )
    return parts, target, size


def _record(
    state: TrainingState,
    rate: float,
    names: Iterable[str],
    means: Sequence[float],
    checked: Evaluation | None,
) -> None:
    """Write an epoch into the history."""
    history = state.history
    history.epochs.append(state.epoch)
    history.steps.append(state.step)
    history.losses.append(means[0])
    history.learning_rates.append(rate)
    for name, value in zip(names, means[1:], strict=True):
        history.metrics.setdefault(name, []).append(value)
    if checked is not None:
        history.validation_losses.append(checked.loss)
        for name, value in checked.metrics.items():
            history.validation_metrics.setdefault(name, []).append(value)


def _modes(model: nn.Module) -> list[tuple[nn.Module, bool]]:
    return [(module, module.training) for module in model.modules()]


def _restore_modes(modes: Iterable[tuple[nn.Module, bool]]) -> None:
    # Each by itself: model.train() would also wake a layer that was put into evaluation mode.
    for module, training in modes:
        module.training = training


# ---- guards ------------------------------------------------------------------------------------


def _require_model(model: object) -> None:
    if not isinstance(model, nn.Module):
        raise TypeError(f"model must be a torch.nn.Module, got {describe(model)}")


def _require_callable(name: str, value: object) -> None:
    if not callable(value) or isinstance(value, type):
        remedy = f"; use {value.__name__}()" if isinstance(value, type) else ""
        raise TypeError(f"{name} must be callable, got {_describe_class(value)}{remedy}")


def _describe_class(value: object) -> str:
    return f"the class {value.__name__}" if isinstance(value, type) else describe(value)


def _require_optimizer(optimizer: object, model: nn.Module) -> None:
    if not isinstance(optimizer, torch.optim.Optimizer):
        raise TypeError(
            f"optimizer must be a torch.optim.Optimizer, got {_describe_class(optimizer)}; "
            "use torch.optim.SGD(model.parameters(), lr=...)"
        )
    if isinstance(optimizer, torch.optim.LBFGS):
        raise TypeError("optimizer must make a step without a closure, got LBFGS; write its loop")
    own = {id(parameter) for parameter in model.parameters()}
    held = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    if not any(id(parameter) in own for parameter in held):
        raise ValueError(
            "optimizer must hold parameters of model, got others only; "
            "make it with model.parameters(), after the model has its layers"
        )


def _require_metrics(metrics: object) -> Mapping[str, Callable[[Any, Any], Any]]:
    if metrics is None:
        return {}
    if not isinstance(metrics, Mapping):
        raise TypeError(
            f'metrics must be a mapping of names, such as {{"accuracy": accuracy}}, '
            f"got {describe(metrics)}"
        )
    for name, measure in metrics.items():
        reserved = ("loss", "learning_rate")
        if not isinstance(name, str) or name in reserved or name.startswith("validation_"):
            raise ValueError(
                "metrics must have names other than 'loss', 'learning_rate' and 'validation_...', "
                f"got {describe(name)}"
            )
        _require_callable(f"metrics[{name!r}]", measure)
    return dict(metrics)


def _require_callbacks(callbacks: Any) -> list[Any]:
    if callable(callbacks) or not isinstance(callbacks, Iterable):
        raise TypeError(
            f"callbacks must be a list of callables, got {describe(callbacks)}; use [callback]"
        )
    found = list(callbacks)
    for k, callback in enumerate(found):
        _require_callable(f"callbacks[{k}]", callback)
    return found


def _require_batches(name: str, batches: object, n_passes: int) -> None:
    if not isinstance(batches, Iterable) and not callable(batches):
        raise TypeError(
            f"{name} must be an iterable of batches, or a function that returns one, "
            f"got {describe(batches)}; use MiniBatches(...) or a DataLoader"
        )
    if hasattr(batches, "__next__") and n_passes > 1:
        raise ValueError(
            f"{name} must serve every epoch, got {describe(batches)}, which is used up after one; "
            "pass MiniBatches(...), a DataLoader, a list or lambda: mini_batches(...)"
        )


def _count(batches: object) -> int | None:
    try:
        return len(batches)  # type: ignore[arg-type]
    except TypeError:  # a function, an iterator, a stream
        return None


def _history_to_continue(
    history: History | None, has_validation: bool, measures: Mapping[str, object]
) -> History:
    if history is None:
        return History()
    if not isinstance(history, History):
        raise TypeError(
            f"history must be a History, got {describe(history)}; use History.from_state_dict"
        )
    found = History.from_state_dict(history.state_dict())
    found.interrupted, found.stop_reason = False, ""
    if len(found):
        if bool(found.validation_losses) != has_validation:
            word = "with" if found.validation_losses else "without"
            raise ValueError(
                f"history must go on as it began, got one {word} validation; "
                f"call fit {word} validation"
            )
        if set(found.metrics) != set(measures):
            raise ValueError(
                f"history must go on as it began, got metrics {sorted(found.metrics)}, "
                f"not {sorted(measures)}"
            )
    return found


def _move(
    model: nn.Module,
    loss: object,
    optimizer: torch.optim.Optimizer | None,
    device: torch.device | str | None,
) -> torch.device | None:
    """Move the model if a device is asked for; return where its batches belong."""
    if device is not None:
        place = device if isinstance(device, torch.device) else get_device(device)
        model.to(place)
        if isinstance(loss, nn.Module):
            loss.to(place)
        if optimizer is not None and optimizer.state:
            # Loading puts an optimiser's memory, such as the averages of Adam, to its parameters.
            optimizer.load_state_dict(optimizer.state_dict())
    first = next(iter([*model.parameters(), *model.buffers()]), None)
    if first is not None:
        return first.device
    return None if device is None else place


def _require_no_broadcast(loss: object, output: object, target: Tensor) -> None:
    name = getattr(loss, "__name__", type(loss).__name__)
    if name in _ELEMENTWISE_LOSSES and isinstance(output, Tensor) and output.shape != target.shape:
        remedy = f"{name} would broadcast the two"
        if output.shape == (*target.shape, 1):
            remedy = "use target.unsqueeze(-1)"
        raise ValueError(
            f"target must have the output's shape {tuple(output.shape)}, got {describe(target)}; "
            + remedy
        )


def _require_trainable_loss(value: object) -> None:
    """Refuse what would fail in backward() with a riddle."""
    if not isinstance(value, Tensor) or value.numel() != 1:
        raise ValueError(
            f"loss must return one number, got {describe(value)}; use .mean() or reduction='mean'"
        )
    if not value.requires_grad:
        raise ValueError(
            "loss must depend on the model's parameters through autograd, got a number without a "
            "graph; call fit outside torch.no_grad(), and detach nothing in the model"
        )


# ---- measuring ---------------------------------------------------------------------------------


class Evaluation(NamedTuple):
    """What a model was measured to do on a set of samples.

    Attributes
    ----------
    loss : float
        The mean loss over the samples.
    metrics : dict of str to float
        The mean of each metric over the samples.
    n_samples : int
        How many samples there were.

    Examples
    --------
    >>> Evaluation(0.5, {"accuracy": 0.75}, 4).metrics["accuracy"]
    0.75
    """

    loss: float
    metrics: dict[str, float]
    n_samples: int


def evaluate(
    model: nn.Module,
    loss: Callable[[Any, Any], Tensor],
    batches: Iterable[Any] | Callable[[], Iterable[Any]],
    *,
    metrics: Mapping[str, Callable[[Any, Any], Any]] | None = None,
    device: torch.device | str | None = None,
) -> Evaluation:
    r"""Measure a model on all samples, in evaluation mode and without gradients.

    .. math:: \bar L = \frac{\sum_S |S| \, L_S}{\sum_S |S|}

    Parameters
    ----------
    model : torch.nn.Module
        It stays as it is; each of its modules has its own mode again afterwards.
    loss : callable
        As for :func:`fit`.
    batches : iterable or callable
        As for :func:`fit`; an iterator will do.
    metrics : mapping of str to callable, optional
        As for :func:`fit`.
    device : torch.device or str, optional
        Where to measure: the model is moved there, and each batch. Without it, batches are moved to
        where the model is.

    Returns
    -------
    Evaluation
        The means over the samples, whatever the sizes of the batches.

    Shapes
    ------
    inputs : ``(B, *)``
    target : ``(B, *)``
    loss : ``()``

    Raises
    ------
    TypeError
        If an argument is of the wrong kind, or a batch is not a tuple of tensors.
    ValueError
        If there is no batch, a batch has no sample, or a loss or metric is not one number.

    Notes
    -----
    A metric that is no mean over samples, as a median or an F₁ score, cannot be put together from
    those of batches. Use :func:`predict`, and measure the whole.

    Examples
    --------
    Batches of 3 and 1 samples with the losses 0 and 4. The mean of the two means would be 2:

    >>> x = torch.tensor([[1.0], [1.0], [1.0], [3.0]])
    >>> batches = [(x[:3], x[:3]), (x[3:], x[3:] + 2)]
    >>> evaluate(nn.Identity(), nn.MSELoss(), batches).loss
    1.0
    """
    _require_model(model)
    _require_callable("loss", loss)
    measures = _require_metrics(metrics)
    _require_batches("batches", batches, 1)
    return _measure(model, loss, batches, measures, _move(model, loss, None, device))


def _measure(
    model: nn.Module,
    loss: Callable[[Any, Any], Tensor],
    batches: Iterable[Any] | Callable[[], Iterable[Any]],
    measures: Mapping[str, Callable[[Any, Any], Any]],
    place: torch.device | None,
    name: str = "batches",
) -> Evaluation:
    loss_is_sum = getattr(loss, "reduction", "mean") == "sum"
    means = [_Mean() for _ in range(1 + len(measures))]
    n_samples = 0
    modes = _modes(model)
    try:
        model.eval()
        with torch.no_grad():
            for batch in _one_pass(batches):
                inputs, target, size = _take_apart(batch, place)
                output = model(*inputs)
                if not n_samples:
                    _require_no_broadcast(loss, output, target)
                value = _one_number("loss", loss(output, target))
                means[0].add(value, size, is_sum=loss_is_sum)
                _add_metrics(means[1:], measures, output, target, size)
                n_samples += size
    finally:
        _restore_modes(modes)
    if not n_samples:
        raise ValueError(
            f"{name} must hold at least one batch, got none; an iterator serves one pass"
        )
    values = [mean.value() for mean in means]
    return Evaluation(values[0], dict(zip(measures, values[1:], strict=True)), n_samples)


def predict(
    model: nn.Module,
    *inputs: Tensor,
    batch_size: int = 1024,
    device: torch.device | str | None = None,
) -> Tensor:
    r"""Return a model's outputs for all samples, in evaluation mode and without gradients.

    Parameters
    ----------
    model : torch.nn.Module
        It stays as it is; each of its modules has its own mode again afterwards.
    *inputs : Tensor
        What the model takes, one sample per row.
    batch_size : int, optional
        How many samples go through the model at a time; what memory allows.
    device : torch.device or str, optional
        Where to compute: the model is moved there, and each batch. Without it, batches are moved to
        where the model is.

    Returns
    -------
    Tensor
        The outputs, on the model's device, one row for each sample, in the order of the samples.

    Shapes
    ------
    inputs : ``(N, *)``
    return : ``(N, *)``

    Raises
    ------
    TypeError
        If the model is no module or returns no tensor, an input is no tensor, or ``batch_size`` no
        ``int``.
    ValueError
        If there is no input, the numbers of rows differ, or ``batch_size`` is below 1.

    Examples
    --------
    >>> model = nn.Sequential(nn.Dropout(0.5), nn.Flatten())
    >>> predict(model, torch.ones(3, 2), batch_size=2).tolist()  # no dropout, and the mode is back
    [[1.0, 1.0], [1.0, 1.0], [1.0, 1.0]]
    >>> model.training
    True
    """
    _require_model(model)
    if not inputs:
        raise ValueError("inputs must be at least one, got none; use predict(model, inputs)")
    require_integer("batch_size", batch_size, minimum=1)
    for k, tensor in enumerate(inputs):
        require_tensor(f"inputs[{k}]", tensor)
        if tensor.dim() == 0 or len(tensor) != len(inputs[0]):
            raise ValueError(
                f"inputs[{k}] must have one row per sample, as inputs[0], got {describe(tensor)}"
            )
    place = _move(model, None, None, device)
    outputs = []
    modes = _modes(model)
    try:
        model.eval()
        with torch.no_grad():
            for start in range(0, max(len(inputs[0]), 1), batch_size):
                parts = [tensor[start : start + batch_size] for tensor in inputs]
                output = model(*(part if place is None else part.to(place) for part in parts))
                outputs.append(require_tensor("the model's output", output))
    finally:
        _restore_modes(modes)
    return torch.cat(outputs)


# ---- stopping in time --------------------------------------------------------------------------


class EarlyStopping:
    r"""A callback that stops a training when a series has not become better for some epochs.

    .. math:: \text{better:} \quad v_t < v_\text{best} - \delta
              \qquad
              \text{stop:} \quad t - t_\text{best} \ge \text{patience}

    Parameters
    ----------
    patience : int, optional
        How many epochs in a row may pass without a better value; the training ends with the last of
        them. At least 1.
    min_delta : float, optional
        :math:`\delta`, by how much a value must be better to count, at least 0.
    monitor : str, optional
        The series to watch, as for :meth:`History.series`.
    mode : str, optional
        ``"min"`` if small is good, ``"max"`` if large is.
    restore_best : bool, optional
        Whether to give the model back the weights of the best epoch when the training ends, however
        it ends. They are copied at each better epoch.

    Attributes
    ----------
    best : float or None
        The best value so far.
    best_epoch : int
        Its epoch, from 1; 0 before there is one.

    Raises
    ------
    TypeError
        If an argument is of the wrong type.
    ValueError
        If a number is out of bounds or ``mode`` is another word; in :func:`fit`, if there is no
        such series.

    Notes
    -----
    NaN is never better. A training that starts from the beginning starts the count anew, so one
    object can serve several. For a training that goes on, save :meth:`state_dict` with the rest.

    With ``restore_best`` the model that :func:`fit` leaves is the one to use, not the one to go on
    with: save checkpoints during the training for that.

    All epochs that do not count as better are compared with the last that does. With ``min_delta``
    above 0, a slow creep therefore counts once its sum is large enough.

    References
    ----------
    Prechelt, "Early stopping, but when?", 1998, https://doi.org/10.1007/3-540-49430-8_3

    Examples
    --------
    The weight 0 is best for the validation target, and training leads away from it:

    >>> model = nn.Linear(1, 1, bias=False)
    >>> _ = nn.init.zeros_(model.weight)
    >>> x = torch.ones(1, 1)
    >>> stopping = EarlyStopping(patience=3, restore_best=True)
    >>> history = fit(
    ...     model, nn.MSELoss(), torch.optim.SGD(model.parameters(), lr=0.1), [(x, x)], epochs=100,
    ...     validation=[(x, 0 * x)], callbacks=[stopping],
    ... )
    >>> len(history), stopping.best_epoch, history.stop_reason
    (4, 1, 'validation_loss was best in epoch 1, 3 epochs ago')
    >>> model.weight.item()  # that of epoch 1
    0.20
    """

    def __init__(
        self,
        patience: int = 10,
        *,
        min_delta: float = 0.0,
        monitor: str = "validation_loss",
        mode: str = "min",
        restore_best: bool = False,
    ) -> None:
        self.patience = require_integer("patience", patience, minimum=1)
        self.min_delta = require_number("min_delta", min_delta, minimum=0.0)
        if not isinstance(monitor, str):
            raise TypeError(f"monitor must be the name of a series, got {describe(monitor)}")
        self.monitor = monitor
        self.mode = require_choice("mode", mode, ("min", "max"))
        if not isinstance(restore_best, bool):
            raise TypeError(f"restore_best must be a bool, got {describe(restore_best)}")
        self.restore_best = restore_best
        self._forget()

    def _forget(self) -> None:
        self.best: float | None = None
        self.best_epoch = 0
        self.best_weights: dict[str, Any] | None = None

    def on_start(self, state: TrainingState) -> None:
        """Start anew, unless the training goes on from an earlier one."""
        if not len(state.history):
            self._forget()

    def __call__(self, state: TrainingState) -> None:
        """Look at the epoch that has ended, and ask to stop if the best one is long ago."""
        value = state.history.series(self.monitor)[-1]
        if self._is_better(value):
            self.best, self.best_epoch = value, state.epoch
            if self.restore_best:
                # A copy: state_dict() itself goes on changing with the model.
                self.best_weights = copy.deepcopy(state.model.state_dict())
        waited = state.epoch - self.best_epoch
        if waited >= self.patience:
            when = f"best in epoch {self.best_epoch}, {waited} epochs ago"
            state.stop(f"{self.monitor} was {when if self.best_epoch else 'never a number'}")

    def _is_better(self, value: float) -> bool:
        if value != value:
            return False
        if self.best is None:
            return True
        gain = self.best - value if self.mode == "min" else value - self.best
        return gain > self.min_delta

    def on_end(self, state: TrainingState) -> None:
        """Give the model the best weights back, if that was asked for."""
        if self.restore_best and self.best_weights is not None:
            state.model.load_state_dict(self.best_weights)

    def state_dict(self) -> dict[str, Any]:
        """Return what must be saved to go on later: the best value, its epoch and its weights.

        Returns
        -------
        dict
            Numbers, and the tensors of the best weights, or None.

        Examples
        --------
        >>> EarlyStopping().state_dict()
        {'best': None, 'best_epoch': 0, 'best_weights': None}
        """
        names = ("best", "best_epoch", "best_weights")
        return {name: copy.deepcopy(getattr(self, name)) for name in names}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what :meth:`state_dict` returned.

        Parameters
        ----------
        state : mapping
            What was saved.

        Raises
        ------
        ValueError
            If an entry is missing.

        Examples
        --------
        >>> stopping = EarlyStopping()
        >>> stopping.load_state_dict({"best": 0.5, "best_epoch": 3, "best_weights": None})
        >>> stopping.best
        0.5
        """
        names = ("best", "best_epoch", "best_weights")
        missing = [repr(name) for name in names if name not in state]
        if missing:
            raise ValueError(f"state must be that of an EarlyStopping, got none of {missing}")
        for name in names:
            setattr(self, name, copy.deepcopy(state[name]))
