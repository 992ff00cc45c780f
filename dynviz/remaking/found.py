"""The recipe in a picture's file, whatever its format."""

import re
import zlib
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

from dynviz.animation.recipe import KEY, LONGEST
from dynviz.animation.recipe_reader import AnyRecipe, parse, read_line
from dynviz.errors import DynvizError
from dynviz.recording import disk

LARGEST = 1 << 29
"""Bytes of a picture."""
PNG = b"\x89PNG\r\n\x1a\n"
TRIES = 16
"""Places in a file that may be the recipe."""


def find(picture: Path) -> AnyRecipe:
    """The recipe that a picture carries.

    Raises:
        DynvizError: The file cannot be read, carries none, or one that is not understood.
    """
    try:
        if picture.stat().st_size > LARGEST:
            raise DynvizError(f"{picture} is larger than any picture of dynviz")
        data = picture.read_bytes()
    except OSError as error:
        raise disk.unreadable(picture, error) from error
    for text in _texts(_whole(data)):
        tree = _tree(text)
        if tree is not None:
            try:
                return read_line(tree)
            except DynvizError as error:
                raise DynvizError(f"{picture}: {error}") from error
    raise DynvizError(
        f"{picture} does not say how it was made: it is not a picture of dynviz, is of an older one, or lost its "
        "comment on the way"
    )


def _whole(data: bytes) -> bytes:
    """The bytes of a file; of a GIF and a PNG its comments alone, in one piece and not compressed."""
    if data.startswith(PNG):
        return b"\n".join(_png_comments(data))
    # A GIF cuts them into blocks of at most 255 bytes.
    return b"".join(_gif_comments(data)) if data[:3] == b"GIF" else data


def _png_comments(data: bytes) -> Iterator[bytes]:
    at = len(PNG)
    while at + 8 <= len(data):
        size, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        chunk, at = data[at + 8 : at + 8 + size], at + 12 + size
        keyword, _, rest = chunk.partition(b"\0")
        # Then a flag for compression and its method, and two texts that end with a zero byte: a language and a keyword.
        parts = rest[2:].split(b"\0", 2)
        if kind == b"iTXt" and keyword == b"Comment" and len(parts) == 3:
            yield _inflated(parts[2]) if rest[:1] == b"\1" else parts[2]


def _inflated(text: bytes) -> bytes:
    """What is compressed, as far as a recipe can reach; nothing of what is damaged."""
    try:
        return zlib.decompressobj().decompress(text, 8 * LONGEST)
    except zlib.error:
        return b""


def _gif_comments(data: bytes) -> Iterator[bytes]:
    at = 13 + (3 << (data[10] & 7) + 1 if len(data) > 10 and data[10] & 128 else 0)
    # Comments of dynviz stand before the first image.
    while data[at : at + 1] == b"!":
        comment, at = data[at + 1 : at + 2] == b"\xfe", at + 2
        while at < len(data) and data[at]:
            if comment:
                yield data[at + 1 : at + 1 + data[at]]
            at += data[at] + 1
        at += 1


def _texts(data: bytes) -> Iterator[str]:
    """What may begin with a recipe, as written and as some formats escape it."""
    at = -1
    for _ in range(TRIES):
        at = data.find(KEY.encode(), at + 1)
        if at < 0:
            return
        begin = data.rfind(b"{", max(at - 8, 0), at)
        if begin >= 0:
            # Escaped it is longer, by six for each quotation mark.
            text = data[begin : begin + 6 * LONGEST].decode("latin-1")
            if data.startswith(b"%PDF"):
                yield re.sub(r"\\([\\()])", r"\1", text)
            else:
                yield unescape(text) if text.startswith("{&quot;") else text


def _tree(text: str) -> Any:
    """The JSON tree that a text begins with; None if there is none."""
    try:
        tree, end = parse(text)
    except ValueError:
        return None
    return tree if isinstance(tree, dict) and KEY in tree and end <= LONGEST else None
