"""Every concept is complete: code, doctests, tests, scripts, chapter, exercises, names, sources."""

from __future__ import annotations

import re
from pathlib import Path

import concepts
import pytest
from sphinx_gallery.utils import _collect_gallery_files

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
TABLE = concepts.load()
CHAPTERS = sorted({concept.chapter for concept in TABLE.values()})
HEADINGS = ["What goes wrong", "See it run", "Exercises", "Read next", "Sources"]

every_concept = pytest.mark.parametrize("concept", TABLE.values(), ids=lambda row: row.key)
every_chapter = pytest.mark.parametrize("chapter", CHAPTERS)


def text_of(chapter: str) -> str:
    return (DOCS / f"{chapter}.md").read_text(encoding="utf-8")


def test_there_are_concepts() -> None:
    assert {
        "activation_function",
        "curse_of_dimensionality",
        "saddle_points",
        "convolution",
    } <= set(TABLE)


@every_concept
def test_its_symbols_exist_and_have_examples(concept: concepts.Concept) -> None:
    assert concept.symbols
    for symbol in concept.symbols:
        found = concepts.check_symbol(symbol)
        if callable(found):
            assert ">>>" in (found.__doc__ or ""), f"{symbol} has no example"


@every_concept
def test_its_symbols_are_public_documented_and_tested(concept: concepts.Concept) -> None:
    for symbol in concept.symbols:
        module = symbol.split(".")[1]
        assert (DOCS / "api" / f"{module}.md").exists()
        tests = (ROOT / "tests" / f"test_{module}.py").read_text(encoding="utf-8")
        assert symbol.rpartition(".")[2] in tests, f"tests/test_{module}.py never names {symbol}"


@every_concept
def test_its_scripts_exist_and_import_its_symbols(concept: concepts.Concept) -> None:
    assert concept.scripts
    modules = {symbol.rpartition(".")[0] for symbol in concept.symbols}
    for script in concept.scripts:
        text = (ROOT / "gallery" / f"{script}.py").read_text(encoding="utf-8")
        assert any(f"from {module} import" in text for module in modules), script
        assert "Change this and see" in text
        assert text.rstrip().endswith("plt.show()")


@every_concept
def test_its_exercises_exist(concept: concepts.Concept) -> None:
    assert concept.exercises
    for exercise in concept.exercises:
        assert (DOCS / exercise).exists()


@every_concept
def test_it_has_a_chinese_name_and_a_definition(concept: concepts.Concept) -> None:
    for term in (concept.own_term, *concept.terms):
        assert re.search(r"[\u4e00-\u9fff]", term.chinese), f"{term.english}: {term.chinese}"
        assert term.definition.rstrip().endswith((".", ")")), term.english


@every_concept
def test_its_sources_are_in_the_bibliography(concept: concepts.Concept) -> None:
    entries = re.findall(r"^@\w+\{([^,]+),", (DOCS / "references.bib").read_text("utf-8"), re.M)
    assert len(set(entries)) == len(entries)
    assert concept.sources
    assert set(concept.sources) <= set(entries)


@every_chapter
def test_a_chapter_has_the_sections_of_every_chapter(chapter: str) -> None:
    found = re.findall(r"^## (.+)$", text_of(chapter), re.M)
    assert [heading for heading in found if heading in HEADINGS] == HEADINGS


@every_chapter
def test_a_chapter_shows_pitfalls_figures_and_canonical_code(chapter: str) -> None:
    text = text_of(chapter)
    assert len(re.findall(r"\{pitfall\}", text)) >= 3
    assert "{gallery-figure}" in text
    assert "{canonical}" in text


@every_chapter
def test_a_chapter_sets_exercises_of_three_kinds(chapter: str) -> None:
    text = text_of(chapter)
    kinds = re.findall(r"^:kind: (\w+)$", text, re.M)
    assert {"compute", "code"} <= set(kinds)
    assert set(kinds) & {"explain", "break"}
    assert text.count("{exercise}") == len(kinds) >= 3
    # A code exercise shows its solution file; every other one tells its solution on the page.
    assert text.count("{solution}") >= len(kinds) - kinds.count("code")


@every_chapter
def test_a_chapter_is_reached_from_the_home_page(chapter: str) -> None:
    assert re.search(rf"^{chapter}$", (DOCS / "index.md").read_text("utf-8"), re.M)


def test_every_script_belongs_to_a_concept() -> None:
    listed = {script for concept in TABLE.values() for script in concept.scripts}
    gallery = ROOT / "gallery"
    found = {
        path.relative_to(gallery).with_suffix("").as_posix() for path in gallery.rglob("plot_*.py")
    }
    assert found == listed


def test_every_chapter_and_exercise_belongs_to_a_concept() -> None:
    pages = {
        path.relative_to(DOCS).with_suffix("").as_posix()
        for part in concepts.PARTS
        for path in (DOCS / part).glob("*.md")
    }
    assert pages == set(CHAPTERS)
    exercises = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("exercise_*.py")}
    listed = {exercise for concept in TABLE.values() for exercise in concept.exercises}
    assert exercises - {"_ext/exercise_directives.py"} == listed


def test_no_term_stands_twice_in_the_glossary() -> None:
    terms = [
        word.lower()
        for term in concepts.glossary_terms(TABLE)
        for word in (term.english, term.chinese, *term.also)
    ]
    assert sorted(set(terms)) == sorted(terms)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            'part = "nowhere"',
            "concept x: part must be one of tensors_and_gradients, .* got 'nowhere'",
        ),
        ("colour = 1", "concept x has an unknown field colour"),
        ('requires = ["y"]', "concept x requires 'y', which has no row"),
    ],
)
def test_a_bad_row_is_refused(tmp_path: Path, change: str, message: str) -> None:
    row = {
        "english": '"e"', "chinese": '"中"', "part": '"training"', "chapter": '"c"',
        "definition": '"d."', "symbols": "[]", "scripts": "[]", "exercises": "[]",
    }  # fmt: skip
    key, _, value = change.partition(" = ")
    row[key] = value
    table = tmp_path / "concepts.toml"
    lines = ["[concepts.x]", *(f"{name} = {text}" for name, text in row.items())]
    table.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        concepts.load(table)


def test_a_missing_field_is_refused(tmp_path: Path) -> None:
    table = tmp_path / "concepts.toml"
    table.write_text('[concepts.x]\nenglish = "e"\n', encoding="utf-8")
    with pytest.raises(ValueError, match="concept x must have a field chinese"):
        concepts.load(table)


def test_one_concept_or_one_script_can_be_chosen() -> None:
    assert concepts.only("") is None
    chosen = concepts.only("saddle_points")
    script = TABLE["saddle_points"].scripts[0].rpartition("/")[2]
    assert not re.search(chosen.ignored_scripts, f"/gallery/optimization/{script}.py")
    # What sphinx-gallery itself would run, by its own function.
    parts = [path.parent for path in (ROOT / "gallery").glob("*/GALLERY_HEADER.rst")]
    conf = {
        "example_extensions": {".py"},
        "ignore_pattern": chosen.ignored_scripts,
        "source_suffix": {".rst": "restructuredtext"},
    }
    found = [Path(name).stem for part in parts for name in _collect_gallery_files([part], conf)]
    wanted = [Path(name).name for name in TABLE["saddle_points"].scripts]
    assert sorted(found) == sorted(wanted)
    assert re.search(chosen.ignored_scripts, "/gallery/convolution/plot_other.py")
    with pytest.raises(
        ValueError, match=r"HANDBOOK_ONLY must name a concept or a script .*got 'no'"
    ):
        concepts.only("no")
