"""Boxes that have a fixed form: pitfalls and corrections, and the pages that collect them.

A *pitfall* is wrong code with its measured symptom, its cause and its remedy. A *correction* is a
loose statement that is often written, with what is true and the executed evidence. Both take their
parts as options, so that none can be forgotten, and hold the evidence as their content.
``{pitfall-list}`` and ``{correction-list}`` show all of them, from every chapter, in one place.

In HTML a box is a ``<div>`` whose title is a real heading, one level below the section that it
stands in; it never appears in the table of contents. Other builders get an admonition.
"""

from __future__ import annotations

from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.errors import NoUri
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

logger = logging.getLogger(__name__)

DEEPEST_HEADING = 6


class box(nodes.General, nodes.Element):  # noqa: N801  # docutils names nodes so
    """A titled box; its first child is a :class:`box_title`."""


class box_title(nodes.Part, nodes.TextElement):  # noqa: N801
    """The heading of a box. Not a ``nodes.title``: those belong to sections."""


class box_list(nodes.General, nodes.Element):  # noqa: N801
    """Where every box of one kind is listed; filled in after all pages are read."""


def heading_level(node: nodes.Node) -> int:
    """Return the level of a heading inside ``node``'s section: one deeper than its own."""
    level = 1
    while node.parent is not None:
        node = node.parent
        level += isinstance(node, nodes.section | box)
    return min(level, DEEPEST_HEADING)


def visit_box(self: Any, node: box) -> None:
    """Open the box."""
    self.body.append(self.starttag(node, "div", CLASS="box"))


def depart_box(self: Any, node: box) -> None:
    """Close the box."""
    self.body.append("</div>\n")


def visit_box_title(self: Any, node: box_title) -> None:
    """Open the heading, its kind first: "Pitfall", "Exercise 2 (code)"."""
    tag = f"h{heading_level(node.parent)}"
    self.body.append(self.starttag(node, tag, "", CLASS="box-title"))
    # The separator is for ears and for copied text; sight has the label's own line.
    label = self.encode(node["label"])
    self.body.append(
        f'<span class="box-label">{label}<span class="visually-hidden">: </span></span>'
    )
    self.body.append('<span class="box-name">')
    self.context.append(tag)


def depart_box_title(self: Any, node: box_title) -> None:
    """Close the heading, with a link to the box itself."""
    self.body.append("</span>")
    self.add_permalink_ref(node.parent, "Link to this box")
    self.body.append(f"</{self.context.pop()}>\n")


def builder_of(env: BuildEnvironment) -> Any:
    """Return the builder at work.

    Sphinx 9 deprecates ``app`` on transforms and leaves them no other public way to it; this is
    the one that its own transforms use.
    """
    return env._app.builder


class PlainBoxes(SphinxPostTransform):
    """Turn boxes into admonitions, which every builder knows; HTML writes them itself.

    Nothing is turned for translators: they get the words as they stand in the source.
    """

    default_priority = 700

    def run(self, **kwargs: Any) -> None:
        if builder_of(self.env).format == "html" or builder_of(self.env).name == "gettext":
            return
        for node in list(self.document.findall(box)):
            plain = nodes.admonition("", classes=node["classes"], ids=node["ids"])
            head, *content = node.children
            title = nodes.title("", "", nodes.Text(f"{head['label']}: "), *head.children)
            plain += [title, *content]
            node.replace_self(plain)


def make_box(
    directive: SphinxDirective, *, classes: list[str], label: str, title: str
) -> tuple[box, list[nodes.system_message]]:
    """Return a box with its title and a stable id made from the title (or the ``name`` option)."""
    title_nodes, messages = directive.parse_inline(title, lineno=directive.lineno)
    head = box_title(title, "", *title_nodes, label=label)
    directive.set_source_info(head)
    node = box("", head, classes=["box", *classes])
    directive.set_source_info(node)
    document = directive.state.document
    name = nodes.fully_normalize_name(directive.options.get("name", ""))
    wanted = nodes.make_id(name or f"{classes[0]} {head.astext()}") or classes[0]
    identifier, count = wanted, 1
    while identifier in document.ids:
        count += 1
        identifier = f"{wanted}-{count}"
    node["ids"].append(identifier)
    document.ids[identifier] = node
    if name:
        directive.env.domains.standard_domain.note_hyperlink_target(
            name, directive.env.docname, identifier, head.astext()
        )
    return node, messages


def described(label: str, paragraph: nodes.paragraph) -> nodes.definition_list_item:
    """Return one entry of a definition list."""
    return nodes.definition_list_item("", nodes.term(label, label), nodes.definition("", paragraph))


class Box(SphinxDirective):
    """What pitfalls and corrections share."""

    kind: ClassVar[str]
    label: ClassVar[str]
    parts: ClassVar[dict[str, str]]  # option -> label; lists are sorted by the first
    required_arguments = 1
    final_argument_whitespace = True
    has_content = True

    def __init_subclass__(cls) -> None:
        cls.option_spec = {
            **dict.fromkeys(cls.parts, directives.unchanged),
            "name": directives.unchanged_required,
        }

    def run(self) -> list[nodes.Node]:
        title = " ".join(self.arguments[0].split())
        missing = [f":{part}:" for part in self.parts if not (self.options.get(part) or "").strip()]
        if not self.content:
            missing.append("the evidence as its content")
        if missing:
            logger.warning(
                "%s %r needs %s",
                self.kind,
                title,
                " and ".join(missing),
                location=self.get_location(),
                type="handbook",
                subtype=self.kind,
            )
            return []
        node, messages = make_box(self, classes=[self.kind], label=self.label, title=title)
        node["kind"] = self.kind
        parts = nodes.definition_list(classes=["box-parts", f"{self.kind}-parts"])
        for part, label in self.parts.items():
            text = " ".join(self.options[part].split())
            content, more = self.parse_inline(text, lineno=self.lineno)
            messages += more
            paragraph = nodes.paragraph(text, "", *content)
            self.set_source_info(paragraph)
            parts += described(label, paragraph)
        node += [parts, *self.parse_content_to_nodes()]
        return [node, *messages]


class Pitfall(Box):
    """``{pitfall} Title`` with the options symptom, cause and remedy."""

    kind = "pitfall"
    label = "Pitfall"
    parts: ClassVar = {"symptom": "Symptom", "cause": "Cause", "remedy": "Remedy"}


class Correction(Box):
    """``{correction} Title`` with the options often and true."""

    kind = "correction"
    label = "Correction"
    parts: ClassVar = {"often": "Often written", "true": "What is true"}


KINDS: dict[str, type[Box]] = {cls.kind: cls for cls in (Pitfall, Correction)}


class BoxList(SphinxDirective):
    """``{pitfall-list}`` or ``{correction-list}``: every box of that kind, from every page."""

    def run(self) -> list[nodes.Node]:
        node = box_list(kind=self.name.removesuffix("-list"))
        self.set_source_info(node)
        list_pages(self.env).add(self.env.docname)
        return [node]


def collected(env: BuildEnvironment) -> dict[str, list[dict[str, Any]]]:
    """Return the boxes of every page, kept in the environment between builds."""
    if not hasattr(env, "handbook_boxes"):
        env.handbook_boxes = {}  # type: ignore[attr-defined]
    return env.handbook_boxes  # type: ignore[attr-defined,no-any-return]


def list_pages(env: BuildEnvironment) -> set[str]:
    """Return the pages that hold a list."""
    if not hasattr(env, "handbook_box_lists"):
        env.handbook_box_lists = set()  # type: ignore[attr-defined]
    return env.handbook_box_lists  # type: ignore[attr-defined,no-any-return]


def collect(app: Sphinx, doctree: nodes.document) -> None:
    """Note the boxes of a page, in the words that it shows: after any translation."""
    page = [
        {
            "kind": node["kind"],
            "id": node["ids"][0],
            "title": [child.deepcopy() for child in node[0].children],
            "parts": [
                [child.deepcopy() for child in item[1][0].children] for item in node[1].children
            ],
            "sorted_by": node[1][0][1].astext().casefold(),
        }
        for node in doctree.findall(box)
        if "kind" in node
    ]
    if page:
        collected(app.env)[app.env.docname] = page


def purge(app: Sphinx, env: BuildEnvironment, docname: str) -> None:
    """Forget a page before it is read again, or when it is gone."""
    collected(env).pop(docname, None)
    list_pages(env).discard(docname)


def merge(app: Sphinx, env: BuildEnvironment, docnames: set[str], other: BuildEnvironment) -> None:
    """Take over what a parallel reader found on its pages."""
    for docname in docnames:
        if docname in collected(other):
            collected(env)[docname] = collected(other)[docname]
    list_pages(env).update(list_pages(other) & set(docnames))


def note_changes(
    app: Sphinx, env: BuildEnvironment, added: set[str], changed: set[str], removed: set[str]
) -> list[str]:
    """Remember whether any page was read again or removed."""
    env.handbook_pages_changed = bool(added or changed or removed)  # type: ignore[attr-defined]
    return []


def rewrite_lists(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Have the lists written again when any page changed: its boxes or its title may have."""
    changed = getattr(env, "handbook_pages_changed", True)
    return sorted(list_pages(env)) if changed else []


class FillLists(SphinxPostTransform):
    """Fill the lists; before references are resolved, since the collected texts hold some."""

    default_priority = 5

    def run(self, **kwargs: Any) -> None:
        for placeholder in list(self.document.findall(box_list)):
            kind = placeholder["kind"]
            entries = [
                (docname, entry)
                for docname, page in collected(self.env).items()
                for entry in page
                if entry["kind"] == kind
            ]
            entries.sort(key=lambda item: (item[1]["sorted_by"], item[0], item[1]["id"]))
            if not entries:
                placeholder.replace_self(
                    nodes.paragraph("", f"No {kind} is recorded in these chapters.")
                )
                continue
            result = nodes.bullet_list(classes=["box-list", f"{kind}-list"], bullet="-")
            for docname, entry in entries:
                result += self._item(KINDS[kind], docname, entry)
            placeholder.replace_self(result)

    def _item(self, cls: type[Box], docname: str, entry: dict[str, Any]) -> nodes.list_item:
        chapter = self.env.titles[docname].astext() if docname in self.env.titles else docname
        place = nodes.paragraph("", "", self._link(docname, entry), nodes.Text(f" in {chapter}"))
        parts = nodes.definition_list(classes=["box-parts", f"{cls.kind}-parts"])
        for label, content in zip(cls.parts.values(), entry["parts"], strict=True):
            moved = (self._moved(child, docname) for child in content)
            parts += described(label, nodes.paragraph("", "", *moved))
        parts += described("Evidence", place)
        return nodes.list_item("", parts, classes=["box-card"])

    def _link(self, docname: str, entry: dict[str, Any]) -> nodes.Node:
        children = [part for child in entry["title"] for part in _without_links(child)]
        here = self.env.current_document.docname
        if docname == here:
            return nodes.reference("", "", *children, internal=True, refid=entry["id"])
        try:
            uri = builder_of(self.env).get_relative_uri(here, docname)
        except NoUri:  # the page is not part of this book
            return nodes.inline("", "", *children)
        return nodes.reference("", "", *children, internal=True, refuri=f"{uri}#{entry['id']}")

    def _moved(self, child: nodes.Node, docname: str) -> nodes.Node:
        """Copy a node to this page: references in it start from here now."""
        copied = child.deepcopy()
        for node in copied.findall(nodes.Element):
            if "refdoc" in node:
                if node.get("reftype") == "doc" and not node["reftarget"].startswith("/"):
                    folder = docname.rpartition("/")[0]
                    node["reftarget"] = "/" + _joined(folder, node["reftarget"])
                node["refdoc"] = self.env.current_document.docname
            node["ids"] = []
        return copied


def _joined(folder: str, target: str) -> str:
    parts: list[str] = folder.split("/") if folder else []
    for part in target.split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def _without_links(node: nodes.Node) -> list[nodes.Node]:
    """Copy a node without references in it: the whole will be a link, and links do not nest."""
    if isinstance(node, nodes.Text):
        return [nodes.Text(node.astext())]
    assert isinstance(node, nodes.Element)
    inner = [part for child in node.children for part in _without_links(child)]
    if isinstance(node, nodes.reference) or "refdoc" in node:
        return inner
    copied = node.copy()
    copied["ids"] = []
    copied += inner
    return [copied]


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_node(box, html=(visit_box, depart_box))
    app.add_node(box_title, html=(visit_box_title, depart_box_title))
    app.add_node(box_list)
    for kind, cls in KINDS.items():
        app.add_directive(kind, cls)
        app.add_directive(f"{kind}-list", BoxList)
    app.add_post_transform(FillLists)
    app.add_post_transform(PlainBoxes)
    app.connect("env-get-outdated", note_changes)
    app.connect("doctree-read", collect)
    app.connect("env-purge-doc", purge)
    app.connect("env-merge-info", merge)
    app.connect("env-updated", rewrite_lists)
    app.add_css_file("boxes.css")
    return {
        "version": "1",
        "env_version": 1,
        "parallel_read_safe": True,
        "parallel_write_safe": True,
    }
