"""The guards: what they let through, what they refuse, and in which words."""

from __future__ import annotations

import sys
import types

import numpy as np
import pytest
import torch

from handbook import checks


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (torch.zeros(2, 3), "a float32 tensor of shape (2, 3)"),
        (torch.zeros((), dtype=torch.int64), "an int64 tensor of shape ()"),
        (3, "3"),
        (None, "None"),
        ("same", "'same'"),
        ((1, 2), "(1, 2)"),
        ([1, 2], "a list"),
        (object(), "an object"),
    ],
)
def test_describe_names_what_came(value: object, words: str) -> None:
    assert checks.describe(value) == words


def test_a_tensor_passes_unchanged() -> None:
    x = torch.ones(2)
    assert checks.require_tensor("x", x) is x
    assert checks.require_floating("x", x) is x
    assert checks.require_shape("x", x, (2,), ("N", 3)) is x


@pytest.mark.parametrize("dtype", [torch.int32, torch.bool, torch.complex64])
def test_only_real_floating_point_passes_as_floating(dtype: torch.dtype) -> None:
    with pytest.raises(
        TypeError, match=r"x must have a floating-point dtype, got .*; use x\.float"
    ):
        checks.require_floating("x", torch.ones(2).to(dtype))


def test_a_list_is_refused_with_the_remedy() -> None:
    with pytest.raises(TypeError, match=r"x must be a tensor, got a list; use torch\.tensor\(x\)"):
        checks.require_tensor("x", [1.0])


def test_a_wrong_shape_is_refused_with_the_wanted_ones() -> None:
    message = r"x must have shape \(N,\) or \(N, 2\), got a float32 tensor of shape \(2, 3\)"
    with pytest.raises(ValueError, match=message):
        checks.require_shape("x", torch.zeros(2, 3), ("N",), ("N", 2))


@pytest.mark.parametrize("value", [True, 1.0, "1", None, torch.tensor(1)])
def test_only_an_int_passes_as_integer(value: object) -> None:
    with pytest.raises(TypeError, match="n must be an int, got "):
        checks.require_integer("n", value)


def test_integer_bounds_are_inclusive() -> None:
    assert checks.require_integer("n", 1, minimum=1, maximum=1) == 1
    with pytest.raises(ValueError, match="n must be at least 1, got 0"):
        checks.require_integer("n", 0, minimum=1)
    with pytest.raises(ValueError, match="n must be at most 3, got 4"):
        checks.require_integer("n", 4, maximum=3)


@pytest.mark.parametrize("value", [True, "1", None, 1j])
def test_only_real_numbers_pass_as_number(value: object) -> None:
    with pytest.raises(TypeError, match="rate must be a real number, got "):
        checks.require_number("rate", value)


def test_number_bounds_and_nan() -> None:
    assert checks.require_number("rate", 1, minimum=1, maximum=1) == 1.0
    with pytest.raises(ValueError, match=r"rate must be above 0\.0, got 0"):
        checks.require_number("rate", 0, above=0.0)
    with pytest.raises(ValueError, match=r"rate must be below 1\.0, got 1\.0"):
        checks.require_number("rate", 1.0, below=1.0)
    with pytest.raises(ValueError, match="rate must be a number, got nan"):
        checks.require_number("rate", float("nan"))


def test_a_choice_outside_the_offer_is_refused() -> None:
    assert checks.require_choice("mode", "same", ("same", "valid")) == "same"
    with pytest.raises(ValueError, match="mode must be one of 'same', 'valid', got 'full'"):
        checks.require_choice("mode", "full", ("same", "valid"))
    with pytest.raises(ValueError, match="mode must be one of 'same', got 1"):
        checks.require_choice("mode", 1, ("same",))


def test_placement_names_both_arguments() -> None:
    checks.require_same_placement("w", torch.ones(1), "x", torch.ones(2))
    with pytest.raises(TypeError, match=r"w must have x's dtype float32, got float64; use w\.to"):
        checks.require_same_placement("w", torch.ones(1).double(), "x", torch.ones(1))
    with pytest.raises(ValueError, match=r"w must be on x's device cpu, got meta; use w\.to"):
        checks.require_same_placement("w", torch.ones(1, device="meta"), "x", torch.ones(1))


def test_a_seed_is_not_a_generator() -> None:
    generator = torch.Generator()
    assert checks.require_generator("generator", generator) is generator
    with pytest.raises(TypeError, match=r"torch\.Generator, got 7; use .*make_generator\(7\)"):
        checks.require_generator("generator", 7)


def test_a_missing_package_is_named_with_its_remedy() -> None:
    with pytest.raises(
        ImportError, match=r"digits needs the package no-such, .* pip install no-such"
    ):
        checks.optional_package("no_such.data", distribution="no-such", purpose="digits")


def test_a_package_that_is_broken_inside_is_not_called_missing(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "half_there.py").write_text("import surely_not_installed\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ModuleNotFoundError, match="surely_not_installed"):
        checks.optional_package("half_there", distribution="half", purpose="a test")


def test_an_installed_package_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("made_up")
    monkeypatch.setitem(sys.modules, "made_up", module)
    assert checks.optional_package("made_up", distribution="made-up", purpose="a test") is module


def test_one_number_stands_for_every_dimension_and_numpy_s_integers_count():
    assert checks.require_integers("stride", 2, 3) == (2, 2, 2)
    assert checks.require_integers("stride", [np.int64(1), 2], 2) == (1, 2)
    assert checks.require_integers("stride", (4,), 2) == (4, 4)
    assert type(checks.require_integers("stride", np.int32(3), 1)[0]) is int


def test_integers_are_refused_by_position():
    with pytest.raises(TypeError, match=r"stride\[1\] must be an int, got 2.0"):
        checks.require_integers("stride", (1, 2.0), 2)
    with pytest.raises(ValueError, match="stride must be at least 1, got 0"):
        checks.require_integers("stride", 0, 2, minimum=1)
    with pytest.raises(ValueError, match=r"stride must be an int or a tuple of 2, got \(\)"):
        checks.require_integers("stride", (), 2)
