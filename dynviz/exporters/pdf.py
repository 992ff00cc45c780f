"""PDF: one step as vector graphics, with embedded fonts."""

from collections.abc import Iterator
from pathlib import Path

from dynviz.exporters.svg import document, lettering
from dynviz.frame import Background, Frame, Sheet, exporter


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
    """Write the scene of a single frame, one point for each pixel.

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
    target.write_bytes(vector.pdf(scene, description, sheet.recipe))
