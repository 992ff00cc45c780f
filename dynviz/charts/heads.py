"""Arrows for the terms of the next step, at the current point of a path on a plane."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.charts.limits import finite
from dynviz.charts.samples import index_at, thinned
from dynviz.charts.terms import PREFIX, need_terms, terms
from dynviz.recording import Recording
from dynviz.scene.marks import Arrows

Array: TypeAlias = NDArray[Any]

SHARE = 0.25
"""Largest length of an arrow that is not drawn to scale, as a share of the plane's width."""


class Heads:
    """The arrows of one lane of each recording, all magnified by the same factor.

    Attributes:
        times: The magnification, a round number from 1.
    """

    def __init__(self, view: str, recordings: Sequence[Recording], width: float, lane: int = 0) -> None:
        """Read all the terms.

        Args:
            view: The name of the view, for error messages.
            recordings: Recordings with terms and with positions on a plane.
            width: The width of the plane.
            lane: The lane.
        """
        for recording in recordings:
            need_terms(view, recording, "position")
        self._recordings = recordings
        self._lane = lane
        moves = [recording[PREFIX + name][:, lane] for recording in recordings for name in terms(recording)]
        self.times = lengthening(moves, width)

    def at(self, step: int) -> list[Arrows]:
        """The terms of the next step as arrows that begin at the current point of each lane."""
        return [arrow for recording in self._recordings for arrow in self._of(recording, step)]

    def _of(self, recording: Recording, step: int) -> list[Arrows]:
        arrows = []
        for name in terms(recording):
            steps = recording.steps(PREFIX + name)
            # A term belongs to the step that led to its sample, and begins where the parameters were before that step.
            after = index_at(steps, step + 1)
            before = index_at(recording.steps("position"), int(steps[after]) - 1)
            where = recording["position"][before, self._lane].astype(np.float64)
            way = self.times * recording[PREFIX + name][after, self._lane].astype(np.float64)
            (x, y), (dx, dy) = where[:, None], way[:, None]
            # The shorter ones in front: terms often point the same way.
            arrows.append((-float(np.hypot(*way)), Arrows(x, y, dx, dy, f"term.{name}")))
        return [arrow for _, arrow in sorted(arrows, key=lambda sized: np.nan_to_num(sized[0], nan=0.0))]


def lengthening(moves: Sequence[Array], width: float) -> float:
    """The round number, 1 at least, of times that arrows are lengthened on a plane of this width.

    Args:
        moves: Of each term [samples, 2].
        width: The width of the plane.
    """
    longest = max(map(_longest, moves))
    return max(1.0, _rounded_down(SHARE * width / longest)) if longest > 0 else 1.0


def _longest(moves: Array) -> float:
    seen = thinned(moves).astype(np.float64)
    seen = seen[finite(seen).all(axis=-1)]
    return float(np.hypot(*seen.T).max()) if len(seen) else 0.0


def _rounded_down(value: float) -> float:
    """The value rounded down to one of 1, 2, 5, 10, ..."""
    power = 10.0 ** np.floor(np.log10(value))
    return float(power * max(factor for factor in (1, 2, 5) if factor * power <= value * (1 + 1e-9)))
