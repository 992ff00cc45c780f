"""`dynviz project`: the loss on a line or a plane through what was trained."""

from typing import Any

import click

from dynviz.cli import consent
from dynviz.cli.consent import trust_option
from dynviz.cli.say import say


@click.command(short_help="The loss on a line or a plane through the parameters.")
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@click.option(
    "--directions",
    type=click.Choice(["filter", "gaussian", "pca", "between"]),
    help="Random (filter-normalised, or gaussian), of the trajectory, or to other networks. [default: filter]",
)
@click.option("--line", is_flag=True, help="A line; a plane otherwise.")
@click.option("--grid", type=click.IntRange(2, 1001), default=51, show_default=True, help="Points along a direction.")
@click.option("--extent", type=float, help="How far: so many times the norm; beyond the trajectory, its share.")
@click.option("--at", type=click.IntRange(0, 2**53), metavar="STEP", help="What it goes through. [default: the last]")
@click.option("--to", multiple=True, metavar="RUN", help="Where directions between networks lead; twice for a plane.")
@click.option("--of", "losses", multiple=True, metavar="CHANNEL", help="Which loss; again for more.")
@click.option(
    "--batches", type=click.IntRange(1, 10**6), default=1, show_default=True, help="Of training, for its loss."
)
@click.option("--lane", type=click.IntRange(min=0), default=0, show_default=True, help="Whose parameters.")
@click.option("--seed", type=click.IntRange(0, 2**64 - 1), default=0, show_default=True, help="Of random directions.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")
@click.option("--memory", type=click.IntRange(1, 10**9), metavar="MB", help="For points evaluated together.")
@click.option(
    "--name", help="Of the projection. [default: as pca-plane; what --at and lanes add: pca-plane-300-lane-1]"
)
@trust_option
def project(
    *, runs: tuple[str, ...], line: bool, to: tuple[str, ...], name: str | None, trust: tuple[str, ...], **asked: Any
) -> None:
    """Evaluate the loss of trained networks on a line or a plane, and how far the trajectory is off it.

    Each recording needs the channel parameters. Its projection is written beside it, and the views landscape and line
    draw it. The file's path is printed on stdout.

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
    from dynviz.recording.projections import titled

    memory = asked.pop("memory") or 0
    asked["directions"] = asked["directions"] or ("between" if goals else "filter")
    wish = Wish(dimensions=1 if line else 2, memory=memory * 1_000_000, trust=allowed, **asked)
    evaluated = []
    for recording in recordings:
        with PointsBar(recording.label, "points") as bar:
            evaluated.append((recording, evaluate(recording, wish, goals, bar)))
    # Nothing is written before all of them are there: where one is refused nothing changes.
    for recording, found in evaluated:
        words = [wish.directions, "line" if line else "plane", *([str(found.about.at)] if wish.at is not None else [])]
        say(str(found.save(recording.folder, name or titled(*words, lane=found.about.lane))), err=False)


class PointsBar:
    """How many points are evaluated, on stderr; nothing where it is no terminal."""

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
