"""Pictures that commands draw of their own results: the recipe that they carry, and the command run again for it."""

import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dynviz.cli import options
from dynviz.errors import DynvizError
from dynviz.plugins.bundled import check_bundled, check_words
from dynviz.plugins.spec import Spec, parse
from dynviz.process.background import STOPPED

if TYPE_CHECKING:
    from dynviz.animation.recipe import CommandRecipe

REPEATED: Mapping[str, set[str]] = {
    "score": {
        *("scenarios", "optimizers", "targets", "ruleset", "trials", "studies", "unit", "tau", "steps", "record"),
        *("device", "published", "size", "theme"),
    },
    "ladder": {
        *("scenario", "optimizer", "changes", "target", "sizes", "unit", "seeds", "steps", "record"),
        *("device", "size", "theme"),
    },
    "memory": {"scenario", "optimizers", "shapes", "theme"},
    "bench": {"scenario", "optimizers", "seeds", "device", "dtype", "compile", "theme"},
    "diff": {"one", "other", "scenario", "steps", "free", "ulps", "rtol", "dtype", "theme"},
}
"""The commands that draw, and the parameters that decide what is drawn; of others nothing is taken from a recipe."""

AGAIN = "again"
"""The object of the context in which a command runs again, whose runs are not kept."""


def recipe(values: Mapping[str, Any], suffix: str, results: Any) -> str:
    """The line that the picture of the command that is running carries.

    Args:
        values: Its parameters by name, as far as they are not on its command line.
        suffix: The format of the picture.
        results: What is drawn, as a tree of JSON values; None where times were measured.
    """
    from dynviz.animation.recipe import LONGEST, CommandRecipe
    from dynviz.animation.recipe_writer import no_line

    context = click.get_current_context()
    name, params = context.command.name or "", {**context.params, **values}
    decided = REPEATED[name] & (options.written(context) | set(values))
    try:
        arguments = tuple(options.again(context.command, params, decided))
        check_words(arguments)
        _check_code(name, params)
    except DynvizError as error:
        return no_line(str(error))
    crc = None if results is None else zlib.crc32(json.dumps(results, sort_keys=True, default=str).encode())
    line = CommandRecipe(command=name, arguments=arguments, suffix=suffix, crc=crc).line()
    return line if len(line) <= LONGEST else no_line("its command is too long to be kept")


def check(made: "CommandRecipe", *, may_be_timed: bool) -> None:
    """See that a recipe's command may run: it writes nothing by itself, and runs no code but that of dynviz.

    Args:
        made: The recipe.
        may_be_timed: Whether it may be one that measures times.

    Raises:
        DynvizError: It may not.
    """
    _context(made)
    if made.crc is None and not may_be_timed:
        raise DynvizError("it shows times, which never come out the same; leave out --check to measure them anew")


def _context(made: "CommandRecipe") -> click.Context:
    """The command of a recipe with its parameters.

    Raises:
        DynvizError: It may not run.
    """
    if made.command not in REPEATED:
        raise DynvizError(f"its recipe names the command {made.command!r:.40}, which is not run again")
    command = _command(made.command)
    # Before they are read: to read the name of a theme is to open its file.
    check_words(made.arguments)
    try:
        # Help would be printed at once.
        context = command.make_context(made.command, list(made.arguments), help_option_names=[])
    except click.ClickException as error:
        raise DynvizError(f"its recipe has no command that dynviz {made.command} understands") from error
    if idle := options.written(context) - REPEATED[made.command]:
        raise DynvizError(f"its recipe gives {min(idle)!r} to {made.command}, which no recipe does")
    _check_code(made.command, context.params)
    return context


def repeat(made: "CommandRecipe", name: str, out: Path, *, yes: bool) -> "tuple[Path, int | None]":
    """Run the command of a recipe again.

    Args:
        made: The recipe.
        name: The name of the picture's file, without suffix.
        out: The folder for it and for what is trained, to be created.
        yes: Whether recordings may have over 4 GB.

    Returns:
        The picture, and the CRC-32 of the new results.

    Raises:
        DynvizError: The command fails, or the folder cannot be made.
        KeyboardInterrupt: Ctrl-C.
    """
    from dynviz.animation.recipe import CommandRecipe
    from dynviz.remaking.found import find

    context = _context(made)
    command = context.command
    known = {parameter.name for parameter in command.params}
    try:
        out.mkdir()
    except OSError as error:
        raise DynvizError(f"cannot make the folder {out}: {error.strerror or error}") from error
    picture = out / f"{name}{made.suffix}"
    own = [f"--picture={picture}"]
    if "out" in known and not context.params.get("published"):
        own.append(f"--out={out / made.command}")
    if yes and "yes" in known:
        own.append("--yes")
    # What was understood, not the words: one of them may look like an option and be the value of another one.
    understood = options.again(command, context.params, options.written(context))
    try:
        command.main([*own, *understood], prog_name=f"dynviz {made.command}", standalone_mode=False, obj=AGAIN)
    except click.Abort as error:
        raise KeyboardInterrupt from error
    except click.ClickException as error:
        raise DynvizError(f"dynviz {made.command} does not draw it: {error.format_message()}") from error
    except SystemExit as error:
        if error.code == STOPPED:
            raise KeyboardInterrupt from error
        # Such is the end of `diff`, which says by it whether there are differences.
        if not picture.exists():
            raise DynvizError(f"dynviz {made.command} ended without a picture") from error
    again = find(picture)
    return picture, again.crc if isinstance(again, CommandRecipe) else None


def _command(name: str) -> click.Command:
    context = click.get_current_context().find_root()
    command = context.command.get_command(context, name) if isinstance(context.command, click.Group) else None
    assert command is not None, "all commands that are repeated are commands of dynviz"
    return command


def _check_code(name: str, params: Mapping[str, Any]) -> None:
    """See that a command runs no code of the user's own, and reads no files and no recordings.

    Raises:
        DynvizError: It does.
    """
    if name == "ladder" and not (params["scenario"] and params["optimizer"]):
        raise DynvizError("its command names no scenario, or no optimizer")
    if name == "diff" and any(Path(params[side].partition("@")[0]).is_dir() for side in ("one", "other")):
        raise DynvizError("its command compares recordings")
    for kind, spec in _named(name, params):
        check_bundled(kind, spec)


def _named(name: str, params: Mapping[str, Any]) -> list[tuple[str, Spec]]:
    """The kind and the name of every plug-in that a command uses."""
    if name == "ladder":
        from dynviz.comparison.ladder import LadderRequest

        return LadderRequest((params["scenario"],), (params["optimizer"],), (), changes=params["changes"]).specs
    scenarios = params.get("scenarios", (params.get("scenario"),))
    optimizers = params.get("optimizers", (params.get("one"), params.get("other")))
    named = [("scenarios", text) for text in scenarios] + [("optimizers", text) for text in optimizers]
    return [(kind, parse(text)) for kind, text in named if text]
