"""A player without a terminal, whose time stands still until it is moved: for pictures that are the same each time."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager

from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Input

from dynviz.cells.cells import Cells
from dynviz.errors import DynvizError
from dynviz.player._textual import key_name, unfinished
from dynviz.player.app import Player
from dynviz.player.keys import KEYS, WRITING
from dynviz.player.run_screen import RunScreen
from dynviz.player.screen_cells import screen
from dynviz.scene.theme import theme as find_theme
from dynviz.settings import UserSettings

QUIET = 50
"""Rounds of all tasks in which nothing happens before nothing more is expected: some tasks hand on to others first."""
THREADS = 0.001
"""Seconds between looks at threads that open and draw."""


class Stage:
    """A player, its clock, and the keys pressed on it.

    What it shows does not depend on how fast the machine is: time passes only in `wait`, and each change is awaited.
    The player writes nothing, and leaves training alone.
    """

    def __init__(self, player: Player, pilot: Pilot[int], clock: list[float]) -> None:
        self._player, self._pilot, self._clock = player, pilot, clock

    async def press(self, key: str) -> None:
        """Press a key, as Textual names it, and await what it does.

        Raises:
            DynvizError: The player has no such key, or a player that writes nothing does not do what it does.
        """
        if isinstance(self._player.screen, RunScreen):
            _check(key)
        await self._pilot.press(key)
        await self.settle()

    async def wait(self, seconds: float) -> None:
        """Let time pass, and show what is due."""
        self._clock[0] += seconds
        if isinstance(self._player.screen, RunScreen):
            self._player.screen.beat()
        await self.settle()

    async def settle(self) -> None:
        """Await everything that is under way: messages, views that are opened, pictures that are drawn."""
        rounds = 0
        while rounds < QUIET and not self.ended:
            working = self._working
            # Threads need the time that is spent here on waiting.
            await asyncio.sleep(THREADS if working else 0)
            rounds = 0 if working or unfinished(self._player) or self._blinking() else rounds + 1

    @property
    def _working(self) -> bool:
        """Whether threads are at work."""
        screens: list[Player | Screen[object]] = [self._player, *self._player.screen_stack]
        return any(one.work.groups for one in screens if isinstance(one, Player | RunScreen))

    def _blinking(self) -> bool:
        """Whether a cursor was blinking, which would depend on the time of day; it does not any more."""
        fields = [field for field in self._player.screen.query(Input) if field.cursor_blink]
        for field in fields:
            field.cursor_blink = False
        return bool(fields)

    @property
    def ended(self) -> bool:
        """Whether the player was left."""
        return self._player.return_code is not None

    @property
    def cells(self) -> Cells:
        """What the player shows."""
        return screen(self._player, find_theme(self._player.theme).color("ground"))


def _check(key: str) -> None:
    """Check that the player of a run has a key and may do what it does."""
    actions = {name: (one, action) for one in KEYS for names, action in one.keys for name in names.split(",")}
    name = key_name(key)
    if name not in actions:
        raise DynvizError(f"the player has no key {key!r}; press ? in the player for the list")
    one, action = actions[name]
    if one.writes and action.partition("(")[0] in WRITING:
        raise DynvizError(f"{key!r} ({one.what}) acts on training or writes files, which a tape cannot do")


@asynccontextmanager
async def staged(
    sources: Sequence[str],
    *,
    size: tuple[int, int],
    view: str | None = None,
    theme: str = "dark",
    step: int | None = None,
) -> AsyncIterator[Stage]:
    """A player of this many columns and rows, with the settings of a new user.

    Args:
        sources: Runs and recordings, `FOLDER` or `FOLDER@LANES`.
        size: Columns and rows.
        view: The initial view; by default the one that the scenario suggests.
        theme: `dark`, `light` or the path of a theme.
        step: The initial step, at which the player is paused; None plays from the first one.

    Raises:
        DynvizError: A source cannot be opened.
    """
    clock = [0.0]
    with _in_color():
        player = Player(
            sources,
            view=view,
            theme=theme,
            settings=UserSettings(),
            step=step,
            clock=lambda: clock[0],
            timed=False,
            read_only=True,
            shows_all_keys=True,
        )
    player.animation_level = "none"
    async with player.run_test(size=size) as pilot:
        stage = Stage(player, pilot, clock)
        await stage.settle()
        yield stage


@contextmanager
def _in_color() -> Iterator[None]:
    """Without NO_COLOR, which is meant for the terminal and which Textual obeys when an application is made."""
    asked = os.environ.pop("NO_COLOR", None)
    try:
        yield
    finally:
        if asked is not None:
            os.environ["NO_COLOR"] = asked
