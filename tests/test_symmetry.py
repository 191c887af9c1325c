"""Equivariance: measured as zero where it holds, and as more where it does not."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from handbook.convolution import conv2d, pad
from handbook.seeding import make_generator
from handbook.symmetry import equivariance_error


def shift(x: Tensor) -> Tensor:
    return x.roll(1, dims=-1)


def test_a_known_error() -> None:
    x = torch.tensor([3.0, 0.0])
    # f(Tx) = (0, 6), T f(x) = (0, 3): the distance is 3, the length of f(x) is 3
    error = equivariance_error(lambda x: x * torch.tensor([1.0, 2.0]), x, shift, shift)
    assert error == pytest.approx(1.0)


def test_a_circular_convolution_is_equivariant_to_shifts_and_padding_breaks_it() -> None:
    generator = make_generator(0)
    x, w = (
        torch.randn(2, 1, 8, 8, generator=generator),
        torch.randn(3, 1, 3, 3, generator=generator),
    )

    def circular(x: Tensor) -> Tensor:
        return conv2d(pad(x, (1, 1, 1, 1), "circular"), w)

    assert equivariance_error(circular, x, shift, shift) < 1e-6
    assert equivariance_error(lambda x: conv2d(x, w, padding=1), x, shift, shift) > 0.1
    assert equivariance_error(lambda x: circular(x).mean(dim=(-2, -1)), x, shift) < 1e-5
    assert equivariance_error(circular, x, shift) > 0.5


def test_it_records_no_gradient_and_takes_half_precision() -> None:
    x = torch.ones(4, dtype=torch.float16, requires_grad=True)
    assert equivariance_error(torch.relu, x, shift, shift) == 0.0


def test_an_output_of_zeros_has_no_scale() -> None:
    assert math.isnan(equivariance_error(torch.zeros_like, torch.ones(3), shift))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((torch.relu, [1.0], shift), TypeError, "input must be a tensor, got a list"),
        ((torch.relu, torch.ones(2).long(), shift), TypeError, "input must have a floating-point"),
        ((1, torch.ones(2), shift), TypeError, "model must be a function, got 1"),
        ((torch.relu, torch.ones(2), 1), TypeError, "move_input must be a function, got 1"),
        ((torch.relu, torch.ones(2), shift, 1), TypeError, "move_output must be a function or"),
        ((len, torch.ones(2), shift), TypeError, r"model\(input\) must be a tensor, got 2"),
        (
            (torch.relu, torch.ones(2), shift, torch.sum),
            ValueError,
            r"must have the shape \(2,\) of model\(move_input\(input\)\), got a float32 tensor of",
        ),
    ],
)
def test_bad_arguments_are_refused(
    arguments: tuple[object, ...], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        equivariance_error(*arguments)  # type: ignore[arg-type]
