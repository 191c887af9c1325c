"""Figures for light and dark pages, their alternative text, and animations frame by frame."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image

mpl.use("agg")
import figures
import matplotlib.pyplot as plt
from matplotlib.animation import FuncAnimation
from matplotlib.colors import to_hex, to_rgba
from recolour import DARK_PAGE, DARK_TEXT, KEEP, contrast, dark_colours, dark_rgba


@pytest.fixture(autouse=True)
def own_style() -> Iterator[None]:
    with mpl.rc_context():
        mpl.rcdefaults()
        yield
    plt.close("all")


def drawn() -> tuple[Any, Any]:
    figure, axes = plt.subplots()
    figure.canvas.draw()
    return figure, axes


def hex_of(colour: Any) -> str:
    return to_hex(to_rgba(colour))


# -- colours -----------------------------------------------------------------------------------


def test_black_becomes_the_pages_text_and_white_the_page() -> None:
    assert to_hex(dark_rgba("black")) == DARK_TEXT
    assert to_hex(dark_rgba("white")) == DARK_PAGE


def test_greys_keep_their_order_turned_round() -> None:
    lightness = [dark_rgba(str(grey))[0] for grey in np.linspace(0, 1, 11)]
    assert lightness == sorted(lightness, reverse=True)


def test_alpha_stays() -> None:
    assert dark_rgba((0, 0, 0, 0.3))[3] == pytest.approx(0.3)
    assert dark_rgba("none") == to_rgba("none")


@pytest.mark.parametrize("colour", ["#0072B2", "#D55E00", "#009E73", "#B5609A", "#A87A00"])
def test_the_handbooks_colours_stay_as_they_are(colour: str) -> None:
    assert hex_of(dark_rgba(colour, 3.0)) == colour.lower()


@pytest.mark.parametrize("colour", ["navy", "#330000", "darkgreen", "indigo"])
def test_a_dark_colour_is_lightened_until_it_can_be_seen(colour: str) -> None:
    assert contrast(colour, DARK_PAGE) < 3
    assert contrast(dark_rgba(colour, 3.0), DARK_PAGE) >= 3


def test_a_pale_tint_becomes_a_dark_tint_that_light_text_stands_on() -> None:
    assert contrast("#ffe0cc", "black") > 7
    assert contrast(dark_rgba("#ffe0cc"), DARK_TEXT) > 4.5


# -- artists -----------------------------------------------------------------------------------


def test_text_spines_ticks_and_grid_are_turned_over() -> None:
    figure, axes = plt.subplots()
    axes.grid(color="0.8")
    axes.set_title("title")
    figure.canvas.draw()
    with dark_colours(figure):
        assert hex_of(axes.title.get_color()) == DARK_TEXT
        assert hex_of(axes.spines["left"].get_edgecolor()) == DARK_TEXT
        tick = axes.xaxis.get_major_ticks()[0]
        assert hex_of(tick.tick1line.get_color()) == DARK_TEXT
        assert hex_of(tick.label1.get_color()) == DARK_TEXT
        assert contrast(tick.gridline.get_color(), DARK_PAGE) < 3
        assert hex_of(axes.patch.get_facecolor()) == DARK_PAGE


def test_a_translucent_legend_keeps_its_alpha() -> None:
    figure, axes = plt.subplots()
    axes.plot([0, 1], label="line", color="black")
    legend = axes.legend(framealpha=0.6)
    figure.canvas.draw()
    with dark_colours(figure):
        frame = legend.get_frame()
        assert hex_of(frame.get_facecolor()[:3]) == DARK_PAGE
        assert frame.get_facecolor()[3] == pytest.approx(0.6)
        assert hex_of(legend.get_texts()[0].get_color()) == DARK_TEXT
        assert hex_of(legend.get_lines()[0].get_color()) == DARK_TEXT


def test_markers_keep_a_hollow_face() -> None:
    figure, axes = plt.subplots()
    (line,) = axes.plot([0, 1], "o-", color="0.2", markerfacecolor="white")
    (empty,) = axes.plot([1, 0], "o-", color="0.2", markerfacecolor="none")
    figure.canvas.draw()
    with dark_colours(figure):
        assert hex_of(line.get_markerfacecolor()) == DARK_PAGE
        assert to_rgba(empty.get_markerfacecolor())[3] == 0


def test_an_annotations_box_and_arrow_are_turned_over() -> None:
    figure, axes = plt.subplots()
    note = axes.annotate(
        "n", (0, 0), (0.5, 0.5), arrowprops={"arrowstyle": "->"}, bbox={"fc": "white", "ec": "k"}
    )
    figure.canvas.draw()
    with dark_colours(figure):
        assert hex_of(note.get_bbox_patch().get_facecolor()) == DARK_PAGE
        assert hex_of(note.get_bbox_patch().get_edgecolor()) == DARK_TEXT
        assert hex_of(note.arrow_patch.get_edgecolor()) == DARK_TEXT


def test_collections_turn_each_grey_and_leave_each_colour() -> None:
    figure, axes = plt.subplots()
    dots = axes.scatter([0, 1, 2], [0, 1, 2], c=["black", "#D55E00", "white"])
    figure.canvas.draw()
    with dark_colours(figure):
        faces = [to_hex(face) for face in dots.get_facecolor()]
    assert faces == [DARK_TEXT, "#d55e00", DARK_PAGE]


def test_colours_of_a_colour_map_stay() -> None:
    figure, axes = plt.subplots()
    image = axes.imshow([[0, 1]], cmap="gray")
    dots = axes.scatter([0, 1], [0, 0], c=[0, 1], cmap="gray")
    figure.canvas.draw()
    before = dots.get_facecolor().copy()
    with dark_colours(figure):
        figure.canvas.draw()
        assert (dots.get_facecolor() == before).all()
        assert image.get_cmap().name == "gray"


def test_numbers_on_a_heat_map_stay_and_words_beside_it_turn() -> None:
    figure, axes = plt.subplots()
    axes.imshow(np.eye(3))
    inside = axes.text(0, 0, "1", color="black", ha="center", va="center")
    outside = axes.text(1, 4.5, "below", color="black")
    figure.canvas.draw()
    with dark_colours(figure):
        assert hex_of(inside.get_color()) == "#000000"
        assert hex_of(outside.get_color()) == DARK_TEXT


def test_a_line_on_a_translucent_map_turns_and_on_an_opaque_one_stays() -> None:
    figure, axes = plt.subplots(1, 2)
    lines = []
    for axis, alpha in zip(axes, (0.4, None), strict=True):
        axis.pcolormesh(np.eye(2), alpha=alpha)
        lines += axis.plot([0.5, 1.5], [0.5, 1.5], color="black")
    figure.canvas.draw()
    with dark_colours(figure):
        assert hex_of(lines[0].get_color()) == DARK_TEXT
        assert hex_of(lines[1].get_color()) == "#000000"


def test_a_label_inside_a_coloured_bar_stays_and_above_it_turns() -> None:
    figure, axes = plt.subplots()
    axes.bar([0], [1], color="#D55E00")
    inside = axes.text(0, 0.5, "in", color="black", ha="center")
    above = axes.text(0, 1.02, "above", color="black", ha="center")
    figure.canvas.draw()
    with dark_colours(figure):
        assert hex_of(inside.get_color()) == "#000000"
        assert hex_of(above.get_color()) == DARK_TEXT


def test_black_contours_turn_and_coloured_ones_stay_visible() -> None:
    x, y = np.mgrid[-1:1:20j, -1:1:20j]
    figure, axes = plt.subplots()
    plain = axes.contour(x, y, x * y, colors="black")
    mapped = axes.contour(x, y, x + y, cmap="viridis")
    figure.canvas.draw()
    with dark_colours(figure):
        figure.canvas.draw()
        assert {to_hex(colour) for colour in plain.get_edgecolor()} == {DARK_TEXT}
        assert min(contrast(colour, DARK_PAGE) for colour in mapped.get_edgecolor()) >= 3


def test_table_cells_turn() -> None:
    figure, axes = plt.subplots()
    cell = axes.table([["1"]], loc="center")[0, 0]
    figure.canvas.draw()
    with dark_colours(figure):
        assert hex_of(cell.get_text().get_color()) == DARK_TEXT
        assert hex_of(cell.get_facecolor()) == DARK_PAGE


def test_panes_and_grid_of_a_3d_axes_turn() -> None:
    figure, axes = plt.subplots(subplot_kw={"projection": "3d"})
    figure.canvas.draw()
    grid = axes.xaxis._axinfo["grid"]["color"]
    with dark_colours(figure):
        assert contrast(axes.xaxis.pane.get_facecolor(), DARK_PAGE) < 1.5
        assert hex_of(axes.xaxis.line.get_color()) == DARK_TEXT
        assert axes.xaxis._axinfo["grid"]["color"] != grid
    assert axes.xaxis._axinfo["grid"]["color"] == grid


def test_an_artist_marked_keep_color_stays() -> None:
    figure, axes = plt.subplots()
    (line,) = axes.plot([0, 1], color="black")
    line.set_gid(KEEP)
    figure.canvas.draw()
    with dark_colours(figure):
        assert hex_of(line.get_color()) == "#000000"


def test_the_figure_is_afterwards_as_it_was() -> None:
    figure, axes = plt.subplots()
    axes.plot([0, 1], "o--", color="0.3", label="a")
    axes.fill_between([0, 1], [0, 1], color="0.9", hatch="/")
    axes.bar([0], [1], color="0.5", edgecolor="black", hatch="x")
    axes.contour(np.arange(9).reshape(3, 3), colors="black")
    axes.legend()
    axes.set_title("title")

    def pixels() -> np.ndarray:
        figure.canvas.draw()
        return np.array(figure.canvas.buffer_rgba())

    before = pixels()
    with dark_colours(figure):
        assert (pixels() != before).any()
    assert (pixels() == before).all()


def test_an_error_inside_leaves_the_figure_as_it_was() -> None:
    figure, axes = drawn()
    colour = axes.title.get_color()
    with pytest.raises(RuntimeError), dark_colours(figure):
        raise RuntimeError
    assert axes.title.get_color() == colour


# -- alternative text --------------------------------------------------------------------------


def test_all_titles_make_the_alternative_text() -> None:
    figure, (left, right) = plt.subplots(1, 2)
    figure.suptitle("Both\nfall")
    left.set_title("slowly", loc="left")
    right.set_title("fast!")
    assert figures.titles(figure) == "Both fall. slowly. fast!"


@pytest.mark.parametrize(
    ("title", "said"),
    [
        (r"slope of $\sigma(z)$ at $z = 0$", "slope of σ(z) at z = 0"),
        (r"$\mathbf{x}^2 \leq \frac{1}{2}$", "x² ≤ 1/2"),
        (r"costs \$5", "costs $5"),
        (r"$\sqrt{d}$ and $10^{3}$", "√(d) and 10³"),
    ],
)
def test_a_formula_in_a_title_is_said_in_signs(title: str, said: str) -> None:
    assert figures.plain_text(title) == said


# -- the scraper -------------------------------------------------------------------------------


class Paths:
    """As sphinx-gallery's iterator: numbered names, counted from one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.paths: list[str] = []

    def __iter__(self) -> Paths:
        return self

    def __next__(self) -> str:
        path = self.folder / f"sphx_glr_plot_x_{len(self.paths) + 1:03}.png"
        self.paths.append(str(path))
        return str(path)


@pytest.fixture
def scrape(tmp_path: Path) -> Any:
    block = ("code", "", 12)
    variables: dict[str, Any] = {
        "image_path_iterator": Paths(tmp_path),
        "src_file": "gallery/part/plot_x.py",
        "example_globals": {},
    }

    def run(**names: Any) -> str:
        variables["example_globals"].update(names)
        return figures.figure_scraper(block, variables, {"src_dir": str(tmp_path)})

    return SimpleNamespace(run=run, folder=tmp_path, variables=variables)


def titled(text: str = "It rises") -> tuple[Any, Any]:
    figure, axes = plt.subplots(figsize=(3, 2))
    axes.set_title(text)
    return figure, axes


def test_a_figure_is_saved_light_and_dark_at_twice_its_size(scrape: Any) -> None:
    titled()
    rst = scrape.run()
    light = Image.open(scrape.folder / "sphx_glr_plot_x_001.webp").convert("RGB")
    dark = Image.open(scrape.folder / "sphx_glr_plot_x_001_dark.webp").convert("RGB")
    assert light.size == dark.size == (600, 400)
    assert light.getpixel((0, 0)) == (255, 255, 255)
    assert to_hex(np.array(dark.getpixel((0, 0))) / 255) == DARK_PAGE
    record = json.loads((scrape.folder / "sphx_glr_plot_x_001.json").read_text())
    assert record == {"kind": "figure", "alt": "It rises", "width": 300, "height": 200}
    assert ".. themed-figure:: /sphx_glr_plot_x_001.webp" in rst
    assert ":alt: It rises" in rst
    assert not plt.get_fignums()


def test_two_drawings_of_one_figure_are_the_same_bytes(tmp_path: Path) -> None:
    def draw() -> tuple[bytes, bytes]:
        figure, axes = titled()
        axes.plot([0, 1], label="a")
        axes.legend()
        return figures.render(figure)

    assert draw() == draw()


def test_an_unchanged_figure_is_not_written_again(scrape: Any) -> None:
    path = scrape.folder / "a.webp"
    figures.save_figure(titled()[0], path)
    before = path.stat().st_mtime_ns
    figures.save_figure(titled()[0], path)
    assert path.stat().st_mtime_ns == before


def test_a_figure_without_a_title_names_the_script_and_the_remedy(scrape: Any) -> None:
    plt.subplots()
    with pytest.raises(ValueError, match=r"plot_x\.py, block at line 12.*set_title") as caught:
        scrape.run()
    assert "must have a title, got none" in str(caught.value)
    assert not plt.get_fignums(), "sphinx-gallery asks again, and must find nothing"


def test_blanks_are_no_title(scrape: Any) -> None:
    titled("  ")
    with pytest.raises(ValueError, match="must have a title"):
        scrape.run()


def test_figures_of_a_failed_script_are_closed_and_left_out(scrape: Any) -> None:
    plt.subplots()
    scrape.variables["formatted_exception"] = "Traceback"
    assert scrape.run() == ""
    assert not plt.get_fignums()


def animation(frames: int = 4) -> FuncAnimation:
    figure, axes = plt.subplots(figsize=(3, 2))
    (line,) = axes.plot([0, 3], [0, 0])

    def step(number: int) -> None:
        line.set_ydata([0, number])
        axes.set_title(f"Step {number}")

    return FuncAnimation(figure, step, frames=frames, interval=300)


def test_an_animation_becomes_frames_and_no_second_picture(scrape: Any) -> None:
    rst = scrape.run(moving=animation())
    assert rst.count("themed-figure") == 1
    record = json.loads((scrape.folder / "sphx_glr_plot_x_001.json").read_text())
    assert record["kind"] == "stepper"
    assert [frame["alt"] for frame in record["frames"]] == [f"Step {n}" for n in range(4)]
    assert record["poster"] == 4
    assert record["alt"] == "Step 3"
    assert record["interval_ms"] == 300
    sizes = set()
    pictures = set()
    for frame in record["frames"]:
        for path in (
            scrape.folder / frame["file"],
            figures.dark_name(scrape.folder / frame["file"]),
        ):
            sizes.add(Image.open(path).size)
            pictures.add(path.read_bytes())
    assert sizes == {(600, 400)}
    assert len(pictures) == 8


def test_an_animation_is_captured_by_the_block_that_made_it_only(scrape: Any) -> None:
    scrape.run(moving=animation())
    titled("Another block")
    rst = scrape.run()
    assert rst.count("themed-figure") == 1
    assert "sphx_glr_plot_x_002" in rst
    assert json.loads((scrape.folder / "sphx_glr_plot_x_002.json").read_text())["kind"] == "figure"


def test_a_script_may_choose_the_poster(scrape: Any) -> None:
    moving = animation()
    moving.poster_frame = 2
    scrape.run(moving=moving)
    record = json.loads((scrape.folder / "sphx_glr_plot_x_001.json").read_text())
    assert record["alt"] == "Step 1"
    assert record["frames"][1]["file"] == "sphx_glr_plot_x_001.webp"


def test_a_poster_that_is_not_a_frame_is_refused(scrape: Any) -> None:
    moving = animation()
    moving.poster_frame = 9
    with pytest.raises(ValueError, match=r"poster_frame must be from 1 to 4, got 9 .*plot_x\.py"):
        scrape.run(moving=moving)


def test_too_many_frames_are_refused(scrape: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "MAX_FRAMES", 2)
    with pytest.raises(ValueError, match=r"at most 2 frames, got more \(.*plot_x\.py"):
        scrape.run(moving=animation())


def test_frames_of_a_longer_animation_before_are_deleted(scrape: Any) -> None:
    path = scrape.folder / "a.webp"
    figures.save_animation(animation(4), path)
    figures.save_animation(animation(2), path)
    assert {file.name for file in scrape.folder.glob("a*.webp")} == {
        "a.webp",
        "a_dark.webp",
        "a_f01.webp",
        "a_f01_dark.webp",
    }


def test_line_drawings_lose_nothing_and_photographs_stay_small() -> None:
    figure, axes = titled()
    axes.plot([0, 1])
    light, _ = figures.render(figure)
    exact = np.array(figures._pixels(figure, "white"))
    assert (np.array(Image.open(io.BytesIO(light)).convert("RGB")) == exact).all()

    noise = np.random.default_rng(0).integers(0, 255, (700, 700, 3), dtype=np.uint8)
    smooth = Image.fromarray(noise).resize((2000, 2000), Image.Resampling.BICUBIC)
    lossless = io.BytesIO()
    smooth.save(lossless, "WEBP", lossless=True)
    assert len(figures._webp(smooth)) < len(lossless.getvalue()) / 2


def many_lines(n_lines: int) -> Any:
    """Lines in three colours that cross: their soft edges have far more than 256 colours."""
    figure, axes = plt.subplots(figsize=(6, 4))
    x = np.linspace(0, 10, 60)
    for number in range(n_lines):
        y = np.random.default_rng(number).normal(size=60).cumsum()
        axes.plot(x, y, color=("#0072B2", "#D55E00", "#009E73")[number % 3], linewidth=1)
    return figures._pixels(figure, figures.PAGE_COLOUR)


def test_a_large_drawing_is_packed_in_fewer_colours_that_no_one_can_tell(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(figures, "LARGE", 10_000)
    picture = many_lines(6)
    lossless = io.BytesIO()
    picture.save(lossless, "WEBP", lossless=True, quality=80, method=6)
    assert len(lossless.getvalue()) > figures.LARGE
    packed = figures._webp(picture)
    assert len(packed) < 0.8 * len(lossless.getvalue())
    shown = Image.open(io.BytesIO(packed)).convert("RGB")
    assert len(shown.getcolors(10**6)) <= 256 < len(picture.getcolors(10**6))
    changes = np.abs(np.asarray(shown).astype(int) - np.asarray(picture).astype(int))
    assert changes.max() <= figures.UNSEEN
    assert shown.getpixel((0, 0)) == picture.getpixel((0, 0)) == (255, 255, 255)
    assert figures._webp(picture) == packed


def test_a_small_drawing_keeps_every_colour() -> None:
    picture = many_lines(2)
    shown = Image.open(io.BytesIO(figures._webp(picture))).convert("RGB")
    assert shown.tobytes() == picture.tobytes()


def test_a_picture_that_needs_its_colours_keeps_them() -> None:
    wheel = np.random.default_rng(0).integers(0, 255, (60, 60, 3), dtype=np.uint8)
    assert figures._with_fewer_colours(Image.fromarray(wheel)) is None


def test_axes_stand_still_while_an_animation_runs_and_the_layout_is_given_back(
    tmp_path: Path,
) -> None:
    figure, axes = plt.subplots(layout="constrained")
    engine = figure.get_layout_engine()
    places = []

    def step(number: int) -> None:
        places.append(axes.get_position().bounds)
        axes.set_title("\n".join(["line"] * (1 + number)))

    moving = FuncAnimation(figure, step, frames=3)
    figures.save_animation(moving, tmp_path / "a.webp")
    assert len(set(places[-2:])) == 1
    assert figure.get_layout_engine() is engine


def test_the_pictures_carry_no_metadata(scrape: Any) -> None:
    light, _ = figures.render(titled()[0])
    assert not Image.open(io.BytesIO(light)).info.keys() & {"exif", "xmp", "icc_profile"}


def test_a_figure_that_is_only_half_drawn_is_refused(tmp_path: Path) -> None:
    figure, (drawn, empty) = plt.subplots(2, 1)
    drawn.plot([1, 2])
    drawn.set_title("half")
    with pytest.raises(ValueError, match=r"got nothing in axes 1 .*move plt.subplots down"):
        figures.save_figure(figure, tmp_path / "half_001.webp", "plot_half.py, line 3")
    empty.set_axis_off()
    figures.save_figure(figure, tmp_path / "half_001.webp")
    plt.close(figure)
