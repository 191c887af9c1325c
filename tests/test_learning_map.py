"""The drawn learning path: its order, its lines, and that it agrees with the book's own order."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import concepts
import learning_map
import pytest

PATH = learning_map.chapters(concepts.load())
INDEX = (Path(__file__).parents[1] / "docs" / "index.md").read_text(encoding="utf-8")


def table(needs: dict[str, list[str]], parts: dict[str, str] | None = None) -> dict:
    """Return rows of one chapter each, named like their concept."""
    return {
        key: concepts.Concept(
            key=key, english=key, chinese="", part=(parts or {}).get(key, "training"),
            chapter=f"chapter_{key}", definition="", symbols=(), scripts=(), exercises=(),
            requires=tuple(requires),
        )
        for key, requires in needs.items()
    }  # fmt: skip


def test_the_path_goes_part_by_part_in_the_order_of_the_book() -> None:
    rows = table({"a": [], "b": [], "c": []}, {"a": "sequences", "b": "optimization"})
    assert [chapter.page for chapter in learning_map.chapters(rows)] == [
        "chapter_b",
        "chapter_c",
        "chapter_a",
    ]


def test_a_need_of_a_need_has_no_line_of_its_own() -> None:
    path = learning_map.chapters(table({"a": [], "b": ["a"], "c": ["a", "b"]}))
    assert learning_map.direct_needs(path) == {
        "chapter_a": (),
        "chapter_b": ("chapter_a",),
        "chapter_c": ("chapter_b",),
    }


def test_every_chapter_has_a_dot_and_every_need_a_line() -> None:
    path = learning_map.chapters(table({"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"]}))
    svg = ElementTree.fromstring(learning_map.draw(path))
    assert len(svg.findall("circle")) == 4
    assert [line.get("class") for line in svg.findall("path")] == [
        "to-1 from-0",
        "to-2 from-0",
        "to-3 from-1",
        "to-3 from-2",
    ]
    # One row for the title of the part, then one a chapter.
    middles = [float(dot.get("cy")) / learning_map.ROW for dot in svg.findall("circle")]
    assert middles == [1.5, 2.5, 3.5, 4.5]


def test_no_line_leaves_the_picture() -> None:
    svg = ElementTree.fromstring(learning_map.draw(PATH))
    for line in svg.findall("path"):
        numbers = [float(number) for number in re.findall(r"[\d.]+", line.get("d"))]
        assert all(0 <= x <= learning_map.WIDTH for x in numbers[::2])


@pytest.mark.parametrize("chapter", PATH, ids=lambda chapter: chapter.page)
def test_a_chapter_comes_after_all_that_it_builds_on(chapter: learning_map.Chapter) -> None:
    pages = [other.page for other in PATH]
    earlier = pages[: pages.index(chapter.page)]
    assert set(chapter.needs) <= set(earlier)


def test_previous_and_next_follow_the_path() -> None:
    pages = [chapter.page for chapter in PATH]
    listed = [line for line in INDEX.splitlines() if line in pages]
    assert listed == pages
