"""How few eigenvalues of an optimizer's statistics hold most of their sum."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.charts import caption, preconditioning
from dynviz.charts.curves import Curve, panel
from dynviz.charts.endings import joined
from dynviz.charts.moving import MovingPanel, film, step_axis
from dynviz.charts.numbers import significant
from dynviz.charts.preconditioning import StatisticsAxis
from dynviz.charts.samples import index_at, lane_of, lined, need
from dynviz.charts.settings import hyperparameter
from dynviz.errors import DynvizError
from dynviz.film import Film, Sentence
from dynviz.frozen import frozen
from dynviz.recording import Recording
from dynviz.scene.marks import Axis, Line, Panel, ReferenceLine
from dynviz.views import _null

Array: TypeAlias = NDArray[Any]

LEAST = 8
"""Shorter axes have too few eigenvalues for a spectrum."""
NULLS = 16
"""At so many steps the share of noise is drawn."""
Y = Axis((0.0, 1.02))


def view(recordings: Sequence[Recording], *, lane: int = 0, least: int = LEAST) -> Film:
    """The share of the largest eigenvalues in their sum, for both axes of every matrix and filter.

    Above over the steps: the share of the top quarter, the median of all axes and a line for each of some. Below now:
    the share of any fraction. Grey is what noise would have, averaged by the same rule over as many gradients of the
    same shapes. Vectors, and axes of which only a diagonal is kept, have no such spectrum. A story of several
    recordings has their shares over the steps in one panel.

    Args:
        recordings: What is shown, with a pair of panels for each; `--record 'state.*'` of shampoo or sketchy.
        lane: Which lane of each recording.
        least: Entries of an axis from which on it is shown.
    """
    need("decay", recordings)
    lane_of(recordings, lane)
    if least < 4:
        raise DynvizError(f"least={least} leaves axes without a quarter of their eigenvalues; write 4 or more")
    preconditioning.chosen("decay", recordings, "")
    spectra = [_spectra(recording, lane, least) for recording in recordings]
    names = _names(recordings)
    tags = [replace(tag, name="") for tag in caption.tags(recordings)]
    whole = list(zip(spectra, names, tags, strict=True))
    panels = [_shares(*one, step_axis([recording])) for recording, one in zip(recordings, whole, strict=True)]
    panels += [_fractions(*one) for one in whole]
    last = max(int(one[0].steps[-1]) for one in spectra)
    told = [Sentence(last, _held([float(np.median(_tops(one)[-1])) for one in spectra]))]
    notes = (*caption.chosen(recordings, lane), "grey: noise")
    opened = film(recordings, panels, notes, told=told)
    if len(recordings) == 1:
        return opened

    def story() -> Film:
        together = _together(whole, step_axis(recordings))
        return preconditioning.without_vectors(
            recordings, film(recordings, [together], ("bands: middle half of the matrices",), told=told)
        )

    return replace(opened, story=story)


def _tops(spectra: Sequence["AxisSpectrum"]) -> Array:
    """The share of the top quarter of each axis [samples, axes]."""
    return np.column_stack([_null.top_quarter(one.values) for one in spectra])


def _held(shares: Sequence[float]) -> str:
    """What the top quarters hold, in a sentence.

    >>> _held([0.912, 0.64])
    'The top quarter of the eigenvalues holds 0.91 and 0.64 of their sum in the median.'
    """
    held = joined([significant(one, 2) for one in shares])
    return f"The top quarter of the eigenvalues holds {held} of their sum in the median."


@frozen
class AxisSpectrum:
    """The eigenvalues of one axis of one matrix over the steps.

    Attributes:
        axis: Whose.
        steps: [samples].
        values: [samples, entries].
        beta: What stays of the statistics at each step.
    """

    axis: StatisticsAxis
    steps: NDArray[np.int64]
    values: Array
    beta: float

    @property
    def size(self) -> int:
        """Entries of the axis."""
        return int(self.values.shape[1])

    def noise(self, steps: NDArray[np.int64]) -> Array:
        """The share of the top quarter that averages of noise have [steps]."""
        columns = self.axis.columns(self.size)
        return np.array([_null.share(self.size, columns, self.beta, int(step)) for step in steps])

    def fractions(self, index: int) -> tuple[Array, Array]:
        """Fractions of the eigenvalues, and the share of so many of the largest ones in their sum."""
        return _lorenz(self.values[index])


def _lorenz(values: Array) -> tuple[Array, Array]:
    """Fractions [n + 1] from 0 to 1, and the share of so many of the largest values [n + 1]."""
    total = values.sum()
    shares = np.cumsum(np.sort(values)[::-1]) / (total if total > 0 else np.nan)
    return np.linspace(0, 1, len(values) + 1), np.concatenate([[0.0], shares])


def _spectra(recording: Recording, lane: int, least: int) -> list[AxisSpectrum]:
    """The spectra of all axes that are long enough, of parameters that are no vectors."""
    longest = hyperparameter(recording, "largest", lane)
    beta = preconditioning.beta(recording, lane)
    spectra = []
    for axis in preconditioning.axes(recording, "eigenvalues"):
        size = recording[axis.channel].shape[2]
        diagonal = longest is not None and size > longest
        if len(axis.shape) > 1 and size >= least and not diagonal:
            steps, values = lined(recording, axis.channel, lane)
            spectra.append(AxisSpectrum(axis, steps, values.astype(np.float64), beta))
    if not spectra:
        raise DynvizError(
            f"view decay shows matrices with axes from {least} entries, of which recording {recording.label!r} has "
            f"none with full statistics; try --view decay:least=4"
        )
    return spectra


def _names(recordings: Sequence[Recording]) -> list[str]:
    """A title for the panels of each recording: what tells it from the others; the optimizer only where that does."""
    names = [tag.name for tag in caption.tags(recordings)]
    labels = {recording.label for recording in recordings}
    if len(labels) > 1:
        return names
    words = [(next(iter(labels)), recording.metadata.scenario.name) for recording in recordings]
    short = [name.removeprefix(f"{label} ") for name, (label, _) in zip(names, words, strict=True)]
    bare = [name.removeprefix(f"{task} ") for name, (_, task) in zip(short, words, strict=True)]
    names = bare if len(set(bare)) == len(bare) else short
    tasks = [recording.metadata.title for recording in recordings]
    # What a task is called says more than its file and its options, where no other is called so.
    own = [bool(task) and tasks.count(task) == 1 < len(tasks) for task in tasks]
    return [task if alone else name for task, alone, name in zip(tasks, own, names, strict=True)]


def _shares(spectra: Sequence[AxisSpectrum], name: str, tag: caption.Tag, x: Axis) -> MovingPanel:
    """The share of the top quarter over the steps, of each axis and of noise."""
    what = f"top quarter of {len(spectra)} spectra"
    y = replace(Y, label=what if name else "")
    drawn = panel(name or what, [Curve(spectra[0].steps, _tops(spectra), tag.color, tag.dash)], x, y)
    return _over_noise(drawn, [_noise(spectra, "noise")])


def _together(whole: Sequence[tuple[Sequence[AxisSpectrum], str, caption.Tag]], x: Axis) -> MovingPanel:
    """The share of the top quarter over the steps, the median and the middle half of the axes of each recording."""
    curves = []
    for spectra, name, tag in whole:
        low, middle, high = np.quantile(_tops(spectra), (0.25, 0.5, 0.75), axis=1)
        half = np.stack([low, high], axis=1)
        curves.append(Curve(spectra[0].steps, middle[:, None], tag.color, tag.dash, name, half, whose=name))
    drawn = panel("share of the sum in the largest quarter of the eigenvalues", curves, x, Y)
    names = ["random matrices", *[""] * (len(whole) - 1)]
    noise = [_noise(spectra, name) for (spectra, _, _), name in zip(whole, names, strict=True)]
    return _over_noise(drawn, noise, "if all were equal")


def _noise(spectra: Sequence[AxisSpectrum], label: str) -> Line:
    """The share of the top quarter of noise over the steps, the median of the axes."""
    steps = np.unique(np.geomspace(1, max(int(spectra[0].steps[-1]), 1), NULLS).astype(np.int64))
    shares = np.median(np.column_stack([one.noise(steps) for one in spectra]), axis=1)
    return Line(steps, shares, "muted", label, dot=False)


def _over_noise(drawn: MovingPanel, noise: Sequence[Line], equal: str = "all equal") -> MovingPanel:
    """A panel of shares, over those of noise and of eigenvalues that are all equal."""
    chance = ReferenceLine(0.25, dash="dotted", label=equal)

    def at(step: int) -> Panel:
        shown = drawn.at(step)
        return replace(shown, marks=(chance, *(line.at(step) for line in noise), *shown.marks))

    return MovingPanel(drawn.steps, at, drawn.notes)


def _fractions(spectra: Sequence[AxisSpectrum], name: str, tag: caption.Tag) -> MovingPanel:
    """The share of any fraction of the eigenvalues at a step, of each axis and of noise."""
    last = max(int(spectra[0].steps[-1]), 1)
    shapes = {(one.size, one.axis.columns(one.size)): one for one in spectra}
    noise = [
        Line(*_lorenz(_null.spectrum(size, columns, one.beta, last)), "muted", alpha=0.6)
        for (size, columns), one in shapes.items()
    ]
    x = Axis((0.0, 1.0), label="fraction of the eigenvalues")
    what = "share of the largest"
    y = replace(Y, label=what if name else "")
    quarter = ReferenceLine(0.25, vertical=True, dash="dotted")
    kept: list[tuple[int, tuple[Line, ...]]] = []

    def at(step: int) -> Panel:
        index = index_at(spectra[0].steps, step)
        if not kept or kept[0][0] != index:
            lines = tuple(
                Line(*one.fractions(index), tag.color, dash="solid" if one.axis.number == 0 else "dashed", width=0.8)
                for one in spectra
            )
            kept[:] = [(index, lines)]
        return Panel(name or what, x, y, (quarter, *noise, *kept[0][1]))

    return MovingPanel(spectra[0].steps, at, ("dashed: columns",))
