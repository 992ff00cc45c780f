"""The dialog for forking a recording."""

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.widgets import Input

from dynviz import plugins
from dynviz.charts import caption
from dynviz.errors import DynvizError
from dynviz.frozen import frozen
from dynviz.player.forks import ForkJob
from dynviz.player.form import ChoiceField, FormDialog, row
from dynviz.player.hyperparameters import written
from dynviz.player.value_rows import ValueRows
from dynviz.player.words import grouped
from dynviz.plugins.trust import foreign
from dynviz.recording import Recording

STATES, SCHEDULES = ("keep", "reset"), ("continue", "restart")


@frozen
class _Choice:
    """A recording that can be forked, with the user's own code that a fork runs."""

    recording: Recording
    name: str
    code: tuple[str, ...]

    @classmethod
    def of(cls, recording: Recording, name: str) -> "_Choice":
        return cls(recording, name, user_code(recording))


def user_code(recording: Recording) -> tuple[str, ...]:
    """The user's own files and classes that train a recording."""
    scenario, rule = recording.metadata.scenario, recording.metadata.optimizer
    codes = (
        *foreign("scenarios", scenario.spec, scenario.fingerprints),
        *foreign("optimizers", rule.spec, rule.fingerprints),
    )
    return tuple(dict.fromkeys(code.name for code in codes))


class ForkDialog(FormDialog[ForkJob]):
    """Asks for a recording, a step and the changes."""

    purpose = "fork"

    def __init__(self, recordings: Sequence[Recording], step: int, *, trusted: bool) -> None:
        """Prepare the dialog.

        Args:
            recordings: The recordings that can be forked.
            step: The suggested step.
            trusted: Whether the user has already run the code that the recordings name.
        """
        super().__init__()
        self._choices = list(map(_Choice.of, recordings, caption.names(recordings)))
        self._step, self._trusted = step, trusted
        self.heading = f"Fork at step {grouped(step)}"

    def rows(self) -> ComposeResult:
        if len(self._choices) > 1:
            yield from row("of", ChoiceField("of", [choice.name for choice in self._choices]))
        yield from row("step", Input(str(self._step), restrict=r"[0-9 ]*", id="step"))
        yield ValueRows(written(self._choices[0].recording, self._step))
        yield from row("state", ChoiceField("state", STATES))
        yield from row("schedules", ChoiceField("schedule", SCHEDULES))
        yield from row("optimizer", Input(placeholder="the same", id="optimizer"))
        if not self._trusted and any(choice.code for choice in self._choices):
            yield from row("run its code", ChoiceField("trust", ("no", "yes")))

    async def on_choice_field_changed(self) -> None:
        """Show the hyperparameters of the recording that is forked."""
        await self.query_one(ValueRows).show(written(self._choice.recording, self._step))

    @property
    def _choice(self) -> _Choice:
        return self._choices[self.chosen("of")]

    def answer(self) -> ForkJob:
        choice, changed = self._choice, self.query_one(ValueRows).changed
        recorded = choice.recording.recorded
        digits = self.written("step").replace(" ", "")[:15]
        if not digits or int(digits) > recorded:
            raise DynvizError(f"enter a step from 0 to {grouped(recorded)}")
        if missing := next((name for name, text in changed.items() if not text), None):
            raise DynvizError(f"enter a value for {missing}")
        arguments = [choice.recording.source, "--at", str(int(digits))]
        for name, text in changed.items():
            arguments += ["--set", f"{name}={text}"]
        if optimizer := self.written("optimizer"):
            plugins.check("optimizers", optimizer)
            arguments += ["--optimizer", optimizer]
        arguments += ["--state", STATES[self.chosen("state")], "--schedule", SCHEDULES[self.chosen("schedule")]]
        if choice.code and not self._trusted and not self.chosen("trust"):
            raise DynvizError(
                f"a fork runs {', '.join(choice.code)}, which is not part of dynviz: answer yes to allow it"
            )
        for code in choice.code:
            arguments += ["--trust", code]
        return ForkJob(int(digits), tuple(arguments))
