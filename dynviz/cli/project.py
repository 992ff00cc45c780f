"""`dynviz project`: the loss on a line or a plane through trained parameters."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dynviz.cli import consent, options
from dynviz.cli.replacing import may_write
from dynviz.cli.say import say

if TYPE_CHECKING:
    from dynviz.projection.project import Wish
    from dynviz.recording import Recording


@click.command(short_help="Evaluate the loss on a line or plane through trained parameters.")
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@click.option(
    "--directions",
    type=click.Choice(["filter", "gaussian", "pca", "between"]),
    help="Directions that span the line or plane: random, filter-normalised or plain gaussian; the trajectory's "
    "principal components (pca); or towards other networks, named by --to (between). "
    "[default: filter; between if there is --to]",
)
@click.option("--line", is_flag=True, help="Evaluate a line instead of a plane.")
@options.shown("--grid", click.IntRange(2, 1001), 51, "Number of points along each direction.")
@click.option(
    "--extent",
    type=float,
    help="How far the line or plane reaches: for random directions, in multiples of the parameters' norm [default: 1]; "
    "otherwise beyond the trajectory or the networks, as a fraction of their extent [default: 0.3].",
)
@click.option(
    "--at",
    type=click.IntRange(0, 2**53),
    metavar="STEP",
    help="Training step whose parameters the line or plane goes through. [default: the last recorded]",
)
@click.option(
    "--to",
    multiple=True,
    metavar="RUN",
    help="Network that a direction leads to; give one for a line, two for a plane.",
)
@click.option(
    "--of",
    "losses",
    multiple=True,
    metavar="CHANNEL",
    help="Loss to evaluate; repeat for several. [default: chosen by the scenario]",
)
@options.batches
@options.lane
@options.shown("--seed", click.IntRange(0, 2**64 - 1), 0, "Random seed that the random directions are drawn from.")
@options.device
@click.option(
    "--memory",
    type=click.IntRange(1, 10**9),
    metavar="MB",
    help="Memory for points that are evaluated together, in MB.",
)
@click.option(
    "--name",
    help="Name of the projection's file. [default: says what it is, such as filter-plane-300-seed-1-lane-1]",
)
@options.loss_function
@options.force
@options.trust
def project(
    *,
    runs: tuple[str, ...],
    line: bool,
    to: tuple[str, ...],
    name: str | None,
    force: bool,
    trust: tuple[str, ...],
    **asked: Any,
) -> None:
    """Evaluate the loss of trained networks on a line or a plane through their parameters.

    Each recording needs the channel parameters. Its projection is stored in the recording's folder, where the views
    landscape and line find it; it also holds how far the trajectory is off the line or plane. The file's path is
    printed to stdout.

    \b
    dynviz run landscape:model=cnn -o sgd --record parameters
    dynviz project runs/landscape-sgd-1 --directions pca
    dynviz show runs/landscape-sgd-1 --view landscape
    """  # noqa: D301 - click wants the sign itself, which keeps lines as they are
    from dynviz.recording import open_all

    recordings, goals = open_all(runs, say), open_all(to, say)
    allowed = consent.of_recordings(recordings, trust, optimizers=False)
    from dynviz.projection.project import Wish
    from dynviz.projection.project import project as evaluate
    from dynviz.recording.projections import file

    memory = asked.pop("memory") or 0
    asked["directions"] = asked["directions"] or ("between" if goals else "filter")
    wish = Wish(dimensions=1 if line else 2, memory=memory * 1_000_000, trust=allowed, **asked)
    names = [name or _title(recording, wish, goals) for recording in recordings]
    may_write(map(file, (recording.folder for recording in recordings), names), force=force)
    projections = []
    for recording in recordings:
        with PointsBar(recording.label, "points") as bar:
            projections.append(evaluate(recording, wish, goals, bar))
    # Nothing is written before all of them are there: where one is refused nothing changes.
    for recording, title, projection in zip(recordings, names, projections, strict=True):
        say(str(projection.save(recording.folder, title)), err=False)


def _title(recording: "Recording", wish: "Wish", goals: "Sequence[Recording]") -> str:
    """The name of a projection: its directions and shape, and whatever about it is not as usual."""
    from dataclasses import fields

    from dynviz.charts.samples import index_at
    from dynviz.projection.project import PARAMETERS, number
    from dynviz.recording.projections import titled

    words = [wish.directions, "line" if wish.dimensions == 1 else "plane"]
    if wish.at is not None and PARAMETERS in recording:
        steps = recording.steps(PARAMETERS)
        words += [str(steps[index_at(steps, wish.at)])] if len(steps) else []
    if isinstance(wish.function, str) and not recording.metadata.own_loop:
        words.append(f"loss-{Path(wish.function).stem}")
    words += [f"to-{goal.folder.parent.name}-{goal.label}" for goal in goals]
    for field in fields(wish):
        value = getattr(wish, field.name)
        if field.name in ("grid", "extent", "losses", "seed", "batches") and value != field.default:
            name = "of" if field.name == "losses" else field.name
            words.append("-".join([name, *(value if isinstance(value, tuple) else [f"{value:g}"])]))
    words = [re.sub(r"[^\w.-]+", "-", word, flags=re.ASCII) for word in words]
    return titled(*words, lane=number(recording, wish.lane) if wish.lane < len(recording.seeds) else wish.lane)


class PointsBar:
    """A progress bar on stderr; nothing where stderr is not a terminal."""

    def __init__(self, name: str, what: str) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        from dynviz.cli.console import console

        columns = (TextColumn("{task.description}", markup=False), BarColumn(bar_width=None), MofNCompleteColumn())
        stderr = console()
        self._bar = Progress(
            *columns,
            TextColumn(what),
            TimeRemainingColumn(compact=True),
            console=stderr,
            disable=not stderr.is_terminal,
        )
        self._task = self._bar.add_task(name, total=None)

    def __call__(self, done: int, count: int) -> None:
        self._bar.update(self._task, completed=done, total=count)

    def __enter__(self) -> "PointsBar":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()
