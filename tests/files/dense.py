"""Scenes that fill a terminal, for measuring how the player does."""

from typing import Literal

import numpy as np

from dynviz.film import Film
from dynviz.scene.marks import Axis, Field, Line, Panel, Points, Readout, Scene
from dynviz.scene.norm import Norm

STEPS, FIELDS = 10_000, 100
TIME = np.arange(STEPS + 1, dtype=np.float64)
_RANDOM = np.random.default_rng(0)
LOSSES = 0.3 + 0.5 * np.exp(-TIME / (1500 + 400 * np.arange(5)[:, None]))
LOSSES = LOSSES + 0.01 * _RANDOM.normal(size=LOSSES.shape)
CENTERS = _RANDOM.uniform(-2, 2, (2, 50))
_GRID = np.linspace(-2, 2, 120)
FAR = np.hypot(*np.meshgrid(_GRID, _GRID)).astype(np.float32)
WAVES = np.stack([np.sin(4 * FAR - 6.28 * k / FIELDS) for k in range(FIELDS)])
AXIS, STEP_AXIS = Axis((-2.0, 2.0)), Axis((0, STEPS), label="step", whole=True)


def field(step: int, title: str = "field", square: bool = False) -> Panel:
    x, y = CENTERS + 0.2 * np.sin(step / 300)
    marks = (Field(WAVES[step // 5 % FIELDS], (-2, 2, -2, 2), Norm(-1, 1), "signed"), Points(x, y, "text", 4.0))
    return Panel(title, AXIS, AXIS, marks if square else marks[:1], square=square)


def lines(step: int, title: str = "loss", count: int = 5) -> Panel:
    marks = tuple(Line(TIME, LOSSES[k], f"lane{k}", f"lane {k}", now=step) for k in range(count))
    return Panel(title, STEP_AXIS, Axis((0.2, 0.9)), marks, (Readout(f"{LOSSES[0, step]:.3f}", "lane0"),))


def panels(step: int, kind: str) -> tuple[Panel, ...]:
    if kind == "field":
        return (field(step),)
    if kind == "lines":
        return (lines(step),)
    maps = (field(step, "adamw", square=True), field(step + 250, "adamw-l1", square=True))
    return (*maps, *(lines(step, title, 2) for title in ("loss", "offset", "scale")))


def view(recordings, *, kind: Literal["field", "dashboard", "lines"] = "dashboard") -> Film:
    """Open it; the recordings only say what made the picture."""
    return Film(np.arange(STEPS + 1), lambda step: Scene("dense", panels(step, kind), step, STEPS))
