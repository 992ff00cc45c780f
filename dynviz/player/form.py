"""Forms: dialogs with rows, each with a label and an input or choice."""

from collections.abc import Sequence
from typing import ClassVar, TypeVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Static

from dynviz.errors import DynvizError
from dynviz.player.dialog import Dialog
from dynviz.text import clean

Answer = TypeVar("Answer")


class ChoiceField(Widget, can_focus=True):
    """A choice among words, changed with the left and right keys."""

    DEFAULT_CSS = """
    ChoiceField { height: 1; width: 1fr; padding: 0 1; }
    ChoiceField:focus { background: $panel; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,space", "change(1)", show=False),
        Binding("left", "change(-1)", show=False),
    ]

    class Changed(Message):
        """Another word was chosen."""

    def __init__(self, name: str, words: Sequence[str]) -> None:
        super().__init__(id=name)
        self.words, self.index = tuple(words), 0

    @property
    def word(self) -> str:
        """The chosen word."""
        return self.words[self.index]

    def render(self) -> Text:
        return Text(clean(f"‹ {self.word} ›" if len(self.words) > 1 else self.word))

    def action_change(self, by: int) -> None:
        """Choose the next or previous word."""
        self.index = (self.index + by) % len(self.words)
        self.refresh()
        self.post_message(self.Changed())

    def on_click(self, event: events.Click) -> None:
        """Choose the previous word on a click on the left arrow, else the next one."""
        self.focus()
        self.action_change(-1 if event.x <= 2 else 1)


class FormDialog(Dialog[Answer | None]):
    """A dialog with a title, rows, an error message, and the keys.

    Attributes:
        heading: The title.
        purpose: A word for what enter does.
    """

    DEFAULT_CSS = """
    FormDialog #wrong { color: $error; height: auto; }
    FormDialog VerticalScroll { scrollbar-gutter: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,ctrl+c", "dismiss(None)", show=False, priority=True),
        Binding("down", "app.focus_next", show=False, priority=True),
        Binding("up", "app.focus_previous", show=False, priority=True),
        Binding("enter", "confirm", show=False, priority=True),
    ]
    heading, purpose = "", ""

    def rows(self) -> ComposeResult:
        """The rows, made by `row`."""
        raise NotImplementedError

    def answer(self) -> Answer | None:
        """The input; None if there is none yet.

        Raises:
            DynvizError: Something is wrong with it.
        """
        raise NotImplementedError

    def action_confirm(self) -> None:
        """Close the form with its input, or show what is wrong with it."""
        try:
            answer = self.answer()
        except DynvizError as error:
            self.refuse(str(error))
            return
        if answer is not None:
            self.dismiss(answer)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(clean(self.heading), classes="title", markup=False)
            with VerticalScroll(can_focus=False):
                yield from self.rows()
            yield Static("", id="wrong", markup=False)
            yield Static(f"↑ ↓ row   ← → change   enter {self.purpose}   esc cancel", classes="hint")

    def on_resize(self) -> None:
        # Leave room for the title, the error message and the keys.
        self.query_one(VerticalScroll).styles.max_height = max(int(0.92 * self.size.height) - CHROME, 1)

    def refuse(self, words: str) -> None:
        """Show an error message."""
        self.query_one("#wrong", Static).update(clean(words))

    def chosen(self, name: str) -> int:
        """The index of the chosen word in a row; 0 if there is no such row."""
        fields = self.query(f"#{name}").results(ChoiceField)
        return next((field.index for field in fields), 0)

    def written(self, name: str) -> str:
        """The text entered in a row."""
        return self.query_one(f"#{name}", Input).value.strip()


CHROME = 8
"""Screen rows that a form needs besides its fields."""


def row(name: str, field: Widget) -> ComposeResult:
    """A row of a form."""
    with Horizontal(classes="field"):
        yield Static(clean(name), classes="label", markup=False)
        yield field
