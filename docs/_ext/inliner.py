"""Make a script that imports from ``handbook`` run alone, by copying what it uses into it.

The definitions that a script needs are found on the syntax tree, transitively, and copied as text,
with their docstrings and comments, in the order in which Python would have executed them. So what
is needed to define something stands before it, low floors stand before high ones, and a module keeps
its order.

Several modules and the script then share one namespace. Wherever that, or a statement that was left
out, could change what the script does, `inline` refuses: a `StandaloneError` names the script, the
line and what to write instead.
"""

from __future__ import annotations

import ast
import builtins
import difflib
import hashlib
import io
import os
import re
import sys
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import NamedTuple

from names import (
    FUNCTIONS,
    Names,
    Use,
    bindings,
    bound_name,
    is_docstring,
    look,
    names_type_checking,
    strings,
    without_docstrings,
)

PACKAGE = "handbook"
TITLE = "Torch Handbook"
LICENCE = "BSD-3-Clause"
LINE_LENGTH = 100
END_MARK = "# --- end of what was copied ---"

# sphinx-gallery starts a new cell at a line like these.
CELL_MARK = re.compile(r"(#{20,}|# ?%%)")
# What a module knows about itself, and its copy in a script would not.
MODULE_NAMES = {
    "__name__",
    "__file__",
    "__doc__",
    "__package__",
    "__spec__",
    "__loader__",
    "__path__",
    "__cached__",
    "__dict__",
    "__annotations__",
}
BUILTINS = frozenset(dir(builtins))
# Calls that change something outside of the package, for everybody.
OUTSIDE_EFFECT = re.compile(
    r"(set_\w+|manual_seed\w*|seed|use|filterwarnings|simplefilter|basicConfig|register\w*|"
    r"disable\w*|enable\w*|putenv|chdir)"
)
PRAGMA = re.compile(r"#\s*(noqa|type:|fmt:|isort:|ruff:|pragma|pylint|mypy)", re.IGNORECASE)


class StandaloneError(Exception):
    """A script cannot be made to run alone; says where and what to write instead."""

    def __init__(self, path: Path | str, line: int, message: str) -> None:
        super().__init__(f"{path}:{line}: {message}")
        self.path = str(path)
        self.line = line
        self.message = message


class _Refusal(Exception):  # noqa: N818  # becomes a StandaloneError where the script is known
    def __init__(self, message: str, *, module: Module | None = None, line: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.module = module
        self.line = line


# -- what a name means --------------------------------------------------------------------------


class Outside(NamedTuple):
    """Something from another package: ``torch.Tensor``."""

    dotted: str


class InModule(NamedTuple):
    """A module of the package itself."""

    module: str


class Definition(NamedTuple):
    """A name that a module of the package defines."""

    module: str
    name: str


class Builtin(NamedTuple):
    """One of Python's own names."""

    name: str


class InScript(NamedTuple):
    """A name that the script binds itself."""

    name: str


class SharedTry(NamedTuple):
    """A name bound by a try statement around imports, equal wherever its text is equal."""

    text: str
    name: str


Meaning = Outside | InModule | Definition | Builtin | InScript | SharedTry


class OutsideImport(NamedTuple):
    """One name of one import statement: ``import module as alias`` or ``from module import …``."""

    module: str
    attribute: str | None
    alias: str | None

    @property
    def name(self) -> str:
        """The name that it binds."""
        return self.alias or self.attribute or self.module.split(".")[0]

    @property
    def meaning(self) -> Outside:
        """What that name means."""
        if self.attribute is not None:
            return Outside(f"{self.module}.{self.attribute}")
        return Outside(self.module if self.alias else self.module.split(".")[0])


def _say(meaning: Meaning) -> str:
    match meaning:
        case Outside(dotted):
            return dotted
        case InModule(module):
            return f"the module {module}"
        case Definition(module, name):
            return f"{module}.{name}"
        case Builtin(name):
            return f"Python's own {name}"
        case InScript(name):
            return f"the script's own {name}"
        case SharedTry(_, name):
            return f"the optional import {name}"


# -- modules ------------------------------------------------------------------------------------


@dataclass(eq=False)
class Unit:
    """The smallest part of a module that is copied: one statement, or several on one line."""

    module: Module
    index: int
    nodes: list[ast.stmt]
    first: int  # lines of the text, comments included; 1-based, inclusive
    last: int
    names: Names
    under_type_checking: bool = False
    is_checked: bool = False

    @cached_property
    def code(self) -> str:
        """What it does, as text without docstrings and comments."""
        return "\n".join(without_docstrings(n) for n in self.nodes if not is_docstring(n))

    @property
    def line(self) -> int:
        """Where the code starts."""
        return self.nodes[0].lineno

    @property
    def bound(self) -> list[str]:
        """The module's names that it binds."""
        return self.names.bound

    @property
    def is_block(self) -> bool:
        """Whether two blank lines belong around it."""
        return any(isinstance(node, (*FUNCTIONS, ast.ClassDef)) for node in self.nodes)


@dataclass(eq=False)
class Module:
    """A module of the package, taken apart."""

    name: str
    path: Path
    lines: list[str]
    tree: ast.Module
    is_package: bool
    future: bool
    units: list[Unit] = field(default_factory=list)
    by_name: dict[str, list[Unit]] = field(default_factory=dict)
    outside: dict[str, list[OutsideImport]] = field(default_factory=dict)
    typing_only: dict[str, list[OutsideImport]] = field(default_factory=dict)
    # name → (module, attribute or None, line)
    inside: dict[str, list[tuple[str, str | None, int]]] = field(default_factory=dict)
    imports: list[str] = field(default_factory=list)  # modules of the package that it executes
    star: int = 0  # line of a star import
    star_source: str = ""

    def refuse(self, line: int, message: str) -> _Refusal:
        """Return the error for a line of this module."""
        return _Refusal(message, module=self, line=line)


def read_text(path: Path) -> str:
    """Read Python source as Python does: its declared encoding, any line ending."""
    with tokenize.open(path) as file:
        return file.read().replace("\r\n", "\n").replace("\r", "\n")


class Package:
    """The package that scripts import from, as text; none of it is executed."""

    def __init__(self, root: Path, name: str) -> None:
        self.name = name
        self.folder = root / name if (root / name).is_dir() else root
        if self.folder.name != name or not (self.folder / "__init__.py").is_file():
            raise FileNotFoundError(f"no package {name} in {root}")
        self.modules: dict[str, Module] = {}
        self.effects = _Effects(self)

    def path_of(self, module: str) -> Path | None:
        """Return the file of a module, None where there is none."""
        base = self.folder.joinpath(*module.split(".")[1:])
        if (base / "__init__.py").is_file():
            return base / "__init__.py"
        file = base.with_name(f"{base.name}.py")
        return file if file.is_file() and base != self.folder else None

    def contains(self, module: str) -> bool:
        """Tell whether a dotted name is of this package."""
        return module.split(".")[0] == self.name

    def module_names(self) -> list[str]:
        """Return every module of the package."""
        names = []
        for path in sorted(self.folder.rglob("*.py")):
            parts = path.relative_to(self.folder).with_suffix("").parts
            parts = parts[:-1] if parts[-1] == "__init__" else parts
            names.append(".".join((self.name, *parts)))
        return names

    def load(self, name: str) -> Module:
        """Return a module, taken apart."""
        if name not in self.modules:
            path = self.path_of(name)
            if path is None:
                near = difflib.get_close_matches(name, self.module_names(), 1)
                hint = f"; did you mean {near[0]}?" if near else ""
                raise _Refusal(f"there is no module {name}{hint}")
            self.modules[name] = _take_apart(self, name, path)
        return self.modules[name]

    @property
    def version(self) -> str:
        """The package's ``__version__``, empty where it has none that is a plain string."""
        for node in ast.parse(read_text(self.folder / "__init__.py")).body:
            if isinstance(node, (ast.Assign, ast.AnnAssign)):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                named = any(getattr(target, "id", "") == "__version__" for target in targets)
                if named and isinstance(node.value, ast.Constant):
                    return str(node.value.value)
        return ""

    # -- meanings -----------------------------------------------------------------------------

    def resolve(self, module: Module, name: str, seen: tuple[str, ...] = ()) -> Meaning | None:
        """Return what a global name of a module means, None where nothing defines it."""
        if name in module.by_name:
            units = module.by_name[name]
            if len(units) == 1 and (text := _optional_import(units[0])):
                return SharedTry(text, name)
            return Definition(module.name, name)
        if name in module.inside:
            found = {self.attribute(m, a, line, module, seen) for m, a, line in module.inside[name]}
            found |= {item.meaning for item in module.outside.get(name, [])}
            if len(found) > 1:
                line = module.inside[name][0][2]
                raise module.refuse(line, f"{name} is imported twice, from different places")
            return found.pop()
        for table in (module.outside, module.typing_only):
            if name in table:
                found = {item.meaning for item in table[name]}
                if len(found) > 1:
                    raise module.refuse(1, f"{name} is imported twice, from different places")
                return found.pop()
        if name in MODULE_NAMES:
            return None
        return Builtin(name) if name in BUILTINS else None

    def attribute(
        self,
        module: str,
        attribute: str | None,
        line: int,
        asking: Module | None,
        seen: tuple[str, ...] = (),
    ) -> Meaning:
        """Return what ``from module import attribute`` gives, through all re-exports."""
        here = self.load(module)
        if attribute is None:
            return InModule(module)
        key = f"{module}.{attribute}"
        if key in seen:
            raise _Refusal(f"{key} imports itself in a circle", module=asking, line=line)
        known = attribute in here.by_name or attribute in here.inside or attribute in here.outside
        if known:
            meaning = self.resolve(here, attribute, (*seen, key))
            assert meaning is not None
            return meaning
        if self.path_of(key) is not None:
            return InModule(key)
        if here.star:
            raise here.refuse(
                here.star, f"a star import hides where {attribute} comes from; import it by name"
            )
        if "__getattr__" in here.by_name:
            raise _Refusal(
                f"{key} is made when it is asked for (__getattr__); import it from the module "
                "that defines it",
                module=asking,
                line=line,
            )
        public = [n for n in (*here.by_name, *here.inside) if not n.startswith("__")]
        near = difflib.get_close_matches(attribute, public, 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        if not near:
            elsewhere = [
                other.name
                for name in self.module_names()
                if attribute in (other := self.load(name)).by_name
            ]
            hint = f"; did you mean {elsewhere[0]}.{attribute}?" if elsewhere else ""
        raise _Refusal(f"{module} has no name {attribute}{hint}", module=asking, line=line)

    def chain(
        self, module: str, use: Use, asking: Module | None
    ) -> tuple[Meaning, ast.Attribute, str]:
        """Resolve ``module.attribute``: what it means, the node to replace, and its full name."""
        here: Meaning = InModule(module)
        line = getattr(use.node, "lineno", 1)
        for attribute, node in zip(use.chain, use.chain_nodes, strict=True):
            assert isinstance(here, InModule)
            full = f"{here.module}.{attribute}"
            here = self.attribute(here.module, attribute, line, asking)
            if not isinstance(here, InModule):
                return here, node, full
        assert isinstance(here, InModule)
        raise _Refusal(
            f"the module {here.module} is used as a value here; write "
            f"from {here.module} import the names that you use",
            module=asking,
            line=line,
        )


def _absolute(module: Module | None, node: ast.ImportFrom) -> str:
    """Return the full name of the module that a from-import names."""
    if not node.level:
        return node.module or ""
    assert module is not None
    parts = module.name.split(".")
    dropped = node.level - (1 if module.is_package else 0)
    if dropped >= len(parts):
        raise module.refuse(node.lineno, "a relative import reaches above the package")
    base = parts[: len(parts) - dropped]
    return ".".join([*base, *([node.module] if node.module else [])])


def _has_future(tree: ast.Module) -> bool:
    return any(
        isinstance(node, ast.ImportFrom)
        and node.module == "__future__"
        and any(alias.name == "annotations" for alias in node.names)
        for node in tree.body
    )


def _package(root: Path | str, name: str) -> Package:
    """Return the package as it is now on the disk, read again only when a file has changed."""
    folder = Path(root) / name if (Path(root) / name).is_dir() else Path(root)
    files = sorted(folder.rglob("*.py"))
    state = tuple((path, path.stat().st_mtime_ns, path.stat().st_size) for path in files)
    return _package_in_state(Path(root), name, state)


@lru_cache(maxsize=4)
def _package_in_state(root: Path, name: str, _: tuple[tuple[Path, int, int], ...]) -> Package:
    return Package(root, name)


def _take_apart(package: Package, name: str, path: Path) -> Module:
    try:
        text = read_text(path)
        tree = ast.parse(text)
    except SyntaxError as error:
        raise _Refusal(f"{path} is not Python: {error.msg} (line {error.lineno})") from error
    module = Module(
        name=name,
        path=path,
        lines=text.split("\n"),
        tree=tree,
        is_package=path.name == "__init__.py",
        future=_has_future(tree),
    )
    previous: Unit | None = None
    for position, node in enumerate(tree.body):
        if is_docstring(node):
            # After an assignment a string documents it.
            if previous is not None and position and tree.body[position - 1] is previous.nodes[-1]:
                previous.nodes.append(node)
                previous.last = max(previous.last, node.end_lineno or node.lineno)
            continue
        if isinstance(node, ast.Pass) or _is_main_guard(node) or _is_all(node):
            continue
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            _note_import(package, module, node, typing_only=False)
            continue
        if isinstance(node, ast.If) and names_type_checking(node.test) and not node.orelse:
            for child in node.body:
                if isinstance(child, (ast.Import, ast.ImportFrom)):
                    _note_import(package, module, child, typing_only=True)
                elif not isinstance(child, ast.Pass):
                    previous = _add_unit(module, child, None, typing_only=True)
            continue
        for child in ast.walk(node):
            # An import under a condition is executed all the same, as far as anyone can tell.
            is_import = isinstance(child, (ast.Import, ast.ImportFrom))
            if is_import and not isinstance(node, (*FUNCTIONS, ast.ClassDef)):
                module.imports += _package_modules(package, module, child)
        previous = _add_unit(module, node, previous, typing_only=False)
    for unit in module.units:
        for name in unit.names.bound_later:
            module.by_name.setdefault(name, []) or module.by_name[name].append(unit)
    return module


def _is_main_guard(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and "__name__" in ast.unparse(node.test) and not node.orelse


def _is_all(node: ast.stmt) -> bool:
    target: ast.AST | None = None
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        target = node.targets[0]
    elif isinstance(node, (ast.AugAssign, ast.AnnAssign)):
        target = node.target
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        target = getattr(node.value.func, "value", None)
    return isinstance(target, ast.Name) and target.id == "__all__"


def _package_modules(package: Package, module: Module, node: ast.stmt) -> list[str]:
    found: list[str] = []
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    else:
        assert isinstance(node, ast.ImportFrom)
        source = _absolute(module, node)
        names = [source, *(f"{source}.{alias.name}" for alias in node.names)]
    for name in names:
        if package.contains(name):
            parts = name.split(".")
            prefixes = [".".join(parts[: n + 1]) for n in range(len(parts))]
            found += [prefix for prefix in prefixes if package.path_of(prefix) is not None]
    return found


def _note_import(
    package: Package, module: Module, node: ast.Import | ast.ImportFrom, *, typing_only: bool
) -> None:
    if isinstance(node, ast.ImportFrom) and node.module == "__future__" and not node.level:
        return
    if not typing_only:
        module.imports += _package_modules(package, module, node)
    source = _absolute(module, node) if isinstance(node, ast.ImportFrom) else ""
    for alias in node.names:
        if alias.name == "*":
            module.star = node.lineno
            continue
        name = bound_name(alias)
        if isinstance(node, ast.Import):
            if package.contains(alias.name):
                target = alias.name if alias.asname else package.name
                module.inside.setdefault(name, []).append((target, None, node.lineno))
                continue
            item = OutsideImport(alias.name, None, alias.asname)
        elif package.contains(source):
            module.inside.setdefault(name, []).append((source, alias.name, node.lineno))
            continue
        else:
            asname = alias.asname if alias.asname != alias.name else None
            item = OutsideImport(source, alias.name, asname)
        table = module.typing_only if typing_only else module.outside
        table.setdefault(name, []).append(item)


def _add_unit(
    module: Module, node: ast.stmt, previous: Unit | None, *, typing_only: bool
) -> Unit:
    decorators = getattr(node, "decorator_list", [])
    first = min([node.lineno, *(decorator.lineno for decorator in decorators)])
    last = node.end_lineno or node.lineno
    if previous is not None and first <= previous.last and not typing_only:
        # Several statements on one line stay together.
        previous.nodes.append(node)
        previous.last = max(previous.last, last)
        previous.names = look(previous.nodes, future_annotations=module.future)
        unit = previous
    else:
        indent = node.col_offset
        lines = module.lines
        while first > 1 and _is_comment_for(lines[first - 2], indent):
            first -= 1
        # Comments that close an indented body belong to it.
        after = last
        while after < len(lines) and (
            not lines[after].strip() or re.match(rf" {{{indent + 1},}}#", lines[after])
        ):
            after += 1
            if lines[after - 1].strip():
                last = after
        names = look([node], future_annotations=module.future)
        unit = Unit(module, len(module.units), [node], first, last, names, typing_only)
        module.units.append(unit)
    for name in unit.bound:
        units = module.by_name.setdefault(name, [])
        if unit not in units:
            units.append(unit)
    return unit


def _is_comment_for(line: str, indent: int) -> bool:
    """Tell whether a line is a comment that may belong to the statement below it."""
    is_comment = line.startswith(f"{' ' * indent}#")
    return is_comment and not re.match(r"\s*#(#{10,}|!|.*?coding[:=])", line)


def _optional_import(unit: Unit) -> str:
    """Return the code of a try statement that only imports and sets names to constants."""
    if len(unit.nodes) != 1 or not isinstance(unit.nodes[0], ast.Try):
        return ""
    node = unit.nodes[0]
    bodies = [*node.body, *node.orelse, *node.finalbody]
    for handler in node.handlers:
        bodies += handler.body
    for statement in bodies:
        plain = isinstance(statement, (ast.Import, ast.ImportFrom, ast.Pass)) or (
            isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Constant)
        )
        if not plain:
            return ""
    return ast.dump(node)


# -- what a statement changes beside the names that it binds ------------------------------------


class _Effects:
    """Which definitions a module's statements change when the module is imported."""

    def __init__(self, package: Package) -> None:
        self.package = package
        self._closure: dict[Definition, frozenset[Definition]] = {}
        self._lazy: dict[int, tuple[set[Definition], str]] = {}
        self._of: dict[int, set[Definition]] = {}

    def meaning(self, module: Module, name: str | None) -> Meaning | None:
        return None if name is None else self.package.resolve(module, name)

    def called(self, module: Module, function: str | None, chain: tuple[str, ...]) -> Meaning | None:
        """Return what is called: a definition, or what its name comes from."""
        meaning = self.meaning(module, function)
        for attribute in chain:
            if not isinstance(meaning, InModule):
                break
            meaning = self.package.attribute(meaning.module, attribute, 1, module)
        return meaning

    def closure(self, start: Definition) -> frozenset[Definition]:
        """Return every definition that one reaches."""
        if start not in self._closure:
            seen: set[Definition] = set()
            stack = [start]
            while stack:
                definition = stack.pop()
                if definition in seen:
                    continue
                seen.add(definition)
                module = self.package.load(definition.module)
                for unit in module.by_name.get(definition.name, []):
                    for use in unit.names.read:
                        if use.when != "annotation":
                            meaning = self.called(module, use.name, use.chain)
                            if isinstance(meaning, Definition):
                                stack.append(meaning)
            self._closure[start] = frozenset(seen)
        return self._closure[start]

    def by_calling(self, start: Definition) -> tuple[set[Definition], str]:
        """Return what calling a definition may change: in the package, and outside of it."""
        changed: set[Definition] = set()
        outside = ""
        for definition in sorted(self.closure(start)):
            module = self.package.load(definition.module)
            for unit in module.by_name.get(definition.name, []):
                inside, beyond = self.lazily(unit)
                changed |= inside
                outside = outside or beyond
        return changed, outside

    def lazily(self, unit: Unit) -> tuple[set[Definition], str]:
        """Return what the functions of a statement change when they are called."""
        if id(unit) not in self._lazy:
            changed: set[Definition] = set()
            outside = ""
            for use in unit.names.uses:
                if use.when != "lazy" or use.role == "load":
                    continue
                meaning = self.called(unit.module, use.name, use.chain)
                if isinstance(meaning, Definition):
                    changed.add(meaning)
            for call in unit.names.calls:
                if call.when == "lazy" and call.is_statement:
                    meaning = self.meaning(unit.module, call.function)
                    last = call.chain[-1] if call.chain else (call.function or "")
                    if isinstance(meaning, Outside) and OUTSIDE_EFFECT.fullmatch(last):
                        outside = f"{ast.unparse(call.node)}"
            self._lazy[id(unit)] = (changed, outside)
        return self._lazy[id(unit)]

    def of(self, unit: Unit) -> set[Definition]:
        """Return what executing a statement changes; raise where nobody can tell."""
        if id(unit) not in self._of:
            self._of[id(unit)] = self._find(unit)
        return self._of[id(unit)]

    def _find(self, unit: Unit) -> set[Definition]:
        module = unit.module
        own = {Definition(module.name, name) for name in unit.bound}
        changed: set[Definition] = set()
        for use in unit.names.uses:
            if use.when != "eager":
                continue
            if use.is_attribute_target and isinstance(self.meaning(module, use.name), InModule):
                beyond = self.called(module, use.name, use.chain[:-1])
                if isinstance(beyond, InModule):
                    full = ".".join([use.name, *use.chain])
                    raise self.refuse(unit, use.node, f"assigns {full} from outside its module")
            if use.role != "change":
                continue
            meaning = self.called(module, use.name, use.chain)
            if isinstance(meaning, Definition):
                changed |= {meaning, *self.aliases(meaning)}
            elif isinstance(meaning, (Outside, InModule)) and not self.is_plain_call(unit, use):
                raise self.refuse(unit, use.node, f"changes {_say(meaning)} for everybody")
        for call in unit.names.calls:
            if call.when != "eager":
                continue
            changed |= self.by_call(unit, call)
        for node in unit.nodes:
            if isinstance(node, ast.ClassDef):
                for base in (*node.bases, *(keyword.value for keyword in node.keywords)):
                    meaning = self.meaning(module, getattr(base, "id", None))
                    if isinstance(meaning, Definition) and self.has_class_hook(meaning):
                        changed |= self.by_calling(meaning)[0]
        return changed - own

    def units(self, definition: Definition) -> list[Unit]:
        return self.package.load(definition.module).by_name.get(definition.name, [])

    def has_class_hook(self, definition: Definition) -> bool:
        return any(
            getattr(inner, "name", "") in ("__init_subclass__", "__new__", "__init__")
            for unit in self.units(definition)
            for node in unit.nodes
            for inner in ast.walk(node)
        )

    def is_plain_call(self, unit: Unit, use: Use) -> bool:
        """Tell whether ``use`` is ``library.function(…)``; `by_call` judges those."""
        for call in unit.names.calls:
            callee = getattr(call.node, "func", call.node)
            if any(inner is use.node for inner in ast.walk(callee)):
                return True
        return False

    def by_call(self, unit: Unit, call: object) -> set[Definition]:
        from names import Call

        assert isinstance(call, Call)
        module = unit.module
        meaning = self.called(module, call.function, call.chain)
        passed = {
            found
            for name in call.arguments
            if isinstance(found := self.meaning(module, name), Definition) and self.is_mutable(found)
        }
        last = call.chain[-1] if call.chain else (call.function or "")
        if isinstance(meaning, Builtin):
            if meaning.name in ("print", "input", "exec", "eval", "breakpoint", "exit", "quit"):
                raise self.refuse(unit, call.node, f"calls {meaning.name}")
            return passed if meaning.name in ("setattr", "delattr", "next") else set()
        if isinstance(meaning, Outside):
            if call.is_statement or OUTSIDE_EFFECT.fullmatch(last):
                is_warning = meaning.dotted.startswith("warnings.warn")
                what = "warns" if is_warning else f"calls {_dotted(call)}"
                raise self.refuse(unit, call.node, what)
            return set()
        if isinstance(meaning, Definition):
            inside, outside = self.by_calling(meaning)
            if outside:
                raise self.refuse(unit, call.node, f"calls {_dotted(call)}, and that {outside}")
            changed = set(inside)
            if self.changes_parameters(meaning):
                changed |= passed
                for one in passed:
                    changed |= self.aliases(one)
            is_method = bool(call.chain)
            if call.is_statement and not changed and not is_method:
                raise self.refuse(unit, call.node, f"calls {_dotted(call)} for what it does")
            return changed
        return set()

    def refuse(self, unit: Unit, node: ast.AST, what: str) -> _Refusal:
        return unit.module.refuse(
            getattr(node, "lineno", unit.line),
            f"when {unit.module.name} is imported, this statement {what}, which a copy of single "
            "definitions would leave out; move it into a function that is called where it is needed",
        )

    def changes_parameters(self, definition: Definition) -> bool:
        """Tell whether a function, or one that it reaches, changes an object passed to it."""
        return any(
            _changes_its_parameters(node)
            for reached in self.closure(definition)
            for unit in self.units(reached)
            for node in unit.nodes
        )

    def is_mutable(self, definition: Definition) -> bool:
        values = []
        for unit in self.units(definition):
            for node in unit.nodes:
                if not isinstance(node, (ast.Assign, ast.AnnAssign)) or node.value is None:
                    if not is_docstring(node):
                        return True
                    continue
                values.append(node.value)
        return not all(_is_fixed(value) for value in values)

    def aliases(self, definition: Definition) -> set[Definition]:
        """Return the definitions whose objects another name may stand for."""
        found: set[Definition] = set()
        stack = [definition]
        while stack:
            here = stack.pop()
            for unit in self.units(here):
                for node in unit.nodes:
                    for name in _aliased(node):
                        meaning = self.meaning(unit.module, name)
                        if (
                            isinstance(meaning, Definition)
                            and meaning not in found
                            and self.is_mutable(meaning)
                        ):
                            found.add(meaning)
                            stack.append(meaning)
            for unit in self.units(here):
                siblings = {Definition(here.module, name) for name in unit.bound} - found
                if not unit.is_block and len(siblings) > 1:
                    found |= siblings
                    stack += siblings - {here}
        return found - {definition}


def _dotted(call: object) -> str:
    return ".".join([str(call.function), *call.chain])  # type: ignore[attr-defined]


def _is_fixed(value: ast.AST) -> bool:
    if isinstance(value, ast.Constant):
        return True
    if isinstance(value, ast.Tuple):
        return all(_is_fixed(item) for item in value.elts)
    if isinstance(value, (ast.BinOp, ast.UnaryOp)):
        return all(
            isinstance(n, (ast.Constant, ast.operator, ast.unaryop, ast.BinOp, ast.UnaryOp))
            for n in ast.walk(value)
        )
    return False


def _aliased(node: ast.stmt) -> set[str]:
    """Return the names whose objects a statement may give another name."""
    values: list[ast.AST] = []
    for inner in ast.walk(node):
        if isinstance(inner, (ast.Assign, ast.AnnAssign, ast.NamedExpr)) and inner.value:
            values.append(inner.value)
        elif isinstance(inner, (ast.For, ast.AsyncFor)):
            values.append(inner.iter)
        elif isinstance(inner, ast.withitem):
            values.append(inner.context_expr)
    if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
        return set()
    return {n.id for value in values for n in ast.walk(value) if isinstance(n, ast.Name)}


def _changes_its_parameters(node: ast.AST) -> bool:
    from names import changed_root, is_mutator

    for function in ast.walk(node):
        if not isinstance(function, FUNCTIONS):
            continue
        arguments = function.args
        names = {
            argument.arg
            for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
        }
        names |= {argument.arg for argument in (arguments.vararg, arguments.kwarg) if argument}
        for inner in ast.walk(function):
            root = None
            is_target = isinstance(inner, (ast.Attribute, ast.Subscript))
            if is_target and not isinstance(inner.ctx, ast.Load):  # type: ignore[union-attr]
                root, _ = changed_root(inner)
            elif isinstance(inner, ast.AugAssign):
                root, _ = changed_root(inner.target)
            elif isinstance(inner, ast.Call):
                is_method = isinstance(inner.func, ast.Attribute)
                if is_method and is_mutator(inner.func.attr):  # type: ignore[union-attr]
                    root, _ = changed_root(inner.func)
                elif getattr(inner.func, "id", "") in ("setattr", "delattr") and inner.args:
                    root, _ = changed_root(inner.args[0])
            if root is not None and root.id in names - {"self", "cls"}:
                return True
    return False


# -- the slice ----------------------------------------------------------------------------------


@dataclass
class Slice:
    """Everything that a script needs from the package."""

    package: Package
    order: list[str] = field(default_factory=list)  # modules, as Python executes them
    units: set[Unit] = field(default_factory=set)
    definitions: set[Definition] = field(default_factory=set)
    outside: dict[tuple[str, Outside], set[OutsideImport]] = field(default_factory=dict)
    typing_only: dict[tuple[str, Outside], set[OutsideImport]] = field(default_factory=dict)
    aliases: dict[str, dict[str, Definition]] = field(default_factory=dict)
    edits: dict[Unit, dict[ast.Attribute, str]] = field(default_factory=dict)
    # What each name means to the copied code, who says so, and which names it reads when called.
    meanings: dict[str, dict[Meaning, str]] = field(default_factory=dict)
    read: set[str] = field(default_factory=set)
    read_later: dict[str, str] = field(default_factory=dict)

    def sorted_units(self) -> list[Unit]:
        """Return the statements to copy, as Python would execute them."""
        rank = {name: position for position, name in enumerate(self.order)}
        return sorted(self.units, key=lambda unit: (rank[unit.module.name], unit.index))

    def means(self, name: str, meaning: Meaning, who: str) -> None:
        """Note what a name means somewhere in the copied code."""
        self.meanings.setdefault(name, {}).setdefault(meaning, who)


def _execution_order(package: Package, roots: Iterable[str]) -> tuple[list[str], set[str]]:
    """Return the modules in the order in which Python executes them, and those in a circle."""
    order: list[str] = []
    state: dict[str, bool] = {}
    circular: set[str] = set()
    path: list[str] = []

    def visit(name: str) -> None:
        if name in state:
            if not state[name]:
                circular.update(path[path.index(name) :])
            return
        state[name] = False
        path.append(name)
        for other in package.load(name).imports:
            if other != name and not name.startswith(f"{other}."):
                visit(other)
        path.pop()
        state[name] = True
        order.append(name)

    for root in roots:
        visit(root)
    return order, circular


def _slice(package: Package, roots: list[Definition], modules: list[str]) -> Slice:
    order, circular = _execution_order(package, [package.name, *modules])
    found = Slice(package, order)
    effects = package.effects
    changers: dict[Definition, list[Unit]] = {}
    looked: set[str] = set()
    stack = list(roots)

    def note_changers() -> None:
        for name in found.order:
            if name in looked:
                continue
            looked.add(name)
            for unit in package.load(name).units:
                if not unit.under_type_checking:
                    for changed in sorted(effects.of(unit)):
                        changers.setdefault(changed, []).append(unit)
                        if changed in found.definitions:
                            stack_units.append(unit)

    stack_units: list[Unit] = []
    note_changers()
    while stack or stack_units:
        if stack:
            definition = stack.pop()
            if definition in found.definitions:
                continue
            found.definitions.add(definition)
            if definition.module not in found.order:  # reached by an annotation only
                more, loop = _execution_order(package, [definition.module])
                found.order += [name for name in more if name not in found.order]
                circular |= loop
                note_changers()
            module = package.load(definition.module)
            stack_units += module.by_name[definition.name]
            stack_units += changers.get(definition, [])
            continue
        unit = stack_units.pop()
        if unit in found.units:
            continue
        found.units.add(unit)
        stack += _needs(found, unit)
    found.order = _order_circle(found, circular)
    return found


def _needs(found: Slice, unit: Unit) -> list[Definition]:
    """Note everything that a copied statement uses; return the definitions among it."""
    package, module = found.package, unit.module
    needed: list[Definition] = []
    _check_statement(package, unit)
    for name in unit.bound:
        meaning = package.resolve(module, name)
        if meaning is not None:
            found.means(name, meaning, module.name)
    for use in unit.names.uses:
        if use.role in ("store", "delete"):
            if use.when == "lazy":
                found.read_later.setdefault(use.name, module.name)
            if use.name in module.by_name and use.when == "lazy":
                needed.append(Definition(module.name, use.name))
            continue
        meaning = package.resolve(module, use.name)
        line = getattr(use.node, "lineno", unit.line)
        if meaning is None:
            if use.when == "annotation" or use.is_uncertain:
                continue
            raise _unknown_name(module, use.name, line)
        if isinstance(meaning, Builtin) and use.is_uncertain:
            continue
        if isinstance(meaning, InModule):
            if use.role == "change":
                continue  # read at the same place
            meaning, node, full = package.chain(meaning.module, use, module)
            if use.is_attribute_target and node is use.chain_nodes[-1]:
                raise module.refuse(line, f"{full} is assigned from outside its module")
            flat = full.rpartition(".")[2]
            if isinstance(meaning, Definition):
                flat = meaning.name
            if flat in use.hidden or use.in_string:
                raise module.refuse(
                    line, f"cannot write {full} shorter here; write from … import {flat} above"
                )
            found.edits.setdefault(unit, {})[node] = flat
            name = flat
            if isinstance(meaning, Outside):
                source = package.load(full.rpartition(".")[0])
                for item in source.outside.get(flat, []):
                    found.outside.setdefault((flat, meaning), set()).add(item)
        else:
            name = use.name
            if isinstance(meaning, Outside):
                _note_outside(found, module, name, meaning)
        found.means(name, meaning, module.name)
        found.read.add(name)
        if use.when == "lazy":
            found.read_later.setdefault(name, module.name)
        if isinstance(meaning, SharedTry):
            owner = _owner(package, module, name)
            needed.append(Definition(owner.name, name))
        if isinstance(meaning, Definition):
            needed.append(meaning)
            if name != meaning.name:
                found.aliases.setdefault(module.name, {})[name] = meaning
                found.means(meaning.name, meaning, module.name)
                found.read.add(meaning.name)
    if unit.under_type_checking:
        flag = Outside("typing.TYPE_CHECKING")
        item = OutsideImport("typing", "TYPE_CHECKING", None)
        found.outside.setdefault(("TYPE_CHECKING", flag), set()).add(item)
        found.means("TYPE_CHECKING", flag, module.name)
        found.read.add("TYPE_CHECKING")
    return needed


def _owner(package: Package, module: Module, name: str) -> Module:
    while name not in module.by_name:
        source, attribute, _ = module.inside[name][0]
        module, name = package.load(source), attribute or name
    return module


def _note_outside(found: Slice, module: Module, name: str, meaning: Outside) -> None:
    package = found.package
    items = list(module.outside.get(name, []))
    table = found.outside
    if not items and name in module.typing_only:
        items, table = list(module.typing_only[name]), found.typing_only
    while not items and name in module.inside:  # imported by another module of the package
        source, attribute, _ = module.inside[name][0]
        module = package.load(source)
        inner = attribute or name
        items = [
            OutsideImport(item.module, item.attribute, name if item.name != name else item.alias)
            if item.attribute or item.alias
            else OutsideImport(item.module, None, name if item.name != name else None)
            for item in module.outside.get(inner, [])
        ]
    table.setdefault((name, meaning), set()).update(items)


def _unknown_name(module: Module, name: str, line: int) -> _Refusal:
    if name == "__all__":
        return module.refuse(line, "__all__ of a module does not exist in a copy; write the names")
    if name in MODULE_NAMES:
        return module.refuse(
            line, f"{name} means something else in a script; write the value that you need"
        )
    if module.star:
        return module.refuse(
            module.star, f"a star import hides where {name} comes from; import it by name"
        )
    return module.refuse(line, f"nothing in {module.name} defines {name}")


def _check_statement(package: Package, unit: Unit) -> None:
    """Refuse, in a statement that is copied, what a copy cannot do."""
    module = unit.module
    if unit.is_checked:
        return
    for node in unit.nodes:
        for inner in ast.walk(node):
            line = getattr(inner, "lineno", unit.line)
            if isinstance(inner, (ast.Import, ast.ImportFrom)):
                if _package_modules(package, module, inner):
                    in_function = isinstance(node, (*FUNCTIONS, ast.ClassDef))
                    where = "inside a function" if in_function else "under a condition"
                    raise module.refuse(
                        line,
                        f"{package.name} is imported {where}; import it at the top of the module",
                    )
                if any(alias.name == "*" for alias in inner.names):
                    raise module.refuse(line, "a star import hides names; import them by name")
            elif isinstance(inner, ast.Call) and (dynamic := _dynamic(inner, package.name)):
                raise module.refuse(
                    line, f"{dynamic} finds names when it runs; write the names themselves"
                )
            elif isinstance(inner, ast.Attribute) and ast.unparse(inner) == "sys.modules":
                raise module.refuse(line, "sys.modules has no modules of a copy; use the names")
    unit.is_checked = True


def _dynamic(call: ast.Call, package: str) -> str:
    """Return what is dynamic about a call: names that no syntax tree shows."""
    called = ast.unparse(call.func) if isinstance(call.func, (ast.Name, ast.Attribute)) else ""
    last = called.rpartition(".")[2]
    if called in ("globals", "eval", "exec") or (called in ("vars", "locals") and not call.args):
        return f"{called}()"
    if last in ("import_module", "__import__", "find_spec", "run_module", "import_string"):
        inside = [s.value for argument in call.args for s in strings(argument)]
        if any(value.split(".")[0] == package or value.startswith(".") for value in inside):
            return f"{last}({inside[0]!r})"
    return ""


def _order_circle(found: Slice, circular: set[str]) -> list[str]:
    """Order modules that import each other by what their copied statements need to be defined."""
    package, effects = found.package, found.package.effects
    needs: dict[str, set[str]] = {name: set() for name in found.order}
    for unit in found.units:
        for use in unit.names.read:
            if use.when != "eager":
                continue
            meaning = effects.called(unit.module, use.name, use.chain)
            if isinstance(meaning, Definition):
                is_called = any(
                    call.function == use.name and call.when == "eager" for call in unit.names.calls
                )
                reached = effects.closure(meaning) if is_called else {meaning}
                needs[unit.module.name] |= {d.module for d in reached} - {unit.module.name}
    for name, aliases in found.aliases.items():
        needs[name] |= {definition.module for definition in aliases.values()} - {name}
    ordered: list[str] = []
    waiting = list(found.order)
    while waiting:
        ready = next((name for name in waiting if needs[name] <= set(ordered)), None)
        if ready is None:
            loop = sorted(set(waiting) & circular) or sorted(waiting)
            module = package.load(loop[0])
            raise module.refuse(
                1,
                f"{' and '.join(loop)} import each other, and each needs the other to be defined "
                "first; move what both need into a third module",
            )
        ordered.append(ready)
        waiting.remove(ready)
    return ordered


# -- the script ---------------------------------------------------------------------------------


@dataclass
class Imported:
    """One name that the script imports from the package."""

    index: int  # of the statement
    line: int
    name: str  # as the script calls it
    qualified: str  # as the script writes it
    meaning: Meaning


@dataclass
class Script:
    """A script, taken apart."""

    path: Path | str
    source: str
    tree: ast.Module
    package: Package
    future: bool
    names: list[Names]  # of each statement
    imported: list[Imported] = field(default_factory=list)
    import_indexes: list[int] = field(default_factory=list)
    qualified_uses: list[tuple[Use, Meaning, ast.Attribute, str]] = field(default_factory=list)
    modules: list[str] = field(default_factory=list)

    def refuse(self, line: int, message: str) -> StandaloneError:
        """Return the error for a line of the script."""
        return StandaloneError(self.path, line, message)

    @property
    def first_line(self) -> int:
        """The line of the first import from the package."""
        return self.tree.body[self.import_indexes[0]].lineno


def _read_script(source: str, path: Path | str, package: Package) -> Script:
    source = source.removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}")
    source = source.replace("\r\n", "\n").replace("\r", "\n")
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        raise StandaloneError(path, error.lineno or 1, f"not Python: {error.msg}") from error
    future = _has_future(tree)
    names = [look([node], future_annotations=future) for node in tree.body]
    script = Script(path, source, tree, package, future, names)
    _find_imports(script)
    return script


def _find_imports(script: Script) -> None:
    package = script.package
    for index, node in enumerate(script.tree.body):
        for inner in ast.walk(node):
            if not isinstance(inner, (ast.Import, ast.ImportFrom)):
                continue
            if isinstance(inner, ast.ImportFrom) and inner.level:
                raise script.refuse(
                    inner.lineno,
                    "a relative import: a script is in no package; "
                    f"write from {package.name}.… import …",
                )
            sources = (
                [alias.name for alias in inner.names]
                if isinstance(inner, ast.Import)
                else [inner.module or ""]
            )
            if not any(package.contains(source) for source in sources):
                continue
            if inner is not node:
                is_function = isinstance(node, (*FUNCTIONS, ast.ClassDef))
                where = "inside a function or class" if is_function else "under a condition"
                raise script.refuse(
                    inner.lineno,
                    f"{package.name} is imported {where}; move the import to the top of the script",
                )
            _find_import(script, index, inner)
    if not script.import_indexes:
        return
    module_names = {
        item.name: item for item in script.imported if isinstance(item.meaning, InModule)
    }
    for names in script.names:
        for use in names.uses:
            if use.name in module_names and use.role in ("load", "change"):
                if use.role == "load":
                    _find_qualified_use(script, use, module_names[use.name])


def _find_import(script: Script, index: int, node: ast.Import | ast.ImportFrom) -> None:
    package = script.package
    script.import_indexes.append(index)
    for alias in node.names:
        line = alias.lineno
        if alias.name == "*":
            assert isinstance(node, ast.ImportFrom)
            raise script.refuse(
                line, f"a star import hides the names; write from {node.module} import name, …"
            )
        if isinstance(node, ast.Import):
            if not package.contains(alias.name):
                continue
            module, attribute = alias.name, None
            target = alias.name if alias.asname else package.name
        else:
            module, attribute = node.module or "", alias.name
            target = module
        try:
            package.load(module)
            meaning = package.attribute(target, attribute, line, None)
        except _Refusal as refusal:
            raise _in_script(script, refusal, line) from refusal
        parts = module.split(".")
        script.modules += [".".join(parts[: n + 1]) for n in range(1, len(parts))]
        if isinstance(meaning, InModule):
            script.modules.append(meaning.module)
        name = bound_name(alias)
        qualified = ".".join(filter(None, [target, attribute]))
        script.imported.append(Imported(index, line, name, qualified, meaning))


def _find_qualified_use(script: Script, use: Use, item: Imported) -> None:
    assert isinstance(item.meaning, InModule)
    line = getattr(use.node, "lineno", item.line)
    try:
        meaning, node, full = script.package.chain(item.meaning.module, use, None)
    except _Refusal as refusal:
        raise _in_script(script, refusal, line) from refusal
    module, _, name = full.rpartition(".")
    remedy = f"write from {module} import {name}"
    if use.is_attribute_target and node is use.chain_nodes[-1]:
        raise script.refuse(line, f"{full} is assigned from outside its module")
    if isinstance(meaning, InModule):
        raise script.refuse(line, f"the module {full} is used as a value; {remedy}")
    flat = meaning.name if isinstance(meaning, Definition) else name
    if flat in use.hidden:
        raise script.refuse(
            line, f"{full} meets another {flat} in this function; {remedy} as another name"
        )
    if use.in_string:
        raise script.refuse(line, f"{full} inside a string cannot be shortened; {remedy}")
    script.qualified_uses.append((use, meaning, node, full))


def _in_script(script: Script, refusal: _Refusal, line: int) -> StandaloneError:
    message = refusal.message
    if refusal.module is not None:
        message = f"cannot copy from {refusal.module.name}: " + _at(refusal) + message
    return script.refuse(line, message)


def _at(refusal: _Refusal) -> str:
    assert refusal.module is not None
    return f"{refusal.module.path}:{refusal.line}: "


def _check_script(script: Script) -> None:
    package = script.package
    passed_on = set()
    functions = {item.name for item in script.imported if isinstance(item.meaning, Definition)}
    for node in ast.walk(script.tree):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            # A function of the package may be given the script's own names: run_checks(globals()).
            if called in functions:
                passed_on |= {id(argument) for argument in node.args}
    for node in ast.walk(script.tree):
        line = getattr(node, "lineno", 1)
        if isinstance(node, ast.Call) and id(node) not in passed_on:
            dynamic = _dynamic(node, package.name)
            last = ast.unparse(node.func).rpartition(".")[2]
            if not dynamic and last in ("import_module", "__import__") and node.args:
                first = node.args[0]
                if not (isinstance(first, ast.Constant) and isinstance(first.value, str)):
                    dynamic = f"{last}({ast.unparse(first)})"
            if dynamic:
                raise script.refuse(
                    line,
                    f"{dynamic} finds names when it runs; write from {package.name}.… import name",
                )
        elif isinstance(node, ast.Attribute) and ast.unparse(node) == "sys.modules":
            raise script.refuse(line, "sys.modules has no modules of a copy; import the names")
        elif isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names):
            raise script.refuse(
                line, f"a star import from {node.module} may hide copied names; import by name"
            )


def _slice_of(script: Script) -> Slice:
    roots = [item.meaning for item in script.imported if isinstance(item.meaning, Definition)]
    roots += [meaning for _, meaning, _, _ in script.qualified_uses if isinstance(meaning, Definition)]
    for item in script.imported:
        if isinstance(item.meaning, SharedTry):
            raise script.refuse(item.line, f"import {item.name} from its own package")
    try:
        return _slice(script.package, roots, script.modules)
    except _Refusal as refusal:
        raise _in_script(script, refusal, script.first_line) from refusal


def _script_imports(script: Script) -> dict[str, list[tuple[int, OutsideImport]]]:
    """Return the script's imports from other packages, at its top level, by name."""
    found: dict[str, list[tuple[int, OutsideImport]]] = {}
    for index, node in enumerate(script.tree.body):
        for item in _outside_items(node, script.package):
            found.setdefault(item.name, []).append((index, item))
    return found


def _outside_items(node: ast.stmt, package: Package) -> list[OutsideImport]:
    if isinstance(node, ast.Import):
        return [
            OutsideImport(alias.name, None, alias.asname)
            for alias in node.names
            if not package.contains(alias.name)
        ]
    if isinstance(node, ast.ImportFrom) and node.module != "__future__":
        if package.contains(node.module or ""):
            return []
        return [
            OutsideImport(
                node.module or "",
                alias.name,
                alias.asname if alias.asname != alias.name else None,
            )
            for alias in node.names
        ]
    return []


def _check_names(script: Script, found: Slice) -> None:
    """Refuse two different things under one name, now that all share one namespace."""
    for name, meanings in sorted(found.meanings.items()):
        if len(meanings) > 1 and name in found.read:
            (one, where), (other, there) = sorted(meanings.items(), key=lambda item: item[1])[:2]
            raise script.refuse(
                script.first_line,
                f"{name} is {_say(one)} in {where} and {_say(other)} in {there}; "
                "a copy has one namespace, so rename one of them",
            )
    package_items = {item.name: item for item in script.imported}
    outside = _script_imports(script)
    for name, items in outside.items():
        meanings_here = {item.meaning for _, item in items}
        line = script.tree.body[items[-1][0]].lineno
        if name in package_items:
            raise script.refuse(
                line,
                f"{name} is imported from {package_items[name].qualified} and from "
                f"{_say(items[-1][1].meaning)}; import one of them under another name (as …)",
            )
        if len(meanings_here) > 1 and name in found.meanings:
            raise script.refuse(line, f"{name} is imported twice, from different places")
    by_name: dict[str, set[Meaning]] = {}
    for item in script.imported:
        by_name.setdefault(item.name, set()).add(item.meaning)
        if len(by_name[item.name]) > 1:
            raise script.refuse(
                item.line,
                f"{item.name} is imported twice, from different places; "
                "import one of them under another name (as …)",
            )
    _check_early_uses(script)
    import_line_of = {item.name: item for item in script.imported}
    for index, names in enumerate(script.names):
        for use in names.uses:
            _check_use(script, found, index, use, import_line_of, outside)
    for item in script.imported:
        if isinstance(item.meaning, InModule):
            continue
        meanings = found.meanings.get(item.name, {})
        other = next((m for m in meanings if m != item.meaning), None)
        if other is not None:
            raise script.refuse(
                item.line,
                f"{item.name} is {_say(item.meaning)} here and {_say(other)} in the copied code; "
                "import it under another name (as …)",
            )
    for name, items in outside.items():
        meanings = found.meanings.get(name, {})
        other = next((m for m in meanings if m != items[0][1].meaning), None)
        if other is not None:
            raise script.refuse(
                script.tree.body[items[0][0]].lineno,
                f"{name} is {_say(items[0][1].meaning)} here and {_say(other)} in the copied code "
                f"({meanings[other]}); import it under another name (as …)",
            )


def _check_early_uses(script: Script) -> None:
    """Refuse an import that cannot move up to the first one without changing what is before it."""
    for item in script.imported:
        name = item.name
        for index, names in enumerate(script.names[: item.index]):
            for use in names.uses:
                if use.name != name or use.when == "annotation":
                    continue
                if index in script.import_indexes and use.role == "store":
                    continue
                if use.role in ("store", "delete") or use.when == "eager":
                    raise script.refuse(
                        item.line,
                        f"{name} is already used in line {getattr(use.node, 'lineno', 1)}; "
                        "move this import to the top of the script",
                    )


def _check_use(
    script: Script,
    found: Slice,
    index: int,
    use: Use,
    imported: dict[str, Imported],
    outside: dict[str, list[tuple[int, OutsideImport]]],
) -> None:
    name = use.name
    line = getattr(use.node, "lineno", 1)
    if name not in found.meanings:
        return
    meaning, who = next(iter(found.meanings[name].items()))
    is_own_import = index in script.import_indexes and use.when == "eager"
    is_import = isinstance(use.node, (ast.Import, ast.ImportFrom))
    if use.role in ("store", "delete"):
        if is_own_import or (is_import and name in outside):
            return
        is_after = index > script.import_indexes[0] or use.when == "lazy"
        if name not in found.read_later and is_after and name not in BUILTINS:
            return  # the copied code is done with it by then
        what = "imports" if isinstance(meaning, Outside) else "reads"
        reader = found.read_later.get(name, who)
        raise script.refuse(
            line,
            f"{name} is bound here, but the code copied from {reader} {what} {_say(meaning)} "
            "under that name; take another name",
        )
    if name in imported or name in outside:
        return
    binds = any(name in (*names.bound, *names.bound_later) for names in script.names)
    if not binds and name in BUILTINS and not isinstance(meaning, Builtin):
        raise script.refuse(
            line,
            f"{name} is Python's own here and {_say(meaning)} in the copied code; "
            f"rename the one in {who}",
        )
    if not binds and name not in BUILTINS and use.when != "annotation":
        raise script.refuse(line, f"{name} is not defined in the script; import it")


# -- writing ------------------------------------------------------------------------------------


def _import_lines(items: Iterable[OutsideImport]) -> list[str]:
    """Return import statements, sorted as ruff and isort sort them."""
    plain: set[tuple[str, str | None]] = set()
    members: dict[str, set[str]] = {}
    renamed: set[tuple[str, str, str]] = set()
    for item in items:
        if item.attribute is None:
            plain.add((item.module, item.alias))
        elif item.alias is None:
            members.setdefault(item.module, set()).add(item.attribute)
        else:
            renamed.add((item.module, item.attribute, item.alias))
    sections: dict[bool, list[str]] = {True: [], False: []}

    def is_standard(module: str) -> bool:
        return module.split(".")[0] in sys.stdlib_module_names

    for module, alias in sorted(plain, key=lambda pair: (pair[0], pair[1] or "")):
        line = f"import {module} as {alias}" if alias else f"import {module}"
        sections[is_standard(module)].append(line)
    for module in sorted({*members, *(module for module, _, _ in renamed)}):
        lines = sections[is_standard(module)]
        if module in members:
            lines += _from_import(module, sorted(members[module], key=_member_order))
        for _, attribute, alias in sorted(r for r in renamed if r[0] == module):
            lines.append(f"from {module} import {attribute} as {alias}")
    both = sections[True] and sections[False]
    return [*sections[True], *([""] if both else []), *sections[False]]


def _import_order(item: OutsideImport) -> tuple[str, str, str]:
    return item.module, item.attribute or "", item.alias or ""


def _from_import(module: str, names: list[str]) -> list[str]:
    line = f"from {module} import {', '.join(names)}"
    if len(line) <= LINE_LENGTH:
        return [line]
    return [f"from {module} import (", *(f"    {name}," for name in names), ")"]


def _member_order(name: str) -> tuple[int, str]:
    """Sort as isort does: constants, classes, the rest."""
    return (0 if name.isupper() and len(name) > 1 else 1 if name[:1].isupper() else 2, name)


def _edited(
    lines: list[str], first: int, last: int, edits: dict[ast.Attribute, str]
) -> list[str] | None:
    """Return lines with attributes replaced; None where the tree does not say exactly where."""
    text = [line.encode() for line in lines[first - 1 : last]]
    spans = {
        (node.lineno, node.col_offset, node.end_lineno, node.end_col_offset): (ast.unparse(node), new)
        for node, new in edits.items()
    }
    for (line, column, end_line, end_column), (old, new) in sorted(spans.items(), reverse=True):
        assert end_line is not None
        assert end_column is not None
        a, b = line - first, end_line - first
        if not (0 <= a <= b < len(text)):
            return None
        inside = (
            text[a][column:end_column]
            if a == b
            else b"\n".join([text[a][column:], *text[a + 1 : b], text[b][:end_column]])
        )
        if b"".join(inside.split()).decode(errors="replace") != old:
            return None
        text[a : b + 1] = [text[a][:column] + new.encode() + text[b][end_column:]]
    return [line.decode() for line in text]


def _unit_text(found: Slice, unit: Unit) -> list[str]:
    lines = _edited(unit.module.lines, unit.first, unit.last, found.edits.get(unit, {}))
    if lines is None:
        raise unit.module.refuse(
            unit.line, "a module's name inside an f-string cannot be shortened; import the name"
        )
    for number, line in enumerate(lines):
        if CELL_MARK.match(line):
            raise unit.module.refuse(
                unit.first + number,
                f"a line that starts with {line[:4]!r} would start a new cell; write it otherwise",
            )
    if unit.under_type_checking:
        lines = ["if TYPE_CHECKING:", *lines]
    return lines


def _block(found: Slice) -> list[str]:
    """Return the copied definitions, module by module."""
    package = found.package
    version = f" {package.version}" if package.version else ""
    title = f"the {TITLE}" if package.name == PACKAGE else package.name
    out = [f"# What follows is copied from {title}{version} ({LICENCE}), so that this file runs alone."]
    current: Module | None = None
    previous: Unit | None = None
    shared: set[str] = set()
    for unit in found.sorted_units():
        if text := _optional_import(unit):
            if text in shared:
                continue
            shared.add(text)
        if unit.module is not current:
            current, previous = unit.module, None
            if out[-1] != "":
                out.append("")
            if len(out) > 2:
                out.append("")
            out += [f"# --- from {current.name} ---", ""]
            aliases = found.aliases.get(current.name, {})
            if aliases:
                out += [f"{name} = {of.name}" for name, of in sorted(aliases.items())] + [""]
        if previous is None:
            gap = 1 if unit.is_block else 0
        elif unit.is_block or previous.is_block:
            gap = 2
        else:
            adjoining = not any(
                line.strip() for line in unit.module.lines[previous.last : unit.first - 1]
            )
            gap = min(unit.first - previous.last - 1, 1) if adjoining else 1
            if unit.first - previous.last - 1 > 0:
                gap = 1
        out += [""] * gap + _unit_text(found, unit)
        previous = unit
    return out


def has_annotations(nodes: Iterable[ast.AST]) -> bool:
    """Tell whether code has annotations."""
    for node in nodes:
        for inner in ast.walk(node):
            if isinstance(inner, ast.AnnAssign):
                return True
            if isinstance(inner, ast.arg) and inner.annotation is not None:
                return True
            if isinstance(inner, FUNCTIONS) and inner.returns is not None:
                return True
    return False


def _needs_future(script: Script, found: Slice) -> bool:
    deferring = [u for u in found.units if u.module.future and has_annotations(u.nodes)]
    if not deferring:
        if script.future and any(not u.module.future and has_annotations(u.nodes) for u in found.units):
            _refuse_annotation_readers(script, found)
        return False
    eager = [u for u in found.units if not u.module.future and has_annotations(u.nodes)]
    if eager or (not script.future and has_annotations(script.tree.body)):
        _refuse_annotation_readers(script, found)
    return not script.future


def _refuse_annotation_readers(script: Script, found: Slice) -> None:
    """Refuse code that reads annotations where a copy turns some of them into strings."""
    trees = [script.tree, *(node for unit in found.units for node in unit.nodes)]
    for tree in trees:
        for node in ast.walk(tree):
            named = getattr(node, "attr", None) or getattr(node, "id", None)
            if named in ("__annotations__", "get_annotations"):
                raise script.refuse(
                    script.first_line,
                    "annotations are read when the script runs, and only a part of the code has "
                    "from __future__ import annotations; write it everywhere",
                )


def _comments(text: list[str]) -> list[str]:
    """Return the comments in lines of imports, without those that only speak to tools."""
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO("\n".join(text) + "\n").readline))
    except (tokenize.TokenError, IndentationError):
        return []
    found = [token.string for token in tokens if token.type == tokenize.COMMENT]
    return [comment for comment in found if not PRAGMA.match(comment)]


def _span(node: ast.stmt) -> tuple[int, int]:
    return node.lineno, node.end_lineno or node.lineno


def _region(script: Script) -> tuple[int, int]:
    """Return the run of import statements around the first one from the package."""
    body = script.tree.body
    lines = script.source.split("\n")
    first = last = script.import_indexes[0]

    def joins(a: ast.stmt, b: ast.stmt) -> bool:
        between = lines[(a.end_lineno or a.lineno) : b.lineno - 1]
        return not any(line.strip() for line in between)

    def is_import(node: ast.stmt) -> bool:
        is_future = isinstance(node, ast.ImportFrom) and node.module == "__future__"
        plain = isinstance(node, (ast.Import, ast.ImportFrom)) and not is_future
        if not plain:
            return False
        start, end = _span(node)
        return not _comments(lines[start - 1 : end]) or _is_of_package(script, node)

    while first and is_import(body[first - 1]) and joins(body[first - 1], body[first]):
        first -= 1
    while (
        last + 1 < len(body) and is_import(body[last + 1]) and joins(body[last], body[last + 1])
    ):
        last += 1
    return first, last


def _is_of_package(script: Script, node: ast.stmt) -> bool:
    return script.tree.body.index(node) in script.import_indexes


def _check_lines(script: Script, first: int, last: int) -> None:
    """Refuse an import that shares its line with another statement."""
    body = script.tree.body
    for index in {*script.import_indexes, *range(first, last + 1)}:
        start, end = _span(body[index])
        for other in (index - 1, index + 1):
            if 0 <= other < len(body) and not (first <= other <= last and first <= index <= last):
                low, high = _span(body[other])
                if low <= end and start <= high:
                    raise script.refuse(start, "this line holds another statement too; write two lines")


def _write(script: Script, found: Slice) -> str:
    body = script.tree.body
    lines = script.source.split("\n")
    first, last = _region(script)
    _check_lines(script, first, last)
    replaced: dict[int, tuple[int, list[str]]] = {}  # first line → (last line, new lines)

    # The imports: the script's own in this place, and what the copied code needs beside them.
    own = [item for node in body[first : last + 1] for item in _outside_items(node, script.package)]
    before = {
        (item.name, item.meaning)
        for index, node in enumerate(body[:first])
        for item in _outside_items(node, script.package)
    }
    before_exact = {
        item for node in body[:first] for item in _outside_items(node, script.package)
    }
    wanted = set(own)
    for (name, meaning), items in sorted(found.outside.items()):
        for item in sorted(items, key=_import_order):
            dotted = item.attribute is None and item.alias is None and "." in item.module
            known = {(o.name, o.meaning) for o in wanted} | before
            if dotted:
                if item not in before_exact:
                    wanted.add(item)
            elif (name, meaning) not in known:
                wanted.add(item)
    # ``import torch`` is implied by ``import torch.nn`` only to the machine: keep both.
    for item in script.imported:
        if isinstance(item.meaning, Outside):
            module, _, attribute = item.meaning.dotted.rpartition(".")
            alias = item.name if item.name != (attribute or module) else None
            if module:
                alias = item.name if item.name != attribute else None
                wanted.add(OutsideImport(module, attribute, alias))
            else:
                wanted.add(OutsideImport(attribute, None, alias))
    for _, meaning, node, full in script.qualified_uses:
        if isinstance(meaning, Outside):
            source = script.package.load(full.rpartition(".")[0])
            wanted.update(source.outside.get(node.attr, []))
    import_lines = _import_lines(wanted)
    typing_items = {
        item
        for (name, meaning), items in found.typing_only.items()
        for item in sorted(items, key=_import_order)[:1]
        if (name, meaning) not in {(o.name, o.meaning) for o in wanted} | before
    }
    if typing_items:
        flag = OutsideImport("typing", "TYPE_CHECKING", None)
        if flag not in before_exact:
            import_lines = _import_lines({*wanted, flag})
        guarded = [f"    {line}" if line else "" for line in _import_lines(typing_items)]
        import_lines += ["", "if TYPE_CHECKING:", *guarded]

    kept_comments: list[str] = []
    for node in body[first : last + 1]:
        start, end = _span(node)
        kept_comments += _comments(lines[start - 1 : end])
    new = list(import_lines)
    if kept_comments:
        new += ([""] if new else []) + kept_comments
    if found.units:
        new += ([""] if new else []) + _block(found)
    aliases = _alias_lines(script, [i for i in script.imported if first <= i.index <= last])
    if aliases:
        new += ["", "", *aliases] if found.units else aliases
    start, end = body[first].lineno, body[last].end_lineno or body[last].lineno
    replaced[start] = (end, new + (["", "", END_MARK] if found.units else []))

    for index in script.import_indexes:
        if first <= index <= last:
            continue
        low, high = _span(body[index])
        items = [item for item in script.imported if item.index == index]
        rest = _import_lines(_outside_items(body[index], script.package))
        replaced[low] = (high, [*rest, *_comments(lines[low - 1 : high]), *_alias_lines(script, items)])

    edits = {
        node: meaning.name if isinstance(meaning, Definition) else node.attr
        for _, meaning, node, _ in script.qualified_uses
    }
    out: list[str] = []
    number = 1
    future_at = _future_place(script) if _needs_future(script, found) else 0
    # Attributes are replaced per statement, because that may take lines away.
    by_first: dict[int, tuple[int, list[str]]] = dict(replaced)
    for node in body:
        start = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
        end = node.end_lineno or node.lineno
        mine = {n: e for n, e in edits.items() if start <= n.lineno <= end}
        if not mine or start in by_first:
            continue
        same = [o for o in body if o is not node and _span(o)[0] <= end and start <= _span(o)[1]]
        for other in same:
            start, end = min(start, other.lineno), max(end, other.end_lineno or other.lineno)
        mine = {n: e for n, e in edits.items() if start <= n.lineno <= end}
        new_lines = _edited(lines, start, end, mine)
        if new_lines is None:
            raise script.refuse(
                start, "a module's name inside an f-string cannot be shortened; import the name"
            )
        by_first[start] = (end, new_lines)
    while number <= len(lines):
        if number == future_at:
            out += _future_lines(out)
        if number in by_first:
            end, new_lines = by_first[number]
            if not new_lines and out and not out[-1].strip():
                # The import alone stood between blank lines: one group of them is enough.
                while end < len(lines) and not lines[end].strip():
                    end += 1
            out += new_lines
            number = end + 1
            if new_lines[-1:] == [END_MARK]:
                while number <= len(lines) and not lines[number - 1].strip():
                    number += 1
                if number > len(lines) or CELL_MARK.match(lines[number - 1]):
                    del out[-3:]
                out.append("")
            continue
        out.append(lines[number - 1])
        number += 1
    return "\n".join(out).rstrip("\n") + "\n"


def _alias_lines(script: Script, items: list[Imported]) -> list[str]:
    lines = []
    for item in items:
        if isinstance(item.meaning, Definition) and item.name != item.meaning.name:
            lines.append(f"{item.name} = {item.meaning.name}")
    return list(dict.fromkeys(lines))


def _future_place(script: Script) -> int:
    """Return the line before which the future import goes."""
    body = script.tree.body
    for node in body:
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            return node.lineno
    if is_docstring(body[0]):
        after = (body[0].end_lineno or 1) + 1
        if len(body) > 1 and body[1].lineno < after:
            raise script.refuse(body[1].lineno, "write the docstring on lines of its own")
        return after
    return body[0].lineno


def _future_lines(out: list[str]) -> list[str]:
    line = "from __future__ import annotations"
    return ["", line] if out and out[-1].strip() else [line, ""]


def _verify(script: Script, text: str, found: Slice) -> None:
    """Look at the result as a stranger would: it is Python, and every name has a meaning."""
    try:
        tree = ast.parse(text)
        compile(text, str(script.path), "exec", dont_inherit=True)
    except SyntaxError as error:
        raise script.refuse(script.first_line, f"the copy is not Python: {error}") from error
    names = look(tree.body, future_annotations=_has_future(tree))
    bound = {*names.bound, *names.bound_later} | BUILTINS | MODULE_NAMES
    for use in names.read:
        if use.name not in bound and use.when != "annotation" and not use.is_uncertain:
            before = {u.name for n in script.names for u in n.read}
            if use.name not in before or use.name in {i.name for i in script.imported}:
                raise script.refuse(
                    script.first_line,
                    f"{use.name} has no meaning in the copy; import it by name at the top",
                )
    package = script.package.name
    for node in ast.walk(tree):
        sources = []
        if isinstance(node, ast.Import):
            sources = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            sources = [node.module or ""]
        if any(source.split(".")[0] == package for source in sources):
            raise script.refuse(script.first_line, f"the copy still imports {package}")


# -- for others ---------------------------------------------------------------------------------


def inline(
    script_source: str, *, path: Path | str, package_root: Path | str, package: str = PACKAGE
) -> str:
    """Return a script with the definitions that it imports from the package copied into it.

    Parameters
    ----------
    script_source : str
        The script.
    path : Path or str
        Its name, for messages.
    package_root : Path or str
        The package's folder, or the folder that holds it.
    package : str
        The package's name.

    Returns
    -------
    str
        The same script, without any import from the package.

    Raises
    ------
    StandaloneError
        Where the copy would not do what the script does.
    """
    script = _read_script(script_source, path, _package(package_root, package))
    _check_script(script)
    if not script.import_indexes:
        return script.source.rstrip("\n") + "\n"
    found = _slice_of(script)
    _check_names(script, found)
    try:
        text = _write(script, found)
    except _Refusal as refusal:
        raise _in_script(script, refusal, script.first_line) from refusal
    _verify(script, text, found)
    return text


DEFAULT_ROOT = Path(__file__).parents[2]


def _load_script(
    script: Path | str, package_root: Path | str | None, package: str
) -> tuple[Script, Slice]:
    path = Path(script)
    read = _read_script(read_text(path), path, _package(package_root or DEFAULT_ROOT, package))
    if not read.import_indexes:
        return read, Slice(read.package)
    return read, _slice_of(read)


def uses(
    script: Path | str, package_root: Path | str | None = None, package: str = PACKAGE
) -> set[str]:
    """Return the full names of all definitions that a script needs, transitively."""
    _, found = _load_script(script, package_root, package)
    return {
        f"{unit.module.name}.{name}" for unit in found.units for name in unit.bound
    }


def modules_used(
    script: Path | str, package_root: Path | str | None = None, package: str = PACKAGE
) -> set[str]:
    """Return the modules that those definitions are in."""
    _, found = _load_script(script, package_root, package)
    return {unit.module.name for unit in found.units}


def fingerprint(
    script: Path | str, package_root: Path | str | None = None, package: str = PACKAGE
) -> str:
    """Hash the code, without docstrings and comments, of everything that a script uses."""
    _, found = _load_script(script, package_root, package)
    parts = []
    for unit in sorted(found.units, key=lambda unit: (unit.module.name, unit.index)):
        parts.append(f"{unit.module.name} {unit.module.future}\n{unit.code}")
    parts += sorted(f"{name} {meaning}" for name, meaning in found.outside)
    parts += [f"{m} {n} {d}" for m, a in sorted(found.aliases.items()) for n, d in sorted(a.items())]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def direct_names(
    script: Path | str, package_root: Path | str | None = None, package: str = PACKAGE
) -> list[tuple[str, str]]:
    """Return what a script itself imports: full name where it is defined, and name in the script."""
    path = Path(script)
    read = _read_script(read_text(path), path, _package(package_root or DEFAULT_ROOT, package))
    pairs = [(i.meaning, i.name) for i in read.imported if not isinstance(i.meaning, InModule)]
    for use, meaning, node, _ in read.qualified_uses:
        written = [use.name, *use.chain[: use.chain_nodes.index(node) + 1]]
        pairs.append((meaning, ".".join(written)))
    named = [
        (f"{meaning.module}.{meaning.name}", alias)
        for meaning, alias in pairs
        if isinstance(meaning, Definition)
    ]
    return list(dict.fromkeys(named))
