"""Leave out the style sheets and scripts that a page does not use.

Extensions add their files to every page. Each is one more request, and most pages need few of them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.util.typing import ExtensionMetadata

# File name: what must be found in a page that needs it; None where no page does.
NEEDS: dict[str, str | None] = {
    "sg_gallery.css": r"class=.[^\"']*sphx-glr-",
    "sg_gallery-binder.css": None,
    "sg_gallery-dataframe.css": None,
    "sg_gallery-rendered-html.css": None,
    "sg-tags.js": None,
    "sphinx-design.min.css": r"class=.[^\"']*\bsd-",
    "design-tabs.js": "data-sync-id",  # tabs without a group need no script
    "copybutton.css": "highlight",
    "clipboard.min.js": "highlight",
    "copybutton.js": "highlight",
    "copying.js": "copy-all",
}


def _leave_out(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any
) -> None:
    body = context.get("body", "")

    def wanted(file: Any) -> bool:
        name = str(getattr(file, "filename", file)).rpartition("/")[2].partition("?")[0]
        if name not in NEEDS:
            return True
        need = NEEDS[name]
        return need is not None and re.search(need, body) is not None

    for kind in ("css_files", "script_files"):
        context[kind] = [file for file in context.get(kind, []) if wanted(file)]


def setup(app: Sphinx) -> ExtensionMetadata:
    app.connect("html-page-context", _leave_out, priority=900)  # after all have added theirs
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
