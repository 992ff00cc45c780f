"""Trajectories of lanes over a plane, in full or as a fading tail."""

from collections.abc import Callable, Sequence
from dataclasses import field, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.charts.caption import Tag
from dynviz.charts.exits import Exits
from dynviz.charts.forks import without_past
from dynviz.charts.ground import plane
from dynviz.charts.limits import drawable
from dynviz.charts.samples import Latest, index_at, lined
from dynviz.frozen import frozen
from dynviz.recording import Recording
from dynviz.scene.decimate import evenly
from dynviz.scene.direct_label import DirectLabel
from dynviz.scene.marks import Line, Points

Array: TypeAlias = NDArray[Any]

FADES = (1.0, 0.55, 0.2)
"""Where the parts of a tail begin, as shares of its length before now."""
WIDTHS = (0.5, 1.0, 1.8)
COMET = 60
"""Steps that the bright end of a trajectory is long."""
COMET_STARTS = (1.0, 0.6, 0.25)
"""Where its parts begin, as shares of its length before now."""
COMET_WIDTHS = (0.6, 0.75, 0.95, 1.15)
COMET_ALPHAS = (0.4, 0.6, 0.8, 1.0)
"""Of what is older, and of its parts."""


@frozen
class Trail:
    """The trajectory of one lane.

    Attributes:
        line: The whole trajectory.
        tail: The number of recent steps that are visible; 0 for all.
    """

    line: Line
    tail: int = 0
    _end: dict[int, list[Line]] = field(default_factory=dict, repr=False, compare=False)

    def at(self, step: int) -> list[Line]:
        """The lines at a step, always as many: the parts of a tail, widest at the newest, and a ghost of the rest."""
        along = self.line.along
        if along is None:
            return [self.line.at(step)]
        if not self.tail:
            return self._comet(step, along)
        now = index_at(along, step)
        starts = [index_at(along, step - round(share * self.tail)) for share in FADES]
        parts = [(0, starts[0]), *zip(starts, [*starts[1:], now], strict=True)]
        before, *newer = (self._part(first, last) for first, last in parts)
        ghost = replace(before, now=-1.0, dot=False, label="", ghost=True)
        bold = [
            replace(part.at(step), width=width * self.line.width, ghost=False, dot=part is newer[-1])
            for part, width in zip(newer, WIDTHS, strict=True)
        ]
        return [ghost, *(part if part.dot else replace(part, label="") for part in bold)]

    def _comet(self, step: int, along: Array) -> list[Line]:
        """All of the past, thin and faint, and over it the last steps, the newer the wider and the more solid."""
        now = index_at(along, step)
        whole = replace(self.line.at(step), width=COMET_WIDTHS[0] * self.line.width, alpha=COMET_ALPHAS[0])
        if now not in self._end:
            self._end.clear()
            self._end[now] = self._newer(step, along)
        return [whole, *self._end[now]]

    def _newer(self, step: int, along: Array) -> list[Line]:
        """The parts of the last steps; all of each is past, for the dot is that of the whole."""
        now = index_at(along, step)
        starts = [index_at(along, step - round(share * COMET)) for share in COMET_STARTS]
        looks = zip(starts, [*starts[1:], now], COMET_WIDTHS[1:], COMET_ALPHAS[1:], strict=True)
        return [
            replace(self._part(first, last), width=width * self.line.width, dot=False, alpha=alpha, label="")
            for first, last, width, alpha in looks
        ]

    def _part(self, first: int, last: int) -> Line:
        part = slice(first, last + 1)
        along = self.line.along
        return replace(
            self.line, x=self.line.x[part], y=self.line.y[part], along=None if along is None else along[part]
        )


def trails(recording: Recording, tag: Tag, lanes: int, tail: int = 0, begins: int = 0) -> list[Trail]:
    """The trajectories of some lanes of a recording, evenly spaced among all lanes.

    Args:
        recording: A recording with the channel `position`.
        tag: Its colour and name.
        lanes: The maximum number of lanes.
        tail: The number of recent steps that are visible; 0 for all.
        begins: The first step that no other recording draws; see `dynviz.charts.forks`.
    """
    steps, position = lined(recording, "position")
    position = without_past(position, steps, begins)
    drawn = evenly(position.shape[1], lanes)
    width = 1.5 if len(drawn) == 1 else 1.0
    return [
        Trail(
            Line(
                drawable(position[:, lane, 0], "linear"),
                drawable(position[:, lane, 1], "linear"),
                tag.color,
                tag.name if lane == 0 else "",
                along=steps,
                dash=tag.dash,
                width=width,
            ),
            tail,
        )
        for lane in drawn
    ]


def exits(recording: Recording, tag: Tag) -> Exits:
    """Where the lanes of a recording with positions on a plane leave it."""
    name = tag.name or recording.label
    steps, places = lined(recording, "position")
    return Exits(places, steps, plane(recording)[:2], color=tag.color, name=name)


def label(recording: Recording, tag: Tag, place: Callable[[Array], Array] | None = None) -> Latest[DirectLabel]:
    """The name of a recording at its first lane, which is nowhere while that is outside.

    Args:
        recording: With the channel `position`.
        tag: Its colour and name.
        place: Where places [places, 2] of the plane are in a picture in perspective.
    """
    axes = plane(recording)[:2]

    def at(past: Array) -> DirectLabel:
        now = past[-1, :1].astype(np.float64)
        inside = all(min(axis.limits) <= value <= max(axis.limits) for axis, value in zip(axes, now[0], strict=True))
        x, y = (now if place is None else place(now))[0].tolist() if inside else (float("nan"), float("nan"))
        return DirectLabel(x, y, tag.name, tag.color)

    return Latest(recording, "position", at)


def starts(recordings: Sequence[Recording], lanes: int) -> Points:
    """Dots at the distinct starting points of some of these recordings' lanes."""
    positions = [one["position"] for one in recordings]
    begins = np.concatenate(
        [position[0, evenly(position.shape[1], lanes)].astype(np.float64) for position in positions]
    )
    begins = np.unique(begins[np.isfinite(begins).all(axis=1)], axis=0)
    return Points(begins[:, 0], begins[:, 1], "text", 3.0)
