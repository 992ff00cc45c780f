"""The Textual application: what it opens, its dialogs, its end."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import textual
from textual import constants
from textual.binding import BindingType
from textual.driver import Driver

from dynviz.cells.encode import Depth
from dynviz.errors import DynvizError
from dynviz.player import exporting
from dynviz.player._textual import WholeScreenApp
from dynviz.player.browser import Browser
from dynviz.player.command import Picture
from dynviz.player.details import sections
from dynviz.player.info_screen import InfoScreen
from dynviz.player.keys import help_sections
from dynviz.player.projector import Projector
from dynviz.player.runs import RunSummary
from dynviz.player.stage import Stage
from dynviz.player.styles import textual_theme
from dynviz.player.terminal.delivery import Delivery
from dynviz.scene.theme import THEMES

if TYPE_CHECKING:
    from dynviz.player.export_form import ExportJob
    from dynviz.player.selection import Selection
    from dynviz.process.background import BackgroundRun


class Player(WholeScreenApp):
    """Runs in the terminal.

    Attributes:
        look: The theme: `dark` or `light`.
        clock: Says the time.
        timed: Whether the picture moves by itself; without, whoever holds the clock calls `Stage.beat`.
        delivery: How many frames are drawn, and how well.
        export_words: How an export goes.
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
    .dialog VerticalScroll { height: auto; max-height: 100%; scrollbar-size-vertical: 1; }
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
    .label { width: 9; color: $secondary; }
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
        """Open what is played.

        Args:
            sources: Runs and recordings.
            root: Where runs are looked for; None where some are played.
            view: What is shown first.
            theme: `dark` or `light`.
            trainer: Who trains for us.
            step: Where to begin.
            depth: How many colours the terminal shows.
            clock: Says the time.
            timed: Whether the picture moves by itself.
            environ: Says where the terminal stands.
            run: Runs `dynviz export`.

        Raises:
            DynvizError: A source cannot be opened.
        """
        super().__init__()
        self.look, self.clock, self.timed = theme, clock, timed
        self.delivery = Delivery(depth, environ or {}, clock)
        self.trainer, self.root = trainer, root
        self.export_words = ""
        self._run = run
        self._view, self._step = view, step
        self._stages: list[Stage] = []
        if root is None:
            projector = Projector(sources, view=view, step=step, trainer=trainer, now=self.clock())
            self._stages.append(Stage(projector))

    def on_mount(self) -> None:
        """Show the first screen."""
        for name in THEMES:
            self.register_theme(textual_theme(name))
        self.theme = f"dynviz-{self.look}"
        if self._stage is not None:
            self.push_screen(self._stage)
        elif self.root is not None:
            self.push_screen(Browser(self.root))

    def get_driver_class(self) -> type[Driver]:
        """The one that knows how far the terminal is, unless another is asked for, as by who serves it to a browser."""
        if constants.DRIVER is not None:
            return super().get_driver_class()
        from dynviz.player.terminal.driver import LinkedDriver

        return LinkedDriver

    def whole_screen(self) -> None:
        """What still waits to be written need not be shown any more."""
        self.delivery.link.cut()

    @property
    def behind(self) -> str:
        """What stands behind the stage, in a word; nothing where it is the first."""
        return "back" if len(self._stages) > 1 else "runs" if self.root is not None else ""

    @property
    def _stage(self) -> Stage | None:
        """The one in front."""
        return self._stages[-1] if self._stages else None

    @property
    def projector(self) -> Projector | None:
        """What the stage shows; None while there is a list of runs."""
        return self._stage.projector if self._stage is not None else None

    def picture(self, projector: Projector) -> Picture | None:
        """What is shown, in the theme in which it is."""
        picture = projector.picture
        return None if picture is None else replace(picture, theme=self.look)

    def play_run(self, run: RunSummary) -> None:
        """Play a run of the list."""
        self._play([str(run.folder)], self._view)

    def play_lanes(self, sources: Sequence[str]) -> None:
        """Play lanes that were picked in a picture of many."""
        self._play(sources, None)

    def _play(self, sources: Sequence[str], view: str | None) -> None:
        try:
            projector = Projector(sources, view=view, step=self._step, now=self.clock())
        except DynvizError as error:
            self.push_screen(InfoScreen("This run cannot be played", [("", [(str(error),)])]))
            return
        self._stages.append(Stage(projector))
        self.push_screen(self._stages[-1])

    def back(self) -> None:
        """To what stands behind the stage: a picture of many, or the list of runs."""
        if self.behind:
            self._stages.pop()
            self.pop_screen()

    def action_theme(self) -> None:
        """Turn the light on or off."""
        names = list(THEMES)
        self.look = names[(names.index(self.look) + 1) % len(names)]
        self.theme = f"dynviz-{self.look}"
        if self._stage is not None:
            self._stage.show()

    def action_help(self) -> None:
        """Say what the keys do."""
        self.push_screen(InfoScreen("Keys", help_sections()))

    def action_details(self) -> None:
        """Say what is known of the run."""
        if self.projector is not None and self.projector.recordings:
            found = sections(self.projector.recordings, self.projector.happened, self.projector.statuses)
            self.push_screen(InfoScreen(self.projector.title, found))

    def action_jump(self) -> None:
        """Ask for a step."""
        from dynviz.player.ask import Jump

        projector = self.projector
        if projector is not None and projector.scene() is not None:
            playback = projector.playback
            self.push_screen(Jump(int(playback.start), int(playback.edge)), self._jump)

    def _jump(self, step: int | None) -> None:
        if step is not None and self._stage is not None:
            self._stage.seek(step)

    def action_lanes(self) -> None:
        """Choose recordings and lanes."""
        from dynviz.player.lanes import Lanes

        if self.projector is not None and self.projector.choosable:
            self.push_screen(Lanes(self.projector.selection), self._select)

    def _select(self, chosen: "Selection | None") -> None:
        if chosen is None or self._stage is None:
            return
        try:
            self._stage.projector.select(chosen)
        except DynvizError as error:
            self._stage.say(str(error))
        self._stage.beat()

    def action_export(self) -> None:
        """Ask what is exported."""
        from dynviz.player.export_form import ExportForm

        picture = self.picture(self.projector) if self.projector is not None else None
        if picture is not None:
            self.push_screen(ExportForm(picture), self._export)

    def _export(self, job: "ExportJob | None") -> None:
        if job is not None:
            self.run_worker(self._exported(job), group="export", exit_on_error=False)

    async def _exported(self, job: "ExportJob") -> None:
        """Export beside the player, and say how it goes."""

        def progress(done: int, count: int) -> None:
            self._tell(f"writing {job.target}: {done} of {count} frames")

        self._tell(f"writing {job.target}: starting")
        code, last = await self._run(job.arguments, progress)
        self._tell("")
        if self._stage is not None:
            self._stage.say(f"written: {job.target}" if code == 0 else f"{job.target} was not written: {last}")

    def _tell(self, text: str) -> None:
        self.export_words = text
        if self._stage is not None and self._stage.is_mounted:
            self._stage.show_notice()

    def action_leave(self) -> None:
        """Quit; ask first, while training goes on."""
        from dynviz.player.ask import Leave

        projector = next((stage.projector for stage in self._stages if stage.projector.training), None)
        if projector is None:
            self.exit(self.exit_status)
        else:
            recorded = projector.live_film.recorded if projector.live_film is not None else 0
            self.push_screen(Leave(recorded, projector.playback.total), self._leave)

    def _leave(self, answer: str | None) -> None:
        if answer == "stop" and self.trainer is not None:
            self.trainer.stop()
        if answer in {"stop", "go on"}:
            self.exit(0)

    def _fatal_error(self) -> None:
        """A traceback without the values of all variables, which here are arrays."""
        # They take a tenth of the start, and are needed never.
        from rich.segment import Segments
        from rich.traceback import Traceback

        self.bell()
        trace = Traceback(show_locals=False, width=None, suppress=[textual])
        self._exit_renderables.append(Segments(self.console.render(trace, self.console.options)))
        self._close_messages_no_wait()

    @property
    def exit_status(self) -> int:
        """That of a trainer that failed, else 0."""
        if self.trainer is None or self.trainer.state != "failed":
            return 0
        return self.trainer.exit_code or 1
