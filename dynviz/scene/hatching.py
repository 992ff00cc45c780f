"""Hatching: the look of places whose value is not finite, so that no colour or height stands for them."""

from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dynviz.scene.marks import NOT_FINITE, Axis, Bars, Contours, Field, Regions
from dynviz.scene.scales import fractions, nearest_pixels

Mask: TypeAlias = NDArray[np.bool_]
Floats: TypeAlias = NDArray[np.float64]

COLOR, SHARE = "muted", 0.55
"""The role of the stripes, and how much of its colour they have."""
NO_GAPS = np.zeros((0, 0), np.bool_)


def known(values: ArrayLike) -> Floats:
    """The values, NaN in place of infinite ones: a line has a gap there and does not run to the edge.

    >>> known([1.0, np.inf]).tolist()
    [1.0, nan]
    """
    numbers = np.asarray(values, dtype=np.float64)
    return np.where(np.isfinite(numbers), numbers, np.nan)


def gaps(mark: Field | Regions | Contours | Bars, axes: tuple[Axis, Axis], size: tuple[int, int]) -> Mask:
    """Where a mark has no finite value, [height, width] from the top, or an empty array: nowhere.

    A bar without a height is a gap from the bottom of the plot to its top.

    Args:
        mark: What is drawn.
        axes: The x and y axis.
        size: Width and height of the plot in dots of the screen.
    """
    width, height = size
    if isinstance(mark, Bars):
        bad = ~np.isfinite(mark.heights)
        if not bad.any():
            return NO_GAPS
        middles = np.asarray(mark.x, dtype=np.float64)[bad]
        ends = [fractions(axes[0], middles + side * mark.width / 2) * width for side in (-1, 1)]
        columns = np.arange(width)[:, None] + 0.5
        inside = ((columns >= np.minimum(*ends)) & (columns < np.maximum(*ends))).any(axis=1)
        return np.broadcast_to(inside, (height, width)) if inside.any() else NO_GAPS
    values = mark.classes if isinstance(mark, Regions) else mark.values
    bad = ~np.isfinite(values)
    if not meaning(mark) or not bad.any():
        return NO_GAPS
    left, right, bottom, top = mark.extent
    across = nearest_pixels(axes[0], left, right, values.shape[1], width)
    upward = nearest_pixels(axes[1], bottom, top, values.shape[0], height)[::-1, None]
    mask = bad[upward, across] & (upward >= 0) & (across >= 0)
    return np.asarray(mask) if mask.any() else NO_GAPS


def meaning(mark: Field | Regions | Contours | Bars) -> str:
    """What the hatching of a mark says."""
    return mark.missing if isinstance(mark, Field | Contours) else NOT_FINITE


def stripes(mask: Mask, every: int) -> Floats:
    """Diagonal lines through the true places of [height, width], as one broken line [points, 2] in dots from the top.

    >>> stripes(np.ones((2, 2), bool), 2).tolist()
    [[0.0, 1.0], [1.0, 0.0], [nan, nan]]

    Args:
        mask: Where the lines are drawn.
        every: How many dots they are apart along a row.
    """
    height, width = mask.shape
    pieces = [np.empty((0, 2))]
    for total in range(1, width + height - 1, every):
        columns = np.arange(max(total - height + 1, 0), min(total, width - 1) + 1)
        inside = np.concatenate([[False], mask[total - columns, columns], [False]])
        first, after = (np.flatnonzero(turn) for turn in (~inside[:-1] & inside[1:], inside[:-1] & ~inside[1:]))
        ends = np.stack([columns[first], columns[after - 1]], axis=1).astype(np.float64)
        runs = np.stack([ends, total - ends], axis=-1)
        gap = np.full((len(runs), 1, 2), np.nan)
        pieces.append(np.concatenate([runs, gap], axis=1).reshape(-1, 2))
    return np.concatenate(pieces)


def room(mask: Mask, wide: int, tall: int) -> tuple[int, int] | None:
    """The left and top of a box of this size inside the mask, as near to its middle as there is one; else none.

    >>> room(np.array([[True, True, True], [True, True, False]]), 2, 2)
    (0, 0)
    """
    height, width = mask.shape
    if wide > width or tall > height:
        return None
    sums = np.zeros((height + 1, width + 1), np.int64)
    sums[1:, 1:] = mask.cumsum(axis=0).cumsum(axis=1)
    counts = sums[tall:, wide:] - sums[:-tall, wide:] - sums[tall:, :-wide] + sums[:-tall, :-wide]
    tops, lefts = np.nonzero(counts == wide * tall)
    if not len(tops):
        return None
    rows, columns = np.nonzero(mask)
    far = (tops + tall / 2 - rows.mean()) ** 2 + (lefts + wide / 2 - columns.mean()) ** 2
    best = int(far.argmin())
    return int(lefts[best]), int(tops[best])
