"""The screen that shows a run."""

import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.timer import Timer

from dynviz.cells.canvas import Hit
from dynviz.errors import DynvizError
from dynviz.player.display import RunDisplay
from dynviz.player.exporting import ExportJob
from dynviz.player.keys import bindings
from dynviz.player.messages import ExportChosen, LanesChosen, PlotClicked, ScreenLeft, StepChosen, ViewChosen
from dynviz.player.selection import Selection
from dynviz.player.state import IDLE, LOOK, PlayerState
from dynviz.player.terminal.delivery import Delivery
from dynviz.player.training_screen import TrainingScreen
from dynviz.player.work import in_thread

LEAST_PAUSE = 0.001
"""Minimum seconds between frames, during which keys are read."""
SOON = 0.02
"""Seconds before retrying anything that is waiting."""
NOTICE_SECONDS = 12.0
LEAP = 0.05
"""Fraction of the run that a leap skips."""


class RunScreen(TrainingScreen):
    """Shows a run, plays it, and reacts to keys.

    Attributes:
        state: What is shown.
        behind: A word for what is behind this screen; empty for the first screen.
        progress: The progress of an export, in words.
    """

    DEFAULT_CSS = "RunScreen { background: $background; overflow: hidden; }"
    BINDINGS: ClassVar[list[BindingType]] = bindings()

    def __init__(self, state: PlayerState, delivery: Delivery, behind: str, *, timed: bool) -> None:
        super().__init__()
        self.state, self.behind, self.progress = state, behind, ""
        self._delivery, self._timed = delivery, timed
        self._rows = RunDisplay(delivery, behind)
        self._notice, self._notice_until = "", 0.0
        self._late = False
        self._beat_timer: Timer | None = None
        state.work = self._work

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
        plot = self._rows.plot
        if self._delivery.stuck():
            # After output was discarded, the contents of the screen are unknown.
            plot.redraw()
            self.refresh()
        self._late = not self._delivery.admits()
        if not self._late:
            self.state.tick(self._delivery.now)
            self.hear()
            self.show()
            plot.sharpen()
            self._delivery.rate.took(plot.seconds)
            if self._timed:
                self.state.try_view()
        if self._timed:
            taken = time.perf_counter() - began
            self._beat_timer = self.set_timer(max(self._pause - taken, LEAST_PAUSE), self.beat)

    def _work(self, group: str, function: Callable[[], Any], take: Callable[[Future[Any]], None]) -> None:
        async def work() -> None:
            take(await in_thread(function))
            self.beat()

        self.run_worker(work(), group=group, exclusive=True)

    @property
    def _pause(self) -> float:
        """Seconds until the next update."""
        if self._late:
            return SOON
        if self.state.playback.moving:
            return self._delivery.rate.interval
        if self.state.live:
            return LOOK
        return SOON if self.state.trying or self._rows.plot.lowered else IDLE

    def _cancel(self) -> None:
        if self._beat_timer is not None:
            self._beat_timer.stop()
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
        self._rows.notice.show(self._notice or self.progress or self.state.forks.doing or trouble)

    def on_key(self) -> None:
        # The message has been read.
        self._notice = ""

    def on_resize(self) -> None:
        self.call_after_refresh(self.show)

    def on_screen_resume(self) -> None:
        # Time has passed while another screen was in front.
        self.call_after_refresh(self.beat)

    def on_plot_hovered(self) -> None:
        self.show()

    def on_panels_changed(self) -> None:
        self.show()

    def on_plot_clicked(self, message: PlotClicked) -> None:
        """Play the lanes at this place, else zoom into the panel or back out."""
        self._notice = ""
        if not self._play(message.hit):
            self.state.zoom(message.hit.panel if message.hit is not None else None)
            self.beat()

    def on_view_chosen(self, message: ViewChosen) -> None:
        self.state.show(message.view)
        self.beat()

    def on_step_chosen(self, message: StepChosen) -> None:
        self._notice = ""
        self._seek(message.step)

    def on_mouse_scroll_down(self) -> None:
        self.action_leap(0.2)

    def on_mouse_scroll_up(self) -> None:
        self.action_leap(-0.2)

    def _seek(self, step: float | None) -> None:
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
        self._seek(playback.step + leaps * LEAP * max(playback.total, 1))

    def action_home(self) -> None:
        self._seek(self.state.playback.start)

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

    def action_jump(self) -> None:
        from dynviz.player.dialogs import StepDialog

        if self.state.scene() is not None:
            playback = self.state.playback
            self.app.push_screen(StepDialog(int(playback.start), int(playback.edge)), self._seek)

    def action_lanes(self) -> None:
        from dynviz.player.lane_dialog import LaneDialog

        if self.state.session.choosable:
            self.app.push_screen(LaneDialog(self.state.session.selection), self._select)

    def _select(self, chosen: Selection | None) -> None:
        if chosen is None:
            return
        try:
            self.state.select(chosen)
        except DynvizError as error:
            self.say(str(error))
        self.beat()

    def action_details(self) -> None:
        from dynviz.player.details import sections
        from dynviz.player.info_dialog import InfoDialog

        session = self.state.session
        if session.recordings:
            known = sections(session.recordings, session.events.marks, self.state.statuses)
            self.app.push_screen(InfoDialog(session.title, known))

    def action_export(self) -> None:
        from dynviz.player.export_dialog import ExportDialog

        picture = self.state.picture(self.app.theme)
        if picture is not None:
            self.app.push_screen(ExportDialog(picture), self._export)

    def _export(self, job: ExportJob | None) -> None:
        if job is not None:
            self.post_message(ExportChosen(job))

    def action_copy(self) -> None:
        """Copy the command that exports this picture, and show it."""
        picture = self.state.picture(self.app.theme)
        if picture is not None:
            command = picture.still()
            self.app.copy_to_clipboard(command)
            self.say(f"copied: {command}")

    def action_back(self) -> None:
        """Leave the zoom, else this screen."""
        if self.state.zoomed:
            self.state.zoom(None)
            self.beat()
        elif self.behind:
            self.post_message(ScreenLeft())

    def action_play(self) -> None:
        """Play the lanes at the cursor, in a picture of many."""
        if self.state.picks and not self._play(self._rows.plot.hovered):
            self.say("point the mouse at a place of the picture")

    def _play(self, hit: Hit | None) -> bool:
        sources = self.state.pick(hit)
        if sources:
            self.post_message(LanesChosen(sources))
        return bool(sources)
