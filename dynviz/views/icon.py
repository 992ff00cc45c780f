"""The loss on a plane of networks that learns a picture, next to that picture."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from dynviz.charts import caption
from dynviz.charts.limits import finite
from dynviz.charts.moving import MovingPanel, film
from dynviz.charts.numbers import significant
from dynviz.charts.samples import Latest, lane_of, need
from dynviz.charts.series import series
from dynviz.film import Film
from dynviz.recording import Recording
from dynviz.scene.marks import Axis, Extent, Field, Panel, Readout
from dynviz.scene.norm import Norm

EXTENT: Extent = (-1.0, 1.0, -1.0, 1.0)


def view(recordings: Sequence[Recording], *, lane: int = 0) -> Film:
    """One plane per recording, the target picture, and the loss.

    Args:
        recordings: What is shown.
        lane: Lane of each recording whose plane is shown; the loss curve covers all lanes.
    """
    lane_of(recordings, lane)
    need("icon", recordings, "plane_loss", "picture", "loss")
    wanted = recordings[0]["picture"][0, lane]
    # A little beyond both levels: what is above the upper one is as good.
    norm = Norm(float(wanted.min()) / 1.5, float(wanted.max()) * 1.5, "log")
    panels = [
        _plane(recording, lane, norm, tag) for recording, tag in zip(recordings, caption.tags(recordings), strict=True)
    ]
    still = _panel("target", Field(wanted, EXTENT, norm, label=_colors(norm)))
    panels.append(MovingPanel(np.zeros(1, np.int64), lambda _: still))
    return film(recordings, [*panels, series(recordings, "loss")], caption.chosen(recordings, lane))


def _plane(recording: Recording, lane: int, norm: Norm, tag: Readout) -> MovingPanel:
    wanted = recording["picture"][0, lane]
    dark = wanted < (wanted.min() + wanted.max()) / 2

    def drawn(past: np.ndarray) -> Panel:
        values = past[-1][lane]
        seen = np.where(finite(values), values, np.nan)
        inside, outside = (significant(float(np.nanmedian(seen[which]))) for which in (dark, ~dark))
        readout = replace(tag, text=f"{inside} inside, {outside} outside")
        return _panel("loss on the plane", Field(seen, EXTENT, norm, label=_colors(norm)), readout)

    latest = Latest(recording, "plane_loss", drawn)
    return MovingPanel(latest.steps, latest.at)


def _colors(norm: Norm) -> str:
    """What the ends of the colours stand for."""
    return " to ".join(significant(end, 2) for end in (norm.low, norm.high))


def _panel(title: str, field: Field, *readouts: Readout) -> Panel:
    return Panel(title, Axis(EXTENT[:2]), Axis(EXTENT[2:]), (field,), readouts, square=True)
