"""What a reader downloads from a gallery page runs alone.

sphinx-gallery offers the script and the notebook as they are, which import ``handbook``. This
extension writes beside them, in ``auto_gallery/<part>/standalone``, a script and a notebook into
which the definitions that they use are copied (see ``inliner/``), and puts a footer with these
downloads, and with what they need, on the page. A script that cannot be made to run alone fails the
build.

From a command line::

    python docs/_ext/standalone.py gallery/convolution/plot_kernels.py -o kernels.py
"""

from __future__ import annotations

import argparse
import ast
import functools
import hashlib
import importlib.metadata
import json
import os
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inliner import (
    DEFAULT_ROOT,
    PACKAGE,
    StandaloneError,
    direct_names,
    fingerprint,
    has_annotations,
    inline,
    modules_used,
    read_text,
    uses,
)

if TYPE_CHECKING:
    from docutils import nodes
    from sphinx.application import Sphinx

__all__ = [
    "StandaloneError",
    "direct_names",
    "fingerprint",
    "inline",
    "modules_used",
    "notebook",
    "requirements",
    "uses",
]

FUTURE = "from __future__ import annotations"
# The distributions of modules that are not called like them.
DISTRIBUTIONS = {"PIL": "pillow", "mpl_toolkits": "matplotlib", "sklearn": "scikit-learn"}
FIRST = ("torch", "matplotlib")
NOTEBOOK_SETTINGS = (
    "first_notebook_cell",
    "last_notebook_cell",
    "notebook_images",
    "promote_jupyter_magic",
    "pypandoc",
    "remove_config_comments",
    "rst_link_targets",
)


# -- what a script needs ------------------------------------------------------------------------


def requirements(source: str) -> list[str]:
    """Return the distributions that a script needs, without those that another one brings.

    Counts imports wherever they stand, and optional packages, which are imported by a call that
    names the distribution: ``optional_package("sklearn.datasets", distribution="scikit-learn")``.
    """
    found = set()
    for node in ast.walk(ast.parse(source)):
        modules: list[str] = []
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = [node.module or ""]
        elif isinstance(node, ast.Call):
            called = ast.unparse(node.func).rpartition(".")[2]
            first = node.args[0] if node.args else None
            if called == "import_module" and isinstance(first, ast.Constant):
                modules = [str(first.value)]
            if called == "optional_package":
                found |= {
                    str(keyword.value.value)
                    for keyword in node.keywords
                    if keyword.arg == "distribution" and isinstance(keyword.value, ast.Constant)
                }
        for module in modules:
            top = module.split(".")[0]
            if top and top not in sys.stdlib_module_names:
                found.add(DISTRIBUTIONS.get(top, top.replace("_", "-")))
    brought = {name for other in found for name in _brought_by(other)}
    return sorted(
        found - brought, key=lambda name: (FIRST.index(name) if name in FIRST else len(FIRST), name)
    )


@functools.cache
def _brought_by(distribution: str) -> frozenset[str]:
    """Return what is installed with a distribution in any case."""
    try:
        lines = importlib.metadata.requires(distribution) or []
    except importlib.metadata.PackageNotFoundError:
        return frozenset()
    names = (re.match(r"[\w.-]+", line) for line in lines if ";" not in line)
    return frozenset(match[0].lower() for match in names if match)


def pip_install(distributions: Iterable[str], constraints: Path) -> str:
    """Return the line that installs distributions, in the versions of the last proven build."""
    pins = {}
    if constraints.is_file():
        for line in constraints.read_text(encoding="utf-8").splitlines():
            if match := re.match(r"([\w.-]+)==([^\s;#]+)", line):
                pins[match[1].lower()] = match[2]
    wanted = [f"{name}=={pins[name]}" if name in pins else name for name in distributions]
    return " ".join(["pip install", *wanted])


# -- the notebook -------------------------------------------------------------------------------

LITERAL_OR_ROLE = re.compile(
    r"(?P<literal>``.+?``)|:(?P<role>[a-z]+(?:[:-][a-z]+)*):`(?P<text>[^`]+)`", re.DOTALL
)
PROSE_ROLES = {"abbr", "chinese", "doc", "eq", "menuselection", "numref", "ref", "term"}
# Directives that only a box tells apart; the notebook conversion knows ``note`` and ``warning``.
LIKE_NOTE = re.compile(r"^\.\. (seealso|tip|hint|important)::", re.MULTILINE)
LIKE_WARNING = re.compile(r"^\.\. (attention|caution|danger)::", re.MULTILINE)


def readable(text: str) -> str:
    """Write the roles of a text block as plain text or code: a notebook has no links to the site.

    >>> readable("See :func:`~handbook.activations.relu` and :ref:`the map <map>`.")
    'See ``relu`` and the map.'
    """

    def replace(match: re.Match[str]) -> str:
        if match["literal"] or match["role"] == "math":
            return match[0]
        role = match["role"].rpartition(":")[2]
        inside = " ".join(match["text"].split())
        titled = re.fullmatch(r"(.+?)\s*<[^>]+>", inside)
        shown = titled[1] if titled else inside.removeprefix("!")
        if role in ("emphasis", "strong"):
            return f"*{shown}*" if role == "emphasis" else f"**{shown}**"
        if role in PROSE_ROLES or match["role"].startswith("cite"):
            return shown if titled else shown.rpartition("/")[2]
        if not titled and shown.startswith("~"):
            shown = shown.rpartition(".")[2]
        return f"``{shown.lstrip('~')}``"

    text = LITERAL_OR_ROLE.sub(replace, text)
    text = re.sub(r"^ +:(label|nowrap|no-wrap):.*\n", "", text, flags=re.MULTILINE)
    return LIKE_WARNING.sub(".. warning::", LIKE_NOTE.sub(".. note::", text))


def notebook(script: Path, gallery_conf: dict[str, Any]) -> str:
    """Return a standalone script as a notebook: its text blocks as Markdown, its code as cells."""
    from sphinx_gallery.notebook import jupyter_notebook
    from sphinx_gallery.py_source_parser import Block, split_code_and_text_blocks

    _, blocks = split_code_and_text_blocks(script)
    shown = [
        Block("text", readable(block.content), block.lineno) if block.type == "text" else block
        for block in blocks
    ]
    made = jupyter_notebook(shown, gallery_conf, script.parent)
    for cell in made["cells"]:
        cell["source"] = ["".join(cell["source"])]
    made["cells"] = [cell for cell in made["cells"] if cell["source"] != [FUTURE]]
    if any(FUTURE in block.content for block in blocks if block.type == "code"):
        # Each cell is compiled by itself, so each that has annotations says how to read them.
        for cell in made["cells"]:
            code = cell["source"][0]
            is_bare = cell["cell_type"] == "code" and not code.startswith(FUTURE)
            if is_bare and has_annotations(ast.parse(code).body):
                cell["source"] = [f"{FUTURE}\n\n{code}"]
    for cell in made["cells"]:
        cell["source"] = cell["source"][0].splitlines(keepends=True)
    return json.dumps(made, indent=1, ensure_ascii=False) + "\n"


# -- Sphinx -------------------------------------------------------------------------------------


def find_scripts(app: Sphinx) -> dict[Path, Path]:
    """Map each script of the gallery to the folder of its downloads."""
    conf = app.config.sphinx_gallery_conf
    found = {}
    for sources, target in zip(_list(conf["examples_dirs"]), _list(conf["gallery_dirs"])):  # noqa: B905
        root = (Path(app.srcdir) / sources).resolve()
        for script in sorted(root.glob("**/plot_*.py")):
            folder = Path(app.srcdir) / target / script.relative_to(root).parent / "standalone"
            found[script] = folder
    return found


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _is_left_out(app: Sphinx, script: Path) -> bool:
    pattern = app.config.sphinx_gallery_conf["ignore_pattern"]
    return bool(re.search(pattern, script.name))


def _package(app: Sphinx) -> tuple[Path, str]:
    root = app.config.standalone_package_root or app.confdir
    return Path(root), app.config.standalone_package


def standalone_text(app: Sphinx, script: Path) -> str:
    """Return the script that runs alone; an error names the script and the line."""
    from sphinx.errors import ExtensionError
    from sphinx_gallery.py_source_parser import remove_config_comments

    root, package = _package(app)
    shown = Path(os.path.relpath(script, app.confdir)).as_posix()
    try:
        text = inline(read_text(script), path=shown, package_root=root, package=package)
    except (StandaloneError, SyntaxError, UnicodeDecodeError) as error:
        where = "" if isinstance(error, StandaloneError) else f"{shown}: "
        raise ExtensionError(f"this script cannot run alone: {where}{error}") from error
    if app.config.sphinx_gallery_conf.get("remove_config_comments"):
        text = remove_config_comments(text)
    return text


def write_downloads(app: Sphinx) -> None:
    """Write both files of every script where they have changed, and remove those of old scripts.

    This comes before the scripts are run: one that cannot run alone costs no time.
    """
    conf = app.config.sphinx_gallery_conf
    tools = _state_of_tools(app)
    kept = set()
    for script, folder in find_scripts(app).items():
        target = folder / script.name
        downloads = (target, target.with_suffix(".ipynb"))
        kept |= {*downloads, target.with_suffix(".state")}
        if _is_left_out(app, script):
            continue
        if _state(script, tools, downloads) != _read(target.with_suffix(".state")):
            _write_if_changed(downloads[0], standalone_text(app, script))
            _write_if_changed(downloads[1], notebook(target, conf))
            state = _state(script, tools, downloads)
            _write_if_changed(target.with_suffix(".state"), state)
    for gallery in _list(conf["gallery_dirs"]):
        for path in sorted((Path(app.srcdir) / gallery).glob("**/standalone/plot_*")):
            if path not in kept:
                path.unlink()


def _state_of_tools(app: Sphinx) -> str:
    """Hash what decides, beside a script, what its downloads are: the package and this code."""
    root, package = _package(app)
    folder = root / package if (root / package).is_dir() else root
    here = Path(__file__).parent
    own = [Path(__file__), *sorted((here / "inliner").glob("*.py"))]
    files = [*sorted(folder.rglob("*.py")), *own]
    versions = [importlib.metadata.version("sphinx-gallery"), sys.version]
    conf = app.config.sphinx_gallery_conf
    settings = [f"{name} {conf.get(name)}" for name in NOTEBOOK_SETTINGS]
    return _hash(*map(_read, files), *versions, *settings)


def _state(script: Path, tools: str, downloads: Iterable[Path]) -> str:
    """Hash a script with what it was made with and into."""
    return _hash(_read(script), tools, *map(_read, downloads))


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _read(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "backslashreplace") if path.is_file() else ""


def _write_if_changed(path: Path, text: str) -> None:
    if path.is_file() and path.read_bytes() == text.encode():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.new")
    scratch.write_bytes(text.encode())
    os.replace(scratch, path)


DOWNLOADS = re.compile(
    r"^\.\. _(?P<label>sphx_glr_download_\S+):\n\n\.\. only:: html\n"
    r"(?:[ \t]*\n|[ \t]+\S.*(?:\n|\Z))*",
    re.MULTILINE,
)
# With an option behind it, reStructuredText keeps the spaces that all lines of output begin with.
SCRIPT_OUTPUT = ".. rst-class:: sphx-glr-script-out\n\n .. code-block:: none\n"
FOOTER = """\
.. _{label}:

.. only:: html

  .. container:: sphx-glr-footer standalone-downloads

    Download: :download:`Python script <standalone/{stem}.py>` ·
    :download:`Jupyter notebook <standalone/{stem}.ipynb>` —
    each runs alone with: {names}

    .. code-block:: none

        {install}

"""


def replace_footer(app: Sphinx, docname: str, source: list[str]) -> None:
    """Put our footer in the place of sphinx-gallery's, whose files do not run alone."""
    from sphinx.errors import ExtensionError

    page = Path(app.srcdir) / docname
    script = page.parent / "standalone" / f"{page.name}.py"
    galleries = _list(app.config.sphinx_gallery_conf["gallery_dirs"])
    if not script.is_file() or not any(docname.startswith(f"{g}/") for g in galleries):
        return
    names = requirements(read_text(script))
    constraints = Path(app.confdir) / "constraints.txt"

    def footer(match: re.Match[str]) -> str:
        return FOOTER.format(
            label=match["label"],
            stem=page.name,
            names=", ".join(names) or "Python itself",
            install=pip_install(names, constraints),
        )

    text = source[0].replace(SCRIPT_OUTPUT, f"{SCRIPT_OUTPUT}    :dedent: 0\n")
    source[0], count = DOWNLOADS.subn(footer, text)
    if count != 1:
        raise ExtensionError(
            f"{docname}: sphinx-gallery's download links are not where they were; "
            "see DOWNLOADS in docs/_ext/standalone.py"
        )
    if constraints.is_file():
        app.env.note_dependency(str(constraints))


def plain_links(app: Sphinx, doctree: nodes.document) -> None:
    """Write the download links as words; Sphinx writes them as code."""
    from docutils import nodes
    from sphinx import addnodes

    for node in doctree.findall(addnodes.download_reference):
        parent: nodes.Node | None = node.parent
        while parent is not None and "standalone-downloads" not in parent.get("classes", ()):
            parent = parent.parent
        if parent is not None:
            words = node.astext()
            node.clear()
            node += nodes.inline("", words)


def no_archives(app: Sphinx, config: Any) -> None:
    """Leave out the archives of the whole gallery, whose scripts do not run alone."""
    config.sphinx_gallery_conf["download_all_examples"] = False


def setup(app: Sphinx) -> dict[str, Any]:
    """Write the files before any script is run; replace the footer when a page is read."""
    app.add_config_value("standalone_package", PACKAGE, "env")
    app.add_config_value("standalone_package_root", None, "env", types=(str, type(None)))
    app.connect("config-inited", no_archives, priority=5)
    app.connect("builder-inited", write_downloads, priority=300)
    app.connect("source-read", replace_footer, priority=600)
    app.connect("doctree-read", plain_links)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


# -- command line -------------------------------------------------------------------------------


def main(arguments: list[str] | None = None) -> int:
    """Write the standalone form of one script."""
    parser = argparse.ArgumentParser(description="Make a gallery script run without handbook.")
    parser.add_argument("script", type=Path)
    parser.add_argument("-o", "--output", type=Path, help="file to write; printed without it")
    parser.add_argument("--package", default=PACKAGE)
    parser.add_argument("--package-root", type=Path, default=DEFAULT_ROOT)
    options = parser.parse_args(arguments)
    try:
        text = inline(
            read_text(options.script),
            path=options.script,
            package_root=options.package_root,
            package=options.package,
        )
    except (StandaloneError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    if options.output:
        options.output.write_bytes(text.encode())
    else:
        sys.stdout.buffer.write(text.encode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
