"""The note to the right of the tabs."""

from dynviz.cells.canvas import Hit
from dynviz.player.readout import readout
from dynviz.player.state import PlayerState
from dynviz.player.words import Row, Word, shortened


def tab_note(state: PlayerState, hit: Hit | None, shown: int, room: int) -> Row:
    """The values at the mouse, else the events of this step, else which panels are shown.

    Args:
        state: What is shown.
        hit: What is under the mouse.
        shown: The number of panels that fit.
        room: The number of columns for it.
    """
    scene = state.scene()
    if scene is None:
        return ()
    if hit is not None and hit.x is not None and hit.y is not None and hit.panel < len(scene.panels):
        return readout(scene.from_above().panels[hit.panel], hit.x, hit.y, scene.readouts, room)
    event = state.session.events.at(state.playback.steps, state.step)
    if event:
        return (Word(shortened(f"◆ {event}", room), "lane1"),)
    panels, first = len(state.titles), state.first + 1
    if state.zoomed:
        return (Word(f"panel {first} of {panels}", "muted"),)
    if 0 < shown < panels:
        return (Word(f"panels {first} to {first + shown - 1} of {panels}", "muted"),)
    return ()
