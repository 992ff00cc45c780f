"""What a browser draws of scenes, against the pixels backend on the same page."""

import dataclasses

import numpy as np
import pytest

from dynviz.animation.drawing import open_film
from dynviz.scene.marks import Axis, Bars, Contours, Field, Line, Panel, Points, Scene
from dynviz.scene.norm import Norm
from tests.chromium import needs_chromium
from tests.plain_drawing import apart
from tests.recorded import KINDS, suiting
from tests.scenes import STEPS, every_mark
from tests.web_pages import drawn, in_pixels

pytestmark = needs_chromium
GRID = np.hypot(*np.meshgrid(np.linspace(-2, 2, 40), np.linspace(-2, 2, 40)))
HOLES = np.where(GRID < 0.7, np.nan, GRID)
PLANE = (Axis((-2.0, 2.0)), Axis((-2.0, 2.0)))
X = np.linspace(0, 10, 50)
MARKERS = ("dot", "ring", "cross", "star", "up", "down", "left", "right")


def alone():
    """Each mark by itself, and what is not in the scene with every mark."""
    for panel in every_mark(430).panels:
        for index, mark in enumerate(panel.marks):
            named = dataclasses.replace(mark, label="") if hasattr(mark, "label") else mark
            yield f"{panel.title} {index} {type(mark).__name__}", dataclasses.replace(panel, marks=(named,))
    square = Panel("p", *PLANE, (), square=True)
    for index, marker in enumerate(MARKERS):
        points = Points(
            np.linspace(-1.9, 1.9, 5), np.linspace(-1, 1, 5), "lane1", 9.0, marker, alpha=(1.0, 0.5)[index % 2]
        )
        yield f"marker {marker}", dataclasses.replace(square, marks=(points,))
    extent = (-2.0, 2.0, -2.0, 2.0)
    yield "holes", dataclasses.replace(square, marks=(Field(HOLES, extent, Norm(0.1, 3, "log"), "ordered"),))
    yield "bands", dataclasses.replace(square, marks=(Contours(GRID, extent, (0.5, 1.0, 1.5, 2.0), ramp="valley"),))
    levels = (0.5, 1.0, 1.5, 2.0, 50.0, 60.0)
    # As the one before, but for a level that is nowhere reached: other colours on the same image.
    yield "more bands", dataclasses.replace(square, marks=(Contours(GRID, extent, levels, ramp="valley"),))
    heights = np.array([1.0, np.nan, 3.0])
    yield "bars", Panel("p", Axis((0.0, 4.0)), Axis((0.0, 4.0)), (Bars(np.arange(1.0, 4.0), heights, "lane2"),))
    axes = Axis((1.0, 1000.0), "log"), Axis((1e-6, 1.0), "log")
    steps = np.geomspace(1, 1000, 60)
    broken = np.where(np.arange(60) % 20 == 10, np.nan, 1 / steps**2)
    yield "logarithmic", Panel("p", *axes, (Line(steps, broken, "lane0", now=40.0, dash="dotted"),))
    yield "before all", Panel("p", *axes, (Line(steps, broken, "lane0", now=0.0, dot=False, ghost=False),))


ALONE = {name: Scene("", (panel,), 0, 0) for name, panel in alone()}
EVERY = {f"every mark {step}": every_mark(step) for step in (0, 430, STEPS)}


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """What the browser draws of all scenes, and the scenes."""
    folder = tmp_path_factory.mktemp("scenes")
    scenes = {**ALONE, **EVERY}
    for name, kind in suiting():
        recordings = [KINDS[kind](folder / kind / f"rule{i}-{name}", label=f"rule{i}") for i in range(2)]
        film = open_film(recordings, name)
        scenes[f"{kind} {name}"] = film.scene(int(film.steps[len(film.steps) // 2]))
    return drawn(scenes, folder, ("dark",)), scenes


def test_every_view_of_every_scenario_is_drawn_as_pixels_are(seen):
    pages, scenes = seen
    worst = {}
    for name, scene in scenes.items():
        pixels, plots = pages[name, "dark"]
        theirs = in_pixels(scene, "dark").astype(int)
        assert pixels.shape == theirs.shape
        areas = [np.s_[plot.top : plot.bottom, plot.left : plot.right] for plot in plots]
        worst[name] = max((apart(pixels[area].astype(int), theirs[area]) > 64).mean() for area in areas)
    print(sorted(worst.items(), key=lambda item: -item[1])[:25])
    assert max(worst.values()) < 0.01
