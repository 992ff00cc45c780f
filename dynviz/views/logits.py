"""The class that the model predicts at each point of the plane."""

from collections.abc import Sequence

from dynviz.charts.maps import class_maps, led, right, with_truth
from dynviz.charts.moving import film
from dynviz.charts.samples import lane_of, need
from dynviz.film import Film
from dynviz.recording import Recording


def view(recordings: Sequence[Recording], *, lane: int = 0, truth: bool = False) -> Film:
    """One map per recording; colours show the predicted probability.

    Args:
        recordings: What is shown.
        lane: Which lane is shown of each recording.
        truth: Whether the true classes stand beside the predicted ones.
    """
    need("logits", recordings, "prediction")
    lane_of(recordings, lane)
    maps = class_maps(recordings, lane)
    if not truth:
        return film(recordings, maps)
    maps = with_truth(recordings, lane, maps)
    return led(film(recordings, maps, told=right(recordings, lane)), len(maps))
