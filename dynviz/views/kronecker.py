"""What a Kronecker-factored preconditioner sees: moments of rows and of columns."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.charts import caption
from dynviz.charts.curves import Curve, panel
from dynviz.charts.limits import finite
from dynviz.charts.moments import likeness, moments, product, root
from dynviz.charts.moving import MovingPanel, film, step_axis
from dynviz.charts.samples import index_at, lane_of, need
from dynviz.errors import DynvizError, unknown
from dynviz.film import Film
from dynviz.recording import Recording
from dynviz.scene.decimate import evenly
from dynviz.scene.marks import Axis, Field, Panel, Readout
from dynviz.scene.norm import Norm
from dynviz.text import quoted

Array: TypeAlias = NDArray[Any]

LARGEST = 400
"""Numbers of a parameter at most: all their moments are as many squared."""
SAMPLES = 60
"""At so many steps the likeness is computed."""
EXTENT = (0.02, 0.98, 0.02, 0.98)
"""Of a matrix on its axes: between whole numbers, so that there are no ticks."""


def view(recordings: Sequence[Recording], *, parameter: str = "", lane: int = 0, swapped: bool = False) -> Film:
    """Open the view, of the first recording; the likeness is of all.

    Shampoo keeps L, the sum of G G^T over the gradients so far, and R, the sum of G^T G, instead of C, the sum of all
    products of two numbers of G. The Kronecker product of their roots stands for C. Each matrix is drawn on a scale of
    its own, by roots of its numbers with their signs, so that small ones are seen.

    Args:
        recordings: What is shown, with the gradients at every step: `--record gradient:every=1`.
        parameter: Whose gradient, by its name; by default the first matrix that is small enough.
        lane: Which lane of each recording.
        swapped: Whether the product in the other order is shown, too, which is another matrix.
    """
    need("kronecker", recordings)
    lane_of(recordings, lane)
    need("kronecker", recordings, "gradient")
    chosen = _chosen(recordings[0], parameter)
    statistics = [KroneckerStatistics(recording, chosen, lane) for recording in recordings]
    first = statistics[0]
    matrices = {
        f"L of {chosen}": lambda step: first.at(step)[0],
        f"R of {chosen}": lambda step: first.at(step)[1],
        "√L ⊗ √R": lambda step: product(*first.at(step)[:2]),
        "C": lambda step: first.at(step)[2],
    }
    if swapped:
        matrices["√R ⊗ √L"] = lambda step: np.kron(root(first.at(step)[1]), root(first.at(step)[0]))
    panels = [_map(title, first.steps, make) for title, make in matrices.items()]
    curves = [one.likeness(tag) for one, tag in zip(statistics, caption.tags(recordings), strict=True)]
    panels.append(panel("likeness of √L ⊗ √R and C", curves, step_axis(recordings), Axis((0.0, 1.05))))
    return film(recordings, panels)


def _chosen(recording: Recording, parameter: str) -> str:
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
    """

    def __init__(self, recording: Recording, parameter: str, lane: int) -> None:
        self.steps = recording.steps("gradient")
        gradients = recording.part("gradient", parameter)[:, lane]
        # After a lane diverged nothing is added.
        self._gradients = np.where(finite(gradients), gradients, 0.0)
        self._last: tuple[int, tuple[Array, Array, Array]] | None = None

    def at(self, step: int) -> tuple[Array, Array, Array]:
        """L, R and C after a step: of the gradients of all steps up to it."""
        index = max(index_at(self.steps, step), 1)
        if self._last is None or self._last[0] != index:
            self._last = index, moments(self._gradients[:index])
        return self._last[1]

    def likeness(self, tag: caption.Tag) -> Curve:
        """How much the product is like all moments, over the steps."""
        places = evenly(len(self.steps), SAMPLES, first=min(1, len(self.steps) - 1))
        left, right, all_ = (0.0 * part for part in moments(self._gradients[:1]))
        cosines, before = [], 0
        for place in places:
            more = moments(self._gradients[before : max(int(place), 1)])
            left, right, all_, before = left + more[0], right + more[1], all_ + more[2], int(place)
            cosines.append(likeness(product(left, right), all_))
        return Curve(self.steps[places], np.array(cosines)[:, None], tag.color, tag.dash, tag.name)


def _map(title: str, steps: NDArray[np.int64], make: Any) -> MovingPanel:
    """A panel of a matrix, its first row at the top."""
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

    return MovingPanel(steps, at)
