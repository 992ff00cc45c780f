"""The open recordings and the state of their training."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from dynviz.charts import caption
from dynviz.errors import DynvizError
from dynviz.player.event_marks import EventList
from dynviz.player.event_scan import EventScan
from dynviz.player.lengthening import Lengthening
from dynviz.player.live_film import LiveFilm
from dynviz.player.noting import KIND, Notebook
from dynviz.player.opening import Opened, opened
from dynviz.player.selection import Selection
from dynviz.player.status import TrainingStatus, training_status
from dynviz.player.step_rate import StepRate
from dynviz.player.sweep_watch import SweepWatch
from dynviz.player.training_control import TrainingControl
from dynviz.player.work import Work, at_once
from dynviz.recording import Recording

if TYPE_CHECKING:
    from dynviz.process.background import BackgroundRun


class Session:
    """Recordings, and the trainer that may still write them.

    Attributes:
        recordings: The shown recordings.
        trainer: A run in the background; None in a replay.
        selection: All recordings and lanes, and which of them are shown.
        whole: Whether these are all that the sources have.
        events: The events in them, and the notes.
        notebook: The notes at steps.
        control: Controls the processes that train them.
        lengthening: Makes the runs longer.
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
        self.trainer, self._began = trainer, now
        self._step_rate = StepRate()
        self.lengthening = Lengthening()
        self._sweeps, self._joined = SweepWatch(sources), False
        self.take(*opened(self._sweeps.ready), whole=True)

    def take(self, recordings: Sequence[Recording], chosen: Selection, *, whole: bool = False) -> None:
        """Show these recordings, chosen among others; `whole` if they are all that the sources have."""
        self.selection, self.whole = chosen, whole
        self.recordings: tuple[Recording, ...] = tuple(recordings)
        self.control = TrainingControl(self.recordings)
        self._event_scan = EventScan(self.recordings)
        self.notebook = Notebook(self.recordings)
        self._found: tuple[object, object] = (None, None)
        # What the user takes out of the picture later stays out.
        self._joined = self._joined or not self._apart

    @property
    def waits(self) -> bool:
        """Whether the trainer may have created recordings that are not open yet."""
        return self.trainer is not None and self.trainer.folder is not None

    @property
    def sweeps(self) -> bool:
        """Whether a sweep is shown whole that still runs or has runs that have not begun."""
        return self.whole and bool(self._sweeps.status)

    @property
    def joins(self) -> bool:
        """Whether the trainer has a run that is to be shown beside those that are, and is not yet."""
        return self.waits and not self._joined

    @property
    def _apart(self) -> bool:
        """Whether no recording of the trainer's is shown."""
        folder = (
            self.trainer.folder.absolute() if self.trainer is not None and self.trainer.folder is not None else None
        )
        return all(recording.folder.absolute().parent != folder for recording in self.recordings)

    def more(self) -> Opened | None:
        """The recordings with those that were created since; None if there are none."""
        changed = self._sweeps.look()
        folder = self.trainer.folder if self.trainer is not None else None
        if folder is None and not changed:
            return None
        try:
            more = opened([*self._sweeps.ready, *([] if folder is None else [str(folder)])])
        except DynvizError:
            # The folder exists before its recordings do.
            return None
        return more if len(more[0]) != len(self.recordings) else None

    def growing(self, live_film: LiveFilm) -> tuple[int, int] | None:
        """The newest step of what grows, and the last one planned for it; None if nothing does.

        In a sweep runs begin from the first step again and again; all together they grow at their newest one.
        """
        if self.sweeps and self._sweeps.trained:
            return live_film.recorded, live_film.total
        return live_film.growing

    def search(self, live_film: LiveFilm, now: float, work: Work = at_once) -> None:
        """Search for events in what the last check of a film found."""
        if live_film.looked:
            self._event_scan.refresh(live_film.version, now, work)

    def note(self, live_film: LiveFilm, now: float) -> None:
        """Update the status from the last check of a film, and the events from the last search."""
        if not live_film.looked:
            return
        self.notebook.look()
        scan, notes = self._event_scan, self.notebook
        failures = scan.failures | ({KIND: notes.problem} if notes.problem else {})
        if self._found != (scan.marks, notes.marks) or len(failures) != len(self.events.failures):
            self._found = scan.marks, notes.marks
            marks = tuple(sorted((*scan.marks, *notes.marks), key=lambda mark: mark.step))
            self.events = replace(self.events, marks=marks, failures=failures)
        self.control.look()
        # Of a live run beside a finished one, only the first has a pace.
        recorded, total = live_film.growing or (live_film.recorded, live_film.total)
        self._step_rate.note(now, recorded)
        sweeps = (self._sweeps.status,) if self.sweeps else ()
        status = training_status((*live_film.statuses, *sweeps), self._step_rate, total, self.trainer)
        if sweeps:
            # Of its runs only some are trained at the same time.
            status = replace(status, rate=None, left=None, runs=(self._sweeps.begun, self._sweeps.planned))
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
        waiting = self._waiting(now - self._began, growing=live_film is not None and live_film.live)
        if live_film is None or (waiting and not live_film.recorded):
            return waiting or self._ended(now - self._began)
        if live_film.empty and not waiting:
            return "nothing was recorded: training ended before the first sample"
        return live_film.problem or waiting or "nothing is recorded"

    def _waiting(self, seconds: float, *, growing: bool) -> str:
        if self.trainer is not None and self.training and self.trainer.folder is None and not growing:
            return f"waiting for the trainer: {self.trainer.doing}, {seconds:.1f} s\n{self.trainer.what}".rstrip()
        return f"waiting for the first sample, {seconds:.1f} s" if growing or self.training else ""

    def _ended(self, seconds: float) -> str:
        if self.trainer is None:
            return self._sweeps.words(seconds) if self._sweeps.planned else "there is no recording"
        return self.trainer.message or "training ended before anything was recorded"
