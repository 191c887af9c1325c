"""Exercise files: the reader's download is the tested solution with the marked parts taken out.

A solution file marks what the reader is to write::

    def double(x):
        # solution: begin
        return 2 * x
        # solution: end

:func:`take_out` replaces what stands between the markers. Inside a function that becomes
``raise NotImplementedError("write your solution here")``; elsewhere only assignments may be marked,
and each name assigned becomes ``name = None  # your answer here``. It also copies in what the file
imports from ``handbook``, so that the download runs alone.

As a program::

    python docs/_ext/exercises.py list
    python docs/_ext/exercises.py get activations [FOLDER]

As a Sphinx extension it adds the directives ``exercise`` and ``solution`` and writes the downloads
into the built site. A file there that a reader has changed is never overwritten.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import hashlib
import io
import json
import os
import re
import sys
import tokenize
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parents[2]
BEGIN, END = "# solution: begin", "# solution: end"
# Any comment that looks like a marker must be one, or a misspelt marker gives a solution away.
LIKE_A_MARKER = re.compile(r"#\s*solution\b\s*:?\s*(begin|end|start|stop)\b|#\s*solution\s*:", re.I)
STUB = 'raise NotImplementedError("write your solution here")'
ANSWER = "None  # your answer here"
MANIFEST = "manifest.json"
ARCHIVE = "torch-handbook-exercises.zip"
CHECKER = "handbook.exercises"
CHECKER_HEADING = """\
# ----------------------------------------------------------------------------------------------
# From here on: what checks your answers. You need not read it.
# ----------------------------------------------------------------------------------------------
"""


class ExerciseFileError(ValueError):
    """A solution file from which no download can be made; the message names file and line."""

    def __init__(self, path: Path | str, line: int, message: str) -> None:
        super().__init__(f"{path}:{line}: {message}")


class Marked(NamedTuple):
    """The lines from one begin marker to its end marker, both included, counted from one."""

    begin: int
    end: int
    indent: str


def marked_parts(source: str, path: Path | str) -> list[Marked]:
    """Find the marked parts; raise for a marker that is unbalanced, nested, misspelt or empty.

    ``source`` must be Python.
    """
    parts: list[Marked] = []
    opened: tuple[int, str] | None = None
    content = 0
    layout = {tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.COMMENT}
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        line = token.start[0]
        if token.type not in layout:
            content += 1
        if token.type != tokenize.COMMENT or not LIKE_A_MARKER.match(token.string):
            continue
        indent = token.line[: token.start[1]]
        marker = token.string.rstrip()
        if marker not in (BEGIN, END):
            raise ExerciseFileError(path, line, f"{marker!r} must be {BEGIN!r} or {END!r}")
        if indent.strip():
            raise ExerciseFileError(path, line, f"{marker!r} must stand on a line of its own")
        if marker == BEGIN:
            if opened is not None:
                raise ExerciseFileError(
                    path, line, f"{BEGIN!r} inside the part that begins on line {opened[0]}"
                )
            opened, content = (line, indent), 0
            continue
        if opened is None:
            raise ExerciseFileError(path, line, f"{END!r} without {BEGIN!r}")
        if indent != opened[1]:
            raise ExerciseFileError(
                path, line, f"{END!r} must be indented like its begin on line {opened[0]}"
            )
        if content == 0:
            raise ExerciseFileError(path, opened[0], "the marked part is empty")
        parts.append(Marked(opened[0], line, indent))
        opened = None
    if opened is not None:
        raise ExerciseFileError(path, opened[0], f"{BEGIN!r} without {END!r}")
    if not parts:
        raise ExerciseFileError(path, 1, f"no part is marked with {BEGIN!r}")
    return parts


def _replacement(tree: ast.Module, part: Marked, path: Path | str) -> list[str]:
    """Return the lines that stand in place of a marked part."""
    inside = False
    statements: list[ast.stmt] = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.stmt):
            continue
        first, last = node.lineno, node.end_lineno or node.lineno
        if part.begin < first and last < part.end:
            statements.append(node)
        elif first < part.begin < last and hasattr(node, "body"):
            inside = inside or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        elif first < part.end and part.begin < last:
            raise ExerciseFileError(
                path, part.begin, f"the marked part cuts through the statement on line {first}"
            )
    column = min((statement.col_offset for statement in statements), default=-1)
    if column != len(part.indent):
        raise ExerciseFileError(path, part.begin, f"{BEGIN!r} must be indented like its code")
    if inside:
        return [part.indent + STUB]
    names: list[str] = []
    for statement in statements:
        targets = statement.targets if isinstance(statement, ast.Assign) else []
        if isinstance(statement, ast.AnnAssign):
            targets = [statement.target]
        flat = [t for target in targets for t in (getattr(target, "elts", None) or [target])]
        if not flat or not all(isinstance(target, ast.Name) for target in flat):
            raise ExerciseFileError(
                path,
                statement.lineno,
                "outside a function only assignments to names can be taken out",
            )
        names += [target.id for target in flat if isinstance(target, ast.Name)]
    return [f"{part.indent}{name} = {ANSWER}" for name in dict.fromkeys(names)]


def without_solutions(source: str, path: Path | str) -> str:
    """Return the solution file with the marked parts taken out; raise if the markers are wrong."""
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        message = f"this is not Python: {error.msg}"
        raise ExerciseFileError(path, error.lineno or 1, message) from error
    parts = marked_parts(source, path)
    lines = source.rstrip().split("\n")
    for part in reversed(parts):
        lines[part.begin - 1 : part.end] = _replacement(tree, part, path)
    for number, line in enumerate(lines, start=1):
        if LIKE_A_MARKER.search(line):
            raise ExerciseFileError(path, number, "a marker is left: is it inside a string?")
    stub = "\n".join(lines) + "\n"
    try:
        ast.parse(stub)
    except SyntaxError as error:
        raise ExerciseFileError(
            path, error.lineno or 1, f"without the marked parts this is not Python: {error.msg}"
        ) from error
    return stub


def take_out(source: str, path: Path | str) -> str:
    """Return the reader's download: the marked parts taken out, the ``handbook`` imports inlined.

    ``path`` is the solution file; messages name it, and the download takes its name. Raise
    :class:`ExerciseFileError` where the markers are wrong.
    """
    stub = without_solutions(source, path)
    if any(module.split(".")[0] == "handbook" for module in _imported_modules(stub)):
        from inliner import inline

        stub = inline(_checker_last(stub), path=Path(path), package_root=ROOT / "handbook")
    name = Path(path).name
    note = (
        "# Write your answers where it says so below. Then check them, either way:\n"
        f"#     python {name}\n"
        f"#     pytest {name}\n\n"
    )
    stub = note + stub
    compile(stub, name, "exec", dont_inherit=True)
    return stub


def _imported_modules(source: str) -> Iterator[str]:
    for node in ast.parse(source).body:
        if isinstance(node, ast.ImportFrom):
            yield node.module or ""
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def _checker_last(source: str) -> str:
    """Move the import of the checking code to the end, so that the exercise comes first.

    Tests use it when they run, which is after the whole file is read. It stays where it is when
    the file ends without the ``if __name__ == "__main__":`` before which it belongs.
    """
    tree = ast.parse(source)
    imports = [n for n in tree.body if isinstance(n, ast.ImportFrom) and n.module == CHECKER]
    last = tree.body[-1]
    if not imports or not isinstance(last, ast.If):
        return source
    lines = source.rstrip().split("\n")
    moved: list[str] = []
    for node in imports:
        moved += lines[node.lineno - 1 : node.end_lineno]
    gone = {n for node in imports for n in range(node.lineno, (node.end_lineno or 0) + 1)}
    for node in imports:  # and the blank lines before it
        before = node.lineno - 1
        while before and not lines[before - 1].strip():
            gone.add(before)
            before -= 1
    kept = [line for number, line in enumerate(lines[: last.lineno - 1], 1) if number not in gone]
    heading = CHECKER_HEADING.splitlines()
    return "\n".join([*kept, *heading, *moved, "", "", *lines[last.lineno - 1 :]]) + "\n"


# --- files -------------------------------------------------------------------------------------


def part_of(path: Path, docs: Path) -> str:
    """Return the part that an exercise file belongs to: its folder, without ``exercises``."""
    folders = path.relative_to(docs).parts[:-1]
    return "/".join(folder for folder in folders if folder != "exercises")


def exercise_files(docs: Path) -> list[Path]:
    """Return every solution file under ``docs``."""
    return sorted(docs.glob("**/exercises/exercise_*.py"))


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a file so that whoever looks sees the old one or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    data = content.encode("utf-8") if isinstance(content, str) else content
    try:
        temporary.write_bytes(data)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def write_downloads(stubs: dict[str, str], folder: Path) -> list[str]:
    """Write the downloads into ``folder`` and return what there is to tell.

    ``stubs`` maps a path inside the folder to its text. The manifest there holds the digest of
    what the last build wrote. A file that differs from it was changed by its reader: it stays, and
    the new text goes beside it as ``exercise_x.new.py``. Without a manifest, every file counts as
    its reader's.
    """
    manifest_path = folder / MANIFEST
    try:
        written = json.loads(manifest_path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        written = {}
    if not isinstance(written, dict):
        written = {}
    messages, current = [], {}

    def is_ours(relative: str) -> bool:
        path = folder / relative
        return not path.exists() or _digest(path.read_bytes()) == written.get(relative)

    for relative, text in stubs.items():
        data = text.encode("utf-8")
        target, count = relative, 1
        stem = relative.removesuffix(".py")
        while not is_ours(target) and (folder / target).read_bytes() != data:
            target = f"{stem}.new{count if count > 1 else ''}.py"
            count += 1
        if not (folder / target).exists() or (folder / target).read_bytes() != data:
            write_atomically(folder / target, text)
        current[target] = _digest(data)
        if target != relative:
            current |= {relative: written[relative]} if relative in written else {}
            messages.append(
                f"{folder / relative} was changed by hand and is kept; "
                f"the new one is {Path(target).name}"
            )
    for relative in written.keys() - current.keys():  # written once, wanted no more
        if is_ours(relative):
            (folder / relative).unlink(missing_ok=True)
        else:
            current[relative] = written[relative]
    text = json.dumps(current, indent=1, sort_keys=True) + "\n"
    if stubs or manifest_path.exists():
        write_atomically(manifest_path, text)
    return messages


def archive_of(stubs: dict[str, str]) -> bytes:
    """Return all downloads as one ZIP file; the same downloads give the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for relative, text in sorted(stubs.items()):
            entry = zipfile.ZipInfo(f"{ARCHIVE.removesuffix('.zip')}/{relative}")  # dated 1980
            entry.external_attr = 0o644 << 16  # else nobody may read what is unpacked
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, text)
    return buffer.getvalue()


# --- program -----------------------------------------------------------------------------------


def _summary(path: Path) -> str:
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return docstring.partition("\n")[0]


def find_exercise(wanted: str, docs: Path) -> Path:
    """Return the solution file of a name such as ``activations``; raise LookupError."""
    files = exercise_files(docs)
    plain = wanted.replace("\\", "/").removesuffix(".py")
    folder, _, stem = plain.rpartition("/")
    stem = stem.removeprefix("exercise_")
    found = [
        path
        for path in files
        if path.stem == f"exercise_{stem}" and folder in ("", part_of(path, docs))
    ]
    if len(found) == 1:
        return found[0]
    if found:
        places = ", ".join(f"{part_of(path, docs)}/{stem}" for path in found)
        raise LookupError(f"{wanted!r} is the name of several exercises: {places}")
    names = [path.stem.removeprefix("exercise_") for path in files]
    near = difflib.get_close_matches(stem, names, n=3, cutoff=0.4) or names
    raise LookupError(
        f"there is no exercise {wanted!r}; "
        + (f"did you mean {', '.join(near)}?" if near else "there are none yet")
    )


def main(arguments: list[str] | None = None, *, docs: Path = ROOT / "docs") -> int:
    """Run the program; return its exit status."""
    parser = argparse.ArgumentParser(
        prog="exercises", description="List the exercises, or get one to write in."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="list every exercise file")
    get = commands.add_parser("get", help="write one exercise file into a folder")
    get.add_argument("name", help="its name, such as activations")
    get.add_argument("folder", nargs="?", default=".", help="default: the current folder")
    options = parser.parse_args(arguments)
    if options.command == "list":
        for path in exercise_files(docs):
            name = path.stem.removeprefix("exercise_")
            print(f"{part_of(path, docs)}/{name}: {_summary(path)}")
        return 0
    try:
        path = find_exercise(options.name, docs)
        target = Path(options.folder) / path.name
        if target.exists():
            raise FileExistsError(
                f"{target} exists already and is not overwritten; "
                "move it away, or name another folder"
            )
        write_atomically(target, take_out(path.read_text(encoding="utf-8"), path))
    except (LookupError, OSError, ExerciseFileError) as error:
        print(f"exercises: {error}", file=sys.stderr)
        return 1
    print(f"Wrote {target}. Write your answers in it, then check them: python {target}")
    return 0


# --- Sphinx ------------------------------------------------------------------------------------


def setup(app: Sphinx) -> dict[str, Any]:
    # The program above must run without Sphinx, so what needs it is imported here.
    from exercise_directives import setup as setup_directives

    return setup_directives(app)


if __name__ == "__main__":
    sys.exit(main())
