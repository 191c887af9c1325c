"""The build's own machinery: formulas, blocks that nothing runs, what makes a script stale."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import sys
import time
import weakref
from pathlib import Path
from types import SimpleNamespace

import docstrings
import equivalence
import gallery_cache
import katex
import pytest
import runnable
import standalone
from docutils import nodes
from docutils.utils import new_document
from sphinx.errors import ExtensionError

import conf

# -- katex --------------------------------------------------------------------------------------


def test_a_formula_becomes_html_with_mathml_for_screen_readers() -> None:
    html = katex.render(r"\frac{1}{1 + e^{-x}}")
    assert html.startswith('<span class="katex">')
    assert "<math" in html
    assert "frac" in html


def test_bad_tex_is_refused_in_katex_words() -> None:
    with pytest.raises(ValueError, match="Unexpected end of input"):
        katex.render(r"\frac{1")
    with pytest.raises(ValueError, match=r"Undefined control sequence: \\nosuch"):
        katex.render(r"\nosuch")


def test_macros_are_known() -> None:
    assert "R" in katex.render(r"\R", macros=r'{"\\R": "\\mathbb{R}"}')


@pytest.mark.parametrize(
    ("tex", "as_is", "expected"),
    [
        ("a = b", False, "a = b"),
        (r"a &= b \\ c &= d", False, r"\begin{aligned}a &= b \\ c &= d\end{aligned}"),
        (r"\begin{align}a\end{align}", True, r"\begin{align*}a\end{align*}"),
        (r"\begin{align*}a\end{align*}", True, r"\begin{align*}a\end{align*}"),
        (r"\begin{pmatrix}a \\ b\end{pmatrix}", False, r"\begin{pmatrix}a \\ b\end{pmatrix}"),
    ],
)
def test_several_lines_are_aligned_and_never_numbered_twice(
    tex: str, as_is: bool, expected: str
) -> None:
    assert katex.display_form(tex, as_is=as_is) == expected
    katex.render(katex.display_form(tex, as_is=as_is), display=True)


# -- runnable -----------------------------------------------------------------------------------


def page(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "page.md"
    path.write_text(text, encoding="utf-8")
    return path


def doctree_of(*blocks: tuple[str, str]) -> nodes.document:
    document = new_document("page")
    for language, text in blocks:
        document += nodes.literal_block(text, text, language=language)
    return document


def test_a_python_fence_is_collected(tmp_path: Path) -> None:
    source = page(tmp_path, "# T\n\n```python\n>>> 1 + 1\n2\n```\n")
    assert runnable.not_run(doctree_of(("python", ">>> 1 + 1\n2")), source) == []


@pytest.mark.parametrize("info", ["py", "pycon", "Python", "{code} py", ""])
def test_other_fences_with_python_inside_are_found(tmp_path: Path, info: str) -> None:
    source = page(tmp_path, f"# T\n\n```{info}\n>>> 1 + 1\n2\n```\n")
    language = info.lower().replace("{code} ", "") or "none"
    (found,) = runnable.not_run(doctree_of((language, ">>> 1 + 1\n2")), source)
    assert "write it as a ```python fence" in found[1]


def test_python_without_a_language_is_found_and_prose_is_not(tmp_path: Path) -> None:
    source = page(tmp_path, "# T\n")
    assert len(runnable.not_run(doctree_of(("none", "import torch")), source)) == 1
    assert runnable.not_run(doctree_of(("none", "nox -s docs")), source) == []
    assert runnable.not_run(doctree_of(("sh", "import torch")), source) == []


def test_an_indented_example_is_found(tmp_path: Path) -> None:
    document = new_document("page")
    document += nodes.doctest_block(">>> 1\n1", ">>> 1\n1")
    assert len(runnable.not_run(document, page(tmp_path, "# T\n"))) == 1


def test_canonical_code_is_run_by_the_tests(tmp_path: Path) -> None:
    document = doctree_of(("python", "def relu(x): ..."))
    document[0]["handbook_canonical"] = True
    assert runnable.not_run(document, page(tmp_path, "# T\n")) == []


# -- gallery_cache ------------------------------------------------------------------------------

CONF = {"ignore_pattern": r"[/\\]_", "examples_dirs": ["../gallery"], "gallery_dirs": ["out"]}


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A package of two functions, one of which a script uses."""
    (tmp_path / "handbook").mkdir()
    (tmp_path / "handbook" / "__init__.py").write_text("__version__ = '1'\n")
    (tmp_path / "handbook" / "mod.py").write_text(
        '"""M."""\n\n\ndef _inner(x):\n    return x\n\n\ndef used(x):\n    """Old."""\n'
        "    return _inner(x)\n\n\ndef unused(x):\n    return x\n"
    )
    script = tmp_path / "gallery" / "part" / "plot_a.py"
    script.parent.mkdir(parents=True)
    script.write_text('"""\nT\n=\n"""\nfrom handbook.mod import used\n\nprint(used(1))\n')
    (tmp_path / "docs").mkdir()
    return tmp_path


def digest_after(house: Path, old: str, new: str) -> tuple[str, str]:
    script = house / "gallery" / "part" / "plot_a.py"
    module = house / "handbook" / "mod.py"
    before = gallery_cache.digest(script, house)
    module.write_text(module.read_text().replace(old, new))
    return before, gallery_cache.digest(script, house)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("return _inner(x)", "return _inner(x) + 1"),
        ("    return x\n\n\ndef used", "    return -x\n\n\ndef used"),
    ],
    ids=["a function that the script imports", "a helper of it"],
)
def test_a_change_in_code_that_a_script_uses_makes_it_stale(
    house: Path, old: str, new: str
) -> None:
    before, after = digest_after(house, old, new)
    assert before != after


@pytest.mark.parametrize(
    ("old", "new"),
    [("Old.", "New."), ("def unused(x):\n    return x", "def unused(x):\n    return 2 * x")],
    ids=["a docstring", "a function that it does not use"],
)
def test_a_change_elsewhere_does_not(house: Path, old: str, new: str) -> None:
    before, after = digest_after(house, old, new)
    assert before == after


def test_a_digest_is_looked_up_only_when_every_source_is_as_it_was(
    house: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = house / "gallery" / "part" / "plot_a.py"
    module, store = house / "handbook" / "mod.py", house / "doctrees" / "digests.json"
    made = []
    digest = gallery_cache.digest
    monkeypatch.setattr(gallery_cache, "digest", lambda *args: made.append(args) or digest(*args))

    def found() -> str:
        answer = gallery_cache.digests([script], house, store)[script]
        assert answer == digest(script, house)
        return answer

    first = found()
    assert found() == first
    assert len(made) == 1
    module.write_text(module.read_text().replace("return _inner(x)", "return -_inner(x)"))
    second = found()
    assert second != first
    script.write_text(script.read_text() + "print(2)\n")
    assert found() not in (first, second)
    assert len(made) == 3


def test_another_device_makes_a_script_stale(house: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = house / "gallery" / "part" / "plot_a.py"
    before = gallery_cache.digest(script, house)
    monkeypatch.setattr(gallery_cache, "device_name", lambda: "NVIDIA H200")
    assert gallery_cache.digest(script, house) != before


def test_a_page_is_fresh_only_when_it_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "plot_a.py"
    assert not gallery_cache.is_fresh(target, "d")
    (tmp_path / "plot_a.fingerprint").write_text("d")
    (tmp_path / "plot_a.py.md5").write_text("x")
    assert not gallery_cache.is_fresh(target, "d"), "without its page"
    (tmp_path / "plot_a.rst").write_text("x")
    assert gallery_cache.is_fresh(target, "d")
    assert not gallery_cache.is_fresh(target, "other")


def test_scripts_are_found_in_their_parts(house: Path) -> None:
    (house / "gallery" / "part" / "_hidden.py").write_text("")
    found = gallery_cache.find_scripts(CONF, house / "docs")
    assert {path.name: target.name for path, target in found.items()} == {"plot_a.py": "plot_a.py"}
    assert next(iter(found.values())) == house / "docs" / "out" / "part" / "plot_a.py"


def test_scripts_are_found_below_a_folder_named_like_a_hidden_script(house: Path) -> None:
    """A reader may keep the handbook in a folder such as _build; it once lost its gallery there."""
    there = house / "_build"
    shutil.copytree(house / "gallery", there / "gallery")
    real = CONF | {"ignore_pattern": conf.sphinx_gallery_conf["ignore_pattern"]}
    names = [path.name for path in gallery_cache.find_scripts(real, there / "docs")]
    assert names == ["plot_a.py"]
    app = SimpleNamespace(config=SimpleNamespace(sphinx_gallery_conf=real))
    assert not standalone._is_left_out(app, there / "gallery" / "part" / "plot_a.py")
    assert standalone._is_left_out(app, there / "gallery" / "part" / "_hidden.py")


def test_a_script_that_never_ran_goes_first(tmp_path: Path) -> None:
    assert gallery_cache.last_cost_s(tmp_path / "plot_a.py") == math.inf
    (tmp_path / "plot_a.cost.json").write_text('{"time": 2.5, "memory": 0}')
    assert gallery_cache.last_cost_s(tmp_path / "plot_a.py") == 2.5


def test_the_reset_undoes_what_a_script_did_to_pytorch() -> None:
    import torch

    torch.set_default_dtype(torch.float64)
    torch.set_grad_enabled(False)
    torch.set_printoptions(precision=2)
    torch.manual_seed(5)
    torch.use_deterministic_algorithms(True, warn_only=True)
    gallery_cache.reset({}, "plot_a.py", "before")
    assert not torch.are_deterministic_algorithms_enabled()
    assert torch.get_default_dtype() == torch.float32
    assert torch.is_grad_enabled()
    assert repr(torch.tensor(1 / 3)) == "tensor(0.3333)"
    assert torch.initial_seed() == 0


def test_what_a_script_leaves_in_a_cycle_is_gone_before_the_next() -> None:
    class Figure:
        """Holds itself, as figures and functions do."""

    figure = Figure()
    figure.itself = figure  # type: ignore[attr-defined]
    left = weakref.ref(figure)
    gallery_cache.reset({}, "plot_a.py", "after")  # sphinx-gallery still has the script's names
    del figure
    gallery_cache.reset({}, "plot_b.py", "before")
    assert left() is None


def build(house: Path, *, may_fail: bool = False) -> tuple[Path, str]:
    """Build a site of one script with the real extensions; return its pages and what was said."""
    docs = house / "docs"
    (docs / "index.rst").write_text("T\n=\n\n.. toctree::\n\n   out/index\n")
    for folder in (house / "gallery", house / "gallery" / "part"):
        underline = "=" if folder.name == "gallery" else "-"
        (folder / "GALLERY_HEADER.rst").write_text(f"Header\n{underline * 6}\n\nText.\n")
    conf = {
        **CONF, "filename_pattern": "plot_", "reset_modules": ("gallery_cache.reset",),
        "capture_repr": (), "download_all_examples": False,
        "write_computation_times": False, "min_reported_time": 1e9, "show_signature": False,
        "image_scrapers": (),
    }  # fmt: skip
    extensions = Path(gallery_cache.__file__).parent
    (house / "conf.py").write_text(
        f"import sys\nsys.path.insert(0, {str(extensions)!r})\n"
        "extensions = ['gallery_cache', 'sphinx_gallery.gen_gallery']\n"
        f"html_theme = 'basic'\nsphinx_gallery_conf = {conf!r}\n"
    )
    command = [sys.executable, "-m", "sphinx", "-q", "-c", str(house), str(docs), str(house / "h")]
    done = subprocess.run(command, check=False, capture_output=True, cwd=house, text=True)
    assert may_fail or done.returncode == 0, done.stderr
    assert not may_fail or done.returncode != 0
    return docs / "out" / "part", done.stdout + done.stderr


def test_a_build_runs_what_is_stale_and_nothing_else(
    house: Path,
) -> None:
    # The scripts run in processes of their own, where `handbook` is the real one.
    (house / "gallery" / "part" / "plot_a.py").write_text('"""\nA\n=\n"""\nprint(1)\n')
    pages, _ = build(house)
    page = pages / "plot_a.rst"
    assert page.exists()
    assert (pages / "plot_a.fingerprint").exists()
    first = page.stat().st_mtime_ns
    time.sleep(0.01)
    build(house)
    assert page.stat().st_mtime_ns == first, "nothing changed, and it ran again"

    shutil.rmtree(house / "gallery" / "part")
    (house / "gallery" / "other").mkdir()
    (house / "gallery" / "other" / "plot_b.py").write_text('"""\nB\n=\n"""\nprint(2)\n')
    (house / "gallery" / "other" / "GALLERY_HEADER.rst").write_text("Other\n-----\n\nText.\n")
    (house / "gallery" / "part").mkdir()
    build(house)
    assert not page.exists(), "the page of a deleted script stayed"


def test_a_broken_script_fails_the_build_and_is_named_with_its_line(house: Path) -> None:
    script = house / "gallery" / "part" / "plot_a.py"
    script.write_text('"""\nA\n=\n"""\nx = 0\n\nprint(1 / x)\n')
    pages, said = build(house, may_fail=True)
    assert "plot_a.py" in said
    assert "line 7" in said
    assert "ZeroDivisionError: division by zero" in said
    assert not (pages / "plot_a.fingerprint").exists(), "it would count as done the next time"

    script.write_text('"""\nA\n=\n"""\nprint(1)\n')
    build(house)
    assert (pages / "plot_a.fingerprint").exists()


# -- equivalence --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "text"),
    [(0.0, "0"), (1e-8, "≤ 1e-08"), (1.1e-8, "≤ 1e-07"), (9.9e-8, "≤ 1e-07"), (3.0, "≤ 1e+01")],
)
def test_an_error_is_rounded_up(error: float, text: str) -> None:
    assert equivalence.error_text(error) == text


FAKE_TABLE = """
import json, sys
Pair = lambda *names: names
TABLE = [Pair("mod.used", "F.used"), Pair("mod.unused", "F.unused")]
rows = [{"ours": ours, "error": 0} for ours, _ in TABLE if ours in sys.argv[3:]]
json.dump(rows, open(sys.argv[2], "w"))
open(__file__ + ".log", "a").write(" ".join(sys.argv[3:]) + "\\n")
"""


def test_only_rows_whose_code_has_changed_are_measured_again(
    house: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table, module = house / "table.py", house / "handbook" / "mod.py"
    table.write_text(FAKE_TABLE)
    monkeypatch.setattr(equivalence, "ROOT", house)
    monkeypatch.setattr(equivalence, "TABLE", table)
    monkeypatch.delenv("HANDBOOK_ONLY", raising=False)

    def measured() -> list[str]:
        log = Path(f"{table}.log")
        log.write_text("")
        app = SimpleNamespace(srcdir=house / "docs")
        equivalence.begin(app)
        equivalence.finish(app)
        rows = json.loads(equivalence.results_file(house / "docs").read_text())
        assert [row["ours"] for row in rows] == ["mod.used", "mod.unused"]
        return log.read_text().split()

    assert measured() == ["mod.used", "mod.unused"]
    assert measured() == []
    module.write_text(module.read_text().replace('"""Old."""', '"""New."""'))
    before = equivalence.results_file(house / "docs").stat().st_mtime_ns
    assert measured() == []
    assert equivalence.results_file(house / "docs").stat().st_mtime_ns == before
    module.write_text(module.read_text().replace("return _inner(x)", "return -_inner(x)"))
    assert measured() == ["mod.used"]


def test_a_table_that_fails_fails_the_build(house: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = house / "table.py"
    table.write_text('Pair("mod.used", "F.used")\n')
    monkeypatch.setattr(equivalence, "ROOT", house)
    monkeypatch.setattr(equivalence, "TABLE", table)
    app = SimpleNamespace(srcdir=house / "docs")
    equivalence.begin(app)
    with pytest.raises(ExtensionError, match="NameError: name 'Pair' is not defined"):
        equivalence.finish(app)


# -- docstrings ---------------------------------------------------------------------------------


def test_shapes_become_a_list_and_stay_shapes() -> None:
    section = [
        "Shapes", "------", "input : (N, C, *) with C classes at ``dim``",
        "weight, bias : ``(C_out,)`` or (C_out, (k - 1) + 1)", "",
        "Raises", "------", "TypeError", "    If ``input : (x)`` is none.",
    ]  # fmt: skip
    assert docstrings.as_list(section) == [
        "Shapes", "------", "* ``input``: ``(N, C, *)`` with C classes at ``dim``",
        "* ``weight``, ``bias``: ``(C_out,)`` or ``(C_out, (k - 1) + 1)``", "",
        "Raises", "------", "TypeError", "    If ``input : (x)`` is none.",
    ]  # fmt: skip


def test_an_authors_initial_is_no_numbered_list() -> None:
    lines = ["X. Glorot, A. Bordes, 2011.", "No change."]
    docstrings.rewrite(None, "function", "f", None, None, lines)
    assert lines == [r"\X. Glorot, A. Bordes, 2011.", "No change."]
