"""Counts, bits and draws are what their formulas say; unseen characters are told."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F

from handbook.language import (
    NgramModel,
    Vocabulary,
    bits_per_character,
    generate,
    ngram_bits,
    ngram_probabilities,
    perplexity,
    sample_index,
    text_streams,
)
from handbook.seeding import make_generator


def some_text(n: int, n_symbols: int, seed: int = 0) -> torch.Tensor:
    return torch.randint(n_symbols, (n,), generator=make_generator(seed))


# ---- vocabulary --------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "a", "to be\nor not", "über 世界 🙂"])
def test_decoding_undoes_encoding(text: str) -> None:
    vocabulary = Vocabulary.of(text + "x")
    assert vocabulary.decode(vocabulary.encode(text)) == text
    assert vocabulary.encode(text).dtype == torch.int64


def test_a_vocabulary_does_not_depend_on_the_order_of_the_text() -> None:
    assert Vocabulary.of("cab") == Vocabulary.of("abcba")
    assert len(Vocabulary.of("abc", unknown="?")) == 4
    assert len(Vocabulary.of("abc", unknown="a")) == 3


def test_the_unknown_symbol_stands_for_what_was_not_seen() -> None:
    vocabulary = Vocabulary.of("abc", unknown="?")
    assert vocabulary.decode(vocabulary.encode("abXc")) == "ab?c"


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: Vocabulary("aba"), ValueError, "characters must hold each once, got 'a' twice"),
        (lambda: Vocabulary(""), ValueError, "characters must hold at least one character"),
        (lambda: Vocabulary(3), TypeError, "characters must be a str, got 3"),
        (lambda: Vocabulary("ab", "c"), ValueError, "unknown must be one of characters, got 'c'"),
        (lambda: Vocabulary("ab", ""), ValueError, "unknown must be one of characters, got ''"),
        (lambda: Vocabulary("ab", 3), TypeError, "unknown must be a str or None, got 3"),
        (lambda: Vocabulary.of(3), TypeError, "text must be a str, got 3"),
        (lambda: Vocabulary.of("a").encode(3), TypeError, "text must be a str, got 3"),
        (lambda: Vocabulary("ab").encode("abc"), ValueError, "got 'c' at position 2; use Vocab"),
        (lambda: Vocabulary("ab").decode(torch.tensor([2])), ValueError, "lie from 0 to 1, got 2"),
        (lambda: Vocabulary("ab").decode([0]), TypeError, "indices must be a tensor, got a list"),
    ],
)
def test_a_vocabulary_refuses(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


# ---- counts ------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("alpha", [0.0, 0.5])
def test_probabilities_are_counts_divided_by_sums(order: int, alpha: float) -> None:
    text = some_text(400, 3)
    counts = torch.full((3,) * order, alpha)
    for t in range(len(text) - order + 1):
        counts[tuple(text[t : t + order].tolist())] += 1
    table = ngram_probabilities(text, order, 3, alpha=alpha)
    torch.testing.assert_close(table, counts / counts.sum(dim=-1, keepdim=True))


def test_a_history_never_seen_is_uniform_with_smoothing_and_nan_without() -> None:
    text = torch.tensor([0, 1])
    assert ngram_probabilities(text, 2, 3)[2].tolist() == pytest.approx([1 / 3] * 3)
    assert ngram_probabilities(text, 2, 3, alpha=0.0)[2].isnan().all()


def test_an_empty_text_tells_nothing() -> None:
    empty = torch.zeros(0, dtype=torch.int64)
    assert ngram_probabilities(empty, 2, 2).tolist() == [[0.5, 0.5]] * 2
    assert NgramModel(empty, 3, 4).probabilities(torch.tensor([0, 1])).tolist() == [0.25] * 4
    assert NgramModel(torch.tensor([0, 1]), 3, 4).bits(empty).shape == (0,)
    assert ngram_bits(torch.full((2, 2), 0.5), empty).shape == (0,)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_the_bits_of_a_table_are_looked_up(order: int) -> None:
    table = ngram_probabilities(some_text(200, 4), order, 4)
    text = some_text(30, 4, seed=1)
    bits = ngram_bits(table, text)
    wanted = [-math.log2(table[tuple(text[t - order + 1 : t + 1])]) for t in range(order - 1, 30)]
    assert bits.tolist() == pytest.approx(wanted, rel=1e-5)


def test_the_text_of_training_costs_its_entropy() -> None:
    text = some_text(1000, 5)
    p = text.bincount() / len(text)
    bits = ngram_bits(ngram_probabilities(text, 1, 5, alpha=0.0), text).mean()
    torch.testing.assert_close(bits, -(p * p.log2()).sum())


def witten_bell(text: list[int], history: list[int], c: int, n_symbols: int, order: int) -> float:
    """The formula, said by loops."""
    p = 1 / n_symbols
    for k in range(1, min(order, len(history) + 1) + 1):
        h = history[len(history) - k + 1 :]
        after = [text[t] for t in range(k - 1, len(text)) if text[t - k + 1 : t] == h]
        if after:
            p = (after.count(c) + len(set(after)) * p) / (len(after) + len(set(after)))
    return p


@pytest.mark.parametrize("order", [1, 2, 4])
def test_the_mixed_model_follows_its_formula(order: int) -> None:
    training, test = some_text(60, 3), some_text(25, 4, seed=1)
    model = NgramModel(training, order, 4)  # symbol 3 is in the test only
    bits = model.bits(test)
    for t in range(len(test)):
        history = test[max(t - order + 1, 0) : t]
        wanted = [witten_bell(training.tolist(), history.tolist(), c, 4, order) for c in range(4)]
        shares = model.probabilities(test[:t])
        assert shares.tolist() == pytest.approx(wanted, rel=1e-5)
        assert shares.sum().item() == pytest.approx(1.0)
        assert bits[t].item() == pytest.approx(-math.log2(wanted[test[t]]), rel=1e-6)


def test_nothing_is_impossible_to_the_mixed_model() -> None:
    model = NgramModel(torch.zeros(50, dtype=torch.int64), 3, 10)
    assert torch.isfinite(model.bits(torch.arange(10))).all()


def test_the_mixed_model_beats_plain_counts_where_histories_are_rare() -> None:
    text = (some_text(4000, 4) * torch.tensor([1, 0]).repeat(2000)).cumsum(0) % 12
    training, test = text[:600], text[600:]
    plain = ngram_bits(ngram_probabilities(training, 4, 12), test).mean()
    assert NgramModel(training, 4, 12).bits(test).mean() < plain - 0.2


def test_longer_histories_always_look_better_in_training() -> None:
    text = some_text(500, 5)
    bits = [NgramModel(text, order, 5).bits(text).mean().item() for order in (1, 2, 4, 6)]
    assert bits == sorted(bits, reverse=True)


# ---- bits --------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(6,), (2, 3), ()])
def test_bits_are_the_cross_entropy_over_log_2(dtype: torch.dtype, shape: tuple[int, ...]) -> None:
    generator = make_generator(0)
    logits = (5 * torch.randn(*shape, 7, generator=generator, dtype=torch.float64)).to(dtype)
    targets = torch.randint(7, shape, generator=generator)
    wanted = F.cross_entropy(logits.double().reshape(-1, 7), targets.reshape(-1)) / math.log(2)
    got = bits_per_character(logits, targets)
    assert got.dtype == dtype
    torch.testing.assert_close(got.double(), wanted, rtol=8 * torch.finfo(dtype).eps, atol=1e-6)


def test_bits_have_the_gradient_of_the_cross_entropy() -> None:
    logits = torch.randn(4, 5, generator=make_generator(0), dtype=torch.float64).requires_grad_()
    targets = torch.tensor([0, 4, 2, 2])
    (ours,) = torch.autograd.grad(bits_per_character(logits, targets), logits)
    (theirs,) = torch.autograd.grad(F.cross_entropy(logits, targets) / math.log(2), logits)
    torch.testing.assert_close(ours, theirs)
    assert torch.autograd.gradcheck(lambda z: bits_per_character(z, targets), (logits,))


def test_huge_logits_cost_what_they_should() -> None:
    logits = torch.tensor([[1e4, 0.0, -1e4]], requires_grad=True)
    assert bits_per_character(logits, torch.tensor([0])).item() == 0
    bits = bits_per_character(logits, torch.tensor([2]))
    assert bits.item() == pytest.approx(2e4 / math.log(2))
    assert torch.isfinite(torch.autograd.grad(bits, logits)[0]).all()


def test_perplexity_is_a_power_of_two() -> None:
    assert [perplexity(bits) for bits in (0, 1, 3.0, 2000.0, math.inf)] == [
        1, 2, 8, math.inf, math.inf,
    ]  # fmt: skip


# ---- drawing -----------------------------------------------------------------------------------


@pytest.mark.parametrize("temperature", [0.3, 1.0, 4.0])
def test_draws_are_as_frequent_as_the_softmax_says(temperature: float) -> None:
    logits = torch.tensor([0.0, 1.0, 2.0, -1.0, -torch.inf])
    draws = sample_index(
        logits.expand(20_000, 5), temperature=temperature, generator=make_generator(0)
    )
    shares = draws.bincount(minlength=5) / 20_000
    wanted = torch.softmax(logits / temperature, dim=0)
    assert (shares - wanted).abs().max() < 4 * 0.5 / math.sqrt(20_000)  # four standard deviations
    assert shares[4] == 0


def test_temperature_zero_takes_the_first_of_the_largest() -> None:
    logits = torch.tensor([[1.0, 3.0, 3.0], [0.0, -1.0, -2.0]])
    assert sample_index(logits, temperature=0.0, generator=make_generator(0)).tolist() == [1, 0]


@pytest.mark.parametrize("scale", [1e4, 1e30])
def test_huge_logits_are_certain(scale: float) -> None:
    logits = scale * torch.tensor([-1.0, 1.0, 0.0]).expand(100, 3)
    assert (sample_index(logits, generator=make_generator(0)) == 1).all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_every_dtype_can_be_drawn_from(dtype: torch.dtype) -> None:
    draws = sample_index(torch.zeros(4, 5, 3, dtype=dtype), generator=make_generator(0))
    assert draws.shape == (4, 5)
    assert draws.dtype == torch.int64


def test_no_row_and_no_batch_can_be_drawn_from() -> None:
    assert sample_index(torch.zeros(0, 3), generator=make_generator(0)).shape == (0,)
    assert sample_index(torch.zeros(3), generator=make_generator(0)).shape == ()


def test_drawing_leaves_the_global_generator_alone() -> None:
    before = torch.get_rng_state()
    sample_index(torch.zeros(9, 3), generator=make_generator(0))
    assert torch.equal(before, torch.get_rng_state())


def test_generating_hands_the_state_on_and_reads_the_start_once() -> None:
    seen = []

    def step(symbols: torch.Tensor, state: int | None) -> tuple[torch.Tensor, int]:
        seen.append((symbols.tolist(), state))
        return torch.zeros(1, symbols.shape[1], 1), (state or 0) + 1

    drawn = generate(step, torch.tensor([0, 0, 0]), 3, generator=make_generator(0))
    assert drawn.tolist() == [0, 0, 0]
    assert seen == [([[0, 0, 0]], None), ([[0]], 1), ([[0]], 2)]
    assert generate(step, torch.tensor([0]), 0, generator=make_generator(0)).shape == (0,)


@pytest.mark.parametrize(("n", "streams", "steps"), [(20, 3, 4), (7, 1, 2), (9, 8, 5), (41, 4, 5)])
def test_streams_read_every_character_once_and_in_order(n: int, streams: int, steps: int) -> None:
    text = torch.arange(n)
    pieces = list(text_streams(text, streams, steps))
    inputs = torch.cat([inputs for inputs, _ in pieces], dim=1)
    length = (n - 1) // streams
    assert torch.equal(inputs, text[: streams * length].reshape(streams, length))
    for inputs, targets in pieces:
        assert torch.equal(targets, inputs + 1)
        assert inputs.shape[1] <= steps


TEXT, LOGITS = torch.tensor([0, 1]), torch.zeros(2, 3)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda g: ngram_probabilities([0], 1, 2), TypeError, "indices must be a tensor"),
        (lambda g: ngram_probabilities(LOGITS[0], 1, 2), TypeError, "indices must hold whole num"),
        (
            lambda g: ngram_probabilities(TEXT[None], 1, 2),
            ValueError,
            r"indices must have shape \(",
        ),
        (
            lambda g: ngram_probabilities(TEXT, 1, 1),
            ValueError,
            "indices must lie from 0 to 0, got",
        ),
        (
            lambda g: ngram_probabilities(-TEXT, 1, 2),
            ValueError,
            "indices must lie from 0 to 1, got",
        ),
        (lambda g: ngram_probabilities(TEXT, 0, 2), ValueError, "order must be at least 1, got 0"),
        (lambda g: ngram_probabilities(TEXT, 1, 0), ValueError, "n_symbols must be at least 1"),
        (lambda g: ngram_probabilities(TEXT, 5, 64), ValueError, "order must leave n_symbols"),
        (
            lambda g: ngram_probabilities(TEXT, 1, 2, alpha=-1.0),
            ValueError,
            "alpha must be at least",
        ),
        (lambda g: ngram_bits(LOGITS, TEXT), ValueError, r"probabilities must have the shape \(V,"),
        (lambda g: ngram_bits(TEXT, TEXT), TypeError, "probabilities must have a floating-point"),
        (lambda g: ngram_bits(torch.ones(1), TEXT), ValueError, "indices must lie from 0 to 0"),
        (lambda g: NgramModel(TEXT, 0, 2), ValueError, "order must be at least 1, got 0"),
        (lambda g: NgramModel(TEXT, 11, 64), ValueError, "order must leave n_symbols"),
        (lambda g: NgramModel(TEXT, 1, 1), ValueError, "indices must lie from 0 to 0, got 1"),
        (lambda g: NgramModel(TEXT, 1, 2).bits(TEXT + 1), ValueError, "indices must lie from 0 to"),
        (lambda g: NgramModel(TEXT, 1, 2).probabilities(TEXT + 1), ValueError, "history must lie"),
        (lambda g: bits_per_character(TEXT, TEXT), TypeError, "logits must have a floating-point"),
        (
            lambda g: bits_per_character(LOGITS, LOGITS),
            TypeError,
            "targets must hold whole numbers",
        ),
        (lambda g: bits_per_character(LOGITS, TEXT[:1]), ValueError, "targets must have the shape"),
        (
            lambda g: bits_per_character(LOGITS, TEXT + 2),
            ValueError,
            "targets must lie from 0 to 2",
        ),
        (lambda g: bits_per_character(LOGITS[:0], TEXT[:0]), ValueError, "at least one character"),
        (lambda g: perplexity(-1.0), ValueError, "bits must be at least 0.0, got -1.0"),
        (lambda g: perplexity("2"), TypeError, "bits must be a real number, got '2'"),
        (lambda g: sample_index(TEXT, generator=g), TypeError, "logits must have a floating-point"),
        (lambda g: sample_index(LOGITS, generator=0), TypeError, "generator must be a torch.Gen"),
        (
            lambda g: sample_index(LOGITS, temperature=-1.0, generator=g),
            ValueError,
            "temperature must be at least 0.0, got -1.0",
        ),
        (
            lambda g: sample_index(LOGITS[:, :0], generator=g),
            ValueError,
            "logits must have at least one symbol",
        ),
        (
            lambda g: sample_index(LOGITS - torch.inf, generator=g),
            ValueError,
            "finite largest score in every row, got -inf",
        ),
        (
            lambda g: sample_index(LOGITS * torch.nan, generator=g),
            ValueError,
            "finite largest score in every row, got nan",
        ),
        (lambda g: generate(None, TEXT, 1, generator=g), TypeError, "step must be callable, got"),
        (
            lambda g: generate(print, TEXT[:0], 1, generator=g),
            ValueError,
            "start must hold at least",
        ),
        (
            lambda g: generate(print, TEXT, -1, generator=g),
            ValueError,
            "n_steps must be at least 0",
        ),
        (lambda g: text_streams(TEXT, 2, 1), ValueError, "indices must hold at least 3 characters"),
        (lambda g: text_streams(TEXT, 0, 1), ValueError, "n_streams must be at least 1, got 0"),
        (lambda g: text_streams(TEXT, 1, 0), ValueError, "n_steps must be at least 1, got 0"),
    ],
)
def test_what_does_not_fit_is_refused(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call(make_generator(0))
