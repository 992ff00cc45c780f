"""Lanes of many recordings, arranged in a grid by the hyperparameters in which they differ."""

from collections.abc import Collection, Hashable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.charts import caption
from dynviz.errors import DynvizError, unknown
from dynviz.frozen import frozen
from dynviz.recording import Recording

Member: TypeAlias = tuple[int, int]
"""The index of a recording, and of a lane in it."""


@frozen
class Dimension:
    """A hyperparameter in which lanes differ.

    Attributes:
        name: The option or hyperparameter.
        values: Its values, ascending.
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
        """The positions of the values: themselves, or their logarithms."""
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
        """The index of the value that each pixel of a heat map shows; more pixels if cells have different widths."""
        if self.even:
            return np.arange(len(self.values))
        edges = self.edges
        middles = edges[0] + (np.arange(fine) + 0.5) * (edges[-1] - edges[0]) / fine
        return np.asarray(np.searchsorted(edges[1:-1], middles), dtype=np.int64)

    def nearest(self, value: float) -> int:
        """The index of the value nearest to another one, or in whose cell it lies."""
        if self.logarithmic:
            value = float(np.log(max(value, 1e-300)))
        return int(np.abs(self.places - value).argmin())


@frozen
class Lattice:
    """The lanes of one optimizer, arranged by the numbers in which they differ.

    Attributes:
        name: The optimizer, with what distinguishes it from other lattices.
        dimensions: The dimensions of the grid: none, one or two.
        cells: Lanes that differ only in their seeds, by the indices of their values.
    """

    name: str
    dimensions: tuple[Dimension, ...]
    cells: Mapping[tuple[int, ...], tuple[Member, ...]]


def lattices(recordings: Sequence[Recording], asked: Sequence[str] = ()) -> tuple[Lattice, ...]:
    """The lanes of all recordings, in a lattice for each optimizer and each combination of the other options.

    Args:
        recordings: What is shown.
        asked: The names of the dimensions; by default the first two numbers that vary, hyperparameters first.

    Raises:
        DynvizError: A requested dimension does not vary.
    """
    lanes: dict[str, dict[Member, dict[str, Any]]] = {}
    chosen = _chosen(recordings)
    for place, recording in enumerate(recordings):
        for lane, settings in enumerate(_settings(recording, chosen[recording.metadata.optimizer.title])):
            lanes.setdefault(recording.metadata.optimizer.title, {})[place, lane] = settings
    varying = {name: _varying(members, asked) for name, members in lanes.items()}
    known = dict.fromkeys(own for names in varying.values() for own in names)
    for name in asked:
        if name not in known:
            raise unknown("option in which these lanes differ", name, known)
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
    """A lattice in words: its optimizer, and the options given that are not on its axes."""
    place, lane = next(iter(lattice.cells.values()))[0]
    metadata = recordings[place].metadata
    own = {*(dimension.name for dimension in lattice.dimensions), *metadata.lanes[lane].hyperparameters}
    given = {name: rule.value for name, rule in metadata.hyperparameters.items() if rule.source == "given"}
    options = [caption.option(name, value) for name, value in given.items() if name not in own]
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


def _chosen(recordings: Sequence[Recording]) -> dict[str, set[str]]:
    """The hyperparameters of each optimizer that do not follow from the scenario's options everywhere."""
    chosen: dict[str, set[str]] = {}
    for metadata in (recording.metadata for recording in recordings):
        named = (name for name, own in metadata.hyperparameters.items() if own.source != "protocol")
        chosen.setdefault(metadata.optimizer.title, set()).update(named)
    return chosen


def _settings(recording: Recording, chosen: Collection[str]) -> list[dict[str, Any]]:
    """For each lane, its hyperparameters and then the options of the scenario."""
    metadata = recording.metadata
    rules = {name: own.value for name, own in metadata.hyperparameters.items() if name in chosen}
    task = {f"scenario.{name}" if name in rules else name: value for name, value in metadata.scenario.options.items()}
    return [{**rules, **lane.hyperparameters, **task} for lane in metadata.lanes]


def _varying(members: Mapping[Member, Mapping[str, Any]], asked: Sequence[str] = ()) -> list[str]:
    """The names of what differs; of several that vary together (`M=[8,64],N=M`), a requested one or the first."""
    known = dict.fromkeys(name for values in members.values() for name in values)
    names = dict.fromkeys([*(name for name in asked if name in known), *known])
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
            "view map needs lanes that differ in an option, and these differ in their seeds at most; "
            "make some with: dynviz sweep SCENARIO -o 'adamw:lr=log(1e-4,1,25)'"
        )
    panels = [lattice for lattice in lattices if len(lattice.dimensions) == 2]
    if len(panels) > most:
        raise DynvizError(
            f"view map would need {len(panels)} panels for {', '.join(lattice.name for lattice in panels[:3])}, ...; "
            "give fewer recordings, or choose the axes: --view map:x=NAME,y=NAME"
        )
