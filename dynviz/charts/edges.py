"""The edges of a relief's box as axes: lines, ticks and labels, as marks of the picture."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.charts.relief import Camera
from dynviz.frozen import frozen
from dynviz.scene.marks import Anchor, Axis, Line, Mark, Text
from dynviz.scene.ticks import Tick, ticks

Array: TypeAlias = NDArray[Any]

MOST = 5
"""Number of ticks on an edge."""
TICK, WORDS, NAME = 0.05, 0.13, 0.3
"""How far ticks reach from an edge, and where their words and the edge's name stand, in half lengths of the domain."""
CROWDED = 0.06
"""Within this share of an edge's length, its words and those of the upright edge overlap."""
ASIDE = 0.3
"""Words stand beside a place rather than under it where the way out of the box is so much sideways."""


@frozen
class Edge:
    """One edge of the box [-1, 1] x [-1, 1] x [0, height].

    Attributes:
        start: The start of its axis.
        end: The end of its axis.
        out: The direction away from the box, of length 1.
        marks: Ticks with their positions along the edge, 0 to 1.
        name: The label of the axis.
    """

    start: Array
    end: Array
    out: Array
    marks: Sequence[tuple[float, Tick]]
    name: str


def edges(camera: Camera, plane: tuple[Axis, Axis], rise: Sequence[tuple[float, Tick]]) -> list[Edge]:
    """Both edges of the floor that are nearest to the eye, and the upright one that is farthest to the left.

    Args:
        camera: Where from.
        plane: The axes of the domain.
        rise: Ticks of the height with their places, 0 to 1.
    """
    toward = camera.axes()[2]
    front = np.where(toward[:2] < 0, -1.0, 1.0)
    x, y = ([(_share(axis, tick.value), tick) for tick in ticks(axis, MOST)] for axis in plane)
    names = [axis.label or letter for axis, letter in zip(plane, "xy", strict=True)]
    edges = [
        Edge(np.array([-1.0, front[1], 0]), np.array([1.0, front[1], 0]), np.array([0, front[1], 0]), x, names[0]),
        Edge(np.array([front[0], -1.0, 0]), np.array([front[0], 1.0, 0]), np.array([front[0], 0, 0]), y, names[1]),
    ]
    corners = np.array([[a, b, 0.0] for a in (-1.0, 1.0) for b in (-1.0, 1.0)])
    foot = corners[camera.project(corners)[:, 0].argmin()]
    # Seen from straight above there is no height.
    if camera.elevation < 80:
        edges = [replace(edge, marks=_without(edge, foot)) for edge in edges]
        edges.append(Edge(foot, foot + np.array([0.0, 0.0, camera.height]), -camera.axes()[0], rise, ""))
    return edges


def _without(edge: Edge, corner: Array) -> Sequence[tuple[float, Tick]]:
    """The ticks of an edge, without words beside a corner where those of another edge stand."""
    length = float(np.linalg.norm(edge.end - edge.start))
    places = [np.linalg.norm(edge.start + share * (edge.end - edge.start) - corner) for share, _ in edge.marks]
    return [
        (share, replace(tick, label="") if place < CROWDED * length else tick)
        for (share, tick), place in zip(edge.marks, places, strict=True)
    ]


def _share(axis: Axis, value: float) -> float:
    low, high = axis.limits
    return (value - low) / (high - low)


def drawn(edges: Sequence[Edge], place: Callable[[Array], Array]) -> list[Mark]:
    """Lines and words of edges.

    Args:
        edges: Of the box.
        place: Function of points of the box [points, 3]: where they are in the picture [points, 2].
    """
    gap = np.full((1, 2), np.nan)
    lines: list[Array] = []
    words: list[Mark] = []
    for edge in edges:
        lines += [place(np.stack([edge.start, edge.end])), gap]
        for share, tick in edge.marks:
            at = edge.start + share * (edge.end - edge.start)
            lines += [place(np.stack([at, at + TICK * edge.out])), gap]
            words.append(_text(place, (at, edge.out, WORDS), tick.label))
        if edge.name:
            words.append(_text(place, ((edge.start + edge.end) / 2, edge.out, NAME), edge.name))
    points = np.concatenate(lines)
    return [Line(points[:, 0], points[:, 1], "muted", width=0.5, dot=False), *words]


def _text(place: Callable[[Array], Array], where: tuple[Array, Array, float], text: str) -> Text:
    at, out, far = where
    here, there = place(np.stack([at, at + far * out]))
    way = (there - here) / max(float(np.hypot(*(there - here))), 1e-9)
    anchor: Anchor = "center" if abs(way[0]) < ASIDE else "left" if way[0] > 0 else "right"
    return Text(float(there[0]), float(there[1]), text, "muted", anchor)
