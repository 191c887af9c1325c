"""A block copied from a page runs behind the first block and those that the page names."""

from __future__ import annotations

import builtins
import codeop
import contextlib
import doctest
import io
import re
import symtable
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import runnable
from canonical import find_module, imports_of, source_of
from copying import (
    analysed,
    annotate,
    needs,
    part_statements,
    say_that_a_script_is_one,
    statements,
    with_imports,
)
from docutils import nodes
from docutils.utils import new_document
from sybil.evaluators.doctest import DocTestRunner

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [
    path
    for path in sorted(DOCS.glob("**/*.md"))
    if "auto_gallery" not in path.parts and len(runnable.collected_in_order(path)) > 1
]


def run(text: str, namespace: dict[str, Any], name: str = "block") -> str:
    """Run a block; return what it prints otherwise than the page says."""
    if not text.lstrip().startswith(">>>"):
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile(text, "<block>", "exec"), namespace)
        return ""
    examples = doctest.DocTestParser().get_examples(text)
    test = doctest.DocTest(examples, {}, name, None, 0, None)
    test.globs = namespace
    told: list[str] = []
    DocTestRunner(runnable.OPTIONS).run(test, clear_globs=False, out=told.append)
    return "".join(told)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_each_block_of_a_page_runs_behind_what_it_needs(page: Path) -> None:
    texts = runnable.collected_in_order(page)
    wrong = []
    for number, need in enumerate(needs(texts)):
        namespace: dict[str, Any] = {"__name__": "__main__"}
        for before in need.blocks:
            run(texts[before], namespace, f"{number} behind {before}")
        if told := run(texts[number], namespace, f"{number}"):
            wrong.append(f"block {number + 1} behind {[i + 1 for i in need.blocks]}:\n{told}")
    assert not wrong, "\n".join(wrong)


def test_nine_blocks_of_ten_run_behind_the_first_alone() -> None:
    """Those are the ones without a note: the test above runs them behind nothing else."""
    found = [need for page in PAGES for need in needs(runnable.collected_in_order(page))]
    assert len(found) > 800
    assert sum(not need.made_in for need in found) >= 0.9 * len(found)


def shown_definitions() -> Iterator[tuple[str, str, str]]:
    """Yield (where, imports, code) of what the pages show of the package and of the solutions."""
    for page in sorted(DOCS.glob("**/*.md")):
        text = page.read_text(encoding="utf-8")
        for match in re.finditer(r"^`{3,}\{canonical\}(.*?)^`{3,}", text, re.MULTILINE | re.DOTALL):
            for name in re.findall(r"handbook[\w.]+", match[1]):
                path, module, qualname = find_module(ROOT, name)
                source = path.read_text(encoding="utf-8")
                code = source_of(source, qualname)
                yield f"{page.stem}: {name}", imports_of(source, module, code), code
        for file, name in re.findall(r"^:file: (\S+)\n:object: (\S+)", text, re.MULTILINE):
            source = (page.parent / file).read_text(encoding="utf-8")
            code = source_of(source, name)
            yield f"{page.stem}: {name}", imports_of(source, "", code), code


def unresolved(table: symtable.SymbolTable, namespace: dict[str, Any]) -> set[str]:
    """Return the names that code reads from outside and that are not there."""
    found = {
        symbol.get_name()
        for symbol in table.get_symbols()
        if symbol.is_referenced() and symbol.is_global()
    }
    missing = {name for name in found if name not in namespace and not hasattr(builtins, name)}
    return missing.union(*(unresolved(child, namespace) for child in table.get_children()))


def test_a_copied_definition_runs_alone_and_finds_every_name() -> None:
    shown = list(shown_definitions())
    assert len(shown) > 300
    wrong = {}
    for where, imports, code in shown:
        namespace: dict[str, Any] = {"__name__": "__main__"}
        text = imports + code
        try:
            exec(compile(text, "<copied>", "exec"), namespace)
        except NameError as error:
            wrong[where] = str(error)
            continue
        if missing := unresolved(symtable.symtable(text, "<copied>", "exec"), namespace):
            wrong[where] = f"missing {missing}"
    assert wrong == {}


def test_imports_are_those_that_the_code_reads() -> None:
    source = (
        "from __future__ import annotations\n"
        "import math\nimport os\nimport numpy as np\n"
        "from typing import Any, TYPE_CHECKING\n"
        "from a.b import c as d, e\n"
        "if TYPE_CHECKING:\n    from f import G\n"
        "LIMIT = 2\n"
        "def _helper(): return 1\n"
        "def shown(x: Any) -> G:\n    return np.log(x) + d + LIMIT + _helper() + shown(x)\n"
        "class Node:\n    def up(self) -> Node:\n        return math.inf\n"
    )
    text = source_of(source, "shown")
    imported = (
        "import numpy as np\nfrom typing import Any\nfrom a.b import c as d\nfrom f import G\n"
    )
    assert imports_of(source, "pack.mod", text) == (
        imported + "from pack.mod import LIMIT, _helper\n"
    )
    assert imports_of(source, "", text) == imported
    assert imports_of(source, "pack.mod", source_of(source, "Node")) == (
        "import math\nfrom pack.mod import Node\n"
    )
    assert imports_of(source, "pack.mod", "LIMIT = 2\n") == ""


def test_imports_are_hidden_in_front_of_the_definition_they_belong_to() -> None:
    body = '<div id="definition-1"><pre>a</pre></div><div id="definition-2"><pre>b</pre></div>'
    assert with_imports(body, {"definition-2": "import x # <\n"}) == (
        '<div id="definition-1"><pre>a</pre></div><div id="definition-2"><pre>'
        '<span hidden="">import x # &lt;\n\n\n</span>b</pre></div>'
    )


@pytest.mark.parametrize(
    ("text", "reads", "makes"),
    [
        ("y = x", {"x"}, {"y"}),
        ("x = x + 1", {"x"}, {"x"}),
        ("x = 1\ny = x", set(), {"x", "y"}),
        ("x += 1", {"x"}, {"x"}),
        ("with f():\n    x -= y", {"f", "x", "y"}, {"x"}),
        ("for i in range(n):\n    total = total + i", {"n", "total"}, {"i", "total"}),
        ("a = [b for b in c if b > d]", {"c", "d"}, {"a"}),
        ("a = {k: v for k, v in zip(k, w)}", {"k", "w"}, {"a"}),
        ("f = lambda u, w=z: u + v + w", {"z", "v"}, {"f"}),
        ("def f(a, *b):\n    c = a\n    return c + g(b)\ng = 1", set(), {"f", "g"}),
        ("class C(D):\n    x = 1\n    def f(self):\n        return E", {"D", "E"}, {"C"}),
        ("with open(p) as f:\n    t = f.read()", {"p"}, {"f", "t"}),
        ("import a.b, c as d", set(), {"a", "d"}),
        ("try:\n    f()\nexcept E as e:\n    print(e)", {"f", "E"}, set()),
        ("print((n := m) + n)", {"m"}, {"n"}),
        (">>> x.y = z\n>>> x.y\n1", {"x", "z"}, set()),
    ],
)
def test_what_a_block_reads_and_makes(text: str, reads: set[str], makes: set[str]) -> None:
    block = analysed(text)
    assert (block.reads, block.makes) == (reads, makes)


def test_a_block_needs_what_made_its_names_and_what_changed_them() -> None:
    texts = [
        ">>> import torch",
        ">>> rate = 0.1",
        ">>> w = torch.zeros(1)\n>>> def step():\n...     w.add_(rate)",
        ">>> other = 3",
        ">>> w[0] = 5",
        ">>> step()\n>>> w\n1",
        ">>> other, w",
        ">>> torch.ones(1)\n1",
    ]
    found = needs(texts)
    assert [need.blocks for need in found] == [
        [], [0], [0, 1], [0], [0, 1, 2], [0, 1, 2, 4], [0, 1, 2, 3, 4], [0],
    ]  # fmt: skip
    assert found[6].made_in == {"other": 3, "w": 4}
    assert not found[7].made_in


def test_what_the_first_block_makes_is_there_for_all() -> None:
    texts = [">>> x = torch.ones(2)", ">>> y = x", ">>> _ = train(x, y)", ">>> x\n1", ">>> y\n1"]
    assert [need.blocks for need in needs(texts)] == [[], [0], [0, 1], [0], [0, 1, 2]]


def test_a_page_names_what_a_block_goes_on_from_and_links_to_it() -> None:
    texts = [">>> import torch", ">>> x = torch.ones(1)", ">>> x.sum()\n1"]
    document = new_document("page")
    document += [nodes.literal_block(text, text, language="python") for text in texts]
    annotate(document, texts)
    first, said, second, third, note = document.children
    assert said.astext() == "Run this block first: the others need it."
    assert [block["ids"] for block in (first, second, third)] == [[f"block-{i}"] for i in (1, 2, 3)]
    assert note.astext().startswith("Goes on from x above.")
    assert next(note.findall(nodes.reference))["refid"] == "block-2"
    assert 'data-blocks="1 2"' in next(note.findall(nodes.raw)).astext()


def test_a_page_of_the_gallery_says_that_it_is_one_script() -> None:
    document = new_document("page")
    document += [nodes.literal_block(text, text, language="Python") for text in ("a = 1", "b = a")]
    say_that_a_script_is_one(document)
    assert document[1].astext() == (
        "This is one script in parts: each block goes on from those above it."
    )


def test_a_statement_of_several_lines_is_parted_from_the_next() -> None:
    prompt, dots = '<span class="gp">&gt;&gt;&gt; </span>', '<span class="gp">... </span>'
    lines = [prompt + "for", dots + "  one", dots + "  two", prompt + "after", prompt + "last"]
    parted = part_statements("\n".join(lines))
    gap = '<span hidden="">\n</span>'
    assert parted == "\n".join([*lines[:3], gap + lines[3], lines[4]])


def test_a_traceback_is_output() -> None:
    prompt = '<span class="gp">&gt;&gt;&gt; </span>'
    lines = [
        prompt + "f",
        '<span class="gt">Traceback</span>',
        "    ...",
        "Error: no",
        prompt + "g",
    ]
    expected = [f'<span class="go">{line}</span>' for line in lines[1:4]]
    assert part_statements("\n".join(lines)) == "\n".join([lines[0], *expected, lines[4]])
    lines[4] = "</pre></div>"
    assert part_statements("\n".join(lines)) == "\n".join([lines[0], *expected, lines[4]])


def ends_each_statement(lines: list[str]) -> bool:
    """Tell whether Python's prompt takes these lines, one by one."""
    waiting: list[str] = []
    for line in lines:
        waiting.append(line)
        if codeop.compile_command("\n".join(waiting)) is not None:
            waiting.clear()
    return not "".join(waiting).strip()


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_pythons_prompt_takes_a_copied_example(page: Path) -> None:
    for text in runnable.collected_in_order(page):
        if text.lstrip().startswith(">>>"):
            lines: list[str] = []
            for source, _ in statements(text):
                part = source.splitlines()
                lines += [*part, ""] if len(part) > 1 else part
            assert ends_each_statement(lines), text
