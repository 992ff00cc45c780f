"""Whether recordings are the same function although their weights are not."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from dynviz.charts import caption, limits
from dynviz.charts.curves import Curve, panel
from dynviz.charts.forks import own_from
from dynviz.charts.moving import MovingPanel, film, step_axis
from dynviz.charts.numbers import significant
from dynviz.charts.samples import has, lane_of, need
from dynviz.charts.series import series
from dynviz.detection.scan import Scan, load
from dynviz.errors import DynvizError
from dynviz.film import Film, Sentence
from dynviz.recording import Recording
from dynviz.scene.marks import Axis, Panel, Readout

LEAST = 1e-17
"""Smaller differences are drawn here: of equal numbers a logarithm knows nothing."""
SAME = 1e-6
"""Recordings whose outputs differ by less are called the same."""


def view(recordings: Sequence[Recording], *, lane: int = 0) -> Film:
    """Open the view: the largest difference of the outputs from those of the first recording, and the weights' norms.

    A story has the loss in the lead, beside the norm and the rates on logarithmic axes.

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
    rated = any(has(recording, "lr") for recording in recordings)
    if rated:
        panels.append(_rates(recordings, lane))

    def story() -> Film:
        lines = [_norms(recordings, lane), *([_rates(recordings, lane, log=True)] if rated else ())]
        told = _sentences(recordings, lane)
        return film(recordings, [panels[0], *lines], caption.chosen(recordings, lane), told=told)

    return replace(film(recordings, panels), story=story)


def _apart(first: Recording, other: Recording, lane: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The steps that both have, and the largest difference of any output at each."""
    if other["outputs"].shape[2:] != first["outputs"].shape[2:]:
        raise DynvizError(f"view equivalence compares outputs of one shape; {other.label} has others")
    steps, own, its = np.intersect1d(
        first.steps("outputs"), other.steps("outputs"), assume_unique=True, return_indices=True
    )
    return steps, np.abs(first["outputs"][own, lane] - other["outputs"][its, lane]).max(axis=(1, 2))


def _differences(recordings: Sequence[Recording], lane: int) -> MovingPanel:
    """The largest difference of any output from the first recording's, at the steps that both have."""
    first, *others = recordings
    curves = []
    for other, tag in zip(others, caption.tags(recordings)[1:], strict=True):
        steps, apart = _apart(first, other, lane)
        name = tag.name if len(others) > 1 else ""
        curves.append(Curve(steps, np.maximum(apart, LEAST)[:, None], tag.color, tag.dash, name))
    tops = [float(np.nanmax(curve.values, initial=1e-8)) for curve in curves]
    return panel(
        "largest difference of the outputs",
        curves,
        step_axis(recordings),
        Axis((LEAST / 2, 10 * max(tops)), "log"),
    )


def _sentences(recordings: Sequence[Recording], lane: int) -> list[Sentence]:
    """By how much the outputs of two recordings differ at most; nothing where they are two functions."""
    if len(recordings) != 2:
        return []
    first, other = recordings
    steps, apart = _apart(first, other, lane)
    most = float(np.max(apart, initial=0.0))
    if not len(steps) or not most < SAME:
        return []
    # Rounded up: no more than that.
    unit = 10.0 ** math.floor(math.log10(max(most, LEAST)))
    bound = significant(math.ceil(most / unit) * unit, 1)
    return [Sentence(int(steps[-1]), f"Same loss and same outputs: these never differ by more than {bound}.")]


def _norms(recordings: Sequence[Recording], lane: int) -> MovingPanel:
    """The norm of all weights on a logarithmic axis; its logarithm where it is too large for one."""
    drawn = [np.asarray(recording["log_norm"][:, lane], dtype=np.float64) for recording in recordings]
    if max(float(np.nanmax(logarithms, initial=0.0)) for logarithms in drawn) > math.log10(limits.HUGE):
        return series(recordings, "log_norm")
    tags, begins = caption.tags(recordings), own_from(recordings, lane)
    curves = [
        Curve(one.steps("log_norm"), 10.0 ** logarithms[:, None], tag.color, tag.dash, tag.name, begins=begin)
        for one, logarithms, tag, begin in zip(recordings, drawn, tags, begins, strict=True)
    ]
    y = limits.axis([curve.values for curve in curves], "log")
    return panel("norm of the weights", curves, step_axis(recordings), y)


def _rates(recordings: Sequence[Recording], lane: int, *, log: bool = False) -> MovingPanel:
    """The logarithm of the learning rates, or these on a log axis: one that grows exponentially is a straight line."""
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
    if log:
        curves = [replace(curve, values=10.0**curve.values) for curve in curves]
        y = limits.axis([curve.values for curve in curves], "log")
        return panel("learning rate", curves, step_axis(recordings), y)
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
