"""Rows of a picture of pixels for Textual, with characters behind them."""

from rich.console import Console
from rich.segment import Segment
from textual.color import Color
from textual.strip import Strip

from dynviz.player.strip import PartStrip, dimmed
from dynviz.player.terminal.surface import PictureSurface


class PictureStrip(PartStrip):
    """A row of a picture on a surface; dimmed, or saved as text, it is the same row in characters."""

    __slots__ = ("_behind", "_end", "_row", "_start", "_surface")

    def __init__(self, surface: PictureSurface, row: int, behind: Strip, start: int, end: int) -> None:
        super().__init__(end - start)
        self._surface, self._row, self._behind = surface, row, behind
        self._start, self._end = start, end

    def make_segments(self) -> list[Segment]:
        return list(self._behind.crop(self._start, self._end))

    def make_text(self, console: Console) -> str:  # noqa: ARG002 - the surface knows the terminal
        return self._surface.text(self._row, self._start, self._end)

    def render(self, console: Console) -> str:
        """The row as terminal output, new each time: what the terminal has is not sent again."""
        return self.make_text(console)

    def __bool__(self) -> bool:
        """Whether it has any columns."""
        return self._end > self._start

    def part(self, start: int, end: int) -> Strip:
        return PictureStrip(self._surface, self._row, self._behind, self._start + start, self._start + end)

    def dimmed(self, tint: Color) -> Strip:
        return dimmed(self._behind.crop(self._start, self._end), tint)
