"""Panels on the faithfulness of a projection: the distance of a trajectory from its line or plane, and the losses."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dynviz.charts import caption, limits
from dynviz.charts.curves import Curve, Moving, panel
from dynviz.charts.moving import MovingPanel, step_axis, union
from dynviz.charts.numbers import percent
from dynviz.charts.samples import index_at, need
from dynviz.errors import DynvizError
from dynviz.frozen import frozen
from dynviz.recording import Recording
from dynviz.recording import projections as stored
from dynviz.recording.projections import Projection, Trajectory
from dynviz.scene.marks import Axis, Dash, Line, Mark, Panel, Points, Readout
from dynviz.text import quoted

OFF: tuple[tuple[float, Dash, float, float], ...] = (
    (0.1, "solid", 1.5, 1.0),
    (0.5, "dashed", 1.0, 0.6),
    (1.1, "dotted", 0.5, 0.3),
)
"""Dash, width and opacity of a trajectory, by how far off the plane it is, as a share of its extent."""


RANDOM = ("filter", "gaussian")
"""Directions that know nothing of the way, of which they explain next to nothing: nothing is measured against them."""


@frozen
class Shown:
    """A trajectory of a projection, with its colour and name in the film."""

    path: Trajectory
    color: str
    name: str


def explained(drawn: Sequence[Projection], paths: Sequence[Shown]) -> tuple[Readout, ...]:
    """How much of the ways is within lines or planes; nothing of random ones."""
    if all(projection.about.directions in RANDOM for projection in drawn):
        return ()
    place = "plane" if drawn[0].plane else "line"
    shares = [percent(one.path.explained) for one in paths]
    return tuple(
        Readout(f"has {share} of its path in the {place}", one.color, one.name)
        if one.name
        else Readout(f"{share} of the path is in the {place}", one.color)
        for share, one in zip(shares, paths, strict=True)
    )


def projections(view: str, recordings: Sequence[Recording], name: str, *, plane: bool) -> list[Projection]:
    """A projection of each recording: the named one, else the newest plane or line.

    Raises:
        DynvizError: A recording has none.
    """
    need(view, recordings, "parameters")
    return [_projection(view, recording, name, plane=plane) for recording in recordings]


def _projection(view: str, recording: Recording, name: str, *, plane: bool) -> Projection:
    kind, other = ("plane", "line") if plane else ("line", "landscape")
    if name:
        projection = stored.load(recording.folder, name)
        if projection.plane != plane:
            raise DynvizError(
                f"projection {name} of {quoted(recording.label)} is not a {kind}; draw it with view {other}"
            )
        return projection
    newest = stored.newest(recording.folder, kind, recording.chosen)
    if newest:
        return stored.load(recording.folder, newest)
    extra = "" if plane else " --line"
    raise DynvizError(
        f"view {view} needs a projection onto a {kind}, which recording {quoted(recording.label)} does not have; "
        f"make one with: dynviz project {recording.source}{extra}"
    )


def shown(recordings: Sequence[Recording], projections: Sequence[Projection]) -> list[list[Shown]]:
    """The trajectories of each projection: those of the recordings in their colours, others in additional ones."""
    names = caption.names(recordings)
    count = len(recordings)
    rows = []
    for index, projection in enumerate(projections):
        own, *others = projection.paths
        name = names[index] if len(recordings) > 1 or others else ""
        # Of several lanes it is one's: its name has the seed.
        name = projection.about.paths[0] if len(recordings[index].seeds) > 1 else name
        row = [Shown(own, caption.color(index), name)]
        for path, label in zip(others, projection.about.paths[1:], strict=True):
            row.append(Shown(path, caption.color(count), label))
            count += 1
        rows.append(row)
    return rows


def meters(
    recordings: Sequence[Recording], projections: Sequence[Projection], paths: Sequence[Shown]
) -> list[MovingPanel]:
    """Two panels: the true and the projected loss, and the distance of the trajectory from the line or plane."""
    x = step_axis(recordings)
    place = "plane" if projections[0].plane else "line"
    losses = []
    for one in paths:
        path, alone = one.path, len(paths) == 1
        # Beside one trajectory its shadow is grey; of several each has its own's colour.
        words = ("true", f"on the {place}") if alone else (one.name, "")
        shadow = "muted" if alone else one.color
        losses.append(Curve(path.steps, path.loss[0][:, None], one.color, label=words[0]))
        losses.append(Curve(path.steps, path.shadow[0][:, None], shadow, "dashed", words[1]))
    title = "loss, true and projected" if len(paths) == 1 else f"loss (dashed: projected onto the {place})"
    return [panel(title, losses, x), _off(f"distance from the {place}", paths, x)]


def _off(title: str, paths: Sequence[Shown], x: Axis) -> MovingPanel:
    y = Axis((0.0, 1.05))
    curves = [Curve(one.path.steps, one.path.share[:, None], one.color, label=one.name) for one in paths]
    moving = Moving(curves, y)

    def at(step: int) -> Panel:
        readouts = tuple(
            Readout(
                percent(float(curve.values[index_at(curve.x, step), 0])),
                curve.color,
                curve.label,
                "100.0 %",
                labelled=True,
            )
            for curve in curves
        )
        return Panel(title, x, y, moving.at(step), readouts)

    return MovingPanel(union([curve.x for curve in curves]), at)


class Fading:
    """A projected trajectory: solid on the line or plane, dashed near it, dotted away from it."""

    def __init__(self, one: Shown, x: NDArray[np.float64], y: NDArray[np.float64]) -> None:
        """Split the trajectory into solid, dashed and dotted parts.

        Args:
            one: The trajectory.
            x: Its horizontal coordinates [samples].
            y: Its vertical coordinates [samples].
        """
        path = one.path
        self._level = np.searchsorted([most for most, *_ in OFF[:-1]], path.share, side="right")
        self._x, self._y, self._steps, self._color = x, y, path.steps, one.color
        self._lines: list[Line] = []
        for level, (_, dash, width, _) in enumerate(OFF):
            own = self._level == level
            # With the sample before each part, so that the parts join.
            seen = own | np.append(own[1:], False)
            if own.any():
                self._lines += self._halo(seen, level)
                self._lines.append(
                    Line(
                        np.where(seen, x, np.nan),
                        limits.drawable(np.where(seen, y, np.nan), "linear"),
                        one.color,
                        along=path.steps,
                        dash=dash,
                        width=width,
                        dot=False,
                    )
                )

    def _halo(self, seen: NDArray[np.bool_], level: int) -> list[Line]:
        """A border in the ground's colour, so that a trajectory stands out from any heat map."""
        if level:
            return []
        x, y = np.where(seen, self._x, np.nan), np.where(seen, self._y, np.nan)
        return [Line(x, y, "ground", along=self._steps, width=OFF[0][2] + 2.0, ghost=False, dot=False)]

    def at(self, step: int) -> tuple[Mark, ...]:
        """The marks at a step."""
        return (*(line.at(step) for line in self._lines), self.here(step))

    def here(self, step: int) -> Points:
        """The dot at a step."""
        index = index_at(self._steps, step)
        place = slice(index, index + 1)
        return Points(self._x[place], self._y[place], self._color, 6.0, alpha=OFF[self._level[index]][3])
