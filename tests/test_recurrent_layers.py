"""Recurrent layers: the same constructor, printed form, weights and start as PyTorch's."""

from __future__ import annotations

import copy
import itertools
import math
import pickle
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from handbook.recurrent_layers import GRU, LSTM, RNN, GRUCell, LSTMCell, RNNCell
from handbook.seeding import make_generator

LAYERS = [(RNN, nn.RNN), (LSTM, nn.LSTM), (GRU, nn.GRU)]
CELLS = [(RNNCell, nn.RNNCell), (LSTMCell, nn.LSTMCell), (GRUCell, nn.GRUCell)]
OPTIONS: list[dict[str, Any]] = [
    {},
    {"num_layers": 2, "batch_first": True},
    {"num_layers": 3, "bidirectional": True, "bias": False},
    {"num_layers": 2, "dropout": 0.25, "bidirectional": True, "batch_first": True},
]
every_layer = pytest.mark.parametrize(("ours", "theirs"), LAYERS)
every_cell = pytest.mark.parametrize(("ours", "theirs"), CELLS)


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=make_generator(seed), dtype=torch.float64)


def flat(result: Any) -> list[Tensor]:
    if isinstance(result, PackedSequence):
        return [result.data]
    if isinstance(result, Tensor):
        return [result]
    return [tensor for part in result for tensor in flat(part)]


def states(layer: Any, *shape: int) -> Any:
    h, c = draw(*shape, seed=50), draw(*shape, seed=51)
    return (h, c) if isinstance(layer, (LSTM, LSTMCell)) else h


def twins(ours: Any, theirs: Any, *sizes: int, **options: Any) -> tuple[Any, Any]:
    mine = ours(*sizes, **options, dtype=torch.float64, generator=make_generator(0))
    twin = theirs(*sizes, **options, dtype=torch.float64)
    twin.load_state_dict(mine.state_dict())
    return mine.eval(), twin.eval()


@every_layer
@pytest.mark.parametrize("options", OPTIONS)
def test_the_layer_equals_pytorchs_forward_and_backward(
    ours: Any, theirs: Any, options: dict[str, Any], device: torch.device
) -> None:
    mine, twin = (layer.to(device) for layer in twins(ours, theirs, 3, 4, **options))
    if device.type == "cuda":  # cuDNN goes backward through a recurrent layer only while it trains
        for layer in (mine, twin):
            layer.train().dropout = 0.0
    n_rows = len(twin.all_weights)
    for shape, state_shape in (((5, 2, 3), None), ((5, 5, 3), (n_rows, 5, 4)), ((5, 3), None)):
        x = draw(*shape).to(device)
        hx = None if state_shape is None else states(mine, *state_shape)
        if hx is not None:
            hx = tuple(h.to(device) for h in hx) if isinstance(mine, LSTM) else hx.to(device)
        sides = []
        for layer in (mine, twin):
            leaf = x.clone().requires_grad_()
            outputs = flat(layer(leaf, hx))
            upstream = [draw(*out.shape, seed=1).to(device) for out in outputs]
            gradients = torch.autograd.grad(outputs, (leaf, *layer.parameters()), upstream)
            sides.append([*outputs, *gradients])
        for a, b in zip(*sides, strict=True):
            torch.testing.assert_close(a, b)


@every_layer
@pytest.mark.parametrize("options", OPTIONS)
def test_keys_shapes_and_printed_form_are_pytorchs(
    ours: Any, theirs: Any, options: dict[str, Any]
) -> None:
    mine, twin = ours(3, 4, **options), theirs(3, 4, **options)
    assert [(n, p.shape) for n, p in mine.named_parameters()] == [
        (n, p.shape) for n, p in twin.named_parameters()
    ]
    assert repr(mine) == repr(twin)
    mine.load_state_dict(twin.state_dict())
    for a, b in zip(itertools.chain(*mine.all_weights), twin.parameters(), strict=True):
        assert torch.equal(a, b)


def test_the_nonlinearity_stands_where_pytorch_has_it() -> None:
    mine, twin = RNN(3, 4, 2, "relu", False), nn.RNN(3, 4, 2, "relu", False)
    mine.load_state_dict(twin.state_dict())
    x = draw(5, 2, 3).float()
    torch.testing.assert_close(mine(x)[0], twin(x)[0])
    assert not mine.bias


@every_layer
@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("enforce_sorted", [True, False])
def test_packed_sequences_equal_pytorchs(
    ours: Any, theirs: Any, options: dict[str, Any], enforce_sorted: bool
) -> None:
    mine, twin = twins(ours, theirs, 3, 4, **options)
    lengths = torch.tensor([7, 5, 5, 1] if enforce_sorted else [5, 1, 7, 5])
    hx = states(mine, len(twin.all_weights), 4, 4)
    sides = []
    for layer in (mine, twin):
        leaf = draw(7, 4, 3).requires_grad_()
        packed = pack_padded_sequence(leaf, lengths, enforce_sorted=enforce_sorted)
        output, last = layer(packed, hx)
        assert isinstance(output, PackedSequence)
        padded, _ = pad_packed_sequence(output)
        outputs = [padded, *flat(last)]
        upstream = [draw(*out.shape, seed=1) for out in outputs]
        sides.append([*outputs, *torch.autograd.grad(outputs, leaf, upstream)])
        sides[-1] += [output.batch_sizes]
    for a, b in zip(*sides, strict=True):
        torch.testing.assert_close(a, b)


@every_layer
def test_lengths_and_packing_are_two_ways_to_one_result(ours: Any, theirs: Any) -> None:
    mine = ours(3, 4, batch_first=True, bidirectional=True, dtype=torch.float64)
    lengths = torch.tensor([2, 6, 3])
    x = draw(3, 6, 3)
    packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    output, last = mine(packed)
    unpacked, _ = pad_packed_sequence(output, batch_first=True)
    for a, b in zip(flat((unpacked, last)), flat(mine(x, lengths=lengths)), strict=True):
        torch.testing.assert_close(a, b)


@every_layer
def test_both_layers_start_with_the_same_numbers(ours: Any, theirs: Any) -> None:
    starts = []
    for layer in (ours, theirs):
        torch.manual_seed(0)
        starts.append(layer(3, 16, num_layers=2, bidirectional=True))
    for a, b in zip(starts[0].parameters(), starts[1].parameters(), strict=True):
        assert torch.equal(a, b)
        assert a.abs().max() <= 1 / math.sqrt(16)


@every_layer
def test_a_generator_makes_the_start_repeatable(ours: Any, theirs: Any) -> None:
    before = torch.get_rng_state()
    first, second = (ours(3, 4, generator=make_generator(1)) for _ in range(2))
    assert torch.equal(torch.get_rng_state(), before)
    for a, b in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(a, b)
    ours(3, 4, device="meta", generator=make_generator(1))


@every_layer
def test_dropout_acts_in_training_only(ours: Any, theirs: Any) -> None:
    layer = ours(3, 8, num_layers=2, dropout=0.5)
    x = draw(5, 2, 3).float()
    noisy = [layer(x, generator=make_generator(seed))[0] for seed in (0, 0, 1)]
    assert torch.equal(noisy[0], noisy[1])
    assert not torch.equal(noisy[0], noisy[2])
    layer.eval()
    assert torch.equal(layer(x)[0], layer(x)[0])


@every_layer
def test_a_layer_can_be_copied_pickled_and_moved(ours: Any, theirs: Any) -> None:
    layer = ours(3, 4)
    x = draw(5, 2, 3).float()
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert torch.equal(other(x)[0], layer(x)[0])
    assert layer.double()(x.double())[0].dtype == torch.float64
    layer.weight_hh_l0 = nn.Parameter(torch.zeros_like(layer.weight_hh_l0))
    assert not layer.all_weights[0][1].any()


@every_cell
@pytest.mark.parametrize("bias", [True, False])
def test_the_cell_equals_pytorchs_and_exchanges_weights(ours: Any, theirs: Any, bias: bool) -> None:
    mine, twin = twins(ours, theirs, 3, 4, bias=bias)
    assert repr(mine) == repr(twin)
    assert list(mine.state_dict()) == list(twin.state_dict())
    for shape in ((2, 3), (3,), (0, 3)):
        for hx in (None, states(mine, *shape[:-1], 4)):
            x = draw(*shape)
            for a, b in zip(flat(mine(x, hx)), flat(twin(x, hx)), strict=True):
                torch.testing.assert_close(a, b)


def test_the_relu_cell_equals_pytorchs() -> None:
    mine, twin = twins(RNNCell, nn.RNNCell, 3, 4, nonlinearity="relu", bias=False)
    assert repr(mine) == repr(twin)
    torch.testing.assert_close(mine(draw(2, 3)), twin(draw(2, 3)))


@every_cell
def test_both_cells_start_with_the_same_numbers(ours: Any, theirs: Any) -> None:
    starts = []
    for cell in (ours, theirs):
        torch.manual_seed(0)
        starts.append(cell(3, 4))
    for a, b in zip(starts[0].parameters(), starts[1].parameters(), strict=True):
        assert torch.equal(a, b)


def test_a_network_of_pytorchs_can_be_replaced_inside_a_model() -> None:
    model = nn.ModuleDict({"rnn": nn.LSTM(3, 4, batch_first=True), "head": nn.Linear(4, 2)})
    replaced = nn.ModuleDict({"rnn": LSTM(3, 4, batch_first=True), "head": nn.Linear(4, 2)})
    replaced.load_state_dict(model.state_dict())
    x = draw(2, 5, 3).float()
    results = [m["head"](m["rnn"](x)[0][:, -1]) for m in (model, replaced)]
    torch.testing.assert_close(*results)


@pytest.mark.parametrize("make", [RNN, LSTM, GRU])
@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((0, 4), {}, ValueError, "input_size must be at least 1, got 0"),
        ((3, 0), {}, ValueError, "hidden_size must be at least 1, got 0"),
        ((3, 4, 0), {}, ValueError, "num_layers must be at least 1, got 0"),
        ((3.0, 4), {}, TypeError, "input_size must be an int, got 3.0"),
        ((3, 4), {"bias": 1}, TypeError, "bias must be True or False, got 1"),
        ((3, 4), {"batch_first": None}, TypeError, "batch_first must be True or False, got None"),
        ((3, 4), {"bidirectional": 2}, TypeError, "bidirectional must be True or False, got 2"),
        ((3, 4, 2), {"dropout": -0.1}, ValueError, "dropout must be at least 0.0, got -0.1"),
        ((3, 4, 2), {"dropout": True}, TypeError, "dropout must be a real number, got True"),
        ((3, 4), {"dtype": torch.int64}, TypeError, "dtype must be a floating-point one"),
        ((3, 4), {"generator": 3}, TypeError, "generator must be a torch.Generator, got 3"),
        ((3, 4), {"proj_size": 2}, TypeError, "unexpected keyword argument 'proj_size'"),
    ],
)
def test_a_bad_constructor_argument_is_refused(
    make: Any, arguments: Any, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        make(*arguments, **options)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RNN(3, 4, nonlinearity="sigmoid"), "nonlinearity must be one of 'tanh', 'relu'"),
        (lambda: RNNCell(3, 4, nonlinearity="elu"), "nonlinearity must be one of 'tanh', 'relu'"),
        (lambda: GRUCell(-1, 4), "input_size must be at least 0, got -1"),
        (lambda: LSTMCell(3, -4), "hidden_size must be at least 0, got -4"),
    ],
)
def test_a_bad_word_or_size_is_refused(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_a_cell_of_whole_numbers_is_refused() -> None:
    with pytest.raises(TypeError, match="dtype must be a floating-point one"):
        GRUCell(3, 4, dtype=torch.int32)


@every_layer
def test_dropout_without_a_second_layer_is_warned_about(ours: Any, theirs: Any) -> None:
    with pytest.warns(UserWarning, match="dropout = 0.5 does nothing with num_layers = 1"):
        ours(3, 4, dropout=0.5)


@every_layer
def test_bad_calls_are_refused(ours: Any, theirs: Any) -> None:
    layer = ours(3, 4)
    x = torch.zeros(5, 2, 3)
    packed = pack_padded_sequence(x, torch.tensor([5, 2]))
    with pytest.raises(ValueError, match=r"weights\[0\]\[0\] must have shape"):
        layer(torch.zeros(5, 2, 4))
    with pytest.raises(TypeError, match=r"input must have .* dtype float32, got float64"):
        layer(x.double())
    with pytest.raises(ValueError, match="lengths must be None with a PackedSequence"):
        layer(packed, lengths=torch.tensor([5, 2]))
    with pytest.raises(ValueError, match=r"input\.data must have shape \(steps, 3\)"):
        layer(pack_padded_sequence(torch.zeros(5, 2, 4), torch.tensor([5, 2])))
    with pytest.raises(ValueError, match=r"hx.* must have shape \(1, 2, 4\)"):
        layer(packed, (torch.zeros(2, 4),) * 2 if ours is LSTM else torch.zeros(2, 4))
    if ours is LSTM:
        with pytest.raises(TypeError, match=r"hx must be a pair \(h, c\) of tensors"):
            layer(x, torch.zeros(1, 2, 4))
