r"""Curves while the training runs: in a Visdom window or in TensorBoard.

Both are optional. Where the package is not installed or nobody answers, you are told once, and the
training goes on without the curves.
"""

from __future__ import annotations

import logging
import os
import socket
import warnings
from typing import Any

from handbook.checks import (
    describe,
    optional_package,
    require_integer,
    require_number,
)
from handbook.training import History, TrainingState

__all__ = ["newest_values", "VisdomCurves", "TensorBoardCurves"]

_LOOPBACK = "127.0.0.1"  # curves stay on this machine
_LARGEST_PORT = 65535


def newest_values(history: History) -> dict[str, float]:
    """Return the last number of each series of a history.

    Parameters
    ----------
    history : History
        At least one finished epoch, or none.

    Returns
    -------
    dict
        Name → number, with the names of :meth:`History.series
        <handbook.training.History.series>`; empty before the first epoch.

    Raises
    ------
    TypeError
        If ``history`` is not a :class:`~handbook.training.History`.

    Examples
    --------
    >>> history = History(epochs=[1, 2], losses=[0.9, 0.4], validation_losses=[0.8, 0.5])
    >>> newest_values(history)
    {'loss': 0.4, 'validation_loss': 0.5}
    >>> newest_values(History())
    {}
    """
    if not isinstance(history, History):
        raise TypeError(f"history must be a History, got {describe(history)}")
    series = {
        "loss": history.losses,
        "validation_loss": history.validation_losses,
        **history.metrics,
        **{f"validation_{name}": values for name, values in history.validation_metrics.items()},
        "learning_rate": history.learning_rates,
    }
    return {name: values[-1] for name, values in series.items() if values}


def _require_text(name: str, value: object) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError(f"{name} must be a str that is not empty, got {describe(value)}")
    return value


class _Curves:
    """What both have in common: send after each epoch; at the first failure, say so and rest."""

    def __init__(self) -> None:
        self.is_on = True
        self.message = ""

    def _open(self) -> None:
        raise NotImplementedError

    def _send(self, epoch: int, values: dict[str, float]) -> None:
        raise NotImplementedError

    def _give_up(self, error: Exception) -> None:
        self.is_on = False
        self.message = f"{error}; the training goes on without live curves"
        warnings.warn(self.message, RuntimeWarning, stacklevel=4)

    def on_start(self, state: TrainingState) -> None:
        """Open the connection, and send the epochs that an earlier run has finished."""
        self.is_on, self.message = True, ""
        try:
            self._open()
            for i, epoch in enumerate(state.history.epochs):
                self._send(epoch, newest_values(_first_epochs(state.history, i + 1)))
        except (ImportError, OSError) as error:
            self._give_up(error)

    def __call__(self, state: TrainingState) -> None:
        """Send the numbers of the epoch that has just ended."""
        if not self.is_on:
            return
        try:
            self._send(state.epoch, newest_values(state.history))
        except (ImportError, OSError) as error:
            self._give_up(error)


def _first_epochs(history: History, count: int) -> History:
    return History(
        epochs=history.epochs[:count],
        losses=history.losses[:count],
        validation_losses=history.validation_losses[:count],
        metrics={name: values[:count] for name, values in history.metrics.items()},
        validation_metrics={
            name: values[:count] for name, values in history.validation_metrics.items()
        },
        learning_rates=history.learning_rates[:count],
    )


class VisdomCurves(_Curves):
    """A callback of :func:`~handbook.training.fit` that sends curves to a Visdom server.

    The server is one on this machine. Start it in another terminal, and open the address that it
    prints::

        python -m visdom.server -bind_local -port 8097

    Parameters
    ----------
    port : int, optional
        Where the server listens on 127.0.0.1. Visdom's own default is 8097.
    environment : str, optional
        The page on the server, Visdom's ``env``.
    window : str, optional
        The name of the window. Each series is a line in it; the learning rate has a window of its
        own, named with the ending ``_rate``.
    time_limit_s : float, optional
        How many seconds to wait for an answer, at most.

    Attributes
    ----------
    is_on : bool
        False once nobody has answered.
    message : str
        Why, if so.

    Raises
    ------
    TypeError
        If an argument is of the wrong type.
    ValueError
        If ``port`` is not from 1 to 65535, or ``time_limit_s`` not above 0.

    Notes
    -----
    A server that is not there, that does not answer in time, or that stops during the training, and
    a package that is not installed, give one ``RuntimeWarning``. Nothing else is sent then.

    At its start, Visdom's server fetches scripts for the browser from the network, once after an
    installation. Without a network it waits for that in vain. To start it without fetching::

        python -c "from visdom.server.run_server import main; main()" -bind_local -port 8097

    Examples
    --------
    Nobody listens on port 9 of this machine:

    >>> from handbook.training import TrainingState
    >>> curves = VisdomCurves(port=9)
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     curves.on_start(TrainingState(None, None, History(), epochs=1))
    >>> print(caught[0].message)
    no Visdom server answers on 127.0.0.1:9; start one with: python -m visdom.server -bind_local
    -port 9; the training goes on without live curves
    """

    def __init__(
        self,
        port: int = 8097,
        *,
        environment: str = "main",
        window: str = "training",
        time_limit_s: float = 5.0,
    ) -> None:
        super().__init__()
        self.port = require_integer("port", port, minimum=1, maximum=_LARGEST_PORT)
        self.environment = _require_text("environment", environment)
        self.window = _require_text("window", window)
        self.time_limit_s = require_number("time_limit_s", time_limit_s, above=0.0)
        self._client: Any = None
        self._begun: set[str] = set()

    def _open(self) -> None:
        self._begun = set()
        self._client = None
        try:
            # Before the package is imported, which takes longer than to be refused.
            socket.create_connection((_LOOPBACK, self.port), self.time_limit_s).close()
            self._client = _visdom_client(self.port, self.environment, self.time_limit_s)
        except OSError as error:
            raise ConnectionError(
                f"no Visdom server answers on {_LOOPBACK}:{self.port}; start one with: "
                f"python -m visdom.server -bind_local -port {self.port}"
            ) from error

    def _send(self, epoch: int, values: dict[str, float]) -> None:
        import numpy as np  # Visdom asks for its arrays

        for name, value in values.items():
            is_rate = name == "learning_rate"
            window = f"{self.window}_rate" if is_rate else self.window
            options = {
                "title": "learning rate" if is_rate else self.window,
                "xlabel": "epoch",
                "ylabel": "learning rate" if is_rate else "mean over an epoch",
                "showlegend": True,
            }
            try:
                answer = self._client.line(
                    Y=np.array([value]),
                    X=np.array([epoch]),
                    win=window,
                    name=name,
                    opts=options,
                    # The first line of a window replaces what an earlier run has left there.
                    update="append" if window in self._begun else None,
                )
            except OSError as error:
                raise ConnectionError(
                    f"the Visdom server on {_LOOPBACK}:{self.port} stopped answering at epoch "
                    f"{epoch}"
                ) from error
            if answer != window:
                raise ConnectionError(
                    f"what answers on {_LOOPBACK}:{self.port} is no Visdom server: it said "
                    f"{str(answer)[:60]!r}"
                )
            self._begun.add(window)


def _visdom_client(port: int, environment: str, time_limit_s: float) -> Any:
    """Make a client that waits only so long, speaks to this machine directly, and keeps quiet."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        visdom = optional_package("visdom", distribution="visdom", purpose="VisdomCurves")
        import requests

        session = requests.Session()
        session.trust_env = False  # a proxy of the environment has no business with 127.0.0.1

        class _LocalVisdom(visdom.Visdom):  # type: ignore[name-defined, misc]
            def _handle_post(self, url: str, data: Any = None) -> str:
                return str(session.post(url, data=data or {}, timeout=time_limit_s).text)

        logging.getLogger("visdom").setLevel(logging.ERROR)
        return _LocalVisdom(
            server=f"http://{_LOOPBACK}",
            port=port,
            env=environment,
            raise_exceptions=True,
            use_incoming_socket=False,
        )


class TensorBoardCurves(_Curves):
    """A callback of :func:`~handbook.training.fit` that writes curves for TensorBoard.

    Look at them with ``tensorboard --logdir FOLDER``, which serves on this machine.

    Parameters
    ----------
    folder : str or os.PathLike
        Where the event file lies; it is made if it is not there. One folder for each run:
        TensorBoard draws what lies in different folders beside each other.

    Attributes
    ----------
    is_on : bool
        False once something has failed.
    message : str
        Why, if so.

    Raises
    ------
    TypeError
        If ``folder`` is not a path.

    Notes
    -----
    A package that is not installed and a folder that cannot be written give one ``RuntimeWarning``.
    Each epoch is flushed, so that it can be seen at once, and survives a crash.

    A resumed training writes its earlier epochs again, into a new event file of the same folder;
    TensorBoard shows equal points once.

    Examples
    --------
    >>> import tempfile, torch
    >>> from handbook.training import fit
    >>> model = torch.nn.Linear(1, 1)
    >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    >>> batches = [(torch.ones(1, 1), torch.ones(1, 1))]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     curves = TensorBoardCurves(folder)
    ...     _ = fit(model, torch.nn.MSELoss(), optimizer, batches, epochs=2, callbacks=[curves])
    ...     [name.split(".")[2] for name in os.listdir(folder)], curves.is_on
    (['tfevents'], True)
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        super().__init__()
        if not isinstance(folder, (str, os.PathLike)):
            raise TypeError(f"folder must be a str or a pathlib.Path, got {describe(folder)}")
        self.folder = os.path.abspath(os.fspath(folder))
        self._writer: Any = None

    def _open(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            optional_package("tensorboard", distribution="tensorboard", purpose="TensorBoardCurves")
            from torch.utils.tensorboard import SummaryWriter
        try:
            os.makedirs(self.folder, exist_ok=True)
            self._writer = SummaryWriter(self.folder)
        except OSError as error:
            raise OSError(f"TensorBoardCurves cannot write to {self.folder!r}: {error}") from error

    def _send(self, epoch: int, values: dict[str, float]) -> None:
        try:
            for name, value in values.items():
                self._writer.add_scalar(name, value, epoch)
            self._writer.flush()
        except OSError as error:
            raise OSError(f"TensorBoardCurves cannot write to {self.folder!r}: {error}") from error

    def on_end(self, state: TrainingState) -> None:
        """Close the event file, however the training ended."""
        if self._writer is not None:
            writer, self._writer = self._writer, None
            try:
                writer.close()
            except OSError as error:
                if self.is_on:
                    self._give_up(error)
