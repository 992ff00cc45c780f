"""APNG: an animated PNG, with the palette of a GIF or in full colour.

Pillow's and imageio's writers take all frames at once, which memory must hold, and cannot be given a palette: their
files are several times as large.
"""

import io
import struct
import zlib
from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from dynviz.encoding.clock import Clock
from dynviz.encoding.patches import Patches, colors_for
from dynviz.frame import Background, Frames, Pixels, Quality, Sheet, exporter
from dynviz.scene.palette import Palette

TRANSPARENT = 255
INDEXED, FULL = 3, 6
"""Kinds of pixels: of a palette; red, green, blue and share."""
PLACE = struct.Struct(">IIII")
PER_SECOND, LONGEST = 1000, 0xFFFF
"""Units of time, and the most of them that a frame can stand."""
OVER, INSTEAD = 1, 0


@exporter(motion=True)
def export(
    frames: Frames,
    target: Path,
    sheet: Sheet,
    *,
    loop: int = 0,
    quality: Quality = "balanced",
    background: Background = "theme",
) -> None:
    """Write frames as they come; identical ones extend the time of the first.

    Args:
        frames: At least one, all of one size.
        target: The file.
        sheet: Size, palette and comment.
        loop: How many times it plays; 0 repeats forever.
        quality: `small` has some 48 colours of the theme, those that the pictures show, `balanced` all of them, `best`
            the pixels as they are.
        background: That of the theme, or none.
    """
    colors = None if quality == "best" else colors_for(sheet, quality)
    kind = INDEXED if colors is not None and background == "theme" else FULL
    blend = OVER if background == "theme" else INSTEAD
    with target.open("wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        file.write(chunk(b"IHDR", struct.pack(">IIBBBBB", *sheet.size, 8, kind, 0, 0, 0)))
        counted = file.tell()
        file.write(chunk(b"acTL", bytes(8)))
        if kind == INDEXED and colors is not None:
            file.write(chunk(b"PLTE", _table(colors)) + chunk(b"tRNS", b"\xff" * TRANSPARENT + b"\0"))
        file.write(_text("Comment", sheet.remarks) + _text("Description", sheet.alt))
        count = 0
        for data, ticks in Clock(PER_SECOND, LONGEST).timed(frames.coded(ApngCoder(colors, kind))):
            shown = (_nothing(kind), OVER) if data is None else (data, blend)
            _write(file, count, ticks, *shown)
            count += 1
        file.write(chunk(b"IEND", b""))
        file.seek(counted)
        file.write(chunk(b"acTL", struct.pack(">II", count, loop)))


class ApngCoder:
    """Where each patch lies, 16 bytes, then its compressed pixels."""

    def __init__(self, colors: Pixels | None, kind: int) -> None:
        self._patches, self._colors, self._kind = Patches(colors), colors, kind
        self._palette: Palette | None = None

    def __call__(self, before: Pixels | None, after: Pixels) -> bytes:
        """The patch that makes one frame of the one before."""
        patch = self._patches.patch(before, after)
        if patch is None:
            return b""
        rows, columns = patch.pixels.shape[:2]
        return PLACE.pack(columns, rows, patch.left, patch.top) + _compressed(self._picture(patch.pixels))

    def _picture(self, pixels: Pixels) -> Image.Image:
        if self._kind == FULL or self._colors is None:
            return Image.fromarray(pixels)
        if self._palette is None:
            self._palette = Palette(self._colors)
        indices = self._palette.indices(pixels[..., :3].reshape(-1, 3)).reshape(pixels.shape[:2])
        indices[pixels[..., 3] == 0] = TRANSPARENT
        rows, columns = pixels.shape[:2]
        picture = Image.frombytes("P", (columns, rows), np.ascontiguousarray(indices).tobytes())
        # With fewer than 256 colours Pillow would write fewer bits for each pixel than the header says.
        picture.putpalette(_table(self._colors))
        return picture


def _table(colors: Pixels) -> bytes:
    return colors.tobytes().ljust(3 * 256, b"\0")


def _compressed(picture: Image.Image) -> bytes:
    """The data of a picture, out of the PNG that Pillow makes."""
    file = io.BytesIO()
    picture.save(file, format="PNG", compress_level=9)
    data, at, parts = file.getvalue(), 8, []
    while at < len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        if data[at + 4 : at + 8] == b"IDAT":
            parts.append(data[at + 8 : at + 8 + length])
        at += 12 + length
    return b"".join(parts)


def _nothing(kind: int) -> bytes:
    """One transparent pixel, for what stands longer than a frame can."""
    line = b"\0" + (bytes([TRANSPARENT]) if kind == INDEXED else bytes(4))
    return PLACE.pack(1, 1, 0, 0) + zlib.compress(line)


def _write(file: IO[bytes], index: int, ticks: int, data: bytes, blend: int) -> None:
    """One frame: its time and place, then its pixels. All chunks of frames are numbered through."""
    number = 0 if index == 0 else 2 * index - 1
    control = struct.pack(">I", number) + data[: PLACE.size] + struct.pack(">HHBB", ticks, PER_SECOND, 0, blend)
    file.write(chunk(b"fcTL", control))
    pixels = data[PLACE.size :]
    file.write(chunk(b"fdAT", struct.pack(">I", number + 1) + pixels) if index else chunk(b"IDAT", pixels))


def _text(name: str, text: str) -> bytes:
    info = PngInfo()
    info.add_itxt(name, text)
    return chunk(*info.chunks[0][:2]) if text else b""


def chunk(name: bytes, data: bytes) -> bytes:
    """A chunk with its length and its checksum."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
