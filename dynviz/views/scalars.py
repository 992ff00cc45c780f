"""Curves of the loss and of the model's own scalars: offset, scale, plus-minus."""

from collections.abc import Sequence

from dynviz.charts.moving import film
from dynviz.charts.samples import has, missing, need
from dynviz.charts.series import scalars, series
from dynviz.charts.settings import parted
from dynviz.film import Film
from dynviz.recording import Recording

PARAMETERS = ("offset", "scale", "plus_minus")
"""The scalar parameters of the classification models, in the order in which their documents show them."""


def view(recordings: Sequence[Recording], *, everything: bool = False) -> Film:
    """Open the view.

    Args:
        recordings: What is shown.
        everything: Show all scalars, the measured ones too, where the model has scalar parameters of its own.
    """
    need("scalars", recordings)
    recordings = parted(recordings)
    found = scalars(recordings)
    own = [name for name in PARAMETERS if any(has(recording, name) for recording in recordings)]
    losses = [name for name in ("loss", "val_loss") if name in found]
    channels = [*losses[:1], *own]
    if everything or not own:
        channels += [name for name in found if name not in channels]
    if not channels:
        raise missing("scalars", recordings[0], "loss")
    return film(
        recordings,
        [series(recordings, channel, labelled=place == 0) for place, channel in enumerate(channels)],
    )
