"""Level sets in preconditioned coordinates, for a diagonal and for a full matrix."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.charts import caption
from dynviz.charts.ground import extent_of, facts_of, heights, need_plane
from dynviz.charts.limits import drawable, finite
from dynviz.charts.moving import MovingPanel, film
from dynviz.charts.numbers import significant
from dynviz.charts.samples import has, index_at, lane_of, lined, missing, need
from dynviz.charts.series import series
from dynviz.charts.whitening import Root, curvatures, gathered, own
from dynviz.errors import DynvizError
from dynviz.film import Film
from dynviz.recording import Recording
from dynviz.scene.marks import Axis, Contours, Line, Mark, Panel, Points, Readout
from dynviz.scene.scales import pixel_centers

Array: TypeAlias = NDArray[Any]

CELLS = 96
"""Rows and columns at which the landscape is looked up in other coordinates."""
ROOM = 1.35
"""How much wider than the trajectory the picture is."""


def view(recordings: Sequence[Recording], *, lane: int = 0, levels: int = 8, power: float = 0.5) -> Film:
    """Coordinates are z = S^-1 (x - center), where S S is the preconditioner, scaled to preserve areas.

    In them the optimizer does plain gradient descent, and where the level sets are round it goes straight to the
    center. A diagonal preconditioner only stretches the axes, so a tilted ellipse stays one; a full matrix makes it
    round.

    The preconditioner is the optimizer's own if its state is recorded (`--record 'state.*'`). Otherwise those of
    AdaGrad are computed from the recorded gradients (`--record gradient`): C^-power, where C is the sum of their outer
    products, or its diagonal.

    Args:
        recordings: What is shown.
        lane: Which lane of each recording.
        levels: How many contours.
        power: Exponent of C: 0.5 is AdaGrad's, 1 whitens fully.
    """
    need("preconditioned", recordings)
    lane_of(recordings, lane)
    need_plane("preconditioned", recordings)
    if levels < 1 or not 0 < power <= 2:
        raise DynvizError(f"view preconditioned takes levels from 1 and power above 0 to 2; not {levels}, {power}")
    panels = [_panel(recordings[0], (lane, levels), "original", lambda _: np.eye(2), Readout("", "muted"))]
    for recording, tag in zip(recordings, caption.tags(recordings), strict=True):
        root = own(recording, lane)
        if root is not None:
            panels.append(_panel(recording, (lane, levels), "preconditioned", root, tag))
        elif has(recording, "gradient"):
            for title, full in (("diagonal", False), ("full matrix", True)):
                root = gathered(recording, lane, power, full=full)
                panels.append(_panel(recording, (lane, levels), title, root, tag))
    if len(panels) == 1:
        raise missing("preconditioned", recordings[0], "gradient")
    if any(has(recording, "loss") for recording in recordings):
        panels.append(series(recordings, "loss"))
    return film(recordings, panels, caption.chosen(recordings, lane))


def _panel(recording: Recording, chosen: tuple[int, int], title: str, root: Root, tag: Readout) -> MovingPanel:
    lane, levels = chosen
    landscape, extent = recording["landscape"][0, 0].astype(np.float64), extent_of(recording)
    seen = Seen(landscape, extent, recording)
    lowest, norm = heights(recording)
    spaced = np.geomspace(norm.low, norm.high, levels + 1)[:-1] if norm.scale == "log" else None
    lines = spaced if spaced is not None else np.linspace(0, norm.high, levels + 2)[1:-1]
    contours = tuple((lines + lowest).tolist())
    steps, position = lined(recording, "position", lane)
    position = position.astype(np.float64)
    reach = seen.reach
    x = y = Axis((-reach, reach))
    hessian = curvatures(landscape, extent)
    last: list[tuple[int, tuple[Mark, ...], Readout]] = []

    def marks(step: int) -> tuple[Mark, ...]:
        index = index_at(steps, step)
        to_plane = root(step)
        away = np.linalg.inv(to_plane)
        past = drawable((position[: index + 1] - seen.center) @ away.T, "linear")
        values = seen.values(to_plane)
        trajectory = Line(
            past[:, 0], past[:, 1], tag.color, now=float(step), along=steps[: index + 1], ghost=False, width=1.5
        )
        here = past[-1:] if finite(past[-1:]).all() else past[:0]
        return (
            Contours(values, (-reach, reach, -reach, reach), contours, "muted", missing=""),
            Points(np.zeros(1), np.zeros(1), "text", 7.0, "star"),
            trajectory,
            Points(here[:, 0], here[:, 1], tag.color, 6.0),
        )

    def at(step: int) -> Panel:
        if not last or last[0][0] != step:
            condition = _condition(root(step) @ hessian @ root(step))
            last[:] = [(step, marks(step), replace(tag, text=condition, widest="condition 0 000"))]
        return Panel(title, x, y, last[0][1], (last[0][2],), square=True)

    return MovingPanel(recording.steps("position"), at)


def _condition(hessian: Array) -> str:
    values = np.abs(np.linalg.eigvalsh(hessian))
    if not np.isfinite(values).all() or values.min() <= 1e-12 * values.max():
        return ""
    return f"condition {significant(float(values.max() / values.min()), 2)}"


class Seen:
    """A landscape in other coordinates about its optimum.

    Attributes:
        center: What stays in the middle.
        reach: Half the side of the picture.
    """

    def __init__(self, landscape: Array, extent: tuple[float, float, float, float], recording: Recording) -> None:
        self._landscape = landscape
        self._extent = extent
        left, right, bottom, top = extent
        known = facts_of(recording).optima(2)
        start = recording["position"][0, 0].astype(np.float64)
        middle = np.array([(left + right) / 2, (bottom + top) / 2])
        self.center = known[np.hypot(*(known - start).T).argmin()] if len(known) else middle
        self.reach = ROOM * max(float(np.hypot(*(start - self.center))), 0.3 * min(right - left, top - bottom))

    def values(self, root: Array) -> Array:
        """The landscape's values [CELLS, CELLS] at the places root z + center; NaN outside the domain."""
        reach, (left, right, bottom, top) = self.reach, self._extent
        x, y = np.meshgrid(*pixel_centers((-reach, reach, -reach, reach), CELLS, CELLS))
        at = np.stack([x, y], axis=-1) @ np.asarray(root).T + self.center
        rows, columns = self._landscape.shape
        column = (at[..., 0] - left) / (right - left) * columns - 0.5
        row = (at[..., 1] - bottom) / (top - bottom) * rows - 0.5
        inside = (column >= 0) & (column <= columns - 1) & (row >= 0) & (row <= rows - 1)
        c, r = column.clip(0, columns - 2).astype(np.intp), row.clip(0, rows - 2).astype(np.intp)
        s, t = column - c, row - r
        f = self._landscape
        low = (1 - s) * f[r, c] + s * f[r, c + 1]
        high = (1 - s) * f[r + 1, c] + s * f[r + 1, c + 1]
        return np.where(inside, (1 - t) * low + t * high, np.nan)
