"""The terms of a step as a story: arrows that are seen at every step, and a sentence for each stage."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.charts import caption, limits
from dynviz.charts.ground import facts_of, ground, plane
from dynviz.charts.moving import MovingPanel, film, step_axis
from dynviz.charts.numbers import significant
from dynviz.charts.samples import index_at, lined
from dynviz.charts.terms import PREFIX, terms
from dynviz.film import Film
from dynviz.frozen import frozen
from dynviz.recording import Recording
from dynviz.scene.direct_label import DirectLabel
from dynviz.scene.marks import Arrows, Axis, Contours, Line, Mark, Panel, Readout, Scene
from dynviz.scene.ticks import number

Array: TypeAlias = NDArray[Any]
Floats: TypeAlias = NDArray[np.float64]

SHARE = 0.17
"""Length of the longest arrow, as a share of the plane's width, whatever its true length; less near an edge."""
INNER = 0.015
"""How far from the edges of the plane arrows end at least, as a share of its width."""
SEEN = 0.035
"""An arrow is drawn, and has its name, from this share of the plane's width on."""
LOWEST = 3
"""So many of the lowest contours on a logarithmic scale are left out: a narrow valley has them in pieces.

The others are of the colour of the ground: darker lines are dots in files with few colours.
"""
MOST = 0.8
"""From this share of the sum of lengths on, a term is almost all of the step."""
ALONG = 0.3
"""From this cosine on, two terms pull the same way, and against each other from its negative on."""


@frozen
class Stages:
    """What the terms of a lane do over the steps.

    Attributes:
        steps: Steps that the samples led to [samples].
        moves: Each term [samples, 2], by its name.
    """

    steps: NDArray[np.int64]
    moves: Mapping[str, Floats]

    def words(self, sample: int) -> str:
        """A sentence about the terms at a sample, whose arrows are drawn; empty where nothing moves.

        >>> ahead, back = np.array([[3.0, 0.0]]), np.array([[-1.0, 0.1]])
        >>> Stages(np.array([1]), {"momentum": ahead, "gradient": back}).words(0)
        'Gradient pulls against momentum.'
        """
        now = {name: np.nan_to_num(move[sample]) for name, move in self.moves.items()}
        lengths = {name: float(np.hypot(*move)) for name, move in now.items()}
        first, *others = sorted(lengths, key=lambda name: -lengths[name])
        whole = sum(lengths.values())
        if not whole > 0:
            return ""
        if not others or lengths[first] >= MOST * whole:
            return f"Almost all of the step is {first}."
        second = others[0]
        cosine = float(now[first] @ now[second]) / (lengths[first] * lengths[second])
        if cosine <= -ALONG:
            return f"{second.capitalize()} pulls against {first}."
        way = "the same way" if cosine >= ALONG else "at an angle"
        return f"{first.capitalize()} and {second} pull {way}."


def staged(recordings: Sequence[Recording], lane: int) -> Film:
    """A map for each recording of two parameters with its terms as arrows, and the lengths of the terms.

    All arrows of a step are magnified alike, so that the longest has the same length at all steps.
    """
    known = [_stages(recording, lane) for recording in recordings]
    panels = [
        _map(recording, lane, stages, tag)
        for recording, stages, tag in zip(recordings, known, caption.tags(recordings), strict=True)
    ]
    panels += [_lengths(recordings, stages) for stages in known[:1] if len(known) == 1]
    told = film(recordings, panels, caption.chosen(recordings, lane))
    if len(known) > 1:
        return told
    sentences = [known[0].words(sample) for sample in range(len(known[0].steps))]
    longest = max(sentences, key=len)

    def scene(step: int) -> Scene:
        whole = told.scene(step)
        now = sentences[index_at(known[0].steps, step + 1)]
        # Side by side in halves: the names and values beside the curves need as much room as the map.
        return replace(whole, readouts=(Readout(now, "text", widest=longest), *whole.readouts), lead=len(whole.panels))

    return replace(told, scene=scene)


def _stages(recording: Recording, lane: int) -> Stages:
    names = terms(recording)
    count = min(len(recording[PREFIX + name]) for name in names)
    moves = {name: recording[PREFIX + name][:count, lane].astype(np.float64) for name in names}
    at_work = {name: move for name, move in moves.items() if np.any(move != 0)}
    return Stages(recording.steps(PREFIX + names[0])[:count], at_work or moves)


def _map(recording: Recording, lane: int, stages: Stages, tag: caption.Tag) -> MovingPanel:
    x, y, square = plane(recording)
    width = abs(x.limits[1] - x.limits[0])
    steps, position = lined(recording, "position", lane)
    drawn = limits.drawable(position, "linear")
    way = Line(drawn[:, 0], drawn[:, 1], tag.color, along=steps, ghost=False)
    lowest = LOWEST if facts_of(recording).norm == "log" else 0
    marks = [
        replace(mark, levels=mark.levels[lowest:], color="ground") if isinstance(mark, Contours) else mark
        for mark in ground(recording)
    ]
    foot = position[[index_at(steps, int(step) - 1) for step in stages.steps]].astype(np.float64)
    moves = {name: np.nan_to_num(move) for name, move in stages.moves.items()}
    share = _share(foot, moves, (x, y))

    def at(step: int) -> Panel:
        after = index_at(stages.steps, step + 1)
        lengths = {name: float(np.hypot(*move[after])) for name, move in moves.items()}
        longest = max(lengths.values())
        times = share * width / longest if longest > 0 else 0.0
        short = [name for name in moves if not times * lengths[name] >= SEEN * width]
        arrows: list[Mark] = []
        names: list[Mark] = []
        # The shorter ones in front: terms often point the same way.
        for name in sorted(lengths, key=lambda name: -lengths[name]):
            color = f"term.{name}"
            move = times * moves[name][after] if name not in short else np.full(2, np.nan)
            (at_x, at_y), (dx, dy), tip = foot[after][:, None], move[:, None], foot[after] + move
            arrows.append(Arrows(at_x, at_y, dx, dy, color, width=1.6))
            names.append(DirectLabel(float(tip[0]), float(tip[1]), name, color, leftward=bool(move[0] < 0)))
        own = (tag,) if tag.name else ()
        magnified = Readout(
            f"arrows magnified {_round(times)} x" if times else "", "muted", widest="arrows magnified 000 000 x"
        )
        hidden = Readout(
            f"too short to see: {', '.join(short)}" if short and times else "",
            "muted",
            widest=f"too short to see: {', '.join(sorted(moves, key=len)[1:])}",
        )
        shown = (*marks, way.at(step), *arrows, *names)
        return Panel("terms of the next step", x, y, shown, (*own, magnified, hidden), square)

    return MovingPanel(np.unique(np.concatenate([steps, np.maximum(stages.steps - 1, 0)])), at)


def _share(foot: Floats, moves: Mapping[str, Floats], axes: tuple[Axis, Axis]) -> float:
    """The share of the plane's width that the longest arrow of each sample has, so that all end inside the plane.

    Args:
        foot: Where the arrows of each sample begin [samples, 2].
        moves: The arrows [samples, 2], by name.
        axes: Of the plane.
    """
    (left, right), (bottom, top) = (sorted(axis.limits) for axis in axes)
    width = right - left
    low, high = np.array([left, bottom]) + INNER * width, np.array([right, top]) - INNER * width
    longest = np.max([np.hypot(*move.T) for move in moves.values()], axis=0)
    share = SHARE
    for move in moves.values():
        with np.errstate(invalid="ignore", divide="ignore"):
            unit = move / longest[:, None] * width
            room = np.where(unit > 0, (high - foot) / unit, np.where(unit < 0, (low - foot) / unit, np.inf)).min(axis=1)
        # A path that leaves the plane, or comes to its very edge, has no arrows to be kept inside.
        room = room[np.isfinite(room) & (room > SHARE / 4)]
        share = min(share, float(room.min(initial=share)))
    return share


def _round(times: float) -> str:
    """A magnification with two digits: in full, as long as it is not too long."""
    return number(Decimal(f"{times:.2g}")) if 1 <= times < 1e6 else significant(times, 2)


def _lengths(recordings: Sequence[Recording], stages: Stages) -> MovingPanel:
    """The length of each term of the step that begins at a step, as in the map."""
    after = stages.steps > 0
    begins = stages.steps[after] - 1
    lengths = {name: np.hypot(*move[after].T) for name, move in stages.moves.items()}
    y = limits.axis([np.where(part > 0, part, np.nan)[:, None] for part in lengths.values()], "log")
    lines = {
        name: Line(begins, limits.drawable(part, "log"), f"term.{name}", width=1.5, ghost=False)
        for name, part in lengths.items()
    }
    x = step_axis(recordings)

    def at(step: int) -> Panel:
        place = index_at(begins, step)
        now = {name: _power(float(part[place])) for name, part in lengths.items()}
        heights = {name: float(lines[name].y[place]) for name in now}
        names = [
            DirectLabel(float(step), heights[name], name, f"term.{name}", value, "0.0e-00")
            for name, value in now.items()
        ]
        words = tuple(Readout(value, f"term.{name}", name, "0.0e-00", labelled=True) for name, value in now.items())
        return Panel("length of each term", x, y, (*(line.at(step) for line in lines.values()), *names), words)

    return MovingPanel(begins, at)


def _power(value: float) -> str:
    """A length with two digits and a power of ten, whatever its size.

    >>> _power(0.0243), _power(3.11e-6), _power(0.0)
    ('2.4e-2', '3.1e-6', '0')
    """
    mantissa, _, exponent = f"{value:.1e}".partition("e")
    return f"{mantissa}e{int(exponent)}" if value else "0"
