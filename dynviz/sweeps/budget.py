"""The resources of a lane: memory while it trains, and disk space."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from dynviz.errors import DynvizError
from dynviz.plugins import Plugin
from dynviz.recording.metadata import Lane
from dynviz.recording.schema import STEPS
from dynviz.sweeps.jobs import Settings
from dynviz.training import devices
from dynviz.training.launch import DTYPES
from dynviz.training.plan import check_optimizer, requests
from dynviz.training.preparation import LARGE, PreparedRecording, RunRequest, prepare
from dynviz.training.trainer import CAPACITY

SHARE = 0.5
"""Of the memory that is there, all processes together take so much at most, unless they are told."""
LANES = 2**20
"""Of a whole sweep; the table has a row for each."""
COPIES = 12
"""So many tensors of the size of all parameters a step holds at most: gradient, terms, state, old and new."""


def check(settings: Settings) -> None:
    """Check the settings of a run.

    Raises:
        DynvizError: A setting is invalid.
    """
    if settings.steps is not None and not 1 <= settings.steps <= STEPS:
        raise DynvizError(f"{settings.steps} steps cannot be trained; steps is a whole number from 1 to {STEPS}")
    if settings.dtype not in DTYPES:
        raise DynvizError(f"no dtype named {settings.dtype!r}; there are float32 and float64")
    devices.find(settings.device)
    requests(settings.record)


def check_lanes(count: int) -> None:
    """Refuse a sweep with more lanes than its table can have.

    Raises:
        DynvizError: There are more.
    """
    if count > LANES:
        raise DynvizError(f"this sweep would have {count:,} lanes, more than {LANES:,}: give fewer values or seeds")


def memory(device: str, processes: int) -> int:
    """The number of bytes that each of several processes may use."""
    where = devices.find(device)
    if where.type == "cuda":
        there = torch.cuda.mem_get_info(where)[0]
    else:
        there = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return int(SHARE * there / processes)


def processes(device: str) -> int:
    """The default number of processes that train at the same time: one per core; one on a GPU, which lanes fill."""
    return 1 if devices.find(device).type == "cuda" else devices.cores()


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
