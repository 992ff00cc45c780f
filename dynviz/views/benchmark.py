"""The run at a glance: predicted classes, validation loss and every logged scalar."""

from collections.abc import Sequence

from dynviz.charts.maps import class_maps, led, right, with_truth
from dynviz.charts.moving import film
from dynviz.charts.samples import lane_of, missing, need
from dynviz.charts.series import scalars, series
from dynviz.film import Film
from dynviz.recording import Recording


def view(recordings: Sequence[Recording], *, lane: int = 0, truth: bool = False, bands: bool = True) -> Film:
    """For each recording a map of the predicted classes with its accuracy; then a panel for each scalar.

    The loss on the validation set, or else that of the batches, comes first.

    Args:
        recordings: What is shown.
        lane: Which lane the maps show; curves show all.
        truth: Whether the true classes stand beside the predicted ones.
        bands: Whether a curve is drawn as its mean over a band where it swings from sample to sample.
    """
    need("benchmark", recordings)
    lane_of(recordings, lane)
    maps = class_maps(recordings, lane)
    known = scalars(recordings)
    losses = [name for name in ("val_loss", "loss") if name in known]
    # The maps say their accuracy themselves.
    elsewhere = {*losses, *(["val_accuracy"] if maps else [])}
    channels = [*losses[:1], *(name for name in known if name not in elsewhere)]
    if not maps and not channels:
        raise missing("benchmark", recordings[0], "loss")
    curves = [series(recordings, channel, calmed=bands) for channel in channels]
    if not truth or not maps:
        return film(recordings, [*maps, *curves])
    maps = with_truth(recordings, lane, maps)
    return led(film(recordings, [*maps, *curves], told=right(recordings, lane)), len(maps))
