"""The command palette: keys, views, events and lanes, by their words."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import ClassVar, NamedTuple

from rich.cells import set_cell_size
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input, Static

from dynviz.player.dialog import Dialog
from dynviz.player.keys import KEYS, name_of, shown
from dynviz.player.row_list import RowList
from dynviz.player.selection import Selection
from dynviz.player.state import PlayerState
from dynviz.player.words import shortened
from dynviz.text import clean

KEY_WIDTH = 12
"""Columns for the key that does the same."""


class PaletteCommand(NamedTuple):
    """Something that can be done.

    Attributes:
        words: What it does.
        key: The key that does the same; empty if none does.
        act: Does it.
    """

    words: str
    key: str
    act: Callable[[], object]


class Acts(NamedTuple):
    """How commands are carried out.

    Attributes:
        action: Runs an action by its name.
        seek: Goes to a step.
        select: Shows some recordings and lanes.
        keys: The keys that the user has set, by the names of actions.
    """

    action: Callable[[str], object]
    seek: Callable[[float], object]
    select: Callable[[Selection], object]
    keys: Mapping[str, str]


def palette_commands(state: PlayerState, acts: Acts) -> list[PaletteCommand]:
    """All that can be done: actions, views, events, then each recording and lane alone."""
    return [*_actions(state, acts), *_views(state, acts), *_events(state, acts), *_lanes(state, acts)]


def _actions(state: PlayerState, acts: Acts) -> Iterator[PaletteCommand]:
    for key in KEYS:
        if state.read_only and key.writes:
            continue
        # Views by number stand below with their names.
        for place, (names, action) in enumerate(key.keys[: len(key.each) or 1]):
            if action.startswith(("view", "palette")):
                continue
            words = key.each[place] if key.each else key.what
            now = acts.keys.get(name_of(action), names)
            yield PaletteCommand(words, shown(now), partial(acts.action, action))


def _views(state: PlayerState, acts: Acts) -> Iterator[PaletteCommand]:
    for number, view in enumerate(state.views.names, 1):
        yield PaletteCommand(
            f"view {view}", str(number) if number < 10 else "", partial(acts.action, f"view({number})")
        )


def _events(state: PlayerState, acts: Acts) -> Iterator[PaletteCommand]:
    for mark in state.session.events.shown:
        yield PaletteCommand(mark.text, "", partial(acts.seek, mark.step))


def _lanes(state: PlayerState, acts: Acts) -> Iterator[PaletteCommand]:
    selection = state.session.selection
    if not state.session.choosable:
        return
    nothing = selection.changed(selection.rows, lambda _: False)
    yield PaletteCommand("show all lanes", "", partial(acts.select, selection.changed(selection.rows, lambda _: True)))
    for recording, lane in selection.rows:
        choice = selection.choices[recording]
        name = choice.name if lane is None else f"{choice.name}, {choice.lanes[lane]}"
        alone = nothing.toggled(recording, lane)
        yield PaletteCommand(f"show {name} alone", "", partial(acts.select, alone))


class PaletteDialog(Dialog[PaletteCommand | None]):
    """Commands, and a filter for them: all of its words must be in a command's."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,ctrl+c,ctrl+p", "dismiss(None)", show=False, priority=True),
        Binding("down", "move(1)", show=False, priority=True),
        Binding("up", "move(-1)", show=False, priority=True),
        Binding("pagedown", "page(1)", show=False, priority=True),
        Binding("pageup", "page(-1)", show=False, priority=True),
        Binding("enter", "confirm", show=False, priority=True),
    ]

    def __init__(self, commands: Sequence[PaletteCommand], what: str = "keys, views, events, lanes") -> None:
        super().__init__()
        self._what = what
        self._commands = self._listed = list(commands)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog wide"):
            yield Input(placeholder=self._what, id="filter")
            yield RowList(len(self._listed), self._row)
            yield Static("↑ ↓ row   enter do it   esc close", classes="hint")

    def on_mount(self) -> None:
        rows = self.query_one(RowList)
        # The dialog keeps its size while the filter narrows the list.
        self.call_after_refresh(lambda: setattr(rows.styles, "min_height", rows.size.height))
        self.query_one(Input).focus()

    def _row(self, index: int) -> str:
        command = self._listed[index]
        room = max(self.query_one(RowList).size.width - KEY_WIDTH - 2, 1)
        return f"{set_cell_size(shortened(clean(command.words), room), room)}{command.key.rjust(KEY_WIDTH - 1)}"

    def on_input_changed(self, event: Input.Changed) -> None:
        parts = event.value.casefold().split()
        self._listed = [one for one in self._commands if all(part in one.words.casefold() for part in parts)]
        self.query_one(RowList).recount(len(self._listed))

    def on_row_clicked(self) -> None:
        self.action_confirm()

    def action_move(self, rows: int) -> None:
        """Highlight a row further down or up."""
        self.query_one(RowList).action_move(rows)

    def action_page(self, pages: int) -> None:
        """Highlight the row a page further down or up."""
        self.query_one(RowList).action_page(pages)

    def action_confirm(self) -> None:
        """Close with the highlighted command."""
        if self._listed:
            self.dismiss(self._listed[self.query_one(RowList).highlighted])
