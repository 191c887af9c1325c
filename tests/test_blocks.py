"""Blocks: sums and joins of paths, equal to their formulas, and refused where they do not fit."""

from __future__ import annotations

import copy
from collections import OrderedDict
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from handbook.blocks import Inception, Residual
from handbook.layers import Conv2d
from handbook.seeding import make_generator


def draw(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(shape, generator=make_generator(seed), dtype=dtype)


class Twice(nn.Module):
    """Changes its input in place."""

    def forward(self, input: Tensor) -> Tensor:
        return input.mul_(2)


class Pair(nn.Module):
    def forward(self, input: Tensor) -> tuple[Tensor, Tensor]:
        return input, input


class Double(nn.Module):
    def forward(self, input: Tensor) -> Tensor:
        return torch.cat([input, input])


# ---- Residual ----------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_with_zero_weights_the_block_is_the_identity(
    dtype: torch.dtype, device: torch.device
) -> None:
    branch = nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 3)).to(device, dtype)
    for parameter in branch.parameters():
        nn.init.zeros_(parameter)
    x = draw(7, 3, dtype=torch.float32).to(device, dtype)
    assert x.min() < 0
    assert torch.equal(Residual(branch)(x), x)


def test_with_other_weights_it_is_not() -> None:
    x = draw(7, 3)
    block = Residual(nn.Linear(3, 3, dtype=torch.float64))
    assert not torch.allclose(block(x), x)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("normalize", [True, False])
def test_a_fresh_convolutional_block_is_the_identity(normalize: bool, training: bool) -> None:
    block = Residual.convolutional(4, normalize=normalize, generator=make_generator(0))
    x = draw(3, 4, 5, 7, dtype=torch.float32)
    assert torch.equal(block.train(training)(x), x)


def test_a_relu_after_the_sum_would_not_be_the_identity() -> None:
    x = draw(3, 4, 5, 5, dtype=torch.float32)
    block = Residual.convolutional(4)
    assert not torch.equal(torch.relu(block(x)), x)


@pytest.mark.parametrize("scale", [1.0, 0.5, 0.0, -2.0])
def test_the_block_is_the_sum_of_its_paths_forward_and_backward(
    scale: float, device: torch.device
) -> None:
    branch = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)).to(device).double()
    shortcut = nn.Linear(3, 2, bias=False, device=device, dtype=torch.float64)
    block = Residual(branch, shortcut, scale=scale)
    x = draw(6, 3).to(device).requires_grad_()
    wanted = shortcut(x) + scale * branch(x)
    torch.testing.assert_close(block(x), wanted)
    upstream = draw(6, 2, seed=1).to(device)
    leaves = (x, *block.parameters())
    mine = torch.autograd.grad(block(x), leaves, upstream)
    theirs = torch.autograd.grad(wanted, leaves, upstream)
    for a, b in zip(mine, theirs, strict=True):
        torch.testing.assert_close(a, b)


def test_the_gradient_is_that_of_the_shortcut_plus_that_of_the_branch() -> None:
    weight = draw(4, 4)
    linear = nn.Linear(4, 4, bias=False, dtype=torch.float64)
    linear.weight.data.copy_(weight)
    x, upstream = draw(1, 4, seed=1).requires_grad_(), draw(1, 4, seed=2)
    (gradient,) = torch.autograd.grad(Residual(linear)(x), x, upstream)
    torch.testing.assert_close(gradient, upstream @ (torch.eye(4) + weight))


def test_the_gradient_passes_a_branch_that_passes_nothing() -> None:
    class Dead(nn.Module):
        def forward(self, input: Tensor) -> Tensor:
            return torch.relu(input - 1e9)

    x, upstream = draw(2, 4).requires_grad_(), draw(2, 4, seed=2)
    (gradient,) = torch.autograd.grad(Residual(Dead())(x), x, upstream)
    assert torch.equal(gradient, upstream)
    (without,) = torch.autograd.grad(Dead()(x), x, upstream)
    assert not without.any()


@pytest.mark.parametrize("normalize", [True, False])
def test_the_convolutional_block_passes_gradcheck(normalize: bool) -> None:
    block = Residual.convolutional(
        2, 3, stride=2, normalize=normalize, zero_init=False, dtype=torch.float64
    )
    assert torch.autograd.gradcheck(block, draw(2, 2, 4, 4).requires_grad_())


@pytest.mark.parametrize(
    ("channels", "stride", "size", "wanted"),
    [
        ((4, 4), 1, (6, 7), (4, 6, 7)),
        ((4, 8), 1, (6, 7), (8, 6, 7)),
        ((4, 4), 2, (6, 7), (4, 3, 4)),
        ((4, 8), 2, (7, 7), (8, 4, 4)),
        ((4, 8), 3, (7, 8), (8, 3, 3)),
        ((4, 8), 2, (1, 1), (8, 1, 1)),
    ],
)
@pytest.mark.parametrize("kernel_size", [1, 3, 5])
def test_the_shortcut_follows_the_branch_to_its_shape(
    channels: tuple[int, int],
    stride: int,
    size: tuple[int, int],
    wanted: tuple[int, int, int],
    kernel_size: int,
) -> None:
    block = Residual.convolutional(*channels, kernel_size, stride, normalize=False)
    assert block(torch.zeros(2, channels[0], *size)).shape == (2, *wanted)
    same = channels[0] == channels[1] and stride == 1
    assert isinstance(block.shortcut, nn.Identity if same else Conv2d)


@pytest.mark.parametrize("shape", [(0, 4, 6, 6), (4, 6, 6)])
def test_an_empty_batch_and_a_single_image_go_through(shape: tuple[int, ...]) -> None:
    block = Residual.convolutional(4, normalize=False)
    assert block(torch.zeros(shape)).shape == shape


def test_the_block_is_the_sum_of_pytorch_s_layers() -> None:
    block = Residual.convolutional(3, 5, stride=2, zero_init=False, generator=make_generator(1))
    twin = nn.Sequential(
        nn.Conv2d(3, 5, 3, 2, 1, bias=False),
        nn.BatchNorm2d(5),
        nn.ReLU(),
        nn.Conv2d(5, 5, 3, 1, 1, bias=False),
        nn.BatchNorm2d(5),
    )
    projection = nn.Conv2d(3, 5, 1, 2)
    twin.load_state_dict(block.branch.state_dict())
    projection.load_state_dict(block.shortcut.state_dict())
    x = draw(4, 3, 8, 8, dtype=torch.float32)
    torch.testing.assert_close(block(x), twin(x) + projection(x))


def test_the_generator_decides_and_the_global_one_is_left_alone() -> None:
    torch.manual_seed(0)
    before = torch.get_rng_state()
    first, second = (
        Residual.convolutional(2, 4, generator=make_generator(3)).state_dict() for _ in range(2)
    )
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize(
    ("branch", "shortcut", "message"),
    [
        (
            nn.Conv2d(4, 8, 3, padding=1),
            None,
            (
                r"got \(2, 8, 6, 6\) from the branch Conv2d and \(2, 4, 6, 6\) from the shortcut "
                r"Identity; use shortcut=Conv2d\(4, 8, kernel_size=1\)$"
            ),
        ),
        (
            nn.Conv2d(4, 8, 3, stride=2, padding=1),
            None,
            r"\(2, 8, 3, 3\).*use shortcut=Conv2d\(4, 8, kernel_size=1, stride=2\)$",
        ),
        (nn.Conv2d(4, 4, 3), None, r"\(2, 4, 4, 4\).*; pad the branch so that it keeps the size$"),
        (nn.Conv2d(4, 1, 3, padding=1), None, r"\(2, 1, 6, 6\).*Conv2d\(4, 1, kernel_size=1\)$"),
        (nn.Flatten(), None, r"got \(2, 144\) from the branch Flatten and \(2, 4, 6, 6\)"),
        (
            nn.Identity(),
            nn.Conv2d(4, 8, 1),
            r"\(2, 4, 6, 6\) from the branch Identity and \(2, 8, 6, 6\) from the shortcut Conv2d",
        ),
        (Double(), None, r"got \(4, 4, 6, 6\) from the branch Double and \(2, 4, 6, 6\)"),
    ],
)
def test_paths_of_different_shapes_are_refused(
    branch: nn.Module, shortcut: nn.Module | None, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Residual(branch, shortcut)(torch.zeros(2, 4, 6, 6))


def test_the_shortcut_that_the_message_names_fits() -> None:
    for size in range(1, 10):
        for stride in range(1, 5):
            branch = nn.Conv2d(2, 3, 3, stride=stride, padding=1)
            x = torch.zeros(1, 2, size, size)
            with pytest.raises(ValueError, match="use shortcut=") as caught:
                Residual(branch)(x)
            shortcut = eval(str(caught.value).rpartition("shortcut=")[2], {"Conv2d": Conv2d})
            assert Residual(branch, shortcut)(x).shape == branch(x).shape


@pytest.mark.parametrize("requires_grad", [True, False])
def test_a_branch_that_works_in_place_is_refused(requires_grad: bool) -> None:
    x = torch.ones(3, requires_grad=requires_grad) * 1
    with pytest.raises(ValueError, match=r"but Twice has changed it in place; use nn\.ReLU\("):
        Residual(Twice())(x)
    with pytest.raises(ValueError, match="Sequential has changed it in place"):
        Residual(nn.Sequential(nn.ReLU(inplace=True), nn.Linear(3, 3)))(torch.ones(2, 3) * 1)
    later = nn.Sequential(nn.Linear(3, 3), nn.ReLU(inplace=True))  # its own numbers only
    assert Residual(later)(torch.ones(2, 3)).shape == (2, 3)


def test_it_runs_in_inference_mode_and_in_copies() -> None:
    with torch.inference_mode():
        x = torch.ones(2, 3)
        assert torch.equal(Residual(nn.Identity())(x), 2 * x)
    block = copy.deepcopy(Residual.convolutional(2, 4, stride=2))
    assert list(block.state_dict()) == list(Residual.convolutional(2, 4, stride=2).state_dict())


def test_a_scale_is_printed_where_it_is_not_one() -> None:
    assert "scale=0.5" in repr(Residual(nn.Identity(), scale=0.5))
    assert "scale" not in repr(Residual(nn.Identity()))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"branch": 3}, TypeError, r"branch must be a torch\.nn\.Module, got 3"),
        ({"branch": nn.ReLU}, TypeError, r"got the class ReLU; use ReLU\(\.\.\.\)"),
        (
            {"branch": nn.ReLU(), "shortcut": torch.relu},
            TypeError,
            r"shortcut must be a torch\.nn\.Module",
        ),
        ({"branch": nn.ReLU(), "scale": "1"}, TypeError, "scale must be"),
        ({"branch": nn.ReLU(), "scale": float("nan")}, ValueError, "scale must be"),
        ({"branch": nn.ReLU(), "scale": float("inf")}, ValueError, "scale must be"),
    ],
)
def test_a_residual_block_refuses(
    arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        Residual(**arguments)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"in_channels": 0}, ValueError, "in_channels must be at least 1"),
        ({"in_channels": 2.0}, TypeError, "in_channels must be"),
        ({"in_channels": 2, "out_channels": 0}, ValueError, "out_channels must be at least 1"),
        ({"in_channels": 2, "stride": 0}, ValueError, "stride must be at least 1"),
        ({"in_channels": 2, "kernel_size": 0}, ValueError, "kernel_size must be at least 1"),
        (
            {"in_channels": 2, "kernel_size": 4},
            ValueError,
            "kernel_size must be odd, so that the padding keeps the size, got 4",
        ),
        ({"in_channels": 2, "generator": 0}, TypeError, "generator must be"),
    ],
)
def test_a_convolutional_block_refuses(
    arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        Residual.convolutional(**arguments)


def test_a_path_must_take_and_return_a_tensor() -> None:
    with pytest.raises(TypeError, match="input must be a tensor"):
        Residual(nn.Identity())([1.0])  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="branch must return a tensor, got a tuple of 2 from Pair"):
        Residual(Pair())(torch.zeros(2))
    with pytest.raises(
        TypeError, match="shortcut must return a tensor, got a tuple of 2 from Pair"
    ):
        Residual(nn.Identity(), Pair())(torch.zeros(2))


def test_a_sequence_of_blocks_without_scaling_doubles_the_variance() -> None:
    generator = make_generator(0)
    x = torch.randn(4000, 64, generator=generator)
    y = x
    for _ in range(6):
        linear = nn.Linear(64, 64, bias=False)
        linear.weight.data.normal_(0, 1 / 8, generator=generator)  # keeps the variance
        y = Residual(linear)(y)
    assert 0.7 < y.var().item() / (2**6 * x.var().item()) < 1.4


# ---- Inception ---------------------------------------------------------------------------------


def test_the_classic_widths_add_up_to_88(device: torch.device) -> None:
    block = Inception.classic(10, device=device)
    x = torch.zeros(2, 10, 12, 9, device=device)
    assert [y.shape[1] for y in block.branch_outputs(x).values()] == [16, 24, 24, 24]
    assert block(x).shape == (2, 16 + 24 + 24 + 24, 12, 9)


def test_the_output_is_the_branches_joined_along_the_channels() -> None:
    block = Inception.classic(3, (2, 3, 4, 5), reduced=2, dtype=torch.float64)
    x = draw(2, 3, 6, 5)
    joined = block(x)
    first = 0
    for name, branch in block.branches.items():
        wanted = branch(x)
        torch.testing.assert_close(joined[:, first : first + wanted.shape[1]], wanted, msg=name)
        first += wanted.shape[1]
    assert first == joined.shape[1] == 14


def test_it_equals_pytorch_s_layers_forward_and_backward() -> None:
    block = Inception.classic(3, (2, 3, 4, 5), reduced=2, dtype=torch.float64)
    twins = nn.ModuleDict(
        {
            "conv1": nn.Sequential(nn.Conv2d(3, 2, 1), nn.ReLU()),
            "conv5": nn.Sequential(
                nn.Conv2d(3, 2, 1), nn.ReLU(), nn.Conv2d(2, 3, 5, padding=2), nn.ReLU()
            ),
            "conv3": nn.Sequential(
                nn.Conv2d(3, 2, 1),
                nn.ReLU(),
                nn.Conv2d(2, 4, 3, padding=1),
                nn.ReLU(),
                nn.Conv2d(4, 4, 3, padding=1),
                nn.ReLU(),
            ),
            "pool": nn.Sequential(nn.MaxPool2d(3, 1, 1), nn.Conv2d(3, 5, 1), nn.ReLU()),
        }
    ).double()
    twins.load_state_dict(block.branches.state_dict())
    x = draw(2, 3, 6, 5).requires_grad_()
    wanted = torch.cat([twin(x) for twin in twins.values()], dim=1)
    torch.testing.assert_close(block(x), wanted)
    upstream = draw(*wanted.shape, seed=1)
    mine = torch.autograd.grad(block(x), (x, *block.parameters()), upstream)
    theirs = torch.autograd.grad(wanted, (x, *twins.parameters()), upstream)
    for a, b in zip(mine, theirs, strict=True):
        torch.testing.assert_close(a, b)


def test_the_block_passes_gradcheck() -> None:
    block = Inception({"a": nn.Conv2d(2, 1, 3, padding=1), "b": nn.Tanh()}).double()
    assert torch.autograd.gradcheck(block, draw(2, 2, 3, 3).requires_grad_())


def test_the_gradient_of_the_input_is_the_sum_over_the_branches() -> None:
    block = Inception({"a": nn.Identity(), "b": nn.Identity(), "c": nn.ReLU()})
    x = -torch.ones(1, 2, 2, 2, requires_grad=True)
    (gradient,) = torch.autograd.grad(block(x).sum(), x)
    assert torch.equal(gradient, torch.full_like(x, 2.0))


@pytest.mark.parametrize(
    "branches",
    [
        [nn.Identity(), nn.ReLU()],
        (nn.Identity(), nn.ReLU()),
        nn.ModuleList([nn.Identity(), nn.ReLU()]),
        nn.Sequential(nn.Identity(), nn.ReLU()),
        OrderedDict([("0", nn.Identity()), ("1", nn.ReLU())]),
        nn.ModuleDict({"0": nn.Identity(), "1": nn.ReLU()}),
    ],
)
def test_branches_may_come_in_any_collection(branches: Any) -> None:
    x = draw(2, 3, 4, 4)
    block = Inception(branches)
    assert list(block.branches) == ["0", "1"]
    assert torch.equal(block(x), torch.cat([x, x.relu()], dim=1))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_it_keeps_the_dtype(dtype: torch.dtype) -> None:
    block = Inception.classic(2, dtype=dtype)
    assert block(torch.ones(1, 2, 4, 4, dtype=dtype)).dtype == dtype


@pytest.mark.parametrize("shape", [(3, 5, 6), (0, 3, 5, 6), (2, 3, 1, 1)])
def test_one_image_no_image_and_one_pixel_go_through(shape: tuple[int, ...]) -> None:
    output = Inception.classic(3, (1, 2, 3, 4), reduced=2)(torch.zeros(shape))
    assert output.shape == (*shape[:-3], 10, *shape[-2:])


def test_one_branch_is_that_branch() -> None:
    x = draw(2, 3, 4, 4)
    assert torch.equal(Inception([nn.Tanh()])(x), x.tanh())


def test_its_generator_decides_and_the_global_one_is_left_alone() -> None:
    torch.manual_seed(0)
    before = torch.get_rng_state()
    first, second = (
        Inception.classic(2, generator=make_generator(3)).state_dict() for _ in range(2)
    )
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize(
    ("branch", "message"),
    [
        (
            nn.Conv2d(2, 5, 3),
            (
                r"branch 'odd' must return the height and width of branch 'first', 6 × 7, got "
                r"4 × 5: shapes \(1, 5, 4, 5\) and \(1, 2, 6, 7\); pad it so that it keeps the size"
            ),
        ),
        (nn.MaxPool2d(2), r"branch 'odd' must return the height and width.*6 × 7, got 3 × 3"),
        (Double(), r"branch 'odd' must return as many images as branch 'first', 1, got 2"),
        (nn.Flatten(), r"branch 'odd' must return images of 4 dimensions like the input, got a"),
    ],
)
def test_a_branch_that_does_not_fit_is_named(branch: nn.Module, message: str) -> None:
    block = Inception({"first": nn.Identity(), "fits": nn.ReLU(), "odd": branch})
    with pytest.raises(ValueError, match=message):
        block(torch.zeros(1, 2, 6, 7))


def test_the_branch_that_changes_the_size_is_named_where_it_comes_first() -> None:
    block = Inception({"odd": nn.Conv2d(2, 5, 3), "first": nn.Identity()})
    with pytest.raises(ValueError, match=r"branch 'odd' must return .* of branch 'first', 6 × 6"):
        block(torch.zeros(1, 2, 6, 6))


def test_all_branches_may_change_the_size_alike() -> None:
    block = Inception([nn.MaxPool2d(2), nn.Conv2d(2, 3, 2, stride=2)])
    assert block(torch.zeros(1, 2, 6, 6)).shape == (1, 5, 3, 3)


@pytest.mark.parametrize(
    ("branches", "error", "message"),
    [
        ({}, ValueError, "branches must hold at least one module, got none"),
        ([], ValueError, "branches must hold at least one module, got none"),
        ("ab", TypeError, "branches must be a mapping or a sequence of modules, got 'ab'"),
        (3, TypeError, "branches must be a mapping or a sequence of modules, got 3"),
        (nn.ReLU(), TypeError, "branches must be a mapping or a sequence of modules"),
        ({"a": nn.ReLU}, TypeError, r"branches\['a'\] must be a .*class ReLU; use ReLU\(\.\.\.\)"),
        ([nn.ReLU(), 2], TypeError, r"branches\['1'\] must be a torch\.nn\.Module, got 2"),
        ({1: nn.ReLU()}, TypeError, "the names of branches must be strings, got 1"),
        ({"": nn.ReLU()}, ValueError, "must not be empty"),
        ({"a.b": nn.ReLU()}, ValueError, r"contain a dot.*got 'a\.b'"),
        ({"pop": nn.ReLU()}, ValueError, r"attributes of nn\.ModuleDict, got 'pop'"),
    ],
)
def test_an_inception_block_refuses(branches: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Inception(branches)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"in_channels": 0}, ValueError, "in_channels must be at least 1"),
        ({"in_channels": 1, "widths": [1, 2, 3, 4]}, TypeError, "widths must be a tuple of 4"),
        ({"in_channels": 1, "widths": (1, 2, 3)}, ValueError, "widths must"),
        ({"in_channels": 1, "widths": (1, 2, 3, 0)}, ValueError, r"widths\[3\] must be at least 1"),
        ({"in_channels": 1, "reduced": 0}, ValueError, "reduced must be at least 1"),
        ({"in_channels": 1, "generator": 0}, TypeError, "generator must be"),
    ],
)
def test_a_classic_block_refuses(
    arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        Inception.classic(**arguments)


def test_an_inception_block_needs_images() -> None:
    block = Inception([nn.Identity()])
    with pytest.raises(TypeError, match="input must be a tensor"):
        block([1.0])
    with pytest.raises(ValueError, match=r"input must have shape \(N, C, H, W\) or \(C, H, W\)"):
        block(torch.zeros(2, 3))
    with pytest.raises(
        TypeError, match="branch '0' must return a tensor, got a tuple of 2 from Pair"
    ):
        Inception([Pair()])(torch.zeros(1, 2, 3, 3))


def test_a_residual_block_may_hold_an_inception_block() -> None:
    branch = Inception.classic(88, generator=make_generator(0))
    x = draw(1, 88, 4, 4, dtype=torch.float32)
    torch.testing.assert_close(Residual(branch)(x), x + branch(x))
