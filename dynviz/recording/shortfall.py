"""What the files of a recording promise and do not hold."""

from collections.abc import Callable, Iterable
from pathlib import Path

from dynviz.errors import DynvizError
from dynviz.recording import events, layout
from dynviz.recording.channel_reader import ChannelReader

SHOWN = 3
"""Files that are named one by one."""


def shortfall(folder: Path, channels: Iterable[str], reader: Callable[[str], ChannelReader]) -> str:
    """What is promised and not held, in one line; empty where all is there.

    Args:
        folder: The recording's.
        channels: Their names.
        reader: Function of a channel's name to its reader.
    """
    lost = []
    for name in channels:
        try:
            promised, held = reader(name).counts()
        except DynvizError as error:
            lost.append(str(error))
            continue
        if held < promised:
            lost.append(f"{name}: {promised} samples promised, {held} there")
    if tail := events.tail(folder / layout.EVENTS):
        lost.append(f"{layout.EVENTS}: ends in {tail} bytes that are no events")
    return "; ".join(lost[:SHOWN]) + (f"; and {len(lost) - SHOWN} more" if len(lost) > SHOWN else "")
