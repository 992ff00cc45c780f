"""How much each term of the update contributed: its length and its share."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from dynviz.charts import caption, limits
from dynviz.charts.moving import MovingPanel, film, step_axis
from dynviz.charts.numbers import percent
from dynviz.charts.samples import index_at, need
from dynviz.charts.terms import Ledger, ledger, need_terms
from dynviz.film import Film
from dynviz.recording import Recording
from dynviz.scene.direct_label import DirectLabel
from dynviz.scene.marks import Axis, Band, Line, Mark, Panel, Readout

Array = NDArray[np.float64]


def view(recordings: Sequence[Recording]) -> Film:
    """For each recording, the norm of each term and of the whole step, and each term's share.

    Norms are over all parameters. The whole step is shorter than their sum where terms oppose each other; shares are of
    the sum. With several lanes, the median is drawn. A story has the shares of one recording in the lead, with the name
    and the share of each term beside its area.

    Args:
        recordings: What is shown; recorded with `--record 'term.*'`.
    """
    need("ledger", recordings)
    for recording in recordings:
        need_terms("ledger", recording)
    books = [ledger(recording) for recording in recordings]
    # One axis for all, so that optimizers can be compared; nothing happened before the first step.
    sizes = [part[1:] for book in books for part in (*book.norms.values(), book.total) if len(part) > 1]
    y = limits.axis([np.where(part > 0, part, np.nan) for part in sizes] or [np.empty((0, 1))], "log")
    x = step_axis(recordings)
    panels = []
    for book, tag in zip(books, caption.tags(recordings), strict=True):
        whose = (tag,) if tag.name else ()
        panels += [_sizes(book, x, y, whose), _shares(book, x, whose)]
    lanes = max(len(recording.seeds) for recording in recordings)
    notes = [f"median of {caption.lanes(lanes)}"] if lanes > 1 else []

    def story() -> Film:
        return film(recordings, [_shares(books[0], x, (), direct=True), panels[0]], notes)

    whole = film(recordings, panels, notes)
    return replace(whole, story=story) if len(recordings) == 1 else whole


def _sizes(book: Ledger, x: Axis, y: Axis, whose: tuple[Readout, ...]) -> MovingPanel:
    """The length of each term, on a logarithmic axis."""
    steps = book.steps.astype(np.float64)
    lines = [
        Line(steps, limits.drawable(_median(norms), y.scale), f"term.{name}", name, width=1.5)
        for name, norms in book.norms.items()
    ]
    if len(lines) > 1:
        whole = limits.drawable(_median(book.total), y.scale)
        lines.append(Line(steps, whole, "text", "whole step", dash="dashed"))

    def at(step: int) -> Panel:
        return Panel("length of each term", x, y, tuple(line.at(step) for line in lines), whose)

    return MovingPanel(book.steps, at)


def _shares(book: Ledger, x: Axis, whose: tuple[Readout, ...], *, direct: bool = False) -> MovingPanel:
    """How the lengths divide between the terms, one over another; with `direct`, named where they are."""
    steps = book.steps.astype(np.float64)
    lengths = np.stack([_median(norms) for norms in book.norms.values()])
    total = lengths.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = np.where(total > 0, lengths / total, np.nan)
    edges = np.concatenate([np.zeros((1, len(steps))), np.cumsum(shares, axis=0).clip(max=1)])
    edges[:, ~np.isfinite(total) | (total <= 0)] = np.nan
    areas: list[Band | Line] = []
    for row, name in enumerate(book.norms):
        areas.append(Band(steps, edges[row], edges[row + 1], f"term.{name}"))
        areas.append(Line(steps, edges[row + 1], f"term.{name}", dot=False))

    def at(step: int) -> Panel:
        marks: list[Mark] = [area.at(step) for area in areas]
        place = index_at(book.steps, step)
        if direct:
            marks += _labels(book, edges[:, place], step)
        words = [
            Readout(percent(float(share)), f"term.{name}", name, "100.0 %", direct)
            for name, share in zip(book.norms, shares[:, place], strict=True)
            if np.isfinite(share)
        ]
        return Panel("share of each term", x, Axis((0.0, 1.0)), tuple(marks), (*whose, *words))

    return MovingPanel(book.steps, at)


def _labels(book: Ledger, edges: Array, step: int) -> list[DirectLabel]:
    """The name and the share of each term, in the middle of its area at a step."""
    return [
        DirectLabel(float(step), float(low + high) / 2, name, f"term.{name}", percent(float(high - low)), "100.0 %")
        for name, low, high in zip(book.norms, edges[:-1], edges[1:], strict=True)
        if np.isfinite(high - low)
    ]


def _median(values: Array) -> Array:
    """Over the lanes that did not diverge."""
    finite = np.isfinite(values)
    good = np.where(finite, values, np.nan)
    if good.shape[1] == 1:
        return good[:, 0]
    # NaN is sorted behind all others. np.nanmedian takes a hundred times as long for a few lanes.
    ordered = np.sort(good, axis=1)
    count = finite.sum(axis=1)
    rows = np.arange(len(good))
    below, above = np.maximum(count - 1, 0) // 2, np.where(count > 0, count // 2, 0)
    with np.errstate(over="ignore"):
        middle: Array = (ordered[rows, below] + ordered[rows, above]) / 2
    return middle
