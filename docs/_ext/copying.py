"""Say under each Python block of a page what it needs from the blocks above it.

A reader who lands in the middle of a page copies one block. Most run behind the page's first one,
its imports. Where a block goes on from others, a line below it names what it needs, with a link to
where each name is made, and a button copies the block together with all of them. Which blocks those
are is read from the code: a test runs every block behind no more than these.

Python's own prompt wants a blank line behind a statement of several lines: copied examples have it.
A definition of the package is copied with its imports, for it is shown without them.
"""

from __future__ import annotations

import ast
import builtins
import doctest
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes
from runnable import collected_in_order, squeezed
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

GIVEN = frozenset(dir(builtins))
ONLY_LOOK = {"print", "torch.testing.assert_close"}


@dataclass
class Block:
    """What a block reads from outside, makes, and changes."""

    reads: set[str]
    makes: set[str]
    changes: set[str]
    fixed: set[str]  # imported, or a function: made, and not changed by what uses it


@dataclass(frozen=True)
class Need:
    """What a block takes from the blocks above: where each name is made, and all to be run."""

    made_in: dict[str, int]
    blocks: list[int]


def statements(text: str) -> Iterator[tuple[str, bool]]:
    """Yield the statements of a block, each with whether the page shows what it prints."""
    if text.lstrip().startswith(">>>"):
        for example in doctest.DocTestParser().get_examples(text):
            yield example.source, bool(example.want)
    else:
        for statement in ast.parse(text).body:
            yield ast.unparse(statement), False


def analysed(text: str) -> Block:
    """Return what the block reads, makes and changes."""
    reading = _Reading()
    changes: set[str] = set()
    for source, prints in statements(text):
        tree = ast.parse(source)
        reading.visit(tree)
        changes |= _changed(tree, prints)
    reads = reading.reads | (reading.later - reading.makes)
    return Block(reads - GIVEN, reading.makes, changes, reading.fixed)


class _Reading(ast.NodeVisitor):
    """Go through code in the order in which it runs; note the names that it reads and makes."""

    def __init__(self) -> None:
        self.reads: set[str] = set()
        self.makes: set[str] = set()
        self.fixed: set[str] = set()
        self.later: set[str] = set()  # what functions read once they are called

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Store):
            self.makes.add(node.id)
        elif node.id not in self.makes:
            self.reads.add(node.id)

    def in_order(self, *parts: Any) -> None:
        for part in parts:
            for node in part if isinstance(part, list) else [part]:
                if isinstance(node, ast.AST):
                    self.visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        self.in_order(node.value, node.targets)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name) and node.target.id not in self.makes:
            self.reads.add(node.target.id)
        self.in_order(node.value, node.target)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self.in_order(node.annotation, node.value, node.target)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self.in_order(node.value, node.target)

    def visit_For(self, node: ast.For) -> None:
        self.in_order(node.iter, node.target, node.body, node.orelse)

    def visit_Import(self, node: ast.Import | ast.ImportFrom) -> None:
        names = {alias.asname or alias.name.partition(".")[0] for alias in node.names}
        self.makes |= names
        self.fixed |= names

    visit_ImportFrom = visit_Import  # noqa: N815

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        self.in_order(node.type)
        self.within({node.name} if node.name else set(), node.body)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self.in_order(node.decorator_list, node.args.defaults, node.args.kw_defaults)
        self.makes.add(node.name)
        self.fixed.add(node.name)
        self.function(node.args, node.body)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self.in_order(node.args.defaults, node.args.kw_defaults)
        self.function(node.args, [node.body])

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.in_order(node.decorator_list, node.bases, node.keywords)
        self.within(set(), node.body)
        self.makes.add(node.name)

    def visit_ListComp(self, node: Any) -> None:
        results = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        first = node.generators[0]
        self.in_order(first.iter)
        parts: list[Any] = [first.target, first.ifs]
        for other in node.generators[1:]:
            parts += [other.iter, other.target, other.ifs]
        self.within(set(), *parts, results)

    visit_SetComp = visit_DictComp = visit_GeneratorExp = visit_ListComp  # noqa: N815

    def function(self, arguments: ast.arguments, body: list[Any]) -> None:
        inner = _Reading()
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        every += [a for a in (arguments.vararg, arguments.kwarg) if a is not None]
        inner.makes = {argument.arg for argument in every}
        inner.in_order(body)
        self.later |= (inner.reads | inner.later) - inner.makes

    def within(self, made: set[str], *parts: Any) -> None:
        """Visit code that has names of its own and runs at once."""
        before = set(self.makes)
        self.makes |= made
        self.in_order(*parts)
        self.makes = before


def _changed(tree: ast.Module, prints: bool) -> set[str]:
    """Return the names whose objects a statement changes, as far as its form tells."""
    found: set[str] = set()
    for node in ast.walk(tree):
        targets: Iterable[ast.AST] = ()
        if isinstance(node, ast.Assign | ast.Delete):
            targets = node.targets
        elif isinstance(node, ast.AugAssign):
            targets = [node.target]
            found |= _base(node.target)
        for target in targets:
            if isinstance(target, ast.Attribute | ast.Subscript):
                found |= _base(target)
        # A call for its effect: its value is thrown away, or kept as `_`.
        if isinstance(node, ast.Expr) and not prints:
            found |= _handed_over(node.value)
        if isinstance(node, ast.Assign) and any(_base(t) == {"_"} for t in node.targets):
            found |= _handed_over(node.value)
    return found


def _handed_over(node: ast.AST) -> set[str]:
    """Return the names that a call can change: what it is a method of, and its arguments."""
    if not isinstance(node, ast.Call) or ast.unparse(node.func) in ONLY_LOOK:
        return set()
    names = _base(node.func) if isinstance(node.func, ast.Attribute) else set()
    for argument in [*node.args, *(keyword.value for keyword in node.keywords)]:
        names |= {part.id for part in ast.walk(argument) if isinstance(part, ast.Name)}
    return names | _handed_over(getattr(node.func, "value", node.func))


def _base(node: ast.AST) -> set[str]:
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return {node.id} if isinstance(node, ast.Name) else set()


def needs(texts: list[str]) -> list[Need]:
    """Return for each block of a page what it takes from the blocks above it.

    The first block, with the imports, is needed by all and not named in `made_in`.
    """
    blocks = [analysed(text) for text in texts]
    fixed = set().union(*(block.fixed for block in blocks))

    def sources(name: str, before: int) -> list[int]:
        """Return the block that makes a name last, and those that change it between."""
        for number in range(before - 1, -1, -1):
            if name in blocks[number].makes:
                # What the first block makes is there for all, and no block may change it.
                keeps = name in fixed or number == 0
                between = () if keeps else range(number + 1, before)
                return [number, *(i for i in between if name in blocks[i].changes)]
        return []

    found = []
    for number, block in enumerate(blocks):
        made_in = {}
        taken: set[int] = {0} if number else set()
        waiting = []
        for name in sorted(block.reads):
            above = sources(name, number)
            waiting += above
            if above and above != [0]:
                made_in[name] = above[-1]
        while waiting:
            above_it = waiting.pop()
            if above_it in taken:
                continue
            taken.add(above_it)
            for name in blocks[above_it].reads:
                waiting += sources(name, above_it)
        found.append(Need(made_in, sorted(taken)))
    return found


# -- the page ------------------------------------------------------------------------------------


def _annotate(app: Sphinx, doctree: nodes.document) -> None:
    path = Path(app.env.doc2path(app.env.docname))
    if path.suffix == ".md":
        annotate(doctree, collected_in_order(path))
    else:
        say_that_a_script_is_one(doctree)


def annotate(doctree: nodes.document, texts: list[str]) -> None:
    """Give each of the blocks a name to link to, and put below it what it needs."""
    if len(texts) < 2:
        return
    by_text: dict[str, list[int]] = {}
    for number, text in enumerate(texts):
        by_text.setdefault(squeezed(text), []).append(number)
    found = needs(texts)
    for node in list(doctree.findall(nodes.literal_block)):
        numbers = by_text.get(squeezed(node.astext()))
        if not numbers or node.get("handbook_canonical"):
            continue
        number = numbers.pop(0)
        node["ids"].insert(0, f"block-{number + 1}")
        note = (
            _note(found[number]) if number else _below("Run this block first: the others need it.")
        )
        if note is not None:
            node.parent.insert(node.parent.index(node) + 1, note)


def say_that_a_script_is_one(doctree: nodes.document) -> None:
    """Tell on a page of the gallery that its blocks are the parts of one script."""
    blocks = [n for n in doctree.findall(nodes.literal_block) if n.get("language") == "Python"]
    if len(blocks) > 1:
        note = _below("This is one script in parts: each block goes on from those above it.")
        blocks[0].parent.insert(blocks[0].parent.index(blocks[0]) + 1, note)


def _below(text: str) -> nodes.paragraph:
    return nodes.paragraph("", text, classes=["copying"])


def _note(need: Need) -> nodes.paragraph | None:
    if not need.made_in:
        return None
    note = _below("Goes on from ")
    for position, (name, number) in enumerate(need.made_in.items()):
        if position:
            note += nodes.Text(", ")
        literal = nodes.literal(name, name)
        note += nodes.reference("", "", literal, internal=True, refid=f"block-{number + 1}")
    note += nodes.Text(" above. ")
    numbers = " ".join(str(number + 1) for number in need.blocks)
    button = f'<button class="copy-all" type="button" data-blocks="{numbers}">Copy all</button>'
    note += nodes.raw("", button, format="html")
    return note


_EXAMPLE = re.compile(r'<span class="gp">&gt;&gt;&gt;')
_GOES_ON = re.compile(r'<span class="gp">\.\.\.')
_TRACEBACK = re.compile(r'<span class="gt">')
_END = re.compile(r'<span class="gp">|.*</pre>')
_GAP = '<span hidden="">\n</span>'


def part_statements(body: str) -> str:
    """Make what a button copies from an example fit for Python's prompt.

    Slip a hidden blank line behind each statement of several lines, and mark all of a traceback as
    output, which is not copied.
    """
    parted = []
    before = ""
    in_traceback = False
    for line in body.split("\n"):
        in_traceback = bool(_TRACEBACK.match(line) or (in_traceback and not _END.match(line)))
        if in_traceback:
            parted.append(f'<span class="go">{line}</span>')
        else:
            parted.append(_GAP + line if _GOES_ON.match(before) and _EXAMPLE.match(line) else line)
        before = line
    return "\n".join(parted)


def name_definitions(app: Sphinx, doctree: nodes.document) -> None:
    """Give each definition that is shown with imports of its own a name to find it by."""
    shown = (n for n in doctree.findall(nodes.literal_block) if n.get("handbook_imports"))
    for number, node in enumerate(shown, start=1):
        node["ids"].append(f"definition-{number}")


def with_imports(body: str, imports: dict[str, str]) -> str:
    """Put the imports of a definition, hidden, where its copy begins."""
    for name, lines in imports.items():
        start = body.index(f'id="{name}"')
        start = body.index("<pre>", start) + len("<pre>")
        body = f'{body[:start]}<span hidden="">{escape(lines)}\n\n</span>{body[start:]}'
    return body


def _part(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    if app.builder.name != "epub" and "body" in context:
        body = part_statements(context["body"])
        shown = doctree.findall(nodes.literal_block) if doctree else []
        imports = {n["ids"][-1]: n["handbook_imports"] for n in shown if n.get("handbook_imports")}
        context["body"] = with_imports(body, imports)


def setup(app: Sphinx) -> ExtensionMetadata:
    app.connect("doctree-read", name_definitions)
    app.connect("doctree-read", _annotate, priority=200)  # behind runnable's check
    app.connect("html-page-context", _part)
    app.add_js_file("copying.js", loading_method="defer")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
