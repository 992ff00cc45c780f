"""PDF: one step as shapes, its words as text in fonts that the file brings."""

from collections.abc import Iterator
from pathlib import Path

from dynviz.exporters.svg import document
from dynviz.frame import Background, Frame, Sheet, exporter


@exporter(motion=False, most=1)
def export(frames: Iterator[Frame], target: Path, sheet: Sheet, *, background: Background = "theme") -> None:
    """Write the scene of a single frame, one point for each pixel.

    Args:
        frames: One.
        target: The file.
        sheet: Its scenes are drawn, not the pixels.
        background: That of the theme, or none.

    Raises:
        DynvizError: The frame is not of a scene.
    """
    vector, scene, description = document(frames, sheet, background)
    target.write_bytes(vector.pdf(scene, description))
