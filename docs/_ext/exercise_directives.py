"""The directives ``exercise`` and ``solution``, and the downloads in the built site.

The half of ``exercises.py`` that needs Sphinx.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any, ClassVar

import concepts
import learning_map
from boxes import box, builder_of, make_box
from canonical import UnknownNameError, imports_of, source_of
from docutils import nodes
from docutils.parsers.rst import directives
from exercises import (
    ARCHIVE,
    LIKE_A_MARKER,
    ExerciseFileError,
    archive_of,
    exercise_files,
    marked_parts,
    part_of,
    take_out,
    without_solutions,
    write_atomically,
    write_downloads,
)
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective
from sphinx.util.osutil import relative_uri

logger = logging.getLogger(__name__)

PACKAGE = Path(__file__).parents[2] / "handbook"

KINDS = ("compute", "code", "explain", "break")
FOLDER = "exercises"  # in the built site


class solution(nodes.General, nodes.Element):  # noqa: N801  # docutils names nodes so
    """What is folded away until the reader asks for it."""


class stub_link(nodes.Inline, nodes.TextElement):  # noqa: N801
    """A link to the reader's download."""


def visit_solution(self: Any, node: solution) -> None:
    """Open the folded part."""
    self.body.append(self.starttag(node, "details", CLASS="solution"))
    self.body.append(f"<summary>{self.encode(node['label'])}</summary>\n")
    self.body.append('<div class="solution-content">\n')


def depart_solution(self: Any, node: solution) -> None:
    """Close the folded part."""
    self.body.append("</div>\n</details>\n")


def visit_stub_link(self: Any, node: stub_link) -> None:
    """Open the link; a book that is one file has no downloads beside it, and gets none."""
    if self.builder.name == "epub":
        self.body.append("<span>")
        self.context.append("</span>")
        return
    docname = self.builder.current_docname
    here = "" if self.builder.name == "singlehtml" else self.builder.get_target_uri(docname)
    target = self.attval(relative_uri(here, f"{FOLDER}/{node['stub']}"))
    name = self.attval(node["stub"].rpartition("/")[2])
    self.body.append(f'<a class="reference download internal" href="{target}" download="{name}">')
    self.context.append("</a>")


def depart_stub_link(self: Any, node: stub_link) -> None:
    """Close the link."""
    self.body.append(self.context.pop())


class PlainExercises(SphinxPostTransform):
    """Write solutions and links plainly for every builder but HTML."""

    default_priority = 690  # before the boxes around them

    def run(self, **kwargs: Any) -> None:
        if builder_of(self.env).format == "html" or builder_of(self.env).name == "gettext":
            return
        for node in list(self.document.findall(solution)):
            label = nodes.paragraph("", "", nodes.strong("", node["label"]))
            node.replace_self([label, *node.children])
        for link in list(self.document.findall(stub_link)):
            link.replace_self(link.children)


class Exercise(SphinxDirective):
    """``{exercise} Title`` with a nested ``{solution}``."""

    required_arguments = 1
    final_argument_whitespace = True
    has_content = True
    option_spec: ClassVar[dict[str, Any]] = {
        "kind": directives.unchanged,
        "file": directives.unchanged,
        "object": directives.unchanged,
        "name": directives.unchanged_required,
    }

    def warn(self, message: str) -> None:
        title = " ".join(self.arguments[0].split())
        logger.warning(
            "exercise %r %s",
            title,
            message,
            location=self.get_location(),
            type="handbook",
            subtype="exercise",
        )

    def run(self) -> list[nodes.Node]:
        number = self.env.new_serialno("exercise") + 1
        kind = (self.options.get("kind") or "").strip()
        if kind not in KINDS:
            self.warn(f"needs a :kind:, one of {', '.join(KINDS)}; got {kind!r}")
            return []
        node, messages = make_box(
            self,
            classes=["exercise", f"exercise-{kind}"],
            label=f"Exercise {number} ({kind})",
            title=self.arguments[0],
        )
        node += self.parse_content_to_nodes()
        prose = list(node.findall(solution))
        if len(prose) > 1:
            self.warn("has more than one solution")
            return []
        folded = prose[0] if prose else solution()
        if prose:
            folded.parent.remove(folded)
        folded["label"] = f"Solution to exercise {number}"
        folded["inside"] = True
        self.set_source_info(folded)

        file, name = ((self.options.get(key) or "").strip() for key in ("file", "object"))
        if bool(file) != bool(name) or (kind == "code" and not file):
            self.warn("needs both :file: and :object:, the solution file and the name in it")
            return []
        if file:
            shown = self.from_file(file, name)
            if shown is None:
                return []
            instruction, code = shown
            node += instruction
            folded.insert(0, code)
        elif not prose:
            self.warn("has no solution")
            return []
        if not folded.children:
            self.warn("has an empty solution")
            return []
        node += folded
        return [node, *messages]

    def from_file(self, file: str, name: str) -> tuple[list[nodes.Node], nodes.Element] | None:
        """Return how to get and check the download, and the source of the solution."""
        relative, absolute = self.env.relfn2path(file)
        self.env.note_dependency(relative)
        path = Path(absolute)
        if not path.is_file():
            self.warn(f"names the file {relative!r}, which does not exist")
            return None
        if path not in exercise_files(Path(self.env.srcdir)):
            self.warn(f"names {relative!r}; it must be exercises/exercise_….py in a part's folder")
            return None
        source = path.read_text(encoding="utf-8")
        try:
            without_solutions(source, relative)
            text = source_of(source, name)
        except (ExerciseFileError, UnknownNameError) as error:
            self.warn(f"cannot show {name!r} of {relative}: {error}")
            return None
        lines = text.splitlines()
        code = [line for line in lines if not LIKE_A_MARKER.match(line.lstrip())]
        # The markers stand inside a function, but around an assignment.
        if len(code) == len(lines) and not self.is_marked_around(source, name):
            self.warn(f"shows {name!r} of {relative}, of which no part is marked as solution")
            return None
        block = nodes.literal_block("\n".join(code), "\n".join(code), language="python")
        block["handbook_canonical"] = True  # the exercise file tests this code
        block["handbook_imports"] = imports_of(source, "", "\n".join(code))
        self.set_source_info(block)

        stub = f"{part_of(path, Path(self.env.srcdir))}/{path.name}".lstrip("/")
        link = stub_link("", "", nodes.literal(path.name, path.name), stub=stub)
        instruction = nodes.paragraph(
            "",
            "",
            nodes.Text("Download "),
            link,
            nodes.Text(", write "),
            nodes.literal(name, name),
            nodes.Text(" and check it, either way:"),
        )
        self.set_source_info(instruction)
        commands = f"python {path.name}\npytest {path.name}"
        check = nodes.literal_block(commands, commands, language="none")
        self.set_source_info(check)
        return [instruction, check], block

    @staticmethod
    def is_marked_around(source: str, name: str) -> bool:
        wanted = source_of(source, name).strip()
        lines = source.splitlines()
        return any(
            wanted in "\n".join(lines[part.begin : part.end - 1])
            for part in marked_parts(source, "")
        )


class Solution(SphinxDirective):
    """``{solution}``, inside an exercise."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        self.assert_has_content()
        node = solution()
        self.set_source_info(node)
        node += self.parse_content_to_nodes()
        return [node]


class ExerciseList(SphinxDirective):
    """``{exercise-list}``: every exercise, chapter by chapter, with what there is to download."""

    def run(self) -> list[nodes.Node]:
        table = concepts.load()
        self.env.note_dependency(str(concepts.TABLE))
        everything = download_link(ARCHIVE, "all exercises as one archive")
        found: list[nodes.Node] = [nodes.paragraph("", "", nodes.Text("Download "), everything)]
        found[0] += nodes.Text(": one folder, with a folder for each part of the book.")
        for chapter in learning_map.chapters(table):
            source = Path(self.env.doc2path(chapter.page))
            if not source.is_file():
                continue  # a build of one concept has no other chapter
            self.env.note_dependency(str(source))
            heading = nodes.paragraph("", "", chapter_link(self.env.docname, chapter.page))
            items = nodes.bullet_list(classes=["simple"])
            for title, kind in HEADS.findall(source.read_text(encoding="utf-8")):
                line = nodes.paragraph("", "", nodes.Text(f"{title.strip()} ("))
                line += [nodes.emphasis("", kind), nodes.Text(")")]
                items += nodes.list_item("", line)
            files = {file for concept in chapter.concepts for file in concept.exercises}
            for file in sorted(files):
                path = Path(self.env.srcdir) / file
                stub = f"{part_of(path, Path(self.env.srcdir))}/{path.name}"
                heading += [nodes.Text(" · "), download_link(stub, path.name)]
            found += [heading, items]
        return found


HEADS = re.compile(r"^:{3,}\{exercise\} (.+)\n:kind: (\w+)$", re.MULTILINE)


def download_link(stub: str, text: str) -> stub_link:
    """Return a link to a file in the folder of downloads."""
    return stub_link("", "", nodes.inline("", text), stub=stub)


def chapter_link(here: str, page: str) -> nodes.Node:
    """Return a link to a chapter under its own title."""
    return addnodes.pending_xref(
        "", nodes.strong("", page), refdomain="std", reftype="doc", reftarget=f"/{page}",
        refdoc=here, refexplicit=False, refwarn=True,
    )  # fmt: skip


def check_solutions(app: Sphinx, doctree: nodes.document) -> None:
    """Warn about a solution that stands outside an exercise."""
    for node in doctree.findall(solution):
        if not (node.get("inside") and isinstance(node.parent, box)):
            logger.warning(
                "a solution must stand inside an exercise",
                location=node,
                type="handbook",
                subtype="exercise",
            )
            node["label"] = "Solution"


class KeptStubs:
    """The downloads of the last build: to copy in what 51 files import takes seconds."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.old = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        self.new: dict[str, str] = {}
        here = Path(__file__).parent
        code = [*here.glob("*.py"), *here.glob("inliner/*.py"), *PACKAGE.glob("*.py")]
        self.common = b"".join(hashlib.sha256(file.read_bytes()).digest() for file in sorted(code))

    def take_out(self, path: Path) -> str:
        """Return the download of a file, from the last build where nothing has changed."""
        source = path.read_bytes()
        key = hashlib.sha256(self.common + str(path).encode() + b"\0" + source).hexdigest()
        if key not in self.old:
            self.old[key] = take_out(source.decode("utf-8"), path)
        self.new[key] = self.old[key]
        return self.new[key]

    def keep(self) -> None:
        """Write down those of this build, and no others."""
        write_atomically(self.path, json.dumps(self.new))


def write_stubs(app: Sphinx, exception: Exception | None) -> None:
    """Write every download into the built site."""
    if exception is not None or app.builder.name not in ("html", "dirhtml", "singlehtml"):
        return
    docs = Path(app.srcdir)
    stubs, errors = {}, []
    kept = KeptStubs(Path(app.doctreedir) / "exercise_downloads.json")
    for path in exercise_files(docs):
        try:
            text = kept.take_out(path)
        except Exception as error:  # whatever is wrong with one, the others are told as well
            errors.append(str(error))
        else:
            stubs[f"{part_of(path, docs)}/{path.name}".lstrip("/")] = text
    kept.keep()
    for error in errors:
        logger.warning(
            "an exercise download cannot be made: %s", error, type="handbook", subtype="exercise"
        )
        app.statuscode = 1  # with or without -W
    if stubs:
        write_atomically(Path(app.outdir) / FOLDER / ARCHIVE, archive_of(stubs))
    for message in write_downloads(stubs, Path(app.outdir) / FOLDER):
        logger.info("exercises: %s", message)


def setup(app: Sphinx) -> dict[str, Any]:
    app.setup_extension("boxes")
    app.add_node(solution, html=(visit_solution, depart_solution))
    app.add_node(stub_link, html=(visit_stub_link, depart_stub_link))
    app.add_directive("exercise", Exercise)
    app.add_directive("solution", Solution)
    app.add_directive("exercise-list", ExerciseList)
    app.add_post_transform(PlainExercises)
    app.connect("doctree-read", check_solutions)
    app.connect("build-finished", write_stubs)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
