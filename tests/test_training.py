"""The training loop: equal to the loop by hand, counts samples, stops, goes on, and cleans up."""

from __future__ import annotations

import copy
import io
import itertools
import json
import time
import warnings
import weakref
from collections.abc import Callable, Iterable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

from handbook.batches import MiniBatches, mini_batches
from handbook.seeding import make_generator
from handbook.training import (
    EarlyStopping,
    Evaluation,
    History,
    NonFiniteLossError,
    TrainingState,
    evaluate,
    fit,
    predict,
)

INPUTS = torch.linspace(0, 1, 1000).reshape(100, 10)
TARGETS = torch.sigmoid(INPUTS).mean(dim=1, keepdim=True)


def network(dropout: float = 0.0, *, seed: int = 0) -> nn.Sequential:
    model = nn.Sequential(
        nn.Linear(10, 16), nn.Sigmoid(), nn.Dropout(dropout), nn.Linear(16, 1)
    )  # fmt: skip
    generator = make_generator(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.uniform_(-0.3, 0.3, generator=generator)
    return model


def data(seed: int = 0, batch_size: int = 16) -> MiniBatches:
    return MiniBatches(INPUTS, TARGETS, batch_size=batch_size, generator=make_generator(seed))


def adam(model: nn.Module, lr: float = 0.01) -> torch.optim.Optimizer:
    return torch.optim.Adam(model.parameters(), lr=lr)


def by_hand(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    batches: Iterable[Any],
    epochs: int,
    *,
    clip_norm: float | None = None,
    schedule: Any = None,
    schedule_every: str = "epoch",
) -> list[float]:
    """Train as a script does; return the mean loss of each epoch."""
    means = []
    for _ in range(epochs):
        model.train()
        total, count = 0.0, 0
        for x, y in batches:
            optimizer.zero_grad()
            loss = F.mse_loss(model(x), y)
            loss.backward()
            if clip_norm is not None:
                nn.utils.clip_grad_norm_(model.parameters(), clip_norm)
            optimizer.step()
            if schedule is not None and schedule_every == "step":
                schedule.step()
            total += loss.item() * len(x)
            count += len(x)
        if schedule is not None and schedule_every == "epoch":
            schedule.step()
        means.append(total / count)
    return means


def assert_same_weights(a: nn.Module, b: nn.Module) -> None:
    for (name, mine), theirs in zip(a.named_parameters(), b.parameters(), strict=True):
        assert torch.equal(mine, theirs), name


def constant(value: float) -> nn.Module:
    """Return a model of one parameter that puts out its value, whatever goes in."""

    class Constant(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.value = nn.Parameter(torch.tensor(float(value)))

        def forward(self, x: Tensor) -> Tensor:
            return 0 * x + self.value

    return Constant()


def standing(model: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.SGD(model.parameters(), lr=0.0)


# ---- the same steps as by hand -----------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        adam,
        lambda model: torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9),
        lambda model: torch.optim.RMSprop(model.parameters(), lr=0.01),
    ],
    ids=["adam", "momentum", "rmsprop"],
)
@pytest.mark.parametrize("clip_norm", [None, 0.01])
@pytest.mark.parametrize("schedule_every", ["epoch", "step"])
def test_the_weights_are_those_of_the_loop_by_hand_to_the_last_bit(
    make: Callable, clip_norm: float | None, schedule_every: str
) -> None:
    ours, theirs = network(0.2), network(0.2)
    own, other = make(ours), make(theirs)
    torch.manual_seed(7)  # dropout draws from the global generator
    wanted = by_hand(
        theirs,
        other,
        data(),
        5,
        clip_norm=clip_norm,
        schedule=torch.optim.lr_scheduler.ExponentialLR(other, 0.9),
        schedule_every=schedule_every,
    )
    torch.manual_seed(7)
    history = fit(
        ours,
        nn.MSELoss(),
        own,
        data(),
        epochs=5,
        clip_norm=clip_norm,
        schedule=torch.optim.lr_scheduler.ExponentialLR(own, 0.9),
        schedule_every=schedule_every,
    )
    assert_same_weights(ours, theirs)
    assert history.losses == wanted
    assert history.epochs == [1, 2, 3, 4, 5]
    assert history.steps == [7, 14, 21, 28, 35]


def test_validation_metrics_and_callbacks_change_no_bit_of_the_weights() -> None:
    ours, theirs = network(), network()
    by_hand(theirs, adam(theirs), data(), 4)
    seen = []
    fit(
        ours,
        F.mse_loss,
        adam(ours),
        data(),
        epochs=4,
        validation=[(INPUTS, TARGETS)],
        metrics={"error": F.l1_loss},
        callbacks=[lambda state: seen.append(state.epoch)],
    )
    assert_same_weights(ours, theirs)
    assert seen == [1, 2, 3, 4]


@pytest.mark.parametrize("kind", ["mini_batches", "loader", "list", "function"])
def test_any_iterable_of_batches_will_do(kind: str) -> None:
    plain = MiniBatches(INPUTS, TARGETS, batch_size=16)
    sources = {
        "mini_batches": plain,
        "loader": DataLoader(TensorDataset(INPUTS, TARGETS), batch_size=16),
        "list": list(plain),
        "function": lambda: mini_batches(INPUTS, TARGETS, batch_size=16),
    }
    ours, theirs = network(), network()
    wanted = by_hand(theirs, adam(theirs), plain, 3)
    assert fit(ours, nn.MSELoss(), adam(ours), sources[kind], epochs=3).losses == wanted
    assert_same_weights(ours, theirs)


def test_a_model_with_two_inputs_is_given_both() -> None:
    class Sum(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.tensor(0.0))

        def forward(self, a: Tensor, b: Tensor) -> Tensor:
            return a + self.weight * b

    model = Sum()
    one = torch.ones(4, 1)
    batch = (one, 2 * one, 7 * one)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    fit(model, nn.MSELoss(), optimizer, [batch], epochs=50)
    assert model.weight.item() == pytest.approx(3.0, abs=1e-4)
    assert evaluate(model, nn.MSELoss(), [batch]).loss == pytest.approx(0.0, abs=1e-6)
    assert torch.allclose(predict(model, one, 2 * one), 7 * one, atol=1e-3)


def test_double_precision_is_kept() -> None:
    model = constant(1 / 3).double()
    with torch.no_grad():
        model.value.copy_(torch.tensor(1 / 3, dtype=torch.float64))
    batch = (torch.zeros(1, 1).double(), torch.zeros(1, 1).double())
    history = fit(
        model, nn.MSELoss(), standing(model), [batch], epochs=1, validation=[batch],
        metrics={"error": F.l1_loss},
    )  # fmt: skip
    assert history.losses == history.validation_losses == [(1 / 3) ** 2]
    assert history.metrics["error"] == history.validation_metrics["error"] == [1 / 3]


# ---- means count samples -----------------------------------------------------------------------


@pytest.mark.parametrize("batch_size", [1, 7, 16, 50, 99, 100, 1000])
def test_the_mean_loss_is_that_of_all_samples_whatever_the_batch_size(batch_size: int) -> None:
    model = network()
    whole = F.mse_loss(model(INPUTS), TARGETS).item()
    batches = data(batch_size=batch_size)
    metrics = {"error": F.l1_loss}
    history = fit(model, nn.MSELoss(), standing(model), batches, epochs=1, metrics=metrics)
    checked = evaluate(model, nn.MSELoss(), batches, metrics=metrics)
    error = F.l1_loss(model(INPUTS), TARGETS).item()
    assert history.losses[0] == pytest.approx(whole, rel=1e-6)
    assert checked.loss == pytest.approx(whole, rel=1e-6)
    assert history.metrics["error"][0] == pytest.approx(error, rel=1e-6)
    assert checked.metrics["error"] == pytest.approx(error, rel=1e-6)
    assert checked.n_samples == 100


def test_the_mean_of_batch_means_would_be_another_number() -> None:
    x = torch.tensor([[1.0], [1.0], [1.0], [3.0]])
    batches = [(x[:3], x[:3]), (x[3:], x[3:] + 2)]
    naive = sum(F.mse_loss(a, b).item() for a, b in batches) / 2
    assert naive == 2.0
    assert evaluate(nn.Identity(), nn.MSELoss(), batches) == Evaluation(1.0, {}, 4)


def test_a_sum_is_divided_by_the_samples_once() -> None:
    x = torch.arange(5.0).reshape(5, 1)
    batches = [(x[:3], 0 * x[:3]), (x[3:], 0 * x[3:])]
    mean = evaluate(nn.Identity(), nn.MSELoss(), batches).loss
    summed = evaluate(nn.Identity(), nn.MSELoss(reduction="sum"), batches).loss
    assert mean == pytest.approx(30 / 5) == summed
    model = nn.Linear(1, 1)
    both = [
        fit(model, nn.MSELoss(reduction=how), standing(model), batches, epochs=1).losses[0]
        for how in ("mean", "sum")
    ]
    assert both[0] == pytest.approx(both[1])


def test_an_epoch_of_many_steps_is_averaged_over_all_of_them() -> None:
    n = 1300  # more than are kept before they are read
    values = torch.rand(n, 1, generator=make_generator(0))
    model = constant(0.0)
    batches = MiniBatches(torch.zeros(n, 1), values, batch_size=1)
    history = fit(
        model, nn.L1Loss(), standing(model), batches, epochs=1, metrics={"square": F.mse_loss}
    )
    assert history.losses[0] == pytest.approx(values.mean().item(), rel=1e-6)
    assert history.metrics["square"][0] == pytest.approx((values**2).mean().item(), rel=1e-6)


@pytest.mark.parametrize(
    "number", [lambda x: 0.5, lambda x: True, lambda x: (x == x).sum(), lambda x: x.mean()[None]]
)
def test_a_metric_may_be_any_one_number(number: Callable) -> None:
    found = evaluate(
        nn.Identity(), nn.MSELoss(), [(INPUTS, INPUTS)], metrics={"m": lambda o, t: number(o)}
    )
    assert found.metrics["m"] == pytest.approx(float(number(INPUTS)))


def test_a_metric_sees_no_graph() -> None:
    model = network()
    needs = []
    fit(
        model, nn.MSELoss(), adam(model), data(), epochs=1,
        metrics={"m": lambda o, t: needs.append(o.requires_grad or torch.is_grad_enabled()) or 0.0},
    )  # fmt: skip
    assert needs == 7 * [False]


def test_a_single_sample_without_a_dimension_counts_as_one() -> None:
    model = constant(1.0)
    batches = [(torch.tensor(0.0), torch.tensor(0.0)), (torch.tensor(0.0), torch.tensor(3.0))]
    assert fit(model, nn.MSELoss(), standing(model), batches, epochs=1).losses == [2.5]


# ---- modes -------------------------------------------------------------------------------------


def test_every_module_has_its_mode_again_afterwards() -> None:
    model = nn.Sequential(nn.Linear(10, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 1))
    model.eval()
    model[2].train()
    before = [module.training for module in model.modules()]
    during: list[bool] = []

    class Watch:
        def on_step(self, state: TrainingState) -> None:
            during.append(all(module.training for module in state.model.modules()))

        def __call__(self, state: TrainingState) -> None:
            state.model.eval()  # a callback that forgets to put it back does no harm

    fit(model, nn.MSELoss(), adam(model), data(), epochs=2, callbacks=[Watch()])
    assert during == 14 * [True]
    assert [module.training for module in model.modules()] == before
    evaluate(model, nn.MSELoss(), data())
    predict(model, INPUTS)
    assert [module.training for module in model.modules()] == before


def test_the_mode_is_restored_after_an_error() -> None:
    model = network(0.5).eval()

    def fail(output: Tensor, target: Tensor) -> Tensor:
        raise RuntimeError("inside")

    with pytest.raises(RuntimeError, match="inside"):
        fit(model, fail, adam(model), data(), epochs=1)
    assert not model.training
    model.train()
    for call in (lambda: evaluate(model, fail, data()), lambda: predict(model, INPUTS[:, :3])):
        with pytest.raises(RuntimeError):
            call()
        assert model.training


def test_validation_is_in_evaluation_mode_and_leaves_running_statistics_alone() -> None:
    model = nn.Sequential(nn.Linear(10, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))
    before = copy.deepcopy(model.state_dict())
    evaluate(model, nn.MSELoss(), data())
    predict(model, INPUTS)
    for key, value in model.state_dict().items():
        assert torch.equal(value, before[key]), key
    assert all(parameter.grad is None for parameter in model.parameters())


def test_the_prediction_does_not_depend_on_the_batch_size() -> None:
    model = nn.Sequential(nn.Linear(10, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 1))
    whole = predict(model, INPUTS)
    assert whole.shape == (100, 1)
    assert not whole.requires_grad
    for batch_size in (1, 7, 100):
        torch.testing.assert_close(predict(model, INPUTS, batch_size=batch_size), whole)
    assert predict(nn.Identity(), INPUTS[:0]).shape == (0, 10)


# ---- callbacks ---------------------------------------------------------------------------------


class Recorder:
    def __init__(self, name: str, log: list[str]) -> None:
        self.name, self.log = name, log

    def on_start(self, state: TrainingState) -> None:
        self.log.append(f"{self.name} start {state.epoch}/{state.epochs}")

    def on_step(self, state: TrainingState) -> None:
        assert state.batch_loss is not None
        assert state.batch_loss.shape == ()
        assert not state.batch_loss.requires_grad
        self.log.append(f"{self.name} step {state.step}")

    def __call__(self, state: TrainingState) -> None:
        assert len(state.history) == state.epoch
        self.log.append(f"{self.name} epoch {state.epoch}")

    def on_end(self, state: TrainingState) -> None:
        self.log.append(f"{self.name} end")


def test_callbacks_are_called_in_order_and_ended_in_reverse() -> None:
    model = network()
    log: list[str] = []
    batches = MiniBatches(INPUTS, TARGETS, batch_size=50)
    fit(
        model, nn.MSELoss(), adam(model), batches, epochs=1,
        callbacks=[Recorder("a", log), Recorder("b", log)],
    )  # fmt: skip
    assert log == [
        "a start 0/1", "b start 0/1", "a step 1", "b step 1", "a step 2", "b step 2",
        "a epoch 1", "b epoch 1", "b end", "a end",
    ]  # fmt: skip


def test_a_callback_is_told_how_many_batches_there_are_if_they_tell() -> None:
    class Stream(IterableDataset):
        def __iter__(self):
            return iter([(INPUTS[0], TARGETS[0])])

    found = []
    for batches in (
        data(),
        DataLoader(TensorDataset(INPUTS, TARGETS), batch_size=16),
        lambda: iter([(INPUTS, TARGETS)]),
        DataLoader(Stream(), batch_size=1),
    ):
        model = network()
        fit(
            model, nn.MSELoss(), adam(model), batches, epochs=1,
            callbacks=[lambda state: found.append(state.n_batches)],
        )  # fmt: skip
    assert found == [7, 7, None, None]


def test_a_callback_can_end_the_training_after_its_epoch() -> None:
    model = network()
    history = fit(
        model, nn.MSELoss(), adam(model), data(), epochs=100,
        callbacks=[lambda state: state.stop("enough") if state.epoch == 3 else None],
    )  # fmt: skip
    assert history.epochs == [1, 2, 3]
    assert history.stop_reason == "enough"
    assert not history.interrupted


def test_a_stop_at_a_step_ends_the_epoch_with_it_even_on_an_endless_stream() -> None:
    class StopAt:
        def on_step(self, state: TrainingState) -> None:
            if state.step == 5:
                state.stop()

        def __call__(self, state: TrainingState) -> None:
            pass

    model = network()
    endless = itertools.repeat((INPUTS, TARGETS))
    history = fit(
        model, nn.MSELoss(), adam(model), lambda: endless, epochs=9, callbacks=[StopAt()],
        validation=[(INPUTS, TARGETS)],
    )  # fmt: skip
    assert history.epochs == [1]
    assert history.steps == [5]
    assert len(history.validation_losses) == 1
    assert history.stop_reason == "a callback asked to stop"


def test_on_end_is_called_after_an_error_and_for_every_callback() -> None:
    log: list[str] = []

    class Failing(Recorder):
        def on_end(self, state: TrainingState) -> None:
            super().on_end(state)
            raise RuntimeError("at the end")

    def fail(state: TrainingState) -> None:
        raise ZeroDivisionError

    model = network().eval()
    callbacks = [Recorder("a", log), Failing("b", log), fail]
    with pytest.raises(RuntimeError, match="at the end"):
        fit(model, nn.MSELoss(), adam(model), data(), epochs=1, callbacks=callbacks)
    assert log[-2:] == ["b end", "a end"]
    assert not model.training


# ---- Ctrl-C ------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["step", "epoch", "loss"])
def test_ctrl_c_ends_the_training_and_keeps_what_was_learned(where: str) -> None:
    log: list[str] = []

    class CtrlC(Recorder):
        def on_step(self, state: TrainingState) -> None:
            if where == "step" and state.step == 17:
                raise KeyboardInterrupt

        def __call__(self, state: TrainingState) -> None:
            if where == "epoch" and state.epoch == 2:
                raise KeyboardInterrupt

    calls = itertools.count(1)

    def loss(output: Tensor, target: Tensor) -> Tensor:
        if where == "loss" and next(calls) == 17:
            raise KeyboardInterrupt
        return F.mse_loss(output, target)

    model = network().eval()
    start = copy.deepcopy(model)
    history = fit(model, loss, adam(model), data(), epochs=50, callbacks=[CtrlC("a", log)])
    assert history.interrupted
    assert history.epochs == [1, 2]
    assert history.stop_reason == ""
    assert log == ["a start 0/50", "a end"]
    assert not model.training
    assert not torch.equal(model[0].weight, start[0].weight)


# ---- going on ----------------------------------------------------------------------------------


def test_a_training_that_was_saved_goes_on_as_if_nothing_had_happened() -> None:
    def parts() -> tuple:
        model = network()
        optimizer = adam(model)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 8)
        return model, optimizer, schedule, data(3), EarlyStopping(patience=5)

    def run(parts: tuple, epochs: int, history: History | None = None) -> History:
        model, optimizer, schedule, batches, stopping = parts
        return fit(
            model, nn.MSELoss(), optimizer, batches, epochs=epochs, schedule=schedule,
            validation=[(INPUTS, TARGETS)], metrics={"error": F.l1_loss}, history=history,
            callbacks=[stopping],
        )  # fmt: skip

    whole = parts()
    wanted = run(whole, 8)

    first = parts()
    early = run(first, 3)
    file = io.BytesIO()
    torch.save(
        {
            "model": first[0].state_dict(),
            "optimizer": first[1].state_dict(),
            "schedule": first[2].state_dict(),
            "generator": first[3].generator.get_state(),
            "stopping": first[4].state_dict(),
            "history": early.state_dict(),
        },
        file,
    )
    file.seek(0)
    saved = torch.load(file, weights_only=True)

    second = parts()
    second[0].load_state_dict(saved["model"])
    second[1].load_state_dict(saved["optimizer"])
    second[2].load_state_dict(saved["schedule"])
    second[3].generator.set_state(saved["generator"])
    second[4].load_state_dict(saved["stopping"])
    history = History.from_state_dict(saved["history"])
    found = run(second, 8, history)
    assert found == wanted
    assert len(history) == 3  # what was passed stays as it is
    assert_same_weights(second[0], whole[0])


def test_a_training_with_nothing_left_to_do_does_nothing() -> None:
    model = network()
    start = copy.deepcopy(model)
    assert fit(model, nn.MSELoss(), adam(model), data(), epochs=0) == History()
    done = History(epochs=[1, 2], steps=[7, 14], losses=[1.0, 0.5], learning_rates=[0.1, 0.1])
    assert fit(model, nn.MSELoss(), adam(model), data(), epochs=2, history=done) == done
    assert fit(model, nn.MSELoss(), adam(model), data(), epochs=1, history=done) == done
    assert_same_weights(model, start)


def test_going_on_forgets_the_interruption_and_needs_the_same_measurements() -> None:
    model = network()
    optimizer = adam(model)
    history = fit(model, nn.MSELoss(), optimizer, data(), epochs=1)
    history.interrupted, history.stop_reason = True, "x"
    again = fit(model, nn.MSELoss(), optimizer, data(), epochs=2, history=history)
    assert (again.epochs, again.steps, again.interrupted) == ([1, 2], [7, 14], False)
    assert again.stop_reason == ""
    with pytest.raises(ValueError, match="got one without validation; call fit without validation"):
        fit(model, nn.MSELoss(), optimizer, data(), epochs=2, history=history, validation=data())
    with pytest.raises(ValueError, match=r"must go on as it began, got metrics \[\], not \['m'\]"):
        fit(
            model, nn.MSELoss(), optimizer, data(), epochs=2, history=history,
            metrics={"m": F.l1_loss},
        )  # fmt: skip


# ---- rates and gradients -----------------------------------------------------------------------


def test_the_history_holds_the_rate_that_each_epoch_began_with() -> None:
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 2, gamma=0.5)
    history = fit(model, nn.MSELoss(), optimizer, data(), epochs=5, schedule=schedule)
    assert history.learning_rates == [1.0, 1.0, 0.5, 0.5, 0.25]
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 7, gamma=0.5)  # 7 steps in an epoch
    history = fit(
        model, nn.MSELoss(), optimizer, data(), epochs=3, schedule=schedule, schedule_every="step"
    )
    assert history.learning_rates == [1.0, 0.5, 0.25]


@pytest.mark.parametrize("validated", [True, False])
def test_reduce_on_plateau_is_given_the_loss(validated: bool) -> None:
    model = constant(1.0)
    optimizer = standing(model)
    optimizer.param_groups[0]["lr"] = 1e-20
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, factor=0.1, eps=0)
    batch = [(torch.zeros(2, 1), torch.zeros(2, 1))]
    history = fit(
        model, nn.MSELoss(), optimizer, batch, epochs=3, schedule=schedule,
        validation=[(torch.zeros(2, 1), 3 * torch.ones(2, 1))] if validated else None,
    )  # fmt: skip
    assert schedule.best == (4.0 if validated else 1.0)
    assert history.learning_rates == pytest.approx([1e-20, 1e-20, 1e-21], abs=0)


def test_clipping_bounds_the_length_of_a_step() -> None:
    model = constant(0.0)
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    batch = [(torch.zeros(2, 1), 1000 * torch.ones(2, 1))]
    fit(model, nn.MSELoss(), optimizer, batch, epochs=1, clip_norm=0.25)
    assert model.value.item() == pytest.approx(0.25, rel=1e-3)


# ---- what is refused ---------------------------------------------------------------------------


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
@pytest.mark.parametrize("n_batches", [3, 1200])
def test_a_loss_that_is_no_number_ends_the_training_with_an_error(
    number: float, n_batches: int
) -> None:
    good, bad = torch.zeros(1, 1), torch.full((1, 1), number)
    model = constant(1.0)
    epochs = iter([n_batches * [(good, good)], [(good, good), (good, bad), (good, good)]])
    message = f"loss must be finite, got {number} at batch 2 of epoch 2; use a smaller learning"
    with pytest.raises(NonFiniteLossError, match=message) as error:
        fit(model, nn.MSELoss(), standing(model), lambda: next(epochs), epochs=3)
    assert error.value.history.losses == [1.0]


def test_in_a_long_epoch_the_error_comes_before_its_end() -> None:
    served = []

    def batches() -> Iterable:
        for i in range(10_000):
            served.append(i)
            yield torch.zeros(1, 1), torch.full((1, 1), float("nan"))

    model = constant(1.0)
    with pytest.raises(NonFiniteLossError, match="at batch 1 of epoch 1"):
        fit(model, nn.MSELoss(), standing(model), batches, epochs=1)
    assert len(served) < 1000


def test_on_request_the_training_goes_on_with_nan() -> None:
    model = constant(1.0)
    batches = [(torch.zeros(1, 1), torch.full((1, 1), float("nan")))]
    history = fit(model, nn.MSELoss(), standing(model), batches, epochs=2, allow_nonfinite=True)
    assert [loss != loss for loss in history.losses] == [True, True]


def test_an_iterator_that_is_used_up_is_refused() -> None:
    model = network()
    once = mini_batches(INPUTS, TARGETS, batch_size=16)
    with pytest.raises(ValueError, match="batches must serve every epoch, got a generator, which"):
        fit(model, nn.MSELoss(), adam(model), once, epochs=2)
    with pytest.raises(ValueError, match="validation must serve every epoch, got a generator"):
        fit(model, nn.MSELoss(), adam(model), data(), epochs=2, validation=once)
    assert len(fit(model, nn.MSELoss(), adam(model), once, epochs=1, validation=data())) == 1
    with pytest.raises(ValueError, match="batches must hold at least one batch, got none in epoch"):
        fit(model, nn.MSELoss(), adam(model), once, epochs=1)
    with pytest.raises(ValueError, match="got none in epoch 1; an iterator serves one epoch: pass"):
        fit(model, nn.MSELoss(), adam(model), lambda: once, epochs=3)
    with pytest.raises(ValueError, match="validation must hold at least one batch, got none"):
        fit(model, nn.MSELoss(), adam(model), data(), epochs=1, validation=once)
    with pytest.raises(ValueError, match="batches must hold at least one batch, got none"):
        evaluate(model, nn.MSELoss(), once)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"model": 3}, TypeError, "model must be a torch.nn.Module, got 3"),
        ({"loss": None}, TypeError, "loss must be callable, got None"),
        ({"loss": nn.MSELoss}, TypeError, r"got the class MSELoss; use MSELoss\(\)"),
        (
            {"optimizer": None},
            TypeError,
            "optimizer must be a torch.optim.Optimizer, got None; use",
        ),
        ({"optimizer": torch.optim.SGD}, TypeError, "got the class SGD"),
        (
            {"optimizer": torch.optim.LBFGS(network().parameters())},
            TypeError,
            "optimizer must make a step without a closure, got LBFGS",
        ),
        (
            {"optimizer": adam(network())},
            ValueError,
            "optimizer must hold parameters of model, got others only; make it with mo",
        ),
        (
            {"batches": 5},
            TypeError,
            r"batches must be an iterable of batches.*got 5; use MiniBatche",
        ),
        (
            {"batches": TensorDataset(INPUTS, TARGETS)},
            TypeError,
            "got a TensorDataset; use MiniBatches",
        ),
        (
            {"batches": lambda: 5},
            TypeError,
            r"batches\(\) must return an iterable of batches, got 5",
        ),
        ({"batches": []}, ValueError, "batches must hold at least one batch, got none in epoch 1"),
        (
            {"batches": INPUTS},
            TypeError,
            r"a batch must be a tuple \(input, target\), got a float32",
        ),
        (
            {"batches": [(INPUTS,)]},
            TypeError,
            r"a batch must be a tuple \(input, target\), got .* of",
        ),
        (
            {"batches": [(INPUTS, [1.0])]},
            TypeError,
            "must be a tuple of tensors, got one with a list",
        ),
        (
            {"batches": [(INPUTS[:0], TARGETS[:0])]},
            ValueError,
            r"a batch must have at least one sample, got a target that is .*\(0, 1\)",
        ),
        ({"epochs": -1}, ValueError, "epochs must be at least 0, got -1"),
        ({"epochs": 1.5}, TypeError, "epochs must be an int, got 1.5"),
        ({"validation": 5}, TypeError, "validation must be an iterable of batches"),
        ({"validation": []}, ValueError, "validation must hold at least one batch, got none"),
        ({"metrics": [F.l1_loss]}, TypeError, "metrics must be a mapping of names, .* got a list"),
        ({"metrics": {"loss": F.l1_loss}}, ValueError, "metrics must have names other than 'loss'"),
        ({"metrics": {"validation_x": F.l1_loss}}, ValueError, "got 'validation_x'"),
        ({"metrics": {3: F.l1_loss}}, ValueError, "got 3"),
        ({"metrics": {"m": 3}}, TypeError, r"metrics\['m'\] must be callable, got 3"),
        (
            {"metrics": {"m": lambda o, t: o}},
            ValueError,
            r"metrics\['m'\] must return one number, got a float32 tensor .*; use .mean\(\)",
        ),
        (
            {"callbacks": print},
            TypeError,
            "callbacks must be a list of callables, got .*use .callback",
        ),
        ({"callbacks": [3]}, TypeError, r"callbacks\[0\] must be callable, got 3"),
        (
            {"callbacks": [EarlyStopping]},
            TypeError,
            r"callbacks\[0\] must be callable, got the class EarlyStopping; use EarlyStopping\(\)",
        ),
        ({"callbacks": 3}, TypeError, "callbacks must be a list of callables, got 3"),
        ({"clip_norm": 0}, ValueError, "clip_norm must be above 0.0, got 0"),
        ({"clip_norm": "1"}, TypeError, "clip_norm must be a real number, got '1'"),
        ({"schedule": 3}, TypeError, r"schedule must have a method step\(\), got 3"),
        (
            {"schedule_every": "batch"},
            ValueError,
            "schedule_every must be one of 'epoch', 'step', go",
        ),
        (
            {"history": {}},
            TypeError,
            "history must be a History, got a dict; use History.from_state",
        ),
        ({"allow_nonfinite": 1}, TypeError, "allow_nonfinite must be a bool, got 1"),
        ({"device": "gpu"}, ValueError, "device must be 'auto' or a device that this machine has"),
        ({"device": 0}, TypeError, "device must be a string"),
        (
            {"loss": nn.MSELoss(reduction="none")},
            ValueError,
            "loss must return one number, got a float32 tensor .* or reduction='mean'",
        ),
        ({"loss": lambda o, t: 1.0}, ValueError, "loss must return one number, got 1.0"),
        (
            {"loss": lambda o, t: F.mse_loss(o.detach(), t)},
            ValueError,
            "loss must depend on the model's parameters through autograd",
        ),
        (
            {"batches": [(INPUTS, TARGETS[:, 0])]},
            ValueError,
            r"target must have the output's shape \(100, 1\), got .* \(100,\); use target.unsq",
        ),
        (
            {"batches": [(INPUTS, TARGETS.T)], "loss": F.l1_loss},
            ValueError,
            r"target must have the output's shape .*; l1_loss would broadcast the two",
        ),
    ],
)
def test_a_bad_argument_is_refused(change: dict, error: type, message: str) -> None:
    model = network()
    arguments = {
        "model": model, "loss": nn.MSELoss(), "optimizer": adam(model), "batches": data(),
        "epochs": 1,
    }  # fmt: skip
    with pytest.raises(error, match=message):
        fit(**{**arguments, **change})


def test_a_loss_of_its_own_may_compare_what_shapes_it_likes() -> None:
    model = network()
    batches = [(INPUTS, TARGETS[:, 0])]

    def loss(output: Tensor, target: Tensor) -> Tensor:
        return F.mse_loss(output[:, 0], target)

    assert len(fit(model, loss, adam(model), batches, epochs=1)) == 1


def test_under_no_grad_the_message_says_where_to_look() -> None:
    model = network()
    with torch.no_grad(), pytest.raises(ValueError, match=r"call fit outside torch.no_grad\(\)"):
        fit(model, nn.MSELoss(), adam(model), data(), epochs=1)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda m: evaluate(3, nn.MSELoss(), data()), TypeError, "model must be a torch.nn.Module"),
        (lambda m: evaluate(m, 3, data()), TypeError, "loss must be callable, got 3"),
        (
            lambda m: evaluate(m, nn.MSELoss(), 3),
            TypeError,
            "batches must be an iterable of batche",
        ),
        (
            lambda m: evaluate(m, nn.MSELoss(reduction="none"), data()),
            ValueError,
            r"loss must return one number, got a float32 tensor of shape \(16, 1\); use .mean\(\)",
        ),
        (lambda m: predict(3, INPUTS), TypeError, "model must be a torch.nn.Module, got 3"),
        (lambda m: predict(m), ValueError, "inputs must be at least one, got none; use predict"),
        (lambda m: predict(m, [1.0]), TypeError, r"inputs\[0\] must be a tensor, got a list"),
        (lambda m: predict(m, INPUTS, batch_size=0), ValueError, "batch_size must be at least 1"),
        (
            lambda m: predict(m, INPUTS, INPUTS[:3]),
            ValueError,
            r"inputs\[1\] must have one row per sample, as inputs\[0\], got .*\(3, 10\)",
        ),
        (
            lambda m: predict(nn.LSTM(10, 2), INPUTS),
            TypeError,
            "the model's output must be a tensor, got a tuple|, got ",
        ),
    ],
)
def test_a_bad_measurement_is_refused(call: Callable, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        call(network())


# ---- devices -----------------------------------------------------------------------------------


def test_batches_are_moved_to_the_model_and_the_model_where_it_is_asked(
    device: torch.device,
) -> None:
    model = network().to(device)
    history = fit(model, nn.MSELoss(), adam(model), data(), epochs=2, validation=data())
    other = network()
    again = fit(
        other, nn.MSELoss(), adam(other), data(), epochs=2, validation=data(), device=device
    )
    assert next(other.parameters()).device.type == device.type
    assert again.losses == pytest.approx(history.losses, rel=1e-5)
    assert predict(model, INPUTS).device.type == device.type
    assert evaluate(model, nn.MSELoss(), data(), device=device).n_samples == 100


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_training_begun_on_the_cpu_goes_on_on_the_gpu() -> None:
    model = network()
    optimizer = adam(model)
    history = fit(model, nn.MSELoss(), optimizer, data(), epochs=1)
    history = fit(model, nn.MSELoss(), optimizer, data(), epochs=2, history=history, device="cuda")
    assert next(model.parameters()).device.type == "cuda"
    state = optimizer.state[model[0].weight]
    assert state["exp_avg"].device.type == "cuda"


def test_a_model_without_parameters_can_be_measured() -> None:
    assert evaluate(nn.Identity(), nn.MSELoss(), [(INPUTS, INPUTS)], device="cpu").loss == 0.0
    assert torch.equal(predict(nn.Identity(), INPUTS, device="cpu"), INPUTS)


# ---- the history -------------------------------------------------------------------------------


def test_a_history_is_the_same_after_saving() -> None:
    model = network()
    history = fit(
        model, nn.MSELoss(), adam(model), data(), epochs=2, validation=data(),
        metrics={"error": F.l1_loss},
    )  # fmt: skip
    state = history.state_dict()
    assert History.from_state_dict(state) == history
    assert History.from_state_dict(json.loads(json.dumps(state))) == history
    state["losses"].append(0.0)
    state["metrics"]["error"].append(0.0)
    assert len(history.losses) == len(history.metrics["error"]) == 2
    with pytest.raises(TypeError, match="state must be a mapping, got None"):
        History.from_state_dict(None)
    with pytest.raises(ValueError, match="got missing 'steps' and unknown 'step'"):
        History.from_state_dict({("step" if k == "steps" else k): v for k, v in state.items()})


def test_series_are_found_by_name() -> None:
    model = network()
    history = fit(
        model, nn.MSELoss(), adam(model), data(), epochs=2, validation=data(),
        metrics={"error": F.l1_loss},
    )  # fmt: skip
    assert history.series("loss") is history.losses
    assert history.series("validation_loss") is history.validation_losses
    assert history.series("error") is history.metrics["error"]
    assert history.series("validation_error") is history.validation_metrics["error"]
    assert history.series("learning_rate") == [0.01, 0.01]
    with pytest.raises(
        ValueError, match=r"name must be one of 'loss', .*'validation_error', got 'a'"
    ):
        history.series("a")


def test_the_best_epoch_is_the_first_of_equals_and_never_nan() -> None:
    nan = float("nan")
    history = History(epochs=[1, 2, 3, 4], validation_losses=[nan, 2.0, 1.0, 1.0])
    assert history.best_epoch() == 3
    assert history.best_epoch(mode="max") == 2
    with pytest.raises(ValueError, match="mode must be one of 'min', 'max', got 'least'"):
        history.best_epoch(mode="least")
    with pytest.raises(ValueError, match="validation_loss must hold a number to have a best epoch"):
        History(epochs=[1], validation_losses=[nan]).best_epoch()


# ---- early stopping ----------------------------------------------------------------------------


def watch(values: list[float], **options: Any) -> tuple[EarlyStopping, History, nn.Module]:
    """Show an EarlyStopping one value after the other; the weight is the epoch."""
    model = constant(0.0)
    stopping = EarlyStopping(**options)
    state = TrainingState(model, standing(model), History(), epochs=len(values))
    stopping.on_start(state)
    for epoch, value in enumerate(values, start=1):
        state.epoch = epoch
        model.value.data.fill_(float(epoch))
        state.history.epochs.append(epoch)
        state.history.validation_losses.append(value)
        stopping(state)
        if state.stop_reason:
            break
    stopping.on_end(state)
    state.history.stop_reason = state.stop_reason
    return stopping, state.history, model


@pytest.mark.parametrize(
    ("values", "options", "best_epoch", "n_epochs"),
    [
        ([3, 2, 1, 0], {"patience": 1}, 4, 4),
        ([3, 4, 1], {"patience": 1}, 1, 2),
        ([3, 4, 1, 1, 1], {"patience": 2}, 3, 5),
        ([3, 3, 3, 3], {"patience": 3}, 1, 4),
        ([3, 2.95, 2.92, 2.8], {"patience": 3, "min_delta": 0.1}, 4, 4),
        ([3, 2.95, 2.92, 2.9], {"patience": 2, "min_delta": 0.5}, 1, 3),
        ([3, 2.5, 2.0], {"patience": 1, "min_delta": 0.5}, 1, 2),  # exactly min_delta: not better
        ([1, 2, 3, 2, 2], {"patience": 2, "mode": "max"}, 3, 5),
        ([float("nan")] * 5, {"patience": 2}, 0, 2),
        ([1, float("nan"), 0.5, 2, 2], {"patience": 2}, 3, 5),
        ([float("inf"), 5, 6, 6], {"patience": 2}, 2, 4),
    ],
)
def test_it_stops_when_patience_runs_out(
    values: list, options: dict, best_epoch: int, n_epochs: int
) -> None:
    stopping, history, model = watch(values, restore_best=True, **options)
    assert stopping.best_epoch == best_epoch
    assert len(history) == n_epochs
    assert model.value.item() == float(best_epoch or n_epochs)
    assert stopping.best == (values[best_epoch - 1] if best_epoch else None)


def test_the_reason_names_series_and_epoch() -> None:
    assert watch([1, 2, 3], patience=2)[1].stop_reason == (
        "validation_loss was best in epoch 1, 2 epochs ago"
    )
    assert watch([float("nan")], patience=1)[1].stop_reason == "validation_loss was never a number"


def test_without_restoring_the_last_weights_stay() -> None:
    _, history, model = watch([1, 2, 3], patience=2)
    assert model.value.item() == 3.0 == len(history)


@pytest.mark.parametrize("interrupt", [False, True])
def test_the_best_weights_come_back_however_the_training_ends(interrupt: bool) -> None:
    model = constant(0.0)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    one = torch.ones(1, 1)
    stopping = EarlyStopping(patience=100, restore_best=True)
    kept = []

    def note(state: TrainingState) -> None:
        kept.append(state.model.value.item())
        if interrupt and state.epoch == 6:
            raise KeyboardInterrupt

    history = fit(
        model, nn.MSELoss(), optimizer, [(one, one)], epochs=10, validation=[(one, 0.5 * one)],
        callbacks=[stopping, note],
    )  # fmt: skip
    assert history.interrupted == interrupt
    best = min(range(len(kept)), key=lambda i: abs(kept[i] - 0.5))
    assert stopping.best_epoch == best + 1 < len(kept)
    assert model.value.item() == kept[best]


def test_one_object_serves_one_training_after_the_other() -> None:
    stopping = EarlyStopping(patience=2)
    found = []
    for target in (0.0, 0.0):
        model = constant(0.0)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        one = torch.ones(1, 1)
        history = fit(
            model, nn.MSELoss(), optimizer, [(one, one)], epochs=10,
            validation=[(one, target * one)], callbacks=[stopping],
        )  # fmt: skip
        found.append((len(history), stopping.best_epoch))
    assert found == [(3, 1), (3, 1)]


def test_patience_goes_on_where_it_was() -> None:
    model = constant(0.0)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    one = torch.ones(1, 1)

    def run(stopping: EarlyStopping, epochs: int, history: History | None) -> History:
        return fit(
            model, nn.MSELoss(), optimizer, [(one, one)], epochs=epochs,
            validation=[(one, 0 * one)], callbacks=[stopping], history=history,
        )  # fmt: skip

    first = EarlyStopping(patience=4)
    history = run(first, 3, None)
    second = EarlyStopping(patience=4)
    second.load_state_dict(first.state_dict())
    history = run(second, 10, history)
    assert len(history) == 5
    assert second.best_epoch == 1


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"patience": 0}, ValueError, "patience must be at least 1, got 0"),
        ({"patience": 1.0}, TypeError, "patience must be an int, got 1.0"),
        ({"min_delta": -1}, ValueError, "min_delta must be at least 0.0, got -1"),
        ({"monitor": 3}, TypeError, "monitor must be the name of a series, got 3"),
        ({"mode": "low"}, ValueError, "mode must be one of 'min', 'max', got 'low'"),
        ({"restore_best": 1}, TypeError, "restore_best must be a bool, got 1"),
    ],
)
def test_a_bad_option_is_refused(options: dict, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        EarlyStopping(**options)


def test_early_stopping_without_validation_says_what_is_missing() -> None:
    model = network()
    with pytest.raises(ValueError, match=r"got 'validation_loss'; those of validation need fit\("):
        fit(model, nn.MSELoss(), adam(model), data(), epochs=1, callbacks=[EarlyStopping()])
    with pytest.raises(ValueError, match=r"must be that of an EarlyStopping, got none of .*'best'"):
        EarlyStopping().load_state_dict({})


# ---- what it keeps, and what it costs ----------------------------------------------------------


def test_no_graph_outlives_its_step() -> None:
    class Box:
        def __init__(self, tensor: Tensor) -> None:
            self.tensor = tensor

    boxes: weakref.WeakSet = weakref.WeakSet()

    def pack(tensor: Tensor) -> Box:
        box = Box(tensor)
        boxes.add(box)
        return box

    alive = []

    class Count:
        def on_step(self, state: TrainingState) -> None:
            alive.append(len(boxes))

        def __call__(self, state: TrainingState) -> None:
            pass

    model = network()
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda box: box.tensor):
        fit(
            model, nn.MSELoss(), adam(model), data(), epochs=2, callbacks=[Count()],
            validation=data(), metrics={"m": F.l1_loss},
        )  # fmt: skip
    assert alive == 14 * [0]


def test_no_warning_is_given() -> None:
    model = network()
    optimizer = adam(model)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit(
            model, nn.MSELoss(), optimizer, data(), epochs=2,
            schedule=torch.optim.lr_scheduler.StepLR(optimizer, 1),
        )  # fmt: skip


def test_a_step_costs_hardly_more_than_by_hand() -> None:
    """The benchmark holds it to 3 %; a busy machine is allowed more here."""

    def make() -> tuple[nn.Module, torch.optim.Optimizer]:
        model = nn.Sequential(
            nn.Linear(10, 128), nn.Sigmoid(), nn.Linear(128, 128), nn.Sigmoid(), nn.Linear(128, 1)
        )
        return model, torch.optim.Adam(model.parameters(), lr=1e-3)

    batches = list(MiniBatches(INPUTS, TARGETS, batch_size=16))
    loss = nn.MSELoss()

    def bare() -> float:
        model, optimizer = make()
        start = time.perf_counter()
        for _ in range(8):
            for x, y in batches:
                optimizer.zero_grad()
                loss(model(x), y).backward()
                optimizer.step()
        return time.perf_counter() - start

    def ours() -> float:
        model, optimizer = make()
        start = time.perf_counter()
        fit(model, loss, optimizer, batches, epochs=8)
        return time.perf_counter() - start

    ratio = min(min(ours() for _ in range(5)) / min(bare() for _ in range(5)) for _ in range(3))
    assert ratio < 1.25
