"""Trajectories of lanes over a plane, whole or as a fading tail."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from dynviz.charts.caption import Tag
from dynviz.charts.forks import without_past
from dynviz.charts.limits import drawable
from dynviz.charts.samples import index_at
from dynviz.recording import Recording
from dynviz.scene.decimate import evenly
from dynviz.scene.marks import Line, Points

FADES = (1.0, 0.55, 0.2)
"""Where the parts of a tail begin, as shares of its length before now."""
WIDTHS = (0.5, 1.0, 1.8)


@dataclass(frozen=True)
class Trail:
    """The trajectory of one lane.

    Attributes:
        line: All of it.
        tail: Of how many steps it is seen; 0: of all.
    """

    line: Line
    tail: int = 0

    def at(self, step: int) -> list[Line]:
        """The lines at a step, always equally many: the parts of a tail, the newest the widest, the rest a ghost."""
        if not self.tail or self.line.along is None:
            return [self.line.at(step)]
        now, along = index_at(self.line.along, step), self.line.along
        starts = [index_at(along, step - round(share * self.tail)) for share in FADES]
        parts = [(0, starts[0]), *zip(starts, [*starts[1:], now], strict=True)]
        before, *newer = (self._part(first, last) for first, last in parts)
        ghost = replace(before, now=-1.0, dot=False, label="", ghost=True)
        bold = [
            replace(part.at(step), width=width * self.line.width, ghost=False, dot=part is newer[-1])
            for part, width in zip(newer, WIDTHS, strict=True)
        ]
        return [ghost, *(part if part.dot else replace(part, label="") for part in bold)]

    def _part(self, first: int, last: int) -> Line:
        part = slice(first, last + 1)
        along = self.line.along
        return replace(
            self.line, x=self.line.x[part], y=self.line.y[part], along=None if along is None else along[part]
        )


def trails(recording: Recording, tag: Tag, lanes: int, tail: int = 0, begins: int = 0) -> list[Trail]:
    """The trajectories of so many lanes of a recording with positions on a plane, evenly spaced among all lanes.

    Args:
        recording: With the channel `position`.
        tag: Its colour and name.
        lanes: At most so many.
        tail: Of how many steps they are seen; 0: of all.
        begins: The first step that no other recording draws, see `dynviz.charts.forks`.
    """
    steps = recording.steps("position")
    position = without_past(recording["position"], steps, begins)
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


def starts(recordings: Sequence[Recording], lanes: int) -> Points:
    """Rings at the distinct starting points of so many of these recordings' lanes."""
    positions = [one["position"] for one in recordings]
    begins = np.concatenate(
        [position[0, evenly(position.shape[1], lanes)].astype(np.float64) for position in positions]
    )
    begins = np.unique(begins[np.isfinite(begins).all(axis=1)], axis=0)
    return Points(begins[:, 0], begins[:, 1], "text", 4.0, "ring")
