"""How recordings end, in sentences: the accuracy that they come to, and the well that they come to rest in."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dynviz.charts import caption, limits
from dynviz.charts.ground import facts_of
from dynviz.charts.limits import finite
from dynviz.charts.numbers import significant
from dynviz.charts.samples import has
from dynviz.charts.swings import swing
from dynviz.errors import DynvizError
from dynviz.film import Sentence
from dynviz.recording import Recording
from dynviz.scene.marks import Axis

ACCURACIES = ("val_accuracy", "test_accuracy")
"""Shares of unseen data that are answered correctly."""
NAMED = 3
"""Of more recordings only the best and the worst are named."""
MOST_DIGITS = 7
"""Of an accuracy that is nearly one."""


def joined(words: Sequence[str]) -> str:
    """Words as a sentence lists them.

    >>> joined(["adam"]), joined(["adam", "sgd", "lion"])
    ('adam', 'adam, sgd and lion')
    """
    *others, last = words
    return f"{', '.join(others)} and {last}" if others else last


def accuracies(recordings: Sequence[Recording], names: Sequence[str]) -> list[Sentence]:
    """The accuracy on unseen data that single lanes end at; nothing where one of them has none."""
    channel = next((name for name in ACCURACIES if all(has(recording, name) for recording in recordings)), "")
    if not channel or any(len(recording.seeds) > 1 for recording in recordings):
        return []
    values = [
        recording[channel][:, 0].astype(np.float64).reshape(len(recording[channel]), -1) for recording in recordings
    ]
    if not all(finite(one[-1]).all() for one in values):
        return []
    # As curves are drawn: where an accuracy swings, its mean.
    y = limits.axis(values, most=min(one.metadata.channels[channel].bounds[1] for one in recordings))
    ends = [_end(one[:, 0], y) for one in values]
    step = max(int(recording.steps(channel)[-1]) for recording in recordings)
    return [Sentence(step, _accuracy(caption.words(channel, recordings[0]), ends, names))]


def _end(values: NDArray[np.float64], y: Axis) -> float:
    found = swing(values, y, len(values))
    return float(values[-1] if found is None else found.middle[-1])


def _accuracy(what: str, ends: Sequence[float], names: Sequence[str]) -> str:
    """The accuracies in words, the highest first.

    >>> _accuracy("test accuracy", [0.857], ["adamw"])
    'The test accuracy ends at 85.7 %.'
    >>> _accuracy("test accuracy", [0.7, 0.96], ["Xavier", "He"])
    'The test accuracy ends at 96 % for He and 70 % for Xavier.'
    """
    order = sorted(range(len(ends)), key=lambda place: -ends[place])
    texts = [f"{significant(100 * ends[place], _digits(ends))} %" for place in order]
    if len(ends) == 1:
        return f"The {what} ends at {texts[0]}."
    told = [f"{text} for {names[place]}" for text, place in zip(texts, order, strict=True)]
    if len(told) > NAMED:
        return f"The {what} ends between {texts[-1]} ({names[order[-1]]}) and {texts[0]} ({names[order[0]]})."
    return f"The {what} ends at {joined(told)}."


def _digits(ends: Sequence[float]) -> int:
    """As many digits as tell the accuracies apart, three or four; more where errors are too few to show in these.

    >>> _digits([0.857]), _digits([0.8571, 0.8572]), _digits([0.99962])
    (3, 4, 4)
    """
    digits = 3 if len({significant(100 * end) for end in ends}) == len(set(ends)) else 4
    while digits < MOST_DIGITS and any(end < 1 and significant(100 * end, digits) == "100" for end in ends):
        digits += 1
    return digits


def spans(what: str, values: Sequence[NDArray[np.float64]], names: Sequence[str], last: int) -> list[Sentence]:
    """Between which values a loss lies where it is drawn, for each recording; nothing where one is nowhere finite.

    It is said at the start and, after what else is said, at the last step.

    >>> [one.text for one in spans("loss on the plane", [np.array([0.5, 2.3])], [""], last=9)][0]
    'Loss on the plane: 0.5 to 2.3.'
    """
    texts = []
    for loss, name in zip(values, names, strict=True):
        known = loss[finite(loss)]
        if not known.size:
            return []
        low, high = (significant(float(end), 2) for end in (known.min(), known.max()))
        texts.append(f"{low} to {high}{f' ({name})' if name else ''}")
    text = f"{what[:1].upper()}{what[1:]}: {', '.join(texts)}."
    return [Sentence(step, text) for step in (0, last)]


def wells(recordings: Sequence[Recording], names: Sequence[str]) -> list[Sentence]:
    """Of functions of one variable: who ends in the well of the lowest place, or how many of the lanes do."""
    told: list[tuple[str, NDArray[np.bool_]]] = []
    last = 0
    for recording, name in zip(recordings, names, strict=True):
        inside = _in_lowest(recording)
        if inside is None:
            return []
        told.append((name, inside))
        last = max(last, int(recording.steps("position")[-1]))
    if any(len(inside) > 1 for _, inside in told):
        of = [f" of {name}" if len(told) > 1 else "" for name, _ in told]
        many = [f"{inside.sum()} of {len(inside)} runs{more}" for more, (_, inside) in zip(of, told, strict=True)]
        return [Sentence(last, f"{joined(many)} end in the lowest well.")]
    parts = []
    for there, where in ((True, "in the lowest well"), (False, "outside the lowest well")):
        some = [name for name, inside in told if bool(inside[0]) == there]
        if some:
            parts.append(f"{joined(some)} {'ends' if len(some) == 1 else 'end'} {where}")
    return [Sentence(last, f"{', '.join(parts)}.")]


def _in_lowest(recording: Recording) -> NDArray[np.bool_] | None:
    """Which lanes end between the tops beside the lowest place; None where that cannot be told or is all there is."""
    if not has(recording, "position") or not has(recording, "landscape"):
        return None
    ends, heights = recording["position"][-1], recording["landscape"][0, 0].astype(np.float64)
    if ends.shape[1:] != (1,) or heights.ndim != 1 or not finite(heights).all():
        return None
    try:
        left, right = facts_of(recording).ends(2)
    except (DynvizError, ValueError):
        return None
    tops = np.flatnonzero((heights[1:-1] > heights[:-2]) & (heights[1:-1] >= heights[2:])) + 1
    if not len(tops):
        return None
    places, lowest = np.linspace(left, right, len(heights)), int(heights.argmin())
    low = max((places[top] for top in tops if top < lowest), default=left)
    high = min((places[top] for top in tops if top > lowest), default=right)
    at = ends[:, 0].astype(np.float64)
    with np.errstate(invalid="ignore"):
        return np.asarray((at > low) & (at < high))
