"""A script: what it imports from the package, and whether one namespace can hold it all."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from pathlib import Path

from inliner.modules import (
    BUILTINS,
    Builtin,
    Definition,
    InModule,
    Meaning,
    Outside,
    OutsideImport,
    Package,
    Refusal,
    SharedTry,
    StandaloneError,
    has_future,
    say,
)
from inliner.names import (
    FUNCTIONS,
    Names,
    Use,
    bound_name,
    look,
)
from inliner.slices import Slice, dynamic_lookup, make_slice


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


def read_script(source: str, path: Path | str, package: Package) -> Script:
    source = source.removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}")
    source = source.replace("\r\n", "\n").replace("\r", "\n")
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        raise StandaloneError(path, error.lineno or 1, f"not Python: {error.msg}") from error
    future = has_future(tree)
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
            if use.name in module_names and use.role == "load":
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
        except Refusal as refusal:
            raise in_script(script, refusal, line) from refusal
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
    except Refusal as refusal:
        raise in_script(script, refusal, line) from refusal
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


def in_script(script: Script, refusal: Refusal, line: int) -> StandaloneError:
    message = refusal.message
    if refusal.module is not None:
        message = f"cannot copy from {refusal.module.name}: " + _at(refusal) + message
    return script.refuse(line, message)


def _at(refusal: Refusal) -> str:
    assert refusal.module is not None
    return f"{refusal.module.path}:{refusal.line}: "


def check_script(script: Script) -> None:
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
            dynamic = dynamic_lookup(node, package.name)
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


def slice_of(script: Script) -> Slice:
    roots = [item.meaning for item in script.imported if isinstance(item.meaning, Definition)]
    roots += [
        meaning for _, meaning, _, _ in script.qualified_uses if isinstance(meaning, Definition)
    ]
    for item in script.imported:
        if isinstance(item.meaning, SharedTry):
            raise script.refuse(item.line, f"import {item.name} from its own package")
    try:
        return make_slice(script.package, roots, script.modules)
    except Refusal as refusal:
        raise in_script(script, refusal, script.first_line) from refusal


def _script_imports(script: Script) -> dict[str, list[tuple[int, OutsideImport]]]:
    """Return the script's imports from other packages, at its top level, by name."""
    found: dict[str, list[tuple[int, OutsideImport]]] = {}
    for index, node in enumerate(script.tree.body):
        for item in outside_items(node, script.package):
            found.setdefault(item.name, []).append((index, item))
    return found


def outside_items(node: ast.stmt, package: Package) -> list[OutsideImport]:
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


def check_names(script: Script, found: Slice) -> None:
    """Refuse two different things under one name, now that all share one namespace."""
    for name, meanings in sorted(found.meanings.items()):
        if len(meanings) > 1 and name in found.read:
            (one, where), (other, there) = sorted(meanings.items(), key=lambda item: item[1])[:2]
            raise script.refuse(
                script.first_line,
                f"{name} is {say(one)} in {where} and {say(other)} in {there}; "
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
                f"{say(items[-1][1].meaning)}; import one of them under another name (as …)",
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
                f"{item.name} is {say(item.meaning)} here and {say(other)} in the copied code; "
                "import it under another name (as …)",
            )
    for name, items in outside.items():
        meanings = found.meanings.get(name, {})
        other = next((m for m in meanings if m != items[0][1].meaning), None)
        if other is not None:
            raise script.refuse(
                script.tree.body[items[0][0]].lineno,
                f"{name} is {say(items[0][1].meaning)} here and {say(other)} in the copied code "
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
            f"{name} is bound here, but the code copied from {reader} {what} {say(meaning)} "
            "under that name; take another name",
        )
    if name in imported or name in outside:
        return
    binds = any(name in (*names.bound, *names.bound_later) for names in script.names)
    if not binds and name in BUILTINS and not isinstance(meaning, Builtin):
        raise script.refuse(
            line,
            f"{name} is Python's own here and {say(meaning)} in the copied code; "
            f"rename the one in {who}",
        )
    if not binds and name not in BUILTINS and use.when != "annotation":
        raise script.refuse(line, f"{name} is not defined in the script; import it")
