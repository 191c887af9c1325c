"""The form of every gallery script: what sphinx-gallery would pass over in silence."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from sphinx_gallery.py_source_parser import split_code_and_text_blocks

GALLERY = Path(__file__).parents[1] / "gallery"
SCRIPTS = sorted(GALLERY.glob("*/plot_*.py"))
every_script = pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
LONGEST_LINE = 100


def blocks(script: Path, kind: str) -> list[str]:
    found = split_code_and_text_blocks(str(script))[1]
    return [block.content for block in found if block.type == kind]


def test_there_are_scripts_and_each_has_a_name_of_its_own() -> None:
    names = [script.stem for script in SCRIPTS]
    assert names
    # Downloads of two scripts land in one folder of the reader's.
    assert sorted(set(names)) == sorted(names)


@every_script
def test_text_is_restructured_text_and_not_markdown(script: Path) -> None:
    for text in blocks(script, "text"):
        plain = re.sub(r"``[^`]+``|:[\w:]+:`[^`]+`|`[^`]+`_", "", text)
        assert "](" not in plain, "a Markdown link: write `text <address>`_"
        assert "$" not in plain, "Markdown's mathematics: write :math:`...`"
        assert "`" not in plain, "Markdown's code: write ``...``"
        assert not re.search(r"^#+ ", plain, re.MULTILINE), "a Markdown heading: underline it"


@every_script
def test_a_script_has_a_title_code_and_experiments(script: Path) -> None:
    text = blocks(script, "text")
    title, underline = text[0].strip().splitlines()[:2]
    assert set(underline) == {"="}
    assert len(title) <= 60
    assert "Change this and see" in text[-1]
    assert text[-1].count("\n- ") >= 2


@every_script
def test_a_script_leaves_rcparams_alone_and_shows_once_at_its_end(script: Path) -> None:
    source = script.read_text(encoding="utf-8")
    assert not re.search(r"rcParams\[[^]]+\]\s*=", source)
    assert not re.search(r"rcParams\.update", source)
    assert source.count("plt.show()") == 1
    assert source.endswith("\nplt.show()\n")
    assert max(map(len, source.splitlines())) <= LONGEST_LINE


@every_script
def test_a_script_draws_random_numbers_from_its_own_generators(script: Path) -> None:
    for node in ast.walk(ast.parse(script.read_text(encoding="utf-8"))):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        if ast.unparse(node.func) in {
            "torch.rand",
            "torch.randn",
            "torch.randint",
            "torch.randperm",
        }:
            given = {keyword.arg for keyword in node.keywords}
            assert "generator" in given, f"line {node.lineno}: {ast.unparse(node)}"
        assert ast.unparse(node.func) != "torch.manual_seed"


@every_script
def test_a_script_sets_its_own_look_and_device(script: Path) -> None:
    source = script.read_text(encoding="utf-8")
    assert "\nplt.style.use(STYLE)\n" in source
