"""Training in the background, watched in the player or left to itself."""

import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dynviz.cli.divergence import divergence
from dynviz.cli.say import say
from dynviz.process.background import TRACEBACK, BackgroundRun

GLANCE = 0.05
"""Seconds between two looks at a trainer that is starting."""
PATIENCE = 10.0
"""Seconds that a trainer has to end cleanly before its user gets the prompt back anyway."""


def is_terminal() -> bool:
    """Whether a player can be shown: input, output and errors are all a terminal."""
    streams = (sys.stdin, sys.stdout, sys.stderr)
    return os.environ.get("TERM", "dumb") != "dumb" and all(stream.isatty() for stream in streams)


def show(runs: Sequence[str], **how: Any) -> int:
    """Open the player, see `dynviz.player.play`."""
    from dynviz.player import play

    for name in ("COLUMNS", "LINES"):
        # What a shell exported would be believed before the terminal itself, whose size changes.
        os.environ.pop(name, None)
    return play(runs, **how)


def watch(arguments: Sequence[str], what: str, *, command: str = "run", **player: Any) -> None:
    """Train in the background and watch in the player; exits as training does, unless it is left running.

    Args:
        arguments: Those of the command.
        what: What is trained, in words.
        command: `run` or `fork`.
        player: The options about the player: `view`, `theme`, `graphics`, `beside`.
    """
    _check(player["beside"])
    trainer = BackgroundRun.start(arguments, command)
    trainer.what = what
    try:
        code = show(player.pop("beside"), **player, trainer=trainer)
    except BaseException:
        trainer.poll()
        if not trainer.ended:
            stop = f"dynviz stop {shlex.quote(str(trainer.folder))}" if trainer.folder else f"kill {trainer.pid}"
            say(f"training continues; stop it with: {stop}")
        raise
    trainer.poll()
    if trainer.ended or trainer.asked:
        _say_end(trainer, code)
    else:
        _leave(trainer)
        sys.exit(code)


def _check(runs: Sequence[str]) -> None:
    """Open them once, so that an error is printed before anything is trained."""
    if runs:
        from dynviz.recording import open_all

        open_all(runs, say)


def detach(arguments: Sequence[str], command: str = "run") -> None:
    """Train in the background, and print the run's folder as soon as it exists."""
    _leave(BackgroundRun.start(arguments, command))


def _leave(trainer: BackgroundRun) -> None:
    """Leave training to itself."""
    try:
        while trainer.folder is None and not trainer.wait(GLANCE):
            pass
    except KeyboardInterrupt:
        trainer.stop()
        trainer.wait(PATIENCE)
    if trainer.folder is None or trainer.ended:
        _say_end(trainer, 0)
        return
    folder = shlex.quote(str(trainer.folder))
    say(f"training continues in the background; see it with: dynviz play {folder}; stop it with: dynviz stop {folder}")
    _print(trainer.folder)


def _say_end(trainer: BackgroundRun, code: int) -> None:
    """Report how training ended and exit with its status, or with the player's if that is worse."""
    try:
        over = trainer.wait(PATIENCE)
    except KeyboardInterrupt:
        over = False
    if not over:
        say(f"training stops after the current step; to stop it at once: kill -9 {trainer.pid}")
        sys.exit(code)
    if trainer.state == "failed":
        if (place := trainer.output.find(TRACEBACK)) >= 0:
            say(trainer.output[place:].rstrip())
        say(f"dynviz: {trainer.message}")
    elif trainer.state == "stopped":
        say(trainer.message)
    elif trainer.folder is not None:
        for line in divergence(trainer.folder):
            say(line)
        say(f"see it with: dynviz play {shlex.quote(str(trainer.folder))}")
        _print(trainer.folder)
    sys.exit(trainer.exit_code or code)


def _print(folder: Path) -> None:
    say(str(folder), err=False)
