"""Make a script that imports from ``handbook`` run alone, by copying what it uses into it.

The definitions that a script needs are found on the syntax tree, transitively, and copied as text,
with their docstrings and comments, in the order in which Python would have executed them. So what
is needed to define something stands before it, low floors stand before high ones, and a module
keeps its order.

Several modules and the script then share one namespace. Wherever that, or a statement that was left
out, could change what the script does, `inline` refuses: a `StandaloneError` names the script, the
line and what to write instead.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from inliner.modules import (
    PACKAGE,
    Definition,
    InModule,
    Refusal,
    StandaloneError,
    find_package,
    read_text,
)
from inliner.scripts import Script, check_names, check_script, in_script, read_script, slice_of
from inliner.slices import Slice
from inliner.writing import has_annotations, verify, write

__all__ = [
    "DEFAULT_ROOT",
    "PACKAGE",
    "StandaloneError",
    "direct_names",
    "fingerprint",
    "has_annotations",
    "inline",
    "modules_used",
    "read_text",
    "uses",
]


def inline(
    script_source: str, *, path: Path | str, package_root: Path | str, package: str = PACKAGE
) -> str:
    """Return a script with the definitions that it imports from the package copied into it.

    Parameters
    ----------
    script_source : str
        The script.
    path : Path or str
        Its name, for messages.
    package_root : Path or str
        The package's folder, or the folder that holds it.
    package : str
        The package's name.

    Returns
    -------
    str
        The same script, without any import from the package.

    Raises
    ------
    StandaloneError
        Where the copy would not do what the script does.
    """
    script = read_script(script_source, path, find_package(package_root, package))
    check_script(script)
    if not script.import_indexes:
        return script.source.rstrip("\n") + "\n"
    found = slice_of(script)
    check_names(script, found)
    try:
        text = write(script, found)
    except Refusal as refusal:
        raise in_script(script, refusal, script.first_line) from refusal
    verify(script, text, found)
    return text


DEFAULT_ROOT = Path(__file__).parents[3]


def _load_script(
    script: Path | str, package_root: Path | str | None, package: str
) -> tuple[Script, Slice]:
    path = Path(script)
    read = read_script(read_text(path), path, find_package(package_root or DEFAULT_ROOT, package))
    if not read.import_indexes:
        return read, Slice(read.package)
    return read, slice_of(read)


def uses(
    script: Path | str, package_root: Path | str | None = None, package: str = PACKAGE
) -> set[str]:
    """Return the full names of all definitions that a script needs, transitively."""
    _, found = _load_script(script, package_root, package)
    return {f"{unit.module.name}.{name}" for unit in found.units for name in unit.bound}


def modules_used(
    script: Path | str, package_root: Path | str | None = None, package: str = PACKAGE
) -> set[str]:
    """Return the modules that those definitions are in."""
    _, found = _load_script(script, package_root, package)
    return {unit.module.name for unit in found.units}


def fingerprint(
    script: Path | str, package_root: Path | str | None = None, package: str = PACKAGE
) -> str:
    """Hash the code, without docstrings and comments, of everything that a script uses."""
    _, found = _load_script(script, package_root, package)
    units = sorted(found.units, key=lambda unit: (unit.module.name, unit.index))
    parts = [f"{unit.module.name} {unit.module.future}\n{unit.code}" for unit in units]
    parts += sorted(f"{name} {meaning}" for name, meaning in found.outside)
    parts += [
        f"{m} {n} {d}" for m, a in sorted(found.aliases.items()) for n, d in sorted(a.items())
    ]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def direct_names(
    script: Path | str, package_root: Path | str | None = None, package: str = PACKAGE
) -> list[tuple[str, str]]:
    """Return what a script itself imports: the full name where it is defined, and the script's."""
    path = Path(script)
    read = read_script(read_text(path), path, find_package(package_root or DEFAULT_ROOT, package))
    pairs = [(i.meaning, i.name) for i in read.imported if not isinstance(i.meaning, InModule)]
    for use, meaning, node, _ in read.qualified_uses:
        written = [use.name, *use.chain[: use.chain_nodes.index(node) + 1]]
        pairs.append((meaning, ".".join(written)))
    named = [
        (f"{meaning.module}.{meaning.name}", alias)
        for meaning, alias in pairs
        if isinstance(meaning, Definition)
    ]
    return list(dict.fromkeys(named))
