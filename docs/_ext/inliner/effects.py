"""What a statement changes, beside the names that it binds, when its module is imported.

A copy of single definitions leaves statements out. One that changes a definition which is copied is
copied too; one whose effect nobody can tell is refused.
"""

from __future__ import annotations

import ast
import re

from inliner.modules import (
    Builtin,
    Definition,
    InModule,
    Meaning,
    Module,
    Outside,
    Package,
    Refusal,
    Unit,
    say,
)
from inliner.names import (
    FUNCTIONS,
    Call,
    Use,
    changed_root,
    is_docstring,
    is_mutator,
)

# Calls that change something outside of the package, for everybody.
OUTSIDE_EFFECT = re.compile(
    r"(set_\w+|manual_seed\w*|seed|use|filterwarnings|simplefilter|basicConfig|register\w*|"
    r"disable\w*|enable\w*|putenv|chdir)"
)


class Effects:
    """Which definitions a module's statements change when the module is imported."""

    def __init__(self, package: Package) -> None:
        self.package = package
        self._closure: dict[Definition, frozenset[Definition]] = {}
        self._lazy: dict[int, tuple[set[Definition], str]] = {}
        self._of: dict[int, set[Definition]] = {}

    def meaning(self, module: Module, name: str | None) -> Meaning | None:
        return None if name is None else self.package.resolve(module, name)

    def called(
        self, module: Module, function: str | None, chain: tuple[str, ...]
    ) -> Meaning | None:
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
                raise self.refuse(unit, use.node, f"changes {say(meaning)} for everybody")
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

    def by_call(self, unit: Unit, call: Call) -> set[Definition]:
        """Return what one call changes."""
        module = unit.module
        meaning = self.called(module, call.function, call.chain)
        passed = {
            found
            for name in call.arguments
            if isinstance(found := self.meaning(module, name), Definition)
            and self.is_mutable(found)
        }
        last = call.chain[-1] if call.chain else (call.function or "")
        if meaning is None and call.function is None and call.is_statement:
            root, _ = changed_root(getattr(call.node, "func", call.node))
            start = self.meaning(module, root.id) if root is not None else None
            if root is None or isinstance(start, (Outside, Builtin)):
                raise self.refuse(unit, call.node, f"calls {ast.unparse(call.node)}")
        if isinstance(meaning, Builtin):
            is_own = meaning.name in ("vars", "locals") and not getattr(call.node, "args", None)
            if meaning.name == "globals" or is_own:
                raise self.refuse(unit, call.node, f"calls {meaning.name}()")
            if meaning.name in ("print", "input", "exec", "eval", "breakpoint", "exit", "quit"):
                raise self.refuse(unit, call.node, f"calls {meaning.name}")
            return passed if meaning.name in ("setattr", "delattr", "next") else set()
        if isinstance(meaning, Outside):
            is_change = len(call.chain) > 1 and is_mutator(last)
            if call.is_statement or is_change or OUTSIDE_EFFECT.fullmatch(last):
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

    def refuse(self, unit: Unit, node: ast.AST, what: str) -> Refusal:
        return unit.module.refuse(
            getattr(node, "lineno", unit.line),
            f"when {unit.module.name} is imported, this statement {what}, which a copy of single "
            "definitions would leave out; move it into a function, called where it is needed",
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


def _dotted(call: Call) -> str:
    return ".".join([str(call.function), *call.chain])


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
