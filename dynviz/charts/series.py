"""Panels of curves: scalars and small vectors of recordings over the steps.

A single lane is a line. Several lanes are shown as a bold line for their median, a band for their middle half, and thin
lines for the first few. If lanes differ in hyperparameters, each setting has a line. A loss that is noisy from batch to
batch is shown as its trailing mean, over a band from the 10th to the 90th percentile of the same samples.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.charts import caption, limits, trend
from dynviz.charts.caption import DASHES, Tag
from dynviz.charts.curves import THIN_LINES, Curve, Moving, notes
from dynviz.charts.forks import own_from
from dynviz.charts.limits import Scale
from dynviz.charts.moving import MovingPanel, step_axis, union
from dynviz.charts.numbers import significant
from dynviz.charts.reading import NARROW, Reading
from dynviz.charts.samples import Latest, has, lined
from dynviz.charts.settings import settings
from dynviz.charts.swings import swing
from dynviz.charts.turns import lines, turns
from dynviz.recording import Recording
from dynviz.scene.decimate import evenly, last_until
from dynviz.scene.direct_label import DirectLabel
from dynviz.scene.marks import Axis, Panel

Array: TypeAlias = NDArray[Any]


def scalar_like(recording: Recording, channel: str) -> bool:
    """Whether each sample of a channel is a scalar or a short vector."""
    info = recording.metadata.channels[channel]
    return info.every > 0 and len(info.shape) <= 1 and int(np.prod(info.shape)) <= NARROW and not info.parts


def scalars(recordings: Sequence[Recording]) -> list[str]:
    """The scalar-like channels with samples in any recording, in the order of the recording with the most."""
    known = [[name for name in one if scalar_like(one, name) and has(one, name)] for one in recordings]
    return list(dict.fromkeys(name for names in sorted(known, key=len, reverse=True) for name in names))


def series(recordings: Sequence[Recording], channel: str, *, scale: Scale = "auto", calmed: bool = True) -> MovingPanel:
    """A panel of one channel over the steps, of all recordings that have it.

    Args:
        recordings: The recordings, at least one of which has the channel.
        channel: Its name.
        scale: The scale of the vertical axis.
        calmed: Whether a curve is drawn as its mean over a band where it swings; else it has its value beside the
            title, as words beside its dot would lie over its swings.
    """
    tags = caption.tags(recordings)
    shown = [index for index, recording in enumerate(recordings) if has(recording, channel)]
    curves: list[Curve] = []
    begins = own_from(recordings)
    for index in shown:
        own = _curves(recordings[index], channel, tags[index])
        curves += [replace(curve, begins=begins[index]) for curve in own] if begins[index] else own
    if len(shown) == 1:
        curves = [_in_order(curve, recordings[shown[0]]) for curve in curves]
    # Of the whole run: the trend of what was shown must not change while the run goes on.
    samples = max(recordings[index].metadata.channels[channel].samples(recordings[index].total) for index in shown)
    steps, width = union([recordings[index].steps(channel) for index in shown]), _smoothing(channel, curves, samples)
    if width > 1:
        curves = [_smoothed(curve, width) for curve in curves]
    curves = [curve.own() for curve in curves]
    drawn = [part for curve in curves for part in (curve.values, curve.noise) if part is not None]
    most = min(recordings[index].metadata.channels[channel].bounds[1] for index in shown)
    y = limits.axis(drawn, scale, most=most)
    calm = [_calmed(curve, y, samples) for curve in curves]
    rough = {curve.whose for curve in calm if curve.swings and not calmed}
    curves = calm if calmed else [replace(curve, direct=curve.direct and curve.whose not in rough) for curve in curves]
    words = tuple(dict.fromkeys(note for curve in curves for note in notes(curve, y)))
    x, title = step_axis(recordings), _title(recordings[shown[0]], channel, width)
    moving = Moving(curves, y)
    values = []
    for index in shown:
        recording = recordings[index]
        reading = Reading(y, width, _apart(recording, channel), recording.metadata.channels[channel].better)
        whose = tags[index].name or recording.label
        tag = replace(tags[index], labelled=not reading.groups and whose not in rough)
        values.append(Latest(recording, channel, reading.of(tag, recording[channel])))
    # Values are those of the samples that are drawn.
    names = [tags[index].name or recordings[index].label for index in shown]
    drawn_at = [next(own for curve, own in moving.steps if curve.whose == name) for name in names]
    swinging = {curve.whose for curve in curves if curve.swings}

    turned = turns([recordings[index] for index in shown])

    def at(step: int) -> Panel:
        shown_marks = moving.at(step)
        now = (int(last_until(own, step)) for own in drawn_at)
        readouts = [value.at(own) for value, own in zip(values, now, strict=True)]
        for place, name in enumerate(names):
            if name in swinging or width > 1:
                # Means are drawn: the value is that of the dot.
                color = readouts[place].color
                means = [mark for mark in shown_marks if isinstance(mark, DirectLabel) and mark.color == color]
                if name in swinging or (all(mean.value for mean in means) and means):
                    readouts[place] = replace(readouts[place], text=", ".join(mean.value for mean in means))
        return Panel(title, x, y, (*lines(turned, step), *shown_marks), tuple(readouts))

    return MovingPanel(steps, at, words)


def _curves(recording: Recording, channel: str, tag: Tag) -> list[Curve]:
    label, first = tag.name, DASHES.index(tag.dash)
    whose = tag.name or recording.label
    x, values = lined(recording, channel)
    share = len(x) / len(recording[channel])
    entries = values.reshape(*values.shape[:2], -1)
    count = entries.shape[2]
    if count > NARROW:
        whole = values.reshape(values.shape[0], -1)
        return [Curve(x, whole, tag.color, tag.dash, label, share=share, whose=whose)]
    labels = [f"{label} {entry}".strip() for entry in _entries(recording, channel, count)]
    groups, better = _apart(recording, channel), recording.metadata.channels[channel].better
    return [
        Curve(
            x,
            entries[:, :, entry],
            tag.color,
            DASHES[(first + entry) % len(DASHES)],
            labels[entry],
            groups=groups,
            better=better,
            share=share,
            whose=whose,
            direct=not groups,
        )
        for entry in range(count)
    ]


def _calmed(curve: Curve, y: Axis, samples: int) -> Curve:
    """A curve of one lane that swings as its mean, over what it reaches."""
    if curve.values.shape[1] > 1 or curve.noise is not None:
        return curve
    found = swing(curve.values[:, 0], y, samples)
    if found is None:
        return curve
    noise = np.stack([found.low, found.high], axis=1)
    return replace(curve, values=found.middle[:, None], noise=noise, swings=found.width)


def _apart(recording: Recording, channel: str) -> tuple[tuple[int, ...], ...]:
    """The lanes of each setting of hyperparameters; none where all lanes are of one, or a sample is a long vector."""
    groups = settings(recording)
    return tuple(groups) if len(groups) > 1 and int(np.prod(recording[channel].shape[2:])) <= NARROW else ()


def _in_order(curve: Curve, recording: Recording) -> Curve:
    """The curve with its groups in the order of the one number in which they differ, where they differ in one."""
    own = [recording.metadata.lanes[group[0]].hyperparameters for group in curve.groups]
    keys = {key for one in own for key in one if len({repr(other.get(key)) for other in own}) > 1}
    name = next(iter(keys), "")
    numbers = [value for one in own if isinstance(value := one.get(name), int | float)]
    if len(keys) != 1 or len(numbers) < len(own):
        return curve
    order = sorted(range(len(own)), key=lambda place: numbers[place])
    words = tuple(caption.option(name, numbers[place]) for place in order)
    return replace(curve, groups=tuple(curve.groups[place] for place in order), settings=words)


def _entries(recording: Recording, channel: str, count: int) -> Sequence[str]:
    """What the entries of a vector are called: `own` and `other` where its dimension is `own or other`."""
    if count == 1:
        return ("",)
    names = " ".join(recording.metadata.channels[channel].dims).split(" or ")
    return names if len(names) == count else tuple(map(str, range(count)))


def _smoothing(channel: str, curves: Sequence[Curve], samples: int) -> int:
    """The width of the trailing mean; 1 where there is nothing to smooth."""
    if channel != "loss" or not any(trend.rough(lane) for curve in curves for lane in curve.values.T[:THIN_LINES]):
        return 1
    return trend.window(samples)


def _smoothed(curve: Curve, width: int) -> Curve:
    at, width = evenly(len(curve.x), trend.POINTS), max(1, round(curve.share * width))
    lanes = np.stack([trend.trailing_mean(lane, at, width) for lane in curve.values.T], axis=1)
    noise = trend.trailing_quantiles(curve.values[:, 0], at, width, 0.1, 0.9).T if lanes.shape[1] == 1 else None
    return replace(curve, x=curve.x[at], values=lanes, noise=noise)


def _title(recording: Recording, channel: str, width: int) -> str:
    info, title = recording.metadata.channels[channel], caption.words(channel, recording)
    entries = int(np.prod(info.shape))
    if entries > NARROW:
        return f"{title}, median of {significant(entries)}"
    return f"{title}, mean of {width * info.every} steps" if width > 1 else title
