"""`dynviz new`: a commented file of one's own that runs."""

import importlib.util
import re
from pathlib import Path

import click

from dynviz.cli.say import say
from dynviz.errors import DynvizError


@click.command(short_help="Write a commented optimizer or scenario that runs.")
@click.argument("kind", type=click.Choice(["optimizer", "scenario"]))
@click.argument("name")
def new(kind: str, name: str) -> None:
    """Write NAME.py, a commented optimizer or scenario that runs, to change as you like.

    \b
    dynviz new optimizer mine
    dynviz run surface:f=rosenbrock -o ./mine.py -o sgd
    """  # noqa: D301
    target = Path(name if name.endswith(".py") else f"{name}.py")
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", target.stem):
        raise DynvizError(f"{target.stem!r} is no name for a file of Python; write letters, digits and _")
    hidden = None if target.exists() else importlib.util.find_spec(target.stem)
    if hidden and hidden.origin:
        raise DynvizError(f"{target.name} would hide the module {target.stem} of Python; take another name")
    template = Path(__file__).parents[1] / "templates" / f"{kind}.py"
    title = re.sub(r"(?:^|[_-])(\w)", lambda match: match[1].upper(), target.stem)
    text = template.read_text(encoding="utf-8").replace("Mine", title).replace("NAME", target.stem)
    try:
        # Never over a file that is there.
        file = target.open("x", encoding="utf-8")
        try:
            with file:
                file.write(text)
        except OSError:
            target.unlink(missing_ok=True)
            raise
    except FileExistsError:
        raise DynvizError(f"{target} is there already; take another name") from None
    except OSError as error:
        raise DynvizError(f"cannot write {target}: {error.strerror or error}") from error
    shown = target if target.is_absolute() or str(target).startswith(".") else f"./{target}"
    example = f"surface:f=rosenbrock -o {shown} -o sgd" if kind == "optimizer" else f"{shown} -o sgd -o adam"
    say(f"try it with: dynviz run {example}")
    say(str(target), err=False)
