"""The ground that paths are drawn on: a landscape, as contours or as a heat map, and its optima."""

from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.recording import Recording
from dynviz.scene.limits import finite
from dynviz.scene.marks import Axis, Contours, Extent, Field, Mark, Points
from dynviz.scene.norm import Norm

Array: TypeAlias = NDArray[Any]
Ground: TypeAlias = Literal["contours", "heat"]

SLENDER = 2.5
"""A landscape that is so many times as long as wide is not drawn to scale."""


def same(one: Recording, other: Recording) -> bool:
    """Whether two recordings are of one landscape."""
    return extent_of(one) == extent_of(other) and bool(
        np.array_equal(one["landscape"][0, 0], other["landscape"][0, 0], equal_nan=True)
    )


def extent_of(recording: Recording) -> Extent:
    """Left, right, bottom and top of a landscape."""
    left, right, bottom, top = recording.facts.get("domain", (-1.0, 1.0, -1.0, 1.0))
    return float(left), float(right), float(bottom), float(top)


def ground(recording: Recording, kind: Ground = "contours", levels: int = 10) -> list[Mark]:
    """The landscape, and stars where its optima are."""
    extent, values = extent_of(recording), recording["landscape"][0, 0].astype(np.float64)
    good = finite(values)
    if not good.any():
        return []
    lowest = float(values[good].min())
    above = np.where(good, values - lowest, np.nan)
    high = float(above[good].max()) or 1.0
    rising = above[good & (above > 0)]
    # The lowest few percent are the valley: closer to its floor, contours would show the grid and not the landscape.
    low = max(float(np.quantile(rising, 0.03)), 1e-6 * high) if rising.size else high / 2
    marks: list[Mark] = []
    if kind == "heat":
        marks.append(Field(above + low, extent, Norm(low, high, "log")))
    else:
        heights = np.geomspace(low, high, levels + 1)[:-1] + lowest
        marks.append(Contours(np.where(good, values, np.nan), extent, tuple(heights.tolist()), "muted"))
    optima = np.array(recording.facts.get("optimum", ()), dtype=np.float64).reshape(-1, 2)
    if len(optima):
        marks.append(Points(optima[:, 0], optima[:, 1], "text", 8.0, "star"))
    return marks


def plane(recording: Recording) -> tuple[Axis, Axis, bool]:
    """The axes of a landscape, and whether it is drawn to scale.

    Where a unit is about as long on both axes, steps stand at right angles to the contours, as they should.
    """
    left, right, bottom, top = extent_of(recording)
    across, upward = abs(right - left), abs(top - bottom)
    square = across > 0 and upward > 0 and 1 / SLENDER < across / upward < SLENDER
    return Axis((left, right)), Axis((bottom, top)), square
