"""Terms of an update: as arrows on a plane, or as angles to the gradient."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.charts import caption
from dynviz.charts.ground import ground, plane
from dynviz.charts.heads import lengthening
from dynviz.charts.limits import drawable
from dynviz.charts.moving import MovingPanel, film, step_axis, union
from dynviz.charts.numbers import resolved, significant
from dynviz.charts.samples import Latest, has, index_at, lane_of, lined, need
from dynviz.charts.stages import staged
from dynviz.charts.terms import PREFIX, cosines, need_terms, terms
from dynviz.film import Film
from dynviz.recording import Recording
from dynviz.scene.decimate import last_until
from dynviz.scene.marks import Arrows, Axis, Line, Mark, Panel, Readout, ReferenceLine

Array: TypeAlias = NDArray[Any]


def view(recordings: Sequence[Recording], *, lane: int = 0, scale: float = 0.0) -> Film:
    """With two parameters, the arrows begin at the current point and add up to the next step.

    With more, curves show the cosine between each term and the direction of steepest descent: 1 is straight downhill, 0
    sideways, -1 uphill.

    Args:
        recordings: What is shown; recorded with `--record 'term.*'`, and for more than two parameters
            `--record gradient`.
        lane: Which lane is shown of each recording.
        scale: Magnification of the arrows; 0 chooses one at which the longest can be seen.
    """
    need("update", recordings)
    lane_of(recordings, lane)
    panels, plain = [], True
    for recording, tag in zip(recordings, caption.tags(recordings), strict=True):
        whose = (tag,) if tag.name else ()
        flat = has(recording, "position") and recording["position"].shape[2:] == (2,)
        plain = plain and flat
        need_terms("update", recording, *(["landscape"] if flat else ["gradient"]))
        panels.append(_plane(recording, lane, scale, whose) if flat else _angles(recording, lane, whose))
    shown = film(recordings, panels, caption.chosen(recordings, lane))
    return replace(shown, story=lambda: staged(recordings, lane)) if plain else shown


def _plane(recording: Recording, lane: int, scale: float, whose: tuple[Readout, ...]) -> MovingPanel:
    """The way so far, and arrows of the terms of the next step."""
    x, y, square = plane(recording)
    names = terms(recording)
    moves = {name: Latest(recording, PREFIX + name, _last(lane)) for name in names}
    times = scale or lengthening([recording[PREFIX + name][:, lane] for name in names], x.limits[1] - x.limits[0])
    where = Latest(recording, "position", _last(lane))
    steps, position = lined(recording, "position", lane)
    trajectory = Line(
        drawable(position[:, 0], "linear"),
        drawable(position[:, 1], "linear"),
        "muted",
        along=steps,
        ghost=False,
    )
    marks = ground(recording)
    moved = union([move.steps for move in moves.values()])
    title = "terms of the next step" if times == 1 else f"terms of the next step, {significant(times)} x"

    def at(step: int) -> Panel:
        # A term belongs to the step that led to its sample, and begins where the parameters were before that step.
        after = int(last_until(moved, step + 1))
        at_x, at_y = where.at(after - 1)
        now = {name: moves[name].at(after) for name in names}
        lengths = {name: float(np.hypot(*term)) for name, term in now.items()}
        # The shorter ones in front: terms often point the same way.
        arrows: list[Mark] = [
            _arrow((at_x, at_y), now[name], times, f"term.{name}")
            for name in sorted(names, key=lambda name: -np.nan_to_num(lengths[name], nan=0.0))
        ]
        words = [Readout(significant(lengths[name], padded=True), f"term.{name}", name, "0.00e-00") for name in names]
        past = trajectory.at(step)
        return Panel(title, x, y, (*marks, past, *arrows), (*whose, *words), square)

    # What is drawn of the next step changes one step before its sample.
    return MovingPanel(union([where.steps, np.maximum(moved - 1, 0)]), at)


def _arrow(foot: tuple[float, float], term: tuple[float, float], times: float, color: str) -> Arrows:
    (x, y), (dx, dy) = (np.array(foot)[:, None], times * np.array(term)[:, None])
    return Arrows(x, y, dx, dy, color)


def _angles(recording: Recording, lane: int, whose: tuple[Readout, ...]) -> MovingPanel:
    """The cosine of each term with the direction of steepest descent."""
    x, y = step_axis([recording]), Axis((-1.05, 1.05))
    steps, values = cosines(recording, lane)
    lines = [Line(steps, cosine, f"term.{name}", name, width=1.5) for name, cosine in values.items()]

    def at(step: int) -> Panel:
        place = index_at(steps, step)
        moved = [line.at(step) for line in lines]
        words = [
            Readout(resolved(float(line.y[place]), y.limits), line.color, line.label, "-0.00")
            for line in lines
            if np.isfinite(line.y[place])
        ]
        return Panel("cosine with steepest descent", x, y, (ReferenceLine(0.0), *moved), (*whose, *words))

    return MovingPanel(steps, at)


def _last(lane: int) -> Callable[[Array], tuple[float, float]]:
    def last(past: Array) -> tuple[float, float]:
        x, y = past[-1][lane]
        return float(x), float(y)

    return last
