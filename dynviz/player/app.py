"""The Textual application: its screens, exports, and how it ends."""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import constants
from textual.binding import Binding, BindingType
from textual.driver import Driver

from dynviz.cells.encode import Depth
from dynviz.errors import DynvizError
from dynviz.graphics.support import GraphicsSupport
from dynviz.player import exporting
from dynviz.player._textual import LinkedApp
from dynviz.player.messages import ExportChosen, LanesChosen, RunChosen, TrainingEnded
from dynviz.player.run_screen import RunScreen
from dynviz.player.state import PlayerState
from dynviz.player.styles import textual_theme
from dynviz.player.terminal.delivery import Delivery
from dynviz.player.work import ThreadedWork
from dynviz.scene.theme import THEMES
from dynviz.settings import DEFAULTS, UserSettings
from dynviz.text import clean

if TYPE_CHECKING:
    from dynviz.player.exporting import ExportJob
    from dynviz.process.background import BackgroundRun

GUARDED_AFTER = 0.5
"""Seconds between two looks at whether something trains, for the words after the player was killed."""


class Player(LinkedApp):
    """Runs in the terminal.

    Attributes:
        delivery: Decides which frames are sent to the terminal, and in what quality.
        work: Opens runs in threads.
        timed: Whether a timer drives the picture; otherwise the owner of the clock calls `RunScreen.beat`.
    """

    TITLE = "dynviz"
    ENABLE_COMMAND_PALETTE = False
    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [
        # In dialogs too; Textual itself would quit without a question.
        Binding("ctrl+q", "leave", show=False, priority=True),
        Binding("ctrl+z", "suspend_process", show=False, priority=True),
    ]
    CSS = """
    .dialog { width: 64; max-width: 96%; height: auto; max-height: 92%; background: $surface; padding: 1 3; }
    .dialog.small { width: 60; }
    .dialog.wide { width: 92; }
    .dialog VerticalScroll { height: auto; scrollbar-size-vertical: 1; }
    .dialog InfoRows { scrollbar-size-vertical: 1; }
    .dialog OptionList { height: auto; max-height: 16; border: none; padding: 0; background: $surface; }
    OptionList:focus { border: none; background-tint: transparent; }
    OptionList > .option-list--option-highlighted, OptionList:focus > .option-list--option-highlighted {
        background: $panel; color: $foreground; text-style: none;
    }
    .dialog Input { border: none; height: 1; padding: 0 1; background: $surface; }
    .dialog Input:focus { border: none; background: $panel; background-tint: transparent; }
    .title { text-style: bold; margin-bottom: 1; height: auto; }
    .heading { text-style: bold; margin-top: 1; height: 1; }
    .rows { height: auto; }
    .heading.first { margin-top: 0; }
    .hint { color: $secondary; margin-top: 1; height: auto; }
    .field { height: 1; }
    .label { width: 15; color: $secondary; }
    .answer { height: 1; }
    #stop { margin-top: 1; }
    .-edged .dialog { border: round $secondary; padding: 0 2; }
    """

    def __init__(
        self,
        sources: Sequence[str],
        *,
        root: Path | None = None,
        view: str | None = None,
        theme: str = "dark",
        settings: UserSettings = DEFAULTS,
        trainer: "BackgroundRun | None" = None,
        step: int | None = None,
        depth: Depth = "true",
        clock: Callable[[], float] = time.monotonic,
        timed: bool = True,
        environ: Mapping[str, str] | None = None,
        run: exporting.Run = exporting.run,
        trains: Callable[[Path | None], None] = lambda _: None,
        read_only: bool = False,
        graphics: GraphicsSupport | None = None,
        shows_all_keys: bool = False,
    ) -> None:
        """Open the recordings; see `dynviz.player.play` for the parameters that it shares.

        Without sources, the user chooses a run from the folder `root`. The `clock` returns seconds, `environ`
        tells whether the terminal is remote, `run` runs `dynviz export`, and `trains` is told which run trains in the
        background, if any. A player that is `read_only` writes nothing and leaves training alone; with `shows_all_keys`
        it names the keys for that all the same. `graphics` is how the terminal shows pictures of pixels, if it does.

        Raises:
            DynvizError: A source cannot be opened.
        """
        self.delivery = Delivery(depth, environ or {}, clock, graphics)
        super().__init__(self.delivery.link, self.delivery.surface, depth)
        for name in dict.fromkeys((*THEMES, theme)):
            self.register_theme(textual_theme(name, depth))
        self.theme = theme
        self.set_keymap(settings.keys)
        self._settings, self._themes = settings, list(dict.fromkeys((theme, *THEMES)))
        # With few colours, the ground of a dialog hardly differs from the picture behind it.
        self.set_class(depth != "true", "-edged")
        self.timed, self.trainer, self.root = timed, trainer, root
        self._run, self._clock, self._trains = run, clock, trains
        self._view, self._step, self._read_only, self._shows_all_keys = view, step, read_only, shows_all_keys
        self._progress = ""
        self.work = ThreadedWork(lambda: self.call_later, lambda _: None)
        self._run_screens: list[RunScreen] = []
        self._speed = settings.speed
        if root is None:
            self._add(PlayerState(sources, view=view, step=step, trainer=trainer, now=clock(), timer=clock))

    def _add(self, state: PlayerState) -> RunScreen:
        state.playback.speed, state.read_only, state.shows_all_keys = self.speed, self._read_only, self._shows_all_keys
        behind = "back" if self._run_screens else "runs" if self.root is not None else ""
        self._run_screens.append(RunScreen(state, self.delivery, behind, self._settings.keys, timed=self.timed))
        self._run_screens[-1].progress = self._progress
        return self._run_screens[-1]

    def on_mount(self) -> None:
        if self.trainer is not None:
            self.set_interval(GUARDED_AFTER, self._tell)
        if self.run_screen is not None:
            self.push_screen(self.run_screen)
        elif self.root is not None:
            from dynviz.player.browser import Browser

            self.push_screen(Browser(self.root, read_only=self._read_only))

    def _tell(self) -> None:
        if self.trainer is not None:
            self._trains(self.trainer.folder if self.trainer.exit_code is None else None)

    def get_driver_class(self) -> type[Driver]:
        """The driver that measures the terminal's speed, unless another is asked for, as by a server for browsers."""
        if constants.DRIVER is not None:
            return super().get_driver_class()
        from dynviz.player.terminal.driver import LinkedDriver

        return LinkedDriver

    @property
    def run_screen(self) -> RunScreen | None:
        """The screen of the current run, possibly behind dialogs; None while the list of runs is shown."""
        return self._run_screens[-1] if self._run_screens else None

    @property
    def speed(self) -> float:
        """The speed of playback of the current run; without one, that of the settings."""
        return self.run_screen.state.playback.speed if self.run_screen is not None else self._speed

    def on_run_chosen(self, message: RunChosen) -> None:
        if not self._run_screens:
            self._play([str(folder) for folder in message.folders], self._view)

    def on_lanes_chosen(self, message: LanesChosen) -> None:
        self._play(message.sources, None)

    def _play(self, sources: Sequence[str], view: str | None) -> None:
        opened = partial(PlayerState, sources, view=view, step=self._step, now=self._clock(), timer=self._clock)
        self.work("open", opened, self._take)

    def _take(self, opened: Future[PlayerState]) -> None:
        error = opened.exception()
        if isinstance(error, DynvizError):
            from dynviz.player.info_dialog import InfoDialog

            self.push_screen(InfoDialog("This run cannot be played", [("", [(str(error),)])]))
        else:
            self.push_screen(self._add(opened.result()))

    def on_screen_left(self) -> None:
        if self.run_screen is self.screen:
            self._speed = self.speed
            self._run_screens.pop()
            self.pop_screen()

    def action_theme(self) -> None:
        """Turn the light on or off."""
        self.theme = self._themes[(self._themes.index(self.theme) + 1) % len(self._themes)]
        if self.run_screen is not None:
            self.run_screen.show()

    def on_training_ended(self, message: TrainingEnded) -> None:
        if self._settings.ends == "bell":
            self.bell()
        elif self._settings.ends == "notify":
            self.write_sequence(f"\x1b]9;dynviz: {clean(message.words)}\x07")

    def action_help(self) -> None:
        """Explain the keys."""
        from dynviz.player.info_dialog import InfoDialog
        from dynviz.player.keys import help_sections

        read_only = self._read_only and not self._shows_all_keys
        self.push_screen(InfoDialog("Keys", help_sections(self._settings.keys, read_only=read_only)))

    def on_export_chosen(self, message: ExportChosen) -> None:
        self.run_worker(self._export(message.job), group="export", exit_on_error=False)

    async def _export(self, job: "ExportJob") -> None:
        """Export in a process beside the player, and show its progress."""

        def progress(done: int, count: int) -> None:
            self._show_progress(f"writing {job.target}: {done} of {count} frames")

        self._show_progress(f"writing {job.target}: starting")
        try:
            code, last_line = await self._run(job.arguments, progress)
        except DynvizError as error:
            code, last_line = 1, str(error)
        self._show_progress("")
        if self.run_screen is not None:
            self.run_screen.say(f"written: {job.target}" if code == 0 else f"{job.target} was not written: {last_line}")

    def _show_progress(self, text: str) -> None:
        self._progress = text
        for screen in self._run_screens:
            screen.progress = text
            if screen.is_mounted:
                screen.show_notice()

    def action_leave(self) -> None:
        """Stop opening a run, else quit; ask first while training or an export is running."""
        from dynviz.player.dialogs import QuitDialog

        if isinstance(self.screen, QuitDialog) or self.work.drop("open"):
            return
        states = (screen.state for screen in self._run_screens)
        training = next((state for state in states if state.training), None)
        steps = (training.timeline.recorded, training.playback.total) if training is not None else None
        exporting = any(worker.group == "export" and worker.is_running for worker in self.workers)
        if training is None and not exporting:
            self.exit(self.exit_status)
        else:
            self.push_screen(QuitDialog(steps, self._progress if exporting else ""), self._leave)

    def _leave(self, answer: str | None) -> None:
        if answer == "stop":
            for screen in self._run_screens:
                screen.state.forks.stop()
                screen.state.session.lengthening.stop()
            if self.trainer is not None:
                self.trainer.stop()
        if answer in {"stop", "go on"}:
            self.exit(self.exit_status)

    @property
    def exit_status(self) -> int:
        """The exit status of the trainer if it failed, else 0."""
        if self.trainer is None or self.trainer.state != "failed":
            return 0
        return self.trainer.exit_code or 1
