"""Curves of any scalars over the steps, with a band for half of the seeds."""

from collections.abc import Sequence

from dynviz.charts.limits import Scale
from dynviz.charts.moving import film
from dynviz.charts.samples import has, missing, need
from dynviz.charts.series import scalars, series
from dynviz.charts.settings import parted
from dynviz.errors import unknown
from dynviz.film import Film
from dynviz.recording import Recording


def view(recordings: Sequence[Recording], *, channels: tuple[str, ...] | str = (), scale: Scale = "auto") -> Film:
    """One panel per channel; with several lanes, their median, middle half and extremes.

    The bold line is the median of all lanes, the band their middle half; thin lines are up to eight lanes, or
    of more lanes the least and the largest value at each step.
    A noisy loss is shown as its trailing mean; with one lane, the band then runs from the 10th to the 90th percentile
    of the batches.

    Args:
        recordings: What is shown.
        channels: Channels to draw: one name, or several as '(loss,val_loss)'; by default losses, errors and accuracies.
        scale: Scale of the vertical axes; auto is logarithmic for values that fall by a factor of a hundred.
    """
    need("curves", recordings)
    recordings = parted(recordings)
    asked = channels.split(",") if isinstance(channels, str) else channels
    names = [name.strip() for name in asked if name.strip()] or _telling(recordings)
    for name in names:
        if not any(name in recording for recording in recordings):
            raise unknown("channel", name, {channel for item in recordings for channel in item.channels})
        if not any(has(recording, name) for recording in recordings):
            raise missing("curves", recordings[0], name)
    if not names:
        raise missing("curves", recordings[0], "loss")
    return film(recordings, [series(recordings, name, scale=scale) for name in names])


def _telling(recordings: Sequence[Recording]) -> list[str]:
    """The channels that say how well it goes: those of which values are better or worse."""
    known = scalars(recordings)
    declared = [one.metadata.channels for one in recordings]
    return [name for name in known if any(name in one and one[name].better != "neither" for one in declared)] or known
