"""The boxes, the canonical code and the exercises of a page, in small sites of their own."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import canonical
import pytest
from bs4 import BeautifulSoup, Tag
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace

ROOT = Path(__file__).parents[1]

CONF = """\
project = "Small"
extensions = ["myst_parser", "boxes", "canonical", "exercises", "sphinx.ext.mathjax"]
myst_enable_extensions = ["colon_fence", "dollarmath"]
html_theme = "basic"
nitpicky = True
exclude_patterns = ["_*"]
"""

PITFALL = """\
::::{pitfall} Naive softmax gives `nan`
:symptom: Every probability is `nan` for logits above $88$
:cause: `exp` overflows float32 near 89: see {doc}`other`
:remedy: Subtract the maximum first
:name: naive-softmax

```python
>>> 1 + 1
2
```
::::
"""
CORRECTION = """\
:::{correction} Softplus is never zero
:often: For $x < -3$ the activation is 0
:true: It is $0.0486$ at −3
The evidence.
:::
"""
MODULE = '''\
"""A module of the small site."""
import functools
from typing import overload

LIMIT = 89.0  # exp overflows float32 here


def relu(x):
    """Return max(x, 0)."""

    # the slope at 0 is 0, by convention
    return x if x > 0 else 0
    # a comment at the end


@functools.cache
def cached(
    x: int,
) -> int:
    """Say it

    in several lines.
    """
    text = """
  less indented
"""
    return len(text) + x


class Layer:
    """A layer."""

    def forward(self, x):
        """Go forward."""
        note = """a
    string
        """
        return x, note

    @property
    def empty(self):
        """Only a docstring."""


def short(): "one line"; return 1


@overload
def either(x: int) -> int: ...
@overload
def either(x: str) -> str: ...
def either(x):
    """Return x."""
    return x
'''
EXERCISE_FILE = '''\
"""Exercises: small."""


def double(x):
    """Return twice x."""
    # solution: begin
    # twice
    return 2 * x
    # solution: end


def given(x):
    return x


# solution: begin
answer = 42
# solution: end


def test_double():
    assert double(2) == 4
'''
EXERCISE = """\
::::{exercise} Twice
:kind: code
:file: exercises/exercise_small.py
:object: double

Write `double`.

:::{solution}
Add $x$ to itself.
:::
::::
"""


class Site:
    """A small site in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.write("conf.py", CONF)
        self.write("docs/index.md", "# Home\n\n```{toctree}\n:glob:\n\n**\n```\n")
        self.write("handbook/small.py", MODULE)

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def build(self, builder: str = "html") -> list[str]:
        """Build what is stale; return the warnings."""
        warnings = io.StringIO()
        self.status = io.StringIO()
        with docutils_namespace():
            app = Sphinx(
                srcdir=self.folder / "docs",
                confdir=self.folder,
                outdir=self.folder / "_build" / builder,
                doctreedir=self.folder / "_build" / "doctrees",
                buildername=builder,
                status=self.status,
                warning=warnings,
                verbosity=0,
            )
            app.build()
            self.statuscode = app.statuscode
        plain = re.sub(r"\x1b\[[\d;]*m", "", warnings.getvalue())
        return [line for line in plain.splitlines() if line.strip()]

    def page(self, name: str) -> Tag:
        text = (self.folder / "_build" / "html" / f"{name}.html").read_text(encoding="utf-8")
        body = BeautifulSoup(text, "html.parser").find("div", class_="body")
        assert isinstance(body, Tag)
        return body

    def output(self, builder: str, name: str) -> str:
        return (self.folder / "_build" / builder / name).read_text(encoding="utf-8")


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def words(node: Tag | None) -> str:
    assert node is not None
    return " ".join(node.get_text().split())


# --- boxes -------------------------------------------------------------------------------------


def test_a_pitfall_shows_its_parts_and_its_evidence(site: Site) -> None:
    site.write("docs/part/one.md", "# One\n\n## Wrong\n\n" + PITFALL.replace("other", "/other"))
    site.write("docs/other.md", "# Other\n\nSee {ref}`naive-softmax`.\n")
    assert site.build() == []
    box = site.page("part/one").find(class_="pitfall")
    assert box["id"] == "naive-softmax"
    heading = box.find(class_="box-title")
    assert heading.name == "h3"
    assert words(heading).startswith("Pitfall: Naive softmax gives nan")
    assert [words(term) for term in box.find_all("dt")] == ["Symptom", "Cause", "Remedy"]
    parts = box.find_all("dd")
    assert words(parts[0]).startswith("Every probability is nan for logits above")
    assert parts[0].find("code")
    assert parts[0].find(class_="math")
    assert parts[1].find("a")["href"] == "../other.html"
    assert box.find("pre").get_text().startswith(">>> 1 + 1")
    link = site.page("other").find("a", href="part/one.html#naive-softmax")
    assert words(link) == "Naive softmax gives nan"


def test_a_box_takes_the_level_of_its_section_and_leaves_the_contents_alone(site: Site) -> None:
    text = f"# One\n\n{CORRECTION}\n\n## Two\n\n### Three\n\n{CORRECTION}\n\n## Four\n\nText.\n"
    site.write("docs/one.md", text)
    assert site.build() == []
    page = site.page("one")
    assert [box.find(class_="box-title").name for box in page.find_all(class_="box")] == [
        "h2",
        "h4",
    ]
    assert len(page.select("section section")) == 3
    assert "Softplus" not in words(site.page("index"))  # whose tree of contents has headings


def test_ids_come_from_titles_and_are_unique(site: Site) -> None:
    site.write("docs/one.md", f"# One\n\n{CORRECTION}\n\n{CORRECTION}\n")
    assert site.build() == []
    ids = [box["id"] for box in site.page("one").find_all(class_="box")]
    assert ids == ["correction-softplus-is-never-zero", "correction-softplus-is-never-zero-2"]


@pytest.mark.parametrize(
    ("source", "dropped", "message"),
    [
        (PITFALL, ":symptom:", "pitfall 'Naive softmax gives `nan`' needs :symptom:"),
        (PITFALL, ":cause:", "needs :cause:"),
        (PITFALL, ":remedy:", "needs :remedy:"),
        (CORRECTION, ":often:", "correction 'Softplus is never zero' needs :often:"),
        (CORRECTION, ":true:", "needs :true:"),
        (CORRECTION, "The evidence.", "needs the evidence as its content"),
    ],
)
def test_a_missing_part_is_told_with_its_place(
    site: Site, source: str, dropped: str, message: str
) -> None:
    kept = [line for line in source.splitlines() if not line.startswith(dropped)]
    site.write("docs/one.md", "# One\n\n" + "\n".join(kept))
    site.write("docs/other.md", "# Other\n")
    (warning,) = site.build()
    assert re.search(r"one\.md:3: WARNING: ", warning)
    assert message in warning


def test_an_empty_part_is_missing(site: Site) -> None:
    site.write("docs/one.md", "# One\n\n" + re.sub(":true:.*", ":true:", CORRECTION))
    (warning,) = site.build()
    assert "needs :true:" in warning


LISTS = "# Lists\n\n```{pitfall-list}\n```\n\n```{correction-list}\n```\n"


def test_the_lists_collect_the_boxes_sorted_with_links_that_lead_there(site: Site) -> None:
    site.write("docs/lists/all.md", LISTS)
    site.write("docs/part/other.md", "# Other\n")
    second = PITFALL.replace("Every", "a first").replace(":name: naive-softmax", "")
    site.write("docs/part/one.md", f"# Chapter $x$\n\n{PITFALL}\n\n{second}\n\n{CORRECTION}\n")
    assert site.build() == []
    page = site.page("lists/all")
    cards = page.select(".pitfall-list > .box-card")
    assert [words(card.find("dd"))[:7] for card in cards] == ["a first", "Every p"]
    assert [words(term) for term in cards[1].find_all("dt")] == [
        "Symptom",
        "Cause",
        "Remedy",
        "Evidence",
    ]
    evidence = cards[1].find_all("dd")[-1].find("a")
    assert evidence["href"] == "../part/one.html#naive-softmax"
    assert cards[1].find_all("dd")[1].find("a")["href"] == "../part/other.html"
    assert cards[1].find(class_="math")
    (card,) = page.select(".correction-list > .box-card")
    assert [words(term) for term in card.find_all("dt")] == [
        "Often written",
        "What is true",
        "Evidence",
    ]
    html = site.output("html", "lists/all.html")
    assert "MathJax" in html or "mathjax" in html
    assert "overflow" in site.output("html", "searchindex.js")


def test_every_id_on_a_page_is_unique(site: Site) -> None:
    site.write("docs/one.md", f"# One\n\n{PITFALL}\n\n{CORRECTION}\n\n" + LISTS.partition("\n")[2])
    site.write("docs/other.md", "# Other\n")
    assert site.build() == []
    ids = [node["id"] for node in site.page("one").find_all(id=True)]
    assert len(ids) == len(set(ids))
    assert site.page("one").find("a", href="#naive-softmax", class_="reference")


def test_an_empty_list_says_so(site: Site) -> None:
    site.write("docs/all.md", LISTS)
    assert site.build() == []
    assert "No pitfall is recorded in these chapters." in words(site.page("all"))


def test_the_lists_follow_when_a_chapter_changes_or_goes(site: Site) -> None:
    site.write("docs/all.md", LISTS)
    site.write("docs/two.md", "# Two\n\nText.\n")
    chapter = site.write("docs/one.md", f"# One\n\n{CORRECTION}\n")
    assert site.build() == []
    assert "is never zero in One" in words(site.page("all"))
    site.write("docs/one.md", f"# Renamed\n\n{CORRECTION.replace('never zero', 'positive')}\n")
    assert site.build() == []
    assert "is positive in Renamed" in words(site.page("all"))
    before = (site.folder / "_build/html/all.html").stat().st_mtime_ns
    assert site.build() == []
    assert (site.folder / "_build/html/all.html").stat().st_mtime_ns == before
    chapter.unlink()
    assert site.build() == []
    assert "is positive" not in words(site.page("all"))


def test_boxes_survive_parallel_reading(site: Site) -> None:
    site.write("docs/all.md", LISTS)
    site.write("docs/other.md", "# Other\n")
    for n in range(12):
        text = CORRECTION.replace("never zero", f"positive {n}")
        site.write(f"docs/page{n}.md", f"# Page {n}\n\n{text}\n")
    subprocess.run(
        [sys.executable, "-m", "sphinx", "-W", "-q", "-j", "3", "-c", ".", "docs", "_build/html"],
        cwd=site.folder,
        env={**os.environ, "PYTHONPATH": str(ROOT / "docs" / "_ext")},
        check=True,
    )
    assert len(site.page("all").select(".correction-list > .box-card")) == 12


@pytest.mark.parametrize(
    ("builder", "name"),
    [
        ("text", "one.txt"),
        ("latex", "small.tex"),
        ("man", "small.1"),
        ("texinfo", "small.texi"),
        ("xml", "one.xml"),
        ("singlehtml", "index.html"),
        ("dirhtml", "one/index.html"),
        ("epub", "one.xhtml"),
        ("gettext", "one.pot"),
    ],
)
def test_other_builders_get_the_same_words(site: Site, builder: str, name: str) -> None:
    site.write("handbook/small.py", MODULE)
    site.write("docs/exercises/exercise_small.py", EXERCISE_FILE)
    text = f"# One\n\n{PITFALL}\n\n{CORRECTION}\n\n{EXERCISE}\n"
    site.write("docs/one.md", text)
    site.write("docs/other.md", "# Other\n\n" + LISTS.partition("\n")[2])
    with (site.folder / "conf.py").open("a") as conf:
        conf.write("version = '1'\nepub_show_urls = 'no'\nlanguage = 'en'\n")
    warnings = [w for w in site.build(builder) if "conf value" not in w]
    assert warnings == []
    words_there = " ".join(site.output(builder, name).split())
    wanted = ["Softplus is never zero", "Subtract the maximum first", "The evidence", "Twice"]
    if builder != "gettext":
        wanted += ["Pitfall", "Symptom", "Remedy", "Often written", "Solution to exercise 1", "Add"]
    for piece in wanted:
        assert piece in words_there, piece


# --- canonical ---------------------------------------------------------------------------------


def test_source_comes_without_docstring_and_with_comments() -> None:
    assert canonical.source_of(MODULE, "relu") == (
        "def relu(x):\n"
        "    # the slope at 0 is 0, by convention\n"
        "    return x if x > 0 else 0\n"
        "    # a comment at the end\n"
    )
    assert '"""Return max(x, 0)."""' in canonical.source_of(MODULE, "relu", docstring=True)


def test_decorators_and_strings_that_span_lines_stay_as_they_are() -> None:
    assert canonical.source_of(MODULE, "cached") == (
        "@functools.cache\ndef cached(\n    x: int,\n) -> int:\n"
        '    text = """\n  less indented\n"""\n    return len(text) + x\n'
    )


def test_a_method_is_dedented_but_not_the_inside_of_its_strings() -> None:
    assert canonical.source_of(MODULE, "Layer.forward") == (
        'def forward(self, x):\n    note = """a\n    string\n        """\n    return x, note\n'
    )


def test_a_class_loses_the_docstrings_of_its_methods_unless_nothing_is_left() -> None:
    text = canonical.source_of(MODULE, "Layer")
    assert "A layer." not in text
    assert "Go forward." not in text
    assert '"""Only a docstring."""' in text
    compile(text, "layer", "exec")


def test_a_docstring_that_shares_its_line_stays() -> None:
    assert canonical.source_of(MODULE, "short") == 'def short(): "one line"; return 1\n'


def test_constants_and_overloads_are_found() -> None:
    assert canonical.source_of(MODULE, "LIMIT") == "LIMIT = 89.0  # exp overflows float32 here\n"
    assert canonical.source_of(MODULE, "either") == "def either(x):\n    return x\n"


def test_every_public_definition_of_the_package_can_be_shown() -> None:
    for path in sorted((ROOT / "handbook").glob("*.py")):
        source = path.read_text(encoding="utf-8")
        tree = canonical.ast.parse(source)
        for name, _ in canonical.definitions(tree.body):
            compile(textwrap.dedent(canonical.source_of(source, name)), name, "exec")


def test_the_block_is_captioned_with_a_link_and_the_file(site: Site) -> None:
    site.write("docs/api.rst", "API\n===\n\n.. py:function:: handbook.small.relu(x)\n")
    site.write("docs/one.md", "# One\n\n```{canonical} handbook.small.relu\n```\n")
    assert site.build() == []
    block = site.page("one").find(class_="canonical")
    assert block["id"] == "code-handbook-small-relu"
    caption = block.find(class_="caption-text")
    assert words(caption) == "handbook.small.relu in handbook/small.py"
    assert caption.find("a")["href"] == "api.html#handbook.small.relu"
    assert block.find(class_="highlight-python")
    assert "def relu(x):" in block.get_text()
    assert "Return max" not in block.get_text()


def test_several_names_give_several_blocks_and_docstrings_on_request(site: Site) -> None:
    names = ("relu", "cached", "Layer.forward")
    functions = "".join(f".. py:function:: handbook.small.{name}(x)\n" for name in names)
    site.write("docs/api.rst", f"API\n===\n\n{functions}")
    site.write(
        "docs/one.md",
        "# One\n\n```{canonical} handbook.small.relu handbook.small.cached\n:docstring:\n\n"
        "handbook.small.Layer.forward\n```\n",
    )
    assert site.build() == []
    blocks = site.page("one").find_all(class_="canonical")
    assert [re.search(r"def (\w+)", block.get_text())[1] for block in blocks] == [
        "relu",
        "cached",
        "forward",
    ]
    assert "Return max(x, 0)." in blocks[0].get_text()


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("handbook.small.relo", "in handbook/small.py there is no 'relo'; did you mean relu"),
        ("handbook.smal.relu", "there is no module 'handbook.smal'; did you mean handbook.small?"),
        ("handbook.small", "there is no"),
        ("relu", "there is no module 'relu'"),
        ("", "canonical needs a name, such as handbook.activations.relu"),
    ],
)
def test_an_unknown_name_is_told_with_its_place(site: Site, argument: str, message: str) -> None:
    site.write("docs/one.md", f"# One\n\n```{{canonical}} {argument}\n```\n")
    (warning,) = site.build()
    assert re.search(r"one\.md:3: WARNING: ", warning)
    assert message in warning


def test_a_name_without_a_reference_page_fails_a_nitpicky_build(site: Site) -> None:
    site.write("docs/one.md", "# One\n\n```{canonical} handbook.small.relu\n```\n")
    (warning,) = site.build()
    assert "py:obj reference target not found: handbook.small.relu" in warning


def test_a_page_is_read_again_when_its_module_changes(site: Site) -> None:
    site.write("docs/api.rst", "API\n===\n\n.. py:function:: handbook.small.relu(x)\n")
    site.write("docs/one.md", "# One\n\n```{canonical} handbook.small.relu\n```\n")
    assert site.build() == []
    site.write("handbook/small.py", MODULE.replace("by convention", "as agreed"))
    assert site.build() == []
    assert "as agreed" in site.page("one").get_text()


# --- exercises ---------------------------------------------------------------------------------


def exercise_site(site: Site, text: str = EXERCISE) -> None:
    site.write("docs/part/exercises/exercise_small.py", EXERCISE_FILE)
    site.write("docs/part/one.md", f"# One\n\n## Exercises\n\n{text}\n")


def test_a_code_exercise_has_a_download_two_checks_and_a_folded_solution(site: Site) -> None:
    second = "::::{exercise} Why?\n:kind: explain\nSay why.\n\n:::{solution}\nSo.\n:::\n::::\n"
    exercise_site(site, EXERCISE + "\n" + second)
    assert site.build() == []
    first, other = site.page("part/one").find_all(class_="exercise")
    assert words(first.find("h3")).startswith("Exercise 1 (code): Twice")
    assert words(other.find("h3")).startswith("Exercise 2 (explain): Why?")
    link = first.find("a", class_="download")
    assert link["href"] == "../exercises/part/exercise_small.py"
    stub = site.folder / "_build/html/exercises/part/exercise_small.py"
    assert 'raise NotImplementedError("write your solution here")' in stub.read_text()
    assert "python exercise_small.py\npytest exercise_small.py" in first.get_text()
    details = first.find("details")
    assert not details.has_attr("open")
    assert words(details.find("summary")) == "Solution to exercise 1"
    assert details.find("pre").get_text() == "def double(x):\n    # twice\n    return 2 * x\n"
    assert details.find(class_="highlight-python")
    assert "Add" in details.get_text()
    assert "Return twice" not in first.get_text()
    assert "solution:" not in site.page("part/one").get_text()


def test_a_marked_answer_can_be_the_object(site: Site) -> None:
    exercise_site(site, EXERCISE.replace("double\n", "answer\n", 1))
    assert site.build() == []
    assert "answer = 42" in site.page("part/one").find("details").get_text()


def test_a_page_is_read_again_when_its_exercise_changes(site: Site) -> None:
    exercise_site(site)
    assert site.build() == []
    changed = EXERCISE_FILE.replace("# twice", "# x plus x")
    site.write("docs/part/exercises/exercise_small.py", changed)
    assert site.build() == []
    assert "# x plus x" in site.page("part/one").get_text()


BODY = "\nText.\n\n:::{solution}\nSo.\n:::\n::::\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("::::{exercise} A\n:kind: compute\nText.\n::::\n", "exercise 'A' has no solution"),
        (f"::::{{exercise}} A\n{BODY}", "needs a :kind:, one of compute, code, explain, break"),
        (f"::::{{exercise}} A\n:kind: hard\n{BODY}", "explain, break; got 'hard'"),
        (f"::::{{exercise}} A\n:kind: code\n{BODY}", "needs both :file: and :object:"),
        (EXERCISE.replace(":object: double", ""), "needs both :file: and :object:"),
        (EXERCISE.replace("_small.py", "_other.py"), "exercise_other.py', which does not exist"),
        (EXERCISE.replace("exercises/exercise_small.py", "one.md"), "it must be exercises/exerci"),
        (EXERCISE.replace(": double", ": duble"), "there is no 'duble'; did you mean double"),
        (
            EXERCISE.replace(": double", ": given"),
            "'given' of part/exercises/exercise_small.py, of",
        ),
        (
            (
                "::::{exercise} A\n:kind: compute\nA.\n\n:::{solution}\nB.\n:::\n\n"
                ":::{solution}\nC.\n:::\n::::\n"
            ),
            "has more than one solution",
        ),
    ],
)
def test_a_faulty_exercise_is_told_with_its_place(site: Site, text: str, message: str) -> None:
    exercise_site(site, text)
    (warning,) = site.build()
    assert re.search(r"one\.md:5: WARNING: exercise ", warning), warning
    assert message in warning


def test_a_solution_outside_an_exercise_is_told(site: Site) -> None:
    exercise_site(site, ":::{solution}\nAlone.\n:::\n")
    (warning,) = site.build()
    assert "one.md:5: WARNING: a solution must stand inside an exercise" in warning


def test_a_download_that_cannot_be_made_fails_the_build_with_file_and_line(site: Site) -> None:
    site.write("docs/one.md", "# One\n")
    site.write("docs/part/exercises/exercise_small.py", "x = 1\n")
    (warning,) = site.build()
    assert re.search(r"download cannot be made: .*exercise_small\.py:1: no part is marked", warning)
    assert site.statuscode == 1


def test_a_build_keeps_the_work_of_a_reader_and_says_so(site: Site) -> None:
    exercise_site(site)
    assert site.build() == []
    stub = site.folder / "_build/html/exercises/part/exercise_small.py"
    stub.write_text("mine\n")
    site.write("docs/part/exercises/exercise_small.py", EXERCISE_FILE.replace("twice x", "2 x"))
    assert site.build() == []
    assert stub.read_text() == "mine\n"
    assert "Return 2 x." in stub.with_name("exercise_small.new.py").read_text()
    said = [line for line in site.status.getvalue().splitlines() if "changed by hand" in line]
    assert len(said) == 1
