"""What recordings hold of the statistics that optimizers precondition with: eigenvalues and leading directions."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.charts.samples import has, missing
from dynviz.charts.settings import hyperparameter
from dynviz.errors import DynvizError, unknown
from dynviz.film import Film
from dynviz.frozen import frozen
from dynviz.recording import Recording
from dynviz.scene.marks import Scene

Array: TypeAlias = NDArray[Any]

NAMED = r"state\.(?:(?P<parameter>.+)\.)?{kind}\.(?P<axis>[0-9]+)"
AXES = ("rows", "columns")


@frozen
class StatisticsAxis:
    """One axis of one parameter that an optimizer keeps statistics of.

    Attributes:
        channel: Which records it.
        parameter: As channels write it; empty where a task has one alone.
        number: Of the axis: 0 for rows, 1 for columns.
        shape: Of the parameter.
    """

    channel: str
    parameter: str
    number: int
    shape: tuple[int, ...]

    @property
    def words(self) -> str:
        """Which axis it is: `rows`, `columns` or `axis 3`."""
        return AXES[self.number] if self.number < len(AXES) else f"axis {self.number + 1}"

    def columns(self, size: int) -> int:
        """How many columns one gradient has, unfolded along this axis of so many entries."""
        return max(1, int(np.prod(self.shape)) // size)


def axes(recording: Recording, kind: str, parameter: str | None = None) -> list[StatisticsAxis]:
    """The axes with a channel of this kind, in the order of their numbers; of one parameter or of all.

    Args:
        recording: The recording.
        kind: `eigenvalues` or `directions`.
        parameter: As channels write it.
    """
    pattern = re.compile(NAMED.format(kind=kind))
    there = []
    for channel in recording.channels:
        match = pattern.fullmatch(channel)
        name = (match["parameter"] or "") if match else None
        if match and name is not None and parameter in (None, name) and has(recording, channel):
            there.append(StatisticsAxis(channel, name, int(match["axis"]), shape(recording, name)))
    return there


def shape(recording: Recording, parameter: str) -> tuple[int, ...]:
    """The shape of a parameter, by its name in channels."""
    shapes = {lower(name): shape for name, shape in recording.metadata.parameters.items()}
    return tuple(shapes.get(parameter, ())) or (1,)


def lower(name: str) -> str:
    """A parameter's name as channels write it."""
    return re.sub(r"[^a-z0-9_.-]", "_", name.lower())


def chosen(view: str, recordings: Sequence[Recording], parameter: str, kind: str = "eigenvalues") -> str:
    """The parameter that was asked for, or the largest one with statistics.

    Raises:
        DynvizError: There are no statistics, or none of this parameter.
    """
    sizes = {axis.parameter: int(np.prod(axis.shape)) for one in recordings for axis in axes(one, kind)}
    names = sorted(sizes, key=lambda name: -sizes[name])
    if not names:
        rules = "shampoo, sketchy and full-matrix-adagrad" if kind == "eigenvalues" else "shampoo and sketchy"
        raise DynvizError(f"{missing(view, recordings[0], 'state.*')}; {rules} have such statistics")
    if parameter and lower(parameter) not in names:
        raise unknown("parameter with statistics", parameter, names)
    return lower(parameter) or names[0]


def titled(recording: Recording, parameter: str) -> str:
    """A parameter's name as its scenario writes it."""
    return {lower(name): name for name in recording.metadata.parameters}.get(parameter, parameter)


def beta(recording: Recording, lane: int) -> float:
    """What stays of the statistics at each step; all of it for a rule that has no such hyperparameter."""
    value = hyperparameter(recording, "beta2", lane)
    return 1.0 if value is None else float(value)


def without_vectors(recordings: Sequence[Recording], opened: Film) -> Film:
    """The film without words on how an optimizer treats vectors, of which no statistics are shown."""
    unshown = tuple(one.metadata.fallback for one in recordings if one.metadata.fallback)

    def scene(step: int) -> Scene:
        shown = opened.scene(step)
        return replace(shown, readouts=tuple(one for one in shown.readouts if not one.text.endswith(unshown)))

    return replace(opened, scene=scene)
