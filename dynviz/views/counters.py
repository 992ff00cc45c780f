"""A sketch of a stream beside the counters of Misra and Gries, and its bound."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.charts import caption, preconditioning
from dynviz.charts.curves import Curve, panel
from dynviz.charts.moving import MovingPanel, film, step_axis
from dynviz.charts.numbers import significant
from dynviz.charts.samples import index_at, lane_of, need
from dynviz.charts.settings import hyperparameter
from dynviz.errors import DynvizError
from dynviz.film import Film, Sentence
from dynviz.frozen import frozen
from dynviz.recording import Recording
from dynviz.scene.marks import Axis, Bars, Panel, Points, Readout, Scene

Array: TypeAlias = NDArray[Any]

TRUE, KEPT, COUNTED = "true count", "squared singular value", "counter of Misra and Gries"


@frozen
class Counted:
    """The counts of one lane's stream, at the samples of the sketch.

    Attributes:
        steps: [samples].
        true: How often each item came [samples, items].
        kept: The diagonal of B^T B, of the sketch B [samples, items].
        counters: What the algorithm of Misra and Gries counts [samples, items].
        rank: The rows of the sketch, one more than there are counters.
    """

    steps: NDArray[np.int64]
    true: Array
    kept: Array
    counters: Array
    rank: int

    @property
    def missing(self) -> Array:
        """What the count of some item is too low by, at most [samples]."""
        return np.asarray((self.true - self.kept).max(axis=1))

    @property
    def bound(self) -> Array:
        """What it can be too low by [samples]."""
        return self.steps / self.rank


def view(recordings: Sequence[Recording], *, lane: int = 0) -> Film:
    """Counts of items for each recording, and below them by how much a count is too low, under its bound.

    The sketch's part is drawn at the item that each of its singular vectors stands for. Misra and Gries count with one
    counter less than the sketch has rows: a new item takes a free counter, and where none is free all are lowered.

    Args:
        recordings: What is shown, of `frequent-items` with sketchy:beta2=1 and `--record 'state.*:every=1'`.
        lane: Which lane of each recording.
    """
    lane_of(recordings, lane)
    need("counters", recordings, "item")
    preconditioning.chosen("counters", recordings, "", "directions")
    counted = [_counted(recording, lane) for recording in recordings]
    tags = caption.tags(recordings)
    panels = [_counts(one, tag) for one, tag in zip(counted, tags, strict=True)]
    x = replace(step_axis(recordings), label="items so far")
    panels.append(_missing(counted, tags, x))
    told = _sentences(counted[0]) if len(counted) == 1 else ()
    opened = film(recordings, panels, caption.chosen(recordings, lane), told=told)
    # All of the stream is one vector: that its step is that of vectors is no matter here.
    ends = tuple(f", {recording.metadata.fallback}" for recording in recordings)

    def scene(step: int) -> Scene:
        whole = opened.scene(step)
        readouts = whole.readouts
        for end in ends:
            readouts = tuple(replace(one, text=one.text.removesuffix(end)) for one in readouts)
        return replace(whole, readouts=readouts, counter=("item", "of"))

    return replace(opened, scene=scene)


def _sentences(counted: Counted) -> list[Sentence]:
    """By how much counts are too low in the end, and what the bound is."""
    low, bound = (significant(float(values[-1])) for values in (counted.missing, counted.bound))
    text = f"No count is too low by more than {low}; the bound, items / {counted.rank}, is {bound}."
    return [Sentence(int(counted.steps[-1]), text)]


def misra_gries(items: Sequence[int], kinds: int, counters: int) -> Iterator[Array]:
    """The counters [kinds] after each item of a stream, and before the first.

    Source: Misra and Gries 1982, Finding repeated elements, Science of Computer Programming 2.
    """
    counts = np.zeros(kinds)
    yield counts.copy()
    for item in items:
        if counts[item] or np.count_nonzero(counts) < counters:
            counts[item] += 1
        else:
            counts[counts > 0] -= 1
        yield counts.copy()


def _counted(recording: Recording, lane: int) -> Counted:
    rank, beta = hyperparameter(recording, "rank", lane), preconditioning.beta(recording, lane)
    if rank is None or beta != 1:
        what = f"beta2={beta:g}" if rank is not None else "no sketch"
        raise DynvizError(
            f"view counters is of a sketch of sums, and {recording.label} has {what}; write sketchy:beta2=1"
        )
    (values,), (directions,) = (preconditioning.axes(recording, kind) for kind in ("eigenvalues", "directions"))
    spectra, vectors = (recording[one.channel][:, lane].astype(np.float64) for one in (values, directions))
    items = recording["item"][:, lane].astype(np.int64)
    steps = recording.steps(values.channel)
    kinds, rows = spectra.shape[1], vectors.shape[1]
    if rows < min(rank, kinds) - 1:
        raise DynvizError(
            f"view counters needs the direction of each of {rank - 1} rows, of which {rows} are recorded; "
            f"write items={4 * (rank - 1)} or more"
        )
    there = min(len(spectra), len(vectors), int(np.searchsorted(steps, len(items), side="right")))
    steps, spectra, vectors = steps[:there], spectra[:there], vectors[:there]
    # The last row of a sketch is zero, so that the least eigenvalue is what was subtracted from all.
    squares = spectra[:, :rows] - spectra[:, -1:]
    kept = np.einsum("sr,sri->si", squares, vectors**2)
    came = np.eye(kinds)[items[: steps[-1]]]
    true = np.concatenate([np.zeros((1, kinds)), came.cumsum(axis=0)])[steps]
    counters = np.array(list(misra_gries(items[: steps[-1]].tolist(), kinds, min(rank, kinds) - 1)))[steps]
    return Counted(steps, true, kept, counters, min(rank, kinds))


def _counts(counted: Counted, tag: caption.Tag) -> MovingPanel:
    """True counts, those of the sketch, and Misra and Gries' own."""
    places = np.arange(float(counted.true.shape[1]))
    x = Axis((-0.6, len(places) - 0.4), label="item", whole=True)
    y = Axis((0.0, 1.05 * max(float(counted.true[-1].max()), 1.0)))
    title = f"counts: {tag.name}" if tag.name else "count of each item"
    widest = "sketch and counters differ by 8.88e-88"

    def at(step: int) -> Panel:
        index = index_at(counted.steps, step)
        counters, kept = counted.counters[index], counted.kept[index]
        used = counters > 0
        gap = float(np.abs(kept - counters).max())
        marks = (
            Bars(places, counted.true[index], "lane6", 0.86, label=TRUE),
            Bars(places, np.maximum(kept, 0.0), tag.color, 0.5, label=KEPT),
            Points(places[used], counters[used], "text", 3.0, "ring", COUNTED),
        )
        readouts = (Readout(f"sketch and counters differ by {significant(gap)}", "muted", widest=widest),)
        return Panel(title, x, y, marks, readouts)

    return MovingPanel(counted.steps, at)


def _missing(counted: Sequence[Counted], tags: Sequence[caption.Tag], x: Axis) -> MovingPanel:
    """What the counts are too low by, under the bound."""
    curves = [
        Curve(one.steps, one.missing[:, None], tag.color, tag.dash, tag.name or "undercount")
        for one, tag in zip(counted, tags, strict=True)
    ]
    bounds = [
        Curve(one.steps, one.bound[:, None], tag.color, "dashed", "" if tag.name else "bound")
        for one, tag in zip(counted, tags, strict=True)
    ]
    top = max(float(one.bound.max()) for one in counted)
    return panel("largest undercount", [*curves, *bounds], x, Axis((0.0, 1.05 * max(top, 1.0))))
