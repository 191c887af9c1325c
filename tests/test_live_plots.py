"""Live plots: a real server and real event files receive the curves; without, one message."""

from __future__ import annotations

import http.server
import json
import math
import os
import socket
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib import request

import pytest
import torch
from torch import nn

from handbook.live_plots import TensorBoardCurves, VisdomCurves, newest_values
from handbook.training import History, TrainingState, fit

START_LIMIT_S = 90
X = torch.tensor([[1.0], [2.0], [3.0]])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def trained(callback: Any, epochs: int = 3, history: History | None = None) -> History:
    model = nn.Linear(1, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    return fit(
        model, nn.MSELoss(), optimizer, [(X, 2 * X)], epochs=epochs, validation=[(X, 2 * X)],
        metrics={"error": lambda output, target: (output - target).abs().mean()},
        callbacks=[callback], history=history,
    )  # fmt: skip


def post(port: int, endpoint: str, content: object) -> Any:
    opener = request.build_opener(request.ProxyHandler({}))
    data = json.dumps(content).encode()
    with opener.open(f"http://127.0.0.1:{port}/{endpoint}", data, timeout=20) as answer:
        return json.loads(answer.read())


def curves_of(port: int, window: str, environment: str = "main") -> dict[str, tuple[Any, Any]]:
    data = post(port, "win_data", {"win": window, "eid": environment})
    data = json.loads(data) if isinstance(data, str) else data
    return {line["name"]: (line["x"], line["y"]) for line in data["content"]["data"]}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A real server on loopback. ``main`` starts it without fetching scripts for browsers."""
    port = free_port()
    program = "from visdom.server.run_server import main; main()"
    folder = tmp_path_factory.mktemp("visdom")
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", program, "-port", str(port), "-bind_local",
         "-env_path", str(folder)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + START_LIMIT_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                assert process.poll() is None, "the server has ended"
                assert time.monotonic() < deadline, "the server did not start in time"
                time.sleep(0.2)
        yield port
    finally:
        process.kill()
        process.wait()


def test_a_visdom_server_receives_every_curve(server: int) -> None:
    callback = VisdomCurves(server, window="first")
    history = trained(callback)
    assert callback.is_on
    curves = curves_of(server, "first")
    assert set(curves) == {"loss", "validation_loss", "error", "validation_error"}
    for name, (x, y) in curves.items():
        assert list(x) == [1, 2, 3]
        assert list(y) == pytest.approx(history.series(name))
    assert list(curves_of(server, "first_rate")["learning_rate"][1]) == [0.05] * 3


def test_a_second_run_begins_its_window_anew(server: int) -> None:
    for epochs in (3, 2):
        trained(VisdomCurves(server, window="again"), epochs)
    assert list(curves_of(server, "again")["loss"][0]) == [1, 2]


def test_a_resumed_run_shows_its_earlier_epochs(server: int) -> None:
    history = trained(VisdomCurves(server, window="part"), 2)
    wanted = trained(VisdomCurves(server, window="part"), 4, history)
    x, y = curves_of(server, "part")["loss"]
    assert list(x) == [1, 2, 3, 4]
    assert list(y) == pytest.approx(wanted.losses)


def test_an_environment_keeps_runs_apart(server: int) -> None:
    trained(VisdomCurves(server, environment="mine"), 1)
    assert "loss" in curves_of(server, "training", "mine")


def test_a_proxy_of_the_environment_is_not_used(
    server: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    callback = VisdomCurves(server, window="direct")
    trained(callback, 1)
    assert callback.is_on


def one_message(callback: Any, epochs: int = 4) -> str:
    """Train; return the only warning, and check that the training was a whole one."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        history = trained(callback, epochs)
    assert len(history) == epochs
    assert len(caught) == 1, [str(warning.message) for warning in caught]
    assert caught[0].category is RuntimeWarning
    assert str(caught[0].message) == callback.message
    assert not callback.is_on
    assert callback.message.endswith("the training goes on without live curves")
    return str(callback.message)


def test_a_server_that_is_not_there_gives_one_message() -> None:
    port = free_port()
    start = time.monotonic()
    message = one_message(VisdomCurves(port))
    assert f"no Visdom server answers on 127.0.0.1:{port}; start one with: python -m" in message
    assert time.monotonic() - start < 20


@pytest.mark.parametrize("package", ["visdom", "tensorboard"])
def test_a_package_that_is_not_there_gives_one_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str, server: int
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    callback = VisdomCurves(server) if package == "visdom" else TensorBoardCurves(tmp_path)
    message = one_message(callback)
    assert f"needs the package {package}, which is not installed; use: pip install" in message


class Answers(http.server.BaseHTTPRequestHandler):
    """Something else than Visdom, or one that falls silent after a while."""

    n_left = 10**6
    silent_s = 0.0

    def do_POST(self) -> None:
        content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        cls = type(self)
        cls.n_left -= 1
        if cls.n_left < 0:
            time.sleep(self.silent_s)
            self.connection.close()
            return
        text = "hello" if cls.silent_s == 0 else str(content.get("win"))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def other_server(request: pytest.FixtureRequest) -> Iterator[int]:
    n_left, silent_s = request.param
    handler = type("Handler", (Answers,), {"n_left": n_left, "silent_s": silent_s})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as served:
        served.daemon_threads = True
        served.block_on_close = False
        threading.Thread(target=served.serve_forever, daemon=True).start()
        yield int(served.server_address[1])
        served.shutdown()


@pytest.mark.parametrize("other_server", [(10**6, 0.0)], indirect=True)
def test_another_server_is_recognised(other_server: int) -> None:
    message = one_message(VisdomCurves(other_server))
    assert (
        f"what answers on 127.0.0.1:{other_server} is no Visdom server: it said 'hello'" in message
    )


@pytest.mark.parametrize("other_server", [(7, 3.0)], indirect=True)
def test_a_server_that_falls_silent_stops_nothing(other_server: int) -> None:
    start = time.monotonic()
    message = one_message(VisdomCurves(other_server, time_limit_s=0.5), epochs=4)
    assert f"the Visdom server on 127.0.0.1:{other_server} stopped answering at epoch 1" in message
    assert time.monotonic() - start < 20


# ---- TensorBoard -----------------------------------------------------------------------------


def read_events(folder: Path) -> dict[str, list[tuple[int, float]]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

        events = EventAccumulator(str(folder))
        events.Reload()
    return {
        tag: [(event.step, event.value) for event in events.Scalars(tag)]
        for tag in events.Tags()["scalars"]
    }


def test_an_event_file_holds_every_curve(tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "1"
    callback = TensorBoardCurves(folder)
    history = trained(callback)
    assert callback.is_on
    found = read_events(folder)
    assert set(found) == {"loss", "validation_loss", "error", "validation_error", "learning_rate"}
    for name, points in found.items():
        assert [step for step, _ in points] == [1, 2, 3]
        assert [value for _, value in points] == pytest.approx(history.series(name))


def test_each_epoch_can_be_read_at_once(tmp_path: Path) -> None:
    seen: list[int] = []

    class Look(TensorBoardCurves):
        def __call__(self, state: TrainingState) -> None:
            super().__call__(state)
            seen.append(len(read_events(tmp_path)["loss"]))

    trained(Look(tmp_path))
    assert seen == [1, 2, 3]


def test_a_resumed_run_has_all_epochs(tmp_path: Path) -> None:
    history = trained(TensorBoardCurves(tmp_path / "a"), 2)
    trained(TensorBoardCurves(tmp_path / "b"), 3, history)
    assert [step for step, _ in read_events(tmp_path / "b")["loss"]] == [1, 2, 3]


def test_a_folder_that_cannot_be_made_gives_one_message(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    message = one_message(TensorBoardCurves(tmp_path / "file"))
    assert "TensorBoardCurves cannot write to" in message


def test_a_training_that_fails_leaves_a_closed_file(tmp_path: Path) -> None:
    def fail(state: TrainingState) -> None:
        raise MemoryError

    model = nn.Linear(1, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    with pytest.raises(MemoryError):
        fit(
            model, nn.MSELoss(), optimizer, [(X, X)], epochs=2,
            callbacks=[TensorBoardCurves(tmp_path), fail],
        )  # fmt: skip
    assert len(read_events(tmp_path)["loss"]) == 1


# ---- what both share ---------------------------------------------------------------------------


def test_newest_values_are_the_last_of_each_series() -> None:
    history = History([1, 2], [5, 9], [0.9, 0.4], [0.8, math.nan], {"error": [1.0, 2.0]})
    found = newest_values(history)
    assert list(found) == ["loss", "validation_loss", "error"]
    assert (found["loss"], found["error"]) == (0.4, 2.0)
    assert math.isnan(found["validation_loss"])
    assert newest_values(History()) == {}
    with pytest.raises(TypeError, match="history must be a History, got a list"):
        newest_values([])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"port": 0}, ValueError, "port must be at least 1, got 0"),
        ({"port": 70_000}, ValueError, "port must be at most 65535, got 70000"),
        ({"port": "8097"}, TypeError, "port must be an int, got '8097'"),
        ({"environment": ""}, TypeError, "environment must be a str that is not empty, got ''"),
        ({"window": None}, TypeError, "window must be a str that is not empty, got None"),
        ({"time_limit_s": 0}, ValueError, "time_limit_s must be above 0"),
    ],
)
def test_bad_settings_are_refused(
    arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        VisdomCurves(**arguments)


def test_a_folder_must_be_a_path() -> None:
    with pytest.raises(TypeError, match=r"folder must be a str or a pathlib.Path, got 3"):
        TensorBoardCurves(3)  # type: ignore[arg-type]


def test_nothing_optional_is_imported_with_the_module() -> None:
    program = (
        "import sys, handbook.live_plots\n"
        "print([name for name in ('visdom', 'tensorboard', 'requests') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
    )  # fmt: skip
    assert done.stdout == "[]\n"
