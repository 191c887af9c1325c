"""The script with the copied definitions, written and looked at once more."""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterable

from inliner.modules import (
    BUILTINS,
    MODULE_NAMES,
    PACKAGE,
    Definition,
    Module,
    Outside,
    OutsideImport,
    Unit,
    has_future,
    optional_import,
)
from inliner.names import (
    FUNCTIONS,
    is_docstring,
    look,
)
from inliner.scripts import Imported, Script, outside_items
from inliner.slices import Slice

TITLE = "Torch Handbook"
LICENCE = "BSD-3-Clause"
LINE_LENGTH = 100
END_MARK = "# --- end of what was copied ---"

# sphinx-gallery starts a new cell at a line like these.
CELL_MARK = re.compile(r"(#{20,}|# ?%%)")
PRAGMA = re.compile(r"#\s*(noqa|type:|fmt:|isort:|ruff:|pragma|pylint|mypy)", re.IGNORECASE)


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
        (node.lineno, node.col_offset, node.end_lineno, node.end_col_offset): (
            ast.unparse(node),
            new,
        )
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
    out = [
        f"# What follows is copied from {title}{version} ({LICENCE}), so that this file runs alone."
    ]
    current: Module | None = None
    previous: Unit | None = None
    shared: set[str] = set()
    for unit in found.sorted_units():
        if text := optional_import(unit):
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
        if script.future and any(
            not u.module.future and has_annotations(u.nodes) for u in found.units
        ):
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
    while last + 1 < len(body) and is_import(body[last + 1]) and joins(body[last], body[last + 1]):
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
                    raise script.refuse(
                        start, "this line holds another statement too; write two lines"
                    )


def write(script: Script, found: Slice) -> str:
    body = script.tree.body
    lines = script.source.split("\n")
    first, last = _region(script)
    _check_lines(script, first, last)
    replaced: dict[int, tuple[int, list[str]]] = {}  # first line → (last line, new lines)

    # The imports: the script's own in this place, and what the copied code needs beside them.
    own = [item for node in body[first : last + 1] for item in outside_items(node, script.package)]
    before = {
        (item.name, item.meaning)
        for index, node in enumerate(body[:first])
        for item in outside_items(node, script.package)
    }
    before_exact = {item for node in body[:first] for item in outside_items(node, script.package)}
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
        rest = _import_lines(outside_items(body[index], script.package))
        replaced[low] = (
            high,
            [*rest, *_comments(lines[low - 1 : high]), *_alias_lines(script, items)],
        )

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
    lines = [
        f"{item.name} = {item.meaning.name}"
        for item in items
        if isinstance(item.meaning, Definition) and item.name != item.meaning.name
    ]
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


def verify(script: Script, text: str, found: Slice) -> None:
    """Look at the result as a stranger would: it is Python, and every name has a meaning."""
    try:
        tree = ast.parse(text)
        compile(text, str(script.path), "exec", dont_inherit=True)
    except SyntaxError as error:
        raise script.refuse(script.first_line, f"the copy is not Python: {error}") from error
    names = look(tree.body, future_annotations=has_future(tree))
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
