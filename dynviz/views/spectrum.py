"""Singular values over the steps and now, against the true ones, and the error."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.film import Film
from dynviz.recording import Recording
from dynviz.scene import caption, limits, scales
from dynviz.scene.limits import Scale
from dynviz.scene.marks import Axis, Bars, Line, Panel, Points, Readout, Rule, Text
from dynviz.scene.moving import MovingPanel, film, step_axis, union
from dynviz.scene.samples import Latest, has, lane_of, need
from dynviz.scene.series import Curve, Lost, series

Array: TypeAlias = NDArray[Any]

ERRORS = ("relative_error", "val_loss", "loss")


def view(recordings: Sequence[Recording], *, lane: int = 0, count: int = 0, scale: Scale = "linear") -> Film:
    """Open the view.

    Args:
        recordings: What is shown.
        lane: Whose singular values are shown of each recording; the error is of all lanes.
        count: How many of the largest; 0 takes twice as many as the truth has, else 8.
        scale: Of the singular values.
    """
    need("spectrum", recordings, "singular_values")
    lane_of(recordings, lane)
    truth = _truth(recordings, lane)
    most = max(recording["singular_values"].shape[2] for recording in recordings)
    shown = min(most, count or (max(4, 2 * len(truth)) if truth.size else 8))
    values = [recording["singular_values"][:, lane, :shown] for recording in recordings]
    y = _axis(values, truth, scale)
    panels = [_traces(recordings, values, truth, y), _bars(recordings, lane, shown, truth, y)]
    errors = (name for name in ERRORS if any(has(recording, name) for recording in recordings))
    panels += [_error(recordings, name) for name in list(errors)[:1]]
    return film(recordings, panels)


def _error(recordings: Sequence[Recording], channel: str) -> MovingPanel:
    """The error, and the one that the least-norm solution leaves, which knows nothing of the rank."""
    panel = series(recordings, channel, labelled=True)
    known = [recording.facts.get("least_norm_error") for recording in recordings]
    if channel != "relative_error" or known[0] is None or len(set(known)) > 1:
        return panel
    rule = Rule(float(known[0]), label="least norm")
    return MovingPanel(panel.steps, lambda step: _behind(rule, panel.at(step)))


def _behind(rule: Rule, panel: Panel) -> Panel:
    return replace(panel, marks=(rule, *panel.marks))


def _truth(recordings: Sequence[Recording], lane: int) -> Array:
    """The true singular values above rounding, the largest first; none where nobody recorded them."""
    for recording in recordings:
        if has(recording, "true_singular_values"):
            values = recording["true_singular_values"][0, lane]
            values = np.sort(values[np.isfinite(values)])[::-1]
            return values[values > 1e-5 * values[:1]]
    return np.empty(0)


def _axis(values: Sequence[Array], truth: Array, scale: Scale) -> Axis:
    # As one curve: by themselves the largest would look as if they had diverged from the others.
    y = limits.axis([np.concatenate([part.ravel() for part in (*values, truth)])[:, None]], scale)
    if y.scale == "log":
        return y
    # The word beside the largest true value stands above it.
    return replace(y, limits=(0.0, max(y.limits[1], 1.12 * float(truth.max(initial=0.0)))))


def _seeded(recordings: Sequence[Recording], lane: int) -> list[str]:
    """A name for each readout: of which recording, and with which seed where there are several."""
    names = caption.names(recordings) if len(recordings) > 1 else ("",)
    seeds = [f"seed {one.seeds[lane]}" if len(one.seeds) > 1 else "" for one in recordings]
    return [" ".join(word for word in pair if word) for pair in zip(names, seeds, strict=True)]


def _traces(recordings: Sequence[Recording], values: Sequence[Array], truth: Array, y: Axis) -> MovingPanel:
    """Each singular value over the steps."""
    x = step_axis(recordings)
    rules = tuple(Rule(float(value), "text", label="" if place else "true") for place, value in enumerate(truth))
    lines: list[Line] = []
    lost: list[Lost] = []
    for index, (recording, found) in enumerate(zip(recordings, values, strict=True)):
        steps = recording.steps("singular_values")
        for place, column in enumerate(found.T):
            # Those beyond the true rank should vanish: they stay in the background.
            width = 1.5 if place < len(truth) else 1.0
            curve = Curve(steps, column[:, None], caption.color(index))
            lost.append(Lost(curve, y, said=place == 0))
            lines.append(Line(steps, limits.drawable(column, y.scale), caption.color(index), width=width))

    def at(step: int) -> Panel:
        moved = (replace(line, now=min(float(step), float(line.x[-1]))) for line in lines)
        return Panel("singular values", x, y, (*rules, *moved, *(mark for each in lost for mark in each.at(step))))

    return MovingPanel(union([line.x for line in lines]), at)


def _bars(recordings: Sequence[Recording], lane: int, count: int, truth: Array, y: Axis) -> MovingPanel:
    """The spectrum of now."""
    width = 0.8 / len(recordings)
    names = _seeded(recordings, lane)
    base = y.limits[0] if y.scale == "log" else 0.0
    places = np.arange(1, count + 1, dtype=np.float64)
    true = truth[:count]
    rings = (Points(places[: len(true)], true, "text", 5.0, "ring", "true"),) if true.size else ()

    def bars(index: int) -> Callable[[Array], tuple[Bars, Text]]:
        x = places + (index - (len(recordings) - 1) / 2) * width

        def heights(past: Array) -> tuple[Bars, Text]:
            found = past[-1][lane, :count]
            bars = Bars(x[: len(found)], np.nan_to_num(found, posinf=0.0), caption.color(index), width, base)
            word = "" if limits.finite(found).any() else f"{names[index]} {caption.DIVERGED}".strip()
            # At the right, where bars are low; a line for each recording.
            share = 0.6 - 0.1 * index
            height = float(scales.values(y, share))
            return bars, Text(count + 0.5, height, word, caption.color(index), "right")

        return heights

    moving = [Latest(recording, "singular_values", bars(index)) for index, recording in enumerate(recordings)]
    readouts = tuple(Readout(name, caption.color(index)) for index, name in enumerate(names) if name)
    x = Axis((0.4, count + 0.6), label="index", whole=True)

    def at(step: int) -> Panel:
        drawn = [mark.at(step) for mark in moving]
        marks = [bars for bars, _ in drawn], [word for _, word in drawn]
        return Panel("spectrum", x, y, (*marks[0], *rings, *marks[1]), readouts)

    return MovingPanel(union([mark.steps for mark in moving]), at)
