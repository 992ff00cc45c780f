"""The dialog for exporting."""

from pathlib import Path

from textual.app import ComposeResult
from textual.widgets import Input

from dynviz import plugins
from dynviz.frame import format_of
from dynviz.player.command import Picture
from dynviz.player.exporting import ExportJob
from dynviz.player.form import ChoiceField, FormDialog, row
from dynviz.player.words import grouped

SIZES = ("640x480", "800x600", "960x540", "1280x720", "1920x1080", "400x300")
FIRST = ("gif", "mp4", "png", "svg")
"""Formats offered first."""


class ExportDialog(FormDialog[ExportJob]):
    """Asks for file, format, range, size and theme."""

    purpose = "export"

    def __init__(self, picture: Picture) -> None:
        super().__init__()
        self._picture = picture
        self.heading = ", ".join(filter(None, ("Export " + picture.view, picture.panel)))
        formats = plugins.files("exporters")
        self._formats = list(dict.fromkeys([name for name in (*FIRST, *formats) if name in formats]))
        step = picture.step
        self._ranges = {
            f"the whole run, up to {grouped(picture.recorded)}": "",
            f"up to this step, {grouped(step)}": f":{step}",
            f"from this step on, {grouped(step)}": f"{step}:",
            f"this step alone, {grouped(step)}": f"{step}",
        }

    def rows(self) -> ComposeResult:
        themes = [self._picture.theme, *({"dark", "light"} - {self._picture.theme})]
        yield from row("file", Input(f"{self._picture.name}.{self._formats[0]}", id="file"))
        yield from row("format", ChoiceField("format", self._formats))
        yield from row("steps", ChoiceField("range", list(self._ranges)))
        yield from row("size", ChoiceField("size", SIZES))
        yield from row("theme", ChoiceField("theme", themes))

    def on_choice_field_changed(self) -> None:
        """Adapt the suffix of the file to the format; still formats export the current step."""
        file = self.query_one("#file", Input)
        suffix = self.query_one("#format", ChoiceField).word
        path = Path(file.value or self._picture.name)
        if path.suffix != f".{suffix}":
            file.value = str(path.with_suffix(f".{suffix}"))
            steps = self.query_one("#range", ChoiceField)
            steps.index = len(self._ranges) - 1 if _still(suffix) else 0
            steps.refresh()

    def answer(self) -> ExportJob | None:
        target = self.written("file")
        if not target:
            return None
        steps = self._ranges[self.query_one("#range", ChoiceField).word]
        size, theme = (self.query_one(f"#{name}", ChoiceField).word for name in ("size", "theme"))
        return ExportJob(target, tuple(self._picture.arguments(target, steps, size, theme)))


def _still(suffix: str) -> bool:
    return not format_of(plugins.load("exporters", suffix).target).motion
