"""The dialog for choosing recordings and lanes."""

from dataclasses import replace
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from dynviz.player.selection import Selection
from dynviz.text import clean


class LaneDialog(ModalScreen[Selection | None]):
    """Lets the user show or hide recordings and lanes, in one picture or side by side."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,l,ctrl+c", "dismiss(None)", show=False),
        Binding("space", "choose", show=False, priority=True),
        Binding("a", "all", show=False),
        Binding("b", "beside", show=False),
        Binding("enter", "confirm", show=False, priority=True),
    ]

    def __init__(self, selection: Selection) -> None:
        super().__init__()
        self._selection = selection

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static("Recordings and lanes", classes="title")
            yield OptionList(*(Option(self._row(*row)) for row in self._selection.rows))
            yield Static("", classes="hint", id="hint")

    def on_mount(self) -> None:
        self._show(self._selection)

    def _row(self, recording: int, lane: int | None) -> Text:
        choice = self._selection.choices[recording]
        mark = "●" if self._selection.holds(recording, lane) else "○"
        if lane is None:
            some = f"  {len(choice.chosen)} of {len(choice.lanes)} lanes" if len(choice.lanes) > 1 else ""
            return Text(clean(f"{mark} {choice.name}{some}"))
        # Textual removes plain spaces at the start of a row.
        return Text(f"\u00a0\u00a0\u00a0{mark} {clean(choice.lanes[lane])}")

    def _show(self, selection: Selection) -> None:
        self._selection = selection
        options = self.query_one(OptionList)
        for place, row in enumerate(selection.rows):
            options.replace_option_prompt_at_index(place, self._row(*row))
        arrangement = "side by side" if selection.beside else "in one picture"
        several = any(len(choice.lanes) > 1 for choice in selection.choices)
        hint = f"lanes {arrangement} (b changes it)\n" if several else ""
        hint += "" if selection.sources else "nothing is chosen\n"
        self.query_one("#hint", Static).update(f"{hint}space choose   a all   enter show   esc cancel")

    def action_choose(self) -> None:
        """Show or hide the highlighted row."""
        place = self.query_one(OptionList).highlighted
        if place is not None:
            self._show(self._selection.toggled(*self._selection.rows[place]))

    def on_option_list_option_selected(self) -> None:
        self.action_choose()

    def action_all(self) -> None:
        self._show(self._selection.everything())

    def action_beside(self) -> None:
        """Show lanes side by side, or in one picture again."""
        self._show(replace(self._selection, beside=not self._selection.beside))

    def action_confirm(self) -> None:
        """Show the selection, unless it is empty."""
        if self._selection.sources:
            self.dismiss(self._selection)
