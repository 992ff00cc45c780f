"""Notes at steps: read beside the recordings, shown like events, and written."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input, Static

from dynviz.errors import DynvizError
from dynviz.player.dialog import Dialog
from dynviz.player.event_marks import EventMark
from dynviz.player.words import grouped
from dynviz.recording import Recording, layout, notes
from dynviz.recording.notes import LONGEST_TEXT, Note

KIND = "note"
"""The kind of event that notes are shown as."""


class Notebook:
    """The notes of some recordings.

    Attributes:
        marks: The notes by step, as events are shown.
        problem: Why notes cannot be read; empty if they can.
    """

    def __init__(self, recordings: Sequence[Recording]) -> None:
        self._folders = tuple(dict.fromkeys(recording.folder for recording in recordings))
        self.marks: tuple[EventMark, ...] = ()
        self.problem = ""
        self._seen: tuple[int, ...] = ()

    def look(self) -> None:
        """Read notes that are new."""
        seen = tuple(_changed(folder / layout.NOTES) for folder in self._folders)
        if seen == self._seen:
            return
        self._seen = seen
        try:
            all_notes, self.problem = notes.load_all(self._folders), ""
        except DynvizError as error:
            all_notes, self.problem = (), str(error)
        self.marks = tuple(EventMark(note.step, note.text, KIND) for note in all_notes)

    def at(self, step: int) -> str:
        """The note at a step; empty if there is none."""
        return next((mark.text for mark in self.marks if mark.step == step), "")

    def write(self, step: int, text: str) -> None:
        """Make a note in all the recordings.

        Raises:
            DynvizError: It cannot be written.
        """
        for folder in self._folders:
            notes.write(folder, Note(step=step, text=text))
        self.look()


def _changed(path: Path) -> int:
    """A number that changes with the file."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


class NoteDialog(Dialog[str | None]):
    """Asks for the note at a step."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,ctrl+c", "dismiss(None)", show=False, priority=True)]

    def __init__(self, step: int, text: str) -> None:
        super().__init__()
        self._step, self._text = step, text

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(f"Note at step {grouped(self._step)}", classes="title")
            yield Input(self._text, max_length=LONGEST_TEXT)
            away = "   empty takes it away" if self._text else ""
            yield Static(f"enter keep{away}   esc cancel", classes="hint")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self.dismiss(event.value.strip())
