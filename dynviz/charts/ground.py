"""The landscape under paths, as contours or as a heat map, and its optima."""

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.charts.limits import finite
from dynviz.charts.numbers import significant
from dynviz.charts.samples import need
from dynviz.errors import DynvizError
from dynviz.frozen import frozen
from dynviz.recording import Recording
from dynviz.scene.marks import Axis, Contours, Extent, Field, Mark, Points, Text
from dynviz.scene.norm import Norm
from dynviz.text import quoted

Array: TypeAlias = NDArray[Any]
Ground: TypeAlias = Literal["contours", "heat"]

SLENDER = 2.5
"""From this ratio of its sides on, a landscape is not drawn to scale."""


@frozen
class FunctionFacts:
    """The properties of a function that is minimised.

    Attributes:
        function: The name of the function.
        domain: The left and right end; for a plane, the bottom and top too.
        optimum: The coordinates of each known optimum.
        norm: Whether heights above the minimum are shown on a logarithmic or a linear scale.
        shift: How far to the right the test function is shifted.
    """

    function: str = ""
    domain: tuple[float, ...] = (-1.0, 1.0, -1.0, 1.0)
    optimum: tuple[tuple[float, ...], ...] = ()
    norm: Literal["log", "linear"] = "log"
    shift: float = 0.0

    def ends(self, count: int) -> tuple[float, ...]:
        """The first `count` ends of the domain."""
        if len(self.domain) < count:
            raise DynvizError(f"the domain of this function has {count} ends, not {len(self.domain)}")
        return self.domain[:count]

    def optima(self, coordinates: int) -> NDArray[np.float64]:
        """The known optima [optima, coordinates]."""
        if any(len(point) != coordinates for point in self.optimum):
            raise DynvizError(f"an optimum of this function has {coordinates} coordinates, unlike {self.optimum}")
        return np.array(self.optimum, dtype=np.float64).reshape(-1, coordinates)


def facts_of(recording: Recording) -> FunctionFacts:
    """The properties of the function that a recording's task minimises."""
    return recording.facts_as(FunctionFacts)


def surface_title(recordings: Sequence[Recording], group: Sequence[int]) -> str:
    """The title of a panel that shows the function of some of these recordings.

    Where others have another function, its name says which one it is.

    Args:
        recordings: All that are shown.
        group: Places of those that share the function.
    """
    first = recordings[group[0]]
    if len(group) < len(recordings):
        return first.metadata.title or facts_of(first).function or "loss"
    return "loss over x and y" if len(facts_of(first).domain) > 2 else "loss over x"


def need_plane(view: str, recordings: Sequence[Recording]) -> None:
    """Check that every recording has a trajectory over a landscape of two coordinates.

    Raises:
        DynvizError: One of them does not.
    """
    need(view, recordings, "position", "landscape")
    for recording in recordings:
        shape = recording["position"].shape[2:]
        if shape != (2,):
            one = ", and view profile the curve with the ball on it" if shape == (1,) else ""
            raise DynvizError(
                f"view {view} needs the channel 'position', which recording {quoted(recording.label)} has, "
                f"of two numbers; here it is of shape {shape}. View curves shows them over the steps{one}"
            )


def grouped(recordings: Sequence[Recording]) -> list[list[int]]:
    """Indices of the recordings, grouped by landscape."""
    groups: list[list[int]] = []
    for index, recording in enumerate(recordings):
        group = next((group for group in groups if same(recordings[group[0]], recording)), None)
        if group is None:
            groups.append([index])
        else:
            group.append(index)
    return groups


def same(one: Recording, other: Recording) -> bool:
    """Whether two recordings share a landscape."""
    return facts_of(one).domain == facts_of(other).domain and bool(
        np.array_equal(one["landscape"][0, 0], other["landscape"][0, 0], equal_nan=True)
    )


def extent_of(recording: Recording) -> Extent:
    """Left, right, bottom and top of a landscape."""
    left, right, bottom, top = facts_of(recording).ends(4)
    return left, right, bottom, top


def ground(
    recording: Recording, kind: Ground = "contours", levels: int = 11, ring: float = 6.0, *, filled: bool = True
) -> list[Mark]:
    """The marks of a landscape, with rings of this size at its optima; the bands between its contours may be filled."""
    extent, values = extent_of(recording), recording["landscape"][0, 0].astype(np.float64)
    good = finite(values)
    if not good.any():
        return []
    lowest, norm = heights(recording)
    marks: list[Mark] = []
    if kind == "heat":
        # A logarithm begins at the valley's floor.
        floor = norm.low if norm.scale == "log" else 0.0
        marks.append(Field(np.where(good, values - lowest + floor, np.nan), extent, norm, label=_colors(norm)))
    else:
        log = norm.scale == "log"
        lines = np.geomspace(norm.low, norm.high, levels + 1) if log else np.linspace(0, norm.high, levels + 2)[1:]
        lines = lines[:-1]
        known = np.where(good, values, np.nan)
        marks.append(Contours(known, extent, tuple((lines + lowest).tolist()), ramp="valley" if filled else ""))
    return [*marks, *optima(recording, ring)]


def heights(recording: Recording) -> tuple[float, Norm]:
    """The lowest value of a landscape, and the norm of the heights above it."""
    values = recording["landscape"][0, 0].astype(np.float64)
    good = values[finite(values)]
    lowest = float(good.min()) if good.size else 0.0
    above = good - lowest
    high = float(above.max(initial=0.0)) or 1.0
    if facts_of(recording).norm == "linear":
        return lowest, Norm(0.0, high)
    rising = above[above > 0]
    # The lowest few percent are the valley: closer to its floor, contours would show the grid and not the landscape.
    low = max(float(np.quantile(rising, 0.03)), 1e-6 * high) if rising.size else high / 2
    return lowest, Norm(low, high, "log")


def _colors(norm: Norm) -> str:
    """What the ends of the colours of a heat map stand for."""
    least = "≤ " if norm.scale == "log" else ""
    return f"{least}{significant(norm.low, 2)} to {significant(norm.high, 2)} above the lowest"


def optima(recording: Recording, size: float) -> list[Mark]:
    """Rings at the known optima, and the word for one of them."""
    optima = facts_of(recording).optima(2)
    if not len(optima):
        return []
    x, y = optima[0].tolist()
    rings = Points(optima[:, 0], optima[:, 1], "text", size, "ring")
    return [rings, Text(x, y, "minimum" if len(optima) == 1 else "minima", "text", "beside")]


def plane(recording: Recording) -> tuple[Axis, Axis, bool]:
    """The axes of a landscape, and whether it is drawn to scale.

    If units have about the same length on both axes, steps are perpendicular to the contours, as they should be.
    """
    left, right, bottom, top = extent_of(recording)
    across, upward = abs(right - left), abs(top - bottom)
    square = across > 0 and upward > 0 and 1 / SLENDER < across / upward < SLENDER
    return Axis((left, right)), Axis((bottom, top)), square
