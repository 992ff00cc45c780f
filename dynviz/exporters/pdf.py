"""PDF: one step as shapes, its words as text in fonts that the file brings."""

from collections.abc import Iterator
from pathlib import Path

from dynviz.frame import Background, Frame, Sheet, exporter


@exporter(motion=False, most=1)
def export(frames: Iterator[Frame], target: Path, sheet: Sheet, *, background: Background = "theme") -> None:
    """Write the scene of a lone frame, one point for each pixel.

    Args:
        frames: One.
        target: The file.
        sheet: Its scenes are drawn, not the pixels.
        background: That of the theme, or none.

    Raises:
        DynvizError: The frame is not of a scene.
    """
    from dynviz.pixels.vector import Vector

    scene = sheet.scene_of(next(frames))
    vector = Vector(*sheet.size, sheet.theme, ground=background == "theme")
    target.write_bytes(vector.pdf(scene, f"{sheet.alt}\n{sheet.comment}"))
