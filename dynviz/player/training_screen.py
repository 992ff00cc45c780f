"""Keys that control training: pausing, single steps, hyperparameters, forks."""

from typing import TYPE_CHECKING

from dynviz.errors import DynvizError
from dynviz.player._textual import CoveredScreen
from dynviz.player.endings import Endings
from dynviz.player.keys import WRITING
from dynviz.player.messages import TrainingEnded
from dynviz.player.state import PlayerState
from dynviz.recording.changes import Action

if TYPE_CHECKING:
    from dynviz.player.change_dialog import Wanted
    from dynviz.player.forks import ForkJob
    from dynviz.player.longer_dialog import Length

OVER = "training is over; L trains on, F forks the run at this step"


class TrainingScreen(CoveredScreen[None]):
    """A screen whose keys act on training; each dialog is imported when it is opened first.

    Attributes:
        state: What is shown.
        endings: Sees when training ends or diverges.
    """

    state: PlayerState
    endings: Endings

    def beat(self) -> None:
        """Show the present state."""
        raise NotImplementedError

    def say(self, text: str) -> None:
        """Show some words."""
        raise NotImplementedError

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Whether an action may be done: one that writes may not in a player that is read only."""
        return not (self.state.read_only and action in WRITING) and super().check_action(action, parameters)

    def hear(self) -> None:
        """Show forks that have begun, and report the outcomes of requests."""
        begun, words = self.state.forks.look()
        for folder, step in begun:
            self.state.overlay(folder, step, self.say)
        try:
            words += self.state.session.control.answers()
            words += self.state.session.lengthening.look()
        except DynvizError as error:
            words.append(str(error))
        words += self.state.take_told()
        if words:
            self.say("\n".join(words))
        session = self.state.session
        if ended := self.endings.look(session.training_status.status, session.events.marks):
            self.post_message(TrainingEnded(ended))

    def action_train(self) -> None:
        """Pause training, or continue it."""
        control = self.state.session.control
        self._ask("continue" if control.paused else "pause")

    def action_ahead(self, steps: int, samples: int) -> None:
        """Take training steps while it is paused; else move ahead by as many samples."""
        if self.state.session.training_status.paused and not self.state.read_only:
            self._ask("step", steps)
            self.state.playback.follow()
        else:
            self.state.playback.move(samples)
        self.beat()

    def _ask(self, action: Action, steps: int = 1) -> None:
        try:
            if not self.state.session.control.ask(action, steps):
                self.say(OVER)
        except DynvizError as error:
            self.say(str(error))
        self.beat()

    def action_pace(self) -> None:
        """Let time run with what moves, or with the steps again."""
        self.state.change_pace(self.say)
        self.beat()

    def action_stop(self) -> None:
        """Stop training."""
        self._ask("stop")

    def action_longer(self) -> None:
        """Open the dialog for making the runs longer."""
        from dynviz.player.longer_dialog import LongerDialog

        session = self.state.session
        if session.recordings:
            dialog = LongerDialog(session.recordings, trusted=session.trainer is not None)
            self.app.push_screen(dialog, self._lengthen)

    def _lengthen(self, length: "Length | None") -> None:
        if length is not None:
            try:
                session = self.state.session
                session.lengthening.begin(length, session.recordings, session.control)
            except DynvizError as error:
                self.say(str(error))
            self.beat()

    def action_change(self) -> None:
        """Change hyperparameters if training is running, else open the fork dialog."""
        from dynviz.player.change_dialog import ChangeDialog

        live = self.state.session.control.live
        if live:
            self.app.push_screen(ChangeDialog(live), self._change)
        else:
            self.action_fork()

    def _change(self, wanted: "Wanted | None") -> None:
        try:
            for recording, request in wanted or ():
                self.state.session.control.change(recording, request)
        except DynvizError as error:
            self.say(str(error))
        self.beat()

    def action_fork(self) -> None:
        """Open the fork dialog at the shown step."""
        from dynviz.player.fork_dialog import ForkDialog

        if self.state.scene() is not None:
            session = self.state.session
            dialog = ForkDialog(session.recordings, self.state.step, trusted=session.trainer is not None)
            self.app.push_screen(dialog, self._fork)

    def _fork(self, job: "ForkJob | None") -> None:
        if job is not None:
            try:
                self.state.forks.begin(job)
            except DynvizError as error:
                self.say(str(error))
            self.beat()

    def action_kinds(self) -> None:
        """Choose the kinds of events that are shown."""
        from dynviz.player.event_dialog import EventDialog

        self.app.push_screen(EventDialog(self.state.session.events), self._show_kinds)

    def _show_kinds(self, hidden: frozenset[str] | None) -> None:
        if hidden is not None:
            session = self.state.session
            session.events = session.events.hiding(hidden)
            self.beat()
