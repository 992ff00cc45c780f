"""The widget that shows a scene."""

import time
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from functools import partial

from textual.geometry import Region
from textual.strip import Strip

from dynviz.cells.canvas import Hit, PanelAreas
from dynviz.cells.cells import Cells
from dynviz.cells.coarse import coarse
from dynviz.cells.encode import Encoder
from dynviz.cells.inks import RAMPS
from dynviz.errors import in_words
from dynviz.player._textual import LinkedApp
from dynviz.player.fitting import has_steps
from dynviz.player.messages import PanelsChanged
from dynviz.player.picture_strip import PictureStrip
from dynviz.player.plot_drawer import DrawnPicture, PlotDrawer
from dynviz.player.plot_text import crossed, words
from dynviz.player.pointed_plot import PointedPlot
from dynviz.player.strip import strips as encoded_strips
from dynviz.player.terminal.delivery import Delivery
from dynviz.player.terminal.quality import PictureQuality
from dynviz.player.terminal.surface import SurfacePicture
from dynviz.player.work import Newest, Work, at_once
from dynviz.scene.marks import Scene
from dynviz.scene.theme import theme as find_theme

CALM = 0.5
"""Seconds after which a still picture is sent again in full quality."""


class Plot(PointedPlot):
    """Draws a scene on all its cells, or shows words if there is none.

    A picture is drawn by `work`, and shown instead of the last one when it is ready. Rows are encoded directly for the
    terminal, which is four times as fast as Textual's style per cell.

    Attributes:
        work: Runs slow functions.
        seconds: How long the last picture took to draw.
        problem: Why the scene could not be drawn.
    """

    DEFAULT_CSS = "Plot { height: 1fr; width: 1fr; }"

    def __init__(self, delivery: Delivery) -> None:
        super().__init__()
        self.delivery = delivery
        self.work: Work = at_once
        self.seconds = 0.0
        self.problem = ""
        self._announced = 0
        self._scene: Scene | None = None
        self._text = ""
        self._theme = "dark"
        self._newest = Newest("cells")
        self._drawer: PlotDrawer | None = None
        self._encoders: dict[tuple[str, PictureQuality], Encoder] = {}
        self._picture: DrawnPicture | None = None
        self._strips: dict[tuple[bool, PictureQuality], list[Strip]] = {}
        # The quality of this picture, when it was shown, and how many of its rows have been resent.
        self._quality, self._since, self._sharp = delivery.quality, 0.0, 0
        # Whether the line at the mouse is where it was.
        self._behind = False

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
        self._drawer = self._picture = None
        self.redraw()

    def on_resize(self) -> None:
        self.redraw()
        self._draw()

    def redraw(self) -> None:
        """Send the picture again, in the current quality."""
        self._begin()
        surface = self.delivery.surface
        if surface is not None and not self.in_pixels:
            self._write(surface.leave())
        self.repaint()

    def _write(self, sequence: str) -> None:
        if sequence and isinstance(self.app, LinkedApp):
            self.app.write_sequence(sequence)

    def _begin(self) -> None:
        self._strips.clear()
        self._quality, self._since, self._sharp = self.delivery.quality, self.delivery.now, 0

    def _refreshed(self, *, moves: bool = True) -> None:
        """Show the picture: of pixels in place of others, only what differs is sent.

        Args:
            moves: Whether the scene is another one, rather than the line at the mouse.
        """
        surface, before, picture = self.delivery.surface, self.in_pixels, self._crossed_pixels()
        good = before and self.screen.is_current and (self.delivery.quality.pixels or not moves)
        if surface is None or picture is None or not good or not surface.follows(picture):
            self.redraw()
            return
        self._behind = not moves and self.delivery.busy
        if self._behind:
            return
        if moves:
            self._begin()
        self._strips.clear()
        sequence, areas = surface.update(picture)
        self._write(sequence)
        if areas:
            self.refresh(*(Region(area.left, area.top, area.width, area.height) for area in areas))

    @property
    def in_pixels(self) -> bool:
        """Whether the picture is shown in pixels."""
        whole = self._quality.pixels or self._sharp >= self.size.height > 0
        return whole and self._picture is not None and self._picture.pixels is not None

    def _crossed_pixels(self) -> SurfacePicture | None:
        """The picture in pixels, with the line at the mouse; None just after the size has changed, too."""
        pixels = self._picture.pixels if self._picture is not None else None
        if pixels is None or pixels.shown.size != tuple(self.size):
            return None
        panel = self._crossed_at()
        if panel is None:
            return pixels.shown
        return pixels.crossed(panel, self.column, find_theme(self._theme).color("muted")).shown

    def _draw(self) -> None:
        """Draw the scene; until that is done, the last picture stays."""
        scene, theme = self._scene, self._theme
        if scene is None or not self.size:
            return
        if self._drawer is None or not self._drawer.draws(*self.size, theme):
            self._drawer = PlotDrawer(*self.size, theme, self.delivery)
        # What is being drawn is awaited: it may be the first picture in pixels.
        ahead = None if self._newest.busy else self._drawer.drawn_ahead(scene)
        if ahead is not None:
            self._show(ahead)
            return
        self._newest.ask(self.work, object(), partial(self._drawer.draw, scene), self._take)

    def draw_ahead(self, scene: Scene) -> None:
        """Draw a scene that is about to be shown, in the thread that made it, so that no other one is awaited."""
        if self._drawer is not None:
            self._drawer.draw_ahead(scene)

    def _take(self, outcome: Future[DrawnPicture]) -> None:
        error = outcome.exception()
        # The marks may be of a user's view.
        self._show(None if error is not None else outcome.result(), "" if error is None else in_words(error))

    def _show(self, picture: DrawnPicture | None, error: str = "") -> None:
        self._picture = picture
        self.problem = f"this picture cannot be drawn: {error}" if error else ""
        self._refreshed()
        if self.shown != self._announced:
            self._announced = self.shown
            self.post_message(PanelsChanged())
        if self._scene is not None and self._drawer is not None and self._drawer.cold:
            self._newest.ask(self.work, object(), partial(self._drawer.warmed, self._scene), self._take)

    @property
    def drawing(self) -> bool:
        """Whether the first picture is being drawn."""
        return self._scene is not None and self._picture is None and not self.problem

    def sharpen(self) -> None:
        """Resend more rows in full quality, if the picture stands still and no other output is pending."""
        if self._behind:
            self._refreshed(moves=False)
        elif self.lowered and self.delivery.now - self._since >= CALM:
            first, width, height = self._sharp, self.size.width, self.size.height
            self._sharp = min(first + self.delivery.rows(width), height)
            if self._sharp > first:
                self.refresh(Region(0, first, width, self._sharp - first))

    @property
    def unfinished(self) -> bool:
        """Whether more has to be sent for a picture that stands still."""
        return self._behind or bool(self.lowered)

    @property
    def lowered(self) -> str:
        """A description of how the quality is reduced; empty if it is not."""
        sharp = self._quality == self.delivery.best or self._sharp >= self.size.height
        return "" if sharp else self._quality.words

    def pointed(self) -> None:
        if self._picture is not None:
            self._refreshed(moves=False)

    def hit(self, column: int, row: int) -> Hit | None:
        """What is at a cell."""
        return self.areas.hit(column, row)

    @property
    def areas(self) -> PanelAreas:
        """Where the panels of the picture stand."""
        if self._picture is None:
            return PanelAreas()
        pixels = self._picture.pixels
        return pixels.areas if pixels is not None and self.in_pixels else self._picture.areas

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
        plain = bool(self.get_line_filters())
        rows = self._rows(self._quality, plain=plain)[crop.y : crop.bottom]
        sharp = self._sharp - crop.y
        if sharp > 0:
            rows = self._rows(self.delivery.best, plain=plain)[crop.y : crop.bottom][:sharp] + rows[sharp:]
        whole = crop.x == 0 and crop.width == self.size.width
        return rows if whole else [strip.crop(crop.x, crop.right) for strip in rows]

    def texts(self) -> Iterable[str]:
        """Its rows as terminal output, of a picture in cells without a strip for each row."""
        picture, quality = self._picture, self._quality
        if picture is None or self._sharp or quality.pixels or self.get_line_filters():
            return super().texts()
        began = time.perf_counter()
        texts = self.encoder(picture.theme, quality).rows(self._cells(picture))
        self.seconds = picture.seconds + time.perf_counter() - began
        return texts

    def _rows(self, quality: PictureQuality, *, plain: bool) -> list[Strip]:
        if (plain, quality) not in self._strips:
            began = time.perf_counter()
            self._strips[plain, quality] = list(self._drawn(quality, plain=plain))
            drawing = self._picture.seconds if self._picture is not None else 0.0
            self.seconds = drawing + time.perf_counter() - began
        return self._strips[plain, quality]

    def _drawn(self, quality: PictureQuality, *, plain: bool) -> Sequence[Strip]:
        if self._picture is None:
            return words(self.problem or self._text, self.size, self._theme, self.delivery.best.depth)
        cells = self._cells(self._picture)
        encoder = self.encoder(self._picture.theme, quality)
        if plain:
            rows = [Strip(encoder.segments(cells, row), cells.columns) for row in range(cells.rows)]
            background = self.background_colors[1]
            for line_filter in self.get_line_filters():
                rows = [strip.apply_filter(line_filter, background) for strip in rows]
            return rows
        rows = list(encoded_strips(cells, encoder))
        surface, picture = self.delivery.surface, self._crossed_pixels() if quality.pixels else None
        if surface is None or picture is None:
            return rows
        surface.show(picture)
        return [PictureStrip(surface, row, strip, 0, cells.columns) for row, strip in enumerate(rows)]

    def _cells(self, picture: DrawnPicture) -> Cells:
        """A picture in cells, with the line at the mouse."""
        # Just after the size has changed, the picture still has the size before.
        cells, panel = picture.cells.fitted(*self.size), self._crossed_at()
        return cells if panel is None else crossed(cells, self.areas.places[panel].plot, self.column, self._theme)

    def _crossed_at(self) -> int | None:
        """The panel of the curves at the mouse, through which a line is drawn; None where there are none."""
        hit, scene = self.hovered, self._scene
        if hit is None or hit.x is None or scene is None or hit.panel >= len(self.areas.places):
            return None
        return hit.panel if has_steps(scene.from_above().panels[hit.panel]) else None


def _titles(scene: Scene | None) -> tuple[str, ...]:
    return () if scene is None else tuple(panel.title for panel in scene.panels)
