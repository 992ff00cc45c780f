"""Cells of 200 x 60 into rows for a terminal, beside the plain way: Segments, rendered by Textual.

`python -m tests.benchmarks.test_encode_speed` prints milliseconds and kilobytes a frame.
"""

import io
import statistics
import time

import numpy as np
import pytest
from rich.console import Console
from textual.strip import Strip

from dynviz.cells.cells import Cells
from dynviz.cells.encode import Encoder
from dynviz.player.strip import strips
from dynviz.scene.theme import theme

pytestmark = pytest.mark.benchmark

COLUMNS, ROWS, ROUNDS = 200, 60, 15
PALETTE = theme("dark").palette()
DEPTHS = ("true", "256", "16", "none")
CONSOLE = Console(file=io.StringIO(), force_terminal=True, color_system="truecolor", legacy_windows=False)


def field(*, smooth):
    """Half blocks all over, of 64 levels: no two pixels agree, or as a function of two variables looks."""
    y, x = np.mgrid[0 : 2 * ROWS, 0:COLUMNS]
    wave = (np.sin(x / 9) + np.cos(y / 7)) * 15 + 32
    noise = np.random.default_rng(0).integers(0, 64, (2 * ROWS, COLUMNS))
    levels = (wave if smooth else noise).astype(np.uint8)
    shape = (ROWS, COLUMNS)
    glyphs = np.full(shape, ord("▀"), np.uint32)
    return Cells(glyphs, levels[::2].copy(), levels[1::2].copy(), np.zeros(shape, bool), PALETTE)


def dashboard():
    """A field in one corner, braille over a third of the rest, titles."""
    rng = np.random.default_rng(1)
    cells = Cells.blank(COLUMNS, ROWS, PALETTE)
    drawn = rng.random((ROWS, COLUMNS)) < 0.3
    cells.glyphs[drawn] = 0x2801 + rng.integers(0, 200, drawn.sum())
    cells.ink[drawn] = rng.integers(130, 136, drawn.sum())
    whole = field(smooth=True)
    corner = np.s_[1:25, :60]
    for name in ("glyphs", "ink", "ground"):
        getattr(cells, name)[corner] = getattr(whole, name)[corner]
    cells.glyphs[0], cells.bold[0] = ord("t"), True
    return cells


SCENES = {"free field": field(smooth=False), "smooth field": field(smooth=True), "dashboard": dashboard()}


def milliseconds(work):
    """Processor time, the median."""
    work()
    times = []
    for _ in range(ROUNDS):
        before = time.process_time()
        work()
        times.append(time.process_time() - before)
    return 1e3 * statistics.median(times)


def encoded(cells, encoder):
    """As if every row were new; what was encoded last is kept."""
    encoder._last = [], []
    return [strip.render(CONSOLE) for strip in strips(cells, encoder)]


def plain(cells, encoder):
    return [Strip(encoder.segments(cells, row), COLUMNS).render(CONSOLE) for row in range(ROWS)]


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize(("scene", "limit"), [("free field", 3.0), ("smooth field", 3.0), ("dashboard", 2.0)])
def test_a_frame_is_encoded_in_time(scene, limit, depth):
    cells, encoder = SCENES[scene], Encoder(PALETTE, depth)
    # Other work on the machine makes a median of one batch too long now and then.
    assert min(milliseconds(lambda: encoded(cells, encoder)) for _ in range(3)) < limit / 0.7


def test_it_is_several_times_as_fast_as_segments():
    cells, encoder = SCENES["smooth field"], Encoder(PALETTE, "true")
    ratios = [
        milliseconds(lambda: plain(cells, encoder)) / milliseconds(lambda: encoded(cells, encoder)) for _ in range(3)
    ]
    assert statistics.median(ratios) > 8


if __name__ == "__main__":
    for name, cells in SCENES.items():
        for depth in DEPTHS:
            encoder = Encoder(PALETTE, depth)
            size = sum(len(row.encode()) for row in encoder.rows(cells)) / 1e3
            times = milliseconds(lambda: encoded(cells, encoder)), milliseconds(lambda: plain(cells, encoder))  # noqa: B023
            print(f"{name:12} {depth:4}  {times[0]:5.2f} ms  {size:6.1f} kB   Segments {times[1]:5.1f} ms")
