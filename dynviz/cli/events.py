"""`dynviz events`: what happened in runs, and whether it should have."""

import json
import operator
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dynviz.cli.say import say
from dynviz.errors import DynvizError, unknown
from dynviz.frozen import frozen
from dynviz.text import clean

if TYPE_CHECKING:
    from dynviz.detection.scan import Occurrence
    from dynviz.recording import Recording

OPERATORS: Mapping[str, Callable[[int, int], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    ">": operator.gt,
    "<": operator.lt,
}


@frozen
class Condition:
    """How often a kind of event must happen in each lane.

    Attributes:
        text: As it was written.
        kind: Which.
        compared: How the count is compared.
        number: With what.
    """

    text: str
    kind: str
    compared: str = ">="
    number: int = 1

    @classmethod
    def read(cls, text: str) -> "Condition":
        """Read `rank`, `rank>=2`, `spike<3`.

        Raises:
            DynvizError: It is none of these.
        """
        match = re.fullmatch(r"\s*([a-z][\w.-]*)\s*(?:(>=|<=|==|>|<)\s*(\d{1,9}))?\s*", text, re.ASCII)
        if not match:
            raise DynvizError(f"--expect {text!r} is not understood; write KIND or KIND>=NUMBER, like rank>=2")
        kind, compared, number = match.groups()
        return cls(text, kind, compared or ">=", int(number or 1))

    def holds(self, count: int) -> bool:
        """Whether it does for a lane in which the event happened so often."""
        return OPERATORS[self.compared](count, self.number)


@click.command(short_help="What happened in runs: spikes, plateaus, divergence and more.")
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    metavar="KIND[:key=value,...]",
    help="Look for this kind of event only; repeat for several. Thresholds are options: spike:high=8. [default: all]",
)
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON for each event.")
@click.option(
    "--expect",
    multiple=True,
    metavar="KIND[>=N]",
    help="Exit with status 1 unless the event happened this often in every lane: rank>=2, spike<3.",
)
@click.option("--forbid", multiple=True, metavar="KIND", help="Exit with status 1 if the event happened in any lane.")
def events(
    *, runs: tuple[str, ...], kinds: tuple[str, ...], as_json: bool, expect: tuple[str, ...], forbid: tuple[str, ...]
) -> None:
    """Print what happened in runs or recordings, by step, from what was recorded and what detectors find in it.

    At the end it says whether loss and parameters have converged, unless kinds are asked for.

    Nothing is run and nothing is written. Detectors are listed by `dynviz list detectors`.

    \b
    dynviz events runs/voronoi-adamw-1
    dynviz events runs/matrix-sensing-sgd-1 --kind rank --expect 'rank>=2' --forbid diverged
    """  # noqa: D301 - click wants the sign itself, which keeps lines as they are
    from dynviz.detection import scan
    from dynviz.plugins.spec import parse
    from dynviz.recording import open_all

    recordings = open_all(runs, say)
    conditions = [*map(Condition.read, expect), *(Condition(f"no {kind}", kind, "==", 0) for kind in forbid)]
    detectors = scan.load(_wanted(kinds, conditions))
    scanned = scan.Scan(recordings, detectors)
    occurrences = scanned.advance()
    asked = {Path(parse(kind).name).stem for kind in kinds}
    for occurrence in occurrences:
        if not asked or occurrence.kind in asked:
            # What a recording calls something must not look like a line of its own.
            line = _as_json(occurrence, recordings) if as_json else clean(_line(occurrence, recordings))
            say(line, err=False)
    if not (as_json or kinds):
        from dynviz.cli.summary import answered

        for words in answered(recordings):
            say(words, err=False)
    judged = {condition.kind for condition in conditions}
    unknown_kinds = sorted((kind, index) for kind, index in scanned.blind if kind in asked | judged)
    for kind, index in unknown_kinds:
        say(f"{recordings[index].label} records nothing that {kind} looks at")
    broken = list(_broken(conditions, occurrences, recordings))
    # What cannot be judged must not pass.
    broken += [f"cannot tell whether there is {kind}" for kind in judged & {kind for kind, _ in unknown_kinds}]
    for words in broken:
        say(words)
    if broken:
        sys.exit(1)


def _wanted(kinds: Sequence[str], conditions: Sequence[Condition]) -> list[str] | None:
    """The detectors that are needed: those asked for and those of conditions; None for all of them.

    Raises:
        DynvizError: There is no such kind.
    """
    from dynviz import plugins
    from dynviz.plugins.spec import parse
    from dynviz.recording.events import KINDS

    by_kind = {parse(kind).name: kind for kind in kinds}
    by_kind |= {condition.kind: condition.kind for condition in conditions if condition.kind not in by_kind}
    known = [*KINDS, *plugins.files("detectors")]
    for name in by_kind:
        if name not in known and not name.endswith(".py"):
            raise unknown("kind of event", name, known)
    return [text for name, text in by_kind.items() if name not in KINDS] if kinds else None


def _broken(
    conditions: Sequence[Condition], occurrences: "Sequence[Occurrence]", recordings: "Sequence[Recording]"
) -> "list[str]":
    """In words, which conditions do not hold, and where."""
    broken = []
    for condition in conditions:
        for index, recording in enumerate(recordings):
            for lane in range(len(recording.seeds)):
                count = sum(
                    (occurrence.kind, occurrence.recording, occurrence.lane) == (condition.kind, index, lane)
                    for occurrence in occurrences
                )
                if not condition.holds(count):
                    times = "once" if count == 1 else f"{count} times"
                    where = _where(recordings, index, lane)
                    broken.append(f"expected {condition.text}: {condition.kind} happened {times} in {where}")
    return broken


def _line(occurrence: "Occurrence", recordings: "Sequence[Recording]") -> str:
    from dynviz.charts.numbers import significant

    value = "" if occurrence.value is None else f" {significant(occurrence.value)}"
    words = f" ({occurrence.words})" if occurrence.words else ""
    if occurrence.other is not None:
        words += f" (ahead of {_where(recordings, *occurrence.other)})"
    exact = occurrence.step - occurrence.since <= 1
    when = f"step {occurrence.step}" if exact else f"steps {occurrence.since} to {occurrence.step}"
    return f"{when}: {occurrence.kind}{value}{words} in {_where(recordings, occurrence.recording, occurrence.lane)}"


def _as_json(occurrence: "Occurrence", recordings: "Sequence[Recording]") -> str:
    recording = recordings[occurrence.recording]
    tree = {
        "step": occurrence.step,
        "since": occurrence.since,
        "kind": occurrence.kind,
        "value": occurrence.value,
        "recording": recording.source,
        "lane": occurrence.lane,
        "seed": recording.seeds[occurrence.lane],
        "words": occurrence.words,
    }
    if occurrence.other is not None:
        index, lane = occurrence.other
        tree |= {"other": {"recording": recordings[index].source, "lane": lane}}
    return json.dumps(tree)


def _where(recordings: "Sequence[Recording]", index: int, lane: int) -> str:
    from dynviz.charts import caption

    recording = recordings[index]
    return recording.label if len(recording.seeds) == 1 else f"{recording.label}, {caption.lane(recording, lane)}"
