"""The commands of a claims file: `run` and `sweep` as on the command line, with the options that change results."""

import argparse
import shlex
from typing import NoReturn

from dynviz import plugins
from dynviz.errors import DynvizError
from dynviz.frozen import frozen
from dynviz.plugins.grammar import is_grid, seeds
from dynviz.plugins.spec import Spec, parse
from dynviz.plugins.trust import Code, foreign
from dynviz.recording.schema import STEPS

OPTIONS = "-o, --seeds, --steps, --record and --dtype"


@frozen
class TrainingCommand:
    """A command that trains.

    Attributes:
        scenario: With options.
        optimizers: With hyperparameters.
        seeds: As written; empty if the report chooses them.
        steps: The number of steps; None for the scenario's default.
        record: Channels that are recorded in addition.
        dtype: The precision; empty for the scenario's default.
    """

    scenario: str
    optimizers: tuple[str, ...]
    seeds: str = ""
    steps: int | None = None
    record: tuple[str, ...] = ()
    dtype: str = ""

    @property
    def sweeps(self) -> bool:
        """Whether a value is a grid."""
        return any(_has_grid(parse(text)) for text in (self.scenario, *self.optimizers))

    @property
    def text(self) -> str:
        """The command as it is written in a claims file."""
        return self.words("").removeprefix("dynviz ")

    @property
    def codes(self) -> tuple[Code, ...]:
        """The user's own code that it names, which is run only with consent."""
        optimizers = [code for text in self.optimizers for code in foreign("optimizers", parse(text))]
        return (*foreign("scenarios", parse(self.scenario)), *optimizers)

    def words(self, seeds: str, out: str = "") -> str:
        """The command as it is written in a shell."""
        words = ["dynviz", "sweep" if self.sweeps else "run", self.scenario]
        for optimizer in self.optimizers:
            words += ["-o", optimizer]
        words += ["--seeds", self.seeds or seeds] if self.seeds or seeds else []
        words += ["--steps", str(self.steps)] if self.steps is not None else []
        for channel in self.record:
            words += ["--record", channel]
        words += ["--dtype", self.dtype] if self.dtype else []
        words += ["--out", out] if out else []
        return shlex.join(words)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise DynvizError(f"{message}; a command of a claims file takes {OPTIONS}")


def read_command(text: str) -> TrainingCommand:
    """Read a command.

    >>> read_command("run surface:f=booth -o adam -o sgd:lr=1e-3 --steps 100").optimizers
    ('adam', 'sgd:lr=1e-3')

    Raises:
        DynvizError: It is neither `run` nor `sweep`, has other options, or names what does not exist.
    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise DynvizError(f"command {text!r} cannot be read: {error}") from error
    if words[:1] == ["dynviz"]:
        words = words[1:]
    if words[:1] not in (["run"], ["sweep"]):
        raise DynvizError(f"command {text!r} is neither 'run' nor 'sweep', which are the two that train")
    parser = _Parser(prog="dynviz", add_help=False, allow_abbrev=False)
    parser.add_argument("scenario")
    parser.add_argument("-o", "--optimizer", action="append", dest="optimizers", default=[])
    parser.add_argument("--seeds", default="")
    parser.add_argument("--steps", type=int)
    parser.add_argument("--record", action="append", default=[])
    parser.add_argument("--dtype", default="", choices=["", "float32", "float64"])
    given = vars(parser.parse_args(words[1:]))
    command = TrainingCommand(**{**given, "optimizers": tuple(given["optimizers"]), "record": tuple(given["record"])})
    _check(command, text)
    if words[0] == "run" and command.sweeps:
        raise DynvizError(f"command {text!r} has a grid, which only 'sweep' takes")
    return command


def _check(command: TrainingCommand, text: str) -> None:
    if not command.optimizers:
        raise DynvizError(f"command {text!r} names no optimizer; add -o NAME")
    if command.steps is not None and not 1 <= command.steps <= STEPS:
        raise DynvizError(f"command {text!r} has {command.steps} steps; write 1 or more")
    if command.seeds:
        seeds(command.seeds)
    plugins.check("scenarios", command.scenario)
    for optimizer in command.optimizers:
        plugins.check("optimizers", optimizer)


def _has_grid(spec: Spec) -> bool:
    return any(isinstance(value, str) and is_grid(value) for value in spec.options.values())
