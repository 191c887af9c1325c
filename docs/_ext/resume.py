"""Write every page again after a build that was broken off.

Sphinx takes a page for finished when its file is newer than its source. A build that is killed
while it writes leaves a file cut in half, and pages that still show what they showed before, and
both are newer. So a build leaves a mark beside its doctrees until it has come to its end; the next
one that finds such a mark writes all pages. What was read stays, and so does what scripts have run.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sphinx.util import logging

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment
    from sphinx.util.typing import ExtensionMetadata

logger = logging.getLogger(__name__)


def mark_of(app: Sphinx) -> Path:
    """Return the file that is there while a build of this builder is under way."""
    return Path(app.doctreedir) / f"unfinished-{app.builder.name}"


def begin(app: Sphinx) -> None:
    """Look for the mark of the last build, and leave our own."""
    mark = mark_of(app)
    app.handbook_was_broken_off = mark.exists()  # type: ignore[attr-defined]
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.touch()


def pages_to_write(app: Sphinx, env: BuildEnvironment) -> Iterable[str]:
    """Return every page where the last build did not come to its end."""
    if not app.handbook_was_broken_off:  # type: ignore[attr-defined]
        return []
    logger.info("the last build was broken off: writing every page again")
    return sorted(env.found_docs)


def end(app: Sphinx, exception: Exception | None) -> None:
    """Take the mark away, unless something went wrong."""
    if exception is None:
        mark_of(app).unlink(missing_ok=True)


def setup(app: Sphinx) -> ExtensionMetadata:
    app.connect("builder-inited", begin, priority=1)  # before any script runs
    app.connect("env-updated", pages_to_write)
    app.connect("build-finished", end, priority=999)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
