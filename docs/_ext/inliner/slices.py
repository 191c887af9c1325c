"""The part of the package that a script needs, in the order in which Python executes it."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from inliner.effects import Effects
from inliner.modules import (
    MODULE_NAMES,
    Builtin,
    Definition,
    InModule,
    Meaning,
    Module,
    Outside,
    OutsideImport,
    Package,
    Refusal,
    SharedTry,
    Unit,
    package_modules,
)
from inliner.names import (
    FUNCTIONS,
    strings,
)


@lru_cache(maxsize=4)
def _effects(package: Package) -> Effects:
    return Effects(package)


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


def make_slice(package: Package, roots: list[Definition], modules: list[str]) -> Slice:
    order, circular = _execution_order(package, [package.name, *modules])
    found = Slice(package, order)
    effects = _effects(package)
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
    if module.star:
        raise module.refuse(module.star, "a star import hides names; import them by name")
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


def _unknown_name(module: Module, name: str, line: int) -> Refusal:
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
                if package_modules(package, module, inner):
                    in_function = isinstance(node, (*FUNCTIONS, ast.ClassDef))
                    where = "inside a function" if in_function else "under a condition"
                    raise module.refuse(
                        line,
                        f"{package.name} is imported {where}; import it at the top of the module",
                    )
                if any(alias.name == "*" for alias in inner.names):
                    raise module.refuse(line, "a star import hides names; import them by name")
            elif isinstance(inner, ast.Call) and (dynamic := dynamic_lookup(inner, package.name)):
                raise module.refuse(
                    line, f"{dynamic} finds names when it runs; write the names themselves"
                )
            elif isinstance(inner, ast.Attribute) and ast.unparse(inner) == "sys.modules":
                raise module.refuse(line, "sys.modules has no modules of a copy; use the names")
    unit.is_checked = True


def dynamic_lookup(call: ast.Call, package: str) -> str:
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
    package, effects = found.package, _effects(found.package)
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
