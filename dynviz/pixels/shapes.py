"""Shapes, words and small pictures for one of matplotlib's vector renderers, at places in pixels of the page."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from matplotlib.font_manager import FontProperties
from matplotlib.path import Path
from matplotlib.textpath import TextPath
from matplotlib.transforms import Affine2D, Bbox
from numpy.typing import NDArray

from dynviz.layout.arrange import Rect
from dynviz.layout.metrics import Font
from dynviz.pixels.arrows import Shapes, heads_path, shafts_line
from dynviz.pixels.coverage import Image
from dynviz.pixels.markers import TURNS
from dynviz.pixels.pen import Pen
from dynviz.scene.marks import Marker
from dynviz.scene.theme import Theme
from dynviz.text import clean

Floats = NDArray[np.float64]

HALO = 3.0
"""Width of the stroke around words that stand over shapes."""


@dataclass
class VectorPen:
    """Draws with a renderer; the origin is the upper left corner of the page.

    Attributes:
        renderer: One of matplotlib's.
        pen: Gives the size of the page, and measures words.
        theme: Gives colours.
        ground: Whether the page has a ground.
        families: Fonts to write with, the best first.
        lengths: How long each of the words drawn so far is, in pixels.
    """

    renderer: Any
    pen: Pen
    theme: Theme
    ground: bool
    families: tuple[str, ...]
    lengths: list[float] = field(default_factory=list)

    def stroke(
        self,
        points: Floats,
        role: str,
        width: float,
        *,
        share: float = 1.0,
        dash: tuple[float, ...] | None = None,
        clip: Rect | None = None,
    ) -> None:
        """A line through points [points, 2], broken where they are NaN; its dashes are in widths of the line."""
        context = self._context(role, width, clip, share)
        context.set_capstyle("butt" if dash else "round")
        if dash:
            context.set_dashes(0, [part * width for part in dash])
        self.renderer.draw_path(context, Path(_twice_if_alone(points)), self._flip, None)

    def fill(self, path: Path, role: str, *, share: float = 1.0, clip: Rect | None = None) -> None:
        """The inside of closed curves."""
        color = (*self._color(role), share)
        self.renderer.draw_path(self._context(role, 0, clip), path, self._flip, color)

    def rectangle(self, rect: tuple[float, float, float, float], role: str, clip: Rect | None = None) -> None:
        """A filled rectangle: left, top, right and bottom."""
        left, top, right, bottom = rect
        corners = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]
        self.fill(Path(corners, closed=True), role, clip=clip)

    def markers(
        self, marker: Marker, points: Floats, radius: float, role: str, *, share: float = 1.0, rim: float = 0.0
    ) -> None:
        """Markers at points [points, 2], each of which reaches `rim` further than its radius."""
        path, width, filled = _marker(marker, radius, rim)
        context = self._context(role, width, None, share)
        color = (*self._color(role), share) if filled else None
        self.renderer.draw_markers(context, path, Affine2D(), Path(points), self._flip, color)

    def arrows(self, shapes: Shapes, role: str, clip: Rect | None = None) -> None:
        """Arrows of one colour."""
        if len(shapes.shafts):
            self.stroke(shafts_line(shapes), role, shapes.width, clip=clip)
        if len(shapes.heads):
            self.fill(heads_path(shapes), role, clip=clip)
        if len(shapes.dots):
            self.markers("dot", shapes.dots, shapes.radius, role)

    def image(self, pixels: Image, rect: tuple[float, float, float, float], clip: Rect | None = None) -> None:
        """Pixels [rows, columns, 3], the first row at the top, from left and top to right and bottom."""
        left, top, right, bottom = rect
        opaque = np.full((*pixels.shape[:2], 4), 255, np.uint8)
        opaque[..., :3] = pixels[::-1]
        place = Affine2D().scale(right - left, bottom - top)
        self.renderer.draw_image(self._context("ground", 0, clip), left, self.pen.height - bottom, opaque, place)

    def write(self, text: str, font: Font, role: str, left: float, baseline: float) -> None:
        """Words that begin and stand at a place."""
        if not text:
            return
        self.lengths.append(self.pen.measure(text, font))
        context = self._context(role, 0, None)
        context.set_foreground(_unit(self.theme.ink(role)))
        properties = FontProperties(family=self.families, size=font.size, weight="bold" if font.bold else "normal")
        row = baseline if self.renderer.flipy() else self.pen.height - baseline
        self.renderer.draw_text(context, left, row, clean(text), properties, 0)

    def write_over(self, text: str, font: Font, role: str, place: tuple[float, float]) -> None:
        """Words over shapes, with a border in the ground's colour."""
        left, baseline = place
        if self.ground and text:
            family = FontProperties(family=self.families[0], weight="bold" if font.bold else "normal")
            outline = TextPath((0, 0), clean(text), size=font.size, prop=family)
            points = Affine2D().scale(1, -1).translate(left, baseline).transform_path(outline)
            self.renderer.draw_path(self._context("ground", HALO, None), points, self._flip, None)
        self.write(text, font, role, left, baseline)

    @property
    def _flip(self) -> Affine2D:
        return Affine2D().scale(1, -1).translate(0, self.pen.height)

    def _color(self, role: str) -> tuple[float, float, float]:
        return _unit(self.theme.color(role))

    def _context(self, role: str, width: float, clip: Rect | None, share: float = 1.0) -> Any:
        context = self.renderer.new_gc()
        context.set_foreground((*self._color(role), share), isRGBA=True)
        context.set_linewidth(width)
        context.set_joinstyle("round")
        if clip:
            bottom = self.pen.height - clip.bottom
            context.set_clip_rectangle(Bbox.from_bounds(clip.left, bottom, clip.width, clip.height))
        return context


def _unit(rgb: tuple[int, int, int]) -> tuple[float, float, float]:
    red, green, blue = (value / 255 for value in rgb)
    return red, green, blue


def _twice_if_alone(points: Floats) -> Floats:
    """The points, and a second time those between two gaps: a path of no length is drawn as a dot."""
    good = np.isfinite(points).all(axis=1)
    beside = np.concatenate([[False], good, [False]])
    return points.repeat(np.where(good & ~beside[:-2] & ~beside[2:], 2, 1), axis=0)


def _marker(marker: Marker, radius: float, rim: float) -> tuple[Path, float, bool]:
    """A marker's path around the origin, upright; the width of its line; whether it is filled."""
    if marker == "ring":
        half = max(radius * 0.18, 0.6)
        return Path.circle(radius=radius - half), 2 * (half + rim), False
    if marker == "cross":
        arm = (radius + rim) / np.sqrt(2)
        path = Path([(-arm, -arm), (arm, arm), (-arm, arm), (arm, -arm)], [Path.MOVETO, Path.LINETO] * 2)
        return path, 2 * (max(radius * 0.2, 0.6) + rim), False
    if marker in TURNS:
        across, down = TURNS[marker]
        corners = np.array([[0.0, 0.0], [1.0, 1.5], [-1.0, 1.5], [0.0, 0.0]]) * radius
        # From the tip, right and up.
        turned = np.stack(
            [down * corners[:, 0] + across * corners[:, 1], across * corners[:, 0] - down * corners[:, 1]], axis=1
        )
        return Path(turned, closed=True), 2 * rim, True
    if marker == "star":
        turn, reach = np.arange(11) * np.pi / 5, np.where(np.arange(11) % 2, 0.45 * radius, radius)
        return Path(np.stack([reach * np.sin(turn), reach * np.cos(turn)], axis=1), closed=True), 2 * rim, True
    return Path.circle(radius=radius + rim), 0.0, True
