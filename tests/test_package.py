"""The package as a whole: what importing it costs, and what it must not touch."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys

import pytest

import handbook

MODULES = sorted(module.name for module in pkgutil.iter_modules(handbook.__path__))


def in_fresh_interpreter(code: str) -> str:
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_importing_the_package_loads_nothing_heavy() -> None:
    heavy = "('torch', 'matplotlib', 'sklearn', 'rich', 'visdom', 'numpy')"
    loaded = in_fresh_interpreter(
        f"import sys, handbook; print([name for name in {heavy} if name in sys.modules])"
    )
    assert loaded.strip() == "[]"


def test_only_plots_loads_matplotlib_and_none_loads_scikit_learn() -> None:
    others = [f"handbook.{name}" for name in MODULES if name != "plots"]
    loaded = in_fresh_interpreter(
        f"import sys, importlib; [importlib.import_module(name) for name in {others}];"
        "print([name for name in ('matplotlib', 'sklearn') if name in sys.modules])"
    )
    assert loaded.strip() == "[]"


@pytest.mark.parametrize("name", MODULES)
def test_every_public_name_is_listed_exists_and_has_examples(name: str) -> None:
    module = importlib.import_module(f"handbook.{name}")
    assert module.__doc__
    for public in module.__all__:
        found = getattr(module, public)
        if callable(found) and found.__module__ == module.__name__:
            assert found.__doc__, f"{name}.{public} has no docstring"
            assert ">>>" in found.__doc__, f"{name}.{public} has no example"


@pytest.mark.parametrize("name", MODULES)
def test_every_public_function_of_a_module_is_in_all(name: str) -> None:
    module = importlib.import_module(f"handbook.{name}")
    defined = {
        key
        for key, value in vars(module).items()
        if callable(value)
        and not key.startswith("_")
        and getattr(value, "__module__", None) == module.__name__
    }
    assert defined <= set(module.__all__)
    assert len(set(module.__all__)) == len(module.__all__)
