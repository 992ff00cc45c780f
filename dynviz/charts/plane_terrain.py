"""A plane of losses as a terrain in perspective, with the trajectory on it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.charts.edges import drawn, edges
from dynviz.charts.honesty import Shown
from dynviz.charts.limits import finite
from dynviz.charts.relief import Camera, Relief
from dynviz.charts.relief_picture import ReliefPicture, balls, box_axes
from dynviz.charts.samples import index_at
from dynviz.frozen import frozen
from dynviz.scene.marks import Axis, Extent, Mark, Panel
from dynviz.scene.norm import Norm
from dynviz.scene.ticks import Tick, ticks

Array: TypeAlias = NDArray[Any]

RISE = 4
"""Ticks of the height."""
FAR = 0.1
"""A trajectory is drawn on the surface as far as its distance from the plane is below this share of its length."""


@frozen
class LossPlane:
    """A plane of losses.

    Attributes:
        values: [rows, columns], the first row at the bottom.
        extent: Its edges.
        norm: The heights that all planes of a picture share.
    """

    values: Array
    extent: Extent
    norm: Norm

    def shares(self, values: Array) -> Array:
        """Heights, 0 to 1."""
        low, high = self.norm.low, self.norm.high
        with np.errstate(divide="ignore", invalid="ignore"):
            seen = np.where(finite(values), values, np.nan)
            if self.norm.scale == "log":
                return np.asarray(np.log(seen / low) / np.log(high / low)).clip(0, 1)
            return np.asarray((seen - low) / (high - low)).clip(0, 1)

    def rise(self) -> list[tuple[float, Tick]]:
        """Ticks of the losses on the upright edge."""
        marks = ticks(Axis((self.norm.low, self.norm.high), self.norm.scale), RISE)
        return [(float(self.shares(np.array(tick.value))), tick) for tick in marks]


def terrain(
    losses: LossPlane, axes: tuple[Axis, Axis], row: Sequence[Shown], camera: Camera
) -> Callable[[Panel, int], Panel]:
    """A function that makes the terrain of a plane's plan and a step.

    Args:
        losses: The heights.
        axes: Of the plane.
        row: The trajectories on it.
        camera: Where from.
    """
    picture = ReliefPicture(Relief(losses.shares(losses.values), camera), losses.extent)
    ground: list[Mark] = [*picture.ground(), *drawn(edges(camera, axes, losses.rise()), picture.spot)]
    places = [np.where(_near(one)[:, None], one.path.place[:, :2], np.nan) for one in row]
    trails = [picture.trajectory(one.path.steps, at, one.color) for one, at in zip(row, places, strict=True)]
    x, y = box_axes(picture)

    def at(plan: Panel, step: int) -> Panel:
        marks = [*ground, *(line for trail in trails for line in trail.at(step))]
        for one, place in zip(row, places, strict=True):
            index = index_at(one.path.steps, step)
            marks += balls(picture.place(place[index : index + 1])[0], one.color)
        return replace(plan, x=x, y=y, marks=tuple(marks), square=True, plan=plan)

    return at


def _near(one: Shown) -> NDArray[np.bool_]:
    """Which samples are close to the plane: elsewhere the surface is not what the trajectory runs over."""
    near: NDArray[np.bool_] = one.path.share < FAR
    return near
