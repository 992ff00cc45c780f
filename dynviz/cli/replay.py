"""`dynviz replay`: a picture made again from the recipe that it carries."""

import shlex
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dynviz.cli import consent, options, repeating
from dynviz.cli.say import say
from dynviz.cli.stopping import stoppable
from dynviz.errors import DynvizError
from dynviz.process.background import STOPPED

if TYPE_CHECKING:
    from dynviz.animation.recipe import ClaimRecipe, CommandRecipe, Recipe
    from dynviz.remaking.remake import Remade
    from dynviz.remaking.shared import SharedRecordings

LISTED = 10
"""Recordings that are named before they are trained."""


@click.command(short_help="Train and draw again what a picture shows, and say whether it comes out the same.")
@click.argument("pictures", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="PICTURE...")
@click.option("--check", is_flag=True, help="Keep nothing, and exit with 1 if anything comes out differently.")
@click.option(
    "--alike",
    is_flag=True,
    help="With --check, also accept differences as rounding on another kind of processor makes them: means of recorded "
    "numbers within 1 %, frames that look alike.",
)
@click.option(
    "--out", type=click.Path(path_type=Path), help="Folder for the runs and the picture. [default: <picture>-replay]"
)
@options.trust
@options.large
def replay(
    *, pictures: tuple[Path, ...], check: bool, alike: bool, out: Path | None, trust: tuple[str, ...], yes: bool
) -> None:
    """Train and draw again what PICTURE shows, from the recipe that pictures of dynviz carry.

    The recorded numbers are compared with those that the picture was made from, and its frames with the new ones.
    Forks are forked again, lines, planes and sharpness measured again, tapes played again, claims of reports decided
    again, and commands that draw their own results, such as score, run again. Code that is not part of dynviz runs
    only with --trust, and if it has not changed. Imported runs and runs of a script's own loop cannot be made again,
    nor can pictures with notes. Several pictures can be checked one after the other.

    \b
    dynviz replay path.gif
    dynviz replay --check path.gif curves.svg
    """  # noqa: D301 - click wants the sign itself, which keeps lines as they are
    if alike and not check:
        raise click.UsageError("--alike says what --check accepts")
    if len(pictures) > 1:
        if out is not None or not check:
            raise click.UsageError("several pictures are only checked: add --check, and leave out --out")
        _check_all(pictures, trust, alike=alike, yes=yes)
    elif check and out is None:
        sys.exit(0 if _checked(pictures[0], trust, alike=alike, yes=yes) else 1)
    else:
        out = out or Path(f"{pictures[0].stem}-replay")
        if out.exists():
            raise DynvizError(f"{out} exists; name another folder with --out, or remove it first")
        same = _again(pictures[0], out, trust, check=check, alike=alike, yes=yes)
        say(str(out), err=False)
        sys.exit(1 if check and not same else 0)


def _check_all(pictures: Sequence[Path], trust: tuple[str, ...], *, alike: bool, yes: bool) -> None:
    """Check one after the other, and exit with 1 if one does not come out the same."""
    failed = []
    from dynviz.remaking.shared import SharedRecordings

    with tempfile.TemporaryDirectory() as folder:
        shared = SharedRecordings(Path(folder))
        for picture in pictures:
            say(str(picture), err=False, bold=True)
            try:
                same = _checked(picture, trust, alike=alike, yes=yes, shared=shared)
            except DynvizError as error:
                say(str(error), err=False)
                same = False
            failed += [] if same else [str(picture)]
    say(f"{len(pictures) - len(failed)} of {len(pictures)} pictures come out the same", err=False)
    if failed:
        say(f"these do not: {', '.join(failed)}", err=False)
        sys.exit(1)


def _checked(
    picture: Path, trust: tuple[str, ...], *, alike: bool, yes: bool, shared: "SharedRecordings | None" = None
) -> bool:
    """Make it in a folder that is removed, and say whether it comes out the same."""
    with tempfile.TemporaryDirectory() as folder:
        return _again(picture, Path(folder) / "replay", trust, check=True, alike=alike, yes=yes, shared=shared)


def _again(
    picture: Path,
    out: Path,
    trust: tuple[str, ...],
    *,
    check: bool,
    alike: bool,
    yes: bool,
    shared: "SharedRecordings | None" = None,
) -> bool:
    """Make it, and say whether it comes out the same; what is trained is shared with other pictures."""
    from dynviz.animation.recipe import ClaimRecipe, CommandRecipe
    from dynviz.remaking.found import find
    from dynviz.remaking.needed import needed

    recipe = find(picture)
    if isinstance(recipe, ClaimRecipe):
        return _decided(recipe, picture, out, shared.folder if shared else out / "runs", alike=alike)
    if isinstance(recipe, CommandRecipe):
        repeating.check(recipe, may_be_timed=not check)
        say(shlex.join(["dynviz", recipe.command, *recipe.arguments]))
        return _repeated(recipe, picture, out, yes=yes)
    trained = [recorded.metadata for recorded in needed((*recipe.recordings, *recipe.others))]
    for metadata in trained[:LISTED]:
        say(f"{metadata.scenario.title} with {metadata.optimizer.title}: {metadata.steps} steps")
    if len(trained) > LISTED:
        say(f"and {len(trained) - LISTED} more")
    return _made(recipe, picture, out, trust, alike=alike, yes=yes, shared=shared)


def _repeated(recipe: "CommandRecipe", picture: Path, out: Path, *, yes: bool) -> bool:
    """Run the command that made a picture."""
    from dynviz.remaking.likeness import difference

    try:
        made, crc = repeating.repeat(recipe, picture.stem, out, yes=yes)
    except KeyboardInterrupt:
        say(f"stopped before {picture.name} was made")
        sys.exit(STOPPED)
    if crc is None and recipe.crc is None:
        say("it shows times, which were measured anew and are not compared", err=False)
        return True
    same, shown = crc == recipe.crc, difference(picture, made)
    say("the results are the same numbers" if same else "the results are other numbers", err=False)
    say(shown.words or "the picture shows the same", err=False)
    return same and not shown.words


def _decided(recipe: "ClaimRecipe", picture: Path, out: Path, cache: Path, *, alike: bool) -> bool:
    """Decide the claim of a report that a picture is of."""
    from dynviz.animation.export import make_folder
    from dynviz.cli.report import TrainingWords
    from dynviz.remaking.likeness import difference
    from dynviz.reporting.claim_recipe import claims_of, decide_again

    (claim,) = claims_of(recipe).claims
    say(f"{claim.id}: {claim.says}")
    target = out / f"{picture.stem}{recipe.suffix}"
    try:
        with stoppable() as heed:
            make_folder(out)
            verdict, numbers = decide_again(recipe, target, cache, TrainingWords())
            heed()
    except KeyboardInterrupt:
        say(f"stopped before {picture.name} was made")
        sys.exit(STOPPED)
    words = {"same": "the same", "near": "within 1 % of what they were", "different": "other ones"}
    say(f"the numbers of its {len(recipe.values)} seeds are {words[numbers]}", err=False)
    same = verdict == recipe.verdict
    say(f"the verdict is the same: {verdict}" if same else f"{verdict}; it was: {recipe.verdict}", err=False)
    shown = difference(picture, target)
    say(shown.words or "the picture shows the same", err=False)
    if alike:
        return same and numbers != "different" and shown.slight
    return same and numbers == "same" and not shown.words


def _made(
    recipe: "Recipe",
    picture: Path,
    out: Path,
    trust: tuple[str, ...],
    *,
    alike: bool,
    yes: bool,
    shared: "SharedRecordings | None",
) -> bool:
    """Train what a picture shows and draw it."""
    from dynviz.animation.recipe import TapeRequest
    from dynviz.remaking import remake
    from dynviz.tapes import again

    allowed = consent.given(remake.codes(recipe), trust)
    from dynviz.cli.progress import ExportProgress, TrainingProgress
    from dynviz.remaking.likeness import difference

    asked = recipe.picture
    try:
        with stoppable() as heed, ExportProgress(picture.name) as drawn:
            draw = (
                again.drawing(asked, out, drawn)
                if isinstance(asked, TapeRequest)
                else remake.drawing(asked, allowed, drawn)
            )
            made = remake.remake(
                recipe,
                picture.stem,
                out,
                trust=allowed,
                yes=yes,
                progress=TrainingProgress(),
                draw=draw,
                shared=shared,
            )
            heed()
    except KeyboardInterrupt:
        say(f"stopped before {picture.name} was made")
        sys.exit(STOPPED)
    say(_in_words(made), err=False)
    shown = difference(picture, made.picture)
    say(shown.words or "the picture shows the same", err=False)
    if alike:
        return not made.differing and shown.slight
    return not (made.near or made.differing or shown.words)


def _in_words(made: "Remade") -> str:
    if not made.channels:
        return "there was nothing to compare with"
    if not (made.near or made.differing):
        return f"all {made.channels} channels and measurements hold the same numbers"
    sentences = []
    for names, numbers in ((made.differing, "other numbers"), (made.near, "numbers that differ by less than 1 %")):
        listed = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
        sentences += [f"{len(names)} of {made.channels} channels hold {numbers}: {listed}"] if names else []
    return "\n".join(sentences)
