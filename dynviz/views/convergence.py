"""Whether a run has converged: loss, distribution of parameters, memory, in words."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from dynviz.charts import caption, limits
from dynviz.charts.caption import Tag, words
from dynviz.charts.curves import Curve, Moving, panel
from dynviz.charts.forks import own_from
from dynviz.charts.moving import MovingPanel, film, step_axis, union
from dynviz.charts.numbers import significant
from dynviz.charts.samples import need
from dynviz.charts.settings import parted
from dynviz.detection.convergence import Convergence, convergence
from dynviz.detection.stationarity import Stationarity, parameters
from dynviz.errors import DynvizError
from dynviz.film import Film
from dynviz.recording import Recording
from dynviz.scene.marks import Axis, Line, Panel, Readout, ReferenceLine
from dynviz.views._convergence import brief, brief_of, sentences

SEEDS, BLOCKS = 4, 25
"""Fewer seeds do not tell how far they are apart, which is drawn as means of so many blocks of steps."""
LAGS = 8.0
"""Autocorrelation is shown up to so many half-lives of the parameter that remembers longest."""


def view(recordings: Sequence[Recording], *, start: int = 0) -> Film:
    """Open the view.

    The loss is drawn as means of blocks of steps, over all seeds, with a line where it has converged: from there on
    blocks differ no more than noise does. The autocorrelation of the parameters is that of the part of the run in
    which their distribution stays the same, of its second half where there is none. The words beside the
    titles answer whether loss and parameters have converged; of one parameter also how long it remembers, and whether
    seeds agree. `dynviz show` says it in sentences, and how good the run is then. A story of four seeds
    or more has, beside the loss, how far they are from their mean, in place of the autocorrelation.

    Args:
        recordings: What is shown.
        start: The step from which blocks of the loss are drawn: a fall before it leaves no room for what follows.
    """
    need("convergence", recordings, "loss")
    recordings = parted(recordings)
    results = [convergence(recording) for recording in recordings]
    if not any(one.loss for one in results):
        raise DynvizError("view convergence needs 200 samples of the loss, finite in one seed at least")
    tags = caption.tags(recordings)
    panels = [_loss(recordings, results, tags, start)]
    if any(one.parameters for one in results):
        panels.append(_memory(results, tags, panels[0]))
    lost = [
        sentences(name, one)[0] for name, one in zip(caption.names(recordings), results, strict=True) if not one.loss
    ]
    shown = film(recordings, panels, lost)
    apart = [_apart(recording, one, tag) for recording, one, tag in zip(recordings, results, tags, strict=True)]
    curves = [curve for curve in apart if curve is not None]
    if lost or len(curves) < len(recordings):
        return shown
    told = [_loss(recordings, results, tags, start, told=True), _spread(recordings, curves, start)]
    whole = film(recordings, told)
    return replace(shown, story=lambda: replace(whole, scene=lambda step: replace(whole.scene(step), lead=len(told))))


def _apart(recording: Recording, found: Convergence, tag: Tag) -> Curve | None:
    """How far the seeds are from their mean, the root mean square in blocks of steps; None for a seed or two."""
    known = list(parameters(recording, found.lanes))
    if not known or len(found.lanes) < SEEDS:
        return None
    _, series = known[0]
    blocks = np.array_split(np.arange(len(series.steps)), min(BLOCKS, len(series.steps)))
    spread = np.sqrt([series.values[block].var(axis=1, ddof=1).mean() for block in blocks])
    return Curve(series.steps[[block[-1] for block in blocks]], spread[:, None], tag.color, tag.dash, tag.name)


def _spread(recordings: Sequence[Recording], curves: Sequence[Curve], start: int) -> MovingPanel:
    """How far the seeds are apart, from 0 on, which they approach where parameters converge."""
    later = [_from(curve, start) for curve in curves]
    y = limits.axis([np.zeros((1, 1)), *(curve.values for curve in later)])
    return panel("spread of the runs about their mean", later, step_axis(recordings), y)


def _from(curve: Curve, start: int) -> Curve:
    """The curve from a step on."""
    shown = slice(min(int(np.searchsorted(curve.x, start)), len(curve.x) - 1), None)
    return replace(curve, x=curve.x[shown], values=curve.values[shown])


def _loss(
    recordings: Sequence[Recording],
    results: Sequence[Convergence],
    tags: Sequence[Tag],
    start: int,
    *,
    told: bool = False,
) -> MovingPanel:
    curves, values = [], []
    lines: list[tuple[int, ReferenceLine]] = []
    for recording, one, tag, begins in zip(recordings, results, tags, own_from(recordings), strict=True):
        if one.loss is None:
            continue
        # A block is known once it is over.
        ends = one.loss.steps + (one.loss.steps[1] - one.loss.steps[0])
        curve = Curve(ends, one.loss.means[:, None], tag.color, tag.dash, tag.name, begins=begins)
        curves.append(_from(curve, start))
        values.append(Readout(brief(one.loss), tag.color, tag.name))
        others = one.unsettled.items()
        values += [Readout(f"{words(name, recording)} {brief(other)}", tag.color, tag.name) for name, other in others]
        if one.loss.since is not None:
            # One of the lines has the words: they are often close to each other.
            line = ReferenceLine(float(one.loss.since), tag.color, vertical=True, label="" if lines else "converged")
            lines.append((one.loss.since, line))
    x, y = step_axis(recordings), limits.axis([curve.values for curve in curves])
    title = "loss, means of blocks of steps"
    if told:
        lines, values = [], []
    elif start:
        title += f", from step {significant(start, 9)} on"
    moving, steps = Moving(curves, y), union([curve.x for curve in curves])

    def at(step: int) -> Panel:
        # A line that is not there yet has no place: the marks of a film stay the same.
        marks = tuple(line if since <= step else replace(line, at=np.nan, label="") for since, line in lines)
        return Panel(title, x, y, (*marks, *moving.at(step)), tuple(values))

    return MovingPanel(steps, at)


def _memory(results: Sequence[Convergence], tags: Sequence[Tag], beside: MovingPanel) -> MovingPanel:
    parts = [(part, tag) for one, tag in zip(results, tags, strict=True) for part in one.parameters]
    longest = max(LAGS * part.half_life for part, _ in parts)
    lines = [
        _correlation(part, tag, place, longest)
        for tag in tags
        for place, part in enumerate(part for part, own in parts if own is tag)
    ]
    least = min(float(np.nanmin(line.y, initial=0.0)) for line in lines)
    x, y = Axis((0.0, longest), label="lag, steps"), Axis((min(-0.25, 1.1 * least), 1.05))
    half = ReferenceLine(0.5, "muted", label="half")
    # There is no room for all numbers of several parameters; those that come first are told of each recording.
    alone = all(len(one.parameters) <= 1 for one in results)
    ranked = sorted((place, index) for index, one in enumerate(results) for place in range(len(one.parameters)))
    told = ((results[index].parameters[place], tags[index]) for place, index in ranked)
    values = tuple(Readout(brief_of(part, numbers=alone), tag.color, part.name) for part, tag in told)
    drawn = Panel("autocorrelation of parameters", x, y, (half, *lines), values)
    return MovingPanel(beside.steps, lambda _: drawn)


def _correlation(part: Stationarity, tag: Tag, place: int, longest: float) -> Line:
    lags = part.lag * np.arange(len(part.correlation))
    shown = lags <= longest
    dash = caption.DASHES[place % len(caption.DASHES)]
    name = f"{tag.name} {part.name}".strip()
    return Line(lags[shown], part.correlation[shown], tag.color, name, dash=dash, width=1.5)
