"""Whether code that a recording names may be run: `--trust` says so, or the user who is asked in a terminal."""

import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dynviz.cli import replacing
from dynviz.cli.say import say
from dynviz.errors import DynvizError
from dynviz.plugins.trust import Code, foreign

if TYPE_CHECKING:
    from dynviz.recording import Recording


def of_recordings(recordings: "Iterable[Recording]", trusted: Sequence[str], *, optimizers: bool) -> tuple[str, ...]:
    """The code named by recordings that may be run.

    Args:
        recordings: The recordings.
        trusted: The values of `--trust`.
        optimizers: Whether optimizers are run too, not scenarios alone.
    """
    return given(_codes(recordings, optimizers=optimizers), trusted)


def resume_command(folder: Path) -> str:
    """The command that resumes a run, with the code that it needs."""
    from dynviz.recording import open_all

    codes = _codes(open_all([folder]), optimizers=True)
    return with_trust(f"dynviz run --resume {shlex.quote(str(folder))}", codes)


def with_trust(command: str, codes: Iterable[Code]) -> str:
    """A command, and `--trust` for each code of the user's that it runs."""
    return " ".join([command, *(f"--trust {shlex.quote(code.name)}" for code in dict.fromkeys(codes))])


def _codes(recordings: "Iterable[Recording]", *, optimizers: bool) -> list[Code]:
    codes: list[Code] = []
    for recording in recordings:
        if recording.metadata.own_loop:
            continue  # its names are those of a script, of which nothing is run
        scenario, rule = recording.metadata.scenario, recording.metadata.optimizer
        codes += foreign("scenarios", scenario.spec, scenario.fingerprints)
        if optimizers:
            codes += foreign("optimizers", rule.spec, rule.fingerprints)
    return codes


def given(codes: Iterable[Code], trusted: Sequence[str]) -> tuple[str, ...]:
    """The code that the command line trusts, and that which its user allows when asked in a terminal."""
    allowed = list(trusted)
    for code in dict.fromkeys(codes):
        if not _is_allowed(code, allowed) and _can_ask(code):
            say(f"This was made with {code.name}, which is not part of dynviz.")
            if click.confirm("Run that code?", err=True):
                allowed.append(code.name)
    return tuple(allowed)


def _is_allowed(code: Code, trusted: Sequence[str]) -> bool:
    try:
        return bool(code.located(trusted))
    except DynvizError:
        return False


def _can_ask(code: Code) -> bool:
    # What is missing or has changed is refused, whatever the answer.
    return replacing.can_ask() and (not code.is_file or code.unchanged(Path(code.name)))
