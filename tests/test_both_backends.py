"""One scene with every mark, and every view of every scenario: the same probes for pixels, for cells and for pages."""

import functools

import numpy as np
import pytest

from dynviz import plugins
from dynviz.cells.canvas import CellCanvas
from dynviz.pixels import PixelCanvas
from dynviz.pixels.metrics import pixel_page
from dynviz.pixels.pen import Pen
from dynviz.scene.marks import Axis, Field, Line, Panel, Scene
from dynviz.scene.scales import fractions
from dynviz.scene.theme import theme
from tests.chromium import needs_chromium
from tests.recorded import KINDS, suiting
from tests.scenes import BAR_X, FALL, PULL, ROOTS, SLOW, STEPS, TIME, TURN, every_mark
from tests.web_pages import drawn

WIDE, TALL = 8, 16
"""A cell drawn in pixels."""
STEP = 430
BITS = {0x01: (0, 0), 0x02: (1, 0), 0x04: (2, 0), 0x40: (3, 0), 0x08: (0, 1), 0x10: (1, 1), 0x20: (2, 1), 0x80: (3, 1)}


def block(code):
    """Which pixels of a cell a character covers [rows, columns]."""
    covered = np.zeros((TALL, WIDE), dtype=bool)
    if code == ord("▀"):
        covered[: TALL // 2] = True
    elif 0x2581 <= code <= 0x2588:
        covered[TALL - (code - 0x2580) * TALL // 8 :] = True
    elif 0x2800 <= code <= 0x28FF:
        for bit, (row, column) in BITS.items():
            covered[row * 4 : row * 4 + 4, column * 4 : column * 4 + 4] = bool((code - 0x2800) & bit)
    elif code != ord(" "):
        covered[4:12, 2:6] = True
    return covered


def image(cells):
    """What a terminal shows, in pixels."""
    codes, index = np.unique(cells.glyphs, return_inverse=True)
    covered = np.stack([block(int(code)) for code in codes])[index.reshape(cells.glyphs.shape)]
    colors = [cells.palette[layer][:, :, None, None] for layer in (cells.ink, cells.ground)]
    shown = np.where(covered[..., None], *colors)
    return shown.transpose(0, 2, 1, 3, 4).reshape(cells.rows * TALL, cells.columns * WIDE, 3)


class Picture:
    """Pixels of a scene, and where its data is."""

    def __init__(self, backend, look, scene=None, page=None):
        self.scene = scene or every_mark(STEP)
        if backend == "web":
            self.pixels, self.plots = page
            self.unit, self.reach = (1, 1), 2
        elif backend == "pixels":
            self.pixels = PixelCanvas(1000, 700, look).draw(self.scene)
            self.plots = [place.plot for place in pixel_page(self.scene, Pen(1000, 700)).places]
            self.unit, self.reach = (1, 1), 2
        else:
            canvas = CellCanvas(120, 40, look)
            self.pixels = image(canvas.draw(self.scene))
            self.plots = [place.plot for place in canvas.areas.places]
            self.unit, self.reach = (WIDE, TALL), TALL // 2

    def place(self, panel, x, y):
        """Column and row of data coordinates."""
        plot, axes, (wide, tall) = self.plots[panel], self.scene.panels[panel], self.unit
        column = (plot.left + float(fractions(axes.x, x)) * plot.width) * wide
        row = (plot.bottom - float(fractions(axes.y, y)) * plot.height) * tall
        return int(column), int(row)

    def near(self, panel, x, y):
        """The colours at a place, within what the backend can tell apart."""
        column, row = self.place(panel, x, y)
        rows = slice(max(row - self.reach, 0), row + self.reach + 1)
        columns = slice(max(column - self.reach, 0), column + self.reach + 1)
        return self.pixels[rows, columns].reshape(-1, 3).astype(int)

    def exactly(self, panel, x, y):
        column, row = self.place(panel, x, y)
        return self.pixels[row, column].astype(int)


def far(colors, wanted):
    """How far the nearest of colours is from one."""
    return np.abs(colors.reshape(-1, 3) - np.asarray(wanted)).max(axis=1).min()


@pytest.fixture(params=["cells", "pixels", pytest.param("web", marks=needs_chromium)])
def backend(request):
    return request.param


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """What a browser draws of every mark, when it is asked for first."""
    return functools.cache(lambda: drawn({"every mark": every_mark(STEP)}, tmp_path_factory.mktemp("page")))


@pytest.fixture(params=["light", "dark"])
def look(request):
    return request.param


@pytest.fixture
def picture(backend, look, page):
    return Picture(backend, look, page=page()["every mark", look] if backend == "web" else None)


def over(look, role, share):
    ground, color = (np.array(theme(look).color(name), float) for name in ("ground", role))
    return ground + share * (color - ground)


@pytest.mark.parametrize(("panel", "x", "y", "role"), [
    pytest.param(0, None, None, "lane3", id="points"),
    pytest.param(1, *TURN[:, 20], "lane0", id="path"),
    pytest.param(1, 0.0, 0.0, "text", id="star"),
    pytest.param(1, *(ROOTS + 0.5 * PULL)[:, 0], "lane1", id="arrow"),
    pytest.param(2, 200.0, np.interp(200, TIME, FALL), "lane0", id="line"),
    pytest.param(2, STEP, np.interp(STEP, TIME, FALL), "lane0", id="now"),
    pytest.param(2, STEP, np.interp(STEP, TIME, SLOW), "lane1", id="now of the other"),
    pytest.param(3, 2.0, 0.1, "lane2", id="bar"),
    pytest.param(3, 6.0, 0.5, "lane2", id="last bar"),
])  # fmt: skip
def test_a_mark_has_its_colour_where_its_data_is(picture, look, panel, x, y, role):
    if x is None:
        centers = picture.scene.panels[0].marks[1]
        x, y = centers.x[0], centers.y[0]
    assert far(picture.near(panel, x, y), theme(look).color(role)) <= 6


def test_a_field_has_the_colours_of_its_ramp(picture, look):
    field = picture.scene.panels[0].marks[0]
    ramp = theme(look).ramp("signed")
    for row, column in ((2, 2), (20, 24), (20, 2), (5, 33)):
        x, y = -2 + (column + 0.5) / 10, -2 + (row + 0.5) / 10
        values = field.values[row - 1 : row + 2, column - 1 : column + 2]
        wanted = ramp[field.norm.levels(values)].astype(int).reshape(-1, 3)
        assert min(far(picture.exactly(0, x, y), color) for color in wanted) <= 12, (row, column)


def test_regions_have_the_colours_of_their_classes(picture, look):
    for x, y, role in ((-1.75, -1.15, "grid"), (-0.75, -1.85, "ground")):
        assert far(picture.exactly(1, x, y), theme(look).color(role)) <= 4


def test_the_past_is_full_and_the_future_a_ghost(picture, look):
    ghost, later_ghost = theme(look).future("lane0"), theme(look).future("lane1")
    at = TURN[:, 150]
    assert far(picture.near(1, *at), over(look, "lane0", ghost)) <= 20
    assert far(picture.near(1, *at), theme(look).color("lane0")) > 40
    later = np.interp(700, TIME, SLOW)
    found = np.concatenate([picture.near(2, x, np.interp(x, TIME, SLOW)) for x in (690, 700, 710, 720)])
    assert far(found, over(look, "lane1", later_ghost)) <= 20
    assert far(picture.near(2, 700, later), theme(look).color("lane1")) > 40


def test_a_band_is_a_shade_before_now_and_a_fainter_one_after(picture, look):
    shade, faint = theme(look).shade, theme(look).shade_ghost
    for x, share in ((250.0, shade), (650.0, faint)):
        middle = np.interp(x, TIME, FALL)
        found = np.concatenate([picture.near(2, x, middle + side) for side in (0.05, -0.05)])
        assert far(found, over(look, "lane0", share)) <= 6


def test_rules_cross_the_panel_where_they_say(picture, look):
    found = np.concatenate([picture.near(2, x, 0.2) for x in range(100, 300, 10)])
    assert far(found, theme(look).color("muted")) <= 30
    found = np.concatenate([picture.near(3, 3.5, y) for y in np.linspace(0.3, 1.1, 20)])
    assert far(found, theme(look).color("text")) <= 30


def test_nothing_is_where_no_data_is(picture, look):
    for panel, x, y in ((3, 2.5, 1.1), (2, 850.0, 0.9), (2, 100.0, 0.3)):
        assert far(picture.exactly(panel, x, y), theme(look).color("ground")) <= 4


def test_bars_end_at_their_heights(picture, look, backend):
    heights = picture.scene.panels[3].marks[0].heights
    color = np.array(theme(look).color("lane2"))
    plot = picture.plots[3]
    # Half a pixel of the picture, and half an eighth of a cell.
    close = 1.2 / (plot.height * (16 if backend == "cells" else 1)) * 1.5
    for x, height in zip(BAR_X, heights, strict=True):
        column, top = picture.place(3, x, 1.19)
        rows = picture.pixels[top : plot.bottom * picture.unit[1], column].astype(int)
        first = np.flatnonzero(np.abs(rows - color).max(axis=1) <= 6)[0] + top
        assert 1.2 * (plot.bottom - first / picture.unit[1]) / plot.height == pytest.approx(height, abs=close)


@pytest.mark.parametrize("backend", ["cells", "pixels"])
def test_both_show_the_same_words(backend):
    wanted = {"every", "adamw", "seed", "field", "path", "loss", "0.367", "values", "start", "slow", "fast", "floor"}
    if backend == "cells":
        said = CellCanvas(120, 40).draw(every_mark(STEP)).text()
        said = "".join(" " if 0x2500 <= ord(character) <= 0x28FF else character for character in said).split()
    else:
        page = pixel_page(every_mark(STEP), Pen(1000, 700))
        placed = [*page.title.words, *(words for place in page.places for words in place.words)]
        said = [*" ".join(one.words.text for one in placed).split(), "adamw", "seed", "0.367", "start", "floor"]
    assert wanted - set(said) == set()


@pytest.mark.parametrize("backend", ["cells", "pixels"])
@pytest.mark.parametrize(("name", "kind"), suiting())
def test_every_view_of_every_scenario_is_drawn_in_both(kind, name, backend, tmp_path):
    recordings = [KINDS[kind](tmp_path / f"rule{i}", label=f"rule{i}") for i in range(2)]
    film = plugins.load("views", name).target(recordings)
    for step in (int(film.steps[-1] // 2), int(film.steps[-1])):
        picture = Picture(backend, "dark", film.scene(step))
        assert picture.plots
        ground = np.array(theme("dark").color("ground"))
        for plot in picture.plots:
            (wide, tall) = picture.unit
            part = picture.pixels[plot.top * tall : plot.bottom * tall, plot.left * wide : plot.right * wide]
            assert (part != ground).any()


def test_a_field_shows_the_same_values_in_both():
    values = np.linspace(0, 1, 12).reshape(3, 4)
    scene = every_mark(0)
    axes = scene.panels[0]
    field = Field(values, (-2.0, 2.0, -2.0, 2.0), axes.marks[0].norm, "ordered")
    panel = type(axes)("f", axes.x, axes.y, (field,), square=True)
    one = type(scene)("", (panel,), 0, STEPS)
    pictures = [Picture(backend, "dark", one) for backend in ("cells", "pixels")]
    for x in (-1.5, -0.5, 0.5, 1.5):
        for y in (-1.3, 0.0, 1.3):
            cell, pixel = (picture.exactly(0, x, y).astype(int) for picture in pictures)
            # A palette holds every other level of a ramp.
            assert np.abs(cell - pixel).max() <= 6


@pytest.mark.parametrize("backend", ["pixels", "cells"])
def test_on_a_logarithmic_axis_step_0_is_before_all(backend):
    x = np.geomspace(1, 1000, 200)
    axes = Axis((1.0, 1000.0), "log"), Axis((0.0, 1.0))
    canvas = PixelCanvas(400, 300, "dark") if backend == "pixels" else CellCanvas(60, 20, "dark")

    def drawn(now):
        line = Line(x, np.linspace(0.1, 0.9, 200), "lane0", now=now, dot=False)
        made = canvas.draw(Scene("", (Panel("", *axes, (line,)),), 0, 1))
        return np.asarray(made if backend == "pixels" else image(made)).copy()

    np.testing.assert_array_equal(drawn(0.0), drawn(1e-6))
    assert (drawn(0.0) != drawn(500.0)).any()
