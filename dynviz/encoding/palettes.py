"""Palettes for formats with few colours: a subset of the theme's, or colours fitted to the pictures."""

from collections.abc import Collection, Iterable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.frame import Pixels
from dynviz.scene.palette import BITS

Floats: TypeAlias = NDArray[np.float64]

ROUNDS = 12
BLOCK = 2048
"""Colours that are compared at once, which bounds the memory."""


def thinned(colors: Pixels, count: int, kept: Collection[tuple[int, int, int]] = ()) -> Pixels:
    """A subset of the colours [colors, 3], as far apart as possible, beginning with the first.

    Args:
        colors: The colours to choose from.
        count: The number of colours.
        kept: Colours that are always chosen, if available: those of text, axes and grid, which tints would spoil.

    >>> thinned(np.array([[0, 0, 0], [1, 1, 1], [255, 255, 255], [90, 90, 90]], np.uint8), 3)[:, 0].tolist()
    [0, 255, 90]
    """
    points = colors.astype(np.float64)
    chosen = [0, *(place for place, color in enumerate(colors.tolist()) if place and tuple(color) in kept)]
    far = np.min([((points - points[place]) ** 2).sum(axis=1) for place in chosen], axis=0)
    while len(chosen) < min(count, len(points)):
        chosen.append(int(far.argmax()))
        far = np.minimum(far, ((points - points[chosen[-1]]) ** 2).sum(axis=1))
    return colors[chosen]


def wanted(
    colors: Pixels,
    count: int,
    pictures: Iterable[Pixels],
    kept: Collection[tuple[int, int, int]],
    seen: Collection[tuple[int, int, int]] = (),
) -> Pixels:
    """A subset of the colours [colors, 3] that is near to those of the pictures, beginning with the first.

    Each next colour is the one that lowers their square error most, so that a ramp has levels where a picture shows
    them, and no level is drawn in the tint of a line that is not there.

    Args:
        colors: The colours to choose from.
        count: The largest number of colours.
        pictures: Some of the pictures; without any, the colours are chosen as by `thinned`.
        kept: Colours that are always chosen, if available.
        seen: Colours that are chosen if the pictures show them.
    """
    cells, weights = _counted(pictures)
    if not len(cells):
        return thinned(colors, count, {*kept, *seen})
    distances = np.stack([((cells - color) ** 2).sum(axis=1) for color in colors.astype(np.float64)])
    shown = {*distances.argmin(axis=0).tolist()}
    chosen = [0]
    for place, color in enumerate(map(tuple, colors.tolist())):
        if place and (color in kept or (color in seen and place in shown)):
            chosen.append(place)
    far = distances[chosen].min(axis=0)
    # Edges of letters are few beside a field, and as important.
    weights = np.sqrt(weights)
    while len(chosen) < min(count, len(colors)):
        gains = np.maximum(far - distances, 0) @ weights
        if gains.max() == 0:
            break
        chosen.append(int(gains.argmax()))
        far = np.minimum(far, distances[chosen[-1]])
    return colors[chosen]


def fitted(colors: Pixels, pictures: Iterable[Pixels]) -> Pixels:
    """Fit as many colours as these [colors, 3] to pictures, with the least mean square error.

    No two of them fall into one cell of `Palette`, which would not tell them apart.
    """
    seen, weights = _counted(pictures)
    if not len(seen):
        return colors
    centers = colors.astype(np.float64)
    for _ in range(ROUNDS):
        near, far = _nearest(seen, centers)
        total = np.bincount(near, weights, len(centers))
        sums = np.stack([np.bincount(near, weights * seen[:, axis], len(centers)) for axis in range(3)], axis=1)
        used = total > 0
        centers[used] = sums[used] / total[used, None]
        # A colour that no pixel wants goes where the error is largest.
        worst = np.argsort(-weights * far, kind="stable")[: int((~used).sum())]
        centers[np.flatnonzero(~used)[: len(worst)]] = seen[worst]
    near, _ = _nearest(seen, centers)
    heavy = np.argsort(-np.bincount(near, weights, len(centers)), kind="stable")
    rounded = centers[heavy].round().astype(np.uint8)
    _, first = np.unique(_cells(rounded), return_index=True)
    return rounded[np.sort(first)]


def _counted(pictures: Iterable[Pixels]) -> tuple[Floats, Floats]:
    """The mean colour [cells, 3] of all pixels of each cell that is there, and how many they are."""
    counts: Floats = np.zeros(1 << 3 * BITS)
    sums: Floats = np.zeros((3, len(counts)))
    for picture in pictures:
        flat = picture[..., :3].reshape(-1, 3)
        cells = _cells(flat)
        counts += np.bincount(cells, minlength=len(counts))
        for axis in range(3):
            sums[axis] += np.bincount(cells, flat[:, axis], len(counts))
    there = np.flatnonzero(counts)
    return (sums[:, there] / counts[there]).T, counts[there]


def _cells(colors: Pixels) -> NDArray[np.int64]:
    red, green, blue = (colors >> (8 - BITS)).astype(np.int64).T
    return np.asarray((red << 2 * BITS) | (green << BITS) | blue)


def _nearest(seen: Floats, colors: Floats) -> tuple[NDArray[np.int64], Floats]:
    """Which of the colours is nearest to each, and the square of how far it is."""
    near, far = np.empty(len(seen), np.int64), np.empty(len(seen))
    squares = (colors**2).sum(axis=1)
    for start in range(0, len(seen), BLOCK):
        part = seen[start : start + BLOCK]
        distance = squares - 2 * part @ colors.T
        near[start : start + BLOCK] = distance.argmin(axis=1)
        far[start : start + BLOCK] = distance.min(axis=1) + (part**2).sum(axis=1)
    return near, far
