"""Small dialogs: going to a step, and quitting during training."""

from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input, Static

from dynviz.player.dialog import Dialog
from dynviz.player.words import grouped
from dynviz.text import clean


class StepDialog(Dialog[int | None]):
    """Asks for a step."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,ctrl+c", "dismiss(None)", show=False, priority=True)]

    def __init__(self, first: int, last: int) -> None:
        super().__init__()
        self._first, self._last = first, last

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog small"):
            yield Static("Go to a step", classes="title")
            yield Input(placeholder=f"{grouped(self._first)} to {grouped(self._last)}", restrict=r"[0-9 ]*")
            yield Static("enter go   esc cancel", classes="hint")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        digits = event.value.replace(" ", "")
        self.dismiss(min(int(digits[:15]), self._last) if digits else None)


class QuitDialog(Dialog[str]):
    """Asks whether to stop what is unfinished (`stop`), leave training in the background (`go on`), or `stay`.

    A second `q` changes nothing: a key that is held or pressed twice must not stop training.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "dismiss('stop')", show=False),
        Binding("b,g,d", "leave_running", show=False),
        Binding("escape,n", "dismiss('stay')", show=False),
        Binding("q,ctrl+c", "app.leave", show=False),
    ]

    def __init__(self, training: tuple[int, int] | None, export: str = "") -> None:
        """Prepare the question.

        Args:
            training: The step that training has reached, and the last one planned; None if nothing trains.
            export: The progress of an export that is running, in words; empty if there is none.
        """
        super().__init__()
        self._training, self._export = training, export

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog small"):
            if self._training is None:
                yield Static("An export has not finished", classes="title")
                yield Static(clean(self._export), classes="rows", markup=False)
                yield Static("s    stop it; no file is written", classes="answer", name="stop", id="stop")
            else:
                yield Static("Training has not finished", classes="title")
                yield Static(self._progress(*self._training), classes="rows")
                if self._export:
                    lost = f"Quitting drops an export: {self._export}"
                    yield Static(clean(lost), classes="rows", markup=False)
                yield Static("s    stop it; it can be resumed later", classes="answer", name="stop", id="stop")
                yield Static("b    keep it running in the background", classes="answer", name="go on")
            yield Static("esc  stay here", classes="answer", name="stay")

    @staticmethod
    def _progress(step: int, total: int) -> str:
        return f"It is at step {grouped(step)} of {grouped(total)}." if total else "It has not started yet."

    def action_leave_running(self) -> None:
        """Leave training in the background, if anything trains."""
        if self._training is not None:
            self.dismiss("go on")

    def on_click(self, event: events.Click) -> None:
        if event.widget is not None and event.widget.name:
            self.dismiss(event.widget.name)
