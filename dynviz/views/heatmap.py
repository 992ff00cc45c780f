"""Heat maps of the learned matrix, of the true one and of their difference."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.charts import caption, limits
from dynviz.charts.moving import MovingPanel, film
from dynviz.charts.numbers import significant
from dynviz.charts.samples import Latest, has, lane_of, need, thinned
from dynviz.film import Film
from dynviz.frozen import frozen
from dynviz.recording import Recording
from dynviz.scene.marks import Axis, Extent, Field, Panel, Readout
from dynviz.scene.norm import Norm

Array: TypeAlias = NDArray[Any]

COLUMNS = 3
"""Learned, true, difference."""
REACH = 0.99
"""The share of the entries that the colours reach over; the few beyond it have the last one."""


def view(recordings: Sequence[Recording], *, lane: int = 0, count: int = 0) -> Film:
    """All maps share one colour scale: blue below zero, orange above, and the background at zero.

    Each optimizer has a row: what it learned, the true matrix, and their difference, whose colours fade as the
    matrix is learned. Of a large matrix only the first rows and columns are recorded.

    Args:
        recordings: What is shown.
        lane: Which lane is shown of each recording.
        count: Number of rows and columns; 0 shows all that are recorded.
    """
    need("heatmap", recordings)
    lane_of(recordings, lane)
    need("heatmap", recordings, "matrix")
    cut = slice(count or None)
    truths = [
        recording["true_matrix"][0, lane, cut, cut] if has(recording, "true_matrix") else None
        for recording in recordings
    ]
    reach = max(_reach(recording, truth, lane) for recording, truth in zip(recordings, truths, strict=True))
    norm = Norm(-reach, reach)
    panels: list[MovingPanel] = []
    for recording, truth, tag in zip(recordings, truths, caption.tags(recordings), strict=True):
        panels.append(_map(recording, (lane, cut), norm, tag))
        if truth is not None:
            panels.append(_still("true", truth, recording, norm))
            panels.append(_map(recording, (lane, cut), norm, tag, truth))
    # Rows are optimizers; without true matrices there is one map of each.
    return film(recordings, panels, columns=0 if any(truth is None for truth in truths) else COLUMNS)


def _reach(recording: Recording, truth: Array | None, lane: int) -> float:
    """The value of the last colour: the truth's, or without one that of the matrix over the whole run."""
    seen = np.abs(thinned(recording["matrix"][:, lane]) if truth is None else truth)
    seen = seen[limits.finite(seen)]
    return float(np.quantile(seen, REACH)) or 1.0 if seen.size else 1.0


def _colors(norm: Norm) -> str:
    """What the ends of the colours stand for."""
    end = significant(norm.high, 2)
    return f"-{end} to {end}"


@frozen
class SizeFacts:
    """The rows and columns of the whole matrix: d of a square one, else M and N."""

    d: int | None = None
    M: int | None = None
    N: int | None = None


def _part(recording: Recording, rows: int, columns: int) -> str:
    """Which part of the matrix is shown, in words; nothing where it is all of it."""
    facts = recording.facts_as(SizeFacts)
    whole = (facts.M or facts.d or rows, facts.N or facts.d or columns)
    if whole == (rows, columns):
        return ""
    return f", first {rows} × {columns} of {whole[0]} × {whole[1]}"


def _axes(rows: int, columns: int) -> tuple[Axis, Axis, Extent]:
    """The first row stands at the top, as in a printed matrix."""
    x = Axis((0.0, float(columns)), label="column", whole=True)
    y = Axis((float(rows), 0.0), label="row", whole=True)
    return x, y, (0.0, float(columns), 0.0, float(rows))


def _map(
    recording: Recording, where: tuple[int, slice], norm: Norm, tag: Readout, truth: Array | None = None
) -> MovingPanel:
    lane, cut = where
    rows, columns = recording["matrix"][0, lane, cut, cut].shape
    part = _part(recording, rows, columns)
    title = caption.with_seed("learned" if truth is None else "difference", recording, lane) + part
    x, y, extent = _axes(rows, columns)
    here = " there" if part else ""
    drawn = Latest(recording, "matrix", _field(where, extent, norm, truth))

    def at(step: int) -> Panel:
        field = drawn.at(step)
        value = replace(tag, text=_largest(field) + here, widest=f"at most 0.0e-00{here}") if truth is not None else tag
        readouts = (value,) if value.name or value.text else ()
        return Panel(title, x, y, (field,), readouts, square=True)

    return MovingPanel(drawn.steps, at)


def _field(where: tuple[int, slice], extent: Extent, norm: Norm, truth: Array | None) -> Callable[[Array], Field]:
    lane, cut = where

    def field(past: Array) -> Field:
        values = past[-1][lane, cut, cut]
        return Field(values if truth is None else values - truth, extent, norm, "signed", label=_colors(norm))

    return field


def _largest(field: Field) -> str:
    """The largest of the differences that are drawn, which a map of small ones does not tell."""
    known = np.abs(field.values[np.isfinite(field.values)])
    return f"at most {significant(float(known.max(initial=0.0)), 2, padded=True)}" if known.size else ""


def _still(title: str, truth: Array, recording: Recording, norm: Norm) -> MovingPanel:
    x, y, extent = _axes(*truth.shape)
    mark = Field(truth, extent, norm, "signed", label=_colors(norm))
    title += _part(recording, *truth.shape)
    whole = Panel(title, x, y, (mark,), square=True)
    return MovingPanel(recording.steps("matrix")[:1], lambda _: whole)
