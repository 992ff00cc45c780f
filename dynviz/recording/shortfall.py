"""Detecting data that the files of a recording promise but do not contain."""

from collections.abc import Callable, Iterable
from pathlib import Path

from dynviz.errors import DynvizError
from dynviz.recording import events, layout
from dynviz.recording.channel_reader import ChannelReader

SHOWN = 3
"""Maximum number of files listed by name."""


def shortfall(folder: Path, channels: Iterable[str], reader: Callable[[str], ChannelReader]) -> str:
    """Describe the missing data in one line; empty if nothing is missing.

    Args:
        folder: The recording's folder.
        channels: The names of the channels.
        reader: Returns the reader of a channel, given its name.
    """
    lost = []
    for name in channels:
        try:
            promised, held = reader(name).counts()
        except DynvizError as error:
            lost.append(str(error))
            continue
        if held < promised:
            lost.append(f"{name}: only {held} of {promised} samples are there")
    if tail := events.tail(folder / layout.EVENTS):
        lost.append(f"{layout.EVENTS}: ends in {tail} bytes that are not events")
    return "; ".join(lost[:SHOWN]) + (f"; and {len(lost) - SHOWN} more" if len(lost) > SHOWN else "")
