"""The dialog for choosing recordings and lanes."""

from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input, Static

from dynviz.player.dialog import Dialog
from dynviz.player.row_list import RowList
from dynviz.player.selection import MOST_BESIDE, Selection
from dynviz.text import clean


class LaneDialog(Dialog[Selection | None]):
    """Lets the user show or hide recordings and lanes, in one picture or side by side."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,ctrl+c", "close", show=False, priority=True),
        Binding("q,l", "dismiss(None)", show=False),
        Binding("space", "choose", show=False, priority=True),
        Binding("a", "all", show=False),
        Binding("n", "none", show=False),
        Binding("i", "invert", show=False),
        Binding("b", "beside", show=False),
        Binding("slash", "filter", show=False),
        Binding("down", "down", show=False),
        Binding("enter", "confirm", show=False, priority=True),
    ]

    def __init__(self, selection: Selection) -> None:
        super().__init__()
        self._selection, self._rows = selection, selection.rows

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static("Recordings and lanes", classes="title")
            yield Input(placeholder="words of a name, or lanes like 0:8", id="filter", disabled=True)
            yield RowList(len(self._rows), self._row)
            yield Static("", classes="hint", id="hint")

    def on_mount(self) -> None:
        self._filter.display = False
        self.query_one(RowList).focus()
        self._show(self._selection)

    @property
    def _filter(self) -> Input:
        return self.query_one("#filter", Input)

    def _row(self, index: int) -> str:
        recording, lane = self._rows[index]
        choice = self._selection.choices[recording]
        mark = "●" if self._selection.holds(recording, lane) else "○"
        if lane is None:
            some = f"  {len(choice.chosen)} of {len(choice.lanes)} lanes" if len(choice.lanes) > 1 else ""
            return clean(f"{mark} {choice.name}{some}")
        return clean(f"   {mark} {choice.lanes[lane]}")

    def _show(self, selection: Selection) -> None:
        self._selection = selection
        self.query_one(RowList).refresh()
        arrangement = "side by side" if selection.beside else "in one picture"
        several = any(len(choice.lanes) > 1 for choice in selection.choices)
        hint = f"lanes {arrangement} (b changes it)\n" if several else ""
        shown, count = (
            sum(map(len, lanes)) for lanes in zip(*((c.chosen, c.lanes) for c in selection.choices), strict=True)
        )
        hint += f"{shown} of {count} chosen"
        hint += f": side by side at most {MOST_BESIDE}\n" if selection.crowded else "\n"
        listed = "listed" if self._filter.value.strip() else "all"
        keys = f"space choose   a {listed}   n none   i invert   / filter   enter show   esc cancel"
        self.query_one("#hint", Static).update(f"{hint}{keys}")

    def action_choose(self) -> None:
        """Show or hide the highlighted row; in the filter, write a space."""
        if self._filter.has_focus:
            self._filter.insert_text_at_cursor(" ")
        elif self._rows:
            self._show(self._selection.toggled(*self._rows[self.query_one(RowList).highlighted]))

    def on_row_clicked(self) -> None:
        self.action_choose()

    def action_all(self) -> None:
        """Show all lanes that are listed."""
        self._show(self._selection.changed(self._rows, lambda _: True))

    def action_none(self) -> None:
        """Hide all lanes that are listed."""
        self._show(self._selection.changed(self._rows, lambda _: False))

    def action_invert(self) -> None:
        """Show those of the listed lanes that are hidden, and the other way round."""
        self._show(self._selection.changed(self._rows, lambda shown: not shown))

    def action_filter(self) -> None:
        """Write a filter."""
        rows = self.query_one(RowList)
        # The dialog keeps its size while the filter narrows the list.
        rows.styles.min_height = rows.size.height
        self._filter.display, self._filter.disabled = True, False
        self._filter.focus()

    def action_down(self) -> None:
        """Go from the filter to the rows."""
        self.query_one(RowList).focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        self._rows = self._selection.matching(event.value)
        self.query_one(RowList).recount(len(self._rows))
        self._show(self._selection)

    def action_close(self) -> None:
        """Leave the filter, else the dialog."""
        if self._filter.display:
            self._filter.value = ""
            self._filter.display, self._filter.disabled = False, True
            self.query_one(RowList).focus()
        else:
            self.dismiss(None)

    def action_beside(self) -> None:
        """Show lanes side by side, or in one picture again."""
        self._show(replace(self._selection, beside=not self._selection.beside))

    def action_confirm(self) -> None:
        """Go from the filter to the rows; there, show the selection, unless it is empty or too large."""
        if self._filter.has_focus:
            self.query_one(RowList).focus()
        elif self._selection.sources and not self._selection.crowded:
            self.dismiss(self._selection)
