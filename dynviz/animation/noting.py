"""Notes of recordings in pictures: lines across the panels whose x axis is the step."""

from collections.abc import Sequence
from dataclasses import replace

from dynviz.charts.moving import STEP
from dynviz.film import Film
from dynviz.recording import Recording, notes
from dynviz.scene.marks import Mark, Panel, ReferenceLine, Scene

LONGEST = 24
"""Characters of a note beside its line."""


def noted(film: Film, recordings: Sequence[Recording]) -> Film:
    """The same film with a line at each note; panels over anything else than steps stay as they are.

    Raises:
        DynvizError: The notes cannot be read.
    """
    lines = [
        ReferenceLine(float(note.step), vertical=True, label=_short(note.text))
        for note in notes.load_all(recording.folder for recording in recordings)
    ]

    def scene(step: int) -> Scene:
        shown = film.scene(step)
        return replace(shown, panels=tuple(_with(panel, lines) for panel in shown.panels))

    return replace(film, scene=scene) if lines else film


def _with(panel: Panel, lines: Sequence[Mark]) -> Panel:
    return replace(panel, marks=(*panel.marks, *lines)) if panel.x.label == STEP else panel


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1].rstrip()}…"
