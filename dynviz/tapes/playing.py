"""Playing a tape against the player: what its screen shows, and for how long."""

import asyncio
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from dynviz.cells.cells import Cells
from dynviz.errors import DynvizError
from dynviz.frozen import frozen
from dynviz.player.opening import root_and_view
from dynviz.player.stage import Stage, staged
from dynviz.recording import open_all
from dynviz.recording.noted_reads import noted_reads
from dynviz.recording.run import is_sweep
from dynviz.tapes.script import Act, Press, Screenshot, Sleep, Tape, Visibility, WaitFor
from dynviz.tapes.settings import LONGEST, MOST_SHOWN
from dynviz.text import one_line

Progress = Callable[[int, int], None]


@frozen
class TapedScreen:
    """A screen, and the milliseconds for which it is shown."""

    cells: Cells
    milliseconds: int


@frozen
class Taped:
    """What became of a tape.

    Attributes:
        screens: All that is shown, in turn; no two in a row are the same.
        screenshots: The screens that files of their own are for, with those files.
        measured: Measurements that were shown: the folder of each one's recording, and its name.
    """

    screens: tuple[TapedScreen, ...]
    screenshots: tuple[tuple[str, Cells], ...]
    measured: tuple[tuple[Path, str], ...] = ()


def play(tape: Tape, progress: Progress = lambda *_: None) -> Taped:
    """Play a tape; the same tape and recordings give the same screens, however fast the machine is.

    Args:
        tape: The tape.
        progress: Is told how many commands are done, and how many there are.

    Raises:
        DynvizError: A recording is missing or still grows, the player has no such key, or something waited for is not
            shown; the message names the line.
    """
    with _in_line(tape, tape.played):
        root, view = root_and_view(tape.sources, tape.settings.view or None)
        if root is not None:
            raise DynvizError(f"{root} holds several runs; a tape plays runs that it names")
        for recording in open_all(tape.sources):
            if recording.status == "running":
                raise DynvizError(f"{recording.folder} is still trained; a tape plays what does not change any more")
        if any(is_sweep(source) and not open_all([source]) for source in tape.sources):
            raise DynvizError("this sweep has no runs yet")
    with noted_reads() as measured:
        screens, screenshots = asyncio.run(_played(tape, view, progress))
    return Taped(screens, screenshots, tuple(measured))


async def _played(
    tape: Tape, view: str | None, progress: Progress
) -> tuple[tuple[TapedScreen, ...], tuple[tuple[str, Cells], ...]]:
    settings = tape.settings
    size = settings.columns, settings.rows
    async with staged(tape.sources, size=size, view=view, theme=settings.theme, step=settings.step) as stage:
        recorder = _Recorder(stage, settings.framerate, settings.playback_speed)
        for done, act in enumerate(tape.acts):
            with _in_line(tape, act.line):
                await recorder.do(act)
            progress(done + 1, len(tape.acts))
        recorder.finish()
    if not recorder.screens and not recorder.screenshots:
        raise DynvizError(f"{tape.name} shows nothing; all of it is hidden")
    return tuple(recorder.screens), tuple(recorder.screenshots)


class _Recorder:
    """Does what a tape says, and keeps what is seen."""

    def __init__(self, stage: Stage, framerate: float, speed: float) -> None:
        self._stage, self._interval, self._speed = stage, 1 / framerate, speed
        self._shown = True
        self._passed = self._seen = 0.0
        self._written = 0
        self._last: Cells | None = stage.cells
        self.screens: list[TapedScreen] = []
        self.screenshots: list[tuple[str, Cells]] = []

    async def do(self, act: Act) -> None:
        if isinstance(act, Visibility):
            self._shown = act.shown
        elif self._stage.ended:
            raise DynvizError("the player was left before")
        elif isinstance(act, Screenshot):
            self.screenshots.append((act.target, self._cells()))
        elif isinstance(act, Sleep):
            await self._pass(act.seconds)
        elif isinstance(act, Press):
            await self._stage.press(act.key)
            self._last = None
            await self._pass(act.seconds)
        else:
            await self._await(act)

    async def _await(self, act: WaitFor) -> None:
        until, pattern = self._passed + act.seconds, re.compile(act.pattern)
        while not pattern.search(self._cells().text()):
            if self._passed >= until - 1e-9:
                seen = one_line(" / ".join(filter(None, map(str.strip, self._cells().text().splitlines()[:2]))), 160)
                raise DynvizError(f"/{act.pattern}/ is not on the screen within {act.seconds:g} s; it begins: {seen}")
            await self._pass(min(self._interval, until - self._passed))

    async def _pass(self, seconds: float) -> None:
        """Let time pass, frame by frame."""
        end = self._passed + seconds
        if end > LONGEST + 1e-9:
            raise DynvizError(f"the tape lasts longer than {LONGEST:g} s")
        while self._passed < end - 1e-9 and not self._stage.ended:
            step = min(self._interval, end - self._passed)
            self._keep(step)
            await self._stage.wait(step)
            self._last = None
            self._passed += step

    def _cells(self) -> Cells:
        """What the player shows now."""
        if self._last is None:
            self._last = self._stage.cells
        return self._last

    def _keep(self, seconds: float) -> None:
        if self._shown and not self._stage.ended:
            self._seen += seconds / self._speed
            # Times are rounded, not durations, so that no time is lost.
            until = round(1000 * self._seen)
            cells = self._cells()
            if len(self.screens) * cells.glyphs.size >= MOST_SHOWN:
                raise DynvizError(
                    f"a tape shows {len(self.screens)} screens of {cells.columns} columns and {cells.rows} rows at "
                    "most; shorten it, or lower Framerate, Columns or Rows"
                )
            self._add(cells, until - self._written)
            self._written = until

    def _add(self, cells: Cells, milliseconds: int) -> None:
        if self.screens and same(self.screens[-1].cells, cells):
            before = self.screens.pop()
            cells, milliseconds = before.cells, before.milliseconds + milliseconds
        self.screens.append(TapedScreen(cells, milliseconds))

    def finish(self) -> None:
        """Keep what is shown at the end, for one frame."""
        self._keep(self._interval)


def same(one: Cells, other: Cells) -> bool:
    """Whether two screens look the same."""
    if one.glyphs.shape != other.glyphs.shape or not np.array_equal(one.glyphs, other.glyphs):
        return False
    inks = np.array_equal(one.palette[one.ink], other.palette[other.ink])
    grounds = np.array_equal(one.palette[one.ground], other.palette[other.ground])
    return inks and grounds and np.array_equal(one.bold, other.bold)


@contextmanager
def _in_line(tape: Tape, line: int) -> Iterator[None]:
    try:
        yield
    except DynvizError as error:
        raise DynvizError(f"{Path(tape.name)}, line {line}: {error}") from error
