"""The table of concepts, docs/concepts.toml, and the pages that are made from it.

One row says where a concept's code, chapter, scripts, exercises and sources are, and what it is
called in English and in Chinese. The index, the glossary, the map and the line of names under each
chapter's title come from these rows; a test checks that everything they name exists.
"""

from __future__ import annotations

import functools
import importlib
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

DOCS = Path(__file__).parents[1]
TABLE = DOCS / "concepts.toml"

PARTS = {
    "tensors_and_gradients": ("Tensors and gradients", "张量与梯度"),
    "data_and_dimensions": ("Data and dimensions", "数据与维度"),
    "models_and_losses": ("Models and losses", "模型与损失"),
    "optimization": ("Optimisation", "优化"),
    "training": ("Training", "训练"),
    "deep_networks": ("Deep networks", "深层网络"),
    "convolution": ("Images and convolution", "图像与卷积"),
    "sequences": ("Sequences", "序列"),
}


@dataclass(frozen=True)
class Term:
    """A word of the glossary in two languages."""

    english: str
    chinese: str
    definition: str
    chapter: str
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class Concept:
    """One row of the table."""

    key: str
    english: str
    chinese: str
    part: str
    chapter: str
    definition: str
    symbols: tuple[str, ...]
    scripts: tuple[str, ...]
    exercises: tuple[str, ...]
    requires: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    terms: tuple[Term, ...] = field(default=())

    @property
    def own_term(self) -> Term:
        """The concept's own entry in the glossary."""
        return Term(self.english, self.chinese, self.definition, self.chapter, self.also)


@functools.cache
def load(path: Path = TABLE) -> dict[str, Concept]:
    """Read the table; a row with a missing or an unknown field is an error that names both."""
    rows = tomllib.loads(path.read_text(encoding="utf-8")).get("concepts", {})
    fields = Concept.__dataclass_fields__
    needed = ("english", "chinese", "part", "chapter", "definition", "symbols", "scripts")
    concepts = {}
    for key, row in rows.items():
        for name in (*needed, "exercises"):
            if name not in row:
                raise ValueError(f"{path.name}: concept {key} must have a field {name}")
        for name in row:
            if name not in fields:
                raise ValueError(f"{path.name}: concept {key} has an unknown field {name}")
        if row["part"] not in PARTS:
            raise ValueError(
                f"{path.name}: concept {key}: part must be one of {', '.join(PARTS)}, "
                f"got {row['part']!r}"
            )
        values = {k: tuple(v) if isinstance(v, list) else v for k, v in row.items()}
        values["terms"] = tuple(
            Term(**{"chapter": row["chapter"], **term, "also": tuple(term.get("also", ()))})
            for term in row.get("terms", ())
        )
        concepts[key] = Concept(key=key, **values)
    for concept in concepts.values():
        for needed_key in concept.requires:
            if needed_key not in concepts:
                raise ValueError(
                    f"{path.name}: concept {concept.key} requires {needed_key!r}, which has no row"
                )
    return concepts


def glossary_terms(concepts: dict[str, Concept]) -> list[Term]:
    """Return every term once, in the order of the English alphabet."""
    terms = [term for concept in concepts.values() for term in (concept.own_term, *concept.terms)]
    return sorted(terms, key=lambda term: term.english.lower())


# -- building a part of the book ----------------------------------------------------------------


@dataclass(frozen=True)
class Only:
    """What to leave out of a build of one concept or one script."""

    excluded_pages: list[str]
    ignored_scripts: str


def only(name: str) -> Only | None:
    """Return what HANDBOOK_ONLY=name leaves out, or None for the whole book."""
    if not name:
        return None
    chosen = [concept for concept in load().values() if name in (concept.key, concept.english)]
    scripts = {script for concept in chosen for script in concept.scripts}
    gallery = DOCS.parent / "gallery"
    every = [path.relative_to(gallery).with_suffix("") for path in gallery.glob("*/plot_*.py")]
    scripts |= {script.as_posix() for script in every if name in (script.name, script.as_posix())}
    if not scripts:
        known = ", ".join([*load(), *sorted(script.name for script in every)])
        raise ValueError(f"HANDBOOK_ONLY must name a concept or a script ({known}), got {name!r}")
    stems = "|".join(re.escape(Path(script).name) for script in sorted(scripts))
    chapters = {concept.chapter for concept in chosen}
    pages = [path.relative_to(DOCS).with_suffix("").as_posix() for path in DOCS.rglob("*.md")]
    others = [f"{page}*" for page in pages if page not in {*chapters, "index"}]
    return Only(others, rf"(?:^|[/\\])(?!(?:{stems})\.py$)[^/\\]*\.py$")


def part_order(folder: str) -> int:
    """Return the place of a gallery folder: the order of the parts of the book."""
    return list(PARTS).index(Path(folder).name)


def script_order(filename: str) -> tuple[int, str]:
    """Return the place of a script within its part: the order of the table."""
    ordered = [Path(script).name for concept in load().values() for script in concept.scripts]
    stem = Path(filename).stem
    return (ordered.index(stem) if stem in ordered else len(ordered), stem)


# -- pages --------------------------------------------------------------------------------------


def two_languages(english: str, chinese: str) -> str:
    """Return reStructuredText for an English name with its Chinese one behind it."""
    return f"{english} (:chinese:`{chinese}`)"


def chinese_role(
    name: str, rawtext: str, text: str, lineno: int, inliner: Any, *_: Any
) -> tuple[list[nodes.Node], list[nodes.Node]]:
    """Mark a Chinese name as Chinese, for fonts, screen readers and search."""
    return [Chinese(rawtext, text)], []


class Chinese(nodes.inline):
    """Text in Chinese."""


def visit_chinese(self: Any, node: Chinese) -> None:
    """Open a span that names its language."""
    self.body.append('<span lang="zh-Hans">')


def depart_chinese(self: Any, node: Chinese) -> None:
    """Close it."""
    self.body.append("</span>")


def pass_through(self: Any, node: nodes.Node) -> None:
    """Write nothing around the text, for builders other than HTML."""


def title_of_script(script: str) -> str:
    """Return the first line of a gallery script's docstring."""
    text = (DOCS.parent / "gallery" / f"{script}.py").read_text(encoding="utf-8")
    match = re.search(r'^r?"""\s*\n?(.+?)\n', text)
    return match[1].strip() if match else script


def script_reference(script: str) -> str:
    """Return the role that links to a gallery script's page."""
    label = f"sphx_glr_auto_gallery_{script.replace('/', '_')}.py"
    return f":ref:`{title_of_script(script)} <{label}>`"


class TableDirective(SphinxDirective):
    """A directive that writes reStructuredText from the table; in MyST, inside eval-rst."""

    def run(self) -> list[nodes.Node]:
        """Parse what ``lines`` gives, and build the page again when the table changes."""
        self.env.note_dependency(str(TABLE))
        return self.parse_text_to_nodes("\n".join(self.lines()))

    def lines(self) -> Iterator[str]:
        """Yield the lines of reStructuredText."""
        raise NotImplementedError


class ConceptIndex(TableDirective):
    """Every concept, A to Z, with links into the four rooms of the house."""

    def lines(self) -> Iterator[str]:
        """One entry of a definition list a concept."""
        for concept in sorted(load().values(), key=lambda row: row.english.lower()):
            yield f":doc:`{concept.english} </{concept.chapter}>` (:chinese:`{concept.chinese}`)"
            yield f"  {concept.definition}"
            yield ""
            symbols = ", ".join(f":py:obj:`~{symbol}`" for symbol in concept.symbols)
            scripts = " · ".join(script_reference(script) for script in concept.scripts)
            yield f"  :Code: {symbols}"
            yield f"  :Scripts: {scripts}"
            if concept.requires:
                rows = (load()[key] for key in concept.requires)
                links = ", ".join(f":doc:`{row.english} </{row.chapter}>`" for row in rows)
                yield f"  :Builds on: {links}"
            yield ""


class Glossary(TableDirective):
    """Every term, in English and in Chinese, with its definition."""

    def lines(self) -> Iterator[str]:
        """Feed Sphinx's own glossary, so that the term role finds the entries."""
        yield ".. glossary::"
        yield "   :sorted:"
        yield ""
        for term in glossary_terms(load()):
            yield f"   {term.english}"
            for other in (*term.also, term.chinese):
                yield f"   {other}"
            yield f"      {term.definition} See :doc:`/{term.chapter}`."
            yield ""


def add_name_line(app: Sphinx, doctree: nodes.document) -> None:
    """Put the names of a chapter's concepts, in both languages, under its title."""
    docname = app.env.docname
    rows = [concept for concept in load().values() if concept.chapter == docname]
    section = next(iter(doctree.findall(nodes.section)), None)
    if not rows or section is None:
        return
    app.env.note_dependency(str(TABLE))
    line = nodes.paragraph(classes=["concept-names"])
    for position, concept in enumerate(rows):
        if position:
            line += nodes.Text(" · ")
        line += [nodes.inline("", concept.english), nodes.Text(" "), Chinese("", concept.chinese)]
    section.insert(1, line)


def check_symbol(symbol: str) -> object:
    """Return the object that a row names; raise where it does not exist."""
    module, _, name = symbol.rpartition(".")
    return getattr(importlib.import_module(module), name)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directives and the role for Chinese names."""
    app.add_node(
        Chinese,
        html=(visit_chinese, depart_chinese),
        latex=(pass_through, pass_through),
        text=(pass_through, pass_through),
    )
    app.add_role("chinese", chinese_role)
    app.add_directive("concept-index", ConceptIndex)
    app.add_directive("concept-glossary", Glossary)
    app.connect("doctree-read", add_name_line)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
