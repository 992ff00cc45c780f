"""Scenes for the tests of backends and exporters: one with every mark, and a film of four panels."""

import numpy as np

from dynviz.film import Film
from dynviz.scene.marks import (
    Arrows,
    Axis,
    Band,
    Bars,
    Contours,
    Field,
    Line,
    Panel,
    Points,
    Readout,
    ReferenceLine,
    Regions,
    Scene,
    Text,
)
from dynviz.scene.norm import Norm

STEPS = 1000
TIME = np.arange(0, STEPS + 1, 5, dtype=np.float64)
FALL = 0.2 + 0.7 * np.exp(-TIME / 300)
SLOW = 0.3 + 0.6 * np.exp(-TIME / 600)
LOW, HIGH = FALL - 0.08, FALL + 0.08
TURN = np.stack([np.cos(TIME / 90), np.sin(TIME / 90)]) * (2 * np.exp(-TIME / 700))
EXTENT = (-2.0, 2.0, -2.0, 2.0)
_GRID = np.linspace(-2, 2, 40)
BOWL = np.hypot(*np.meshgrid(_GRID, _GRID))
CLASSES = np.add.outer(np.arange(8) // 2, np.arange(8) // 2) % 2
CENTERS = np.random.default_rng(1).uniform(-1.8, 1.8, (2, 30))
ROOTS = np.stack([grid.ravel() for grid in np.meshgrid(*[np.linspace(-1.6, 1.6, 6)] * 2)])
PULL = -0.25 * ROOTS
ORIGIN = np.zeros(1)
BAR_X = np.arange(1, 7, dtype=np.float64)
STEP_AXIS = Axis((0, STEPS), label="step", whole=True)
MAP = (Axis((-2.0, 2.0)), Axis((-2.0, 2.0)))


def heat(step: int) -> Panel:
    values = np.sin(BOWL * 3 - step / 100)
    moved = CENTERS + 0.1 * np.sin(step / 70)
    marks = (Field(values, EXTENT, Norm(-1, 1), "signed"), Points(moved[0], moved[1], "lane3", 4.0, label="centers"))
    return Panel("field", *MAP, marks, square=True)


def path(step: int) -> Panel:
    marks = (
        Regions(CLASSES, EXTENT, ("grid", "ground")),
        Contours(BOWL, EXTENT, (0.5, 1.0, 1.5)),
        Line(TURN[0], TURN[1], "lane0", "path", now=step, along=TIME),
        Points(ORIGIN, ORIGIN, "text", 6.0, "star"),
        Text(-1.9, 1.7, "start", "lane3"),
        Arrows(*ROOTS, *(PULL * (1.2 - step / STEPS)), "lane1", "pull"),
    )
    return Panel("path", *MAP, marks, square=True)


def curves(step: int) -> Panel:
    marks = (
        Band(TIME, LOW, HIGH, "lane0", now=step),
        Line(TIME, FALL, "lane0", "fast", now=step),
        Line(TIME, SLOW, "lane1", "slow", now=step, dash="dashed"),
        ReferenceLine(0.2, label="floor"),
    )
    value = f"{np.interp(step, TIME, FALL):.3f}"
    return Panel("loss", STEP_AXIS, Axis((0.1, 1.0)), marks, (Readout(value, "lane0"),))


def bars(step: int) -> Panel:
    heights = 0.6 + 0.4 * np.sin(BAR_X + step / 200)
    marks = (Bars(BAR_X, heights, "lane2"), ReferenceLine(3.5, vertical=True, color="text"))
    return Panel("values", Axis((0, 7), whole=True), Axis((0, 1.2)), marks)


def every_mark(step: int) -> Scene:
    panels = (heat(step), path(step), curves(step), bars(step))
    return Scene("every mark · test", panels, step, STEPS, (Readout("adamw", "lane0"), Readout("seed 1", "muted")))


def film() -> Film:
    return Film(TIME.astype(np.int64), every_mark)
