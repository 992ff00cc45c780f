"""How sharp the loss is along the way, against 2 / lr, and how wide its end is."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from dynviz.charts import caption, limits
from dynviz.charts.moving import MovingPanel, film, step_axis
from dynviz.charts.samples import has, need
from dynviz.charts.series import DASHES, Curve, panel, series
from dynviz.errors import DynvizError
from dynviz.film import Film
from dynviz.recording import Recording
from dynviz.recording import projections as stored
from dynviz.recording.arrays import check_shapes
from dynviz.scene.marks import Axis, Band, Line, Mark, Panel, Readout, ReferenceLine

NAME = "sharpness"
FAR = 5.0
"""How many times as high as the eigenvalues a bound may be on a linear axis."""


def view(recordings: Sequence[Recording]) -> Film:
    """Open the view. On a quadratic, gradient descent is stable below 2 / lr, with momentum m below 2 (1 + m) / lr.

    Args:
        recordings: What is shown; each measured with `dynviz sharpness`.
    """
    need("sharpness", recordings, "parameters")
    measured = [_measured(recording) for recording in recordings]
    panels = [_eigenvalues(recordings, measured), _around(measured, caption.tags(recordings))]
    if all(has(recording, "loss") for recording in recordings):
        panels.append(series(recordings, "loss"))
    return film(recordings, panels)


def bound(recording: Recording) -> tuple[float, str] | None:
    """The curvature above which the recording's gradient descent diverges on a quadratic, and its formula."""
    known = {name: given.value for name, given in recording.metadata.hyperparameters.items()}
    lr, momentum = known.get("lr"), known.get("momentum", 0.0)
    if recording.metadata.optimizer.name.split("+")[0] != "sgd" or not isinstance(lr, float) or lr <= 0:
        return None
    if not isinstance(momentum, float) or not momentum:
        return 2 / lr, "2 / lr"
    # Nesterov's look ahead makes up for part of what momentum gives.
    nesterov = known.get("nesterov") is True
    factor = (1 + momentum) / (1 + 2 * momentum) if nesterov else 1 + momentum
    return 2 * factor / lr, "stable below" if nesterov else "2 (1 + m) / lr"


def _measured(recording: Recording) -> dict[str, np.ndarray]:
    name = stored.newest(recording.folder, NAME, recording.chosen)
    if name is None:
        raise DynvizError(
            f"view sharpness needs measured eigenvalues, which recording {recording.label!r} does not have; "
            f"measure them with dynviz sharpness {recording.source}"
        )
    arrays = stored.read(recording.folder, name)[1]
    try:
        check_shapes(arrays, {"steps": "s", "eigenvalues": "sk", "radii": "r", "around": "wr"})
    except ValueError as error:
        raise DynvizError(f"{stored.file(recording.folder, name)} is not what view sharpness draws: {error}") from error
    return arrays


def _eigenvalues(recordings: Sequence[Recording], measured: Sequence[dict[str, np.ndarray]]) -> MovingPanel:
    curves = []
    for arrays, tag in zip(measured, caption.tags(recordings), strict=True):
        for place, values in enumerate(arrays["eigenvalues"].T):
            dash, label = DASHES[min(place, len(DASHES) - 1)], f"{tag.name} {place + 1}".strip()
            curves.append(Curve(arrays["steps"], values[:, None], tag.color, dash, label))
    bounds = {value: None for value in map(bound, recordings) if value}
    references = tuple(ReferenceLine(value, label=words) for value, words in bounds)
    y = _reaching([curve.values for curve in curves], [reference.at for reference in references])
    drawn = panel("largest eigenvalues of the Hessian", curves, step_axis(recordings), y)

    def at(step: int) -> Panel:
        now = drawn.at(step)
        return replace(now, marks=(*references, *now.marks))

    return MovingPanel(drawn.steps, at)


def _reaching(curves: Sequence[np.ndarray], bounds: Sequence[float]) -> Axis:
    """An axis that shows the bounds too: logarithmic where they are so far above that the rest would be a flat line."""
    seen = limits.axis(curves)
    if max(bounds, default=0.0) <= seen.limits[1]:
        return seen
    everything = [*curves, *(np.full((1, 1), value) for value in bounds)]
    far = max(bounds) > FAR * seen.limits[1]
    positive = any((values > 0).any() for values in curves)
    return limits.axis(everything, "log" if far and positive else "linear")


def _around(measured: Sequence[dict[str, np.ndarray]], tags: Sequence[Readout]) -> MovingPanel:
    marks: list[Mark] = []
    lines: list[Mark] = []
    y = limits.axis([arrays["around"].T for arrays in measured], "auto", "loss")
    for arrays, tag in zip(measured, tags, strict=True):
        low, middle, high = (
            limits.drawable(part, y.scale) for part in np.quantile(arrays["around"], (0.1, 0.5, 0.9), axis=0)
        )
        marks.append(Band(arrays["radii"], low, high, tag.color))
        lines.append(Line(arrays["radii"], middle, tag.color, tag.name, width=1.5))
    x = Axis((0.0, float(max(arrays["radii"][-1] for arrays in measured))), label="distance")
    count = len(measured[0]["around"])
    still = Panel("loss around the end", x, y, (*marks, *lines), (Readout(f"{count} random directions", "muted"),))
    return MovingPanel(np.zeros(1, np.int64), lambda _: still)
