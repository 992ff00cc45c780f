"""The layout of the screen that shows a run."""

from textual.app import ComposeResult
from textual.containers import Container

from dynviz.cells.canvas import LEAST
from dynviz.player import footer, header, timeline
from dynviz.player.bars import Bar, TabBar, TimelineBar
from dynviz.player.notice import Notice
from dynviz.player.plot import Plot
from dynviz.player.state import PlayerState
from dynviz.player.tab_note import tab_note
from dynviz.player.terminal.delivery import Delivery
from dynviz.player.words import Word

CHROME = ("timeline", "header", "footer", "tabs")
"""Rows around the plot, most important first; those for which the plot would become too small are omitted."""


class RunDisplay(Container):
    """A title, tabs, the plot, a timeline and the keys, with notices over them."""

    DEFAULT_CSS = """
    RunDisplay { layers: plot over; overflow: hidden; }
    RunDisplay > Bar, RunDisplay > Plot { layer: plot; }
    """

    def __init__(self, delivery: Delivery, behind: str) -> None:
        super().__init__()
        self._delivery, self._behind = delivery, behind
        depth = delivery.best.depth
        self._header, self._footer = Bar("header", depth), Bar("footer", depth)
        self._tabs, self._timeline = TabBar("tabs", depth), TimelineBar("timeline", depth)
        self.plot, self.notice = Plot(delivery), Notice()

    def compose(self) -> ComposeResult:
        yield from (self._header, self._tabs, self.plot, self._timeline, self._footer, self.notice)

    def show(self, state: PlayerState, theme: str) -> None:
        """Show the current state, redrawing only what changed."""
        self._make_room()
        if state.settling:
            return
        width, scene, playback, plot = self.size.width, state.scene(), state.playback, self.plot
        plot.show(scene, "" if scene is not None else state.words(), theme)
        title = header.header(width, scene, state.session.training_status, title=state.session.title, step=state.step)
        self._header.show(title, theme)
        self._tabs.names, self._timeline.total = state.views.names, playback.total
        note = tab_note(state, plot.hovered, plot.shown)
        self._tabs.show(header.tabs(width, state.views.names, state.view, note), theme)
        side = timeline.side(playback) if scene is not None else ()
        self._timeline.show(timeline.layout(width, state.timeline, side), theme)
        quality = [Word(plot.lowered, "muted")] if plot.lowered else []
        hints = footer.key_hints(state, plot.shown, self._behind)
        self._footer.show(footer.footer(width, hints, quality), theme)

    def _make_room(self) -> None:
        """Hide rows around the plot if it would be too small."""
        spare = self.size.height - LEAST[1] if self.size.width >= LEAST[0] else 0
        for place, name in enumerate(CHROME):
            self.query_one(f"#{name}", Bar).display = place < spare
