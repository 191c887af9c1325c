"""The package as text: its modules taken apart, and what each name in them means."""

from __future__ import annotations

import ast
import builtins
import difflib
import re
import tokenize
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import NamedTuple

from inliner.names import (
    FUNCTIONS,
    Names,
    Use,
    bound_name,
    is_docstring,
    look,
    names_type_checking,
    without_docstrings,
)

PACKAGE = "handbook"

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


class StandaloneError(Exception):
    """A script cannot be made to run alone; says where and what to write instead."""

    def __init__(self, path: Path | str, line: int, message: str) -> None:
        super().__init__(f"{path}:{line}: {message}")
        self.path = str(path)
        self.line = line
        self.message = message


class Refusal(Exception):  # noqa: N818  # becomes a StandaloneError where the script is known
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


def say(meaning: Meaning) -> str:
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

    def refuse(self, line: int, message: str) -> Refusal:
        """Return the error for a line of this module."""
        return Refusal(message, module=self, line=line)


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
                raise Refusal(f"there is no module {name}{hint}")
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
            if name in module.inside or name in module.outside:
                raise module.refuse(
                    units[0].line, f"{name} is imported and defined; rename one of them"
                )
            if len(units) == 1 and (text := optional_import(units[0])):
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
            raise Refusal(f"{key} imports itself in a circle", module=asking, line=line)
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
            raise Refusal(
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
        raise Refusal(f"{module} has no name {attribute}{hint}", module=asking, line=line)

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
        raise Refusal(
            f"the module {here.module} is used as a value here; write "
            f"from {here.module} import the names that you use",
            module=asking,
            line=line,
        )


def absolute_module(module: Module | None, node: ast.ImportFrom) -> str:
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


def has_future(tree: ast.Module) -> bool:
    return any(
        isinstance(node, ast.ImportFrom)
        and node.module == "__future__"
        and any(alias.name == "annotations" for alias in node.names)
        for node in tree.body
    )


def find_package(root: Path | str, name: str) -> Package:
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
        raise Refusal(f"{path} is not Python: {error.msg} (line {error.lineno})") from error
    module = Module(
        name=name,
        path=path,
        lines=text.split("\n"),
        tree=tree,
        is_package=path.name == "__init__.py",
        future=has_future(tree),
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
                module.imports += package_modules(package, module, child)
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


def package_modules(package: Package, module: Module, node: ast.stmt) -> list[str]:
    found: list[str] = []
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    else:
        assert isinstance(node, ast.ImportFrom)
        source = absolute_module(module, node)
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
        module.imports += package_modules(package, module, node)
    source = absolute_module(module, node) if isinstance(node, ast.ImportFrom) else ""
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


def _add_unit(module: Module, node: ast.stmt, previous: Unit | None, *, typing_only: bool) -> Unit:
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


def optional_import(unit: Unit) -> str:
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
