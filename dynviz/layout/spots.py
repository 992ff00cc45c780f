"""What has a label in a plot, and several that share one."""

from collections.abc import Sequence

import numpy as np

from dynviz.frozen import frozen

NAMES = 2
"""Of labels that share one, so many are named; the others are counted."""


@frozen
class Spot:
    """What has a label, in units of the page, and whether the label stands rather at its left."""

    x: float
    y: float
    name: str
    text: str
    color: str
    leftward: bool = False


def joined(group: Sequence[Spot]) -> Spot:
    """Several spots as one."""
    if len(group) == 1:
        return group[0]
    names = ", ".join(spot.name for spot in group[:NAMES])
    more = f" +{len(group) - NAMES}" if len(group) > NAMES else ""
    x, y = (float(np.mean(places)) for places in zip(*((spot.x, spot.y) for spot in group), strict=True))
    colors = {spot.color for spot in group}
    return Spot(x, y, names, names + more, colors.pop() if len(colors) == 1 else "text")
