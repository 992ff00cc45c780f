"""What a model fits, and its errors as it grows: double descent."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.charts import caption, limits
from dynviz.charts.caption import Tag
from dynviz.charts.moving import MovingPanel, film, union
from dynviz.charts.numbers import significant
from dynviz.charts.samples import Latest, has, index_at, lane_of, need
from dynviz.film import Film, Sentence
from dynviz.frozen import frozen
from dynviz.recording import Recording
from dynviz.scene.marks import Axis, Dash, Line, Mark, Panel, Points, Readout, ReferenceLine, Scene

Array: TypeAlias = NDArray[Any]

ROOM = 0.6
"""How far the picture of a fit reaches beyond its samples, as a share of their range."""
THIN_LINES = 8
DASHES: tuple[Dash, ...] = ("solid", "dashed")
EQUAL = "as many as samples"
FALL = 2.0
"""A test error has a peak that falls again by this factor at least."""
FLOOR = 1e-4
"""Training errors are drawn down to this share of the least test error."""


@frozen
class Growth:
    """What a recording's models grow in.

    Attributes:
        name: Such as degree.
        x: Of the errors' samples [samples]: the complexity of one lane.
        steps: The steps that they belong to.
        threshold: Where the model has as many coefficients as samples; 0 where there is no such place.
        log: Whether the axis is logarithmic.
        solved: Whether fits are solved exactly, so that no optimizer has a part in them.
    """

    name: str
    x: Array
    steps: NDArray[np.int64]
    threshold: float
    log: bool
    solved: bool

    def words(self, x: float) -> str:
        """A place in words: `degree 5`, `200 random features`."""
        value = significant(x, 9)
        return f"{value} {self.name}" if self.name.endswith("s") else f"{self.name} {value}"

    def count(self, step: int) -> tuple[int, int] | None:
        """What a counter of the complexity shows at a step, and in the end; None where it is the step."""
        if np.array_equal(self.x, self.steps):
            return None
        return round(float(self.x[index_at(self.steps, step)])), round(float(self.x[-1]))


def view(recordings: Sequence[Recording], *, lane: int = 0) -> Film:
    """Open the view. Test errors are solid, training errors dashed; a star marks the least test error so far.

    The vertical line is where there are as many coefficients as samples.

    Args:
        recordings: What is shown.
        lane: Whose fit is drawn; errors are drawn of all lanes, those of this one bold.
    """
    lane_of(recordings, lane)
    need("fit", recordings, "train_error", "test_error", "norm")
    tags, growths = caption.tags(recordings), [_growth(recording, lane) for recording in recordings]
    panels = []
    if all(has(recording, "fit") for recording in recordings):
        panels.append(_fits(recordings, tags, lane))
    charts = [Against("test error", ("test_error", "train_error"), lane)]
    if all(has(recording, "mistakes") for recording in recordings):
        charts.append(Against(caption.words("mistakes", *recordings), ("mistakes",), lane, "linear"))
    charts.append(Against(caption.words("norm", *recordings), ("norm",), lane, best=False))
    panels += [chart.panel(recordings, growths) for chart in charts]
    opened = film(recordings, panels, told=_sentences(growths[0], recordings[0], lane) if len(recordings) == 1 else ())
    solved = all(growth.solved for growth in growths)
    note = (Readout("every fit is solved exactly; no optimizer", "muted"),)

    def scene(step: int) -> Scene:
        whole = opened.scene(step)
        # Of what is solved exactly, no optimizer is named.
        readouts = (*note, *(one for one in whole.readouts if one.color == "text")) if solved else whole.readouts
        return replace(whole, readouts=readouts, counter=(growths[0].name, "of"), count=growths[0].count(step))

    return replace(opened, scene=scene)


def _sentences(growth: Growth, recording: Recording, lane: int) -> list[Sentence]:
    """Where the test error of a lane is least, and where it is largest beyond that."""
    errors = recording["test_error"][: len(growth.steps), lane].astype(np.float64)
    if not len(errors) or not limits.finite(errors).all():
        return []
    best, peak = int(errors.argmin()), int(errors.argmax())

    def where(place: int) -> str:
        return growth.words(float(growth.x[place]))

    told = [Sentence(int(growth.steps[best]), f"The test error is least at {where(best)}.")]
    if 0 < peak < len(errors) - 1 and errors[-1] < errors[peak] / FALL:
        after = f" and falls again to {significant(float(errors[-1]), 2)}"
        told = [Sentence(int(growth.steps[-1]), f"The test error peaks at {where(peak)}{after}.")]
    elif best < len(errors) - 1:
        told = [Sentence(int(growth.steps[-1]), f"The test error is least at {where(best)}, and rises after it.")]
    return told


def _growth(recording: Recording, lane: int) -> Growth:
    facts, steps = recording.metadata.facts, recording.steps("test_error")
    x = np.asarray(recording["complexity"][:, lane]) if has(recording, "complexity") else steps.astype(np.float64)
    name = str(facts.get("complexity", "step"))
    # A damaged recording has fewer samples in some channels.
    drawn = [channel for channel in ("test_error", "train_error", "norm", "mistakes") if has(recording, channel)]
    count = min(len(x), len(steps), *(len(recording[channel]) for channel in drawn))
    x, steps = x[:count], steps[:count]
    return Growth(name, x, steps, float(facts.get("threshold", 0)), bool(facts.get("log")), bool(facts.get("solved")))


def _fits(recordings: Sequence[Recording], tags: Sequence[Tag], lane: int) -> MovingPanel:
    """The samples, the curve that they were drawn from, and what is fitted."""
    first = recordings[0]
    points, truth = first["points"][0, lane].astype(np.float64), first["truth"][0, lane]
    low, high = float(points[:, 1].min()), float(points[:, 1].max())
    x = Axis((float(points[:, 0].min()), float(points[:, 0].max())), label="x")
    y = Axis((low - ROOM * (high - low), high + ROOM * (high - low)), label="y")
    places = np.linspace(*x.limits, len(truth))
    ground: tuple[Mark, ...] = (
        Line(places, truth, "muted", "truth", dash="dashed", dot=False),
        Points(points[:, 0], points[:, 1], "muted", 3.5),
    )
    moving = [
        Latest(recording, "fit", _curve((places, y), tag, lane))
        for recording, tag in zip(recordings, tags, strict=True)
    ]

    def at(step: int) -> Panel:
        return Panel("samples and fit", x, y, (*ground, *(latest.at(step) for latest in moving)))

    return MovingPanel(union([latest.steps for latest in moving]), at)


def _curve(axes: tuple[Array, Axis], tag: Tag, lane: int) -> Callable[[Array], Line]:
    places, y = axes
    # What is far outside is drawn just outside: coordinates of 1e8 are more than a canvas can take.
    reach = y.limits[1] - y.limits[0]

    def curve(past: Array) -> Line:
        inside = np.clip(past[-1][lane].astype(np.float64), y.limits[0] - reach, y.limits[1] + reach)
        return Line(places, inside, tag.color, tag.name, dash=tag.dash, width=2.0, dot=False)

    return curve


@frozen
class Against:
    """Errors, or a norm, against the complexity.

    Attributes:
        title: Of the panel.
        channels: The first is solid and has a readout, a second one is dashed.
        scale: Of the values.
        lane: Which is bold.
        best: Whether a star marks the least value so far.
    """

    title: str
    channels: tuple[str, ...]
    lane: int
    scale: Literal["linear", "log"] = "log"
    best: bool = True

    def panel(self, recordings: Sequence[Recording], growths: Sequence[Growth]) -> MovingPanel:
        """The panel of recordings, each with its own growth."""
        tags = caption.tags(recordings)
        values = [
            [recording[channel][: len(growth.steps)].astype(np.float64) for channel in self.channels]
            for recording, growth in zip(recordings, growths, strict=True)
        ]
        x, y = _across(growths), self._axis(values)
        lines = []
        for growth, rows, tag in zip(growths, values, tags, strict=True):
            lines += [
                line for dash, row in zip(DASHES, rows, strict=False) for line in self._lines(growth, row, tag, dash, y)
            ]
        lines.sort(key=lambda line: line.width)
        thresholds = sorted({growth.threshold for growth in growths if growth.threshold > 0})
        rules = tuple(ReferenceLine(place, vertical=True, label=EQUAL if self.best else "") for place in thresholds)
        courses = [
            BestSoFar(growth, rows[0][:, self.lane], tag, y)
            for growth, rows, tag in zip(growths, values, tags, strict=True)
        ]

        def at(step: int) -> Panel:
            stars = tuple(course.star(step) for course in courses) if self.best else ()
            readouts = tuple(course.readout(step, best=self.best) for course in courses)
            return Panel(self.title, x, y, (*rules, *(line.at(step) for line in lines), *stars), readouts)

        return MovingPanel(union([growth.steps for growth in growths]), at)

    def _axis(self, values: Sequence[Sequence[Array]]) -> Axis:
        if self.scale == "linear":
            return limits.axis([row for rows in values for row in rows], "linear")
        first = np.concatenate([rows[0].ravel() for rows in values])
        others = np.concatenate([row.ravel() for rows in values for row in rows])
        first, others = first[limits.finite(first) & (first > 0)], others[limits.finite(others) & (others > 0)]
        if not first.size:
            return Axis((1e-3, 1.0), "log")
        # Errors that are mere rounding are no reason for an axis of thirty decades.
        low = max(float(others.min()), FLOOR * float(first.min()))
        return Axis((low / 2, 2 * float(first.max())), "log")

    def _lines(self, growth: Growth, values: Array, tag: Tag, dash: Dash, y: Axis) -> list[Line]:
        """The lane's own line, and thin ones of others."""
        label = {"solid": "test", "dashed": "training"}[dash] if len(self.channels) > 1 and not tag.name else ""
        label = tag.name if tag.name and dash == "solid" else label
        lanes = [lane for lane in range(values.shape[1]) if lane != self.lane][: THIN_LINES - 1]
        drawn = limits.drawable(values, y.scale)
        lines = [
            Line(
                growth.x,
                drawn[:, lane],
                tag.color,
                along=growth.steps,
                dash=dash,
                width=0.5,
                ghost=False,
                dot=False,
            )
            for lane in lanes
        ]
        own = Line(growth.x, drawn[:, self.lane], tag.color, label, along=growth.steps, dash=dash, width=1.5)
        return [*lines, own]


class BestSoFar:
    """One lane's values as time goes on, in words and with the best of them."""

    def __init__(self, growth: Growth, values: Array, tag: Tag, y: Axis) -> None:
        """Find the place of the least value so far, at each sample."""
        self._growth, self._values, self._tag, self._y = growth, values, tag, y
        usable = np.where(np.isfinite(values), values, np.inf)
        least = np.minimum.accumulate(usable)
        self._best = np.maximum.accumulate(np.where(usable <= least, np.arange(len(values)), 0))
        self._last: tuple[int, Points] | None = None

    def star(self, step: int) -> Points:
        """A star at the least value so far."""
        best = int(self._best[index_at(self._growth.steps, step)])
        if self._last is None or self._last[0] != best:
            x, value = self._growth.x[best : best + 1], np.clip(self._values[best : best + 1], *self._y.limits)
            self._last = best, Points(x, value, self._tag.color, 6.0, "star")
        return self._last[1]

    def readout(self, step: int, *, best: bool) -> Readout:
        """The value now, and the least so far with its place."""
        now = index_at(self._growth.steps, step)
        text = significant(float(self._values[now]), padded=True)
        if best:
            place = int(self._best[now])
            least, where = float(self._values[place]), float(self._growth.x[place])
            text += f", best {significant(least, padded=True)} at {self._growth.words(where)}"
        widest = f", best 0.00888 at {self._growth.words(888)}" if best else ""
        return replace(self._tag, text=text, widest=f"8.88e-8{widest}")


def _across(growths: Sequence[Growth]) -> Axis:
    ends = np.concatenate([growth.x[np.isfinite(growth.x)] for growth in growths])
    log = any(growth.log for growth in growths)
    low = float(ends[ends > 0].min(initial=1e9)) if log else float(ends.min(initial=0.0))
    return Axis(
        (low, max(float(ends.max(initial=1.0)), low + 1)), "log" if log else "linear", growths[0].name, whole=True
    )
