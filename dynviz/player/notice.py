"""A message over the picture."""

from textual.widgets import Static

from dynviz.text import clean


class Notice(Static):
    """Text above the timeline, hidden while empty."""

    DEFAULT_CSS = """
    Notice { layer: over; dock: bottom; height: auto; max-height: 6; margin: 0 0 2 0; padding: 0 1;
             background: $surface; color: $foreground; display: none; }
    """

    def __init__(self) -> None:
        super().__init__("", id="notice", markup=False)
        self._text = ""

    def show(self, text: str) -> None:
        """Show these words; none hide it."""
        if text != self._text:
            self._text = text
            self.update(clean(text, lines=True))
            self.display = bool(text)
