"""What changes from one picture to the next, for formats that hold a transparent patch for each frame."""

from dataclasses import dataclass

import numpy as np

from dynviz.encoding.palettes import fitted, thinned
from dynviz.frame import Pixels, Quality, Sheet
from dynviz.scene.palette import Palette

FEW = 64
"""Colours of a small file."""
PREVIEWS = 8
"""Pictures that the colours of the best file are chosen by, where it has few."""


def colors_for(sheet: Sheet, quality: Quality, most: int = 255) -> Pixels:
    """The colours of a whole animation [at most `most`, 3]: some of the theme's, all of them, or what pictures need."""
    colors = sheet.palette[:most]
    if quality == "small":
        return thinned(colors, FEW, sheet.theme.pinned())
    return fitted(colors, sheet.previews(PREVIEWS)) if quality == "best" else colors


@dataclass(frozen=True)
class Patch:
    """A part of a picture.

    Attributes:
        left: Where it lies.
        top: Where it lies.
        pixels: [rows, columns, 4]; with `over`, those that stay are transparent.
        over: Whether it is laid over what was there, or takes its place.
    """

    left: int
    top: int
    pixels: Pixels
    over: bool


class Patches:
    """Gives the patch that makes one picture of the one before, in the colours of a palette or in its own."""

    def __init__(self, colors: Pixels | None = None, grid: int = 1) -> None:
        """Take colours.

        Args:
            colors: [colors, 3]; None keeps those of the pictures.
            grid: Patches begin at multiples of so many pixels.
        """
        self._colors, self._grid = colors, grid
        # Made where it is used: its table is large, and this travels to other processes.
        self._palette: Palette | None = None
        self._last: tuple[Pixels, Pixels] | None = None

    def patch(self, before: Pixels | None, after: Pixels) -> Patch | None:
        """What is new in `after`; all of it where nothing was before; None where nothing is new."""
        old = None if before is None else self._reduced(before)
        new = self._reduced(after)
        self._last = after, new
        if old is None:
            return Patch(0, 0, _opaque(new), over=new.shape[2] == 3)
        different = (old != new).any(axis=-1)
        rows, columns = np.flatnonzero(different.any(axis=1)), np.flatnonzero(different.any(axis=0))
        if not len(rows):
            return None
        top, left = (int(at[0]) // self._grid * self._grid for at in (rows, columns))
        area = slice(top, int(rows[-1]) + 1), slice(left, int(columns[-1]) + 1)
        pixels = _opaque(new[area])
        over = new.shape[2] == 3
        if over:
            pixels[~different[area]] = 0
        return Patch(left, top, pixels, over)

    def _reduced(self, pixels: Pixels) -> Pixels:
        if self._colors is None:
            return pixels
        if self._last is not None and self._last[0] is pixels:
            return self._last[1]
        if self._palette is None:
            self._palette = Palette(self._colors)
        reduced = self._palette.colors[self._palette.indices(pixels[..., :3].reshape(-1, 3))]
        reduced = reduced.reshape(*pixels.shape[:2], 3)
        if pixels.shape[2] == 3:
            return reduced
        return np.concatenate([np.where(pixels[..., 3:] > 0, reduced, 0).astype(np.uint8), pixels[..., 3:]], axis=-1)


def _opaque(pixels: Pixels) -> Pixels:
    """A copy [rows, columns, 4]."""
    opaque = np.full((*pixels.shape[:2], 4), 255, np.uint8)
    opaque[..., : pixels.shape[2]] = pixels
    return opaque
