"""Singular values over the steps and now, against the true ones, and the error."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.charts import caption, limits
from dynviz.charts.curves import Curve, exits
from dynviz.charts.exits import Exits
from dynviz.charts.forks import own_from, without_past
from dynviz.charts.limits import Scale
from dynviz.charts.moving import MovingPanel, film, step_axis, union
from dynviz.charts.numbers import DIVERGED
from dynviz.charts.samples import Latest, has, lane_of, lined, need
from dynviz.charts.series import series
from dynviz.charts.settings import hyperparameter, moving
from dynviz.errors import unknown
from dynviz.film import Film
from dynviz.frozen import frozen
from dynviz.recording import Recording
from dynviz.scene import scales
from dynviz.scene.decimate import evenly
from dynviz.scene.marks import Axis, Bars, Line, Panel, Points, Readout, ReferenceLine, Text

Array: TypeAlias = NDArray[Any]

ERRORS = ("relative_error", "val_loss", "loss")
Of: TypeAlias = Literal["matrix", "gradient", "update"]
CHANNELS: dict[str, str] = {
    "matrix": "singular_values",
    "gradient": "gradient_singular_values",
    "update": "update_singular_values",
}
TRACES = 12
"""So many singular values of a recording have a line over the steps at most."""
WORD = 0.1
"""The share of an axis that a word beside a line needs."""
BARS = 48
"""More bars than these are drawn as a line for each recording."""
RANKS = ("largest", "second", "third", "fourth")


def view(
    recordings: Sequence[Recording],
    *,
    lane: int = 0,
    count: int = 0,
    scale: Scale | None = None,
    of: Of = "matrix",
    parameter: str = "",
) -> Film:
    """Of many singular values, only some have a line over the steps, evenly spaced from the largest to the smallest.

    A story of what classifies has the test accuracy, and names the lines that leave the others.

    Args:
        recordings: What is shown.
        lane: Lane of each recording whose singular values are shown; the error covers all lanes.
        count: How many of the largest to show; 0 shows twice the true rank, or 8 if that is unknown.
        scale: Scale of the singular values; none: logarithmic for gradients and updates, else linear.
        of: Whose singular values: those of the learned matrix, next to the true ones, of the gradient, or of the last
            update.
        parameter: Name of the matrix, if several are recorded; by default the first one.
    """
    if of not in CHANNELS:
        raise unknown("matrix of view spectrum", of, CHANNELS)
    channel = _channel(recordings, CHANNELS[of], parameter)
    need("spectrum", recordings, channel)
    lane_of(recordings, lane)
    truth = _truth(recordings, lane) if of == "matrix" else np.empty(0)
    most = max(recording[channel].shape[2] for recording in recordings)
    shown = min(most, count or (max(4, 2 * len(truth)) if truth.size else 8))
    curves = [lined(recording, channel, lane, slice(shown)) for recording in recordings]
    own = zip(curves, own_from(recordings, lane), strict=True)
    curves = [(steps, without_past(values, steps, begins)) for (steps, values), begins in own]
    y = _axis([values for _, values in curves], truth, scale or ("linear" if of == "matrix" else "log"))
    spectra = Spectra(tuple(recordings), channel, lane, shown, truth, y, most)
    panels = [_traces(spectra, curves), _now(spectra)]
    errors = (name for name in ERRORS if any(has(recording, name) for recording in recordings))
    panels += [_error(recordings, name) for name in list(errors)[:1]]
    opened = film(recordings, panels)
    if len(recordings) > 1 or not has(recordings[0], "test_accuracy"):
        return opened
    told = [_traces(spectra, curves, named=True), series(recordings, "test_accuracy"), *panels[2:]]
    return replace(opened, story=lambda: film(recordings, told))


def _leaving(ends: Array, y: Axis) -> list[str]:
    """A name for each line, the largest first, by where it ends; one for all those that end beside one another."""
    places = scales.fractions(y, ends)
    above = int(np.count_nonzero(places - places[-1:] > WORD))
    known = [*RANKS[:above], "the others"] if 0 < above <= len(RANKS) else []
    return [*known, *[""] * (len(ends) - len(known))]


def _channel(recordings: Sequence[Recording], channel: str, parameter: str) -> str:
    """The channel that is shown, where there may be one for each matrix."""
    if parameter:
        return f"{channel}.{parameter}"
    several = [name for name in recordings[0] if name.startswith(f"{channel}.")]
    return channel if channel in recordings[0] or not several else several[0]


@frozen
class SensingFacts:
    """The relative error that the solution of least norm leaves, where it is not recorded as a channel."""

    least_norm_error: float | None = None


@frozen
class Spectra:
    """What is drawn.

    Attributes:
        recordings: Whose singular values.
        channel: Which holds them.
        lane: Of each recording.
        count: How many of the largest.
        truth: The true ones.
        y: Their axis.
        most: How many there are.
    """

    recordings: tuple[Recording, ...]
    channel: str
    lane: int
    count: int
    truth: Array
    y: Axis
    most: int

    def title(self, words: str, shown: int) -> str:
        """A panel's title, with how many of all are shown where these are not all."""
        return f"{words}, {shown} of {self.most}" if shown < self.most else words


def _error(recordings: Sequence[Recording], channel: str) -> MovingPanel:
    """The error, and what knowing nothing of the rank leaves; of a convex run the excess loss under its bound."""
    if all(has(recording, "excess_loss") and has(recording, "bound") for recording in recordings):
        return _bounded(recordings)
    panel = series(recordings, channel)
    if channel != "relative_error":
        return panel
    known = [_least_norm(recording) for recording in recordings]
    if known[0] is None or any(value is None or abs(value - known[0]) > 0.02 for value in known):
        return panel
    reference = ReferenceLine(known[0], label="least norm")
    return MovingPanel(panel.steps, lambda step: _behind(reference, panel.at(step)))


def _least_norm(recording: Recording) -> float | None:
    """What the solution of least norm leaves, the mean of all lanes; None where nobody said."""
    if has(recording, "least_norm_error"):
        return float(np.mean(recording["least_norm_error"][0]))
    return recording.facts_as(SensingFacts).least_norm_error


def _bounded(recordings: Sequence[Recording]) -> MovingPanel:
    """The excess loss, and what its mean over k steps stays under: |x1 - x*|^2 / (2 k lr) + lr B^2 / 2.

    Of several lanes the median of their bounds, each with its own learning rate.

    With lr = |x1 - x*| / (B sqrt(K)) that is |x1 - x*| B / sqrt(K) after K steps.
    """
    panel = series(recordings, "excess_loss", scale="log")
    lines: list[Line] = []
    for index, recording in enumerate(recordings):
        steps = recording.steps("excess_loss")[1:]
        rates = [hyperparameter(recording, "lr", lane) for lane in range(len(recording.seeds))]
        # The bound is that of a rate that stays as it is.
        if not len(steps) or "lr" in moving(recording) or not all(isinstance(rate, float) for rate in rates):
            continue
        distance, gradient = recording["bound"][0].astype(np.float64).T
        lr = np.array(rates)
        bound = np.median(distance**2 / (2 * steps[:, None] * lr) + lr * gradient**2 / 2, axis=1)
        label = "bound" if not lines else ""
        lines.append(Line(steps, bound, caption.color(index), label, dash="dashed", ghost=False))
    highest = max((float(line.y[-1]) for line in lines), default=0.0)

    def at(step: int) -> Panel:
        whole = panel.at(step)
        y = replace(whole.y, limits=(whole.y.limits[0], max(whole.y.limits[1], 4 * highest)))
        return replace(whole, y=y, marks=(*lines, *whole.marks))

    return MovingPanel(panel.steps, at)


def _behind(reference: ReferenceLine, panel: Panel) -> Panel:
    return replace(panel, marks=(reference, *panel.marks))


def _truth(recordings: Sequence[Recording], lane: int) -> Array:
    """The true singular values above rounding, the largest first; none where nobody recorded them."""
    for recording in recordings:
        if has(recording, "true_singular_values"):
            values = recording["true_singular_values"][0, lane]
            values = np.sort(values[np.isfinite(values)])[::-1]
            return values[values > 1e-5 * values[:1]]
    return np.empty(0)


def _axis(values: Sequence[Array], truth: Array, scale: Scale) -> Axis:
    # A curve for each recording: of one alone the largest value would look as if it had diverged from the others.
    y = limits.axis([np.asarray(part).reshape(-1, 1) for part in (*values, truth) if np.size(part)], scale)
    if y.scale == "log":
        return y
    # The word beside the largest true value stands above it.
    return replace(y, limits=(0.0, max(y.limits[1], 1.12 * float(truth.max(initial=0.0)))))


def _seeded(recordings: Sequence[Recording], lane: int) -> list[str]:
    """A name for each readout: of which recording, and with which seed where there are several."""
    names = [tag.name for tag in caption.tags(recordings)]
    seeds = [f"seed {one.seeds[lane]}" if len(one.seeds) > 1 else "" for one in recordings]
    return [" ".join(word for word in pair if word) for pair in zip(names, seeds, strict=True)]


def _references(values: Array, y: Axis) -> Iterator[ReferenceLine]:
    """A line across for each true value, the largest first; all are named that have room for it."""
    named = np.inf
    for value, place in zip(values, scales.fractions(y, values), strict=True):
        fits = named - place > WORD
        named = place if fits else named
        yield ReferenceLine(float(value), "text", label="true" if fits else "")


def _traces(spectra: Spectra, curves: Sequence[tuple[NDArray[np.int64], Array]], *, named: bool = False) -> MovingPanel:
    """Each singular value over the steps, or some of them, with names or without."""
    x, y, truth = step_axis(spectra.recordings), spectra.y, spectra.truth
    chosen = evenly(spectra.count, TRACES)
    marked = truth[[place for place in chosen if place < len(truth)]]
    references = tuple(_references(marked, y))
    lines: list[Line] = []
    tags = caption.tags(spectra.recordings)
    out: list[tuple[Exits, bool]] = []
    for index, (recording, (steps, largest)) in enumerate(zip(spectra.recordings, curves, strict=True)):
        there = chosen[chosen < largest.shape[1]]
        names = _leaving(largest[-1, there], y) if named else [""] * len(there)
        for place, name in zip(there, names, strict=True):
            column = largest[:, place]
            # Those beyond the true rank should vanish: they stay in the background.
            width = 1.5 if place < len(truth) else 1.0
            curve = Curve(steps, column[:, None], caption.color(index), whose=tags[index].name or recording.label)
            out.append((exits(curve, y), place == 0))
            lines.append(Line(steps, limits.drawable(column, y.scale), caption.color(index), name, width=width))
    title = spectra.title(caption.words(spectra.channel, *spectra.recordings), len(chosen))

    def at(step: int) -> Panel:
        moved = (line.at(step) for line in lines)
        left = (mark for one, said in out for mark in one.at(step, said=said))
        return Panel(title, x, y, (*references, *moved, *left))

    return MovingPanel(union([recording.steps(spectra.channel) for recording in spectra.recordings]), at)


def _now(spectra: Spectra) -> MovingPanel:
    """The spectrum of now: bars, or a line where there are too many."""
    recordings, count, y = spectra.recordings, spectra.count, spectra.y
    width = 0.8 / len(recordings)
    names = _seeded(recordings, spectra.lane)
    base = y.limits[0] if y.scale == "log" else 0.0
    places = np.arange(1, count + 1, dtype=np.float64)
    true = spectra.truth[:count]
    size = 5.0 if count <= BARS else 3.0
    rings = (Points(places[: len(true)], true, "text", size, "ring", "true"),) if true.size else ()
    many = count * len(recordings) > BARS

    def drawn(index: int) -> Callable[[Array], tuple[Bars | Line, Text]]:
        x = places + (index - (len(recordings) - 1) / 2) * width

        def heights(past: Array) -> tuple[Bars | Line, Text]:
            largest = past[-1][spectra.lane, :count]
            color = caption.color(index)
            mark: Bars | Line
            if many:
                mark = Line(places[: len(largest)], limits.drawable(largest, y.scale), color, width=1.5)
            else:
                mark = Bars(x[: len(largest)], largest, color, width, base)
            word = "" if limits.finite(largest).any() else f"{names[index]} {DIVERGED}".strip()
            # At the right, where values are low; a line for each recording.
            height = float(scales.values(y, 0.6 - 0.1 * index))
            return mark, Text(count + 0.5, height, word, color, "right")

        return heights

    moving = [Latest(recording, spectra.channel, drawn(index)) for index, recording in enumerate(recordings)]
    readouts = tuple(Readout(name, caption.color(index)) for index, name in enumerate(names) if name)
    x = Axis((0.4, count + 0.6), label="index", whole=True)
    title = spectra.title("spectrum", count)

    def at(step: int) -> Panel:
        both = [mark.at(step) for mark in moving]
        marks = [one for one, _ in both], [word for _, word in both]
        return Panel(title, x, y, (*marks[0], *rings, *marks[1]), readouts)

    return MovingPanel(union([mark.steps for mark in moving]), at)
