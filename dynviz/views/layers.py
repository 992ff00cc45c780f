"""The signal after each layer (or its weights), their gradient, and the loss."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.charts import caption, limits
from dynviz.charts.moving import MovingPanel, film, union
from dynviz.charts.numbers import significant
from dynviz.charts.samples import Latest, has, lane_of, need, thinned
from dynviz.charts.series import series
from dynviz.film import Film
from dynviz.recording import Recording
from dynviz.scene.marks import Axis, Line, Mark, Panel, Readout

Array: TypeAlias = NDArray[Any]

SIZES = ("signal", "weight_size")
"""What is shown of each layer beside its gradient: the first of them that is recorded."""
GRADIENT = "gradient_size"
RANK = "weight_rank"
FEW = 3
"""Recordings whose numbers there is room for above each panel; of more, the header names the colours."""


def view(recordings: Sequence[Recording], *, lane: int = 0) -> Film:
    """Dotted lines show the values before training. A story has what is learned in the lead.

    Args:
        recordings: What is shown, on the same axes.
        lane: Lane of each recording whose layers are shown; the loss covers all lanes.
    """
    lane_of(recordings, lane)
    recorded = [name for name in SIZES if all(has(recording, name) for recording in recordings)]
    channels = (*(recorded or SIZES)[:1], GRADIENT)
    need("layers", recordings, *channels)
    ranked = (RANK,) if all(has(recording, RANK) for recording in recordings) else ()
    panels = [_layers(recordings, channel, lane) for channel in (*channels, *ranked)]
    learned = [
        series(recordings, name) for name in ("loss", "test_accuracy") if all(has(one, name) for one in recordings)
    ]
    notes = caption.chosen(recordings, lane)
    opened = film(recordings, [*panels, *learned], notes)
    if not learned:
        return opened
    layers = ("layers dotted: before training", *notes)
    return replace(opened, story=lambda: film(recordings, [learned[-1], *panels[:2]], layers))


def _layers(recordings: Sequence[Recording], channel: str, lane: int) -> MovingPanel:
    values = [recording[channel][:, lane] for recording in recordings]
    count = max(layers.shape[1] for layers in values)
    x = Axis((1.0, float(count)), label="layer", whole=True)
    title = caption.words(channel, *recordings)
    y = limits.axis([thinned(layers).astype(np.float64).reshape(-1, 1) for layers in values], "log")
    first: list[Mark] = []
    moving = []
    for recording, layers, tag in zip(recordings, values, caption.tags(recordings), strict=True):
        places = np.arange(1.0, layers.shape[1] + 1)
        start = limits.drawable(layers[0].astype(np.float64), y.scale)
        first.append(Line(places, start, tag.color, dash="dotted", width=0.5))
        moving.append(Latest(recording, channel, _now(lane, (places, y), tag)))

    def at(step: int) -> Panel:
        lines, readouts = zip(*(latest.at(step) for latest in moving), strict=True)
        return Panel(title, x, y, (*first, *lines), readouts if len(readouts) <= FEW else ())

    return MovingPanel(union([latest.steps for latest in moving]), at)


def _now(lane: int, axes: tuple[Array, Axis], tag: caption.Tag) -> Callable[[Array], tuple[Line, Readout]]:
    places, y = axes

    def now(past: Array) -> tuple[Line, Readout]:
        layers = past[-1][lane].astype(np.float64)
        good = layers[limits.finite(layers) & (layers > 0)]
        # From the first layer to the last, or the other way round: by how much it shrinks or grows on its way.
        ends = [significant(float(end)) for end in (good.min(), good.max())] if good.size else ["0"]
        line = Line(places, limits.drawable(layers, y.scale), tag.color, dash=tag.dash, width=2.0)
        return line, replace(tag, text=" to ".join(ends), widest="8.88e-8 to 8.88e-8")

    return now
