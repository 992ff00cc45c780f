"""A Kronecker-factored preconditioner, and how well it approximates the full one."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.charts import caption
from dynviz.charts.curves import Curve, panel
from dynviz.charts.forks import own_from
from dynviz.charts.limits import finite
from dynviz.charts.moments import excess, likeness, moments, product, rank, root
from dynviz.charts.moving import MovingPanel, film, step_axis
from dynviz.charts.numbers import significant
from dynviz.charts.samples import index_at, lane_of, need, places
from dynviz.errors import DynvizError, unknown
from dynviz.film import Film, Sentence
from dynviz.recording import Recording
from dynviz.scene.decimate import evenly
from dynviz.scene.marks import Axis, Field, Panel, Readout, ReferenceLine
from dynviz.scene.norm import Norm
from dynviz.text import quoted

Array: TypeAlias = NDArray[Any]

LARGEST = 400
"""Numbers of a parameter at most: all their moments are as many squared."""
SAMPLES = 60
"""At so many steps the likeness is computed."""
PRODUCTS = 1 << 30
"""So many products of two numbers of a gradient are added up for C, at most: of more gradients evenly spaced ones."""
EXTENT = (0.02, 0.98, 0.02, 0.98)
"""Of a matrix on its axes: between whole numbers, so that there are no ticks."""


def view(recordings: Sequence[Recording], *, parameter: str = "", lane: int = 0, swapped: bool = False) -> Film:
    """Matrices are those of the first recording; the similarity covers all recordings.

    Shampoo keeps L, the sum of G G^T over the gradients so far, and R, the sum of G^T G, instead of C, the sum of all
    products of two numbers of G. The Kronecker product of their square roots approximates C. Each matrix has a colour
    scale of its own, by signed square roots of its entries, so that small ones are visible.

    The last panel checks lemma 8 of Shampoo: C is at most r √L ⊗ √R in the Loewner order, with r the largest rank of
    the gradients. The curve is the least factor for which that is true. A story has the product beside C in the lead,
    and no bound.

    Args:
        recordings: What is shown, with the gradients at every step: `--record gradient:every=1`.
        parameter: Name of the parameter whose gradient is used; by default the first matrix that is small enough.
        lane: Lane of each recording to show.
        swapped: Whether to also show the product in the other order, which is a different matrix.
    """
    need("kronecker", recordings)
    lane_of(recordings, lane)
    need("kronecker", recordings, "gradient")
    chosen = small_matrix(recordings[0], parameter)
    statistics = [KroneckerStatistics(recording, chosen, lane) for recording in recordings]
    first = statistics[0]

    def whole(step: int) -> Array:
        return product(*first.at(step)[:2])

    def moved(step: int) -> Array:
        return first.at(step)[2]

    maps = [
        _map(f"L of {chosen}", first, lambda step: first.at(step)[0]),
        _map(f"R of {chosen}", first, lambda step: first.at(step)[1]),
        _map("√L ⊗ √R", first, whole),
        _map("C", first, moved),
    ]
    if swapped:
        maps.append(_map("√R ⊗ √L", first, lambda step: np.kron(root(first.at(step)[1]), root(first.at(step)[0]))))
    parts = zip(statistics, caption.tags(recordings), own_from(recordings, lane), strict=True)
    both = [[replace(curve, begins=begins) for curve in one.against(tag)] for one, tag, begins in parts]
    x = step_axis(recordings)
    largest = max(one.rank for one in statistics)
    curves = [
        panel("similarity of √L ⊗ √R and C", [likeness for likeness, _ in both], x, Axis((0.0, 1.05))),
        _bound([excess for _, excess in both], largest, x),
    ]
    told = _sentences(both[0][0], both[0][1], largest) if len(both) == 1 else ()
    notes = caption.chosen(recordings, lane)

    def story() -> Film:
        pair = [_map("Shampoo's product √L ⊗ √R", first, whole), _map("all second moments C", first, moved)]
        alike = panel("cosine of the two matrices (1: the same)", [one for one, _ in both], x, Axis((0.0, 1.05)))
        shown = film(recordings, [*pair, alike], notes, told=told)
        return replace(shown, scene=lambda step: replace(shown.scene(step), lead=len(pair)))

    return replace(film(recordings, [*maps, *curves], notes, told=told), story=story)


def _sentences(likeness: Curve, excess: Curve, rank: int) -> list[Sentence]:
    """How much the product is like all moments in the end, and whether the bound holds."""
    alike, factor = (float(curve.values[-1, 0]) for curve in (likeness, excess))
    if not np.isfinite([alike, factor]).all():
        return []
    holds = f"C is at most {significant(factor, 2)} √L ⊗ √R, where lemma 8 gives {rank}"
    return [Sentence(int(likeness.x[-1]), f"The cosine of √L ⊗ √R and C is {significant(alike, 2)}. {holds}.")]


def small_matrix(recording: Recording, parameter: str = "") -> str:
    """The parameter whose gradient is used: that of this name, or the first matrix that is small enough.

    Raises:
        DynvizError: There is none.
    """
    shapes = recording.metadata.channels["gradient"].parts
    fitting = [name for name, part in shapes.items() if len(part.shape) == 2 and int(np.prod(part.shape)) <= LARGEST]
    if parameter and parameter not in shapes:
        raise unknown("parameter", parameter, shapes)
    if parameter in fitting or (fitting and not parameter):
        return parameter or fitting[0]
    there = ", ".join(f"{name} {tuple(part.shape)}" for name, part in shapes.items()) or "numbers in a row"
    raise DynvizError(
        f"view kronecker needs the channel 'gradient', which recording {quoted(recording.label)} has, of a matrix "
        f"of at most "
        f"{LARGEST} numbers; it has {there}. Record a smaller one, such as matrix-sensing:d=16"
    )


class KroneckerStatistics:
    """The moments of one lane's gradients so far.

    Attributes:
        steps: Of the gradients [samples].
        rank: The largest of the gradients.
        note: Which of the recorded gradients they are, in words; empty where they are all.
    """

    def __init__(self, recording: Recording, parameter: str, lane: int) -> None:
        gradients = recording.part("gradient", parameter)[:, lane]
        numbers = gradients[0].size
        at = places(gradients, PRODUCTS // numbers)
        self.steps = recording.steps("gradient")[at]
        every = len(gradients) / len(at)
        self.note = f"of one of {round(every)} gradients" if every > 1 else ""
        gradients = np.asarray(gradients) if every == 1 else gradients[at]
        # After a lane diverged nothing is added.
        self._gradients = np.where(finite(gradients), gradients, 0.0)
        self.rank = rank(self._gradients)
        self._last: tuple[int, tuple[Array, Array, Array]] | None = None

    def at(self, step: int) -> tuple[Array, Array, Array]:
        """L, R and C after a step: of the gradients of all steps up to it."""
        index = max(index_at(self.steps, step), 1)
        if self._last is None or self._last[0] != index:
            self._last = index, moments(self._gradients[:index])
        return self._last[1]

    def against(self, tag: caption.Tag) -> tuple[Curve, Curve]:
        """How much the product is like all moments, and the least multiple of it that is not below them."""
        ends = evenly(len(self.steps), SAMPLES, first=min(1, len(self.steps) - 1))
        left, right, all_ = (0.0 * part for part in moments(self._gradients[:1]))
        values, before = [], 0
        for end in ends:
            more = moments(self._gradients[before : max(int(end), 1)])
            left, right, all_, before = left + more[0], right + more[1], all_ + more[2], int(end)
            values.append((likeness(product(left, right), all_), excess(left, right, all_)))
        cosines, factors = np.array(values).T[:, :, None]
        steps, look = self.steps[ends], (tag.color, tag.dash, tag.name)
        return Curve(steps, cosines, *look), Curve(steps, factors, *look)


def _bound(curves: Sequence[Curve], rank: int, x: Axis) -> MovingPanel:
    """The least factor, under the one that lemma 8 gives."""
    drawn = panel("least c with C ≤ c √L ⊗ √R", curves, x, Axis((0.0, 1.25 * max(rank, 1))))
    line = ReferenceLine(float(rank), label=f"bound: rank {rank}")
    return MovingPanel(
        drawn.steps, lambda step: replace(whole := drawn.at(step), marks=(line, *whole.marks)), drawn.notes
    )


def _map(title: str, statistics: KroneckerStatistics, make: Any) -> MovingPanel:
    """A panel of a matrix, its first row at the top."""
    steps = statistics.steps
    axis = Axis((0.0 + EXTENT[0] / 2, 1.0 - EXTENT[0] / 2), whole=True)
    last: list[tuple[int, Field, Readout]] = []

    def at(step: int) -> Panel:
        index = index_at(steps, step)
        if not last or last[0][0] != index:
            matrix = make(step)
            largest = float(np.abs(matrix).max()) or 1.0
            shown = np.sign(matrix) * np.sqrt(np.abs(matrix) / largest)
            size = Readout(f"{len(matrix)} × {len(matrix)}", "muted")
            last[:] = [(index, Field(shown[::-1], EXTENT, Norm(-1.0, 1.0), "signed", label="± its largest"), size)]
        return Panel(title, axis, axis, (last[0][1],), (last[0][2],), square=True)

    return MovingPanel(steps, at, (statistics.note,) if statistics.note else ())
