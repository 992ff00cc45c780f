"""The class that the model predicts at each point of the plane."""

from collections.abc import Sequence

from dynviz.charts.maps import class_maps
from dynviz.charts.moving import film
from dynviz.charts.samples import lane_of, need
from dynviz.film import Film
from dynviz.recording import Recording


def view(recordings: Sequence[Recording], *, lane: int = 0) -> Film:
    """One map per recording; colours show the predicted probability.

    Args:
        recordings: What is shown.
        lane: Which lane is shown of each recording.
    """
    need("logits", recordings, "prediction")
    lane_of(recordings, lane)
    return film(recordings, class_maps(recordings, lane))
