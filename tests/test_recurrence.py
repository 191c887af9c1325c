"""Recurrent networks: closed forms, PyTorch's own, gradients by hand, padding, every message."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from handbook.recurrence import (
    RNNGradients,
    gradient_reach,
    gru_cell,
    gru_forward,
    lstm_cell,
    lstm_forward,
    rnn_backward,
    rnn_cell,
    rnn_forward,
    running_steps,
)
from handbook.seeding import make_generator

FORWARD: dict[str, tuple[Callable[..., Any], type[nn.Module]]] = {
    "rnn": (rnn_forward, nn.RNN),
    "lstm": (lstm_forward, nn.LSTM),
    "gru": (gru_forward, nn.GRU),
}
every_network = pytest.mark.parametrize("name", FORWARD)
FLOATING = [torch.float16, torch.bfloat16, torch.float32, torch.float64]
CELLS: dict[str, tuple[Callable[..., Any], Callable[..., Any], int]] = {
    "rnn": (rnn_cell, torch.rnn_tanh_cell, 1),
    "rnn relu": (
        lambda *arguments: rnn_cell(*arguments, nonlinearity="relu"),
        torch.rnn_relu_cell,
        1,
    ),
    "lstm": (lstm_cell, torch.lstm_cell, 4),
    "gru": (gru_cell, torch.gru_cell, 3),
}
every_cell = pytest.mark.parametrize("name", CELLS)


def draw(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(shape, generator=make_generator(seed), dtype=torch.float64).to(dtype)


def network(name: str, *sizes: int, dtype: torch.dtype = torch.float64, **options: Any) -> Any:
    """PyTorch's network with weights that are the same in every run."""
    theirs = FORWARD[name][1](*sizes, **options).to(dtype)
    for i, parameter in enumerate(theirs.parameters()):
        parameter.data = 0.4 * draw(*parameter.shape, seed=i, dtype=dtype)
    return theirs


def states(name: str, *shape: int, dtype: torch.dtype = torch.float64) -> Any:
    h, c = (draw(*shape, seed=seed, dtype=dtype) for seed in (50, 51))
    return (h, c) if name == "lstm" else h


def flat(result: Any) -> list[Tensor]:
    """The tensors of a nested tuple."""
    if isinstance(result, Tensor):
        return [result]
    return [tensor for part in result for tensor in flat(part)]


def cell_arguments(
    name: str, n: int = 3, c: int = 2, h: int = 4, dtype: torch.dtype = torch.float64
) -> tuple[Any, ...]:
    rows = CELLS[name][2] * h
    return (
        draw(n, c, seed=1, dtype=dtype), states(name, n, h, dtype=dtype),
        draw(rows, c, seed=2, dtype=dtype), draw(rows, h, seed=3, dtype=dtype),
        draw(rows, seed=4, dtype=dtype), draw(rows, seed=5, dtype=dtype),
    )  # fmt: skip


# --- Closed forms ------------------------------------------------------------------------------


def test_a_step_of_each_cell_follows_its_formula_number_by_number() -> None:
    def sigma(x: float) -> float:
        return 1 / (1 + math.exp(-x))

    x, h, c = 0.7, -0.4, 0.9
    w_ih, w_hh = [0.5, -0.3, 0.8, 0.2], [0.1, 0.6, -0.7, 0.4]
    b_ih, b_hh = [0.05, -0.1, 0.2, 0.3], [-0.2, 0.15, 0.1, -0.05]
    s = [w_ih[k] * x + b_ih[k] + w_hh[k] * h + b_hh[k] for k in range(4)]

    def given(n: int) -> list[Tensor]:
        columns = [torch.tensor(w[:n], dtype=torch.float64)[:, None] for w in (w_ih, w_hh)]
        return columns + [torch.tensor(b[:n], dtype=torch.float64) for b in (b_ih, b_hh)]

    one = [torch.tensor([number], dtype=torch.float64) for number in (x, h, c)]
    assert rnn_cell(one[0], one[1], *given(1)).item() == pytest.approx(math.tanh(s[0]), rel=1e-14)
    c_new = sigma(s[1]) * c + sigma(s[0]) * math.tanh(s[2])
    h_new = sigma(s[3]) * math.tanh(c_new)
    got = lstm_cell(one[0], (one[1], one[2]), *given(4))
    assert [v.item() for v in got] == pytest.approx([h_new, c_new], rel=1e-14)
    n = math.tanh(w_ih[2] * x + b_ih[2] + sigma(s[0]) * (w_hh[2] * h + b_hh[2]))
    z = sigma(s[1])
    wanted = (1 - z) * n + z * h
    assert gru_cell(one[0], one[1], *given(3)).item() == pytest.approx(wanted, rel=1e-14)


def test_a_linear_recurrence_has_the_powers_of_its_matrix() -> None:
    w = draw(3, 3).abs() * 0.3  # nothing turns negative, so relu is the identity
    h0 = draw(1, 2, 3).abs()
    output, h_n = rnn_forward(
        torch.zeros(6, 2, 1).double(), [[torch.zeros(3, 1).double(), w]], h0, nonlinearity="relu"
    )
    for t in range(6):
        torch.testing.assert_close(output[t], h0[0] @ torch.linalg.matrix_power(w.T, t + 1))
    assert torch.equal(h_n[0], output[-1])


# --- Cells against PyTorch ---------------------------------------------------------------------


@every_cell
@pytest.mark.parametrize("dtype", FLOATING, ids=str)
def test_cells_equal_pytorchs_forward_and_backward(
    name: str, dtype: torch.dtype, device: torch.device
) -> None:
    results = []
    for function in CELLS[name][:2]:
        x, hx, *weights = cell_arguments(name, dtype=dtype)
        leaves = [tensor.to(device).requires_grad_() for tensor in flat((x, hx, weights))]
        n_states = 2 if name == "lstm" else 1
        hx = tuple(leaves[1:3]) if name == "lstm" else leaves[1]
        outputs = flat(function(leaves[0], hx, *leaves[1 + n_states :]))
        upstream = [torch.ones_like(output) for output in outputs]
        results.append([*outputs, *torch.autograd.grad(outputs, leaves, upstream)])
    close = {"rtol": 0.03, "atol": 0.06} if dtype == torch.bfloat16 else {}
    if dtype == torch.float16:
        close = {"rtol": 0.01, "atol": 0.01}
    for mine, theirs in zip(*results, strict=True):
        assert mine.dtype == dtype
        torch.testing.assert_close(mine, theirs, **close)


@every_cell
@pytest.mark.parametrize(("n", "c", "h"), [(0, 2, 4), (3, 0, 4), (3, 2, 0), (1, 1, 1)])
def test_cells_take_empty_dimensions(name: str, n: int, c: int, h: int) -> None:
    for new in flat(CELLS[name][0](*cell_arguments(name, n, c, h))):
        assert new.shape == (n, h)


@every_cell
def test_a_cell_takes_one_sample_and_no_state_and_no_bias(name: str) -> None:
    function = CELLS[name][0]
    x, _, *weights = cell_arguments(name)
    zeros = torch.zeros(3, 4).double()
    start = (zeros, zeros) if name == "lstm" else zeros
    batch = flat(function(x, None, *weights))
    for mine, wanted in zip(batch, flat(function(x, start, *weights)), strict=True):
        assert torch.equal(mine, wanted)
    for mine, wanted in zip(flat(function(x[1], None, *weights)), batch, strict=True):
        torch.testing.assert_close(mine, wanted[1])
    without = flat(function(x, None, *weights[:2]))
    zero = [torch.zeros_like(bias) for bias in weights[2:]]
    for mine, wanted in zip(without, flat(function(x, None, *weights[:2], *zero)), strict=True):
        torch.testing.assert_close(mine, wanted)


@every_cell
def test_gates_stay_finite_at_huge_sums(name: str) -> None:
    x, hx, *weights = cell_arguments(name, dtype=torch.float32)
    x = (1e4 * x).requires_grad_()
    outputs = flat(CELLS[name][0](x, hx, *weights))
    (gradient,) = torch.autograd.grad(outputs, x, [torch.ones_like(out) for out in outputs])
    assert gradient.isfinite().all()
    if name != "rnn relu":
        assert all(out.abs().max() <= 3.0 for out in outputs)


# --- Whole sequences against PyTorch -----------------------------------------------------------


@every_network
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("num_layers", [1, 3])
@pytest.mark.parametrize("bias", [True, False])
def test_sequences_equal_pytorchs_forward_and_backward(
    name: str, bidirectional: bool, num_layers: int, bias: bool, device: torch.device
) -> None:
    theirs = network(name, 3, 4, num_layers=num_layers, bias=bias, bidirectional=bidirectional).to(
        device
    )
    x = draw(6, 2, 3).to(device).requires_grad_()
    shape = (num_layers * (2 if bidirectional else 1), 2, 4)
    hx = states(name, *shape)
    hx = tuple(h.to(device) for h in hx) if name == "lstm" else hx.to(device)
    results = []
    for run in (
        lambda: FORWARD[name][0](x, theirs.all_weights, hx, bidirectional=bidirectional),
        lambda: theirs(x, hx),
    ):
        outputs = flat(run())
        upstream = [draw(*out.shape, seed=9).to(device) for out in outputs]
        gradients = torch.autograd.grad(outputs, [x, *theirs.parameters()], upstream)
        results.append([*outputs, *gradients])
    for mine, wanted in zip(*results, strict=True):
        torch.testing.assert_close(mine, wanted)


@every_network
@pytest.mark.parametrize("dtype", FLOATING, ids=str)
def test_every_dtype_is_kept(name: str, dtype: torch.dtype) -> None:
    theirs = network(name, 3, 4, dtype=dtype)
    x = draw(5, 2, 3, dtype=dtype)
    close = {torch.bfloat16: 0.05, torch.float16: 0.005}.get(dtype, 1e-5)
    for mine, wanted in zip(
        flat(FORWARD[name][0](x, theirs.all_weights)), flat(theirs(x)), strict=True
    ):
        assert mine.dtype == dtype
        torch.testing.assert_close(mine, wanted, rtol=close, atol=close)


@every_network
def test_batch_first_moves_the_batch_of_the_output_and_not_of_the_state(name: str) -> None:
    theirs = network(name, 3, 4, num_layers=2)
    x, hx = draw(6, 2, 3), states(name, 2, 2, 4)
    output, *last = FORWARD[name][0](x, theirs.all_weights, hx)
    turned, *same = FORWARD[name][0](x.transpose(0, 1), theirs.all_weights, hx, batch_first=True)
    assert torch.equal(turned, output.transpose(0, 1))
    for a, b in zip(flat(last), flat(same), strict=True):
        assert torch.equal(a, b)


@every_network
@pytest.mark.parametrize("batch_first", [False, True])
def test_one_sequence_needs_no_batch(name: str, batch_first: bool) -> None:
    theirs = network(name, 3, 4, num_layers=2, bidirectional=True, batch_first=batch_first)
    x, hx = draw(6, 3), states(name, 4, 4)
    options = {"bidirectional": True, "batch_first": batch_first}
    for mine, wanted in zip(
        flat(FORWARD[name][0](x, theirs.all_weights, hx, **options)),
        flat(theirs(x, hx)),
        strict=True,
    ):
        torch.testing.assert_close(mine, wanted)


@every_network
def test_an_empty_batch_and_strided_input_are_taken(name: str) -> None:
    theirs = network(name, 3, 4)
    output, *last = FORWARD[name][0](torch.zeros(5, 0, 3).double(), theirs.all_weights)
    assert output.shape == (5, 0, 4)
    assert all(h.shape == (1, 0, 4) for h in flat(last))
    x = draw(3, 2, 12).permute(2, 1, 0)[::2]
    torch.testing.assert_close(FORWARD[name][0](x, theirs.all_weights)[0], theirs(x)[0])
    one = draw(1, 2, 3)
    torch.testing.assert_close(FORWARD[name][0](one, theirs.all_weights)[0], theirs(one)[0])


def test_relu_reaches_every_layer() -> None:
    theirs = network("rnn", 3, 4, num_layers=2, nonlinearity="relu")
    x = draw(6, 2, 3)
    output, _ = rnn_forward(x, theirs.all_weights, nonlinearity="relu")
    torch.testing.assert_close(output, theirs(x)[0])
    assert (output == 0).any()


@every_network
def test_a_sequence_cut_in_two_goes_on_with_its_state(name: str) -> None:
    weights = network(name, 3, 4, num_layers=2).all_weights
    x = draw(9, 2, 3)
    whole, last = FORWARD[name][0](x, weights)
    first, state = FORWARD[name][0](x[:4], weights)
    second, end = FORWARD[name][0](x[4:], weights, state)
    torch.testing.assert_close(torch.cat([first, second]), whole)
    for a, b in zip(flat(end), flat(last), strict=True):
        torch.testing.assert_close(a, b)


@every_network
def test_gradients_agree_with_finite_differences(name: str) -> None:
    theirs = network(name, 2, 3, num_layers=2, bidirectional=True)
    weights = [[w.detach().requires_grad_() for w in row] for row in theirs.all_weights]
    leaves = [w for row in weights for w in row]
    lengths = torch.tensor([4, 2])

    def run(x: Tensor, *_: Tensor) -> list[Tensor]:
        return flat(FORWARD[name][0](x, weights, bidirectional=True, lengths=lengths))

    assert torch.autograd.gradcheck(run, (draw(4, 2, 2).requires_grad_(), *leaves))


def test_a_second_derivative_exists() -> None:
    weights = network("gru", 2, 3).all_weights
    assert torch.autograd.gradgradcheck(
        lambda x: gru_forward(x, weights)[0], (draw(3, 2, 2).requires_grad_(),)
    )


# --- Padding -----------------------------------------------------------------------------------

LENGTHS = torch.tensor([3, 7, 1, 5])


@every_network
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("num_layers", [1, 2])
def test_lengths_equal_packing(name: str, bidirectional: bool, num_layers: int) -> None:
    theirs = network(name, 3, 4, num_layers=num_layers, bidirectional=bidirectional)
    x = draw(7, 4, 3).requires_grad_()
    hx = states(name, num_layers * (2 if bidirectional else 1), 4, 4)
    mine = flat(
        FORWARD[name][0](x, theirs.all_weights, hx, bidirectional=bidirectional, lengths=LENGTHS)
    )
    packed, last = theirs(pack_padded_sequence(x, LENGTHS, enforce_sorted=False), hx)
    wanted = flat((pad_packed_sequence(packed)[0], last))
    upstream = [draw(*out.shape, seed=9) for out in mine]
    leaves = [x, *theirs.parameters()]
    gradients = [torch.autograd.grad(outs, leaves, upstream) for outs in (mine, wanted)]
    for a, b in zip([*mine, *gradients[0]], [*wanted, *gradients[1]], strict=True):
        torch.testing.assert_close(a, b)


@every_network
def test_what_stands_in_the_padding_is_never_read(name: str) -> None:
    theirs = network(name, 3, 4, bidirectional=True)
    results = []
    for filling in (0.0, 1e30, math.nan):
        x = draw(7, 4, 3)
        x[~running_steps(LENGTHS, 7)] = filling
        x.requires_grad_()
        outputs = flat(FORWARD[name][0](x, theirs.all_weights, bidirectional=True, lengths=LENGTHS))
        gradients = torch.autograd.grad(sum(o.sum() for o in outputs), [x, *theirs.parameters()])
        results.append([*outputs, *gradients])
    for zeros, huge, nans in zip(*results, strict=True):
        assert torch.equal(zeros, huge)
        assert torch.equal(zeros, nans)


@every_network
def test_each_padded_sequence_comes_out_as_if_it_were_alone(name: str) -> None:
    theirs = network(name, 3, 4, bidirectional=True)
    x = draw(4, 7, 3)
    options: dict[str, Any] = {"bidirectional": True, "batch_first": True}
    output, *last = FORWARD[name][0](x, theirs.all_weights, lengths=LENGTHS, **options)
    for i, length in enumerate(LENGTHS.tolist()):
        alone, *end = FORWARD[name][0](x[i, :length], theirs.all_weights, bidirectional=True)
        torch.testing.assert_close(output[i, :length], alone)
        assert not output[i, length:].any()
        for a, b in zip(flat(last), flat(end), strict=True):
            torch.testing.assert_close(a[:, i], b)


def test_running_steps_counts_to_each_length() -> None:
    mask = running_steps(LENGTHS, 7)
    assert mask.shape == (7, 4)
    assert mask.dtype == torch.bool
    assert torch.equal(mask.sum(0), LENGTHS)
    assert running_steps(torch.tensor([], dtype=torch.int32), 7).shape == (7, 0)


# --- Dropout between layers --------------------------------------------------------------------


def test_dropout_acts_between_layers_and_in_training_only() -> None:
    weights = network("rnn", 3, 64, num_layers=2).all_weights
    x = draw(20, 8, 3)
    plain, plain_last = rnn_forward(x, weights)
    quiet, _ = rnn_forward(x, weights, dropout=0.5)
    assert torch.equal(plain, quiet)
    first = rnn_forward(x, weights[:1])[0]
    dropped, last = rnn_forward(x, weights, dropout=0.5, training=True, generator=make_generator(3))
    assert not torch.allclose(dropped, plain)
    assert torch.equal(last[0], plain_last[0])  # the first layer has not been touched
    draws = torch.rand(first.shape, generator=make_generator(3))
    expected = torch.where(draws >= 0.5, first / 0.5, 0)
    torch.testing.assert_close(dropped, rnn_forward(expected, weights[1:])[0])
    assert not (dropped == 0).any()  # nothing is dropped after the last layer
    again, _ = rnn_forward(x, weights, dropout=0.5, training=True, generator=make_generator(3))
    assert torch.equal(dropped, again)


def test_dropout_of_everything_leaves_the_biases_alone() -> None:
    weights = network("gru", 3, 4, num_layers=2).all_weights
    x = draw(5, 2, 3)
    output, _ = gru_forward(x, weights, dropout=1.0, training=True)
    torch.testing.assert_close(output, gru_forward(torch.zeros(5, 2, 4).double(), weights[1:])[0])


def test_dropout_draws_from_the_global_generator_only_when_it_must() -> None:
    weights = network("rnn", 3, 4, num_layers=2).all_weights
    before = torch.get_rng_state()
    rnn_forward(draw(5, 2, 3), weights, dropout=0.5, training=True, generator=make_generator(0))
    assert torch.equal(torch.get_rng_state(), before)


# --- Back through time by hand -----------------------------------------------------------------


def by_autograd(
    x: Tensor, h0: Tensor, row: list[Tensor], upstream: Tensor, nonlinearity: str, cut: int | None
) -> tuple[Tensor, ...]:
    leaves = [t.detach().requires_grad_() for t in (x, h0, *row)]
    h, outputs = leaves[1], []
    for t in range(len(x)):
        if cut is not None and t > 0 and t % cut == 0:
            h = h.detach()
        h = rnn_cell(leaves[0][t], h, *leaves[2:], nonlinearity)
        outputs.append(h)
    return torch.autograd.grad(torch.stack(outputs), leaves, upstream)


@pytest.mark.parametrize("nonlinearity", ["tanh", "relu"])
@pytest.mark.parametrize("cut", [None, 1, 2, 3, 7, 100])
def test_the_backward_pass_by_hand_equals_autograd(nonlinearity: str, cut: int | None) -> None:
    row = [0.6 * draw(4, 3, seed=1), 0.6 * draw(4, 4, seed=2), draw(4, seed=3), draw(4, seed=4)]
    x, h0, upstream = draw(7, 2, 3), draw(2, 4, seed=5), draw(7, 2, 4, seed=6)
    output, _ = rnn_forward(x, [row], h0[None], nonlinearity=nonlinearity)
    mine = rnn_backward(
        upstream, x, h0, output, *row[:2], nonlinearity=nonlinearity, truncate_every=cut
    )
    assert isinstance(mine, RNNGradients)
    wanted = list(by_autograd(x, h0, row, upstream, nonlinearity, cut))
    if cut is not None:  # the piece that starts at step 0 is cut off from the initial state too
        assert not mine.hx.any()
        wanted[1] = torch.zeros_like(h0)
    for a, b in zip(mine[:6], wanted, strict=True):
        torch.testing.assert_close(a, b)


def test_the_gradient_of_the_states_holds_every_later_loss() -> None:
    row = [0.6 * draw(4, 3, seed=1), 0.6 * draw(4, 4, seed=2)]
    x, h0, upstream = draw(5, 2, 3), draw(2, 4, seed=5), draw(5, 2, 4, seed=6)
    output, _ = rnn_forward(x, [row], h0[None])
    mine = rnn_backward(upstream, x, h0, output, *row).states
    for t in range(5):
        h = output[t].detach().requires_grad_()
        later, _ = rnn_forward(x[t + 1 :], [row], h[None]) if t < 4 else (h[None][:0], None)
        total = (h * upstream[t]).sum() + (later * upstream[t + 1 :]).sum()
        (wanted,) = torch.autograd.grad(total, h)
        torch.testing.assert_close(mine[t], wanted)


def test_the_backward_pass_takes_empty_input() -> None:
    w_ih, w_hh = draw(4, 3), draw(4, 4)
    for n_steps, n in ((0, 2), (3, 0)):
        x, h0 = torch.zeros(n_steps, n, 3).double(), torch.zeros(n, 4).double()
        states_then = torch.zeros(n_steps, n, 4).double()
        found = rnn_backward(states_then, x, h0, states_then, w_ih, w_hh)
        for value, like in zip(found, (x, h0, w_ih, w_hh), strict=False):
            assert value.shape == like.shape
        assert not found.w_hh.any()


# --- How far a gradient reaches ----------------------------------------------------------------


def test_the_reach_of_a_linear_network_is_the_power_of_its_matrix() -> None:
    w, u = draw(3, 3), draw(2, 3, seed=1)
    reach = gradient_reach(
        lambda x, h: h @ w.T + x, torch.zeros(5, 2, 3).double(), draw(2, 3, seed=2), u
    )
    for t in range(6):
        wanted = (u @ torch.linalg.matrix_power(w, 5 - t)).norm(dim=1)
        torch.testing.assert_close(reach[t], wanted)


def test_the_reach_of_an_orthogonal_network_is_one_everywhere_and_bounded_otherwise() -> None:
    q, _ = torch.linalg.qr(draw(6, 6))
    u = draw(1, 6, seed=1)
    x, h0 = draw(20, 1, 6, seed=2), torch.zeros(1, 6).double()
    kept = gradient_reach(lambda x, h: x + h @ q.T, x, h0, u)
    torch.testing.assert_close(kept, u.norm().expand(21, 1))
    squashed = gradient_reach(lambda x, h: torch.tanh(x + h @ q.T), x, h0, u)
    assert (squashed[:-1] < squashed[1:]).all()  # each slope is below one
    shrunk = gradient_reach(lambda x, h: torch.tanh(x + 0.5 * h @ q.T), x, h0, u)
    bound = u.norm() * 0.5 ** torch.arange(20, -1, -1)
    assert (shrunk[:, 0] <= bound * (1 + 1e-12)).all()


def test_the_reach_of_an_lstm_counts_both_states() -> None:
    weights = [draw(16, 2, seed=1), 0.3 * draw(16, 4, seed=2), draw(16, seed=3), draw(16, seed=4)]
    x, u = draw(4, 3, 2), draw(3, 4, seed=5)
    start = (draw(3, 4, seed=6), draw(3, 4, seed=7))
    reach = gradient_reach(lambda x, s: lstm_cell(x, s, *weights), x, start, u)
    h, c = (part.clone().requires_grad_() for part in start)
    output, _ = lstm_forward(x, [weights], (h[None], c[None]))
    parts = torch.autograd.grad(output[-1], (h, c), u)
    torch.testing.assert_close(reach[0], torch.cat(parts, 1).norm(dim=1))
    torch.testing.assert_close(reach[-1], u.norm(dim=1))


def test_the_reach_is_measured_without_gradient_mode_too() -> None:
    with torch.no_grad():
        reach = gradient_reach(
            lambda x, h: 2 * h, torch.zeros(3, 1, 1), torch.ones(1, 1), torch.ones(1, 1)
        )
    assert reach.flatten().tolist() == [8.0, 4.0, 2.0, 1.0]


# --- Every message -----------------------------------------------------------------------------

W_IH, W_HH, B = torch.zeros(4, 3), torch.zeros(4, 4), torch.zeros(4)
X = torch.zeros(5, 2, 3)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: rnn_cell([1.0], None, W_IH, W_HH), TypeError, "input must be a tensor"),
        (
            lambda: rnn_cell(X[0].long(), None, W_IH, W_HH), TypeError,
            "input must have a floating-point dtype, got an int64 tensor",
        ),
        (
            lambda: rnn_cell(X, None, W_IH, W_HH), ValueError,
            r"input must have shape \(N, C\) or \(C,\), got a float32 tensor of shape \(5, 2, 3\)",
        ),
        (
            lambda: rnn_cell(X[0, :, :2], None, W_IH, W_HH), ValueError,
            r"w_ih must have shape \(4, 2\), got a float32 tensor of shape \(4, 3\)",
        ),
        (
            lambda: rnn_cell(X[0], None, W_IH, W_IH), ValueError,
            r"w_hh must have shape \(3, 3\), got a float32 tensor of shape \(4, 3\)",
        ),
        (
            lambda: rnn_cell(X[0], None, W_IH, B), ValueError,
            r"w_hh must have shape \(G, H\), got a float32 tensor of shape \(4,\)",
        ),
        (
            lambda: rnn_cell(X[0], torch.zeros(1, 4), W_IH, W_HH), ValueError,
            r"hx must have shape \(2, 4\), got a float32 tensor of shape \(1, 4\)",
        ),
        (
            lambda: rnn_cell(X[0], torch.zeros(2, 4).double(), W_IH, W_HH), TypeError,
            "hx must have input's dtype float32, got float64",
        ),
        (
            lambda: rnn_cell(X[0].double(), None, W_IH, W_HH), TypeError,
            "input must have w_ih's dtype float32, got float64",
        ),
        (
            lambda: rnn_cell(X[0].to("meta"), None, W_IH, W_HH), ValueError,
            "input must be on w_ih's device cpu, got meta",
        ),
        (
            lambda: rnn_cell(X[0], None, W_IH, W_HH, B), ValueError,
            "b_hh must be given where the other bias is, got None",
        ),
        (
            lambda: rnn_cell(X[0], None, W_IH, W_HH, None, B), ValueError,
            "b_ih must be given where the other bias is, got None",
        ),
        (
            lambda: rnn_cell(X[0], None, W_IH, W_HH, B, B[:3]), ValueError,
            r"b_hh must have shape \(4,\), got a float32 tensor of shape \(3,\)",
        ),
        (
            lambda: rnn_cell(X[0], None, W_IH, W_HH, nonlinearity="sigmoid"), ValueError,
            "nonlinearity must be one of 'tanh', 'relu', got 'sigmoid'",
        ),
        (
            lambda: lstm_cell(X[0], torch.zeros(2, 1), W_IH, W_HH[:, :1]), TypeError,
            r"hx must be a pair \(h, c\) of tensors, got a float32 tensor",
        ),
        (
            lambda: lstm_cell(X[0], (torch.zeros(2, 1), torch.zeros(1)), W_IH, W_HH[:, :1]),
            ValueError, r"hx\[1\] must have shape \(2, 1\)",
        ),
        (
            lambda: lstm_forward(X, [[W_IH, W_HH[:, :1]]], torch.zeros(1, 2, 1)), TypeError,
            r"hx must be a pair \(h, c\) of tensors",
        ),
        (
            lambda: rnn_forward(X[:0], [[W_IH, W_HH]]), ValueError,
            r"input must have at least one step, got a float32 tensor of shape \(0, 2, 3\)",
        ),
        (
            lambda: rnn_forward(X[0, 0], [[W_IH, W_HH]]), ValueError,
            r"input must have shape \(T, N, C\) or \(T, C\), got",
        ),
        (
            lambda: rnn_forward(X[0, 0], [[W_IH, W_HH]], batch_first=True), ValueError,
            r"input must have shape \(N, T, C\) or \(T, C\), got",
        ),
        (
            lambda: rnn_forward(X, [W_IH, W_HH]), TypeError,
            r"weights must hold one list \(w_ih, w_hh\) or .* use layer.all_weights",
        ),
        (
            lambda: rnn_forward(X, []), ValueError,
            "weights must hold a list for each layer and direction, got 0 for 1 directions",
        ),
        (
            lambda: rnn_forward(X, [[W_IH, W_HH]], bidirectional=True), ValueError,
            "weights must hold a list for each layer and direction, got 1 for 2 directions",
        ),
        (
            lambda: rnn_forward(X, [[W_IH, W_HH], [W_IH, W_HH]]), ValueError,
            r"weights\[1\]\[0\] must have shape \(4, 4\)",
        ),
        (
            lambda: rnn_forward(X, [[W_IH, W_HH], [torch.zeros(5, 4), torch.zeros(5, 5)]]),
            ValueError, "weights must have one hidden size in all layers, got 4 and 5",
        ),
        (
            lambda: rnn_forward(X, [[W_IH, W_HH]], torch.zeros(2, 4)), ValueError,
            r"hx must have shape \(1, 2, 4\)",
        ),
        (
            lambda: rnn_forward(X[:, 0], [[W_IH, W_HH]], torch.zeros(1, 1, 4)), ValueError,
            r"hx must have shape \(1, 4\)",
        ),
        (
            lambda: rnn_forward(X, [[W_IH, W_HH]], batch_first=1), TypeError,
            "batch_first must be True or False, got 1",
        ),
        (
            lambda: rnn_forward(X, [[W_IH, W_HH]], dropout=1.5), ValueError,
            "dropout must be at most 1.0, got 1.5",
        ),
        (
            lambda: rnn_forward(X, [[W_IH, W_HH]], generator=0), TypeError,
            "generator must be a torch.Generator, got 0",
        ),
        (
            lambda: rnn_forward(X, [[W_IH, W_HH]], lengths=torch.tensor([5])), ValueError,
            r"lengths must have shape \(N,\) = \(2,\), got an int64 tensor of shape \(1,\)",
        ),
        (
            lambda: rnn_forward(X, [[W_IH, W_HH]], lengths=torch.tensor([5, 0])), ValueError,
            "lengths must lie between 1 and the number of steps 5, got 0 at index 1",
        ),
        (
            lambda: rnn_forward(X, [[W_IH, W_HH]], lengths=torch.tensor([6, 1])), ValueError,
            "lengths must lie between 1 and the number of steps 5, got 6 at index 0",
        ),
        (
            lambda: rnn_forward(X, [[W_IH, W_HH]], lengths=torch.tensor([5.0, 1.0])), TypeError,
            "lengths must hold whole numbers, got a float32 tensor",
        ),
        (
            lambda: rnn_forward(X, [[W_IH, W_HH]], lengths=[5, 1]), TypeError,
            "lengths must be a tensor, got a list",
        ),
        (
            lambda: rnn_forward(X[:, 0], [[W_IH, W_HH]], lengths=torch.tensor([5])), ValueError,
            "lengths must come with a batch",
        ),
        (lambda: running_steps(torch.tensor([1]), 0), ValueError, "n_steps must be at least 1"),
        (
            lambda: rnn_backward(X, X, B, X, W_IH, W_HH), ValueError,
            r"grad_output must have shape \(5, 2, 4\)",
        ),
        (
            lambda: rnn_backward(X, X, B, X, W_IH, W_HH, truncate_every=0), ValueError,
            "truncate_every must be at least 1, got 0",
        ),
        (
            lambda: gradient_reach(lambda x, h: h, X[0], B, B), ValueError,
            r"input must have shape \(T, N, C\)",
        ),
        (
            lambda: gradient_reach(lambda x, h: h, X, B[None], B), ValueError,
            r"cotangent must have shape \(1, 4\)",
        ),
        (
            lambda: gradient_reach(lambda x, h: h, X, B.long(), B), TypeError,
            "state must have a floating-point dtype",
        ),
    ],
)  # fmt: skip
def test_bad_arguments_are_refused(
    call: Callable[[], object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        call()


def test_all_combinations_of_options_work_together() -> None:
    for name, batch_first, bidirectional in itertools.product(
        FORWARD, (False, True), (False, True)
    ):
        theirs = network(
            name, 3, 4, num_layers=2, batch_first=batch_first, bidirectional=bidirectional
        )
        x = draw(4, 4, 3)
        mine = FORWARD[name][0](
            x,
            theirs.all_weights,
            batch_first=batch_first,
            bidirectional=bidirectional,
            dropout=0.5,
            training=False,
            lengths=torch.tensor([4, 4, 4, 4]),
        )
        for a, b in zip(flat(mine), flat(theirs(x)), strict=True):
            torch.testing.assert_close(a, b)
