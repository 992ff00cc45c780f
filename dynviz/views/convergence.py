"""Whether a run has converged: loss, distribution of parameters, memory, in words."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from dynviz.charts import caption, limits
from dynviz.charts.caption import Tag, words
from dynviz.charts.curves import Curve, Moving
from dynviz.charts.forks import own_from
from dynviz.charts.moving import MovingPanel, film, step_axis, union
from dynviz.charts.numbers import significant
from dynviz.charts.samples import need
from dynviz.charts.settings import parted
from dynviz.detection.convergence import Convergence, convergence
from dynviz.detection.stationarity import Stationarity
from dynviz.errors import DynvizError
from dynviz.film import Film
from dynviz.recording import Recording
from dynviz.scene.marks import Axis, Line, Panel, Readout, ReferenceLine
from dynviz.views._convergence import brief, brief_of, sentences

LAGS = 8.0
"""Autocorrelation is shown up to so many half-lives of the parameter that remembers longest."""


def view(recordings: Sequence[Recording], *, start: int = 0) -> Film:
    """Open the view.

    The loss is drawn as means of blocks of steps, over all seeds, with a line where it has converged: from there on
    blocks differ no more than noise does. The autocorrelation of the parameters is that of the part of the run in
    which their distribution stays the same, of its second half where there is none. The words beside the
    titles answer whether loss and parameters have converged; of one parameter also how long it remembers, and whether
    seeds agree. `dynviz show` says it in sentences, and how good the run is then.

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
    return film(recordings, panels, lost)


def _loss(
    recordings: Sequence[Recording], results: Sequence[Convergence], tags: Sequence[Tag], start: int
) -> MovingPanel:
    curves, values = [], []
    lines: list[tuple[int, ReferenceLine]] = []
    for recording, one, tag, begins in zip(recordings, results, tags, own_from(recordings), strict=True):
        if one.loss is None:
            continue
        # A block is known once it is over.
        ends = one.loss.steps + (one.loss.steps[1] - one.loss.steps[0])
        shown = slice(min(int(np.searchsorted(ends, start)), len(ends) - 1), None)
        curves.append(Curve(ends[shown], one.loss.means[shown, None], tag.color, tag.dash, tag.name, begins=begins))
        values.append(Readout(brief(one.loss), tag.color, tag.name))
        others = one.unsettled.items()
        values += [Readout(f"{words(name, recording)} {brief(other)}", tag.color, tag.name) for name, other in others]
        if one.loss.since is not None:
            # One of the lines has the words: they are often close to each other.
            line = ReferenceLine(float(one.loss.since), tag.color, vertical=True, label="" if lines else "converged")
            lines.append((one.loss.since, line))
    x, y = step_axis(recordings), limits.axis([curve.values for curve in curves])
    title = f"loss, means of blocks of steps{f', from step {significant(start, 9)} on' if start else ''}"
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
