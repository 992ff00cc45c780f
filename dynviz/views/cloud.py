"""Density of the lanes over the landscape, from a few lanes to thousands."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.charts import caption
from dynviz.charts.density import density
from dynviz.charts.ground import extent_of, facts_of, ground, need_plane, plane
from dynviz.charts.limits import finite
from dynviz.charts.moving import MovingPanel, film
from dynviz.charts.numbers import percent, significant
from dynviz.charts.samples import Latest, has
from dynviz.charts.series import series
from dynviz.charts.settings import parted
from dynviz.charts.swarm import told_as
from dynviz.errors import DynvizError
from dynviz.film import Film
from dynviz.recording import Recording
from dynviz.scene.marks import Field, Panel, Points, Readout
from dynviz.scene.norm import Norm

Array: TypeAlias = NDArray[Any]

CELLS = 96
"""Rows and columns of the density."""
RING = 4.0
"""Rings are small here: where they stand, lanes gather."""
FEW = 100
"""Up to so many lanes are dots, too."""
NEAR = 0.01
"""Within what distance of an optimum lanes are counted, as a share of the picture's diagonal."""


def view(recordings: Sequence[Recording], *, levels: int = 8, contrast: float = 0.5) -> Film:
    """Each recording has a panel of its own, with the density of its lanes at this step.

    Opacity is relative to the densest place.

    Args:
        recordings: What is shown; best with a hundred lanes or more, `--seeds 0:1000`.
        levels: Number of contours of the landscape.
        contrast: Exponent applied to the density, 0 to 1; lower values show sparse places more clearly.
    """
    need_plane("cloud", recordings)
    recordings = parted(recordings)
    if levels < 1 or not 0 < contrast <= 1:
        raise DynvizError(f"view cloud takes levels from 1 and contrast above 0 to 1; not {levels}, {contrast}")
    panels = [
        _panel(recording, tag, levels, contrast)
        for recording, tag in zip(recordings, caption.tags(recordings), strict=True)
    ]
    if any(has(recording, "loss") for recording in recordings):
        panels.append(series(recordings, "loss"))
    return replace(film(recordings, panels), story=told_as(recordings))


def _panel(recording: Recording, tag: Readout, levels: int, contrast: float) -> MovingPanel:
    x, y, square = plane(recording)
    moving = Latest(recording, "position", _cloud(recording, tag.color, contrast))
    arrived = Latest(recording, "position", _arrived(recording, tag))
    marks = ground(recording, "contours", levels, RING, filled=False)
    title = f"where {caption.lanes(len(recording.seeds))} are"
    notes = []
    if len(facts_of(recording).optima(2)):
        notes.append(f"arrived: within {significant(_near(recording), 2)} of a minimum")

    def at(step: int) -> Panel:
        field, points = moving.at(step)
        return Panel(title, x, y, (field, *marks, points), (arrived.at(step),), square)

    return MovingPanel(moving.steps, at, tuple(notes))


def _near(recording: Recording) -> float:
    """Within what distance of an optimum a lane has arrived."""
    left, right, bottom, top = extent_of(recording)
    return NEAR * float(np.hypot(right - left, top - bottom))


def _cloud(recording: Recording, color: str, contrast: float) -> Callable[[Array], tuple[Field, Points]]:
    """A function of positions: their density, and dots where there are few."""
    extent = extent_of(recording)

    def cloud(past: Array) -> tuple[Field, Points]:
        places = past[-1].astype(np.float64)
        places = places[finite(places).all(axis=1)]
        heights = density(places, extent, CELLS)
        top = float(heights.max())
        if top > 0:
            heights = np.power(heights / top, contrast)
        few = places if past.shape[1] <= FEW else places[:0]
        return Field(heights, extent, Norm(0.0, 1.0), color, label="none to most"), Points(
            few[:, 0], few[:, 1], color, 2.5
        )

    return cloud


def _arrived(recording: Recording, tag: Readout) -> Callable[[Array], Readout]:
    """A function of positions: how many lanes are near an optimum, where one is known."""
    optima = facts_of(recording).optima(2)
    left, right, bottom, top = extent_of(recording)
    near = _near(recording)

    def arrived(past: Array) -> Readout:
        places = past[-1].astype(np.float64)
        if not len(optima):
            inside = (places > [left, bottom]) & (places < [right, top])
            share = percent(float(inside.all(axis=1).mean()))
            return replace(tag, text=f"{share} inside", widest="100.0 % inside")
        distance = np.hypot(*np.moveaxis(places[:, None] - optima, -1, 0)).min(axis=1)
        share = percent(float((distance < near).mean()))
        return replace(tag, text=f"{share} arrived", widest="100.0 % arrived")

    return arrived
