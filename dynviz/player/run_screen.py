"""The screen that shows a run."""

import math
import time
from asyncio import TimerHandle
from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from dynviz.player.crosshair import CurveTable
from dynviz.player.dialog_screen import DialogScreen
from dynviz.player.display import RunDisplay
from dynviz.player.endings import Endings
from dynviz.player.keys import bindings
from dynviz.player.messages import LanesChosen, PlotBrushed, PlotClicked, ScreenLeft, StepChosen, ViewChosen
from dynviz.player.state import IDLE, LOOK, PlayerState
from dynviz.player.terminal.delivery import Delivery
from dynviz.player.work import ThreadedWork

LEAST_PAUSE = 0.001
"""Minimum seconds between frames, during which keys are read."""
SOON = 0.02
"""Seconds before retrying anything that is waiting."""
NOTICE_SECONDS = 12.0
LEAP = 0.05
"""Fraction of the run that a leap skips."""


class RunScreen(DialogScreen):
    """Shows a run, plays it, and reacts to keys.

    Attributes:
        state: What is shown.
        behind: A word for what is behind this screen; empty for the first screen.
        progress: The progress of an export, in words.
        work: Runs slow functions in threads.
    """

    DEFAULT_CSS = "RunScreen { background: $background; overflow: hidden; }"
    BINDINGS: ClassVar[list[BindingType]] = bindings()

    def __init__(
        self, state: PlayerState, delivery: Delivery, behind: str, set_keys: Mapping[str, str], *, timed: bool
    ) -> None:
        super().__init__()
        self.state, self.behind, self.progress = state, behind, ""
        self._delivery, self._timed, self.endings = delivery, timed, Endings()
        self._rows, self.set_keys = RunDisplay(delivery, behind, set_keys), set_keys
        self._notice, self._notice_until = "", 0.0
        self._late, self._due = False, math.inf
        self._beat_timer: TimerHandle | None = None
        state.pictures.draw = self._rows.plot.draw_ahead
        state.work = self._rows.plot.work = self.work = ThreadedWork(self.poster, self._arrived)

    def compose(self) -> ComposeResult:
        yield self._rows

    def on_mount(self) -> None:
        self.beat()

    def on_unmount(self) -> None:
        self._cancel()

    def beat(self) -> None:
        """Show the current state, and schedule the next update."""
        self._cancel()
        began = time.perf_counter()
        self._delivery.lagged(max(began - self._due, 0.0))
        plot = self._rows.plot
        if self._delivery.stuck():
            # After output was discarded, the contents of the screen are unknown.
            plot.redraw()
            self.refresh()
        self._late = not self._delivery.admits()
        if not self._late:
            self.state.tick(self._delivery.now)
            self.hear()
            if not self.state.ask():
                # What was just asked for mostly arrives at once, and all is shown with it.
                self.show()
            self._search()
            plot.sharpen()
            self._delivery.rate.took(plot.seconds)
            if self._timed:
                self.state.try_view()
        if self._timed:
            now = time.perf_counter()
            pause = max(self._pause - (now - began), LEAST_PAUSE)
            self._beat_timer, self._due = self.call_in(pause, self.beat), now + pause

    def _arrived(self, group: str) -> None:
        """React to the outcome of slow work."""
        if group == "cells":
            self._search()
        elif group != "picture":
            self.beat()
        elif not self._late:
            # Another step is asked for when the next frame is due.
            self.show()

    def _search(self) -> None:
        """Search for events once there is a picture: it would wait for the detectors, which are imported first."""
        if not self._rows.plot.drawing:
            self.state.search()

    @property
    def _pause(self) -> float:
        """Seconds until the next update."""
        if self._late:
            return SOON
        if self.state.playback.moving:
            return self._delivery.rate.interval
        if self.state.live:
            return LOOK
        return SOON if self.state.trying or self._rows.plot.unfinished else IDLE

    def _cancel(self) -> None:
        if self._beat_timer is not None:
            self._beat_timer.cancel()
            self._beat_timer = None

    def show(self) -> None:
        if self.is_current:
            self._rows.show(self.state, self.app.theme)
            self.show_notice()

    def say(self, text: str) -> None:
        """Show a message until the next key press, or for a while."""
        self._notice, self._notice_until = text, self._delivery.now + NOTICE_SECONDS
        self.show_notice()

    def show_notice(self) -> None:
        """Show the latest message, else the progress of an export or fork, else why training failed."""
        trouble = self.state.session.trouble if self.state.scene() is not None else ""
        if self._delivery.now > self._notice_until:
            self._notice = ""
        self._rows.notice.show(self._notice or self.progress or self.state.doing or trouble or self.state.previewing)

    def on_key(self) -> None:
        # The message has been read.
        self._notice = ""

    def on_resize(self) -> None:
        self.call_after_refresh(self.show)

    def on_screen_resume(self) -> None:
        # Time has passed while another screen was in front.
        self.call_after_refresh(self.beat)

    def on_plot_hovered(self) -> None:
        if self._timed and self._rows.plot.unfinished:
            # The rest is sent soon, rather than when nothing has happened for long.
            self.beat()
        else:
            self.show()

    def on_panels_changed(self) -> None:
        self.show()

    def on_plot_clicked(self, message: PlotClicked) -> None:
        """Play the lanes at this place, else zoom into the panel or back out."""
        self._notice = ""

        def play_or_zoom(sources: tuple[str, ...]) -> None:
            if not self._play(sources):
                self.state.zoom(message.hit.panel if message.hit is not None else None)
                self.beat()

        self.state.pick(message.hit, play_or_zoom)

    def on_plot_brushed(self, message: PlotBrushed) -> None:
        """Show the steps over which the mouse was dragged."""
        begun, ended = message.begun, message.ended
        if begun.x is not None and ended.x is not None and self.state.brush(begun.panel, begun.x, ended.x):
            self.say("esc shows all steps again")
            self.beat()

    def on_view_chosen(self, message: ViewChosen) -> None:
        self.state.show(message.view)
        self.beat()

    def on_step_chosen(self, message: StepChosen) -> None:
        self._notice = ""
        self.seek(message.step)

    def on_mouse_scroll_down(self) -> None:
        self.action_leap(0.2)

    def on_mouse_scroll_up(self) -> None:
        self.action_leap(-0.2)

    def pointed(self) -> CurveTable | None:
        return self.state.values(self._rows.plot.hovered)

    def seek(self, step: float | None) -> None:
        """Go to a step, if there is one."""
        if step is not None:
            self.state.playback.seek(step)
            self.beat()

    def action_pause(self) -> None:
        self.state.playback.toggle(self._delivery.now)
        self.beat()

    def action_move(self, samples: int) -> None:
        self.state.playback.move(samples)
        self.beat()

    def action_leap(self, leaps: float) -> None:
        """Leap ahead or back by a fraction of the run."""
        playback = self.state.playback
        self.seek(playback.step + leaps * LEAP * max(playback.total, 1))

    def action_home(self) -> None:
        self.seek(self.state.playback.start)

    def action_end(self) -> None:
        self.state.playback.end()
        self.beat()

    def action_follow(self) -> None:
        self.state.playback.follow()
        self.beat()

    def action_speed(self, by: int) -> None:
        self.state.playback.change_speed(by)
        self.beat()

    def action_event(self, by: int) -> None:
        if not self.state.jump(after=by > 0):
            self.say(self.state.session.events.nothing_more)
        self.beat()

    def action_turn(self, by: int) -> None:
        self._notice = ""
        self.state.turn(by)
        self.beat()

    def action_view(self, number: int) -> None:
        if number <= len(self.state.views.names):
            self.state.show(self.state.views.names[number - 1])
            self.beat()

    def action_zoom(self) -> None:
        """Zoom into the panel at the cursor, else the first, or back out to all panels."""
        hit = self._rows.plot.hovered
        self.state.zoom(hit.panel if hit is not None else 0)
        self.beat()

    def action_page(self, by: int) -> None:
        shown = self._rows.plot.shown
        if self.state.zoomed:
            self.state.page(by)
        elif 0 < shown < len(self.state.titles):
            self.state.page(by * shown)
        self.beat()

    def action_back(self) -> None:
        """Leave what is being opened, else the chosen steps, else the zoom, else this screen."""
        if self.state.leave():
            self.beat()
        elif self.state.axes.between is not None:
            self.state.axes = replace(self.state.axes, between=None)
            self.beat()
        elif self.state.zoomed:
            self.state.zoom(None)
            self.beat()
        elif self.behind:
            self.post_message(ScreenLeft())

    def action_play(self) -> None:
        """Play the lanes at the cursor, in a picture of many."""

        def play(sources: tuple[str, ...]) -> None:
            if not self._play(sources):
                self.say("point the mouse at a place of the picture")

        if self.state.picks:
            self.state.pick(self._rows.plot.hovered, play)

    def _play(self, sources: tuple[str, ...]) -> bool:
        if sources:
            self.post_message(LanesChosen(sources))
        return bool(sources)
