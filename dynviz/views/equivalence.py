"""Whether recordings are the same function although their weights are not."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from dynviz.charts import caption
from dynviz.charts.curves import Curve, panel
from dynviz.charts.forks import own_from
from dynviz.charts.moving import MovingPanel, film, step_axis
from dynviz.charts.samples import has, lane_of, need
from dynviz.charts.series import series
from dynviz.detection.scan import Scan, load
from dynviz.errors import DynvizError
from dynviz.film import Film
from dynviz.recording import Recording
from dynviz.scene.marks import Axis, Panel, Readout

LEAST = 1e-17
"""Smaller differences are drawn here: of equal numbers a logarithm knows nothing."""


def view(recordings: Sequence[Recording], *, lane: int = 0) -> Film:
    """Open the view: the largest difference of the outputs from those of the first recording, and the weights' norms.

    Args:
        recordings: What is shown; the others are compared with the first one.
        lane: Which lane is compared; the losses are of all lanes.
    """
    lane_of(recordings, lane)
    need("equivalence", recordings, "outputs", "log_norm")
    panels = [series(recordings, "loss")]
    if len(recordings) > 1:
        panels.append(_differences(recordings, lane))
    panels.append(_stopped(series(recordings, "log_norm"), recordings))
    if any(has(recording, "lr") for recording in recordings):
        panels.append(_rates(recordings, lane))
    return film(recordings, panels)


def _differences(recordings: Sequence[Recording], lane: int) -> MovingPanel:
    """The largest difference of any output from the first recording's, at the steps that both have."""
    first, *others = recordings
    curves = []
    for other, tag in zip(others, caption.tags(recordings)[1:], strict=True):
        if other["outputs"].shape[2:] != first["outputs"].shape[2:]:
            raise DynvizError(f"view equivalence compares outputs of one shape; {other.label} has others")
        steps, own, its = np.intersect1d(
            first.steps("outputs"), other.steps("outputs"), assume_unique=True, return_indices=True
        )
        apart = np.abs(first["outputs"][own, lane] - other["outputs"][its, lane]).max(axis=(1, 2))
        name = tag.name if len(others) > 1 else ""
        curves.append(Curve(steps, np.maximum(apart, LEAST)[:, None], tag.color, tag.dash, name))
    tops = [float(np.nanmax(curve.values, initial=1e-8)) for curve in curves]
    return panel(
        "largest difference of the outputs",
        curves,
        step_axis(recordings),
        Axis((LEAST / 2, 10 * max(tops)), "log"),
    )


def _rates(recordings: Sequence[Recording], lane: int) -> MovingPanel:
    """The logarithm of the learning rates: one that grows exponentially is a straight line."""
    curves = []
    for recording, tag, begins in zip(recordings, caption.tags(recordings), own_from(recordings, lane), strict=True):
        if has(recording, "lr"):
            steps, rates = recording.steps("lr"), recording["lr"][:, lane]
        else:
            steps = np.array([0, max(recording.recorded, 1)])
            rates = np.full(2, float(recording.metadata.hyperparameters["lr"].value))
        with np.errstate(divide="ignore"):
            logarithms = np.log10(np.where(rates > 0, rates, np.nan))[:, None]
        curves.append(Curve(steps, logarithms, tag.color, tag.dash, tag.name, begins=begins))
    return panel("log10 of the learning rate", curves, step_axis(recordings))


def _stopped(drawn: MovingPanel, recordings: Sequence[Recording]) -> MovingPanel:
    """The panel with words from where a rate was stopped before the numbers overflow."""
    tags = caption.tags(recordings)
    events = [event for event in Scan(recordings, load(["overflow"])).advance() if event.kind == "overflow"]

    def at(step: int) -> Panel:
        shown = drawn.at(step)
        words = tuple(
            Readout(f"stopped by step {event.step}, before overflow", tags[event.recording].color)
            for event in events
            if event.step <= step
        )
        return replace(shown, readouts=(*shown.readouts, *words[:1]))

    return MovingPanel(drawn.steps, at, drawn.notes)
