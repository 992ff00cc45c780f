"""Where a run trains."""

import contextlib
import os
import platform
import sys
from collections.abc import Iterator

import torch

from dynviz.errors import DynvizError
from dynviz.training import openblas, randomness


def find(name: str) -> torch.device:
    """The device of this name: `auto` (CUDA where there is one, else the CPU), `cpu`, `cuda` or `cuda:N`.

    Raises:
        DynvizError: There is no such device here.
    """
    if name == "auto":
        return torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
    if name == "cpu":
        return torch.device("cpu")
    family, _, index = name.partition(":")
    if family != "cuda" or (index and not index.isdecimal()):
        raise DynvizError(f"no device named {name!r}; devices are auto, cpu, cuda and cuda:N")
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if int(index or 0) >= count:
        there = f"there are {count}" if count else "there is none"
        raise DynvizError(f"no CUDA device for --device {name}: {there} that this torch can use; --device cpu works")
    return torch.device("cuda", int(index or 0))


def describe(device: torch.device) -> str:
    """The device in words."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return platform.processor() or platform.machine()


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0))


@contextlib.contextmanager
def reproducible() -> Iterator[None]:
    """Compute with one thread and with global generators of one's own, and give back what was set.

    One thread is fastest for tasks of this size, and numbers depend on it: a sum of several threads is rounded
    otherwise than that of one. So all that makes numbers that are kept runs under it: building tasks, training, probes,
    projections. Threads that are started meanwhile each need `settle`.
    """
    threads, flushes = torch.get_num_threads(), _flushes()
    settle()
    try:
        with openblas.one_thread(), randomness.kept():
            yield
    finally:
        torch.set_num_threads(threads)
        torch.set_flush_denormal(flushes)


def settle() -> None:
    """Make the present thread one that computes alone.

    Numbers below 1e-38 become 0: a softmax that has become sharp is full of them, they change nothing that is
    recorded, and a processor takes many times as long for each.
    """
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)


def _flushes() -> bool:
    """Whether the present thread takes numbers that are too small for full precision as 0; torch does not tell."""
    return sys.float_info.min * 0.5 == 0.0
