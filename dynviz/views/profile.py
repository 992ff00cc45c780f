"""A function of one variable, with each lane as a ball that rolls on it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.charts import caption, limits
from dynviz.charts.ground import facts_of, grouped, surface_title
from dynviz.charts.moving import MovingPanel, film, union
from dynviz.charts.numbers import DIVERGED, significant
from dynviz.charts.samples import Latest, has, need, thinned
from dynviz.charts.series import series
from dynviz.charts.settings import parted
from dynviz.errors import DynvizError
from dynviz.film import Film
from dynviz.recording import Recording
from dynviz.scene.marks import Axis, Bars, Line, Mark, Panel, Points, Readout
from dynviz.text import quoted

Array: TypeAlias = NDArray[Any]

BINS = 50
"""Bars of the histogram of lanes."""
FEW = 8
"""Up to so many lanes leave a trail; more are dots and a histogram."""
PILES, APART = 100, 0.028
"""Many balls lie on one another in so many piles, so far apart, as a share of the picture's height."""
TRAIL = (0.2, 0.4)
"""How solid the older and the newer half of a trail are."""


def view(recordings: Sequence[Recording], *, trail: int = 12, lanes: int = 200) -> Film:
    """Recordings of the same function share a panel; with many lanes, a histogram appears below it.

    Args:
        recordings: What is shown; with positions of one coordinate.
        trail: Number of past positions of a ball that stay visible.
        lanes: Maximum number of balls drawn per recording; the histogram counts all lanes.
    """
    need("profile", recordings, "position", "landscape")
    recordings = parted(recordings)
    for recording in recordings:
        if recording["position"].shape[2:] != (1,):
            raise DynvizError(
                f"view profile needs the channel 'position', which recording {quoted(recording.label)} has, "
                f"of one number; here it is of shape {recording['position'].shape[2:]}. View path draws two"
            )
    panels = []
    for group in grouped(recordings):
        panels.append(_curve(recordings, group, max(trail, 0), max(lanes, 1)))
        panels += [_histogram(recordings, index) for index in group if len(recordings[index].seeds) > FEW]
    if any(has(recording, "loss") for recording in recordings):
        panels.append(series(recordings, "loss"))
    if all(has(recording, "test_loss") for recording in recordings):
        panels.append(series(recordings, "test_loss"))
    return film(recordings, panels)


def _domain(recording: Recording) -> tuple[float, float]:
    left, right = facts_of(recording).ends(2)
    return left, right


def _curve(recordings: Sequence[Recording], group: Sequence[int], trail: int, lanes: int) -> MovingPanel:
    first = recordings[group[0]]
    left, right = _domain(first)
    heights = limits.drawable(first["landscape"][0, 0].astype(np.float64), "linear")
    places = np.linspace(left, right, len(heights))
    x, y = Axis((left, right), label="x"), limits.axis([heights[:, None]], "linear")
    # Room for a ball at the top and below the lowest place.
    margin = 0.06 * (y.limits[1] - y.limits[0])
    y = Axis((y.limits[0] - margin, y.limits[1] + margin))
    facts = facts_of(first)
    still: list[Mark] = []
    if facts.shift:
        # Behind the other, and labelled at its end: what the same places lose on other data.
        still.append(Line(places + facts.shift, heights, "muted", "test", dash="dashed", width=1.0))
    still.append(Line(places, heights, "text", "train" if facts.shift else "", width=1.2))
    lowest = facts.optima(1)[:, 0]
    if len(lowest):
        still.append(Points(lowest, np.interp(lowest, places, heights), "text", 8.0, "star"))
    tags = caption.tags(recordings)
    balls = [
        Latest(recordings[index], "position", _balls(tags[index].color, (places, heights), y, (trail, lanes)))
        for index in group
    ]
    positions = [
        Latest(recordings[index], "position", _where(tags[index], len(recordings[index].seeds), lanes))
        for index in group
    ]
    title = surface_title(recordings, group)

    def at(step: int) -> Panel:
        moving = [mark for ball in balls for mark in ball.at(step)]
        return Panel(title, x, y, (*still, *moving), tuple(position.at(step) for position in positions))

    return MovingPanel(union([ball.steps for ball in balls]), at)


def _balls(
    color: str, curve: tuple[Array, Array], y: Axis, most: tuple[int, int]
) -> Callable[[Array], tuple[Points, ...]]:
    """A function of positions [samples, lanes, 1]: the balls now, over where they were; many lie on one another."""
    trail, lanes = most

    def balls(past: Array) -> tuple[Points, ...]:
        count = min(past.shape[1], lanes)
        few = count <= FEW

        def points(samples: Array, size: float, alpha: float) -> Points:
            at = samples.astype(np.float64).ravel()
            at = at[limits.finite(at)]
            heights = np.interp(at, *curve)
            if not few:
                heights += _piled(at, heights, curve[0], y)
            return Points(at, heights, color, size, alpha=alpha)

        kept = past[max(len(past) - 1 - trail, 0) : -1, :count, 0] if few else past[:0, :count, 0]
        half = len(kept) // 2
        older, newer = (points(part, 4.0, alpha) for part, alpha in zip((kept[:half], kept[half:]), TRAIL, strict=True))
        return older, newer, points(past[-1, :count], 9.0 if few else 5.5, 1.0 if few else 0.8)

    return balls


def _piled(at: Array, heights: Array, places: Array, y: Axis) -> Array:
    """How far above the curve each ball [balls] lies on those that are at its place, closer where many are."""
    _, pile, counts = np.unique(
        np.floor((at - places[0]) / (places[-1] - places[0]) * PILES), return_inverse=True, return_counts=True
    )
    order = np.argsort(pile, kind="stable")
    rank = np.empty(len(at))
    rank[order] = np.arange(len(at)) - np.repeat(np.cumsum(counts) - counts, counts)
    low, high = y.limits
    return rank * np.minimum(APART * (high - low), (high - heights) / (counts[pile] + 1))


def _where(tag: Readout, lanes: int, most: int) -> Callable[[Array], Readout]:
    drawn = f", {caption.lanes(most, of=lanes)} drawn" if most < lanes else ""

    def where(past: Array) -> Readout:
        values = past[-1][:, 0].astype(np.float64)
        good = values[limits.finite(values)]
        if not len(good):
            return replace(tag, text=DIVERGED, widest="median x = -0.000")
        text = significant(float(np.median(good)), 4, padded=True)
        of = "median " if lanes > 1 else ""
        return replace(tag, text=f"{of}x = {text}{drawn}", widest=f"{of}x = -0.0000{drawn}")

    return where


def _fullest(recording: Recording, edges: Array) -> float:
    """The largest share of the lanes that a bar of the histogram has at any sample that is looked at."""
    positions = thinned(recording["position"][..., 0]).astype(np.float64)
    samples, lanes = positions.shape
    bars = np.minimum(((positions - edges[0]) / (edges[1] - edges[0])).clip(-1, BINS + 1), BINS - 1e-9)
    inside = limits.finite(positions) & (positions >= edges[0]) & (positions <= edges[-1])
    places = (np.floor(np.where(inside, bars, 0.0)) + BINS * np.arange(samples)[:, None]).astype(np.int64)
    counts = np.bincount(places[inside], minlength=1)
    return float(max(counts.max() / lanes, 0.1))


def _histogram(recordings: Sequence[Recording], index: int) -> MovingPanel:
    """The share of a recording's lanes in each part of the domain."""
    recording, tag = recordings[index], caption.tags(recordings)[index]
    domain = _domain(recording)
    edges = np.linspace(*domain, BINS + 1)
    centers = (edges[1:] + edges[:-1]) / 2
    lanes = len(recording.seeds)

    def shares(past: Array) -> tuple[Bars, str]:
        values = past[-1][:, 0].astype(np.float64)
        counts, _ = np.histogram(values[limits.finite(values)], edges)
        inside = int(counts.sum())
        words = caption.lanes(lanes) + (f", {lanes - inside} outside" if inside < lanes else "")
        return Bars(centers, counts / lanes, tag.color, float(edges[1] - edges[0])), words

    moving = Latest(recording, "position", shares)
    x, y = Axis(domain, label="x"), Axis((0.0, 1.05 * _fullest(recording, edges)))
    widest = f"{caption.lanes(lanes)}, {lanes} outside"

    def at(step: int) -> Panel:
        bars, words = moving.at(step)
        return Panel("share of the runs at each x", x, y, (bars,), (replace(tag, text=words, widest=widest),))

    return MovingPanel(moving.steps, at)
