"""iTerm2's inline images, which other terminals know as well.

Source: https://iterm2.com/documentation-images.html
"""

import base64
import io

from dynviz.frame import Pixels

LEVEL = 4
"""zlib's level in PNG; see `kitty.LEVEL`."""


def png(pixels: Pixels) -> bytes:
    """Pixels [height, width, 3] as a file."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", compress_level=LEVEL)
    return file.getvalue()


def inline(pixels: Pixels, columns: int, rows: int) -> str:
    """The text that shows pixels [height, width, 3] at the cursor, in so many cells.

    The cursor's place afterwards differs between terminals.
    """
    data = png(pixels)
    keys = f"inline=1;size={len(data)};width={columns};height={rows};preserveAspectRatio=0"
    return f"\x1b]1337;File={keys}:{base64.b64encode(data).decode('ascii')}\x07"
