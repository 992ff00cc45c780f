"""Sharpness along the trajectory, against 2 / lr, and the loss around its end."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from dynviz.charts import caption, limits
from dynviz.charts.caption import DASHES
from dynviz.charts.curves import Curve, panel
from dynviz.charts.forks import own_from
from dynviz.charts.moving import MovingPanel, film, step_axis
from dynviz.charts.samples import has, need
from dynviz.charts.series import series
from dynviz.charts.settings import hyperparameter
from dynviz.errors import DynvizError
from dynviz.film import Film
from dynviz.frozen import frozen
from dynviz.recording import Recording
from dynviz.recording import projections as stored
from dynviz.recording.arrays import check_shapes
from dynviz.scene.marks import Axis, Band, Line, Mark, Panel, Readout, ReferenceLine
from dynviz.text import quoted

NAME = "sharpness"
FAR = 5.0
"""How many times as high as the eigenvalues a bound may be on a linear axis."""


def view(recordings: Sequence[Recording]) -> Film:
    """On a quadratic, gradient descent is stable for sharpness below 2 / lr; with momentum m, below 2 (1 + m) / lr.

    The bound is that of the lane that was measured; under a learning-rate schedule it varies over the steps. That of a
    fork is drawn from where it was forked.

    Args:
        recordings: What is shown; each measured with `dynviz sharpness`.
    """
    need("sharpness", recordings, "parameters")
    measured = [_measured(recording) for recording in recordings]
    panels = [_eigenvalues(recordings, measured), _around(measured, caption.tags(recordings))]
    if all(has(recording, "loss") for recording in recordings):
        panels.append(series(recordings, "loss"))
    lanes = dict.fromkeys(one.lane for one in measured)
    return film(recordings, panels, [note for lane in lanes for note in caption.chosen(recordings, lane)])


def bound(recording: Recording, lane: int = 0, step: int = 0) -> tuple[float, str] | None:
    """The curvature above which a lane's gradient descent diverges on a quadratic, and its formula.

    With momentum m and dampening d the step is x' = (1 + m - a) x - m x_before, a = lr (1 - d) h for curvature h: both
    roots of its characteristic polynomial lie in the unit circle for a < 2 (1 + m). Nesterov's x' = (1 + m)(1 - a) x -
    m (1 - a) x_before is stable for a < 2 (1 + m) / (1 + 2 m). Coupled weight decay adds to the curvature.
    """
    names = ("lr", "momentum", "dampening", "weight_decay")
    values = [hyperparameter(recording, name, lane, step) for name in names]
    if recording.metadata.optimizer.name != "sgd" or not all(isinstance(one, float) for one in values):
        return None
    lr, momentum, dampening, decay = values
    if lr < 0 or not 0 <= momentum < 1 or dampening >= 1:
        return None
    nesterov = momentum and hyperparameter(recording, "nesterov", lane, step) is True
    most = 2 * (1 + momentum) / (1 + 2 * momentum if nesterov else 1)
    curvature = most / (lr * (1 - dampening)) if lr else np.inf
    top = "2 (1 + m)" if momentum else "2"
    bottom = "lr (1 - d)" if dampening else "lr"
    bottom = f"({bottom} (1 + 2 m))" if nesterov else f"({bottom})" if dampening else bottom
    return curvature - decay, f"{top} / {bottom}{' - weight decay' if decay else ''}"


@frozen
class Measured:
    """What `dynviz sharpness` measured of one lane, see `dynviz.projection.curvature`.

    Attributes:
        lane: Which, among those of the recording that are chosen.
        loss: Whose Hessian it is.
        arrays: The numbers, by name.
    """

    lane: int
    loss: str
    arrays: Mapping[str, np.ndarray]

    @property
    def steps(self) -> np.ndarray:
        """Where the eigenvalues were measured."""
        return self.arrays["steps"]


def _measured(recording: Recording) -> Measured:
    name = stored.newest(recording.folder, NAME, recording.chosen)
    if name is None:
        raise DynvizError(
            f"view sharpness needs measured eigenvalues, which recording {quoted(recording.label)} does not have; "
            f"measure them with dynviz sharpness {recording.source}"
        )
    about, arrays = stored.read(recording.folder, name)
    try:
        check_shapes(arrays, {"steps": "s", "eigenvalues": "sk", "radii": "r", "around": "wr"})
    except ValueError as error:
        raise DynvizError(f"{stored.file(recording.folder, name)} is not what view sharpness draws: {error}") from error
    lane = int(about["lane"])
    place = lane if recording.chosen is None else recording.chosen.index(lane)
    return Measured(place, str(about.get("loss", "loss")), arrays)


def _eigenvalues(recordings: Sequence[Recording], measured: Sequence[Measured]) -> MovingPanel:
    curves = []
    bounds: list[ReferenceLine | Line] = []
    for index, (recording, one, tag) in enumerate(zip(recordings, measured, caption.tags(recordings), strict=True)):
        begins = own_from(recordings, one.lane)[index]
        for place, values in enumerate(one.arrays["eigenvalues"].T):
            dash, label = DASHES[min(place, len(DASHES) - 1)], f"{tag.name} {place + 1}".strip()
            curves.append(Curve(one.steps, values[:, None], tag.color, dash, label, begins=begins))
        # Recordings of the same learning rate share a level.
        bounds += [mark for mark in _bounds(recording, one, tag) if isinstance(mark, Line) or mark not in bounds]
    highest = [float(np.nanmax(mark.y)) if isinstance(mark, Line) else mark.at for mark in bounds]
    y = _reaching([curve.values for curve in curves], highest)
    losses = dict.fromkeys(
        caption.words(one.loss, recording) for recording, one in zip(recordings, measured, strict=True)
    )
    drawn = panel(f"largest eigenvalues of the Hessian of the {' and '.join(losses)}", curves, step_axis(recordings), y)

    def at(step: int) -> Panel:
        now = drawn.at(step)
        return replace(now, marks=(*bounds, *now.marks))

    return MovingPanel(drawn.steps, at)


def _bounds(recording: Recording, measured: Measured, tag: Readout) -> list[ReferenceLine | Line]:
    """The bound of the lane that was measured: a level, or a line where the learning rate moves, and of a fork."""
    origin = recording.metadata.origin
    # What a fork changed did not hold before.
    first = 0 if origin is None else origin.step
    steps = np.unique(
        [first, *measured.steps[measured.steps > first], *([] if origin is None else [recording.recorded])]
    )
    bounds = [bound(recording, measured.lane, int(step)) for step in steps]
    known = [value for value in bounds if value is not None]
    if len(known) < len(bounds) or not any(np.isfinite(value) for value, _ in known):
        return []
    if origin is None and len({value for value, _ in known}) == 1:
        return [ReferenceLine(known[0][0], label=f"stable below {known[0][1]}")]
    values = limits.drawable(np.array([value for value, _ in known]), "linear")
    return [Line(steps, values, tag.color, f"stable below {known[0][1]}", dash="dashed", dot=False)]


def _reaching(curves: Sequence[np.ndarray], bounds: Sequence[float]) -> Axis:
    """An axis that shows the bounds too: logarithmic where they are so far above that the rest would be a flat line."""
    seen = limits.axis(curves)
    if max(bounds, default=0.0) <= seen.limits[1]:
        return seen
    everything = [*curves, *(np.full((1, 1), value) for value in bounds)]
    far = max(bounds) > FAR * seen.limits[1]
    positive = any((values > 0).any() for values in curves)
    return limits.axis(everything, "log" if far and positive else "linear")


def _around(measured: Sequence[Measured], tags: Sequence[Readout]) -> MovingPanel:
    marks: list[Mark] = []
    lines: list[Mark] = []
    y = limits.axis([one.arrays["around"].T for one in measured], "auto", "loss")
    for one, tag in zip(measured, tags, strict=True):
        arrays = one.arrays
        low, middle, high = (
            limits.drawable(part, y.scale) for part in np.quantile(arrays["around"], (0.1, 0.5, 0.9), axis=0)
        )
        marks.append(Band(arrays["radii"], low, high, tag.color))
        lines.append(Line(arrays["radii"], middle, tag.color, tag.name, width=1.5))
    x = Axis((0.0, float(max(one.arrays["radii"][-1] for one in measured))), label="distance")
    count = len(measured[0].arrays["around"])
    still = Panel(
        "loss around the final parameters",
        x,
        y,
        (*marks, *lines),
        (Readout(f"{count} random directions, band: 10 to 90 %", "muted"),),
    )
    return MovingPanel(np.zeros(1, np.int64), lambda _: still)
