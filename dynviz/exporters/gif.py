"""GIF: one palette for the whole animation; stores only what changes."""

import struct
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray
from PIL import GifImagePlugin, Image

from dynviz.encoding.clock import Clock
from dynviz.encoding.patches import colors_for
from dynviz.frame import Frames, Pixels, Quality, Sheet, exporter
from dynviz.scene.palette import Palette

TRANSPARENT = 255
SHORTEST = 2
"""Hundredths of a second; players slow down what is shown for less."""
LONGEST = 0xFFFF
"""Hundredths of a second; what stands longer is followed by images that change nothing."""


@exporter(motion=True)
def export(frames: Frames, target: Path, sheet: Sheet, *, loop: int = 0, quality: Quality = "balanced") -> None:
    """Write frames as they come; identical ones extend the time of the first.

    Args:
        frames: At least one, all of one size.
        target: The file.
        sheet: Palette and comment.
        loop: How many times it plays; 0 repeats forever.
        quality: `small` has some 48 colours of the theme, those that the pictures show, `balanced` all of them, `best`
            those that the pictures need.
    """
    colors = colors_for(sheet, quality, TRANSPARENT)
    clock = Clock(100, LONGEST, SHORTEST)
    with target.open("wb") as file:
        file.write(header(*sheet.size, colors, loop, sheet.remarks))
        for data, delay in clock.timed(frames.coded(GifCoder(colors))):
            write(file, NOTHING if data is None else data, delay)
        file.write(b";")


class GifCoder:
    """Images of what changes from frame to frame, in the colours of a palette."""

    def __init__(self, colors: Pixels) -> None:
        self._colors = colors
        # Made where it is used: its table is large, and this travels to other processes.
        self._palette: Palette | None = None
        self._before: Pixels | None = None
        self._shown = np.empty((0, 0), np.uint8)

    def __call__(self, before: Pixels | None, after: Pixels) -> bytes:
        """The image that makes one frame of the one before."""
        if self._palette is None:
            self._palette = Palette(self._colors)
        if before is None or before is not self._before:
            self._shown = _indices(after if before is None else before, self._palette)
        self._before = after
        if before is None:
            return image(self._shown, (0, 0))
        return changed(before, after, self._shown, self._palette)


def _indices(pixels: Pixels, palette: Palette) -> Pixels:
    return palette.indices(pixels.reshape(-1, 3)).reshape(pixels.shape[:2])


def header(width: int, height: int, colors: NDArray[np.uint8], loop: int, comment: str) -> bytes:
    """Screen, palette of 256 colours, how often to play, and the comment."""
    table = colors.tobytes().ljust(3 * 256, b"\0")
    text = comment.encode()
    blocks = b"".join(bytes([len(text[i : i + 255])]) + text[i : i + 255] for i in range(0, len(text), 255))
    return b"".join(
        (
            b"GIF89a",
            struct.pack("<HHBBB", width, height, 0xF7, 0, 0),
            table,
            # The number that follows counts repeats: browsers show a file once more often. 0 is without end.
            b"!\xff\x0bNETSCAPE2.0\x03\x01" + struct.pack("<H", max(loop - 1, 0)) + b"\0" if loop != 1 else b"",
            b"!\xfe" + blocks + b"\0" if text else b"",
        )
    )


def changed(before: NDArray[np.uint8], after: NDArray[np.uint8], shown: NDArray[np.uint8], palette: Palette) -> bytes:
    """The image of what differs, and `shown` [height, width] brought up to date; empty where nothing does.

    Pixels that stay are left transparent where that makes longer runs, which the coder turns into fewer bytes.
    """
    different = before != after
    area = box(different)
    if area is None:
        return b""
    old, parts = shown[area], different[area]
    touched = parts[..., 0] | parts[..., 1] | parts[..., 2]
    new = old.copy()
    new[touched] = palette.indices(after[area][touched])
    same = new == old
    if same.all():
        return b""
    sparse = np.where(same, np.uint8(TRANSPARENT), new)
    old[...] = new
    shortest = sparse if _turns(sparse) < _turns(new) else new
    return image(shortest, (area[1].start, area[0].start))


def box(different: NDArray[np.bool_]) -> tuple[slice, slice] | None:
    """Rows and columns around all that is true in [height, width, 3]; None where nothing is."""
    rows = np.flatnonzero(different.reshape(len(different), -1).any(axis=1))
    if not len(rows):
        return None
    down = slice(int(rows[0]), int(rows[-1]) + 1)
    columns = np.flatnonzero(different[down].any(axis=0).any(axis=-1))
    return down, slice(int(columns[0]), int(columns[-1]) + 1)


def _turns(indices: NDArray[np.uint8]) -> int:
    return int(np.count_nonzero(indices[:, 1:] != indices[:, :-1]))


def image(indices: NDArray[np.uint8], corner: tuple[int, int]) -> bytes:
    """One image [rows, columns] of indices at a corner (left, top), coded by Pillow."""
    rows, columns = indices.shape
    picture = Image.frombuffer("P", (columns, rows), indices.tobytes(), "raw", "P", 0, 1)
    return b"".join(GifImagePlugin.getdata(picture, corner, interlace=0))


def write(file: IO[bytes], data: bytes, delay: int) -> None:
    """An image, and for how long it stands."""
    file.write(b"!\xf9\x04" + struct.pack("<BHB", 0b101, delay, TRANSPARENT) + b"\0" + data)


NOTHING = image(np.full((1, 1), TRANSPARENT, np.uint8), (0, 0))
"""An image of one transparent pixel."""
