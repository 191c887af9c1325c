"""Optimisers: step by step PyTorch's, states that go both ways, and what momentum is said to do."""

from __future__ import annotations

import copy
import itertools
import math
import pickle
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.optim import lr_scheduler

from handbook import optimizers
from handbook.optimizers import (
    SGD,
    Adagrad,
    Adam,
    AdamW,
    RMSprop,
    contraction_factor,
    momentum_matrix,
    optimal_momentum,
    optimizer_paths,
    settling_steps,
)
from handbook.schedules import warmup_cosine
from handbook.seeding import make_generator

INFINITY = float("inf")
NAMES = ("SGD", "Adagrad", "RMSprop", "Adam", "AdamW")
every_optimizer = pytest.mark.parametrize("name", NAMES)


def ours(name: str) -> Any:
    return getattr(optimizers, name)


def theirs(name: str) -> Any:
    return getattr(torch.optim, name)


def grid(**choices: tuple[Any, ...]) -> Iterator[dict[str, Any]]:
    for values in itertools.product(*choices.values()):
        yield dict(zip(choices, values, strict=True))


def option_sets() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every combination of the options of each optimiser."""
    decay = {"weight_decay": (0.0, 0.1), "maximize": (False, True)}
    for momentum, dampening, nesterov in (
        (0.0, 0.0, False), (0.9, 0.0, False), (0.9, 0.3, False), (0.9, 0.0, True),
    ):  # fmt: skip
        for rest in grid(**decay):
            yield "SGD", {
                "lr": 0.05, "momentum": momentum, "dampening": dampening, "nesterov": nesterov,
                **rest,
            }  # fmt: skip
    for options in grid(lr_decay=(0.0, 0.1), initial_accumulator_value=(0.0, 0.5), **decay):
        yield "Adagrad", {"lr": 0.05, **options}
    for options in grid(centered=(False, True), momentum=(0.0, 0.9), **decay):
        yield "RMSprop", {"lr": 0.005, "eps": 1e-6, "alpha": 0.9, **options}
    for options in grid(amsgrad=(False, True), betas=((0.9, 0.999), (0.0, 0.9)), **decay):
        yield "Adam", {"lr": 0.01, **options}
        yield "AdamW", {"lr": 0.01, **options}


def network(dtype: torch.dtype = torch.float64) -> nn.Sequential:
    net = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 3)).to(dtype)
    generator = make_generator(0)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) / 2)
    return net


def groups(net: nn.Sequential, lr: float) -> list[dict[str, Any]]:
    """Two groups; the second has a rate of its own."""
    return [{"params": net[0].parameters()}, {"params": net[2].parameters(), "lr": lr / 2}]


def backward(net: nn.Module, step: int, *, bounded: bool = True) -> Tensor:
    """Fill the gradients of one mini-batch that depends on the step."""
    generator = make_generator(step)
    dtype = next(net.parameters()).dtype
    inputs = torch.randn(8, 4, generator=generator).to(dtype)
    targets = torch.randn(8, 3, generator=generator).to(dtype)
    outputs = net(inputs)
    # Bounded, so that an optimiser that maximises does not run away.
    loss = (outputs - targets).tanh().square().mean() if bounded else outputs.sum()
    net.zero_grad()
    loss.backward()
    return loss.detach()


def train(
    make: Callable[..., Any],
    options: dict[str, Any],
    n_steps: int = 100,
    schedule: Callable[[Any], Any] | None = None,
) -> tuple[list[Tensor], Any]:
    """Return all parameters after every step, and the optimiser."""
    net = network()
    optimizer = make(groups(net, options["lr"]), **options)
    scheduler = None if schedule is None else schedule(optimizer)
    path = []
    for step in range(n_steps):
        backward(net, step)
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
        path.append(nn.utils.parameters_to_vector(net.parameters()).detach().clone())
    return path, optimizer


def assert_same(mine: Any, other: Any) -> None:
    torch.testing.assert_close(mine, other, rtol=1e-11, atol=1e-13)


def assert_same_state(mine: Any, other: Any) -> None:
    """All keys, shapes, dtypes and values of two states agree."""
    first, second = mine.state_dict(), other.state_dict()
    assert first.keys() == second.keys()
    assert first["state"].keys() == second["state"].keys()
    for key, entry in second["state"].items():
        assert first["state"][key].keys() == entry.keys()
        for name, value in entry.items():
            assert first["state"][key][name].dtype == value.dtype, name
            assert_same(first["state"][key][name], value)
    for group, other_group in zip(first["param_groups"], second["param_groups"], strict=True):
        assert group.keys() == other_group.keys()
        for name, value in other_group.items():
            assert group[name] == pytest.approx(value) if name == "lr" else group[name] == value


@pytest.mark.parametrize(("name", "options"), list(option_sets()))
def test_equals_pytorch_over_100_steps(name: str, options: dict[str, Any]) -> None:
    path, optimizer = train(ours(name), options)
    wanted, other = train(theirs(name), options)
    assert not torch.equal(path[0], path[-1])
    for point, target in zip(path, wanted, strict=True):
        assert_same(point, target)
    assert_same_state(optimizer, other)


@pytest.mark.parametrize(
    "schedule",
    [
        lambda optimizer: lr_scheduler.StepLR(optimizer, 30, 0.3),
        lambda optimizer: lr_scheduler.CosineAnnealingLR(optimizer, 100),
        lambda optimizer: lr_scheduler.LambdaLR(optimizer, lambda t: min(1.0, t / 10)),
        lambda optimizer: lr_scheduler.LambdaLR(
            optimizer, lambda t: warmup_cosine(t, n_warmup=10, n_steps=90)
        ),
        lambda optimizer: lr_scheduler.SequentialLR(
            optimizer,
            [lr_scheduler.LinearLR(optimizer), lr_scheduler.ExponentialLR(optimizer, 0.95)],
            [5],
        ),
    ],
    ids=["step", "cosine", "warmup", "warmup_cosine", "sequential"],
)
@every_optimizer
def test_works_with_pytorchs_schedulers(name: str, schedule: Callable[[Any], Any]) -> None:
    path, optimizer = train(ours(name), {"lr": 0.01}, schedule=schedule)
    wanted, other = train(theirs(name), {"lr": 0.01}, schedule=schedule)
    for point, target in zip(path, wanted, strict=True):
        assert_same(point, target)
    assert [group["lr"] for group in optimizer.param_groups] == pytest.approx(
        [group["lr"] for group in other.param_groups]
    )


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("SGD", {"momentum": 0.9}),
        ("SGD", {"momentum": 0.9, "nesterov": True}),
        ("RMSprop", {"momentum": 0.9}),
        ("Adam", {}),
        ("AdamW", {}),
    ],
)
def test_one_cycle_moves_the_momentum(name: str, options: dict[str, Any]) -> None:
    def one_cycle(optimizer: Any) -> Any:
        return lr_scheduler.OneCycleLR(optimizer, max_lr=0.02, total_steps=101)

    path, optimizer = train(ours(name), {"lr": 0.01, **options}, schedule=one_cycle)
    wanted, _ = train(theirs(name), {"lr": 0.01, **options}, schedule=one_cycle)
    for point, target in zip(path, wanted, strict=True):
        assert_same(point, target)
    group = optimizer.param_groups[0]
    moved = group["betas"][0] if "betas" in group else group["momentum"]
    assert moved == pytest.approx(0.95, abs=1e-3)


@pytest.mark.parametrize("to_pytorch", [False, True])
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("SGD", {}),
        ("SGD", {"momentum": 0.9, "nesterov": True}),
        ("Adagrad", {"lr_decay": 0.1}),
        ("RMSprop", {"centered": True, "momentum": 0.5}),
        ("Adam", {"amsgrad": True}),
        ("AdamW", {"weight_decay": 0.3}),
    ],
)
def test_a_state_goes_both_ways(name: str, options: dict[str, Any], to_pytorch: bool) -> None:
    options = {"lr": 0.01, **options}
    first, second = (ours(name), theirs(name)) if to_pytorch else (theirs(name), ours(name))
    net = network()
    optimizer = first(groups(net, 0.01), **options)
    for step in range(10):
        backward(net, step)
        optimizer.step()
    saved = copy.deepcopy(optimizer.state_dict())
    resumed_net = copy.deepcopy(net)
    resumed = second(groups(resumed_net, 1.0), lr=1.0)  # the state brings its own options
    resumed.load_state_dict(saved)
    assert_same_state(resumed, optimizer)
    for step in range(10, 20):
        for model, stepper in ((net, optimizer), (resumed_net, resumed)):
            backward(model, step)
            stepper.step()
    for mine, other in zip(resumed_net.parameters(), net.parameters(), strict=True):
        assert_same(mine, other)
    resumed_net.zero_grad()
    back = first(groups(resumed_net, 1.0), lr=1.0)
    back.load_state_dict(resumed.state_dict())
    assert_same_state(back, optimizer)


def test_a_state_made_on_a_capturable_step_goes_on() -> None:
    net = network()
    other = torch.optim.Adam(net.parameters(), lr=0.01, fused=True)
    backward(net, 0)
    other.step()
    resumed = Adam(net.parameters())
    resumed.load_state_dict(other.state_dict())
    assert resumed.param_groups[0]["fused"] is None
    resumed.step()
    assert resumed.state_dict()["state"][0]["step"].item() == 2


def test_adamw_decouples_whatever_state_it_loads() -> None:
    net = network()
    optimizer = AdamW(net.parameters())
    optimizer.load_state_dict(Adam(net.parameters()).state_dict())
    assert optimizer.param_groups[0]["decoupled_weight_decay"] is True


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
@every_optimizer
def test_equals_pytorch_in_every_dtype(name: str, dtype: torch.dtype) -> None:
    results = []
    for make in (ours(name), theirs(name)):
        net = network(dtype)
        optimizer = make(net.parameters(), lr=0.01, weight_decay=0.1)
        for step in range(10):
            backward(net, step)
            optimizer.step()
        results.append(nn.utils.parameters_to_vector(net.parameters()).detach())
    assert results[0].dtype == dtype
    # eps = 1e-8 is 0 in float16: a gradient of 0 makes 0 / 0 in both.
    torch.testing.assert_close(*results, equal_nan=True)


@every_optimizer
def test_equals_pytorch_for_complex_parameters(name: str) -> None:
    results = []
    extra = {"momentum": 0.9} if name in ("SGD", "RMSprop") else {}
    extra |= {"centered": True} if name == "RMSprop" else {}
    extra |= {"initial_accumulator_value": 0.5} if name == "Adagrad" else {}
    extra |= {"amsgrad": True} if name.startswith("Adam") else {}
    for make in (ours(name), theirs(name)):
        z = torch.tensor([1 + 2j, -0.5j, 0.0], dtype=torch.complex128, requires_grad=True)
        optimizer = make([z], lr=0.05, weight_decay=0.1, **extra)
        for _ in range(20):
            optimizer.zero_grad()
            ((z - (2 - 1j)).abs() ** 2).sum().backward()
            optimizer.step()
        results.append((z.detach(), optimizer))
    assert_same(results[0][0], results[1][0])
    assert_same_state(results[0][1], results[1][1])


@every_optimizer
def test_keeps_the_memory_layout_and_takes_empty_and_zero_dimensional_parameters(name: str) -> None:
    results = []
    for make in (ours(name), theirs(name)):
        image = torch.ones(2, 3, 4, 4).to(memory_format=torch.channels_last).requires_grad_()
        strided = torch.ones(6, 4).t()[::2].requires_grad_()
        empty = torch.ones(0, 3, requires_grad=True)
        number = torch.tensor(1.0, requires_grad=True)
        params = [image, strided, empty, number]
        optimizer = make(params, lr=0.1)
        for _ in range(3):
            optimizer.zero_grad()
            torch.stack([(p**2).sum() for p in params]).sum().backward()
            optimizer.step()
        assert image.is_contiguous(memory_format=torch.channels_last)
        results.append([p.detach() for p in params])
    assert_same(*results)


@every_optimizer
def test_refuses_pytorchs_switches_and_unknown_arguments(name: str) -> None:
    parameter = torch.zeros(1, requires_grad=True)
    for switch in ("foreach", "fused", "capturable", "differentiable"):
        with pytest.raises(TypeError, match=switch):
            ours(name)([parameter], **{switch: True})
    with pytest.raises(ValueError, match="foreach must be left out, got True; this optimiser has"):
        ours(name)([{"params": [parameter], "foreach": True}])


def test_arguments_have_pytorchs_order_and_defaults() -> None:
    import inspect

    switches = {"foreach", "fused", "capturable", "differentiable"}
    for name in NAMES:
        mine = dict(inspect.signature(ours(name)).parameters)
        other = {
            key: value
            for key, value in inspect.signature(theirs(name)).parameters.items()
            if key not in switches
        }
        assert set(mine) == set(other)
        positional = [k for k, v in mine.items() if v.kind == v.POSITIONAL_OR_KEYWORD]
        assert list(other)[: len(positional)] == positional
        assert {k: v.default for k, v in mine.items()} == {k: v.default for k, v in other.items()}


@every_optimizer
def test_passes_over_parameters_without_a_gradient(name: str) -> None:
    used, unused = (torch.ones(2, requires_grad=True) for _ in range(2))
    optimizer = ours(name)([used, unused], lr=0.1, weight_decay=0.1)
    used.sum().backward()
    optimizer.step()
    assert unused.tolist() == [1.0, 1.0]
    assert used.tolist() != [1.0, 1.0]
    if name != "Adagrad":  # whose state PyTorch makes at once
        assert unused not in optimizer.state


@every_optimizer
def test_calls_the_closure_once_with_gradients_on_and_returns_its_loss(name: str) -> None:
    x = torch.tensor(1.0, requires_grad=True)
    optimizer = ours(name)([x], lr=0.1)
    calls = []

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = x**2
        loss.backward()
        calls.append(torch.is_grad_enabled())
        return loss

    with torch.no_grad():
        assert optimizer.step(closure).item() == 1.0
    assert calls == [True]
    assert x.item() < 1.0
    assert optimizer.step() is None


@every_optimizer
def test_add_param_group_trains_the_new_parameters_too(name: str) -> None:
    x, y = (torch.ones(1, requires_grad=True) for _ in range(2))
    optimizer = ours(name)([x], lr=0.1)
    optimizer.add_param_group({"params": y, "lr": 0.2})
    (x + y).backward()
    optimizer.step()
    assert y.item() < x.item() < 1.0
    with pytest.raises(ValueError, match=r"lr must be at least 0.0, got -1"):
        optimizer.add_param_group({"params": torch.ones(1, requires_grad=True), "lr": -1})
    assert len(optimizer.param_groups) == 2
    with pytest.raises(ValueError, match="more than one parameter group"):
        optimizer.add_param_group({"params": [x]})
    with pytest.raises(TypeError, match="param_group must be a dict"):
        optimizer.add_param_group([x])


@every_optimizer
def test_a_rate_may_be_a_tensor_that_changes(name: str) -> None:
    results = []
    for lr in (
        0.1,
        torch.tensor(0.1, dtype=torch.float64),
        torch.tensor([0.1], dtype=torch.float64),
    ):
        x = torch.tensor([1.0, -2.0], dtype=torch.float64, requires_grad=True)
        optimizer = ours(name)([x], lr=lr)
        for _ in range(5):
            optimizer.zero_grad()
            (x**2).sum().backward()
            optimizer.step()
        if isinstance(lr, Tensor):
            lr.zero_()
            before = x.detach().clone()
            optimizer.step()
            assert torch.equal(x.detach(), before)
        results.append(x.detach().clone())
    assert_same(results[0], results[1])
    assert_same(results[0], results[2])


@every_optimizer
def test_refuses_sparse_gradients(name: str) -> None:
    table = nn.Embedding(4, 2, sparse=True)
    optimizer = ours(name)(table.parameters())
    table(torch.tensor([1])).sum().backward()
    with pytest.raises(
        RuntimeError, match=rf"{name} must have dense gradients, got a sparse one .* \(4, 2\); use"
    ):
        optimizer.step()


@every_optimizer
def test_refuses_what_pytorch_refuses(name: str) -> None:
    with pytest.raises(ValueError, match="empty parameter list"):
        ours(name)([])
    with pytest.raises(TypeError, match="iterable"):
        ours(name)(torch.zeros(1, requires_grad=True))
    x = torch.zeros(1, requires_grad=True)
    with pytest.raises(ValueError, match="non-leaf"):
        ours(name)([x * 2])
    with pytest.raises(ValueError, match=r"lr must be at least 0.0, got -0.1"):
        ours(name)([x], lr=-0.1)
    with pytest.raises(ValueError, match="lr must be a number, got nan"):
        ours(name)([x], lr=math.nan)
    with pytest.raises(TypeError, match="lr must be a real number, got 'fast'"):
        ours(name)([x], lr="fast")
    with pytest.raises(TypeError, match="lr must be a real number, got True"):
        ours(name)([x], lr=True)
    with pytest.raises(ValueError, match=r"lr must be a number or hold 1 element, got a float32"):
        ours(name)([x], lr=torch.ones(2))
    with pytest.raises(ValueError, match=r"weight_decay must be at least 0.0, got -1"):
        ours(name)([x], weight_decay=-1)


@pytest.mark.parametrize(
    ("name", "option"),
    [
        ("SGD", "momentum"), ("Adagrad", "lr_decay"), ("Adagrad", "initial_accumulator_value"),
        ("Adagrad", "eps"), ("RMSprop", "momentum"), ("RMSprop", "alpha"), ("RMSprop", "eps"),
        ("Adam", "eps"), ("AdamW", "eps"),
    ],
)  # fmt: skip
def test_refuses_options_below_zero(name: str, option: str) -> None:
    x = torch.zeros(1, requires_grad=True)
    with pytest.raises(ValueError, match=f"{option} must be at least 0.0, got -0.5"):
        ours(name)([x], **{option: -0.5})
    with pytest.raises(ValueError, match=r"[Ii]nvalid"):
        theirs(name)([x], **{option: -0.5})


@pytest.mark.parametrize("make", [Adam, AdamW])
def test_refuses_betas_out_of_bounds(make: Any) -> None:
    x = torch.zeros(1, requires_grad=True)
    with pytest.raises(ValueError, match=r"betas\[0\] must be below 1.0, got 1.0"):
        make([x], betas=(1.0, 0.9))
    with pytest.raises(ValueError, match=r"betas\[1\] must be at least 0.0, got -0.1"):
        make([x], betas=(0.9, -0.1))
    with pytest.raises(ValueError, match=r"betas must be two numbers such as .* got 0.9"):
        make([x], betas=0.9)
    with pytest.raises(ValueError, match="betas must be two numbers"):
        make([x], betas=(0.9,))
    with pytest.raises(ValueError, match=r"betas\[1\] must be below 1.0"):
        make([{"params": [x], "betas": (0.9, 1.0)}])


def test_refuses_nesterov_without_momentum_or_with_dampening() -> None:
    x = torch.zeros(1, requires_grad=True)
    for options in ({}, {"momentum": 0.9, "dampening": 0.1}):
        with pytest.raises(ValueError, match="nesterov must come with momentum above 0"):
            SGD([x], nesterov=True, **options)
    with pytest.raises(TypeError, match="dampening must be a real number, got None"):
        SGD([x], dampening=None)


def test_takes_numpys_numbers() -> None:
    x = torch.ones(1, requires_grad=True)
    optimizer = SGD([x], lr=np.float32(0.5))
    x.sum().backward()
    optimizer.step()
    assert x.item() == 0.5


@every_optimizer
def test_survives_pickling_and_copying(name: str) -> None:
    x = torch.ones(2, requires_grad=True)
    optimizer = ours(name)([x], lr=0.1)
    (x**2).sum().backward()
    optimizer.step()
    for copied in (pickle.loads(pickle.dumps(optimizer)), copy.deepcopy(optimizer)):
        assert copied.param_groups[0]["lr"] == 0.1
        copied.step()


def test_options_may_be_switched_on_in_the_middle() -> None:
    x = torch.ones(2, requires_grad=True)
    for make, change in (
        (SGD, {"momentum": 0.9}),
        (RMSprop, {"momentum": 0.9, "centered": True}),
        (Adam, {"amsgrad": True}),
    ):
        optimizer = make([x], lr=0.1)
        x.grad = torch.ones(2)
        optimizer.step()
        optimizer.param_groups[0].update(change)
        optimizer.step()
        assert x.isfinite().all()


def test_the_old_form_of_a_step_count_is_no_obstacle() -> None:
    x = torch.ones(2, requires_grad=True)
    for make in (Adam, RMSprop, Adagrad):
        optimizer = make([x], lr=0.1)
        x.grad = torch.ones(2)
        optimizer.step()
        saved = copy.deepcopy(optimizer.state_dict())
        saved["state"][0]["step"] = 1  # as PyTorch wrote it before 1.12
        del saved["param_groups"][0]["maximize"]
        optimizer.load_state_dict(saved)
        optimizer.step()
        assert optimizer.state[x]["step"].item() == 2


def test_the_first_step_of_adam_is_the_sign_times_the_rate() -> None:
    gradient = torch.tensor([1e8, 1.0, -1e-4, 0.0], dtype=torch.float64)
    x = torch.zeros(4, dtype=torch.float64, requires_grad=True)
    x.grad = gradient
    Adam([x], lr=0.1).step()
    torch.testing.assert_close(x.detach(), -0.1 * gradient.sign(), rtol=1e-3, atol=0)


def test_adam_does_not_see_the_scale_of_the_loss_and_sgd_does() -> None:
    ends = {}
    for make in (Adam, SGD):
        for scale in (1.0, 100.0):
            x = torch.tensor([1.0, -2.0], dtype=torch.float64, requires_grad=True)
            optimizer = make([x], lr=1e-3)
            for _ in range(10):
                optimizer.zero_grad()
                (scale * (x**2).sum()).backward()
                optimizer.step()
            ends[make, scale] = x.detach()
    torch.testing.assert_close(ends[Adam, 1.0], ends[Adam, 100.0], rtol=1e-6, atol=0)
    assert (ends[SGD, 1.0] - ends[SGD, 100.0]).abs().max() > 0.1


def test_weight_decay_and_the_squared_penalty_agree_for_sgd_only() -> None:
    for make, equal in ((SGD, True), (Adam, False), (AdamW, False)):
        ends = []
        for penalty in (False, True):
            x = torch.tensor([1.0, 100.0], dtype=torch.float64, requires_grad=True)
            optimizer = make([x], lr=0.01, weight_decay=0.0 if penalty else 0.1)
            for step in range(20):
                optimizer.zero_grad()
                loss = ((x - step % 3) ** 2).sum()
                (loss + 0.05 * (x**2).sum() if penalty else loss).backward()
                optimizer.step()
            ends.append(x.detach())
        close = torch.allclose(*ends, rtol=1e-9)
        assert close == (equal or make is Adam)


# ---- momentum on a quadratic -------------------------------------------------------------------


def walk(curvatures: tuple[float, ...], n_steps: int, **options: Any) -> Tensor:
    """Return all points of SGD on a quadratic, from ones, in float64."""
    scale = torch.tensor(curvatures, dtype=torch.float64)
    x = torch.ones_like(scale).requires_grad_()
    optimizer = SGD([x], **options)
    points = [x.detach().clone()]
    for _ in range(n_steps):
        x.grad = scale * x.detach()
        optimizer.step()
        points.append(x.detach().clone())
    return torch.stack(points)


@pytest.mark.parametrize("curvature", [0.5, 1.0, 20.0])
@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9])
def test_the_matrix_is_one_step_of_sgd(curvature: float, momentum: float) -> None:
    path = walk((curvature,), 10, lr=0.07, momentum=momentum)[:, 0]
    matrix = momentum_matrix(curvature, lr=0.07, momentum=momentum)
    pair = torch.tensor([1.0, 1.0], dtype=torch.float64)  # at rest before the first step
    for point in path[1:]:
        pair = matrix @ pair
        assert pair[0].item() == pytest.approx(point.item(), abs=1e-12)
    eigenvalues = torch.linalg.eigvals(matrix).abs().max().item()
    factor = contraction_factor(curvature, lr=0.07, momentum=momentum)
    assert factor == pytest.approx(eigenvalues, abs=1e-9)


def test_momentum_converges_up_to_its_limit_and_not_beyond() -> None:
    limit = 2 * (1 + 0.5) / 4.0
    below = walk((4.0,), 400, lr=0.97 * limit, momentum=0.5)
    beyond = walk((4.0,), 400, lr=1.03 * limit, momentum=0.5)
    assert contraction_factor(4.0, lr=0.97 * limit, momentum=0.5) < 1
    assert contraction_factor(4.0, lr=1.03 * limit, momentum=0.5) > 1
    assert below[-1].abs() < 1e-3
    assert beyond[-1].abs() > 1e3


@pytest.mark.parametrize("condition", [4.0, 100.0, 2500.0])
def test_the_best_momentum_is_the_best(condition: float) -> None:
    def slowest(lr: float, momentum: float) -> float:
        return max(contraction_factor(c, lr=lr, momentum=momentum) for c in (1.0, condition))

    lr, momentum = optimal_momentum(1.0, condition)
    root = math.sqrt(condition)
    # A double eigenvalue: an error of 1e-16 in the discriminant is one of 1e-8 in the factor.
    assert slowest(lr, momentum) == pytest.approx((root - 1) / (root + 1), abs=1e-7)
    for change in (0.98, 1.02):
        assert slowest(lr * change, momentum) > slowest(lr, momentum) + 1e-6
        if change * momentum < 1:
            assert slowest(lr, momentum * change) > slowest(lr, momentum) + 1e-6


def test_momentum_needs_the_root_of_the_steps() -> None:
    for condition in (100.0, 10_000.0):
        lr, momentum = optimal_momentum(1.0, condition)
        rate = 2 / (1 + condition)
        n_steps = int(12 * math.sqrt(condition))
        fast = walk((1.0, condition), n_steps, lr=lr, momentum=momentum)[-1].norm()
        slow = walk((1.0, condition), n_steps, lr=rate)[-1].norm()
        assert fast < 1e-3 < slow


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: momentum_matrix(math.nan, lr=1.0, momentum=0.0), ValueError, "curvature must be"),
        (lambda: momentum_matrix(1.0, lr=0.0, momentum=0.0), ValueError, "lr must be above 0.0"),
        (lambda: momentum_matrix(1.0, lr=1.0, momentum=-1.0), ValueError, "momentum must be at le"),
        (lambda: contraction_factor("1", lr=1.0, momentum=0.0), TypeError, "curvature must be a r"),
        (lambda: optimal_momentum(0.0, 1.0), ValueError, "smallest must be above 0.0, got 0.0"),
        (lambda: optimal_momentum(2.0, 1.0), ValueError, "largest must be at least 2.0, got 1.0"),
    ],
)
def test_refuses_bad_curvatures(call: Any, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_a_race_walks_every_rate_as_alone() -> None:
    start = torch.tensor([1.0, -2.0], dtype=torch.float64)
    curvatures = torch.tensor([1.0, 9.0], dtype=torch.float64)
    rates = [0.01, 0.1]
    paths = optimizer_paths(
        lambda points: points * curvatures, start, Adam, rates=rates, n_steps=5, betas=(0.5, 0.9)
    )
    assert paths.shape == (6, 2, 2)
    for i, rate in enumerate(rates):
        alone = optimizer_paths(
            lambda points: points * curvatures, start, torch.optim.Adam,
            rates=[rate], n_steps=5, betas=(0.5, 0.9),
        )  # fmt: skip
        assert_same(paths[:, i], alone[:, 0])
    assert start.tolist() == [1.0, -2.0]
    assert optimizer_paths(lambda p: p, start, SGD, rates=[1.0], n_steps=0).shape == (1, 1, 2)


def test_a_walk_has_settled_when_it_stays_below() -> None:
    values = torch.tensor([[5.0, 0.0, 5.0, 5.0], [1.0, 0.0, math.nan, 1.0], [3.0, 0.0, 1.0, 1.0]])
    assert settling_steps(values, level=2.0).tolist() == [INFINITY, 0.0, 2.0, 1.0]
    assert settling_steps(values[:, 0], level=4.0).item() == 1.0


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: optimizer_paths(abs, x[None], SGD, rates=[1.0], n_steps=1), ValueError, "start"),
        (lambda x: optimizer_paths(abs, x, SGD, rates=[], n_steps=1), ValueError, "rates must hol"),
        (lambda x: optimizer_paths(abs, x, SGD, rates=[1.0], n_steps=-1), ValueError, "n_steps mu"),
        (lambda x: optimizer_paths(abs, [1.0], SGD, rates=[1.0], n_steps=1), TypeError, "start mu"),
        (lambda x: settling_steps(x[0], level=1.0), ValueError, r"values must have shape \(T \+ 1"),
        (lambda x: settling_steps(x, level="low"), TypeError, "level must be a real number"),
    ],
)
def test_refuses_bad_races(call: Any, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        call(torch.ones(2))


@every_optimizer
def test_a_step_takes_no_longer_than_pytorchs(name: str) -> None:
    """At most 1.5 times PyTorch's default; the best of several rounds, so that load counts less."""

    def seconds(make: Any) -> float:
        params = [torch.ones(64, 64, requires_grad=True) for _ in range(20)]
        for parameter in params:
            parameter.grad = torch.ones(64, 64)
        optimizer = make(params, lr=1e-3)
        optimizer.step()
        start = time.process_time()
        for _ in range(30):
            optimizer.step()
        return time.process_time() - start

    rounds = [(seconds(ours(name)), seconds(theirs(name))) for _ in range(7)]
    assert min(mine for mine, _ in rounds) < 1.5 * min(other for _, other in rounds)
