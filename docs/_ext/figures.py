"""Figures: saved for light and dark pages, with alternative text, and animations as steppers.

sphinx-gallery calls `figure_scraper` after each code block. Every open figure is saved twice as
WebP at two pixels per CSS pixel, with a small JSON file beside it that holds its
alternative text and size. An animation becomes one picture per frame, and the page a stepper:
nothing moves before the reader asks.

The directive ``themed-figure`` shows one such figure on its gallery page, and ``gallery-figure``
shows it in a chapter::

    ```{gallery-figure} models_and_losses/plot_activation_curves
    :number: 2
    What to see in it.
    ```
"""

from __future__ import annotations

import ast
import html
import io
import json
import os
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from logging import getLogger
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx import addnodes
from sphinx.transforms import SphinxTransform
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.transforms.post_transforms.images import ImageConverter
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

if TYPE_CHECKING:
    from matplotlib.animation import Animation
    from matplotlib.figure import Figure
    from sphinx.application import Sphinx
    from sphinx.config import Config
    from sphinx.util.typing import ExtensionMetadata, OptionSpec

logger = logging.getLogger(__name__)

CSS_DPI = 100  # one inch of figure is a hundred CSS pixels
DENSITY = 2  # image pixels per CSS pixel
MAX_FRAMES = 80  # more is a film; each frame is a file to render, keep and step through
LARGE = 60_000  # bytes; a page holds several figures and should load on a phone
PHOTOGRAPH = 120_000  # bytes; what is larger after all is packed as one
DRAWN = 10_000  # colours; a photograph has more
UNSEEN = (
    16  # of 255; no colour of a picture is changed by more without being packed as a photograph
)
PAGE_COLOUR = "#ffffff"
_CAPTURED = "_handbook_captured"


# ---------------------------------------------------------------------------------------------
# From a figure to files
# ---------------------------------------------------------------------------------------------


_TEX_FONTS = re.compile(r"\\(?:mathrm|mathbf|mathit|mathsf|text|operatorname|left|right)\b")


def plain_text(text: str) -> str:
    """One line of text for a screen reader: mathtext becomes Unicode where there is a sign."""
    try:
        from matplotlib._mathtext_data import tex2uni
    except ImportError:  # a private table; without it the names of the signs stay
        tex2uni = {}

    def sign(match: re.Match[str]) -> str:
        name = match[1]
        return chr(tex2uni[name]) if name in tex2uni else name

    def formula(match: re.Match[str]) -> str:
        tex = _TEX_FONTS.sub("", match[1])
        tex = re.sub(r"\\[dt]?frac\{([^{}]*)\}\{([^{}]*)\}", r"\1/\2", tex)
        tex = re.sub(r"\\sqrt\{([^{}]*)\}", r"√(\1)", tex)
        tex = re.sub(r"\\[,;:! ]", " ", tex)
        tex = re.sub(r"\\([A-Za-z]+)", sign, tex)
        tex = re.sub(r"\^\{?([0-9])\}?", lambda m: "⁰¹²³⁴⁵⁶⁷⁸⁹"[int(m[1])], tex)
        return re.sub(r"[{}]", "", tex)

    text = re.sub(r"(?<!\\)\$(.*?)(?<!\\)\$", formula, text, flags=re.DOTALL)
    return " ".join(text.replace(r"\$", "$").split())


def titles(figure: Figure) -> str:
    """The figure's title and its axes' titles, which say what it shows."""
    found = []

    def supertitles(part: Any) -> None:
        found.append(part.get_suptitle())
        for child in part.subfigs:
            supertitles(child)

    supertitles(figure)
    for axes in figure.axes:
        found += [axes.get_title(loc=loc) for loc in ("left", "center", "right")]
    said = [plain_text(text) for text in found if text.strip()]
    joined = ""
    for text in said:
        gap = "" if not joined else " " if joined[-1] in ".!?:;" else ". "
        joined += gap + text
    return joined


def _require_titles(figure: Figure, where: str) -> str:
    text = titles(figure)
    if not text:
        number = getattr(figure, "number", "without a number")
        raise ValueError(
            f"figure {number} must have a title, got none ({where}); say what it shows with "
            "ax.set_title(...) or fig.suptitle(...): the title is its alternative text"
        )
    return text


def _require_drawn(figure: Figure, where: str) -> None:
    """Refuse a figure that is half drawn: it is closed after its block, and would stay so."""
    drawn = [axes.has_data() or bool(axes.texts or axes.tables) for axes in figure.axes]
    for position, axes in enumerate(figure.axes):
        if any(drawn) and not drawn[position] and axes.axison:
            raise ValueError(
                f"every axes of a figure must be drawn in the block that makes the figure, got "
                f"nothing in axes {position} ({where}); move plt.subplots down to where all of it "
                "is drawn"
            )


def _pixels(figure: Figure, facecolor: str) -> Any:
    """The figure as a picture of exactly its own size, whatever ``savefig.bbox`` says."""
    import matplotlib as mpl
    from PIL import Image

    width, height = (int(inches * CSS_DPI * DENSITY) for inches in figure.get_size_inches())
    raw = io.BytesIO()
    with mpl.rc_context({"savefig.bbox": None}):
        figure.savefig(
            raw,
            format="rgba",
            dpi=CSS_DPI * DENSITY,
            facecolor=facecolor,
            edgecolor="none",
            transparent=False,
        )
    return Image.frombuffer("RGBA", (width, height), raw.getvalue()).convert("RGB")


def _webp(picture: Any) -> bytes:
    """The picture as WebP; no time, version or path goes into the bytes.

    Lines and letters pack best, and sharpest, without loss. What is large then mostly has thousands
    of colours, from edges and bands that show through each other: 256 do, and halve it, and its
    letters stay sharp. A photograph or a shaded surface needs more. What stays very large is packed
    as a photograph, at a quality that shows no difference.
    """

    def pack(what: Any, **options: Any) -> bytes:
        packed = io.BytesIO()
        # Method 6 takes a fifth longer and saves 0.5 %.
        what.save(packed, format="WEBP", quality=80, method=4, **options)
        return packed.getvalue()

    content = pack(picture, lossless=True)
    if len(content) > LARGE:
        fewer = _with_fewer_colours(picture)
        if fewer is not None:
            content = min(content, pack(fewer, lossless=True), key=len)
    if len(content) > PHOTOGRAPH:
        content = pack(picture, use_sharp_yuv=True)
    return content


def _with_fewer_colours(picture: Any) -> Any | None:
    """The picture in 256 colours, or None where one could see it."""
    from PIL import Image, ImageChops

    if picture.getcolors(DRAWN) is None:
        return None
    for refinements in (0, 3):  # the second takes five times as long; two of three do without
        fewer = picture.quantize(
            256, method=Image.Quantize.MAXCOVERAGE, kmeans=refinements, dither=Image.Dither.NONE
        ).convert("RGB")
        changes = ImageChops.difference(picture, fewer).getextrema()
        # The page behind the figure has the colour of its corner: a step there would be an edge.
        same_page = fewer.getpixel((0, 0)) == picture.getpixel((0, 0))
        if same_page and max(high for _, high in changes) <= UNSEEN:
            return fewer
    return None


@contextmanager
def _still_layout(figure: Figure) -> Iterator[None]:
    """Nothing moves inside: the axes stay where the last drawing put them."""
    engine = figure.get_layout_engine()
    if engine is None:
        yield
        return
    figure.set_layout_engine("none")
    try:
        yield
    finally:
        figure.set_layout_engine(engine)


def render(figure: Figure) -> tuple[bytes, bytes]:
    """The figure for a light page and for a dark page, each as the bytes of a WebP file."""
    from recolour import DARK_PAGE, dark_colours

    light = _webp(_pixels(figure, PAGE_COLOUR))
    with _still_layout(figure), dark_colours(figure):
        dark = _webp(_pixels(figure, DARK_PAGE))
    return light, dark


def _css_size(webp: bytes) -> tuple[int, int]:
    from PIL import Image

    width, height = Image.open(io.BytesIO(webp)).size
    return round(width / DENSITY), round(height / DENSITY)


def _write(path: Path, content: bytes) -> None:
    """Write only what differs, so that an unchanged figure rebuilds no page."""
    if not path.is_file() or path.read_bytes() != content:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _write_json(path: Path, record: dict[str, Any]) -> None:
    text = json.dumps(record, ensure_ascii=False, indent=1, sort_keys=True)
    _write(path, (text + "\n").encode())


def dark_name(path: Path) -> Path:
    """``x_001.webp`` → ``x_001_dark.webp``."""
    return path.with_name(f"{path.stem}_dark{path.suffix}")


def save_figure(figure: Figure, path: Path, where: str = "") -> dict[str, Any]:
    """Save a figure as ``path`` and its dark twin, with the JSON record beside them."""
    alt = _require_titles(figure, where)
    _require_drawn(figure, where)
    light, dark = render(figure)
    _write(path, light)
    _write(dark_name(path), dark)
    width, height = _css_size(light)
    record = {"kind": "figure", "alt": alt, "width": width, "height": height}
    _write_json(path.with_suffix(".json"), record)
    return record


def save_animation(animation: Animation, path: Path, where: str = "") -> dict[str, Any]:
    """Save every frame; the poster, which stands for the animation, is ``path`` itself.

    The poster is the last frame, where a figure that builds up is complete. A script that knows
    better says ``animation.poster_frame = 7`` (counted from 1).
    """
    from matplotlib.animation import AbstractMovieWriter

    rendered: list[tuple[str, bytes, bytes]] = []

    class Frames(AbstractMovieWriter):
        def setup(self, fig: Figure, outfile: Any, dpi: float | None = None) -> None:
            self.fig = fig  # nothing to open: the frames stay in memory
            self.stack = ExitStack()

        def grab_frame(self, **_: Any) -> None:
            if len(rendered) == MAX_FRAMES:
                raise ValueError(
                    f"an animation must have at most {MAX_FRAMES} frames, got more ({where}); "
                    "show fewer steps: a reader goes through them one by one"
                )
            if not rendered:
                # Axes that shift from frame to frame would hide what really moves.
                self.fig.canvas.draw()
                self.stack.enter_context(_still_layout(self.fig))
            alt = _require_titles(self.fig, where)
            rendered.append((alt, *render(self.fig)))

        def finish(self) -> None:
            self.stack.close()

    library_logger = getLogger("matplotlib.animation")
    library_logger.setLevel("WARNING")  # it announces its writer, into the build's own words
    animation.save(str(path), writer=Frames(), dpi=CSS_DPI)
    poster = int(getattr(animation, "poster_frame", len(rendered)))
    if not 1 <= poster <= len(rendered):
        raise ValueError(
            f"animation.poster_frame must be from 1 to {len(rendered)}, got {poster} ({where})"
        )
    frames = []
    kept = {path.name}
    for number, (alt, light, dark) in enumerate(rendered, start=1):
        target = path if number == poster else path.with_name(f"{path.stem}_f{number:02}.webp")
        _write(target, light)
        _write(dark_name(target), dark)
        kept |= {target.name, dark_name(target).name}
        frames.append({"file": target.name, "alt": alt})
    for stale in path.parent.glob(f"{path.stem}_f*.webp"):
        if stale.name not in kept:
            stale.unlink()
    width, height = _css_size(rendered[0][1])
    interval = getattr(animation, "_interval", 500)
    record = {
        "kind": "stepper",
        "alt": rendered[poster - 1][0],
        "width": width,
        "height": height,
        "poster": poster,
        "interval_ms": int(interval),
        "frames": frames,
    }
    _write_json(path.with_suffix(".json"), record)
    return record


# ---------------------------------------------------------------------------------------------
# The scraper
# ---------------------------------------------------------------------------------------------

_RST = """
.. themed-figure:: /{path}
   :alt: {alt}

"""


def _animations(names: dict[str, Any]) -> dict[int, Animation]:
    """Animations that no block has captured yet, by the identity of their figure."""
    from matplotlib.animation import Animation

    found: dict[int, Animation] = {}
    for thing in list(names.values()):
        if isinstance(thing, Animation) and not getattr(thing, _CAPTURED, False):
            found[id(thing._fig)] = thing
    return found


def figure_scraper(
    block: Any, block_vars: dict[str, Any], gallery_conf: dict[str, Any], **_: Any
) -> str:
    """Save the figures that a code block left open; return the directives that show them."""
    import matplotlib.pyplot as plt

    if "formatted_exception" in block_vars:
        # The script has failed; its traceback is the news, not a figure half drawn.
        plt.close("all")
        return ""
    source = block_vars.get("src_file", "a script")
    where = f"{source}, block at line {getattr(block, 'lineno', block[2])}"
    paths = block_vars["image_path_iterator"]
    animations = _animations(block_vars.get("example_globals", {}))
    shown: list[str] = []

    def show(path: Path, record: dict[str, Any]) -> None:
        relative = Path(os.path.relpath(path, gallery_conf["src_dir"])).as_posix()
        shown.append(_RST.format(path=relative, alt=record["alt"]))

    try:
        for number in plt.get_fignums():
            figure = plt.figure(number)
            path = Path(next(paths)).with_suffix(".webp")
            animation = animations.pop(id(figure), None)
            if animation is None:
                show(path, save_figure(figure, path, where))
            else:
                setattr(animation, _CAPTURED, True)
                show(path, save_animation(animation, path, where))
        for animation in animations.values():  # their figures were closed by the script
            setattr(animation, _CAPTURED, True)
            path = Path(next(paths)).with_suffix(".webp")
            show(path, save_animation(animation, path, where))
    finally:
        plt.close("all")
    return "".join(shown)


# ---------------------------------------------------------------------------------------------
# Nodes and directives
# ---------------------------------------------------------------------------------------------


class themed_image(nodes.image):  # noqa: N801 (docutils names nodes in lower case)
    """A picture for one theme; an image to Sphinx, so its file is found and copied."""


class themed_picture(nodes.General, nodes.Element):  # noqa: N801
    """The two forms of a picture, of which the reader's theme shows one."""


class stepper_frame(nodes.image):  # noqa: N801
    """A frame that the browser fetches when the reader steps to it."""


class stepper(nodes.General, nodes.Element):  # noqa: N801
    """An animation: the poster's two pictures, then the frames."""


def _images(uri: str, record: dict[str, Any], alt: str | None = None) -> list[nodes.Node]:
    """The light and the dark picture for `uri`, a path from the documentation's root."""
    path = Path(uri)
    common = {
        "alt": record["alt"] if alt is None else alt,
        "pixel_width": record["width"],
        "pixel_height": record["height"],
    }
    light = themed_image("", uri=uri, classes=["only-light"], **common)
    dark = themed_image("", uri=dark_name(path).as_posix(), classes=["only-dark"], **common)
    return [light, dark]


def _figure(uri: str, record: dict[str, Any], alt: str | None) -> nodes.figure:
    """A figure that holds one picture, or one stepper, and as yet no caption."""
    pictures = _images(uri, record, alt)
    if record["kind"] != "stepper":
        return nodes.figure("", themed_picture("", *pictures), classes=["themed-figure"])
    node = stepper("", *pictures, record=record)
    for frame in record["frames"]:
        light = Path(uri).with_name(frame["file"])
        for path in (light, dark_name(light)):
            node += stepper_frame("", uri=path.as_posix(), alt=frame["alt"])
    return nodes.figure("", node, classes=["themed-figure", "stepper"])


class _FigureDirective(SphinxDirective):
    def record(self, uri: str) -> dict[str, Any] | None:
        """The JSON record beside the picture, or None where there is none."""
        relative = uri.lstrip("/")
        sidecar = Path(relative).with_suffix(".json")
        self.env.note_dependency(sidecar.as_posix())
        path = Path(self.env.srcdir) / sidecar
        if not path.is_file():
            return None
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return record

    def warn(self, message: str) -> list[nodes.Node]:
        logger.warning(message, location=self.get_location(), type="figures", subtype="missing")
        return []


class ThemedFigure(_FigureDirective):
    """``.. themed-figure:: /path/to/picture.webp``: one figure in its light and dark form."""

    required_arguments = 1
    final_argument_whitespace = True
    option_spec: OptionSpec = {"alt": directives.unchanged}

    def run(self) -> list[nodes.Node]:
        uri = self.arguments[0]
        record = self.record(uri)
        if record is None:
            return self.warn(f"no record beside the picture {uri}; run its script again")
        figure = _figure(uri, record, self.options.get("alt"))
        self.set_source_info(figure)
        return [figure]


class GalleryFigure(_FigureDirective):
    """``{gallery-figure} part/plot_x``: a gallery script's figure in a chapter."""

    required_arguments = 1
    has_content = True
    option_spec: OptionSpec = {
        "number": directives.positive_int,
        "alt": directives.unchanged,
        "name": directives.unchanged,
    }

    def run(self) -> list[nodes.Node]:
        script = self.arguments[0].removesuffix(".py")
        number = self.options.get("number", 1)
        root = _gallery_root(self.config)
        folder, _, name = script.rpartition("/")
        page = "/".join(part for part in (root, script) if part)
        images = "/".join(part for part in (root, folder, "images") if part)
        uri = f"/{images}/sphx_glr_{name}_{number:03}.webp"
        record = self.record(uri)
        if record is None:
            return self.warn(self.missing(script, page, images, name, number))
        if not self.content:
            return self.warn(f"gallery-figure {script} must have a caption; say what to see in it")

        figure = _figure(uri, record, self.options.get("alt"))
        self.set_source_info(figure)
        self.add_name(figure)
        first, *rest = self.parse_content_to_nodes()
        if not isinstance(first, nodes.paragraph):
            return self.warn(f"the caption of gallery-figure {script} must begin with a paragraph")
        caption = nodes.caption(first.rawsource, "", *first.children)
        caption += nodes.Text(" ")
        link = addnodes.pending_xref(
            "",
            nodes.inline("", f"{name}.py", classes=["figure-source"]),
            refdomain="std",
            reftype="doc",
            reftarget=f"/{page}",
            refdoc=self.env.docname,
            refexplicit=True,
            refwarn=True,
        )
        self.set_source_info(link)
        caption += link
        self.set_source_info(caption)
        figure += caption
        if rest:
            figure += nodes.legend("", *rest)
        return [figure]

    def missing(self, script: str, page: str, images: str, name: str, number: int) -> str:
        source = Path(self.env.srcdir)
        count = len(list((source / images).glob(f"sphx_glr_{name}_[0-9][0-9][0-9].json")))
        if count:
            return f"gallery script {script} has {count} figures, got :number: {number}"
        if (source / f"{page}.py").is_file() or (source / f"{page}.rst").is_file():
            return f"gallery script {script} has no figure yet; build the gallery with its plots"
        return f"unknown gallery script {script}; there is no gallery/{script}.py"


def _gallery_root(config: Config) -> str:
    """The folder, below the documentation's root, that sphinx-gallery writes into."""
    folders = config.sphinx_gallery_conf.get("gallery_dirs", "auto_gallery")
    return str(folders if isinstance(folders, str) else folders[0])


# ---------------------------------------------------------------------------------------------
# Thumbnails
# ---------------------------------------------------------------------------------------------


def _thumbnail_source(thumb: Path) -> Path | None:
    """The dark picture that the thumbnail's script chose, or None where there is none."""
    name = thumb.stem.removeprefix("sphx_glr_").removesuffix("_thumb")
    script = thumb.parent.parent.parent / f"{name}.py"
    if not script.is_file():
        return None
    text = script.read_text(encoding="utf-8")
    if re.search(r"^\s*#\s*sphinx_gallery_thumbnail_path", text, re.MULTILINE):
        return None
    chosen = re.search(r"^\s*#\s*sphinx_gallery_thumbnail_number\s*=\s*(.+)$", text, re.MULTILINE)
    number = int(ast.literal_eval(chosen[1].strip())) if chosen else 1
    pictures = sorted(thumb.parent.parent.glob(f"sphx_glr_{name}_[0-9][0-9][0-9]_dark.webp"))
    index = number - 1 if number > 0 else number
    try:
        return pictures[index]
    except IndexError:
        return None


def _prune_and_make_thumbnails(app: Sphinx) -> None:
    """Delete pictures that no page shows any more, and make the dark thumbnails."""
    root = Path(app.srcdir) / _gallery_root(app.config)
    for images in root.rglob("images"):
        pages = {page.stem: page for page in images.parent.glob("*.rst")}
        for record in images.glob("sphx_glr_*_[0-9][0-9][0-9].json"):
            name = record.stem.removeprefix("sphx_glr_")[:-4]
            page = pages.get(name)
            if page is None or f"/{record.stem}.webp" not in page.read_text(encoding="utf-8"):
                for stale in [record, *images.glob(f"{record.stem}*.webp")]:
                    stale.unlink()
        for thumb in images.glob("thumb/*_thumb.webp"):
            source = _thumbnail_source(thumb)
            if source is not None and _is_older(dark_name(thumb), source, thumb):
                _write(dark_name(thumb), _small(source, thumb))


def _is_older(made: Path, *sources: Path) -> bool:
    """Tell whether a file is not there, or one that it is made of came later."""
    if not made.exists():
        return True
    return made.stat().st_mtime_ns <= max(path.stat().st_mtime_ns for path in sources)


def _small(source: Path, like: Path) -> bytes:
    """The picture `source` at the size of the thumbnail `like`, on a dark ground."""
    from PIL import Image
    from recolour import DARK_PAGE

    size = Image.open(like).size
    picture = Image.open(source)
    picture.thumbnail(size, Image.Resampling.LANCZOS)
    ground = Image.new("RGB", size, DARK_PAGE)
    ground.paste(picture, ((size[0] - picture.width) // 2, (size[1] - picture.height) // 2))
    packed = io.BytesIO()
    ground.save(packed, format="WEBP", quality=80, method=4)
    return packed.getvalue()


class ThemedThumbnails(SphinxTransform):
    """Give sphinx-gallery's thumbnails a dark twin; the card's link carries the name."""

    default_priority = 400

    def apply(self, **_: Any) -> None:
        for node in list(self.document.findall(nodes.image)):
            uri = node.get("uri", "")
            if isinstance(node, themed_image) or not re.search(r"/thumb/sphx_glr_.*_thumb\.", uri):
                continue
            path = Path(self.env.srcdir) / uri.lstrip("/")
            if not path.is_file():
                continue
            from PIL import Image

            width, height = Image.open(path).size
            record = {"alt": "", "width": width // DENSITY, "height": height // DENSITY}
            if dark_name(path).is_file():
                node.replace_self(_images(uri, record))
            else:
                single = themed_image("", uri=uri, alt="", classes=["on-paper"])
                single["pixel_width"], single["pixel_height"] = record["width"], record["height"]
                node.replace_self(single)


# ---------------------------------------------------------------------------------------------
# Builders
# ---------------------------------------------------------------------------------------------


class PlainFigures(SphinxPostTransform):
    """For paper and e-book readers: the light picture only, and an animation's poster."""

    default_priority = 5  # before Sphinx looks for image converters

    def run(self, **_: Any) -> None:
        builder = self.app.builder
        if builder.format == "html" and builder.name != "epub":
            return
        holders = (themed_picture, stepper)
        for node in [n for n in self.document.findall() if isinstance(n, holders)]:
            node.replace_self([child for child in node if isinstance(child, themed_image)])
        for picture in list(self.document.findall(themed_image)):
            if "only-dark" in picture["classes"]:
                picture.parent.remove(picture)
                continue
            plain = nodes.image("", **picture.attributes)
            plain["classes"] = []
            plain["width"] = f"{plain.attributes.pop('pixel_width')}px"
            plain.attributes.pop("pixel_height")
            picture.replace_self(plain)


class WebpToPng(ImageConverter):
    """TeX knows no WebP. Browsers and EPUB 3.3 readers do, whatever Sphinx's list says."""

    conversion_rules = [("image/webp", "image/png")]

    def match(self, node: nodes.image) -> bool:
        return self.app.builder.format != "html" and super().match(node)

    def is_available(self) -> bool:
        return True

    def convert(self, _from: str | os.PathLike[str], _to: str | os.PathLike[str]) -> bool:
        from PIL import Image

        Image.open(_from).save(_to, format="PNG")
        return True


def _url(translator: Any, node: nodes.image) -> str:
    name = translator.builder.images[node["uri"]]
    return "/".join(part for part in (translator.builder.imgpath, name) if part)


def visit_themed_image(translator: Any, node: themed_image) -> None:
    translator.body.append(
        translator.emptytag(
            node,
            "img",
            "\n",
            src=_url(translator, node),
            alt=node["alt"],
            width=str(node["pixel_width"]),
            height=str(node["pixel_height"]),
            loading="lazy",
            decoding="async",
        )
    )


# What the buttons look like: paths in a box of 24 by 24, drawn for this page.
_ICONS = {
    "first": "M6 5v14M18 5l-9 7 9 7z",
    "previous": "M16 5l-9 7 9 7z",
    "play": "M8 5l11 7-11 7z",
    "pause": "M8 5v14M16 5v14",
    "next": "M8 5l9 7-9 7z",
    "last": "M18 5v14M6 5l9 7-9 7z",
}
_BUTTONS = (
    ("first", "First frame", ("first",)),
    ("previous", "Previous frame", ("previous",)),
    ("play", "Play", ("play", "pause")),
    ("next", "Next frame", ("next",)),
    ("last", "Last frame", ("last",)),
)


def _controls(count: int, poster: int, alt: str) -> str:
    """The controls; in the page from the start, so that nothing moves when the script wakes."""
    buttons = "".join(
        f'<button type="button" data-step="{step}" aria-label="{label}">'
        + "".join(
            f'<svg viewBox="0 0 24 24" class="stepper-{icon}" aria-hidden="true">'
            f'<path d="{_ICONS[icon]}"/></svg>'
            for icon in icons
        )
        + "</button>"
        for step, label, icons in _BUTTONS
    )
    return (
        '<div class="stepper-controls" role="group" aria-label="Animation">\n'
        f'<div class="stepper-buttons">{buttons}</div>\n'
        f'<input type="range" min="1" max="{count}" step="1" value="{poster}" autocomplete="off" '
        f'aria-label="Frame" aria-valuetext="frame {poster} of {count}">\n'
        f'<p class="stepper-status" aria-live="polite"><span>Frame {poster} of {count}</span>'
        f'<span class="visually-hidden">: {html.escape(alt)}</span></p>\n'
        '<p class="stepper-calm">Your system asks for less motion: Play goes one frame on.</p>\n'
        "</div>\n"
    )


def visit_stepper(translator: Any, node: stepper) -> None:
    """The poster, the controls, and the list of frames for the script."""
    record = node["record"]
    frames = [child for child in node if isinstance(child, stepper_frame)]
    steps = [
        {"light": _url(translator, light), "dark": _url(translator, dark), "alt": light["alt"]}
        for light, dark in zip(frames[::2], frames[1::2], strict=True)
    ]
    data = {"frames": steps, "poster": record["poster"], "interval": record["interval_ms"]}
    packed = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    translator.body.append(
        translator.starttag(node, "div", CLASS="stepper-body", **{"data-stepper": packed})
        + '<div class="stepper-poster">\n'
    )
    for child in node:
        if isinstance(child, themed_image):
            child.walkabout(translator)
    translator.body.append("</div>\n" + _controls(len(steps), record["poster"], record["alt"]))
    translator.body.append("</div>\n")
    raise nodes.SkipNode


def visit_themed_picture(translator: Any, node: themed_picture) -> None:
    translator.body.append(translator.starttag(node, "div", CLASS="themed-picture"))


def depart_themed_picture(translator: Any, node: themed_picture) -> None:
    translator.body.append("</div>\n")


def skip(translator: Any, node: nodes.Node) -> None:
    raise nodes.SkipNode


def depart(translator: Any, node: nodes.Node) -> None:
    pass


def _add_script(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any
) -> None:
    """Load the stepper's script on pages that have one."""
    if doctree is not None and any(True for _ in _steppers(doctree)):
        app.add_js_file("stepper.js", loading_method="defer")


def _steppers(doctree: nodes.document) -> Iterator[stepper]:
    yield from doctree.findall(stepper)


def setup(app: Sphinx) -> ExtensionMetadata:
    app.add_node(themed_picture, html=(visit_themed_picture, depart_themed_picture))
    app.add_node(themed_image, html=(visit_themed_image, depart))
    app.add_node(stepper, html=(visit_stepper, depart))
    app.add_node(stepper_frame, html=(skip, depart))
    app.add_directive("themed-figure", ThemedFigure)
    app.add_directive("gallery-figure", GalleryFigure)
    app.add_transform(ThemedThumbnails)
    app.add_post_transform(PlainFigures)
    app.add_post_transform(WebpToPng)
    # sphinx-gallery draws at the same event, with the default priority of 500.
    app.connect("builder-inited", _prune_and_make_thumbnails, priority=900)
    app.connect("html-page-context", _add_script)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
