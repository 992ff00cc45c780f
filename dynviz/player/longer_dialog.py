"""The dialog for making a run longer."""

from collections.abc import Sequence
from pathlib import Path

from textual.app import ComposeResult
from textual.widgets import Input

from dynviz.errors import DynvizError
from dynviz.frozen import frozen
from dynviz.player.fork_dialog import user_code
from dynviz.player.form import ChoiceField, FormDialog, row
from dynviz.player.words import grouped
from dynviz.recording import Recording
from dynviz.recording.schema import STEPS


@frozen
class Length:
    """A new length of runs.

    Attributes:
        steps: In all.
        trust: The user's own code that training runs, where it has to begin again.
    """

    steps: int
    trust: tuple[str, ...] = ()

    def arguments(self, folder: Path) -> list[str]:
        """Those of `dynviz run` that go on with a run."""
        trust = [word for code in self.trust for word in ("--trust", code)]
        return ["--resume", str(folder), "--steps", str(self.steps), *trust]


class LongerDialog(FormDialog[Length]):
    """Asks for the number of steps."""

    purpose = "train on"

    def __init__(self, recordings: Sequence[Recording], *, trusted: bool) -> None:
        """Prepare the dialog.

        Args:
            recordings: Of the runs.
            trusted: Whether the user has already run the code that they name.
        """
        super().__init__()
        self._total = max(recording.total for recording in recordings)
        live = any(recording.live for recording in recordings)
        # A run that was stopped can go on as it was planned.
        planned = not live and any(recording.recorded < recording.total for recording in recordings)
        self._least = self._total if planned else self._total + 1
        self._code = () if live else tuple(dict.fromkeys(code for one in recordings for code in user_code(one)))
        self._trusted = trusted
        self.heading = "Train on" if planned else f"Train beyond the {grouped(self._total)} steps"

    def rows(self) -> ComposeResult:
        suggested = self._least if self._least == self._total else 2 * self._total
        yield from row("steps in all", Input(str(suggested), restrict=r"[0-9 ]*", id="steps"))
        if self._code and not self._trusted:
            yield from row("run its code", ChoiceField("trust", ("no", "yes")))

    def answer(self) -> Length:
        digits = self.written("steps").replace(" ", "")[:18]
        if not digits or not self._least <= int(digits) <= STEPS:
            raise DynvizError(f"write a number of steps from {grouped(self._least)} on")
        if self._code and not self._trusted and not self.chosen("trust"):
            raise DynvizError(
                f"training runs {', '.join(self._code)}, which is not part of dynviz; choose yes to allow it"
            )
        return Length(int(digits), self._code)
