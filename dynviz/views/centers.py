"""Where the learned centers are, coloured by the class that each speaks for."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.film import Film
from dynviz.recording import Recording
from dynviz.scene import caption
from dynviz.scene.limits import finite, square
from dynviz.scene.marks import Axis, Panel, Points, Readout
from dynviz.scene.moving import MovingPanel, film
from dynviz.scene.samples import Latest, has, index_at, lane_of, need

Array: TypeAlias = NDArray[Any]


def view(recordings: Sequence[Recording], *, lane: int = 0) -> Film:
    """Open the view.

    The number beside the title is the spread: the standard deviation of all coordinates of all centers.

    Args:
        recordings: What is shown.
        lane: Which lane is shown of each recording.
    """
    need("centers", recordings, "centers")
    lane_of(recordings, lane)
    reach = max(square(recording["centers"][:, lane])[1] for recording in recordings)
    axis = Axis((-reach, reach))
    names = caption.names(recordings) if len(recordings) > 1 else ("",)
    return film(
        recordings,
        [
            _panel(recording, lane, axis, Readout(names[index], caption.color(index)), legend=index == 0)
            for index, recording in enumerate(recordings)
        ],
    )


def spread(centers: Array) -> float:
    """The standard deviation of all coordinates of all centers [centers, 2] that are finite.

    >>> round(spread(np.array([[-3.0, 3.0], [3.0, -3.0]])), 3)
    3.0
    """
    there = centers[finite(centers)]
    return float(there.std(dtype=np.float64)) if there.size else float("nan")


def _panel(recording: Recording, lane: int, axis: Axis, name: Readout, *, legend: bool) -> MovingPanel:
    head = recording["head"] if has(recording, "head") else None
    head_steps = recording.steps("head") if head is not None else None
    steps = recording.steps("centers")
    colors = ("class0", "class1") if head is not None else ("text", "text")
    labels = caption.classes(recording) if head is not None and legend else ("", "")
    seed = f"seed {recording.seeds[lane]}" if len(recording.seeds) > 1 else ""

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
        return marks, f"spread {caption.significant(spread(centers), padded=True)}"

    drawn = Latest(recording, "centers", draw)

    def at(step: int) -> Panel:
        marks, value = drawn.at(step)
        text = " ".join(word for word in (name.text, seed, value) if word)
        return Panel("centers", axis, axis, marks, (Readout(text, name.color),), square=True)

    return MovingPanel(steps, at)


def _dots(centers: Array, color: str, label: str) -> Points:
    return Points(centers[:, 0], centers[:, 1], color, 2.0, label=label, alpha=0.7)
