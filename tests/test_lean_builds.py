"""What makes a build quick changes no byte of what it writes."""

from __future__ import annotations

import io
import os
import pickle
from pathlib import Path

import figures
import navigation
import pytest
from docutils import nodes
from PIL import Image
from sphinx.application import Sphinx
from sphinx.search.en import SearchEnglish
from sphinx.util.docutils import docutils_namespace
from stems import RememberedEnglish

import conf

# A tree of three floors, a page in two places of it, one outside, a link to elsewhere.
PAGES = {
    "index": """\
# Home

```{toctree}
:caption: First & best
part/index
alone
```

```{toctree}
:hidden:
:caption: Second
deep/er/index
part/two
Elsewhere <https://example.org/x.html>
```
""",
    "part/index": "# Part *one*\n\n```{toctree}\n:titlesonly:\none\ntwo\n```\n",
    "part/one": "# One `a < b`\n\n## Below\n\nText.\n",
    "part/two": "# Two\n",
    "alone": "# Alone\n",
    "deep/er/index": "# Deeper\n\n```{toctree}\nlast\n```\n",
    "deep/er/last": "# Last\n",
    "outside": "---\norphan: true\n---\n# Outside\n",
}


def build(folder: Path, extensions: list[str], pages: dict[str, str]) -> dict[str, bytes]:
    for name, text in pages.items():
        path = folder / "docs" / f"{name}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    settings = f"extensions = {['myst_parser', *extensions]!r}\nhtml_theme = 'furo'\n"
    (folder / "docs" / "conf.py").write_text(settings, encoding="utf-8")
    warnings = io.StringIO()
    with docutils_namespace():
        app = Sphinx(
            folder / "docs", folder / "docs", folder / "html", folder / "doctrees", "html",
            status=None, warning=warnings,
        )  # fmt: skip
        app.build()
    assert warnings.getvalue() == ""
    return {
        path.relative_to(folder / "html").as_posix(): path.read_bytes()
        for path in (folder / "html").rglob("*.html")
    }


def test_the_navigation_made_once_is_the_theme_s_own_on_every_page(tmp_path: Path) -> None:
    theirs = build(tmp_path / "theirs", [], PAGES)
    ours = build(tmp_path / "ours", ["navigation"], PAGES)
    assert len(theirs) == len(PAGES) + 2  # and the index and the search
    mark = b'class="current reference internal" href="#"'
    assert sum(mark in page for page in ours.values()) == 6
    assert ours.keys() == theirs.keys()
    for name, page in theirs.items():
        assert ours[name].decode() == page.decode(), name


def test_the_theme_is_asked_for_the_navigation_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    make = navigation.make
    monkeypatch.setattr(navigation, "make", lambda builder: asked.append(1) or make(builder))
    build(tmp_path, ["navigation"], PAGES)
    assert asked == [1]


@pytest.mark.parametrize(
    "word", ["Gradients", "vanishing", "ReLU", "x", "", "BatchNorm2d", "随机梯度下降"]
)
def test_a_remembered_stem_is_the_stem(word: str) -> None:
    ours, theirs = RememberedEnglish({}), SearchEnglish({})
    assert ours.stem(word) == ours.stem(word) == theirs.stem(word)
    assert (ours.lang, ours.js_stemmer_rawcode) == (theirs.lang, theirs.js_stemmer_rawcode)


@pytest.mark.parametrize("extensions", [["garbage"], []])
def test_a_page_is_written_to_disk_without_all_that_is_known_of_other_pages(
    tmp_path: Path, extensions: list[str]
) -> None:
    """Without the extension a node of what a directive parses brings the environment along."""
    page = "# Page\n\n```{eval-rst}\n.. py:function:: f(x)\n\n   Text of ``f``.\n```\n"
    build(tmp_path, extensions, {"index": page})
    tree = pickle.loads((tmp_path / "doctrees" / "index.doctree").read_bytes())
    documents = {id(node.document) for node in tree.findall()}
    assert (documents == {id(tree)}) is bool(extensions)
    assert any(isinstance(node, nodes.literal) for node in tree.findall())


def test_a_dark_thumbnail_is_made_again_when_its_picture_or_its_twin_is_newer(
    tmp_path: Path,
) -> None:
    picture, thumb, dark = (tmp_path / f"{name}.webp" for name in ("picture", "thumb", "dark"))
    for path in (picture, thumb):
        Image.new("RGB", (4, 4), "red").save(path)
        os.utime(path, (1000, 1000))
    assert figures._is_older(dark, picture, thumb)
    dark.write_bytes(figures._small(picture, thumb))
    os.utime(dark, (2000, 2000))
    assert not figures._is_older(dark, picture, thumb)
    for path in (picture, thumb):
        os.utime(path, (3000, 3000))
        assert figures._is_older(dark, picture, thumb)
        os.utime(path, (1000, 1000))


def test_the_site_uses_them() -> None:
    assert {"navigation", "stems", "garbage"} <= set(conf.extensions)
