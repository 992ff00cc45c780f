"""A Kronecker-factored preconditioner, and how well it approximates the full one."""

from collections.abc import Callable, Sequence
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
SAMPLES, MOST = 60, 120
"""At so many steps the matrices are drawn and compared, at least and at most, as far as there are gradients."""
NUMBERS = 10_000_000
"""Between the two at so many that C has fewer numbers than these in all of them."""
PRODUCTS = 1 << 30
"""So many products of two numbers of a gradient are added up for C, at most: of more gradients evenly spaced ones."""
WITHIN = 0.995
"""Share of the entries that a colour scale of several matrices tells apart at every step."""
EXTENT = (0.02, 0.98, 0.02, 0.98)
"""Of a matrix on its axes: between whole numbers, so that there are no ticks."""


def view(recordings: Sequence[Recording], *, parameter: str = "", lane: int = 0, swapped: bool = False) -> Film:
    """Matrices are those of the first recording; the similarity covers all recordings.

    Shampoo keeps L, the sum of G G^T over the gradients so far, and R, the sum of G^T G, instead of C, the sum of all
    products of two numbers of G. The Kronecker product of their square roots approximates C. Each matrix has a colour
    scale of its own, by signed square roots of its entries, so that small ones are visible. Before the first step there
    are no gradients to add up, so there is nothing to show.

    The last panel checks lemma 8 of Shampoo: C is at most r √L ⊗ √R in the Loewner order, with r the largest rank of
    the gradients. The curve is the least factor for which that is true. A story has the product, C and their difference
    in the lead, each matrix divided by its Frobenius norm, in one colour scale for all three; and no bound.

    Args:
        recordings: What is shown, with the gradients at every step: `--record gradient:every=1`.
        parameter: Name of the parameter whose gradient is used; by default the first matrix that is small enough.
        lane: Lane of each recording to show.
        swapped: Whether to also show the product in the other order, which is a different matrix; not in a story.
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
        trio = _compared(first)
        # Beside the title: the curve to come would look like a sign before the number.
        cosines = [replace(one, direct=False) for one, _ in both]
        alike = panel("cosine of product and C (1: the same)", cosines, x, Axis((0.0, 1.05)))
        shown = film(recordings, [*trio, alike], notes, told=told)
        return replace(shown, scene=lambda step: replace(shown.scene(step), lead=len(trio)))

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
        shown: Those of them at which the matrices are drawn and compared [times].
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
        most = min(max(NUMBERS // numbers**2, SAMPLES), MOST)
        self._ends = evenly(len(self.steps), most, first=min(1, len(self.steps) - 1))
        self.shown = self.steps[self._ends]
        self._last: tuple[int, tuple[Array, Array, Array]] | None = None

    def at(self, step: int) -> tuple[Array, Array, Array]:
        """L, R and C after a step: of the gradients of all steps up to it."""
        index = max(index_at(self.steps, step), 1)
        if self._last is None or self._last[0] != index:
            self._last = index, moments(self._gradients[:index])
        return self._last[1]

    def against(self, tag: caption.Tag) -> tuple[Curve, Curve]:
        """How much the product is like all moments, and the least multiple of it that is not below them."""
        left, right, all_ = (0.0 * part for part in moments(self._gradients[:1]))
        values, before = [], 0
        for end in self._ends:
            more = moments(self._gradients[before : max(int(end), 1)])
            left, right, all_, before = left + more[0], right + more[1], all_ + more[2], int(end)
            values.append((likeness(product(left, right), all_), excess(left, right, all_)))
        cosines, factors = np.array(values).T[:, :, None]
        steps, look = self.shown, (tag.color, tag.dash, tag.name)
        return Curve(steps, cosines, *look), Curve(steps, factors, *look)


def _bound(curves: Sequence[Curve], rank: int, x: Axis) -> MovingPanel:
    """The least factor, under the one that lemma 8 gives."""
    drawn = panel("least c with C ≤ c √L ⊗ √R", curves, x, Axis((0.0, 1.25 * max(rank, 1))))
    line = ReferenceLine(float(rank), label=f"bound: rank {rank}")
    return MovingPanel(
        drawn.steps, lambda step: replace(whole := drawn.at(step), marks=(line, *whole.marks)), drawn.notes
    )


def _map(title: str, statistics: KroneckerStatistics, make: Callable[[int], Array]) -> MovingPanel:
    """A panel of a matrix, its first row at the top."""

    def drawn(step: int) -> tuple[Field, Readout]:
        matrix = make(step)
        size = Readout(f"{len(matrix)} × {len(matrix)}", "muted")
        return _field(matrix, float(np.abs(matrix).max()) or 1.0, "± its largest"), size

    return _moving(title, statistics, drawn, (statistics.note,) if statistics.note else ())


def _compared(statistics: KroneckerStatistics) -> list[MovingPanel]:
    """Panels of the product, of C and of their difference, each matrix divided by its norm, in one colour scale.

    It ends where all but a few entries do, which would make the others pale.
    """
    pairs = {step: _normed(statistics.at(step)) for step in map(int, statistics.shown)}
    # To a round number, as the scale says it.
    ends = max(float(np.quantile(np.abs(pair), WITHIN)) for pair in pairs.values())
    largest = float(significant(ends, 1)) or 1.0
    label = f"≤ −{largest:g} to ≥ {largest:g}"

    def panel_of(title: str, make: Callable[[Array, Array], Array], notes: tuple[str, ...] = ()) -> MovingPanel:
        def drawn(step: int) -> tuple[Field]:
            return (_field(make(*pairs[step]), largest, label),)

        return _moving(title, statistics, drawn, notes)

    notes = ("both divided by their norms, one colour scale", *([statistics.note] if statistics.note else []))
    return [
        panel_of("product √L ⊗ √R", lambda product, _: product, notes),
        panel_of("all second moments C", lambda _, moments: moments),
        panel_of("product − C", lambda product, moments: product - moments),
    ]


def _normed(matrices: tuple[Array, Array, Array]) -> tuple[Array, Array]:
    """The product of L and R, and C, divided by their Frobenius norms."""
    left, right, all_ = matrices
    both = product(left, right)
    return both / (np.linalg.norm(both) or 1.0), all_ / (np.linalg.norm(all_) or 1.0)


def _field(matrix: Array, largest: float, label: str) -> Field:
    """The signed square roots of a matrix's entries, up to the largest."""
    shown = np.sign(matrix) * np.sqrt(np.abs(matrix) / largest)
    return Field(shown[::-1], EXTENT, Norm(-1.0, 1.0), "signed", label=label)


def _moving(
    title: str,
    statistics: KroneckerStatistics,
    make: Callable[[int], tuple[Field] | tuple[Field, Readout]],
    notes: tuple[str, ...],
) -> MovingPanel:
    """A panel of what is made at each step that is shown: a matrix, and what is said of it."""
    steps = statistics.shown
    axis = Axis((0.0 + EXTENT[0] / 2, 1.0 - EXTENT[0] / 2), whole=True)
    last: list[tuple[int, tuple[Field] | tuple[Field, Readout]]] = []

    def at(step: int) -> Panel:
        index = index_at(steps, step)
        if not last or last[0][0] != index:
            last[:] = [(index, make(int(steps[index])))]
        field, *said = last[0][1]
        return Panel(title, axis, axis, (field,), tuple(said), square=True)

    return MovingPanel(steps, at, notes)
