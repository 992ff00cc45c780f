"""The clouds of learned centers, each with a ring of one standard deviation."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.charts import caption
from dynviz.charts.limits import finite
from dynviz.charts.moving import MovingPanel, film
from dynviz.charts.numbers import significant
from dynviz.charts.samples import Latest, has, lane_of, need
from dynviz.charts.series import series
from dynviz.film import Film, Sentence
from dynviz.recording import Recording
from dynviz.scene.marks import Axis, Line, Panel, Points
from dynviz.views.centers import spread, ways

Array: TypeAlias = NDArray[Any]

TURN = np.linspace(0.0, 2 * np.pi, 181)
WORDS = ("spread at the start", "spread now")
"""What the dashed and the solid ring are."""
REACH = 3.2
"""Standard deviations from the middle to the edge: one center in 400 stands beyond it."""


def view(recordings: Sequence[Recording], *, lane: int = 0) -> Film:
    """A map for each recording: its centers, a ring of one standard deviation, and dashed the ring that it began with.

    The deviation is that of all coordinates of all centers. Below is the accuracy, or else the loss, of all recordings.
    A story says what the rings are.

    Args:
        recordings: What is shown.
        lane: Which lane is shown of each recording; curves show all.
    """
    need("rings", recordings, "centers")
    lane_of(recordings, lane)
    sds = [spread(recording["centers"][index, lane]) for recording in recordings for index in (0, -1)]
    reach = REACH * (max(filter(np.isfinite, sds), default=1.0) or 1.0)
    axis = Axis((-reach, reach))
    tags = caption.tags(recordings)
    below = next((name for name in ("val_accuracy", "val_loss", "loss") if has(recordings[0], name)), "")
    curves = [series(recordings, below)] if below else []
    names = [tag.name for tag in tags]
    last = max(int(recording.steps("centers")[-1]) for recording in recordings)
    told = [Sentence(last, ways(sds, names))] if np.isfinite(sds).all() else []

    def opened(words: tuple[str, str]) -> Film:
        clouds = zip(recordings, tags, strict=True)
        panels = [_panel(recording, lane, axis, tag, words) for recording, tag in clouds]
        return film(recordings, [*panels, *curves], told=told)

    return replace(opened(("", "")), story=lambda: opened(WORDS))


def _panel(recording: Recording, lane: int, axis: Axis, tag: caption.Tag, words: tuple[str, str]) -> MovingPanel:
    first = spread(recording["centers"][0, lane])
    began = replace(_ring(first, tag.color), dash="dashed", width=1.1, label=words[0])
    drawn = Latest(recording, "centers", _cloud(lane, tag))
    title = caption.with_seed("centers", recording, lane)

    def at(step: int) -> Panel:
        (cloud, ring), value = drawn.at(step)
        text = f"spread {significant(first, padded=True)} to {value}"
        readout = replace(tag, text=text, widest="spread 00.0 to 00.0")
        return Panel(title, axis, axis, (cloud, began, replace(ring, label=words[1])), (readout,), square=True)

    return MovingPanel(drawn.steps, at)


def _cloud(lane: int, tag: caption.Tag) -> Callable[[Array], tuple[tuple[Points, Line], str]]:
    """The centers in one ink and their ring, and their deviation in words."""

    def cloud(past: Array) -> tuple[tuple[Points, Line], str]:
        centers = past[-1][lane]
        there = centers[finite(centers).all(axis=-1)]
        radius = spread(centers)
        value = significant(radius, padded=True)
        return (Points(there[:, 0], there[:, 1], "text", 2.2, alpha=0.45), _ring(radius, tag.color)), value

    return cloud


def _ring(radius: float, color: str) -> Line:
    return Line(radius * np.cos(TURN), radius * np.sin(TURN), color, width=1.6)
