"""The widget that shows a scene."""

import textwrap
import time
from concurrent.futures import Future
from dataclasses import dataclass, replace

import numpy as np
from rich.segment import Segment
from textual import events
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from dynviz.cells.canvas import CellCanvas, Hit, PanelAreas
from dynviz.cells.cells import Cells
from dynviz.cells.coarse import coarse
from dynviz.cells.encode import Encoder
from dynviz.cells.inks import RAMPS
from dynviz.errors import in_words
from dynviz.player import styles
from dynviz.player.bars import LEFT_BUTTON
from dynviz.player.fitting import has_steps
from dynviz.player.messages import PanelsChanged, PlotBrushed, PlotClicked, PlotHovered
from dynviz.player.strip import line_filters
from dynviz.player.strip import strips as encoded_strips
from dynviz.player.terminal.delivery import Delivery
from dynviz.player.terminal.quality import PictureQuality
from dynviz.player.words import Word, cut, shortened
from dynviz.player.work import Newest, Work, at_once
from dynviz.scene.marks import Scene
from dynviz.scene.theme import theme as find_theme

TEXT_COLUMNS = 72
"""Maximum width of a line of text."""
DRAGGED = 2
"""Columns that the mouse is dragged to choose steps; of fewer it is a click."""
CALM = 0.5
"""Seconds after which a still picture is sent again in full quality."""


@dataclass(frozen=True)
class DrawnPicture:
    """A scene in cells.

    Attributes:
        cells: The cells.
        areas: Where its panels stand.
        theme: The theme in which it is drawn.
        seconds: How long drawing took.
    """

    cells: Cells
    areas: PanelAreas
    theme: str
    seconds: float


class Plot(Widget):
    """Draws a scene on all its cells, or shows words if there is none.

    A picture is drawn by `work`, and shown instead of the last one when it is ready. Rows are encoded directly for the
    terminal, which is four times as fast as Textual's style per cell.

    Attributes:
        work: Runs slow functions.
        seconds: How long the last picture took to draw.
        hovered: The position of the mouse.
        column: The column where it was last.
        problem: Why the scene could not be drawn.
    """

    DEFAULT_CSS = "Plot { height: 1fr; width: 1fr; }"

    def __init__(self, delivery: Delivery) -> None:
        super().__init__(id="plot")
        self.delivery = delivery
        self.work: Work = at_once
        self.seconds = 0.0
        self.hovered: Hit | None = None
        self.problem, self.column = "", 0
        self._pressed: tuple[int, int] | None = None
        self._announced = 0
        self._scene: Scene | None = None
        self._text = ""
        self._theme = "dark"
        self._newest = Newest("cells")
        self._canvas: tuple[tuple[int, int, str], CellCanvas] | None = None
        self._encoders: dict[tuple[str, PictureQuality], Encoder] = {}
        self._picture: DrawnPicture | None = None
        self._strips: dict[tuple[bool, PictureQuality], list[Strip]] = {}
        # The quality of this picture, when it was shown, and how many of its rows have been resent.
        self._quality, self._since, self._sharp = delivery.quality, 0.0, 0

    def show(self, scene: Scene | None, text: str, theme: str) -> None:
        """Show a scene, or words instead."""
        if scene is self._scene and text == self._text and theme == self._theme:
            return
        if _titles(scene) != _titles(self._scene):
            # What was under the mouse may have changed; it is determined again when the mouse moves.
            self.hovered = None
        self._scene, self._text, self._theme = scene, text, theme
        if scene is not None:
            self._draw()
            return
        self._newest.drop()
        # A canvas draws one picture at a time.
        self._canvas = self._picture = None
        self.redraw()

    def on_resize(self) -> None:
        self.redraw()
        self._draw()

    def redraw(self) -> None:
        """Send the picture again, in the current quality."""
        self._strips.clear()
        self._quality, self._since, self._sharp = self.delivery.quality, self.delivery.now, 0
        self.refresh()

    def _draw(self) -> None:
        """Draw the scene; until that is done, the last picture stays."""
        scene, theme = self._scene, self._theme
        if scene is None or not self.size:
            return
        key = (*self.size, theme)
        if self._canvas is None or self._canvas[0] != key:
            self._canvas = key, CellCanvas(*key, head=False)
        canvas = self._canvas[1]

        def drawn() -> DrawnPicture:
            began = time.perf_counter()
            cells = canvas.draw(scene)
            return DrawnPicture(cells, canvas.areas, theme, time.perf_counter() - began)

        self._newest.ask(self.work, object(), drawn, self._take)

    def _take(self, outcome: Future[DrawnPicture]) -> None:
        error = outcome.exception()
        self._picture = None if error is not None else outcome.result()
        # The marks may be of a user's view.
        self.problem = "" if error is None else f"this picture cannot be drawn: {in_words(error)}"
        self.redraw()
        if self.shown != self._announced:
            self._announced = self.shown
            self.post_message(PanelsChanged())

    def sharpen(self) -> None:
        """Resend more rows in full quality, if the picture stands still and no other output is pending."""
        if self.lowered and self.delivery.now - self._since >= CALM:
            first, width, height = self._sharp, self.size.width, self.size.height
            self._sharp = min(first + self.delivery.rows(width), height)
            if self._sharp > first:
                self.refresh(Region(0, first, width, self._sharp - first))

    @property
    def lowered(self) -> str:
        """A description of how the quality is reduced; empty if it is not."""
        sharp = self._quality == self.delivery.best or self._sharp >= self.size.height
        return "" if sharp else self._quality.words

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
            if self._picture is not None:
                self.redraw()
            self.post_message(PlotHovered(hit))

    def hit(self, column: int, row: int) -> Hit | None:
        """What is at a cell."""
        return self.areas.hit(column, row)

    @property
    def areas(self) -> PanelAreas:
        """Where the panels of the picture stand."""
        return self._picture.areas if self._picture is not None else PanelAreas()

    def encoder(self, theme: str, quality: PictureQuality) -> Encoder:
        """Encodes cells for the terminal, in a quality."""
        key = theme, quality
        if key not in self._encoders:
            colors = find_theme(theme)
            self._encoders[key] = Encoder(colors.palette(RAMPS), quality.depth, instead=coarse(colors, quality.levels))
        return self._encoders[key]

    @property
    def shown(self) -> int:
        """The number of panels that fit."""
        return len(self.areas.places)

    def render_lines(self, crop: Region) -> list[Strip]:
        """The rows of a region of the widget."""
        # Filters work on Segments.
        plain = bool(line_filters(self))
        rows = self._rows(self._quality, plain=plain)[crop.y : crop.bottom]
        sharp = self._sharp - crop.y
        if sharp > 0:
            rows = self._rows(self.delivery.best, plain=plain)[crop.y : crop.bottom][:sharp] + rows[sharp:]
        whole = crop.x == 0 and crop.width == self.size.width
        return rows if whole else [strip.crop(crop.x, crop.right) for strip in rows]

    def _rows(self, quality: PictureQuality, *, plain: bool) -> list[Strip]:
        if (plain, quality) not in self._strips:
            began = time.perf_counter()
            self._strips[plain, quality] = self._drawn(quality, plain=plain)
            drawing = self._picture.seconds if self._picture is not None else 0.0
            self.seconds = drawing + time.perf_counter() - began
        return self._strips[plain, quality]

    def _drawn(self, quality: PictureQuality, *, plain: bool) -> list[Strip]:
        if self._picture is None:
            return self._words(self.problem or self._text)
        # Just after the size has changed, the picture still has the size before.
        cells = self._crossed(self._picture.cells.fitted(*self.size))
        encoder = self.encoder(self._picture.theme, quality)
        if plain:
            rows = [Strip(encoder.segments(cells, row), cells.columns) for row in range(cells.rows)]
            background = self.background_colors[1]
            for line_filter in line_filters(self):
                rows = [strip.apply_filter(line_filter, background) for strip in rows]
            return rows
        return list(encoded_strips(cells, encoder))

    def _crossed(self, cells: Cells) -> Cells:
        """The cells, with a line at the mouse where there are curves."""
        hit, scene = self.hovered, self._scene
        if hit is None or hit.x is None or scene is None or hit.panel >= len(self.areas.places):
            return cells
        place, column = self.areas.places[hit.panel].plot, self.column
        if not has_steps(scene.from_above().panels[hit.panel]) or column >= cells.columns:
            return cells
        glyphs, ink = cells.glyphs.copy(), cells.ink.copy()
        empty = np.s_[place.top : min(place.bottom, cells.rows), column]
        blank = glyphs[empty] == ord(" ")
        glyphs[empty] = np.where(blank, ord("│"), glyphs[empty])
        apart = np.abs(cells.palette.astype(np.int64) - find_theme(self._theme).color("muted")).sum(axis=1)
        ink[empty] = np.where(blank, apart.argmin(), ink[empty])
        return replace(cells, glyphs=glyphs, ink=ink)

    def _words(self, text: str) -> list[Strip]:
        width, height = self.size
        room = min(TEXT_COLUMNS, max(width - 2, 1))
        lines = [line for part in text.splitlines() for line in textwrap.wrap(part, room)]
        lines = lines[: max(height, 1)]
        top = max((height - len(lines)) // 2, 0)
        style = styles.style(self._theme, "muted", self.delivery.best.depth)
        left = max((width - max(map(len, lines), default=0)) // 2, 0)
        strips = []
        for row in range(height):
            inside = 0 <= row - top < len(lines)
            words = [Word(" " * left), Word(shortened(lines[row - top], room))] if inside else []
            strips.append(Strip([Segment(word.text, style) for word in cut(words, width)], width))
        return strips


def _titles(scene: Scene | None) -> tuple[str, ...]:
    return () if scene is None else tuple(panel.title for panel in scene.panels)
