"""A tape as it was read: what is played, how it is drawn, and what is done in which line."""

from collections.abc import Mapping
from dataclasses import field
from typing import TypeAlias

from dynviz.frozen import frozen

MODIFIERS = ("ctrl", "alt", "shift")
KEYS: Mapping[str, str] = {
    "Backspace": "backspace",
    "Delete": "delete",
    "Down": "down",
    "End": "end",
    "Enter": "enter",
    "Escape": "escape",
    "Home": "home",
    "Insert": "insert",
    "Left": "left",
    "PageDown": "pagedown",
    "PageUp": "pageup",
    "Right": "right",
    "Space": "space",
    "Tab": "tab",
    "Up": "up",
}
"""Names of keys, and how Textual calls them."""


@frozen(kw_only=True)
class TapeSettings:
    """What `Set` sets.

    Attributes:
        columns: Width of the terminal in characters.
        rows: Its height.
        theme: `dark`, `light` or the path of a theme.
        view: The view that the player opens with; empty for the scenario's first.
        step: The step that it opens at, paused; None plays from the first one.
        framerate: Frames per second.
        playback_speed: How much faster than played it is shown.
        typing_speed: Seconds after each key.
        wait_timeout: Seconds, on the player's clock, that `Wait` waits at most.
        font_size: Size of letters in pixels.
        padding: Pixels around the screen.
    """

    columns: int = 100
    rows: int = 30
    theme: str = "dark"
    view: str = ""
    step: int | None = None
    framerate: float = 10.0
    playback_speed: float = 1.0
    typing_speed: float = 0.05
    wait_timeout: float = 15.0
    font_size: int = 16
    padding: int = 10


@frozen
class Press:
    """Press a key, as Textual names it, and let some seconds pass after it."""

    line: int
    key: str
    seconds: float


@frozen
class Sleep:
    """Let time pass."""

    line: int
    seconds: float


@frozen
class WaitFor:
    """Let time pass until a regular expression matches the screen, for so many seconds at most."""

    line: int
    pattern: str
    seconds: float


@frozen
class Visibility:
    """From here on the screen is recorded, or it is not, and no time passes in the recording."""

    line: int
    shown: bool


@frozen
class Screenshot:
    """Draw the screen into a file of its own."""

    line: int
    target: str


Act: TypeAlias = Press | Sleep | WaitFor | Visibility | Screenshot


@frozen
class Tape:
    """A tape.

    Attributes:
        name: Its file, for messages.
        text: All of it.
        sources: Runs and recordings, `FOLDER` or `FOLDER@LANES`.
        played: The line that names them.
        outputs: The files that it is recorded into.
        settings: How.
        acts: What is done, in turn.
    """

    name: str
    text: str
    sources: tuple[str, ...]
    played: int
    outputs: tuple[str, ...] = ()
    settings: TapeSettings = field(default_factory=TapeSettings)
    acts: tuple[Act, ...] = ()

    @property
    def screenshots(self) -> tuple[str, ...]:
        """The files that single screens are drawn into."""
        return tuple(act.target for act in self.acts if isinstance(act, Screenshot))
