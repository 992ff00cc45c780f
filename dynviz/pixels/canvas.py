"""The canvas: scenes in, pixels out."""

from typing import Any

import numpy as np

from dynviz.errors import DynvizError
from dynviz.layout.arrange import Rect
from dynviz.layout.counter import step_words
from dynviz.layout.page import TitleStrip
from dynviz.layout.place import PanelPlace, ReadoutSpot
from dynviz.layout.step_scale import StepScalePlace
from dynviz.pixels.coverage import Image
from dynviz.pixels.easel import PixelEasel
from dynviz.pixels.layers import Layer, LayerStack, Tile, blank
from dynviz.pixels.markers import markers
from dynviz.pixels.metrics import PixelMetrics, pixel_page
from dynviz.pixels.panel import PixelPanelPainter, Readouts, words
from dynviz.pixels.pen import Pen
from dynviz.pixels.sizes import SCREEN, Lettering
from dynviz.scene import theme as themes
from dynviz.scene.identity import key
from dynviz.scene.marks import Axis, Readout, Scene

SMALLEST, LARGEST = 120, 8192
NOWHERE = Axis((0.0, 1.0))


class PixelCanvas:
    """Draws the scenes of a film, one after the other in any order.

    What stayed the same since the last scene is not drawn again. The pixels depend on the scene alone: a canvas that
    drew others before gives the same bytes as a new one.
    """

    def __init__(
        self,
        width: int,
        height: int,
        theme: themes.Theme | str = "light",
        lettering: Lettering = SCREEN,
        *,
        head: bool = True,
    ) -> None:
        """Create a canvas.

        Args:
            width: In pixels.
            height: In pixels.
            theme: Its colours, or their name.
            lettering: Its letters.
            head: Whether the scene's title, readouts and step stand above the panels.

        Raises:
            DynvizError: The size is none that can be drawn, or there is no such theme.
        """
        if not (SMALLEST <= width <= LARGEST and SMALLEST <= height <= LARGEST):
            raise DynvizError(
                f"a picture of {width}x{height} pixels cannot be drawn; each side is from {SMALLEST} to {LARGEST}"
            )
        self.theme = themes.theme(theme) if isinstance(theme, str) else theme
        self._pen, self._shows_head = Pen(width, height, lettering), head
        self._image = blank(Rect(0, 0, width, height), self.theme.color("ground"))
        self._scene: Scene | None = None
        self._key: tuple[Any, ...] = ()
        self._layout: tuple[Any, ...] = ()
        self._painters: list[PixelPanelPainter] = []
        self._head: Head | None = None
        self._foot: Foot | None = None

    @property
    def places(self) -> tuple[PanelPlace, ...]:
        """Where the panels of the last scene stand, in pixels."""
        return tuple(painter.place for painter in self._painters)

    def draw(self, scene: Scene, *, named: bool = True) -> Image:
        """The picture [height, width, 3] of a scene, a new array each time.

        Args:
            scene: The scene.
            named: Whether words stand in the plots.
        """
        scene_key = key(scene)
        if self._scene is None or scene_key != self._key:
            # The key holds arrays by identity: the scene keeps them alive, so that no other array takes their place.
            self._key, self._scene = scene_key, scene
            self._lay_out(scene)
        if self._head is not None:
            self._head.draw(self._image, scene)
        for painter, panel in zip(self._painters, scene.panels, strict=False):
            painter.draw(self._image, panel, named=named)
        if self._foot is not None:
            self._foot.draw(self._image, scene.step)
        return self._image.copy()

    def poster(self, first: Scene, last: Scene) -> Image:
        """The first picture of an animation, under it the last one at a third of its strength, without its words."""
        end = self.draw(last, named=False)
        shapes = [layer for painter in self._painters for layer in painter.layers]
        image = self.draw(first)
        for painter in self._painters:
            painter.lay_over(image, end, shapes)
        return image

    def head_height(self, scene: Scene) -> int:
        """How many pixels the words above the panels take."""
        return pixel_page(scene, self._pen).title.area.height

    def _lay_out(self, scene: Scene) -> None:
        """Lay out the scene; new painters are needed only where its page differs from the last one."""
        page = pixel_page(scene, self._pen, head=self._shows_head)
        layout = page, [(panel.x, panel.y) for panel in scene.panels]
        if layout == self._layout:
            return
        self._layout = layout
        self._image[...] = self.theme.color("ground")
        self._foot = None
        if page.scale is not None:
            self._foot = Foot(page.scale, self._easel(page.metrics, page.scale.area, NOWHERE, NOWHERE))
        if self._shows_head:
            self._head = Head(page.title, self._easel(page.metrics, page.title.area, NOWHERE, NOWHERE))
        self._painters = [
            PixelPanelPainter(place, self._easel(page.metrics, place.plot, panel.x, panel.y))
            for place, panel in zip(page.places, scene.panels, strict=False)
        ]

    def _easel(self, metrics: PixelMetrics, plot: Rect, x: Axis, y: Axis) -> PixelEasel:
        return PixelEasel(metrics, self.theme, plot, x, y)


class Head:
    """Draws the strip with the scene's title, its readouts and the step."""

    def __init__(self, title: TitleStrip, easel: PixelEasel) -> None:
        self._easel = easel
        self._counter = title.counter
        self._readouts = Readouts(title.spots, easel)
        self._step = Readouts([], easel)
        paper = blank(easel.plot, easel.theme.color("ground"))
        for placed in title.words:
            for layer in words(placed, easel):
                layer.put(paper)
        self._stack = LayerStack(easel.plot, paper)

    def draw(self, image: Image, scene: Scene) -> None:
        """Draw the strip into the image."""
        layers = self._readouts.layers(scene.readouts)
        if self._counter:
            text = step_words(scene)
            left = self._counter.left - self._easel.pen.measure(text, self._easel.sizes.words)
            self._step.spots = [ReadoutSpot(left, self._counter.baseline, self._counter.room)]
            layers += self._step.layers([Readout(text, "muted")])
        self._stack.draw(image, layers)


class Foot:
    """Draws the scale of steps: a line with ticks, darker up to now, where a dot stands."""

    def __init__(self, place: StepScalePlace, easel: PixelEasel) -> None:
        self._place, self._easel = place, easel
        paper = blank(Rect(0, 0, *easel.canvas), easel.theme.color("ground"))
        line, thin = easel.theme.color("grid"), easel.sizes.thin
        length = round(0.3 * easel.sizes.ticks.size)
        paper[place.row : place.row + thin, place.left : place.right + 1] = line
        for column in place.ticks:
            paper[place.row : place.row + thin + length, column : column + thin] = easel.theme.color("muted")
        for placed in place.words:
            for layer in words(placed, easel):
                layer.put(paper)
        area = place.area
        kept = paper[area.top : area.bottom, area.left : area.right].copy()
        self._stack = LayerStack(area, kept)

    def draw(self, image: Image, step: int) -> None:
        """Draw the scale into the image."""
        place, easel = self._place, self._easel
        thin, column = easel.sizes.thin, place.column(step)
        passed = blank(Rect(0, 0, column + 1 - place.left, thin), easel.theme.color("muted"))
        at = np.array([[column + thin / 2, place.row + thin / 2]])
        dot = markers(at, "dot", easel.sizes.dot, easel.canvas)
        layers: list[Layer] = [
            Tile(Rect(place.left, place.row, column + 1 - place.left, thin), passed),
            easel.stain(dot, "text"),
        ]
        self._stack.draw(image, layers)
