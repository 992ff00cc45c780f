"""SVG: one step as shapes, sharp at any size, its words as text."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from dynviz.frame import Background, Frame, Sheet, exporter

if TYPE_CHECKING:
    from dynviz.pixels.vector import Vector
    from dynviz.scene.marks import Scene


@exporter(motion=False, most=1)
def export(frames: Iterator[Frame], target: Path, sheet: Sheet, *, background: Background = "theme") -> None:
    """Write the scene of a single frame.

    Args:
        frames: One.
        target: The file.
        sheet: Its scenes are drawn, not the pixels.
        background: That of the theme, or none.

    Raises:
        DynvizError: The frame is not of a scene.
    """
    vector, scene, description = document(frames, sheet, background)
    target.write_text(vector.svg(scene, description), encoding="utf-8")


def document(frames: Iterator[Frame], sheet: Sheet, background: Background) -> "tuple[Vector, Scene, str]":
    """What a file of shapes is made of: the renderer, the scene, and what is seen on it in words."""
    from dynviz.pixels.vector import Vector

    scene = sheet.scene_of(next(frames))
    return Vector(*sheet.size, sheet.theme, ground=background == "theme"), scene, f"{sheet.alt}\n{sheet.comment}"
