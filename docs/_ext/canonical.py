"""Show a function, class or constant of the package on a page: the source itself, never a copy.

``{canonical} handbook.activations.relu`` prints the source of the function as it stands in the
package, without its docstring (the reference page has that), under a caption that links to the
reference. A name that does not exist is a warning that says which ones are near.

What the copy button takes begins with the imports that the code needs: ``copying`` puts them,
hidden, in front of it.
"""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

logger = logging.getLogger(__name__)

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


class UnknownNameError(LookupError):
    """A name that no definition has; the message says which ones are near."""


def definitions(body: list[ast.stmt], prefix: str = "") -> Iterator[tuple[str, ast.stmt]]:
    """Yield (dotted name, statement) of every definition and assignment, in order."""
    for statement in body:
        if isinstance(statement, DEFINITIONS):
            yield prefix + statement.name, statement
            if isinstance(statement, ast.ClassDef):
                yield from definitions(statement.body, f"{prefix}{statement.name}.")
        elif isinstance(statement, ast.Assign | ast.AnnAssign):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            for target in targets:
                for name in ast.walk(target):
                    if isinstance(name, ast.Name):
                        yield prefix + name.id, statement
        elif isinstance(statement, ast.If | ast.Try | ast.With):
            for field in ("body", "orelse", "finalbody"):
                yield from definitions(getattr(statement, field, []), prefix)


def nearest(name: str, names: list[str]) -> str:
    """Say which names are near, or which there are."""
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5) or sorted(names)[:8]
    return f"did you mean {', '.join(near)}?" if near else "there is nothing to choose from"


def docstring_of(definition: Definition) -> ast.Expr | None:
    """Return the statement that is the docstring, if there is one."""
    first = definition.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
        return first if isinstance(first.value.value, str) else None
    return None


def source_of(source: str, name: str, *, docstring: bool = False) -> str:
    """Return the source of one definition of a module, dedented.

    Comments and decorators stay. Docstrings go, that of a class with those of its methods, unless
    ``docstring`` is true. Lines inside a string that spans lines are left as they are.
    """
    tree = ast.parse(source)
    found = dict(definitions(tree.body))  # of overloads the last, which is the one that runs
    if name not in found:
        public = [known for known in found if not known.split(".")[-1].startswith("_")]
        raise UnknownNameError(f"there is no {name!r}; {nearest(name, public)}")
    node = found[name]
    # Not splitlines(): a form feed or a separator inside a string is no new line to Python.
    lines = source.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
    last = node.end_lineno or first
    if isinstance(node, DEFINITIONS):
        last = _with_trailing_comments(lines, last, node.col_offset)
    dropped: set[int] = set()
    if not docstring:
        for inner in ast.walk(node):
            if isinstance(inner, DEFINITIONS):
                dropped |= _docstring_lines(lines, inner)
    inside_strings = {
        number
        for inner in ast.walk(node)
        if isinstance(inner, ast.JoinedStr)
        or (isinstance(inner, ast.Constant) and isinstance(inner.value, str | bytes))
        for number in range(inner.lineno + 1, (inner.end_lineno or inner.lineno) + 1)
    }
    shown = []
    for number in range(first, last + 1):
        if number in dropped:
            continue
        line = lines[number - 1]
        margin = line[: node.col_offset]
        is_code = number not in inside_strings and not margin.strip()
        shown.append(line[node.col_offset :] if is_code else line)
    return "\n".join(shown).rstrip() + "\n"


def imports_of(source: str, module: str, text: str) -> str:
    """Return the imports behind which a definition of the module runs on its own.

    What the module imports is imported alike; what it defines itself is imported from it, if it has
    a name to be imported by. A class that names itself is imported too, since its annotations are
    evaluated before it is made.
    """
    reads = {
        node.id
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }
    wanted = reads - {
        name
        for name, statement in definitions(ast.parse(text).body)
        if not isinstance(statement, ast.ClassDef)
    }
    tree = ast.parse(source)
    lines: list[str] = []
    taken: dict[str, list[str]] = {}
    for statement in _imports(tree.body):
        for alias in statement.names:
            bound = alias.asname or alias.name.partition(".")[0]
            if bound not in wanted:
                continue
            spelled = alias.name + (f" as {alias.asname}" if alias.asname else "")
            if isinstance(statement, ast.Import):
                lines.append(f"import {spelled}")
            elif statement.module != "__future__":
                taken.setdefault(statement.module or "", []).append(spelled)
    if module:
        own = {name for name, _ in definitions(tree.body) if "." not in name}
        taken.setdefault(module, []).extend(own & wanted)
    lines += [f"from {name} import {', '.join(sorted(n))}" for name, n in taken.items() if n]
    return "".join(f"{line}\n" for line in dict.fromkeys(lines))


def _imports(body: list[ast.stmt]) -> Iterator[ast.Import | ast.ImportFrom]:
    """Yield the imports of a module in order, those of an ``if TYPE_CHECKING`` included."""
    for statement in body:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            yield statement
        elif isinstance(statement, ast.If | ast.Try):
            yield from _imports([*statement.body, *statement.orelse])


def _with_trailing_comments(lines: list[str], last: int, column: int) -> int:
    """Include the comments that end a body: the syntax tree stops at the last statement."""
    for number in range(last + 1, len(lines) + 1):
        line = lines[number - 1]
        if line.strip():
            if not line.lstrip().startswith("#") or len(line) - len(line.lstrip()) <= column:
                break
            last = number
    return last


def _docstring_lines(lines: list[str], definition: Definition) -> set[int]:
    """Return the numbers of the lines that go with the docstring, blank ones after it included."""
    statement = docstring_of(definition)
    if statement is None or statement.end_lineno is None:
        return set()
    if len(definition.body) == 1:  # without it nothing would be left
        return set()
    following = definition.body[1]
    before = lines[statement.lineno - 1].encode()[: statement.col_offset]
    if before.strip() or following.lineno == statement.end_lineno:
        return set()  # it shares its line with code
    end = statement.end_lineno
    while not lines[end].strip():
        end += 1
    return set(range(statement.lineno, end + 1))


def find_module(root: Path, name: str) -> tuple[Path, str, str]:
    """Split ``package.module.object`` into the module's file, the module and the object.

    The longest part that is a file wins.
    """
    parts = name.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        folder = root.joinpath(*parts[:cut])
        for path in (folder.with_suffix(".py"), folder / "__init__.py"):
            if path.is_file():
                return path, ".".join(parts[:cut]), ".".join(parts[cut:])
    package = root / parts[0]
    modules = [
        ".".join(path.relative_to(root).with_suffix("").parts)
        for path in sorted(package.rglob("*.py"))
        if path.name != "__init__.py"
    ]
    wanted = name.rpartition(".")[0] or name
    raise UnknownNameError(f"there is no module {wanted!r}; {nearest(wanted, modules)}")


class Canonical(SphinxDirective):
    """``{canonical} handbook.module.name [more names]``, one block for each name."""

    has_content = True
    optional_arguments = 1
    final_argument_whitespace = True
    option_spec: ClassVar[dict[str, Any]] = {"docstring": directives.flag}

    def run(self) -> list[nodes.Node]:
        names = " ".join([*self.arguments, *self.content]).split()
        if not names:
            self._warn("canonical needs a name, such as handbook.activations.relu")
        return [block for name in names for block in self._block(name)]

    def _warn(self, message: str) -> None:
        logger.warning(message, location=self.get_location(), type="handbook", subtype="canonical")

    def _id(self, name: str) -> str:
        """Return an anchor that keeps when other blocks come and go."""
        wanted = nodes.make_id(f"code-{name}")
        taken = self.env.new_serialno(wanted)
        return wanted if taken == 0 else f"{wanted}-{taken + 1}"

    def _block(self, name: str) -> list[nodes.Node]:
        root = Path(self.config.canonical_root)
        try:
            path, module, qualname = find_module(root, name)
        except UnknownNameError as error:
            self._warn(f"canonical {name}: {error}")
            return []
        # Noted before the name is looked up: the page is read again when the module is mended.
        self.env.note_dependency(path)
        try:
            source = path.read_text(encoding="utf-8")
            text = source_of(source, qualname, docstring="docstring" in self.options)
        except (UnknownNameError, SyntaxError) as error:
            self._warn(f"canonical {name}: in {path.relative_to(root).as_posix()} {error}")
            return []
        block = nodes.literal_block(text, text, language="python")
        block["handbook_canonical"] = True  # the tests of the package run this code
        block["handbook_imports"] = imports_of(source, module, text)
        self.set_source_info(block)
        # A private helper has no place in the reference; its module has.
        is_private = any(part.startswith("_") for part in name.split("."))
        reference = addnodes.pending_xref(
            "",
            nodes.literal(name, name, classes=["xref", "py", "py-obj"]),
            refdomain="py",
            reftype="mod" if is_private else "obj",
            reftarget=".".join(name.split(".")[:2]) if is_private else name,
            refdoc=self.env.docname,
            refexplicit=True,
            refwarn=True,
        )
        self.set_source_info(reference)
        file_name = path.relative_to(root).as_posix()
        caption = nodes.caption(
            "", "", reference, nodes.Text(" in "), nodes.literal(file_name, file_name)
        )
        self.set_source_info(caption)
        caption["translatable"] = False  # names only
        wrapper = nodes.container(
            "", literal_block=True, classes=["literal-block-wrapper", "canonical"]
        )
        wrapper["ids"].append(self._id(name))
        wrapper += [caption, block]
        return [wrapper]


def find_root(app: Sphinx, config: Any) -> None:
    """Look for the package beside conf.py, unless conf.py says otherwise."""
    config.canonical_root = str(app.confdir / (config.canonical_root or ""))


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_config_value("canonical_root", "", "env", types=(str,))
    app.connect("config-inited", find_root)
    app.add_directive("canonical", Canonical)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
