"""The bundled text is what its docstring says, and entries are dealt out to two texts."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from handbook.seeding import make_generator
from handbook.texts import load_devils_dictionary, split_entries


def test_each_entry_is_one_line_with_a_headword_in_capitals() -> None:
    entries = load_devils_dictionary()
    for entry in entries:
        headword = entry.split(",")[0]
        assert headword == headword.upper()
        assert entry.isascii()
        assert "\n" not in entry
        assert "  " not in entry
        assert len(entry) <= 420
        assert entry.endswith(".")
    assert len(set(entries)) == len(entries)


def test_entries_stand_in_the_order_of_the_alphabet() -> None:
    letters = [entry[0] for entry in load_devils_dictionary()]
    assert letters == sorted(letters)


def test_the_text_does_not_change_unnoticed() -> None:
    text = "\n".join(load_devils_dictionary())
    assert hashlib.sha256(text.encode()).hexdigest().startswith(DIGEST)


DIGEST = "b8b343bf84cf023a"


def test_every_entry_is_in_one_of_the_two_texts() -> None:
    entries = load_devils_dictionary()
    training, test = split_entries(entries, generator=make_generator(0))
    assert training.endswith(".\n")
    assert test.endswith(".\n")
    dealt = (training + test).splitlines()
    assert sorted(dealt) == sorted(entries)
    assert len(test.splitlines()) == round(0.125 * len(entries))


def test_the_generator_decides() -> None:
    entries = load_devils_dictionary()
    first, again, other = (
        split_entries(entries, generator=make_generator(seed)) for seed in (0, 0, 1)
    )
    assert first == again != other


@pytest.mark.parametrize(
    ("entries", "options", "error", "message"),
    [
        ("abc", {}, TypeError, "entries must be a sequence of str, got 'abc'"),
        ([1, 2], {}, TypeError, "entries must be a sequence of str, got a list"),
        (["a"], {}, ValueError, "test_share must leave an entry for each part, got 0.125 of 1"),
        (["a", "b"], {"test_share": 1.0}, ValueError, "test_share must be below 1.0, got 1.0"),
        (["a", "b"], {"test_share": 0.0}, ValueError, "test_share must be above 0.0, got 0.0"),
        (["a", "b"], {"generator": 0}, TypeError, "generator must be a torch.Generator, got 0"),
    ],
)
def test_what_cannot_be_split_is_refused(
    entries: Any, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        split_entries(entries, **{"generator": make_generator(0), **options})
