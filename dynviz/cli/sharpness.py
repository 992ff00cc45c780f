"""`dynviz sharpness`: how sharp the minimum is that an optimizer goes to."""

from typing import Any

import click

from dynviz.cli import consent
from dynviz.cli.consent import trust_option
from dynviz.cli.project import PointsBar
from dynviz.cli.say import say


@click.command(short_help="Curvature along a run, and how wide its end is.")
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@click.option("--samples", type=click.IntRange(1, 10**5), default=20, show_default=True, help="Steps, evenly spaced.")
@click.option("--eigenvalues", type=click.IntRange(1, 1000), default=2, show_default=True, help="So many, the largest.")
@click.option("--of", "loss", default="", metavar="CHANNEL", help="Which loss. [default: the scenario's]")
@click.option("--ways", type=click.IntRange(1, 10**4), default=10, show_default=True, help="Random directions.")
@click.option(
    "--radii", type=click.IntRange(2, 10**4), default=21, show_default=True, help="Distances in each direction."
)
@click.option("--reach", type=float, help="The largest distance. [default: a quarter of the parameters' norm]")
@click.option("--lane", type=click.IntRange(min=0), default=0, show_default=True, help="Whose parameters.")
@click.option(
    "--batches", type=click.IntRange(1, 10**6), default=1, show_default=True, help="Of training, for its loss."
)
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")
@trust_option
def sharpness(*, runs: tuple[str, ...], trust: tuple[str, ...], **asked: Any) -> None:
    """Measure the largest eigenvalues of the loss's Hessian along runs, and the loss around the last step.

    Each recording needs the channel parameters. What was measured is written beside it, and the view sharpness draws
    it. The file's path is printed on stdout.

    \b
    dynviz run landscape -o sgd -o sgd+sam:rho=0.05 --record parameters
    dynviz sharpness runs/landscape-sgd-sgd-sam-1
    dynviz show runs/landscape-sgd-sgd-sam-1 --view sharpness
    """  # noqa: D301 - click wants the sign itself, which keeps lines as they are
    from dynviz.recording import open_all

    recordings = open_all(runs, say)
    allowed = consent.of_recordings(recordings, trust, optimizers=False)
    from dynviz.projection.curvature import Look, evaluate

    look = Look(trust=allowed, **asked)
    evaluated = []
    for recording in recordings:
        with PointsBar(recording.label, "steps") as bar:
            evaluated.append(evaluate(recording, look, bar))
    # Nothing is written before all of them are there: where one is refused nothing changes.
    for found in evaluated:
        say(str(found.save()), err=False)
