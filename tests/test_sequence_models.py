"""The two networks keep their state, start where they should, and learn."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from handbook.forecasting import forecast_windows, persistence_forecast
from handbook.seeding import make_generator
from handbook.sequence_models import (
    CharacterModel,
    SeriesForecaster,
    train_character_model,
    train_forecaster,
)


def waves(n: int) -> torch.Tensor:
    return torch.sin(2 * torch.pi * torch.arange(n) / 12)


def trained_wave() -> tuple[SeriesForecaster, Any, list[tuple[float, float]]]:
    model = SeriesForecaster(8, 0.7, generator=make_generator(0))
    windows = forecast_windows(waves(60), 6, 3)
    return (
        model,
        windows,
        train_forecaster(model, windows, windows, n_epochs=60, learning_rate=0.02),
    )


def test_an_untrained_forecaster_says_same_as_last_time() -> None:
    model = SeriesForecaster(8, 2.0, generator=make_generator(0))
    windows = forecast_windows(waves(40), 5, 4)
    with torch.no_grad():
        forecast = model(windows.past, windows.origin, 4)
    torch.testing.assert_close(forecast, persistence_forecast(windows.past, 4))


def test_a_forecaster_learns_a_wave() -> None:
    model, windows, errors = trained_wave()
    assert len(errors) == 61
    assert errors[-1][0] < errors[0][0] / 4
    with torch.no_grad():
        error = (model(windows.past, windows.origin, 3) - windows.future).square().mean().sqrt()
    assert error.item() == pytest.approx(min(held_out for _, held_out in errors), rel=1e-5)


def test_the_first_forecasts_do_not_depend_on_how_many_follow() -> None:
    model, windows, _ = trained_wave()
    with torch.no_grad():
        short, long = (model(windows.past, windows.origin, n) for n in (2, 7))
    torch.testing.assert_close(short, long[:, :2])


def test_a_forecaster_reads_its_own_forecast_as_if_it_had_been_measured() -> None:
    model, windows, _ = trained_wave()
    with torch.no_grad():
        both = model(windows.past, windows.origin, 2)
        longer = torch.cat([windows.past, both[:, :1]], dim=1)
        second = model(longer, windows.origin + 1, 1)
    torch.testing.assert_close(second, both[:, 1:])


def test_a_year_later_the_forecast_is_the_same() -> None:
    model, windows, _ = trained_wave()
    with torch.no_grad():
        now, later = (model(windows.past, windows.origin + shift, 3) for shift in (0, 12))
    torch.testing.assert_close(now, later, rtol=1e-4, atol=1e-4)


def test_pytorchs_layers_give_the_same_scores() -> None:
    model = CharacterModel(7, 16, generator=make_generator(0))
    theirs = nn.GRU(32, 16, batch_first=True)
    theirs.load_state_dict(model.recurrent.state_dict())
    symbols = torch.randint(7, (3, 10), generator=make_generator(1))
    output, last = theirs(model.embedding(symbols))
    logits, state = model(symbols)
    torch.testing.assert_close(logits, model.scores(output))
    torch.testing.assert_close(state, last)


def test_reading_in_pieces_is_reading_at_once_as_long_as_the_state_is_kept() -> None:
    model = CharacterModel(5, 8, generator=make_generator(0))
    symbols = torch.randint(5, (2, 9), generator=make_generator(1))
    with torch.no_grad():
        whole, _ = model(symbols)
        first, state = model(symbols[:, :4])
        rest, _ = model(symbols[:, 4:], state)
        forgotten, _ = model(symbols[:, 4:])
    torch.testing.assert_close(torch.cat([first, rest], dim=1), whole)
    assert not torch.allclose(forgotten, whole[:, 4:])


def test_a_character_model_learns_what_needs_memory() -> None:
    text = torch.tensor([0, 0, 1, 0, 0, 2]).repeat(
        120
    )  # after 0 0 comes 1 or 2, by what was before
    model = CharacterModel(3, 16, generator=make_generator(0))
    epochs = []
    losses = train_character_model(
        model, text, n_epochs=8, n_streams=4, n_steps=12, learning_rate=0.03,
        after_epoch=lambda epoch, loss: epochs.append((epoch, loss)),
    )  # fmt: skip
    assert losses[-1] < 0.1  # counts of two characters alone cannot get below 0.4
    assert epochs == list(enumerate(losses, start=1))


def test_the_seed_decides_on_the_weights_and_the_global_generator_does_not() -> None:
    def weights(seed: int) -> torch.Tensor:
        model = CharacterModel(4, 8, generator=make_generator(seed))
        return torch.cat([weight.detach().flatten() for weight in model.parameters()])

    torch.manual_seed(1)
    first = weights(0)
    torch.manual_seed(2)
    assert torch.equal(first, weights(0))
    assert not torch.equal(first, weights(1))


G = make_generator(0)
MODEL = SeriesForecaster(2, 1.0, generator=G)
WINDOWS = (torch.zeros(2, 3), torch.zeros(2, 1), torch.zeros(2))
READER = CharacterModel(2, 2, generator=G)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: SeriesForecaster(0, 1.0, generator=G), ValueError, "hidden_size must be at least"),
        (lambda: SeriesForecaster(2, 0.0, generator=G), ValueError, "scale must be above 0.0, got"),
        (lambda: SeriesForecaster(2, 1.0, 0, generator=G), ValueError, "period must be at least 1"),
        (lambda: SeriesForecaster(2, 1.0, generator=0), TypeError, "generator must be a torch.Gen"),
        (lambda: MODEL(torch.zeros(3), torch.zeros(3), 1), ValueError, r"past must have shape \(N"),
        (
            lambda: MODEL(torch.zeros(2, 0), torch.zeros(2), 1),
            ValueError,
            "past must hold at least",
        ),
        (
            lambda: MODEL(torch.zeros(2, 3), torch.zeros(3), 1),
            ValueError,
            r"origin must have shape",
        ),
        (
            lambda: MODEL(torch.zeros(2, 3), torch.zeros(2), 0),
            ValueError,
            "n_ahead must be at leas",
        ),
        (
            lambda: train_forecaster(MODEL, WINDOWS, WINDOWS, n_epochs=0),
            ValueError,
            "n_epochs must",
        ),
        (
            lambda: train_forecaster(MODEL, WINDOWS, WINDOWS, learning_rate=0.0),
            ValueError,
            "learning_rate must be above 0.0, got 0.0",
        ),
        (lambda: CharacterModel(0, 2, generator=G), ValueError, "n_symbols must be at least 1"),
        (lambda: CharacterModel(2, 0, generator=G), ValueError, "hidden_size must be at least 1"),
        (
            lambda: CharacterModel(2, 2, 0, generator=G),
            ValueError,
            "embedding_size must be at leas",
        ),
        (lambda: CharacterModel(2, 2, generator=0), TypeError, "generator must be a torch.Generat"),
        (
            lambda: train_character_model(READER, torch.zeros(9).long(), n_epochs=0),
            ValueError,
            "n_epochs must be at least 1, got 0",
        ),
        (
            lambda: train_character_model(READER, torch.zeros(9).long()),
            ValueError,
            "indices must hold at least 33 characters for 32 streams, got 9",
        ),
        (
            lambda: train_character_model(READER, torch.zeros(99).long(), learning_rate=-1.0),
            ValueError,
            "learning_rate must be above 0.0, got -1.0",
        ),
    ],
)
def test_what_does_not_fit_is_refused(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
