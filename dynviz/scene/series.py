"""Panels of curves: scalars and small vectors of recordings over the steps.

One lane is a line. Several lanes are a thin line each for the first few of them, a bold line for their median and a
band over their middle half. A loss that jumps from batch to batch is shown by its trailing mean, over a band from
the tenth to the ninetieth percentile of the same samples.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.recording import Recording
from dynviz.scene import caption, limits, trend
from dynviz.scene.limits import Scale
from dynviz.scene.marks import Axis, Band, Dash, Line, Panel, Readout
from dynviz.scene.moving import MovingPanel, step_axis, union
from dynviz.scene.samples import Latest, has

Array: TypeAlias = NDArray[Any]

NARROW = 4
"""Vectors up to this length are drawn as so many lines; of longer ones the median and the middle half."""
THIN_LINES = 8
"""So many lanes get a thin line of their own beside the median."""
DASHES: tuple[Dash, ...] = ("solid", "dashed", "dotted")


@dataclass(frozen=True)
class Curve:
    """One entry of one recording's channel.

    Attributes:
        x: Steps [samples].
        values: [samples, lanes].
        color: Of the recording.
        dash: Of the entry.
        label: At the line's end.
        noise: Tenth and ninetieth percentile [samples, 2] of what `values` is the mean of; none where it is not.
    """

    x: NDArray[np.int64]
    values: Array
    color: str
    dash: Dash = "solid"
    label: str = ""
    noise: Array | None = None


def scalar_like(recording: Recording, channel: str) -> bool:
    """Whether a channel is a number over time, or a few."""
    info = recording.metadata.channels[channel]
    return info.every > 0 and len(info.shape) <= 1 and int(np.prod(info.shape)) <= NARROW and not info.parts


def scalars(recordings: Sequence[Recording]) -> list[str]:
    """The scalar-like channels of any of the recordings that have samples, in the order of recording."""
    return list(
        dict.fromkeys(
            channel
            for recording in recordings
            for channel in recording.channels
            if scalar_like(recording, channel) and has(recording, channel)
        )
    )


def series(
    recordings: Sequence[Recording], channel: str, *, scale: Scale = "auto", labelled: bool = False
) -> MovingPanel:
    """A panel of one channel over the steps, of all recordings that have it.

    Args:
        recordings: At least one has the channel.
        channel: Its name.
        scale: Of the vertical axis.
        labelled: Whether the recordings are named, at the ends of the lines and before the values of now. One panel
            of a film is enough: in the others the colours say which is which.
    """
    names = caption.names(recordings) if labelled and len(recordings) > 1 else ("",) * len(recordings)
    shown = [index for index, recording in enumerate(recordings) if has(recording, channel)]
    curves: list[Curve] = []
    for index in shown:
        curves += _curves(recordings[index], channel, caption.color(index), names[index])
    steps, width = union([curve.x for curve in curves]), _smoothing(channel, curves)
    if width > 1:
        curves = [_smoothed(curve, width) for curve in curves]
    y = limits.axis([part for curve in curves for part in (curve.values, curve.noise) if part is not None], scale)
    x, title = step_axis(recordings), _title(recordings[shown[0]], channel, width)
    marks = [mark for curve in curves for mark in _marks(curve, y.scale)]
    # Bands at the back, medians in front of the thin lines of all recordings.
    marks.sort(key=lambda mark: 0.0 if isinstance(mark, Band) else mark.width)
    ends = [float(mark.x[-1]) for mark in marks]
    values = [
        Latest(recordings[index], channel, _value(names[index], caption.color(index), y, width)) for index in shown
    ]

    def at(step: int) -> Panel:
        moved = tuple(_moved(mark, min(float(step), end)) for mark, end in zip(marks, ends, strict=True))
        return Panel(title, x, y, moved, tuple(value.at(step) for value in values))

    return MovingPanel(steps, at)


def _curves(recording: Recording, channel: str, color: str, label: str) -> list[Curve]:
    values, x = recording[channel], recording.steps(channel)
    entries = values.reshape(*values.shape[:2], -1)
    count = entries.shape[2]
    if count > NARROW:
        return [Curve(x, values.reshape(values.shape[0], -1), color, label=label)]
    labels = [f"{label} {entry}".strip() for entry in _entries(recording, channel, count)]
    return [Curve(x, entries[:, :, entry], color, DASHES[entry % len(DASHES)], labels[entry]) for entry in range(count)]


def _entries(recording: Recording, channel: str, count: int) -> Sequence[str]:
    """What the entries of a vector are called: `own` and `other` where its dimension is `own or other`."""
    if count == 1:
        return ("",)
    said = " ".join(recording.metadata.channels[channel].dims).split(" or ")
    return said if len(said) == count else tuple(map(str, range(count)))


def _smoothing(channel: str, curves: Sequence[Curve]) -> int:
    """Over how many samples to average; 1 where there is nothing to smooth."""
    if channel != "loss" or not any(trend.rough(lane) for curve in curves for lane in curve.values.T[:THIN_LINES]):
        return 1
    return trend.window(max(len(curve.x) for curve in curves))


def _smoothed(curve: Curve, width: int) -> Curve:
    at = trend.places(len(curve.x))
    lanes = np.stack([trend.trailing_mean(lane, at, width) for lane in curve.values.T], axis=1)
    noise = trend.trailing_quantiles(curve.values[:, 0], at, width, 0.1, 0.9).T if lanes.shape[1] == 1 else None
    return replace(curve, x=curve.x[at], values=lanes, noise=noise)


def _marks(curve: Curve, scale: str) -> list[Band | Line]:
    def drawable(values: Array) -> Array:
        return limits.drawable(values, scale)

    bold = Line(curve.x, drawable(curve.values[:, 0]), curve.color, curve.label, dash=curve.dash, width=1.5)
    if curve.values.shape[1] == 1:
        if curve.noise is None:
            return [bold]
        return [Band(curve.x, drawable(curve.noise[:, 0]), drawable(curve.noise[:, 1]), curve.color), bold]
    thin = [
        replace(bold, y=drawable(lane), label="", width=0.5, ghost=False, dot=False)
        for lane in curve.values.T[:THIN_LINES]
    ]
    at = trend.places(len(curve.x))
    low, median, high = (drawable(part) for part in trend.middle(curve.values[at]))
    x = curve.x[at]
    return [Band(x, low, high, curve.color), *thin, replace(bold, x=x, y=median, width=2.0)]


def _title(recording: Recording, channel: str, width: int) -> str:
    info, title = recording.metadata.channels[channel], caption.words(channel)
    entries = int(np.prod(info.shape))
    if entries > NARROW:
        return f"{title}, median of {caption.significant(entries)}"
    return f"{title}, mean of {width * info.every} steps" if width > 1 else title


def _value(name: str, color: str, y: Axis, width: int) -> Callable[[Array], Readout]:
    """A function of samples [samples, lanes, ...]: what is drawn of the last one in words."""

    def readout(past: Array) -> Readout:
        with np.errstate(invalid="ignore", over="ignore"):
            sample = past[-width:].mean(axis=0, dtype=np.float64) if width > 1 else past[-1]
        lanes = sample.reshape(len(sample), -1)
        lanes = lanes.reshape(-1, 1) if lanes.shape[1] > NARROW else lanes
        texts = [caption.resolved(_median(entry), y.limits, y.scale) for entry in lanes.T.tolist()]
        lost = len(lanes) - int(np.count_nonzero(limits.finite(lanes).all(axis=1))) if len(lanes) > 1 else 0
        note = f" ({lost} of {len(lanes)} diverged)" if 0 < lost < len(lanes) else ""
        return Readout(f"{name} {', '.join(texts)}{note}".strip(), color)

    return readout


def _median(values: list[float]) -> float:
    """Of the finite ones; the first where none is. For a few values this takes a tenth of NumPy's time."""
    good = sorted(value for value in values if abs(value) < limits.HUGE)
    if not good:
        return values[0]
    half = len(good) // 2
    return good[half] if len(good) % 2 else (good[half - 1] + good[half]) / 2


def _moved(mark: Band | Line, now: float) -> Band | Line:
    """The mark at another present. `dataclasses.replace` takes twice the time, for each of many lines a frame."""
    if isinstance(mark, Band):
        return Band(mark.x, mark.low, mark.high, mark.color, now)
    rest = (mark.along, mark.dash, mark.width, mark.ghost, mark.dot)
    return Line(mark.x, mark.y, mark.color, mark.label, now, *rest)
