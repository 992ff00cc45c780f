"""Pictures without a ground: what is drawn stands on nothing, at the edges of letters and lines too.

A scene is drawn on black and on white. Where both pictures agree it is opaque; where they differ by all there is,
nothing was drawn; in between lie the edges. So the share of each pixel and its colour follow exactly.
"""

from dataclasses import fields

import numpy as np

from dynviz.frame import Pixels
from dynviz.frozen import frozen
from dynviz.pixels import PixelCanvas
from dynviz.scene import theme as themes
from dynviz.scene.marks import Scene
from dynviz.scene.theme import RGB, Theme

BLACK, WHITE = (0, 0, 0), (255, 255, 255)


@frozen
class OnGround(Theme):
    """A theme on another ground, whose words and futures keep the colours that they have on their own."""

    own: Theme = themes.light

    def future(self, role: str) -> float:
        """How much of its colour the future of a line keeps on its own ground."""
        return self.own.future(role)

    def ink(self, role: str) -> RGB:
        """The colour of words of a role on its own ground."""
        return self.own.ink(role)


def on(ground: RGB, own: Theme) -> Theme:
    """A theme with another ground.

    >>> on(BLACK, themes.light).color("ground"), on(BLACK, themes.light).ink("text") == themes.light.ink("text")
    ((0, 0, 0), True)
    """
    same = {item.name: getattr(own, item.name) for item in fields(own) if item.init}
    return OnGround(**same | {"colors": {**own.colors, "ground": ground}}, own=own)


class Cutout:
    """Draws scenes on a transparent background."""

    def __init__(self, width: int, height: int, theme: str) -> None:
        own = themes.theme(theme)
        self._black, self._white = (PixelCanvas(width, height, on(ground, own)) for ground in (BLACK, WHITE))

    def draw(self, scene: Scene) -> Pixels:
        """The picture [height, width, 4] of a scene."""
        return unmixed(self._black.draw(scene), self._white.draw(scene))

    def head_height(self, scene: Scene) -> int:
        """How many pixels the words above the panels take."""
        return self._black.head_height(scene)

    def poster(self, first: Scene, last: Scene) -> Pixels:
        """The first picture of an animation [height, width, 4]; see `PixelCanvas.poster`."""
        return unmixed(self._black.poster(first, last), self._white.poster(first, last))


def unmixed(black: Pixels, white: Pixels) -> Pixels:
    """Colours and shares [..., 4] of what was laid over black and over white [..., 3].

    >>> unmixed(np.array([[50, 0, 0]], np.uint8), np.array([[178, 128, 128]], np.uint8)).tolist()
    [[100, 0, 0, 127]]
    """
    under = white.astype(np.int16) - black
    share = (255 - under.max(axis=-1)).clip(0, 255)
    pixels = np.zeros((*black.shape[:-1], 4), np.uint8)
    whole = share[..., None].astype(np.float32) / 255
    with np.errstate(divide="ignore", invalid="ignore"):
        color = np.where(whole > 0, black / whole, 0)
    pixels[..., :3] = color.round().clip(0, 255)
    pixels[..., 3] = share
    return pixels
