"""`dynviz report`: verdicts on what a document claims."""

import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dynviz.cli import consent, options
from dynviz.cli.replacing import may_write
from dynviz.cli.say import say
from dynviz.cli.stopping import stoppable
from dynviz.errors import DynvizError
from dynviz.plugins.fingerprints import CodeFile
from dynviz.plugins.grammar import seeds as read_seeds
from dynviz.process.background import STOPPED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dynviz.reporting.account import Account
    from dynviz.reporting.deciding import Inquiry
    from dynviz.reporting.document import Claims
    from dynviz.reporting.training import CachedTraining
    from dynviz.reporting.verdicts import Finding
    from dynviz.sweeps.progress import SweepListener
    from dynviz.training.session import Progress


@click.command(short_help="Decide what a document claims, and write a report.")
@click.argument("file", metavar="CLAIMS.toml")
@options.seeds("0:8")
@click.option("--quick", is_flag=True, help="Take a quick look: few steps of two seeds. It decides nothing.")
@click.option("--claim", "ids", multiple=True, metavar="ID", help="Decide this claim alone. Repeat for several.")
@click.option("--out", metavar="DIR", help="Folder of the report. [default: reports/<name of the file>]")
@click.option(
    "--recordings",
    metavar="DIR",
    default="runs/claims",
    show_default=True,
    help="Folder that keeps the recordings, so that nothing is trained twice.",
)
@click.option(
    "--pictures/--no-pictures", default=True, help="Whether to draw a picture for each claim.", show_default=True
)
@click.option(
    "--trust",
    multiple=True,
    metavar="PATH",
    help="Allow code of your own that the claims file names to run: a file, its folder or an import path. "
    "Repeat for several.",
)
@click.option(
    "--update",
    is_flag=True,
    help="Keep the verdicts of the report in --out; decide claims that are new or have changed, and those of --claim.",
)
@options.cluster
@options.force
def report(
    *,
    file: str,
    seeds: str,
    quick: bool,
    ids: tuple[str, ...],
    out: str | None,
    recordings: str,
    pictures: bool,
    trust: tuple[str, ...],
    update: bool,
    cluster: str,
    force: bool,
) -> None:
    """Train what a claims file asks for, measure, and write a report as HTML, Markdown and JSON.

    Each claim holds, fails, depends on the seed, or is not decided here. Recordings are kept, and used again by
    whoever asks for the same run; what was stopped or killed continues where it was.

    On a --cluster all runs of a report train at the same time; measuring and drawing stay here.

    \b
    dynviz report claims/adamw.toml --seeds 0:8 --out report
    dynviz report claims/adamw.toml --quick --claim environment-is-voronoi
    dynviz report claims/adamw.toml --claim l1-lower-loss --update --out report
    dynviz report claims/adamw.toml --cluster tcp://host:8786
    """  # noqa: D301
    from dynviz.reporting.reading import only, read_claims

    read_seeds(seeds)
    if update and quick:
        raise click.UsageError("--quick decides nothing, and --update keeps verdicts; take one of them")
    path = Path(file)
    folder = Path(out) if out else Path("reports") / path.stem
    every = read_claims(path)
    claims, kept = _left(every, ids, folder, seeds) if update else (only(every, ids), {})
    trusted = _trusted(claims, path, trust)
    from dynviz.reporting.deciding import Inquiry
    from dynviz.reporting.writing import FILES

    may_write([folder / name for name in FILES], force=force or update)
    try:
        with stoppable() as heed:
            done = _decide(claims, file, Inquiry(seeds, Path(recordings), quick, trusted, cluster))
            done = _joined(done, every, kept) if update else done
            heed()
            _write(done, folder, pictures=pictures)
    except KeyboardInterrupt:
        say("stopped; what was recorded is kept, and the same command continues")
        sys.exit(STOPPED)
    _print(done)
    say(str(folder), err=False)


def _left(every: "Claims", ids: tuple[str, ...], folder: Path, seeds: str) -> "tuple[Claims, dict[str, Finding]]":
    """The claims that an update decides, and what the report says of all others.

    Raises:
        DynvizError: There is no report that can be updated, or no claim of that name.
    """
    from dynviz.reporting.earlier import findings
    from dynviz.reporting.reading import only

    only(every, ids)
    kept = {name: found for name, found in findings(every, folder, seeds).items() if name not in ids}
    missing = tuple(claim.id for claim in every.claims if claim.id not in kept)
    return (only(every, missing) if missing else replace(every, claims=(), runs={})), kept


def _joined(done: "Account", every: "Claims", kept: "Mapping[str, Finding]") -> "Account":
    new = {finding.claim.id: finding for finding in done.findings}
    return replace(done, claims=every, findings=tuple({**kept, **new}[claim.id] for claim in every.claims))


def _trusted(claims: "Claims", path: Path, trust: tuple[str, ...]) -> tuple[str, ...]:
    """The user's own code that the file names and that may run.

    Raises:
        DynvizError: Some is not trusted.
    """
    codes = [
        replace(code, sha256=CodeFile(Path(code.name).expanduser().absolute()).fingerprint()) if code.is_file else code
        for code in dict.fromkeys(code for runs in claims.runs.values() for code in runs.command.codes)
    ]
    allowed = consent.given(codes, trust)
    for code in codes:
        try:
            code.located(allowed)
        except DynvizError as error:
            raise DynvizError(
                f"{path} names {code.name}, which is not part of dynviz and is not run without your consent; "
                f"if you trust it, add --trust {shlex.quote(code.name)}"
            ) from error
    return allowed


def _decide(claims: "Claims", name: str, inquiry: "Inquiry") -> "Account":
    from dynviz.reporting.account import account
    from dynviz.reporting.deciding import decide

    findings = list(decide(claims, inquiry, TrainingWords()))
    return account(claims, name, findings, seeds=inquiry.seeds, quick=inquiry.quick)


def _write(done: "Account", folder: Path, *, pictures: bool) -> None:
    from dynviz.reporting.writing import drawn, write

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DynvizError(f"cannot make the folder {folder}: {error.strerror or error}") from error
    if pictures:
        say("drawing the pictures")
        done = replace(done, findings=drawn(done.findings, folder))
    write(done, folder)


def _print(done: "Account") -> None:
    width = max(len(finding.claim.id) for finding in done.findings)
    for finding in done.findings:
        say(f"{finding.claim.id:{width}}  {finding.ruling.value}", err=False)
    say(done.summary)


class TrainingWords:
    """Says what is trained; the progress of a run is that of `dynviz run`."""

    def begin(self, number: int, count: int, training: "CachedTraining") -> None:
        command = training.command
        many = f"{len(training.seeds)} seeds" if len(training.seeds) > 1 else "1 seed"
        say(f"run {number} of {count}: {command.scenario} with {command.optimizers[0]}, {many}")

    def progress(self) -> "Progress":
        from dynviz.cli.progress import TrainingProgress

        return TrainingProgress()

    def sweep_progress(self) -> "SweepListener":
        from dynviz.cli.sweeping import SweepProgress

        return SweepProgress()
