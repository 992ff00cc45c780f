"""Small dialogs: going to a step, and quitting during training."""

from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from dynviz.player.words import grouped


class StepDialog(ModalScreen[int | None]):
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


class QuitDialog(ModalScreen[str]):
    """Asks whether to stop training (`stop`), continue it in the background (`go on`), or not to quit (`stay`)."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s,q,ctrl+c", "dismiss('stop')", show=False),
        Binding("b,g,d", "dismiss('go on')", show=False),
        Binding("escape,n", "dismiss('stay')", show=False),
    ]

    def __init__(self, step: int, total: int) -> None:
        super().__init__()
        self._progress = f"It is at step {grouped(step)} of {grouped(total)}." if total else "It has not begun yet."

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog small"):
            yield Static("Training is not over", classes="title")
            yield Static(self._progress, classes="rows")
            yield Static("s    stop it; it can be resumed later", classes="answer", name="stop", id="stop")
            yield Static("b    let it go on in the background", classes="answer", name="go on")
            yield Static("esc  stay here", classes="answer", name="stay")

    def on_click(self, event: events.Click) -> None:
        if event.widget is not None and event.widget.name:
            self.dismiss(event.widget.name)
