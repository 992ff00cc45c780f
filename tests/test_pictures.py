"""What pictures must not get wrong: colours, ends of axes, lanes that leave, words over words."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from dynviz import plugins
from dynviz.animation.alt import describe
from dynviz.animation.drawing import open_film
from dynviz.animation.export import animate
from dynviz.cells.canvas import CellCanvas
from dynviz.charts import limits
from dynviz.charts.exits import Exits
from dynviz.layout.plot_words import PlotWords
from dynviz.pixels import PixelCanvas
from dynviz.scene.direct_label import DirectLabel
from dynviz.scene.marks import Axis, Line, Panel, Points, ReferenceLine, Scene, Text
from dynviz.scene.scales import fractions
from dynviz.scene.theme import contrast, theme
from tests.lettering import overlaps, page, words
from tests.recorded import KINDS, record, sensing, suiting, surface, voronoi

SIZES = [((80, 24), True), ((120, 40), True), ((400, 300), False), ((640, 480), False)]
both = pytest.mark.parametrize("backend", ["cells", "pixels"])


def decoded(file):
    """The frames of a file [frames, height, width, 3]."""
    with Image.open(file) as picture:
        frames = []
        for index in range(picture.n_frames):
            picture.seek(index)
            frames.append(np.asarray(picture.convert("RGB")))
    return np.stack(frames).astype(int)


def close(pixels, rgb, within=4):
    return (np.abs(pixels - np.array(rgb)).max(axis=-1) <= within).sum()


def over(look, role, share):
    ground, color = (np.array(theme(look).color(name), float) for name in ("ground", role))
    return (ground + share * (color - ground)).round()


@pytest.mark.parametrize("look", ["light", "dark"])
def test_a_small_file_shows_lanes_and_their_futures_in_their_own_colours(look, tmp_path):
    recordings = [surface(tmp_path / ("rule" + "s" * index), label=f"rule{index}") for index in range(4)]
    file = animate(
        recordings, tmp_path / "a.gif", view="curves", frames=2, quality="small", theme=look, size=(640, 480)
    )
    first, last = decoded(file)
    for index in range(4):
        role = f"lane{index}"
        assert close(last, theme(look).color(role)) > 60
        assert close(first, over(look, role, theme(look).future(role))) > 60


@pytest.mark.parametrize("look", ["light", "dark"])
def test_a_small_file_shows_classes_in_levels_of_their_ramp_alone(look, tmp_path):
    recordings, more = [voronoi(tmp_path / "a", every=5)], {"quality": "small", "size": (640, 480), "theme": look}
    file = animate(recordings, tmp_path / "a.gif", frames=4, **more)
    shown = (
        page(open_film([voronoi(tmp_path / "b")], "benchmark").scene(400), (640, 480), cells=False)[1].places[0].plot
    )
    # The first frame is both the start and the end.
    plot = decoded(file)[1:, shown.top : shown.bottom, shown.left : shown.right]
    ramp = theme(look).ramp("classes").astype(int)
    nearest = np.abs(plot[..., None, :] - ramp).max(axis=-1).min(axis=-1)
    assert (nearest <= 12).mean() > 0.98


@both
def test_each_cloud_goes_from_the_ground_to_the_colour_of_its_lanes(backend, tmp_path):
    recordings = [surface(tmp_path / f"rule{index}", lanes=200, label=f"rule{index}") for index in range(3)]
    scene = open_film(recordings, "cloud").scene(300)
    if backend == "pixels":
        pixels = PixelCanvas(960, 540).draw(scene).astype(int)
        places = page(scene, (960, 540), cells=False)[1].places
        for index, place in enumerate(places[:3]):
            plot = pixels[place.plot.top : place.plot.bottom, place.plot.left : place.plot.right]
            counts = [close(plot, theme("light").color(f"lane{other}"), 20) for other in range(3)]
            assert int(np.argmax(counts)) == index
        return
    canvas = CellCanvas(160, 56, "light")
    cells = canvas.draw(scene)
    for index, place in enumerate(getattr(canvas, "areas", canvas).places[:3]):
        part = np.s_[place.plot.top : place.plot.bottom, place.plot.left : place.plot.right]
        shown = np.concatenate([cells.palette[cells.ink[part]], cells.palette[cells.ground[part]]]).astype(int)
        counts = [close(shown, theme("light").color(f"lane{other}"), 40) for other in range(3)]
        assert int(np.argmax(counts)) == index


@pytest.mark.parametrize("look", ["light", "dark"])
def test_classes_and_terms_have_no_colour_of_a_lane(look):
    lanes = {theme(look).color(f"lane{index}") for index in range(8)}
    roles = [f"class{index}" for index in range(6)]
    roles += [f"term.{term}" for term in ("gradient", "momentum", "preconditioning", "decay")]
    colors = [theme(look).color(role) for role in roles]
    assert not lanes & set(colors)
    for color in colors:
        assert contrast(color, theme(look).color("ground")) >= 3


def test_a_picture_of_many_classes_has_no_colour_of_a_lane(tmp_path):
    recording = voronoi(tmp_path / "a")
    shares = np.random.default_rng(0).uniform(size=(21, 1, 6, 8, 4))
    channels = {"prediction": (20, shares), "loss": (1, np.ones((401, 1)))}
    many = record(tmp_path / "b", channels, scenario="voronoi", steps=400, facts={"extent": [-100, 100, -100, 100]})
    panel = open_film([recording, many], "benchmark").scene(400).panels[1]
    assert {role for mark in panel.marks for role in getattr(mark, "colors", ())} == {f"class{n}" for n in range(4)}


@pytest.mark.parametrize("view", ["path", "curves", "surface3d"])
def test_pictures_of_some_steps_end_with_them(view, tmp_path):
    scene = open_film([surface(tmp_path / "a", steps=300)], view, until=120).scene(120)
    assert scene.steps == 120
    curves = [panel for panel in scene.panels if panel.x.label == "step"]
    assert curves
    assert all(panel.x.limits == (0, 120) for panel in curves)
    said = [text for text, *_ in words(scene, (640, 480), cells=False)]
    assert "step 120 of 120" in said


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("scale", ["auto", "log"])
def test_what_hardly_moves_is_a_flat_line(scale, sign):
    if scale == "log" and sign < 0:
        return
    values = sign * np.linspace(99.0, 99.6, 50)[:, None]
    axis = limits.axis([values], scale)
    heights = fractions(axis, values[:, 0])
    assert np.ptp(heights) < 0.05
    moving = sign * np.linspace(50.0, 99.6, 50)[:, None]
    assert np.ptp(fractions(limits.axis([moving], scale), moving[:, 0])) > 0.3


@pytest.mark.parametrize(("make", "channel"), [(voronoi, "loss"), (sensing, "relative_error"), (surface, "loss")])
@pytest.mark.parametrize("lanes", [1, 5])
def test_a_value_is_that_of_the_dot(make, channel, lanes, tmp_path):
    recordings = [make(tmp_path / name, lanes=lanes, steps=3000) for name in ("a", "bb")]
    film = open_film(recordings, f"curves:channels={channel}")
    for step in (777, 1501, 3000):
        panel = film.scene(step).panels[0]
        labels = [mark for mark in panel.marks if isinstance(mark, DirectLabel)]
        lines = {mark.color: mark for mark in panel.marks if isinstance(mark, Line) and mark.dot}
        assert len(labels) == 2
        for label, readout in zip(labels, panel.readouts, strict=True):
            line = lines[label.color]
            assert label.x == line.now
            assert label.y == line.y[list(line.x).index(line.now)]
            assert label.value == readout.text


def leaving(folder, way, loss, **more):
    """A recording of one lane that goes this way [samples, 2] over a plane, with a loss of the same size."""
    x, y = np.meshgrid(np.linspace(-1, 1, 20), np.linspace(-1, 1, 20))
    way = np.array(way, dtype=float)
    channels = {
        "loss": (1, np.array(loss)[:, None]),
        "position": (1, way[:, None]),
        "landscape": (0, (x**2 + y**2)[None, None]),
    }
    facts = {"domain": [-1.0, 1.0, -1.0, 1.0]}
    return record(folder, channels, scenario="surface", steps=len(way) - 1, facts=facts, **more)


OUT = (
    [(0, 0.5), (0.2, 0.5), (0.8, 0.5), (3.2, 0.9), (80, 9), (np.inf, np.inf), (np.nan, np.nan)],
    [0.5, 0.4, 0.45, 1e4, 1e20, np.inf, np.nan],
)
STAY = [(0, 0.5), (0.1, 0.4), (0.1, 0.3), (0.1, 0.2), (0.1, 0.1), (0, 0.1), (0, 0.05)], np.linspace(0.5, 0.2, 7)


@pytest.mark.parametrize("view", ["path", "surface3d", "curves"])
@both
def test_a_lane_that_leaves_has_an_arrow_at_the_edge_and_a_word(view, backend, tmp_path):
    recordings = [leaving(tmp_path / "sgd", *OUT, label="sgd"), leaving(tmp_path / "adam", *STAY, label="adam")]
    film = open_film(recordings, view)
    size, cells = ((120, 40), True) if backend == "cells" else ((640, 480), False)
    before = [text for text, *_ in words(film.scene(2), size, cells=cells)]
    assert not any("left" in text for text in before)
    for step in (3, 4, 6):
        scene = film.scene(step)
        said = [text for text, *_ in words(scene, size, cells=cells)]
        assert said.count("sgd left at step 3") == len(scene.panels)
        panel = (scene.from_above() if cells else scene).panels[0]
        arrows = [
            mark for mark in panel.marks if isinstance(mark, Points) and mark.marker in ("up", "right", "left", "down")
        ]
        assert [len(mark.x) for mark in arrows if len(mark.x)] == [1]
        if not panel.perspective:
            (arrow,) = [mark for mark in arrows if len(mark.x)]
            wanted = (0.9, 1.0) if view == "curves" else (0.95, 1.0)
            edge = fractions(panel.y, arrow.y) if view == "curves" else fractions(panel.x, arrow.x)
            assert wanted[0] <= edge[0] <= wanted[1]
    if cells:
        assert any(sign in CellCanvas(*size).draw(film.scene(6)).text() for sign in "▲▶▼◀")
    else:
        pixels = PixelCanvas(*size).draw(film.scene(6)).astype(int)
        assert close(pixels, theme("light").color("lane0")) > 30
    assert "sgd left at step 3" in describe(film, [0, 6])


def test_a_lane_that_comes_back_has_no_arrow_and_one_that_is_lost_inside_a_cross(tmp_path):
    way = np.array([[[0.0, 0.0]], [[0.0, 1.5]], [[0.2, 0.1]], [[np.nan, np.nan]]])
    axes = (Axis((-1, 1)), Axis((-1, 1)))
    exits = Exits(way, np.arange(4), axes, color="lane0", name="sgd")
    assert [exits.words(step) for step in range(4)] == ["", "sgd left at step 1", "", "sgd diverged at step 3"]
    (up,) = [mark for mark in exits.at(1) if isinstance(mark, Points) and len(mark.x)]
    assert (up.marker, up.x[0], up.y[0]) == ("up", 0.0, 1.0)
    (cross,) = [mark for mark in exits.at(3) if isinstance(mark, Points) and len(mark.x)]
    assert (cross.marker, cross.x[0], cross.y[0]) == ("cross", 0.2, 0.1)


def test_of_many_lanes_it_is_said_how_many_left_and_when_the_first(tmp_path):
    recording = surface(tmp_path / "a", steps=20, lanes=3, lost=0)
    scene = open_film([recording], "path").scene(20)
    (text,) = [mark.text for mark in scene.panels[0].marks if isinstance(mark, Text) and "left" in mark.text]
    assert text.startswith("1 of 3 runs of adamw left, at step ")


def test_futures_are_seen_on_dark_ground(tmp_path):
    recordings = [surface(tmp_path / ("rule" + "s" * index), label=f"rule{index}") for index in range(3)]
    scene = open_film(recordings, "curves").scene(0)
    pixels = PixelCanvas(640, 480, "dark").draw(scene).astype(int)
    look = theme("dark")
    for index in range(3):
        ghost = over("dark", f"lane{index}", look.future(f"lane{index}"))
        assert close(pixels, ghost) > 60
        assert contrast(tuple(int(value) for value in ghost), look.color("ground")) >= 3


def labelled(count, *, square, spread):
    """A panel of so many labelled dots at a place, or apart."""
    labels = tuple(
        DirectLabel(0.5 + spread * index, 0.5 - spread * index, f"rule{index}", f"lane{index}", "0.12", "0.00")
        for index in range(count)
    )
    return Panel("a", Axis((0.0, 1.0)), Axis((0.0, 1.0)), labels, square=square)


@pytest.mark.parametrize(("size", "cells"), SIZES)
@pytest.mark.parametrize("square", [True, False])
@pytest.mark.parametrize("count", [1, 2, 5, 8])
@pytest.mark.parametrize("spread", [0.0, 0.01, 0.04])
def test_labels_stand_beside_their_dots_and_not_over_each_other(size, cells, square, count, spread):
    scene = Scene("t", (labelled(count, square=square, spread=spread),), 1, 2)
    assert overlaps(words(scene, size, cells=cells)) == []
    shown = page(scene, size, cells=cells)[1]
    placed = PlotWords(shown.places[0], shown.metrics).at(scene.panels[0])
    texts = [one.words.text for one in placed]
    if count <= 5:
        assert len(texts) == count
    elif spread == 0:
        assert texts == ["rule0, rule1 +6"]
    assert all(f"rule{index}" in " ".join(texts) or "+" in " ".join(texts) for index in range(count))


@pytest.mark.parametrize(("size", "cells"), SIZES)
@pytest.mark.parametrize("lowest", [0.0, 0.004, 0.02, 0.5, 0.96])
@pytest.mark.parametrize("apart", [0.02, 0.1, 0.17])
def test_labels_right_of_curves_stand_in_the_order_of_the_curves(size, cells, lowest, apart):
    """One at the edge of a plot does not step over its neighbours, in small panels either."""
    heights = [height for count in range(3) if (height := lowest + apart * count) <= 1]
    labels = tuple(
        DirectLabel(1.0, height, f"rule{index}", f"lane{index}", "0.12", "0.00") for index, height in enumerate(heights)
    )
    axis = Axis((0.0, 1.0))
    scene = Scene("t", tuple(Panel(name, axis, axis, labels) for name in "abcd"), 1, 2)
    shown = page(scene, size, cells=cells)[1]
    for place, panel in zip(shown.places, scene.panels, strict=False):
        placed = sorted(PlotWords(place, shown.metrics).at(panel), key=lambda one: -one.baseline)
        names = [one.words.text.split()[0] for one in placed]
        assert names == sorted(names)


def test_the_name_of_a_line_stands_where_curves_do_not_cross_it():
    x = np.linspace(0, 1, 200)
    curve = Line(x, np.where(x > 0.5, 0.53, 0.1), "lane0")
    marks = (ReferenceLine(0.5, "text", label="true"), curve)
    scene = Scene("t", (Panel("a", Axis((0.0, 1.0)), Axis((0.0, 1.0)), marks),), 1, 2)
    for size, cells in SIZES:
        shown = page(scene, size, cells=cells)[1]
        plot = shown.places[0].plot
        ((_, left, top, right, bottom),) = [box for box in words(scene, size, cells=cells) if box[0] == "true"]
        columns = plot.left + x * plot.width
        rows = plot.bottom - curve.y * plot.height
        beneath = (columns >= left) & (columns <= right)
        assert not ((rows[beneath] > top) & (rows[beneath] < bottom)).any()


def test_words_over_lines_have_a_border_of_the_ground():
    x = np.linspace(0, 1, 50)
    grid = tuple(Line(x, np.full(50, height), "lane1", width=3.0) for height in np.linspace(0, 1, 40))
    bare = Panel("a", Axis((0.0, 1.0)), Axis((0.0, 1.0)), grid)
    scene = Scene("t", (replace(bare, marks=(*grid, Text(0.5, 0.5, "here", "text", "center"))),), 1, 2)
    before, after = (PixelCanvas(400, 300).draw(one).astype(int) for one in (Scene("t", (bare,), 1, 2), scene))
    ((_, left, top, right, bottom),) = [box for box in words(scene, (400, 300), cells=False) if box[0] == "here"]
    part = np.s_[int(top) : int(bottom), int(left) : int(right)]
    ink = close(after[part], theme("light").ink("text"), 60)
    lines = [close(image[part], theme("light").color("lane1"), 30) for image in (before, after)]
    assert ink > 20
    assert lines[1] < lines[0] / 5
    cells = CellCanvas(80, 24, "light").draw(scene)
    row, column = np.argwhere(cells.glyphs == ord("h"))[-1]
    assert (cells.ground[row, column : column + 4] == 0).all()
    assert (cells.glyphs[row, [column - 1, column + 4]] == ord(" ")).all()


@pytest.mark.parametrize(("name", "kind"), suiting())
def test_no_words_lie_over_others(kind, name, tmp_path):
    recordings = [KINDS[kind](tmp_path / f"rule{i}", label=f"rule{i}") for i in range(2)]
    film = plugins.load("views", name).target(recordings)
    for step in {int(film.steps[0]), int(film.steps[len(film.steps) // 3]), int(film.steps[-1])}:
        for size, cells in SIZES:
            assert overlaps(words(film.scene(step), size, cells=cells)) == []


def test_the_name_of_a_point_of_a_curve_keeps_off_curves_and_is_not_said_beside_its_line_again():
    name, x, share = "sgd momentum 0", np.array([0.0, 0.5, 1.0]), np.linspace(0, 1, 500)
    steep = Line(0.52 + 0.08 * share, share, "lane1")
    for label, texts in (("", [name]), (name, [])):
        own = Line(x, np.array([1.0, 0.5, 1.0]), "lane0", label)
        panel = Panel("loss", Axis((0.0, 1.0)), Axis((0.0, 1.0)), (own, steep, Text(0.5, 0.5, name, "lane0", "beside")))
        (place,) = page(Scene("", (panel,), 0, 0), (400, 300), cells=False)[1].places
        metrics = page(Scene("", (panel,), 0, 0), (400, 300), cells=False)[1].metrics
        placed = PlotWords(place, metrics).at(panel)
        assert [one.words.text for one in placed] == texts
        for one in placed:
            across, up = place.plot.left + steep.x * place.plot.width, place.plot.bottom - steep.y * place.plot.height
            inside = (across > one.left) & (across < one.left + metrics.measure(name, one.words.font))
            assert not (inside & (up < one.baseline) & (up > one.baseline - 8)).any()
