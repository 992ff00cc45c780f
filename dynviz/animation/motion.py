"""How much a film moves from step to step, measured on its scenes."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.film import Film
from dynviz.scene.decimate import evenly
from dynviz.scene.marks import Arrows, Axis, Bars, Field, Line, Mark, Panel, Points, Regions, Scene
from dynviz.scene.norm import LEVELS
from dynviz.scene.scales import fractions

Floats: TypeAlias = NDArray[np.float64]

LOOKS = 61
"""Scenes of a film that are compared at most: more would take longer than drawing its frames."""
WINDOW = 3
"""Scenes over which places are averaged, so that what jumps to and fro does not count as moving."""
NOTICED = 0.02
"""A film moves if something in it crosses at least this share of its panel, or a field changes by it in the mean."""
STEP = "step"


def moves(film: Film, steps: NDArray[np.int64]) -> Floats | None:
    """How far the picture moves between neighbouring steps [steps - 1], or None for one that hardly moves.

    A move is the largest over the marks of all panels: of what stands for a lane, the mean distance of its points as a
    share of the plane's diagonal; of a field, the mean change as a share of its colours. Curves over steps move only
    as time does, and count for nothing.

    Args:
        film: The film.
        steps: Some of its steps, ascending.
    """
    looked = steps[evenly(len(steps), LOOKS)]
    if len(looked) < 3:
        return None
    scenes = [film.scene(int(step)) for step in looked]
    columns = _columns(scenes)
    if not columns:
        return None
    largest: Floats = np.max(columns, axis=0)
    if largest.sum() < NOTICED:
        return None
    # Between two scenes that were compared, the move is taken to be even.
    covered = np.concatenate([[0.0], np.cumsum(largest)])
    moved: Floats = np.diff(np.interp(steps, looked, covered))
    return moved


def _columns(scenes: Sequence[Scene]) -> list[Floats]:
    """The moves of each mark that has some: [scenes - 1]."""
    columns = []
    for index, panel in enumerate(scenes[0].panels):
        if panel.x.label == STEP:
            continue
        panels = [scene.panels[index] for scene in scenes]
        for place in range(min(len(panel.marks) for panel in panels)):
            marks = [panel.marks[place] for panel in panels]
            if len({type(mark) for mark in marks}) == 1:
                changes = _changes(marks) if isinstance(marks[0], Field | Regions) else _distances(panels[0], marks)
                columns += [] if changes is None else [changes]
    return columns


def _changes(marks: Sequence[Mark]) -> Floats | None:
    """The mean change of a field or of classes from scene to scene."""
    colors = [_colors(mark) for mark in marks]
    if len({one.shape for one in colors}) > 1:
        return None
    return np.array([0.0 if one is other else float(np.abs(one - other).mean()) for one, other in pairwise(colors)])


def _colors(mark: Mark) -> Floats:
    """What a field shows, from 0 to 1, or the classes of a map."""
    if isinstance(mark, Field):
        return mark.norm.levels(mark.values) / (LEVELS - 1)
    return np.nan_to_num(np.asarray(mark.classes, np.float64)) if isinstance(mark, Regions) else np.zeros(0)


def _distances(panel: Panel, marks: Sequence[Mark]) -> Floats | None:
    """How far a mark moves from scene to scene, at most the plane's diagonal; None for one that does not move."""
    states = [_state(panel, mark) for mark in marks]
    first = states[0]
    if first is None or not first.size or any(state is None or state.shape != first.shape for state in states):
        return None
    ways = np.diff(_smooth(np.array(states)), axis=0)
    far = np.abs(ways) if ways.ndim == 2 else np.hypot(ways[..., 0], ways[..., 1])
    known = np.isfinite(far)
    total = np.where(known, np.minimum(far, 1.0), 0.0).sum(axis=1)
    distances: Floats = total / np.maximum(known.sum(axis=1), 1)
    return distances


def _state(panel: Panel, mark: Mark) -> Floats | None:
    """The places [points, 2] of a mark, where the plane's diagonal is 1, or its heights; None where none can change."""
    x, y = panel.x, panel.y
    if isinstance(mark, Points):
        return _places(x, y, mark.x, mark.y)
    if isinstance(mark, Arrows):
        return _places(x, y, mark.x + mark.dx, mark.y + mark.dy)
    if isinstance(mark, Bars):
        return fractions(y, mark.heights)
    if isinstance(mark, Line) and mark.along is None and mark.now is None:
        return fractions(y, mark.y)
    if isinstance(mark, Line) and mark.along is not None and mark.now is not None and len(mark.x):
        at = max(int(np.searchsorted(mark.along, mark.now, side="right")) - 1, 0)
        return _places(x, y, mark.x[at : at + 1], mark.y[at : at + 1])
    return None


def _places(x: Axis, y: Axis, across: Any, upward: Any) -> Floats:
    places: Floats = np.stack([fractions(x, across), fractions(y, upward)], axis=-1) / np.sqrt(2)
    return places


def _smooth(states: Floats) -> Floats:
    """The mean of neighbouring scenes [scenes, ...]; the first and the last stay."""
    smooth = states.copy()
    if len(states) >= WINDOW:
        smooth[1:-1] = (states[:-2] + states[1:-1] + states[2:]) / WINDOW
    return smooth
