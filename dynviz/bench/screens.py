"""What the player takes: of the processor for a frame of 200 x 60, and of time to start."""

import fcntl
import os
import pty
import select
import statistics
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np

from dynviz.bench import four_panels
from dynviz.bench.exports import recording
from dynviz.bench.figure import Figure
from dynviz.scene.marks import Axis, Field, Line, Panel, Scene
from dynviz.scene.norm import Norm

COLUMNS, ROWS = 200, 60
PATIENCE = 20.0
"""Seconds to wait for the player's first picture."""
UNIT = Axis((0.0, 1.0))
HEATS = [np.random.default_rng(seed).random((2 * ROWS, COLUMNS)) for seed in range(8)]


def field(step: int) -> Scene:
    """A heat map over the whole screen, another one at each step."""
    heat = Field(HEATS[step % len(HEATS)], (0, 1, 0, 1), Norm(0.0, 1.0), "signed")
    return Scene("field", (Panel("heat", UNIT, UNIT, (heat,)),), step, four_panels.STEPS)


def dashboard(step: int) -> Scene:
    """Four panels, and five long curves in a fifth."""
    scene = four_panels.scene(step)
    axes = Axis((0, four_panels.STEPS), label="step", whole=True), Axis((0.2, 0.9))
    curves = tuple(Line(four_panels.TIME, values, f"lane{k}", now=step) for k, values in enumerate(four_panels.LOSSES))
    return Scene(scene.title, (*scene.panels, Panel("loss", *axes, curves)), step, scene.steps)


def milliseconds(scene: Callable[[int], Scene], frames: int) -> float:
    """Of the processor, for what becomes of a scene until it is written to the terminal."""
    from dynviz.cells.canvas import CellCanvas
    from dynviz.cells.encode import Encoder
    from dynviz.scene.theme import theme

    canvas, encoder = CellCanvas(COLUMNS, ROWS), Encoder(theme("dark").palette(), "true")
    times = []
    for step in np.linspace(5000, four_panels.STEPS - 1, frames).astype(int).tolist():
        scene_now = scene(step)
        start = time.process_time()
        encoder.rows(canvas.draw(scene_now))
        times.append(time.process_time() - start)
    return 1e3 * statistics.median(times[2:])


def start_of_help() -> float:
    """Seconds until `dynviz --help` has ended."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-m", "dynviz", "--help"], stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start


def start_of_player(folder: Path) -> float | None:
    """Seconds until the player has drawn its first picture, in a terminal of its own; None where it does not."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    shown = str(recording(folder).folder)
    start = time.perf_counter()
    player = subprocess.Popen(
        [sys.executable, "-m", "dynviz", "play", shown, "--view", "curves"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"},
    )
    os.close(theirs)
    written = b""
    try:
        while time.perf_counter() - start < PATIENCE:
            if not select.select([ours], [], [], 0.01)[0]:
                continue
            with suppress(OSError):
                written += os.read(ours, 1 << 16)
            # The value of the loss stands in no other place than the picture.
            if b"1.00" in written:
                return time.perf_counter() - start
        return None
    finally:
        player.kill()
        player.wait()
        os.close(ours)


def figures(folder: Path, *, quick: bool) -> Iterator[Figure]:
    """Those of the terminal."""
    frames, starts = (10, 2) if quick else (40, 5)
    for name, scene, most in (("field", field, 8.0), ("dashboard of five panels", dashboard, 16.0)):
        yield Figure(
            f"player, {COLUMNS} x {ROWS}, {name}", "", milliseconds(scene, frames), "ms a frame", most, most=True
        )
    yield Figure("start of dynviz --help", "", min(start_of_help() for _ in range(starts)), "s", 0.3, most=True)
    seconds = [each for each in (start_of_player(folder) for _ in range(starts)) if each is not None]
    if seconds:
        yield Figure("start of the player", "", min(seconds), "s", 0.5, most=True)
    else:
        yield Figure("start of the player", skipped=f"it drew nothing within {PATIENCE:.0f} s", target=0.5, most=True)
