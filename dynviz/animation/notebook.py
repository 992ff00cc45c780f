"""Recordings in a notebook: a cell that ends with one shows a small animation, or words if that is impossible."""

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
    """Representations of recordings for a notebook, by media type.

    Args:
        recordings: The recordings, drawn together in the first suitable view that the scenario suggests.
        words: The text for notebooks without pictures; if there is no picture, it also says why.
    """
    try:
        return {"text/plain": words, "text/html": picture(recordings)}
    except DynvizError as reason:
        return {"text/plain": f"{words}\nNo picture: {reason}"}


def picture(recordings: Sequence[Recording]) -> str:
    """An animation as a self-contained HTML element.

    Raises:
        DynvizError: Nothing is recorded yet, or no view suits.
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
