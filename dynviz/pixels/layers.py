"""Layers that make up a panel's picture. A layer that is the same object as last time is not drawn again."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dynviz.layout.arrange import Rect
from dynviz.pixels.coverage import Coverage, Image, stain


@dataclass(frozen=True, eq=False)
class Stain:
    """A shape in a colour."""

    coverage: Coverage
    rgb: tuple[int, int, int]

    def put(self, image: Image) -> None:
        """Lay it over the image."""
        if len(self.coverage.places):
            stain(image, self.coverage, self.rgb)


@dataclass(frozen=True, eq=False)
class Tile:
    """Opaque pixels."""

    rect: Rect
    pixels: Image

    def put(self, image: Image) -> None:
        """Lay it over the image."""
        image[self.rect.top : self.rect.bottom, self.rect.left : self.rect.right] = self.pixels


Layer = Stain | Tile


class LayerStack:
    """Draws layers over a background, in a rectangle of an image that nothing else draws into.

    It keeps a picture of the lowest layers, as many as have stayed the same since the last time, and begins from there.
    """

    def __init__(self, rect: Rect, blank: Image) -> None:
        self._area = (slice(rect.top, rect.bottom), slice(rect.left, rect.right))
        self._blank = blank
        self._kept = blank
        self._count = 0
        self._last: list[Layer] = []

    @property
    def last(self) -> Sequence[Layer]:
        """The layers that were drawn last."""
        return self._last

    def draw(self, image: Image, layers: Sequence[Layer]) -> None:
        """Draw the layers into the rectangle of the image."""
        same = 0
        for one, other in zip(self._last, layers, strict=False):
            if one is not other:
                break
            same += 1
        if same == len(layers) == len(self._last) and same:
            return
        if same < self._count:
            self._kept, self._count = self._blank, 0
        image[self._area] = self._kept
        for layer in layers[self._count : same]:
            layer.put(image)
        if same > self._count:
            self._kept, self._count = image[self._area].copy(), same
        for layer in layers[same:]:
            layer.put(image)
        self._last = list(layers)


def blank(rect: Rect, rgb: tuple[int, int, int]) -> Image:
    """A rectangle of one colour."""
    return np.full((rect.height, rect.width, 3), rgb, dtype=np.uint8)
