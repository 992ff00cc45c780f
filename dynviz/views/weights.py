"""The distribution of the weights, their size, and how many are exactly zero."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.charts import caption, limits
from dynviz.charts.moving import MovingPanel, film, step_axis
from dynviz.charts.samples import Latest, lane_of, need
from dynviz.charts.series import Curve, panel
from dynviz.film import Film
from dynviz.recording import Recording
from dynviz.scene.marks import Axis, Bars, Panel, Readout

Array: TypeAlias = NDArray[Any]

BINS = 61
"""An odd number, so that zero is in the middle of one."""
SAMPLES = 200
"""So many samples tell how many weights are zero as time goes on, and how large they are."""
REACH = 0.999
"""The share of all weights that the axis reaches over; the few beyond it stand in the outermost bars."""


def view(recordings: Sequence[Recording], *, lane: int = 0, parameter: str = "") -> Film:
    """Open the view.

    Args:
        recordings: What is shown; recorded with `--record parameters`.
        lane: Whose weights are shown of each recording; the curves are of all lanes.
        parameter: One tensor among the parameters, by name; by default all together.
    """
    need("weights", recordings)
    lane_of(recordings, lane)
    need("weights", recordings, "parameters")
    rows = [_row(recording, parameter) for recording in recordings]
    reach = max(_reach(row[:, lane]) for row in rows)
    edges = np.linspace(-reach, reach, BINS + 1)
    shares = [_histogram(limits.thinned(row[:, lane]), edges) for row in rows]
    y = Axis((0.0, 1.08 * min(1.0, max(float(found.max()) for found in shares))), label="share of the weights")
    names = caption.names(recordings) if len(recordings) > 1 else ("",)
    panels = [
        _distribution(recording, (row, lane), edges, y, Readout("", caption.color(index), names[index]))
        for index, (recording, row) in enumerate(zip(recordings, rows, strict=True))
    ]
    x = step_axis(recordings)
    for title, measure in (("exactly zero", _zeros), ("root mean square of the weights", _size)):
        curves = [
            Curve(recording.steps("parameters")[at], measure(row[at]), caption.color(index), label=names[index])
            for index, (recording, row) in enumerate(zip(recordings, rows, strict=True))
            for at in [np.unique(np.linspace(0, len(row) - 1, SAMPLES).astype(np.int64))]
        ]
        panels.append(panel(title, curves, x))
    return film(recordings, panels)


def _row(recording: Recording, parameter: str) -> Array:
    """The weights [samples, lanes, numbers]."""
    if not parameter:
        return recording["parameters"]
    part = recording.part("parameters", parameter)
    return part.reshape(*part.shape[:2], -1)


def _reach(row: Array) -> float:
    """How far from zero the axis goes, so that nearly all weights of all times are on it."""
    seen = np.abs(limits.thinned(row))
    seen = seen[limits.finite(seen)]
    found = float(np.quantile(seen, REACH)) if seen.size else 0.0
    return 1.05 * found or 1.0


def _histogram(rows: Array, edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """The share of the weights in each bin [samples, bins]."""
    found = [np.histogram(np.clip(row[limits.finite(row)], edges[0], edges[-1]), edges)[0] for row in rows]
    return np.array(found, dtype=np.float64) / np.float64(max(rows.shape[-1], 1))


def _distribution(
    recording: Recording, seen: tuple[Array, int], edges: NDArray[np.float64], y: Axis, said: Readout
) -> MovingPanel:
    row, lane = seen
    middles, width = (edges[:-1] + edges[1:]) / 2, float(edges[1] - edges[0])
    title = f"weights, seed {recording.seeds[lane]}" if len(recording.seeds) > 1 else "weights"
    x = Axis((float(edges[0]), float(edges[-1])))
    drawn = Latest(recording, "parameters", _drawn(row, lane, (middles, width), edges, said))

    def at(step: int) -> Panel:
        bars, readout = drawn.at(step)
        return Panel(title, x, y, (bars,), (readout,))

    return MovingPanel(drawn.steps, at)


def _drawn(
    row: Array, lane: int, places: tuple[Array, float], edges: NDArray[np.float64], said: Readout
) -> Callable[[Array], tuple[Bars, Readout]]:
    def draw(past: Array) -> tuple[Bars, Readout]:
        weights = row[len(past) - 1, lane]
        heights = _histogram(weights[None], edges)[0]
        zeros = caption.percent(float(np.mean(weights == 0)))
        bars = Bars(places[0], heights, said.color, places[1])
        return bars, replace(said, text=f"{zeros} exactly zero", widest="100.0 % exactly zero")

    return draw


def _zeros(rows: Array) -> NDArray[np.float64]:
    return np.asarray((rows == 0).mean(axis=-1), dtype=np.float64)


def _size(rows: Array) -> NDArray[np.float64]:
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(np.sqrt(np.square(rows, dtype=np.float64).mean(axis=-1)))
