"""Elements of SVG: paths, markers and areas in pixels of the page."""

import numpy as np
from numpy.typing import NDArray

from dynviz.layout.place import PanelPlace
from dynviz.pixels.arrows import Shapes, shafts_line
from dynviz.pixels.sizes import Sizes
from dynviz.scene.decimate import decimate
from dynviz.scene.marks import Marker
from dynviz.scene.theme import RGB

Floats = NDArray[np.float64]


def number(value: float) -> str:
    """A length with two decimals at most.

    >>> number(3.0), number(0.126), number(-0.001)
    ('3', '0.13', '0')
    """
    return f"{value:.2f}".rstrip("0").rstrip(".").replace("-0", "0", 1 if abs(value) < 0.005 else 0)


def hexadecimal(rgb: RGB) -> str:
    """A colour.

    >>> hexadecimal((0, 114, 178))
    '#0072b2'
    """
    return "#{:02x}{:02x}{:02x}".format(*rgb)


def outline(points: Floats) -> str:
    """The path through points [points, 2], broken where they are not finite; a lone point is a path of no length.

    >>> outline(np.array([[0, 0], [1, 2], [np.nan, 0], [3, 4]]))
    'M0,0L1,2M3,4L3,4'
    """
    good = np.isfinite(points).all(axis=1)
    parts = []
    for run in np.split(points, np.flatnonzero(~good)):
        there = run[np.isfinite(run).all(axis=1)].tolist()
        if there:
            places = [f"{number(x)},{number(y)}" for x, y in (there if len(there) > 1 else there * 2)]
            parts.append("M" + "L".join(places))
    return "".join(parts)


def thin(points: Floats) -> Floats:
    """What of a line can be told apart on the page."""
    return points[decimate(*points.T)] if len(points) else points


def stroke(
    points: Floats, color: str, width: float, dash: tuple[float, ...] | None = None, opacity: float = 1.0
) -> str:
    """A line."""
    pattern = (
        f' stroke-dasharray="{" ".join(number(part * width) for part in dash)}" stroke-linecap="butt"' if dash else ""
    )
    faint = f' stroke-opacity="{number(opacity)}"' if opacity < 1 else ""
    return f'<path d="{outline(points)}" fill="none" stroke="{color}" stroke-width="{number(width)}"{pattern}{faint}/>'


def area(low: Floats, high: Floats, color: str, opacity: float) -> str:
    """What lies between two curves [points, 2], where both are finite."""
    good = np.isfinite(np.concatenate([low, high], axis=1)).all(axis=1)
    path = ""
    for run in np.split(np.arange(len(good)), np.flatnonzero(~good)):
        there = run[good[run]]
        if len(there) > 1:
            path += outline(np.concatenate([high[there], low[there][::-1]])) + "Z"
    return f'<path d="{path}" fill="{color}" fill-opacity="{number(opacity)}"/>'


def shape(marker: Marker | None, x: float, y: float, radius: float, color: str, *, rim: float = 0.0) -> str:
    """A marker, or a square where there is none; with a rim, it reaches half of it further."""
    at, reach, edge = (
        f'cx="{number(x)}" cy="{number(y)}"',
        number(radius),
        f' stroke="{color}" stroke-width="{number(rim)}"',
    )
    more = edge if rim else ""
    if marker == "dot":
        return f'<circle {at} r="{reach}" fill="{color}"{more}/>'
    half = max(radius * 0.18, 0.6)
    if marker == "ring":
        width = number(2 * half + rim)
        return f'<circle {at} r="{number(radius - half)}" fill="none" stroke="{color}" stroke-width="{width}"/>'
    if marker == "cross":
        arm, width = radius / np.sqrt(2), number(2 * max(radius * 0.2, 0.6) + rim)
        corners = [f"M{number(x - arm)},{number(y + s * arm)}L{number(x + arm)},{number(y - s * arm)}" for s in (1, -1)]
        return f'<path d="{"".join(corners)}" stroke="{color}" stroke-width="{width}"/>'
    if marker == "star":
        turn = np.arange(10) * np.pi / 5
        reaches = np.where(np.arange(10) % 2, 0.45 * radius, radius)
        points = np.stack([x + reaches * np.sin(turn), y - reaches * np.cos(turn)], axis=1)
        return f'<path d="{outline(points)}Z" fill="{color}"{more}/>'
    side = number(2 * radius)
    return f'<rect x="{number(x - radius)}" y="{number(y - radius)}" width="{side}" height="{side}" fill="{color}"/>'


def arrows(found: Shapes, color: str) -> list[str]:
    """Arrows: one path for all shafts, one for all heads, and the dots."""
    parts = []
    if len(found.shafts):
        path, width = outline(shafts_line(found)), number(found.width)
        parts.append(f'<path d="{path}" fill="none" stroke="{color}" stroke-width="{width}" stroke-linecap="round"/>')
    if len(found.heads):
        heads = "".join(outline(head) + "Z" for head in found.heads)
        parts.append(f'<path d="{heads}" fill="{color}"/>')
    return parts + [shape("dot", x, y, found.radius, color) for x, y in found.dots.tolist()]


def axes(place: PanelPlace, sizes: Sizes, grid: str, line: str) -> list[str]:
    """Grid, axes and ticks."""
    plot, half, length = place.plot, sizes.thin / 2, round(0.3 * sizes.ticks.size)
    left, right, top, bottom = (number(value) for value in (plot.left, plot.right, plot.top, plot.bottom))
    inside = [f"M{number(column + half)},{top}V{bottom}" for _, column in place.x]
    inside += [f"M{left},{number(row + half)}H{right}" for _, row in place.y]
    outside = [f"M{number(column + half)},{bottom}v{length}" for _, column in place.x]
    outside += [f"M{left},{number(row + half)}h{-length}" for _, row in place.y]
    corner = f"M{number(plot.left - half)},{top}V{number(plot.bottom + half)}H{right}" if place.axes else ""
    width = sizes.thin
    return [
        f'<path d="{"".join(inside)}" fill="none" stroke="{grid}" stroke-width="{width}"/>',
        f'<path d="{corner}{"".join(outside)}" fill="none" stroke="{line}" stroke-width="{width}"/>',
    ]
