"""`dynviz tape`: recordings of the terminal from a script of keys."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dynviz.cli import options
from dynviz.cli.replacing import may_write
from dynviz.cli.say import say
from dynviz.cli.stopping import stoppable
from dynviz.errors import DynvizError
from dynviz.process.background import STOPPED

if TYPE_CHECKING:
    from dynviz.tapes.script import Tape


@click.command(short_help="Record the player's screen from a script of keys: GIF, asciicast, SVG.")
@click.argument("tape", type=click.Path(path_type=Path))
@click.argument("outputs", nargs=-1, metavar="[OUTPUT...]")
@options.force
def tape(*, tape: Path, outputs: tuple[str, ...], force: bool) -> None:
    """Play TAPE, a script of keys and waits, against the player, and record what its screen shows.

    An OUTPUT ends in .cast (asciinema), in .gif or another animation, or in .svg, which shows the end. Without one,
    the tape's own lines `Output FILE` count. Time is that of the tape, so that the same tape and the same runs give
    the same bytes on machines of the same kind, however busy they are. The player writes nothing meanwhile.

    A tape has a command in each line, in the manner of vhs:

    \b
    Play runs/voronoi-adamw-1       the runs that are played
    Output demo.gif                 a file to record into
    Set Columns 100                 also Rows, Theme, View, Step, Framerate and others
    Sleep 2s                        let time pass
    Type "?"                        keys that write; Type@200ms "g100"
    Shift+Right 5                   other keys, and how many times
    Wait /step 300/                 until the screen matches
    Hide, Show                      record, or not
    Screenshot end.png              a file of its own

    \b
    dynviz tape demo.tape
    dynviz tape demo.tape demo.gif demo.cast
    """  # noqa: D301 - click wants the sign itself, which keeps lines as they are
    from dynviz.tapes.reading import read

    try:
        with stoppable() as heed:
            script = read(tape)
            _record(script, outputs or script.outputs, force=force)
            heed()
    except KeyboardInterrupt:
        say(f"stopped; not all outputs of {tape} were written")
        sys.exit(STOPPED)


def _record(script: "Tape", outputs: tuple[str, ...], *, force: bool) -> None:
    from dynviz.cli.progress import ExportProgress
    from dynviz.tapes.outputs import check, write, write_screenshot
    from dynviz.tapes.playing import play

    if not outputs and not script.screenshots:
        raise DynvizError(f"{script.name} is recorded nowhere; add a line such as: Output demo.gif")
    check(script, outputs)
    may_write(map(Path, (*outputs, *script.screenshots)), force=force)
    with ExportProgress(script.name, "commands") as progress:
        taped = play(script, progress)
    for output in outputs:
        write(script, taped, output)
        say(output, err=False)
    for shot, (target, _) in enumerate(taped.screenshots):
        write_screenshot(script, taped, shot, target)
        say(target, err=False)
