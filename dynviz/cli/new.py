"""`dynviz new`: a commented optimizer or scenario to start from."""

import ast
import builtins
import contextlib
import importlib.util
import keyword
import os
import re
from pathlib import Path

import click

from dynviz.cli import options
from dynviz.cli.replacing import may_write
from dynviz.cli.say import say
from dynviz.errors import DynvizError

TEMPLATES = Path(__file__).parents[1] / "templates"


@click.command(short_help="Write a commented optimizer or scenario to start from.")
@click.argument("kind", type=click.Choice(["optimizer", "scenario"]))
@click.argument("name")
@click.option(
    "--module", is_flag=True, help="Write a scenario whose model is a torch.nn.Module, not a function of tensors."
)
@options.force
def new(kind: str, name: str, *, module: bool, force: bool) -> None:
    """Write NAME.py, a commented optimizer or scenario that runs as it is, for you to change.

    \b
    dynviz new optimizer mine
    dynviz run surface:f=rosenbrock -o ./mine.py -o sgd
    """  # noqa: D301
    if module and kind == "optimizer":
        raise click.UsageError("--module goes with a scenario; an optimizer has no model")
    target = Path(name if name.endswith(".py") else f"{name}.py")
    _check_name(target)
    may_write([target], force=force)
    template = (TEMPLATES / f"{kind}{'_module' if module else ''}.py").read_text(encoding="utf-8")
    words = {"Mine": _class_name(target.stem, kind, template), "NAME": target.stem}
    _write(target, re.sub("|".join(words), lambda match: words[match[0]], template))
    shown = target if target.is_absolute() or str(target).startswith(".") else f"./{target}"
    example = f"surface:f=rosenbrock -o {shown} -o sgd" if kind == "optimizer" else f"{shown} -o sgd -o adam"
    say(f"try it with: dynviz run {example}")
    say(str(target), err=False)


def _check_name(target: Path) -> None:
    """See that Python can read a file of this name, and that it hides no module."""
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", target.stem):
        raise DynvizError(f"{target.stem!r} cannot name a Python file; use letters, digits and underscores")
    hidden = None if target.exists() else importlib.util.find_spec(target.stem)
    if hidden and hidden.origin:
        raise DynvizError(f"{target.name} would hide Python's module {target.stem}; choose another name")


def _class_name(stem: str, kind: str, template: str) -> str:
    """The name of the class in a file: `HeavyBall` for `heavy_ball`, and none that the file uses for something else."""
    title = re.sub(r"(?:^|[_-]+)(\w?)", lambda match: match[1].upper(), stem)
    tree = list(ast.walk(ast.parse(template)))
    taken = {node.id for node in tree if isinstance(node, ast.Name)}
    taken |= {node.name for node in tree if isinstance(node, ast.alias | ast.FunctionDef | ast.ClassDef)} - {"Mine"}
    clashes = title in {*taken, *dir(builtins), *keyword.kwlist}
    return title + kind.title() if clashes else title


def _write(target: Path, text: str) -> None:
    """Write a file, whole or not at all; what a link leads to is replaced, not the link."""
    place = target.resolve()
    beside = place.with_name(f".{place.name}.{os.getpid()}.part")
    try:
        try:
            with beside.open("x", encoding="utf-8") as file:
                file.write(text)
            beside.replace(place)
        finally:
            with contextlib.suppress(OSError):
                beside.unlink()
    except OSError as error:
        raise DynvizError(f"cannot write {target}: {error.strerror or error}") from error
