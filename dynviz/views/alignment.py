"""How far each true direction is learned, and angles to the true subspaces."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.charts import caption, limits
from dynviz.charts.forks import own_from, without_past
from dynviz.charts.moving import MovingPanel, film, step_axis, union
from dynviz.charts.numbers import DIVERGED, resolved
from dynviz.charts.samples import Latest, has, lane_of, lined, need
from dynviz.charts.series import series
from dynviz.film import Film
from dynviz.recording import Recording
from dynviz.scene.decimate import evenly
from dynviz.scene.marks import Axis, Field, Line, Panel, Readout, ReferenceLine
from dynviz.scene.norm import Norm

Array: TypeAlias = NDArray[Any]

PARTS = ("learned", "true", "difference")
"""Of each optimizer's row."""
LINES = 12
"""So many directions are drawn as lines at most, from the largest to the smallest singular value."""


def view(recordings: Sequence[Recording], *, lane: int = 0) -> Film:
    """Map the learned matrix, the true one and their difference in the true singular directions, and how it gets there.

    Entries are divided by the true singular values, so that the identity means that everything is learned. The curves
    are the diagonal, and the mean squared cosine of the angles between learned and true subspaces, where these are not
    the whole space. A story has the learned and the true matrix in the lead.

    Args:
        recordings: What is shown.
        lane: Which lane is shown of each recording; the subspaces are of all lanes.
    """
    need("alignment", recordings)
    lane_of(recordings, lane)
    need("alignment", recordings, "core")
    maps = [
        _map(recording, lane, tag, part)
        for recording, tag in zip(recordings, caption.tags(recordings), strict=True)
        for part in PARTS
    ]
    panels = [*maps, _directions(recordings, lane)]
    if any(has(recording, "alignment") and not _whole(recording) for recording in recordings):
        panels.append(series(recordings, "alignment", scale="linear"))
    opened = film(recordings, panels, columns=len(PARTS))
    if len(recordings) > 1:
        return opened

    def story() -> Film:
        whole = film(recordings, [*maps[:2], _strengths(panels[3]), *panels[4:]], caption.chosen(recordings, lane))
        return replace(whole, scene=lambda step: replace(whole.scene(step), lead=2))

    return replace(opened, story=story)


def _strengths(directions: MovingPanel) -> MovingPanel:
    """The diagonal in plain words."""

    def at(step: int) -> Panel:
        return replace(directions.at(step), title="strength of each direction", readouts=())

    return MovingPanel(directions.steps, at, ("bold: the largest",))


def _whole(recording: Recording) -> bool:
    """Whether the true subspaces are the whole space, so that any other is the same."""
    with np.errstate(invalid="ignore"):
        return bool((np.abs(recording["alignment"][0] - 1) < 1e-4).all())


def _map(recording: Recording, lane: int, tag: Readout, part: str) -> MovingPanel:
    k = recording["core"].shape[2]
    # The first row stands at the top, as in a printed matrix.
    extent = (0.5, k + 0.5, 0.5, k + 0.5)
    x = Axis((0.5, k + 0.5), label="right direction", whole=True)
    y = Axis((k + 0.5, 0.5), label="left direction", whole=True)
    title = part if part == "true" else caption.with_seed(part, recording, lane)
    true = np.eye(k)

    def field(past: Array) -> Field:
        learned = past[-1][lane].T
        values = {"learned": learned, "true": true, "difference": learned - true}[part]
        return Field(values, extent, Norm(-1.0, 1.0), "signed", label="-1 to 1")

    drawn = Latest(recording, "core", field)
    readouts = (tag,) if tag.name and part != "true" else ()
    return MovingPanel(drawn.steps, lambda step: Panel(title, x, y, (drawn.at(step),), readouts, square=True))


def _directions(recordings: Sequence[Recording], lane: int) -> MovingPanel:
    """The diagonal over the steps: a line for each direction, or for some of them."""
    x = step_axis(recordings)
    lines: list[Line] = []
    shown: list[Array] = []
    values: list[Latest[Readout]] = []
    begins = own_from(recordings, lane)
    for index, recording in enumerate(recordings):
        steps, core = lined(recording, "core", lane)
        diagonal = without_past(np.diagonal(core, axis1=1, axis2=2), steps, begins[index])
        chosen = evenly(diagonal.shape[1], LINES)
        shown.append(diagonal[:, chosen])
        for place, direction in enumerate(chosen):
            width = 2.0 if place == 0 else 0.75
            lines.append(
                Line(
                    steps,
                    limits.drawable(diagonal[:, direction], "linear"),
                    caption.color(index),
                    width=width,
                    dot=place == 0,
                )
            )
        values.append(Latest(recording, "core", _range(lane, Readout("", caption.color(index)))))
    y = limits.axis([part.reshape(-1, 1) for part in shown], "linear")
    # Above the line there is room for its name.
    y = replace(y, limits=(min(y.limits[0], 0.0), max(y.limits[1], 1.2)))
    reference = ReferenceLine(1.0, "text", label="as in the true matrix")

    known = max(recording["core"].shape[2] for recording in recordings)
    some = f"{LINES} of {known}, " if known > LINES else ""

    def at(step: int) -> Panel:
        moved = (line.at(step) for line in lines)
        readouts = tuple(value.at(step) for value in values)
        return Panel(f"diagonal, {some}the largest bold", x, y, (reference, *moved), readouts)

    return MovingPanel(union([value.steps for value in values]), at)


def _range(lane: int, empty: Readout) -> Callable[[Array], Readout]:
    """The share of the direction that is learned least, and of the one learned best."""

    def readout(past: Array) -> Readout:
        diagonal = np.diagonal(past[-1][lane])
        if not np.isfinite(diagonal).all():
            return replace(empty, text=DIVERGED)
        low, high = (resolved(float(end), (0.0, 1.0)) for end in (diagonal.min(), diagonal.max()))
        return replace(empty, text=f"{low} to {high}", widest="-0.000 to -0.000")

    return readout
