"""The changes from one picture to the next, for formats that store a transparent patch per frame."""

import numpy as np

from dynviz.encoding.palettes import fitted, wanted
from dynviz.frame import Pixels, Quality, Sheet
from dynviz.frozen import frozen
from dynviz.scene.palette import Palette

FEW = 48
"""Colours of a small file."""
PREVIEWS = 8
"""Pictures by which the few colours of a small or of the best file are chosen."""


def colors_for(sheet: Sheet, quality: Quality, most: int = 255) -> Pixels:
    """The colours of an animation [at most `most`, 3]: some or all of the theme's, or fitted to the pictures."""
    colors = sheet.palette[:most]
    if quality == "small":
        theme = sheet.theme
        return wanted(colors, FEW, sheet.previews(PREVIEWS), theme.colors.values(), theme.pinned(sheet.terms))
    return fitted(colors, sheet.previews(PREVIEWS)) if quality == "best" else colors


@frozen
class Patch:
    """A part of a picture.

    Attributes:
        left: Where it lies.
        top: Where it lies.
        pixels: [rows, columns, 4]; with `over`, unchanged pixels are transparent.
        over: Whether it is blended over the previous picture, or replaces it.
    """

    left: int
    top: int
    pixels: Pixels
    over: bool


class Patches:
    """Computes the patch that turns one picture into the next, in the colours of a palette or in its own."""

    def __init__(self, colors: Pixels | None = None, grid: int = 1) -> None:
        """Set the colours.

        Args:
            colors: The palette [colors, 3]; None keeps the colours of the pictures.
            grid: Patches begin at multiples of this number of pixels.
        """
        self._colors, self._grid = colors, grid
        # Made where it is used: its table is large, and this travels to other processes.
        self._palette: Palette | None = None
        self._last: tuple[Pixels, Pixels] | None = None

    def patch(self, before: Pixels | None, after: Pixels) -> Patch | None:
        """The changes in `after`; all of it if there is no previous picture; None if nothing changed."""
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
