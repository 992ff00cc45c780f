"""What is not finite has a look of its own in every mark and backend: hatched, and no colour, height or place."""

from dataclasses import replace

import numpy as np
import pytest

import dynviz
from dynviz.animation.alt import describe
from dynviz.animation.drawing import open_film
from dynviz.cells.canvas import CellCanvas
from dynviz.errors import DynvizError
from dynviz.film import Film
from dynviz.pixels import PixelCanvas
from dynviz.pixels.vector import Vector
from dynviz.projection.project import Wish, project
from dynviz.scene.hatching import gaps, stripes
from dynviz.scene.marks import Axis, Bars, Contours, Field, Line, Panel, Regions, Scene
from dynviz.scene.norm import Norm
from dynviz.scene.theme import theme

MLP = "landscape:model=mlp,data=shapes"
EXTENT = (0.0, 4.0, 0.0, 4.0)
VALUES = np.tile(np.array([np.nan, np.inf, 0.0, 1.0]), (4, 1))
"""The left half has no finite value."""
MARKS = {
    "field": Field(VALUES, EXTENT, Norm(0.0, 1.0)),
    "regions": Regions(np.where(np.isfinite(VALUES), VALUES, np.nan), EXTENT, ("lane0", "lane1")),
    "contours": Contours(VALUES, EXTENT, (0.5,)),
    "bars": Bars(np.array([1.0, 3.0]), np.array([np.nan, 2.0]), "lane0", width=2.0),
}


def scene(*marks):
    return Scene("", (Panel("", Axis((0.0, 4.0)), Axis((0.0, 4.0)), marks, square=True),), 0, 0)


def colors(pixels):
    return {tuple(color) for color in pixels.reshape(-1, 3).tolist()}


@pytest.mark.parametrize("look", ["light", "dark"])
@pytest.mark.parametrize("name", MARKS)
def test_what_is_not_finite_is_grey_stripes_on_the_ground_in_pixels(name, look):
    canvas = PixelCanvas(400, 300, look)
    picture = canvas.draw(scene(MARKS[name]))
    plot = canvas._painters[0].place.plot
    inner = picture[plot.top + 4 : plot.bottom - 4, plot.left + 4 : plot.left + plot.width // 2 - 6]
    greys = inner.reshape(-1, 3).astype(int)
    ground = np.array(theme(look).color("ground"))
    assert (np.ptp(greys - ground, axis=1) <= 24).all(), "something in it has a colour"
    assert 0.05 < (np.abs(greys - ground).max(axis=1) > 40).mean() < 0.6, "it is not hatched"


@pytest.mark.parametrize("name", MARKS)
def test_what_is_not_finite_is_dotted_and_named_in_cells(name):
    canvas = CellCanvas(80, 30)
    cells = canvas.draw(scene(MARKS[name]))
    plot = canvas.areas.places[0].plot
    left = cells.glyphs[plot.top : plot.bottom, plot.left : plot.left + plot.width // 2 - 1]
    assert ((left >= 0x2800) & (left < 0x2900)).mean() > 0.3
    assert "not finite" in cells.text()


@pytest.mark.parametrize("name", MARKS)
def test_what_is_not_finite_is_hatched_and_named_in_shapes(name):
    document = Vector(400, 300, theme("light")).svg(scene(MARKS[name]))
    assert ">not finite</text>" in document
    plain = Vector(400, 300, theme("light")).svg(scene(replace(MARKS[name], **finite(MARKS[name]))))
    assert "not finite" not in plain
    assert document.count("\nL ") > plain.count("\nL ") + 10


def finite(mark):
    """The same field, all of it finite."""
    name = next(name for name in ("values", "classes", "heights") if hasattr(mark, name))
    return {name: np.nan_to_num(getattr(mark, name), posinf=0.0)}


def test_a_line_has_a_gap_where_it_is_infinite():
    x, y = np.array([0.0, 1, 2, 3, 4]), np.array([1.0, 1, np.inf, 1, 1])
    same = replace(Line(x, y, "lane0"), y=np.where(np.isfinite(y), y, np.nan))
    one, other = (PixelCanvas(400, 300).draw(scene(mark)) for mark in (Line(x, y, "lane0"), same))
    assert np.array_equal(one, other)
    one, other = (CellCanvas(80, 30).draw(scene(mark)).text() for mark in (Line(x, y, "lane0"), same))
    assert one == other


def test_a_field_says_what_is_missing_in_words_of_its_own():
    field = replace(MARKS["field"], missing="diverged")
    assert "diverged" in CellCanvas(80, 30).draw(scene(field)).text()


def test_stripes_lie_where_values_are_missing_and_nowhere_else():
    mask = gaps(MARKS["field"], (Axis((0.0, 4.0)), Axis((0.0, 4.0))), (40, 40))
    points = stripes(mask, 5)
    points = points[np.isfinite(points).all(axis=1)].astype(int)
    assert mask[:, :20].all()
    assert not mask[:, 20:].any()
    assert mask[points[:, 1], points[:, 0]].all()


@pytest.fixture(scope="module")
def holed(tmp_path_factory):
    out = tmp_path_factory.mktemp("holed") / "run"
    return list(dynviz.run("surface:f='sqrt(x)+(y-1)**2',grid=16", ["sgd"], steps=2, out=out).recordings)


@pytest.mark.parametrize("view", ["path", "path:ground=heat", "surface3d"])
def test_a_landscape_with_holes_is_hatched_in_each_view_of_it(view, holed):
    last = open_film(holed, view).scene(2)
    assert "not finite" in CellCanvas(100, 40).draw(last).text()
    assert ">not finite</text>" in Vector(800, 600, theme("light")).svg(last)
    picture = PixelCanvas(800, 600).draw(last)
    assert not (np.abs(picture.astype(int) - theme("light").ramp("ordered")[0]).max(axis=-1) < 3).sum() > 2000


def test_words_for_those_who_cannot_see_it_say_how_much_is_not_finite():
    film = Film(np.array([0]), lambda _: scene(MARKS["field"]))
    assert "50 % not finite" in describe(film, [0])


def test_no_direction_leads_to_a_network_that_diverged(tmp_path):
    one, other = (
        next(iter(dynviz.run(MLP, [rule], steps=3, out=tmp_path / name, record=["parameters"]).recordings))
        for name, rule in (("a", "sgd:lr=0.01"), ("b", "sgd:lr=1e30"))
    )
    with pytest.raises(DynvizError, match="'sgd', which --to names, diverged"):
        project(one, Wish("between", dimensions=1, grid=3), [other])


def test_what_lies_outside_of_a_landscape_is_left_blank():
    outside = replace(MARKS["contours"], missing="")
    inside = replace(outside, values=np.nan_to_num(VALUES, posinf=0.0))
    assert not gaps(outside, (Axis((0.0, 4.0)), Axis((0.0, 4.0))), (40, 40)).size
    assert "not finite" not in CellCanvas(80, 30).draw(scene(outside)).text()
    assert "not finite" not in describe(Film(np.array([0]), lambda _: scene(outside)), [0])
    assert gaps(replace(outside, missing="not finite"), (Axis((0.0, 4.0)), Axis((0.0, 4.0))), (40, 40)).any()
    assert not gaps(inside, (Axis((0.0, 4.0)), Axis((0.0, 4.0))), (40, 40)).size
