"""Titles and names of a picture, and the colours that tell recordings apart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

import numpy as np

from dynviz.charts.numbers import significant
from dynviz.recording import Recording
from dynviz.scene.marks import Dash, Readout
from dynviz.scene.theme import ORDERED

COLORS = 8
"""How many recordings can be told apart by colour."""
DASHES: tuple[Dash, ...] = ("solid", "dashed", "dotted")


def color(index: int) -> str:
    """The colour of the recording at this position in a view."""
    return f"lane{index % COLORS}"


def words(channel: str, *recordings: Recording) -> str:
    """What a panel of a channel is called: the title that its scenario gave it, else its name.

    >>> words("relative_error")
    'relative error'

    Args:
        channel: Its name.
        recordings: Where it is declared; a channel that none of them recorded has no title.
    """
    declared = (one.metadata.channels[channel].title for one in recordings if channel in one)
    return next(declared, "") or channel.replace("_", " ")


def title(recordings: Sequence[Recording]) -> str:
    """What made the picture: the scenario and those of its options that were written, where all recordings agree."""
    scenarios = [recording.metadata.scenario for recording in recordings]
    names = dict.fromkeys(_stem(scenario.name) for scenario in scenarios)
    shared = _shared([scenario.given for scenario in scenarios])
    return " · ".join([", ".join(names), *(option(key, value) for key, value in shared.items())])


def names(recordings: Sequence[Recording]) -> tuple[str, ...]:
    """A name for each recording: its label, and what tells it from others of the same label.

    Where a run has a rule twice, as `sgd` and `sgd-2`, what they differ in says more than the number.
    """
    given = [recording.label for recording in recordings]
    labels = [_unnumbered(label, given) for label in given]
    if len(set(labels)) == len(labels):
        return tuple(given)
    scenarios = [recording.metadata.scenario for recording in recordings]
    differences: list[list[Mapping[str, Any]]] = [
        [{"": _stem(scenario.name)} for scenario in scenarios],
        [scenario.given for scenario in scenarios],
        [_given(recording) for recording in recordings],
        [{"": seeds(recording)} for recording in recordings],
    ]
    for trees in differences:
        shared = _shared(trees)
        for index, tree in enumerate(trees):
            extra = [option(key, value) for key, value in tree.items() if key not in shared]
            labels[index] = " ".join([labels[index], *extra]).strip()
        if len(set(labels)) == len(labels):
            return tuple(labels)
    if len(set(given)) == len(given):
        return tuple(given)
    return tuple(f"{label} #{index + 1}" for index, label in enumerate(labels))


@dataclass(frozen=True)
class Tag(Readout):
    """What tells a recording from the others of a view: a readout in its colour and with its name, still empty.

    Attributes:
        dash: Of its lines: of recordings of one colour each has its own.
    """

    dash: Dash = "solid"


def tags(recordings: Sequence[Recording]) -> tuple[Tag, ...]:
    """A tag for each recording; it has a name where there are several."""
    several = names(recordings) if len(recordings) > 1 else ("",)
    dashes = (DASHES[index // COLORS % len(DASHES)] for index in range(len(recordings)))
    return tuple(
        Tag("", color, name, dash=dash) for color, name, dash in zip(colors(recordings), several, dashes, strict=True)
    )


def colors(recordings: Sequence[Recording]) -> tuple[str, ...]:
    """The colour of each recording: ordered where one rule has three or more values of one number, else its own."""
    values = [_number_apart(recording, recordings) for recording in recordings]
    if len(set(values)) < max(3, len(recordings)) or None in values:
        return tuple(color(index) for index in range(len(recordings)))
    ranks = np.argsort(np.argsort(np.array(values, dtype=np.float64)))
    return tuple(ordered(int(rank), len(values)) for rank in ranks)


def ordered(rank: int, count: int) -> str:
    """The colour of one of several rising values.

    >>> ordered(0, 4), ordered(3, 4)
    ('ordered0', 'ordered7')
    """
    return f"ordered{round((ORDERED - 1) * rank / max(count - 1, 1))}"


def _number_apart(recording: Recording, among: Sequence[Recording]) -> float | None:
    """The value of the one number in which recordings of a rule differ; None where they differ in anything else."""
    own = _setting(recording)
    others = [_setting(other) for other in among]
    keys = {key for other in others for key in {**own, **other} if own.get(key) != other.get(key)}
    value = own.get(next(iter(keys))) if len(keys) == 1 else None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _setting(recording: Recording) -> dict[str, Any]:
    """All that is the same in all lanes of a recording."""
    metadata = recording.metadata
    rules = {name: rule.value for name, rule in metadata.hyperparameters.items()}
    lanes = {repr(sorted(lane.hyperparameters.items())) for lane in metadata.lanes}
    task = {f"scenario {key}": str(value) for key, value in metadata.scenario.options.items()}
    apart = {"": " ".join([metadata.scenario.name, metadata.optimizer.name, *(lanes if len(lanes) > 1 else ())])}
    return {**rules, **metadata.lanes[0].hyperparameters, **task, **apart}


def with_seed(title: str, recording: Recording, lane: int) -> str:
    """The title of a panel that shows one lane: with its seed, where there are several."""
    return f"{title}, seed {recording.seeds[lane]}" if len(recording.seeds) > 1 else title


def lanes(count: int, of: int = 0) -> str:
    """So many lanes in words, and of how many where there are more.

    >>> lanes(1), lanes(8), lanes(16, of=20)
    ('1 lane', '8 lanes', '16 of 20 lanes')
    """
    if count < of:
        return f"{significant(count, 9)} of {significant(of, 9)} lanes"
    return f"{significant(count, 9)} lane{'s' if count != 1 else ''}"


def _unnumbered(label: str, among: Sequence[str]) -> str:
    base, _, number = label.rpartition("-")
    return base if number.isdecimal() and base in among else label


def readouts(recordings: Sequence[Recording]) -> tuple[Readout, ...]:
    """Each recording with the hyperparameters that were written, in its colour, then the seeds.

    What an optimizer does with shapes that it is not made for stands beside its name where it is all that it does,
    else at the end.

    Of one whose lanes differ: `adamw lr 1e-4 to 1 (25 values), seeds 0 to 7`.
    """
    seeded = {seeds(recording) for recording in recordings}
    readouts, notes = [], []
    for recording, name, color in zip(recordings, names(recordings), colors(recordings), strict=True):
        given = [option(key, value) for key, value in _given(recording).items()]
        own = [seeds(recording)] if len(seeded) > 1 else []
        text = " ".join([name, *(extra for extra in given + own if extra not in name)])
        fallback, fallbacks = recording.metadata.fallback, recording.metadata.fallbacks
        if len(fallbacks) == len(recording.metadata.parameters) and fallback:
            text = f"{text}, {fallback}"
        elif fallback:
            notes.append(Readout(f"{name}: {fallback}", "muted"))
        readouts.append(Readout(text, color))
    if len(seeded) == 1:
        readouts.append(Readout(seeded.pop(), "muted"))
    return (*readouts, *notes)


def seeds(recording: Recording) -> str:
    """The seeds of a recording's lanes in words: `seed 42`, `seeds 0 to 7`, `seeds 1, 2, 5`."""
    seeds = sorted(set(recording.seeds))
    if len(seeds) == 1:
        return f"seed {seeds[0]}"
    runs: list[list[int]] = []
    for seed in seeds:
        if runs and seed == runs[-1][-1] + 1:
            runs[-1].append(seed)
        else:
            runs.append([seed])
    parts = [part for run in runs for part in ([f"{run[0]} to {run[-1]}"] if len(run) > 2 else map(str, run))]
    return f"seeds {', '.join(parts[:6])}{', …' if len(parts) > 6 else ''}"


def lane(recording: Recording, index: int) -> str:
    """One lane of a recording in words: the hyperparameters that are its own, and its seed: `lr 0.01 seed 3`."""
    one = recording.metadata.lanes[index]
    return " ".join([*(option(key, value) for key, value in one.hyperparameters.items()), f"seed {one.seed}"])


def _stem(name: str) -> str:
    return PurePath(name).stem if name.endswith(".py") else name


def _given(recording: Recording) -> dict[str, Any]:
    """The hyperparameters given by the user; for those that differ between lanes, the range of values."""
    rules = recording.metadata.hyperparameters
    given = {key: rule.value for key, rule in rules.items() if rule.source == "given"}
    lanes = [lane.hyperparameters for lane in recording.metadata.lanes]
    for key in dict.fromkeys(key for own in lanes for key in own):
        values = list(dict.fromkeys(own.get(key, given.get(key)) for own in lanes))
        given[key] = values[0] if len(values) == 1 else several(values)
    return given


def several(values: Sequence[Any]) -> str:
    """Several values of one hyperparameter in words.

    >>> several([0.1, 0.2]), several([1e-4, 1e-3, 1e-2, 0.1, 1.0])
    ('0.1 or 0.2', '1e-4 to 1 (5 values)')
    """
    if len(values) < 4 or not all(isinstance(value, int | float) for value in values):
        *others, last = map(_text, values)
        return f"{', '.join(others)} or {last}"
    return f"{_text(min(values))} to {_text(max(values))} ({len(values)} values)"


def _shared(trees: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    first, *others = trees
    return {key: value for key, value in first.items() if all(key in tree and tree[key] == value for tree in others)}


def option(key: str, value: Any) -> str:
    """An option and its value in words.

    >>> option("weight_decay", 0.1), option("nesterov", False)
    ('weight decay 0.1', 'no nesterov')
    """
    key = key.replace("_", " ")
    if isinstance(value, bool):
        return key if value else f"no {key}"
    return f"{key} {_text(value)}".strip()


def _text(value: Any) -> str:
    if isinstance(value, tuple | list):
        return f"({', '.join(map(_text, value))})"
    return significant(value, 4) if isinstance(value, float) else str(value)
