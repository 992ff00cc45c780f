"""The way of each lane over the landscape, and the loss beside it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from numpy.typing import NDArray

from dynviz.errors import DynvizError
from dynviz.film import Film
from dynviz.recording import Recording
from dynviz.scene import caption
from dynviz.scene.ground import Ground, plane, same
from dynviz.scene.ground import ground as landscape
from dynviz.scene.limits import drawable, finite
from dynviz.scene.marks import Line, Mark, Panel, Readout
from dynviz.scene.moving import MovingPanel, film, union
from dynviz.scene.samples import Latest, has, need
from dynviz.scene.series import series

Array: TypeAlias = NDArray[Any]

LANES = 16
"""So many lanes of a recording are drawn."""
WIDEST = "(-0.00, -0.00)"


def view(recordings: Sequence[Recording], *, ground: Ground = "contours", levels: int = 10) -> Film:
    """Open the view. Recordings on the same landscape share a panel.

    Args:
        recordings: What is shown.
        ground: How the landscape is drawn; the contours and the colours of the heat map are spaced by factors.
        levels: How many contours.
    """
    need("path", recordings, "position", "landscape")
    groups: list[list[int]] = []
    for index, recording in enumerate(recordings):
        fitting = (group for group in groups if same(recordings[group[0]], recording))
        group = next(fitting, None)
        if group is None:
            groups.append([index])
        else:
            group.append(index)
    panels = [_panel(recordings, group, landscape(recordings[group[0]], ground, levels)) for group in groups]
    if any(has(recording, "loss") for recording in recordings):
        panels.append(series(recordings, "loss"))
    return film(recordings, panels)


def _panel(recordings: Sequence[Recording], group: Sequence[int], ground: list[Mark]) -> MovingPanel:
    names = caption.names(recordings) if len(recordings) > 1 else ("",)
    lines = [line for index in group for line in _paths(recordings[index], names[index], caption.color(index))]
    # Ghosts of many futures would hide the landscape.
    lines = [replace(line, ghost=len(lines) <= 4) for line in lines]
    values = [
        Latest(recordings[index], "position", _where(recordings[index], names[index], caption.color(index)))
        for index in group
    ]
    x, y, square = plane(recordings[group[0]])
    title = str(recordings[group[0]].facts.get("function", "path"))

    def at(step: int) -> Panel:
        moved = (replace(line, now=float(step)) for line in lines)
        return Panel(title, x, y, (*ground, *moved), tuple(value.at(step) for value in values), square)

    return MovingPanel(union([value.steps for value in values]), at)


def _paths(recording: Recording, name: str, color: str) -> list[Line]:
    position, steps = recording["position"], recording.steps("position")
    if position.shape[2:] != (2,):
        raise DynvizError(
            f"view path draws positions of two coordinates; those of recording {recording.label!r} "
            f"are of shape {position.shape[2:]}. View curves shows them over the steps"
        )
    lanes = min(position.shape[1], LANES)
    width = 1.5 if lanes == 1 else 1.0
    return [
        Line(
            drawable(position[:, lane, 0], "linear"),
            drawable(position[:, lane, 1], "linear"),
            color,
            name if lane == 0 else "",
            along=steps,
            width=width,
        )
        for lane in range(lanes)
    ]


def _where(recording: Recording, name: str, color: str) -> Callable[[Array], Readout]:
    lanes = len(recording.seeds)

    def where(past: Array) -> Readout:
        if lanes > 1:
            shown = f"{LANES} of {lanes} lanes" if lanes > LANES else f"{lanes} lanes"
            return Readout(shown, color, name)
        if not finite(past[-1][0]).all():
            return Readout(caption.DIVERGED, color, name, WIDEST)
        x, y = (caption.significant(float(value), padded=True) for value in past[-1][0])
        return Readout(f"({x}, {y})", color, name, WIDEST)

    return where
