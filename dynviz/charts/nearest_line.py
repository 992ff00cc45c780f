"""An example of classes that the nearest line decides: each center has the line through it at right angles to its ray.

The ray of a center is the one from 0 to it. Distances to a line count in units of the length of its center's ray.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dynviz.charts.maps import class_colors, class_names, extent_of
from dynviz.charts.samples import has
from dynviz.frozen import frozen
from dynviz.recording import Recording
from dynviz.scene.marks import Extent, Line, Mark, Points, Text

Floats = NDArray[np.float64]

SAME = 0.999
"""Of the points of a map, those that must have the class of the nearest line: at borders rounding decides."""
NAMES = ("nearest", "second", "third")
"""Lines that are drawn for an example."""
AROUND = 2
"""So many points about the example on each side have its class."""
INSIDE, CENTERS = 0.4, 0.46
"""From the middle to the example and to the centers of its lines, at most, as shares of the square's side."""
FAR = 0.12
"""From the example to the center of its nearest line, at least, as a share of the square's side."""
CORNER = 0.025
"""Side of the mark of a right angle, as a share of the square's side."""
OFF = 0.023
"""From a line to the middle of its name, as a share of the square's side; more where the line is steep."""
ACROSS = 0.12
"""Half the width of such a name, as a share of the square's side."""
PLACES = 60
"""So many places along a line are compared for its name."""


@frozen
class Example:
    """A point and the lines that are nearest to it.

    Attributes:
        point: Its coordinates [2].
        centers: Of the nearest lines, the nearest first [lines, 2].
        classes: Of these centers [lines].
    """

    point: Floats
    centers: Floats
    classes: NDArray[np.int64]

    @property
    def distances(self) -> Floats:
        """From the point to the lines, each in units of its center's ray [lines]."""
        return np.asarray(np.abs(self.centers @ self.point / np.square(self.centers).sum(axis=1) - 1))

    @property
    def foot(self) -> Floats:
        """The place of the nearest line that is nearest to the point [2]."""
        center = self.centers[0]
        return np.asarray(self.point + center * (1 - self.point @ center / (center @ center)))


def example(recording: Recording, lane: int) -> Example | None:
    """A point that is close to a line whose center is far away; none where another rule gives the classes.

    Its nearest line is also the nearest as the crow flies, and it is well inside a region of its class. Where there are
    such points, the nearest center is of the other class. Of all of these it is the one farthest from its line.
    """
    if not (has(recording, "true_centers") and has(recording, "true_class")):
        return None
    map_classes = recording["environment"][0, lane]
    centers = recording["true_centers"][0, lane].astype(np.float64)
    classes = recording["true_class"][0, lane]
    left, right, bottom, top = extent_of(recording)
    x, y = (
        low + (np.arange(count) + 0.5) * (high - low) / count
        for low, high, count in ((left, right, map_classes.shape[1]), (bottom, top, map_classes.shape[0]))
    )
    points = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    sizes = np.hypot(*centers.T)
    with np.errstate(invalid="ignore", divide="ignore"):
        away = np.abs(points @ centers.T / sizes**2 - 1)
    away = np.where(np.isfinite(away), away, np.inf)
    nearest = np.argsort(away, axis=1, kind="stable")[:, : len(NAMES)]
    first = nearest[:, 0]
    if (classes[first] == map_classes.ravel()).mean() < SAME:
        return None
    by_eye = np.where(np.isfinite(away), away * np.nan_to_num(sizes, posinf=0.0), np.inf)
    apart = np.hypot(*(points[:, None] - centers).transpose(2, 0, 1))
    apart = np.where(np.isfinite(apart), apart, np.inf)
    middle, side = np.array([(left + right) / 2, (bottom + top) / 2]), right - left
    good = (np.abs(points - middle) < INSIDE * side).all(axis=1) & _clear(map_classes).ravel()
    good &= (np.abs(centers[nearest] - middle) < CENTERS * side).all(axis=(1, 2)) & (by_eye.argmin(axis=1) == first)
    rows = np.arange(len(points))
    far = good & (apart[rows, first] > FAR * side)
    other = far & (classes[apart.argmin(axis=1)] != classes[first])
    chosen = next((found for kind in (other, far, good) if len(found := np.flatnonzero(kind))), None)
    if chosen is None:
        return None
    place = chosen[by_eye[chosen, first[chosen]].argmax()]
    own = nearest[place]
    return Example(points[place], centers[own], classes[own].astype(np.int64))


def drawn(recording: Recording, lane: int, shown: Example) -> list[Mark]:
    """The lines with their names, the ray of the nearest one's center, and the way from the point to that line."""
    left, right, bottom, top = extent = extent_of(recording)
    side, names, colors = right - left, class_names(recording), class_colors(2)
    far = np.hypot(right - left, top - bottom)
    center = shown.centers[0]
    ray = center / np.hypot(*center)
    across = np.array([-ray[1], ray[0]])
    if across @ (shown.foot - center) > 0:
        across = -across
    corner = CORNER * side * np.stack([across, across - ray, -ray]) + center
    lines = [_line(one, far) for one in shown.centers]
    marks: list[Mark] = []
    for rank, line in reversed([*enumerate(lines)]):
        marks += _stroke(line, "text" if rank else "lane1", 1.4)
    for way in (np.stack([np.zeros(2), center]), corner, np.stack([shown.point, shown.foot])):
        marks += _stroke(way, "lane1", 1.0)
    for rank, (one, kind) in reversed([*enumerate(zip(shown.centers, shown.classes, strict=True))]):
        x, y = one[:, None]
        marks += [
            Points(x, y, "ground", 11.0),
            Points(x, y, "text" if rank else "lane1", 9.0),
            Points(x, y, "ground", 6.0),
            Points(x, y, colors[int(kind)], 4.5),
        ]
    zero, (x, y) = np.zeros(1), shown.point[:, None]
    marks += [Points(zero, zero, "text", 4.5), Points(x, y, "lane1", 6.5, "star")]
    keep = [shown.point, shown.foot, np.zeros(2), *shown.centers, *(center * share for share in (0.25, 0.5, 0.75))]
    everyone = recording["true_centers"][0, lane].astype(np.float64)
    for rank, (line, kind) in enumerate(zip(lines, shown.classes, strict=True)):
        others = [other for other in lines if other is not line]
        at = _free(line, others, np.array(keep), everyone, extent)
        keep.append(at)
        name = f"{NAMES[rank]}, {shown.distances[rank]:.2f}: {names[int(kind)]}"
        marks.append(Text(float(at[0]), float(at[1]), name, "text", "center"))
    return [*marks, Text(0.0, 0.0, "0", "text", "beside"), Text(float(x[0]), float(y[0]), "a point", "text", "beside")]


def _stroke(places: Floats, color: str, width: float) -> list[Mark]:
    """A line through places [places, 2] that can be seen on any class."""
    x, y = places.T
    return [Line(x, y, "ground", width=width + 1.6, dot=False), Line(x, y, color, width=width, dot=False)]


def _line(center: Floats, far: float) -> Floats:
    """Two places [2, 2] of the line of a center, on either side and so far from it."""
    across = far * np.array([-center[1], center[0]]) / np.hypot(*center)
    return np.stack([center - across, center + across])


def _free(line: Floats, others: list[Floats], keep: Floats, dots: Floats, extent: Extent) -> Floats:
    """A place [2] beside a line for its name: inside, over no dot, and far from other lines and from places to keep."""
    left, right, bottom, top = extent
    side = right - left
    way = (line[1] - line[0]) / np.hypot(*(line[1] - line[0]))
    off = (OFF * abs(way[0]) + ACROSS * abs(way[1])) * side * np.array([-way[1], way[0]])
    on = line[0] + np.linspace(0, 1, PLACES)[:, None] * (line[1] - line[0])
    places = np.concatenate([on + off, on - off])
    inner = np.array([left, bottom]) + np.array([ACROSS + 0.01, OFF + 0.01]) * side
    outer = np.array([right, top]) - np.array([ACROSS + 0.01, OFF + 0.01]) * side
    places = places[((places > inner) & (places < outer)).all(axis=1)]
    over = np.abs(places[:, None] - dots) < np.array([ACROSS, OFF]) * side
    free = places[~over.all(axis=-1).any(axis=-1)]
    places = free if len(free) else places
    if not len(places):
        return np.full(2, np.nan)
    # Words are much wider than high.
    shape = np.array([1.5 * ACROSS, OFF]) * side
    room = [(np.hypot(*((places - place) / shape).T)) for place in keep if np.isfinite(place).all()]
    for other in others:
        run = other[1] - other[0]
        normal = np.array([-run[1], run[0]]) / np.hypot(*run)
        reach = np.hypot(*(shape * normal))
        room.append(np.abs((places - other[0]) @ normal) / reach)
    return np.asarray(places[np.min(room, axis=0).argmax()])


def _clear(classes: NDArray[Any]) -> NDArray[np.bool_]:
    """Whether all points [rows, columns] about each one have its class."""
    clear = np.zeros(classes.shape, dtype=bool)
    wide = 2 * AROUND + 1
    if min(classes.shape) >= wide:
        windows = np.lib.stride_tricks.sliding_window_view(classes, (wide, wide))
        same = (windows == windows[..., AROUND : AROUND + 1, AROUND : AROUND + 1]).all(axis=(-2, -1))
        clear[AROUND : classes.shape[0] - AROUND, AROUND : classes.shape[1] - AROUND] = same
    return clear
