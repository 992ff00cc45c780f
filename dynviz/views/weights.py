"""The distribution of the weights, their size, and how many are exactly zero."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.charts import caption, limits
from dynviz.charts.curves import Curve, panel
from dynviz.charts.forks import own_from
from dynviz.charts.moving import MovingPanel, film, step_axis
from dynviz.charts.numbers import percent, significant
from dynviz.charts.samples import Latest, lane_of, need, thinned
from dynviz.film import Film
from dynviz.recording import Recording
from dynviz.scene.decimate import evenly
from dynviz.scene.marks import Axis, Bars, Panel, Readout

Array: TypeAlias = NDArray[Any]

BINS = 61
"""An odd number, so that zero is in the middle of one."""
SAMPLES = 200
"""So many samples tell how many weights are zero as time goes on, and how large they are."""
REACH = 0.999
"""The share of all weights that the axis reaches over; the few beyond it stand in the outermost bars."""


def view(recordings: Sequence[Recording], *, lane: int = 0, parameter: str = "") -> Film:
    """A histogram of the weights, the share of exact zeros, and their root mean square.

    Args:
        recordings: What is shown; recorded with `--record parameters`.
        lane: Lane of each recording whose weights are shown; the curves cover all lanes.
        parameter: Name of one parameter tensor; by default all together.
    """
    need("weights", recordings)
    lane_of(recordings, lane)
    need("weights", recordings, "parameters")
    rows = [_row(recording, parameter) for recording in recordings]
    reach = max(_reach(row[:, lane]) for row in rows)
    edges = np.linspace(-reach, reach, BINS + 1)
    shares = [_histogram(thinned(row[:, lane]), edges) for row in rows]
    y = Axis((0.0, 1.08 * min(1.0, max(float(share.max()) for share in shares))), label="share of the weights")
    tagged = list(zip(recordings, rows, caption.tags(recordings), strict=True))
    panels = [_distribution(recording, (row, lane), edges, y, tag) for recording, row, tag in tagged]
    if any(_is_beyond(row[:, lane], reach) for row in rows):
        note = f"the outermost bars hold all weights beyond ±{significant(reach)}"
        panels[0] = replace(panels[0], notes=(note,))
    x = step_axis(recordings)
    for title, measure in (("exactly zero", _zeros), ("root mean square of the weights", _size)):
        curves = [
            Curve(recording.steps("parameters")[at], measure(row[at]), tag.color, tag.dash, tag.name, begins=begins)
            for (recording, row, tag), begins in zip(tagged, own_from(recordings), strict=True)
            for at in [evenly(len(row), SAMPLES)]
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
    sizes = np.abs(thinned(row))
    sizes = sizes[limits.finite(sizes)]
    return 1.05 * float(np.quantile(sizes, REACH)) or 1.0 if sizes.size else 1.0


def _is_beyond(row: Array, reach: float) -> bool:
    """Whether any weight is beyond the axis."""
    sizes = np.abs(thinned(row))
    return bool((sizes[limits.finite(sizes)] > reach).any())


def _histogram(rows: Array, edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """The share of the weights in each bin [samples, bins]."""
    counts = [np.histogram(np.clip(row[limits.finite(row)], edges[0], edges[-1]), edges)[0] for row in rows]
    return np.array(counts, dtype=np.float64) / np.float64(max(rows.shape[-1], 1))


def _distribution(
    recording: Recording, shown: tuple[Array, int], edges: NDArray[np.float64], y: Axis, tag: Readout
) -> MovingPanel:
    row, lane = shown
    middles, width = (edges[:-1] + edges[1:]) / 2, float(edges[1] - edges[0])
    title = caption.with_seed("weights", recording, lane)
    x = Axis((float(edges[0]), float(edges[-1])))
    drawn = Latest(recording, "parameters", _drawn(row, lane, (middles, width), edges, tag))

    def at(step: int) -> Panel:
        bars, readout = drawn.at(step)
        return Panel(title, x, y, (bars,), (readout,))

    return MovingPanel(drawn.steps, at)


def _drawn(
    row: Array, lane: int, places: tuple[Array, float], edges: NDArray[np.float64], tag: Readout
) -> Callable[[Array], tuple[Bars, Readout]]:
    def draw(past: Array) -> tuple[Bars, Readout]:
        weights = row[len(past) - 1, lane]
        heights = _histogram(weights[None], edges)[0]
        zeros = percent(float(np.mean(weights == 0)))
        bars = Bars(places[0], heights, tag.color, places[1])
        return bars, replace(tag, text=f"{zeros} exactly zero", widest="100.0 % exactly zero")

    return draw


def _zeros(rows: Array) -> NDArray[np.float64]:
    return np.asarray((rows == 0).mean(axis=-1), dtype=np.float64)


def _size(rows: Array) -> NDArray[np.float64]:
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(np.sqrt(np.square(rows, dtype=np.float64).mean(axis=-1)))
