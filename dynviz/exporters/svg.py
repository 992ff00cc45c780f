"""SVG: one step as vector graphics, sharp at any size, with text as text."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from dynviz.errors import unknown
from dynviz.frame import Background, Frame, Sheet, exporter

if TYPE_CHECKING:
    from dynviz.pixels.sizes import Lettering
    from dynviz.pixels.vector import Vector
    from dynviz.scene.marks import Scene

TIMES = "STIXGeneral"
"""It looks like Times, and comes with matplotlib."""


@exporter(motion=False, most=1)
def export(
    frames: Iterator[Frame],
    target: Path,
    sheet: Sheet,
    *,
    background: Background = "theme",
    font: str = "",
    publication: bool = False,
) -> None:
    """Write the scene of a single frame.

    Args:
        frames: One.
        target: The file.
        sheet: Its scenes are drawn, not the pixels.
        background: That of the theme, or none.
        font: The font of all words, one that matplotlib finds; by default DejaVu Sans, and in print STIXGeneral, which
            looks like Times.
        publication: Whether letters and lines have the sizes of print, and a pixel is a point.

    Raises:
        DynvizError: The frame is not of a scene, or there is no such font.
    """
    vector, scene, description = document(frames, sheet, background, lettering(font, printed=publication))
    target.write_text(vector.svg(scene, description, sheet.recipe), encoding="utf-8")


def lettering(font: str, *, printed: bool) -> "Lettering":
    """The letters of a file of shapes.

    Raises:
        DynvizError: There is no such font.
    """
    from matplotlib.font_manager import fontManager

    from dynviz.pixels.sizes import FAMILY, Lettering

    known = {face.name for face in fontManager.ttflist}
    if font and font not in known:
        raise unknown("font", font, sorted(known))
    return Lettering(font or (TIMES if printed else FAMILY), printed)


def document(
    frames: Iterator[Frame], sheet: Sheet, background: Background, letters: "Lettering"
) -> "tuple[Vector, Scene, str]":
    """What a file of shapes is made of: the renderer, the scene, and what is seen on it in words."""
    from dynviz.pixels.vector import Vector

    scene = sheet.scene_of(next(frames))
    vector = Vector(*sheet.size, sheet.theme, ground=background == "theme", lettering=letters)
    return vector, scene, f"{sheet.alt}\n{sheet.comment}"
