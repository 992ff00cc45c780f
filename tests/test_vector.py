"""Drawings of shapes against drawings of pixels, the former made pixels by librsvg."""

import base64
import dataclasses
import io
import re
import shutil
import subprocess
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from PIL import Image

from dynviz.animation.drawing import open_film
from dynviz.pixels import PixelCanvas
from dynviz.pixels.metrics import pixel_page
from dynviz.pixels.pen import Pen
from dynviz.pixels.vector import Vector
from dynviz.scene.marks import Axis, Band, Line, Panel, Points, Scene, Text
from dynviz.scene.theme import theme
from tests.plain_drawing import apart
from tests.recorded import KINDS
from tests.scenes import STEPS, every_mark

TOOL = shutil.which("rsvg-convert")
needs_tool = pytest.mark.skipif(TOOL is None, reason="rsvg-convert (librsvg2-bin) is not installed")
FONTS = "<fontconfig><dir>{}</dir><cachedir>{}</cachedir></fontconfig>"


@pytest.fixture(scope="module")
def rasterised(tmp_path_factory):
    """A function from a scene to pixels by way of shapes, written with the font that the pixels are written with."""
    folder = tmp_path_factory.mktemp("fonts")
    fonts = folder / "fonts.conf"
    fonts.write_text(FONTS.format(Path(matplotlib.get_data_path()) / "fonts" / "ttf", folder))

    def draw(scene, size, look):
        document = Vector(*size, theme(look)).svg(scene)
        env = {"FONTCONFIG_FILE": str(fonts), "HOME": str(folder)}
        done = subprocess.run([TOOL], input=document.encode(), capture_output=True, check=True, env=env)
        return np.asarray(Image.open(io.BytesIO(done.stdout)).convert("RGB")).astype(int)

    return draw


def assert_alike(rasterised, scene, look="light"):
    far = apart(PixelCanvas(800, 600, look).draw(scene).astype(int), rasterised(scene, (800, 600), look))
    letters = sum(map(len, re.findall(r">([^<]+)</text>", Vector(800, 600, theme(look)).svg(scene))))
    # librsvg rounds shares of colours in its own way, and places each letter so.
    assert np.where(far > 4, far, 0).mean() < 0.06 + 0.0004 * letters
    assert (far > 64).mean() < 0.0008


@needs_tool
@pytest.mark.parametrize("look", ["light", "dark"])
@pytest.mark.parametrize("step", [0, 430, STEPS])
def test_shapes_show_what_pixels_show(rasterised, look, step):
    scene = every_mark(step)
    assert_alike(rasterised, scene, look)


@needs_tool
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_shapes_show_what_pixels_show_in_every_view(rasterised, kind, tmp_path):
    recording = KINDS[kind](tmp_path / "adamw", steps=60, lanes=2)
    for view in recording.metadata.views:
        film = open_film([recording], view)
        scene = film.scene(int(film.steps[len(film.steps) // 2]))
        assert_alike(rasterised, scene)


def alone():
    """Each mark of every panel by itself, with a panel that names nothing."""
    for panel in every_mark(430).panels:
        for mark in panel.marks:
            named = dataclasses.replace(mark, label="") if hasattr(mark, "label") else mark
            yield pytest.param(dataclasses.replace(panel, marks=(named,)), id=type(mark).__name__.lower())


@needs_tool
@pytest.mark.parametrize("panel", list(alone()))
def test_each_mark_alone_has_the_same_pixels_as_shapes(rasterised, panel):
    scene, empty = (Scene("", (dataclasses.replace(panel, marks=marks),), 0, 0) for marks in (panel.marks, ()))
    ours, theirs = PixelCanvas(400, 300).draw(scene).astype(int), rasterised(scene, (400, 300), "light")
    touched = np.abs(ours - PixelCanvas(400, 300).draw(empty)).max(axis=-1) > 24
    touched |= np.abs(theirs - rasterised(empty, (400, 300), "light")).max(axis=-1) > 24
    assert touched.sum() > 20
    far = apart(ours, theirs)[touched]
    # librsvg spaces letters in its own way.
    most = (40, 0.2) if isinstance(panel.marks[0], Text) else (6, 0.02)
    assert far.mean() < most[0]
    assert (far > 64).mean() < most[1]


def drawn(*marks, x=(0.0, 10.0), y=(0.0, 10.0)):
    return Scene("", (Panel("p", Axis(x), Axis(y), marks),), 0, 0)


@needs_tool
def test_what_stands_at_the_edge_of_a_plot_is_whole(rasterised):
    x = np.linspace(0, 10, 50)
    scene = drawn(
        Line(x, np.zeros(50), "lane0", now=10.0, width=0.5), Points(np.zeros(1), np.full(1, 10.0), "lane1", 9.0)
    )
    plot = pixel_page(scene, Pen(400, 300)).places[0].plot
    picture = rasterised(scene, (400, 300), "light")
    for column, row, role in ((plot.right + 1, plot.bottom, "lane0"), (plot.left, plot.top - 3, "lane1")):
        assert np.abs(picture[row, column] - theme("light").color(role)).max() < 40, role


@needs_tool
def test_the_future_of_one_line_does_not_hide_the_past_of_another(rasterised):
    x = np.linspace(0, 10, 50)
    scene = drawn(Line(x, np.full(50, 5.0), "lane0", now=9.0), Line(x, np.full(50, 5.0), "lane1", now=1.0, width=3.0))
    assert_alike(rasterised, scene)


@needs_tool
@pytest.mark.parametrize("now", [-1.0, 2.0, 3.7, 12.0])
def test_a_band_ends_between_two_samples_as_its_line_does(rasterised, now):
    x = np.array([0.0, 2.0, 4.0, 8.0])
    scene = drawn(Band(x, x / 2, x / 2 + 3, "lane0", now=now), Line(x, x / 2 + 1.5, "lane0", now=now))
    assert_alike(rasterised, scene)


def test_a_field_is_as_fine_as_the_page_so_that_no_viewer_blurs_it():
    document = Vector(800, 600, theme("light")).svg(every_mark(0))
    sizes = [Image.open(io.BytesIO(data)).size for data in pictures(document)]
    assert len(sizes) == 2
    assert all(min(size) >= 200 for size in sizes)


def pictures(document):
    return [base64.b64decode(data) for data in re.findall(r"base64,([^\"]+)", document)]
