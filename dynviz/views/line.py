"""The loss on a line through the parameters, and how faithful it is to the run."""

from collections.abc import Sequence

import numpy as np

from dynviz.charts import caption, endings, limits
from dynviz.charts.honesty import RANDOM, Fading, Shown, explained, meters, projections, shown
from dynviz.charts.limits import Scale
from dynviz.charts.moving import MovingPanel, film, union
from dynviz.film import Film
from dynviz.recording import Recording
from dynviz.recording.projections import Projection
from dynviz.scene.marks import Axis, Dash, Line, Panel

DASHES: tuple[Dash, ...] = ("solid", "dashed", "dotted")
AXES = {
    "pca": "first principal component",
    "filter": "filter-normalised direction",
    "gaussian": "random direction",
    "between": "towards the other network (at 1)",
}


def view(recordings: Sequence[Recording], *, projection: str = "", scale: Scale = "auto") -> Film:
    """The dot is the true loss; its distance from the curve is what the line does not show.

    The way is drawn over a line that explains some of it; over a random one it would only go up and down.

    Args:
        recordings: What is shown; each projected with `dynviz project --line`.
        projection: Name of the projection; by default the newest line.
        scale: Scale of the loss axis.
    """
    drawn = projections("line", recordings, projection, plane=False)
    rows = shown(recordings, drawn)
    honesty = [] if _blind(drawn) else meters(recordings, drawn, [one for row in rows for one in row])
    loss = caption.words(drawn[0].about.losses[0], recordings[0])
    what, last = loss.split(",")[0], max(one.recorded for one in recordings)
    told = endings.spans(what, [one.values[0] for one in drawn], [row[0].name for row in rows], last)
    return film(recordings, [_profile(recordings, drawn, rows, scale), *honesty], told=told)


def _blind(drawn: Sequence[Projection]) -> bool:
    """Whether no line knows anything of the way."""
    return all(projection.about.directions in RANDOM for projection in drawn)


def _profile(
    recordings: Sequence[Recording], drawn: Sequence[Projection], rows: Sequence[Sequence[Shown]], scale: Scale
) -> MovingPanel:
    """All recordings on one pair of axes, each about its own point."""
    curves, paths = [], [one for row in rows for one in row]
    several = len({row[0].name for row in rows}) > 1
    losses = [caption.words(name, recordings[0]) for name in drawn[0].about.losses]
    for recording, projection, row in zip(recordings, drawn, rows, strict=True):
        for index, name in enumerate(projection.about.losses):
            # With whose it is and which loss, labels would take half of the panel: the dash says which.
            label = ("" if index else row[0].name) if several else caption.words(name, recording)
            dash = DASHES[index % len(DASHES)]
            curves.append(Line(projection.axes[0], projection.values[index], row[0].color, label, dash=dash, width=1.5))
    y = limits.axis([line.y[:, None] for line in curves] + [one.path.loss[0][:, None] for one in paths], scale)
    curves = [
        Line(line.x, limits.drawable(line.y, y.scale), line.color, line.label, dash=line.dash, width=1.5)
        for line in curves
    ]
    reach = [end for projection in drawn for end in (projection.axes[0][0], projection.axes[0][-1])]
    x = Axis((float(min(reach)), float(max(reach))), label=AXES.get(drawn[0].about.directions, "direction"))
    fading = [Fading(one, one.path.place[:, 0], limits.drawable(one.path.loss[0], y.scale)) for one in paths]
    held, blind = explained(drawn, paths), _blind(drawn)

    def at(step: int) -> Panel:
        trajectories = (mark for way in fading for mark in ((way.here(step),) if blind else way.at(step)))
        return Panel("loss along the line", x, y, (*curves, *trajectories), held)

    notes = tuple(f"{dash}: {loss}" for dash, loss in zip(DASHES, losses, strict=False)) if several else ()
    return MovingPanel(union([np.asarray(one.path.steps) for one in paths]), at, notes if len(losses) > 1 else ())
