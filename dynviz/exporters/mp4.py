"""MP4: H.264 video for slides and web pages; needs the extra `video`."""

from pathlib import Path

from dynviz.encoding.video import encode
from dynviz.frame import Frames, Quality, Sheet, exporter

CONSTANT_RATE = {"small": 30, "balanced": 22, "best": 12}
"""x264's measure of loss: 0 is none, 51 the most."""


@exporter(motion=True)
def export(frames: Frames, target: Path, sheet: Sheet, *, quality: Quality = "balanced") -> None:
    """Write frames as they come.

    Args:
        frames: At least one, all of one size.
        target: The file.
        sheet: The comment is kept in the file.
        quality: How strongly the video is compressed; `best` loses the least.
    """
    # Animations for drawn pictures; the index at the front, so that a page plays what is not loaded in full.
    coder = ["-c:v", "libx264", "-preset", "medium", "-tune", "animation", "-crf", str(CONSTANT_RATE[quality])]
    encode(frames, target, sheet, [*coder, "-threads", "2", "-movflags", "+faststart"])
