"""Planes of networks whose losses show pictures, side by side."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from dynviz.charts import caption
from dynviz.charts.limits import finite
from dynviz.charts.moving import MovingPanel, film
from dynviz.charts.numbers import significant
from dynviz.charts.samples import Latest, lane_of, need
from dynviz.film import Film
from dynviz.recording import Recording
from dynviz.scene.marks import Axis, Extent, Field, Panel, Readout
from dynviz.scene.norm import Norm

EXTENT: Extent = (-1.0, 1.0, -1.0, 1.0)


def view(recordings: Sequence[Recording], *, lane: int = 0) -> Film:
    """One plane per recording, all in the same logarithmic colours; a sweep over pictures makes a grid of icons.

    Args:
        recordings: What is shown.
        lane: Lane of each recording whose plane is shown.
    """
    lane_of(recordings, lane)
    need("icons", recordings, "plane_loss", "picture")
    ends = [end for one in recordings for end in (one["picture"].min(), one["picture"].max())]
    # A little beyond both levels: what is above the upper one is as good.
    norm = Norm(float(min(ends)) / 1.5, float(max(ends)) * 1.5, "log")
    tags = caption.tags(recordings)
    panels = [
        _plane(one, lane, norm, replace(tag, name=name))
        for one, tag, name in zip(recordings, tags, _names(recordings), strict=True)
    ]
    return film(recordings, panels, caption.chosen(recordings, lane))


def _names(recordings: Sequence[Recording]) -> list[str]:
    """The pictures' names, and other options in which recordings differ."""
    options = [one.metadata.scenario.options for one in recordings]
    apart = [key for key in ("model", "data") if len({str(own.get(key)) for own in options}) > 1]
    return [" ".join(str(own.get(key, "")) for key in ("picture", *apart)) or "plane" for own in options]


def _plane(recording: Recording, lane: int, norm: Norm, tag: Readout) -> MovingPanel:
    wanted = recording["picture"][0, lane]
    dark = wanted < (wanted.min() + wanted.max()) / 2
    colors = " to ".join(significant(end, 2) for end in (norm.low, norm.high))

    def drawn(past: np.ndarray) -> Panel:
        values = past[-1][lane]
        seen = np.where(finite(values), values, np.nan)
        inside, outside = (significant(float(np.nanmedian(seen[which])), 2) for which in (dark, ~dark))
        readout = replace(
            tag, name="", text=f"loss {inside} inside, {outside} outside", widest="loss 0.088 inside, 0.88 outside"
        )
        field = Field(seen, EXTENT, norm, label=f"loss, {colors}")
        return Panel(tag.name, Axis(EXTENT[:2]), Axis(EXTENT[2:]), (field,), (readout,), square=True)

    latest = Latest(recording, "plane_loss", drawn)
    return MovingPanel(latest.steps, latest.at)
