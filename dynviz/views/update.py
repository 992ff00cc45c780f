"""Terms of an update: arrows on a plane, else angles to the gradient."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.charts import caption
from dynviz.charts.ground import ground, plane
from dynviz.charts.limits import drawable, finite, thinned
from dynviz.charts.moving import MovingPanel, film, step_axis, union
from dynviz.charts.samples import Latest, has, index_at, lane_of, need
from dynviz.charts.terms import PREFIX, cosines, need_terms, terms
from dynviz.film import Film
from dynviz.recording import Recording
from dynviz.scene.marks import Arrows, Axis, Line, Mark, Panel, Readout, ReferenceLine

Array: TypeAlias = NDArray[Any]

LONGEST = 0.25
"""How long, as a share of the plane's width, the longest arrow of a run is drawn where lengths are not true."""


def view(recordings: Sequence[Recording], *, lane: int = 0, scale: float = 0.0) -> Film:
    """Open the view.

    On a plane, the arrows begin where the parameters are, and together they are the next step. For more parameters, the
    cosine of each term with the direction of steepest descent: 1 goes straight down, 0 across, -1 up again.

    Args:
        recordings: What is shown; recorded with `--record 'term.*'`, and for more than two parameters
            `--record gradient`.
        lane: Which lane is shown of each recording.
        scale: How many times as long as they are arrows are drawn; 0 chooses so that the longest can be seen.
    """
    need("update", recordings)
    lane_of(recordings, lane)
    names = caption.names(recordings) if len(recordings) > 1 else ("",) * len(recordings)
    panels = []
    for index, (recording, name) in enumerate(zip(recordings, names, strict=True)):
        said = (Readout("", caption.color(index), name),) if name else ()
        flat = has(recording, "position") and recording["position"].shape[2:] == (2,)
        need_terms("update", recording, *(["landscape"] if flat else ["gradient"]))
        panels.append(_plane(recording, lane, scale, said) if flat else _angles(recording, lane, said))
    return film(recordings, panels)


def _plane(recording: Recording, lane: int, scale: float, said: tuple[Readout, ...]) -> MovingPanel:
    """The way so far, and arrows of the terms of the next step."""
    x, y, square = plane(recording)
    names = terms(recording)
    moves = {name: Latest(recording, PREFIX + name, _last(lane)) for name in names}
    longest = max(_longest(recording[PREFIX + name][:, lane]) for name in names)
    width = x.limits[1] - x.limits[0]
    times = scale or max(1.0, _round(LONGEST * width / longest) if longest > 0 else 1.0)
    where = Latest(recording, "position", _last(lane))
    position = recording["position"][:, lane]
    way = Line(
        drawable(position[:, 0], "linear"),
        drawable(position[:, 1], "linear"),
        "muted",
        along=recording.steps("position"),
        ghost=False,
    )
    marks = ground(recording)
    steps = union([where.steps, *(move.steps for move in moves.values())])
    title = "terms of the next step" if times == 1 else f"terms of the next step, {caption.significant(times)} x"

    def at(step: int) -> Panel:
        at_x, at_y = where.at(step)
        # A term belongs to the step that led to its sample: the next sample is the next step.
        after = int(steps[min(index_at(steps, step) + 1, len(steps) - 1)])
        ways = {name: moves[name].at(after) for name in names}
        lengths = {name: float(np.hypot(*way)) for name, way in ways.items()}
        # The shorter ones in front: terms often point the same way.
        arrows: list[Mark] = [
            _arrow((at_x, at_y), ways[name], times, f"term.{name}")
            for name in sorted(names, key=lambda name: -np.nan_to_num(lengths[name], nan=0.0))
        ]
        words = [
            Readout(caption.significant(lengths[name], padded=True), f"term.{name}", name, "0.00e-00") for name in names
        ]
        path = Line(way.x, way.y, way.color, now=float(step), along=way.along, ghost=False)
        return Panel(title, x, y, (*marks, path, *arrows), (*said, *words), square)

    return MovingPanel(steps, at)


def _arrow(foot: tuple[float, float], way: tuple[float, float], times: float, color: str) -> Arrows:
    (x, y), (dx, dy) = (np.array(foot)[:, None], times * np.array(way)[:, None])
    return Arrows(x, y, dx, dy, color)


def _angles(recording: Recording, lane: int, said: tuple[Readout, ...]) -> MovingPanel:
    """The cosine of each term with the direction of steepest descent."""
    x, y = step_axis([recording]), Axis((-1.05, 1.05))
    steps, found = cosines(recording, lane)
    lines = [Line(steps, values, f"term.{name}", name, width=1.5) for name, values in found.items()]

    def at(step: int) -> Panel:
        now = min(float(step), float(steps[-1]))
        place = index_at(steps, step)
        moved = [Line(line.x, line.y, line.color, line.label, now, width=line.width) for line in lines]
        words = [
            Readout(caption.resolved(float(line.y[place]), y.limits), line.color, line.label, "-0.00")
            for line in lines
            if np.isfinite(line.y[place])
        ]
        return Panel("cosine with steepest descent", x, y, (ReferenceLine(0.0), *moved), (*said, *words))

    return MovingPanel(steps, at)


def _last(lane: int) -> Callable[[Array], tuple[float, float]]:
    def last(past: Array) -> tuple[float, float]:
        x, y = past[-1][lane]
        return float(x), float(y)

    return last


def _longest(moves: Array) -> float:
    seen = thinned(moves).astype(np.float64)
    seen = seen[finite(seen).all(axis=-1)]
    return float(np.hypot(*seen.T).max()) if len(seen) else 0.0


def _round(value: float) -> float:
    """The largest of 1, 2, 5, 10, ... that is not above it."""
    power = 10.0 ** np.floor(np.log10(value))
    return float(power * max(factor for factor in (1, 2, 5) if factor * power <= value * (1 + 1e-9)))
