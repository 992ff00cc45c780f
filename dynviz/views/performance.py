"""Performance profiles as they stand at each step, of the trials of a score."""

import functools
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynviz.charts import caption
from dynviz.charts.arrivals import first_at, usual_goal
from dynviz.charts.moving import step_axis
from dynviz.charts.profiles import area, profile, ratios_of
from dynviz.charts.samples import index_at, need
from dynviz.errors import DynvizError
from dynviz.film import Film
from dynviz.frozen import frozen
from dynviz.recording import Recording
from dynviz.scene.decimate import evenly
from dynviz.scene.marks import Axis, Dash, Line, Panel, Readout, Scene

Array: TypeAlias = NDArray[Any]
Goal: TypeAlias = tuple[str, float]
"""A channel, and the value to reach."""

MOST = 6
"""Optimizers in a picture; of more, those that end best."""
STEPS = 200
"""At so many steps the picture changes, beside those at which a task is solved."""
DASHES: tuple[Dash, ...] = ("solid", "dashed", "dotted")


@frozen
class Solved:
    """How long optimizers take to the targets of tasks.

    Attributes:
        names: The optimizers.
        times: The median over studies of the fastest trial [optimizers, tasks]; infinite where it is missed.
        known: The step from which on that is known, likewise.
        tau: The largest ratio to the fastest that counts.
    """

    names: tuple[str, ...]
    times: Array
    known: Array
    tau: float

    def ratios(self, step: float) -> Array:
        """The ratios to the fastest, of the times that are known at a step; infinite where one is not yet."""
        return np.where(self.known <= step, ratios_of(self.times), np.inf)

    def best(self, most: int) -> "Solved":
        """The optimizers that end best, the best first."""
        order = np.argsort(-area(ratios_of(self.times), self.tau), kind="stable")[:most]
        return Solved(tuple(self.names[row] for row in order), self.times[order], self.known[order], self.tau)


def view(recordings: Sequence[Recording], *, targets: tuple[str, ...] | str = "", tau: float = 4.0) -> Film:
    """The share of tasks that each optimizer has solved within a factor tau of the fastest, as far as it is known.

    `dynviz play FOLDER/*/trials --view "performance:targets=loss=0.01"` opens a folder of `dynviz score`. Lanes of one
    seed are a study, of which the fastest counts; the time is the median over studies, in steps. The other panel is the
    share of tasks solved by each step. A score of external tuning ends at the same profiles.

    Args:
        recordings: The trials of all tasks; each scenario is a task.
        targets: CHANNEL=VALUE for all tasks, or for each in their order: '(loss=0.01,val_loss=0.5)'; by default the
            loss at which half of the trials of the best optimizer end.
        tau: The largest ratio to the fastest that is drawn.
    """
    need("performance", recordings, "loss")
    if not 1 < tau <= 1000:
        raise DynvizError(f"tau={tau:g} is no largest ratio to the fastest; write one above 1, to 1000")
    tasks = _tasks(recordings)
    everyone = _solved(tasks, _goals(targets, tasks), tau)
    solved = everyone.best(MOST)
    last = max(int(recording.steps("loss")[-1]) for recording in recordings)
    moments = np.unique(solved.known[np.isfinite(solved.known)]).astype(np.int64)
    steps = np.unique(np.concatenate([evenly(last + 1, STEPS), moments]))
    x, y = Axis((1.0, tau), label="steps, divided by those of the fastest"), Axis((0.0, 1.04))
    left_out = f", the best {MOST} of {len(everyone.names)}" if len(everyone.names) > MOST else ""
    shares = [(solved.known[row][None, :] <= steps[:, None]).mean(axis=1) for row in range(len(solved.names))]
    growing = [Line(steps, share, caption.color(row), dash=_dash(row), now=0) for row, share in enumerate(shares)]
    lanes = sum(len(recording.seeds) for recording in recordings)
    before = (
        Readout(f"{lanes} trials, best of each seed, median over seeds", "muted"),
        *(Readout(name, caption.color(row)) for row, name in enumerate(solved.names)),
    )
    count = "One small task" if len(tasks) == 1 else f"{len(tasks)} small tasks"
    title = f"{count} of dynviz, not AlgoPerf's workloads"
    total, axis = max(recording.total for recording in recordings), step_axis(recordings)

    @functools.lru_cache(maxsize=2)
    def profiles(known: int) -> Panel:
        ratios = solved.ratios(float(moments[known - 1]) if known else -1.0)
        areas = area(ratios, tau)
        stairs = [_stairs(row, solved.names[row], ratios[row], tau) for row in range(len(solved.names))]
        readouts = tuple(Readout(f"{areas[row]:.2f}", caption.color(row)) for row in range(len(areas)))
        return Panel(f"share of tasks solved within a factor{left_out}", x, y, tuple(stairs), readouts)

    def scene(step: int) -> Scene:
        known = int(np.searchsorted(moments, steps[index_at(steps, step)], side="right"))
        solving = Panel("share of tasks solved", axis, y, tuple(line.at(step) for line in growing))
        return Scene(title, (profiles(known), solving), step, total, before)

    return Film(steps, scene)


def _dash(row: int) -> Dash:
    return DASHES[row % len(DASHES)]


def _stairs(row: int, name: str, ratios: Array, tau: float) -> Line:
    rises, heights = profile(ratios.tolist(), tau)
    x, y = np.repeat(rises, 2)[1:], np.repeat(heights, 2)[:-1]
    return Line(x, y, caption.color(row), name, dash=_dash(row), width=1.6, dot=False)


def _tasks(recordings: Sequence[Recording]) -> dict[str, list[Recording]]:
    """The recordings of each scenario with its options."""
    tasks: dict[str, list[Recording]] = {}
    for recording in recordings:
        tasks.setdefault(caption.made([recording]), []).append(recording)
    return tasks


def _goals(targets: tuple[str, ...] | str, tasks: dict[str, list[Recording]]) -> list[Goal]:
    """The target of each task.

    Raises:
        DynvizError: One is not understood, or there are neither one nor as many as tasks.
    """
    asked = targets.split(",") if isinstance(targets, str) else targets
    texts = [text.strip() for text in asked if text.strip()]
    if not texts:
        grouped = ([[one for one in own if one.label == name] for name in _names(own)] for own in tasks.values())
        return [("loss", usual_goal(optimizers, "loss", higher=False)) for optimizers in grouped]
    goals = []
    for text in texts:
        channel, _, value = text.partition("=")
        try:
            goals.append((channel, float(value)))
        except ValueError:
            raise DynvizError(f"{text!r} is not a target; write CHANNEL=VALUE, for example loss=0.01") from None
    if len(goals) not in (1, len(tasks)):
        raise DynvizError(f"{len(goals)} targets for {len(tasks)} tasks; write one, or one for each in their order")
    return goals * len(tasks) if len(goals) == 1 else goals


def _names(recordings: Sequence[Recording]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(recording.label for recording in recordings))


def _solved(tasks: dict[str, list[Recording]], goals: Sequence[Goal], tau: float) -> Solved:
    names = _names([one for recordings in tasks.values() for one in recordings])
    times, known = np.full((2, len(names), len(tasks)), np.inf)
    for column, (recordings, (channel, value)) in enumerate(zip(tasks.values(), goals, strict=True)):
        need("performance", recordings, channel)
        for row, name in enumerate(names):
            studies: dict[int, float] = {}
            for recording in (one for one in recordings if one.label == name):
                info = recording.metadata.channels[channel]
                if info.shape:
                    raise DynvizError(f"channel {channel!r} does not hold one number per lane, and has no target")
                first = first_at(recording, channel, value, higher=info.better == "higher")
                for seed, step in zip(recording.seeds, first.tolist(), strict=True):
                    studies[seed] = min(step, studies.get(seed, np.inf))
            if studies:
                ordered = np.sort(list(studies.values()))
                times[row, column] = float(np.median(ordered))
                # The median is known when the later of the two in the middle is.
                known[row, column] = ordered[len(ordered) // 2]
    return Solved(names, times, known, tau)
