"""The list of runs, to choose one from."""

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from rich.style import Style
from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from dynviz.player import look
from dynviz.player.runs import Found, find
from dynviz.player.standing import BAD, LIVE
from dynviz.player.words import grouped

if TYPE_CHECKING:
    from dynviz.player.app import Player


class Browser(Screen[None]):
    """The runs below a folder, the newest first."""

    DEFAULT_CSS = """
    Browser { background: $background; }
    Browser > #title { margin: 0 1 1 1; text-style: bold; }
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
    app: "Player"

    def __init__(self, root: Path) -> None:
        super().__init__()
        self.root = root
        self._found: tuple[Found, ...] = ()

    def compose(self) -> ComposeResult:
        """A title, the list, the keys."""
        yield Static("", id="title", markup=False)
        yield OptionList()
        yield Static("", id="none", markup=False)
        yield Static("enter play   r look again   t theme   q quit", id="keys")

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
        self.query_one("#title", Static).update(f"{count} run{'s' * (count != 1)} in {self.root}")
        options, none = self.query_one(OptionList), self.query_one("#none", Static)
        options.display, none.display = bool(count), not count
        none.update(f"There is no run in {self.root}.\n\nMake one:\n\n    dynviz run voronoi --optimizer adamw-l1")
        at = options.highlighted
        options.clear_options()
        width = max(self.size.width - 4, 20)
        options.add_options(Option(row(run, width, self.app.look)) for run in self._found)
        if count:
            options.highlighted = min(at or 0, count - 1)
            options.focus()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Play it."""
        self.app.play_run(self._found[event.option_index])


def row(run: Found, width: int, theme: str) -> Table:
    """A run in one line of this width."""
    table = Table.grid(padding=(0, 2, 0, 0))
    last = min(max(width * 2 // 5, 20), 34)
    rest = max(width - last, 9)
    for columns in (rest * 38 // 100, rest * 32 // 100, rest * 30 // 100, last):
        table.add_column(width=max(columns - 2, 1), no_wrap=True, overflow="ellipsis")

    def said(text: str, role: str) -> Text:
        return Text(text, Style(color=look.style(theme, role).color))

    if run.problem:
        table.add_row(Text(run.folder.name), Text(run.problem))
        return table
    role = LIVE if "running" in run.status else BAD if {"killed", "failed"} & set(run.status.split(", ")) else "muted"
    steps = f"{grouped(run.steps[0])} of {grouped(run.steps[1])} steps"
    table.add_row(
        Text(run.folder.name, style="bold"),
        said(run.scenario, "muted"),
        Text(", ".join(run.optimizers)),
        said(f"{run.status}, {steps}", role),
    )
    return table
