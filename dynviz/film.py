"""What a view makes of recordings: a range of steps and the scene at each."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dynviz.scene.marks import Scene


@dataclass(frozen=True)
class Film:
    """A view of recordings, opened.

    Axes, colours and the arrangement of panels are the same in every scene of a film, so that only what the
    optimizer does moves.

    Attributes:
        steps: The steps at which the picture changes, ascending.
        scene: The picture at a step; any step between the first and the last will do.
        pick: Of a view whose places stand for lanes: the sources, as `dynviz.recording.open_all` takes them, of what
            lies nearest to a place, from (step, panel, x, y); none where nothing does.
    """

    steps: NDArray[np.int64]
    scene: Callable[[int], Scene]
    pick: Callable[[int, int, float, float], tuple[str, ...]] | None = None
