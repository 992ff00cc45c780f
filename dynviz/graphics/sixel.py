"""Sixels: a picture in bands of six rows, each band once for each of its colours.

Source: the VT330/VT340 programmer reference manual, volume 2, chapter 14
"""

import numpy as np
from numpy.typing import NDArray

from dynviz.frame import Pixels
from dynviz.scene.palette import Palette

BAND = 6
"""Rows of a band: a character holds one column of it, the uppermost row in its lowest bit."""
ZERO = ord("?")
FEWEST = 4
"""Equal characters that are shorter as a repetition."""
PERCENT = 100
"""A channel of a colour at its strongest."""


def sixels(pixels: Pixels, palette: Palette) -> str:
    """The text that shows pixels [height, width, 3] at the cursor, in the nearest colours of a palette."""
    height, width = pixels.shape[:2]
    indices = palette.indices(pixels.reshape(-1, 3)).reshape(height, width)
    shares = np.rint(palette.colors / 255 * PERCENT).astype(int).tolist()
    used = np.unique(indices).tolist()
    table = "".join(f"#{index};2;{';'.join(map(str, shares[index]))}" for index in used)
    # Pixels have the shape of squares, and what is not drawn keeps its colour.
    return f'\x1bP0;1q"1;1;{width};{height}{table}{"-".join(_bands(indices))}\x1b\\'


def _bands(indices: NDArray[np.uint8]) -> list[str]:
    bits = (1 << np.arange(BAND, dtype=np.uint8))[:, None]
    bands = []
    for top in range(0, len(indices), BAND):
        band = indices[top : top + BAND]
        rows = [
            f"#{index}{_packed(((band == index) * bits[: len(band)]).sum(axis=0, dtype=np.uint8))}"
            for index in np.unique(band).tolist()
        ]
        bands.append("$".join(rows))
    return bands


def _packed(columns: NDArray[np.uint8]) -> str:
    """The characters of one colour, those that are repeated as a count; nothing after the last that draws."""
    ends = np.append(np.flatnonzero(np.diff(columns)) + 1, len(columns))
    starts = np.append(0, ends[:-1])
    runs = [(int(end - start), int(columns[start])) for start, end in zip(starts, ends, strict=True)]
    if runs and not runs[-1][1]:
        runs.pop()
    pieces = []
    for count, value in runs:
        character = chr(ZERO + value)
        pieces.append(character * count if count < FEWEST else f"!{count}{character}")
    return "".join(pieces)
