"""Recordings in a notebook: a small animation where a cell ends with one, and words where there is none to show."""

import base64
import tempfile
from collections.abc import Sequence
from html import escape
from pathlib import Path

from dynviz.animation.drawing import suggested
from dynviz.animation.export import alt_file, animate
from dynviz.errors import DynvizError
from dynviz.recording import Recording

SIZE = (480, 360)
TRIES = ({"frames": 40}, {"frames": 40, "quality": "small"}, {"frames": 16, "quality": "small"})
"""From good to small: the first that is small enough is shown."""
MOST = 300_000
"""Bytes of an animation, as text a third more: a notebook keeps what it shows, and is sent and compared."""


def bundle(recordings: Sequence[Recording], words: str) -> dict[str, str]:
    """What a notebook may show of recordings, by media type.

    Args:
        recordings: Drawn together, in the first view that suits them of those that the scenario suggests.
        words: What stands in a notebook that shows no pictures. Where there is none to show, it is said why.
    """
    try:
        return {"text/plain": words, "text/html": picture(recordings)}
    except DynvizError as reason:
        return {"text/plain": f"{words}\nNo picture: {reason}"}


def picture(recordings: Sequence[Recording]) -> str:
    """An animation as an element of HTML that needs no file beside it.

    Raises:
        DynvizError: There is nothing to show yet, or no view suits.
    """
    reasons = []
    for view in suggested(recordings):
        try:
            data, alt = _drawn(recordings, view)
        except DynvizError as reason:
            reasons.append(reason)
            continue
        width, height = SIZE
        source = f"data:image/gif;base64,{base64.b64encode(data).decode()}"
        return f'<img src="{source}" alt="{escape(alt)}" width="{width}" height="{height}" style="max-width: 100%">'
    raise reasons[0]


def _drawn(recordings: Sequence[Recording], view: str) -> tuple[bytes, str]:
    """A GIF, and what is seen on it."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, "picture.gif")
        for options in TRIES:
            animate(recordings, target, view=view, size=SIZE, alt=True, **options)
            if target.stat().st_size <= MOST:
                break
        return target.read_bytes(), alt_file(target).read_text(encoding="utf-8").strip()
