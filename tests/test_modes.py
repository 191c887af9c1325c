"""Modes: evaluation is left as it was entered; frozen means that nothing moves."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from handbook.modes import evaluation_mode, freeze, unfreeze
from handbook.seeding import make_generator


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 1))


def inputs() -> torch.Tensor:
    return torch.randn(6, 3, generator=make_generator(0))


def modes(model: nn.Module) -> list[bool]:
    return [module.training for module in model.modules()]


def test_each_module_is_in_its_own_mode_again() -> None:
    model = network()
    model[1].eval()
    before = modes(model)
    with evaluation_mode(model) as same:
        assert same is model
        assert not any(modes(model))
    assert modes(model) == before
    assert before.count(False) == 1


def test_modes_come_back_after_an_error() -> None:
    model = network()
    with pytest.raises(KeyError), evaluation_mode(model):
        raise KeyError
    assert all(modes(model))
    assert not torch.is_inference_mode_enabled()


def test_evaluation_is_repeatable_records_nothing_and_changes_nothing() -> None:
    model, x = network(), inputs()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with evaluation_mode(model):
        first, second = model(x), model(x)
    assert torch.equal(first, second)
    assert not first.requires_grad
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert not torch.equal(model(x), model(x))  # the other side: dropout draws


def test_eval_freezes_nothing_and_freeze_evaluates_nothing() -> None:
    model = network().eval()
    model(inputs()).sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())
    model = freeze(network())  # type: ignore[assignment]
    assert model.training
    mean = model[1].running_mean.clone()
    model(inputs())
    assert not torch.equal(model[1].running_mean, mean)


@pytest.mark.parametrize("optimizer", ["SGD", "Adam", "AdamW"])
def test_a_frozen_part_does_not_move(optimizer: str) -> None:
    model, x = network(), inputs()
    options = {"lr": 0.1, "weight_decay": 0.1, **({"momentum": 0.9} if optimizer == "SGD" else {})}
    steps = getattr(torch.optim, optimizer)(model.parameters(), **options)
    model(x).sum().backward()
    steps.step()
    frozen, other = model[0].weight.clone(), model[3].weight.clone()
    freeze(model[0])
    for _ in range(3):
        model(x).sum().backward()
        steps.step()
    assert torch.equal(model[0].weight, frozen)
    assert not torch.equal(model[3].weight, other)


def test_a_kept_gradient_would_move_it() -> None:
    """The other side: requires_grad_(False) alone leaves the old gradient to the optimizer."""
    model = nn.Linear(1, 1)
    steps = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    model(torch.ones(1, 1)).sum().backward()
    model.requires_grad_(False)
    before = model.weight.clone()
    steps.step()
    assert not torch.equal(model.weight, before)


def test_unfreeze_lets_everything_learn_again() -> None:
    model = unfreeze(freeze(network()))
    model(inputs()).sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


@pytest.mark.parametrize("function", [freeze, unfreeze, lambda x: evaluation_mode(x).__enter__()])
def test_only_modules_are_taken(function: object) -> None:
    with pytest.raises(TypeError, match=r"model must be a torch.nn.Module, got a float32 tensor"):
        function(torch.ones(1))  # type: ignore[operator]
