"""The dialog for choosing kinds of events."""

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from dynviz.player.dialog import Dialog
from dynviz.player.event_marks import FREQUENT, EventList
from dynviz.player.words import grouped
from dynviz.text import clean


class EventDialog(Dialog[frozenset[str] | None]):
    """Lets the user show or hide kinds of events; returns the hidden kinds."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,E,ctrl+c", "dismiss(None)", show=False),
        Binding("space", "choose", show=False, priority=True),
        Binding("a", "all", show=False),
        Binding("enter", "confirm", show=False, priority=True),
    ]

    def __init__(self, events: EventList) -> None:
        super().__init__()
        self._events, self._hidden = events, events.hidden
        self._kinds = list(events.counts)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static("Events", classes="title")
            yield OptionList(*(Option(self._row(kind)) for kind in self._kinds))
            for kind, reason in self._events.failures.items():
                words = f"{kind} is left out: {reason}" if kind else f"events cannot be read: {reason}"
                yield Static(clean(words), classes="hint", markup=False)
            empty = "" if self._kinds else "none so far\n"
            yield Static(f"{empty}space choose   a all or none   enter show   esc cancel", classes="hint")

    def _row(self, kind: str) -> Text:
        count = self._events.counts[kind]
        often = "  drawn as a density; n skips them" if count > FREQUENT else ""
        return Text(clean(f"{'○' if kind in self._hidden else '●'} {kind}  {grouped(count)}{often}"))

    def _show(self, hidden: frozenset[str]) -> None:
        self._hidden = hidden
        for place, kind in enumerate(self._kinds):
            self.query_one(OptionList).replace_option_prompt_at_index(place, self._row(kind))

    def action_choose(self) -> None:
        """Show or hide the highlighted kind."""
        place = self.query_one(OptionList).highlighted
        if place is not None:
            self._show(self._hidden ^ {self._kinds[place]})

    def on_option_list_option_selected(self) -> None:
        self.action_choose()

    def action_all(self) -> None:
        """Show all kinds, or none if all are shown."""
        self._show(frozenset() if self._hidden else frozenset(self._kinds))

    def action_confirm(self) -> None:
        self.dismiss(self._hidden)
