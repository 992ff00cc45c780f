"""The distribution of gradient noise beside a normal one, and how heavy its tail."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.charts import caption, limits
from dynviz.charts.curves import Curve, panel
from dynviz.charts.forks import own_from
from dynviz.charts.moving import MovingPanel, film, step_axis
from dynviz.charts.numbers import significant
from dynviz.charts.samples import Latest, has, lane_of, need
from dynviz.charts.series import series
from dynviz.charts.settings import parted
from dynviz.charts.tails import hill
from dynviz.film import Film, Sentence
from dynviz.recording import Recording
from dynviz.scene.marks import Axis, Bars, Line, Panel, ReferenceLine

Array: TypeAlias = NDArray[Any]

BINS = 40
CURVE = 160
"""Points of a normal curve."""
REACH = 0.999
"""The share of all values, over all steps, that the axis reaches over; the few beyond are in the last bar."""
INFINITE = 2.0
"""Below this tail index the variance is infinite."""


def view(recordings: Sequence[Recording], *, lane: int = 0) -> Film:
    """Open the view. The line is a normal distribution of the same mean and deviation.

    The tail index is Hill's, of the largest tenth, with its 95 % interval: below 2 the variance is infinite, and of a
    normal distribution it is large. A story has it in the lead, over the heaviest and the lightest tail.

    Args:
        recordings: What is shown; recordings of one data set share a panel of the loss.
        lane: Whose noise is shown of each recording; losses are of all lanes.
    """
    lane_of(recordings, lane)
    need("noise", recordings, "noise")
    recordings = parted(recordings)
    tags = caption.tags(recordings)
    distributions = [_distribution(recording, tag, lane) for recording, tag in zip(recordings, tags, strict=True)]
    losses = [_losses(recordings, data) for data in dict.fromkeys(map(_data, recordings))]
    ends = [hill(recording["noise"][-1, lane]).estimate for recording in recordings]
    last = max(int(recording.steps("noise")[-1]) for recording in recordings)
    told = _told(last, ends, [tag.name for tag in tags])
    tails = _indices(recordings, tags, lane)

    def story() -> Film:
        order = np.argsort(ends)
        apart = [distributions[place] for place in dict.fromkeys((int(order[0]), int(order[-1])))]
        return film(recordings, [tails, *apart, *losses], told=told)

    return replace(film(recordings, [*distributions, tails, *losses], told=told), story=story)


def _told(step: int, ends: Sequence[float], names: Sequence[str]) -> list[Sentence]:
    """Whose tail index ends below that of an infinite variance; nothing of one recording, whose index is written."""
    if len(ends) < 2 or not np.isfinite(ends).all():
        return []
    low, high = int(np.argmin(ends)), int(np.argmax(ends))
    of = f"{significant(ends[low], 2)} ({names[low]}) and {significant(ends[high], 2)} ({names[high]})"
    return [Sentence(step, f"The tail index ends between {of}.")]


def _data(recording: Recording) -> str:
    return str(recording.metadata.facts.get("data", ""))


def _losses(recordings: Sequence[Recording], data: str) -> MovingPanel:
    """The loss of all recordings of one data set, in the colours that they have among all."""
    channel = "train_loss" if all(has(recording, "train_loss") for recording in recordings) else "loss"
    own = [recording for recording in recordings if _data(recording) == data]
    if len(own) == len(recordings):
        return series(recordings, channel)
    curves = [
        Curve(recording.steps(channel), recording[channel], tag.color, tag.dash, better="lower", begins=begins)
        for recording, tag, begins in zip(recordings, caption.tags(recordings), own_from(recordings), strict=True)
        if recording in own
    ]
    return panel(f"{caption.words(channel, *own)}, {data}", curves, step_axis(recordings))


def _indices(recordings: Sequence[Recording], tags: Sequence[caption.Tag], lane: int) -> MovingPanel:
    """The tail index over the steps, with its interval as a band."""
    curves, reached = [], [np.array([[INFINITE]])]
    for recording, tag, begins in zip(recordings, tags, own_from(recordings, lane), strict=True):
        estimates = np.array([hill(values) for values in recording["noise"][:, lane]])
        steps = recording.steps("noise")
        interval = estimates[:, 1:]
        reached.append(estimates)
        curves.append(Curve(steps, estimates[:, :1], tag.color, tag.dash, tag.name, noise=interval, begins=begins))
    drawn = panel("tail index", curves, step_axis(recordings), limits.axis(reached, "log"))
    infinite = ReferenceLine(INFINITE, label="infinite variance below")
    return MovingPanel(
        drawn.steps,
        lambda step: replace(whole := drawn.at(step), marks=(infinite, *whole.marks)),
        ("band: 95 % interval",),
    )


def _distribution(recording: Recording, tag: caption.Tag, lane: int) -> MovingPanel:
    values = recording["noise"][:, lane].astype(np.float64)
    good = values[np.isfinite(values)]
    top = float(np.quantile(good, REACH)) if good.size else 1.0
    edges = np.linspace(0.0, top or 1.0, BINS + 1)
    tallest = max((float(_density(row, edges).max(initial=0.0)) for row in values), default=1.0)
    x = Axis((0.0, float(edges[-1])), label="distance from the mean gradient")
    y = Axis((0.0, 1.1 * tallest or 1.0), label="density")
    title = caption.with_seed(caption.words("noise", recording), recording, lane)
    title = f"{tag.name}: noise" if tag.name else title
    latest = Latest(recording, "noise", _now(edges, tag, lane))

    def at(step: int) -> Panel:
        bars, curve, readout = latest.at(step)
        return Panel(title, x, y, (bars, curve), (readout,))

    return MovingPanel(latest.steps, at)


def _density(values: Array, edges: Array) -> NDArray[np.float64]:
    good = values[np.isfinite(values)]
    counts = np.histogram(np.clip(good, edges[0], edges[-1]), edges)[0]
    return np.asarray(counts / max(len(good), 1) / (edges[1] - edges[0]), dtype=np.float64)


def _now(edges: Array, tag: caption.Tag, lane: int) -> Callable[[Array], tuple[Bars, Line, caption.Tag]]:
    middles, places = (edges[:-1] + edges[1:]) / 2, np.linspace(edges[0], edges[-1], CURVE)

    def now(past: Array) -> tuple[Bars, Line, caption.Tag]:
        values = past[-1][lane].astype(np.float64)
        good = values[np.isfinite(values)]
        mean, deviation = (float(good.mean()), float(good.std())) if good.size else (np.nan, np.nan)
        with np.errstate(divide="ignore", invalid="ignore"):
            normal = np.exp(-(((places - mean) / deviation) ** 2) / 2) / (deviation * np.sqrt(2 * np.pi))
        tail = hill(values)
        index, low, high = (significant(value, 2) for value in tail)
        text = f"tail index {index} ({low} to {high})" if np.isfinite(tail.estimate) else "too few for a tail index"
        bars = Bars(middles, _density(values, edges), tag.color, float(edges[1] - edges[0]))
        line = Line(places, normal, "text", "normal", dash="dashed", dot=False)
        return bars, line, replace(tag, name="", text=text, widest="tail index 8.8 (8.8 to 8.8)")

    return now
