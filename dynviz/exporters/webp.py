"""WebP: lossless; stores only what changes, usually the smallest animation.

imageio codes the parts that change. It could write the whole animation, too, but would have to hold all of its frames.
"""

import struct
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np

from dynviz.encoding.clock import Clock
from dynviz.encoding.patches import Patch, Patches, colors_for
from dynviz.frame import Background, Frames, Pixels, Quality, Sheet, exporter

LONGEST = 0xFFFFFF
"""Milliseconds; what stands longer is followed by frames that change nothing."""
NOTHING = Patch(0, 0, np.zeros((1, 1, 4), np.uint8), over=True)
XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/" rdf:about=""><dc:description><rdf:Alt>'
    '<rdf:li xml:lang="x-default">{text}</rdf:li>'
    "</rdf:Alt></dc:description></rdf:Description></rdf:RDF></x:xmpmeta>"
)


@exporter(motion=True)
def export(
    frames: Frames,
    target: Path,
    sheet: Sheet,
    *,
    loop: int = 0,
    quality: Quality = "balanced",
    background: Background = "theme",  # noqa: ARG001 - the frames come without a ground where they should
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
    width, height = sheet.size
    with target.open("wb") as file:
        file.write(b"RIFF\0\0\0\0WEBP")
        # Flags: metadata, transparency, animation.
        file.write(chunk(b"VP8X", struct.pack("<I", 0x16) + _three(width - 1) + _three(height - 1)))
        file.write(chunk(b"ANIM", struct.pack("<IH", 0, loop)))
        coder = WebpCoder(None if quality == "best" else colors_for(sheet, quality))
        for changed, duration in Clock(1000, LONGEST).timed(frames.coded(coder)):
            data = _coded(NOTHING) if changed is None else changed
            file.write(chunk(b"ANMF", data[:12] + _three(duration) + data[12:]))
        file.write(chunk(b"XMP ", XMP.format(text=escape(sheet.remarks)).encode()))
        size = file.tell() - 8
        file.seek(4)
        file.write(struct.pack("<I", size))


class WebpCoder:
    """Where each patch lies and how it is laid down, 13 bytes, then its image."""

    def __init__(self, colors: Pixels | None) -> None:
        self._patches = Patches(colors, grid=2)

    def __call__(self, before: Pixels | None, after: Pixels) -> bytes:
        """The patch that makes one frame of the one before."""
        patch = self._patches.patch(before, after)
        return b"" if patch is None else _coded(patch)


def _coded(patch: Patch) -> bytes:
    """A patch's place and the way it is laid down, then its image."""
    rows, columns = patch.pixels.shape[:2]
    numbers = (patch.left // 2, patch.top // 2, columns - 1, rows - 1)
    return b"".join(map(_three, numbers)) + bytes([0 if patch.over else 2]) + _image(patch)


def still(patch: Patch) -> bytes:
    """A whole file of a patch alone."""
    from imageio.v3 import imwrite

    return imwrite("<bytes>", patch.pixels, plugin="pillow", extension=".webp", lossless=True, quality=40, method=4)


def _image(patch: Patch) -> bytes:
    """The chunk of a patch's pixels, out of the file that it would be alone."""
    data, at = still(patch), 12
    while data[at : at + 4] != b"VP8L":
        at += 8 + int.from_bytes(data[at + 4 : at + 8], "little") + 1 & ~1
    size = int.from_bytes(data[at + 4 : at + 8], "little")
    return chunk(b"VP8L", data[at + 8 : at + 8 + size])


def chunk(name: bytes, data: bytes) -> bytes:
    """A chunk of even length."""
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def _three(number: int) -> bytes:
    return number.to_bytes(3, "little")
