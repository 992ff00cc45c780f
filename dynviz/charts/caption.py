"""Titles and names in pictures, and the colours that tell recordings apart."""

from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

import numpy as np

from dynviz.charts import channels
from dynviz.charts.numbers import significant
from dynviz.charts.rates import in_words
from dynviz.frozen import frozen
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
    """The title of a channel's panel: the one that its scenario gave it, else its name.

    >>> words("relative_error")
    'relative error'

    Args:
        channel: The name of the channel.
        recordings: The recordings that may declare it; a channel that none of them recorded has no title.
    """
    declared = (one.metadata.channels[channel].title for one in recordings if channel in one)
    return next(declared, "") or channels.plain(channel)


def title(recordings: Sequence[Recording]) -> str:
    """The title that the scenario gives; else what made the picture."""
    titles = dict.fromkeys(recording.metadata.title for recording in recordings)
    return ", ".join(titles) if all(titles) else made(recordings)


def made(recordings: Sequence[Recording]) -> str:
    """What made the picture: the scenario, and those given options on which all recordings agree."""
    scenarios = [recording.metadata.scenario for recording in recordings]
    names = dict.fromkeys(_stem(scenario.name) for scenario in scenarios)
    shared = _shared([scenario.given for scenario in scenarios])
    return " · ".join([", ".join(names), *(option(key, value) for key, value in shared.items())])


def what(recordings: Sequence[Recording]) -> tuple[Readout, ...]:
    """Beside a title that a scenario gives: what its options mean, as far as all recordings agree."""
    if not all(recording.metadata.title for recording in recordings):
        return ()
    words = filter(None, _shared([_scenario_words(recording) for recording in recordings]).values())
    labels = {_unnumbered(recording.label, [one.label for one in recordings]) for recording in recordings}
    unsaid = [label for label in labels if not any(label in name for name in names(recordings))]
    return tuple(Readout(text, "muted") for text in [", ".join([*words, *unsaid])] if text)


def names(recordings: Sequence[Recording]) -> tuple[str, ...]:
    """A name for each recording: its label, and what distinguishes it from others with the same label.

    If a run has an optimizer twice, as `sgd` and `sgd-2`, their differences replace the number. Words for options of
    the scenario or for schedules name recordings of one optimizer alone: `He` and `Xavier`. Equal recordings of
    several runs are told apart by the folders of the runs.
    """
    given = [recording.label for recording in recordings]
    labels = [_unnumbered(label, given) for label in given]
    if len(set(labels)) == len(labels):
        return tuple(given)
    rates = [_given(recording) for recording in recordings]
    differences: list[Sequence[Mapping[str, str]]] = [
        [{"": _stem(recording.metadata.scenario.name)} for recording in recordings],
        [_scenario_words(recording) for recording in recordings],
        in_words(rates) or [{key: option(key, value) for key, value in tree.items()} for tree in rates],
        [{"": seeds(recording)} for recording in recordings],
    ]
    worded = all(recording.metadata.what for recording in recordings), in_words(rates) is not None
    for trees, alone in zip(differences, (False, *worded, False), strict=True):
        shared = _shared(trees)
        extras = [[text for key, text in tree.items() if key not in shared and text] for tree in trees]
        if alone and len(set(labels)) == 1 and len({", ".join(extra) for extra in extras if extra}) == len(labels):
            return tuple(", ".join(extra) for extra in extras)
        labels = [" ".join([label, *extra]).strip() for label, extra in zip(labels, extras, strict=True)]
        if len(set(labels)) == len(labels):
            return _without_optimizer(labels, given) if trees is differences[1] and worded[0] else tuple(labels)
    if len(set(given)) == len(given):
        return tuple(given)
    folders = [recording.folder.parent.name for recording in recordings]
    placed = [f"{label} in {folder}" for label, folder in zip(labels, folders, strict=True)]
    if len(set(placed)) == len(placed):
        return tuple(name if labels.count(label) > 1 else label for name, label in zip(placed, labels, strict=True))
    return tuple(f"{label} #{index + 1}" for index, label in enumerate(labels))


def _without_optimizer(labels: Sequence[str], given: Sequence[str]) -> tuple[str, ...]:
    """Names by what tells scenarios apart, without the optimizer where it is the same for all."""
    optimizers = {_unnumbered(label, given) for label in given}
    prefix = f"{optimizers.pop()} " if len(optimizers) == 1 else ""
    return tuple(label.removeprefix(prefix) for label in labels)


def _scenario_words(recording: Recording) -> dict[str, str]:
    """The options of a scenario in words: the scenario's own, else those that were given."""
    metadata = recording.metadata
    given = {key: option(key, value) for key, value in metadata.scenario.given.items()}
    return {**given, **metadata.what}


@frozen
class Tag(Readout):
    """What distinguishes a recording from the others of a view: an empty readout in its colour and with its name.

    Attributes:
        dash: The dash of its lines; recordings of one colour have different ones.
    """

    dash: Dash = "solid"


def tags(recordings: Sequence[Recording]) -> tuple[Tag, ...]:
    """A tag for each recording, with a name if there are several."""
    several = names(recordings) if len(recordings) > 1 else ("",)
    dashes = (DASHES[index // COLORS % len(DASHES)] for index in range(len(recordings)))
    return tuple(
        Tag("", color, name, dash=dash) for color, name, dash in zip(colors(recordings), several, dashes, strict=True)
    )


def colors(recordings: Sequence[Recording]) -> tuple[str, ...]:
    """The colour of each recording: of an ordered scale if one optimizer has three or more values of one number."""
    values = _numbers_apart([_setting(recording) for recording in recordings])
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


def _numbers_apart(settings: Sequence[dict[str, Any]]) -> list[float | None]:
    """The values of the one number in which all settings differ; None where they differ in anything else."""
    first = settings[0] if settings else {}
    apart = {key for other in settings for key in {**first, **other} if first.get(key) != other.get(key)}
    if len(apart) != 1:
        return [None] * len(settings)
    (key,) = apart
    values = [setting.get(key) for setting in settings]
    return [float(one) if isinstance(one, int | float) and not isinstance(one, bool) else None for one in values]


def _setting(recording: Recording) -> dict[str, Any]:
    """All that is the same in all lanes of a recording."""
    metadata = recording.metadata
    rules = {name: rule.value for name, rule in metadata.hyperparameters.items()}
    lanes = {repr(sorted(lane.hyperparameters.items())) for lane in metadata.lanes}
    task = {f"scenario {key}": str(value) for key, value in metadata.scenario.options.items()}
    apart = {"": " ".join([metadata.scenario.name, metadata.optimizer.title, *(lanes if len(lanes) > 1 else ())])}
    return {**rules, **metadata.lanes[0].hyperparameters, **task, **apart}


def with_seed(title: str, recording: Recording, lane: int) -> str:
    """The title of a panel that shows one lane, with its seed if there are several."""
    return f"{title}, seed {recording.seeds[lane]}" if len(recording.seeds) > 1 else title


def chosen(recordings: Sequence[Recording], lane: int) -> tuple[str, ...]:
    """That one of several lanes is shown, and which."""
    some = [recording for recording in recordings if len(recording.seeds) > 1]
    seeds = dict.fromkeys(recording.seeds[lane] for recording in some)
    return tuple(f"shown: seed {seed} of {len(some[0].seeds)}" for seed in seeds)


def lanes(count: int, of: int = 0) -> str:
    """A number of lanes in the words of pictures, and the total if it is larger.

    >>> lanes(1), lanes(8), lanes(16, of=20)
    ('1 run', '8 runs', '16 of 20 runs')
    """
    if count < of:
        return f"{significant(count, 9)} of {significant(of, 9)} runs"
    return f"{significant(count, 9)} run{'s' if count != 1 else ''}"


def _unnumbered(label: str, among: Sequence[str]) -> str:
    base, _, number = label.rpartition("-")
    return base if number.isdecimal() and base in among else label


def readouts(recordings: Sequence[Recording]) -> tuple[Readout, ...]:
    """Each recording with its given hyperparameters, in its colour, then those that all were given, and the seeds.

    How an optimizer treats unsupported shapes is added to its name if that applies to all parameters, else at the end.

    If lanes differ: `adamw lr 1e-4 to 1 (25 values), seeds 0 to 7`.
    """
    seeded = {seeds(recording) for recording in recordings}
    rates = in_words([_given(recording) for recording in recordings]) if len(recordings) > 1 else None
    common = _shared([_given(recording) for recording in recordings]) if len(recordings) > 1 else {}
    readouts, notes = [], []
    for recording, name, color in zip(recordings, names(recordings), colors(recordings), strict=True):
        apart = {key: value for key, value in _given(recording).items() if key not in common}
        given = [option(key, value) for key, value in apart.items() if rates is None or key != "lr"]
        own = [seeds(recording)] if len(seeded) > 1 else []
        text = " ".join([name, *(extra for extra in given + own if extra not in name)])
        fallback, fallbacks = recording.metadata.fallback, recording.metadata.fallbacks
        if len(fallbacks) == len(recording.metadata.parameters) and fallback:
            text = f"{text}, {fallback}"
        elif fallback:
            notes.append(Readout(f"{name}: {fallback}", "muted"))
        readouts.append(Readout(text, color))
    all_have = [option(key, value) for key, value in common.items()]
    all_have += seeded if len(seeded) == 1 else ()
    if all_have:
        readouts.append(Readout(", ".join(all_have), "muted"))
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
