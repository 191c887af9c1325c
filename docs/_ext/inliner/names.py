"""Which global names a piece of Python reads, binds and changes, and when.

Works on the syntax tree and knows Python's scopes: parameters and local variables hide a global,
a class body does not hide it from the methods, a comprehension has its own variables, an assignment
expression inside one binds outside of it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

# When a name is looked up: while the module is executed, when a function is called later, or only
# by who asks for the annotations.
When = Literal["eager", "lazy", "annotation"]

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
DEFINITIONS = (*FUNCTIONS, ast.ClassDef)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)

# Methods that change the object they are called on; a trailing underscore is PyTorch's sign for it.
MUTATORS = frozenset(
    {
        "append",
        "appendleft",
        "extend",
        "extendleft",
        "insert",
        "remove",
        "pop",
        "popitem",
        "popleft",
        "clear",
        "update",
        "setdefault",
        "add",
        "discard",
        "sort",
        "reverse",
        "rotate",
        "move_to_end",
        "difference_update",
        "intersection_update",
        "symmetric_difference_update",
        "subtract",
        "write",
        "writelines",
        "register",
        "register_buffer",
        "register_parameter",
        "register_module",
        "add_module",
        "load_state_dict",
        "cache_clear",
        "fill",
        "put",
        "set",
        "seed",
        "manual_seed",
        "__setitem__",
        "__delitem__",
        "__setattr__",
    }
)


def is_mutator(method: str) -> bool:
    """Tell whether a method of this name changes its object."""
    in_place = method.endswith("_") and not method.endswith("__")
    return method in MUTATORS or in_place or method.startswith("set_")


@dataclass(frozen=True)
class Use:
    """One place where a global name is read, bound, deleted or its object changed."""

    name: str
    role: Literal["load", "store", "delete", "change"]
    when: When
    node: ast.AST
    # The attributes that follow, ``a.b.c`` → ("b", "c"), and their nodes from the inside out.
    chain: tuple[str, ...] = ()
    chain_nodes: tuple[ast.Attribute, ...] = ()
    # Names that an enclosing function, class or comprehension binds for itself.
    hidden: frozenset[str] = frozenset()
    in_string: bool = False  # inside an annotation written as a string
    is_attribute_target: bool = False  # ``a.b = …`` and ``del a.b``
    is_uncertain: bool = False  # in a class body that binds the name too, before or after


@dataclass(frozen=True)
class Call:
    """One call, or a decorator, which is one too."""

    function: str | None  # the global name at the root of what is called
    chain: tuple[str, ...]
    arguments: tuple[str, ...]  # global names passed as they are
    when: When
    is_statement: bool  # the value is thrown away: it is called for what it does
    node: ast.AST


@dataclass
class _Scope:
    kind: Literal["function", "class", "comprehension"]
    names: set[str]
    globals: set[str] = field(default_factory=set)


@dataclass
class Names:
    """Everything that `look` finds."""

    uses: list[Use] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)

    @property
    def bound(self) -> list[str]:
        """Names bound or deleted in the global scope while it is executed, once each, in order."""
        return self._bound("eager")

    @property
    def bound_later(self) -> list[str]:
        """Names that functions bind there when they are called: ``global x``."""
        return self._bound("lazy")

    def _bound(self, when: When) -> list[str]:
        places = (use for use in self.uses if use.role in ("store", "delete"))
        return list(dict.fromkeys(use.name for use in places if use.when == when))

    @property
    def read(self) -> list[Use]:
        """Reads only."""
        return [use for use in self.uses if use.role == "load"]


def look(nodes: Iterable[ast.AST], *, future_annotations: bool) -> Names:
    """Return the global names that statements of a module use."""
    visitor = _Visitor(future_annotations)
    for node in nodes:
        visitor.visit(node)
    return visitor.found


def bindings(nodes: Iterable[ast.AST]) -> tuple[set[str], set[str]]:
    """Return the names that code binds in its own scope, and those it declares global."""
    bound: set[str] = set()
    declared: set[str] = set()
    nonlocal_: set[str] = set()
    stack = list(nodes)
    while stack:
        node = stack.pop()
        if isinstance(node, DEFINITIONS):
            bound.add(node.name)
            stack += node.decorator_list
            if isinstance(node, ast.ClassDef):
                stack += [*node.bases, *(keyword.value for keyword in node.keywords)]
            else:
                stack += _defaults(node.args)
            continue
        if isinstance(node, ast.Lambda):
            stack += _defaults(node.args)
            continue
        if isinstance(node, COMPREHENSIONS):
            bound |= {
                inner.target.id
                for inner in ast.walk(node)
                if isinstance(inner, ast.NamedExpr) and isinstance(inner.target, ast.Name)
            }
            continue
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            bound.add(node.id)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            bound |= {bound_name(alias) for alias in node.names}
        elif isinstance(node, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)):
            bound |= {node.name} - {None}
        elif isinstance(node, ast.MatchMapping):
            bound |= {node.rest} - {None}
        elif isinstance(node, ast.Global):
            declared |= set(node.names)
        elif isinstance(node, ast.Nonlocal):
            nonlocal_ |= set(node.names)
        stack += ast.iter_child_nodes(node)
    return bound - declared - nonlocal_, declared


def bound_name(alias: ast.alias) -> str:
    """Return the name that an import binds: ``import a.b`` binds ``a``."""
    return alias.asname or alias.name.split(".")[0]


def root_and_chain(node: ast.AST) -> tuple[ast.Name | None, tuple[ast.Attribute, ...]]:
    """Take ``a.b.c`` apart; the root is None where it does not start with a name."""
    attributes: list[ast.Attribute] = []
    while isinstance(node, ast.Attribute):
        attributes.append(node)
        node = node.value
    return (node if isinstance(node, ast.Name) else None), tuple(reversed(attributes))


def changed_root(node: ast.AST) -> tuple[ast.Name | None, tuple[str, ...]]:
    """Return the name whose object an assignment to ``node`` changes, and the attributes behind."""
    attributes: list[str] = []
    while isinstance(node, (ast.Attribute, ast.Subscript, ast.Call, ast.Starred)):
        if isinstance(node, ast.Attribute):
            attributes.append(node.attr)
        else:
            attributes.clear()  # only those that stand directly behind the name count
        node = node.func if isinstance(node, ast.Call) else node.value
    return (node if isinstance(node, ast.Name) else None), tuple(reversed(attributes))


def _defaults(arguments: ast.arguments) -> list[ast.expr]:
    return [*arguments.defaults, *(d for d in arguments.kw_defaults if d is not None)]


def _parameters(arguments: ast.arguments) -> list[ast.arg]:
    single = [argument for argument in (arguments.vararg, arguments.kwarg) if argument]
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *single]


class _Visitor(ast.NodeVisitor):
    def __init__(self, future_annotations: bool) -> None:
        self.future = future_annotations
        self.found = Names()
        self.scopes: list[_Scope] = []
        self.when: When = "eager"
        self.in_string = False
        self.statement_value: ast.AST | None = None
        self.in_bare_expression = False

    # -- scopes -------------------------------------------------------------------------------

    def is_global(self, name: str, *, load: bool) -> bool:
        for depth, scope in enumerate(reversed(self.scopes)):
            if name in scope.globals:
                return True
            if scope.kind == "class":
                if depth == 0 and name in scope.names:
                    # Read before the class body binds it, a name is still the global one:
                    # ``relu = staticmethod(relu)``. Nobody can tell the order in general.
                    return load
                continue
            if name in scope.names:
                return False
        return True

    @property
    def hidden(self) -> frozenset[str]:
        seen = [scope for scope in self.scopes[:-1] if scope.kind != "class"] + self.scopes[-1:]
        return frozenset().union(*(scope.names for scope in seen))

    def record(self, name: str, role: str, node: ast.AST, **more: object) -> None:
        if name == "__class__" or not self.is_global(name, load=role in ("load", "change")):
            return
        innermost = self.scopes[-1] if self.scopes else None
        uncertain = innermost is not None and innermost.kind == "class"
        self.found.uses.append(
            Use(
                name,
                role,  # type: ignore[arg-type]
                self.when,
                node,
                hidden=self.hidden,
                in_string=self.in_string,
                is_uncertain=uncertain and name in self.scopes[-1].names,
                **more,  # type: ignore[arg-type]
            )
        )

    def inside(self, scope: _Scope, nodes: Iterable[ast.AST], when: When | None = None) -> None:
        before = self.when
        self.scopes.append(scope)
        self.when = when or before
        for node in nodes:
            self.visit(node)
        self.scopes.pop()
        self.when = before

    def all_of(self, nodes: Iterable[ast.AST | None]) -> None:
        for node in nodes:
            if node is not None:
                self.visit(node)

    # -- definitions --------------------------------------------------------------------------

    def decorators(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> None:
        self.all_of(node.decorator_list)
        for decorator in node.decorator_list:
            callee = decorator
            while isinstance(callee, ast.Call):  # ``@register("name")`` calls twice
                callee = callee.func
            self.call(callee, [ast.Name(node.name, ast.Load())], decorator, is_statement=False)
            if isinstance(callee, ast.Attribute):
                # ``@table.register``: what the decorator hangs on is changed by it.
                self.change(callee)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self.decorators(node)
        self.all_of(_defaults(node.args))
        type_parameters = getattr(node, "type_params", [])
        names = {parameter.name for parameter in type_parameters}
        if names:
            self.scopes.append(_Scope("function", names))
        self.all_of(type_parameters)
        for parameter in _parameters(node.args):
            self.annotation(parameter.annotation)
        self.annotation(node.returns)
        bound, declared = bindings(node.body)
        bound |= {parameter.arg for parameter in _parameters(node.args)}
        self.inside(_Scope("function", bound, declared), node.body, "lazy")
        if names:
            self.scopes.pop()
        self.record(node.name, "store", node)

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self.all_of(_defaults(node.args))
        names = {parameter.arg for parameter in _parameters(node.args)}
        self.inside(_Scope("function", names | bindings([node.body])[0]), [node.body], "lazy")

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.decorators(node)
        type_parameters = getattr(node, "type_params", [])
        names = {parameter.name for parameter in type_parameters}
        if names:
            self.scopes.append(_Scope("function", names))
        self.all_of(type_parameters)
        self.all_of([*node.bases, *node.keywords])
        bound, declared = bindings(node.body)
        bound |= {"__module__", "__qualname__"}
        self.inside(_Scope("class", bound, declared), node.body)
        if names:
            self.scopes.pop()
        self.record(node.name, "store", node)

    def comprehension(self, node: ast.AST) -> None:
        first, *others = node.generators  # type: ignore[attr-defined]
        self.visit(first.iter)  # evaluated outside
        names = set()
        for generator in node.generators:  # type: ignore[attr-defined]
            names |= bindings([generator.target])[0]
        inner: list[ast.AST] = [first.target, *first.ifs, *others]
        inner += [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]  # type: ignore[attr-defined]
        when: When | None = "lazy" if isinstance(node, ast.GeneratorExp) else None
        self.inside(_Scope("comprehension", names), inner, when)

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = comprehension  # noqa: N815

    # -- annotations --------------------------------------------------------------------------

    def annotation(self, node: ast.AST | None, *, never: bool = False) -> None:
        if node is None:
            return
        before = self.when
        if self.future or never:
            self.when = "annotation"
        self.visit(_StringAnnotations().visit(node) if _has_string(node) else node)
        self.when = before

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        in_function = bool(self.scopes) and self.scopes[-1].kind == "function"
        self.annotation(node.annotation, never=in_function)
        self.all_of([node.value])
        if node.value is not None or not isinstance(node.target, ast.Name):
            self.visit(node.target)

    def visit_Quoted(self, node: Quoted) -> None:
        before, self.in_string = (self.in_string, self.when), True
        self.when = "annotation"
        self.visit(node.body)
        self.in_string, self.when = before

    def visit_TypeAlias(self, node: ast.AST) -> None:
        names = {parameter.name for parameter in node.type_params}  # type: ignore[attr-defined]
        self.inside(_Scope("function", names), [node.value], "lazy")  # type: ignore[attr-defined]
        self.visit(node.name)  # type: ignore[attr-defined]

    # -- names --------------------------------------------------------------------------------

    def visit_Name(self, node: ast.Name) -> None:
        role = {ast.Load: "load", ast.Store: "store", ast.Del: "delete"}[type(node.ctx)]
        self.record(node.id, role, node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        root, attributes = root_and_chain(node)
        is_target = not isinstance(node.ctx, ast.Load)
        if is_target:
            self.change(node)
        if root is None:
            self.visit(attributes[0].value)
            return
        self.record(
            root.id,
            "load",
            root,
            chain=tuple(attribute.attr for attribute in attributes),
            chain_nodes=attributes,
            is_attribute_target=is_target,
        )

    def visit_Subscript(self, node: ast.Subscript) -> None:
        if not isinstance(node.ctx, ast.Load):
            self.change(node)
        self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self.visit(node.value)
        if isinstance(node.target, ast.Name):
            self.record(node.target.id, "load", node.target)
            self.record(node.target.id, "change", node.target)
        self.visit(node.target)

    def change(self, node: ast.AST) -> None:
        root, chain = changed_root(node)
        if root is not None:
            self.record(root.id, "change", root, chain=chain)

    def visit_Import(self, node: ast.Import | ast.ImportFrom) -> None:
        for alias in node.names:
            if alias.name != "*":
                self.record(bound_name(alias), "store", node)

    visit_ImportFrom = visit_Import  # noqa: N815

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        self.all_of([node.type])
        if node.name:
            self.record(node.name, "store", node)
        self.all_of(node.body)

    def visit_MatchAs(self, node: ast.MatchAs | ast.MatchStar) -> None:
        self.all_of([getattr(node, "pattern", None)])
        if node.name:
            self.record(node.name, "store", node)

    visit_MatchStar = visit_MatchAs  # noqa: N815

    def visit_MatchMapping(self, node: ast.MatchMapping) -> None:
        self.all_of([*node.keys, *node.patterns])
        if node.rest:
            self.record(node.rest, "store", node)

    # -- calls --------------------------------------------------------------------------------

    def visit_Expr(self, node: ast.Expr) -> None:
        value = node.value.value if isinstance(node.value, ast.Await) else node.value
        before = self.in_bare_expression
        self.statement_value = value
        # ``[register(name) for name in names]`` is there for its calls.
        self.in_bare_expression = not isinstance(value, ast.Call)
        self.visit(node.value)
        self.statement_value, self.in_bare_expression = None, before

    def visit_Call(self, node: ast.Call) -> None:
        is_statement = node is self.statement_value or self.in_bare_expression
        arguments = [*node.args, *(keyword.value for keyword in node.keywords)]
        self.call(node.func, arguments, node, is_statement=is_statement)
        called = node.func
        if isinstance(called, ast.Attribute) and (is_statement or is_mutator(called.attr)):
            self.change(called)
        self.visit(node.func)
        for argument in arguments:
            self.visit(argument)

    def call(
        self, function: ast.AST, arguments: list[ast.expr], node: ast.AST, *, is_statement: bool
    ) -> None:
        root, attributes = root_and_chain(function)
        name = root.id if root is not None and self.is_global(root.id, load=True) else None
        passed = []
        for argument in arguments:
            value = argument.value if isinstance(argument, ast.Starred) else argument
            inner, _ = changed_root(value)
            if inner is not None and self.is_global(inner.id, load=True):
                passed.append(inner.id)
        chain = tuple(attribute.attr for attribute in attributes)
        self.found.calls.append(Call(name, chain, tuple(passed), self.when, is_statement, node))


class Quoted(ast.AST):
    """An annotation written as a string, parsed."""

    _fields = ("body",)


def _has_string(node: ast.AST) -> bool:
    return any(isinstance(n, ast.Constant) and isinstance(n.value, str) for n in ast.walk(node))


class _StringAnnotations(ast.NodeTransformer):
    """Parse the strings of an annotation, except where a string is a value: in ``Literal``."""

    def visit(self, node: ast.AST) -> ast.AST:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            try:
                return Quoted(body=ast.parse(node.value.strip(), mode="eval").body)
            except SyntaxError:
                return node
        if isinstance(node, ast.Subscript):
            _, attributes = root_and_chain(node.value)
            last = attributes[-1].attr if attributes else getattr(node.value, "id", "")
            if last == "Literal":
                return node
            if last == "Annotated" and isinstance(node.slice, ast.Tuple):
                first, *rest = node.slice.elts
                items = ast.Tuple([self.visit(first), *rest], ast.Load())
                return ast.Subscript(node.value, items, node.ctx)
        # A copy: the tree of the module itself stays as it is.
        fields = {}
        for name, value in ast.iter_fields(node):
            if isinstance(value, list):
                value = [self.visit(v) if isinstance(v, ast.AST) else v for v in value]
            elif isinstance(value, ast.AST) and not isinstance(value, ast.expr_context):
                value = self.visit(value)
            fields[name] = value
        return ast.copy_location(type(node)(**fields), node)


# -- comparing code -----------------------------------------------------------------------------


def without_docstrings(node: ast.AST) -> str:
    """Return a syntax tree as text, without docstrings, comments and positions."""
    return ast.dump(_NoDocstrings().visit(ast.parse(ast.unparse(node))))


class _NoDocstrings(ast.NodeTransformer):
    def visit_FunctionDef(self, node: ast.AST) -> ast.AST:
        self.generic_visit(node)
        if ast.get_docstring(node, clean=False) is not None:  # type: ignore[arg-type]
            node.body = node.body[1:] or [ast.Pass()]  # type: ignore[attr-defined]
        return node

    visit_AsyncFunctionDef = visit_ClassDef = visit_FunctionDef  # noqa: N815


def is_docstring(node: ast.AST) -> bool:
    """Tell whether a statement is a bare string."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def strings(node: ast.AST) -> Iterator[ast.Constant]:
    """Yield the string constants of code that are no docstrings."""
    skipped = {id(n.value) for n in ast.walk(node) if is_docstring(n)}  # type: ignore[attr-defined]
    for inner in ast.walk(node):
        is_string = isinstance(inner, ast.Constant) and isinstance(inner.value, str)
        if is_string and id(inner) not in skipped:
            yield inner  # type: ignore[misc]


def names_type_checking(test: ast.AST) -> bool:
    """Tell whether a condition is ``TYPE_CHECKING``."""
    return bool(re.fullmatch(r"(\w+\.)?TYPE_CHECKING", ast.unparse(test)))
