"""Dialogs of the list of runs: another name, and the trash."""

from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input, Static

from dynviz.player.dialog import Dialog
from dynviz.player.runs import TRASH
from dynviz.text import clean


class RenameDialog(Dialog[str | None]):
    """Asks for another name of a run's folder."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,ctrl+c", "dismiss(None)", show=False, priority=True)]

    def __init__(self, name: str) -> None:
        super().__init__()
        self._before = name

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog small"):
            yield Static("Rename the run", classes="title")
            yield Input(self._before)
            yield Static("enter rename   esc cancel", classes="hint")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        name = event.value.strip()
        self.dismiss(name if name != self._before else None)


class TrashDialog(Dialog[bool]):
    """Asks whether a run is moved to the trash."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y,enter", "dismiss(True)", show=False),
        Binding("escape,n,q,ctrl+c", "dismiss(False)", show=False),
    ]

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog small"):
            yield Static(clean(f"Move {self._folder.name} to the trash?"), classes="title", markup=False)
            yield Static(clean(f"It stays in {self._folder.parent / TRASH} until you delete it there."), markup=False)
            yield Static("y move   n keep", classes="hint")
