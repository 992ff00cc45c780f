"""Runs that are made longer: by the processes that train them, or by new ones where training is over."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dynviz.player.training_control import TrainingControl, run_folder
from dynviz.recording import Recording

if TYPE_CHECKING:
    from dynviz.player.longer_dialog import Length
    from dynviz.process.background import BackgroundRun


class Lengthening:
    """Makes runs longer.

    Attributes:
        running: The processes that go on with runs whose training was over, as of the last look.
    """

    def __init__(self) -> None:
        self.running: list[BackgroundRun] = []
        self._awaited: dict[Path, tuple[Length, list[Recording]]] = {}

    def begin(self, length: "Length", recordings: Sequence[Recording], control: TrainingControl) -> None:
        """Train the runs of recordings up to this length.

        Raises:
            DynvizError: The request cannot be written, or the system starts no further process.
        """
        control.ask("lengthen", length.steps)
        for folder in dict.fromkeys(map(run_folder, recordings)):
            own = [recording for recording in recordings if run_folder(recording) == folder]
            if any(recording.recorded < length.steps for recording in own):
                self._awaited[folder] = length, own
        self.look()

    def look(self) -> list[str]:
        """Go on with runs that ended before they became longer; why others could not is said in words.

        Raises:
            DynvizError: The system starts no further process.
        """
        from dynviz.process.background import BackgroundRun

        for folder, (length, recordings) in tuple(self._awaited.items()):
            live = [recording for recording in recordings if recording.live]
            for recording in recordings:
                recording.refresh()
            if not live:
                del self._awaited[folder]
                if any(recording.recorded < length.steps for recording in recordings):
                    self.running.append(BackgroundRun.start(length.arguments(folder), "run"))
            elif all(recording.total >= length.steps for recording in live):
                del self._awaited[folder]
        failed = []
        for trainer in tuple(self.running):
            trainer.poll()
            if trainer.exit_code is not None:
                self.running.remove(trainer)
                if trainer.state == "failed":
                    failed.append(f"training does not go on: {trainer.message}")
        return failed

    def stop(self) -> None:
        """Terminate the processes."""
        for trainer in self.running:
            trainer.stop()
