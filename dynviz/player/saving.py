"""Saving the screen as text, as text with colours, or as an SVG."""

from pathlib import Path

from textual.app import ComposeResult
from textual.widgets import Input

from dynviz.animation.export import write_whole
from dynviz.cells.cells import Cells
from dynviz.cells.encode import Encoder
from dynviz.cells.svg import svg
from dynviz.errors import DynvizError
from dynviz.player.form import ChoiceField, FormDialog, row

FORMATS = {"svg": "a picture", "txt": "characters", "ansi": "characters with colours, for cat"}
"""What the suffixes of files stand for."""


class SaveDialog(FormDialog[Path]):
    """Asks for the file."""

    heading, purpose = "Save the screen", "save"

    def __init__(self, name: str) -> None:
        super().__init__()
        self._stem = name

    def rows(self) -> ComposeResult:
        yield from row("file", Input(f"{self._stem}.{next(iter(FORMATS))}", id="file"))
        yield from row("format", ChoiceField("format", [f"{suffix}: {what}" for suffix, what in FORMATS.items()]))

    def on_choice_field_changed(self) -> None:
        """Adapt the suffix of the file to the format."""
        file = self.query_one("#file", Input)
        suffix = list(FORMATS)[self.chosen("format")]
        file.value = str(Path(file.value or self._stem).with_suffix(f".{suffix}"))

    def answer(self) -> Path | None:
        target = self.written("file")
        if not target:
            return None
        path = Path(target).expanduser()
        if path.suffix.removeprefix(".").lower() not in FORMATS:
            raise DynvizError(f"{target} must end in {', '.join(f'.{suffix}' for suffix in FORMATS)}")
        if path.exists():
            raise DynvizError(f"{target} exists already")
        return path


def save(cells: Cells, target: Path) -> None:
    """Write what a screen shows to a file; its suffix says how.

    Raises:
        DynvizError: It cannot be written.
    """
    suffix = target.suffix.removeprefix(".").lower()
    if suffix == "svg":
        text = svg(cells, "dynviz")
    elif suffix == "ansi":
        text = "\n".join([*Encoder(cells.palette, "true").rows(cells), ""])
    else:
        text = cells.text() + "\n"
    write_whole(target, lambda file: _write(file, text))


def _write(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")
