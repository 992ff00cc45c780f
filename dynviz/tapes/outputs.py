"""The files that a tape is recorded into."""

from collections.abc import Sequence
from pathlib import Path

from dynviz.animation.export import write_whole
from dynviz.animation.formats import find_exporter, moving
from dynviz.animation.provenance import comment
from dynviz.animation.recipe_writer import line_for_tape
from dynviz.cells.svg import svg
from dynviz.errors import DynvizError
from dynviz.frame import Frame, Frames, Sheet
from dynviz.recording import open_all
from dynviz.scene.theme import theme
from dynviz.tapes.cast import cast
from dynviz.tapes.drawing import ScreenDrawing, colors
from dynviz.tapes.playing import Taped, TapedScreen
from dynviz.tapes.script import Tape

CAST, STILL = ".cast", ".svg"
SHOTS = (".png", ".svg", ".txt")


def check(tape: Tape, outputs: Sequence[str]) -> None:
    """Check that files of these suffixes can be written, before anything is played.

    Raises:
        DynvizError: One cannot.
    """
    animations = [f".{name}" for name in moving()]
    for name in outputs:
        if Path(name).suffix.lower() not in (CAST, STILL, *animations):
            raise DynvizError(
                f"{tape.name}: a tape is recorded into {CAST} files, animations ({', '.join(animations)}), or {STILL}, "
                f"which shows the end; not {name}"
            )
    for name in tape.screenshots:
        if Path(name).suffix.lower() not in SHOTS:
            raise DynvizError(f"{tape.name}: a Screenshot ends in {', '.join(SHOTS)}; not {name}")
    targets = [Path(name).absolute() for name in (*outputs, *tape.screenshots)]
    for target in targets:
        if not target.parent.is_dir():
            raise DynvizError(f"{tape.name}: there is no folder {target.parent}")
    if len(set(targets)) < len(targets):
        raise DynvizError(f"{tape.name}: two outputs have one name")


def write(tape: Tape, taped: Taped, output: str) -> None:
    """Write a recording; its suffix chooses the format.

    Raises:
        DynvizError: It cannot be written, or all of the tape is hidden.
    """
    if not taped.screens:
        raise DynvizError(f"{tape.name}: everything is hidden; {output} would be empty. Add Show, or remove Hide")
    if Path(output).suffix.lower() == CAST:
        _text(output, cast(taped.screens, title(tape)))
    else:
        _picture(tape, taped, taped.screens, output)


def write_screenshot(tape: Tape, taped: Taped, shot: int, target: str) -> None:
    """Write a single screen, by its place among the screenshots of a tape.

    Raises:
        DynvizError: It cannot be written.
    """
    cells = taped.screenshots[shot][1]
    if Path(target).suffix.lower() == ".txt":
        _text(target, cells.text() + "\n")
    else:
        _picture(tape, taped, [TapedScreen(cells, 0)], target, shot)


def title(tape: Tape) -> str:
    """What a recording is called."""
    return f"dynviz play {' '.join(tape.sources)}"


def _picture(tape: Tape, taped: Taped, screens: Sequence[TapedScreen], target: str, shot: int | None = None) -> None:
    """Draw screens, of a still the last one, into a picture that says how it is made."""
    recordings, suffix = open_all(tape.sources), Path(target).suffix
    made = line_for_tape(
        recordings,
        tape.sources,
        taped.measured,
        text=tape.text,
        theme=tape.settings.theme,
        suffix=suffix.lower(),
        shot=shot,
    )
    if suffix.lower() == STILL:
        _text(target, svg(screens[-1].cells, title(tape), made))
        return
    settings = tape.settings
    drawing = ScreenDrawing(settings.columns, settings.rows, settings.font_size, settings.padding)
    export = find_exporter(suffix)
    sheet = Sheet(
        palette=colors((screen.cells for screen in screens), settings.font_size),
        comment=comment(recordings, settings.view or recordings[0].metadata.views[0]),
        facts={"tape": tape.text},
        count=len(screens),
        size=drawing.size,
        title=title(tape),
        theme=theme(settings.theme),
        told=lambda: made,
    )
    frames = (Frame(drawing.draw(screen.cells), screen.milliseconds / 1000) for screen in screens)
    write_whole(Path(target), lambda file: export.target(Frames(frames), file, sheet))


def _text(output: str, text: str) -> None:
    write_whole(Path(output), lambda file: _write(file, text))


def _write(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8", newline="\n")
