"""A task's losses as functions of all parameters, flattened, for many points at once."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.func import vmap
from torch.utils._pytree import tree_leaves

from dynviz.errors import DynvizError, unknown
from dynviz.frozen import frozen
from dynviz.plugins.trust import Trusted
from dynviz.projection.measures import TRAINING_LOSS, Exclusive, Numbers, numbers, probes_of, seeded
from dynviz.projection.own_loss import LossFunction, task_with
from dynviz.recording import Recording
from dynviz.task import Task, Tensors
from dynviz.text import quoted
from dynviz.training import devices
from dynviz.training.observation import observed
from dynviz.training.operators import OperatorMode
from dynviz.training.parameter_layout import ParameterLayout
from dynviz.training.preparation import rebuilt, tasks

Array: TypeAlias = NDArray[np.float64]
Progress: TypeAlias = Callable[[int, int], None]
Rows: TypeAlias = Callable[[int, int], NDArray[Any]]
"""Function of (start, stop) to the rows of the points in between [points, numbers]."""

MEMORY = 64_000_000
"""Bytes of intermediate values of the points that a thread evaluates together: more of them leave the caches."""
MEMORY_CUDA = 8_000_000_000
MOST = 4096
"""Points that are evaluated together, at most."""
PARTS = 16
"""Points are evaluated in so many parts at least, which the cores share.

The cores of the machine do not tell how many are evaluated together, which their rounding depends on.
"""


@frozen(kw_only=True)
class Losses:
    """Losses of a task as functions of its parameters.

    Attributes:
        names: `loss`, or channels of probes.
        layout: The positions of parameters in a row.
        statistics: The positions of buffers that may follow in a row; without them, initial buffers are used.
        measure: Function of the parameters and buffers of one network to the losses [names].
        moving: The names of the losses that depend on the buffers.
        dtype: The dtype of the computation.
        device: The device.
    """

    names: tuple[str, ...]
    layout: ParameterLayout
    statistics: ParameterLayout
    measure: Numbers
    moving: tuple[str, ...]
    dtype: torch.dtype
    device: torch.device

    def at(self, rows: Rows, count: int, memory: int = 0, progress: Progress | None = None) -> Array:
        """The losses [names, points] at many points.

        Args:
            rows: Creates the rows, a few at a time, because all of them may not fit into memory.
            count: The number of points.
            memory: Bytes of intermediate values of the points that a thread evaluates together; 0 for the default.
            progress: Called with the number of points that are done.
        """
        values = np.empty((len(self.names), count))
        if not count:
            return values
        done = 0
        with threads(self.device) as pool:
            size = self.together(rows(0, 1), memory, count)
            starts = range(0, count, size)
            parts = pool.map(lambda start: self._some(rows(start, min(start + size, count))), starts)
            for start, part in zip(starts, parts, strict=True):
                values[:, start : start + part.shape[1]] = part
                done += part.shape[1]
                if progress:
                    progress(done, count)
        return values

    def together(self, row: NDArray[Any], memory: int = 0, count: int = MOST) -> int:
        """How many points to evaluate together, given the memory that one of them needs."""
        limit = memory or (MEMORY_CUDA if self.device.type == "cuda" else MEMORY)
        with torch.no_grad(), _Bytes() as meter:
            self.measure(*self.tensors(self.row(row[0])))
        if not self._stackable(row):
            return 1
        parts = 1 if self.device.type == "cuda" else PARTS
        fitting: int = limit // max(meter.total, 1)
        return max(1, min(fitting, MOST, -(-count // parts)))

    def _stackable(self, row: NDArray[Any]) -> bool:
        """Whether vmap goes through the losses; it has no rule for a GRU, for example, nor for random numbers."""
        try:
            with torch.no_grad():
                vmap(self.measure)(*self.tensors(self.row(row[[0, 0]])))
        except Exception:  # what is wrong with the losses themselves shows when they are measured
            return False
        return True

    def _some(self, rows: NDArray[Any]) -> Array:
        with torch.no_grad():
            values = self.row(rows)
            if len(values) == 1:
                measured = self.measure(*self.tensors(values[0]))[None]
            else:
                measured = vmap(self.measure)(*self.tensors(values))
            return np.asarray(measured.T.double().cpu().numpy())

    def tensors(self, row: Tensor) -> tuple[Tensors, Tensors]:
        """The parameters in a row, and any buffers that follow, by name."""
        count = sum(self.layout.sizes)
        buffers = self.statistics.views(row[..., count:]) if row.shape[-1] > count else {}
        return self.layout.views(row[..., :count]), buffers

    def row(self, row: NDArray[Any]) -> Tensor:
        """Rows of numbers as a tensor with the dtype and on the device of the computation."""
        return torch.from_numpy(np.array(row)).to(self.device, self.dtype)


class _Bytes(OperatorMode):
    """Counts the bytes of all that is computed: what many points at once would need, at most."""

    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        self.total += sum(leaf.nbytes for leaf in tree_leaves(out) if isinstance(leaf, Tensor))
        return out


@contextlib.contextmanager
def threads(device: torch.device) -> Iterator[ThreadPoolExecutor]:
    """One thread per core, each computing alone, because single operations are too small to share."""
    count = 1 if device.type == "cuda" else devices.cores()
    with devices.reproducible(), ThreadPoolExecutor(count, initializer=devices.settle) as pool:
        yield pool


def task_of(recording: Recording, lane: int, trusted: Trusted = (), function: str | LossFunction | None = None) -> Task:
    """The task of a recording's lane, as it was trained.

    Args:
        recording: The recording.
        lane: The lane.
        trusted: Code that may run, see `dynviz.plugins.trust`.
        function: Takes the place of the scenario's loss; see `dynviz.projection.own_loss`.

    Raises:
        DynvizError: Its scenario no longer exists, or needs consent; or there is no such function.
    """
    metadata = recording.metadata
    if function:
        return task_with(recording, lane, function)
    if metadata.own_loop:
        raise DynvizError(
            f"recording {quoted(recording.label)} is of a script's own loop, whose loss dynviz does not know: add "
            "--loss FILE, a file that binds loss, a function of the parameters by name"
        )
    with devices.reproducible():
        scenario = rebuilt(recording, "scenarios", trusted)
        (task,) = tasks(scenario, metadata.lanes[lane : lane + 1], metadata.dtype)
    return task


@frozen
class LossFacts:
    """The losses that a scenario suggests for its landscape."""

    landscape: tuple[str, ...] = (TRAINING_LOSS,)


def suggested(recording: Recording) -> tuple[str, ...]:
    """The losses that the scenario suggests for its landscape, else the training loss."""
    return recording.facts_as(LossFacts).landscape


def losses(
    task: Task, names: tuple[str, ...], batches: int = 1, device: str = "auto", again: Callable[[], Task] | None = None
) -> Losses:
    """The named losses of a task.

    `loss` is the training loss over the first batches of the run; batch normalisation uses the statistics of each
    batch.

    Args:
        task: The task of one lane.
        names: `loss`, or channels of probes that return one number.
        batches: The number of training batches over which `loss` is averaged.
        device: `auto`, `cpu`, `cuda` or `cuda:N`.
        again: Builds the task again, for threads that need an nn.Module of their own.

    Raises:
        DynvizError: There is no such loss.
    """
    for name in names:
        if name != TRAINING_LOSS and name not in probes_of(task):
            raise unknown("loss to project", name, [TRAINING_LOSS, *probes_of(task)])
    where = devices.find(device)
    layout, statistics = (
        ParameterLayout({name: tuple(value.shape) for name, value in tensors.items()})
        for tensors in (task.parameters, task.buffers)
    )
    first = {name: value.to(where) for name, value in task.parameters.items()}
    moved = {name: 2 * value.to(where) + 1 for name, value in task.buffers.items() if value.is_floating_point()}
    with devices.reproducible(), torch.no_grad():
        measure = numbers(task, names, batches, where)
        with observed() as seen:
            before = measure(first, {})
        if seen.draws:
            # One generator is shared by all threads; every point sees the same numbers.
            measure = Exclusive([seeded(measure, where)])
            before = measure(first, {})
        elif seen.modules:
            others = range(devices.cores() - 1 if again and where.type == "cpu" else 0)
            measure = Exclusive([measure, *(numbers(again(), names, batches, where) for _ in others if again)])
        after = measure(first, moved)
    return Losses(
        names=tuple(names),
        layout=layout,
        statistics=statistics,
        measure=measure,
        moving=tuple(
            name for name, one, other in zip(names, before, after, strict=True) if not torch.equal(one, other)
        ),
        dtype=next(iter(task.parameters.values())).dtype,
        device=where,
    )
