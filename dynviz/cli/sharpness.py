"""`dynviz sharpness`: the curvature of the loss along a run, and how sharp the minimum is that it ends in."""

from typing import Any

import click

from dynviz.cli import consent, options
from dynviz.cli.project import PointsBar
from dynviz.cli.replacing import may_write
from dynviz.cli.say import say


@click.command(short_help="Measure the largest Hessian eigenvalues along a run.")
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@options.shown("--samples", click.IntRange(1, 10**5), 20, "Number of steps, evenly spaced, at which to measure.")
@options.shown("--eigenvalues", click.IntRange(1, 1000), 2, "Number of largest eigenvalues of the Hessian to compute.")
@click.option(
    "--of", "loss", default="", metavar="CHANNEL", help="Loss to differentiate. [default: chosen by the scenario]"
)
@options.shown(
    "--ways",
    click.IntRange(1, 10**4),
    10,
    "Number of random directions in which to follow the loss away from the last step.",
)
@options.shown(
    "--radii",
    click.IntRange(2, 10**4),
    21,
    "Number of distances at which to evaluate the loss in each of these directions.",
)
@click.option(
    "--reach",
    type=float,
    help="Largest of these distances, in parameter space. [default: a quarter of the parameters' norm]",
)
@options.lane
@options.batches
@options.device
@options.loss_function
@options.force
@options.trust
def sharpness(*, runs: tuple[str, ...], force: bool, trust: tuple[str, ...], **asked: Any) -> None:
    """Measure the largest eigenvalues of the loss's Hessian along runs, and the loss around the last step.

    Each recording needs the channel parameters. The measurements are stored in the recording's folder, where the view
    sharpness finds them. The file's path is printed to stdout.

    \b
    dynviz run landscape -o sgd -o sgd+sam:rho=0.05 --record parameters
    dynviz sharpness runs/landscape-sgd-sgd-sam-1
    dynviz show runs/landscape-sgd-sgd-sam-1 --view sharpness
    """  # noqa: D301 - click wants the sign itself, which keeps lines as they are
    from dynviz.recording import open_all

    recordings = open_all(runs, say)
    allowed = consent.of_recordings(recordings, trust, optimizers=False)
    from dynviz.projection.curvature import NAME, Look, evaluate
    from dynviz.projection.project import number
    from dynviz.recording.projections import file, titled

    look = Look(trust=allowed, **asked)
    # A lane that is not there is refused by what measures it.
    lanes = [min(look.lane, len(recording.seeds) - 1) for recording in recordings]
    names = [titled(NAME, lane=number(*place)) for place in zip(recordings, lanes, strict=True)]
    may_write(map(file, (recording.folder for recording in recordings), names), force=force)
    measured = []
    for recording in recordings:
        with PointsBar(recording.label, "steps") as bar:
            measured.append(evaluate(recording, look, bar))
    # Nothing is written before all of them are there: where one is refused nothing changes.
    for one in measured:
        say(str(one.save()), err=False)
