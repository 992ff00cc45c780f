"""`dynviz set`: change hyperparameters of a run while it trains."""

import sys
import time
from pathlib import Path

import click

from dynviz.cli.say import say
from dynviz.errors import DynvizError

PATIENCE = 10.0
"""Seconds to wait for the trainer's answer; between two blocks of steps it listens."""
GLANCE = 0.05
"""Seconds between two looks for the answer."""


@click.command("set", short_help="Change hyperparameters of a run while it trains.")
@click.argument("run", metavar="RUN")
@click.argument("values", nargs=-1, required=True, metavar="key=value...")
@click.option("--lane", type=click.IntRange(min=0), help="Change this lane only, counted from 0. [default: all]")
@click.option(
    "--at", type=click.IntRange(min=0), metavar="STEP", help="Change after this step. [default: as soon as possible]"
)
def setting(*, run: str, values: tuple[str, ...], lane: int | None, at: int | None) -> None:
    """Change numbers among the hyperparameters of RUN, or of one recording of it, while it trains.

    The change takes effect between two steps and is written to changes.jsonl in the recording. `dynviz run --changes
    FILE` repeats it at the same step, to the same bytes. A refused change is reported with its reason.

    \b
    dynviz set runs/voronoi-adamw-1 lr=3e-3
    dynviz set runs/voronoi-adamw-1/adamw lr=3e-3 --lane 2 --at 5000
    """  # noqa: D301 - click wants the sign itself, which keeps lines as they are
    from dynviz.recording import changes, open_all

    wanted = [_pair(text) for text in values]
    recordings = open_all([run], say)
    still = [recording for recording in recordings if not recording.live]
    if len(still) == len(recordings):
        raise DynvizError(
            f"{run} does not train now; fork it to continue with other hyperparameters: dynviz fork {run}"
        )
    asked = []
    for recording in recordings:
        if recording.live:
            for name, value in wanted:
                request = changes.Request(action="set", name=name, value=value, lane=lane, at=at)
                asked.append((recording.folder, changes.ask(recording.folder, request)))
    answers = [_answer(folder, number) for folder, number in asked]
    if not all(answers):
        sys.exit(1)


def _pair(text: str) -> tuple[str, float]:
    name, equals, value = (part.strip() for part in text.partition("="))
    try:
        number = float(value)
    except ValueError:
        number = float("nan")
    if not (name and equals) or number != number or number in (float("inf"), float("-inf")):  # noqa: PLR0124
        raise DynvizError(
            f"{text!r} is not understood; write key=value with a number, like lr=3e-3; "
            "for anything else fork the run instead"
        )
    return name, number


def _answer(folder: Path, number: int) -> bool:
    """Wait for what becomes of a request, and say it; whether it was heeded."""
    from dynviz.recording import changes

    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        for change in changes.load(folder):
            if change.request == number:
                lane = "" if change.lane is None else f" of lane {change.lane}"
                if change.refused:
                    say(f"{folder.name}: {change.name}{lane} was not changed: {change.refused}")
                else:
                    before = "" if change.old is None else f" from {change.old:g}"
                    words = (
                        f"{folder.name}: {change.name}{lane} changes{before} to {change.new:g} after step {change.step}"
                    )
                    say(words, err=False)
                return not change.refused
        time.sleep(GLANCE)
    say(f"{folder.name}: no answer yet; the change takes effect as soon as the run trains its next steps")
    return False
