"""Names of lines: at their ends where there is room, else in a legend."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from dynviz.scene.identity import shape
from dynviz.scene.marks import Arrows, Bars, Dash, Line, Marker, Panel, Points, Readout
from dynviz.scene.scales import fractions

Swatch = Literal["line", "marker", "area", "arrow"]

ROOM = 0.26
"""The share of a panel's width that labels at the ends of lines may take."""
ROOM_AGAIN = 0.17
"""The same where a readout already says which colour is which."""

NEAR = 0.12
"""Labels of one name that end within this share of the panel's height become one."""


@dataclass(frozen=True)
class Sample:
    """What stands before a word of a legend.

    Attributes:
        kind: What it shows.
        color: Its role.
        dash: Of a line.
        marker: Of points.
    """

    kind: Swatch
    color: str
    dash: Dash = "solid"
    marker: Marker = "dot"


@dataclass(frozen=True)
class Label:
    """A name at the right end of lines, at this share of the panel's height."""

    text: str
    color: str
    height: float


@dataclass(frozen=True)
class Names:
    """Where the names of a panel's marks go.

    Attributes:
        ends: At the ends of lines.
        width: Of the widest of them.
        legend: The others.
    """

    ends: tuple[Label, ...]
    width: float
    legend: tuple[tuple[str, Sample], ...]


def names(panel: Panel, others: Sequence[Readout], width: int, measure: Callable[[str], float]) -> Names:
    """The same at every step of a film: they depend on where lines end, not on where they are now.

    Args:
        panel: What is labelled.
        others: Readouts of the scene, which also say which colour is which.
        width: Of the panel.
        measure: How wide words are, in the same unit.
    """
    ends = _ends(panel)
    widest = max((measure(label.text) for label in ends), default=0.0)
    known_words = [(shape(text), one.color) for one in (*panel.readouts, *others) for text in (one.name, one.text)]

    def known(text: str, color: str) -> bool:
        return any(words.startswith(shape(text)) and role == color for words, role in known_words)

    ends = _merged(ends)
    share = ROOM_AGAIN if all(known(label.text, label.color) for label in ends) else ROOM
    if widest > share * width:
        ends, widest = (), 0.0
    written = {label.text for label in ends}
    samples = [
        (text, sample) for text, sample in _samples(panel) if text not in written and not known(text, sample.color)
    ]
    return Names(ends, widest, tuple(_one_each(samples)))


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


def _one_each(samples: Sequence[tuple[str, Sample]]) -> list[tuple[str, Sample]]:
    """One sample for lines of one name and dash, in no colour of its own where they have several."""
    colors: dict[tuple[str, Sample], set[str]] = {}
    for text, sample in samples:
        alike = replace(sample, color="muted") if sample.kind == "line" else sample
        colors.setdefault((text, alike), set()).add(sample.color)
    return [
        (text, replace(sample, color=roles.pop()) if len(roles) == 1 else sample)
        for (text, sample), roles in colors.items()
    ]


def _samples(panel: Panel) -> list[tuple[str, Sample]]:
    samples: list[tuple[str, Sample]] = []
    for mark in panel.marks:
        if isinstance(mark, Line) and mark.label:
            samples.append((mark.label, Sample("line", mark.color, dash=mark.dash)))
        elif isinstance(mark, Points) and mark.label:
            samples.append((mark.label, Sample("marker", mark.color, marker=mark.marker)))
        elif isinstance(mark, Bars) and mark.label:
            samples.append((mark.label, Sample("area", mark.color)))
        elif isinstance(mark, Arrows) and mark.label:
            samples.append((mark.label, Sample("arrow", mark.color)))
    return samples


def spread(wanted: Sequence[float], apart: float, low: float, high: float) -> list[float]:
    """Places near those wanted, at least so far apart, within limits where they all fit.

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
