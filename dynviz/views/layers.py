"""The signal behind each layer, the gradient of its weights, and the loss."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.charts import caption, limits
from dynviz.charts.moving import MovingPanel, film, union
from dynviz.charts.samples import Latest, has, lane_of, need
from dynviz.charts.series import series
from dynviz.film import Film
from dynviz.recording import Recording
from dynviz.scene.marks import Axis, Line, Mark, Panel, Readout

Array: TypeAlias = NDArray[Any]

TITLES = {"signal": "signal behind each layer", "gradient_size": "gradient of each layer's weights"}


def view(recordings: Sequence[Recording], *, lane: int = 0) -> Film:
    """Open the view. What a layer had before training is dotted.

    Args:
        recordings: What is shown, on the same axes.
        lane: Whose layers are shown of each recording; the loss is of all lanes.
    """
    lane_of(recordings, lane)
    need("layers", recordings, *TITLES)
    panels = [_layers(recordings, channel, lane) for channel in TITLES]
    panels += [
        series(recordings, name) for name in ("loss", "test_accuracy") if all(has(one, name) for one in recordings)
    ]
    return film(recordings, panels)


def _layers(recordings: Sequence[Recording], channel: str, lane: int) -> MovingPanel:
    names = caption.names(recordings) if len(recordings) > 1 else ("",)
    values = [recording[channel][:, lane].astype(np.float64) for recording in recordings]
    count = max(found.shape[1] for found in values)
    x = Axis((1.0, float(count)), label="layer", whole=True)
    y = limits.axis([limits.thinned(found).reshape(-1, 1) for found in values], "log")
    first: list[Mark] = []
    moving = []
    for index, (recording, found) in enumerate(zip(recordings, values, strict=True)):
        color, places = caption.color(index), np.arange(1.0, found.shape[1] + 1)
        begun = limits.drawable(found[0], y.scale)
        first.append(Line(places, begun, color, dash="dotted", width=0.5))
        moving.append(Latest(recording, channel, _now(lane, (places, y), color, names[index])))

    def at(step: int) -> Panel:
        lines = tuple(each.at(step) for each in moving)
        return Panel(TITLES[channel], x, y, (*first, *(line for line, _ in lines)), tuple(said for _, said in lines))

    return MovingPanel(union([each.steps for each in moving]), at)


def _now(lane: int, axes: tuple[Array, Axis], color: str, name: str) -> Callable[[Array], tuple[Line, Readout]]:
    places, y = axes

    def now(past: Array) -> tuple[Line, Readout]:
        found = past[-1][lane].astype(np.float64)
        good = found[limits.finite(found) & (found > 0)]
        # From the first layer to the last, or the other way round: by how much it shrinks or grows on its way.
        span = (
            f"{caption.significant(float(good.min()))} to {caption.significant(float(good.max()))}"
            if good.size
            else "0"
        )
        return Line(places, limits.drawable(found, y.scale), color, width=2.0), Readout(
            span, color, name, "8.88e-8 to 8.88e-8"
        )

    return now
