"""The progress bar: what it shows, when it is silent, and that it is always taken down."""

from __future__ import annotations

import contextlib
import io
import re
import sys

import pytest
import torch
from rich.console import Console
from torch import nn

from handbook.progress import ProgressBar
from handbook.training import TrainingState, fit

X = torch.ones(10, 1)


def terminal(width: int = 100) -> Console:
    return Console(file=io.StringIO(), force_terminal=True, width=width, color_system=None)


def train(console: Console, *, epochs: int = 3, batches: object = None, **options: object) -> str:
    """Train a line with a bar that draws at every step; return what stood on the terminal."""
    model = nn.Linear(1, 1)
    nn.init.zeros_(model.weight)
    nn.init.zeros_(model.bias)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    bar = ProgressBar(console=console, interval_s=0.0)
    options.setdefault("callbacks", [bar])
    if options["callbacks"] != [bar]:
        options["callbacks"] = [bar, *options["callbacks"]]
    batches = [(X, X), (X, X)] if batches is None else batches
    fit(model, nn.MSELoss(), optimizer, batches, epochs=epochs, **options)
    return console.file.getvalue()


def last_line(text: str) -> str:
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)
    return [line for line in re.split(r"[\r\n]+", plain) if line.strip()][-1]


def test_the_bar_shows_epoch_share_and_losses() -> None:
    line = last_line(train(terminal(), validation=[(X, 3 * X)]))
    assert line.startswith("epoch 3/3 ")
    assert "100%" in line
    assert "loss 1, validation 9" in line


def test_the_bar_counts_steps_within_an_epoch() -> None:
    text = train(terminal(), epochs=2)
    shares = [int(share) for share in re.findall(r"(\d+)%", text)]
    assert sorted(set(shares)) == [0, 25, 50, 75, 100]
    assert shares == sorted(shares)


def test_without_a_length_the_bar_counts_epochs() -> None:
    text = train(terminal(), epochs=2, batches=lambda: iter([(X, X), (X, X)]))
    assert sorted({int(share) for share in re.findall(r"(\d+)%", text)}) == [0, 50, 100]


def test_a_training_that_goes_on_begins_where_it_was() -> None:
    model = nn.Linear(1, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    history = fit(model, nn.MSELoss(), optimizer, [(X, X), (X, X)], epochs=3)
    console = terminal()
    fit(
        model, nn.MSELoss(), optimizer, [(X, X), (X, X)], epochs=4, history=history,
        callbacks=[ProgressBar(console=console, interval_s=0.0)],
    )  # fmt: skip
    text = console.file.getvalue()
    assert min(int(share) for share in re.findall(r"(\d+)%", text)) == 75
    assert last_line(text).startswith("epoch 4/4 ")


def test_where_there_is_no_terminal_nothing_is_drawn() -> None:
    assert train(Console(file=io.StringIO())) == ""


def test_by_default_nothing_is_written_to_the_output(capsys: pytest.CaptureFixture[str]) -> None:
    model = nn.Linear(1, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    fit(model, nn.MSELoss(), optimizer, [(X, X)], epochs=2, callbacks=[ProgressBar()])
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
def test_the_bar_is_taken_down_however_the_training_ends(error: type) -> None:
    def fail(state: TrainingState) -> None:
        raise error

    console = terminal()
    with contextlib.suppress(ZeroDivisionError):
        train(console, callbacks=[fail])
    text = console.file.getvalue()
    assert text.rfind("\x1b[?25h") > text.rfind("\x1b[?25l")  # the cursor is there again
    assert "loss 1" in last_line(text)


def test_one_bar_serves_one_training_after_the_other() -> None:
    console = terminal()
    bar = ProgressBar(console=console, interval_s=0.0)
    for _ in range(2):
        model = nn.Linear(1, 1)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
        fit(model, nn.MSELoss(), optimizer, [(X, X)], epochs=2, callbacks=[bar])
    assert console.file.getvalue().count("\x1b[?25h") == 2


def test_many_steps_are_drawn_seldom() -> None:
    console = terminal()
    model = nn.Linear(1, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    bar = ProgressBar(console=console, interval_s=60.0)
    fit(model, nn.MSELoss(), optimizer, 50 * [(X, X)], epochs=4, callbacks=[bar])
    assert len(re.findall(r"\d+%", console.file.getvalue())) <= 6
    assert last_line(console.file.getvalue()).startswith("epoch 4/4 ")


def test_a_narrow_terminal_does_not_break_it() -> None:
    assert "epoch" in last_line(train(terminal(width=40)))


def test_no_epoch_at_all_is_no_error() -> None:
    assert "epoch 0/0" in train(terminal(), epochs=0)


def test_without_rich_the_message_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rich", None)
    with pytest.raises(ImportError, match=r"needs the package rich, .*pip install rich"):
        ProgressBar()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"console": 3}, TypeError, "console must be a rich.console.Console, got 3"),
        ({"interval_s": -1.0}, ValueError, "interval_s must be at least 0.0, got -1.0"),
        ({"interval_s": float("inf")}, ValueError, "interval_s must be below inf, got inf"),
        ({"transient": 1}, TypeError, "transient must be a bool, got 1"),
    ],
)
def test_a_bad_option_is_refused(options: dict, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        ProgressBar(**options)
