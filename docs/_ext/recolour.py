"""Recolour a drawn matplotlib figure for a dark page, and put it back as it was.

A figure is drawn once, for a white page. `dark_colours` turns the same figure over for a dark page:
black, white and grey artists get their lightness inverted into the range between the page's
background and its text; chromatic colours stay, lightened only where they would sink into the dark.
Images, and whatever a colour map coloured, stay: their colours are data. So does what lies on
top of them, because its author chose that colour for what is under it. Not so on a map that the
page shines through.

An artist with the gid ``keep-color`` stays as it is, with all its children.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.collections import Collection, LineCollection, PathCollection, QuadMesh
from matplotlib.colors import to_rgba, to_rgba_array
from matplotlib.contour import ContourSet
from matplotlib.figure import Figure, FigureBase
from matplotlib.image import _ImageBase
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Text
from matplotlib.transforms import Bbox

__all__ = ["DARK_PAGE", "DARK_TEXT", "KEEP", "contrast", "dark_colours", "dark_rgba"]

DARK_PAGE = "#131416"  # furo's --color-background-primary in dark mode
DARK_TEXT = "#cfd0d0"  # furo's --color-foreground-primary in dark mode
KEEP = "keep-color"

# Channels further apart than this look coloured; nearer, they look grey.
_GREY_SPREAD = 0.12
# A colour whose smallest channel is above this is a pale tint: a little colour over white paper.
_PALE = 0.6
# Text nearly white is drawn on something dark, and stays white there.
_WHITE_TEXT = 0.85
# WCAG asks 3 : 1 of graphical objects and 4.5 : 1 of text.
_CONTRAST_GRAPHICS = 3.0
_CONTRAST_TEXT = 4.5

Rgba = tuple[float, float, float, float]


def _luminance(rgb: Any) -> float:
    """Relative luminance as WCAG 2 defines it."""
    channels = np.asarray(rgb, dtype=float)[:3]
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))


def contrast(first: Any, second: Any) -> float:
    """Contrast ratio of two opaque colours, from 1 to 21."""
    low, high = sorted((_luminance(to_rgba(first)), _luminance(to_rgba(second))))
    return (high + 0.05) / (low + 0.05)


def _is_grey(rgb: np.ndarray) -> bool:
    return float(rgb.max() - rgb.min()) <= _GREY_SPREAD


def dark_rgba(colour: Any, wanted: float = 0.0) -> Rgba:
    """The colour that plays the part of `colour` on a dark page; the alpha stays.

    `wanted` is the contrast with the page that a chromatic colour is lightened to; 0 leaves it.
    """
    red, green, blue, alpha = to_rgba(colour)
    rgb = np.array([red, green, blue])
    if alpha == 0:
        return (red, green, blue, alpha)
    page, text = np.array(to_rgba(DARK_PAGE)[:3]), np.array(to_rgba(DARK_TEXT)[:3])
    white = float(rgb.min())
    if _is_grey(rgb):
        dark = page + (text - page) * (1 - float(rgb @ (0.299, 0.587, 0.114)))
    elif white > _PALE:
        # white * paper + the rest of the colour: exchange the paper.
        dark = page * white + (rgb - white)
    else:
        dark = rgb
    if not _is_grey(rgb):
        for _ in range(50):
            if contrast(dark, page) >= wanted:
                break
            dark = dark + (1 - dark) * 0.05
    r, g, b = (float(c) for c in np.clip(dark, 0, 1))
    return (r, g, b, alpha)


def _dark_array(colours: Any, wanted: float) -> np.ndarray:
    array = to_rgba_array(colours)
    return np.array([dark_rgba(c, wanted) for c in array]) if len(array) else array


class _Recolouring:
    """One pass over a figure; remembers each artist's attributes to put them back."""

    def __init__(self, figure: Figure) -> None:
        self.figure = figure
        self.undo: list[Callable[[], None]] = []
        self.seen: set[int] = set()
        self.data_areas: list[tuple[Artist, Bbox]] = []

    # -- remembering -----------------------------------------------------------------------------
    def remember(self, thing: Any) -> None:
        """Keep a copy of the attributes; the setters replace values and change none in place."""
        saved = dict(vars(thing))

        def put_back() -> None:
            vars(thing).clear()
            vars(thing).update(saved)

        self.undo.append(put_back)

    def restore(self) -> None:
        for put_back in reversed(self.undo):
            put_back()
        self.undo.clear()

    # -- areas whose colours are data ------------------------------------------------------------
    def find_data_areas(self) -> None:
        for axes in self.figure.axes:
            for child in axes.get_children():
                if not child.get_visible() or child is axes.patch:
                    continue
                if _is_mapped_area(child) or (isinstance(child, Patch) and _is_solid(child)):
                    box = _box(child)
                    if box is not None:
                        self.data_areas.append((child, box))

    def on_data(self, artist: Artist) -> bool:
        """Whether the middle of the artist lies on something that keeps its colours."""
        box = None
        for owner, area in self.data_areas:
            if owner is artist or owner.axes is not artist.axes:
                continue
            if owner.get_zorder() > artist.get_zorder():
                continue
            box = box or _box(artist)
            if box is None:
                return False
            middle = ((box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2)
            if isinstance(owner, Patch):
                # A bar carries its label; a line that crosses bars also crosses the page.
                if isinstance(artist, Text) and owner.contains_point(middle):
                    return True
            elif area.contains(*middle):
                return True
        return False

    # -- the walk --------------------------------------------------------------------------------
    def walk(self, artist: Artist, in_axes: bool = False) -> None:
        if id(artist) in self.seen:
            return
        self.seen.add(id(artist))
        if artist.get_gid() == KEEP:
            return
        if in_axes and isinstance(artist, Legend | Line2D | Patch | Collection | Text):
            # Decoration of the axes (its background, spines, titles) is not on the data.
            axes = artist.axes
            decoration = axes is not None and (
                artist is axes.patch
                or artist in axes.spines.values()
                or artist in (axes.title, axes._left_title, axes._right_title)
            )
            if not decoration and not _is_mapped_area(artist) and self.on_data(artist):
                return
        if isinstance(artist, Text):
            self.text(artist)
        elif isinstance(artist, Line2D):
            self.line(artist)
        elif isinstance(artist, Patch):
            self.patch(artist)
        elif isinstance(artist, Collection):
            self.collection(artist)
        self.outlines(artist)
        self.three_dimensions(artist)
        children_in_axes = hasattr(artist, "spines")
        for child in artist.get_children():
            self.walk(child, in_axes=children_in_axes)
        for name in ("arrow_patch", "_bbox_patch", "_text", "patch", "pane", "line", "gridlines"):
            extra = vars(artist).get(name)
            if isinstance(extra, Artist):
                self.walk(extra)

    # -- one kind each ---------------------------------------------------------------------------
    def text(self, text: Text) -> None:
        self.remember(text)
        rgb = np.array(to_rgba(text.get_color())[:3])
        box = text.get_bbox_patch()
        if box is not None and box.get_visible() and _is_solid(box):
            return  # written on a label of its own colour
        if rgb.min() > _WHITE_TEXT and box is None:
            return
        text.set_color(dark_rgba(text.get_color(), _CONTRAST_TEXT))

    def line(self, line: Line2D) -> None:
        self.remember(line)
        face, edge = line.get_markerfacecolor(), line.get_markeredgecolor()
        alternative = line.get_markerfacecoloralt()
        line.set_color(dark_rgba(line.get_color(), _CONTRAST_GRAPHICS))
        line.set_markerfacecolor(dark_rgba(face, _CONTRAST_GRAPHICS))
        line.set_markeredgecolor(dark_rgba(edge, _CONTRAST_GRAPHICS))
        line.set_markerfacecoloralt(dark_rgba(alternative, _CONTRAST_GRAPHICS))
        if line.get_gapcolor() is not None:
            line.set_gapcolor(dark_rgba(line.get_gapcolor(), _CONTRAST_GRAPHICS))

    def patch(self, patch: Patch) -> None:
        self.remember(patch)
        hatch = patch.get_hatchcolor() if hasattr(patch, "get_hatchcolor") else None
        edge = patch.get_edgecolor()
        face = patch.get_facecolor()
        if patch.get_fill():
            patch.set_facecolor(dark_rgba(face, _wanted(face)))
        patch.set_edgecolor(dark_rgba(edge, _CONTRAST_GRAPHICS))
        if hatch is not None:
            patch.set_hatchcolor(dark_rgba(hatch, _CONTRAST_GRAPHICS))

    def collection(self, collection: Collection) -> None:
        if isinstance(collection, QuadMesh):
            return
        mapped = _is_mapped(collection)
        lines = isinstance(collection, LineCollection) or (
            isinstance(collection, ContourSet) and not collection.filled
        )
        if mapped and not lines and not isinstance(collection, PathCollection):
            return
        self.remember(collection)
        three = vars(collection).get("_facecolor3d")
        edge3 = vars(collection).get("_edgecolor3d")
        face = Collection.get_facecolor(collection) if three is None else three
        edge = Collection.get_edgecolor(collection) if edge3 is None else edge3
        if lines or isinstance(collection, ContourSet):
            collection.set_array(None)  # else drawing maps the colours again
        if not mapped and len(face):
            # Lightening the shaded faces of a solid one by one would flatten it.
            wanted = 0.0 if three is not None else _wanted(face)
            collection.set_facecolor(_dark_array(face, wanted))
        follows = mapped and not lines and _edge_follows(collection)
        if not isinstance(edge, str) and len(edge) and not follows:
            collection.set_edgecolor(_dark_array(edge, _CONTRAST_GRAPHICS))

    def outlines(self, artist: Artist) -> None:
        """Path effects: the white halo around a label becomes a dark one."""
        effects = artist.get_path_effects()
        if not effects:
            return
        self.remember(artist)
        changed = []
        for effect in effects:
            twin = copy(effect)
            drawing = dict(vars(effect).get("_gc", {}))
            if drawing.get("foreground") is not None:
                twin._gc = dict(drawing, foreground=dark_rgba(drawing["foreground"]))
            changed.append(twin)
        artist.set_path_effects(changed)

    def three_dimensions(self, artist: Artist) -> None:
        info = vars(artist).get("_axinfo")
        if isinstance(info, dict) and "grid" in info:
            self.remember(artist)
            # Drawing a 3-D axis takes the grid's colour from this table.
            grid = dict(info["grid"], color=dark_rgba(info["grid"]["color"]))
            artist._axinfo = dict(info, grid=grid)


def _wanted(faces: Any) -> float:
    """Strong opaque areas must be seen against the page; pale and translucent ones tint it."""
    rgba = np.atleast_2d(faces)
    strong = (rgba[:, 3] > 0.5) & (rgba[:, :3].min(axis=1) <= _PALE)
    return _CONTRAST_GRAPHICS if strong.any() else 0.0


def _edge_follows(collection: Collection) -> bool:
    original = vars(collection).get("_original_edgecolor")
    return original is None or (isinstance(original, str) and original in ("face", "none"))


def _is_mapped(artist: Artist) -> bool:
    """Whether a colour map, not a plain colour, coloured this artist."""
    if isinstance(artist, _ImageBase | QuadMesh):
        return True
    if isinstance(artist, ContourSet) and getattr(artist, "colors", None) is not None:
        return False
    return isinstance(artist, Collection) and artist.get_array() is not None


def _is_mapped_area(artist: Artist) -> bool:
    if (alpha := artist.get_alpha()) is not None and np.max(alpha) <= 0.5:
        return False  # a tint of the page: what lies on it is seen against the page
    if isinstance(artist, _ImageBase | QuadMesh):
        return True
    return isinstance(artist, ContourSet) and bool(artist.filled) and _is_mapped(artist)


def _is_solid(patch: Patch) -> bool:
    """Whether the patch is an opaque, clearly coloured area that will keep its colour."""
    rgba = np.array(patch.get_facecolor())
    opaque = patch.get_fill() and rgba[3] > 0.5
    return bool(opaque and not _is_grey(rgba[:3]) and rgba[:3].min() <= _PALE)


def _box(artist: Artist) -> Bbox | None:
    """The artist's box on the canvas, or None where it has none."""
    try:
        if isinstance(artist, ContourSet):
            box = artist.get_datalim(artist.axes.transData)
            box = box.transformed(artist.axes.transData)
        else:
            box = artist.get_window_extent()
    except (AttributeError, NotImplementedError, RuntimeError, TypeError, ValueError):
        return None
    if not np.isfinite(box.extents).all():
        return None
    return box


def _top_level(figure: FigureBase) -> list[Artist]:
    return [figure.patch, *figure.get_children()]


@contextmanager
def dark_colours(figure: Figure) -> Iterator[Figure]:
    """Recolour `figure` for a dark page inside the ``with`` block; afterwards it is as before.

    The figure must have been drawn at least once, so that its ticks and labels exist.
    """
    recolouring = _Recolouring(figure)
    recolouring.find_data_areas()
    try:
        for artist in _top_level(figure):
            recolouring.walk(artist)
        yield figure
    finally:
        recolouring.restore()
