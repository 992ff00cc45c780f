"""Where runs turned another way while they trained: hyperparameters that were changed, and forks."""

from collections.abc import Iterator, Sequence

from dynviz.charts import caption
from dynviz.charts.numbers import significant
from dynviz.frozen import frozen
from dynviz.recording import Recording
from dynviz.scene.marks import Readout, ReferenceLine

MOST = 4
"""Changes of one recording that are drawn and said, the first ones."""


@frozen
class Turn:
    """A step after which a recording trained with something changed.

    Attributes:
        step: After which.
        words: What was changed, in as few words as there is room for beside a line.
        sentence: The same with its step.
        color: Of the recording.
    """

    step: int
    words: str
    sentence: str
    color: str


def turns(recordings: Sequence[Recording]) -> tuple[Turn, ...]:
    """Those of recordings, as far as these go."""
    names = caption.names(recordings)
    colors = caption.colors(recordings)
    return tuple(
        turn
        for recording, name, color in zip(recordings, names, colors, strict=True)
        for turn in _of(recording, name if len(recordings) > 1 else "", color)
    )


def lines(turns: Sequence[Turn], step: int) -> tuple[ReferenceLine, ...]:
    """Lines across a panel over the steps, for those turns that have happened by a step."""
    return tuple(
        ReferenceLine(float(turn.step), turn.color, vertical=True, label=turn.words)
        for turn in turns
        if turn.step <= step
    )


def notes(recordings: Sequence[Recording]) -> tuple[Readout, ...]:
    """What differs from the start of recordings, or from their parents, and since when."""
    return tuple(Readout(turn.sentence, "muted") for turn in turns(recordings))


def _of(recording: Recording, name: str, color: str) -> Iterator[Turn]:
    prefix = f"{name}: " if name else ""
    origin = recording.metadata.origin
    if origin is not None:
        changed = ", ".join(caption.option(key, value) for key, value in origin.changes.items() if key != "steps")
        changed = f" with {changed}" if changed else ""
        changed += ", not exactly" if origin.inexact else ""
        yield Turn(origin.step, "fork", f"{prefix}forked at step {significant(origin.step, 9)}{changed}", color)
    made = [change for change in recording.changes() if change.step <= recording.recorded]
    own_changes = [change for change in made if origin is None or change.step > origin.step]
    for change in own_changes[:MOST]:
        own = [seed for lane, seed in enumerate(recording.seeds) if change.lane in (None, lane)]
        lane = f" (seed {own[0]})" if change.lane is not None and own else ""
        words = f"{change.name} {significant(change.new)}{lane}"
        before = "" if change.old is None else f" {significant(change.old)} to"
        sentence = f"{change.name}{before} {significant(change.new)}{lane} at step {significant(change.step, 9)}"
        yield Turn(change.step, words, f"{prefix}{sentence}", color)
