"""The list of runs, to choose one from."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from dynviz.errors import DynvizError
from dynviz.player._textual import CoveredScreen
from dynviz.player.browser_dialogs import RenameDialog, TrashDialog
from dynviz.player.info_dialog import InfoDialog
from dynviz.player.messages import RunChosen
from dynviz.player.run_lines import cells, row, widths
from dynviz.player.runs import RunSummary, find, rename, to_trash
from dynviz.player.words import shortened
from dynviz.player.work import ThreadedWork
from dynviz.text import clean

AGAIN = 2.0
"""Seconds between two looks for runs."""
CALM = 20
"""How many times longer than a look took, at least, until the next one."""
WRITES = {
    "rename": ("R", "rename the run's folder"),
    "trash": ("x", "move the run to the trash, which is the folder .trash beside it"),
}
"""Actions that change what is on disk: their keys, and what they do."""
KEYS = (
    ("enter", "play the run"),
    ("space", "mark the run; enter plays all that are marked together"),
    ("↑ ↓  or  j k", "next run, previous run"),
    ("/", "filter by words of a line; esc leaves the filter"),
    ("o", "order: by time, name, loss"),
    WRITES["rename"],
    WRITES["trash"],
    ("r", "look for runs; this happens by itself too"),
    ("t", "dark or light theme"),
    ("q", "quit"),
)


def _by_loss(run: RunSummary) -> tuple[bool, float, str]:
    known = bool(run.losses) and math.isfinite(run.losses[-1])
    return not known, run.losses[-1] if known else 0.0, run.folder.name


ORDERS: Mapping[str, Callable[[RunSummary], Any] | None] = {
    "time": None,
    "name": lambda run: run.folder.name,
    "loss": _by_loss,
}
"""The orders of runs; by time is the order in which they come."""


class Browser(CoveredScreen[None]):
    """The runs below a folder, the newest first."""

    DEFAULT_CSS = """
    Browser { background: $background; }
    Browser > #title { margin: 0 1 1 1; height: 1; text-style: bold; }
    Browser > Input { margin: 0 1; padding: 0 1; height: 1; border: none; background: $surface; display: none; }
    Browser > Input:focus { border: none; background: $panel; background-tint: transparent; }
    Browser > OptionList { height: 1fr; background: $background; border: none; padding: 0;
                           margin: 0 1; scrollbar-size-vertical: 1; }
    Browser > OptionList:focus { background: $background; }
    Browser > #none { margin: 1 2; color: $secondary; height: 1fr; }
    Browser > #keys { margin: 0 1; color: $secondary; height: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", show=False),
        Binding("q,ctrl+c", "app.leave", show=False),
        Binding("r", "look", show=False),
        Binding("t", "app.theme", show=False),
        Binding("slash", "filter", show=False),
        Binding("space", "mark", show=False, priority=True),
        Binding("o", "order", show=False),
        Binding("R", "rename", show=False),
        Binding("x,delete", "trash", show=False),
        Binding("j", "move(1)", show=False),
        Binding("k", "move(-1)", show=False),
        Binding("question_mark,f1", "help", show=False),
    ]

    def __init__(self, root: Path, *, read_only: bool = False) -> None:
        super().__init__()
        self.root, self._read_only = root, read_only
        self._runs: tuple[RunSummary, ...] = ()
        self._listed: list[RunSummary] = []
        self._order = "time"
        self._looked, self._said = False, ""
        self._marked: dict[Path, None] = {}
        self._next: Path | None = None
        self.work = ThreadedWork(lambda: self.call_later, lambda _: None)

    def compose(self) -> ComposeResult:
        yield Static("", id="title", markup=False)
        yield Input(placeholder="words of a line", id="filter", disabled=True)
        yield OptionList()
        yield Static("", id="none", markup=False)
        yield Static("", id="keys", markup=False)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Whether an action may be done: runs are left as they are in a player that is read only."""
        return not (self._read_only and action in WRITES) and super().check_action(action, parameters)

    @property
    def _filter(self) -> Input:
        return self.query_one("#filter", Input)

    @property
    def _options(self) -> OptionList:
        return self.query_one(OptionList)

    def on_screen_resume(self) -> None:
        # The theme or the runs may have changed.
        self.action_look()
        self._show()

    def on_resize(self) -> None:
        self._show()

    def action_look(self) -> None:
        """Look for runs."""
        if self.is_current:
            began = time.monotonic()
            self.work("runs", partial(find, self.root), lambda outcome: self._take(outcome, time.monotonic() - began))

    def _take(self, outcome: Future[tuple[RunSummary, ...]], seconds: float) -> None:
        runs, before, self._looked = outcome.result(), self._runs, True
        self._runs = runs
        if runs != before or not runs:
            self._show()
        self._next = None
        self.set_timer(max(AGAIN, CALM * seconds), self.action_look)

    def _show(self) -> None:
        """Show the runs that the filter leaves; the same one stays highlighted."""
        count = len(self._runs)
        if not self._looked:
            self.query_one("#title", Static).update(clean(f"looking for runs in {self.root}"))
            return
        folder, index = self._next or (self._chosen.folder if self._chosen else None), self._options.highlighted or 0
        wanted = self._filter.value.casefold().split()
        key = ORDERS[self._order]
        runs = list(self._runs) if key is None else sorted(self._runs, key=key)
        self._listed = [run for run in runs if all(word in " ".join(cells(run)).casefold() for word in wanted)]
        some = f"{len(self._listed)} of " if wanted else ""
        order = f", by {self._order}" if self._order != "time" else ""
        title = clean(f"{some}{count} run{'s' * (count != 1)} in {self.root}{order}")
        self.query_one("#title", Static).update(shortened(title, max(self.size.width - 2, 1)))
        options, none = self._options, self.query_one("#none", Static)
        options.display, none.display = bool(count), not count
        none.update(f"There is no run in {self.root}.\n\nMake one:\n\n    dynviz run voronoi --optimizer adamw-l1")
        self._show_keys()
        options.clear_options()
        # A problem gets all the space after the name.
        lines = [cells(run)[: 1 if run.problem else None] for run in self._listed]
        room = max(self.size.width - 3 - (2 if self._marked else 0), 1)
        columns = widths(lines or [("", "")], room)
        options.add_options(Option(self._line(run, columns, room)) for run in self._listed)
        if self._listed:
            folders = [run.folder for run in self._listed]
            options.highlighted = folders.index(folder) if folder in folders else min(index, len(folders) - 1)
        if count and not self._filter.has_focus:
            options.focus()

    def _line(self, run: RunSummary, columns: Sequence[int], room: int) -> Text:
        mark = Text(("● " if run.folder in self._marked else "  ") if self._marked else "")
        return mark + row(run, columns, room, self.app.theme)

    def _show_keys(self) -> None:
        some = "enter play   / filter   o order   " if self._runs else ""
        keys = self._said or f"{some}r refresh   t theme   {'? help   ' * bool(self._runs)}q quit"
        self.query_one("#keys", Static).update(shortened(clean(keys), max(self.size.width - 2, 1)))

    @property
    def _chosen(self) -> RunSummary | None:
        """The run whose line is highlighted."""
        index = self._options.highlighted
        return self._listed[index] if index is not None and index < len(self._listed) else None

    def on_key(self) -> None:
        # The message has been read.
        if self._said:
            self._say("")

    def _say(self, words: str) -> None:
        self._said = words
        self._show_keys()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        here = self._listed[event.option_index].folder
        there = {run.folder for run in self._runs}
        self.post_message(RunChosen(tuple(folder for folder in self._marked if folder in there) or (here,)))

    def action_move(self, rows: int) -> None:
        """Highlight the next or previous run."""
        (self._options.action_cursor_down if rows > 0 else self._options.action_cursor_up)()

    def action_mark(self) -> None:
        """Mark the highlighted run, or take its mark away; in the filter, write a space."""
        if self._filter.has_focus:
            self._filter.insert_text_at_cursor(" ")
        elif (run := self._chosen) is not None:
            if run.folder in self._marked:
                del self._marked[run.folder]
            else:
                self._marked[run.folder] = None
            self._show()

    def action_filter(self) -> None:
        """Write a filter."""
        self._filter.disabled, self._filter.styles.display = False, "block"
        self._filter.focus()

    def on_input_changed(self) -> None:
        self._show()

    def on_input_submitted(self) -> None:
        self._options.focus()

    def action_back(self) -> None:
        """Leave the filter, else the list."""
        if not self._filter.disabled:
            self._filter.disabled, self._filter.styles.display = True, "none"
            self._filter.value = ""
            self._options.focus()
        else:
            self.app.call_later(self.app.run_action, "leave")

    def action_order(self) -> None:
        """List the runs in the next order."""
        names = list(ORDERS)
        self._order = names[(names.index(self._order) + 1) % len(names)]
        self._show()

    def action_help(self) -> None:
        """Explain the keys."""
        known = [key for key in KEYS if not (self._read_only and key in WRITES.values())]
        self.app.push_screen(InfoDialog("Keys of the list of runs", [("", known)]))

    def action_rename(self) -> None:
        """Ask for another name of the highlighted run."""
        if (run := self._chosen) is not None:
            self.app.push_screen(RenameDialog(run.folder.name), partial(self._renamed, run.folder))

    def _renamed(self, folder: Path, name: str | None) -> None:
        if name:
            self._change("renamed:", partial(rename, folder, name))

    def action_trash(self) -> None:
        """Ask whether to move the highlighted run to the trash."""
        if (run := self._chosen) is not None:
            self.app.push_screen(TrashDialog(run.folder), partial(self._trashed, run.folder))

    def _trashed(self, folder: Path, agreed: bool | None) -> None:  # noqa: FBT001 - the answer of a dialog
        if agreed:
            self._change("moved to", partial(to_trash, folder))

    def _change(self, words: str, act: Callable[[], Path]) -> None:
        try:
            self._next = act()
            self._say(f"{words} {self._next}")
        except DynvizError as error:
            self._say(str(error))
        self.action_look()
