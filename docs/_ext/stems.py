"""Remember the stem of each word that the search index holds.

Sphinx asks the stemmer for every word of every page anew, and most words stand on many pages.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from sphinx.search.en import SearchEnglish

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.util.typing import ExtensionMetadata


class RememberedEnglish(SearchEnglish):
    """Sphinx's own English, and a memory."""

    def __init__(self, options: dict[str, str]) -> None:
        super().__init__(options)
        self.stem = functools.cache(super().stem)  # type: ignore[method-assign]


def setup(app: Sphinx) -> ExtensionMetadata:
    app.add_search_language(RememberedEnglish)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
