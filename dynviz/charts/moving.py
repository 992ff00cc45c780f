"""Panels that move with time, and the film that shows several of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dynviz.charts import caption
from dynviz.film import Film
from dynviz.recording import Recording
from dynviz.scene.decimate import distinct
from dynviz.scene.marks import Axis, Panel, Scene


@dataclass(frozen=True)
class MovingPanel:
    """A panel of a film.

    Attributes:
        steps: The steps at which it changes, ascending.
        at: The panel at a step.
    """

    steps: NDArray[np.int64]
    at: Callable[[int], Panel]


def film(recordings: Sequence[Recording], panels: Sequence[MovingPanel]) -> Film:
    """A film of these panels, in this order, titled with the scenario and its options."""
    title, readouts = caption.title(recordings), caption.readouts(recordings)
    total = max(recording.total for recording in recordings)
    steps = union([panel.steps for panel in panels])

    def scene(step: int) -> Scene:
        return Scene(title, tuple(panel.at(step) for panel in panels), step, total, readouts)

    return Film(steps, scene)


def union(parts: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """The union of these steps, ascending."""
    different: list[NDArray[np.int64]] = []
    for part in parts:
        # Channels mostly share their steps.
        if not any(np.array_equal(part, other) for other in different):
            different.append(part)
    if len(different) == 1:
        return different[0]
    # A stable sort merges what is in order.
    merged = np.sort(np.concatenate(different), kind="stable")
    return merged[distinct(merged)]


def step_axis(recordings: Sequence[Recording]) -> Axis:
    """The axis of steps: up to the planned last step while it trains, otherwise up to the last one reached."""
    ends = [recording.total if recording.live else recording.recorded for recording in recordings]
    return Axis((0.0, float(max(*ends, 1))), label="step", whole=True)
