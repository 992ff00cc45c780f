"""Lanes of many recordings, arranged in a grid by the hyperparameters in which they differ."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.charts import caption
from dynviz.errors import DynvizError, unknown
from dynviz.recording import Recording

Member: TypeAlias = tuple[int, int]
"""The index of a recording, and of a lane in it."""


@dataclass(frozen=True)
class Dimension:
    """A hyperparameter in which lanes differ.

    Attributes:
        name: The option or hyperparameter.
        values: Those there are, ascending.
    """

    name: str
    values: tuple[float, ...]

    @property
    def logarithmic(self) -> bool:
        """Whether the values are spaced by equal factors rather than by equal differences."""
        values = np.array(self.values)
        if values[0] <= 0 or len(values) < 2:
            return False
        if len(values) == 2:
            return bool(values[1] >= 4 * values[0])
        return _unevenness(np.log(values)) < _unevenness(values)

    @property
    def places(self) -> NDArray[np.float64]:
        """Where the values stand: themselves, or their logarithms."""
        values = np.array(self.values, dtype=np.float64)
        return np.log(values) if self.logarithmic else values

    @property
    def edges(self) -> NDArray[np.float64]:
        """The borders [values + 1] of the cells around them, as `places` are."""
        places = self.places
        if len(places) == 1:
            return np.array([places[0] - 0.5, places[0] + 0.5])
        middles = (places[1:] + places[:-1]) / 2
        return np.array([2 * places[0] - middles[0], *middles, 2 * places[-1] - middles[-1]])

    @property
    def even(self) -> bool:
        """Whether all cells have the same width."""
        return len(self.values) < 3 or _unevenness(self.places) < 1.01

    def pixels(self, fine: int) -> NDArray[np.int64]:
        """Which value each pixel of a heat map shows; so many pixels where the cells are not equally wide."""
        if self.even:
            return np.arange(len(self.values))
        edges = self.edges
        middles = edges[0] + (np.arange(fine) + 0.5) * (edges[-1] - edges[0]) / fine
        return np.asarray(np.searchsorted(edges[1:-1], middles), dtype=np.int64)

    def nearest(self, value: float) -> int:
        """The index of the value in whose cell another one lies, or which is nearest to it."""
        if self.logarithmic:
            value = float(np.log(max(value, 1e-300)))
        return int(np.abs(self.places - value).argmin())


@dataclass(frozen=True)
class Lattice:
    """The lanes of one optimizer over the numbers in which they differ.

    Attributes:
        name: The optimizer, with what tells it from the other lattices.
        dimensions: Of the grid: none, one or two.
        cells: The lanes that are alike but for their seeds, by the indices of their values.
    """

    name: str
    dimensions: tuple[Dimension, ...]
    cells: Mapping[tuple[int, ...], tuple[Member, ...]]


def lattices(recordings: Sequence[Recording], asked: Sequence[str] = ()) -> tuple[Lattice, ...]:
    """The lanes of all recordings: for each optimizer, and each combination of what is no dimension, a lattice.

    Args:
        recordings: What is shown.
        asked: Names of the dimensions; by default the first two numbers that vary, hyperparameters first.

    Raises:
        DynvizError: What was asked for does not vary.
    """
    lanes: dict[str, dict[Member, dict[str, Any]]] = {}
    for place, recording in enumerate(recordings):
        for lane, settings in enumerate(_settings(recording)):
            lanes.setdefault(recording.metadata.optimizer.name, {})[place, lane] = settings
    varying = {name: _varying(members) for name, members in lanes.items()}
    known = dict.fromkeys(own for names in varying.values() for own in names)
    for name in asked:
        if name not in known:
            raise unknown("number in which these lanes differ", name, known)
    lattices: list[Lattice] = []
    for name, members in lanes.items():
        label = next(recordings[place].label for place, _ in members)
        lattices += _of_optimizer(label, members, varying[name], asked)
    return tuple(lattices)


def sources(recordings: Sequence[Recording], members: Sequence[Member]) -> tuple[str, ...]:
    """Arguments of `open_all` that select these lanes."""
    lanes: dict[int, list[int]] = {}
    for place, lane in members:
        chosen = recordings[place].chosen
        lanes.setdefault(place, []).append(lane if chosen is None else chosen[lane])
    return tuple(f"{recordings[place].folder}@{','.join(map(str, indices))}" for place, indices in lanes.items())


def words(recordings: Sequence[Recording], lattice: Lattice) -> str:
    """A lattice in words: its optimizer, the ranges of its dimensions, and the other options given."""
    dimensions = {dimension.name: caption.several(dimension.values) for dimension in lattice.dimensions}
    place, lane = next(iter(lattice.cells.values()))[0]
    metadata = recordings[place].metadata
    own = {*dimensions, *metadata.lanes[lane].hyperparameters}
    given = {name: rule.value for name, rule in metadata.hyperparameters.items() if rule.source == "given"}
    options = [caption.option(name, values) for name, values in dimensions.items()]
    options += [caption.option(name, value) for name, value in given.items() if name not in own]
    return " ".join([lattice.name, *(option for option in options if option not in lattice.name)])


def _of_optimizer(
    label: str, members: Mapping[Member, Mapping[str, Any]], varying: Sequence[str], asked: Sequence[str]
) -> list[Lattice]:
    numeric = [name for name in varying if all(_is_number(settings.get(name)) for settings in members.values())]
    axes = [name for name in asked if name in numeric] if asked else numeric[:2]
    others = [name for name in varying if name not in axes]
    parts: dict[tuple[Hashable, ...], dict[Member, Mapping[str, Any]]] = {}
    for member, settings in members.items():
        parts.setdefault(tuple(_key(settings.get(name)) for name in others), {})[member] = settings
    return [_lattice(label, part, axes, others) for part in parts.values()]


def _lattice(
    label: str, members: Mapping[Member, Mapping[str, Any]], axes: Sequence[str], others: Sequence[str]
) -> Lattice:
    first = next(iter(members.values()))
    apart = [caption.option(name, first[name]) for name in others if name in first]
    dimensions = tuple(
        Dimension(name, tuple(sorted({float(settings[name]) for settings in members.values()}))) for name in axes
    )
    cells: dict[tuple[int, ...], list[Member]] = {}
    for member, settings in members.items():
        index = tuple(dimension.values.index(float(settings[dimension.name])) for dimension in dimensions)
        cells.setdefault(index, []).append(member)
    return Lattice(" ".join([label, *apart]), dimensions, {index: tuple(lanes) for index, lanes in cells.items()})


def _settings(recording: Recording) -> list[dict[str, Any]]:
    """For each lane, its hyperparameters and then the options of the scenario."""
    metadata = recording.metadata
    rules = {name: hyperparameter.value for name, hyperparameter in metadata.hyperparameters.items()}
    task = {f"scenario.{name}" if name in rules else name: value for name, value in metadata.scenario.options.items()}
    return [{**rules, **lane.hyperparameters, **task} for lane in metadata.lanes]


def _varying(members: Mapping[Member, Mapping[str, Any]]) -> list[str]:
    """The names of what differs; of several that vary together (`M=[8,64],N=M`), the first."""
    names = dict.fromkeys(name for values in members.values() for name in values)
    first_names: dict[tuple[int, ...], str] = {}
    for name in names:
        numbers: dict[Hashable, int] = {}
        column = tuple(numbers.setdefault(_key(values.get(name)), len(numbers)) for values in members.values())
        if len(numbers) > 1:
            first_names.setdefault(column, name)
    return list(first_names.values())


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and bool(np.isfinite(value))


def _key(value: Any) -> Hashable:
    return value if isinstance(value, Hashable) else repr(value)


def _unevenness(values: NDArray[np.float64]) -> float:
    apart = np.diff(values)
    return float(apart.max() / apart.min())


def check(lattices: Sequence[Lattice], most: int) -> None:
    """Check that there is something to draw, and not too much.

    Raises:
        DynvizError: Nothing varies, or there would be too many panels.
    """
    if not any(lattice.dimensions for lattice in lattices):
        raise DynvizError(
            "view map needs numbers in which lanes differ, and these differ in their seeds at most; "
            "sweep one: dynviz sweep SCENARIO -o 'adamw:lr=log(1e-4,1,25)'"
        )
    panels = [lattice for lattice in lattices if len(lattice.dimensions) == 2]
    if len(panels) > most:
        raise DynvizError(
            f"view map would need {len(panels)} panels for {', '.join(lattice.name for lattice in panels[:3])}, ...; "
            "give fewer recordings, or other numbers: --view map:x=NAME,y=NAME"
        )
