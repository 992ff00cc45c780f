"""WebM: VP9 video for web pages; needs the extra `video`."""

from pathlib import Path

from dynviz.encoding.video import encode
from dynviz.frame import Frames, Quality, Sheet, exporter

CONSTANT_RATE = {"small": 44, "balanced": 32, "best": 16}
"""VP9's measure of loss: 0 is none, 63 the most."""


@exporter(motion=True)
def export(frames: Frames, target: Path, sheet: Sheet, *, quality: Quality = "balanced") -> None:
    """Write frames as they come.

    Args:
        frames: At least one, all of one size.
        target: The file.
        sheet: The comment is kept in the file.
        quality: How strongly the video is compressed; `best` loses the least.
    """
    coder = ["-c:v", "libvpx-vp9", "-b:v", "0", "-crf", str(CONSTANT_RATE[quality])]
    encode(frames, target, sheet, [*coder, "-deadline", "good", "-cpu-used", "4", "-row-mt", "1", "-threads", "2"])
