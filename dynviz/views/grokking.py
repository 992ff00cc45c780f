"""Training and test accuracy on a log axis of steps, and the weights meanwhile."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.charts import caption, limits
from dynviz.charts.curves import Curve, panel
from dynviz.charts.forks import own_from
from dynviz.charts.moving import STEP, MovingPanel, film
from dynviz.charts.numbers import percent
from dynviz.charts.samples import Latest, lane_of, need
from dynviz.charts.settings import parted
from dynviz.detection.scan import Scan, load
from dynviz.film import Film
from dynviz.recording import Recording
from dynviz.scene.marks import Axis, Bars, Dash, Line, Panel, Readout, ReferenceLine

Array: TypeAlias = NDArray[Any]

FEW = 5
"""So many frequencies are as good as all, once it has grokked."""
ACCURACIES: tuple[tuple[str, str, Dash], ...] = (
    ("train_accuracy", "training", "dashed"),
    ("test_accuracy", "test", "solid"),
)


def view(recordings: Sequence[Recording], *, lane: int = 0) -> Film:
    """Open the view. A vertical line is where a lane has grokked.

    Args:
        recordings: What is shown.
        lane: Which lane is shown of each recording.
    """
    lane_of(recordings, lane)
    need("grokking", recordings, "train_accuracy", "test_accuracy", "weight_norm", "spectrum")
    recordings = parted(recordings)
    tags = caption.tags(recordings)
    x = _steps(recordings)
    norms = [
        Curve(*_positive(recording, "weight_norm", lane), tag.color, tag.dash, tag.name, begins=begins)
        for recording, tag, begins in zip(recordings, tags, own_from(recordings, lane), strict=True)
    ]
    panels = [_accuracies(recordings, tags, x, lane), panel(caption.words("weight_norm", *recordings), norms, x)]
    reach = max(float(np.nanmax(recording["spectrum"][:, lane], initial=0.1)) for recording in recordings)
    y = Axis((0.0, min(1.0, 1.1 * reach)), label="share")
    panels += [_spectrum(recording, tag, y, lane) for recording, tag in zip(recordings, tags, strict=True)]
    return film(recordings, panels)


def _steps(recordings: Sequence[Recording]) -> Axis:
    """A logarithmic axis, from the first sample after the start."""
    first = min(float(recording.metadata.channels["test_accuracy"].every) for recording in recordings)
    last = max(float(recording.total if recording.live else recording.recorded) for recording in recordings)
    return Axis((first, max(last, 2 * first)), "log", STEP, whole=True)


def _positive(recording: Recording, channel: str, lane: int) -> tuple[NDArray[np.int64], Array]:
    """The samples after the start, which has no place on the axis."""
    steps = recording.steps(channel)
    own = slice(1, None) if len(steps) > 1 else slice(None)
    return steps[own], recording[channel][own, [lane]].astype(np.float64)


def _accuracies(recordings: Sequence[Recording], tags: Sequence[caption.Tag], x: Axis, lane: int) -> MovingPanel:
    curves = []
    for recording, tag, begins in zip(recordings, tags, own_from(recordings, lane), strict=True):
        for channel, words, dash in ACCURACIES:
            label = f"{tag.name} {words}".strip()
            curves.append(Curve(*_positive(recording, channel, lane), tag.color, dash, label, begins=begins))
    drawn = panel("accuracy", curves, x, Axis((0.0, 1.02)))
    scan = Scan(recordings, load(["grokked"]))
    grokked = {
        event.recording: event.step for event in scan.advance() if event.kind == "grokked" and event.lane == lane
    }

    def at(step: int) -> Panel:
        shown = drawn.at(step)
        known = {place: when for place, when in grokked.items() if when <= step}
        rules = tuple(ReferenceLine(when, tags[place].color, vertical=True) for place, when in known.items())
        words = tuple(
            Readout(f"grokked at step {when}", tags[place].color, tags[place].name) for place, when in known.items()
        )
        return replace(shown, marks=(*rules, *shown.marks), readouts=words or shown.readouts)

    return MovingPanel(drawn.steps, at)


def _spectrum(recording: Recording, tag: caption.Tag, y: Axis, lane: int) -> MovingPanel:
    """How much of the embedding each frequency is, now and (as a line) before training."""
    values = recording["spectrum"][:, lane]
    frequencies = np.arange(1.0, values.shape[1] + 1)
    x = Axis((0.0, values.shape[1] + 1.0), label="frequency", whole=True)
    title = caption.with_seed(caption.words("spectrum", recording), recording, lane)
    title = f"{tag.name}: {title}" if tag.name else title
    start = Line(frequencies, limits.drawable(values[0], "linear"), "muted", "at the start", dash="dotted", dot=False)

    def now(past: Array) -> tuple[Bars, Readout]:
        shares = past[-1][lane].astype(np.float64)
        largest = np.sort(shares)[::-1][:FEW].sum()
        readout = Readout(f"{FEW} largest {percent(float(largest))}", tag.color, widest=f"{FEW} largest 100.0 %")
        return Bars(frequencies, shares, tag.color), readout

    latest = Latest(recording, "spectrum", now)

    def at(step: int) -> Panel:
        bars, readout = latest.at(step)
        return Panel(title, x, y, (bars, start), (readout,))

    return MovingPanel(latest.steps, at)
