"""The run at a glance: predicted classes, validation loss, every logged scalar."""

from collections.abc import Sequence

from dynviz.charts.maps import class_maps
from dynviz.charts.moving import film
from dynviz.charts.samples import has, lane_of, missing, need
from dynviz.charts.series import scalars, series
from dynviz.film import Film
from dynviz.recording import Recording

LOGGED = ("offset", "scale", "plus_minus", "class_weight", "logit_gap", "prob_gap")
"""The scalars of the classification models, in the order in which their documents show them."""


def view(recordings: Sequence[Recording], *, lane: int = 0) -> Film:
    """Open the view.

    A map of the predicted classes for each recording, its accuracy beside it; then one panel for each scalar that any
    of the recordings has, the loss on the validation set (else that of the batches) first.

    Args:
        recordings: What is shown.
        lane: Which lane the maps show; curves show all.
    """
    need("benchmark", recordings)
    lane_of(recordings, lane)
    maps = class_maps(recordings, lane)
    found = scalars(recordings)
    said = {"val_accuracy"} if maps else set()
    losses = [name for name in ("val_loss", "loss") if name in found]
    logged = [name for name in LOGGED if any(has(recording, name) for recording in recordings)]
    rest = [name for name in found if name not in {*losses, *logged, *said}]
    channels = [*losses[:1], *logged, *rest]
    if not maps and not channels:
        raise missing("benchmark", recordings[0], "loss")
    curves = [series(recordings, channel, labelled=place == 0) for place, channel in enumerate(channels)]
    return film(recordings, [*maps, *curves])
