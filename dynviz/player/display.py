"""The layout of the screen that shows a run."""

from collections.abc import Mapping

from textual.app import ComposeResult
from textual.containers import Container

from dynviz.cells.canvas import LEAST
from dynviz.player import footer, header, keys, timeline
from dynviz.player.bars import Bar, FooterBar, TabBar, TimelineBar
from dynviz.player.crosshair import ValueCard
from dynviz.player.notice import Notice
from dynviz.player.plot import Plot
from dynviz.player.state import PlayerState
from dynviz.player.tab_note import tab_note
from dynviz.player.terminal.delivery import Delivery
from dynviz.player.words import Word

TAB = 12
"""Columns of the row of tabs that values leave beside the name of the current view."""


class RunDisplay(Container):
    """A title, tabs, the plot, a timeline and the keys, with notices over them."""

    DEFAULT_CSS = """
    RunDisplay { layers: plot over; overflow: hidden; }
    RunDisplay > Bar, RunDisplay > Plot { layer: plot; }
    """

    def __init__(self, delivery: Delivery, behind: str, set_keys: Mapping[str, str]) -> None:
        super().__init__()
        self._delivery, self._behind, self._set_keys = delivery, behind, set_keys
        depth = delivery.best.depth
        self._header, self._footer = Bar("header", depth), FooterBar("footer", depth)
        self._tabs, self._timeline = TabBar("tabs", depth), TimelineBar("timeline", depth)
        self._timeline.pressed = keys.pressed(set_keys)
        self.plot, self.notice, self._values = Plot(delivery), Notice(), ValueCard(depth)

    def compose(self) -> ComposeResult:
        yield from (self._header, self._tabs, self.plot, self._timeline, self._footer, self._values, self.notice)

    def show(self, state: PlayerState, theme: str) -> None:
        """Show the current state, redrawing only what changed."""
        self._make_room()
        if state.settling:
            return
        width, scene, playback, plot = self.outer_size.width, state.scene(), state.playback, self.plot
        plot.show(scene, "" if scene is not None else state.words(), theme)
        title = header.header(width, scene, state.session.training_status, title=state.session.title, step=state.step)
        self._header.show(title, theme)
        self._tabs.names = state.views.names
        room = width - len(state.view) - TAB
        note = tab_note(state, plot.hovered, plot.shown, room)
        self._tabs.show(header.tabs(width, state.views.names, state.view, note), theme)
        self._show_values(state, theme)
        side = timeline.side(playback) if scene is not None else ()
        self._timeline.show_steps(width, state.timeline, side, theme)
        quality = [Word(plot.lowered, "muted")] if plot.lowered else []
        hints = footer.key_hints(state, plot.shown, self._behind, self._set_keys)
        self._footer.hints = hints
        self._footer.show(footer.footer(width, hints, quality), theme)

    def _show_values(self, state: PlayerState, theme: str) -> None:
        """Show the values of all curves at the mouse."""
        hit, places = self.plot.hovered, self.plot.areas.places
        place = places[hit.panel] if hit is not None and hit.panel < len(places) else None
        self._values.show(state.values(hit), place, self.plot.column, self.plot.region.y - self.region.y, theme)

    def _make_room(self) -> None:
        """Hide rows around the plot, the least important first, if it would be too small."""
        width, height = self.outer_size
        spare = height - LEAST[1] if width >= LEAST[0] else 0
        for place, bar in enumerate((self._timeline, self._header, self._footer, self._tabs)):
            bar.display = place < spare
