"""Limits of axes: fixed over a whole film, and not affected by lanes that diverged."""

import math
from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.charts.samples import thinned
from dynviz.scene.marks import Axis

Array: TypeAlias = NDArray[Any]
Scale: TypeAlias = Literal["auto", "linear", "log"]

HUGE = 1e30
"""Larger values count as infinite: no axis can show them beside anything else."""
BLOWN_UP = 1e6
"""How many times its first value, or 1 if that is larger, a value grows to before it counts as diverged."""
FLAT = 0.02
"""What moves by less than this share of itself is drawn on an axis that begins at zero: it hardly moves."""
SAME = 1e-5
"""Values whose relative difference is at most this are one value with rounding noise."""


def finite(values: Array) -> NDArray[np.bool_]:
    """Which values can be shown on an axis."""
    with np.errstate(invalid="ignore"):
        return np.asarray(np.abs(values) < HUGE)


def drawable(values: Array, scale: str) -> Array:
    """The array itself if an axis of this scale can show all of it, else a copy with NaN elsewhere."""
    values = np.asarray(values)
    good = finite(values)
    if scale == "log":
        good &= values > 0
    return values if good.all() else np.where(good, values, np.nan)


def axis(curves: Sequence[Array], scale: Scale = "auto", label: str = "", most: float = math.inf) -> Axis:
    """An axis for values over time.

    Args:
        curves: Arrays [samples, lanes]; NaN and infinity are ignored.
        scale: `auto` is logarithmic for positive values that fall by a factor of 100 or span a factor of 10 000.
        label: The label of the axis.
        most: The largest possible value: 1 for a fraction.
    """
    lanes = _without_diverged(np.concatenate([_extremes(curve) for curve in curves], axis=1))
    if not lanes.size:
        return Axis((0.0, 1.0), label=label)
    lows, highs, positive, first, last, _ = lanes
    low, high, tiny = float(lows.min()), float(highs.max()), float(positive.min())
    decades = high / tiny >= (100 if np.median(last) < np.median(first) else 10_000)
    if high > 0 and (scale == "log" or (scale == "auto" and low >= 0 and decades)):
        # What hardly moves is not blown up, see FLAT.
        margin = 0.05 * math.log10(high / tiny) if high >= (1 + FLAT) * tiny else 0.3
        return Axis((tiny / 10**margin, high * 10**margin), "log", label)
    if high - low <= SAME * max(abs(low), abs(high)):
        # Of a constant only its size can be seen, against zero.
        room = 1.25 * max(abs(low), abs(high)) or 1.0
        return Axis((-room if low < 0 else 0.0, min(room, most) if high > 0 else 0.0 if low < 0 else room), label=label)
    if low > 0 and high - low < FLAT * high:
        return Axis((0.0, max(min(1.25 * high, most), high)), label=label)
    if high < 0 and high - low < FLAT * -low:
        return Axis((1.25 * low, 0.0), label=label)
    margin = 0.05 * (high - low)
    # Where nothing is below zero, neither is the axis; nor above what cannot be passed.
    low, high = max(low - margin, 0.0 if low >= 0 else -math.inf), min(high + margin, 0.0 if high <= 0 else most)
    return Axis((low, high), label=label)


def square(points: Array) -> tuple[float, float]:
    """Limits, the same for x and y, of points [samples, points, 2] with the origin in the middle."""
    seen = thinned(points)
    seen = seen[finite(seen)]
    reach = float(np.abs(seen).max()) if seen.size else 1.0
    return -1.05 * (reach or 1.0), 1.05 * (reach or 1.0)


def _extremes(curve: Array) -> Array:
    """Statistics of each lane that has a finite value [6, lanes].

    Lowest, highest and lowest positive value, the first and the last, and whether all are finite.
    """
    seen = thinned(curve)
    good = finite(seen)
    # Most channels are finite and positive throughout: plain minima take a tenth of the time of masked ones.
    whole = bool(good.all())
    if not whole:
        some = good.any(axis=0)
        seen, good = seen[:, some], good[:, some]
    if not seen.size:
        return np.empty((6, 0))
    lows = (seen if whole else np.where(good, seen, np.inf)).min(axis=0).astype(np.float64)
    highs = (seen if whole else np.where(good, seen, -np.inf)).max(axis=0).astype(np.float64)
    # A loss that comes to zero in float32 would draw an axis of 45 decades.
    floor = np.maximum(highs * 1e-16, 0)
    positive = lows if (lows > floor).all() else np.where(good & (seen > floor), seen, np.inf).min(axis=0)
    columns = np.arange(seen.shape[1])
    first: Any = 0 if whole else good.argmax(axis=0)
    last: Any = -1 if whole else len(good) - 1 - good[::-1].argmax(axis=0)
    return np.stack([lows, highs, positive, seen[first, columns], seen[last, columns], good.all(axis=0)])


def _without_diverged(lanes: Array) -> Array:
    """Without those lanes [6, lanes] that went to infinity, and a thousand times as far as half of the others do.

    On their way they passed through all magnitudes; the others would be a flat line beside them. One that was as large
    from the first is of another size, and shown; so is one that grew and stays finite, unless out of all proportion.
    """
    reach, first = np.maximum(np.abs(lanes[0]), np.abs(lanes[1])), np.abs(lanes[3])
    usual = np.sort(reach)[(len(reach) - 1) // 2] if len(reach) else 0.0
    lost = (lanes[5] == 0) | (reach > BLOWN_UP * np.maximum(first, 1))
    return lanes[:, ~(lost & (reach > 1000 * usual) & (reach > 10 * first))] if usual > 0 else lanes
