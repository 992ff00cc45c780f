"""What `compare`, `score` and `ladder` have in common: their options, their folders, and the files that they write."""

import contextlib
import shlex
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dynviz.cli import consent, options, repeating
from dynviz.cli.replacing import may_write
from dynviz.cli.say import say
from dynviz.cli.stopping import stoppable
from dynviz.errors import DynvizError
from dynviz.plugins import grammar
from dynviz.plugins.spec import parse
from dynviz.process.background import STOPPED

if TYPE_CHECKING:
    from dynviz.comparison.pages import PageTable
    from dynviz.comparison.plan import TrainingRequest
    from dynviz.comparison.trials import TrialRunner
    from dynviz.scene.marks import Scene

OUTPUT = {"csv", "json", "html", "force"}
DRAWN = {"picture", "size", "theme"}
RESUMED = {"resume", "jobs", "cluster", "trust", "format"} | OUTPUT
"""Options that a comparison takes when it is resumed."""

_JOBS = click.option(
    "--jobs",
    type=click.IntRange(1, 1024),
    help="Number of processes that train at the same time. [default: one per CPU core; 1 on a GPU]",
)
resume = click.option("--resume", metavar="DIR", help="Continue one that was stopped; what is finished is kept.")
_FILES = (
    click.option("--csv", metavar="FILE", help="Also write the results as comma-separated values, unrounded."),
    click.option("--json", metavar="FILE", help="Also write the results as JSON, unrounded."),
    click.option("--html", metavar="FILE", help="Also write the results as a page."),
    options.force,
)


def workers(command: options.Command) -> options.Command:
    """The options about where trials train."""
    return _JOBS(options.cluster(command))


def files(command: options.Command) -> options.Command:
    """The options about the files that results are written to."""
    for option in reversed(_FILES):
        command = option(command)
    return command


def check_files(asked: Mapping[str, Any], *more: str | None) -> None:
    """See that files may be written, before anything is trained.

    Raises:
        DynvizError: One exists, and its user did not agree to lose it.
    """
    named = [asked["csv"], asked["json"], asked["html"], *more]
    may_write([Path(name) for name in named if name], force=asked["force"])


def write_files(
    asked: Mapping[str, Any],
    trees: Sequence[Mapping[str, Any]],
    title: str,
    intro: Sequence[str],
    tables: "Sequence[PageTable]",
    *,
    picture: str = "",
) -> None:
    """Write the files that were asked for, and say so.

    Raises:
        DynvizError: One cannot be written.
    """
    from dynviz.comparison import pages

    texts: dict[str, Callable[[], str]] = {
        "csv": lambda: pages.csv_text(trees),
        "json": lambda: pages.json_text([dict(tree) for tree in trees]),
        "html": lambda: pages.html(title, intro, tables, picture),
    }
    for name, text in texts.items():
        if asked[name]:
            pages.write(Path(asked[name]), text())
            say(f"wrote {asked[name]}")


def say_wrapped(sentences: Iterable[str], width: int) -> None:
    """Print sentences to stdout in lines that fit; names stay whole."""
    for sentence in sentences:
        for line in textwrap.wrap(sentence, width, break_long_words=False, break_on_hyphens=False):
            say(line, err=False)


def free_folder(kind: str, scenario: str, out: str | None) -> Path:
    """The folder of a new comparison.

    Raises:
        DynvizError: It exists.
    """
    if out is not None:
        if Path(out).exists():
            raise DynvizError(f"{out} exists already; choose another folder")
        return Path(out)
    name = Path(parse(scenario).name).stem
    return next(place for number in count(1) if not (place := Path(f"runs/{kind}-{name}-{number}")).exists())


def check_resumed(given: set[str]) -> None:
    """See that nothing was written that a resumed comparison keeps.

    Raises:
        click.UsageError: Something was.
    """
    if given - RESUMED:
        kept = ", ".join(f"--{name}" for name in sorted(RESUMED - {"resume"}))
        raise click.UsageError(f"--resume keeps what was asked for at first; it takes only {kept}")


@contextlib.contextmanager
def runner(
    request: "TrainingRequest", folder: Path, asked: Mapping[str, Any], *, trust: tuple[str, ...] = ()
) -> "Iterator[TrialRunner]":
    """What all trials share, with progress on stderr, and the cluster on which they train.

    Raises:
        DynvizError: The user's own code is not trusted, or has changed; the cluster cannot be reached.
    """
    from dynviz.cli.sweeping import SweepProgress
    from dynviz.comparison.trials import TrialRunner
    from dynviz.sweeps.budget import Resources, needs_gpu
    from dynviz.sweeps.cluster import opened
    from dynviz.sweeps.jobs import Settings

    settings = Settings(request.steps, request.device, request.dtype, request.record)
    with opened(asked["cluster"], gpu=needs_gpu(request.device)) as cluster:
        resources = Resources(asked["jobs"], None, asked["yes"], cluster)
        yield TrialRunner(settings, folder, resources, trust, SweepProgress, request.by)


def trusted(request: "TrainingRequest", trust: tuple[str, ...]) -> tuple[str, ...]:
    """The code that may run, asked for in a terminal.

    Raises:
        DynvizError: Some of it may not.
    """
    allowed = consent.given(request.code, trust)
    request.check_trust(allowed)
    return allowed


@contextlib.contextmanager
def ended_cleanly(kind: str, request: "TrainingRequest", folder: Path) -> Iterator[Callable[[], None]]:
    """Print the command that continues a comparison that is stopped, and exit."""
    from dynviz.comparison import plan
    from dynviz.sweeps.progress import Stopped

    command = consent.with_trust(f"dynviz {kind} --resume {shlex.quote(str(folder))}", request.code)
    try:
        with stoppable() as heed:
            yield heed
    except DynvizError:
        plan.discard(folder)
        raise
    except (Stopped, KeyboardInterrupt):
        if click.get_current_context().obj != repeating.AGAIN:
            say(f"stopped; continue with: {command}")
        sys.exit(STOPPED)


def check_drawn(asked: Mapping[str, Any], given: set[str]) -> None:
    """See that files and the picture may be written, before anything is trained.

    Raises:
        click.UsageError: An option of a picture that is not drawn was written.
        DynvizError: A file exists, and its user did not agree to lose it, or has a suffix that is none of a picture's.
    """
    if not asked["picture"] and (idle := given & {"size", "theme"}):
        raise click.UsageError(f"--{min(idle)} is of the picture, which --picture FILE draws")
    if asked["picture"]:
        from dynviz.pixels.saving import check

        check(Path(asked["picture"]))
        grammar.size(asked["size"])
    check_files(asked, asked["picture"])


def draw(scene: "Scene", words: str, asked: Mapping[str, Any], values: Mapping[str, Any], results: Any) -> None:
    """Draw the picture that was asked for, and say so.

    Args:
        scene: What is drawn.
        words: The same in words.
        asked: The options.
        values: What the picture's recipe says in their place; see `dynviz.cli.repeating`.
        results: What is drawn, as a tree; None where times were measured.

    Raises:
        DynvizError: It cannot be written.
    """
    from dynviz.pixels import saving

    if asked["picture"]:
        file = Path(asked["picture"])
        made = repeating.recipe(values, file.suffix.lower(), results)
        saving.save(scene, file, grammar.size(asked["size"]), asked["theme"], words=words, recipe=made)
        say(f"wrote {asked['picture']}")
