"""The class that the model predicts at each place of the plane."""

from collections.abc import Sequence

from dynviz.film import Film
from dynviz.recording import Recording
from dynviz.scene.maps import class_maps
from dynviz.scene.moving import film
from dynviz.scene.samples import lane_of, need


def view(recordings: Sequence[Recording], *, lane: int = 0) -> Film:
    """Open the view.

    Args:
        recordings: What is shown.
        lane: Which lane is shown of each recording.
    """
    need("logits", recordings, "prediction")
    lane_of(recordings, lane)
    return film(recordings, class_maps(recordings, lane, legend=True))
