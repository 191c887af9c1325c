"""Mini-batches: every sample once, equal to a DataLoader, and what each of the two costs."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, TensorDataset, default_collate

from handbook.batches import (
    MiniBatches,
    collate,
    loader_batches,
    mini_batches,
    number_of_batches,
)
from handbook.datasets import synthetic_linear_data
from handbook.seeding import make_generator


@settings(deadline=None)  # a busy machine is no failure
@given(st.integers(0, 200), st.integers(1, 70), st.booleans())
def test_the_number_of_batches_is_that_of_a_loader_and_of_the_batches(
    n_samples: int, batch_size: int, drop_last: bool
) -> None:
    rows = torch.arange(n_samples)
    loader = DataLoader(TensorDataset(rows), batch_size=batch_size, drop_last=drop_last)
    batches = list(mini_batches(rows, batch_size=batch_size, drop_last=drop_last))
    found = number_of_batches(n_samples, batch_size, drop_last=drop_last)
    assert found == len(loader) == len(batches)


def test_a_thousand_samples_in_batches_of_16_are_63_steps_with_8_samples_in_the_last() -> None:
    sizes = [len(batch) for (batch,) in mini_batches(torch.zeros(1000, 10), batch_size=16)]
    assert sizes == 62 * [16] + [8]
    assert number_of_batches(1000, 16) == 63


@settings(deadline=None)  # a busy machine is no failure
@given(st.integers(0, 60), st.integers(1, 70), st.integers(0, 3))
def test_every_sample_comes_once_per_epoch_with_its_target(
    n_samples: int, batch_size: int, seed: int
) -> None:
    inputs, targets = torch.arange(n_samples), torch.arange(n_samples)[:, None] * 2
    epoch = list(
        mini_batches(inputs, targets, batch_size=batch_size, generator=make_generator(seed))
    )
    assert sorted(i for x, _ in epoch for i in x.tolist()) == list(range(n_samples))
    assert all(torch.equal(2 * x, y[:, 0]) for x, y in epoch)
    assert all(len(x) == batch_size for x, _ in epoch[:-1])


def test_dropping_the_last_leaves_out_fewer_samples_than_a_batch_and_others_each_epoch() -> None:
    generator = make_generator(0)
    left_out = []
    for _ in range(5):
        epoch = list(
            mini_batches(torch.arange(10), batch_size=4, drop_last=True, generator=generator)
        )
        assert [len(batch) for (batch,) in epoch] == [4, 4]
        left_out.append(set(range(10)) - {i for (batch,) in epoch for i in batch.tolist()})
    assert all(len(rows) == 2 for rows in left_out)
    assert len(set(map(frozenset, left_out))) > 1


def test_an_epoch_is_repeatable_by_its_seed_and_the_next_one_differs() -> None:
    def epoch(generator: torch.Generator) -> list[int]:
        batches = mini_batches(torch.arange(50), batch_size=7, generator=generator)
        return [i for (batch,) in batches for i in batch.tolist()]

    generator = make_generator(0)
    first, second = epoch(generator), epoch(generator)
    assert first == epoch(make_generator(0))
    assert first != second
    assert epoch(make_generator(1)) != first


def test_no_batch_touches_the_global_generator() -> None:
    before = torch.get_rng_state()
    list(mini_batches(torch.arange(9), batch_size=2, generator=make_generator(0)))
    list(mini_batches(torch.arange(9), batch_size=2))
    assert torch.equal(before, torch.get_rng_state())


def test_the_order_is_drawn_at_the_call_and_the_iterator_serves_one_epoch() -> None:
    generator = make_generator(0)
    before = generator.get_state()
    batches = mini_batches(torch.arange(9), batch_size=2, generator=generator)
    assert not torch.equal(before, generator.get_state())
    assert len(list(batches)) == 5
    assert list(batches) == []


def test_batches_that_can_be_gone_through_again_are_those_of_one_call_per_epoch() -> None:
    rows, generator = torch.arange(50), make_generator(0)
    batches = MiniBatches(rows, rows, batch_size=7, generator=make_generator(0), drop_last=True)
    assert len(batches) == 7
    for _ in range(3):
        again = mini_batches(rows, rows, batch_size=7, generator=generator, drop_last=True)
        for ours, theirs in zip(batches, again, strict=True):
            assert all(map(torch.equal, ours, theirs))
    plain = MiniBatches(rows, batch_size=20)
    assert [[len(x) for (x,) in plain] for _ in range(2)] == 2 * [[20, 20, 10]]


def test_the_state_of_their_generator_brings_an_epoch_back() -> None:
    batches = MiniBatches(torch.arange(20), batch_size=20, generator=make_generator(0))
    list(batches)
    assert batches.generator is not None
    state = batches.generator.get_state()
    (second,) = batches
    batches.generator.set_state(state)
    (again,) = batches
    assert torch.equal(second[0], again[0])


def test_making_them_draws_nothing_and_refuses_what_one_call_refuses() -> None:
    generator = make_generator(0)
    before = generator.get_state()
    MiniBatches(torch.arange(9), batch_size=2, generator=generator)
    assert torch.equal(before, generator.get_state())
    for tensors, options, message in (
        ((), {}, "tensors must be at least one"),
        ((torch.zeros(3),), {"batch_size": 0}, "batch_size must be at least 1"),
        ((torch.zeros(3),), {"generator": 0}, "generator must be a torch.Generator, got 0"),
        ((torch.zeros(3),), {"drop_last": 1}, "drop_last must be a bool"),
    ):
        with pytest.raises((TypeError, ValueError), match=message):
            MiniBatches(*tensors, **{"batch_size": 2, **options})


def test_batches_in_order_are_views_and_shuffled_ones_copies() -> None:
    rows = torch.zeros(4)
    for (batch,) in mini_batches(rows, batch_size=2):
        batch += 1
    assert rows.tolist() == [1.0, 1.0, 1.0, 1.0]
    for (batch,) in mini_batches(rows, batch_size=2, generator=make_generator(0)):
        batch += 1
    assert rows.tolist() == [1.0, 1.0, 1.0, 1.0]


def test_batches_stay_on_the_device_and_in_the_dtype(device: torch.device) -> None:
    x, y = torch.arange(5.0, device=device), torch.arange(5)
    for generator in (None, make_generator(0)):
        for inputs, targets in mini_batches(x, y, batch_size=2, generator=generator):
            assert inputs.device == x.device
            assert targets.device == y.device
            assert inputs.dtype == torch.float32
            assert torch.equal(inputs.cpu().long(), targets)


def test_gradients_flow_through_batches_to_the_whole() -> None:
    x = torch.ones(5, requires_grad=True)
    for generator in (None, make_generator(0)):
        x.grad = None
        for (batch,) in mini_batches(x, batch_size=2, generator=generator):
            (3 * batch).sum().backward()
        assert x.grad is not None
        assert x.grad.tolist() == 5 * [3.0]


def test_a_default_device_does_not_move_the_order() -> None:
    rows = torch.arange(5)
    torch.set_default_device("meta")
    try:
        epoch = list(mini_batches(rows, batch_size=2, generator=make_generator(0)))
    finally:
        torch.set_default_device(None)
    assert sorted(i for (batch,) in epoch for i in batch.tolist()) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("tensors", "options", "error", "message"),
    [
        ((), {}, ValueError, "tensors must be at least one, got none"),
        (([1.0],), {}, TypeError, r"tensors\[0\] must be a tensor, got a list"),
        ((torch.zeros(()),), {}, ValueError, r"tensors\[0\] must have a dimension for the samples"),
        (
            (torch.zeros(3), torch.zeros(2, 1)),
            {},
            ValueError,
            r"tensors\[1\] must have as many rows as tensors\[0\], 3, got a float32 tensor of shap",
        ),
        ((torch.zeros(3),), {"batch_size": 0}, ValueError, "batch_size must be at least 1, got 0"),
        ((torch.zeros(3),), {"batch_size": 1.5}, TypeError, "batch_size must be an int, got 1.5"),
        ((torch.zeros(3),), {"generator": 0}, TypeError, "generator must be a torch.Generator"),
        ((torch.zeros(3),), {"drop_last": 1}, TypeError, "drop_last must be a bool, got 1"),
    ],
)
def test_bad_batches_are_refused_at_the_call(
    tensors: tuple, options: dict, error: type, message: str
) -> None:
    with pytest.raises(error, match=message):
        mini_batches(*tensors, **{"batch_size": 2, **options})


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((-1, 2), ValueError, "n_samples must be at least 0, got -1"),
        ((2.0, 2), TypeError, "n_samples must be an int, got 2.0"),
        ((2, 0), ValueError, "batch_size must be at least 1, got 0"),
        ((2, True), TypeError, "batch_size must be an int, got True"),
    ],
)
def test_a_bad_count_is_refused(arguments: tuple, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        number_of_batches(*arguments)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_generator_off_the_cpu_is_refused() -> None:
    with pytest.raises(ValueError, match="generator must be on the CPU, got one on cuda"):
        mini_batches(torch.zeros(3), batch_size=1, generator=torch.Generator("cuda"))


def test_collate_equals_that_of_pytorch() -> None:
    generator = make_generator(0)
    samples = [(torch.randn(3, 2, generator=generator), torch.tensor(i)) for i in range(4)]
    for ours, theirs in zip(collate(samples), default_collate(samples), strict=True):
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize(
    ("samples", "error", "message"),
    [
        ([], ValueError, "samples must be at least one, got none"),
        ([torch.zeros(2)], TypeError, r"samples\[0\] must be a tuple of tensors, got a float32"),
        ([(1.0,)], TypeError, r"samples\[0\]\[0\] must be a tensor, got 1.0"),
        (
            [(torch.zeros(2),), (torch.zeros(3),)],
            ValueError,
            r"samples\[1\]\[0\] must have the shape \(2,\) of samples\[0\]\[0\], got .*; pad or cr",
        ),
        (
            [(torch.zeros(2),), (torch.zeros(2), torch.zeros(2))],
            ValueError,
            r"samples\[1\] must have as many parts as samples\[0\], 1, got 2",
        ),
    ],
)
def test_samples_that_do_not_stack_are_refused(samples: list, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        collate(samples)


@pytest.mark.parametrize("drop_last", [False, True])
def test_loader_batches_are_those_of_a_loader_and_of_slices(drop_last: bool) -> None:
    x, y = torch.arange(33.0).reshape(11, 3), torch.arange(11)
    dataset = TensorDataset(x, y)
    theirs = DataLoader(dataset, batch_size=4, drop_last=drop_last)
    ours = loader_batches(dataset, batch_size=4, drop_last=drop_last)
    slices = mini_batches(x, y, batch_size=4, drop_last=drop_last)
    for a, b, c in zip(theirs, ours, slices, strict=True):
        assert all(map(torch.equal, a, b))
        assert all(map(torch.equal, a, c))


def test_shuffled_loader_batches_are_those_of_shuffled_slices() -> None:
    x, y = torch.arange(33.0).reshape(11, 3), torch.arange(11)
    ours = loader_batches(TensorDataset(x, y), batch_size=4, generator=make_generator(5))
    slices = mini_batches(x, y, batch_size=4, generator=make_generator(5))
    for a, b in zip(ours, slices, strict=True):
        assert all(map(torch.equal, a, b))


def test_a_stream_without_a_length_is_refused() -> None:
    class Stream(IterableDataset):
        def __iter__(self):
            return iter(())

    with pytest.raises(TypeError, match=r"dataset must have __len__ and __getitem__, got a Stream"):
        loader_batches(Stream(), batch_size=2)


def best_time(epoch: Callable[[], object]) -> float:
    """Seconds of the fastest of several epochs: what disturbs a run only makes it slower."""
    times = []
    for _ in range(7):
        start = time.perf_counter()
        epoch()
        times.append(time.perf_counter() - start)
    return min(times)


def test_slices_are_at_least_three_times_as_fast_per_epoch_as_the_default_loader() -> None:
    x = torch.linspace(0, 1, 10000).reshape(1000, 10)
    y = torch.sigmoid(x).mean(dim=1, keepdim=True)
    generator = make_generator(0)
    loader = DataLoader(TensorDataset(x, y), batch_size=16)
    shuffling = DataLoader(TensorDataset(x, y), batch_size=16, shuffle=True, generator=generator)
    sliced = best_time(lambda: list(mini_batches(x, y, batch_size=16)))
    assert best_time(lambda: list(loader)) >= 3 * sliced
    shuffled = best_time(lambda: list(mini_batches(x, y, batch_size=16, generator=generator)))
    assert best_time(lambda: list(shuffling)) >= 3 * shuffled


def last_step(rule: Callable[[Tensor, int], Tensor]) -> float:
    """Length of the step that the 8 samples of a last batch of 16 make, over the right one."""
    weights = torch.tensor([2.0, -3.4])
    inputs, targets = synthetic_linear_data(weights, 4.2, 1000, generator=make_generator(0))
    *_, (x, y) = mini_batches(inputs, targets, batch_size=16, generator=make_generator(1))
    steps = []
    for loss_of in (rule, lambda squares, batch_size: squares.mean()):
        w = torch.zeros(2, 1, requires_grad=True)
        (step,) = torch.autograd.grad(loss_of((x @ w - y) ** 2 / 2, 16), w)
        steps.append(step)
    torch.testing.assert_close(steps[0] / steps[1], (steps[0] / steps[1]).mean().expand(2, 1))
    return (steps[0] / steps[1]).mean().item()


def test_dividing_by_the_batch_size_shortens_the_step_of_a_short_batch() -> None:
    assert last_step(lambda squares, size: squares.sum() / size) == pytest.approx(8 / 16)
    assert last_step(lambda squares, size: squares.sum() / len(squares)) == pytest.approx(1.0)


def test_dividing_a_mean_loss_by_the_batch_size_shortens_every_step_by_that_factor() -> None:
    assert last_step(lambda squares, size: squares.mean() / size) == pytest.approx(1 / 16)
