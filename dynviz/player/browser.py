"""The list of runs, to choose one from."""

from collections.abc import Sequence
from datetime import datetime
from itertools import zip_longest
from pathlib import Path
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from rich.style import Style
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from dynviz.player import styles
from dynviz.player.messages import RunChosen
from dynviz.player.runs import UNREADABLE, RunSummary, find
from dynviz.player.status import BAD, LIVE, SAID, SIGNS
from dynviz.player.words import grouped, shortened
from dynviz.text import clean

BETWEEN, SHORTEST, KEPT = 3, 10, 4
"""Columns between two cells of a line; of a cell that is made shorter, at least; cells that are always there."""


class Browser(Screen[None]):
    """The runs below a folder, the newest first."""

    DEFAULT_CSS = """
    Browser { background: $background; }
    Browser > #title { margin: 0 1 1 1; height: 1; text-style: bold; }
    Browser > OptionList { height: 1fr; background: $background; border: none; padding: 0;
                           margin: 0 1; scrollbar-size-vertical: 1; }
    Browser > OptionList:focus { background: $background; }
    Browser > #none { margin: 1 2; color: $secondary; height: 1fr; }
    Browser > #keys { margin: 0 1; color: $secondary; height: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q,escape,ctrl+c", "app.leave", show=False),
        Binding("r", "look", show=False),
        Binding("t", "app.theme", show=False),
    ]

    def __init__(self, root: Path) -> None:
        super().__init__()
        self.root = root
        self._found: tuple[RunSummary, ...] = ()

    def compose(self) -> ComposeResult:
        """A title, the list, the keys."""
        yield Static("", id="title", markup=False)
        yield OptionList()
        yield Static("", id="none", markup=False)
        yield Static("", id="keys")

    def on_mount(self) -> None:
        """Look for them."""
        self.action_look()

    def on_screen_resume(self) -> None:
        """Another theme, or more runs."""
        self.action_look()

    def on_resize(self) -> None:
        """Columns for the new width."""
        self._show()

    def action_look(self) -> None:
        """Look for runs."""
        self._found = find(self.root)
        self._show()

    def _show(self) -> None:
        count = len(self._found)
        title = clean(f"{count} run{'s' * (count != 1)} in {self.root}")
        self.query_one("#title", Static).update(shortened(title, max(self.size.width - 2, 1)))
        options, none = self.query_one(OptionList), self.query_one("#none", Static)
        options.display, none.display = bool(count), not count
        self.query_one("#keys", Static).update(f"{'enter play   ' if count else ''}r look again   t theme   q quit")
        none.update(f"There is no run in {self.root}.\n\nMake one:\n\n    dynviz run voronoi --optimizer adamw-l1")
        at = options.highlighted
        options.clear_options()
        # What is wrong with a run has the room that the others leave.
        said = [cells(run)[: 1 if run.problem else None] for run in self._found]
        room = max(self.size.width - 3, 1)
        columns = widths(said or [("", "")], room)
        options.add_options(Option(row(run, columns, room, self.app.theme)) for run in self._found)
        if count:
            options.highlighted = min(at or 0, count - 1)
            options.focus()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Play it."""
        self.post_message(RunChosen(self._found[event.option_index].folder))


def cells(run: RunSummary) -> tuple[str, ...]:
    """What a run's line says: its name, scenario, optimizers, how it stands, when it began."""
    if run.problem:
        return run.folder.name, run.problem
    began = datetime.fromisoformat(run.created).astimezone().strftime("%-d %b %H:%M") if run.created else ""
    return run.folder.name, run.scenario, ", ".join(run.optimizers), stands(run), began


def stands(run: RunSummary) -> str:
    """How it stands and how far it is.

    >>> stands(RunSummary(Path("a"), steps=(300, 300), status="finished"))
    '✓ 300 steps'
    >>> stands(RunSummary(Path("a"), steps=(1200, 3000), status="interrupted"))
    '■ stopped at 1 200 of 3 000'
    """
    words = run.status.split(", ")
    worst = next((word for word in SIGNS if word in words), "")
    done, total = map(grouped, run.steps)
    if worst == "finished" and UNREADABLE not in words:
        return f"{SIGNS[worst]} {total} steps"
    return f"{SIGNS.get(worst, '')} {', '.join(SAID.get(word, word) for word in words)} at {done} of {total}".strip()


def widths(rows: Sequence[Sequence[str]], width: int) -> tuple[int, ...]:
    """Columns of each cell, so that lines of at most this width say the most; the last one goes first.

    >>> widths([("one", "voronoi", "adamw", "finished", "now")], 40)
    (3, 7, 5, 8, 3)
    >>> widths([("one", "voronoi", "adamw", "finished", "now")], 27)
    (3, 5, 5, 8)
    """
    found = [max(map(cell_len, column)) for column in zip_longest(*rows, fillvalue="")]

    def over() -> int:
        return sum(found) + BETWEEN * (len(found) - 1) - width

    if over() > 0 and len(found) > KEPT:
        found.pop()
    while over() > 0 and max(found[:-1], default=0) > SHORTEST:
        found[found.index(max(found[:-1]))] -= 1
    if over() > 0:
        found[-1] = max(found[-1] - over(), 1)
    return tuple(found)


def row(run: RunSummary, columns: Sequence[int], room: int, theme: str) -> Text:
    """A run in one line of this room, its cells in columns of these widths."""
    words = set(run.status.split(", "))
    state = LIVE if "running" in words else BAD if words & {"killed", "failed"} else "muted"
    found = Text(no_wrap=True, overflow="ellipsis", end="")
    texts = cells(run)
    if run.problem:
        columns = columns[0], room - BETWEEN - columns[0]
    for place, (text, width, role) in enumerate(zip(texts, columns, ("", "muted", "", state, "muted"), strict=False)):
        style = Style(color=styles.style(theme, role).color) if role and not run.problem else Style(bold=not place)
        found.append(" " * BETWEEN if place else "")
        found.append(set_cell_size(shortened(clean(text), width), width), style)
    return found
