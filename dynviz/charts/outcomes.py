"""What happened, in sentences: rules on what is recorded, none of which says more than the numbers do."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from dynviz.charts import caption, trend
from dynviz.charts.endings import accuracies, wells
from dynviz.charts.ground import FunctionFacts
from dynviz.charts.limits import finite
from dynviz.charts.numbers import significant
from dynviz.charts.samples import has
from dynviz.errors import DynvizError
from dynviz.film import Sentence
from dynviz.recording import Recording

NEAR = 0.01
"""Within what distance of an optimum a lane has arrived, as a share of the plane's diagonal."""
STILL, REST, BEHIND = 0.02, 0.3, 3.0
"""A loss is stuck that moves by less than this share of itself over so much of the run, so many times the best one."""
PORTION = 1 << 22
"""So many losses are looked at together."""
LOSSES = ("full_loss", "excess_loss", "val_loss", "test_loss", "train_loss", "loss")
"""Losses that say where a run has come to, the best first."""
LASTING = 0.1
"""A passing counts that stays for this share of the run."""


def outcomes(recordings: Sequence[Recording]) -> tuple[Sentence, ...]:
    """The sentences of a film, by the step from which each is true; none of a run that still trains."""
    if len(recordings) < 1 or any(recording.live for recording in recordings):
        return ()
    names = [tag.name or recording.label for tag, recording in zip(caption.tags(recordings), recordings, strict=True)]
    told = [*_leaving(recordings, names), *_arriving(recordings, names), *_losses(recordings, names)]
    told += [*accuracies(recordings, names), *wells(recordings, names)]
    return tuple(sorted(told, key=lambda outcome: outcome.step))


def _leaving(recordings: Sequence[Recording], names: Sequence[str]) -> list[Sentence]:
    """Who diverged, and when."""
    told = []
    for recording, name in zip(recordings, names, strict=True):
        if not has(recording, "loss"):
            continue
        losses = recording["loss"]
        ended = ~finite(losses[-1])
        if not ended.any():
            continue
        since = _lost_since(losses, np.flatnonzero(ended))
        steps = recording.steps("loss")[np.minimum(since, len(losses) - 1)]
        lanes, count = len(ended), int(ended.sum())
        many = "" if lanes == 1 else f"{count} of {lanes} runs of " if count < lanes else f"All {lanes} runs of "
        first = "" if count == 1 else ", the first"
        told.append(
            Sentence(int(steps.min()), f"{many}{name} diverged{first} at step {significant(int(steps.min()), 9)}.")
        )
    return told


def _lost_since(losses: NDArray[np.floating], lanes: NDArray[np.intp]) -> NDArray[np.int64]:
    """The first sample from which each of these lanes stays without a finite loss, read from the end in portions."""
    since = np.zeros(len(lanes), dtype=np.int64)
    many = max(1, PORTION // losses.shape[1])
    stop = len(losses)
    waiting = np.arange(len(lanes))
    while stop and len(waiting):
        start = max(stop - many, 0)
        good = finite(np.asarray(losses[start:stop])[:, lanes[waiting]])
        there = good.any(axis=0)
        since[waiting[there]] = stop - good[::-1, there].argmax(axis=0)
        waiting, stop = waiting[~there], start
    return since


def _arriving(recordings: Sequence[Recording], names: Sequence[str]) -> list[Sentence]:
    """Who came to a known minimum first and stayed there, and whether it was the only one."""
    arrivals: list[tuple[int, str]] = []
    arrived = recordings[0]
    for recording, name in zip(recordings, names, strict=True):
        step = _arrival(recording)
        if step is None:
            return []
        if step >= 0:
            arrivals.append((step, name))
            arrived = recording
    if not arrivals or len(recordings) < 2:
        return []
    step, name = min(arrivals)
    last = max(int(recording.recorded) for recording in recordings)
    if len(arrivals) == 1:
        told = [Sentence(step, f"{name} arrives at step {significant(step, 9)}.")]
        # In a flat valley the loss may be smaller farther from the minimum.
        alone = min(map(_last_loss, recordings)) == _last_loss(arrived)
        return [*told, Sentence(last, f"Only {name} has arrived.")] if alone else told
    if sum(other == step for other, _ in arrivals) > 1:
        return []
    return [Sentence(step, f"{name} arrives first, at step {significant(step, 9)}.")]


def _last_loss(recording: Recording) -> float:
    """The last loss of a lone lane; infinite if there is none."""
    loss = float(recording["loss"][-1, 0]) if has(recording, "loss") else np.inf
    return loss if np.isfinite(loss) else np.inf


def _arrival(recording: Recording) -> int | None:
    """The step from which the lane of a recording stays near a minimum, -1 for never; None where it cannot be told."""
    if not has(recording, "position") or recording["position"].shape[1:] != (1, 2):
        return None
    try:
        facts = recording.facts_as(FunctionFacts)
        optima, (left, right, bottom, top) = facts.optima(2), facts.ends(4)
    except (DynvizError, ValueError):
        return None
    if not len(optima):
        return None
    places = recording["position"][:, 0].astype(np.float64)
    far = np.hypot(*np.moveaxis(places[:, None] - optima, -1, 0)).min(axis=1)
    with np.errstate(invalid="ignore"):
        near = far < NEAR * float(np.hypot(right - left, top - bottom))
    if not near[-1]:
        return -1
    away = np.flatnonzero(~near)
    return int(recording.steps("position")[away[-1] + 1 if len(away) else 0])


def _losses(recordings: Sequence[Recording], names: Sequence[str]) -> list[Sentence]:
    """Who is stuck and who passed whom; of several seeds only whether there is a difference beyond their spread."""
    if len(recordings) < 2 or not all(has(recording, "loss") for recording in recordings):
        return []
    steps = recordings[0].steps("loss")
    if any(not np.array_equal(recording.steps("loss"), steps) for recording in recordings[1:]) or len(steps) < 10:
        return []
    last = int(steps[-1])
    if any(len(recording.seeds) > 1 for recording in recordings):
        return _spread(recordings, last)
    losses = [recording["loss"][:, 0].astype(np.float64) for recording in recordings]
    if any(trend.rough(loss, 40) for loss in losses):
        return []
    told = []
    ends = [loss[-1] if finite(loss[-1:]).all() else np.inf for loss in losses]
    best = min(ends)
    for loss, name in zip(losses, names, strict=True):
        since = _still_since(loss)
        if since is not None and 0 < BEHIND * max(best, 0.0) < loss[-1]:
            where = f"at a loss of {significant(float(loss[-1]), 2)}"
            told.append(
                Sentence(
                    int(steps[since]), f"{name} has been stuck {where} since step {significant(int(steps[since]), 9)}."
                )
            )
    order = np.argsort(ends, kind="stable")
    for first, second in pairwise(order[:2].tolist()):
        at = _passing(losses[first], losses[second])
        if at is not None:
            told.append(
                Sentence(
                    int(steps[at]), f"{names[first]} passes {names[second]} at step {significant(int(steps[at]), 9)}."
                )
            )
    return told


def _still_since(loss: NDArray[np.float64]) -> int | None:
    """The first sample from which a loss moves no more; none where it moved in the last part of the run."""
    if not finite(loss).all() or loss[-1] <= 0:
        return None
    moved = np.flatnonzero(np.abs(loss - loss[-1]) > STILL * loss[-1])
    since = int(moved[-1]) + 1 if len(moved) else 0
    return since if since <= (1 - REST) * len(loss) else None


def _passing(first: NDArray[np.float64], second: NDArray[np.float64]) -> int | None:
    """The sample from which the first loss stays below the second after it was above it for a while."""
    if not (finite(first).all() and finite(second).all()):
        return None
    above = np.flatnonzero(first >= second)
    if not len(above):
        return None
    at, least = int(above[-1]) + 1, max(2, int(LASTING * len(first)))
    lasting = (
        len(first) - at >= least and at >= least and bool((first[at - least : at] > second[at - least : at]).all())
    )
    return at if lasting else None


def _spread(recordings: Sequence[Recording], last: int) -> list[Sentence]:
    """Whether the middle halves of all recordings' last losses have a value in common."""
    # The loss of a batch says little about where a run has come to.
    name = next(name for name in LOSSES if all(has(recording, name) for recording in recordings))
    middles = [trend.middle(recording[name][-1:], "lower")[:, 0] for recording in recordings]
    if any(len(recording.seeds) < 3 for recording in recordings) or not np.isfinite(middles).all():
        return []
    low, high = max(middle[0] for middle in middles), min(middle[2] for middle in middles)
    words = caption.words(name, recordings[0])
    return [Sentence(last, f"No difference in the last {words} beyond the spread of the seeds.")] if low <= high else []
