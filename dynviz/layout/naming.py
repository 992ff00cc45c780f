"""Names of marks: at the ends of lines where there is room, otherwise in a legend."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal, TypeAlias

import numpy as np

from dynviz.frozen import frozen
from dynviz.scene.direct_label import DirectLabel
from dynviz.scene.identity import shape
from dynviz.scene.marks import Dash, Field, Labelled, Line, Marker, Panel, Points, Readout, SwatchKind
from dynviz.scene.scales import fractions

Direct: TypeAlias = Literal["full", "name", "none"]
"""How much of direct labels is written: names and values, names alone, nothing."""
ROOM = 0.26
"""The share of a panel's width that labels at the ends of lines may take."""
ROOM_WITH_VALUES = 0.36
"""The same for direct labels with their values, which then stand nowhere else."""
ROOM_AGAIN = 0.17
"""The same, where readouts already name the colours."""

NEAR = 0.12
"""Labels with the same name within this share of the panel's height are merged."""


@frozen
class Swatch:
    """The small picture before an entry of a legend.

    Attributes:
        kind: What it shows.
        color: Its role; of a bar of colours, their ramp.
        dash: Of a line.
        marker: Of points.
    """

    kind: SwatchKind
    color: str
    dash: Dash = "solid"
    marker: Marker = "dot"


@frozen
class Label:
    """A name at the right end of lines, at this share of the panel's height."""

    text: str
    color: str
    height: float


@frozen
class Names:
    """Where the names of a panel's marks go.

    Attributes:
        ends: At the ends of lines.
        width: Of the widest of them, and of direct labels.
        legend: The others.
        direct: How much of direct labels there is room for.
    """

    ends: tuple[Label, ...]
    width: float
    legend: tuple[tuple[str, Swatch], ...]
    direct: Direct = "none"


def names(panel: Panel, others: Sequence[Readout], width: int, measure: Callable[[str], float]) -> Names:
    """Where the names of a panel's marks go; the same at every step of a film.

    Args:
        panel: What is labelled.
        others: Readouts of the scene, which also say which colour is which.
        width: Of the panel.
        measure: How wide words are, in the same unit.
    """
    direct, beside = _direct(panel, width, measure)
    labelled = {(mark.name, mark.color) for mark in panel.marks if isinstance(mark, DirectLabel) and direct != "none"}
    ends = tuple(label for label in _ends(panel) if (label.text, label.color) not in labelled)
    widest = max((measure(label.text) for label in ends), default=0.0)
    known_words = [(shape(text), one.color) for one in (*panel.readouts, *others) for text in (one.name, one.text)]

    def known(text: str, color: str) -> bool:
        return any(words.startswith(shape(text)) and role == color for words, role in known_words)

    ends = _merged(ends)
    share = ROOM_AGAIN if all(known(label.text, label.color) for label in ends) else ROOM
    if widest > share * width:
        ends, widest = (), 0.0
    written = {label.text for label in ends}
    swatches = [
        (text, swatch)
        for text, swatch in _swatches(panel)
        if text not in written and (text, swatch.color) not in labelled and not known(text, swatch.color)
    ]
    return Names(ends, max(widest, beside), tuple(_one_each(swatches)), direct)


def _direct(panel: Panel, width: int, measure: Callable[[str], float]) -> tuple[Direct, float]:
    """How much of a panel's direct labels there is room for right of its plot, and how wide that is."""
    labels = [mark for mark in panel.marks if isinstance(mark, DirectLabel)]
    if not labels:
        return "none", 0.0
    if panel.square:
        return "full", 0.0
    full, name = (
        max(measure(label.words((label.widest or label.value) if valued else "")) for label in labels)
        for valued in (True, False)
    )
    if full <= ROOM_WITH_VALUES * width:
        return "full", full
    return ("name", name) if all(label.name for label in labels) and name <= ROOM * width else ("none", 0.0)


def _ends(panel: Panel) -> tuple[Label, ...]:
    """The names of lines that end at the right; lines of one name and colour share it."""
    if panel.square:
        return ()
    heights: dict[tuple[str, str], list[float]] = {}
    for mark in panel.marks:
        if not isinstance(mark, Line) or not mark.label:
            continue
        finite = np.flatnonzero(np.isfinite(mark.x) & np.isfinite(mark.y))
        if not len(finite) or fractions(panel.x, mark.x[finite[-1]]) < 0.9:
            continue
        height = float(fractions(panel.y, mark.y[finite[-1]]))
        if np.isfinite(height):
            heights.setdefault((mark.label, mark.color), []).append(min(max(height, 0.0), 1.0))
    return tuple(Label(text, color, float(np.mean(places))) for (text, color), places in heights.items())


def _merged(ends: Sequence[Label]) -> tuple[Label, ...]:
    """One label for names that are the same and stand at the same place: the colours of the lines say the rest."""
    labels: dict[str, list[Label]] = {}
    for label in ends:
        labels.setdefault(label.text, []).append(label)
    merged: list[Label] = []
    for text, same in labels.items():
        heights = [label.height for label in same]
        near = len(same) > 1 and max(heights) - min(heights) < NEAR
        merged += [Label(text, "muted", float(np.mean(heights)))] if near else same
    return tuple(merged)


def _one_each(swatches: Sequence[tuple[str, Swatch]]) -> list[tuple[str, Swatch]]:
    """One swatch for lines of one name and dash, in no colour of its own where they have several."""
    colors: dict[tuple[str, Swatch], set[str]] = {}
    for text, swatch in swatches:
        alike = replace(swatch, color="muted") if swatch.kind == "line" else swatch
        colors.setdefault((text, alike), set()).add(swatch.color)
    return [
        (text, replace(swatch, color=roles.pop()) if len(roles) == 1 else swatch)
        for (text, swatch), roles in colors.items()
    ]


def _swatches(panel: Panel) -> list[tuple[str, Swatch]]:
    return [(mark.label, _swatch(mark)) for mark in panel.marks if isinstance(mark, Labelled) and mark.label]


def _swatch(mark: Labelled) -> Swatch:
    color = mark.ramp if isinstance(mark, Field) else mark.color
    swatch = Swatch(mark.swatch, color, mark.dash if isinstance(mark, Line) else "solid")
    return replace(swatch, marker=mark.marker) if isinstance(mark, Points) else swatch


def spread(wanted: Sequence[float], apart: float, low: float, high: float) -> list[float]:
    """Positions near the wanted ones, at least `apart` from each other, within the limits if they all fit.

    >>> spread([5.0, 6.0, 40.0], 10.0, 0.0, 100.0)
    [0.5, 10.5, 40.0]
    """
    order = np.argsort(np.asarray(wanted), kind="stable")
    # Neighbours that are too near become a group around their mean, which may touch the next one.
    groups: list[tuple[float, list[int]]] = []
    for index in order:
        middle, members = min(max(wanted[index], low), high), [int(index)]
        while groups and middle - groups[-1][0] < apart * (len(members) + len(groups[-1][1])) / 2:
            before, earlier = groups.pop()
            total = len(earlier) + len(members)
            middle = (before * len(earlier) + middle * len(members)) / total
            members = earlier + members
            half = apart * (total - 1) / 2
            middle = min(max(middle, low + half), max(high - half, low + half))
        groups.append((middle, members))
    places = [0.0] * len(wanted)
    for middle, members in groups:
        for rank, index in enumerate(members):
            places[index] = middle + (rank - (len(members) - 1) / 2) * apart
    return places
