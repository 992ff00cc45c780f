"""SVG: one step as shapes, sharp at any size, its words as text."""

import io
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from dynviz.errors import DynvizError
from dynviz.frame import Background, Frame, Pixels, Sheet


def export(pictures: Iterator[Frame], target: Path, sheet: Sheet, *, background: Background = "theme") -> None:
    """Write the scene of a lone picture.

    Args:
        pictures: One.
        target: The file.
        sheet: Its scenes are drawn, not the pixels.
        background: That of the theme, or none.

    Raises:
        DynvizError: There are several, or they are not of scenes.
    """
    if sheet.count > 1:
        raise DynvizError(f"svg shows one step, not {sheet.count}; a sheet of several is a png")
    if sheet.scene is None:
        raise DynvizError("svg is drawn from scenes, and these pictures have none")
    from dynviz.pixels.vector import Vector

    vector = Vector(*sheet.size, sheet.theme, _png, ground=background == "theme")
    scene = sheet.scene(next(pictures).step)
    target.write_text(vector.draw(scene, f"{sheet.alt}\n{sheet.comment}"), encoding="utf-8")


def _png(pixels: Pixels) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="PNG", compress_level=9)
    return file.getvalue()
