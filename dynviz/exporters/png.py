"""PNG: one picture, or a sheet of as many key frames as are asked for."""

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from dynviz.frame import Background, Frame, Sheet, exporter

FULL_SIZE = 4
"""Up to so many frames are shown as large as they are; more are shown at half their size."""


# All frames of a sheet are in memory, and among more than a hundred none could be found.
@exporter(motion=False, most=100)
def export(
    frames: Iterator[Frame],
    target: Path,
    sheet: Sheet,
    *,
    background: Background = "theme",  # noqa: ARG001 - the frames come without a ground where they should
    columns: int = 0,
    gap: int = 8,
) -> None:
    """Write a lone frame as it is, several as a grid in reading order.

    Args:
        frames: At least one, all of one size.
        target: The file.
        sheet: How many come; the comment and the words for what is seen are kept in the file.
        background: That of the theme, or none.
        columns: Of the grid; 0 makes it about as wide as high.
        gap: Pixels between frames.
    """
    from imageio.v3 import imwrite

    half = sheet.count > FULL_SIZE
    tiles = [_smaller(frame.pixels) if half else frame.pixels for frame in frames]
    info = PngInfo()
    info.add_itxt("Comment", sheet.comment)
    if sheet.alt:
        info.add_itxt("Description", sheet.alt)
    # Not to the file itself: where the disk is full, imageio would complain a second time when it is collected.
    target.write_bytes(imwrite("<bytes>", grid(tiles, columns, gap), plugin="pillow", extension=".png", pnginfo=info))


def grid(tiles: list[NDArray[np.uint8]], columns: int, gap: int) -> NDArray[np.uint8]:
    """Tiles of one size in rows on their own ground, which is the colour of the first one's corner."""
    if len(tiles) == 1:
        return tiles[0]
    columns = min(columns, len(tiles)) if columns > 0 else math.ceil(math.sqrt(len(tiles)))
    rows = -(-len(tiles) // columns)
    height, width = tiles[0].shape[:2]
    paper = np.empty((rows * (height + gap) - gap, columns * (width + gap) - gap, tiles[0].shape[2]), dtype=np.uint8)
    paper[...] = tiles[0][0, 0]
    for index, tile in enumerate(tiles):
        row, column = divmod(index, columns)
        top, left = row * (height + gap), column * (width + gap)
        paper[top : top + height, left : left + width] = tile
    return paper


def _smaller(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(Image.fromarray(pixels).reduce(2))
