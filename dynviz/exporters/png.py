"""PNG: one picture, or a contact sheet of several frames."""

import io
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from dynviz.encoding.patches import colors_for
from dynviz.frame import Background, Frame, Pixels, Quality, Sheet, exporter
from dynviz.scene.palette import Palette


# All frames of a sheet are in memory, and among more than a hundred none could be found.
@exporter(motion=False, most=100)
def export(
    frames: Iterator[Frame],
    target: Path,
    sheet: Sheet,
    *,
    background: Background = "theme",  # noqa: ARG001 - the frames come without a ground where they should
    quality: Quality = "best",
    columns: int = 0,
    gap: int = 8,
) -> None:
    """Write a lone frame as it is, several as a grid in reading order.

    Args:
        frames: At least one, all of one size.
        target: The file.
        sheet: How many come; the comment and the words for what is seen are kept in the file.
        background: That of the theme, or none.
        quality: `small` has 255 colours, those that the pictures need; `balanced` and `best` have all.
        columns: Columns of a contact sheet; 0 makes it about as wide as high.
        gap: Pixels between frames.
    """
    from imageio.v3 import imwrite

    tiles = [frame.pixels for frame in frames]
    info = PngInfo()
    # A recipe of many runs repeats itself.
    info.add_itxt("Comment", sheet.remarks, zip=True)
    if sheet.alt:
        info.add_itxt("Description", sheet.alt)
    paper = grid(tiles, columns, gap)
    if sheet.header is not None and len(tiles) > 1:
        paper = np.concatenate([sheet.header(paper.shape[1]), paper])
    if quality == "small" and paper.shape[2] == 3:
        file = io.BytesIO()
        _indexed(paper, colors_for(sheet, "best")).save(file, "PNG", optimize=True, pnginfo=info)
        target.write_bytes(file.getvalue())
        return
    # Not to the file itself: where the disk is full, imageio would complain a second time when it is collected.
    target.write_bytes(imwrite("<bytes>", paper, plugin="pillow", extension=".png", pnginfo=info))


def _indexed(pixels: Pixels, colors: Pixels) -> Image.Image:
    """A picture that holds places in a palette."""
    indices = Palette(colors).indices(pixels.reshape(-1, 3)).reshape(pixels.shape[:2])
    picture = Image.frombuffer("P", (pixels.shape[1], pixels.shape[0]), indices.tobytes(), "raw", "P", 0, 1)
    picture.putpalette(colors.tobytes())
    return picture


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
