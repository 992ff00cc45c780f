"""One-row widgets: plain words, tabs, and the timeline."""

from collections.abc import Mapping, Sequence
from functools import partial
from types import MappingProxyType

from rich.segment import Segment
from textual import events
from textual.geometry import Region
from textual.strip import Strip

from dynviz.cells.depth import Depth
from dynviz.player import footer, header, styles, timeline
from dynviz.player._textual import DirectWidget
from dynviz.player.footer import KeyHint
from dynviz.player.messages import StepChosen, ViewChosen
from dynviz.player.timeline import TimelineState
from dynviz.player.words import Row
from dynviz.scene.step_scale import StepScale

LEFT_BUTTON = 1
"""The number of the mouse button that acts; the others are left to the terminal."""


class Bar(DirectWidget):
    """A row of words, redrawn only when they change."""

    DEFAULT_CSS = "Bar { height: 1; width: 1fr; }"

    def __init__(self, name: str, depth: Depth) -> None:
        super().__init__(id=name)
        self.words: Row = ()
        self._theme, self._depth = "dark", depth

    def show(self, words: Row, theme: str) -> None:
        """Show these words."""
        if (words, theme) != (self.words, self._theme):
            self.words, self._theme = words, theme
            self.repaint()

    def render_lines(self, crop: Region) -> list[Strip]:
        style = partial(styles.style, self._theme, depth=self._depth)
        segments = [Segment(word.text, style(word.role, bold=word.bold)) for word in self.words]
        row = Strip(segments, sum(word.width for word in self.words))
        row = row.adjust_cell_length(self.size.width, style("text"))
        for line_filter in self.get_line_filters():
            row = row.apply_filter(line_filter, self.background_colors[1])
        return [row.crop(crop.x, crop.right)] * crop.height


class TabBar(Bar):
    """The views."""

    names: Sequence[str] = ()

    def on_mouse_down(self, event: events.MouseDown) -> None:
        view = header.tab_at(self.words, event.x, self.names)
        if view is not None and event.button == LEFT_BUTTON:
            self.post_message(ViewChosen(view))


class FooterBar(Bar):
    """The keys, which can be clicked."""

    hints: Sequence[KeyHint] = ()

    def on_mouse_down(self, event: events.MouseDown) -> None:
        key = footer.key_at(self.words, event.x, self.hints)
        if key is not None and event.button == LEFT_BUTTON:
            self.app.simulate_key(key)


class TimelineBar(Bar):
    """The timeline, on which the mouse drags the position, and the speed beside it."""

    total = 0
    scale: StepScale | None = None
    pressed: Mapping[str, str] = MappingProxyType({})
    _made: tuple[tuple[object, ...], TimelineState] | None = None

    def show_steps(self, width: int, state: TimelineState, side: Row, theme: str) -> None:
        """Show a step, with words after the line. From frame to frame it is mostly in the same column."""
        self.total, self.scale = state.total, state.scale
        at = timeline.track(width, state.total, state.scale).column(state.step)
        # Events are exchanged, never changed; the state keeps them alive.
        events = id(state.events), id(state.dense)
        key = (width, at, state.recorded, state.total, state.edge, state.scale, events, side, theme)
        if self._made is None or self._made[0] != key:
            self._made = key, state
            self.show(timeline.layout(width, state, side), theme)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        if event.button != LEFT_BUTTON:
            return
        key = timeline.key_at(self.size.width, event.x)
        if key is not None:
            self.app.simulate_key(self.pressed.get(key, key))
        else:
            self.capture_mouse()
            self._seek(event.x)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        if self.app.mouse_captured is self:
            self._seek(event.x)

    def on_mouse_up(self) -> None:
        self.release_mouse()

    def _seek(self, column: int) -> None:
        if self.total:
            self.post_message(StepChosen(timeline.track(self.size.width, self.total, self.scale).step(column)))
