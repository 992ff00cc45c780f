"""Whether code may be run that a recording names: by `--trust`, or by a question where there is a terminal."""

import shlex
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from dynviz.cli.say import say
from dynviz.errors import DynvizError
from dynviz.plugins.trust import Code, foreign

if TYPE_CHECKING:
    from dynviz.recording import Recording

_Command = TypeVar("_Command", bound=Callable[..., Any])
trust_option: Callable[[_Command], _Command] = click.option(
    "--trust",
    multiple=True,
    metavar="PATH",
    help="Run this file of yours again, which the recording was made with; or its folder, or an import path.",
)


def of_recordings(recordings: "Iterable[Recording]", trusted: Sequence[str], *, optimizers: bool) -> tuple[str, ...]:
    """What may be run of the code that recordings name.

    Args:
        recordings: The recordings.
        trusted: What the command line says.
        optimizers: Whether optimizers are run, beside scenarios.
    """
    return given(_codes(recordings, optimizers=optimizers), trusted)


def resume_command(folder: Path) -> str:
    """The command that goes on with a run that was stopped, with the code that it needs."""
    from dynviz.recording import open_all

    codes = _codes(open_all([folder]), optimizers=True)
    return with_trust(f"dynviz run --resume {shlex.quote(str(folder))}", codes)


def with_trust(command: str, codes: Iterable[Code]) -> str:
    """A command, and `--trust` for each code of the user's that it runs."""
    return " ".join([command, *(f"--trust {shlex.quote(code.name)}" for code in dict.fromkeys(codes))])


def _codes(recordings: "Iterable[Recording]", *, optimizers: bool) -> list[Code]:
    codes: list[Code] = []
    for recording in recordings:
        scenario, rule = recording.metadata.scenario, recording.metadata.optimizer
        codes += foreign("scenarios", scenario.file or scenario.name, scenario.fingerprints)
        if optimizers:
            codes += foreign("optimizers", rule.file or rule.name, rule.fingerprints)
    return codes


def given(codes: Iterable[Code], trusted: Sequence[str]) -> tuple[str, ...]:
    """What is trusted by the command line, and what its user says yes to; nothing is asked without a terminal."""
    allowed = list(trusted)
    for code in dict.fromkeys(codes):
        if not _is_allowed(code, allowed) and _can_ask(code):
            say(f"This was made with {code.name}, which is not part of dynviz.")
            if click.confirm("Run it?", err=True):
                allowed.append(code.name)
    return tuple(allowed)


def _is_allowed(code: Code, trusted: Sequence[str]) -> bool:
    try:
        return bool(code.located(trusted))
    except DynvizError:
        return False


def _can_ask(code: Code) -> bool:
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    # What is missing or has changed is refused, whatever the answer.
    return not code.is_file or code.unchanged(Path(code.name))
