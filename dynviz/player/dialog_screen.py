"""Keys that open a dialog, and what becomes of the answers."""

from collections.abc import Mapping
from concurrent.futures import Future
from functools import partial
from pathlib import Path

from dynviz.errors import DynvizError
from dynviz.player._textual import rows_of
from dynviz.player.axis_screen import AxisScreen
from dynviz.player.crosshair import CurveTable
from dynviz.player.exporting import ExportJob
from dynviz.player.extremes import Extreme, Place, find_extreme
from dynviz.player.messages import ExportChosen
from dynviz.player.runs import RunSummary, find
from dynviz.player.screen_cells import cells_of
from dynviz.player.selection import Selection
from dynviz.player.work import ThreadedWork


class DialogScreen(AxisScreen):
    """A screen whose keys open dialogs; each is imported when it is opened first.

    Attributes:
        work: Runs slow functions in threads.
        set_keys: The keys that the user has set, by the names of actions.
    """

    set_keys: Mapping[str, str]
    work: ThreadedWork

    def seek(self, step: float | None) -> None:
        """Go to a step, if there is one."""
        raise NotImplementedError

    def pointed(self) -> CurveTable | None:
        """The values at the mouse, if it points at curves."""
        raise NotImplementedError

    def action_jump(self) -> None:
        from dynviz.player.dialogs import StepDialog

        if self.state.scene() is not None:
            playback = self.state.playback
            self.app.push_screen(StepDialog(int(playback.start), int(playback.edge)), self.seek)

    def action_lanes(self) -> None:
        from dynviz.player.lane_dialog import LaneDialog

        if self.state.session.choosable:
            self.app.push_screen(LaneDialog(self.state.session.selection), self._select)

    def _select(self, chosen: Selection | None) -> None:
        if chosen is None:
            return
        self.state.select(chosen, self.say)
        self.beat()

    def action_details(self) -> None:
        from dynviz.player.details import sections
        from dynviz.player.info_dialog import InfoDialog

        session = self.state.session
        if session.recordings:
            known = sections(session.recordings, session.events.marks, self.state.statuses)
            self.app.push_screen(InfoDialog(session.title, known))

    def action_export(self) -> None:
        from dynviz.player.export_dialog import ExportDialog

        picture = self.state.picture(self.app.theme)
        if picture is not None:
            self.app.push_screen(ExportDialog(picture), self._export)

    def _export(self, job: ExportJob | None) -> None:
        if job is not None:
            self.post_message(ExportChosen(job))

    def action_copy(self) -> None:
        """Copy the values at the mouse, else the command that exports this picture, and show what was copied."""
        table = self.pointed()
        if table is not None:
            self.app.copy_to_clipboard(table.text)
            self.say(f"copied: {table.heading}, {len(table.rows)} value{'s' * (len(table.rows) != 1)}")
            return
        picture = self.state.picture(self.app.theme)
        if picture is not None:
            command = picture.still()
            self.app.copy_to_clipboard(command)
            self.say(f"copied: {command}")

    def action_note(self) -> None:
        """Write a note at this step."""
        from dynviz.player.noting import NoteDialog

        if self.state.scene() is not None:
            step, notebook = self.state.step, self.state.session.notebook

            def write(text: str | None) -> None:
                if text is not None and text != notebook.at(step):
                    try:
                        notebook.write(step, text)
                    except DynvizError as error:
                        self.say(str(error))
                    self.beat()

            self.app.push_screen(NoteDialog(step, notebook.at(step)), write)

    def action_extreme(self, what: Extreme) -> None:
        """Go to the best result, the minimum of the loss, or its largest jump."""
        recordings = self.state.session.recordings

        def go(found: Future[Place]) -> None:
            error = found.exception()
            if isinstance(error, DynvizError):
                self.say(str(error))
                return
            self.seek(found.result().step)
            self.state.playback.playing = False
            self.say(found.result().words)

        if recordings:
            self.work("extreme", partial(find_extreme, recordings, what), go)

    def action_save(self) -> None:
        """Save what the screen shows now."""
        from dynviz.player.saving import SaveDialog, save
        from dynviz.scene.theme import theme

        rows, width = rows_of(self, 0, self.size.height), self.size.width
        ground = theme(self.app.theme).color("ground")
        picture = self.state.picture(self.app.theme)

        def write(target: Path | None) -> None:
            def said(saved: Future[None]) -> None:
                error = saved.exception()
                self.say(str(error) if isinstance(error, DynvizError) else f"written: {target}")

            if target is not None:
                self.work("save", lambda: save(cells_of(rows, width, ground), target), said)

        self.app.push_screen(SaveDialog(f"{picture.name}-{picture.step}" if picture else "dynviz"), write)

    def action_open(self) -> None:
        """Choose a run to show beside the present ones."""
        recordings = self.state.session.recordings
        if recordings:
            root = recordings[0].folder.parent.parent
            self.work("runs", partial(find, root), partial(self._offer, root))

    def _offer(self, root: Path, found: Future[tuple[RunSummary, ...]]) -> None:
        """Offer the runs that are not shown yet."""
        from dynviz.player.palette import PaletteCommand, PaletteDialog
        from dynviz.player.run_lines import cells

        shown = {recording.folder.parent for recording in self.state.session.recordings}
        others = [run for run in found.result() if run.folder not in shown and not run.problem]
        commands = [
            PaletteCommand("   ".join(filter(None, cells(run)[:4])), "", partial(self._beside, run.folder))
            for run in others
        ]

        def done(command: PaletteCommand | None) -> None:
            if command is not None:
                command.act()

        if commands:
            self.app.push_screen(PaletteDialog(commands, f"runs in {root}"), done)
        else:
            self.say(f"there is no other run in {root}")

    def _beside(self, folder: Path) -> None:
        self.state.overlay(folder, self.state.step, self.say)

    def action_palette(self) -> None:
        """Open the command palette."""
        from dynviz.player.palette import Acts, PaletteCommand, PaletteDialog, palette_commands

        def act(action: str) -> None:
            self.call_later(self.run_action, action)

        def done(command: PaletteCommand | None) -> None:
            if command is not None:
                command.act()

        self.app.push_screen(
            PaletteDialog(palette_commands(self.state, Acts(act, self.seek, self._select, self.set_keys))), done
        )
