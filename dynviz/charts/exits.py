"""Where lanes leave the picture: an arrow at its edge, and who left and when."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.charts.limits import HUGE
from dynviz.charts.numbers import significant
from dynviz.charts.samples import index_at
from dynviz.frozen import frozen
from dynviz.scene.marks import Axis, Marker, Points, Text
from dynviz.scene.scales import fractions, values

Array: TypeAlias = NDArray[Any]
Floats: TypeAlias = NDArray[np.float64]
Spot: TypeAlias = Callable[[Floats], Floats]

ARROWS: Mapping[Marker, Marker] = {side: side for side in ("left", "right", "down", "up")}
"""An arrow for each edge of a map."""
SIZE = 7.0


@frozen
class Exit:
    """A lane that is outside.

    Attributes:
        place: Where it left, in data coordinates.
        edge: Through which edge; a cross where it became NaN inside.
        step: The first at which it was outside.
    """

    place: tuple[float, float]
    edge: Marker
    step: int


def leaving(name: str, count: int, of: int, exit: Exit) -> str:  # noqa: A002
    """What has happened to some lanes of a recording, in words.

    >>> leaving("sgd", 1, 1, Exit((0, 1), "up", 3)), leaving("sgd", 2, 8, Exit((0, 1), "up", 3))
    ('sgd left at step 3', '2 of 8 runs of sgd left, the first at step 3')
    """
    what = "diverged" if exit.edge == "cross" else "left"
    step = significant(exit.step, 9)
    if of == 1:
        return f"{name} {what} at step {step}".strip()
    lanes = f"{count} of {of} runs" if count < of else f"all {of} runs"
    first = "the first at" if count > 1 else "at"
    return f"{lanes}{f' of {name}' if name else ''} {what}, {first} step {step}"


class Exits:
    """The arrows and words of the lanes of one recording that are outside at a step; nothing where none ever is."""

    def __init__(
        self, places: Array, steps: NDArray[np.int64], axes: tuple[Axis, Axis], *, color: str, name: str
    ) -> None:
        """Find the lanes that are outside at any step.

        Args:
            places: [samples, lanes, 2] in data coordinates.
            steps: [samples].
            axes: Horizontal and vertical; what a logarithmic one is too low for is inside.
            color: Of the recording.
            name: Of the recording.
        """
        self._steps, self._axes, self._color, self._name = steps, axes, color, name
        self._count = places.shape[1]
        lanes = np.flatnonzero(~_inside(places, axes).all(axis=0))
        self._places = places[:, lanes].astype(np.float64)
        inside = _inside(self._places, axes)
        index = np.where(inside, np.arange(len(steps), dtype=np.int32)[:, None], np.int32(-1))
        # Of each sample the last one before it at which the lane was inside; a lane that never was cannot leave.
        self._before = np.maximum.accumulate(index, axis=0) if len(steps) else index
        self._exits: dict[tuple[int, int], Exit] = {}
        ever = len(steps) > 0 and bool(((self._before >= 0) & ~inside).any())
        self._inside = inside if ever else np.ones((len(steps), 0), np.bool_)
        self._last: tuple[list[Exit], tuple[Points | Text, ...]] | None = None

    @property
    def any(self) -> bool:
        """Whether a lane is outside at any step."""
        return bool(self._inside.size)

    def at(
        self, step: int, arrows: Mapping[Marker, Marker] = ARROWS, spot: Spot | None = None, *, said: bool = True
    ) -> tuple[Points | Text, ...]:
        """The marks at a step.

        Args:
            step: Which.
            arrows: Where the arrow of each edge points.
            spot: Where places [places, 2] are in a picture in perspective.
            said: Whether it is said in words, too.
        """
        if not self.any:
            return ()
        out = self.outside(step)
        if self._last is None or self._last[0] != out:
            self._last = out, self._marks(out, arrows, spot, said=said)
        return self._last[1]

    def outside(self, step: int) -> list[Exit]:
        """The lanes that are outside at a step, the first to leave first."""
        if not self.any:
            return []
        sample = index_at(self._steps, step)
        lanes = np.flatnonzero(~self._inside[sample] & (self._before[sample] >= 0))
        exits = [self._exit(int(self._before[sample, lane]), int(lane)) for lane in lanes]
        return sorted(exits, key=lambda one: one.step)

    def words(self, step: int) -> str:
        """Who left and when; nothing where all are inside."""
        out = self.outside(step)
        return leaving(self._name, len(out), self._count, out[0]) if out else ""

    def _marks(
        self, out: Sequence[Exit], arrows: Mapping[Marker, Marker], spot: Spot | None, *, said: bool
    ) -> tuple[Points | Text, ...]:
        at = np.array([one.place for one in out]).reshape(-1, 2)
        at = spot(at) if spot is not None else at
        marks: list[Points | Text] = []
        for edge, marker in (*arrows.items(), ("cross", "cross")):
            chosen = np.array([one.edge == edge for one in out], dtype=np.bool_)
            marks.append(Points(at[chosen, 0], at[chosen, 1], self._color, SIZE, marker))
        words = leaving(self._name, len(out), self._count, out[0]) if said and out else ""
        x, y = at[0].tolist() if len(out) else (0.0, 0.0)
        return (*marks, Text(x, y, words, self._color, "beside"))

    def _exit(self, before: int, lane: int) -> Exit:
        if (before, lane) not in self._exits:
            here, there = self._places[before, lane], self._places[before + 1, lane]
            self._exits[before, lane] = _crossing(here, there, self._axes, int(self._steps[before + 1]))
        return self._exits[before, lane]


def _inside(places: Array, axes: tuple[Axis, Axis]) -> NDArray[np.bool_]:
    """Which places [..., 2] axes show."""
    inside = np.ones(places.shape[:-1], np.bool_)
    for part, axis in enumerate(axes):
        low, high = sorted(axis.limits)
        with np.errstate(invalid="ignore"):
            inside &= (places[..., part] <= high) & (places[..., part] >= (-HUGE if axis.scale == "log" else low))
    return inside


def _crossing(here: Floats, there: Floats, axes: tuple[Axis, Axis], step: int) -> Exit:
    """Where the straight way from a place inside to one outside leaves the plot."""
    if np.isnan(there).any():
        return Exit((float(here[0]), float(here[1])), "cross", step)
    there = np.clip(there, -HUGE, HUGE)
    # As drawn: 0 to 1 along each axis.
    begin, end = (
        np.array([float(fractions(axis, at)) for axis, at in zip(axes, place, strict=True)]) for place in (here, there)
    )
    begin = np.nan_to_num(begin, nan=0.0).clip(0, 1)
    way = end - begin
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = np.where(way > 0, (1 - begin) / way, np.where(way < 0, -begin / way, np.inf))
    first = int(shares.argmin())
    edges: tuple[tuple[Marker, Marker], ...] = (("left", "right"), ("down", "up"))
    at = (begin + min(float(shares[first]), 1.0) * way).clip(0, 1)
    x, y = (float(values(axis, share)) for axis, share in zip(axes, at, strict=True))
    return Exit((x, y), edges[first][int(way[first] > 0)], step)
