"""What stands beside the views: values at the cursor, what happened at this step, which panels are shown."""

from dynviz.cells.canvas import Hit
from dynviz.player.event_marks import at
from dynviz.player.projector import Projector
from dynviz.player.readout import readout
from dynviz.player.words import Row, Word


def aside(projector: Projector, hit: Hit | None, shown: int) -> Row:
    """The first of these that there is.

    Args:
        projector: What is shown.
        hit: Where the mouse stands.
        shown: How many panels have room.
    """
    scene = projector.scene()
    if scene is None:
        return ()
    if hit is not None and hit.x is not None and hit.y is not None and hit.panel < len(scene.panels):
        return readout(scene.from_above().panels[hit.panel], hit.x, hit.y)
    happened = at(projector.happened, projector.step)
    if happened:
        return (Word(f"◆ {happened}", "lane1"),)
    panels, first = len(projector.titles), projector.first + 1
    if projector.zoomed:
        return (Word(f"panel {first} of {panels}", "muted"),)
    if 0 < shown < panels:
        return (Word(f"panels {first} to {first + shown - 1} of {panels}", "muted"),)
    return ()
