"""The e-book: well-formed XHTML without scripts, tabs and what only the site needs."""

from __future__ import annotations

import io
import zipfile
from xml.etree import ElementTree

import ebook
import katex
import pytest
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace

PAGE = """\
# A page

A fraction $\\frac{1}{2}$, what stands under: $\\underset{(D, 1)}{g_S}$,
a limit $2/\\lambda_{\\max}$.

::::{tab-set}
:::{tab-item} From scratch
One way.
:::
:::{tab-item} PyTorch
Another way.
:::
::::
"""
XHTML = "{http://www.w3.org/1999/xhtml}"


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    source = tmp_path_factory.mktemp("book")
    (source / "index.md").write_text(PAGE, encoding="utf-8")
    (source / "conf.py").write_text(
        'project = "Small"\n'
        'extensions = ["myst_parser", "sphinx_design", "katex", "ebook"]\n'
        'myst_enable_extensions = ["colon_fence", "dollarmath"]\n'
        'html_math_renderer = "katex"\n',
        encoding="utf-8",
    )
    warnings = io.StringIO()
    with docutils_namespace():
        app = Sphinx(
            source, source, source / "out", source / "trees", "epub",
            status=None, warning=warnings, freshenv=True,
        )  # fmt: skip
        app.build()
    told = [line for line in warnings.getvalue().splitlines() if "conf value" not in line]
    assert told == []
    return zipfile.ZipFile(next((source / "out").glob("*.epub")))


def page(book: zipfile.ZipFile) -> ElementTree.Element:
    return ElementTree.fromstring(book.read("index.xhtml"))


def test_every_page_is_well_formed(book: zipfile.ZipFile) -> None:
    names = [name for name in book.namelist() if name.endswith((".xhtml", ".opf", ".ncx"))]
    assert len(names) >= 3
    for name in names:
        ElementTree.fromstring(book.read(name))


def test_tabs_stand_below_each_other_under_their_titles(book: zipfile.ZipFile) -> None:
    tree = page(book)
    assert tree.findall(f".//{XHTML}input") == []
    assert [title.text for title in tree.findall(f".//{XHTML}p/{XHTML}strong")] == [
        "From scratch",
        "PyTorch",
    ]


def test_formulas_are_mathml_and_the_list_of_files_says_so(book: zipfile.ZipFile) -> None:
    tree = page(book)
    assert len(tree.findall(f".//{{{ebook.MATHML}}}math")) == 3
    assert b"katex-html" not in book.read("index.xhtml")
    package = book.read("content.opf").decode("utf-8")
    assert 'href="index.xhtml" media-type="application/xhtml+xml" properties="mathml"' in package


def test_no_script_and_no_font_of_the_site_is_inside(book: zipfile.ZipFile) -> None:
    assert page(book).findall(f".//{XHTML}script") == []
    assert "_static/katex/katex.min.css" in set(ebook.left_out())
    assert [name for name in book.namelist() if name in set(ebook.left_out())] == []


@pytest.mark.parametrize(
    "tex",
    [
        r"\underset{(D, 1)}{g_S}",
        r"2/\lambda_{\max}",
        r"\frac{1}{2}",
        r"t \mathbin{\mathrm{mod}} 12",
    ],
)
def test_mathml_has_no_letter_with_parts_and_no_index_with_too_many(tex: str) -> None:
    math = ebook.MATH.search(katex.render(tex, output="mathml"))[0]
    for element in ElementTree.fromstring(ebook.tidy_math(math)).iter():
        name = element.tag.rpartition("}")[2]
        assert not (name in ebook.LEAVES and len(element)), name
        assert len(element) <= ebook.PARTS.get(name, len(element)), name
        assert name != "mrow" or not {"lspace", "rspace"} & set(element.attrib)


def test_what_no_browser_knows_is_taken_out() -> None:
    assert ebook.tidy('<div tooltip="a>b" class="c"></div>') == '<div class="c"></div>'
    assert ebook.tidy("<div id='sg-tag-list' class='c'></div>") == "<div class='c'></div>"
    assert ebook.tidy('<a href="https://doi.org/1(2)3&lt;4&gt;5">') == (
        '<a href="https://doi.org/1(2)3%3C4%3E5">'
    )
    assert ebook.tidy('<p>a <button class="b">c</button></p>') == "<p>a </p>"
    assert ebook.tidy('<input type="checkbox"><br>') == '<input type="checkbox" /><br />'
    assert ebook.tidy("<p><ul><li>a</li></ul>\n</p>") == "<ul><li>a</li></ul>"
