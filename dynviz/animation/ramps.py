"""The ramps whose colours a film needs, for formats that have few."""

from collections.abc import Sequence

from dynviz.film import Film
from dynviz.scene.marks import Contours, Field
from dynviz.scene.terrain import Terrain

SHADES = ("terrain", "terrain.80", "terrain.62")
"""What a terrain is shown in: its colours in full light and in the shade."""


def ramps(film: Film, steps: Sequence[int]) -> list[str]:
    """The ramps of a film between its first and its last step."""
    scenes = [film.scene(steps[0]), film.scene(steps[-1])]
    marks = [mark for scene in scenes for panel in scene.panels for mark in panel.marks]
    names = [mark.ramp for mark in marks if isinstance(mark, Field | Contours) and mark.ramp]
    if any(isinstance(mark, Terrain) for mark in marks):
        names += SHADES
    return list(dict.fromkeys(names))
