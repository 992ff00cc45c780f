"""The dialog that chooses recordings and lanes."""

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
    """Recordings with their lanes, to be shown or not, in one picture or beside each other."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,l,ctrl+c", "dismiss(None)", show=False),
        Binding("space", "turn", show=False, priority=True),
        Binding("a", "all", show=False),
        Binding("b", "beside", show=False),
        Binding("enter", "take", show=False, priority=True),
    ]

    def __init__(self, chosen: Selection) -> None:
        super().__init__()
        self.chosen = chosen

    def compose(self) -> ComposeResult:
        """A list, and what the keys do."""
        with Vertical(classes="dialog"):
            yield Static("Recordings and lanes", classes="title")
            yield OptionList(*(Option(self._row(*row)) for row in self.chosen.rows))
            yield Static("", classes="hint", id="how")

    def on_mount(self) -> None:
        """Say how they are shown."""
        self._show()

    def _row(self, recording: int, lane: int | None) -> Text:
        choice = self.chosen.choices[recording]
        mark = "●" if self.chosen.holds(recording, lane) else "○"
        if lane is None:
            some = f"  {len(choice.chosen)} of {len(choice.lanes)} lanes" if len(choice.lanes) > 1 else ""
            return Text(clean(f"{mark} {choice.name}{some}"))
        # Plain spaces at the start of a row are taken away.
        return Text(f"\u00a0\u00a0\u00a0{mark} {clean(choice.lanes[lane])}")

    def _show(self) -> None:
        options = self.query_one(OptionList)
        for place, row in enumerate(self.chosen.rows):
            options.replace_option_prompt_at_index(place, self._row(*row))
        lanes = any(len(choice.lanes) > 1 for choice in self.chosen.choices)
        how = "beside each other" if self.chosen.beside else "in one picture"
        aside = f"lanes {how} (b changes it)\n" if lanes else ""
        none = "" if self.chosen.sources else "nothing is chosen\n"
        self.query_one("#how", Static).update(f"{aside}{none}space choose   a all   enter show   esc cancel")

    def action_turn(self) -> None:
        """Show this one, or do not."""
        place = self.query_one(OptionList).highlighted
        if place is not None:
            self.chosen = self.chosen.toggled(*self.chosen.rows[place])
            self._show()

    def on_option_list_option_selected(self) -> None:
        """A click does the same."""
        self.action_turn()

    def action_all(self) -> None:
        """Show everything."""
        self.chosen = self.chosen.everything()
        self._show()

    def action_beside(self) -> None:
        """Lanes in one picture, or beside each other."""
        self.chosen = self.chosen.turned()
        self._show()

    def action_take(self) -> None:
        """Show what is chosen, if something is."""
        if self.chosen.sources:
            self.dismiss(self.chosen)
