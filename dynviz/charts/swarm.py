"""Clouds as stories: dots with short tails, tinted by the minimum that each reaches, and how many are near each."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.charts import caption
from dynviz.charts.caption import Tag
from dynviz.charts.endings import joined
from dynviz.charts.ground import extent_of, facts_of, ground, plane
from dynviz.charts.limits import finite
from dynviz.charts.moving import MovingPanel, film
from dynviz.charts.numbers import percent
from dynviz.charts.samples import index_at, lined
from dynviz.charts.series import series
from dynviz.film import Film, Sentence
from dynviz.frozen import frozen
from dynviz.recording import Recording
from dynviz.scene.decimate import evenly
from dynviz.scene.marks import Axis, Bars, Line, Mark, Panel, Points, Text

Array: TypeAlias = NDArray[Any]

TAIL = 12
"""Steps that a tail is long."""
LANES = 400
"""So many dots are drawn of each recording at most."""
TINTS = 6
"""So many minima have a colour of their own, `class0` to `class5`, which no lane has."""
APART, SHARE = 0.25, 0.05
"""A lane is at a minimum within these shares of the distance to the next one, and of the picture's diagonal."""
BAR = 0.8
"""Width that the bars of one minimum share."""


@frozen
class Basins:
    """Known minima, and within what distance a lane is at one of them.

    Attributes:
        optima: [minima, 2].
        radius: The distance.
    """

    optima: NDArray[np.float64]
    radius: float

    def at(self, places: Array) -> NDArray[np.intp]:
        """The index of the minimum that each of some places [..., 2] is at; -1 for none."""
        distances = np.hypot(*np.moveaxis(places[..., None, :].astype(np.float64) - self.optima, -1, 0))
        distances = np.where(np.isfinite(distances), distances, np.inf)
        return np.where(distances.min(axis=-1) < self.radius, distances.argmin(axis=-1), -1)


def basins(recording: Recording) -> Basins:
    """The minima of a recording's function that have a colour, of which there may be none."""
    optima = facts_of(recording).optima(2)[:TINTS]
    left, right, bottom, top = extent_of(recording)
    radius = SHARE * float(np.hypot(right - left, top - bottom))
    if len(optima) > 1:
        apart = np.hypot(*np.moveaxis(optima[:, None] - optima, -1, 0))
        radius = min(radius, APART * float(apart[apart > 0].min(initial=np.inf)))
    return Basins(optima, radius)


def swarm(recordings: Sequence[Recording]) -> Film:
    """A map of the lanes of each recording, how many of them are at each minimum, and their loss.

    Args:
        recordings: With positions over a landscape of two coordinates, and with known minima.
    """
    tags = caption.tags(recordings)
    panels = [_map(recording, tag) for recording, tag in zip(recordings, tags, strict=True)]
    panels.append(_shares(recordings, tags))
    # The loss over all samples says where lanes are; that of a batch, which sample it drew.
    losses = (name for name in ("full_loss", "loss") if all(name in recording.channels for recording in recordings))
    panels += [series(recordings, name) for name in list(losses)[:1]]
    return film(recordings, panels, told=_sentences(recordings, tags))


def _sentences(recordings: Sequence[Recording], tags: Sequence[Tag]) -> list[Sentence]:
    """Which share of the lanes ends at the only minimum that there is; of several minima bars tell it."""
    known = [basins(recording) for recording in recordings]
    if any(len(own.optima) != 1 for own in known):
        return []
    ends = [_counts(recording, own) for recording, own in zip(recordings, known, strict=True)]
    shares = [percent(float(share[-1, 0])) for _, share in ends]
    told = [f"{share} ({tag.name})" if tag.name else share for share, tag in zip(shares, tags, strict=True)]
    return [Sentence(max(int(steps[-1]) for steps, _ in ends), f"Of the runs {joined(told)} end at the minimum.")]


def _map(recording: Recording, tag: Tag) -> MovingPanel:
    """Dots and tails; those of lanes that are at no minimum in the end are grey."""
    x, y, square = plane(recording)
    known = basins(recording)
    steps, position = lined(recording, "position")
    drawn = position[:, evenly(position.shape[1], LANES)].astype(np.float64)
    reached = known.at(drawn[-1])
    minima = known.optima.tolist()
    numbers = [Text(left, low, f"   {index}", "text") for index, (left, low) in enumerate(minima, 1) if len(minima) > 1]
    marks = [mark for mark in ground(recording, ring=5.0) if not isinstance(mark, Text)]
    title = f"where {caption.lanes(len(recording.seeds))} are"
    readouts = (tag,) if tag.name else ()
    groups = [(color, drawn[:, reached == index]) for index, color in _tints(known)]
    notes = ("colour: the minimum that a run ends at" if len(minima) > 1 else "grey: runs that do not end there",)

    def at(step: int) -> Panel:
        now = index_at(steps, step)
        first = index_at(steps, step - TAIL)
        swarms = [mark for color, lanes in groups for mark in _dots(lanes[first : now + 1], color)]
        return Panel(title, x, y, (*marks, *swarms, *numbers), readouts, square)

    return MovingPanel(steps, at, notes)


def _tints(known: Basins) -> list[tuple[int, str]]:
    """The index of each minimum and its colour; first of none, which stand behind."""
    return [(-1, "muted"), *((index, f"class{index}") for index in range(len(known.optima)))]


def _dots(past: Array, color: str) -> tuple[Mark, Mark]:
    """The last places of some lanes [steps, lanes, 2] as lines, and where they are now as dots."""
    gaps = np.full((1, *past.shape[1:]), np.nan)
    joined = np.concatenate([np.where(finite(past), past, np.nan), gaps]).swapaxes(0, 1).reshape(-1, 2)
    now = past[-1][finite(past[-1]).all(axis=-1)]
    tail = Line(joined[:, 0], joined[:, 1], color, width=0.6, dot=False, alpha=0.45)
    return tail, Points(now[:, 0], now[:, 1], color, 2.6, alpha=0.9)


def _shares(recordings: Sequence[Recording], tags: Sequence[Tag]) -> MovingPanel:
    """Bars: of the lanes of each recording the share that is at each minimum now."""
    known = [basins(recording) for recording in recordings]
    counted = [_counts(recording, own) for recording, own in zip(recordings, known, strict=True)]
    most = max(float(shares.max(initial=0.0)) for _, shares in counted)
    many = max(len(own.optima) for own in known)
    # A lone minimum has no number: it stands between whole ones, so that there is no tick.
    first = 1.0 if many > 1 else 0.5
    x = Axis((0.4, many + 0.6), label="minimum", whole=True) if many > 1 else Axis((0.02, 0.98), whole=True)
    y = Axis((0.0, min(1.0, max(1.15 * most, 0.1))))
    width = BAR / len(recordings)
    places = [
        np.arange(first, first + len(own.optima)) + width * (index - (len(recordings) - 1) / 2)
        for index, own in enumerate(known)
    ]

    def at(step: int) -> Panel:
        bars: list[Mark] = []
        readouts = []
        for tag, place, (steps, shares) in zip(tags, places, counted, strict=True):
            now = shares[index_at(steps, step)]
            bars.append(Bars(place, now, tag.color, 0.9 * width))
            # Of several minima, the bars do not say how many lanes are at one of them at all.
            text = "{} have settled" if many > 1 else "{}"
            share = text.format(percent(float(now.sum())))
            readouts.append(replace(tag, text=share, widest=text.format("100.0 %")))
        return Panel(
            "share at each minimum" if many > 1 else "share of the runs at the minimum",
            x,
            y,
            tuple(bars),
            tuple(readouts),
        )

    return MovingPanel(counted[0][0], at)


def _counts(recording: Recording, known: Basins) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Steps, and the share of lanes at each minimum [samples, minima]."""
    steps, position = lined(recording, "position")
    shares = np.zeros((len(steps), len(known.optima)))
    for sample, places in enumerate(position):
        at = known.at(places)
        shares[sample] = np.bincount(at[at >= 0], minlength=len(known.optima)) / max(len(at), 1)
    return steps, shares


def told_as(recordings: Sequence[Recording]) -> Callable[[], Film] | None:
    """What opens the story of some clouds; None where no minimum is known."""
    if not all(len(facts_of(recording).optima(2)) for recording in recordings):
        return None
    return lambda: swarm(recordings)
