"""The learned centers, coloured by the class they vote for, and their spread."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.charts import caption
from dynviz.charts.curves import Curve, panel
from dynviz.charts.endings import joined
from dynviz.charts.forks import own_from
from dynviz.charts.limits import finite, square
from dynviz.charts.maps import class_names
from dynviz.charts.moving import MovingPanel, film, step_axis
from dynviz.charts.numbers import significant
from dynviz.charts.samples import BUDGET, Latest, has, index_at, lane_of, need, places
from dynviz.film import Film, Sentence
from dynviz.recording import Recording
from dynviz.scene.direct_label import DirectLabel
from dynviz.scene.marks import Axis, Panel, Points, Readout

Array: TypeAlias = NDArray[Any]

ROOM = 1.08
"""How far the axis of a story's spreads goes beyond the largest."""


def view(recordings: Sequence[Recording], *, lane: int = 0) -> Film:
    """A map of the centers for each recording, and a curve of their spread for all lanes.

    The spread is the standard deviation of all coordinates of all centers. A story draws it on an axis from 0, on which
    clouds that shrink can be told from those that do not, and says from where to where it went.

    Args:
        recordings: What is shown.
        lane: Which lane is shown of each recording.
    """
    need("centers", recordings, "centers")
    lane_of(recordings, lane)
    reach = max(square(recording["centers"][:, lane])[1] for recording in recordings)
    axis = Axis((-reach, reach))
    panels: list[MovingPanel] = []
    curves: list[Curve] = []
    for recording, tag, begins in zip(recordings, caption.tags(recordings), own_from(recordings), strict=True):
        panels.append(_panel(recording, lane, axis, tag, legend=not panels))
        at, spreads = _spreads(recording["centers"])
        steps = recording.steps("centers")[at]
        curves.append(Curve(steps, spreads, tag.color, tag.dash, tag.name, begins=begins))
    x, title = step_axis(recordings), "spread of the centers"

    def story() -> Film:
        most = max((float(np.nanmax(curve.values)) for curve in curves if finite(curve.values).any()), default=1.0)
        y = Axis((0.0, ROOM * most)) if np.isfinite(most) and most > 0 else None
        sds = [spread(recording["centers"][index, lane]) for recording in recordings for index in (0, -1)]
        last = max(int(recording.steps("centers")[-1]) for recording in recordings)
        told = [Sentence(last, ways(sds, [curve.label for curve in curves]))] if np.isfinite(sds).all() else []
        return film(recordings, [*panels, _as_of_maps(panel(title, curves, x, y))], told=told)

    return replace(film(recordings, [*panels, panel(title, curves, x)]), story=story)


def spread(centers: Array) -> float:
    """The standard deviation of all coordinates of all centers [centers, 2] that are finite.

    >>> round(spread(np.array([[-3.0, 3.0], [3.0, -3.0]])), 3)
    3.0
    """
    there = centers[finite(centers)]
    return float(there.std(dtype=np.float64)) if there.size else float("nan")


def _as_of_maps(curves: MovingPanel) -> MovingPanel:
    """The panel of spreads, whose values have as many digits as those of the maps."""

    def at(step: int) -> Panel:
        whole = curves.at(step)
        values = {mark.color: significant(mark.y, padded=True) for mark in whole.marks if isinstance(mark, DirectLabel)}
        marks = [
            replace(mark, value=values[mark.color], widest="00.0") if isinstance(mark, DirectLabel) else mark
            for mark in whole.marks
        ]
        readouts = [replace(one, text=values.get(one.color, one.text), widest="00.0") for one in whole.readouts]
        return replace(whole, marks=tuple(marks), readouts=tuple(readouts))

    return replace(curves, at=at)


def ways(sds: Sequence[float], names: Sequence[str]) -> str:
    """From where to where the spread of each cloud went, in a sentence.

    >>> ways([99.6, 36.9, 99.6, 99.1], ["adamw", "adamw-l1"])
    'The spread of the centers goes from 99.6 to 36.9 for adamw and from 99.6 to 99.1 for adamw-l1.'
    """
    texts = [significant(one, padded=True) for one in sds]
    told = [
        f"from {first} to {last}{f' for {name}' if name else ''}"
        for first, last, name in zip(texts[::2], texts[1::2], names, strict=True)
    ]
    return f"The spread of the centers goes {joined(told)}."


def _spreads(centers: Array) -> tuple[NDArray[np.int64], Array]:
    """Indices of samples, of a long recording some, and the spread of each lane at them [samples, lanes]."""
    at = places(centers, BUDGET)
    return at, np.array([[spread(lane) for lane in centers[index]] for index in at])


def _panel(recording: Recording, lane: int, axis: Axis, tag: Readout, *, legend: bool) -> MovingPanel:
    head = recording["head"] if has(recording, "head") else None
    head_steps = recording.steps("head") if head is not None else None
    steps = recording.steps("centers")
    colors = ("class0", "class1") if head is not None else ("text", "text")
    labels = class_names(recording) if head is not None and legend else ("", "")
    title = caption.with_seed("centers", recording, lane)

    def draw(past: Array) -> tuple[tuple[Points, ...], str]:
        centers = past[-1][lane]
        classes = np.zeros(len(centers), dtype=np.int64)
        if head is not None and head_steps is not None:
            # The head may be sampled at other steps than the centers.
            classes = head[index_at(head_steps, int(steps[len(past) - 1]))][lane].argmax(axis=0)
        there = finite(centers).all(axis=-1)
        marks = tuple(
            _dots(centers[there & (classes == index)], color, label)
            for index, (color, label) in enumerate(zip(colors, labels, strict=True))
        )
        return marks, f"spread {significant(spread(centers), padded=True)}"

    drawn = Latest(recording, "centers", draw)

    def at(step: int) -> Panel:
        marks, value = drawn.at(step)
        return Panel(title, axis, axis, marks, (replace(tag, text=value, widest="spread 00.0"),), square=True)

    return MovingPanel(steps, at)


def _dots(centers: Array, color: str, label: str) -> Points:
    return Points(centers[:, 0], centers[:, 1], color, 2.6, label=label, alpha=0.75)
