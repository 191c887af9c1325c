"""Settings of the site. What Sphinx does not bring itself lives in docs/_ext, one file each."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

from sphinx.application import Sphinx

# Before anything imports torch: one thread per process, so that two builds print the same digits
# and parallel scripts do not fight over the cores.
for _variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_variable] = "1"

ROOT = Path(__file__).parent
sys.path[:0] = [str(ROOT), str(ROOT / "docs" / "_ext")]

import concepts  # noqa: E402

import handbook  # noqa: E402

# -- the book ---------------------------------------------------------------------------------

project = "Torch Handbook"
author = "The Torch Handbook authors"
project_copyright = "The Torch Handbook authors. Code BSD-3-Clause, text and figures CC BY 4.0"
version = release = handbook.__version__
language = "en"

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.intersphinx",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinxcontrib.bibtex",
    "gallery_cache",
    "sphinx_gallery.gen_gallery",
    "standalone",
    "figures",
    "katex",
    "boxes",
    "canonical",
    "exercises",
    "concepts",
    "learning_map",
    "equivalence",
    "benchmarks",
    "shape_tape",
    "backreferences",
    "docstrings",
    "runnable",
    "accessible",
    "copying",
    "navigation",
    "stems",
    "lean",
    "garbage",
    "resume",
    "ebook",
]

exclude_patterns = ["_*", "auto_gallery/sg_execution_times*", "sg_execution_times*"]
templates_path = ["docs/_templates"]
nitpicky = True
highlight_language = "none"  # a block without a language is not Python
suppress_warnings = ["config.cache"]

# -- text -------------------------------------------------------------------------------------

myst_enable_extensions = [
    "amsmath",
    "attrs_inline",
    "colon_fence",
    "deflist",
    "dollarmath",
    "fieldlist",
    "tasklist",
]
myst_heading_anchors = 3
myst_dmath_double_inline = False
bibtex_bibfiles = ["docs/references.bib"]
bibtex_default_style = "plain"  # sorted by author; the numbers are hidden, the text names authors
bibtex_reference_style = "author_year"

html_math_renderer = "katex"
math_eqref_format = "({number})"
katex_macros = {
    r"\R": r"\mathbb{R}",
    r"\E": r"\mathbb{E}",
    r"\Var": r"\operatorname{Var}",
    r"\softmax": r"\operatorname{softmax}",
    r"\relu": r"\operatorname{relu}",
}

# -- reference --------------------------------------------------------------------------------

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the docstring's Parameters say the types, with shapes
autodoc_default_options = {"members": True}
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True
napoleon_preprocess_types = True
napoleon_attr_annotations = False  # it would hand the aliases below to Python as type hints
napoleon_custom_sections = ["Shapes"]
napoleon_type_aliases = {
    "Tensor": ":class:`~torch.Tensor`",
    "tensor": ":class:`~torch.Tensor`",
    "Axes": ":class:`~matplotlib.axes.Axes`",
    "Figure": ":class:`~matplotlib.figure.Figure`",
    "callable": ":class:`~collections.abc.Callable`",
    "Callable": ":class:`~collections.abc.Callable`",
    "iterable": ":class:`~collections.abc.Iterable`",
    "sequence": ":class:`~collections.abc.Sequence`",
    "mapping": ":class:`~collections.abc.Mapping`",
    "History": ":class:`~handbook.training.History`",
    "Split": ":class:`~handbook.datasets.Split`",
}
intersphinx_mapping = {
    name: (url, str(ROOT / "docs" / "_inv" / f"{name}.inv"))
    for name, url in {
        "python": "https://docs.python.org/3/",
        "torch": "https://docs.pytorch.org/docs/stable/",
        "matplotlib": "https://matplotlib.org/stable/",
        "sklearn": "https://scikit-learn.org/stable/",
    }.items()
}
intersphinx_disabled_reftypes = []

# -- gallery ----------------------------------------------------------------------------------

# HANDBOOK_ONLY=saddle_points builds one concept or one script, for quick work.
_only = concepts.only(os.environ.get("HANDBOOK_ONLY", ""))
if _only:
    exclude_patterns += _only.excluded_pages
    nitpicky = False
    suppress_warnings += ["ref", "toc", "myst", "app.add_node"]

sphinx_gallery_conf = {
    "examples_dirs": ["../gallery"],
    "gallery_dirs": ["auto_gallery"],
    "filename_pattern": r"[/\\]plot_",
    "ignore_pattern": _only.ignored_scripts if _only else r"(?:^|[/\\])_",
    "subsection_order": "concepts.part_order",
    "within_subsection_order": "concepts.script_order",
    "image_scrapers": ("figures.figure_scraper",),
    "reset_modules": ("matplotlib", "gallery_cache.reset"),
    "reset_modules_order": "both",
    "thumbnail_size": (320, 224),  # twice the size of a card
    "capture_repr": (),  # a page shows what the script prints, and nothing else
    "doc_module": (),
    "backreferences_dir": None,
    "inspect_global_variables": False,
    "download_all_examples": False,
    "write_computation_times": False,
    "min_reported_time": 1e9,
    "show_memory": False,
    "show_signature": False,
    "remove_config_comments": True,
}

# -- site -------------------------------------------------------------------------------------

html_theme = "furo"
html_title = "Torch Handbook"
html_static_path = ["docs/_static"]
html_css_files = ["handbook.css"]
html_show_sourcelink = False
html_copy_source = False
html_show_sphinx = False
html_show_search_summary = False  # a summary would be fetched, and a page on disk cannot fetch
html_last_updated_fmt = None  # a date would make two builds of one commit differ
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"
html_theme_options = {
    "navigation_with_keys": True,
    "top_of_page_buttons": [],
    "light_css_variables": {"color-brand-primary": "#0B5CAD", "color-brand-content": "#0B5CAD"},
    "dark_css_variables": {"color-brand-primary": "#7FB8F0", "color-brand-content": "#7FB8F0"},
}
copybutton_prompt_text = r">>> |\.\.\. "
copybutton_prompt_is_regexp = True
copybutton_only_copy_prompt_lines = True
copybutton_exclude = ".linenos, .gp, .go"  # prompts and output

epub_show_urls = "no"  # a link is a link; its address in brackets would break the sentence
epub_copyright = project_copyright

linkcheck_timeout = 20
linkcheck_anchors = False

# -- what a rebuild must not miss ---------------------------------------------------------------


def _digest(*patterns: str) -> str:
    """Hash files that Sphinx does not watch: a change in one makes every page anew."""
    files = sorted(path for pattern in patterns for path in (ROOT / "docs").glob(pattern))
    contents = [hashlib.sha256(path.read_bytes()).hexdigest() for path in files if path.is_file()]
    return hashlib.sha256("".join(contents).encode()).hexdigest()


handbook_extensions = _digest("_ext/*.py", "_ext/inliner/*.py", "_vendor/**/*.js")
handbook_assets = _digest("_static/**/*", "_templates/*")


def setup(app: Sphinx) -> None:
    """Tell Sphinx about the two hashes, and what each makes stale."""
    app.add_config_value("handbook_extensions", "", "env", str)
    app.add_config_value("handbook_assets", "", "html", str)
