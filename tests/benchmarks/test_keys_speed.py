"""Wall-clock time from a key to the last of what the terminal gets for it, in a pseudo-terminal of 200 x 60.

`python -m tests.benchmarks.test_keys_speed` prints all of it, for one lane and for 512.
"""

import math
import re
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest

from tests.benchmarks.test_player_speed import COLUMNS, ROWS, Screen
from tests.recorded import record

pytestmark = pytest.mark.benchmark

KEYS = {"right": "\x1b[C", "left": "\x1b[D", "n": "n", "4": "4", "v": "v", "x": "x", "X": "X", "m": "m"}
KEYS |= {"?": "?", "l": "l", "palette": "\x10", "g": "g"}
OPENING = ("?", "l", "palette", "g", "m")
"""Keys that open what Escape closes."""
QUIET = 0.25
"""Seconds without output after which a picture is whole."""
GATE = 0.7
COUNTS = (1, 512)
"""Numbers of lanes."""
MOST = 30
"""Milliseconds of each key, of those that open dialogs too."""
LOCAL = {"SSH_CONNECTION": "", "SSH_TTY": ""}


class Timed(Screen):
    """Notes when output comes."""

    last = 0.0

    def take(self, data):
        self.last = time.perf_counter()
        super().take(data)


def settled(screen, began):
    """Seconds until the last output for a key; NaN where there was none within a second."""
    while (now := time.perf_counter()) < began + 5:
        last = screen.last
        if last > began and now - last > QUIET:
            return last - began
        if last <= began and now - began > 1:
            return math.nan
        time.sleep(0.001)
    raise AssertionError("the screen does not come to rest")


def pressed(screen, key):
    """Seconds from a key to its picture."""
    began = time.perf_counter()
    screen.send(key)
    return settled(screen, began)


def times(folder, rounds=7):
    """Milliseconds from each key to its picture: medians."""
    command = (sys.executable, "-m", "dynviz", "play", folder, "--at", 500)
    with Timed(*command, columns=COLUMNS, rows=ROWS, **LOCAL) as screen:
        end = time.perf_counter() + 20
        while not re.search(b"space.*quit", screen.words, re.DOTALL):
            assert time.perf_counter() < end, "the player does not start"
            time.sleep(0.01)
        time.sleep(2)
        found = {name: [] for name in (*KEYS, "escape")}
        for _ in range(rounds):
            for name, key in KEYS.items():
                found[name].append(pressed(screen, key))
                if name in OPENING:
                    found["escape"].append(pressed(screen, "\x1b"))
    return {key: 1e3 * float(np.nanmedian(seconds)) for key, seconds in found.items() if not np.isnan(seconds).all()}


def lanes(folder, count, steps=1_000):
    """A recording of a loss and of two parameters in so many lanes."""
    rng = np.random.default_rng(1)
    walks = np.cumsum(rng.normal(size=(steps + 1, count, 2)), axis=0).astype("f4")
    loss = np.exp(-np.linspace(0, 4, steps + 1))[:, None] * rng.uniform(0.5, 2, size=count)
    channels = {"loss": (1, loss.astype("f4")), "w": (1, walks)}
    surface = {"scenario": "surface:f=rosenbrock", "steps": steps, "seeds": tuple(range(count)), "views": ("scalars",)}
    return record(folder, channels, **surface)


@pytest.mark.parametrize("count", COUNTS)
def test_a_key_is_answered_at_once(count, tmp_path):
    found = times(lanes(tmp_path / "adamw", count).folder)
    print(f"\n{count} lanes: " + "  ".join(f"{key} {value:.0f}" for key, value in found.items()))
    assert max(found.values()) <= MOST / GATE


if __name__ == "__main__":
    for number in COUNTS:
        with tempfile.TemporaryDirectory() as made:
            for name, value in times(lanes(Path(made, "adamw"), number).folder).items():
                print(f"{number} lanes, {name}: {value:.0f} ms")
