"""Curves of the loss and of the model's own scalars: offset, scale, plus-minus."""

from collections.abc import Sequence

from dynviz.charts.moving import film
from dynviz.charts.samples import has, missing, need
from dynviz.charts.series import scalars, series
from dynviz.charts.settings import parted
from dynviz.film import Film
from dynviz.recording import Recording


def view(recordings: Sequence[Recording], *, everything: bool = False) -> Film:
    """One panel for the loss, and one for each scalar that the model has.

    Args:
        recordings: What is shown.
        everything: Whether to show all scalars, measured ones included, when the model has scalar parameters of its
            own.
    """
    need("scalars", recordings)
    recordings = parted(recordings)
    known = scalars(recordings)
    own = list(dict.fromkeys(name for recording in recordings for name in _own(recording)))
    losses = [name for name in ("loss", "val_loss") if name in known]
    channels = [*losses[:1], *own]
    if everything or not own:
        channels += [name for name in known if name not in channels]
    if not channels:
        raise missing("scalars", recordings[0], "loss")
    return film(
        recordings,
        [series(recordings, channel) for channel in channels],
    )


def _own(recording: Recording) -> list[str]:
    """The parameters that are recorded as channels, but for matrices."""
    channels = recording.metadata.channels
    own = [name for name in channels if name in recording.metadata.parameters and len(channels[name].shape) <= 1]
    return [name for name in own if has(recording, name)]
