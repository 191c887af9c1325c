"""The tables of the page "Losses at a glance" are computed, not believed."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from handbook import losses
from handbook.activations import log_softmax, sigmoid, softmax, softplus
from handbook.losses import one_hot
from handbook.seeding import make_generator

PAGE = Path(__file__).parents[1] / "docs" / "losses_at_a_glance.md"
ROWS = ["loss", "gradient", "range", "input", "target", "learns", "take it"]
N_CLASSES, TRUE, LIMIT = 5, 2, 0.5
WORDS = {
    "where": torch.where, "sign": torch.sign, "log": torch.log, "sum": torch.sum, "abs": torch.abs,
    "clip": torch.clamp, "norm": torch.linalg.vector_norm, "sigmoid": sigmoid, "one_hot": one_hot,
    "softmax": lambda z: softmax(z, 0), "logsumexp": lambda z: torch.logsumexp(z, 0),
    "softplus": lambda z: softplus(z, threshold=700), "beta": LIMIT, "delta": LIMIT, "C": N_CLASSES,
}  # fmt: skip


def tables() -> dict[str, dict[str, str]]:
    """Return the cells of each table of a loss, by the name of the loss and of the row."""
    text = PAGE.read_text(encoding="utf-8")
    found = {}
    for name, body in re.findall(
        r"^\| what \| `(\w+)` \|\n\|---\|---\|\n((?:\|.*\n)+)", text, re.M
    ):
        rows = (line.strip("|\n ").split(" | ", 1) for line in body.splitlines())
        found[name] = {key.strip(): cell.strip() for key, cell in rows}
    return found


TABLES = tables()
every_loss = pytest.mark.parametrize("name", TABLES)


def draw(*shape: int) -> Tensor:
    return torch.randn(shape, generator=make_generator(0), dtype=torch.float64)


def uniform(*shape: int) -> Tensor:
    return torch.rand(shape, generator=make_generator(1), dtype=torch.float64)


def situation(name: str) -> tuple[Tensor, Any, dict[str, Any], Callable[[Tensor], Tensor]]:
    """Return an input, what stands beside it in the page's letters, and our loss of that input."""
    function = getattr(losses, name)
    if name in ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"):
        y, t = 3 * draw(50), uniform(50)
        limit = {"smooth_l1_loss": {"beta": LIMIT}, "huber_loss": {"delta": LIMIT}}.get(name, {})
        return y, "y", {"t": t}, lambda y: function(y, t, reduction="none", **limit)
    true = torch.tensor(TRUE)
    if name == "cross_entropy":
        return 3 * draw(N_CLASSES), "z", {"t": true}, lambda z: function(z, true)
    if name == "nll_loss":
        log_p = log_softmax(draw(N_CLASSES), 0)
        return log_p, "log_p", {"t": true}, lambda log_p: function(log_p, true)
    if name == "binary_cross_entropy_with_logits":
        t = uniform(50)
        return 5 * draw(50), "z", {"t": t}, lambda z: function(z, t, reduction="none")
    if name == "binary_cross_entropy":
        t = uniform(50)
        return uniform(50).flip(0), "p", {"t": t}, lambda p: function(p, t, reduction="none")
    if name == "kl_div":
        q = softmax(draw(N_CLASSES), 0)
        log_p = log_softmax(-draw(N_CLASSES), 0)
        return log_p, "log_p", {"q": q}, lambda log_p: function(log_p, q, reduction="sum")
    b = uniform(6)
    return draw(6), "a", {"b": b}, lambda a: function(a, b, dim=0)


def evaluate(cell: str, letters: dict[str, Any]) -> Tensor:
    expression = re.fullmatch(r"`(.+)`", cell)
    assert expression, f"{cell} is not one piece of code"
    value: Tensor = eval(expression[1], {**WORDS, **letters})
    return value


def letters_of(name: str, input: Tensor) -> dict[str, Any]:
    _, letter, beside, _ = situation(name)
    letters = {letter: input, **beside}
    if letter == "y":
        letters["e"] = input - beside["t"]
        letters["c"] = letters["e"].clamp(-LIMIT, LIMIT)
    if name == "cosine_similarity":
        letters["u"], letters["v"] = (x / x.norm() for x in (input, beside["b"]))
    return letters


def test_every_loss_has_a_table_with_every_row() -> None:
    assert set(TABLES) == set(losses.__all__) - {"one_hot"}
    for name, rows in TABLES.items():
        assert list(rows) == ROWS, name


@every_loss
def test_the_loss_of_the_table_is_the_function(name: str) -> None:
    x, _, _, ours = situation(name)
    letters = letters_of(name, x)
    torch.testing.assert_close(evaluate(TABLES[name]["loss"], letters), ours(x))


@every_loss
def test_the_gradient_of_the_table_is_autograds(name: str) -> None:
    x, _, _, ours = situation(name)
    wanted = evaluate(TABLES[name]["gradient"], letters_of(name, x)).to(x.dtype)
    x = x.clone().requires_grad_()
    (found,) = torch.autograd.grad(ours(x).sum(), x)
    torch.testing.assert_close(wanted, found)


EXTREMES: dict[str, tuple[Tensor, Tensor]] = {
    "binary_cross_entropy": (torch.tensor([0.0, 1.0, 0.5]), torch.tensor([1.0, 1.0, 0.0])),
    "binary_cross_entropy_with_logits": (torch.tensor([1e4, -1e4]), torch.tensor([0.0, 0.0])),
    "cosine_similarity": (torch.eye(2), torch.tensor([[1.0, 0.0], [0.0, -1.0]])),
}


@every_loss
def test_the_range_of_the_table_holds_and_is_no_wider_than_needed(name: str) -> None:
    low_end, high_end = re.fullmatch(r"`\[(\S+), (\S+)[\])]`", TABLES[name]["range"]).groups()  # type: ignore[union-attr]
    low, high = float(low_end), float(high_end)
    function = getattr(losses, name)
    if name in EXTREMES:
        options = {} if name == "cosine_similarity" else {"reduction": "none"}
        values = function(*EXTREMES[name], **options)
    elif name in ("cross_entropy", "nll_loss"):
        z = torch.tensor([[1e4, 0.0], [0.0, 1e4]])
        scores = log_softmax(z, 1) if name == "nll_loss" else z
        values = function(scores, torch.tensor([0, 0]), reduction="none")
    elif name == "kl_div":
        log_p, q = torch.tensor([[0.0, -1e4]] * 2), torch.tensor([[1.0, 0.0], [0.0, 1.0]])
        values = function(log_p, q, reduction="none").sum(1)
    else:
        values = function(torch.tensor([0.0, 1e6]), torch.zeros(2), reduction="none")
    x, _, _, ours = situation(name)
    drawn = ours(x)
    assert ((drawn >= low) & (drawn <= high)).all()
    assert values.min() == low
    assert values.max() == high if high < float("inf") else values.max() > 1e3
