"""The first training: numbers by hand, PyTorch's optimiser, closed forms, wrong calls."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from handbook.first_training import (
    TrainingHistory,
    accumulation_matrix,
    error_factor,
    train_one_sample_at_a_time,
)
from handbook.seeding import make_generator

X, Y = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([2.0, 4.0, 6.0])
START = torch.tensor(1.0)


def line(w: Tensor, x: Tensor) -> Tensor:
    return w * x


def parabola(w: Tensor, x: Tensor) -> Tensor:
    return w[0] * x**2 + w[1] * x + w[2]


def train(dtype: torch.dtype = torch.float64, **options: Any) -> TrainingHistory:
    settings: dict[str, Any] = {"learning_rate": 0.01, "n_epochs": 100, **options}
    return train_one_sample_at_a_time(line, START.to(dtype), X.to(dtype), Y.to(dtype), **settings)


def test_one_hundred_epochs_in_float32_reach_the_known_numbers(device: torch.device) -> None:
    history = train_one_sample_at_a_time(
        line, START.to(device), X.to(device), Y.to(device), learning_rate=0.01, n_epochs=100
    )
    w = history.parameters[-1].item()
    assert f"{w:.7f}" == "1.9999996"
    assert f"{4 * w:.7f}" == "7.9999986"
    assert history.parameters.device.type == device.type


def test_the_first_epoch_by_hand() -> None:
    history = train(n_epochs=1)
    # w: 1 -> 1 + 0.02 -> 1.02 + 0.08 * 0.98 -> 1.0984 + 0.18 * 0.9016
    wanted = torch.tensor([1, 1.02, 1.0984, 1.260688], dtype=torch.float64)
    torch.testing.assert_close(history.parameters, wanted)
    torch.testing.assert_close(history.losses, (X.double() * wanted[:3] - Y) ** 2)
    torch.testing.assert_close(history.gradients, 2 * X.double() * (X.double() * wanted[:3] - Y))


@pytest.mark.parametrize("zero_gradients", [True, False])
def test_it_is_stochastic_gradient_descent_as_pytorch_does_it(zero_gradients: bool) -> None:
    generator = make_generator(3)
    x = torch.randn(5, generator=generator, dtype=torch.float64)
    y = torch.randn(5, generator=generator, dtype=torch.float64)
    start = torch.ones(3, dtype=torch.float64)
    history = train_one_sample_at_a_time(
        parabola, start, x, y, learning_rate=0.05, n_epochs=4, zero_gradients=zero_gradients
    )
    w = start.clone().requires_grad_()
    optimizer = torch.optim.SGD([w], lr=0.05)
    losses = []
    for _ in range(4):
        for one_x, one_y in zip(x, y, strict=True):
            loss = torch.nn.functional.mse_loss(parabola(w, one_x), one_y)
            losses.append(loss.item())
            loss.backward()
            optimizer.step()
            if zero_gradients:
                optimizer.zero_grad()
    torch.testing.assert_close(history.parameters[-1], w.detach(), rtol=0, atol=1e-12)
    torch.testing.assert_close(history.losses.tolist(), losses, rtol=0, atol=1e-12)


def test_the_error_shrinks_by_its_factor_each_epoch() -> None:
    error = train(n_epochs=20).parameters[::3] - 2
    factor = error_factor(X.double(), learning_rate=0.01)
    assert factor.item() == pytest.approx(0.98 * 0.92 * 0.82)
    torch.testing.assert_close(error, -(factor ** torch.arange(21)))


@pytest.mark.parametrize("rate", [0.1, 0.2, 0.25])
def test_it_converges_where_the_factor_is_below_one_and_only_there(rate: float) -> None:
    factor = error_factor(X.double(), learning_rate=rate).abs().item()
    error = (train(n_epochs=200, learning_rate=rate).parameters[-1] - 2).abs().item()
    assert (error < 1e-3) if factor < 1 else (error > 1e3)


def test_without_zeroing_the_matrix_tells_every_epoch() -> None:
    history = train(n_epochs=50, zero_gradients=False)
    epoch = accumulation_matrix(X.double(), learning_rate=0.01)
    state = torch.tensor([-1.0, 0.0], dtype=torch.float64)
    for n in range(1, 51):
        state = epoch @ state
        assert history.parameters[3 * n].item() - 2 == pytest.approx(state[0].item(), abs=1e-10)
        assert history.gradients[3 * n - 1].item() == pytest.approx(state[1].item(), abs=1e-9)


def test_without_zeroing_it_swings_between_one_and_three_for_ever() -> None:
    w = train(n_epochs=2000, zero_gradients=False).parameters[::3]
    for part in w[1:].split(200):
        assert part.min().item() < 1.05
        assert part.max().item() > 2.95
    assert w.min().item() > 0.99
    assert w.max().item() < 3.01


@settings(deadline=None)
@given(
    st.lists(st.floats(-3, 3), max_size=6),
    st.floats(1e-4, 0.2),
)
def test_no_rate_makes_accumulated_gradients_die_away(inputs: list[float], rate: float) -> None:
    epoch = accumulation_matrix(torch.tensor(inputs, dtype=torch.float64), learning_rate=rate)
    size = max(1.0, epoch.abs().max().item()) ** 2
    assert torch.linalg.det(epoch).item() == pytest.approx(1, abs=1e-12 * size)


def test_the_start_stays_as_it_is_and_the_history_has_no_graph() -> None:
    start = torch.tensor([1.0], requires_grad=True)
    history = train_one_sample_at_a_time(
        lambda w, x: w[0] * x, start, X, Y, learning_rate=0.01, n_epochs=2
    )
    assert start.item() == 1
    assert start.grad is None
    assert not any(tensor.requires_grad for tensor in history)
    assert history.parameters.shape == (7, 1)
    assert history.gradients.shape == (6, 1)
    assert history.losses.shape == (6,)


@pytest.mark.parametrize("options", [{"n_epochs": 0}, {"n_epochs": 3}])
def test_nothing_to_do_leaves_the_start(options: dict[str, int]) -> None:
    none = X[:0] if options["n_epochs"] else X
    history = train_one_sample_at_a_time(
        parabola, torch.ones(3), none, none, learning_rate=0.1, **options
    )
    assert history.parameters.tolist() == [[1.0, 1.0, 1.0]]
    assert history.losses.shape == (0,)
    assert history.gradients.shape == (0, 3)


def test_inputs_may_have_several_features() -> None:
    rows = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    history = train_one_sample_at_a_time(
        torch.dot, torch.zeros(2), rows, torch.tensor([3.0, -1.0]), learning_rate=0.5, n_epochs=1
    )
    assert history.parameters[-1].tolist() == [3.0, -1.0]


def test_wrong_calls_are_refused() -> None:
    def call(model: Any = line, start: Any = START, x: Any = X, y: Any = Y, **options: Any) -> None:
        settings = {"learning_rate": 0.01, "n_epochs": 1, **options}
        train_one_sample_at_a_time(model, start, x, y, **settings)

    with pytest.raises(TypeError, match="parameters must have a floating-point dtype, got an"):
        call(start=torch.tensor(1))
    with pytest.raises(TypeError, match="inputs must be a tensor, got a list"):
        call(x=[1.0])
    with pytest.raises(TypeError, match="targets must have parameters's dtype float32"):
        call(y=Y.double())
    with pytest.raises(ValueError, match=r"targets must have shape \(N,\), got .* \(3, 1\)"):
        call(y=Y[:, None])
    with pytest.raises(ValueError, match="inputs must have one row per target, 3, got"):
        call(x=X[:2])
    with pytest.raises(ValueError, match="inputs must have one row per target, 3, got"):
        call(x=START)
    with pytest.raises(ValueError, match="learning_rate must be"):
        call(learning_rate=0)
    with pytest.raises(ValueError, match="n_epochs must be at least 0, got -1"):
        call(n_epochs=-1)
    with pytest.raises(ValueError, match=r"prediction of the target's shape \(\), got .* \(1,\)"):
        call(start=torch.ones(1))
    with pytest.raises(TypeError, match="prediction must be a tensor, got 3"):
        call(model=lambda w, x: 3.0)
    with pytest.raises(ValueError, match="model must use its parameters, got a loss without"):
        call(model=lambda w, x: x)


@pytest.mark.parametrize("function", [error_factor, accumulation_matrix])
def test_the_closed_forms_refuse_what_they_cannot_answer(function: Any) -> None:
    with pytest.raises(TypeError, match="inputs must have a floating-point dtype"):
        function(torch.tensor([1, 2]), learning_rate=0.1)
    with pytest.raises(ValueError, match=r"inputs must have shape \(N,\)"):
        function(X[:, None], learning_rate=0.1)
    for rate in (0, -1.0, math.nan):
        with pytest.raises(ValueError, match="learning_rate must be"):
            function(X, learning_rate=rate)
