"""Images as tensors: to and from pixels, grey, opacity, normalisation, every message."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from handbook import images
from handbook.datasets import load_photograph
from handbook.images import (
    channel_statistics,
    composite,
    denormalize_channels,
    from_pixels,
    normalize_channels,
    to_grey,
    to_pixels,
)
from handbook.seeding import make_generator


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=make_generator(seed), dtype=torch.float64)


# ---- pixels ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "wanted"),
    [
        ((4, 5), (1, 4, 5)),
        ((4, 5, 1), (1, 4, 5)),
        ((4, 5, 3), (3, 4, 5)),
        ((4, 5, 4), (4, 4, 5)),
        ((2, 4, 5, 3), (2, 3, 4, 5)),
        ((0, 4, 5, 3), (0, 3, 4, 5)),
    ],
)
def test_pixels_become_images_and_pixels_again(
    shape: tuple[int, ...], wanted: tuple[int, ...]
) -> None:
    pixels = torch.randint(256, shape, generator=make_generator(0)).to(torch.uint8)
    image = from_pixels(pixels)
    assert image.shape == wanted
    assert image.dtype == torch.float32
    assert image.is_contiguous()
    again = to_pixels(image)
    assert torch.equal(again, pixels if len(shape) > 2 else pixels.unsqueeze(-1))
    assert again.is_contiguous()


def test_every_pixel_keeps_its_row_column_and_channel() -> None:
    pixels = torch.arange(24, dtype=torch.uint8).reshape(2, 4, 3)
    image = from_pixels(pixels)
    for r in range(2):
        for q in range(4):
            for c in range(3):
                assert image[c, r, q] == pixels[r, q, c] / 255


def test_it_is_what_load_photograph_gives() -> None:
    photograph = load_photograph("china")
    assert torch.equal(from_pixels(to_pixels(photograph)), photograph)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_numbers_outside_are_cut_off_and_inside_rounded(dtype: torch.dtype) -> None:
    row = torch.tensor([-1.0, -torch.inf, 0.5, 1.0, 2.0, torch.inf, 1e30], dtype=torch.float64)
    assert to_pixels(row.to(dtype).reshape(1, 1, -1)).flatten().tolist() == [
        0, 0, 128, 255, 255, 255, 255,
    ]  # fmt: skip


# ---- grey and opacity --------------------------------------------------------------------------


def test_grey_keeps_grey_and_weighs_green_most() -> None:
    grey = draw(2, 1, 3, 4)
    torch.testing.assert_close(to_grey(grey.expand(2, 3, 3, 4)), grey)
    red, green, blue = to_grey(torch.eye(3).reshape(3, 1, 3)).flatten().tolist()
    assert green > red > blue


def test_compositing_by_its_formula_and_at_its_ends() -> None:
    image, background = draw(2, 4, 3, 5), draw(3, 3, 5, seed=1)
    torch.testing.assert_close(
        composite(image, background),
        image[:, 3:] * image[:, :3] + (1 - image[:, 3:]) * background,
    )
    opaque = torch.cat([image[:, :3], torch.ones(2, 1, 3, 5, dtype=torch.float64)], 1)
    assert torch.equal(composite(opaque, background), image[:, :3])
    clear = torch.cat([image[:, :3], torch.zeros(2, 1, 3, 5, dtype=torch.float64)], 1)
    assert torch.equal(composite(clear, 0.25), torch.full_like(image[:, :3], 0.25))


# ---- normalisation -----------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(3, 4, 5), (6, 3, 4, 5), (1, 1, 1, 1)])
def test_statistics_are_those_of_each_channel(shape: tuple[int, ...]) -> None:
    batch = draw(*shape)
    mean, std = channel_statistics(batch)
    flat = batch.movedim(-3, 0).flatten(1)
    torch.testing.assert_close(mean, flat.mean(1))
    torch.testing.assert_close(std, flat.std(1, correction=0))


def test_normalised_images_have_mean_0_and_standard_deviation_1() -> None:
    batch = draw(8, 3, 6, 7) * torch.tensor([1.0, 5.0, 1e-3], dtype=torch.float64).reshape(3, 1, 1)
    mean, std = channel_statistics(batch + 1e4)
    normal = normalize_channels(batch + 1e4, mean, std)
    zero, one = channel_statistics(normal)
    torch.testing.assert_close(zero, torch.zeros(3, dtype=torch.float64), atol=1e-6, rtol=0)
    torch.testing.assert_close(one, torch.ones(3, dtype=torch.float64))
    torch.testing.assert_close(denormalize_channels(normal, mean, std), batch + 1e4)


def test_gradients_pass_gradcheck() -> None:
    batch = draw(2, 4, 2, 3).requires_grad_()
    mean, std = draw(4, seed=1), draw(4, seed=2) + 0.5
    assert torch.autograd.gradcheck(lambda x: normalize_channels(x, mean, std), batch)
    assert torch.autograd.gradcheck(lambda x: denormalize_channels(x, mean, std), batch)
    assert torch.autograd.gradcheck(lambda x: to_grey(composite(x)), batch)
    assert torch.autograd.gradcheck(channel_statistics, batch)


# ---- messages ----------------------------------------------------------------------------------

COLOUR = torch.zeros(3, 4, 5)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: from_pixels([1]), TypeError, "pixels must be a tensor, got a list"),
        (
            lambda: from_pixels(COLOUR),
            TypeError,
            "pixels must be uint8, whole numbers from 0 to 255, got a float32 tensor",
        ),
        (
            lambda: from_pixels(COLOUR.byte()),
            ValueError,
            (
                r"pixels must have 1 to 4 channels in their last dimension, got 5: .*; "
                r"the channels seem to be first already"
            ),
        ),
        (
            lambda: from_pixels(torch.zeros(5, dtype=torch.uint8)),
            ValueError,
            r"pixels must have shape \(H, W\) or \(H, W, C\) or \(N, H, W, C\), got",
        ),
        (
            lambda: to_pixels(COLOUR.int()),
            TypeError,
            "images must have a floating-point dtype, got an int32",
        ),
        (
            lambda: to_pixels(torch.zeros(5, 6, 3)),
            ValueError,
            r"images must have 1 to 4 channels in dimension 0, got 5: .*; use images.movedim",
        ),
        (lambda: to_pixels(COLOUR + torch.nan), ValueError, "images must hold numbers, got NaN"),
        (lambda: to_grey(COLOUR[:1]), ValueError, "images must have 3 channels in dimension 0"),
        (
            lambda: composite(COLOUR),
            ValueError,
            "images must have 4 channels in dimension 0, got 3",
        ),
        (
            lambda: composite(torch.zeros(4, 2, 2), torch.zeros(5)),
            ValueError,
            r"background must broadcast to \(3, 2, 2\), got a float32 tensor of shape \(5,\)",
        ),
        (
            lambda: composite(torch.zeros(4, 2, 2), torch.zeros(2, 3, 2, 2)),
            ValueError,
            r"background must broadcast to \(3, 2, 2\), got",
        ),
        (
            lambda: composite(torch.zeros(4, 2, 2), torch.zeros(3, 1, 1).double()),
            TypeError,
            "background must have images's dtype float32, got float64",
        ),
        (
            lambda: channel_statistics(torch.zeros(0, 3, 4, 4)),
            ValueError,
            "images must have at least one pixel, got",
        ),
        (
            lambda: normalize_channels(COLOUR, torch.zeros(4), torch.ones(3)),
            ValueError,
            r"mean must have shape \(3,\), got a float32 tensor of shape \(4,\)",
        ),
        (
            lambda: normalize_channels(COLOUR, torch.zeros(3), torch.ones(3).double()),
            TypeError,
            "std must have images's dtype float32, got float64",
        ),
        (
            lambda: denormalize_channels(COLOUR, torch.zeros(3), torch.tensor([1.0, 0.0, 1.0])),
            ValueError,
            r"std must be above 0 in every channel, got \[1.0, 0.0, 1.0\]; leave a constant",
        ),
        (
            lambda: normalize_channels(torch.zeros(4, 5), torch.zeros(3), torch.ones(3)),
            ValueError,
            r"images must have shape \(C, H, W\) or \(N, C, H, W\), got",
        ),
    ],
)
def test_bad_input_is_refused_with_a_reason(
    call: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        call()


def test_all_names_are_documented_with_shapes() -> None:
    for name in images.__all__:
        text = getattr(images, name).__doc__
        assert ">>>" in text, name
        assert "Shapes\n" in text, name
