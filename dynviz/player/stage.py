"""The screen on which a run is watched."""

import time
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen
from textual.timer import Timer

from dynviz.cells.canvas import LEAST, Hit
from dynviz.player import footer, header, timeline
from dynviz.player.aside import aside
from dynviz.player.bar import Bar, Tabs, Timeline
from dynviz.player.keys import bindings
from dynviz.player.notice import Notice
from dynviz.player.plot import Plot
from dynviz.player.projector import IDLE, LOOK, Projector
from dynviz.player.words import Word

if TYPE_CHECKING:
    from dynviz.player.app import Player

LEAST_PAUSE, SOON = 0.001, 0.02
"""Seconds between two frames at least, in which keys are read; until what waits for something is tried again."""
SAID = 12.0
"""Seconds for which something that was said stands."""
LEAP = 0.05
"""Of the run, that a leap goes."""
CHROME = ("timeline", "header", "footer", "tabs")
"""Rows around the plot, the most important first: one that would take the plot its last rows is left out."""


class Stage(Screen[None]):
    """A title, views, the plot, a timeline and the keys."""

    DEFAULT_CSS = """
    Stage { layers: stage over; background: $background; overflow: hidden; }
    Stage > Bar, Stage > Plot { layer: stage; }
    """
    BINDINGS: ClassVar[list[BindingType]] = bindings()
    app: "Player"

    def __init__(self, projector: Projector) -> None:
        super().__init__()
        self.projector = projector
        self.said = ""
        self._until = 0.0
        self._late = False
        self._timer: Timer | None = None

    def compose(self) -> ComposeResult:
        """The rows, from the top."""
        yield Bar("header")
        yield Tabs("tabs")
        yield Plot(self.app.delivery)
        yield Timeline("timeline")
        yield Bar("footer")
        yield Notice()

    def on_mount(self) -> None:
        """Begin."""
        self.beat()

    def on_unmount(self) -> None:
        """Come no more."""
        self._cancel()

    def beat(self) -> None:
        """Go to now, show it, and come again when something may have changed."""
        self._cancel()
        began = time.perf_counter()
        delivery, plot = self.app.delivery, self.query_one(Plot)
        if delivery.stuck():
            # Of what was cut off, nobody knows what is on the screen.
            plot.redraw()
            self.refresh()
        self._late = not delivery.admits()
        if not self._late:
            self.projector.tick(self.app.clock())
            self.show()
            plot.sharpen()
            delivery.rate.took(plot.seconds)
            if self.app.timed:
                self.projector.try_view()
        if self.app.timed:
            taken = time.perf_counter() - began
            self._timer = self.set_timer(max(self._pause - taken, LEAST_PAUSE), self.beat)

    @property
    def _pause(self) -> float:
        """Seconds until the next look."""
        if self._late:
            return SOON
        if self.projector.playback.moving:
            return self.app.delivery.rate.interval
        if self.projector.live:
            return LOOK
        return SOON if self.projector.trying or self.query_one(Plot).lowered else IDLE

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer = None

    def show(self) -> None:
        """Show what is now; what is as it was is not drawn again."""
        if not self.is_current:
            return
        self._make_room()
        projector, width, theme = self.projector, self.size.width, self.app.look
        scene, playback = projector.scene(), projector.playback
        words = "" if scene is not None else projector.words(self.app.clock())
        plot = self.query_one(Plot)
        plot.show(scene, words, theme)
        title = header.header(width, scene, projector.training_status, title=projector.title, step=projector.step)
        self.query_one("#header", Bar).show(title, theme)
        beside = aside(projector, plot.hovered, plot.shown)
        tabs, line = self.query_one(Tabs), self.query_one(Timeline)
        tabs.names, line.total = projector.views.names, playback.total
        tabs.show(header.tabs(width, tabs.names, projector.view, beside), theme)
        line.show(timeline.layout(width, projector.times, timeline.side(playback) if scene is not None else ()), theme)
        said = [Word(plot.lowered, "muted")] if plot.lowered else []
        now = footer.now(projector, plot.shown, self.app.behind)
        self.query_one("#footer", Bar).show(footer.footer(width, now, said), theme)
        self.show_notice()

    def _make_room(self) -> None:
        """Leave out rows around the plot where it would be too small."""
        spare = self.size.height - LEAST[1] if self.size.width >= LEAST[0] else 0
        for place, name in enumerate(CHROME):
            self.query_one(f"#{name}", Bar).display = place < spare

    def say(self, text: str) -> None:
        """Show some words until the next key, or for a while."""
        self.said, self._until = text, self.app.clock() + SAID
        self.show_notice()

    def show_notice(self) -> None:
        """What was said, else how an export goes, else why training failed, where a picture hides it."""
        trouble = self.projector.trouble if self.projector.scene() is not None else ""
        if self.app.clock() > self._until:
            self.said = ""
        self.query_one(Notice).tell(self.said or self.app.export_words or trouble)

    def on_key(self) -> None:
        """What was said has been read."""
        self.said = ""

    def on_resize(self) -> None:
        """Draw for the new size."""
        self.call_after_refresh(self.show)

    def on_screen_resume(self) -> None:
        """Whatever stood before it is gone: time went on."""
        self.call_after_refresh(self.beat)

    def on_plot_pointed(self) -> None:
        """Read values at the cursor."""
        self.show()

    def on_plot_picked(self, event: Plot.Picked) -> None:
        """Play the lanes that are there, else zoom into the panel, or back."""
        self.said = ""
        if self._play(event.hit):
            return
        self.projector.zoom(event.hit.panel if event.hit is not None else None)
        self.beat()

    def on_tabs_chosen(self, event: Tabs.Chosen) -> None:
        """Show the view."""
        self.projector.show(event.view)
        self.beat()

    def on_timeline_sought(self, event: Timeline.Sought) -> None:
        """Go to the step."""
        self.said = ""
        self.seek(event.step)

    def seek(self, step: int) -> None:
        """Go to a step."""
        self.projector.playback.seek(step)
        self.beat()

    def on_mouse_scroll_down(self) -> None:
        """Go ahead."""
        self.action_leap(0.2)

    def on_mouse_scroll_up(self) -> None:
        """Go back."""
        self.action_leap(-0.2)

    def action_pause(self) -> None:
        """Play or pause."""
        self.projector.playback.toggle(self.app.clock())
        self.beat()

    def action_move(self, samples: int) -> None:
        """Go so many samples ahead."""
        self.projector.playback.move(samples)
        self.beat()

    def action_leap(self, leaps: float) -> None:
        """Go a part of the run ahead."""
        playback = self.projector.playback
        playback.seek(playback.step + leaps * LEAP * max(playback.total, 1))
        self.beat()

    def action_home(self) -> None:
        """Go to the first step."""
        self.projector.playback.home()
        self.beat()

    def action_end(self) -> None:
        """Go to the newest step."""
        self.projector.playback.end()
        self.beat()

    def action_follow(self) -> None:
        """Stay at the newest step."""
        self.projector.playback.follow()
        self.beat()

    def action_faster(self) -> None:
        """Play faster."""
        self.projector.playback.faster()
        self.beat()

    def action_slower(self) -> None:
        """Play slower."""
        self.projector.playback.slower()
        self.beat()

    def action_event(self, by: int) -> None:
        """Go to the next event, or to the one before."""
        if not self.projector.jump(after=by > 0):
            self.say("no event there" if self.projector.happened else "nothing happened in this run so far")
        self.beat()

    def action_turn(self, by: int) -> None:
        """Show the next view, or the one before."""
        self.said = ""
        self.projector.turn(by)
        self.beat()

    def action_view(self, number: int) -> None:
        """Show a view by its number."""
        if number <= len(self.projector.views.names):
            self.projector.show(self.projector.views.names[number - 1])
            self.beat()

    def action_zoom(self) -> None:
        """Show the panel at the cursor alone, else the first; or all again."""
        hit = self.query_one(Plot).hovered
        self.projector.zoom(hit.panel if hit is not None else 0)
        self.beat()

    def action_page(self, by: int) -> None:
        """Show other panels."""
        shown = self.query_one(Plot).shown
        if self.projector.zoomed:
            self.projector.page(by)
        elif 0 < shown < len(self.projector.titles):
            self.projector.page(by * shown)
        self.beat()

    def action_copy(self) -> None:
        """Copy the command that makes this picture, and show it."""
        picture = self.app.picture(self.projector)
        if picture is not None:
            command = picture.still()
            self.app.copy_to_clipboard(command)
            self.say(f"copied: {command}")

    def action_back(self) -> None:
        """Out of the zoom, else back to the list of runs."""
        if self.projector.zoomed:
            self.projector.zoom(None)
            self.beat()
        else:
            self.app.back()

    def action_play(self) -> None:
        """Play the lanes at the cursor, in a picture of many."""
        if self.projector.picks and not self._play(self.query_one(Plot).hovered):
            self.say("point at a place of the picture with the mouse")

    def _play(self, hit: Hit | None) -> bool:
        sources = self.projector.pick(hit)
        if sources:
            self.app.play_lanes(sources)
        return bool(sources)
