"""What all dialogs share: they stand over the dimmed picture."""

from textual.geometry import Region
from textual.screen import ModalScreen
from textual.strip import Strip

from dynviz.player._textual import CoveredScreen, Result, rows_of
from dynviz.player.strip import JoinedStrip, dimmed


class Dialog(CoveredScreen[Result], ModalScreen[Result]):
    """A screen over the one before it, which is drawn again in dimmed colours.

    Textual would blend the style of every cell, for a third of a second where the screen is large.
    """

    DEFAULT_CSS = "Dialog { align: center middle; background: $background 55%; }"

    def render_lines(self, crop: Region) -> list[Strip]:
        """The rows of the screen behind."""
        stack = self.app.screen_stack
        behind = stack[stack.index(self) - 1]
        rows = [JoinedStrip(row) for row in rows_of(behind, crop.y, crop.bottom)]
        shown = [dimmed(row, self.styles.background).crop(crop.x, crop.right) for row in rows]
        # Just after the size has changed, the screen behind still has the size before.
        missing = [Strip.blank(crop.width)] * (crop.height - len(shown))
        return [strip.adjust_cell_length(crop.width) for strip in (*shown, *missing)]
