"""Fewer levels of the ramps, for terminals that are slow: neighbours that look the same are written once."""

import numpy as np
from numpy.typing import NDArray

from dynviz.cells.inks import Inks
from dynviz.scene.marks import Ramp
from dynviz.scene.theme import Theme


def coarse(theme: Theme, levels: int) -> NDArray[np.uint8]:
    """For each colour of the palette, the one that is drawn instead where ramps have only so many levels.

    Args:
        theme: Whose palette it is.
        levels: 64, or a half, a quarter of that.
    """
    inks = Inks(theme)
    instead = np.arange(len(inks.palette), dtype=np.uint8)
    ramps: tuple[Ramp, ...] = ("ordered", "signed", "classes")
    for name in ramps:
        ramp = inks.ramp(name)
        level, group = np.arange(len(ramp)), len(ramp) // levels
        first = level // group * group
        # Of values without a sign the middle of a group; else the one next to zero, which has no colour and keeps none.
        stands = first + group // 2 if name == "ordered" else first + (level < len(ramp) // 2) * (group - 1)
        instead[ramp] = ramp[stands]
    # Lanes and words keep their colours, also where a ramp ends in one.
    roles = [index(role) for role in theme.colors for index in (inks.color, inks.words)]
    instead[roles] = roles
    return instead
