"""Dropout, the L2 penalty and decay: PyTorch's masks, moments, modes, and which equals which."""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from handbook.layers import Dropout, Dropout1d, Dropout2d
from handbook.optimizers import SGD, Adam, AdamW
from handbook.regularization import decay_groups, dropout, dropout1d, dropout2d, l2_penalty
from handbook.seeding import make_generator

FLOATING = [torch.float16, torch.bfloat16, torch.float32, torch.float64]
FORMS = pytest.mark.parametrize(
    ("ours", "theirs", "shape"),
    [
        (dropout, F.dropout, (7, 5)),
        (dropout1d, F.dropout1d, (4, 6, 5)),
        (dropout1d, F.dropout1d, (6, 5)),
        (dropout2d, F.dropout2d, (4, 6, 3, 5)),
    ],
    ids=["dropout", "dropout1d", "dropout1d unbatched", "dropout2d"],
)
LAYERS = pytest.mark.parametrize(
    ("ours", "theirs", "shape"),
    [
        (Dropout, nn.Dropout, (7, 5)),
        (Dropout1d, nn.Dropout1d, (4, 6, 5)),
        (Dropout2d, nn.Dropout2d, (4, 6, 3, 5)),
    ],
)


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=make_generator(seed))


@pytest.mark.parametrize("dtype", FLOATING, ids=str)
@pytest.mark.parametrize("p", [0.0, 0.1, 0.5, 0.9, 1.0])
@FORMS
def test_the_same_seed_gives_pytorchs_mask_forward_and_backward(
    ours: Callable[..., Tensor],
    theirs: Callable[..., Tensor],
    shape: tuple[int, ...],
    p: float,
    dtype: torch.dtype,
) -> None:
    x, results = draw(*shape).to(dtype), []
    for function in (ours, theirs):
        torch.manual_seed(5)
        leaf = x.clone().requires_grad_()
        y = function(leaf, p)
        (gradient,) = torch.autograd.grad(y, leaf, torch.ones_like(y))
        results.append((y.detach(), gradient))
    assert results[0][0].dtype == dtype
    for mine, other in zip(*results, strict=True):
        assert torch.equal(mine, other)


@FORMS
def test_a_generator_gives_the_mask_of_its_seed_and_leaves_the_global_one(
    ours: Callable[..., Tensor], theirs: Callable[..., Tensor], shape: tuple[int, ...]
) -> None:
    x = draw(*shape)
    before = torch.get_rng_state()
    mine = ours(x, 0.3, generator=make_generator(5))
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(5)
    assert torch.equal(mine, theirs(x, 0.3))


@FORMS
def test_in_place_overwrites_and_otherwise_the_input_stays(
    ours: Callable[..., Tensor], theirs: Callable[..., Tensor], shape: tuple[int, ...]
) -> None:
    x = draw(*shape)
    kept = x.clone()
    y = ours(x, 0.5, generator=make_generator(1))
    assert torch.equal(x, kept)
    overwritten = ours(x, 0.5, True, True, generator=make_generator(1))
    assert overwritten is x
    assert torch.equal(x, y)
    assert torch.equal(ours(x.clone(), 1.0, inplace=True), torch.zeros_like(x))
    assert ours(x, training=False) is x
    assert ours(x, 0.0) is x
    assert theirs is not None


def test_a_strided_input_and_channels_last_get_pytorchs_mask() -> None:
    for x in (draw(6, 8).t()[::2], draw(2, 3, 4, 5).to(memory_format=torch.channels_last)):
        torch.manual_seed(2)
        mine = dropout(x, 0.4)
        torch.manual_seed(2)
        assert torch.equal(mine, F.dropout(x, 0.4))


@pytest.mark.parametrize("shape", [(0,), (0, 3), (2, 0)])
def test_nothing_to_drop(shape: tuple[int, ...]) -> None:
    assert dropout(torch.empty(shape)).shape == shape
    assert dropout2d(torch.empty(0, 3, 2, 2)).shape == (0, 3, 2, 2)
    assert dropout1d(torch.empty(3, 0)).shape == (3, 0)


@pytest.mark.parametrize("p", [0.1, 0.5, 0.8])
def test_mean_is_kept_and_variance_is_that_of_the_formula(p: float) -> None:
    y = dropout(torch.full((400_000,), 3.0, dtype=torch.float64), p, generator=make_generator(0))
    variance = 9 * p / (1 - p)
    assert abs(y.mean().item() - 3) < 5 * math.sqrt(variance / len(y))
    assert abs(y.var().item() / variance - 1) < 0.02
    assert y.unique().tolist() == pytest.approx([0.0, 3 / (1 - p)])


def test_nan_and_infinity_are_multiplied_like_pytorchs() -> None:
    x = torch.tensor([math.nan, math.inf, -math.inf, 1.0])
    for p in (0.5, 1.0):
        torch.manual_seed(0)
        mine = dropout(x, p)
        torch.manual_seed(0)
        torch.testing.assert_close(mine, F.dropout(x, p), equal_nan=True)


def test_integers_pass_where_nothing_is_scaled() -> None:
    whole = torch.arange(3)
    assert dropout(whole, training=False) is whole
    assert dropout(whole, 1.0).tolist() == [0, 0, 0] == F.dropout(whole, 1.0).tolist()
    with pytest.raises(TypeError, match="input must have a floating-point dtype, got an int64"):
        dropout(whole)


def test_channels_are_dropped_as_a_whole() -> None:
    y = dropout2d(torch.ones(50, 20, 3, 4), 0.3, generator=make_generator(0))
    assert torch.equal(y.amin((2, 3)), y.amax((2, 3)))
    assert 0.6 < (y[:, :, 0, 0] > 0).float().mean() < 0.8


def test_three_dimensions_are_read_as_signals_with_a_warning() -> None:
    with pytest.warns(UserWarning, match=r"read as \(N, C, T\); use input\[None\] for one image"):
        y = dropout2d(torch.ones(5, 8, 4), generator=make_generator(0))
    assert torch.equal(y, dropout1d(torch.ones(5, 8, 4), generator=make_generator(0)))


def test_gradcheck() -> None:
    x = draw(4, 3).double().requires_grad_()

    def thinned(value: Tensor) -> Tensor:
        return dropout(value, 0.4, generator=make_generator(7))

    assert torch.autograd.gradcheck(thinned, x)


# ---- layers -------------------------------------------------------------------------------------


@LAYERS
def test_layers_follow_the_mode_and_pytorchs_masks(
    ours: type[nn.Module], theirs: type[nn.Module], shape: tuple[int, ...]
) -> None:
    x, mine, other = draw(*shape), ours(0.3), theirs(0.3)
    assert repr(mine) == repr(other)
    assert mine.state_dict() == {}
    torch.manual_seed(1)
    y = mine(x)
    torch.manual_seed(1)
    assert torch.equal(y, other(x))
    assert mine.eval()(x) is x
    assert not torch.equal(mine.train()(x), x)
    overwriting = ours(0.5, True)
    assert overwriting(x) is x


def test_a_layer_with_a_generator_goes_on_drawing() -> None:
    layer = Dropout(generator=make_generator(0))
    x = torch.ones(100)
    first, second = layer(x), layer(x)
    assert not torch.equal(first, second)
    assert torch.equal(first, Dropout(generator=make_generator(0))(x))
    assert torch.equal(copy.deepcopy(layer)(x), layer(x))  # a copy draws from where it was copied


# ---- the average over masks ---------------------------------------------------------------------


def test_evaluation_is_the_normalised_geometric_mean_over_all_masks_of_a_softmax() -> None:
    generator = make_generator(0)
    x, w = (
        torch.randn(6, generator=generator).double(),
        torch.randn(3, 6, generator=generator).double(),
    )
    masks = torch.tensor(list(itertools.product((0.0, 2.0), repeat=6)), dtype=torch.float64)
    logarithms = torch.log_softmax((masks * x) @ w.T, dim=1)
    geometric = torch.softmax(logarithms.mean(0), dim=0)
    torch.testing.assert_close(geometric, torch.softmax(w @ x, dim=0))
    arithmetic = logarithms.exp().mean(0)
    assert (arithmetic - geometric).abs().max() > 0.01


def test_dropout_of_the_inputs_of_a_linear_model_is_a_penalty_in_the_mean() -> None:
    generator = make_generator(3)
    x = torch.randn(50, 4, generator=generator).double()
    w, t = (torch.randn(n, generator=generator).double() for n in (4, 50))
    masks = torch.tensor(list(itertools.product((0.0, 1.25), repeat=4)), dtype=torch.float64)
    chances = torch.where(masks > 0, 0.8, 0.2).prod(1)
    losses = torch.stack([((x * mask) @ w - t).square().mean() for mask in masks])
    penalty = 0.25 * (x.square().mean(0) * w.square()).sum()
    torch.testing.assert_close((chances * losses).sum(), (x @ w - t).square().mean() + penalty)


# ---- penalty and decay --------------------------------------------------------------------------


def test_the_penalty_and_its_gradient() -> None:
    first, second = draw(3, 2).double().requires_grad_(), draw(4, seed=1).double().requires_grad_()
    penalty = l2_penalty([first, second], 0.3)
    wanted = 0.15 * (first.square().sum() + second.square().sum())
    torch.testing.assert_close(penalty, wanted)
    gradients = torch.autograd.grad(penalty, (first, second))
    torch.testing.assert_close(gradients, (0.3 * first, 0.3 * second))
    assert torch.autograd.gradcheck(lambda value: l2_penalty(value, 0.7), first)


def test_the_penalty_of_half_precision_does_not_overflow() -> None:
    assert l2_penalty(torch.full((100,), 1000.0, dtype=torch.float16), 1e-4).item() == 5000.0
    assert l2_penalty([], 1.0).item() == 0.0
    assert l2_penalty(iter([torch.ones(2)]), 1.0).item() == 1.0
    assert l2_penalty(torch.empty(0), 1.0).item() == 0.0


def train(optimizer: Callable[..., torch.optim.Optimizer], decay: float, penalty: float) -> Tensor:
    generator = make_generator(0)
    x, t = torch.randn(30, 4, generator=generator).double(), torch.randn(30, generator=generator)
    scales = torch.tensor([10.0, 1.0, 0.1, 0.01], dtype=torch.float64)  # busy and quiet weights
    w = torch.ones(4, dtype=torch.float64, requires_grad=True)
    stepper = optimizer([w], lr=0.005, weight_decay=decay)
    for _ in range(100):
        stepper.zero_grad()
        loss = ((x * scales) @ w - t.double()).square().mean() + l2_penalty(w, penalty)
        loss.backward()
        stepper.step()
    return w.detach()


def test_weight_decay_is_the_penalty_for_sgd_with_and_without_momentum() -> None:
    for momentum in (0.0, 0.9):

        def sgd(params: list[Tensor], momentum: float = momentum, **options: float) -> SGD:
            return SGD(params, momentum=momentum, **options)

        torch.testing.assert_close(train(sgd, 0.2, 0.0), train(sgd, 0.0, 0.2))


def test_decoupled_decay_is_not_the_penalty_for_adam() -> None:
    penalized, decayed = train(Adam, 0.0, 0.2), train(AdamW, 0.2, 0.0)
    assert (penalized - decayed).abs().max() > 0.1
    # The quietest weight has a tiny gradient: the penalty moves it by a whole rate in each step.
    assert abs(decayed[3].item() - 1) < abs(penalized[3].item() - 1)


def test_only_matrices_decay() -> None:
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(8, 3))
    model[3].bias.requires_grad_(False)
    decayed, spared = decay_groups(model, 0.1)
    wanted = (model[0].weight, model[3].weight)
    assert all(p is q for p, q in zip(decayed["params"], wanted, strict=True))
    assert len(spared["params"]) == 3  # the convolution's bias, and the two of the normalisation
    assert (decayed["weight_decay"], spared["weight_decay"]) == (0.1, 0.0)
    optimizer = AdamW([decayed, spared], lr=0.5)
    before = [p.detach().clone() for p in model.parameters()]
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    for old, new in zip(before, model.parameters(), strict=True):
        factor = 1 - 0.5 * 0.1 if new.dim() > 1 else 1.0
        torch.testing.assert_close(new.detach(), factor * old)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: dropout(x, -0.1), ValueError, r"p must be at least 0.0, got -0.1"),
        (lambda x: dropout(x, 1.5, False), ValueError, r"p must be at most 1.0, got 1.5"),
        (lambda x: dropout(x, None), TypeError, "p must be a real number, got None"),
        (lambda x: dropout([1.0]), TypeError, "input must be a tensor, got a list"),
        (
            lambda x: dropout(x, generator=3),
            TypeError,
            "generator must be a torch.Generator, got 3",
        ),
        (lambda x: dropout1d(x[0]), ValueError, r"input must have shape \(N, C, T\) or \(C, T\)"),
        (
            lambda x: dropout2d(x),
            ValueError,
            r"input must have shape \(N, C, H, W\), got a float32",
        ),
        (lambda x: Dropout(2.0), ValueError, r"p must be at most 1.0, got 2.0"),
        (lambda x: Dropout2d(generator=1), TypeError, "generator must be a torch.Generator, got 1"),
        (lambda x: l2_penalty(x, -1.0), ValueError, r"weight must be at least 0.0, got -1.0"),
        (lambda x: l2_penalty([x, 1.0], 1.0), TypeError, r"parameters\[1\] must be a tensor"),
        (lambda x: l2_penalty(x.long(), 1.0), TypeError, r"parameters\[0\] must have a floating"),
        (
            lambda x: decay_groups(x, 1.0),
            TypeError,
            "module must be a torch.nn.Module, got a float",
        ),
        (lambda x: decay_groups(nn.Linear(1, 1), -1), ValueError, "weight_decay must be at least"),
    ],
)
def test_bad_arguments_are_refused(
    call: Callable[[Tensor], object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        call(torch.zeros(3, 2))
