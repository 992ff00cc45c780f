"""The open recordings and the state of their training."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from dynviz.charts import caption
from dynviz.errors import DynvizError
from dynviz.player.event_marks import EventList
from dynviz.player.event_scan import EventScan
from dynviz.player.live_film import LiveFilm
from dynviz.player.selection import Selection, selection
from dynviz.player.status import TrainingStatus, training_status
from dynviz.player.step_rate import StepRate
from dynviz.player.training_control import TrainingControl
from dynviz.player.work import Work, at_once
from dynviz.recording import Recording, open_all

if TYPE_CHECKING:
    from dynviz.process.background import BackgroundRun


class Session:
    """Recordings, and the trainer that may still write them.

    Attributes:
        recordings: The shown recordings.
        trainer: A run in the background; None in a replay.
        selection: All recordings and lanes, and which of them are shown.
        events: The events in them.
        control: Controls the processes that train them.
        training_status: The state of training.
    """

    def __init__(self, sources: Sequence[str], trainer: "BackgroundRun | None", now: float) -> None:
        """Open the recordings, if they exist yet.

        Args:
            sources: Runs and recordings; those in the trainer's folder are added as they appear.
            trainer: A run in the background.
            now: The present time.

        Raises:
            DynvizError: A source cannot be opened.
        """
        self.events = EventList()
        self.training_status = TrainingStatus("")
        self._sources, self.trainer, self._began = tuple(sources), trainer, now
        self._step_rate = StepRate()
        self.take(open_all(sources))

    def take(self, recordings: Sequence[Recording], chosen: Selection | None = None) -> None:
        """Show these recordings."""
        # Read the alternatives now: the recordings may be gone later.
        self.selection = chosen or selection(recordings)
        self.recordings: tuple[Recording, ...] = tuple(recordings)
        self.control = TrainingControl(self.recordings)
        self._event_scan = EventScan(self.recordings)

    def open_more(self) -> bool:
        """Open recordings that the trainer has created since; returns whether there are any."""
        if self.trainer is None or self.trainer.folder is None:
            return False
        try:
            recordings = open_all([*self._sources, str(self.trainer.folder)])
        except DynvizError:
            # The folder exists before its recordings do.
            return False
        if len(recordings) == len(self.recordings):
            return False
        self.take(recordings)
        return True

    def note(self, live_film: LiveFilm, now: float, work: Work = at_once) -> None:
        """Update events and status from the last check of a film."""
        if not live_film.looked:
            return
        self._event_scan.refresh(live_film.version, now, work)
        scan = self._event_scan
        if scan.marks is not self.events.marks or len(scan.failures) != len(self.events.failures):
            self.events = replace(self.events, marks=scan.marks, failures=dict(scan.failures))
        self.control.look()
        self._step_rate.note(now, live_film.recorded)
        status = training_status(live_film.statuses, self._step_rate, live_film.total, self.trainer)
        self.training_status = replace(status, paused=self.control.paused and status.status == "running")

    @property
    def training(self) -> bool:
        """Whether the trainer is alive."""
        return self.trainer is not None and self.trainer.exit_code is None

    @property
    def live(self) -> bool:
        """Whether more steps will come."""
        return self.training or self.training_status.status == "running"

    @property
    def trouble(self) -> str:
        """Why training failed; empty if it did not."""
        errors = [recording.metadata.error for recording in self.recordings if recording.metadata.status == "failed"]
        if self.trainer is not None and self.trainer.state == "failed":
            errors.insert(0, self.trainer.message)
        return f"Training failed: {errors[0] or 'no reason was given'}" if errors else ""

    @property
    def title(self) -> str:
        """A title to show before there is a picture."""
        return caption.title(self.recordings) if self.recordings else "dynviz"

    @property
    def choosable(self) -> bool:
        """Whether there are several recordings or lanes to choose from."""
        return bool(self.recordings) and len(self.selection.rows) > 1

    def words(self, live_film: LiveFilm | None, now: float) -> str:
        """The text in place of a picture: what is awaited and for how long, or why nothing will come."""
        if self.trouble:
            return self.trouble
        if live_film is not None and live_film.opening_since is not None:
            return f"opening view {live_film.view}, {now - live_film.opening_since:.1f} s"
        waiting = self._waiting(now - self._began, growing=live_film is not None and live_film.live)
        if live_film is None or (waiting and not live_film.recorded):
            return waiting or self._ended()
        if live_film.empty and not waiting:
            return "nothing was recorded: training ended before the first sample"
        return live_film.problem or waiting or "nothing is recorded"

    def _waiting(self, seconds: float, *, growing: bool) -> str:
        if self.trainer is not None and self.training and self.trainer.folder is None and not growing:
            return f"waiting for the trainer: {self.trainer.doing}, {seconds:.1f} s"
        return f"waiting for the first sample, {seconds:.1f} s" if growing or self.training else ""

    def _ended(self) -> str:
        if self.trainer is None:
            return "there is no recording"
        return self.trainer.message or "training ended before anything was recorded"
