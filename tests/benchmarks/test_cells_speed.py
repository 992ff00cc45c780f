"""Scenes as cells of 200 x 60, beside the plain way: look at each cell alone and give it a style of its own.

`python -m tests.benchmarks.test_cells_speed` prints milliseconds of CPU a frame.
"""

import statistics
import time

import numpy as np
import pytest
from rich.color import Color
from rich.segment import Segment
from rich.style import Style

from dynviz.cells.canvas import CellCanvas
from dynviz.scene.marks import Axis, Field, Line, Panel, Scene
from dynviz.scene.norm import Norm
from dynviz.scene.theme import theme
from tests.benchmarks.four_panels import scene as four_panels
from tests.benchmarks.pairs import ratio

pytestmark = pytest.mark.benchmark

SIZE = (200, 60)
STEPS = 10_000
TIME = np.arange(STEPS, dtype=np.float64)
_RANDOM = np.random.default_rng(0)
NOISY = [0.3 + 0.5 * np.exp(-TIME / (1500 + 400 * k)) + 0.03 * _RANDOM.normal(size=STEPS) for k in range(5)]
HEATS = [_RANDOM.random((120, 200)) for _ in range(8)]
UNIT = Axis((0.0, 1.0))
NORM = Norm(0.0, 1.0)


def field(step):
    heat = Field(HEATS[step % 8], (0, 1, 0, 1), NORM, "signed")
    return Scene("field", (Panel("heat", UNIT, UNIT, (heat,)),), step, STEPS)


def five_lines(step):
    lines = tuple(Line(TIME, values, f"lane{k}", f"lane {k}", now=step) for k, values in enumerate(NOISY))
    axes = Axis((0, STEPS), label="step", whole=True), Axis((0.2, 0.9))
    return Scene("lines", (Panel("loss", *axes, lines),), step, STEPS)


def dashboard(step):
    scene = four_panels(step)
    return Scene(scene.title, (*scene.panels, five_lines(step).panels[0]), step, STEPS)


def plain_field(step):
    """One style for each cell."""
    ramp = theme("dark").ramp("signed")
    colors = ramp[NORM.levels(HEATS[step % 8])][::-1]
    rows = []
    for row in range(SIZE[1]):
        line = []
        for column in range(SIZE[0]):
            upper, lower = colors[2 * row, column], colors[2 * row + 1, column]
            line.append(Segment("▀", Style(color=Color.from_rgb(*upper), bgcolor=Color.from_rgb(*lower))))
        rows.append(line)
    return rows


def plain_lines(step):
    """Each point of each line by itself into a dictionary of dots, as plots of a terminal mostly do it."""
    dots = {}
    for values in NOISY:
        last = None
        for x, y in zip(TIME[: step + 1].tolist(), values.tolist(), strict=False):
            here = int(x / STEPS * 400), int((0.9 - y) / 0.7 * 240)
            for row in range(min(here[1], last or here[1]), max(here[1], last or here[1]) + 1):
                cell = here[0] // 2, row // 4
                dots[cell] = dots.get(cell, 0) | 1 << (here[0] % 2 * 4 + row % 4)
            last = here[1]
    return [Segment(chr(0x2800 + bits), Style(color=Color.from_rgb(0, 114, 178))) for bits in dots.values()]


def drawing(scene):
    """A function that draws a few steps of a film, and how many."""
    canvas = CellCanvas(*SIZE)
    scenes = [scene(step) for step in np.linspace(5000, STEPS - 1, 8).astype(int).tolist()]

    def draw():
        for each in scenes:
            canvas.draw(each)

    return draw, len(scenes)


def milliseconds(scene):
    draw, count = drawing(scene)
    draw()
    times = []
    for _ in range(15):
        start = time.process_time()
        draw()
        times.append((time.process_time() - start) / count)
    return 1e3 * statistics.median(times)


@pytest.mark.parametrize(("scene", "plain", "least"), [(field, plain_field, 150), (five_lines, plain_lines, 70)])
def test_a_scene_becomes_cells_many_times_as_fast_as_cell_by_cell(scene, plain, least):
    draw, count = drawing(scene)
    found = count * ratio(draw, lambda: plain(7500) and None, pairs=5)
    print(f"\n{scene.__name__}: {found:.0f} times as fast, {milliseconds(scene):.2f} ms a frame")
    assert found >= 0.7 * least


def test_a_dashboard_leaves_most_of_a_frame_to_the_terminal():
    found = milliseconds(dashboard)
    print(f"\nfive panels: {found:.2f} ms a frame")
    assert found <= 6 / 0.7


if __name__ == "__main__":
    for each in (field, five_lines, dashboard):
        print(f"{each.__name__:12} {milliseconds(each):6.2f} ms")
