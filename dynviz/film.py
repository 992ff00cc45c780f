"""Films: what a view makes of recordings, a range of steps and the scene at each."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from dynviz.frozen import frozen
from dynviz.scene.marks import Scene


@frozen
class Sentence:
    """What happened, in a sentence, and the step from which it is true."""

    step: int
    text: str


@frozen
class Film:
    """An opened view of recordings.

    Axes, colours and layout are the same in every scene of a film, so that only the optimizer's effect moves.

    Attributes:
        steps: The steps at which the picture changes, ascending.
        scene: Returns the picture at any step between the first and the last.
        pick: For a view whose places stand for lanes: returns the sources, as `dynviz.recording.open_all` takes them,
            of the lanes nearest to a place, given (step, panel, x, y); empty if there are none.
        outcomes: What happens in it, by their steps.
        story: For a view that documents tell in other panels: opens the film of them.
    """

    steps: NDArray[np.int64]
    scene: Callable[[int], Scene]
    pick: Callable[[int, int, float, float], tuple[str, ...]] | None = None
    outcomes: tuple[Sentence, ...] = ()
    story: "Callable[[], Film] | None" = None
