"""The loss on a line or a plane through recorded parameters, and how faithfully that shows the trajectory."""

import functools
from collections.abc import Sequence
from typing import Any, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from dynviz.charts.samples import index_at
from dynviz.errors import DynvizError
from dynviz.frozen import frozen
from dynviz.plugins.trust import Trusted
from dynviz.projection import directions as ways
from dynviz.projection.asked import asked
from dynviz.projection.directions import Kind
from dynviz.projection.evaluate import Losses, Progress, losses, suggested, task_of
from dynviz.projection.own_loss import LossFunction
from dynviz.projection.statistics import joined, statistics_of
from dynviz.recording import Recording
from dynviz.recording.projections import About, Projection, Trajectory
from dynviz.scene.decimate import evenly
from dynviz.text import quoted
from dynviz.training import devices

Array: TypeAlias = NDArray[np.float64]

SAMPLES = 200
"""So many samples of a trajectory are projected."""
AT_ONCE = 1 << 22
"""So many numbers of parameters are read at once."""
PARAMETERS = "parameters"
_Plane: TypeAlias = tuple[Array, Array, NDArray[Any]]
"""A point, directions [dimensions, numbers] through it, and the buffers of the network there."""


@frozen
class Wish:
    """What to project.

    Attributes:
        directions: Random directions, `filter`-normalised or `gaussian`; principal components of the trajectory
            (`pca`); or directions to other networks (`between`).
        dimensions: 1 for a line, 2 for a plane.
        grid: Number of points along each direction.
        extent: How far the line or plane reaches. For random directions, in multiples of the parameters' norm, by
            default 1; otherwise beyond the trajectory or the other networks, as a fraction of their extent, by default
            0.3.
        at: The step whose parameters the line or plane goes through; None for the last.
        losses: Names of the losses; empty for those that the scenario suggests.
        lane: Lane whose parameters are used.
        seed: Seed of random directions.
        batches: Number of training batches over which `loss` is averaged.
        memory: Bytes for intermediate values; 0 for the default.
        device: `auto`, `cpu`, `cuda` or `cuda:N`.
        trust: The user's own code that may run, see `dynviz.plugins.trust`.
        function: The loss, for recordings of a script's own loop: a function of the parameters by name, or the path of
            a file that binds one as `loss`.
    """

    directions: Kind = "filter"
    dimensions: int = 2
    grid: int = 51
    extent: float | None = None
    at: int | None = None
    losses: tuple[str, ...] = ()
    lane: int = 0
    seed: int = 0
    batches: int = 1
    memory: int = 0
    device: str = "auto"
    trust: Trusted = ()
    function: str | LossFunction | None = None

    def __post_init__(self) -> None:
        if self.directions not in get_args(Kind):
            raise DynvizError(f"no directions named {self.directions!r}; there are {', '.join(get_args(Kind))}")
        if self.dimensions not in (1, 2):
            raise DynvizError(f"a projection has 1 dimension (a line) or 2 (a plane), not {self.dimensions}")
        if not 2 <= self.grid <= 1001:
            raise DynvizError(f"a grid of {self.grid} points cannot be evaluated; write a whole number from 2 to 1001")
        if self.extent is not None and not 0 < self.extent < 1e6:
            raise DynvizError(f"an extent of {self.extent} is not a size; write a number above 0")


@devices.reproducible()
def project(
    recording: Recording, wish: Wish, goals: Sequence[Recording] = (), progress: Progress | None = None
) -> Projection:
    """Evaluate the loss on a line or a plane through a recording's parameters.

    Args:
        recording: With the channel `parameters`.
        wish: What to project.
        goals: The networks to which directions `between` lead, one for a line and two for a plane, each at its last
            step. Their trajectories are projected too.
        progress: Called with the number of points that are done.

    Raises:
        DynvizError: Parameters are not recorded, the networks differ, or the projection is impossible.
    """
    rows = rows_of(recording, wish.lane)
    last = int(recording.steps(PARAMETERS)[-1])
    index = index_at(recording.steps(PARAMETERS), last if wish.at is None else wish.at)
    base = rows[index].astype(np.float64)
    if not np.isfinite(base).all():
        raise DynvizError(
            f"recording {quoted(recording.label)} diverged before step {_step(recording, index)}; "
            "choose an earlier --at"
        )
    others = [rows_of(goal, 0, rows.shape[1]) for goal in goals]
    for goal, moved in zip(goals, others, strict=True):
        if not np.isfinite(moved[-1]).all():
            raise DynvizError(
                f"recording {quoted(goal.label)}, which --to names, diverged: there is no direction to its end"
            )
    directions = _directions(recording, wish, base, rows, others)
    again = functools.partial(task_of, recording, wish.lane, wish.trust, wish.function)
    measured = losses(again(), wish.losses or suggested(recording), wish.batches, wish.device, again)
    trajectories = [(recording, rows), *zip(goals, others, strict=True)]
    kept = [_kept(one, moved, index if one is recording else -1) for one, moved in trajectories]
    axes = tuple(_axes(wish, [_place(moved - base, directions)[0] for _, moved in kept]))
    total = int(np.prod([len(axis) for axis in axes])) + 2 * sum(len(steps) for steps, _ in kept)
    tally = _Tally(progress, total)
    lanes = [wish.lane, *(0 for _ in goals)]
    buffers = [
        statistics_of(one, lane, measured, steps)
        for (one, _), lane, (steps, _) in zip(trajectories, lanes, kept, strict=True)
    ]
    (here,) = statistics_of(recording, wish.lane, measured, recording.steps(PARAMETERS)[[index]])
    plane = base, directions, here
    paths = tuple(
        _path(steps, joined(moved, own), plane, (measured, wish, tally))
        for (steps, moved), own in zip(kept, buffers, strict=True)
    )
    values = _grid(axes, plane, (measured, wish, tally))
    names = tuple(f"{one.label} seed {one.seeds[wish.lane if one is recording else 0]}" for one, _ in trajectories)
    lengths = np.linalg.norm(directions, axis=1)
    cosine = float(directions[0] @ directions[-1] / (lengths[0] * lengths[-1])) if len(directions) == 2 else 0.0
    lane = number(recording, wish.lane)
    about = About(
        wish.directions,
        _step(recording, index),
        wish.seed,
        lane,
        measured.names,
        names,
        names[1:],
        asked=asked(wish, lane) if not any(goal.chosen for goal in goals) else {},
        towards=tuple(str(goal.folder.absolute()) for goal in goals),
    )
    return Projection(about, axes, values, paths, tuple(map(float, lengths)), cosine)


class _Tally:
    """Counts the points of several evaluations together."""

    def __init__(self, progress: Progress | None, total: int) -> None:
        self._progress, self._total, self._before = progress, total, 0

    def __call__(self, done: int, count: int) -> None:
        if self._progress:
            self._progress(self._before + done, self._total)
        if done == count:
            self._before += count


def rows_of(recording: Recording, lane: int, numbers: int | None = None) -> NDArray[Any]:
    """The parameters of a lane [samples, numbers]."""
    if PARAMETERS not in recording or not len(recording[PARAMETERS]):
        raise DynvizError(
            f"recording {quoted(recording.label)} has no channel 'parameters', which projections are computed from; "
            "train again with --record parameters, or --record parameters:every=N"
        )
    if not 0 <= lane < len(recording.seeds):
        raise DynvizError(
            f"no lane {lane} in recording {quoted(recording.label)}; it has lanes 0 to {len(recording.seeds) - 1}"
        )
    rows = recording[PARAMETERS][:, lane]
    if numbers is not None and rows.shape[1] != numbers:
        raise DynvizError(
            f"recording {quoted(recording.label)} has {rows.shape[1]} parameters, the one that is projected {numbers}; "
            "only networks of one architecture have directions between them"
        )
    return rows


def number(recording: Recording, lane: int) -> int:
    """The index of a lane among all lanes of a recording, if only some are selected."""
    return lane if recording.chosen is None else recording.chosen[lane]


def _step(recording: Recording, index: int) -> int:
    return int(recording.steps(PARAMETERS)[index])


def _directions(
    recording: Recording, wish: Wish, base: Array, rows: NDArray[Any], others: Sequence[NDArray[Any]]
) -> Array:
    """[dimensions, numbers]."""
    if (wish.directions == "between") != bool(others):
        raise DynvizError(
            "directions between networks need other networks (--to RUN, twice for a plane); "
            "all other directions take no --to"
        )
    if wish.directions == "pca":
        good = np.flatnonzero(_are_finite(rows))
        return ways.principal(rows[good[evenly(len(good), ways.MOST)]], wish.dimensions)
    if wish.directions == "between":
        if len(others) != wish.dimensions:
            raise DynvizError(f"{wish.dimensions} directions need {wish.dimensions} --to RUN, not {len(others)}")
        directions = np.stack([other[-1].astype(np.float64) - base for other in others])
        lengths = np.linalg.norm(directions, axis=1)
        if not lengths.all() or (
            len(directions) == 2 and abs(directions[0] @ directions[1]) >= (1 - 1e-9) * lengths.prod()
        ):
            raise DynvizError("the networks are at one point or on one line, so there are no directions between them")
        return directions
    draw = ways.filter_normalised if wish.directions == "filter" else ways.gaussian
    parts = recording.metadata.channels[PARAMETERS].parts
    rng = np.random.default_rng(wish.seed)
    directions = np.stack([draw(base, parts, rng) for _ in range(wish.dimensions)])
    if not np.linalg.norm(directions, axis=1).all():
        other = "gaussian" if wish.directions == "filter" else "pca"
        raise DynvizError(
            f"{wish.directions} directions are zero here, because the parameters that they are scaled to are zero; "
            f"use {other}"
        )
    return directions


def _are_finite(rows: NDArray[Any]) -> NDArray[np.bool_]:
    """Which samples [samples, numbers] have finite numbers only; they may be more than fit in memory."""
    many = max(1, AT_ONCE // max(1, rows.shape[1]))
    parts = [np.isfinite(rows[start : start + many]).all(axis=1) for start in range(0, len(rows), many)]
    return np.concatenate(parts)


def _kept(recording: Recording, rows: NDArray[Any], index: int) -> tuple[NDArray[np.int64], Array]:
    """Steps and parameters of evenly spaced samples and of the chosen one; those that diverged are left out."""
    at = np.unique(np.append(evenly(len(rows), SAMPLES), index % len(rows)))
    parameters = rows[at].astype(np.float64)
    # What is larger cannot be seen beside anything else.
    good = (np.abs(parameters) < 1e15).all(axis=1)
    return recording.steps(PARAMETERS)[at][good], parameters[good]


def _place(moved: Array, directions: Array) -> tuple[Array, Array]:
    return ways.coordinates(moved, directions)


def _axes(wish: Wish, places: Sequence[Array]) -> list[Array]:
    """The coordinates along each direction: around the point for random ones, around all trajectories for others."""
    if wish.directions in ("filter", "gaussian"):
        reach = wish.extent or 1.0
        return [np.linspace(-reach, reach, wish.grid)] * wish.dimensions
    axes, more = [], 0.3 if wish.extent is None else wish.extent
    for direction in range(wish.dimensions):
        seen = np.concatenate([place[:, direction] for place in places])
        low, high = float(seen.min()), float(seen.max())
        margin = more * (high - low) or 1.0
        axes.append(np.linspace(low - margin, high + margin, wish.grid))
    return axes


def _grid(axes: Sequence[Array], plane: _Plane, work: tuple[Losses, Wish, _Tally]) -> Array:
    base, directions, statistics = plane
    measured, wish, tally = work
    coordinates = np.stack([axis.ravel() for axis in np.meshgrid(*axes)], axis=1)

    def rows(start: int, stop: int) -> Array:
        return joined(base + coordinates[start:stop] @ directions, statistics)

    losses = measured.at(rows, len(coordinates), wish.memory, tally)
    return losses.reshape(len(losses), *(len(axis) for axis in reversed(axes)))


def _path(steps: NDArray[np.int64], points: Array, plane: _Plane, work: tuple[Losses, Wish, _Tally]) -> Trajectory:
    """A trajectory, of parameters and buffers, and its shadow: the same losses of both."""
    base, directions, statistics = plane
    measured, wish, tally = work
    rows = points[:, : len(base)]
    moved = rows - base
    place, off = _place(moved, directions)
    loss = measured.at(lambda start, stop: points[start:stop], len(rows), wish.memory, tally)

    def shadows(start: int, stop: int) -> Array:
        return joined(base + place[start:stop] @ directions, statistics)

    shadow = measured.at(shadows, len(rows), wish.memory, tally)
    share = ways.explained(rows, directions)
    return Trajectory(steps, place, off, np.linalg.norm(moved, axis=1), loss, shadow, share)
