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
from dynviz.player.status import BAD, LIVE, SIGNS, WORDS
from dynviz.player.words import grouped, shortened
from dynviz.text import clean

BETWEEN = 3
"""Columns between two cells of a line."""
SHORTEST = 10
"""Minimum width to which a long cell is shortened."""
KEPT = 4
"""Number of cells of a line that are never omitted."""


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
        self._runs: tuple[RunSummary, ...] = ()

    def compose(self) -> ComposeResult:
        yield Static("", id="title", markup=False)
        yield OptionList()
        yield Static("", id="none", markup=False)
        yield Static("", id="keys")

    def on_screen_resume(self) -> None:
        # The theme or the runs may have changed.
        self.action_look()

    def on_resize(self) -> None:
        self._show()

    def action_look(self) -> None:
        """Look for runs."""
        self._runs = find(self.root)
        self._show()

    def _show(self) -> None:
        count = len(self._runs)
        title = clean(f"{count} run{'s' * (count != 1)} in {self.root}")
        self.query_one("#title", Static).update(shortened(title, max(self.size.width - 2, 1)))
        options, none = self.query_one(OptionList), self.query_one("#none", Static)
        options.display, none.display = bool(count), not count
        self.query_one("#keys", Static).update(f"{'enter play   ' if count else ''}r look again   t theme   q quit")
        none.update(f"There is no run in {self.root}.\n\nMake one:\n\n    dynviz run voronoi --optimizer adamw-l1")
        highlighted = options.highlighted
        options.clear_options()
        # A problem gets all the space after the name.
        lines = [cells(run)[: 1 if run.problem else None] for run in self._runs]
        room = max(self.size.width - 3, 1)
        columns = widths(lines or [("", "")], room)
        options.add_options(Option(row(run, columns, room, self.app.theme)) for run in self._runs)
        if count:
            options.highlighted = min(highlighted or 0, count - 1)
            options.focus()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.post_message(RunChosen(self._runs[event.option_index].folder))


def cells(run: RunSummary) -> tuple[str, ...]:
    """The cells of a run's line: name, scenario, optimizers, progress, start time."""
    if run.problem:
        return run.folder.name, run.problem
    began = datetime.fromisoformat(run.created).astimezone().strftime("%-d %b %H:%M") if run.created else ""
    return run.folder.name, run.scenario, ", ".join(run.optimizers), progress(run), began


def progress(run: RunSummary) -> str:
    """The status and progress of a run.

    >>> progress(RunSummary(Path("a"), steps=(300, 300), status="finished"))
    '✓ 300 steps'
    >>> progress(RunSummary(Path("a"), steps=(1200, 3000), status="interrupted"))
    '■ stopped at 1 200 of 3 000'
    """
    words = run.status.split(", ")
    worst = next((word for word in SIGNS if word in words), "")
    done, total = map(grouped, run.steps)
    if worst == "finished" and UNREADABLE not in words:
        return f"{SIGNS[worst]} {total} steps"
    return f"{SIGNS.get(worst, '')} {', '.join(WORDS.get(word, word) for word in words)} at {done} of {total}".strip()


def widths(rows: Sequence[Sequence[str]], width: int) -> tuple[int, ...]:
    """The width of each cell in lines of at most this width; the last cell is omitted first.

    >>> widths([("one", "voronoi", "adamw", "finished", "now")], 40)
    (3, 7, 5, 8, 3)
    >>> widths([("one", "voronoi", "adamw", "finished", "now")], 27)
    (3, 7, 5, 3)
    """
    columns = [max(map(cell_len, column)) for column in zip_longest(*rows, fillvalue="")]

    def excess() -> int:
        return sum(columns) + BETWEEN * (len(columns) - 1) - width

    if excess() > 0 and len(columns) > KEPT:
        columns.pop()
    while excess() > 0 and max(columns[:-1], default=0) > SHORTEST:
        columns[columns.index(max(columns[:-1]))] -= 1
    if excess() > 0:
        columns[-1] = max(columns[-1] - excess(), 1)
    return tuple(columns)


def row(run: RunSummary, columns: Sequence[int], room: int, theme: str) -> Text:
    """A run in one line, its cells in columns of these widths."""
    statuses = set(run.status.split(", "))
    color = LIVE if "running" in statuses else BAD if statuses & {"killed", "failed"} else "muted"
    line = Text(no_wrap=True, overflow="ellipsis", end="")
    texts = cells(run)
    if run.problem:
        columns = columns[0], room - BETWEEN - columns[0]
    for place, (text, width, role) in enumerate(zip(texts, columns, ("", "muted", "", color, "muted"), strict=False)):
        style = Style(color=styles.style(theme, role).color) if role and not run.problem else Style(bold=not place)
        line.append(" " * BETWEEN if place else "")
        line.append(set_cell_size(shortened(clean(text), width), width), style)
    return line
