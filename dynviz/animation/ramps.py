"""The ramps and the terms whose colours a film needs, for formats that have few."""

from collections.abc import Sequence

from dynviz.film import Film
from dynviz.scene.marks import Contours, Field, Mark
from dynviz.scene.terrain import Terrain

SHADES = ("terrain", "terrain.80", "terrain.62")
"""What a terrain is shown in: its colours in full light and in the shade."""


def ramps(film: Film, steps: Sequence[int]) -> list[str]:
    """The ramps of a film between its first and its last step."""
    marks = _marks(film, steps)
    names = [mark.ramp for mark in marks if isinstance(mark, Field | Contours) and mark.ramp]
    if any(isinstance(mark, Terrain) for mark in marks):
        names += SHADES
    return list(dict.fromkeys(names))


def terms(film: Film, steps: Sequence[int]) -> tuple[str, ...]:
    """The colours of terms of a step that a film has between its first and its last step."""
    colors = (getattr(mark, "color", "") for mark in _marks(film, steps))
    return tuple(dict.fromkeys(color for color in colors if color.startswith("term.")))


def _marks(film: Film, steps: Sequence[int]) -> list[Mark]:
    scenes = [film.scene(steps[0]), film.scene(steps[-1])]
    return [mark for scene in scenes for panel in scene.panels for mark in panel.marks]
