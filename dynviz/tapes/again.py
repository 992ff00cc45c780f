"""Playing a tape again that a picture carries, against recordings that were trained again."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from dynviz.animation.recipe import TapeRequest
from dynviz.animation.recipe_writer import THEMES
from dynviz.errors import DynvizError
from dynviz.recording import Recording
from dynviz.tapes.outputs import check, write, write_screenshot
from dynviz.tapes.playing import Progress, play
from dynviz.tapes.reading import parse
from dynviz.tapes.script import Tape, WaitFor

THEME = re.compile(r"""\bTheme\s+["'`]?([^\s"'`]*)""")
QUANTIFIER = re.compile(r"[*+?{]")


def drawing(request: TapeRequest, folder: Path, progress: Progress) -> Callable[[Sequence[Recording], Path], object]:
    """What plays the tape and writes the picture; see `dynviz.remaking.remake`.

    Args:
        request: The tape.
        folder: The folder in which what it plays is trained again.
        progress: Told how many of its commands are done, and how many there are.

    Raises:
        DynvizError: The tape is not understood, or is none that is played for a picture from elsewhere.
    """
    tape = _tape(request)
    if request.shot is not None and request.shot >= len(tape.screenshots):
        raise DynvizError(f"the picture's tape has no screenshot {request.shot + 1}")
    check(replace(tape, acts=()), [] if request.shot is not None else [f"picture{request.suffix}"])
    played = replace(tape, sources=tuple(str(folder / source) for source in request.sources))

    def draw(_: Sequence[Recording], target: Path) -> None:
        taped = play(played, progress)
        if request.shot is None:
            write(played, taped, str(target))
        else:
            write_screenshot(played, taped, request.shot, str(target))

    return draw


def _tape(request: TapeRequest) -> Tape:
    """The tape, checked.

    Raises:
        DynvizError: It is not understood, or asks for what only its author can want.
    """
    if any(name not in THEMES for name in THEME.findall(request.text)):
        raise DynvizError("the picture's tape has a theme of its author's own")
    tape = parse(request.text, "the picture's tape")
    for act in tape.acts:
        if isinstance(act, WaitFor) and not _is_quick(act.pattern):
            raise DynvizError(f"the picture's tape waits for /{act.pattern}/, which may take forever to find")
    return tape


def _is_quick(pattern: str) -> bool:
    r"""Whether a regular expression is looked for in little time, however it was meant.

    >>> _is_quick(r"step \d+"), _is_quick(r"(a+)+"), _is_quick(r".*.*="), _is_quick(r"\\*\\*")
    (True, False, False, False)
    """
    plain = re.sub(r"\\.", "", pattern)
    return ")" not in plain and len(QUANTIFIER.findall(plain)) <= 1
