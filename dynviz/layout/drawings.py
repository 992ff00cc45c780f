"""What is drawn of a panel's marks, kept from step to step, and in which order it lies over one another."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from dynviz.scene.identity import alike
from dynviz.scene.marks import Band, Line, Mark

FUTURE, PAST, ADDED, DOT = range(4)
"""The age of a layer: its height among the lines and bands that stand together."""

L = TypeVar("L")
Aged = tuple[int, L]
"""A layer of one backend, after its age."""


class MarkDrawing(Protocol[L]):
    """The layers of one mark."""

    def at(self, now: float | None) -> list[Aged[L]]:
        """Its layers when this is the present."""


class StillDrawing(Generic[L]):
    """The layers of a mark that has no now."""

    def __init__(self, layers: Sequence[L]) -> None:
        self._layers: list[Aged[L]] = [(PAST, layer) for layer in layers]

    def at(self, now: float | None) -> list[Aged[L]]:  # noqa: ARG002
        """All of them, at any time."""
        return self._layers


DrawingTable: TypeAlias = Mapping[type, Callable[[Any, Any], MarkDrawing[L] | list[L]]]
"""For each type of mark, what a backend makes of one and the panel's easel: layers, or a drawing where they change."""


class PanelDrawings(Generic[L]):
    """The drawings of a panel's marks; that of a mark is kept for as long as it differs in its now at most."""

    def __init__(self, table: DrawingTable[L], easel: Any) -> None:
        """Draw with a backend.

        Args:
            table: How it draws each type of mark.
            easel: What its functions need to know of the panel.
        """
        self._table, self._easel = table, easel
        self._drawn: list[tuple[Mark, MarkDrawing[L]]] = []

    def layers(self, marks: Sequence[Mark]) -> list[tuple[int, int, L]]:
        """The group of marks, the age and the layer of all shapes, the lowest first; words are no shapes."""
        marks = [mark for mark in marks if type(mark) in self._table]
        self._drawn = [(mark, self._drawing(index, mark)) for index, mark in enumerate(marks)]
        layers = [
            (group, age, layer)
            for group, (mark, drawing) in zip(groups(marks), self._drawn, strict=True)
            for age, layer in drawing.at(mark.now if isinstance(mark, Line | Band) else None)
        ]
        return sorted(layers, key=lambda item: item[:2])

    def _drawing(self, index: int, mark: Mark) -> MarkDrawing[L]:
        if index < len(self._drawn) and alike(self._drawn[index][0], mark):
            return self._drawn[index][1]
        drawing = self._table[type(mark)](mark, self._easel)
        return StillDrawing(drawing) if isinstance(drawing, list) else drawing


def groups(marks: Sequence[Mark]) -> list[int]:
    """The group of each mark: lines and bands that stand together lie over one another by age.

    So no future hides a past. Every other mark is a group of its own.
    """
    numbers: list[int] = []
    for index, mark in enumerate(marks):
        together = index and isinstance(mark, Line | Band) and isinstance(marks[index - 1], Line | Band)
        numbers.append(numbers[-1] + (not together) if numbers else 0)
    return numbers
