"""Channels of values that are known by name alone: those of a script, and of other programs' logs."""

from dynviz.recording.metadata import Better, ChannelInfo


def better(name: str) -> Better:
    """Which values are better, as far as what people call them tells.

    >>> better("val_loss"), better("top5.accuracy"), better("epoch")
    ('lower', 'higher', 'neither')
    """
    if any(word in name for word in ("loss", "error", "perplexity")):
        return "lower"
    return "higher" if "acc" in name else "neither"


def value(name: str, title: str = "", *, every: int = 1, of_steps: bool = True, text: str = "") -> ChannelInfo:
    """The channel of a value.

    Args:
        name: The channel.
        title: What pictures call it.
        every: Steps between samples.
        of_steps: Whether a sample belongs to the step that follows it.
        text: A line of help.
    """
    return ChannelInfo(every, "<f8", help=text, title=title, better=better(name), of_steps=of_steps)
