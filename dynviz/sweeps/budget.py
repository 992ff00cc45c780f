"""The resources of a lane: memory while it trains, and disk space."""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from dynviz.errors import DynvizError
from dynviz.frozen import frozen
from dynviz.plugins import Plugin, load
from dynviz.recording.metadata import Lane
from dynviz.recording.schema import STEPS
from dynviz.sweeps.cluster import Cluster
from dynviz.sweeps.grid import Combination
from dynviz.sweeps.jobs import Job, Settings, numbered, split
from dynviz.training import devices
from dynviz.training.launch import DTYPES
from dynviz.training.plan import check_optimizer, requests
from dynviz.training.preparation import LARGE, PreparedRecording, RunRequest, prepare
from dynviz.training.trainer import CAPACITY

SHARE = 0.5
"""Of the memory that is there, all processes together take so much at most, unless they are told."""
GIGABYTE = 1_000_000_000
_DEVICE = re.compile(r"auto|cpu|cuda(:\d+)?")
LANES = 2**20
"""Of a whole sweep; the table has a row for each."""
COPIES = 12
"""So many tensors of the size of all parameters a step holds at most: gradient, terms, state, old and new."""


@frozen
class Resources:
    """What a sweep may use.

    Attributes:
        jobs: Number of processes that train at the same time; None for one per core.
        memory: Gigabytes that each of them may use; None for an equal share of half of this machine's memory.
        large: Whether more than 4 GB may be written.
        cluster: The Dask cluster that jobs run on instead; None for processes on this machine.
    """

    jobs: int | None = None
    memory: float | None = None
    large: bool = False
    cluster: Cluster | None = None

    def bytes_per_job(self, device: str) -> int:
        """The memory that each job may use, given the devices of the sweep."""
        if self.memory is not None:
            return int(self.memory * GIGABYTE)
        if self.cluster is None:
            return memory(processes(device, self.jobs))
        there = self.cluster.memory
        return memory(processes("cpu", None)) if there is None else int(SHARE * there)


def check(settings: Settings, *, here: bool = True) -> None:
    """Check the settings of a run.

    Args:
        settings: The settings.
        here: Whether it trains on this machine, which then needs its devices.

    Raises:
        DynvizError: A setting is invalid.
    """
    if settings.steps is not None and not 1 <= settings.steps <= STEPS:
        raise DynvizError(f"{settings.steps} steps cannot be trained; steps is a whole number from 1 to {STEPS}")
    if settings.dtype not in DTYPES:
        raise DynvizError(f"no dtype named {settings.dtype!r}; there are float32 and float64")
    for name in settings.device.split(","):
        if here or not _DEVICE.fullmatch(name):
            devices.find(name)
    requests(settings.record)


def check_lanes(count: int) -> None:
    """Refuse a sweep with more lanes than its table can have.

    Raises:
        DynvizError: There are more.
    """
    if count > LANES:
        raise DynvizError(f"this sweep would have {count:,} lanes, more than {LANES:,}: give fewer values or seeds")


def needs_gpu(device: str) -> bool:
    """Whether one of a sweep's devices is a GPU, by name."""
    return "cuda" in device


def memory(processes: Sequence[str]) -> int:
    """The number of bytes that each of several processes may use, given the device of each."""
    return min(int(SHARE * _there(device) / processes.count(device)) for device in processes)


def _there(device: str) -> int:
    where = devices.find(device)
    if where.type == "cuda":
        return torch.cuda.mem_get_info(where)[0]
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def processes(device: str, count: int | None) -> tuple[str, ...]:
    """The device of each process that trains at the same time.

    Args:
        device: One device, or several in a list, of which each takes one job at a time.
        count: Number of processes; None for one per core, or one on a GPU, which lanes fill.

    Raises:
        DynvizError: A device does not exist here.
    """
    names = device.split(",")
    kinds = [devices.find(name).type for name in names]
    if len(names) > 1:
        return tuple(names[:count])
    return tuple(names) * (count or (1 if kinds == ["cuda"] else devices.cores()))


def measure(scenario: Plugin, rule: Plugin, lane: Lane, settings: Settings) -> tuple[int, int]:
    """The memory and disk space of one lane in bytes, found by building it.

    Raises:
        DynvizError: The scenario or the optimizer refuses its options.
    """
    check_optimizer(rule)
    request = RunRequest(
        steps=settings.steps,
        channels=requests(settings.record),
        device=torch.device("cpu"),
        dtype=settings.dtype,
        compiled=settings.compiled,
    )
    with devices.reproducible():
        (prepared,) = prepare(scenario, [rule], (lane,), request)
        return _memory(prepared), sum(prepared.metadata.channel_bytes.values())


def _memory(prepared: PreparedRecording) -> int:
    (stack,) = prepared.lanes.stacks
    batch = stack.batches(0, 1)[0]
    held: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        held[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    # A gradient written out by hand holds about as much as autograd saves, which can be counted.
    counted = stack.standing_in(stack.theta, stack.buffers, stack.constants)
    counted.task = replace(counted.task, gradient=None)
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        counted.gradient(batch)
    still = _bytes(stack.constants) + _bytes(stack.buffers) + COPIES * stack.theta.nbytes
    # What is saved for the way back, and about as much again on it.
    return still + (CAPACITY + 1) * sum(part.nbytes for part in batch) + 2 * sum(held.values())


def check_size(total: int, *, large: bool) -> None:
    """Refuse a sweep that would write too much.

    Raises:
        DynvizError: It would, and `large` is not set.
    """
    if total > LARGE and not large:
        raise DynvizError(
            f"this sweep would write {total / 1e9:.1f} GB; record less (--record 'CHANNEL:every=...') or add --yes"
        )


def _bytes(tensors: Mapping[str, Tensor] | Sequence[Tensor]) -> int:
    values = tensors.values() if isinstance(tensors, Mapping) else tensors
    return sum(value.nbytes for value in values)


def sized(
    wanted: Sequence[Job], tasks: Sequence[Combination], settings: Settings, resources: Resources
) -> tuple[Job, ...]:
    """The jobs in parts that the memory holds. A combination that is refused stays, and fails when its turn comes.

    Raises:
        DynvizError: All are refused, or they would write a great deal.
    """
    limit = resources.bytes_per_job(settings.device)
    most: dict[str, int] = {}
    disk_bytes: dict[str, int] = {}
    refused: Exception | None = None
    rules: dict[str, Plugin] = {}
    plugins = {repr(task.plugin.spec): task.plugin for task in tasks}
    for job in wanted:
        task, rule = repr(job.scenario), repr(job.optimizer)
        if task in most and rule in rules:
            continue
        # Each combination of the scenario's options is built once, and each optimizer, but not each pair.
        rules.setdefault(rule, load("optimizers", job.optimizer))
        try:
            lane, disk_bytes[task] = measure(plugins[task], rules[rule], job.lanes[0], settings)
        except Exception as error:
            refused = refused or error
            continue
        most[task] = max(1, limit // lane)
    if refused and not most:
        raise refused
    check_size(sum(disk_bytes.get(repr(job.scenario), 0) * len(job.lanes) for job in wanted), large=resources.large)
    return numbered([part for job in wanted for part in split(job, most.get(repr(job.scenario), len(job.lanes)))])
