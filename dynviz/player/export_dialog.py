"""The dialog in which an export is described."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Input, Static

from dynviz import plugins
from dynviz.frame import format_of
from dynviz.player.command import Picture
from dynviz.player.exporting import ExportJob
from dynviz.player.words import grouped

SIZES = ("640x480", "800x600", "960x540", "1280x720", "1920x1080", "400x300")
FIRST = ("gif", "mp4", "png", "svg")
"""Formats that are offered before all others."""


class ChoiceField(Widget, can_focus=True):
    """One of several words, changed with left and right."""

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
        """The word that is chosen."""
        return self.words[self.index]

    def render(self) -> Text:
        return Text(f"‹ {self.word} ›" if len(self.words) > 1 else self.word)

    def action_change(self, by: int) -> None:
        """Choose the next word, or the one before."""
        self.index = (self.index + by) % len(self.words)
        self.refresh()
        self.post_message(self.Changed())

    def on_click(self, event: events.Click) -> None:
        """Go back on a click on the left arrow, ahead on one elsewhere."""
        self.focus()
        self.action_change(-1 if event.x <= 2 else 1)


class ExportDialog(ModalScreen[ExportJob | None]):
    """File, format, range, size and theme."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,ctrl+c", "dismiss(None)", show=False, priority=True),
        Binding("down", "app.focus_next", show=False, priority=True),
        Binding("up", "app.focus_previous", show=False, priority=True),
        Binding("enter", "confirm", show=False, priority=True),
    ]

    def __init__(self, picture: Picture) -> None:
        super().__init__()
        self._picture = picture
        formats = plugins.files("exporters")
        self._formats = list(dict.fromkeys([name for name in (*FIRST, *formats) if name in formats]))
        step = picture.step
        self._ranges = {
            f"the whole run, up to {grouped(picture.recorded)}": "",
            f"up to this step, {grouped(step)}": f":{step}",
            f"from this step on, {grouped(step)}": f"{step}:",
            f"this step alone, {grouped(step)}": f"{step}",
        }

    def compose(self) -> ComposeResult:
        themes = [self._picture.theme, *({"dark", "light"} - {self._picture.theme})]
        title = ", ".join(filter(None, ("Export " + self._picture.view, self._picture.panel)))
        with Vertical(classes="dialog"):
            yield Static(title, classes="title", markup=False)
            yield from self._row("file", Input(f"{self._picture.name}.{self._formats[0]}", id="file"))
            yield from self._row("format", ChoiceField("format", self._formats))
            yield from self._row("steps", ChoiceField("range", list(self._ranges)))
            yield from self._row("size", ChoiceField("size", SIZES))
            yield from self._row("theme", ChoiceField("theme", themes))
            yield Static("↑ ↓ row   ← → change   enter export   esc cancel", classes="hint")

    def _row(self, name: str, field: Widget) -> ComposeResult:
        with Horizontal(classes="field"):
            yield Static(name, classes="label")
            yield field

    def on_choice_field_changed(self) -> None:
        """Give the file the suffix of the format; a still format is of the present step."""
        file = self.query_one("#file", Input)
        suffix = self.query_one("#format", ChoiceField).word
        path = Path(file.value or self._picture.name)
        if path.suffix != f".{suffix}":
            file.value = str(path.with_suffix(f".{suffix}"))
            steps = self.query_one("#range", ChoiceField)
            steps.index = len(self._ranges) - 1 if _still(suffix) else 0
            steps.refresh()

    def action_confirm(self) -> None:
        target = self.query_one("#file", Input).value.strip()
        if target:
            steps = self._ranges[self.query_one("#range", ChoiceField).word]
            size, theme = (self.query_one(f"#{name}", ChoiceField).word for name in ("size", "theme"))
            self.dismiss(ExportJob(target, tuple(self._picture.arguments(target, steps, size, theme))))


def _still(suffix: str) -> bool:
    return not format_of(plugins.load("exporters", suffix).target).motion
