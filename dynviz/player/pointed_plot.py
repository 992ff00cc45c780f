"""The mouse over a plot."""

from textual import events

from dynviz.cells.canvas import Hit
from dynviz.player._textual import DirectWidget
from dynviz.player.bars import LEFT_BUTTON
from dynviz.player.messages import PlotBrushed, PlotClicked, PlotHovered

DRAGGED = 2
"""Columns that the mouse is dragged to choose steps; of fewer it is a click."""


class PointedPlot(DirectWidget):
    """A plot that says what the mouse points at, what it clicks, and over what it is dragged.

    Attributes:
        hovered: The position of the mouse.
        column: The column where it was last.
    """

    def __init__(self) -> None:
        super().__init__(id="plot")
        self.hovered: Hit | None = None
        self.column = 0
        self._pressed: tuple[int, int] | None = None

    def hit(self, column: int, row: int) -> Hit | None:
        """What is at a cell."""
        raise NotImplementedError

    def pointed(self) -> None:
        """React to the mouse pointing at something else."""
        raise NotImplementedError

    def on_mouse_move(self, event: events.MouseMove) -> None:
        self.column = event.x
        self._point(self.hit(event.x, event.y))

    def on_leave(self) -> None:
        self._point(None)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        if event.button == LEFT_BUTTON:
            self._pressed = event.x, event.y
            self.capture_mouse()

    def on_mouse_up(self, event: events.MouseUp) -> None:
        pressed, self._pressed = self._pressed, None
        self.release_mouse()
        if pressed is None:
            return
        begun, ended = self.hit(*pressed), self.hit(event.x, event.y)
        if (
            abs(event.x - pressed[0]) >= DRAGGED
            and begun is not None
            and ended is not None
            and begun.panel == ended.panel
        ):
            self.post_message(PlotBrushed(begun, ended))
        elif abs(event.x - pressed[0]) < DRAGGED:
            self.post_message(PlotClicked(begun))

    def _point(self, hit: Hit | None) -> None:
        if hit != self.hovered:
            self.hovered = hit
            self.pointed()
            self.post_message(PlotHovered(hit))
