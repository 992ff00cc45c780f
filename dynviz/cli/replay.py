"""`dynviz replay`: a picture made again from the recipe that it carries."""

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dynviz.cli import consent, options
from dynviz.cli.say import say
from dynviz.cli.stopping import stoppable
from dynviz.errors import DynvizError
from dynviz.process.background import STOPPED

if TYPE_CHECKING:
    from dynviz.animation.recipe import Recipe
    from dynviz.remaking.remake import Remade


@click.command(short_help="Train and draw again what a picture shows, and say whether it comes out the same.")
@click.argument("picture", type=click.Path(path_type=Path))
@click.option("--check", is_flag=True, help="Keep nothing, and exit with 1 if anything comes out differently.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="Folder for the runs and the picture. [default: <picture>-replay]"
)
@options.trust
@options.large
def replay(*, picture: Path, check: bool, out: Path | None, trust: tuple[str, ...], yes: bool) -> None:
    """Train and draw again what PICTURE shows, from the recipe that pictures of dynviz carry.

    The recorded numbers are compared with those that the picture was made from, and its frames with the new ones. Forks
    are forked again, and lines, planes and sharpness measured again. Code that is not part of dynviz runs only with
    --trust, and if it has not changed. Imported runs and runs of a script's own loop cannot be made again, nor can
    pictures with notes.

    \b
    dynviz replay path.gif
    dynviz replay path.gif --check
    """  # noqa: D301 - click wants the sign itself, which keeps lines as they are
    from dynviz.remaking.found import find
    from dynviz.remaking.needed import needed

    recipe = find(picture)
    for recorded in needed((*recipe.recordings, *recipe.others)):
        metadata = recorded.metadata
        say(f"{metadata.scenario.title} with {metadata.optimizer.title}: {metadata.steps} steps")
    if check and out is None:
        with tempfile.TemporaryDirectory() as folder:
            same = _made(recipe, picture, Path(folder) / "replay", trust, yes=yes)
    else:
        out = out or Path(f"{picture.stem}-replay")
        same = _made(recipe, picture, out, trust, yes=yes)
        say(str(out), err=False)
    if check and not same:
        sys.exit(1)


def _made(recipe: "Recipe", picture: Path, out: Path, trust: tuple[str, ...], *, yes: bool) -> bool:
    """Make it, and say whether it comes out the same."""
    from dynviz.remaking.remake import codes, remake

    if out.exists():
        raise DynvizError(f"{out} exists; name another folder with --out, or remove it first")
    allowed = consent.given(codes(recipe), trust)
    from dynviz.cli.progress import ExportProgress, TrainingProgress
    from dynviz.remaking.likeness import difference

    try:
        with stoppable() as heed, ExportProgress(picture.name) as drawn:
            made = remake(recipe, picture.stem, out, trust=allowed, yes=yes, progress=TrainingProgress(), drawn=drawn)
            heed()
    except KeyboardInterrupt:
        say(f"stopped before {picture.name} was made")
        sys.exit(STOPPED)
    say(_in_words(made), err=False)
    frames = difference(picture, made.picture)
    say(frames or "the picture shows the same", err=False)
    return not (made.differing or frames)


def _in_words(made: "Remade") -> str:
    if not made.differing:
        return f"all {made.channels} channels and measurements hold the same numbers"
    names = ", ".join(made.differing[:5]) + (", ..." if len(made.differing) > 5 else "")
    return f"{len(made.differing)} of {made.channels} channels hold other numbers: {names}"
