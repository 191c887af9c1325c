"""The notation page names arguments that exist."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import handbook

PAGE = (Path(__file__).parents[1] / "docs" / "notation.md").read_text(encoding="utf-8")


def arguments_of_the_package() -> set[str]:
    """Every parameter and field of every public function and class."""
    found: set[str] = set()
    for module in pkgutil.iter_modules(handbook.__path__):
        space = importlib.import_module(f"handbook.{module.name}")
        for name in space.__all__:
            public = getattr(space, name)
            if callable(public):
                try:
                    found |= set(inspect.signature(public).parameters)
                except ValueError:
                    continue
    return found


def test_every_argument_on_the_page_is_one_of_the_package() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| $")]
    assert len(rows) >= 30
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert named - arguments_of_the_package() == set()
