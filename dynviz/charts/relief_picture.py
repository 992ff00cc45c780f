"""A relief as marks: the surface, trajectories on it, and balls with a rim."""

from collections.abc import Callable, Sequence
from dataclasses import field, replace
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from dynviz.charts.limits import finite
from dynviz.charts.relief import Camera, Relief
from dynviz.charts.samples import index_at
from dynviz.frozen import frozen
from dynviz.scene.decimate import evenly
from dynviz.scene.marks import Axis, Contours, Line, Mark, Marker, Points
from dynviz.scene.terrain import Terrain

Array: TypeAlias = NDArray[Any]
Made = TypeVar("Made")

THIN, CASING, COMET, WIDTHS = 1.15, 0.9, (60, 25), (1.7, 2.3)
"""Widths of a trajectory and of its dark border, lengths in steps of the wider parts of its end, and their widths."""
BALL, RIM = 7.0, 3.0
"""Size of a ball, and what the rim around it adds."""
RING, EDGE, TOGETHER = 5.0, 1.0, 0.012
"""By how much a ball is larger than one that lies on it, what the rim adds to that, and how near they then are."""
LEFT, RIGHT = 0.12, 0.92
"""Where the picture is on its axes: between whole numbers."""
MARGIN = 0.08
"""Around the picture there is room for the words of its own axes."""
HIDDEN = 0.33
"""How solid what is behind a hill is."""
TRAJECTORY = 1 << 17
"""Samples of a trajectory that are placed on the surface, at most: each is looked up in it."""


def orbiting(camera: Camera, last: int, make: Callable[[Camera], Made]) -> Callable[[int], Made]:
    """What is made for the direction of a camera, by the step; only the newest is kept.

    Args:
        camera: At the first step.
        last: The step at the end of its orbit.
        make: Makes it.
    """
    kept: dict[float, Made] = {}

    def at(step: int) -> Made:
        turned = camera.turned(step / max(last, 1))
        if turned.azimuth not in kept:
            made = make(turned)
            kept.clear()
            kept[turned.azimuth] = made
        return kept[turned.azimuth]

    at(0)
    return at


def box_axes(picture: "ReliefPicture", meaning: str = "") -> tuple[Axis, Axis]:
    """The axes of a panel that holds a picture and the words of its own axes; `meaning` says what its heights are."""
    left, right, bottom, top = picture.box
    x = Axis((left - 1.25 * MARGIN, right + 0.75 * MARGIN), whole=True)
    return x, Axis((bottom - MARGIN, top + MARGIN / 4), label=meaning, whole=True)


def balls(at: Array, color: str) -> tuple[Points, Points]:
    """Balls at places [places, 2] of the picture, and a rim around each."""
    there = at[np.isfinite(at).all(axis=1)]
    return Points(there[:, 0], there[:, 1], "rim", BALL + RIM), Points(there[:, 0], there[:, 1], color, BALL)


def nested(heads: Sequence[tuple[Points, Points]]) -> list[Points]:
    """The balls of several recordings, one a recording: what would be hidden by another is a ring around it."""
    marks: list[Points] = []
    for place, (rim, ball) in enumerate(heads):
        more = RING * sum(_together(ball, other) for _, other in heads[place + 1 :])
        lies = any(_together(ball, other) for _, other in heads[:place])
        around = EDGE if lies else rim.size - ball.size
        marks += [replace(rim, size=ball.size + more + around), replace(ball, size=ball.size + more)]
    return marks


def _together(one: Points, other: Points) -> bool:
    """Whether two lone balls are at one place."""
    if len(one.x) != 1 or len(other.x) != 1:
        return False
    return bool(np.hypot(one.x[0] - other.x[0], one.y[0] - other.y[0]) < TOGETHER)


@frozen
class ReliefTrail:
    """A lane's trajectory on a surface: wide at its end, with a dark border, and faint behind hills.

    Attributes:
        seen: What is in front.
        behind: What is hidden.
    """

    seen: Line
    behind: Line | None
    _end: dict[int, list[Line]] = field(default_factory=dict, repr=False, compare=False)

    def at(self, step: int) -> list[Line]:
        """The lines at a step."""
        along: Array = np.asarray(self.seen.along)
        now = index_at(along, step)
        if now not in self._end:
            self._end.clear()
            self._end[now] = self._newer(step, now, along)
        casing = replace(self.seen, color="casing", width=THIN + CASING, alpha=0.6)
        behind = [] if self.behind is None else [self.behind.at(step)]
        return [*behind, casing.at(step), self.seen.at(step), *self._end[now]]

    def _newer(self, step: int, now: int, along: Array) -> list[Line]:
        """The parts of the last steps."""
        parts = [slice(index_at(along, step - back), now + 1) for back in COMET]
        return [
            replace(self.seen, x=self.seen.x[part], y=self.seen.y[part], along=along[part], width=width)
            for part, width in zip(parts, WIDTHS, strict=True)
        ]


class ReliefPicture:
    """A relief as marks, and places of the plane in it."""

    def __init__(self, relief: Relief, extent: tuple[float, float, float, float]) -> None:
        self._relief = relief
        self._extent = np.array(extent)
        rows, columns = relief.heights.shape
        # A steep look at a tall box is no longer than wide: its picture fits between two whole numbers, too.
        wide = (RIGHT - LEFT) * min(1.0, columns / rows)
        self.box = (LEFT, LEFT + wide, LEFT, LEFT + wide * rows / columns)

    def ground(self) -> list[Mark]:
        """The surface; where it has no height it is hatched."""
        relief = self._relief
        marks: list[Mark] = [Terrain(relief.heights, relief.light, relief.lines, relief.walls, self.box)]
        if relief.unknown.any():
            marks.append(Contours(np.where(relief.unknown, np.nan, 0.0), self.box, ()))
        return marks

    def place(self, points: Array) -> tuple[Array, NDArray[np.bool_]]:
        """Where points [points, 2] of the plane are in the picture, NaN outside the domain, and which are hidden."""
        left, right, bottom, top = self._extent
        middle, half = np.array([left + right, bottom + top]) / 2, np.array([right - left, top - bottom]) / 2
        seen, hidden = self._relief.place((points.astype(np.float64) - middle) / half)
        return self._shown(seen), hidden

    def seen(self, points: Array) -> Array:
        """Where points [points, 2] of the plane are in the picture, those at its edge too."""
        left, right, bottom, top = self._extent
        # Rounding must not put the edge outside.
        return self.place(points.clip([left, bottom], [right, top]))[0]

    def arrows(self) -> dict[Marker, Marker]:
        """Where an arrow points that leaves the domain through each of its edges."""
        ways: dict[Marker, tuple[float, float]] = {"left": (-1, 0), "right": (1, 0), "down": (0, -1), "up": (0, 1)}
        return {edge: self._arrow(way) for edge, way in ways.items()}

    def _arrow(self, way: tuple[float, float]) -> Marker:
        across, upward, _ = self._relief.camera.project(np.array([*way, 0.0]))
        if abs(across) > abs(upward):
            return "right" if across > 0 else "left"
        return "up" if upward > 0 else "down"

    def spot(self, points: Array) -> Array:
        """Where points [points, 3] of the box are in the picture."""
        return self._shown(self._relief.camera.project(points)[:, :2])

    def _shown(self, seen: Array) -> Array:
        low_u, high_u, low_v, high_v = self._relief.frame
        share = (seen - [low_u, low_v]) / [high_u - low_u, high_v - low_v]
        left, right, bottom, top = self.box
        return np.asarray(np.array([left, bottom]) + share * [right - left, top - bottom])

    def trajectory(self, steps: Array, positions: Array, color: str) -> "ReliefTrail":
        """A trajectory through positions [samples, 2] of the plane, on the surface."""
        drawn = evenly(len(steps), TRAJECTORY)
        steps, positions = steps[drawn], positions[drawn]
        points, hidden = self.place(np.where(finite(positions), positions, np.nan))
        seen, behind = (np.where((hidden == side)[:, None], points, np.nan) for side in (False, True))
        line = Line(seen[:, 0], seen[:, 1], color, along=steps, width=THIN, ghost=False, dot=False)
        back = replace(line, x=behind[:, 0], y=behind[:, 1], width=THIN / 1.5, alpha=HIDDEN)
        return ReliefTrail(line, back if np.isfinite(behind).any() else None)

    def heads(self, lanes: int, color: str) -> Callable[[Array], tuple[Points, Points]]:
        """A function of positions [samples, lanes, 2]: where so many lanes are now, and a rim around each."""

        def heads(past: Array) -> tuple[Points, Points]:
            now = past[-1, evenly(past.shape[1], lanes)]
            return balls(self.place(np.where(finite(now), now, np.nan))[0], color)

        return heads
