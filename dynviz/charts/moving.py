"""Panels that change with the step, and films of several of them."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from dynviz.charts import caption, turns
from dynviz.charts.outcomes import outcomes
from dynviz.film import Film, Sentence
from dynviz.frozen import frozen
from dynviz.recording import Recording
from dynviz.scene.decimate import distinct, last_until
from dynviz.scene.marks import Axis, Panel, Readout, Scene

STEP = "step"
"""The label of the axis of steps."""


@frozen
class MovingPanel:
    """A panel of a film.

    Attributes:
        steps: The steps at which it changes, ascending.
        at: Returns the panel at a step.
        notes: What its marks represent, and which data they omit; shown once for the whole film.
    """

    steps: NDArray[np.int64]
    at: Callable[[int], Panel]
    notes: tuple[str, ...] = ()


def film(
    recordings: Sequence[Recording],
    panels: Sequence[MovingPanel],
    notes: Sequence[str] = (),
    *,
    columns: int = 0,
    told: Sequence[Sentence] = (),
) -> Film:
    """A film of these panels, in this order, titled with the scenario and its options.

    Args:
        recordings: The recordings.
        panels: In reading order.
        notes: What all of the panels leave out.
        columns: How many columns they stand in, row after row; 0: as there is room.
        told: What this view says of the recordings; of one step it is said after what all views say.
    """
    title, before = caption.title(recordings), (*caption.what(recordings), *caption.readouts(recordings))
    before += turns.notes(recordings)
    notes = [*notes, *(note for panel in panels for note in panel.notes)]
    after = tuple(Readout(note, "muted") for note in dict.fromkeys(notes))
    live = any(recording.live for recording in recordings)
    # Names of the recordings, and what all of them were given; what is noted of some of them is worth less.
    named = max((place for place, one in enumerate(before) if one.color not in ("text", "muted")), default=-1) + 2
    before, after = before[:named], (*before[named:], *after)
    events = tuple(sorted((*outcomes(recordings), *(() if live else told)), key=lambda event: event.step))
    longest = max((event.text for event in events), key=len, default="")
    total = max(recording.total for recording in recordings)
    steps = union([panel.steps for panel in panels])
    draw = [_dated(panel) if _is_rare(panel.steps, steps) else panel.at for panel in panels]

    def scene(step: int) -> Scene:
        now = [event.text for event in events if event.step <= step]
        said = (Readout(now[-1] if now else "", "text", widest=longest),) if events else ()
        return Scene(title, tuple(at(step) for at in draw), step, total, (*before, *said, *after), columns=columns)

    return Film(steps, scene, outcomes=events)


def _is_rare(own: NDArray[np.int64], steps: NDArray[np.int64]) -> bool:
    """Whether a panel stands still at some steps between its first and its last one, while others move."""
    inside = steps[(steps >= own[0]) & (steps <= own[-1])]
    return len(own) > 1 and len(inside) > len(own)


def _dated(panel: MovingPanel) -> Callable[[int], Panel]:
    """The panel at a step, which says of which step it is where that is an earlier one; over the steps its dot does."""
    widest = f"step {panel.steps[-1]}"

    def at(step: int) -> Panel:
        drawn = panel.at(step)
        if drawn.x.label == STEP:
            return drawn
        own = int(last_until(panel.steps, step))
        note = Readout("" if own == step else f"step {own}", "muted", widest=widest)
        return replace(drawn, readouts=(*drawn.readouts, note))

    return at


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
    """The axis of steps: up to the planned end during training, otherwise up to the last step reached."""
    ends = [recording.total if recording.live else recording.recorded for recording in recordings]
    return Axis((0.0, float(max(*ends, 1))), label=STEP, whole=True)
