"""The Textual application: its screens, exports, and how it ends."""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import constants
from textual.binding import BindingType
from textual.driver import Driver

from dynviz.cells.encode import Depth
from dynviz.errors import DynvizError
from dynviz.player import exporting
from dynviz.player._textual import LinkedApp
from dynviz.player.browser import Browser
from dynviz.player.info_dialog import InfoDialog
from dynviz.player.keys import help_sections
from dynviz.player.messages import ExportChosen, LanesChosen, RunChosen
from dynviz.player.run_screen import RunScreen
from dynviz.player.state import PlayerState
from dynviz.player.styles import textual_theme
from dynviz.player.terminal.delivery import Delivery
from dynviz.scene.theme import THEMES

if TYPE_CHECKING:
    from dynviz.player.exporting import ExportJob
    from dynviz.process.background import BackgroundRun


class Player(LinkedApp):
    """Runs in the terminal.

    Attributes:
        delivery: Decides which frames are sent to the terminal, and in what quality.
        timed: Whether a timer drives the picture; otherwise the owner of the clock calls `RunScreen.beat`.
    """

    TITLE = "dynviz"
    ENABLE_COMMAND_PALETTE = False
    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = []
    CSS = """
    ModalScreen { align: center middle; background: $background 55%; }
    .dialog { width: 64; max-width: 96%; height: auto; max-height: 92%; background: $surface; padding: 1 3; }
    .dialog.small { width: 60; }
    .dialog.wide { width: 92; }
    .dialog VerticalScroll { height: auto; scrollbar-size-vertical: 1; }
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
    """

    def __init__(
        self,
        sources: Sequence[str],
        *,
        root: Path | None = None,
        view: str | None = None,
        theme: str = "dark",
        trainer: "BackgroundRun | None" = None,
        step: int | None = None,
        depth: Depth = "true",
        clock: Callable[[], float] = time.monotonic,
        timed: bool = True,
        environ: Mapping[str, str] | None = None,
        run: exporting.Run = exporting.run,
    ) -> None:
        """Open the recordings; see `dynviz.player.play` for the parameters that it shares.

        Without sources, the user chooses a run from the folder `root`. The `clock` returns seconds, `environ`
        tells whether the terminal is remote, and `run` runs `dynviz export`.

        Raises:
            DynvizError: A source cannot be opened.
        """
        self.delivery = Delivery(depth, environ or {}, clock)
        super().__init__(self.delivery.link)
        for name in THEMES:
            self.register_theme(textual_theme(name))
        self.theme = theme
        self.timed, self.trainer, self.root = timed, trainer, root
        self._run, self._clock = run, clock
        self._view, self._step = view, step
        self._progress = ""
        self._run_screens: list[RunScreen] = []
        if root is None:
            self._add(PlayerState(sources, view=view, step=step, trainer=trainer, now=clock(), timer=clock))

    def _add(self, state: PlayerState) -> RunScreen:
        behind = "back" if self._run_screens else "runs" if self.root is not None else ""
        self._run_screens.append(RunScreen(state, self.delivery, behind, timed=self.timed))
        self._run_screens[-1].progress = self._progress
        return self._run_screens[-1]

    def on_mount(self) -> None:
        if self.run_screen is not None:
            self.push_screen(self.run_screen)
        elif self.root is not None:
            self.push_screen(Browser(self.root))

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

    def on_run_chosen(self, message: RunChosen) -> None:
        if not self._run_screens:
            self._play([str(message.folder)], self._view)

    def on_lanes_chosen(self, message: LanesChosen) -> None:
        self._play(message.sources, None)

    def _play(self, sources: Sequence[str], view: str | None) -> None:
        try:
            state = PlayerState(sources, view=view, step=self._step, now=self._clock(), timer=self._clock)
        except DynvizError as error:
            self.push_screen(InfoDialog("This run cannot be played", [("", [(str(error),)])]))
            return
        self.push_screen(self._add(state))

    def on_screen_left(self) -> None:
        if self.run_screen is self.screen:
            self._run_screens.pop()
            self.pop_screen()

    def action_theme(self) -> None:
        """Turn the light on or off."""
        names = list(THEMES)
        self.theme = names[(names.index(self.theme) + 1) % len(names)]
        if self.run_screen is not None:
            self.run_screen.show()

    def action_help(self) -> None:
        """Explain the keys."""
        self.push_screen(InfoDialog("Keys", help_sections()))

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
        """Quit; ask first while training goes on."""
        from dynviz.player.dialogs import QuitDialog

        states = (screen.state for screen in self._run_screens)
        training = next((state for state in states if state.session.training or state.forks.running), None)
        if training is None:
            self.exit(self.exit_status)
        else:
            self.push_screen(QuitDialog(training.timeline.recorded, training.playback.total), self._leave)

    def _leave(self, answer: str | None) -> None:
        if answer == "stop":
            for screen in self._run_screens:
                screen.state.forks.stop()
            if self.trainer is not None:
                self.trainer.stop()
        if answer in {"stop", "go on"}:
            self.exit(0)

    @property
    def exit_status(self) -> int:
        """The exit status of the trainer if it failed, else 0."""
        if self.trainer is None or self.trainer.state != "failed":
            return 0
        return self.trainer.exit_code or 1
